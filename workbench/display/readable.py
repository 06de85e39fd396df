"""A table as people read it: an interval in one column, no errors beside it, nothing empty."""

from workbench.display.writing import MISSING, header
from workbench.notes import Note

_INTERVAL = Note("result.interval", "interval")
_DASH = " – "


def readable(text):
    """Return a shown table without what only a computer needs.

    The limits of an interval become one column, the standard error beside them goes, and so does a
    column in which nothing stands; `Result.table` and the workbook keep them all.
    """
    text = text.copy()
    low, high, error = (header(name) for name in ("conf_low", "conf_high", "std_error"))
    if low in text and high in text:
        place, name = text.columns.get_loc(low), str(_INTERVAL)
        name = f"{low}{_DASH}{high}" if name in text else name
        limits = zip(text.pop(low), text.pop(high), strict=True)
        text.insert(place, name, [_interval(*pair) for pair in limits])
        text = text.drop(columns=error, errors="ignore")
    said = (text != MISSING).any()
    return text.loc[:, said] if len(text) else text


def _interval(low, high):
    """Return the two limits of an interval as one text, a unit they share said once.

    >>> _interval("36.8 %", "41.9 %"), _interval("–", "–")
    ('36.8 – 41.9 %', '–')
    """
    if low == high == MISSING:
        return MISSING
    unit = " %" if low.endswith(" %") and high.endswith(" %") else ""
    return low.removesuffix(unit) + _DASH + high
