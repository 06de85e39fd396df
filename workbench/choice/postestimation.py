"""What follows from a fitted choice model: elasticities, money values and what-if shares."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.choice import findings
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import likelihoods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from workbench.types import Table


@engine.frames("choices")
@analysis
def elasticities(
    fit: Result | Any, choices: Table, attribute: str = "price", *, conf_level: float = 0.95
) -> Result:
    """If one alternative's price rises by one percent, by how many percent do the shares change?

    Parameters
    ----------
    fit : Fit or Result of a choice model of any kind
    choices : the choices to average over
    attribute : str
        A positive attribute of the fit.

    Returns
    -------
    Result
        alternative (whose share moves), changed (whose attribute rises), kind (own or cross), n
        (choices), estimate, std_error, conf_low, conf_high. Share-weighted averages; delta method
        with customers as sampling unit.

    Raises InputError for an attribute the fit does not have.

    Source: Train (2009), Discrete Choice Methods with Simulation, sections 3.6, 4.2 and 6.2.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit).complete()
    if attribute not in fit.attributes:
        raise unknown("attribute", "attribute", attribute, fit.attributes)
    d = fit.design(choices)
    where = fit.attributes.index(attribute)
    estimate, se = likelihoods.delta(
        lambda q: (fit.pulls(q, d, where) / fit.chances(q, d).sum(axis=0)[:, None]).ravel(),
        fit.params,
        fit.cov,
    )
    low, high = intervals.normal(estimate, se, conf_level)
    pairs = [(a, b) for a in fit.names for b in fit.names]
    table = pd.DataFrame(
        {
            "alternative": [a for a, _ in pairs],
            "changed": [b for _, b in pairs],
            "kind": ["own" if a == b else "cross" for a, b in pairs],
            "n": len(d.x),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    return Result(
        question=Note(
            "choice.elasticity_question",
            "If the {attribute:word} of one alternative rises by {rise:%0}, by how many "
            "per cent does its share change?",
            attribute=attribute,
            rise=0.01,
        ),
        table=table,
        answer=findings.elasticity(table, attribute),
        unit="choices",
        method=findings.ELASTICITY_METHOD,
        n=len(d.x),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            findings.ELASTICITY_LIMIT,
            *([findings.ELASTICITY_DISCOUNT] if "discount" in fit.attributes else []),
            findings.ASSOCIATIONAL,
        ),
        chart=Points(
            label=["alternative"],
            only={"kind": "own"},
            reference=0,
            xlabel=Note(
                "choice.elasticity_axis",
                "Percent change of share per percent of {attribute:word}",
                attribute=attribute,
            ),
        ),
    )


@analysis
def willingness_to_pay(
    fit: Result | Any,
    price: str = "price",
    *,
    draws: int = 5000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How much more would people pay for one unit of each other attribute?

    Minus the attribute's weight over the price's, with two intervals: the delta method, and Krinsky
    & Robb's, which draws all weights from their joint distribution and so allows for a skewed
    ratio. Where the price's own weight is not clearly negative, or differs between people so that
    it may be 0 for somebody, the ratios are missing.

    Parameters
    ----------
    fit : Fit or Result of a choice model of any kind; of a latent-class model the classes have
    values of their own
    price : str
        The attribute that is money.
    draws, seed : int
        Of Krinsky & Robb's interval; at most 1,000 for a mixed logit.

    Returns
    -------
    Result
        term (and class), interval (delta or krinsky_robb), n (choices), estimate (units of price),
        std_error, conf_low, conf_high.

    Raises InputError where the price is no attribute of the fit.

    Source: Krinsky & Robb (1986), Review of Economics and Statistics 68; Daly, Hess & de Jong
    (2012), Transportation Research B 46.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit).complete()
    if price not in fit.attributes:
        raise unknown("price", "attribute", price, fit.attributes)
    limits = [
        *(
            [findings.WTP_LIMIT]
            if {"display", "mailer", "discount", "loyalty"} & set(fit.attributes)
            else []
        ),
        findings.ASSOCIATIONAL,
    ]
    keys, weights = fit.worth_rows(price), fit.price_weights(price)
    ends = [intervals.normal(value, error, conf_level) for value, error in weights or ()]
    unsure = [(low, high) for low, high in ends if not high < 0]
    estimate, se, drawn = (
        np.full(len(keys), np.nan),
        np.full(len(keys), np.nan),
        np.full((2, len(keys)), np.nan),
    )
    # Without a clearly negative weight of money, money is no yardstick and the ratio means nothing.
    if weights is None:
        limits.insert(
            0,
            findings.WTP_RANDOM,
        )
    elif unsure:
        limits.insert(
            0,
            Note(
                "choice.wtp_none",
                "The weight of money is not clearly negative (interval {low:3} to "
                "{high:3}), so nothing can be expressed in money here: missing.",
                low=unsure[0][0],
                high=unsure[0][1],
            ),
        )
    else:
        estimate, se = likelihoods.delta(lambda q: fit.worth(q, price), fit.params, fit.cov)
        rng = np.random.default_rng(seed)
        many = draws if fit.kind != "mixed" else min(draws, 1000)
        values = np.array(
            [
                fit.worth(q, price)
                for q in rng.multivariate_normal(fit.params, fit.cov, many, method="cholesky")
            ]
        )
        drawn = np.quantile(values, [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=0)
    low, high = intervals.normal(estimate, se, conf_level)
    rows = [
        {
            **key,
            "interval": kind,
            "n": fit.choices,
            "estimate": estimate[i],
            "std_error": se[i],
            "conf_low": a[i],
            "conf_high": b[i],
        }
        for i, key in enumerate(keys)
        for kind, (a, b) in (("delta", (low, high)), ("krinsky_robb", drawn))
    ]
    table = pd.DataFrame(rows)
    return Result(
        question=findings.WTP_QUESTION,
        table=table,
        answer=findings.money(table, fit.choices, price),
        method=findings.WTP_METHOD,
        unit="choices",
        n=fit.choices,
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=[k for k in rows[0] if k in ("term", "class", "interval")] if rows else ["term"],
            only={"interval": "krinsky_robb"},
            reference=0,
            xlabel=findings.WTP_AXIS,
        ),
    )


@engine.frames("choices")
@analysis
def simulate_shares(
    fit: Result | Any,
    choices: Table,
    *,
    change: Mapping | None = None,
    remove: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """What would the shares be if a price rose, or an alternative disappeared?

    Parameters
    ----------
    fit : Fit or Result of a choice model of any kind
    choices : the choices to simulate on
    change : dict, optional
        Attribute → {alternative: new value as a function of the old, given as a factor (1.1) or as
        a text such as "+2" or "=5"}.
    remove : list of str
        Alternatives that are no longer there.

    Returns
    -------
    Result
        alternative, measure (before, after, difference), n (choices that keep something to choose),
        estimate (share), std_error, conf_low, conf_high. The interval is that of the weights (delta
        method): the choices themselves are taken as given.

    Raises
    ------
    InputError
        For an unknown attribute or alternative, or a change that is neither factor nor text.
    NotEnoughData
        If nothing is left to choose.

    Source: Train (2009), section 2.6.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit).complete()
    d = fit.design(choices)
    x, available = d.x.copy(), d.available.copy()
    for attribute, moves in (change or {}).items():
        if attribute not in fit.attributes:
            raise unknown("change", "attribute", attribute, fit.attributes)
        for name, how in moves.items():
            if name not in fit.names:
                raise unknown("change", "alternative", name, fit.names)
            j, k = fit.names.index(name), fit.attributes.index(attribute)
            x[:, j, k] = _moved(x[:, j, k], how, f"change: {attribute} of {name}")
    for name in remove:
        if name not in fit.names:
            raise unknown("remove", "alternative", name, fit.names)
        available[:, fit.names.index(name)] = False
    some = np.flatnonzero(available.any(axis=1))
    if not len(some):
        raise NotEnoughData("choice.error_nothing_left", "simulate_shares: nothing is left")
    before = d.take(some)
    after = dataclasses.replace(
        before, x=np.where(available[:, :, None], x, 0.0)[some], available=available[some]
    )

    estimate, se = likelihoods.delta(
        lambda q: fit.before_and_after(q, before, after), fit.params, fit.cov
    )
    low, high = intervals.normal(estimate, se, conf_level)
    j = len(fit.names)
    gone = (
        np.tile(np.isin(fit.names, list(remove)), 3)
        & (np.arange(3 * j) >= j)
        & (np.arange(3 * j) < 2 * j)
    )
    low, high, se = (np.where(gone, np.nan, v) for v in (low, high, se))
    table = pd.DataFrame(
        {
            "alternative": list(fit.names) * 3,
            "measure": np.repeat(["before", "after", "difference"], j),
            "n": len(some),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    changed = _changed(change or {}, remove)
    limits = [*changed, findings.WHAT_IF_LIMIT, findings.ASSOCIATIONAL]
    if fit.kind == "conditional":
        limits.append(findings.IIA)
    if len(some) < len(d.x):
        limits.append(
            Note(
                "choice.what_if_empty",
                "{n} choices have nothing left to choose and are left out.",
                n=len(d.x) - len(some),
            )
        )
    return Result(
        question=findings.WHAT_IF_QUESTION,
        table=table,
        answer=findings.scenario(table),
        method=findings.WHAT_IF_METHOD,
        unit="choices",
        n=len(some),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["alternative"],
            only={"measure": "difference"},
            points=True,
            reference=0,
            xlabel=findings.WHAT_IF_AXIS,
        ),
    )


def _changed(change, remove):
    """Say what is other than it was: each new value, and what is no longer there."""
    for attribute, moves in change.items():
        for name, how in moves.items():
            said = {"attribute": attribute, "alternative": name}
            if isinstance(how, str):
                yield Note(
                    "choice.what_if_set",
                    "Changed here: {attribute:word} of {alternative}, {how:text}.",
                    how=how,
                    **said,
                )
            else:
                yield Note(
                    "choice.what_if_factor",
                    "Changed here: {attribute:word} of {alternative}, by {change:%}.",
                    change=how - 1,
                    **said,
                )
    if remove:
        yield Note("choice.what_if_removed", "No longer there: {names}.", names=list(remove))


def _moved(values, how, where):
    if (
        isinstance(how, str)
        and how[:1] in ("+", "-", "=")
        and (by := _number(how.removeprefix("="))) is not None
    ):
        return np.full_like(values, by) if how[0] == "=" else values + by
    if isinstance(how, (int, float)) and not isinstance(how, bool):
        return values * how
    raise InputError(
        "choice.error_change",
        "{where}: a factor such as {factor}, or a text such as {texts:repr}, is needed; found "
        "{how:repr}",
        where=where,
        how=how,
        factor=1.1,
        texts=["+2", "-2", "=5"],
    )


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None
