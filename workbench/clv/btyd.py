"""How often do customers come back, are they still customers, and what do they spend: the models as
answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.clv import estimation
from workbench.clv.estimates import convergence, result
from workbench.clv.portfolio import checked, how_many
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.results import Result
    from workbench.types import Table

LEAST = 500  # customers
RETURNED = 10  # customers who came back, below which no model is fitted
# Correlation of number and value of purchases above which a spending model apart from the buying
# model is in doubt.
TIED = 0.3
ASSUMES = Note(
    "clv.assumes",
    "The model takes the rate of buying as constant for as long as somebody is a customer. "
    "Seasons, promotions and growth contradict that: compare the hold-out and the tracking plot.",
)
NEVER_GONE = Note(
    "clv.never_gone",
    "In this model whoever never came back is still a customer for certain; in MBG/NBD and "
    "Pareto/NBD they may have left.",
)
NO_MEAN = Note(
    "clv.no_mean",
    "The parameter q is not above {least}: a few very large purchases decide the mean, so none can "
    "be given.",
    least=1,
)


@engine.frames("customers")
@analysis
def bg_nbd(
    customers: Table,
    *,
    orders_by: Sequence[str] = (),
    leaving_by: Sequence[str] = (),
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How do customers differ in how often they buy and how soon they leave, if one leaves right
    after a purchase?

    Parameters
    ----------
    customers : table of `clv.customers`
        frequency, recency, age, all in one unit of time; optionally `customers`, how many a row
        stands for.
    orders_by, leaving_by : list of str
        Columns that shift the rate of buying, and the odds of leaving after a purchase; numbers,
        standardised inside.
    seed : int
        Of the random starts.

    Returns
    -------
    Result
        term, n (customers), estimate, std_error, conf_low, conf_high. Terms: r and alpha (rates of
        buying spread as a gamma with shape r and scale 1 / alpha, alpha in units of time), a and b
        (chances to leave spread as a beta), mean_rate (r / alpha), mean_leaving (a / (a + b)), and
        a weight a covariate and standard deviation (logarithm of the rate, or of the odds).
        `.model` is a `clv.Fit`; how the estimation ended stands in `.facts` (clv.converged).

    Raises
    ------
    InputError
        For missing columns, negative numbers, or a last purchase after the end.
    NotEnoughData
        Where nobody came back.

    Source: Fader, Hardie & Lee (2005), Marketing Science 24; covariates Fader & Hardie (2007).
    """
    return _buying("bg_nbd", customers, orders_by, leaving_by, seed, conf_level)


@engine.frames("customers")
@analysis
def mbg_nbd(
    customers: Table,
    *,
    orders_by: Sequence[str] = (),
    leaving_by: Sequence[str] = (),
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How do customers differ in how often they buy and how soon they leave, if one may leave after
    the first purchase too?

    Parameters, errors and what it returns are those of `bg_nbd`. Unlike there, who never came back
    may be gone.

    Source: Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing
    24.
    """
    return _buying("mbg_nbd", customers, orders_by, leaving_by, seed, conf_level)


@engine.frames("customers")
@analysis
def pareto_nbd(
    customers: Table,
    *,
    orders_by: Sequence[str] = (),
    leaving_by: Sequence[str] = (),
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How do customers differ in how often they buy and how soon they leave, if one may leave at
    any moment?

    Parameters, errors and what it returns are those of `bg_nbd`; `leaving_by` shifts the rate of
    leaving. Terms: r and alpha as there, s and beta (rates of leaving spread as a gamma), mean_rate
    (r / alpha), mean_leaving (s / beta, a unit of time).

    Source: Schmittlein, Morrison & Colombo (1987), Management Science 33.
    """
    return _buying("pareto_nbd", customers, orders_by, leaving_by, seed, conf_level)


@engine.frames("customers")
@analysis
def bg_bb(customers: Table, *, seed: int = 1, conf_level: float = 0.95) -> Result:
    """How do customers differ in how often they use an opportunity, such as a yearly appeal, and
    how soon they leave?

    Parameters
    ----------
    customers : table with frequency, recency and age in opportunities after the first purchase;
    optionally `customers`, how many a row stands for
    seed : int

    Returns
    -------
    Result
        term, n (customers), estimate, std_error, conf_low, conf_high. Terms: alpha and beta
        (chances to buy spread as a beta), gamma and delta (chances to leave), mean_rate (alpha /
        (alpha + beta)), mean_leaving (gamma / (gamma + delta)).

    Raises as `bg_nbd`, and InputError for opportunities that are not whole.

    Source: Fader, Hardie & Shang (2010), Marketing Science 29.
    """
    for name in ("frequency", "recency", "age"):
        if name in customers and (np.asarray(customers[name], float) % 1 != 0).any():
            raise InputError(
                "clv.error_whole_opportunities",
                "customers: '{name}' must count opportunities in whole numbers; for moments in "
                "time use bg_nbd",
                name=name,
            )
    return _buying("bg_bb", customers, (), (), seed, conf_level)


@engine.frames("customers")
@analysis
def gamma_gamma(customers: Table, *, seed: int = 1, conf_level: float = 0.95) -> Result:
    """How much does a purchase bring, and how do customers differ in that?

    Parameters
    ----------
    customers : table of `clv.customers`
        paid (repeat purchases with an amount above 0) and value (their mean); rows without one are
        left out and counted.
    seed : int

    Returns
    -------
    Result
        term, n (customers), estimate, std_error, conf_low, conf_high: p, q, gamma, and mean_value
        (p · gamma / (q − 1), the mean over customers; missing where q is not above 1).

    Raises
    ------
    InputError
        For missing columns.
    NotEnoughData
        With fewer than ten customers who came back.

    Source: Fader, Hardie & Lee (2005), Journal of Marketing Research 42; Fader & Hardie (2013), the
    gamma-gamma model of monetary value.
    """
    need_columns("customers", customers.columns, "paid", "value")
    paid, value = np.asarray(customers["paid"], float), np.asarray(customers["value"], float)
    good, many = (paid > 0) & (value > 0), how_many(customers)[0]
    if many[good].sum() < RETURNED:
        raise NotEnoughData(
            "clv.error_few_values",
            "gamma_gamma: {found} customers have a repeat purchase with an amount; {least} are "
            "needed",
            found=int(many[good].sum()),
            least=RETURNED,
        )
    kept = customers[good].assign(age=1.0)
    if np.ptp(value[good]) == 0:
        raise NotEnoughData(
            "clv.error_same_values",
            "gamma_gamma: every purchase has the same value, so customers do not differ",
        )
    fit = estimation.fit("gamma_gamma", kept, ("paid", "value", "age"), unit=None, seed=seed)
    q = fit.params["q"]
    derived = {
        "mean_value": (lambda w: np.exp(w[0] + w[2]) / (np.exp(w[1]) - 1)) if q > 1 else None
    }
    tied = 0.0
    if np.ptp(paid[good]):
        spread = np.cov(paid[good], value[good], fweights=many[good].astype(int))
        tied = float(spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]))
    limits = [] if q > 1 else [NO_MEAN]
    limits += [*convergence(fit), _independence(tied)]
    if (~good).sum():
        limits.append(
            Note(
                "clv.no_value",
                "{n} customer without a repeat purchase of value is left out and expected to "
                "spend the mean of all.",
                "{n} customers without a repeat purchase of value are left out and expected to "
                "spend the mean of all.",
                n=int(many[~good].sum()),
            )
        )
    return result(fit, derived, "gamma_gamma", limits, conf_level)


