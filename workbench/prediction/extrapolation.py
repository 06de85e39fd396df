"""How cohorts go on: levels, rates by age and the season, and how far off past forecasts were."""

import numpy as np

from workbench import intervals, periods

# Errors of the past an interval rests on, at least and at most: what forecasts did long ago, with
# little to learn from, says less.
KNOWN, LATEST = 6, 26
PRIOR = 20.0  # purchases with which a cohort's own level is drawn towards that of all


def following(last, period, ahead):
    """Return the first days of the periods after the last."""
    made = [last]
    for _ in range(ahead):
        made.append(periods.last_day(made[-1], period) + 1)
    return np.array(made[1:])


def ahead_by_cohort(grid, new, times, ahead, inflow, level, season):
    """Return what each cohort (known, then still to come: rows) is expected to bring in each period
    ahead, and the rows of known cohorts.
    """
    size = len(new)
    pull = PRIOR * grid.sum() / max(times.sum(), 1)  # what so many purchases bring
    index = np.ones(size + ahead)
    if size >= 2 * season:
        index = _season(grid.sum(axis=0), season, ahead)
        grid = grid / index[:size]
    age = np.arange(size)[None] - np.arange(size)[:, None]  # cohorts × periods
    seen = age >= 0
    at = np.where(seen, age, 0)
    # Cohorts differ in level and ages in rate: brought = customers × level × rate, fitted in turns.
    # A level is drawn towards 1, the more the less the cohort brought; what the first period brings
    # is in no level.
    after = seen & (age > 0)
    level_of, rate = np.ones(size), np.zeros(size)
    for _ in range(30):
        people = np.where(age > 0, new[:, None] * level_of[:, None], new[:, None])
        brought, reached = (np.bincount(age[seen], w[seen], size) for w in (grid, people))
        rate = np.divide(brought, reached, out=np.zeros(size), where=reached > 0)
        usual = np.where(after, new[:, None] * rate[at], 0.0).sum(axis=1)
        level_of = np.divide(
            np.where(after, grid, 0.0).sum(axis=1) + pull,
            usual + pull,
            out=np.ones(size),
            where=usual + pull > 0,
        )
    # Beyond the ages seen, as at the last of them.
    tail = slice(-min(level, max(size - 1, 1)), None)
    last = brought[tail].sum() / reached[tail].sum() if reached[tail].sum() else 0.0
    rate = np.append(rate, np.full(size + ahead, last))
    late = after & (np.arange(size) >= size - level)[None]
    usual = np.where(late, new[:, None] * level_of[:, None] * rate[at], 0.0).sum(axis=1)
    now = level_of * np.divide(
        np.where(late, grid, 0.0).sum(axis=1) + pull,
        usual + pull,
        out=np.ones(size),
        where=usual + pull > 0,
    )
    known = (new * now)[:, None] * rate[(size - np.arange(size))[:, None] + np.arange(ahead)[None]]
    coming, lately = new[-inflow:].mean(), new[-inflow:].sum()
    theirs = (new * level_of)[-inflow:].sum() / lately if lately else 1.0
    later = np.zeros((ahead, ahead))
    for k in range(ahead):
        later[k, k:] = coming * rate[: ahead - k] * np.where(np.arange(ahead - k) > 0, theirs, 1.0)
    every = np.vstack([known, later]) * index[size:]
    return every, every[:size]


def _season(y, season, ahead):
    """Return a factor for every period, known and ahead, with mean 1 over a year: how its season
    departs from the moving year around it.
    """
    size = len(y)
    width = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    half = len(width) // 2
    trend = np.convolve(y, width / width.sum(), "valid")
    middle = y[half : half + len(trend)]
    # A period without anything is a shop that was closed, not a season; no season is more than
    # fivefold.
    open_ = (middle > 0) & (trend > 0)
    at = np.arange(half, half + len(trend))[open_] % season
    many = np.bincount(at, minlength=season)
    index = np.where(
        many > 0,
        np.bincount(at, np.clip(middle[open_] / trend[open_], 0.2, 5.0), season)
        / np.maximum(many, 1),
        1.0,
    )
    # What was seen once may be luck: drawn towards no season, the less the more years there are.
    index = 1 + (index / index.mean() - 1) * many / (many + 1)
    index = index / index.mean()
    return index[np.arange(size + ahead) % season]


def interval(estimate, off, conf_level):
    """Return how many errors of the past there are, and the standard error and limits of a forecast
    that is off as they were; one that was infinite, where 0 had been predicted, leaves none.
    """
    off = off[~np.isnan(off)][-LATEST:]
    if len(off) < KNOWN or not estimate > 0 or not np.isfinite(off).all():
        return len(off), np.nan, np.nan, np.nan
    se = float(estimate * np.sqrt((off**2).mean() * (1 + 1 / len(off))))
    low, high = intervals.normal(estimate, se, conf_level, df=len(off))
    return len(off), se, max(float(low), 0.0), float(high)
