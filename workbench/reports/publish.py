"""A report appears all at once or not at all: built aside, moved into place, listed from what is
there.
"""

import contextlib
import datetime
import fcntl
import hashlib
import html
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workbench import project
from workbench.errors import AlreadyRunning


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
    """Return a report name fit for a folder: letters, digits, dash and underscore only."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", str(name)).strip("-")[:80] or "report"


def begin(name):
    """Open a folder aside for a new run, after sweeping away those of killed runs."""
    home = reports_folder()
    home.mkdir(exist_ok=True)
    sweep_killed()
    _sweep(home, ".new-*")
    # Under another name until it is locked, so that no other process takes it for a dead one.
    folder = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=home))
    folder.chmod(0o755)
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
    (folder / "manifest.json").write_text(
        json.dumps(manifest, indent=1, ensure_ascii=False, default=str), encoding="utf-8"
    )
    for file in folder.iterdir():
        with open(file, "rb") as stream:
            os.fsync(stream.fileno())
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    home = reports_folder() / "runs" / building.name
    home.mkdir(parents=True, exist_ok=True)
    target = home / (now + ("" if manifest["status"] == "ok" else "-failed"))
    os.rename(folder, target)
    (target / ".alive").unlink()  # the lock was held until the run stood in its place
    building.lock.close()
    sweep_killed()
    return target


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
    ones are passed over.
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
    return found


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
    parts = []
    for name in names:
        mine = [m for m in everything if m["report"] == name]
        good = next((m for m in mine if m["status"] == "ok"), None)
        title = good.get("title") if good else None
        head = f"<h2>{html.escape(title or name)}</h2>"
        if good:
            link = (good["folder"] / "report.html").relative_to(home).as_posix()
            head += (
                f'<p><a class="open" href="{html.escape(link)}">{html.escape(name)}</a> ·'
                f" {_stamp(good)}</p>"
            )
        else:
            head += "<p>No good run yet / Nog geen geslaagde run</p>"
        if mine[0]["status"] != "ok":
            head += (
                '<p class="failed">Newest run failed / Nieuwste run mislukt:'
                f" {html.escape(str(mine[0].get('reason')))}</p>"
            )
        rows = "".join(
            f"<tr><td>{_stamp(m)}</td><td>{_state(m, home)}</td>"
            f"<td>{html.escape(_changed(m))}</td></tr>"
            for m in mine[:30]
        )
        parts.append(
            f"<section>{head}<table><caption>Runs: {len(mine)}</caption><thead><tr><th"
            ' scope="col">Run (UTC)</th><th scope="col">Status</th><th'
            f' scope="col">Parameters</th></tr></thead><tbody>{rows}</tbody></table></section>'
        )
    style = home / "theme" / "style.css"
    css = style.read_text(encoding="utf-8") if style.is_file() else ""
    body = "".join(parts) or "<p>No reports yet: run <code>make report</code>.</p>"
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta'
        ' http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src'
        " 'unsafe-inline'; base-uri 'none'; form-action 'none'\"><meta name=\"viewport\""
        ' content="width=device-width, initial-scale=1"><title>Reports ·'
        f" Rapporten</title><style>{css}</style></head><body><main><h1>Reports · <span"
        f' lang="nl">Rapporten</span></h1>{body}</main></body></html>'
    )
    handle, draft = tempfile.mkstemp(prefix=".index-", suffix=".html", dir=home)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(page)
    os.chmod(draft, 0o644)
    os.replace(draft, home / "index.html")
    _sweep(home, ".index-*")
    return home / "index.html"


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
                "reports.error_schedule_another_scheduled_run_is",
                "schedule: another scheduled run is at work; nothing was started",
            ) from None
        yield


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
