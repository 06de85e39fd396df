"""Who is new, who comes back, who has gone quiet, and how often do active people come?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Moment, Table

DAY = 86_400_000_000
EACH = {
    "day": Note("journeys.each_day", "day"),
    "week": Note("journeys.each_week", "week"),
    "week_sunday": Note("journeys.each_week", "week"),
    "week_saturday": Note("journeys.each_week", "week"),
    "month": Note("journeys.each_month", "month"),
}
ONE_PERIOD = Note("journeys.one_period", "two periods with events are needed")
NO_WHOLE_PERIOD = Note("journeys.no_whole_period", "a whole period with events is needed")
RUNNING = Note("journeys.life_running", "The last period still runs; it is marked and not drawn.")
STATES = ("new", "returning", "resurrected", "dormant")


def _seen(events, period, zone, until):
    """Return the view, the SQL of a day's period, and the first and last local day."""
    one_of("period", period, periods.DAYS)
    schemas.require(events, "events")
    end = schemas.observed_until(events, until, zone=zone)
    if end is None:
        raise NotEnoughData("journeys.error_no_event", "the table holds no event with a time")
    roles = {"customer": engine.key("customer_id"), "day": engine.day("occurred_at")}
    view = engine.view(events, zone=zone, upto=None if until is None else end, **roles)
    ends = engine.run("SELECT min(day) AS a, max(day) AS b FROM v", v=view).iloc[0]
    if ends.isna().any():
        raise NotEnoughData(
            "journeys.error_nothing_left",
            "the table holds no event with a customer and a time{upto}",
            upto="" if until is None else Note("journeys.upto", " up to {until}", until=str(until)),
        )
    first, last = (int(x) for x in ends)
    if until is not None:
        last = max(last, periods.local_day(end, zone))
    return view, first, last


