"""Cox regression of arrays: Efron's ties in whole columns, strata, clustered errors, what can be
said where the likelihood is monotone, and Firth's penalised fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.stats import existence, late_entry, penalised
from workbench.stats.likelihoods import climb
from workbench.stats.proportional import proportionality
from workbench.stats.scaling import standardise


@dataclass(frozen=True, eq=False)
class Fit:
    """A Cox regression at the top of its partial likelihood.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Changes of the log hazard a unit; missing where no finite estimate exists.
    cov : ndarray, shape (p, p)
        Inverse of the information, or summed over groups; missing where params are.
    loglik : float
        At the top, or what it tends to.
    p_proportional : ndarray, shape (p,)
        The chance of so much drift along the order of time if there is none.
    classical : ndarray, shape (p, p)
        Inverse of the information, whatever `cov` is; missing where params are.
    recession : existence.Recession
    settled : bool
    low, high, p_value : ndarray, shape (p,), optional
        Of a penalised fit: limits and tests from its profile.
    """

    params: np.ndarray
    cov: np.ndarray
    loglik: float
    p_proportional: np.ndarray
    recession: existence.Recession
    settled: bool
    low: np.ndarray = None
    high: np.ndarray = None
    p_value: np.ndarray = None
    classical: np.ndarray = None


def cox(
    x: np.ndarray,
    time: np.ndarray,
    ended: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Fit:
    """Fit a Cox regression by maximum partial likelihood.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Without a constant.
    time : ndarray, shape (n,)
    ended : ndarray, shape (n,)
        1 where the duration ended, 0 where it went on.
    entry : ndarray, shape (n,), optional
        When each row came under observation: nobody is at risk before, or at that very time. Rows
        of one subject from start to stop carry covariates that change. Where one weight has no
        finite estimate, all are missing then.
    strata : ndarray of int, shape (n,), optional
        Each with a shape over time of its own.
    groups : ndarray of int, shape (n,), optional
        The sampling unit (0, 1, …): errors are then summed over it.

    Returns
    -------
    Fit

    Source: Cox (1972), JRSS B 34; ties Efron (1977), JASA 72; errors Lin & Wei (1989), JASA 84;
    entry and start–stop rows Andersen & Gill (1982), Annals of Statistics 10; proportionality
    Grambsch & Therneau (1994), Biometrika 81.

    >>> made = cox(np.array([[1.0], [0], [1], [0]]), [1, 2, 3, 4], [1, 1, 1, 1])
    >>> made.params.round(4).tolist(), made.cov.round(4).tolist()
    ([0.9406], [[1.5382]])
    """
    x, time, ended = np.asarray(x, float), np.asarray(time, float), np.asarray(ended, float)
    n, p = x.shape
    strata = np.zeros(n, int) if strata is None else np.asarray(strata)
    scaled = standardise(x, constant=False)
    entry = None if entry is None else np.asarray(entry, float)
    here = Risk(scaled.z, time, ended, strata, entry)
    top = _climb(here, np.zeros(p))
    inner = top.params
    asked = existence.Recession.absent(n, p)
    if not top.proven:
        asked = (
            existence.of_hazards(scaled.z, time, ended, strata)
            if entry is None
            else late_entry.of_hazards(scaled.z, time, ended, strata, entry)
        )
    if asked.exists:
        drift = proportionality(here, inner).p_value
        cov = scaled.back @ _covariance(here, inner, groups) @ scaled.back
        classical = scaled.back @ _covariance(here, inner, None) @ scaled.back
        value = here.parts(inner).value
        return Fit(scaled.back @ inner, cov, value, drift, asked, top.settled, classical=classical)
    finite = asked.finite(scaled.back)
    params, cov, drift = np.full(p, np.nan), np.full((p, p), np.nan), np.full(p, np.nan)
    room, value, settled = existence.complement(asked.null), 0.0, True
    if entry is None and room.shape[1]:
        less = Risk(scaled.z @ room, time, ended, asked.strata)
        part = _climb(less, np.zeros(room.shape[1]))
        turned = scaled.back @ room
        around = turned @ _covariance(less, part.params, groups) @ turned.T
        params[finite] = (turned @ part.params)[finite]
        cov[np.ix_(finite, finite)] = around[np.ix_(finite, finite)]
        value, settled = less.parts(part.params).value, part.settled
    asked = asked.turned(scaled.back)
    return Fit(params, cov, value, drift, asked, settled, classical=np.full((p, p), np.nan))


def firth_cox(
    x: np.ndarray,
    time: np.ndarray,
    ended: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    conf_level: float = 0.95,
) -> Fit:
    """Fit Firth's penalised Cox regression: it exists for every sample.

    Parameters
    ----------
    x, time, ended, entry, strata : as in `cox`
    conf_level : float
        Of the profile limits.

    Returns
    -------
    Fit

    Source: Heinze & Schemper (2001), Biometrics 57.

    >>> made = firth_cox(np.array([[1.0], [1], [0], [0]]), [1, 2, 3, 4], [1, 1, 1, 1])
    >>> bool(0 < made.params[0] < 5)
    True
    """
    x, time, ended = np.asarray(x, float), np.asarray(time, float), np.asarray(ended, float)
    n, p = x.shape
    strata = np.zeros(n, int) if strata is None else np.asarray(strata)
    scaled = standardise(x, constant=False)
    entry = None if entry is None else np.asarray(entry, float)
    here = Risk(scaled.z, time, ended, strata, entry)
    top = penalised.firth(here.parts, p)
    low, high, p_value = np.array(
        [penalised.profile(here.parts, top, row, conf_level) for row in scaled.back]
    ).T
    return Fit(
        scaled.back @ top.params,
        scaled.back @ top.cov @ scaled.back,
        top.value,
        proportionality(here, top.params).p_value,
        existence.Recession.absent(n, p),
        top.settled,
        low,
        high,
        p_value,
    )


@dataclass(frozen=True, eq=False)
class Risk:
    """Durations in the order in which they are compared: covariates, durations, whether each ended,
    strata, and when each came under observation (None: from the beginning).
    """

    z: np.ndarray
    time: np.ndarray
    ended: np.ndarray
    strata: np.ndarray
    entry: np.ndarray = None

    @cached_property
    def order(self):
        """The rows in the order in which they are compared."""
        rows = np.lexsort((-self.time, self.strata))
        strata, time, ended = self.strata[rows], self.time[rows], self.ended[rows] > 0
        turns = strata[1:] != strata[:-1]
        begins = np.append(True, turns | (time[1:] != time[:-1]))
        moment = np.cumsum(begins) - 1
        events = np.flatnonzero(ended)
        at = moment[events]
        many = np.bincount(at, minlength=moment[-1] + 1)
        first = np.append(True, at[1:] != at[:-1])[: len(at)]
        place = np.arange(len(at)) - np.flatnonzero(first)[np.cumsum(first) - 1]
        late = None
        if self.entry is not None:
            late = late_entry.late(strata, time, self.entry[rows], np.flatnonzero(begins))
        return Order(
            rows,
            np.append(0, np.flatnonzero(turns) + 1),
            moment,
            np.append(np.flatnonzero(begins)[1:] - 1, len(rows) - 1),
            events,
            at,
            many,
            place / many[at],
            late,
        )

    def _sums(self, b):
        """Return what the likelihood and its slopes are made of."""
        o = self.order
        z = self.z[o.rows]
        eta = z @ b
        # The highest of each stratum stands for 0: nothing overflows.
        top = np.maximum.reduceat(eta, o.starts)
        eta = eta - np.repeat(top, np.diff(np.append(o.starts, len(eta))))
        w = np.exp(eta)
        wz = z * w[:, None]
        s0, s1 = o.there(w), o.there(wz)
        tied0 = np.bincount(o.at, w[o.events], len(o.last))
        tied1 = np.column_stack([np.bincount(o.at, c, len(o.last)) for c in wz[o.events].T])
        phi = s0[o.at] - o.share * tied0[o.at]
        mean = (s1[o.at] - o.share[:, None] * tied1[o.at]) / phi[:, None]
        return z, eta, w, wz, phi, mean

    def parts(self, b):
        """Return the log-likelihood, its slope and the information."""
        o = self.order
        z, eta, w, _, phi, mean = self._sums(b)
        value = float(eta[o.events].sum() - np.log(phi).sum())
        score = z[o.events].sum(axis=0) - mean.sum(axis=0)
        weight = w * o.exposed(1 / phi, o.share / phi)
        return penalised.Parts(value, score, (z * weight[:, None]).T @ z - mean.T @ mean)

    def residuals(self, b):
        """Return every row's part in the score, in the order given (n × p)."""
        o = self.order
        z, _, w, _, phi, mean = self._sums(b)
        out = -w[:, None] * z * o.exposed(1 / phi, o.share / phi)[:, None]
        for k, column in enumerate(mean.T):
            out[:, k] += w * o.exposed(column / phi, o.share * column / phi)
            shared = np.bincount(o.at, column, len(o.last)) / np.maximum(o.many, 1)
            out[o.events, k] += z[o.events, k] - shared[o.at]
        back = np.empty_like(out)
        back[o.rows] = out
        return back

    def schoenfeld(self, b):
        """Return the covariates of each row that ended less their mean over those still there (of
        ties the mean of Efron's), and its duration.
        """
        o = self.order
        z, *_, mean = self._sums(b)
        tied = [np.bincount(o.at, c, len(o.last)) / np.maximum(o.many, 1) for c in mean.T]
        return z[o.events] - np.column_stack(tied)[o.at], self.time[o.rows][o.events]


