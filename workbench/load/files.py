"""Read a file of any kind into a raw table of what stands in it; judge nothing but its form."""

import csv
import json
from pathlib import Path

from workbench import engine
from workbench.errors import InputError, unknown

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
DELIMITERS = ",;\t|"
OPTIONS = {"format", "delimiter", "encoding", "decimal", "sheet", "table", "query", "skip_rows"}


def read(path, options):
    """Return a raw DataFrame, the rows that have no readable form, and notes on what was found.

    The second value is a list of (line number, text, reason). Raises InputError for a file that
    cannot be read at all.
    """
    path = Path(path)
    if not path.exists():
        near = (
            sorted(p.name for p in path.parent.glob(f"*{path.suffix}"))[:5]
            if path.parent.is_dir()
            else []
        )
        there = f" Files of that kind there: {', '.join(near)}" if near else ""
        raise InputError(
            "load.error_no_such_file", "{path}: no such file.{there}", path=path, there=there
        )
    if path.is_dir():
        raise InputError(
            "load.error_this_is_a_directory_name",
            "{path}: this is a directory; name one file in it",
            path=path,
        )
    if path.stat().st_size == 0:
        raise InputError(
            "load.error_the_file_is_empty_bytes", "{path}: the file is empty (0 bytes)", path=path
        )
    for name in options:
        if name not in OPTIONS:
            raise unknown("mapping, read", "option", name, sorted(OPTIONS))
    kind = options.get("format") or FORMATS.get(path.suffix.lower())
    readers = {
        "csv": _csv,
        "excel": _excel,
        "parquet": _parquet,
        "jsonl": _jsonl,
        "database": _database,
    }
    if kind not in readers:
        raise InputError(
            "load.error_unknown_kind_of_file_say",
            "{path}: unknown kind of file '{suffix}'. Say what it is with `read: "
            "{{format: …}}` in the mapping: {readers:text}",
            path=path,
            suffix=path.suffix,
            readers=list(readers),
        )
    if options.get("decimal", ".") not in (".", ","):
        raise InputError(
            "load.error_mapping_read_decimal_is_or",
            "mapping, read: decimal is '.' or ',', found {options:repr}",
            options=options["decimal"],
        )
    if not isinstance(options.get("skip_rows", 0), int):
        raise InputError(
            "load.error_mapping_read_skip_rows_needs",
            "mapping, read: skip_rows needs a whole number, found {options:repr}",
            options=options["skip_rows"],
        )
    frame, bad, notes = readers[kind](path, options)
    if not len(frame.columns) or (not len(frame) and not bad):
        raise InputError(
            "load.error_no_rows_below_the_header",
            "{path}: no rows below the header (columns: {frame})",
            path=path,
            frame=", ".join(map(str, frame.columns)) or "none",
        )
    return frame, bad, notes


def _csv(path, options):
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    data = path.read_bytes()
    encoding = options.get("encoding") or _encoding(path, data)
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InputError(
            "load.error_no_encoding_is_called_common",
            "{path}: no encoding is called {encoding:repr}; common ones are utf-8, "
            "cp1252 and latin-1",
            path=path,
            encoding=encoding,
        ) from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            "load.error_not_byte_line_leave_encoding",
            "{path}: not {encoding} (byte {start}, line {line}). Leave `encoding` out "
            "to have it found, or name the right one, such as cp1252.",
            path=path,
            encoding=encoding,
            start=error.start,
            line=line,
        ) from None
    if "\x00" in text[:4096]:
        raise InputError(
            "load.error_this_is_no_text_file",
            "{path}: this is no text file (it holds zero bytes)",
            path=path,
        )
    text = text.removeprefix("\ufeff")
    skip = int(options.get("skip_rows", 0))
    head = "\n".join(text.splitlines()[skip : skip + 60])
    if not head.strip():
        raise InputError(
            "load.error_the_file_holds_no_text", "{path}: the file holds no text", path=path
        )
    delimiter = options.get("delimiter") or _delimiter(head)
    if len(delimiter) != 1:
        raise InputError(
            "load.error_a_delimiter_is_one_character",
            "{path}: a delimiter is one character, found {delimiter:repr}",
            path=path,
            delimiter=delimiter,
        )
    header = next(csv.reader([head.splitlines()[0]], delimiter=delimiter))
    # A trailing delimiter makes nameless columns: harmless, and given a name.
    header = [h or f"unnamed_{i}" for i, h in enumerate(header, 1)]
    doubled = sorted({h for h in header if header.count(h) > 1})
    if doubled:
        raise InputError(
            "load.error_the_header_names_twice",
            "{path}: the header names {doubled:text} twice",
            path=path,
            doubled=list(map(repr, doubled)),
        )
    if len(text.splitlines()) <= skip + 1:
        raise InputError(
            "load.error_no_rows_below_the_header_b",
            "{path}: no rows below the header (columns: {header:text})",
            path=path,
            header=list(header),
        )
    bad = []

    def keep_aside(row):
        bad.append(
            (row.number, row.text, f"{row.actual_columns} fields instead of {row.expected_columns}")
        )
        return "skip"

    try:
        table = _arrow_csv(text, skip, header, delimiter, keep_aside)
    except pa.ArrowInvalid as error:
        raise InputError(
            "load.error_cannot_be_read_as_a",
            "{path}: cannot be read as a table with the delimiter {delimiter:repr} ({error})",
            path=path,
            delimiter=delimiter,
            error=str(error).splitlines()[0],
        ) from None
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get)
    _no_open_quote(path, frame, text, delimiter)
    # Line numbers as an editor shows them, for files whose values hold no line breaks.
    refused = {number for number, *_ in bad}
    numbers = np.array(
        [n for n in range(skip + 2, skip + 2 + len(frame) + len(bad)) if n not in refused]
    )[: len(frame)]
    # Not UTF-8 and not named: Windows Western is the usual one, but a guess is said to be one.
    guessed = encoding == "cp1252" and not options.get("encoding")
    return (
        frame,
        bad,
        {
            "encoding": "cp1252 (assumed)" if guessed else encoding,
            "delimiter": {"\t": "tab"}.get(delimiter, delimiter),
            "lines": numbers,
        },
    )