@engine.tables("events")
@analysis
def lifecycle(
    events: Table,
    *,
    period: str = "week",
    lookback: str = "90D",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Of the people active in a period, who is new, who was there before, and who did not come
    back?

    new: first seen in this period; returning: active in the period before, too; resurrected: seen
    earlier, but not in the period before; dormant: active in the period before, not in
    this one (so counted beside the active ones, not among them).

    Parameters
    ----------
    events : table with customer_id, occurred_at
    period : str
        "day", "week" (from Monday; "week_sunday", "week_saturday") or "month".
    lookback : str
        History a period needs before new can be told from resurrected; earlier periods are marked
        left_censored. Where the data are shorter than that, only the first period is.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional

    Returns
    -------
    Result
        period, state, count, n (active in the period; for dormant: active in the one before),
        estimate, conf_low, conf_high (Wilson), incomplete (the period still runs), left_censored
        (too early to tell new from returning).

    Raises
    ------
    NotEnoughData
        Without events in two periods.

    Source: PostHog and Amplitude lifecycle definitions, as compared in `docs/glossary.md`; Wilson
    (1927).
    """
    import pandas as pd

    view, first, last = _seen(events, period, zone, until)
    found = engine.run(
        f"""WITH
          d AS (
            SELECT customer, {periods.sql("day", period, first, last)} AS p
            FROM v GROUP BY 1, 2),
          w AS (
            SELECT p, lag(p) OVER (PARTITION BY customer ORDER BY p) AS was,
              lead(p) OVER (PARTITION BY customer ORDER BY p) AS next
            FROM d)
          SELECT p, was, next, count(*) AS n FROM w GROUP BY p, was, next""",
        v=view,
    )
    starts = periods.starts(first, last, period)
    if len(starts) < 2:
        raise NotEnoughData(ONE_PERIOD)
    at = {int(s): i for i, s in enumerate(starts)}
    here = found["p"].astype(int).map(at).to_numpy()
    was = found["was"].map(at, na_action="ignore").to_numpy(float)
    following = found["next"].map(at, na_action="ignore").to_numpy(float)
    n = found["n"].to_numpy(float)
    size = len(starts)
    active = np.bincount(here, n, size)
    new = np.bincount(here, n * np.isnan(was), size)
    returning = np.bincount(here, n * (was == here - 1), size)
    gone = np.bincount(here, n * ~(following == here + 1), size)
    rows = []
    complete = periods.last_day(int(starts[-1]), period) <= last
    known = starts >= starts[0] + schemas.micros("lookback", lookback) // DAY
    early = ~known if known.sum() >= 2 else np.arange(size) == 0
    for i, start in enumerate(starts):
        counts = {
            "new": new[i],
            "returning": returning[i],
            "resurrected": active[i] - new[i] - returning[i],
            "dormant": gone[i - 1] if i else np.nan,
        }
        for state in STATES:
            base = (active[i - 1] if i else 0) if state == "dormant" else active[i]
            rows.append(
                {
                    "period": pd.Timestamp(int(start), unit="D"),
                    "state": state,
                    "count": counts[state],
                    "n": int(base),
                    "incomplete": i == size - 1 and not complete,
                    "left_censored": bool(early[i]),
                }
            )
    table = pd.DataFrame(rows)
    table = table[table["count"].notna()].reset_index(drop=True)
    table["count"] = table["count"].astype(int)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    # In the first period everyone looks new: true by definition, so no interval.
    table.loc[table["period"] == table["period"].min(), ["conf_low", "conf_high"]] = np.nan
    table = table[
        [
            "period",
            "state",
            "count",
            "n",
            "estimate",
            "conf_low",
            "conf_high",
            "incomplete",
            "left_censored",
        ]
    ]
    limits = [_too_early(int(early.sum()))]
    if not complete:
        limits.append(RUNNING)
    return Result(
        question=Note("journeys.life_question", "Who is new, who returns, who is inactive?"),
        table=table,
        method=Note(
            "journeys.life_method",
            "Customers active per {period}; dormant: active in the period before and not in this "
            "one, as a share of the former; Wilson intervals.",
            period=EACH[period],
        ),
        unit="customers",
        n=int(active.max()),
        conf_level=conf_level,
        limits=tuple(limits),
        answer=_dormant_answer(table, EACH[period]),
        chart=Curve(
            x="period",
            group="state",
            percent=True,
            only={"incomplete": [False], "left_censored": [False]},
            xlabel=Note("journeys.period_axis", "Period"),
            ylabel=Note(
                "journeys.life_axis", "Share of active customers (dormant: of those active before)"
            ),
        ),
    )


@engine.tables("events")
@analysis
def stickiness(
    events: Table,
    *,
    period: str = "week",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """On how many days of a week (or month) are active people active?

    Parameters are as in `lifecycle`, with period "week" or "month". Only whole periods count.

    Returns
    -------
    Result
        days_active ("1" … "7"; a month's beyond 10 together), count, n (customer-periods),
        estimate, std_error, conf_low, conf_high. Customers are the sampling unit. The mean days
        stand in `.facts` (journeys.sticky_mean, days and share).

    Raises
    ------
    NotEnoughData
        Without a whole period.

    Source: PostHog stickiness, in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the interval.
    """
    import pandas as pd

    one_of("period", period, ("week", "month"))
    view, first, last = _seen(events, period, zone, until)
    starts = periods.starts(first, last, period)
    whole = [int(s) for s in starts if s >= first and periods.last_day(int(s), period) <= last]
    if not whole:
        raise NotEnoughData(NO_WHOLE_PERIOD)
    cap = 7 if period == "week" else 11
    found = engine.run(
        f"""WITH
          d AS (
            SELECT customer, day
            FROM v WHERE day >= {whole[0]} AND day <= {periods.last_day(whole[-1], period)}
            GROUP BY 1, 2),
          p AS (
            SELECT customer, {periods.sql("day", period, first, last)} AS p, count(*) AS days
            FROM d GROUP BY 1, 2),
          k AS (
            SELECT customer, CASE WHEN days > {cap} THEN {cap} ELSE days END AS k,
              sum(days) AS days, count(*) AS y
            FROM p GROUP BY 1, 2),
          x AS (SELECT customer, sum(y) AS x FROM k GROUP BY 1)
          SELECT k.k AS k, sum(k.days) AS days, sum(k.y) AS y, sum(k.y * k.y) AS yy,
            sum(k.y * x.x) AS yx, 0 AS people
          FROM k JOIN x ON k.customer = x.customer GROUP BY k.k
          UNION ALL SELECT 0, 0, sum(x), sum(x * x), 0, count(*)
          FROM x""",
        v=view,
    )
    # Row 0 is everyone: what the shares are taken of.
    found = found.astype(float).set_index("k").reindex(range(cap + 1), fill_value=0.0)
    every, found = found.loc[0], found.loc[1:]
    n = every["y"]
    if not n > 0:
        raise NotEnoughData(NO_WHOLE_PERIOD)
    table = pd.DataFrame(
        {
            "days_active": [f"{k}" if k <= 10 else "11+" for k in range(1, cap + 1)],
            **intervals.share_of_sums(
                found["y"].to_numpy(),
                n,
                found["yy"].to_numpy(),
                found["yx"].to_numpy(),
                every["yy"],
                every["people"],
                conf_level,
            ),
        }
    )
    length = np.mean([periods.last_day(s, period) - s + 1 for s in whole])
    limits = (
        Note(
            "journeys.sticky_mean",
            "{days:3} active days per {period} on average, {share:%} of its days.",
            days=found["days"].sum() / n,
            period=EACH[period],
            share=found["days"].sum() / n / length,
        ),
    )
    return Result(
        question=Note(
            "journeys.sticky_question",
            "On how many days of a {period} are active customers active?",
            period=EACH[period],
        ),
        table=table,
        method=Note(
            "journeys.sticky_method",
            "Whole periods only; one unit is a customer in a period; the customer is "
            "the sampling unit.",
        ),
        unit="customer_periods",
        n=int(n),
        conf_level=conf_level,
        limits=limits,
        answer=_one_day_answer(table, limits[0].values["days"], EACH[period]),
        chart=Points(
            label=["days_active"],
            percent=True,
            xlabel=Note("journeys.sticky_axis", "Share of customer-periods"),
        ),
    )


def _too_early(n):
    return Note(
        "journeys.life_limit",
        "New means first seen in this table. In the first {n} period there is too little history "
        "to tell new customers from those who return after a long time; it is marked and not "
        "drawn.",
        "New means first seen in this table. In the first {n} periods there is too little history "
        "to tell new customers from those who return after a long time; they are marked and not "
        "drawn.",
        n=n,
    )


def _dormant_answer(table, period):
    """Say how many did not come back in the last period that is whole and can be judged."""
    judged = table[~table["incomplete"] & ~table["left_censored"] & (table["state"] == "dormant")]
    rows = judged if len(judged) else table[table["state"] == "dormant"]
    row = rows.iloc[-1]
    new = table[(table["period"] == row["period"]) & (table["state"] == "new")].iloc[0]
    return Note(
        "journeys.life_answer",
        "In the {period} beginning {start:date}, {share:%} of those active in the {period} before "
        "did not return ({low:%} to {high:%}; {count} of {n}); {new} of {active} active customers "
        "were new.",
        period=period,
        start=row["period"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        new=int(new["count"]),
        active=int(new["n"]),
    )


def _one_day_answer(table, days, period):
    """Say how many were active on a single day, and on how many on average."""
    row = table.iloc[0]
    return Note(
        "journeys.sticky_answer",
        "In a {period} in which they are active at all, customers are active on {days:3} days on "
        "average; in {share:%} of cases on one day only ({low:%} to {high:%}; {count} of {n}).",
        period=period,
        days=days,
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
    )
