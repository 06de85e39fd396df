"""How a report is laid out: findings first, then contents and sections, the data at the end."""

import html
import re
from dataclasses import dataclass

# Tags of cells: those whose answers open the report, and headings of what describes the data.
# Besides them, `paper` names what a printed report needs too, and `screen` what it does not.
FINDING, DATA, PAPER, SCREEN = "finding", "data", "paper", "screen"
MOST_FINDINGS = 5
PICTURES = ("image/svg+xml", "image/png")
HIDDEN = {"remove-cell", "parameters", "injected-parameters", "exercise"}
_HEADING = re.compile(r"\A(#{1,3}) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One sentence of the opening: what was found, in which source, and where it is shown."""

    text: str
    anchor: str
    source: str | None = None


@dataclass(frozen=True)
class Section:
    """An entry of the contents list."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Layout:
    """What stands before the body of a report."""

    title: str | None
    findings: tuple[Finding, ...]
    sections: tuple[Section, ...]
    results: int = 0


def arrange(book):
    """Bring the cells of an executed notebook into the order of a report.

    The title leaves the first cell for the page, explanations are folded under their headings,
    sections tagged `data` go to the end, and every section and result gets an anchor. Returns what
    stands before the body.
    """
    book.cells = [c for c in book.cells if not HIDDEN & set(_tags(c))]
    _drop_empty(book)
    of_data = _data_last(book)
    _choose_for_paper(book, of_data)
    title = _take_title(book)
    findings = _findings(book)
    _fold_explanations(book)
    results = sum(
        "anchor" in o.get("metadata", ()) for c in book.cells for o in c.get("outputs", ())
    )
    return Layout(title, findings, _sections(book), results)


def _tags(cell):
    return cell.metadata.get("tags", [])


def _drop_empty(book):
    """Leave out sections in which nothing was asked: a heading, and cells that show nothing."""
    sections = [[]]
    for cell in book.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            sections.append([])
        sections[-1].append(cell)
    book.cells = [cell for section in sections if not _is_empty(section) for cell in section]


def _is_empty(section):
    code = [cell for cell in section if cell.cell_type == "code"]
    alone = section and section[0].cell_type == "markdown" and "\n" not in section[0].source.strip()
    headed = alone and section[0].source.startswith("## ")
    return headed and bool(code) and not any(cell.get("outputs") for cell in code)


def _data_last(book):
    """Move the sections whose headings are tagged `data` to the end; return how many cells."""
    of_data, within = [], False
    for cell in book.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            within = DATA in _tags(cell)
        of_data.append(within)
    cells = list(zip(book.cells, of_data, strict=True))
    book.cells = [c for c, last in cells if not last] + [c for c, last in cells if last]
    return sum(of_data)


def _choose_for_paper(book, of_data):
    """Mark the cells whose figures and tables are printed: of findings, of the data, and those the
    notebook tags `paper`; where it tags none, all. Of the others the sentence is printed.
    """
    chosen = {FINDING, PAPER}
    every = not any(chosen & set(_tags(cell)) for cell in book.cells)
    first_of_data = len(book.cells) - of_data
    for place, cell in enumerate(book.cells):
        cell.metadata["off_paper"] = SCREEN in _tags(cell)
        cell.metadata["on_paper"] = SCREEN not in _tags(cell) and (
            every or place >= first_of_data or bool(chosen & set(_tags(cell)))
        )


def _take_title(book):
    """Take the first heading out of the text that holds it, and return it."""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            found = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
            if found:
                cell.source = cell.source.replace(found.group(0), "", 1).strip()
                return _read(found.group(1))
        for output in cell.get("outputs", ()):
            text = output.get("data", {}).get("text/markdown", "")
            found = re.search(r"^# (.+)$", text, re.MULTILINE)
            if found:
                output.data["text/markdown"] = text.replace(found.group(0), "", 1).strip()
                return _read(found.group(1))
    return None


def _findings(book):
    """Give every result its anchor and return the findings that open the report.

    They are the answers in the cells the notebook tags `finding`; where it tags none, the first
    answers there are. What only says that there is no answer opens no report.
    """
    tagged, others = {}, {}
    number = 0
    for cell in book.cells:
        chosen = tagged if FINDING in _tags(cell) else others
        source, answered = None, {}
        for output in cell.get("outputs", ()):
            source = _source(output) or source
            answer = _answer(output)
            if not answer:
                continue
            if answer in answered:
                output.metadata["answered"] = True
                drawn = answered[answer]
                output.metadata["anchor"] = drawn["table"] = f"table-{drawn['anchor']}"
                continue
            number += 1
            anchor = f"result-{number}"
            output.metadata["anchor"] = anchor
            answered[answer] = output.metadata
            if not _is_unsaid(output):
                # The same sentence twice is one finding.
                chosen.setdefault((source, answer), Finding(answer, anchor, source))
    return tuple((tagged or others).values())[:MOST_FINDINGS]


def _source(output):
    """Return the name of a source where an output is the heading above its results."""
    found = _HEADING.match(output.get("data", {}).get("text/markdown", ""))
    return _read(found.group(2)) if found else None


def _read(heading):
    """Return a heading as it is read, without the signs that keep Markdown from acting on it.

    >>> _read(r"data/my\\_shop \\[1\\] &amp; more")
    'data/my_shop [1] & more'
    """
    return re.sub(r"\\([\\`*_{}\[\]#|:])", r"\1", html.unescape(heading.strip()))


def picture_of(output):
    """Return which kind of picture an output holds, or None."""
    return next((kind for kind in PICTURES if kind in output.get("data", {})), None)


def _answer(output):
    """Return the answer a shown figure or result carries, or None."""
    drawn = picture_of(output)
    if drawn:
        return output.metadata.get(drawn, {}).get("answer")
    markup = output.get("data", {}).get("text/html", "")
    if 'class="answer"' not in markup:
        return None
    from bs4 import BeautifulSoup

    found = BeautifulSoup(markup, "html.parser").select_one("div.result > p.answer")
    return found.get_text() if found else None


def _is_unsaid(output):
    """Say whether an output tells why there is no answer, in place of one."""
    drawn = picture_of(output)
    if drawn:
        return bool(output.metadata.get(drawn, {}).get("unsaid"))
    return '<p class="answer unsaid">' in output.data.get("text/html", "")


def _fold_explanations(book):
    """Fold what explains how a number comes about: the text under a heading of the third rank."""
    for cell in book.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("### "):
            heading, _, text = cell.source.partition("\n")
            cell.metadata["folded"] = _read(heading.removeprefix("### "))
            cell.source = text.strip()


def _sections(book):
    """Give the headings of the second rank their anchors and return them as contents."""
    sections = []
    for cell in book.cells:
        found = _HEADING.match(cell.source) if cell.cell_type == "markdown" else None
        if found and found.group(1) == "##":
            anchor = f"section-{len(sections) + 1}"
            cell.metadata["anchor"] = anchor
            sections.append(Section(_read(found.group(2)), anchor))
    return tuple(sections)
