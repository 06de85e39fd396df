"""Does a difference hold in every group?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError
from workbench.experiments.randomised import AXIS, difference
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Table

GROUPS_FIRST = Note(
    "experiments.groups_limit",
    "Groups must be known before the test; groups chosen afterwards differ by chance.",
)
GROUP_METHOD = Note(
    "experiments.group_method",
    "Difference of the arms within each group; Holm's correction; Cochran's Q for "
    "differences between groups.",
)


@engine.frames("table")
@analysis
def heterogeneity(
    table: Table,
    metric: str,
    by: str,
    *,
    variant: str = "variant",
    control: str = "control",
    split: Mapping | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Does the difference hold in every group, such as every stage of the buying process?

    Parameters
    ----------
    table, metric, variant, control, split : as in `difference`, with two arms
    by : str
        Column of the group, known before the test.

    Returns
    -------
    Result
        group, n (people), estimate (difference), std_error, conf_low, conf_high, p_value, p_holm.
        Whether every group gains (all lower limits above 0 at once) and whether groups differ
        (Cochran's Q; a group in which nobody or everybody has the metric has no error and no part
        in it) stands in `.facts`.

    Raises
    ------
    InputError
        For a missing column, or other than two arms.
    NotEnoughData
        Where a group has fewer than two people in an arm.

    Source: Berger (1982), Technometrics 24 (intersection–union test); Cochran (1954), Biometrics
    10.
    """
    import pandas as pd
    from scipy import stats

    fits.require(table, "table", metric, variant, by)
    if table[variant].nunique() != 2:
        raise InputError(
            "experiments.error_exactly_two_arms",
            "heterogeneity: {needed} arms are needed, found {found}",
            needed=2,
            found=table[variant].nunique(),
        )
    rows, grade, n = [], "experimental", 0
    for name, part in table.groupby(by, sort=True):
        made = difference(
            part, metric, variant=variant, control=control, split=split, conf_level=conf_level
        )
        row = made.table[made.table["measure"] == "difference"].iloc[0]
        grade = made.evidence if made.evidence != "experimental" else grade
        n += made.n
        rows.append(
            {
                "group": name,
                "n": int(row["n"]),
                **row[["estimate", "std_error", "conf_low", "conf_high", "p_value"]],
            }
        )
    result = pd.DataFrame(rows)
    result["p_holm"] = intervals.adjust_p_values(result["p_value"])
    sure = result[result["std_error"] > 0]
    weight = 1 / sure["std_error"] ** 2
    q = (
        float(
            (
                weight * (sure["estimate"] - (weight * sure["estimate"]).sum() / weight.sum()) ** 2
            ).sum()
        )
        if len(sure) > 1
        else np.nan
    )
    limits = (
        Note(
            "experiments.heterogeneous",
            "Test of the same difference in all groups (Cochran's Q), p: {p:p}.",
            p=float(stats.chi2.sf(q, len(sure) - 1)),
        ),
        GROUPS_FIRST,
    )
    return Result(
        question=Note(
            "experiments.group_question",
            "Does the difference in {metric:word} hold for every value of {by:word}?",
            metric=metric,
            by=by,
        ),
        table=result,
        method=GROUP_METHOD,
        answer=_every_answer(result, metric),
        unit="people",
        n=n,
        conf_level=conf_level,
        evidence=grade,
        limits=limits,
        chart=Points(
            label=["group"],
            reference=0,
            xlabel=AXIS,
        ),
    )


def _every_answer(table, metric):
    """Return whether a gain is shown in every group, and the group where it is smallest."""
    row = table.iloc[table["conf_low"].fillna(-np.inf).argmin()]
    values = {
        "metric": metric,
        "groups": len(table),
        "group": row["group"],
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    shown = int((table["conf_low"] > 0).sum())
    if shown == len(table):
        return Note(
            "experiments.every",
            "A gain in {metric:word} is shown in all {groups} groups; its lower limit is smallest "
            "in {group:word}, with {gap:3} ({low:3} to {high:3}; {n} people).",
            **values,
        )
    return Note(
        "experiments.not_every",
        "A gain in {metric:word} in every group is not shown, only in {shown} of {groups}; the "
        "lower limit is smallest in {group:word}, with {gap:3} ({low:3} to {high:3}; {n} people).",
        shown=shown,
        **values,
    )
