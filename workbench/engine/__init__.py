"""The only door to the SQL engines: DuckDB inside the process, Spark where the data live there.

Two ways to bring millions of rows down to thousands:

* `run` for set logic: one portable SQL text, the same on every engine;
* `ordered` for histories: rows sorted by customer and time, cut at customer boundaries, handed
  to a NumPy kernel whose partial tables are added up.

Both read a *view*: the one place that turns a user's table into canonical integers (customer,
microseconds since 1970 UTC, local day, codes of words), so that everything behind it is plain.
Tables may be a pandas, polars or Arrow table, a Parquet path, a DuckDB relation or a Spark
DataFrame.
"""

from dataclasses import dataclass, field
from pathlib import Path

from workbench.engine.batches import MAX_EVENTS, Batch
from workbench.errors import InputError, NotEnoughData, unknown

__all__ = [
    "MAX_EVENTS",
    "ORDER_MARK",
    "Batch",
    "Role",
    "View",
    "code",
    "columns",
    "day",
    "distinct",
    "duckdb_to_parquet",
    "is_sqlite",
    "key",
    "micros",
    "one",
    "open_workspace",
    "ordered",
    "query_files",
    "raw",
    "real",
    "run",
    "span",
    "sqlite_rows",
    "view",
    "whole",
    "write_ordered",
]

# A Parquet file whose metadata holds this lists whole customers one after another, each in time
# order.
ORDER_MARK = {b"workbench.order": b"customer_id,occurred_at"}


@dataclass(frozen=True)
class Role:
    """How one source column becomes one canonical column of a view."""

    kind: str
    source: str
    words: tuple = ()
    others: bool = False


def key(source):
    """An identifier: integers stay integers, anything else becomes text; rows without it are left
    out.
    """
    return Role("key", source)


def micros(source):
    """A timestamp as integer microseconds since 1970 UTC; a naive one is taken as UTC."""
    return Role("micros", source)


def day(source):
    """A timestamp as the integer day since 1970 in the view's time zone."""
    return Role("day", source)


def code(source, words, *, others=False):
    """A word as its position in `words`; rows with another word are left out, or with `others` get
    the next code.
    """
    if not words:
        raise NotEnoughData(
            "engine.error_no_value",
            "column '{source}': the table holds no value there",
            source=source,
        )
    return Role("code", source, tuple(words), others)


def whole(source):
    """An integer."""
    return Role("whole", source)


def real(source):
    """A finite floating-point number; NaN becomes NULL."""
    return Role("real", source)


def raw(source):
    """The column as it is."""
    return Role("raw", source)


@dataclass(frozen=True)
class View:
    """A user's table seen through canonical columns; made by `view`."""

    table: object
    roles: dict
    zone: str = "UTC"
    dialect: object = field(repr=False, default=None)
    types: dict = field(repr=False, default_factory=dict)
    upto: int | None = None

    def sql(self, source):
        """Return the SELECT that turns `source` into the canonical columns."""
        d = self.dialect
        columns, rules = [], []
        for name, role in self.roles.items():
            expression = d.expression(
                role, d.quote(role.source), self.types[role.source], self.zone
            )
            columns.append(f"{expression} AS {name}")
            if role.kind in ("key", "micros", "day"):
                rules.append(f"{d.quote(role.source)} IS NOT NULL")
            if role.kind == "code" and not role.others:
                rules.append(f"{d.quote(role.source)} IN ({', '.join(map(d.literal, role.words))})")
        if self.upto is not None:
            # Nothing after the moment the analysis looks up to takes part in it.
            time = next(r for r in self.roles.values() if r.kind in ("micros", "day"))
            moment = d.expression(
                micros(time.source), d.quote(time.source), self.types[time.source], "UTC"
            )
            rules.append(f"{moment} <= {self.upto}")
        where = f" WHERE {' AND '.join(dict.fromkeys(rules))}" if rules else ""
        return f"SELECT {', '.join(columns)} FROM {source}{where}"


def view(table, *, zone="UTC", upto=None, **roles):
    """See a user's table through canonical columns.

    Parameters
    ----------
    table : pandas, polars or Arrow table, Parquet path, DuckDB relation or Spark DataFrame
    zone : str
        Business time zone in which `day` cuts days.
    upto : int, optional
        Last moment (microseconds since 1970 UTC) whose rows take part.
    **roles : Role or str
        Canonical name = role of a source column, for instance `t=micros("occurred_at")`; a bare
        string is shorthand for `raw`.

    Returns
    -------
    View

    Raises
    ------
    InputError
        If a column is missing, a time column holds no timestamps, or the zone is unknown.
    """
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (LookupError, OSError, TypeError, ValueError):
        raise InputError(
            "engine.error_zone",
            "zone: {zone:repr} is no time zone name; use one such as 'Europe/Amsterdam'",
            zone=zone,
        ) from None
    dialect, table = _dialect(table)
    types = dialect.types(table)
    roles = {name: raw(role) if isinstance(role, str) else role for name, role in roles.items()}
    for role in roles.values():
        if role.source not in types:
            raise unknown("table", "column", role.source, types)
        if role.kind in ("micros", "day") and not dialect.is_time(types[role.source]):
            raise InputError(
                "engine.error_timestamps",
                "column '{source}': timestamps are needed, found {found}. Load the file "
                "with `load.file`, or convert the column first.",
                source=role.source,
                found=types[role.source],
            )
    return View(table, roles, zone, dialect, types, upto)


