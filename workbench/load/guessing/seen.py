"""What the values of a column look like: how its times and numbers are written."""

import re
from dataclasses import dataclass

_CLOCK = r"(\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)(\s?[AaPp]\.?[Mm]\.?)?"
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)?"
)
_ZONED = re.compile(r":.*(Z|UTC|[+-]\d{2}(:?\d{2})?)$")
_DAYS = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}})(?:(,?\s+){_CLOCK})?")
_YEAR_FIRST = re.compile(rf"(\d{{4}})([/.])(\d{{1,2}})\2(\d{{1,2}})(?:(\s){_CLOCK})?")
_NUMBER = re.compile(r"[+-]?\s*[€$£]?\s*[+-]?[\d.,\s]*\d-?\s*[€$£]?")
_POINT = re.compile(r"(\d{1,3})(?:\.0)?")
_LABEL = re.compile(r"(\d{1,2})\s*(?:[-–—=:.)(]\s*|\s)\w")
# Digits of a moment counted since 1970, for the years from 2001 to 2100.
_EPOCHS = {10: "s", 13: "ms", 16: "us", 19: "ns"}
MONTHS_OF_A_YEAR = 12
LOOK = 5000  # values that are looked at


@dataclass(frozen=True)
class Times:
    """How a column writes its moments.

    `expression` is the key that reads them (epoch, day_number) with its further keys, `form` the
    time_format they need, `forms` the possible ones where day and month cannot be told apart;
    `zoned` says whether each carries its zone, `clock` whether there is a time of day.
    """

    zoned: bool = False
    clock: bool = True
    form: str | None = None
    forms: tuple = ()
    expression: dict | None = None


def times(values, typed=None):
    """Return how moments are written, or None where they are none."""
    texts = values[:LOOK]
    if not texts:
        return None
    if typed in ("time", "zoned"):
        clock = any(not re.search(r"00:00(:00)?([+-]|Z|$)", t) for t in texts if ":" in t)
        return Times(zoned=typed == "zoned", clock=clock)
    if all(_ISO.fullmatch(t) for t in texts):
        clock = any(":" in t for t in texts)
        return Times(zoned=clock and all(_ZONED.search(t) for t in texts), clock=clock)
    if all(t.isdigit() for t in texts):
        return _counted(texts)
    return _with_days(texts) or _year_first(texts)


def _counted(texts):
    lengths = {len(t) for t in texts}
    if len(lengths) == 1 and (unit := _EPOCHS.get(lengths.pop())):
        return Times(zoned=True, expression={"unit": unit})
    if all(len(t) == 8 and t[:2] in ("19", "20") and 0 < int(t[4:6]) <= 12 for t in texts):
        return Times(clock=False, form="%Y%m%d")
    return None


def _with_days(texts):
    found = [_DAYS.fullmatch(t) for t in texts]
    ways = {(m[2], len(m[4]), _clock(m[5], m[6], m[7], m[9])) for m in found} if all(found) else ()
    if len(ways) != 1:
        return None
    sign, digits, clock = ways.pop()
    year = "%Y" if digits == 4 else "%y"
    day_first = f"%d{sign}%m{sign}{year}{clock}"
    month_first = f"%m{sign}%d{sign}{year}{clock}"
    first = any(int(m[1]) > MONTHS_OF_A_YEAR for m in found)
    second = any(int(m[3]) > MONTHS_OF_A_YEAR for m in found)
    if first and second:
        return None
    if first or second:
        return Times(clock=bool(clock), form=day_first if first else month_first)
    return Times(clock=bool(clock), forms=(day_first, month_first))


def _year_first(texts):
    found = [_YEAR_FIRST.fullmatch(t) for t in texts]
    if not all(found) or len({m[2] for m in found}) > 1:
        return None
    clocks = {_clock(m[5], m[6], m[7], m[9]) for m in found}
    if len(clocks) > 1:
        return None
    sign, clock = found[0][2], clocks.pop()
    return Times(clock=bool(clock), form=f"%Y{sign}%m{sign}%d{clock}")


def _clock(between, clock, seconds, half):
    """Return how the time of day is written."""
    if clock is None:
        return ""
    fraction = ".%f" if seconds and "." in seconds else ""
    tail = f":%M{':%S' if seconds else ''}{fraction}"
    if half is None:
        return f"{between}%H{tail}"
    return f"{between}%I{tail}{' ' if half[0].isspace() else ''}%p"


def is_clock(values):
    """Say whether values are times of day."""
    return bool(values) and all(re.fullmatch(_CLOCK, v) for v in values[:LOOK])


def clock_form(values):
    """Return how times of day are written, as part of a time_format."""
    found = re.fullmatch(_CLOCK, values[0])
    return _clock(" ", found[1], found[2], found[4])


def is_number(values, share=0.98):
    """Say whether nearly all values are numbers, a currency sign with them or not."""
    texts = values[:LOOK]
    hits = sum(_NUMBER.fullmatch(t) is not None for t in texts)
    return bool(texts) and hits >= share * len(texts)


def decimal_comma(values):
    """Say whether numbers are written with a decimal comma beyond doubt."""
    return any(
        re.search(r"\d,\d{1,2}\b(?!,)", v) and not re.search(r",.*[.]", v) for v in values[:LOOK]
    )


def below_zero(values):
    """Return how many amounts are below 0."""
    return sum(v.startswith("-") or re.search(r"[€$£\s]-\d|\d-$", v) is not None for v in values)


def currency_sign(values):
    """Return the one currency a sign in the values names, or None."""
    signs = {sign for v in values[:LOOK] for sign in "€£" if sign in v}
    return {"€": "EUR", "£": "GBP"}[signs.pop()] if len(signs) == 1 else None


def labelled(values):
    """Say whether some answers are labels that begin with their number: "10 - Extremely likely"."""
    texts = values[:LOOK]
    return any(not _POINT.fullmatch(t) for t in texts) and all(
        _POINT.fullmatch(t) or _LABEL.match(t) for t in texts
    )


def is_scale(values):
    """Say whether answers are points of a scale: few small numbers, labelled or not."""
    texts = values[:LOOK]
    points = [m[1] for t in texts if (m := _POINT.fullmatch(t) or _LABEL.match(t))]
    return bool(texts) and len(points) >= 0.95 * len(texts) and 2 <= len(set(points)) <= 11
