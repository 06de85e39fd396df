"""The rows of a table that no analysis can use: how many, and why."""

from dataclasses import dataclass, field

from workbench.errors import unknown
from workbench.notes import Note


@dataclass(frozen=True)
class LeftOut:
    """Rows left out of a table handed in, counted by reason.

    Attributes
    ----------
    rows : int
        Rows the table holds, up to the moment the analysis looks at.
    missing : dict
        Column = rows left out because they hold no value there; a row that lacks several counts
        under the first.
    copies : int
        Rows left out because they repeat another in every column.
    """

    rows: int
    missing: dict = field(default_factory=dict)
    copies: int = 0

    @property
    def total(self):
        """Rows left out in all."""
        return sum(self.missing.values()) + self.copies

    @property
    def limits(self):
        """What a Result says of it: a note a reason, none where nothing was left out."""
        said = [
            Note(
                "engine.left_out_missing",
                "{n} row of {rows} is left out: it has no value in '{column}'.",
                "{n} rows of {rows} are left out: they have no value in '{column}'.",
                n=n,
                rows=self.rows,
                column=column,
            )
            for column, n in self.missing.items()
            if n
        ]
        if self.copies:
            said.append(
                Note(
                    "engine.left_out_copies",
                    "{n} row of {rows} is left out: it repeats another in every column.",
                    "{n} rows of {rows} are left out: they repeat another in every column.",
                    n=self.copies,
                    rows=self.rows,
                )
            )
        return tuple(said)


def count(view, also=()):
    """Count what a view leaves out, and rows without a value in the columns of `also`."""
    d = view.dialect
    for name in also:
        if name not in view.types:
            raise unknown("table", "column", name, view.types)
    needed = [
        role.source
        for role in view.roles.values()
        if role.kind in ("key", "micros", "day") or (role.kind == "code" and not role.others)
    ]
    needed = list(dict.fromkeys([*needed, *also]))
    known = view.known()
    if known is None and (rows := _complete(view, needed)) is not None:
        return LeftOut(rows + view.copies, {}, view.copies)
    here = {name: d.there(d.quote(name), view.types[name]) for name in needed}
    sums, before = ["count(*) AS n"], []
    for i, rule in enumerate(here.values()):
        lacks = " AND ".join([*before, f"NOT {rule}"])
        sums.append(f"sum(CASE WHEN {lacks} THEN 1 ELSE 0 END) AS m{i}")
        before.append(rule)
    # A row without a moment cannot be after the last one looked at.
    where = f" WHERE coalesce({known}, TRUE)" if known else ""
    text = f"SELECT {', '.join(sums)} FROM {view.source('src')}{where}"
    found = d.run(text, {"src": _bare(view)}, {}).iloc[0].fillna(0).astype(int)
    missing = {name: int(found[f"m{i}"]) for i, name in enumerate(here) if found[f"m{i}"]}
    return LeftOut(int(found["n"]) + view.copies, missing, view.copies)


def _complete(view, needed):
    """Return the number of rows where no column needed has a gap, else None.

    Files say in their margins how many values they lack, so that nothing needs to be read.
    """
    d = view.dialect
    counts = ["count(*) AS n"]
    for i, name in enumerate(needed):
        column, kind = d.quote(name), view.types[name]
        counts.append(f"count({column}) AS c{i}")
        if d.there(column, kind) != f"{column} IS NOT NULL":
            counts.append(f"count(CASE WHEN {d.there(column, kind)} THEN 1 END) AS t{i}")
    text = f"SELECT {', '.join(counts)} FROM {view.source('src')}"
    found = d.run(text, {"src": _bare(view)}, {}).iloc[0]
    return int(found["n"]) if (found == found["n"]).all() else None


def _bare(view):
    return type(view)(view.table, {}, "UTC", view.dialect, {})
