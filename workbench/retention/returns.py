"""The kernel of the retention between two events: who starts, and who is back at which age."""

from dataclasses import dataclass

import numpy as np

from workbench import periods


@dataclass(frozen=True)
class Times:
    """How periods are counted: of the calendar (`period`), or `length` microseconds from the start,
    cut down to a multiple of `step`. `end` is the last local day or the last microsecond seen.
    """

    period: str
    length: int
    step: int
    end: int
    entry: str

    def of(self, batch):
        """Return the scale on which ages are counted, of every row."""
        if self.period:
            return periods.index(periods.first_day(batch["day"], self.period), self.period)
        return batch["t"]

    def opens(self, batch, rows, scale):
        """Return which of the rows that may start the clock do."""
        if not len(rows):
            return rows
        new = np.ones(len(rows), bool)
        who = batch.customer[rows]
        if self.entry == "first":
            new[1:] = who[1:] != who[:-1]
        elif self.period:
            new[1:] = (who[1:] != who[:-1]) | (scale[rows[1:]] != scale[rows[:-1]])
        return rows[new]

    def at(self, begins, age):
        """Return where an age begins on the scale, for starts at these places of it."""
        if self.period:
            return begins + age
        return begins - begins % self.step + age * self.length

    def followed(self, batch, rows, begins, age):
        """Return which starts are followed to the end of an age."""
        if not self.period:
            return self.at(begins, age + 1) - 1 <= self.end
        if not len(rows):
            return np.zeros(0, bool)
        different, place = np.unique(
            periods.first_day(batch["day"][rows], self.period), return_inverse=True
        )
        last = np.array([_last_day(int(d), self.period, age) for d in different])
        return last[place] <= self.end


def _last_day(start, period, age):
    """Return the last day of the period so many after the one that begins on a day."""
    if period == "month":
        month = np.datetime64(start, "D").astype("datetime64[M]") + age + 1
        return int(month.astype("datetime64[D]").astype(np.int64)) - 1
    return start + periods.DAYS[period] * (age + 1) - 1


class Returns:
    """The kernel of `event_retention`: per group and age the sums over customers of starts and of
    those that came back.
    """

    def __init__(self, start, back, times, ages, groups):
        self.start, self.back, self.times = start, back, times
        self.ages, self.groups = ages, groups

    def __call__(self, batch):
        scale = self.times.of(batch)
        rows = self.times.opens(batch, _meeting(batch, self.start), scale)
        there = _meeting(batch, self.back)
        group = batch["g"][rows] if self.groups > 1 else np.zeros(len(rows), np.int64)
        cell = batch.customer[rows].astype(np.int64) * self.groups + group
        low = np.searchsorted(there, batch.first[rows])
        high = np.searchsorted(there, batch.last[rows], side="right")
        parts = []
        for a, b in self.ages:
            begins = scale[rows]
            ripe = self.times.followed(batch, rows, begins, a if b is None else b)
            found = _first_from(scale[there], low, high, self.times.at(begins, a))
            back = found < high
            if b is not None and len(there):
                value = scale[there[np.minimum(found, len(there) - 1)]]
                back &= value < self.times.at(begins, b + 1)
            parts.append(self._sums(cell, ripe, back & ripe))
        return {
            "group": np.tile(np.arange(self.groups), len(self.ages)),
            "age": np.repeat(np.arange(len(self.ages)), self.groups),
            **{
                name: np.concatenate([p[i] for p in parts])
                for i, name in enumerate(("customers", "y", "x", "yy", "xy", "xx", "young"))
            },
        }

    def _sums(self, cell, ripe, back):
        """Return, per group, the sums over customers."""
        size = (int(cell[-1]) // self.groups + 1) * self.groups if len(cell) else self.groups
        x, y = np.bincount(cell[ripe], minlength=size), np.bincount(cell[back], minlength=size)
        young = np.bincount(cell[~ripe], minlength=size)
        return [
            np.asarray(v, float).reshape(-1, self.groups).sum(axis=0)
            for v in (x > 0, y, x, y * y, x * y, x * x, young)
        ]


def _meeting(batch, conditions):
    """Return the rows that meet every condition (column → codes)."""
    good = np.ones(len(batch), bool)
    for name, codes in conditions.items():
        held = np.zeros(int(max(batch[name].max(initial=0), *codes)) + 1, bool)
        held[list(codes)] = True
        good &= held[batch[name]]
    return np.flatnonzero(good)


def _first_from(values, low, high, target):
    """Return, within [low, high) of rising values, the first place not below the target (or high),
    for many targets at once.
    """
    low, high = low.copy(), high.copy()
    while True:
        open_ = low < high
        if not open_.any():
            return low
        mid = (low + high) // 2
        below = open_ & (values[np.minimum(mid, len(values) - 1)] < target)
        low = np.where(below, mid + 1, low)
        high = np.where(open_ & ~below, mid, high)
