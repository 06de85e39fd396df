"""Which customers come back? A logit on what they did so far, fitted on one period and tested on
the next, beside recency alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals, periods, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.prediction import said_of_returning as statements
from workbench.prediction.evaluation import Judge
from workbench.results import Points, Result, analysis
from workbench.stats import learners, resample

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Moment, Table

SHOWN = ("days_since_last", "orders", "overdue", "mean_value")
TRAITS = ("days_since_last", "orders", "tenure", "recent", "overdue", "mean_value")
LEAST = 50  # customers of each kind below which nothing is learnt or judged
MODELS = ("recency_only", "history")
MEASURES = (
    "auc",
    "pr_auc",
    "brier",
    "calibration_slope",
    "calibration_gap",
    "lift_top_tenth",
    "profit",  # where a contact has a price
)
LEARNER = "learner"  # the user's own, judged beside them
PERIODS = {
    "learnt": Note("prediction.period_fit", "the period of the fit"),
    "tested": Note("prediction.period_test", "the test period"),
}
QUESTION = Note(
    "prediction.question",
    "Can it be predicted who comes back within {horizon:span}, better than by how long they have "
    "been away?",
)
METHOD = Note(
    "prediction.method",
    "Logits fitted on {n} customers in the earlier period, tested on customers in the later one; "
    "bootstrap over customers ({draws} draws).",
)
AXIS = Note(
    "prediction.axis",
    "No better than chance: one half (area), or the share of all who came back (precision)",
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What `repurchase_propensity` learnt.

    `fits` (model → statsmodels logit; "learner" → the classifier that learnt), `tested` (DataFrame:
    the customers it was judged on, with their traits, came_back and a column of chances by model),
    `now` (DataFrame: all customers at the end of the data, with traits and chance), `horizon`
    (days).
    """

    fits: dict
    tested: object
    now: object
    horizon: int

    def inputs(self):
        """Return came_back and the traits of the model of history of those it was tested on, as
        logarithms, which their names say: of one more than the trait.
        """
        names = [name for name in self.fits["history"].params.index if name in self.tested]
        logs = np.log1p(self.tested[names]).add_prefix("log_")
        return logs.assign(came_back=self.tested["came_back"])

    def likeliest(self, count=10):
        """Return the customers with the highest probability at the end of the data."""
        return self.now.head(count)[["customer_id", *SHOWN, "chance"]]


