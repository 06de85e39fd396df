"""Tables for people: formatted, small cells withheld, escaped, long ones folded."""

import numpy as np

from workbench.display.languages import naming
from workbench.display.readable import is_unsaid, readable
from workbench.display.shares import ways
from workbench.display.templates import fill
from workbench.display.withholding import answer_of, withheld_rows
from workbench.display.writing import (
    MISSING,
    days,
    header,
    is_missing,
    key,
    number,
    p_value,
    percent,
    render,
    span,
    visible,
    word,
)
from workbench.notes import Note
from workbench.results import (
    MINIMUM_CELL,
    NUMBERS,
    is_built_in,
    is_small,
    withheld,
)
from workbench.results.small import BASES

PLANNED = "people_needed"  # the unit of a plan
SHOWN_ROWS, FOLD = 200, 12
_SHARES = ("estimate", "std_error", "conf_low", "conf_high")
# A few rows more are not worth a fold.
_HARDLY_MORE = 4
_COUNTED = Note("result.counted", "{n} {unit:word}", n=0, unit="")
_ONE = Note("result.counted_one", "{n} {unit:one}", n=1, unit="")
_AT_LEAST = Note("result.at_least", "at least {n} {unit:word}", n=0, unit="")
_FEW = Note("result.few", "fewer than {n} {unit:word}", n=MINIMUM_CELL, unit="")
_WITHHELD = Note("result.withheld", "{unit:word}, their number withheld", unit="")
_FOLDED = Note("result.folded", "{n} more row", "{n} more rows", n=0)
# Whole numbers that say which row it is, where no chart names them.
_ORDINALS = (
    *(
        "age",
        "ahead",
        "at",
        "class",
        "cohort",
        "day",
        "days",
        "factor",
        "from_day",
        "grade",
        "hour",
    ),
    *("level", "month", "period", "position", "price", "purchase_number", "rank", "silence_days"),
    *("size", "step", "step_number", "time", "week", "window", "year"),
)


def shown(table, shares=None, keys=()):
    """Return a table as text, formatted for reading, with cells under the minimum size suppressed.

    A row that rests on fewer than ten units keeps its keys (those named, and those its place or
    name tells); whatever else it says is withheld. `shares` says of every row whether its estimate
    and interval are shares, shown as percentages, or of every column in which rows it is written
    otherwise (`shares.ways`).
    """
    import pandas as pd

    if shares is not None and not isinstance(shares, dict):
        shares = {name: [(np.asarray(shares), percent)] for name in _SHARES}
    small = withheld_rows(table)
    kept = set(keys_of(table)) | set(keys)
    out = {}
    for name in table.columns:
        cells = _written(table[name], name, (shares or {}).get(name, ()))
        if name in BASES:
            few = is_small(pd.to_numeric(table[name], errors="coerce")).fillna(False)
            cells = cells.mask(small & ~few.to_numpy(bool), MISSING)
            cells = cells.mask(few.to_numpy(bool), f"<{MINIMUM_CELL}")
        elif name not in kept:
            cells = cells.mask(small, MISSING)
        out[visible(header(name))] = cells.map(visible)
    return pd.DataFrame(out, index=table.index)


def _written(values, name, otherwise):
    """Return the cells of a column as text; `otherwise` says which rows are written another way."""
    import pandas as pd

    write = _way(values, name)
    cells = pd.Series([write(v) for v in values], index=values.index, dtype=object)
    if pd.api.types.is_datetime64_any_dtype(values):
        known = values.notna()
        cells[known] = days(values[known])
    for rows, other in otherwise:
        here = np.asarray(rows)[: len(values)]
        cells[here] = [other(v) for v in values[here]]
    return cells


def keys_of(table):
    """Return the columns that say which row it is, as far as place and type tell: the first ones,
    of words, days or ordinal numbers, before anything that is counted or estimated.

    >>> import pandas as pd
    >>> keys_of(pd.DataFrame({"group": ["a"], "age": [1], "paid": [2.5], "n": [3], "kind": ["x"]}))
    ['group', 'age']
    """
    from pandas.api import types

    keys = []
    for i, name in enumerate(table.columns):
        values = table[name]
        said = types.is_numeric_dtype(values) or types.is_bool_dtype(values)
        if name in (*NUMBERS, *BASES) or (said and i > 0 and name not in _ORDINALS):
            break
        keys.append(name)
    return keys


def _way(values, name):
    """Return how the cells of a column are written."""
    from pandas.api import types

    if types.is_bool_dtype(values):
        return lambda v: MISSING if is_missing(v) else word("yes" if v else "no")
    if types.is_numeric_dtype(values):
        return p_value if str(name).startswith("p_") else number
    if types.is_datetime64_any_dtype(values):
        return lambda v: MISSING
    if types.is_timedelta64_dtype(values):
        return span
    return lambda v: _cell(v, name)


