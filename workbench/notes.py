"""A fact with its sentence: what a number says, told apart from how a language says it.

A note holds a stable id, the English sentence that stands where its number is made, and the values
themselves. It is written out only when it is shown, in the language of that moment.

In the sentence a value stands as `{name}` or `{name:form}`; the forms are listed in
`workbench.display.writing.FORMS`, such as `{share:%}` for a percentage, `{window:span}` for a
duration and `{brand:word}` for a name of our own.
"""

import datetime
import json
import math
from collections.abc import KeysView, Mapping, Set, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from string import Formatter

__all__ = [
    "Note",
    "collected",
    "from_dict",
    "listening",
    "plain",
    "say",
    "slots",
]


def __dir__():
    return __all__


_SAID = ContextVar("said", default=None)


@contextmanager
def collected():
    """Collect in a list the notes that are said within a `with` block, however deep; what an inner
    block collects the outer one has too.
    """
    outer, said = _SAID.get(), []
    token = _SAID.set(said)
    try:
        yield said
    finally:
        _SAID.reset(token)
        if outer is not None:
            outer.extend(note for note in said if note not in outer)


def say(*notes):
    """Have notes stand among the limits of the analysis that is at work."""
    said = _SAID.get()
    if said is not None:
        said.extend(note for note in notes if note not in said)


def listening():
    """Say whether an analysis is at work that collects what is said."""
    return _SAID.get() is not None


class Note:
    """A sentence with its values; shown in the language in use at the moment of showing.

    Parameters
    ----------
    id : str
        Stable name, such as "retention.immature": key of the translation and of `.facts`.
    english : str
        The sentence, its values as `{name}` or `{name:form}`.
    many : str, optional
        The sentence for more than one; then `english` is the sentence for one. What is counted is
        the value called `n`, else the one called `count`.
    **values
        Numbers, durations such as "30D", dates, words, other notes, or lists of these.

    Examples
    --------
    >>> note = Note("demo", "{n} customer waits.", "{n} customers wait.", n=1200)
    >>> str(note)
    '1,200 customers wait.'
    >>> note.values["n"]
    1200
    """

    __slots__ = ("english", "id", "many", "values")

    def __init__(self, id, english, many=None, /, **values):
        self.id, self.english, self.many = id, english, many
        self.values = {name: _plain(value) for name, value in values.items()}

    def __str__(self):
        from workbench.display import render

        return render(self)

    def __repr__(self):
        return f"Note({self.id!r}, {str(self)!r})"

    def __format__(self, spec):
        return format(str(self), spec)

    def __eq__(self, other):
        if not isinstance(other, Note):
            return NotImplemented
        said = (self.id, self.english, self.many) == (other.id, other.english, other.many)
        return said and _same(self.values, other.values)

    def __hash__(self):
        return hash((self.id, self.english))

    def __reduce__(self):
        return _rebuild, (self.id, self.english, self.many, self.values)

    def having(self, **values):
        """Return the same sentence with other values."""
        return Note(self.id, self.english, self.many, **{**self.values, **values})

    @property
    def has_money(self):
        """Whether the sentence writes an amount of money, as `{amount:money}`."""
        return any(":money}" in text for text in (self.english, self.many) if text)

    def priced(self, currency):
        """Return the note with this currency for the money it writes, and in notes within it."""
        values = {name: _priced(value, currency) for name, value in self.values.items()}
        if self.has_money:
            values["currency"] = currency
        return Note(self.id, self.english, self.many, **values)

    @property
    def counted(self):
        """The value that decides between one and many."""
        return self.values["n"] if "n" in self.values else self.values.get("count")

    def facts(self):
        """Yield (id, name, value) of every value in the sentence, those of notes within it too."""
        for name, value in self.values.items():
            for part in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(part, Note):
                    yield from part.facts()
                else:
                    yield self.id, name, part

    def to_dict(self):
        """Return the note as plain data, fit for JSON; `from_dict` makes it again."""
        return {
            "note": self.id,
            "english": self.english,
            "many": self.many,
            "values": {name: plain(value) for name, value in self.values.items()},
        }


def from_dict(kept):
    """Make a note again from what `Note.to_dict` returned, or a value from what `plain` returned;
    anything else comes back as it is.

    >>> note = Note("demo", "{n} left.", n=3)
    >>> from_dict(note.to_dict()) == note
    True
    """
    if isinstance(kept, Mapping) and "note" in kept:
        values = {name: from_dict(value) for name, value in kept["values"].items()}
        return Note(kept["note"], kept["english"], kept["many"], **values)
    if isinstance(kept, Mapping) and set(kept) in ({"type", "value"}, {"type", "value", "zone"}):
        return _typed(**kept)
    if isinstance(kept, Mapping):
        return {name: from_dict(value) for name, value in kept.items()}
    if isinstance(kept, list):
        return [from_dict(part) for part in kept]
    return kept


