"""Whether the models predicted what customers did afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.clv.btyd import bg_nbd, mbg_nbd, pareto_nbd
from workbench.clv.portfolio import how_many
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.stats import resample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Table

FITS = {"bg_nbd": bg_nbd, "mbg_nbd": mbg_nbd, "pareto_nbd": pareto_nbd}
TRACK_LIMIT = Note(
    "clv.track_limit",
    "The interval covers the errors of the parameters and the chance variation of single "
    "customers. It takes the model for granted: how far the curve and what was bought lie apart "
    "shows what that leaves out.",
)


@engine.frames("customers")
@analysis
def holdout(
    customers: Table,
    *,
    models: Sequence[str] = ("bg_nbd", "mbg_nbd", "pareto_nbd"),
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Did the models predict what customers bought afterwards, better than "as often as before"?

    Parameters
    ----------
    customers : table of `clv.customers` with `learn_until`; optionally with `customers`, how many a
        row stands for
    models : list of str
        bg_nbd, mbg_nbd, pareto_nbd; "as_before" (the customer's own rate goes on) always stands
        beside them.
    draws, seed : int
        Of the bootstrap over customers, the models as fitted.

    Returns
    -------
    Result
        model, measure (total: predicted purchases over actual ones; error: mean absolute error a
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
            "clv.error_no_hold_out",
            "customers: there is no time after `learn_until` to compare with; name an earlier day "
            "in clv.customers",
        )
    later = np.asarray(customers["later"], float)
    many, n = how_many(customers)
    if not later.any():
        raise NotEnoughData(
            "clv.error_nobody_bought_after",
            "holdout: nobody bought after the training period",
        )
    x, last, age = (np.asarray(customers[c], float) for c in ("frequency", "recency", "age"))
    told = _predictions(models, customers, span, seed)
    names = list(told)
    values = np.column_stack(
        [*(np.abs(v - later) for v in told.values()), *told.values(), np.ones(len(x)), later]
    )

    at = resample.kinds(np.column_stack([x, last, age, later]), many)
    se, low, high = intervals.bootstrap(
        lambda w: _errors(w, values), at, seed=seed, draws=draws, conf_level=conf_level
    )
    table = pd.DataFrame(
        {
            "model": names * 2,
            "measure": np.repeat(["error", "total"], len(names)),
            "n": n,
            "estimate": _errors(many, values),
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    return Result(
        question=Note(
            "clv.hold_question", "Did the models predict what customers bought afterwards?"
        ),
        table=table,
        answer=_predicted_best(table, int(many @ later)),
        method=Note(
            "clv.hold_method",
            "Fitted to the training period; predictions compared with the {count} purchases that "
            "{n} customers made after it; bootstrap over customers.",
            n=n,
            count=int(many @ later),
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(_hold_out_limits(table, span / max(float(many @ age / n), 1e-12))),
        model=_beside(customers, told),
        chart=Points(
            label=["model"],
            only={"measure": "total"},
            reference=1,
            percent=True,
            xlabel=Note("clv.hold_axis", "Predicted purchases as a share of actual purchases"),
        ),
    )


def _errors(weights, values):
    """Return the mean error and the ratio of totals of each model, from what customers count for;
    the last two columns are 1 and what they bought.
    """
    sums = weights @ values
    models = (len(sums) - 2) // 2
    return np.concatenate([sums[:models] / sums[-2], sums[models:-2] / sums[-1]])


def _predictions(models, customers, span, seed):
    """Return what every model, and the rule "as often as before", expects of every row."""
    x, last, age = (np.asarray(customers[c], float) for c in ("frequency", "recency", "age"))
    told = {}
    for name in models:
        one_of("models", name, FITS)
        fit = FITS[name](customers, seed=seed).model
        told[name] = fit.model.conditional(fit.natural(), x, last, age, span)
    told["as_before"] = np.divide(x, age, out=np.zeros_like(x), where=age > 0) * span
    return told


def _beside(customers, told):
    """Return customers with what was predicted of them and what came."""
    names = ("customer_id", "frequency", "later", "customers")
    return customers[[c for c in names if c in customers]].assign(**told)


def _mean_errors(table):
    return table[table["measure"] == "error"].set_index("model")["estimate"]


def _predicted_best(table, count):
    """Return how close the model with the smallest error comes to the total."""
    best = _mean_errors(table).idxmin()
    total = table[table["measure"] == "total"].set_index("model")
    return Note(
        "clv.hold_answer",
        "The model with the smallest mean error per customer, {model:word}, predicts {share:%} of "
        'the {count} purchases made afterwards ({low:%} to {high:%}; {n} customers); the rule "as '
        'often as before" predicts {plain:%}.',
        model=best,
        share=total.loc[best, "estimate"],
        low=total.loc[best, "conf_low"],
        high=total.loc[best, "conf_high"],
        count=count,
        n=int(total["n"].iloc[0]),
        plain=total.loc["as_before", "estimate"],
    )


def _hold_out_limits(table, share):
    errors = _mean_errors(table)
    best = errors.idxmin()
    return [
        Note(
            "clv.hold_best",
            "The mean error per customer is smallest for {best:word} ({error:3} purchases); for "
            'the rule "as often as before" it is {plain:3}.',
            best=best,
            error=errors[best],
            plain=errors["as_before"],
        ),
        Note(
            "clv.hold_limit",
            "The hold-out is {share:%0} as long as the mean time observed before it, and one "
            "hold-out is one season.",
            share=share,
        ),
    ]


def _followed(customers):
    """Return the first and the last day that customers were followed for."""
    days = [schemas.beside(customers, "customers", n, "clv.customers") for n in ("begin", "end")]
    return tuple(days)


@engine.tables("orders")
@engine.frames("customers")
@analysis
def tracking_plot(
    fit: Result | Any,
    customers: Table,
    orders: Table,
    *,
    zone: str = "UTC",
    step: str = "7D",
    conf_level: float = 0.95,
) -> Result:
    """Do purchases go on as the model says, before and after the period it was fitted to?

    Parameters
    ----------
    fit : Fit or Result of a model of buying without covariates
    customers : table of `clv.customers` it was fitted to
    orders : the orders behind it, to their end
    zone : str
    step : str
        Distance of the points.

    Returns
    -------
    Result
        days (since the first purchase of all), series (actual, predicted), learnt (whether the
        model was fitted to that time), count (repeat purchases so far, actual only), n
        (customers), estimate (repeat purchases so far), std_error, conf_low, conf_high.

    Raises InputError for a model with covariates or without a unit of time.

    Source: Fader, Hardie & Lee (2005), figure of cumulative repeat transactions.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit)
    if fit.covariates or fit.unit is None:
        raise InputError(
            "clv.error_tracking_model",
            "tracking_plot: a model with a unit of time and without covariates is needed",
        )
    begin, cut = _followed(customers)
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
            "clv.error_short_step",
            "tracking_plot: the data are shorter than one step",
        )
    # What was learnt from and what came after are told to the day.
    moments = np.union1d(moments, [min(cut, end), end])
    actual = again.cumsum().reindex(moments, method="ffill").fillna(0).to_numpy(int)
    since = np.maximum(moments[:, None] - first.index.to_numpy()[None, :], 0) / fit.unit

    customers = first.to_numpy(float)
    made = _expected(fit, None, since, customers)
    se = _of_the_curve(fit, made, since, customers)
    low, high = intervals.normal(made, se, conf_level)
    low = np.maximum(low, 0.0)
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
                    "series": "predicted",
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
    return Result(
        question=Note("clv.track_question", "Do purchases go on as the model predicts?"),
        table=table,
        answer=_tracked(table),
        method=Note(
            "clv.track_method",
            "Cumulative repeat purchases beside those {model:word} expects of customers who came "
            "when these did; intervals by the delta method.",
            model=fit.model.name,
        ),
        unit="customers",
        n=int(first.sum()),
        conf_level=conf_level,
        limits=tuple(_tracking_limits(made, actual, moments > cut)),
        chart=Curve(
            x="days",
            group="series",
            xlabel=Note("clv.track_axis", "Days since the first purchase of all"),
            ylabel=Note("clv.track_yaxis", "Cumulative repeat purchases"),
        ),
    )


