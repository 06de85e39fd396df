"""Groups of alike rows of arrays, and whether there are any: k-means on a common scale, how far its
groups come back in other samples, and how it fares on tables without groups.

k-means, silhouettes and Rand indices are scikit-learn's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench.stats import threads

if TYPE_CHECKING:
    from workbench.types import Grouping

SKEWED = 1.0  # skewness from which a number above 0 is taken by its logarithm
FURTHEST = 3.0  # spreads from the middle beyond which a value pulls no further
NEARLY = 0.02  # mean Rand indices so near one another are one


@dataclass(frozen=True, eq=False)
class Scaled:
    """Columns on a common scale, and how each came there.

    Attributes
    ----------
    z : ndarray, shape (n, p)
    logged : ndarray of bool, shape (p,)
        Whether the logarithm of 1 + x was taken.
    middle, spread : ndarray, shape (p,)
        Median, and interquartile range over 1.349 (the standard deviation where that is 0).
    """

    z: np.ndarray
    logged: np.ndarray
    middle: np.ndarray
    spread: np.ndarray


def scaled(x: np.ndarray) -> Scaled:
    """Put columns on a common scale that a few extreme rows do not set.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Finite.

    Returns
    -------
    Scaled
        A column without any difference is 0.

    Source: the definitions of segments in `docs/glossary.md` (log and robust scale).

    >>> scaled(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])).z.round(2).ravel().tolist()
    [-1.35, -0.67, 0.0, 0.67, 1.35]
    """
    x = np.asarray(x, float)
    centred = x - x.mean(axis=0)
    deviation = centred.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        skew = (centred**3).mean(axis=0) / deviation**3
    logged = (x.min(axis=0) >= 0) & (skew > SKEWED)
    values = np.where(logged, np.log1p(np.where(logged, x, 0)), x)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, values.std(axis=0))
    flat = ~(spread > 1e-12 * np.maximum(np.abs(middle), 1))
    spread = np.where(flat, 1.0, spread)
    z = np.where(flat, 0.0, np.clip((values - middle) / spread, -FURTHEST, FURTHEST))
    return Scaled(z, logged, middle, spread)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Rows in groups, the largest first.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
    centres : ndarray, shape (k, p)
    within : float
        Sum of squared distances to the own centre.
    """

    labels: np.ndarray
    centres: np.ndarray
    within: float


def k_means(z: np.ndarray, k: int, *, seed: int = 1, starts: int = 5) -> Grouping:
    """Group rows by k-means.

    Parameters
    ----------
    z : ndarray, shape (n, p)
    k, seed, starts : int

    Returns
    -------
    Grouping

    Source: Lloyd (1982), IEEE Transactions on Information Theory 28; Arthur & Vassilvitskii (2007).

    >>> k_means(np.array([[0.0], [0.1], [0.2], [9.0]]), 2).labels.tolist()
    [0, 0, 0, 1]
    """
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(), threads.one():
        # Fewer different rows than groups: some groups stay empty.
        warnings.simplefilter("ignore", ConvergenceWarning)
        made = KMeans(k, n_init=starts, random_state=seed, tol=1e-3, max_iter=100).fit(z)
    centres = made.cluster_centers_
    sizes = np.bincount(made.labels_, minlength=k)
    order = np.lexsort([*centres.T, -sizes])
    place = np.empty(k, int)
    place[order] = np.arange(k)
    return Grouping(place[made.labels_], centres[order], float(made.inertia_))


def assigned(z, centres):
    """Return the nearest centre of every row, a block of rows at a time.

    >>> assigned(np.array([[0.0], [5.0]]), np.array([[4.0], [1.0]])).tolist()
    [1, 0]
    """
    out = np.empty(len(z), int)
    for at in range(0, len(z), 100_000):
        part = z[at : at + 100_000]
        out[at : at + 100_000] = (
            (centres**2).sum(axis=1) - 2 * part @ centres.T  # less the row's own square
        ).argmin(axis=1)
    return out


