"""Where do customers stand? Recency, frequency and money; attitude beside behaviour; what happens
next to each group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, need_columns, unknown
from workbench.loyalty.limits import few
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from workbench.types import Moment, Table

LEAST = 30  # customers a segment below which its shares are shown but not to be relied on
SEGMENTS = ("champions", "loyal", "new", "fading", "at_risk", "lost")
NEAR = 0.1  # share of the spread within which somebody lies near a cut


GRID = 10  # customers below which nothing is shown
GRID_LEAST = 150
RFM_LIMIT = Note(
    "loyalty.rfm_limit",
    "Scores rank customers by what they did; they give no reason for it. Tied customers share a "
    "score, so segments are not equally large.",
)
GRID_LIMIT = Note(
    "loyalty.grid_limit",
    "With cuts at the medians the grid shows who is more loyal than others here, not who is loyal.",
)


@engine.tables("orders")
@analysis
def rfm(
    orders: Table,
    *,
    as_of: Moment | None = None,
    zone: str = "UTC",
    groups: int = 5,
    cuts: Mapping | None = None,
) -> pd.DataFrame:
    """Score every customer on recency, frequency and money, and name the segment.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    as_of : str or Timestamp, optional
        Day on which customers are judged; later orders take no part. None: the last day of the
        data.
    zone : str
        Time zone in which days are cut.
    groups : int
        Scores run from 1 to this, by quantiles of all customers. Customers tied in a number share
        the score of their mean rank, so that groups may differ in size.
    cuts : dict, optional
        Fixed borders instead: "recency" (days), "orders", "amount" → increasing list; a score is
        one more than the borders reached (for recency: not passed).

    Returns
    -------
    DataFrame
        customer_id, recency (days since the last purchase), orders (days with one; a day with more
        back than paid is none), amount (net), r, f, m (scores, the highest is best), cell (such as
        "5-4-4") and segment: champions (r and f in the upper two fifths), loyal (both in the upper
        three), new (recent, few orders), fading (in the middle, few orders), at_risk (long ago,
        many orders), lost (long ago, few).

    Raises
    ------
    InputError
        For fewer than two groups, or borders that do not increase.
    NotEnoughData
        Where nobody ordered by then.

    Source: Hughes (1994), Strategic Database Marketing; Fader, Hardie & Lee (2005), Journal of
    Marketing Research 42.
    """
    if groups < 2:
        raise InputError(
            "loyalty.error_groups",
            "groups: at least {least} are needed, found {groups}",
            least=2,
            groups=groups,
        )
    for name, borders in (cuts or {}).items():
        if name not in ("recency", "orders", "amount"):
            raise unknown("cuts", "number", name, ("recency", "orders", "amount"))
        if not len(borders) or (np.diff(borders) <= 0).any():
            raise InputError(
                "loyalty.error_cuts",
                "cuts: the borders of {name} must increase, found {borders}",
                name=name,
                borders=list(borders),
            )
    view, day = schemas.purchase_days(orders, zone)
    if as_of is not None:
        day = periods.local_day(schemas.moment("as_of", as_of, zone), zone)
    made = engine.run(
        schemas.DAYS
        + """
          SELECT customer AS customer_id,
            CAST(:day - max(CASE WHEN bought = 1 THEN day END) AS BIGINT) AS recency,
            CAST(sum(bought) AS BIGINT) AS orders, round(sum(amount), 6) AS amount
          FROM days WHERE day <= :day GROUP BY customer HAVING sum(bought) > 0 ORDER BY customer""",
        values={"day": int(day)},
        o=view,
    )
    if not len(made):
        raise NotEnoughData("loyalty.error_rfm_empty", "rfm: nobody ordered by then")
    made["amount"] = made["amount"].fillna(0.0)

    for letter, name, sign in (("r", "recency", -1), ("f", "orders", 1), ("m", "amount", 1)):
        values = sign * made[name]
        # Fewer days are better: turned round, recency is scored as the others are.
        borders = (
            None if name not in (cuts or {}) else np.sort(sign * np.asarray(cuts[name], float))
        )
        made[letter] = (
            np.ceil(values.rank(method="average").to_numpy() / len(values) * groups).astype(int)
            if borders is None
            else np.searchsorted(borders, values, side="right") + 1
        )
    made["cell"] = made["r"].astype(str) + "-" + made["f"].astype(str) + "-" + made["m"].astype(str)
    r, f = (made[c] / made[c].max() for c in ("r", "f"))
    made["segment"] = np.select(
        [(r > 0.6) & (f > 0.6), (r > 0.4) & (f > 0.4), r > 0.6, r > 0.4, f > 0.4],
        SEGMENTS[:5],
        "lost",
    )
    made.attrs = {"as_of": int(day), "zone": zone}
    return made


@engine.tables("orders")
@engine.frames("scored")
@analysis
def rfm_segments(
    scored: Table, orders: Table, *, window: str = "90D", conf_level: float = 0.95
) -> Result:
    """How large is each segment, what does it spend, and how many of it order in the time after?

    Parameters
    ----------
    scored : table of `loyalty.rfm`
    orders : the orders behind it, with what came after `as_of`
    window : str
        Time after `as_of` in which an order counts; where the data end before, the share who came
        back is missing.

    Returns
    -------
    Result
        segment, measure (customers: share of all; amount: share of what all spent so far;
        came_back: share who ordered in the window), count, n, estimate, std_error, conf_low,
        conf_high.

    Raises InputError for a table without scores.

    Source: as `rfm`; Wilson (1927).
    """

    need_columns("scored", scored.columns, "customer_id", "segment", "amount")
    zone = scored.attrs.get("zone", "UTC")
    day = schemas.beside(scored, "scored", "as_of", "loyalty.rfm")
    length = schemas.micros("window", window) // 86_400_000_000
    view, end = schemas.purchase_days(orders, zone)
    span = {"a": int(day), "b": int(day + length)}
    after = "SELECT DISTINCT customer FROM o WHERE day > :a AND day <= :b ORDER BY customer"
    after = engine.run(after, values=span, o=view)["customer"]
    back = engine.written(scored["customer_id"]).isin(engine.written(after)).to_numpy()
    watched = day + length <= end
    rows, n, money = [], len(scored), scored["amount"].to_numpy(float)
    for name in [s for s in SEGMENTS if (scored["segment"] == s).any()]:
        mine = (scored["segment"] == name).to_numpy()
        rows.append(
            {
                "segment": name,
                "measure": "customers",
                **intervals.share(mine, np.arange(n), conf_level),
            }
        )
        estimate, se, low, high = intervals.ratio(money * mine, money, conf_level)
        rows.append(
            {
                "segment": name,
                "measure": "amount",
                "amount": float(money[mine].sum()),
                "n": n,
                "estimate": estimate,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
                "amount_total": float(money.sum()),
            }
        )
        rows.append(
            {
                "segment": name,
                "measure": "came_back",
                **_share_back(back[mine], watched, conf_level),
            }
        )
    few_in = [s for s in SEGMENTS if 0 < (scored["segment"] == s).sum() < LEAST]
    limits = [RFM_LIMIT] if watched else [_unfinished(window), RFM_LIMIT]
    limits += [_small_segments(few_in)] if few_in else []
    return Result(
        question=Note(
            "loyalty.rfm_question",
            "How large is each segment, what does it spend, and how many of it come back?",
        ),
        table=tidy(_some(rows)),
        answer=_best_and_worst(rows, window) if watched else _largest(rows),
        method=Note(
            "loyalty.rfm_method",
            "Scores of recency, frequency and money; shares with Wilson intervals; came back: an "
            "order within {window:span} after the reference date.",
            window=window,
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        people=scored[["customer_id", "segment"]],
        chart=Points(
            label=["segment"],
            only={"measure": "came_back" if watched else "customers"},
            percent=True,
            xlabel=(
                Note("loyalty.rfm_axis", "Share that ordered in the time after")
                if watched
                else Note("loyalty.rfm_axis_size", "Share of customers")
            ),
        ),
    )


@engine.frames("table")
@analysis
def dick_basu(
    table: Table,
    attitude: str,
    behaviour: str,
    *,
    cuts: tuple | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Who is loyal in attitude and behaviour, who only in one of them?

    Parameters
    ----------
    table : DataFrame
        One row a customer; rows without either are left out and counted.
    attitude, behaviour : str
        Numbers: how much better they think of the brand than of others, and how much of their
        buying it gets (such as its share of requirements).
    cuts : tuple of float, optional
        At or above these somebody is high; None: the medians.

    Returns
    -------
    Result
        loyalty (true_loyalty: high in both; latent_loyalty: attitude only; spurious_loyalty:
        behaviour only; no_loyalty), count, n, estimate, std_error, conf_low, conf_high. The cuts
        and the share of customers near one stand in `.facts` (loyalty.grid_cuts).

    Raises
    ------
    InputError
        For missing columns or words.
    NotEnoughData
        With fewer than ten customers.

    Source: Dick & Basu (1994), Journal of the Academy of Marketing Science 22.
    """
    import pandas as pd

    fits.numbers(table, "table", attitude, behaviour)
    rows = table[[attitude, behaviour]].dropna()
    if len(rows) < GRID:
        raise NotEnoughData(
            "loyalty.error_few_customers",
            "dick_basu: {count} customers have both; {least} are needed",
            count=len(rows),
            least=GRID,
        )
    a, b = (rows[c].to_numpy(float) for c in (attitude, behaviour))
    borders = (
        (float(np.median(a)), float(np.median(b))) if cuts is None else tuple(map(float, cuts))
    )
    high_a, high_b = a >= borders[0], b >= borders[1]
    out = [
        {"loyalty": name, **intervals.share(mine, np.arange(len(a)), conf_level)}
        for name, mine in (
            ("true_loyalty", high_a & high_b),
            ("latent_loyalty", high_a & ~high_b),
            ("spurious_loyalty", ~high_a & high_b),
            ("no_loyalty", ~high_a & ~high_b),
        )
    ]
    near = (np.abs(a - borders[0]) < NEAR * max(np.ptp(a), 1e-12)) | (
        np.abs(b - borders[1]) < NEAR * max(np.ptp(b), 1e-12)
    )
    limits = [_cuts(borders, float(near.mean())), GRID_LIMIT]
    if len(rows) < GRID_LEAST:
        limits.append(few(len(rows), GRID_LEAST, "customers"))
    if len(rows) < len(table):
        limits.append(_left_out(len(table) - len(rows)))
    return Result(
        question=Note(
            "loyalty.grid_question",
            "Who is loyal in attitude and behaviour, who only in one of them?",
        ),
        table=pd.DataFrame(out),
        answer=_loyal(out),
        method=Note(
            "loyalty.grid_method",
            "Dick and Basu's grid of relative attitude and repeat patronage; Wilson intervals.",
        ),
        unit="customers",
        n=len(rows),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["loyalty"], percent=True, xlabel=Note("loyalty.grid_axis", "Share of customers")
        ),
    )


