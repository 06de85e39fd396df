"""Which place something takes among others, with the places that chance could have given it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Ranks:
    """Places of totals, the largest first.

    Attributes
    ----------
    rank, rank_low, rank_high : ndarray of int, shape (m,)
        The place, and the best and worst that the data allow.
    """

    rank: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray


def rank_sets(
    estimate: np.ndarray,
    covariance: np.ndarray,
    conf_level: float = 0.95,
    *,
    draws: int = 2000,
    seed: int = 1,
) -> Ranks:
    """Give each estimate its place, and the places that the data allow.

    Parameters
    ----------
    estimate : ndarray, shape (m,)
    covariance : ndarray, shape (m, m)
        Of the estimates.
    draws, seed : int
        Of the largest difference that chance gives.

    Returns
    -------
    Ranks
        An estimate lies below those whose difference from it is above 0 with all of its differences
        taken together, and above those whose difference is below 0: the places in between hold the
        true one with the confidence asked for, for each estimate by itself.

    Source: Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91.

    >>> result = rank_sets(np.array([9.0, 5.0, 4.9]), np.diag([0.01, 0.01, 0.01]))
    >>> result.rank_low.tolist(), result.rank_high.tolist()
    ([1, 2, 2], [1, 3, 3])
    """
    estimate, covariance = np.asarray(estimate, float), np.asarray(covariance, float)
    m = len(estimate)
    rank = 1 + (estimate[:, None] < estimate[None]).sum(axis=1)
    if m < 2:
        return Ranks(rank, np.ones(m, int), np.full(m, m))
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    drawn = np.random.default_rng(seed).standard_normal((draws, m)) @ root.T
    spread = np.sqrt(
        np.clip(np.diag(covariance)[:, None] + np.diag(covariance)[None] - 2 * covariance, 0, None)
    )
    low, high = np.empty(m, int), np.empty(m, int)
    for j in range(m):
        others = np.arange(m) != j
        gap, width = estimate[others] - estimate[j], spread[j, others]
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(width > 0, gap / width, np.sign(gap) * np.inf)
            largest = np.where(
                width > 0, np.abs(drawn[:, others] - drawn[:, [j]]) / width, 0.0
            ).max(axis=1)
        limit = np.quantile(largest, conf_level)
        score = np.where(np.isnan(score), 0.0, score)
        low[j] = 1 + (score > limit).sum()
        high[j] = m - (score < -limit).sum()
    return Ranks(rank, low, high)
