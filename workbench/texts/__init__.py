"""The words of the workbench, Dutch and English, kept in one place.

Sentences live in `en.yml` and `nl.yml` under the same keys. Numbers are written the way the
language writes them: 1,234.5 in English, 1.234,5 in Dutch.
"""

import re
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from math import floor, log10

from workbench.errors import one_of

LANGUAGES = ("en", "nl")
_SPANS = ("gap", "window", "timeout", "horizon", "within", "half_life")
_language = ContextVar("language", default="en")


def use(language):
    """Choose the language of every sentence made from here on: "en" or "nl"."""
    one_of("language", language, LANGUAGES)
    _language.set(language)


def language():
    """Return the language in use."""
    return _language.get()


@cache
def catalogue(language):
    """Return every text of a language as one flat dictionary, keys joined with dots."""
    import yaml

    def flatten(node, prefix=""):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from flatten(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", str(value).strip()

    source = (files(__package__) / f"{language}.yml").read_text(encoding="utf-8")
    # The stages' names stand with the stages; a word of the catalogue itself goes first.
    stages = yaml.safe_load((files(__package__) / "stages.yml").read_text(encoding="utf-8"))[
        "stages"
    ]
    return {
        **{f"words.{s['id']}": s[language] for s in stages},
        **dict(flatten(yaml.safe_load(source))),
    }


def t(key, **values):
    """Return the sentence behind `key` in the language in use, with `values` filled in."""
    return catalogue(language())[key].format(
        **{k: span(v) if k in _SPANS else v for k, v in values.items()}
    )


def span(value):
    """Write a duration such as "30D" in words; anything else stays as it is.

    >>> span("30D"), span("1h"), span("no limit")
    ('30 days', '1 hour', 'no limit')
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(D|h|min|s|W|ms)", str(value))
    if not found:
        return value
    many = "one" if float(found[1]) == 1 else "many"
    return f"{number(float(found[1]))} {catalogue(language())[f'span.{many}_{found[2].lower()}']}"


def word(name, *, header=False):
    """Return the display word of one of the workbench's own names; anything else stays as it is.

    With `header` the name is a column's, and its underscores become spaces where no word is listed.
    """
    name = str(name)
    if " > " in name:
        return " > ".join(word(part) for part in name.split(" > "))
    if name.startswith("constant: "):
        return f"{catalogue(language())['words.constant']}: {name[10:]}"
    words = catalogue(language())
    if header and f"headers.{name}" in words:
        return words[f"headers.{name}"]
    return words.get(f"words.{name}", name.replace("_", " ") if header else name)


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
        text = f"{int(value):,}"
    else:
        places = digits - 1 - floor(log10(abs(value)))
        text = f"{value:,.{max(places, 0)}f}" if abs(value) >= 1e-4 else f"{value:.{digits - 1}g}"
    return _localise(text)


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
    return (
        "–" if value != value else f"<{_localise('0.001')}" if value < 0.001 else number(value, 3)
    )


def percent(value, digits=1):
    """Write a share as a percentage.

    >>> percent(0.6561)
    '65.6 %'
    """
    return "–" if value != value else _localise(f"{100 * float(value):,.{digits}f}") + " %"


def _localise(text):
    return text.translate(str.maketrans(",.", ".,")) if language() == "nl" else text
