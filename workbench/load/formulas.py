"""What stands in a sheet beside its values: formulas without a saved value, errors, hidden rows.

The library reads all of them as cells that are empty, or as any other.
"""

import re
import zipfile
from dataclasses import dataclass
from posixpath import join, normpath
from xml.etree import ElementTree

CHUNK = 1 << 20
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>[^<]")
# A formula whose value is an empty text has one; it is written without content.
_TEXT = re.compile(rb"<(?:\w+:)?c\s[^>]*\bt=[\"']str[\"']")
_ERROR = re.compile(rb"<(?:\w+:)?c\s[^>]*\bt=[\"']e[\"']")
_HIDDEN = re.compile(rb"<(?:\w+:)?row\s[^>]*\bhidden=[\"'](?:1|true)[\"']")
_ODS_TABLE = re.compile(rb"<table:table\s[^>]*table:name=\"([^\"]*)\"")


@dataclass
class Seen:
    """How many formulas of a sheet have no value beside them, how many of its cells hold an error,
    and how many of its rows are hidden.
    """

    uncached: int = 0
    errors: int = 0
    hidden_rows: int = 0


def look(path, sheet):
    """Return what stands in a sheet of an .xlsx, .xlsm or .ods; nothing is known of the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "content.xml" in names:
                return Seen(_in_ods(archive, sheet))
            part = _part(archive, sheet) if "xl/workbook.xml" in names else None
            return _in_part(archive, part) if part in names else Seen()
    except (zipfile.BadZipFile, ElementTree.ParseError, OSError, KeyError, ValueError):
        return Seen()


def _part(archive, sheet):
    """Return the file within a workbook that holds a sheet, or None."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    marks = [
        next((value for key, value in found.attrib.items() if key.endswith("}id")), None)
        for found in book.iter()
        if found.tag.endswith("}sheet") and found.get("name") == sheet
    ]
    for found in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels")):
        if found.get("Id") in marks:
            target = found.get("Target", "")
            return target[1:] if target.startswith("/") else normpath(join("xl", target))
    return None


def _in_part(archive, part):
    seen = Seen()
    for cell in _pieces(archive, part, b"</c>"):
        seen.hidden_rows += len(_HIDDEN.findall(cell))
        seen.errors += _ERROR.search(cell) is not None
        formula = _FORMULA.search(cell)
        if formula and not _VALUE.search(cell, formula.end()):
            # What stands before the cell of the formula is of cells without content.
            seen.uncached += not _TEXT.search(cell, max(cell.rfind(b"<c ", 0, formula.start()), 0))
    return seen


def _in_ods(archive, sheet):
    count, name = 0, b""
    for cell in _pieces(archive, "content.xml", b"<table:table-cell"):
        tag = cell[: cell.find(b">")]
        count += name == sheet.encode() and b"table:formula=" in tag and b"value-type=" not in tag
        if found := _ODS_TABLE.search(cell):
            name = _plain(found[1])
    return count


def _plain(text):
    for mark, sign in ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&amp;", b"&")):
        text = text.replace(mark, sign)
    return text


def _pieces(archive, part, mark):
    """Yield a part of a workbook cut at a mark, held in memory piece by piece."""
    with archive.open(part) as stream:
        rest = b""
        while chunk := stream.read(CHUNK):
            *whole, rest = (rest + chunk).split(mark)
            yield from whole
        yield rest
