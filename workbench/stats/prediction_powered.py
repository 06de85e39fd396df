"""Means, shares and ratios of what a model predicts, corrected by a sample labelled by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Corrected:
    """A mean of labels, of which most are predicted.

    `estimate`, `std_error`, `n` (all units), `labels` (of them labelled by hand), `predicted` (mean
    of the predictions), `trust` (how much the predictions count, from 0, labels only, to 1) and
    `pull` (n): what each unit adds to the error of the estimate.
    """

    estimate: float
    std_error: float
    n: int
    labels: int
    predicted: float
    trust: float
    pull: np.ndarray


def mean(
    predicted: np.ndarray,
    label: np.ndarray,
    weights: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    *,
    trust: float | None = None,
) -> Corrected:
    """Estimate the mean of a label from predictions for all and labels for a random few.

    Parameters
    ----------
    predicted : array (n)
        What the model says of every unit, right or wrong: a share, a score, 0 or 1.
    label : array (n)
        What a hand labelled; missing where it did not.
    weights : array (n), optional
        For how many units a labelled one was drawn; None: all the same.
    cluster : array (n), optional
        Whose unit it is; None: each is independent of the others.
    trust : float, optional
        How much the predictions count; None: what makes the error least, between 0 and 1.

    Returns
    -------
    Corrected
        Everything missing with fewer than two labels.

    Source: Angelopoulos, Bates, Fannjiang, Jordan & Zrnic (2023), Science 382, for trust 1;
    Angelopoulos, Duchi & Zrnic (2023), PPI++, for the trust that makes the error least.

    >>> predicted, label = np.array([1.0, 1, 0, 0, 1, 1]), np.array([1.0, 0, 0, 0, np.nan, np.nan])
    >>> made = mean(predicted, label, trust=1.0)
    >>> made.estimate, round(made.std_error, 3), made.predicted
    (0.75, 0.25, 0.6666666666666666)
    """
    predicted, label = np.asarray(predicted, float), np.asarray(label, float)
    n, by_hand = len(predicted), ~np.isnan(label)
    labels, rest = int(by_hand.sum()), int((~by_hand).sum())
    if labels < 2:
        said = float(predicted.mean()) if n else np.nan
        return Corrected(np.nan, np.nan, n, labels, said, np.nan, np.zeros(n))
    w = np.ones(n) if weights is None else np.asarray(weights, float)
    share = np.where(by_hand, w, 0.0)
    share = share / share.sum()
    y, f = np.where(by_hand, label, 0.0), predicted
    if trust is None:
        trust = _least_error(y, f, share, by_hand, rest)
    left = (~by_hand) / rest if rest else np.zeros(n)
    there = float((left * f).sum())
    here = float((share * (y - trust * f)).sum())
    pull = trust * left * (f - there) + share * (y - trust * f - here)
    # The units labelled lose a degree of freedom, as in the variance of a sample.
    pull = np.where(by_hand, pull * np.sqrt(labels / (labels - 1)), pull)
    pull = np.where(~by_hand & (rest > 1), pull * np.sqrt(rest / max(rest - 1, 1)), pull)
    return Corrected(
        trust * there + here,
        _error(pull, cluster),
        n,
        labels,
        float(f.mean()),
        float(trust),
        pull,
    )


def ratio(above: Corrected, below: Corrected, cluster: np.ndarray | None = None) -> Corrected:
    """Estimate the ratio of two corrected means of the same units.

    Parameters
    ----------
    above, below : Corrected
        Such as texts that speak badly of a thing, and texts that speak of it.
    cluster : array (n), optional
        As in `mean`.

    Returns
    -------
    Corrected
        Missing where the mean below is not above 0.

    Source: as `mean`; the error by linearisation, Lumley (2010), Complex Surveys, ch. 2.

    >>> y = np.array([1.0, 1, 1, 0, np.nan, np.nan])
    >>> below, none = mean(np.zeros(6), y), np.zeros(6)
    >>> above = mean(none, np.array([1.0, 0, 0, 0, np.nan, np.nan]))
    >>> round(ratio(above, below).estimate, 3)
    0.333
    """
    n, labels = below.n, below.labels
    said = above.predicted / below.predicted if below.predicted > 0 else np.nan
    if not below.estimate > 0:
        return Corrected(np.nan, np.nan, n, labels, said, np.nan, np.zeros(n))
    estimate = above.estimate / below.estimate
    pull = (above.pull - estimate * below.pull) / below.estimate
    return Corrected(
        estimate, _error(pull, cluster), n, labels, said, min(above.trust, below.trust), pull
    )


def _least_error(y, f, share, by_hand, rest):
    """Return how much predictions are to count so that the error is least, between 0 and 1."""
    if not rest:
        return 0.0
    spread = float(np.var(f))
    if spread == 0:
        return 0.0
    centre_y, centre_f = (share * y).sum(), (share * f).sum()
    together = float((share * (y - centre_y) * (f - centre_f)).sum())
    most = together / ((1 + by_hand.sum() / rest) * spread)
    return float(np.clip(most, 0.0, 1.0))


def _error(pull, cluster):
    """Return the standard error of what units add, those of one cluster together."""
    if cluster is None:
        return float(np.sqrt((pull**2).sum()))
    whose = np.unique(cluster, return_inverse=True)[1]
    return float(np.sqrt((np.bincount(whose, pull) ** 2).sum()))
