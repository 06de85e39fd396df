"""Do they stay? Repeat buying, cohorts, churn moments and the time to the next purchase.

Orders of one customer on one local day are one purchase occasion: split shipments and exchanges
are no repeat, nor is a day on which more was given back than paid. All of a customer's numbers come
from the engine as one row a customer or less.
"""

import numpy as np

from workbench import engine, intervals, periods, schemas, survival
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Heat, Points, Result, analysis


@analysis
def repeat_rate(
    orders, *, windows=("90D", "180D", "365D"), zone="UTC", until=None, conf_level=0.95
):
    """How many customers come back within a set time?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    windows : list of str
        Follow-up times such as "90D".
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; default the last order.

    Returns
    -------
    Result
        purchase ("first to second", "second to third"), window, count (came back in time), n
        (customers whose earlier purchase lies at least the window before the end), estimate,
        conf_low, conf_high, immature (customers left out as too young). Interval: Wilson (1927).

    Raises
    ------
    NotEnoughData
        If there is no order.

    Source: Farris, Bendle, Pfeifer & Reibstein (2020), Marketing Metrics; rule R-01.
    """
    import pandas as pd

    view, end = schemas.purchase_days(orders, zone, until)
    firsts = engine.run(
        schemas.DAYS
        + """,
          ranked AS (
            SELECT customer, day, row_number() OVER (PARTITION BY customer ORDER BY day) AS k
            FROM days WHERE bought = 1),
          firsts AS (
            SELECT customer, min(CASE WHEN k = 1 THEN day END) AS a,
              min(CASE WHEN k = 2 THEN day END) AS b, min(CASE WHEN k = 3 THEN day END) AS c
            FROM ranked WHERE k <= 3 GROUP BY customer)
          SELECT a, b, c, count(*) AS customers
          FROM firsts GROUP BY a, b, c ORDER BY a, b, c""",
        o=view,
    )
    rows = []
    for name, begin, again in (("first_to_second", "a", "b"), ("second_to_third", "b", "c")):
        started = firsts[firsts[begin].notna()]
        for window in windows:
            length = schemas.whole_days("windows", window)
            mature = started[started[begin] + length <= end]
            back = mature[mature[again] - mature[begin] <= length]
            n = int(mature["customers"].sum())
            rows.append(
                {
                    "purchase": name,
                    "window": window,
                    "count": int(back["customers"].sum()),
                    "n": n,
                    "immature": int(started["customers"].sum()) - n,
                }
            )
    table = pd.DataFrame(rows)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    table = table[
        ["purchase", "window", "count", "n", "estimate", "conf_low", "conf_high", "immature"]
    ]
    waiting = table[(table["immature"] > 0) & (table["purchase"] == "first_to_second")]
    limits = [
        Note(
            "retention.immature",
            "{window:span}: {n} customers are too young to be judged and are left out.",
            n=r.immature,
            window=r.window,
        )
        for r in waiting.itertuples()
    ]
    return Result(
        question=Note("retention.repeat_question", "How many customers come back in time?"),
        table=table,
        method=Note(
            "retention.repeat_method",
            "Customers whose next purchase day follows within the window, of those "
            "watched for the whole window; Wilson intervals.",
        ),
        unit="customers",
        n=int(firsts["customers"].sum()),
        conf_level=conf_level,
        limits=(
            *limits,
            Note(
                "retention.first_seen",
                "First purchase means first seen in these data; earlier ones are unknown.",
            ),
        ),
        chart=Points(
            label=["purchase", "window"],
            group="purchase",
            percent=True,
            xlabel=Note("retention.repeat_axis", "Share that came back within the window"),
        ),
    )


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
    found = engine.run(
        """WITH
          c AS (
            SELECT customer, count(DISTINCT order_id) AS k
            FROM v WHERE amount >= 0 OR amount IS NULL GROUP BY customer)
          SELECT count(*) AS n, count(CASE WHEN k >= 2 THEN 1 END) AS count
          FROM c""",
        v=v,
    )
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
        question=Note("retention.ever_question", "Which share ever bought twice?"),
        table=table,
        method=Note(
            "retention.ever_method",
            "Customers with two or more orders, of all customers; Wilson interval.",
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=(
            Note(
                "retention.ever_limit",
                "Not a repeat rate: older customers have had longer to come back. Use the "
                "repeat rate with a window to compare.",
            ),
        ),
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=Note("retention.ever_axis", "Share with two or more orders"),
        ),
    )


