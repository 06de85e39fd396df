"""Do people buy on impulse? First orders without search or evaluation before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import regression as fits
from workbench.data_limits import FEW, LEFT_OUT
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

ON_IMPULSE = Note(
    "influence.impulse_answer",
    "{estimate:%} of first orders were placed on impulse ({low:%} to {high:%}; {count} of {n}).",
)
IMPULSE_DIFFERS = Note(
    "influence.impulse_answer_groups",
    "{share:%} of first orders in {first:word} were placed on impulse and "
    "{second_share:%} in {second:word}: a difference of {estimate:points} "
    "percentage points ({low:points} to {high:points}; {n} orders).",
)
IMPULSE_ALIKE = Note(
    "influence.impulse_answer_alike",
    "No difference in impulse buying could be shown between {first:word} "
    "({share:%}) and {second:word} ({second_share:%}): {estimate:points} percentage "
    "points ({low:points} to {high:points}; {n} orders).",
)


@engine.tables("events")
@analysis
def impulse(
    events: Table,
    *,
    order: str = "order",
    evaluating: Sequence[str] = ("search", "evaluation"),
    stage: str = "stage",
    within: str = "30min",
    by: str | None = None,
    gap: str = "30D",
    conf_level: float = 0.95,
) -> Result:
    """Which share of first orders is made on impulse: without any search or weighing, within
    minutes of the first contact?

    A customer's later orders are left out: who knows what they want also skips stages, and that is
    habit, not impulse.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event and a column with the stage
    (`stages.assign`)
    order : str
        The event that is a purchase.
    evaluating : sequence of str
        Stages whose events rule impulse out.
    stage : str
        Column of the stage.
    within : str
        From first contact to order.
    by : str, optional
        Column to compare by, such as side (B2C, B2B); with two values the difference is given too.
    gap : str
        Silence that ends an occasion.

    Returns
    -------
    Result
        group, count (impulse orders), n (first orders), estimate, std_error, conf_low, conf_high; a
        last row "A − B" compares the first two groups.

    Raises
    ------
    InputError
        For missing columns, an unknown order, or stages to evaluate in of which the data have none.
    NotEnoughData
        Without a first order.

    Source: Stern (1962), Journal of Marketing 26; Rook & Fisher (1995), Journal of Consumer
    Research 22; rule F-20 of the glossary.
    """
    import pandas as pd

    schemas.require(events, "events", stage, by)
    stages, known = engine.distinct(events, stage), engine.distinct(events, "event")
    if order not in known:
        raise unknown("order", "event", order, known)
    heavy = [i for i, s in enumerate(stages) if s in evaluating]
    if not heavy:
        raise unknown("evaluating", "stage", ", ".join(evaluating), stages)
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "e": engine.code("event", [order], others=True),
        "s": engine.code(stage, stages, others=True),
    }
    groups = engine.distinct(events, by) if by else ["all"]
    if by:
        roles["g"] = engine.code(by, groups, others=True)
    # What happens at the very moment of the order came before it.
    found = engine.map_ordered(
        engine.view(events, **roles),
        _Impulse(schemas.micros("gap", gap), heavy, by is not None),
        then=("t", "e", "s"),
        descending=("e",),
    )
    groupless = int((found["g"] == len(groups)).sum())
    found = found[found["g"] < len(groups)]
    if not len(found):
        raise NotEnoughData("influence.error_nobody_ordered", "impulse: nobody ordered")
    hit = (found["minutes"] * 60_000_000 <= schemas.micros("within", within)) & (
        found["heavy"] == 0
    )
    rows = []
    for i, name in enumerate(groups):
        mine = (found["g"] == i).to_numpy()
        if mine.any():
            rows.append(
                {
                    "group": name,
                    **intervals.share(hit[mine].to_numpy(), np.flatnonzero(mine), conf_level),
                }
            )
    if len(rows) > 1:
        first, second = ((found["g"] == groups.index(r["group"])).to_numpy() for r in rows[:2])
        both = first | second
        rows.append(
            {
                "group": f"{rows[0]['group']} − {rows[1]['group']}",
                **intervals.share_difference(
                    hit[both], first[both], np.flatnonzero(both), conf_level
                ),
            }
        )
    limits = [
        Note(
            "influence.impulse_limit",
            "Customers' later orders are left out, since habit looks the same; a "
            "customer from before the data began appears new.",
        ),
        Note(
            "influence.impulse_proxy",
            "Search in shops, on other devices or from memory is not observed: a proxy "
            "until a survey has validated it.",
        ),
    ]
    if len(found) < 200:
        limits.append(FEW.having(n=len(found), least=200, unit="orders"))
    if groupless:
        limits.append(LEFT_OUT.having(n=groupless))
    return Result(
        question=Note(
            "influence.impulse_question", "What share of first orders is placed on impulse?"
        ),
        table=pd.DataFrame(rows),
        answer=_impulse_answer(rows, len(groups) > 1),
        method=Note(
            "influence.impulse_method",
            "First orders without prior search or evaluation, within {within:span} of "
            "the first contact; Wilson intervals.",
            within=within,
        ),
        unit="orders",
        n=len(found),
        conf_level=conf_level,
        evidence="descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["group"],
            only={"group": [r["group"] for r in rows if r["group"] in groups]},
            percent=True,
            xlabel=Note("influence.impulse_axis", "Share of first orders"),
        ),
    )


def _impulse_answer(rows, grouped):
    """Return the share of all orders, or how the first two groups differ."""
    if not grouped or len(rows) < 3:
        return ON_IMPULSE.having(**fits.said(rows[0]), count=rows[0]["count"])
    first, second, difference = rows[0], rows[1], rows[-1]
    answer = IMPULSE_DIFFERS if fits.clear(difference) else IMPULSE_ALIKE
    return answer.having(
        **fits.said(difference),
        first=first["group"],
        second=second["group"],
        share=first["estimate"],
        second_share=second["estimate"],
    )


class _Impulse:
    """The kernel: for every customer's first order, minutes since the occasion began and searching
    or weighing events before it.
    """

    def __init__(self, gap, heavy, grouped):
        self.gap, self.heavy, self.grouped = gap, heavy, grouped

    def __call__(self, batch):
        t, n = batch["t"], len(batch)
        if not n:
            return {
                "minutes": np.zeros(0),
                "heavy": np.zeros(0, np.int64),
                "g": np.zeros(0, np.int64),
            }
        new = np.zeros(n, bool)
        new[1:] = np.diff(t) > self.gap
        new[batch.starts] = True
        begin = np.maximum.accumulate(np.where(new, np.arange(n), 0))
        weighs = np.concatenate([[0], np.cumsum(np.isin(batch["s"], self.heavy))])
        order = batch["e"] == 0
        orders = np.concatenate([[0], np.cumsum(order)])
        first = np.flatnonzero(order & (orders[:-1] == orders[batch.first]))
        return {
            "minutes": (t[first] - t[begin[first]]) / 60e6,
            "heavy": weighs[first] - weighs[begin[first]],
            "g": batch["g"][first] if self.grouped else np.zeros(len(first), np.int64),
        }
