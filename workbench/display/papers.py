"""A Result as a table for a text: Markdown for notes, LaTeX in APA style for a paper."""

import re

from workbench.display.languages import naming
from workbench.display.readable import readable
from workbench.display.shares import ways
from workbench.display.tables import declared, foot, shown
from workbench.display.withholding import answer_of
from workbench.display.writing import header, render, visible
from workbench.notes import Note
from workbench.results import NUMBERS, is_built_in, withheld

_NOTE = Note("papers.note", "Note.")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": r"$-$",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def markdown(result):
    """Return a Result as Markdown: question, answer, table, method and limits."""
    with naming(is_built_in(result)):
        table, numeric = _table(result)
        parts = [
            f"**{_plain(render(result.question))}**",
            _plain(render(answer_of(result))) if result.answer else "",
            _pipes(table, numeric),
            _plain(render(foot(result))),
            "\n".join(f"- {_plain(render(withheld(note)))}" for note in result.limits),
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def latex(result, label=""):
    """Return a Result as a LaTeX table in APA style: title in italics above, rules without
    verticals, the method and the limits as a note below. Needs the package booktabs.
    """
    with naming(is_built_in(result)):
        table, numeric = _table(result)
        note = " ".join(
            _tex(render(one)) for one in (foot(result), *(withheld(n) for n in result.limits))
        )
        title = _tex(render(result.question))
    lines = [
        r"\begin{table}",
        rf"\caption{{\textit{{{title}}}}}",
        *([rf"\label{{{label}}}"] if label else []),
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numeric)}}}",
        r"\toprule",
        " & ".join(map(_tex, table.columns)) + r" \\",
        r"\midrule",
        *(" & ".join(map(_tex, row)) + r" \\" for row in table.itertuples(index=False, name=None)),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\par\smallskip\footnotesize\textit{{{_tex(str(_NOTE))}}} {note}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _table(result):
    """Return the table as people read it, and which of its columns hold numbers."""
    table = readable(shown(result.table, ways(result), declared(result)))
    words = [
        name
        for name in result.table
        if name not in NUMBERS and result.table[name].dtype.kind not in "ifu"
    ]
    left = {visible(header(name)) for name in words}
    return table, [name not in left for name in table.columns]


def _pipes(table, numeric):
    rules = ["---:" if right else ":---" for right in numeric]
    rows = [table.columns, rules, *table.itertuples(index=False, name=None)]
    written = [[one if row is rules else _plain(str(one)) for one in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in written)


def _plain(text):
    """Return a text that means itself in Markdown, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _tex(text):
    """Return a text that means itself in LaTeX, on one line."""
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(str(text).split()))
