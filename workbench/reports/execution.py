"""A notebook is executed: in its folder, within limits, and proved whole before it is a report."""

import json
import logging
import os

from workbench import display, project
from workbench.display import marks, record
from workbench.errors import ReportFailed
from workbench.notes import Note
from workbench.reports import people, places, prose, theme

SHOWN = "shown.jsonl"  # what cells show, kept while a report is made
PLACE = "place"  # of a cell in the notebook as it stands in its folder
MOST_PRINTED = 500_000  # signs a cell may print into a report
_ON_ITS_WAY = 120
_LOG = logging.getLogger("papermill")
_CUT = Note(
    "reports.cut", "What this cell printed after its first {most} signs is left out.", most=0
)


def language(values):
    """Return the language of a report: its parameter, where it is one the workbench speaks."""
    named = values.get("language")
    return named if named in display.LANGUAGES else "en"


def execute(path, values, building, timeout, tick):
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
    os.environ[marks.LOOK] = json.dumps(theme.colours())
    os.environ["WORKBENCH_ROOT"] = str(project.root())
    try:
        _through_papermill(source, out, values, timeout, tick, path.parent)
        verify(nbformat.read(out, as_version=4))
    finally:
        os.environ.pop("WORKBENCH_INPUTS", None)
        os.environ.pop(record.LOG, None)
        os.environ.pop(marks.LOOK, None)
        source.unlink()
        if out.exists():
            _tidy(out, values)
    return nbformat.read(out, as_version=4)


def _tidy(out, values):
    """Take what is nobody's business out of an executed notebook: places, times, people."""
    import nbformat

    book = nbformat.read(out, as_version=4)
    _forget_paths(book)
    places.hide_in(book, values)
    if values.get("show_customers") != "ids":
        with display.speaking(language(values)):
            people.forget(book)
    nbformat.write(book, out)


def _through_papermill(source, out, values, timeout, tick, folder):
    """Execute a notebook in a folder; raises ReportFailed with the cell and its reason."""
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
            reason=first_line(str(error)),
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
        return {**said, "reason": first_line(error.evalue)}
    printed = "".join(
        o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr"
    )
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    if not lines:
        return {**said, "reason": first_line("")}
    kind, sign, reason = lines[-1].partition(": ")
    return {**said, **({"error": kind, "reason": reason} if sign else {"reason": lines[-1]})}


def _place(cell, otherwise):
    """Return the number of a cell as its reader counts: all cells of the notebook, from 1 on."""
    return cell.metadata.get(PLACE, otherwise)


def _counting(tick):
    """Return papermill's own engine, calling `tick` after every cell of code, with a bound on what
    a cell prints.
    """
    from papermill import engines

    class Counting(engines.NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, manager, kernel_name, **kwargs):
            complete = manager.cell_complete

            def counted(cell, *a, **k):
                if tick and cell.cell_type == "code":
                    tick()
                return complete(cell, *a, **k)

            manager.cell_complete = counted
            passed = engines.remove_args(["input_path", "execution_timeout"], **kwargs)
            passed |= {"timeout": kwargs.get("execution_timeout"), "kernel_name": kernel_name}
            passed |= {"startup_timeout": passed.pop("start_timeout", 60), "log": _LOG}
            # What was printed may still be on its way when its cell is done.
            passed["iopub_timeout"] = _ON_ITS_WAY
            return _bounded()(manager, **passed).execute()

    return Counting


def _bounded():
    """Return papermill's client, cutting what a cell prints beyond any reader's patience."""
    from nbformat.v4 import new_output
    from papermill.clientwrap import PapermillNotebookClient

    class Bounded(PapermillNotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] != "stream":
                return super().process_message(msg, cell, cell_index)
            printed = self.__dict__.setdefault("printed", {})
            room = MOST_PRINTED - printed.get(cell_index, 0)
            text = msg["content"]["text"]
            printed[cell_index] = MOST_PRINTED - room + len(text)
            if room < 0:
                return None
            msg["content"]["text"] = text[:room]
            output = super().process_message(msg, cell, cell_index)
            if len(text) > room:
                cut = f"\n{_CUT.having(most=MOST_PRINTED)}\n"
                cell.outputs.append(new_output("stream", name="stdout", text=cut))
            return output

    return Bounded


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
                    reason=first_line(output.evalue),
                )
        if cell.execution_count is None:
            raise ReportFailed(
                "reports.error_never_ran",
                "cell {cell} never ran: the notebook stopped before its end",
                cell=_place(cell, i),
            )


def first_line(text):
    """Return the first line of a text that is shown, a dash where there is none."""
    return (str(text).strip().splitlines() or ["–"])[0]


def _forget_paths(book):
    """Remove what papermill notes of the machine; the manifest says all a reader needs."""
    book.metadata.pop("papermill", None)
    for cell in book.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell.metadata.pop(PLACE, None)
