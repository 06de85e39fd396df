"""A report appears all at once or not at all: built aside, moved into place, listed from what is
there.
"""

import contextlib
import datetime
import errno
import hashlib
import json
import os
import re
import shutil
import time
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path

from workbench import project
from workbench.errors import AlreadyRunning, ReportFailed

OWNERS = 0o700  # reports are read by their owner


@dataclass(frozen=True)
class Building:
    """A run under construction: its folder, the report's name, the lock that shows it is alive."""

    folder: Path
    name: str
    lock: object


def reports_folder():
    """Return the project's reports folder."""
    return project.root() / "reports"


def safe_name(name):
    """Return a report name fit for a folder: letters, digits, dash and underscore only.

    Where letters of other alphabets, or an end beyond 80 characters, are lost, a mark made from the
    whole name keeps two such names apart.

    >>> safe_name("My report"), safe_name("отчёт") != safe_name("месяц")
    ('My-report', True)
    """
    text = unicodedata.normalize("NFKD", str(name))
    plain = re.sub(
        r"[^A-Za-z0-9_-]+", "-", "".join(c for c in text if not unicodedata.combining(c))
    ).strip("-")
    if str(name).isascii() and len(plain) <= 80:
        return plain or "report"
    mark = hashlib.sha256(
        unicodedata.normalize("NFC", str(name)).encode(errors="surrogatepass")
    ).hexdigest()[:8]
    return f"{plain[:71].strip('-') or 'report'}-{mark}"


def begin(name):
    """Open a folder aside for a new run, after sweeping away those of killed runs."""
    home = reports_folder()
    home.mkdir(exist_ok=True)
    sweep_killed()
    folder = home / f".building-{name}-{uuid.uuid4().hex[:12]}"
    lock = _alive(folder)
    # Held before the folder is there, so that no other process takes it for a dead one's.
    lock.acquire()
    folder.mkdir(mode=OWNERS)
    return Building(folder, name, lock)


def _alive(folder):
    """Return the lock that its maker holds while a folder is being built; the system lets go of it
    when the maker dies.
    """
    return _lock(folder.with_name(folder.name.replace(".building-", ".alive-", 1)))


def _lock(path, timeout=-1):
    from filelock import FileLock

    return FileLock(path, timeout=timeout, mode=0o600, thread_local=False)


def finish(building, manifest):
    """Write the manifest, move the run into place with one rename; returns the published folder."""
    folder = building.folder
    manifest = {
        **manifest,
        "outputs": {p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.is_file()},
    }
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    home = reports_folder() / "runs" / building.name
    for private in (home.parent, home):
        private.mkdir(parents=True, exist_ok=True)
        private.chmod(OWNERS)
    failed = "" if manifest["status"] == "ok" else "-failed"
    try:
        target = _take_place(building, home / f"{now}{failed}", manifest)
    except OSError as error:
        if not is_full(error):
            raise
        # Not even the reason finds room: nothing half-made is left.
        shutil.rmtree(folder, ignore_errors=True)
        raise no_room() from None
    building.lock.release()  # held until the run stood in its place
    sweep_killed()
    return target


def _take_place(building, target, manifest):
    """Number the run and move it to its folder; returns that folder."""
    with _numbered(building.name) as number:
        if target.exists():
            # A clock that stands still, or was set back, may give a name twice.
            target = target.with_name(target.name.replace("Z", f"Z-{number}", 1))
        _write_manifest(building.folder, {"number": number, **manifest})
        os.rename(building.folder, target)
        if manifest["status"] == "ok":
            _point_latest(building.name, target)
    return target


def _write_manifest(folder, manifest):
    text = json.dumps(manifest, indent=1, ensure_ascii=False, default=str)
    (folder / "manifest.json").write_text(text, encoding="utf-8", errors="backslashreplace")
    for file in folder.iterdir():
        with open(file, "rb+") as stream:
            os.fsync(stream.fileno())


def is_full(error):
    """Say whether an error tells of a disk, or an allowance on it, without room."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def no_room():
    """Return the error of a full disk: where, and what to do."""
    return ReportFailed(
        "reports.error_full",
        "no room is left on the disk of {folder}. Make room, for instance by removing old folders "
        "under {runs}, and run it again",
        folder=f"{reports_folder().name}/",
        runs="reports/runs/",
    )


@contextlib.contextmanager
def _numbered(name):
    """Hold the counter of a report while a run takes its place, and give the run's number.

    A clock that is set back cannot make an old run the newest.
    """
    home = reports_folder() / ".numbers"
    home.mkdir(exist_ok=True)
    counter = home / name
    with _lock(home / f"{name}.lock"):
        kept = counter.read_text() if counter.exists() else ""
        # Where the counter is lost the runs that are there tell how far it had come.
        last = int(kept) if kept.isdigit() else max(map(_number, runs(name)), default=0)
        draft = home / f".{name}.new"
        draft.write_text(f"{last + 1:020d}")
        os.replace(draft, counter)
        yield last + 1


def _number(manifest):
    number = manifest.get("number")
    return number if isinstance(number, int) else 0


def _point_latest(name, run):
    """Let reports/latest/NAME lead to a run: an address that stays. Replaced in one move."""
    home = reports_folder() / "latest"
    home.mkdir(exist_ok=True)
    draft = home / f".{name}-{os.getpid()}"
    draft.unlink(missing_ok=True)
    try:
        draft.symlink_to(os.path.relpath(run, home), target_is_directory=True)
    except OSError:
        # A file system without links: the folder of runs stays the only address.
        return
    os.replace(draft, home / name)


def sweep_killed():
    """Remove what killed runs left. A kernel outlives its killed run by a second and may still
    write: then the next sweep does it.
    """
    for old in reports_folder().glob(".building-*"):
        # A lock that is held says that the maker lives.
        with contextlib.suppress(OSError), _alive(old).acquire(timeout=0):
            shutil.rmtree(old, ignore_errors=True)
    for left in reports_folder().glob(".alive-*"):
        if not left.with_name(left.name.replace(".alive-", ".building-", 1)).exists():
            _sweep_old(left)


def runs(name=None):
    """Return the manifests of all published runs, newest first, each with its `folder`; unreadable
    ones are passed over. Of one report the newest is the one with the highest number.
    """
    found = []
    home = reports_folder() / "runs"
    for file in sorted(
        home.glob(f"{name or '*'}/*/manifest.json"), key=lambda p: p.parent.name, reverse=True
    ):
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict) and "status" in manifest:
            found.append({**manifest, "folder": file.parent})
    return sorted(found, key=_number, reverse=True)


def latest(name):
    """Return the manifest of the newest good run of a report, or None."""
    return next((m for m in runs(name) if m["status"] == "ok"), None)


@contextlib.contextmanager
def only_one():
    """Hold the project's run lock; raises AlreadyRunning if another process holds it."""
    home = reports_folder()
    home.mkdir(exist_ok=True)
    lock = _lock(home / ".lock", timeout=0)
    try:
        lock.acquire()
    except TimeoutError:
        raise AlreadyRunning(
            "reports.error_already_running",
            "schedule: another scheduled run is at work; nothing was started",
        ) from None
    try:
        yield
    finally:
        lock.release()


def sweep(home, pattern):
    """Remove drafts that a killed process left more than an hour ago."""
    for old in home.glob(pattern):
        _sweep_old(old)


def _sweep_old(path):
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > 3600:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
