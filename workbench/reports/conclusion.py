"""How a notebook ends: the answers it found, in one list, each with its grade of evidence."""

from workbench.display import render
from workbench.display.languages import naming
from workbench.display.readable import is_unsaid
from workbench.display.tables import grade
from workbench.display.templates import fill
from workbench.notes import Note
from workbench.reports.words import Unanswered
from workbench.results import Result, is_built_in

GRADE = Note("result.conclusion", "{grade:word}", grade="descriptive")
GRADE_SIMULATED = Note(
    "result.conclusion_simulated", "{grade:word}, simulated", grade="descriptive"
)


class Conclusion:
    """Answers for display, one a line: the sentence of a Result and how strong its evidence is.

    `.results` are the Results it was made from.
    """

    def __init__(self, results):
        self.results = results

    def lines(self):
        """Return every answer as (sentence, grade); nothing of what could not be answered."""
        said = []
        for result in self.results:
            if not isinstance(result, Result) or result.answer is None or is_unsaid(result.answer):
                continue
            with naming(is_built_in(result)):
                marks = GRADE_SIMULATED if result.simulated else GRADE
                marks = marks.having(grade=grade(result.evidence))
                said.append((render(result.answer), render(marks)))
        return said

    def _repr_html_(self):
        return fill("conclusion.html.j2", lines=self.lines())

    def __repr__(self):
        return "\n".join(
            f"{i}. {text} ({marks})" for i, (text, marks) in enumerate(self.lines(), start=1)
        )


def conclusion(*results):
    """Return the answers that a notebook ends with, for display: one line a Result.

    A Result per source (a dict) is one line a source. What the data did not allow is left out.
    """
    flat = []
    for result in results:
        flat += list(result.values()) if isinstance(result, dict) else [result]
    return Conclusion([r for r in flat if r is not None and not isinstance(r, Unanswered)])
