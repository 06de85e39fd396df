"""Tables that one function makes and the next one takes: what they must hold to be taken."""

from workbench.errors import InputError, need_columns

_BUYING = ("frequency", "recency", "age")
_PROFILE = ("customer_id", "episode", "outcome", "days", "first_stage", "last_stage", "events")
# Room and parameter → the function that makes the table, the columns it always has, each of them
# filled in every row.
MADE = {
    ("stages", "episodes"): ("stages.episodes", ("customer_id", "outcome")),
    ("stages", "profile"): ("stages.profile", _PROFILE),
    ("stages", "linked"): ("stages.with_truth", ("customer_id", "outcome")),
    ("stages", "carts"): (
        "stages.carts",
        ("customer_id", "opened_at", "last_at", "outcome", "mature", "items"),
    ),
    ("stages", "assigned"): ("stages.assign", ("customer_id", "occurred_at", "event")),
    ("stages", "posterior"): ("stages.posterior", ("customer_id", "stage", "certain")),
    ("journeys", "profile"): ("stages.profile", ("customer_id", "outcome")),
    ("loyalty", "joined"): ("loyalty.joining", ("customer_id", "period", "orders", "amount")),
    ("loyalty", "scored"): ("loyalty.rfm", ("customer_id", "segment", "amount")),
    ("clv", "customers"): ("clv.customers", _BUYING),
    ("clv", "people"): ("clv.value", ("frequency", "alive", "expected", "worth")),
    ("conjoint", "design"): ("conjoint.choice_design", ("block", "task", "alternative")),
}


def check(function, arguments):
    """Raise an InputError where a table that another function makes lacks a column or a value.

    Parameters
    ----------
    function : callable
        Whose arguments they are; its room says which table is meant.
    arguments : dict
        Name → value.
    """
    room = function.__module__.split(".")[1]
    for name, table in arguments.items():
        if (room, name) in MADE and hasattr(table, "columns"):
            maker, needed = MADE[room, name]
            need_columns(name, table.columns, *needed)
            for column in needed:
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