def rand(first, second) -> float:
    """Return the adjusted Rand index of two groupings of the same rows: 1 is the same, 0 chance.

    Source: Hubert & Arabie (1985), Journal of Classification 2.

    >>> rand([0, 0, 1, 1], [5, 5, 7, 7])
    1.0
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(first, second))


def jaccard(first, second, k):
    """Return for each of the first k groups how much of it the likest group of another grouping
    shares: the rows in both over the rows in either.

    Source: Hennig (2007), Computational Statistics & Data Analysis 52.

    >>> jaccard(np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0]), 2).round(3).tolist()
    [0.667, 0.5]
    """
    both = np.zeros((k, int(np.max(second)) + 1))
    np.add.at(both, (first, second), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    return (both / np.maximum(either, 1)).max(axis=1)


@dataclass(frozen=True, eq=False)
class Stability:
    """How far groups come back when rows are drawn anew.

    Attributes
    ----------
    rand : ndarray, shape (draws,)
        Adjusted Rand index of each draw's groups with those of all rows.
    jaccard : ndarray, shape (k,)
        Mean share of each group that comes back.
    """

    rand: np.ndarray
    jaccard: np.ndarray


def stability(z: np.ndarray, grouping: Grouping, *, draws: int = 100, seed: int = 1) -> Stability:
    """Tell how far the groups of rows come back in bootstrap samples of them.

    Parameters
    ----------
    z : ndarray, shape (n, p)
    grouping : Grouping
        Of the rows of `z`.
    draws, seed : int

    Returns
    -------
    Stability

    Source: Dolnicar & Leisch (2010), Marketing Letters 21; Hennig (2007).

    >>> z = np.repeat([[0.0], [9.0]], 20, axis=0) + np.linspace(0, 1, 40)[:, None]
    >>> stability(z, k_means(z, 2), draws=5).jaccard.tolist()
    [1.0, 1.0]
    """
    rng, n, k = np.random.default_rng(seed), len(z), len(grouping.centres)
    rands, shares = [], np.zeros(k)
    for draw in range(draws):
        again = k_means(z[rng.integers(0, n, n)], k, seed=seed + draw, starts=2)
        labels = assigned(z, again.centres)
        rands.append(rand(grouping.labels, labels))
        shares += jaccard(grouping.labels, labels, k)
    return Stability(np.array(rands), shares / draws)


@dataclass(frozen=True, eq=False)
class Numbers:
    """How stable every number of groups is, and which is taken.

    Attributes
    ----------
    groups : ndarray of int, shape (m,)
    rand : ndarray, shape (m,)
        Mean adjusted Rand index.
    taken : int
        The number whose groups come back best; of those that come back as well, the largest.
    """

    groups: np.ndarray
    rand: np.ndarray
    taken: int


def number(z: np.ndarray, most: int, *, draws: int = 20, seed: int = 1) -> Numbers:
    """Choose the number of groups by how far they come back.

    Parameters
    ----------
    z : ndarray, shape (n, p)
    most : int
        From 2 groups to this number.
    draws, seed : int

    Returns
    -------
    Numbers

    Source: as `stability`.

    >>> z = np.repeat([[0.0], [9.0], [30.0]], 20, axis=0) + np.linspace(0, 1, 60)[:, None]
    >>> number(z, 4, draws=5).taken
    3
    """
    groups = np.arange(2, most + 1)
    means = np.array(
        [stability(z, k_means(z, k, seed=seed), draws=draws, seed=seed).rand.mean() for k in groups]
    )
    return Numbers(groups, means, int(groups[means >= means.max() - NEARLY].max()))


def without_groups(z: np.ndarray, kind: str, rng: np.random.Generator):
    """Return a table like `z` in which there are no groups.

    Parameters
    ----------
    z : ndarray, shape (n, p)
    kind : str
        "permuted": every column in an order of its own, so that columns have nothing to do with
        one another; "cloud": one cloud (a Gaussian copula) whose columns hold the same values and
        hang together as much, by their ranks.
    rng : Generator

    Source: Hennig & Liao (2013), JRSS C 62, for one cloud that keeps what is known of the columns;
    the idea of the test: Liu and others (2008), JASA 103.

    >>> rng = np.random.default_rng(1)
    >>> sorted(without_groups(np.array([[1.0], [2.0]]), "permuted", rng).ravel().tolist())
    [1.0, 2.0]
    """
    if kind == "permuted":
        return rng.permuted(z, axis=0)
    from scipy import stats

    ranks = stats.rankdata(z, axis=0)
    scores = special.ndtri(ranks / (len(z) + 1))
    # Ties make a rank vary less; the scores' own covariance keeps how far columns hang together.
    _, size, turn = np.linalg.svd(scores, full_matrices=False)
    drawn = (rng.normal(size=(len(z), len(size))) * size) @ turn
    place = np.argsort(np.argsort(drawn, axis=0), axis=0)
    return np.take_along_axis(np.sort(z, axis=0), place, axis=0)


@dataclass(frozen=True, eq=False)
class Apart:
    """Whether rows are grouped more tightly than tables without groups.

    Attributes
    ----------
    p_value : float
        Share of the tables, the rows' own among them, that are grouped as tightly.
    tighter : float
        How many standard deviations of all tables the rows lie below their mean within-distance
        (logarithm), at the number of groups where that is most.
    """

    p_value: float
    tighter: float


def apart(z: np.ndarray, most: int, kind: str, *, tables: int = 39, seed: int = 1) -> Apart:
    """Compare how tightly rows can be grouped with tables that have no groups.

    Every number of groups from 2 to `most` is tried on all tables alike, and the best one counts,
    so that a table without groups passes as often as the level says.

    Parameters
    ----------
    z : ndarray, shape (n, p)
    most : int
    kind : as in `without_groups`
    tables, seed : int

    Returns
    -------
    Apart

    Source: Tibshirani, Walther & Hastie (2001), JRSS B 63, for the statistic; as `without_groups`.

    >>> z = np.repeat([[0.0, 0.0], [9.0, 9.0]], 20, axis=0) + np.linspace(0, 1, 40)[:, None]
    >>> apart(z, 3, "permuted", tables=19).p_value
    0.05
    """
    rng = np.random.default_rng(seed)
    every = [z, *(without_groups(z, kind, rng) for _ in range(tables))]
    groups = range(2, most + 1)
    within = np.array([[k_means(t, k, seed=seed, starts=3).within for k in groups] for t in every])
    total = np.array([((t - t.mean(axis=0)) ** 2).sum() for t in every])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(within / total[:, None], 1e-12))
        standing = (logs.mean(axis=0) - logs) / logs.std(axis=0)
    best = np.nan_to_num(standing, nan=-np.inf).max(axis=1)
    return Apart(float((best >= best[0]).mean()), float(best[0]))


def silhouette(z, labels):
    """Return the mean silhouette of rows in groups; missing for one group.

    Source: Rousseeuw (1987), Journal of Computational and Applied Mathematics 20.

    >>> round(silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), [0, 0, 1, 1]), 3)
    0.889
    """
    from sklearn.metrics import silhouette_score

    different = len(np.unique(labels))
    return float(silhouette_score(z, labels)) if 1 < different < len(z) else np.nan
