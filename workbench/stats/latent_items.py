"""Latent classes of answers: kinds of people who answer items with chances of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

ROUNDS, ENOUGH = 5000, 1e-11


@dataclass(frozen=True, eq=False)
class LatentItems:
    """A latent class model at the top of its likelihood, the largest class first.

    Attributes
    ----------
    shares : ndarray, shape (classes,)
    chances : tuple of ndarray, shape (classes, answers)
        Of each item, the chance of each answer in each class.
    posterior : ndarray, shape (n, classes)
    loglik : float
    parameters : int
    g2, chi2 : float
        Likelihood ratio and Pearson statistic beside a table of all patterns.
    freedom : int
        Their degrees of freedom; below 1 nothing can be tested.
    p_value : float
        Of g2; missing without freedom.
    aic, bic : float
    settled : bool
    """

    shares: np.ndarray
    chances: tuple
    posterior: np.ndarray
    loglik: float
    parameters: int
    g2: float
    chi2: float
    freedom: int
    p_value: float
    aic: float
    bic: float
    settled: bool


def latent_items(
    answers: np.ndarray,
    classes: int,
    *,
    counts: np.ndarray | None = None,
    starts: int = 20,
    seed: int = 1,
) -> LatentItems:
    """Fit a latent class model of answers by expectation and maximisation.

    Parameters
    ----------
    answers : ndarray of int, shape (n, items)
        0, 1, … of each item; none may be missing.
    classes : int
    counts : ndarray, shape (n,), optional
        How many people each row stands for.
    starts, seed : int

    Returns
    -------
    LatentItems

    Source: Goodman (1974), Biometrika 61; Linzer & Lewis (2011), Journal of Statistical Software
    42.

    >>> made = latent_items(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 1)
    >>> made.shares.tolist(), made.freedom, round(made.g2, 9) + 0.0
    ([1.0], 1, 0.0)
    """
    answers = np.asarray(answers)
    counts = np.ones(len(answers)) if counts is None else np.asarray(counts, float)
    patterns, at = np.unique(answers, axis=0, return_inverse=True)
    weight = np.bincount(at.ravel(), counts, len(patterns))
    sizes = answers.max(axis=0) + 1
    hot = [np.eye(s)[patterns[:, j]] for j, s in enumerate(sizes)]
    rng = np.random.default_rng(seed)
    runs = [_climb(rng, hot, weight, classes) for _ in range(starts if classes > 1 else 1)]
    loglik, shares, chances, posterior, settled = max(runs, key=lambda run: run[0])
    order = np.argsort(-shares, kind="stable")
    total, cells = weight.sum(), int(np.prod(sizes.astype(float)))
    parameters = int(classes * (sizes - 1).sum() + classes - 1)
    log = _log_chances(hot, shares, chances)
    expected = total * np.exp(special.logsumexp(log, axis=1))
    g2 = float(2 * special.xlogy(weight, weight / expected).sum())
    chi2 = float(((weight - expected) ** 2 / expected).sum() + total - expected.sum())
    # As many cells as people is all that a sample can tell.
    freedom = int(min(cells - 1, total) - parameters)
    return LatentItems(
        shares[order],
        tuple(c[order] for c in chances),
        posterior[at.ravel()][:, order],
        loglik,
        parameters,
        g2,
        chi2,
        freedom,
        float(special.chdtrc(freedom, g2)) if freedom > 0 else np.nan,
        2 * parameters - 2 * loglik,
        float(np.log(total) * parameters - 2 * loglik),
        settled,
    )


def _log_chances(hot, shares, chances):
    """Return the log chance of each pattern together with each class."""
    with np.errstate(divide="ignore"):
        log = np.log(shares) + sum(
            np.log(np.maximum(h @ c.T, 1e-300)) for h, c in zip(hot, chances, strict=True)
        )
    return log


def _climb(rng, hot, weight, classes):
    """Return log-likelihood, shares, chances and posterior from one random start."""
    shares = np.full(classes, 1 / classes)
    chances = [rng.dirichlet(np.ones(h.shape[1]), classes) for h in hot]
    before, settled = -np.inf, False
    for _ in range(ROUNDS):
        log = _log_chances(hot, shares, chances)
        value = special.logsumexp(log, axis=1)
        posterior = np.exp(log - value[:, None])
        loglik = float(weight @ value)
        settled = loglik - before < ENOUGH * abs(loglik)
        if settled:
            break
        before = loglik
        mass = weight[:, None] * posterior
        shares = mass.sum(axis=0) / weight.sum()
        held = np.maximum(mass.sum(axis=0), 1e-300)[:, None]
        chances = [(mass.T @ h) / held for h in hot]
    return loglik, shares, chances, posterior, bool(settled)
