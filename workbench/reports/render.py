"""An executed notebook as one page: no script, code hidden, figures with words, ready to print."""

import base64
import datetime
import html
import re
from functools import partial
from html.parser import HTMLParser

from workbench import display, project
from workbench.errors import ReportFailed
from workbench.notes import Note
from workbench.reports import layout, theme

# What the page itself says, by the name its template gives it.
SAYS = {
    "skip": Note("report.skip", "Skip to the report"),
    "found": Note("report.found", "What was found"),
    "shown": Note("report.shown", "show"),
    "contents": Note("report.contents", "Contents"),
    "workbook": Note("report.workbook", "All tables as a workbook"),
    "table": Note("report.table", "Table"),
    "in_workbook": Note("report.in_workbook", "in the workbook of tables"),
    "nothing_found": Note(
        "report.nothing_found",
        "These data do not allow a finding; each section says what it lacks.",
    ),
    "to_table": Note("report.to_table", "The table of this figure"),
    "numbers": Note("report.numbers", "The numbers of this figure"),
    "whole": Note("report.whole", "The whole report"),
    "provenance": Note("report.provenance", "Where this report comes from"),
    "made": Note("report.made", "Made (UTC)"),
    "notebook": Note("report.notebook", "Notebook"),
    "parameters": Note("report.parameters", "Parameters"),
    "versions": Note("report.versions", "Versions"),
    "commit": Note("report.commit", "Commit"),
}
TAGS = {
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
}
MADE = Note("report.made_on", "Made on {day}", day=None)
TOO_WIDE = Note(
    "report.too_wide",
    "{table:text}: too wide for paper; it is in the workbook of tables.",
    table="",
)
LONGEST_ALT = 300
TABLES, SUMMARY = "tables.xlsx", "summary.html"
# The heading under which every notebook ends, in its languages.
_NOT_SHOWN = re.compile(r"## (What this does not show|Wat dit niet laat zien)")
# How many signs a line on a sheet of A4 holds in tables, and how few a column of words can do with.
LINE_ON_PAPER, NARROWEST = 84, 9
BETWEEN_COLUMNS = 2
ATTRIBUTES = {
    "*": {"class", "lang"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "a": {"href", "title"},
}


def write_html(book, path, manifest, language):
    """Write a notebook's page and return its title.

    Only a fixed list of tags survives in outputs; scripts, frames, forms, styles and event handlers
    do not.
    """
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    look = project.root() / "reports" / "theme"
    for name in ("report/index.html.j2", "style.css"):
        if not (look / name).is_file():
            raise ReportFailed(
                "reports.error_theme",
                "reports/theme/{name:text} is missing; restore it from the repository",
                name=name,
            )
    config = Config()
    config.TemplateExporter.exclude_input = True
    config.HTMLExporter.exclude_anchor_links = True
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(look)],
        config=config,
        filters={
            "clean": clean,
            "alt_text": _alt,
            "picture": _picture,
            "result": partial(_result, set()),
        },
    )
    _unlink_neighbours(book)
    _show_last_values(book)
    arranged = layout.arrange(book)
    title = arranged.title or manifest["report"]
    facts = {
        "title": title,
        "language": language,
        "css": theme.css(),
        "logo": theme.logo(),
        "manifest": manifest,
        "says": SAYS,
        "layout": arranged,
        "tables": TABLES if (path.parent / TABLES).is_file() else None,
        "made": MADE.having(day=datetime.date.fromisoformat(manifest["as_of"])),
    }
    with display.speaking(language):
        page, _ = exporter.from_notebook_node(book, resources={"report": facts})
    _must_be_passive(page)
    # Half characters have no place in a file: they are written out.
    path.write_text(page, encoding="utf-8", errors="backslashreplace")
    _write_summary(book, path.with_name(SUMMARY), facts, look)
    return title


def _write_summary(book, path, facts, look):
    """Write the page of one sheet: what was found, and what it does not show."""
    from jinja2 import Template

    template = look / "summary.html.j2"
    if not template.is_file():
        return
    with display.speaking(facts["language"]):
        page = Template(template.read_text(encoding="utf-8")).render(
            r={**facts, "not_shown": _not_shown(book)}
        )
    _must_be_passive(page)
    path.write_text(page, encoding="utf-8", errors="backslashreplace")


def _not_shown(book):
    """Return the section that says what a report does not show, as HTML; the last of its text."""
    from nbconvert.filters.markdown import markdown2html

    said = [
        cell.source
        for cell in book.cells
        if cell.cell_type == "markdown" and _NOT_SHOWN.match(cell.source)
    ]
    markup = markdown2html(said[-1]) if said else ""
    return clean(re.sub(r'<a class="anchor-link".*?</a>', "", markup))


