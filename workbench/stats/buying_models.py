"""Models of buying until one leaves unseen, of arrays: likelihoods with their gradients,
expectations, and the chance to be still a customer.

Every model takes repeat purchases x, the last of them t and the time watched T, and parameters a
row each (so that covariates may shift them). Logarithms throughout: nothing overflows.
"""

from typing import ClassVar

import numpy as np
from scipy import special

from workbench.stats import buying

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
DEEP = 42.0  # e to minus this is nothing beside one


class Buying:
    """What every model of buying can do with its chances."""

    def expected(self, p, ahead):
        """Return the repeat purchases to expect of a new customer within the time `ahead`: those of
        one who was watched for no time at all.
        """
        nothing = np.zeros(1)
        made = self.conditional(p, nothing, nothing, nothing, ahead)
        return made if np.ndim(ahead) else made[0]


class BgNbd(Buying):
    """Buys at a rate of its own; after every repeat purchase leaves with a chance of its own.
    Source: Fader, Hardie & Lee (2005), Marketing Science 24.
    """

    name, names = "bg_nbd", ("r", "alpha", "a", "b")
    pairs: ClassVar = (("r", "alpha"), ("a", "b"))
    shifts: ClassVar = {"orders": ("alpha", -1.0), "leaving": ("a", 1.0)}
    timed = ("alpha",)
    # Batislam's version may also leave right after the first purchase: one chance more.
    first = 0.0

    def parts(self, p, x, t, age):
        """Return the two ways to the data, still a customer and gone after the last purchase
        (logarithms), and the factor both share.
        """
        r, alpha, a, b = p
        k, at = _counts(x, p)
        n = k + self.first
        none = special.betaln(a, b)
        shared = (special.gammaln(r + k) - special.gammaln(r) + r * np.log(alpha))[at]
        alive = (special.betaln(a, b + n) - none)[at] - (r + x) * np.log(alpha + age)
        with np.errstate(divide="ignore", invalid="ignore"):
            gone = np.where(n > 0, special.betaln(a + 1, b + n - 1) - none, -np.inf)[at] - (
                r + x
            ) * np.log(alpha + t)
        return shared, alive, gone

    def loglik(self, p, x, t, age):
        """Return every row's log-likelihood and its derivatives by the parameters."""
        r, alpha, a, b = p
        shared, alive, gone = self.parts(p, x, t, age)
        value = np.logaddexp(alive, gone)
        w = np.exp(gone - value)  # chance to be gone
        v = 1 - w
        k, at = _counts(x, p)
        n = k + self.first
        ab = special.psi(a + b) - special.psi(a + b + n)
        d_r = (
            (special.psi(r + k) - special.psi(r) + np.log(alpha))[at]
            - v * np.log(alpha + age)
            - w * np.log(alpha + t)
        )
        d_alpha = r / alpha - (r + x) * (v / (alpha + age) + w / (alpha + t))
        # B(a + 1, b + n − 1): an a more, a b less, the sum the same.
        d_a = ab[at] + w / a
        less = 1 / np.where(b + n - 1 > 0, b + n - 1, np.inf)
        d_b = (ab - special.psi(b) + special.psi(b + n))[at] - w * less[at]
        return shared + value, (d_r, d_alpha, d_a, d_b)

    def alive(self, p, x, t, age):
        """Return the chance to be still a customer."""
        _, alive, gone = self.parts(p, x, t, age)
        return special.expit(alive - gone)

    def conditional(self, p, x, t, age, ahead):
        """Return the purchases to expect within the time `ahead`, given what was seen."""
        r, alpha, a, b = p
        k = x + self.first
        return self.alive(p, x, t, age) * buying.while_alive(
            r + x, alpha + age, a, b + k, np.asarray(ahead, float)
        )

    def draw(self, p, age, rng):
        """Return repeat purchases and the last of them of customers drawn from the model, watched
        for `age`.
        """
        r, alpha, a, b = p
        rate, chance = rng.gamma(r, 1 / alpha, len(age)), rng.beta(a, b, len(age))
        x, last = np.zeros(len(age)), np.zeros(len(age))
        here = rng.random(len(age)) >= chance * self.first
        now = np.zeros(len(age))
        while here.any():
            now = now + rng.exponential(1, len(age)) / np.maximum(rate, 1e-300)
            here &= now <= age
            x, last = x + here, np.where(here, now, last)
            here &= rng.random(len(age)) >= chance
        return x, last

    def start(self, x, age):
        """Return sensible parameters to begin a search at."""
        mean = max((x / np.maximum(age, 1e-12)).mean(), 1e-6)
        return np.array([0.5, 0.5 / mean, 0.8, 2.5])


