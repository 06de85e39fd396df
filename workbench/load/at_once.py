"""A large text file judged while it is read: one pass writes the rows that are kept.

Nothing that grows with the file is held but a number a row. Rows that are kept are known by their
place in the file written, those refused by the places after them; `rows_at` gives what both were
in the file read. Where the lines of an order stand together, as they do in most exports, their
orders come about in the same pass.
"""

from workbench.load.raw import ROW

BATCH = 1 << 18
HASH, CODE, ORDER, WHO = "_row_hash", "_refusal", "_order_hash", "_who_hash"
# A column of more different values in a batch is written without a list of them.
WORDS = 10_000


class Pass:
    """The rows of one pass.

    Attributes
    ----------
    path : Path
        Parquet file of the rows kept, with the columns of the canonical table.
    hashes : (kept,) uint64 array
        A hash of each row kept, as it stands in the file.
    refused : (n,) int64 array
        Row numbers of what was refused, in order.
    refused_rows : pyarrow.Table
        What was worked out for those rows.
    orders : Orders or None
        The orders, where their lines stand together.
    doubted : bool
        Whether a row was written otherwise than the first ones.
    """

    def __init__(self, path, names, with_orders, doubt):
        self.path = self.draft = path
        self.names, self.doubt = names, doubt
        self.orders = Orders(path.with_name("orders.draft")) if with_orders else None
        self.kept = self.rows = 0
        self.doubted = False
        self._hashes, self._refused, self._tables, self._writer = [], [], [], None

    def run(self, batches):
        """Take every batch; stop at the first row that is doubted."""
        import numpy as np
        import pyarrow as pa

        try:
            for batch in batches:
                self._take(batch)
                if self.doubted:
                    break
        finally:
            if self._writer is not None:
                self._writer.close()
            if self.orders is not None:
                self.orders.close()
        self.hashes = np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)
        self.refused = np.concatenate(self._refused) if self._refused else np.empty(0, np.int64)
        self.refused_rows = pa.Table.from_batches(self._tables) if self._tables else None
        self._hashes = self._refused = self._tables = ()
        return self

    def _take(self, batch):
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        codes = batch.column(CODE)
        if codes.null_count < len(batch):
            bad = np.flatnonzero(codes.is_valid().to_numpy(zero_copy_only=False))
            self._refused.append(bad + self.rows)
            out = batch.take(pa.array(bad))
            self.doubted = bool(pc.any(pc.equal(out.column(CODE), self.doubt)).as_py())
            self._tables.append(out)
            self.rows += len(batch)
            batch = batch.filter(codes.is_null())
        else:
            self.rows += len(batch)
        self.kept += len(batch)
        if not len(batch):
            return
        # A copy, so that the batch need not stay in memory for one column of it.
        self._hashes.append(batch.column(HASH).to_numpy().copy())
        self._write(batch)
        if self.orders is not None:
            self.orders.take(batch)

    def _write(self, batch):
        import pyarrow as pa

        columns = [_in_utc(batch.column(own)) for own in self.names]
        table = pa.table(columns, names=list(self.names.values()))
        if self._writer is None:
            self._writer = _writer(self.path, table)
        self._writer.write_table(table)

    def rows_at(self, places):
        """Return the row numbers of places: those kept, and then those refused, in order."""
        import numpy as np

        # So many rows were refused before the first, second, … of those kept.
        shifts = self.refused - np.arange(len(self.refused))
        kept = places + np.searchsorted(shifts, places, side="right")
        if not len(self.refused):
            return kept
        after = np.clip(places - self.kept, 0, len(self.refused) - 1)
        return np.where(places < self.kept, kept, self.refused[after])

    def places_of(self, hashes):
        """Return the places of the rows kept whose hash is one of these, as an Arrow table."""
        import numpy as np
        import pyarrow as pa

        places = np.flatnonzero(np.isin(self.hashes, hashes))
        return pa.table({ROW: pa.array(places, pa.int64()), HASH: self.hashes[places]})

    def move(self, path):
        """Let the file written be another one."""
        self.draft.rename(path)
        self.path = path

    def forget(self):
        """Remove the drafts that nobody took."""
        self.draft.unlink(missing_ok=True)
        if self.orders is not None:
            self.orders.path.unlink(missing_ok=True)


