"""How long until it happens, when not everyone has been watched to the end.

Pure NumPy: durations and causes in, curves out. Used wherever a module asks "how long".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.errors import InputError, NotEnoughData
from workbench.stats import ranks

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

__all__ = [
    "at",
    "by_group",
    "incidence",
    "kaplan_meier",
    "log_rank",
    "mean_gap",
    "quantile",
    "restricted_mean",
]


def __dir__():
    return __all__


_WORK = 50_000_000  # durations times points: bounds the cost of errors that respect customers


def incidence(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    of: int = 1,
    customer: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Give the share that has met one cause by each moment, other causes competing
    (Aalen–Johansen).

    Parameters
    ----------
    time : array-like of float
        Duration until the cause or until observation ended; one unit of time throughout.
    cause : array-like of int
        0 = still unobserved when watching ended (censored), 1, 2, … = what happened.
    of : int
        The cause whose share is wanted.
    customer : array-like, optional
        Who each duration belongs to. Where customers repeat, the customer is the sampling unit.

    Returns
    -------
    DataFrame
        time, at_risk, count (of this cause at that time), estimate, std_error, conf_low, conf_high
        (log–log interval).

    Raises
    ------
    NotEnoughData
        If there is no duration at all.
    InputError
        If a duration is negative or missing.

    Source: Aalen & Johansen (1978), Scand. J. Statist. 5; standard error from the influence
    function.

    >>> incidence([1, 2, 3, 4], [1, 2, 1, 0])["estimate"].tolist()
    [0.25, 0.25, 0.5, 0.5]
    """
    import pandas as pd

    time, cause = _checked(time, cause)
    u, at_risk, mine, any_cause = _counts(time, cause, of)
    h = any_cause / at_risk
    survival = np.cumprod(1 - h)
    before = np.concatenate([[1.0], survival[:-1]])
    share = np.cumsum(before * mine / at_risk)
    clusters = _clusters(customer, time)
    points = np.arange(len(u))
    most = int(np.clip(_WORK // len(time), 25, 1000))
    if len(u) > most:
        points = np.unique(np.linspace(0, len(u) - 1, most).astype(int))
    # Each duration's pull on the curve: through this cause's hazard, and through everyone's
    # survival.
    with np.errstate(divide="ignore", invalid="ignore"):
        slack = np.where(h < 1, 1 / (1 - h), 0.0)
    own = np.cumsum(before * mine / at_risk**2)
    drift = np.cumsum(any_cause * slack / at_risk**2)
    drift_share = np.cumsum(share * any_cause * slack / at_risk**2)
    at = np.searchsorted(u, time)
    jump_own = np.where(cause == of, before[at] / at_risk[at], 0.0)
    jump_any = np.where(cause != 0, slack[at] / at_risk[at], 0.0)
    variance = np.empty(len(points))
    for i, p in enumerate(points):
        upto = np.minimum(at, p)
        seen = at <= p
        pull = seen * jump_own - own[upto]
        pull -= seen * jump_any * (share[p] - share[at]) - (
            share[p] * drift[upto] - drift_share[upto]
        )
        variance[i] = (np.bincount(clusters, pull) ** 2).sum()
    # One customer tells of no other.
    se = np.sqrt(variance) if clusters.max() > 0 else np.full(len(points), np.nan)
    low, high = _log_log(share[points], se, conf_level)
    # Where points are left out, their events are told at the next one.
    counted = np.diff(np.cumsum(mine)[points], prepend=0)
    return pd.DataFrame(
        {
            "time": u[points],
            "at_risk": at_risk[points].astype(int),
            "count": counted.astype(int),
            "estimate": share[points],
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )


def kaplan_meier(
    time, event, *, customer=None, entry=None, conf_level: float = 0.95
) -> pd.DataFrame:
    """Give the share for whom it has not yet happened at each moment (Kaplan–Meier).

    Parameters are as in `incidence`, with `event` true where it happened. Without `customer` the
    standard error is Greenwood's; with it, customers are the sampling unit. With `entry`, the time
    at which each came under observation, only those are at risk who have entered before.

    Returns
    -------
    DataFrame
        time, at_risk, count (events at that time), estimate, std_error, conf_low, conf_high
        (log–log interval, missing where the estimate is 1 or 0).

    Source: Kaplan & Meier (1958), JASA 53; Greenwood (1926); Kalbfleisch & Prentice (2002).
    """
    import pandas as pd

    time, event = _checked(time, _events(event))
    u, at_risk, d, _ = _counts(time, event, 1)
    if entry is not None:
        at_risk = at_risk - _not_entered(u, time, entry)
    estimate = np.cumprod(1 - d / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        se = estimate * np.sqrt(np.cumsum(d / (at_risk * (at_risk - d))))
    se = np.where(estimate > 0, se, np.nan)
    if entry is not None and customer is not None:
        se = _late_errors(u, at_risk, d, estimate, (time, event, entry, customer))
    elif customer is not None and len(np.unique(customer)) < len(time):
        # How much wider customers make it than rows would, known at some points and carried between
        # them.
        curve = incidence(time, event, customer=customer, conf_level=conf_level)
        places = np.searchsorted(u, curve["time"])
        wider = curve["std_error"].to_numpy() / np.where(se[places] > 0, se[places], np.nan)
        if np.isfinite(wider).any():
            good = np.isfinite(wider)
            se = se * np.interp(np.arange(len(u)), places[good], wider[good])
    low, high = _log_log(estimate, se, conf_level)
    return pd.DataFrame(
        {
            "time": u,
            "at_risk": at_risk.astype(int),
            "count": d.astype(int),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )


def _not_entered(u, time, entry):
    """Return how many of those who have not left at each time have not entered before it either."""
    entry = np.asarray(entry, float)
    if not (entry < time).all():
        raise InputError(
            "survival.error_entry",
            "survival: every duration must be longer than the time of its entry",
        )
    later = np.sort(entry)
    return len(later) - np.searchsorted(later, u, side="left")


def _late_errors(u, at_risk, d, estimate, rows):
    """Return the errors of a curve with late entry, customers as sampling unit, from the pull of
    every duration.
    """
    time, event, entry, customer = rows
    clusters = _clusters(customer, time)
    with np.errstate(divide="ignore"):
        slack = np.where(d < at_risk, at_risk / (at_risk - d), 0.0)
    drift = np.concatenate([[0.0], np.cumsum(d * slack / at_risk**2)])
    at, begin = np.searchsorted(u, time), np.searchsorted(u, entry, side="right")
    jump = np.where(event == 1, slack[at] / at_risk[at], 0.0)
    variance = np.empty(len(u))
    for i in range(len(u)):
        pull = (at <= i) * jump - drift[np.minimum(at, i) + 1] + drift[np.minimum(begin, i + 1)]
        variance[i] = (np.bincount(clusters, pull) ** 2).sum()
    known = clusters.max() > 0
    return np.where((estimate > 0) & known, estimate * np.sqrt(variance), np.nan)


def restricted_mean(time, event, horizon, *, customer=None, conf_level: float = 0.95) -> dict:
    """Give the mean time without the event up to a horizon, read off a Kaplan–Meier curve, with
    customers as sampling unit.

    Parameters are as in `kaplan_meier`, with `horizon` in the same unit. Returns a dictionary:
    count (events up to the horizon), n, estimate, std_error, conf_low, conf_high, and
    `pull`, each duration's influence on the estimate.

    Raises NotEnoughData where nobody was followed up to the horizon: the mean is then not known.

    Source: Royston & Parmar (2013), BMC Med. Res. Methodol. 13; standard error from the influence
    function.

    >>> restricted_mean([1, 2, 3], [1, 1, 1], 3)["estimate"]
    2.0
    """
    time, event = _checked(time, _events(event))
    if horizon <= 0:
        raise InputError(
            "survival.error_horizon",
            "horizon: must be larger than {floor}, found {horizon}",
            floor=0,
            horizon=horizon,
        )
    u, at_risk, d, _ = _counts(time, event, 1)
    if not (time >= horizon).any() and not (event[time == time.max()] == 1).all():
        raise NotEnoughData(
            "survival.error_not_followed",
            "survival: nobody was followed up to the horizon of {horizon}",
            horizon=horizon,
        )
    h = d / at_risk
    surviving = np.cumprod(1 - h)
    ends = np.minimum(np.append(u[1:], max(horizon, u[-1])), horizon)
    area = surviving * np.maximum(ends - np.minimum(u, horizon), 0)
    estimate = float(min(u[0], horizon) + area.sum())
    beyond = area[::-1].cumsum()[::-1]  # area under the curve from each time on
    inside = u <= horizon
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(inside & (h < 1), beyond / (1 - h) / at_risk, 0.0)
    drift = np.cumsum(weight * h)
    at = np.searchsorted(u, time)
    pull = -(np.where(event == 1, weight[at], 0.0) - drift[at])
    clusters = _clusters(customer, time)
    # Without an event the curve has not moved: that is no certainty.
    moved = ((event == 1) & (time <= horizon)).any() and clusters.max() > 0
    se = float(np.sqrt((np.bincount(clusters, pull) ** 2).sum())) if moved else np.nan
    low, high = intervals.normal(estimate, se, conf_level)
    return {
        "count": int(((event == 1) & (time <= horizon)).sum()),
        "n": len(time),
        "estimate": estimate,
        "std_error": se,
        "conf_low": float(np.maximum(low, 0.0)),
        "conf_high": float(np.minimum(high, horizon)),
        "pull": pull,
    }


def mean_gap(time, event, first, horizon, *, customer=None, conf_level: float = 0.95) -> dict:
    """Give by how much longer it takes on average, up to a horizon, in a first group than in the
    others; one who has durations in both counts once.

    Parameters are as in `restricted_mean`, with `first` true for durations of the first group.
    Returns a dictionary: count and n (of the first), restricted_mean (of the first), estimate
    (first less others), std_error, conf_low, conf_high.

    Source: as `restricted_mean`.
    """
    time, event = _checked(time, _events(event))
    first = np.asarray(first, bool)
    clusters = _clusters(customer, time)
    a, b = (
        restricted_mean(time[m], event[m], horizon, customer=clusters[m]) for m in (first, ~first)
    )
    pull = np.zeros(len(time))
    pull[first], pull[~first] = a["pull"], -b["pull"]
    known = a["std_error"] == a["std_error"] and b["std_error"] == b["std_error"]
    se = float(np.sqrt((np.bincount(clusters, pull) ** 2).sum())) if known else np.nan
    gap = a["estimate"] - b["estimate"]
    low, high = intervals.normal(gap, se, conf_level)
    return {
        "count": a["count"],
        "n": a["n"],
        "restricted_mean": a["estimate"],
        "estimate": gap,
        "std_error": se,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def by_group(
    time, event, group=None, *, customer=None, entry=None, conf_level: float = 0.95
) -> tuple:
    """Give the Kaplan–Meier curve of every group, one below the other, and each group's median.

    Parameters are as in `kaplan_meier`; None: one group, "all". Returns the curves with the column
    group first and n for at_risk, and a list of (group, median, lower and upper limit; missing
    where the curve does not reach it).

    Source: as `kaplan_meier` and `quantile`.
    """
    import pandas as pd

    time, event = np.asarray(time, float), np.asarray(event)
    names = np.full(len(time), "all", object) if group is None else np.asarray(group).astype(str)
    curves, medians = [], []
    for name in sorted(set(names)):
        mine = names == name
        curve = kaplan_meier(
            time[mine],
            event[mine],
            customer=None if customer is None else np.asarray(customer)[mine],
            entry=None if entry is None else np.asarray(entry, float)[mine],
            conf_level=conf_level,
        )
        medians.append((name, *quantile(curve, 0.5)))
        curves.append(curve.assign(group=name))
    table = pd.concat(curves, ignore_index=True).rename(columns={"at_risk": "n"})
    return (
        table[["group", "time", "n", "count", "estimate", "std_error", "conf_low", "conf_high"]],
        medians,
    )


def log_rank(time, event, group, *, customer=None, entry=None) -> tuple:
    """Test whether groups differ in how soon the event comes; with a robust variance where
    customers have several durations.

    Parameters are as in `kaplan_meier`, with the group of each duration. Returns the chi-square
    statistic, its degrees of freedom and the p-value; missing where only one group has durations.

    Source: as `stats.ranks.log_rank`.
    """
    time, event = _checked(time, _events(event))
    _, g = np.unique(np.asarray(group).astype(str), return_inverse=True)
    if g.max() == 0:
        return np.nan, 0, np.nan
    clusters = _clusters(customer, time)
    once = clusters.max() + 1 == len(time)
    made = ranks.log_rank(time, event, g, clusters=None if once else clusters, entry=entry)
    return made.statistic, made.freedom, made.p_value


def quantile(curve, share) -> tuple:
    """Give the time by which `share` of the units have met the event, read off a Kaplan–Meier
    curve.

    Returns estimate, lower and upper limit; a limit the curve does not reach is missing.

    Source: Brookmeyer & Crowley (1982), Biometrics 38.
    """

    def first(column):
        below = np.flatnonzero(curve[column].to_numpy() <= 1 - share + 1e-12)
        return float(curve["time"].iloc[below[0]]) if len(below) else np.nan

    return first("estimate"), first("conf_low"), first("conf_high")


def at(curve, column, moments):
    """Read a curve at given moments: the last step at or before each one; moments before the first
    step are left out. Curves of several groups, told apart by a column group, are read one by one.

    Returns the rows of `curve` with `column` set to the moments, its counts of single steps
    dropped.
    """
    if "group" in curve and curve["group"].nunique() > 1:
        import pandas as pd

        parts = [at(part, column, moments) for _, part in curve.groupby("group", sort=False)]
        return pd.concat(parts, ignore_index=True)
    moments = np.asarray(moments, float)
    rows = np.searchsorted(curve[column].to_numpy(), moments, side="right") - 1
    inside = (rows >= 0) & (moments <= curve[column].max())
    return (
        curve.iloc[rows[inside]]
        .assign(**{column: moments[inside]})
        .drop(columns="count")
        .reset_index(drop=True)
    )


def _events(event):
    """Return events as 0 and 1; one that is missing is no censoring, so it is refused."""
    import pandas as pd

    values = pd.to_numeric(pd.Series(np.asarray(event)), errors="coerce").to_numpy(float)
    wrong = ~np.isin(values, (0, 1))
    if wrong.any():
        raise InputError(
            "survival.error_event",
            "survival: {n} events are missing or no number of {open} (still going on) or {ended} "
            "(ended); leave those rows out",
            n=int(wrong.sum()),
            open=0,
            ended=1,
        )
    return values.astype(int)


def _checked(time, cause):
    import pandas as pd

    if pd.isna(np.asarray(cause)).any():
        raise InputError(
            "survival.error_cause",
            "survival: {n} causes are missing; write {open} for those still going on",
            n=int(pd.isna(np.asarray(cause)).sum()),
            open=0,
        )
    time, cause = np.asarray(time, float), np.asarray(cause, int)
    if not len(time):
        raise NotEnoughData("survival.error_no_durations", "survival: no durations to work with")
    if not np.isfinite(time).all() or (time < 0).any():
        raise InputError(
            "survival.error_negative",
            "survival: {n} durations are negative, infinite or missing",
            n=int((~np.isfinite(time) | (time < 0)).sum()),
        )
    return time, cause


def _clusters(customer, time):
    """Return a running number of each duration's customer; every duration its own where none is
    named.
    """
    return (
        np.arange(len(time))
        if customer is None
        else np.unique(np.asarray(customer).astype(str), return_inverse=True)[1]
    )


def _counts(time, cause, of):
    u, at = np.unique(time, return_inverse=True)
    leaving = np.bincount(at, minlength=len(u))
    at_risk = leaving[::-1].cumsum()[::-1].astype(float)
    return (
        u,
        at_risk,
        np.bincount(at, cause == of, minlength=len(u)),
        np.bincount(at, cause != 0, minlength=len(u)),
    )


def _log_log(estimate, se, conf_level):
    q = intervals.z(conf_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = q * se / np.abs(estimate * np.log(estimate))
        low, high = estimate ** np.exp(half), estimate ** np.exp(-half)
    known = (estimate > 0) & (estimate < 1) & (se > 1e-12)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
