"""Where is the project? Paths are found from its root, never from the working directory."""

import os
from pathlib import Path

from workbench.errors import InputError

__all__ = [
    "path",
    "record_input",
    "root",
]


def __dir__():
    return __all__


# What a working folder remembers of the package it was made by.
RECORD = ".workbench.json"


def root():
    """Return the project's root: the nearest folder upwards that holds notebooks/ and either
    pyproject.toml, as a checkout does, or the record that `workbench new` leaves.

    The environment variable WORKBENCH_ROOT overrules the search. Raises InputError outside a
    project.
    """
    named = os.environ.get("WORKBENCH_ROOT")
    start = Path(named) if named else Path.cwd()
    for folder in (start, *start.resolve().parents):
        marks = (folder / "pyproject.toml", folder / RECORD)
        if (folder / "notebooks").is_dir() and any(mark.is_file() for mark in marks):
            return folder.resolve()
    raise InputError(
        "project.error_no_project",
        "{start}: not inside a workbench project (no notebooks/ here or above). "
        "Change to the project folder, make one with `workbench new`, or set WORKBENCH_ROOT.",
        start=start.name or start,
    )


def path(value):
    """Return an absolute path; a relative one is taken from the project's root if it is there."""
    value = Path(value).expanduser()
    if value.is_absolute():
        return value
    try:
        inside = root() / value
    except InputError:
        return value
    return inside if inside.exists() or not value.exists() else value.resolve()


def record_input(file, rows=None):
    """Note a file that was read, with its hash, where a report is being made (WORKBENCH_INPUTS
    names the log).
    """
    log = os.environ.get("WORKBENCH_INPUTS")
    if not log:
        return
    import hashlib
    import json

    with open(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    line = json.dumps(
        {
            "file": Path(file).name,
            "sha256": digest,
            "bytes": Path(file).stat().st_size,
            "rows": rows,
        }
    )
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(line + "\n")
