"""How sure can we be? Intervals for shares, rates, differences and means over customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench.errors import InputError, check_draws, one_of
from workbench.stats import resample, sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

__all__ = [
    "adjust_p_values",
    "bootstrap",
    "differ",
    "each_against_rest",
    "garwood",
    "log_odds",
    "mean",
    "newcombe",
    "newcombe_p",
    "normal",
    "p_value",
    "percentiles",
    "positive",
    "quantile",
    "ratio",
    "ratio_of_shares",
    "ratio_of_sums",
    "share",
    "share_difference",
    "share_of_sums",
    "trend",
    "wilson",
    "wilson_effective_n",
    "z",
]


def __dir__():
    return __all__


def z(conf_level) -> float:
    """Return the two-sided normal quantile of a confidence level between 0 and 1."""
    if not 0 < conf_level < 1:
        raise InputError(
            "intervals.error_conf_level",
            "conf_level: must lie between {floor} and {top} ({example:plain} for {example:%0}), "
            "found {conf_level:repr}",
            floor=0,
            top=1,
            example=0.95,
            conf_level=conf_level,
        )
    return float(special.ndtri(0.5 + conf_level / 2))


def wilson(count: ArrayLike, n: ArrayLike, conf_level: float = 0.95) -> tuple:
    """Give the Wilson score interval of a share `count / n`, right at 0 and at n too.

    Parameters
    ----------
    count, n : array-like of int
        Units with the property and units in all; where n is 0 the interval is missing.
    conf_level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    tuple of ndarray
        Lower and upper limit, shaped as the inputs.

    Raises
    ------
    InputError
        If a count is negative or exceeds its n.

    Source: Wilson (1927), JASA 22; Brown, Cai & DasGupta (2001), Statistical Science 16.

    >>> [round(float(x), 4) for x in wilson(7, 50)]
    [0.0695, 0.2619]
    """
    count, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(n, float))
    if np.any((count < 0) | (count > n)):
        raise InputError(
            "intervals.error_count", "wilson: a count lies outside {floor} to n", floor=0
        )
    q = z(conf_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = count / n
        centre = (p + q**2 / (2 * n)) / (1 + q**2 / n)
        half = q / (1 + q**2 / n) * np.sqrt(p * (1 - p) / n + q**2 / (4 * n**2))
    low = np.where(count == 0, 0.0, np.clip(centre - half, 0, 1))
    high = np.where(count == n, 1.0, np.clip(centre + half, 0, 1))
    empty = n == 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def newcombe(count_a, n_a, count_b, n_b, conf_level: float = 0.95) -> tuple:
    """Give the hybrid-score interval of the difference of two independent shares, a minus b.

    Parameters are as in `wilson`, for group a and group b. Returns lower and upper limit.

    Source: Newcombe (1998), Statistics in Medicine 17, method 10.
    """
    low_a, high_a = wilson(count_a, n_a, conf_level)
    low_b, high_b = wilson(count_b, n_b, conf_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = np.divide(count_a, n_a), np.divide(count_b, n_b)
    gap = a - b
    return gap - np.hypot(a - low_a, high_b - b), gap + np.hypot(high_a - a, b - low_b)


def ratio_of_shares(first: Mapping, second: Mapping) -> tuple:
    """Give the interval of the ratio of two shares from the limits of each.

    Parameters
    ----------
    first, second : dict
        Of each share: estimate, conf_low, conf_high.

    Returns
    -------
    tuple of float
        Lower and upper limit; the upper is infinite where the second share may be 0.

    Source: Donner & Zou (2012), Statistical Methods in Medical Research 21 (MOVER).

    >>> one = {"estimate": 1.0, "conf_low": 0.9, "conf_high": 1.0}
    >>> [round(float(v), 3) for v in ratio_of_shares(one, one)]
    [0.9, 1.111]
    """
    p, q = first["estimate"], second["estimate"]
    (low_p, high_p), (low_q, high_q) = (
        (share["conf_low"], share["conf_high"]) for share in (first, second)
    )

    def limit(own, other, side):
        bottom = other * (2 * q - other)
        root = (p * q) ** 2 - own * (2 * p - own) * bottom
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.divide(p * q + side * np.sqrt(max(root, 0.0)), bottom)

    return float(limit(low_p, high_q, -1)), float(limit(high_p, low_q, 1))


def newcombe_p(count_a, n_a, count_b, n_b):
    """Give the two-sided p-value of no difference that agrees with `newcombe`: the level at which
    its interval just reaches 0.

    Source: as `newcombe`.

    >>> round(newcombe_p(56, 70, 48, 80), 3)
    0.008
    """
    from scipy import optimize

    gap = count_a / n_a - count_b / n_b
    if gap == 0:
        return 1.0

    def reach(q):
        low, high = newcombe(count_a, n_a, count_b, n_b, 2 * special.ndtr(q) - 1)
        return float(low if gap > 0 else -high)

    most = 8.0  # beyond it the level cannot be told from certainty
    return float(
        2 * special.ndtr(-(most if reach(most) > 0 else optimize.brentq(reach, 1e-9, most)))
    )


def adjust_p_values(p: ArrayLike, method: str = "holm") -> np.ndarray:
    """Give p-values corrected for their number; missing ones stay missing and do not count.

    Parameters
    ----------
    p : array-like of float
    method : str
        "holm": the chance of any false alarm keeps its level; "fdr_bh": the expected share of false
        findings does.

    Returns
    -------
    ndarray
        Shaped as `p`.

    Source: Holm (1979), Scand. J. Statist. 6; Benjamini & Hochberg (1995), JRSS B 57.

    >>> adjust_p_values([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    from scipy import stats

    one_of("method", method, ("holm", "fdr_bh"))
    p = np.asarray(p, float)
    out, known = np.full(len(p), np.nan), np.flatnonzero(np.isfinite(p))
    if not len(known):
        return out
    if method == "fdr_bh":
        out[known] = stats.false_discovery_control(p[known])
    else:
        # statsmodels' multipletests collects garbage at every call, which costs a report seconds.
        order = known[np.argsort(p[known], kind="stable")]
        out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return out


def each_against_rest(p):
    """Give Holm's correction where each group was compared with all others: two groups make one
    comparison, told twice.

    Returns an array like `p`. Source: as `adjust_p_values`.
    """
    return np.asarray(p, float) if len(p) == 2 else adjust_p_values(p)


def trend(dose, count, n):
    """Give the p-value of the Cochran–Armitage test for a trend of shares over doses; arrays of one
    value a group.

    Source: Armitage (1955), Biometrics 11.

    >>> round(float(trend([0, 1, 2], [10, 20, 30], [100, 100, 100])), 5)
    0.00041
    """
    dose, count, n = (np.asarray(v, float) for v in (dose, count, n))
    p, centre = count.sum() / n.sum(), (n * dose).sum() / n.sum()
    return p_value(
        (count * (dose - centre)).sum(), np.sqrt(p * (1 - p) * (n * (dose - centre) ** 2).sum())
    )


def garwood(count, exposure: float = 1.0, conf_level: float = 0.95) -> tuple:
    """Give the exact Poisson interval of a rate `count / exposure`.

    Source: Garwood (1936), Biometrika 28.
    """
    count = np.asarray(count, float)
    tail = (1 - conf_level) / 2
    z(conf_level)
    # A chi-square quantile with 2k degrees of freedom is twice a gamma quantile of shape k.
    low = np.where(count == 0, 0.0, special.gammaincinv(np.maximum(count, 0.5), tail))
    return low / exposure, special.gammaincinv(count + 1, 1 - tail) / exposure


def normal(estimate, std_error, conf_level: float = 0.95, df=None) -> tuple:
    """Give the normal interval `estimate ± z · std_error`; with `df`, Student's quantile of that
    many degrees of freedom (clusters less one). A standard error of 0 is no certainty: the limits
    are missing then.
    """
    q = z(conf_level) if df is None else float(special.stdtrit(max(df, 1), 0.5 + conf_level / 2))
    se = np.asarray(std_error, float)
    half = q * np.where(se == 0, np.nan, se)
    return np.asarray(estimate, float) - half, np.asarray(estimate, float) + half


def positive(estimate, std_error, conf_level: float = 0.95) -> tuple:
    """Return the interval of something that cannot be below 0, on the logarithm: missing where the
    estimate is not above 0.

    Source: Meeker & Escobar (1998), Statistical Methods for Reliability Data, section 7.3.

    >>> [round(float(v), 3) for v in positive(0.5, 0.5)]
    [0.07, 3.55]
    """
    estimate = np.asarray(estimate, float)
    some = np.where(estimate > 0, estimate, np.nan)
    with np.errstate(over="ignore"):
        wide = np.exp(z(conf_level) * np.asarray(std_error, float) / some)
    return some / wide, some * wide


def log_odds(share, std_error, conf_level: float = 0.95) -> tuple:
    """Give the interval of a modelled share that stays between 0 and 1: normal on the log-odds
    scale, the error carried over by the delta method.

    >>> [round(float(v), 3) for v in log_odds(0.1, 0.05)]
    [0.036, 0.248]
    """
    share = np.asarray(share, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return tuple(
            special.expit(
                normal(special.logit(share), std_error / (share * (1 - share)), conf_level)
            )
        )


def mean(
    values: ArrayLike,
    customer: ArrayLike,
    conf_level: float = 0.95,
    weights: ArrayLike | None = None,
) -> dict:
    """Estimate the mean of rows, the customer as sampling unit.

    Parameters
    ----------
    values : array-like of float, one value per row
    customer : array-like, whose row it is
    weights : array-like of float, optional
        How much every row counts; None: all the same.

    Returns
    -------
    dict
        total (sum of the values), n (rows), estimate, std_error, conf_low, conf_high: as `ratio`.

    Source: as `ratio`.
    """
    values = np.asarray(values, float)
    who, sizes = _whose(customer)
    if weights is not None:
        weights = np.asarray(weights, float)
        values, sizes = values * weights, np.bincount(who, weights)
    estimate, se, low, high = ratio(np.bincount(who, values), sizes, conf_level)
    return {
        "total": float(values.sum()),
        "n": len(values),
        "estimate": estimate,
        "std_error": se,
        "conf_low": low,
        "conf_high": high,
    }


def p_value(estimate, std_error, df=None):
    """Give the two-sided p-value of no effect that agrees with `normal`; missing where the standard
    error is 0 or missing.

    >>> round(float(p_value(1.96, 1)), 3)
    0.05
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        score = -np.abs(np.asarray(estimate, float)) / np.where(
            np.asarray(std_error, float) > 0, std_error, np.nan
        )
    return 2 * (special.ndtr(score) if df is None else special.stdtr(max(df, 1), score))


def ratio(numerator: ArrayLike, denominator: ArrayLike, conf_level: float = 0.95) -> tuple:
    """Estimate a ratio of sums over customers, with its delta-method standard error.

    The customer is the sampling unit: pass one value per customer, not one per row.

    Parameters
    ----------
    numerator, denominator : array-like, one value per customer

    Returns
    -------
    tuple of float
        Estimate, standard error, lower and upper limit; missing where the denominator is 0
        or there are fewer than two customers. Where no customer has a value below 0, the lower
        limit is not below it either.

    Source: Deng, Knoblich & Lu (2018), KDD.
    """
    y, x = np.asarray(numerator, float), np.asarray(denominator, float)
    n, total = len(y), x.sum()
    if total == 0:
        return np.nan, np.nan, np.nan, np.nan
    estimate = y.sum() / total
    if n < 2:
        return estimate, np.nan, np.nan, np.nan
    residual = y - estimate * x
    se = np.sqrt(n / (n - 1) * (residual**2).sum()) / total
    low, high = (float(v) for v in normal(estimate, se, conf_level))
    if (y >= 0).all() and (x >= 0).all():
        low = float(np.maximum(low, 0.0))
    return estimate, se, low, high


def wilson_effective_n(
    estimate: ArrayLike,
    std_error: ArrayLike,
    n: ArrayLike,
    customers: ArrayLike,
    conf_level: float = 0.95,
) -> tuple:
    """Give the Wilson interval of shares whose rows come from customers, at the number of rows they
    are worth.

    A share with standard error s is worth p(1 − p)/s² independent rows (at most all of them); where
    s says nothing, at 0 and at 1, it is worth as many as there are customers.

    Parameters
    ----------
    estimate, std_error : array-like of float
    n, customers : array-like or int
        Rows counted over, and the customers behind them.

    Returns
    -------
    tuple of ndarray
        Lower and upper limit.

    Source: Wilson (1927); effective sample size Kish (1965), Survey Sampling.
    """
    p, se, n, customers = np.broadcast_arrays(
        np.asarray(estimate, float),
        np.asarray(std_error, float),
        np.asarray(n, float),
        np.asarray(customers, float),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = p * (1 - p) / se**2
    told = (se > 0) & (p > 0) & (p < 1)
    worth = np.where(told, np.minimum(np.maximum(worth, 1), n), np.minimum(customers, n))
    worth = np.where(np.isnan(p), 0, worth)
    return wilson(np.clip(np.nan_to_num(p), 0, 1) * worth, worth, conf_level)


def ratio_of_sums(
    y: ArrayLike,
    x: ArrayLike,
    yy: ArrayLike,
    xy: ArrayLike,
    xx: ArrayLike,
    customers: ArrayLike,
    conf_level: float = 0.95,
) -> tuple:
    """Estimate ratios from sums over customers: what `ratio` gives, where the customers' own values
    were never held at once.

    Parameters
    ----------
    y, x : array-like or float
        Sums of numerators and of denominators over customers.
    yy, xy, xx : array-like or float
        Sums of their squares and product over customers.
    customers : array-like or int

    Returns
    -------
    tuple of ndarray
        Estimate, standard error, lower and upper limit of the normal interval; the last three are
        missing with fewer than two customers.

    Source: Deng, Knoblich & Lu (2018), KDD.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.asarray(y, float) / np.asarray(x, float)
        spread = np.maximum(np.asarray(yy, float) - 2 * estimate * xy + estimate**2 * xx, 0)
        c = np.asarray(customers, float)
        se = np.where(c > 1, np.sqrt(c / (c - 1) * spread) / x, np.nan)
    return (estimate, se, *normal(estimate, se, conf_level))


def share_of_sums(y, x, yy, xy, xx, customers, conf_level: float = 0.95) -> dict:
    """Estimate shares from sums over customers, with Wilson intervals at the number of rows the
    customers are worth.

    Parameters are as in `ratio_of_sums`. Returns a dictionary of arrays: count, n, estimate,
    std_error, conf_low, conf_high.

    Source: as `ratio_of_sums` and `wilson_effective_n`.
    """
    estimate, se, _, _ = ratio_of_sums(y, x, yy, xy, xx, customers, conf_level)
    low, high = wilson_effective_n(estimate, se, x, customers, conf_level)
    whole = [
        np.broadcast_to(np.asarray(v, float), np.shape(estimate)).astype(np.int64) for v in (y, x)
    ]
    return {
        "count": whole[0],
        "n": whole[1],
        "estimate": estimate,
        "std_error": se,
        "conf_low": low,
        "conf_high": high,
    }


def share_difference(
    hit: ArrayLike, first: ArrayLike, customer: ArrayLike, conf_level: float = 0.95
) -> dict:
    """Estimate the difference of a share between two groups of rows, the customer as sampling unit.

    Parameters
    ----------
    hit, first : array-like of bool, one value per row
        Whether the row has the property, and whether it is of the first group (the others are the
        second).
    customer : array-like, whose row it is
        One who has rows in both groups counts once.

    Returns
    -------
    dict
        count (missing: a difference has none), n (rows), estimate (first minus second), std_error,
        conf_low, conf_high: Newcombe with one row a customer, else normal with the customers' pulls
        on both shares.

    Source: Newcombe (1998); Deng, Knoblich & Lu (2018).
    """
    hit, first = np.asarray(hit, bool), np.asarray(first, bool)
    who, sizes = _whose(customer)
    a, b, na, nb = hit[first].mean(), hit[~first].mean(), first.sum(), (~first).sum()
    se = float(
        np.sqrt((np.bincount(who, np.where(first, (hit - a) / na, (b - hit) / nb)) ** 2).sum())
    )
    if len(sizes) == len(hit):
        low, high = newcombe(hit[first].sum(), na, hit[~first].sum(), nb, conf_level)
    else:
        low, high = np.clip(normal(a - b, se, conf_level), -1, 1)
    return {
        "count": np.nan,
        "n": len(hit),
        "estimate": a - b,
        "std_error": se,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def share(
    hit: ArrayLike, customer: ArrayLike, conf_level: float = 0.95, weights: ArrayLike | None = None
) -> dict:
    """Estimate the share of rows with a property, the customer as sampling unit.

    Parameters
    ----------
    hit : array-like of bool, one value per row
    customer : array-like, whose row it is
    weights : array-like of float, optional
        How much every row counts; None: all the same. `count` and `n` stay numbers of rows.

    Returns
    -------
    dict
        count, n (rows), estimate, std_error, conf_low, conf_high: Wilson's interval at the number
        of independent rows the customers are worth (see `wilson_effective_n`).
    """
    hit = np.asarray(hit, bool)
    who, sizes = _whose(customer)
    count, n = int(hit.sum()), len(hit)
    if weights is not None:
        each = np.bincount(who, weights)
        estimate, se, _, _ = ratio(np.bincount(who, hit * weights), each, conf_level)
        low, high = wilson_effective_n(estimate, se, n, sampling.kish(each), conf_level)
        return _shared(count, n, estimate, se, low, high)
    estimate, se, _, _ = ratio(np.bincount(who, hit, len(sizes)), sizes, conf_level)
    if len(sizes) == n:
        low, high = wilson(count, n, conf_level)
    else:
        low, high = wilson_effective_n(estimate, se, n, len(sizes), conf_level)
    return _shared(count, n, estimate, se, low, high)


def _shared(count, n, estimate, se, low, high):
    """Return the row of a share."""
    return {
        "count": count,
        "n": n,
        "estimate": estimate,
        "std_error": se,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def quantile(
    values: ArrayLike, customer: ArrayLike, share: float = 0.5, conf_level: float = 0.95
) -> dict:
    """Estimate a quantile of rows, the customer as sampling unit.

    The interval turns round that of the share of rows at or below the quantile.

    Parameters
    ----------
    values : array-like of float, one value per row
    customer : array-like, whose row it is
    share : float
        0.5 for the median.

    Returns
    -------
    dict
        n (rows), estimate, conf_low, conf_high; missing without rows, limits missing with
        one customer.

    Source: Woodruff (1952), JASA 47.
    """
    values = np.asarray(values, float)
    if not len(values):
        return {"n": 0, "estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan}
    ordered = np.sort(values)

    def at(p):
        return float(ordered[int(np.clip(np.ceil(p * len(values)) - 1, 0, len(values) - 1))])

    estimate = at(share)
    who, sizes = np.unique(np.asarray(customer), return_inverse=True, return_counts=True)[1:]
    # Spread of the share at or below, as if it were exactly `share`: ties at the quantile would
    # else shrink it.
    below, ties = values < estimate, values == estimate
    hit = np.where(
        ties, np.clip((share * len(values) - below.sum()) / max(ties.sum(), 1), 0, 1), below
    )
    _, se, _, _ = ratio(np.bincount(who, hit, len(sizes)), sizes, conf_level)
    # A tied value is in or out by luck: its own part of the spread.
    luck = (ties * hit * (1 - hit)).sum() / len(values) ** 2
    se = np.sqrt(se**2 + luck) if se == se else np.nan
    low, high = normal(share, se, conf_level)
    known = len(sizes) > 1 and se == se
    return {
        "n": len(values),
        "estimate": estimate,
        "conf_low": at(low) if known else np.nan,
        "conf_high": at(high) if known else np.nan,
    }


def percentiles(drawn: ArrayLike, estimate: ArrayLike, conf_level: float = 0.95) -> tuple:
    """Give the percentile interval of draws that were made already, widened where it does not hold
    the estimate.

    Parameters
    ----------
    drawn : array-like, draws × anything
        A draw that has no value is missing.
    estimate : array-like or float

    Returns
    -------
    tuple of ndarray
        Standard error, lower and upper limit, shaped as one draw; missing where fewer than two
        draws have a value, or all have the same.

    Source: as `bootstrap`. Percentiles of a skewed statistic, such as a share near 0, may lie
    wholly on one side of it.

    >>> [round(float(v), 2) for v in percentiles([1, 2, 3, float("nan")], 0.5)]
    [1.0, 0.5, 2.95]
    """
    z(conf_level)
    drawn = np.asarray(drawn, float)
    known = (~np.isnan(drawn)).sum(axis=0) > 1
    values = np.where(known, drawn, 0.0) if len(drawn) else np.zeros((1, *drawn.shape[1:]))
    low, high = np.nanquantile(values, [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=0)
    se = np.nanstd(values, axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
    # Draws that are all alike are no certainty.
    known = known & differ(np.nanmin(values, axis=0), np.nanmax(values, axis=0))
    return tuple(
        np.where(known, v, np.nan) for v in (se, np.fmin(low, estimate), np.fmax(high, estimate))
    )


def differ(lowest, highest):
    """Return whether draws differ by more than rounding, from the lowest and the highest of them.

    >>> bool(differ(0.1 + 0.2, 0.3))
    False
    """
    size = 1e-12 * np.maximum(np.abs(highest), np.abs(lowest))
    with np.errstate(invalid="ignore"):
        return (highest > lowest) & ~(np.isfinite(size) & (highest - lowest <= size))


def bootstrap(
    statistic: Callable, units, *, seed: int, draws: int = 1000, conf_level: float = 0.95
) -> tuple:
    """Give the percentile interval of a statistic when whole customers are resampled.

    Parameters
    ----------
    statistic : callable
        Takes an array of weights (how often each customer was drawn) and returns a number or an
        array of numbers.
    units : stats.resample.Kinds, array or int
        What is known of the customers: `resample.kinds`, or the place of each in an order that
        their content decides (`resample.place`). A number of customers where they are in such an
        order already.
    seed : int
    draws : int

    Returns
    -------
    tuple of ndarray
        Standard error, lower and upper limit, each shaped as the statistic. A limit that is
        missing in more than half of the tail's draws is missing.

    Raises
    ------
    InputError
        With fewer than two draws.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap.
    """
    z(conf_level)
    check_draws(draws)
    rng = np.random.default_rng(seed)
    if isinstance(units, resample.Kinds):
        values = [statistic(units.draw(rng, 1)[0]) for _ in range(draws)]
    else:
        at = np.arange(units) if np.ndim(units) == 0 else np.asarray(units)
        p = np.full(len(at), 1 / len(at))
        values = [statistic(rng.multinomial(len(at), p)[at]) for _ in range(draws)]
    values = np.array(values, float)
    tail = (1 - conf_level) / 2
    # A median that a draw does not reach lies beyond every observed time: it sorts last, it is not
    # dropped.
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    low = ordered[int(np.floor(tail * (draws - 1)))]
    high = ordered[int(np.ceil((1 - tail) * (draws - 1)))]
    finite = np.isfinite(values).all(axis=0)
    se = np.where(finite, np.std(np.where(np.isfinite(values), values, 0), axis=0, ddof=1), np.nan)
    # Draws that are all alike are no certainty.
    told = differ(ordered[0], ordered[-1])
    return (
        np.where(told, se, np.nan),
        np.where(np.isinf(low) | ~told, np.nan, low),
        np.where(np.isinf(high) | ~told, np.nan, high),
    )


def _whose(customer):
    """Return every row's customer as a number, and how many rows each has."""
    return np.unique(np.asarray(customer).astype(str), return_inverse=True, return_counts=True)[1:]
