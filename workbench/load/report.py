"""What came of a load: how many rows were read, kept and refused, and why."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from workbench import project
from workbench.errors import DataError, InputError
from workbench.notes import Note

MOMENTS = ("ordered_at", "occurred_at", "exposed_at", "answered_at", "created_at", "opened_at")
# Reasons stand in tables and files as the same English text in every language, after the name of
# their column; here is how they are said.
REASONS = {
    note.english: note
    for note in (
        Note("load.reason_missing", "missing"),
        Note("load.reason_not_number", "not a number"),
        Note("load.reason_not_finite", "not a finite number"),
        Note("load.reason_not_time", "not a time"),
        Note("load.reason_not_flag", "not yes or no"),
        Note("load.reason_negative", "negative"),
        Note("load.reason_future", "in the future"),
        Note("load.reason_past", "before 1970"),
        Note("load.reason_key", "duplicate key"),
        Note(
            "load.reason_clock",
            "the clock change makes this time ambiguous or impossible",
        ),
        Note("load.reason_owners", "order of several customers"),
        Note("load.reason_currency", "other currency"),
        Note("load.reason_duplicate", "exact duplicate line"),
        Note("load.reason_mapping", "rejected by the mapping"),
        Note("load.reason_json", "not a JSON object"),
        Note("load.reason_bytes", "bytes, no text"),
        Note("load.reason_nested", "holds several values"),
        Note("load.reason_open", "a fraction or thousands"),
        Note("load.reason_code", "not in the table of codes"),
        Note("load.reason_line", "another line of this order was refused"),
    )
}
_FIELDS = Note("load.reason_fields", "{found} fields instead of {wanted}", found=0, wanted=0)
_IN_COLUMN = Note("load.reason_column", "{column}: {reason}", column="", reason="")
_SOURCE = Note("load.source", "Source: {source}", source="")
_ROWS = Note(
    "load.rows",
    "Rows read: {read}. Kept: {kept}. Refused: {refused}.",
    read=0,
    kept=0,
    refused=0,
)
_REFUSED = Note(
    "load.refused", "{rows}  {reason} (first at line {line})", rows=0, reason="", line=0
)
_REFUSED_IN = Note(
    "load.refused_in",
    "{rows}  {reason} (first at line {line} of {file})",
    rows=0,
    reason="",
    line=0,
    file="",
)
_DUPLICATES = {
    "keep": Note(
        "load.duplicates_keep",
        "Exact duplicate lines among the rows kept: {n}, counted and kept.",
        n=0,
    ),
    "drop": Note("load.duplicates_drop", "Exact duplicate lines: {n}, refused.", n=0),
}
_ASIDE = Note(
    "load.aside", "Refused rows lie in {path:text}; they may hold personal data.", path=""
)
_FOUND = Note("load.found", "{what:word}: {value:word}", what="", value="")


@dataclass(frozen=True)
class Refused:
    """The rows refused: a Parquet file of them as they stood (None where there are none), how
    many, and (reason, rows, first line) of each reason, its file behind where there are several.
    """

    path: Path | None
    rows: int
    counted: tuple = ()

    @property
    def by_reason(self):
        """One row a reason: reason, rows, example; the most frequent first."""
        import pandas as pd

        names = ["reason", "rows", "example", "file"]
        width = len(self.counted[0]) if self.counted else 3
        return pd.DataFrame(self.counted, columns=names[:width])

    @property
    def frame(self):
        """The rows as a DataFrame, with _reason, _line and, for lines that are no rows, _text."""
        import pandas as pd

        if self.path is None:
            return pd.DataFrame({"_reason": [], "_line": []})
        return pd.read_parquet(self.path)

    def frames(self):
        """Yield the rows as DataFrames, part by part."""
        if self.path is None:
            return
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches():
                yield batch.to_pandas()

    def problems(self):
        """Return one row a reason, each reason a note, for an error that lists them."""
        return _with_notes(self.by_reason)


@dataclass(frozen=True, eq=False, repr=False)
class LoadReport:
    """What a load kept and refused.

    `.table` has one row per reason: reason, rows, example (the first line of the file with it; for
    sources without lines the row, from 1), and its file where there are several. `.rejected` holds
    the refused rows as they stood, with _reason, _line, _file where there are several and, for
    lines that are no rows, _text; it is read when it is asked for. Reasons
    are the same text in every language; `str(report)` says them in the language in use. `.noticed`
    holds what was seen in the file that may mislead, with the key of the mapping that settles it,
    `.origin` the path of the file, `.aside` where refused rows were written.
    """

    source: str
    rows_in: int
    rows_kept: int
    table: object
    refused: Refused = field(repr=False)
    duplicates: int = 0
    duplicates_rule: str = "keep"
    notes: dict = field(default_factory=dict)
    noticed: list = field(default_factory=list)
    origin: str = ""
    aside: list = field(default_factory=list)

    @property
    def rejected(self):
        """The refused rows as a DataFrame."""
        return self.refused.frame

    def said(self):
        """Return what the report says, line by line, as notes."""
        refused = self.rows_in - self.rows_kept
        lines = [
            _SOURCE.having(source=self.source),
            _ROWS.having(read=self.rows_in, kept=self.rows_kept, refused=refused),
        ]
        for row in self.table.itertuples():
            reason = reason_note(row.reason)
            told = {"rows": row.rows, "reason": reason, "line": row.example}
            file = getattr(row, "file", None)
            lines.append(_REFUSED_IN.having(**told, file=file) if file else _REFUSED.having(**told))
        if self.duplicates:
            lines.append(_DUPLICATES[self.duplicates_rule].having(n=self.duplicates))
        lines += self.noticed
        lines += [_ASIDE.having(path=_short(path)) for path in self.aside]
        return [*lines, *(_FOUND.having(what=k, value=v) for k, v in self.notes.items())]

    @property
    def facts(self):
        """Every number in the report as a DataFrame: id, name and value."""
        import pandas as pd

        facts = [fact for note in self.said() for fact in note.facts()]
        numbers = [fact for fact in facts if isinstance(fact[2], (int, float))]
        return pd.DataFrame(numbers, columns=["id", "name", "value"])

    def __str__(self):
        from workbench.display import number

        lines = []
        for note in self.said():
            if note.id in (_REFUSED.id, _REFUSED_IN.id):
                # Counts stand below each other, their last digits in line.
                lines.append(" " * (11 - len(number(note.values["rows"]))) + str(note))
            else:
                lines.append(f"  {note}" if note.id == _FOUND.id else str(note))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        from workbench.load import shown

        return shown.report_html(self)

    def problems(self):
        """Return `.table` with each reason as a note, for an error that lists them."""
        return _with_notes(self.table)

    def write_rejected(self, path=None):
        """Write the refused rows with their reasons to a CSV file and return its path, or None if
        there are none.

        Without a path they lie in the folder of refused rows, which only its owner reads and git
        ignores; `str(report)` says where. Raises InputError for a path that exists already.
        """
        from workbench.load import aside

        written = aside.write(self.refused.frames(), self.origin or self.source, path)
        self.aside[:] = [] if written is None else [written]
        return written


@dataclass(frozen=True, eq=False, repr=False)
class Loaded:
    """Canonical tables by name, the report of how they came about, and the time zone the mapping
    names.
    """

    tables: dict
    report: LoadReport
    zone: str = "UTC"
    mapping: str = "mapping"

    def __getitem__(self, name):
        self._must_hold(name)
        return self.tables[name]

    def table(self, name):
        """Return a table where it lies: analyses read it there, without holding it in memory;
        `.frame()` of it is what `self[name]` gives, a DataFrame.
        """
        self._must_hold(name)
        return self.tables.places[name]

    def _must_hold(self, name):
        if name not in self.tables:
            raise InputError(
                "load.error_other_table",
                "{mapping}: gives {present:text}; here the table '{name}' is needed. Set `table: "
                "{name}` in the mapping and name its columns (docs/mapping.md).",
                mapping=self.mapping,
                present=list(self.tables),
                name=name,
            )

    def __repr__(self):
        from workbench.load import shown

        return shown.loaded_text(self)

    def _repr_html_(self):
        from workbench.load import shown

        return shown.loaded_html(self)


def _short(path):
    """Return a path as it is said: from the project's root where it lies there."""
    try:
        return str(Path(path).resolve().relative_to(project.root()))
    except (ValueError, InputError):
        return str(path)


