"""A marketing-mix model of arrays: spending lingers, wears out, and never lowers sales.

Source: Jin, Wang, Sun, Chan & Koehler (2017), Google technical report; adstock Broadbent (1979),
Journal of the Market Research Society 21.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.stats.likelihoods import newton_refine

# Where a shape may lie: the logit of what stays, and the logarithm of half beside the mean spent.
STAY, HALF = (-4.0, 3.0), (-3.0, 3.0)
# A gentle pull keeps shapes the data do not settle from running away: half-lives near one period,
# half near the mean.
PULL, TOWARDS, SPREAD = 1e-4, -0.5, 1.5
BLOCK = 4  # periods that are drawn together


@dataclass(frozen=True, eq=False)
class Experiments:
    """What experiments found: `channel` (t, its place among the media), `contribution` and
    `std_error` (t); `noise`, the standard error of sales beside which they are weighed.
    """

    channel: np.ndarray
    contribution: np.ndarray
    std_error: np.ndarray
    noise: float = 1.0

    @classmethod
    def none(cls):
        """Return no experiment at all."""
        return cls(np.zeros(0, int), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, eq=False)
class MediaMix:
    """A marketing-mix model at the smallest sum of squares.

    Attributes
    ----------
    shape : ndarray, shape (2 k,)
        The logit of what stays of each medium, then the logarithm of half.
    effects : ndarray, shape (k,)
        Sales at full effect, none below 0.
    media : ndarray, shape (n, k)
        Spending as it works: lingering and worn out, between 0 and 1.
    base : ndarray, shape (p,)
        Weights of the columns without media.
    fitted : ndarray, shape (n,)
    """

    shape: np.ndarray
    effects: np.ndarray
    media: np.ndarray
    base: np.ndarray
    fitted: np.ndarray

    @property
    def stay(self):
        """The share of each medium's effect that stays for the next period."""
        return 1 / (1 + np.exp(-self.shape[: len(self.effects)]))

    @property
    def half(self):
        """The spending at which half the most is reached, in units of the spending fitted."""
        return np.exp(self.shape[len(self.effects) :])


def adstock(x: np.ndarray, stay: np.ndarray) -> np.ndarray:
    """Return spending that lingers: each period keeps a share of the one before.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    stay : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (n, k)

    >>> adstock(np.array([[8.0], [0], [0]]), [0.5]).ravel().tolist()
    [4.0, 2.0, 1.0]
    """
    from scipy.signal import lfilter

    return np.column_stack(
        [
            lfilter([1.0 - s], [1.0, -s], v)
            for v, s in zip(np.asarray(x, float).T, stay, strict=True)
        ]
    )


def working(x, shape) -> tuple:
    """Return spending as it works (n × k), and its slopes by what stays and by half, as they are
    searched for.

    >>> working(np.array([[1.0], [1.0]]), np.array([-40.0, 0.0]))[0].ravel().round(9).tolist()
    [0.5, 0.5]
    """
    from scipy.signal import lfilter

    k = x.shape[1]
    stay, half = 1 / (1 + np.exp(-shape[:k])), np.exp(shape[k:])
    held = adstock(x, stay)
    before = np.vstack([np.zeros((1, k)), held[:-1]])
    moved = np.column_stack(
        [lfilter([1.0], [1.0, -s], v) for v, s in zip((before - x).T, stay, strict=True)]
    )
    bent = half / (held + half) ** 2
    return held / (held + half), bent * moved * stay * (1 - stay), -bent * held


def media_mix(
    x: np.ndarray,
    base: np.ndarray,
    y: np.ndarray,
    *,
    tests: Experiments | None = None,
    begin: np.ndarray | None = None,
    starts: int = 6,
    seed: int = 1,
) -> MediaMix:
    """Fit a marketing-mix model: effects by non-negative least squares, what stays and half by
    search.

    Parameters
    ----------
    x : ndarray, shape (n, k)
        Spending, in order of time, each medium in units of its own mean.
    base : ndarray, shape (n, p)
        Level, trend, season and controls.
    y : ndarray, shape (n,)
        Sales.
    tests : Experiments, optional
    begin : ndarray, shape (2 k,), optional
        Where the search begins; None: from several places.
    starts, seed : int
        How many places, drawn at random but for the first.

    Returns
    -------
    MediaMix

    Source: as the module; least squares within a search Golub & Pereyra (1973), SIAM Journal on
    Numerical Analysis 10.

    >>> x = np.random.default_rng(1).gamma(2, 0.5, (120, 1))
    >>> made = media_mix(x, np.ones((120, 1)), 5 + 3 * working(x, np.array([0.0, 0.0]))[0][:, 0])
    >>> made.effects.round(1).tolist(), made.stay.round(2).tolist(), made.half.round(1).tolist()
    ([3.0], [0.5], [1.0])
    """
    from scipy import optimize

    k = x.shape[1]
    model = _Mix(x, y, np.linalg.qr(base)[0], Experiments.none() if tests is None else tests)
    rng = np.random.default_rng(seed)
    places = [begin]
    if begin is None:
        places = [np.concatenate([np.full(k, TOWARDS), np.zeros(k)])]
        places += [rng.normal(0, 1, 2 * k) for _ in range(starts - 1)]
    bounds = np.array([STAY] * k + [HALF] * k)
    found = min(
        (
            optimize.minimize(
                model.loss,
                place,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10},
            )
            for place in places
        ),
        key=lambda r: r.fun,
    )
    shape = _polished(model, found.x, bounds)
    effects, media, _ = model.effects(shape)
    weights = np.linalg.lstsq(base, y - media[0] @ effects, rcond=None)[0]
    return MediaMix(shape, effects, media[0], weights, base @ weights + media[0] @ effects)


