"""The head of a file as text: names of columns and the first rows, enough to tell its layout."""

import csv
import io
import itertools
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.errors import InputError, first_line
from workbench.load import containers, json_rows, workbooks
from workbench.load.delimited import SEP
from workbench.load.files import FORMATS
from workbench.load.raw import UNNAMED
from workbench.load.text import marked, unmarked
from workbench.load.typed import is_nested

ROWS = 20_000
BYTES = 8_000_000
DELIMITERS = ",;\t|"
# A row is a header where it fills at least this share of the widest row's cells.
FILLED = 0.6


@dataclass
class Peek:
    """What stands at the head of a file.

    `columns` gives the texts of every column (None where empty), `typed` the columns whose values
    are moments or numbers by themselves, `read` the options a mapping needs, `lists` the keys in
    columns of nested keys and values, `sheets` the other sheets of a workbook, `whole` whether
    all rows were looked at.
    """

    path: Path
    columns: dict
    read: dict = field(default_factory=dict)
    typed: dict = field(default_factory=dict)
    lists: dict = field(default_factory=dict)
    sheets: list = field(default_factory=list)
    whole: bool = False

    @property
    def names(self):
        """The names of the columns, in order."""
        return list(self.columns)

    @property
    def rows(self):
        """How many rows were looked at."""
        return max((len(values) for values in self.columns.values()), default=0)

    def values(self, name):
        """Return the filled values of a column."""
        return [v for v in self.columns.get(name, ()) if v is not None]

    def has(self, *names):
        """Say whether all these columns are there."""
        return all(name in self.columns for name in names)

    def first(self, *names):
        """Return the first of these columns that is there, or None."""
        return next((name for name in names if name in self.columns), None)

    def below(self, rows):
        """Return this file without its first rows."""
        columns = {name: values[rows:] for name, values in self.columns.items()}
        return replace(self, columns=columns)


def peek(path, told=None):
    """Return the head of a file; `told` are the options a mapping reads it with.

    Raises InputError for a kind that cannot be looked into.
    """
    path, told = Path(path), told or {}
    several = containers.files_of(path)
    if several:
        # Of several files the first shows what they look like.
        found = peek(several[0], told)
        found.path, found.whole = path, False
        return found
    if not path.is_file():
        raise InputError("load.error_no_file", "{path}: no such file.", path=path)
    kind = told.get("format") or FORMATS.get(path.suffix.lower())
    readers = {"csv": _text, "excel": _workbook, "parquet": _parquet, "jsonl": _json}
    found = readers.get(kind, _loaded)(path, told)
    if not found.columns or not found.rows:
        raise InputError("load.error_peek_empty", "{path}: no rows to look at", path=path)
    return found


def _text(path, told):
    text, read = _decoded(path, told.get("encoding"))
    above = told.get("skip_rows", 0)
    text = "".join(io.StringIO(text, newline="").readlines()[above:]) if above else text
    named = SEP.match(text)
    text = text[named.end() :] if named else text
    lines = text.splitlines(keepends=True)[:200]
    delimiter = (
        told.get("delimiter")
        or (named and named[1])
        or max(DELIMITERS, key=lambda d: _steadiness("".join(lines), d))
    )
    quote = told.get("quote", '"')
    dialect = {"quoting": csv.QUOTE_NONE} if quote == "none" else {"quotechar": quote}
    csv.field_size_limit(BYTES)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **dialect)
        rows, ends = [], []
        for row in itertools.islice(reader, ROWS + 1):
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            "load.error_peek_text",
            "{path}: cannot be cut into columns ({error})",
            path=path,
            error=str(error),
        ) from None
    start = 0 if above else _header(rows)
    if start:
        # Lines of the file are skipped, and a record may hold several.
        read["skip_rows"] = ends[start - 1] + (1 if named else 0)
    whole = len(rows) <= ROWS and len(text) < BYTES // 2
    columns = _columns(rows[start:])
    return Peek(path, columns, read, lists=_lists(columns), whole=whole)


