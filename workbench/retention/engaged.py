"""Who stays engaged: customers who still do anything, month by month."""

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench import names as own
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.retention import sentences

MONTH = 30  # days
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


@engine.frames("events", "orders")
@analysis
def engagement(events, orders, *, acts=None, machine=None, months=6, zone="UTC", conf_level=0.95):
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
        `.facts` (retention.half_life). `.model` is its statsmodels fit.

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

    fits.require(events, "events", "customer_id", "occurred_at", "event", machine)
    fits.require(orders, "orders", "customer_id", "ordered_at")
    when, ordered = (
        schemas.moments(events, "events", "occurred_at"),
        schemas.moments(orders, "orders", "ordered_at"),
    )
    names = events["event"].map(own.written, na_action="ignore")
    known = sorted(names.dropna().unique())
    acts = None if acts is None else own.occurring("acts", own.several(acts), known)
    counted = (
        (names.isin(acts) if acts is not None else names != "order")
        & events["customer_id"].notna()
        & when.notna()
    )
    machines = 0
    if machine:
        marks = events[machine].fillna(0)
        if not marks.isin((0, 1)).all():
            raise InputError(
                "retention.error_machine_marks",
                "events: '{machine}' must be true or false, found {mark:repr}",
                machine=machine,
                mark=marks[~marks.isin((0, 1))].iloc[0],
            )
        machines, counted = int((counted & (marks == 1)).sum()), counted & (marks == 0)
    first = ordered.groupby(engine.written(orders["customer_id"])).min().dropna()
    who = engine.written(events["customer_id"])[counted]
    schemas.must_match("events", who, first.index)
    begin = pd.Series(periods.local_days(first, zone), first.index)
    age = periods.local_days(when[counted], zone) - who.map(begin).to_numpy(float)
    month = np.ceil(age / MONTH)
    active = pd.DataFrame({"customer_id": who.to_numpy(), "month": month})
    active = active[(age >= 1) & (month <= months)].drop_duplicates()
    last = pd.concat([when, ordered]).max()
    # The last day is only whole where the data go on beyond it.
    watched = (int(periods.local_days(pd.Series([last]), zone)[0]) - begin) // MONTH
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
        limits.append(_half_life(made, data, conf_level))
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
        n=len(first),
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


def _half_life(fit, data, conf_level):
    """Say in how many months engagement halves, or that no decline is seen."""
    slope, se = float(fit.params["month"]), float(fit.bse["month"])
    low, high = (
        float(v) for v in intervals.normal(slope, se, conf_level, df=fits.quantile_df(data))
    )
    if not high < 0:
        return NO_DECAY
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
