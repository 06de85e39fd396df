"""What people say they would pay, of arrays: the crossings of four price questions, and the price
at which revenue peaks on a ladder; in the sample and in draws of respondents.

Source: Van Westendorp (1976), ESOMAR congress; Gabor & Granger (1966), Economica 33.
"""

from __future__ import annotations

import numpy as np

# Which two shares meet at each point.
POINTS = {
    "lower_bound": ("too_cheap", "not_cheap"),
    "indifference": ("cheap", "expensive"),
    "optimal": ("too_cheap", "too_expensive"),
    "upper_bound": ("not_expensive", "too_expensive"),
}


def curves(named: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return whether each respondent finds each price too cheap, cheap, expensive, too expensive.

    Parameters
    ----------
    named : ndarray, shape (n, 4)
        Prices that are too cheap, cheap, expensive, too expensive.
    grid : ndarray, shape (g,)

    Returns
    -------
    ndarray, shape (4, n, g)
        0 or 1: the first two fall with the price, the others rise.

    >>> curves(np.array([[1.0, 2, 4, 5]]), np.array([2.0, 4.0]))[:, 0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    """
    falls = [named[:, [i]] >= grid for i in (0, 1)]
    return np.array([*falls, *(named[:, [i]] <= grid for i in (2, 3))], float)


def crossings(grid: np.ndarray, curves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the prices at which the shares of four price questions cross, in the order of POINTS.

    Parameters
    ----------
    grid : ndarray, shape (g,)
    curves : ndarray, shape (4, n, g)
        As `curves` makes them.
    weights : ndarray, shape (n,)
        What each respondent counts for.

    Returns
    -------
    ndarray, shape (4,)
        Missing where two shares do not meet.

    Source: Van Westendorp (1976), ESOMAR congress.

    >>> named = np.array([[1.0, 2, 4, 5], [2, 3, 5, 6]])
    >>> grid = np.unique(named)
    >>> crossings(grid, curves(named, grid), np.ones(2)).tolist()
    [2.5, 3.5, 3.5, 4.5]
    """
    names = ("too_cheap", "cheap", "expensive", "too_expensive")
    share = {n: weights @ v / weights.sum() for n, v in zip(names, curves, strict=True)}
    share["not_cheap"], share["not_expensive"] = 1 - share["cheap"], 1 - share["expensive"]
    return np.array([cross(grid, share[a], share[b]) for a, b in POINTS.values()])


def cross(grid: np.ndarray, falling: np.ndarray, rising: np.ndarray):
    """Return where one of two curves crosses the other: between two prices in a straight line, the
    middle of where they lie on each other, missing where they do not meet.

    Parameters
    ----------
    grid, falling, rising : ndarray, shape (g,)

    >>> cross(np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.float64(1.5)
    """
    gap = falling - rising
    above, below = np.flatnonzero(gap > 0), np.flatnonzero(gap < 0)
    if not len(above) or not len(below):
        return np.nan
    a, b = above[-1], below[0]
    if b > a + 1:
        return (grid[a + 1] + grid[b - 1]) / 2
    return grid[a] + (grid[b] - grid[a]) * gap[a] / (gap[a] - gap[b])


def best_price(
    prices: np.ndarray, buys: np.ndarray, known: np.ndarray, weights: np.ndarray
) -> float:
    """Return the price at which revenue a person peaks.

    Parameters
    ----------
    prices : ndarray, shape (k,)
    buys, known : ndarray, shape (n, k)
        Whether each would buy at each price, and whether that is known.
    weights : ndarray, shape (n,)

    Returns
    -------
    float

    Source: Gabor & Granger (1966), Economica 33.

    >>> best_price(np.array([1.0, 3.0]), np.array([[1, 1], [1, 0.0]]), np.ones((2, 2)), np.ones(2))
    np.float64(3.0)
    """
    share = (weights @ (buys * known)) / np.maximum(weights @ known, 1e-12)
    return prices[int((share * prices).argmax())]