def _lists(columns):
    """Return the keys in columns of text that holds lists of keys and values, written as JSON."""
    lists = {}
    for name, values in columns.items():
        first = next(filter(None, values), "")
        if first.startswith("[{"):
            for value in filter(None, values[:200]):
                with suppress(ValueError, RecursionError):
                    _flatten({name: json.loads(value)}, "", {}, lists)
    return {name: sorted(keys) for name, keys in lists.items()}


def _loaded(path, told):
    """Return the head of a file of another kind, or packed, by the loader's own readers."""
    from workbench import engine
    from workbench.load import files

    with engine.open_workspace() as work:
        inner = containers.unpacked(work, path)
        if inner != path:
            found = peek(inner, told)
            found.path = path
            return found
        raw = files.read(work, path, told)
        cells = ", ".join(
            f"CAST({f'to_json({sql})' if is_nested(raw.types[name]) else sql} AS VARCHAR)"
            for name, sql in raw.columns.items()
        )
        rows = work.rows(f"SELECT {cells} FROM {raw.relation} LIMIT {ROWS}")
        types = dict(raw.types)
    columns = {name: [_cell(row[i]) for row in rows] for i, name in enumerate(raw.columns)}
    typed = {name: kind for name in columns if (kind := _kind_of_type(types[name]))}
    return Peek(path, columns, {}, typed, _lists(columns), whole=len(rows) < ROWS)


def _kind_of_type(name):
    if "TIME ZONE" in name:
        return "zoned"
    if name.startswith(("TIMESTAMP", "DATE")):
        return "time"
    numeric = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL")
    return "number" if name.removeprefix("U").startswith(numeric) else None


