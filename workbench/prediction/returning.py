"""Which customers come back? A logit on what they did so far, learnt in one time and judged in the
next, beside recency alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from workbench import engine, intervals, periods, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis

TRAITS = ("days_since_last", "orders", "tenure", "recent", "overdue", "mean_value")
LEAST = 50  # customers of each kind below which nothing is learnt or judged
MODELS = ("recency_only", "history")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What `will_return` learnt.

    `fits` (model → statsmodels logit), `tested` (DataFrame: the customers it was judged on, with
    their traits, came_back and a column of chances by model), `now` (DataFrame: all customers at
    the end of the data, with traits and chance), `horizon` (days).
    """

    fits: dict
    tested: object
    now: object
    horizon: int


@analysis
def traits(orders, *, at, horizon="90D", zone="UTC", until=None):
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
            "prediction.error_at_lies_after_the_end",
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
            "prediction.error_traits_nobody_had_bought_by",
            "traits: nobody had bought by {at}",
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


@analysis
def will_return(
    orders,
    *,
    horizon="90D",
    at=None,
    value=None,
    cost=None,
    zone="UTC",
    until=None,
    draws=500,
    seed=1,
    conf_level=0.95,
):
    """Can it be told who will come back, better than by how long they have been away?

    Learnt from what customers did by one day and in the horizon after it; judged on the horizon
    that follows, which no part of the learning has seen. "recency_only" knows the days since the
    last purchase; "history" all of `traits`.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    horizon : str
        Days in which a purchase is coming back.
    at : str or Timestamp, optional
        Day from which is foretold in the test; learning ends on it. None: the horizon before the
        end of the data.
    value, cost : float, optional
        What a customer who comes back brings, and what it costs to turn to one; adds the profit of
        turning to those whose chance pays.
    zone, until : as in `traits`
    draws, seed : int
        Of the bootstrap over the customers judged; the models as learnt.

    Returns
    -------
    Result
        model (recency_only, history, difference: history less recency_only), measure (auc; pr_auc:
        average precision; brier: mean squared error; calibration_slope: 1 is right, below it
        chances are too extreme; calibration_gap: mean chance less share that came back;
        lift_top_tenth: of the tenth with the highest chances, times the share of all; profit: a
        customer), n (customers judged), estimate, std_error, conf_low, conf_high. `.model` is a
        Prediction.

    Raises
    ------
    InputError
        For a value without a cost, or moments and durations that are none.
    NotEnoughData
        With fewer than 50 customers who came back, or who did not, in either time; or data shorter
        than two horizons.

    Source: Neslin, Gupta, Kamakura, Lu & Mason (2006), Journal of Marketing Research 43; Cox
    (1958), Biometrika 45 (calibration slope); Wübben & von Wangenheim (2008), Journal of Marketing
    72 (recency alone).
    """
    import pandas as pd

    if (value is None) != (cost is None):
        raise InputError(
            "prediction.error_will_return_a_profit_needs",
            "will_return: a profit needs both value and cost",
        )
    length = schemas.whole_days("horizon", horizon)
    view, end = schemas.purchase_days(orders, zone, until)
    cut = end - length if at is None else periods.local_day(schemas.moment("at", at, zone), zone)
    begin = schemas.first_day(view)
    if cut - length < begin:
        raise NotEnoughData(
            "prediction.error_will_return_days_of_data",
            "will_return: {end} days of data; two horizons of {horizon} are needed, "
            "one to learn from and one to judge by, with purchases before them. Choose "
            "a shorter horizon or wait",
            end=end - begin + 1,
            horizon=horizon,
        )
    if cut + length > end:
        raise NotEnoughData(
            "prediction.error_will_return_the_data_end",
            "will_return: the data end before the {horizon} after {at} are over",
            horizon=horizon,
            at=at,
        )
    moments = {"learnt": cut - length, "tested": cut, "now": end}
    tables = {
        name: traits(
            orders,
            at=str(pd.Timestamp(int(day), unit="D").date()),
            horizon=horizon,
            zone=zone,
            until=until,
        )
        for name, day in moments.items()
    }
    for name in ("learnt", "tested"):
        back = tables[name]["came_back"]
        if min(back.sum(), len(back) - back.sum()) < LEAST:
            raise NotEnoughData(
                "prediction.error_will_return_of_customers_came",
                "will_return: {back} of {n_back} customers came back in the time {name}; "
                "{least} who did and {least} who did not are needed. Choose another "
                "horizon or longer data",
                back=int(back.sum()),
                n_back=len(back),
                name=name,
                least=LEAST,
            )
    learnt = tables["learnt"]
    columns = {"recency_only": ["days_since_last"], "history": fits.telling(_inputs(learnt))}
    made, chances, dropped = {}, {}, []
    for name, used in columns.items():
        used = list(used)
        while name not in made:
            try:
                made[name] = fits.fit(
                    fits.prepare(
                        _inputs(learnt)[used].assign(came_back=learnt["came_back"].to_numpy()),
                        "came_back",
                        used,
                        what="will_return",
                    ),
                    "logit",
                )
            except InputError as wrong:
                # A trait that tells all by itself in the time learnt has no finite weight: the
                # others do without it.
                culprit = next((c for c in used[::-1] if f"'{c}'" in str(wrong)), used[-1])
                if len(used) == 1:
                    raise NotEnoughData(
                        "prediction.error_will_return_alone_decides_who",
                        "will_return: '{culprit}' alone decides who came back in the time learnt "
                        "from, or tells nothing; choose another horizon or longer data",
                        culprit=culprit,
                    ) from None
                used.remove(culprit)
                dropped.append(culprit)
        chances[name] = {
            k: _chance(made[name], _inputs(tables[k])[used]) for k in ("tested", "now")
        }
    tested = tables["tested"].assign(**{name: c["tested"] for name, c in chances.items()})
    y, p = tested["came_back"].to_numpy(), {name: tested[name].to_numpy() for name in MODELS}
    measures = [
        "auc",
        "pr_auc",
        "brier",
        "calibration_slope",
        "calibration_gap",
        "lift_top_tenth",
        *(["profit"] if cost is not None else []),
    ]
    judges = {name: _Judge(y, chance, value, cost) for name, chance in p.items()}

    def judged(weights):
        both = np.array([judges[name](weights.astype(float)) for name in MODELS])
        return np.vstack([both, both[1] - both[0]])

    estimate = judged(np.ones(len(y)))
    se, low, high = (
        intervals.bootstrap(judged, len(y), seed=seed, draws=draws, conf_level=conf_level)
        if draws > 1
        else np.full((3, *estimate.shape), np.nan)
    )
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
            for i, name in enumerate((*MODELS, "difference"))
        ]
    )
    # A slope farther from 1 is worse on either side, so the difference of two says nothing.
    table = table[
        (table["model"] != "difference")
        | ~table["measure"].isin(("calibration_slope", "calibration_gap"))
    ].reset_index(drop=True)
    gained, sure = (
        table[(table["model"] == "difference") & (table["measure"] == "auc")].iloc[0],
        estimate[1],
    )
    limits = [
        Note(
            "prediction.base",
            "{share:%} came back within {horizon:span} in the time judged; {learnt:%} "
            "in the time learnt from.",
            share=float(y.mean()),
            learnt=float(learnt["came_back"].mean()),
            horizon=horizon,
        ),
        (
            Note(
                "prediction.gained",
                "What customers did before adds to recency: the area under the curve is "
                "{gain:3} larger ({low:3} to {high:3}).",
                gain=float(gained["estimate"]),
                low=float(gained["conf_low"]),
                high=float(gained["conf_high"]),
            )
            if gained["conf_low"] > 0
            else Note(
                "prediction.not_gained",
                "What customers did before is not shown to add to recency: the area under "
                "the curve differs by {gain:3} ({low:3} to {high:3}). Take the simple rule.",
                gain=float(gained["estimate"]),
                low=float(gained["conf_low"]),
                high=float(gained["conf_high"]),
            )
        ),
        Note(
            "prediction.no_effect",
            "A chance to come back says nothing about whom an offer would bring back: "
            "for that a part must be held back by chance.",
        ),
    ]
    gap = table[(table["model"] == "history") & (table["measure"] == "calibration_gap")].iloc[0]
    if abs(sure[4]) > 0.02 and (gap["conf_low"] > 0 or gap["conf_high"] < 0):
        limits.append(
            Note(
                "prediction.drift",
                "The time judged was another than the time learnt from: chances are off by "
                "{off:2} points on average. A season or a change may do that; learn from "
                "the same season, or shift them.",
                off=100 * float(sure[4]),
            )
        )
    if dropped:
        limits.append(
            Note(
                "prediction.dropped",
                "Left out, since they decide by themselves who came back in the time "
                "learnt from: {names:header}.",
                names=list(dropped),
            )
        )
    if cost is not None:
        limits.append(
            Note(
                "prediction.profit",
                "If a customer who comes back brings {value} and turning to one costs "
                "{cost}, it pays for {share:%0} of the customers; turning to all would "
                "bring {all:3} a customer. Both count whoever came back, also by "
                "themselves: an upper bound.",
                value=value,
                cost=cost,
                share=float((p["history"] * value > cost).mean()),
                all=float(value * y.mean() - cost),
            )
        )
    now = (
        tables["now"]
        .drop(columns=["came_back", "later_value"])
        .assign(chance=chances["history"]["now"])
        .sort_values("chance", ascending=False, kind="stable", ignore_index=True)
    )
    return Result(
        question=Note(
            "prediction.question",
            "Can it be told who comes back within {horizon:span}, better than by how "
            "long they have been away?",
            horizon=horizon,
        ),
        table=table,
        method=Note(
            "prediction.method",
            "Logits learnt from {n} customers in the time before, judged on customers "
            "in the time after; bootstrap over customers ({draws} draws).",
            n=len(learnt),
            draws=draws,
        ),
        unit="customers",
        n=len(y),
        conf_level=conf_level,
        limits=tuple(limits),
        model=Prediction(made, tested, now, length),
        chart=Points(
            label=["measure", "model"],
            only={"measure": ["auc", "pr_auc"], "model": list(MODELS)},
            xlabel=Note(
                "prediction.axis",
                "0.5 (area) or the share of all (precision): no better than chance",
            ),
        ),
    )


