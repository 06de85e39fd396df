"""How do people score? Scale means, attitude towards brands, service against expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW, LEFT_OUT
from workbench.drivers.psychometrics import SCALE
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Table

# One name alone, or beside the lowest of several.
SCORES = (
    Note(
        "drivers.scales_answer_one",
        "The mean score on {name:word} is {estimate:3} ({low:3} to {high:3}; {n} answers).",
    ),
    Note(
        "drivers.scales_answer",
        "The highest mean score is that on {name:word}: {estimate:3} ({low:3} to "
        "{high:3}; {n} answers); the lowest is on {last:word} ({last_value:3}).",
    ),
)
FAVOURABLE = (
    Note(
        "drivers.attitude_answer_one",
        "The attitude towards {name:word} scores {estimate:3} ({low:3} to {high:3}; {n} "
        "respondents); zero is neutral.",
    ),
    Note(
        "drivers.attitude_answer",
        "The attitude towards {name:word} is the most favourable: {estimate:3} ({low:3} "
        "to {high:3}; {n} respondents); the least favourable is {last:word} "
        "({last_value:3}).",
    ),
)
WEIGHTED = Note(
    "drivers.weighted",
    "Every answer counts by its weight; intervals allow for how far the weights differ.",
)
FALLS_SHORT = Note(
    "drivers.gap_answer",
    "The dimension that falls furthest short of expectations is {dimension:word}: "
    "{estimate:3} ({low:3} to {high:3}; {n} answers).",
)
NOT_SHORT = Note(
    "drivers.gap_answer_none",
    "No dimension could be shown to fall short of expectations: the lowest gap is "
    "that of {dimension:word}, {estimate:3} ({low:3} to {high:3}; {n} answers).",
)


@engine.frames("table")
@analysis
def scale_means(
    table: Table, scales: Mapping, *, cluster: str | None = None, conf_level: float = 0.95
) -> Result:
    """How high do people score on each scale, such as involvement or trust?

    Parameters
    ----------
    table : DataFrame
        One row an answer, one column an item; reversed items turned round beforehand.
    scales : dict
        Name → items; a respondent's score is the mean of the items answered, given at least half of
        them.
    cluster : str, optional
        Column of the respondent where one answers several times.

    Returns
    -------
    Result
        scale, total (sum of scores), n (answers), estimate (mean score), std_error, conf_low,
        conf_high.

    Raises InputError for missing items, NotEnoughData where nobody answered half of a scale.

    Source: Zaichkowsky (1994), Journal of Advertising 23, for the ten items of personal
    involvement.
    """
    import pandas as pd

    rows, weight = [], weights.of(table)
    for name, items in scales.items():
        fits.require(table, SCALE.having(name=name), *items, cluster)
        values = table[list(items)].astype(float)
        told = (values.notna().mean(axis=1) >= 0.5).to_numpy()
        if not told.any():
            raise NotEnoughData(
                "drivers.error_scale_unanswered",
                "scale '{name}': nobody answered half of the items",
                name=name,
            )
        who = table[cluster].to_numpy() if cluster else np.arange(len(told))
        rows.append(
            {
                "scale": name,
                **intervals.mean(
                    values.mean(axis=1).to_numpy()[told],
                    who[told],
                    conf_level,
                    None if weight is None else weight[told],
                ),
            }
        )
    return Result(
        question=Note("drivers.scales_question", "What is the mean score on each scale?"),
        table=pd.DataFrame(rows),
        answer=_highest(pd.DataFrame(rows), "scale", SCORES),
        method=Note(
            "drivers.scales_method",
            "Mean of the items answered (at least half); the respondent is the sampling unit.",
        ),
        unit="answers",
        n=max(r["n"] for r in rows),
        conf_level=conf_level,
        limits=(
            Note("drivers.scales_limit", "Check reliability before comparing scores."),
            *([] if weight is None else [WEIGHTED]),
        ),
        chart=Points(label=["scale"], xlabel=Note("drivers.scales_axis", "Mean score")),
    )


@engine.frames("answers")
@analysis
def attitude(answers: Table, *, conf_level: float = 0.95) -> Result:
    """How favourable is the attitude towards each brand: what people believe of it, times how good
    they find that?

    Parameters
    ----------
    answers : table with respondent_id, brand, belief_item, belief, evaluation
        belief (how likely the brand has the property) and evaluation (how good that is), both from
        −3 to +3; one row a respondent, brand and property.

    Returns
    -------
    Result
        brand, total (sum of scores), n (respondents), estimate (mean of the sum of belief ×
        evaluation; weighted where the answers have a column "weight"), std_error, conf_low,
        conf_high. The respondent is the sampling unit; incomplete brands are left out and counted.

    Raises InputError for missing columns or answers outside −3 to +3.

    Source: Fishbein & Ajzen (1975), Belief, Attitude, Intention, and Behavior.
    """
    import pandas as pd

    fits.require(
        answers, "answers", "respondent_id", "brand", "belief_item", "belief", "evaluation"
    )
    given = answers[["belief", "evaluation"]].to_numpy(float)
    if (np.abs(given[np.isfinite(given)]) > 3).any():
        raise InputError(
            "drivers.error_belief_range",
            "answers: belief and evaluation must lie between -3 and +3; convert other scales first",
        )
    frame = answers.assign(product=given.prod(axis=1))
    counted = ["brand", "respondent_id"]
    per = frame.groupby(counted, sort=True)["product"].agg(["sum", "count"])
    if weights.of(answers) is not None:
        per[weights.WEIGHT] = frame.groupby(counted, sort=True)[weights.WEIGHT].mean()
    whole = per["count"] == answers["belief_item"].nunique()
    rows = []
    for brand, mine in per[whole].groupby(level=0):
        made = intervals.mean(mine["sum"], np.arange(len(mine)), conf_level, weights.of(mine))
        rows.append({"brand": brand, **made})
    if not rows:
        raise NotEnoughData(
            "drivers.error_attitude_incomplete",
            "attitude: no respondent judged every property of a brand",
        )
    limits = [
        Note(
            "drivers.attitude_limit",
            "The score depends on which properties were asked about: compare brands on "
            "the same list only.",
        )
    ]
    limits += weights.said(weights.of(per[whole]))
    if not whole.all():
        limits.append(LEFT_OUT.having(n=int((~whole).sum())))
    return Result(
        question=Note(
            "drivers.attitude_question", "How favourable is the attitude towards each brand?"
        ),
        table=pd.DataFrame(rows),
        answer=_highest(pd.DataFrame(rows), "brand", FAVOURABLE),
        method=Note(
            "drivers.attitude_method",
            "Sum over properties of belief × evaluation (both from {lowest:plain} to "
            "+{highest}), averaged over respondents.",
            lowest=-3,
            highest=3,
        ),
        unit="respondents",
        n=int(answers["respondent_id"].nunique()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["brand"], reference=0, xlabel=Note("drivers.attitude_axis", "Attitude score")
        ),
    )


@engine.frames("answers")
@analysis
def service_gap(answers: Table, *, conf_level: float = 0.95) -> Result:
    """Where does what people get fall short of what they expect?

    Parameters
    ----------
    answers : table with respondent_id, dimension, expectation, perception
        One row a respondent and dimension (such as reliability, assurance, tangibles, empathy,
        responsiveness), both on the same scale.

    Returns
    -------
    Result
        dimension, measure (service_gap: perception minus expectation; perception alone), count
        (sum), n (answers), estimate (mean), std_error, conf_low, conf_high. The respondent is the
        sampling unit; incomplete answers are left out and counted.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        Without a complete answer.

    Source: Parasuraman, Zeithaml & Berry (1988), Journal of Retailing 64; perception alone: Cronin
    & Taylor (1992), Journal of Marketing 56.
    """
    import pandas as pd

    fits.require(answers, "answers", "respondent_id", "dimension", "expectation", "perception")
    whole = answers.dropna(subset=["dimension", "expectation", "perception"])
    if not len(whole):
        raise NotEnoughData("drivers.error_gap_empty", "service_gap: there is no complete answer")
    rows = []
    for name, mine in whole.groupby("dimension", sort=True):
        for measure, values in (
            ("service_gap", mine["perception"] - mine["expectation"]),
            ("perception", mine["perception"]),
        ):
            rows.append(
                {
                    "dimension": name,
                    "measure": measure,
                    **intervals.mean(values, mine["respondent_id"], conf_level, weights.of(mine)),
                }
            )
    limits = [
        Note(
            "drivers.gap_limit",
            "Differences of two ratings are less reliable than either rating: read the "
            "perception beside them.",
        )
    ]
    if weights.WEIGHT in whole:
        limits.append(WEIGHTED)
    if len(whole) < len(answers):
        limits.append(LEFT_OUT.having(n=len(answers) - len(whole)))
    if whole["respondent_id"].nunique() < 100:
        limits.append(FEW.having(n=whole["respondent_id"].nunique(), least=100, unit="respondents"))
    return Result(
        question=Note(
            "drivers.gap_question", "Where does the service fall short of what people expect?"
        ),
        table=pd.DataFrame(rows),
        answer=_shortest(pd.DataFrame(rows)),
        method=Note(
            "drivers.gap_method",
            "Means of perception minus expectation; the respondent is the sampling unit.",
        ),
        unit="answers",
        n=len(whole),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["dimension"],
            only={"measure": "service_gap"},
            reference=0,
            xlabel=Note("drivers.gap_axis", "Perception minus expectation"),
        ),
    )


def _highest(table, key, answers):
    """Return the highest score, beside the lowest where there are several."""
    rows = table.sort_values(["estimate", key], ascending=[False, True])
    first, last = rows.iloc[0], rows.iloc[-1]
    one, several = answers
    said = {**fits.said(first), "name": first[key]}
    if len(rows) == 1:
        return one.having(**said)
    return several.having(**said, last=last[key], last_value=last["estimate"])


def _shortest(table):
    """Return the dimension that falls furthest short, or that none could be shown to."""
    rows = table[table["measure"] == "service_gap"].sort_values(["estimate", "dimension"])
    row = rows.iloc[0]
    answer = FALLS_SHORT if row["conf_high"] < 0 else NOT_SHORT
    return answer.having(**fits.said(row), dimension=row["dimension"])
