"""A room of its own in DuckDB for the loading of one file: bounded memory, spilling to a folder
that goes when the load is done.
"""

import os
import tempfile
from pathlib import Path

from workbench.engine.duck import literal, quote
from workbench.errors import InputError, first_line

# Half of what an analysis may take: the rest of a load (Arrow batches, the file's own pages) is
# not counted by the engine.
MEMORY = os.environ.get("WORKBENCH_LOAD_MEMORY", "1GB")

# A column of more different values in a part of a file is written without a list of them: to make
# one that is given up costs a third of the writing.
WORDS = 10_000


class Unreadable(InputError):
    """The engine cannot read or work out something; the message is its own."""


def _unreadable(error):
    return Unreadable(
        "engine.error_unreadable",
        "table: cannot be read ({error})",
        error=first_line(error),
    )


class Workspace:
    """A DuckDB connection with a folder for drafts; use it in a `with` block."""

    def __init__(self):
        import duckdb

        self._folder = tempfile.TemporaryDirectory(prefix="workbench-load-")
        self.folder = Path(self._folder.name)
        self.con = duckdb.connect()
        self.con.execute(f"SET memory_limit={literal(MEMORY)}")
        self.con.execute(f"SET temp_directory={literal(str(self.folder / 'spill'))}")
        self.con.execute("SET TimeZone='UTC'")
        self.con.execute("SET autoinstall_known_extensions=false")
        self.con.execute("SET preserve_insertion_order=true")
        self.con.execute("SET enable_progress_bar=true")
        self.con.execute("SET enable_progress_bar_print=false")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connection and remove the folder."""
        self.con.close()
        self._folder.cleanup()

    def progress(self):
        """Return how much of the statement that runs now is done, from 0 to 1."""
        return min(max(self.con.query_progress(), 0), 100) / 100

    def run(self, sql):
        """Run a statement for what it does."""
        self._execute(sql)

    def try_run(self, sql):
        """Run a statement; False where the engine cannot."""
        try:
            self._execute(sql)
        except Unreadable:
            return False
        return True

    def forget_rejects(self):
        """Remove what the reader of text set aside; return how many lines they were."""
        if not self.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"):
            return 0
        lines = self.one("SELECT count(DISTINCT line) FROM reject_errors")
        self.run("DROP TABLE reject_errors; DROP TABLE reject_scans")
        return lines

    def array(self, sql, rows):
        """Return a column of unsigned 64-bit integers; None where it has more rows than that."""
        import numpy as np

        found, filled = np.empty(rows, np.uint64), 0
        for batch in self.con.sql(sql).to_arrow_reader(1 << 20):
            if filled + len(batch) > rows:
                return None
            found[filled : filled + len(batch)] = batch.column(0).to_numpy()
            filled += len(batch)
        return found[:filled]

    def stream(self, sql, rows):
        """Yield the rows of a query as Arrow batches of so many, in their order."""
        import duckdb

        try:
            yield from self.con.sql(sql).to_arrow_reader(rows)
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException):
            raise
        except (duckdb.Error, OSError) as error:
            # What goes wrong under way comes through Arrow.
            raise _unreadable(error) from error

    def rows(self, sql):
        """Return the rows of a query as tuples."""
        return self._execute(sql, "fetchall")

    def row(self, sql):
        """Return the first row of a query."""
        return self.rows(sql)[0]

    def one(self, sql):
        """Return the one value of a query."""
        return self.row(sql)[0]

    def frame(self, sql):
        """Return the rows of a query as a DataFrame."""
        return self._execute(sql, "df")

    def types(self, relation):
        """Return the columns of a relation with their types, in order."""
        import duckdb

        try:
            rows = self.rows(f"DESCRIBE SELECT * FROM {relation}")
        except duckdb.BinderException as error:
            # Files that do not go together are found out when their columns are asked for.
            raise _unreadable(error) from error
        return [(name, kind) for name, kind, *_ in rows]

    def distrust(self):
        """Look at values themselves: what a file says of them (the largest, say) may be wrong."""
        self._execute("SET disabled_optimizers='statistics_propagation'")

    def register(self, name, table):
        """Make an Arrow table known by a name."""
        self.con.register(name, table)

    def table_from(self, name, table):
        """Make a table of an Arrow table."""
        import duckdb

        try:
            self.con.register("incoming", table)
        except duckdb.Error as error:
            raise _unreadable(error) from error
        self._execute(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS SELECT * FROM incoming")
        self.con.unregister("incoming")

    def table_from_batches(self, name, schema, batches):
        """Make a table of a stream of Arrow batches; what goes wrong in making them is raised as
        it was.
        """
        import pyarrow as pa

        failed = []

        def watched():
            try:
                yield from batches
            except Exception as error:  # noqa: BLE001 - raised again, outside the engine
                failed.append(error)

        try:
            self.table_from(name, pa.RecordBatchReader.from_batches(schema, watched()))
        finally:
            if failed:
                raise failed[0]

    def _execute(self, sql, fetch="fetchall"):
        import duckdb

        try:
            return getattr(self.con.execute(sql), fetch)()
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException):
            # No file makes these: the statement is wrong, and it is ours.
            raise
        except duckdb.Error as error:
            raise _unreadable(error) from error

    def write_parquet(self, sql, path, metadata=None):
        """Write the rows of a query to a Parquet file, in their order."""
        told = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
        marks = ", ".join(f"{quote(k)}: {literal(v)}" for k, v in told.items())
        marks = f", KV_METADATA {{{marks}}}" if marks else ""
        target = literal(str(path))
        self._execute(
            f"COPY ({sql}) TO {target} (FORMAT parquet, COMPRESSION snappy, "
            f"DICTIONARY_SIZE_LIMIT {WORDS}{marks})"
        )