def _polished(model, shape, bounds):
    """Return the shape after a few Newton steps; what stands at a bound stays there."""
    free = (shape > bounds[:, 0] + 1e-6) & (shape < bounds[:, 1] - 1e-6)
    at = shape.copy()

    def slope(some):
        at[free] = some
        return -model.loss(at)[1][free]

    best, _ = (
        newton_refine(slope, shape[free].copy(), enough=1e-13) if free.any() else (shape[free], 0)
    )
    made = shape.copy()
    made[free] = best
    inside = (made >= bounds[:, 0]) & (made <= bounds[:, 1])
    return made if inside.all() else shape


@dataclass(frozen=True, eq=False)
class _Mix:
    """The sum of squares given a shape: spending, sales, an orthogonal basis of what goes without
    media, and experiments.
    """

    x: np.ndarray
    y: np.ndarray
    across: np.ndarray
    tests: Experiments

    def effects(self, shape):
        """Return the effects, spending as it works with its slopes, and what is left over."""
        from scipy import optimize

        media = working(self.x, shape)
        a, b = (v - self.across @ (self.across.T @ v) for v in (media[0], self.y))
        tests = self.tests
        if len(tests.channel):
            extra = np.zeros((len(tests.channel), a.shape[1]))
            pull = tests.noise / tests.std_error
            extra[np.arange(len(pull)), tests.channel] = media[0].sum(axis=0)[tests.channel] * pull
            a, b = np.vstack([a, extra]), np.append(b, tests.contribution * pull)
        beta, _ = optimize.nnls(a, b)
        return beta, media, b - a @ beta

    def loss(self, shape):
        """Return the sum of squares as a share of that of sales, with the gentle pull, and its
        slope.
        """
        n, k = self.x.shape
        scale = self.y.var() * n
        beta, (_, by_stay, by_half), left = self.effects(shape)
        # Effects are at their best, so that only what they multiply moves.
        pushed = np.repeat(left[:n, None], k, axis=1)
        tests = self.tests
        for at, sd, rest in zip(tests.channel, tests.std_error, left[n:], strict=True):
            pushed[:, at] += rest * tests.noise / sd
        slope = np.concatenate([(pushed * v).sum(axis=0) * beta for v in (by_stay, by_half)])
        away = np.concatenate([(shape[:k] - TOWARDS) / SPREAD, shape[k:]])
        pull = PULL * np.concatenate([2 * away[:k] / SPREAD, 2 * away[k:]])
        return left @ left / scale + PULL * (away**2).sum(), -2 * slope / scale + pull


def measures(made: MediaMix, x: np.ndarray, y: np.ndarray, unit: np.ndarray):
    """Return what each medium brought (k × 6): contribution, share of sales, return on spending,
    return of one more unit at the mean, what stays, and the spending at which half is reached.

    Parameters
    ----------
    made : MediaMix
    x : ndarray, shape (n, k)
        As it was fitted.
    y : ndarray, shape (n,)
    unit : ndarray, shape (k,)
        What one unit of x stands for.

    >>> x, y = np.array([[1.0], [1.0]]), np.array([3.0, 5.0])
    >>> made = MediaMix(np.array([0.0, 0.0]), np.array([4.0]), np.full((2, 1), 0.5), None, None)
    >>> measures(made, x, y, np.array([2.0])).round(3).tolist()
    [[4.0, 0.5, 1.0, 0.5, 0.5, 2.0]]
    """
    brought = made.media.sum(axis=0) * made.effects
    level, half = x.mean(axis=0), made.half
    marginal = made.effects * half / (level + half) ** 2 / unit
    spent = (x * unit).sum(axis=0)
    return np.column_stack(
        [brought, brought / y.sum(), brought / spent, marginal, made.stay, half * unit]
    )


@dataclass(frozen=True, eq=False)
class Draws:
    """How a mix is drawn anew: what one unit of each medium stands for (`unit`, k), by what
    residuals are widened for the weights that took from them (`grow`), how often, and from which
    generator.
    """

    unit: np.ndarray
    grow: float
    draws: int
    rng: np.random.Generator


def resampled(
    made, x: np.ndarray, base, y: np.ndarray, how: Draws, *, tests: Experiments | None = None
):
    """Return the measures of bootstrap draws (draws × k × 6): residuals drawn in blocks of four
    periods, experiments by their own error, everything fitted anew.

    Parameters
    ----------
    made, x, base, y : as in `measures` and `media_mix`
    how : Draws
    tests : Experiments, optional

    Source: Künsch (1989), Annals of Statistics 17.
    """
    tests = Experiments.none() if tests is None else tests
    n, residual, out = len(y), y - made.fitted, []
    for _ in range(how.draws):
        begins = how.rng.integers(0, n, -(-n // BLOCK))
        blocks = (begins[:, None] + np.arange(BLOCK)).ravel()[:n] % n
        moved = tests.contribution + tests.std_error * how.rng.normal(size=len(tests.channel))
        here = Experiments(tests.channel, moved, tests.std_error, tests.noise)
        sales = made.fitted + how.grow * residual[blocks]
        again = media_mix(x, base, sales, tests=here, begin=made.shape)
        out.append(measures(again, x, y, how.unit))
    return np.array(out)
