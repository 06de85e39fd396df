"""How much more does a promotion sell, and where do the extra units come from?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW, FEW_CLUSTERS
from workbench.errors import InputError, NotEnoughData
from workbench.influence.price import WITHOUT_SALES, panel
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.products import demean

if TYPE_CHECKING:
    from workbench.types import Table

LEAST_ROWS = 8  # promoted rows, and others, without which nothing is estimated
LIFT = Note(
    "influence.promo_answer",
    "Under promotion a product sold {estimate:%} more than is estimated without one "
    "({low:%} to {high:%}; {n} rows).",
)
LIFT_ONLY_UNITS = Note(
    "influence.promo_answer_units",
    "Under promotion a product sold {estimate:3} units a period more than is "
    "estimated without one ({low:3} to {high:3}; {n} rows).",
)
NO_LIFT = Note(
    "influence.promo_answer_none",
    "It could not be shown that promotions sell more: {estimate:3} units a product "
    "and period ({low:3} to {high:3}; {n} rows).",
)


@engine.frames("sales")
@analysis
def promotion_lift(
    sales: Table,
    *,
    quantity: str = "quantity",
    promotion: str = "on_promotion",
    product: str = "product_id",
    store: str | None = None,
    period: str = "week",
    margin: str | None = None,
    after: int = 3,
    conf_level: float = 0.95,
) -> Result:
    """How many more units does a promotion sell, and are they switched from others, bought ahead,
    or new?

    What sells without a promotion is the yardstick: lasting differences between products (and
    stores) and common movements of periods are taken out. With stores, the extra units split into
    what other products of the same store and period lose, what the product itself loses in the
    periods after, and the rest. Without them the other products are themselves the yardstick of the
    period: what they lose cannot be told from it.

    Parameters
    ----------
    sales : DataFrame
        One row a product, period (and store), also where nothing was sold; periods must follow one
        another without gaps.
    quantity, promotion, product, store, period : str
        Columns; promotion is 0 or 1 (or a share).
    margin : str, optional
        Column with the margin a unit, to weigh what a promotion earns.
    after : int
        Periods over which a dip is looked for.

    Returns
    -------
    Result
        measure (lift: extra over what would have sold; own: extra units a promoted product and
        period; switched, bought_ahead, new; margin, where asked for), n (rows), estimate,
        std_error, conf_low, conf_high. own = switched + bought_ahead + new;
        without `store`, switched and new are missing.
        Products and shelves (periods of a store) are the sampling units.

    Raises
    ------
    InputError
        For missing columns, doubled rows or gaps.
    NotEnoughData
        With fewer than eight promoted rows or eight others, one product only, or promotions of all
        products at once.

    Source: Blattberg & Neslin (1990), Sales Promotion; van Heerde, Leeflang & Wittink (2004),
    Marketing Science 23 (decomposition in units); clustering both ways
    Cameron, Gelbach & Miller (2011), Journal of Business & Economic Statistics 29.
    """
    import pandas as pd

    rows, series, products, periods, lost = panel(
        sales, product, store, period, [quantity, promotion, *([margin] if margin else [])], "sales"
    )
    promo, y = rows[promotion].to_numpy(float), rows[quantity].to_numpy(float)
    if (promo > 0).sum() < LEAST_ROWS or (promo == 0).sum() < LEAST_ROWS:
        raise NotEnoughData(
            "influence.error_promotion_rows",
            "promotion_lift: {promoted} promoted and {others} other rows; {least} of "
            "each are needed",
            promoted=int((promo > 0).sum()),
            others=int((promo == 0).sum()),
            least=LEAST_ROWS,
        )
    g = int(products.max()) + 1
    if g < 2:
        raise NotEnoughData(
            "influence.error_promotion_products",
            "promotion_lift: at least two products are needed; with one, its promotions "
            "and the season cannot be told apart",
        )
    steps = np.diff(periods)[np.diff(series) == 0]
    if (steps != 1).any():
        raise InputError(
            "influence.error_sales_gaps",
            "sales: some products lack a period in between; put rows with 0 sold there, "
            "or leave the product out",
        )
    shelf = rows.groupby([store, period]).ngroup().to_numpy() if store else periods
    others = np.bincount(shelf, y)[shelf] - y
    columns = {"now": promo}
    for k in range(1, after + 1):
        early = np.zeros(len(y))
        early[k:] = np.where(series[k:] == series[:-k], promo[:-k], 0.0)
        columns[f"after {k}"] = early
    x = pd.DataFrame(columns)
    if store:
        x["others"] = np.bincount(shelf, promo)[shelf] - promo  # their own promotions move both
    inner = pd.DataFrame(demean(x.to_numpy(), series, periods), columns=x.columns)
    keep = [c for c in inner if inner[c].std() > 1e-9]
    if "now" not in keep:
        raise NotEnoughData(
            "influence.error_promotion_everywhere",
            "promotion_lift: promotions run for all products at once; their effect "
            "cannot be separated from the period",
        )
    inner = inner[keep]
    fits.check(inner.assign(constant=1.0), "sales")
    own, away = demean(y, series, periods), demean(-others, series, periods)
    m = inner.to_numpy()
    bread = np.linalg.inv(m.T @ m)
    beta, pulls = [], []
    for target in (own, away):
        b = bread @ (m.T @ target)
        beta.append(pd.Series(b, keep))
        pulls.append(pd.DataFrame((m * (target - m @ b)[:, None]) @ bread, columns=keep))
    later = [c for c in keep if c.startswith("after")]
    extra, ahead = beta[0]["now"], -beta[0][later].sum()
    switched = beta[1]["now"] if store else np.nan
    parts = {
        "own": (extra, pulls[0]["now"]),
        "switched": (switched, pulls[1]["now"]),
        "bought_ahead": (ahead, -pulls[0][later].sum(axis=1)),
    }
    parts["new"] = (
        extra - switched - ahead,
        parts["own"][1] - parts["switched"][1] - parts["bought_ahead"][1],
    )
    on = promo > 0
    usual = float(y[on].mean() - extra * promo[on].mean())
    base = (
        np.where(on, (y - y[on].mean() - extra * (promo - promo[on].mean())) / on.sum(), 0.0)
        - parts["own"][1] * promo[on].mean()
    )
    lift = extra / usual if usual > 0 else np.nan
    parts = {"lift": (lift, (parts["own"][1] - lift * base) / usual), **parts}
    if margin:
        m = rows[margin].to_numpy(float)
        earned, normal = float(m[on].mean()), float(m[~on].mean())
        # New and switched-in units earn the promoted margin; what would have sold anyway earns less
        # than it did.
        kept = extra - ahead
        value = kept * earned - usual * (normal - earned) - ahead * (normal - earned)
        pull = (parts["own"][1] - parts["bought_ahead"][1]) * earned - (
            base + parts["bought_ahead"][1]
        ) * (normal - earned)
        parts["margin"] = (value, pull)
    table = []
    for name, (value, pull) in parts.items():
        # Products of one shelf share its luck, above all in what others lose: rows are clustered
        # both ways.
        both = (
            (np.bincount(products, pull) ** 2).sum()
            + (np.bincount(shelf, pull) ** 2).sum()
            - (pull**2).sum()
        )
        se = float(np.sqrt(max(both, (np.bincount(products, pull) ** 2).sum()) * g / max(g - 1, 1)))
        low, high = intervals.normal(value, se, conf_level, df=g - 1)
        se = se if np.isfinite(value) else np.nan
        table.append(
            {
                "measure": name,
                "n": len(y),
                "estimate": float(value),
                "std_error": se,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    limits = [
        *(
            []
            if store
            else [
                Note(
                    "influence.promo_one_shelf",
                    "Without stores the other products are the yardstick of the period: what "
                    "they lose to the promotion counts as its gain, so the lift is too high "
                    "where people switch, and switched and new units cannot be told apart.",
                )
            ]
        ),
        Note(
            "influence.promo_limit",
            "Sellers choose when to promote, and promotions reach people who like "
            "deals; the baseline is estimated, not observed.",
        ),
        Note(
            "influence.promo_base",
            "{n} promoted row; baseline sales {usual:3} a row.",
            "{n} promoted rows; baseline sales {usual:3} a row.",
            n=int((promo > 0).sum()),
            usual=usual,
        ),
    ]
    if g < 30:
        limits.append(FEW_CLUSTERS.having(n=g, least=30, unit="products"))
    if periods.max() + 1 < 52:
        limits.append(FEW.having(n=periods.max() + 1, least=52, unit="periods"))
    if lost:
        limits.append(WITHOUT_SALES.having(n=lost))
    return Result(
        question=Note(
            "influence.promo_question",
            "How many more units does a promotion sell, and where do they come from?",
        ),
        table=_with_units(pd.DataFrame(table)),
        answer=_promotion_answer(table),
        method=(
            Note(
                "influence.promo_method",
                "Fixed effects of product (and store) and period; dip in the {after} "
                "periods after; units split into switched, bought ahead and new; clustered "
                "by product and by shelf.",
                after=after,
            )
            if store
            else Note(
                "influence.promo_method_plain",
                "Fixed effects of product and period; dip in the {after} periods after; "
                "clustered by product and by period.",
                after=after,
            )
        ),
        unit="rows",
        n=len(y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            only={"measure": ["own", "switched", "bought_ahead", "new"]},
            reference=0,
            xlabel=Note("influence.promo_axis", "Units per promoted product and period"),
        ),
    )


UNITS = {"lift": "times_without", "margin": "money"}  # others count units sold


def _with_units(table):
    """Return the table with what the estimate of each row counts."""
    return table.assign(unit=table["measure"].map(UNITS).fillna("units_sold"))


def _promotion_answer(table):
    """Return the lift, in units where there is no share to give."""
    lift, own = table[0], table[1]
    if own["conf_low"] <= 0:
        return NO_LIFT.having(**fits.said(own))
    if np.isfinite(lift["estimate"]):
        return LIFT.having(**fits.said(lift))
    return LIFT_ONLY_UNITS.having(**fits.said(own))
