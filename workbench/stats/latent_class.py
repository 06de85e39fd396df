"""The latent-class logit of arrays: kinds of people who weigh differently.

Source: Kamakura & Russell (1989), Journal of Marketing Research 26; Greene & Hensher (2003),
Transportation Research B 37.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from workbench.stats import choices, existence
from workbench.stats.likelihoods import (
    newton_refine,
    numerical_jacobian,
    sandwich_within,
    sum_by_group,
    unidentified,
)

COUNTS = 1e-3  # chance of belonging from which somebody's choices speak for a class


@dataclass(frozen=True, eq=False)
class LatentClass:
    """A latent-class logit at the top of its likelihood, the largest class first.

    Attributes
    ----------
    params : ndarray, shape (q,)
        Weights of each class (classes × p), then the pulls of constant and traits on belonging to
        it, for all but the first. Weights without a finite estimate stand where the search left
        them: chances hardly move there.
    cov : ndarray, shape (q, q)
        Summed over customers; missing where nothing is known.
    withheld : ndarray of bool, shape (q,)
        Weights of which no finite estimate exists: the choices of that class decide them.
    untold : ndarray of bool, shape (q,)
        Weights that the data do not tell apart: two classes are one, or one has nobody.
    value : ndarray, shape (customers,)
        Log-likelihood of each customer.
    posterior : ndarray, shape (customers, classes)
        Chances of belonging, given one's choices.
    gradient : float
    settled : bool
    """

    params: np.ndarray
    cov: np.ndarray
    withheld: np.ndarray
    untold: np.ndarray
    value: np.ndarray
    posterior: np.ndarray
    gradient: float
    settled: bool


def unfold(params, classes, traits) -> tuple:
    """Return the weights of every class (classes × p) and the pulls of constant and traits on
    belonging to it (classes × traits, 0 for the first) from one row of parameters.

    >>> [v.tolist() for v in unfold(np.array([1.0, 2.0, 3.0]), 2, 1)]
    [[[1.0], [2.0]], [[0.0], [3.0]]]
    """
    at = len(params) - (classes - 1) * traits
    return params[:at].reshape(classes, -1), np.vstack(
        [np.zeros(traits), params[at:].reshape(-1, traits)]
    )


def latent_class(
    offers,
    people: np.ndarray,
    traits: np.ndarray,
    classes: int,
    pooled: np.ndarray,
    *,
    starts: int = 50,
    seed: int = 1,
) -> LatentClass:
    """Fit a latent-class logit by maximum likelihood.

    Parameters
    ----------
    offers : choices.Offers
    people : ndarray of int, shape (n,)
        Whose choice it is (0, 1, …).
    traits : ndarray, shape (customers, t)
        The constant, and what moves the chance of belonging.
    classes : int
    pooled : ndarray, shape (p,)
        Weights of a conditional logit.
    starts, seed : int
        Random starts (short runs; the best five are run on), and their seed.

    Returns
    -------
    LatentClass

    Source: as the module; errors Liang & Zeger (1986), Biometrika 73.

    >>> rng = np.random.default_rng(1)
    >>> who, x = np.repeat(np.arange(80), 8), rng.normal(size=(640, 2, 1))
    >>> kind = np.where(np.arange(80) < 50, 2.0, -2.0)[who, None]
    >>> pick = (kind * x[:, :, 0] + rng.gumbel(size=(640, 2))).argmax(axis=1)
    >>> offers = choices.Offers(x, np.ones((640, 2), bool), pick)
    >>> made = latent_class(offers, who, np.ones((80, 1)), 2, np.array([0.5]), starts=5)
    >>> made.settled, np.sign(made.params[:2]).tolist()
    (True, [1.0, -1.0])
    """
    g, t = traits.shape
    model = Mixture(offers, people, g, classes, traits)
    best = search(model, pooled, starts=starts, seed=seed)
    params, left = newton_refine(lambda q: model(q)[1].sum(axis=0), best, steps=6)
    # Classes are told apart by size alone: the largest comes first.
    beta, size = unfold(params, classes, t)
    by_size = np.argsort(-size[:, 0], kind="stable")
    params = np.append(beta[by_size], (size[by_size] - size[by_size[0]])[1:])
    value, score, posterior = model(params)
    room, withheld = _room(offers, people, posterior, classes, t)
    information = -numerical_jacobian(lambda q: model(q)[1].sum(axis=0), params)
    untold = np.zeros(len(params), bool)
    flat = unidentified(room.T @ information @ room)
    if flat.any():
        untold = (np.abs(room[:, flat]) > 0.1).any(axis=1)
    nobody = np.flatnonzero(posterior.sum(axis=0) < 1)
    for c in nobody:
        untold[c * len(pooled) : (c + 1) * len(pooled)] = True
    cov = np.full((len(params), len(params)), np.nan)
    if not untold.any():
        cov = sandwich_within(information, score, room)
        cov[withheld] = cov[:, withheld] = np.nan
    settled = bool(left <= 1e-2 * g**0.5)
    return LatentClass(params, cov, withheld, untold, value, posterior, left, settled)


def _room(offers, people, posterior, classes, traits):
    """Return the directions in which parameters have a finite estimate, as columns, and which have
    none: judged, for every class, on the choices of those who may belong to it.
    """
    p = offers.x.shape[2]
    rooms, withheld = [], np.zeros(classes * p + (classes - 1) * traits, bool)
    for c in range(classes):
        some = posterior[people, c] > COUNTS
        asked = existence.of_choice(offers.x[some], offers.chosen[some], offers.available[some])
        rooms.append(existence.complement(asked.null))
        withheld[c * p : (c + 1) * p] = ~asked.finite()
    return linalg.block_diag(*rooms, np.eye((classes - 1) * traits)), withheld


class Mixture:
    """The likelihood of a mixture of logits: value, score and posterior of every customer.

    Parameters are those of `latent_class`, and the number of customers.
    """

    def __init__(self, offers, people, customers, classes, traits):
        self.offers, self.people, self.customers = choices.centred(offers), people, customers
        self.classes, self.traits = classes, traits
        self.rows = np.arange(len(offers.chosen))

    def parts(self, beta):
        """Return the log chance of every customer's choices under the weights of one class, and the
        chances of the alternatives.
        """
        p = choices.probabilities(self.offers.x @ beta, self.offers.available)
        with np.errstate(divide="ignore"):
            log = np.bincount(
                self.people,
                np.maximum(np.log(p[self.rows, self.offers.chosen]), -700),
                self.customers,
            )
        return log, p

    def expect(self, params):
        """Return the log-likelihood of every customer, their chances of belonging before and after
        their choices, and the chances of the alternatives a class.
        """
        beta, gamma = unfold(params, self.classes, self.traits.shape[1])
        made = [self.parts(b) for b in beta]
        prior = special.softmax(self.traits @ gamma.T, axis=1)
        log = np.column_stack([v for v, _ in made]) + np.log(np.maximum(prior, 1e-300))
        value = special.logsumexp(log, axis=1)
        return value, prior, np.exp(log - value[:, None]), [p for _, p in made]

    def __call__(self, params):
        value, prior, posterior, made = self.expect(params)
        score = [
            posterior[:, [i]]
            * sum_by_group(choices.scores(self.offers, p), self.people, self.customers)
            for i, p in enumerate(made)
        ]
        score += [(posterior[:, [i]] - prior[:, [i]]) * self.traits for i in range(1, self.classes)]
        return value, np.concatenate(score, axis=1), posterior


def search(model: Mixture, pooled: np.ndarray, *, starts: int, seed: int) -> np.ndarray:
    """Return the best parameters of many short runs of expectation and maximisation, the best five
    run on, and the best of these climbed to its top.

    Parameters
    ----------
    model : Mixture
    pooled, starts, seed : as in `latent_class`

    Returns
    -------
    ndarray, shape (q,)
    """
    from scipy import optimize

    x, classes, m = model.offers.x, model.classes, model.traits.shape[1]
    rng, k, g = np.random.default_rng(seed), x.shape[2], model.customers
    if classes == 1:
        return pooled
    spread = 1 / np.maximum(np.sqrt((x**2).mean(axis=(0, 1))), 1e-12)
    runs = [
        np.concatenate(
            [
                (pooled + rng.normal(0, 0.6, (classes, k)) * spread).ravel(),
                np.zeros((classes - 1) * m),
            ]
        )
        for _ in range(starts)
    ]
    runs = sorted((_climb(model, run, 8) for run in runs), key=lambda r: -r[1])[:5]
    params = max((_climb(model, run, 40) for run, _ in runs), key=lambda r: r[1])[0]
    # Expectation and maximisation comes near fast and arrives slowly: the last part is climbed by
    # the gradient.
    unit = np.append(np.tile(spread, classes), np.ones((classes - 1) * m))
    found = optimize.minimize(
        lambda q: _negative(model(q * unit), unit),
        params / unit,
        jac=True,
        method="BFGS",
        options={"maxiter": 200, "gtol": 1e-4 * g**0.5},
    )
    return found.x * unit


def _negative(made, unit):
    return -made[0].sum(), -made[1].sum(axis=0) * unit


def _climb(model, params, most):
    """Return parameters after at most so many rounds of expectation and one Newton step a class,
    with their log-likelihood.
    """
    d, m = model.offers, model.traits.shape[1]
    reach = np.abs(d.x).max(axis=(0, 1))
    before = -np.inf
    for _ in range(most):
        each, prior, posterior, made = model.expect(params)
        value = float(each.sum())
        if value - before < 1e-7 * abs(value):
            break
        before, new = value, []
        beta, size = unfold(params, model.classes, m)
        for i, p in enumerate(made):
            w = posterior[model.people, i]
            gradient = w @ choices.scores(d, p)
            # A little ridge keeps an almost empty class from running away.
            move = np.linalg.solve(
                choices.hessian(d.x, p, w) + 1e-3 * np.eye(len(gradient)),
                gradient - 1e-3 * beta[i],
            )
            new.append(beta[i] + move * min(1.0, 3.0 / max(np.abs(move * reach).max(), 1e-9)))
        for i in range(1, model.classes):
            pull = (posterior[:, i] - prior[:, i]) @ model.traits
            curve = (model.traits * (prior[:, i] * (1 - prior[:, i]))[:, None]).T @ model.traits
            size[i] += np.clip(np.linalg.solve(curve + 1e-6 * np.eye(m), pull), -2, 2)
        params = np.append(new, size[1:])
    return params, before
