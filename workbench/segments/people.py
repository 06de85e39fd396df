"""One row a customer: numbers and groups of a table, checked."""

import numpy as np

from workbench import names, schemas
from workbench.errors import InputError, NotEnoughData, need_columns, one_of
from workbench.notes import Note
from workbench.results import columns as held

BASES = ("knowledge", "attitude", "use", "response")
LEFT_OUT = Note(
    "segments.left_out",
    "{n} customer with a missing value is left out.",
    "{n} customers with a missing value are left out.",
)
DESCRIBES = Note(
    "segments.describes",
    "Groups are described, not explained: that they differ does not say what made them so.",
)


def once(table, where="customers"):
    """Refuse a table in which a customer stands in more than one row."""
    need_columns(where, table.columns, "customer_id")
    twice = int(table["customer_id"].dropna().duplicated().sum())
    if twice:
        raise InputError(
            "segments.error_twice",
            "{where}: one row a customer is needed; {twice} rows repeat one",
            where=where,
            twice=twice,
        )


def whole(table, columns, where="customers"):
    """Return the rows with an id and a value in every column, and the sentence on those left out.

    Raises InputError for a missing column, or one that holds no numbers.
    """
    once(table, where)
    need_columns(where, table.columns, *columns)
    for name in columns:
        held._check_numbers(where, name, table[name])
    kept = table.dropna(subset=["customer_id", *columns])
    gone = len(table) - len(kept)
    return kept, [LEFT_OUT.having(n=gone)] if gone else []


def numbers(rows, columns):
    """Return columns as an array of floats."""
    return np.column_stack([rows[name].to_numpy(dtype=float, na_value=np.nan) for name in columns])


def words(column):
    """Return a column of groups as text; missing is a group of its own."""
    return names.filled(column).map(names.written).to_numpy(str)


def enough(function, found, least):
    """Refuse fewer customers than an analysis needs."""
    if found < least:
        raise NotEnoughData(
            "segments.error_few",
            "{function}: {found} customers have all values; {least} are needed",
            function=function,
            found=found,
            least=least,
        )


def of_basis(basis):
    """Return the sentence on what customers are grouped by: knowledge, attitude, use, response."""
    one_of("basis", basis, BASES)
    return Note("segments.basis", "Basis of the groups: {basis:word}.", basis=basis)


def day_of(as_of, zone="UTC"):
    """Return a moment as the day of a segment, or None."""
    if as_of is None:
        return None
    import pandas as pd

    moment = pd.Timestamp(schemas.moment("as_of", as_of, zone), unit="us", tz="UTC")
    return str(moment.tz_convert(zone).date())


def flags(rows, columns, where="customers"):
    """Refuse a column that holds anything but 0 and 1."""
    for name in columns:
        if not held.holds_flags(rows[name]):
            raise InputError(
                "segments.error_flag",
                "{where}: '{column}' must hold {no} and {yes} only",
                where=where,
                column=name,
                no=0,
                yes=1,
            )
