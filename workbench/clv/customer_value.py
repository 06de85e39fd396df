"""What customers will still buy, and what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.clv.portfolio import Terms, Worth, ahead_in, checked, how_many
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from typing import Any

    import pandas as pd

    from workbench.types import Table

VALUE_COST = Note(
    "clv.value_cost",
    "What it cost to win these customers, and what the firm spends to keep them, is not included.",
)
VALUE_FAR = Note(
    "clv.value_far",
    "The horizon is more than twice as long as anybody was observed: the far part rests on the "
    "model alone.",
)


@engine.frames("customers")
@analysis
def expected_purchases(fit: Result | Any, customers: Table, ahead: str | float) -> pd.DataFrame:
    """Give every customer the probability of still being one, and the purchases to expect.

    Parameters
    ----------
    fit : Fit or Result of a model of buying
    customers : table it was fitted to, or another in the same unit
    ahead : str or number
        How far to look, such as "182D"; for `bg_bb` a number of opportunities, for a table without
        a named unit a number of its units.

    Returns
    -------
    DataFrame
        The customers with alive and expected. The chances of BG/NBD are 1 for whoever never came
        back: a trait of that model.

    Raises InputError for a length that is not above 0.

    Source: as the models.
    """
    fit = getattr(fit, "model", fit)
    span = ahead_in(fit, ahead)
    names = ("frequency", "recency", "age")
    checked(customers, names)
    x, last, age = (np.asarray(customers[c], float) for c in names)
    p = fit.natural(customers)
    made = customers.assign(
        alive=fit.model.alive(p, x, last, age),
        expected=fit.model.conditional(p, x, last, age, span),
    )
    made.attrs = dict(customers.attrs)
    return made


@engine.frames("customers")
@analysis
def value(
    fit: Result | Any,
    spending: Result | Any,
    customers: Table,
    *,
    horizon: str,
    discount: float = 0.10,
    margin: float = 1.0,
    past: Result | Any | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What will these customers bring, and how much of it lies with the best?

    Purchases to expect, discounted to today, times the value of a purchase to expect, times the
    margin. What it cost to win them is not in it.

    Parameters
    ----------
    fit : Fit or Result of a model of buying in time, or a list of several
        Of several each stands in rows of its own; the one with the smallest past error is taken,
        or the first.
    spending : Fit or Result of `gamma_gamma`
    customers : table of `clv.customers`; optionally with `customers`, how many a row stands for
    horizon : str
        How far to look, such as "1092D"; there is no default, since a lifetime has no other end.
    discount : float
        A year: 0.10 for 10 %.
    margin : float
        Share of a purchase's value that is left.
    past : Result or `.model` of `backtest`, optional
        What forecasts of these models were worth at past days; without it the intervals take the
        model for granted, and say so.

    Returns
    -------
    Result
        [model,] measure (total; mean a customer; purchases: those to expect, not discounted;
        top_tenth: share of the total that the tenth with the highest value accounts for), n
        (customers), estimate, std_error, conf_low, conf_high. Those of total, mean and purchases
        are for what comes: the parameters, the future of single customers and, with `past`, the
        error of the model. `.model` is a DataFrame: the customers with alive, expected, mean_value
        and worth.

    Raises
    ------
    InputError
        For a horizon, discount or margin that is not above 0 (a discount may be 0), or spending
        without a mean.

    Source: Fader, Hardie & Lee (2005), Journal of Marketing Research 42; Gupta et al. (2006),
    Journal of Service Research 9. Errors of parameters by the delta method.
    """
    import pandas as pd

    given = [getattr(m, "model", m) for m in (fit if isinstance(fit, (list, tuple)) else [fit])]
    spending, past = (getattr(m, "model", m) for m in (spending, past))
    terms = Terms(horizon, discount, margin)
    _usable(given, spending, terms)
    several = len(given) > 1
    made = {f.model.name: Worth(f, spending, customers, terms) for f in given}
    chosen = _chosen(made, past)
    parts = [
        worth.rows(past, conf_level).assign(**{"model": name} if several else {})
        for name, worth in made.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    if several:
        table = table[["model", *(c for c in table if c != "model")]]
    best = table[table["model"] == chosen] if several else table
    limits = [terms.said(), VALUE_COST, _sure(past, chosen)]
    limits += _apart(table, chosen) if several else []
    if terms.span(given[0]) > 2 * float(np.asarray(customers["age"], float).max()):
        limits.append(VALUE_FAR)
    return Result(
        question=Note("clv.value_question", "What will these customers bring?"),
        table=table,
        answer=_worth(best, horizon),
        method=Note(
            "clv.value_method",
            "Discounted purchases by {model:word} times the value of a purchase by the "
            "gamma-gamma model; errors of the parameters by the delta method.",
            model=list(made),
        ),
        unit="customers",
        n=how_many(customers)[1],
        conf_level=conf_level,
        limits=tuple(limits),
        model=made[chosen].people(),
        chart=Points(
            label=["model", "measure"] if several else ["measure"],
            only={"measure": "mean"},
            xlabel=Note("clv.value_axis", "Value per customer, in the currency of the orders"),
        ),
    )


def _usable(given, spending, terms):
    """Refuse models without a unit of time or a mean, and terms that make no value."""
    if not given or any(f.unit is None for f in given):
        raise InputError(
            "clv.error_value_unit",
            "value: the model of buying must know its unit of time; use customers of clv.customers",
        )
    for f in given:
        ahead_in(f, terms.horizon)
    if terms.discount < 0 or terms.margin <= 0:
        raise InputError(
            "clv.error_value_terms",
            "value: discount must be 0 or more and margin above 0, found {discount} and {margin}",
            discount=terms.discount,
            margin=terms.margin,
        )
    if spending.params["q"] <= 1:
        raise InputError(
            "clv.error_value_mean",
            "value: the spending model has no mean (q is not above {least}); a few very large "
            "purchases decide it",
            least=1,
        )


def _chosen(made, past):
    """Return the model with the smallest past error, or the first."""
    known = [n for n in made if past is not None and ("amount", n) in past.errors]
    if not known:
        return next(iter(made))
    return min(known, key=lambda n: float(np.mean(past.errors["amount", n] ** 2)))


def _apart(table, chosen):
    """Say how far the totals of the models lie apart."""
    total = table[table["measure"] == "total"].set_index("model")["estimate"]
    return [
        Note(
            "clv.value_models",
            "The models differ: from {least:money} ({lowest:word}) to {most:money} "
            "({highest:word}). The answer is that of {chosen:word}.",
            least=float(total.min()),
            lowest=str(total.idxmin()),
            most=float(total.max()),
            highest=str(total.idxmax()),
            chosen=chosen,
        )
    ]


def _sure(past, chosen):
    """Say which errors are in the intervals."""
    if past is None:
        return Note(
            "clv.value_luck",
            "The intervals take the model for granted: they hold the errors of its parameters and "
            "the chance variation of single customers, and not how far the model itself may be "
            "off. Forecasts at past days (clv.backtest) tell that.",
        )
    size, dates = past.error("amount", chosen) if "amount" in past.best else (np.nan, 0)
    if size != size:
        return Note(
            "clv.value_past_none",
            "Forecasts at past days had no amounts, so the intervals of money take the model for "
            "granted.",
        )
    return Note(
        "clv.value_past",
        "The intervals hold the errors of the parameters, the chance variation of single customers "
        "and the error of the model: {size:%} at {dates} past days, for {checked:span}.",
        size=size,
        dates=dates,
        checked=f"{past.checked:.0f}D",
    )


def _worth(table, horizon):
    """Return the value of a customer, the total, and how much of it the best tenth accounts for."""
    rows = table.set_index("measure")
    mean = rows.loc["mean"]
    return Note(
        "clv.value_answer",
        "Over {horizon:span} a customer is worth {mean:money} on average ({low:money} to "
        "{high:money}), {n} customers together {total:money} ({total_low:money} to "
        "{total_high:money}); the most valuable tenth accounts for {top:%} of it ({top_low:%} to "
        "{top_high:%}).",
        horizon=horizon,
        mean=mean["estimate"],
        low=mean["conf_low"],
        high=mean["conf_high"],
        n=int(mean["n"]),
        total=rows.loc["total", "estimate"],
        total_low=rows.loc["total", "conf_low"],
        total_high=rows.loc["total", "conf_high"],
        top=rows.loc["top_tenth", "estimate"],
        top_low=rows.loc["top_tenth", "conf_low"],
        top_high=rows.loc["top_tenth", "conf_high"],
    )


KINDS = {"0": -1, "1": 0, "2-3": 1, "4-6": 3, "7+": 6}  # repeat purchases above which a kind begins


@engine.frames("people")
@analysis
def by_frequency(people: Table) -> pd.DataFrame:
    """Return how many customers made few or many repeat purchases, and what to expect of them.

    Parameters
    ----------
    people : DataFrame
        `.model` of `clv.value`: one row a customer.

    Returns
    -------
    DataFrame
        kind (repeat purchases so far), customers, and the means of alive, expected and worth.
    """
    import pandas as pd

    kind = pd.cut(people["frequency"], [*KINDS.values(), float("inf")], labels=list(KINDS))
    many, _ = how_many(people)
    sums = people.assign(
        customers=many, **{c: people[c] * many for c in ("alive", "expected", "worth")}
    )
    sums = sums.groupby(kind, observed=True)[["customers", "alive", "expected", "worth"]].sum()
    means = sums[["alive", "expected", "worth"]].div(sums["customers"], axis=0)
    means.insert(0, "customers", sums["customers"].astype(int))
    return means.rename_axis("kind").reset_index()
