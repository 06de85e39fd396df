"""The canonical tables: what a row means, which columns it needs, and what no value may be."""

import re

from workbench import engine, periods
from workbench.errors import InputError, NotEnoughData, need_columns, unknown
from workbench.notes import Note
from workbench.schemas.tables import EXTRA, TABLES, UNIQUE, Column

__all__ = [
    "TABLES",
    "beside",
    "bought",
    "columns",
    "first_day",
    "followed",
    "group_of",
    "micros",
    "moment",
    "moments",
    "must_match",
    "observed_until",
    "purchase_days",
    "require",
    "tells_groups",
    "validate",
    "whole_days",
]


def __dir__():
    return __all__


# Years beyond them are slips, and more days than a calendar of periods can hold.
FIRST_YEAR, LAST_YEAR = 1700, 2200


def columns(table, more=()):
    """Return the columns of a canonical table, and those of `more` where it takes attributes of the
    user's own.

    Raises InputError for an unknown table or column.
    """
    if table not in TABLES:
        raise unknown("table", "table", table, TABLES)
    known = TABLES[table]
    for name in more:
        if name not in known and table not in EXTRA:
            where = Note("schemas.table", "table '{table}'", table=table)
            raise unknown(where, "column", name, known)
    return {**known, **{n: Column(EXTRA[table]) for n in more if n not in known}}


def require(table, kind, *extra):
    """Check that a table has the required columns of its kind, and any named besides.

    Raises InputError naming the missing column, the nearest spelling and the columns present.
    """
    need_columns(
        kind,
        engine.columns(table),
        *(n for n, c in columns(kind).items() if c.required),
        *(e for e in extra if e),
    )


def validate(frame, kind):
    """Return (index, column, reason) for every value of a pandas table that breaks its rules.

    Values must already have their types; missing stands for "could not be read". Required columns
    must be filled, numbers finite, keys of one-row-per-key tables unique. The table is not changed.
    """
    import warnings

    with warnings.catch_warnings():
        # Where Spark is installed the library looks at it, and Spark warns about newer pandas.
        warnings.simplefilter("ignore")
        import pandera.pandas as pa

        rules = {}
        for name, column in columns(kind, frame.columns).items():
            if name in frame:
                checks = (
                    [pa.Check(_finite, error="not a finite number")]
                    if column.kind == "number"
                    else []
                )
                rules[name] = pa.Column(nullable=not column.required, checks=checks)
        schema = pa.DataFrameSchema(
            rules, unique=UNIQUE.get(kind), report_duplicates="exclude_first"
        )
        try:
            schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as error:
            found = error.failure_cases
            names = {"not_nullable": "missing", "multiple_fields_uniqueness": "duplicate key"}
            reason = found["check"].map(lambda c: names.get(str(c), str(c)))
            failures = found.assign(reason=reason).dropna(subset=["index"])
            return failures[["index", "column", "reason"]].drop_duplicates()
    return None


def _finite(values):
    import numpy as np

    return np.isfinite(values.astype(float))


