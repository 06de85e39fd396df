"""When do customers buy more than on other days: feasts and seasons of a country, and rhythms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.segments import people
from workbench.stats import daily

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

LEAST_DAYS = 180
YEARS = 730
# A feast is a day of the calendar (month, day), so many days from Easter, or the n-th weekday
# (Monday is 0) of a month, counted from its end where n is below 0.
_SHARED = {
    "new_year": (1, 1),
    "valentine": (2, 14),
    "easter": 0,
    "black_friday": (11, 3, 4, 1),
    "christmas": (12, 25),
}
_SECOND_SUNDAY_OF_MAY = (5, 6, 2, 0)
FEASTS = {
    "NL": {
        "kings_day": (4, 27),
        "mothers_day": _SECOND_SUNDAY_OF_MAY,
        "fathers_day": (6, 6, 3, 0),
        "pentecost": 49,
        "sinterklaas": (12, 5),
    },
    "BE": {
        "mothers_day": _SECOND_SUNDAY_OF_MAY,
        "fathers_day": (6, 6, 2, 0),
        "pentecost": 49,
        "sinterklaas": (12, 6),
    },
    "DE": {"mothers_day": _SECOND_SUNDAY_OF_MAY, "pentecost": 49, "unity_day": (10, 3)},
    "FR": {"mothers_day": (5, 6, -1, 0), "bastille_day": (7, 14), "pentecost": 49},
    "GB": {"mothers_day": -21, "fathers_day": (6, 6, 3, 0), "halloween": (10, 31)},
    "US": {
        "mothers_day": _SECOND_SUNDAY_OF_MAY,
        "fathers_day": (6, 6, 3, 0),
        "independence_day": (7, 4),
        "halloween": (10, 31),
        "thanksgiving": (11, 3, 4, 0),
    },
}
ANSWER = Note(
    "segments.occasions_answer",
    "Most clearly told from other days is {name:word}: {estimate:3} times as many orders before it "
    "as without it ({low:3} to {high:3}); {clear} of {tried} feasts stand out ({n} orders).",
)


def holidays(country: str, first_year: int, last_year: int) -> pd.DataFrame:
    """Return the feasts of a country as days.

    Parameters
    ----------
    country : str
        NL, BE, DE, FR, GB or US.
    first_year, last_year : int

    Returns
    -------
    DataFrame
        occasion and day (a date). Raises InputError for another country.

    Source: Meeus (1991), Astronomical Algorithms, for Easter; the calendars of the countries.

    Examples
    --------
    >>> holidays("NL", 2024, 2024).set_index("occasion")["day"].astype(str)["mothers_day"]
    '2024-05-12'
    """
    import datetime

    import pandas as pd

    one_of("country", country, FEASTS)
    rows = [
        (name, _day(rule, year))
        for year in range(int(first_year), int(last_year) + 1)
        for name, rule in {**_SHARED, **FEASTS[country]}.items()
    ]
    if country == "FR":  # the mothers give way to Pentecost
        taken = {day for name, day in rows if name == "pentecost"}
        week = datetime.timedelta(days=7)
        rows = [(n, d + week if n == "mothers_day" and d in taken else d) for n, d in rows]
    return pd.DataFrame(rows, columns=["occasion", "day"]).sort_values("day", ignore_index=True)


def _day(rule, year):
    """Return the day of a feast in a year."""
    import datetime

    from dateutil.easter import easter

    if isinstance(rule, int):
        return easter(year) + datetime.timedelta(days=rule)
    if len(rule) == 2:
        return datetime.date(year, *rule)
    month, weekday, nth, after = rule
    if nth > 0:
        first = datetime.date(year, month, 1)
        ahead = (weekday - first.weekday()) % 7 + 7 * (nth - 1)
        return first + datetime.timedelta(days=ahead + after)
    last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    return last - datetime.timedelta(days=(last.weekday() - weekday) % 7 - 7 * (nth + 1))


@engine.tables("orders")
@analysis
def occasions(
    orders: Table,
    *,
    country: str,
    before: str = "7D",
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Before which feasts are there more orders than the week, the season and the trend explain?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    country : str
        Whose feasts: NL, BE, DE, FR, GB or US; moving feasts move.
    before : str
        The occasion lasts so many days, the feast itself the last.
    zone, until : as elsewhere
    conf_level : float

    Returns
    -------
    Result
        occasion, n (orders in its days), days, estimate (times as many orders as without it),
        conf_low, conf_high, p_value, p_fdr (Benjamini-Hochberg over occasions), more_orders
        (than without it).

    Raises
    ------
    InputError
        For an unknown country.
    NotEnoughData
        With fewer than 180 days, or where no occasion falls in them.

    Source: Dickson (1982), Journal of Marketing 46 (person and situation); quasi-Poisson regression
    with errors that allow for days that resemble their neighbours: Newey & West (1987),
    Econometrica 55.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", "2025-12-31", tz="UTC").repeat(4)
    >>> gifts = pd.date_range("2024-12-19", "2024-12-25", tz="UTC").repeat(8)
    >>> at = days.append(gifts)
    >>> orders = pd.DataFrame({"order_id": range(len(at)), "customer_id": range(len(at)),
    ...     "ordered_at": at, "amount": 5.0})
    >>> made = occasions(orders, country="NL").table.set_index("occasion")
    >>> made["estimate"].idxmax()
    'christmas'
    """
    import pandas as pd

    length = schemas.whole_days("before", before)
    view, end = schemas.purchase_days(orders, zone, until)
    found = engine.run(
        """SELECT day, count(*) AS n FROM o WHERE amount IS NULL OR amount >= 0
          GROUP BY day ORDER BY day""",
        o=view,
    )
    day = np.arange(int(found["day"].min()), end + 1)
    if len(day) < LEAST_DAYS:
        raise NotEnoughData(
            "segments.error_occasions",
            "occasions: the orders span {days} days; {least} are needed",
            days=len(day),
            least=LEAST_DAYS,
        )
    counts = found.set_index("day")["n"].reindex(day, fill_value=0).to_numpy(float)
    dates = pd.to_datetime(day, unit="D")
    calendar = holidays(country, dates[0].year, dates[-1].year + 1)
    at = (pd.to_datetime(calendar["day"]) - pd.Timestamp(0)).dt.days.to_numpy()
    names, inside = [], []
    for name in calendar["occasion"].drop_duplicates():
        ahead = at[(calendar["occasion"] == name).to_numpy()][:, None] - day
        hit = ((ahead >= 0) & (ahead < length)).any(axis=0)
        if hit.sum() >= length:
            names, inside = [*names, name], [*inside, hit]
    if not names:
        raise NotEnoughData(
            "segments.error_no_occasion", "occasions: no feast lies within the orders"
        )
    made = daily.excess(counts, day, np.column_stack(inside).astype(float))
    table = _table(names, np.column_stack(inside), counts, made, conf_level)
    return Result(
        question=Note(
            "segments.occasions_question", "Before which feasts are there more orders than else?"
        ),
        table=table,
        answer=_answer(table, int(counts.sum())),
        method=Note(
            "segments.occasions_method",
            "Orders a day by weekday, trend and season (quasi-Poisson); an occasion is the "
            "{window:span} up to the feast; errors allow for days that resemble their neighbours; "
            "Benjamini-Hochberg over occasions.",
            window=before,
        ),
        unit="orders",
        n=int(counts.sum()),
        conf_level=conf_level,
        limits=(*_one_year(len(day)), _UNPREDICTABLE, people.of_basis("use")),
        chart=Points(
            label=["occasion"],
            reference=1.0,
            log=True,
            xlabel=Note("segments.occasions_axis", "Times as many orders as without it"),
        ),
    )


