"""Choice tasks that tell as much as possible about what people weigh.

Source: Huber & Zwerina (1996), Journal of Marketing Research 33; coordinate exchange Meyer &
Nachtsheim (1995), Technometrics 37.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.stats.choices import hessian, probabilities

ROUNDS = 30  # passes over all cells, after which a search ends whether or not it came to rest


@dataclass(frozen=True, eq=False)
class Design:
    """Choice tasks, and how well they tell the weights.

    Attributes
    ----------
    cells : ndarray of int, shape (tasks, alternatives, attributes)
        The level every offer shows of every attribute (0, 1, …).
    d_error : float
        Of one task: the determinant of the covariance of the weights, to the power of one over
        their number; infinite where no tasks were found without repeated or forbidden offers.
    """

    cells: np.ndarray
    d_error: float


def effects_coding(levels: int) -> np.ndarray:
    """Return the effects coding of a factor: levels × (levels − 1), the last level all −1.

    >>> effects_coding(3).tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    return np.vstack([np.eye(levels - 1), -np.ones(levels - 1)])


def expected_information(x: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Return what one task will tell about the weights, were they those expected.

    Parameters
    ----------
    x : ndarray, shape (alternatives, p)
        The coded offers of the task.
    beta : ndarray, shape (p,)

    Returns
    -------
    ndarray, shape (p, p)

    Source: McFadden (1974), in Zarembka (ed.), Frontiers in Econometrics.

    >>> expected_information(np.array([[1.0], [-1.0]]), np.zeros(1)).tolist()
    [[1.0]]
    """
    p = probabilities((x @ beta)[None, :], True)[0]
    return hessian(x[None], p[None])


def information(x: np.ndarray, beta: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Return what all tasks will tell about the weights: the sum over `task` (0, 1, …, one an
    offer) of `expected_information`, p × p.

    >>> x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    >>> information(x, np.zeros(1), np.array([0, 0, 1, 1])).tolist()
    [[2.0]]
    """
    total = np.zeros((x.shape[1],) * 2)
    for k in range(task.max() + 1):
        total += expected_information(x[task == k], beta)
    return total


def level_errors(cov: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Return the standard errors of the part-worths of all levels, an array an attribute.

    Parameters
    ----------
    cov : ndarray, shape (p, p)
        Of the weights in effects coding.
    sizes : sequence of int
        Levels of every attribute.

    >>> [e.round(3).tolist() for e in level_errors(np.eye(2), [3])]
    [[1.0, 1.0, 1.414]]
    """
    errors, at = [], 0
    for size in sizes:
        full, own = effects_coding(size), slice(at, at + size - 1)
        errors.append(np.sqrt(np.diag(full @ cov[own, own] @ full.T)))
        at += size - 1
    return errors


def efficient(
    sizes: Sequence[int],
    beta: np.ndarray,
    *,
    tasks: int,
    alternatives: int,
    forbidden: Sequence[Mapping[int, int]] = (),
    rng: np.random.Generator,
) -> Design:
    """Find tasks of a small D-error by coordinate exchange from one random start.

    Every cell is set to the level that makes the determinant of the expected information largest,
    until nothing improves; no task shows the same offer twice.

    Parameters
    ----------
    sizes : sequence of int
        Levels of every attribute.
    beta : ndarray, shape (p,)
        Expected weights in effects coding, the attributes one after another.
    tasks, alternatives : int
    forbidden : sequence of mapping
        Offers that must not occur: attribute → level, by their numbers.
    rng : Generator

    Returns
    -------
    Design

    Source: as the module.

    >>> found = efficient([2], np.zeros(1), tasks=4, alternatives=2, rng=np.random.default_rng(1))
    >>> found.cells.sum(axis=(1, 2)).tolist(), round(found.d_error, 6)  # one of each, every time
    ([1, 1, 1, 1], 1.0)
    """
    start = np.stack([rng.integers(0, s, (tasks, alternatives)) for s in sizes], axis=2)
    return _Exchange(start, sizes, beta, forbidden).run()


class _Exchange:
    """A search that changes one cell at a time."""

    def __init__(self, cells, sizes, beta, forbidden):
        self.cells, self.sizes, self.beta, self.forbidden = cells, sizes, beta, forbidden
        self.coded = [effects_coding(s) for s in sizes]
        self.parts = np.array([self._information(task) for task in cells])
        self.total, self.value = self.parts.sum(axis=0), -np.inf

    def run(self):
        """Return the design at which no cell improves any more."""
        tasks, alternatives, _ = self.cells.shape
        for _ in range(ROUNDS):
            before = self.value
            for task in range(tasks):
                for offer in range(alternatives):
                    for attribute, size in enumerate(self.sizes):
                        self._set(task, offer, attribute, size)
            if self.value - before < 1e-6:
                break
        if not np.isfinite(self.value):
            return Design(self.cells, np.inf)
        return Design(self.cells, float(np.exp(-self._level(self.total / tasks) / len(self.beta))))

    def _set(self, task, offer, attribute, size):
        """Set one cell to its best level."""
        cells, own = self.cells, self.parts[task]
        now = cells[task, offer, attribute]
        best = (self._level(self.total) if self._allowed(cells[task]) else -np.inf, now, own)
        for option in range(size):
            if option == now:
                continue
            cells[task, offer, attribute] = option
            if self._allowed(cells[task]):
                part = self._information(cells[task])
                level = self._level(self.total - own + part)
                if level > best[0] + 1e-10:
                    best = (level, option, part)
        self.value, cells[task, offer, attribute] = best[0], best[1]
        self.total, self.parts[task] = self.total - own + best[2], best[2]

    def _information(self, task):
        x = np.concatenate([c[task[:, i]] for i, c in enumerate(self.coded)], axis=1)
        return expected_information(x, self.beta)

    def _allowed(self, task):
        if len({tuple(row) for row in task}) < len(task):
            return False
        return not any(
            all(row[a] == v for a, v in rule.items()) for rule in self.forbidden for row in task
        )

    def _level(self, m):
        sign, log = np.linalg.slogdet(m + 1e-9 * np.eye(len(self.beta)))
        return log if sign > 0 else -np.inf
