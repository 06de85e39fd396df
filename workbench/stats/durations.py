"""Accelerated failure times of arrays: durations, some still open, stretched by covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats import existence
from workbench.stats.scaling import standardise

ROUNDS = 200
HALF_LOG_2PI = np.log(2 * np.pi) / 2


@dataclass(frozen=True, eq=False)
class Fit:
    """An accelerated-failure-time model at the top of its likelihood.

    Attributes
    ----------
    params : ndarray, shape (p + 1,), or (p,) for "exponential"
        Changes of the log time a unit, then the logarithm of the scale; missing where no finite
        estimate exists.
    cov : ndarray
        Inverse of the information, or summed over groups; missing where params are.
    loglik : float
        Of the durations, at the top or what it tends to.
    recession : existence.Recession
    exact : bool
        Whether the covariates meet every duration that ended: then nothing can be fitted.
    settled : bool
    """

    params: np.ndarray
    cov: np.ndarray
    loglik: float
    recession: existence.Recession
    exact: bool
    settled: bool


def stretch(
    x: np.ndarray,
    time: np.ndarray,
    ended: np.ndarray,
    family: str,
    *,
    groups: np.ndarray | None = None,
) -> Fit:
    """Fit an accelerated-failure-time model by maximum likelihood.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        The first column is the constant, 1.
    time : ndarray, shape (n,)
        Above 0.
    ended : ndarray, shape (n,)
        1 where the duration ended, 0 where it went on.
    family : str
        "weibull", "exponential", "log_logistic" or "log_normal".
    groups : ndarray of int, shape (n,), optional
        The sampling unit (0, 1, …): errors are then summed over it.

    Returns
    -------
    Fit

    Source: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, chapter 3;
    one top in weights over scale and one over scale Burridge (1981), JRSS B 43; errors White
    (1982), Econometrica 50.

    >>> made = stretch(np.ones((4, 1)), np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 1]),
    ...                "exponential")
    >>> round(float(np.exp(made.params[0])), 6)  # ten days, three of them ended
    3.333333
    """
    x, ended = np.asarray(x, float), np.asarray(ended, float)
    log = np.log(np.asarray(time, float))
    p = x.shape[1]
    free = family != "exponential"
    size = p + free
    scaled = standardise(x)
    asked = existence.of_stretch(scaled.z, log, ended)
    if free and existence.exact_fit(scaled.z, log, ended):
        gone = np.full(size, np.nan)
        return Fit(gone, np.full((size, size), np.nan), np.inf, asked, True, True)
    kept, room = asked.kept, existence.complement(asked.null)
    model = _Stretch(scaled.z[kept] @ room, log[kept], ended[kept], family)
    theta, settled = _climb(model)
    some = None if groups is None else np.unique(groups[kept], return_inverse=True)[1]
    back = np.zeros((size, room.shape[1] + free))
    back[:p, : room.shape[1]] = scaled.back @ room
    if free:
        back[-1, -1] = 1.0
    params, cov = back @ theta, back @ _covariance(model, theta, some) @ back.T
    finite = np.append(asked.finite(scaled.back), np.ones(int(free), bool))
    params[~finite] = np.nan
    cov[~finite], cov[:, ~finite] = np.nan, np.nan
    value = float(model.values(theta).sum())
    return Fit(params, cov, value, asked.turned(scaled.back), False, settled)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Log-likelihood of durations: design, logarithms, whether each ended, family."""

    z: np.ndarray
    log: np.ndarray
    ended: np.ndarray
    family: str

    @property
    def free(self):
        """Whether the scale is estimated."""
        return self.family != "exponential"

    def shape(self, u):
        """Return logarithms of density and survival at a standardised log time, by whether the
        duration ended, and their first and second derivatives.
        """
        ended = self.ended > 0
        with np.errstate(over="ignore"):
            if self.family in ("weibull", "exponential"):
                e = np.exp(np.minimum(u, 700))
                return np.where(ended, u, 0.0) - e, ended - e, -e
            if self.family == "log_logistic":
                p, soft = special.expit(u), np.logaddexp(0, u)
                return (
                    np.where(ended, u - 2 * soft, -soft),
                    np.where(ended, 1 - 2 * p, -p),
                    np.where(ended, -2.0, -1.0) * p * (1 - p),
                )
            tail = special.log_ndtr(-u)
            hazard = np.exp(np.minimum(-(u**2) / 2 - HALF_LOG_2PI - tail, 700))
            return (
                np.where(ended, -(u**2) / 2 - HALF_LOG_2PI, tail),
                np.where(ended, -u, -hazard),
                np.where(ended, -1.0, -hazard * (hazard - u)),
            )

    def split(self, theta):
        """Return the weights and the scale."""
        k = self.z.shape[1]
        return theta[:k], np.exp(theta[k]) if self.free else 1.0

    def values(self, theta):
        """Return every row's log-likelihood, in the unit of the durations."""
        b, sigma = self.split(theta)
        value, _, _ = self.shape((self.log - self.z @ b) / sigma)
        return value - self.ended * (np.log(sigma) + self.log)

    def slopes(self, theta):
        """Return every row's slope by weights and logarithm of the scale, and the second
        derivatives of their sum.
        """
        b, sigma = self.split(theta)
        u = (self.log - self.z @ b) / sigma
        _, first, second = self.shape(u)
        score = -self.z * (first / sigma)[:, None]
        curve = (self.z * (second / sigma**2)[:, None]).T @ self.z
        if not self.free:
            return score, curve
        mixed = ((second * u + first) / sigma) @ self.z
        own = float((second * u**2 + first * u).sum())
        score = np.column_stack([score, -first * u - self.ended])
        return score, np.block([[curve, mixed[:, None]], [mixed[None, :], np.array([[own]])]])


