"""DuckDB: reads every local kind of table, sorts out of core, streams ordered batches."""

import atexit
import os
import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from workbench.engine import folders
from workbench.engine.batches import BATCH_ROWS, cut, empty, in_order, settle, to_numpy, with_views
from workbench.engine.ids import coded_words, written
from workbench.errors import InputError, first_line

LIBRARIES = ("pandas", "polars", "pyarrow", "duckdb", "_duckdb")
MEMORY = os.environ.get("WORKBENCH_MEMORY", "2GB")


@cache
def connection(keep_order=False):
    """Return this process's connection, with bounded memory and a spill folder; one of its own
    where rows must keep their order.
    """
    import duckdb

    con = duckdb.connect()
    spill = tempfile.TemporaryDirectory(prefix="workbench-")
    atexit.register(spill.cleanup)
    con.execute(f"SET memory_limit={literal(MEMORY)}")
    con.execute(f"SET temp_directory={literal(spill.name)}")
    con.execute(f"SET preserve_insertion_order={str(keep_order).lower()}")
    if keep_order:
        # Streamed by several threads, batches were seen to overtake each other.
        con.execute("SET threads=1")
    con.execute("SET TimeZone='UTC'")
    con.execute("SET autoinstall_known_extensions=false")
    return con


def prepare(table):
    """Accept a table of a known kind: a path is checked, anything else made readable."""
    if isinstance(table, (str, os.PathLike)):
        path = Path(table)
        if not any(ch in str(path) for ch in "*?[") and not path.exists():
            raise InputError(
                "engine.error_no_parquet",
                "{path}: no such Parquet file. Check the path, or load another format with "
                "`load.file`.",
                path=path,
            )
        if path.suffix.lower() not in (".parquet", ".pq") and not path.is_dir():
            raise InputError(
                "engine.error_only_parquet",
                "{path}: only Parquet is read in place; load other formats with `load.file`",
                path=path,
            )
        return folders.files(path)
    kind = library(table)
    if kind is None:
        raise InputError(
            "engine.error_table_type",
            "table: cannot read a {kind}; pass a pandas, polars or Arrow table, a "
            "Parquet path, a DuckDB relation or a Spark DataFrame",
            kind=type(table).__name__,
        )
    if kind == "pandas":
        return _tidy(table)
    if kind == "polars":
        return table.collect() if hasattr(table, "collect") else table
    # A reader gives its rows once, and an analysis looks at them more than once.
    return table.read_all() if hasattr(table, "read_all") else table


def library(value, kinds=()):
    """Return the library that a value comes from, or is made upon; None for any other. With `kinds`
    it must be of a type of one of these names.
    """
    for kind in type(value).__mro__:
        name = kind.__module__.split(".")[0]
        if name in LIBRARIES and (not kinds or kind.__name__ in kinds):
            return name
    return None


def _tidy(table):
    """Return a pandas table whose every column the engine can read; itself where it can."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return table.to_frame() if hasattr(table, "to_frame") else table
    return by_column(table, _readable)


def by_column(table, change):
    """Return a pandas table whose every column went through a function; itself where none became
    another.
    """
    import pandas as pd

    columns = [table.iloc[:, i] for i in range(table.shape[1])]
    made = [change(column) for column in columns]
    if all(a is b for a, b in zip(columns, made, strict=True)):
        return table
    result = pd.concat(made, axis=1)
    result.attrs = dict(table.attrs)
    return result


def _readable(column):
    """Return a column as the engine can read it; itself where it stands so."""
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if isinstance(kind, pd.IntervalDtype):
        return column.astype(str).where(column.notna(), None)
    if isinstance(kind, pd.SparseDtype):
        return column.sparse.to_dense()
    if pd.api.types.is_object_dtype(kind) and pd.api.types.infer_dtype(column) in (
        "mixed",
        "mixed-integer",
    ):
        # Of several types: how each is written, as another kind of table holds it.
        first = next((v for v in column if v is not None and v == v), None)
        return column if isinstance(first, (list, tuple, dict, set)) else written(column)
    # The engine cannot read columns that run backwards, such as those of table.iloc[::-1].
    return column.copy() if _backwards(column) else column


def _backwards(column):
    """Whether a column's memory is read from its end."""
    zoned = getattr(column.dtype, "tz", None) is not None and hasattr(column.array, "view")
    if not isinstance(column.dtype, np.dtype) and not zoned:
        return False
    values = column.array.view("i8") if zoned else column.to_numpy()
    return bool(getattr(values, "strides", (0,))[0] < 0)


def quote(name):
    """Quote an identifier."""
    return '"' + str(name).replace('"', '""') + '"'


def literal(value):
    """Write a constant: a number, or text with its quotes doubled."""
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return "'" + str(value).replace("'", "''") + "'"


def types(table):
    """Return the column types of a table, by name."""
    described = select("DESCRIBE SELECT * FROM src", table)
    return dict(zip(described["column_name"], described["column_type"], strict=True))


INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_NUMBERS = ("FLOAT", "DOUBLE", "DECIMAL", "UBIGINT", "HUGEINT", "UHUGEINT")


def is_time(kind):
    """Say whether a column type is a date or a timestamp."""
    return kind == "DATE" or kind.startswith("TIMESTAMP")


def is_number(kind):
    """Say whether a column type is a number but no plain integer."""
    return kind.startswith(_NUMBERS)


def is_opaque(kind):
    """Say whether values of a column type cannot be ids or words."""
    return kind.startswith(("BLOB", "STRUCT", "MAP", "UNION", "BIT")) or kind.endswith("]")


def whole_numbers(column):
    """Return the SQL that says whether every number of a column is an integer the engine holds."""
    return f"bool_and({_is_whole(column)}) FILTER ({_finite(column)})"


def _finite(column):
    return f"isfinite(CAST({column} AS DOUBLE))"


def _is_whole(column):
    return f"abs({column}) < 9007199254740992 AND {column} = trunc({column})"


def written_as(column, kind):
    """Return the SQL for how an id or a word is written; NULL where it is missing."""
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return f"nullif(CAST({column} AS VARCHAR), '')"
    if kind in INTEGERS or not is_number(kind):
        return f"CAST({column} AS VARCHAR)"
    if kind.endswith("INT"):
        return f"CAST({column} AS VARCHAR)"
    whole = f"CAST(CAST({column} AS BIGINT) AS VARCHAR)"
    return (
        f"CASE WHEN NOT {_finite(column)} THEN NULL WHEN {_is_whole(column)} THEN {whole}"
        f" ELSE CAST({column} AS VARCHAR) END"
    )


def there(column, kind):
    """Return the SQL that says whether an id, a word or a moment is there."""
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return f"({column} IS NOT NULL AND {column} <> '')"
    if kind in ("FLOAT", "DOUBLE"):
        return f"({column} IS NOT NULL AND isfinite({column}))"
    return f"{column} IS NOT NULL"


def expression(role, column, kind, zone):
    """Return the SQL that turns a source column into its canonical form."""
    if kind == "TIMESTAMPTZ_NS" or (kind.startswith("TIMESTAMP_NS") and kind != "TIMESTAMP_NS"):
        column, kind = f"CAST({column} AS TIMESTAMP WITH TIME ZONE)", "TIMESTAMP WITH TIME ZONE"
    if role.kind == "key":
        if kind in INTEGERS or role.whole:
            return f"CAST({column} AS BIGINT)"
        return written_as(column, kind)
    if role.kind == "micros":
        return f"epoch_us(CAST({column} AS TIMESTAMP))" if kind == "DATE" else f"epoch_us({column})"
    if role.kind == "day":
        return local_day(column, kind, zone)
    if role.kind == "code":
        return _coded(role, column, kind)
    if role.kind == "whole":
        return f"CAST({column} AS BIGINT)"
    if role.kind == "real":
        return f"CASE WHEN isfinite(CAST({column} AS DOUBLE)) THEN CAST({column} AS DOUBLE) END"
    return column


def local_day(column, kind, zone):
    """Return the SQL for the local day of a moment, as days since 1970."""
    if kind == "DATE":
        local = column
    elif kind == "TIMESTAMP WITH TIME ZONE":
        # In UTC the clock needs no calendar of zones, and is five times as fast.
        local = (
            f"make_timestamp(epoch_us({column}))"
            if zone == "UTC"
            else f"timezone({literal(zone)}, {column})"
        )
    else:
        local = column if zone == "UTC" else f"timezone({literal(zone)}, timezone('UTC', {column}))"
    return f"CAST(CAST({local} AS DATE) - DATE '1970-01-01' AS INTEGER)"


def _coded(role, column, kind):
    if all(isinstance(w, str) for w in role.words) and kind == "VARCHAR":
        names = ", ".join(map(literal, role.words))
        coded = f"enum_code(TRY_CAST({column} AS ENUM({names})))"
        return f"CAST(coalesce({coded}, {len(role.words)}) AS INTEGER)"
    cases = coded_words(role.words, kind, literal)
    if not cases:
        return f"CAST({len(role.words)} AS INTEGER)"
    whens = " ".join(f"WHEN {word} THEN {i}" for i, word in cases)
    return f"CAST(CASE {column} {whens} ELSE {len(role.words)} END AS INTEGER)"


def run(sql, views, values):
    """Run portable SQL over views and return a DataFrame."""
    sources = {name: f"_src_{name}" for name in views}
    text = with_views(sql, views, sources)
    made = _query(
        re.sub(r"(?<![:\w]):([a-z_]\w*)", r"$\1", text),
        {sources[n]: v.table for n, v in views.items()},
        values,
    )
    return _in_pandas(made)


def _in_pandas(relation):
    """Fetch a relation; moments with a zone by way of Arrow, since DuckDB turns them with a call
    that pandas gives up, and warns of it.
    """
    if any(str(kind) == "TIMESTAMP WITH TIME ZONE" for kind in relation.types):
        return relation.to_arrow_table().to_pandas()
    return relation.df()


