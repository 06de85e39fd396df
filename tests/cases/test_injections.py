"""Whatever a value, a column, a parameter or a name of a report holds is text: none of it acts."""

import base64
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import openpyxl
import pandas as pd
import pytest
from cases.injections import EVERYTHING

from workbench import project
from workbench.display import figures, tables, visible, workbook
from workbench.notes import Note
from workbench.reports import index, publish, render, words
from workbench.results import Result
from workbench.results.charts import Points

# What a page of ours is made of; anything else came from a text.
OURS = render.TAGS | {"html", "head", "meta", "title", "style", "body", "main", "section", "nav"}
OURS |= {"figure", "figcaption", "img", "footer"}
SHEET = 100


class Page(HTMLParser):
    """Reads a page as a browser does and keeps its tags, attributes and visible text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag with its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        """Keep what can be read."""
        self.text.append(data)


def result(names):
    """A Result whose groups, sentences and limits hold these texts."""
    groups = pd.Series(names, dtype=object)  # half characters have no place in another type
    table = pd.DataFrame({"group": groups, "n": 100, "estimate": 0.5})
    table["conf_low"], table["conf_high"] = 0.4, 0.6
    first = names[0]
    return Result(
        question=Note("demo.question", "How many of {name:text}?", name=first),
        table=table,
        method=Note("demo.method", "By {name}.", name=names[1]),
        unit="customers",
        n=100 * len(names),
        answer=Note("demo.answer", "{name:text} leads.", name=names[2]),
        limits=(Note("demo.limit", "{names:text}", names=names[:3]),),
        chart=Points(label=["group"], percent=True, xlabel=first),
    )


def outputs(names):
    """What a notebook would show of these texts: figures, tables, headings, captions, columns."""
    made = result(names)
    columns = pd.DataFrame([["x"] * 8], columns=pd.Index(names[:8], dtype=object))
    shown = [{"text/markdown": words.heading(name)._repr_markdown_()} for name in names[:5]]
    shown += [{"text/html": tables.result_html(made)}, {"text/plain": "\n".join(names)}]
    shown.append({"text/html": tables.table_html(columns, names[3])})
    shown.append({"image/svg+xml": figures.picture(made, "image/svg+xml"), "text/plain": names[4]})
    return [nbformat.v4.new_output("display_data", data) for data in shown]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The path of a page that holds every text in every place."""
    book = nbformat.v4.new_notebook()
    for i in range(0, len(EVERYTHING), SHEET // 4):
        names = EVERYTHING[i : i + SHEET // 4]
        if len(names) > 8:
            cell = nbformat.v4.new_code_cell("x", outputs=outputs(names))
            cell.outputs[-1].metadata["image/svg+xml"] = {"answer": names[5], "alt": names[6]}
            book.cells.append(cell)
    parameters = {f"{i} {text}": text for i, text in enumerate(EVERYTHING)}
    manifest = {
        "report": EVERYTHING[0],
        "as_of": "2026-11-30",
        "started": EVERYTHING[1],
        "notebook": EVERYTHING[2],
        "source_sha256": "0" * 64,
        "parameters": parameters,
        "python": "3",
        "packages": {},
        "git_commit": None,
        "git_dirty": None,
    }
    path = tmp_path_factory.mktemp("injected") / "report.html"
    render.write_html(book, path, manifest, "en")
    return path


def test_three_hundred_kinds_of_text():
    """As many as were promised, each once."""
    assert len(EVERYTHING) >= 300


def test_nothing_in_a_page_came_from_a_text(page):
    """Only our tags and attributes; no address but our own; every picture is held in the page."""
    read = Page(page.read_text(encoding="utf-8"))
    assert set(read.tags) <= OURS
    assert not [a for a in read.attributes if a[1].startswith("on") or a[1] == "srcdoc"]
    assert all(v.startswith("data:image/") for t, n, v in read.attributes if n == "src")
    links = {v for _, n, v in read.attributes if n == "href"}
    assert all(link.startswith("#") for link in links), links
    assert {v for t, n, v in read.attributes if n == "style"} <= {"text-align: left"}
    assert not [v for t, n, v in read.attributes if t == "meta" and v == "refresh"]


def test_every_text_can_be_read(page):
    """Nothing is lost by being made harmless: what would be obeyed is written out."""
    text = " ".join("".join(Page(page.read_text(encoding="utf-8")).text).split())
    lost = [t for t in EVERYTHING if " ".join(visible(t).split()) not in text]
    assert not lost


def test_pictures_hold_nothing_but_shapes(page):
    """No script, no link and no foreign thing in a drawing, and no address outside it."""
    found = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    assert found
    for drawing in found:
        for element in ElementTree.fromstring(base64.b64decode(drawing)).iter():
            kind = str(element.tag).rpartition("}")[2]
            assert kind not in {"script", "foreignObject", "a", "image", "set", "animate"}
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on")
                assert not name.endswith("href") or value.startswith("#")


def test_a_browser_runs_and_asks_for_nothing(page):
    """In a real one: no text of the page acts, and none makes it fetch."""
    sync = pytest.importorskip("playwright.sync_api")
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        pytest.skip("no Chromium here")
    asked, said = [], []
    with sync.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.goto(page.as_uri())
        for folded in tab.query_selector_all("summary"):
            folded.evaluate("e => e.parentNode.open = true")
        tab.wait_for_timeout(500)
        assert tab.evaluate("window.hit") is None and not said
        browser.close()
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]


def test_no_text_is_a_formula(tmp_path):
    """In the workbook every text is text, in headings, cells and sentences."""
    entries = [
        {
            "question": text,
            "answer": text,
            "method": text,
            "limits": [text],
            "columns": [visible(text)],
            "rows": [[visible(text)]],
        }
        for text in EVERYTHING
    ]
    workbook.write(entries, tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f"]


def test_a_report_may_have_any_name():
    """It stays within its folder, and two names do not become one where they are told apart."""
    names = [publish.safe_name(text) for text in EVERYTHING]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,90}", name) for name in names)
    assert all(Path(name).name == name for name in names)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of its own."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    shutil.copytree(project.root() / "reports" / "theme", tmp_path / "reports" / "theme")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path


def test_the_index_is_as_passive(home):
    """Titles, names, parameters and reasons of failed runs are text there too."""
    for i, text in enumerate(EVERYTHING[::6]):
        building = publish.begin(publish.safe_name(text))
        manifest = {"report": text, "title": text, "reason": text, "parameters": {text: text}}
        status = "ok" if i % 2 else "failed"
        publish.finish(building, {**manifest, "status": status, "started": text})
    for language in index.write().parent.glob("index*.html"):
        read = Page(language.read_text(encoding="utf-8"))
        assert set(read.tags) <= OURS | {"fieldset", "legend", "input", "label", "time"}
        assert not [a for a in read.attributes if a[1].startswith("on")]
        links = [v for _, n, v in read.attributes if n == "href"]
        assert all(re.match(r"runs/[\w/.-]+$|#|index", link) for link in links)
