"""Values as moments in UTC: any offset, any unit, and clocks that are put forward and back."""

import re
from datetime import UTC, datetime, timedelta

from workbench.engine.duck import literal
from workbench.errors import DataError, InputError
from workbench.notes import Note

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
_UNIT_NAMES = {
    "s": Note("load.unit_s", "seconds since 1970"),
    "ms": Note("load.unit_ms", "milliseconds since 1970"),
    "us": Note("load.unit_us", "microseconds since 1970"),
    "ns": Note("load.unit_ns", "nanoseconds since 1970"),
    "days": Note("load.unit_days", "day numbers of a spreadsheet"),
}
# From which value on a number is taken for a count of this unit: 1973 on, and days from 1954 on.
_FROM = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
_DAYS = (20_000, 80_000)
# Minutes ahead of UTC of clocks that are one place's alone: CST is Chicago's and Shanghai's.
_CLOCKS = {
    **{"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "MEZ": 60, "CEST": 120},
    **{"MESZ": 120, "EET": 120, "EEST": 180, "EST": -300, "EDT": -240, "MST": -420},
    **{"MDT": -360, "PST": -480, "PDT": -420},
}
_MARKS = "|".join(sorted(_CLOCKS, key=len, reverse=True))
_OFFSET = rf"{_MARKS}|[+-]\d{{1,2}}(?::?\d{{2}})?"
# The name of a zone where there is no offset, and behind one, where it adds nothing.
_NAMED = r"[\s\[]+([A-Z][A-Za-z_]+/[A-Za-z_/+-]+)\]?$"
_BESIDE = r"(\d|Z)\s*\[[A-Za-z_/+-]+\]$"
ZONES = 20  # different names that are looked at
_ISO = (
    r"(?i)^(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))"
    r"(?:[T ]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?"
    rf"\s*({_OFFSET})?$"
)
_ZONED = rf"(?i)^.{{8,}}:\d{{2}}(?:[.,]\d+)?\s*(?:{_OFFSET})$"
_CLOCK = r"(?i)^(\d{1,2})[:.]?(\d{2})?(?:[:.](\d{2})(?:[.,](\d{1,6}))?)?\s*([ap])?\.?(?:m\.?)?$"


def stamp_of(text):
    """Return the SQL of a text in ISO 8601, or close to it, as the clock time it shows."""
    parts = (
        f"regexp_extract({text}, '{_ISO}', ['y','m1','d1','m2','d2','m3','d3','h','i','s','f','z'])"
    )
    made = (
        "p.y || '-' || (p.m1 || p.m2 || p.m3) || '-' || (p.d1 || p.d2 || p.d3) || ' ' || "
        "CASE p.h WHEN '' THEN '00' ELSE p.h END || ':' || CASE p.i WHEN '' THEN '00' ELSE p.i END"
        " || ':' || CASE p.s WHEN '' THEN '00' ELSE p.s END || '.' || "
        "CASE p.f WHEN '' THEN '0' ELSE left(p.f, 6) END"
    )
    return (
        f"(SELECT TRY_CAST(CASE WHEN p.y <> '' THEN {made} END AS TIMESTAMP) "
        f"FROM (SELECT {parts} AS p))"
    )


def offset_of(text):
    """Return the SQL of the minutes a text says its clock is ahead of UTC; NULL for none."""
    tail = f"regexp_extract({text}, '(?i)({_OFFSET})$', 1)"
    clocks = " ".join(f"WHEN upper({tail}) = '{name}' THEN {n}" for name, n in _CLOCKS.items())
    return f"""CASE WHEN NOT regexp_matches({text}, '{_ZONED}') THEN NULL {clocks}
      ELSE CASE WHEN {tail}[1] = '-' THEN -1 ELSE 1 END * (
        60 * CAST(regexp_extract({tail}, '^.(\\d{{1,2}})', 1) AS INTEGER) + coalesce(TRY_CAST(
          regexp_extract({tail}, '^.\\d{{1,2}}:?(\\d{{2}})$', 1) AS INTEGER), 0)) END"""


def without_name(text):
    """Return the SQL of a moment without the name of a zone in brackets behind its offset."""
    return f"regexp_replace({text}, '{_BESIDE}', '\\1')"


def names_of(raw, text):
    """Return the names of zones that stand behind moments of a column; none where they are many."""
    name = name_of(text)
    found = raw.workspace.rows(
        f"SELECT DISTINCT {name} AS n FROM {raw.relation} WHERE {name} <> '' "
        f"ORDER BY n LIMIT {ZONES + 1}"
    )
    names = [name for (name,) in found]
    return names if len(names) <= ZONES else []


def name_of(text):
    """Return the SQL of the name of a zone behind a moment; '' for none."""
    return f"regexp_extract({text}, '{_NAMED}', 1)"


def clock_before_name(text):
    """Return the SQL of the clock time of a moment that names its zone; NULL for any other."""
    stamp = stamp_of(f"regexp_replace({text}, '{_NAMED}', '')")
    return f"CASE WHEN {name_of(text)} <> '' THEN {stamp} END"


def in_named(local, name, names, first, last):
    """Return the SQL of clock times in UTC, each in the zone of a name; NULL where that clock skips
    or repeats it.
    """
    cases = " ".join(f"WHEN {literal(n)} THEN {in_utc(local, n, first, last)}" for n in names)
    return f"CASE {name} {cases} END"


def written_otherwise(text, value, length):
    """Return the SQL of a moment that is not written as long, or with other marks."""
    clock = {10: "", 16: "_____", 19: "_____:__"}[length]
    forms = [f"{'_' * 10}{mark}{clock}" for mark in (" T" if clock else [""])]
    alike = " OR ".join(f"{text} LIKE {literal(form)}" for form in forms)
    return f"{text} IS NOT NULL AND ({value} IS NULL OR NOT ({alike}))"


def clock_of(text):
    """Return the SQL of a time of day as an interval since midnight."""
    parts = f"regexp_extract({text}, '{_CLOCK}', ['h', 'i', 's', 'f', 'p'])"
    hour = (
        "CASE WHEN lower(p.p) = 'p' AND TRY_CAST(p.h AS INTEGER) < 12 THEN 12 "
        "WHEN lower(p.p) = 'a' AND TRY_CAST(p.h AS INTEGER) = 12 THEN -12 ELSE 0 END"
    )
    made = (
        "p.h || ':' || CASE p.i WHEN '' THEN '00' ELSE p.i END || ':' || "
        "CASE p.s WHEN '' THEN '00' ELSE p.s END || '.' || CASE p.f WHEN '' THEN '0' ELSE p.f END"
    )
    return (
        "(SELECT to_microseconds(epoch_us(TRY_CAST(CASE WHEN p.h <> '' AND (p.i <> '' OR p.p <> "
        f"'') THEN {made} END AS TIME))) + to_hours({hour}) FROM (SELECT {parts} AS p))"
    )


def formats(form):
    """Return the forms a time_format stands for: with and without a fraction of the second, and
    what follows it on the clock.

    >>> formats("%H:%M:%S")
    ['%H:%M:%S', '%H:%M:%S.%f']
    """
    found = [form]
    if "%S.%f" in form:
        found.append(form.replace("%S.%f", "%S"))
    elif "%S" in form and "%f" not in form:
        found.append(form.replace("%S", "%S.%f"))
    return found


def zone_of(form):
    """Return the zone that a time_format writes out at its end, or None.

    >>> zone_of("%Y-%m-%d %H:%M:%S UTC")
    'UTC'
    """
    return "UTC" if form and re.search(r"(?<!%)(UTC|GMT|Z)$", form.strip()) else None


def in_utc(local, zone, first, last):
    """Return the SQL of a clock time in a zone as UTC; NULL where the clock skips or repeats it.

    Clocks change seldom: between the first and last moment of the data they are a few cases, which
    cost a hundredth of asking a calendar of zones for every row.
    """
    if zone in (None, "UTC"):
        return local
    return _tree(local, _pieces(zone, first, last))


def _tree(local, pieces):
    """Return the branches that look for the piece of time a clock stands in, halving them."""
    if len(pieces) == 1:
        offset = pieces[0][1]
        return "NULL" if offset is None else _shifted(local, offset)
    middle = len(pieces) // 2
    before, after = _tree(local, pieces[:middle]), _tree(local, pieces[middle:])
    until = pieces[middle - 1][0]
    return f"CASE WHEN {local} < TIMESTAMP '{until}' THEN {before} ELSE {after} END"


def _shifted(local, offset):
    return f"{local} - INTERVAL ({offset}) SECOND" if offset else local


def _pieces(zone, first, last):
    """Return (until, offset in seconds) of the clock of a zone; an offset of None where it skips
    or repeats.
    """
    from zoneinfo import ZoneInfo

    calendar = ZoneInfo(zone)
    low, high = datetime(1970, 1, 1), datetime.now() + timedelta(days=3)
    begin = min(max(first or low, low), high) - timedelta(days=2)
    end = max(min(last or high, high), begin) + timedelta(days=2)
    pieces, moment = [], begin.replace(tzinfo=UTC)
    offset = _offset(moment, calendar)
    while moment < end.replace(tzinfo=UTC):
        later = moment + timedelta(days=1)
        changed = _offset(later, calendar)
        if changed != offset:
            when = _change(moment, later, calendar).replace(tzinfo=None)
            before, after = sorted((offset, changed))
            pieces.append((when + timedelta(seconds=before), offset))
            pieces.append((when + timedelta(seconds=after), None))
            offset = changed
        moment = later
    return [*pieces, (None, offset)]


def _offset(moment, calendar):
    return int(moment.astimezone(calendar).utcoffset().total_seconds())


def _change(low, high, calendar):
    """Return the second at which a clock changes between two moments."""
    before = _offset(low, calendar)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if _offset(middle, calendar) == before:
            low = middle
        else:
            high = middle
    return high


def numbers_error(where, values, column):
    """Return the error of a column of numbers where moments are needed: what they look like."""
    middle = values[len(values) // 2]
    size = abs(middle)
    unit = next((u for start, u in _FROM if size >= start), None)
    if unit is None and _DAYS[0] <= size <= _DAYS[1]:
        unit = "days"
    if unit is None:
        return DataError(
            Note(
                "load.error_time_numbers",
                "{where}: these are numbers, such as {value}, and no moments. Say what they count "
                "with `{{epoch: {column}, unit: s}}` (s, ms, us or ns since 1970) or "
                "`{{day_number: {column}}}` (days of a spreadsheet).",
                where=where,
                value=_shown(middle),
                column=column,
            )
        )
    key = f"{{day_number: {column}}}" if unit == "days" else f"{{epoch: {column}, unit: {unit}}}"
    return DataError(
        Note(
            "load.error_time_unit",
            "{where}: these are numbers, such as {value}; they look like {unit}. Say so in the "
            "mapping: `{key}`.",
            where=where,
            value=_shown(middle),
            unit=_UNIT_NAMES[unit],
            key=key,
        )
    )


def _shown(value):
    return str(int(value)) if value == int(value) else repr(value)


def day_or_month(where, one, above, second):
    """Return the error of days that may begin with the month; it names the form a value shows."""
    separator = next(c for c in one if not c.isdigit())
    if above and not second:
        form = separator.join(("%d", "%m", "%Y"))
    elif second and not above:
        form = separator.join(("%m", "%d", "%Y"))
    else:
        return InputError(
            "load.error_day_or_month",
            "{where}: {value:repr} can be read day or month first. Say which with "
            "`time_format:`, for instance '%d-%m-%Y %H:%M'.",
            where=where,
            value=one,
        )
    clock = "%H:%M:%S" if one.count(":") == 2 else "%H:%M" if ":" in one else ""
    if clock and re.search(r"(?i)\d\s?[ap]\.?m", one):
        clock = clock.replace("%H", "%I") + (" %p" if re.search(r"(?i)\s[ap]\.?m", one) else "%p")
    clock = f" {clock}" if clock else ""
    return InputError(
        "load.error_time_form",
        "{where}: the times are written like {value:repr}. Say so in the mapping, with what "
        "the other values allow: `time_format: '{form}'`.",
        where=where,
        value=one,
        form=form + clock,
    )


def check_zone(where, zone):
    """Raise InputError for a name that is no time zone."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(zone)
    except (LookupError, OSError, ValueError):
        raise no_time_zone(where, zone) from None


def no_time_zone(where, zone):
    """Return the error of a name that is no time zone."""
    return InputError(
        "load.error_zone",
        "{where}: {zone:repr} is no time zone name; use one such as 'Europe/Amsterdam'",
        where=where,
        zone=zone,
    )
