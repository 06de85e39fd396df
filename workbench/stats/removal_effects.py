"""Markov chains of contacts, and what is lost without each channel.

Source: Anderl, Becker, von Wangenheim & Schumann (2016), International Journal of Research in
Marketing 33; removal from the fundamental matrix Kemeny & Snell (1960), Finite Markov Chains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Chain:
    """Moves between states: the start, the last contacts, a conversion, nothing.

    Attributes
    ----------
    channels : int
    order : int
        How many of the last contacts are a state.
    channel : ndarray of int, shape (s,)
        The channel of each state's last contact; the start, −1, is the first state.
    move, ends : ndarray of int
        Cells of the matrix of moves (s × (s + 2)) that each contact (n) and each path's end
        (paths) add to.
    path : ndarray of int, shape (n,)
        The path of each contact.
    """

    channels: int
    order: int
    channel: np.ndarray
    move: np.ndarray
    ends: np.ndarray
    path: np.ndarray

    @property
    def s(self):
        """How many states there are besides the two ends."""
        return len(self.channel)

    @property
    def width(self):
        """How many states one can move to: those, a conversion, nothing."""
        return self.s + 2

    def counts(self, times):
        """Return how often each move happened, states × (states, conversion, nothing), where each
        path was gone so many times.
        """
        size = self.s * self.width
        return (
            np.bincount(self.move, times[self.path], size) + np.bincount(self.ends, times, size)
        ).reshape(self.s, self.width)

    def after(self, paid, won):
        """Return the mean worth of the conversions that come right after each state, from the
        worth and the number of conversions of each path.
        """
        size = self.s * self.width
        paid, won = (
            np.bincount(self.ends, v, size).reshape(self.s, self.width)[:, self.s]
            for v in (paid, won)
        )
        return np.divide(paid, won, out=np.zeros_like(paid), where=won > 0)


def chain(
    code: np.ndarray, begin: np.ndarray, converted: np.ndarray, channels: int, order: int = 1
) -> Chain:
    """Lay paths out as moves between states.

    Parameters
    ----------
    code : ndarray of int, shape (n,)
        The channel of each contact (0, 1, …), path after path.
    begin : ndarray of int, shape (paths + 1,)
        Where each path begins, and n.
    converted : ndarray, shape (paths,)
        1 where a path ended in a conversion.
    channels, order : int

    Returns
    -------
    Chain

    Source: as the module.

    >>> chain(np.array([0, 1]), np.array([0, 2]), np.array([1]), 2).counts(np.ones(1)).sum()
    np.float64(3.0)
    """
    length = np.diff(begin)
    base, n = channels + 1, len(code)
    at = np.arange(n) - np.repeat(begin[:-1], length)
    state = code + 1
    for back in range(1, order):
        earlier = np.zeros(n, np.int64)
        earlier[back:] = code[:-back] + 1 if back < n else 0
        earlier[at < back] = 0
        state = state + earlier * base**back
    if base**order <= 4 * n:  # few possible states: no need to sort
        met = np.bincount(state, minlength=base**order) > 0
        states, number = np.flatnonzero(met), (np.cumsum(met) - 1)[state]
    else:
        states, number = np.unique(state, return_inverse=True)
    s, number = len(states) + 1, number + 1
    before = np.zeros(n, np.int64)
    before[1:] = number[:-1]
    before[begin[:-1]] = 0
    width = s + 2
    ends = number[begin[1:] - 1] * width + np.where(np.asarray(converted) > 0, s, s + 1)
    return Chain(
        channels,
        order,
        np.concatenate([[-1], states % base - 1]),
        before * width + number,
        ends,
        np.repeat(np.arange(len(length)), length),
    )


def removal_effects(chain: Chain, counts: np.ndarray, worth: float = 1.0) -> np.ndarray:
    """Return the share of conversions lost without each channel, every move to it ending in
    nothing.

    Parameters
    ----------
    chain : Chain
    counts : ndarray, shape (b, s, s + 2)
        As of `Chain.counts`, for the sample or for draws.
    worth : float or ndarray, shape (s,)
        What a conversion right after each state is worth.

    Returns
    -------
    ndarray, shape (b, channels)
        Missing where nothing converts.

    Source: as the module.

    >>> made = chain(np.array([0, 1, 0]), np.array([0, 2, 3]), np.array([1, 0]), 2)
    >>> removal_effects(made, made.counts(np.ones(2))[None]).tolist()  # every conversion has both
    [[1.0, 1.0]]
    """
    out = np.zeros((len(counts), chain.channels))
    step = max(1, 40_000_000 // chain.s**2)
    for a in range(0, len(counts), step):
        c = counts[a : a + step]
        total = c.sum(axis=2, keepdims=True)
        p = np.divide(c, total, out=np.zeros_like(c, float), where=total > 0)
        q, win = p[:, :, : chain.s], p[:, :, chain.s] * worth
        with np.errstate(invalid="ignore", divide="ignore"):
            out[a : a + step] = _of_moves(chain, q, win)
    return out


def _of_moves(chain, q, win):
    """Return removal effects from chances to move on and to convert."""
    out, eye = np.zeros((len(q), chain.channels)), np.eye(chain.s)
    if chain.order == 1:
        visits = np.linalg.inv(eye - q)
        chance = np.einsum("bij,bj->bi", visits, win)
        for s in range(1, chain.s):
            # The chance ever to be at a channel, times the chance to convert from there.
            out[:, chain.channel[s]] = (
                visits[:, 0, s] / visits[:, s, s] * chance[:, s] / chance[:, 0]
            )
        return out
    base = np.linalg.solve(eye - q, win[:, :, None])[:, 0, 0]
    for k in range(chain.channels):
        cut = q * (chain.channel != k)[None, None, :]
        out[:, k] = 1 - np.linalg.solve(eye - cut, win[:, :, None])[:, 0, 0] / base
    return out
