"""Do customers come back? Repeat buying and its pauses.

Orders of one customer on one local day are one purchase occasion: split shipments and exchanges
are no repeat, nor is a day on which more was given back than paid. All of a customer's numbers come
from the engine as one row a customer or less.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import grouping, sentences
from workbench.stats import stationary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Grouping, Moment, Table

EVER_LIMIT = Note(
    "retention.ever_limit",
    "Not a repeat rate: earlier customers have had more time to come back. Compare by the repeat "
    "rate within a window.",
)

REPEAT_SORTING = Note(
    "retention.repeat_sorting",
    "More come back after a second purchase than after a first even where nobody changes: whoever "
    "made it buys often. What the share would then be stands beside it.",
)

REPEAT_METHOD = Note(
    "retention.repeat_method",
    "Customers whose next purchase day follows within the window, among those followed "
    "for the whole window; Wilson intervals. If nobody changed: customers who differ in "
    "their daily probability of buying (a beta, fitted to these data), keep it, and never "
    "leave.",
)
REPEAT_METHOD_BY = Note(
    "retention.repeat_method_by",
    "Customers whose next purchase day follows within the window, among those followed for the "
    "whole window; Wilson intervals; each group against all others by Newcombe's interval, Holm's "
    "correction over groups, purchases and windows. If nobody changed: customers of the group who "
    "differ in their daily probability of buying (a beta), keep it, and never leave.",
)
STEPS = {"first_to_second": ("a", "b"), "second_to_third": ("b", "c")}
# A row a customer: the days of the first three purchases and how many there were.
_RANKED = (
    schemas.DAYS
    + """,
  ranked AS (
    SELECT customer, day, row_number() OVER (PARTITION BY customer ORDER BY day) AS k
    FROM days WHERE bought = 1),
  firsts AS (
    SELECT customer, min(CASE WHEN k = 1 THEN day END) AS a,
      min(CASE WHEN k = 2 THEN day END) AS b, min(CASE WHEN k = 3 THEN day END) AS c,
      max(k) AS bought
    FROM ranked GROUP BY customer)"""
)

# Orders of which nothing is left are no purchase.
_EVER = """WITH
  c AS (
    SELECT customer, count(CASE WHEN bought = 1 THEN 1 END) AS k
    FROM (
      SELECT customer, order_id,
        CASE WHEN paid < 0 OR (paid = 0 AND lowest < 0) THEN 0 ELSE 1 END AS bought
      FROM (
        SELECT customer, order_id, round(sum(amount), 6) AS paid, min(amount) AS lowest
        FROM v GROUP BY customer, order_id) x) y
    WHERE bought = 1 GROUP BY customer)
  SELECT count(*) AS n, count(CASE WHEN k >= 2 THEN 1 END) AS count
  FROM c"""


@engine.tables("orders")
@analysis
def repeat_rate(
    orders: Table,
    *,
    windows: Sequence[str] = ("90D", "180D", "365D"),
    washout: str | None = None,
    by: Grouping | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many customers come back within a set time?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    windows : list of str
        Follow-up times such as "90D".
    washout : str, optional
        Time from the begin of the data, such as "90D", in which a first purchase counts for
        nothing: whoever bought then may be an old customer whose first one was not seen.
    by : Series or Segment, optional
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing". Of a Segment, its members and all others. Each group is compared with all others.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; default the last order.

    Returns
    -------
    Result
        [group,] purchase ("first to second", "second to third"), window, count (came back in time),
        n (customers whose earlier purchase lies at least the window before the end), estimate,
        conf_low, conf_high, no_change (the share to expect if every customer kept one rate of
        buying and nobody left), with `by` also p_value, p_holm (over all groups and rows),
        immature (customers left out as followed too briefly). Interval: Wilson (1927).
        `members(window="90D", came_back=False)` gives those who did not come back in time.

    Raises
    ------
    InputError
        For a `by` that is no grouping of customers.
    NotEnoughData
        If there is no order.

    Source: Farris, Bendle, Pfeifer & Reibstein (2020), Marketing Metrics; rule R-01. No change:
    `stats.unchanging`. Groups: Newcombe (1998), Statistics in Medicine 17; Holm (1979).
    """
    grouping.check(by)
    view, end = schemas.purchase_days(orders, zone, until)
    firsts, old = _washed(_firsts(view, by), view, washout)
    lengths = {window: schemas.whole_days("windows", window) for window in windows}
    table = _rates(firsts, lengths, end, conf_level)
    several = table["group"].nunique() > 1
    if several:
        at = table["purchase"] + " " + table["window"].astype(str)
        table = grouping.compared(table.assign(age=at)).drop(columns="age")
    named = ["purchase", "window", "count", "n", "estimate", "conf_low", "conf_high", "no_change"]
    tests = ["p_value", "p_holm"] if several else []
    table = table[[*([] if by is None else ["group"]), *named, *tests, "immature"]]
    first = table[table["purchase"] == "first_to_second"]
    waiting = first.groupby("window", sort=False)["immature"].sum()
    limits = [sentences.immature(n, window) for window, n in waiting.items() if n]
    return Result(
        question=Note(
            "retention.repeat_question", "How many customers come back within a set time?"
        ),
        answer=_repeat_answer(table, several, conf_level),
        table=table,
        method=REPEAT_METHOD_BY if several else REPEAT_METHOD,
        unit="customers",
        n=int(firsts["customers"].sum()),
        conf_level=conf_level,
        people=partial(_who_came_back, view, lengths, end, by, washout),
        limits=(*limits, *old, REPEAT_SORTING, sentences.FIRST_SEEN),
        chart=Points(
            label=["purchase", "window"],
            group="purchase" if by is None else "group",
            beside="no_change",
            percent=True,
            xlabel=Note("retention.repeat_axis", "Share that came back within the window"),
        ),
    )


