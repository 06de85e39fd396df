"""How much each of several columns accounts for, in the sample and in many draws at once."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
from scipy import special


def subsets(p) -> list:
    """Return all subsets of p columns, the empty one first.

    >>> subsets(2)
    [(), (0,), (1,), (0, 1)]
    """
    return [s for k in range(p + 1) for s in combinations(range(p), k)]


def r2(rxx, rxy, s):
    """Return R² of the columns s, from correlations among columns (B × p × p) and with the outcome
    (B × p).

    >>> r2(np.eye(2)[None], np.array([[0.6, 0.3]]), (0,)).round(6).tolist()
    [0.36]
    """
    if not s:
        return np.zeros(len(rxy))
    s = list(s)
    own = rxy[:, s]
    return np.einsum(
        "bi,bi->b",
        own,
        np.linalg.solve(rxx[:, s][:, :, s] + 1e-12 * np.eye(len(s)), own[:, :, None])[:, :, 0],
    )


def shapley(worth, p):
    """Return every driver's share of the whole from the worth of all subsets."""
    out = np.zeros((len(worth[()]), p))
    for s in worth:
        for j in set(range(p)) - set(s):
            out[:, j] += (
                factorial(len(s))
                * factorial(p - len(s) - 1)
                / factorial(p)
                * (worth[tuple(sorted((*s, j)))] - worth[s])
            )
    whole = out.sum(axis=1, keepdims=True)
    return np.where(whole > 1e-12, out / np.where(whole > 1e-12, whole, 1), np.nan)


def johnson(rxx, rxy):
    """Return Johnson's relative weights as shares of R²."""
    values, vectors = np.linalg.eigh(rxx)
    root = (vectors * np.sqrt(np.maximum(values, 1e-12))[:, None, :]) @ vectors.transpose(0, 2, 1)
    beta = np.linalg.solve(root, rxy[:, :, None])
    raw = (root**2 @ beta**2)[:, :, 0]
    whole = raw.sum(axis=1, keepdims=True)
    return np.where(whole > 0, raw / np.where(whole > 0, whole, 1), np.nan)


def mcfadden(x, y, weights):
    """Return McFadden's R² of a logit for many sets of row weights at once."""
    n = len(y)
    total = weights.sum(axis=1)
    share = weights @ y / total
    null = total * _entropy(share)
    if not x.shape[1]:
        return np.zeros(len(weights))
    z = np.column_stack([np.ones(n), (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)])
    outer = np.einsum("ni,nj->nij", z, z).reshape(n, -1)
    k = z.shape[1]
    beta = np.zeros((len(weights), k))
    beta[:, 0] = special.logit(share)
    before = np.full(len(weights), -np.inf)
    for _ in range(60):
        linear = beta @ z.T
        value = (weights * (y * linear - np.logaddexp(0, linear))).sum(axis=1)
        # A draw that is decided has no top, but a likelihood that comes to rest all the same.
        if (np.abs(value - before) <= 1e-10 * np.abs(null)).all():
            break
        before, chance = value, special.expit(linear)
        gradient = (weights * (y - chance)) @ z
        curve = ((weights * chance * (1 - chance)) @ outer).reshape(-1, k, k) + 1e-8 * np.eye(k)
        move = np.linalg.solve(curve, gradient[:, :, None])[:, :, 0]
        beta += np.clip(move, -3, 3)
    return 1 - value / null


def _entropy(share):
    """Return the log-likelihood a row of a constant chance."""
    return -special.entr(share) - special.entr(1 - share)
