"""What is due? Reports that run by the calendar, without a server: called by cron or systemd."""

import datetime
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from workbench import project
from workbench.errors import InputError, one_of, unknown
from workbench.reports import publish
from workbench.reports.parameters import read_parameters, settle
from workbench.reports.run import find, run_all

# "day", not "on": YAML reads a bare `on` as true.
KEYS = {"name", "notebook", "every", "day", "at", "zone", "parameters"}
TRIES = 3  # of one slot; then it waits for the next slot, or for `workbench run` by hand
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
            "reports.error_reports_schedule_yml_no_such",
            "reports/schedule.yml: no such file; see docs/schedule/ for an example",
        )
    try:
        kept = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(
            "reports.error_schedule_yml_not_readable_as",
            "schedule.yml: not readable as YAML ({error})",
            error=str(error).splitlines()[0],
        ) from None
    if (
        not isinstance(kept, dict)
        or set(kept) != {"reports"}
        or not isinstance(kept["reports"] or [], list)
    ):
        raise InputError(
            "reports.error_schedule_yml_one_key_reports",
            "schedule.yml: one key `reports:` with a list of entries is needed",
        )
    entries = [_entry(raw, i) for i, raw in enumerate(kept["reports"] or [], 1)]
    names = [e.name for e in entries]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise InputError(
            "reports.error_schedule_yml_two_entries_are",
            "schedule.yml: two entries are called {doubled:repr}",
            doubled=doubled[0],
        )
    return entries


def _entry(raw, number):
    where = f"schedule.yml, entry {number}"
    if not isinstance(raw, dict) or not {"name", "notebook", "every"} <= set(raw):
        raise InputError(
            "reports.error_name_notebook_and_every_are",
            "{where}: name, notebook and every are needed, found {raw:repr}",
            where=where,
            raw=raw,
        )
    for key in raw:
        if key not in KEYS:
            raise unknown(where, "key", key, sorted(KEYS))
    one_of(f"{where}, every", raw["every"], ("day", "week", "month"))
    when = raw.get("day", {"week": "monday", "month": 1}.get(raw["every"]))
    if raw["every"] == "week":
        one_of(f"{where}, day", when, WEEKDAYS)
    if raw["every"] == "month" and not (isinstance(when, int) and 1 <= when <= 28):
        raise InputError(
            "reports.error_day_a_day_of_the",
            "{where}, day: a day of the month from 1 to 28 is needed, found {when:repr}",
            where=where,
            when=when,
        )
    if raw["every"] == "day" and "day" in raw:
        raise InputError(
            "reports.error_every_day_takes_no_day",
            "{where}: `every: day` takes no `day:`",
            where=where,
        )
    if not isinstance(raw["notebook"], str) or not isinstance(raw.get("parameters") or {}, dict):
        raise InputError(
            "reports.error_notebook_needs_a_name_and",
            "{where}: notebook needs a name and parameters a block of `name: value`, "
            "found {raw:repr}, {raw2:repr}",
            where=where,
            raw=raw["notebook"],
            raw2=raw.get("parameters"),
        )
    try:
        # Without quotes YAML reads 17:00 as the number 1020.
        if not re.fullmatch(r"\d\d:\d\d", raw.get("at", "06:00")):
            raise ValueError
        at = datetime.time.fromisoformat(raw.get("at", "06:00"))
        ZoneInfo(raw.get("zone", "UTC"))
    except (LookupError, OSError, TypeError, ValueError):
        raise InputError(
            "reports.error_at_needs_a_time_such",
            '{where}: `at` needs a time such as "06:00" (in quotes) and `zone` a name '
            "such as Europe/Amsterdam; found {raw:repr}, {raw2:repr}",
            where=where,
            raw=raw.get("at"),
            raw2=raw.get("zone"),
        ) from None
    path = find(raw["notebook"])
    settle(read_parameters(path), raw.get("parameters") or {}, f"{where}, {path.name}")
    return Entry(
        publish.safe_name(raw["name"]),
        raw["notebook"],
        raw["every"],
        when,
        at,
        raw.get("zone", "UTC"),
        raw.get("parameters") or {},
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
