"""What customers did, as one row of numbers each: what segments of behaviour are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, periods, schemas
from workbench.errors import NotEnoughData
from workbench.results import analysis
from workbench.segments import people

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

_ORDERS = """
  SELECT customer AS customer_id, CAST(:day - max(day) AS BIGINT) AS recency,
    CAST(count(*) AS BIGINT) AS orders, round(sum(amount), 6) AS amount,
    round(avg(amount), 6) AS mean_value,
    CASE WHEN count(*) > 1 THEN (max(day) - min(day)) * 1.0 / (count(*) - 1) END AS days_apart,
    CAST(:day - min(day) AS BIGINT) AS tenure
  FROM days WHERE bought = 1 AND day <= :day GROUP BY customer ORDER BY customer"""
_EVENTS = """
  SELECT customer AS customer_id, CAST(count(*) AS BIGINT) AS events,
    CAST(count(DISTINCT day) AS BIGINT) AS active_days,
    CAST(count(DISTINCT event) AS BIGINT) AS kinds
  FROM e WHERE day <= :day GROUP BY customer ORDER BY customer"""


@engine.tables("orders", optional=("events",))
@analysis
def behaviour(
    orders: Table, *, events: Table | None = None, as_of: Moment | None = None, zone: str = "UTC"
) -> pd.DataFrame:
    """What had each customer done by a day: how lately, often and dearly they bought, and how much
    they looked?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    events : table with customer_id, occurred_at, event, optional
        What they did beside buying.
    as_of : str or Timestamp, optional
        The day; None: the last one of the orders. What came later is not used.
    zone : str
        Time zone in which days are cut.

    Returns
    -------
    DataFrame
        customer_id, recency (days since the last purchase), orders (days with one), amount (net),
        mean_value (a purchase day), days_apart (mean; missing after one purchase), tenure (days
        since the first), and with events: events, active_days, kinds (of events). For `clusters`.

    Raises
    ------
    NotEnoughData
        Where nobody bought by then.

    Source: the definitions of segments in `docs/glossary.md`.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["a", "a", "b"],
    ...     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-11", "2024-01-31"], utc=True),
    ...     "amount": [10.0, 30.0, 5.0]})
    >>> behaviour(orders)[["customer_id", "recency", "orders", "days_apart"]].values.tolist()
    [['a', 20, 2, 10.0], ['b', 0, 1, nan]]
    """
    view, day = schemas.purchase_days(orders, zone)
    if as_of is not None:
        day = periods.local_day(schemas.moment("as_of", as_of, zone), zone)
    made = engine.run(schemas.DAYS + _ORDERS, values={"day": int(day)}, o=view)
    if not len(made):
        raise NotEnoughData("segments.error_nobody_bought", "behaviour: nobody bought by then")
    made["amount"] = made["amount"].fillna(0.0)
    made["mean_value"] = made["mean_value"].fillna(0.0)
    made["days_apart"] = made["days_apart"].astype(float)
    if events is not None:
        made = _with_events(made, events, day, zone)
    made.attrs = {"as_of": int(day), "zone": zone}
    return made


def _with_events(made, events, day, zone):
    """Return the table with what customers did in events; nothing is 0."""
    schemas.require(events, "events")
    seen = engine.view(
        events,
        zone=zone,
        customer=engine.key("customer_id"),
        day=engine.day("occurred_at"),
        event="event",
    )
    found = engine.run(_EVENTS, values={"day": int(day)}, e=seen)
    counts = found.set_index(engine.written(found["customer_id"]))
    rows = counts.reindex(engine.written(made["customer_id"]))
    return made.assign(
        **{
            name: rows[name].fillna(0).astype(int).to_numpy()
            for name in ("events", "active_days", "kinds")
        }
    )


@engine.tables("orders")
@engine.frames("customers")
@analysis
def subsequent_behaviour(customers: Table, orders: Table, *, window: str = "90D") -> pd.DataFrame:
    """What did the same customers do in the time after: the outcome no segment was made from?

    Parameters
    ----------
    customers : table of `behaviour`
    orders : the orders behind it, with what came after its day
    window : str
        Time after that day.

    Returns
    -------
    DataFrame
        The table with later_orders (days with one), later_amount (net) and came_back (0 and 1); 0
        where nothing came.

    Raises
    ------
    InputError
        For a table that lost its day.
    NotEnoughData
        Where the orders end before the window does.

    Source: the definitions of segments in `docs/glossary.md`.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"order_id": [1, 2, 3], "customer_id": ["a", "b", "a"],
    ...     "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-11"], utc=True),
    ...     "amount": [10.0, 30.0, 5.0]})
    >>> known = behaviour(orders, as_of="2024-01-03")
    >>> subsequent_behaviour(known, orders, window="8D")["came_back"].tolist()
    [1, 0]
    """
    people.once(customers)
    zone = customers.attrs.get("zone", "UTC")
    day = int(schemas.beside(customers, "customers", "as_of", "segments.behaviour"))
    view, end = schemas.purchase_days(orders, zone)
    last = day + schemas.whole_days("window", window)
    if last > end:
        raise NotEnoughData(
            "segments.error_later",
            "subsequent_behaviour: the orders end {days} days before the window of {window:span} "
            "does",
            days=last - end,
            window=window,
        )
    found = engine.run(
        schemas.DAYS
        + """
          SELECT customer AS customer_id, CAST(sum(bought) AS BIGINT) AS later_orders,
            round(sum(amount), 6) AS later_amount
          FROM days WHERE day > :day AND day <= :last GROUP BY customer ORDER BY customer""",
        values={"day": day, "last": last},
        o=view,
    )
    rows = found.set_index(engine.written(found["customer_id"]))
    rows = rows.reindex(engine.written(customers["customer_id"]))
    rows = rows[["later_orders", "later_amount"]].fillna(0)
    made = customers.assign(
        later_orders=rows["later_orders"].astype(int).to_numpy(),
        later_amount=rows["later_amount"].astype(float).to_numpy(),
    )
    made["came_back"] = (made["later_orders"] > 0).astype(int)
    made.attrs = dict(customers.attrs)
    return made
