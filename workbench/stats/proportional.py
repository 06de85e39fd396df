"""Whether the effects of a Cox regression stay the same over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True, eq=False)
class Proportionality:
    """Whether effects stay the same over time: of every covariate the chi-square `statistic` (of
    one degree of freedom) and `p_value`, of all together `overall`, its degrees of `freedom` and
    `p_overall`.
    """

    statistic: np.ndarray
    p_value: np.ndarray
    overall: float
    freedom: int
    p_overall: float


def proportionality(risk, b: np.ndarray, transform: str = "rank") -> Proportionality:
    """Test whether scaled Schoenfeld residuals drift along time.

    Parameters
    ----------
    risk : hazards.Risk
    b : ndarray, shape (p,)
        Weights at the top.
    transform : str
        Of time: "rank", "km" (the share that has ended before), "identity" or "log".

    Returns
    -------
    Proportionality
        Missing with fewer than three endings.

    Source: Grambsch & Therneau (1994), Biometrika 81.

    >>> from workbench.stats.hazards import Risk
    >>> risk = Risk(np.array([[1.0], [0], [1], [0]]), np.arange(4.0), np.ones(4), np.zeros(4, int))
    >>> made = proportionality(risk, np.array([0.9406]))
    >>> made.freedom, bool(np.isclose(made.overall, made.statistic[0]))
    (1, True)
    """
    from scipy import stats

    residual, time = risk.schoenfeld(b)
    d, p = residual.shape
    if d < 3:
        gone = np.full(p, np.nan)
        return Proportionality(gone, gone, np.nan, p, np.nan)
    g = {
        "rank": stats.rankdata,
        "km": lambda t: _ended_before(t, risk),
        "identity": lambda t: t,
        "log": np.log,
    }[transform](time)
    g = g - g.mean()
    cov = np.linalg.pinv(risk.parts(b).information, rcond=1e-14, hermitian=True)
    drift = g @ residual
    with np.errstate(invalid="ignore", divide="ignore"):
        each = (drift @ cov) ** 2 * d / (np.diag(cov) * (g @ g))
        overall = float(drift @ cov @ drift * d / (g @ g))
    return Proportionality(
        each, special.chdtrc(1, each), overall, p, float(special.chdtrc(p, overall))
    )


def _ended_before(time, risk):
    """Return the Kaplan–Meier share that has ended before each of the times, strata together."""
    u, at = np.unique(risk.time, return_inverse=True)
    there = np.bincount(at)[::-1].cumsum()[::-1].astype(float)
    if risk.entry is not None:
        there -= (risk.entry[:, None] >= u).sum(axis=0)
    left = np.cumprod(1 - np.bincount(at, risk.ended > 0) / np.maximum(there, 1))
    return 1 - np.append(1.0, left)[np.searchsorted(u, time)]
