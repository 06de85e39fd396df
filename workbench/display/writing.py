"""Numbers, durations, dates and names as people read them, and notes written out."""

import re
from math import floor, log10
from string import Formatter

from workbench.display import languages
from workbench.notes import Note

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s?(D|h|min|s|W|ms)")
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
    """
    return _fill(languages.sentence(note), note.values) if isinstance(note, Note) else str(note)


def _fill(sentence, values):
    out = []
    for text, name, form, _ in Formatter().parse(sentence):
        out.append(text)
        if form == "money":
            out.append(money(values[name], values.get("currency")))
        elif name is not None:
            out.append(_write(values[name], form))
    return "".join(out)


def _write(value, form):
    """Write one value in one of the forms; a list is written part by part."""
    if isinstance(value, list):
        joined = "; " if value and all(isinstance(part, Note) for part in value) else ", "
        return joined.join(_write(part, form) for part in value)
    if isinstance(value, Note):
        return render(value)
    text = FORMS[form](value) if form in FORMS else number(value, int(form))
    return visible(text) if isinstance(value, str) or form in ("", "text") else text


def _anything(value):
    if isinstance(value, bool):
        return word("yes" if value else "no")
    if value is None:
        return "–"
    if isinstance(value, (int, float)):
        return number(value)
    return date(value) if hasattr(value, "strftime") else str(value)


def span(value):
    """Write a duration such as "30D" in words; anything else stays as it is.

    >>> span("30D"), span("1h"), span("no limit")
    ('30 days', '1 hour', 'no limit')
    """
    parts = _SPAN.fullmatch(str(value))
    if not parts:
        return str(value)
    return render(_UNITS[parts[2]].having(n=float(parts[1])))


def date(value):
    """Write a day in full; text stays as it is.

    >>> import datetime
    >>> date(datetime.date(2025, 1, 31))
    '31 January 2025'
    """
    if not hasattr(value, "strftime"):
        return str(value)
    from babel.dates import format_date

    return format_date(value, "long", locale=languages.locale(languages.language()))


def word(name):
    """Return how one of the workbench's own names is shown; anything else stays as it is.

    >>> word("conf_low"), word("a user's own")
    ('low', "a user's own")
    """
    name = str(name)
    if " > " in name:
        return " > ".join(word(part) for part in name.split(" > "))
    if name.startswith("constant: "):
        return f"{word('constant')}: {name[10:]}"
    # Brand names are not in the household panel: its brands are numbered manufacturers.
    if re.fullmatch(r"maker \d+", name):
        return f"{word('maker')} {name[6:]}"
    return languages.entry(languages.language(), "word", name) or name


def key(value, column=""):
    """Return a value of a table's column as it is shown: a duration in words, a name of our own in
    the language in use, anything else as it is.

    >>> key("30D", "window"), key("30D", "product_id")
    ('30 days', '30D')
    """
    return span(word(value)) if column in SPANS else word(value)


def header(name):
    """Return how a column is headed; underscores become spaces where no word is listed.

    >>> header("my_own_column")
    'my own column'
    """
    name = str(name)
    shown = languages.entry(languages.language(), "header", name)
    shown = shown or languages.entry(languages.language(), "word", name)
    return shown or name.replace("_", " ")


def number(value, digits=4):
    """Write a number with `digits` significant figures in the style of the language in use.

    >>> number(1234.56), number(0.01234)
    ('1,235', '0.01234')
    """
    value = float(value)
    if value != value:
        return "–"
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e15:
        return _localise(f"{int(value):,}")
    places = digits - 1 - floor(log10(abs(value)))
    written = f"{value:,.{max(places, 0)}f}" if abs(value) >= 1e-4 else f"{value:.{digits - 1}g}"
    return _localise(written)


def plain(value):
    """Write a number without zeros at its end, as on an axis.

    >>> plain(0.5), plain(-1500)
    ('0.5', '-1,500')
    """
    return _localise(f"{round(float(value), 10):,.10g}")


def p_value(value):
    """Write a p-value; below a thousandth no more than that is said.

    >>> p_value(6e-253), p_value(0.0312)
    ('<0.001', '0.0312')
    """
    if value != value:
        return "–"
    return f"<{_localise('0.001')}" if value < 0.001 else number(value, 3)


def percent(value, digits=1):
    """Write a share as a percentage.

    >>> percent(0.6561)
    '65.6 %'
    """
    return "–" if value != value else _localise(f"{100 * float(value):,.{digits}f}") + " %"


def money(amount, currency=None):
    """Write an amount of money in its currency; without one, as a number.

    >>> money(1234.5, "EUR"), money(29.49)
    ('€1,234.50', '29.49')
    """
    if amount != amount or currency is None:
        return number(amount)
    from babel.numbers import format_currency

    # Nobody reads cents behind thousands.
    pattern = "¤#,##0" if abs(amount) >= 10_000 else "¤#,##0.00"
    if languages.language() == "nl":
        pattern = pattern.replace("¤", "¤\N{NO-BREAK SPACE}")
    spoken = languages.locale(languages.language())
    return format_currency(amount, currency, pattern, locale=spoken, currency_digits=False)


def points(value):
    """Write a difference of shares in percentage points, without the unit.

    >>> points(0.0312)
    '3.1'
    """
    value = 100 * float(value)
    return "–" if value != value else _localise(f"{value:,.1f}")


def _localise(text):
    """Swap the signs of thousands and decimals for those of the language in use."""
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
    "word": word,
    "header": header,
    "text": str,
    "repr": repr,
}
