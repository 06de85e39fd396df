"""A raw column as canonical values: words, numbers, moments, yes or no."""

import re

from workbench.errors import DataError, InputError, unknown
from workbench.load import delimited
from workbench.load.report import refuse
from workbench.notes import Note

# Share of an own attribute's values that must be numbers before the others count as mistakes.
MOSTLY = 0.9
TRUTH = {
    "true": True,
    "1": True,
    "yes": True,
    "ja": True,
    "false": False,
    "0": False,
    "no": False,
    "nee": False,
}
_DOT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?")
_SIGNS = r"[€$£]?\s*[+-]?[\d.,]+([e][+-]?\d+)?\s*[€$£]?"
_ZONED = r"(?:[+-]\d{2}:?\d{2}|Z|UTC)$"
_IN_COLUMN = Note("load.in_column", "{path}, column '{column}'", path="", column="")
_DELIMITER = Note(
    "load.probably_delimiter",
    "{problem} The file has one column only; its delimiter is probably {found:repr}, not the one "
    "that was used.",
    problem="",
    found="",
)


def column_of(raw, name, path):
    """Return a column of the file; raises InputError where there is none of that name."""
    if name in raw:
        return raw[name]
    error = unknown(str(path), "column", name, raw.columns)
    found = (
        [d for d in delimited.DELIMITERS if d in raw.columns[0]] if len(raw.columns) == 1 else []
    )
    raise InputError(_DELIMITER.having(problem=error.note, found=found[0])) if found else error


def words(column):
    """Return identifiers and words as trimmed text; 17850.0 is the number 17850 read as a float."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column):
        whole = column.dropna()
        if (whole == whole.round()).all():
            column = column.astype("Int64")
    text = column.astype("string").str.strip()
    if column.dtype == object:
        text = text.str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    return text.mask(text == "").astype("str")


def number(raw, name, mapping, refused, notes, path):
    """Return a column of the file as numbers; rows with something else are refused."""
    column = column_of(raw, name, path)
    where = _IN_COLUMN.having(path=path, column=name)
    values, decimal = numbers(column, (mapping.get("read") or {}).get("decimal"), where)
    if decimal == ",":
        notes["decimal"] = ","
    refuse(refused, values.isna() & column.notna(), f"{name}: not a number")
    return values


def own(raw, name, mapping, refused, notes, path):
    """Return an attribute of the user's own as what it is: numbers, yes or no, or words. Where most
    are numbers the others are mistakes, and refused.
    """
    column = column_of(raw, name, path)
    filled = column.dropna()
    text = filled.astype("string").str.strip().str.lower()
    if len(filled) and text.isin(["true", "false", "yes", "no", "ja", "nee"]).all():
        return flags(column, refused, name).astype("Float64").astype(float)
    signs = text.str.fullmatch(_SIGNS).fillna(False)
    if len(filled) and signs.mean() >= MOSTLY:
        return number(raw, name, mapping, refused, notes, path)
    return words(column)


def numbers(column, decimal, where="column"):
    """Return a column as floats and the decimal sign it was read with; unreadable values are
    missing.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float), None
    text = column.astype("string").str.strip().str.replace(r"^[€$£]\s*|\s*[€$£]$", "", regex=True)
    decimal = decimal or _decimal(text, where)
    form, group = (_COMMA, ".") if decimal == "," else (_DOT, ",")
    valid = text.str.fullmatch(form.pattern).fillna(False) & (text.fillna("") != "")
    special = text.str.lower().isin(["inf", "-inf", "infinity", "-infinity"])
    clean = text.str.replace(group, "", regex=False).str.replace(",", ".", regex=False)
    readable = clean.where(valid | special).astype("str")
    return pd.to_numeric(readable, errors="coerce").astype(float), decimal