def slots(sentence):
    """Return the names and forms of the values in a sentence, sorted.

    >>> slots("{n} of {share:%}")
    ['n', 'share:%']
    """
    fields = ((name, spec) for _, name, spec, _ in Formatter().parse(sentence) if name is not None)
    return sorted(f"{name}:{spec}" if spec else name for name, spec in fields)


def _rebuild(id, english, many, values):
    return Note(id, english, many, **values)


def plain(value):
    """Return a value as plain data, fit for JSON; `from_dict` makes it again, with its type.

    >>> plain(datetime.date(2025, 1, 31))
    {'type': 'date', 'value': '2025-01-31'}
    """
    value = _plain(value)
    if isinstance(value, Note):
        return value.to_dict()
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"type": "float", "value": str(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    kind = type(value).__name__
    if kind == "timedelta":
        return {"type": kind, "value": str(value // datetime.timedelta(microseconds=1))}
    if kind in ("datetime", "Timestamp") and value.tzinfo is not None:
        return {"type": kind, "value": value.isoformat(), "zone": str(value.tzinfo)}
    if kind == "Period":
        return {"type": kind, "value": str(value), "zone": value.freqstr}
    return {"type": kind, "value": str(value)} if kind in _KINDS else str(value)


# How each type that JSON lacks is made again from its text; pandas is loaded only for its own.
_KINDS = {
    "float": float,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "timedelta": lambda text: datetime.timedelta(microseconds=int(text)),
    "Decimal": Decimal,
    "Timestamp": lambda text: _pandas().Timestamp(text),
    "Timedelta": lambda text: _pandas().Timedelta(text),
    "Period": lambda text: _pandas().Period(text),
}


def _typed(type, value, zone=None):
    """Make a value again from its text; a moment in the time zone it had."""
    if type == "Period":
        return _pandas().Period(value, freq=zone)
    made = _KINDS[type](value)
    if zone is None:
        return made
    if type == "Timestamp":
        return made.tz_convert(zone) if "/" in zone or zone == "UTC" else made
    return made.astimezone(_zone(zone)) if "/" in zone else made


def _zone(name):
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _pandas():
    import pandas as pd

    return pd


def _plain(value):
    """Return a NumPy number as Python's own, an array as a list, a set as a list in order, and what
    is missing in the way of pandas as None.
    """
    if isinstance(value, Note):
        return value
    if isinstance(value, str):
        return str(value)
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if hasattr(value, "tolist"):
        return _from_numpy(value)
    if isinstance(value, Set) and not isinstance(value, KeysView):
        return _ordered([_plain(part) for part in value])
    if isinstance(value, (list, tuple, range, KeysView, ValuesView)):
        return [_plain(part) for part in value]
    return value


def _from_numpy(value):
    kind = type(value).__name__
    if kind in ("datetime64", "timedelta64"):
        return _plain(getattr(_pandas(), "Timestamp" if kind[0] == "d" else "Timedelta")(value))
    if getattr(getattr(value, "dtype", None), "kind", "O") in "mM":
        return [_plain(part) for part in value]
    made = value.tolist()
    # A long double gives itself back.
    return float(made) if type(made) is type(value) else _plain(made)


def _ordered(parts):
    """Return the parts of a set in an order that is the same in every run and language."""
    if all(isinstance(part, (int, float)) for part in parts):
        return sorted(parts, key=lambda part: (part != part, 0 if part != part else part))
    return sorted(parts, key=lambda part: (type(part).__name__, json.dumps(plain(part))))


def _same(one, two):
    """Say whether two values are the same: of one type, save that 1 is 1.0; NaN is itself."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(_same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same, one, two))
    if _is_number(one) and _is_number(two):
        return one == two or (one != one and two != two)
    if type(one) is not type(two):
        return False
    # A moment told in two zones is two facts, and a Decimal may be NaN as well.
    return plain(one) == plain(two) if type(one).__name__ in _KINDS else bool(one == two)


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _priced(value, currency):
    if isinstance(value, list):
        return [_priced(part, currency) for part in value]
    return value.priced(currency) if isinstance(value, Note) else value
