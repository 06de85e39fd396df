"""Shapley values of sets of channels: what each brings, averaged over all orders of coming in.

Source: Shapley (1953), in Contributions to the Theory of Games II; for channels Zhao, Mahboobi &
Bagheri (2018), arXiv 1804.05327.
"""

from __future__ import annotations

from math import factorial

import numpy as np

DRAWN_ORDERS = 200  # random orders for bootstrap draws, of which there are many


def equal_parts(sets: np.ndarray, good: np.ndarray, k: int) -> np.ndarray:
    """Return Shapley values where a coalition is worth the conversions of paths that hold no other
    channel: each conversion in equal parts to the channels of its path.

    Parameters
    ----------
    sets : ndarray of int, shape (s,)
        Channels of each set, as bits.
    good : ndarray, shape (b, s)
        Conversions, or their worth.
    k : int
        Channels.

    Returns
    -------
    ndarray, shape (b, k)

    Source: as the module, section 3.

    >>> equal_parts(np.array([1, 3]), np.array([[4.0, 2.0]]), 2).tolist()
    [[5.0, 1.0]]
    """
    member = (sets[:, None] >> np.arange(k)) & 1
    return (good / member.sum(axis=1)) @ member


def of_rates(
    sets: np.ndarray, good: np.ndarray, paths: np.ndarray, k: int, orders: np.ndarray | None = None
) -> tuple:
    """Return Shapley values where a coalition is worth its conversions (or worth) a path, and the
    error that random orders add.

    Parameters
    ----------
    sets, good, k : as in `equal_parts`
    paths : ndarray, shape (b, s)
    orders : ndarray of int, shape (o, k), optional
        Random orders of coming in; None: exactly, over all.

    Returns
    -------
    tuple of ndarray
        Values (b × k), and their error (k).

    Source: as the module; random orders Castro, Gómez & Tejada (2009), Computers & Operations
    Research 36.

    >>> made, _ = of_rates(np.array([1, 2]), np.array([[1.0, 0.0]]), np.array([[2.0, 2.0]]), 2)
    >>> made.tolist()
    [[0.375, -0.125]]
    """
    if orders is None:
        return _over_all(sets, good, paths, k), np.zeros(k)
    gains = np.zeros((len(orders), len(good), k))
    for o, order in enumerate(orders if len(good) == 1 else orders[:DRAWN_ORDERS]):
        inside = np.int64(0)
        before = np.zeros(len(good))
        for i in order:
            inside |= np.int64(1) << np.int64(i)
            own = (sets & ~inside) == 0
            a, n = good[:, own].sum(axis=1), paths[:, own].sum(axis=1)
            now = np.divide(a, n, out=np.zeros(len(a)), where=n > 0)
            gains[o, :, i] = now - before
            before = now
    used = gains[: len(orders) if len(good) == 1 else DRAWN_ORDERS]
    return used.mean(axis=0), used[:, 0].std(axis=0, ddof=1) / np.sqrt(len(used))


def _over_all(sets, good, paths, k):
    """Return Shapley values over all orders, from the worth of every coalition."""
    size = 1 << k
    totals = []
    for part in (good, paths):
        full = np.zeros((len(part), size))
        full[:, sets] = part
        # Sums over all subsets, one channel at a time.
        for i in range(k):
            view = full.reshape(len(part), -1, 2, 1 << i)
            view[:, :, 1] += view[:, :, 0]
        totals.append(full)
    rate = np.divide(totals[0], totals[1], out=np.zeros_like(totals[0]), where=totals[1] > 0)
    members = np.arange(size)
    many = np.array([int(m).bit_count() for m in members])
    weight = np.array(
        [factorial(s) * factorial(k - s - 1) / factorial(k) if s < k else 0.0 for s in many]
    )
    out = np.zeros((len(good), k))
    for i in range(k):
        without = members[(members >> i) & 1 == 0]
        out[:, i] = ((rate[:, without | (1 << i)] - rate[:, without]) * weight[without]).sum(axis=1)
    return out
