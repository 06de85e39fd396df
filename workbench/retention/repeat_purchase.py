"""Do customers come back? Repeat buying and its pauses.

Orders of one customer on one local day are one purchase occasion: split shipments and exchanges
are no repeat, nor is a day on which more was given back than paid. All of a customer's numbers come
from the engine as one row a customer or less.
"""

import numpy as np

from workbench import engine, intervals, schemas, survival
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.retention import sentences
from workbench.stats import stationary

EVER_LIMIT = Note(
    "retention.ever_limit",
    "Not a repeat rate: earlier customers have had more time to come back. Compare by the repeat "
    "rate within a window.",
)
OPEN_PAUSE = Note(
    "retention.open_pause",
    "Counted per interpurchase time, so frequent buyers weigh more. The one still open when the "
    "data end is censored; the median of completed ones alone is too short.",
)

REPEAT_SORTING = Note(
    "retention.repeat_sorting",
    "More come back after a second purchase than after a first even where nobody changes: whoever "
    "made it buys often. What the share would then be stands beside it.",
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
    orders,
    *,
    windows=("90D", "180D", "365D"),
    washout=None,
    zone="UTC",
    until=None,
    conf_level=0.95,
):
    """How many customers come back within a set time?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    windows : list of str
        Follow-up times such as "90D".
    washout : str, optional
        Time from the begin of the data, such as "90D", in which a first purchase counts for
        nothing: whoever bought then may be an old customer whose first one was not seen.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; default the last order.

    Returns
    -------
    Result
        purchase ("first to second", "second to third"), window, count (came back in time), n
        (customers whose earlier purchase lies at least the window before the end), estimate,
        conf_low, conf_high, no_change (the share to expect if every customer kept one rate of
        buying and nobody left), immature (customers left out as followed too briefly). Interval:
        Wilson (1927).

    Raises
    ------
    NotEnoughData
        If there is no order.

    Source: Farris, Bendle, Pfeifer & Reibstein (2020), Marketing Metrics; rule R-01. No change:
    `stats.unchanging`.
    """
    import pandas as pd

    view, end = schemas.purchase_days(orders, zone, until)
    firsts = _firsts(view)
    firsts, old = _washed(firsts, view, washout)
    nobody = stationary.fitted(firsts["bought"] - 1, end - firsts["a"], firsts["customers"])
    rows = []
    for name, begin, again in (("first_to_second", "a", "b"), ("second_to_third", "b", "c")):
        started = firsts[firsts[begin].notna()]
        for window in windows:
            length = schemas.whole_days("windows", window)
            rows.append(
                {
                    "purchase": name,
                    "window": window,
                    **_back(started, begin, again, length, end),
                    "no_change": _if_nobody_changed(nobody, firsts, end, name, length),
                }
            )
    table = pd.DataFrame(rows)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    named = ["purchase", "window", "count", "n", "estimate", "conf_low", "conf_high"]
    table = table[[*named, "no_change", "immature"]]
    waiting = table[(table["immature"] > 0) & (table["purchase"] == "first_to_second")]
    limits = [sentences.immature(r.immature, r.window) for r in waiting.itertuples()]
    return Result(
        question=Note(
            "retention.repeat_question", "How many customers come back within a set time?"
        ),
        answer=_repeat_answer(table),
        table=table,
        method=Note(
            "retention.repeat_method",
            "Customers whose next purchase day follows within the window, among those followed "
            "for the whole window; Wilson intervals. If nobody changed: customers who differ in "
            "their daily probability of buying (a beta, fitted to these data), keep it, and never "
            "leave.",
        ),
        unit="customers",
        n=int(firsts["customers"].sum()),
        conf_level=conf_level,
        limits=(*limits, *old, REPEAT_SORTING, sentences.FIRST_SEEN),
        chart=Points(
            label=["purchase", "window"],
            group="purchase",
            beside="no_change",
            percent=True,
            xlabel=Note("retention.repeat_axis", "Share that came back within the window"),
        ),
    )


def _firsts(view):
    """Return the days of the first three purchases and how many there were, customers alike
    together.
    """
    return engine.run(
        schemas.DAYS
        + """,
          ranked AS (
            SELECT customer, day, row_number() OVER (PARTITION BY customer ORDER BY day) AS k
            FROM days WHERE bought = 1),
          firsts AS (
            SELECT customer, min(CASE WHEN k = 1 THEN day END) AS a,
              min(CASE WHEN k = 2 THEN day END) AS b, min(CASE WHEN k = 3 THEN day END) AS c,
              max(k) AS bought
            FROM ranked GROUP BY customer)
          SELECT a, b, c, bought, count(*) AS customers
          FROM firsts GROUP BY a, b, c, bought ORDER BY a, b, c, bought""",
        o=view,
    )


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


