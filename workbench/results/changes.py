"""What changed between two periods, for any analysis: row by row, with an interval, the customer
counted once where both periods know customers.
"""

from dataclasses import replace

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results.charts import Points

GROUPS = 40  # of customers, left out in turn
PAIRED = Note(
    "results.change_paired",
    "The same analysis of both periods, row by row; {groups} groups of customers left out in turn, "
    "each from both periods, so that whoever is in both counts once.",
)
APART = Note(
    "results.change_apart",
    "The same analysis of both periods, row by row; intervals of the difference from the limits of "
    "each, as of two samples that have nothing to do with each other.",
)
NO_LIMITS = Note(
    "results.change_no_limits",
    "A row without an interval in one of the periods has none for its change.",
)
SEASON = Note(
    "results.change_season",
    "Two periods differ by season and by who was there, too: a change does not say what brought it "
    "about.",
)


def change(analysis, before, now, *, customer="customer_id", conf_level=0.95):
    """Return how every estimate of an analysis changed from one period to the next.

    Parameters
    ----------
    analysis : callable
        Takes the rows of one period and returns a Result, such as
        `lambda rows: funnels.conversion(rows, ["view", "order"])`.
    before, now : table
        The rows of the earlier and of the later period.
    customer : str or None
        Column of the sampling unit. Where both tables have it, customers are left out in turn from
        both periods at once: the analysis runs 41 times for each,
        on rows brought into memory. None: the two periods are taken
        for independent and the analysis runs once for each.
    conf_level : float

    Returns
    -------
    Result
        The keys of the analysis, earlier, later (the estimates), n_earlier, n (their
        denominators), estimate (later less earlier), std_error (paired), conf_low, conf_high. Rows
        that stand in one of the periods only have no change.

    Raises
    ------
    InputError
        Where the analysis gives no table with estimates.
    NotEnoughData
        Where no row stands in both periods.

    Source: Zou & Donner (2008), Statistics in Medicine 27, for independent periods; delete-a-group
    jackknife Kott (2001), Journal of Official Statistics 17, for paired ones.

    >>> from workbench import journeys, simulate
    >>> events = simulate.market(40)["events"]
    >>> early = events["occurred_at"] < events["occurred_at"].median()
    >>> made = change(journeys.active_periods, events[early], events[~early], customer=None)
    >>> bool(np.allclose(made.table["later"] - made.table["earlier"], made.table["estimate"]))
    True
    """
    first, last = analysis(before), analysis(now)
    keys = _keys(first, last)
    table = _beside(first.table, last.table, keys)
    both = [engine.frame(t) for t in (before, now)] if customer else []
    paired = bool(both) and all(customer in t for t in both)
    if paired:
        table = _jackknifed(table, analysis, both, keys, customer, conf_level)
    else:
        table = _independent(table, first.table, last.table, keys)
    numbers = [
        "earlier",
        "later",
        "n_earlier",
        "n",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
    ]
    table = table[[*keys, *(c for c in numbers if c in table)]]
    return replace(
        last,
        question=Note("results.change_question", "What changed from the period before?"),
        table=table,
        answer=_answer(table, keys),
        method=PAIRED.having(groups=GROUPS) if paired else APART,
        n=int(np.nansum([last.n])),
        conf_level=conf_level,
        limits=(SEASON, *([] if paired else [NO_LIMITS])),
        model=None,
        chart=Points(
            label=keys,
            percent=bool(last.chart and last.chart.percent),
            points=bool(last.chart and last.chart.percent),
            reference=0.0,
            xlabel=Note("results.change_axis", "Change from the period before"),
        ),
    )


def _keys(first, last):
    """Return the columns that say which row it is."""
    from pandas.api import types

    for result in (first, last):
        need_columns("analysis", getattr(result.table, "columns", ()), "estimate", "n")
    keys = []
    for name in last.table.columns:
        if name in ("count", "total", "amount", "n", "estimate") or (
            types.is_numeric_dtype(last.table[name]) and name not in ("step_number", "age", "days")
        ):
            break
        keys.append(name)
    if not keys:
        raise InputError("results.error_no_keys", "analysis: its rows have no name to be paired by")
    return keys


