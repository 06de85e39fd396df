"""Who stays engaged: customers who still do anything, month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench import names as own
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.retention import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

MONTH = 30  # days
AT_ONCE = 2  # a first fall more than this many times all later ones has no half-life
QUESTION = Note(
    "retention.engaged_question",
    "How many customers are still active, month by month after their first order?",
)
ONLY_TRACKED = Note(
    "retention.engaged_limit",
    "Only tracked actions are seen; whoever thinks of the shop without clicking counts as "
    "inactive.",
)
NO_DECAY = Note(
    "retention.no_decay",
    "No decline is seen: whether and when engagement halves cannot be said.",
)


@engine.tables("events", "orders")
@analysis
def engagement(
    events: Table,
    orders: Table,
    *,
    acts: Sequence[str] | None = None,
    machine: str | None = None,
    months: int = 6,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """How many customers still do anything, month by month after their first order?

    Parameters
    ----------
    events : DataFrame with customer_id, occurred_at, event
        Clicks, visits, openings.
    orders : DataFrame with customer_id, ordered_at
    acts : list of str, optional
        Events that count; None: all but an order.
    machine : str, optional
        Column that marks acts of machines (mail programs that open by themselves); they do not
        count.
    months : int
        How many months of 30 days to look at.
    zone : str

    Returns
    -------
    Result
        month (1: the 30 days after the day of the first order), count (customers with an act), n
        (customers watched for the whole month), estimate, conf_low, conf_high (Wilson). The
        half-life of engagement, from a log-linear decay with errors over customers, stands in
        `.facts` (retention.half_life; retention.falls_at_once where it has none). `.model` is its
        statsmodels fit.

    Raises
    ------
    InputError
        For missing columns or unknown acts.
    NotEnoughData
        Where nobody was watched for a month.

    Source: Wilson (1927); decay by Poisson regression with robust errors, Zou (2004), American
    Journal of Epidemiology 159.
    """
    import pandas as pd

    need_columns("events", engine.columns(events), "customer_id", "occurred_at", "event")
    need_columns("events", engine.columns(events), *([machine] if machine else []))
    need_columns("orders", engine.columns(orders), "customer_id", "ordered_at")
    bought, begin = _first_days(orders, zone)
    names = _counted_names(events, acts)
    active, machines = _acts(events, names, machine, bought, begin, months)
    last = max(
        t
        for t in (engine.span(events, "occurred_at")[1], engine.span(orders, "ordered_at")[1])
        if t
    )
    # The last day is only whole where the data go on beyond it.
    watched = (periods.local_day(last, zone) - begin) // MONTH
    many = watched.clip(0, months).to_numpy()
    people = pd.DataFrame(
        {
            "customer_id": watched.index.repeat(many),
            "month": np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + 1,
        }
    )
    if not len(people):
        raise NotEnoughData(
            "retention.error_engagement_nobody",
            "engagement: nobody was followed for a month after the first order",
        )
    people = people.merge(active.assign(acted=1.0), how="left").fillna({"acted": 0.0})
    table = (
        people.groupby("month")["acted"]
        .agg(["sum", "size"])
        .set_axis(["count", "n"], axis=1)
        .astype(int)
        .reset_index()
    )
    table["estimate"] = table["count"] / table["n"]
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    limits, made = [], None
    if table["count"].gt(0).all() and len(table) > 2:
        data = fits.prepare(people, "acted", ["month"], cluster="customer_id", what="engagement")
        made = fits.fit(data, "poisson")
        limits.append(_half_life(made, data, table["estimate"], conf_level))
    if machines:
        limits.append(
            Note(
                "retention.machines",
                "{n} action of a machine does not count.",
                "{n} actions of machines do not count.",
                n=machines,
            )
        )
    return Result(
        question=QUESTION,
        answer=_engaged_answer(table),
        table=table,
        method=Note(
            "retention.engaged_method",
            "Customers with at least one action in each {days} days after the first order, among "
            "those followed for all of them; Wilson intervals; decay by a log-linear regression, "
            "the customer as sampling unit.",
            days=MONTH,
        ),
        unit="customers",
        n=len(begin),
        conf_level=conf_level,
        limits=(*limits, ONLY_TRACKED),
        model=made,
        chart=Curve(
            x="month",
            percent=True,
            xlabel=Note(
                "retention.engaged_axis", "Months of {days} days since the first order", days=MONTH
            ),
            ylabel=Note("retention.engaged_yaxis", "Share with an action"),
        ),
    )


def _counted_names(events, acts):
    """Return the events that count, as they are written."""
    known = own.listed(engine.distinct(events, "event"))
    if acts is None:
        return [name for name in known if own.written(name) != "order"]
    return own.occurring("acts", own.several(acts), known)


def _first_days(orders, zone):
    """Return the local day of every customer's first order, by the customer's id as written."""
    view = engine.view(
        orders, zone=zone, customer=engine.key("customer_id"), day=engine.day("ordered_at")
    )
    first = engine.run("SELECT customer, min(day) AS day FROM o GROUP BY customer", o=view)
    return view, first.assign(customer=engine.written(first["customer"])).set_index("customer")[
        "day"
    ].sort_index()


# Acts from the day after the first order on, by the months since; a mark of 1 is a machine's.
_ACTS = """WITH first AS (
    SELECT CAST(customer AS {text}) AS customer, min(day) AS day FROM o GROUP BY 1)
  SELECT f.customer, ceil((a.day - f.day) / {month}e0) AS month
  FROM (SELECT CAST(customer AS {text}) AS customer, day FROM e WHERE {person}) a
  JOIN first f ON f.customer = a.customer
  WHERE a.day > f.day AND a.day <= f.day + {days}
  GROUP BY 1, 2"""


def _acts(events, names, machine, orders, first, months):
    """Return the customers and months since their first order with an act, and how many acts are a
    machine's.
    """
    import pandas as pd

    if machine:
        _check_marks(events, machine)
    if not names:
        return pd.DataFrame({"customer_id": pd.Series(dtype=object), "month": []}), 0
    view = engine.view(
        events,
        zone=orders.zone,
        customer=engine.key("customer_id"),
        day=engine.day("occurred_at"),
        event=engine.code("event", names),
        **({"machine": engine.raw(machine)} if machine else {}),
    )
    person = "coalesce(CAST(machine AS INTEGER), 0) = 0" if machine else "1 = 1"
    found = engine.run(
        _ACTS.format(text="STRING", month=MONTH, person=person, days=MONTH * months),
        o=orders,
        e=view,
    )
    if not len(found):
        who = engine.run(f"SELECT DISTINCT customer FROM e WHERE {person}", e=view)["customer"]
        schemas.must_match("events", engine.written(who).dropna(), first.index)
    machines = engine.one(f"SELECT count(*) FROM e WHERE NOT ({person})", e=view)
    return found.rename(columns={"customer": "customer_id"}), int(machines)


def _check_marks(events, machine):
    """Raise InputError where what marks the acts of machines is neither true nor false."""
    marks = engine.run("SELECT DISTINCT m FROM e", e=engine.view(events, m=engine.raw(machine)))
    odd = marks["m"].dropna()
    odd = odd[~odd.isin((0, 1))]
    if len(odd):
        raise InputError(
            "retention.error_machine_marks",
            "events: '{machine}' must be true or false, found {mark:repr}",
            machine=machine,
            mark=odd.iloc[0],
        )


def _half_life(fit, data, shares, conf_level):
    """Say in how many months engagement halves, that it fell at once, or that it does not fall."""
    slope, se = float(fit.params["month"]), float(fit.bse["month"])
    low, high = (
        float(v) for v in intervals.normal(slope, se, conf_level, df=fits.quantile_df(data))
    )
    if not high < 0:
        return NO_DECAY
    first, second, last = (float(v) for v in shares.iloc[[0, 1, -1]])
    if first - second > AT_ONCE * (second - last):
        return Note(
            "retention.falls_at_once",
            "Most of the decline comes at once: from {first:%} in the first month to {second:%} in "
            "the second, and {last:%} in the last. A half-life would describe neither part.",
            first=first,
            second=second,
            last=last,
        )
    life = [np.log(2) / -v if v < 0 else np.inf for v in (low, slope, high)]
    return Note(
        "retention.half_life",
        "Engagement halves every {life:2} months ({low:2} to {high:2}), if it goes on declining "
        "as it did.",
        life=life[1],
        low=life[0],
        high=life[2],
    )


def _engaged_answer(table):
    row = sentences.last_known(table)
    return Note(
        "retention.engaged_answer",
        "{share:%} of the customers did something in month {month} after their first order "
        "({low:%} to {high:%}; {count} of {n}); in month {first_month}: {first:%}.",
        month=int(row["month"]),
        first_month=int(table["month"].iloc[0]),
        first=float(table["estimate"].iloc[0]),
        **sentences.interval(row),
    )
