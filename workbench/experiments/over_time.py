"""Changes over time compared with units that have not started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.stats import differences

if TYPE_CHECKING:
    from workbench.types import Table

FEW = 5  # clusters that start together below which the spread of the untreated stands in
PARALLEL = Note(
    "experiments.did_limit",
    "Assumes that without the start both would have changed alike; the periods before it are a "
    "check, not proof.",
)
GRADE = "quasi-causal: difference in differences"
LEAST_BEFORE = 3  # periods before the start, for a trend with an error
SLOPE = {"slope": "estimate", "low": "conf_low", "high": "conf_high", "p": "p_value"}
FALLEN_TREND = Note(
    "experiments.fallen_trend",
    "Graded associational: the gap was already moving by {slope:3} a period before the start "
    "({low:3} to {high:3}; p: {p:p}).",
    **dict.fromkeys(SLOPE, 0.0),
)
TREND = Note(
    "experiments.did_trend",
    "No movement of the gap before the start could be shown: {slope:3} a period ({low:3} to "
    "{high:3}; p: {p:p}). Over the periods followed even that much adds up.",
    **dict.fromkeys(SLOPE, 0.0),
)
NO_TREND_TEST = Note(
    "experiments.did_no_trend",
    "With fewer than {least} periods before the start it cannot be tested whether the gap was "
    "already moving.",
    least=LEAST_BEFORE,
)
DID_METHOD = Note(
    "experiments.did_method",
    "Difference in differences of each group that starts together against units that have "
    "not started; clustered errors.",
)


@engine.frames("panel")
@analysis
def difference_in_differences(
    panel: Table,
    outcome: str,
    *,
    unit: str,
    time: str,
    start: str,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How did the outcome change after the start, compared with units that had not started?

    Every group of units that starts together is compared with units that never start, or have not
    yet; before and after are averages over periods. Groups are then averaged by their size, so that
    units that started earlier are never the yardstick of later ones.

    Parameters
    ----------
    panel : DataFrame
        One row a unit and period; a unit without all periods is left out and counted.
    outcome, unit, time : str
        Columns.
    start : str
        Column with the first period under treatment, the same in all rows of a unit; missing for
        units that never start.
    cluster : str, optional
        Column of the sampling unit (a region of several shops); None: the unit.

    Returns
    -------
    Result
        measure ("effect"; "period" with the column period, the distance to the start, before it a
        check; with three periods before, "trend_before", how the gap moved a period before the
        start, and "effect_less_trend", the effect had that movement gone on), period, n (units),
        estimate, std_error, conf_low, conf_high, p_value, p_holm (of the periods after the start,
        together). Periods are compared with the mean of those before the start. The grade is
        associational where the gap moved before the start. Where fewer than five
        clusters start together, their part of the error is the spread between the clusters that
        never start; without five of those it is missing.

    Raises
    ------
    InputError
        For missing columns, doubled rows, or a start that differs within a unit.
    NotEnoughData
        Without untreated units, or without periods before the start.

    Source: starting groups one by one and averaged, Callaway & Sant'Anna (2021), Journal of
    Econometrics 225, whose base is the last period before; with the mean of all periods before, as
    here, Borusyak, Jaravel & Spiess (2024), Review of Economic Studies 91; trends before, Roth
    (2022), American Economic Review: Insights 4; few treated clusters Conley &
    Taber (2011), Review of Economics and Statistics 93.
    """
    import pandas as pd

    fits.require(panel, "panel", outcome, unit, time, start, cluster)
    if panel[start].notna().any() and pd.api.types.is_numeric_dtype(
        panel[time]
    ) != pd.api.types.is_numeric_dtype(panel[start]):
        raise InputError(
            "experiments.error_start_kind",
            "panel: '{start}' must be a value of '{time}', found {found:repr} beside {known:repr}",
            start=start,
            time=time,
            found=panel[start].dropna().iloc[0],
            known=panel[time].iloc[0],
        )
    if panel.duplicated([unit, time]).any():
        raise InputError(
            "experiments.error_doubled_units",
            "panel: some units occur twice in one period",
        )
    if (panel.groupby(unit)[start].nunique(dropna=False) > 1).any():
        raise InputError(
            "experiments.error_start_differs",
            "panel: '{start}' differs between the rows of a unit",
            start=start,
        )
    wide = panel.pivot(index=unit, columns=time, values=outcome).sort_index(axis=1)
    lost = int(wide.isna().any(axis=1).sum())
    wide = wide.dropna()
    periods = wide.columns.to_numpy()
    once = panel.drop_duplicates(unit).set_index(unit).reindex(wide.index)
    first = once[start]
    groups = _clusters(once, cluster)
    begin = np.searchsorted(periods, first.fillna(periods[-1] if len(periods) else 0).to_numpy())
    begin = np.where(first.isna().to_numpy(), len(periods), begin)
    # Units under treatment all along are in no comparison, and do not count.
    used, early = begin > 0, int((begin == 0).sum())
    y, begin, groups = (
        wide.to_numpy(float)[used],
        begin[used],
        np.unique(groups[used], return_inverse=True)[1],
    )
    starts = [s for s in np.unique(begin) if s < len(periods)]
    if not starts:
        raise NotEnoughData(
            "experiments.error_no_before_and_after",
            "difference_in_differences: no unit has periods both before and after its start",
        )
    parts = _comparisons(y, begin, starts)
    ever = {
        s: [
            (change, others)
            for e, found in parts.items()
            if e >= 0
            for at, change, others in found
            if at == s
        ]
        for s in starts
    }
    ever = {s: found for s, found in ever.items() if found}
    if not ever:
        raise NotEnoughData(
            "experiments.error_no_untreated",
            "difference_in_differences: there are no untreated units to compare with",
        )
    treated = np.unique(groups[begin < len(periods)])
    never = begin == len(periods)
    small = [s for s in starts if len(np.unique(groups[begin == s])) < FEW]
    kept = [("effect", np.nan, ever)]
    kept += [("period", e, {s: [(c, o)] for s, c, o in parts[e]}) for e in sorted(parts)]
    kept += [(name, np.nan, found) for name, found in _trends(y, begin, ever).items()]
    rows = [
        {
            "measure": measure,
            "period": period,
            "n": len(y),
            **_averaged(begin, groups, found, len(periods), conf_level),
        }
        for measure, period, found in kept
    ]
    result = _tested(pd.DataFrame(rows))
    grade, said = _graded(result, conf_level)
    counted = panel.attrs.get("unit", "units")
    limits = [*said, PARALLEL, *_periods(result, conf_level)]
    if small:
        limits.append(_few_clusters(len(small), len(treated), len(np.unique(groups[never]))))
    limits += _left_out(early, lost)
    return Result(
        question=Note(
            "experiments.did_question",
            "How did {outcome:word} change after the start, compared with units that "
            "had not started?",
            outcome=outcome,
        ),
        table=result,
        method=DID_METHOD,
        answer=_change_answer(result.iloc[0], outcome, counted),
        unit=counted,
        n=len(y),
        conf_level=conf_level,
        evidence=grade,
        limits=tuple(limits),
        chart=Curve(
            x="period",
            only={"measure": "period"},
            xlabel=Note("experiments.did_axis", "Periods since the start"),
            ylabel=Note(
                "experiments.did_yaxis",
                "Difference in {outcome:word} from the others, compared with before",
                outcome=outcome,
            ),
        ),
    )


