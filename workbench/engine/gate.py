"""The gate in front of every public function that takes a table: any kind in, one kind behind it.

`tables` leaves a table where it is and makes it readable for the engine, once; `frames` brings it
into pandas, with the plain types that pandas has had from the beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from workbench.engine import duck
from workbench.engine.ids import written
from workbench.engine.marks import SAID, attributes, simulated
from workbench.errors import InputError
from workbench.notes import Note

# A function as it was: what stands in front of it takes and gives the same.
Function = TypeVar("Function", bound=Callable[..., Any])
LOG = logging.getLogger("workbench")
TABLES = (
    *("DataFrame", "LazyFrame", "Table", "RecordBatch", "RecordBatchReader"),
    "DuckDBPyRelation",
)
MANY = 1_000_000  # rows of which it is said aloud that they are fetched


def tables(
    *names: str, optional: Sequence[str] = (), unless: Sequence[type | str] = ()
) -> Callable[[Function], Function]:
    """Make a function take any kind of table in the parameters named; those of `optional` may be
    something else, which is handed on, and so is what has a type named in `unless`.
    """
    return _gate(names, optional, given, unless)


def frames(
    *names: str,
    optional: Sequence[str] = (),
    kept: bool = False,
    near: Mapping[str, Any] | None = None,
) -> Callable[[Function], Function]:
    """Make a function take any kind of table in the parameters named, and hand it pandas.

    In columns of words "" is missing, ids are whole numbers or text as they are written, and rows
    of one label get labels of their own; with `kept` every value stays as it came, for a function
    that returns the user's own rows. `near` says of which parameters only some rows are needed, by
    a `Near` each: they are found where the table lies.
    """

    def convert(table):
        return frame(table) if kept else _labelled(cleaned(frame(table)))

    return _gate(names, optional, convert, near=near or {})


def _gate(names, optional, convert, unless=(), near=()):
    def decorate(function):
        parameters = signature(function)

        def needs(name):
            return parameters.parameters[name].default is not None

        @wraps(function)
        def gated(*args, **options):
            try:
                bound = parameters.bind(*args, **options)
            except TypeError:
                # Python says best which argument is missing or unknown.
                return function(*args, **options)
            taken = {}
            # What lies near another table is found when that one is known.
            for name in sorted(bound.arguments, key=lambda name: name in near):
                value = bound.arguments[name]
                if type(value).__name__ in unless:
                    continue
                if name in names and (value is not None or needs(name)):
                    value = _table(value, f"{function.__name__}, {name}")
                elif name not in optional or not is_table(value):
                    continue
                if name in near:
                    value = _lying_near(near[name], value, parameters, bound, taken)
                taken[name] = convert(value)
            bound.arguments.update(taken if convert is given else agreeing(taken))
            return function(*bound.args, **bound.kwargs)

        gated.takes = (*getattr(function, "takes", ()), *names, *optional)
        held = () if convert is given else tuple(n for n in (*names, *optional) if n not in near)
        gated.held = (*getattr(function, "held", ()), *held)
        gated.near = (*getattr(function, "near", ()), *near)
        gated.needs = (*getattr(function, "needs", ()), *names)
        return gated

    return decorate


def _lying_near(near, table, parameters, bound, taken):
    """Return the rows of a table that a function needs, found where the table lies; the table
    itself where it is in pandas, or in Spark.
    """
    import pandas as pd

    if isinstance(table, pd.DataFrame) or type(table).__module__.startswith("pyspark."):
        return table
    table = given(table)
    defaults = {name: p.default for name, p in parameters.parameters.items()}
    found = near.rows(table, {**defaults, **bound.arguments, **taken})
    return found.replace_schema_metadata(SAID) if simulated(table) else found


def _table(value, where):
    """Return a value that is a table, or the path of one; refuse any other."""
    if isinstance(value, (str, PathLike)) or is_table(value):
        return value
    raise InputError(
        "engine.error_no_table",
        "{where}: a table is needed, found {found}; pass a pandas, polars or Arrow table, a "
        "Parquet path, a DuckDB relation or a Spark DataFrame",
        where=where,
        found=type(value).__name__,
    )


def agreeing(tables):
    """Return tables in which ids of one name match as they are written (where one table holds whole
    numbers and another text, all hold text), and all moments have a zone where some have.
    """
    import pandas as pd

    made = {name: table for name, table in tables.items() if isinstance(table, pd.DataFrame)}
    if len(made) < 2:
        return tables
    if any(len(table.select_dtypes("datetimetz").columns) for table in made.values()):
        made = {name: _in_utc(table) for name, table in made.items()}
    for column in _shared_ids(made.values()):
        holds = {name: table for name, table in made.items() if column in table.columns}
        if len({_is_text(table[column]) for table in holds.values()}) > 1:
            made |= {name: _put(t, {column: written(t[column])}) for name, t in holds.items()}
    return {**tables, **made}


def _shared_ids(frames):
    """Return the names of the columns of ids in any of the tables."""
    return sorted({str(c) for table in frames for c in table.columns if _is_id_name(c)})


def _put(table, columns):
    """Return a table with other columns, what stands beside it kept."""
    made = table.assign(**columns)
    made.attrs = dict(table.attrs)
    return made


def _in_utc(table):
    """Return a table whose moments without a zone are taken as UTC."""
    naive = table.select_dtypes("datetime").columns
    if not len(naive):
        return table
    return _put(table, {c: table[c].dt.tz_localize("UTC") for c in naive})


def _is_text(column):
    """Whether a column of ids is text; None where it holds none at all."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "moments"
    first = next((v for v in column if v is not None and v == v), None)
    return isinstance(first, str)


