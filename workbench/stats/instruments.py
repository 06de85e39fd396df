"""Instruments in a cross-section: two-stage least squares and its checks, of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats.likelihoods import sum_by_group


@dataclass(frozen=True, eq=False)
class TwoStage:
    """Two-stage least squares.

    Attributes
    ----------
    params : ndarray, shape (p + q,)
        Weights of the exogenous columns, then of the q endogenous ones.
    cov : ndarray, shape (p + q, p + q)
        Robust, summed over groups.
    classical : ndarray, shape (p + q, p + q)
        Of errors of one variance.
    strength : ndarray, shape (q,)
        F of the instruments in each first stage: under ten they are weak.
    overidentified, p_overidentified : float
        Sargan's chi-square (of as many degrees of freedom as there are instruments to spare) and
        its p-value; missing without any to spare.
    exogenous, p_exogenous : float
        Wu and Hausman's F that least squares would do, and its p-value.
    """

    params: np.ndarray
    cov: np.ndarray
    classical: np.ndarray
    strength: np.ndarray
    overidentified: float
    p_overidentified: float
    exogenous: float
    p_exogenous: float


def two_stage(
    y: np.ndarray,
    x: np.ndarray,
    endogenous: np.ndarray,
    instruments: np.ndarray,
    *,
    groups: np.ndarray | None = None,
) -> TwoStage:
    """Fit two-stage least squares.

    Parameters
    ----------
    y : ndarray, shape (n,)
    x : ndarray, shape (n, p)
        Exogenous columns, the constant among them.
    endogenous : ndarray, shape (n, q)
    instruments : ndarray, shape (n, m), m at least q
    groups : ndarray of int, shape (n,), optional
        The sampling unit (0, 1, …); None: every row its own.

    Returns
    -------
    TwoStage

    Source: Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, chapters 5 and
    6; Sargan (1958), Econometrica 26; Hausman (1978), Econometrica 46.

    >>> z = np.array([0.0, 1, 0, 1, 0, 1])
    >>> w = np.array([0.0, 2, 1, 3, 2, 4])
    >>> made = two_stage(3 * w, np.ones((6, 1)), w[:, None], z[:, None])
    >>> np.abs(made.params.round(6)).tolist()
    [0.0, 3.0]
    """
    y, x = np.asarray(y, float), np.asarray(x, float)
    w, z = np.asarray(endogenous, float), np.asarray(instruments, float)
    n, p, q, m = len(y), x.shape[1], w.shape[1], z.shape[1]
    every = np.column_stack([x, z])
    fitted = every @ np.linalg.lstsq(every, w, rcond=None)[0]
    design, used = np.column_stack([x, w]), np.column_stack([x, fitted])
    bread = np.linalg.inv(used.T @ used)
    params = bread @ (used.T @ y)
    left = y - design @ params
    units = np.arange(n) if groups is None else np.asarray(groups)
    g = int(units.max()) + 1
    summed = sum_by_group(used * left[:, None], units, g)
    small = n / (n - p - q) if g == n else g / (g - 1) * (n - 1) / (n - p - q)
    cov = bread @ (summed.T @ summed) @ bread * small
    classical = bread * (left @ left) / (n - p - q)
    spare = m - q
    sargan = n * (1 - _squares(left, every) / (left @ left)) if spare else np.nan
    strength = np.array([_f(c, x, every) for c in w.T])
    exogenous = _f(y, design, np.column_stack([design, w - fitted]))
    return TwoStage(
        params,
        cov,
        classical,
        strength,
        float(sargan),
        float(special.chdtrc(spare, sargan)) if spare else np.nan,
        exogenous,
        float(special.fdtrc(q, n - p - 2 * q, exogenous)),
    )


def _squares(y, x):
    """Return the squares that least squares leave."""
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(left @ left)


def _f(y, less, more):
    """Return F of the columns that stand in `more` and not in `less`."""
    a, b = _squares(y, less), _squares(y, more)
    free = len(y) - more.shape[1]
    return float((a - b) / (more.shape[1] - less.shape[1]) / (b / free)) if b > 0 else np.inf
