"""Times from one purchase to the next, as survival analysis wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.errors import NotEnoughData
from workbench.results import analysis
from workbench.retention.repeat_purchase import interpurchase_times

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table


@engine.tables("orders")
@analysis
def times_to_return(
    orders: Table, *, after: int = 1, zone: str = "UTC", until: Moment | None = None
) -> pd.DataFrame:
    """List the time from every customer's purchase number `after` to the next, open ones included.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    after : int
        The purchase the clock starts at.
    zone, until : as in `repeat_rate`

    Returns
    -------
    DataFrame
        The columns of `interpurchase_times`, ended as 0 or 1, and log_amount (logarithm of one
        plus the amount of that purchase), size (large_order or small_order, split at the median)
        and cause (how it ended: with a dearer_order or a cheaper_order; missing where it is still
        open).

    Raises NotEnoughData where no customer has such a purchase.

    >>> from workbench import simulate
    >>> orders = simulate.market(50)["orders"]
    >>> sorted(times_to_return(orders)["size"].unique())
    ['large_order', 'small_order']
    """
    gaps = interpurchase_times(orders, zone=zone, until=until)
    rows = gaps[(gaps["number"] == after) & (gaps["amount"] >= 0) & (gaps["days"] > 0)]
    if not len(rows):
        raise NotEnoughData(
            "retention.error_times_nobody",
            "times_to_return: no customer was followed after purchase number {after}",
            after=after,
        )
    large = rows["amount"] > rows["amount"].median()
    dearer = np.where(rows["next_amount"] > rows["amount"], "dearer_order", "cheaper_order")
    return rows.assign(
        ended=rows["ended"].astype(int),
        log_amount=np.log1p(rows["amount"]),
        size=np.where(large, "large_order", "small_order"),
        cause=np.where(rows["ended"], dearer, None),
    )
