"""How far a long load is, shown where somebody waits for it."""

import os
import sys
import threading

from workbench.notes import Note

# From this many bytes on a load shows how far it is.
LARGE = 50_000_000
EVERY = 0.5  # seconds between two looks
# What a load does, and the percent of it that is done then.
STAGES = (
    (Note("load.progress_counting", "counting"), 10),
    (Note("load.progress_judging", "reading and judging"), 55),
    (Note("load.progress_writing", "writing"), 100),
)


def shown(size):
    """Say whether a load of so many bytes shows how far it is: on a terminal and in an open
    notebook, not where output is kept.
    """
    waits = sys.stderr.isatty() or (_in_notebook() and "WORKBENCH_INPUTS" not in os.environ)
    return size >= LARGE and waits


def _in_notebook():
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")


class Progress:
    """A bar in percent; use it in a `with` block. Within a stage it follows the engine."""

    def __init__(self, work, size):
        from tqdm import tqdm

        self._work, self._stage, self._over = work, -1, threading.Event()
        self._bar = tqdm(
            total=100,
            disable=not shown(size),
            file=sys.stderr,
            leave=False,
            bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed}",
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.next()
        if not self._bar.disable:
            self._watcher.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._bar.close()

    def next(self):
        """Go on to the next stage."""
        self._to(self._ends()[0] if self._stage < 0 else self._ends()[1])
        self._stage += 1
        self._bar.set_description_str(str(STAGES[self._stage][0]))

    def _ends(self):
        begin = STAGES[self._stage - 1][1] if self._stage > 0 else 0
        return begin, STAGES[max(self._stage, 0)][1]

    def _watch(self):
        while not self._over.wait(EVERY):
            begin, end = self._ends()
            self._to(begin + self._work.progress() * (end - begin))

    def _to(self, percent):
        # Each statement begins at nothing again; the bar does not go back.
        self._bar.update(max(percent - self._bar.n, 0))