def ordered(view, kernel, by, then, descending):
    """Feed the kernel whole customers in order; see `workbench.engine.map_ordered`."""
    import pandas as pd

    marked = len(by) == 1 and then[0] not in descending and _is_ordered(view, by[0], then[0])
    if marked:
        reader = _in_file_order(view.sql(f"read_parquet({literal(view.table)})"))
    else:
        keys = [*by, *(f"{c} DESC" if c in descending else c for c in then)]
        reader = _query(
            f"SELECT * FROM ({view.sql('src')}) ORDER BY {', '.join(keys)}", {"src": view.table}
        ).to_arrow_reader(BATCH_ROWS)
    chunks = (
        {n: to_numpy(c) for n, c in zip(b.schema.names, b.columns, strict=True)} for b in reader
    )
    if marked:
        chunks = in_order(chunks, by[0], then[0], view.table)
    batches = (
        (settle(batch, then, descending) for batch in cut(chunks, by))
        if marked
        else cut(chunks, by)
    )
    parts = [pd.DataFrame(kernel(batch)) for batch in batches]
    return pd.concat(parts or [pd.DataFrame(kernel(empty(view.roles, by)))], ignore_index=True)


def _is_ordered(view, owner, time):
    """Say whether a view reads one Parquet file marked as written in the order asked for."""
    if not isinstance(view.table, str) or any(ch in view.table for ch in "*?"):
        return False
    import pyarrow.parquet as pq

    sources = f"{view.roles[owner].source},{view.roles[time].source}".encode()
    path = Path(view.table)
    return (
        path.is_file() and (pq.read_schema(path).metadata or {}).get(b"workbench.order") == sources
    )


def _in_file_order(sql):
    """Stream a query over one file with its rows in the order they stand there."""
    con = connection(keep_order=True).cursor()
    con.execute("SET TimeZone='UTC'")
    return con.sql(sql).to_arrow_reader(BATCH_ROWS)


def write_ordered(table, path, customer, time):
    """Write a table to Parquet by customer and time, marked so; see
    `workbench.engine.write_ordered`.
    """
    con = connection(keep_order=True).cursor()
    con.execute("SET TimeZone='UTC'")
    if isinstance(table, str):
        con.execute(f"CREATE OR REPLACE TEMP VIEW src AS SELECT * FROM {_reading(table)}")
    else:
        con.register(
            "src", table.to_arrow_table() if type(table).__name__ == "DuckDBPyRelation" else table
        )
    mark = f"KV_METADATA {{'workbench.order': {literal(customer + ',' + time)}}}"
    draft = path.with_name(path.name + ".tmp")
    con.execute(
        f"COPY (SELECT * FROM src WHERE {quote(customer)} IS NOT NULL AND {quote(time)} IS NOT NULL"
        f" ORDER BY {quote(customer)}, {quote(time)}) TO {literal(str(draft))} (FORMAT parquet,"
        f" COMPRESSION zstd, {mark})"
    )
    draft.replace(path)


def _reading(path):
    """Return the SQL that reads Parquet files; the names of folders are columns where they say so:
    `day=2024-01-01`.
    """
    hive = ", hive_partitioning=true" if "**" in path else ""
    return f"read_parquet({literal(path)}{hive})"


def select(sql, table):
    """Return the rows of a statement over one table, `src`, as a DataFrame."""
    return _in_pandas(_query(sql, {"src": table}))


def arrow(sql, table):
    """Return the rows of a statement over one table, `src`, as an Arrow table."""
    return _query(sql, {"src": table}).to_arrow_table()


def arrow_of(sql, tables):
    """Return the rows of a statement over several tables, each by its name, as an Arrow table."""
    return _query(sql, tables).to_arrow_table()


def memory():
    """Return the bytes that a table in memory may have at most."""
    number, unit = re.fullmatch(r"([\d.]+)\s*([KMGT]?)i?B", MEMORY.strip(), re.I).groups()
    return float(number) * 1000 ** " KMGT".index(unit.upper() or " ")


def _query(sql, tables, values=None):
    """Return a lazy relation over `sql`; a relation of the user's own connection stays on that
    connection.
    """
    import duckdb

    relations = [t for t in tables.values() if type(t).__name__ == "DuckDBPyRelation"]
    try:
        if relations and len(tables) == 1 and not values:
            name = next(iter(tables))
            return relations[0].query(name, sql)
        con = connection().cursor()
        con.execute("SET TimeZone='UTC'")
        for name, table in tables.items():
            if isinstance(table, str):
                text = f"SELECT * FROM {_reading(table)}"
                con.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {text}")
            else:
                con.register(name, table.to_arrow_table() if table in relations else table)
        return con.sql(sql, params=values) if values else con.sql(sql)
    except (
        duckdb.IOException,
        duckdb.InvalidInputException,
        duckdb.NotImplementedException,
    ) as error:
        raise InputError(
            "engine.error_unreadable",
            "table: cannot be read ({error})",
            error=first_line(error),
        ) from error
