"""The notebooks keep the house rules: literate, run, cleaned, typed parameters, no code that
belongs in the package, two exercises that ask for judgement.
"""

import ast
import json
import re
import statistics
from itertools import pairwise

import nbformat
import pytest

from workbench import project
from workbench.reports import prose, read_parameters
from workbench.reports.golden import clean

ROOT = project.root()
# Copies in another language are somebody's own work.
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").glob("*.ipynb") if not p.stem.endswith(".nl"))
# A report that recurs teaches nothing: it has no exercises, and is short.
LESSONS = [p for p in NOTEBOOKS if not p.stem.startswith("9")]


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
    assert code
    assert all(c.execution_count for c in code)
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


def tagged(cell, tag):
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def literate(path):
    """A notebook: its Markdown cells and its code cells."""
    cells = nbformat.read(path, 4).cells
    markdown = [c for c in cells if c.cell_type == "markdown"]
    return markdown, [c for c in cells if c.cell_type == "code"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_two_exercises_that_check_themselves(path):
    """Two checks, unanswered as shipped, each with a first word of help."""
    cells = nbformat.read(path, 4).cells
    checks = [c for c in cells if re.search(r"exercises\.check\(\d, answer_", c.source)]
    assert len(checks) == 2
    assert all(tagged(c, "exercise") for c in checks)
    assert all("*Hint.*" in c.outputs[0]["data"]["text/markdown"] for c in checks)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_opening_says_what_for_whom_how_long(path):
    """A title with a question or a promise, then for whom, how long, and where to go."""
    markdown, _ = literate(path)
    assert re.match(r"# .+\n\n.{100,}", markdown[0].source, re.DOTALL)
    assert not markdown[0].metadata.get("tags")
    opening = markdown[1].source
    assert "**For whom.**" in opening
    assert "**How long.**" in opening
    assert tagged(markdown[1], "remove-cell")
    assert path.stem == "00_start" or len(re.findall(r"\]\(\d\d_\w+\.ipynb\)", opening)) >= 2


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_prose_teaches(path):
    """Ideas, one a cell: many cells, enough words, and none that is a wall of text."""
    markdown, _ = literate(path)
    words = [len(c.source.split()) for c in markdown]
    assert len(markdown) >= (15 if path.stem == "00_start" else 20)
    assert sum(words) >= (900 if path.stem == "00_start" else 1200)
    assert max(words) <= 220


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_prose_comes_before_code(path):
    """No two long code cells without a word between them, and the last word is prose."""
    cells = nbformat.read(path, 4).cells
    assert cells[0].cell_type == "markdown"
    for before, cell in pairwise(cells):
        if cell.cell_type == "code" and before.cell_type == "code":
            assert tagged(before, "parameters") or len(cell.source.splitlines()) <= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_code_is_short_and_worth_reading(path):
    """Few lines a cell, none over 100 columns, no prose in code."""
    _, code = literate(path)
    lines = [c.source.splitlines() for c in code if not tagged(c, "parameters")]
    assert statistics.median(map(len, lines)) <= 4
    assert max(map(len, lines)) <= 12
    assert all(len(line) <= 100 for c in code for line in c.source.splitlines())
    assert not any("reports.say(" in c.source for c in code)
    setup = next(c.source for c in code if prose.NOTICE in c.source)
    assert re.search(r"^use_language\(language\)$", setup, re.MULTILINE)
    assert setup.endswith(f"\n{prose.NOTICE}")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_finding_is_typed(path):
    """Prose holds no percentage, decimal or large number: findings are answers of Results."""
    markdown, _ = literate(path)
    for cell in markdown:
        text = re.sub(r"`[^`]*`|\]\([^)]*\)|\b\d\d_\w+", "", cell.source)
        assert not re.search(r"\d\s?%|\d[.,]\d|\d{4,}", text), text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_dutch_is_complete(path):
    """Each Markdown cell and each sentence of the exercises; links and code the same."""
    assert prose.problems(path, prose.wanted(path)) == []


def test_every_catalogue_has_its_notebook():
    """None is left over."""
    names = {p.stem for p in NOTEBOOKS} | {prose.SHARED}
    assert {p.stem for p in (ROOT / "notebooks" / "nl").glob("*.po")} <= names


def test_figures_have_words(book):
    """Every picture carries an alternative text with the drawn numbers."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                alt = output.metadata["image/png"]["alt"]
                assert alt == output["data"]["text/plain"]
                assert any(ch.isdigit() for ch in alt)


def test_links_lead_somewhere():
    """Every link of a notebook to a file; the start page leads everywhere."""
    text = ""
    for path in NOTEBOOKS:
        markdown, _ = literate(path)
        links = re.findall(r"\]\(([^)]+)\)", "".join(c.source for c in markdown))
        for link in links:
            made = link == "../reports/index.html"
            assert made or link.startswith("https:") or (path.parent / link).exists(), link
        if path.stem == "00_start":
            text = "".join(c.source for c in markdown)
            assert "../reports/index.html" in links
            assert {p.name for p in NOTEBOOKS[1:]} <= set(links)
    assert "data/external/" in text
    assert "workbench check" in text
