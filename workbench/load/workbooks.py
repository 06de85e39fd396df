"""Workbooks (.xlsx, .xlsm, .xls, .xlsb, .ods): cells as the sheet keeps them, nothing computed."""

import itertools
import json
import os
import pickle
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from workbench.errors import InputError, unknown
from workbench.load import formulas
from workbench.load.cells import Cells
from workbench.load.delimited import no_rows, single_names
from workbench.load.raw import UNNAMED
from workbench.notes import Note

# What the reader of a workbook may take, in a process of its own.
MEMORY = int(os.environ.get("WORKBENCH_WORKBOOK_MEMORY", 4_000_000_000))
READER = Path(__file__).with_name("workbook_reader.py")
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
    "are never computed here. Open and save the workbook in a spreadsheet program first, or say "
    "what they compute in the mapping, such as `{{multiply: [a, b]}}`.",
    "{n} formulas in sheet '{sheet}' have no value beside them and count as empty cells: formulas "
    "are never computed here. Open and save the workbook in a spreadsheet program first, or say "
    "what they compute in the mapping, such as `{{multiply: [a, b]}}`.",
    n=0,
    sheet="",
)
_ERRORS = Note(
    "load.noticed_errors",
    "{n} cell in sheet '{sheet}' holds an error such as #REF! and counts as empty.",
    "{n} cells in sheet '{sheet}' hold an error such as #REF! and count as empty.",
    n=0,
    sheet="",
)
_HIDDEN_ROWS = Note(
    "load.noticed_hidden_rows",
    "{n} row of sheet '{sheet}' is hidden, by a filter or by hand, and was read like the others.",
    "{n} rows of sheet '{sheet}' are hidden, by a filter or by hand, and were read like the "
    "others.",
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
_STOPPED = Note(
    "load.reader_stopped",
    "its reader broke down or wanted more than {gigabytes} GB of memory",
    gigabytes=0,
)


def read(workspace, path, options):
    """Return one or more sheets of a workbook as a Raw table."""
    book = Book(path)
    chosen, visible = _chosen(path, book, options.get("sheet"))
    skip, noticed, header, cells = options.get("skip_rows", 0), [], None, None
    for name in chosen:
        rows = itertools.islice(enumerate(book.rows(name), 1), skip, None)
        rows = ((line, values) for line, values in rows if any(map(_filled, values)))
        names = _header(path, next(rows, (0, ()))[1])
        if header is None:
            header, cells = names, Cells(workspace, names)
        elif _named(names) != _named(header):
            raise InputError(
                "load.error_sheets_differ",
                "{path}: sheet '{sheet}' has other columns than '{first}': {found:text}. Read "
                "them one by one, or name those that are alike with `read: {{sheet: [a, b]}}`.",
                path=path,
                sheet=name,
                first=chosen[0],
                found=names or "–",
            )
        cells.take_rows((line, _fitted(values, len(header))) for line, values in rows)
        if book.merged[name]:
            noticed.append(_MERGED.having(n=book.merged[name], sheet=name))
        seen = formulas.look(path, name)
        for note, count in (
            (_UNCACHED, seen.uncached),
            (_ERRORS, seen.errors),
            (_HIDDEN_ROWS, seen.hidden_rows),
        ):
            noticed += [note.having(n=count, sheet=name)] if count else []
    if cells is None or not cells.count:
        raise no_rows(path, header or ())
    raw = cells.raw()
    _without_empty(raw)
    raw.notes = {"sheet": ", ".join(chosen)}
    raw.noticed = noticed + _not_read(book, chosen, visible, header, skip)
    return raw


class Book:
    """A workbook, read by a process of its own that a damaged file may take down.

    `merged` tells, of each sheet that was read to its end, how many blocks of cells are merged.
    """

    def __init__(self, path):
        self.path, self.merged = path, {}

    @cached_property
    def sheets(self):
        """Whether it is visible, of each sheet of cells."""
        return dict(next(self._asked([]))[1])

    def rows(self, name):
        """Yield the rows of a sheet."""
        for _, block, merged in self._asked([(name, None)]):
            self.merged[name] = merged
            yield from block

    def heads(self, names, most):
        """Return the first rows of several sheets."""
        found = {name: [] for name in names}
        for name, block, _ in self._asked([(name, most) for name in names]) if names else ():
            found[name] += block
        return found

    def _asked(self, asked):
        """Yield what the reader writes; InputError for what it cannot read."""
        command = [sys.executable, "-P", str(READER), str(self.path), str(MEMORY)]
        with subprocess.Popen(
            [*command, json.dumps(asked)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as reader:
            try:
                yield from self._parts(reader.stdout)
                ended = reader.wait()
            finally:
                reader.kill()
        if ended:
            raise self._broken("", _STOPPED.having(gigabytes=MEMORY / 1e9))

    def _parts(self, stream):
        while True:
            try:
                part = pickle.load(stream)
            except EOFError:
                return
            except pickle.UnpicklingError:
                raise self._broken("", _STOPPED.having(gigabytes=MEMORY / 1e9)) from None
            if part[0] == "error" and isinstance(part[1], str):
                raise self._broken(*part[1:])
            yield part

    def _broken(self, name, error):
        """Return the error of a workbook that cannot be read."""
        if name == "ModuleNotFoundError":
            return InputError(
                "load.error_no_calamine",
                "{path}: workbooks are read with the package python-calamine, which is not "
                "installed",
                path=self.path,
            )
        with open(self.path, "rb") as stream:
            old = stream.read(8) == _OLD
        if old and name not in ("", "WorksheetNotFound"):
            return InputError(
                "load.error_old_workbook",
                "{path}: the workbook is protected by a password, or damaged. Open it, remove the "
                "password and save it again.",
                path=self.path,
            )
        return InputError(
            "load.error_workbook",
            "{path}: not a readable workbook ({error})",
            path=self.path,
            error=error if isinstance(error, Note) else (error.splitlines() or [name])[0],
        )


def _chosen(path, book, named):
    """Return the names of the sheets to read and of all that are visible."""
    seen = book.sheets
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


def _filled(value):
    return value is not None and value != ""


def _header(path, values):
    # A year over a column is a number in a sheet, and all numbers have fractions there.
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    names = [str(v).strip() if _filled(v) else f"unnamed_{i}" for i, v in enumerate(values, 1)]
    return single_names(path, names)


def _named(names):
    """Return the names of a sheet up to the last that is one."""
    names = list(names)
    while names and UNNAMED.fullmatch(names[-1]):
        names.pop()
    return names


def _fitted(values, width):
    """Return a row of a sheet as wide as the header of the first one."""
    return [*values[:width], *[""] * (width - len(values))]


def _without_empty(raw):
    """Leave out the columns behind the last name that hold nothing: a sheet was formatted there."""
    for name in reversed(list(raw.columns)):
        filled = f"SELECT count({raw.columns[name]}) FROM {raw.relation}"
        if not UNNAMED.fullmatch(name) or raw.workspace.one(filled):
            return
        for known in (raw.columns, raw.types, raw.kinds):
            known.pop(name, None)


def _not_read(book, chosen, visible, header, skip):
    """Say which sheets look like the one that was read, and which are hidden."""
    others = [name for name in book.sheets if name not in chosen]
    heads = book.heads([name for name in others if name in visible], skip + 1)
    notes = []
    for name in others:
        if name not in visible:
            notes.append(_HIDDEN.having(sheet=name))
        elif [str(v).strip() for row in heads[name][skip:] for v in row if _filled(v)] == _named(
            header
        ):
            notes.append(_OTHER.having(sheet=name))
    return notes
