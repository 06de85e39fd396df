"""Names of months and days of the week in other languages, as English writes them."""

from functools import cache

LANGUAGES = ("nl", "de", "fr", "es", "it", "pt", "da", "sv", "nb", "fi", "pl", "cs")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Written so, but not by the tables of languages.
_ALSO = {"mrt": 3, "maa": 3, "mai": 5, "okt": 10, "sept": 9, "fév": 2, "fev": 2, "aou": 8, "mär": 3}
WORDS = 200  # different words that are looked at


@cache
def months():
    """Return the number of a month by its name in small letters, in any of the languages; what is
    another month elsewhere is left out.
    """
    from babel import Locale

    found = {}
    for language in ("en", *LANGUAGES):
        known = Locale.parse(language).months
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in known[form][width].items():
                    found.setdefault(_bare(name), set()).add(number)
    one = {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
    return {**_ALSO, **{name: n for name, n in one.items() if name.isalpha()}}


def _bare(name):
    return name.lower().rstrip(".")


def english(value):
    """Return a text in which months are written as English abbreviates them.

    >>> english("5 januari 2025"), english("12. März 2025"), english("1 août 2025")
    ('5 Jan 2025', '12. Mar 2025', '1 Aug 2025')
    """
    import re

    return re.sub(r"[^\W\d_]{3,}\.?", lambda word: _as_english(word[0]), value)


def _as_english(word):
    number = months().get(_bare(word))
    return word if number is None else MONTHS[number - 1]


def as_english(raw, text):
    """Return the SQL of a text in which the months that stand in a column are in English."""
    found = raw.workspace.rows(
        "SELECT DISTINCT w FROM (SELECT unnest(regexp_extract_all(lower(x), '\\p{L}{3,}')) AS w "
        f"FROM (SELECT {text} AS x FROM {raw.relation})) ORDER BY length(w) DESC, w LIMIT {WORDS}"
    )
    for (word,) in found:
        if number := months().get(word):
            text = (
                f"regexp_replace({text}, '(?i)(^|[^\\p{{L}}]){word}\\.?([^\\p{{L}}.]|$)', "
                f"'\\1{MONTHS[number - 1]}\\2')"
            )
    return text


def in_english(form):
    """Return a time_format for texts whose months are written as English abbreviates them.

    >>> in_english("%d %B %Y"), in_english("%d-%b.-%y")
    ('%d %b %Y', '%d-%b-%y')
    """
    return form.replace("%B", "%b").replace("%b.", "%b")
