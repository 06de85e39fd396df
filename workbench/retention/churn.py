"""Who stays? The rate of customers kept between two dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences

if TYPE_CHECKING:
    from workbench.types import Moment, Table

RATE_ANSWER = Note(
    "retention.rate_answer",
    "{share:%} of the customers on {begin:date} were still customers on {end:date} ({low:%} to "
    "{high:%}; {count} of {n}).",
)
RATE_AXIS = Note("retention.rate_axis", "Share still a customer")
RATE_LIMIT = Note(
    "retention.rate_limit",
    "Nobody announces leaving: the rule for who is a customer is part of the number.",
)


@engine.tables("orders")
@analysis
def retention_rate(
    orders: Table,
    *,
    begin: Moment,
    end: Moment,
    active: str = "90D",
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """Of those who were customers when a period began, how many still are at its end?

    A customer at a date is someone who ordered in the `active` days up to it: in a shop without
    contract nobody tells when they leave, so the rule is part of the number.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    begin, end : str or Timestamp
    active : str
        Look-back that makes someone a customer, such as "90D".

    Returns
    -------
    Result
        One row: measure, count (still customers), n (customers at the start), estimate, conf_low,
        conf_high, new (customers at the end who were none at the start). Interval: Wilson (1927).

    Source: Farris et al. (2020), Marketing Metrics; rule R-04.
    """
    import pandas as pd

    view, covered = schemas.purchase_days(orders, zone, None)
    back = schemas.whole_days("active", active)
    a, b = (
        periods.local_day(schemas.moment(k, v, zone), zone)
        for k, v in (("begin", begin), ("end", end))
    )
    if b - a < back:
        raise InputError(
            "retention.error_rate_apart",
            "retention_rate: begin and end must lie at least `active` ({active}) "
            "apart, else one order counts at both; found {days} days",
            active=active,
            days=b - a,
        )
    if b > covered:
        raise NotEnoughData(
            "retention.error_rate_end",
            "retention_rate: the data end before {end:date}",
            end=end,
        )
    found = engine.run(
        schemas.DAYS
        + """,
          c AS (
            SELECT customer,
              max(CASE WHEN day > :a0 AND day <= :a THEN 1 ELSE 0 END) AS at_begin,
              max(CASE WHEN day > :b0 AND day <= :b THEN 1 ELSE 0 END) AS at_end
            FROM days WHERE bought = 1 GROUP BY customer)
          SELECT CAST(sum(at_begin) AS BIGINT) AS n,
            CAST(sum(at_begin * at_end) AS BIGINT) AS count,
            CAST(sum((1 - at_begin) * at_end) AS BIGINT) AS new
          FROM c""",
        values={"a0": a - back, "a": a, "b0": b - back, "b": b},
        o=view,
    )
    n, count = int(found["n"].iloc[0]), int(found["count"].iloc[0])
    if not n:
        raise NotEnoughData(
            "retention.error_rate_nobody",
            "retention_rate: nobody was a customer on {begin:date} (no order {active:span} before)",
            begin=begin,
            active=active,
        )
    low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
    table = pd.DataFrame(
        [
            {
                "measure": "retention_rate",
                "count": count,
                "n": n,
                "estimate": count / n,
                "conf_low": low,
                "conf_high": high,
                "new": int(found["new"].iloc[0]),
            }
        ]
    )
    return Result(
        question=Note(
            "retention.rate_question",
            "How many of the customers on {begin:date} are still customers on {end:date}?",
            begin=str(begin),
            end=str(end),
        ),
        answer=RATE_ANSWER.having(
            begin=str(begin), end=str(end), **sentences.interval(table.iloc[0])
        ),
        table=table,
        unit="customers",
        n=n,
        method=Note(
            "retention.rate_method",
            "A customer is someone who ordered in the {active:span} before the date; Wilson "
            "interval.",
            active=active,
        ),
        conf_level=conf_level,
        limits=(RATE_LIMIT,),
        chart=Points(label=["measure"], percent=True, xlabel=RATE_AXIS),
    )
