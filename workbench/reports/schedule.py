"""What is due? Reports that run by the calendar, without a server: call this from cron or systemd."""

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from workbench import project
from workbench.errors import InputError, one_of, unknown
from workbench.reports import publish
from workbench.reports.parameters import read_parameters, settle
from workbench.reports.run import find, run_all

# "day", not "on": YAML reads a bare `on` as true.
KEYS = {"name", "notebook", "every", "day", "at", "zone", "parameters"}
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
        raise InputError("reports/schedule.yml: no such file; see docs/schedule/ for an example")
    try:
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise InputError(f"schedule.yml: not readable as YAML ({str(error).splitlines()[0]})") from None
    entries = [_entry(raw, i) for i, raw in enumerate(kept.get("reports") or [], 1)]
    names = [e.name for e in entries]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise InputError(f"schedule.yml: two entries are called {doubled[0]!r}")
    return entries


def _entry(raw, number):
    where = f"schedule.yml, entry {number}"
    if not isinstance(raw, dict) or not {"name", "notebook", "every"} <= set(raw):
        raise InputError(f"{where}: name, notebook and every are needed, found {raw!r}")
    for key in raw:
        if key not in KEYS:
            raise unknown(where, "key", key, sorted(KEYS))
    one_of(f"{where}, every", raw["every"], ("day", "week", "month"))
    when = raw.get("day", {"week": "monday", "month": 1}.get(raw["every"]))
    if raw["every"] == "week":
        one_of(f"{where}, day", when, WEEKDAYS)
    if raw["every"] == "month" and not (isinstance(when, int) and 1 <= when <= 28):
        raise InputError(f"{where}, day: a day of the month from 1 to 28 is needed, found {when!r}")
    try:
        at = datetime.time.fromisoformat(str(raw.get("at", "06:00")))
        ZoneInfo(raw.get("zone", "UTC"))
    except Exception:
        raise InputError(f"{where}: `at` needs a time such as \"06:00\" (in quotes) and `zone` a name such as "
                         f"Europe/Amsterdam; found {raw.get('at')!r}, {raw.get('zone')!r}") from None
    path = find(raw["notebook"])
    settle(read_parameters(path), raw.get("parameters") or {}, f"{where}, {path.name}")
    return Entry(publish.safe_name(raw["name"]), raw["notebook"], raw["every"], when, at, raw.get("zone", "UTC"),
                 raw.get("parameters") or {})


def due(entries, moment):
    """Return (entry, slot) for every entry whose latest slot has no good run yet."""
    waiting = []
    for entry in entries:
        slot = entry.slot(moment)
        done = any(m["status"] == "ok" and m.get("slot") == slot.isoformat() for m in publish.runs(entry.name))
        if not done:
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
            jobs = [{"notebook": e.notebook, "given": e.parameters, "name": e.name, "slot": s.isoformat()} for e, s in mine]
            results = run_all(jobs, as_of=day, timeout=timeout, progress=progress)
            out += [(e, folder, error) for (e, _), (_, folder, error) in zip(mine, results, strict=True)]
        return out