def is_table(value):
    """Say whether a value is a table of a kind the engine takes, or a path to one."""
    if isinstance(value, (str, PathLike)):
        if str(value).lower().endswith((".parquet", ".pq")):
            return True
        # A word that happens to be the name of a folder is no table.
        return (isinstance(value, PathLike) or "/" in value) and Path(value).is_dir()
    if type(value).__module__.startswith("pyspark."):
        return type(value).__name__ == "DataFrame"
    return duck.library(value, TABLES) is not None


def given(table):
    """Return a table as the engine reads it, where it is: a reader is read once, a lazy table
    collected once, columns of odd types made readable.
    """
    if type(table).__module__.startswith("pyspark."):
        return table
    if type(table).__name__ == "LazyFrame" and simulated(table):
        return table.collect().to_arrow().replace_schema_metadata(SAID)
    return duck.prepare(table)


def frame(table):
    """Bring a table of any kind into pandas, its columns of plain types: numbers, text, moments.

    What is not in memory yet says its size before it is fetched.

    Parameters
    ----------
    table : pandas, polars or Arrow table, Parquet path, DuckDB relation or Spark DataFrame

    Returns
    -------
    DataFrame
        The table itself where it is one already.

    Raises
    ------
    InputError
        For what is no table, and for one too large to hold in memory.
    """
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return duck.by_column(table, _plain_column)
    table = given(table)
    beside = attributes(table)
    if hasattr(table, "to_arrow") and not hasattr(table, "to_arrow_table"):
        arrow = table.to_arrow()  # polars
    elif hasattr(table, "column_names") and hasattr(table, "schema"):
        arrow = table
    else:
        arrow = _fetched(table)
    made = duck.by_column(_from_arrow(arrow), _plain_column)
    made.attrs.update(beside)
    return made


def _fetched(table):
    """Fetch a table into Arrow, its size said before; refuse one that memory cannot hold."""
    if type(table).__module__.startswith("pyspark."):
        types, rows = dict(table.dtypes), table.count()
    else:
        types = duck.types(table)
        rows = int(duck.select("SELECT count(*) AS n FROM src", table)["n"].iloc[0])
    size = rows * sum(
        40 if kind.lower().startswith(("varchar", "string")) else 8 for kind in types.values()
    )
    values = {"rows": rows, "columns": len(types), "megabytes": round(size / 1e6)}
    if size > duck.memory():
        raise InputError(
            "engine.error_too_large",
            "table: {rows} rows of {columns} columns, about {megabytes} MB, are too many to hold "
            "in memory, where this function needs them; hand in only the rows and columns it "
            "uses, or set WORKBENCH_MEMORY",
            **values,
        )
    note = Note(
        "engine.fetched",
        "{rows} rows of {columns} columns, about {megabytes} MB, are brought into memory.",
        **values,
    )
    LOG.log(logging.WARNING if rows > MANY else logging.INFO, "%s", note)
    if type(table).__module__.startswith("pyspark."):
        return table.toArrow()
    return duck.arrow("SELECT * FROM src", table)


def _from_arrow(table):
    """Turn an Arrow table into pandas by the types pandas has had from the beginning."""
    import pyarrow as pa

    types = pa.types
    for i, field in enumerate(table.schema):
        kind = field.type
        if types.is_dictionary(kind):
            table = table.set_column(i, field.name, table.column(i).cast(kind.value_type))
        elif types.is_date(kind):
            table = table.set_column(i, field.name, table.column(i).cast(pa.timestamp("us")))
    return table.replace_schema_metadata(None).to_pandas()


