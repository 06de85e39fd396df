"""Do people answer otherwise by telephone than on a page, and late otherwise than at once?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench import regression as fits
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

CHOSEN = Note(
    "surveys.mode_limit",
    "People choose how and when they answer, or are chosen for it: the difference holds at equal "
    "terms and may still be one of people. Only modes given by lot tell what a mode does.",
)
LOTTED = Note("surveys.mode_by_lot", "A lot decided the mode: the difference is that of the mode.")
DELAY = "days_to_answer"


@engine.frames("surveys")
@analysis
def mode_effect(
    surveys: Table,
    *,
    item: str,
    mode: str = "mode",
    covariates: Sequence[str] = (),
    randomised: bool = False,
    conf_level: float = 0.95,
) -> Result:
    """Do answers differ by how and when people were asked, other things equal?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value, and the columns of mode and terms
        invited_at where the delay of the answer is to count too.
    item : str
    mode : str
        Column that says how an answer was given, such as by telephone; the first by name is the
        base.
    covariates : sequence of str
        Columns that are held equal, such as age.
    randomised : bool
        Whether a lot decided the mode.
    conf_level : float

    Returns
    -------
    Result
        term, measure, n (answers), estimate, std_error, conf_low, conf_high, p_value. Measures:
        odds_of_higher (odds ratio of a higher answer, ordered logit) and difference (of the mean
        answer, least squares), of each mode less the base and, where invited_at is there, for a
        day more of delay (days_to_answer); respondents are the sampling unit.

    Raises
    ------
    InputError
        For a missing column, or answers with weights, which an ordered logit cannot use.
    NotEnoughData
        With one mode only.

    Source: McCullagh (1980), JRSS B 42; Dillman, Smyth & Christian (2014), Internet, Phone, Mail,
    and Mixed-Mode Surveys.
    """
    from workbench.surveys.answers import given

    given(surveys, item)
    rows = surveys[(surveys["item"].map(names.written) == names.written(item)).to_numpy()]
    terms = [mode, *names.listed(covariates)]
    fits.require(rows, "surveys", *terms)
    rows = rows.assign(**{mode: rows[mode].map(names.written, na_action="ignore")})
    if rows[mode].nunique() < 2:
        raise NotEnoughData(
            "surveys.error_one_mode",
            "surveys: all answers were given in one way; there is nothing to compare",
        )
    if "invited_at" in rows:
        waited = schemas.moments(rows, "surveys", "answered_at") - schemas.moments(
            rows, "surveys", "invited_at"
        )
        rows, terms = rows.assign(**{DELAY: waited.dt.total_seconds() / 86_400}), [*terms, DELAY]
    # In an order that hangs on what is fitted, and not on what people are called.
    rows = rows.sort_values(["value", *terms], kind="stable")
    data = fits.prepare(
        rows, "value", terms, cluster="respondent_id", what="surveys", weights=weights.of(rows)
    )
    asked = [c for c in data.x if c.startswith(f"{mode}: ") or c == DELAY]
    table = tidy(
        [*_rows(data, asked, "ordinal", conf_level), *_rows(data, asked, "linear", conf_level)]
    )
    first = table[table["measure"] == "difference"].sort_values("p_value", kind="stable").iloc[0]
    return Result(
        question=Note(
            "surveys.mode_question", "Do answers differ by how and when people were asked?"
        ),
        table=table,
        answer=Note(
            "surveys.mode_answer",
            "Clearest is {term}: the mean answer differs by {estimate:2} points ({low:2} to "
            "{high:2}; {n} answers), other terms equal.",
            term=first["term"],
            estimate=first["estimate"],
            low=first["conf_low"],
            high=first["conf_high"],
            n=int(first["n"]),
        ),
        method=Note(
            "surveys.mode_method",
            "Ordered logit and least squares of the answer on mode, delay and the terms named; "
            "respondents are the sampling unit.",
        ),
        unit="answers",
        n=len(data.y),
        conf_level=conf_level,
        evidence="experimental" if randomised else "associational",
        limits=(LOTTED if randomised else CHOSEN,),
        chart=Points(
            label=["term"],
            only={"measure": "difference"},
            reference=0,
            xlabel=Note("surveys.mode_axis", "Difference of the mean answer"),
        ),
    )


def _rows(data, asked, kind, conf_level):
    """Yield odds ratios (ordinal) or differences (linear) of the terms asked about."""
    fit = fits.fit(data, kind)
    for term in asked:
        beta, error = float(fit.params[term]), float(fit.bse[term])
        low, high = (float(v) for v in intervals.normal(beta, error, conf_level))
        p = float(intervals.p_value(beta, error))
        if kind == "ordinal":
            odds = float(np.exp(beta))
            # The error of the odds by the delta method; the limits come from the logarithm.
            numbers = (odds, odds * error, float(np.exp(low)), float(np.exp(high)))
        else:
            numbers = (beta, error, low, high)
        yield {
            "term": term,
            "measure": "odds_of_higher" if kind == "ordinal" else "difference",
            "n": len(data.y),
            **dict(zip(("estimate", "std_error", "conf_low", "conf_high"), numbers, strict=True)),
            "p_value": p,
        }
