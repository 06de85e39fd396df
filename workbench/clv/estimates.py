"""What a fitted model says: its parameters, the means that follow, and how the estimation ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import intervals
from workbench.notes import Note
from workbench.results import Points, Result
from workbench.stats import buying_fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

FARTHEST = 500.0  # logarithm of a limit that nobody could count to
UNITS = {1.0: "day", 7.0: "week", 365.25 / 12: "month", 365.25: "year"}

QUESTIONS = {
    "bg_nbd": Note(
        "clv.bg_nbd_question",
        "How do customers differ in how often they buy and how soon they leave?",
    ),
    "mbg_nbd": Note(
        "clv.mbg_nbd_question",
        "How do customers differ in how often they buy and how soon they leave, if they may leave "
        "after the first purchase too?",
    ),
    "pareto_nbd": Note(
        "clv.pareto_nbd_question",
        "How do customers differ in how often they buy and how long they stay?",
    ),
    "bg_bb": Note(
        "clv.bg_bb_question",
        "How do customers differ in how often they use an opportunity, and how soon they leave?",
    ),
    "gamma_gamma": Note(
        "clv.gamma_gamma_question",
        "How much is a purchase worth, and how do customers differ in that?",
    ),
}
RATE = Note(
    "clv.rate_answer",
    "As long as they stay, customers buy {rate:3} times a {unit:word} on average ({low:3} to "
    "{high:3}; {n} customers).",
)
RATE_AND_LEAVING = Note(
    "clv.rate_and_leaving_answer",
    "As long as they stay, customers buy {rate:3} times a {unit:word} on average ({low:3} to "
    "{high:3}); after a purchase {leaving:%} leave ({leaving_low:%} to {leaving_high:%}; {n} "
    "customers).",
)
RATE_AND_DEPARTURES = Note(
    "clv.rate_and_departures_answer",
    "As long as they stay, customers buy {rate:3} times a {unit:word} on average ({low:3} to "
    "{high:3}); they leave at a rate of {leaving:3} a {unit:word} ({leaving_low:3} to "
    "{leaving_high:3}; {n} customers).",
)
OPPORTUNITIES = Note(
    "clv.opportunities_answer",
    "As long as they stay, customers use {rate:%} of their opportunities ({low:%} to {high:%}; {n} "
    "customers).",
)


EDGE_LEAVING = Note(
    "clv.edge_leaving_alike",
    "Customers hardly differ in how soon they leave: {names:word} ran to their bound and are left "
    "out. Their mean holds, and so do probabilities of being a customer and forecasts.",
    names=[],
)
EDGE_LEAVING_APART = Note(
    "clv.edge_leaving_apart",
    "Customers leave at once or hardly ever: {names:word} ran to their bound and are left out. "
    "Their mean holds, and so do probabilities of being a customer and forecasts.",
    names=[],
)
EDGE_LEAVING_OPEN = Note(
    "clv.edge_leaving",
    "Estimates of {names:word} reached their bound: how customers differ in leaving cannot be "
    "estimated from these data. Use no probability of being a customer and no long-range "
    "forecast; observe customers longer.",
    names=[],
)
EDGE_ORDERS = Note(
    "clv.edge_orders_alike",
    "Customers hardly differ in how often they buy: {names:word} ran to their bound and are left "
    "out. Their mean holds, and so do forecasts.",
    names=[],
)
EDGE_ORDERS_APART = Note(
    "clv.edge_orders_apart",
    "Customers buy always or hardly ever: {names:word} ran to their bound and are left out. Their "
    "mean holds, and so do forecasts.",
    names=[],
)
EDGE_ORDERS_OPEN = Note(
    "clv.edge_orders",
    "Estimates of {names:word} reached their bound: how often customers buy, and how they differ "
    "in it, cannot be estimated from these data. Use no forecast; observe customers longer.",
    names=[],
)


def convergence(fit):
    """Return whether the estimation converged, and what parameters at a bound mean."""
    agree, starts = fit.agree
    values = {
        "score": float(fit.gradient),
        "agree": int(agree),
        "starts": starts,
        "value": float(fit.loglik),
    }
    out = [] if fit.model.name != "gamma_gamma" or not fit.edges else [_edge_value(fit)]
    out += [note for note in (_edge(fit, pair) for pair in fit.model.pairs) if note]
    if fit.settled:
        out.append(
            Note(
                "clv.converged",
                "The estimation converged: {agree} of {starts} starts reached the same maximum "
                "(log-likelihood {value:8}).",
                **values,
            )
        )
    else:
        out.append(
            Note(
                "clv.not_converged",
                "The estimation did not converge ({agree} of {starts} starts at the same maximum, "
                "log-likelihood {value:8}, largest score a customer {score:1}): use none of it. "
                "Observe customers longer, take a longer unit of time, or leave out covariates.",
                **values,
            )
        )
    return out


def _edge(fit, pair):
    """Return what it means that a parameter of a pair (buying, leaving) ran to its bound."""
    names = [n for n in pair if n in fit.edges]
    if not names:
        return None
    orders = pair == fit.model.pairs[0]
    if not ratio_known(fit, pair):
        return (EDGE_ORDERS_OPEN if orders else EDGE_LEAVING_OPEN).having(names=names)
    far = fit.params[pair[0]] > 1
    if orders:
        return (EDGE_ORDERS if far else EDGE_ORDERS_APART).having(names=names)
    return (EDGE_LEAVING if far else EDGE_LEAVING_APART).having(names=names)


def ratio_known(fit, pair):
    """Say whether the mean that a pair of parameters gives is known where the pair is not."""
    cov = fit.cov.loc[list(pair), list(pair)].to_numpy()
    variance = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    return bool(np.isfinite(variance) and 0 <= variance < 1)


def _edge_value(fit):
    return Note(
        "clv.edge_value",
        "Estimates of {names:word} reached their bound: customers hardly differ in what they "
        "spend, or purchases hardly vary. The mean holds; these parameters have no meaning by "
        "themselves.",
        names=list(fit.edges),
    )


def result(fit, derived, kind, limits, conf_level):
    """Return the Result of a fit: its parameters, and what follows from them."""
    table = _terms(fit, derived, kind, conf_level)
    return Result(
        question=QUESTIONS[kind],
        table=table,
        answer=_answer(table, fit, kind),
        method=_method(fit, kind),
        unit="customers",
        n=fit.customers,
        conf_level=conf_level,
        limits=tuple(limits),
        model=fit,
        chart=Points(
            label=["term"], only={"term": list(derived)}, xlabel=Note("clv.axis", "Estimate")
        ),
    )


def _method(fit, kind):
    if kind == "gamma_gamma":
        return Note(
            "clv.gamma_gamma_method",
            "Gamma-gamma model by maximum likelihood, on the mean value of repeat purchases; "
            "standard errors from the curvature of the likelihood.",
        )
    if kind == "bg_bb":
        return Note(
            "clv.opportunities_method",
            "BG/BB by maximum likelihood; time counts opportunities; standard errors from the "
            "curvature of the likelihood.",
        )
    return Note(
        "clv.buying_method",
        "{model:word} by maximum likelihood; one unit of time is {unit} days; standard errors "
        "from the curvature of the likelihood.",
        model=kind,
        unit=fit.unit,
    )


def _answer(table, fit, kind):
    """Return how often customers buy and how fast they leave, or what a purchase is worth."""
    rows = table.set_index("term")[["estimate", "conf_low", "conf_high"]]
    if kind == "gamma_gamma":
        estimate, low, high = rows.loc["mean_value"]
        if estimate != estimate:
            return Note(
                "clv.no_mean_answer",
                "No mean value of a purchase can be given for these {n} customers: a few very "
                "large purchases decide it.",
                n=fit.customers,
            )
        if low != low:
            return Note(
                "clv.mean_value_only_answer",
                "A purchase is worth {estimate:money} on average ({n} customers with repeat "
                "purchases); these data give no interval.",
                estimate=estimate,
                n=fit.customers,
            )
        return Note(
            "clv.mean_value_answer",
            "A purchase is worth {estimate:money} on average ({low:money} to {high:money}; {n} "
            "customers with repeat purchases).",
            estimate=estimate,
            low=low,
            high=high,
            n=fit.customers,
        )
    rate, low, high = rows.loc["mean_rate"]
    leaving, leaving_low, leaving_high = rows.loc["mean_leaving"]
    values = {"rate": rate, "low": low, "high": high, "n": fit.customers}
    if kind == "bg_bb":
        return OPPORTUNITIES.having(**values)
    values["unit"] = UNITS.get(fit.unit, "unit of time")
    if leaving_low != leaving_low:
        return RATE.having(**values)
    sentence = RATE_AND_DEPARTURES if kind == "pareto_nbd" else RATE_AND_LEAVING
    return sentence.having(
        **values, leaving=leaving, leaving_low=leaving_low, leaving_high=leaving_high
    )


def _terms(fit, derived, kind, conf_level):
    """Return the parameters with intervals on the scale of the logarithm, the means that follow
    from them, and the weights of covariates.
    """
    import pandas as pd

    k = len(fit.model.names)
    theta, cov = fit.theta, fit.cov.to_numpy()
    se = np.sqrt(np.maximum(np.diag(cov), 0))
    low, high = intervals.normal(theta, se, conf_level)
    # An interval without end says nothing.
    se, low, high = (np.where(high > FARTHEST, np.nan, v) for v in (se, low, high))
    edge = np.isin(fit.params.index, fit.edges)
    se, low, high = (np.where(edge, np.nan, v) for v in (se, low, high))
    rows = [
        {
            "term": n,
            "estimate": np.nan if edge[i] else np.exp(theta[i]),
            "std_error": np.exp(theta[i]) * se[i],
            "conf_low": np.exp(low[i]),
            "conf_high": np.exp(high[i]),
        }
        for i, n in enumerate(fit.model.names)
    ]
    for name, compute in derived.items():
        chance = (name == "mean_leaving" and kind != "pareto_nbd") or kind == "bg_bb"
        rows.append({"term": name, **_derived(compute, theta, cov, chance, conf_level)})
    rows += [
        {
            "term": n,
            "estimate": theta[k + i],
            "std_error": se[k + i],
            "conf_low": low[k + i],
            "conf_high": high[k + i],
        }
        for i, n in enumerate(fit.params.index[k:])
    ]
    table = pd.DataFrame(rows)
    table.insert(1, "n", fit.customers)
    table.loc[~np.isfinite(table["std_error"]), ["std_error", "conf_low", "conf_high"]] = np.nan
    return table


def _derived(compute, theta, cov, chance, conf_level):
    """Return a mean that follows from the parameters, with its interval where it can be."""
    if compute is None:
        return dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
    mean = buying_fits.derived(compute, theta, cov, chance=chance)
    back = special.expit if chance else np.exp
    low, high = back(np.array(intervals.normal(mean.moved, mean.std_error, conf_level)))
    return {
        "estimate": mean.estimate,
        "std_error": mean.estimate * (1 - mean.estimate if chance else 1) * mean.std_error,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def compare_published(result: Result, published: Mapping) -> pd.DataFrame:
    """Return a fit's parameters beside those somebody published, by term.

    Parameters
    ----------
    result : Result
        Of a model, such as `clv.bg_nbd`.
    published : dict
        Term → its published value.

    Returns
    -------
    DataFrame
        term, published, n, estimate, conf_low, conf_high.
    """
    rows = result.table[result.table["term"].isin(published)]
    rows = rows[["term", "n", "estimate", "conf_low", "conf_high"]].reset_index(drop=True)
    rows.insert(1, "published", rows["term"].map(published))
    return rows
