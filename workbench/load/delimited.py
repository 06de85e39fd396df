"""Text files with a delimiter: encoding, header and rows, nothing swallowed unseen."""

import csv

from workbench.errors import InputError

DELIMITERS = ",;\t|"
ENCODINGS = ("utf-8", "cp1252")
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read(path, options):
    """Return a delimited text file as a raw DataFrame, its lines that are no rows, and notes."""
    import numpy as np

    encoding, text = decoded(path, options.get("encoding"))
    skip = int(options.get("skip_rows", 0))
    head = "\n".join(text.splitlines()[skip : skip + 60])
    if not head.strip():
        raise InputError("load.error_no_text", "{path}: the file holds no text", path=path)
    delimiter = options.get("delimiter") or _delimiter(head)
    header = _header(path, head, delimiter)
    if len(text.splitlines()) <= skip + 1:
        raise no_rows(path, header)
    frame, bad = _rows(path, text, skip, header, delimiter)
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


def decoded(path, encoding=None):
    """Return the encoding of a text file, found where none is named, and its text."""
    data = path.read_bytes()
    encoding = encoding or _encoding(path, data)
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InputError(
            "load.error_no_encoding",
            "{path}: no encoding is called {encoding:repr}; common ones are utf-8, cp1252 and "
            "latin-1",
            path=path,
            encoding=encoding,
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            "load.error_encoding",
            "{path}: not {encoding} (byte {start}, line {line}). Leave `encoding` out to have it "
            "found, or name the right one, such as cp1252.",
            path=path,
            encoding=encoding,
            start=error.start,
            line=data[: error.start].count(b"\n") + 1,
        ) from None
    if "\x00" in text[:4096]:
        raise InputError(
            "load.error_no_text_file",
            "{path}: this is no text file (it holds zero bytes)",
            path=path,
        )
    return encoding, text.removeprefix("\ufeff")


def no_rows(path, columns):
    """Return the error of a file with a header only."""
    return InputError(
        "load.error_no_rows",
        "{path}: no rows below the header (columns: {columns:text})",
        path=path,
        columns=list(columns) or "–",
    )


def _header(path, head, delimiter):
    if len(delimiter) != 1:
        raise InputError(
            "load.error_delimiter",
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
            "load.error_header_twice",
            "{path}: the header names {doubled:repr} twice",
            path=path,
            doubled=doubled,
        )
    return header


def _rows(path, text, skip, header, delimiter):
    """Return the rows as text, and (line, text, reason) of those with too many or few fields."""
    import pandas as pd
    import pyarrow as pa

    bad = []

    def keep_aside(row):
        reason = f"{row.actual_columns} fields instead of {row.expected_columns}"
        bad.append((row.number, row.text, reason))
        return "skip"

    try:
        table = _arrow_csv(text, skip, header, delimiter, keep_aside)
    except pa.ArrowInvalid as error:
        raise InputError(
            "load.error_not_a_table",
            "{path}: cannot be read as a table with the delimiter {delimiter:repr} ({error})",
            path=path,
            delimiter=delimiter,
            error=str(error).splitlines()[0],
        ) from None
    types = {pa.string(): pd.StringDtype(na_value=float("nan"))}
    return table.to_pandas(types_mapper=types.get), bad


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
                "load.error_open_quote",
                "{path}: a quote near line {line}, in column '{name}', is not closed and "
                "swallows the rows after it. Close or remove that quotation mark.",
                path=path,
                line=line,
                name=name,
            )
    if text.count('"') % 2:
        line = text[: text.rfind('"')].count("\n") + 1
        raise InputError(
            "load.error_odd_quotes",
            "{path}: an odd number of quotation marks, the last one in line {line}; "
            "one is not closed. Close or remove it, else whole rows may be read as one "
            "value.",
            path=path,
            line=line,
        )


def _encoding(path, data):
    for mark, name in MARKS:
        if data.startswith(mark):
            return name
    for name in ENCODINGS:
        try:
            data.decode(name)
            return name
        except UnicodeDecodeError:
            continue
    raise InputError(
        "load.error_encoding_unknown",
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
