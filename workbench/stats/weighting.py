"""Weighting by the chance of treatment, of arrays."""

from __future__ import annotations

import numpy as np
from scipy import special

from workbench.stats.likelihoods import sum_by_group


def stacked_covariance(
    method: str,
    y: np.ndarray,
    x: np.ndarray,
    treated: np.ndarray,
    gamma: np.ndarray,
    mean: float,
    untreated: float,
    groups: np.ndarray,
) -> np.ndarray:
    """Return the clustered covariance of the means of treated and untreated, from all moment
    conditions stacked: that chances of treatment are estimated too is allowed for.

    Parameters
    ----------
    method : str
        "ipw" (inverse probability), "aipw" (augmented) or "ipwra" (weighted regression).
    y, treated : ndarray, shape (n,)
    x : ndarray, shape (n, k)
        With its constant.
    gamma : ndarray, shape (k,)
        Weights of the logit of treatment.
    mean, untreated : float
        The two means.
    groups : ndarray of int, shape (n,)
        The sampling unit of each row (0, 1, …).

    Returns
    -------
    ndarray, shape (2, 2)

    Source: Stefanski & Boos (2002), The American Statistician 56; Lunceford & Davidian (2004),
    Statistics in Medicine 23.

    >>> y, treated = np.array([1.0, 3, 2, 4, 0, 2]), np.array([1.0, 1, 1, 0, 0, 0])
    >>> cov = stacked_covariance(
    ...     "ipw", y, np.ones((6, 1)), treated, np.zeros(1), 2.0, 2.0, np.arange(6)
    ... )
    >>> np.diag(cov).round(4).tolist()  # of two means of three
    [0.2222, 0.8889]
    """
    n, k = x.shape
    p = special.expit(x @ gamma)
    w1, w0 = (treated, 1 - treated) if method == "aipw" else (treated / p, (1 - treated) / (1 - p))
    b1, b0 = (
        np.linalg.lstsq(x * np.sqrt(w)[:, None], y * np.sqrt(w), rcond=None)[0] for w in (w1, w0)
    )

    def moments(theta):
        m1, m0, g = theta[0], theta[1], theta[2 : 2 + k]
        p = special.expit(x @ g)
        out = [x * (treated - p)[:, None]]
        if method == "ipw":
            return np.column_stack(
                [treated / p * (y - m1), (1 - treated) / (1 - p) * (y - m0), *out]
            )
        f1, f0 = x @ theta[2 + k : 2 + 2 * k], x @ theta[2 + 2 * k :]
        w1, w0 = (
            (treated, 1 - treated) if method == "aipw" else (treated / p, (1 - treated) / (1 - p))
        )
        out += [x * (w1 * (y - f1))[:, None], x * (w0 * (y - f0))[:, None]]
        fix1, fix0 = (
            (treated / p * (y - f1), (1 - treated) / (1 - p) * (y - f0))
            if method == "aipw"
            else (0, 0)
        )
        return np.column_stack([f1 + fix1 - m1, f0 + fix0 - m0, *out])

    theta = np.concatenate([[mean, untreated], gamma, *([] if method == "ipw" else [b1, b0])])
    step = 1e-5 * np.maximum(np.abs(theta), 1)
    jacobian = np.column_stack(
        [
            (moments(theta + h).mean(axis=0) - moments(theta - h).mean(axis=0)) / (2 * h[i])
            for i, h in enumerate(np.diag(step))
        ]
    )
    pulls = -np.linalg.solve(jacobian, moments(theta).T).T / n
    summed = sum_by_group(pulls, groups, groups.max() + 1)
    return (summed.T @ summed)[:2, :2]
