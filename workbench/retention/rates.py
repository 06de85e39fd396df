"""Retention as product and media teams count it: on a day, from a day on, between days; over time
and between groups; and who stays engaged.
"""

from itertools import pairwise

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

KINDS = ("n_day", "unbounded", "bracket")
MONTH = 30  # days


@analysis
def day_retention(
    orders,
    *,
    kind="bracket",
    days=(1, 31, 61, 91),
    by=None,
    zone="UTC",
    until=None,
    conf_level=0.95,
):
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
    by : Series, optional
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing". Each group is compared with all others.
    zone, until : as in `repeat_rate`

    Returns
    -------
    Result
        [group,] age (days, such as "31" or "31–60"), count, n (customers watched to the end of the
        age), estimate, conf_low, conf_high, immature (customers left out as too young) and with
        `by` also p_value, p_holm (over all groups and ages). Interval: Wilson (1927).

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
    if by is not None and not hasattr(by, "index"):
        raise InputError(
            "retention.error_by_a_series_of_groups",
            "by: a Series of groups indexed by customer_id is needed, found {by:repr}; "
            "for a column of the orders: "
            "orders.groupby('customer_id')[{by:repr}].first()",
            by=by,
        )
    days = [days] if isinstance(days, (int, float)) else list(days)
    if (
        not all(isinstance(d, (int, np.integer)) for d in days)
        or not days
        or days[0] < 1
        or (np.diff(days) <= 0).any()
        or (kind == "bracket" and len(days) < 2)
    ):
        raise InputError(
            "retention.error_days_increasing_days_from_on",
            "days: increasing days from 1 on are needed{kind}; found {days}",
            kind=", two or more for brackets" if kind == "bracket" else "",
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
        group = (
            found["customer"]
            .astype(str)
            .map({str(k): str(v) for k, v in by.items() if v == v and v is not None})
        )
        schemas.must_match("by", by.index.astype(str), found["customer"].astype(str))
        found["group"] = group.fillna("missing")
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
        table = _compared(table)
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
    limits = [
        Note(
            "retention.immature",
            "{window:span}: {n} customers are too young to be judged and are left out.",
            n=int(n),
            window=age,
        )
        for age, n in young.items()
        if n
    ]
    if kind == "unbounded":
        limits.append(
            Note(
                "retention.on_or_after",
                "On or after looks ahead to the end of the data: the higher the age and "
                "the younger the cohort, the less time was left to return. Do not compare "
                "cohorts on it.",
            )
        )
    return Result(
        question={
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
                "How many customers are back at least once between these days after their "
                "first purchase?",
            ),
        }[kind],
        table=table,
        method=(
            Note(
                "retention.day_method",
                "Customers with a purchase day in the age, of those watched to its end; "
                "Wilson intervals.",
            )
            if by is None
            else Note(
                "retention.day_method_by",
                "Customers with a purchase day in the age, of those watched to its end; "
                "Wilson intervals; each group against all others by Newcombe's interval, "
                "Holm's correction over groups and ages.",
            )
        ),
        unit="customers",
        n=int(found["customers"].sum()),
        conf_level=conf_level,
        limits=(
            *limits,
            Note(
                "retention.first_seen",
                "First purchase means first seen in these data; earlier ones are unknown.",
            ),
        ),
        chart=Points(
            label=keys, percent=True, xlabel=Note("retention.day_axis", "Share that is back")
        ),
    )