def _comparisons(y, begin, starts):
    """Return period → one comparison a starting group: its start, the change of every unit, and
    who is compared with.
    """
    parts = {}
    for s in starts:
        base = y[:, :s].mean(axis=1)
        for k in range(y.shape[1]):
            others = begin > max(k, s)
            if others.any():
                parts.setdefault(k - s, []).append((s, y[:, k] - base, others))
    return parts


def _trends(y, begin, ever):
    """Return how the gap moved a period before the start, and the effect less that movement gone
    on, as comparisons by starting group; nothing where no group has three periods before.

    A trend before the start is looked for by its slope: deviations from the mean of those very
    periods, one by one, show it at half its size and ring too seldom.
    """
    slopes, without = {}, {}
    for s, comparisons in ever.items():
        if s < LEAST_BEFORE:
            continue
        at = np.arange(s) - (s - 1) / 2
        slope = y[:, :s] @ at / (at**2).sum()
        others = np.all([o for _, o in comparisons], axis=0)
        if not others.any():
            continue
        # From the middle of the periods before to the middle of those after.
        way = (s + len(comparisons) - 1 + s) / 2 - (s - 1) / 2
        slopes[s] = [(slope, others)]
        without[s] = [(change - way * slope, own) for change, own in comparisons]
    return {"trend_before": slopes, "effect_less_trend": without} if slopes else {}


def _tested(table):
    """Return the rows with p-values of the periods after the start, also corrected for their
    number.
    """
    after = (table["measure"] == "period") & (table["period"] >= 0)
    table["p_value"] = table["p_value"].where(after | (table["measure"] != "period"))
    table["p_holm"] = np.nan
    if after.any():
        table.loc[after, "p_holm"] = intervals.adjust_p_values(table.loc[after, "p_value"])
    return table


