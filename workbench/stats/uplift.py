"""Whom to treat: scores of the effect on each person, and what is gained by treating the highest.

Source: Künzel, Sekhon, Bickel & Yu (2019), PNAS 116 (T- and X-learner); Radcliffe (2007), Direct
Marketing Analytics Journal (Qini).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats import learners


@dataclass(frozen=True, eq=False)
class Gains:
    """Successes gained a person by treating the highest scores first: `targeted` at each part of
    the grid, `random` the same by lot, and `area` between them (Qini).
    """

    targeted: np.ndarray
    random: np.ndarray
    area: float


def ridge_logit(
    x: np.ndarray, y: np.ndarray, *, ridge: float = 1.0, rounds: int = 25
) -> np.ndarray:
    """Return the weights of a logit held a little towards 0, which settles where a feature
    separates too.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        The first column is the constant, which is not held.
    y : ndarray, shape (n,)
    ridge : float
    rounds : int

    Returns
    -------
    ndarray, shape (p,)

    Source: le Cessie & van Houwelingen (1992), Applied Statistics 41.

    >>> float(ridge_logit(np.ones((4, 1)), np.array([1, 1, 1, 0])).round(3)[0])  # log 3
    1.099
    """
    beta = np.zeros(x.shape[1])
    pull = ridge * np.eye(x.shape[1])
    pull[0, 0] = 0.0
    for _ in range(rounds):
        p = special.expit(x @ beta)
        move = np.linalg.solve(
            (x * (p * (1 - p))[:, None]).T @ x + pull, x.T @ (y - p) - pull @ beta
        )
        beta = beta + np.clip(move, -2, 2)
        if np.abs(move).max() < 1e-8:
            break
    return beta


def scores(
    x: np.ndarray,
    y: np.ndarray,
    treated: np.ndarray,
    fold: np.ndarray,
    learner: str = "t",
    classifier=None,
) -> np.ndarray:
    """Return the predicted effect on each person, by models that have not seen them.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Features, the first column the constant.
    y, treated : ndarray, shape (n,)
        0 or 1.
    fold : ndarray of int, shape (n,)
        Each fold is told by models of the others.
    learner : str
        "t": two models; "x": regressions of imputed effects on them.
    classifier : object, optional
        Learns the outcome in each arm, by `fit` and `predict_proba`; None: `ridge_logit`.

    Returns
    -------
    ndarray, shape (n,)

    Source: Künzel, Sekhon, Bickel & Yu (2019), PNAS 116.

    >>> rng = np.random.default_rng(1)
    >>> x = np.column_stack([np.ones(4000), rng.normal(size=4000)])
    >>> treated, fold = rng.integers(0, 2, (2, 4000))
    >>> y = (rng.random(4000) < special.expit(x[:, 1] * treated)) * 1
    >>> bool(np.corrcoef(scores(x, y, treated, fold), x[:, 1])[0, 1] > 0.9)
    True
    """
    score = np.zeros(len(y))
    for f in np.unique(fold):
        learn, told = fold != f, fold == f
        seen = [y[learn & (treated == k)] for k in (0, 1)]
        xs = [x[learn & (treated == k)] for k in (0, 1)]
        arms = [_outcome(xs[k], seen[k], classifier) for k in (0, 1)]
        if learner == "t":
            score[told] = arms[1](x[told]) - arms[0](x[told])
            continue
        gains = [arms[1](xs[0]) - seen[0], seen[1] - arms[0](xs[1])]
        slopes = [
            np.linalg.solve(a.T @ a + np.eye(x.shape[1]), a.T @ g)
            for a, g in zip(xs, gains, strict=True)
        ]
        share = treated[learn].mean()
        score[told] = share * (x[told] @ slopes[0]) + (1 - share) * (x[told] @ slopes[1])
    return score


def _outcome(x, y, classifier):
    """Return a function that tells the probability of the outcome for rows as those of x."""
    if classifier is None:
        beta = ridge_logit(x, y)
        return lambda rows: special.expit(rows @ beta)
    fitted = learners.learnt(classifier, x[:, 1:], y, what="uplift")
    return lambda rows: learners.probability(fitted, rows[:, 1:])


def gains(
    order: np.ndarray, y: np.ndarray, treated: np.ndarray, weights: np.ndarray, grid: np.ndarray
) -> Gains:
    """Return what is gained by treating people in an order.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Who is treated first, second, …
    y, treated : ndarray, shape (n,)
        0 or 1.
    weights : ndarray, shape (n,)
        How often each is drawn.
    grid : ndarray, shape (g,)
        Parts of all people.

    Returns
    -------
    Gains

    Source: Radcliffe (2007), Direct Marketing Analytics Journal.

    >>> y, treated = np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 1, 0])
    >>> gains(np.arange(4), y, treated, np.ones(4), np.array([0.5, 1.0])).targeted.tolist()
    [0.5, 0.5]
    """
    w = weights[order]
    t1, t0 = w * treated[order], w * (1 - treated[order])
    many = np.cumsum(w)
    ty, cy, tn, cn = (np.cumsum(v) for v in (t1 * y[order], t0 * y[order], t1, t0))
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = (
            np.where(cn > 0, (ty - cy * tn / cn), ty)
            / many[-1]
            / np.maximum(tn[-1] / many[-1], 1e-12)
        )
    at = np.searchsorted(many / many[-1], grid - 1e-12).clip(0, len(y) - 1)
    area = np.mean(gain - gain[-1] * many / many[-1])
    return Gains(gain[at], gain[-1] * grid, area)
