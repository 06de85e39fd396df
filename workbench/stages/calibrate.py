"""From chances to shares of customers, with an interval that holds the doubt of the chances."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench import intervals
from workbench.stages.hidden import NOW


@dataclass(frozen=True, eq=False)
class Answers:
    """What customers said, beside the chances of models that had not learnt from their answers."""

    chances: np.ndarray
    stage: np.ndarray
    who: np.ndarray
    error: float


def shares(chances, answers, *, conf_level=0.95):
    """Return the share of customers in each stage, with an interval: estimate, error, low, high.

    Chances are added over customers, and moved by how far they were off on average where customers
    answered (of which a known part is mistaken). Whatever is wrong with the model is in that
    difference, and how little a few answers say of it in its error, with customers as clusters. To
    this comes the chance of who happens to be in which stage. An estimate below nothing is nothing.

    Source: the difference estimator, Särndal, Swensson & Wretman (1992), Model Assisted Survey
    Sampling, ch. 6; answers freed of mistakes as in Rogan & Gladen (1978), American Journal of
    Epidemiology 107.
    """
    said = (np.eye(len(NOW))[answers.stage] - answers.error / len(NOW)) / (1 - answers.error)
    off = said - answers.chances
    pulls = off - off.mean(axis=0)
    by_customer = np.column_stack([np.bincount(answers.who, c) for c in pulls.T])
    people = len(np.unique(answers.who))
    doubt = (by_customer**2).sum(axis=0) / len(off) ** 2 * people / max(people - 1, 1)
    where = (chances * (1 - chances)).sum(axis=0) / len(chances) ** 2
    error = np.sqrt(doubt + where)
    centre = chances.mean(axis=0) + off.mean(axis=0)
    low, high = intervals.normal(centre, error, conf_level)
    estimate = np.clip(centre, 0, 1)
    estimate = estimate / estimate.sum()
    low, high = (
        np.clip(low, 0, 1),
        np.clip(np.maximum(high, _most(centre, error, conf_level)), 0, 1),
    )
    return estimate, error, np.minimum(low, estimate), np.maximum(high, estimate)


def _most(centre, error, conf_level):
    """Return the upper limit of a share that cannot be below nothing: that of a normal distribution
    cut off there, which leaves room where the estimate itself lies below.
    """
    below = special.ndtr(-centre / error)
    tail = (1 - conf_level) / 2
    return centre + error * special.ndtri(1 - tail * (1 - below))