def run(sql, *, values=None, **tables):
    """Run one portable SQL statement and return its rows as a DataFrame.

    Parameters
    ----------
    sql : str
        A SELECT; every keyword of `tables` is a table in it.
    values : dict
        Values bound to `:name` placeholders; never pasted into the text.
    **tables : View or table
        All on the same engine; a bare table is used with the columns it has.

    Returns
    -------
    DataFrame
    """
    dialect, views = None, {}
    for name, table in tables.items():
        if not isinstance(table, View):
            own, table = _dialect(table)
            table = View(table, {}, "UTC", own, {})
        if dialect is not None and table.dialect is not dialect:
            raise InputError(
                "engine.error_two_engines",
                "tables: some live in Spark and some do not; bring them to one engine first",
            )
        dialect, views[name] = table.dialect, table
    return dialect.run(sql, views, values or {})


def one(sql, **tables):
    """Run a statement that gives one value and return it, or None where it is NULL."""
    import pandas as pd

    value = run(sql, **tables).iloc[0, 0]
    return None if pd.isna(value) else value


def ordered(table, kernel, *, by=("customer",), then=("t",), descending=()):
    """Walk every customer's history in time order and return the kernel's partial tables, stacked.

    Parameters
    ----------
    table : View
        Its first column must be the customer.
    kernel : callable
        Takes a Batch (whole customers, rows sorted) and returns a dict of equally long arrays. It
        must give the right column types for an empty batch too. On Spark it travels to the workers.
    by : tuple of str
        Columns that make one history; the first is the customer.
    then : tuple of str
        Order inside a history; rows equal in all of them come in no promised order.
    descending : tuple of str
        Columns of `then` sorted downwards (integers only).

    Returns
    -------
    DataFrame
        The stacked partial tables; adding them up is the caller's part.

    Raises
    ------
    InputError
        If one customer has more than `MAX_EVENTS` rows.
    """
    return table.dialect.ordered(table, kernel, tuple(by), tuple(then), tuple(descending))


def span(table, column):
    """Return the first and last moment of a time column as microseconds since 1970 UTC, or (None,
    None) if there is none.

    Asks for the smallest and largest value as they stand, which a Parquet file knows without being
    read.
    """
    v = view(table, t=micros(column))
    d, name = v.dialect, v.dialect.quote(column)
    ends = [
        f"{d.expression(v.roles['t'], f'{f}({name})', v.types[column], v.zone)} AS {n}"
        for f, n in (("min", "a"), ("max", "b"))
    ]
    found = d.run(
        f"SELECT {', '.join(ends)} FROM src", {"src": View(v.table, {}, "UTC", d, {})}, {}
    )
    return (
        (int(found["a"].iloc[0]), int(found["b"].iloc[0]))
        if found.notna().all(axis=None)
        else (None, None)
    )


def distinct(table, column):
    """Return the sorted distinct values of a column, NULL left out."""
    v = view(table, word=raw(column))
    found = run("SELECT DISTINCT word FROM v WHERE word IS NOT NULL", v=v)["word"]
    return sorted(found.tolist(), key=str)


def columns(table):
    """Return the column names of a table of any supported kind."""
    dialect, table = _dialect(table)
    return list(dialect.types(table))


def write_ordered(table, path, *, customer="customer_id", time="occurred_at"):
    """Write a table to a Parquet file in customer order, once; analyses then read it without
    sorting it again.

    Parameters
    ----------
    table : pandas, polars or Arrow table, Parquet path or DuckDB relation
    path : str or Path
        File to write; replaced in one move when it is whole.
    customer, time : str
        Columns to order by. Rows without either are left out: no history can use them.

    Returns
    -------
    str
        The path.
    """
    from workbench.engine import duck

    dialect, table = _dialect(table)
    if dialect is not duck:
        raise InputError(
            "engine.error_spark_stays",
            "write_ordered: a Spark table stays where it is; write it with Spark",
        )
    for name in (customer, time):
        if name not in dialect.types(table):
            raise unknown("table", "column", name, dialect.types(table))
    duck.write_ordered(table, Path(path), customer, time)
    return str(path)


def open_workspace():
    """Return a workspace for one load: a connection of its own, bounded and spilling to disk."""
    from workbench.engine.workspace import Workspace

    return Workspace()


def is_sqlite(path):
    """Say whether a database file is SQLite's, not DuckDB's; InputError where it is neither."""
    from workbench.engine import databases

    return databases.is_sqlite(path)


def sqlite_rows(path, query=None, table=None):
    """Return the column names and a stream of the rows of a query or table in an SQLite file."""
    from workbench.engine import databases

    return databases.sqlite_rows(path, query, table)


def duckdb_to_parquet(path, query, table, folder):
    """Write a query or table of a DuckDB file to Parquet; return the file and its columns."""
    from workbench.engine import databases

    return databases.duckdb_to_parquet(path, query, table, folder)


def query_files(files, query, folder):
    """Run one query over Parquet files known by name, and nothing else; see `databases`."""
    from workbench.engine import databases

    return databases.query_files(files, query, folder)


def _dialect(table):
    from workbench.engine import duck

    if type(table).__module__.startswith("pyspark."):
        from workbench.engine import spark

        return spark, table
    return duck, duck.prepare(table)
