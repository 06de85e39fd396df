"""Odds ratios of many two-by-two tables at once: each with its interval, and all drawn together by
as much as their number and their errors ask for.

Source: Woolf (1955), Annals of Human Genetics 19; Haldane (1956), Annals of Human Genetics 20;
Efron & Morris (1975), JASA 70, for drawing together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Odds:
    """Odds ratios of k tables.

    Attributes
    ----------
    ratio, std_error, low, high, shrunken : ndarray, shape (k,)
        Odds ratio with half a unit added to every cell, the error of its logarithm, Woolf's
        interval, and the ratio drawn towards 1.
    spread : float
        Standard deviation of the true log odds ratios between tables, as estimated.
    """

    ratio: np.ndarray
    std_error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shrunken: np.ndarray
    spread: float


def odds_ratios(
    with_both: np.ndarray, with_it: np.ndarray, both: float, n: float, conf_level: float = 0.95
) -> Odds:
    """Return the odds of success of those with a property over the odds of those without, for many
    properties.

    Parameters
    ----------
    with_both, with_it : ndarray, shape (k,)
        Successes among those with the property, and how many those are.
    both, n : float
        Successes among all, and how many all are.
    conf_level : float

    Returns
    -------
    Odds

    Source: Woolf (1955) and Haldane (1956) for the ratio and its interval; the log ratios are
    normal around 0 with one variance, estimated by marginal likelihood (Efron & Morris 1975).

    >>> made = odds_ratios(np.array([30.0, 20.0]), np.array([40.0, 40.0]), 50.0, 100.0)
    >>> made.ratio.round(2).tolist(), bool((made.shrunken[0] < made.ratio[0]))
    ([5.74, 1.0], True)
    """
    a = np.asarray(with_both, float)
    b = np.asarray(with_it, float) - a
    c, d = both - a, (n - both) - b
    log = np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5)))
    se = np.sqrt(1 / (a + 0.5) + 1 / (b + 0.5) + 1 / (c + 0.5) + 1 / (d + 0.5))
    z = special.ndtri((1 + conf_level) / 2)
    spread = spread_of(log, se)
    drawn = log * spread**2 / (spread**2 + se**2)
    return Odds(
        np.exp(log), se, np.exp(log - z * se), np.exp(log + z * se), np.exp(drawn), float(spread)
    )


def spread_of(values, errors):
    """Return the standard deviation of true values around 0 that makes the values seen, with their
    errors, most likely; 0 where the errors alone explain them.

    >>> spread_of(np.array([0.1, -0.1]), np.array([1.0, 1.0]))
    0.0
    """
    from scipy import optimize

    values, errors = np.asarray(values, float), np.asarray(errors, float)
    if not len(values):
        return 0.0

    def loss(spread):
        variance = spread**2 + errors**2
        return float(np.sum(np.log(variance) + values**2 / variance))

    top = 2 * float(np.abs(values).max()) + 1e-9
    found = optimize.minimize_scalar(loss, bounds=(0.0, top), method="bounded")
    return float(found.x) if loss(found.x) < loss(0.0) - 1e-9 else 0.0
