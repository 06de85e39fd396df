"""How far off the models were on days that are over, and what that says of their forecasts.

Parameters, the future of single customers and the model itself are three sources of error. The
first two follow from a model; the third does not, and is the largest: it is taken from forecasts
made at several past days for as long a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.clv import estimation
from workbench.clv.btyd import RETURNED
from workbench.clv.summary import customers as summary
from workbench.errors import NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

MODELS = ("bg_nbd", "mbg_nbd", "pareto_nbd")
AVERAGE = "average"
MEASURES = ("purchases", "amount")
LEAST = 2  # past days
SHORTEST = 4  # days: learning and looking ahead, both
PAST_OVERLAP = Note(
    "clv.past_overlap",
    "The times that were predicted overlap, and all lie in one stretch of the past: they count as "
    "{experiences:2} experiences, and the intervals are as wide as so few allow. A season or a "
    "shop unlike them is in none of these errors.",
    experiences=2.0,
)


@dataclass(frozen=True, eq=False)
class Backtest:
    """What forecasts at past days were worth.

    Attributes
    ----------
    checked : float
        Days for which they were made.
    errors : dict
        (measure, model) → ndarray: logarithm of what came over what was predicted, a day each.
    apart : dict
        (measure, model) → ndarray: standard error of what came, in parts of what was predicted,
        from how customers differ from their own forecast.
    best : dict
        Measure → the model with the smallest error.
    experiences : float
        How many stretches of time that do not overlap the days amount to, at least two.
    """

    checked: float
    errors: dict
    apart: dict
    best: dict
    experiences: float

    def error(self, measure, model):
        """Return the size of the past errors of a model (root mean square, logarithm), and how
        many days it rests on.
        """
        errors = self.errors[self._known(measure, model)]
        return float(np.sqrt(np.mean(np.square(errors)))), len(errors)

    def within(self, measure, model, days, conf_level, error):
        """Return by which factors what comes may lie below and above what a model predicts, and
        the standard error in parts.

        `error` is that of parameters and single customers together. Errors of the model are taken
        to grow with the square root of a time longer than was checked.
        """
        key = self._known(measure, model)
        growth = max(days / self.checked, 1.0)
        misfit = growth * beyond(self.errors[key], self.apart[key])
        return factors(misfit, error**2, self.experiences, conf_level)

    def _known(self, measure, model):
        return (measure, model) if (measure, model) in self.errors else (measure, AVERAGE)


def beyond(errors, apart):
    """Return the variance of past errors that differences between customers do not account for."""
    return float(max(np.mean(np.square(errors)) - np.mean(np.square(apart)), 0.0))


def factors(misfit, known, experiences, conf_level):
    """Return the factors around a forecast, and its standard error in parts.

    Parameters
    ----------
    misfit : float
        Variance of the error of the model, learnt from so many past days.
    known : float
        Variance that needs no learning: of parameters and of single customers.
    experiences : float

    Source: Satterthwaite (1946), Biometrics Bulletin 2, for the degrees of freedom.
    """
    from scipy import special

    intervals.z(conf_level)
    total = misfit + known
    freedom = experiences * (total / misfit) ** 2 if misfit > 1e-12 * total else np.inf
    half = special.stdtrit(min(freedom, 1e6), (1 + conf_level) / 2) * np.sqrt(total)
    return float(np.exp(-half)), float(np.exp(half)), float(np.sqrt(total))


@engine.tables("orders")
@analysis
def backtest(
    orders: Table,
    *,
    horizon: str,
    zone: str = "UTC",
    until: Moment | None = None,
    models: Sequence[str] = ("bg_nbd", "mbg_nbd", "pareto_nbd"),
    dates: int = 4,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How far off would forecasts of these models have been, made at several days of the past?

    At each day the models learn from what was known then, and predict what those customers buy and
    spend over a time as long as the horizon (or half of the data, where these are shorter). The
    interval of a day is made of the errors at the other days.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    horizon : str
        Time to predict, such as "364D".
    zone, until : as in `clv.customers`
    models : list of str
        bg_nbd, mbg_nbd, pareto_nbd; their average always stands beside them.
    dates : int
        Days at which a forecast is made, at least two.
    seed : int

    Returns
    -------
    Result
        measure (purchases, amount), model, cut (the day), n (customers known by then), actual
        (what came), estimate (what was predicted), conf_low, conf_high (for what came), off
        (predicted over actual, less 1). `.model` is a `Backtest`, which `clv.value` takes.

    Raises
    ------
    NotEnoughData
        Where the data are too short for two days, or too few customers came back by then.

    Source: Tashman (2000), International Journal of Forecasting 16 (rolling origins); Clemen
    (1989), ibid. 5 (averages of forecasts).
    """
    import pandas as pd

    for name in models:
        one_of("models", name, MODELS)
    view, last = schemas.purchase_days(orders, zone, until)
    days, length = _days(schemas.first_day(view), last, horizon, dates)
    tried = [_at(orders, cut, length, zone=zone, models=models, seed=seed) for cut in days]
    days = [day for day, one in zip(days, tried, strict=True) if one]
    made = [one for one in tried if one]
    if len(made) < LEAST:
        raise NotEnoughData(
            "clv.error_past_returned",
            "backtest: at {days} of the past days {returned} customers had come back by "
            "then; {least} such days are needed",
            days=len(made),
            returned=RETURNED,
            least=LEAST,
        )
    names = [*models, *([AVERAGE] if len(models) > 1 else [])]
    past = _past(made, names, days, length)
    table = pd.DataFrame(_rows(made, names, past, days, conf_level))
    return Result(
        question=Note(
            "clv.past_question",
            "How far off were forecasts for {horizon:span}, made at {dates} past days?",
            horizon=f"{length}D",
            dates=len(days),
        ),
        table=table,
        answer=_best(table, past),
        method=Note(
            "clv.past_method",
            "At each day the models are fitted to what was known, and predict the {horizon:span} "
            "after it; intervals from the differences between customers and, beyond these, from "
            "the errors at the other days (Student's t, on the logarithm).",
            horizon=f"{length}D",
        ),
        unit="customers",
        n=int(max(one["n"] for one in made)),
        conf_level=conf_level,
        limits=(*_covered(past, made, names, conf_level), *_shorter(horizon, length)),
        model=past,
        chart=Points(
            label=["model", "cut"],
            only={"measure": _headline(past)},
            beside="actual",
            xlabel=Note("clv.past_axis", "Predicted, and what came"),
        ),
    )


