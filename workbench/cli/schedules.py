"""`workbench schedule`: the reports that are due."""

import datetime
import sys

from workbench.cli.says import DONE, FAILED, say
from workbench.notes import Note

_DUE = Note("cli.due", "due: {name} ({notebook}), slot {slot}", name="", notebook="", slot="")
_NOTHING = Note("cli.nothing", "nothing is due")
_RAN = Note("cli.ran", "done: {name} → {folder}", name="", folder="")
_FAILED = Note("cli.failed", "failed: {error}", error="")


def _schedule(options):
    from workbench.reports import schedule

    moment = options.as_of or datetime.datetime.now(datetime.UTC)
    if options.dry_run:
        waiting = schedule.due(schedule.read_schedule(), moment)
        for entry, slot in waiting:
            say(_DUE.having(name=entry.name, notebook=entry.notebook, slot=slot.isoformat()))
        if not waiting:
            say(_NOTHING)
        return DONE
    results = schedule.run_due(moment, timeout=options.timeout, progress=sys.stderr.isatty())
    for entry, folder, error in results:
        if error is None:
            say(_RAN.having(name=entry.name, folder=folder.name))
        else:
            say(_FAILED.having(error=error.note), error=True)
    if not results:
        say(_NOTHING)
    return FAILED if any(error for *_, error in results) else DONE


ACTS = {"schedule": _schedule}
