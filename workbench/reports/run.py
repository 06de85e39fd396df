"""Run a notebook to a published report, or to a clear account of why there is none."""

import datetime
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

from workbench import display, project
from workbench.display import record
from workbench.errors import ReportFailed, unknown
from workbench.reports import pdf, people, prose, publish, render, workbook
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
SHOWN = "shown.jsonl"  # what cells show, kept while a report is made
PLACE = "place"  # of a cell in the notebook as it stands in its folder


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
        book = _execute(path, values, building, timeout, tick)
        manifest["title"] = _write(book, building.folder, manifest, _language(values), to_pdf)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the run must be published
        # It is published as failed, with its reason, and never as a report.
        status = "failed"
        with display.speaking(_language(values)):
            reason = (
                str(error)
                if isinstance(error, ReportFailed)
                else f"{type(error).__name__}: {_first_line(error)}"
            )
        for unfinished in ("report.html", "report.pdf", render.TABLES):
            (building.folder / unfinished).unlink(missing_ok=True)
    (building.folder / SHOWN).unlink(missing_ok=True)
    inputs = building.folder / "inputs.jsonl"
    if inputs.exists():
        lines = [json.loads(line) for line in inputs.read_text(encoding="utf-8").splitlines()]
        manifest["inputs"] = list({json.dumps(x, sort_keys=True): x for x in lines}.values())
        inputs.unlink()
    manifest.update(status=status, reason=reason, seconds=round(time.time() - started, 1))
    folder = publish.finish(building, manifest)
    publish.write_index()
    if status != "ok":
        raise ReportFailed(
            "reports.error_failed",
            "{name}: {reason} (kept in {folder})",
            name=name,
            reason=reason,
            folder=folder.relative_to(project.root()),
        )
    return folder


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


def _write(book, folder, manifest, language, to_pdf):
    """Write the workbook of what the cells have shown, the page, and the page on paper; return the
    title.
    """
    entries = workbook.read_log(folder / SHOWN)
    if entries:
        with display.speaking(language):
            workbook.write(entries, folder / render.TABLES)
    page = folder / "report.html"
    title = render.write_html(book, page, manifest, language)
    if to_pdf:
        pdf.write(page, page.with_suffix(".pdf"))
    return title


def _language(values):
    """Return the language of a report: its parameter, where it is one the workbench speaks."""
    named = values.get("language")
    return named if named in display.LANGUAGES else "en"


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
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    from tqdm import tqdm

    cells = 0
    for job in jobs:
        path = find(job["notebook"])
        settle(read_parameters(path), job.get("given") or {}, path.name, as_of)
        # Papermill adds one cell of its own, with the values given.
        cells += 1 + sum(
            c["cell_type"] == "code" and "exercise" not in c["metadata"].get("tags", [])
            for c in json.loads(path.read_text(encoding="utf-8"))["cells"]
        )
    context = get_context("spawn")
    results = {}
    with context.Manager() as manager:
        done = manager.Queue()
        workers = min(workers or os.cpu_count() or 1, len(jobs))
        with (
            ProcessPoolExecutor(workers, mp_context=context) as pool,
            tqdm(
                total=cells,
                unit="cell",
                disable=not progress,
                bar_format="{l_bar}{bar}| {n}/{total} cells",
            ) as bar,
        ):
            futures = {
                pool.submit(_job, job, timeout, as_of, done): i for i, job in enumerate(jobs)
            }
            waiting = set(futures)
            while waiting:
                finished = {f for f in waiting if f.done()}
                waiting -= finished
                time.sleep(0.1)
                while not done.empty():
                    bar.update(done.get())
            for future in as_completed(futures):
                i = futures[future]
                try:
                    results[i] = (jobs[i], Path(future.result()), None)
                except Exception as error:  # noqa: BLE001 - one failed run stops no other
                    results[i] = (jobs[i], None, error)
    return [results[i] for i in range(len(jobs))]


def _job(job, timeout, as_of, done):
    return str(
        run(
            job["notebook"],
            job.get("given"),
            as_of=as_of,
            timeout=timeout,
            name=job.get("name"),
            slot=job.get("slot"),
            tick=lambda: done.put(1),
            to_pdf=job.get("pdf", False),
        )
    )


