"""Tables once loaded are kept, by the content of file and mapping, so that they open at once.

They are personal data: one ignored folder, readable by its owner only, with a limit of size.
"""

import hashlib
import json
import os
import shutil
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

from workbench import notes, project
from workbench.errors import InputError
from workbench.load import containers

LIMIT = int(os.environ.get("WORKBENCH_KEPT_LIMIT", 20_000_000_000))
FUTURE = ": in the future"
_USED = set()
_DRAFTS = []


def folder():
    """Return the folder of kept tables, or None where none are kept (WORKBENCH_KEPT=off, or no
    project).
    """
    named = os.environ.get("WORKBENCH_KEPT")
    if named == "off":
        return None
    try:
        found = Path(named) if named else project.root() / "data" / "kept"
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        return found
    except (InputError, OSError):
        return None


def draft():
    """Return a new folder to write a load into."""
    home = folder()
    if home is None:
        made = tempfile.TemporaryDirectory(prefix="workbench-tables-")
        _DRAFTS.append(made)
        return Path(made.name)
    return Path(tempfile.mkdtemp(prefix=".draft-", dir=home))


def digests(paths):
    """Return the SHA-256 of every file, by its path; a file that has not changed since is not read
    again.
    """
    home = folder()
    index = _index(home) if home else {}
    found, changed = {}, False
    for path in paths:
        for file in files(path):
            state = file.stat()
            mark = [state.st_size, state.st_mtime_ns, state.st_ino]
            known = index.get(str(file))
            if known is None or known[:3] != mark:
                with open(file, "rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                index[str(file)] = known = [*mark, digest]
                changed = True
            found[str(file)] = known[3]
    if home and changed:
        _write(home / "index.json", json.dumps(index))
    return found


def files(path):
    """Return the files that a path stands for: itself, or those of a folder or pattern."""
    several = containers.files_of(path)
    if several is not None:
        return several
    return [path] if path.is_file() else []


def _index(home):
    try:
        return json.loads((home / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(path, text):
    handle, name = tempfile.mkstemp(dir=path.parent)
    with open(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(name, path)


def key(parts, found, mapping):
    """Return the name under which a load is kept: by content and name, wherever a file lies."""
    contents = [
        [name, os.path.relpath(file, path.parent), found[str(file)], *_logs(file)]
        for name, path in parts.items()
        for file in files(path)
    ]
    told = json.dumps([contents, mapping, _code()], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _logs(file):
    """Yield the digests of what a database has not yet taken over from the log beside it."""
    for end in ("-wal", ".wal"):
        log = file.with_name(file.name + end)
        if log.is_file():
            yield hashlib.sha256(log.read_bytes()).hexdigest()


@cache
def _code():
    """Return a digest of the code that loads: another version may judge otherwise."""
    rooms = Path(__file__).parent.parent
    files = [file for name in ("load", "engine", "schemas") for file in (rooms / name).glob("*.py")]
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(file.read_bytes())
    return whole.hexdigest()


def find(name):
    """Return the folder and description of a load that is kept, or None."""
    home = folder()
    if home is None or not (home / name / "report.json").is_file():
        return None
    try:
        told = json.loads((home / name / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    stale = told["future"] and told["day"] != str(date.today())
    if stale or any(not (home / name / file).is_file() for file in told["files"]):
        return None
    os.utime(home / name)
    _USED.add(name)
    return home / name, told


def keep(made, name, told):
    """Keep what was written into a draft under a name; return the folder it lies in then."""
    home = folder()
    told = {
        **told,
        "files": sorted(p.name for p in made.iterdir()),
        "day": str(date.today()),
        "future": any(reason.endswith(FUTURE) for reason, *_ in told["refused"]),
    }
    _write(made / "report.json", json.dumps(told))
    if home is None:
        return made
    target = home / name
    shutil.rmtree(target, ignore_errors=True)
    try:
        made.rename(target)
    except OSError:
        return made
    _USED.add(name)
    _within_limit(home)
    return target


def forget(made):
    """Remove a draft that came to nothing."""
    shutil.rmtree(made, ignore_errors=True)


def _within_limit(home):
    """Remove what was not opened for longest, until the limit holds; what is in use stays."""
    loads = [p for p in home.iterdir() if p.is_dir() and not p.name.startswith(".")]
    sizes = {p: sum(f.stat().st_size for f in p.iterdir()) for p in loads}
    total = sum(sizes.values())
    for load in sorted(loads, key=lambda p: p.stat().st_mtime):
        if total <= LIMIT:
            return
        if load.name not in _USED:
            shutil.rmtree(load, ignore_errors=True)
            total -= sizes[load]


def clean():
    """Remove every kept table; return how many loads they were and their bytes."""
    home = folder()
    if home is None:
        return 0, 0
    size = sum(f.stat().st_size for f in home.rglob("*") if f.is_file())
    loads = [p for p in home.iterdir() if p.is_dir()]
    for load in loads:
        shutil.rmtree(load, ignore_errors=True)
    (home / "index.json").unlink(missing_ok=True)
    return len([p for p in loads if not p.name.startswith(".")]), size


def dumped(values):
    """Return notes and plain values as JSON can hold them."""
    return [v.to_dict() if isinstance(v, notes.Note) else v for v in values]


def restored(values):
    """Return what `dumped` gave as notes again."""
    return [notes.from_dict(v) for v in values]
