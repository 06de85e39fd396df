"""Several files as one table: joined by their keys, or by one query that reads nothing else."""

from pathlib import Path

from workbench import engine, project
from workbench.engine.duck import literal
from workbench.errors import InputError, unknown
from workbench.load import typed
from workbench.load.expressions import Expressions
from workbench.load.parts import add_unreadable, part
from workbench.load.raw import ROW, Raw
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
        parts.append(part(workspace, name, found[name], options))
    if mapping.get("query"):
        return _queried(workspace, parts, mapping["query"])
    return _joined(workspace, parts, mapping.get("join") or [])


def folder_of(path):
    """Return the folder that a file lies in, or the folder itself."""
    named = project.path(path)
    return named if named.is_dir() else named.parent


def _path(name, folder):
    path = Path(name).expanduser()
    if path.is_absolute():
        return path
    if folder is not None and (folder / path).exists():
        return folder / path
    return project.path(path)


def _finish(workspace, raw, parts):
    raw = add_unreadable(workspace, raw, parts)
    raw.noticed = [note for part in parts for note in part.raw.noticed] + raw.noticed
    raw.notes = {
        f"{part.name}: {what}": value for part in parts for what, value in part.raw.notes.items()
    }
    raw.simulated = any(part.raw.simulated for part in parts)
    return raw


def _queried(workspace, parts, query):
    """Return what one query over the files gives; it can read nothing else."""
    told = {p.decimal for p in parts}
    if len(told) > 1:
        raise InputError(
            "load.error_query_decimals",
            "mapping, files: a query gives columns that are no file's own; a decimal sign that not "
            "all files have ({files:text}) is lost there. Name the files under `join:`, or turn "
            "text into numbers in the query (`replace(price, ',', '.')`).",
            files=[f"{p.name}: {p.decimal or '–'}" for p in parts],
        )
    known = {p.name: (p.path, {n: p.sql(n) for n in p.raw.columns}) for p in parts}
    target, columns = engine.query_files(known, query, workspace.folder)
    raw = typed.answer(workspace, "mapping, query", target, columns)
    raw.decimals = dict.fromkeys(raw.columns, *told)
    raw.file = "CAST(NULL AS VARCHAR)"
    # Text of a file stays text after a query, and is read by the rules for text.
    return _finish(workspace, raw, parts)


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
    file = "b.file" if base.raw.file else literal(base.name)
    raw = Raw(workspace, "raw", {}, {}, line="r.line", file="r.file")
    shown = [f"b.file_row_number AS {ROW}, b.line AS line, {file} AS file"]
    _take(base, "b", raw, shown)
    sources = [f"read_parquet({literal(base.path)}, file_row_number=true) b"]
    for i, join in enumerate(joins):
        part, alias = rest[join["file"]], f"j{i}"
        keys = join["on"] if isinstance(join["on"], list) else [join["on"]]
        on = " AND ".join(f"({_key(raw, key)}) = ({_own_key(part, key, alias)})" for key in keys)
        sources.append(
            f"LEFT JOIN read_parquet({literal(part.path)}, file_row_number=true) {alias} ON {on}"
        )
        if join.get("how") == "inner":
            shown.append(f"{alias}.line IS NULL AS m{i}")
            raw.unmatched.append((f"m{i}", f"{part.name}: no row belongs to it"))
        raw.noticed += _counts(workspace, base, part, sources, alias)
        _take(part, alias, raw, shown)
    workspace.run(
        f"CREATE OR REPLACE TEMP TABLE file_rows AS SELECT {', '.join(shown)} "
        f"FROM {' '.join(sources)} ORDER BY {ROW}"
    )
    workspace.run(
        f"CREATE OR REPLACE TEMP VIEW raw AS "
        f"SELECT rowid AS {ROW}, * EXCLUDE ({ROW}) FROM file_rows"
    )
    raw.rows = workspace.one("SELECT count(*) FROM file_rows")
    return _finish(workspace, raw, parts)


def _take(part, alias, raw, shown):
    """Add the columns of a file, by their own name where it is free and as file.column always."""
    for name, own in part.raw.columns.items():
        made, cells = f"{alias}_{own}", part.raw.kinds.get(name)
        shown.append(f"{part.sql(name, f'{alias}.')} AS {made}")
        if cells:
            shown.append(f"{alias}.{cells} AS {alias}_{cells}")
        for key in (name, f"{part.name}.{name}"):
            if key in raw.columns:
                continue
            raw.columns[key], raw.types[key] = made, part.raw.types[name]
            if cells:
                raw.kinds[key] = f"{alias}_{cells}"
            if part.decimal:
                raw.decimals[key] = part.decimal
            if name in part.raw.questions:
                raw.questions[key] = part.raw.questions[name]


def _key(raw, name):
    """Return the SQL of a key in what was joined so far, as text."""
    if name not in raw.columns:
        raise unknown("mapping, join", "column", name, raw.columns)
    columns, kinds = _beside(raw.columns, name), _beside(raw.kinds, name)
    one = Raw(None, "", columns, {name: raw.types[name]}, kinds)
    return Expressions(one, "mapping, join").words(name).sql


def _beside(columns, name):
    """Return the column of a joined table under a name, as it stands in the file it came from."""
    if name not in columns:
        return {}
    side, _, own = columns[name].partition("_")
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
        f"SELECT (SELECT count(DISTINCT {alias}.file_row_number) FROM {joined}), "
        f"(SELECT count(*) FROM read_parquet({literal(part.path)}))"
    )
    found = ((without, _UNMATCHED), (several, _SEVERAL), (rows - used, _UNUSED))
    return [note.having(n=n, base=base.name, file=part.name) for n, note in found if n]
