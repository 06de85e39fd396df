"""How people feel at every step of a journey, from what happened, what they answered and wrote, and
whether they answered at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from workbench.stats.state_space import NODES, WEIGHTS, Model, kalman_filter, smoother

LEVEL, AFFECT, READY = 0, 1, 2  # parts of the state
ANSWER, TEXT, ACT = 0, 1, 2  # kinds of observations
LEAST = 1e-4
STEADY, FARTHEST, LOGS = 0.99, 1.0, (-12.0, 12.0)  # carry, a step, logarithms of variances
SETTLED, LONGEST = 1e-7, 16.0  # gain of a round that is none; longest leap


@dataclass(frozen=True, eq=False)
class Series:
    """Journeys of n people, of at most T steps.

    `there` (n, T) whether a step was made; `inputs` (n, T, k) what happened at it; `first` (n, j)
    what is known at the first step; `traits` (n, h) what bears on answering; `observed` (n, T, 3)
    the answer, the score of a text, and whether an invitation was answered (1 or 0), missing where
    there is none.
    """

    there: np.ndarray
    inputs: np.ndarray
    first: np.ndarray
    traits: np.ndarray
    observed: np.ndarray


@dataclass(frozen=True, eq=False)
class Parameters:
    """What moves affect and how it shows.

    `carry` (how much of the affect before stays), `effects` (k), `first` (j), `shock` (variance),
    `start` (3, 3: level, affect and readiness to answer at the first step), `noise` (of an answer),
    `text` (offset, slope, variance of a score), `act` (log-odds to answer: offset, slope on affect,
    traits).
    """

    carry: float
    effects: np.ndarray
    first: np.ndarray
    shock: float
    start: np.ndarray
    noise: float
    text: np.ndarray
    act: np.ndarray

    def packed(self):
        """Return the parameters as one vector without bounds."""
        low = np.linalg.cholesky(self.start + 1e-9 * np.eye(3))[np.tril_indices(3)]
        spread = np.log([self.shock, self.noise, self.text[2]])
        return np.concatenate(
            [[self.carry], self.effects, self.first, low, spread, self.text[:2], self.act]
        )

    def unpacked(self, vector):
        """Return parameters of the same shape from such a vector."""
        k, j = len(self.effects), len(self.first)
        ends = np.cumsum([1, k, j, 6, 3, 2])
        carry, effects, first, low, spread, text, act = np.split(vector, ends)
        root = np.zeros((3, 3))
        root[np.tril_indices(3)] = low
        # Steps and leaps may go too far: what is no affect that comes to rest is kept out.
        shock, noise, blur = np.exp(np.clip(spread, *LOGS))
        return Parameters(
            float(np.clip(carry[0], -STEADY, STEADY)),
            effects,
            first,
            float(shock),
            root @ root.T,
            float(noise),
            np.array([*text, blur]),
            act,
        )


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted parameters, the covariance of their vector, and what they say of every step.

    `mean` and `variance` (n, T) of affect, given all that was seen of a person; `covariance` (q, q)
    of `parameters.packed()`; `log_likelihood`; `settled`.
    """

    parameters: Parameters
    mean: np.ndarray
    variance: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    settled: bool


def begin(series: Series) -> Parameters:
    """Return parameters from which a fit begins: from the answers as they are.

    Parameters
    ----------
    series : Series

    Returns
    -------
    Parameters
    """
    answers = series.observed[..., ANSWER]
    spread = max(float(np.nanvar(answers)), LEAST)
    middle, carry = float(np.nanmean(answers)), 0.5
    rows = ~np.isnan(answers)
    rows[:, 0] = False
    x, y = series.inputs[rows], answers[rows] - middle
    effects = (1 - carry) * _ridge(x.T @ x, x.T @ y) + (1 - carry) * middle * _ones(series.inputs)
    score = series.observed[..., TEXT]
    blur = max(float(np.nanvar(score)), LEAST) if (~np.isnan(score)).any() else 1.0
    at = float(np.nanmean(score)) if (~np.isnan(score)).any() else 0.0
    slope = 0.5 * np.sqrt(blur / spread)
    acts = series.observed[..., ACT]
    known = acts[~np.isnan(acts)]
    chance = np.clip(known.mean(), 0.02, 0.98) if len(known) else 0.5
    start = np.diag([0.05 * spread, 0.5 * spread, 0.5])
    return Parameters(
        carry,
        effects,
        middle * _ones(series.first[:, None]),
        0.25 * spread,
        start,
        0.4 * spread,
        np.array([at - slope * middle, slope, 0.7 * blur]),
        np.concatenate([[special.logit(chance)], np.zeros(1 + series.traits.shape[1])]),
    )


