"""On how many days, weeks or months of a range people are active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.journeys.lifecycle import EACH
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Moment, Table

PARTLY = Note(
    "journeys.range_cut",
    "The range does not begin and end with whole periods: the first or the last of them is seen in "
    "part.",
)


@engine.tables("events")
@analysis
def active_periods(
    events: Table,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    period: str = "day",
    top: int = 10,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """On how many days (weeks, months) of a range are people active?

    `stickiness` counts the active days of every week or month; this counts the active periods of
    one range, of whatever length.

    Parameters
    ----------
    events : table with customer_id, occurred_at
    since, until : str or Timestamp, optional
        First day and last moment of the range; default all that the table holds.
    period : str
        "day", "week" (from Monday; "week_sunday", "week_saturday") or "month": what is counted.
    top : int
        Numbers shown one by one; larger ones stand together.
    zone : str
        Time zone in which days are cut.

    Returns
    -------
    Result
        periods_active ("1" … and what lies beyond the top), count (customers active in exactly so
        many periods), n (customers active in the range), estimate, conf_low, conf_high (Wilson),
        at_least (share active in so many or more). The mean stands in `.facts`
        (journeys.range_mean).

    Raises
    ------
    InputError
        For an unknown period, or a range that ends before it begins.
    NotEnoughData
        Without an event in the range.

    Source: PostHog, "Stickiness" (address in `docs/glossary.md`); Wilson (1927).

    >>> from workbench import simulate
    >>> events = simulate.market(60)["events"]
    >>> active_periods(events, period="month").table["periods_active"].iloc[0]
    '1'
    """
    one_of("period", period, periods.DAYS)
    if not isinstance(top, (int, np.integer)) or top < 1:
        raise InputError(
            "journeys.error_top",
            "top: {least} or more is needed, found {top:repr}",
            least=1,
            top=top,
        )
    view, (first, last) = _range(events, since, until, zone)
    found = _counts(view, period, first, last)
    if not len(found):
        raise NotEnoughData("journeys.error_nobody_active", "nobody is active in that range")
    table = _table(found, int(top), conf_level)
    starts = periods.starts(first, last, period)
    cut = starts[0] < first or periods.last_day(int(starts[-1]), period) > last
    mean = float((found["k"] * found["n"]).sum() / found["n"].sum())
    said = Note(
        "journeys.range_mean",
        "{mean:3} of the {periods} periods (one {period}) of the range on average.",
        mean=mean,
        periods=len(starts),
        period=EACH[period],
    )
    return Result(
        question=Note(
            "journeys.range_question",
            "In how many periods of one {period} are customers active?",
            period=EACH[period],
        ),
        table=table,
        method=Note(
            "journeys.range_method",
            "Customers active at least once between {since} and {until}, by the number of periods "
            "with an event; Wilson intervals.",
            since=str(np.datetime64(first, "D")),
            until=str(np.datetime64(last, "D")),
        ),
        unit="customers",
        n=int(found["n"].sum()),
        conf_level=conf_level,
        limits=(said, *([PARTLY] if cut else [])),
        answer=_answer(table, mean, EACH[period]),
        chart=Points(
            label=["periods_active"],
            percent=True,
            xlabel=Note("journeys.range_axis", "Share of active customers"),
        ),
    )


def _range(events, since, until, zone):
    """Return the view and the first and last local day of the range."""
    schemas.require(events, "events")
    end = schemas.observed_until(events, until, zone=zone)
    if end is None:
        raise NotEnoughData("journeys.error_no_event", "the table holds no event with a time")
    begin = engine.span(events, "occurred_at")[0] if since is None else None
    if begin is None:
        begin = schemas.moment("since", since, zone)
    first, last = periods.local_day(begin, zone), periods.local_day(end, zone)
    if last < first:
        raise InputError(
            "journeys.error_range",
            "since, until: the range ends ({until}) before it begins ({since})",
            since=str(np.datetime64(first, "D")),
            until=str(np.datetime64(last, "D")),
        )
    roles = {"customer": engine.key("customer_id"), "day": engine.day("occurred_at")}
    view = engine.view(events, zone=zone, upto=None if until is None else end, **roles)
    return view, (first, last)


def _counts(view, period, first, last):
    """Return how many customers (n) are active in how many periods (k)."""
    return engine.run(
        f"""WITH
          d AS (
            SELECT customer, {periods.sql("day", period, first, last)} AS p
            FROM v WHERE day >= {first} AND day <= {last} GROUP BY 1, 2),
          c AS (SELECT customer, count(*) AS k FROM d GROUP BY customer)
          SELECT k, count(*) AS n FROM c GROUP BY k ORDER BY k""",
        v=view,
    ).astype(int)


def _table(found, top, conf_level):
    """Return a row a number of periods, those beyond the top together."""
    import pandas as pd

    most, n = int(found["k"].max()), int(found["n"].sum())
    exactly = np.bincount(found["k"], found["n"], most + 1)[1:].astype(int)
    labels = [str(k) for k in range(1, min(most, top) + 1)]
    if most > top:
        exactly = np.append(exactly[:top], exactly[top:].sum())
        labels.append(f"{top + 1}+")
    low, high = intervals.wilson(exactly, np.full(len(exactly), n), conf_level)
    return pd.DataFrame(
        {
            "periods_active": labels,
            "count": exactly,
            "n": n,
            "estimate": exactly / n,
            "conf_low": low,
            "conf_high": high,
            "at_least": exactly[::-1].cumsum()[::-1] / n,
        }
    )


def _answer(table, mean, period):
    row = table.iloc[0]
    return Note(
        "journeys.range_answer",
        "{share:%} of the active customers are active in one period only ({low:%} to {high:%}; "
        "{count} of {n}); on average in {mean:3} periods of one {period}.",
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        mean=mean,
        period=period,
    )
