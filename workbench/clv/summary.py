"""From orders to one row a customer: how often they came back, when last, and how long they were watched."""

import numpy as np

from workbench import engine, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.results import analysis

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


@analysis
def customers(orders, *, unit="week", zone="UTC", until=None, learn_until=None):
    """Count every customer's repeat purchases, the last of them, and the time watched.

    Orders of one local day are one purchase; days on which a customer got more back than they paid are no purchase, left out and counted.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    unit : str
        "day", "week", "month" or "year": what one unit of recency and age is. Models of the same customers in another unit say the same.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; None: the last order.
    learn_until : str or Timestamp, optional
        Last day to learn from; what comes after is kept apart as `later` and `later_value`, and customers who first came then are left out.

    Returns
    -------
    DataFrame
        customer_id, frequency (purchase days after the first), recency (from the first to the last), age (from the first to the end), value (mean amount of the repeat days that have one above 0; missing without), and with
        `learn_until` later (purchase days after it) and later_value (their amount). `.attrs`: unit, unit_days, end and begin (local days since 1970), refunds (days left out), hold_out (units after `learn_until`).

    Raises
    ------
    InputError
        For an unknown unit, or `learn_until` outside the data.
    NotEnoughData
        Where no purchase is left.

    Source: Fader, Hardie & Lee (2005), Marketing Science 24.
    """
    one_of("unit", unit, DAYS)
    schemas.require(orders, "orders")
    end = schemas.observed_until(orders, until, column="ordered_at", zone=zone)
    if end is None:
        raise NotEnoughData("customers: there is no order with a time")
    view = engine.view(orders, zone=zone, upto=None if until is None else end, customer=engine.key("customer_id"), day=engine.day("ordered_at"), amount=engine.real("amount"))
    last = periods.local_day(end, zone)
    cut = last if learn_until is None else periods.local_day(schemas.moment("learn_until", learn_until, zone), zone)
    if cut > last:
        raise InputError(f"learn_until: {learn_until} lies after the end of the data")
    found = engine.run("""WITH days AS (SELECT customer, day, sum(amount) AS amount FROM o GROUP BY customer, day),
        kept AS (SELECT customer, day, amount, CASE WHEN amount < 0 THEN 1 ELSE 0 END AS refund FROM days),
        per AS (SELECT customer, min(CASE WHEN refund = 0 THEN day END) AS first_day, max(CASE WHEN refund = 0 AND day <= :cut THEN day END) AS last_day,
                       sum(CASE WHEN refund = 0 AND day <= :cut THEN 1 ELSE 0 END) AS bought, sum(CASE WHEN refund = 0 AND day > :cut THEN 1 ELSE 0 END) AS later,
                       sum(CASE WHEN refund = 0 AND day > :cut THEN amount END) AS later_value,
                       sum(CASE WHEN amount > 0 AND day <= :cut THEN amount END) AS spent, sum(CASE WHEN amount > 0 AND day <= :cut THEN 1 ELSE 0 END) AS paid,
                       min_by(CASE WHEN refund = 0 THEN amount END, CASE WHEN refund = 0 THEN day END) AS begun, sum(refund) AS refunds
                FROM kept GROUP BY customer)
        SELECT customer AS customer_id, first_day, last_day, CAST(bought AS BIGINT) AS bought, CAST(later AS BIGINT) AS later, later_value, spent, CAST(paid AS BIGINT) AS paid, begun, CAST(refunds AS BIGINT) AS refunds
        FROM per ORDER BY customer""", values={"cut": cut}, o=view)
    refunds = int(found["refunds"].sum()) if len(found) else 0
    found = found[found["bought"] > 0]
    if not len(found):
        raise NotEnoughData("customers: there is no purchase" + ("" if learn_until is None else f" up to {learn_until}"))
    length = DAYS[unit]
    first_paid = (found["begun"] > 0).to_numpy()
    times = found["paid"].to_numpy() - first_paid
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (found["spent"].fillna(0).to_numpy(float) - np.where(first_paid, found["begun"].fillna(0), 0.0)) / times
    made = found[["customer_id"]].assign(frequency=found["bought"] - 1, recency=(found["last_day"] - found["first_day"]) / length, age=(cut - found["first_day"]) / length, value=np.where(times > 0, value, np.nan), paid=times)
    if learn_until is not None:
        made = made.assign(later=found["later"], later_value=found["later_value"].fillna(0.0))
    made = made.reset_index(drop=True)
    made.attrs = {"unit": unit, "unit_days": length, "end": int(cut), "begin": int(found["first_day"].min()), "refunds": refunds, "hold_out": (last - cut) / length}
    return made
