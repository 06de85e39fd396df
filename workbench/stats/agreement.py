"""Agreement and order of arrays: Cohen's kappa, heterotrait ratios, a first component, entropy of
what comes next; in the sample and in draws of people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence


def kappa(cell: np.ndarray, count: np.ndarray, size: int) -> float:
    """Return Cohen's kappa.

    Parameters
    ----------
    cell : ndarray of int, shape (k,)
        What one said times `size` plus what the other said.
    count : ndarray, shape (k,)
        How often.
    size : int
        How many different things can be said.

    Returns
    -------
    float
        Missing where both always say one thing.

    Source: Cohen (1960), Educational and Psychological Measurement 20.

    >>> float(kappa(np.array([0, 1, 2, 3]), np.array([20, 5, 10, 15]), 2).round(3))
    0.4
    """
    grid = np.bincount(cell, count, size * size).reshape(size, size)
    total = grid.sum()
    chance = (grid.sum(0) * grid.sum(1)).sum() / total**2
    return (np.trace(grid) / total - chance) / (1 - chance) if chance < 1 else np.nan


def within(r: np.ndarray, items: Sequence[int]) -> np.ndarray:
    """Return the mean correlation between different items of a scale.

    Parameters
    ----------
    r : ndarray, shape (b, k, k)
    items : list of int

    Returns
    -------
    ndarray, shape (b,)

    Source: Henseler, Ringle & Sarstedt (2015), Journal of the Academy of Marketing Science 43.

    >>> within(np.array([[[1.0, 0.4], [0.4, 1.0]]]), [0, 1]).round(9).tolist()
    [0.4]
    """
    own, k = r[:, items][:, :, items], len(items)
    return (own.sum(axis=(1, 2)) - k) / (k * (k - 1))


def between(r, first, second):
    """Return the mean correlation between items of two scales: see `within`.

    >>> between(np.array([[[1.0, 0.4], [0.4, 1.0]]]), [0], [1]).tolist()
    [0.4]
    """
    return r[:, first][:, :, second].mean(axis=(1, 2))


def sums(cov: np.ndarray, first: Sequence[int], second: Sequence[int]):
    """Return the correlation between the sums of two scales.

    Parameters
    ----------
    cov : ndarray, shape (k, k)
    first, second : list of int

    >>> float(sums(np.array([[1.0, 0.5], [0.5, 1.0]]), [0], [1]))
    0.5
    """
    within_them = [cov[np.ix_(a, a)].sum() for a in (first, second)]
    return cov[np.ix_(first, second)].sum() / np.sqrt(within_them[0] * within_them[1])


def first_component(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the first principal component of standardised columns.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    weights : ndarray, shape (n,)
        How often each row is drawn.

    Returns
    -------
    ndarray, shape (k + 2,)
        Loadings, the part of all variance that it explains, and McDonald's omega.

    Source: Hotelling (1933), Journal of Educational Psychology 24; McDonald (1999), Test Theory.

    >>> first_component(np.array([[1.0, 2], [2, 4], [3, 6]]), np.ones(3)).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    w = weights.astype(float)
    mean = (w[:, None] * x).sum(0) / w.sum()
    z = (x - mean) / np.sqrt((w[:, None] * (x - mean) ** 2).sum(0) / w.sum())
    values, vectors = np.linalg.eigh((w[:, None] * z).T @ z / w.sum())
    loading = vectors[:, -1] * np.sqrt(values[-1])
    loading *= np.sign(loading.sum())
    omega = loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())
    return np.append(loading, [values[-1] / x.shape[1], omega])


def entropy_of_next(
    origin: np.ndarray, target: np.ndarray, group: np.ndarray, weights: np.ndarray, mix: np.ndarray
) -> np.ndarray:
    """Return in bits how open it is what comes next, in two groups, origins mixed alike.

    Parameters
    ----------
    origin, target, group : ndarray of int, shape (n,)
        Groups are 0 and 1.
    weights : ndarray, shape (n,)
        How often each row is drawn.
    mix : ndarray, shape (origins,)
        Shares of the origins.

    Returns
    -------
    ndarray, shape (3,)
        Of either group (missing where a draw has none of it), and the second less the first.

    Source: Shannon (1948), Bell System Technical Journal 27; corrected for few rows as Miller
    (1955), in Quastler (ed.), Information Theory in Psychology.

    >>> origin, target = np.zeros(200, int), np.tile([0, 1], 100)
    >>> group = np.repeat([0, 1], 100)
    >>> target[:100] = 0
    >>> entropy_of_next(origin, target, group, np.ones(200), np.ones(1)).round(2).tolist()
    [0.0, 1.01, 1.01]
    """
    size, out = (len(mix), int(target.max()) + 1), []
    for k in (0, 1):
        mine = group == k
        cells = origin[mine] * size[1] + target[mine]
        counts = np.bincount(cells, weights[mine], size[0] * size[1]).reshape(size)
        n = counts.sum(axis=1, keepdims=True)
        p = np.divide(counts, n, out=np.zeros_like(counts), where=n > 0)
        bits = special.entr(p).sum(axis=1) / np.log(2)
        bits += np.where(
            n[:, 0] > 0,
            ((counts > 0).sum(axis=1) - 1) / (2 * np.maximum(n[:, 0], 1) * np.log(2)),
            0,
        )
        seen = n[:, 0] > 0
        whole = mix[seen].sum()
        out.append((bits[seen] * mix[seen]).sum() / whole if whole > 0 else np.nan)
    return np.array([*out, out[1] - out[0]])


LEVELS = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True, eq=False)
class Coincidences:
    """Pairs of values that coders gave to the same units.

    Attributes
    ----------
    values : ndarray, shape (v,)
        The values that occur, in order.
    pairs : ndarray, shape (u, v, v)
        Of every unit with at least two values: its pairs, over one less than its values.
    """

    values: np.ndarray
    pairs: np.ndarray


def coincidences(ratings: np.ndarray) -> Coincidences:
    """Return the pairs of values within units.

    Parameters
    ----------
    ratings : ndarray of float, shape (coders, units)
        Missing where a coder did not see a unit; any number of coders.

    Returns
    -------
    Coincidences

    Source: Krippendorff (2018), Content Analysis, ch. 12.

    >>> coincidences(np.array([[1.0, 1.0], [2.0, np.nan]])).pairs.tolist()
    [[[0.0, 1.0], [1.0, 0.0]]]
    """
    ratings = np.asarray(ratings, float)
    known = ~np.isnan(ratings)
    values = np.unique(ratings[known])
    counts = np.stack([(ratings == v).sum(axis=0) for v in values], axis=1).astype(float)
    counts = counts[known.sum(axis=0) > 1] if len(values) else np.zeros((0, 0))
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(len(values))
    pairs[:, diagonal, diagonal] -= counts
    return Coincidences(values, pairs / (counts.sum(axis=1) - 1)[:, None, None])


def krippendorff(
    found: Coincidences, level: str = "nominal", weights: np.ndarray | None = None
) -> float:
    """Give Krippendorff's alpha: one less the disagreement seen over that to be expected by chance.

    Parameters
    ----------
    found : Coincidences
    level : str
        nominal, ordinal, interval or ratio: how far apart two values are.
    weights : ndarray, shape (u,), optional
        How often each unit is drawn; once where it is not given.

    Returns
    -------
    float
        1 where all agree, 0 by chance; missing where only one value occurs.

    Source: Krippendorff (2018), Content Analysis, ch. 12; the example of four coders there.

    >>> nan = np.nan
    >>> ratings = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    ...                     [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    ...                     [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    ...                     [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan]])
    >>> [round(krippendorff(coincidences(ratings), level), 3) for level in LEVELS]
    [0.743, 0.815, 0.849, 0.797]
    """
    w = np.ones(len(found.pairs)) if weights is None else np.asarray(weights, float)
    seen = np.tensordot(w, found.pairs, 1)
    margin = seen.sum(axis=1)
    n = margin.sum()
    apart = _apart(found.values, margin, level)
    expected = (np.outer(margin, margin) * apart).sum()
    if n <= 1 or expected <= 0:
        return np.nan
    return float(1 - (n - 1) * (seen * apart).sum() / expected)


def _apart(values, margin, level):
    """Return the squared distance of every two values at a level of measurement."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ordinal":
        upto = np.cumsum(margin) - margin / 2
        return (upto[:, None] - upto[None, :]) ** 2
    gap = (values[:, None] - values[None, :]) ** 2
    if level == "interval":
        return gap
    total = (values[:, None] + values[None, :]) ** 2
    return np.divide(gap, total, out=np.zeros_like(gap), where=total > 0)


def fleiss(counts: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Give Fleiss' kappa of several coders who all rated every unit.

    Parameters
    ----------
    counts : ndarray, shape (u, v)
        How many coders gave each unit each value; the same number of coders throughout.
    weights : ndarray, shape (u,), optional
        How often each unit is drawn.

    Returns
    -------
    float
        Missing where only one value occurs.

    Source: Fleiss (1971), Psychological Bulletin 76.

    >>> counts = np.array([[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0],
    ...                    [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2],
    ...                    [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]])
    >>> round(fleiss(counts), 3)
    0.21
    """
    counts = np.asarray(counts, float)
    w = np.ones(len(counts)) if weights is None else np.asarray(weights, float)
    coders = counts.sum(axis=1)
    within = (counts * (counts - 1)).sum(axis=1) / (coders * (coders - 1))
    agreed = (w * within).sum() / w.sum()
    share = (w[:, None] * counts).sum(axis=0) / (w * coders).sum()
    chance = (share**2).sum()
    return float((agreed - chance) / (1 - chance)) if chance < 1 else np.nan
