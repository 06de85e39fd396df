"""What is due? Reports that run by the calendar, without a server: called by cron or systemd."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from workbench import project
from workbench.errors import InputError
from workbench.notes import Note
from workbench.reports import publish
from workbench.reports.parameters import read_parameters, settle
from workbench.reports.run import find, run_all

TRIES = 3  # of one slot; then it waits for the next slot, or for `workbench run` by hand
_ENTRY = Note("reports.entry", "schedule.yml, entry {number}", number=0)
_PART = Note("reports.entry_part", "{entry}, {part}", entry="", part="")


@dataclass(frozen=True)
class Entry:
    """One line of the schedule: which report, with which parameters, and when."""

    name: str
    notebook: str
    every: str
    day: str | int | None
    at: datetime.time
    zone: str
    parameters: dict

    def slot(self, moment):
        """Return the latest scheduled moment not after `moment`, in the entry's zone."""
        local = moment.astimezone(ZoneInfo(self.zone))
        day = local.date() if local.time() >= self.at else local.date() - datetime.timedelta(days=1)
        if self.every == "week":
            from workbench.reports.settings import WEEKDAYS

            day -= datetime.timedelta(days=(day.weekday() - WEEKDAYS.index(self.day)) % 7)
        if self.every == "month":
            if day.day < self.day:
                day = day.replace(day=1) - datetime.timedelta(days=1)
            day = day.replace(day=self.day)
        return datetime.datetime.combine(day, self.at, ZoneInfo(self.zone))


def read_schedule(path=None):
    """Return the entries of reports/schedule.yml; every notebook, parameter and moment is checked.

    Raises InputError naming the entry and what is wrong with it.
    """
    path = path or publish.reports_folder() / "schedule.yml"
    if not path.is_file():
        raise InputError(
            "reports.error_no_schedule",
            "reports/schedule.yml: no such file; see docs/schedule/ for an example",
        )
    entries = [_entry(report, i) for i, report in enumerate(_typed(path).reports, 1)]
    names = [e.name for e in entries]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise InputError(
            "reports.error_schedule_twice",
            "schedule.yml: two entries are called {doubled:repr}",
            doubled=doubled[0],
        )
    return entries


def _typed(path):
    """Return a schedule as its typed model understands it."""
    from workbench.reports import settings

    given = settings.read_yaml(path)
    if not isinstance(given, dict):
        raise InputError(
            "reports.error_schedule_key",
            "schedule.yml: one key `reports:` with a list of entries is needed",
        )
    return settings.checked(settings.Schedule, given, path.name, settings.keys_of_schedule)


def _entry(report, number):
    """Return an entry whose notebook is there and takes the parameters given."""
    where = _ENTRY.having(number=number)
    path = find(report.notebook)
    settle(read_parameters(path), report.parameters, _PART.having(entry=where, part=path.name))
    return Entry(
        publish.safe_name(report.name),
        report.notebook,
        report.every,
        report.on(),
        report.at,
        report.zone,
        report.parameters,
    )


def due(entries, moment):
    """Return (entry, slot) for every entry whose latest slot has neither a good run nor three
    failed ones yet.
    """
    waiting = []
    for entry in entries:
        slot = entry.slot(moment)
        tries = [m["status"] for m in publish.runs(entry.name) if m.get("slot") == slot.isoformat()]
        if "ok" not in tries and len(tries) < TRIES:
            waiting.append((entry, slot))
    return waiting


def run_due(moment, *, timeout, progress=True):
    """Run everything due at a moment; a missed slot is made up once, with the dates of that slot.

    Returns a list of (entry, folder or None, error or None). Raises AlreadyRunning when another
    scheduled run is at work, InputError when the schedule itself is wrong.
    """
    project.root()
    entries = read_schedule()
    with publish.only_one():
        out = []
        waiting = due(entries, moment)
        for day in sorted({slot.date() for _, slot in waiting}):
            mine = [(e, s) for e, s in waiting if s.date() == day]
            jobs = [
                {
                    "notebook": e.notebook,
                    "given": e.parameters,
                    "name": e.name,
                    "slot": s.isoformat(),
                }
                for e, s in mine
            ]
            results = run_all(jobs, as_of=day, timeout=timeout, progress=progress)
            out += [
                (e, folder, error) for (e, _), (_, folder, error) in zip(mine, results, strict=True)
            ]
        return out
