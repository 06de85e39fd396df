"""What is due? Reports that run by the calendar, without a server: called by cron or systemd."""

import datetime
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from workbench import project
from workbench.errors import InputError, first_line, one_of, unknown
from workbench.notes import Note
from workbench.reports import publish
from workbench.reports.parameters import read_parameters, settle
from workbench.reports.run import find, run_all

# "day", not "on": YAML reads a bare `on` as true.
KEYS = {"name", "notebook", "every", "day", "at", "zone", "parameters"}
TRIES = 3  # of one slot; then it waits for the next slot, or for `workbench run` by hand
_ENTRY = Note("reports.entry", "schedule.yml, entry {number}", number=0)
_PART = Note("reports.entry_part", "{entry}, {part}", entry="", part="")
FIRST_DAY, LAST_DAY = 1, 28  # every month has these
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Entry:
    """One line of the schedule: which report, with which parameters, and when."""

    name: str
    notebook: str
    every: str
    day: object
    at: datetime.time
    zone: str
    parameters: dict

    def slot(self, moment):
        """Return the latest scheduled moment not after `moment`, in the entry's zone."""
        local = moment.astimezone(ZoneInfo(self.zone))
        day = local.date() if local.time() >= self.at else local.date() - datetime.timedelta(days=1)
        if self.every == "week":
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
    import yaml

    path = path or publish.reports_folder() / "schedule.yml"
    if not path.is_file():
        raise InputError(
            "reports.error_no_schedule",
            "reports/schedule.yml: no such file; see docs/schedule/ for an example",
        )
    try:
        kept = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(
            "reports.error_schedule_yaml",
            "schedule.yml: not readable as YAML ({error})",
            error=first_line(error),
        ) from None
    if (
        not isinstance(kept, dict)
        or set(kept) != {"reports"}
        or not isinstance(kept["reports"] or [], list)
    ):
        raise InputError(
            "reports.error_schedule_key",
            "schedule.yml: one key `reports:` with a list of entries is needed",
        )
    entries = [_entry(raw, i) for i, raw in enumerate(kept["reports"] or [], 1)]
    names = [e.name for e in entries]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise InputError(
            "reports.error_schedule_twice",
            "schedule.yml: two entries are called {doubled:repr}",
            doubled=doubled[0],
        )
    return entries


def _entry(raw, number):
    where = _ENTRY.having(number=number)
    if not isinstance(raw, dict) or not {"name", "notebook", "every"} <= set(raw):
        raise InputError(
            "reports.error_entry",
            "{where}: name, notebook and every are needed, found {found}",
            where=where,
            found=repr(raw),
        )
    for key in raw:
        if key not in KEYS:
            raise unknown(where, "key", key, sorted(KEYS))
    when, at = _day(raw, where), _time(raw, where)
    parameters = raw.get("parameters") or {}
    if not isinstance(raw["notebook"], str) or not isinstance(parameters, dict):
        raise InputError(
            "reports.error_entry_notebook",
            "{where}: notebook needs a name and parameters a block of `name: value`, "
            "found {notebook}, {parameters}",
            where=where,
            notebook=repr(raw["notebook"]),
            parameters=repr(raw.get("parameters")),
        )
    path = find(raw["notebook"])
    settle(read_parameters(path), parameters, _PART.having(entry=where, part=path.name))
    name, zone = publish.safe_name(raw["name"]), raw.get("zone", "UTC")
    return Entry(name, raw["notebook"], raw["every"], when, at, zone, parameters)


def _day(raw, where):
    """Return the day on which a report runs: of the week or of the month, or None."""
    every = raw["every"]
    one_of(_PART.having(entry=where, part="every"), every, ("day", "week", "month"))
    day = raw.get("day", {"week": "monday", "month": 1}.get(every))
    if every == "week":
        one_of(_PART.having(entry=where, part="day"), day, WEEKDAYS)
    if every == "month" and not (isinstance(day, int) and FIRST_DAY <= day <= LAST_DAY):
        raise InputError(
            "reports.error_entry_day",
            "{where}, day: a day of the month from {first} to {last} is needed, found {found}",
            where=where,
            first=FIRST_DAY,
            last=LAST_DAY,
            found=repr(day),
        )
    if every == "day" and "day" in raw:
        raise InputError(
            "reports.error_entry_every_day",
            "{where}: `every: day` takes no `day:`",
            where=where,
        )
    return day


def _time(raw, where):
    """Return the time of day at which a report runs; its time zone is checked too."""
    try:
        # Without quotes YAML reads 17:00 as the number 1020.
        if not re.fullmatch(r"\d\d:\d\d", raw.get("at", "06:00")):
            raise ValueError
        ZoneInfo(raw.get("zone", "UTC"))
        return datetime.time.fromisoformat(raw.get("at", "06:00"))
    except (LookupError, OSError, TypeError, ValueError):
        raise InputError(
            "reports.error_entry_time",
            '{where}: `at` needs a time such as "06:00" (in quotes) and `zone` a name '
            "such as Europe/Amsterdam; found {at}, {zone}",
            where=where,
            at=repr(raw.get("at")),
            zone=repr(raw.get("zone")),
        ) from None


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
