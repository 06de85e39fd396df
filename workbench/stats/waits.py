"""Two kinds of waits in one list: pauses within something, and the time until the next of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import NotEnoughData

LEAST_WAITS = 100
# Where the search begins: quantiles that a pause and a time until the next may have.
PLACES = ((0.25, 0.75), (0.4, 0.95))
STEP = 1e-4  # of the numerical derivatives


@dataclass(frozen=True)
class Waits:
    """A fitted mixture: the share of waits that are ends, with its error, and how certain it is.

    Attributes
    ----------
    share, std_error : float
        Share of waits of the longer kind, and its error with units as clusters.
    even : float
        Wait at which both kinds are equally likely.
    within, between : tuple
        Mean and standard deviation of the logarithm; scale and shape.
    """

    share: float
    std_error: float
    even: float
    within: tuple
    between: tuple


def two_kinds(waits, who) -> Waits:
    """Tell pauses from ends among waits: log-normal pauses, Weibull times until the next beginning.

    Takes positive waits and the unit each belongs to. Returns a `Waits`. Raises NotEnoughData for
    fewer than 100 waits, or where one kind is enough. Source: Dempster, Laird & Rubin (1977) for
    mixtures; errors by clusters White (1982), Econometrica 50.
    """
    from scipy import optimize

    waits = np.asarray(waits, float)
    if len(waits) < LEAST_WAITS:
        raise NotEnoughData(
            "stats.error_waits",
            "at least {least} waits are needed, found {n}",
            least=LEAST_WAITS,
            n=len(waits),
        )
    # The search ends a little elsewhere where its sums round otherwise: waits in one order.
    order = np.argsort(waits, kind="stable")
    who, log = np.asarray(who)[order], np.log(waits[order])
    starts = [
        np.array([odds, low, np.log(0.8), high, 0.0])
        for odds, (low, high) in zip((0.0, -1.5), np.quantile(log, PLACES), strict=True)
    ]
    options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-6, "fatol": 1e-6}
    fits = [
        optimize.minimize(_loss, v, (log,), method="Nelder-Mead", options=options) for v in starts
    ]
    best = min(fits, key=lambda fit: fit.fun).x
    share = 1 / (1 + np.exp(-best[0]))
    error = share * (1 - share) * _error(best, log, who)
    if not 0.01 < share < 0.99 or not np.isfinite(error):
        raise NotEnoughData("stats.error_one_wait", "the waits are of one kind: no silence is told")
    grid = np.linspace(log.min(), log.max(), 2000)
    pause, end = _parts(best, grid)
    first = np.flatnonzero((end > pause) & (grid > best[1]))
    even = float(np.exp(grid[first[0]])) if len(first) else np.nan
    return Waits(
        share,
        error,
        even,
        (best[1], float(np.exp(best[2]))),
        (float(np.exp(best[3])), float(np.exp(best[4]))),
    )


def _loss(v, log):
    """Return minus the log-likelihood; the pauses are the shorter kind, by definition."""
    return -np.logaddexp(*_parts(v, log)).sum() if v[1] < v[3] else np.inf


def _parts(v, log):
    """Return the logarithm of each kind's part in the density of the waits."""
    z = (log - v[1]) / np.exp(v[2])
    pause = -0.5 * z**2 - v[2] - log - 0.5 * np.log(2 * np.pi)
    shape = np.exp(np.clip(v[4], -3, 3))
    ratio = shape * (log - v[3])
    end = np.log(shape) + ratio - log - np.exp(np.minimum(ratio, 50))
    return pause - np.logaddexp(0, v[0]), end - np.logaddexp(0, -v[0])


def _error(v, log, who):
    """Return the error of the first number, units as clusters (sandwich)."""
    size = len(v)
    step = STEP * np.eye(size)

    def each(u):
        return np.logaddexp(*_parts(u, log))

    score = np.column_stack([(each(v + h) - each(v - h)) / (2 * STEP) for h in step])
    hessian = np.empty((size, size))
    for i, a in enumerate(step):
        for j, b in enumerate(step):
            hessian[i, j] = (
                each(v + a + b).sum()
                - each(v + a - b).sum()
                - each(v - a + b).sum()
                + each(v - a - b).sum()
            ) / (4 * STEP**2)
    code = np.unique(who, return_inverse=True)[1]
    pulls = np.column_stack([np.bincount(code, column) for column in score.T])
    try:
        bread = np.linalg.inv(hessian)
    except np.linalg.LinAlgError:
        return np.nan
    spread = bread @ (pulls.T @ pulls) @ bread.T
    return float(np.sqrt(max(spread[0, 0], 0)))