class MbgNbd(BgNbd):
    """As BG/NBD, but one may also leave right after the first purchase. Source: Batislam, Denizel &
    Filiztekin (2007), International Journal of Research in Marketing 24.
    """

    name, first = "mbg_nbd", 1.0


class ParetoNbd(Buying):
    """Buys at a rate of its own and leaves at a moment of its own. Source: Schmittlein, Morrison &
    Colombo (1987), Management Science 33; likelihood as in Fader & Hardie (2005).
    """

    name, names = "pareto_nbd", ("r", "alpha", "s", "beta")
    pairs: ClassVar = (("r", "alpha"), ("s", "beta"))
    shifts: ClassVar = {"orders": ("alpha", -1.0), "leaving": ("beta", -1.0)}
    timed = ("alpha", "beta")

    def gone(self, p, x, t, age):
        """Return the logarithm of s ∫ (alpha + u)^−(r + x) (beta + u)^−(s + 1) du from t to age,
        and the means under it that derivatives need.

        Along the logarithm of the smaller of alpha and beta plus u the integrand falls ever faster:
        what lies below e^−DEEP of its begin is left out, the rest is smooth enough for the nodes.
        """
        r, alpha, s, beta = (np.broadcast_to(v, x.shape) for v in p)
        m = np.minimum(alpha, beta)
        falls = (r + x) * (m + t) / (alpha + t) + (s + 1) * (m + t) / (beta + t) - 1
        reach = np.log(m + age) - np.log(m + t)
        reach = np.where(falls * reach > DEEP, DEEP / np.maximum(falls, 1e-12), reach)
        w = reach[:, None] * (1 + NODES) / 2
        u = (m + t)[:, None] * np.exp(w) - m[:, None]
        la, lb = np.log(alpha[:, None] + u), np.log(beta[:, None] + u)
        log = -(r + x)[:, None] * la - (s + 1)[:, None] * lb + w
        top = log.max(axis=1)
        f = np.exp(log - top[:, None]) * WEIGHTS
        total = f.sum(axis=1)
        with np.errstate(divide="ignore"):
            # Minus infinity where nobody had time to leave.
            value = np.log(s) + top + np.log(total) + np.log(reach / 2) + np.log(m + t)
        f = f / total[:, None]
        return (
            value,
            (f * la).sum(axis=1),
            (f / (alpha[:, None] + u)).sum(axis=1),
            (f * lb).sum(axis=1),
            (f / (beta[:, None] + u)).sum(axis=1),
        )

    def loglik(self, p, x, t, age):
        """Return every row's log-likelihood and its derivatives by the parameters."""
        r, alpha, s, beta = p
        shared = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
        gone, log_a, over_a, log_b, over_b = self.gone(p, x, t, age)
        value = np.logaddexp(alive, gone)
        w = np.exp(gone - value)
        v = 1 - w
        return shared + value, (
            special.psi(r + x)
            - special.psi(r)
            + np.log(alpha)
            - v * np.log(alpha + age)
            - w * log_a,
            r / alpha - (r + x) * (v / (alpha + age) + w * over_a),
            np.log(beta) - v * np.log(beta + age) + w * (1 / s - log_b),
            s / beta - v * s / (beta + age) - w * (s + 1) * over_b,
        )

    def alive(self, p, x, t, age):
        """Return the chance to be still a customer."""
        r, alpha, s, beta = p
        return special.expit(
            -(r + x) * np.log(alpha + age) - s * np.log(beta + age) - self.gone(p, x, t, age)[0]
        )

    def conditional(self, p, x, t, age, ahead):
        """Return the purchases to expect within the time `ahead`, given what was seen."""
        r, alpha, s, beta = p
        return (
            self.alive(p, x, t, age)
            * (r + x)
            * (beta + age)
            / (alpha + age)
            * _lasting(s, ahead / (beta + age))
        )

    def draw(self, p, age, rng):
        """Return repeat purchases and the last of them of customers drawn from the model, watched
        for `age`.
        """
        r, alpha, s, beta = p
        rate, life = (
            rng.gamma(r, 1 / alpha, len(age)),
            rng.exponential(1, len(age)) / np.maximum(rng.gamma(s, 1 / beta, len(age)), 1e-300),
        )
        until = np.minimum(life, age)
        x = rng.poisson(rate * until).astype(float)
        # The last of x moments spread evenly.
        return x, np.where(x > 0, until * rng.random(len(age)) ** (1 / np.maximum(x, 1)), 0.0)

    def start(self, x, age):
        """Return sensible parameters to begin a search at."""
        mean = max((x / np.maximum(age, 1e-12)).mean(), 1e-6)
        return np.array([0.6, 0.6 / mean, 0.6, 0.6 / mean])


