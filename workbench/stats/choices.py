"""Choice among alternatives: chances, and the conditional logit of arrays.

Source: McFadden (1974), in Zarembka (ed.), Frontiers in Econometrics; Train (2009), Discrete Choice
Methods with Simulation, chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats import existence, penalised
from workbench.stats.likelihoods import sandwich_within, sum_by_group


@dataclass(frozen=True, eq=False)
class Offers:
    """What was offered, and what was taken.

    Attributes
    ----------
    x : ndarray, shape (n, j, p)
        Attributes of every alternative of every choice, 0 where not available.
    available : ndarray of bool, shape (n, j)
    chosen : ndarray of int, shape (n,)
        The place of the alternative taken.
    """

    x: np.ndarray
    available: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True, eq=False)
class ConditionalLogit:
    """A conditional logit at the top of its likelihood.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Missing where no finite estimate exists.
    cov : ndarray, shape (p, p)
        Inverse of the information, or summed over groups; missing where params are.
    loglik : float
        At the top, or what it tends to.
    chances : ndarray, shape (n, j)
    recession : existence.Recession
        What the data say about the existence of the estimate.
    settled : bool
        Whether the search came to rest.
    steps : int
    gradient : float
        Largest absolute slope left.
    low, high, p_value : ndarray, shape (p,), optional
        Of a penalised fit: limits and tests from its profile.
    classical : ndarray, shape (p, p), optional
        Inverse of the information, whatever `cov` is.
    """

    params: np.ndarray
    cov: np.ndarray
    loglik: float
    chances: np.ndarray
    recession: existence.Recession
    settled: bool
    steps: int
    gradient: float
    low: np.ndarray = None
    high: np.ndarray = None
    p_value: np.ndarray = None
    classical: np.ndarray = None


def probabilities(v: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Return the chances exp(V) / Σ exp(V) over what is available.

    Parameters
    ----------
    v : ndarray, shape (n, j, …)
        The alternative is axis 1.
    available : ndarray of bool, as v

    Returns
    -------
    ndarray, as v

    >>> probabilities(np.log([[1.0, 3.0, 5.0]]), np.array([[True, True, False]])).round(9).tolist()
    [[0.25, 0.75, 0.0]]
    """
    v = np.where(available, v, -np.inf)
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def null_loglik(offers) -> float:
    """Return the log-likelihood of equal shares over what was available."""
    return float(-np.log(offers.available.sum(axis=1)).sum())


def hessian(x, p, weights=None):
    """Return minus the second derivative of the log-likelihood: the spread of attributes around
    their expectation, p × p.
    """
    n, j, k = x.shape
    each = x * p[:, :, None]
    mean = each.sum(axis=1)
    if weights is not None:
        each, mean = (
            each * np.asarray(weights, float)[:, None, None],
            mean * np.sqrt(weights)[:, None],
        )
    return x.reshape(n * j, k).T @ each.reshape(n * j, k) - mean.T @ mean


def scores(offers, p):
    """Return the derivative of every choice's log chance by the weights, n × p."""
    picked = offers.x[np.arange(len(offers.chosen)), offers.chosen]
    return picked - np.einsum("nj,njp->np", p, offers.x)


