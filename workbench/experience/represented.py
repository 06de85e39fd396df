"""For whom an emotion curve speaks: who answered, how they differ from everybody, and what that may
do to the curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData, need_columns
from workbench.experience import moments
from workbench.experience.curves import axis
from workbench.notes import Note, say
from workbench.results import Result, Stations, analysis, tidy
from workbench.stats import sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

DAY = 86_400_000_000
ANSWER = Note(
    "experience.represented_answer",
    "{share:%} of those who came to a stage answered there ({low:%} to {high:%}; {count} of {n} "
    "visits to a stage). Without any assumption on the others the mean of {stage:word} lies "
    "between {bound_low:2} and {bound_high:2}; those who answered say {estimate:2}.",
)
WEIGHTED = Note(
    "experience.represented_weighted",
    "Weighted, the curve moves by at most {most:2} points. That mends what the weights know of, "
    "and nothing of what hangs on the feeling itself.",
    most=0,
)
UNWEIGHTED = Note(
    "experience.represented_unweighted",
    "The answers have no weights; surveys.response_weights makes them from what was known of "
    "everybody who was invited.",
)
BOUNDS = Note(
    "experience.represented_bounds",
    "The bounds let everybody who did not answer feel as bad, or as good, as the scale allows: "
    "what lies outside them can be ruled out, what lies within cannot.",
)
BY_LOT = Note(
    "experience.represented_lot",
    "The bounds hold for who was invited; that a lot decided it is taken for granted.",
)


@engine.frames("events", "surveys", "invitations", optional=("invitations",))
@analysis
def representativeness(
    events: Table,
    surveys: Table,
    invitations: Table | None = None,
    *,
    item: str = "satisfaction",
    stages: Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How far do those who answered differ from everybody, and what may that do to the curve?

    Parameters
    ----------
    events : table with customer_id, occurred_at, event, stage
        Of everybody.
    surveys : table with respondent_id, answered_at, item, value, stage
        weight, such as `surveys.response_weights` makes it, to see what it does; scale.
    invitations : table with respondent_id, invited_at, stage, optional
        Who was asked, by lot: then bounds are for these, and everybody else is like them.
    item : str
    stages : sequence of str, optional
    conf_level : float

    Returns
    -------
    Result
        measure, stage, term, count, n, estimate, std_error, conf_low, conf_high, bound_low,
        bound_high. Measures: response (share who answered of those who came, or were asked), mean
        (of the answers, each counted once) with its bounds, weighted_mean, and difference (of who
        answered less who did not, in standard deviations, of the terms visits and days_before:
        visits so far, and days since the first).

    Raises
    ------
    InputError
        As `emotion_curve`.
    NotEnoughData
        Where nobody who answered is among those who came.

    Source: bounds: Manski (1990), American Economic Review 80; rule V-08.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> felt = affect.journeys(400)
    >>> made = representativeness(felt.events, felt.surveys, felt.invitations).table
    >>> mean = made[made["measure"] == "mean"]
    >>> bool((mean["bound_low"] < mean["conf_low"]).all())
    True
    """
    came = moments.events(events)
    order = moments.in_order(came["stage"], stages)
    came = moments.only(came, order, "events")
    answers = moments.answers(surveys, item, "stage")
    span = moments.span_of(answers["value"], surveys, item)
    weighted = answers.attrs.get("weighted")
    answers = moments.only(answers, order, "surveys")
    visits = _visits(came, answers, invitations, order)
    rows = []
    for stage in order:
        here = visits[visits["stage"] == stage]
        if len(here):
            said = answers[(answers["stage"] == stage) & answers["who"].isin(here["who"])]
            rows += _stage_rows(stage, here, said, span, weighted, conf_level)
    if not any(row["measure"] == "mean" for row in rows):
        raise NotEnoughData(
            "experience.error_no_match",
            "surveys: nobody who answered is among those who came to a stage, such as "
            "{example:repr}",
            example=str(came["who"].iloc[0]),
        )
    share = intervals.share(visits["answered"], visits["who"], conf_level)
    rows.append({"measure": "response", "stage": "all", "term": "", **share})
    table = tidy([*rows, *_differences(visits, conf_level)])
    return Result(
        question=Note("experience.represented_question", "For whom does the emotion curve speak?"),
        table=table,
        answer=_answer(table),
        method=Note(
            "experience.represented_method",
            "A visit is a customer at a stage. Bounds put those who did not answer at either end "
            "of the scale ({lowest:plain} to {highest:plain}); differences are in standard "
            "deviations of all visits, the customer as sampling unit.",
            lowest=span[0],
            highest=span[1],
        ),
        unit="visits",
        n=len(visits),
        conf_level=conf_level,
        limits=(
            BOUNDS,
            *([BY_LOT] if invitations is not None else []),
            _moved(table) if weighted else UNWEIGHTED,
        ),
        chart=Stations(
            x="stage",
            group="measure" if weighted else None,
            only={"measure": ["mean", "weighted_mean"] if weighted else ["mean"]},
            ylabel=axis(item, span),
        ),
    )