def reason_note(reason):
    """Return a reason as a note: a column stays as it stands, a mapping's own words do too.

    >>> str(reason_note("amount: not a number"))
    'amount: not a number'
    """
    if fields := re.fullmatch(r"(\d+) fields instead of (\d+)", reason):
        return _FIELDS.having(found=int(fields[1]), wanted=int(fields[2]))
    column, sign, tail = reason.rpartition(": ")
    if sign and tail in REASONS:
        return _IN_COLUMN.having(column=column, reason=REASONS[tail])
    return REASONS.get(reason) or Note("load.reason_own", "{reason:word}", reason=reason)


def _with_notes(table):
    return table.assign(reason=table["reason"].map(reason_note))


def no_usable_row(path, problems, raw):
    """Return the error of a file none of whose rows can be used, with what was noticed in it."""
    note = Note("load.error_no_row", "{path}: no row can be used", path=path)
    for hint in raw.noticed:
        note = _with_hint(note, hint)
    return DataError(further_down(note, raw.header_below), problems)


def further_down(problem, lines):
    """Return a problem with where the columns seem to begin; itself where that is not known."""
    if lines is None:
        return problem
    hint = Note(
        "load.further_down",
        "More columns stand further down: `read: {{skip_rows: {n}}}` begins where they do.",
        n=lines,
    )
    return _with_hint(problem, hint)


def _with_hint(problem, hint):
    return Note("load.with_hint", "{problem}. {hint}", problem=problem, hint=hint)


def circumstances(paths, period, mapping, notes, found):
    """Return what was found on the way: encoding and the like, the period, zone and checksum."""
    notes = dict(notes)
    first, last = period
    if first is not None:
        notes["period"] = f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} UTC"
    if mapping.get("zone"):
        notes["zone"] = mapping["zone"]
    known = {p: found[str(p)] for p in paths if str(p) in found}
    if len(paths) == 1:
        return {**notes, "sha256": known[paths[0]]} if known else notes
    return {**notes, **{f"{p.name}: sha256": digest for p, digest in known.items()}}
