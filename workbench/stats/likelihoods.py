"""What every likelihood needs around its top: slopes, last digits, clustered errors, errors of what
follows from its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.stats import existence

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

ROUNDS = 60  # Newton steps after which a search has not settled
HALVES = 40  # halvings of a step that leads down


@dataclass(frozen=True, eq=False)
class Top:
    """Where a search for the top of a concave likelihood came to rest: the weights, whether it did
    come to rest, and whether that proves that the top exists.
    """

    params: np.ndarray
    settled: bool
    proven: bool


def climb(
    parts: Callable,
    b: np.ndarray,
    rows: np.ndarray,
    *,
    noise: Callable,
    spread: float = 1.0,
    value: Callable | None = None,
) -> Top:
    """Search the top of a concave likelihood by Newton steps, halved where they lead down.

    Parameters
    ----------
    parts : callable
        From weights (p) to `penalised.Parts`: value, slope and information.
    b : ndarray, shape (p,)
        Where the search begins.
    rows : ndarray, shape (n, p)
        The design: no row may move any more when the search has settled.
    noise : callable
        From weights to by how much rounding can have moved the slope (p).
    spread : float
        How many times as far two rows may lie apart as one row of the design is long.
    value : callable, optional
        From weights to the value alone, where that costs less.

    Returns
    -------
    Top

    Source: Nocedal & Wright (2006), Numerical Optimization, section 3.3; proof of the top
    `existence.certain`.

    >>> from workbench.stats.penalised import Parts
    >>> def level(b):  # ten values with mean 2 and variance 1
    ...     return Parts(-5 * (b[0] - 2) ** 2, np.array([10 * (2 - b[0])]), np.array([[10.0]]))
    >>> climb(level, np.zeros(1), np.ones((10, 1)), noise=lambda b: np.zeros(1)).params.tolist()
    [2.0]
    """
    here = parts(b)
    step, sound = existence.newton(here.information, here.score)
    for _ in range(ROUNDS):
        moved = float(np.abs(rows @ step).max(initial=0))
        for _ in range(HALVES):
            new = parts(b + step) if value is None else value(b + step)
            reached = new.value if value is None else new
            if reached >= here.value - 1e-12 * abs(here.value):
                break
            step = step / 2
        b = b + step
        here = new if value is None else parts(b)
        step, sound = existence.newton(here.information, here.score)
        if moved < 1e-7:
            break
    settled = bool(sound and float(np.abs(rows @ step).max(initial=0)) < 1e-6)
    if not settled:
        return Top(b, False, False)
    return Top(b, True, existence.certain(step, here.information, spread * rows, noise(b)))


def numerical_jacobian(gradient: Callable, at: np.ndarray, size: float = 1e-5) -> np.ndarray:
    """Return the derivative of a gradient by central differences, symmetric.

    Parameters
    ----------
    gradient : callable
        From weights (p) to the gradient there (p).
    at : ndarray, shape (p,)
    size : float
        Step, beside the size of a weight.

    Returns
    -------
    ndarray, shape (p, p)

    Source: Press et al. (2007), Numerical Recipes, section 5.7.

    >>> numerical_jacobian(lambda b: np.array([3 * b[0], b[1]]), [1.0, 2.0]).round(6).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    at = np.asarray(at, float)
    step = size * np.maximum(np.abs(at), 1)
    columns = [
        (gradient(at + h) - gradient(at - h)) / (2 * h[k]) for k, h in enumerate(np.diag(step))
    ]
    made = np.array(columns)
    return (made + made.T) / 2


def newton_refine(gradient, params, *, steps: int = 8, enough: float = 1e-7) -> tuple:
    """Return the optimum after a few Newton steps on a gradient, taken as long as they make it
    smaller, and the largest absolute gradient left.

    A search stops at what it can see of the value; the gradient shows more digits.

    Source: Nocedal & Wright (2006), Numerical Optimization, section 3.3.

    >>> best, left = newton_refine(lambda b: 2 - b**3, np.array([1.0]))
    >>> round(float(best[0]), 9) == round(2 ** (1 / 3), 9), left < 1e-7
    (True, True)
    """
    best, left = params, gradient(params)
    for _ in range(steps):
        if np.abs(left).max(initial=0) < enough:
            break
        try:
            new = best - np.linalg.solve(numerical_jacobian(gradient, best), left)
        except np.linalg.LinAlgError:
            break
        now = gradient(new)
        if not np.abs(now).max() < np.abs(left).max():
            break
        best, left = new, now
    return best, float(np.abs(left).max(initial=0))


