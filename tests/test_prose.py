"""Prose of notebooks: Dutch beside the English, complete; put in for a report and for a copy."""

import re
import shutil

import nbformat
import pandas as pd
import pytest

from workbench import display, project, reports
from workbench.cli import main
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.reports import prose

ROOT = project.root()


@pytest.fixture
def english():
    """English again after a test that speaks Dutch."""
    yield
    display.use("en")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project with one small notebook and its catalogue."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(ROOT / "reports" / "theme", tmp_path / "reports" / "theme")
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    parameters = nbformat.v4.new_code_cell(
        'from typing import Literal\n\nlanguage: Literal["en", "nl"] = "en"  # language\n'
        'name: str = "language"  # a word'
    )
    parameters.metadata["tags"] = ["parameters"]
    setup = nbformat.v4.new_code_cell(
        f"from workbench import reports, use_language\n\nuse_language(language)\n{prose.NOTICE}"
    )
    book.cells = [
        nbformat.v4.new_markdown_cell("# Bread & butter\n\nSee [the other](b.ipynb), `x < 1`."),
        parameters,
        setup,
        nbformat.v4.new_code_cell("print(name)"),
        nbformat.v4.new_code_cell("'last ' + name"),
    ]
    nbformat.write(book, folder / "a.ipynb")
    nbformat.write(book, folder / "b.ipynb")
    dutch = {book.cells[0].source: "# Brood & boter\n\nZie [het andere](b.ipynb), `x < 1`."}
    prose.write(folder / "nl" / "a.po", dutch)
    shutil.copy(ROOT / "notebooks" / "nl" / "shared.po", folder / "nl")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path


def test_a_catalogue_keeps_texts_to_the_letter(home):
    """Lines, quotation marks, percent signs and backslashes come back as they went in."""
    po = home / "notebooks" / "nl" / "b.po"
    entries = {
        'A "quote"\n\n- 40 % of\tall': "C:\\map é\n\n“40 %” van\talles",
        "x" * 300: "y " * 200,
    }
    prose.write(po, entries)
    assert prose.catalogue(home / "notebooks" / "b.ipynb") == entries


def test_what_is_wrong_with_a_catalogue_is_said(home):
    """Missing, stale, empty and fuzzy entries, and links or code that differ."""
    path = home / "notebooks" / "a.ipynb"
    assert prose.problems(path, prose.wanted(path)) == []
    po = home / "notebooks" / "nl" / "a.po"
    text = po.read_text(encoding="utf-8")
    for change, said in (
        (text.replace("# Bread", "# Cake"), "not translated"),
        (text + '\nmsgid "old"\nmsgstr "oud"\n', "stale: old"),
        (text.replace("het andere](b.", "het andere](c."), "other links"),
        (text.replace('msgid ""\n"# B', '#, fuzzy\nmsgid ""\n"# B'), "fuzzy"),
    ):
        po.write_text(change, encoding="utf-8")
        assert said in " ".join(prose.problems(path, prose.wanted(path)))
    po.unlink()
    assert prose.problems(path, ["a"]) == ["a.po: missing"]


def test_update_keeps_what_is_translated(home):
    """A new text comes in empty, one no longer there goes, the others keep their translation."""
    path = home / "notebooks" / "a.ipynb"
    book = nbformat.read(path, 4)
    book.cells.append(nbformat.v4.new_markdown_cell("New."))
    nbformat.write(book, path)
    assert prose.update(path) == 1
    assert next(iter(prose.catalogue(path).values())).startswith("# Brood")
    assert 'msgid "New."\nmsgstr ""' in (home / "notebooks" / "nl" / "a.po").read_text()


def test_a_report_is_dutch_throughout(home, english):
    """Prose and title are Dutch, no notice, and links to neighbours are words only."""
    folder = reports.run("a", {"language": "nl"})
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<title>Brood &amp; boter</title>" in page
    assert "<h1" in page
    assert "Bread" not in page
    assert "workbench open" not in page
    assert "het andere" in page
    assert "b.ipynb" not in page
    assert "x &lt; 1" in page
    assert "last language" in page
    page = (reports.run("a") / "report.html").read_text(encoding="utf-8")
    assert "<title>Bread &amp; butter</title>" in page
    assert "Brood" not in page


def test_a_long_table_folds_in_the_page(home):
    """Rows after the first dozen are in the page, folded away without a script."""
    path = home / "notebooks" / "a.ipynb"
    book = nbformat.read(path, 4)
    table = "import pandas as pd\n\nreports.table(pd.DataFrame({'x': range(50)}), 'table.card')"
    book.cells.append(nbformat.v4.new_code_cell(table))
    nbformat.write(book, path)
    page = (reports.run("a") / "report.html").read_text(encoding="utf-8")
    assert re.search("<details[^>]*><summary>", page)
    assert page.count("</tr>") == 52


