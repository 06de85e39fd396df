"""How good lists are: relevant things among the first k, of all there are, ranked in full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ListQuality:
    """The quality of one list a user.

    Attributes
    ----------
    precision, recall, ndcg, average_precision : ndarray, shape (users,)
        Of the first k places; missing for users without anything relevant.
    """

    precision: np.ndarray
    recall: np.ndarray
    ndcg: np.ndarray
    average_precision: np.ndarray


def list_quality(hits, relevant: np.ndarray) -> ListQuality:
    """Judge lists by which places hold something relevant.

    Parameters
    ----------
    hits : bool array, shape (users, k)
        Whether a place holds something relevant, the first place first.
    relevant : ndarray of int, shape (users,)
        How many relevant things each user has in all.

    Returns
    -------
    ListQuality
        precision: hits of the k places; recall: hits of what is relevant; ndcg: hits discounted by
        the logarithm of their place, of the most that could be had; average_precision: the
        precision at each hit, over all that is relevant.

    Source: Järvelin & Kekäläinen (2002), ACM Transactions on Information Systems 20 (ndcg);
    Manning, Raghavan & Schütze (2008), Introduction to Information Retrieval, ch. 8.

    >>> result = list_quality(np.array([[True, False, True]]), np.array([2]))
    >>> [round(float(v[0]), 3) for v in (result.precision, result.recall, result.ndcg,
    ...     result.average_precision)]
    [0.667, 1.0, 0.92, 0.833]
    """
    hits, relevant = np.asarray(hits, float), np.asarray(relevant, float)
    k = hits.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    most = np.minimum(relevant, k).astype(int)
    at_hit = hits * np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ListQuality(
            np.where(relevant > 0, hits.sum(axis=1) / k, np.nan),
            hits.sum(axis=1) / np.where(relevant > 0, relevant, np.nan),
            hits @ discount / np.where(relevant > 0, ideal[most], np.nan),
            at_hit.sum(axis=1) / np.where(relevant > 0, relevant, np.nan),
        )


def first_places(score: np.ndarray, k, allowed=None) -> np.ndarray:
    """Return the first k places of every user's ranking of all items.

    Parameters
    ----------
    score : ndarray, shape (users, items)
        Of items as alike, the one that stands first is taken first.
    allowed : bool array, shape (users, items), optional
        What may be recommended.

    Returns
    -------
    ndarray of int, shape (users, k)
        Items; -1 where there is nothing left to recommend.

    Source: a full ranking; samples of items distort it: Krichene & Rendle (2020), KDD.

    >>> first_places(np.array([[0.1, 0.5, 0.5]]), 2).tolist()
    [[1, 2]]
    """
    score = np.asarray(score, float)
    if allowed is not None:
        score = np.where(allowed, score, -np.inf)
    size = min(k, score.shape[1])
    order = np.argsort(-score, axis=1, kind="stable")[:, :size]
    order = np.where(np.isneginf(np.take_along_axis(score, order, axis=1)), -1, order)
    return np.pad(order, ((0, 0), (0, k - size)), constant_values=-1)


def gini(counts):
    """Give how unequal exposure is: 0 where all items are shown as often, near 1 where one is.

    Source: Gini (1912); Fleder & Hosanagar (2009), Management Science 55, for recommendations.

    >>> gini(np.array([1, 1])), gini(np.array([0, 0, 0, 4]))
    (0.0, 0.75)
    """
    counts = np.sort(np.asarray(counts, float))
    n, total = len(counts), counts.sum()
    if not total:
        return np.nan
    return float((2 * np.arange(1, n + 1) - n - 1) @ counts / (n * total))


def miscalibration(own: np.ndarray, listed: np.ndarray, mixed: float = 0.01):
    """Give how far the mix of a list lies from that of its user: Kullback–Leibler divergence, in
    bits.

    Parameters
    ----------
    own, listed : ndarray, shape (users, topics)
        Shares of each topic in what a user did, and in what is recommended.
    mixed : float
        How much of `own` is mixed into `listed`, so that no topic is impossible.

    Source: Steck (2018), RecSys: Calibrated recommendations.

    >>> miscalibration(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]])).tolist()
    [0.0]
    """
    own, listed = np.asarray(own, float), np.asarray(listed, float)
    blend = (1 - mixed) * listed + mixed * own
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(own > 0, own * np.log2(own / blend), 0.0)
    return np.maximum(part.sum(axis=1), 0.0)