def _cell(value, column):
    if isinstance(value, Note):
        return render(withheld(value))
    return key(value, column)


def table_html(table, caption="", shares=None, keys=()):
    """Return a table as escaped HTML with a caption and column scopes.

    At most 200 rows are shown; those after the first 12 are folded away. `shares` and `keys` are as
    in `shown`.
    """
    text = readable(shown(table.head(SHOWN_ROWS), shares, keys))
    words = [n for n in table if n not in NUMBERS and table[n].dtype.kind not in "ifu"]
    words = {visible(header(name)) for name in words}
    rows = list(text.itertuples(index=False, name=None))
    open_rows = len(rows) if len(rows) <= FOLD + _HARDLY_MORE else FOLD
    return fill(
        "table.html.j2",
        caption=render(caption) if caption else "",
        columns=[(name, name not in words) for name in text.columns],
        rows=rows[:open_rows],
        folded=rows[open_rows:],
        folded_says=_FOLDED.having(n=len(rows) - open_rows),
        left_out=_left_out(len(table) - SHOWN_ROWS),
    )


def _left_out(rows):
    if rows <= 0:
        return ""
    return Note(
        "result.more",
        "… and {n} more row; the attribute .table holds all.",
        "… and {n} more rows; the attribute .table holds them all.",
        n=rows,
    )


def result_text(result):
    """Return a Result as text: the question, what was found, the table, how, and its limits."""
    with naming(is_built_in(result)):
        answer = f"{render(answer_of(result))}\n" if result.answer else ""
        limits = "".join(f"\n- {render(withheld(note))}" for note in result.limits)
        rows = shown(result.table, ways(result), declared(result)).to_string(index=False)
        return f"{render(result.question)}\n{answer}{rows}\n{render(foot(result))}{limits}"


def result_html(result):
    """Return a Result as HTML: what was found above the table, how and its limits below it."""
    with naming(is_built_in(result)):
        answer = answer_of(result)
        return fill(
            "result.html.j2",
            answer=render(answer) if result.answer else "",
            # A report opens with what was found.
            unsaid=is_unsaid(answer),
            table=table_html(result.table, result.question, ways(result), declared(result)),
            foot=render(foot(result)),
            limits=[render(withheld(note)) for note in result.limits],
        )


def declared(result):
    """Return the columns that the chart of a Result names as keys of its rows."""
    return (*result.chart.keys, *result.chart.only) if result.chart else ()


def foot(result):
    """Return the note under a table: method, what was counted, level of the intervals, evidence.

    Where rows are withheld, what was counted is told so low that it takes nothing away from what
    these may hold.
    """
    said = {
        "method": result.method,
        "counted": _counted(result),
        "level": 100 * result.conf_level,
        "evidence": grade(result.evidence),
    }
    if result.unit == PLANNED:
        return Note(
            "result.foot_plan",
            "{method} A plan: nobody was counted. Intervals are to be at {level:plain} %. "
            "Evidence: none.",
            **{name: said[name] for name in ("method", "level")},
        )
    if _graded_by_row(result.table):
        return Note(
            "result.foot_by_row",
            "{method} Counted: {counted}. Intervals at {level:plain} %. Evidence by row; of the "
            "answer: {evidence:word}.",
            **said,
        )
    return Note(
        "result.foot",
        "{method} Counted: {counted}. Intervals at {level:plain} %. Evidence: {evidence:word}.",
        **said,
    )


def _graded_by_row(table):
    """Say whether the rows of a table have grades of their own, and not all the same."""
    return "evidence" in table and table["evidence"].nunique() > 1


def _counted(result):
    """Return the note of what was counted in all.

    With the exact number, or one rounded down to tens, the rows that are shown could be taken from
    it. Nine off for every withheld row leaves at most what is shown, however few those rows hold.
    """
    # What a limit withholds could be taken from an exact number as well.
    rows = int(withheld_rows(result.table).sum()) + sum(
        withheld(note) != note for note in result.limits
    )
    if not rows:
        return (_ONE if result.n == 1 else _COUNTED).having(n=result.n, unit=result.unit)
    if is_small(result.n):
        return _FEW.having(unit=result.unit)
    counted = int(result.n - (MINIMUM_CELL - 1) * rows) // 10 * 10
    if counted < MINIMUM_CELL:
        return _WITHHELD.having(unit=result.unit)
    return _AT_LEAST.having(n=counted, unit=result.unit)


def grade(evidence):
    """Return the grade, with its design where one is named after a colon."""
    level, _, design = evidence.partition(": ")
    if not design:
        return level
    return Note("result.grade", "{grade:word}: {design:word}", grade=level, design=design)
