"""Cells that each have a type of their own (JSON, a sheet, SQLite) as a table of the engine."""

import datetime
import decimal
import itertools
import json

from workbench.engine.duck import literal
from workbench.load.raw import ROW, Raw

BATCH = 20_000
# A whole number up to here is the same as floating point and as text.
EXACT = 2**53
_TYPED = {"i": "BIGINT", "n": "DOUBLE", "b": "BOOLEAN", "t": "TIMESTAMP", "s": "VARCHAR"}


class Cells:
    """Takes rows of Python values and keeps them as text with the kind of each cell beside it."""

    def __init__(self, workspace, names=()):
        self.workspace = workspace
        self.names = {name: i for i, name in enumerate(names)}
        self.parts, self.count = [], 0

    def take_records(self, records):
        """Take (line, dictionary) pairs; columns come as they turn up."""
        records = iter(records)
        while block := list(itertools.islice(records, BATCH)):
            for _, record in block:
                for name in record:
                    self.names.setdefault(name, len(self.names))
            columns = [[record.get(name) for _, record in block] for name in self.names]
            self._write([line for line, _ in block], columns)

    def take_rows(self, rows):
        """Take (line, values) pairs, the values in the order of the names."""
        rows = iter(rows)
        while block := list(itertools.islice(rows, BATCH)):
            self._write([line for line, _ in block], list(zip(*(v for _, v in block), strict=True)))

    def _write(self, lines, columns):
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays, names = [pa.array(lines, pa.int64())], ["line"]
        for i, column in enumerate(columns):
            texts, kinds = zip(*map(cell, column), strict=True) if column else ((), ())
            arrays += [pa.array(texts, pa.string()), pa.array(kinds, pa.string())]
            names += [f"c{i}", f"k{i}"]
        path = self.workspace.folder / f"cells{len(self.parts)}.parquet"
        pq.write_table(pa.table(arrays, names=names), path)
        self.parts.append(path)
        self.count += len(lines)

    def raw(self):
        """Return the rows as a Raw table: a column of one type has that type."""
        work = self.workspace
        parts = ", ".join(map(literal, self.parts))
        work.run(
            "CREATE OR REPLACE TEMP TABLE file_rows AS "
            f"SELECT * FROM read_parquet([{parts}], union_by_name=true)"
        )
        types, kinds = self._types()
        shown = []
        for name, i in self.names.items():
            kept = f"c{i}" if types[name] == "VARCHAR" else f"CAST(c{i} AS {types[name]}) AS c{i}"
            shown += [kept, *([f"k{i}"] if name in kinds else [])]
        work.run(
            f"CREATE OR REPLACE TEMP VIEW raw AS SELECT rowid AS {ROW}, line"
            + "".join(f", {s}" for s in shown)
            + " FROM file_rows"
        )
        columns = {name: f"c{i}" for name, i in self.names.items()}
        return Raw(work, "raw", columns, types, kinds, rows=self.count, line="r.line")

    def _types(self):
        """Return the type of every column, and the column of kinds where cells differ."""
        types, kinds = {}, {}
        for name, i in self.names.items():
            found, largest = self.workspace.row(
                f"SELECT list(DISTINCT k{i}) FILTER (k{i} IS NOT NULL), "
                f"max(length(c{i})) FILTER (k{i} = 'i') FROM file_rows"
            )
            found, largest = set(found or ()), largest or 0
            if found == {"i", "n"} and largest <= 15:
                found = {"n"}
            if found == {"i"} and largest > 18:
                types[name] = "HUGEINT" if largest <= 38 else "VARCHAR"
            elif len(found) == 1:
                types[name] = _TYPED.get(next(iter(found)), "VARCHAR")
            else:
                types[name] = "VARCHAR"
            if types[name] == "VARCHAR" and found not in ({"s"}, set()):
                kinds[name] = f"k{i}"
        return types, kinds


class Written(str):
    """A number as its source writes it."""

    __slots__ = ()


def cell(value):
    """Return a value as text and its kind; see `workbench.load.raw.Raw`."""
    if value is None or value == "":
        return None, None
    if isinstance(value, Written):
        return number(value)
    if isinstance(value, str):
        if "\x00" in value or not (value.isascii() or _encodes(value)):
            return value.replace("\x00", "\\0").encode(errors="backslashreplace").decode(), "x"
        return value, "s"
    if isinstance(value, bool):
        return ("true" if value else "false"), "b"
    if isinstance(value, int):
        return str(value), "i"
    if isinstance(value, float):
        return (None, None) if value != value else number(value)
    return _other(value)


def _other(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" "), "s" if value.tzinfo else "t"
    if isinstance(value, datetime.date):
        return value.isoformat(), "t"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=True), "j"
    if isinstance(value, decimal.Decimal):
        return number(value)
    if isinstance(value, bytes):
        return value.hex(), "x"
    return str(value), "s"


def number(value):
    """Return a number as text: a whole one without its point, another as short as it is exact."""
    real = float(value)
    if real == int(real) if abs(real) < EXACT else False:
        return str(int(real)), "n"
    digits = sum(c.isdigit() for c in str(value).lower().split("e")[0])
    return (repr(real) if digits <= 17 else str(value)), "n"


def _encodes(value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
