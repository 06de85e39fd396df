"""The NBD and the NBD-Dirichlet of numbers: how often a category is bought and which of its brands,
when buyers differ and nothing changes.

Source: Ehrenberg (1959), Applied Statistics 8; Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

ALIKE = 9.0  # logarithm of S from which tastes are alike for all purposes
APART = -7.0  # logarithm of S below which everybody has a brand of their own
TAIL = 1e-8  # chance of more purchases than are summed over


@dataclass(frozen=True)
class Nbd:
    """An NBD: `mean` purchases a household, and `spread` (K): infinite where buyers differ no more
    than chance alone makes them, so that no finite one exists.
    """

    mean: float
    spread: float


def nbd(penetration: float, rate: float) -> Nbd:
    """Fit an NBD to a penetration and purchases a buyer.

    Parameters
    ----------
    penetration : float
        Between 0 and 1.
    rate : float
        Above 1.

    Returns
    -------
    Nbd

    Source: Ehrenberg (1959), Applied Statistics 8.

    >>> made = nbd(0.56, 2.6)
    >>> round(made.mean, 3), round(made.spread, 3)
    (1.456, 0.779)
    >>> nbd(0.9, 1.01).spread  # a Poisson would have fewer buyers
    inf
    """
    from scipy import optimize

    mean = penetration * rate

    def gap(log_k):
        k = np.exp(log_k)
        return -np.expm1(-k * np.log1p(mean / k)) - penetration

    if gap(15.0) < 0:
        return Nbd(mean, np.inf)
    return Nbd(mean, float(np.exp(optimize.brentq(gap, -15.0, 15.0))))


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """An NBD-Dirichlet: `rate` (M, category purchases a household), `spread` (K), `tastes` (S;
    small: everybody has a brand of their own, large: all like all), `shares` of the brands, and
    `by_brand` (the S each brand's penetration asks for: missing where none is small enough,
    infinite where none is large enough).
    """

    rate: float
    spread: float
    tastes: float
    shares: np.ndarray
    by_brand: np.ndarray

    @property
    def exists(self):
        """Whether a finite S was found; else tastes are as good as alike, or unknown."""
        return bool(np.isfinite(self.by_brand).any()) or not len(self.by_brand)

    def brands(self):
        """Return what the model predicts of every brand: penetration, purchases a buyer, category
        purchases of its buyers, share of requirements, share of sole buyers.
        """
        p = chances(self.rate, self.spread)
        n = np.arange(len(p))
        a = self.tastes * self.shares[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            none = np.exp(
                special.betaln(a, self.tastes - a + n) - special.betaln(a, self.tastes - a)
            )
            only = np.exp(
                special.betaln(a + n, self.tastes - a) - special.betaln(a, self.tastes - a)
            )
        none, only = np.nan_to_num(none, nan=0.0), np.nan_to_num(only, nan=1.0)
        buyers = (p * (1 - none)).sum(axis=1)
        purchases = self.rate * self.shares / buyers
        category = (p * n * (1 - none)).sum(axis=1) / buyers
        return {
            "penetration": buyers,
            "purchases": purchases,
            "category_purchases": category,
            "requirements": purchases / category,
            "sole": (p[1:] * only[:, 1:]).sum(axis=1) / buyers,
        }

    def duplication(self):
        """Return the share of each brand's buyers (rows) who also buy every other (columns)."""
        chance = chances(self.rate, self.spread)
        b = np.array([bought(self.tastes, s, chance) for s in self.shares])
        either = np.array(
            [
                [bought(self.tastes, min(s + o, 1.0), chance) for o in self.shares]
                for s in self.shares
            ]
        )
        made = (b[:, None] + b[None, :] - either) / b[:, None]
        np.fill_diagonal(made, 1.0)
        return made

    def draw(self, households, seed=1):
        """Return purchases of households drawn from the model, households × brands (what the shares
        leave over is a last brand).
        """
        rng = np.random.default_rng(seed)
        total = rng.poisson(rng.gamma(self.spread, self.rate / self.spread, households))
        shares = (
            self.shares
            if self.shares.sum() > 1 - 1e-9
            else np.append(self.shares, 1 - self.shares.sum())
        )
        taste = rng.gamma(self.tastes * shares, size=(households, len(shares)))
        return rng.multinomial(total, taste / np.maximum(taste.sum(axis=1, keepdims=True), 1e-300))


def dirichlet(purchases: Nbd, shares: np.ndarray, penetrations: np.ndarray) -> Dirichlet:
    """Fit the tastes of a category: every brand's penetration asks for an S of its own; theirs is
    the mean weighted by share.

    Parameters
    ----------
    purchases : Nbd
        Of the category.
    shares, penetrations : ndarray, shape (brands,)
        Of purchases; of households.

    Returns
    -------
    Dirichlet
        `tastes` is that of tastes alike where every brand has more buyers than tastes that differ
        allow, and missing where no brand's penetration can be reached with its share.

    Source: Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147.

    >>> made = dirichlet(Nbd(1.456, 0.779), np.array([0.25, 0.75]), np.array([0.2, 0.5]))
    >>> made.exists, bool(0.5 < made.tastes < 3)
    (True, True)
    """
    from scipy import optimize

    chance = chances(purchases.mean, purchases.spread)
    own, wide = np.full(len(shares), np.nan), True
    for j, (share, b) in enumerate(zip(shares, penetrations, strict=True)):

        def gap(log_s, share=share, b=b):
            return bought(np.exp(log_s), share, chance) - b

        low, high = gap(APART), gap(ALIKE)
        if low < 0 < high:
            own[j] = np.exp(optimize.brentq(gap, APART, ALIKE))
        elif low < 0:
            own[j] = np.inf
        wide = wide and low < 0 and high <= 0
    good = np.isfinite(own)
    tastes = np.nan
    if good.any():
        tastes = float((own[good] * shares[good]).sum() / shares[good].sum())
    elif wide:
        tastes = float(np.exp(ALIKE))
    return Dirichlet(purchases.mean, purchases.spread, tastes, shares, own)


def chances(mean, spread):
    """Return the chances of 0, 1, 2, … category purchases, until the rest is negligible."""
    from scipy import stats

    p = spread / (spread + mean)
    most = int(stats.nbinom.isf(TAIL, spread, p)) + 2
    return stats.nbinom.pmf(np.arange(most), spread, p)


def bought(tastes, share, chance):
    """Return the share of households that buy brands of a share at least once."""
    if share >= 1:
        return 1 - chance[0]
    a = tastes * share
    return float(
        (
            chance
            * (
                1
                - np.exp(
                    special.betaln(a, tastes - a + np.arange(len(chance)))
                    - special.betaln(a, tastes - a)
                )
            )
        ).sum()
    )
