"""Whole customers in time order: how rows become the batches a kernel walks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.errors import InputError

MAX_EVENTS = 1_000_000  # of one customer: beyond this it is no person but a robot or a shared key
BATCH_ROWS = 1_000_000


@dataclass(frozen=True)
class Batch:
    """Rows of whole customers, sorted.

    `columns` maps names to equally long arrays; `by` names those that make one history.
    """

    columns: dict
    by: tuple

    def __getitem__(self, name):
        return self.columns[name]

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def _changes(self, names):
        new = np.zeros(len(self), bool)
        if len(new):
            new[0] = True
            for name in names:
                values = self.columns[name]
                new[1:] |= values[1:] != values[:-1]
        return new

    @cached_property
    def starts(self):
        """First row of every history."""
        return np.flatnonzero(self._changes(self.by))

    @cached_property
    def sizes(self):
        """Number of rows of every history."""
        return np.diff(np.append(self.starts, len(self)))

    @cached_property
    def first(self):
        """For every row, the first row of its history."""
        return np.repeat(self.starts, self.sizes)

    @cached_property
    def last(self):
        """For every row, the last row of its history."""
        return np.repeat(self.starts + self.sizes - 1, self.sizes)

    @cached_property
    def customer(self):
        """For every row, a running number of its customer."""
        return np.cumsum(self._changes(self.by[:1])) - 1


def to_numpy(column):
    """Return an Arrow column as a NumPy array; text as an array of Python strings."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )


def empty(roles, by):
    """Return a batch without rows, its columns typed by their roles."""
    whole = {"key", "micros", "day", "code", "whole"}
    return Batch(
        {n: np.array([], np.int64 if r.kind in whole else float) for n, r in roles.items()}, by
    )


def with_views(sql, views, sources):
    """Put every view before a statement as a common table expression."""
    heads = ", ".join(
        f"{n} AS ({v.sql(sources[n]) if v.roles else f'SELECT * FROM {sources[n]}'})"
        for n, v in views.items()
    )
    body = sql.strip()
    goes_on = body[:4].upper() == "WITH" and body[4:5].isspace()
    return f"WITH {heads}, {body[5:]}" if goes_on else f"WITH {heads} {body}"


def check_sizes(batch):
    """Raise when one customer has more rows than any person can."""
    if len(batch) <= MAX_EVENTS:
        return
    counts = np.bincount(batch.customer)
    if counts.max() > MAX_EVENTS:
        row = int(np.searchsorted(batch.customer, counts.argmax()))
        raise too_long(batch[batch.by[0]][row], int(counts.max()))


def too_long(customer, rows):
    """Return the error for a customer whose history is too long to be a person's."""
    return InputError(
        "engine.error_too_many_events",
        "customer '{customer}': {rows} events or more, above the limit of "
        "{most} for one customer. This is usually a robot or one id shared "
        "by many people: remove it or split it before the analysis.",
        customer=customer,
        rows=rows,
        most=MAX_EVENTS,
    )


def cut(chunks, by):
    """Turn a sorted stream of column dictionaries into Batches of whole customers.

    A customer whose rows lie in several chunks is carried over until the stream shows the next one.
    """
    owner, held, rows = by[0], [], 0
    for chunk in chunks:
        values = chunk[owner]
        if not len(values):
            continue
        change = np.flatnonzero(values[1:] != values[:-1]) + 1
        if held and held[-1][owner][-1] != values[0]:
            yield _joined(held, by)
            held, rows = [], 0
        if len(change):
            edge = int(change[-1])
            held.append({k: v[:edge] for k, v in chunk.items()})
            yield _joined(held, by)
            held, rows = [{k: v[edge:] for k, v in chunk.items()}], len(values) - edge
        else:
            held.append(chunk)
            rows += len(values)
            if rows > MAX_EVENTS:
                raise too_long(values[0], rows)
    if held:
        yield _joined(held, by)


def _joined(held, by):
    names = held[0].keys()
    batch = Batch(
        {n: np.concatenate([h[n] for h in held]) if len(held) > 1 else held[0][n] for n in names},
        by,
    )
    check_sizes(batch)
    return batch


def in_order(chunks, owner, time, where):
    """Pass chunks of a file marked as ordered on; raise where the mark turns out to be wrong."""
    last = None
    for chunk in chunks:
        who, when = chunk[owner], chunk[time]
        if not len(who):
            continue
        again = who[1:] == who[:-1]
        good = bool(np.all(who[1:] >= who[:-1]) and np.all(~again | (when[1:] >= when[:-1])))
        if last is not None:
            good &= who[0] > last[0] or (who[0] == last[0] and when[0] >= last[1])
        if not good:
            raise InputError(
                "engine.error_not_ordered",
                "{where}: marked as ordered by customer and time, but it is not; write it "
                "anew with `engine.write_ordered`",
                where=where,
            )
        last = who[-1], when[-1]
        yield chunk


def settle(batch, then, descending):
    """Sort the rows of one instant of a customer by the further columns of the order."""
    if len(then) < 2 or len(batch) < 2:
        return batch
    time = batch[then[0]]
    tied = (time[1:] == time[:-1]) & (batch.customer[1:] == batch.customer[:-1])
    if not tied.any():
        return batch
    inside = np.concatenate([[False], tied]) | np.concatenate([tied, [False]])
    rows = np.flatnonzero(inside)
    keys = [-batch[c][rows] if c in descending else batch[c][rows] for c in then[:0:-1]]
    order = np.arange(len(batch))
    order[rows] = rows[np.lexsort([*keys, time[rows], batch.customer[rows]])]
    return Batch({n: v[order] for n, v in batch.columns.items()}, batch.by)
