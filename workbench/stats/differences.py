"""Differences of arrays: in differences of groups that start at different times, at a border, and
within cells that are alike.

Source: Callaway & Sant'Anna (2021), Journal of Econometrics 225; Imbens & Lemieux (2008), Journal
of Econometrics 142.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Effect:
    """An estimate, its standard error, and the degrees of freedom of its interval."""

    estimate: float
    std_error: float
    df: float


def average_effect(
    begin: np.ndarray, groups: np.ndarray, comparisons: Mapping, *, never: int, least: int
) -> Effect:
    """Return one average over starting groups of how much more they changed than others.

    Parameters
    ----------
    begin : ndarray of int, shape (n,)
        When each unit starts.
    groups : ndarray of int, shape (n,)
        The cluster of each unit (0, 1, …).
    comparisons : dict
        Start → list of (change of every unit, which units are compared with).
    never : int
        The start of units that are never treated.
    least : int
        Clusters below which a group's error is that of the spread of the untreated.

    Returns
    -------
    Effect

    Source: Callaway & Sant'Anna (2021), Journal of Econometrics 225; few treated clusters Conley &
    Taber (2011), Review of Economics and Statistics 93.

    >>> begin = np.array([1, 1, 1, 9, 9, 9])
    >>> change = np.array([3.0, 4, 5, 1, 2, 3])
    >>> average_effect(begin, np.arange(6), {1: [(change, begin == 9)]}, never=9, least=2).estimate
    2.0
    """
    size = {s: float((begin == s).sum()) for s in comparisons}
    estimate, pull, extra = 0.0, np.zeros(len(begin)), 0.0
    df, still = len(np.unique(groups)) - len(comparisons) - 1, begin == never
    for s, found in comparisons.items():
        mine, w = begin == s, size[s] / sum(size.values())
        change = np.mean([c for c, _ in found], axis=0)
        estimate += w * (change[mine].mean() - np.mean([c[others].mean() for c, others in found]))
        if len(np.unique(groups[mine])) < least:
            k = np.unique(groups[still], return_inverse=True)[1]
            luck = np.bincount(k, change[still]) / np.bincount(k) if still.any() else np.zeros(0)
            extra += w**2 * (
                luck.var(ddof=1) / len(np.unique(groups[mine])) if len(luck) >= least else np.nan
            )
            df = min(df, len(luck) - 1)
        else:
            pull += (
                w
                * np.where(mine, (change - change[mine].mean()) / mine.sum(), 0.0)
                * _spread(groups[mine])
            )
        for c, others in found:
            pull -= (
                w
                / len(found)
                * np.where(others, (c - c[others].mean()) / others.sum(), 0.0)
                * _spread(groups[others])
            )
    error = float(np.sqrt((np.bincount(groups, pull) ** 2).sum() + extra))
    return Effect(float(estimate), error, df)


def _spread(groups):
    """Return the factor that makes the spread of a few clusters unbiased; missing for one, which
    has none.
    """
    k = len(np.unique(groups))
    return np.sqrt(k / (k - 1)) if k > 1 else np.nan


def standardised(
    exposed: np.ndarray, cell: np.ndarray, n: np.ndarray, events: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return how much more often something follows an exposure, plainly and within cells that are
    alike, weighted as the exposed are.

    Parameters
    ----------
    exposed : ndarray of bool, shape (n,)
    cell : ndarray of int, shape (n,)
        0, 1, …
    n, events : ndarray, shape (n,)
        Occasions, and those it followed.
    weights : ndarray, shape (n,)
        How often each row is drawn.

    Returns
    -------
    ndarray, shape (2,)
        Missing where no cell has both.

    Source: Rothman, Greenland & Lash (2008), Modern Epidemiology, chapter 15.

    >>> exposed, cell = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> n, events = np.array([10.0, 10, 30, 10]), np.array([5.0, 3, 6, 1])
    >>> standardised(exposed, cell, n, events, np.ones(4)).round(4).tolist()
    [0.075, 0.125]
    """
    size = int(cell.max()) + 1
    a, b = (np.bincount(cell[hit], (weights * n)[hit], size) for hit in (exposed, ~exposed))
    ya, yb = (np.bincount(cell[hit], (weights * events)[hit], size) for hit in (exposed, ~exposed))
    both = (a > 0) & (b > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.where(both, ya / a - yb / b, 0)
        return np.array(
            [ya.sum() / a.sum() - yb.sum() / b.sum(), (gap * a)[both].sum() / a[both].sum()]
        )


def of_ratios(sums, whole, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the standard error of the difference of two ratios from customers' own pulls on both.

    Parameters
    ----------
    sums : mapping of ndarray, shape (k,)
        Sums over customers of products: y11, y1x1, y00, y0x0, y10, y1x0, y0x1.
    whole : mapping of float
        x1, x0, x11, x00, x10, customers.
    a, b : ndarray, shape (k,)
        Ratios the pulls are taken about.

    Returns
    -------
    ndarray, shape (k,)

    Source: Deng, Knoblich & Lu (2018), KDD.

    >>> sums = dict(y11=4.0, y1x1=4.0, y00=2.0, y0x0=2.0, y10=0.0, y1x0=0.0, y0x1=0.0)
    >>> whole = dict(x1=10, x0=10, x11=10.0, x00=10.0, x10=0.0, customers=20)
    >>> round(float(of_ratios(sums, whole, 0.4, 0.2)), 4) == round((0.04 * 20 / 19) ** 0.5, 4)
    True
    """
    x1, x0, people = whole["x1"], whole["x0"], whole["customers"]
    spread = (
        (sums["y11"] - 2 * a * sums["y1x1"] + a**2 * whole["x11"]) / x1**2
        + (sums["y00"] - 2 * b * sums["y0x0"] + b**2 * whole["x00"]) / x0**2
        - 2 * (sums["y10"] - b * sums["y1x0"] - a * sums["y0x1"] + a * b * whole["x10"]) / (x1 * x0)
    )
    return np.sqrt(np.maximum(spread, 0) * people / max(people - 1, 1))


def one_against_rest(i: int, n: np.ndarray, products: tuple, a: float, b: float) -> float:
    """Return the standard error of a group's share less that of all others, where a customer may be
    in several groups.

    Parameters
    ----------
    i : int
    n : ndarray, shape (k,)
        Of each group.
    products : tuple of ndarray, shape (k, k)
        Sums over customers of denominators with denominators, with numerators, and of numerators
        with numerators.
    a, b : float
        Shares of the group and the rest about which pulls are taken.

    Returns
    -------
    float

    Source: Deng, Knoblich & Lu (2018), KDD.

    >>> apart = (np.diag([10.0, 10]), np.diag([4.0, 2]), np.diag([4.0, 2]))
    >>> round(one_against_rest(0, np.array([10.0, 10]), apart, 0.4, 0.2), 3)
    0.2
    """
    xx, xy, yy = products
    own = np.zeros(len(n))
    own[i] = 1
    rest = n.sum() - n
    u, v = own / n[i] - (1 - own) / rest[i], -(own * a / n[i] - (1 - own) * b / rest[i])
    return float(np.sqrt(max(u @ yy @ u + 2 * v @ xy @ u + v @ xx @ v, 0)))


def at_border(
    y: np.ndarray, away: np.ndarray, level: np.ndarray, units: np.ndarray, width: float
) -> tuple:
    """Return how far the outcome jumps where a running variable passes a border, by local lines.

    Parameters
    ----------
    y : ndarray, shape (n,)
    away : ndarray, shape (n,)
        Distance from the nearest border; 0 and more lies above.
    level : ndarray, shape (n,)
        Which border it is.
    units : ndarray of int, shape (n,)
        The sampling unit of each row.
    width : float

    Returns
    -------
    tuple
        Design (rows used × columns, weighted by a triangular kernel; the first column is the jump),
        weighted outcome, units (0, 1, …); None where either side has fewer than three distances.

    Source: Imbens & Lemieux (2008), Journal of Econometrics 142.

    >>> away = np.array([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2])
    >>> x, y, _ = at_border(away + (away >= 0), away, np.zeros(6), np.arange(6), 1.0)
    >>> float(np.linalg.lstsq(x, y, rcond=None)[0][0].round(6))
    1.0
    """
    use, above = np.abs(away) < width, away >= 0
    if min(len(np.unique(away[use & side].round(9))) for side in (above, ~above)) < 3:
        return None
    w = np.sqrt(1 - np.abs(away[use]) / width)
    a = away[use]
    levels = np.unique(level[use], return_inverse=True)[1]
    x = np.column_stack([above[use], a, a * above[use], np.eye(levels.max() + 1)[levels]])
    return x * w[:, None], y[use] * w, np.unique(units[use], return_inverse=True)[1]
