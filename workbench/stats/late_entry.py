"""Durations that come under observation after their beginning: who is at risk when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats import existence


@dataclass(frozen=True, eq=False)
class Late:
    """Who comes under observation late.

    `rows` (rows by stratum, the latest entry first), `last` (of each moment, the last of `rows`
    that has not entered before it, -1 for none), `moment` (of each row, the last moment of its
    stratum up to its entry, one past the end for none).
    """

    rows: np.ndarray
    last: np.ndarray
    moment: np.ndarray


def late(strata, time, entry, begins) -> Late:
    """Return the Late of rows sorted by stratum, the longest first; `begins` is the first row of
    each moment.

    >>> begins, time, entry = np.array([0, 1]), np.array([3.0, 1]), np.array([2.0, 0])
    >>> late(np.zeros(2, int), time, entry, begins).last.tolist()
    [-1, 0]
    """
    rows = np.lexsort((-entry, strata))
    last, moment = np.full(len(begins), -1), np.full(len(strata), len(begins))
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        moments = np.flatnonzero(strata[begins] == stratum)
        when = -time[begins[moments]]
        waiting = np.searchsorted(-entry[rows[own]], when, side="right") - 1
        last[moments] = np.where(waiting >= 0, own[0] + waiting, -1)
        place = np.searchsorted(when, -entry[own], side="left")
        moment[own] = np.where(
            place < len(moments), moments[np.minimum(place, len(moments) - 1)], len(begins)
        )
    return Late(rows, last, moment)


def of_hazards(x, time, ended, strata, entry):
    """Return the existence.Recession of a Cox regression with late entry: covariates (n × p),
    durations, whether each ended, strata and times of entry (n).

    Each who leaves is compared with each who is there then: with entries nobody stands for others.

    Source: as `stats.existence`.

    >>> of_hazards(np.array([[1.0], [1], [0]]), np.array([1.0, 2, 3]), np.ones(3), np.zeros(3, int),
    ...            np.zeros(3)).exists
    False
    """
    x, ended = np.asarray(x, float), np.asarray(ended) > 0
    gains = [np.zeros((1, x.shape[1]))]
    for i in np.flatnonzero(ended):
        there = (strata == strata[i]) & (time >= time[i]) & (entry < time[i])
        gains.append(np.unique(x[i] - x[there], axis=0))
    return existence.recession(np.unique(np.concatenate(gains), axis=0))
