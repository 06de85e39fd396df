"""How brands are bought: penetration, frequency, loyalty, and the laws that hold for most
categories, with the household as sampling unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData
from workbench.loyalty.purchases import DRAWS, given, limits_of, measures
from workbench.notes import Note
from workbench.results import Heat, Law, Points, Result, analysis, tidy
from workbench.stats import brand_laws, ranks

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Table

BRANDS, BRANDS_SHARING = 5, 3  # brands below which no law is held against them
PER_BUYER = ("purchases", "category_purchases")  # means, not shares
REQUIREMENTS_AXIS = Note(
    "loyalty.requirements_axis",
    "Share of its buyers' category purchases that the brand gets",
)
ALSO_BOUGHT = Note("loyalty.duplication_axis", "Also bought")
BUYERS_OF = Note("loyalty.duplication_yaxis", "Buyers of")
DUPLICATION_METHOD = Note(
    "loyalty.duplication_method",
    "Duplication of purchase against the coefficient times the penetration of the other brand; "
    "bootstrap over households ({draws} draws), Holm's correction.",
    draws=DRAWS,
)
JEOPARDY_METHOD = Note(
    "loyalty.jeopardy_method",
    "Purchases per buyer against the line on which purchases times the share of non-buyers are "
    "constant; bootstrap over households ({draws} draws), Holm's correction; rank correlation "
    "tested by permuting brands.",
    draws=DRAWS,
)


@engine.tables("lines", unless=("Panel",))
@analysis
def brand_performance(
    lines: Table, *, draws: int = DRAWS, seed: int = 1, conf_level: float = 0.95, **options: Any
) -> Result:
    """How large is each brand, how many buy it, how often, and how loyal are they?

    Parameters
    ----------
    lines : order lines of one category, or a `loyalty.purchase_panel`
    draws, seed : int
        Of the bootstrap over households.
    options
        Of `purchase_panel`.

    Returns
    -------
    Result
        brand, measure, count, total, n, estimate, std_error, conf_low, conf_high. Measures: share
        (of purchases), penetration (buyers over households), purchases (a buyer),
        category_purchases (of all brands, by its buyers), requirements (share of category
        requirements: its purchases over all purchases of its buyers), sole (share of buyers who buy
        nothing else).

    Raises as `purchase_panel`.

    Source: Ehrenberg, Uncles & Goodhardt (2004), Journal of Business Research 57.
    """

    p = given(lines, options)
    made, drawn = measures(p, np.ones((1, len(p.counts)))), measures(p, p.draws(draws, seed))
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
                "total" if measure in PER_BUYER else "count": float(top[i]),
                "n": int(n[i]),
                "estimate": values[0, i],
                "std_error": se[i],
                "conf_low": low[i],
                "conf_high": high[i],
            }
            for i, b in enumerate(p.brands)
        ]
    table = tidy(rows)
    return Result(
        question=Note(
            "loyalty.performance_question",
            "How large is each brand, how many buy it, how often, and how loyal are they?",
        ),
        table=table,
        answer=_largest(table, p.households),
        method=Note(
            "loyalty.performance_method",
            "Counts of purchases by household and brand; bootstrap over households "
            "({draws} draws).",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=tuple(limits_of(p)),
        chart=Points(
            label=["brand"],
            only={"measure": "requirements"},
            percent=True,
            xlabel=REQUIREMENTS_AXIS,
        ),
    )


def _largest(table, households):
    """Return how much of all purchases the largest brand has, and how many households buy it."""
    rows = table[table["brand"] == table["brand"].iloc[0]].set_index("measure")
    share = rows.loc["share"]
    return Note(
        "loyalty.performance_answer",
        "The largest brand, {brand:word}, has {share:%} of purchases ({low:%} to {high:%}) and is "
        "bought by {penetration:%} of {n} households.",
        brand=str(share["brand"]),
        share=share["estimate"],
        low=share["conf_low"],
        high=share["conf_high"],
        penetration=rows.loc["penetration", "estimate"],
        n=households,
    )


@engine.tables("lines", unless=("Panel",))
@analysis
def double_jeopardy(
    lines: Table, *, draws: int = DRAWS, seed: int = 1, conf_level: float = 0.95, **options: Any
) -> Result:
    """Do small brands suffer twice: fewer buyers, who also buy them a little less often?

    The line is purchases · (1 − penetration) = the same for all brands. Brands clearly off it are
    niches (above) or bought for change (below).

    Parameters
    ----------
    lines, draws, seed, options : as in `brand_performance`

    Returns
    -------
    Result
        brand, penetration, total (purchases), n (buyers), estimate (purchases a buyer), std_error,
        conf_low, conf_high, line (by the law), off (estimate over line less 1), off_low, off_high,
        p_holm (that it lies on the line).

    Raises as `purchase_panel`, and NotEnoughData with fewer than five brands.

    Source: McPhee (1963); Ehrenberg, Goodhardt & Barwise (1990), Journal of Marketing 54.
    """
    import pandas as pd

    p = given(lines, options)
    keep = p.named
    if len(keep) < BRANDS:
        raise NotEnoughData(
            "loyalty.error_jeopardy_brands",
            "double_jeopardy: {least} brands are needed for a law, found {count}",
            least=BRANDS,
            count=len(keep),
        )
    made, drawn = measures(p, np.ones((1, len(p.counts)))), measures(p, p.draws(draws, seed))

    on, on_drawn = (
        brand_laws.jeopardy(m["penetration"][:, keep], m["purchases"][:, keep])
        for m in (made, drawn)
    )
    w, on = made["purchases"][0, keep], on[0]
    off, off_drawn = w / on - 1, drawn["purchases"][:, keep] / on_drawn - 1
    se, low, high = intervals.percentiles(drawn["purchases"][:, keep], w, conf_level)
    off_se, off_low, off_high = intervals.percentiles(off_drawn, off, conf_level)
    holm = intervals.adjust_p_values(intervals.p_value(off, off_se))
    table = pd.DataFrame(
        {
            "brand": [p.brands[i] for i in keep],
            "penetration": made["penetration"][0, keep],
            "total": p.counts.sum(axis=0)[keep],
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
    rank = ranks.rank_correlation(table["penetration"], table["estimate"], seed=seed)
    return Result(
        question=Note(
            "loyalty.jeopardy_question",
            "Do small brands suffer twice: fewer buyers, who buy a little less often?",
        ),
        table=table,
        answer=_jeopardy(table, rank, p.households, conf_level),
        method=JEOPARDY_METHOD.having(draws=draws),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(_off_line(clear), *limits_of(p)),
        chart=_JEOPARDY_CHART,
    )


_JEOPARDY_CHART = Law(
    label="brand",
    x="penetration",
    line="line",
    p_value="p_holm",
    xlabel=Note("loyalty.penetration_axis", "Share of households that buy the brand"),
    ylabel=Note("loyalty.purchases_axis", "Purchases per buyer"),
)


def _jeopardy(table, rank, households, conf_level):
    """Return whether smaller brands are also bought less often."""
    values = {
        "r": rank.estimate,
        "p": rank.p_value,
        "count": len(table),
        "off": float(table["off"].abs().mean()),
        "n": households,
    }
    if rank.estimate > 0 and rank.p_value < 1 - conf_level:
        return Note(
            "loyalty.jeopardy_answer",
            "Brands with fewer buyers are also bought less often by them: the rank correlation is "
            "{r:2} over {count} brands (p-value {p:p}), which deviate from the line by {off:%} on "
            "average ({n} households).",
            **values,
        )
    return Note(
        "loyalty.no_jeopardy_answer",
        "Double jeopardy could not be shown: penetration and purchases per buyer have a rank "
        "correlation of {r:2} over {count} brands (p-value {p:p}), which deviate from the line by "
        "{off:%} on average ({n} households).",
        **values,
    )


def _off_line(clear):
    if len(clear):
        return Note(
            "loyalty.jeopardy_off",
            "Clearly off the line: {names:word}. A niche, a private label or another way of "
            "buying may be the reason; the law does not say which.",
            names=list(clear["brand"]),
        )
    return Note(
        "loyalty.jeopardy_on",
        "No brand lies clearly off the line: how often a brand is bought follows from how many "
        "buy it.",
    )


@engine.tables("lines", unless=("Panel",))
@analysis
def duplication(
    lines: Table, *, draws: int = DRAWS, seed: int = 1, conf_level: float = 0.95, **options: Any
) -> Result:
    """Do brands share their buyers with others in line with how large the others are, or are there
    markets within the market?

    Parameters
    ----------
    lines, draws, seed, options : as in `brand_performance`

    Returns
    -------
    Result
        brand, other, count (buyers of both), n (buyers of the brand), estimate (share of the
        brand's buyers who also buy the other), std_error, conf_low, conf_high, law (duplication
        coefficient times the other's penetration), ratio (estimate over law),
        p_holm (that both are equal). Groups of brands that share clearly more than the law says
        stand in `.limits`, and so do pairs that share clearly less; the coefficient stands in
        `.facts` (loyalty.duplication_answer, d).

    Raises as `purchase_panel`, and NotEnoughData with fewer than three brands.

    Source: Ehrenberg (1988), Repeat-Buying, on the duplication of purchase law.
    """
    import pandas as pd

    p = given(lines, options)
    keep = p.named
    k = len(keep)
    if k < BRANDS_SHARING:
        raise NotEnoughData(
            "loyalty.error_duplication_brands",
            "duplication: {least} brands are needed, found {count}",
            least=BRANDS_SHARING,
            count=k,
        )
    bought = (p.counts[:, keep] > 0).astype(float)
    made = brand_laws.duplication(bought, np.ones(len(bought)), p.households)
    d, law, coefficient = made.shares, made.law, made.coefficient
    drawn = [brand_laws.duplication(bought, w, p.households) for w in p.draws(draws, seed)]
    d_all = np.array([v.shares for v in drawn])
    ratio_all = np.array([v.shares / np.maximum(v.law, 1e-12)[None, :] for v in drawn])
    se, low, high = intervals.percentiles(d_all, d, conf_level)
    ratio = d / np.maximum(law, 1e-12)[None, :]
    spread = ratio_all.std(axis=0, ddof=1)
    p_value = intervals.p_value(ratio - 1, spread)
    rows = [(a, b) for a in range(k) for b in range(k) if a != b]
    names = [p.brands[i] for i in keep]
    holm = intervals.adjust_p_values([p_value[a, b] for a, b in rows])
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
    _, c_low, c_high = intervals.percentiles(
        [v.coefficient for v in drawn], coefficient, conf_level
    )
    off_law = float(np.abs(ratio[~np.eye(k, dtype=bool)] - 1).mean())
    return Result(
        question=Note(
            "loyalty.duplication_question",
            "Which share of a brand's buyers also buys each other brand?",
        ),
        table=table,
        answer=_duplicated(coefficient, c_low, c_high, off_law, p.households),
        method=DUPLICATION_METHOD.having(draws=draws),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(
            _partitions([[names[i] for i in g] for g in groups]),
            *_sharing_less(table, conf_level),
            *limits_of(p),
        ),
        chart=Heat(
            row="brand",
            column="other",
            percent=True,
            xlabel=ALSO_BOUGHT,
            ylabel=BUYERS_OF,
        ),
    )


def _duplicated(coefficient, low, high, off, households):
    return Note(
        "loyalty.duplication_answer",
        "Buyers of one brand are {d:3} times as likely as households in general to buy another "
        "({low:3} to {high:3}; {n} households); pairs of brands deviate from this coefficient by "
        "{off:%} on average.",
        d=coefficient,
        low=float(low),
        high=float(high),
        off=off,
        n=households,
    )


def _partitions(groups):
    if not groups:
        return Note(
            "loyalty.no_partitions",
            "No group of brands shares clearly more buyers than their sizes imply: one market.",
        )
    return Note(
        "loyalty.partitions",
        "Brands that share clearly more buyers than their sizes imply, a market within the "
        "market: {groups}.",
        groups=[Note("loyalty.partition", "{brands:word}", brands=g) for g in groups],
    )


def _sharing_less(table, conf_level):
    """Name the pairs of brands that share clearly fewer buyers, in both directions."""
    less = table[(table["p_holm"] < 1 - conf_level) & (table["ratio"] < 1)]
    pairs = {(r.brand, r.other) for r in less.itertuples()}
    both = sorted({tuple(sorted(pair)) for pair in pairs if pair[::-1] in pairs})
    if not both:
        return []
    return [
        Note(
            "loyalty.sharing_less",
            "Brands that share clearly fewer buyers than their sizes imply: {pairs}.",
            pairs=[Note("loyalty.partition", "{brands:word}", brands=list(pair)) for pair in both],
        )
    ]


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