def conditional_logit(
    offers: Offers,
    *,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    most: int = 50,
) -> ConditionalLogit:
    """Fit a conditional logit by maximum likelihood.

    Parameters
    ----------
    offers : Offers
        Attributes are compared within a choice and put on one scale inside, so that neither their
        place nor their unit matters.
    groups : ndarray of int, shape (n,), optional
        The sampling unit of each choice (0, 1, …): errors are robust, summed over it. None: from
        the information alone.
    weights : ndarray, shape (n,), optional
        How many choices each stands for.
    start : ndarray, shape (p,), optional
    most : int
        Newton steps, halved where they lead down.

    Returns
    -------
    ConditionalLogit
        Where some weights have no finite estimate, the others are those to which the likelihood
        tends.

    Source: as the module; existence as `workbench.stats.existence`; errors Liang & Zeger (1986),
    Biometrika 73.

    >>> x = np.array([[[1.0], [0.0]]] * 4)
    >>> offers = Offers(x, np.ones((4, 2), bool), np.array([0, 0, 0, 1]))
    >>> round(float(np.exp(conditional_logit(offers).params[0])), 6)  # odds of 3 to 1
    3.0
    """
    n, _, p = offers.x.shape
    w = np.ones(n) if weights is None else np.asarray(weights, float)
    x, scale = _within(offers)
    beta = np.zeros(p) if start is None else start * scale
    search = _climb(x, offers.available, offers.chosen, w, beta, most)
    asked = existence.Recession.absent(int(offers.available.sum()), p)
    if not search.proven:
        some = w > 0
        asked = existence.of_choice(x[some], offers.chosen[some], offers.available[some])
    if not asked.exists:
        return _what_is_left(offers, x, scale, w, groups, asked, most)
    chances = probabilities((x.reshape(-1, p) @ search.beta).reshape(n, -1), offers.available)
    return ConditionalLogit(
        search.beta / scale,
        _covariance(offers, chances, w, groups, np.eye(p)),
        float(_loglik(w, chances, offers.chosen)),
        chances,
        asked,
        search.settled,
        search.steps,
        float(np.abs(search.gradient * scale).max(initial=0)),
        classical=_covariance(offers, chances, w, None, np.eye(p)),
    )


def firth_conditional_logit(offers: Offers, *, conf_level: float = 0.95) -> ConditionalLogit:
    """Fit Firth's penalised conditional logit: it exists for every sample.

    Parameters
    ----------
    offers : Offers
    conf_level : float
        Of the profile limits.

    Returns
    -------
    ConditionalLogit

    Source: Firth (1993), Biometrika 80; for choices Kessels, Jones & Goos (2019), Journal of
    Choice Modelling 31.

    >>> x = np.array([[[1.0], [0.0]]] * 4)  # always taken: half a choice each way is added
    >>> offers = Offers(x, np.ones((4, 2), bool), np.zeros(4, int))
    >>> round(float(np.exp(firth_conditional_logit(offers).params[0])), 5)
    9.0
    """
    n, _, p = offers.x.shape
    x, scale = _within(offers)
    own, rows = Offers(x, offers.available, offers.chosen), np.arange(n)

    def parts(b):
        chances = probabilities(x @ b, offers.available)
        value = float(np.log(np.maximum(chances[rows, offers.chosen], 1e-300)).sum())
        return penalised.Parts(value, scores(own, chances).sum(axis=0), hessian(x, chances))

    top = penalised.firth(parts, p)
    low, high, p_value = np.array(
        [penalised.profile(parts, top, row, conf_level) for row in np.diag(1 / scale)]
    ).T
    return ConditionalLogit(
        top.params / scale,
        top.cov / np.outer(scale, scale),
        parts(top.params).value,
        probabilities(x @ top.params, offers.available),
        existence.Recession.absent(int(offers.available.sum()), p),
        top.settled,
        0,
        0.0,
        low,
        high,
        p_value,
    )


@dataclass(frozen=True, eq=False)
class _Search:
    """Where a search stands: weights, slope, steps taken, whether it came to rest, and whether that
    proves that the top exists.
    """

    beta: np.ndarray
    gradient: np.ndarray
    steps: int
    settled: bool
    proven: bool


