"""Topics of texts by non-negative factors, and whether they are the same when drawn again."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

TOP = 10  # terms of a topic that are compared
PART = 0.8  # of the texts in every draw


@dataclass(frozen=True, eq=False)
class Topics:
    """Topics of n texts over m terms.

    `weights` (n, k), `terms` (k, m), `stability` (k): how far the first terms of each topic are
    those of the topic most like it in other draws, from 0 to 1.
    """

    weights: np.ndarray
    terms: np.ndarray
    stability: np.ndarray


def find(matrix, k: int, *, draws: int = 6, seed: int = 1) -> Topics:
    """Find k topics, and how stable they are over draws of texts and beginnings.

    Parameters
    ----------
    matrix : sparse array (n, m)
        How much each term weighs in each text; not negative.
    k : int
        Topics.
    draws : int
        Each of 80 % of the texts, begun at random.
    seed : int

    Returns
    -------
    Topics

    Source: Lee & Seung (1999), Nature 401; stability: Greene, O'Callaghan & Cunningham (2014),
    How many topics? Stability analysis for topic models.

    >>> from scipy import sparse
    >>> two = np.kron(np.eye(2), np.ones((20, 10)))
    >>> find(sparse.csr_array(two), 2, draws=3).stability.tolist()
    [1.0, 1.0]
    """
    rng = np.random.default_rng(seed)
    n = matrix.shape[0]
    weights, terms = _factors(matrix, k, "nndsvda", 0)
    first = [_top(row) for row in terms]
    alike = []
    for _ in range(draws):
        part = np.sort(rng.choice(n, max(int(PART * n), 1), replace=False))
        other = _factors(matrix[part], k, "random", int(rng.integers(1 << 31)))[1]
        alike.append(_matched(first, [_top(row) for row in other]))
    return Topics(weights, terms, np.mean(alike, axis=0))


def _factors(matrix, k, begin, seed):
    """Return weights of texts and terms of topics."""
    from sklearn.decomposition import NMF

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NMF(k, init=begin, random_state=seed, max_iter=200, tol=1e-3)
        weights = model.fit_transform(matrix)
    return weights, model.components_


def _top(row):
    """Return the terms that weigh most in a topic; those of no weight are none of it."""
    order = np.argsort(-row, kind="stable")[:TOP]
    return {int(i) for i in order if row[i] > 0}


def _matched(first, other):
    """Return how alike each topic and the one it is matched with are, by Jaccard of their terms."""
    from scipy.optimize import linear_sum_assignment

    alike = np.array([[len(a & b) / max(len(a | b), 1) for b in other] for a in first])
    rows, columns = linear_sum_assignment(-alike)
    return alike[rows, columns]
