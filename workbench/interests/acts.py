"""What people did, in which topic and when: the tables that interests are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import engine, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import analysis

if TYPE_CHECKING:
    from workbench.types import Table

TIMES = ("occurred_at", "ordered_at")
DAY = 86_400_000_000
SEEN = Note(
    "interests.seen",
    "Only what was shown and offered could be looked at or bought: an interest in anything else "
    "leaves no mark.",
)
# Customers fall into two halves by a number made of what they did, not of their names.
HALVES = """
  halves AS (
    SELECT customer, CAST(abs(mod(mod(CAST(
        sum(mod(day, 10007) * 7919
          + mod(CAST((t - mod(t, 1000000)) / 1000000 AS BIGINT), 86399) * 10459 + 31)
        AS BIGINT), 10007), 2)) AS INTEGER) AS half
    FROM e GROUP BY customer)"""


@dataclass(frozen=True, eq=False)
class Acts:
    """Acts seen through canonical columns (customer, t, day, topic and any others asked for).

    `view`, `start` and `end` (first and last moment, microseconds), `limits` (what cannot be used).
    """

    view: object
    start: int
    end: int
    limits: tuple


def read(acts, topic, *, zone="UTC", until=None, **more):
    """Return acts ready to be counted.

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the topic
    topic : str
        Column that holds it; rows without one are left out.
    zone : str
    until : moment, optional
        What came later takes no part.
    **more : Role
        Further columns of the view.

    Raises
    ------
    InputError
        For a missing column.
    NotEnoughData
        Where no row can be used.
    """
    present = list(engine.columns(acts))
    time = next((name for name in TIMES if name in present), TIMES[0])
    need_columns("acts", present, "customer_id", time, topic)
    end = schemas.observed_until(acts, until, column=time, zone=zone)
    if end is None:
        raise _none()
    view = engine.view(
        acts,
        zone=zone,
        upto=None if until is None else end,
        customer=engine.key("customer_id"),
        t=engine.micros(time),
        day=engine.day(time),
        topic=engine.key(topic),
        **more,
    )
    spanned = engine.run("SELECT min(t) AS a, max(t) AS b, count(*) AS n FROM e", e=view).iloc[0]
    if not int(spanned["n"]):
        raise _none()
    first, last = int(spanned["a"]), int(spanned["b"])
    return Acts(view, first, end if until is not None else last, engine.left_out(view).limits)


def _none():
    return NotEnoughData(
        "interests.error_no_act", "acts: there is no row with a customer, a time and a topic"
    )


@engine.tables("lines", "products")
@analysis
def categorised(lines: Table, products: object, *, category: str = "category") -> object:
    """Which category does each order line belong to?

    Parameters
    ----------
    lines : table with product_id
        Such as order lines; a column of that name in it gives way to that of the products.
    products : table with product_id and the category
    category : str
        Column of `products` that is wanted.

    Returns
    -------
    DataFrame
        customer_id, order_id, ordered_at, quantity and amount of the lines where they have them,
        product_id and the category; missing where the product is not known.

    Raises
    ------
    InputError
        For a missing column, or a product in several rows.

    Source: the canonical tables in `docs/mapping.md`.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = pd.DataFrame({"customer_id": [1, 2], "product_id": ["p", "q"]})
    >>> products = pd.DataFrame({"product_id": ["p"], "category": ["tea"]})
    >>> categorised(lines, products)["category"].fillna("–").tolist()
    ['tea', '–']
    """
    need_columns("lines", engine.columns(lines), "product_id")
    need_columns("products", engine.columns(products), "product_id", category)
    named = engine.view(products, product=engine.key("product_id"), category=engine.key(category))
    twice = int(engine.one("SELECT count(*) - count(DISTINCT product) FROM p", p=named) or 0)
    if twice:
        raise InputError(
            "interests.error_products_twice",
            "products: one row a product is needed; {n} rows repeat one",
            n=twice,
        )
    wanted = ("customer_id", "order_id", "ordered_at", "occurred_at", "quantity", "amount")
    kept = [name for name in wanted if name in engine.columns(lines)]
    seen = engine.view(
        lines,
        product=engine.key("product_id"),
        **{name: engine.raw(name) for name in kept},
    )
    columns = ", ".join(f"l.{name}" for name in kept)
    order = ", ".join([*(f"l.{name}" for name in kept), "l.product"])
    result = engine.run(
        f"SELECT {columns}{', ' if kept else ''}l.product AS product_id, p.category AS category "
        f"FROM l LEFT JOIN p ON p.product = l.product ORDER BY {order}",
        l=seen,
        p=named,
    )
    return result.rename(columns={"category": category})
