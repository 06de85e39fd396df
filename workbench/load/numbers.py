"""Text as numbers: one way of writing a column, nothing guessed from a single value."""

from dataclasses import dataclass

from workbench.errors import DataError, InputError
from workbench.load.raw import NOTHING
from workbench.notes import Note

# Signs and codes that stand beside amounts, and the currency of those that are one country's.
SIGNS = {
    "€": "EUR",
    "$": "USD",
    "US$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₺": "TRY",
    "₽": "RUB",
    "₩": "KRW",
    "₴": "UAH",
    "R$": "BRL",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "kr": "kr",
    "kr.": "kr",
    "lei": "RON",
    "Fr.": "CHF",
    "euro": "EUR",
    "euros": "EUR",
}
CODES = (
    *("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN"),
    *("TRY", "RUB", "UAH", "INR", "CNY", "KRW", "BRL", "MXN", "CAD", "AUD", "NZD", "ZAR", "ILS"),
    *("SGD", "HKD", "THB", "IDR", "AED", "SAR"),
)
# Thousands in threes, or as in India: 1,23,456.
_DOT = r"[+-]?(\d{1,3}(,\d{2,3})*,\d{3}|\d+)?(\.\d+)?([eE][+-]?\d+)?"
# What stands for a minus, and a sum of no cents: 12,-
_DASHES = "\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d"
_NO_CENTS = r"(\d)[.,](-{1,2}|\x{2014})"
_COMMA = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?"
_GROUP = r" \x{00A0}\x{202F}\x{2009}\x{2007}'\x{2019}"
_GROUPED = rf"[+-]?\d{{1,3}}([{_GROUP}]\d{{3}})+([.,]\d+)?"
_LABELLED = r"[+-]?\d+([.,]\d+)*\s*([-\x{2013}=:.)(]*\s*\p{L}.*|[%\x{2030}])"
# Values with a label are a way of writing from this share on; below it they are slips.
MANY = 0.02


@dataclass(frozen=True)
class Reading:
    """How a text is read as a number: the SQL, the decimal sign where one was found, the signs
    beside it, and whether every value is a plain number.
    """

    sql: str
    decimal: str | None = None
    signs: tuple = ()
    plain: bool = False


def reading(raw, text, decimal, where):
    """Find how a column of text writes its numbers; `text` is trimmed SQL, empty cells NULL.

    Raises InputError where two ways contradict each other or one value leaves it open.
    """
    real = f"TRY_CAST({text} AS DOUBLE)"
    filled, plain, odd, dotted, grouped = raw.workspace.row(
        f"""SELECT count({text}), count(*) FILTER (isfinite({real})),
          count(*) FILTER (contains({text}, ',') OR contains({text}, '_')),
          count(*) FILTER (contains({text}, '.')),
          count(*) FILTER (length({text}) - strpos({text}, '.') = 3
            AND strpos({text}, '.') BETWEEN 2 AND 5)
        FROM {raw.relation}"""
    )
    simple = filled == plain and not odd and not (dotted and decimal == ",")
    if simple and (not dotted or dotted > grouped or decimal == "."):
        return Reading(real, "." if dotted else None, plain=True)
    return _written(raw, nothing(text), decimal, where)


def not_plain(text, value, decimal, underscored):
    """Return the SQL of a text that is no plain number as others are; `value` is it as a number."""
    odd = [f"NOT coalesce(isfinite({value}), false)"]
    odd += [f"contains({text}, '_')"] if underscored else []
    odd += [] if decimal else [f"contains({text}, '.')"]
    return f"{text} IS NOT NULL AND ({' OR '.join(odd)})"


def _written(raw, text, decimal, where):
    """Read numbers with signs, spaces, apostrophes, dots and commas."""
    core = core_of(text)
    decimal = decimal or _decimal(raw, core, where)
    form, group = (_COMMA, ".") if decimal == "," else (_DOT, ",")
    clean = f"replace(replace({core}, '{group}', ''), ',', '.')"
    sql = (
        f"CASE WHEN regexp_full_match({core}, '{form}') THEN TRY_CAST({clean} AS DOUBLE) "
        f"WHEN lower({text}) IN ('inf', '-inf', 'infinity', '-infinity') "
        f"THEN CAST({text} AS DOUBLE) END"
    )
    _labelled(raw, text, sql, where)
    return Reading(sql, decimal, tuple(_signs(raw, text, sql)))


def nothing(text):
    """Return a text as SQL in which the words for nothing are NULL, for numbers and moments."""
    words = ", ".join(f"'{word}'" for word in NOTHING)
    return f"CASE WHEN lower({text}) IN ({words}) THEN NULL ELSE {text} END"


def sign_of(text):
    """Return the SQL of the sign or code that stands before or after a number; '' for none."""
    marks, text = _marks(), _tidy(text)
    found = f"(?i)^[+-]?\\s*({marks})\\s*[+-]?\\s*\\d|\\d\\s*({marks})$"
    return f"regexp_extract({text}, '{found}', 1) || regexp_extract({text}, '{found}', 2)"


