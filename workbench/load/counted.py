"""Moments that are counted, since 1970 or in days of a spreadsheet, or stand in two columns."""

from workbench.engine.duck import literal
from workbench.errors import InputError
from workbench.load import numbers as writing
from workbench.load import times
from workbench.load.expressions import Atom

CLOCK = "the clock change makes this time ambiguous or impossible"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
REAL = ("DOUBLE", "FLOAT", "DECIMAL", *WHOLE, "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


class Counted:
    """What `Values` knows of such moments."""

    def _moments(self, arg):
        """Return what an epoch, a day number, or a date and a time say; None for anything else."""
        if "epoch" in arg:
            return self._epoch(arg)
        if "day_number" in arg:
            number = self.number(arg["day_number"])
            micros = f"round({number.sql} * 86400000) * 1000"
            sql = f"TIMESTAMP '1899-12-30' + to_microseconds(CAST({micros} AS BIGINT))"
            in_range = f"CASE WHEN {number.sql} BETWEEN 0 AND 2958466 THEN {sql} END"
            bad = (
                f"{number.sql} IS NOT NULL AND NOT {number.sql} BETWEEN 0 AND 2958466",
                f"{number.label}: not a time",
            )
            made = Atom(in_range, "MOMENT", None, number.label, [*number.problems, bad])
            return self._with_zone_of_steps(made)
        return self._date_and_time(arg) if "date" in arg else None

    def _with_zone_of_steps(self, atom):
        """As `_with_zone`, for an expression over steps: the clock of the whole calendar."""
        zone = self.mapping.get("zone")
        local = times.in_utc(atom.sql, zone, None, None)
        problems = list(atom.problems)
        if local is not atom.sql:
            problems.append(
                (f"({local}) IS NULL AND ({atom.sql}) IS NOT NULL", f"{atom.label}: {CLOCK}")
            )
        return Atom(local, "MOMENT", None, atom.label, problems)

    def _epoch(self, arg):
        atom = self.expressions.atom(arg["epoch"])
        unit = arg.get("unit")
        if unit not in times.UNITS:
            raise InputError(
                "load.error_epoch_unit",
                "mapping, columns: `epoch` needs `unit:` s, ms, us or ns; found {found}",
                found=repr(unit),
            )
        text = writing.nothing(self.expressions.text(atom))
        exact = f"TRY_CAST({text} AS DECIMAL(30, 6))"
        micros = (
            f"CAST(round({exact} * {times.UNITS[unit]}) AS BIGINT)"
            if unit != "ns"
            else (f"CAST(TRY_CAST({text} AS HUGEINT) // 1000 AS BIGINT)")
        )
        value = self.step(f"TRY(make_timestamp(TRY({micros})))")
        filled = self.step(f"{text} IS NOT NULL")
        problem = (f"{value} IS NULL AND {filled}", f"{atom.label}: not a time")
        return Atom(value, "MOMENT", None, atom.label, [*atom.problems, problem])

    def _date_and_time(self, arg):
        day, clock = self.expressions.atom(arg["date"]), self.expressions.atom(arg["time"])
        form = self.mapping.get("time_format")
        both = f"{self.expressions.text(day)} || ' ' || {self.expressions.text(clock)}"
        label = day.label
        if form and ("%H" in form or "%I" in form):
            joined = Atom(both, "VARCHAR", None, label, [*day.problems, *clock.problems])
            return self._from_text(joined, label)
        if day.type == "DATE" or day.type.startswith("TIMESTAMP"):
            date = f"date_trunc('day', CAST({day.sql} AS TIMESTAMP))"
        elif form:
            date = f"TRY_STRPTIME({self.expressions.text(day)}, {literal(form)})"
        else:
            self.first_rows_only()
            self._look_at_text(day, writing.nothing(self.expressions.text(day)))
            date = f"date_trunc('day', {times.stamp_of(self.expressions.text(day))})"
        hours = self._clock(clock)
        value = self.step(f"({date}) + ({hours})")
        filled = self.step(f"{self.expressions.text(day)} IS NOT NULL")
        problem = (f"{value} IS NULL AND {filled}", f"{label}: not a time")
        made = Atom(value, "MOMENT", None, label, [*day.problems, *clock.problems, problem])
        return self._with_zone(made, label)

    def _clock(self, atom):
        if atom.type == "TIME":
            return f"to_microseconds(epoch_us({atom.sql}))"
        if atom.type.startswith("TIMESTAMP"):
            return (
                f"CAST({atom.sql} AS TIMESTAMP) - date_trunc('day', CAST({atom.sql} AS TIMESTAMP))"
            )
        if atom.type.startswith(REAL):
            return f"to_milliseconds(CAST(round({atom.sql} * 86400000) AS BIGINT))"
        return times.clock_of(self.expressions.text(atom))
