"""The rows of the user's own tables that an analysis cannot use: counted and said in one place."""

from inspect import signature

from workbench import engine, names, notes
from workbench.errors import InputError
from workbench.notes import Note, say
from workbench.results import columns, kinds, made, merging, weights

# Parameters that hold a canonical table, and the columns without which no analysis can use a row.
NEEDED = {
    "orders": ("customer_id", "ordered_at"),
    "events": ("customer_id", "occurred_at"),
    "lines": ("customer_id", "ordered_at"),
}
# They give every row back, or have a use for one without a customer.
EVERY_ROW = {"assign_channels", "align", "identify", "identity_quality", "tagging"}
UNIQUE = {"orders": "order_id"}
MANY = 500_000  # rows beyond which copies are looked for in a part of the moments first
_PART = 61
# A customer with this share of the rows, and that many, among so many customers, is hardly one.
_SHARE, _ROWS, _PEOPLE = 0.2, 20, 10
_NEGATIVE = "SELECT count(*) FROM v WHERE a < 0"
_GIVEN_BACK = (
    "SELECT id FROM v GROUP BY id HAVING count(*) > 1 AND min(a) < 0 AND round(sum(a), 6) <= 0"
)


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
    if bound.arguments.get("stages") is not None:
        bound.arguments["stages"] = names.listed(bound.arguments["stages"])
    kinds.check(bound.arguments)
    made.check(function, bound.arguments)
    columns.check(function, _with_defaults(bound))
    weights.check(function, bound.arguments)
    merging.before(function, bound)
    if function.__name__ in EVERY_ROW:
        return bound.args, bound.kwargs
    for name, needed in NEEDED.items():
        table = bound.arguments.get(name)
        if kinds.is_table(table) and set(needed) <= set(kinds.columns_of(table)):
            bound.arguments[name] = _looked_at(name, table, needed)
    return bound.args, bound.kwargs


def _with_defaults(bound):
    """Return every argument by name, those not given as their defaults."""
    defaults = {n: p.default for n, p in bound.signature.parameters.items()}
    return {**defaults, **bound.arguments}


def _looked_at(name, table, needed):
    """Say what of one table takes no part, and return it without exact copies of an order."""
    if _at_hand(table):
        return _looked_at_here(name, table, needed)
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
    left = engine.left_out(view)
    say(*left.limits)
    rows = left.rows - left.total
    if "amount" in view.types and name == "orders":
        _say_amounts(view)
    if view.copies:
        table = _once(table)
    if name == "orders":
        table = _kept(table, view)
    if name not in UNIQUE:
        _say_copies(view, rows)
    if rows and (rows <= MANY or name != "events"):
        _say_placeholder(view, rows)
    return table


def _kept(table, view):
    """Return orders without those of which a later row gives everything back."""
    if not {"order_id", "amount"} <= set(view.types):
        return table
    try:
        seen = engine.view(table, id=engine.raw("order_id"), a=engine.real("amount"))
        back = engine.run(_GIVEN_BACK, v=seen)["id"] if engine.one(_NEGATIVE, v=seen) else ()
    except InputError:
        return table
    if not len(back):
        return table
    _say_back(len(back))
    if hasattr(table, "drop_duplicates"):
        return table[~table["order_id"].isin(back)]
    keep = f"SELECT * FROM src WHERE order_id NOT IN (SELECT id FROM ({_GIVEN_BACK}) y)"
    return engine.run(keep, src=table, v=seen)


def _say_back(n):
    say(
        Note(
            "result.given_back",
            "{n} order was given back in full later and is no purchase.",
            "{n} orders were given back in full later and are no purchases.",
            n=n,
        )
    )


def _say_placeholder(view, rows):
    """Say that one customer has so many rows that it may stand for everybody unknown."""
    found = engine.run(
        "SELECT customer, count(*) AS n, count(*) OVER () AS people FROM v GROUP BY customer"
        " ORDER BY n DESC, customer LIMIT 1",
        v=view,
    ).iloc[0]
    _say_many(found["customer"], int(found["n"]), rows, int(found["people"]))


def _say_many(customer, count, rows, people):
    if people < _PEOPLE or count < _SHARE * rows or count < _ROWS:
        return
    say(
        Note(
            "result.placeholder",
            "The customer '{customer}' has {count} of {rows} rows ({share:%}): if that stands for "
            "guests or unknown people, leave it out, since it counts as one customer here.",
            customer=str(customer),
            count=count,
            rows=rows,
            share=count / rows,
        )
    )


