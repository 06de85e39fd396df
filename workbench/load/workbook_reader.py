"""Reads a workbook in a process of its own, and writes what stands in it to standard output.

The native reader may break down over a damaged file, or want all memory for a sheet that says it
is large: then this process ends, and not the one that asked. It is run by its path, and imports
nothing of the workbench.
"""

import itertools
import json
import pickle
import sys

BLOCK = 5_000  # rows written at once


def main(path, limit, asked):
    """Write the sheets of a workbook, or the first rows of those that are asked for (name and how
    many; None for all); what goes wrong is written too.
    """
    _limit(limit)
    try:
        import python_calamine

        book = python_calamine.CalamineWorkbook.from_path(path)
        if not asked:
            _write(("sheets", _sheets(book)))
        for name, most in asked:
            for part in _rows(book.get_sheet_by_name(name), most):
                _write((name, *part))
    except BaseException as error:  # noqa: BLE001 - a panic of the native reader is no Exception
        _write(("error", type(error).__name__, str(error)))


def _write(part):
    pickle.dump(part, sys.stdout.buffer)


def _limit(limit):
    """Keep this process within so many bytes, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ImportError, OSError, ValueError):
        return


def _sheets(book):
    """Return the names of the sheets of cells, each with whether it is visible."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    cells = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    return [(s.name, s.visible == SheetVisibleEnum.Visible) for s in cells]


def _rows(sheet, most):
    """Yield the rows of a sheet from its first cell on, in blocks, the last of them with how many
    blocks of cells are merged.
    """
    left = [""] * (sheet.start[1] if sheet.start else 0)
    rows = itertools.islice(sheet.iter_rows(), most)
    while block := [left + row for row in itertools.islice(rows, BLOCK)]:
        yield block, 0
    yield [], len(getattr(sheet, "merged_cell_ranges", None) or ())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))
