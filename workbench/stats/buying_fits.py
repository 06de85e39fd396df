"""Fits of the models of buying: maximum likelihood from several starts on scaled time, with what
came of the search.

Source: Fader, Hardie & Lee (2005), Marketing Science 24; Nocedal & Wright (2006), Numerical
Optimization.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats import likelihoods
from workbench.stats.buying_models import MODELS

# Logarithms of parameters stay within; beyond lies a model without that kind of difference.
BOUND = 11.0
# Standard error of a logarithm from which a parameter is not known to the order of magnitude.
LOOSE = 3.0
AWAY = 2.0  # distance from 0 from which the logarithm of a parameter follows another to its bound
STARTS = 4
SAMPLE = 3000  # rows above which the starts are tried on that many customers
TIGHT = 1e-6  # largest score a customer at which a fit counts as settled


@dataclass(frozen=True, eq=False)
class Histories:
    """What customers did, alike ones in one row.

    Attributes
    ----------
    x : ndarray, shape (n,)
        Repeat purchases.
    t : ndarray, shape (n,)
        Time of the last of them; of the gamma-gamma model the mean value of a purchase.
    age : ndarray, shape (n,)
        Time watched.
    z : Mapping of str to ndarray, shape (n, p)
        Standardised covariates of every process they shift ("orders", "leaving").
    weight : ndarray, shape (n,)
        How many customers every row stands for.
    """

    x: np.ndarray
    t: np.ndarray
    age: np.ndarray
    z: Mapping[str, np.ndarray]
    weight: np.ndarray

    def scaled(self, by: float) -> "Histories":
        """Return the same customers with times counted in units of `by`."""
        return Histories(self.x, self.t / by, self.age / by, self.z, self.weight)


@dataclass(frozen=True, eq=False)
class Search:
    """Where the search for the top of a likelihood came to rest.

    Attributes
    ----------
    theta : ndarray, shape (k + p,)
        Logarithms of the k parameters of the model, then the weights of covariates.
    cov : ndarray, shape (k + p, k + p)
        Of theta; missing where the data give no curvature.
    loglik : float
    gradient : float
        Largest absolute score a customer.
    agree : int
        How many of the starts reached the same top.
    edges : tuple of str
        Parameters that ran to their bound.
    """

    theta: np.ndarray
    cov: np.ndarray
    loglik: float
    gradient: float
    agree: int
    edges: tuple[str, ...]


@dataclass(frozen=True)
class Derived:
    """What follows from the parameters: its value, and its error on the scale where its interval
    stays where it can be.

    Attributes
    ----------
    estimate : float
    moved : float
        On that scale: the logit of a chance, the logarithm of a rate or of a value.
    std_error : float
        Of `moved`.
    """

    estimate: float
    moved: float
    std_error: float


def histories(
    x: np.ndarray,
    t: np.ndarray,
    age: np.ndarray,
    z: Mapping[str, np.ndarray],
    weight: np.ndarray,
) -> Histories:
    """Return customers, those that are alike as one row.

    Parameters
    ----------
    x, t, age : ndarray, shape (n,)
    z : Mapping of str to ndarray, shape (n, p)
    weight : ndarray, shape (n,)
        How many customers every row stands for.

    >>> ones = np.ones(3)
    >>> both = histories(np.array([1.0, 0, 1]), np.array([2.0, 0, 2]), 5 * ones, {}, ones)
    >>> both.x.tolist(), both.weight.tolist()
    ([0.0, 1.0], [1.0, 2.0])
    """
    wide = np.column_stack([*(np.asarray(v, float) for v in (x, t, age)), *z.values()])
    alike, place = np.unique(wide, axis=0, return_inverse=True)
    counted = np.bincount(place.ravel(), np.asarray(weight, float), len(alike))
    alike = np.asfortranarray(alike)  # columns lie whole: they are what is worked with
    ends = np.cumsum([3, *(v.shape[1] for v in z.values())])
    shifted = {process: alike[:, a:b] for process, a, b in zip(z, ends, ends[1:], strict=False)}
    return Histories(*alike[:, :3].T, shifted, counted)


def time_scale(kind: str, data: Histories) -> float:
    """Return what one unit inside stands for: the mean time watched, or the mean value of a
    purchase; 1 for models that count opportunities.

    >>> one = np.ones(2)
    >>> time_scale("bg_nbd", Histories(one, one, np.array([10.0, 30.0]), {}, one))
    20.0
    """
    if not MODELS[kind].timed:
        return 1.0
    values = data.t if kind == "gamma_gamma" else data.age
    return float(values @ data.weight / data.weight.sum())


def fit(kind: str, data: Histories, *, seed: int = 1) -> Search:
    """Fit a model of buying from several starts, with errors from the curvature at the top.

    Parameters
    ----------
    kind : str
        bg_nbd, mbg_nbd, pareto_nbd, bg_bb or gamma_gamma.
    data : Histories
        Time (or money) is put on one scale inside, so that its unit does not matter.
    seed : int
        Of the random starts, and of the sample on which they are tried where there are many rows.

    Returns
    -------
    Search

    Source: as the module.

    >>> rng = np.random.default_rng(1)
    >>> age = np.full(2000, 50.0)
    >>> x, t = MODELS["mbg_nbd"].draw((1.0, 10.0, 1.0, 3.0), age, rng)
    >>> found = fit("mbg_nbd", histories(x, t, age, {}, np.ones(2000)))
    >>> r, alpha, a, b = np.exp(found.theta)
    >>> bool(abs(r / alpha - 0.1) < 0.02), bool(abs(a / (a + b) - 0.25) < 0.05)
    (True, True)
    """
    model, scale = MODELS[kind], time_scale(kind, data)
    small = data.scaled(scale)
    k = len(model.names)
    theta, gradient, agree = _search(model, small, seed)
    cov, edges = _curvature(model, small, theta)
    theta[:k][np.isin(model.names, model.timed)] += np.log(scale)
    return Search(theta, cov, float(value(model, theta, data)[0]), gradient, agree, edges)


def quick(kind: str, data: Histories, *, seed: int = 1) -> Search:
    """Fit a model of buying without its errors, from one start and of many customers on a sample:
    for forecasts at past days, of which only the numbers are wanted.

    Parameters are those of `fit`; `cov` is missing.

    >>> rng, age = np.random.default_rng(1), np.full(2000, 50.0)
    >>> x, t = MODELS["mbg_nbd"].draw((1.0, 10.0, 1.0, 3.0), age, rng)
    >>> data = histories(x, t, age, {}, np.ones(2000))
    >>> np.allclose(quick("mbg_nbd", data).theta, fit("mbg_nbd", data).theta, atol=1e-4)
    True
    """
    model, scale = MODELS[kind], time_scale(kind, data)
    small = _some(data.scaled(scale), np.random.default_rng(seed), 2 * SAMPLE)
    k = len(model.names)
    begin = np.log(model.start(small.x, small.age))
    theta, top, gradient = _climb(model, small, begin, enough=1e-13)
    theta[:k][np.isin(model.names, model.timed)] += np.log(scale)
    return Search(theta, np.full((k, k), np.nan), top, gradient, 1, ())


def natural(model: object, theta: np.ndarray, z: Mapping[str, np.ndarray] | None) -> tuple:
    """Return a model's parameters: numbers, or a value a row where covariates shift them.

    >>> [round(float(v), 6) for v in natural(MODELS["gamma_gamma"], np.log([6.0, 4, 15]), None)]
    [6.0, 4.0, 15.0]
    """
    p = dict(zip(model.names, np.exp(theta[: len(model.names)]), strict=True))
    at = len(model.names)
    for process, values in (z or {}).items():
        name, sign = model.shifts[process]
        p[name] = p[name] * np.exp(sign * (values @ theta[at : at + values.shape[1]]))
        at += values.shape[1]
    return tuple(p[n] for n in model.names)


def value(model: object, theta: np.ndarray, data: Histories) -> tuple[float, np.ndarray]:
    """Return the log-likelihood and its gradient by logarithms of parameters and by covariates.

    >>> one = np.ones(1)
    >>> data = Histories(0 * one, 0 * one, 10 * one, {}, one)  # nothing bought in ten days
    >>> top, slopes = value(MODELS["bg_nbd"], np.log([1.0, 10, 1, 1]), data)
    >>> round(float(np.exp(top)), 6), slopes.shape  # (alpha / (alpha + age)) ** r
    (0.5, (4,))
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        p = natural(model, theta, data.z)
        each, slopes = model.loglik(p, data.x, data.t, data.age)
    by_log = {n: data.weight * d * v for n, d, v in zip(model.names, slopes, p, strict=True)}
    gradient = [d.sum() for d in by_log.values()]
    for process, values in data.z.items():
        name, sign = model.shifts[process]
        gradient += list(sign * (by_log[name] @ values))
    return data.weight @ each, np.array(gradient)


