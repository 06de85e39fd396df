"""Price and promotion: how sales move with them, and where the extra units of a promotion come
from.
"""

import numpy as np

from workbench import intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis


def _panel(sales, product, store, period, columns, what):
    """Return complete rows in order, and numbers of the series (product × store), product and
    period; doubled rows are refused.
    """
    fits.require(sales, what, product, period, store, *columns)
    keys = [product, *([store] if store else []), period]
    if sales.duplicated(keys).any():
        raise InputError(
            f"{what}: some products stand twice in one period" + (" of a store" if store else "")
        )
    rows = sales.dropna(subset=[*keys, *columns]).sort_values(
        keys, kind="stable", ignore_index=True
    )
    if not len(rows):
        raise NotEnoughData(
            "influence.error_there_is_no_complete_row",
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


@analysis
def price_elasticity(
    sales,
    *,
    quantity="quantity",
    price="price",
    product="product_id",
    store=None,
    period="week",
    controls=(),
    kind="poisson",
    instrument=None,
    conf_level=0.95,
):
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
    rows, series, products, periods, lost = _panel(
        sales,
        product,
        store,
        period,
        [quantity, price, *controls, *([instrument] if instrument else [])],
        "sales",
    )
    if not (rows[price] > 0).all() or (rows[quantity] < 0).any():
        raise InputError(
            "influence.error_sales_prices_must_be_above",
            "sales: prices must be above 0 and quantities not negative",
        )
    if instrument and kind != "log":
        raise InputError(
            "influence.error_price_elasticity_an_instrument_goes",
            'price_elasticity: an instrument goes with kind="log"',
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
            "influence.error_price_elasticity_at_least_two",
            "price_elasticity: at least two products that sold are needed; with one, "
            "its price and the season cannot be told apart",
        )
    spread = float(np.exp(fits.absorb(x["own_price"].to_numpy(), series).std()) - 1)
    if spread < 0.005:
        raise NotEnoughData(
            "influence.error_price_elasticity_within_products_prices",
            "price_elasticity: within products prices move by {spread:%} only; nothing "
            "can be learnt from that",
            spread=spread,
        )
    inner = pd.DataFrame(fits.absorb(x.to_numpy(), series, periods), columns=x.columns)
    fits.check(inner.assign(constant=1.0), "sales")
    absorbed = series.max() + periods.max() + 1
    if kind == "poisson":
        made = fits.poisson_absorbed(y, x, products, series, periods)
    elif instrument:
        z = pd.DataFrame(
            {instrument: fits.absorb(rows[instrument].to_numpy(float)[use], series, periods)}
        )
        made = fits.two_stage(
            fits.absorb(np.log(y), series, periods),
            inner,
            "own_price",
            z,
            products,
            absorbed=absorbed,
        )
    else:
        made = fits.least_squares(
            fits.absorb(np.log(y), series, periods), inner, products, absorbed=absorbed
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
        *(
            [
                Note(
                    "influence.weak",
                    "The instrument hardly moves what it should (F = {f:3}, under 10): read "
                    "nothing from the instrumented row.",
                    f=made.first_f,
                )
            ]
            if instrument and made.first_f < 10
            else []
        ),
        (
            Note(
                "influence.price_instrument",
                "The price is moved by the instrument only (first-stage F = {f:3}; above "
                "10 is a common floor); it must not move demand otherwise.",
                f=made.first_f,
            )
            if instrument
            else Note(
                "influence.price_endogenous",
                "Prices follow demand: where sellers raise them when demand is high, sales "
                "look less sensitive than they are.",
            )
        ),
        Note(
            "influence.price_moves",
            "Within products prices move by about {spread:%}; {k} products.",
            spread=spread,
            k=products.max() + 1,
        ),
    ]
    if products.max() + 1 < 30:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=products.max() + 1,
                least=30,
            )
        )
    if kind == "log" and np.median(y) < 100:
        limits.append(
            Note(
                "influence.price_counts",
                "The median sale is {median}: with counts this small the logarithm bends, "
                "and an elasticity of −2 comes out up to a few hundredths too steep; use "
                'kind="poisson" where no instrument is needed.',
                median=float(np.median(y)),
            )
        )
    if lost or not use.all():
        limits.append(
            Note(
                "influence.left_out",
                "{n} rows without sales to learn from, or with a missing value, are left out.",
                n=lost + int((~use).sum()),
            )
        )
    return Result(
        question=Note(
            "influence.price_question",
            "If a price rises by 1 %, by how many percent do sales change?",
        ),
        table=table,
        method={
            "poisson": Note(
                "influence.price_poisson",
                "Poisson regression with fixed effects of product (and store) and period; "
                "products as sampling unit.",
            ),
            "log": Note(
                "influence.price_log",
                "Log-log regression with fixed effects of product (and store) and period; "
                "products as sampling unit.",
            ),
        }[kind],
        unit="rows",
        n=len(y),
        conf_level=conf_level,
        evidence="quasi-causal: instrument" if instrument else "associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term"],
            only={"term": [c for c in x.columns if "price" in c]},
            reference=0,
            xlabel=Note("influence.price_axis", "Percent change of sales per percent of price"),
        ),
    )


