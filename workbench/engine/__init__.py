"""The only door to the SQL engines: DuckDB inside the process, Spark where the data live there.

Two ways to bring millions of rows down to thousands:

* `run` for set logic: one portable SQL text, the same on every engine;
* `map_ordered` for histories: rows sorted by customer and time, cut at customer boundaries, handed
  to a NumPy kernel whose partial tables are added up.

Both read a *view*: the one place that turns a user's table into canonical integers (customer,
microseconds since 1970 UTC, local day, codes of words), so that everything behind it is plain.
Tables may be a pandas, polars or Arrow table, a Parquet path, a DuckDB relation or a Spark
DataFrame.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.engine.batches import MAX_EVENTS, Batch
from workbench.engine.gate import frame, frames, given, is_table, tables
from workbench.engine.ids import coded_words, write, written
from workbench.engine.leaving import LeftOut, count
from workbench.engine.marks import SAID, simulated
from workbench.engine.near import FirstOfDay, Near, Of
from workbench.errors import InputError, NotEnoughData, unknown

__all__ = [
    "MAX_EVENTS",
    "ORDER_MARK",
    "SAID",
    "Batch",
    "FirstOfDay",
    "LeftOut",
    "Near",
    "Of",
    "Role",
    "View",
    "code",
    "columns",
    "day",
    "distinct",
    "duckdb_to_parquet",
    "frame",
    "frames",
    "given",
    "is_sqlite",
    "is_table",
    "key",
    "left_out",
    "map_ordered",
    "micros",
    "one",
    "open_workspace",
    "query_files",
    "raw",
    "real",
    "run",
    "simulated",
    "span",
    "sqlite_rows",
    "tables",
    "view",
    "whole",
    "write",
    "write_ordered",
    "written",
]


def __dir__():
    return __all__


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
    whole: bool = False  # a key of a type with fractions that holds none


def key(source):
    """An identifier: whole numbers are integers, anything else is text as it is written; rows
    without it (nothing, "" or NaN) are left out.
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
        raise _nothing(source)
    return Role("code", source, tuple(words), others)


def _nothing(source):
    return NotEnoughData(
        "engine.error_no_value",
        "column '{source}': the table holds no value there",
        source=source,
    )


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

    copies: int = 0

    def expression(self, role):
        """Return the SQL of one canonical column."""
        d = self.dialect
        return d.expression(role, d.quote(role.source), self.types[role.source], self.zone)

    def there(self, role):
        """Return the SQL that says whether the value of a role is there."""
        d = self.dialect
        return d.there(d.quote(role.source), self.types[role.source])

    def source(self, source):
        """Return what to select from: the table, its exact copies of a row left out."""
        return f"(SELECT DISTINCT * FROM {source}) AS _once" if self.copies else source

    def known(self):
        """Return the SQL rule that nothing after the moment an analysis looks up to takes part;
        None where it looks at everything.
        """
        if self.upto is None:
            return None
        time = next(r for r in self.roles.values() if r.kind in ("micros", "day"))
        d = self.dialect
        moment = d.expression(
            micros(time.source), d.quote(time.source), self.types[time.source], "UTC"
        )
        return f"{moment} <= {self.upto}"

    def sql(self, source):
        """Return the SELECT that turns `source` into the canonical columns."""
        d = self.dialect
        columns, rules = [], []
        for name, role in self.roles.items():
            columns.append(f"{self.expression(role)} AS {name}")
            if role.kind in ("key", "micros", "day", "word"):
                rules.append(self.there(role))
            if role.kind == "code" and not role.others:
                kind = self.types[role.source]
                words = [word for _, word in coded_words(role.words, kind, d.literal)]
                rules.append(
                    f"{d.quote(role.source)} IN ({', '.join(words)})" if words else "1 = 0"
                )
        rules += [self.known()] if self.upto is not None else []
        where = f" WHERE {' AND '.join(dict.fromkeys(rules))}" if rules else ""
        return f"SELECT {', '.join(columns)} FROM {self.source(source)}{where}"