def derived(
    compute: Callable[[np.ndarray], float], theta: np.ndarray, cov: np.ndarray, *, chance: bool
) -> Derived:
    """Return what follows from the parameters, by the delta method.

    Parameters
    ----------
    compute : callable
        From theta (k) to a number.
    theta : ndarray, shape (k,)
    cov : ndarray, shape (k, k)
        Missing rows are of parameters that are not known; what hangs on them has no error.
    chance : bool
        Whether it lies between 0 and 1: then its error is that of its logit, else of its logarithm.

    Source: Oehlert (1992), The American Statistician 46.

    >>> found = derived(lambda w: np.exp(w[0]), np.zeros(1), np.array([[0.04]]), chance=False)
    >>> round(found.estimate, 6), round(found.std_error, 6)
    (1.0, 0.2)
    """
    there, top, step = special.logit if chance else np.log, float(compute(theta)), 1e-5
    slope = np.array(
        [
            (there(compute(theta + step * e)) - there(compute(theta - step * e))) / (2 * step)
            for e in np.eye(len(theta))
        ]
    )
    known = np.isfinite(np.diag(cov)) | (np.abs(slope) < 1e-12)
    error = np.nan
    if known.all():
        error = float(np.sqrt(max(slope @ np.where(np.isfinite(cov), cov, 0.0) @ slope, 0)))
    return Derived(top, float(there(top)), error)


