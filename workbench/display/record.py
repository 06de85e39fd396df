"""What a running report has shown, kept as data for its workbook of tables."""

import json
import os

import numpy as np

from workbench.display import tables
from workbench.display.languages import naming
from workbench.display.shares import ways
from workbench.display.withholding import answer_of
from workbench.display.writing import render
from workbench.results import is_built_in, withheld

# Names the log of a report being made; without it nothing is kept.
LOG = "WORKBENCH_TABLES"


# Names the log of the facts of what a notebook shows, kept when its output is made anew.
FACTS = "WORKBENCH_FACTS"


def is_kept():
    """Say whether a report is being made of what is shown."""
    return bool(os.environ.get(LOG))


def result(shown):
    """Keep a Result that is shown, in the language in use, small cells withheld."""
    _keep_facts(shown)
    if not is_kept():
        return
    _keep(entry(shown))


def entry(result):
    """Return a Result as plain data for a sheet, in the language in use, small cells withheld."""
    with naming(is_built_in(result)):
        return {
            "question": render(result.question),
            "answer": render(answer_of(result)) if result.answer else "",
            "method": render(tables.foot(result)),
            "limits": [render(withheld(note)) for note in result.limits],
            **_cells(result.table, ways(result), tables.declared(result)),
        }


def _keep_facts(shown):
    """Keep every value of the sentences of a Result, under what was asked and how."""
    if not os.environ.get(FACTS):
        return
    notes = [note for note in (shown.answer, *map(withheld, shown.limits)) if note is not None]
    entry = {
        "question": render(shown.question),
        "method": render(shown.method),
        "unit": shown.unit,
        "n": shown.n,
        "simulated": shown.simulated,
        "facts": [list(fact) for note in notes if hasattr(note, "facts") for fact in note.facts()],
    }
    _keep(entry, FACTS)


def table(frame, caption):
    """Keep a plain table that is shown, with its caption."""
    if is_kept():
        _keep(
            {"question": render(caption), "answer": "", "method": "", "limits": [], **_cells(frame)}
        )


def _cells(frame, shares=None, keys=()):
    """Return the columns and rows of a table: numbers as numbers, what is withheld as its sign."""
    text = tables.shown(frame, shares, keys)
    columns = [
        _column(frame.iloc[:, i], text.iloc[:, i].to_list()) for i in range(len(frame.columns))
    ]
    return {
        "columns": list(text.columns),
        "rows": [list(row) for row in zip(*columns, strict=True)],
    }


def _column(values, shown):
    if values.dtype == bool or values.dtype.kind not in "iuf":
        return shown
    numbers = values.to_numpy(float)
    known = np.isfinite(numbers)
    return [
        text if not there or text.startswith(("<", "–")) else {"number": number, "shown": text}
        for number, there, text in zip(numbers.tolist(), known, shown, strict=True)
    ]


def _keep(entry, log=LOG):
    line = json.dumps(entry, ensure_ascii=False, default=str)
    with open(os.environ[log], "a", encoding="utf-8") as stream:
        stream.write(line + "\n")
