"""A fact with its sentence: what a number says, told apart from how a language says it.

A note holds a stable id, the English sentence that stands where its number is made, and the values
themselves. It is written out only when it is shown, in the language of that moment.

In the sentence a value stands as `{name}` or `{name:form}`; the forms are listed in
`workbench.display.writing.FORMS`, such as `{share:%}` for a percentage, `{window:span}` for a
duration and `{brand:word}` for a name of our own.
"""

from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from string import Formatter

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
        return self.id == other.id and self.to_dict() == other.to_dict()

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
        return ":money}" in self.english

    @property
    def counted(self):
        """The value that decides between one and many."""
        return self.values["n"] if "n" in self.values else self.values["count"]

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
            "values": {name: _dump(value) for name, value in self.values.items()},
        }


def from_dict(kept):
    """Make a note again from what `Note.to_dict` returned; anything else comes back as it is.

    >>> note = Note("demo", "{n} left.", n=3)
    >>> from_dict(note.to_dict()) == note
    True
    """
    if isinstance(kept, Mapping) and "note" in kept:
        values = {name: from_dict(value) for name, value in kept["values"].items()}
        return Note(kept["note"], kept["english"], kept["many"], **values)
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


def _plain(value):
    """Return a NumPy number as Python's own, and an array as a list."""
    if isinstance(value, Note):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(part) for part in value]
    return value


def _dump(value):
    if isinstance(value, Note):
        return value.to_dict()
    if isinstance(value, list):
        return [_dump(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