class Orders:
    """Orders added up of lines that stand together; `together` is False where they do not, or
    where one order is that of several customers.
    """

    def __init__(self, path):
        self.path, self.together, self.given_back, self.lines = path, True, 0, 0
        self._last, self._writer, self._seen = None, None, []

    def take(self, batch):
        """Add the lines of a batch up; the last order may go on in the next one."""
        import numpy as np

        if not self.together:
            return
        order = batch.column(ORDER).to_numpy()
        starts = np.flatnonzero(np.concatenate([[True], order[1:] != order[:-1]]))
        at, amount = batch.column("ordered_at"), batch.column("amount").to_numpy()
        at = at.cast("int64").to_numpy()
        who = batch.column(WHO).to_numpy()
        runs = {
            "hash": order[starts],
            "who": who[starts],
            "at": np.minimum.reduceat(at, starts),
            "sum": np.add.reduceat(amount, starts),
            "most": np.maximum.reduceat(amount, starts),
            "lines": np.diff(np.append(starts, len(order))),
        }
        one = (np.minimum.reduceat(who, starts) == runs["who"]).all()
        self.together = bool(one and (np.maximum.reduceat(who, starts) == runs["who"]).all())
        names = {c: batch.column(c).take(_indices(starts)) for c in ("order_id", "customer_id")}
        self._join(runs, names)

    def _join(self, runs, names):
        """Put the order that was left over first, or add it to the first one here."""
        import numpy as np
        import pyarrow as pa

        if self._last is not None:
            left, ids = self._last
            if left["hash"][0] == runs["hash"][0]:
                self.together &= bool(left["who"][0] == runs["who"][0])
                runs["at"][0] = min(runs["at"][0], left["at"][0])
                runs["most"][0] = max(runs["most"][0], left["most"][0])
                for name in ("sum", "lines"):
                    runs[name][0] += left[name][0]
            else:
                runs = {k: np.concatenate([left[k], v]) for k, v in runs.items()}
                names = {k: pa.concat_arrays([ids[k], v]) for k, v in names.items()}
        self._last = (
            {k: v[-1:].copy() for k, v in runs.items()},
            {k: pa.array(v.slice(len(v) - 1).to_pylist(), v.type) for k, v in names.items()},
        )
        self._put({k: v[:-1] for k, v in runs.items()}, {k: v[:-1] for k, v in names.items()})

    def _put(self, runs, names):
        import numpy as np
        import pyarrow as pa

        self._seen.append(runs["hash"].copy())
        self.lines += int(runs["lines"].sum())
        back = (runs["most"] > 0) & (np.abs(runs["sum"]) < 1e-6)
        self.given_back += int(back.sum())
        table = pa.table(
            {
                **names,
                "ordered_at": pa.array(runs["at"], pa.timestamp("us", "UTC")),
                "amount": runs["sum"],
            }
        )
        table = table.filter(pa.array(~back)) if back.any() else table
        if not len(table):
            return
        if self._writer is None:
            self._writer = _writer(self.path, table)
        self._writer.write_table(table)

    def close(self):
        """Write the last order, and see whether any order came twice."""
        import numpy as np

        if self.together and self._last is not None:
            self._put(*self._last)
        if self._writer is not None:
            self._writer.close()
        seen = np.concatenate(self._seen) if self._seen else np.empty(0, np.uint64)
        self._last, self._seen = None, ()
        seen.sort()
        self.together &= not bool((seen[1:] == seen[:-1]).any()) and self._writer is not None


def views(judge, done):
    """Make what the rules over several rows read: rows kept, and rows refused after them."""
    from workbench.engine.duck import literal

    work, names = judge.work, done.names
    types = {name: kind for name, (_, kind) in judge.columns.items()}
    shown = [
        f'make_timestamp(epoch_us("{name}")) AS "{own}"'
        if types.get(name) == "time"
        else f'"{name}" AS "{own}"'
        for own, name in names.items()
    ]
    work.run(
        f"CREATE OR REPLACE TEMP VIEW kept_rows AS SELECT file_row_number AS {ROW}, "
        f"CAST(NULL AS SMALLINT) AS _refusal, {', '.join(shown)} "
        f"FROM read_parquet({literal(str(done.path))}, file_row_number=true)"
    )
    if done.refused_rows is None:
        work.run("CREATE OR REPLACE TEMP VIEW judged_rows AS FROM kept_rows")
        return
    work.table_from("refused_here", done.refused_rows)
    own = ", ".join(f'"{name}"' for name in names)
    work.run(
        f"CREATE OR REPLACE TEMP VIEW judged_rows AS FROM kept_rows UNION ALL "
        f"SELECT rowid + {done.kept} AS {ROW}, _refusal, {own} FROM refused_here"
    )


def _indices(starts):
    import pyarrow as pa

    return pa.array(starts, pa.int64())


def _in_utc(column):
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", "UTC"))
    return column


def _writer(path, table):
    """Open a Parquet file for tables like this one; columns of few words keep a list of them."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    few = [n for n in table.column_names if pc.count_distinct(table[n]).as_py() <= WORDS]
    return pq.ParquetWriter(path, table.schema, compression="snappy", use_dictionary=few)
