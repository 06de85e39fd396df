"""A folder to work in, away from any checkout: made with what the package brings, brought up to
date without touching what its owner changed.
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from workbench import __version__, project
from workbench.errors import InputError
from workbench.reports import prose
from workbench.reports.run import cells_hash

SUPPLIED = (
    "notebooks/*.ipynb",
    "notebooks/nl/*.po",
    "notebooks/exercises/*.py",
    "notebooks/.config/labconfig/*.json",
    "data/cards/*.yml",
    "data/mappings/*.yml",
    "data/samples/*",
    "data/external/README.md",
    "reports/schedule.yml",
    "reports/theme/**/*",
)
EMPTY = ("reports", "data/external")
# Personal data and what can be made anew stay out of version control.
IGNORED = """\
.ipynb_checkpoints/
/data/external/*
!/data/external/README.md
/data/kept/
/data/rejected/
/reports/.*
/reports/index*.html
/reports/latest/
/reports/runs/
"""


@dataclass
class Changes:
    """What an update did, by the names of files: brought (new or newer), kept because their owner
    changed them although a newer one exists, and left out because their owner removed them.
    """

    brought: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    removed: list = field(default_factory=list)


def supplied():
    """Return the folder of what a working folder starts with: within the package as installed,
    else the checkout it is developed in.
    """
    package = Path(__file__).parent.parent
    inside = package / "supplied"
    return inside if inside.is_dir() else package.parent


def new(folder, language="en"):
    """Make a working folder and return its path; it appears whole or not at all.

    Raises InputError where the folder is there already and is not empty.
    """
    target = Path(folder).expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(
            "reports.error_folder_used",
            "new: {folder} is there already and is not empty; name a folder that does not exist "
            "yet. A folder made earlier is brought up to date with `workbench update`.",
            folder=str(folder),
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(
            "reports.error_folder_impossible",
            "new: {folder} cannot be made ({reason:text})",
            folder=str(folder),
            reason=os.strerror(error.errno),
        ) from None
    try:
        _fill(draft, language)
        draft.chmod(0o755)
        if target.exists():
            target.rmdir()
        os.rename(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _fill(folder, language):
    contents = _contents(language)
    for name, content in contents.items():
        _write(folder / name, content)
    for name in EMPTY:
        (folder / name).mkdir(parents=True, exist_ok=True)
    marks = {name: _mark(name, content) for name, content in contents.items()}
    _remember(folder, language, marks)


def update(folder=None):
    """Bring new versions of what came with the package into a working folder; returns the Changes.

    A notebook that was only run counts as unchanged: its cells are compared, not its outputs.
    Raises InputError outside a folder made by `workbench new`.
    """
    folder = project.root() if folder is None else Path(folder)
    record = _record(folder)
    marks, changes = record["files"], Changes()
    for name, content in _contents(record["language"]).items():
        path, before, offered = folder / name, marks.get(name), _mark(name, content)
        if not path.exists() and before is not None:
            changes.removed.append(name)
            continue
        present = _mark(name, path.read_bytes()) if path.exists() else None
        if present not in (None, before, offered):
            if offered != before:
                changes.kept.append(name)
            continue
        if present != offered:
            _write(path, content)
            changes.brought.append(name)
        marks[name] = offered
    _remember(folder, record["language"], marks)
    return changes


def _contents(language):
    """Return what a working folder in `language` holds: name → bytes."""
    home = supplied()
    suffix = "" if language == "en" else f".{language}"
    contents = {
        "README.md": (home / "docs" / "working_folder" / f"README{suffix}.md").read_bytes(),
        ".gitignore": IGNORED.encode(),
    }
    copies = tuple(f".{other}.ipynb" for other in prose.LANGUAGES)
    for pattern in SUPPLIED:
        for path in sorted(home.glob(pattern)):
            if path.is_file() and not path.name.endswith(copies):
                contents[path.relative_to(home).as_posix()] = _content(path, language)
    return contents


def _content(path, language):
    if path.suffix != ".ipynb" or language not in prose.LANGUAGES:
        return path.read_bytes()
    import nbformat

    return nbformat.writes(prose.spoken(path, language)).encode()


def _mark(name, content):
    """Return what tells one version of a file from another; of a notebook only its cells count."""
    if name.endswith(".ipynb"):
        try:
            return cells_hash(content.decode())
        except (ValueError, KeyError, TypeError):
            # No notebook any more: whatever it is, its owner made it.
            pass
    return hashlib.sha256(content).hexdigest()


def _write(path, content):
    """Write a file at once: a reader finds the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    os.replace(draft, path)


def _record(folder):
    try:
        record = json.loads((folder / project.RECORD).read_text(encoding="utf-8"))
        return {"language": str(record["language"]), "files": dict(record["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            "reports.error_no_record",
            "update: {record} is missing or cannot be read in this folder, so nobody knows what "
            "its owner changed. `workbench new` makes a folder that can be updated; a checkout is "
            "updated by git.",
            record=project.RECORD,
        ) from None


def _remember(folder, language, marks):
    text = json.dumps(
        {"version": __version__, "language": language, "files": dict(sorted(marks.items()))},
        indent=1,
    )
    _write(folder / project.RECORD, text.encode())
