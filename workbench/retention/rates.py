"""Retention as product and media teams count it: by days since a first purchase, and over time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.retention import grouping, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Grouping, Moment, Table

KINDS = ("n_day", "unbounded", "bracket")
SHARE_BACK = Note("retention.day_axis", "Share that came back")
DAY_QUESTIONS = {
    "n_day": Note(
        "retention.day_question_n_day",
        "How many customers are back on exactly that day after their first purchase?",
    ),
    "unbounded": Note(
        "retention.day_question_unbounded",
        "How many customers are back on that day after their first purchase, or later?",
    ),
    "bracket": Note(
        "retention.day_question_bracket",
        "How many customers are back at least once between these days after their first purchase?",
    ),
}
DAY_METHOD = Note(
    "retention.day_method",
    "Customers with a purchase day at that age, among those followed to its end; Wilson intervals.",
)
DAY_METHOD_BY = Note(
    "retention.day_method_by",
    "Customers with a purchase day at that age, among those followed to its end; Wilson "
    "intervals; each group against all others by Newcombe's interval, Holm's correction over "
    "groups and ages.",
)
DAY_ANSWERS = {
    "n_day": Note(
        "retention.day_answer_n_day",
        "{share:%} of first-time customers were back exactly {age} days after their first "
        "purchase ({low:%} to {high:%}; {count} of {n}).",
    ),
    "unbounded": Note(
        "retention.day_answer_unbounded",
        "{share:%} of first-time customers were back {age} days or more after their first "
        "purchase ({low:%} to {high:%}; {count} of {n}).",
    ),
    "bracket": Note(
        "retention.day_answer_bracket",
        "{share:%} of first-time customers were back at least once within days {age} after their "
        "first purchase ({low:%} to {high:%}; {count} of {n}).",
    ),
}
TIME_METHOD = Note(
    "retention.time_method",
    "Customers back at least once, by the period of their first purchase; Wilson intervals; "
    "Cochran–Armitage test for a trend.",
)


@engine.tables("orders")
@analysis
def day_retention(
    orders: Table,
    *,
    kind: str = "bracket",
    days: Sequence[int] = (1, 31, 61, 91),
    by: Grouping | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many customers are back on a day, from a day on, or between two days after the first?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    kind : str
        "n_day": active on exactly that day after the first; "unbounded": on that day or any later
        one; "bracket": at least once from one day up to the day before the next, the last day being
        the end of the last bracket.
    days : list of int
        Days after the first purchase, increasing, from 1 on.
    by : Series or Segment, optional
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing". Of a Segment, its members and all others. Each group is compared with all others.
    zone, until : as in `repeat_rate`

    Returns
    -------
    Result
        [group,] age (days, such as "31" or "31–60"), count, n (customers watched to the end of the
        age), estimate, conf_low, conf_high, immature (left out as followed too briefly)
        and with `by` also p_value, p_holm (over all groups and ages). Interval: Wilson (1927).

    Raises
    ------
    InputError
        For an unknown kind, or days that do not increase.
    NotEnoughData
        Without an order.

    Source: definitions as in product analytics (docs/glossary.md); Newcombe (1998), Statistics in
    Medicine 17, for the comparison; Holm (1979).
    """
    import pandas as pd

    one_of("kind", kind, KINDS)
    grouping.check(by)
    days = [days] if isinstance(days, (int, float)) else list(days)
    if (
        not all(isinstance(d, (int, np.integer)) for d in days)
        or not days
        or days[0] < 1
        or (np.diff(days) <= 0).any()
        or (kind == "bracket" and len(days) < 2)
    ):
        if kind == "bracket":
            raise InputError(
                "retention.error_bracket_days",
                "days: brackets need {least} or more increasing days from {first} on; found {days}",
                least=2,
                first=1,
                days=days,
            )
        raise InputError(
            "retention.error_days",
            "days: increasing days from {first} on are needed; found {days}",
            first=1,
            days=days,
        )
    ages = (
        [(d, d, str(d)) for d in days]
        if kind == "n_day"
        else (
            [(d, None, f"{d}+") for d in days]
            if kind == "unbounded"
            else [(a, b - 1, f"{a}–{b - 1}") for a, b in pairwise(days)]
        )
    )
    view, end = schemas.purchase_days(orders, zone, until)
    back = ", ".join(
        f"max(CASE WHEN day - first_day >= {a}{'' if b is None else f' AND day - first_day <= {b}'}"
        f" THEN 1 ELSE 0 END) AS back_{i}"
        for i, (a, b, _) in enumerate(ages)
    )
    names = [f"back_{i}" for i in range(len(ages))]
    per = f"""{schemas.DAYS},
      f AS (
        SELECT customer, day, min(day) OVER (PARTITION BY customer) AS first_day
        FROM days WHERE bought = 1),
      per AS (SELECT customer, first_day, {back} FROM f GROUP BY customer, first_day)"""
    if by is None:  # customers of one day of beginning are told apart by nothing else
        found = engine.run(
            f"{per} SELECT first_day, count(*) AS customers,"
            f" {', '.join(f'CAST(sum({n}) AS BIGINT) AS {n}' for n in names)} FROM per GROUP BY"
            " first_day ORDER BY first_day",
            o=view,
        ).assign(group="all")
    else:
        found = engine.run(
            f"{per} SELECT customer, first_day, 1 AS customers, {', '.join(names)} FROM per ORDER"
            " BY customer",
            o=view,
        )
        found["group"] = grouping.of(found["customer"], by)
    rows = []
    for i, (a, b, label) in enumerate(ages):
        watched = found["first_day"] + (a if b is None else b) <= end
        told = found[watched].groupby("group")[["customers", names[i]]].sum()
        for group, everybody in found.groupby("group")["customers"].sum().items():
            n, count = told.loc[group].astype(int) if group in told.index else (0, 0)
            rows.append(
                {
                    "group": group,
                    "age": label,
                    "count": int(count),
                    "n": int(n),
                    "immature": int(everybody - n),
                }
            )
    table = pd.DataFrame(rows)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    keys = ["age"] if by is None else ["group", "age"]
    several = by is not None and table["group"].nunique() > 1
    if several:
        table = grouping.compared(table)
    table = table[
        [
            *keys,
            "count",
            "n",
            "estimate",
            "conf_low",
            "conf_high",
            *(["p_value", "p_holm"] if several else []),
            "immature",
        ]
    ]
    young = table.groupby("age", sort=False)["immature"].sum()
    limits = [sentences.immature(n, age) for age, n in young.items() if n]
    if kind == "unbounded":
        limits.append(sentences.ON_OR_AFTER)
    return Result(
        question=DAY_QUESTIONS[kind],
        answer=_day_answer(table, kind, several, conf_level),
        table=table,
        method=DAY_METHOD if by is None else DAY_METHOD_BY,
        unit="customers",
        n=int(found["customers"].sum()),
        conf_level=conf_level,
        limits=(*limits, sentences.FIRST_SEEN),
        chart=Points(label=keys, percent=True, xlabel=SHARE_BACK),
    )


