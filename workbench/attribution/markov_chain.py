"""Conversions attributed by removal from a chain of contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.attribution.heuristic_models import (
    AXIS,
    FEW_CONVERSIONS,
    FEW_PATHS,
    few_paths,
    left_out_of,
    most_credited,
    worth_if_known,
)
from workbench.attribution.paths import kinds, profiles
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.removal_effects import chain as moves
from workbench.stats.removal_effects import removal_effects

if TYPE_CHECKING:
    from workbench.attribution.paths import Journeys

MARKOV_LIMIT = Note(
    "attribution.markov_limit",
    "Removal within the model: it assumes that everyone who would have come through the "
    "channel is lost. Many would have come another way, so this is no effect.",
)
MARKOV_QUESTION = Note(
    "attribution.markov_question",
    "How many conversions would a chain of contacts lose without each channel?",
)


@analysis(none_drawn=True)
def markov(
    journeys: Journeys, *, order: int = 1, draws: int = 200, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """How many conversions would a chain of contacts lose without each channel?

    Contacts follow one another as in the data; without a channel, who would have come to it is
    lost. The chances are solved for exactly, not simulated. The losses are then scaled so that the
    credits add up to the conversions.

    Parameters
    ----------
    journeys : Journeys
        With unsuccessful paths too: without them every chain ends in a conversion.
    order : int
        Contacts remembered, at least 1.
    draws, seed : int
        Of the bootstrap over customers; 0 draws: no interval.

    Returns
    -------
    Result
        channel, measure (credit, removal), count (conversions credited; missing for removal), n
        (conversions; paths for removal), estimate (share of the credit; share of conversions lost),
        std_error, conf_low, conf_high, and where conversions have a worth value (the worth
        credited, by how much of it would be lost).

    Raises
    ------
    InputError
        For an order below 1, or paths of which none was unsuccessful.
    NotEnoughData
        Without a conversion that has a contact before it.

    Source: Anderl, Becker, von Wangenheim & Schumann (2016), International Journal of Research in
    Marketing 33; removal from the fundamental matrix: Kemeny & Snell (1960), Finite Markov Chains.
    """
    import pandas as pd

    journeys.check()
    if order < 1:
        raise InputError(
            "attribution.error_order",
            "order: must be at least {least}, found {order}",
            least=1,
            order=order,
        )
    lost = float((journeys.times * (1 - journeys.conversions)).sum())
    if not lost:
        raise InputError(
            "attribution.error_markov_unsuccessful",
            "markov: there is no path without a conversion, so every chain ends in one; add the "
            "paths of those who did not convert",
        )
    won = float((journeys.times * journeys.conversions).sum())
    chain = moves(journeys.code, journeys.begin, journeys.conversions, len(journeys.names), order)
    counts = chain.counts(journeys.times)[None]
    estimate = removal_effects(chain, counts)[0]
    k = len(journeys.names)
    drawn = _bootstrap(chain, journeys, draws, seed) if draws else np.zeros((0, k))
    share = estimate / estimate.sum()
    spread = [
        intervals.percentiles(values, middle, conf_level)
        for values, middle in ((drawn / drawn.sum(axis=1, keepdims=True), share), (drawn, estimate))
    ]
    # What is lost of the worth: the same chain, every conversion counted by what such conversions
    # are worth on average.
    pay = estimate
    if journeys.valued:
        paid, sold = journeys.value * journeys.times, journeys.conversions * journeys.times
        pay = removal_effects(chain, counts, chain.after(paid, sold))[0]
    pay = pay / pay.sum() * float((journeys.value * journeys.times).sum())
    rows = [
        {
            "channel": name,
            "measure": "credit",
            "count": share[i] * won,
            "n": int(won),
            "estimate": share[i],
            "std_error": spread[0][0][i],
            "conf_low": spread[0][1][i],
            "conf_high": spread[0][2][i],
            "value": pay[i],
        }
        for i, name in enumerate(journeys.names)
    ]
    rows += [
        {
            "channel": name,
            "measure": "removal",
            "count": np.nan,
            "n": int(won + lost),
            "estimate": estimate[i],
            "std_error": spread[1][0][i],
            "conf_low": spread[1][1][i],
            "conf_high": spread[1][2][i],
            "value": np.nan,
        }
        for i, name in enumerate(journeys.names)
    ]
    limits = [
        MARKOV_LIMIT,
        Note(
            "attribution.markov_base",
            "{share:%} of paths convert; the losses add up to {sum:%0} and are scaled to the "
            "number of conversions.",
            share=won / (won + lost),
            sum=float(estimate.sum()),
        ),
        *left_out_of(journeys),
    ]
    if won < FEW_CONVERSIONS or won + lost < FEW_PATHS:
        limits.append(few_paths(won + lost, won))
    return Result(
        question=MARKOV_QUESTION,
        table=worth_if_known(pd.DataFrame(rows), journeys),
        method=Note(
            "attribution.markov_method",
            "Absorbing Markov chain of order {order}, removal effects solved exactly; bootstrap "
            "over customers.",
            order=order,
        ),
        answer=most_credited(pd.DataFrame(rows[:k])),
        unit="paths",
        n=int(won + lost),
        conf_level=conf_level,
        evidence="descriptive",
        limits=tuple(limits),
        chart=Points(
            label=["channel"],
            only={"measure": "credit"},
            percent=True,
            xlabel=AXIS,
        ),
    )


def _bootstrap(chain, j, draws, seed):
    """Return removal effects of draws of whole customers; people with the same paths are drawn
    together.
    """
    from scipy import sparse

    kind, first = kinds(j)
    people, profile, of, times = profiles(j, kind)
    # Moves of each kind of path, then of each profile.
    place = np.full(len(j.conversions), -1)
    place[first] = np.arange(len(first))
    mine = place[chain.path] >= 0
    rows = np.concatenate([place[chain.path[mine]], np.arange(len(first))])
    cells = np.concatenate([chain.move[mine], chain.ends[first]])
    used, column = np.unique(cells, return_inverse=True)
    moves = sparse.csr_matrix((np.ones(len(rows)), (rows, column)), (len(first), len(used)))
    per = sparse.csr_matrix((times, (profile, of)), (len(people), len(first))) @ moves
    rng = np.random.default_rng(seed)
    n = people.sum()
    out = []
    for a in range(0, draws, 25):
        drawn = np.array([rng.multinomial(n, people / n) for _ in range(min(25, draws - a))], float)
        counts = np.zeros((len(drawn), chain.s * chain.width))
        counts[:, used] = (per.T @ drawn.T).T
        counts = counts.reshape(len(drawn), chain.s, chain.width)
        good = counts[:, :, chain.s].sum(axis=1) > 0
        out.append(removal_effects(chain, counts[good]))
    return np.concatenate(out)
