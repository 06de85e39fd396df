"""Whether an estimate exists: separation and monotone likelihood, judged on the data.

A log-likelihood of a logit, a Poisson, an ordered or a conditional logit, or a Cox regression is
concave. It has a finite top unless there is a direction in which no row loses and some row gains
without end. Each row says what it demands of such a direction as an inequality, so a linear program
finds one or proves that there is none.

Source: Albert & Anderson (1984), Biometrika 71; Konis (2007), Computational algorithms for linear
separation, thesis, Oxford; monotone likelihood Heinze & Schemper (2001), Biometrics 57; estimates
of the terms that stay finite Geyer (2009), Electronic Journal of Statistics 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Beside a row's own size, what a linear program leaves of 0.
SMALL = 1e-8
NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class Recession:
    """Where a likelihood rises without end.

    Attributes
    ----------
    kept : ndarray of bool, shape (n,)
        Rows that no such direction decides: from these the weights that stay finite are estimated.
    null : ndarray, shape (p, q)
        Directions in which the rows that are left say nothing, as columns; none where the estimate
        exists.
    direction : ndarray, shape (p,)
        One in which the likelihood rises for ever; zeros where the estimate exists.
    """

    kept: np.ndarray
    null: np.ndarray
    direction: np.ndarray

    @classmethod
    def absent(cls, n, p):
        """Return that of n rows and p weights whose estimates all exist."""
        return cls(np.ones(n, bool), np.zeros((p, 0)), np.zeros(p))

    def turned(self, back):
        """Return the same in the weights that `back` (p × p) turns these into."""
        return Recession(self.kept, back @ self.null, back @ self.direction)

    @property
    def exists(self):
        """Whether all weights have a finite estimate."""
        return not self.direction.any()

    def finite(self, back=None):
        """Return which weights have a finite estimate; with `back` (p × p), those it turns them
        into.
        """
        null = self.null if back is None else back @ self.null
        if back is not None:
            null = null / np.maximum(np.linalg.norm(back, axis=1), 1e-300)[:, None]
        return (np.abs(null) < NOTHING).all(axis=1)


@dataclass(frozen=True, eq=False)
class Monotone(Recession):
    """The same of a partial likelihood: `strata` (n) splits the rows further, into those that can
    still be compared; `kept` holds for the comparisons made.
    """

    strata: np.ndarray


def recession(gains: np.ndarray, *, equal: np.ndarray | None = None) -> Recession:
    """Find the directions in which no row of a likelihood loses and some gain without end.

    Parameters
    ----------
    gains : ndarray, shape (n, p)
        A row's demand g: along d it gains where g·d > 0, and loses where g·d < 0.
    equal : ndarray, shape (m, p), optional
        Rows that lose either way: only d with g·d = 0 is open to them.

    Returns
    -------
    Recession
        Columns of any scale are put on one inside.

    >>> recession(np.array([[1.0], [2.0]])).exists  # a threshold tells the two outcomes apart
    False
    >>> recession(np.array([[1.0], [-2.0]])).exists
    True
    """
    gains = np.asarray(gains, float)
    p = gains.shape[1]
    held = np.zeros((0, p)) if equal is None else np.asarray(equal, float)
    scale = np.abs(np.concatenate([gains, held])).max(axis=0, initial=0)
    scale = np.where(scale > 0, scale, 1.0)
    g, held = gains / scale, held / scale
    kept, direction = np.ones(len(g), bool), np.zeros(p)
    # What one direction leaves open another may decide; every round takes a dimension away.
    for _ in range(p):
        step, decided = _step(g[kept], held)
        if step is None:
            break
        # Small beside the steps before, so that rows already decided stay so.
        direction = direction + step * (1e-2 if direction.any() else 1.0)
        kept[np.flatnonzero(kept)[decided]] = False
    if not direction.any():
        return Recession(kept, np.zeros((p, 0)), direction)
    null = _null(np.concatenate([g[kept], held])) / scale[:, None]
    null = null / np.maximum(np.linalg.norm(null, axis=0), 1e-300)
    return Recession(kept, null, direction / scale)


def _step(gains, held):
    """Return a direction in which the rows gain as much as they can together, and which of them it
    decides; None without one.
    """
    from scipy import optimize

    room = _null(held)
    inside = gains @ room
    if not inside.size or not np.abs(inside).max() > NOTHING:
        return None, None
    # On axes of their own and of one length, so that a narrow gap counts as much as a wide one.
    rows, sizes, turned = np.linalg.svd(inside, full_matrices=False)
    rank = int((sizes > NOTHING * sizes[0]).sum())
    rows = rows[:, :rank] * np.sqrt(len(rows))
    # Rows that say the same are asked once.
    asked, many = np.unique(rows.round(12), axis=0, return_counts=True)
    found = optimize.linprog(
        -(many @ asked) / len(rows),
        A_ub=-asked,
        b_ub=np.zeros(len(asked)),
        bounds=[(-1, 1)] * rank,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-9},
    )
    if found.x is None:
        return None, None
    gained, size = rows @ found.x, np.linalg.norm(rows, axis=1)
    slack = SMALL * size + NOTHING * size.max()
    decided = gained > slack
    # A solver may lean on its tolerance: a direction counts where no row loses by more than that.
    if not decided.any() or (gained < -slack).any():
        return None, None
    step = room @ (turned[:rank].T @ (found.x / sizes[:rank]))
    return step / np.abs(step).max(), decided


def _null(rows):
    """Return the directions to which rows say nothing, as columns."""
    p = rows.shape[1]
    if not rows.any():
        return np.eye(p)
    _, sizes, turned = np.linalg.svd(_spanning(rows), full_matrices=True)
    rank = int((sizes > NOTHING * sizes[0]).sum())
    null = turned[rank:].T
    return np.where(np.abs(null) < NOTHING, 0.0, null)


def complement(null):
    """Return directions, as columns, that together with `null` reach everywhere, and are square to
    it: in these what is left can be estimated.

    >>> np.abs(complement(np.array([[0.0], [2.0]]))).tolist()
    [[1.0], [0.0]]
    """
    null = np.asarray(null, float)
    if not null.shape[1]:
        return np.eye(len(null))
    turned, sizes, _ = np.linalg.svd(null, full_matrices=True)
    return turned[:, (sizes > NOTHING * sizes[0]).sum() :]


def newton(information, score) -> tuple:
    """Return Newton's step, and whether the information is sound enough to trust it.

    >>> step, sound = newton(np.array([[2.0, 0], [0, 1e-20]]), np.array([2.0, 1e-20]))
    >>> step.round(9).tolist(), sound
    ([1.0, 1.0], True)
    """
    size = np.sqrt(np.maximum(np.diag(information), 0))
    if (size > 0).all() and np.isfinite(information).all():
        alike = information / np.outer(size, size)
        try:
            root = np.linalg.cholesky(alike)
            half = np.linalg.solve(root, score / size)
            return np.linalg.solve(root.T, half) / size, True
        except np.linalg.LinAlgError:
            pass
    return np.linalg.lstsq(np.nan_to_num(information), score, rcond=None)[0], False


def certain(step: np.ndarray, information: np.ndarray, rows: np.ndarray, noise: np.ndarray) -> bool:
    """Say whether a concave likelihood has its top near where a search stands.

    Parameters
    ----------
    step : ndarray, shape (p,)
        Newton's next step.
    information : ndarray, shape (p, p)
    rows : ndarray, shape (n, p)
        Of the design, or of the differences a row can make.
    noise : ndarray, shape (p,)
        By how much rounding can have moved the slope of the likelihood.

    Returns
    -------
    bool
        True is proof; False only says that the data must be asked (`recession`).

    Source: Bach (2010), Electronic Journal of Statistics 4, proposition 2: where Newton's decrement
    is small beside how much a row can weigh, generalised self-concordance leaves the top no other
    place. On its way to infinity a search never meets this, however long it goes.

    >>> rows = np.array([[1.0], [-1.0]])
    >>> certain(np.array([1e-9]), np.array([[25.0]]), rows, np.array([1e-15]))
    True
    """
    size = np.sqrt(np.maximum(np.diag(information), 0))
    if not (size > 0).all():
        return False
    try:
        root = np.linalg.cholesky(information / np.outer(size, size))
    except np.linalg.LinAlgError:
        return False
    decrement = np.linalg.norm(root.T @ (step * size))
    rounding = np.linalg.norm(np.abs(np.linalg.inv(root)) @ (noise / size))
    widest = np.linalg.norm(np.linalg.solve(root, (rows / size).T), axis=0).max(initial=0)
    return bool((decrement + rounding) * widest < 0.5)


def of_logit(x, y):
    """Return the Recession of a logit: design with its constant (n × p), outcomes of 0 and 1 (n).

    Source: as the module.

    >>> of_logit(np.array([[1.0, 0], [1, 1], [1, 1]]), np.array([0, 1, 0])).finite().tolist()
    [False, False]
    """
    return recession(np.where(np.asarray(y) > 0.5, 1.0, -1.0)[:, None] * x)


def of_log_link(x, y) -> Recession:
    """Return the Recession of a Poisson regression: design (n × p), counts or amounts (n).

    Only rows of 0 can gain for ever. `kept` holds for all rows.

    Source: as the module; Santos Silva & Tenreyro (2010), Economics Letters 107.

    >>> of_log_link(np.array([[1.0, 0], [1, 0], [1, 1]]), np.array([1, 2, 0])).finite().tolist()
    [True, False]
    """
    some = np.asarray(y) > 0
    made = recession(-x[~some], equal=_spanning(x[some]))
    kept = np.ones(len(x), bool)
    kept[~some] = made.kept
    return Recession(kept, made.null, made.direction)


def of_ordered(x, y):
    """Return the Recession of an ordered logit: design without a constant (n × p), grades (n); its
    direction holds the weights, then the thresholds between the grades.

    Source: as the module; Agresti (2010), Analysis of Ordinal Categorical Data, section 3.4.

    >>> of_ordered(np.array([[0.0], [1], [2]]), np.array([1, 2, 3])).exists
    False
    """
    _, grade = np.unique(np.asarray(y), return_inverse=True)
    cuts = np.eye(int(grade.max()))
    below, above = grade < grade.max(), grade > 0
    upper = np.column_stack([-x[below], cuts[grade[below]]])
    lower = np.column_stack([x[above], -cuts[grade[above] - 1]])
    return recession(np.concatenate([upper, lower]))


def of_choice(x, chosen, available):
    """Return the Recession of a conditional logit: attributes (N × J × p), the alternative chosen
    (N), and what was available (N × J).

    Source: as the module.

    >>> x = np.array([[[1.0], [0.0]], [[3.0], [2.0]]])
    >>> of_choice(x, np.array([0, 0]), np.ones((2, 2), bool)).exists
    False
    """
    rows = np.arange(len(chosen))
    gap = x[rows, chosen][:, None, :] - x
    return recession(gap[available])


def of_hazards(x, time, ended, strata=None) -> Monotone:
    """Return what is Monotone of a Cox regression: covariates (n × p), durations, whether each
    ended (n), and optionally the stratum of each.

    Whoever leaves must, along the direction, stand highest of all still there. Compared in the
    order of leaving that takes one comparison a row, not one a pair.

    Source: as the module.

    >>> of_hazards(np.array([[1.0], [1], [0], [0]]), [1, 2, 3, 4], [1, 1, 1, 0]).exists
    False
    """
    x, time, ended = np.asarray(x, float), np.asarray(time, float), np.asarray(ended) > 0
    strata = np.zeros(len(time), int) if strata is None else np.asarray(strata)
    order = np.lexsort((~ended, time, strata))
    x, time, ended, of = x[order], time[order], ended[order], strata[order]
    here = np.arange(len(time))
    # Who left last, at or before each row; one who leaves is compared with the one before.
    last = np.maximum.accumulate(np.where(ended, here, -1))
    before = np.where(ended, np.append(-1, last[:-1]), last)
    before[(before >= 0) & (of[before] != of)] = -1
    compared = before >= 0
    tied = compared & ended & (time[before] == time)
    gains = np.zeros((len(time), x.shape[1]))
    gains[compared] = x[before[compared]] - x[compared]
    free = compared & ~tied
    made = recession(gains[free], equal=_spanning(gains[tied]))
    open_rows = tied.copy()
    open_rows[free] = made.kept
    # Leavers whose comparison is open stay together; others begin a set of their own.
    run = np.cumsum(ended & ~open_rows)
    alone = ~ended & ~open_rows
    part = np.where(alone, len(time) + here, run)
    back = np.empty(len(time), int)
    back[order] = np.unique(part, return_inverse=True)[1]
    return Monotone(made.kept, made.null, made.direction, back)


def of_stretch(x, log_time, ended) -> Recession:
    """Return the Recession of an accelerated-failure-time model: design with its constant (n × p),
    logarithms of durations, and whether each ended (n).

    A duration that ended loses either way; one that goes on gains where it is thought longer.
    `kept` holds for all rows.

    Source: as the module; Kalbfleisch & Prentice (2002), section 3.6.

    >>> x = np.array([[1.0, 0], [1, 0], [1, 1]])
    >>> of_stretch(x, np.log([1, 2, 3]), np.array([1, 1, 0])).finite().tolist()
    [True, False]
    """
    ended = np.asarray(ended) > 0
    made = recession(x[~ended], equal=_spanning(x[ended]))
    kept = np.ones(len(x), bool)
    kept[~ended] = made.kept
    return Recession(kept, made.null, made.direction)


def exact_fit(x, log_time, ended):
    """Say whether some weights meet every duration that ended exactly, and none that goes on is
    thought to have ended: then the spread of an accelerated-failure-time model runs to 0 and its
    likelihood has no top.

    Source: Meeker & Escobar (1998), Statistical Methods for Reliability Data, section 8.

    >>> exact_fit(np.ones((3, 1)), np.log([30, 30, 12]), np.array([1, 1, 0]))
    True
    """
    from scipy import optimize

    log_time, ended = np.asarray(log_time, float), np.asarray(ended) > 0
    if not ended.any():
        return True
    weights, *_ = np.linalg.lstsq(x[ended], log_time[ended], rcond=None)
    left = log_time[ended] - x[ended] @ weights
    if np.abs(left).max() > 1e-9 * max(1.0, np.abs(log_time).max()):
        return False
    if ended.all():
        return True
    found = optimize.linprog(
        np.zeros(x.shape[1]),
        A_ub=-x[~ended],
        b_ub=-log_time[~ended],
        A_eq=_spanning(x[ended]),
        b_eq=_spanning(x[ended]) @ weights,
        bounds=[(None, None)] * x.shape[1],
        method="highs",
    )
    return found.status == 0


def _spanning(rows):
    """Return a few rows that demand what all of them demand together."""
    if len(rows) <= rows.shape[1]:
        return rows
    scale = np.abs(rows).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    triangle = np.linalg.qr(rows / scale, mode="r")
    return np.where(np.abs(triangle) < NOTHING, 0.0, triangle) * scale
