"""Run a notebook to a published report, or to a clear account of why there is none."""

import copy
import datetime
import hashlib
import json
import os
import subprocess
import time
from functools import partial
from pathlib import Path

from workbench import display, project
from workbench.display import workbook
from workbench.errors import ReportFailed, unknown
from workbench.reports import execution, index, pdf, places, pool, prose, publish, render
from workbench.reports.parameters import read_parameters, settle

PACKAGES = (
    "consumer-behaviour-workbench",
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "duckdb",
    "seaborn",
    "matplotlib",
    "papermill",
    "nbconvert",
    "pandera",
)
CELL_TIMEOUT = 600
SHOWN = execution.SHOWN


def notebooks():
    """Return the project's notebooks, name → path; without copies in another language."""
    found = sorted((project.root() / "notebooks").glob("*.ipynb"))
    copies = tuple(f".{language}" for language in prose.LANGUAGES)
    return {p.stem: p for p in found if not p.stem.endswith(copies)}


def find(name):
    """Return the path of a notebook given by name or path; raises InputError if there is none."""
    known = notebooks()
    stem = Path(name).stem
    if stem in known and (
        name == stem or Path(name).name == name or Path(name).resolve() == known[stem]
    ):
        return known[stem]
    if Path(name).is_file():
        return Path(name).resolve()
    raise unknown("run", "notebook", name, known)


def run(
    notebook,
    given=None,
    *,
    as_of=None,
    timeout=CELL_TIMEOUT,
    name=None,
    tick=None,
    slot=None,
    to_pdf=False,
):
    """Run one notebook and publish its report.

    Parameters
    ----------
    notebook : str or Path
    given : dict
        Parameter values; unknown or ill-typed ones stop before the kernel starts.
    as_of : date, optional
        The day relative dates are counted from; default today.
    timeout : int
        Seconds one cell may take.
    name : str, optional
        Name of the report; default the notebook's.
    tick : callable, optional
        Called after every cell.
    slot : str, optional
        The scheduled moment this run is for.
    to_pdf : bool
        Whether the page is also set as PDF, which needs the extra `pdf`.

    Returns
    -------
    Path
        The published folder.

    Raises
    ------
    InputError
        For an unknown notebook or parameter.
    ReportFailed
        If the notebook did not run to its end; the failed run is kept, marked as such, and replaces
        nothing.
    """
    path = find(notebook)
    name = publish.safe_name(name or path.stem)
    values = settle(read_parameters(path), given or {}, path.name, as_of)
    if to_pdf:
        pdf.require()
    building = publish.begin(name)
    started = time.time()
    manifest = _manifest(path, name, values, as_of, slot)
    status, reason = "ok", None
    try:
        book = execution.execute(path, values, building, timeout, tick)
        manifest["title"] = _write(book, building.folder, manifest, values, to_pdf)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the run must be published
        # It is published as failed, with its reason, and never as a report.
        status, reason = "failed", _reason(error, values)
        unfinished = ("report.html", "report.pdf", "summary.pdf", render.SUMMARY, render.TABLES)
        # A full disk needs the room for the reason.
        for left in (*unfinished, "notebook.ipynb") if publish.is_full(error) else unfinished:
            (building.folder / left).unlink(missing_ok=True)
    (building.folder / SHOWN).unlink(missing_ok=True)
    inputs = building.folder / "inputs.jsonl"
    if inputs.exists():
        lines = [json.loads(line) for line in inputs.read_text(encoding="utf-8").splitlines()]
        manifest["inputs"] = list({json.dumps(x, sort_keys=True): x for x in lines}.values())
        inputs.unlink()
    manifest.update(status=status, reason=reason, seconds=round(time.time() - started, 1))
    folder = publish.finish(building, places.hide_in(manifest, values))
    index.write()
    if status != "ok":
        raise ReportFailed(
            "reports.error_failed",
            "{name}: {reason} (kept in {folder})",
            name=name,
            reason=reason,
            folder=folder.relative_to(project.root()),
        )
    return folder