def micros(name, value, *, none=False):
    """Return a duration such as "30D" or "30min" as integer microseconds.

    Raises InputError for a bare number, a negative duration or one that cannot be read.
    """
    import pandas as pd

    if value is None and none:
        return None
    if isinstance(value, (int, float)):
        raise InputError(
            "schemas.error_duration_unit",
            "{name}: a duration needs its unit; write '{value}D' for days, found the "
            "bare number {value}",
            name=name,
            value=value,
        )
    try:
        if str(value).strip().replace(".", "").isdigit():
            raise ValueError
        length = pd.Timedelta(value)
    except ValueError:
        raise InputError(
            "schemas.error_duration",
            "{name}: cannot read {value:repr} as a duration; write for instance '30D', "
            "'12h' or '30min'",
            name=name,
            value=value,
        ) from None
    if not length > pd.Timedelta(0):
        raise InputError(
            "schemas.error_duration_zero",
            "{name}: must be longer than zero, found {value:repr}",
            name=name,
            value=value,
        )
    return int(length // pd.Timedelta(microseconds=1))


def whole_days(name, value):
    """Return a duration of whole days as their number; purchases are days, so a fraction of one
    means nothing.

    Raises InputError as `micros`, and for part of a day.
    """
    length = micros(name, value)
    if length % 86_400_000_000:
        raise InputError(
            "schemas.error_whole_days",
            "{name}: purchases are counted by the day; whole days are needed, found {value:repr}",
            name=name,
            value=value,
        )
    return length // 86_400_000_000


def moment(name, value, zone="UTC"):
    """Return a moment as microseconds since 1970 UTC; a bare date means the end of that day in the
    zone.

    Text or Timestamp; one with a time but no zone is taken in the zone. Raises InputError for
    what is no moment.
    """
    import pandas as pd

    number = isinstance(value, (bool, int, float))
    if number or (hasattr(value, "dtype") and value.dtype.kind != "M"):
        # 20240101 would be twenty milliseconds after 1970.
        raise _no_moment(name, value)
    try:
        # 03-08-2026 is March to some and August to others: text begins with the year.
        if isinstance(value, str) and not re.match(r"\s*\d{4}-\d{1,2}(-|\s*$)", value):
            raise ValueError(value)
        stamp = pd.Timestamp(value)
        if stamp is pd.NaT:
            raise ValueError(value)
    except (ValueError, TypeError):
        raise _no_moment(name, value) from None
    written_day = isinstance(value, str) and len(value.strip()) == 10
    whole_day = written_day or type(value).__name__ == "date"
    if not FIRST_YEAR <= stamp.year <= LAST_YEAR:
        raise InputError(
            "schemas.error_year",
            "{name}: {value:text} lies outside the years {first:text} to {last:text}",
            name=name,
            value=value,
            first=FIRST_YEAR,
            last=LAST_YEAR,
        )
    stamp = stamp.as_unit("us")
    if whole_day:
        stamp += pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    stamp = _in_zone(name, stamp, zone) if stamp.tz is None else stamp
    return int(stamp.as_unit("us").asm8.astype("int64"))


def _in_zone(name, stamp, zone):
    """Return a moment of the clock in a zone; refuse one it skips or shows twice."""
    try:
        return stamp.tz_localize(zone, ambiguous="raise", nonexistent="raise")
    except ValueError:
        early = stamp.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
        skipped = early.tz_localize(None) != stamp
        values = {"name": name, "value": str(stamp), "zone": zone}
    if skipped:
        raise InputError(
            "schemas.error_skipped_moment",
            "{name}: the clock in {zone} skips {value}, when summer time begins; give another "
            "moment, or one with its distance from UTC",
            **values,
        )
    raise InputError(
        "schemas.error_double_moment",
        "{name}: the clock in {zone} shows {value} twice, when summer time ends; write its "
        "distance from UTC behind it, such as '{value}+01:00'",
        **values,
    )


def _no_moment(name, value):
    return InputError(
        "schemas.error_moment",
        "{name}: cannot read {value:repr} as a moment; write for instance '2017-12-31'",
        name=name,
        value=value,
    )


def observed_until(table, until=None, *, column="occurred_at", zone="UTC"):
    """Return the moment (microseconds) up to which a table is complete: the given one, else its
    last row's.

    None where the table holds no time at all.
    """
    return engine.span(table, column)[1] if until is None else moment("until", until, zone)


def purchase_days(orders, zone, until=None):
    """Return the canonical view of orders (customer, day, amount) and the last local day their data
    cover.

    Raises InputError for missing columns, NotEnoughData where there is no order.
    """
    require(orders, "orders")
    end = observed_until(orders, until, column="ordered_at", zone=zone)
    if end is None:
        raise NotEnoughData("schemas.error_no_order", "orders: there is no order with a time")
    view = engine.view(
        orders,
        zone=zone,
        upto=None if until is None else end,
        customer=engine.key("customer_id"),
        day=engine.day("ordered_at"),
        amount=engine.real("amount"),
    )
    if engine.one("SELECT count(*) FROM o", o=view) == 0:
        raise _no_order(until)
    return view, periods.local_day(end, zone)


def _no_order(until):
    """Return the error where no row of the orders can be used."""
    if until is None:
        return NotEnoughData(
            "schemas.error_no_customer_and_time",
            "orders: there is no order with both a customer and a time",
        )
    return NotEnoughData(
        Note(
            "schemas.error_none_before",
            "orders: there is no order up to {until}",
            until=str(until),
        )
    )


# A row a customer and local day, what was paid on it, orders with an amount, and whether it is a
# purchase: a day with as much back as paid, or more, is none; one that cost nothing is.
# Sums are rounded: added in another order they differ in the last digit, and 0.1 + 0.2 - 0.3 would
# be a purchase.
DAYS = """WITH
  days AS (
    SELECT customer, day, amount, orders,
      CASE WHEN amount < 0 OR (amount = 0 AND lowest < 0) THEN 0 ELSE 1 END AS bought
    FROM (
      SELECT customer, day, round(sum(amount), 6) AS amount, count(amount) AS orders,
        min(amount) AS lowest
      FROM o GROUP BY customer, day) x)"""


def first_day(view):
    """Return the first local day of a view of `purchase_days`."""
    return periods.local_day(engine.span(view.table, view.roles["day"].source)[0], view.zone)


def must_match(where, ids, known):
    """Refuse ids none of which is among those of the orders, showing one of each.

    Ids are Series or Indexes of text: a customer is known by how the id is written, so that 7 in
    one table is "7" in the other.
    """
    if len(ids) and not ids.isin(known).any():
        raise InputError(
            "schemas.error_no_customer_matches",
            "{where}: none of the customers, such as {example:repr}, is among those of the "
            "orders, such as {known:repr}",
            where=where,
            example=ids[0] if not hasattr(ids, "iloc") else ids.iloc[0],
            known=next(iter(known), "–"),
        )


def tells_groups(by):
    """Say whether `by` is what `group_of` takes: nothing, a Series by customer, or a Segment."""
    indexed = hasattr(by, "index") and not callable(by.index)  # as that of a text is
    return by is None or indexed or hasattr(by, "among")


def group_of(customers, by):
    """Return the group of each customer by a Series (or dict) indexed by their ids, which match as
    they are written, or by a Segment (its members and others); missing where they have none.

    Raises InputError where no id of `by` is among the customers.
    """
    import pandas as pd

    if hasattr(by, "among"):
        return by.among(customers)
    by = pd.Series(by)
    names = pd.Series(engine.written(by.index), dtype=object)
    known = engine.written(customers)
    must_match("by", names.dropna().reset_index(drop=True), known)
    return known.map(dict(zip(names, by, strict=True)))


def beside(table, name, attribute, maker):
    """Return what the function that made a table left beside its columns.

    Raises InputError where it got lost on the way.
    """
    if attribute not in table.attrs:
        raise InputError(
            "schemas.error_beside",
            "{name}: '{attribute}' got lost; hand in the table of {maker} as it returned it, in "
            "pandas, Arrow or Parquet",
            name=name,
            attribute=attribute,
            maker=maker,
        )
    return table.attrs[attribute]


def moments(table, name, column):
    """Return a column of moments in pandas with a zone; moments without one are UTC.

    Raises InputError for text or numbers.
    """
    import pandas as pd

    values = table[column]
    if values.isna().all():
        return pd.Series(pd.NaT, values.index, dtype="datetime64[us, UTC]")
    if not pd.api.types.is_datetime64_any_dtype(values):
        raise InputError(
            "schemas.error_moments",
            "{name}: '{column}' must hold moments, found {found:repr}; read it with "
            "pandas.to_datetime(…, utc=True)",
            name=name,
            column=column,
            found=values.dropna().iloc[0],
        )
    return values.dt.tz_localize("UTC") if values.dt.tz is None else values


def followed(rows, moment, orders, window):
    """Return for every row whether its customer ordered after the moment in a column, within a
    window; and whether the orders go on for that long after it.

    `rows` and `orders` are DataFrames with customer_id, `orders` with ordered_at; an order at the
    very moment does not count, nor does what was given back.
    """
    import pandas as pd

    length = pd.Timedelta(microseconds=micros("window", window))
    later = bought(orders).sort_values("ordered_at")
    asked = pd.DataFrame(
        {
            "customer_id": engine.written(rows["customer_id"]).fillna(""),
            "began": moments(rows, "rows", moment).dt.as_unit("us"),
        }
    ).reset_index(drop=True)
    known = asked.dropna(subset=["began"])
    found = (
        pd.merge_asof(
            known.reset_index().sort_values("began", kind="stable"),
            later,
            left_on="began",
            right_on="ordered_at",
            by="customer_id",
            direction="forward",
            allow_exact_matches=False,
        )
        .set_index("index")
        .reindex(asked.index)
    )
    return ((found["ordered_at"] - found["began"]) <= length).to_numpy(), (
        asked["began"] + length <= later["ordered_at"].max()
    ).to_numpy()


def bought(orders):
    """Return customer_id (as text) and ordered_at (microseconds, with a zone) of the orders in
    pandas that have both; what was given back (an amount below 0) is no purchase.
    """
    import pandas as pd

    made = pd.DataFrame(
        {
            "customer_id": engine.written(orders["customer_id"]).fillna(""),
            "ordered_at": moments(orders, "orders", "ordered_at").dt.as_unit("us"),
        }
    )
    keep = orders["ordered_at"].notna() & (made["customer_id"] != "")
    return made[keep & ~(orders["amount"] < 0)] if "amount" in orders else made[keep]
