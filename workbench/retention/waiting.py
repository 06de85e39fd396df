"""How long until the next purchase: a curve of everybody, whoever has not bought again included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, schemas, survival
from workbench import names as own
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.retention import sentences
from workbench.retention.repeat_purchase import interpurchase_times

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table


@engine.tables("orders")
@analysis
def time_to_repurchase(
    orders: Table,
    *,
    after: int = 1,
    by: pd.Series | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How long until the next purchase, when some have not bought again yet?

    Parameters
    ----------
    after : int
        Which purchase the clock starts at: 1 = the first.
    by : Series, optional
        Group of each customer, indexed by customer_id; customers without one form the group
        "missing".
    others as in `repeat_rate`

    Returns
    -------
    Result
        [group,] days, n (customers at risk), count (bought again that day), estimate (share not
        back yet), std_error, conf_low, conf_high (log–log); the medians and their
        intervals stand in `.facts` (retention.median).

    Raises
    ------
    NotEnoughData
        If no customer reached that purchase.

    Source: Kaplan & Meier (1958); rule R-06.
    """
    gaps = interpurchase_times(orders, zone=zone, until=until)
    gaps = gaps[gaps["number"] == after]
    if not len(gaps):
        raise NotEnoughData(
            "retention.error_next_nobody",
            "time_to_repurchase: no customer has a purchase number {after}",
            after=after,
        )
    group = None if by is None else own.filled(schemas.group_of(gaps["customer_id"], by))
    table, medians = survival.by_group(gaps["days"], gaps["ended"], group, conf_level=conf_level)
    table = table.rename(columns={"time": "days"})
    return Result(
        question=Note(
            "retention.next_question",
            "How much time passes between purchase {k} and the next one?",
            k=after,
        ),
        answer=_next_answer(table, medians, after, len(gaps)),
        table=table,
        unit="customers",
        n=len(gaps),
        method=sentences.KAPLAN_MEIER,
        conf_level=conf_level,
        limits=(
            *sentences.medians(medians),
            Note(
                "retention.next_limit",
                "Customers who had not come back when the data end are censored, not counted as "
                "lost.",
            ),
        ),
        chart=Curve(
            x="days",
            group="group",
            step=True,
            percent=True,
            xlabel=Note("retention.next_axis", "Days since the purchase"),
            ylabel=Note("retention.next_share", "Share not back yet"),
        ),
    )


def _next_answer(table, medians, after, customers):
    known = [m for m in medians if all(v == v for v in m[1:])]
    if not known and len(medians) > 1:
        return Note(
            "retention.next_answer_none",
            "The data are too short to say within how many days half of the customers of any "
            "group buy again ({n} customers).",
            n=customers,
        )
    if not known:
        row = table[table["n"] > 0].iloc[-1]
        return Note(
            "retention.next_answer_open",
            "{share:%} of the customers had not bought again {days} days after purchase {k} ({n} "
            "customers); the data are too short for a median with its interval.",
            share=float(row["estimate"]),
            days=float(row["days"]),
            k=after,
            n=customers,
        )
    group, median, low, high = min(known, key=lambda m: (m[1], str(m[0])))
    values = {"median": median, "low": low, "high": high, "k": after, "n": customers}
    if len(medians) == 1:
        return Note(
            "retention.next_answer",
            "Half of the customers bought again within {median} days of purchase {k} ({low} to "
            "{high}; {n} customers).",
            **values,
        )
    return Note(
        "retention.next_answer_by",
        "The shortest median observed is that of {group:word}: half of them were back within "
        "{median} days of purchase {k} ({low} to {high}; {n} customers in all groups).",
        group=group,
        **values,
    )