def _climb(model):
    """Return weights and logarithm of the scale at the top, and whether the search came to rest.

    In weights over scale and one over scale the likelihood is concave, so that Newton's steps with
    halving reach the top from anywhere.
    """
    z, k = model.z, model.z.shape[1]
    mean = float(model.log.mean())
    rows = np.column_stack([-z, model.log - mean]) if model.free else -z
    shift = np.zeros(len(z)) if model.free else model.log - mean
    ended = float(model.ended.sum())

    def value(at):
        tau = at[-1] if model.free else 1.0
        if not tau > 0:
            return -np.inf
        return float(model.shape(rows @ at + shift)[0].sum() + ended * np.log(tau))

    spread = max(float(model.log.std()), 1e-3)
    at = np.append(np.zeros(k), [1 / spread] * model.free)
    best, moved = value(at), np.inf
    for _ in range(ROUNDS):
        _, first, second = model.shape(rows @ at + shift)
        slope, curve = rows.T @ first, -(rows * second[:, None]).T @ rows
        if model.free:
            slope[-1] += ended / at[-1]
            curve[-1, -1] += ended / at[-1] ** 2
        step, sound = existence.newton(curve, slope)
        moved = float(np.abs(rows @ step).max(initial=0)) if sound else np.inf
        new = best
        for _ in range(60):
            new = value(at + step)
            if new >= best - 1e-12 * abs(best):
                break
            step = step / 2
        else:
            break
        at, best = at + step, new
        if moved < 1e-9:
            break
    theta = np.append(at[:k] / at[-1], -np.log(at[-1])) if model.free else at.copy()
    # The middle of the log times was taken out; the constant is the first column of the design.
    theta[:k] += mean * np.linalg.lstsq(z, np.ones(len(z)), rcond=None)[0]
    return theta, moved < 1e-6


def _covariance(model, theta, groups):
    score, curve = model.slopes(theta)
    bread = np.linalg.pinv(-curve, rcond=1e-14, hermitian=True)
    if groups is None:
        return bread
    g = int(groups.max()) + 1
    summed = np.column_stack([np.bincount(groups, column, g) for column in score.T])
    return bread @ (summed.T @ summed) @ bread * g / max(g - 1, 1)
