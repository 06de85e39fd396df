"""Small questions of groups: have they shifted, does a share differ, is one count clearly first?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Index:
    """A population stability index, and what chance alone would give between such samples.

    Attributes
    ----------
    value : float
    by_chance : float
        Its expectation where nothing shifted.
    """

    value: float
    by_chance: float


def stability_index(first: np.ndarray, last: np.ndarray) -> Index:
    """Give the population stability index of groups at two dates.

    Parameters
    ----------
    first, last : ndarray of str, shapes (n,), (m,)
        Group of every customer at either date; half a customer is added to every group, so that an
        empty one does not make it infinite.

    Returns
    -------
    Index
        0 is no shift; below 0.1 is called little, from 0.25 on much.

    Source: Siddiqi (2006), Credit Risk Scorecards; by chance: Yurdakul & Naranjo (2020), Journal
    of Risk Model Validation 14.

    >>> a, b = np.array(["x"] * 50 + ["y"] * 50), np.array(["x"] * 80 + ["y"] * 20)
    >>> round(stability_index(a, b).value, 3), round(stability_index(a, b).by_chance, 3)
    (0.406, 0.02)
    """
    groups = np.unique(np.concatenate([first, last]))
    shares = []
    for side in (first, last):
        count = np.array([(side == g).sum() for g in groups]) + 0.5
        shares.append(count / count.sum())
    value = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    return Index(value, (len(groups) - 1) * (1 / len(first) + 1 / len(last)))


def mcnemar(gains, losses):
    """Give the two-sided exact p-value that as many came as went; 1 where nobody moved.

    Source: McNemar (1947), Psychometrika 12.

    >>> mcnemar(8, 1)
    0.0390625
    """
    from scipy import stats

    moved = gains + losses
    return 1.0 if not moved else float(stats.binomtest(gains, moved).pvalue)


def first_of(counts: np.ndarray, level: float) -> np.ndarray:
    """Tell in each row which count is clearly the highest: told from the second by an exact test.

    Parameters
    ----------
    counts : ndarray of int, shape (n, k)
    level : float
        Two-sided.

    Returns
    -------
    ndarray of int, shape (n,)
        Its column; -1 where none is.

    Source: exact binomial test of the first two.

    >>> first_of(np.array([[9, 1], [5, 4]]), 0.05).tolist()
    [0, -1]
    """
    from scipy import stats

    order = np.argsort(-counts, axis=1, kind="stable")
    high, next_ = (counts[np.arange(len(counts)), order[:, k]] for k in (0, 1))
    p = np.minimum(2 * stats.binom.sf(high - 1, high + next_, 0.5), 1)
    return np.where(p < level, order[:, 0], -1)


def independent(groups, hit):
    """Give the p-value of the chi-square test that a share is the same in all groups; missing where
    it is 0 or 1 everywhere.

    Source: Pearson (1900).

    >>> round(independent(np.array(list("aabb") * 10), np.array([1, 1, 0, 1] * 10)), 4)
    0.001
    """
    from scipy import stats

    names, place = np.unique(groups, return_inverse=True)
    cells = np.zeros((len(names), 2))
    np.add.at(cells, (place, np.asarray(hit, int)), 1)
    if len(names) < 2 or (cells.sum(axis=0) == 0).any():
        return np.nan
    return float(stats.chi2_contingency(cells).pvalue)
