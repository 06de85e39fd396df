"""Spark: the same SQL texts and the same kernels, where the data already live there."""

import os
import sys
from contextlib import contextmanager
from uuid import uuid4

import numpy as np

from workbench.engine.batches import cut, empty, to_numpy, with_views

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


def is_time(kind):
    """Say whether a column type is a date or a timestamp."""
    return kind in ("date", "timestamp", "timestamp_ntz")


def expression(role, column, kind, zone):
    """Return the SQL that turns a source column into its canonical form."""
    if role.kind == "key":
        integer = kind in ("tinyint", "smallint", "int", "bigint")
        return f"CAST({column} AS BIGINT)" if integer else f"CAST({column} AS STRING)"
    if role.kind == "micros":
        if kind == "timestamp":
            return f"unix_micros({column})"
        # From its parts: Spark's own difference of two zone-free times goes through the session's
        # zone.
        days = f"CAST(unix_date(CAST({column} AS DATE)) AS BIGINT) * 86400000000"
        if kind == "date":
            return days
        clock = f"hour({column}) * 3600 + minute({column}) * 60"
        return f"{days} + CAST(({clock} + extract(SECOND FROM {column})) * 1000000 AS BIGINT)"
    if role.kind == "day":
        naive = (
            f"timestampadd(MICROSECOND, unix_micros({column}), {EPOCH})"
            if kind == "timestamp"
            else column
        )
        local = column if kind == "date" else f"convert_timezone('UTC', {literal(zone)}, {naive})"
        return f"unix_date(CAST({local} AS DATE))"
    if role.kind == "code":
        cases = " ".join(f"WHEN {literal(w)} THEN {i}" for i, w in enumerate(role.words))
        return f"CAST(CASE {column} {cases} ELSE {len(role.words)} END AS INT)"
    if role.kind == "whole":
        return f"CAST({column} AS BIGINT)"
    if role.kind == "real":
        number = f"CAST({column} AS DOUBLE)"
        return (
            f"CASE WHEN isnan({number}) OR abs({number}) = CAST('Infinity' AS DOUBLE) THEN NULL"
            f" ELSE {number} END"
        )
    return column


def run(sql, views, values):
    """Run portable SQL over views and return a DataFrame."""
    session = next(iter(views.values())).table.sparkSession
    with _named({n: v.table for n, v in views.items()}) as sources:
        return (
            session.sql(with_views(sql, views, sources), args=values or None).toArrow().to_pandas()
        )


def ordered(view, kernel, by, then, descending):
    """Feed the kernel whole customers in order, on the workers; see `workbench.engine.ordered`."""
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