@analysis
def buying_rhythm(orders, *, zone="UTC", until=None, conf_level=0.95):
    """How often do customers buy, for how much, and how long is the pause?

    Parameters are as in `repeat_rate`.

    Returns
    -------
    Result
        measure, count (numerator), n (denominator), estimate, std_error, conf_low, conf_high for
        repeats_per_year (purchases after the first per customer-year since it), order_value
        (currency of the orders, as they stand: refunds and discounts are netted only if the orders
        are; orders without an amount are left out), days_between (median pause, the last, still
        open one included and censored) and days_between_seen (median of the completed pauses only:
        biased short). Intervals: delta method, and Brookmeyer–Crowley, with the customer as
        sampling unit.

    Source: Ehrenberg (1988), Repeat-Buying; rule R-02.
    """
    import pandas as pd

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
    for name, y, x in (
        ("repeats_per_year", per["occasions"] - 1, years),
        ("order_value", per["amount"].fillna(0), per["orders"]),
    ):
        estimate, se, low, high = intervals.ratio(y, x, conf_level)
        rows.append(
            {
                "measure": name,
                "count": float(y.sum()),
                "n": float(x.sum()),
                "estimate": estimate,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
            }
        )
    gaps = pauses(orders, zone=zone, until=until)
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
    return Result(
        question=Note(
            "retention.rhythm_question",
            "How often do customers buy, for how much, and how long is the pause?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "retention.rhythm_method",
            "Ratios over customers (delta method); pauses by Kaplan–Meier, the "
            "customer as sampling unit; amounts as they stand in the orders.",
        ),
        unit="customers",
        n=len(per),
        conf_level=conf_level,
        limits=(
            Note(
                "retention.open_pause",
                "Counted per pause, so frequent buyers weigh more. The pause still open "
                "when the data end is censored; the median of completed pauses alone is "
                "too short.",
            ),
            Note(
                "retention.first_seen",
                "First purchase means first seen in these data; earlier ones are unknown.",
            ),
        ),
        chart=Points(
            label=["measure"],
            xlabel=Note(
                "retention.rhythm_axis", "In the unit of each measure: orders, money, days"
            ),
        ),
    )


@analysis
def pauses(orders, *, zone="UTC", until=None):
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