def _climb(x, available, chosen, w, beta, most):
    """Maximise the (weighted) likelihood by Newton steps with halving."""
    rows, p = np.arange(len(chosen)), x.shape[2]
    # Flat: a product of a matrix and a vector is many times faster than one over three axes.
    flat, shape = x.reshape(-1, p), available.shape
    chances = probabilities((flat @ beta).reshape(shape), available)
    picked, value = w @ x[rows, chosen], _loglik(w, chances, chosen)
    settled, step, gradient = False, 0, np.zeros(p)
    while not settled and step < most:
        step += 1
        gradient = picked - (chances * w[:, None]).ravel() @ flat
        if np.abs(gradient).max(initial=0) < 1e-7 * max(w.sum(), 1):
            settled = True
            continue
        move, _ = existence.newton(hessian(x, chances, w), gradient)
        for _ in range(30):
            p_new = probabilities((flat @ (beta + move)).reshape(shape), available)
            new = _loglik(w, p_new, chosen)
            if new >= value - 1e-12:
                break
            move = move / 2
        beta, chances, value = beta + move, p_new, new
    move, sound = existence.newton(hessian(x, chances, w), gradient)
    noise = np.finfo(float).eps * (w @ np.abs(x).max(axis=1)) * 2
    proven = settled and sound and existence.certain(move, hessian(x, chances, w), 2 * flat, noise)
    # One step more: the last digits, whatever the scale at which the search stopped.
    return _Search(beta + move, gradient, step, settled, proven)


def _what_is_left(offers, x, scale, w, groups, asked, most):
    """Return the fit of the weights that stay finite, where others have no estimate.

    What a direction without end decides is no longer in doubt: those alternatives are as if not
    available, and the weights may move only where something is still told.
    """
    p = offers.x.shape[2]
    there, used = offers.available.copy(), np.flatnonzero(w > 0)
    part = there[used]
    open_ones = part.copy()
    open_ones[part] = asked.kept
    # An alternative gains nothing over itself, so the one chosen is among those that are kept.
    there[used] = open_ones
    room = existence.complement(asked.null)
    params, cov = np.full(p, np.nan), np.full((p, p), np.nan)
    search = _Search(np.zeros(0), np.zeros(0), 0, True, True)
    if room.shape[1]:
        search = _climb(x @ room, there, offers.chosen, w, np.zeros(room.shape[1]), most)
    chances = probabilities(x @ (room @ search.beta), there)
    finite = asked.finite()
    params[finite] = (room @ search.beta / scale)[finite]
    if finite.any():
        own = Offers(x, there, offers.chosen)
        around = _covariance(own, chances, w, groups, room) / np.outer(scale, scale)
        cov[np.ix_(finite, finite)] = around[np.ix_(finite, finite)]
    return ConditionalLogit(
        params,
        cov,
        float(_loglik(w, chances, offers.chosen)),
        chances,
        asked.turned(np.diag(1 / scale)),
        search.settled,
        search.steps,
        float(np.abs(search.gradient).max(initial=0)),
    )


def _covariance(offers, chances, w, groups, room):
    """Return the covariance of weights that may move along `room`: from the information, or
    summed over groups.
    """
    weighted = None if (w == 1).all() else w
    offers = centred(offers)
    information = hessian(offers.x, chances, weighted)
    if groups is None:
        inner = np.linalg.pinv(room.T @ information @ room, rcond=1e-14, hermitian=True)
        return room @ inner @ room.T
    each = scores(offers, chances) * w[:, None]
    return sandwich_within(information, sum_by_group(each, groups, int(groups.max()) + 1), room)


def centred(offers) -> Offers:
    """Return offers with attributes less their mean over what a choice offers: no chance changes,
    and a price far from 0, or a moment, keeps its digits.

    >>> offers = Offers(np.array([[[7.0], [9.0]]]), np.ones((1, 2), bool), np.array([0]))
    >>> centred(offers).x[0, :, 0].tolist()
    [-1.0, 1.0]
    """
    there = offers.available[:, :, None]
    many = np.maximum(there.sum(axis=1, keepdims=True), 1)
    x = offers.x
    for _ in range(2):  # the mean of what lies far from 0 has lost its last digits
        x = np.where(there, x - (x * there).sum(axis=1, keepdims=True) / many, 0.0)
    return Offers(x, offers.available, offers.chosen)


def _within(offers):
    """Return attributes less their mean over what a choice offers, on one scale, and that scale."""
    x = centred(offers).x
    scale = np.maximum(np.sqrt((x**2).mean(axis=(0, 1))), 1e-300)
    return x / scale, scale


def _loglik(w, p, chosen):
    with np.errstate(divide="ignore"):
        return w @ np.log(p[np.arange(len(chosen)), chosen])
