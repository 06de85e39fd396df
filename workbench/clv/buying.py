"""How often do customers come back, are they still customers, and what do they spend: the models as
answers.
"""

import numpy as np
from scipy import special

from workbench import intervals
from workbench.clv import fits
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.texts import number, t

LEAST = 500
# correlation of number and value of purchases above which a spending model apart from the buying
# model is in doubt
TIED = 0.3


@analysis
def bg_nbd(customers, *, orders_by=(), leaving_by=(), seed=1, conf_level=0.95):
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
        `.model` is a `clv.Fit`; what came of the search stands in `.limits`.

    Raises
    ------
    InputError
        For missing columns, negative numbers, or a last purchase after the end.
    NotEnoughData
        Where nobody came back.

    Source: Fader, Hardie & Lee (2005), Marketing Science 24; covariates Fader & Hardie (2007).
    """
    return _buying("bg_nbd", customers, orders_by, leaving_by, seed, conf_level)


@analysis
def mbg_nbd(customers, *, orders_by=(), leaving_by=(), seed=1, conf_level=0.95):
    """How do customers differ in how often they buy and how soon they leave, if one may leave after
    the first purchase too?

    Parameters, errors and what it returns are those of `bg_nbd`. Unlike there, who never came back
    may be gone.

    Source: Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing
    24.
    """
    return _buying("mbg_nbd", customers, orders_by, leaving_by, seed, conf_level)


@analysis
def pareto_nbd(customers, *, orders_by=(), leaving_by=(), seed=1, conf_level=0.95):
    """How do customers differ in how often they buy and how soon they leave, if one may leave at
    any moment?

    Parameters, errors and what it returns are those of `bg_nbd`; `leaving_by` shifts the rate of
    leaving. Terms: r and alpha as there, s and beta (rates of leaving spread as a gamma), mean_rate
    (r / alpha), mean_leaving (s / beta, a unit of time).

    Source: Schmittlein, Morrison & Colombo (1987), Management Science 33.
    """
    return _buying("pareto_nbd", customers, orders_by, leaving_by, seed, conf_level)


@analysis
def bg_bb(customers, *, seed=1, conf_level=0.95):
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
                "clv.error_customers_must_count_opportunities_whole",
                "customers: '{name}' must count opportunities, whole numbers; for moments "
                "of time use bg_nbd",
                name=name,
            )
    return _buying("bg_bb", customers, (), (), seed, conf_level)


@analysis
def gamma_gamma(customers, *, seed=1, conf_level=0.95):
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
    good = (paid > 0) & (value > 0)
    if good.sum() < 10:
        raise NotEnoughData(
            "clv.error_gamma_gamma_customers_have_a",
            "gamma_gamma: {good} customers have a repeat purchase with an amount; ten are needed",
            good=int(good.sum()),
        )
    kept = customers[good].assign(age=1.0)
    if np.ptp(value[good]) == 0:
        raise NotEnoughData(
            "clv.error_gamma_gamma_every_purchase_has",
            "gamma_gamma: every purchase has the same value; there is no spread to learn",
        )
    made = fits.fit("gamma_gamma", kept, ("paid", "value", "age"), unit=None, seed=seed)
    q = made.params["q"]
    derived = {
        "mean_value": (lambda w: np.exp(w[0] + w[2]) / (np.exp(w[1]) - 1)) if q > 1 else None
    }
    tied = float(np.corrcoef(paid[good], value[good])[0, 1]) if np.ptp(paid[good]) else 0.0
    limits = [
        *_search(made),
        (
            Note(
                "clv.tied_much",
                "Number and value of purchases correlate by {r:2}: the model takes them as "
                "unrelated, so values of frequent buyers are off.",
                r=tied,
            )
            if abs(tied) > TIED
            else Note(
                "clv.tied",
                "Number and value of purchases correlate by {r:2}; the model takes them as "
                "unrelated.",
                r=tied,
            )
        ),
    ]
    if (~good).sum():
        limits.append(
            Note(
                "clv.no_value",
                "{n} customers without a repeat purchase of value have no part; they are "
                "expected to spend as all do.",
                n=int((~good).sum()),
            )
        )
    if q <= 1:
        limits.insert(
            0,
            Note(
                "clv.no_mean",
                "q is not above 1: a few very large purchases decide the mean, and none "
                "can be given.",
            ),
        )
    return _answer(made, derived, "gamma_gamma", limits, conf_level)


def _buying(kind, customers, orders_by, leaving_by, seed, conf_level):
    names = ("frequency", "recency", "age")
    need_columns("customers", customers.columns, *names)
    x, last, age = (np.asarray(customers[n], float) for n in names)
    if not (np.isfinite(x + last + age).all() and (x >= 0).all() and (last >= 0).all()):
        raise InputError(
            "clv.error_customers_frequency_recency_and_age",
            "customers: frequency, recency and age must be numbers of 0 or more",
        )
    wrong = (last > age * (1 + 1e-9)) | ((x == 0) != (last == 0))
    if wrong.any():
        raise InputError(
            "clv.error_customers_in_rows_the_last",
            "customers: in {wrong} rows the last purchase lies after the end, or "
            "frequency and recency do not agree (0 goes with 0)",
            wrong=int(wrong.sum()),
        )
    many = (
        np.asarray(customers["customers"], float) if "customers" in customers else np.ones(len(x))
    )
    n, again = int(many.sum()), int(many[x > 0].sum())
    if again < 10:
        raise NotEnoughData(
            f"{kind}: {again} of {n} customers came back; ten are needed to learn how often"
            + ("; a later `learn_until` leaves more" if "later" in customers else "")
        )
    made = fits.fit(
        kind,
        customers,
        names,
        unit=getattr(customers, "attrs", {}).get("unit_days") if kind != "bg_bb" else None,
        covariates={"orders": list(orders_by), "leaving": list(leaving_by)},
        seed=seed,
    )
    if kind == "bg_bb":
        derived = {
            "mean_rate": lambda w: 1 / (1 + np.exp(w[1] - w[0])),
            "mean_leaving": lambda w: 1 / (1 + np.exp(w[3] - w[2])),
        }
    else:
        derived = {
            "mean_rate": lambda w: np.exp(w[0] - w[1]),
            "mean_leaving": (
                (lambda w: np.exp(w[2] - w[3]))
                if kind == "pareto_nbd"
                else (lambda w: 1 / (1 + np.exp(w[3] - w[2])))
            ),
        }
    limits = [
        *_search(made),
        Note("clv.repeats", "{again} of {n} customers came back at least once.", again=again, n=n),
    ]
    if kind == "bg_nbd":
        limits.append(
            Note(
                "clv.never_gone",
                "In this model whoever never came back counts as a customer for certain; "
                "MBG/NBD and Pareto/NBD do not say so.",
            )
        )
    if n < LEAST:
        limits.append(
            Note("drivers.few", "{n} are few; {least} is a common floor.", n=n, least=LEAST)
        )
    if kind != "bg_bb" and many @ x < 2 * n:
        limits.append(
            Note(
                "clv.short",
                "Customers were watched for {age:3} units of time on average and buy every "
                "{gap:3}: under two purchases' time, so leaving can hardly be told from "
                "waiting.",
                age=float(many @ age / n),
                gap=float(many @ age / (many @ x)),
            )
        )
    if refunds := getattr(customers, "attrs", {}).get("refunds"):
        limits.append(
            Note(
                "clv.refunds",
                "{n} days on which a customer got more back than they paid are no purchase.",
                n=refunds,
            )
        )
    if later := getattr(customers, "attrs", {}).get("later_orders"):
        limits.append(Note("clv.later", "{n} orders after the end named are left out.", n=later))
    limits.append(
        Note(
            "clv.assumes",
            "Rates do not change while one is a customer: seasons, promotions and "
            "growth break that; see whether the hold-out and the tracking plot agree.",
        )
    )
    return _answer(made, derived, kind, limits, conf_level)


def _search(made):
    """Return the sentences on what came of the search, and what to do where it ended at an edge."""
    agree, starts = made.agree
    told = {
        "score": "<1e-8" if made.gradient < 1e-8 else f"{made.gradient:.0e}",
        "agree": number(int(agree)),
        "starts": number(starts),
        "value": number(made.loglik, 8),
    }
    out = (
        [
            Note(
                "clv.settled",
                "The search settled: largest score a customer {score}, {agree} of {starts} "
                "starts reached the same top, log-likelihood {value}.",
                **told,
            )
        ]
        if made.settled
        else [
            Note(
                "clv.unsettled",
                "The search did not settle (largest score a customer {score}, {agree} of "
                "{starts} starts at the same top, log-likelihood {value}): read nothing "
                "from it; watch customers longer, take a longer unit of time, or leave "
                "covariates out.",
                **told,
            )
        ]
    )
    if {"r", "alpha"} & set(made.edges) and made.model.name != "bg_bb":
        out.insert(
            0,
            Note(
                "clv.edge_orders",
                "{names:text} ran to the edge: customers hardly differ in how often they "
                "buy, so the spread cannot be told. Rates and forecasts hold; these "
                "parameters mean nothing apart.",
                names=list(made.edges),
            ),
        )
    if set(made.edges) - {"r"} - ({"alpha"} if made.model.name != "bg_bb" else set()):
        out.insert(
            0,
            (
                Note(
                    "clv.edge_leaving",
                    "{names:text} ran to the edge: from these data leaving cannot be told "
                    "(nobody is seen to go, or all alike). Read no chance to be alive and no "
                    "far forecast; watch customers longer.",
                    names=list(made.edges),
                )
                if made.model.name != "gamma_gamma"
                else Note(
                    "clv.edge_value",
                    "{names:text} ran to the edge: customers hardly differ in what they spend, "
                    "or purchases hardly vary; the mean holds, these parameters mean nothing "
                    "apart.",
                    names=list(made.edges),
                )
            ),
        )
    return out


def _answer(made, derived, key, limits, conf_level):
    """Return the Result of a fit: parameters on the log scale's intervals, and what follows from
    them.
    """
    import pandas as pd

    k = len(made.model.names)
    theta, cov = made.theta, made.cov.to_numpy()
    se = np.sqrt(np.maximum(np.diag(cov), 0))
    low, high = intervals.normal(theta, se, conf_level)
    edge = np.isin(made.params.index, made.edges)
    se, low, high = (np.where(edge, np.nan, v) for v in (se, low, high))
    rows = [
        {
            "term": n,
            "estimate": np.exp(theta[i]),
            "std_error": np.exp(theta[i]) * se[i],
            "conf_low": np.exp(low[i]),
            "conf_high": np.exp(high[i]),
        }
        for i, n in enumerate(made.model.names)
    ]
    for name, compute in derived.items():
        if compute is None:
            rows.append(
                {
                    "term": name,
                    **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
                }
            )
            continue
        # A chance on the logit scale, a rate or a value on the logarithm: its interval stays where
        # it can be.
        chance = (name == "mean_leaving" and key != "pareto_nbd") or key == "bg_bb"
        there, back = (special.logit, special.expit) if chance else (np.log, np.exp)
        value, step = float(compute(theta)), 1e-5
        slope = np.array(
            [
                (there(compute(theta + step * e)) - there(compute(theta - step * e))) / (2 * step)
                for e in np.eye(len(theta))
            ]
        )
        known = np.isfinite(np.diag(cov)) | (np.abs(slope) < 1e-12)
        error = (
            float(np.sqrt(max(slope @ np.where(np.isfinite(cov), cov, 0.0) @ slope, 0)))
            if known.all()
            else np.nan
        )
        a, b = back(np.array(intervals.normal(there(value), error, conf_level)))
        rows.append(
            {
                "term": name,
                "estimate": value,
                "std_error": value * (1 - value if chance else 1) * error,
                "conf_low": float(a),
                "conf_high": float(b),
            }
        )
    rows += [
        {
            "term": n,
            "estimate": theta[k + i],
            "std_error": se[k + i],
            "conf_low": low[k + i],
            "conf_high": high[k + i],
        }
        for i, n in enumerate(made.params.index[k:])
    ]
    table = pd.DataFrame(rows)
    table.insert(1, "n", made.customers)
    table.loc[~np.isfinite(table["std_error"]), ["std_error", "conf_low", "conf_high"]] = np.nan
    return Result(
        question=t(f"clv.{key}_question"),
        table=table,
        method=t(f"clv.{key}_method", unit=number(made.unit, 3) if made.unit else "–"),
        unit="customers",
        n=made.customers,
        conf_level=conf_level,
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term"], only={"term": list(derived)}, xlabel=Note("clv.axis", "Estimate")
        ),
    )
