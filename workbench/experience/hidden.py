"""Whether the emotion curve of everybody can be trusted: answers hidden and foretold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.experience.latent import lay_out
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis, tidy
from workbench.stats import latent_affect

if TYPE_CHECKING:
    from workbench.types import Table

ANSWER = Note(
    "experience.hidden_answer",
    "Of {n} answers that were hidden the band holds {share:%} ({low:%} to {high:%}); foretold from "
    "all else the error is {error:2} points, from the last answer carried forward {carried:2} "
    "({pairs} answers with one before).",
)
LEVEL = 0.95
SEEN_ONLY = Note(
    "experience.hidden_limit",
    "What is hidden are answers that were given: of those who never answer this says nothing.",
)


@engine.frames(
    "events",
    "surveys",
    "texts",
    "invitations",
    "customers",
    optional=("texts", "invitations", "customers"),
)
@analysis
def hidden_answers(
    events: Table,
    surveys: Table,
    texts: Table | None = None,
    invitations: Table | None = None,
    customers: Table | None = None,
    *,
    item: str = "satisfaction",
    share: float = 0.2,
    seed: int = 1,
) -> Result:
    """Does the model of everybody's feeling foretell answers that it has not seen?

    Parameters
    ----------
    events, surveys, texts, invitations, customers, item : as in `latent_curve`
    share : float
        Of the answers, drawn by lot, that are hidden; that they were given is not hidden.
    seed : int

    Returns
    -------
    Result
        measure, method, count, n (answers), estimate, std_error, conf_low, conf_high. Measures:
        coverage (share of the hidden answers within the 95 % band), root_mean_squared_error
        (of the answers that had one before them; methods state_space, last_answer and
        stage_mean) and error_reduction (share by which the error is below that of the last answer).

    Raises
    ------
    InputError
        For a share that is not above 0 and below 0.5; else as `latent_curve`.
    NotEnoughData
        As `latent_curve`, or with fewer than ten hidden answers that had one before.

    Source: rule V-19; hold-out: Gneiting & Raftery (2007), JASA 102.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> felt = affect.journeys(800)
    >>> made = hidden_answers(felt.events, felt.surveys, felt.texts, felt.invitations).table
    >>> made["measure"].drop_duplicates().tolist()
    ['coverage', 'root_mean_squared_error', 'error_reduction']
    """
    if not 0 < share < 0.5:
        raise InputError(
            "experience.error_share",
            "share: must be above {least} and below {most}, found {found:plain}",
            least=0,
            most=0.5,
            found=share,
        )
    laid = lay_out(events, surveys, texts, invitations, customers, item=item, stages=None)
    guess = _foretold(laid, share, seed)
    table = tidy(_rows(guess, seed))
    covered = table.iloc[0]
    error = table[table["measure"] == "root_mean_squared_error"].set_index("method")
    return Result(
        question=Note(
            "experience.hidden_question", "Are answers foretold that the model has not seen?"
        ),
        table=table,
        answer=ANSWER.having(
            n=int(covered["n"]),
            share=covered["estimate"],
            low=covered["conf_low"],
            high=covered["conf_high"],
            error=error.loc["state_space", "estimate"],
            carried=error.loc["last_answer", "estimate"],
            pairs=int(error.loc["last_answer", "n"]),
        ),
        method=Note(
            "experience.hidden_method",
            "{share:%} of the answers are hidden by lot, the model is fitted without them, and its "
            "band of {level:%} is held against them; answers are drawn anew for the intervals.",
            share=share,
            level=LEVEL,
        ),
        unit="answers",
        n=int(covered["n"]),
        limits=(SEEN_ONLY,),
        chart=Points(
            label=["method"],
            only={"measure": ["root_mean_squared_error"]},
            xlabel=Note("experience.axis_error", "Error (points of the scale)"),
        ),
    )


def _foretold(laid, share, seed):
    """Return, of the hidden answers, who, value, mean, error, last answer and stage mean."""
    answers = laid.series.observed[..., latent_affect.ANSWER]
    where = np.argwhere(~np.isnan(answers))
    value = answers[where[:, 0], where[:, 1]]
    # Drawn in an order that hangs on what was said and when, not on whose it is.
    at = laid.rows.set_index(["who_number", "step"])["at"]
    rank = np.lexsort((value, at.loc[list(map(tuple, where))].to_numpy()))
    rng = np.random.default_rng(seed)
    hide = where[rank][rng.random(len(where)) < share]
    seen = laid.series.observed.copy()
    seen[hide[:, 0], hide[:, 1], latent_affect.ANSWER] = np.nan
    fit = latent_affect.fit(replace(laid.series, observed=seen), errors=False)
    at = (hide[:, 0], hide[:, 1])
    before = [seen[i, :t, latent_affect.ANSWER] for i, t in hide]
    before = [b[~np.isnan(b)] for b in before]
    stage = laid.rows.set_index(["who_number", "step"])["stage"]
    of_hidden = stage.loc[list(map(tuple, hide))].to_numpy() if len(hide) else np.array([])
    rest = np.argwhere(~np.isnan(seen[..., latent_affect.ANSWER]))
    of_rest = stage.loc[list(map(tuple, rest))].to_numpy()
    left = seen[rest[:, 0], rest[:, 1], latent_affect.ANSWER]
    mean = {s: float(left[of_rest == s].mean()) for s in set(of_rest)}
    return {
        "who": hide[:, 0],
        "value": answers[at],
        "state_space": fit.mean[at],
        "spread": np.sqrt(fit.variance[at] + fit.parameters.noise),
        "last_answer": np.array([b[-1] if len(b) else np.nan for b in before]),
        "stage_mean": np.array([mean.get(s, float(left.mean())) for s in of_hidden]),
    }


def _rows(guess, seed):
    gap = np.abs(guess["value"] - guess["state_space"])
    inside = gap <= intervals.z(LEVEL) * guess["spread"]
    rows = [
        {
            "measure": "coverage",
            "method": "state_space",
            **intervals.share(inside, guess["who"]),
        }
    ]
    both = ~np.isnan(guess["last_answer"])
    if both.sum() < MINIMUM_CELL:
        raise NotEnoughData(
            "experience.error_few_hidden",
            "surveys: {n} hidden answers had one before them; at least {least} are needed",
            n=int(both.sum()),
            least=MINIMUM_CELL,
        )
    names = ("state_space", "last_answer", "stage_mean")
    squares = np.column_stack([(guess["value"] - guess[m])[both] ** 2 for m in names])
    rng = np.random.default_rng(seed)
    squares = squares[np.lexsort(squares.T)]
    drawn = rng.integers(0, len(squares), (400, len(squares)))
    roots = np.sqrt(squares[drawn].mean(axis=1))
    own = np.sqrt(squares.mean(axis=0))
    for k, name in enumerate(names):
        rows.append(
            {
                "measure": "root_mean_squared_error",
                "method": name,
                **_row(own[k], roots[:, k], both.sum()),
            }
        )
    gain, draws = 1 - own[0] / own[1], 1 - roots[:, 0] / roots[:, 1]
    rows.append(
        {"measure": "error_reduction", "method": "state_space", **_row(gain, draws, both.sum())}
    )
    return rows


def _row(estimate, draws, n):
    error, low, high = intervals.percentiles(draws, float(estimate))
    return {
        "n": int(n),
        "estimate": float(estimate),
        "std_error": float(error),
        "conf_low": float(low),
        "conf_high": float(high),
    }
