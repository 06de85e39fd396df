"""What stands in a file, before anything is judged: a table of the engine, its columns as typed."""

import re
from dataclasses import dataclass, field

# Columns of the engine's table have names of their own (c0, c1, …): names in a file may differ in
# case alone, or be those of ours.
ROW = "row_number"
# The number in the file of a row that is known by another one.
FILE_ROW = "file_row"
# What a column is called whose header is empty.
UNNAMED = re.compile(r"unnamed_\d+")
# What is nothing in a column of numbers or moments, besides the empty cell.
NOTHING = ("na", "n/a", "null", "nan", "none", "#n/a")
# Everything Unicode calls a blank, marks of byte order and of direction, and what has no width.
BLANKS = (
    "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010))))
    + "\u00ad\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


class Doubt(Exception):
    """What the first rows of a file show does not hold for all of them, or may not."""


@dataclass
class Raw:
    """The rows of a file in a workspace.

    `columns` gives the engine's column behind each name in the file, `types` its type. A column
    whose cells have types of their own (JSON, a sheet, SQLite) that differ is VARCHAR, and
    `kinds` names the column that says of every cell what it is: n for a number, s for text, b for
    yes or no, t for a moment, x for bytes, j for something nested. `rows` is how many rows an
    independent reader counts, `line` the SQL of the place in the file of a row `r`, which may need
    the join `lines_from`, and `file` that of its file where there are several (`files` lists
    them). Lines that are no rows stand in the table `unreadable` (line, text, reason, file).
    `decimals` gives the decimal sign of a column whose file says one of its own. `padded` is False
    where no cell of a text has blanks around it. `unmatched` lists columns that are true where a
    joined file has no row, with the reason to refuse it; `texts` is the table of open answers,
    where there is one; `questions` the text of each question that the file knows. `whole` is the
    SQL of a file whose rows are judged while they are read, `draft` where those kept are written,
    and `place` what gives the rows of the file that stand at places of what was judged.
    """

    workspace: object
    relation: str
    columns: dict
    types: dict
    kinds: dict = field(default_factory=dict)
    rows: int = 0
    unreadable: int = 0
    line: str = f"r.{ROW} + 1"
    lines_from: str = ""
    file: str | None = None
    files: list = field(default_factory=list)
    decimals: dict = field(default_factory=dict)
    padded: bool = True
    notes: dict = field(default_factory=dict)
    noticed: list = field(default_factory=list)
    simulated: bool = False
    trims: dict = field(default_factory=dict)
    questions: dict = field(default_factory=dict)
    unmatched: list = field(default_factory=list)
    texts: object = None
    header_below: int | None = None
    whole: str = ""
    underscored: bool = True
    settled: object = None
    pick: object = None
    draft: object = None
    place: object = None

    def bring(self, numbers):
        """Make `relation` hold at least the rows whose numbers a query gives."""
        if not self.whole:
            return
        work = self.workspace
        if self.place:
            numbers = self._numbered(numbers)
        picked = self.pick(work, numbers) if self.pick else None
        if picked is None:
            work.run(
                f"""CREATE OR REPLACE TEMP TABLE file_rows AS SELECT * FROM (
                  SELECT row_number() OVER () - 1 AS {ROW}, * FROM {self.whole})
                WHERE {ROW} IN ({numbers})"""
            )
        else:
            work.table_from("file_rows", picked)
        rows = "file_rows"
        if self.place:
            # Rows are known by their places from here on; the line is that of the file.
            rows = (
                f"(SELECT p.place AS {ROW}, p.{ROW} AS {FILE_ROW}, f.* EXCLUDE ({ROW}) "
                f"FROM file_rows f JOIN places p ON p.{ROW} = f.{ROW})"
            )
        work.run(f"CREATE OR REPLACE TEMP VIEW {self.relation} AS FROM {rows}")

    def _numbered(self, places):
        """Return a query of the rows in the file that stand at places, which a query gives."""
        import numpy as np
        import pyarrow as pa

        found = self.workspace.rows(f"SELECT DISTINCT {ROW} FROM ({places}) ORDER BY 1")
        found = np.array([place for (place,) in found], np.int64)
        numbers = pa.table({"place": found, ROW: self.place(found)})
        self.workspace.table_from("places", numbers)
        self.line = self.line.replace(f"r.{ROW} ", f"r.{FILE_ROW} ")
        self.lines_from = self.lines_from.replace(f"r.{ROW} ", f"r.{FILE_ROW} ")
        return f"SELECT {ROW} FROM places"

    @property
    def places(self):
        """The columns of its relation that say where a row stood."""
        told = {"r.line": self.line, "r.file": self.file}
        return [own.removeprefix("r.") for own, sql in told.items() if sql == own]


def keep_unreadable(workspace, lines):
    """Put lines that are no rows aside: (line, text, reason) each, and its file where there are
    several.
    """
    import pyarrow as pa

    workspace.run(
        "CREATE TEMP TABLE IF NOT EXISTS unreadable "
        "(line BIGINT, text VARCHAR, reason VARCHAR, file VARCHAR)"
    )
    if not lines:
        return 0
    numbers, texts, reasons, *files = zip(*lines, strict=True)
    names = files[0] if files else [None] * len(lines)
    table = pa.table(
        {
            "line": pa.array(numbers, pa.int64()),
            "text": pa.array(texts, pa.string()),
            "reason": pa.array(reasons, pa.string()),
            "file": pa.array(names, pa.string()),
        }
    )
    workspace.con.register("incoming_lines", table)
    workspace.run("INSERT INTO unreadable SELECT * FROM incoming_lines")
    workspace.con.unregister("incoming_lines")
    return len(lines)


def columns_of(names):
    """Return the engine's column for each name in a file, in order."""
    return {name: f"c{i}" for i, name in enumerate(names)}
