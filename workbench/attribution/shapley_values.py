"""Conversions attributed by Shapley's value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.attribution.heuristic_models import (
    AXIS,
    FEW_PATHS,
    NO_EFFECT,
    few_paths,
    left_out_of,
    most_credited,
    worth_if_known,
)
from workbench.attribution.paths import profiles
from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import shapley as coalitions

if TYPE_CHECKING:
    from workbench.attribution.paths import Journeys

EXACT = 12  # channels up to which all coalitions are gone through
SHUFFLES = 2000
MOST = 62  # channels a set of which fits a whole number
SHAPLEY_QUESTION = Note(
    "attribution.shapley_question",
    "How are conversions attributed if every channel gets what it adds, averaged over all "
    "orders in which channels can join?",
)
SHAPLEY_METHOD = Note(
    "attribution.shapley_method",
    "Shapley values over sets of channels; bootstrap over customers.",
)
WORTH = {
    "count": Note(
        "attribution.shapley_count",
        "A set of channels is worth the conversions of paths that use no others: each conversion "
        "is divided evenly over the channels of its path.",
    ),
    "rate": Note(
        "attribution.shapley_rate",
        "A set of channels is worth the share of paths using no others that convert: a channel "
        "may lower it, and its share is then negative.",
    ),
}


@analysis(none_drawn=True)
def shapley(
    journeys: Journeys,
    *,
    worth: str = "count",
    draws: int = 200,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How is credit shared if every channel gets what it adds, averaged over all orders in which
    channels may join?

    Parameters
    ----------
    journeys : Journeys
    worth : str
        What a set of channels is worth: "count", the conversions of paths that use no other
        channels (then every path's credit is split evenly over its channels), or "rate", the share
        of such paths that convert (needs unsuccessful paths; exact to 12 channels, beyond from
        random orders, whose own error is given).
    draws, seed : int
        Of the bootstrap over customers, and of the random orders; 0 draws: no interval.

    Returns
    -------
    Result
        channel, count (conversions credited), n (conversions), estimate (share of the credit; with
        "rate" it may fall below 0), std_error, conf_low, conf_high, order_error (standard error
        that comes from the random orders;
        0 where exact), and where conversions have a worth value (the worth credited, with worth in
        the place of conversions).

    Raises
    ------
    InputError
        For an unknown worth, or "rate" without unsuccessful paths.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: Shapley (1953); Zhao, Mahboobi & Bagheri (2018), arXiv 1804.05327.
    """
    import pandas as pd

    one_of("worth", worth, ("count", "rate"))
    journeys.check()
    k = len(journeys.names)
    if k > MOST:
        raise InputError(
            "attribution.error_shapley_channels",
            "shapley: at most {most} channels, found {found}; combine small ones first",
            most=MOST,
            found=k,
        )
    won = journeys.times * journeys.conversions
    lost = journeys.times * (1 - journeys.conversions)
    if worth == "rate" and not lost.sum():
        raise InputError(
            "attribution.error_shapley_unsuccessful",
            "shapley: there is no path without a conversion, so every rate is {rate:%0}; use "
            'worth="count" or add the other paths',
            rate=1.0,
        )
    mask = np.bitwise_or.reduceat(np.int64(1) << journeys.code, journeys.begin[:-1])
    sets, which = np.unique(mask, return_inverse=True)
    people, profile, of, times = profiles(journeys, which * 2 + journeys.conversions.astype(int))
    rng = np.random.default_rng(seed)
    orders = (
        None
        if worth == "count" or k <= EXACT
        else np.array([rng.permutation(k) for _ in range(SHUFFLES)])
    )

    good = np.bincount(which, won, len(sets))[None]
    all_paths = np.bincount(which, won + lost, len(sets))[None]
    credit, luck = _credits(worth, sets, good, all_paths, k, orders)
    share = credit[0] / credit[0].sum()
    made = np.zeros((0, k))
    if draws:
        from scipy import sparse

        per = sparse.csr_matrix((times, (profile, of)), (len(people), 2 * len(sets)))
        n = people.sum()
        drawn = np.array([rng.multinomial(n, people / n) for _ in range(draws)], float)
        counts = np.asarray((per.T @ drawn.T).T)
        made, _ = _credits(
            worth, sets, counts[:, 1::2], counts[:, 0::2] + counts[:, 1::2], k, orders
        )
        made = made[made.sum(axis=1) > 0]
        made = made / made.sum(axis=1, keepdims=True)
    se, low, high = intervals.percentiles(made, share, conf_level)
    total, paid = float(won.sum()), journeys.value * journeys.times
    pay = (
        _credits(worth, sets, np.bincount(which, paid, len(sets))[None], all_paths, k, orders)[0][0]
        if journeys.valued
        else credit[0]
    )
    table = worth_if_known(
        pd.DataFrame(
            {
                "channel": journeys.names,
                "count": share * total,
                "n": int(total),
                "estimate": share,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
                "value": pay / pay.sum() * paid.sum(),
                "order_error": luck / abs(credit[0].sum()),
            }
        ),
        journeys,
    )
    limits = [
        WORTH[worth],
        NO_EFFECT,
        *left_out_of(journeys),
    ]
    if orders is not None:
        limits.append(
            Note(
                "attribution.shapley_sampled",
                "From {shuffles} random orders; the error this adds is at most {error:%2}.",
                shuffles=SHUFFLES,
                error=float(table["order_error"].max()),
            )
        )
    if won.sum() + lost.sum() < FEW_PATHS:
        limits.append(few_paths(won.sum() + lost.sum(), total))
    return Result(
        question=SHAPLEY_QUESTION,
        table=table,
        method=SHAPLEY_METHOD,
        answer=most_credited(table),
        unit="conversions",
        n=int(total),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=["channel"], percent=True, xlabel=AXIS),
    )


def _credits(worth, sets, good, paths, k, orders):
    """Return the credit of every channel (rows: draws) from conversions (or their worth) and paths
    by set, and the error of random orders.
    """
    if worth == "count":
        return coalitions.equal_parts(sets, good, k), np.zeros(k)
    return coalitions.of_rates(sets, good, paths, k, orders)
