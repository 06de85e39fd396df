"""Nonsense on the command line, and cells that fail without an exception."""

import nbformat
import pytest
import test_reports as reports_tests

from workbench.cli import main
from workbench.errors import ReportFailed
from workbench.reports import publish

home = reports_tests.home
SHOP = ["check", "data/samples/sample_shop.csv", "--mapping", "data/mappings/sample_shop.yml"]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "30_retention", "--jobs", "-1"],
        ["run", "30_retention", "--jobs", "0"],
        ["run", "30_retention", "--jobs", "many"],
        ["run", "30_retention", "--timeout", "0"],
        ["run", "30_retention", "--timeout", "-5"],
        ["schedule", "--timeout", "0"],
        ["simulate", "nowhere", "--customers", "0"],
        ["simulate", "nowhere", "--days", "-3"],
        ["simulate", "nowhere", "--seed", "-1"],
        ["simulate", "nowhere", "--seed", "²"],
    ],
    ids=" ".join,
)
def test_numbers_that_make_no_sense(words, capsys):
    """Refused before anything runs, with what is needed and what was found."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "a whole number of at least" in said and words[-1] in said


@pytest.mark.parametrize(
    "word", ["x" * 5000, "x" * 300, "a\0b", "\ud800", "../..", "nowhere/a.csv"], ids=range(6)
)
@pytest.mark.parametrize(
    "words",
    [["check", "WORD", *SHOP[2:]], [*SHOP[:3], "WORD"], ["guess", "WORD"], ["run", "WORD"]],
    ids=["file", "mapping", "guess", "run"],
)
def test_names_that_name_nothing(words, word, capsys):
    """One line and exit code 2, whatever is said where a file is wanted."""
    assert main([word if w == "WORD" else w for w in words]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("workbench: ") and "Traceback" not in said


@pytest.mark.parametrize("words", [["run", "x", "--parameter=--"], [*SHOP, "--rejected=--"]])
def test_an_option_without_a_value(words, capsys):
    """Two dashes are no value."""
    assert main(words) == 2
    assert "--" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/market", "a_file"])
def test_a_market_needs_a_folder(place, tmp_path, monkeypatch, capsys):
    """A device, a place below one, and a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").write_text("mine")
    assert main(["simulate", place, "--customers", "5", "--quiet"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"workbench: {place}: ") and "\n" not in said
    assert (tmp_path / "a_file").read_text() == "mine"


@pytest.mark.parametrize("place", [".", "/dev/null/rows.csv"])
def test_refused_rows_need_a_file(place, capsys):
    """A folder, and a place that cannot be."""
    assert main([*SHOP, "--rejected", place]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("workbench: ") and "Traceback" not in said


def test_names_of_other_alphabets_stay_apart():
    """Two reports never share a folder because their letters were lost."""
    names = ["отчёт", "месяц", "月報", "café", "cafe", "été", "報告", "a" * 90, "a" * 91]
    safe = [publish.safe_name(n) for n in names]
    assert len(set(safe)) == len(names)
    assert all(s.isascii() and 0 < len(s) <= 80 for s in safe)
    assert publish.safe_name("30_retention") == "30_retention"
    assert publish.safe_name("café") == publish.safe_name("cafe\u0301")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["%no_such_magic"], "UsageError: Line magic function `%no_such_magic` not found"),
        (["1 + 1", "raise ValueError('\\n\\nthe reason')"], "ValueError: the reason"),
        (["raise ValueError"], "ValueError: –"),
    ],
    ids=["magic", "empty first line", "no message"],
)
def test_a_failure_is_told_with_its_cell(cells, said, home):
    """All cells of the notebook are counted, from 1 on; the reason is what the kernel said."""
    path = home / "notebooks" / "own.ipynb"
    reports_tests.notebook(path, *cells)
    at = len(nbformat.read(path, as_version=4).cells)
    with pytest.raises(ReportFailed) as failure:
        reports_tests.run("own")
    assert f"cell {at}: {said}" in str(failure.value)
