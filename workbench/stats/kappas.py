"""Agreement of two yes-or-no judgements of the same people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance, and its standard error; both missing where neither judgement varies.

    Attributes
    ----------
    estimate, std_error : float
    """

    estimate: float
    std_error: float


def cohen(first: np.ndarray, second: np.ndarray) -> Kappa:
    """Give Cohen's kappa of two judgements.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)

    Returns
    -------
    Kappa

    Source: Cohen (1960), Educational and Psychological Measurement 20; errors: Fleiss, Cohen &
    Everitt (1969), Psychological Bulletin 72.

    >>> a = np.array([1] * 25 + [0] * 25, bool)
    >>> b = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15, bool)
    >>> round(cohen(a, b).estimate, 3), round(cohen(a, b).std_error, 3)
    (0.4, 0.127)
    """
    cells = np.zeros((2, 2))
    np.add.at(cells, (np.asarray(first, int), np.asarray(second, int)), 1)
    n, p = cells.sum(), cells / max(cells.sum(), 1)
    row, column = p.sum(axis=1), p.sum(axis=0)
    agreed, chance = np.trace(p), row @ column
    if not n or chance > 1 - 1e-12:
        return Kappa(np.nan, np.nan)
    kappa = (agreed - chance) / (1 - chance)
    diagonal = sum(p[i, i] * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in range(2))
    off = sum(p[i, 1 - i] * (column[i] + row[1 - i]) ** 2 for i in range(2)) * (1 - kappa) ** 2
    left = diagonal + off - (kappa - chance * (1 - kappa)) ** 2
    return Kappa(float(kappa), float(np.sqrt(max(left, 0) / n) / (1 - chance)))
