"""How heavy and light buyers buy: the share of the heaviest, and what each group buys next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.loyalty.limits import BUYERS_ONLY
from workbench.loyalty.nbd_dirichlet import nbd
from workbench.loyalty.purchases import DRAWS, given, limits_of
from workbench.loyalty.repeat_buying_theory import SEASON
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import brand_laws, resample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Moment, Table

FIRST_BUYERS = 10  # buyers in the first period, below which nothing is compared
HEAVY_LIMIT = Note(
    "loyalty.heavy_limit",
    "Heavy buyers of one period are heavy partly by chance; the longer the period, the larger "
    "their share appears.",
)
MODERATION_LIMIT = Note(
    "loyalty.moderation_limit",
    "That heavy buyers buy less and non-buyers buy something is expected by chance alone: only a "
    "difference from the law is a change.",
)


@dataclass(frozen=True)
class Periods:
    """Two periods of equal length that meet: the first begins on `begin`, ends on `until`."""

    begin: str
    until: str
    length: str


@engine.tables("lines")
@analysis
def two_periods(lines: Table, until: Moment | None = None) -> Periods:
    """Return the two longest periods of equal length in the data, the first ending on `until`.

    Parameters
    ----------
    lines : table of any kind with ordered_at
    until : str or date, optional
        Last day of the first period; None: the middle of the data.

    Returns
    -------
    Periods
        begin, until and length, as `buyer_moderation` and `repeat_buying` take them.
    """
    import pandas as pd

    need_columns("lines", engine.columns(lines), "ordered_at")
    ends = engine.span(lines, "ordered_at")
    if None in ends:
        raise NotEnoughData("loyalty.error_no_moment", "lines: there is no line with a time")
    moments = pd.Series(pd.to_datetime(ends, unit="us", utc=True))
    first, last = moments.dt.tz_localize(None).dt.normalize()
    cut = schemas.moment("until", periods.middle_day(moments) if until is None else until)
    middle = pd.Timestamp(cut, unit="us").normalize()
    length = min((middle - first).days, (last - middle).days) - 1
    if length < 1:
        raise _outside(middle.date())
    begin = middle - pd.Timedelta(days=length)
    return Periods(str(begin.date()), str(middle.date()), f"{length}D")


@engine.tables("lines", unless=("Panel",))
@analysis
def heavy_buyers(
    lines: Table,
    *,
    shares: Sequence[float] = (0.2, 0.5),
    draws: int = DRAWS,
    seed: int = 1,
    conf_level: float = 0.95,
    **options: Any,
) -> Result:
    """How much of all purchases do the heaviest buyers make?

    Parameters
    ----------
    lines, draws, seed, options : as in `brand_performance`
    shares : list of float
        Which part of the buyers, from the heaviest on.

    Returns
    -------
    Result
        brand ("category" first), measure (heaviest_20, …; gini), n (buyers), estimate (share of
        purchases; inequality between buyers, 0 to 1), std_error, conf_low, conf_high.

    Raises as `purchase_panel`.

    Source: Twedt (1964), Journal of Marketing 28; Sharp, Romaniuk & Graham (2019).
    """
    import pandas as pd

    p = given(lines, options)
    for s in shares:
        if not 0 < s < 1:
            raise InputError(
                "loyalty.error_shares",
                "shares: must lie between 0 and 1, found {share}",
                share=s,
            )
    rows = []
    weights = p.draws(draws, seed)
    for name, values in (("category", p.total), *((p.brands[i], p.counts[:, i]) for i in p.named)):
        v = values[values > 0]
        if len(v) < 2:
            continue
        made = brand_laws.concentration(values, np.ones((1, len(values))), shares).columns()[0]
        drawn = brand_laws.concentration(values, weights, shares).columns()
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
                    *(f"heaviest_{100 * s:g}" for s in shares),
                    "gini",
                ]
            )
        ]
    return Result(
        question=Note(
            "loyalty.heavy_question", "How much of all purchases do the heaviest buyers make?"
        ),
        table=pd.DataFrame(rows),
        answer=_heaviest(rows, shares[0]),
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
            HEAVY_LIMIT,
            *limits_of(p),
        ),
        chart=Points(
            label=["brand"],
            only={"measure": f"heaviest_{100 * shares[0]:g}"},
            percent=True,
            xlabel=Note("loyalty.heavy_axis", "Share of purchases"),
        ),
    )


def _heaviest(rows, part):
    """Return the answer from the first row, of all brands; raise where nobody buys enough."""
    if not rows:
        raise NotEnoughData(
            "loyalty.error_one_buyer",
            "lines: fewer than {least} households buy anything",
            least=2,
        )
    row = rows[0]
    return Note(
        "loyalty.heavy_answer",
        "The heaviest {part:%0} of buyers make {share:%} of all purchases ({low:%} to {high:%}; "
        "{n} buyers).",
        part=part,
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=row["n"],
    )


@engine.tables("lines")
@analysis
def buyer_moderation(
    lines: Table,
    *,
    until: Moment,
    households: int | None = None,
    zone: str = "UTC",
    draws: int = DRAWS,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
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
        a household in the first period), total (purchases in the second), n (households), estimate
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

    need_columns("lines", engine.columns(lines), "order_id", "customer_id", "ordered_at")
    view = engine.view(
        lines,
        zone=zone,
        customer=engine.key("customer_id"),
        day=engine.day("ordered_at"),
        order_id="order_id",
    )
    span = engine.run("SELECT min(day) AS a, max(day) AS b FROM v", v=view).iloc[0]
    cut = _cut(span, until, zone)
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
            "loyalty.error_households",
            "households: {households} are fewer than the {buyers} who bought",
            households=n,
            buyers=len(found),
        )
    x, y = (
        np.concatenate([found[c].to_numpy(float), np.zeros(n - len(found))])
        for c in ("early", "late")
    )
    if (x > 0).sum() < FIRST_BUYERS:
        raise NotEnoughData(
            "loyalty.error_moderation_buyers",
            "buyer_moderation: {count} buyers in the first period; {least} are needed",
            count=int((x > 0).sum()),
            least=FIRST_BUYERS,
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
    )[:, resample.place([x, y], np.arange(n))]
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
                "total": float(y[mine].sum()),
                "n": int(mine.sum()),
                "estimate": y[mine].mean(),
                "std_error": se[0],
                "conf_low": low[0],
                "conf_high": high[0],
                "law": law[mine].mean(),
                "share": y[mine].sum() / max(y.sum(), 1),
            }
        )
    limits = [_by_law(m, k), MODERATION_LIMIT, SEASON]
    if households is None:
        limits.append(BUYERS_ONLY)
    return Result(
        question=Note(
            "loyalty.moderation_question",
            "What do last period's heavy, light and non-buyers buy next period?",
        ),
        table=pd.DataFrame(rows),
        answer=_moderated(rows[-1]),
        method=Note(
            "loyalty.moderation_method",
            "Two periods of {days} days; a purchase is a basket with the category, whatever it "
            "holds; heavy: the fifth of the first period's buyers who bought most ({border} or "
            "more); law: NBD where nobody changed; bootstrap over households.",
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
            xlabel=Note("loyalty.moderation_axis", "Purchases per household in the second period"),
        ),
    )


def _by_law(mean, spread):
    if np.isfinite(spread):
        return Note(
            "loyalty.moderation_nbd",
            "NBD of the first period: mean {mean:3}, K {spread:3}.",
            mean=mean,
            spread=spread,
        )
    return Note(
        "loyalty.moderation_none",
        "No NBD has this penetration and frequency: households differ less than chance alone "
        "would make them, so the law cannot be given.",
    )


def _moderated(row):
    """Return what the heaviest group there is bought in the second period, beside the law."""
    values = {
        "group": row["group"],
        "second": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "first": row["first"],
        "n": row["n"],
    }
    if not np.isfinite(row["law"]):
        return Note(
            "loyalty.moderation_lawless_answer",
            "Those who were {group:word} in the first period made {second:3} purchases per "
            "household in the second ({low:3} to {high:3}; {n} households), against {first:3} in "
            "the first.",
            **values,
        )
    return Note(
        "loyalty.moderation_answer",
        "Those who were {group:word} in the first period made {second:3} purchases per household "
        "in the second ({low:3} to {high:3}; {n} households), against {first:3} in the first; if "
        "nobody had changed, the NBD expects {law:3}.",
        **values,
        law=row["law"],
    )


def _cut(span, until, zone):
    """Return the last day of the first period; refuse one outside the data."""
    cut = periods.local_day(schemas.moment("until", until, zone), zone)
    if span.isna().any():
        raise NotEnoughData(
            "loyalty.error_no_line",
            "lines: there is no order line with both a customer and a time",
        )
    if not span["a"] <= cut < span["b"]:
        raise _outside(until)
    return cut


def _outside(until):
    return InputError(
        "loyalty.error_until",
        "until: {until} must lie within the data, before their last day",
        until=until,
    )