@analysis
def cohorts(
    orders,
    *,
    period="month",
    clock="calendar",
    criterion="on",
    measure="customers",
    entry="first",
    zone="UTC",
    until=None,
    conf_level=0.95,
):
    """Of those who first bought in a period, or bought in it at all, how many are active later on?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    period : str
        "day", "week" (from Monday; "week_sunday", "week_saturday" from another day) or "month" (30
        days on the rolling clock).
    clock : str
        "calendar": ages count calendar periods; "rolling": ages count full periods since the
        customer's own first purchase day.
    criterion : str
        "on": active in that period; "on_or_after": active in that period or any later one.
    measure : str
        "customers", or "revenue" (sum of the amounts relative to age 0).
    entry : str
        "first": a cohort holds those who first bought in its period; "every": all who bought in it,
        whether new or not, so that a customer stands in several cohorts (calendar clock only).
    zone, until
        As in `repeat_rate`.

    Returns
    -------
    Result
        cohort (first day of its period), age, count, n (cohort size, or revenue at age 0),
        estimate, and conf_low, conf_high for customers, or customers (cohort size) for revenue. A
        cell that the data cannot show in full is missing, never 0; age 0 is true by definition and
        has no interval.

    Raises
    ------
    InputError
        For an unknown option, or entry "every" on the rolling clock.

    Source: Fader & Hardie (2007); rule R-03. Interval: Wilson (1927).
    """
    import pandas as pd

    one_of("period", period, periods.DAYS)
    one_of("clock", clock, ("calendar", "rolling"))
    one_of("criterion", criterion, ("on", "on_or_after"))
    one_of("measure", measure, ("customers", "revenue"))
    one_of("entry", entry, ("first", "every"))
    if entry == "every" and clock == "rolling":
        raise InputError(
            "retention.error_cohorts_the_rolling_clock_begins",
            "cohorts: the rolling clock begins at a customer's first purchase; entry "
            "'every' needs clock='calendar'",
        )
    view, end = schemas.purchase_days(orders, zone, until)
    cells = _cells(view, period, clock, end, entry)
    last_period = int(periods.first_day(end, period))
    # The period that holds the end is itself complete.
    over = int(periods.first_day(end + 1, period)) == end + 1
    rows, size_of = [], {}
    for start, mine in cells.groupby("origin"):
        mine = mine.set_index("age")
        size = size_of[start] = int(mine.loc[0, "customers"])
        oldest = int(periods.index(last_period, period) - periods.index(start, period)) - (
            0 if over else 1
        )
        if clock == "rolling":
            # The whole cohort must have been watched for the whole age, its last comer too.
            watched = end - min(periods.last_day(start, period), end) + 1
            oldest = watched // periods.DAYS[period] - 1
        ages = range(int(periods.index(last_period, period) - periods.index(start, period)) + 1)
        if criterion == "on_or_after":
            later = {"customers": mine["lasts"], "revenue": mine["amount"]}[measure]
            # Whoever was last seen in a period still running counts for every age before it.
            every = range(max(later.index.max(), ages[-1]) + 1)
            seen = later.reindex(every, fill_value=0)[::-1].cumsum()
        else:
            seen = mine["customers" if measure == "customers" else "amount"].reindex(
                ages, fill_value=0
            )
        base = size if measure == "customers" else float(mine.loc[0, "amount"])
        rows += [
            {
                "cohort": start,
                "age": age,
                "count": float(seen[age]) if age <= oldest else np.nan,
                "n": base,
                **({"customers": size} if measure == "revenue" else {}),
            }
            for age in ages
        ]
    table = pd.DataFrame(rows)
    table["estimate"] = table["count"] / table["n"].where(table["n"] > 0)
    if measure == "customers":
        known = table["count"].notna()
        low, high = intervals.wilson(table["count"].where(known, 0), table["n"], conf_level)
        given = ~known | (table["age"] == 0)
        table["conf_low"], table["conf_high"] = (
            np.where(given, np.nan, low),
            np.where(given, np.nan, high),
        )
    table["cohort"] = pd.to_datetime(table["cohort"], unit="D").astype("datetime64[us]")
    table = table[
        [
            "cohort",
            "age",
            "count",
            "n",
            "estimate",
            *(c for c in ("conf_low", "conf_high", "customers") if c in table),
        ]
    ]
    table.attrs.update(entry=entry, criterion=criterion)
    young = int(table["count"].isna().sum())
    limits = (
        [
            Note(
                "retention.future",
                "{n} cells lie in the future or are not over yet: missing, not 0.",
                n=young,
            )
        ]
        if young
        else []
    )
    if criterion == "on_or_after":
        limits.append(
            Note(
                "retention.on_or_after",
                "On or after looks ahead to the end of the data: the higher the age and "
                "the younger the cohort, the less time was left to return. Do not compare "
                "cohorts on it.",
            )
        )
    return Result(
        question=(
            {
                "customers": Note(
                    "retention.cohort_question_customers",
                    "Of those who first bought in a period, how many are active later? "
                    "({clock}; {criterion})",
                    clock={
                        "calendar": Note("retention.clock_calendar", "calendar periods"),
                        "rolling": Note(
                            "retention.clock_rolling", "full periods since the own first purchase"
                        ),
                    }[clock],
                    criterion={
                        "on": Note("retention.criterion_on", "active in that period"),
                        "on_or_after": Note(
                            "retention.criterion_on_or_after", "active in that period or later"
                        ),
                    }[criterion],
                ),
                "revenue": Note(
                    "retention.cohort_question_revenue",
                    "How much do cohorts spend later, relative to their first period? ({clock})",
                    clock={
                        "calendar": Note("retention.clock_calendar", "calendar periods"),
                        "rolling": Note(
                            "retention.clock_rolling", "full periods since the own first purchase"
                        ),
                    }[clock],
                ),
            }[measure]
            if entry == "first"
            else {
                "customers": Note(
                    "retention.cohort_every_customers",
                    "Of all who bought in a period, how many are active later? ({clock}; "
                    "{criterion})",
                    clock={
                        "calendar": Note("retention.clock_calendar", "calendar periods"),
                        "rolling": Note(
                            "retention.clock_rolling", "full periods since the own first purchase"
                        ),
                    }[clock],
                    criterion={
                        "on": Note("retention.criterion_on", "active in that period"),
                        "on_or_after": Note(
                            "retention.criterion_on_or_after", "active in that period or later"
                        ),
                    }[criterion],
                ),
                "revenue": Note(
                    "retention.cohort_every_revenue",
                    "How much do all who bought in a period spend later, relative to that "
                    "period? ({clock})",
                    clock={
                        "calendar": Note("retention.clock_calendar", "calendar periods"),
                        "rolling": Note(
                            "retention.clock_rolling", "full periods since the own first purchase"
                        ),
                    }[clock],
                ),
            }[measure]
        ),
        table=table,
        unit="customers",
        method=Note(
            "retention.cohort_method",
            "Cohorts by {period}, {clock}, {criterion}; Wilson intervals.",
            period={
                "day": Note("retention.period_day", "day"),
                "week": Note("retention.period_week", "week"),
                "month": Note("retention.period_month", "month"),
                "week_sunday": Note("retention.period_week_sunday", "week from Sunday"),
                "week_saturday": Note("retention.period_week_saturday", "week from Saturday"),
            }[period],
            clock={
                "calendar": Note("retention.clock_calendar", "calendar periods"),
                "rolling": Note(
                    "retention.clock_rolling", "full periods since the own first purchase"
                ),
            }[clock],
            criterion={
                "on": Note("retention.criterion_on", "active in that period"),
                "on_or_after": Note(
                    "retention.criterion_on_or_after", "active in that period or later"
                ),
            }[criterion],
        ),
        n=(
            sum(size_of.values())
            if entry == "first"
            else int(
                engine.one(
                    f"{schemas.DAYS} SELECT count(DISTINCT customer) FROM days WHERE bought = 1",
                    o=view,
                )
            )
        ),
        conf_level=conf_level,
        limits=(
            *limits,
            (
                Note(
                    "retention.first_seen",
                    "First purchase means first seen in these data; earlier ones are unknown.",
                )
                if entry == "first"
                else Note(
                    "retention.several_cohorts",
                    "A customer stands in the cohort of every period with a purchase: cohorts "
                    "are not independent, and frequent customers are in many.",
                )
            ),
        ),
        chart=Heat(
            row="cohort",
            column="age",
            percent=True,
            base_first=True,
            xlabel=Note(
                "retention.age_axis",
                "Age ({period})",
                period={
                    "day": Note("retention.period_day", "day"),
                    "week": Note("retention.period_week", "week"),
                    "month": Note("retention.period_month", "month"),
                    "week_sunday": Note("retention.period_week_sunday", "week from Sunday"),
                    "week_saturday": Note("retention.period_week_saturday", "week from Saturday"),
                }[period],
            ),
            ylabel={
                "customers": Note("retention.cohort_axis_customers", "Share active"),
                "revenue": Note("retention.cohort_axis_revenue", "Spending relative to age 0"),
            }[measure],
        ),
    )


