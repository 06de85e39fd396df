"""The nested logit that is not normalised: every nest, one of a single alternative too, has an
inclusive value with a weight of its own.

Adding the same to all utilities changes its chances, so it is no model of people who choose what
suits them best; it is here because published figures and older software use it.

Source: Daly (1987), Transportation Research B 21; Koppelman & Wen (1998), Transportation Research B
32; Greene (2003), Econometric Analysis, section 21.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats.choices import Offers, probabilities
from workbench.stats.likelihoods import (
    newton_refine,
    numerical_jacobian,
    sandwich,
    sum_by_group,
    unidentified,
)


@dataclass(frozen=True, eq=False)
class UnscaledNests:
    """The fit: `params` (p weights, then the weight of every nest's inclusive value), `cov`
    (summed over groups) and `classical` (inverse of the information; both missing where the data
    do not tell the weights apart), `loglik`, `gradient` (largest absolute slope left), `settled`.
    """

    params: np.ndarray
    cov: np.ndarray
    classical: np.ndarray
    loglik: float
    gradient: float
    settled: bool


def unscaled_nests(
    offers, nests: np.ndarray, groups: np.ndarray, start: np.ndarray
) -> UnscaledNests:
    """Fit the nested logit that is not normalised by maximum likelihood.

    Parameters
    ----------
    offers : choices.Offers
        Attributes as they are: their place matters here.
    nests : ndarray of int, shape (j,)
        The nest of each alternative (0, 1, …).
    groups : ndarray of int, shape (n,)
        The sampling unit of each choice.
    start : ndarray, shape (p,)
        Weights of a conditional logit.

    Returns
    -------
    UnscaledNests

    Source: as the module; errors Liang & Zeger (1986), Biometrika 73.

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(400, 3, 1))
    >>> pick = (x[:, :, 0] + rng.gumbel(size=(400, 3))).argmax(axis=1)
    >>> offers = Offers(x, np.ones((400, 3), bool), pick)
    >>> made = unscaled_nests(offers, np.array([0, 0, 1]), np.arange(400), np.array([1.0]))
    >>> made.settled, bool((np.abs(made.params - 1) < 0.5).all())
    (True, True)
    """
    from scipy import optimize

    k, m = offers.x.shape[2], int(nests.max()) + 1
    unit = np.append(1 / np.maximum(np.sqrt((offers.x**2).mean(axis=(0, 1))), 1e-300), np.ones(m))
    scaled = Offers(offers.x * unit[:k], offers.available, offers.chosen)

    def loss(q):
        value, score = _by_choice(q, scaled, nests)
        total = value.sum()
        if not np.isfinite(total):
            return 1e300, np.zeros(k + m)
        return -total, -score.sum(axis=0)

    begins = [np.append(start / unit[:k] / lam, np.full(m, lam)) for lam in (1.0, 0.5)]
    found = [
        optimize.minimize(loss, b, jac=True, method="BFGS", options={"maxiter": 500})
        for b in begins
    ]
    best = min(found, key=lambda f: f.fun)
    inner, left = newton_refine(lambda q: -loss(q)[1], best.x)
    value, score = _by_choice(inner, scaled, nests)
    settled = bool(left <= 1e-3 * max(len(offers.chosen), 1) ** 0.5)
    cov, plain = np.full((2, k + m, k + m), np.nan)
    information = -numerical_jacobian(lambda q: -loss(q)[1], inner)
    if settled and not unidentified(information).any():
        cov = sandwich(information, sum_by_group(score, groups, int(groups.max()) + 1))
        plain = np.linalg.inv(information)
    around = np.outer(unit, unit)
    return UnscaledNests(
        inner * unit, cov * around, plain * around, float(value.sum()), left, settled
    )


def _by_choice(params, offers, nests):
    """Return value and score of every choice."""
    k, rows = offers.x.shape[2], np.arange(len(offers.chosen))
    m = int(nests.max()) + 1
    v = np.where(offers.available, offers.x @ params[:k], -np.inf)
    inclusive, mean = np.full((len(v), m), -np.inf), np.zeros((len(v), m, k))
    for i in range(m):
        own = v[:, nests == i]
        top = own.max(axis=1)
        some = np.isfinite(top)
        e = np.exp(own[some] - top[some, None])
        inclusive[some, i] = top[some] + np.log(e.sum(axis=1))
        within = e / e.sum(axis=1, keepdims=True)
        mean[some, i] = np.einsum("nj,njp->np", within, offers.x[some][:, nests == i])
    there, lam = np.isfinite(inclusive), params[k:]
    held = np.where(there, inclusive, 0.0)
    chance = probabilities(np.where(there, lam * held, -np.inf), there)
    mine = nests[offers.chosen]
    value = v[rows, offers.chosen] - held[rows, mine] + np.log(chance[rows, mine])
    pull = -chance
    pull[rows, mine] += 1.0
    score = np.empty((len(v), k + m))
    score[:, :k] = offers.x[rows, offers.chosen] - mean[rows, mine]
    score[:, :k] += np.einsum("nm,m,nmp->np", pull, lam, mean)
    score[:, k:] = pull * held
    return value, score
