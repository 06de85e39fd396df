"""What was seen in the rows kept that may mislead, with the key of the mapping that settles it."""

import re

from workbench.load import numbers
from workbench.load.raw import ROW
from workbench.load.refusals import ALIVE
from workbench.notes import Note

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+|\d+")
# A customer who holds this share of the rows, or this many times what the next one holds, is
# hardly one.
SHARE, TIMES, LEAST = 0.05, 10, 10
EXACT = 2**53  # from here on a float does not hold every whole number
# More than this many different words are no list of words.
WORDS = 10_000
PROSE = ("text", "description", "page", "referrer")
_PLACEHOLDER = Note(
    "load.noticed_placeholder",
    "Customer {customer:repr} holds {count} of {n} rows kept ({share:%}), the next one {next}: a "
    "placeholder for nobody? `reject: [{{column: {column}, equals: {customer:repr}, reason: "
    "guest}}]` leaves it out.",
    customer="",
    count=0,
    n=0,
    share=0.0,
    next=0,
    column="",
)
_CASE = Note(
    "load.noticed_case",
    "{column}: {values} values become {folded} where case, blanks within and two ways of writing "
    "an accent are ignored, such as "
    "{one:repr} and {other:repr}. `ignore_case: [{column}]` makes those one that differ in case.",
    column="",
    values=0,
    folded=0,
    one="",
    other="",
)
_POINT = Note(
    "load.noticed_point",
    "{column}: {one:repr} stands beside {other:repr}; they are two, as they are written. Was a "
    "number read as text? Export the column as whole numbers, or as text, throughout.",
    column="",
    one="",
    other="",
)
_LOST = Note(
    "load.noticed_digits",
    "{column}: values such as {one:repr} have lost their last digits, in a spreadsheet, before "
    "this file was written; several ids may have become one. Export the column as text.",
    column="",
    one="",
)
_PRECISE = Note(
    "load.noticed_precise",
    "{column}: numbers as large as {one} are held to 15 or 16 digits, and may have been rounded. "
    "Are they ids? Then give them a column of ids or words.",
    column="",
    one="",
)
_SIGN = Note(
    "load.noticed_sign",
    "{column}: {sign} stands beside numbers ({count}), and no currency is named. `currency: "
    "{currency}` says so, and refuses any other.",
    column="",
    sign="",
    count=0,
    currency="",
)
_LARGE = Note(
    "load.noticed_large",
    "{column}: values refused as no number: {n}; among them larger than nine tenths of those "
    "read: {count}, such as {one:repr}. What is left is no sample of what came in.",
    column="",
    n=0,
    count=0,
    one="",
)


def look(judge):
    """Return what was noticed in the rows that are kept, as notes."""
    notes = []
    for name, (_, kind) in judge.columns.items():
        if name == "customer_id":
            notes += _customers(judge)
        elif name == "product_id" or (kind == "word" and name not in PROSE):
            notes += _spellings(judge, name)
    notes += _digits(judge)
    notes += _signs(judge)
    return notes + _larger(judge)


def _customers(judge):
    work = judge.work
    work.run(
        f"CREATE OR REPLACE TEMP TABLE customers AS "
        f"SELECT customer_id AS v, count(*) AS n FROM {ALIVE} GROUP BY 1"
    )
    total, customers = work.row("SELECT coalesce(sum(n), 0), count(*) FROM customers")
    found = work.rows("SELECT v, n FROM customers ORDER BY n DESC, v LIMIT 2")
    notes = []
    if customers > 2:
        (first, count), (_, after) = found
        share = count / int(total)
        large = count >= TIMES * after * (1 if share >= SHARE else 5)
        if count >= LEAST and (large or (share >= 0.2 and customers >= LEAST)):
            notes.append(
                _PLACEHOLDER.having(
                    customer=first,
                    count=count,
                    n=int(total),
                    share=share,
                    next=after,
                    column=_source(judge, "customer_id"),
                )
            )
    return notes + _alike(judge, "customer_id", "customers")


def _source(judge, name):
    arg = judge.mapping["columns"].get(name)
    return arg if isinstance(arg, str) else name


def _spellings(judge, name):
    judge.work.run(
        "CREATE OR REPLACE TEMP TABLE spellings AS "
        f'SELECT DISTINCT CAST("{judge.column(name)}" AS VARCHAR) AS v FROM {ALIVE} '
        f"LIMIT {WORDS}"
    )
    return _alike(judge, name, "spellings")