def _decoded(path, told=None):
    with open(path, "rb") as stream:
        data = stream.read(BYTES)
    if told:
        return data.decode(told, errors="replace"), {}
    if wide := marked(data[:4]) or unmarked(data):
        return data[: len(data) // 4 * 4].decode(wide, errors="replace"), {}
    for encoding in ("utf-8-sig",):
        # The last character may have been cut by the size that is looked at.
        for cut in range(4 if len(data) == BYTES else 1):
            try:
                return data[: len(data) - cut].decode(encoding), {}
            except UnicodeDecodeError:
                continue
    return data.decode("cp1252", errors="replace"), {"encoding": "cp1252"}


def _steadiness(text, delimiter):
    """Return how many fields most lines have with a delimiter, and how many lines have them."""
    csv.field_size_limit(BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    widths = []
    with suppress(csv.Error):
        widths += [len(row) for row in reader if row]
    wide = [w for w in widths if w > 1]
    if not wide:
        return (0, 0)
    common = max(set(wide), key=wide.count)
    return (wide.count(common) / len(widths) > 0.5, common * wide.count(common))


def _header(rows):
    """Return how many rows stand above the header: titles fill fewer cells than the table."""
    filled = [sum(bool(str(cell).strip()) for cell in row if cell is not None) for row in rows[:50]]
    most = max(filled, default=0)
    return next((i for i, n in enumerate(filled) if n and n >= FILLED * most), 0)


def _columns(rows):
    """Return the texts of every column behind the header, an empty one without a name left out."""
    columns = {}
    for i, name in enumerate(_names(rows)):
        if name in columns:
            continue
        cells = (row[i] if i < len(row) else None for row in rows[1 : ROWS + 1] if any(row))
        columns[name] = [_cell(cell) for cell in cells]
    return {n: v for n, v in columns.items() if any(v) or not UNNAMED.fullmatch(n)}


def _names(rows):
    """Return the names in a header as the loader calls the columns."""
    names = [str(cell).strip() if cell is not None else "" for cell in rows[0]] if rows else []
    return [name or f"unnamed_{i}" for i, name in enumerate(names, 1)]


def _cell(value):
    if value is None:
        return None
    text = str(value).strip()
    return text or None


def _workbook(path, told):
    book = workbooks.Book(path)
    visible = [name for name, seen in book.sheets.items() if seen] or list(book.sheets)
    heads = book.heads(visible, ROWS)
    # A whole number is written without its .0.
    rows = {name: [[_whole(cell) for cell in row] for row in heads[name]] for name in visible}
    best = _sheet(told.get("sheet"), rows)
    start = told.get("skip_rows", _header(rows[best]))
    below = rows[best][start:]
    # Sheets with the same columns are one table: a month a sheet, or a year.
    alike = [name for name in visible if _names(rows[name][start:]) == _names(below)]
    read = {"skip_rows": start} if start else {}
    if len(book.sheets) > 1:
        read = {"sheet": alike if len(alike) > 1 else best, **read}
    others = [name for name in visible if name not in alike]
    columns = _columns(below)
    typed = _types_of_cells(below, columns)
    return Peek(path, columns, read, typed, sheets=others, whole=_is_whole(below, alike))


def _sheet(told, rows):
    """Return the sheet to look at: the first that a mapping names, else the largest."""
    named = told if isinstance(told, list) else [told]
    found = [str(name) for name in named if str(name) in rows]
    return found[0] if found else max(rows, key=lambda name: sum(map(len, rows[name])))


def _is_whole(rows, sheets):
    return len(rows) < ROWS and len(sheets) == 1


def _whole(cell):
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return None if cell == "" else cell


def _types_of_cells(rows, columns):
    """Return the columns that hold moments or numbers by themselves."""
    typed, names = {}, _names(rows)
    for name in columns:
        cells = [row[names.index(name)] for row in rows[1:200] if len(row) > names.index(name)]
        kinds = {_kind(cell) for cell in cells if cell not in (None, "")}
        if len(kinds) == 1 and kinds <= {"time", "number"}:
            typed[name] = kinds.pop()
    return typed


def _kind(cell):
    if hasattr(cell, "isoformat"):
        return "time" if hasattr(cell, "year") else "text"
    return "number" if isinstance(cell, (int, float)) and not isinstance(cell, bool) else "text"


def _parquet(path, told):
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = next(pq.ParquetFile(path).iter_batches(ROWS), None)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            "load.error_peek_parquet",
            "{path}: not a readable Parquet file ({error})",
            path=path,
            error=first_line(error),
        ) from None
    records = [] if table is None else table.to_pylist()
    found = _records(path, records)
    for field_ in () if table is None else table.schema:
        if pa.types.is_temporal(field_.type):
            zoned = getattr(field_.type, "tz", None) is not None
            found.typed[field_.name] = "zoned" if zoned else "time"
        elif pa.types.is_integer(field_.type) or pa.types.is_floating(field_.type):
            found.typed[field_.name] = "number"
    return found


def _json(path, told):
    text, _ = _decoded(path, told.get("encoding"))
    records = []
    if text.lstrip().startswith("["):
        records = _of_array(text.lstrip()[1:])
    elif found := json_rows.wrapped(text, json.JSONDecoder()):
        records = found[1]
    else:
        for line in text.split("\n")[:ROWS]:
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    return _records(path, [r for r in records if isinstance(r, dict)][:ROWS])


def _of_array(text):
    """Return the first parts of a JSON array, as far as the text goes."""
    decoder, records, at = json.JSONDecoder(), [], 0
    while len(records) < ROWS:
        start = re.compile(r"[\s,]*").match(text, at).end()
        try:
            record, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        records.append(record)
    return records


def _records(path, records):
    """Return rows, nested blocks as columns with dotted names, lists of keys and values apart."""
    flat, lists = [], {}
    for record in records:
        row = {}
        _flatten(record, "", row, lists)
        flat.append(row)
    names = list(dict.fromkeys(name for row in flat for name in row))
    columns = {name: [_cell(row.get(name)) for row in flat] for name in names}
    typed = {
        name: "number"
        for name in names
        if {type(row[name]) for row in flat if row.get(name) is not None} <= {int, float}
    }
    return Peek(path, columns, {}, typed, {name: sorted(keys) for name, keys in lists.items()})


def _flatten(record, above, row, lists):
    for key, value in record.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            _flatten(value, f"{name}.", row, lists)
        elif isinstance(value, list):
            keys = {
                v["key"] for v in value if isinstance(v, dict) and isinstance(v.get("key"), str)
            }
            if keys:
                lists.setdefault(name, set()).update(keys)
        else:
            row[name] = value
