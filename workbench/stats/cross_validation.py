"""How well columns foretell a yes or no of people they were not learnt from."""

from __future__ import annotations

import numpy as np

from workbench.stats import threads

SMALL = 1e-6  # no chance is said to be nearer to 0 or 1


def indicators(column):
    """Return a column of words as 0 and 1, one a word but the first.

    >>> indicators(np.array(["a", "b", "a"])).tolist()
    [[0.0], [1.0], [0.0]]
    """
    words = np.unique(column)
    return (np.asarray(column)[:, None] == words[None, 1:]).astype(float)


def held_out_scores(x: np.ndarray, y: np.ndarray, *, folds: int = 5, seed: int = 1) -> np.ndarray:
    """Give the log score of every person's outcome by a penalised logit learnt from the others.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Without columns, the share of the others foretells.
    y : ndarray of 0 and 1, shape (n,)
    folds, seed : int
        Within each, the strength of the penalty is chosen on the learners alone.

    Returns
    -------
    ndarray, shape (n,)
        Logarithm of the chance that was given to what happened; 0 is best.

    Source: Gneiting & Raftery (2007), JASA 102; nested cross-validation: Varma & Simon (2006), BMC
    Bioinformatics 7.

    >>> x, y = np.repeat([[-1.0], [1.0]], 50, axis=0), np.repeat([0, 1], 50)
    >>> bool(held_out_scores(x, y).mean() > held_out_scores(x[:, :0], y).mean() + 0.5)
    True
    """
    rng, n = np.random.default_rng(seed), len(y)
    fold = rng.permutation(np.arange(n) % folds)
    scores = np.empty(n)
    for k in range(folds):
        learn, test = fold != k, fold == k
        p = _chance(x[learn], y[learn], x[test], seed)
        p = np.clip(p, SMALL, 1 - SMALL)
        scores[test] = np.where(y[test] == 1, np.log(p), np.log1p(-p))
    return scores


def _chance(x, y, new, seed):
    """Return the chance of each new row by a logit whose penalty is chosen within the learners."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    share = (y.sum() + 0.5) / (len(y) + 1)
    if not x.shape[1] or np.bincount(y.astype(int), minlength=2).min() < 3:
        return np.full(len(new), share)
    middle, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    z, w = (x - middle) / spread, (new - middle) / spread
    inner = StratifiedKFold(3, shuffle=True, random_state=seed)
    models = [LogisticRegression(C=c, max_iter=300) for c in (0.003, 0.03, 0.3, 3.0)]
    with threads.one():
        held = [cross_val_score(m, z, y, cv=inner, scoring="neg_log_loss").mean() for m in models]
        return models[int(np.argmax(held))].fit(z, y).predict_proba(w)[:, 1]
