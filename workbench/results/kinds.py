"""Columns of the user's tables whose names say what they hold: moments, and numbers."""

from os import PathLike
from pathlib import Path

from workbench import engine
from workbench.errors import InputError
from workbench.results import columns

# Numbers of the canonical tables, and of those that our own functions make.
NUMBERS = frozenset(
    {
        *("amount", "quantity", "frequency", "recency", "age", "paid", "alive", "expected"),
        *("worth", "orders", "period", "start", "days", "events", "episode", "sessions"),
        *("active_minutes", "brands", "products", "categories", "channels", "sources", "pages"),
        *("devices", "considered", "spells", "backtracks", "rework", "complexity", "turbulence"),
        *("orders_before", "items", "weight"),
    }
)
FLAGS = frozenset({"mature", "certain", "left_censored", "calibrated"})
MOMENTS = frozenset(
    {
        *("ordered_at", "occurred_at", "answered_at", "acted_at", "contacted_at", "opened_at"),
        *("closed_at", "solved_at", "exposed_at", "sent_at", "clicked_at", "joined_at", "last_at"),
        *("returned_at",),
    }
)
# The user's own tables may have columns of any other name; those we make hold what we put there.
_USERS = {"orders": frozenset({"amount"}), "lines": frozenset({"amount", "quantity"})}
_USERS |= dict.fromkeys(("events", "answers", "contacts", "complaints", "acts"), frozenset())
_USERS |= dict.fromkeys(("exposures", "emails", "members", "truth", "surveys"), frozenset())
_USERS |= {"labels": frozenset()}
_MADE = ("customers", "people", "joined", "profile", "episodes", "carts", "scored", "linked")
_TABLES = _USERS | dict.fromkeys((*_MADE, "occasions", "posterior"), NUMBERS)


def check(arguments):
    """Raise an InputError where a column of moments or numbers holds something else."""
    import pandas as pd

    for where, table in arguments.items():
        if where not in _TABLES or not isinstance(table, pd.DataFrame):
            continue
        for name in table.columns[~table.columns.duplicated()]:
            column = table[name]
            if isinstance(column, pd.DataFrame):
                raise InputError(
                    "result.error_column_twice",
                    "{where}: the column '{column}' stands {n} times; keep one of them, or give "
                    "the others names of their own",
                    where=where,
                    column=name,
                    n=column.shape[1],
                )
            if name in MOMENTS and not _holds_moments(column):
                raise _wrong(where, name, column, moments=True)
            if name in _TABLES[where] and not columns.holds_numbers(column):
                raise _wrong(where, name, column, moments=False)
            if (
                where in _MADE
                and name in FLAGS
                and not pd.api.types.is_bool_dtype(column)
                and len(column)
            ):
                raise InputError(
                    "result.error_flags",
                    "{where}: '{column}' must be true or false in every row, found {found:repr}",
                    where=where,
                    column=name,
                    found=columns.shown(column),
                )


def _holds_moments(column):
    import pandas as pd

    return pd.api.types.is_datetime64_any_dtype(column) or (
        column.isna().all()
        or pd.api.types.infer_dtype(column, skipna=True) in ("date", "datetime", "datetime64")
    )


def _wrong(where, name, column, *, moments):
    values = {"where": where, "column": name, "found": columns.shown(column)}
    if moments:
        return InputError(
            "result.error_moments",
            "{where}: '{column}' must hold moments, found {found:repr}; read it with "
            "pandas.to_datetime(…, utc=True)",
            **values,
        )
    return InputError(
        "result.error_numbers",
        "{where}: '{column}' must hold numbers, found {found:repr}; read it with "
        "pandas.to_numeric(…)",
        **values,
    )


def is_table(value):
    """Say whether a value is a table of a kind the engine takes, or the path of one."""
    if isinstance(value, (str, PathLike)):
        return Path(value).suffix.lower() in (".parquet", ".pq") and Path(value).exists()
    return hasattr(value, "columns") and getattr(value, "ndim", 2) == 2


def columns_of(table):
    """Return the names of a table's columns, whatever its kind."""
    return table.columns if hasattr(table, "iloc") else engine.columns(table)
