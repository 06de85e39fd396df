"""What each customer's own choices say of their weights, given how weights spread over all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.stats.mixed_logit import halton, transform

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, eq=False)
class Individuals:
    """Weights of every customer, given their choices: `mean` and `spread` (customers × p; fixed
    weights spread by 0), `loglik` (customers).
    """

    mean: np.ndarray
    spread: np.ndarray
    loglik: np.ndarray


def individual_weights(
    offers,
    people: np.ndarray,
    kinds: Mapping,
    params: np.ndarray,
    *,
    draws: int = 500,
    seed: int = 1,
) -> Individuals:
    """Return the mean weights of each customer among all who would have chosen as they did.

    Parameters
    ----------
    offers : choices.Offers
    people : ndarray of int, shape (n,)
        Whose choice it is (0, 1, …).
    kinds : dict
        Column of the attributes → distribution, as in `mixed_logit.transform`.
    params : ndarray, shape (p + q,)
        Of a mixed logit: weights (means of the random ones), then spreads.
    draws, seed : int
        The same draws serve all customers.

    Returns
    -------
    Individuals
        Drawn towards the mean of all, the more the fewer choices one made: they spread less than
        people do.

    Source: Train (2009), Discrete Choice Methods with Simulation, chapter 11; Revelt & Train
    (2000), "Customer-specific taste parameters and mixed logit".

    >>> from workbench.stats.choices import Offers
    >>> x = np.tile([[[1.0], [0.0]]], (8, 1, 1))
    >>> offers = Offers(x, np.ones((8, 2), bool), np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    >>> made = individual_weights(offers, np.repeat([0, 1], 4), {0: "normal"}, np.array([0, 2.0]))
    >>> bool(made.mean[0, 0] > 0.5), bool(abs(made.mean.sum()) < 0.1)
    (True, True)
    """
    k, g = offers.x.shape[2], int(people.max()) + 1
    z = halton(draws, len(kinds), seed)
    tastes = np.tile(np.asarray(params[:k], float), (draws, 1))
    for i, (at, kind) in enumerate(kinds.items()):
        tastes[:, at] = transform(kind, params[at], params[k + i], z[:, i])[0]
    log, rows = np.empty((g, draws)), np.arange(len(offers.chosen))
    away = offers.x - offers.x[rows, offers.chosen][:, None, :]
    for r, taste in enumerate(tastes):
        v = np.where(offers.available, away @ taste, -np.inf)
        top = v.max(axis=1)
        own = -np.log(np.exp(v - top[:, None]).sum(axis=1)) - top
        log[:, r] = np.bincount(people, own, g)
    top = log.max(axis=1, keepdims=True)
    weight = np.exp(log - top)
    total = weight.sum(axis=1, keepdims=True)
    mean = weight @ tastes / total
    second = weight @ tastes**2 / total
    spread = np.sqrt(np.maximum(second - mean**2, 0.0))
    return Individuals(mean, spread, (np.log(total) + top)[:, 0] - np.log(draws))