@dataclass(frozen=True, eq=False)
class Order:
    """Rows by stratum, the longest first.

    `rows` (their places), `starts` (where strata begin), `moment` (the number of each row's moment
    of a stratum), `last` (of each moment, the last row still there), `events` (rows that ended),
    `at` (their moments), `many` (endings of each moment), `share` (of those that ended at the same
    moment, how large a part before it: Efron's ties), `late` (None: all were there from the
    beginning).
    """

    rows: np.ndarray
    starts: np.ndarray
    moment: np.ndarray
    last: np.ndarray
    events: np.ndarray
    at: np.ndarray
    many: np.ndarray
    share: np.ndarray
    late: late_entry.Late = None

    def there(self, values):
        """Return the sum, at each moment, over those still there who have entered."""
        out = _running(values, self.starts)[self.last]
        if self.late is None:
            return out
        waiting = _running(values[self.late.rows], self.starts)[np.maximum(self.late.last, 0)]
        waiting[self.late.last < 0] = 0.0
        return out - waiting

    def exposed(self, each, own):
        """Return the sum over moments up to each row's own of what each event there brings, less
        what a row that ended does not bear of its own moment.
        """
        brought = np.zeros(len(self.moment))
        brought[self.last] = np.bincount(self.at, each, len(self.last))
        sums = _running(brought, self.starts, backward=True)[self.last]
        out = sums[self.moment]
        if self.late is not None:
            out = out - np.append(sums, 0.0)[self.late.moment]
        out[self.events] -= np.bincount(self.at, own, len(self.last))[self.at]
        return out


def _running(values, starts, backward=False):
    """Return running sums within strata, each from its own begin or end."""
    if len(starts) == 1:
        return values[::-1].cumsum(axis=0)[::-1] if backward else values.cumsum(axis=0)
    out = np.empty_like(values)
    for a, b in zip(starts, np.append(starts[1:], len(values)), strict=True):
        part = values[a:b]
        out[a:b] = part[::-1].cumsum(axis=0)[::-1] if backward else part.cumsum(axis=0)
    return out


def _climb(risk, b):
    """Return the top of a partial likelihood."""
    noise = np.finfo(float).eps * 2 * np.abs(risk.z).sum(axis=0)
    # Two rows lie at most twice as far apart as the farther one from the middle.
    return climb(risk.parts, b, risk.z, noise=lambda _: noise, spread=2.0)


def _covariance(risk, b, groups):
    """Return the covariance of weights: from the information, or summed over groups."""
    bread = np.linalg.pinv(risk.parts(b).information, rcond=1e-14, hermitian=True)
    if groups is None:
        return bread
    each = risk.residuals(b)
    summed = np.column_stack([np.bincount(groups, c, int(groups.max()) + 1) for c in each.T])
    return bread @ (summed.T @ summed) @ bread
