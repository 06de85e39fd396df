"""How much somebody leans to a topic: shares of few acts, drawn towards those of everybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

# Of the logarithm of the concentration: from people who do one thing only to people all alike.
LOWEST, HIGHEST = -6.0, 12.0


@dataclass(frozen=True, eq=False)
class Shrunken:
    """Shares of acts drawn towards those of everybody, one a cell.

    Attributes
    ----------
    estimate, conf_low, conf_high : ndarray, shape (m,)
        Posterior mean and limits of the share.
    log_odds, std_error : ndarray, shape (m,)
        How far its log-odds lie above those of everybody, and their posterior deviation.
    above : ndarray, shape (m,)
        The posterior chance that the share lies above that of everybody.
    """

    estimate: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    log_odds: np.ndarray
    std_error: np.ndarray
    above: np.ndarray


def decayed(age: np.ndarray, half_life):
    """Give the weight of acts of an age: a half after each half-life.

    Parameters
    ----------
    age : ndarray, shape (m,)
    half_life : float or None
        In the unit of the age; None: all weigh the same.

    Source: exponential smoothing; Koren (2010), Communications of the ACM 53, for tastes.

    >>> decayed(np.array([0.0, 10.0, 20.0]), 10).tolist()
    [1.0, 0.5, 0.25]
    """
    age = np.asarray(age, float)
    return np.ones(len(age)) if half_life is None else 0.5 ** (age / half_life)


def concentration(
    person: np.ndarray, topic: np.ndarray, count: np.ndarray, share: np.ndarray
) -> float:
    """Estimate how alike people are: the number of acts that everybody's shares count for.

    Parameters
    ----------
    person, topic : ndarray of int, shape (m,)
        Of each cell with acts, 0, 1, ….
    count : ndarray, shape (m,)
        Acts in it; need not be whole.
    share : ndarray, shape (topics,)
        Of everybody's acts; above 0.

    Returns
    -------
    float
        The maximum-likelihood concentration of a Dirichlet-multinomial whose means are `share`; a
        large one where people are alike.

    Source: Minka (2000), Estimating a Dirichlet distribution.

    >>> alike = concentration(np.repeat(np.arange(50), 2), np.tile([0, 1], 50), np.full(100, 5.0),
    ...     np.array([0.5, 0.5]))
    >>> apart = concentration(np.arange(50), np.arange(50) % 2, np.full(50, 10.0),
    ...     np.array([0.5, 0.5]))
    >>> alike > 1000 and apart < 0.1
    True
    """
    from scipy import optimize

    total = np.bincount(person, count)
    total, own = total[total > 0], np.asarray(share, float)[topic]

    def loss(log_a):
        a = np.exp(log_a)
        return -(
            (special.gammaln(a) - special.gammaln(a + total)).sum()
            + (special.gammaln(a * own + count) - special.gammaln(a * own)).sum()
        )

    best = optimize.minimize_scalar(loss, bounds=(LOWEST, HIGHEST), method="bounded")
    return float(np.exp(best.x))


def shrunken(
    count: np.ndarray,
    total: np.ndarray,
    share: np.ndarray,
    concentration: float,
    conf_level: float = 0.95,
) -> Shrunken:
    """Draw shares of acts towards those of everybody, the more the fewer acts there are.

    Parameters
    ----------
    count, total : ndarray, shape (m,)
        Acts in a topic, and acts in all, of one person.
    share : ndarray, shape (m,)
        Everybody's share of that topic.
    concentration : float
        The number of acts that everybody's shares count for.

    Returns
    -------
    Shrunken

    Source: Monroe, Colaresi & Quinn (2008), Political Analysis 16 (log-odds with an informative
    Dirichlet prior); beta posterior of one topic against all others.

    >>> result = shrunken(np.array([3.0]), np.array([4.0]), np.array([0.1]), 20.0)
    >>> round(float(result.estimate[0]), 4)
    0.2083
    """
    count, total, share = (np.asarray(v, float) for v in (count, total, share))
    a = count + concentration * share
    b = total - count + concentration * (1 - share)
    tail = (1 - conf_level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return Shrunken(
            a / (a + b),
            np.where(b > 0, special.betaincinv(a, np.maximum(b, 1e-12), tail), 1.0),
            np.where(b > 0, special.betaincinv(a, np.maximum(b, 1e-12), 1 - tail), 1.0),
            special.digamma(a) - special.digamma(b) - special.logit(share),
            np.sqrt(special.polygamma(1, a) + special.polygamma(1, b)),
            1 - special.betainc(a, np.maximum(b, 1e-12), share),
        )


@dataclass(frozen=True, eq=False)
class Divergence:
    """How far profiles of two periods lie apart, and how far chance alone would bring them.

    Attributes
    ----------
    estimate, expected : ndarray, shape (people,)
        Jensen–Shannon distance (0 alike to 1 nothing in common); its mean over exchanged periods.
    p_value : ndarray, shape (people,)
        Of no change: the share of exchanges at least as far apart.
    """

    estimate: np.ndarray
    expected: np.ndarray
    p_value: np.ndarray


def distance(first: np.ndarray, second: np.ndarray):
    """Give the Jensen–Shannon distance of two profiles, the root of the divergence in bits.

    Parameters
    ----------
    first, second : ndarray, shape (..., topics)
        Counts or shares of each topic; each adds up to more than 0.

    Source: Lin (1991), IEEE Transactions on Information Theory 37; Endres & Schindelin (2003).

    >>> float(distance(np.array([1.0, 0]), np.array([0.0, 1])))
    1.0
    """
    p, q = (np.asarray(v, float) for v in (first, second))
    p, q = (v / v.sum(axis=-1, keepdims=True) for v in (p, q))
    m = (p + q) / 2
    entropy = [special.entr(v).sum(axis=-1) for v in (p, q, m)]
    bits = (entropy[2] - (entropy[0] + entropy[1]) / 2) / np.log(2)
    return np.sqrt(np.clip(bits, 0, 1))


def drifted(
    first: np.ndarray, second: np.ndarray, *, draws: int = 199, seed: int = 1
) -> Divergence:
    """Test for each person whether the profile of the second period is another than that of the
    first, by exchanging acts between the periods.

    Parameters
    ----------
    first, second : ndarray of int, shape (people, topics)
        Acts of each period.
    draws, seed : int
        Of the exchanges.

    Returns
    -------
    Divergence

    Source: permutation test; Lin (1991) for the distance.

    >>> result = drifted(np.array([[10, 0]]), np.array([[0, 10]]))
    >>> float(result.estimate[0]), float(result.p_value[0])
    (1.0, 0.005)
    """
    first, second = np.asarray(first, int), np.asarray(second, int)
    rng = np.random.default_rng(seed)
    estimate = distance(first, second)
    expected, p_value = np.empty(len(first)), np.empty(len(first))
    for i, (one, two) in enumerate(zip(first, second, strict=True)):
        both = (one + two)[(one + two) > 0]
        drawn = rng.multivariate_hypergeometric(both, int(one.sum()), draws)
        apart = distance(drawn, both - drawn)
        expected[i] = apart.mean()
        p_value[i] = (1 + (apart >= estimate[i] - 1e-12).sum()) / (draws + 1)
    return Divergence(estimate, expected, p_value)
