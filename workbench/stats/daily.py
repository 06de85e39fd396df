"""Counts of days: what stands out beside weekday, trend and season."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

YEAR = 365.25
NEIGHBOURS = 14  # days before and after that a day may resemble


@dataclass(frozen=True, eq=False)
class Excess:
    """How much more is counted on marked days.

    Attributes
    ----------
    log_ratio, std_error : ndarray, shape (k,)
        Logarithm of times as many as without the mark; missing where it cannot be told.
    """

    log_ratio: np.ndarray
    std_error: np.ndarray


def excess(counts: np.ndarray, day: np.ndarray, marks: np.ndarray) -> Excess:
    """Fit counts of days on marks, weekday, trend and, from a year on, one wave a year.

    Parameters
    ----------
    counts : ndarray, shape (n,)
    day : ndarray of int, shape (n,)
        Days since 1970, each once, in order.
    marks : ndarray of 0 and 1, shape (n, k)

    Returns
    -------
    Excess

    Source: Newey & West (1987), Econometrica 55.

    >>> day = np.arange(400)
    >>> mark = (day % 100 < 10) * 1.0
    >>> made = excess(np.where(mark == 1, 20.0, 10.0) + day % 3 - 1, day, mark[:, None])
    >>> float(np.exp(made.log_ratio).round(1)[0])
    2.0
    """
    import statsmodels.api as sm

    trend = (day - day.mean()) / max(len(day), 1)
    base = [np.ones(len(day)), trend, trend**2]
    base += [(day % 7 == k) * 1.0 for k in range(1, 7)]
    if len(day) >= YEAR:
        turn = 2 * np.pi * day / YEAR
        base += [np.sin(turn), np.cos(turn)]
    x = np.column_stack([marks, *base])
    fit = sm.GLM(counts, x, family=sm.families.Poisson()).fit(
        cov_type="HAC", cov_kwds={"maxlags": NEIGHBOURS}
    )
    k = marks.shape[1]
    error = np.asarray(fit.bse)[:k]
    known = np.isfinite(error) & (counts @ marks > 0)
    return Excess(
        np.where(known, np.asarray(fit.params)[:k], np.nan), np.where(known, error, np.nan)
    )
