"""Ordered logit of arrays (proportional odds), searched on standardised columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats import existence
from workbench.stats.likelihoods import climb, sum_by_group
from workbench.stats.penalised import Parts
from workbench.stats.regressions import Fit
from workbench.stats.scaling import standardise


def ordered_logit(
    x: np.ndarray,
    y: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Fit:
    """Fit an ordered logit by maximum likelihood, on columns in which search and curvature are
    sound.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Without a constant.
    y : ndarray, shape (n,)
        Grades.
    groups : ndarray of int, shape (n,), optional
        The sampling unit of each row (0, 1, …): errors are robust, summed over it.
    weights : ndarray, shape (n,), optional
        How many rows each stands for.

    Returns
    -------
    regressions.Fit
        Weights, then the first threshold and the logarithms of the steps to the others; all missing
        where no finite estimate exists.

    Source: McCullagh (1980), JRSS B 42; with weights of a survey Binder (1983), International
    Statistical Review 51.

    >>> x = np.array([[0.0], [0], [0], [1], [1], [1]])
    >>> made = ordered_logit(x, np.array([1, 1, 2, 1, 2, 2]), groups=np.arange(6))
    >>> round(float(np.exp(made.params[0])), 3)  # odds of 1 to 2, and of 2 to 1
    4.0
    """
    x = np.asarray(x, float)
    n, p = x.shape
    grade = np.unique(np.asarray(y), return_inverse=True)[1]
    scaled, size = standardise(x, constant=False), p + int(grade.max())
    asked = existence.of_ordered(scaled.z, grade)
    if not asked.exists:
        params = np.where(np.append(asked.finite()[:p], np.ones(size - p, bool)), 0.0, np.nan)
        return Fit(params, np.full((size, size), np.nan), np.nan, None, asked, True)
    model = _Ordered(scaled.z, grade, np.ones(n) if weights is None else np.asarray(weights, float))
    top = climb(
        model.parts, model.begin(), model.rows(), noise=lambda b: np.zeros(size), value=model.value
    )
    cov = _covariance(model, top.params, groups)
    turn = _steps(top.params[p:])
    back = np.eye(size)
    back[:p, :p] = scaled.back
    # The first threshold moves with the level; the others are steps from it.
    back[p, :p] = x.mean(axis=0) @ scaled.back
    whole = back @ np.block([[np.eye(p), np.zeros((p, size - p))], [np.zeros((size - p, p)), turn]])
    cuts = top.params[p:]
    params = back @ np.concatenate([top.params[:p], cuts[:1], np.log(np.diff(cuts))])
    settled = bool(top.settled and np.isfinite(cov).all())
    return Fit(params, whole @ cov @ whole.T, model.value(top.params), None, asked, settled)


def _steps(cuts):
    """Return how the first threshold and the logarithms of steps move with the thresholds."""
    turn = np.eye(len(cuts))
    for k, step in enumerate(np.diff(cuts), start=1):
        turn[k, k - 1 : k + 1] = -1 / step, 1 / step
    return turn


def _covariance(model, b, groups):
    """Return the covariance: of the information, or robust over the groups, with the correction of
    `regressions.logit` where they have several rows.
    """
    slopes, information = model.slopes(b)
    bread = np.linalg.pinv(information, rcond=1e-14, hermitian=True)
    if groups is None:
        return bread
    n, g, k = model.weights.sum(), int(groups.max()) + 1, len(b)
    if g == len(slopes):
        return bread @ (slopes.T @ slopes) @ bread
    summed = sum_by_group(slopes, groups, g)
    return bread @ (summed.T @ summed) @ bread * g / max(g - 1, 1) * (n - 1) / max(n - k, 1)


@dataclass(frozen=True, eq=False)
class _Ordered:
    """Log-likelihood of an ordered logit, by weights and thresholds: concave in both."""

    z: np.ndarray
    grade: np.ndarray
    weights: np.ndarray

    def begin(self):
        """Return no weights, and the thresholds of the shares of the grades."""
        share = np.bincount(self.grade, self.weights) / self.weights.sum()
        return np.append(np.zeros(self.z.shape[1]), special.logit(np.cumsum(share)[:-1]))

    def rows(self):
        """Return what each row's two limits are of weights and thresholds, below and above."""
        cuts = np.eye(int(self.grade.max()))
        below, above = self.grade < self.grade.max(), self.grade > 0
        return np.concatenate(
            [
                np.column_stack([-self.z[below], cuts[self.grade[below]]]),
                np.column_stack([-self.z[above], cuts[self.grade[above] - 1]]),
            ]
        )

    def _chances(self, b):
        """Return how likely each grade is, and how likely one no higher and one lower."""
        p = self.z.shape[1]
        edges = np.concatenate([[-np.inf], b[p:], [np.inf]])
        eta = self.z @ b[:p]
        high, low = edges[self.grade + 1] - eta, edges[self.grade] - eta
        # From the side on which both lie: the digits of a small chance are kept.
        side = np.where(low > 0, -1.0, 1.0)
        chance = side * (special.expit(side * high) - special.expit(side * low))
        return chance, special.expit(high), special.expit(low)

    def value(self, b):
        if (np.diff(b[self.z.shape[1] :]) <= 0).any():
            return -np.inf
        with np.errstate(divide="ignore"):
            return float(self.weights @ np.log(self._chances(b)[0]))

    def slopes(self, b):
        """Return every row's slope and the information."""
        size = int(self.grade.max())
        chance, high, low = self._chances(b)
        chance = np.maximum(chance, 1e-300)
        up, down = high * (1 - high), low * (1 - low)
        cuts = np.eye(size + 2)[:, 1:-1]  # no threshold below the first grade or above the last
        upper, lower = cuts[self.grade + 1], cuts[self.grade]
        of_cuts = (upper * up[:, None] - lower * down[:, None]) / chance[:, None]
        score = np.column_stack([self.z * (high + low - 1)[:, None], of_cuts])
        w = self.weights
        within = -(upper * (w * up * (1 - 2 * high) / chance)[:, None]).T @ upper
        within += (lower * (w * down * (1 - 2 * low) / chance)[:, None]).T @ lower
        within += (of_cuts * w[:, None]).T @ of_cuts
        across = -(self.z * w[:, None]).T @ (upper * up[:, None] + lower * down[:, None])
        own = (self.z * (w * (up + down))[:, None]).T @ self.z
        return score * w[:, None], np.block([[own, across], [across.T, within]])

    def parts(self, b):
        score, information = self.slopes(b)
        return Parts(self.value(b), score.sum(axis=0), information)
