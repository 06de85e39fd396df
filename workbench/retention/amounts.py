"""Dearer or cheaper than the time before? What is regression to the mean, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table

LEAST = 10  # customers with both orders
REGRESSION = Note(
    "retention.amounts_regression",
    "Whoever is picked for a large order had a large one partly by chance, so the other order is "
    "nearer to the mean, before as well as after: a difference that is as large backwards in time "
    "is no change.",
)


@engine.frames("times")
@analysis
def next_amounts(times: Table, *, conf_level: float = 0.95) -> Result:
    """Do customers with a large order spend less the next time, or is that regression to the mean?

    Customers are split by the amount of one order, and the other one is looked at: forwards (split
    by the earlier order) and backwards (split by the later one). Where nothing but chance moves
    amounts, both show the same.

    Parameters
    ----------
    times : table of `times_to_return`

    Returns
    -------
    Result
        split_on ("earlier_order", "later_order"), size (large_order, small_order, split at the
        median of the two orders together), n (customers), split_amount (mean amount of the order
        they were split by), estimate (mean amount of the other order), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        With fewer than ten customers who made both orders.

    Source: Galton (1886), Journal of the Anthropological Institute 15; Barnett, van der Pols &
    Dobson (2005), International Journal of Epidemiology 34.
    """
    import pandas as pd

    need_columns("times", times.columns, "amount", "next_amount")
    both = times[["amount", "next_amount"]].astype(float).dropna()
    if not np.isfinite(both.to_numpy()).all():
        raise InputError("retention.error_amounts", "times: amounts must be numbers")
    if len(both) < LEAST:
        raise NotEnoughData(
            "retention.error_amounts_few",
            "next_amounts: {count} customers made both orders; {least} are needed",
            count=len(both),
            least=LEAST,
        )
    cut = float(np.median(both.to_numpy()))
    rows = []
    for split, by, other in (
        ("earlier_order", "amount", "next_amount"),
        ("later_order", "next_amount", "amount"),
    ):
        for size, mine in (("large_order", both[by] > cut), ("small_order", both[by] <= cut)):
            rows.append({"split_on": split, "size": size, **_mean(both[mine], by, other)})
    table = pd.DataFrame(rows)
    low, high = intervals.normal(table["estimate"], table["std_error"], conf_level)
    table["conf_low"], table["conf_high"] = np.maximum(low, 0.0), high
    return Result(
        question=Note(
            "retention.amounts_question",
            "Do customers with a large order spend less the next time, or does it only look so?",
        ),
        answer=_either_way(table),
        table=table,
        method=Note(
            "retention.amounts_method",
            "Customers with both orders, split at the median amount of one order; mean amount of "
            "the other.",
        ),
        unit="customers",
        n=len(both),
        conf_level=conf_level,
        limits=(REGRESSION,),
        chart=Points(
            label=["split_on", "size"],
            beside="split_amount",
            xlabel=Note(
                "retention.amounts_axis", "Mean amount of the other order, in its currency"
            ),
        ),
    )


def _mean(mine, by, other):
    n = len(mine)
    values = mine[other].to_numpy()
    error = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 and np.ptp(values) > 0 else np.nan
    return {
        "n": n,
        "split_amount": float(mine[by].mean()) if n else np.nan,
        "estimate": float(values.mean()) if n else np.nan,
        "std_error": error,
    }


def _either_way(table):
    large = table[table["size"] == "large_order"].set_index("split_on")
    forward, back = large.loc["earlier_order"], large.loc["later_order"]
    return Note(
        "retention.amounts_answer",
        "Customers with a large order ({first:money} on average) spent {second:money} the next "
        "time ({low:money} to {high:money}; {n} customers). Split by the next order it is the "
        "same backwards: those who spent {back_first:money} had spent {back:money} the time "
        "before ({back_low:money} to {back_high:money}).",
        first=float(forward["split_amount"]),
        second=float(forward["estimate"]),
        low=float(forward["conf_low"]),
        high=float(forward["conf_high"]),
        n=int(forward["n"]),
        back_first=float(back["split_amount"]),
        back=float(back["estimate"]),
        back_low=float(back["conf_low"]),
        back_high=float(back["conf_high"]),
    )
