"""Which things go together: shares of units that hold both, and how far beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

CERTAIN = 1e12  # the odds of what is certain


@dataclass(frozen=True, eq=False)
class Association:
    """Pairs of things, one an entry.

    Attributes
    ----------
    support : ndarray, shape (m,)
        Share of all units that hold both.
    confidence : ndarray, shape (m,)
        Share of the units with the first that hold the second too.
    lift : ndarray, shape (m,)
        Support over what it would be if the two had nothing to do with one another.
    std_error : ndarray, shape (m,)
        Of the logarithm of the lift; missing where no unit holds both.
    npmi : ndarray, shape (m,)
        Normalised pointwise mutual information: -1 never together, 0 by chance, 1 always.
    p_value : ndarray, shape (m,)
        Of no more together than by chance (Fisher's exact test, one-sided).
    """

    support: np.ndarray
    confidence: np.ndarray
    lift: np.ndarray
    std_error: np.ndarray
    npmi: np.ndarray
    p_value: np.ndarray


def associations(both: np.ndarray, first: np.ndarray, second: np.ndarray, n: int) -> Association:
    """Measure how far pairs of things go together.

    Parameters
    ----------
    both, first, second : ndarray of int, shape (m,)
        Units that hold both, the first, and the second.
    n : int
        Units in all.

    Returns
    -------
    Association

    Source: Agrawal, Imieliński & Swami (1993), SIGMOD (support, confidence); Brin et al. (1997),
    SIGMOD (lift); Bouma (2009), GSCL (normalised mutual information).

    >>> result = associations(np.array([30]), np.array([50]), np.array([40]), 100)
    >>> float(result.lift[0]), float(result.confidence[0]), round(float(result.npmi[0]), 4)
    (1.5, 0.6, 0.3368)
    """
    both, first, second = (np.asarray(v, float) for v in (both, first, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        support, lift = both / n, both * n / (first * second)
        variance = 1 / both - 1 / first - 1 / second + 1 / n + 2 * (lift - 1) / n
        mutual = np.log(lift) / -np.log(support)
    mutual = np.where(both == 0, -1.0, np.where(both == n, 0.0, mutual))
    return Association(
        support,
        both / first,
        lift,
        np.where(both > 0, np.sqrt(np.maximum(variance, 0)), np.nan),
        mutual,
        more_than_chance(both, first, second, n),
    )


def more_than_chance(both, first, second, n):
    """Give the one-sided p-value of Fisher's exact test: as many units with both, or more.

    Parameters are those of `associations`; `n` may be one a pair.

    Source: Fisher (1935), The Design of Experiments, ch. 2 (the lady tasting tea).

    >>> float(round(more_than_chance(np.array([3]), np.array([4]), np.array([4]), 8)[0], 4))
    0.2429
    """
    from scipy import stats

    both = np.asarray(both, float)
    return np.clip(stats.hypergeom.sf(both - 1, n, first, second), 0, 1)


@dataclass(frozen=True, eq=False)
class Margins:
    """Chances that a unit holds a thing, where only how many things a unit holds and how many units
    hold a thing are known.

    Attributes
    ----------
    chance : ndarray, shape (sizes, things)
        Of a unit of each size to hold each thing.
    units : ndarray, shape (sizes,)
        How many units there are of each size.
    """

    chance: np.ndarray
    units: np.ndarray

    def together(self, first, second):
        """Return how many units would hold both things of each pair: the mean, the variance and
        the third central moment.
        """
        expected, variance, third = (np.zeros(len(first)) for _ in range(3))
        for chance, units in zip(self.chance, self.units, strict=True):
            both = chance[first] * chance[second]
            expected += units * both
            spread = units * both * (1 - both)
            variance += spread
            third += spread * (1 - 2 * both)
        return expected, variance, third


def margins(
    size: np.ndarray,
    units: np.ndarray,
    holding: np.ndarray,
    *,
    rounds: int = 500,
    tolerance: float = 1e-7,
) -> Margins:
    """Spread things over units by chance, so that every unit holds as many as it does and every
    thing is held as often as it is, on average.

    Whoever does much holds much, and all things go together in them: pairs are held against that.

    Parameters
    ----------
    size : ndarray of int, shape (sizes,)
        How many things a unit holds.
    units : ndarray of int, shape (sizes,)
        How many units are of that size.
    holding : ndarray of int, shape (things,)
        How many units hold each thing.

    Returns
    -------
    Margins

    Source: Saracco et al. (2017), New Journal of Physics 19 (bipartite configuration model).

    >>> chance = margins(np.array([1]), np.array([100]), np.array([50, 50])).chance
    >>> chance.round(3).tolist()
    [[0.5, 0.5]]
    """
    size, units = _alike(*(np.asarray(v, float) for v in (size, units)))
    holding = np.asarray(holding, float)
    x = size / np.sqrt(holding.sum())
    y = holding / np.sqrt(holding.sum())
    # Who holds everything, and what everybody holds, are certain.
    whole, common = size >= len(holding), holding >= units.sum()
    x[whole], y[common] = CERTAIN, CERTAIN
    for _ in range(rounds):
        before = y
        x = np.where(whole, CERTAIN, size / (y / (1 + x[:, None] * y)).sum(axis=1))
        weight = units[:, None] * x[:, None] / (1 + x[:, None] * y)
        y = np.where(common, CERTAIN, holding / weight.sum(axis=0))
        if np.abs(y - before).max() <= tolerance * max(np.abs(y).max(), 1e-300):
            break
    product = x[:, None] * y
    return Margins(product / (1 + product), units)


def _alike(size, units):
    """Return sizes with those within a twentieth of one another taken together at their mean."""
    level = np.where(size <= 20, size, 20 + np.floor(np.log(np.maximum(size, 20) / 20) * 20) + 1)
    place = np.unique(level, return_inverse=True)[1]
    count = np.bincount(place, units)
    return np.bincount(place, units * size) / count, count


def beyond_margins(both: np.ndarray, expected: np.ndarray, variance: np.ndarray, third: np.ndarray):
    """Give the p-value of as many units with both, or more, than the margins give.

    Parameters
    ----------
    both, expected, variance, third : ndarray, shape (m,)
        Units with both, and what `Margins.together` gives for it.

    Source: a sum of unlike chances by a gamma distribution of the same three moments, with
    continuity correction (Pearson type III): Johnson, Kotz & Balakrishnan (1994), ch. 17.

    >>> float(round(beyond_margins(*(np.array([v]) for v in (8.0, 5.0, 2.5, 0.0)))[0], 4))
    0.0569
    """
    both, expected, variance, third = (
        np.asarray(v, float) for v in (both, expected, variance, third)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(variance)
        score = (both - 0.5 - expected) / deviation
        skew = third / deviation**3
        bent = np.abs(skew) > 1e-4
        shape = 4 / np.where(bent, skew, 1.0) ** 2
        at = np.maximum(shape + score * 2 / np.where(bent, skew, 1.0), 0)
        tail = np.where(skew > 0, special.gammaincc(shape, at), special.gammainc(shape, at))
        tail = np.where(bent, tail, special.ndtr(-score))
    # What is certain is no surprise.
    return np.where(both > 0, np.where(variance > 1e-9, tail, 1.0), 1.0)


def false_discovery(p_value: np.ndarray, tests: int):
    """Correct p-values for how many pairs there were, also those that were never seen together.

    Parameters
    ----------
    p_value : ndarray, shape (m,)
        Of the pairs that were seen.
    tests : int
        Pairs in all, at least m; the others count as if their p-value were 1.

    Source: Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57.

    >>> false_discovery(np.array([0.001, 0.02]), 10).round(6).tolist()
    [0.01, 0.1]
    """
    p_value = np.asarray(p_value, float)
    order = np.argsort(p_value, kind="stable")
    raised = p_value[order] * tests / np.arange(1, len(order) + 1)
    result = np.empty(len(order))
    result[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1)
    return result


def pairs_to_test(holding: np.ndarray, n: int, least: float = 1.0) -> int:
    """Count the pairs of things that would be together often enough by chance to be worth a test.

    Parameters
    ----------
    holding : ndarray of int, shape (things,)
        Units that hold each.
    n : int
        Units in all.
    least : float
        How many units with both chance would have to give.

    Source: filters on margins leave the level as it is: Bourgon, Gentleman & Huber (2010), PNAS.

    >>> pairs_to_test(np.array([10, 10, 1]), 20)
    1
    """
    holding = np.sort(np.asarray(holding, float))
    with np.errstate(divide="ignore"):
        partner = np.searchsorted(holding, least * n / holding - 1e-9)
    after = np.maximum(partner, np.arange(1, len(holding) + 1))
    return int((len(holding) - after).clip(0).sum())


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules that who has one thing takes to another later.

    Attributes
    ----------
    first, second : ndarray of int, shape (m,)
        What somebody has, and what is inferred.
    count, n : ndarray, shape (m,)
        Who took to it, and who had the first and not the second.
    p_value : ndarray, shape (m,)
        Of no more often than those without the first, corrected for all pairs.
    popular : ndarray of int, shape (things,)
        All things, the one that most people took to first.
    """

    first: np.ndarray
    second: np.ndarray
    count: np.ndarray
    n: np.ndarray
    p_value: np.ndarray
    popular: np.ndarray


def next_rules(was, now) -> Rules:
    """Learn which things lead people who have them to which others.

    Parameters
    ----------
    was, now : sparse array of 0 and 1, shape (people, things)
        What each had before, and has after.

    Returns
    -------
    Rules
        Of pairs somebody followed.

    Source: Agrawal, Imieliński & Swami (1993), SIGMOD, in time; Fisher's exact test.

    >>> from scipy import sparse
    >>> was = sparse.csr_array(np.array([[1.0, 0]] * 20 + [[0, 0]] * 20))
    >>> now = sparse.csr_array(np.array([[0.0, 1]] * 20 + [[0, 0]] * 20))
    >>> rules = next_rules(was, now)
    >>> rules.first.tolist(), rules.second.tolist(), rules.count.tolist(), rules.n.tolist()
    ([0], [1], [20.0], [20.0])
    """
    had = np.asarray(was.sum(axis=0)).ravel()
    new = (now - now.multiply(was)).tocsr()
    followed = (was.T @ new).tocoo()
    keep = (followed.row != followed.col) & (followed.data > 0)
    first, second, count = followed.row[keep], followed.col[keep], followed.data[keep]
    both = np.asarray((was.T @ was).todense()) if was.shape[1] <= 3000 else (was.T @ was).tocsr()
    without = had[first] - np.asarray(both[first, second]).ravel()
    people = was.shape[0] - had[second]
    taken = np.asarray(new.sum(axis=0)).ravel()
    p_value = more_than_chance(count, without, taken[second], people)
    tests = max(int((had > 0).sum()) * (len(had) - 1), len(p_value))
    popular = np.argsort(-taken, kind="stable")
    return Rules(first, second, count, without, false_discovery(p_value, tests), popular)


@dataclass(frozen=True, eq=False)
class Inferred:
    """What rules infer of each person; arrays of shape (people,).

    `known`, `inferred` and `right` count things; `popular` those that would be right if as many of
    the most popular ones were inferred that the person does not have.
    """

    known: np.ndarray
    inferred: np.ndarray
    right: np.ndarray
    popular: np.ndarray


def inferred(rules: Rules, was, now, precision: float, level: float = 0.05) -> Inferred:
    """Apply the rules whose lower limit of being right is at least a precision.

    Parameters
    ----------
    rules : Rules
    was, now : sparse array of 0 and 1, shape (people, things)
        Of people no rule was learnt from.
    precision : float
    level : float
        Largest p-value of a rule, and of its lower limit (one-sided).

    Returns
    -------
    Inferred

    Source: as `next_rules`; Wilson (1927) for the limit.

    >>> from scipy import sparse
    >>> was = sparse.csr_array(np.array([[1.0, 0]] * 20 + [[0, 0]] * 20))
    >>> now = sparse.csr_array(np.array([[0.0, 1]] * 20 + [[0, 0]] * 20))
    >>> result = inferred(next_rules(was, now), was, now, 0.5)
    >>> int(result.inferred.sum()), int(result.right.sum())
    (20, 20)
    """
    from scipy import sparse

    q = special.ndtri(1 - level)
    share = rules.count / rules.n
    middle = (share + q**2 / (2 * rules.n)) / (1 + q**2 / rules.n)
    half = q / (1 + q**2 / rules.n)
    half = half * np.sqrt(share * (1 - share) / rules.n + q**2 / (4 * rules.n**2))
    good = (middle - half >= precision) & (rules.p_value <= level)
    size = was.shape[1]
    edges = sparse.csr_array(
        (np.ones(int(good.sum())), (rules.first[good], rules.second[good])), shape=(size, size)
    )
    reached = (was @ edges > 0).astype(float)
    reached = (reached - reached.multiply(was)).tocsr()
    count = [np.asarray(m.sum(axis=1)).ravel() for m in (was, reached, reached.multiply(now))]
    return Inferred(*count, _popular(rules.popular, was, now, count[1].astype(int)))


def _popular(order, was, now, each):
    """Count for each person what comes true of the most popular things they do not have."""
    right = np.zeros(was.shape[0])
    was, now = was.tocsr(copy=True), now.tocsr(copy=True)
    for matrix in (was, now):
        matrix.eliminate_zeros()
    for i in np.flatnonzero(each):
        had, came = (m.indices[m.indptr[i] : m.indptr[i + 1]] for m in (was, now))
        new = order[~np.isin(order, had)][: each[i]]
        right[i] = np.isin(new, came).sum()
    return right