def _decimal(text, where):
    """Return the decimal sign the numbers are written with; "." where none shows it.

    Raises InputError where they contradict each other or leave it open.
    """
    marked = text[text.str.contains("[.,]", regex=True).fillna(False)].drop_duplicates()
    as_dot = marked.str.fullmatch(_DOT.pattern).astype(bool)
    as_comma = marked.str.fullmatch(_COMMA.pattern).astype(bool)
    dots, commas = marked[as_dot & ~as_comma], marked[as_comma & ~as_dot]
    if len(dots) and len(commas):
        raise InputError(
            "load.error_two_decimals",
            "{where}: some numbers are written like {dot:repr}, others like {comma:repr}. Say "
            "which is meant with `read: {{decimal: ','}}` or '.'; the others are then refused.",
            where=where,
            dot=dots.iloc[0],
            comma=commas.iloc[0],
        )
    both = marked[as_dot & as_comma]
    if len(both) and not len(dots) and not len(commas):
        raise InputError(
            "load.error_decimal_open",
            "{where}: {value:repr} may be a fraction or thousands. Say which with `read: "
            "{{decimal: ','}}` or '.'.",
            where=where,
            value=both.iloc[0],
        )
    return "," if len(commas) else "."


def times(column, mapping, refused, name, path):
    """Return moments in UTC. Naive ones need the mapping's zone; a mix of zoned and naive is
    refused whole.
    """
    import pandas as pd

    where = _IN_COLUMN.having(path=path, column=column.name)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    if pd.api.types.is_datetime64_dtype(column):
        return _with_zone(column, mapping.get("zone"), refused, name, where)
    text = column.astype("string").str.strip()
    zoned = text.str.contains(_ZONED, regex=True).fillna(False)
    zoned &= text.str.contains(":").fillna(False)
    form = mapping.get("time_format")
    if form is None:
        _day_or_month_first(text, where)
    _all_or_none_zoned(text, zoned, where)
    some = bool(zoned.any())
    moments = pd.to_datetime(text, format=form or "ISO8601", errors="coerce", utc=some)
    refuse(refused, moments.isna() & column.notna(), f"{name}: not a time")
    if some:
        return moments.astype("datetime64[us, UTC]")
    return _with_zone(moments, mapping.get("zone"), refused, name, where)


def _day_or_month_first(text, where):
    day_first = text.str.match(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}").fillna(False)
    if day_first.sum() > text.notna().sum() / 2:
        raise InputError(
            "load.error_day_or_month",
            "{where}: {value:repr} can be read day or month first. Say which with `time_format:`, "
            "for instance '%d-%m-%Y %H:%M'.",
            where=where,
            value=text[day_first].iloc[0],
        )


def _all_or_none_zoned(text, zoned, where):
    if not zoned.any() or zoned[text.notna()].all():
        return
    naive = text.notna() & ~zoned
    raise DataError(
        Note(
            "load.error_some_zoned",
            "{where}: {zoned} times have a zone and {naive} do not (such as {value:repr}). Give "
            "all of them a zone, or none and name it with `zone:`.",
            where=where,
            zoned=int(zoned.sum()),
            naive=int(naive.sum()),
            value=text[naive].iloc[0],
        )
    )


def _with_zone(moments, zone, refused, name, where):
    """Return naive moments in UTC, read in the mapping's zone; whole days need none."""
    if zone is None and (moments.dropna() != moments.dropna().dt.normalize()).any():
        raise InputError(
            "load.error_no_zone",
            "{where}: the times have no zone. Name it in the mapping, for instance `zone: "
            "Europe/Amsterdam` (or `zone: UTC`).",
            where=where,
        )
    try:
        local = moments.dt.tz_localize(zone or "UTC", ambiguous="NaT", nonexistent="NaT")
    except (LookupError, OSError, TypeError, ValueError):
        raise no_time_zone("mapping, zone", zone) from None
    refuse(
        refused,
        local.isna() & moments.notna(),
        f"{name}: the clock change makes this time ambiguous or impossible",
    )
    return local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def no_time_zone(where, zone):
    """Return the error of a name that is no time zone."""
    return InputError(
        "load.error_zone",
        "{where}: {zone:repr} is no time zone name; use one such as 'Europe/Amsterdam'",
        where=where,
        zone=zone,
    )


def flags(column, refused, name):
    """Return yes and no as booleans; rows with something else are refused."""
    text = column.astype("string").str.strip().str.lower().str.replace(r"\.0$", "", regex=True)
    values = text.map(TRUTH)
    refuse(refused, values.isna() & column.notna(), f"{name}: not yes or no")
    return values.astype("boolean")
