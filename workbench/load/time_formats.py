"""How times are written: the directives of a `time_format`, each checked before a file is read."""

import re

from workbench.notes import Note

DIRECTIVES = {
    "Y": "year",
    "y": "year",
    "m": "month",
    "b": "month",
    "B": "month",
    "d": "day",
    "j": "day of the year",
    "G": "year",
    "V": "week",
    "u": "weekday",
    "H": "hour",
    "I": "hour",
    "M": "minute",
    "S": "second",
    "f": "fraction",
    "p": "half of the day",
    "z": "offset",
    "Z": "zone",
    "a": "weekday",
    "A": "weekday",
    "%": None,
}
_LIKE = {"D": "d", "s": "S", "h": "H", "i": "M", "n": "M", "N": "f", "F": "Y-%m-%d", "T": "H:%M:%S"}
NO_DIRECTIVE = Note(
    "load.time_format_none",
    "a form such as '%d-%m-%Y %H:%M' is needed (a % before each letter)",
)
UNKNOWN = Note(
    "load.time_format_unknown",
    "'%{letter}' is no part of a time. Known: {known:text}",
    letter="",
    known="",
)
UNKNOWN_NEAR = Note(
    "load.time_format_near",
    "'%{letter}' is no part of a time. Did you mean '%{near}'? Known: {known:text}",
    letter="",
    near="",
    known="",
)
TWICE = Note(
    "load.time_format_twice",
    "'%{first}' and '%{second}' are the same part of a time (%m is the month, %M the minute)",
    first="",
    second="",
)
INCOMPLETE = Note(
    "load.time_format_day",
    "a day needs its year, month and day of the month (such as '%Y-%m-%d')",
)
HALF = Note(
    "load.time_format_half",
    "'%I' counts twelve hours and needs '%p' (am or pm); '%H' counts twenty-four",
)
_PART = re.compile(r"%(-?)(.?)", re.DOTALL)


def time_format_problem(form):
    """Return what is wrong with a `time_format` as a note, or None.

    >>> print(time_format_problem("%d-%m-%Y %H:%m"))
    '%m' and '%m' are the same part of a time (%m is the month, %M the minute)
    >>> time_format_problem("%d-%m-%Y %H:%M") is None
    True
    """
    letters = [letter for _, letter in _PART.findall(form)]
    if not [letter for letter in letters if letter != "%"]:
        return NO_DIRECTIVE
    first = {}
    for letter in letters:
        if letter not in DIRECTIVES:
            return _unknown(letter)
        part = DIRECTIVES[letter]
        if part in first:
            return TWICE.having(first=first[part], second=letter)
        if part is not None:
            first[part] = letter
    days = ({"month", "day"}, {"day of the year"}, {"week", "weekday"})
    if "year" not in first or not any(part <= set(first) for part in days):
        return INCOMPLETE
    return HALF if first.get("hour") == "I" and "half of the day" not in first else None


def _unknown(letter):
    known = " ".join(f"%{letter}" for letter in DIRECTIVES)
    near = _LIKE.get(letter) or next(
        (other for other in (letter.lower(), letter.upper()) if other in DIRECTIVES), None
    )
    letter = letter if letter.isprintable() else repr(letter)[1:-1]
    if near is None:
        return UNKNOWN.having(letter=letter, known=known)
    return UNKNOWN_NEAR.having(letter=letter, near=near, known=known)
