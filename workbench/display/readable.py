"""A table as people read it: an interval in one column, no errors beside it, nothing empty."""

import re

from workbench.display.writing import MISSING, header
from workbench.notes import Note

_INTERVAL = Note("result.interval", "interval")
_INTERVAL_OF = Note("result.interval_of", "{what:header}, interval", what="")
_DASH = " – "
_UNIT = re.compile(r"( [^\W\d]+| %)?$")
# Notes that stand in place of an answer: why there is none.
_UNSAID = ("result.unknown", "result.too_few", "review.nothing")
# What other columns hold the limits of an interval: their names begin with its own.
_OTHERS = ("difference", "law", "theory")


def is_unsaid(answer):
    """Say whether an answer only says that there is none."""
    return isinstance(answer, Note) and answer.id in _UNSAID


def readable(text):
    """Return a shown table without what only a computer needs.

    The limits of an interval become one column, the standard error beside them goes, and so does a
    column in which nothing stands; `Result.table` and the workbook keep them all.
    """
    text = text.copy()
    if _joined(text, "conf_low", "conf_high", str(_INTERVAL)):
        text = text.drop(columns=header("std_error"), errors="ignore")
    for name in _OTHERS:
        _joined(text, f"{name}_low", f"{name}_high", str(_INTERVAL_OF.having(what=name)))
    said = (text != MISSING).any()
    return text.loc[:, said] if len(text) else text


def _joined(text, low, high, name):
    """Put the two columns of limits into one, where both are there, and say whether they were."""
    low, high = header(low), header(high)
    if low not in text or high not in text:
        return False
    place = text.columns.get_loc(low)
    name = f"{low}{_DASH}{high}" if name in text else name
    limits = zip(text.pop(low), text.pop(high), strict=True)
    text.insert(place, name, [_interval(*pair) for pair in limits])
    return True


def _interval(low, high):
    """Return the two limits of an interval as one text, a unit they share said once.

    >>> _interval("36.8 %", "41.9 %"), _interval("1.5 pp", "3.1 pp"), _interval("–", "–")
    ('36.8 – 41.9 %', '1.5 – 3.1 pp', '–')
    """
    if low == high == MISSING:
        return MISSING
    units = {_UNIT.search(limit)[0] for limit in (low, high)}
    return low.removesuffix(units.pop() if len(units) == 1 else "") + _DASH + high
