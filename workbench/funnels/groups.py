"""Which groups of customers convert more, or less, often than the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals
from workbench import names as own
from workbench.errors import InputError
from workbench.funnels.kernels import Groups
from workbench.funnels.rules import prepare
from workbench.funnels.steps import conversion
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis
from workbench.stats.differences import one_against_rest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Grouping, Table

OVERLAP = Note(
    "funnels.groups_overlap",
    "Some customers belong to several groups; the intervals and tests count each of them once.",
)


@engine.tables("events")
@analysis
def compare_groups(
    events: Table,
    steps: Sequence[str],
    *,
    by: Grouping | None,
    conf_level: float = 0.95,
    **options: Any,
) -> Result:
    """Which groups finish more, or less, often than the others, with all comparisons taken into
    account?

    Parameters are as in `conversion`, with `by` the column that makes the groups.

    Returns
    -------
    Result
        [by], count, n, rate (share that finished), rest_rate, estimate (difference from all other
        groups together), conf_low, conf_high, p_value, p_holm. Interval: Newcombe (1998), or from
        customers' pulls where customers stand in several groups; test: score test of two shares;
        correction: Holm (1979). Where the groups are numbers, the p-value of the
        Cochran–Armitage test for a trend stands in `.facts` (funnels.trend, p).

    Raises
    ------
    InputError
        For fewer than two groups.
    """
    import pandas as pd

    rules = ("window", "order", "entry", "ties", "exclusion", "immature", "strict_among")
    given = {k: v for k, v in options.items() if k in rules and v is not None}
    ready = prepare(
        events, steps, given=given, by=by, **{k: v for k, v in options.items() if k not in rules}
    )
    made, by = conversion(events, steps, by=by, conf_level=conf_level, **options), own.label(by)
    last = made.table[
        (made.table["basis"] == "entry")
        & (made.table["step_number"] == len(list(steps)))
        & (made.table["n"] > 0)
    ]
    if len(last) < 2:
        raise InputError(
            "funnels.error_too_few_groups",
            "by: at least two groups with customers are needed, found {groups:text}",
            groups=last[by].tolist(),
        )
    y, n = last["count"].to_numpy(float), last["n"].to_numpy(float)
    ry, rn = y.sum() - y, n.sum() - n
    low, high = intervals.newcombe(y, n, ry, rn, conf_level)
    pooled = y.sum() / n.sum()
    both = ready.run(Groups(ready.rules)).groupby(["a", "b"])[["xx", "xy", "yy"]].sum()
    places = [ready.groups.index(g) for g in last[by]]
    xx, xy, yy = (
        both[k].unstack().reindex(index=places, columns=places, fill_value=0).to_numpy(float)
        for k in ("xx", "xy", "yy")
    )

    both = (xx, xy, yy)
    overlap = (xx - np.diag(np.diag(xx))).sum() > 0
    flat = (
        np.array([one_against_rest(i, n, both, pooled, pooled) for i in range(len(n))])
        if overlap
        else np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / rn))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (y / n - ry / rn) / flat
    p = np.where(np.isfinite(score), 2 * special.ndtr(-np.abs(score)), 1.0)
    if overlap:
        low, high = intervals.normal(
            y / n - ry / rn,
            [one_against_rest(i, n, both, y[i] / n[i], ry[i] / rn[i]) for i in range(len(n))],
            conf_level,
        )
    table = pd.DataFrame(
        {
            by: last[by].to_numpy(),
            "count": y.astype(int),
            "n": n.astype(int),
            "rate": y / n,
            "rest_rate": ry / rn,
            "estimate": y / n - ry / rn,
            "conf_low": low,
            "conf_high": high,
            "p_value": p,
            "p_holm": intervals.each_against_rest(p),
        }
    )
    told = [OVERLAP] if overlap else []
    limits = [_comparisons(1 if len(p) == 2 else len(p)), *told, *made.limits]
    doses = pd.to_numeric(table[by], errors="coerce")
    if doses.notna().all() and len(doses) > 2:
        limits.append(
            Note(
                "funnels.trend",
                "Cochran–Armitage test for a trend over the groups: p = {p:2}.",
                p=intervals.trend(doses.to_numpy(float), y, n),
            )
        )
    return Result(
        question=Note(
            "funnels.groups_question",
            "Which values of {by:header} finish more or less often than the others?",
            by=by,
        ),
        table=table,
        method=Note(
            "funnels.groups_method",
            "Each group against all others together; Newcombe intervals, score test, "
            "Holm's correction.",
        ),
        unit="customers_by_group",
        n=int(n.sum()),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        answer=_groups_answer(table, by, conf_level),
        chart=Points(
            label=[by],
            percent=True,
            points=True,
            reference=0.0,
            xlabel=Note(
                "funnels.groups_axis", "Difference from the other groups, percentage points"
            ),
        ),
    )


def _comparisons(n):
    return Note(
        "funnels.groups_limit",
        "{n} comparison. Groups differ in more than their name: this is no effect.",
        "{n} comparisons; the corrected p takes their number into account. Groups differ in more "
        "than their name: this is no effect.",
        n=n,
    )


def _groups_answer(table, by, conf_level):
    """Name the group that differs most clearly from the others, among those large enough."""
    large = table[table["n"] >= MINIMUM_CELL]
    rows = large if len(large) else table.sort_values("n", ascending=False).head(1)
    ranked = rows.assign(size=rows["estimate"].abs(), name=rows[by].astype(str))
    # Of two groups, each the mirror of the other, the one above is named.
    ranked = ranked.sort_values(
        ["p_holm", "size", "estimate", "name"], ascending=[True, False, False, True]
    )
    row = ranked.iloc[0]
    values = {
        "by": by,
        "group": row[by],
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "share": row["rate"],
        "rest": row["rest_rate"],
        "count": int(row["count"]),
        "n": int(row["n"]),
    }
    if row["p_holm"] >= 1 - conf_level:
        return Note(
            "funnels.no_difference_answer",
            "No difference between the groups of {by:header} could be shown: the clearest is that "
            "of {group:word}, {share:%} ({count} of {n}) against {rest:%} ({gap:points} percentage "
            "points, {low:points} to {high:points}).",
            **values,
        )
    return Note(
        "funnels.difference_answer",
        "Of the groups of {by:header}, {group:word} differs most clearly: {share:%} finished "
        "({count} of {n}) against {rest:%} of the others ({gap:points} percentage points, "
        "{low:points} to {high:points}).",
        **values,
    )
