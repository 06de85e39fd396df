"""Firth's penalised likelihood: an estimate that always exists, less biased in small samples.

Source: Firth (1993), Biometrika 80; for a logit Heinze & Schemper (2002), Statistics in Medicine
21; for a Cox regression Heinze & Schemper (2001), Biometrics 57.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

STEP = 1e-4  # of a weight on one scale, for the slope of the penalty


@dataclass(frozen=True, eq=False)
class Parts:
    """A log-likelihood at one place: its value, its slope (p), the information (p × p), and where
    there is a formula for it the slope of half the logarithm of the information's determinant (p).
    """

    value: float
    score: np.ndarray
    information: np.ndarray
    of_penalty: np.ndarray = None


@dataclass(frozen=True, eq=False)
class Penalised:
    """The top of a penalised likelihood.

    Attributes
    ----------
    params : ndarray, shape (p,)
    cov : ndarray, shape (p, p)
        Inverse of the information at the top.
    value : float
        Penalised log-likelihood.
    settled : bool
    """

    params: np.ndarray
    cov: np.ndarray
    value: float
    settled: bool


def firth(
    parts: Callable,
    p: int,
    *,
    fixed: tuple | None = None,
    start: np.ndarray | None = None,
    enough: float = 1e-7,
) -> Penalised:
    """Maximise a log-likelihood plus half the logarithm of the information's determinant.

    Parameters
    ----------
    parts : callable
        From weights (p) to Parts.
    p : int
    fixed : tuple of (ndarray of shape (p,), float), optional
        A contrast of the weights, and the value it is held at.
    start : ndarray, optional
    enough : float
        Slope at which the search may stop.

    Returns
    -------
    Penalised

    Source: as the module.

    >>> def coin(b):  # 3 of 3 heads: half a head and half a tail are added
    ...     chance = special.expit(b[0])
    ...     value = 3 * np.log(chance)
    ...     return Parts(value, np.array([3 - 3 * chance]), np.array([[3 * chance * (1 - chance)]]))
    >>> round(float(firth(coin, 1).params[0]), 6) == round(float(np.log(3.5 / 0.5)), 6)
    True
    """
    from scipy import optimize

    free, base = np.eye(p), np.zeros(p)
    if fixed is not None:
        contrast, value = fixed
        base = contrast * value / (contrast @ contrast)
        free = np.linalg.svd(contrast[None, :], full_matrices=True)[2][1:].T
    begin = free.T @ ((np.zeros(p) if start is None else start) - base)

    def loss(c):
        made = parts(base + free @ c)
        sign, size = np.linalg.slogdet(made.information)
        if not sign > 0 or not np.isfinite(made.value):
            return 1e10, np.zeros(len(c))
        slope = made.score + _of_penalty(parts, made, base + free @ c)
        return -made.value - size / 2, -free.T @ slope

    if free.shape[1]:
        curve = free.T @ parts(base + free @ begin).information @ free
        found = optimize.minimize(
            loss,
            begin,
            jac=True,
            method="BFGS",
            options={"gtol": enough, "hess_inv0": _inverse(curve), "maxiter": 200},
        )
        begin = found.x
    value, slope = loss(begin)
    b = base + free @ begin
    information = parts(b).information
    # A search by slopes stops where the value says no more; what is left of the slope counts.
    left = _inverse(free.T @ information @ free) @ slope
    return Penalised(b, _inverse(information), -value, bool(np.abs(left).max(initial=0) < 1e-4))


def _inverse(matrix):
    """Return the inverse of a symmetric matrix, symmetric to the last digit."""
    made = np.linalg.pinv(matrix, rcond=1e-14, hermitian=True)
    return (made + made.T) / 2


def _of_penalty(parts, made, b):
    """Return the slope of half the logarithm of the information's determinant."""
    if made.of_penalty is not None:
        return made.of_penalty
    out = np.empty(len(b))
    for k, h in enumerate(np.eye(len(b)) * STEP):
        up, down = (np.linalg.slogdet(parts(b + s).information)[1] for s in (h, -h))
        out[k] = (up - down) / (4 * STEP)
    return out


def profile(
    parts: Callable, top: Penalised, contrast: np.ndarray, conf_level: float = 0.95
) -> tuple[float, float, float]:
    """Return the limits of a contrast of weights at which the penalised likelihood, all others at
    their best, has fallen by as much as chance explains; and the p-value of a contrast of 0.

    Parameters
    ----------
    parts : callable
        As in `firth`.
    top : Penalised
    contrast : ndarray, shape (p,)
    conf_level : float

    Returns
    -------
    tuple of float
        Lower limit, upper limit, p-value of the penalised likelihood-ratio test.

    Source: as the module; Venzon & Moolgavkar (1988), Applied Statistics 37.

    >>> def level(b):  # ten values with mean 2 and variance 1
    ...     return Parts(-5 * (b[0] - 2) ** 2, np.array([10 * (2 - b[0])]), np.array([[10.0]]))
    >>> [round(float(v), 3) for v in profile(level, firth(level, 1), np.array([1.0]))[:2]]
    [1.38, 2.62]
    """
    from scipy import optimize

    estimate = float(contrast @ top.params)
    error = float(np.sqrt(contrast @ top.cov @ contrast))
    allowed = special.chdtri(1, 1 - conf_level)
    p = len(top.params)

    last = top.params

    def lost(value):
        nonlocal last
        held = firth(parts, p, fixed=(contrast, value), start=last, enough=1e-4)
        last = held.params
        return 2 * (top.value - held.value)

    limits = []
    for side in (-1, 1):
        last, near, far, tries = top.params, estimate, estimate + side * 2 * error, 0
        while lost(far) < allowed and tries < 40:
            near, far, tries = far, estimate + (far - estimate) * 1.5, tries + 1
        limits.append(
            optimize.brentq(
                lambda v: lost(v) - allowed, *sorted((near, far)), xtol=1e-7 * error, rtol=1e-9
            )
            if tries < 40
            else side * np.inf
        )
    last = top.params
    return float(limits[0]), float(limits[1]), float(special.chdtrc(1, max(lost(0.0), 0.0)))
