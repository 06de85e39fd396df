"""Repeat buying by the NBD: how many buy how often, and how many of them buy again, where nobody
changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.loyalty.limits import BUYERS_ONLY, few
from workbench.loyalty.nbd_dirichlet import nbd
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import brand_laws

if TYPE_CHECKING:
    from workbench.types import Moment, Table

MOST = 10  # purchases from which buyers are taken together
DRAWS = 1000
LEAST = 400  # households
FIRST_BUYERS = 30  # buyers in the first period, below which no law is fitted
FITS = Note(
    "loyalty.nbd_fits",
    "How many households buy how often in the first period is consistent with the law.",
)
OFF = Note(
    "loyalty.nbd_off",
    "The numbers of buyers differ from the law by more than chance. See which rows differ, and by "
    "how much; with many households even small differences are clear.",
)
REPEAT_LIMIT = Note(
    "loyalty.nbd_limit",
    "A repeat rate below {all:%0} does not mean lost customers, since light buyers skip periods: "
    "compare it with that of the law.",
    all=1,
)


SEASON = Note(
    "loyalty.season",
    "Two periods of one year are not of one season, and who came to the shop during the first "
    "counts as somebody who did not buy: what differs from the law may be either, and no change of "
    "anybody's habits. The same months of two years tell them apart.",
)


@engine.tables("orders")
@analysis
def repeat_buying(
    orders: Table,
    *,
    begin: Moment,
    length: str = "91D",
    households: int | None = None,
    zone: str = "UTC",
    draws: int = DRAWS,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How many buy how often in a period, how many of them buy in the next, and is that what the
    NBD says?

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
        Of a brand or a category; purchase days count.
    begin : str or Timestamp
        First day of the first period; the second follows at once and is as long.
    length : str
        Length of a period, in whole days.
    households : int, optional
        All households, those without a purchase included; None: all customers in the data, who
        bought at some time.
    zone : str
    draws, seed : int
        Of the bootstrap over households, the law fitted anew in each.

    Returns
    -------
    Result
        measure (bought: share of households with so many purchases in the first period;
        repeat_rate: share of the first period's buyers who buy in the second; repeat_frequency:
        purchases of those in the second; new_frequency: purchases in the second of who did not buy
        in the first but does in the second), purchases ("0" … "10+"; "–"), count, n, estimate,
        std_error, conf_low, conf_high, law (by the NBD), law_low, law_high.

    Raises
    ------
    InputError
        For a length of part of a day, or fewer households than buyers.
    NotEnoughData
        With fewer than 30 buyers in the first period, data that end before the second does, or
        purchases that differ less than chance alone would make them.

    Source: Ehrenberg (1959), Applied Statistics 8; Ehrenberg (1988), Repeat-Buying, chapter 4.
    """
    import pandas as pd

    view, end = schemas.purchase_days(orders, zone)
    days = schemas.whole_days("length", length)
    first = periods.local_day(schemas.moment("begin", begin, zone), zone)
    seen = schemas.first_day(view)
    if first < seen:
        raise NotEnoughData(
            "loyalty.error_repeat_begin",
            "repeat_buying: the data begin after {begin}; what was bought before is not known",
            begin=begin,
        )
    if first + 2 * days - 1 > end:
        raise NotEnoughData(
            "loyalty.error_repeat_end",
            "repeat_buying: the data end before two periods of {length} from {begin} are over",
            length=length,
            begin=begin,
        )
    found = engine.run(
        schemas.DAYS
        + """,
          c AS (
            SELECT customer, sum(CASE WHEN day >= :a AND day < :b THEN 1 ELSE 0 END) AS early,
              sum(CASE WHEN day >= :b AND day < :c THEN 1 ELSE 0 END) AS late
            FROM days WHERE bought = 1 GROUP BY customer)
          SELECT CAST(early AS BIGINT) AS early, CAST(late AS BIGINT) AS late,
            CAST(count(*) AS BIGINT) AS households
          FROM c GROUP BY early, late ORDER BY early, late""",
        values={"a": first, "b": first + days, "c": first + 2 * days},
        o=view,
    )
    n = int(found["households"].sum() if households is None else households)
    bought = found[(found["early"] > 0) | (found["late"] > 0)]
    if n < bought["households"].sum():
        raise InputError(
            "loyalty.error_households",
            "households: {households} are fewer than the {buyers} who bought",
            households=n,
            buyers=int(bought["households"].sum()),
        )
    x, y = np.append(bought["early"], 0).astype(float), np.append(bought["late"], 0).astype(float)
    w = np.append(bought["households"], n - bought["households"].sum()).astype(float)
    if w[x > 0].sum() < FIRST_BUYERS:
        raise NotEnoughData(
            "loyalty.error_repeat_buyers",
            "repeat_buying: {count} buyers in the first period; {least} are needed",
            count=int(w[x > 0].sum()),
            least=FIRST_BUYERS,
        )
    try:
        m, k = nbd(float(w[x > 0].sum() / n), float((w * x).sum() / w[x > 0].sum()))
    except InputError as wrong:
        raise NotEnoughData(
            "loyalty.error_repeat_nbd", "repeat_buying: {reason}", reason=wrong.note
        ) from None
    labels = [*map(str, range(MOST)), f"{MOST}+"]

    told, by_law = brand_laws.repeated(x, y, w, n, MOST), _law(x, w, n)
    rng = np.random.default_rng(seed)
    drawn = [v.astype(float) for v in rng.multinomial(n, w / n, draws)] if draws else []
    se, low, high = intervals.percentiles(
        np.array([brand_laws.repeated(x, y, v, n, MOST) for v in drawn]).reshape(-1, len(told)),
        told,
        conf_level,
    )
    _, law_low, law_high = intervals.percentiles(
        np.array([_law(x, v, n) for v in drawn]).reshape(-1, len(told)), by_law, conf_level
    )
    again, came = (x > 0) & (y > 0), (x == 0) & (y > 0)
    counts = [
        *(w[np.minimum(x, MOST) == i].sum() for i in range(MOST + 1)),
        w[again].sum(),
        (w * y)[again].sum(),
        (w * y)[came].sum(),
    ]
    bases = [*[n] * (MOST + 1), w[x > 0].sum(), w[again].sum(), w[came].sum()]
    table = pd.DataFrame(
        {
            "measure": (
                ["bought"] * (MOST + 1) + ["repeat_rate", "repeat_frequency", "new_frequency"]
            ),
            "purchases": [*labels, "–", "–", "–"],
            **_apart(counts),
            "n": np.array(bases).astype(int),
            "estimate": told,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "law": by_law,
            "law_low": law_low,
            "law_high": law_high,
        }
    )
    # Numbers of purchases expected of fewer than five households are taken together, from above.
    expected, seen = by_law[: MOST + 1] * n, np.array(counts[: MOST + 1])
    while len(expected) > 4 and expected[-1] < 5:
        expected, seen = (
            np.append(expected[:-2], expected[-2:].sum()),
            np.append(seen[:-2], seen[-2:].sum()),
        )
    p = _fit_test(seen, expected)
    limits = _limits(table, households, n, _fitted(m, k, p), p)
    return Result(
        question=Note(
            "loyalty.nbd_question",
            "How many buy how often, how many of them buy again, and is that what the NBD says?",
        ),
        table=table,
        answer=_repeated(table),
        method=Note(
            "loyalty.nbd_method",
            "Purchase days in a period of {days} days and in the next; NBD from penetration and "
            "purchases per buyer; bootstrap over households ({draws} draws).",
            days=days,
            draws=draws,
        ),
        unit="households",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["purchases"],
            only={"measure": "bought"},
            percent=True,
            beside="law",
            xlabel=Note("loyalty.nbd_axis", "Share of households"),
        ),
    )