def _ones(design):
    """Return the weights by which columns of a design sum to 1 in every row, as near as can be."""
    rows = design.reshape(-1, design.shape[-1])
    return _ridge(rows.T @ rows, rows.sum(axis=0))


def _ridge(matrix, right):
    return np.linalg.solve(matrix + 1e-6 * max(np.trace(matrix), 1) * np.eye(len(matrix)), right)


def model_of(series: Series, parameters: Parameters) -> Model:
    """Return the state-space model of journeys."""
    n, steps, _ = series.inputs.shape
    start, shift = np.zeros((n, 3)), np.zeros((n, steps, 3))
    start[:, AFFECT] = series.first @ parameters.first
    shift[..., AFFECT] = series.inputs @ parameters.effects
    noise = np.zeros((3, 3))
    noise[AFFECT, AFFECT] = parameters.shock
    transition = np.eye(3)
    transition[AFFECT] = [1.0, parameters.carry, 0.0]
    design = np.zeros((3, 3))
    design[ANSWER, AFFECT] = 1.0
    design[TEXT, AFFECT] = parameters.text[1]
    design[ACT, [AFFECT, READY]] = parameters.act[1], 1.0
    offset = np.zeros((n, steps, 3))
    offset[..., TEXT] = parameters.text[0]
    offset[..., ACT] = (parameters.act[0] + series.traits @ parameters.act[2:])[:, None]
    variance = np.array([parameters.noise, parameters.text[2], 1.0])
    binary = np.array([False, False, True])
    return Model(
        start, parameters.start, transition, shift, noise, design, offset, variance, binary
    )


def states(series: Series, parameters: Parameters) -> tuple:
    """Return what is known of every state, and the log-likelihood of every person.

    Returns
    -------
    tuple
        Smoothed, Filtered.
    """
    model = model_of(series, parameters)
    filtered = kalman_filter(series.observed, model)
    return smoother(filtered, model), filtered


def fit(
    series: Series,
    start: Parameters | None = None,
    *,
    slope: float | None = None,
    rounds: int = 30,
    errors: bool = True,
) -> Fit:
    """Fit affect along journeys by maximum likelihood.

    Affect at a step is `carry` times the one before, plus the person's level, plus what happens;
    an answer is affect with noise, the score of a text a line of it, and the log-odds to answer
    hang on affect at that step, traits and a readiness of the person's own.

    Parameters
    ----------
    series : Series
    start : Parameters, optional
        From which to begin; None: `begin`.
    slope : float, optional
        What a point of affect adds to the log-odds to answer, where it is assumed, not fitted.
    rounds : int
        Rounds of expectation and maximisation; two steps by the scores of persons follow.
    errors : bool
        Whether the covariance of the parameters is worked out.

    Returns
    -------
    Fit

    Source: expectation and maximisation: Shumway & Stoffer (1982), Journal of Time Series Analysis
    3; shared-parameter response: Follmann & Wu (1995), Biometrics 51; steps by the scores of
    persons: Berndt, Hall, Hall & Hausman (1974), Annals of Economic and Social Measurement 3.
    """
    now = begin(series) if start is None else start
    if slope is not None:
        now = replace(now, act=_with(now.act, 1, slope))
    now, settled = _climbed(series, now, slope, rounds)
    free = np.ones(len(now.packed()), bool)
    if slope is not None:
        free[len(free) - len(now.act) + 1] = False
    covariance = np.full((len(free), len(free)), np.nan)
    if errors:
        now, covariance = _scored(series, now, free)
    smoothed, filtered = states(series, now)
    return Fit(
        now,
        smoothed.mean[..., AFFECT],
        np.maximum(smoothed.cov[..., AFFECT, AFFECT], 0),
        covariance,
        float(filtered.log_likelihood.sum()),
        settled,
    )