@engine.tables("orders")
@analysis
def features(
    orders: Table,
    *,
    at: Moment,
    horizon: str = "90D",
    zone: str = "UTC",
    until: Moment | None = None,
) -> pd.DataFrame:
    """Tell of every customer what they had done by a day, and whether they came back after it.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    at : str or Timestamp
        Day up to which is looked back; what comes later is only outcome.
    horizon : str
        Days after it in which a purchase is coming back; also the length of the recent past.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; None: the last order.

    Returns
    -------
    DataFrame
        customer_id, days_since_last (since the last purchase day), orders (purchase days), tenure
        (days since the first), recent (purchase days within the last `horizon`), overdue
        (days_since_last over the usual gap: the customer's own, or for one purchase the median of
        those with more), mean_value (amount a purchase day that has one), came_back and later_value
        (amount) within the horizon: missing where the data end before it does.

    Raises
    ------
    InputError
        For a horizon of part of a day, or a day after the data.
    NotEnoughData
        Where nobody had bought by then.

    Source: Buckinx & Van den Poel (2005), European Journal of Operational Research 164.
    """
    length = schemas.whole_days("horizon", horizon)
    view, end = schemas.purchase_days(orders, zone, until)
    cut = periods.local_day(schemas.moment("at", at, zone), zone)
    if cut > end:
        raise InputError(
            "prediction.error_at",
            "at: {at} lies after the end of the data",
            at=at,
        )
    found = engine.run(
        schemas.DAYS
        + """,
          per AS (
            SELECT customer,
              CAST(sum(CASE WHEN day <= :cut THEN 1 ELSE 0 END) AS BIGINT) AS orders,
              min(day) AS first_day, max(CASE WHEN day <= :cut THEN day END) AS last_day,
              sum(CASE WHEN day <= :cut THEN amount END) AS amount,
              CAST(sum(CASE WHEN day <= :cut AND amount IS NOT NULL THEN 1 ELSE 0 END)
                AS BIGINT) AS paid,
              CAST(sum(CASE WHEN day <= :cut AND day > :cut - :length THEN 1 ELSE 0 END)
                AS BIGINT) AS recent,
              max(CASE WHEN day > :cut AND day <= :cut + :length THEN 1 ELSE 0 END) AS came_back,
              sum(CASE WHEN day > :cut AND day <= :cut + :length THEN amount END) AS later_value
            FROM days WHERE bought = 1 GROUP BY customer)
          SELECT * FROM per WHERE orders > 0 ORDER BY customer""",
        values={"cut": int(cut), "length": length},
        o=view,
    )
    if not len(found):
        raise NotEnoughData(
            "prediction.error_nobody",
            "features: nobody had bought by {at}",
            at=at,
        )
    gap = (found["last_day"] - found["first_day"]) / (found["orders"] - 1).where(
        found["orders"] > 1
    )
    usual = gap.fillna(float(gap.median()) if gap.notna().any() else float(length)).clip(lower=1)
    made = (
        found[["customer"]]
        .set_axis(["customer_id"], axis=1)
        .assign(
            days_since_last=cut - found["last_day"],
            orders=found["orders"],
            tenure=cut - found["first_day"],
            recent=found["recent"],
        )
    )
    # What somebody did not spend is 0; what nobody wrote down is missing.
    later = (
        found["later_value"]
        .round(6)
        .where((found["came_back"] == 1) | found["later_value"].notna(), 0.0)
    )
    made = made.assign(
        overdue=made["days_since_last"] / usual,
        mean_value=found["amount"].round(6) / found["paid"].where(found["paid"] > 0),
        came_back=found["came_back"].astype(float),
        later_value=later,
    )
    if cut + length > end:
        made[["came_back", "later_value"]] = np.nan
    made.attrs = {"at": int(cut), "end": int(end), "horizon": length}
    return made


