"""What came of a load: how many rows were read, kept and refused, and why."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from workbench import project
from workbench.errors import DataError, InputError
from workbench.load.cards import sha256
from workbench.notes import Note

# The column in which a refused row keeps its reason.
REASON = "_reason"
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


@dataclass(frozen=True, eq=False)
class LoadReport:
    """What a load kept and refused.

    `.table` has one row per reason: reason, rows, example (the first line of the file with it; for
    sources without lines the row, from 1). `.rejected` holds the refused rows as they stood, with
    _reason, _line and, for lines that are no rows, _text. Reasons are the same text in every
    language; `str(report)` says them in the language in use. `.origin` is the path of the file,
    `.aside` where refused rows were written.
    """

    source: str
    rows_in: int
    rows_kept: int
    table: object
    rejected: object = field(repr=False)
    duplicates: int = 0
    duplicates_rule: str = "keep"
    notes: dict = field(default_factory=dict)
    origin: str = ""
    aside: list = field(default_factory=list)

    def said(self):
        """Return what the report says, line by line, as notes."""
        refused = self.rows_in - self.rows_kept
        lines = [
            _SOURCE.having(source=self.source),
            _ROWS.having(read=self.rows_in, kept=self.rows_kept, refused=refused),
        ]
        for row in self.table.itertuples():
            reason = reason_note(row.reason)
            lines.append(_REFUSED.having(rows=row.rows, reason=reason, line=row.example))
        if self.duplicates:
            lines.append(_DUPLICATES[self.duplicates_rule].having(n=self.duplicates))
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
            if note.id == _REFUSED.id:
                # Counts stand below each other, their last digits in line.
                lines.append(" " * (11 - len(number(note.values["rows"]))) + str(note))
            else:
                lines.append(f"  {note}" if note.id == _FOUND.id else str(note))
        return "\n".join(lines)

    def _repr_html_(self):
        import html

        return "<pre>" + html.escape(str(self)) + "</pre>"

    def problems(self):
        """Return `.table` with each reason as a note, for an error that lists them."""
        return self.table.assign(reason=self.table["reason"].map(reason_note))

    def write_rejected(self, path=None):
        """Write the refused rows with their reasons to a CSV file and return its path, or None if
        there are none.

        Without a path they lie in the folder of refused rows, which only its owner reads and git
        ignores; `str(report)` says where. Raises InputError for a path that exists already.
        """
        from workbench.load import aside

        parts = [self.rejected] if len(self.rejected) else []
        written = aside.write(parts, self.origin or self.source, path)
        self.aside[:] = [] if written is None else [written]
        return written


@dataclass(frozen=True, eq=False)
class Loaded:
    """Canonical tables by name, the report of how they came about, and the time zone the mapping
    names.
    """

    tables: dict
    report: LoadReport
    zone: str = "UTC"
    mapping: str = "mapping"

    def __getitem__(self, name):
        if name not in self.tables:
            raise InputError(
                "load.error_other_table",
                "{mapping}: gives {present:text}; here the table '{name}' is needed. Set `table: "
                "{name}` in the mapping and name its columns (docs/mapping.md).",
                mapping=self.mapping,
                present=list(self.tables),
                name=name,
            )
        return self.tables[name]


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


def refuse(refused, hit, reason):
    """Give rows a reason, unless they have one: the first reason found stands."""
    import numpy as np

    hit = np.asarray(hit.fillna(False) if hasattr(hit, "fillna") else hit, dtype=bool)
    refused.loc[hit & refused[REASON].isna().to_numpy(), REASON] = reason


def no_usable_row(path, problems=None):
    """Return the error of a file none of whose rows can be used."""
    return DataError(Note("load.error_no_row", "{path}: no row can be used", path=path), problems)


def rejected_rows(raw, unreadable, refused, lines):
    """Return the refused rows as they stood, with their reason and line."""
    import pandas as pd

    bad = refused[REASON].notna()
    rejected = raw[bad].assign(_reason=refused.loc[bad, REASON], _line=lines[bad.to_numpy()])
    if unreadable:
        broken = pd.DataFrame(unreadable, columns=["_line", "_text", "_reason"])
        rejected = pd.concat([rejected, broken], ignore_index=True)
    return rejected


def by_reason(rejected):
    """Return one row a reason: reason, rows, example; the most frequent first."""
    summary = (
        rejected.groupby(REASON, sort=True)
        .agg(rows=(REASON, "size"), example=("_line", "min"))
        .rename_axis("reason")
        .reset_index()
    )
    return summary.sort_values(["rows", "reason"], ascending=[False, True], ignore_index=True)


def circumstances(path, kept, mapping, notes):
    """Return what was found on the way: encoding and the like, the period, zone and checksum."""
    notes = dict(notes)
    when = next((c for c in MOMENTS if c in kept), None)
    if when and len(kept):
        first, last = kept[when].min(), kept[when].max()
        notes["period"] = f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} UTC"
    if mapping.get("zone"):
        notes["zone"] = mapping["zone"]
    return {**notes, "sha256": sha256(path)}
