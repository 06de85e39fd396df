"""An executed notebook as one page: no script, code hidden, figures with words, ready to print."""

import datetime
import html
import re
from html.parser import HTMLParser

from workbench import display, project
from workbench.errors import ReportFailed
from workbench.notes import Note
from workbench.reports import layout

# What the page itself says, by the name its template gives it.
SAYS = {
    "skip": Note("report.skip", "Skip to the report"),
    "found": Note("report.found", "What was found"),
    "shown": Note("report.shown", "show"),
    "contents": Note("report.contents", "Contents"),
    "workbook": Note("report.workbook", "All tables as a workbook"),
    "table": Note("report.table", "Table"),
    "in_workbook": Note("report.in_workbook", "in the workbook of tables"),
    "numbers": Note("report.numbers", "The numbers of this figure"),
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
LONGEST_ALT = 300
TABLES = "tables.xlsx"
# How many signs a line on a sheet of A4 holds in the size of a table, and in smaller ones.
BREADTHS = ((84, "plain"), (105, "wide"), (130, "wider"))
BETWEEN_COLUMNS = 2
ATTRIBUTES = {
    "*": ["class", "lang"],
    "th": ["scope", "colspan", "rowspan"],
    "td": ["colspan", "rowspan"],
    "a": ["href", "title"],
}


def write_html(book, path, manifest, language):
    """Write a notebook's page and return its title.

    Only a fixed list of tags survives in outputs; scripts, frames, forms, styles and event handlers
    do not.
    """
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    theme = project.root() / "reports" / "theme"
    if not (theme / "report" / "index.html.j2").is_file():
        raise ReportFailed(
            "reports.error_theme",
            "reports/theme/report/index.html.j2 is missing; restore it from the repository",
        )
    config = Config()
    config.TemplateExporter.exclude_input = True
    config.HTMLExporter.exclude_anchor_links = True
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(theme)],
        config=config,
        filters={"clean": clean, "alt_text": _alt, "result": _result},
    )
    _unlink_neighbours(book)
    _show_last_values(book)
    arranged = layout.arrange(book)
    title = arranged.title or manifest["report"]
    facts = {
        "title": title,
        "language": language,
        "css": (theme / "style.css").read_text(encoding="utf-8"),
        "manifest": manifest,
        "says": SAYS,
        "layout": arranged,
        "tables": TABLES if (path.parent / TABLES).is_file() else None,
        "made": MADE.having(day=datetime.date.fromisoformat(manifest["as_of"])),
    }
    with display.speaking(language):
        page, _ = exporter.from_notebook_node(book, resources={"report": facts})
    _must_be_passive(page)
    path.write_text(page, encoding="utf-8")
    return title


def clean(markup):
    """Return HTML with only harmless tags left; anything else becomes visible text."""
    import bleach

    return bleach.clean(
        str(markup),
        tags=TAGS,
        attributes=ATTRIBUTES,
        protocols={"http", "https", "mailto"},
        strip=True,
    )


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
    metadata = output.metadata.get("image/png", {})
    text = metadata.get("answer") or metadata.get("alt") or output.data.get("text/plain", "")
    words = " ".join(text.split())
    return html.escape(words if len(words) <= LONGEST_ALT else words[: LONGEST_ALT - 1] + "…")


def _result(markup, output):
    """Return a shown result as harmless HTML whose tables can be reached and read by any key."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(clean(markup), "html.parser")
    if output.metadata.get("answered"):
        # The figure above says it already.
        for answer in soup.select("div.result > p.answer"):
            answer.decompose()
    for table in soup.find_all("table"):
        caption = table.find("caption")
        label = caption.get_text() if caption else ""
        frame = soup.new_tag("div", attrs={"class": "scroll", "tabindex": "0", "role": "region"})
        frame["aria-label"] = label or str(SAYS["table"])
        table["class"] = _breadth(table)
        table.wrap(frame)
    for folded in soup.select("details"):
        folded["class"] = "more"
        where = soup.new_tag("span", attrs={"class": "paper"})
        where.string = f" ({SAYS['in_workbook']})"
        folded.summary.append(where)
    return str(soup)


def _breadth(table):
    """Return the class of a table on paper: how much smaller it must be set to be shown whole.

    A column is at least as broad as its longest word; a number is never broken.
    """
    columns = {}
    for row in table.find_all("tr"):
        for place, cell in enumerate(row.find_all(["th", "td"])):
            text = cell.get_text()
            whole = cell.name == "td" and "number" in cell.get("class", ())
            longest = max(map(len, [text] if whole else text.split() or [""]))
            columns[place] = max(columns.get(place, 0), longest)
    signs = sum(columns.values()) + BETWEEN_COLUMNS * len(columns)
    return next((name for most, name in BREADTHS if signs <= most), "widest")


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