class BgBb(Buying):
    """Buys or not at every opportunity (a yearly appeal) with a chance of its own, and leaves with
    one. Source: Fader, Hardie & Shang (2010), Marketing Science 29.

    Here t and age count opportunities, and `ahead` too.
    """

    name, names = "bg_bb", ("alpha", "beta", "gamma", "delta")
    pairs: ClassVar = (("alpha", "beta"), ("gamma", "delta"))
    shifts, timed = {}, ()

    def _terms(self, p, x, t, age):
        """Return the logarithms of all ways to the data, rows × (still a customer, left after t,
        after t + 1, …); impossible ones are minus infinity.
        """
        alpha, beta, gamma, delta = (np.asarray(v, float) for v in p)
        most = int((age - t).max()) if len(x) else 0
        i = np.arange(most)
        with np.errstate(invalid="ignore"):
            left = special.betaln(
                (alpha + x)[:, None], (beta + t - x)[:, None] + i
            ) + special.betaln(gamma + 1, (delta + t)[:, None] + i)
        left = np.where(i < (age - t)[:, None], left, -np.inf)
        stays = special.betaln(alpha + x, beta + age - x) + special.betaln(gamma, delta + age)
        return (
            np.column_stack([stays, left])
            - special.betaln(alpha, beta)
            - special.betaln(gamma, delta),
            i,
        )

    def loglik(self, p, x, t, age):
        """Return every row's log-likelihood and its derivatives by the parameters."""
        alpha, beta, gamma, delta = p
        terms, i = self._terms(p, x, t, age)
        value = special.logsumexp(terms, axis=1)
        w = np.exp(terms - value[:, None])
        # Opportunities as a customer.
        until = np.column_stack([age, np.broadcast_to(t[:, None] + i, (len(x), len(i)))])
        plus = np.concatenate([[0.0], np.ones(len(i))])  # leaving is one event of its own
        psi = special.psi
        ab, gd = (
            psi(alpha + beta) - psi(alpha + beta + until),
            psi(gamma + delta) - psi(gamma + delta + until + plus),
        )
        missed = until - x[:, None]
        with np.errstate(invalid="ignore"):
            parts = (
                psi(alpha + x)[:, None] - psi(alpha) + ab,
                psi(beta + np.maximum(missed, 0)) - psi(beta) + ab,
                psi(gamma + plus) - psi(gamma) + gd,
                psi(delta + until) - psi(delta) + gd,
            )
        return value, tuple((w * d).sum(axis=1) for d in parts)

    def alive(self, p, x, t, age):
        """Return the chance to be still a customer at the next opportunity."""
        _, _, gamma, delta = p
        terms, _ = self._terms(p, x, t, age)
        return (
            np.exp(terms[:, 0] - special.logsumexp(terms, axis=1))
            * (delta + age)
            / (gamma + delta + age)
        )

    def conditional(self, p, x, t, age, ahead):
        """Return the purchases to expect at the next `ahead` opportunities, given what was seen."""
        alpha, beta, gamma, delta = p
        terms, _ = self._terms(p, x, t, age)
        stays = np.exp(terms[:, 0] - special.logsumexp(terms, axis=1))
        return (
            stays * (alpha + x) / (alpha + beta + age) * _opportunities(gamma, delta + age, ahead)
        )

    def draw(self, p, age, rng):
        """Return purchases and the last of them of customers drawn from the model, offered `age`
        opportunities.
        """
        alpha, beta, gamma, delta = p
        n = len(age)
        buys, leaves = rng.beta(alpha, beta, n), rng.beta(gamma, delta, n)
        x, last, here = np.zeros(n), np.zeros(n), np.ones(n, bool)
        for k in range(1, int(age.max()) + 1):
            here &= (rng.random(n) >= leaves) & (k <= age)
            hit = here & (rng.random(n) < buys)
            x, last = x + hit, np.where(hit, k, last)
        return x, last

    def start(self, x, age):
        """Return sensible parameters to begin a search at."""
        mean = float(np.clip((x / np.maximum(age, 1)).mean(), 0.02, 0.9))
        return np.array([1.0, (1 - mean) / mean / 2, 0.7, 3.0])


