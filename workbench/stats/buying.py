"""Expectations of models of buying until one leaves unseen, right whatever was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NEAR = 1e-4  # how near to 1 the shape lies where a formula divides by its distance from 1


def while_alive(
    shape: ArrayLike, rate: ArrayLike, a: ArrayLike, b: ArrayLike, ahead: ArrayLike
) -> np.ndarray:
    """Return the purchases to expect within the time `ahead` of somebody who is still a customer.

    Parameters
    ----------
    shape, rate : array-like
        Of the gamma of the rate of buying, given what was seen: r + x and alpha + age.
    a, b : array-like
        Of the beta of the chance to leave after a purchase, given what was seen: a and b plus the
        purchases after which it was not taken.
    ahead : array-like

    Returns
    -------
    ndarray

    Source: Fader, Hardie & Lee (2005), Marketing Science 24, equation 10; Euler's transformation
    (Abramowitz & Stegun 15.3.3) where many purchases make the factors leave the range of numbers:
    both are the mean of (1 − (1 + p · ahead / rate)^−shape) / p over the beta of p.

    >>> round(float(while_alive(0.243 + 2, 4.414 + 38.86, 0.793, 2.426 + 2, 39.0)), 3)
    1.687
    >>> bool(while_alive(400.0, 300.0, 0.8, 402.0, 260.0) > 100)  # four hundred purchases
    True
    """
    given = np.broadcast_arrays(*(np.asarray(v, float) for v in (shape, rate, a, b, ahead)))
    shape, rate, a, b, ahead = (v.ravel() for v in given)
    near = np.abs(a - 1) < NEAR
    made = _in_closed_form(shape, rate, np.where(near, 1 + NEAR, a), b, ahead)
    if near.any():
        below = _in_closed_form(shape, rate, np.where(near, 1 - NEAR, a), b, ahead)
        made = np.where(near, (made + below) / 2, made)
    # Never above what one would buy who does not leave, nor below nothing.
    most = shape * ahead / rate
    for i in np.flatnonzero(~((made >= 0) & (made <= most * (1 + 1e-9)))):
        made[i] = _by_integration(shape[i], rate[i], a[i], b[i], ahead[i])
    return made.reshape(given[0].shape)


def _in_closed_form(shape, rate, a, b, ahead):
    """Return the closed form, along whichever of its two ways stays small."""
    c, z = a + b - 1, ahead / (rate + ahead)
    log = np.log1p(-z)
    turned = np.abs(c - shape) <= shape
    first = np.where(turned, c - shape, shape)
    second = np.where(turned, a - 1, b)
    power = np.where(turned, a - 1, shape) * log
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return c / (a - 1) * (1 - np.exp(power) * special.hyp2f1(first, second, c, z))


def _by_integration(shape, rate, a, b, ahead):
    """Return the mean over the beta by numerical integration, in logarithms."""
    from scipy import integrate

    top, most = -special.betaln(a, b), shape * ahead / rate
    # Where hardly anybody leaves, what leaving costs is integrated instead: it fades with the
    # chance to leave, which the beta does not.
    lost = a < 1

    def each(w):
        # On the logit scale of the chance, where the beta has one hill and thin flanks.
        log_p, log_q = -np.logaddexp(0, -w), -np.logaddexp(0, w)
        chance = np.exp(log_p)
        bought = -np.expm1(-shape * np.log1p(chance * ahead / rate)) / chance
        return (most - bought if lost else bought) * np.exp(a * log_p + b * log_q + top)

    hill = a + lost
    centre, spread = np.log(hill / b), np.sqrt(1 / hill + 1 / b)
    # With all it tells of itself, the rule does not warn: its error stands beside the value.
    value, *_ = integrate.quad(
        each,
        max(centre - 12 * spread - 30 / hill, -600),
        centre + 12 * spread + 30 / min(b, 1),
        points=[centre + s * spread for s in (-6, -2, 0, 2, 6)],
        limit=400,
        epsabs=0,
        epsrel=1e-10,
        full_output=True,
    )
    return float(most - value if lost else value)
