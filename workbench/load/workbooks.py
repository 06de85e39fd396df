"""Workbooks (.xlsx, .xlsm, .xls, .xlsb, .ods): cells as the sheet keeps them, nothing computed."""

import itertools

from workbench.errors import InputError, unknown
from workbench.load import formulas
from workbench.load.cells import Cells
from workbench.load.delimited import no_rows, single_names
from workbench.notes import Note

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER = Note(
    "load.noticed_sheet",
    "Sheet '{sheet}' has the same columns and was not read; `read: {{sheet: all}}` reads every "
    "sheet, `read: {{sheet: [a, b]}}` some.",
    sheet="",
)
_HIDDEN = Note(
    "load.noticed_hidden",
    "Sheet '{sheet}' is hidden and was not read; `read: {{sheet: …}}` names it where it is meant.",
    sheet="",
)
_UNCACHED = Note(
    "load.noticed_uncached",
    "{n} formula in sheet '{sheet}' has no value beside it and counts as an empty cell: formulas "
    "are never computed here. Open and save the workbook in a spreadsheet program first.",
    "{n} formulas in sheet '{sheet}' have no value beside them and count as empty cells: formulas "
    "are never computed here. Open and save the workbook in a spreadsheet program first.",
    n=0,
    sheet="",
)
_MERGED = Note(
    "load.noticed_merged",
    "{n} block of merged cells in sheet '{sheet}': only its first cell holds the value, the "
    "others are empty.",
    "{n} blocks of merged cells in sheet '{sheet}': only the first cell of each holds the value, "
    "the others are empty.",
    n=0,
    sheet="",
)


def read(workspace, path, options):
    """Return one or more sheets of a workbook as a Raw table."""
    book = opened(path)
    chosen, visible = _chosen(path, book, options.get("sheet"))
    skip, noticed, header, cells = options.get("skip_rows", 0), [], None, None
    for name in chosen:
        rows, merged = _rows(path, book, name)
        filled = (row for row in itertools.islice(rows, skip, None) if any(map(_filled, row[1])))
        _, first = next(filled, (0, []))
        names = _header(path, first)
        if header is None:
            header, cells = names, Cells(workspace, names)
        elif names != header:
            raise InputError(
                "load.error_sheets_differ",
                "{path}: sheet '{sheet}' has other columns than '{first}': {found:text}. Read "
                "them one by one, or name those that are alike with `read: {{sheet: [a, b]}}`.",
                path=path,
                sheet=name,
                first=chosen[0],
                found=names or "–",
            )
        cells.take_rows((line, values[: len(names)]) for line, values in filled)
        if merged:
            noticed.append(_MERGED.having(n=merged, sheet=name))
        if count := formulas.without_value(path, name):
            noticed.append(_UNCACHED.having(n=count, sheet=name))
    if not cells.count:
        raise no_rows(path, header)
    raw = cells.raw()
    raw.notes = {"sheet": ", ".join(chosen)}
    raw.noticed = noticed + _not_read(book, chosen, visible, header, skip)
    return raw


def sheets(book):
    """Return the names of a workbook's sheets of cells, and whether each is visible."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    cells = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    return [(s.name, s.visible == SheetVisibleEnum.Visible) for s in cells]


def opened(path):
    """Return an open workbook; InputError where it is none."""
    try:
        import python_calamine
    except ImportError:
        raise InputError(
            "load.error_no_calamine",
            "{path}: workbooks are read with the package python-calamine, which is not installed",
            path=path,
        ) from None
    with open(path, "rb") as stream:
        old = stream.read(8) == _OLD
    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in any way
        if old:
            raise InputError(
                "load.error_old_workbook",
                "{path}: the workbook is protected by a password, or damaged. Open it, remove the "
                "password and save it again.",
                path=path,
            ) from None
        raise _broken(path, error) from None


def _broken(path, error):
    return InputError(
        "load.error_workbook",
        "{path}: not a readable workbook ({name}: {error})",
        path=path,
        name=type(error).__name__,
        error=str(error).splitlines()[0] if str(error) else "",
    )


def _chosen(path, book, named):
    """Return the names of the sheets to read and of all that are visible."""
    seen = dict(sheets(book))
    names = list(seen)
    visible = [name for name in names if seen[name]]
    if named is None:
        return (visible or names)[:1], visible
    if named == "all" and "all" not in names:
        return visible, visible
    chosen = [str(n) for n in (named if isinstance(named, list) else [named])]
    for name in chosen:
        if name not in names:
            raise unknown(str(path), "sheet", name, names)
    return chosen, visible


def _rows(path, book, name):
    """Return a stream of (row in the sheet, values), and how many blocks of cells are merged."""
    try:
        sheet = book.get_sheet_by_name(name)
        merged = len(getattr(sheet, "merged_cell_ranges", None) or ())
    except Exception as error:  # noqa: BLE001 - a broken workbook fails in any way
        raise _broken(path, error) from None
    # Columns left of the first that is filled are none to the library, and are to the sheet.
    left = [""] * (sheet.start[1] if sheet.start else 0)
    return ((i, left + list(row)) for i, row in enumerate(sheet.iter_rows(), 1)), merged


def _filled(value):
    return value is not None and value != ""


def _header(path, values):
    values = list(values)
    while values and not _filled(values[-1]):
        values.pop()
    names = [str(v).strip() if _filled(v) else f"unnamed_{i}" for i, v in enumerate(values, 1)]
    return single_names(path, names)


def _not_read(book, chosen, visible, header, skip):
    """Say which sheets look like the one that was read, and which are hidden."""
    notes = []
    for name, _ in sheets(book):
        if name in chosen:
            continue
        if name not in visible:
            notes.append(_HIDDEN.having(sheet=name))
            continue
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=skip + 1)
        values = rows[skip] if len(rows) > skip else []
        if [str(v).strip() for v in values if _filled(v)] == header:
            notes.append(_OTHER.having(sheet=name))
    return notes
