"""What lies behind items, from their correlations: one factor, several, and how to turn them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special

from workbench.stats import products


def correlations(x: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the correlations between items.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    weights : ndarray, shape (n,), optional
        How much every row counts; None: all the same.

    Returns
    -------
    ndarray, shape (k, k)

    >>> x = np.array([[1.0, 2], [2, 4], [3, 5]])
    >>> bool(np.isclose(correlations(x)[0, 1], np.corrcoef(x.T)[0, 1]))
    True
    """
    near = np.column_stack([np.ones(len(x)), x - np.average(x, axis=0, weights=weights)])
    own = near if weights is None else near * np.asarray(weights, float)[:, None]
    return products.correlations(products.covariances((own.T @ near)[None]))[0]


def one_factor(cov: np.ndarray, rounds: int = 300) -> tuple:
    """Return loadings and unique variances of one factor behind items (maximum likelihood), for
    many covariance matrices at once.

    Parameters
    ----------
    cov : ndarray, shape (b, k, k)
    rounds : int
        At most so many.

    Returns
    -------
    tuple of ndarray, shape (b, k)

    Source: Rubin & Thayer (1982), Psychometrika 47 (expectation and maximisation), run on
    correlations and scaled back.

    >>> load, unique = one_factor(np.array([[[1.0, 0.48, 0.4], [0.48, 1, 0.3], [0.4, 0.3, 1]]]))
    >>> load[0].round(3).tolist(), unique[0].round(3).tolist()
    ([0.8, 0.6, 0.5], [0.36, 0.64, 0.75])
    """
    sd = np.sqrt(np.maximum(np.einsum("bii->bi", cov), 0))
    r = products.correlations(cov)
    values, vectors = np.linalg.eigh(r)
    load = vectors[:, :, -1] * np.sqrt(np.maximum(values[:, -1:], 1e-9) * 0.8)
    load *= np.sign(load.sum(axis=1, keepdims=True))
    psi = np.clip(1 - load**2, 0.02, None)
    for _ in range(rounds):
        precision = load / psi
        spread = 1 / (1 + (load * precision).sum(axis=1))
        beta = precision * spread[:, None]
        cross = np.einsum("bij,bj->bi", r, beta)
        second = spread + np.einsum("bi,bi->b", beta, cross)
        new = cross / second[:, None]
        psi = np.clip(1 - new * cross, 0.005, None)
        if np.abs(new - load).max() < 1e-8:
            load = new
            break
        load = new
    return load * sd, psi * sd**2


def of_luck(n: int, k: int, draws: int, seed: int):
    """Return the eigenvalues of items that have nothing in common (draws × k), the largest first.

    Parameters
    ----------
    n, k : int
        Respondents and items.
    draws, seed : int

    Source: Horn (1965), Psychometrika 30.

    >>> of_luck(50, 3, 2, 1).sum(axis=1).round(9).tolist()
    [3.0, 3.0]
    """
    rng = np.random.default_rng(seed)
    return np.array(
        [
            np.sort(np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(n, k)).T)))[::-1]
            for _ in range(draws)
        ]
    )


def adequacy(r: np.ndarray):
    """Return the sampling adequacy of items: what they share beside what only pairs share.

    Parameters
    ----------
    r : ndarray, shape (k, k)
        Correlations.

    Source: Kaiser (1974), Psychometrika 39.

    >>> float(adequacy(np.array([[1.0, 0.5], [0.5, 1.0]])))
    0.5
    """
    inverse = np.linalg.inv(r)
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = ~np.eye(len(r), dtype=bool)
    return (r[off] ** 2).sum() / ((r[off] ** 2).sum() + (partial[off] ** 2).sum())


def varimax(load: np.ndarray, rounds: int = 500):
    """Return varimax-rotated loadings, rows normalised first as Kaiser did (and R and SPSS do).

    Two factors at a time, each pair turned to its own best angle, until none turns any more: turned
    all at once they can swing from one side of the best to the other.

    Parameters
    ----------
    load : ndarray, shape (k, m)
    rounds : int
        At most so many over all pairs.

    Source: Kaiser (1958), Psychometrika 23.

    >>> turn = np.array([[0.6, -0.8], [0.8, 0.6]])  # two clean factors, turned
    >>> clean = np.array([[0.9, 0], [0.8, 0], [0, 0.7], [0, 0.6]])
    >>> np.abs(varimax(clean @ turn)).max(axis=1).round(3).tolist()
    [0.9, 0.8, 0.7, 0.6]
    """
    h = np.sqrt((load**2).sum(axis=1, keepdims=True))
    a = load / np.maximum(h, 1e-12)
    for _ in range(rounds):
        most = 0.0
        for p, q in combinations(range(a.shape[1]), 2):
            u, v = a[:, p] ** 2 - a[:, q] ** 2, 2 * a[:, p] * a[:, q]
            up = 2 * (u @ v) - 2 * u.sum() * v.sum() / len(a)
            across = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / len(a)
            angle = np.arctan2(up, across) / 4
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            a[:, [p, q]] = a[:, [p, q]] @ turn
            most = max(most, abs(angle))
        if most < 1e-12:
            break
    return a * h


