"""Tests by rank of arrays: the log-rank test, and a rank correlation with few pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

PERMUTATIONS = 50_000  # above 8!: with up to eight pairs every order is gone through


@dataclass(frozen=True)
class LogRank:
    """A log-rank test: chi-square statistic, its degrees of freedom, p-value; statistic and p-value
    are missing where no two groups can be compared.
    """

    statistic: float
    freedom: int
    p_value: float


def log_rank(
    time: np.ndarray,
    ended: np.ndarray,
    group: np.ndarray,
    *,
    clusters: np.ndarray | None = None,
    entry: np.ndarray | None = None,
) -> LogRank:
    """Test whether groups differ in how soon the event comes.

    Parameters
    ----------
    time : ndarray, shape (n,)
    ended : ndarray, shape (n,)
        1 where the event came.
    group : ndarray of int, shape (n,)
        0, 1, …
    clusters : ndarray of int, shape (n,), optional
        The sampling unit of each duration: the variance is then robust, summed over it.
    entry : ndarray, shape (n,), optional
        When each came under observation: nobody is at risk before, or at that very time.

    Returns
    -------
    LogRank
        A group in which nobody is left when the first event comes says nothing and takes no degree
        of freedom; a group without an event does.

    Source: Mantel (1966), Cancer Chemotherapy Reports 50; robust variance Lin & Wei (1989), JASA
    84.

    >>> log_rank(np.array([1.0, 2, 3, 4]), np.array([1, 0, 0, 0]), np.array([0, 0, 1, 1])).freedom
    1
    """
    time, ended, group = np.asarray(time, float), np.asarray(ended) > 0, np.asarray(group)
    u, at = np.unique(time, return_inverse=True)
    k = int(group.max()) + 1
    there = np.zeros((len(u), k))
    np.add.at(there, (at, group), 1.0)
    there = there[::-1].cumsum(axis=0)[::-1]
    begin = np.zeros(len(time), int)
    if entry is not None:
        begin = np.searchsorted(u, np.asarray(entry, float), side="right")
        waiting = np.zeros((len(u) + 1, k))
        np.add.at(waiting, (begin, group), 1.0)
        there -= waiting[::-1].cumsum(axis=0)[::-1][1:]
    total, d = there.sum(axis=1), np.bincount(at, ended, len(u))
    share = there / np.maximum(total, 1)[:, None]
    if clusters is None:
        score = np.bincount(group, ended, k) - d @ share
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where(total > 1, d * (total - d) / (total - 1), 0.0)
        variance = np.diag(scale @ share) - (share * scale[:, None]).T @ share
    else:
        rate = np.concatenate([[0.0], d / np.maximum(total, 1)])
        hazard = np.cumsum(rate)
        drift = np.cumsum(np.vstack([np.zeros(k), share]) * rate[:, None], axis=0)
        own = (group[:, None] == np.arange(k)).astype(float)
        pull = ended[:, None] * (own - share[at]) - (
            own * (hazard[at + 1] - hazard[begin])[:, None] - (drift[at + 1] - drift[begin])
        )
        pulls = np.column_stack([np.bincount(clusters, c) for c in pull.T])
        score, variance = pulls.sum(axis=0), pulls.T @ pulls
    values, vectors = np.linalg.eigh(variance)
    told = values > 1e-9 * max(values.max(), 0.0)
    freedom = int(told.sum())
    if not freedom:
        return LogRank(np.nan, 0, np.nan)
    statistic = float(((vectors[:, told].T @ score) ** 2 / values[told]).sum())
    return LogRank(statistic, freedom, float(special.chdtrc(freedom, statistic)))


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rank correlation and its two-sided p-value; missing where a column has no two
    different values.
    """

    estimate: float
    p_value: float