def _execute(path, values, building, timeout, tick):
    """Run the notebook through papermill into the building folder and return it."""
    import nbformat

    out = building.folder / "notebook.ipynb"
    # Exercises are for people at a notebook; a report has none, and must not fail on one.
    book = nbformat.read(path, as_version=4)
    for place, cell in enumerate(book.cells, 1):
        cell.metadata[PLACE] = place
    book.cells = [c for c in book.cells if "exercise" not in c.metadata.get("tags", [])]
    prose.translate(book, path, values.get("language", "en"))
    source = building.folder / "source.ipynb"
    nbformat.write(book, source)
    os.environ["WORKBENCH_INPUTS"] = str(building.folder / "inputs.jsonl")
    os.environ[record.LOG] = str(building.folder / SHOWN)
    os.environ["WORKBENCH_ROOT"] = str(project.root())
    try:
        _through_papermill(source, out, values, timeout, tick, path.parent)
    finally:
        os.environ.pop("WORKBENCH_INPUTS", None)
        os.environ.pop(record.LOG, None)
        source.unlink()
    book = nbformat.read(out, as_version=4)
    try:
        verify(book)
    finally:
        _forget_paths(book)
        if values.get("show_customers") != "ids":
            with display.speaking(_language(values)):
                people.forget(book)
        nbformat.write(book, out)
    return book


def _through_papermill(source, out, values, timeout, tick, folder):
    """Execute a notebook in a folder; raises ReportFailed with the cell and its reason."""
    import logging

    import papermill
    from papermill.engines import papermill_engines
    from traitlets.config import Config

    papermill_engines.register("counting", _counting(tick))
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        papermill.execute_notebook(
            str(source),
            str(out),
            parameters=values,
            engine_name="counting",
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            execution_timeout=timeout,
            cwd=str(folder),
            config=Config(KernelManager={"transport_encryption": "auto"}),
        )
    except papermill.PapermillExecutionError as error:
        raise ReportFailed(
            "reports.error_cell",
            "cell {cell}: {error}: {reason}",
            **_failure(out, error),
        ) from None
    except Exception as error:  # noqa: BLE001 - told as a failed report
        # The kernel's death and a cell's time-out leave a notebook that looks complete.
        raise ReportFailed(
            "reports.error_kernel",
            "{error}: {reason}",
            error=type(error).__name__,
            reason=_first_line(str(error)),
        ) from None


def _failure(out, error):
    """Return the cell, the kind and the reason of a failure, also where the kernel told it as text
    only.
    """
    import nbformat

    # Papermill has put cells of its own among them by now.
    cells = nbformat.read(out, as_version=4).cells
    failed = [c for c in cells if c.metadata.get("papermill", {}).get("exception")]
    cell = failed[0] if failed else cells[error.cell_index]
    said = {"cell": _place(cell, error.cell_index + 1), "error": error.ename}
    if error.evalue.strip():
        return {**said, "reason": _first_line(error.evalue)}
    printed = "".join(
        o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"
    )
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    if not lines:
        return {**said, "reason": _first_line("")}
    kind, sign, reason = lines[-1].partition(": ")
    return {**said, **({"error": kind, "reason": reason} if sign else {"reason": lines[-1]})}


def _place(cell, otherwise):
    """Return the number of a cell as its reader counts: all cells of the notebook, from 1 on."""
    return cell.metadata.get(PLACE, otherwise)


def _counting(tick):
    """Return papermill's own engine, calling `tick` after every cell of code."""
    from papermill.engines import NBClientEngine

    class Counting(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, manager, *args, **kwargs):
            complete = manager.cell_complete

            def counted(cell, *a, **k):
                if tick and cell.cell_type == "code":
                    tick()
                return complete(cell, *a, **k)

            manager.cell_complete = counted
            return super().execute_managed_notebook(manager, *args, **kwargs)

    return Counting


def verify(book):
    """Raise ReportFailed unless every code cell ran and none ended in an error or left the kernel
    early.
    """
    for i, cell in enumerate(book.cells, 1):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                raise ReportFailed(
                    "reports.error_cell",
                    "cell {cell}: {error}: {reason}",
                    cell=_place(cell, i),
                    error=output.ename,
                    reason=_first_line(output.evalue),
                )
        if cell.execution_count is None:
            raise ReportFailed(
                "reports.error_never_ran",
                "cell {cell} never ran: the notebook stopped before its end",
                cell=_place(cell, i),
            )


def _first_line(text):
    return (str(text).strip().splitlines() or ["–"])[0]


def _forget_paths(book):
    """Remove what papermill notes of the machine; the manifest says all a reader needs."""
    book.metadata.pop("papermill", None)
    for cell in book.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell.metadata.pop(PLACE, None)


def source_hash(path):
    """Return the SHA-256 of a notebook's cells and tags, its outputs left out."""
    book = json.loads(path.read_text(encoding="utf-8"))
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