def _expected(fit, theta, since, customers):
    """Return the repeat purchases by each moment of all who had come by then."""
    p = fit.natural(theta=theta)
    return fit.model.expected(p, np.maximum(since, 1e-12)) @ customers


def _of_the_curve(fit, made, since, customers):
    """Return the standard error of what should come: of the parameters (delta method), and of
    single customers who buy at rates of their own.
    """
    cov, step = np.nan_to_num(fit.cov.to_numpy(float)), 1e-4
    slope = []
    for move in step * np.eye(len(fit.theta)):
        up, down = (_expected(fit, fit.theta + m, since, customers) for m in (move, -move))
        slope.append((up - down) / (2 * step))
    by_parameters = np.einsum("pt,pq,qt->t", np.array(slope), cov, np.array(slope))
    each = fit.model.expected(fit.natural(), np.maximum(since, 1e-12))
    by_chance = made + each**2 @ customers / fit.params["r"]
    return np.sqrt(np.maximum(by_parameters, 0.0) + by_chance)


def _tracked(table):
    """Return what the model predicts for the last moment, beside what happened."""
    last = table.groupby("series").last()
    predicted, actual = last.loc["predicted"], int(last.loc["actual", "count"])
    return Note(
        "clv.track_answer",
        "By the last day the model predicts {predicted} repeat purchases ({low} to {high}) by {n} "
        "customers, who made {count}: a deviation of {off:%}.",
        predicted=predicted["estimate"],
        low=predicted["conf_low"],
        high=predicted["conf_high"],
        n=int(predicted["n"]),
        count=actual,
        off=float(predicted["estimate"] / max(actual, 1) - 1),
    )


def _tracking_limits(predicted, actual, after):
    """Return how far the curve is off at the end of the training period, and after it."""
    before = ~after
    base_predicted, base_actual = 0, 0
    limits = []
    if before.any():
        base_predicted, base_actual = predicted[before][-1], actual[before][-1]
        limits.append(
            Note(
                "clv.track_learnt",
                "At the end of the training period the curve deviates by {off:%}.",
                off=float(base_predicted / max(base_actual, 1) - 1),
            )
        )
    if after.any():
        told, seen = predicted[-1] - base_predicted, actual[-1] - base_actual
        limits.append(
            Note(
                "clv.track_after",
                "After the training period the model predicts {predicted} purchases; {actual} were "
                "made: a deviation of {off:%}.",
                predicted=float(told),
                actual=int(seen),
                off=float(told / max(seen, 1) - 1),
            )
        )
    return [*limits, TRACK_LIMIT]