@engine.tables("orders")
@analysis
def repurchase_propensity(
    orders: Table,
    *,
    horizon: str = "90D",
    at: Moment | None = None,
    value: float | None = None,
    cost: float | None = None,
    learner: object = None,
    zone: str = "UTC",
    until: Moment | None = None,
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Can it be told who will come back, better than by how long they have been away?

    Learnt from what customers did by one day and in the horizon after it; judged on the horizon
    that follows, which no part of the learning has seen. "recency_only" knows the days since the
    last purchase; "history" all of `features`.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    horizon : str
        Days in which a purchase is coming back.
    at : str or Timestamp, optional
        Day from which the test predicts; learning ends on it. None: the horizon before the
        end of the data.
    value, cost : float, optional
        What a customer who comes back brings, and what it costs to turn to one; adds the profit of
        turning to those whose chance pays.
    learner : classifier, optional
        Any object with `fit` and `predict_proba`, such as one of scikit-learn; a copy of it learns
        from the same traits and is judged beside the logits.
    zone, until : as in `features`
    draws, seed : int
        Of the bootstrap over the customers judged; the models as learnt.

    Returns
    -------
    Result
        model (recency_only, history, difference: history less recency_only; with a learner also
        learner, and learner_difference: learner less history), measure (auc; pr_auc:
        average precision; brier: mean squared error; calibration_slope: 1 is right, below it
        chances are too extreme; calibration_gap: mean chance less share that came back;
        lift_top_tenth: of the tenth with the highest chances, times the share of all; profit: a
        customer), n (customers judged), estimate, std_error, conf_low, conf_high. `.model` is a
        Prediction.

    Raises
    ------
    InputError
        For a value without a cost, moments and durations that are none, or a learner without
        `predict_proba`.
    NotEnoughData
        With fewer than 50 customers who came back, or who did not, in either time; or data shorter
        than two horizons.

    Source: Neslin, Gupta, Kamakura, Lu & Mason (2006), Journal of Marketing Research 43; Cox
    (1958), Biometrika 45 (calibration slope); Wübben & von Wangenheim (2008), Journal of Marketing
    72 (recency alone).
    """
    if (value is None) != (cost is None):
        raise InputError(
            "prediction.error_profit",
            "repurchase_propensity: a profit needs both value and cost",
        )
    learners.check("will_return", learner)
    length = schemas.whole_days("horizon", horizon)
    tables = _periods(orders, horizon, at, zone, until)
    learnt = tables["learnt"]
    models, chances, dropped = _learn_all(tables, learner)
    tested = tables["tested"].assign(**{name: c["tested"] for name, c in chances.items()})
    y, p = tested["came_back"].to_numpy(), {name: tested[name].to_numpy() for name in chances}
    judges = {name: Judge(y, chance, value, cost) for name, chance in p.items()}
    table = _measured(judges, y, p, seed=seed, draws=draws, conf_level=conf_level)
    area = table[(table["model"] == "difference") & (table["measure"] == "auc")].iloc[0]
    gap = table[(table["model"] == "history") & (table["measure"] == "calibration_gap")].iloc[0]
    limits = [
        statements.BASE.having(
            share=float(y.mean()), learnt=float(learnt["came_back"].mean()), horizon=horizon
        ),
        statements.gained(area),
        *statements.learner_gained(table),
        statements.NO_EFFECT,
        *statements.drift(gap),
        *statements.dropped(dropped),
    ]
    if cost is not None:
        limits.append(statements.profit(p["history"], y, value, cost))
    now = (
        tables["now"]
        .drop(columns=["came_back", "later_value"])
        .assign(chance=chances["history"]["now"])
        .sort_values("chance", ascending=False, kind="stable", ignore_index=True)
    )
    return Result(
        question=QUESTION.having(horizon=horizon),
        answer=statements.answer(table, area),
        table=table,
        method=METHOD.having(n=len(learnt), draws=draws),
        unit="customers",
        n=len(y),
        conf_level=conf_level,
        limits=tuple(limits),
        model=Prediction(models, tested, now, length),
        chart=Points(
            label=["measure", "model"],
            only={"measure": ["auc", "pr_auc"], "model": list(judges)},
            xlabel=AXIS,
        ),
    )


def _periods(orders, horizon, at, zone, until):
    """Return the traits of the customers at the ends of the period of the fit, of the test period
    and of the data, by name.
    """
    import pandas as pd

    length = schemas.whole_days("horizon", horizon)
    view, end = schemas.purchase_days(orders, zone, until)
    cut = end - length if at is None else periods.local_day(schemas.moment("at", at, zone), zone)
    begin = schemas.first_day(view)
    if cut - length < begin:
        raise NotEnoughData(
            "prediction.error_too_short",
            "repurchase_propensity: the data cover {days} days; two horizons of {horizon:span} "
            "are needed, one to fit and one to test, with purchases before them. Choose a shorter "
            "horizon or wait",
            days=end - begin + 1,
            horizon=horizon,
        )
    if cut + length > end:
        raise NotEnoughData(
            "prediction.error_horizon_open",
            "repurchase_propensity: the data end before the {horizon:span} after {at} are over",
            horizon=horizon,
            at=at,
        )
    moments = {"learnt": cut - length, "tested": cut, "now": end}
    tables = {
        name: features(
            orders,
            at=str(pd.Timestamp(int(day), unit="D").date()),
            horizon=horizon,
            zone=zone,
            until=until,
        )
        for name, day in moments.items()
    }
    for name in ("learnt", "tested"):
        _must_suffice(tables[name]["came_back"], PERIODS[name])
    return tables


def _must_suffice(came_back, period):
    """Refuse a period in which too few came back, or too few did not."""
    if min(came_back.sum(), len(came_back) - came_back.sum()) >= LEAST:
        return
    raise NotEnoughData(
        "prediction.error_too_few",
        "repurchase_propensity: {count} of {n} customers came back in {period}; at least "
        "{least} who did and {least} who did not are needed. Choose another horizon or "
        "longer data",
        count=int(came_back.sum()),
        n=len(came_back),
        period=period,
        least=LEAST,
    )


def _learn_all(tables, learner):
    """Return the models by name, the chances each gives in the test period and now, and the traits
    left out.
    """
    learnt = tables["learnt"]
    money = _money(learnt)
    inputs = {name: _inputs(table, money) for name, table in tables.items()}
    columns = {
        "recency_only": ["days_since_last"],
        "history": fits.informative_columns(inputs["learnt"]),
    }
    models, chances, dropped = {}, {}, []
    for name, given in columns.items():
        models[name], used, gone = _learn(learnt, given, money)
        dropped += gone
        chances[name] = {k: _chance(models[name], inputs[k][used]) for k in ("tested", "now")}
    if learner is not None:
        x = {name: table[columns["history"]] for name, table in inputs.items()}
        fitted = learners.learnt(learner, x["learnt"], learnt["came_back"], what="will_return")
        models[LEARNER] = fitted
        chances[LEARNER] = {k: learners.probability(fitted, x[k]) for k in ("tested", "now")}
    return models, chances, dropped


def _measured(judges, y, p, *, seed, draws, conf_level):
    """Return every measure of every model and of their differences, with intervals."""
    import pandas as pd

    units = resample.place(
        np.column_stack([y, *(chance.round(9) for chance in p.values())]), np.arange(len(y))
    )
    estimate = _judged(judges, np.ones(len(y)))
    se, low, high = intervals.bootstrap(
        lambda w: _judged(judges, w), units, seed=seed, draws=draws, conf_level=conf_level
    )
    measures = MEASURES if estimate.shape[1] > len(MEASURES) - 1 else MEASURES[:-1]
    table = pd.DataFrame(
        [
            {
                "model": name,
                "measure": measure,
                "n": len(y),
                "estimate": estimate[i, k],
                "std_error": se[i, k],
                "conf_low": np.minimum(low[i, k], estimate[i, k]),
                "conf_high": np.maximum(high[i, k], estimate[i, k]),
            }
            for k, measure in enumerate(measures)
            for i, name in enumerate(_compared(judges))
        ]
    )
    # A slope farther from 1 is worse on either side, so the difference of two says nothing.
    return table[
        ~table["model"].str.endswith("difference")
        | ~table["measure"].isin(("calibration_slope", "calibration_gap"))
    ].reset_index(drop=True)


def _judged(judges, weights):
    """Return the measures of every model, and by how much each differs from the one before it."""
    each = np.array([judge(weights.astype(float)) for judge in judges.values()])
    return np.vstack([each, np.diff(each, axis=0)])


def _compared(judges):
    """Return the names of the rows that `_judged` gives."""
    differences = ["difference", f"{LEARNER}_difference"]
    return [*judges, *differences[: len(judges) - 1]]


def _inputs(table, money):
    """Return traits on the logarithmic scale, on which twice as long is as far everywhere; a value
    nobody knows is taken as the middle one, an amount as so many of `money`.
    """
    known = table[list(TRAITS)].astype(float).clip(lower=0)
    known["mean_value"] /= money
    return np.log1p(known.fillna(known.median()).fillna(0.0))


def _money(table):
    """Return the amount that counts as one: the middle one of those above 0, so that the currency
    and its unit say nothing.
    """
    paid = table["mean_value"][table["mean_value"] > 0]
    return float(paid.median()) if len(paid) else 1.0


def _learn(table, used, money):
    """Return a logit of who came back, the traits it uses, and those left out because they decide
    by themselves in the time learnt.
    """
    used, dropped = list(used), []
    while True:
        inputs = _inputs(table, money)[used].assign(came_back=table["came_back"].to_numpy())
        used = [c for c in used if np.ptp(inputs[c]) > 0]
        gone = []
        if used:
            data = fits.prepare(inputs, "came_back", used, what="will_return")
            made = fits.fit(data, "logit", partial=True)
            gone = [c for c in used if np.isnan(made.params[c])]
        if used and not gone:
            return made, used, dropped
        if len(used) <= 1:
            raise NotEnoughData(
                "prediction.error_separation",
                "repurchase_propensity: '{feature}' alone decides who came back in the period of "
                "the fit, or says nothing; choose another horizon or longer data",
                feature=(used or list(inputs))[0],
            )
        used.remove(gone[-1])
        dropped.append(gone[-1])


def _chance(fit, x):
    return special.expit(
        x.to_numpy() @ fit.params[list(x)].to_numpy() + float(fit.params["constant"])
    )