def _chances(mean, spread):
    """Return the chances of 0, 1, … purchases of a negative binomial."""
    from scipy import stats

    return stats.nbinom.pmf(np.arange(MOST), spread, spread / (spread + mean))


def _law(first, households, n):
    """Return what the NBD fitted to a first period says; missing where none exists."""
    buyers = households[first > 0].sum()
    try:
        mean, spread = nbd(float(buyers / n), float((households * first).sum() / buyers))
    except InputError:
        return np.full(MOST + 4, np.nan)
    return brand_laws.repeat_law(mean, spread, _chances(mean, spread))


def _fit_test(seen, expected):
    """Return the p-value of Pearson's chi-square, two parameters having been fitted."""
    return float(special.chdtrc(max(len(seen) - 3, 1), ((seen - expected) ** 2 / expected).sum()))


def _apart(counts):
    """Keep the households counted apart from purchases, the last two, which are sums."""
    sums = np.arange(len(counts)) >= len(counts) - 2
    return {"count": np.where(sums, np.nan, counts), "total": np.where(sums, counts, np.nan)}


def _fitted(mean, spread, p):
    return Note(
        "loyalty.nbd_fit",
        "NBD: mean {mean} purchases per household, K = {spread:3}; goodness of fit by chi-square, "
        "p-value {p:p}.",
        mean=mean,
        spread=spread,
        p=p,
    )


def _limits(table, households, n, fitted, p):
    """Return what the fit says, what lies off the law, and what the data lack."""
    limits = [fitted, FITS if p >= 0.05 else OFF, *_off_later(table), REPEAT_LIMIT, SEASON]
    if households is None:
        limits.append(BUYERS_ONLY)
    if n < LEAST:
        limits.append(few(n, LEAST, "households"))
    return limits


def _off_later(table):
    """Say which measures of the second period lie off the law."""
    later = table[table["purchases"] == "–"]
    off = later[(later["law"] < later["conf_low"]) | (later["law"] > later["conf_high"])]
    if not len(off):
        return []
    return [
        Note(
            "loyalty.nbd_off_later",
            "What buyers do in the second period is not what the law says of: {names:word}. There "
            "the interval leaves the law out.",
            names=list(off["measure"]),
        )
    ]


def _repeated(table):
    """Return the repeat rate beside the law's."""
    row = table[table["measure"] == "repeat_rate"].iloc[0]
    return Note(
        "loyalty.repeat_answer",
        "{share:%} of the first period's buyers bought again in the second ({low:%} to {high:%}; "
        "{count} of {n}); if nobody had changed, the NBD expects {law:%}.",
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
        law=row["law"],
    )
