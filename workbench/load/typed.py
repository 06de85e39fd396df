"""Sources whose columns have types: Parquet, one file or a folder of parts, DuckDB and SQLite."""

from workbench import engine
from workbench.errors import InputError
from workbench.load.cells import Cells
from workbench.load.delimited import doubled_columns
from workbench.load.raw import ROW, Raw, columns_of


def parquet(workspace, path, options):
    """Return a Parquet file as a Raw table, read in place."""
    schema, simulated = _schema(path)
    doubled = sorted({n for n in schema if schema.count(n) > 1})
    if doubled:
        raise doubled_columns(path, doubled)
    rows = f"read_parquet({literal(path)}, file_row_number=true, hive_partitioning=false)"
    shown = [(n, kind) for n, kind in workspace.types(rows) if n != "file_row_number"]
    # The engine tells names apart that differ in case alone by changing them, in their order.
    # Named index levels are columns; an unnamed one only numbers rows, and not always once.
    kept = [
        (name, own, kind)
        for name, (own, kind) in zip(schema, shown, strict=True)
        if not name.startswith("__index_level_")
    ]
    return _view(workspace, rows, "file_row_number", kept, simulated)


def arrow(workspace, path, options):
    """Return a file of Arrow's own format as a Raw table, streamed into the engine."""
    import pyarrow as pa
    import pyarrow.feather as feather

    try:
        table = feather.read_table(path, memory_map=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            "load.error_arrow",
            "{path}: not a whole Arrow file; it may have been cut off while copying ({error})",
            path=path,
            error=str(error).splitlines()[0],
        ) from None
    names = table.column_names
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise doubled_columns(path, doubled)
    workspace.table_from("file_rows", table)
    kept = [
        (name, own, kind)
        for name, (own, kind) in zip(names, workspace.types("file_rows"), strict=True)
        if not name.startswith("__index_level_")
    ]
    return _view(workspace, "file_rows", "rowid", kept, False)


def parts(workspace, paths, partitions):
    """Return several Parquet files as one Raw table; names of folders like day=3 are columns."""
    listed = ", ".join(map(literal, paths))
    hive = "true" if partitions else "false"
    source = f"read_parquet([{listed}], union_by_name=true, hive_partitioning={hive})"
    kinds = workspace.types(source)
    workspace.run(f"CREATE OR REPLACE TEMP TABLE file_rows AS SELECT * FROM {source}")
    kept = [(n, n, kind) for n, kind in kinds if not n.startswith("__index_level_")]
    return _view(workspace, "file_rows", "rowid", kept, False)


def database(workspace, path, options):
    """Return a table or query of a DuckDB or SQLite file as a Raw table."""
    query, table = options.get("query"), options.get("table")
    if not engine.is_sqlite(path):
        file, columns = engine.duckdb_to_parquet(path, query, table, workspace.folder)
        return answer(workspace, path, file, columns)
    names, rows = engine.sqlite_rows(path, query, table)
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise doubled_columns(path, doubled)
    cells = Cells(workspace, names)
    cells.take_rows(enumerate(rows, 1))
    if not cells.count:
        from workbench.load.delimited import no_rows

        raise no_rows(path, names)
    return cells.raw()


def answer(workspace, path, file, columns):
    """Return the answer of a query, kept in Parquet under c0, c1, …, as a Raw table."""
    names = [name for name, _ in columns]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise doubled_columns(path, doubled)
    kept = [(name, f"c{i}", kind) for i, (name, kind) in enumerate(columns)]
    rows = f"read_parquet({literal(file)}, file_row_number=true)"
    return _view(workspace, rows, "file_row_number", kept, False)


def literal(path):
    """Write a path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"


def _view(workspace, rows, number, kept, simulated):
    columns = columns_of(name for name, *_ in kept)
    shown = []
    for i, (_, own, kind) in enumerate(kept):
        column = '"' + own.replace('"', '""') + '"'
        cast = kind in ("HUGEINT", "UHUGEINT")
        shown.append(f"CAST({column} AS {kind}) AS c{i}" if cast else f"{column} AS c{i}")
    listed = "".join(f", {s}" for s in shown)
    workspace.run(
        f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {number} AS {ROW}{listed} FROM {rows}"
    )
    types = {name: kind for name, _, kind in kept}
    nested = [n for n, kind in types.items() if is_nested(kind)]
    raw = Raw(
        workspace,
        "raw",
        columns,
        types,
        rows=workspace.one(f"SELECT count(*) FROM {rows}"),
        simulated=simulated,
    )
    if nested:
        raw.notes["left out (nested)"] = ", ".join(nested)
    return raw


def is_nested(kind):
    """Say whether a type of the engine holds other values."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _schema(path):
    """Return the names of a Parquet file's columns, and whether it says its data are simulated."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            "load.error_parquet",
            "{path}: not a whole Parquet file; it may have been cut off while copying ({error})",
            path=path,
            error=str(error).splitlines()[0],
        ) from None
    kept = schema.metadata or {}
    marked = kept.get(b"workbench.simulated") == b"true"
    try:
        attributes = json.loads(kept.get(b"pandas", b"{}")).get("attributes") or {}
    except ValueError:
        attributes = {}
    return schema.names, marked or bool(attributes.get("simulated"))