class GammaGamma:
    """Spending of a purchase: customers differ in their mean, purchases around it. Source: Fader,
    Hardie & Lee (2005), Journal of Marketing Research 42; Fader & Hardie (2013).

    Here x counts purchases and t is their mean value; age is not used.
    """

    name, names = "gamma_gamma", ("p", "q", "gamma")
    pairs: ClassVar = ()
    shifts, timed = {}, ("gamma",)

    def loglik(self, params, x, t, age):
        """Return every row's log-likelihood and its derivatives by the parameters."""
        p, q, g = params
        psi, k = special.psi, p * x
        both = np.log(g + x * t)
        value = (
            special.gammaln(k + q)
            - special.gammaln(k)
            - special.gammaln(q)
            + q * np.log(g)
            + (k - 1) * np.log(t)
            + k * np.log(x)
            - (k + q) * both
        )
        return value, (
            x * (psi(k + q) - psi(k) + np.log(t) + np.log(x) - both),
            psi(k + q) - psi(q) + np.log(g) - both,
            q / g - (k + q) / (g + x * t),
        )

    def mean(self, params, x, t):
        """Return the mean value of a purchase to expect of every customer; without a purchase, that
        of all.
        """
        p, q, g = params
        return p * (g + np.where(x > 0, x * t, 0.0)) / (p * x + q - 1)

    def draw(self, params, age, rng):
        """Return purchases (drawn at random, 1 to 8) and their mean value."""
        p, q, g = params
        x = rng.integers(1, 9, len(age)).astype(float)
        return x, rng.gamma(p * x, 1 / rng.gamma(q, 1 / g, len(age))) / x

    def start(self, x, age):
        """Return sensible parameters to begin a search at; values are scaled to a mean of 1."""
        return np.array([4.0, 4.0, 0.75])


MODELS = {m.name: m() for m in (BgNbd, MbgNbd, ParetoNbd, BgBb, GammaGamma)}


def _counts(x, p):
    """Return the values at which functions of the purchases are needed, and where every row finds
    its own.

    A million customers have a hundred different counts: gamma functions are computed once a count,
    not once a customer. Parameters that differ between rows leave no such choice.
    """
    if len(x) and not any(np.ndim(v) for v in p):
        whole = x.astype(np.int64)
        if whole.min() >= 0 and whole.max() < len(x) and (whole == x).all():
            return np.arange(whole.max() + 1.0), whole
    return x, slice(None)


def _lasting(s, ahead):
    """Return (1 − (1 + ahead)^(1 − s)) / (s − 1), and its limit log(1 + ahead) at s = 1."""
    return -np.expm1(-(s - 1) * np.log1p(ahead)) / np.where(s == 1, np.inf, s - 1) + np.where(
        s == 1, np.log1p(ahead), 0.0
    )


def _opportunities(gamma, delta, ahead):
    """Return the sum over opportunities 1 … ahead of the chance to be still a customer."""
    k = np.arange(1, int(np.max(ahead)) + 1)
    stays = np.exp(
        special.betaln(np.asarray(gamma)[..., None], np.asarray(delta)[..., None] + k)
        - special.betaln(gamma, delta)[..., None]
    )
    return np.where(k <= np.asarray(ahead)[..., None], stays, 0.0).sum(axis=-1)
