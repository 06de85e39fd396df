"""What price do people say they would accept? Van Westendorp's four questions and Gabor and
Granger's ladder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.conjoint import findings
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis, weights
from workbench.stats import prices as of_prices
from workbench.stats import resample

if TYPE_CHECKING:
    from workbench.types import Table

# share of respondents whose answers must settle every price before prices not shown are filled in
LADDER = 0.95
QUESTIONS = ("too_cheap", "cheap", "expensive", "too_expensive")


@engine.frames("answers")
@analysis
def van_westendorp(
    answers: Table, *, draws: int = 1000, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Between which prices would most people neither doubt the quality nor walk away?

    Parameters
    ----------
    answers : table with respondent_id, too_cheap, cheap, expensive, too_expensive
        Prices each respondent named; a column "weight" is used. Rows out of order (too_cheap ≤
        cheap < expensive ≤ too_expensive does not hold) or incomplete are left out and counted.
    draws, seed : int
        Of the bootstrap over respondents.

    Returns
    -------
    Result
        point (lower_bound, indifference, optimal, upper_bound), n (respondents), estimate (price at
        which the two shares cross), std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        For missing columns, or a respondent who answered twice.
    NotEnoughData
        Where no respondent is consistent or curves do not cross.

    Source: Van Westendorp (1976), ESOMAR congress. Optimal: too cheap meets too expensive;
    indifference: cheap meets expensive; lower bound: too cheap meets not cheap; upper bound: too
    expensive meets not expensive.
    """
    import pandas as pd

    need_columns("answers", answers.columns, "respondent_id", *QUESTIONS)
    if answers["respondent_id"].duplicated().any():
        raise InputError(
            "conjoint.error_answered_twice",
            "answers: {answers} rows repeat a respondent_id; each respondent answers once",
            answers=int(answers["respondent_id"].duplicated().sum()),
        )
    given = answers[list(QUESTIONS)].to_numpy(float)
    good = (
        np.isfinite(given).all(axis=1)
        & (given[:, 0] <= given[:, 1])
        & (given[:, 1] < given[:, 2])
        & (given[:, 2] <= given[:, 3])
    )
    prices = given[good]
    if len(prices) < 2:
        raise NotEnoughData(
            "conjoint.error_prices_few",
            "van_westendorp: {n_prices} of {n_given} respondents named four prices in order",
            n_prices=len(prices),
            n_given=len(given),
        )
    grid = np.unique(prices)
    shown, weight = of_prices.curves(prices, grid), weights.of(answers[good])
    each = np.ones(len(prices)) if weight is None else weight
    estimate = of_prices.crossings(grid, shown, each)
    if np.isnan(estimate).any():
        raise NotEnoughData(
            "conjoint.error_no_crossing",
            "van_westendorp: some curves do not cross; ask more people or look at the prices",
        )
    se, low, high = intervals.bootstrap(
        lambda w: of_prices.crossings(grid, shown, w),
        resample.kinds(prices),
        seed=seed,
        draws=draws,
        conf_level=conf_level,
    )
    table = pd.DataFrame(
        {
            "point": list(of_prices.POINTS),
            "n": len(prices),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    ).sort_values("estimate", kind="stable", ignore_index=True)
    limits = [
        findings.VW_LIMIT,
        _left_out(good),
    ]
    limits += weights.said(weight)
    if len(prices) < 100:
        limits.append(findings.FEW.having(g=len(prices), least=100))
    return Result(
        question=findings.VW_QUESTION,
        table=table,
        answer=findings.acceptable(table),
        method=findings.VW_METHOD,
        unit="respondents",
        n=len(prices),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=["point"], xlabel=findings.PRICE_AXIS),
    )


