"""Several reports at once: a process each, none of which outlives the command that asked for it."""

import os
import threading
import time
from multiprocessing import connection, get_context

from workbench.errors import ReportFailed

_LOOK = 1.0  # seconds between two looks at whether the command still runs


def together(jobs, work, *, workers, cells, progress):
    """Do every job in a process of its own, with one progress bar; return their results or errors.

    `work` is called with a job and a function to tell of every cell that is done. A process that is
    killed takes only its own job with it.
    """
    from tqdm import tqdm

    waiting, running, results = list(enumerate(jobs)), {}, {}
    bar = tqdm(
        total=cells,
        unit="cell",
        disable=not progress,
        bar_format="{l_bar}{bar}| {n}/{total} cells",
    )
    with bar:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    i, job = waiting.pop(0)
                    running |= _begin(i, job, work)
                for reader in connection.wait(list(running)):
                    _hear(reader, running, results, bar)
        finally:
            for _, _, process in running.values():
                process.terminate()
    return [results[i] for i in range(len(jobs))]


def _begin(i, job, work):
    """Start a process for a job; return what hears of it."""
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(writer, work, job, os.getpid()))
    process.start()
    writer.close()
    return {reader: (i, job, process)}


def _hear(reader, running, results, bar):
    """Take one message: a cell that is done, the end of a job, or silence where it was killed."""
    i, job, process = running[reader]
    try:
        said = reader.recv()
    except EOFError:
        said = _killed(job)
    if said is None:
        bar.update()
        return
    results[i] = said
    reader.close()
    process.join()
    del running[reader]


def _killed(job):
    return ReportFailed(
        "reports.error_killed",
        "{name}: its process was killed, most likely for want of memory. Run it alone, or on less "
        "data",
        name=job.get("name") or job["notebook"],
    )


def _do(writer, work, job, parent):
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        said = work(job, lambda: writer.send(None))
    except Exception as error:  # noqa: BLE001 - one failed run stops no other
        said = error
    writer.send(said)


def _end_with(parent):
    """End this process soon after its parent; its kernel then ends by itself."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
