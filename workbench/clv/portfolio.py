"""What the customers of one model of buying and one of spending bring, and how sure that is."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench import intervals, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note

NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)


@dataclass(frozen=True)
class Terms:
    """How far a value looks, what a year takes off it, and which share of a purchase is left."""

    horizon: str
    discount: float
    margin: float

    def span(self, fit):
        """Return the horizon in units of a fit."""
        return ahead_in(fit, self.horizon)

    @property
    def days(self):
        """The horizon in days."""
        return schemas.micros("horizon", self.horizon) / 86_400_000_000

    def said(self):
        """Return the sentence on these terms."""
        return _terms(self.horizon, self.discount, self.margin)


class Worth:
    """What customers are worth by one model of buying and one of spending."""

    def __init__(self, fit, spending, customers, terms):
        self.fit, self.spending, self.customers, self.terms = fit, spending, customers, terms
        self.many, self.n = how_many(customers)
        kinds = customers.groupby(["frequency", "recency", "age", *_shifting(fit)], sort=True)
        self.kinds = kinds.ngroup().to_numpy()
        self.alike = customers.iloc[np.unique(self.kinds, return_index=True)[1]]
        self.seen = [self.alike[c].to_numpy(float) for c in ("frequency", "recency", "age")]
        self.paid = customers["paid"].to_numpy(float)
        self.mean = np.nan_to_num(customers["value"].to_numpy(float))
        self.bought, self.discounted = self._purchases(fit.theta)
        self.price = self._price(spending.theta)
        self.worth = self.discounted * self.price * terms.margin

    def _purchases(self, theta):
        """Return purchases to expect, and the same discounted, a customer each."""
        p, (x, last, age) = self.fit.natural(self.alike, theta), self.seen
        span = self.terms.span(self.fit)
        # A unit of time, continuously.
        rate = np.log1p(self.terms.discount) * self.fit.unit / 365.25
        bought = self.fit.model.conditional(p, x, last, age, span)
        # Discounted purchases by parts: what is bought by each moment is smooth, its derivative has
        # no closed form.
        times = span * (1 + NODES) / 2
        under = sum(
            w * np.exp(-rate * s) * self.fit.model.conditional(p, x, last, age, s)
            for s, w in zip(times, WEIGHTS * span / 2, strict=True)
        )
        return bought[self.kinds], (np.exp(-rate * span) * bought + rate * under)[self.kinds]

    def _price(self, theta):
        return self.spending.model.mean(self.spending.natural(theta=theta), self.paid, self.mean)

    def _sums(self, purchases, price):
        """Return the logarithms of total and purchases, and the top tenth's share on the logit."""
        bought, discounted = purchases
        v = discounted * price * self.terms.margin
        total = self.many @ v
        top = _top(v, self.many, max(self.n // 10, 1)) / total
        share = np.clip(top, 1e-12, 1 - 1e-12)
        return np.array([np.log(total), np.log(self.many @ bought), special.logit(share)])

    def errors(self):
        """Return the standard errors of what `_sums` gives, from those of the parameters."""
        slopes = []
        for fit, made in (
            (self.fit, lambda t: self._sums(self._purchases(t), self.price)),
            (
                self.spending,
                lambda t: self._sums((self.bought, self.discounted), self._price(t)),
            ),
        ):
            step = 1e-4
            moves = step * np.eye(len(fit.theta))
            slope = np.array(
                [(made(fit.theta + m) - made(fit.theta - m)) / (2 * step) for m in moves]
            )
            cov = np.nan_to_num(fit.cov.to_numpy(float))
            slopes.append(np.einsum("pk,pq,qk->k", slope, cov, slope))
        return np.sqrt(np.maximum(sum(slopes), 0.0))

    def chance(self):
        """Return the standard errors, in parts, of total and purchases where the parameters are
        known: what single customers may do.
        """
        alive = np.clip(self._alive(), 1e-9, 1.0)
        x = self.customers["frequency"].to_numpy(float)
        shape = dict(zip(self.fit.model.names, self.fit.natural(), strict=True))["r"]
        wide = 1 / (np.asarray(shape, float) + x) + (1 - alive) / alive
        spread = self.bought + self.bought**2 * wide
        one = np.divide(self.worth, self.bought, out=np.zeros_like(x), where=self.bought > 0)
        of_one = one**2 * (spread + self.bought / self.spending.params["p"])
        return np.array(
            [
                np.sqrt(self.many @ of_one) / (self.many @ self.worth),
                np.sqrt(self.many @ spread) / (self.many @ self.bought),
            ]
        )

    def _alive(self):
        return self.fit.model.alive(self.fit.natural(self.alike), *self.seen)[self.kinds]

    def rows(self, past, conf_level):
        """Return the rows of the table."""
        import pandas as pd

        total, bought = self.many @ self.worth, self.many @ self.bought
        of_total, of_bought, of_top = self.errors()
        alone = self.chance()
        top = _top(self.worth, self.many, max(self.n // 10, 1)) / total
        edges = special.expit(
            special.logit(top) + np.array([-1, 1]) * intervals.z(conf_level) * of_top
        )
        by_total = self._within(past, "amount", np.hypot(of_total, alone[0]), conf_level)
        by_bought = self._within(past, "purchases", np.hypot(of_bought, alone[1]), conf_level)
        estimates = [total, total / self.n, bought, top]
        by_top = (*(edges / top), (1 - top) * of_top) if top > 0 else (np.nan,) * 3
        factors = [by_total, by_total, by_bought, by_top]
        return pd.DataFrame(
            {
                "measure": ["total", "mean", "purchases", "top_tenth"],
                "n": self.n,
                "estimate": estimates,
                "std_error": [e * f[2] for e, f in zip(estimates, factors, strict=True)],
                "conf_low": [e * f[0] for e, f in zip(estimates, factors, strict=True)],
                "conf_high": [e * f[1] for e, f in zip(estimates, factors, strict=True)],
            }
        )

    def _within(self, past, measure, error, conf_level):
        """Return the factors between which what comes should lie, and the error in parts."""
        if past is not None and any(m == measure for m, _ in past.errors):
            name, days = self.fit.model.name, self.terms.days
            return past.within(measure, name, days, conf_level, error)
        half = intervals.z(conf_level) * error
        return float(np.exp(-half)), float(np.exp(half)), float(error)

    def people(self):
        """Return the customers with what to expect of each."""
        made = self.customers.assign(
            alive=self._alive(), expected=self.bought, mean_value=self.price, worth=self.worth
        )
        made.attrs = dict(self.customers.attrs)
        return made


def checked(customers, names):
    """Return frequency, age and how many customers a row stands for, or say what is wrong."""
    need_columns("customers", customers.columns, *names)
    x, last, age = (np.asarray(customers[n], float) for n in names)
    if not (np.isfinite(x + last + age).all() and (x >= 0).all() and (last >= 0).all()):
        raise InputError(
            "clv.error_not_numbers",
            "customers: frequency, recency and age must be numbers of 0 or more",
        )
    wrong = (last > age * (1 + 1e-9)) | ((x == 0) != (last == 0))
    if wrong.any():
        raise InputError(
            "clv.error_recency",
            "customers: in {wrong} rows the last purchase lies after the end, or frequency and "
            "recency contradict each other (both are 0, or neither)",
            wrong=int(wrong.sum()),
        )
    many, _ = how_many(customers)
    if not (np.isfinite(many).all() and (many >= 0).all() and (many == many.round()).all()):
        raise InputError(
            "clv.error_how_many",
            "customers: the column '{name}' says how many customers a row stands for; it must hold "
            "whole numbers of {least} or more",
            name="customers",
            least=0,
        )
    return x, age, many


def how_many(customers):
    """Return how many customers every row stands for, and all rows together; refuse no row."""
    if not len(customers):
        raise NotEnoughData("clv.error_no_customers", "customers: the table holds no customer")
    if "customers" not in customers:
        return np.ones(len(customers)), len(customers)
    many = np.asarray(customers["customers"], float)
    return many, int(many.sum())


def _top(value, many, most):
    """Return what the customers of the highest value are worth together, up to so many of them."""
    order = np.argsort(-value, kind="stable")
    before = np.cumsum(many[order]) - many[order]
    return float(np.clip(most - before, 0, many[order]) @ value[order])


def _terms(horizon, discount, margin):
    return Note(
        "clv.value_terms",
        "Horizon {horizon:span}, discount {discount:%} a year, margin {margin:%0}.",
        horizon=horizon,
        discount=discount,
        margin=margin,
    )


def _shifting(fit):
    return [c for columns in fit.covariates.values() for c in columns]


def ahead_in(fit, ahead):
    """Return a length of time in the fit's unit, or a number of opportunities."""
    if fit.unit is None:
        whole = fit.model.name == "bg_bb"
        if not isinstance(ahead, (int, np.integer, *(() if whole else (float,)))) or ahead <= 0:
            raise InputError(
                "clv.error_ahead_number",
                "ahead: a number of {unit:word} above 0 is needed, found {ahead:repr}",
                unit="opportunities" if whole else "units of the time in the table",
                ahead=ahead,
            )
        return ahead
    span = schemas.micros("ahead", ahead) / 86_400_000_000 / fit.unit
    if span <= 0:
        raise InputError(
            "clv.error_ahead_length",
            "ahead: must be longer than 0, found {ahead:repr}",
            ahead=ahead,
        )
    return span