def _plain_column(column):
    """Return one column in a plain type; itself where it has one."""
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.ArrowDtype):
        return _plain_column(_from_arrow_column(column))
    if isinstance(kind, pd.StringDtype):
        return column if kind == "str" else column.astype("str")
    if isinstance(kind, pd.CategoricalDtype):
        return _plain_column(_values(column, kind.categories.dtype))
    if isinstance(kind, pd.SparseDtype):
        return column.sparse.to_dense()
    if isinstance(kind, pd.PeriodDtype):
        return column.dt.to_timestamp()
    if isinstance(kind, pd.IntervalDtype):
        return column.astype("str")
    if hasattr(kind, "numpy_dtype"):
        return _values(column, kind.numpy_dtype)
    if not pd.api.types.is_object_dtype(kind):
        return column
    inferred = pd.api.types.infer_dtype(column)
    if inferred == "date":
        return pd.to_datetime(column)
    return column.astype(float) if inferred == "decimal" and not _is_id(column) else column


def _values(column, kind):
    """Return a column as values of a NumPy type, of the next wider one where some are missing."""
    import pandas as pd

    if column.notna().all() or kind.kind not in "iub":
        return column.astype(kind)
    if pd.api.types.is_bool_dtype(kind):
        return column.astype(object).where(column.notna(), None)
    return column.astype(float)


def _from_arrow_column(column):
    """Return a pandas column that Arrow holds as one that pandas holds."""
    import pyarrow as pa

    made = _from_arrow(pa.table({"x": pa.chunked_array([pa.array(column.array)])}))["x"]
    return made.set_axis(column.index).rename(column.name)


def _is_id(column):
    return _is_id_name(column.name)


def _is_id_name(name):
    return str(name).endswith("_id")


def cleaned(table):
    """Return a plain table whose empty words are missing, whose ids are whole numbers, or text as
    they are written, and whose moments are microseconds, in UTC where they have a zone; itself
    where that is so.
    """
    import pandas as pd

    changed = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column, pd.DataFrame):
            continue
        made = _ids(column) if _is_id(column) else _typed_objects(_words(_moments(column)))
        if made is not column:
            changed[name] = made
    if not changed:
        return table
    return _put(table, changed) if all(isinstance(n, str) for n in changed) else table


def _labelled(table):
    """Return a table whose rows have labels of their own; itself where they have."""
    return table if table.index.is_unique else table.reset_index(drop=True)


def _moments(column):
    """Return moments with a zone in UTC, all in microseconds."""
    import pandas as pd

    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if getattr(column.dtype, "tz", None) is not None and str(column.dtype.tz) != "UTC":
        column = column.dt.tz_convert("UTC")
    return column if column.dt.unit == "us" else column.dt.as_unit("us")


def _typed_objects(column):
    """Return objects that are moments or numbers, but for those that are missing, as such."""
    import pandas as pd

    if not pd.api.types.is_object_dtype(column.dtype):
        return column
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in ("integer", "floating", "mixed-integer-float"):
        return column.astype(float)
    if inferred not in ("datetime", "datetime64"):
        return column
    try:
        return _moments(pd.to_datetime(column))
    except ValueError:
        # Some with a zone and some without.
        return column


def _words(column):
    """Return a column in which no text is empty."""
    import pandas as pd

    if not (isinstance(column.dtype, pd.StringDtype) or pd.api.types.is_object_dtype(column.dtype)):
        return column
    empty = (column == "").fillna(False).astype(bool)
    return column.where(~empty, None) if empty.any() else column


def _ids(column):
    """Return ids as whole numbers where all are, else as text."""
    import numpy as np
    import pandas as pd

    kind = column.dtype
    if pd.api.types.is_integer_dtype(kind) or pd.api.types.is_bool_dtype(kind):
        return column
    if isinstance(kind, pd.StringDtype):
        return _words(column)
    if isinstance(kind, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_any_dtype(kind):
        return column
    text = written(column)
    numbers = pd.api.types.is_float_dtype(kind) or (
        pd.api.types.infer_dtype(column)
        in ("decimal", "integer", "mixed-integer-float", "floating")
    )
    if not numbers:
        return text if not _same(text, column) else column
    if not text.dropna().str.fullmatch(r"-?[0-9]{1,18}").all():
        return text
    if text.notna().all():
        return text.astype(np.int64)
    return text.map(int, na_action="ignore")


def _same(text, column):
    """Whether the ids are written so already."""
    return bool(((text == column) | (text.isna() & column.isna())).all())
