"""At which step of the checkout carts stop, and how payments are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import analysis, small_cells
from workbench.stages.carts import FIRM, NO_CART
from workbench.stages.measures import rate_result, shown, thin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.results import Result
    from workbench.types import Moment, Table

CHECKOUT = {
    "question": Note("stages.checkout_question", "Where in the checkout do carts stop?"),
    "method": Note(
        "stages.checkout_method",
        "Share of carts that reach a step and go no further; lost payments by their last attempt. "
        "The customer is the sampling unit.",
    ),
    "axis": Note("stages.checkout_axis", "Share"),
}


@engine.tables("events")
@analysis
def checkout(
    events: Table,
    steps: Sequence[str] = (
        "add_to_cart",
        "begin_checkout",
        "shipping_info",
        "payment_submit",
        "order",
    ),
    *,
    failed: str | None = "payment_failed",
    slow: str = "5s",
    window: str = "24h",
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """At which step of the checkout do carts stop, and did the payment fail, drag, or did people
    just leave?

    A step counts from the first one seen of a cart on; an order without any step before it says
    nothing of the checkout.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event; `value` of the payment event in seconds
    where there is one
    steps : list of str
        From cart to order; the one before the last is the payment.
    failed : str or None
        Event of a declined or timed-out payment.
    slow : str
        A payment that took longer counts as slow.
    window : str
        As in `carts`.

    Returns
    -------
    Result
        measure (step: share that goes no further; payment: how lost payments were lost; slow only
        where seconds were recorded), step, count, n (carts that reached the step; lost payments),
        estimate, std_error, conf_low, conf_high. A retry counts once.

    Raises
    ------
    InputError
        For an unknown event.
    NotEnoughData
        If no cart is old enough.

    Source: S-17 in `docs/glossary.md`.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    present = engine.distinct(events, column)
    steps = own.occurring("steps", own.several(steps), present)
    known = own.listed(present)
    fails = [name for name in own.listed(() if failed is None else failed) if name in known]
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, [*steps, *fails[:1]]),
    }
    if "value" in engine.columns(events):
        roles["value"] = engine.real("value")
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    parts = engine.map_ordered(
        view,
        _Checkout(
            len(steps),
            bool(fails),
            schemas.micros("window", window),
            schemas.micros("slow", slow) / 1e6,
            end,
        ),
        then=("t", "k"),
    )
    parts = parts[parts["mature"]]
    if not len(parts):
        raise NotEnoughData(NO_CART)
    rows = []
    for j in range(len(steps) - 1):
        here = parts[(parts["furthest"] >= j) & (parts["first"] <= j)]
        if len(here):
            rows.append(
                {
                    "measure": "step",
                    "step": steps[j],
                    **intervals.share(here["furthest"] == j, here["customer"], conf_level),
                }
            )
    lost = parts[parts["furthest"] == len(steps) - 2]
    if len(lost):
        timed = "value" in roles and bool(lost["timed"].any())
        kinds = ([("failed", lost["failed"])] if fails else []) + (
            [("slow", ~lost["failed"] & lost["slow"])] if timed else []
        )
        # What was not measured is not 0: without seconds nobody can tell slow payments from those
        # left by choice.
        rest = ~lost["failed"] & ~(lost["slow"] if timed else False)
        for kind, hit in [*kinds, ("voluntary" if fails and timed else "not_explained", rest)]:
            rows.append(
                {
                    "measure": "payment",
                    "step": kind,
                    **intervals.share(hit, lost["customer"], conf_level),
                }
            )
    limits = [
        Note(
            "stages.checkout_limit",
            "Payments by a bank's page are not always reported back: reconcile with the orders.",
        ),
        *thin(len(parts), FIRM),
    ]
    table = pd.DataFrame(rows)
    return rate_result(
        CHECKOUT | {"answer": _checkout_answer(table)},
        table,
        len(parts),
        "carts",
        conf_level,
        limits,
        ["measure", "step"],
        "measure",
    )


def _checkout_answer(table):
    """Return the step at which most of the carts that reached it stop."""
    steps = table[table["measure"] == "step"] if len(table) else table
    if not len(steps):
        return Note("stages.checkout_answer_none", "No step of the checkout was reached by a cart.")
    steps = steps[~small_cells(steps)] if (~small_cells(steps)).any() else steps
    most = steps.loc[steps["estimate"].idxmax()]
    return Note(
        "stages.checkout_answer",
        "The largest share of carts observed to stop is at {step:word}: {share:%} of those that "
        "reached it go no further ({low:%} to {high:%}; {count} of {n}).",
        step=most["step"],
        **shown(most),
    )


class _Checkout:
    """The kernel of `checkout`: one row per cart, with the furthest step it reached."""

    def __init__(self, steps, fails, window, slow, end):
        self.steps, self.fails, self.window, self.slow, self.end = steps, fails, window, slow, end

    def __call__(self, batch):
        k, time, n = batch["k"].astype(np.int64), batch["t"], len(batch)
        is_failed = self.fails & (k == self.steps)
        step = np.where(is_failed, self.steps - 2, k)
        new = np.zeros(n, bool)
        new[batch.starts] = True
        new[1:] |= (np.diff(time) > self.window) | (k[:-1] == self.steps - 1)
        head = np.flatnonzero(new)
        if not len(head):
            none = np.zeros(0, bool)
            return {
                "customer": batch["customer"][:0],
                "first": np.zeros(0, np.int64),
                "furthest": np.zeros(0, np.int64),
                "failed": none,
                "slow": none,
                "timed": none,
                "mature": none,
            }
        ends = np.append(head[1:], n) - 1
        furthest = np.maximum.reduceat(step, head)
        # Of several tries to pay the last one tells how the cart was lost.
        paying = step == self.steps - 2
        at = np.maximum.reduceat(np.where(paying, np.arange(n), -1), head)
        safe = np.maximum(at, 0)
        seconds = batch["value"].astype(float) if "value" in batch.columns else np.full(n, np.nan)
        # Watched for the whole window after the last step before the order, whatever came of it.
        last = np.maximum.reduceat(
            np.where(k < self.steps - 1, time, time[np.repeat(head, ends - head + 1)]), head
        )
        return {
            "customer": batch["customer"][head],
            "first": np.minimum.reduceat(step, head),
            "furthest": furthest,
            "failed": (at >= 0) & is_failed[safe],
            "slow": (at >= 0) & (np.nan_to_num(seconds[safe]) > self.slow),
            "timed": (at >= 0) & ~np.isnan(seconds[safe]),
            "mature": last + self.window <= self.end,
        }