def _tidy(text):
    """Return the SQL of a number whose minus stands before it: 3.00-, (3.00) and 12,- are ways of
    accounts and of shops.
    """
    made = f"translate({text}, '{_DASHES}', '{'-' * len(_DASHES)}')"
    made = f"regexp_replace({made}, '{_NO_CENTS}(\\D*)$', '\\1\\3')"
    made = f"regexp_replace({made}, '^([^()\\d]*)\\(\\s*([^()+-]*\\d[^()]*?)\\s*\\)$', '-\\1\\2')"
    return f"regexp_replace({made}, '^([^+-]*\\d)\\s*-(\\D*)$', '-\\1\\2')"


def currency_of(sign):
    """Return the currency of a sign or code, in letters of either case."""
    known = {name.lower(): currency for name, currency in SIGNS.items()}
    return known.get(sign.lower(), sign.upper() if sign.upper() in CODES else sign)


def may_be(sign, currency):
    """Say whether a sign may stand for a currency: $ and kr are those of several countries."""
    wanted = currency.upper()
    shared = {"$": ("USD", "CAD", "AUD", "NZD", "MXN", "SGD", "HKD"), "¥": ("JPY", "CNY")}
    shared |= dict.fromkeys(("kr", "kr."), ("SEK", "NOK", "DKK", "ISK"))
    return wanted in shared.get(sign, (currency_of(sign),))


def core_of(text):
    """Return the SQL of a number without its currency and the spaces between its thousands."""
    marks = _marks()
    first = f"(?i)^([+-]?)\\s*({marks})\\s*([+-]?\\s*\\d)"
    bare = f"regexp_replace({_tidy(text)}, '{first}', '\\1\\3')"
    bare = f"regexp_replace({bare}, '(?i)(\\d)\\s*({marks})$', '\\1')"
    group = _GROUP.replace("'", "''")
    grouped = _GROUPED.replace("'", "''")
    return (
        f"CASE WHEN regexp_full_match({bare}, '{grouped}') "
        f"THEN regexp_replace({bare}, '[{group}]', '', 'g') ELSE {bare} END"
    )


def _marks():
    escaped = sorted((s.replace("$", r"\$").replace(".", r"\.") for s in SIGNS), key=len)
    return "|".join([*reversed(escaped), *CODES])


def _decimal(raw, core, where):
    """Return the decimal sign the numbers are written with; "." where none shows it."""
    dot, comma, both = raw.workspace.row(
        f"""SELECT min(x) FILTER (d AND NOT c), min(x) FILTER (c AND NOT d),
          min(x) FILTER (c AND d)
        FROM (
          SELECT x, regexp_full_match(x, '{_DOT}') AS d, regexp_full_match(x, '{_COMMA}') AS c
          FROM (SELECT {core} AS x FROM {raw.relation})
          WHERE regexp_matches(x, '[.,]'))"""
    )
    if dot is not None and comma is not None:
        raise InputError(
            "load.error_two_decimals",
            "{where}: some numbers are written like {dot:repr}, others like {comma:repr}. Say "
            "which is meant with `read: {{decimal: ','}}` or '.'; the others are then refused.",
            where=where,
            dot=dot,
            comma=comma,
        )
    if both is not None and dot is None and comma is None:
        raise InputError(
            "load.error_decimal_open",
            "{where}: {value:repr} may be a fraction or thousands. Say which with `read: "
            "{{decimal: ','}}` or '.'.",
            where=where,
            value=both,
        )
    return "," if comma is not None else "."


def _labelled(raw, text, number, where):
    """Refuse a column in which some numbers carry a label and others none: what would be left is
    no sample of what came in.
    """
    labelled, plain, filled, one, other = raw.workspace.row(
        f"""SELECT count(*) FILTER (l), count(*) FILTER (n), count(*),
          min(x) FILTER (l), min(x) FILTER (n)
        FROM (
          SELECT x, n, NOT n AND regexp_full_match(x, '{_LABELLED}') AS l
          FROM (SELECT {text} AS x, {number} IS NOT NULL AS n FROM {raw.relation})
          WHERE x IS NOT NULL)"""
    )
    if labelled and labelled == filled:
        raise _all_labelled(where, one)
    if labelled < 2 or labelled < MANY * filled or not plain:
        return
    raise DataError(
        Note(
            "load.error_labelled",
            "{where}: some numbers carry a label ({labelled}, such as {one:repr}), others do not "
            "({plain}, such as {other:repr}). `{{first_number: …}}` in the mapping takes the "
            "number of both; refused, the labelled ones would leave no sample of what came in.",
            where=where,
            labelled=labelled,
            plain=plain,
            one=one,
            other=other,
        )
    )


def _all_labelled(where, one):
    """Return the error of a column each of whose numbers carries a label or a percent sign."""
    return DataError(
        Note(
            "load.error_all_labelled",
            "{where}: every number carries something else, such as {one:repr}. `{{first_number: "
            "…}}` in the mapping takes the number.",
            where=where,
            one=one,
        )
    )


def _signs(raw, text, number):
    """Return the signs and codes beside the numbers that were read, with how often they stand."""
    return raw.workspace.rows(
        f"""SELECT s, count(*) FROM (
          SELECT {sign_of(text)} AS s FROM {raw.relation} WHERE {number} IS NOT NULL)
        WHERE s <> '' GROUP BY s ORDER BY count(*) DESC, s"""
    )
