"""Resampling keyed by content: which draw falls to whom follows from what is known of them, not
from where their rows stand or what they are called.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Kinds:
    """Sampling units that are alike, drawn together.

    Attributes
    ----------
    kind : ndarray of int, shape (n,)
        The kind of each row, in the order of their content.
    weight : ndarray, shape (kinds,)
        How many units each kind stands for.
    share : ndarray, shape (n,)
        The part of its kind that each row stands for.
    """

    kind: np.ndarray
    weight: np.ndarray
    share: np.ndarray

    @property
    def units(self):
        """How many units are drawn."""
        return round(self.weight.sum())

    def draw(self, rng, draws):
        """Return how often each row is drawn, draws × n; whole where no two rows are alike."""
        n = self.units
        drawn = rng.multinomial(n, self.weight / self.weight.sum(), draws)
        return drawn[:, self.kind] * self.share


def kinds(content, weight: np.ndarray | None = None) -> Kinds:
    """Put rows that say the same together, in the order of what they say.

    Parameters
    ----------
    content : ndarray, shape (n, k), or list of ndarrays of shape (n,)
        Everything that a statistic reads of a row.
    weight : ndarray, shape (n,), optional
        How many units each row stands for.

    Returns
    -------
    Kinds
        The same for rows in another order, for a table with weights and for its rows written out.

    >>> kinds(np.array([[2.0], [1.0], [2.0]])).kind.tolist()
    [1, 0, 1]
    """
    columns = _columns(content)
    weight = np.ones(len(columns[0])) if weight is None else np.asarray(weight, float)
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), bool)
    for c in columns:
        new[1:] |= c[order][1:] != c[order][:-1]
    kind = np.empty(len(order), int)
    kind[order] = np.cumsum(new)
    total = np.bincount(kind, weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total[kind] > 0, weight / total[kind], 0.0)
    return Kinds(kind, total, share)


def place(content, groups: np.ndarray) -> np.ndarray:
    """Return the place of every sampling unit in an order that its rows' content alone decides.

    Parameters
    ----------
    content : ndarray, shape (n, k), or list of ndarrays of shape (n,)
    groups : ndarray of int, shape (n,)
        The unit of each row (0, 1, …).

    Returns
    -------
    ndarray of int, shape (units,)
        Units that say the same are in any order: they are exchangeable.

    >>> place(np.array([[5.0], [1.0], [3.0], [1.0]]), np.array([0, 1, 1, 2])).tolist()
    [1, 2, 0]
    """
    size = int(groups.max()) + 1
    row = kinds(content).kind
    order = np.lexsort((row, groups))
    if size == len(groups):
        # One row each: its own place.
        key = np.empty(size, int)
        key[groups] = row
        ranked = np.argsort(key, kind="stable")
    else:
        begins = np.searchsorted(groups[order], np.arange(size))
        parts = np.split(row[order], begins[1:])
        told = [(len(p), *p.tolist()) for p in parts]
        ranked = np.array(sorted(range(size), key=told.__getitem__))
    out = np.empty(size, int)
    out[ranked] = np.arange(size)
    return out


def _columns(content):
    """Return columns of numbers that sort as their content does; what is missing sorts last."""
    if isinstance(content, np.ndarray):
        content = list(content.T) if content.ndim > 1 else [content]
    out = []
    for column in content:
        column = np.asarray(column)
        if column.dtype.kind in "fiub":
            column = column.astype(float)
            out.append(np.where(np.isnan(column), np.inf, column))
        else:
            out.append(np.unique(column.astype(str), return_inverse=True)[1].astype(float))
    return out
