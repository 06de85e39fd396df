"""Least squares with clustered errors, and a Poisson regression with groupings taken out, of
arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.stats import products
from workbench.stats.likelihoods import sum_by_group
from workbench.stats.scaling import standardise

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class Estimated:
    """Weights (`params`, p), their covariance (`cov`, p × p), and whether the search `settled`."""

    params: np.ndarray
    cov: np.ndarray
    settled: bool = True


def least_squares(
    y: np.ndarray,
    x: np.ndarray,
    groups: np.ndarray,
    *,
    residual: np.ndarray | None = None,
    absorbed: int = 0,
    constant: bool = False,
) -> Estimated:
    """Fit least squares with standard errors clustered on groups.

    Parameters
    ----------
    y : ndarray, shape (n,)
    x : ndarray, shape (n, p)
    groups : ndarray of int, shape (n,)
        The sampling unit of each row (0, 1, …), of two at least.
    residual : ndarray, shape (n, p), optional
        The columns residuals are taken from: those of two-stage least squares before they were
        fitted.
    absorbed : int
        Means that were taken out beforehand.
    constant : bool
        Whether the first column is 1: columns are then brought near 0 first.

    Returns
    -------
    Estimated

    Source: Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, chapters 4 and
    5; Liang & Zeger (1986), Biometrika 73.

    >>> x = np.array([[1.0, 0], [1, 1], [1, 2], [1, 3]])
    >>> made = least_squares(x @ [1.0, 2.0], x, np.arange(4), constant=True)
    >>> made.params.round(6).tolist(), np.abs(made.cov).max() < 1e-12
    ([1.0, 2.0], np.True_)
    """
    u, n, k = x, len(y), x.shape[1] + absorbed
    back = np.eye(x.shape[1])
    if constant:
        made = standardise(x)
        u, back = made.z, made.back
    bread = np.linalg.inv(u.T @ u)
    beta = back @ (bread @ (u.T @ y))
    pulls = u * (y - (x if residual is None else residual) @ beta)[:, None]
    g = int(groups.max()) + 1
    summed = sum_by_group(pulls, groups, g)
    cov = bread @ (summed.T @ summed) @ bread * g / (g - 1) * (n - 1) / max(n - min(k, n - 1), 1)
    return Estimated(beta, back @ cov @ back.T)


def poisson_absorbed(
    y: np.ndarray, x: np.ndarray, groups: np.ndarray, effects: Sequence, *, rounds: int = 100
) -> Estimated:
    """Fit a Poisson regression whose fixed effects are taken out within the iterations.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Counts; rows whose effect has no count at all tell nothing and must be left out beforehand.
    x : ndarray, shape (n, p)
    groups : ndarray of int, shape (n,)
        Left out one at a time for the errors (jackknife).
    effects : sequence of ndarray of int, shape (n,)
    rounds : int

    Returns
    -------
    Estimated

    Source: Correia, Guimarães & Zylkin (2020), Stata Journal 20; jackknife Bell & McCaffrey (2002),
    Survey Methodology 28.

    >>> x = np.tile([[0.0], [1.0]], (4, 1))
    >>> y, shops = np.array([2.0, 4, 10, 20, 1, 2, 3, 6]), np.repeat(np.arange(4), 2)
    >>> round(float(np.exp(poisson_absorbed(y, x, shops, [shops]).params[0])), 6)  # twice as many
    2.0
    """
    mu = (y + y.mean()) / 2
    eta, before, settled = np.log(mu), np.inf, False
    for _ in range(rounds):
        work = eta + (y - mu) / mu
        z = products.take_out(np.column_stack([work, x]), mu, effects)
        root = np.sqrt(mu)
        beta = np.linalg.lstsq(z[:, 1:] * root[:, None], z[:, 0] * root, rcond=None)[0]
        eta = np.clip(work - (z[:, 0] - z[:, 1:] @ beta), -30, 30)
        mu = np.exp(eta)
        deviance = 2 * (np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / mu), 0) - (y - mu)).sum()
        settled = bool(abs(before - deviance) < 1e-9 * (abs(deviance) + 0.1))
        if settled:
            break
        before = deviance
    inner, g = z[:, 1:], int(groups.max()) + 1
    summed = sum_by_group(inner * (y - mu)[:, None], groups, g)
    own = sum_by_group(np.einsum("n,ni,nj->nij", mu, inner, inner), groups, g)
    information = (inner * mu[:, None]).T @ inner
    # How far the weights move when a cluster is left out (jackknife): heavy clusters count for what
    # they are.
    moved = np.linalg.solve(information - own, summed[:, :, None])[:, :, 0]
    return Estimated(beta, moved.T @ moved * (g - 1) / g, settled)
