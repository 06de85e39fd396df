"""A column as canonical values: words, numbers, moments, yes or no."""

from workbench.engine.duck import literal
from workbench.errors import DataError, InputError
from workbench.load import months, time_forms, times
from workbench.load import numbers as writing
from workbench.load.counted import CLOCK, REAL, WHOLE, Counted
from workbench.load.expressions import TRUTH, Atom, Expressions
from workbench.load.raw import Doubt
from workbench.load.times import no_time_zone
from workbench.notes import Note

__all__ = ["Values", "no_time_zone"]

# Share of an own attribute's values that must be numbers before the others count as mistakes.
MOSTLY = 0.9
_IN_COLUMN = Note("load.in_column", "{path}, column '{column}'", path="", column="")
_ZONED = "TIMESTAMP WITH TIME ZONE"
_SIGNS = r"(?i)[€$£]?\s*[+-]?[\d.,]+(e[+-]?\d+)?\s*[€$£]?"


class Values(Counted):
    """Makes the canonical columns of one file; what it finds on the way is said in the report."""

    def __init__(self, raw, mapping, path):
        self.raw, self.mapping, self.path = raw, mapping, path
        self.decimal = (mapping.get("read") or {}).get("decimal")
        self.expressions = Expressions(raw, path, mapping.get("missing"), self.decimal)
        self.expressions.others += [self._arithmetic, self._moments]
        self.signs, self.steps, self.texts = {}, {}, {}
        self.doubts = []
        self._readings = {}

    def first_rows_only(self, condition=None):
        """Note what was learnt from the first rows of a file: where the condition holds for any
        other row it was wrong. Raises Doubt where no condition can tell.
        """
        if not self.raw.whole:
            return
        if condition is None:
            raise Doubt
        self.doubts.append(condition)

    def make(self, name, kind, arg):
        """Return the atom of a canonical column of a kind."""
        if kind == "time":
            return self.moment(arg, name)
        if kind == "number":
            return self.number(arg)
        if kind == "flag":
            return self.flag(arg, name)
        if kind == "own":
            return self.own(arg, name)
        atom = self.expressions.words(arg)
        if name in (self.mapping.get("ignore_case") or ()):
            atom.sql = f"lower({atom.sql})"
        return atom

    def step(self, sql):
        """Work a value out once for every row, and return the name it has from then on."""
        return self.steps.setdefault(sql, f"s{len(self.steps)}")

    def number(self, arg):
        """Return what a mapping says as numbers; rows with something else are refused."""
        atom = self.expressions.atom(arg)
        return atom if atom.type == "NUMBER" else self.as_number(atom)

    def as_number(self, atom):
        """Return an atom as floats."""
        if atom.type.startswith(REAL) or atom.type == "BOOLEAN":
            return Atom(f"CAST({atom.sql} AS DOUBLE)", "NUMBER", None, atom.label, atom.problems)
        if atom.type != "VARCHAR":
            raise InputError(
                "load.error_number_type",
                "{where}: numbers are needed, found {found:repr}",
                where=self._where(atom),
                found=atom.type,
            )
        text = self.expressions.text(atom)
        written = f"CASE WHEN {atom.kind} = 's' THEN {text} END" if atom.kind else text
        how = self._reading(written, atom)
        if not how.plain:
            self.first_rows_only()
        elif not atom.kind:
            value = self.step(how.sql)
            self.first_rows_only(writing.not_plain(text, value, how.decimal, self.raw.underscored))
            return Atom(value, "NUMBER", None, atom.label, atom.problems)
        sql, text = how.sql, writing.nothing(text)
        if atom.kind:
            real = f"TRY_CAST({atom.sql} AS DOUBLE)"
            sql = f"CASE WHEN {atom.kind} IN ('n', 'i') THEN {real} ELSE {sql} END"
        value, filled = self.step(sql), self.step(f"{text} IS NOT NULL")
        problem = (f"{value} IS NULL AND {filled}", f"{atom.label}: not a number")
        return Atom(value, "NUMBER", None, atom.label, [*atom.problems, problem])

    def _reading(self, text, atom):
        if text not in self._readings:
            decimal = self.raw.decimals.get(atom.label) or self.decimal
            how = writing.reading(self.raw, text, decimal, self._where(atom))
            if how.decimal == ",":
                self.raw.notes["decimal"] = ","
            if how.signs:
                self.signs[atom.label] = (how.signs, text)
            self._readings[text], self.texts[atom.label] = how, text
        return self._readings[text]

    def _arithmetic(self, arg):
        """Return a product, sum or difference of numbers, or None where it is none."""
        sign = {"multiply": "*", "add": "+", "subtract": "-"}
        name = next((k for k in sign if k in arg), None)
        if name is None:
            return None
        if not isinstance(arg[name], list):
            raise InputError(
                "load.error_operands",
                "mapping, columns: `{name}` needs a list of columns, found {found}",
                name=name,
                found=repr(arg[name]),
            )
        parts = [self.number(part) for part in arg[name]]
        sql = f" {sign[name]} ".join(f"({part.sql})" for part in parts)
        problems = [problem for part in parts for problem in part.problems]
        return Atom(f"round({sql}, 10)", "NUMBER", None, parts[0].label, problems)

    def moment(self, arg, name):
        """Return what a mapping says as moments in UTC."""
        if isinstance(arg, dict) and "value" in arg:
            raise InputError(
                "load.error_value_rule",
                "mapping, columns, {name}: `value:` is for words such as a channel or side, found "
                "{value}",
                name=name,
                value=repr(arg["value"]),
            )
        atom = self.expressions.atom(arg)
        if atom.type == "MOMENT":
            return atom
        quick = self._quick_moment(atom, name)
        return quick if quick is not None else self.as_moment(atom, name)

    def _quick_moment(self, atom, name):
        """Read a column of text in which every moment is written alike, as ISO 8601 without a zone;
        None for any other.
        """
        if atom.type != "VARCHAR" or atom.kind or self.mapping.get("time_format"):
            return None
        text = self.expressions.text(atom)
        filled, good, short, long, *marks, first, last = self.raw.workspace.row(
            f"""SELECT count(x), count(t), min(length(x)), max(length(x)), min(x[11]), max(x[11]),
              min(x[17]), max(x[17]), min(t), max(t)
            FROM (
              SELECT {text} AS x, TRY_CAST({text} AS TIMESTAMP) AS t FROM {self.raw.relation})"""
        )
        looks = {10: [("",)] * 4, 16: [" T", " T", ("",), ("",)], 19: [" T", " T", ":", ":"]}
        alike = short == long and short in looks and filled == good
        if not alike or any(m not in look for m, look in zip(marks, looks[short], strict=True)):
            return None
        value = self.step(f"TRY_CAST({text} AS TIMESTAMP)")
        made = Atom(value, "MOMENT", None, atom.label, atom.problems)
        self.first_rows_only(times.written_otherwise(text, value, short))
        return self._with_zone(made, name, (first, last, None if short > 10 else False), name)

    def as_moment(self, atom, name):
        """Return an atom as moments in UTC; naive ones need the mapping's zone."""
        kind = atom.type
        if kind.startswith("TIMESTAMPTZ") or kind.endswith("WITH TIME ZONE"):
            # Of nanoseconds the engine knows no more than to make microseconds of them.
            zoned = f"CAST({atom.sql} AS TIMESTAMP WITH TIME ZONE)"
            sql = f"make_timestamp(epoch_us({zoned if kind != _ZONED else atom.sql}))"
            return Atom(sql, "MOMENT", None, atom.label, atom.problems)
        if kind == "DATE" or kind.startswith("TIMESTAMP"):
            value = self.step(f"CAST({atom.sql} AS TIMESTAMP)")
            return self._with_zone(Atom(value, kind, None, atom.label, atom.problems), name)
        if kind.startswith(REAL):
            whole = kind.startswith(WHOLE)
            atom = self._dates_as_numbers(atom) if whole else self._no_moments(atom, atom.sql)
        return self._from_text(atom, name)

    def _dates_as_numbers(self, atom):
        """Return whole numbers that are all days such as 20240105 as text."""
        self.first_rows_only()
        text = f"CAST({atom.sql} AS VARCHAR)"
        days = f"TRY_STRPTIME({text}, '%Y%m%d') IS NOT NULL AND length({text}) = 8"
        other = self.raw.workspace.one(
            f"SELECT count(*) FROM {self.raw.relation} "
            f"WHERE {atom.sql} IS NOT NULL AND NOT ({days})"
        )
        if other:
            return self._no_moments(atom, atom.sql)
        return Atom(text, "VARCHAR", None, atom.label, atom.problems)

    def _no_moments(self, atom, number):
        values = self.raw.workspace.rows(
            f"SELECT v FROM (SELECT CAST({number} AS DOUBLE) AS v FROM {self.raw.relation} "
            f"WHERE {number} IS NOT NULL LIMIT 1000) WHERE isfinite(v) ORDER BY v"
        )
        found = [v for (v,) in values] or [0.0]
        raise times.numbers_error(self._where(atom), found, atom.label)

    def _from_text(self, atom, name):
        """Read text as moments: each value by what it says itself."""
        text = writing.nothing(self.expressions.text(atom))
        form = self.mapping.get("time_format")
        filled = self.step(f"{text} IS NOT NULL")
        if form:
            return self._formatted(atom, text, filled, form, name)
        self.first_rows_only()
        plain, zoned = self._how_written(text)
        if not plain:
            self._look_at_text(atom, text)
        if zoned == "none" and plain:
            value = self.step(f"TRY_CAST({text} AS TIMESTAMP)")
        elif zoned == "all" and plain:
            value = self.step(f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))")
        elif names := times.names_of(self.raw, text):
            return self._in_named(atom, text, names, name)
        else:
            value, zoned = self._by_pattern(atom, times.without_name(text))
        problem = (f"{value} IS NULL AND {filled}", f"{name}: not a time")
        made = Atom(value, "MOMENT", None, atom.label, [*atom.problems, problem])
        return made if zoned == "all" else self._with_zone(made, name)

    def _in_named(self, atom, text, names, name):
        """Read moments that name their zone; those that do not are refused."""
        for zone in names:
            times.check_zone(self._where(atom), zone)
        clock = times.clock_before_name(text)
        ends = self.raw.workspace.row(
            f"SELECT min(t), max(t) FROM (SELECT {clock} AS t FROM {self.raw.relation})"
        )
        local, said = self.step(clock), self.step(times.name_of(text))
        utc = times.in_named(local, said, names, *ends)
        problems = [
            (f"{utc} IS NULL AND {local} IS NOT NULL", f"{name}: {CLOCK}"),
            (f"{local} IS NULL AND {text} IS NOT NULL", f"{name}: not a time"),
        ]
        return Atom(utc, "MOMENT", None, atom.label, [*atom.problems, *problems])

    def _how_written(self, text):
        """Return whether the engine reads every moment by itself, and how many carry a zone."""
        tail = f"substr({text}, 11)"
        mark = f"(contains({tail}, '+') OR contains({tail}, '-') OR right({text}, 1) IN ('Z', 'C'))"
        filled, good, regular, zoned, good_zoned = self.raw.workspace.row(
            f"""SELECT count(*), count(TRY_CAST(x AS TIMESTAMP)),
              count(*) FILTER (length(x) IN (10, 16, 19) OR x[20] = '.'),
              count(*) FILTER (z),
              count(TRY_CAST(x AS TIMESTAMPTZ)) FILTER (z AND length(x) >= 17)
            FROM (
              SELECT {text} AS x, {mark} AS z FROM {self.raw.relation})
            WHERE x[1] BETWEEN '0' AND '9' OR x IS NOT NULL"""
        )
        if not zoned:
            return filled == good == regular, "none"
        return filled == zoned == good_zoned, "all" if zoned == filled else "some"

    def _by_pattern(self, atom, text):
        """Read moments written in several ways, each with its own offset or none."""
        stamp = self.step(times.stamp_of(text))
        offset = self.step(times.offset_of(text))
        zoned, naive, one, other = self.raw.workspace.row(
            f"""SELECT count(*) FILTER (o IS NOT NULL AND t IS NOT NULL),
              count(*) FILTER (o IS NULL AND t IS NOT NULL),
              min(x) FILTER (o IS NULL AND t IS NOT NULL), min(x) FILTER (t IS NULL)
            FROM (
              SELECT {text} AS x, {times.offset_of(text)} AS o,
                {times.stamp_of(text)} AS t FROM {self.raw.relation})"""
        )
        if other is not None and not zoned and not naive:
            raise time_forms.unknown(self._where(atom), other)
        if zoned and naive:
            raise DataError(
                Note(
                    "load.error_some_zoned",
                    "{where}: {zoned} times have a zone and {naive} do not (such as {value:repr}). "
                    "Give all of them a zone, or none and name it with `zone:`.",
                    where=self._where(atom),
                    zoned=zoned,
                    naive=naive,
                    value=one,
                )
            )
        if not zoned:
            return stamp, "none"
        return f"({stamp} - to_minutes({offset}))", "all"

    def _look_at_text(self, atom, text):
        """Refuse a column whose text can be read in two ways, or counts something."""
        filled, day_first, number, one, above, second = self.raw.workspace.row(
            f"""SELECT count(*), count(*) FILTER (d), count(*) FILTER (n),
              any_value(x) FILTER (d),
              bool_or(TRY_CAST(regexp_extract(x, '^\\d+') AS INTEGER) > 12) FILTER (d),
              bool_or(TRY_CAST(regexp_extract(x, '^\\d+.(\\d+)', 1) AS INTEGER) > 12) FILTER (d)
            FROM (
              SELECT x, regexp_matches(x, '^\\d{{1,2}}[-/.]\\d{{1,2}}[-/.]\\d{{4}}') AS d,
                regexp_full_match(x, '[+-]?\\d+([.,]\\d+)?([eE][+-]?\\d+)?')
                  AND NOT (length(x) = 8 AND TRY_STRPTIME(x, '%Y%m%d') IS NOT NULL)
                  AND NOT (length(x) = 14 AND TRY_STRPTIME(x, '%Y%m%d%H%M%S') IS NOT NULL) AS n
              FROM (SELECT {text} AS x FROM {self.raw.relation}) WHERE x IS NOT NULL)"""
        )
        if day_first > filled / 2:
            raise times.day_or_month(self._where(atom), one, above, second)
        if number > filled / 2:
            self._no_moments(atom, f"TRY_CAST(replace({text}, ',', '.') AS DOUBLE)")

    def _formatted(self, atom, text, filled, form, name):
        """Read moments in the form the mapping names, with or without a fraction."""
        if "%b" in form or "%B" in form:
            self.first_rows_only()
            text, form = months.as_english(self.raw, text), months.in_english(form)
        if "%p" in form:
            text = f"regexp_replace({text}, '(?i)([ap])\\.?\\s?m\\.', '\\1m')"
        listed = ", ".join(literal(f) for f in times.formats(form))
        zoned = "%z" in form
        if zoned:
            text = (
                f"regexp_replace({text}, '\\s*(Z|UTC|GMT)$', '+00')"
                if " %z" not in form
                else (f"regexp_replace({text}, '\\s*(Z|UTC|GMT)$', ' +00')")
            )
        parsed = f"TRY_STRPTIME({text}, [{listed}])"
        value = self.step(f"make_timestamp(epoch_us({parsed}))" if zoned else parsed)
        problem = (f"{value} IS NULL AND {filled}", f"{name}: not a time")
        made = Atom(value, "MOMENT", None, atom.label, [*atom.problems, problem])
        if zoned or times.zone_of(form):
            return made
        return self._with_zone(made, name)

    def _with_zone(self, atom, name, span=None, column=None):
        """Return clock times in UTC, read in the mapping's zone; whole days need none.

        `span` is the first and last of them and whether some are no whole days, where it is known;
        `column` the canonical column that the result becomes as it is.
        """
        zone = self.mapping.get("zone")
        first, last, parts = span or (None, None, None)
        if self.raw.whole:
            # The first rows do not tell the span of all; nor that all are whole days.
            first = last = None
            if zone is None and parts is None:
                raise Doubt
        elif span is None or (parts is None and zone is None):
            sql = next((s for s, step in self.steps.items() if step == atom.sql), atom.sql)
            first, last, parts = self.raw.workspace.row(
                f"SELECT min(t), max(t), bool_or(t <> date_trunc('day', t)) "
                f"FROM (SELECT {sql} AS t FROM {self.raw.relation}) WHERE isfinite(t)"
            )
        if zone is None and parts:
            raise InputError(
                "load.error_no_zone",
                "{where}: the times have no zone. Name it in the mapping, for instance `zone: "
                "Europe/Amsterdam` (or `zone: UTC`).",
                where=self._where(atom),
            )
        local = times.in_utc(atom.sql, zone, first, last)
        problems = list(atom.problems)
        if local is not atom.sql:
            made = f'"{column}"' if column else local
            problems.append((f"{made} IS NULL AND {atom.sql} IS NOT NULL", f"{name}: {CLOCK}"))
        return Atom(local, "MOMENT", None, atom.label, problems)

    def flag(self, arg, name):
        """Return yes and no as booleans; rows with something else are refused."""
        atom = self.expressions.atom(arg)
        if atom.type == "BOOLEAN":
            return atom
        text = writing.nothing(self.expressions.text(atom))
        yes = ", ".join(literal(word) for word, true in TRUTH.items() if true)
        no = ", ".join(literal(word) for word, true in TRUTH.items() if not true)
        low = f"regexp_replace(lower({text}), '\\.0$', '')"
        value = self.step(
            f"CASE WHEN {low} IN ({yes}) THEN true WHEN {low} IN ({no}) THEN false END"
        )
        filled = self.step(f"{text} IS NOT NULL")
        problem = (f"{value} IS NULL AND {filled}", f"{name}: not yes or no")
        return Atom(value, "BOOLEAN", None, atom.label, [*atom.problems, problem])

    def own(self, arg, name):
        """Return an attribute of the user's own as what it is: numbers, yes or no, or words. Where
        most are numbers the others are mistakes, and refused.
        """
        atom = self.expressions.atom(arg)
        if atom.type == "NUMBER" or atom.type.startswith(REAL):
            return self.number(arg)
        if atom.type == "BOOLEAN":
            return Atom(f"CAST({atom.sql} AS DOUBLE)", "NUMBER", None, atom.label, atom.problems)
        text = writing.nothing(self.expressions.text(atom))
        said = ", ".join(literal(word) for word in TRUTH if not word.isdigit())
        filled, truth, number = self.raw.workspace.row(
            f"""SELECT count(x), count(*) FILTER (lower(x) IN ({said})),
              count(*) FILTER (regexp_full_match(x, '{_SIGNS}'))
            FROM (SELECT {text} AS x FROM {self.raw.relation})"""
        )
        if not filled or truth == filled or number < filled:
            self.first_rows_only()
        if filled and truth == filled:
            flag = self.flag(arg, name)
            return Atom(f"CAST({flag.sql} AS DOUBLE)", "NUMBER", None, name, flag.problems)
        if filled and number >= MOSTLY * filled:
            return self.number(arg)
        return self.expressions.words(arg)

    def _where(self, atom):
        return _IN_COLUMN.having(path=self.path, column=atom.label)
