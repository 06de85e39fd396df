"""Stars of products: how alike products are, and what a product with few of them may be worth."""

from __future__ import annotations

import numpy as np
from scipy import special

LEAST, MOST = 0.1, 1e5


def alikeness(counts) -> float:
    """Give how many reviews the mean of all products is worth, beside a product's own.

    Parameters
    ----------
    counts : int array (products, stars)
        Reviews of each product with each number of stars.

    Returns
    -------
    float
        The sum of the parameters of a Dirichlet distribution whose means are the shares over all
        products, by maximum likelihood; at most 100,000, where products do not differ.

    Source: Dirichlet-multinomial likelihood: Minka (2000), Estimating a Dirichlet distribution.

    >>> 0 < alikeness(np.array([[9, 1], [1, 9], [8, 2], [2, 8]])) < 5
    True
    """
    from scipy import optimize

    counts = np.asarray(counts, float)
    share = (counts.sum(axis=0) + 0.5) / (counts.sum() + 0.5 * counts.shape[1])
    n = counts.sum(axis=1)

    def unlikely(log_size):
        size = np.exp(log_size)
        a = size * share
        each = special.gammaln(size) - special.gammaln(size + n)
        each += (special.gammaln(counts + a) - special.gammaln(a)).sum(axis=1)
        return -each.sum()

    found = optimize.minimize_scalar(
        unlikely, bounds=(np.log(LEAST), np.log(MOST)), method="bounded"
    )
    return float(np.exp(found.x))


def shrunk_mean(counts, prior, conf_level: float = 0.95) -> tuple:
    """Give the mean number of stars of a product, drawn to that of all products, its standard
    deviation and interval.

    Parameters
    ----------
    counts : int array (stars)
        Reviews of the product with 1, 2, … stars.
    prior : float array (stars)
        Parameters of the Dirichlet distribution of all products.
    conf_level : float

    Returns
    -------
    tuple of float
        Mean, standard deviation, lower and upper limit; the interval by a beta distribution with
        the same mean and variance.

    Source: conjugacy of the Dirichlet distribution: Gelman et al. (2013), Bayesian Data Analysis,
    ch. 3.

    >>> [round(v, 2) for v in shrunk_mean(np.array([0, 0, 0, 0, 2]), np.ones(5))]
    [3.57, 0.53, 2.47, 4.5]
    """
    a = np.asarray(counts, float) + prior
    stars = np.arange(1, len(a) + 1)
    share = a / a.sum()
    mean = float((stars * share).sum())
    variance = float(((stars**2 * share).sum() - mean**2) / (a.sum() + 1))
    width = len(a) - 1
    place, spread = (mean - 1) / width, variance / width**2
    both = place * (1 - place) / spread - 1
    tail = (1 - conf_level) / 2
    low, high = special.betaincinv(place * both, (1 - place) * both, [tail, 1 - tail])
    return mean, float(np.sqrt(variance)), float(1 + width * low), float(1 + width * high)
