"""Renewals of a contract of arrays: the shifted beta-geometric.

Source: Fader & Hardie (2007), Journal of Interactive Marketing 21.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.stats.likelihoods import numerical_jacobian

BORDER = 9.5  # of the logarithm of a parameter: beyond, customers hardly differ, or hardly leave


@dataclass(frozen=True, eq=False)
class Renewals:
    """A shifted beta-geometric at the top of its likelihood.

    Attributes
    ----------
    theta : ndarray, shape (2,)
        Logarithms of alpha and beta.
    cov : ndarray, shape (2, 2)
        Of theta; missing at the border.
    loglik : float
    edge : bool
        Whether a parameter ran to its border: no finite estimate exists.
    """

    theta: np.ndarray
    cov: np.ndarray
    loglik: float
    edge: bool


def loglik(theta, seen) -> tuple:
    """Return the log-likelihood of customers still there after each renewal, and its slope.

    >>> value, _ = loglik(np.zeros(2), np.array([2.0, 1.0]))  # one of two left, by a fair coin
    >>> round(float(np.exp(value)), 6)
    0.25
    """
    lost, k, psi = -np.diff(seen), np.arange(1, len(seen)), special.psi
    a, b = np.exp(theta)
    log = special.betaln(a + 1, b + k - 1) - special.betaln(a, b)
    stay = special.betaln(a, b + k[-1]) - special.betaln(a, b)
    da = psi(a + 1) - psi(a + b + k) - psi(a) + psi(a + b)
    db = psi(b + k - 1) - psi(a + b + k) - psi(b) + psi(a + b)
    sa, sb = (
        psi(a + b) - psi(a + b + k[-1]),
        psi(b + k[-1]) - psi(a + b + k[-1]) - psi(b) + psi(a + b),
    )
    return lost @ log + seen[-1] * stay, np.array(
        [a * (lost @ da + seen[-1] * sa), b * (lost @ db + seen[-1] * sb)]
    )


def fit(seen: np.ndarray) -> Renewals:
    """Fit a shifted beta-geometric by maximum likelihood.

    Parameters
    ----------
    seen : ndarray, shape (k + 1,)
        Customers at the begin, and how many were left after each of k renewals.

    Returns
    -------
    Renewals

    Source: as the module.

    >>> made = fit(np.array([1000, 869, 743, 653, 593, 551, 517, 491.0]))  # "high end", table 1
    >>> np.exp(made.theta).round(2).tolist()
    [0.67, 3.81]
    """
    from scipy import optimize

    runs = [
        optimize.minimize(
            lambda q: tuple(-v / seen[0] for v in loglik(q, seen)),
            np.log(s),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-10, 10)] * 2,
            options={"ftol": 1e-14, "gtol": 1e-10},
        )
        for s in ([1.0, 1.0], [0.5, 3.0], [5.0, 20.0])
    ]
    theta = min(runs, key=lambda r: r.fun).x
    value, _ = loglik(theta, seen)
    hessian = numerical_jacobian(lambda q: loglik(q, seen)[1], theta)
    edge = bool((np.abs(theta) > BORDER).any())
    cov = np.linalg.pinv(-hessian) if not edge else np.full((2, 2), np.nan)
    return Renewals(theta, cov, value, edge)


def curves(theta, periods):
    """Return the log-odds of being there after each period, and of renewing at it: 2 · periods.

    >>> special.expit(curves(np.zeros(2), np.array([1, 2]))).round(4).tolist()
    [0.5, 0.3333, 0.5, 0.6667]
    """
    a, b = np.exp(theta)
    left = special.betaln(a, b + periods) - special.betaln(a, b)
    return np.concatenate(
        [
            special.logit(np.minimum(np.exp(left), 1 - 1e-12)),
            special.logit((b + periods - 1) / (a + b + periods - 1)),
        ]
    )
