"""The mixed logit of arrays: every customer has weights of their own, the same in all choices,
drawn from a distribution whose mean and spread are estimated.

Source: Revelt & Train (1998), Review of Economics and Statistics 80; Halton draws Train (2009),
Discrete Choice Methods with Simulation, chapter 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.stats.choices import Offers, centred
from workbench.stats.likelihoods import newton_refine, numerical_jacobian, sandwich, unidentified

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 2_000_000  # numbers held at once for a block of draws
FAR = 500  # standard deviations of a term: tastes that decide every choice


@dataclass(frozen=True, eq=False)
class MixedLogit:
    """A mixed logit at the top of its simulated likelihood.

    Attributes
    ----------
    params : ndarray, shape (p + q,)
        Weights (of the random ones the mean), then their q spreads, none below 0.
    cov : ndarray, shape (p + q, p + q)
        Summed over customers; missing where the data do not tell the weights apart.
    untold : ndarray of bool, shape (p + q,)
        Those weights; of a search that has not settled, those that run away.
    loglik : float
    gradient : float
        Largest absolute slope left.
    steps : int
    settled : bool
    """

    params: np.ndarray
    cov: np.ndarray
    untold: np.ndarray
    loglik: float
    gradient: float
    steps: int
    settled: bool


def halton(n: int, dimensions: int, seed: int) -> np.ndarray:
    """Return n quasi-random draws from the standard normal in each dimension.

    Parameters
    ----------
    n, dimensions, seed : int

    Returns
    -------
    ndarray, shape (n, dimensions)

    Source: as the module; scrambled by Owen (2017), arXiv 1706.02808.

    >>> drawn = halton(1000, 2, 1)
    >>> (np.abs(drawn.mean(axis=0)) < 0.01).tolist()
    [True, True]
    """
    from scipy import special, stats

    u = stats.qmc.Halton(dimensions, scramble=True, rng=np.random.default_rng(seed)).random(n)
    return special.ndtri(np.clip(u, 1e-9, 1 - 1e-9))


def transform(kind: str, mean: float, sd: float, z: np.ndarray) -> tuple:
    """Return a random weight and its derivatives by mean and spread.

    Parameters
    ----------
    kind : str
        "normal", "lognormal" (above 0) or "negative_lognormal" (below 0): of the last two, mean and
        sd are those of the weight's logarithm.
    mean, sd : float
    z : ndarray
        Standard normal draws.

    >>> [v.tolist() for v in transform("normal", 1.0, 2.0, np.array([0.5]))]
    [[2.0], [1.0], [0.5]]
    """
    if kind == "normal":
        return mean + sd * z, np.ones_like(z), z
    value = (1 if kind == "lognormal" else -1) * np.exp(mean + sd * z)
    return value, value, value * z


def mixed_logit(
    offers,
    people: np.ndarray,
    kinds: Mapping,
    start: np.ndarray,
    *,
    draws: int = 200,
    seed: int = 1,
) -> MixedLogit:
    """Fit a mixed logit over a panel by maximum simulated likelihood.

    Parameters
    ----------
    offers : choices.Offers
    people : ndarray of int, shape (n,)
        Whose choice it is (0, 1, …).
    kinds : dict
        Column of the attributes → distribution, as in `transform`.
    start : ndarray, shape (p,)
        Weights of a conditional logit.
    draws : int
        A customer.
    seed : int

    Returns
    -------
    MixedLogit

    Source: as the module; errors Liang & Zeger (1986), Biometrika 73.

    >>> rng = np.random.default_rng(1)
    >>> who, x = np.repeat(np.arange(100), 6), rng.normal(size=(600, 2, 1))
    >>> taste = (1 + rng.normal(size=100))[who, None]
    >>> pick = (taste * x[:, :, 0] + rng.gumbel(size=(600, 2))).argmax(axis=1)
    >>> offers = Offers(x, np.ones((600, 2), bool), pick)
    >>> made = mixed_logit(offers, who, {0: "normal"}, np.array([0.8]), draws=50)
    >>> made.settled, bool(0.5 < made.params[1] < 1.5)
    (True, True)
    """
    from scipy import optimize

    order = np.argsort(people, kind="stable")
    people = people[order]
    d = Offers(offers.x[order], offers.available[order], offers.chosen[order])
    g, k = int(people.max()) + 1, d.x.shape[2]
    z = halton(g * draws, len(kinds), seed).reshape(g, draws, len(kinds))
    model = Panel(d, people, g, kinds, z)
    begin, unit = _begin(d, kinds, start)
    found = optimize.minimize(
        lambda q: _negative(model(q * unit), unit),
        begin / unit,
        jac=True,
        method="BFGS",
        options={"maxiter": 300, "gtol": 1e-4 * g**0.5},
    )
    inner, left = newton_refine(lambda q: model(q * unit)[1].sum(axis=0) * unit, found.x, steps=4)
    settled = bool(left <= 1e-2 * g**0.5 and np.abs(inner).max() <= FAR)
    params = inner * unit
    for i in range(len(kinds)):  # a spread has no sign
        if params[k + i] < 0:
            params[k + i], z[:, :, i] = -params[k + i], -z[:, :, i]
    value, score = model(params)
    cov, untold = np.full((len(params), len(params)), np.nan), np.zeros(len(params), bool)
    if settled:
        inside = -numerical_jacobian(
            lambda q: model(q * unit)[1].sum(axis=0) * unit, params / unit, 1e-4
        )
        untold = unidentified(inside)
        if not untold.any():
            cov = _at_least(sandwich(inside / np.outer(unit, unit), score), inside, unit, params, k)
    else:
        untold = np.abs(inner) > FAR
    return MixedLogit(params, cov, untold, float(value.sum()), left, int(found.nit), settled)


def _at_least(cov, inside, unit, params, k):
    """Return the covariance with errors of spreads near 0 no smaller than those of the information:
    there every customer's slope by the spread vanishes, and with it what is summed over them.
    """
    plain = np.sqrt(np.diag(np.linalg.inv(inside))) * unit
    factor = np.ones(len(params))
    for i in range(k, len(params)):
        if params[i] < 1.64 * plain[i]:
            factor[i] = max(1.0, plain[i] / max(np.sqrt(cov[i, i]), 1e-300))
    return cov * np.outer(factor, factor)


def _begin(d, kinds, start):
    """Return where the search begins, and the unit of each step: steps are taken in units of each
    term, so that a price in cents is as easy as one in euros.
    """
    k = d.x.shape[2]
    begin = np.append(start, np.full(len(kinds), 0.3))
    unit = np.append(
        1 / np.maximum(np.sqrt((centred(d).x ** 2).mean(axis=(0, 1))), 1e-300), np.ones(len(kinds))
    )
    for i, (at, kind) in enumerate(kinds.items()):
        begin[k + i] = 0.3 * max(abs(start[at]), 0.5) if kind == "normal" else 0.4
        if kind != "normal":
            side = 1 if kind == "lognormal" else -1
            begin[at] = np.log(max(side * start[at], 0.05))
    for i, (at, kind) in enumerate(kinds.items()):
        unit[k + i] = unit[at] if kind == "normal" else 1.0
        unit[at] = unit[at] if kind == "normal" else 1.0
    return begin, unit


def _negative(made, unit):
    value, score = made
    total = value.sum()
    return (
        (-total, -score.sum(axis=0) * unit) if np.isfinite(total) else (1e300, np.zeros(len(unit)))
    )


class Panel:
    """The simulated likelihood of a panel: value and score of every customer, draws taken in
    blocks.
    """

    def __init__(self, d, people, g, kinds, z):
        self.d, self.people, self.g, self.z = d, people, g, z
        self.at, self.kinds = list(kinds), list(kinds.values())
        self.begins = np.flatnonzero(np.diff(people, prepend=-1))
        n, j = d.available.shape
        self.block = max(1, BLOCK // (n * j))
        # Only differences from the chosen alternative count; what is not available adds nothing.
        self.away = d.x - d.x[np.arange(n), d.chosen][:, None, :]
        self.closed = np.where(d.available, 0.0, -np.inf)
        self.far = [np.ascontiguousarray(self.away[:, :, a]) for a in self.at]
        # A constant's column is 1 for one alternative: its derivative needs no product.
        self.owner = {}
        for c in range(d.x.shape[2]):
            own = np.flatnonzero(d.x[:, :, c].any(axis=0))
            if len(own) == 1 and (d.x[:, own[0], c] == 1).all():
                self.owner[c] = int(own[0])

    def __call__(self, params):
        d, g, k = self.d, self.g, self.d.x.shape[2]
        draws = self.z.shape[1]
        fixed = params[:k].copy()
        fixed[self.at] = 0.0
        ground = self.away @ fixed + self.closed
        log, slopes = np.empty((g, draws)), np.empty((g, draws, len(params)))
        for begin in range(0, draws, self.block):
            part = slice(begin, begin + self.block)
            taste = [
                transform(kind, params[a], params[k + i], self.z[:, part, i])
                for i, (a, kind) in enumerate(zip(self.at, self.kinds, strict=True))
            ]
            v = np.repeat(ground[:, :, None], taste[0][0].shape[1], axis=2)
            for far, (b, _, _) in zip(self.far, taste, strict=True):
                v += far[:, :, None] * b[self.people][:, None, :]
            top = v.max(axis=1, keepdims=True)
            v -= top
            np.exp(v, out=v)
            total = v.sum(axis=1)
            log[:, part] = np.add.reduceat(-np.log(total) - top[:, 0], self.begins, axis=0)
            v /= total[:, None, :]
            for c in range(k):
                j = self.owner.get(c)
                pull = (
                    (d.chosen == j)[:, None] - v[:, j]
                    if j is not None
                    else -np.einsum("njr,nj->nr", v, self.away[:, :, c])
                )
                slopes[:, part, c] = np.add.reduceat(pull, self.begins, axis=0)
            for i, (a, (_, by_mean, by_sd)) in enumerate(zip(self.at, taste, strict=True)):
                slopes[:, part, k + i] = slopes[:, part, a] * by_sd
                slopes[:, part, a] *= by_mean
        top = log.max(axis=1, keepdims=True)
        share = np.exp(log - top)
        total = share.sum(axis=1, keepdims=True)
        value = (np.log(total) + top)[:, 0] - np.log(draws)
        return value, np.einsum("gr,grp->gp", share / total, slopes)
