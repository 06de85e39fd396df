"""Numbers, durations, dates and names as people read them, and notes written out."""

import datetime
import re
from contextlib import suppress
from decimal import Decimal
from functools import wraps
from numbers import Number
from string import Formatter

from workbench.display import languages, vocabulary
from workbench.notes import Note

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s?(D|h|min|s|W|ms)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Columns that hold durations.
SPANS = ("gap", "half_life", "horizon", "timeout", "window", "within")
# Babel 2.18 has no Dutch for days and hours as units.
_UNITS = {
    "D": Note("span.day", "{n} day", "{n} days", n=1),
    "h": Note("span.hour", "{n} hour", "{n} hours", n=1),
    "min": Note("span.minute", "{n} minute", "{n} minutes", n=1),
    "s": Note("span.second", "{n} second", "{n} seconds", n=1),
    "W": Note("span.week", "{n} week", "{n} weeks", n=1),
    "ms": Note("span.millisecond", "{n} millisecond", "{n} milliseconds", n=1),
}
_SECONDS = {"W": 604_800, "D": 86_400, "h": 3600, "min": 60, "s": 1, "ms": 0.001}
MISSING, INFINITE = "–", "∞"
_LARGEST = 1e300  # past this a float soon overflows
_FIXED = 1e15  # past this nobody reads the figures before the point


