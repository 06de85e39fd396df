"""Tables for people: formatted, small cells withheld, escaped, long ones folded."""

import html

import numpy as np

from workbench.display.writing import header, key, number, p_value, percent, render, visible, word
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, NUMBERS, small_cells

SHOWN_ROWS, FOLD = 200, 12
_SHARES = ("estimate", "std_error", "conf_low", "conf_high")
# A few rows more are not worth a fold.
_HARDLY_MORE = 4
_COUNTED = Note("result.counted", "{n} {unit:word}", n=0, unit="")
_AT_LEAST = Note("result.at_least", "at least {n} {unit:word}", n=0, unit="")


def shown(table, shares=None):
    """Return a table as text, formatted for reading, with cells under the minimum size suppressed.

    A row whose `n` or `customers` is below 10 keeps its keys; its numbers are withheld. `shares`
    says of every row whether its estimate and interval are shares, shown as percentages.
    """
    import pandas as pd

    small = small_cells(table)
    out = {}
    keys_over = False
    for name in table.columns:
        values = table[name]
        keys_over = keys_over or name in NUMBERS
        if name in ("n", "customers"):
            few = small & (values.to_numpy() < MINIMUM_CELL)
            cells = values.map(number).mask(few, f"<{MINIMUM_CELL}").mask(small & ~few, "–")
        elif values.dtype == bool:
            cells = values.map(lambda v: word("yes" if v else "no"))
        elif pd.api.types.is_numeric_dtype(values):
            cells = values.map(p_value if str(name).startswith("p_") else number)
            if shares is not None and name in _SHARES:
                cells = cells.mask(shares, values.map(percent))
            cells = cells.mask(small, "–") if keys_over else cells
        elif pd.api.types.is_datetime64_any_dtype(values):
            cells = values.dt.strftime("%Y-%m-%d").fillna("–")
        else:
            cells = values.map(lambda v, name=name: _cell(v, name))
        out[visible(header(name))] = cells.astype(str).map(visible)
    return pd.DataFrame(out)


def _cell(value, column):
    if isinstance(value, Note):
        return render(value)
    return "–" if value is None or value != value else key(value, column)


def table_html(table, caption="", shares=None):
    """Return a table as escaped HTML with a caption and column scopes.

    At most 200 rows are shown; those after the first 12 are folded away. `shares` is as in `shown`.
    """
    text = shown(table.head(SHOWN_ROWS), None if shares is None else shares[:SHOWN_ROWS])
    numeric = [name in NUMBERS or table[name].dtype.kind in "ifu" for name in table.columns]
    head = "".join(
        f'<th scope="col"{_right(right)}>{html.escape(name)}</th>'
        for name, right in zip(text.columns, numeric, strict=True)
    )
    rows = [_row(row, numeric) for row in text.itertuples(index=False, name=None)]
    open_rows = len(rows) if len(rows) <= FOLD + _HARDLY_MORE else FOLD
    titled = f"<caption>{html.escape(render(caption))}</caption>" if caption else ""
    return (
        f"<table>{titled}<thead><tr>{head}</tr></thead><tbody>{''.join(rows[:open_rows])}</tbody></table>"
        + _folded(head, rows[open_rows:])
        + _left_out(len(table) - SHOWN_ROWS)
    )


def _right(is_number):
    # Notebooks set every cell to the right, words too; a report's page has a style of its own.
    return ' class="number"' if is_number else ' style="text-align: left"'


def _row(row, numeric):
    cells = zip(row, numeric, strict=True)
    return (
        "<tr>"
        + "".join(f"<td{_right(right)}>{html.escape(cell)}</td>" for cell, right in cells)
        + "</tr>"
    )


def _folded(head, rows):
    if not rows:
        return ""
    says = html.escape(str(Note("result.folded", "{rows} more rows", rows=len(rows))))
    return (
        f"<details><summary>{says}</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></details>"
    )


def _left_out(rows):
    if rows <= 0:
        return ""
    says = Note(
        "result.more", "… and {rows} more rows; the attribute .table holds them all.", rows=rows
    )
    return f"<p>{html.escape(str(says))}</p>"


def result_text(result):
    """Return a Result as text: the question, what was found, the table, how, and its limits."""
    answer = f"{render(result.answer)}\n" if result.answer else ""
    limits = "".join(f"\n- {render(note)}" for note in result.limits)
    rows = shown(result.table, are_shares(result)).to_string(index=False)
    return f"{render(result.question)}\n{answer}{rows}\n{render(foot(result))}{limits}"


def result_html(result):
    """Return a Result as HTML: what was found above the table, how and its limits below it."""
    answer = html.escape(render(result.answer)) if result.answer else ""
    limits = "".join(f"<li>{html.escape(render(note))}</li>" for note in result.limits)
    return (
        '<div class="result">'
        + (f'<p class="answer">{answer}</p>' if answer else "")
        + table_html(result.table, result.question, are_shares(result))
        + f'<p class="method">{html.escape(render(foot(result)))}</p>'
        + (f'<ul class="limits">{limits}</ul>' if limits else "")
        + "</div>"
    )


def are_shares(result):
    """Return of every row whether its estimate is a share: of all rows the chart draws as such."""
    table, chart = result.table, result.chart
    shares = np.full(len(table), bool(chart and chart.percent))
    for name, values in chart.only.items() if chart else ():
        listed = values if isinstance(values, (list, tuple)) else [values]
        shares &= table[name].isin(listed).to_numpy()
    return shares


def foot(result):
    """Return the note under a table: method, what was counted, level of the intervals, evidence.

    Where a row is withheld, what was counted is rounded down to tens: the exact number would give
    the withheld one away.
    """
    withheld = bool(small_cells(result.table).any())
    counted = result.n // 10 * 10 if withheld else result.n
    return Note(
        "result.foot",
        "{method} Counted: {counted}. Intervals at {level:plain} %. Evidence: {evidence:word}.",
        method=result.method,
        counted=(_AT_LEAST if withheld else _COUNTED).having(n=counted, unit=result.unit),
        level=100 * result.conf_level,
        evidence=_grade(result.evidence),
    )


def _grade(evidence):
    """Return the grade, with its design where one is named after a colon."""
    grade, _, design = evidence.partition(": ")
    if not design:
        return grade
    return Note("result.grade", "{grade:word}: {design:word}", grade=grade, design=design)
