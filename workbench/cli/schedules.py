"""`workbench schedule`: the reports that are due."""

import argparse
import datetime
import sys

from workbench.cli.says import DONE, FAILED, say
from workbench.notes import Note

_DUE = Note("cli.due", "due: {name} ({notebook}), slot {slot}", name="", notebook="", slot="")
_NOTHING = Note("cli.nothing", "nothing is due")
_RAN = Note("cli.ran", "done: {name} → {folder}", name="", folder="")
_FAILED = Note("cli.failed", "failed: {error}", error="")


def add(verbs):
    """Add the verb."""
    verb = verbs.add_parser("schedule", help="run what is due in reports/schedule.yml")
    verb.add_argument(
        "--as-of",
        type=_moment,
        help="act as if it were this moment, such as 2026-11-23 or 2026-11-23T07:00",
    )
    verb.add_argument("--dry-run", action="store_true", help="say what is due and run nothing")
    verb.add_argument(
        "--timeout", type=int, default=600, help="seconds one cell may take (default 600)"
    )
    verb.set_defaults(act=_schedule)


def _moment(text):
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a moment such as 2026-11-23T07:00 is needed, found {text!r}"
        ) from None
    if len(text) == 10:
        moment = moment.replace(hour=23, minute=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


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