def _arrow_csv(text, skip, header, delimiter, keep_aside):
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.read_csv(
        pa.BufferReader(text.encode()),
        # One thread: only then does the reader know the line numbers of the rows it refuses.
        read_options=arrow_csv.ReadOptions(
            skip_rows=skip + 1, use_threads=False, column_names=header
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep_aside
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={h: pa.string() for h in header},
            strings_can_be_null=True,
            null_values=["", "NA", "N/A", "NULL", "null", "NaN", "nan"],
            quoted_strings_can_be_null=True,
        ),
    )


def _no_open_quote(path, frame, text, delimiter):
    """Refuse a file in which a quote that is never closed has swallowed whole rows."""
    for name in frame:
        values = frame[name].dropna()
        long = values[values.str.contains("\n", regex=False)]
        inner = long.map(lambda v: max(line.count(delimiter) for line in v.split("\n")[1:]))
        if (inner >= max(len(frame.columns) - 2, 1)).any():
            value = long[inner >= max(len(frame.columns) - 2, 1)].iloc[0]
            line = text[: text.find(value.split("\n")[0])].count("\n") + 1
            raise InputError(
                "load.error_a_quote_near_line_in",
                "{path}: a quote near line {line}, in column '{name}', is not closed and "
                "swallows the rows after it. Close or remove that quotation mark.",
                path=path,
                line=line,
                name=name,
            )
    if text.count('"') % 2:
        line = text[: text.rfind('"')].count("\n") + 1
        raise InputError(
            "load.error_an_odd_number_of_quotation",
            "{path}: an odd number of quotation marks, the last one in line {line}; "
            "one is not closed. Close or remove it, else whole rows may be read as one "
            "value.",
            path=path,
            line=line,
        )


def _encoding(path, data):
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return name
    for name in ("utf-8", "cp1252"):
        try:
            data.decode(name)
            return name
        except UnicodeDecodeError:
            continue
    raise InputError(
        "load.error_neither_utf_nor_windows_western",
        "{path}: neither UTF-8 nor Windows Western; name the encoding with `read: {{encoding: …}}`",
        path=path,
    )


def _delimiter(head):
    """Return the delimiter that cuts the first lines into most fields, equally many a line."""
    best, score = ",", (0, 0)
    for candidate in DELIMITERS:
        counts = [len(row) for row in csv.reader(head.splitlines(), delimiter=candidate) if row]
        if counts and counts[0] > 1:
            same = sum(c == counts[0] for c in counts) / len(counts)
            score, best = max((score, best), ((round(same, 1), counts[0]), candidate))
    return best


def _excel(path, options):
    import pandas as pd

    magic = path.read_bytes()[:8]
    if magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise InputError(
            "load.error_the_workbook_is_password_protected",
            "{path}: the workbook is password-protected or in the old .xls format. "
            "Open it, remove the password and save it as .xlsx.",
            path=path,
        )
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in any way
        raise InputError(
            "load.error_not_a_readable_workbook",
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
            "load.error_not_a_whole_parquet_file",
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

    data = path.read_bytes()
    encoding = options.get("encoding") or _encoding(path, data)
    good, bad = [], []
    try:
        lines = data.decode(encoding).splitlines()
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(
            "load.error_not",
            "{path}: not {encoding} ({error})",
            path=path,
            encoding=encoding,
            error=error,
        ) from None
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
    if not good:
        hint = (
            " This is a JSON array: write one object a line."
            if lines and lines[0].lstrip().startswith("[")
            else ""
        )
        raise InputError(
            "load.error_no_line_is_a_json",
            "{path}: no line is a JSON object; one object a line is needed.{hint}",
            path=path,
            hint=hint,
        )
    return pd.json_normalize(good), bad, {"encoding": encoding}


def _database(path, options):
    return engine.read_database(path, options.get("query"), options.get("table")), [], {}