@analysis
def over_time(orders, *, days=(1, 31), period="month", zone="UTC", until=None, conf_level=0.95):
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
        not watched in full are left out and counted; the test for a trend stands in `.limits`.

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
            "retention.error_days_two_days_are_needed",
            "days: two days are needed, found {days}",
            days=list(days),
        )
    a, b = (int(d) for d in days)
    if not 1 <= a < b:
        raise InputError(
            "retention.error_days_two_increasing_days_from",
            "days: two increasing days from 1 on are needed, found {days}",
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
            "retention.error_over_time_cohorts_were_watched",
            "over_time: {n_table} cohorts were watched for {b} days to their last "
            "comer; two are needed",
            n_table=len(table),
            b=b - 1,
        )
    count, n = table["count"].to_numpy(float), table["n"].to_numpy(float)
    trend = intervals.trend(
        periods.index(table["cohort"], period) - int(periods.index(table["cohort"], period)[0]),
        count,
        n,
    )
    table["estimate"] = count / n
    table["conf_low"], table["conf_high"] = intervals.wilson(count, n, conf_level)
    table["cohort"] = pd.to_datetime(table["cohort"], unit="D").astype("datetime64[us]")
    table = table[["cohort", "count", "n", "estimate", "conf_low", "conf_high"]]
    limits = [
        Note(
            "retention.trend",
            "From {first:%} in the first cohort to {last:%} in the last; a trend over "
            "all of them: p: {p:p}. A season or another mix of new customers can make "
            "one.",
            p=trend,
            first=float(table["estimate"].iloc[0]),
            last=float(table["estimate"].iloc[-1]),
        )
    ]
    if young:
        limits.append(
            Note(
                "retention.immature",
                "{window:span}: {n} customers are too young to be judged and are left out.",
                n=young,
                window=f"{a}–{b - 1}",
            )
        )
    return Result(
        question=Note(
            "retention.time_question",
            "Does the share that comes back within days {a} to {b} change from cohort to cohort?",
            a=a,
            b=b - 1,
        ),
        table=table,
        method=Note(
            "retention.time_method",
            "Customers back at least once, by the period of their first purchase; "
            "Wilson intervals; Cochran–Armitage test for a trend.",
        ),
        unit="customers",
        n=int(n.sum()),
        conf_level=conf_level,
        limits=(
            *limits,
            Note(
                "retention.first_seen",
                "First purchase means first seen in these data; earlier ones are unknown.",
            ),
        ),
        chart=Curve(
            x="cohort",
            percent=True,
            xlabel=Note("retention.time_axis", "Period of the first purchase"),
            ylabel=Note("retention.day_axis", "Share that is back"),
        ),
    )


@analysis
def mean_curve(cohorts, *, conf_level=0.95):
    """What share of customers is active at each age, over all cohorts old enough?

    Parameters
    ----------
    cohorts : Result of `retention.cohorts`, of customers; or a dict of them by group
        Such as one of the orders of each channel. Each group is then compared with all others.

    Returns
    -------
    Result
        [group,] age, cohorts (old enough), count, n (customers of those cohorts), estimate (their
        mean weighted by size), conf_low, conf_high (Wilson; missing at age 0, which is true by
        definition), and for groups p_value, p_holm (over all groups and ages).

    Raises InputError for cohorts of revenue, of every purchase, or on or after an age.

    Source: Fader & Hardie (2007); Wilson (1927); Newcombe (1998); Holm (1979).
    """
    import pandas as pd

    groups = cohorts if isinstance(cohorts, dict) else {"all": cohorts}
    tables = []
    for name, made in groups.items():
        if not isinstance(made, Result):
            raise InputError(
                "retention.error_cohorts_the_result_of_retention",
                "cohorts: the Result of retention.cohorts is needed, found a {name}",
                name=type(made).__name__,
            )
        known = made.table.dropna(subset=["count"])
        if "conf_low" not in known:
            raise InputError(
                "retention.error_cohorts_a_mean_curve_needs",
                "cohorts: a mean curve needs cohorts of customers, found those of revenue",
            )
        if made.table.attrs.get("entry") == "every":
            raise InputError(
                "retention.error_cohorts_with_entry_every_a",
                "cohorts: with entry 'every' a customer stands in several cohorts, so "
                "their mean has no such interval; use entry 'first'",
            )
        if made.table.attrs.get("criterion") == "on_or_after":
            raise InputError(
                "retention.error_cohorts_on_or_after_looks",
                "cohorts: 'on_or_after' looks ahead to the end of the data, so cohorts "
                "have no common mean; use criterion 'on'",
            )
        tables.append(
            known.groupby("age")
            .agg(cohorts=("cohort", "size"), count=("count", "sum"), n=("n", "sum"))
            .reset_index()
            .assign(group=str(name))
        )
    table = pd.concat(tables, ignore_index=True)
    table["estimate"] = table["count"] / table["n"]
    low, high = intervals.wilson(table["count"], table["n"], conf_level)
    given = table["age"] == 0
    table["conf_low"], table["conf_high"] = (
        np.where(given, np.nan, low),
        np.where(given, np.nan, high),
    )
    several = len(groups) > 1
    if several:
        table = pd.concat(
            [table[given], _compared(table[~given].reset_index(drop=True))]
        ).sort_values(["group", "age"], ignore_index=True)
    table = table[
        [
            *(["group"] if several else []),
            "age",
            "cohorts",
            "count",
            "n",
            "estimate",
            "conf_low",
            "conf_high",
            *(["p_value", "p_holm"] if several else []),
        ]
    ]
    fewer = table.loc[table["cohorts"] < table["cohorts"].max() / 2, "age"]
    limits = [
        Note(
            "retention.mean_mix",
            "Every age rests on other cohorts: the higher, the fewer and the older. A "
            "fall can be one of cohorts, not of age.",
        )
    ]
    if len(fewer) and not several:
        limits.append(
            Note(
                "retention.mean_few",
                "From age {age} on, fewer than half of the cohorts are old enough.",
                age=int(fewer.iloc[0]),
            )
        )
    first = next(iter(groups.values()))
    return Result(
        question=Note(
            "retention.mean_question",
            "What share of customers is active at each age, over all cohorts old enough?",
        ),
        table=table,
        method=(
            Note(
                "retention.mean_method",
                "Mean of the cohorts that can be judged at an age, weighted by their size; "
                "Wilson intervals.",
            )
            if not several
            else Note(
                "retention.mean_method_by",
                "Mean of the cohorts that can be judged at an age, weighted by their size; "
                "Wilson intervals; each group against all others by Newcombe's interval, "
                "Holm's correction over groups and ages.",
            )
        ),
        unit="customers",
        n=sum(m.n for m in groups.values()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="age",
            **{"group": "group"} if several else {},
            percent=True,
            xlabel=first.chart.xlabel,
            ylabel=Note("retention.cohort_axis_customers", "Share active"),
        ),
    )


