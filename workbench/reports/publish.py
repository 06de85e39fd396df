"""A report appears all at once or not at all: built aside, moved into place, listed from what is
there.
"""

import contextlib
import datetime
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
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
    sweep(home, ".new-*")
    # Under another name until it is locked, so that no other process takes it for a dead one.
    folder = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=home))
    lock = open(folder / ".alive", "wb")  # noqa: SIM115 - held open until the run is published
    fcntl.flock(lock, fcntl.LOCK_EX)
    locked = folder.with_name(folder.name.replace(".new-", ".building-", 1))
    os.rename(folder, locked)
    return Building(locked, name, lock)


def finish(building, manifest):
    """Write the manifest, move the run into place with one rename; returns the published folder."""
    folder = building.folder
    manifest = {
        **manifest,
        "outputs": {
            p.name: _sha256(p)
            for p in sorted(folder.iterdir())
            if p.is_file() and p.name != ".alive"
        },
    }
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    home = reports_folder() / "runs" / building.name
    for private in (home.parent, home):
        private.mkdir(parents=True, exist_ok=True)
        private.chmod(OWNERS)
    failed = "" if manifest["status"] == "ok" else "-failed"
    with _numbered(building.name) as number:
        # A clock that stands still, or was set back, may give a name twice.
        again = f"-{number}" if (home / f"{now}{failed}").exists() else ""
        target = home / f"{now}{again}{failed}"
        _write_manifest(folder, {"number": number, **manifest})
        os.rename(folder, target)
        (target / ".alive").unlink()  # the lock was held until the run stood in its place
        if manifest["status"] == "ok":
            _point_latest(building.name, target)
    building.lock.close()
    sweep_killed()
    return target


def _write_manifest(folder, manifest):
    text = json.dumps(manifest, indent=1, ensure_ascii=False, default=str)
    try:
        (folder / "manifest.json").write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        if is_full(error):
            # Not even the reason finds room: nothing half-made is left.
            shutil.rmtree(folder, ignore_errors=True)
            raise no_room() from None
        raise
    for file in folder.iterdir():
        with open(file, "rb") as stream:
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
    handle = os.open(home / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        kept = os.pread(handle, 20, 0)
        # Where the counter is lost the runs that are there tell how far it had come.
        last = int(kept) if kept.isdigit() else max(map(_number, runs(name)), default=0)
        os.pwrite(handle, f"{last + 1:020d}".encode(), 0)
        yield last + 1
    finally:
        os.close(handle)


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
        with contextlib.suppress(OSError), open(old / ".alive", "ab") as probe:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its maker lives
            shutil.rmtree(old, ignore_errors=True)


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
    with open(home / ".lock", "ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(
                "reports.error_already_running",
                "schedule: another scheduled run is at work; nothing was started",
            ) from None
        yield


def sweep(home, pattern):
    """Remove drafts that a killed process left more than an hour ago."""
    for old in home.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > 3600:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
