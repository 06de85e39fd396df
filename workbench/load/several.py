"""The files of a folder or pattern as one table: columns by their names, rows by their files."""

from pathlib import Path
from urllib.parse import unquote

from workbench.engine.duck import literal
from workbench.errors import InputError
from workbench.load import typed
from workbench.load.expressions import Expressions
from workbench.load.parts import add_unreadable, part
from workbench.load.raw import ROW, Raw, columns_of
from workbench.notes import Note

MOST = 12  # files named at once
# What a reader says of a file without rows; beside files that have some it is none.
NO_ROWS = ("load.error_no_rows", "load.error_empty", "load.error_no_text")
NO_DAY = "__HIVE_DEFAULT_PARTITION__"  # how Hive names a folder whose column is empty
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
KINDS = (
    (("BOOLEAN",), "b"),
    ((*WHOLE, "UBIGINT", "HUGEINT", "UHUGEINT"), "i"),
    (("DOUBLE", "FLOAT", "DECIMAL"), "n"),
    (("TIMESTAMP WITH",), "s"),
    (("TIMESTAMP", "DATE"), "t"),
)
_ALSO = Note("load.more_files", "{n} more", n=0)
_LACKING = Note(
    "load.files_lack",
    "Column '{column}' stands in {n} of {files} files; it is empty in the rows of {others:text}.",
    column="",
    n=0,
    files=0,
    others=[],
)
_IN_FILE = Note("load.noticed_in_file", "{file}: {note}", file="", note="")
_READ = Note("load.files_read", "Files read as one table: {n}. {files:text}.", n=0, files=[])
_OF_FILE = Note(
    "load.file_rows", "{file} (rows read: {rows}, kept: {kept})", file="", rows=0, kept=0
)


