"""What customers will still buy and be worth, and whether the models foretold what came."""

import numpy as np

from workbench import engine, intervals, schemas
from workbench.clv.buying import bg_nbd, mbg_nbd, pareto_nbd
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

FITS = {"bg_nbd": bg_nbd, "mbg_nbd": mbg_nbd, "pareto_nbd": pareto_nbd}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)


@analysis
def outlook(fit, customers, ahead):
    """Tell for every customer the chance to be still one, and the purchases to expect.

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
    x, last, age = (np.asarray(customers[c], float) for c in ("frequency", "recency", "age"))
    p = fit.natural(customers)
    made = customers.assign(
        alive=fit.model.alive(p, x, last, age),
        expected=fit.model.conditional(p, x, last, age, span),
    )
    made.attrs = dict(customers.attrs)
    return made


@analysis
def hold_out(
    customers, *, models=("bg_nbd", "mbg_nbd", "pareto_nbd"), draws=1000, seed=1, conf_level=0.95
):
    """Did the models foretell what customers bought afterwards, better than "as often as before"?

    Parameters
    ----------
    customers : table of `clv.customers` with `learn_until`
    models : list of str
        bg_nbd, mbg_nbd, pareto_nbd; "as_before" (the customer's own rate goes on) always stands
        beside them.
    draws, seed : int
        Of the bootstrap over customers, the models as fitted.

    Returns
    -------
    Result
        model, measure (total: purchases foretold over those made; error: mean absolute error a
        customer), n (customers), estimate, std_error, conf_low, conf_high. `.model` is a DataFrame
        of customers with one column a model.

    Raises
    ------
    InputError
        For customers without a hold-out, or an unknown model.
    NotEnoughData
        Where nobody bought afterwards.

    Source: Wübben & von Wangenheim (2008), Journal of Marketing 72 (the simple rule may win);
    Fader, Hardie & Lee (2005).
    """
    import pandas as pd

    span = customers.attrs.get("hold_out", 0)
    if "later" not in customers or not span > 0:
        raise InputError(
            "clv.error_customers_there_is_no_time",
            "customers: there is no time after `learn_until` to compare with; give "
            "clv.customers one",
        )
    later = np.asarray(customers["later"], float)
    if not later.any():
        raise NotEnoughData(
            "clv.error_hold_out_nobody_bought_after",
            "hold_out: nobody bought after the time learnt from",
        )
    x, last, age = (np.asarray(customers[c], float) for c in ("frequency", "recency", "age"))
    told = {}
    for name in models:
        one_of("models", name, FITS)
        fit = FITS[name](customers, seed=seed).model
        told[name] = fit.model.conditional(fit.natural(), x, last, age, span)
    told["as_before"] = np.divide(x, age, out=np.zeros_like(x), where=age > 0) * span
    n, names = len(x), list(told)
    values = np.column_stack(
        [*(np.abs(v - later) for v in told.values()), *told.values(), np.ones(n), later]
    )

    def measures(weights):
        sums = weights @ values
        return np.concatenate([sums[: len(names)] / sums[-2], sums[len(names) : -2] / sums[-1]])

    se, low, high = intervals.bootstrap(measures, n, seed=seed, draws=draws, conf_level=conf_level)
    table = pd.DataFrame(
        {
            "model": names * 2,
            "measure": np.repeat(["error", "total"], len(names)),
            "n": n,
            "estimate": measures(np.ones(n)),
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    errors = table[table["measure"] == "error"].set_index("model")["estimate"]
    best = errors.idxmin()
    limits = [
        Note(
            "clv.hold_best",
            'The smallest error a customer has {best:word} ({error:3} purchases); "as '
            'often as before" has {plain:3}.',
            best=best,
            error=errors[best],
            plain=errors["as_before"],
        ),
        Note(
            "clv.hold_limit",
            "The time foretold is {share:%0} of the mean time learnt from; one "
            "hold-out is one season.",
            share=span / max(float(np.mean(age)), 1e-12),
        ),
    ]
    return Result(
        question=Note(
            "clv.hold_question", "Did the models foretell what customers bought afterwards?"
        ),
        table=table,
        method=Note(
            "clv.hold_method",
            "Fitted to the first part of the data; purchases after it foretold for {n} "
            "customers, who made {made}; bootstrap over customers.",
            n=n,
            made=int(later.sum()),
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        model=customers[["customer_id", "frequency", "later"]].assign(**told),
        chart=Points(
            label=["model"],
            only={"measure": "total"},
            reference=1,
            percent=True,
            xlabel=Note("clv.hold_axis", "Purchases foretold over those made"),
        ),
    )


@analysis
def tracking(fit, customers, orders, *, zone="UTC", step="7D", draws=50, seed=1, conf_level=0.95):
    """Do purchases go on as the model says, before and after the time it learnt from?

    Parameters
    ----------
    fit : Fit or Result of a model of buying without covariates
    customers : table of `clv.customers` it was fitted to
    orders : the orders behind it, to their end
    zone : str
    step : str
        Distance of the points.
    draws, seed : int
        Of the bootstrap over customers: the interval is that of the fitted curve.

    Returns
    -------
    Result
        days (since the first purchase of all), series (actual, foretold), learnt (whether the model
        saw that time), count (repeat purchases so far, actual only), n (customers), estimate
        (repeat purchases so far), std_error, conf_low, conf_high.

    Raises InputError for a model with covariates or without a unit of time.

    Source: Fader, Hardie & Lee (2005), figure of cumulative repeat transactions.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit)
    if fit.covariates or fit.unit is None:
        raise InputError(
            "clv.error_tracking_a_model_in_time",
            "tracking: a model in time and without covariates is needed",
        )
    begin, cut = customers.attrs["begin"], customers.attrs["end"]
    view, end = schemas.purchase_days(orders, zone)
    bought = engine.run(
        schemas.DAYS
        + ", kept AS (SELECT day, min(day) OVER (PARTITION BY customer) AS first_day FROM days"
        " WHERE bought = 1) SELECT day, first_day, CAST(count(*) AS BIGINT) AS customers FROM"
        " kept WHERE first_day <= :cut GROUP BY day, first_day ORDER BY day, first_day",
        values={"cut": cut},
        o=view,
    )
    first = bought[bought["day"] == bought["first_day"]].set_index("first_day")["customers"]
    again = bought[bought["day"] > bought["first_day"]].groupby("day")["customers"].sum()
    length = schemas.micros("step", step) // 86_400_000_000
    moments = np.arange(begin + length, end + 1, max(length, 1))
    if not len(moments):
        raise NotEnoughData(
            "clv.error_tracking_the_data_are_shorter",
            "tracking: the data are shorter than one step",
        )
    # What was learnt from and what came after are told to the day.
    moments = np.union1d(moments, [min(cut, end), end])
    actual = again.cumsum().reindex(moments, method="ffill").fillna(0).to_numpy(int)
    since = np.maximum(moments[:, None] - first.index.to_numpy()[None, :], 0) / fit.unit

    def expected(theta):
        return fit.model.expected(
            fit.natural(theta=theta), np.maximum(since, 1e-12)
        ) @ first.to_numpy(float)

    made = expected(None)
    se, low, high = intervals.percentiles(
        [expected(theta) for theta in fit.redraw(draws, seed) if np.isfinite(theta).all()]
        or made[None][:0],
        made,
        conf_level,
    )
    base = {"days": moments - begin, "learnt": moments <= cut, "n": int(first.sum())}
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    **base,
                    "series": "actual",
                    "count": actual.astype(float),
                    "estimate": actual.astype(float),
                    "std_error": np.nan,
                    "conf_low": np.nan,
                    "conf_high": np.nan,
                }
            ),
            pd.DataFrame(
                {
                    **base,
                    "series": "foretold",
                    "count": np.nan,
                    "estimate": made,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            ),
        ],
        ignore_index=True,
    )
    table = table[
        ["series", "days", "learnt", "count", "n", "estimate", "std_error", "conf_low", "conf_high"]
    ]
    after = moments > cut
    limits = (
        [
            Note(
                "clv.track_learnt",
                "At the end of the time learnt from the curve is off by {off:%}.",
                off=float(made[~after][-1] / max(actual[~after][-1], 1) - 1),
            )
        ]
        if (~after).any()
        else []
    )
    if after.any():
        base_told, base_made = (made[~after][-1], actual[~after][-1]) if (~after).any() else (0, 0)
        limits.append(
            Note(
                "clv.track_after",
                "After it the model says {told} purchases, {seen} were made: off by {off:%}.",
                told=float(made[-1] - base_told),
                seen=int(actual[-1] - base_made),
                off=float((made[-1] - base_told) / max(actual[-1] - base_made, 1) - 1),
            )
        )
    limits.append(
        Note("clv.track_limit", "The interval is that of the curve, not of single weeks' luck.")
    )
    return Result(
        question=Note("clv.track_question", "Do purchases go on as the model says?"),
        table=table,
        method=Note(
            "clv.track_method",
            "Repeat purchases so far, and those {model:word} expects of customers who "
            "came when these did; interval of the fitted curve from a bootstrap over "
            "customers.",
            model=fit.model.name,
        ),
        unit="customers",
        n=int(first.sum()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="days",
            group="series",
            xlabel=Note("clv.track_axis", "Days since the first purchase of all"),
            ylabel=Note("clv.track_yaxis", "Repeat purchases so far"),
        ),
    )


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
    customers : table of `clv.customers`
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
        share of the total that the tenth with the highest value holds), n (customers), estimate,
        std_error, conf_low, conf_high: how sure the models are, not the luck
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
            "clv.error_value_the_model_of_buying",
            "value: the model of buying must know its unit of time; use customers of clv.customers",
        )
    span, years = _ahead(fit, horizon), fit.unit / 365.25
    if discount < 0 or margin <= 0:
        raise InputError(
            "clv.error_value_discount_must_be_or",
            "value: discount must be 0 or more and margin above 0, found {discount} and {margin}",
            discount=discount,
            margin=margin,
        )
    if spending.params["q"] <= 1:
        raise InputError(
            "clv.error_value_the_spending_model_has",
            "value: the spending model has no mean (q is not above 1); a few very "
            "large purchases decide it",
        )
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
    rate = np.log1p(discount) * years  # a unit of time, continuously
    times = span * (1 + NODES) / 2

    def each(theta_buy, theta_spend):
        """Purchases, discounted purchases and value of a purchase, a customer each."""
        p = fit.natural(alike, theta_buy)
        bought = fit.model.conditional(p, x, last, age, span)
        # Discounted purchases by parts: what is bought by each moment is smooth, its derivative has
        # no closed form.
        under = sum(
            w * np.exp(-rate * s) * fit.model.conditional(p, x, last, age, s)
            for s, w in zip(times, WEIGHTS * span / 2, strict=True)
        )
        return (
            bought[kinds],
            (np.exp(-rate * span) * bought + rate * under)[kinds],
            spending.model.mean(spending.natural(theta=theta_spend), paid, mean),
        )

    def sums(theta_buy, theta_spend):
        bought, worth, price = each(theta_buy, theta_spend)
        v = np.sort(worth * price * margin)[::-1]
        return np.array(
            [v.sum(), v.mean(), bought.sum(), v[: max(len(v) // 10, 1)].sum() / v.sum()]
        )

    estimate = sums(None, None)
    drawn = [
        sums(a, b)
        for a, b in zip(fit.redraw(draws, seed), spending.redraw(draws, seed + 1), strict=True)
        if np.isfinite(a).all() and np.isfinite(b).all() and b[1] > 0
    ]
    se, low, high = intervals.percentiles(drawn or estimate[None][:0], estimate, conf_level)
    table = pd.DataFrame(
        {
            "measure": ["total", "mean", "purchases", "top_tenth"],
            "n": len(customers),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    bought, worth, price = each(None, None)
    people = customers.assign(
        alive=fit.model.alive(fit.natural(alike), x, last, age)[kinds],
        expected=bought,
        mean_value=price,
        worth=worth * price * margin,
    )
    people.attrs = dict(customers.attrs)
    limits = [
        Note(
            "clv.value_terms",
            "Horizon {horizon:span}, discount {discount:%} a year, margin {margin:%0}.",
            horizon=horizon,
            discount=discount,
            margin=margin,
        ),
        Note(
            "clv.value_cost",
            "What it cost to win these customers, and what the firm does to keep them, "
            "is not in it.",
        ),
        Note(
            "clv.value_luck",
            "The interval says how sure the models are ({draws} draws), not how lucky "
            "single customers will be.",
            draws=len(drawn),
        ),
    ]
    if span > 2 * float(age.max()):
        limits.append(
            Note(
                "clv.value_far",
                "The horizon is more than twice as long as anybody was watched: the far "
                "part rests on the model alone.",
            )
        )
    return Result(
        question=Note("clv.value_question", "What are these customers still worth?"),
        table=table,
        method=Note(
            "clv.value_method",
            "Discounted purchases by {model:word} times the value of a purchase by the "
            "gamma-gamma model; both fitted anew in each draw of customers.",
            model=fit.model.name,
        ),
        unit="customers",
        n=len(customers),
        conf_level=conf_level,
        limits=tuple(limits),
        model=people,
        chart=Points(
            label=["measure"],
            only={"measure": "mean"},
            xlabel=Note("clv.value_axis", "Value of a customer, in the currency of the orders"),
        ),
    )


def _shifting(fit):
    return [c for columns in fit.covariates.values() for c in columns]


def _ahead(fit, ahead):
    """Return a length of time in the fit's unit, or a number of opportunities."""
    if fit.unit is None:
        whole = fit.model.name == "bg_bb"
        if not isinstance(ahead, (int, np.integer, *(() if whole else (float,)))) or ahead <= 0:
            raise InputError(
                "clv.error_ahead_a_number_of_above",
                "ahead: a number of {whole} above 0 is needed, found {ahead:repr}",
                whole="opportunities" if whole else "units of the time in the table",
                ahead=ahead,
            )
        return ahead
    span = schemas.micros("ahead", ahead) / 86_400_000_000 / fit.unit
    if span <= 0:
        raise InputError(
            "clv.error_ahead_must_be_longer_than",
            "ahead: must be longer than 0, found {ahead:repr}",
            ahead=ahead,
        )
    return span
