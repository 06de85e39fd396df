"""A Result on its way into a paper: Markdown, LaTeX, Excel, and the literature behind it."""

import importlib
import inspect
import re

import openpyxl
import pandas as pd
import pytest

import workbench
from workbench import display, surveys
from workbench.display import citing
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Result

SCORES = [10] * 60 + [8] * 25 + [3] * 15


@pytest.fixture(scope="module")
def nps():
    """Sixty promoters, twenty-five passives, fifteen detractors."""
    answers = pd.DataFrame(
        {
            "response_id": range(100),
            "respondent_id": range(100),
            "answered_at": pd.Timestamp("2026-03-01", tz="UTC"),
            "item": "nps",
            "value": SCORES,
        }
    )
    return surveys.nps(answers, item="nps")


def hostile():
    """A Result whose texts mean something to LaTeX, Markdown and a spreadsheet."""
    name = r"=50% of_all & $x$ {a} #1 | *b* ~^\end"
    table = pd.DataFrame({"brand": [name, "few"], "count": [40, 2], "n": [100, 3]})
    table["estimate"] = table["count"] / table["n"]
    return Result(
        question=Note("test.which", "Which of {name}?", name=name),
        table=table,
        method=Note("test.how", "Counted."),
        unit="customers",
        n=103,
    )


def test_markdown_has_every_cell_and_pipes_of_its_own(nps):
    """Question, answer, one row a row, method and limits; no text opens a column or a style."""
    text = nps.to_markdown()
    assert "45" in text and str(nps.question) in text.replace("\\", "")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(nps.table)
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    rows = [line for line in hostile().to_markdown().splitlines() if line.startswith("| ")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert not re.search(r"(?<!\\)[*$_#<]", hostile().to_markdown().replace("**", "", 2))


def test_latex_is_a_table_in_apa_style(nps):
    """Rules above and below, none between columns; every special sign of a text is escaped."""
    text = nps.to_latex("tab:nps")
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:nps}", r"\textit{Note.}"):
        assert part in text
    assert "|" not in text.split(r"\begin{tabular}")[1].split("}")[0]
    body = hostile().to_latex().split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert r"=50\% of\_all \& \$x\$ \{a\} \#1" in body and r"\textbackslash{}end" in body
    assert r"\textless{}10" in body, "a small cell stays withheld"
    columns = {row.count(" & ") for row in body.strip().split("\\\\\n")}
    assert len(columns) == 1


def test_excel_holds_numbers_and_texts_as_they_are(nps, tmp_path):
    """The number is a number, a text that looks like a formula is a text, few is withheld."""
    nps.to_excel(tmp_path / "nps.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "nps.xlsx")["1"]
    values = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
    assert 45.0 in values and str(nps.question) in values
    hostile().to_excel(tmp_path / "bad.xlsx")
    cells = [c for row in openpyxl.load_workbook(tmp_path / "bad.xlsx")["1"] for c in row]
    assert not any(c.data_type == "f" for c in cells)
    assert "<10" in [c.value for c in cells] and 2 not in [c.value for c in cells]


def test_a_result_knows_its_literature(nps):
    """The references of the docstring and the software, each once, with keys of their own."""
    text = nps.cite()
    keys = re.findall(r"^@\w+{(.+),$", text, re.MULTILINE)
    assert keys[-1] == "consumer_behaviour_workbench" and len(keys) == len(set(keys)) > 1
    assert "surveys.nps" in text.replace(r"\_", "_") and workbench.__version__ in text
    assert text.count("{") == text.count("}")
    with display.speaking("nl"):
        assert nps.cite() == text, "literature has no language"
    with pytest.raises(InputError, match="no analysis"):
        hostile().cite()


def test_every_year_in_a_source_is_a_reference():
    """All public docstrings: a publication named there is found, authors and all."""
    for room in workbench.MODULES:
        module = importlib.import_module(f"workbench.{room}")
        for name in getattr(module, "__all__", ()):
            if not inspect.isfunction(getattr(module, name)):
                continue
            source = citing.source(f"{room}.{name}")
            named = set(re.findall(r"\((1[89]\d\d|20\d\d)\)", source))
            found = citing.references(source)
            assert named <= {str(one.year) for one in found}, (name, source)
            assert all(one.authors and one.authors[0][0].isalpha() for one in found), name