def _day_answer(table, kind, several, conf_level):
    if several:
        return sentences.largest_difference(table, conf_level)
    row = sentences.last_known(table)
    return DAY_ANSWERS[kind].having(age=row["age"].rstrip("+"), **sentences.interval(row))


@engine.tables("orders")
@analysis
def retention_trend(
    orders: Table,
    *,
    days: tuple = (1, 31),
    period: str = "month",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Does the share that comes back between two days rise or fall from cohort to cohort?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    days : tuple of int
        Back at least once from the first up to the day before the second.
    period : str
        "week" (from Monday; "week_sunday", "week_saturday" from another day) or "month": customers
        who first bought in one are a cohort.
    zone, until : as in `repeat_rate`

    Returns
    -------
    Result
        cohort (first day of its period), count, n, estimate, conf_low, conf_high (Wilson). Cohorts
        not watched in full are left out and counted; the test for a trend stands in
        `.facts` (retention.trend, p).

    Raises
    ------
    InputError
        For an unknown period, or days that do not increase.
    NotEnoughData
        With fewer than two cohorts watched in full.

    Source: Armitage (1955), Biometrics 11 (trend); Wilson (1927).
    """
    import pandas as pd

    one_of("period", period, periods.LONG)
    if len(days) != 2:
        raise InputError(
            "retention.error_two_days",
            "days: {needed} days are needed, found {days}",
            needed=2,
            days=list(days),
        )
    a, b = (int(d) for d in days)
    if not 1 <= a < b:
        raise InputError(
            "retention.error_two_increasing_days",
            "days: {needed} increasing days from {first} on are needed, found {days}",
            needed=2,
            first=1,
            days=list(days),
        )
    view, end = schemas.purchase_days(orders, zone, until)
    found = engine.run(
        f"""{schemas.DAYS},
          f AS (
            SELECT customer, day, min(day) OVER (PARTITION BY customer) AS first_day
            FROM days WHERE bought = 1),
          per AS (
            SELECT customer, first_day,
              max(CASE WHEN day - first_day >= {a} AND day - first_day < {b} THEN 1 ELSE 0 END)
                AS back
            FROM f GROUP BY customer, first_day)
          SELECT first_day, count(*) AS n, CAST(sum(back) AS BIGINT) AS count
          FROM per GROUP BY first_day ORDER BY first_day""",
        o=view,
    )
    starts = periods.first_day(found["first_day"], period)
    table = found.assign(cohort=starts).groupby("cohort")[["count", "n"]].sum().reset_index()
    whole = np.array([periods.last_day(int(s), period) for s in table["cohort"]]) + b - 1 <= end
    young, table = int(table.loc[~whole, "n"].sum()), table[whole].reset_index(drop=True)
    if len(table) < 2:
        raise NotEnoughData(
            "retention.error_over_time_cohorts",
            "retention_trend: at least {least} cohorts must be followed for {days} days to their "
            "last customer, found {found}",
            least=2,
            days=b - 1,
            found=len(table),
        )
    count, n = table["count"].to_numpy(float), table["n"].to_numpy(float)
    when = periods.index(table["cohort"], period)
    trend = intervals.trend(when - int(when[0]), count, n)
    table["estimate"] = count / n
    table["conf_low"], table["conf_high"] = intervals.wilson(count, n, conf_level)
    table["cohort"] = pd.to_datetime(table["cohort"], unit="D").astype("datetime64[us]")
    table = table[["cohort", "count", "n", "estimate", "conf_low", "conf_high"]]
    limits = [_trend(table, trend)]
    if young:
        limits.append(sentences.immature(young, f"{a}–{b - 1}"))
    return Result(
        question=Note(
            "retention.time_question",
            "Does the share that comes back within days {a} to {b} change from cohort to cohort?",
            a=a,
            b=b - 1,
        ),
        answer=_time_answer(table, trend, (a, b - 1), conf_level),
        table=table,
        method=TIME_METHOD,
        unit="customers",
        n=int(n.sum()),
        conf_level=conf_level,
        limits=(*limits, sentences.FIRST_SEEN),
        chart=Curve(
            x="cohort",
            percent=True,
            xlabel=Note("retention.time_axis", "Period of the first purchase"),
            ylabel=SHARE_BACK,
        ),
    )


def _trend(table, p):
    return Note(
        "retention.trend",
        "From {first:%} in the first cohort to {last:%} in the last; test for a trend over all of "
        "them: p: {p:p}. A season or another mix of new customers can make one.",
        p=p,
        first=float(table["estimate"].iloc[0]),
        last=float(table["estimate"].iloc[-1]),
    )


def _time_answer(table, p, days, conf_level):
    first, last = table.iloc[0], table.iloc[-1]
    values = {
        "first": float(first["estimate"]),
        "last": float(last["estimate"]),
        "low": float(last["conf_low"]),
        "high": float(last["conf_high"]),
        "a": days[0],
        "b": days[1],
        "n": int(table["n"].sum()),
        "cohorts": len(table),
        "p": p,
    }
    if p != p or p >= 1 - conf_level:
        return Note(
            "retention.time_answer_flat",
            "No trend could be shown over {cohorts} cohorts ({n} customers; p: {p:p}): {first:%} "
            "of the first and {last:%} of the last ({low:%} to {high:%}) came back within days "
            "{a} to {b}.",
            **values,
        )
    return Note(
        "retention.time_answer",
        "The share that comes back within days {a} to {b} shows a trend over {cohorts} cohorts "
        "({n} customers; p: {p:p}): {first:%} of the first, {last:%} of the last ({low:%} to "
        "{high:%}).",
        **values,
    )
