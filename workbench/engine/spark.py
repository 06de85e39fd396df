"""Spark: the same SQL texts and the same kernels, where the data already live there."""

import os
import sys
from contextlib import contextmanager
from uuid import uuid4

import numpy as np

from workbench.engine.batches import cut, empty, to_numpy, with_views
from workbench.engine.ids import coded_words

EPOCH = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"
_TYPES = {"i": "bigint", "u": "bigint", "f": "double", "b": "boolean", "O": "string"}


def quote(name):
    """Quote an identifier."""
    return "`" + str(name).replace("`", "``") + "`"


def literal(value):
    """Write a constant: a number, or text with quotes and backslashes escaped."""
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def types(table):
    """Return the column types of a table, by name."""
    return dict(table.dtypes)


INTEGERS = ("tinyint", "smallint", "int", "bigint")


def is_time(kind):
    """Say whether a column type is a date or a timestamp."""
    return kind in ("date", "timestamp", "timestamp_ntz")


def is_number(kind):
    """Say whether a column type is a number but no plain integer."""
    return kind.startswith(("float", "double", "decimal"))


def is_opaque(kind):
    """Say whether values of a column type cannot be ids or words."""
    return kind.startswith(("binary", "struct", "map", "array", "variant"))


def whole_numbers(column):
    """Return the SQL that says whether every number of a column is an integer the engine holds."""
    return f"bool_and({_is_whole(column)}) FILTER (WHERE {_finite(column)})"


def _finite(column):
    number = f"CAST({column} AS DOUBLE)"
    return f"(NOT isnan({number}) AND abs({number}) < CAST('Infinity' AS DOUBLE))"


def _is_whole(column):
    return f"abs({column}) < 9007199254740992 AND {column} = floor({column})"


def written_as(column, kind):
    """Return the SQL for how an id or a word is written; NULL where it is missing."""
    if not is_number(kind):
        return f"nullif(CAST({column} AS STRING), '')"
    whole = f"CAST(CAST({column} AS BIGINT) AS STRING)"
    return (
        f"CASE WHEN NOT {_finite(column)} THEN NULL WHEN {_is_whole(column)} THEN {whole}"
        f" ELSE CAST({column} AS STRING) END"
    )


def there(column, kind):
    """Return the SQL that says whether an id, a word or a moment is there."""
    if kind == "string":
        return f"({column} IS NOT NULL AND {column} <> '')"
    if kind in ("float", "double"):
        return f"({column} IS NOT NULL AND {_finite(column)})"
    return f"{column} IS NOT NULL"


def expression(role, column, kind, zone):
    """Return the SQL that turns a source column into its canonical form."""
    if role.kind == "key":
        if kind in INTEGERS or role.whole:
            return f"CAST({column} AS BIGINT)"
        return written_as(column, kind)
    if role.kind == "micros":
        return _micros(column, kind)
    if role.kind == "day":
        naive = (
            f"timestampadd(MICROSECOND, unix_micros({column}), {EPOCH})"
            if kind == "timestamp"
            else column
        )
        local = column if kind == "date" else f"convert_timezone('UTC', {literal(zone)}, {naive})"
        return f"unix_date(CAST({local} AS DATE))"
    if role.kind == "code":
        whens = " ".join(f"WHEN {w} THEN {i}" for i, w in coded_words(role.words, kind, literal))
        return (
            f"CAST(CASE {column} {whens or 'WHEN NULL THEN 0'} ELSE {len(role.words)} END AS INT)"
        )
    if role.kind == "whole":
        return f"CAST({column} AS BIGINT)"
    if role.kind == "real":
        number = f"CAST({column} AS DOUBLE)"
        return f"CASE WHEN {_finite(column)} THEN {number} END"
    return column


def _micros(column, kind):
    if kind == "timestamp":
        return f"unix_micros({column})"
    # From its parts: Spark's own difference of two zone-free times goes through the session's
    # zone.
    days = f"CAST(unix_date(CAST({column} AS DATE)) AS BIGINT) * 86400000000"
    if kind == "date":
        return days
    clock = f"hour({column}) * 3600 + minute({column}) * 60"
    return f"{days} + CAST(({clock} + extract(SECOND FROM {column})) * 1000000 AS BIGINT)"


def run(sql, views, values):
    """Run portable SQL over views and return a DataFrame."""
    session = next(iter(views.values())).table.sparkSession
    with _named({n: v.table for n, v in views.items()}) as sources:
        return (
            session.sql(with_views(sql, views, sources), args=values or None).toArrow().to_pandas()
        )


def ordered(view, kernel, by, then, descending):
    """Feed the kernel whole customers in order, on the workers; see `engine.map_ordered`."""
    import pandas as pd
    import pyarrow as pa

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with _named({"src": view.table}) as sources:
        rows = view.table.sparkSession.sql(view.sql(sources["src"]))
    sample = pd.DataFrame(kernel(empty(view.roles, by)))
    if by[0] in sample and rows.schema[by[0]].dataType.typeName() == "string":
        sample[by[0]] = sample[by[0]].astype(object)
    schema = ", ".join(f"`{n}` {_TYPES[sample[n].dtype.kind]}" for n in sample)
    types = pa.schema(
        [
            (
                n,
                {
                    "bigint": pa.int64(),
                    "double": pa.float64(),
                    "boolean": pa.bool_(),
                    "string": pa.string(),
                }[_TYPES[sample[n].dtype.kind]],
            )
            for n in sample
        ]
    )

    def walk(incoming):
        chunks = (
            {n: to_numpy(c) for n, c in zip(b.schema.names, b.columns, strict=True)}
            for b in incoming
        )
        for batch in cut(chunks, by):
            part = kernel(batch)
            yield pa.RecordBatch.from_arrays(
                [pa.array(np.asarray(part[f.name]), f.type) for f in types], schema=types
            )

    keys = [rows[c].desc() if c in descending else rows[c].asc() for c in (*by, *then)]
    walked = rows.repartition(rows[by[0]]).sortWithinPartitions(*keys).mapInArrow(walk, schema)
    return walked.toArrow().to_pandas()


@contextmanager
def _named(tables):
    """Give tables names of their own for the length of a statement."""
    names = {n: f"_wb_{n}_{uuid4().hex}" for n in tables}
    session = next(iter(tables.values())).sparkSession
    for n, table in tables.items():
        table.createOrReplaceTempView(names[n])
    try:
        yield names
    finally:
        for name in names.values():
            session.catalog.dropTempView(name)