def _some(data, rng, most):
    """Return so many customers drawn at random, where there are more rows."""
    if len(data.weight) <= most:
        return data
    drawn = rng.multinomial(most, data.weight / data.weight.sum()).astype(float)
    keep = drawn > 0
    shifted = {process: v[keep] for process, v in data.z.items()}
    return Histories(data.x[keep], data.t[keep], data.age[keep], shifted, drawn[keep])


def _search(model, data, seed):
    """Return theta at the top, the largest score a customer, and how many starts agree."""
    rng, k = np.random.default_rng(seed), len(model.names)
    more = np.zeros(sum(v.shape[1] for v in data.z.values()))
    begin = np.concatenate([np.log(model.start(data.x, data.age)), more])
    # Starts are tried on a sample where there are many rows; the best goes on with all.
    some = _some(data, rng, SAMPLE)
    away = rng.normal(0, 0.7, (STARTS, k))
    away[0] = 0
    runs = [_climb(model, some, begin + np.append(step, more)) for step in away]
    theta, top, gradient = max(runs, key=lambda r: r[1])
    agree = sum(abs(r[1] - top) < 1e-5 * max(abs(top), 1) for r in runs)
    if some is not data:
        theta, _, gradient = _climb(model, data, theta)
    return theta, gradient, agree