def _compared(table):
    """Return a table of counts by group and age with p-values of each group against all others of
    its age, corrected over all.
    """
    rest = table.groupby("age")[["count", "n"]].transform("sum") - table[["count", "n"]]
    table = table.assign(
        p_value=[
            intervals.newcombe_p(a, n, b, m) if min(n, m) > 0 else np.nan
            for a, n, b, m in zip(table["count"], table["n"], rest["count"], rest["n"], strict=True)
        ]
    )
    # Where two groups can be compared, each is with the other: one comparison, told twice.
    known = table["p_value"].notna()
    twice = known.groupby(table["age"]).transform("sum") == 2
    once = known & ~(twice & table["age"].where(known).duplicated())
    table["p_holm"] = np.nan
    table.loc[once, "p_holm"] = intervals.corrected(table.loc[once, "p_value"])
    return table.assign(
        p_holm=table["p_holm"].fillna(table.groupby("age")["p_holm"].transform("max")).where(known)
    )


@analysis
def engagement(events, orders, *, acts=None, machine=None, months=6, zone="UTC", conf_level=0.95):
    """How many customers still do anything, month by month after their first order?

    Parameters
    ----------
    events : DataFrame with customer_id, occurred_at, event
        Clicks, visits, openings.
    orders : DataFrame with customer_id, ordered_at
    acts : list of str, optional
        Events that count; None: all but an order.
    machine : str, optional
        Column that marks acts of machines (mail programs that open by themselves); they do not
        count.
    months : int
        How many months of 30 days to look at.
    zone : str

    Returns
    -------
    Result
        month (1: the 30 days after the day of the first order), count (customers with an act), n
        (customers watched for the whole month), estimate, conf_low, conf_high (Wilson). The
        half-life of engagement, from a log-linear decay with errors over customers, stands in
        `.limits`. `.model` is its statsmodels fit.

    Raises
    ------
    InputError
        For missing columns or unknown acts.
    NotEnoughData
        Where nobody was watched for a month.

    Source: Wilson (1927); decay by Poisson regression with robust errors, Zou (2004), American
    Journal of Epidemiology 159.
    """
    import pandas as pd

    fits.require(events, "events", "customer_id", "occurred_at", "event", machine)
    fits.require(orders, "orders", "customer_id", "ordered_at")
    when, ordered = (
        schemas.moments(events, "events", "occurred_at"),
        schemas.moments(orders, "orders", "ordered_at"),
    )
    known = set(events["event"].unique())
    acts = [acts] if isinstance(acts, str) else acts
    for act in acts or ():
        if act not in known:
            raise unknown("acts", "event", act, sorted(map(str, known)))
    counted = (
        (events["event"].isin(acts) if acts is not None else events["event"] != "order")
        & events["customer_id"].notna()
        & when.notna()
    )
    machines = 0
    if machine:
        marks = events[machine].fillna(0)
        if not marks.isin((0, 1)).all():
            raise InputError(
                "retention.error_events_must_be_true_or",
                "events: '{machine}' must be true or false, found {marks:repr}",
                machine=machine,
                marks=marks[~marks.isin((0, 1))].iloc[0],
            )
        machines, counted = int((counted & (marks == 1)).sum()), counted & (marks == 0)
    first = ordered.groupby(orders["customer_id"].astype(str)).min().dropna()
    who = events["customer_id"].astype(str)[counted]
    schemas.must_match("events", who, first.index)
    begin = pd.Series(periods.local_days(first, zone), first.index)
    age = periods.local_days(when[counted], zone) - who.map(begin).to_numpy(float)
    month = np.ceil(age / MONTH)
    active = pd.DataFrame({"customer_id": who.to_numpy(), "month": month})
    active = active[(age >= 1) & (month <= months)].drop_duplicates()
    last = max(when.max(), ordered.max())
    # The last day is only whole where the data go on beyond it.
    watched = (int(periods.local_days(pd.Series([last]), zone)[0]) - begin) // MONTH
    many = watched.clip(0, months).to_numpy()
    people = pd.DataFrame(
        {
            "customer_id": watched.index.repeat(many),
            "month": np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + 1,
        }
    )
    if not len(people):
        raise NotEnoughData(
            "retention.error_engagement_nobody_was_watched_for",
            "engagement: nobody was watched for a month after the first order",
        )
    people = people.merge(active.assign(acted=1.0), how="left").fillna({"acted": 0.0})
    table = (
        people.groupby("month")["acted"]
        .agg(["sum", "size"])
        .set_axis(["count", "n"], axis=1)
        .astype(int)
        .reset_index()
    )
    table["estimate"] = table["count"] / table["n"]
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    limits, made = [], None
    if table["count"].gt(0).all() and len(table) > 2:
        data = fits.prepare(people, "acted", ["month"], cluster="customer_id", what="engagement")
        made = fits.fit(data, "poisson")
        slope, se = float(made.params["month"]), float(made.bse["month"])
        low, high = (
            float(v) for v in intervals.normal(slope, se, conf_level, df=fits.quantile_df(data))
        )
        life = [np.log(2) / -v if v < 0 else np.inf for v in (low, slope, high)]
        limits.append(
            Note(
                "retention.half_life",
                "Engagement halves in {life:2} months ({low:2} to {high:2}), if it goes on "
                "falling as it did.",
                life=life[1],
                low=life[0],
                high=life[2],
            )
            if high < 0
            else Note(
                "retention.no_decay",
                "No decay is seen: whether and when engagement halves cannot be said.",
            )
        )
    if machines:
        limits.append(Note("retention.machines", "{n} acts of machines do not count.", n=machines))
    return Result(
        question=Note(
            "retention.engaged_question",
            "How many customers still do anything, month by month after their first order?",
        ),
        table=table,
        method=Note(
            "retention.engaged_method",
            "Customers with at least one act in each 30 days after the first order, of "
            "those watched for all of them; Wilson intervals; decay by a log-linear "
            "regression, the customer as sampling unit.",
        ),
        unit="customers",
        n=len(first),
        conf_level=conf_level,
        limits=(
            *limits,
            Note(
                "retention.engaged_limit",
                "Only acts that are tracked are seen; whoever thinks of the shop without "
                "clicking counts as silent.",
            ),
        ),
        model=made,
        chart=Curve(
            x="month",
            percent=True,
            xlabel=Note("retention.engaged_axis", "Months of 30 days since the first order"),
            ylabel=Note("retention.engaged_yaxis", "Share with an act"),
        ),
    )