def _alike(judge, name, table):
    """Say which values are one but for case, blanks, or a point and a nought."""
    work, notes = judge.work, []
    lower, upper, blank, point, accents = work.row(
        f"SELECT bool_or(v <> lower(v)), bool_or(v <> upper(v)), bool_or(contains(v, '  ')), "
        f"bool_or(suffix(v, '.0')), bool_or(v <> nfc_normalize(v)) FROM {table}"
    )
    mixed = (lower and upper) or blank or accents
    if point:
        notes += _pointed(work, name, table)
    if not mixed or name in (judge.mapping.get("ignore_case") or ()):
        return notes
    folded = "lower(regexp_replace(nfc_normalize(v), '\\s+', ' ', 'g'))"
    values, one = work.row(f"SELECT count(v), count(DISTINCT {folded}) FROM {table}")
    if one < values:
        first, last = work.row(
            f"SELECT min(v), max(v) FROM {table} WHERE v IS NOT NULL GROUP BY {folded} "
            "HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
        )
        notes.append(_CASE.having(column=name, values=values, folded=one, one=first, other=last))
    return notes


def _pointed(work, name, table):
    found = work.rows(
        f"SELECT a.v, b.v FROM {table} a JOIN {table} b ON b.v || '.0' = a.v ORDER BY 1 LIMIT 1"
    )
    return [_POINT.having(column=name, one=one, other=other) for one, other in found]


def _digits(judge):
    """Say which ids were rounded by a spreadsheet, and which numbers are larger than a number can
    hold to the last digit.
    """
    keys = [n for n, (_, kind) in judge.columns.items() if kind == "key"]
    numbers_ = [n for n, (_, kind) in judge.columns.items() if kind == "number"]
    if not keys and not numbers_:
        return []
    sought = [f'min("{k}") FILTER ({_looks_rounded(judge, k)})' for k in keys]
    sought += [f'max(abs("{judge.column(n)}"))' for n in numbers_]
    found = judge.work.row(f"SELECT {', '.join(sought)} FROM {ALIVE}")
    return [
        _LOST.having(column=name, one=one)
        for name, one in zip(keys, found[: len(keys)], strict=True)
        if one is not None and _ROUNDED.fullmatch(one)
    ] + [
        _PRECISE.having(column=name, one=f"{one:.0f}")
        for name, one in zip(numbers_, found[len(keys) :], strict=True)
        if one is not None and one >= EXACT
    ]


def _looks_rounded(judge, name):
    """Return the SQL of ids in scientific notation, or with noughts where digits were, of a source
    that holds numbers as fractions.
    """
    source = str(judge.mapping["columns"].get(name))
    powers = f"contains(\"{name}\", '+')"
    if judge.raw.types.get(source) not in ("DOUBLE", "FLOAT"):
        return powers
    return f'{powers} OR (length("{name}") > 15 AND suffix("{name}", \'000\'))'


def _signs(judge):
    if judge.mapping.get("currency") or "currency" in judge.columns:
        return []
    return [
        _SIGN.having(
            column=label,
            sign=signs[0][0],
            count=signs[0][1],
            currency=numbers.currency_of(signs[0][0]),
        )
        for label, (signs, _) in judge.values.signs.items()
    ]


def _larger(judge):
    """Say where refused numbers are the large ones."""
    notes = []
    for label, text in judge.values.texts.items():
        reason = f"{label}: not a number"
        if reason not in judge.reasons:
            continue
        code = judge.reasons.index(reason)
        if not judge.work.one(f"SELECT count(*) FROM judged WHERE _refusal = {code}"):
            continue
        n, count, one = judge.work.row(
            f"""WITH bad AS (
              SELECT {text} AS x FROM {judge.raw.relation}
              WHERE {ROW} IN (SELECT {ROW} FROM judged WHERE _refusal = {code})),
            sized AS (
              SELECT x, TRY_CAST(regexp_replace(
                regexp_replace(x, '[.,]\\d{{1,2}}$', ''), '\\D', '', 'g') AS DOUBLE) AS size
              FROM bad WHERE regexp_matches(x, '^\\D{{0,3}}\\d')),
            good AS (
              SELECT quantile_cont(abs(TRY_CAST({text} AS DOUBLE)), 0.9) AS high
              FROM {judge.raw.relation})
            SELECT count(*), count(*) FILTER (size > high), min(x) FILTER (size > high)
            FROM sized, good"""
        )
        if n >= 2 and count >= 0.8 * n:
            notes.append(_LARGE.having(column=label, n=n, count=count, one=one))
    return notes
