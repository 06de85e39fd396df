"""Sources whose columns have types: Parquet, Arrow, DuckDB and SQLite."""

from workbench import engine
from workbench.engine.duck import literal, quote
from workbench.errors import InputError, first_line
from workbench.load.cells import Cells
from workbench.load.delimited import no_rows, single_names
from workbench.load.raw import ROW, Raw, columns_of

NUMBER = "file_row_number"  # what the engine calls the place of a row in its Parquet file


def parquet(workspace, path, _):
    """Return a Parquet file as a Raw table, read in place."""
    names = single_names(path, _names(path))
    workspace.distrust()
    source = f"read_parquet({literal(path)}, hive_partitioning=false)"
    if NUMBER in map(str.lower, names):
        return _copied(workspace, source, names, engine.simulated(path))
    rows = f"read_parquet({literal(path)}, {NUMBER}=true, hive_partitioning=false)"
    # The engine tells names apart that differ in case alone by changing them, in their order.
    shown = [(n, kind) for n, kind in workspace.types(rows) if n != NUMBER]
    kept = [(name, own, kind) for name, (own, kind) in zip(names, shown, strict=True)]
    return _view(workspace, rows, NUMBER, kept, engine.simulated(path))


def arrow(workspace, path, _):
    """Return a file of Arrow's own format as a Raw table, streamed into the engine."""
    import pyarrow as pa
    import pyarrow.feather as feather

    try:
        table = feather.read_table(path, memory_map=True)
        # Of a damaged file, lengths and places of values may lead anywhere.
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise InputError(
            "load.error_arrow",
            "{path}: not a whole Arrow file; it may have been cut off while copying ({error})",
            path=path,
            error=first_line(error),
        ) from None
    names = single_names(path, table.column_names)
    workspace.table_from("file_rows", table.rename_columns(list(columns_of(names).values())))
    kept = [
        (n, own, kind) for n, (own, kind) in zip(names, workspace.types("file_rows"), strict=True)
    ]
    return _view(workspace, "file_rows", "rowid", kept, engine.simulated(table))


def _copied(workspace, source, names, simulated):
    """Return rows that have no place of their own as a Raw table: a copy has one."""
    types = workspace.types(source)
    shown = ", ".join(f"{quote(own)} AS c{i}" for i, (own, _) in enumerate(types))
    workspace.run(f"CREATE OR REPLACE TEMP TABLE file_rows AS SELECT {shown} FROM {source}")
    kept = [
        (name, f"c{i}", kind) for i, (name, (_, kind)) in enumerate(zip(names, types, strict=True))
    ]
    return _view(workspace, "file_rows", "rowid", kept, simulated)


def database(workspace, path, options):
    """Return a table or query of a DuckDB or SQLite file as a Raw table."""
    query, table = options.get("query"), options.get("table")
    if not engine.is_sqlite(path):
        file, columns = engine.duckdb_to_parquet(path, query, table, workspace.folder)
        return answer(workspace, path, file, columns)
    names, rows = engine.sqlite_rows(path, query, table)
    cells = Cells(workspace, single_names(path, names))
    cells.take_rows(enumerate(rows, 1))
    if not cells.count:
        raise no_rows(path, names)
    return cells.raw()


def answer(workspace, path, file, columns):
    """Return the answer of a query, kept in Parquet under c0, c1, …, as a Raw table."""
    single_names(path, [name for name, _ in columns])
    kept = [(name, f"c{i}", kind) for i, (name, kind) in enumerate(columns)]
    rows = f"read_parquet({literal(file)}, file_row_number=true)"
    return _view(workspace, rows, "file_row_number", kept, False)


def _view(workspace, rows, number, kept, simulated):
    # Named index levels are columns; an unnamed one only numbers rows, and not always once.
    kept = [column for column in kept if not column[0].startswith("__index_level_")]
    kept = _flat(workspace, rows, [(name, quote(own), kind) for name, own, kind in kept])
    columns = columns_of(name for name, *_ in kept)
    shown = []
    for i, (_, column, kind) in enumerate(kept):
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


def _flat(workspace, rows, columns):
    """Return columns without fields of their own: these get dotted names, as those of JSON do."""
    names, found = {name for name, *_ in columns}, []
    for name, sql, kind in columns:
        if not kind.startswith("STRUCT(") or kind.endswith("]"):
            found.append((name, sql, kind))
            continue
        fields = workspace.types(f"(SELECT unnest({sql}) FROM {rows})")
        inner = [
            (f"{name}.{field}", f"struct_extract({sql}, {literal(field)})", of)
            for field, of in fields
            if f"{name}.{field}" not in names
        ]
        names |= {dotted for dotted, *_ in inner}
        found += _flat(workspace, rows, inner)
    return found


def is_nested(kind):
    """Say whether a type of the engine holds other values."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _names(path):
    """Return the names of a Parquet file's columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            "load.error_parquet",
            "{path}: not a whole Parquet file; it may have been cut off while copying ({error})",
            path=path,
            error=first_line(error),
        ) from None
