"""A logistic model of rows that belong together, by generalised estimating equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats.scaling import standardise


@dataclass(frozen=True)
class Logit:
    """Weights (p), their standard errors (p) and covariances (p, p), robust to what rows of one
    cluster share.
    """

    params: np.ndarray
    bse: np.ndarray
    cov: np.ndarray


def logit(y: np.ndarray, x: np.ndarray, clusters: np.ndarray) -> Logit:
    """Fit a logistic model with clusters of rows; the place and the unit of a column move nothing
    but its own weight and the constant.

    Parameters
    ----------
    y : ndarray of 0 and 1, shape (n,)
    x : ndarray, shape (n, p)
        Its first column is 1 throughout.
    clusters : ndarray of int, shape (n,)

    Returns
    -------
    Logit

    Source: Liang & Zeger (1986), Biometrika 73; fitted by statsmodels.

    >>> x = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> made = logit(np.array([0, 0, 0, 1, 0, 1, 1, 1.0]), x, np.arange(8))
    >>> made.params.round(3).tolist()
    [-1.099, 2.197]
    """
    import statsmodels.api as sm

    order = np.argsort(clusters, kind="stable")
    made = standardise(x[order])
    fit = sm.GEE(y[order], made.z, groups=clusters[order], family=sm.families.Binomial()).fit()
    params, cov = made.back @ fit.params, made.back @ fit.cov_params() @ made.back.T
    return Logit(params, np.sqrt(np.diag(cov)), cov)
