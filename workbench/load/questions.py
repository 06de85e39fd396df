"""The texts of a survey's questions, where a file has them: labels, or a row below the header."""

from dataclasses import replace

from workbench.engine.duck import quote
from workbench.errors import InputError
from workbench.load.expressions import Expressions
from workbench.load.raw import ROW, UNNAMED
from workbench.notes import Note

COLUMN = "question_text"
# What a second header row says of a question that has one column: nothing of the question.
ANSWER = {
    *("response", "open-ended response", "antwoord", "open antwoord", "reactie"),
    *("antwort", "réponse", "respuesta", "risposta", "resposta", "svar"),
}
_ROW_OF = Note(
    "load.question_row",
    "Row {row} below the header holds the texts of questions and is no answer: {n} texts.",
    row=0,
    n=0,
)


def known(raw, told, path):
    """Return the rows that are answers, and the text of each question of which it is known."""
    row = told.get("question_row")
    if row is None:
        return raw, raw.questions
    cells = _cells(raw, row, path)
    texts = {**raw.questions, **composed(raw.columns, cells)}
    work = raw.workspace
    work.run(
        f"CREATE OR REPLACE TEMP VIEW answered AS SELECT * FROM {raw.relation} "
        f"WHERE {ROW} NOT IN (SELECT {ROW} FROM question_rows)"
    )
    count = work.one("SELECT count(*) FROM question_rows")
    note = _ROW_OF.having(row=row, n=len(texts))
    noticed = [*raw.noticed, note]
    return replace(raw, relation="answered", rows=raw.rows - count, noticed=noticed), texts


def _cells(raw, row, path):
    """Return what stands in the row of questions, by column; each file has one."""
    expressions = Expressions(raw, path)
    within = f"PARTITION BY {raw.file} " if raw.file else ""
    raw.workspace.run(
        f"CREATE OR REPLACE TEMP TABLE question_rows AS SELECT {ROW} FROM ("
        f"SELECT r.{ROW}, row_number() OVER ({within}ORDER BY r.{ROW}) AS place "
        f"FROM {raw.relation} r) WHERE place = {row}"
    )
    shown = ", ".join(
        f"{expressions.text(expressions.column(name))} AS {quote(own)}"
        for name, own in raw.columns.items()
    )
    rows = raw.workspace.rows(
        f"SELECT {shown} FROM {raw.relation} WHERE {ROW} IN (SELECT {ROW} FROM question_rows) "
        f"ORDER BY {ROW} LIMIT 1"
    )
    if not rows:
        raise InputError(
            "load.error_question_row",
            "{path}: no row {row} below the header, where `question_row:` looks for the questions",
            path=path,
            row=row,
        )
    return dict(zip(raw.columns, rows[0], strict=True))


def composed(names, cells):
    """Return the text of each question from its column's name and the cell below it.

    A name that is a sentence is the question, or the first part of it: columns without a name
    belong to the one before them, and the cell says which part they are.

    >>> composed(["Q1", "How was it?", "unnamed_3"], {"Q1": "Why?", "How was it?": "Price"})
    {'Q1': 'Why?', 'How was it?': 'How was it? – Price', 'unnamed_3': 'How was it?'}
    """
    texts, above = {}, ""
    for name in names:
        above = above if UNNAMED.fullmatch(name) else name
        cell = cells.get(name)
        if " " not in above.strip():
            texts[name] = cell
        elif cell is None or cell.casefold() in ANSWER or cell == above:
            texts[name] = above
        else:
            texts[name] = f"{above} – {cell}"
    return {name: text for name, text in texts.items() if text}