def _rates(firsts, lengths, end, conf_level):
    """Return the share that came back, by group, purchase and window."""
    import pandas as pd

    rows = []
    for group, part in firsts.groupby("group", sort=True):
        nobody = stationary.fitted(part["bought"] - 1, end - part["a"], part["customers"])
        for name, (begin, again) in STEPS.items():
            started = part[part[begin].notna()]
            for window, length in lengths.items():
                rows.append(
                    {
                        "group": group,
                        "purchase": name,
                        "window": window,
                        **_back(started, begin, again, length, end),
                        "no_change": _if_nobody_changed(nobody, part, end, name, length),
                    }
                )
    table = pd.DataFrame(rows)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    return table


def _who_came_back(view, lengths, end, by, washout):
    """Return who was followed for every window, and whether they came back in it."""
    import pandas as pd

    firsts = engine.run(f"{_RANKED} SELECT * FROM firsts ORDER BY customer", o=view)
    firsts, _ = _washed(firsts.assign(customers=1), view, washout)
    firsts["customer_id"] = engine.written(firsts["customer"])
    keys = ["customer_id"]
    if by is not None:
        firsts["group"] = grouping.of(firsts["customer"], by)
        keys.append("group")
    parts = []
    for name, (begin, again) in STEPS.items():
        for window, length in lengths.items():
            mature = firsts[firsts[begin].notna() & (firsts[begin] + length <= end)]
            back = (mature[again] - mature[begin] <= length).fillna(False).to_numpy(bool)
            parts.append(mature[keys].assign(purchase=name, window=str(window), came_back=back))
    table = pd.concat(parts, ignore_index=True)
    table.attrs["as_of"] = end
    return table


def _firsts(view, by=None):
    """Return the days of the first three purchases and how many there were, customers alike
    together.
    """
    if by is None:
        counted = "a, b, c, bought, count(*) AS customers FROM firsts GROUP BY a, b, c, bought"
        return engine.run(f"{_RANKED} SELECT {counted} ORDER BY a, b, c, bought", o=view).assign(
            group="all"
        )
    each = engine.run(f"{_RANKED} SELECT * FROM firsts ORDER BY customer", o=view)
    each["group"] = grouping.of(each["customer"], by)
    keys = ["group", "a", "b", "c", "bought"]
    return each.groupby(keys, dropna=False).size().reset_index(name="customers")


def _washed(firsts, view, washout):
    """Leave out whose first purchase seen lies near the begin of the data, and say how many."""
    if washout is None:
        return firsts, []
    late = firsts["a"] >= schemas.first_day(view) + schemas.whole_days("washout", washout)
    left, n = firsts[late], int(firsts.loc[~late, "customers"].sum())
    if not len(left):
        raise NotEnoughData(
            "retention.error_washout",
            "repeat_rate: nobody bought for the first time after the first {washout} of the data",
            washout=washout,
        )
    note = Note(
        "retention.washout",
        "{n} customer bought in the first {washout:span} of the data and is left out: perhaps an "
        "old customer.",
        "{n} customers bought in the first {washout:span} of the data and are left out: most may "
        "be old customers whose first purchase nobody saw.",
        n=n,
        washout=washout,
    )
    return left, [note]


def _back(started, begin, again, length, end):
    """Count who came back in time, of those followed for the whole window, and who was not."""
    mature = started[started[begin] + length <= end]
    back = mature[mature[again] - mature[begin] <= length]
    n = int(mature["customers"].sum())
    return {
        "count": int(back["customers"].sum()),
        "n": n,
        "immature": int(started["customers"].sum()) - n,
    }