def is_missing(value):
    """Say whether a value is missing, in whatever way: None, NaN, NaT, pandas' NA.

    >>> is_missing(None), is_missing(float("nan")), is_missing("nan")
    (True, True, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    comparable = isinstance(value, (Number, Decimal)) or _is_numpy_time(value)
    return comparable and bool(value != value)


def _is_numpy_time(value):
    return type(value).__name__ in ("datetime64", "timedelta64")


def _signed(write):
    """Let a way of writing meet what is missing or infinite: one sign for each, in every form."""

    @wraps(write)
    def careful(value, *args):
        if is_missing(value):
            return MISSING
        value = value.item() if isinstance(value, Number) and hasattr(value, "item") else value
        if isinstance(value, (Number, Decimal)) and abs(value) > _LARGEST:
            return INFINITE if value > 0 else f"-{INFINITE}"
        return write(value, *args)

    return careful


# What a terminal would obey or a reader could be deceived by: control characters, marks that turn
# the direction of writing, half characters. Joiners stay: words and pictures are made with them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text):
    """Return text with what would be obeyed rather than read written out.

    >>> print(visible("red\\x1b[31m"))
    red\\x1b[31m
    """
    return _UNSEEN.sub(_written_out, text)


def _written_out(match):
    char = match[0]
    code = ord(char)
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def render(note):
    """Return a note as text in the language in use; text stays as it is.

    >>> render(Note("demo", "{share:%} within {window:span}", share=0.4, window="90D"))
    '40.0 % within 90 days'
    >>> render(Note("demo", "customers at {start}", start="2017-07-04"))
    'customers at 4 July 2017'
    """
    return _fill(languages.sentence(note), note.values) if isinstance(note, Note) else str(note)


def _fill(sentence, values):
    out = []
    for text, name, form, _ in Formatter().parse(sentence):
        out.append(text)
        if name is not None:
            out.append(_write(values[name], form, name, values.get("currency")))
    return "".join(out)


def _write(value, form, name, currency):
    """Write one value in one of the forms; a list is written part by part."""
    if isinstance(value, list):
        joined = "; " if value and all(isinstance(part, Note) for part in value) else ", "
        return joined.join(_write(part, form, name, currency) for part in value)
    if isinstance(value, Note):
        return render(value)
    if form == "word":
        return visible(word(value, name))
    if form == "money":
        return money(value, currency)
    if form == "" and isinstance(value, str):
        # A day handed in as text is a day in a sentence.
        return visible(date(value))
    text = FORMS[form](value) if form in FORMS else number(value, int(form))
    return visible(text) if isinstance(value, str) or form in ("", "text") else text


@_signed
def _anything(value):
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return word("yes" if value else "no")
    if isinstance(value, (Number, Decimal)):
        return number(value)
    if isinstance(value, str):
        return value
    return span(value) if _is_duration(value) else date(value)


def _is_duration(value):
    return isinstance(value, datetime.timedelta) or type(value).__name__ == "timedelta64"


@_signed
def span(value):
    """Write a duration such as "30D" in words; anything else stays as it is.

    >>> span("30D"), span("1h"), span(datetime.timedelta(hours=36)), span("no limit")
    ('30 days', '1 hour', '36 hours', 'no limit')
    """
    if _is_duration(value):
        return _duration(value)
    parts = _SPAN.fullmatch(str(value))
    if not parts:
        return str(value)
    return render(_UNITS[parts[2]].having(n=float(parts[1])))


def _duration(value):
    """Write a duration in the largest unit, up to days, of which it is a whole number."""
    seconds = value / datetime.timedelta(seconds=1) if hasattr(value, "days") else None
    if seconds is None:
        import pandas as pd

        seconds = pd.Timedelta(value).total_seconds()
    whole = (unit for unit in ("D", "h", "min", "s") if seconds % _SECONDS[unit] == 0)
    unit = next(whole, "s" if abs(seconds) > 1 else "ms")
    return render(_UNITS[unit].having(n=seconds / _SECONDS[unit]))


@_signed
def date(value):
    """Write a day in full; text that is no day stays as it is.

    >>> date(datetime.date(2025, 1, 31)), date("2025-01-31"), date("the first day")
    ('31 January 2025', '31 January 2025', 'the first day')
    """
    if type(value).__name__ == "datetime64":
        value = datetime.date.fromisoformat(str(value.astype("datetime64[D]")))
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            value = datetime.date.fromisoformat(value)
    if not isinstance(value, datetime.date):
        return str(value)
    from babel.dates import format_date

    return format_date(value, "long", locale=languages.locale(languages.language()))


def days(values):
    """Write days for a figure or a table; where all of several begin a month they are months.

    >>> import datetime
    >>> days([datetime.date(2025, 1, 1), datetime.date(2025, 2, 1)])
    ['Jan 2025', 'Feb 2025']
    """
    values = list(values)
    months = len(set(values)) > 1 and all(day.day == 1 for day in values)
    return [month(day) if months else short_date(day) for day in values]


def short_date(value):
    """Write a day for a figure or a table.

    >>> import datetime
    >>> short_date(datetime.date(2025, 1, 31))
    '31 Jan 2025'
    """
    return _formatted(value, "d MMM y")


def month(value):
    """Write the month of a day for a figure.

    >>> import datetime
    >>> month(datetime.date(2025, 1, 1))
    'Jan 2025'
    """
    return _formatted(value, "MMM y")


@_signed
def full_month(value):
    """Write the month of a day in a sentence; what is no day stays as it is.

    >>> import datetime
    >>> full_month(datetime.date(2025, 1, 1))
    'January 2025'
    """
    return _formatted(value, "MMMM y") if isinstance(value, datetime.date) else str(value)


def _formatted(value, pattern):
    from babel.dates import format_date

    return format_date(value, pattern, locale=languages.locale(languages.language()))


@_signed
def word(name, role=None):
    """Return how one of the workbench's own names is shown; anything else stays as it is.

    `role` is the column or value in which the name stands, where it may be a user's own.

    >>> word("conf_low"), word("a user's own"), word("count", "group")
    ('low', "a user's own", 'count')
    """
    name = str(name)
    if " > " in name:
        return " > ".join(word(part, role) for part in name.split(" > "))
    if name.startswith("constant: ") and role in (None, "term", "terms"):
        return f"{word('constant')}: {name[10:]}"
    if role is not None and not (languages.all_ours() or vocabulary.is_ours(name, role)):
        return name
    # Brand names are not in the household panel: its brands are numbered manufacturers.
    if re.fullmatch(r"maker \d+", name):
        return f"{word('maker')} {name[6:]}"
    return languages.entry(languages.language(), "word", name) or name


def one(unit):
    """Return what one of a unit is called.

    >>> one("customers"), one("a user's own")
    ('customer', "a user's own")
    """
    return languages.entry(languages.language(), "one", str(unit)) or word(unit)


@_signed
def key(value, column=""):
    """Return a value of a table's column as it is shown: a duration in words, a name of our own in
    the language in use, anything else as it is.

    >>> key("30D", "window"), key("30D", "product_id")
    ('30 days', '30D')
    """
    shown = _anything(value) if _is_duration(value) else visible(word(value, column))
    return span(shown) if column in SPANS else shown


@_signed
def header(name):
    """Return how a column is headed; underscores become spaces where no word is listed.

    >>> header("my_own_column")
    'my own column'
    """
    name = str(name)
    shown = languages.entry(languages.language(), "header", name)
    shown = shown or languages.entry(languages.language(), "word", name)
    return shown or name.replace("_", " ")


@_signed
def number(value, digits=4):
    """Write a number with `digits` significant figures in the style of the language in use.

    >>> number(1234.56), number(0.01234), number(9.9999)
    ('1,235', '0.01234', '10.00')
    """
    value = float(value)
    if value == int(value) and abs(value) < _FIXED:
        return _localise(f"{int(value):,}")
    # Rounding may add a figure before the point: 9.9999 is 10.00.
    power = int(f"{value:.{digits - 1}e}".split("e")[1])
    if power < -4 or power >= 15:
        return _localise(f"{value:.{digits - 1}g}")
    return _localise(f"{value:,.{max(digits - 1 - power, 0)}f}")


@_signed
def plain(value):
    """Write a number without zeros at its end, as on an axis.

    >>> plain(0.5), plain(-1500)
    ('0.5', '-1,500')
    """
    return _localise(f"{round(float(value), 10):,.10g}")


@_signed
def p_value(value):
    """Write a p-value; below a thousandth no more than that is said.

    >>> p_value(6e-253), p_value(0.0312)
    ('<0.001', '0.0312')
    """
    return f"<{_localise('0.001')}" if value < 0.001 else number(value, 3)


@_signed
def percent(value, digits=1):
    """Write a share as a percentage.

    >>> percent(0.6561)
    '65.6 %'
    """
    return _fixed(100 * float(value), digits) + " %"


def money(amount, currency=None):
    """Write an amount of money in its currency; without one, as a number.

    >>> money(1234.5, "EUR"), money(29.49)
    ('€1,234.50', '29.49')
    """
    if currency is None or is_missing(amount) or abs(float(amount)) > _LARGEST:
        return number(amount)
    if abs(amount) >= _FIXED:
        return f"{currency} {number(amount)}"
    from babel.numbers import format_currency

    # Nobody reads cents behind thousands; adding nothing takes the sign off a rounded zero.
    amount = round(float(amount), 0 if abs(amount) >= 10_000 else 2) + 0.0
    pattern = "¤#,##0" if abs(amount) >= 10_000 else "¤#,##0.00"
    if languages.language() == "nl":
        pattern = pattern.replace("¤", "¤\N{NO-BREAK SPACE}")
    spoken = languages.locale(languages.language())
    return format_currency(amount, currency, pattern, locale=spoken, currency_digits=False)


@_signed
def points(value):
    """Write a difference of shares in percentage points, without the unit.

    >>> points(0.0312)
    '3.1'
    """
    return _fixed(100 * float(value), 1)


def _fixed(value, digits):
    """Write a number with so many figures behind the point, unless it is out of all measure."""
    return number(value) if abs(value) >= _FIXED else _localise(f"{value:,.{digits}f}")


def _localise(text):
    """Swap the signs of thousands and decimals for those of the language in use; what was rounded
    to nothing has no sign.
    """
    if not re.search("[1-9]", text):
        text = text.replace("-", "")
    if languages.language() == "en":
        return text
    symbols = languages.locale(languages.language()).number_symbols["latn"]
    return text.translate(str.maketrans({",": symbols["group"], ".": symbols["decimal"]}))


# How a value may be asked for in a sentence; a bare number is a count of significant figures.
FORMS = {
    "": _anything,
    "%": percent,
    "%0": lambda value: percent(value, 0),
    "%2": lambda value: percent(value, 2),
    "%3": lambda value: percent(value, 3),
    "p": p_value,
    "plain": plain,
    "points": points,
    "money": money,
    "span": span,
    "date": date,
    "month": full_month,
    "word": word,
    "header": header,
    "one": one,
    "text": _signed(str),
    "repr": _signed(repr),
}
