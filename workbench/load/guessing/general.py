"""A file of no known layout: what its names and values together make plain, and no more."""

from workbench.load.guessing import seen
from workbench.load.guessing.draft import Draft
from workbench.load.guessing.names import folded, role_of
from workbench.load.guessing.shops import with_statuses
from workbench.notes import Note

PLAIN = Note("guess.plain", "no layout that is known; by the names and values of its columns")
WHICH = Note("guess.which", "which column? Present: {columns:text}", columns="")
WHICH_TABLE = Note(
    "guess.which_table",
    "what is a row? An order (orders), a line of an order (order_lines), an act (events), a person "
    "(customers), an answer (surveys)",
)
ALSO = Note("guess.also", "or one of {columns:text}", columns="")
NOT_ALL = Note("guess.holes", "empty in {empty} of {n} rows", empty=0, n=0)
TOTAL = Note("guess.total", "a line with a total is no order")
RETURNED = Note("guess.returned", "was such an order given back? Then take the # away")
BACK = {"retour", "returned", "geretourneerd", "return", "teruggestuurd"}
TOTALS = {"totaal", "total", "eindtotaal", "grand total", "subtotal", "subtotaal", "sum", "som"}
OPTIONAL = {
    "orders": ("currency", "channel", "status", "store"),
    "order_lines": ("currency", "channel", "status", "store", "category", "brand"),
    "events": ("session", "channel", "device", "page", "category", "brand", "product"),
}
TARGETS = {"store": "store_id", "session": "session_id", "product": "product_id"}


def general(peek):
    """Return a draft by the parts the columns play; what is not plain is asked."""
    parts = _parts(peek)
    table = _table(peek, parts)
    if table == "customers":
        return _customers(peek, parts)
    draft = Draft(table, PLAIN, peek)
    if table is None:
        draft.keys["table"] = (None, WHICH_TABLE)
        draft.ask_column("customer_id", WHICH.having(columns=peek.names[:20]))
        return draft
    if table == "events":
        _pick(draft, peek, parts, "customer_id", "customer")
        _when(draft, peek, parts, "occurred_at")
        _pick(draft, peek, parts, "event", "event")
    else:
        _orders(draft, peek, parts, table)
    _optional(draft, peek, parts, table)
    return draft


def _parts(peek):
    parts = {}
    for name in peek.columns:
        role = role_of(name) if peek.values(name) else None
        if role in ("amount", "price", "quantity") and not (
            peek.typed.get(name) == "number" or seen.is_number(peek.values(name), 0.9)
        ):
            continue
        if role is not None:
            parts.setdefault(role, []).append(name)
    return parts


def _table(peek, parts):
    if "event" in parts and ("when" in parts or "clock" in parts):
        return "events"
    if "order" in parts and "product" in parts and _repeats(peek, parts["order"][0]):
        return "order_lines"
    if "order" in parts and ("amount" in parts or {"quantity", "price"} <= set(parts)):
        return "orders"
    one_a_row = "customer" in parts and not _repeats(peek, parts["customer"][0])
    return "customers" if one_a_row and not {"when", "order"} & set(parts) else None


def _repeats(peek, name):
    values = peek.values(name)
    return len(set(values)) < len(values)


def _orders(draft, peek, parts, table):
    _pick(draft, peek, parts, "order_id", "order")
    _pick(draft, peek, parts, "customer_id", "customer")
    _when(draft, peek, parts, "ordered_at")
    if table == "order_lines":
        _pick(draft, peek, parts, "product_id", "product")
        if "quantity" in parts:
            _pick(draft, peek, parts, "quantity", "quantity")
        else:
            draft.column("quantity", {"value": 1})
    if "amount" in parts:
        _pick(draft, peek, parts, "amount", "amount")
        draft.money(peek, parts["amount"][0])
    else:
        factors = [parts["quantity"][0], parts["price"][0]] if "price" in parts else []
        if "quantity" in parts and factors:
            draft.column("amount", {"multiply": factors})
            draft.money(peek, factors[1])
        else:
            draft.ask_column("amount", WHICH.having(columns=peek.names[:20]))
    order = parts["order"][0]
    totals = sorted({v for v in peek.values(order) if v.casefold() in TOTALS})
    if totals:
        draft.reject({"column": order, "one_of": totals, "reason": "total"}, TOTAL)
    whole = {"whole": "order_id"} if table == "order_lines" else {}
    for column in parts.get("status", ())[:1]:
        gone = with_statuses(peek, column)
        if gone:
            draft.reject({"column": column, "one_of": gone, "reason": "cancelled", **whole})
        back = with_statuses(peek, column, BACK)
        if back:
            rule = {"column": column, "one_of": back, "reason": "returned", **whole}
            draft.reject(rule, RETURNED, ask=True)


def _pick(draft, peek, parts, canonical, role):
    """Write the column that plays a part; say which others might, and where it is often empty."""
    names = parts.get(role, [])
    if not names:
        draft.ask_column(canonical, WHICH.having(columns=peek.names[:20]))
        return
    note = ALSO.having(columns=names[1:]) if len(names) > 1 else None
    empty = peek.rows - len(peek.values(names[0]))
    if note is None and empty and role in ("customer", "order"):
        note = NOT_ALL.having(empty=empty, n=peek.rows)
    draft.column(canonical, names[0], note)


def _when(draft, peek, parts, canonical):
    """Write the moment: one column, or a day and a time of day in two."""
    names = parts.get("when", []) + parts.get("since", [])
    clocks = [c for c in parts.get("clock", ()) if seen.is_clock(peek.values(c))]
    days = [n for n in names if seen.times(peek.values(n), peek.typed.get(n))]
    if not days:
        days = [c for c in parts.get("clock", ()) if seen.times(peek.values(c), peek.typed.get(c))]
    if not days:
        draft.ask_column(canonical, WHICH.having(columns=peek.names[:20]))
        return
    found = seen.times(peek.values(days[0]), peek.typed.get(days[0]))
    if clocks and not found.clock:
        draft.column(canonical, {"date": days[0], "time": clocks[0]})
        draft.form(found, seen.clock_form(peek.values(clocks[0])))
        return
    draft.moment(canonical, peek, days[0], ALSO.having(columns=days[1:]) if days[1:] else None)


def _optional(draft, peek, parts, table):
    for role in OPTIONAL[table]:
        if role not in parts or TARGETS.get(role, role) in draft.columns:
            continue
        source = parts[role][0]
        if role == "currency":
            draft.one_currency(peek, source)
        else:
            draft.column(TARGETS.get(role, role), source)


def _customers(peek, parts):
    """Return one row a person: an id, since when, and attributes under names of their own."""
    draft = Draft("customers", PLAIN, peek)
    person = parts["customer"][0]
    draft.column("customer_id", person)
    since = next(
        (n for n in parts.get("since", ()) if seen.times(peek.values(n), peek.typed.get(n))), None
    )
    if since:
        draft.moment("acquired_at", peek, since)
    for name in peek.columns:
        own = _own_name(name)
        if name not in (person, since) and own and own not in draft.columns:
            draft.column(own, name)
    return draft


def _own_name(name):
    words = [folded(part) for part in str(name).replace("_", " ").split()]
    return "_".join(w for w in words if w)