def _repeat_answer(table):
    first = table[table["purchase"] == "first_to_second"]
    row = sentences.last_known(first)
    return Note(
        "retention.repeat_answer",
        "{share:%} of first-time customers came back within {window:span} ({low:%} to {high:%}; "
        "{count} of {n}).",
        window=row["window"],
        **sentences.interval(row),
    )


@engine.tables("orders")
@analysis
def ever_repeat(orders, *, conf_level=0.95):
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
def purchase_frequency(orders, *, zone="UTC", until=None, conf_level=0.95):
    """How often do customers buy, for how much, and how long is the pause?

    Parameters are as in `repeat_rate`.

    Returns
    -------
    Result
        measure, count or amount (numerator), n, estimate, std_error, conf_low, conf_high for
        repeats_per_year (purchases after the first per customer-year since it), order_value
        (currency of the orders, as they stand: refunds and discounts are netted only if the orders
        are; orders without an amount are left out), days_between (median pause, the last, still
        open one included and censored) and days_between_seen (median of the completed pauses only:
        biased short). Intervals: delta method, and Brookmeyer–Crowley, with the customer as
        sampling unit.

    Source: Ehrenberg (1988), Repeat-Buying; rule R-02.
    """

    view, end = schemas.purchase_days(orders, zone, until)
    per = engine.run(
        schemas.DAYS
        + """
          SELECT customer, CAST(sum(bought) AS BIGINT) AS occasions,
            CAST(sum(orders) AS BIGINT) AS orders, sum(amount) AS amount,
            min(CASE WHEN bought = 1 THEN day END) AS first_day
          FROM days GROUP BY customer HAVING sum(bought) > 0 ORDER BY customer""",
        o=view,
    )
    years = (end - per["first_day"] + 1) / 365.25
    rows = []
    # The purchase that starts a customer's clock is no purchase of the time since.
    for name, summed, y, x in (
        ("repeats_per_year", "count", per["occasions"] - 1, years),
        ("order_value", "amount", per["amount"].fillna(0), per["orders"]),
    ):
        estimate, se, low, high = intervals.ratio(y, x, conf_level)
        rows.append(
            {
                "measure": name,
                summed: float(y.sum()),
                "n": float(x.sum()),
                "estimate": estimate,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
            }
        )
    gaps = interpurchase_times(orders, zone=zone, until=until)
    for name, used in (("days_between", gaps), ("days_between_seen", gaps[gaps["ended"]])):
        estimate = low = high = np.nan
        if len(used):
            curve = survival.kaplan_meier(
                used["days"], used["ended"], customer=used["customer_id"], conf_level=conf_level
            )
            estimate, low, high = survival.quantile(curve, 0.5)
        rows.append(
            {
                "measure": name,
                "count": float(used["ended"].sum()),
                "n": float(len(used)),
                "estimate": estimate,
                "std_error": np.nan,
                "conf_low": low,
                "conf_high": high,
            }
        )
    table = tidy(rows)
    return Result(
        question=Note(
            "retention.rhythm_question",
            "How often do customers buy, for how much, and how much time lies between purchases?",
        ),
        answer=_rhythm_answer(table, len(per)),
        table=table,
        method=Note(
            "retention.rhythm_method",
            "Ratios over customers (delta method); interpurchase times by Kaplan–Meier, the "
            "customer as sampling unit; amounts as they stand in the orders.",
        ),
        unit="customers",
        n=len(per),
        conf_level=conf_level,
        limits=(OPEN_PAUSE, sentences.FIRST_SEEN),
        chart=Points(
            label=["measure"],
            xlabel=Note(
                "retention.rhythm_axis", "In the unit of each measure: orders, money, days"
            ),
        ),
    )


def _rhythm_answer(table, customers):
    rates = table.set_index("measure")[["estimate", "conf_low", "conf_high"]]
    rate, between = rates.loc["repeats_per_year"], rates.loc["days_between"]
    values = {
        "rate": float(rate["estimate"]),
        "low": float(rate["conf_low"]),
        "high": float(rate["conf_high"]),
        "n": customers,
    }
    if between.isna().any():
        return Note(
            "retention.rhythm_answer_open",
            "Customers buy again {rate:3} times a year ({low:3} to {high:3}; {n} customers); the "
            "data are too short for a median interpurchase time with its interval.",
            **values,
        )
    return Note(
        "retention.rhythm_answer",
        "Customers buy again {rate:3} times a year ({low:3} to {high:3}; {n} customers); half of "
        "the times between purchases are at most {days:3} days ({days_low:3} to {days_high:3}).",
        days=float(between["estimate"]),
        days_low=float(between["conf_low"]),
        days_high=float(between["conf_high"]),
        **values,
    )


@engine.tables("orders")
@analysis
def interpurchase_times(orders, *, zone="UTC", until=None):
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
    return found[["customer_id", "number", "days", "ended", "watched", "amount", "next_amount"]]
