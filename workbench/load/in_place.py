"""A table that lies in a file: analyses read it there, a frame of it is asked for by name."""

import tempfile
from os import PathLike
from pathlib import Path

from workbench import engine
from workbench.engine.duck import literal
from workbench.errors import InputError
from workbench.notes import Note

TABLE_LINE = Note(
    "load.table_line", "{table}: {rows} rows ({columns:text})", table="", rows=0, columns=""
)
_NO_FRAME = Note(
    "load.error_in_place",
    "{table}: lies in a file, which analyses read without holding it in memory; "
    "`.frame()` brings it into pandas",
    table="",
)
_DRAFTS = []


class InPlace(PathLike):
    """A canonical table in a Parquet file, which every analysis takes as it is.

    `.frame()` is the table in pandas, `.rows` and `.columns` what it holds, `column in table` says
    whether it has a column. Shown, it is one line.
    """

    def __init__(self, name, path):
        self.name, self._path, self._frame = name, str(path), None

    def __fspath__(self):
        return self._path

    def __str__(self):
        return self._path

    def _file(self):
        import pyarrow.parquet as pq

        return pq.ParquetFile(self._path)

    @property
    def rows(self):
        """How many rows it has."""
        with self._file() as file:
            return file.metadata.num_rows

    @property
    def columns(self):
        """The names of its columns."""
        with self._file() as file:
            return file.schema_arrow.names

    def __len__(self):
        return self.rows

    def __iter__(self):
        return iter(self.columns)

    def __contains__(self, column):
        return column in self.columns

    def frame(self):
        """Return the table as a DataFrame, read when it is first asked for."""
        if self._frame is None:
            self._frame = frame(self._path)
        return self._frame

    def selected(self, sql):
        """Return what a query makes of this table, which it knows as `t`, as another such table."""
        with engine.open_workspace() as work:
            work.run(f"CREATE VIEW t AS SELECT * FROM read_parquet({literal(self._path)})")
            path = _draft() / f"{self.name}.parquet"
            work.write_parquet(sql, path, engine.SAID if engine.simulated(self) else None)
        return InPlace(self.name, path)

    def __getitem__(self, column):
        raise InputError(_NO_FRAME.having(table=self.name))

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(str(_NO_FRAME.having(table=self.name)))

    def line(self):
        """Return the line that says what it holds, as a note."""
        return TABLE_LINE.having(table=self.name, rows=self.rows, columns=self.columns)

    def __repr__(self):
        return str(self.line())


def _draft():
    """Return a new folder that goes when the session ends."""
    made = tempfile.TemporaryDirectory(prefix="workbench-tables-")
    _DRAFTS.append(made)
    return Path(made.name)


def frame(path):
    """Return a canonical table as a DataFrame."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    types = {pa.bool_(): pd.BooleanDtype()}
    found = table.to_pandas(types_mapper=types.get, ignore_metadata=True)
    for name, column in found.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            found[name] = column.astype("datetime64[us, UTC]")
        elif column.dtype == object:
            found[name] = column.astype("str")
    found.attrs = {"simulated": True} if engine.simulated(table) else {}
    return found