_UNPREDICTABLE = Note(
    "segments.occasions_limit",
    "Only feasts of a calendar are here; birthdays, moves and other days of one's own are not, and "
    "a promotion in the same days looks like the feast.",
)


def _table(names, inside, counts, made, conf_level):
    """Return a row an occasion, in the order of their strength."""
    low, high = intervals.normal(made.log_ratio, made.std_error, conf_level)
    p = intervals.p_value(made.log_ratio, made.std_error)
    fdr = intervals.adjust_p_values(p, "fdr_bh")
    rows = [
        {
            "occasion": name,
            "n": int(counts[inside[:, k]].sum()),
            "estimate": float(np.exp(made.log_ratio[k])),
            "conf_low": float(np.exp(low[k])),
            "conf_high": float(np.exp(high[k])),
            "days": int(inside[:, k].sum()),
            "more_orders": float(counts[inside[:, k]].sum() * (1 - np.exp(-made.log_ratio[k]))),
            "p_value": float(p[k]),
            "p_fdr": float(fdr[k]),
        }
        for k, name in enumerate(names)
    ]
    return tidy(sorted(rows, key=lambda row: (-row["estimate"], row["occasion"])))


def _answer(table, n):
    # Of ten feasts the largest ratio is as easily an accident as a feast.
    row = table.sort_values("p_value", kind="stable").iloc[0]
    return ANSWER.having(
        name=row["occasion"],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        clear=int((table["p_fdr"] < 0.05).sum()),
        tried=len(table),
        n=n,
    )


def _one_year(days):
    """Return the warning that one year cannot tell a feast from what else came with it."""
    if days >= YEARS:
        return []
    return [
        Note(
            "segments.occasions_short",
            "The orders span {days} days: with less than two years an occasion is seen once, and "
            "cannot be told from what else happened then.",
            days=days,
        )
    ]
