"""The end of a notebook: the answers on which it rests, each with its grade of evidence."""

import html

from workbench.display import tables
from workbench.display.languages import naming
from workbench.display.writing import render
from workbench.notes import Note
from workbench.results import Result, is_built_in

NOTHING = Note("result.conclusion_none", "These data do not answer the question.")


class Conclusion:
    """Sentences for display, each an answer of a Result with its grade."""

    def __init__(self, results):
        self.results = [r for r in results if isinstance(r, Result) and r.answer is not None]

    @property
    def sentences(self):
        """What was found, a sentence a Result, in the language in use."""
        said = []
        for result in self.results:
            with naming(is_built_in(result)):
                said.append(render(_graded(result)))
        return said or [render(NOTHING)]

    def _repr_html_(self):
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.sentences)
        return f'<ol class="conclusion">{items}</ol>'

    def __repr__(self):
        return "\n".join(f"{i}. {said}" for i, said in enumerate(self.sentences, 1))


def _graded(result):
    said = {"answer": result.answer, "evidence": tables.grade(result.evidence)}
    if result.simulated:
        return Note(
            "result.conclusion_simulated",
            "{answer} (Simulated; evidence: {evidence:word}.)",
            **said,
        )
    return Note("result.conclusion", "{answer} (Evidence: {evidence:word}.)", **said)


def conclusion(*results):
    """Return what a notebook found, for its last page: the answer of each Result with its grade.

    What has no answer, such as a part left out for lack of data, is passed over.
    """
    return Conclusion(results)