def test_a_copy_is_made_once(home, capsys):
    """Dutch prose and parameter, no outputs, links to copies; an existing copy is left alone."""
    assert main(["open", "a", "--language", "nl"]) == 0
    copy = home / "notebooks" / "a.nl.ipynb"
    book = nbformat.read(copy, 4)
    code = [c.source for c in book.cells if c.cell_type == "code"]
    assert book.cells[0].source.startswith("# Brood")
    assert "(b.ipynb)" in book.cells[0].source
    assert '= "nl"  # language\nname: str = "language"' in code[0]
    assert not any(prose.NOTICE in c for c in code)
    assert "a.nl.ipynb: gemaakt" in (said := capsys.readouterr().out)
    assert "jupyter lab" in said
    copy.write_text("mine")
    assert main(["open", "a", "--language", "nl"]) == 0
    assert copy.read_text() == "mine"
    assert "blijft zoals het is" in capsys.readouterr().out
    assert main(["open", "b", "--language", "nl"]) == 2
    assert "nog geen b.po" in capsys.readouterr().err


def test_all_copies_know_each_other(home):
    """Without a name every notebook with a catalogue is copied, and links lead to the copies."""
    shutil.copy(home / "notebooks" / "nl" / "a.po", home / "notebooks" / "nl" / "b.po")
    assert main(["open", "--language", "nl"]) == 0
    names = {p.name for p in (home / "notebooks").glob("*.nl.ipynb")}
    assert names == {"a.nl.ipynb", "b.nl.ipynb"}
    first = nbformat.read(home / "notebooks" / "a.nl.ipynb", 4).cells[0].source
    assert "(b.nl.ipynb)" in first
    from workbench.reports.run import notebooks

    assert list(notebooks()) == ["a", "b"]


def test_in_english_open_says_how(home, capsys):
    """Nothing is copied; the command to open it is printed."""
    assert main(["open", "a"]) == 0
    assert re.search(r"jupyter lab \S*a\.ipynb", capsys.readouterr().out)
    assert not list((home / "notebooks").glob("*.nl.ipynb"))


def test_plain_papermill_says_where_dutch_prose_is(english):
    """The notice is Dutch in Dutch, and nothing in English."""
    assert reports.prose_notice("en") is None
    display.use("nl")
    assert "`workbench open`" in str(reports.prose_notice("nl"))
    assert "De lopende tekst" in str(reports.prose_notice("nl"))


def test_the_reason_for_an_empty_section_reads_in_the_language_in_use():
    """It is kept as a note: what the analysis is called is left out, values are no markup."""

    def too_few(name):
        raise NotEnoughData("errors.more", "{n} more", n=name)

    nothing = reports.attempt(too_few, 3)
    assert nothing.text == "Not answered here: 3 more"
    assert nothing.reason.values == {"n": 3}
    assert nothing.table is None
    with display.speaking("nl"):
        assert nothing.text == "Hier niet beantwoord: nog 3"
    assert "<b>" not in reports.attempt(too_few, "<b>").text


def test_captions_have_a_name_or_are_notes(english):
    """A caption of ours by its name, any other as a note; a slip is named."""
    frame = pd.DataFrame({"x": [1]})
    assert "Events by stage" in reports.table(frame, "table.stages")._repr_html_()
    assert "3 left" in repr(reports.table(frame, Note("demo", "{n} left", n=3)))
    with display.speaking("nl"):
        assert "Gebeurtenissen per fase" in repr(reports.table(frame, "table.stages"))
    frame.attrs["simulated"] = True
    assert "SIMULATED · Events" in repr(reports.table(frame, "table.stages"))
    with pytest.raises(InputError, match=r"Did you mean 'table\.stages'"):
        reports.table(frame, "table.stage")


def test_the_index_speaks_every_language(home):
    """A page in each, which leads to the others, without a script."""
    from workbench.reports import index

    english = index.write()
    dutch = english.with_name("index.nl.html")
    for page, said, other in (
        (english, "No reports yet", "index.nl"),
        (dutch, "Nog geen", "index"),
    ):
        text = page.read_text(encoding="utf-8")
        assert said in text and f'href="{other}.html"' in text
        assert "<script" not in text
    assert '<html lang="nl">' in dutch.read_text(encoding="utf-8")


def test_a_value_in_a_heading_is_no_markup():
    """The name of a file stays text."""
    heading = str(reports.heading("data/<b>x</b>_*y*.csv"))
    assert "<b>" not in heading
    assert "\\*y\\*" in heading
    assert "\\_" in heading


def test_the_shared_catalogue_is_complete():
    """What all notebooks share has its Dutch."""
    from workbench.reports import exercises

    shared = ROOT / "notebooks" / "shared.ipynb"
    needed = [prose.ELSEWHERE, exercises.UNREADABLE, exercises.NO_TRUTH]
    assert prose.problems(shared, needed) == []


def test_a_language_without_prose_changes_nothing(home):
    """English stays English, and a notebook of one's own without a catalogue stays as it is."""
    for name, language in (("a", "en"), ("b", "nl")):
        path = home / "notebooks" / f"{name}.ipynb"
        book = nbformat.read(path, 4)
        assert prose.translate(nbformat.read(path, 4), path, language) == book
    with pytest.raises(InputError, match=r"no b\.po"):
        prose.copy(home / "notebooks" / "b.ipynb", "nl")
