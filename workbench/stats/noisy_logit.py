"""A multinomial logit of arrays whose outcomes may be wrong.

Source: Hausman, Abrevaya & Scott-Morton (1998), Journal of Econometrics 87; ridge le Cessie & van
Houwelingen (1992), Applied Statistics 41.
"""

from dataclasses import dataclass

import numpy as np

PENALTIES = (3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, eq=False)
class NoisyLogit:
    """A multinomial logit: `mean` and `scale` of the columns, `weights` (1 + columns × outcomes)
    of the standardised ones, the constant first, and the weight of its `penalty`.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    penalty: float

    def chances(self, x):
        """Return the chances of every outcome, n × outcomes."""
        from scipy import special

        z = np.column_stack([np.ones(len(x)), (x - self.mean) / self.scale])
        return special.softmax(z @ self.weights, axis=1)


def noisy_logit(x, y, fold, *, error, noise, penalties=PENALTIES):
    """Fit a multinomial logit whose outcomes are wrong now and then; the weight of its penalty is
    the best of four on folds left out.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    y : ndarray of int, shape (n,)
    fold : ndarray of int, shape (n,)
        0, 1, …; all rows of a sampling unit in one.
    error : float
        Chance that an outcome is wrong.
    noise : ndarray, shape (outcomes,)
        Chances of each outcome where it is wrong.
    penalties : sequence of float
        What the weight of the penalty is chosen from; one is taken as it is.

    Returns
    -------
    NoisyLogit

    Source: as the module.

    >>> x, y = np.repeat([[0.0], [1.0]], 60, axis=0), np.repeat([0, 1], 60)
    >>> made = noisy_logit(x, y, np.arange(120) % 2, error=0.1, noise=np.full(2, 0.5))
    >>> bool(made.chances(np.array([[1.0]]))[0, 1] > 0.9)
    True
    """
    from scipy import special

    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = np.column_stack([np.ones(len(x)), (x - mean) / scale])
    hot, wrong = np.eye(len(noise))[y], error * noise[y]
    model, scores = _Model(z, hot, wrong, error), []
    for ridge in penalties if len(penalties) > 1 else ():
        total = 0.0
        for f in range(int(fold.max()) + 1):
            b = model.top(fold != f, ridge)
            p = special.softmax(z[fold == f] @ b, axis=1)
            total += np.log((1 - error) * (p * hot[fold == f]).sum(1) + wrong[fold == f]).sum()
        scores.append((total, ridge))
    best = max(scores)[1] if scores else penalties[0]
    return NoisyLogit(mean, scale, model.top(np.ones(len(z), bool), best), best)


@dataclass(frozen=True, eq=False)
class _Model:
    """The penalised likelihood: design, outcomes as indicators, chances of being wrong."""

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
