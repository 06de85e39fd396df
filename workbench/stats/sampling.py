"""What a sample says of those it was drawn from: weighted means, scores, margins and response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Mean:
    """A weighted mean, its linearised standard error, and the answers it is worth.

    `effective` is the number of independent, equally weighted answers with the same error;
    `design_effect` is n divided by it.
    """

    estimate: float
    std_error: float
    n: int
    effective: float
    design_effect: float


@dataclass(frozen=True, eq=False)
class Raked:
    """Weights that meet known margins.

    `weights` (n, mean 1), `rounds` until they settled, `gap` (largest difference from a margin that
    is left) and `settled`.
    """

    weights: np.ndarray
    rounds: int
    gap: float
    settled: bool


def kish(weights):
    """Give the number of equally weighted answers that weights are worth: (Σw)² / Σw².

    Source: Kish (1965), Survey Sampling.

    >>> kish(np.array([1.0, 1.0, 2.0]))
    2.6666666666666665
    """
    weights = np.asarray(weights, float)
    squares = float((weights**2).sum())
    return float(weights.sum() ** 2 / squares) if squares > 0 else 0.0


def mean(
    values: np.ndarray, weights: np.ndarray | None = None, cluster: np.ndarray | None = None
) -> Mean:
    """Estimate a mean of answers, the respondent as sampling unit.

    Parameters
    ----------
    values : array (n)
    weights : array (n), optional
        Above 0; None: all the same.
    cluster : array (n), optional
        Whose answer it is; None: an answer a respondent.

    Returns
    -------
    Mean
        The error is missing with fewer than two respondents; where all answers are alike the
        answers are worth what weights and respondents leave of them.

    Source: Taylor linearisation of a ratio: Lumley (2010), Complex Surveys, ch. 2.

    >>> made = mean(np.array([0.0, 1.0, 1.0, 0.0]))
    >>> made.estimate, round(made.std_error, 4), made.effective
    (0.5, 0.2887, 4.0)
    """
    values = np.asarray(values, float)
    n = len(values)
    weights = np.ones(n) if weights is None else np.asarray(weights, float)
    who = np.arange(n) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    if not n:
        return Mean(np.nan, np.nan, 0, 0.0, np.nan)
    per_person, people = np.bincount(who, weights), int(who.max()) + 1
    estimate = float((weights * values).sum() / weights.sum())
    pull = np.bincount(who, weights * (values - estimate)) / weights.sum()
    error = np.sqrt(people / (people - 1) * (pull**2).sum()) if people > 1 else np.nan
    variance = float((weights * (values - estimate) ** 2).sum() / weights.sum())
    if error > 0 and variance > 0:
        # The error of n simple answers has n - 1 below it.
        effective = float(min(variance / error**2 + 1, n))
    else:
        effective = kish(per_person)
    return Mean(estimate, float(error), n, effective, n / effective)


@dataclass(frozen=True)
class Difference:
    """The difference of two weighted means, first less second, and its standard error."""

    estimate: float
    std_error: float
    n: int


def difference(
    values: np.ndarray, first, weights: ArrayLike | None = None, cluster: np.ndarray | None = None
) -> Difference:
    """Estimate the difference between two groups of answers; who is in both counts once.

    Parameters
    ----------
    values : array (n)
    first : bool array (n)
        Whether an answer is of the first group; the others are the second.
    weights, cluster : as in `mean`

    Returns
    -------
    Difference
        The error is missing with fewer than two respondents in either group.

    Source: as `mean`.

    >>> made = difference(np.array([1.0, 0.0, 0.0, 0.0]), np.array([True, True, False, False]))
    >>> made.estimate, round(made.std_error, 4)
    (0.5, 0.5)
    """
    values, first = np.asarray(values, float), np.asarray(first, bool)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    who = np.arange(len(values)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    estimate, pull, known = 0.0, np.zeros(len(values)), len(values) > 0
    for sign, part in ((1, first), (-1, ~first)):
        people = len(np.unique(who[part]))
        if people == 0:
            return Difference(np.nan, np.nan, len(values))
        total = weights[part].sum()
        centre = float((weights[part] * values[part]).sum() / total)
        estimate += sign * centre
        known = known and people > 1
        stretch = np.sqrt(people / max(people - 1, 1))
        pull[part] = sign * stretch * weights[part] * (values[part] - centre) / total
    error = float(np.sqrt((np.bincount(who, pull) ** 2).sum())) if known else np.nan
    return Difference(estimate, error, len(values))


def wald_adjusted(
    promoters: float, detractors: float, effective: float, conf_level: float = 0.95
) -> tuple:
    """Give the adjusted interval of a net promoter score, in points.

    Parameters
    ----------
    promoters, detractors : float
        Their shares.
    effective : float
        Answers these shares are worth; n without weights.

    Returns
    -------
    tuple of float
        Lower and upper limit, within ±100.

    Source: Rocks (2016), Quality and Reliability Engineering International 32: three answers are
    added, three quarters of one a promoter and three quarters a detractor.

    >>> [round(v, 1) for v in wald_adjusted(0.60, 0.15, 100)]
    [29.3, 58.0]
    """
    total = effective + 3
    up = (promoters * effective + 0.75) / total
    down = (detractors * effective + 0.75) / total
    half = special.ndtri(0.5 + conf_level / 2) * np.sqrt((up + down - (up - down) ** 2) / total)
    centre = up - down
    return float(100 * max(centre - half, -1)), float(100 * min(centre + half, 1))


def rake(
    groups: Sequence[int],
    shares: Sequence[float],
    weights: np.ndarray | None = None,
    *,
    most: int = 500,
    tolerance: float = 1e-8,
) -> Raked:
    """Bring the weighted shares of groups to known margins, one variable after another.

    Parameters
    ----------
    groups : sequence of int array (n)
        For each variable the number of everyone's group, from 0.
    shares : sequence of float array
        For each variable the share that each group should have; they add up to 1.
    weights : array (n), optional
        To begin with.
    most : int
        Rounds after which the search stops.
    tolerance : float
        Largest difference from a margin at which it has settled.

    Returns
    -------
    Raked

    Source: Deming & Stephan (1940), Annals of Mathematical Statistics 11; Deville, Särndal &
    Sautory (1993), JASA 88.

    >>> made = rake([np.array([0, 0, 0, 1])], [np.array([0.5, 0.5])])
    >>> made.weights.round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    n = len(groups[0])
    now = np.ones(n) if weights is None else np.asarray(weights, float)
    now = now / now.mean()
    rounds, gap = 0, _gap(groups, shares, now)
    while gap > tolerance and rounds < most:
        rounds += 1
        for group, wanted in zip(groups, shares, strict=True):
            held = np.bincount(group, now, len(wanted)) / n
            factor = np.divide(wanted, held, out=np.ones(len(wanted)), where=held > 0)
            now = now * factor[group]
        gap = _gap(groups, shares, now)
    return Raked(now, rounds, gap, gap <= tolerance)


