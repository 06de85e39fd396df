"""From hidden stages and recent activity to the chance of every stage at a moment."""

import numpy as np

from workbench.stages.hidden import CHAIN, GAPS, MINUTE, NOW, K, anchored
from workbench.stats.hidden_markov import forward
from workbench.stats.noisy_logit import NoisyLogit, best_penalty, noisy_logit

FOLDS = 4
# Idle, under way, past a purchase: what the six stages are to the readout, and how a mistaken
# answer falls on them.
THREE = np.array([0, 1, 1, 1, 1, 2])
NOISE = np.array([1, 4, 1]) / 6


def stage_chances(data, model, row, since, alpha=None):
    """Return the chance of every stage at moments `since` microseconds after the events `row`."""
    if model.readout is None:
        alpha = (
            forward(data, model.start, model.moves, model.emissions)[0] if alpha is None else alpha
        )
        return np.einsum(
            "nk,nkj->nj", alpha[row], model.now[np.searchsorted(GAPS, since, side="right")]
        )
    alpha = forward(data, model.start, model.moves, model.emissions)[0] if alpha is None else alpha
    return read(data, model, model.readout, row, since, alpha)


def read(data, model, readout, row, since, alpha):
    """Return the chance of every stage by a readout."""
    state, (slope, bias) = readout
    three = logit_chance(state, state_features(data, model, row, since, alpha))
    return np.column_stack(
        [three[:, 0], three[:, 1:2] * _within(alpha[row], slope, bias), three[:, 2]]
    )


def _within(alpha, slope, bias):
    """Return the chances of need, search, evaluation and intent for someone under way, from the
    hidden stages of the last event.
    """
    from scipy import special

    return special.softmax(slope * np.log(np.maximum(alpha[:, :4], 1e-4)) + bias, axis=1)


def state_features(data, model, row, since, alpha):
    """Return recent activity and the hidden stages, alone and by the time since."""
    a, wait = alpha[row], np.log1p(since / MINUTE)[:, None]
    return np.column_stack([activity(data, model, row, since), a, a * wait])


def fit_readout(data, model, answers, error, alpha, ridge):
    """Learn from answers whether people are idle, under way or past a purchase, and how the hidden
    stages of those under way are to be read.

    The few answers of people under way only shift and stretch what the model says of their stage:
    they are too few to say more.
    """
    from scipy import optimize

    row, y = answers["row"], answers["stage"]
    three, noise = THREE[y], NOISE
    x = state_features(data, model, row, answers["since"], alpha)
    state = logit_fit(x, three, error, noise, ridge)
    going = np.flatnonzero(three == 1)
    p = logit_chance(
        state, state_features(data, model, row[going], answers["since"][going], alpha)
    )[:, 1]
    # An answer of someone who was not under way is a mistake and says nothing of the stage.
    weight = (1 - error) * p / ((1 - error) * p + error * noise[1])
    hot = np.eye(4)[y[going] - 1]
    best = (
        optimize.minimize(
            _lost, np.array([1.0, 0, 0, 0, 0]), (alpha[row[going]], weight, hot), "L-BFGS-B"
        ).x
        if len(going)
        else np.array([1.0, 0, 0, 0, 0])
    )
    return state, (best[0], best[1:])


def _lost(v, alpha, weight, hot):
    """Return what answers say against a slope and shifts, held a little towards none."""
    q = _within(alpha, v[0], v[1:])
    return (
        -(weight * np.log((q * hot).sum(1) + 1e-9)).sum()
        + 2 * (v[0] - 1) ** 2
        + (v[1:] ** 2).sum() / 2
    )


def readout_ridge(data, model, answers, error, alpha):
    """Return the weight of the penalty that serves answers left out best."""
    row = answers["row"]
    x = state_features(data, model, row, answers["since"], alpha)
    return best_ridge(x, THREE[answers["stage"]], data.customer[row], error, NOISE)


def left_out(data, model, answers, error, alpha, ridge):
    """Return the chances of every stage at the answers, by readouts that did not learn from the
    customer who gave them.
    """
    row, since = answers["row"], answers["since"]
    chances = np.empty((len(row), len(NOW)))
    fold = _folds(data.customer[row])
    for f in range(FOLDS):
        some = {name: values[fold != f] for name, values in answers.items()}
        readout = fit_readout(data, model, some, error, alpha, ridge)
        here = fold == f
        chances[here] = read(data, model, readout, row[here], since[here], alpha)
    return chances


def activity(data, model, row, since):
    """Return what anyone can see without a model: the last event's rule, the time since, what was
    done lately, and the time since the last purchase.
    """
    stage_of = anchored(list(model.events), None).argmax(axis=0)
    first = np.repeat(data.starts, data.sizes)
    stage, wait = stage_of[data.k], np.log1p(since / MINUTE)
    columns = [wait, wait**2, np.log1p(row - first[row])]
    for s in range(K):
        running = np.cumsum(stage == s)
        columns += [stage[row] == s, (stage[row] == s) * wait]
        for back in (3, 10):
            low = np.maximum(row - back, first[row])
            columns.append(running[row] - running[low] + (stage[low] == s))
    bought = (
        np.maximum.accumulate(
            np.where(stage == CHAIN.index("purchase"), np.arange(len(stage)), -1)
        )[row]
        if len(stage)
        else row
    )
    has = bought >= first[row]
    days = np.where(has, (data.t[row] + since - data.t[np.maximum(bought, 0)]) / (1440 * MINUTE), 0)
    columns += [has, has * np.log1p(days), has * (days < 7), has * (days < 14), has * (days < 21)]
    return np.column_stack(columns).astype(float)


def best_ridge(x, y, who, error, noise=None):
    """Return the weight of the penalty, the best of four on customers left out."""
    noise = np.full(len(NOW), 1 / len(NOW)) if noise is None else noise
    return best_penalty(x, y, _folds(who), error=error, noise=noise)


def logit_fit(x, y, error, noise, ridge):
    """Fit a multinomial logit whose answers may be wrong."""
    noise = np.full(len(NOW), 1 / len(NOW)) if noise is None else noise
    made = noisy_logit(x, y, error=error, noise=noise, penalty=ridge)
    return made.mean, made.scale, made.weights


def _folds(who):
    """Return the fold of every answer: those of one customer stand in one."""
    people = np.unique(np.asarray(who).astype(str), return_inverse=True)[1]
    return (people * 2654435761 % 2**32 // 7) % FOLDS


def logit_chance(readout, x):
    """Return the chances a fitted logit gives."""
    return NoisyLogit(*readout).chances(x)
