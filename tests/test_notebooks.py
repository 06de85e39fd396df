"""The notebooks keep the house rules: run, cleaned, typed parameters, no code that belongs in the
package, two exercises.
"""

import ast
import json

import nbformat
import pytest

from workbench import project
from workbench.reports import read_parameters
from workbench.reports.golden import clean

ROOT = project.root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def path(request):
    """One notebook."""
    return request.param


@pytest.fixture
def book(path):
    """Its content."""
    return nbformat.read(path, 4)


def test_every_code_cell_was_run(book):
    """A cell without execution count would be compared with nothing."""
    code = [c for c in book.cells if c.cell_type == "code"]
    assert code and all(c.execution_count for c in code)
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert sum(bool(c.outputs) for c in code) >= len(code) // 2


def test_outputs_are_clean(path, book):
    """Nothing volatile: no run times, no versions, no warnings, no errors."""
    assert json.loads(nbformat.writes(clean(nbformat.read(path, 4)))) == json.loads(
        nbformat.writes(book)
    )
    assert not any(o.output_type == "error" for c in book.cells for o in c.get("outputs", ()))


def test_parameters_are_typed_and_explained(path):
    """Language everywhere; analyses also have source, mapping, seed and confidence level; each has
    a comment.
    """
    parameters = read_parameters(path)
    assert parameters["language"].options == ("en", "nl")
    assert all(p.help for p in parameters.values())
    if not path.stem.startswith("00"):
        assert {"mapping", "seed", "conf_level"} <= set(parameters)
        assert {"source", "sources"} & set(parameters)


def test_what_needs_a_function_is_in_the_package(book):
    """No def and no class."""
    for cell in book.cells:
        if cell.cell_type == "code":
            assert not any(
                isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
                for n in ast.walk(ast.parse(cell.source))
            )


def test_two_exercises_that_check_themselves(book):
    """Two checks, unanswered as shipped."""
    checks = [c for c in book.cells if "reports.check(answer_" in c.source]
    assert len(checks) == 2 and all("exercise" in c.metadata["tags"] for c in checks)
    assert all("Exercise" in c.outputs[0]["data"]["text/markdown"] for c in checks)


def test_figures_have_words(book):
    """Every picture carries an alternative text with the drawn numbers."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                assert alt == output["data"]["text/plain"] and any(ch.isdigit() for ch in alt)


def test_the_right_answer_is_recognised():
    """A number close enough, a text whatever its case; a wrong one gets the hint."""
    from workbench import reports

    assert "Right" in str(reports.check(0.9515, 0.95148, "nb10.ex1"))
    assert "Right" in str(reports.check("A ", "a", "nb10.ex1"))
    assert "Not yet" in str(reports.check(0.5, 0.95, "nb10.ex1"))
    assert "Exercise" in str(reports.check(None, 1, "nb10.ex1"))


def test_the_start_page_leads_everywhere():
    """Its links exist: notebooks, own data, reports."""
    import re

    start = nbformat.read(ROOT / "notebooks" / "00_start.ipynb", 4)
    text = "".join(
        o["data"].get("text/markdown", "")
        for c in start.cells
        for o in c.get("outputs", ())
        if "data" in o
    )
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert "../reports/index.html" in links and {f"{p.name}" for p in NOTEBOOKS[1:]} <= set(links)
    assert "data/external/" in text and "workbench check" in text
