"""What a reader meets: findings first, people left out, tables in a workbook, an address that
stays.
"""

import html
import json
import sys
from html.parser import HTMLParser

import nbformat
import openpyxl
import pandas as pd
import pytest

from workbench import project
from workbench.cli import main
from workbench.display import workbook
from workbench.errors import InputError
from workbench.reports import layout, people, render, words
from workbench.reports.run import run
from workbench.reports.words import table

ADDRESS = "anna.devries@voorbeeld.nl"


def book_of(*cells):
    """A notebook of (kind, source, tags, outputs)."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    for kind, source, *more in cells:
        make = nbformat.v4.new_markdown_cell if kind == "text" else nbformat.v4.new_code_cell
        cell = make(source)
        cell.metadata["tags"] = list(more[0]) if more else []
        if len(more) > 1:
            cell.outputs = [nbformat.v4.new_output("display_data", data) for data in more[1]]
        book.cells.append(cell)
    return book


def shown(answer):
    """The HTML of a shown Result."""
    return {"text/html": f'<div class="result"><p class="answer">{answer}</p><table></table></div>'}


def test_findings_come_from_the_cells_the_notebook_names():
    """Tagged cells open the report, each source by its name; without tags the first answers do."""
    cells = [
        ("text", "# Do they come back?\n\nOf those who bought."),
        ("code", "a", [], [shown("Not this.")]),
        ("code", "b", ["finding"], [{"text/markdown": "### Shop A"}, shown("4 of 10 came back.")]),
    ]
    arranged = layout.arrange(book_of(*cells))
    assert arranged.title == "Do they come back?"
    assert [(f.source, f.text) for f in arranged.findings] == [("Shop A", "4 of 10 came back.")]
    untagged = [(kind, source, [], *rest[1:]) for kind, source, *rest in cells]
    found = layout.arrange(book_of(*untagged)).findings
    assert [f.text for f in found] == ["Not this.", "4 of 10 came back."]


def test_a_source_is_named_as_its_owner_wrote_it():
    """What keeps Markdown from acting on the name of a file is not read: neither in the findings,
    nor in the contents, nor in what is folded.
    """
    name = "data/my_shop *2* [a] #1 & <b>.csv"
    heading = str(words.heading(name)._repr_markdown_())
    book = book_of(
        ("text", "# A title"),
        ("text", heading.replace("###", "##", 1)),
        ("text", f"{heading}\n\nExplained."),
        ("code", "b", ["finding"], [{"text/markdown": heading}, shown("4 of 10 came back.")]),
    )
    arranged = layout.arrange(book)
    assert [f.source for f in arranged.findings] == [name]
    assert [s.text for s in arranged.sections] == [name]
    assert name in [c.metadata.get("folded") for c in book.cells]


def test_an_answer_is_said_once_for_a_figure_and_its_table():
    """The figure carries it; the table below it does not repeat it, nor does the opening."""
    book = book_of(("code", "a", ["finding"], [{"image/png": ""}, shown("Half.")]))
    book.cells[0].outputs[0].metadata["image/png"] = {"answer": "Half.", "alt": "Half."}
    arranged = layout.arrange(book)
    assert [f.text for f in arranged.findings] == ["Half."]
    assert book.cells[0].outputs[1].metadata["answered"]


def test_the_data_come_last_and_explanations_are_folded():
    """A section tagged `data` moves to the end with all its cells; small headings fold; a section
    that shows nothing is left out.
    """
    book = book_of(
        ("text", "# T"),
        ("text", "## The data", ["data"]),
        ("code", "load()", [], [{"text/plain": "a card"}]),
        ("text", "### What is a purchase?\n\nA day."),
        ("text", "## How many?"),
        ("text", "### How to count\n\nCarefully."),
        ("text", "## Nothing was asked"),
        ("code", "if False: show()"),
        ("text", "secret", ["remove-cell"]),
    )
    arranged = layout.arrange(book)
    assert [c.source for c in book.cells[1:]] == [
        "## How many?",
        "Carefully.",
        "## The data",
        "load()",
        "A day.",
    ]
    assert book.cells[2].metadata["folded"] == "How to count"
    assert [s.text for s in arranged.sections] == ["How many?", "The data"]


class Page(HTMLParser):
    """Collects ids, links and the order of headings of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.regions = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note ids, links and regions."""
        attrs = dict(attrs)
        if "id" in attrs:
            assert attrs["id"] not in self.ids, "an id stands for one thing"
            self.ids.add(attrs["id"])
        if tag == "a":
            self.links.append(attrs["href"])
        if attrs.get("role") == "region":
            self.regions.append(attrs)


RESULT = """
from workbench import retention
import pandas as pd
orders = pd.DataFrame({
    "order_id": range(60), "customer_id": [f"c{i % 20}" for i in range(60)],
    "ordered_at": pd.date_range("2024-01-01", periods=60, tz="UTC"), "amount": 10.0,
})
found = retention.repeat_rate(orders, windows=["30D"])
display(found.figure(), found)
"""


def run_result(home, language="en", **options):
    """Publish a small report with one Result and return its folder."""
    book = book_of(
        ("code", f'language: str = "{language}"', ["parameters"]),
        ("text", "# Coming back"),
        ("code", f'from workbench import use_language\nuse_language("{language}")'),
        ("text", "## The data", ["data"]),
        ("text", "## How many?"),
        ("code", RESULT, ["finding"]),
    )
    nbformat.write(book, home / "notebooks" / "back.ipynb")
    return run("back", {"language": language}, **options)


@pytest.mark.parametrize(("language", "heading"), [("en", "What was found"), ("nl", "gevonden")])
def test_a_report_answers_first(home, language, heading):
    """The first thing under the title is what was found, with a way to where it is shown."""
    folder = run_result(home, language)
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert text.index(heading) < text.index('class="contents"') < text.index('id="section-1"')
    assert all(link[1:] in page.ids for link in page.links if link.startswith("#"))
    assert page.regions and all(r["tabindex"] == "0" and r["aria-label"] for r in page.regions)


def test_every_table_stands_in_the_workbook(home):
    """The tidy numbers, the answer and the limits; texts stay texts."""
    folder = run_result(home)
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    assert book.sheetnames == ["Contents", "1"], "a table shown twice is kept once"
    rows = list(book["1"].iter_rows(values_only=True))
    assert rows[1][0].startswith("100.0 % of first-time customers")
    header = rows[3]
    assert rows[4][header.index("n")] == 20 and rows[4][header.index("estimate")] == 1
    assert not (folder / "shown.jsonl").exists()


def test_a_text_in_the_workbook_is_no_formula(tmp_path):
    """Whatever a value begins with, and whatever signs it holds."""
    evil = "=HYPERLINK(1)"
    entry = {"question": evil, "answer": "+1", "method": "", "limits": ["@x"], "columns": [evil]}
    workbook.write([{**entry, "rows": [[evil], ["\x1b[31m"]]}], tmp_path / "t.xlsx")
    cells = [c for row in openpyxl.load_workbook(tmp_path / "t.xlsx")["1"].iter_rows() for c in row]
    assert all(c.data_type != "f" for c in cells)
    assert "\x1b" not in str([c.value for c in cells])


def test_a_report_has_an_address_that_stays(home):
    """reports/latest/NAME leads to the newest good run, and a failed run does not move it."""
    first = run_result(home)
    second = run_result(home, name="../over/mine")
    latest = home / "reports" / "latest"
    assert (latest / "back").resolve() == first and (latest / "over-mine").resolve() == second
    nbformat.write(
        book_of(("code", "x: int = 1", ["parameters"]), ("code", "1 / 0")),
        home / "notebooks" / "broken.ipynb",
    )
    assert main(["run", "broken", "--name", "over-mine", "--quiet"]) == 1
    assert (latest / "over-mine").resolve() == second
    assert main(["run", "broken", "back", "--name", "x", "--quiet"]) == 2


def test_people_are_left_out_unless_asked_for(home, tmp_path):
    """By default no row of a person; asked for, a pseudonym that cannot be guessed from the id."""
    rows = pd.DataFrame({"customer_id": [ADDRESS, "c2"], "worth": [9.5, 1.0]})
    assert ADDRESS not in str(table(rows, "clv.best"))
    hashed = table(rows, "clv.best", show_customers="hashed")
    again = people.guard(rows, "hashed")
    assert ADDRESS not in hashed._repr_html_() and again.equals(hashed.table)
    assert (home / "reports" / ".pseudonyms").stat().st_mode & 0o777 == 0o600
    assert ADDRESS in table(rows, "clv.best", show_customers="ids")._repr_html_()
    with pytest.raises(InputError, match="show_customers"):
        people.guard(rows, "all")


PEOPLE = f"""
import pandas as pd
frame = pd.DataFrame({{"Email": ["{ADDRESS}"], "customer_id": ["{ADDRESS}"], "n": [3]}})
frame
"""


def test_a_frame_of_people_does_not_leave_the_machine(home):
    """A notebook that shows its customers: neither page, notebook nor workbook holds one."""
    book = book_of(
        ("code", "n: int = 1", ["parameters"]), ("code", PEOPLE), ("code", "frame.head()")
    )
    nbformat.write(book, home / "notebooks" / "who.ipynb")
    folder = run("who")
    kept = json.loads((folder / "notebook.ipynb").read_text())
    outputs = json.dumps([cell.get("outputs") for cell in kept["cells"]])
    assert ADDRESS not in outputs
    assert ADDRESS not in (folder / "report.html").read_text()


def test_what_is_printed_is_looked_at_too():
    """A printed frame of people is left out, wide or not; a sentence that names a column stays."""
    frame = pd.DataFrame({"customer_id": [ADDRESS], **{f"column_{i}": [i] for i in range(30)}})
    sentence = "no column named customer_id, or so."
    printed = [frame.head().to_string(), str(frame), repr(frame[["customer_id"]]), sentence]
    book = book_of(("code", "a"))
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=text) for text in printed]
    people.forget(book)
    left = [output.text for output in book.cells[0].outputs]
    assert not any(ADDRESS in text for text in left) and left[-1] == sentence


def test_committed_notebooks_show_no_person():
    """No table in an output has a column that names people."""
    for path in (project.root() / "notebooks").glob("*.ipynb"):
        book = nbformat.read(path, 4)
        before = json.dumps([c.get("outputs") for c in book.cells])
        people.forget(book)
        assert json.dumps([c.get("outputs") for c in book.cells]) == before, path.name


LOOKS_ACTIVE = ["javascript:void(0)", "$5_$10", "<script>", "on click=alert"]


def test_what_looks_active_is_only_text(home):
    """A page address or price in the data neither acts nor stops the report."""
    source = f"import pandas as pd\npd.DataFrame({{'page': {LOOKS_ACTIVE!r}, 'n': 20}})"
    book = book_of(("code", "n: int = 1", ["parameters"]), ("code", source))
    nbformat.write(book, home / "notebooks" / "page.ipynb")
    page = html.unescape((run("page") / "report.html").read_text())
    assert all(text in page for text in LOOKS_ACTIVE)


def test_a_figure_is_described_in_a_sentence():
    """The alternative text is the answer, at most 300 signs; the numbers stand beside it."""
    output = nbformat.v4.new_output("display_data", {"image/png": "", "text/plain": "x " * 900})
    output.metadata["image/png"] = {"alt": "y " * 900, "answer": ""}
    assert len(render._alt(output)) <= 300
    output.metadata["image/png"]["answer"] = "Half & half."
    assert render._alt(output) == "Half &amp; half."


def test_without_the_library_of_the_extra_nothing_is_run(home, monkeypatch, capsys):
    """A page on paper is asked for where it cannot be made: one sentence, no run."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    nbformat.write(
        book_of(("code", "n: int = 1", ["parameters"])), home / "notebooks" / "page.ipynb"
    )
    assert main(["run", "page", "--pdf", "--quiet"]) == 2
    assert "extra 'pdf'" in capsys.readouterr().err
    assert not list(home.glob("reports/runs/*"))


def test_a_page_on_paper_fetches_nothing(home):
    """Tagged, in the page's language, without a look at the network or the disk."""
    pytest.importorskip("weasyprint")
    folder = run_result(home, "nl", to_pdf=True)
    paper = (folder / "report.pdf").read_bytes()
    assert paper.startswith(b"%PDF") and b"/StructTreeRoot" in paper
