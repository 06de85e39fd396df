"""How brands are bought: penetration, frequency, loyalty, and the laws that hold for most
categories, with the household as sampling unit.
"""

from dataclasses import dataclass

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.loyalty.theory import Dirichlet
from workbench.notes import Note
from workbench.results import Heat, Points, Result, analysis

LEAST = 400  # households
OTHERS = "other brands"
DRAWS = 400


@dataclass(frozen=True, eq=False)
class Panel:
    """Who bought what how often: `counts` (households × brands, purchase occasions), `money` alike,
    `brands`, `households` in all (those who never bought included), and `ids` of the buyers.
    """

    counts: np.ndarray
    money: np.ndarray
    brands: tuple
    households: int
    ids: np.ndarray
    merged: int

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
        return rng.multinomial(self.households, share.clip(0), number)[:, :buyers].astype(float)


def panel(lines, *, brand="brand", households=None, most=12, by="occasions"):
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
            "loyalty.error_panel_two_brands_are_needed",
            "panel: two brands are needed, found {n_sizes}",
            n_sizes=len(sizes),
        )
    kept = list(sizes.index[:most])
    found = found.assign(brand=found["brand"].where(found["brand"].isin(kept), "other brands"))
    wide = found.pivot_table(["bought", "money"], "customer", "brand", "sum", fill_value=0.0)
    names = (*kept, *([OTHERS] if len(sizes) > most else []))
    counts, money = (wide[c].reindex(columns=names).to_numpy(float) for c in ("bought", "money"))
    if households is not None and households < len(counts):
        raise InputError(
            "loyalty.error_households_are_fewer_than_the",
            "households: {households} are fewer than the {n_counts} who bought",
            households=households,
            n_counts=len(counts),
        )
    return Panel(
        counts,
        money,
        tuple(map(str, names)),
        int(households or len(counts)),
        wide.index.to_numpy(),
        max(len(sizes) - most, 0),
    )


def _measures(p, w):
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


def _given(lines, options):
    return lines if isinstance(lines, Panel) else panel(lines, **options)