def _beside(first, last, keys):
    """Return the rows of both periods beside one another."""
    wanted = [*keys, "estimate", "n"]
    both = first[wanted].merge(last[wanted], on=keys, how="outer", suffixes=("_before", ""))
    both = both.rename(
        columns={"estimate_before": "earlier", "n_before": "n_earlier", "estimate": "later"}
    )
    both["estimate"] = both["later"] - both["earlier"]
    if not both["estimate"].notna().any():
        raise NotEnoughData(
            "results.error_no_pair", "no row of the analysis stands in both periods"
        )
    return both


def _independent(table, first, last, keys):
    """Add the interval of the difference from the limits of each period."""
    for name, one in (("a", first), ("b", last)):
        limits = one[[*keys, *(c for c in ("conf_low", "conf_high") if c in one)]]
        table = table.merge(
            limits.rename(columns={"conf_low": f"{name}_low", "conf_high": f"{name}_high"}),
            on=keys,
            how="left",
        )
    if not {"a_low", "b_low", "a_high", "b_high"} <= set(table):
        return table.assign(conf_low=np.nan, conf_high=np.nan)
    down = np.hypot(table["later"] - table["b_low"], table["a_high"] - table["earlier"])
    up = np.hypot(table["b_high"] - table["later"], table["earlier"] - table["a_low"])
    return table.assign(conf_low=table["estimate"] - down, conf_high=table["estimate"] + up)


def _jackknifed(table, analysis, both, keys, customer, conf_level):
    """Add the error and interval of the difference from groups of customers left out in turn."""
    written = [t[customer].map(engine.write) for t in both]
    everybody = sorted({w for one in written for w in one.dropna().unique()})
    if len(everybody) < 2:
        raise NotEnoughData(
            "results.error_one_customer", "a change needs two customers or more for its interval"
        )
    size = min(GROUPS, len(everybody))
    part = {who: i % size for i, who in enumerate(everybody)}
    parts = [w.map(part).to_numpy() for w in written]
    here = table.set_index(keys)["estimate"]
    squares, known = np.zeros(len(here)), np.zeros(len(here))
    for i in range(size):
        less = [
            analysis(t[p != i]).table.set_index(keys)["estimate"]
            for t, p in zip(both, parts, strict=True)
        ]
        apart = (less[1].reindex(here.index) - less[0].reindex(here.index) - here).to_numpy(float)
        squares += np.where(np.isnan(apart), 0.0, apart) ** 2
        known += ~np.isnan(apart)
    se = np.where(known == size, np.sqrt(squares * (size - 1) / size), np.nan)
    low, high = intervals.normal(here.to_numpy(float), se, conf_level, df=size - 1)
    return table.assign(std_error=se, conf_low=low, conf_high=high)


def _answer(table, keys):
    """Name the change that is largest beside the width of its interval."""
    width = table["conf_high"] - table["conf_low"]
    sure = (table["estimate"].abs() / width.where(width > 0)).fillna(-1.0)
    row = (
        table.loc[sure.idxmax()] if (sure >= 0).any() else table[table["estimate"].notna()].iloc[0]
    )
    values = {
        "row": ", ".join(str(row[key]) for key in keys),
        "before": float(row["earlier"]),
        "now": float(row["later"]),
        "change": float(row["estimate"]),
        "n": int(row["n"]),
    }
    if not width.loc[row.name] > 0:
        return Note(
            "results.change_answer_plain",
            "{row:word}: from {before:3} to {now:3}, a change of {change:3} (n = {n}); no interval "
            "can be given.",
            **values,
        )
    return Note(
        "results.change_answer",
        "The clearest change is that of {row:word}: from {before:3} to {now:3}, {change:3} "
        "({low:3} to {high:3}; n = {n}).",
        low=float(row["conf_low"]),
        high=float(row["conf_high"]),
        **values,
    )