@analysis
def calibration(prediction, *, model="history", groups=10, conf_level=0.95):
    """Do as many come back as was foretold?

    Parameters
    ----------
    prediction : Result of `will_return`, or its Prediction
    model : str
        "recency_only" or "history".
    groups : int
        Customers are put into this many groups of about the same size, by their chance; equal
        chances stay together.

    Returns
    -------
    Result
        group (1: lowest chances), foretold (mean chance), count (came back), n, estimate (share
        that came back), conf_low, conf_high (Wilson).

    Raises InputError for fewer than two groups or an unknown model.

    Source: Wilson (1927).
    """
    import pandas as pd

    one_of("model", model, MODELS)
    if not isinstance(getattr(prediction, "model", prediction), Prediction):
        raise InputError(
            "prediction.error_prediction_the_result_of_will",
            "prediction: the Result of will_return is needed, found a {name}",
            name=type(prediction).__name__,
        )
    if groups < 2:
        raise InputError(
            "prediction.error_groups_at_least_are_needed",
            "groups: at least 2 are needed, found {groups}",
            groups=groups,
        )
    tested = getattr(prediction, "model", prediction).tested
    group = np.ceil(tested[model].rank(method="average") / len(tested) * groups).astype(int)
    table = (
        pd.DataFrame({"group": group, "foretold": tested[model], "count": tested["came_back"]})
        .groupby("group")
        .agg(foretold=("foretold", "mean"), count=("count", "sum"), n=("count", "size"))
        .reset_index()
    )
    table["group"] = np.arange(1, len(table) + 1)
    table["count"] = table["count"].astype(int)
    table["estimate"] = table["count"] / table["n"]
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    off = int(
        ((table["foretold"] < table["conf_low"]) | (table["foretold"] > table["conf_high"])).sum()
    )
    return Result(
        question=Note("prediction.calibration_question", "Do as many come back as was foretold?"),
        table=table,
        method=Note(
            "prediction.calibration_method",
            "Customers in groups of about the same size by their chance; the share of "
            "each that came back, Wilson intervals.",
        ),
        unit="customers",
        n=len(tested),
        conf_level=conf_level,
        limits=(
            Note(
                "prediction.calibration_off",
                "In {off} of {all} groups the foretold share lies outside the interval.",
                off=off,
                all=len(table),
            ),
        ),
        chart=Curve(
            x="foretold",
            diagonal=True,
            percent=True,
            xlabel=Note("prediction.calibration_axis", "Foretold"),
            ylabel=Note(
                "prediction.calibration_yaxis", "Share that came back (dotted: as foretold)"
            ),
        ),
    )


