"""How do sales move with the price?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW_CLUSTERS, LEAST_F, WEAK
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.products import demean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

METHODS = {
    "poisson": Note(
        "influence.price_poisson",
        "Poisson regression with fixed effects of product (and store) and period; the "
        "product is the sampling unit.",
    ),
    "log": Note(
        "influence.price_log",
        "Log-log regression with fixed effects of product (and store) and period; the "
        "product is the sampling unit.",
    ),
}
WITHOUT_SALES = Note(
    "influence.without_sales",
    "{n} row without usable sales, or with a missing value, is left out.",
    "{n} rows without usable sales, or with a missing value, are left out.",
    n=0,
)
ELASTIC = Note(
    "influence.price_answer",
    "When the price is one percent higher, sales differ by {estimate:3} percent "
    "({low:3} to {high:3}; {n} rows).",
)
NOT_ELASTIC = Note(
    "influence.price_answer_none",
    "It could not be shown that sales move with the price: the elasticity is "
    "{estimate:3} ({low:3} to {high:3}; {n} rows).",
)


def panel(sales, product, store, period, columns, what):
    """Return complete rows in order, and numbers of the series (product × store), product and
    period; doubled rows are refused.
    """
    fits.require(sales, what, product, period, store, *columns)
    keys = [product, *([store] if store else []), period]
    if sales.duplicated(keys).any():
        raise InputError(
            "influence.error_sales_doubled",
            "{what}: some products occur twice in one period (of a store)",
            what=what,
        )
    rows = sales.dropna(subset=[*keys, *columns]).sort_values(
        keys, kind="stable", ignore_index=True
    )
    if not len(rows):
        raise NotEnoughData(
            "influence.error_no_complete_row",
            "{what}: there is no complete row",
            what=what,
        )
    series = np.unique(
        rows[product].astype(str) + (" @ " + rows[store].astype(str) if store else ""),
        return_inverse=True,
    )[1]
    return (
        rows,
        series,
        np.unique(rows[product].astype(str), return_inverse=True)[1],
        np.unique(rows[period].to_numpy(), return_inverse=True)[1],
        len(sales) - len(rows),
    )


PER_CENT, WHOLE = "percent_for_percent", "log_sales_for_whole"  # units of a row


@engine.frames("sales")
@analysis
def price_elasticity(
    sales: Table,
    *,
    quantity: str = "quantity",
    price: str = "price",
    product: str = "product_id",
    store: str | None = None,
    period: str = "week",
    controls: Sequence[str] = (),
    kind: str = "poisson",
    instrument: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """If a price rises by one percent, by how many percent do sales of it, and of the others,
    change?

    What is lasting about every product (in every store) and what is common to every period is taken
    out; only prices that move within a product tell anything. Promotion belongs among the controls.

    Parameters
    ----------
    sales : DataFrame
        One row a product, period (and store).
    quantity, price, product, store, period : str
        Columns; periods sort in time.
    controls : list of str
        Such as display, mailer or a promotion flag.
    kind : str
        "poisson" (keeps periods without a sale) or "log" (log-log; they are left out and counted).
    instrument : str, optional
        Column that moves the price but not the demand, such as a cost; with kind "log".

    Returns
    -------
    Result
        term (own_price; other_prices, with `store` and two products on every shelf; and the
        controls), n (rows), estimate (elasticity; for controls change of log sales), std_error,
        conf_low, conf_high. Products are the sampling unit. other_prices is the mean
        log price of the other products of the store and period.

    Raises
    ------
    InputError
        For missing columns, doubled rows, or a price not above 0.
    NotEnoughData
        With fewer than two products that sold, or prices that hardly move.

    Source: Bijmolt, van Heerde & Pieters (2005), Journal of Marketing Research 42 (mean about
    −2.6); Poisson pseudo-likelihood Santos Silva & Tenreyro (2006), Review of Economics and
    Statistics 88.
    """
    import pandas as pd

    one_of("kind", kind, ("poisson", "log"))
    rows, series, products, periods, lost = panel(
        sales,
        product,
        store,
        period,
        [quantity, price, *controls, *([instrument] if instrument else [])],
        "sales",
    )
    if not (rows[price] > 0).all() or (rows[quantity] < 0).any():
        raise InputError(
            "influence.error_sales_values",
            "sales: prices must be above 0 and quantities not negative",
        )
    if instrument and kind != "log":
        raise InputError(
            "influence.error_instrument_kind",
            'price_elasticity: an instrument needs kind="log"',
        )
    logp = np.log(rows[price].to_numpy(float))
    x = pd.DataFrame({"own_price": logp})
    if store:
        # With one shelf a period, the others' mean is the period's effect less the own price: only
        # stores tell them apart.
        shelf = rows.groupby([store, period]).ngroup().to_numpy()
        together, many = np.bincount(shelf, logp)[shelf], np.bincount(shelf)[shelf]
        if (many > 1).all():
            x["other_prices"] = (together - logp) / (many - 1)
    for c in controls:
        x[c] = rows[c].to_numpy(float)
    y = rows[quantity].to_numpy(float)
    use = y > 0 if kind == "log" else np.bincount(series, y)[series] > 0
    use &= np.bincount(periods, y)[periods] > 0
    y, x, series, products, periods = (
        y[use],
        x[use].reset_index(drop=True),
        series[use],
        products[use],
        periods[use],
    )
    series, products, periods = (
        np.unique(v, return_inverse=True)[1] for v in (series, products, periods)
    )
    if not len(y) or products.max() < 1:
        raise NotEnoughData(
            "influence.error_price_products",
            "price_elasticity: at least two products that sold are needed; with one, "
            "its price and the season cannot be told apart",
        )
    spread = float(np.exp(demean(x["own_price"].to_numpy(), series).std()) - 1)
    if spread < 0.005:
        raise NotEnoughData(
            "influence.error_prices_still",
            "price_elasticity: within products prices move by {spread:%} only; too "
            "little to estimate an elasticity",
            spread=spread,
        )
    inner = pd.DataFrame(demean(x.to_numpy(), series, periods), columns=x.columns)
    fits.check(inner.assign(constant=1.0), "sales")
    absorbed = series.max() + periods.max() + 1
    if kind == "poisson":
        made = fits.poisson_absorbed(y, x, products, series, periods)
    elif instrument:
        z = pd.DataFrame(
            {instrument: demean(rows[instrument].to_numpy(float)[use], series, periods)}
        )
        made = fits.two_stage(
            demean(np.log(y), series, periods),
            inner,
            "own_price",
            z,
            products,
            absorbed=absorbed,
        )
    else:
        made = fits.least_squares(
            demean(np.log(y), series, periods), inner, products, absorbed=absorbed
        )
    se = np.sqrt(np.diag(made.cov))
    low, high = intervals.normal(made.params, se, conf_level, df=products.max())
    table = pd.DataFrame(
        {
            "term": x.columns,
            "n": len(y),
            "estimate": made.params.to_numpy(),
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    limits = [
        *([WEAK.having(f=made.first_f)] if instrument and made.first_f < LEAST_F else []),
        (
            Note(
                "influence.price_instrument",
                "Only the price variation from the instrument is used (first-stage F = "
                "{f:3}; {least} is a common minimum); it must not affect demand in any "
                "other way.",
                f=made.first_f,
                least=LEAST_F,
            )
            if instrument
            else Note(
                "influence.price_endogenous",
                "Prices follow demand: where sellers raise them when demand is high, sales "
                "seem less price-sensitive than they are.",
            )
        ),
        Note(
            "influence.price_moves",
            "Within products prices move by about {spread:%} ({products} products).",
            spread=spread,
            products=products.max() + 1,
        ),
    ]
    if products.max() + 1 < 30:
        limits.append(FEW_CLUSTERS.having(n=products.max() + 1, least=30, unit="products"))
    if kind == "log" and np.median(y) < 100:
        limits.append(
            Note(
                "influence.price_counts",
                "The median quantity is {median}: with counts this small the log-log "
                'elasticity is slightly too steep; use kind="poisson" where no instrument '
                "is needed.",
                median=float(np.median(y)),
            )
        )
    if lost or not use.all():
        limits.append(WITHOUT_SALES.having(n=lost + int((~use).sum())))
    return Result(
        question=Note(
            "influence.price_question",
            "By how many percent do sales change when a price rises by one percent?",
        ),
        table=table.assign(unit=_units(table["term"])),
        answer=_price_answer(table),
        method=METHODS[kind],
        unit="rows",
        n=len(y),
        conf_level=conf_level,
        evidence="quasi-causal: instrument" if instrument else "associational",
        limits=(*limits, *_wholes(x[list(controls)])),
        model=made,
        chart=Points(
            label=["term"],
            only={"term": [c for c in x.columns if "price" in c]},
            reference=0,
            xlabel=Note("influence.price_axis", "Change of sales in percent per percent of price"),
        ),
    )


def _units(terms):
    """Return what the estimate of each term counts."""
    return np.where(terms.str.contains("price"), PER_CENT, WHOLE)


def _wholes(controls):
    """Return how far the controls reach: what their rows say of a whole is beyond it."""
    if not len(controls.columns):
        return []
    return [
        Note(
            "influence.price_wholes",
            "Rows of {controls:word} say how log sales differ between none and a whole unit; in "
            "these data {first:word} reaches {most:3} at most, so read it for a step that occurs.",
            controls=list(controls.columns),
            first=controls.columns[0],
            most=float(controls.iloc[:, 0].max()),
        )
    ]


def _price_answer(table):
    """Return the elasticity of the product's own price."""
    row = table.set_index("term").loc["own_price"]
    return (ELASTIC if fits.clear(row) else NOT_ELASTIC).having(**fits.said(row))
