"""The nested logit of arrays: alternatives of one nest share what the model does not see.

Source: McFadden (1978), in Karlqvist et al. (eds.), Spatial Interaction Theory and Planning Models;
Train (2009), Discrete Choice Methods with Simulation, chapter 4. Weights are those of utility
itself (not divided by lambda), as in Greene, Econometric Analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats.choices import Offers, centred, probabilities
from workbench.stats.likelihoods import (
    newton_refine,
    numerical_jacobian,
    sandwich,
    sum_by_group,
    unidentified,
)

SMALLEST, LARGEST = 0.02, 20.0  # where a lambda is taken to have run to 0, or away


@dataclass(frozen=True, eq=False)
class NestedLogit:
    """A nested logit at the top of its likelihood.

    Attributes
    ----------
    params : ndarray, shape (p + q,)
        Weights, then the lambdas that are estimated. All are missing where a lambda has none: the
        weights of attributes run to 0, or away, with it.
    cov : ndarray, shape (p + q, p + q)
        Summed over groups; missing where params are.
    place : ndarray of int, shape (nests,)
        Of each nest's lambda in `params`; −1: it is 1, since no choice offers two of the nest.
    running : ndarray of bool, shape (p + q,)
        Lambdas that run to a border, where no estimate exists.
    untold : ndarray of bool, shape (p + q,)
        Weights and lambdas that the data do not tell apart.
    loglik : float
    gradient : float
        Largest absolute slope left.
    steps : int
    settled : bool
    classical : ndarray, shape (p + q, p + q), optional
        Inverse of the information; missing where `cov` is.
    """

    params: np.ndarray
    cov: np.ndarray
    place: np.ndarray
    running: np.ndarray
    untold: np.ndarray
    loglik: float
    gradient: float
    steps: int
    settled: bool
    classical: np.ndarray = None


def nested_chances(
    v: np.ndarray, available: np.ndarray, nests: np.ndarray, lam: np.ndarray
) -> tuple:
    """Return chances, chances within the nest, logarithm of the sum within each nest and chances of
    the nests.

    Parameters
    ----------
    v : ndarray, shape (n, j)
    available : ndarray of bool, shape (n, j)
    nests : ndarray of int, shape (j,)
        The nest of each alternative.
    lam : ndarray, shape (nests,)

    >>> two = nested_chances(np.zeros((1, 3)), np.ones((1, 3), bool), np.array([0, 0, 1]),
    ...                      np.array([1e-3, 1.0]))[0]
    >>> two.round(2).tolist()  # two of a kind share what one of them would have
    [[0.25, 0.25, 0.5]]
    """
    n, m = len(v), len(lam)
    scaled = np.where(available, v / lam[nests], -np.inf)
    top = np.full((n, m), -np.inf)
    for k in range(m):
        top[:, k] = scaled[:, nests == k].max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        safe = np.where(np.isfinite(top), top, 0.0)
        e = np.exp(scaled - safe[:, nests])
        total = np.stack([e[:, nests == k].sum(axis=1) for k in range(m)], axis=1)
        inclusive = np.where(total > 0, safe + np.log(total), -np.inf)
        within = np.where(total[:, nests] > 0, e / total[:, nests], 0.0)
        nest = probabilities(
            np.where(np.isfinite(inclusive), lam * inclusive, -np.inf), np.isfinite(inclusive)
        )
    return within * nest[:, nests], within, inclusive, nest


def nested_logit(
    offers,
    nests: np.ndarray,
    groups: np.ndarray,
    start: np.ndarray,
    *,
    common: bool = False,
    weights: np.ndarray | None = None,
) -> NestedLogit:
    """Fit a nested logit by maximum likelihood, from two places.

    Parameters
    ----------
    offers : choices.Offers
    nests : ndarray of int, shape (j,)
        The nest of each alternative (0, 1, …).
    groups : ndarray of int, shape (n,)
        The sampling unit of each choice.
    start : ndarray, shape (p,)
        Weights of a conditional logit.
    common : bool
        One lambda for all nests.
    weights : ndarray, shape (n,), optional
        Of each choice, where they were sampled by what was chosen.

    Returns
    -------
    NestedLogit

    Source: as the module; errors Liang & Zeger (1986), Biometrika 73; weights Manski & Lerman
    (1977), Econometrica 45.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(400, 3, 1))
    >>> nests, here = np.array([0, 0, 1]), np.ones((400, 3), bool)
    >>> chances = nested_chances(x[:, :, 0], here, nests, np.array([0.5, 1.0]))[0]
    >>> pick = (rng.random((400, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    >>> made = nested_logit(Offers(x, here, pick), nests, np.arange(400), np.array([0.7]))
    >>> made.settled, bool(0.2 < made.params[1] < 1)
    (True, True)
    """
    from scipy import optimize

    k = offers.x.shape[2]
    near = centred(offers)
    # Steps are taken on one scale, so that a price in cents is as easy as one in euros.
    unit = 1 / np.maximum(np.sqrt((near.x**2).mean(axis=(0, 1))), 1e-300)
    offers = Offers(near.x * unit, near.available, near.chosen)
    place = _places(offers, nests, k, common)
    weights = np.ones(len(offers.chosen)) if weights is None else weights
    model = _Nested(offers, nests, place, weights, k, k + len(set(place[place >= 0].tolist())))
    free, best = model.count - k, None
    for lam in (1.0, 0.6):
        found = optimize.minimize(
            model.loss,
            np.append(start / unit * lam, np.full(free, lam)),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None)] * k + [(SMALLEST, LARGEST)] * free,
            options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-7},
        )
        best = found if best is None or found.fun < best.fun else best
    params, left, running = best.x, 0.0, _at_border(best.x, k)
    if not running.any():
        params, left = newton_refine(lambda q: -model.loss(q)[1], best.x)
        running = _at_border(params, k)
    settled = left <= 1e-3 * max(len(offers.chosen), 1) ** 0.5
    value, score = model.by_choice(params)
    cov, untold = np.full((model.count, model.count), np.nan), np.zeros(model.count, bool)
    classical = cov.copy()
    if settled and not running.any():
        information = -numerical_jacobian(lambda q: -model.loss(q)[1], params)
        untold = unidentified(information)
        if not untold.any():
            cov = sandwich(information, sum_by_group(score, groups, int(groups.max()) + 1))
            classical = np.linalg.inv(information)
    back = np.append(unit, np.ones(free))
    params, cov = params * back, cov * np.outer(back, back)
    if running.any() or untold.any():
        params = np.full(model.count, np.nan)
    return NestedLogit(
        params,
        cov,
        place,
        running,
        untold,
        float(value.sum()),
        left,
        int(best.nit),
        bool(settled or running.any()),
        classical * np.outer(back, back),
    )


def _at_border(params, k):
    """Return which lambdas, after k weights, stand at the border of the search."""
    out = np.zeros(len(params), bool)
    out[k:] = (params[k:] <= SMALLEST * 1.01) | (params[k:] >= LARGEST * 0.995)
    return out


def _places(offers, nests, k, common):
    """Return the place of each nest's lambda, −1 where no choice offers two of the nest."""
    several = np.array(
        [
            (offers.available[:, nests == m].sum(axis=1) > 1).any()
            for m in range(int(nests.max()) + 1)
        ]
    )
    place = np.full(len(several), -1)
    place[several] = k if common else k + np.arange(several.sum())
    return place


@dataclass(frozen=True, eq=False)
class _Nested:
    """The likelihood of a nested logit: value and score of every choice."""

    offers: Offers
    nests: np.ndarray
    place: np.ndarray
    weights: np.ndarray
    k: int
    count: int

    def by_choice(self, params):
        """Return value and score of every choice."""
        offers, number, k = self.offers, self.nests, self.k
        lam = np.where(self.place < 0, 1.0, np.append(params, 1.0)[self.place])
        v, rows = offers.x @ params[:k], np.arange(len(offers.chosen))
        p, within, inclusive, nest = nested_chances(v, offers.available, number, lam)
        mine = number[offers.chosen]
        with np.errstate(divide="ignore"):
            value = np.log(p[rows, offers.chosen])
        pull = -p + np.where(
            number[None, :] == mine[:, None], (lam[number] - 1) / lam[number] * within, 0.0
        )
        pull[rows, offers.chosen] += 1 / lam[mine]
        score = np.zeros((len(v), self.count))
        score[:, :k] = np.einsum("nj,njp->np", pull, offers.x)
        safe = np.where(np.isfinite(inclusive), inclusive, 0.0)
        for m in np.flatnonzero(self.place >= 0):
            mean = (within * np.where(number == m, v, 0.0)).sum(axis=1)
            part = -nest[:, m] * (safe[:, m] - mean / lam[m])
            part = part + (mine == m) * (
                safe[:, m] - mean / lam[m] + (mean - v[rows, offers.chosen]) / lam[m] ** 2
            )
            score[:, self.place[m]] += part
        return self.weights * value, self.weights[:, None] * score

    def loss(self, params):
        """Return minus the log-likelihood and its slope."""
        value, score = self.by_choice(params)
        total = value.sum()
        if not np.isfinite(total):
            return 1e300, np.zeros(self.count)
        return -total, -score.sum(axis=0)