def _inputs(table):
    """Return traits on the logarithmic scale, on which twice as long is as far everywhere; a value
    nobody knows is taken as the middle one.
    """
    known = table[list(TRAITS)].astype(float).clip(lower=0)
    return np.log1p(known.fillna(known.median()).fillna(0.0))


def _chance(fit, x):
    return special.expit(
        x.to_numpy() @ fit.params[list(x)].to_numpy() + float(fit.params["constant"])
    )


class _Judge:
    """Measures of one model's chances against what came, for any weights of the customers; sorted
    once, so that a draw of the bootstrap is a few sums.
    """

    def __init__(self, y, chance, value, cost):
        self.y, self.chance, self.value, self.cost = y, chance, value, cost
        # From the highest chance down, ties together.
        levels, self.at = np.unique(-chance, return_inverse=True)
        self.k = len(levels)
        self.logit = special.logit(np.clip(chance, 1e-9, 1 - 1e-9))
        self.slope = self._slope(np.ones(len(y)), np.array([0.0, 1.0]), 25)

    def __call__(self, weights):
        y, w = self.y, weights
        hits, all_ = np.bincount(self.at, w * y, self.k), np.bincount(self.at, w, self.k)
        n, good = all_.sum(), hits.sum()
        if not 0 < good < n:
            return np.full(6 + (self.cost is not None), np.nan)
        found, seen = np.cumsum(hits), np.cumsum(all_)
        misses = all_ - hits
        # Of a returner and a leaver drawn at random: how often has the returner the higher chance;
        # ties count half.
        auc = (hits * (misses.sum() - np.cumsum(misses) + misses / 2)).sum() / (good * misses.sum())
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        average = (hits * precision).sum() / good
        brier = (w * (self.chance - y) ** 2).sum() / n
        tenth = n / 10
        last = int(np.searchsorted(seen, tenth))
        before, caught = (seen[last - 1], found[last - 1]) if last else (0.0, 0.0)
        # Of a tie at the border the part that fits in, with its share of hits.
        caught += (tenth - before) * (hits[last] / all_[last] if all_[last] else 0.0)
        out = [
            auc,
            average,
            brier,
            self._slope(w, self.slope, 3)[1],
            (w * (self.chance - y)).sum() / n,
            caught / tenth / (good / n),
        ]
        if self.cost is not None:
            out.append(
                (w * (self.chance * self.value > self.cost) * (y * self.value - self.cost)).sum()
                / n
            )
        return np.array(out)

    def _slope(self, w, begin, steps):
        """Return intercept and slope of what came on the logit of the chance, by Newton's steps."""
        x, b = np.column_stack([np.ones(len(self.y)), self.logit]), begin
        for _ in range(steps):
            p = special.expit(x @ b)
            h = (x * (w * p * (1 - p))[:, None]).T @ x
            if not np.isfinite(h).all() or np.linalg.cond(h) > 1e12:
                return np.full(2, np.nan)
            b = b + np.linalg.solve(h, x.T @ (w * (self.y - p)))
        return b
