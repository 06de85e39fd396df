"""The NBD and the NBD-Dirichlet: how often a category is bought and which of its brands, when
buyers differ and nothing changes.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench.errors import InputError, NotEnoughData

ALIKE = 9.0  # logarithm of S from which tastes are alike for all purposes
TAIL = 1e-8  # chance of more purchases than are summed over


def nbd(penetration, rate):
    """Return mean and spread (K) of the NBD with a penetration and purchases a buyer.

    Raises InputError where none has both (every buyer buys once, or all buy).

    Source: Ehrenberg (1959), Applied Statistics 8.

    >>> [round(v, 3) for v in nbd(0.56, 2.6)]
    [1.456, 0.779]
    """
    if not 0 < penetration < 1 or not rate > 1:
        raise InputError(
            "loyalty.error_nbd_range",
            "nbd: penetration must lie between 0 and 1 and purchases per buyer above 1, "
            "found {penetration} and {rate}",
            penetration=penetration,
            rate=rate,
        )
    from scipy import optimize

    mean = penetration * rate

    def gap(log_k):
        k = np.exp(log_k)
        return -np.expm1(-k * np.log1p(mean / k)) - penetration

    if gap(15.0) < 0:
        raise InputError(
            "loyalty.error_nbd_chance",
            "nbd: with {rate} purchases per buyer at most {most:%} can be buyers; "
            "found {penetration:%}: buyers differ less than chance alone would make "
            "them",
            rate=rate,
            most=-np.expm1(-mean),
            penetration=penetration,
        )
    return mean, float(np.exp(optimize.brentq(gap, -15.0, 15.0)))


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """An NBD-Dirichlet: `rate` (M, category purchases a household), `spread` (K), `tastes` (S;
    small: everybody has a brand of their own, large: all like all), `shares` of the brands.
    """

    rate: float
    spread: float
    tastes: float
    shares: np.ndarray
    by_brand: np.ndarray

    @classmethod
    def fit(cls, penetration, rate, shares, penetrations):
        """Return the Dirichlet of a category (its penetration, purchases a buyer) and its brands
        (shares of purchases, penetrations).

        Every brand's penetration asks for an S of its own; theirs is the mean weighted by share.

        Raises InputError for numbers that contradict each other, NotEnoughData with fewer than two
        brands.

        Source: Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147.
        """
        from scipy import optimize

        shares, seen = np.asarray(shares, float), np.asarray(penetrations, float)
        if len(shares) < 2:
            raise NotEnoughData(
                "loyalty.error_dirichlet_brands", "dirichlet: two brands are needed"
            )
        if (
            (shares <= 0).any()
            or shares.sum() > 1 + 1e-9
            or (seen <= 0).any()
            or (seen > penetration + 1e-12).any()
        ):
            raise InputError(
                "loyalty.error_dirichlet_shares",
                "dirichlet: shares must lie above 0 and add up to 1 at most; no brand may "
                "be bought by more than the category",
            )
        mean, spread = nbd(penetration, rate)
        chance = _chances(mean, spread)
        own, wide = np.full(len(shares), np.nan), True
        for j, (share, b) in enumerate(zip(shares, seen, strict=True)):

            def gap(log_s, share=share, b=b):
                return _bought(np.exp(log_s), share, chance) - b

            low, high = gap(-7.0), gap(ALIKE)
            own[j] = np.exp(optimize.brentq(gap, -7.0, ALIKE)) if low < 0 < high else np.nan
            wide = wide and low < 0 and high <= 0
        good = np.isfinite(own)
        if not good.any() and wide:
            # Every brand has more buyers than tastes that differ allow.
            own, good = np.full(len(shares), np.exp(ALIKE)), np.ones(len(shares), bool)
        if not good.any():
            raise InputError(
                "loyalty.error_dirichlet_penetrations",
                "dirichlet: no brand's penetration can be reached with its share; check "
                "that both are of the same period and households",
            )
        return cls(
            mean, spread, float((own[good] * shares[good]).sum() / shares[good].sum()), shares, own
        )

    def brands(self):
        """Return what the model predicts of every brand: penetration, purchases a buyer, category
        purchases of its buyers, share of requirements, share of sole buyers.
        """
        p = _chances(self.rate, self.spread)
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
        chance = _chances(self.rate, self.spread)
        b = np.array([_bought(self.tastes, s, chance) for s in self.shares])
        either = np.array(
            [
                [_bought(self.tastes, min(s + o, 1.0), chance) for o in self.shares]
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


def _chances(mean, spread):
    """Return the chances of 0, 1, 2, … category purchases, until the rest is negligible."""
    from scipy import stats

    p = spread / (spread + mean)
    most = int(stats.nbinom.isf(TAIL, spread, p)) + 2
    return stats.nbinom.pmf(np.arange(most), spread, p)


def _bought(tastes, share, chance):
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
