"""What customers will still buy, and what they are worth."""

from dataclasses import dataclass

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis

NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)
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
def outlook(fit, customers, ahead):
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
    span = _ahead(fit, ahead)
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
    fit,
    spending,
    customers,
    *,
    horizon,
    discount=0.10,
    margin=1.0,
    draws=60,
    seed=1,
    conf_level=0.95,
):
    """What are these customers still worth, and how much of it lies with the best?

    Purchases to expect, discounted to today, times the value of a purchase to expect, times the
    margin. What it cost to win them is not in it.

    Parameters
    ----------
    fit : Fit or Result of a model of buying in time
    spending : Fit or Result of `gamma_gamma`
    customers : table of `clv.customers`; optionally with `customers`, how many a row stands for
    horizon : str
        How far to look, such as "1092D"; there is no default, since a lifetime has no other end.
    discount : float
        A year: 0.10 for 10 %.
    margin : float
        Share of a purchase's value that is left.
    draws, seed : int
        Of the bootstrap over customers, both models fitted anew in each draw.

    Returns
    -------
    Result
        measure (total; mean a customer; purchases: those to expect, not discounted; top_tenth:
        share of the total that the tenth with the highest value accounts for), n (customers),
        estimate, std_error, conf_low, conf_high: how sure the models are, not the luck
        of single customers. `.model` is a DataFrame: the customers with alive, expected, mean_value
        and value.

    Raises
    ------
    InputError
        For a horizon, discount or margin that is not above 0 (a discount may be 0), or spending
        without a mean.

    Source: Fader, Hardie & Lee (2005), Journal of Marketing Research 42; Gupta et al. (2006),
    Journal of Service Research 9.
    """
    import pandas as pd

    fit, spending = (getattr(m, "model", m) for m in (fit, spending))
    if fit.unit is None:
        raise InputError(
            "clv.error_value_unit",
            "value: the model of buying must know its unit of time; use customers of clv.customers",
        )
    span, years = _ahead(fit, horizon), fit.unit / 365.25
    if discount < 0 or margin <= 0:
        raise InputError(
            "clv.error_value_terms",
            "value: discount must be 0 or more and margin above 0, found {discount} and {margin}",
            discount=discount,
            margin=margin,
        )
    if spending.params["q"] <= 1:
        raise InputError(
            "clv.error_value_mean",
            "value: the spending model has no mean (q is not above {least}); a few very large "
            "purchases decide it",
            least=1,
        )
    many, n = how_many(customers)
    kinds = (
        customers.groupby(["frequency", "recency", "age", *_shifting(fit)], sort=True)
        .ngroup()
        .to_numpy()
    )
    first = np.unique(kinds, return_index=True)[1]
    alike = customers.iloc[first]
    x, last, age = (alike[c].to_numpy(float) for c in ("frequency", "recency", "age"))
    paid, mean = (
        customers["paid"].to_numpy(float),
        np.nan_to_num(customers["value"].to_numpy(float)),
    )
    # A unit of time, continuously.
    rate = np.log1p(discount) * years
    ahead = _Ahead(fit, spending, alike, kinds, paid, mean, many, span, rate, margin)
    estimate = ahead.sums(None, None)
    drawn = [
        ahead.sums(a, b)
        for a, b in zip(fit.redraw(draws, seed), spending.redraw(draws, seed + 1), strict=True)
        if np.isfinite(a).all() and np.isfinite(b).all() and b[1] > 0
    ]
    se, low, high = intervals.percentiles(drawn or estimate[None][:0], estimate, conf_level)
    table = pd.DataFrame(
        {
            "measure": ["total", "mean", "purchases", "top_tenth"],
            "n": n,
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    bought, worth, price = ahead.each(None, None)
    people = customers.assign(
        alive=fit.model.alive(fit.natural(alike), x, last, age)[kinds],
        expected=bought,
        mean_value=price,
        worth=worth * price * margin,
    )
    people.attrs = dict(customers.attrs)
    limits = [_terms(horizon, discount, margin), VALUE_COST, _sampling(len(drawn))]
    if span > 2 * float(age.max()):
        limits.append(VALUE_FAR)
    return Result(
        question=Note("clv.value_question", "What are these customers still worth?"),
        table=table,
        answer=_worth(table, horizon),
        method=Note(
            "clv.value_method",
            "Discounted purchases by {model:word} times the value of a purchase by the "
            "gamma-gamma model; both fitted again in each draw of customers.",
            model=fit.model.name,
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        model=people,
        chart=Points(
            label=["measure"],
            only={"measure": "mean"},
            xlabel=Note("clv.value_axis", "Value per customer, in the currency of the orders"),
        ),
    )


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


@dataclass(frozen=True, eq=False)
class _Ahead:
    """What customers will buy, and what that is worth, under parameters of both models."""

    fit: object
    spending: object
    alike: object
    kinds: np.ndarray
    paid: np.ndarray
    mean: np.ndarray
    many: np.ndarray
    span: float
    rate: float
    margin: float

    def each(self, theta_buy, theta_spend):
        """Return purchases, discounted purchases and value of a purchase, a customer each."""
        x, last, age = (self.alike[c].to_numpy(float) for c in ("frequency", "recency", "age"))
        p, model, span = self.fit.natural(self.alike, theta_buy), self.fit.model, self.span
        bought = model.conditional(p, x, last, age, span)
        # Discounted purchases by parts: what is bought by each moment is smooth, its derivative has
        # no closed form.
        under = sum(
            w * np.exp(-self.rate * s) * model.conditional(p, x, last, age, s)
            for s, w in zip(span * (1 + NODES) / 2, WEIGHTS * span / 2, strict=True)
        )
        worth = np.exp(-self.rate * span) * bought + self.rate * under
        natural = self.spending.natural(theta=theta_spend)
        return (
            bought[self.kinds],
            worth[self.kinds],
            self.spending.model.mean(natural, self.paid, self.mean),
        )

    def sums(self, theta_buy, theta_spend):
        """Return the total, the mean, the purchases and the share of the top tenth."""
        bought, worth, price = self.each(theta_buy, theta_spend)
        v, n = worth * price * self.margin, int(self.many.sum())
        total, tenth = self.many @ v, _top(v, self.many, max(n // 10, 1))
        return np.array([total, total / n, self.many @ bought, tenth / total])


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


def _worth(table, horizon):
    """Return the value of a customer, the total, and how much of it the best tenth accounts for."""
    rows = table.set_index("measure")
    mean = rows.loc["mean"]
    return Note(
        "clv.value_answer",
        "Over {horizon:span} a customer is worth {mean:money} on average ({low:money} to "
        "{high:money}), {n} customers together {total:money}; the most valuable tenth accounts "
        "for {top:%} of it.",
        horizon=horizon,
        mean=mean["estimate"],
        low=mean["conf_low"],
        high=mean["conf_high"],
        n=int(mean["n"]),
        total=rows.loc["total", "estimate"],
        top=rows.loc["top_tenth", "estimate"],
    )


def _terms(horizon, discount, margin):
    return Note(
        "clv.value_terms",
        "Horizon {horizon:span}, discount {discount:%} a year, margin {margin:%0}.",
        horizon=horizon,
        discount=discount,
        margin=margin,
    )


def _sampling(draws):
    return Note(
        "clv.value_luck",
        "The interval covers the uncertainty of the models ({draws} draws), not the chance "
        "variation of single customers.",
        draws=draws,
    )


def _shifting(fit):
    return [c for columns in fit.covariates.values() for c in columns]


def _ahead(fit, ahead):
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


KINDS = {"0": -1, "1": 0, "2-3": 1, "4-6": 3, "7+": 6}  # repeat purchases above which a kind begins


@engine.frames("people")
@analysis
def by_frequency(people):
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