def promax(load: np.ndarray, power: int = 4) -> tuple:
    """Return promax-rotated loadings and the correlations of the factors.

    Parameters
    ----------
    load : ndarray, shape (k, m)
        Rotated by `varimax`.
    power : int

    Source: Hendrickson & White (1964), British Journal of Statistical Psychology 17.

    >>> load, together = promax(np.array([[0.8, 0.0], [0.0, 0.6]]))
    >>> load.round(3).tolist(), together.round(3).tolist()
    ([[0.8, 0.0], [0.0, 0.6]], [[1.0, 0.0], [0.0, 1.0]])
    """
    target = load * np.abs(load) ** (power - 1)
    u = np.linalg.lstsq(load, target, rcond=None)[0]
    u = u @ np.diag(np.sqrt(np.diag(np.linalg.inv(u.T @ u))))
    inverse = np.linalg.inv(u)
    return load @ u, inverse @ inverse.T


@dataclass(frozen=True, eq=False)
class Sphericity:
    """Whether items have anything in common: the sampling adequacy of all (`kmo`) and of each
    (`each`), Bartlett's chi-square `statistic`, its degrees of `freedom` and `p_value`.
    """

    kmo: float
    each: np.ndarray
    statistic: float
    freedom: int
    p_value: float


def sphericity(r: np.ndarray, n: int) -> Sphericity:
    """Return the sampling adequacy of items and Bartlett's test of no correlation at all.

    Parameters
    ----------
    r : ndarray, shape (k, k)
        Correlations.
    n : int
        Respondents.

    Returns
    -------
    Sphericity

    Source: Kaiser (1974), Psychometrika 39; Bartlett (1951), Biometrika 38.

    >>> made = sphericity(np.array([[1.0, 0.5], [0.5, 1.0]]), 100)
    >>> made.kmo, made.freedom, round(made.statistic, 2)
    (0.5, 1, 28.05)
    """
    r = np.asarray(r, float)
    k = len(r)
    inverse = np.linalg.inv(r)
    partial = -inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = ~np.eye(k, dtype=bool)
    own, others = ((v**2 * off).sum(axis=1) for v in (r, partial))
    statistic = float(-(n - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1])
    freedom = k * (k - 1) // 2
    p_value = float(special.chdtrc(freedom, statistic))
    return Sphericity(float(adequacy(r)), own / (own + others), statistic, freedom, p_value)


@dataclass(frozen=True)
class Sufficiency:
    """Whether so many factors are enough: chi-square `statistic`, degrees of `freedom`, `p_value`
    (missing where no degree of freedom is left).
    """

    statistic: float
    freedom: int
    p_value: float


def sufficiency(r: np.ndarray, load: np.ndarray, n: int) -> Sufficiency:
    """Test whether the factors of a maximum-likelihood fit are enough for the correlations.

    Parameters
    ----------
    r : ndarray, shape (k, k)
        Correlations.
    load : ndarray, shape (k, m)
        Loadings, unrotated or rotated at right angles.
    n : int
        Respondents.

    Returns
    -------
    Sufficiency

    Source: Lawley & Maxwell (1971), Factor Analysis as a Statistical Method, section 4.4, with
    Bartlett's correction.

    >>> load = np.array([[0.8], [0.7], [0.6], [0.5]])
    >>> r = load @ load.T
    >>> np.fill_diagonal(r, 1.0)
    >>> made = sufficiency(r, load, 200)
    >>> round(made.statistic, 9) + 0.0, made.freedom
    (0.0, 2)
    """
    r, load = np.asarray(r, float), np.asarray(load, float)
    k, m = load.shape
    implied = load @ load.T
    implied[np.diag_indices(k)] = 1.0
    apart = np.linalg.slogdet(implied)[1] - np.linalg.slogdet(r)[1]
    apart += np.trace(np.linalg.solve(implied, r)) - k
    statistic = float((n - 1 - (2 * k + 5) / 6 - 2 * m / 3) * apart)
    freedom = ((k - m) ** 2 - k - m) // 2
    p_value = float(special.chdtrc(freedom, statistic)) if freedom > 0 else np.nan
    return Sufficiency(statistic, freedom, p_value)