def _independence(tied):
    if abs(tied) > TIED:
        return Note(
            "clv.tied_much",
            "Number and value of purchases correlate by {r:2}. The model takes them as "
            "independent, so values of frequent buyers are biased.",
            r=tied,
        )
    return Note(
        "clv.tied",
        "Number and value of purchases correlate by {r:2}; the model takes them as independent.",
        r=tied,
    )


def _buying(kind, customers, orders_by, leaving_by, seed, conf_level):
    names = ("frequency", "recency", "age")
    x, age, many = checked(customers, names)
    n, again = int(many.sum()), int(many[x > 0].sum())
    if again < RETURNED:
        raise _too_few(kind, again, n, "later" in customers)
    timed = kind != "bg_bb"
    fit = estimation.fit(
        kind,
        customers,
        names,
        unit=getattr(customers, "attrs", {}).get("unit_days") if timed else None,
        covariates={"orders": list(orders_by), "leaving": list(leaving_by)},
        seed=seed,
    )
    limits = [*convergence(fit), _came_back(again, n)]
    if kind == "bg_nbd":
        limits.append(NEVER_GONE)
    if n < LEAST:
        limits.append(
            Note(
                "clv.few",
                "{n} customers are few: {least} is a common minimum.",
                n=n,
                least=LEAST,
            )
        )
    if timed and many @ x < 2 * n:
        limits.append(
            Note(
                "clv.short",
                "Customers were observed for {age:3} units of time on average and buy "
                "once every {gap:3}. That is less than the time of two purchases, so the model can "
                "hardly separate customers who left from customers who wait.",
                age=float(many @ age / n),
                gap=float(many @ age / (many @ x)),
            )
        )
    limits += _left_out(getattr(customers, "attrs", {}))
    return result(fit, _means(kind), kind, [*limits, ASSUMES], conf_level)


def _too_few(kind, again, n, held_out):
    values = {"model": kind, "again": again, "n": n, "least": RETURNED}
    if held_out:
        return NotEnoughData(
            "clv.error_few_returned_before",
            "{model}: {again} of {n} customers came back; {least} are needed to estimate how "
            "often. A later `learn_until` leaves more",
            **values,
        )
    return NotEnoughData(
        "clv.error_few_returned",
        "{model}: {again} of {n} customers came back; {least} are needed to estimate how often",
        **values,
    )


def _came_back(again, n):
    return Note(
        "clv.repeats", "{again} of {n} customers came back at least once.", again=again, n=n
    )


def _left_out(attrs):
    """Return what was left out when customers were counted."""
    out = []
    if refunds := attrs.get("refunds"):
        out.append(
            Note(
                "clv.refunds",
                "{n} day on which a customer got back more than they paid does not count as a "
                "purchase.",
                "{n} days on which a customer got back more than they paid do not count as "
                "purchases.",
                n=refunds,
            )
        )
    if later := attrs.get("later_orders"):
        out.append(
            Note(
                "clv.later",
                "{n} order after the end of the period is left out.",
                "{n} orders after the end of the period are left out.",
                n=later,
            )
        )
    return out


def _means(kind):
    """Return the means that follow from a model's parameters (as logarithms), by name."""
    if kind == "bg_bb":
        return {
            "mean_rate": lambda w: 1 / (1 + np.exp(w[1] - w[0])),
            "mean_leaving": lambda w: 1 / (1 + np.exp(w[3] - w[2])),
        }
    return {
        "mean_rate": lambda w: np.exp(w[0] - w[1]),
        "mean_leaving": (
            (lambda w: np.exp(w[2] - w[3]))
            if kind == "pareto_nbd"
            else (lambda w: 1 / (1 + np.exp(w[3] - w[2])))
        ),
    }
