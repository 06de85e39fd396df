"""Linear state-space models of many short series at once: Kalman filter and smoother, with yes and
no among what is observed.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True, eq=False)
class Model:
    """A state of p parts that moves by `transition` and is seen through m kinds of observations.

    `start` (n, p) and `start_cov` (p, p): the state before its first observation; `transition`
    (p, p), `shift` (n, T, p) added at every step but the first, `noise` (p, p). `design` (m, p),
    `offset` (n, T, m) and `variance` (m): an observation is offset + design · state + noise; where
    `binary` (m) is true it is 0 or 1, with those log-odds.
    """

    start: np.ndarray
    start_cov: np.ndarray
    transition: np.ndarray
    shift: np.ndarray
    noise: np.ndarray
    design: np.ndarray
    offset: np.ndarray
    variance: np.ndarray
    binary: np.ndarray


@dataclass(frozen=True, eq=False)
class Filtered:
    """What is known of every state from what came up to it.

    `mean` (n, T, p) and `cov` (n, T, p, p) after the observations of a step, `ahead` and
    `ahead_cov` before them, `log_likelihood` (n).
    """

    mean: np.ndarray
    cov: np.ndarray
    ahead: np.ndarray
    ahead_cov: np.ndarray
    log_likelihood: np.ndarray


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What is known of every state from the whole series.

    `mean` (n, T, p), `cov` (n, T, p, p) and `lag` (n, T, p, p): the covariance of a state with the
    one before it, 0 at the first step.
    """

    mean: np.ndarray
    cov: np.ndarray
    lag: np.ndarray


def kalman_filter(observed: np.ndarray, model: Model) -> Filtered:
    """Filter n series of T steps; an observation that is missing says nothing.

    Parameters
    ----------
    observed : array (n, T, m)
        Missing where nothing was observed.
    model : Model

    Returns
    -------
    Filtered
        Observations of yes and no are taken in by matching moments; without them it is exact.

    Source: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, ch. 4 and 6.4
    (one observation at a time); moments of a logit: Minka (2001), assumed-density filtering.

    >>> one = np.ones((1, 1))
    >>> model = Model(np.zeros((1, 1)), one, one, np.zeros((1, 2, 1)), 0 * one, one,
    ...     np.zeros((1, 2, 1)), np.ones(1), np.zeros(1, bool))
    >>> seen = kalman_filter(np.array([[[1.0], [np.nan]]]), model)
    >>> seen.mean[0, :, 0].tolist(), seen.cov[0, :, 0, 0].tolist()
    ([0.5, 0.5], [0.5, 0.5])
    """
    n, steps, kinds = observed.shape
    parts = model.start.shape[1]
    mean, ahead = np.empty((n, steps, parts)), np.empty((n, steps, parts))
    cov, ahead_cov = np.empty((n, steps, parts, parts)), np.empty((n, steps, parts, parts))
    likelihood = np.zeros(n)
    for t in range(steps):
        if t:
            ahead[:, t] = mean[:, t - 1] @ model.transition.T + model.shift[:, t]
            ahead_cov[:, t] = model.transition @ cov[:, t - 1] @ model.transition.T + model.noise
        else:
            ahead[:, 0], ahead_cov[:, 0] = model.start, model.start_cov
        mean[:, t], cov[:, t] = ahead[:, t], ahead_cov[:, t]
        for k in range(kinds):
            rows = np.flatnonzero(~np.isnan(observed[:, t, k]))
            if len(rows):
                new = _taken_in(
                    mean[rows, t],
                    cov[rows, t],
                    observed[rows, t, k] - (0 if model.binary[k] else model.offset[rows, t, k]),
                    model.design[k],
                    model.offset[rows, t, k] if model.binary[k] else model.variance[k],
                    model.binary[k],
                )
                mean[rows, t], cov[rows, t] = new[0], new[1]
                likelihood[rows] += new[2]
    return Filtered(mean, cov, ahead, ahead_cov, likelihood)


def _taken_in(mean, cov, value, design, other, binary):
    """Return mean, covariance and log-likelihood after one observation of each series."""
    pull = cov @ design
    spread = pull @ design
    if binary:
        shift, shrink, likelihood = _logit_moments(mean @ design + other, spread, value)
    else:
        total = spread + other
        gap = value - mean @ design
        shift, shrink = gap / total, 1 / total
        likelihood = -0.5 * (np.log(2 * np.pi * total) + gap**2 / total)
    mean = mean + pull * shift[:, None]
    cov = cov - pull[:, :, None] * pull[:, None, :] * shrink[:, None, None]
    return mean, cov, likelihood


def _logit_moments(centre, spread, value):
    """Return how far a yes or no moves normal log-odds and shrinks their variance, both over that
    variance, and its log-likelihood.
    """
    deep = np.sqrt(np.maximum(spread, 1e-12))
    odds = centre[:, None] + deep[:, None] * NODES
    chance = special.expit(np.where(value[:, None] > 0.5, odds, -odds)) * WEIGHTS
    total = np.maximum(chance.sum(axis=1), 1e-300)
    first = (chance * NODES).sum(axis=1) / total
    second = (chance * NODES**2).sum(axis=1) / total - first**2
    return first / deep, (1 - second) / deep**2, np.log(total)


def smoother(filtered: Filtered, model: Model) -> Smoothed:
    """Return what the whole series says of every state, from what a filter has seen.

    Parameters
    ----------
    filtered : Filtered
    model : Model
        The one it was filtered with.

    Returns
    -------
    Smoothed

    Source: Rauch, Tung & Striebel (1965), AIAA Journal 3.

    >>> one = np.ones((1, 1))
    >>> model = Model(np.zeros((1, 1)), one, one, np.zeros((1, 2, 1)), 0 * one, one,
    ...     np.zeros((1, 2, 1)), np.ones(1), np.zeros(1, bool))
    >>> seen = kalman_filter(np.array([[[np.nan], [1.0]]]), model)
    >>> smoother(seen, model).mean[0, :, 0].round(6).tolist()
    [0.5, 0.5]
    """
    mean, cov = filtered.mean.copy(), filtered.cov.copy()
    lag = np.zeros_like(cov)
    eye = 1e-10 * np.eye(mean.shape[2])
    for t in range(mean.shape[1] - 2, -1, -1):
        before = filtered.cov[:, t] @ model.transition.T
        back = np.linalg.solve(filtered.ahead_cov[:, t + 1] + eye, before.transpose(0, 2, 1))
        gain = back.transpose(0, 2, 1)
        gap = mean[:, t + 1] - filtered.ahead[:, t + 1]
        mean[:, t] += (gain @ gap[:, :, None])[:, :, 0]
        cov[:, t] += gain @ (cov[:, t + 1] - filtered.ahead_cov[:, t + 1]) @ back
        lag[:, t + 1] = cov[:, t + 1] @ back
    return Smoothed(mean, cov, lag)
