"""Logit, probit and Poisson regressions of arrays: maximum likelihood where it exists, the weights
that stay finite where it does not, and Firth's penalised logit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats import existence, penalised
from workbench.stats.likelihoods import climb
from workbench.stats.scaling import standardise


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression at the top of its likelihood.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Missing where no finite estimate exists.
    cov : ndarray, shape (p, p)
        Inverse of the information, or summed over groups; missing where params are.
    loglik : float
        At the top, or what it tends to.
    fitted : ndarray, shape (n,)
        Chances, or rates.
    recession : existence.Recession
        What the data say about the existence of the estimate.
    settled : bool
        Whether the search came to rest.
    low, high, p_value : ndarray, shape (p,), optional
        Of a penalised fit: limits and tests from its profile.
    classical : ndarray, shape (p, p), optional
        Inverse of the information, whatever `cov` is.
    """

    params: np.ndarray
    cov: np.ndarray
    loglik: float
    fitted: np.ndarray
    recession: existence.Recession
    settled: bool
    low: np.ndarray = None
    high: np.ndarray = None
    p_value: np.ndarray = None
    classical: np.ndarray = None

    @property
    def bse(self):
        """The standard errors."""
        return np.sqrt(np.diag(self.cov))


def logit(
    x: np.ndarray,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Fit:
    """Fit a logit by maximum likelihood.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        The first column is the constant, 1.
    y : ndarray, shape (n,)
        0 or 1.
    groups : ndarray of int, shape (n,), optional
        The sampling unit of each row (0, 1, …): errors are robust, summed over it. None: from the
        information alone.
    weights : ndarray, shape (n,), optional
        How many rows each stands for.

    Returns
    -------
    Fit

    Source: Albert & Anderson (1984), Biometrika 71; robust errors Liang & Zeger (1986), Biometrika
    73, with the correction g / (g − 1) · (n − 1) / (n − p) where units have several rows.

    >>> x = np.array([[1.0, 0]] * 4 + [[1, 1]] * 4)
    >>> made = logit(x, np.array([0, 0, 0, 1, 0, 1, 1, 1]))
    >>> np.exp(made.params).round(6).tolist()  # odds of 1 to 3, and nine times as high
    [0.333333, 9.0]
    """
    return _fit(_Logit, existence.of_logit, x, y, groups, weights)


def probit(x, y, *, groups=None, weights=None):
    """Fit a probit by maximum likelihood; parameters and what it returns are those of `logit`.

    Source: Greene (2012), Econometric Analysis, section 17.3; separation and errors as `logit`.

    >>> x = np.array([[1.0, 0]] * 4 + [[1, 1]] * 4)
    >>> made = probit(x, np.array([0, 0, 0, 1, 0, 1, 1, 1]))
    >>> special.ndtr([made.params[0], made.params.sum()]).round(6).tolist()
    [0.25, 0.75]
    """
    return _fit(_Probit, existence.of_logit, x, y, groups, weights)


def poisson(x, y, *, groups=None, weights=None):
    """Fit a Poisson regression (log link) by maximum likelihood; parameters and what it returns are
    those of `logit`, with counts or amounts of 0 or more as outcome.

    Source: McCullagh & Nelder (1989), Generalized Linear Models, chapter 6; amounts Santos Silva &
    Tenreyro (2006), Review of Economics and Statistics 88; errors as `logit`.

    >>> x = np.array([[1.0, 0], [1, 0], [1, 1], [1, 1]])
    >>> np.exp(poisson(x, np.array([1, 3, 4, 8])).params).round(6).tolist()
    [2.0, 3.0]
    """
    return _fit(_Poisson, existence.of_log_link, x, y, groups, weights)


def firth_logit(x: np.ndarray, y: np.ndarray, *, conf_level: float = 0.95) -> Fit:
    """Fit Firth's penalised logit: it exists for every sample.

    Parameters
    ----------
    x, y : as in `logit`
    conf_level : float
        Of the profile limits, given for all columns but the constant.

    Returns
    -------
    Fit

    Source: Firth (1993), Biometrika 80; Heinze & Schemper (2002), Statistics in Medicine 21.

    >>> x = np.array([[1.0, 0]] * 4 + [[1, 1]] * 4)  # one of four against all of four
    >>> made = firth_logit(x, np.array([0, 0, 0, 1, 1, 1, 1, 1]))
    >>> round(float(np.exp(made.params[1])), 6) == round(4.5 * 3.5 / (0.5 * 1.5), 6)
    True
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    scaled = standardise(x)
    model = _Logit(scaled.z, y, np.ones(len(y)))

    def parts(b):
        value, score, information = model.parts(b)
        chance = model.rate(b)
        curve = chance * (1 - chance)
        leverage = np.einsum("np,pq,nq->n", model.z, np.linalg.pinv(information), model.z) * curve
        slope = (leverage * (0.5 - chance)) @ model.z
        return penalised.Parts(value, score.sum(axis=0), information, slope)

    top = penalised.firth(parts, x.shape[1])
    low, high, p_value = np.full((3, x.shape[1]), np.nan)
    for k in range(1, x.shape[1]):
        low[k], high[k], p_value[k] = penalised.profile(parts, top, scaled.back[k], conf_level)
    return Fit(
        scaled.back @ top.params,
        scaled.back @ top.cov @ scaled.back.T,
        top.value,
        special.expit(scaled.z @ top.params),
        existence.Recession.absent(*x.shape),
        top.settled,
        low,
        high,
        p_value,
    )


@dataclass(frozen=True, eq=False)
class _Logit:
    """Log-likelihood of a logit: design, outcomes, how many rows each stands for."""

    z: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    sure = True  # whether the search itself can prove that the top exists

    def begin(self):
        return special.logit(np.clip(np.average(self.y, weights=self.weights), 1e-9, 1 - 1e-9))

    def rate(self, b):
        return special.expit(self.z @ b)

    def value(self, b):
        eta = self.z @ b
        return float(self.weights @ (self.y * eta - np.logaddexp(0, eta)))

    def parts(self, b):
        """Return the value, every row's slope and the information."""
        rate = self.rate(b)
        curve = self.weights * rate * (1 - rate)
        score = self.z * (self.weights * (self.y - rate))[:, None]
        return self.value(b), score, (self.z * curve[:, None]).T @ self.z


@dataclass(frozen=True, eq=False)
class _Probit(_Logit):
    """Log-likelihood of a probit."""

    sure = False

    def begin(self):
        return special.ndtri(np.clip(np.average(self.y, weights=self.weights), 1e-9, 1 - 1e-9))

    def rate(self, b):
        return special.ndtr(self.z @ b)

    def value(self, b):
        side = np.where(self.y > 0.5, 1.0, -1.0)
        return float(self.weights @ special.log_ndtr(side * (self.z @ b)))

    def parts(self, b):
        """Return the value, every row's slope and the information."""
        side = np.where(self.y > 0.5, 1.0, -1.0)
        eta = side * (self.z @ b)
        pull = np.exp(-(eta**2) / 2 - np.log(2 * np.pi) / 2 - special.log_ndtr(eta))
        curve = self.weights * pull * (pull + eta)
        score = self.z * (self.weights * side * pull)[:, None]
        return self.value(b), score, (self.z * curve[:, None]).T @ self.z


@dataclass(frozen=True, eq=False)
class _Poisson(_Logit):
    """Log-likelihood of a Poisson regression."""

    sure = True

    def begin(self):
        return np.log(max(np.average(self.y, weights=self.weights), 1e-300))

    def rate(self, b):
        return np.exp(np.minimum(self.z @ b, 700))

    def value(self, b):
        kept = special.xlogy(self.y, 1) - special.gammaln(self.y + 1)
        return float(self.weights @ (self.y * (self.z @ b) - self.rate(b) + kept))

    def parts(self, b):
        """Return the value, every row's slope and the information."""
        rate = self.rate(b)
        score = self.z * (self.weights * (self.y - rate))[:, None]
        return self.value(b), score, (self.z * (self.weights * rate)[:, None]).T @ self.z


def _fit(model, ask, x, y, groups, weights):
    """Return the Fit of a model; where the data say that none exists, of what stays finite."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    n, p = x.shape
    weights = np.ones(n) if weights is None else np.asarray(weights, float)
    scaled = standardise(x)
    here = model(scaled.z, y, weights)
    top = _climb(here, np.concatenate([[here.begin()], np.zeros(p - 1)]))
    inner = top.params
    known = top.proven and here.sure
    asked = existence.Recession.absent(n, p) if known else ask(scaled.z, y)
    if asked.exists:
        cov = _covariance(here, inner, groups, weights.sum())
        cov = scaled.back @ cov @ scaled.back.T
        plain = scaled.back @ _covariance(here, inner, None, 0) @ scaled.back.T
        fitted, value = here.rate(inner), here.value(inner)
        return Fit(scaled.back @ inner, cov, value, fitted, asked, top.settled, classical=plain)
    kept, finite = asked.kept, asked.finite(scaled.back)
    params, cov, fitted = np.full(p, np.nan), np.full((p, p), np.nan), y.copy()
    room = existence.complement(asked.null)
    value, settled = 0.0, True
    if kept.any() and room.shape[1]:
        less = model(scaled.z[kept] @ room, y[kept], weights[kept])
        top = _climb(less, np.zeros(room.shape[1]))
        part, settled = top.params, top.settled
        some = None if groups is None else np.unique(groups[kept], return_inverse=True)[1]
        turned = scaled.back @ room
        around = turned @ _covariance(less, part, some, weights.sum()) @ turned.T
        params[finite] = (turned @ part)[finite]
        cov[np.ix_(finite, finite)] = around[np.ix_(finite, finite)]
        fitted[kept], value = less.rate(part), less.value(part)
    return Fit(params, cov, value, fitted, asked.turned(scaled.back), settled)


def _climb(model, b):
    """Return the top of a likelihood."""

    def parts(b):
        value, score, information = model.parts(b)
        return penalised.Parts(value, score.sum(axis=0), information)

    def noise(b):
        return np.finfo(float).eps * np.abs(model.parts(b)[1]).sum(axis=0)

    return climb(parts, b, model.z, noise=noise, value=model.value)


def _covariance(model, b, groups, n):
    """Return the covariance of weights: from the information, or robust where groups are given."""
    _, score, information = model.parts(b)
    bread = np.linalg.pinv(information, rcond=1e-14, hermitian=True)
    if groups is None:
        return bread
    g, k = int(groups.max()) + 1, len(b)
    if g == len(score):
        return bread @ (score.T @ score) @ bread
    summed = np.column_stack([np.bincount(groups, column, g) for column in score.T])
    return bread @ (summed.T @ summed) @ bread * g / max(g - 1, 1) * (n - 1) / max(n - k, 1)
