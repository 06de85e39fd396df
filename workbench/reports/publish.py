"""A report appears all at once or not at all: built aside, moved into place, listed from what is
there.
"""

import contextlib
import datetime
import errno
import fcntl
import hashlib
import html
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from workbench import display, project
from workbench.errors import AlreadyRunning, ReportFailed
from workbench.notes import Note

# The index is one page for everybody: what it says, it says in every language.
_REPORTS = Note("index.reports", "Reports")
_NONE_YET = Note("index.none_yet", "No reports yet: run `make report`.")
_NO_GOOD_RUN = Note("index.no_good_run", "No good run yet")
_FAILED = Note("index.failed", "Newest run failed")
_RUNS = Note("index.runs", "Runs: {n}", n=0)
_COLUMNS = (
    Note("index.run", "Run (UTC)"),
    Note("index.status", "Status"),
    Note("index.parameters", "Parameters"),
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{css}</style>
</head>
<body><main><h1>{heading}</h1>{body}</main></body>
</html>"""


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
    _sweep(home, ".new-*")
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


def write_index():
    """Write reports/index.html from the manifests that are there; returns its path. Script-free,
    replaced in one move.
    """
    home = reports_folder()
    everything = runs()
    names = sorted({m["report"] for m in everything})
    sections = [_section([m for m in everything if m["report"] == n], home) for n in names]
    style = home / "theme" / "style.css"
    page = _PAGE.format(
        title=_in_all(_REPORTS, plain=True),
        css=style.read_text(encoding="utf-8") if style.is_file() else "",
        heading=_in_all(_REPORTS),
        body="".join(sections) or f"<p>{_in_all(_NONE_YET)}</p>",
    )
    handle, draft = tempfile.mkstemp(prefix=".index-", suffix=".html", dir=home)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(page)
    os.chmod(draft, 0o600)
    os.replace(draft, home / "index.html")
    _sweep(home, ".index-*")
    return home / "index.html"


def _section(manifests, home):
    """Return what the index shows of one report: its newest good run, and its runs."""
    good = next((m for m in manifests if m["status"] == "ok"), None)
    name = html.escape(manifests[0]["report"])
    title = html.escape((good or {}).get("title") or manifests[0]["report"])
    if good:
        link = (good["folder"] / "report.html").relative_to(home).as_posix()
        newest = f'<a class="open" href="{html.escape(link)}">{name}</a> · {_stamp(good)}'
    else:
        newest = _in_all(_NO_GOOD_RUN)
    failed = ""
    if manifests[0]["status"] != "ok":
        reason = html.escape(str(manifests[0].get("reason")))
        failed = f'<p class="failed">{_in_all(_FAILED)}: {reason}</p>'
    head = "".join(f'<th scope="col">{_in_all(column)}</th>' for column in _COLUMNS)
    cells = [(_stamp(m), _state(m, home), html.escape(_changed(m))) for m in manifests[:30]]
    rows = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in cells)
    return (
        f"<section><h2>{title}</h2><p>{newest}</p>{failed}"
        f"<table><caption>{_in_all(_RUNS.having(n=len(manifests)))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


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


def _in_all(note, *, plain=False):
    """Return a note as HTML in every language, each marked as such unless `plain`."""
    said = {}
    for language in display.LANGUAGES:
        with display.speaking(language):
            # What is the same in two languages is said once.
            said.setdefault(html.escape(str(note)), language)
    if plain:
        return " · ".join(said)
    return " · ".join(f'<span lang="{language}">{text}</span>' for text, language in said.items())


def _sweep(home, pattern):
    """Remove drafts that a killed process left more than an hour ago."""
    for old in home.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > 3600:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _stamp(manifest):
    return html.escape(str(manifest.get("started", ""))[:16].replace("T", " "))


def _state(manifest, home):
    if manifest["status"] == "ok":
        link = (manifest["folder"] / "report.html").relative_to(home).as_posix()
        return f'<a href="{html.escape(link)}">ok</a>'
    return f'<span class="failed">{html.escape(str(manifest.get("reason") or "failed"))}</span>'


def _changed(manifest):
    return ", ".join(
        f"{k} = {v}" for k, v in (manifest.get("parameters") or {}).items() if v is not None
    )


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
