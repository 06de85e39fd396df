"""Files of SPSS (.sav, .zsav) and Stata (.dta): codes with their labels, read by pyreadstat."""

from workbench.errors import InputError, first_line
from workbench.load.cells import Cells
from workbench.load.delimited import no_rows
from workbench.notes import Note

ROWS = 50_000
_LABELS = Note(
    "load.noticed_labels",
    "{columns:text}: codes with labels (such as {code} = {label:repr}); the codes are read. "
    "`recode:` in the mapping puts words in their place.",
    columns=[],
    code="",
    label="",
)
_MISSING = Note(
    "load.noticed_user_missing",
    "{columns:text}: codes that the file declares missing are read as empty.",
    columns=[],
)


def read(workspace, path, options):
    """Return a file of SPSS or Stata as a Raw table: numbers stay numbers, missing codes empty."""
    try:
        import pyreadstat
    except ImportError:
        raise InputError(
            "load.error_no_pyreadstat",
            "{path}: files of SPSS and Stata are read with the package pyreadstat; install it "
            "with `pip install 'consumer-behaviour-workbench[statistics]'`",
            path=path,
        ) from None
    reader = pyreadstat.read_dta if _is_stata(path) else pyreadstat.read_sav
    meta = _meta(path, reader, options)
    cells = Cells(workspace, meta.column_names)
    for frame in _chunks(path, reader, options):
        rows = frame.astype(object).where(frame.notna(), None)
        cells.take_rows(
            zip(
                range(cells.count + 1, cells.count + 1 + len(rows)),
                rows.itertuples(index=False, name=None),
                strict=True,
            )
        )
    if not cells.count:
        raise no_rows(path, meta.column_names)
    raw = cells.raw()
    raw.questions = {n: q for n, q in meta.column_names_to_labels.items() if q}
    raw.noticed = _notes(meta)
    return raw


def _is_stata(path):
    with open(path, "rb") as stream:
        return not stream.read(4).startswith((b"$FL2", b"$FL3"))


def _options(options):
    named = {"encoding": options["encoding"]} if options.get("encoding") else {}
    return {**named, "disable_datetime_conversion": False}


def _meta(path, reader, options):
    try:
        # Only so does the reader tell which codes the file declares missing.
        declared = {"metadataonly": True, "user_missing": True}
        return reader(str(path), **declared, **_options(options))[1]
    except Exception as error:  # noqa: BLE001 - a broken file fails in any way
        raise _broken(path, error) from None


def _chunks(path, reader, options):
    start = 0
    while True:
        try:
            frame, _ = reader(str(path), row_offset=start, row_limit=ROWS, **_options(options))
        except Exception as error:  # noqa: BLE001 - a broken file fails in any way
            raise _broken(path, error) from None
        if not len(frame):
            return
        yield frame
        start += len(frame)
        if len(frame) < ROWS:
            return


def _broken(path, error):
    return InputError(
        "load.error_statistical",
        "{path}: not a whole file of SPSS or Stata; it may have been cut off while copying "
        "({error})",
        path=path,
        error=first_line(error),
    )


def _notes(meta):
    notes = []
    labelled = [n for n, labels in meta.variable_value_labels.items() if labels]
    if labelled:
        code, label = next(iter(meta.variable_value_labels[labelled[0]].items()))
        notes.append(_LABELS.having(columns=labelled, code=str(code), label=str(label)))
    missing = [n for n, ranges in (meta.missing_ranges or {}).items() if ranges]
    if missing:
        notes.append(_MISSING.having(columns=missing))
    return notes
