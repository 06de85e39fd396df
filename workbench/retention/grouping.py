"""Groups of customers beside each other: who is in which, and which differ from all others."""

import numpy as np

from workbench import intervals, schemas
from workbench import names as own
from workbench.errors import InputError
from workbench.results.segment import OTHERS


def check(by):
    """Refuse a grouping that is neither a Series by customer nor a Segment."""
    if not schemas.tells_groups(by):
        raise InputError(
            "retention.error_by",
            "by: a Series of groups indexed by customer_id is needed, found {by:repr}; "
            "for a column of the orders: "
            "orders.groupby('customer_id')[{by:repr}].first()",
            by=by,
        )


def of(customers, by):
    """Return the group of each customer as text; "missing" where there is none."""
    return own.filled(schemas.group_of(customers, by).map(str, na_action="ignore"))


def compared(table):
    """Return a table of counts by group and age with p-values of each group against all others of
    its age, corrected over all.
    """
    rest = table.groupby("age")[["count", "n"]].transform("sum") - table[["count", "n"]]
    p = [
        intervals.newcombe_p(a, n, b, m) if min(n, m) > 0 else np.nan
        for a, n, b, m in zip(table["count"], table["n"], rest["count"], rest["n"], strict=True)
    ]
    return corrected(table.assign(p_value=p), table["age"])


def corrected(table, at):
    """Return a table with p_holm beside p_value, corrected over all its comparisons.

    Where two groups can be compared `at` a place, each is with the other: one comparison, told
    twice.
    """
    known = table["p_value"].notna()
    twice = known.groupby(at).transform("sum") == 2
    once = known & ~(twice & at.where(known).duplicated())
    table = table.assign(p_holm=np.nan)
    table.loc[once, "p_holm"] = intervals.adjust_p_values(table.loc[once, "p_value"])
    return table.assign(
        p_holm=table["p_holm"].fillna(table.groupby(at)["p_holm"].transform("max")).where(known)
    )


def nearest_to_different(table):
    """Return the row of the smallest corrected p-value; of a segment and all others, its own."""
    rest = (table["group"] == OTHERS).astype(int)
    keys = [c for c in ("group", "purchase", "purchase_number", "window", "age") if c in table]
    named = table.assign(rest=rest, **{c: table[c].astype(str) for c in keys})
    order = named.sort_values(["p_holm", "p_value", "rest", *keys], kind="stable").index
    return table.loc[order[0]]