def _days(first, last, horizon, dates):
    """Return the days at which forecasts are made, and for how many days."""
    asked = schemas.whole_days("horizon", horizon)
    length = min(asked, (last - first) // 2)
    earliest, latest = first + max(length // 4, SHORTEST), last - length
    if dates < LEAST or length < SHORTEST or latest <= earliest:
        raise NotEnoughData(
            "clv.error_past_short",
            "backtest: the data span {days} days; that is too short for forecasts at "
            "{least} past days",
            days=int(last - first),
            least=LEAST,
        )
    return sorted({int(d) for d in np.linspace(earliest, latest, dates).round()}), int(length)


def _date(day):
    """Return a local day since 1970 as text."""
    return str(np.datetime64(int(day), "D"))


def _at(orders, cut, length, *, zone, models, seed):
    """Return what was predicted at one day, a model each, and what came; None where too few
    customers had come back by then.
    """
    day, end = (_date(d) for d in (cut, cut + length))
    table = summary(orders, zone=zone, until=end, learn_until=day)
    seen = ("frequency", "recency", "age")
    x, last, age = (np.asarray(table[c], float) for c in seen)
    span = length / table.attrs["unit_days"]
    told = {}
    if (x > 0).sum() < RETURNED:
        return None
    for name in models:
        fit = estimation.quick(name, table, seen, seed=seed)
        told[name] = fit.model.conditional(fit.natural(), x, last, age, span)
    if len(models) > 1:
        told[AVERAGE] = np.mean(list(told.values()), axis=0)
    made = {"n": len(table), "purchases": (told, table["later"].to_numpy(float))}
    valued = table[(table["paid"] > 0) & (table["value"] > 0)].assign(age=1.0)
    if len(valued) < RETURNED or np.ptp(valued["value"]) == 0:
        return made
    spends = estimation.quick("gamma_gamma", valued, ("paid", "value", "age"), seed=seed)
    if spends.params["q"] > 1:
        paid, mean = table["paid"].to_numpy(float), np.nan_to_num(table["value"].to_numpy(float))
        price = spends.model.mean(spends.natural(), paid, mean)
        spent = {name: v * price for name, v in told.items()}
        made["amount"] = (spent, table["later_value"].to_numpy(float))
    return made


def _past(made, names, days, length):
    """Return the Past of all forecasts."""
    errors, apart, best = {}, {}, {}
    for measure in _measured(made):
        for name in names:
            off, spread = [], []
            for one in made:
                told, came = one[measure]
                predicted, actual = told[name].sum(), max(came.sum(), 0.5)
                off.append(np.log(actual / predicted))
                alone = came - told[name] * (came.sum() / predicted)
                spread.append(np.sqrt((alone**2).sum()) / predicted)
            errors[measure, name], apart[measure, name] = np.array(off), np.array(spread)
        sizes = [float(np.mean(errors[measure, name] ** 2)) for name in names]
        best[measure] = names[int(np.argmin(sizes))]
    apart_days = 1 + (days[-1] - days[0]) / length
    experiences = min(max(apart_days, 2.0), float(len(days)))
    return Backtest(float(length), errors, apart, best, experiences)


def _measured(made):
    return [m for m in MEASURES if all(m in one for one in made)]


def _limits_at(past, measure, name, i, conf_level):
    """Return the factors of one day, from the errors at the other days."""
    others, apart = np.delete(past.errors[measure, name], i), past.apart[measure, name]
    misfit = beyond(others, np.delete(apart, i))
    return factors(misfit, apart[i] ** 2, min(past.experiences, len(others)), conf_level)[:2]


def _rows(made, names, past, days, conf_level):
    import pandas as pd

    rows = []
    for measure in _measured(made):
        for name in names:
            for i, (one, day) in enumerate(zip(made, days, strict=True)):
                told, came = one[measure]
                low, high = _limits_at(past, measure, name, i, conf_level)
                predicted = float(told[name].sum())
                rows.append(
                    {
                        "measure": measure,
                        "model": name,
                        "cut": pd.Timestamp(_date(day)),
                        "n": one["n"],
                        "actual": float(came.sum()),
                        "estimate": predicted,
                        "conf_low": predicted * low,
                        "conf_high": predicted * high,
                        "off": predicted / max(float(came.sum()), 0.5) - 1,
                    }
                )
    return rows


def _headline(past):
    return "amount" if "amount" in past.best else "purchases"


def _best(table, past):
    """Say which model came closest, how far off it was, and how often its intervals held."""
    measure = _headline(past)
    name = past.best[measure]
    rows = table[(table["measure"] == measure) & (table["model"] == name)]
    return Note(
        "clv.past_answer",
        "At {dates} past days {model:word} came closest to the {measure:word} that followed: off "
        "by {error:%} on average, between {least:%} and {most:%} ({n} customers).",
        dates=len(rows),
        model=name,
        measure=measure,
        error=float(rows["off"].abs().mean()),
        least=float(rows["off"].min()),
        most=float(rows["off"].max()),
        n=int(rows["n"].max()),
    )


def _covered(past, made, names, conf_level):
    """Say how often the intervals of past forecasts held what came, at two levels."""
    limits = []
    for measure in _measured(made):
        held = {}
        for level in (0.8, conf_level):
            inside = 0
            for name in names:
                for i, off in enumerate(past.errors[measure, name]):
                    low, high = np.log(_limits_at(past, measure, name, i, level))
                    inside += low <= off <= high
            held[level] = inside
        limits.append(
            Note(
                "clv.past_coverage",
                "{measure:word}: of {forecasts} past forecasts (all models and days) the interval "
                "at {lower:%0} held what came in {inside_lower}, that at {upper:%0} in {inside}. "
                "{model:word} is taken further, since its error was the smallest.",
                measure=measure,
                forecasts=len(names) * len(made),
                lower=0.8,
                inside_lower=int(held[0.8]),
                upper=conf_level,
                inside=int(held[conf_level]),
                model=past.best[measure],
            )
        )
    return [*limits, PAST_OVERLAP.having(experiences=past.experiences)]


def _shorter(horizon, length):
    if schemas.whole_days("horizon", horizon) <= length:
        return []
    return [
        Note(
            "clv.past_shorter",
            "The data allow forecasts for {length:span} only; for {horizon:span} their errors are "
            "taken to grow with the square root of the time.",
            length=f"{length}D",
            horizon=str(horizon),
        )
    ]
