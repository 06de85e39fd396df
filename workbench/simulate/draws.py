"""Random numbers that depend on who and what they are for, not on when they are asked.

Every number is a hash of (seed, customer, purpose, counters). So a market is the same whatever
the size of the chunks it is made in, and two markets that differ in one switch share all other
luck.
"""

from functools import cache
from zlib import crc32

import numpy as np
from scipy import special

_A, _B, _C = (np.uint64(v) for v in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def _mix(h):
    """Scramble 64-bit integers (the finaliser of SplitMix64; Steele, Lea & Flood 2014)."""
    h = (h ^ (h >> np.uint64(30))) * _B
    h = (h ^ (h >> np.uint64(27))) * _C
    return h ^ (h >> np.uint64(31))


@cache
def _purpose(name):
    return np.uint64(crc32(name.encode()))


class Draws:
    """The luck of a block of customers."""

    def __init__(self, seed, customers):
        with np.errstate(over="ignore"):
            self.base = _mix(np.asarray(customers, np.uint64) * _A + _mix(np.uint64(seed) + _A))

    def uniform(self, purpose, rows, *counters):
        """Return one number between 0 and 1 (neither) per row; a counter may have one value a row
        or one for all.
        """
        with np.errstate(over="ignore"):
            h = _mix(self.base[rows] + _purpose(purpose) * _A)
            for counter in counters:
                h = _mix(h + (np.asarray(counter).astype(np.uint64) + np.uint64(1)) * _A)
        return ((h >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53

    def normal(self, purpose, rows, *counters):
        """Return standard normal numbers."""
        return special.ndtri(self.uniform(purpose, rows, *counters))

    def wait(self, purpose, rows, *counters):
        """Return exponential waiting times of mean 1."""
        return -np.log(self.uniform(purpose, rows, *counters))

    def pick(self, purpose, cumulative, rows, *counters):
        """Return a category per row from cumulative shares: a row of them each, or one for all."""
        u = self.uniform(purpose, rows, *counters)
        return (
            (np.atleast_2d(cumulative) < u[:, None])
            .sum(axis=1)
            .clip(0, np.shape(cumulative)[-1] - 1)
        )
