"""What is written beside the columns of a table: that it is simulated, what pandas knew of it."""

import glob
import json
import re
from os import PathLike
from pathlib import Path
from urllib.parse import unquote, urlsplit

MARK = b'"simulated": true'
SAID = {b"workbench": b'{"simulated": true}'}
# How a DuckDB relation and a polars query name the Parquet files they read.
_READS = re.compile(r"'([^']+\.(?:parquet|pq))'|Parquet SCAN \[([^\],]+)")


def simulated(table):
    """Say whether a table, or the Parquet file it comes from, is marked as simulated."""
    attrs = getattr(table, "attrs", None)
    if isinstance(attrs, dict):
        return bool(attrs.get("simulated"))
    return any(MARK in value for value in _beside(table).values())


def attributes(table):
    """Return the attributes that stand beside a table which is none of pandas."""
    beside = _beside(table)
    kept = json.loads(beside.get(b"pandas", b"{}")).get("attributes") or {}
    return {**kept, "simulated": True} if any(MARK in v for v in beside.values()) else kept


def _beside(table):
    """Return the notes in the schema of an Arrow table, or of the first file it is read from."""
    if type(table).__module__.startswith("pyarrow"):
        return getattr(table.schema, "metadata", None) or {}
    for path in _files(table):
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_schema(path).metadata or {}
        except (OSError, pa.ArrowInvalid):
            return {}
    return {}


def _files(table):
    """Return the Parquet files a table is read from, as far as it tells."""
    if isinstance(table, (str, PathLike)):
        return _of_path(str(table))
    kind = type(table).__name__
    if type(table).__module__.startswith("pyspark."):
        return [unquote(urlsplit(name).path) for name in table.inputFiles()]
    if kind == "DuckDBPyRelation":
        said = table.sql_query()
    elif kind == "LazyFrame":
        said = table.explain()
    else:
        return []
    return [file for names in _READS.findall(said) for file in _of_path("".join(names))]


def _of_path(text):
    if any(ch in text for ch in "*?["):
        return sorted(glob.glob(text, recursive=True))
    path = Path(text)
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    return [path] if path.suffix.lower() in (".parquet", ".pq") and path.is_file() else []