@engine.frames("answers")
@analysis
def gabor_granger(
    answers: Table, *, draws: int = 1000, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Which share would buy at each price, and at which does the revenue peak?

    Parameters
    ----------
    answers : table with respondent_id, price, would_buy
        One row a price shown; a column "weight" is used. Who would buy at a price is taken to buy
        at any lower one; who says otherwise is counted in `.limits`. Where the answers of (nearly)
        all settle every price, those not shown are filled in, and who stopped before is left out
        and counted; else only the prices shown count.
    draws, seed : int
        Of the bootstrap over respondents.

    Returns
    -------
    Result
        price, measure (demand, revenue), count, n (respondents whose ladder settles all prices, or
        who were shown that one), estimate (share who would buy; price times that share), std_error,
        conf_low, conf_high.

    Raises NotEnoughData with fewer than two prices or respondents.

    Source: Gabor & Granger (1966), Economica 33.
    """
    import pandas as pd

    need_columns("answers", answers.columns, "respondent_id", "price", "would_buy")
    frame = answers.dropna(subset=["price", "would_buy"])
    wide = (
        frame.assign(would_buy=frame["would_buy"].astype(float))
        .pivot_table("would_buy", "respondent_id", "price", "max")
        .sort_index(axis=1)
    )
    prices, said = wide.columns.to_numpy(float), wide.to_numpy()
    weight = _of_respondents(frame, wide.index)
    each = np.ones(len(said)) if weight is None else weight
    if len(prices) < 2 or len(said) < 2:
        raise NotEnoughData(
            "conjoint.error_ladder_few",
            "gabor_granger: two prices and two respondents are needed; found "
            "{n_prices} and {n_said}",
            n_prices=len(prices),
            n_said=len(said),
        )
    # Yes at a price settles all lower ones; no settles all higher ones that were not asked.
    yes = np.maximum.accumulate(np.nan_to_num(said[:, ::-1], nan=0.0), axis=1)[:, ::-1] > 0
    no = np.maximum.accumulate(said == 0, axis=1)
    # Ladders asked to their end settle every price. Where many stop before, who is settled at a
    # price depends on the answers, so only prices shown count.
    settled = (yes | no).all(axis=1, keepdims=True)
    ladder = settled.mean() >= LADDER
    known, buys = (
        np.broadcast_to(settled, said.shape) if ladder else ~np.isnan(said),
        yes.astype(float),
    )
    odd = int(((said == 0) & yes).any(axis=1).sum())
    rows = _demand(prices, buys, known, weight, conf_level)
    best = of_prices.best_price(prices, buys, known, each)
    at = resample.kinds(np.column_stack([buys, known, each]))
    _, low, high = intervals.bootstrap(
        lambda w: of_prices.best_price(prices, buys, known, w * each),
        at,
        seed=seed,
        draws=draws,
        conf_level=conf_level,
    )
    limits = [
        Note(
            "conjoint.gg_best",
            "Revenue per person asked peaks at {price:money} (interval {low:money} to "
            "{high:money}, among the prices shown).",
            price=best,
            low=float(low),
            high=float(high),
        ),
        findings.GG_LIMIT,
        *weights.said(weight),
    ]
    if ladder and not settled.all():
        limits.append(
            Note(
                "conjoint.gg_stopped",
                "{n} respondents stopped before their answers settled every price; they "
                "are left out.",
                n=int((~settled).sum()),
            )
        )
    if odd:
        limits.append(_odd(odd))
    table = pd.DataFrame(rows).sort_values(["measure", "price"], ignore_index=True)
    return Result(
        question=findings.GG_QUESTION,
        table=table,
        answer=findings.best_price(
            best, float(low), float(high), table[table["measure"] == "demand"]
        ),
        method=findings.GG_METHOD,
        unit="respondents",
        n=len(said),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="price",
            only={"measure": "demand"},
            percent=True,
            xlabel=findings.PRICE_AXIS,
            ylabel=findings.GG_AXIS,
        ),
    )


def _demand(prices, buys, known, weight, conf_level):
    """Return the share who would buy at each price, and the revenue a person."""
    rows = []
    for k, price in enumerate(prices):
        mine = known[:, k]
        own = None if weight is None else weight[mine]
        made = intervals.share(buys[mine, k] > 0, np.flatnonzero(mine), conf_level, own)
        rows.append({"price": price, "measure": "demand", **made})
        rows.append(
            {
                "price": price,
                "measure": "revenue",
                **{c: made[c] if c in ("count", "n") else made[c] * price for c in made},
            }
        )
    return rows


def _of_respondents(frame, respondents):
    """Return the weight of each respondent, the mean of their rows; None without weights."""
    if weights.of(frame) is None:
        return None
    return frame.groupby("respondent_id")[weights.WEIGHT].mean().reindex(respondents).to_numpy()


def _left_out(good):
    """Say how many named prices out of order or left some out."""
    return Note(
        "conjoint.vw_left",
        "{n} respondents ({share:%}) named prices out of order or left some out; "
        "they are not counted.",
        n=int((~good).sum()),
        share=float((~good).mean()),
    )


def _odd(n):
    """Say how many contradict themselves."""
    return Note(
        "conjoint.gg_odd",
        "{n} respondents refused a price and accepted a higher one; they count as "
        "buyers at the lower one.",
        n=n,
    )