def view(table, *, zone="UTC", upto=None, once=None, **roles):
    """See a user's table through canonical columns.

    Parameters
    ----------
    table : pandas, polars or Arrow table, Parquet path, DuckDB relation or Spark DataFrame
    zone : str
        Business time zone in which `day` cuts days.
    upto : int, optional
        Last moment (microseconds since 1970 UTC) whose rows take part.
    once : str, optional
        Column that numbers the rows, such as "order_id": a row equal to another in every column
        takes part once.
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
        _check(role, types, dialect)
    seen = View(table, roles, zone, dialect, types, upto)
    roles = {name: _settled(seen, role) for name, role in roles.items()}
    return View(table, roles, zone, dialect, types, upto, _copies(seen, once))


def _check(role, types, dialect):
    """Raise where a column is missing or cannot play its role."""
    if role.source not in types:
        raise unknown("table", "column", role.source, types)
    kind = types[role.source]
    if role.kind in ("micros", "day") and kind == '"NULL"':
        raise _nothing(role.source)
    if role.kind in ("micros", "day") and not dialect.is_time(kind):
        raise InputError(
            "engine.error_timestamps",
            "column '{source}': timestamps are needed, found {found}. Load the file "
            "with `load.file`, or convert the column first.",
            source=role.source,
            found=kind,
        )
    if role.kind in ("real", "whole") and (dialect.is_time(kind) or dialect.is_opaque(kind)):
        raise InputError(
            "engine.error_numbers",
            "column '{source}': numbers are needed, found {found}",
            source=role.source,
            found=kind,
        )
    if role.kind in ("key", "code") and dialect.is_opaque(kind):
        raise InputError(
            "engine.error_opaque",
            "column '{source}': ids and words must be text or numbers, found {found}; turn them "
            "into text first",
            source=role.source,
            found=kind,
        )


def _settled(seen, role):
    """Return a key of numbers with fractions as one of integers where it holds no fraction: one
    missing id makes them floats in pandas.
    """
    import pandas as pd

    d = seen.dialect
    if role.kind != "key" or not d.is_number(seen.types[role.source]):
        return role
    test = f"SELECT {d.whole_numbers(d.quote(role.source))} AS whole FROM src"
    found = d.run(test, {"src": _bare(seen)}, {})["whole"].iloc[0]
    return replace(role, whole=bool(pd.notna(found)) and bool(found))


def _bare(seen):
    return View(seen.table, {}, "UTC", seen.dialect, {})


def _copies(seen, once):
    """Return how many rows of a table repeat another in every column."""
    if once is None or once not in seen.types:
        return 0
    d, bare = seen.dialect, {"src": _bare(seen)}
    name = d.quote(once)
    ids = d.run(f"SELECT count({name}) - count(DISTINCT {name}) AS n FROM src", bare, {})
    if not int(ids["n"].iloc[0]):
        return 0
    rows = d.run(
        "SELECT (SELECT count(*) FROM src) - (SELECT count(*) FROM (SELECT DISTINCT * FROM src) x)"
        " AS n",
        bare,
        {},
    )
    return int(rows["n"].iloc[0])


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


def map_ordered(table, kernel, *, by=("customer",), then=("t",), descending=()):
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


def left_out(table, *also):
    """Count the rows an analysis cannot use, by reason; see `LeftOut`.

    Parameters
    ----------
    table : View or table
        A view leaves out rows without an id, without a moment, or without a word it codes, and
        exact copies of a row where it was made with `once`.
    *also : str
        Further columns without which a row cannot be used, such as "brand"; of a bare table, all
        the columns asked for.

    Returns
    -------
    LeftOut
        `.limits` are the sentences a Result says of it.
    """

    seen = table if isinstance(table, View) else view(table)
    return count(seen, also)


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
    """Return the sorted distinct values of a column, those that are missing ("", NaN) left out."""
    v = view(table, word=raw(column))
    _check(code(column, ["-"]), v.types, v.dialect)
    found = run(
        "SELECT DISTINCT word FROM v WHERE word IS NOT NULL",
        v=replace(v, roles={"word": Role("word", column)}),
    )["word"].tolist()
    if v.dialect.is_number(v.types[column]) and all(value == int(value) for value in found):
        found = [int(value) for value in found]
    return sorted(found, key=str)


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