def _gap(groups, shares, weights):
    """Return the largest difference between a weighted share and the one that is wanted."""
    return max(
        float(np.abs(np.bincount(g, weights, len(s)) / weights.sum() - s).max())
        for g, s in zip(groups, shares, strict=True)
    )


def r_indicator(chances: np.ndarray):
    """Give how alike the chances to answer are, 1 where all are the same.

    Parameters
    ----------
    chances : array (n)
        Of everyone invited to answer.

    Source: Schouten, Cobben & Bethlehem (2009), Survey Methodology 35.

    >>> r_indicator(np.array([0.25, 0.75]))
    0.2928932188134524
    """
    chances = np.asarray(chances, float)
    return float(1 - 2 * np.std(chances, ddof=1)) if len(chances) > 1 else np.nan


def answers_for(
    half_width: float, variance: float, conf_level: float = 0.95, design_effect: float = 1.0
) -> int:
    """Give the number of answers at which an interval has half a width wished for.

    Parameters
    ----------
    half_width : float
        In the unit of the score.
    variance : float
        Of one answer, in that unit squared.
    design_effect : float
        By which weights and repeated answers raise the variance.

    Source: Cochran (1977), Sampling Techniques, ch. 4.

    >>> answers_for(0.05, 0.25)
    385
    """
    exact = special.ndtri(0.5 + conf_level / 2) ** 2 * variance * design_effect / half_width**2
    return int(np.ceil(exact - 1e-9))