def sum_by_group(values, number, groups):
    """Return the sums of rows over their groups: groups × columns.

    >>> sum_by_group(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0]), 2).tolist()
    [[5.0], [2.0]]
    """
    flat = values.reshape(len(values), -1)
    return np.column_stack([np.bincount(number, column, groups) for column in flat.T]).reshape(
        groups, *values.shape[1:]
    )


def sandwich(information: np.ndarray, summed: np.ndarray) -> np.ndarray:
    """Return the clustered covariance of weights.

    Parameters
    ----------
    information : ndarray, shape (p, p)
        Positive definite.
    summed : ndarray, shape (g, p)
        Scores, summed over each of g sampling units.

    Returns
    -------
    ndarray, shape (p, p)

    Source: Liang & Zeger (1986), Biometrika 73, with the correction g / (g − 1).

    >>> sandwich(np.array([[2.0]]), np.array([[1.0], [-1.0]])).tolist()
    [[1.0]]
    """
    g = len(summed)
    bread = np.linalg.inv(information)
    return bread @ (summed.T @ summed) @ bread * g / (g - 1)


def sandwich_within(information, summed, room):
    """Return the clustered covariance of weights that may move only along the columns of `room`
    (p × q): along the others no finite estimate exists.

    >>> sandwich_within(np.diag([2.0, 0]), np.array([[1.0, 0], [-1, 0]]), np.eye(2)[:, :1]).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    if room.shape[0] == room.shape[1]:
        return sandwich(information, summed)
    return room @ sandwich(room.T @ information @ room, summed @ room) @ room.T


def unidentified(information: np.ndarray) -> np.ndarray:
    """Return which weights the data do not tell apart: the information is flat along a direction
    in which they take part.

    Parameters
    ----------
    information : ndarray, shape (p, p)

    Returns
    -------
    ndarray of bool, shape (p,)

    Source: Rothenberg (1971), Econometrica 39.

    >>> unidentified(np.array([[1.0, 1.0, 0], [1, 1, 0], [0, 0, 1]])).tolist()
    [True, True, False]
    """
    size = np.sqrt(np.maximum(np.diag(information), 0))
    gone = ~(size > 0)
    size = np.where(gone, 1.0, size)
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    flat = values < FLAT * max(values.max(initial=0), 1.0)
    return gone | (np.abs(vectors[:, flat]) > 0.1).any(axis=1)


FLAT = 1e-7  # beside the steepest direction: less is what differences of slopes leave of 0


def delta(compute: Callable, params: ArrayLike, cov: ArrayLike) -> tuple:
    """Return a function of the estimates and its standard errors by the delta method (central
    differences of the fourth order).

    Parameters
    ----------
    compute : callable
        From weights (p) to values (a).
    params : array-like, shape (p,)
    cov : array-like, shape (p, p)

    Returns
    -------
    tuple of ndarray
        Values (a) and their errors (a).

    Source: Oehlert (1992), The American Statistician 46.

    >>> [float(v[0].round(4)) for v in delta(np.exp, [0.0], [[0.04]])]
    [1.0, 0.2]
    """
    beta, cov = np.asarray(params, float), np.asarray(cov, float)
    se = np.sqrt(np.diag(cov))
    jacobian = []
    for k in range(len(beta)):
        step = np.zeros(len(beta))
        # Wide enough that the rounding of sums, which depends on the machine, is not seen.
        step[k] = max(1e-2 * se[k], 1e-9)
        near, far = (compute(beta + m * step) - compute(beta - m * step) for m in (1, 2))
        jacobian.append((8 * near - far) / (12 * step[k]))
    jacobian = np.array(jacobian)
    return compute(beta), np.sqrt(np.maximum(np.einsum("pa,pq,qa->a", jacobian, cov, jacobian), 0))
