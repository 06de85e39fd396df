"""From chances to shares of customers, with an interval that holds the doubt of the chances."""

from dataclasses import dataclass

import numpy as np

from workbench.stages.hidden import NOW

PULL = 2.0  # standard deviation, on the log scale, by which chances may be off before answers speak
SHARPER = 0.5  # and by which the chances may be too blunt or too sharp
DRAWS = 2000
FLOOR = 1e-9


@dataclass(frozen=True, eq=False)
class Answers:
    """What customers said, beside the chances of models that had not learnt from their answers."""

    chances: np.ndarray
    stage: np.ndarray
    who: np.ndarray
    error: float


def shares(chances, answers, *, seed=1, conf_level=0.95):
    """Return the share of customers in each stage, with an interval: estimate, error, low, high.

    The chances are shifted, one shift a stage, and sharpened until they agree with the answers (of
    which a known part is mistaken). The interval holds the doubt of that, with customers as
    clusters, and that of who happens to be in which stage.
    """
    shift, spread = _shifts(answers)
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(spread + 1e-12 * np.eye(len(shift)))
    drawn = shift + rng.standard_normal((DRAWS, len(shift))) @ root.T
    log = np.log(np.maximum(chances, FLOOR))
    n = len(chances)
    estimate = _moved(log, shift).mean(axis=0)
    counts = np.empty((DRAWS, len(NOW)))
    for i, a in enumerate(drawn):
        p = _moved(log, a)
        mean, var = p.sum(axis=0), (p * (1 - p)).sum(axis=0)
        counts[i] = _count(mean, var, n, rng)
    tail = (1 - conf_level) / 2
    low, high = np.quantile(counts / n, [tail, 1 - tail], axis=0)
    error = counts.std(axis=0, ddof=1) / n
    return estimate, error, np.minimum(low, estimate), np.maximum(high, estimate)


def _count(mean, var, n, rng):
    """Draw how many are in each stage: binomial, with as many trials as give this spread."""
    share = np.clip(1 - var / np.maximum(mean, FLOOR), FLOOR, 1 - FLOOR)
    trials = np.clip(np.round(mean / share), 1, n)
    return rng.binomial(trials.astype(int), np.clip(mean / trials, 0, 1))


def _moved(log, shift):
    z = log * np.exp(shift[-1]) + np.concatenate([[0.0], shift[:-1]])
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def _shifts(answers):
    """Return the shifts that fit the answers best, and their covariance (sandwich, clusters)."""
    from scipy import optimize

    log = np.log(np.maximum(answers.chances, FLOOR))
    hot = np.eye(len(NOW))[answers.stage]
    right, wrong = 1 - answers.error, answers.error / len(NOW)
    prior = np.array([PULL] * (len(NOW) - 1) + [SHARPER]) ** -2.0

    def scores(a):
        p = _moved(log, a)
        said = (p * hot).sum(axis=1)
        seen = right * said + wrong
        pull = (right * said / seen)[:, None] * (hot - p)
        slope = (pull * log).sum(axis=1) * np.exp(a[-1])
        return seen, np.column_stack([pull[:, 1:], slope])

    def loss(a):
        seen, score = scores(a)
        return -np.log(seen).sum() + (prior * a**2).sum() / 2, -score.sum(0) + prior * a

    best = optimize.minimize(loss, np.zeros(len(NOW)), jac=True, method="BFGS").x
    step = 1e-4 * np.eye(len(best))
    hessian = np.array([(loss(best + h)[1] - loss(best - h)[1]) / 2e-4 for h in step])
    hessian = (hessian + hessian.T) / 2
    bread = np.linalg.inv(hessian)
    pulls = np.column_stack([np.bincount(answers.who, c) for c in scores(best)[1].T])
    # The prior's own part of the information counts as if it had been answered.
    meat = pulls.T @ pulls + np.diag(prior)
    return best, bread @ meat @ bread
