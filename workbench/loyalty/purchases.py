"""Who bought what how often: the purchases of every household and brand, and how a brand is
measured by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.errors import InputError, NotEnoughData, need_columns, one_of
from workbench.loyalty.limits import BUYERS_ONLY, few
from workbench.notes import Note
from workbench.results import analysis
from workbench.stats import resample

if TYPE_CHECKING:
    from workbench.types import Table

LEAST = 400  # households
OTHERS = "other brands"
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Panel:
    """Who bought what how often: `counts` (households × brands, purchases: baskets with the brand),
    `money` alike, `brands`, `households` in all (those who never bought included), `ids` of the
    buyers, and `baskets` with the category a household: one with two brands is two purchases.
    """

    counts: np.ndarray
    money: np.ndarray
    brands: tuple
    households: int
    ids: np.ndarray
    merged: int
    baskets: np.ndarray | None = None
    attrs: dict = field(default_factory=dict)

    @property
    def named(self):
        """Places of the brands that are one brand, not the rest taken together."""
        return [i for i, b in enumerate(self.brands) if b != OTHERS]

    @property
    def total(self):
        """Purchases of the category a household."""
        return self.counts.sum(axis=1)

    def draws(self, number, seed):
        """Return weights of households drawn anew, a row a draw; those who never bought are drawn
        too.
        """
        rng = np.random.default_rng(seed)
        buyers = len(self.counts)
        share = np.append(np.full(buyers, 1 / self.households), 1 - buyers / self.households)
        at = resample.place(self.counts, np.arange(buyers))
        return rng.multinomial(self.households, share.clip(0), number)[:, at].astype(float)


@engine.tables("lines")
@analysis
def purchase_panel(
    lines: Table,
    *,
    brand: str = "brand",
    households: int | None = None,
    most: int = 12,
    by: str = "occasions",
) -> Panel:
    """Count the purchases of every household and brand.

    Parameters
    ----------
    lines : table of order lines of one category, with order_id, customer_id, amount and the brand
    brand : str
        Column of the brand.
    households : int, optional
        Households in all, those who bought nothing of the category included; None: the buyers only,
        and penetrations are then among buyers.
    most : int
        Brands shown, the largest; the others are taken together as "other brands".
    by : str
        "occasions" (a brand bought in an order counts once) or "quantity" (column quantity).

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        For a missing column, or fewer households than buyers.
    NotEnoughData
        With fewer than two brands.

    Source: Ehrenberg (1988), Repeat-Buying.
    """
    one_of("by", by, ("occasions", "quantity"))
    need_columns(
        "lines",
        engine.columns(lines),
        "order_id",
        "customer_id",
        "amount",
        brand,
        *(["quantity"] if by == "quantity" else []),
    )
    view = engine.view(
        lines,
        customer=engine.key("customer_id"),
        order_id="order_id",
        brand=brand,
        amount=engine.real("amount"),
        **({"quantity": engine.real("quantity")} if by == "quantity" else {}),
    )
    much = "CAST(count(DISTINCT order_id) AS DOUBLE)" if by == "occasions" else "sum(quantity)"
    found = engine.run(
        f"SELECT customer, brand, {much} AS bought, sum(amount) AS money FROM v WHERE brand IS NOT"
        " NULL GROUP BY customer, brand ORDER BY customer, brand",
        v=view,
    )
    found = found[found["bought"] > 0]
    sizes = found.groupby("brand")["bought"].sum().sort_values(ascending=False, kind="stable")
    if len(sizes) < 2:
        raise NotEnoughData(
            "loyalty.error_panel_brands",
            "purchase_panel: {least} brands are needed, found {count}",
            least=2,
            count=len(sizes),
        )
    kept = list(sizes.index[:most])
    found = found.assign(
        brand=found["brand"].astype(object).where(found["brand"].isin(kept), OTHERS)
    )
    wide = found.pivot_table(["bought", "money"], "customer", "brand", "sum", fill_value=0.0)
    names = (*kept, *([OTHERS] if len(sizes) > most else []))
    counts, money = (wide[c].reindex(columns=names).to_numpy(float) for c in ("bought", "money"))
    if households is not None and households < len(counts):
        raise InputError(
            "loyalty.error_households",
            "households: {households} are fewer than the {buyers} who bought",
            households=households,
            buyers=len(counts),
        )
    return Panel(
        counts,
        money,
        tuple(map(str, names)),
        int(households or len(counts)),
        wide.index.to_numpy(),
        max(len(sizes) - most, 0),
        _baskets(view, wide.index) if by == "occasions" else None,
        dict(getattr(lines, "attrs", {})),
    )


def _baskets(view, customers):
    """Return how many baskets with the category every household had."""
    found = engine.run(
        "SELECT customer, CAST(count(DISTINCT order_id) AS DOUBLE) AS baskets FROM v"
        " WHERE brand IS NOT NULL GROUP BY customer ORDER BY customer",
        v=view,
    )
    return found.set_index("customer")["baskets"].reindex(customers).to_numpy(float)


def measures(p, w):
    """Return the measures of every brand for weights of households (rows: draws)."""
    bought = (p.counts > 0).astype(float)
    total = p.total
    n = float(p.households)
    buyers = w @ bought
    units, category, sole = (
        w @ p.counts,
        w @ (bought * total[:, None]),
        w @ (bought * (p.counts == total[:, None])),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "share": units / units.sum(axis=1, keepdims=True),
            "penetration": buyers / n,
            "purchases": units / buyers,
            "category_purchases": category / buyers,
            "requirements": units / category,
            "sole": sole / buyers,
        }


def given(lines, options):
    """Return the panel handed in, or the one its order lines make."""
    return lines if isinstance(lines, Panel) else purchase_panel(lines, **options)


def limits_of(p):
    """Return what is known about a panel's limits: buyers only, few households, brands merged."""
    out = [BUYERS_ONLY] if p.households == len(p.counts) else []
    if p.households < LEAST:
        out.append(few(p.households, LEAST, "households"))
    if p.baskets is not None and p.total.sum() > p.baskets.sum():
        out.append(
            Note(
                "loyalty.baskets",
                "Purchases are purchases of a brand: a basket with two brands is two. The "
                "{purchases} category purchases stand in {baskets} baskets, {each:3} and "
                "{each_basket:3} per household; shares and means per basket differ from these.",
                purchases=int(p.total.sum()),
                baskets=int(p.baskets.sum()),
                each=float(p.total.sum() / p.households),
                each_basket=float(p.baskets.sum() / p.households),
            )
        )
    if p.merged:
        out.append(
            Note(
                "loyalty.merged",
                "{n} smaller brand is counted among the other brands.",
                "{n} smaller brands are taken together as other brands.",
                n=p.merged,
            )
        )
    return out
