"""Tables that one function makes and the next one takes: what they must hold to be taken."""

from inspect import signature

from workbench.errors import InputError, need_columns
from workbench.names import listed
from workbench.results import columns

_BUYING = ("frequency", "recency", "age")
_EPISODE = ("customer_id", "outcome", "days", "first_stage", "last_stage")
_PROFILE = (*_EPISODE, "episode", "opened_at", "closed_at", "events", "sessions")
_CART = ("customer_id", "opened_at", "last_at", "outcome", "mature", "items")
# Room and parameter → the function that makes the table, the columns it has filled in every row,
# and others that it has.
MADE = {
    ("stages", "episodes"): ("stages.episodes", ("customer_id", "outcome"), ()),
    ("stages", "profile"): ("stages.profile", _PROFILE, ()),
    ("stages", "linked"): ("stages.link_true_stages", ("customer_id", "outcome"), ()),
    ("stages", "carts"): ("stages.carts", _CART, ("value", "ordered_at", "returned_at")),
    ("stages", "assigned"): (
        "stages.assign",
        ("customer_id", "occurred_at", "event"),
        ("stage",),
    ),
    ("stages", "staged"): ("stages.staged", (), ("stage",)),
    ("stages", "posterior"): ("stages.posterior", ("customer_id", "stage", "certain"), ()),
    ("journeys", "profile"): (
        "stages.profile",
        ("customer_id", "outcome"),
        ("channels", "first_channel", "last_channel"),
    ),
    ("loyalty", "joined"): (
        "loyalty.programme_panel",
        ("customer_id", "period", "orders", "amount"),
        ("start",),
    ),
    ("loyalty", "scored"): ("loyalty.rfm", ("customer_id", "segment", "amount"), ()),
    ("clv", "customers"): ("clv.customers", _BUYING, ("paid", "value")),
    ("clv", "people"): ("clv.value", ("frequency", "alive", "expected", "worth"), ()),
    ("conjoint", "design"): ("conjoint.choice_design", ("block", "task", "alternative"), ()),
}
# They read where an occasion began and ended, and not which stages it passed.
ENDS_ONLY = {"unobserved_paths"}


def check(function, arguments):
    """Raise an InputError where a table that another function makes lacks a column or a value.

    Parameters
    ----------
    function : callable
        Whose arguments they are; its room says which table is meant.
    arguments : dict
        Name → value.
    """
    room = function.__module__.removeprefix("workbench.").partition(".")[0]
    for name, table in arguments.items():
        if (room, name) in MADE and hasattr(table, "attrs"):
            maker, needed, _ = MADE[room, name]
            for column in table.columns.intersection(needed):
                lacking = int(table[column].isna().sum())
                if lacking:
                    raise InputError(
                        "result.error_made",
                        "{name}: {lacking} rows have no '{column}'; hand the table on as {maker} "
                        "makes it, or leave these rows out",
                        name=name,
                        lacking=lacking,
                        column=column,
                        maker=maker,
                    )
            if function.__name__ not in ENDS_ONLY:
                _has_stages(name, table, arguments.get("stages"))


def lacking(function, args, options, error):
    """Raise an InputError where the key that is missing is a column that a table made elsewhere
    should have and lacks.
    """
    room = function.__module__.removeprefix("workbench.").partition(".")[0]
    for name, table in signature(function).bind(*args, **options).arguments.items():
        if (room, name) in MADE and hasattr(table, "attrs"):
            _, needed, more = MADE[room, name]
            gone = [c for c in (*needed, *more) if c not in table.columns and _is_key(c, error)]
            need_columns(name, table.columns, *gone)


def _is_key(column, error):
    """Say whether a KeyError is about a column: its key is the column itself, or, where several
    were asked for at once, the list of those that are not there, each in quotes.
    """
    key = error.args[0] if error.args else None
    return key == column or (isinstance(key, str) and repr(column) in key)


def _has_stages(name, table, stages):
    """Raise an InputError where a table lacks the column of a stage asked for."""
    import pandas as pd

    if name not in ("episodes", "profile", "linked") or stages is None:
        return
    before = "true_" if name == "linked" else ""
    wanted = [f"{before}{stage}" for stage in listed(stages)]
    need_columns(name, table.columns, *wanted)
    for column in wanted:
        if len(table) and not pd.api.types.is_bool_dtype(table[column]):
            raise InputError(
                "result.error_flags",
                "{where}: '{column}' must be true or false in every row, found {found:repr}",
                where=name,
                column=column,
                found=columns.shown(table[column]),
            )