def clean(markup):
    """Return HTML with only harmless tags left; anything else becomes visible text."""
    import nh3

    # Halves of a character, which no text file can hold, are written out.
    text = str(markup).encode(errors="backslashreplace").decode()
    harmless = nh3.clean(
        text,
        tags=TAGS,
        attributes=ATTRIBUTES,
        clean_content_tags=set(),
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    # Tables written in Markdown do not say what their headings are of; all head a column.
    return harmless.replace("<th>", '<th scope="col">')


class _Active(HTMLParser):
    """Notes what in a page could act: scripts, frames, forms, handlers, links that run code."""

    TAGS = frozenset({"script", "iframe", "frame", "object", "embed", "form", "input", "base"})

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag in self.TAGS:
            self.found.append(tag)
        for name, value in attrs:
            runs = (value or "").strip().lower().startswith(("javascript:", "vbscript:"))
            if name.startswith("on") or runs:
                self.found.append(f"{tag} {name}")


def _must_be_passive(page):
    """Raise ReportFailed where a page holds anything active; text that looks like it is text."""
    reader = _Active()
    reader.feed(page)
    if reader.found:
        raise ReportFailed(
            "reports.error_active",
            "the page would hold active content ({found:text}); a table or text was not escaped",
            found=sorted(set(reader.found)),
        )


def _alt(output):
    """Return the alternative text of a figure: its answer or question, at most 300 signs."""
    metadata = output.metadata.get(layout.picture_of(output), {})
    text = metadata.get("answer") or metadata.get("alt") or output.data.get("text/plain", "")
    words = " ".join(text.split())
    return html.escape(words if len(words) <= LONGEST_ALT else words[: LONGEST_ALT - 1] + "…")


def _picture(output):
    """Return a picture as an address that holds it: nothing in it can act or be fetched."""
    kind = layout.picture_of(output)
    data = output.data[kind]
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    return f"data:{kind};base64,{''.join(data.split())}"


def _result(said, markup, output):
    """Return a shown result as harmless HTML whose tables can be reached and read by any key."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(clean(markup), "html.parser")
    if output.metadata.get("answered"):
        # The figure above says it already.
        for answer in soup.select("div.result > p.answer"):
            answer.decompose()
    _mark_said(soup, said)
    for table in soup.find_all("table"):
        caption = table.find("caption")
        label = caption.get_text() if caption else ""
        frame = soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0", "role": "region"})
        frame["aria-label"] = _only_one(label or str(SAYS["table"]), said)
        table["class"] = _breadth(table)
        table.wrap(frame)
        if table["class"] == "widest":
            frame["class"] = "scroll widest"
            frame.insert_after(_on_paper(soup, "p", TOO_WIDE.having(table=label)))
    for folded in soup.select("details"):
        folded["class"] = "more"
        folded.summary.append(_on_paper(soup, "span", f" ({SAYS['in_workbook']})"))
    return str(soup)


def _only_one(label, said):
    """Return the label of a region, numbered where another has it: that tells them apart."""
    number, named = 1, ("region", label)
    while named in said:
        number += 1
        named = ("region", f"{label} ({number})")
    said.add(named)
    return named[1]


def _on_paper(soup, tag, text):
    """Return a new tag that is seen on paper only."""
    made = soup.new_tag(tag, attrs={"class": "paper"})
    made.string = str(text)
    return made


def _mark_said(soup, said):
    """Mark the limits that a report has said before: paper needs them once."""
    for limits in soup.select("ul.limits"):
        lines = limits.find_all("li")
        for line in lines:
            if line.get_text() in said:
                line["class"] = "said"
            said.add(line.get_text())
        if all("said" in line.get("class", ()) for line in lines):
            limits["class"] = "limits said"


def _breadth(table):
    """Return the class of a table on paper: whether it fits, fits with words broken, or does not.

    A column is at least as broad as its longest word; a number is never broken.
    """
    columns, broken = {}, {}
    for row in table.find_all("tr"):
        for place, cell in enumerate(row.find_all(["th", "td"])):
            text = cell.get_text()
            whole = cell.name == "td" and "number" in cell.get("class", ())
            longest = max(map(len, [text] if whole else text.split() or [""]))
            columns[place] = max(columns.get(place, 0), longest)
            least = longest if whole else min(longest, NARROWEST)
            broken[place] = max(broken.get(place, 0), least)
    between = BETWEEN_COLUMNS * len(columns)
    if sum(columns.values()) + between <= LINE_ON_PAPER:
        return "plain"
    return "wide" if sum(broken.values()) + between <= LINE_ON_PAPER else "widest"


def _show_last_values(book):
    """Make the value of a cell's last line an output like any other: the templates pass it over."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "execute_result":
                output.output_type = "display_data"
                output.pop("execution_count", None)


def _unlink_neighbours(book):
    """Leave of links to files beside the notebook only their words: a report has no neighbours."""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\[([^\]]+)\]\((?!https?:|mailto:|#)[^)]+\)", r"\1", cell.source)
