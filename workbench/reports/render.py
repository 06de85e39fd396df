"""An executed notebook as one page: no script, code hidden, figures with words, ready to print."""

import html
import re

from workbench import display, project
from workbench.errors import ReportFailed
from workbench.notes import Note

# What the page itself says, by the name its template gives it.
SAYS = {
    "skip": Note("report.skip", "Skip to the report"),
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
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = (
        "remove-cell",
        "parameters",
        "injected-parameters",
        "exercise",
    )
    config.TemplateExporter.exclude_input = True
    config.HTMLExporter.exclude_anchor_links = True
    config.HTMLExporter.preprocessors = ["nbconvert.preprocessors.TagRemovePreprocessor"]
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(theme)],
        config=config,
        filters={"clean": clean, "alt_text": _alt},
    )
    _unlink_neighbours(book)
    _show_last_values(book)
    title = _title(book) or manifest["report"]
    facts = {
        "title": title,
        "language": language,
        "css": (theme / "style.css").read_text(encoding="utf-8"),
        "manifest": manifest,
        "says": SAYS,
    }
    with display.speaking(language):
        page, _ = exporter.from_notebook_node(book, resources={"report": facts})
    if re.search(r"<script|javascript:|<iframe", page, re.IGNORECASE):
        raise ReportFailed(
            "reports.error_active",
            "the page would hold active content; a table or text was not escaped",
        )
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


def _alt(output):
    """Return the alternative text of a figure: its words, else its plain text."""
    words = output.metadata.get("image/png", {}).get("alt") or output.data.get("text/plain", "")
    return html.escape(words, quote=True)


def _title(book):
    """Return the first heading a Markdown cell or an output shows."""
    for cell in book.cells:
        if "remove-cell" in cell.metadata.get("tags", []):
            continue
        outputs = [o.get("data", {}).get("text/markdown", "") for o in cell.get("outputs", ())]
        for text in [cell.source] if cell.cell_type == "markdown" else outputs:
            found = re.search(r"^# (.+)$", text, re.MULTILINE)
            if found:
                return found.group(1).strip()
    return None


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
