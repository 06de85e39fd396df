"""Regularities of buying, of counts of purchases: heavy buyers, double jeopardy, duplication,
repeat buying; in the sample and in many draws of households.

Source: Ehrenberg (1988), Repeat-Buying; Ehrenberg, Goodhardt & Barwise (1990), Journal of Marketing
54.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class Concentration:
    """How unequally buyers buy: `shares` (draws × parts) of all purchases that the heaviest parts
    make, and the `gini` coefficient (draws); missing in a draw without a buyer.
    """

    shares: np.ndarray
    gini: np.ndarray

    def columns(self):
        """Return shares and gini as columns, draws × (parts + 1)."""
        return np.column_stack([self.shares, self.gini])


def concentration(values: np.ndarray, weights: np.ndarray, parts: Sequence[float]) -> Concentration:
    """Return how much the heaviest buyers buy.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Purchases of households; those that buy nothing count for nothing.
    weights : ndarray, shape (b, n)
        How often each household is drawn.
    parts : sequence of float
        Parts of the buyers, from the heaviest on; the household on the border counts for what lies
        within.

    Returns
    -------
    Concentration

    Source: Twedt (1964), Journal of Marketing 28; Gini (1912).

    >>> made = concentration(np.array([6.0, 1, 1, 1, 1]), np.ones((1, 5)), [0.2, 0.5])
    >>> made.shares.tolist(), round(float(made.gini[0]), 3)
    ([[0.6, 0.75]], 0.4)
    """
    order = np.argsort(-values, kind="stable")
    v = values[order]
    v, keep = v[v > 0], order[v > 0]
    many = np.cumsum(weights[:, keep], axis=1)
    units = np.cumsum(weights[:, keep] * v, axis=1)
    n, total = many[:, -1:], units[:, -1:]
    rows, out = np.arange(len(weights)), []
    with np.errstate(invalid="ignore"):
        for s in parts:
            at = np.array(
                [np.searchsorted(m, s * k) for m, k in zip(many, n[:, 0], strict=True)]
            ).clip(0, len(v) - 1)
            out.append((units[rows, at] - (many[rows, at] - s * n[:, 0]) * v[at]) / total[:, 0])
        area = ((units - weights[:, keep] * v / 2) * weights[:, keep]).sum(axis=1) / (
            n[:, 0] * total[:, 0]
        )
    return Concentration(np.column_stack(out), 2 * area - 1)


def jeopardy(penetration: np.ndarray, purchases: np.ndarray) -> np.ndarray:
    """Return the purchases a buyer on the line of double jeopardy, w · (1 − b) being constant.

    Parameters
    ----------
    penetration, purchases : ndarray, shape (b, brands)

    Returns
    -------
    ndarray, shape (b, brands)
        Missing in a draw without a buyer.

    Source: Ehrenberg, Goodhardt & Barwise (1990), Journal of Marketing 54.

    >>> jeopardy(np.array([[0.5, 0.2]]), np.array([[4.0, 2.5]])).tolist()
    [[4.0, 2.5]]
    """
    b, w = penetration, purchases
    whole = np.nansum(b, axis=1)
    level = np.nansum(w * (1 - b) * b, axis=1) / np.where(whole > 0, whole, np.nan)
    return level[:, None] / (1 - b)


@dataclass(frozen=True, eq=False)
class Duplication:
    """`shares` of each brand's buyers (rows) who also buy every other (columns), what the law of
    duplication says of each (`law`), and its `coefficient`.
    """

    shares: np.ndarray
    law: np.ndarray
    coefficient: float


def duplication(bought: np.ndarray, weights: np.ndarray, households: int) -> Duplication:
    """Return how brands share buyers, and the law that they do so in proportion to penetration.

    Parameters
    ----------
    bought : ndarray, shape (n, brands)
        1 where a household bought a brand.
    weights : ndarray, shape (n,)
        How often each household is drawn.
    households : int
        All, buyers or not.

    Returns
    -------
    Duplication
        The coefficient is the mean duplication over the mean penetration, a pair of brands counting
        once each way.

    Source: Ehrenberg (1988), Repeat-Buying, chapter 10.

    >>> duplication(np.array([[1.0, 1], [1, 0], [0, 1]]), np.ones(3), 4).shares.tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    k = bought.shape[1]
    off = ~np.eye(k, dtype=bool)
    both = bought.T @ (bought * weights[:, None])
    own = np.diag(both)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares, b = both / own[:, None], own / households
        coefficient = shares[off].mean() / np.broadcast_to(b, (k, k))[off].mean()
    return Duplication(shares, coefficient * b, coefficient)


def repeated(
    first: np.ndarray, second: np.ndarray, weights: np.ndarray, households: int, most: int
) -> np.ndarray:
    """Return what was seen of purchases in a period and in the next.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Purchases of kinds of households in either period.
    weights : ndarray, shape (n,)
        How many households are of each kind.
    households, most : int

    Returns
    -------
    ndarray, shape (most + 4,)
        Shares of households that bought 0, 1, … and `most` times or more; the share of buyers who
        buy again; purchases of those who do, and of those who are new, in the second period.

    Source: Ehrenberg (1988), Repeat-Buying, chapter 2.

    >>> repeated(np.array([2.0, 0]), np.array([1.0, 0]), np.array([1.0, 3]), 4, 1)[:3].tolist()
    [0.75, 0.25, 1.0]
    """
    x, y, w = first, second, weights
    again, came = (x > 0) & (y > 0), (x == 0) & (y > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array(
            [
                *(w[np.minimum(x, most) == i].sum() / households for i in range(most + 1)),
                w[again].sum() / w[x > 0].sum(),
                (w * y)[again].sum() / w[again].sum(),
                (w * y)[came].sum() / w[came].sum(),
            ]
        )


def repeat_law(mean: float, spread: float, chance: np.ndarray) -> np.ndarray:
    """Return what an NBD says of the same: see `repeated`.

    Parameters
    ----------
    mean, spread : float
        Of the NBD.
    chance : ndarray, shape (most,)
        Its chances of 0, 1, … purchases.

    Returns
    -------
    ndarray, shape (most + 4,)

    Source: Goodhardt & Ehrenberg (1967), Journal of Marketing Research 4, on conditional trend
    analysis.

    >>> made = repeat_law(1.0, 1.0, np.array([0.5]))
    >>> made.round(3).tolist()  # a third of all buy in both periods
    [0.5, 0.5, 0.667, 2.25, 1.5]
    """
    none, both = (
        special.xlog1py(-spread, mean / spread),
        special.xlog1py(-spread, 2 * mean / spread),
    )
    b, again = -np.expm1(none), 1 - 2 * np.exp(none) + np.exp(both)
    # Who did not buy the first time has (k + 0) m / (k + m) to expect; the rest of all purchases is
    # of those who did.
    new = np.exp(none) * spread * mean / (spread + mean)
    return np.array([*chance, 1 - chance.sum(), again / b, (mean - new) / again, new / (b - again)])
