"""Refused rows, kept aside: personal data in one ignored folder that only its owner reads."""

import csv
import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from workbench import project
from workbench.errors import InputError

FOLDER = "data/rejected"
# A spreadsheet takes a cell that begins with one of these for a formula; a plain number is none.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"\s*[+-]?[\d.,\s]*\d[\d.,]*(?:[eE][+-]?\d+)?\s*")


def folder():
    """Return the folder of refused rows; WORKBENCH_REJECTED names another."""
    named = os.environ.get("WORKBENCH_REJECTED")
    return Path(named) if named else project.root() / FOLDER


def place(source):
    """Return where the refused rows of a source lie: two files of one name have two places."""
    source = Path(source)
    mark = hashlib.sha256(str(source.resolve()).encode(errors="surrogatepass")).hexdigest()[:8]
    stem = re.sub(r"[^\w.-]+", "_", source.stem)[:80].lstrip(".") or "file"
    return folder() / f"{stem}-{mark}.csv"


def write(frames, source, path=None):
    """Write refused rows and return the file, or None where there are none.

    Parameters
    ----------
    frames : iterable of DataFrame
        The rows, in parts; all with the same columns.
    source : str or Path
        The file they come from. What an earlier load of it left is replaced, or removed where
        nothing is refused any more.
    path : str or Path, optional
        Another file than the one in the folder of refused rows.

    Raises
    ------
    InputError
        If `path` is there already.
    """
    own = path is None
    path = place(source) if own else Path(path)
    if path.is_dir():
        raise InputError(
            "load.error_rejected_folder",
            "{path}: is a folder; name a file for the refused rows, such as {file}",
            path=path,
            file=path / "rejected.csv",
        )
    if not own and path.exists():
        raise InputError(
            "load.error_aside_exists",
            "{path}: exists already and is not overwritten; name another file for the refused rows",
            path=path,
        )
    try:
        return _replace(frames, path, own)
    except OSError as error:
        raise InputError(
            "load.error_rejected_file",
            "{path}: the refused rows cannot be written there ({reason})",
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from None


def _replace(frames, path, own):
    """Write the rows aside and move them into place; without rows an old file goes."""
    # A folder that is made here is its owner's alone; one that was there keeps its rights.
    if own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
    else:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if _write(frames, draft):
            os.replace(draft, path)
            return path
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    if own:
        path.unlink(missing_ok=True)
    return None


def _write(frames, draft):
    """Write the rows to a new file of the owner's alone; return how many."""
    count = 0
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        writer = csv.writer(stream)
        for frame in frames:
            if count == 0 and len(frame):
                writer.writerow([guarded(str(name)) for name in frame.columns])
            for row in frame.itertuples(index=False, name=None):
                writer.writerow([guarded(_text(value)) for value in row])
            count += len(frame)
    return count


def _text(value):
    import pandas as pd

    missing = value is None or value is pd.NA or (isinstance(value, float) and value != value)
    return "" if missing or value is pd.NaT else str(value)


def guarded(text):
    """Return a cell that no spreadsheet takes for a formula.

    >>> guarded("=1+1"), guarded("-5,00"), guarded("+31 6 1234 5678 x")
    ("'=1+1", '-5,00', "'+31 6 1234 5678 x")
    """
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
