"""Several files as one table: joined by their keys, or by one query that reads nothing else."""

from dataclasses import dataclass
from pathlib import Path

from workbench import engine, project
from workbench.engine.duck import literal
from workbench.errors import InputError, unknown
from workbench.load import files, typed
from workbench.load.expressions import Expressions
from workbench.load.raw import ROW, Raw, keep_unreadable
from workbench.notes import Note

_UNMATCHED = Note(
    "load.join_unmatched",
    "Rows of '{base}' without a row in '{file}': {n}.",
    n=0,
    base="",
    file="",
)
_SEVERAL = Note(
    "load.join_several",
    "Rows of '{base}' that have several rows in '{file}', and stand in the table as often: {n}.",
    n=0,
    base="",
    file="",
)
_UNUSED = Note(
    "load.join_unused",
    "Rows of '{file}' that belong to no row of '{base}', and are not in the table: {n}.",
    n=0,
    base="",
    file="",
)


@dataclass
class _Part:
    """One file, kept in Parquet with the engine's columns."""

    name: str
    path: Path
    raw: Raw
    unreadable: list


def paths(mapping, folder):
    """Return the path of every file a mapping names, by its name.

    Relative paths are taken from the folder of the file that was named, else from the project.
    """
    told = mapping["files"].items()
    return {n: _path(f if isinstance(f, str) else f["path"], folder) for n, f in told}


def read(workspace, mapping, found):
    """Return the files a mapping names, at the paths that were found, as one Raw table."""
    parts = []
    for name, told in mapping["files"].items():
        options = {} if isinstance(told, str) else told.get("read") or {}
        parts.append(_part(workspace, name, found[name], options))
    if mapping.get("query"):
        return _queried(workspace, parts, mapping["query"])
    return _joined(workspace, parts, mapping.get("join") or [])


def _path(name, folder):
    path = Path(name).expanduser()
    if path.is_absolute():
        return path
    if folder is not None and (folder / path).exists():
        return folder / path
    return project.path(path)


def _part(workspace, name, path, options):
    """Read one file in a workspace of its own and keep its rows as they are."""
    target = workspace.folder / f"part-{len(list(workspace.folder.glob('part-*')))}.parquet"
    with engine.open_workspace() as own:
        raw = files.read(own, path, options)
        columns = [*raw.columns.values(), *raw.kinds.values()]
        shown = ", ".join(f"CAST({c} AS VARCHAR) AS {c}" if c in _huge(raw) else c for c in columns)
        own.write_parquet(
            f"SELECT {raw.line} AS line, {shown} FROM {raw.relation} r {raw.lines_from} "
            f"ORDER BY r.{ROW}",
            target,
        )
        bad = own.rows("SELECT line, text, reason FROM unreadable") if raw.unreadable else []
    return _Part(name, target, raw, [(line, text, reason) for line, text, reason in bad])


def _huge(raw):
    return [own for name, own in raw.columns.items() if raw.types[name] in ("HUGEINT", "UHUGEINT")]


def _finish(workspace, raw, parts):
    bad = [line for part in parts for line in part.unreadable]
    raw.unreadable = keep_unreadable(workspace, bad)
    raw.rows += raw.unreadable
    raw.noticed = [note for part in parts for note in part.raw.noticed] + raw.noticed
    raw.notes = {
        f"{part.name}: {what}": value for part in parts for what, value in part.raw.notes.items()
    }
    raw.simulated = any(part.raw.simulated for part in parts)
    return raw


def _queried(workspace, parts, query):
    """Return what one query over the files gives; it can read nothing else."""
    known = {part.name: (part.path, _shown(part)) for part in parts}
    target, columns = engine.query_files(known, query, workspace.folder)
    raw = typed.answer(workspace, "mapping, query", target, columns)
    # Text of a file stays text after a query, and is read by the rules for text.
    return _finish(workspace, raw, parts)


def _shown(part):
    return {
        name: f"CAST({own} AS {part.raw.types[name]})" if own in _huge(part.raw) else own
        for name, own in part.raw.columns.items()
    }


