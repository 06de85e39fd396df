"""The tickets of a service desk, read once: whose, of which group, what happened when."""

from dataclasses import dataclass, replace

import numpy as np

from workbench import names, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say

HOUR = 3_600_000_000
# Columns of the tables of this room beside those of every Result.
OURS = names.OURS | {"total", "hours", "chance", "dpmo", "sigma", "measure"}
TIMES = ("first_reply_at", "closed_at")


@dataclass(frozen=True, eq=False)
class Tickets:
    """Tickets as arrays of one value a ticket, in the order of their opening.

    `who` (the customer), `opened`, `first_reply_at` and `closed_at` (microseconds since 1970; the
    last two missing where they have not come), `group` (None without groups), `end` (microseconds
    up to which is known what happened) and `rows` (their other columns).
    """

    who: np.ndarray
    opened: np.ndarray
    first_reply_at: np.ndarray
    closed_at: np.ndarray
    group: np.ndarray | None
    end: int
    rows: object

    def __len__(self):
        return len(self.who)

    def where(self, mask):
        """Return the tickets that a mask keeps."""
        kept = {name: getattr(self, name)[mask] for name in ("who", "opened", *TIMES)}
        group = None if self.group is None else self.group[mask]
        return replace(self, **kept, group=group, rows=self.rows[mask])

    def groups(self):
        """Yield each group's name and its tickets; None and all where there are no groups."""
        if self.group is None:
            yield None, self
            return
        for name in sorted(set(self.group)):
            yield name, self.where(self.group == name)

    def old(self, window, micros):
        """Return the tickets that could be followed for a window; say how many could not.

        Raises NotEnoughData where none could.
        """
        old = self.opened + micros <= self.end
        if not old.any():
            raise NotEnoughData(
                "service.error_all_young",
                "tickets: none is old enough to be followed for {window:span}",
                window=window,
            )
        if (young := int((~old).sum())) > 0:
            say(
                Note(
                    "service.young",
                    "{n} ticket is too recent to be followed for {window:span} and is left out.",
                    "{n} tickets are too recent to be followed for {window:span} and are left out.",
                    n=young,
                    window=window,
                )
            )
        return self.where(old)

    def flag(self, name):
        """Return a column of yes and no as 1, 0 and missing; all missing where there is none."""
        import pandas as pd

        if name not in self.rows:
            return np.full(len(self), np.nan)
        values = self.rows[name]
        if not (pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values)):
            values = values.map(lambda v: {True: 1.0, False: 0.0}.get(v, v))
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
        wrong = (values.notna() & np.isnan(numbers)) | ~np.isin(numbers, (0, 1)) & ~np.isnan(
            numbers
        )
        if wrong.any():
            raise InputError(
                "service.error_flag",
                "tickets: '{column}' must say yes (1, true) or no (0, false); found {value:repr}",
                column=name,
                value=values[wrong.to_numpy()].iloc[0],
            )
        return numbers


def label(by):
    """Return the column in which a table keeps the user's groups; None where there are none."""
    return names.label(by, OURS)


def read(tickets, *, by=None, until=None):
    """Return the tickets that can be used; those that cannot are counted and said.

    Parameters
    ----------
    tickets : DataFrame with ticket_id, customer_id, opened_at
    by : str, optional
        Column of the group; who has none is a group of its own.
    until : moment, optional
        End of the data; the last moment in the table where it is not given.

    Raises
    ------
    InputError
        For a missing column, a ticket in several rows, or one that ended before it began.
    NotEnoughData
        Without a ticket.
    """
    schemas.require(tickets, "tickets", *((by,) if by else ()))
    rows = tickets.dropna(subset=["ticket_id", "customer_id", "opened_at"])
    lost = len(tickets) - len(rows)
    rows = rows[~_copies(rows)]
    _once(rows)
    micros = {n: _micros(rows, n) for n in ("opened_at", *TIMES)}
    end = _end(micros, until)
    inside = micros["opened_at"] <= end
    if not inside.any():
        raise NotEnoughData("service.error_no_ticket", "tickets: there is no ticket to look at")
    order = np.lexsort((rows["ticket_id"].astype(str).to_numpy(), micros["opened_at"]))
    order = order[inside[order]]
    for name in TIMES:
        _in_order(micros["opened_at"], micros[name], name)
        micros[name] = np.where(micros[name] <= end, micros[name], np.nan)
    _say_lost(lost + int((~inside).sum()))
    group = names.filled(rows[by]).map(names.written).to_numpy(str) if by else None
    return Tickets(
        rows["customer_id"].astype(str).to_numpy()[order],
        micros["opened_at"][order].astype(np.int64),
        *(micros[name][order] for name in TIMES),
        group[order] if by else None,
        end,
        rows.iloc[order],
    )


def _copies(rows):
    try:
        return rows.duplicated().to_numpy()
    except TypeError:
        return np.zeros(len(rows), bool)


def _once(rows):
    ids = rows["ticket_id"].astype(str)
    if ids.duplicated().any():
        raise InputError(
            "service.error_twice",
            "tickets: one row a ticket is needed; {n} ids stand in several rows, such as "
            "{example:repr}",
            n=int(ids[ids.duplicated()].nunique()),
            example=ids[ids.duplicated()].iloc[0],
        )


def _micros(rows, column):
    """Return a column of moments as microseconds since 1970, in floating point; missing is none."""
    if column not in rows:
        return np.full(len(rows), np.nan)
    values = schemas.moments(rows, "tickets", column)
    whole = values.dt.as_unit("us").astype("int64").to_numpy(float)
    return np.where(values.isna(), np.nan, whole)


def _end(micros, until):
    if until is not None:
        return schemas.moment("until", until)
    known = [v[~np.isnan(v)].max() for v in micros.values() if not np.isnan(v).all()]
    return int(max(known, default=0))


def _in_order(opened, then, column):
    early = then < opened
    if early.any():
        raise InputError(
            "service.error_before_opening",
            "tickets: {n} have a moment in '{column}' before they were opened; check both columns "
            "and their time zones",
            n=int(early.sum()),
            column=column,
        )


def _say_lost(lost):
    if lost:
        say(
            Note(
                "service.lost",
                "{n} row has no ticket, customer or opening within the time looked at and is left "
                "out.",
                "{n} rows have no ticket, customer or opening within the time looked at and are "
                "left out.",
                n=lost,
            )
        )