def _visits(came, answers, invitations, order):
    """Return a row a customer and stage: whether they answered, visits and days before."""
    rank = came.groupby("who").cumcount() + 1
    first = came.groupby("who")["at"].transform("min")
    walked = came.assign(visits=rank, days_before=(came["at"] - first) / DAY)
    last = walked.drop_duplicates(["who", "stage"], keep="last")
    if invitations is not None:
        asked = _asked(invitations)
        lost = ~asked.set_index(["who", "stage"]).index.isin(last.set_index(["who", "stage"]).index)
        if lost.any():
            say(
                Note(
                    "experience.invited_elsewhere",
                    "{n} invitation belongs to nobody who came to that stage and is left out.",
                    "{n} invitations belong to nobody who came to that stage and are left out.",
                    n=int(lost.sum()),
                )
            )
        last = last.merge(asked, on=["who", "stage"])
    done = set(zip(answers["who"], answers["stage"], strict=True))
    answered = [key in done for key in zip(last["who"], last["stage"], strict=True)]
    return last.assign(answered=np.array(answered, bool)).reset_index(drop=True)


def _asked(invitations):
    """Return who was asked at which stage, each once."""
    import pandas as pd

    need_columns("invitations", invitations.columns, "respondent_id", "invited_at", "stage")
    rows = invitations.dropna(subset=["respondent_id", "invited_at"])
    made = pd.DataFrame(
        {
            "who": engine.written(rows["respondent_id"]).to_numpy(object),
            "stage": moments.words(rows["stage"]),
        }
    )
    return made.dropna().drop_duplicates()


def _stage_rows(stage, here, said, span, weighted, conf_level):
    """Return response, mean with its bounds, and weighted mean of a stage."""
    key = {"stage": stage, "term": ""}
    share = intervals.share(here["answered"], here["who"], conf_level)
    rows = [{"measure": "response", **key, **share}]
    if len(said) < 2:
        return rows
    row = intervals.mean(said["value"], said["who"], conf_level)
    row.pop("total")
    low, high = (share["estimate"] * row["estimate"] + (1 - share["estimate"]) * s for s in span)
    row["conf_low"], row["conf_high"] = np.clip([row["conf_low"], row["conf_high"]], *span)
    bounds = {"bound_low": float(low), "bound_high": float(high)}
    rows.append({"measure": "mean", **key, **row, **bounds})
    if weighted:
        row = intervals.mean(said["value"], said["who"], conf_level, said["weight"].to_numpy())
        row.pop("total")
        row["conf_low"], row["conf_high"] = np.clip([row["conf_low"], row["conf_high"]], *span)
        rows.append({"measure": "weighted_mean", **key, **row})
    return rows


def _differences(visits, conf_level):
    """Return how those who answered differ in what they had done before."""
    rows, first = [], visits["answered"].to_numpy()
    if not 1 < first.sum() < len(first) - 1:
        return rows
    # Within stages: later stages have more visits behind them, and other response.
    for term in ("visits", "days_before"):
        value = visits[term].to_numpy(float)
        value = value - visits.groupby("stage")[term].transform("mean").to_numpy(float)
        spread = value.std()
        if not spread > 0:
            continue
        gap = sampling.difference(value / spread, first, None, visits["who"].to_numpy())
        low, high = intervals.normal(gap.estimate, gap.std_error, conf_level)
        rows.append(
            {
                "measure": "difference",
                "stage": "all",
                "term": term,
                "n": gap.n,
                "estimate": gap.estimate,
                "std_error": gap.std_error,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    return rows


def _moved(table):
    wide = table[table["measure"].isin(["mean", "weighted_mean"])].pivot(
        index="stage", columns="measure", values="estimate"
    )
    return WEIGHTED.having(most=float((wide["weighted_mean"] - wide["mean"]).abs().max()))


def _answer(table):
    """Return how many answered, and the bounds at the stage where they lie farthest apart."""
    share = table[(table["measure"] == "response") & (table["stage"] == "all")].iloc[0]
    means = table[table["measure"] == "mean"]
    wide = means.loc[(means["bound_high"] - means["bound_low"]).idxmax()]
    return ANSWER.having(
        share=share["estimate"],
        low=share["conf_low"],
        high=share["conf_high"],
        count=int(share["count"]),
        n=int(share["n"]),
        stage=wide["stage"],
        bound_low=wide["bound_low"],
        bound_high=wide["bound_high"],
        estimate=wide["estimate"],
    )