@analysis
def promotion_lift(
    sales,
    *,
    quantity="quantity",
    promotion="on_promotion",
    product="product_id",
    store=None,
    period="week",
    margin=None,
    after=3,
    conf_level=0.95,
):
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

    rows, series, products, periods, lost = _panel(
        sales, product, store, period, [quantity, promotion, *([margin] if margin else [])], "sales"
    )
    promo, y = rows[promotion].to_numpy(float), rows[quantity].to_numpy(float)
    if (promo > 0).sum() < 8 or (promo == 0).sum() < 8:
        raise NotEnoughData(
            "influence.error_promotion_lift_promoted_and_other",
            "promotion_lift: {promo} promoted and {promo2} other rows; eight of each are needed",
            promo=int((promo > 0).sum()),
            promo2=int((promo == 0).sum()),
        )
    g = int(products.max()) + 1
    if g < 2:
        raise NotEnoughData(
            "influence.error_promotion_lift_at_least_two",
            "promotion_lift: at least two products are needed; with one, its "
            "promotions and the season cannot be told apart",
        )
    steps = np.diff(periods)[np.diff(series) == 0]
    if (steps != 1).any():
        raise InputError(
            "influence.error_sales_some_products_lack_a",
            "sales: some products lack a period in between; put rows with 0 sold "
            "there, or leave the product out",
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
    inner = pd.DataFrame(fits.absorb(x.to_numpy(), series, periods), columns=x.columns)
    keep = [c for c in inner if inner[c].std() > 1e-9]
    if "now" not in keep:
        raise NotEnoughData(
            "influence.error_promotion_lift_promotions_run_for",
            "promotion_lift: promotions run for all products at once; what they do "
            "cannot be told from the period",
        )
    inner = inner[keep]
    fits.check(inner.assign(constant=1.0), "sales")
    own, away = fits.absorb(y, series, periods), fits.absorb(-others, series, periods)
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
                    "they lose to the promotion counts as the promotion's gain, so the lift is "
                    "too high where people switch, and switched and new units cannot be told "
                    "apart.",
                )
            ]
        ),
        Note(
            "influence.promo_limit",
            "Promotions are timed by sellers and reach people who like deals; what "
            "would have sold is estimated, not seen.",
        ),
        Note(
            "influence.promo_base",
            "{n} promoted rows; usual sales {usual:3}.",
            n=int((promo > 0).sum()),
            usual=usual,
        ),
    ]
    if g < 30:
        limits.append(
            Note(
                "influence.few_clusters",
                "{k} are few to learn from; {least} is a common floor, and intervals are "
                "too narrow below it.",
                k=g,
                least=30,
            )
        )
    if periods.max() + 1 < 52:
        limits.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=periods.max() + 1,
                least=52,
            )
        )
    if lost:
        limits.append(
            Note(
                "influence.left_out",
                "{n} rows without sales to learn from, or with a missing value, are left out.",
                n=lost,
            )
        )
    return Result(
        question=Note(
            "influence.promo_question",
            "How many more units does a promotion sell, and where do they come from?",
        ),
        table=pd.DataFrame(table),
        method=(
            Note(
                "influence.promo_method",
                "Fixed effects of product (and store) and period; dip in {after} periods "
                "after; units split into switched, bought ahead and new; clustered on "
                "products and on shelves.",
                after=after,
            )
            if store
            else Note(
                "influence.promo_method_plain",
                "Fixed effects of product and period; dip in {after} periods after; "
                "clustered on products and on periods.",
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
            xlabel=Note("influence.promo_axis", "Units a promoted product and period"),
        ),
    )