@analysis
def retention_rate(orders, *, begin, end, active="90D", zone="UTC", conf_level=0.95):
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
            "retention.error_retention_rate_begin_and_end",
            "retention_rate: begin and end must lie at least `active` ({active}) "
            "apart, else one order counts at both; found {b} days",
            active=active,
            b=b - a,
        )
    if b > covered:
        raise NotEnoughData(
            "retention.error_retention_rate_the_data_end",
            "retention_rate: the data end before {end}",
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
            "retention.error_retention_rate_nobody_was_a",
            "retention_rate: nobody was a customer at {begin} (no order in the {active} before it)",
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
            "Of the customers at {begin}, how many still are at {end}?",
            begin=str(begin),
            end=str(end),
        ),
        table=table,
        unit="customers",
        n=n,
        method=Note(
            "retention.rate_method",
            "A customer is someone who ordered in the {active} before the date; Wilson interval.",
            active=active,
        ),
        conf_level=conf_level,
        limits=(
            Note(
                "retention.rate_limit",
                "Nobody announces that they leave: the rule for who is a customer is part "
                "of the number.",
            ),
        ),
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=Note("retention.rate_axis", "Share still a customer"),
        ),
    )


@analysis
def churn_moments(orders, *, silence=None, zone="UTC", until=None, conf_level=0.95):
    """After which purchase do customers fall silent?

    Silent means: no purchase for longer than T days, T by default the 90th percentile of the
    completed pauses. The table also shows T at the 80th and 95th percentile, since silence is a
    rule, not a fact.

    Parameters
    ----------
    silence : str, optional
        T by name, such as "90D"; the sensitivity rows are then half and twice that.
    others as in `repeat_rate`

    Returns
    -------
    Result
        silence_days, purchase_number ("1", "2", "3", "4+"), count (fell silent for longer than T
        after that purchase), n (purchases of that number with at least T days of data behind them),
        estimate, std_error, conf_low, conf_high, returned (of the silent, those seen again later).
        The customer is the sampling unit.

    Raises
    ------
    NotEnoughData
        If no customer bought twice and no `silence` is given.

    Source: Buckinx & Van den Poel (2005), EJOR 164; rule R-05.
    """
    import pandas as pd

    gaps = pauses(orders, zone=zone, until=until)
    ended = gaps.loc[gaps["ended"], "days"]
    if silence is None:
        if not len(ended):
            raise NotEnoughData(
                "retention.error_churn_moments_no_customer_bought",
                "churn_moments: no customer bought twice, so no usual pause exists; name "
                "one with silence='90D'",
            )
        limits_days = [int(np.ceil(v)) for v in np.quantile(ended, [0.9, 0.8, 0.95])]
    else:
        limits_days = [schemas.whole_days("silence", silence)]
        limits_days += [max(limits_days[0] // 2, 1), limits_days[0] * 2]
    named = np.where(gaps["number"] >= 4, "4+", gaps["number"].astype(str))
    rows = []
    for days in dict.fromkeys(limits_days):
        # Quick returns of late purchases would be counted and slow ones not: only purchases watched
        # for T count.
        watched = gaps["watched"] > days
        for name in ("1", "2", "3", "4+"):
            mine = gaps[watched & (named == name)]
            if not len(mine):
                continue
            silent = mine["days"] > days
            rows.append(
                {
                    "silence_days": days,
                    "purchase_number": name,
                    **intervals.share(silent, mine["customer_id"], conf_level),
                    "returned": int((silent & mine["ended"]).sum()),
                }
            )
    if not any(row["silence_days"] == limits_days[0] for row in rows):
        raise NotEnoughData(
            "retention.error_churn_moments_no_purchase_was",
            "churn_moments: no purchase was watched for more than {limits_days} days",
            limits_days=limits_days[0],
        )
    table = pd.DataFrame(rows)
    main = table[table["silence_days"] == limits_days[0]]
    back = main["returned"].sum() / main["count"].sum() if main["count"].sum() else np.nan
    return Result(
        question=Note("retention.churn_question", "After which purchase do customers fall silent?"),
        table=table,
        unit="purchases",
        n=len(gaps),
        conf_level=conf_level,
        method=Note(
            "retention.churn_method",
            "Purchases followed by more than {days} days of silence, of those watched "
            "that long; the customer is the sampling unit.",
            days=limits_days[0],
        ),
        limits=(
            Note(
                "retention.churn_returned",
                "Of the purchases followed by more than {days} days of silence, {share:%} "
                "have been followed by a later purchase so far, and more may follow: "
                "silence is not proof of leaving.",
                share=back,
                days=limits_days[0],
            ),
            Note(
                "retention.churn_rule",
                "The threshold comes from completed pauses, which are shorter than all "
                "pauses in a short history; the other two thresholds show how much the "
                "picture depends on it.",
            ),
        ),
        chart=Points(
            label=["silence_days", "purchase_number"],
            group="silence_days",
            percent=True,
            xlabel=Note("retention.churn_axis", "Share followed by silence"),
        ),
    )


@analysis
def time_to_next(orders, *, after=1, by=None, zone="UTC", until=None, conf_level=0.95):
    """How long until the next purchase, when some have not bought again yet?

    Parameters
    ----------
    after : int
        Which purchase the clock starts at: 1 = the first.
    by : Series, optional
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing".
    others as in `repeat_rate`

    Returns
    -------
    Result
        [group,] days, n (customers at risk), count (bought again that day), estimate (share not
        back yet), std_error, conf_low, conf_high (log–log); `.limits` names the median and its
        interval.

    Raises
    ------
    NotEnoughData
        If no customer reached that purchase.

    Source: Kaplan & Meier (1958); rule R-06.
    """
    gaps = pauses(orders, zone=zone, until=until)
    gaps = gaps[gaps["number"] == after]
    if not len(gaps):
        raise NotEnoughData(
            "retention.error_time_to_next_no_customer",
            "time_to_next: no customer has a purchase number {after}",
            after=after,
        )
    group = None if by is None else gaps["customer_id"].map(by).fillna("missing")
    table, medians = survival.by_group(gaps["days"], gaps["ended"], group, conf_level=conf_level)
    return Result(
        question=Note(
            "retention.next_question", "How long after purchase {k} until the next one?", k=after
        ),
        table=table.rename(columns={"time": "days"}),
        unit="customers",
        n=len(gaps),
        method=Note("retention.next_method", "Kaplan–Meier with log–log intervals."),
        conf_level=conf_level,
        limits=(
            *median_sentences(medians),
            Note(
                "retention.next_limit",
                "Customers not back when the data end are censored, not counted as lost.",
            ),
        ),
        chart=Curve(
            x="days",
            group="group",
            step=True,
            percent=True,
            xlabel=Note("retention.next_axis", "Days since the purchase"),
            ylabel=Note("retention.next_share", "Share not back yet"),
        ),
    )


def median_sentences(medians):
    """Return a sentence on the median of every group, as `survival.by_group` gives them."""
    return [
        (
            Note(
                "retention.median",
                "Median, {group}: {median} days ({low} to {high}).",
                group=group,
                median=median,
                low=low,
                high=high,
            )
            if median == median
            else Note("retention.median_not", "Median, {group}: not reached.", group=group)
        )
        for group, median, low, high in medians
    ]


def _cells(view, period, clock, end, entry):
    """Return per cohort (start day) and age: customers active, customers last seen then, and their
    amount.
    """
    first = schemas.first_day(view)
    if clock == "calendar":
        followed = (
            "SELECT * FROM g WHERE bucket >= origin"
            if entry == "first"
            else """
              SELECT g.bucket, g.amount, g.active, a.bucket AS origin, g.latest
              FROM a JOIN g ON a.customer = g.customer AND g.bucket >= a.bucket
              WHERE a.active = 1"""
        )
        head = f"""{schemas.DAYS},
          a AS (
            SELECT customer, {periods.sql("day", period, first, end)} AS bucket,
              sum(amount) AS amount, max(bought) AS active
            FROM days GROUP BY 1, 2),
          g AS (
            SELECT customer, bucket, amount, active,
              min(CASE WHEN active = 1 THEN bucket END) OVER (PARTITION BY customer) AS origin,
              max(CASE WHEN active = 1 THEN bucket END) OVER (PARTITION BY customer) AS latest
            FROM a),
          f AS ({followed})"""
    else:
        length = periods.DAYS[period]
        head = f"""{schemas.DAYS},
          d AS (
            SELECT customer, day, amount, bought,
              min(CASE WHEN bought = 1 THEN day END) OVER (PARTITION BY customer) AS first_day
            FROM days),
          a AS (
            SELECT customer, first_day,
              day - first_day - mod(day - first_day, {length}) AS bucket, sum(amount) AS amount,
              max(bought) AS active
            FROM d WHERE day >= first_day GROUP BY 1, 2, 3),
          f AS (
            SELECT bucket, amount, active,
              {periods.sql("first_day", period, first, end)} AS origin,
              max(CASE WHEN active = 1 THEN bucket END) OVER (PARTITION BY customer) AS latest
            FROM a)"""
    cells = engine.run(
        head
        + """
          SELECT origin, bucket, CAST(sum(active) AS BIGINT) AS customers,
            CAST(sum(CASE WHEN bucket = latest THEN 1 ELSE 0 END) AS BIGINT) AS lasts,
            sum(amount) AS amount
          FROM f GROUP BY origin, bucket ORDER BY origin, bucket""",
        o=view,
    )
    if clock == "calendar":
        return cells.assign(
            age=periods.index(cells["bucket"], period) - periods.index(cells["origin"], period)
        )
    return cells.assign(age=cells["bucket"] // periods.DAYS[period])