def _climb(model, data, begin, enough=1e-10):
    """Return theta at the top from one start, its log-likelihood, and the largest score a
    customer.
    """
    from scipy import optimize

    n, k = data.weight.sum(), len(model.names)
    far = np.append(np.full(k, BOUND), np.full(len(begin) - k, 6.0))

    def loss(theta):
        top, gradient = value(model, theta, data)
        if np.isfinite(top) and np.isfinite(gradient).all():
            return -top / n, -gradient / n
        return 1e10, np.zeros(len(theta))

    found = optimize.minimize(
        loss,
        np.clip(begin, -far, far),
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([-far, far]),
        options={"maxiter": 400, "ftol": 1e-13, "gtol": 1e-8},
    )
    return _newton(model, data, found.x, enough)


def _newton(model, data, begin, enough):
    """Return what `_climb` does, by Newton's steps alone; parameters at the bound stay there."""
    n, free, theta = data.weight.sum(), _free(begin), np.array(begin, float)

    def score(some):
        theta[free] = some
        return value(model, theta, data)[1][free] / n

    best, left = likelihoods.polish(score, theta[free].copy(), enough=enough)
    theta[free] = best
    return theta, value(model, theta, data)[0], left


def _free(theta):
    return np.abs(theta) < BOUND - 0.5


def _curvature(model, data, theta):
    """Return the covariance at the top, and the parameters that ran away: to the bound, or so far
    that the curvature hardly holds them.
    """
    k = len(model.names)
    cov = np.full((len(theta), len(theta)), np.nan)
    inside = np.append(_free(theta[:k]), np.ones(len(theta) - k, bool))
    try:
        curvature = -likelihoods.slope(lambda q: value(model, q, data)[1], theta)
        inverse = np.linalg.inv(curvature[np.ix_(inside, inside)])
        if (np.diag(inverse) > 0).all():
            cov[np.ix_(inside, inside)] = inverse
    except np.linalg.LinAlgError:
        pass  # no curvature, no errors: they are missing
    loose = np.nan_to_num(np.diag(cov)) > LOOSE**2
    edges = [n for n, held, far in zip(model.names, inside, loose, strict=False) if far or not held]
    together = [p for p in model.pairs if set(p) & set(edges) and _same_end(model, theta, p)]
    if together:
        cov = _of_ratios(model, data, theta, together, edges)
    # Where a ratio is all that is known, neither of its parts is.
    gone = set(edges).union(*together)
    return cov, tuple(n for n in model.names if n in gone)


def _same_end(model, theta, pair):
    """Say whether both parameters of a pair ran the same way, so that their ratio may be known."""
    one, two = (theta[model.names.index(name)] for name in pair)
    return np.sign(one) == np.sign(two) and min(abs(one), abs(two)) > AWAY


def _of_ratios(model, data, theta, pairs, edges):
    """Return the covariance where pairs of parameters ran away together: how much customers differ
    cannot be told, the ratio of a pair can, and so can the others; what ran away alone is held.
    """
    size, turn = len(theta), np.eye(len(theta))
    second = [model.names.index(name) for _, name in pairs]
    alone = [model.names.index(n) for n in edges if not any(n in pair for pair in pairs)]
    for one, two in pairs:
        i, j = model.names.index(one), model.names.index(two)
        turn[i, i], turn[j, i] = 0.5, -0.5
    turn = turn[:, [k for k in range(size) if k not in (*second, *alone)]]

    def gradient(moved):
        return turn.T @ value(model, theta + turn @ moved, data)[1]

    curvature = -likelihoods.slope(gradient, np.zeros(turn.shape[1]))
    cov = np.full((size, size), np.nan)
    try:
        inverse = np.linalg.inv(curvature)
    except np.linalg.LinAlgError:
        return cov
    if (np.diag(inverse) > 0).all():
        cov = turn @ inverse @ turn.T
        cov[alone], cov[:, alone] = np.nan, np.nan
    return cov
