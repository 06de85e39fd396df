"""Conversions attributed by removal from a chain of contacts."""

import numpy as np

from workbench import intervals
from workbench.attribution.credit import (
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
def markov(journeys, *, order=1, draws=200, seed=1, conf_level=0.95):
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
    chain = _Chain(journeys, order)
    estimate = chain.removal(chain.counts(journeys.times)[None])[0]
    k = len(journeys.names)
    drawn = chain.bootstrap(journeys, draws, seed) if draws else np.zeros((0, k))
    share = estimate / estimate.sum()
    spread = [
        intervals.percentiles(values, middle, conf_level)
        for values, middle in ((drawn / drawn.sum(axis=1, keepdims=True), share), (drawn, estimate))
    ]
    # What is lost of the worth: the same chain, every conversion counted by what such conversions
    # are worth on average.
    pay = (
        chain.removal(chain.counts(journeys.times)[None], chain.worth(journeys))[0]
        if journeys.valued
        else estimate
    )
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


class _Chain:
    """Moves between states (start, the last contacts, conversion, nothing), counted over paths."""

    def __init__(self, j, order):
        self.k, self.order = len(j.names), order
        base = self.k + 1
        n = len(j.code)
        at = np.arange(n) - np.repeat(j.begin[:-1], j.length)
        state = j.code + 1
        for back in range(1, order):
            earlier = np.zeros(n, np.int64)
            earlier[back:] = j.code[:-back] + 1 if back < n else 0
            earlier[at < back] = 0
            state = state + earlier * base**back
        if base**order <= 4 * n:  # few possible states: no need to sort
            met = np.bincount(state, minlength=base**order) > 0
            self.states, code = np.flatnonzero(met), (np.cumsum(met) - 1)[state]
        else:
            self.states, code = np.unique(state, return_inverse=True)
        self.s = len(self.states) + 1  # 0 is the start
        code = code + 1
        self.channel = np.concatenate([[-1], self.states % base - 1])
        before = np.zeros(n, np.int64)
        before[1:] = code[:-1]
        before[j.begin[:-1]] = 0
        width = self.s + 2  # the last two columns: conversion, nothing
        ends = code[j.begin[1:] - 1] * width + np.where(j.conversions > 0, self.s, self.s + 1)
        self.width, self.move, self.ends, self.path = width, before * width + code, ends, j.path

    def counts(self, times):
        """Return how often each move happened, states × (states, conversion, nothing)."""
        size = self.s * self.width
        return (
            np.bincount(self.move, times[self.path], size) + np.bincount(self.ends, times, size)
        ).reshape(self.s, self.width)

    def worth(self, j):
        """Return the mean worth of the conversions that come right after each state."""
        size = self.s * self.width
        paid, won = (
            np.bincount(self.ends, v, size).reshape(self.s, self.width)[:, self.s]
            for v in (j.value * j.times, j.conversions * j.times)
        )
        return np.divide(paid, won, out=np.zeros_like(paid), where=won > 0)

    def removal(self, counts, worth=1.0):
        """Return the share of conversions (or of their `worth` by state) lost without each channel,
        a row a matrix of counts.
        """
        out = np.zeros((len(counts), self.k))
        step = max(1, 40_000_000 // self.s**2)
        for a in range(0, len(counts), step):
            c = counts[a : a + step]
            total = c.sum(axis=2, keepdims=True)
            p = np.divide(c, total, out=np.zeros_like(c, float), where=total > 0)
            q, win = p[:, :, : self.s], p[:, :, self.s] * worth
            eye = np.eye(self.s)
            if self.order == 1:
                visits = np.linalg.inv(eye - q)
                chance = np.einsum("bij,bj->bi", visits, win)
                for s in range(1, self.s):
                    # The chance ever to be at a channel, times the chance to convert from there.
                    out[a : a + step, self.channel[s]] = (
                        visits[:, 0, s] / visits[:, s, s] * chance[:, s] / chance[:, 0]
                    )
                continue
            base = np.linalg.solve(eye - q, win[:, :, None])[:, 0, 0]
            for k in range(self.k):
                cut = q * (self.channel != k)[None, None, :]
                out[a : a + step, k] = (
                    1 - np.linalg.solve(eye - cut, win[:, :, None])[:, 0, 0] / base
                )
        return out

    def bootstrap(self, j, draws, seed):
        """Return removal effects of draws of whole customers; people with the same paths are drawn
        together.
        """
        from scipy import sparse

        kind, first = kinds(j)
        people, profile, of, times = profiles(j, kind)
        # Moves of each kind of path, then of each profile.
        place = np.full(len(j.conversions), -1)
        place[first] = np.arange(len(first))
        mine = place[self.path] >= 0
        rows = np.concatenate([place[self.path[mine]], np.arange(len(first))])
        cells = np.concatenate([self.move[mine], self.ends[first]])
        used, column = np.unique(cells, return_inverse=True)
        moves = sparse.csr_matrix((np.ones(len(rows)), (rows, column)), (len(first), len(used)))
        per = sparse.csr_matrix((times, (profile, of)), (len(people), len(first))) @ moves
        rng = np.random.default_rng(seed)
        n = people.sum()
        out = []
        for a in range(0, draws, 25):
            drawn = np.array(
                [rng.multinomial(n, people / n) for _ in range(min(25, draws - a))], float
            )
            counts = np.zeros((len(drawn), self.s * self.width))
            counts[:, used] = (per.T @ drawn.T).T
            counts = counts.reshape(len(drawn), self.s, self.width)
            good = counts[:, :, self.s].sum(axis=1) > 0
            out.append(self.removal(counts[good]))
        return np.concatenate(out)