def _if_nobody_changed(nobody, firsts, end, purchase, length):
    """Return the share that would come back within the window if nobody changed or left."""
    if nobody is None:
        return np.nan
    watched = (end - firsts["a"]).to_numpy() - length
    mature = watched >= 0
    number = 1 if purchase == "first_to_second" else 2
    made, quiet = nobody.silent_after(number, watched[mature], length)
    many = firsts["customers"].to_numpy()[mature]
    total = float(many @ made)
    return 1 - float(many @ quiet) / total if total > 0 else np.nan


def _repeat_answer(table, several, conf_level):
    first = table[table["purchase"] == "first_to_second"]
    if several:
        return _repeat_difference(first, conf_level)
    row = sentences.last_known(first)
    return Note(
        "retention.repeat_answer",
        "{share:%} of first-time customers came back within {window:span} ({low:%} to {high:%}; "
        "{count} of {n}).",
        window=row["window"],
        **sentences.interval(row),
    )


def _repeat_difference(first, conf_level):
    """Say which group differs most clearly from all others, within which window, if any does."""
    known = first.dropna(subset=["p_holm"])
    if not len(known):
        return sentences.TOO_SMALL.having(n=int(first["n"].max()))
    row = grouping.nearest_to_different(known)
    values = {
        "group": row["group"],
        "window": row["window"],
        "p": float(row["p_holm"]),
        **sentences.interval(row),
    }
    if row["p_holm"] < 1 - conf_level:
        return Note(
            "retention.repeat_group",
            "Group {group:word} differs most clearly from the others: {share:%} of its first-time "
            "customers came back within {window:span} ({low:%} to {high:%}; {count} of {n}; "
            "corrected p: {p:p}).",
            **values,
        )
    return Note(
        "retention.repeat_group_same",
        "No difference between groups could be shown; nearest to one is group {group:word}: "
        "{share:%} of its first-time customers came back within {window:span} ({low:%} to "
        "{high:%}; {count} of {n}; corrected p: {p:p}).",
        **values,
    )


@engine.tables("orders")
@analysis
def ever_repeat(orders: Table, *, conf_level: float = 0.95) -> Result:
    """Which share has two orders or more at all? Shown only beside `repeat_rate`: it grows with the
    customers' age.

    Same arguments as `repeat_rate`; two orders on one day count, what was given back (an amount
    below 0) does not. Returns a Result with one row: count, n, estimate, conf_low, conf_high.
    """
    import pandas as pd

    schemas.require(orders, "orders")
    v = engine.view(
        orders,
        customer=engine.key("customer_id"),
        order_id="order_id",
        amount=engine.real("amount"),
    )
    found = engine.run(_EVER, v=v)
    count, n = int(found["count"].iloc[0]), int(found["n"].iloc[0])
    low, high = (float(x) for x in intervals.wilson(count, n, conf_level))
    table = pd.DataFrame(
        [
            {
                "measure": "ever_repeat",
                "count": count,
                "n": n,
                "estimate": count / n if n else np.nan,
                "conf_low": low,
                "conf_high": high,
            }
        ]
    )
    return Result(
        question=Note("retention.ever_question", "What share of customers ever bought twice?"),
        answer=Note(
            "retention.ever_answer",
            "{share:%} of the customers have ordered more than once so far ({low:%} to {high:%}; "
            "{count} of {n}).",
            **sentences.interval(table.iloc[0]),
        ),
        table=table,
        method=Note(
            "retention.ever_method",
            "Customers with two or more orders, of all customers; Wilson interval.",
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=(EVER_LIMIT,),
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=Note("retention.ever_axis", "Share with two or more orders"),
        ),
    )


@engine.tables("orders")
@analysis
def interpurchase_times(orders: Table, *, zone: str = "UTC", until: Moment | None = None) -> object:
    """List every pause between purchase days, the open one at the end included.

    Parameters are as in `repeat_rate`. Returns a DataFrame with customer_id, number (1 = after the
    first purchase), days, ended (False where the data end first), watched (days from the purchase
    to the end of the data), amount (of the purchase day the pause begins on) and next_amount (of
    the one that ends it).
    """
    view, end = schemas.purchase_days(orders, zone, until)
    found = engine.run(
        schemas.DAYS
        + """
          SELECT customer AS customer_id,
            row_number() OVER (PARTITION BY customer ORDER BY day) AS number, day, amount,
            lead(amount) OVER (PARTITION BY customer ORDER BY day) AS next_amount,
            lead(day) OVER (PARTITION BY customer ORDER BY day) AS following
          FROM days WHERE bought = 1 ORDER BY customer, day""",
        o=view,
    )
    ended = found["following"].notna()
    days = (found["following"].fillna(end) - found["day"]).astype(int)
    found = found.assign(days=days, ended=ended, watched=(end - found["day"]).astype(int))
    named = ["customer_id", "number", "days", "ended", "watched", "amount", "next_amount"]
    found = found[named]
    found.attrs["as_of"] = int(end)
    return found
