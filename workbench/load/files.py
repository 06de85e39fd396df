"""Read a file of any kind into a raw table of what stands in it; judge nothing but its form."""

import json
from pathlib import Path

from workbench import engine
from workbench.errors import InputError, unknown
from workbench.load import delimited

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xls": "excel",
    ".xlsm": "excel",
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
}
OPTIONS = {"format", "delimiter", "encoding", "decimal", "sheet", "table", "query", "skip_rows"}


def read(path, options):
    """Return a raw DataFrame, the rows that have no readable form, and notes on what was found.

    The second value is a list of (line number, text, reason). Raises InputError for a file that
    cannot be read at all.
    """
    path = Path(path)
    _must_hold_something(path)
    for name in options:
        if name not in OPTIONS:
            raise unknown("mapping, read", "option", name, sorted(OPTIONS))
    kind = options.get("format") or FORMATS.get(path.suffix.lower())
    readers = {
        "csv": delimited.read,
        "excel": _excel,
        "parquet": _parquet,
        "jsonl": _jsonl,
        "database": _database,
    }
    if kind not in readers:
        raise InputError(
            "load.error_kind",
            "{path}: unknown kind of file '{ending}'. Say what it is with `read: {{format: …}}` "
            "in the mapping: {readers:text}",
            path=path,
            ending=path.suffix,
            readers=list(readers),
        )
    if options.get("decimal", ".") not in (".", ","):
        raise InputError(
            "load.error_decimal",
            "mapping, read: decimal is '.' or ',', found {found}",
            found=repr(options["decimal"]),
        )
    if not isinstance(options.get("skip_rows", 0), int):
        raise InputError(
            "load.error_skip_rows",
            "mapping, read: skip_rows needs a whole number, found {found}",
            found=repr(options["skip_rows"]),
        )
    frame, bad, notes = readers[kind](path, options)
    if not len(frame.columns) or (not len(frame) and not bad):
        raise delimited.no_rows(path, map(str, frame.columns))
    return frame, bad, notes


def _must_hold_something(path):
    if path.is_dir():
        raise InputError(
            "load.error_directory",
            "{path}: this is a directory; name one file in it",
            path=path,
        )
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


def _excel(path, options):
    import pandas as pd

    magic = path.read_bytes()[:8]
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(
            "load.error_old_workbook",
            "{path}: the workbook is password-protected or in the old .xls format. "
            "Open it, remove the password and save it as .xlsx.",
            path=path,
        )
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in any way
        raise InputError(
            "load.error_workbook",
            "{path}: not a readable workbook ({name}: {error})",
            path=path,
            name=type(error).__name__,
            error=error,
        ) from None
    with book:
        sheet = options.get("sheet", book.sheet_names[0])
        if sheet not in book.sheet_names:
            raise unknown(str(path), "sheet", sheet, book.sheet_names)
        frame = pd.read_excel(
            book, sheet_name=sheet, dtype=object, skiprows=int(options.get("skip_rows", 0))
        )
    return frame, [], {"sheet": sheet}


def _parquet(path, options):
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            "load.error_parquet",
            "{path}: not a whole Parquet file; it may have been cut off while copying ({error})",
            path=path,
            error=str(error).splitlines()[0],
        ) from None
    # Named index levels are columns; an unnamed one only numbers rows, and not always once.
    frame = frame.reset_index(drop=all(n is None for n in frame.index.names))
    nested = [
        c
        for c in frame
        if frame[c].dtype == object
        and any(isinstance(v, (list, dict)) or type(v).__name__ == "ndarray" for v in frame[c])
    ]
    return (
        frame.drop(columns=nested),
        [],
        {"left out (nested)": ", ".join(map(str, nested))} if nested else {},
    )


def _jsonl(path, options):
    import pandas as pd

    encoding, text = delimited.decoded(path, options.get("encoding"))
    good, bad, lines = [], [], text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError
            good.append(row)
        except ValueError:
            bad.append((number, line, "not a JSON object"))
    if good:
        return pd.json_normalize(good), bad, {"encoding": encoding}
    if lines and lines[0].lstrip().startswith("["):
        raise InputError(
            "load.error_json_array",
            "{path}: this is a JSON array; one object a line is needed.",
            path=path,
        )
    raise InputError(
        "load.error_json_lines",
        "{path}: no line is a JSON object; one object a line is needed.",
        path=path,
    )


def _database(path, options):
    return engine.read_database(path, options.get("query"), options.get("table")), [], {}
