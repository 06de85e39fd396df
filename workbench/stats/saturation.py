"""When do further interviews bring nothing new? New codes by interview, in the order given and in
orders drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Saturation:
    """New codes by interview.

    Attributes
    ----------
    base_codes : int
        Different codes in the base.
    interviews : ndarray of int, shape (k,)
        At which number of interviews each run ends.
    new : ndarray of int, shape (k,)
        Codes of the run that no earlier interview had.
    share : ndarray, shape (k,)
        New codes over those of the base; missing where the base has none.
    """

    base_codes: int
    interviews: np.ndarray
    new: np.ndarray
    share: np.ndarray


def saturation(mentions: np.ndarray, base: int = 4, run: int = 2) -> Saturation:
    """Return how much is new in each run of interviews after a base.

    Parameters
    ----------
    mentions : ndarray of bool, shape (interviews, codes)
        Which codes each interview has, in the order in which they were held.
    base, run : int
        Interviews in the base, and in a run; runs overlap, one ends at each interview.

    Returns
    -------
    Saturation

    Source: Guest, Namey & Chen (2020), PLoS ONE 15(5).

    >>> mentions = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0],
    ...                      [1, 1, 0]], bool)
    >>> made = saturation(mentions)
    >>> made.base_codes, made.interviews.tolist(), made.new.tolist(), made.share.tolist()
    (2, [6, 7], [1, 0], [0.5, 0.0])
    """
    mentions = np.asarray(mentions, bool)
    held = len(mentions)
    ever = mentions.any(axis=0)
    first = np.where(ever, mentions.argmax(axis=0), held)
    base_codes = int((first < base).sum())
    ends = np.arange(base + run, held + 1)
    # A code is new in a run if no interview before the run had it.
    new = np.array([((first >= e - run) & (first < e)).sum() for e in ends], int)
    share = new / base_codes if base_codes else np.full(len(ends), np.nan)
    return Saturation(base_codes, ends, new, share)


def reached(share, interviews, threshold):
    """Return the number of interviews at which a run first brings at most so much; missing where
    none does.

    >>> reached(np.array([0.5, 0.0]), np.array([6, 7]), 0.05)
    7.0
    """
    below = np.flatnonzero(share <= threshold)
    return float(interviews[below[0]]) if len(below) else np.nan
