"""Who answered what: shares of every answer by group, and which groups differ."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Heat, Result, analysis, tidy
from workbench.surveys import measures
from workbench.surveys.answers import given
from workbench.surveys.comparisons import comparable

if TYPE_CHECKING:
    from workbench.types import Table

MOST_ANSWERS = 30
LEVEL = 0.05
HIGHER = Note(
    "surveys.crosstab_answer",
    "{pairs} of {compared} pairs of groups differ in an answer after correction; the "
    "clearest is the "
    "answer {answer:plain}: {high_share:%} of {name:word} gave it and {low_share:%} of "
    "{last:word} ({n} answers).",
)
NONE_DIFFER = Note(
    "surveys.crosstab_answer_none",
    "No two groups could be shown to differ in an answer ({n} answers; {compared} pairs compared).",
)


@engine.frames("surveys")
@analysis
def crosstab(surveys: Table, *, item: str, by: str, conf_level: float = 0.95) -> Result:
    """Which answers did each group give, and where do groups differ?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        weight where answers do not count the same.
    item : str
    by : str
        Column of the table that gives the group.
    conf_level : float

    Returns
    -------
    Result
        answer, group, count, n (answers of the group), estimate (share of the group), std_error,
        conf_low, conf_high, higher_than: the groups whose share is lower, by two-sided tests
        corrected for all pairs of groups in that answer (Holm, 5 %).

    Raises InputError for more than twelve groups or thirty different answers, NotEnoughData for one
    group.

    Source: Rao & Scott (1984), Annals of Statistics 12, for weights and repeated answers; Holm
    (1979).
    """
    answers = given(surveys, item, by=by)
    groups, values = sorted(set(answers.group)), np.unique(answers.value)
    comparable(by, groups)
    _countable(item, values)
    rows, pairs = [], []
    for value in values:
        box = measures.Measure("answer", (float(values[0]), float(values[-1])), (value, value))
        tested = _pairs(answers, box, groups, conf_level)
        pairs += [{**pair, "answer": value} for pair in tested]
        whole = int(value) if value % 1 == 0 else value
        for group in groups:
            numbers = measures.estimate(answers.where(answers.group == group), box, conf_level)
            lower = [p["low"] for p in tested if p["high"] == group and p["p_holm"] < LEVEL]
            rows.append(
                {
                    "answer": whole,
                    names.label(by): group,
                    **numbers,
                    "higher_than": ", ".join(sorted(lower)) or None,
                }
            )
    table = tidy(rows)
    return Result(
        question=Note("surveys.crosstab_question", "Which answers did each group give?"),
        table=table,
        answer=_told(table, pairs, names.label(by), len(answers)),
        method=Note(
            "surveys.crosstab_method",
            "Shares within each group; two-sided tests of every pair of groups in every answer, "
            "corrected for the pairs of that answer (Holm).",
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=measures.limits(answers),
        evidence="associational",
        chart=Heat(
            row=names.label(by),
            column="answer",
            percent=True,
            xlabel=Note("surveys.axis_answer", "Answer"),
        ),
    )


def _countable(item, values):
    """Refuse more different answers than a table can show."""
    if len(values) > MOST_ANSWERS:
        raise InputError(
            "surveys.error_many_answers",
            "item '{item}': {n} different answers are too many for a cross-table; group them into "
            "at most {most}",
            item=names.written(item),
            n=len(values),
            most=MOST_ANSWERS,
        )


def _pairs(answers, box, groups, conf_level):
    """Return every pair of groups with the higher, the lower and the corrected p-value."""
    made = []
    for first, second in combinations(groups, 2):
        part = answers.where(np.isin(answers.group, (first, second)))
        numbers = measures.apart(part, part.group == first, box, conf_level)
        high, low = (first, second) if numbers["estimate"] > 0 else (second, first)
        made.append({"high": high, "low": low, "p_value": numbers["p_value"]})
    corrected = intervals.adjust_p_values([pair["p_value"] for pair in made])
    return [{**pair, "p_holm": p} for pair, p in zip(made, corrected, strict=True)]


def _told(table, pairs, label, n):
    """Return the note of how many pairs differ and which most clearly."""
    clear = [pair for pair in pairs if pair["p_holm"] < LEVEL]
    if not clear:
        return NONE_DIFFER.having(n=n, compared=len(pairs))
    most = min(clear, key=lambda pair: (pair["p_holm"], pair["p_value"]))
    share = table[table["answer"] == most["answer"]].set_index(label)["estimate"]
    return HIGHER.having(
        pairs=len(clear),
        compared=len(pairs),
        n=n,
        answer=most["answer"],
        name=most["high"],
        last=most["low"],
        high_share=share[most["high"]],
        low_share=share[most["low"]],
    )