def rank_correlation(x: np.ndarray, y: np.ndarray, *, seed: int = 1) -> RankCorrelation:
    """Test whether two columns rise together, by exchanging their ranks.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
    seed : int
        Of the permutations where there are more than eight pairs.

    Returns
    -------
    RankCorrelation
        With few pairs the usual t distribution promises more than can be known: five pairs in
        perfect order come about by chance in 2 of 120 orders.

    Source: Spearman (1904), American Journal of Psychology 15; Pitman (1937), Supplement to the
    JRSS 4.

    >>> made = rank_correlation(np.array([1, 2, 3, 4, 5]), np.array([10, 20, 30, 40, 50]))
    >>> round(made.estimate, 9), round(made.p_value, 9) == round(2 / 120, 9)
    (1.0, True)
    """
    from scipy import stats

    a, b = (rank - rank.mean() for rank in (stats.rankdata(x), stats.rankdata(y)))
    if not (a.any() and b.any()):
        return RankCorrelation(np.nan, np.nan)
    size = np.sqrt((a @ a) * (b @ b))
    made = stats.permutation_test(
        (a,),
        lambda ranks, axis: np.moveaxis(ranks, axis, -1) @ b / size,
        permutation_type="pairings",
        n_resamples=PERMUTATIONS,
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return RankCorrelation(float(made.statistic), float(made.pvalue))


def gray(time: np.ndarray, cause: np.ndarray, group: np.ndarray, *, of: int = 1) -> LogRank:
    """Test whether groups differ in the share that meets one cause, other causes competing.

    Parameters
    ----------
    time : ndarray, shape (n,)
    cause : ndarray of int, shape (n,)
        0 = not ended yet, 1, 2, … = what happened.
    group : ndarray of int, shape (n,)
        0, 1, …
    of : int
        The cause whose shares are compared.

    Returns
    -------
    LogRank
        One that has met another cause is kept among those at risk, as far as it would still be
        followed; with one cause only it is nearly the log-rank test.

    Source: Gray (1988), Annals of Statistics 16.

    >>> made = gray(np.arange(1.0, 9), np.array([1, 2, 1, 0, 1, 1, 2, 1]), np.tile([0, 1], 4))
    >>> made.freedom, bool(0 < made.p_value < 1)
    (1, True)
    """
    time, cause, group = np.asarray(time, float), np.asarray(cause), np.asarray(group)
    u, at = np.unique(time, return_inverse=True)
    k = int(group.max()) + 1
    left, own, other = (np.zeros((len(u), k)) for _ in range(3))
    np.add.at(left, (at, group), 1.0)
    np.add.at(own, (at, group), (cause == of) * 1.0)
    np.add.at(other, (at, group), ((cause != of) & (cause != 0)) * 1.0)
    there = left[::-1].cumsum(axis=0)[::-1]
    score, variance = _subdistribution(there, own, other)
    values, vectors = np.linalg.eigh(variance)
    told = values > 1e-9 * max(values.max(), 0.0)
    freedom = int(told.sum())
    if not freedom:
        return LogRank(np.nan, 0, np.nan)
    statistic = float(((vectors[:, told].T @ score) ** 2 / values[told]).sum())
    return LogRank(statistic, freedom, float(special.chdtrc(freedom, statistic)))


def _subdistribution(there, own, other):
    """Return the scores of Gray's test and their covariance, from those at risk, those that met the
    cause and those that met another (times × groups).
    """

    def before(values, first):
        return np.vstack([np.full(values.shape[1], first), values[:-1]])

    with np.errstate(divide="ignore", invalid="ignore"):
        seen = there > 0
        hazard = np.where(seen, (own + other) / there, 0.0)
        after = np.cumprod(1 - hazard, axis=0)
        free = before(after, 1.0)  # of any cause, just before
        met = before(np.cumsum(np.where(seen, free * own / there, 0.0), axis=0), 0.0)
        weight = np.where(seen, there / free, 0.0)
        total = weight.sum(axis=1, keepdims=True)
        risk = weight * (1 - met)
        ended = own.sum(axis=1, keepdims=True)
        expected = np.where(ended > 0, ended * risk / risk.sum(axis=1, keepdims=True), 0.0)
        score = (own - expected).sum(axis=0)
        pooled = np.cumsum(np.where(ended > 0, ended / total, 0.0), axis=0)
        pooled_before = before(pooled, 0.0)
        # How much of each group's part in the sum the others hold: times × groups × groups.
        mix = np.eye(weight.shape[1]) * weight[:, :, None]
        whole = total[:, :, None]
        mix -= np.where(whole > 0, weight[:, :, None] * weight[:, None, :] / whole, 0.0)
        rate = np.where(ended > 0, ended / (total * (1 - pooled_before)), 0.0)
        grown = np.cumsum(mix * rate[:, :, None], axis=0)
        rest = grown[-1] - grown
        share = np.where(after > 0, (1 - pooled) / after, 0.0)
        own_pull = mix + np.where(after > 0, 1 - share, 1.0)[:, None, :] * rest
        tied = np.where(ended > 1, 1 - (ended - 1) / (total * free - 1), 1.0)
        own_scale = np.where(seen & (ended > 0), tied * free * ended / (total * there), 0.0)
        more = np.where(other > 1, 1 - (other - 1) / (there - 1), 1.0)
        fell = (after > 0) & (other > 0)
        other_scale = np.where(fell, more * free**2 * other / there**2, 0.0)
    other_pull = share[:, None, :] * rest
    variance = np.einsum("tik,tjk,tk->ij", own_pull, own_pull, own_scale)
    variance += np.einsum("tik,tjk,tk->ij", other_pull, other_pull, other_scale)
    return score, variance
