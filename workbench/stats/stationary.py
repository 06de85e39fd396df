"""What people would do of whom none changes and none leaves: a yardstick for rates that fall with
every purchase, period or age.

Each has a probability of their own, spread over people as a beta; whoever comes late in a row of
purchases is then somebody who buys often, and rates fall although nobody became more loyal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

BOUND = 14.0  # of the logarithms; beyond lies a group of people who are all alike


@dataclass(frozen=True, eq=False)
class Unchanging:
    """People who differ in their daily probability of buying, as a beta, and keep it.

    Attributes
    ----------
    a, b : float
        Of the beta: its mean is a / (a + b).
    """

    a: float
    b: float

    def silent(self, days):
        """Return the probability of no purchase in so many days, over all people.

        >>> round(float(Unchanging(1.0, 9.0).silent(1)), 3)
        0.9
        """
        return np.exp(self._log(0, days))

    def silent_after(self, number, watched, days):
        """Return the purchases of a number to expect, and how many of them are followed by so many
        days without another.

        Parameters
        ----------
        number : int, or (int, None) for that number and all later ones
            1 is the purchase with which people begin.
        watched : ndarray
            Days after the first purchase in which one of that number still counts, a person each.
        days : int

        Returns
        -------
        tuple of ndarray
            Both a person each.
        """
        if isinstance(number, tuple):
            return self._later(number[0], watched, 0), self._later(number[0], watched, days)
        return self._reached(number - 1, watched, 0), self._reached(number - 1, watched, days)

    def _log(self, bought, not_bought):
        """Return the logarithm of the mean of p^bought (1 − p)^not_bought."""
        return special.betaln(self.a + bought, self.b + not_bought) - special.betaln(self.a, self.b)

    def _reached(self, times, days, quiet):
        """Return the mean of (1 − p)^quiet where there were so many purchases within the days."""
        days = np.asarray(days, float)
        out = np.where(days >= times, np.exp(self._log(0, quiet)), 0.0)
        for k in range(times):
            with np.errstate(invalid="ignore"):
                log = special.gammaln(days + 1) - special.gammaln(k + 1)
                log = log - special.gammaln(days - k + 1) + self._log(k, days - k + quiet)
            out = out - np.where(days >= times, np.exp(log), 0.0)
        return np.maximum(out, 0.0)

    def _later(self, least, days, quiet):
        """Return what `_reached` gives, summed over all purchases from the least on."""
        days = np.asarray(days, float)
        all_of_them = days * np.exp(self._log(1, quiet))
        before = sum(self._reached(k, days, quiet) for k in range(1, least - 1))
        return np.maximum(all_of_them - before, 0.0)


def fitted(bought: np.ndarray, days: np.ndarray, weight: np.ndarray | None = None) -> Unchanging:
    """Return the Unchanging that explains best how many of so many days people bought on.

    Parameters
    ----------
    bought, days : ndarray
        Days with a purchase, out of how many, a person each.
    weight : ndarray, optional
        How many people a row stands for.

    Returns
    -------
    Unchanging, or None where nobody was watched or nobody bought.

    Source: Griffiths (1973), Biometrics 29 (beta-binomial by maximum likelihood).
    """
    from scipy import optimize

    bought, days = np.asarray(bought, float), np.asarray(days, float)
    weight = np.ones(len(bought)) if weight is None else np.asarray(weight, float)
    kept = days > 0
    if not kept.any() or not (bought[kept] > 0).any():
        return None
    pairs, at = np.unique(np.column_stack([bought, days])[kept], axis=0, return_inverse=True)
    many, (x, n) = np.bincount(at.ravel(), weight[kept]), pairs.T
    n = np.maximum(n, x)
    mean = float(np.clip((many @ x) / (many @ n), 1e-8, 1 - 1e-8))

    def loss(theta):
        a, b = np.exp(theta)
        value = special.betaln(a + x, b + n - x) - special.betaln(a, b)
        both = special.psi(a + b) - special.psi(a + b + n)
        by_a = special.psi(a + x) - special.psi(a) + both
        by_b = special.psi(b + n - x) - special.psi(b) + both
        slope = np.array([a * (many @ by_a), b * (many @ by_b)])
        return -(many @ value) / many.sum(), -slope / many.sum()

    start = np.log([max(mean, 1e-6), 1 - mean])
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(-BOUND, BOUND)] * 2
    )
    return Unchanging(*map(float, np.exp(found.x)))


def hazards(ended: np.ndarray, at_risk: np.ndarray) -> np.ndarray:
    """Return the share ending in each period that people would show who differ and never change.

    Parameters
    ----------
    ended, at_risk : ndarray
        Of each period in turn: how many ended in it, out of how many.

    Returns
    -------
    ndarray
        a / (a + b + k) in period k = 0, 1, …; missing where nothing ended, or a single period.

    Source: Fader & Hardie (2007), Journal of Interactive Marketing 21 (shifted beta-geometric).

    >>> hazards(np.array([50.0, 25.0]), np.array([100.0, 50.0])).round(2).tolist()
    [0.5, 0.5]
    """
    from scipy import optimize

    ended, at_risk = np.asarray(ended, float), np.asarray(at_risk, float)
    if len(ended) < 2 or not ended.any():
        return np.full(len(ended), np.nan)
    k = np.arange(len(ended))

    def loss(theta):
        a, b = np.exp(theta)
        stay = at_risk - ended
        value = ended.sum() * np.log(a) + stay @ np.log(b + k) - at_risk @ np.log(a + b + k)
        by_a = (ended / a - at_risk / (a + b + k)).sum()
        by_b = (stay / (b + k) - at_risk / (a + b + k)).sum()
        return -value / at_risk.sum(), -np.array([a * by_a, b * by_b]) / at_risk.sum()

    share = float(np.clip(ended.sum() / at_risk.sum(), 1e-6, 1 - 1e-6))
    runs = [
        optimize.minimize(
            loss,
            np.log([share * size, (1 - share) * size]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * 2,
        )
        for size in (1.0, 50.0)
    ]
    a, b = np.exp(min(runs, key=lambda r: r.fun).x)
    return a / (a + b + k)