def _at_hand(table):
    """Whether a table is in pandas and small, so that asking the engine would take longer."""
    import pandas as pd

    return isinstance(table, pd.DataFrame) and len(table) <= MANY and table.columns.is_unique


def _looked_at_here(name, table, needed):
    """Do the same as `_looked_at` to a small table in pandas."""
    import pandas as pd

    who, when = needed
    no_one = table[who].isna() | (table[who].astype(object) == "")
    nowhen = table[when].isna() & ~no_one
    copies = int(_copied(table).sum()) if _repeats(table, UNIQUE.get(name)) else 0
    lacking = {who: int(no_one.sum()), when: int(nowhen.sum())}
    say(*engine.LeftOut(len(table), lacking, copies if name in UNIQUE else 0).limits)
    if copies and name in UNIQUE:
        table = table[~_copied(table)]
    elif copies:
        taken = table[~(no_one | nowhen)]
        _say_alike(int(_copied(taken).sum()), len(taken))
    if name == "orders" and "amount" in table:
        _say_unpaid(int(table["amount"].isna().sum()))
        if pd.api.types.is_numeric_dtype(table["amount"]) and (table["amount"] < 0).any():
            table = _without_given_back(table)
    if _unhashable(table[who]):
        # The engine refuses such ids by name.
        return table
    sizes = table.loc[table[when].notna(), who].value_counts().drop("", errors="ignore")
    if len(sizes):
        # Of several as large, the one that comes first by name, wherever its rows stand.
        largest = sizes.index[sizes == sizes.iloc[0]]
        first = min(largest, key=None if pd.api.types.is_numeric_dtype(largest) else str)
        _say_many(first, int(sizes.iloc[0]), int(sizes.sum()), len(sizes))
    return table


def _unhashable(ids):
    return ids.dtype == object and any(isinstance(v, (dict, list, set)) for v in ids.head(100))


def _repeats(table, unique):
    """Whether a table may hold a row twice: its own number would have to occur twice."""
    return unique is None or unique not in table or not table[unique].is_unique


def _copied(table):
    """Return which rows repeat an earlier one in every column."""
    try:
        return table.duplicated()
    except TypeError:
        # Lists and the like cannot be compared.
        return table.index != table.index


def _without_given_back(table):
    """Return orders without those of which a later row gives everything back."""
    if "order_id" not in table or table["order_id"].is_unique:
        return table
    sums = table.groupby("order_id")["amount"].agg(["min", "sum", "size"])
    whole = (sums["size"] > 1) & (sums["min"] < 0) & (sums["sum"].round(6) <= 0)
    if not whole.any():
        return table
    _say_back(int(whole.sum()))
    return table[~table["order_id"].isin(sums.index[whole])]


def _once(table):
    """Return a table without the copies of a row."""
    if hasattr(table, "drop_duplicates"):
        return table.drop_duplicates()
    if type(table).__module__.startswith("pyspark."):
        return table.distinct()
    return engine.run("SELECT DISTINCT * FROM src", src=table)


def _say_amounts(view):
    seen = engine.view(view.table, a=engine.raw("amount"))
    _say_unpaid(int(engine.one("SELECT count(*) - count(a) FROM v", v=seen) or 0))


def _say_unpaid(lacking):
    if lacking:
        say(
            Note(
                "result.no_amount",
                "{n} order has no amount: it counts as a purchase, its money is not known.",
                "{n} orders have no amount: they count as purchases, their money is not known.",
                n=lacking,
            )
        )


def _say_copies(view, rows):
    """Say how many rows without a number of their own repeat another in every column."""
    if type(view.table).__module__.startswith("pyspark."):
        return
    every = {f"c{i}": engine.raw(name) for i, name in enumerate(view.types)}
    seen = engine.view(view.table, customer=view.roles["customer"], t=view.roles["t"], **every)
    if rows > MANY and not _copies(seen, f"mod(t, {_PART}) = 0"):
        return
    _say_alike(_copies(seen, "1 = 1"), rows)


def _say_alike(copies, rows):
    if not copies:
        return
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
    # Rows alike in every column of their own are alike in the two made from them.
    own = [name for name in seen.roles if name not in ("customer", "t")]
    alike = f"SELECT count(*) AS k FROM v WHERE {where} GROUP BY {', '.join(own)}"
    return int(engine.one(f"SELECT sum(k - 1) FROM ({alike}) x", v=seen) or 0)


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