def _climbed(series, now, slope, rounds):
    """Return the parameters after rounds of expectation and maximisation, and whether they settled.

    Every third round leaps along the path of the two before it; a leap that does not help is taken
    back.

    Source: Varadhan & Roland (2008), Scandinavian Journal of Statistics 35 (SQUAREM).
    """
    best, last, done = now, -np.inf, 0
    while done < rounds:
        path = [now]
        for _ in range(2):
            smoothed, filtered = states(series, path[-1])
            total = float(filtered.log_likelihood.sum())
            if len(path) == 1 and not total >= last:
                # The leap did not help: go on from where it began.
                path, last = [best], -np.inf
                smoothed, filtered = states(series, best)
                total = float(filtered.log_likelihood.sum())
            if len(path) == 2 and total - last < SETTLED * abs(total):
                return path[-1], True
            last = total
            path.append(_maximised(series, smoothed, path[-1], slope))
        done, best = done + 2, path[-1]
        now = _leapt(*path, slope)
    return best, False


def _leapt(before, middle, after, slope):
    """Return parameters farther along the path of three, or the last of them."""
    start, first, last = (p.packed() for p in (before, middle, after))
    step, bend = first - start, last - 2 * first + start
    size = float(np.sqrt(bend @ bend))
    length = min(float(np.sqrt(step @ step)) / size, LONGEST) if size > 0 else 1.0
    if not length > 1:
        return after
    leap = after.unpacked(start + 2 * length * step + length**2 * bend)
    return leap if slope is None else replace(leap, act=_with(leap.act, 1, slope))


def _with(vector, place, value):
    vector = vector.copy()
    vector[place] = value
    return vector


def _maximised(series, smoothed, now, slope):
    """Return the parameters that suit the states best."""
    mean, cov = smoothed.mean, smoothed.cov
    squares = cov + mean[..., :, None] * mean[..., None, :]
    carry, effects, shock = _moved(series, smoothed, squares)
    first, start = _started(series, mean[:, 0], cov[:, 0], now)
    answer = series.observed[..., ANSWER]
    seen = ~np.isnan(answer)
    gap = (answer - mean[..., AFFECT])[seen] ** 2 + cov[..., AFFECT, AFFECT][seen]
    noise = max(float(gap.mean()), LEAST) if seen.any() else now.noise
    return Parameters(
        carry,
        effects,
        first,
        shock,
        start,
        noise,
        _written(series.observed[..., TEXT], mean[..., AFFECT], squares, now),
        _answering(series, mean, cov, now, slope),
    )


def _moved(series, smoothed, squares):
    """Return carry, effects and shock of the steps after the first."""
    rows = series.there.copy()
    rows[:, 0] = False
    where = np.nonzero(rows)
    before = (where[0], where[1] - 1)
    x, mean = series.inputs[rows], smoothed.mean
    cross = smoothed.lag[where] + mean[where][:, :, None] * mean[before][:, None, :]
    target = mean[where][:, AFFECT] - mean[where][:, LEVEL]
    lagged = mean[before][:, AFFECT]
    both = cross[:, AFFECT, AFFECT] - cross[:, LEVEL, AFFECT]
    k = x.shape[1]
    matrix, right = np.empty((k + 1, k + 1)), np.empty(k + 1)
    matrix[0, 0], matrix[1:, 1:] = squares[before][:, AFFECT, AFFECT].sum(), x.T @ x
    matrix[0, 1:] = matrix[1:, 0] = lagged @ x
    right[0], right[1:] = both.sum(), target @ x
    found = np.linalg.lstsq(matrix, right, rcond=1e-10)[0]
    square = squares[where]
    own = square[:, AFFECT, AFFECT] - 2 * square[:, LEVEL, AFFECT] + square[:, LEVEL, LEVEL]
    shock = (own.sum() - 2 * found @ right + found @ matrix @ found) / max(len(x), 1)
    return float(found[0]), found[1:], max(float(shock), LEAST)


