"""What a file shows at a first look, after its load report."""

from workbench.notes import Note

_ORDERS = Note("load.orders", "Orders: {orders}, buyers: {buyers}", orders=0, buyers=0)
_EVENTS = Note(
    "cli.events",
    "Events: {events}, people: {people}, kinds of events: {kinds}",
    events=0,
    people=0,
    kinds=0,
)
_ANSWERS = Note(
    "cli.answers",
    "Answers: {answers}, people: {people}, questions: {items}",
    answers=0,
    people=0,
    items=0,
)


def first(loaded):
    """Yield what to say of a load: notes, Results and blank lines."""
    if "orders" in loaded.tables:
        yield from _orders(loaded)
    elif "events" in loaded.tables:
        yield from _events(loaded)
    elif "surveys" in loaded.tables:
        answers = loaded.table("surveys")
        people, items = _distinct(answers, "respondent_id", "item")
        yield _ANSWERS.having(answers=answers.rows, people=people, items=items)


def _orders(loaded):
    from workbench import retention

    orders = loaded.table("orders")
    (buyers,) = _distinct(orders, "customer_id")
    yield _ORDERS.having(orders=orders.rows, buyers=buyers)
    for result in (retention.ever_repeat(orders), retention.repeat_rate(orders, zone=loaded.zone)):
        yield ""
        yield result


def _events(loaded):
    """Yield how many events there are, and who gets from a first step to a purchase."""
    from workbench import engine, funnels
    from workbench.errors import WorkbenchError
    from workbench.reports import readiness

    events = loaded.table("events")
    kinds = engine.run(
        "SELECT event, count(DISTINCT customer_id) AS people FROM e WHERE event IS NOT NULL "
        "GROUP BY event ORDER BY people DESC, event",
        e=events,
    )
    (people,) = _distinct(events, "customer_id")
    yield _EVENTS.having(events=events.rows, people=people, kinds=len(kinds))
    steps = readiness.steps_of(dict(zip(kinds["event"], kinds["people"], strict=True)))
    try:
        result = funnels.conversion(events, steps or list(kinds["event"][:2]), window=None)
    except WorkbenchError as error:
        yield error.note
    else:
        yield ""
        yield result


def _distinct(table, *columns):
    """Return how many different values each column has."""
    from workbench import engine

    counts = ", ".join(f"count(DISTINCT {c}) AS {c}" for c in columns)
    return [int(n) for n in engine.run(f"SELECT {counts} FROM t", t=table).iloc[0]]
