"""The rows of the user's own tables that an analysis cannot use: counted and said in one place."""

from inspect import signature
from os import PathLike
from pathlib import Path

from workbench import engine, notes
from workbench.errors import InputError
from workbench.notes import Note, say
from workbench.results import made, weights

# Parameters that hold a canonical table, and the columns without which no analysis can use a row.
NEEDED = {
    "orders": ("customer_id", "ordered_at"),
    "events": ("customer_id", "occurred_at"),
    "lines": ("customer_id", "ordered_at"),
}
UNIQUE = {"orders": "order_id"}
MANY = 500_000  # rows beyond which copies are looked for in a part of the moments first
_PART = 61


def usable(function, args, options):
    """Say which rows of the tables given take no part, and return the arguments with exact copies
    of an order left out.

    A call within an analysis that is at work already has been looked at there.
    """
    try:
        bound = signature(function).bind(*args, **options)
    except TypeError:
        # Python says best which argument is missing or unknown.
        return args, options
    made.check(function, bound.arguments)
    weights.check(function, bound.arguments)
    for name, needed in NEEDED.items():
        table = bound.arguments.get(name)
        if _is_table(table) and set(needed) <= set(engine.columns(table)):
            bound.arguments[name] = _looked_at(name, table, needed)
    return bound.args, bound.kwargs


def _is_table(value):
    """Whether a value is a table of a kind the engine takes, or the path of one."""
    if isinstance(value, (str, PathLike)):
        return Path(value).suffix.lower() in (".parquet", ".pq") and Path(value).exists()
    return hasattr(value, "columns") and getattr(value, "ndim", 2) == 2


def _looked_at(name, table, needed):
    """Say what of one table takes no part, and return it without exact copies of an order."""
    who, when = needed
    try:
        view = engine.view(
            table,
            once=UNIQUE.get(name),
            customer=engine.key(who),
            t=engine.micros(when),
        )
    except InputError:
        # The analysis itself says what it needs.
        return table
    say(*engine.left_out(view).limits)
    if "amount" in view.types and name == "orders":
        _say_amounts(view)
    if view.copies:
        return _once(table)
    if name not in UNIQUE:
        _say_copies(view)
    return table


def _once(table):
    """Return a table without the copies of a row."""
    if hasattr(table, "drop_duplicates"):
        return table.drop_duplicates()
    if type(table).__module__.startswith("pyspark."):
        return table.distinct()
    return engine.run("SELECT DISTINCT * FROM src", src=table)


def _say_amounts(view):
    seen = engine.view(view.table, a=engine.raw("amount"))
    lacking = int(engine.one("SELECT count(*) - count(a) FROM v", v=seen) or 0)
    if lacking:
        say(
            Note(
                "result.no_amount",
                "{n} order has no amount: it counts as a purchase, its money is not known.",
                "{n} orders have no amount: they count as purchases, their money is not known.",
                n=lacking,
            )
        )


def _say_copies(view):
    """Say how many rows without a number of their own repeat another in every column."""
    if type(view.table).__module__.startswith("pyspark."):
        return
    every = {f"c{i}": engine.raw(name) for i, name in enumerate(view.types)}
    seen = engine.view(view.table, t=view.roles["t"], **every)
    rows = int(engine.one("SELECT count(*) FROM v", v=seen))
    if rows > MANY and not _copies(seen, f"mod(t / 1000000, {_PART}) = 0"):
        return
    copies = _copies(seen, "1 = 1")
    if copies:
        say(
            Note(
                "result.copies",
                "{n} row of {rows} repeats another in every column, and counts all the same: rows "
                "of this table have no number of their own that would tell a copy.",
                "{n} rows of {rows} repeat another in every column, and count all the same: rows "
                "of this table have no number of their own that would tell a copy.",
                n=copies,
                rows=rows,
            )
        )


def _copies(seen, where):
    """Return how many rows of a part repeat another."""
    distinct = f"SELECT count(*) FROM (SELECT DISTINCT * FROM v WHERE {where}) x"
    return int(engine.one(f"SELECT count(*) - ({distinct}) FROM v WHERE {where}", v=seen))


def inherited(given):
    """Return the notes that tables made by our own functions carry."""
    kept = []
    for table in given:
        marks = getattr(table, "attrs", None)
        if isinstance(marks, dict):
            kept += [notes.from_dict(one) for one in marks.get("limits", ())]
    return kept


def carried(table, said):
    """Have a table carry the notes said while it was made, and those it carries already."""
    kept = [*inherited([table])]
    kept += [note for note in said if note not in kept]
    if kept:
        table.attrs["limits"] = [note.to_dict() for note in kept]