@analysis
def performance(lines, *, draws=DRAWS, seed=1, conf_level=0.95, **options):
    """How large is each brand, how many buy it, how often, and how loyal are they?

    Parameters
    ----------
    lines : order lines of one category, or a `loyalty.panel`
    draws, seed : int
        Of the bootstrap over households.
    options
        Of `panel`.

    Returns
    -------
    Result
        brand, measure, count, n, estimate, std_error, conf_low, conf_high. Measures: share (of
        purchases), penetration (buyers over households), purchases (a buyer), category_purchases
        (of all brands, by its buyers), requirements (share of category requirements: its purchases
        over all purchases of its buyers), sole (share of buyers who buy nothing else).

    Raises as `panel`.

    Source: Ehrenberg, Uncles & Goodhardt (2004), Journal of Business Research 57.
    """
    import pandas as pd

    p = _given(lines, options)
    made, drawn = _measures(p, np.ones((1, len(p.counts)))), _measures(p, p.draws(draws, seed))
    buyers = (p.counts > 0).sum(axis=0)
    units = p.counts.sum(axis=0)
    rows = []
    for measure, values in made.items():
        se, low, high = intervals.percentiles(drawn[measure], values[0], conf_level)
        top = {
            "share": units,
            "penetration": buyers,
            "purchases": units,
            "category_purchases": ((p.counts > 0) * p.total[:, None]).sum(axis=0),
            "requirements": units,
            "sole": ((p.counts > 0) & (p.counts == p.total[:, None])).sum(axis=0),
        }[measure]
        n = {
            "share": np.full(len(units), units.sum()),
            "penetration": np.full(len(units), p.households),
            "requirements": ((p.counts > 0) * p.total[:, None]).sum(axis=0),
        }.get(measure, buyers)
        if measure in ("penetration", "sole"):
            # Nobody or everybody is still a sample: the bootstrap cannot see that, Wilson's
            # interval does.
            certain = (top == 0) | (top == n)
            low[certain], high[certain] = (v[certain] for v in intervals.wilson(top, n, conf_level))
        rows += [
            {
                "brand": b,
                "measure": measure,
                "count": float(top[i]),
                "n": int(n[i]),
                "estimate": values[0, i],
                "std_error": se[i],
                "conf_low": low[i],
                "conf_high": high[i],
            }
            for i, b in enumerate(p.brands)
        ]
    return Result(
        question=Note(
            "loyalty.performance_question",
            "How large is each brand, how many buy it, how often, and how loyal are they?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "loyalty.performance_method",
            "Counts of purchases by household and brand; bootstrap over households "
            "({draws} draws).",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=tuple(_limits(p)),
        chart=Points(
            label=["brand"],
            only={"measure": "requirements"},
            percent=True,
            xlabel=Note(
                "loyalty.requirements_axis",
                "Share of its buyers' category purchases that goes to the brand",
            ),
        ),
    )


@analysis
def double_jeopardy(lines, *, draws=DRAWS, seed=1, conf_level=0.95, **options):
    """Do small brands suffer twice: fewer buyers, who also buy them a little less often?

    The line is purchases · (1 − penetration) = the same for all brands. Brands clearly off it are
    niches (above) or bought for change (below).

    Parameters
    ----------
    lines, draws, seed, options : as in `performance`

    Returns
    -------
    Result
        brand, penetration, count (purchases), n (buyers), estimate (purchases a buyer), std_error,
        conf_low, conf_high, line (by the law), off (estimate over line less 1), off_low, off_high,
        p_holm (that it lies on the line).

    Raises as `panel`, and NotEnoughData with fewer than five brands.

    Source: McPhee (1963); Ehrenberg, Goodhardt & Barwise (1990), Journal of Marketing 54.
    """
    import pandas as pd

    p = _given(lines, options)
    keep = p.named
    if len(keep) < 5:
        raise NotEnoughData(
            "loyalty.error_double_jeopardy_five_brands_are",
            "double_jeopardy: five brands are needed for a law, found {n_keep}",
            n_keep=len(keep),
        )
    made, drawn = _measures(p, np.ones((1, len(p.counts)))), _measures(p, p.draws(draws, seed))

    def line(m):
        b, w = m["penetration"][:, keep], m["purchases"][:, keep]
        level = np.nansum(w * (1 - b) * b, axis=1) / np.nansum(b, axis=1)
        return level[:, None] / (1 - b)

    w, on = made["purchases"][0, keep], line(made)[0]
    off, off_drawn = w / on - 1, drawn["purchases"][:, keep] / line(drawn) - 1
    se, low, high = intervals.percentiles(drawn["purchases"][:, keep], w, conf_level)
    off_se, off_low, off_high = intervals.percentiles(off_drawn, off, conf_level)
    holm = intervals.corrected(intervals.p_value(off, off_se))
    table = pd.DataFrame(
        {
            "brand": [p.brands[i] for i in keep],
            "penetration": made["penetration"][0, keep],
            "count": p.counts.sum(axis=0)[keep],
            "n": (p.counts > 0).sum(axis=0)[keep],
            "estimate": w,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "line": on,
            "off": off,
            "off_low": off_low,
            "off_high": off_high,
            "p_holm": holm,
        }
    ).sort_values("penetration", ascending=False, ignore_index=True)
    clear = table[table["p_holm"] < 1 - conf_level]
    rank = table["penetration"].corr(table["estimate"], method="spearman")
    limits = [
        Note(
            "loyalty.jeopardy_fit",
            "Penetration and purchases a buyer rank together by {r:2} (1: wholly); "
            "brands lie {off:%} off the line on average.",
            r=rank,
            off=float(table["off"].abs().mean()),
        ),
        (
            Note(
                "loyalty.jeopardy_off",
                "Clearly off the line: {names:text}. A niche, a private label or another "
                "way of buying is worth a look; the law does not say which.",
                names=list(clear["brand"]),
            )
            if len(clear)
            else Note(
                "loyalty.jeopardy_on",
                "No brand lies clearly off the line: how often a brand is bought follows "
                "from how many buy it.",
            )
        ),
        *_limits(p),
    ]
    return Result(
        question=Note(
            "loyalty.jeopardy_question",
            "Do small brands suffer twice: fewer buyers, who buy a little less often?",
        ),
        table=table,
        method=Note(
            "loyalty.jeopardy_method",
            "Purchases a buyer against the line purchases × (1 − penetration) = "
            "constant; bootstrap over households ({draws} draws), Holm's correction.",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["brand"],
            beside="line",
            xlabel=Note("loyalty.purchases_axis", "Purchases a buyer"),
        ),
    )


@analysis
def duplication(lines, *, draws=DRAWS, seed=1, conf_level=0.95, **options):
    """Do brands share their buyers with others in line with how large the others are, or are there
    markets within the market?

    Parameters
    ----------
    lines, draws, seed, options : as in `performance`

    Returns
    -------
    Result
        brand, other, count (buyers of both), n (buyers of the brand), estimate (share of the
        brand's buyers who also buy the other), std_error, conf_low, conf_high, law (duplication
        coefficient times the other's penetration), ratio (estimate over law),
        p_holm (that both are equal). Groups of brands that share clearly more than the law says
        stand in `.limits`, with the coefficient.

    Raises as `panel`, and NotEnoughData with fewer than three brands.

    Source: Ehrenberg (1988), Repeat-Buying, on the duplication of purchase law.
    """
    import pandas as pd

    p = _given(lines, options)
    keep = p.named
    k = len(keep)
    if k < 3:
        raise NotEnoughData(
            "loyalty.error_duplication_three_brands_are_needed",
            "duplication: three brands are needed, found {k}",
            k=k,
        )
    bought = (p.counts[:, keep] > 0).astype(float)
    off = ~np.eye(k, dtype=bool)

    def shares(w):
        both = bought.T @ (bought * w[:, None])
        own = np.diag(both)
        with np.errstate(invalid="ignore", divide="ignore"):
            d = both / own[:, None]
            b = own / p.households
            # The mean duplication over the mean penetration, a pair of brands counting once each
            # way.
            coefficient = d[off].mean() / np.broadcast_to(b, (k, k))[off].mean()
        return d, coefficient * b, coefficient

    d, law, coefficient = shares(np.ones(len(bought)))
    drawn = [shares(w) for w in p.draws(draws, seed)]
    d_all = np.array([v[0] for v in drawn])
    ratio_all = np.array([v[0] / np.maximum(v[1], 1e-12)[None, :] for v in drawn])
    se, low, high = intervals.percentiles(d_all, d, conf_level)
    ratio = d / np.maximum(law, 1e-12)[None, :]
    spread = ratio_all.std(axis=0, ddof=1)
    p_value = intervals.p_value(ratio - 1, spread)
    rows = [(a, b) for a in range(k) for b in range(k) if a != b]
    names = [p.brands[i] for i in keep]
    holm = intervals.corrected([p_value[a, b] for a, b in rows])
    both = bought.T @ bought
    table = pd.DataFrame(
        [
            {
                "brand": names[a],
                "other": names[b],
                "count": int(both[a, b]),
                "n": int(both[a, a]),
                "estimate": d[a, b],
                "std_error": se[a, b],
                "conf_low": low[a, b],
                "conf_high": high[a, b],
                "law": law[b],
                "ratio": ratio[a, b],
                "p_holm": holm[i],
            }
            for i, (a, b) in enumerate(rows)
        ]
    )
    more = {
        (a, b)
        for (a, b), h in zip(rows, holm, strict=True)
        if h < 1 - conf_level and ratio[a, b] > 1
    }
    groups = _groups(k, {(a, b) for a, b in more if (b, a) in more})
    _, c_low, c_high = intervals.percentiles([v[2] for v in drawn], coefficient, conf_level)
    limits = [
        Note(
            "loyalty.duplication_fit",
            "Duplication coefficient {d:3} ({low:3} to {high:3}); pairs lie {off:%} "
            "off the law on average.",
            d=coefficient,
            low=float(c_low),
            high=float(c_high),
            off=float(np.abs(ratio[off] - 1).mean()),
        )
    ]
    limits.append(
        Note(
            "loyalty.partitions",
            "Brands that share clearly more buyers than their size says, a market "
            "within the market: {groups}.",
            groups="; ".join(" + ".join(names[i] for i in g) for g in groups),
        )
        if groups
        else Note(
            "loyalty.no_partitions",
            "No group of brands shares clearly more buyers than their sizes say: one market.",
        )
    )
    return Result(
        question=Note(
            "loyalty.duplication_question",
            "Which share of a brand's buyers also buys each other brand?",
        ),
        table=table,
        method=Note(
            "loyalty.duplication_method",
            "Duplication of purchase against the law coefficient × penetration of the "
            "other; bootstrap over households ({draws} draws), Holm's correction.",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(*limits, *_limits(p)),
        chart=Heat(
            row="brand",
            column="other",
            percent=True,
            xlabel=Note("loyalty.duplication_axis", "Also bought"),
            ylabel=Note("loyalty.duplication_yaxis", "Buyers of"),
        ),
    )


@analysis
def dirichlet(lines, *, draws=200, seed=1, conf_level=0.95, **options):
    """How would each brand be bought if buyers differed only in how often they buy and which brands
    they like, and nothing else?

    The NBD-Dirichlet knows the size of the category and the shares of the brands, and one number
    for how far tastes lie apart. What it foretells is what a brand of that share normally does.

    Parameters
    ----------
    lines, draws, seed, options : as in `performance`; `households` should name all households

    Returns
    -------
    Result
        brand, measure (penetration, purchases, category_purchases, requirements, sole), n (buyers;
        households for penetration), estimate (observed), std_error, conf_low, conf_high, theory,
        theory_low, theory_high (from the same draws of households), off (observed over theory less
        1), p_holm. `.model` is a `loyalty.Dirichlet`; its parameters stand in `.limits`.

    Raises as `panel`, NotEnoughData where only buyers are known, and InputError where no Dirichlet
    fits (a brand bought by all, or more often than the category allows).

    Source: Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147; fitted as in Ehrenberg's tables:
    the share-weighted mean of what each brand's penetration asks for.
    """
    import pandas as pd

    p = _given(lines, options)
    if p.households == len(p.counts):
        raise NotEnoughData(
            "loyalty.error_dirichlet_every_household_in_the",
            "dirichlet: every household in the data is a buyer, so how many buy "
            "nothing is not known and no NBD can be fitted; give `households`, all "
            "that could have bought",
        )
    weights = p.draws(draws, seed)
    made = _measures(p, np.ones((1, len(p.counts))))
    drawn = _measures(p, weights)

    def fitted(m, w):
        total = w @ p.total
        return Dirichlet.fit(
            (w @ (p.total > 0)) / p.households,
            total / (w @ (p.total > 0)),
            m["share"],
            m["penetration"],
        )

    model = fitted({k: v[0] for k, v in made.items()}, np.ones(len(p.counts)))
    names = ("penetration", "purchases", "category_purchases", "requirements", "sole")
    told, told_drawn, lost = model.brands(), [], 0
    for i, w in enumerate(weights):
        try:
            told_drawn.append(fitted({k: v[i] for k, v in drawn.items()}, w).brands())
        except (InputError, NotEnoughData):
            lost += 1
            told_drawn.append({n: np.full(len(p.brands), np.nan) for n in names})
    buyers, rows = (p.counts > 0).sum(axis=0), []
    for measure in names:
        se, low, high = intervals.percentiles(drawn[measure], made[measure][0], conf_level)
        theory = np.array([v[measure] for v in told_drawn])
        _, t_low, t_high = intervals.percentiles(theory, told[measure], conf_level)
        ratio = drawn[measure] / theory - 1
        off = made[measure][0] / told[measure] - 1
        luck = intervals.p_value(off, np.nanstd(ratio, axis=0, ddof=1))
        rows += [
            {
                "brand": b,
                "measure": measure,
                "n": int(p.households if measure == "penetration" else buyers[i]),
                "estimate": made[measure][0, i],
                "std_error": se[i],
                "conf_low": low[i],
                "conf_high": high[i],
                "theory": told[measure][i],
                "theory_low": t_low[i],
                "theory_high": t_high[i],
                "off": off[i],
                "p": luck[i],
            }
            for i, b in enumerate(p.brands)
        ]
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.corrected(table["p"])
    fit = table.groupby("measure")["off"].apply(lambda v: float(v.abs().mean()))
    clear = table[(table["p_holm"] < 1 - conf_level) & (table["measure"] == "requirements")]
    limits = [
        Note(
            "loyalty.dirichlet_fit",
            "Category: {m} purchases a household, K = {k:3}; S = {s:3} (polarisation "
            "{phi:3}: 0 all like all brands alike, 1 everybody has one). Observed lies "
            "{off:%} off theory on average.",
            m=model.rate,
            k=model.spread,
            s=model.tastes,
            phi=1 / (1 + model.tastes),
            off=float(fit.mean()),
        ),
        (
            Note(
                "loyalty.dirichlet_off",
                "Share of requirements clearly unlike that of a brand of this size: {names:text}.",
                names=list(clear["brand"]),
            )
            if len(clear)
            else Note(
                "loyalty.dirichlet_on",
                "No brand's share of requirements is clearly unlike that of a brand of its "
                "size: loyalty follows from size here.",
            )
        ),
        Note(
            "loyalty.dirichlet_assumes",
            "Theory is a market that stands still and is not split up; it is a "
            "yardstick, no explanation.",
        ),
        *_limits(p),
    ]
    if lost:
        limits.append(
            Note(
                "loyalty.draws_lost",
                "{n} of {draws} draws had no Dirichlet and are left out of its intervals.",
                n=lost,
                draws=draws,
            )
        )
    return Result(
        question=Note(
            "loyalty.dirichlet_question",
            "How would each brand be bought if only its size told them apart?",
        ),
        table=table.drop(columns="p"),
        method=Note(
            "loyalty.dirichlet_method",
            "NBD-Dirichlet from penetration and purchases of the category and the "
            "brands; observed beside theory, both from the same draws of households "
            "({draws}), Holm's correction.",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=tuple(limits),
        model=model,
        chart=Points(
            label=["brand"],
            only={"measure": "requirements"},
            beside="theory",
            percent=True,
            xlabel=Note(
                "loyalty.requirements_axis",
                "Share of its buyers' category purchases that goes to the brand",
            ),
        ),
    )


@analysis
def heavy_buyers(lines, *, shares=(0.2, 0.5), draws=DRAWS, seed=1, conf_level=0.95, **options):
    """How much of all purchases do the heaviest buyers make?

    Parameters
    ----------
    lines, draws, seed, options : as in `performance`
    shares : list of float
        Which part of the buyers, from the heaviest on.

    Returns
    -------
    Result
        brand ("category" first), measure (heaviest 20 %, …; gini), n (buyers), estimate (share of
        purchases; inequality between buyers, 0 to 1), std_error, conf_low, conf_high.

    Raises as `panel`.

    Source: Twedt (1964), Journal of Marketing 28; Sharp, Romaniuk & Graham (2019).
    """
    import pandas as pd

    p = _given(lines, options)
    for s in shares:
        if not 0 < s < 1:
            raise InputError(
                "loyalty.error_shares_must_lie_between_and",
                "shares: must lie between 0 and 1, found {s}",
                s=s,
            )
    rows = []
    weights = p.draws(draws, seed)
    for name, values in (("category", p.total), *((p.brands[i], p.counts[:, i]) for i in p.named)):
        order = np.argsort(-values, kind="stable")
        v = values[order]
        v, keep = v[v > 0], order[v > 0]

        def measures(w, v=v, keep=keep):
            many = np.cumsum(w[:, keep], axis=1)
            units = np.cumsum(w[:, keep] * v, axis=1)
            n, total = many[:, -1:], units[:, -1:]
            out = []
            for s in shares:
                # The household on the border counts for the part that lies within.
                at = np.array(
                    [np.searchsorted(m, s * k) for m, k in zip(many, n[:, 0], strict=True)]
                ).clip(0, len(v) - 1)
                rows_ = np.arange(len(w))
                with np.errstate(
                    invalid="ignore"
                ):  # a draw without a buyer of the brand says nothing of it
                    out.append(
                        (units[rows_, at] - (many[rows_, at] - s * n[:, 0]) * v[at]) / total[:, 0]
                    )
            with np.errstate(invalid="ignore"):
                area = ((units - w[:, keep] * v / 2) * w[:, keep]).sum(axis=1) / (
                    n[:, 0] * total[:, 0]
                )
            return np.column_stack([*out, 2 * area - 1])

        if len(v) < 2:
            continue
        made, drawn = measures(np.ones((1, len(values))))[0], measures(weights)
        se, low, high = intervals.percentiles(drawn, made, conf_level)
        rows += [
            {
                "brand": name,
                "measure": m,
                "n": len(v),
                "estimate": made[i],
                "std_error": se[i],
                "conf_low": low[i],
                "conf_high": high[i],
            }
            for i, m in enumerate(
                [
                    *(Note("loyalty.heaviest", "heaviest {share:%0}", share=s) for s in shares),
                    "gini",
                ]
            )
        ]
    return Result(
        question=Note(
            "loyalty.heavy_question", "How much of all purchases do the heaviest buyers make?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "loyalty.heavy_method",
            "Cumulative purchases from the heaviest buyer on; bootstrap over "
            "households ({draws} draws).",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(
            Note(
                "loyalty.heavy_limit",
                "Who is heavy in one period is heavy partly by chance; the longer the "
                "period, the larger the share of the heaviest looks.",
            ),
            *_limits(p),
        ),
        chart=Points(
            label=["brand"],
            only={"measure": Note("loyalty.heaviest", "heaviest {share:%0}", share=shares[0])},
            percent=True,
            xlabel=Note("loyalty.heavy_axis", "Share of purchases"),
        ),
    )


@analysis
def buyer_moderation(
    lines, *, until, households=None, zone="UTC", draws=DRAWS, seed=1, conf_level=0.95
):
    """What do last period's heavy, light and non-buyers buy next period?

    Who bought much bought it partly by chance, and buys less the next time; who bought nothing buys
    something. The NBD says how much of that is to be expected where nobody changed.

    Parameters
    ----------
    lines : order lines of one category or brand, with order_id, customer_id and ordered_at
    until : str or Timestamp
        Last day of the first period; the second is as long.
    households : int, optional
        All households, also those without a purchase; None: buyers of either period only.
    zone : str
    draws, seed : int
        Of the bootstrap over households.

    Returns
    -------
    Result
        group (non_buyers, light, heavy: the fifth of the buyers who bought most), first (purchases
        a household in the first period), count (purchases in the second), n (households), estimate
        (purchases a household in the second), std_error, conf_low, conf_high, law
        (by the NBD where nobody changed), share (of the second period's purchases).

    Raises
    ------
    InputError
        For missing columns, or a date outside the data.
    NotEnoughData
        With fewer than ten buyers in the first period.

    Source: Ehrenberg (1988), Repeat-Buying (conditional trend analysis); Sharp (2010), How Brands
    Grow.
    """
    import pandas as pd

    from workbench import periods
    from workbench.loyalty.theory import nbd

    need_columns("lines", engine.columns(lines), "order_id", "customer_id", "ordered_at")
    view = engine.view(
        lines,
        zone=zone,
        customer=engine.key("customer_id"),
        day=engine.day("ordered_at"),
        order_id="order_id",
    )
    span = engine.run("SELECT min(day) AS a, max(day) AS b FROM v", v=view).iloc[0]
    cut = periods.local_day(schemas.moment("until", until, zone), zone)
    if not span["a"] <= cut < span["b"]:
        raise InputError(
            "loyalty.error_until_must_lie_within_the",
            "until: {until} must lie within the data, before their last day",
            until=until,
        )
    length = int(min(cut - span["a"] + 1, span["b"] - cut))
    found = engine.run(
        """
          SELECT customer,
            CAST(count(DISTINCT CASE WHEN day > :a AND day <= :cut THEN order_id END) AS BIGINT)
              AS early,
            CAST(count(DISTINCT CASE WHEN day > :cut AND day <= :b THEN order_id END) AS BIGINT)
              AS late
          FROM v GROUP BY customer ORDER BY customer""",
        values={"a": int(cut) - length, "cut": int(cut), "b": int(cut) + length},
        v=view,
    )
    found = found[(found["early"] > 0) | (found["late"] > 0)]
    n = int(households or len(found))
    if n < len(found):
        raise InputError(
            "loyalty.error_households_are_fewer_than_the_b",
            "households: {n} are fewer than the {n_found} who bought",
            n=n,
            n_found=len(found),
        )
    x, y = (
        np.concatenate([found[c].to_numpy(float), np.zeros(n - len(found))])
        for c in ("early", "late")
    )
    if (x > 0).sum() < 10:
        raise NotEnoughData(
            "loyalty.error_buyer_moderation_buyers_in_the",
            "buyer_moderation: {x} buyers in the first period; ten are needed",
            x=int((x > 0).sum()),
        )
    border = np.sort(x[x > 0])[::-1][max(int((x > 0).sum() * 0.2) - 1, 0)]
    heavy = x >= max(border, 2)
    group = np.where(x == 0, 0, np.where(heavy, 2, 1))
    try:
        m, k = nbd(float((x > 0).mean()), float(x.sum() / (x > 0).sum()))
    except InputError:
        m = k = np.nan  # households differ less than chance alone would make them
    law = (k + x) * m / (k + m)
    rows, rng = [], np.random.default_rng(seed)
    weights = (
        rng.multinomial(n, np.full(n, 1 / n), draws).astype(float)
        if n * draws <= 20_000_000
        else rng.poisson(1.0, (draws, n)).astype(float)
    )
    for g, name in enumerate(("non_buyers", "light", "heavy")):
        mine = group == g
        if not mine.any():
            continue
        drawn = (weights[:, mine] @ y[mine]) / np.maximum(weights[:, mine].sum(axis=1), 1)
        se, low, high = intervals.percentiles(
            drawn[:, None], np.array([y[mine].mean()]), conf_level
        )
        rows.append(
            {
                "group": name,
                "first": x[mine].mean(),
                "count": float(y[mine].sum()),
                "n": int(mine.sum()),
                "estimate": y[mine].mean(),
                "std_error": se[0],
                "conf_low": low[0],
                "conf_high": high[0],
                "law": law[mine].mean(),
                "share": y[mine].sum() / max(y.sum(), 1),
            }
        )
    limits = [
        (
            Note(
                "loyalty.moderation_nbd", "NBD of the first period: mean {m:3}, K {k:3}.", m=m, k=k
            )
            if np.isfinite(k)
            else Note(
                "loyalty.moderation_none",
                "No NBD has this penetration and frequency: households differ less than "
                "chance alone would make them, and the law cannot be given.",
            )
        ),
        Note(
            "loyalty.moderation_limit",
            "Heavy buyers buying less and non-buyers buying something is what chance "
            "alone brings: only what differs from the law is a change.",
        ),
    ]
    if households is None:
        limits.append(
            Note(
                "loyalty.buyers_only",
                "Only buyers are in the data: penetrations are shares of buyers, and who "
                "buys nothing is not seen. Give `households`.",
            )
        )
    return Result(
        question=Note(
            "loyalty.moderation_question",
            "What do last period's heavy, light and non-buyers buy next period?",
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "loyalty.moderation_method",
            "Two periods of {days} days; heavy: the fifth of the first period's buyers "
            "who bought most ({border} or more); law: NBD where nobody changed; "
            "bootstrap over households.",
            days=length,
            border=max(border, 2),
        ),
        unit="households",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["group"],
            beside="law",
            xlabel=Note("loyalty.moderation_axis", "Purchases a household in the second period"),
        ),
    )


def _groups(k, pairs):
    """Return sets of brands that hang together by pairs."""
    left, out = set(range(k)), []
    while left:
        group, reach = set(), {left.pop()}
        while reach:
            a = reach.pop()
            group.add(a)
            reach |= {b for b in left if (a, b) in pairs}
            left -= reach
        if len(group) > 1:
            out.append(sorted(group))
    return out


def _limits(p):
    out = (
        [
            Note(
                "loyalty.buyers_only",
                "Only buyers are in the data: penetrations are shares of buyers, and who "
                "buys nothing is not seen. Give `households`.",
            )
        ]
        if p.households == len(p.counts)
        else []
    )
    if p.households < LEAST:
        out.append(
            Note(
                "drivers.few",
                "{n} are few; {least} is a common floor.",
                n=p.households,
                least=LEAST,
            )
        )
    if p.merged:
        out.append(
            Note(
                "loyalty.merged",
                "{n} smaller brands are taken together as other brands.",
                n=p.merged,
            )
        )
    return out