def _unfinished(window):
    return Note(
        "loyalty.rfm_young",
        "The data end less than {window:span} after the reference date: who came back is not known "
        "yet.",
        window=window,
    )


def _small_segments(names):
    return Note(
        "loyalty.rfm_few",
        "Fewer than {least} customers: {names:word}.",
        names=names,
        least=LEAST,
    )


def _best_and_worst(rows, window):
    """Return the segments that came back most and least, those too small to say left out."""
    back = [r for r in rows if r["measure"] == "came_back" and r["n"] >= MINIMUM_CELL]
    if not back:
        back = [r for r in rows if r["measure"] == "came_back"]
    best, worst = (pick(back, key=lambda r: r["estimate"]) for pick in (max, min))
    return Note(
        "loyalty.rfm_answer",
        'Within {window:span} {share:%} of the segment "{best:word}" ordered ({low:%} to {high:%}; '
        '{count} of {n}), the highest share; the lowest is {other:%} ("{worst:word}").',
        window=window,
        share=best["estimate"],
        best=best["segment"],
        low=best["conf_low"],
        high=best["conf_high"],
        count=int(best["count"]),
        n=best["n"],
        other=worst["estimate"],
        worst=worst["segment"],
    )


def _largest(rows):
    row = max((r for r in rows if r["measure"] == "customers"), key=lambda r: r["estimate"])
    return Note(
        "loyalty.rfm_size_answer",
        'The largest segment, "{segment:word}", is {share:%} of customers ({low:%} to {high:%}; '
        "{count} of {n}).",
        segment=row["segment"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=row["n"],
    )


def _cuts(borders, near):
    return Note(
        "loyalty.grid_cuts",
        "High is {attitude:3} or more in attitude and {behaviour:3} or more in behaviour; "
        "{near:%} of customers lie so near a cut that they could as well be elsewhere.",
        attitude=borders[0],
        behaviour=borders[1],
        near=near,
    )


def _left_out(n):
    return Note(
        "loyalty.left_out",
        "{n} row with a missing value is left out.",
        "{n} rows with a missing value are left out.",
        n=n,
    )


def _loyal(rows):
    both, _, behaviour, _ = rows
    return Note(
        "loyalty.grid_answer",
        "{share:%} of customers are loyal in attitude and behaviour ({low:%} to {high:%}; {count} "
        "of {n}); {spurious:%} are loyal in behaviour only.",
        share=both["estimate"],
        low=both["conf_low"],
        high=both["conf_high"],
        count=int(both["count"]),
        n=both["n"],
        spurious=behaviour["estimate"],
    )


def _share_back(back, watched, conf_level):
    """Return the share that came back, missing where the time after is not over."""
    if watched:
        return intervals.share(back, np.arange(len(back)), conf_level)
    unknown = ("count", "estimate", "std_error", "conf_low", "conf_high")
    return {**dict.fromkeys(unknown, np.nan), "n": len(back)}


def _some(rows):
    """Return the rows of segments, or refuse a table that has none of them."""
    if not rows:
        raise NotEnoughData(
            "loyalty.error_no_segment",
            "scored: no row has one of the segments of loyalty.rfm ({segments:text})",
            segments=list(SEGMENTS),
        )
    return rows