def read(workspace, path, found, options):
    """Return several files of one kind as one Raw table.

    Columns of the same name are one; a file that lacks one leaves it empty, which is said. Names
    of folders such as day=3 are columns.
    """
    parts, empty = _parts(workspace, path, found, options)
    _must_share(path, parts)
    names = list(dict.fromkeys(n for p in parts for n in (*p.raw.columns, *p.folders)))
    columns, types = columns_of(names), {}
    for name in names:
        types[name] = _one_type([p.raw.types.get(name, "VARCHAR") for p in parts if _has(p, name)])
    mixed = {n: f"k{own}" for n, own in columns.items() if _is_mixed(parts, n, types[n])}
    shown = [_shown(p, columns, types, mixed) for p in parts]
    workspace.run(f"CREATE OR REPLACE TEMP TABLE file_rows AS {' UNION ALL BY NAME '.join(shown)}")
    workspace.run(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT rowid AS {ROW}, * FROM file_rows")
    raw = Raw(
        workspace,
        "raw",
        columns,
        types,
        mixed,
        rows=workspace.one("SELECT count(*) FROM file_rows"),
        line="r.line",
        file="r.file",
        padded=any(p.raw.padded for p in parts),
        notes=_notes(parts),
        noticed=[*_lacking(parts, names), *_noticed(parts)],
        simulated=any(p.raw.simulated for p in parts),
        questions={n: q for p in reversed(parts) for n, q in p.raw.questions.items()},
        files=[p.name for p in parts] + empty,
    )
    return add_unreadable(workspace, raw, parts)


def _parts(workspace, path, found, options):
    """Return every file that has rows, and the names of those that have none."""
    parts, empty, last = [], [], None
    base = path if path.is_dir() else Path(*path.parts[: _first_pattern(path)])
    for file in found:
        name = file.relative_to(base).as_posix()
        try:
            one = part(workspace, name, file, options)
        except InputError as error:
            if getattr(error.note, "id", None) not in NO_ROWS:
                raise
            empty.append(name)
            last = error
            continue
        one.folders = {n: v for n, v in _folders(file).items() if n not in one.raw.columns}
        parts.append(one)
    if not parts:
        raise last
    return parts, empty


def _first_pattern(path):
    """Return the place of the first part of a path that is a pattern."""
    return next(i for i, part in enumerate(path.parts) if any(sign in part for sign in "*?["))


def _folders(file):
    """Return what the names of folders above a file say, such as day=3."""
    told = {}
    for folder in reversed(file.parent.parts):
        name, sign, value = folder.partition("=")
        if not sign or not name:
            break
        told[name] = None if value == NO_DAY else unquote(value)
    return dict(reversed(told.items()))


def _must_share(path, parts):
    """Refuse files that have no column in common: they are no one table."""
    first = parts[0]
    for other in parts[1:]:
        if not set(first.raw.columns) & set(other.raw.columns):
            raise InputError(
                "load.error_files_differ",
                "{path}: '{first}' and '{other}' have no column in common, and are no one table. "
                "Name a pattern for those that belong together, or each under `files:` in the "
                "mapping. Columns: {columns:text}; {others:text}",
                path=path,
                first=first.name,
                other=other.name,
                columns=list(first.raw.columns)[:8],
                others=list(other.raw.columns)[:8],
            )


def _has(one, name):
    return name in one.raw.columns or name in one.folders


def _one_type(kinds):
    """Return the type of a column that the files hold in these types; VARCHAR where they differ."""
    if set(kinds) <= set(WHOLE):
        return kinds[0] if len(set(kinds)) == 1 else "BIGINT"
    return kinds[0] if len(set(kinds)) == 1 else "VARCHAR"


def _is_mixed(parts, name, kind):
    """Say whether cells of a column need their kind beside them."""
    if any(name in p.raw.kinds for p in parts):
        return True
    return kind == "VARCHAR" and any(p.raw.types.get(name, kind) != kind for p in parts)


def _shown(one, columns, types, mixed):
    """Return the SQL of a file's rows under the names that all files share."""
    shown = ["line", f"{literal(one.name)} AS file"]
    expressions = Expressions(one.raw, one.name)
    for name, own in columns.items():
        if name in one.folders:
            value = one.folders[name]
            shown.append(f"CAST({literal(value) if value else 'NULL'} AS VARCHAR) AS {own}")
        elif name in one.raw.columns:
            same = one.raw.types[name] == types[name]
            sql = one.sql(name) if same else _converted(one, name, types[name], expressions)
            shown.append(f"{sql} AS {own}")
        if name in mixed and _has(one, name):
            shown.append(f"{_kind(one, name)} AS {mixed[name]}")
    return f"SELECT {', '.join(shown)} FROM read_parquet({literal(one.path)})"


def _converted(one, name, kind, expressions):
    """Return the SQL of a column in another type than its file has."""
    if kind != "VARCHAR":
        return f"CAST({one.sql(name)} AS {kind})"
    if typed.is_nested(one.raw.types[name]):
        return f"CAST(to_json({one.sql(name)}) AS VARCHAR)"
    atom = expressions.column(name)
    atom.sql = one.sql(name) if atom.type != "VARCHAR" else atom.sql
    return expressions.text(atom)


def _kind(one, name):
    """Return the SQL of what each cell of a column is."""
    if name in one.raw.kinds:
        return one.raw.kinds[name]
    kind = one.raw.types.get(name, "VARCHAR")
    sign = next((s for starts, s in KINDS if kind.startswith(starts)), "s")
    sign = "j" if typed.is_nested(kind) else sign
    cell = one.raw.columns.get(name)
    return f"CASE WHEN {cell} IS NOT NULL THEN '{sign}' END" if cell else "'s'"


def _notes(parts):
    """Return how the files were read: what all say alike once."""
    told = {}
    for one in parts:
        for what, value in one.raw.notes.items():
            told.setdefault(what, {})[str(value)] = None
    return {what: ", ".join(values) for what, values in told.items()}


def _some(names):
    left = len(names) - MOST
    return [*names[:MOST], _ALSO.having(n=left)] if left > 0 else list(names)


def _lacking(parts, names):
    """Say which columns some files lack."""
    found = []
    for name in names:
        others = [p.name for p in parts if not _has(p, name)]
        if others:
            n = len(parts) - len(others)
            told = {"n": n, "files": len(parts), "others": _some(others)}
            found.append(_LACKING.having(column=name, **told))
    left = len(found) - MOST
    return [*found[:MOST], *([_more_columns(left)] if left > 0 else [])]


def _more_columns(n):
    return Note("load.files_lack_more", "Columns that some files lack, besides these: {n}.", n=n)


def _noticed(parts):
    """Return what was noticed in each file; in all of them alike is said once."""
    found = {}
    for one in parts:
        for note in one.raw.noticed:
            found.setdefault(str(note), (note, []))[1].append(one.name)
    return [
        note if len(names) == len(parts) else _IN_FILE.having(file=name, note=note)
        for note, names in found.values()
        for name in (names[:1] if len(names) == len(parts) else names[:MOST])
    ]


def counted(raw):
    """Return a note of how many rows of each file were read and kept."""
    unread = "UNION ALL SELECT file, 0 FROM unreadable" if raw.unreadable else ""
    rows = raw.workspace.rows(
        f"SELECT file, count(*), sum(kept) FROM ("
        f"SELECT {raw.file} AS file, CAST(f._refusal IS NULL AS INTEGER) AS kept "
        f"FROM {raw.relation} r JOIN judged f ON f.{ROW} = r.{ROW} {unread}) GROUP BY file"
    )
    found = {file: (n, int(kept)) for file, n, kept in rows}
    told = [(name, *found.get(name, (0, 0))) for name in raw.files]
    shown = [_OF_FILE.having(file=f, rows=n, kept=kept) for f, n, kept in told]
    return _READ.having(n=len(raw.files), files=_some(shown))
