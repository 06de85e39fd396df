"""JSON: one object a line, or one array of objects; nested fields get dotted names."""

import json

from workbench.errors import InputError
from workbench.load import text
from workbench.load.cells import Cells, Written
from workbench.load.raw import keep_unreadable
from workbench.notes import Note

CHUNK = 1 << 20
NO_OBJECT = "not a JSON object"
_TWICE = Note(
    "load.noticed_key_twice",
    "{n} object names a key twice, such as '{key}'; the last value counts.",
    "{n} objects name a key twice, such as '{key}'; the last value counts.",
    n=0,
    key="",
)


_WRAPPED = Note(
    "load.noticed_wrapped",
    "The rows are those of '{key}'; what stands beside it ({beside:text}) is not read.",
    key="",
    beside="",
)
# Under which names programs put the rows of an answer, where something else stands beside them.
WRAPPERS = (
    *("data", "results", "items", "records", "rows", "value", "values", "entries", "objects"),
    *("orders", "events", "responses", "customers", "products", "transactions", "list"),
)
# A file of more characters is no answer of one object.
ANSWER = 1 << 28


class _Decoder(json.JSONDecoder):
    """Decodes values, and counts the objects in which a key stands twice."""

    def __init__(self):
        super().__init__(parse_float=Written, object_pairs_hook=self._object)
        self.twice, self.key = 0, ""

    def _object(self, pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self.key = self.key or next(name for name in names if names.count(name) > 1)
            self.twice += 1
        return found


def read(workspace, path, options):
    """Return a file of JSON as a Raw table, its values with the types they have there."""
    found = text.in_utf8(workspace, path, options.get("encoding"))
    with open(found.path, encoding="utf-8", newline="\n") as stream:
        array = _first_sign(stream) == "["
    bad, decoder = [], _Decoder()
    cells, noticed = Cells(workspace), []
    wrapped = None if array else _wrapped(found.path, decoder)
    if wrapped is not None:
        key, rows, beside = wrapped
        cells.take_records((i, flat(row)) for i, row in enumerate(rows, 1))
        noticed = [_WRAPPED.having(key=key, beside=beside)] if beside else []
    elif array and not _is_lines(found.path):
        cells.take_records(_array(path, found.path, bad, decoder))
    else:
        cells.take_records(_lines(found.path, bad, decoder))
    if not cells.count:
        raise InputError(
            "load.error_json_lines",
            "{path}: no line is a JSON object; one object a line, or one array of objects, is "
            "needed.",
            path=path,
        )
    raw = cells.raw()
    raw.unreadable = keep_unreadable(workspace, bad)
    raw.rows += raw.unreadable
    raw.notes = {"encoding": found.encoding}
    raw.noticed += noticed
    raw.noticed += [_TWICE.having(n=decoder.twice, key=decoder.key)] if decoder.twice else []
    return raw


def flat(record, prefix=""):
    """Return a record without objects in objects: their fields get dotted names."""
    found = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def _first_sign(stream):
    while sign := stream.read(1):
        if not sign.isspace() and sign != "\ufeff":
            return sign
    return ""


def _is_lines(path):
    """Say whether the first line is a whole JSON value and others follow: then it is no array."""
    with open(path, encoding="utf-8", newline="\n") as stream:
        first = stream.readline(CHUNK).strip("\ufeff \t\r\n")
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            return False
        return bool(_first_sign(stream))


def _wrapped(path, decoder):
    """Return the name, rows and other names of a file that is one object around its rows; None
    for any other: an event with a list of parameters is a row itself.
    """
    if path.stat().st_size > ANSWER:
        return None
    with open(path, encoding="utf-8", newline="\n") as stream:
        return wrapped(stream.read(), decoder)


def wrapped(text, decoder):
    """Return the name, rows and other names of a text that is one object around its rows."""
    text = text.strip("\ufeff \t\r\n")
    try:
        value, end = decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if end < len(text) or not isinstance(value, dict):
        return None
    lists = [k for k, v in value.items() if _of_objects(v)]
    named = [k for k in lists if len(value) == 1 or k.lower() in WRAPPERS]
    if len(lists) != 1 or not named:
        return None
    return lists[0], value[lists[0]], [k for k in value if k != lists[0]]


def _of_objects(value):
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _lines(path, bad, decoder):
    with open(path, encoding="utf-8", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            line = line.strip("\ufeff \t\r\n")
            if not line:
                continue
            record = _object(line, decoder)
            if record is None:
                bad.append((number, line[:10_000], NO_OBJECT))
            else:
                yield number, record


def _object(line, decoder):
    try:
        value, end = decoder.raw_decode(line)
        return flat(value) if isinstance(value, dict) and end == len(line) else None
    except (ValueError, RecursionError):
        return None


def _array(path, source, bad, decoder):
    """Yield the objects of one array, each with the line on which it begins."""
    with open(source, encoding="utf-8", newline="\n") as stream:
        buffer = _Buffer(stream, decoder)
        buffer.skip("\ufeff \t\r\n[")
        while not buffer.at("]"):
            line = buffer.line
            try:
                value = buffer.value()
            except (ValueError, RecursionError):
                raise InputError(
                    "load.error_json_array",
                    "{path}: the array of JSON breaks off or is damaged at line {line}; what "
                    "follows cannot be told apart. Was the file cut off while copying?",
                    path=path,
                    line=line,
                ) from None
            if isinstance(value, dict):
                yield line, flat(value)
            else:
                bad.append((line, json.dumps(value)[:10_000], NO_OBJECT))
            buffer.skip(" \t\r\n", once=",")


class _Buffer:
    """Text read piece by piece, in which JSON values are found one after another."""

    def __init__(self, stream, decoder):
        self.stream, self.decoder = stream, decoder
        self.text, self.place, self.line = "", 0, 1

    def more(self):
        """Read on; False at the end of the file."""
        piece = self.stream.read(CHUNK)
        self.text = self.text[self.place :] + piece
        self.place = 0
        return bool(piece)

    def skip(self, signs, once=""):
        """Pass over blanks, and over one sign among them."""
        while self.place < len(self.text) or self.more():
            sign = self.text[self.place]
            if sign not in signs and sign not in once:
                return
            if once and sign in once:
                once = ""
            self.line += sign == "\n"
            self.place += 1

    def at(self, sign):
        """Say whether a sign comes next."""
        return self.text[self.place : self.place + 1] == sign

    def value(self):
        """Return the next value; ValueError where none is whole."""
        while True:
            try:
                value, end = self.decoder.raw_decode(self.text, self.place)
            except ValueError:
                if not self.more():
                    raise
                continue
            if end == len(self.text) and self.more():
                continue
            self.line += self.text.count("\n", self.place, end)
            self.place = end
            return value
