"""One curve over all cohorts, and of groups of customers beside each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.retention import grouping, sentences
from workbench.retention.by_cohort import NOT_FOLLOWED, cohorts
from workbench.retention.grouping import compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Grouping, Moment, Table

MEAN_METHOD = Note(
    "retention.mean_method",
    "Mean of the cohorts followed to an age, weighted by their size; Wilson intervals.",
)
MEAN_METHOD_BY = Note(
    "retention.mean_method_by",
    "Mean of the cohorts followed to an age, weighted by their size; Wilson intervals; each group "
    "against all others by Newcombe's interval, Holm's correction over groups and ages.",
)
MEAN_MIX = Note(
    "retention.mean_mix",
    "Each age rests on other cohorts: the higher the age, the fewer and the earlier they are. A "
    "fall may be one of cohorts rather than of age.",
)


@engine.tables("orders")
@analysis
def cohorts_by(
    orders: Table,
    by: Grouping,
    *,
    period: str = "month",
    clock: str = "calendar",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Do groups of customers differ in how many are active at each age after their first purchase?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    by : Series or Segment
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing". Of a Segment, its members and all others.
    period, clock, zone, until
        As in `cohorts`.

    Returns
    -------
    Result
        As of `mean_curve` for groups: group, age, cohorts, count, n, estimate, conf_low, conf_high,
        p_value, p_holm (each group against all others, over groups and ages).
        `members(group=…, age=3)` gives who was active at that age.

    Raises
    ------
    InputError
        For a `by` that is no grouping of customers, or an unknown option.

    Source: Fader & Hardie (2007); Newcombe (1998), Statistics in Medicine 17; Holm (1979).
    """
    grouping.check(by)
    how = {"period": period, "clock": clock, "zone": zone, "until": until}
    whole = cohorts(orders, **how, conf_level=conf_level)
    people = whole.people()
    people["group"] = "all" if by is None else grouping.of(people["customer_id"], by)
    known = whole.table.loc[whole.table["count"].notna(), ["cohort", "age"]]
    counts = people.groupby(["group", "cohort", "age"]).size()
    parts = {}
    for group in sorted(people["group"].unique()):
        size = counts[group].xs(0, level="age")
        cells = known[known["cohort"].isin(size.index)].copy()
        at = cells.set_index(["cohort", "age"]).index
        cells["count"] = counts[group].reindex(at, fill_value=0).to_numpy(float)
        cells["n"] = cells["cohort"].map(size).to_numpy(float)
        cells["estimate"] = cells["count"] / cells["n"]
        table = cells.assign(conf_low=np.nan, conf_high=np.nan)
        parts[group] = replace(whole, table=table, n=int(size.sum()))
    people = people[["customer_id", "group", "cohort", "age"]]
    return replace(mean_curve(parts, conf_level=conf_level), people=people)


@analysis
def mean_curve(cohorts: Result | Mapping, *, conf_level: float = 0.95) -> Result:
    """What share of customers is active at each age, over all cohorts followed that long?

    Parameters
    ----------
    cohorts : Result of `retention.cohorts`, of customers; or a dict of them by group
        Such as one of the orders of each channel. Each group is then compared with all others.

    Returns
    -------
    Result
        [group,] age, cohorts (followed that long), count, n (customers of those cohorts),
        estimate (their mean weighted by size), conf_low, conf_high (Wilson; missing at age 0, which
        is true by definition), and for groups p_value, p_holm (over all groups and ages).

    Raises InputError for cohorts of revenue, of every purchase, or on or after an age.

    Source: Fader & Hardie (2007); Wilson (1927); Newcombe (1998); Holm (1979).
    """
    import pandas as pd

    groups = cohorts if isinstance(cohorts, dict) else {"all": cohorts}
    tables = []
    for name, made in groups.items():
        if not isinstance(made, Result):
            raise InputError(
                "retention.error_mean_no_cohorts",
                "cohorts: the Result of retention.cohorts is needed, found a {name}",
                name=type(made).__name__,
            )
        if "conf_low" not in made.table:
            raise InputError(
                "retention.error_mean_of_revenue",
                "cohorts: a mean curve needs cohorts of customers, found those of revenue",
            )
        if made.table.attrs.get("entry") == "every":
            raise InputError(
                "retention.error_mean_of_every",
                "cohorts: with entry 'every' a customer stands in several cohorts, so "
                "their mean has no such interval; use entry 'first'",
            )
        if made.table.attrs.get("criterion") == "on_or_after":
            raise InputError(
                "retention.error_mean_on_or_after",
                "cohorts: 'on_or_after' looks ahead to the end of the data, so cohorts "
                "have no common mean; use criterion 'on'",
            )
        tables.append(
            made.table.dropna(subset=["count"])
            .groupby("age")
            .agg(cohorts=("cohort", "size"), count=("count", "sum"), n=("n", "sum"))
            .reset_index()
            .assign(group=str(name))
        )
    table = pd.concat(tables, ignore_index=True)
    table["estimate"] = table["count"] / table["n"]
    low, high = intervals.wilson(table["count"], table["n"], conf_level)
    given = table["age"] == 0
    table["conf_low"], table["conf_high"] = (
        np.where(given, np.nan, low),
        np.where(given, np.nan, high),
    )
    several = len(groups) > 1
    if several:
        table = pd.concat(
            [table[given], compared(table[~given].reset_index(drop=True))]
        ).sort_values(["group", "age"], ignore_index=True)
    table = table[
        [
            *(["group"] if several else []),
            "age",
            "cohorts",
            "count",
            "n",
            "estimate",
            "conf_low",
            "conf_high",
            *(["p_value", "p_holm"] if several else []),
        ]
    ]
    fewer = table.loc[table["cohorts"] < table["cohorts"].max() / 2, "age"]
    limits = [MEAN_MIX]
    if len(fewer) and not several:
        limits.append(
            Note(
                "retention.mean_few",
                "From age {age} on, fewer than half of the cohorts have been followed long enough.",
                age=int(fewer.iloc[0]),
            )
        )
    first = next(iter(groups.values()))
    return Result(
        question=Note(
            "retention.mean_question",
            "What share of customers is active at each age, over all cohorts followed that long?",
        ),
        answer=_mean_answer(table, several, conf_level),
        table=table,
        method=MEAN_METHOD_BY if several else MEAN_METHOD,
        unit="customers",
        n=sum(m.n for m in groups.values()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="age",
            **{"group": "group"} if several else {},
            percent=True,
            xlabel=first.chart.xlabel,
            ylabel=sentences.SHARE_ACTIVE,
        ),
    )


def _mean_answer(table, several, conf_level):
    later = table[table["age"] > 0]
    if not len(later):
        return NOT_FOLLOWED.having(n=int(table["n"].sum()))
    if not several:
        enough = later[later["cohorts"] >= table["cohorts"].max() / 2]
        row = sentences.last_known(enough if len(enough) else later)
        return Note(
            "retention.mean_answer",
            "{share:%} of the customers were active at age {age} ({low:%} to {high:%}; {count} of "
            "{n}, in {cohorts} cohorts).",
            age=int(row["age"]),
            cohorts=int(row["cohorts"]),
            **sentences.interval(row),
        )
    return sentences.largest_difference(later, conf_level)
