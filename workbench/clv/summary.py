"""From orders to one row a customer: how often they came back, when last, and how long they were
watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.results import analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


@engine.tables("orders")
@analysis
def customers(
    orders: Table,
    *,
    unit: str = "week",
    zone: str = "UTC",
    until: Moment | None = None,
    learn_until: Moment | None = None,
) -> pd.DataFrame:
    """Count every customer's repeat purchases, the last of them, and the time watched.

    Orders of one local day are one purchase; days on which a customer got more back than they paid
    are no purchase, left out and counted.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    unit : str
        "day", "week", "month" or "year": what one unit of recency and age is. Models of the same
        customers in another unit say the same.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; None: the last order.
    learn_until : str or Timestamp, optional
        Last day to learn from; what comes after is kept apart as `later` and `later_value`, and
        customers who first came then are left out.

    Returns
    -------
    DataFrame
        customer_id, frequency (purchase days after the first), recency (from the first to the
        last), age (from the first to the end), value (mean amount of the repeat days that have one
        above 0; missing without), paid (how many those are), and with `learn_until` later (purchase
        days after it) and later_value (their amount). `.attrs`: unit, unit_days, end and begin
        (local days since 1970), refunds (days left out), later_orders (after `until`, left out),
        hold_out (units after `learn_until`).

    Raises
    ------
    InputError
        For an unknown unit, or `learn_until` outside the data.
    NotEnoughData
        Where no purchase is left.

    Source: Fader, Hardie & Lee (2005), Marketing Science 24.
    """
    one_of("unit", unit, DAYS)
    view, last = schemas.purchase_days(orders, zone, until)
    cut = (
        last
        if learn_until is None
        else periods.local_day(schemas.moment("learn_until", learn_until, zone), zone)
    )
    if cut > last:
        raise InputError(
            "clv.error_learn_until",
            "learn_until: {learn_until} lies after the end of the data",
            learn_until=learn_until,
        )
    # One pass: what the first day brought is taken off the sums again, which spares a window over
    # all days.
    found = engine.run(
        schemas.DAYS
        + """,
          kept AS (
            SELECT customer, amount, CASE WHEN bought = 1 THEN day END AS bought
            FROM days),
          per AS (
            SELECT customer, min(bought) AS first_day,
              max(CASE WHEN bought <= :cut THEN bought END) AS last_day,
              count(CASE WHEN bought <= :cut THEN 1 END) AS bought,
              count(CASE WHEN bought > :cut THEN 1 END) AS later,
              sum(CASE WHEN bought > :cut THEN amount END) AS later_value,
              sum(CASE WHEN bought <= :cut THEN amount END) AS spent,
              count(CASE WHEN bought <= :cut AND amount > 0 THEN 1 END) AS paid,
              min_by(coalesce(amount, 0), bought) AS at_first,
              count(*) - count(bought) AS refunds
            FROM kept GROUP BY customer)
          SELECT customer AS customer_id, first_day, last_day, bought, later, later_value,
            spent - at_first AS spent, paid - CASE WHEN at_first > 0 THEN 1 ELSE 0 END AS paid,
            refunds
          FROM per WHERE refunds > 0 OR first_day <= :cut ORDER BY customer""",
        values={"cut": cut},
        o=view,
    )
    refunds = int(found["refunds"].sum())
    found = found[found["first_day"] <= cut].reset_index(drop=True)
    if not len(found):
        raise _no_purchase(learn_until)
    beyond = 0
    if until is not None:
        moments = engine.view(orders, t=engine.micros("ordered_at"))
        beyond = int(
            engine.run(
                "SELECT count(*) AS n FROM v WHERE t > :end",
                values={"end": schemas.moment("until", until, zone)},
                v=moments,
            )["n"].iloc[0]
        )
    length, paid = DAYS[unit], found["paid"]
    made = found[["customer_id"]].assign(
        frequency=found["bought"] - 1,
        recency=(found["last_day"] - found["first_day"]) / length,
        age=(cut - found["first_day"]) / length,
        value=found["spent"].round(6) / paid.where(paid > 0),
        paid=paid,
    )
    if learn_until is not None:
        made = made.assign(
            later=found["later"], later_value=found["later_value"].round(6).fillna(0.0)
        )
    made.attrs = {
        "unit": unit,
        "unit_days": length,
        "end": int(cut),
        "begin": int(found["first_day"].min()),
        "refunds": refunds,
        "later_orders": beyond,
        "hold_out": (last - cut) / length,
    }
    return made


def _no_purchase(learn_until):
    if learn_until is None:
        return NotEnoughData("clv.error_no_purchase", "customers: there is no purchase")
    return NotEnoughData(
        "clv.error_no_purchase_until",
        "customers: there is no purchase up to {learn_until}",
        learn_until=learn_until,
    )
