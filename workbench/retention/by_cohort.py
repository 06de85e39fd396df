"""Cohorts: who first bought together, how many of them are active later, and their mean."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import Heat, Result, analysis, tidy
from workbench.retention import sentences

if TYPE_CHECKING:
    from workbench.types import Moment, Table

CLOCKS = {
    "calendar": Note("retention.clock_calendar", "calendar periods"),
    "rolling": Note("retention.clock_rolling", "full periods since the customer's first purchase"),
}
CRITERIA = {
    "on": Note("retention.criterion_on", "active in that period"),
    "on_or_after": Note("retention.criterion_on_or_after", "active in that period or later"),
}
PERIODS = {
    "day": Note("retention.period_day", "day"),
    "week": Note("retention.period_week", "week"),
    "month": Note("retention.period_month", "month"),
    "week_sunday": Note("retention.period_week_sunday", "week from Sunday"),
    "week_saturday": Note("retention.period_week_saturday", "week from Saturday"),
}
QUESTIONS = {
    ("first", "customers"): Note(
        "retention.cohort_question_customers",
        "How many of those who first bought in a period are active later? ({clock}; {criterion})",
    ),
    ("first", "revenue"): Note(
        "retention.cohort_question_revenue",
        "How much do cohorts spend later, relative to their first period? ({clock})",
    ),
    ("every", "customers"): Note(
        "retention.cohort_every_customers",
        "How many of all who bought in a period are active later? ({clock}; {criterion})",
    ),
    ("every", "revenue"): Note(
        "retention.cohort_every_revenue",
        "How much do all who bought in a period spend later, relative to that period? ({clock})",
    ),
}
YLABELS = {
    "customers": sentences.SHARE_ACTIVE,
    "revenue": Note("retention.cohort_axis_revenue", "Spending relative to the first period"),
}
SEVERAL_COHORTS = Note(
    "retention.several_cohorts",
    "A customer belongs to the cohort of every period with a purchase: cohorts are not "
    "independent, and frequent customers belong to many.",
)
NOT_FOLLOWED = Note(
    "retention.cohort_answer_none",
    "No cohort of these {n} customers has been followed for a whole period after its first.",
)
SEEN_LATER = Note(
    "retention.cohort_answer_later",
    "One period later or after it {share:%} of the cohort of {cohort:date} were still "
    "active ({low:%} to {high:%}; {count} of {n}); of the first cohort, of "
    "{first_cohort:date}, {first:%}.",
)
SEEN = Note(
    "retention.cohort_answer",
    "One period later {share:%} of the cohort of {cohort:date} were active ({low:%} to "
    "{high:%}; {count} of {n}); of the first cohort, of {first_cohort:date}, {first:%}.",
)


@engine.tables("orders")
@analysis
def cohorts(
    orders: Table,
    *,
    period: str = "month",
    clock: str = "calendar",
    criterion: str = "on",
    measure: str = "customers",
    entry: str = "first",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
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
        cohort (first day of its period), age, count, n (cohort size), estimate, conf_low,
        conf_high; for revenue amount, n (cohort size), estimate, amount_total (at age 0). A
        cell that the data cannot show in full is missing, never 0; age 0 is true by definition and
        has no interval. `members(cohort="2024-01-01", age=3)` gives who is counted in a cell; who
        of a cohort is not, is `members(cohort=…, age=0).without(members(cohort=…, age=3))`.

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
            "retention.error_rolling_entry",
            "cohorts: the rolling clock begins at a customer's first purchase; entry "
            "'every' needs clock='calendar'",
        )
    view, end = schemas.purchase_days(orders, zone, until)
    how = {"period": period, "clock": clock, "end": end, "entry": entry}
    cells = _cells(view, **how)
    rows, size_of = _counted(cells, period, clock, end, criterion, measure)
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
    more = (c for c in ("conf_low", "conf_high", "customers") if c in table)
    table = table[["cohort", "age", "count", "n", "estimate", *more]]
    table.attrs.update(entry=entry, criterion=criterion)
    table, young = _named(table, measure), int(table["count"].isna().sum())
    limits = [*_future(young), *([sentences.ON_OR_AFTER] if criterion == "on_or_after" else [])]
    return Result(
        question=QUESTIONS[entry, measure].having(
            clock=CLOCKS[clock], criterion=CRITERIA[criterion]
        )
        if measure == "customers"
        else QUESTIONS[entry, measure].having(clock=CLOCKS[clock]),
        answer=_cohort_answer(table, measure, criterion),
        table=table,
        unit="customers",
        method=Note(
            "retention.cohort_method",
            "Cohorts by {period}, {clock}, {criterion}; Wilson intervals.",
            period=PERIODS[period],
            clock=CLOCKS[clock],
            criterion=CRITERIA[criterion],
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
        limits=(*limits, sentences.FIRST_SEEN if entry == "first" else SEVERAL_COHORTS),
        people=partial(_who, view, table, **how, criterion=criterion),
        chart=Heat(
            row="cohort",
            column="age",
            percent=True,
            base_first=True,
            xlabel=Note("retention.age_axis", "Age ({period})", period=PERIODS[period]),
            ylabel=YLABELS[measure],
        ),
    )


def _counted(cells, period, clock, end, criterion, measure):
    """Return a row a cohort and age, missing where it is not over yet, and the cohorts' sizes."""
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
    return rows, size_of