def _started(series, mean, cov, now):
    """Return what the first step brings, and how states are spread at it."""
    others = [LEVEL, READY]
    tie = np.linalg.solve(
        now.start[np.ix_(others, others)] + 1e-9 * np.eye(2), now.start[others, AFFECT]
    )
    x, target = series.first, mean[:, AFFECT] - mean[:, others] @ tie
    first = np.linalg.lstsq(x, target, rcond=1e-10)[0]
    gap = mean.copy()
    gap[:, AFFECT] -= x @ first
    start = (cov + gap[:, :, None] * gap[:, None, :]).mean(axis=0)
    return first, (start + start.T) / 2


def _written(score, affect, squares, now):
    """Return offset, slope and variance of the score of a text."""
    seen = ~np.isnan(score)
    if not seen.any():
        return now.text
    s, a, aa = score[seen], affect[seen], squares[..., AFFECT, AFFECT][seen]
    matrix = np.array([[len(s), a.sum()], [a.sum(), aa.sum()]])
    right = np.array([s.sum(), s @ a])
    found = np.linalg.lstsq(matrix, right, rcond=1e-12)[0]
    left = (s @ s - 2 * found @ right + found @ matrix @ found) / len(s)
    return np.array([*found, max(float(left), LEAST)])


def _answering(series, mean, cov, now, slope):
    """Return one step toward the log-odds to answer that suit the states best."""
    act = series.observed[..., ACT]
    seen = ~np.isnan(act)
    if not seen.any():
        return now.act
    who = np.nonzero(seen)[0]
    x = np.column_stack([np.ones(len(who)), mean[seen][:, AFFECT], series.traits[who]])
    weight = np.array([now.act[1], 1.0])
    here = cov[seen][:, [AFFECT, READY]][:, :, [AFFECT, READY]]
    spread = np.maximum(np.einsum("i,nij,j->n", weight, here, weight), 1e-12)
    centre = x @ now.act + mean[seen][:, READY]
    chance = special.expit(centre[:, None] + np.sqrt(spread)[:, None] * NODES)
    expected, steep = chance @ WEIGHTS, (chance * (1 - chance)) @ WEIGHTS
    pull = x.T @ (act[seen] - expected)
    pull[1] -= ((here @ weight)[:, 0] * steep).sum()
    matrix = (x * steep[:, None]).T @ x
    matrix[1, 1] += (steep * here[:, 0, 0]).sum()
    free = np.ones(len(pull), bool)
    free[1] = slope is None
    step = np.zeros(len(pull))
    step[free] = _ridge_small(matrix[np.ix_(free, free)], pull[free])
    return now.act + np.clip(step, -1, 1)


def _ridge_small(matrix, right):
    return np.linalg.lstsq(matrix, right, rcond=1e-10)[0]


def _scored(series, now, free, steps=2):
    """Return parameters after steps by the scores of persons, and their covariance."""
    covariance = None
    for step in range(steps + 1):
        vector = now.packed()
        base, scores = scores_of(series, now, free)
        information = scores.T @ scores
        covariance = np.zeros((len(vector), len(vector)))
        inverse = np.linalg.pinv(information, hermitian=True)
        covariance[np.ix_(free, free)] = inverse
        if step == steps:
            break
        move = np.zeros(len(vector))
        move[free] = inverse @ scores.sum(axis=0)
        move *= min(1.0, FARTHEST / max(np.abs(move).max(), 1e-300))
        for _ in range(6):
            later = now.unpacked(vector + move)
            if likelihoods(series, later).sum() > base.sum():
                now = later
                break
            move = move / 2
        else:
            break
    return now, covariance


def likelihoods(series: Series, parameters: Parameters) -> np.ndarray:
    """Return the log-likelihood of every person (n)."""
    return kalman_filter(series.observed, model_of(series, parameters)).log_likelihood


def scores_of(series: Series, parameters: Parameters, free: np.ndarray) -> tuple:
    """Return the log-likelihood of every person (n), and its slope in every free parameter
    (n, free ones).
    """
    vector = parameters.packed()
    base = likelihoods(series, parameters)
    slopes = []
    for place in np.flatnonzero(free):
        width = 1e-4 * max(1.0, abs(vector[place]))
        moved = likelihoods(
            series, parameters.unpacked(_with(vector, place, vector[place] + width))
        )
        slopes.append((moved - base) / width)
    return base, np.column_stack(slopes)
