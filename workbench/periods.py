"""Days, weeks and months as integers: which period a day belongs to, in NumPy and in portable SQL.

Days count from 1970-01-01, a Thursday; a period is known by its first day. Weeks begin on Monday
unless their name says otherwise.
"""

import numpy as np

from workbench.errors import InputError

__all__ = [
    "first_day",
    "index",
    "last_day",
    "local_day",
    "local_days",
    "middle_day",
    "sql",
    "starts",
    "whole",
]


def __dir__():
    return __all__


MANY = 10_000  # periods beyond which a moment is mistaken: days of 27 years

# Nominal lengths, for clocks that roll.
DAYS = {"day": 1, "week": 7, "week_sunday": 7, "week_saturday": 7, "month": 30}
LONG = tuple(p for p in DAYS if p != "day")  # periods of several days
# Days from the day a week begins on to the first of 1970.
_SHIFT = {"week": 3, "week_sunday": 4, "week_saturday": 5}


def sql(day, period, first, end):
    """Return portable SQL for the first day of the period that holds a day."""
    if period in _SHIFT:
        return f"{day} - mod({day} + {_SHIFT[period]}, 7)"
    if period == "month":
        starts = np.unique(first_day(np.arange(int(first), end + 1), "month"))
        cases = " ".join(f"WHEN {day} >= {s} THEN {s}" for s in starts[::-1])
        return f"CASE {cases} END"
    return day


def last_day(start, period):
    """Return the last day of the period that begins on a day."""
    if period == "month":
        return int(first_day(start + 31, "month")) - 1
    return start + DAYS[period] - 1


def first_day(days, period):
    """Return the first day of the period that holds each day (days since 1970)."""
    days = np.asarray(days, np.int64)
    if period in _SHIFT:
        return days - (days + _SHIFT[period]) % 7
    if period == "month":
        return (
            days.astype("datetime64[D]")
            .astype("datetime64[M]")
            .astype("datetime64[D]")
            .astype(np.int64)
        )
    return days


def starts(first, end, period):
    """Return the first days of all periods from the one that holds the first day to the one that
    holds the last; refuse more than anybody could have meant.
    """
    found = np.unique(first_day(np.arange(first, end + 1), period))
    if len(found) > MANY:
        raise InputError(
            "periods.error_many",
            "from {first} to {last} there are {n} periods of one {period:word}, more than "
            "{most}: a moment is probably mistaken; correct it, or give `until`",
            first=str(np.datetime64(int(first), "D")),
            last=str(np.datetime64(int(end), "D")),
            n=len(found),
            period=period,
            most=MANY,
        )
    return found


def whole(first, end, period):
    """Return the first days of the periods from the one that holds the first day on; one still
    running on the last day is left out.
    """
    found = starts(first, end, period)
    return found[:-1] if len(found) and last_day(int(found[-1]), period) > end else found


def index(starts, period):
    """Return a running number of periods, so that differences count periods."""
    starts = np.asarray(starts, np.int64)
    if period == "month":
        return starts.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return starts // DAYS[period]


def local_days(moments, zone):
    """Return the local days of a Series of moments with a zone, as days since 1970."""
    return (
        moments.dt.tz_convert(zone).dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64)
    )


def local_day(micros, zone):
    """Return the local day of a moment in microseconds, as days since 1970."""
    import pandas as pd

    return (
        pd.Timestamp(micros, unit="us", tz="UTC").tz_convert(zone).tz_localize(None).normalize()
        - pd.Timestamp(0)
    ).days


def middle_day(moments, zone="UTC"):
    """Return the day halfway between the first and the last of a column of moments, as text.

    >>> import pandas as pd
    >>> middle_day(pd.Series(pd.to_datetime(["2024-01-01", "2024-01-31"], utc=True)))
    '2024-01-16'
    """
    first, last = moments.dt.tz_convert(zone).agg(["min", "max"]).dt.normalize()
    return str((first + (last - first) / 2).date())
