"""A multinomial logit of arrays whose outcomes may be wrong.

Source: Hausman, Abrevaya & Scott-Morton (1998), Journal of Econometrics 87; ridge le Cessie & van
Houwelingen (1992), Applied Statistics 41.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PENALTIES = (3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, eq=False)
class NoisyLogit:
    """A multinomial logit: `mean` and `scale` of the columns, and `weights` (1 + columns ×
    outcomes) of the standardised ones, the constant first.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    def chances(self, x):
        """Return the chances of every outcome, n × outcomes."""
        from scipy import special

        z = np.column_stack([np.ones(len(x)), (x - self.mean) / self.scale])
        return special.softmax(z @ self.weights, axis=1)


def noisy_logit(
    x: np.ndarray, y: np.ndarray, *, error: float, noise: np.ndarray, penalty: float
) -> NoisyLogit:
    """Fit a multinomial logit whose outcomes are wrong now and then.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    y : ndarray of int, shape (n,)
    error : float
        Chance that an outcome is wrong.
    noise : ndarray, shape (outcomes,)
        Chances of each outcome where it is wrong.
    penalty : float
        Weight of the ridge on standardised columns.

    Returns
    -------
    NoisyLogit

    Source: as the module.

    >>> x, y = np.repeat([[0.0], [1.0]], 60, axis=0), np.repeat([0, 1], 60)
    >>> made = noisy_logit(x, y, error=0.1, noise=np.full(2, 0.5), penalty=3.0)
    >>> bool(made.chances(np.array([[1.0]]))[0, 1] > 0.9)
    True
    """
    model = _model(x, y, error, noise)
    return NoisyLogit(model.mean, model.scale, model.top(np.ones(len(x), bool), penalty))


def best_penalty(
    x: np.ndarray, y: np.ndarray, fold: np.ndarray, *, error: float, noise: np.ndarray
):
    """Return the weight of the penalty that foretells folds left out best, of four.

    Parameters
    ----------
    x, y, error, noise : as in `noisy_logit`
    fold : ndarray of int, shape (n,)
        0, 1, …; all rows of a sampling unit in one.
    """
    from scipy import special

    model, scores = _model(x, y, error, noise), []
    for penalty in PENALTIES:
        total = 0.0
        for f in range(int(fold.max()) + 1):
            p = special.softmax(model.z[fold == f] @ model.top(fold != f, penalty), axis=1)
            seen = (1 - error) * (p * model.hot[fold == f]).sum(1) + model.wrong[fold == f]
            total += np.log(seen).sum()
        scores.append((total, penalty))
    return max(scores)[1]


def _model(x, y, error, noise):
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    return _Model(mean, scale, z, np.eye(len(noise))[y], error * noise[y], error)


@dataclass(frozen=True, eq=False)
class _Model:
    """The penalised likelihood: design, outcomes as indicators, chances of being wrong."""

    mean: np.ndarray
    scale: np.ndarray
    z: np.ndarray
    hot: np.ndarray
    wrong: np.ndarray
    error: float

    def top(self, rows, ridge):
        """Return the weights of some rows, columns × outcomes."""
        from scipy import optimize

        z, hot, wrong = self.z[rows], self.hot[rows], self.wrong[rows]
        found = optimize.minimize(
            lambda flat: self._loss(flat, z, hot, wrong, ridge),
            np.zeros(z.shape[1] * hot.shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200},
        )
        return found.x.reshape(z.shape[1], -1)

    def _loss(self, flat, z, hot, wrong, ridge):
        from scipy import special

        b = flat.reshape(z.shape[1], -1)
        p = special.softmax(z @ b, axis=1)
        seen = (1 - self.error) * (p * hot).sum(1) + wrong
        pull = (1 - self.error) * p * hot / seen[:, None]
        slope = z.T @ (p * pull.sum(1, keepdims=True) - pull)
        slope[1:] += ridge * b[1:]
        return -np.log(seen).sum() + ridge * (b[1:] ** 2).sum() / 2, slope.ravel()
