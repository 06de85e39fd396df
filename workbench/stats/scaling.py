"""Designs put on one place and scale, so that neither moves an estimate: a moment in seconds since
1970 fits as well as an age.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Scaled:
    """A design on one scale.

    Attributes
    ----------
    z : ndarray, shape (n, p)
        Columns with mean 0 and spread 1; a constant stays 1.
    back : ndarray, shape (p, p)
        Turns weights of `z` into weights of the columns as they were given.
    """

    z: np.ndarray
    back: np.ndarray


def standardise(x: np.ndarray, *, constant: bool = True) -> Scaled:
    """Put the columns of a design on one place and scale.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        With `constant`, the first column is 1 throughout.
    constant : bool
        Without one, moving a column changes no fit (a Cox regression): only then is it moved too.

    Returns
    -------
    Scaled

    >>> made = standardise(np.array([[1.0, 10], [1, 30]]))
    >>> made.z[:, 1].tolist(), (made.back @ [0.0, 1.0]).tolist()
    ([-1.0, 1.0], [-2.0, 0.1])
    """
    x = np.asarray(x, float)
    mean, back = x.mean(axis=0), np.eye(x.shape[1])
    if constant:
        mean[0] = 0.0
    z = x - mean
    # Twice: the mean of what lies far from 0 has lost its last digits.
    again = z.mean(axis=0)
    if constant:
        again[0] = 0.0
    z, mean = z - again, mean + again
    spread = np.sqrt((z**2).mean(axis=0))
    spread = np.where(spread > 0, spread, 1.0)
    back = back / spread
    if constant:
        back[0, 1:] = -mean[1:] / spread[1:]
    return Scaled(z / spread, back)