def _joined(workspace, parts, joins):
    """Return the first file with the rows of the others that belong to each of its rows."""
    base, rest = parts[0], {part.name: part for part in parts[1:]}
    names = [part.name for part in parts]
    if len(parts) > 1 and not joins:
        raise InputError(
            "load.error_no_join",
            "mapping, files: {names:text} are several; say how they belong together with `join:` "
            "or with one `query:`",
            names=names,
        )
    columns, types, kinds, shown = {}, {}, {}, [f"b.file_row_number AS {ROW}, b.line AS line"]
    _take(base, "b", columns, types, kinds, shown, names)
    sources = [f"read_parquet({literal(base.path)}, file_row_number=true) b"]
    where, notes = [], []
    for i, join in enumerate(joins):
        part, alias = rest[join["file"]], f"j{i}"
        keys = join["on"] if isinstance(join["on"], list) else [join["on"]]
        on = " AND ".join(
            f"({_key(columns, types, kinds, base, parts, key, alias)}) = "
            f"({_own_key(part, key, alias)})"
            for key in keys
        )
        sources.append(f"LEFT JOIN read_parquet({literal(part.path)}) {alias} ON {on}")
        if join.get("how") == "inner":
            where.append((f"{alias}.line IS NULL", part.name))
        notes += _counts(workspace, base, part, sources, alias)
        _take(part, alias, columns, types, kinds, shown, names)
    missing = "".join(f", {sql} AS m{i}" for i, (sql, _) in enumerate(where))
    workspace.run(
        f"CREATE OR REPLACE TEMP TABLE file_rows AS SELECT {', '.join(shown)}{missing} "
        f"FROM {' '.join(sources)} ORDER BY {ROW}"
    )
    workspace.run(
        f"CREATE OR REPLACE TEMP VIEW raw AS "
        f"SELECT rowid AS {ROW}, * EXCLUDE ({ROW}) FROM file_rows"
    )
    raw = Raw(
        workspace,
        "raw",
        columns,
        types,
        kinds,
        text=base.raw.text,
        rows=workspace.one("SELECT count(*) FROM file_rows"),
        line="r.line",
        noticed=notes,
        unmatched=[(f"m{i}", f"{name}: no row belongs to it") for i, (_, name) in enumerate(where)],
    )
    return _finish(workspace, raw, parts)


def _take(part, alias, columns, types, kinds, shown, names):
    """Add the columns of a file, by their own name where it is free and as file.column always."""
    for name, own in part.raw.columns.items():
        made = f"{alias}_{own}"
        kind = part.raw.types[name]
        cast = f"CAST({alias}.{own} AS {kind})" if own in _huge(part.raw) else f"{alias}.{own}"
        shown.append(f"{cast} AS {made}")
        for key in (name, f"{part.name}.{name}"):
            if key not in columns:
                columns[key], types[key] = made, kind
        if name in part.raw.kinds:
            shown.append(f"{alias}.{part.raw.kinds[name]} AS {alias}_{part.raw.kinds[name]}")
            for key in (name, f"{part.name}.{name}"):
                if columns.get(key) == made:
                    kinds[key] = f"{alias}_{part.raw.kinds[name]}"


def _key(columns, types, kinds, base, parts, name, alias):
    """Return the SQL of a key in what was joined so far, as text."""
    if name not in columns:
        raise unknown("mapping, join", "column", name, columns)
    side, _, own = columns[name].partition("_")
    raw = Raw(None, "", {name: f"{side}.{own}"}, {name: types[name]}, _cells(kinds, name))
    return Expressions(raw, "mapping, join").words(name).sql


def _cells(kinds, name):
    if name not in kinds:
        return {}
    side, _, own = kinds[name].partition("_")
    return {name: f"{side}.{own}"}


def _own_key(part, name, alias):
    if name not in part.raw.columns:
        raise unknown(f"mapping, join, {part.name}", "column", name, part.raw.columns)
    kinds = {name: f"{alias}.{part.raw.kinds[name]}"} if name in part.raw.kinds else {}
    columns = {name: f"{alias}.{part.raw.columns[name]}"}
    raw = Raw(None, "", columns, {name: part.raw.types[name]}, kinds)
    return Expressions(raw, "mapping, join").words(name).sql


def _counts(workspace, base, part, sources, alias):
    """Say how many rows found no partner, several, or are not used."""
    joined = " ".join(sources)
    without, several = workspace.row(
        f"""SELECT count(*) FILTER (n = 0), count(*) FILTER (n > 1) FROM (
          SELECT count({alias}.line) AS n FROM {joined} GROUP BY b.file_row_number)"""
    )
    used, rows = workspace.row(
        f"SELECT (SELECT count(DISTINCT {alias}.line) FROM {joined}), "
        f"(SELECT count(*) FROM read_parquet({literal(part.path)}))"
    )
    found = ((without, _UNMATCHED), (several, _SEVERAL), (rows - used, _UNUSED))
    return [note.having(n=n, base=base.name, file=part.name) for n, note in found if n]