def _reason(error, values):
    """Return why a run failed, in one sentence, in the language of the report."""
    with display.speaking(execution.language(values)):
        if publish.is_full(error):
            error = publish.no_room()
        said = str(error)
        if not isinstance(error, ReportFailed):
            said = f"{type(error).__name__}: {execution.first_line(error)}"
        return places.hidden(said, values)


def _manifest(path, name, values, as_of, slot):
    """Return what is known of a run before it begins."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "schema": 1,
        "report": name,
        "notebook": path.name,
        "source_sha256": source_hash(path),
        "parameters": values,
        "as_of": (as_of or datetime.date.today()).isoformat(),
        "slot": slot,
        "seed": values.get("seed"),
        "started": now.isoformat(timespec="seconds"),
        **_environment(),
    }


def _write(book, folder, manifest, values, to_pdf):
    """Write the workbook of what the cells have shown, the page, and the page on paper; return the
    title.
    """
    language = execution.language(values)
    entries = places.hide_in(workbook.read_log(folder / SHOWN), values)
    manifest = places.hide_in(copy.deepcopy(manifest), values)
    if entries:
        with display.speaking(language):
            workbook.write(entries, folder / render.TABLES)
    page = folder / "report.html"
    title = render.write_html(book, page, manifest, language)
    if to_pdf:
        pdf.write(page, page.with_suffix(".pdf"))
        pdf.write(page.with_name(render.SUMMARY), folder / "summary.pdf")
    return title


def run_all(jobs, *, workers=None, timeout=CELL_TIMEOUT, as_of=None, progress=True):
    """Run several reports in parallel processes with one progress bar.

    Parameters
    ----------
    jobs : list of dict
        Each with notebook, and optionally given, name, slot, pdf.
    workers : int, optional
        Default: one per processor.

    Returns
    -------
    list of (job, folder or None, error or None)

    Raises InputError before anything runs if any job's notebook or parameters are wrong.
    """
    cells = 0
    for job in jobs:
        path = find(job["notebook"])
        settle(read_parameters(path), job.get("given") or {}, path.name, as_of)
        # Papermill adds one cell of its own, with the values given.
        cells += 1 + sum(
            c["cell_type"] == "code" and "exercise" not in c["metadata"].get("tags", [])
            for c in json.loads(path.read_text(encoding="utf-8"))["cells"]
        )
    work = partial(_job, timeout=timeout, as_of=as_of)
    workers = workers or os.cpu_count() or 1
    made = pool.together(jobs, work, workers=workers, cells=cells, progress=progress)
    return [
        (job, None, result) if isinstance(result, Exception) else (job, Path(result), None)
        for job, result in zip(jobs, made, strict=True)
    ]


def _job(job, told, *, timeout, as_of):
    return str(
        run(
            job["notebook"],
            job.get("given"),
            as_of=as_of,
            timeout=timeout,
            name=job.get("name"),
            slot=job.get("slot"),
            tick=told,
            to_pdf=job.get("pdf", False),
        )
    )


def source_hash(path):
    """Return the SHA-256 of a notebook's cells and tags, its outputs left out."""
    return cells_hash(path.read_text(encoding="utf-8"))


def cells_hash(text):
    """Return the SHA-256 of the cells and tags in the text of a notebook, its outputs left out."""
    book = json.loads(text)
    kept = [
        [c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])] for c in book["cells"]
    ]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def _environment():
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    root = project.root()
    lock = root / "requirements.lock"

    def git(*words):
        try:
            return subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=True
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            return None

    changed = git("status", "--porcelain", "--untracked-files=no")
    return {
        "python": platform.python_version(),
        "platform": platform.system(),
        "packages": versions,
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        "git_commit": git("rev-parse", "HEAD"),
        "git_dirty": None if changed is None else bool(changed),
    }