def _named(table, measure):
    """Name what was added up and divided by where it is money, of the customers counted."""
    if measure == "customers":
        return table
    named = table.rename(columns={"count": "amount", "n": "amount_total", "customers": "n"})
    return tidy(named[["cohort", "age", "amount", "n", "estimate", "amount_total"]])


def _future(cells):
    note = Note(
        "retention.future",
        "{n} cell lies in the future or is not over yet: missing, not zero.",
        "{n} cells lie in the future or are not over yet: missing, not zero.",
        n=cells,
    )
    return [note] if cells else []


def _cohort_answer(table, measure, criterion):
    """Compare the last cohort that was followed for a period after its first with the first."""
    followed = table[(table["age"] == 1) & table["estimate"].notna()]
    if not len(followed):
        return NOT_FOLLOWED.having(n=int(table.loc[table["age"] == 0, "n"].sum()))
    enough = followed[followed["n"] >= 10]
    row, first = (enough if len(enough) else followed).iloc[-1], followed.iloc[0]
    values = {
        "cohort": row["cohort"].date(),
        "first": float(first["estimate"]),
        "first_cohort": first["cohort"].date(),
    }
    if measure == "revenue":
        return Note(
            "retention.cohort_answer_revenue",
            "The cohort of {cohort:date} ({n} customers) spent {share:%} of its first period's "
            "amount one period later; the first cohort, of {first_cohort:date}, {first:%}.",
            share=float(row["estimate"]),
            n=int(row["n"]),
            **values,
        )
    later = criterion == "on_or_after"
    return (SEEN_LATER if later else SEEN).having(**values, **sentences.interval(row))


def _followed(view, period, clock, end, entry):
    """Return SQL whose table f has a row a customer and bucket of time since their origin."""
    first = schemas.first_day(view)
    if clock == "calendar":
        followed = (
            "SELECT * FROM g WHERE bucket >= origin"
            if entry == "first"
            else """
              SELECT g.customer, g.bucket, g.amount, g.active, a.bucket AS origin, g.latest
              FROM a JOIN g ON a.customer = g.customer AND g.bucket >= a.bucket
              WHERE a.active = 1"""
        )
        return f"""{schemas.DAYS},
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
        return f"""{schemas.DAYS},
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
            SELECT customer, bucket, amount, active,
              {periods.sql("first_day", period, first, end)} AS origin,
              max(CASE WHEN active = 1 THEN bucket END) OVER (PARTITION BY customer) AS latest
            FROM a)"""


def _cells(view, period, clock, end, entry):
    """Return per cohort (start day) and age: customers active, customers last seen then, and their
    amount.
    """
    cells = engine.run(
        _followed(view, period, clock, end, entry)
        + """
          SELECT origin, bucket, CAST(sum(active) AS BIGINT) AS customers,
            CAST(sum(CASE WHEN bucket = latest THEN 1 ELSE 0 END) AS BIGINT) AS lasts,
            sum(amount) AS amount
          FROM f GROUP BY origin, bucket ORDER BY origin, bucket""",
        o=view,
    )
    return cells.assign(age=_age(cells, period, clock))


def _age(cells, period, clock):
    if clock == "calendar":
        return periods.index(cells["bucket"], period) - periods.index(cells["origin"], period)
    return cells["bucket"] // periods.DAYS[period]


def _who(view, table, *, period, clock, end, entry, criterion):
    """Return who is counted in which cell of a table of cohorts: customer_id, cohort, age."""
    import pandas as pd

    rows = engine.run(
        _followed(view, period, clock, end, entry)
        + " SELECT customer, origin, bucket, latest FROM f WHERE active = 1 ORDER BY customer",
        o=view,
    )
    rows["age"] = np.asarray(_age(rows, period, clock), int)
    rows["cohort"] = pd.to_datetime(rows["origin"], unit="D").astype("datetime64[us]")
    if criterion == "on_or_after":
        last = np.asarray(_age(rows.assign(bucket=rows["latest"]), period, clock), int)
        rows = rows.assign(age=last).drop_duplicates(["customer", "cohort"])
        rows = rows.loc[rows.index.repeat(rows["age"] + 1)]
        rows["age"] = rows.groupby(["customer", "cohort"]).cumcount()
    known = table.loc[table["estimate"].notna(), ["cohort", "age"]]
    rows = rows.merge(known, on=["cohort", "age"])
    people = rows[["cohort", "age"]].assign(customer_id=engine.written(rows["customer"]))
    people.attrs["as_of"] = int(end)
    return people
