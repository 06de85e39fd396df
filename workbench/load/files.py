"""Read a file of any kind into a raw table of what stands in it; judge nothing but its form."""

from pathlib import Path

from workbench.errors import InputError, unknown
from workbench.load import containers, delimited, json_rows, typed, workbooks

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xls": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".duckdb": "database",
    ".ddb": "database",
    ".db": "database",
    ".sqlite": "database",
    ".sqlite3": "database",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".sav": "spss",
    ".zsav": "spss",
    ".dta": "stata",
}
# How files begin, whatever they are called; MAY_BE says which formats begin so.
SIGNS = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"SQLite format 3", "database"),
    (b"\xd0\xcf\x11\xe0", "excel"),
    (b"PK\x03\x04", "excel"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x89PNG", "png"),
)
MAY_BE = {
    "parquet": ("parquet",),
    "arrow": ("arrow",),
    "database": ("database",),
    "excel": ("excel",),
    "csv": ("csv", "jsonl"),
}
# The options each format heeds, besides `format` itself.
HEEDED = {
    "csv": {"delimiter", "quote", "encoding", "decimal", "skip_rows"},
    "excel": {"sheet", "skip_rows", "decimal"},
    "parquet": {"decimal"},
    "jsonl": {"encoding", "decimal"},
    "database": {"table", "query", "decimal"},
    "arrow": {"decimal"},
    "spss": {"encoding", "decimal"},
    "stata": {"encoding", "decimal"},
}
OPTIONS = {"format"}.union(*HEEDED.values())


def read(workspace, path, options, *, at_once=False):
    """Return a file, or the files of a folder or pattern, as a Raw table; `at_once` may leave the
    rows of a text file there, to be judged while they are read.

    Raises InputError for a file that cannot be read at all.
    """
    path = Path(path)
    check_options(options)
    found = containers.files_of(path)
    if found is not None:
        from workbench.load import several

        return several.read(workspace, path, found, options)
    _must_hold_something(path)
    inner = containers.unpacked(workspace, path)
    kind = kind_of(inner, options, path)
    check_heeded(kind, options)
    _check_content(path, inner, kind)
    more = {"at_once": at_once} if kind == "csv" else {}
    try:
        raw = _reader(kind)(workspace, inner, options, **more)
    except InputError as error:
        raise _of_packed(error, inner, path) from None
    if not raw.columns or not raw.rows:
        raise delimited.no_rows(path, list(raw.columns))
    return raw


def _of_packed(error, inner, path):
    """Return an error with the path a user knows: not that of a copy written out."""
    values = getattr(error.note, "values", {})
    if inner != path and values.get("path") == inner:
        error.note = error.note.having(path=path)
        error.args = (error.note,)
    return error


def kind_of(inner, options, path=None):
    """Return the format of a file, by what it is said to be, else by its ending."""
    named = {"json": "jsonl"}.get(options.get("format"), options.get("format"))
    kind = named or FORMATS.get(inner.suffix.lower())
    if kind not in HEEDED:
        raise InputError(
            "load.error_kind",
            "{path}: unknown kind of file '{ending}'. Say what it is with `read: {{format: …}}` "
            "in the mapping: {readers:text}",
            path=path or inner,
            ending=inner.suffix,
            readers=list(HEEDED),
        )
    return kind


def check_options(options):
    """Refuse an option that does not exist, or whose value is none."""
    for name in options:
        if name not in OPTIONS:
            raise unknown("mapping, read", "option", name, sorted(OPTIONS))
    if options.get("decimal", ".") not in (".", ","):
        raise InputError(
            "load.error_decimal",
            "mapping, read: decimal is '.' or ',', found {found}",
            found=repr(options["decimal"]),
        )
    skip = options.get("skip_rows", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise InputError(
            "load.error_skip_rows",
            "mapping, read: skip_rows needs a whole number of 0 or more, found {found}",
            found=repr(skip),
        )
    if options.get("quote", '"') not in ('"', "'", "none"):
        raise InputError(
            "load.error_quote",
            "mapping, read: quote is '\"', \"'\" or none, found {found}",
            found=repr(options["quote"]),
        )
    for name in ("format", "delimiter", "encoding", "table", "query"):
        if not isinstance(options.get(name, ""), str):
            raise InputError(
                "load.error_read_text",
                "mapping, read, {name}: a text is needed, found {found}",
                name=name,
                found=repr(options[name]),
            )


def check_heeded(kind, options):
    """Refuse an option that a format would pass over."""
    for name in options:
        if name != "format" and name not in HEEDED[kind]:
            raise InputError(
                "load.error_not_heeded",
                "mapping, read: `{name}` means nothing for a file of the kind {kind}; it knows "
                "{heeded:text}. A query over files stands in the mapping itself, beside `files:`.",
                name=name,
                kind=kind,
                heeded=sorted(HEEDED[kind]),
            )


def _check_content(path, inner, kind):
    """Refuse a file whose first bytes are those of another format than its name says."""
    with open(inner, "rb") as stream:
        start = stream.read(4096)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = next((name for mark, name in SIGNS if start.startswith(mark)), None)
    if text.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<div")):
        found = "html"
    if kind == "excel" and found is None and b"\0" not in start and start:
        found = "csv"
    if found is None or kind in MAY_BE.get(found, ()):
        return
    if found in HEEDED:
        raise InputError(
            "load.error_misnamed",
            "{path}: its name says {kind}, its content is {found}. Give it the ending of that, or "
            "say `read: {{format: {found}}}` in the mapping.",
            path=path,
            kind=kind,
            found=found,
        )
    raise InputError(
        "load.error_other_content",
        "{path}: holds {found} under another name, which is not read here. Open it in the program "
        "that made it and save it as CSV or as a workbook.",
        path=path,
        found=found,
    )


def _reader(kind):
    if kind in ("spss", "stata"):
        from workbench.load import statistical

        return statistical.read
    return {
        "csv": delimited.read,
        "excel": workbooks.read,
        "parquet": typed.parquet,
        "arrow": typed.arrow,
        "jsonl": json_rows.read,
        "database": typed.database,
    }[kind]


def _must_hold_something(path):
    if path.exists() and path.stat().st_size == 0:
        raise InputError("load.error_empty", "{path}: the file is empty (no bytes)", path=path)
    if path.exists():
        return
    here = path.parent.glob(f"*{path.suffix}") if path.parent.is_dir() else ()
    near = sorted(p.name for p in here)[:5]
    if near:
        raise InputError(
            "load.error_no_file_near",
            "{path}: no such file. Files of that kind there: {near:text}",
            path=path,
            near=near,
        )
    raise InputError("load.error_no_file", "{path}: no such file.", path=path)
