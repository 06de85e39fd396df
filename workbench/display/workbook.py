"""The workbook of a report: every table it shows on a sheet of its own, with answer and limits."""

import json
import re

from workbench.notes import Note

_CONTENTS = Note("workbook.contents", "Contents")
_HEADINGS = (
    Note("workbook.sheet", "Sheet"),
    Note("workbook.question", "Question"),
    Note("workbook.answer", "Answer"),
)
_LIMITS = Note("workbook.limits", "Limits")
# A spreadsheet refuses these signs.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_CELL = 32_000
_WIDEST = 40


def read_log(log):
    """Return what a report showed, each table once, in the order in which it was shown."""
    if not log.exists():
        return []
    lines = dict.fromkeys(log.read_text(encoding="utf-8").splitlines())
    return [json.loads(line) for line in lines]


def write(entries, path):
    """Write the tables of a report to an Excel workbook, with a sheet of contents before them."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    contents = book.active
    contents.title = str(_CONTENTS)
    _row(contents, [str(heading) for heading in _HEADINGS], Font(bold=True))
    for number, entry in enumerate(entries, 1):
        _row(contents, [number, entry["question"], entry["answer"]])
        contents.cell(number + 1, 1).hyperlink = f"#'{number}'!A1"
        _sheet(book.create_sheet(str(number)), entry)
    for column, width in zip("ABC", (8, 60, 90), strict=True):
        contents.column_dimensions[column].width = width
    contents.freeze_panes = "A2"
    book.save(path)


def _sheet(sheet, entry):
    """Fill one sheet: question, answer, table, method and limits."""
    from openpyxl.styles import Font

    _row(sheet, [entry["question"]], Font(bold=True, size=13))
    _row(sheet, [entry["answer"]])
    _row(sheet, [])
    _row(sheet, entry["columns"], Font(bold=True))
    for row in entry["rows"]:
        _row(sheet, row)
    _row(sheet, [])
    _row(sheet, [entry["method"]])
    if entry["limits"]:
        _row(sheet, [str(_LIMITS)], Font(bold=True))
    for limit in entry["limits"]:
        _row(sheet, [limit])
    for i, name in enumerate(entry["columns"]):
        texts = [name, *(_text(row[i]) for row in entry["rows"][:200])]
        width = min(max(map(len, texts)) + 2, _WIDEST)
        sheet.column_dimensions[sheet.cell(4, i + 1).column_letter].width = width


def _text(value):
    return value["shown"] if isinstance(value, dict) else str(value)


def _row(sheet, values, font=None):
    """Append a row: a text is a text, whatever it begins with, and a share a percentage."""
    from openpyxl.cell import Cell

    # An empty row counts only when it has a cell.
    cells = [_cell(Cell(sheet, 1, 1), value, font) for value in values or [""]]
    sheet.append(cells)


def _cell(cell, value, font):
    if isinstance(value, dict):
        cell.value = value["number"]
        if value["shown"].endswith("%"):
            cell.number_format = "0.0%"
    elif isinstance(value, int):
        cell.value = value
    else:
        cell.value = _CONTROL.sub("�", str(value))[:_LONGEST_CELL]
        cell.data_type = "s"
    if font:
        cell.font = font
    return cell
