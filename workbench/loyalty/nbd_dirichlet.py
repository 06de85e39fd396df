"""The NBD and the NBD-Dirichlet of a category: what they cannot be fitted to is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import InputError, NotEnoughData
from workbench.stats import dirichlet


def nbd(penetration: float, rate: float) -> tuple:
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
    made = dirichlet.nbd(penetration, rate)
    if not np.isfinite(made.spread):
        raise InputError(
            "loyalty.error_nbd_chance",
            "nbd: with {rate} purchases per buyer at most {most:%} can be buyers; "
            "found {penetration:%}: buyers differ less than chance alone would make "
            "them, so K has no finite estimate; take a longer period, or a wider category",
            rate=rate,
            most=-np.expm1(-made.mean),
            penetration=penetration,
        )
    return made.mean, made.spread


@dataclass(frozen=True, eq=False)
class Dirichlet(dirichlet.Dirichlet):
    """An NBD-Dirichlet: `rate` (M, category purchases a household), `spread` (K), `tastes` (S;
    small: everybody has a brand of their own, large: all like all), `shares` of the brands, and
    `by_brand`, the S that each brand's own penetration asks for.
    """

    @classmethod
    def fit(cls, penetration, rate, shares, penetrations):
        """Return the Dirichlet of a category (its penetration, purchases a buyer) and its brands
        (shares of purchases, penetrations).

        Every brand's penetration asks for an S of its own; theirs is the mean weighted by share.

        Raises InputError for numbers that contradict each other, NotEnoughData with fewer than two
        brands.

        Source: Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147.
        """
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
        made = dirichlet.dirichlet(dirichlet.Nbd(mean, spread), shares, seen)
        if np.isnan(made.tastes):
            raise InputError(
                "loyalty.error_dirichlet_penetrations",
                "dirichlet: no brand's penetration can be reached with its share; check "
                "that both are of the same period and households",
            )
        return cls(mean, spread, made.tastes, shares, made.by_brand)