def _graded(table, conf_level):
    """Return the grade that the time before the start leaves, and what it says of that time."""
    found = table[table["measure"] == "trend_before"]
    if not len(found):
        return GRADE, [NO_TREND_TEST.having(least=LEAST_BEFORE)]
    row = found.iloc[0]
    values = {name: row[key] for name, key in SLOPE.items()}
    if row["p_value"] < 1 - conf_level:
        return "associational", [FALLEN_TREND.having(**values)]
    return GRADE, [TREND.having(**values)]


def _periods(table, conf_level):
    """Return how many single periods differ, before the start and after it."""
    single = table[table["measure"] == "period"]
    before, after = single[single["period"] < 0], single[single["period"] >= 0]
    off = ((before["conf_low"] > 0) | (before["conf_high"] < 0)).sum()
    plain = ((after["conf_low"] > 0) | (after["conf_high"] < 0)).sum()
    return [
        Note(
            "experiments.did_before",
            "Before the start, {off} of {all} periods differ clearly from {none}.",
            off=int(off),
            all=len(before),
            none=0,
        ),
        Note(
            "experiments.did_after",
            "After the start, {plain} of {all} periods differ clearly by their own interval, and "
            "{holm} once their number is taken into account (Holm).",
            plain=int(plain),
            all=len(after),
            holm=int((after["p_holm"] < 1 - conf_level).sum()),
        ),
    ]


def _few_clusters(count, treated, others):
    """Return what stands in for the error of groups with few clusters."""
    values = {"count": count, "least": FEW, "treated": treated, "others": others}
    if others >= FEW:
        return Note(
            "experiments.did_few",
            "{count} group that starts together has fewer than {least} clusters ({treated} "
            "treated in all): its part of the error is the spread between the {others} "
            "clusters that never start.",
            "{count} groups that start together have fewer than {least} clusters ({treated} "
            "treated in all): their part of the error is the spread between the {others} "
            "clusters that never start.",
            **values,
        )
    return Note(
        "experiments.did_none",
        "{count} group that starts together has fewer than {least} clusters ({treated} "
        "treated in all), and only {others} clusters never start: no error can be given.",
        "{count} groups that start together have fewer than {least} clusters ({treated} "
        "treated in all), and only {others} clusters never start: no error can be given.",
        **values,
    )


def _left_out(early, lost):
    """Return the sentences on units that take no part."""
    said = []
    if early:
        said.append(
            Note(
                "experiments.did_early",
                "{n} unit had started before the first period and is left out.",
                "{n} units had started before the first period and are left out.",
                n=early,
            )
        )
    if lost:
        said.append(
            Note(
                "experiments.did_lost",
                "{n} unit lacks a period and is left out.",
                "{n} units lack a period and are left out.",
                n=lost,
            )
        )
    return said


def _change_answer(row, outcome, unit):
    """Return the average change after the start, with its interval where one can be given."""
    values = {"outcome": outcome, "gap": row["estimate"], "n": row["n"], "unit": unit}
    low, high = row["conf_low"], row["conf_high"]
    if np.isnan(low):
        return Note(
            "experiments.did_no_error",
            "{outcome:word} changed by {gap:3} after the start compared with units that had not "
            "started; no interval can be given ({n} {unit:word}).",
            **values,
        )
    if low > 0 or high < 0:
        return Note(
            "experiments.did_answer",
            "{outcome:word} changed by {gap:3} after the start compared with units that had not "
            "started ({low:3} to {high:3}; {n} {unit:word}).",
            low=low,
            high=high,
            **values,
        )
    return Note(
        "experiments.did_unclear",
        "No effect of the start on {outcome:word} could be shown: compared with units that had "
        "not started it changed by {gap:3} ({low:3} to {high:3}; {n} {unit:word}).",
        low=low,
        high=high,
        **values,
    )


def _averaged(begin, groups, comparisons, never, conf_level):
    """Return one average over starting groups, with its interval."""
    made = differences.average_effect(begin, groups, comparisons, never=never, least=FEW)
    low, high = intervals.normal(made.estimate, made.std_error, conf_level, df=made.df)
    return {
        "estimate": made.estimate,
        "std_error": made.std_error,
        "conf_low": float(low),
        "conf_high": float(high),
        "p_value": float(intervals.p_value(made.estimate, made.std_error, made.df)),
    }


def _clusters(once, cluster):
    """Return the cluster of every unit: each its own where the unit itself is the cluster."""
    own = cluster is None or cluster == once.index.name
    return np.arange(len(once)) if own else once[cluster].astype(str).to_numpy()
