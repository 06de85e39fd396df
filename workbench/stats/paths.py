"""Paths between columns by linear models, in the sample and in draws: mediation and slopes that
depend on another column.

Source: Hayes (2022), Introduction to Mediation, Moderation, and Conditional Process Analysis.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def weights(grams: np.ndarray, at: Sequence[int], to: int) -> np.ndarray:
    """Return the weights of a linear model of one column on others.

    Parameters
    ----------
    grams : ndarray, shape (b, k, k)
        Cross-products (`products.cross_products`).
    at : list of int
        Columns that explain, the constant among them.
    to : int
        The column that is explained.

    Returns
    -------
    ndarray, shape (len(at), b)
        Missing in all where they do not exist in some draw.

    >>> x = np.array([[1.0, 0, 1], [1, 1, 3], [1, 2, 5]])
    >>> weights((x.T @ x)[None], [0, 1], 2)[:, 0].round(9).tolist()
    [1.0, 2.0]
    """
    try:
        return np.linalg.solve(grams[:, at][:, :, at], grams[:, at, to][:, :, None])[:, :, 0].T
    except np.linalg.LinAlgError:
        return np.full((len(at), len(grams)), np.nan)


def indirect(steps: Mapping, last: Mapping, cause: str, mediators: Sequence[str]) -> dict:
    """Return what goes from a cause through each way along mediators, in their order.

    Parameters
    ----------
    steps : dict
        Mediator → {column: weights (b)} of the model of it.
    last : dict
        Column → weights (b) of the model of the outcome.
    cause : str
    mediators : list of str

    Returns
    -------
    dict
        Way (tuple of mediators) → product of the weights along it (b).

    Source: Alwin & Hauser (1975), American Sociological Review 40.

    >>> indirect({"m": {"x": np.array([2.0])}}, {"m": np.array([3.0])}, "x", ["m"])
    {('m',): array([6.])}
    """
    out = {}
    for r in range(1, 2 ** len(mediators)):
        way = tuple(m for i, m in enumerate(mediators) if r >> i & 1)
        value = steps[way[0]][cause].copy()
        for a, b in pairwise(way):
            value = value * steps[b][a]
        out[way] = value * last[way[-1]]
    return out


def slope_at(b: np.ndarray, cov: np.ndarray, value) -> tuple:
    """Return a slope that depends on another column, and its standard error.

    Parameters
    ----------
    b : ndarray, shape (2,)
        Weights of the cause, and of its product with the other column.
    cov : ndarray, shape (2, 2)
    value : float or ndarray
        Of the other column.

    Returns
    -------
    tuple

    Source: Aiken & West (1991), Multiple Regression.

    >>> slope_at(np.array([1.0, 0.5]), np.diag([0.04, 0.0]), 2.0)
    (np.float64(2.0), np.float64(0.2))
    """
    return b[0] + b[1] * value, np.sqrt(cov[0, 0] + 2 * value * cov[0, 1] + value**2 * cov[1, 1])
