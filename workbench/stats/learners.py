"""Classifiers of the user's own: anything that learns with `fit` and tells with `predict_proba`."""

import numpy as np
from numpy.typing import ArrayLike

from workbench.errors import InputError
from workbench.stats import threads


def check(where: str, learner: object) -> None:
    """Refuse what is no classifier: an object, not a class, with `fit` and `predict_proba`.

    Raises InputError naming what is missing; None is no learner and passes.
    """
    if learner is None:
        return
    lacking = [m for m in ("fit", "predict_proba") if not callable(getattr(learner, m, None))]
    if lacking or isinstance(learner, type):
        raise InputError(
            "stats.error_learner",
            "{where}: a learner needs `fit` and `predict_proba`, as the classifiers of "
            "scikit-learn have, made with its settings; found {found}",
            where=where,
            found=learner.__name__ if isinstance(learner, type) else type(learner).__name__,
        )


def learnt(learner: object, x: ArrayLike, y: ArrayLike, *, what: str) -> object:
    """Return a copy of a classifier that has learnt; the one handed in stays as it was.

    Parameters
    ----------
    learner : classifier
        Copied by its settings where it has them (as scikit-learn does), else whole.
    x : array or DataFrame, shape (n, p)
    y : array of 0 and 1, shape (n,)
    what : str
        Who asks, for the error.

    Raises
    ------
    InputError
        Where it cannot learn from them, with its own first words.

    >>> from sklearn.dummy import DummyClassifier
    >>> x = np.zeros((4, 1))
    >>> probability(learnt(DummyClassifier(), x, [0, 1, 1, 1], what="a test"), x).tolist()
    [0.75, 0.75, 0.75, 0.75]
    """
    copied = _copy(learner)
    try:
        with threads.one():
            copied.fit(x, np.asarray(y).astype(int))
    except (TypeError, ValueError) as error:
        raise InputError(
            "stats.error_learner_fit",
            "{what}: the learner {learner} could not learn: {error}",
            what=what,
            learner=type(learner).__name__,
            error=str(error).splitlines()[0],
        ) from None
    return copied


def probability(fitted: object, x: ArrayLike) -> np.ndarray:
    """Return the probability of a 1 for every row, by a classifier that has learnt; shape (n,)."""
    with threads.one():
        both = np.asarray(fitted.predict_proba(x), dtype=float)
    classes = [int(c) for c in getattr(fitted, "classes_", range(both.shape[1]))]
    return both[:, classes.index(1)] if 1 in classes else np.zeros(len(both))


def _copy(learner):
    if hasattr(learner, "get_params"):
        from sklearn.base import clone

        return clone(learner)
    import copy

    return copy.deepcopy(learner)
