"""What people buy the next time after buying a brand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData, need_columns
from workbench.loyalty.purchases import OTHERS
from workbench.notes import Note
from workbench.results import Heat, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table

PAIRS = 20  # pairs of purchases below which nothing is shown
REPERTOIRE = Note(
    "loyalty.switch_limit",
    "Buying several brands in turn is not switching: people keep a repertoire.",
)


@engine.tables("lines")
@analysis
def switching(
    lines: Table, *, brand: str = "brand", most: int = 8, conf_level: float = 0.95
) -> Result:
    """After buying a brand, what do people buy the next time?

    Parameters
    ----------
    lines : order lines of one category with order_id, customer_id, ordered_at and the brand
    brand : str
    most : int
        Brands kept apart, the largest; orders with several brands are left out and counted.

    Returns
    -------
    Result
        brand, following, count, n (purchases of the brand with another after them), estimate
        (share), std_error, conf_low, conf_high, by_size (the share the following brand would have
        if the last purchase told nothing), ratio (estimate over by_size).
        The household is the sampling unit.

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        With fewer than 20 pairs of purchases.

    Source: Colombo & Morrison (1989), Marketing Science 8.
    """
    import pandas as pd

    need_columns("lines", engine.columns(lines), "order_id", "customer_id", "ordered_at", brand)
    view = engine.view(
        lines,
        customer=engine.key("customer_id"),
        order_id="order_id",
        brand=brand,
        moment=engine.micros("ordered_at"),
    )
    pairs = engine.run(
        """WITH
          orders AS (
            SELECT customer, order_id, min(moment) AS moment, min(brand) AS brand,
              count(DISTINCT brand) AS brands
            FROM v WHERE brand IS NOT NULL GROUP BY customer, order_id)
          SELECT customer, brand, following
          FROM (
            SELECT customer, order_id, moment, brand, brands,
              lead(brand) OVER (PARTITION BY customer ORDER BY moment, order_id) AS following,
              lead(brands) OVER (PARTITION BY customer ORDER BY moment, order_id) AS next_brands
            FROM orders) x
          WHERE following IS NOT NULL AND brands = 1 AND next_brands = 1
          ORDER BY customer, moment, order_id""",
        v=view,
    )
    several = int(
        engine.one(
            "SELECT count(*) FROM (SELECT order_id FROM v WHERE brand IS NOT NULL GROUP BY"
            " customer, order_id HAVING count(DISTINCT brand) > 1) x",
            v=view,
        )
    )
    if len(pairs) < PAIRS:
        raise NotEnoughData(
            "loyalty.error_few_pairs",
            "switching: {count} pairs of purchases; {least} are needed",
            count=len(pairs),
            least=PAIRS,
        )
    kept = list(
        pairs["brand"]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
        .index[:most]
    )
    a, b = (pairs[c].where(pairs[c].isin(kept), OTHERS) for c in ("brand", "following"))
    names = [*kept, *([OTHERS] if ((a == OTHERS) | (b == OTHERS)).any() else [])]
    who = pairs["customer"].to_numpy()
    size = b.value_counts(normalize=True).reindex(names, fill_value=0.0)
    rows = []
    for one in names:
        mine = (a == one).to_numpy()
        if not mine.any():
            continue
        for other in names:
            share = intervals.share((b[mine] == other).to_numpy(), who[mine], conf_level)
            rows.append(
                {
                    "brand": one,
                    "following": other,
                    **share,
                    "by_size": float(size[other]),
                    "ratio": share["estimate"] / size[other] if size[other] else np.nan,
                }
            )
    moved = intervals.share((a != b).to_numpy(), who, conf_level)
    by_size = float(1 - (a.value_counts(normalize=True).reindex(names, fill_value=0) * size).sum())
    limits = [REPERTOIRE, _several(several)] if several else [REPERTOIRE]
    return Result(
        question=Note(
            "loyalty.switch_question", "After buying a brand, what do people buy the next time?"
        ),
        table=pd.DataFrame(rows),
        answer=_switched(moved, by_size),
        method=Note(
            "loyalty.switch_method",
            "Pairs of consecutive purchases; Wilson intervals at the effective number of "
            "independent pairs.",
        ),
        unit="purchases",
        n=len(pairs),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Heat(
            row="brand",
            column="following",
            percent=True,
            xlabel=Note("loyalty.switch_axis", "Bought next"),
            ylabel=Note("loyalty.switch_yaxis", "Bought"),
        ),
    )


def _switched(moved, by_size):
    return Note(
        "loyalty.switch_answer",
        "After {share:%} of purchases another brand is bought the next time ({low:%} to {high:%}; "
        "{count} of {n}); if brands were chosen by size alone, it would be {by_size:%}.",
        share=moved["estimate"],
        low=moved["conf_low"],
        high=moved["conf_high"],
        count=int(moved["count"]),
        n=moved["n"],
        by_size=by_size,
    )


def _several(n):
    return Note(
        "loyalty.switch_several",
        "{n} order holds several brands and is left out, with the pairs it is part of.",
        "{n} orders hold several brands and are left out, with the pairs they are part of.",
        n=n,
    )
