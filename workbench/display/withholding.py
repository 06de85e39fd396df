"""What a table does not show: rows of few people, and those that would give them away."""

import numpy as np

from workbench.notes import Note
from workbench.results import MINIMUM_CELL, is_built_in, is_small, small_cells
from workbench.results.merging import in_report
from workbench.results.small import BASES

_MOST_ROWS = 400
_TOO_FEW = Note(
    "result.too_few",
    "Too few to say: fewer than {least} {unit:word}.",
    least=MINIMUM_CELL,
    unit="",
)


def withheld_rows(table):
    """Return which rows of a table are withheld.

    They are those that rest on few units; in a report on somebody's own data also those in which
    few have, or few lack, what is counted; and, where one withheld row could be had by taking the
    others from a total, the smallest of these.
    """
    hidden = small_cells(table)
    if _of_own_data(table):
        hidden = hidden | _few_counted(table)
        hidden = _on_every_basis(table, hidden)
    if not hidden.sum() > 0 or len(table) > _MOST_ROWS:
        return hidden
    for name in BASES:
        if name in table:
            hidden = _with_complement(table, name, hidden)
    return hidden


def answer_of(result):
    """Return the answer of a Result as it may be shown: in a report on own data none that says of
    few people that they have, or lack, what is counted.
    """
    answer = result.answer
    if answer is None or not _of_own_data(result) or not isinstance(answer, Note):
        return answer
    count, n = answer.values.get("count"), answer.values.get("n")
    known = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (count, n))
    if known and (is_small(count) or is_small(n - count)):
        return _TOO_FEW.having(unit=result.unit)
    return answer


def _of_own_data(thing):
    return in_report() and not is_built_in(thing)


def _few_counted(table):
    """Return the rows whose share tells of few people: those who have it, or those who lack it."""
    import pandas as pd

    few = np.zeros(len(table), bool)
    if not {"count", "n", "estimate"} <= set(table.columns):
        return few
    count, n, estimate = (
        pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
        for name in ("count", "n", "estimate")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        is_share = np.isclose(count / n, estimate, rtol=1e-9, atol=1e-12)
    return is_share & (is_small(count) | is_small(n - count))


def _on_every_basis(table, hidden):
    """Hide a step of a funnel on each basis where it is hidden on one: how many of the few at the
    step before went on is told as well by taking one share of all who entered from the next.
    """
    if "basis" not in table or "step_number" not in table or not hidden.any():
        return hidden
    said = list(table.columns[: table.columns.get_loc("step_number") + 1])
    said = [name for name in said if name != "basis"]
    where = table[said].astype(str).agg("\t".join, axis=1)
    first = (table["step_number"] == 1).to_numpy(bool)
    return hidden | (where.isin(where[hidden & ~first]).to_numpy() & ~first)


def _with_complement(table, name, hidden):
    """Hide a second row where a total and the other rows tell a withheld one."""
    import pandas as pd

    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
    hidden = hidden.copy()
    for rows in _blocks(table):
        here = np.flatnonzero(rows & ~np.isnan(values))
        lost = here[hidden[here]]
        seen = here[~hidden[here]]
        if len(lost) != 1 or len(seen) < 2:
            continue
        total = seen[np.argmax(values[seen])]
        others = seen[seen != total]
        if abs(values[total] - values[others].sum() - values[lost[0]]) < 0.5:
            hidden[others[np.argmin(values[others])]] = True
    return hidden


def _blocks(table):
    """Yield the rows that may add up: all, and those that share all keys but one."""
    yield np.ones(len(table), bool)
    keys = [name for name in table.columns if table[name].dtype.kind in "OUbM" or name == "group"]
    keys = keys or [name for name in table.columns if str(table[name].dtype) in ("str", "string")]
    for name in keys:
        for value in table[name].drop_duplicates():
            rows = (table[name] == value).to_numpy(bool, na_value=False)
            if 2 < rows.sum() < len(table):
                yield rows
