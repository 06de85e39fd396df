"""One file of several, kept in Parquet with the engine's columns until all of them are read."""

from dataclasses import dataclass
from pathlib import Path

from workbench import engine
from workbench.load import files
from workbench.load.raw import ROW, Raw, keep_unreadable

HUGE = ("HUGEINT", "UHUGEINT")


@dataclass
class Part:
    """One file: its rows in Parquet, the lines that are no rows (line, text, reason, file), what
    the names of folders above it say (day=3), and the decimal sign that was told for it.
    """

    name: str
    path: Path
    raw: Raw
    unreadable: list
    folders: dict
    decimal: str | None = None

    def sql(self, name, alias=""):
        """Return the SQL of a column, with the type it had before it was kept."""
        own, kind = f"{alias}{self.raw.columns[name]}", self.raw.types[name]
        return f"CAST({own} AS {kind})" if kind in HUGE else own


def part(workspace, name, path, options):
    """Read one file in a workspace of its own and keep its rows as they are."""
    target = workspace.folder / f"part-{len(list(workspace.folder.glob('part-*')))}.parquet"
    with engine.open_workspace() as own:
        raw = files.read(own, path, options)
        columns = [*raw.columns.values(), *raw.kinds.values()]
        huge = {own for name, own in raw.columns.items() if raw.types[name] in HUGE}
        shown = [f"CAST({c} AS VARCHAR) AS {c}" if c in huge else c for c in columns]
        shown += [f"{raw.file} AS file"] if raw.file else []
        own.write_parquet(
            f"SELECT {', '.join([f'{raw.line} AS line', *shown])} FROM {raw.relation} r "
            f"{raw.lines_from} ORDER BY r.{ROW}",
            target,
        )
        bad = []
        if raw.unreadable:
            bad = own.rows("SELECT line, text, reason, file FROM unreadable")
    bad = [(*found, file or name) for *found, file in bad]
    return Part(name, target, raw, bad, {}, options.get("decimal"))


def add_unreadable(workspace, raw, parts):
    """Put the lines that are no rows of all files aside, and count them."""
    raw.unreadable = keep_unreadable(
        workspace, [line for part in parts for line in part.unreadable]
    )
    raw.rows += raw.unreadable
    return raw
