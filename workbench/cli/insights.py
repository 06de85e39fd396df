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
        answers = loaded["surveys"]
        yield _ANSWERS.having(
            answers=len(answers),
            people=answers["respondent_id"].nunique(),
            items=answers["item"].nunique(),
        )


def _orders(loaded):
    from workbench import retention

    orders = loaded["orders"]
    yield _ORDERS.having(orders=len(orders), buyers=orders["customer_id"].nunique())
    for result in (retention.ever_repeat(orders), retention.repeat_rate(orders, zone=loaded.zone)):
        yield ""
        yield result


def _events(loaded):
    """Yield how many events there are, and who gets from a first step to a purchase."""
    from workbench import funnels
    from workbench.errors import WorkbenchError
    from workbench.reports import readiness

    events = loaded["events"]
    people = events.groupby("event")["customer_id"].nunique().sort_values(ascending=False)
    yield _EVENTS.having(
        events=len(events), people=events["customer_id"].nunique(), kinds=len(people)
    )
    steps = readiness.steps_of(people.to_dict())
    try:
        result = funnels.conversion(events, steps or list(people.index[:2]), window=None)
    except WorkbenchError as error:
        yield error.note
    else:
        yield ""
        yield result
