"""What will come in? Orders or revenue by cohort, carried forward, beside the same season a year
before, with intervals earned in the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.prediction.extrapolation import KNOWN, ahead_by_cohort, following, interval
from workbench.results import Curve, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Moment, Table

FIRST = 12  # periods the first forecast of the past learns from
SEASON = {"month": 12, "week": 52}
QUESTIONS = {
    "orders": Note(
        "prediction.forecast_question_orders",
        "How many orders will come in over the next {ahead} periods?",
    ),
    "amount": Note(
        "prediction.forecast_question_amount",
        "How much revenue will come in over the next {ahead} periods?",
    ),
}
YLABELS = {
    "orders": Note("prediction.forecast_yaxis_orders", "Orders per period"),
    "amount": Note("prediction.forecast_yaxis_amount", "Revenue per period"),
}
ANSWERS = {
    "orders": Note(
        "prediction.forecast_answer_orders",
        "{estimate:3} orders are expected in the period from {period:date} ({low:3} to {high:3}; "
        "{method:word}, {n} periods known); the period before it had {last:3}.",
    ),
    "amount": Note(
        "prediction.forecast_answer_amount",
        "{estimate:money} of revenue is expected in the period from {period:date} ({low:money} to "
        "{high:money}; {method:word}, {n} periods known); the period before it had {last:money}.",
    ),
}
PLAIN_ANSWERS = {
    "orders": Note(
        "prediction.forecast_answer_plain_orders",
        "{estimate:3} orders are expected in the period from {period:date} ({method:word}, {n} "
        "periods known); too few past forecasts for an interval.",
    ),
    "amount": Note(
        "prediction.forecast_answer_plain_amount",
        "{estimate:money} of revenue is expected in the period from {period:date} "
        "({method:word}, {n} periods known); too few past forecasts for an interval.",
    ),
}
BETTER = Note(
    "prediction.better",
    "Over those, the cohort forecast was more accurate than the best simple rule ({base:word}).",
)
WORSE = Note(
    "prediction.worse",
    "Over those, the cohort forecast was no more accurate than the best simple rule ({base:word}): "
    "use that rule.",
)
INFLOW = Note(
    "prediction.inflow",
    "Assumed: {n:3} new customers per period, the mean of the last {k}. Campaigns, prices and "
    "competitors are not taken into account.",
)
SEASON_RETURNS = Note("prediction.season", "The season of past years is assumed to return.")
NO_SEASON = Note(
    "prediction.no_season",
    "Less than two years of data: a season cannot be told from growth and is not in the forecast.",
)
COHORT_SEEN = Note(
    "prediction.cohort_seen",
    "Cohorts are by the first purchase in these data; those of the first periods also hold "
    "earlier customers.",
)


@dataclass(frozen=True, eq=False)
class Plan:
    """What `forecast` found.

    `by_cohort` (DataFrame: cohort, period, estimate; cohort missing for customers still to come),
    `tests` (DataFrame: origin, ahead, period, method, estimate, conf_low, conf_high, actual: every
    forecast of the past), `inflow` (new customers a period that are assumed), `history` (Series by
    period).
    """

    by_cohort: object
    tests: object
    inflow: float
    history: object

    def largest_cohorts(self, count=8):
        """Return the cohorts from which most is expected over all periods ahead; without a first
        day: customers still to come.
        """
        total = self.by_cohort.groupby("cohort", dropna=False)["estimate"].sum().reset_index()
        return total.sort_values("estimate", ascending=False, kind="stable").head(count)


@engine.tables("orders")
@analysis
def forecast(
    orders: Table,
    *,
    measure: str = "orders",
    period: str = "month",
    ahead: int = 3,
    inflow: int = 6,
    level: int = 6,
    season: int | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many orders, or how much revenue, will come in over the next periods?

    By cohort: customers who first bought in one period go on as earlier cohorts did at that age, at
    the level of their own last periods; new customers come in as in the last periods. Beside it
    stand the last period and, where the data are long enough, the same season a year before. With
    two years of data and more, the season (drawn towards none, the less the more years there are)
    is taken out first and put back. Intervals are as wide as the errors were: the forecast is made
    at every past period with what was known then.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    measure : str
        "orders" (purchase days) or "amount".
    period : str
        "month", "week" (from Monday; "week_sunday", "week_saturday").
    ahead : int
        Periods to forecast.
    inflow, level : int
        Last periods whose mean of new customers goes on; last periods a cohort's level is taken
        from.
    season : int, optional
        Periods a year; None: 12 months or 52 weeks.
    zone : str
        Time zone in which days are cut.
    until : str or Timestamp, optional
        Last moment the data cover; None: the last order. A period still running is left out.

    Returns
    -------
    Result
        period (its first day), method (actual; cohorts; naive: the last period; seasonal_naive: the
        same a year before, where there are enough of those), ahead (periods ahead; 0 for actual), n
        (whole periods known), errors (of the past, behind the interval), existing (share expected
        from customers known now, for cohorts), estimate, std_error, conf_low, conf_high: where the
        period itself is expected, not the mean. Missing limits: too few errors. How far off
        forecasts were and how often the intervals held the truth stands in `.facts`
        (prediction.mase_of, prediction.coverage). `.model` is a
        Plan.

    Raises
    ------
    InputError
        For an unknown measure or period, numbers below 1, orders without an amount where revenue is
        asked for, or an end long after the last order.
    NotEnoughData
        With fewer than 13 whole periods.

    Source: Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice (seasonal naive,
    MASE, rolling origin); cohort levels drawn to the mean as in Bühlmann & Gisler (2005), A Course
    in Credibility Theory.
    """
    import pandas as pd

    one_of("measure", measure, ("orders", "amount"))
    one_of("period", period, periods.LONG)
    for name, value in (
        ("ahead", ahead),
        ("inflow", inflow),
        ("level", level),
        ("season", 1 if season is None else season),
    ):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError(
                "prediction.error_whole_number",
                "{name}: a whole number of at least {least} is needed, found {value:repr}",
                least=1,
                name=name,
                value=value,
            )
    season = season or SEASON[period.partition("_")[0]]
    grid, new, times, starts, late = _grid(orders, measure, period, zone, until)
    y = grid.sum(axis=0)
    size = len(y)
    idle = size - 1 - int(np.flatnonzero(times.sum(axis=0))[-1]) if times.any() else size
    if idle >= max(2, level):
        raise InputError(
            "prediction.error_until_idle",
            "until: nobody bought in the last {idle} periods before that day; check it, or leave "
            "it out",
            idle=idle,
        )
    if size <= FIRST:
        raise NotEnoughData(
            "prediction.error_forecast_periods",
            "forecast: {size} whole periods; {first} are needed, so that at least one "
            "forecast can be compared with what happened",
            size=size,
            first=FIRST + 1,
        )
    simple = ["naive", *(["seasonal_naive"] if size >= max(season, FIRST) + KNOWN + ahead else [])]
    told = {m: np.full((size, ahead), np.nan) for m in ("cohorts", *simple)}
    for origin in range(FIRST, size + 1):  # what is known: periods before `origin`
        told["cohorts"][origin - 1] = ahead_by_cohort(
            grid[:origin, :origin],
            new[:origin],
            times[:origin, :origin],
            ahead,
            inflow,
            level,
            season,
        )[0].sum(axis=0)
        told["naive"][origin - 1] = y[origin - 1]
        if len(simple) > 1:
            told["seasonal_naive"][origin - 1] = [
                y[origin + h % season - season] if origin + h % season >= season else np.nan
                for h in range(ahead)
            ]
    actual = np.array(
        [[y[o + h] if o + h < size else np.nan for h in range(ahead)] for o in range(1, size + 1)]
    )
    cells, own = ahead_by_cohort(grid, new, times, ahead, inflow, level, season)
    coming = following(int(starts[-1]), period, ahead)
    moments = pd.to_datetime(np.concatenate([starts, coming]), unit="D").astype("datetime64[us]")
    past = [
        {
            "period": moments[i],
            "method": "actual",
            "ahead": 0,
            "n": size,
            "errors": 0,
            "existing": np.nan,
            "estimate": y[i],
            "std_error": np.nan,
            "conf_low": np.nan,
            "conf_high": np.nan,
        }
        for i in range(max(int(late), size - max(4 * ahead, 12)), size)
    ]
    rows, tests = [], []
    for method, values in told.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            off = actual / values - 1
        for h in range(ahead):
            for origin in range(FIRST, size - h):
                # What was known then: errors of forecasts whose period was over.
                _, _, low, high = interval(
                    values[origin - 1, h], off[FIRST - 1 : origin - 1 - h, h], conf_level
                )
                tests.append(
                    {
                        "origin": moments[origin - 1],
                        "ahead": h + 1,
                        "period": moments[origin + h],
                        "method": method,
                        "estimate": values[origin - 1, h],
                        "conf_low": low,
                        "conf_high": high,
                        "actual": actual[origin - 1, h],
                    }
                )
            estimate = values[size - 1, h]
            n, se, low, high = interval(estimate, off[FIRST - 1 : size - 1 - h, h], conf_level)
            rows.append(
                {
                    "period": moments[size + h],
                    "method": method,
                    "ahead": h + 1,
                    "n": size,
                    "errors": n,
                    "existing": (
                        float(own[:, h].sum() / estimate)
                        if method == "cohorts" and estimate > 0
                        else np.nan
                    ),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    # All methods are judged by the same forecasts.
    tests = pd.DataFrame(tests)
    tests = tests[
        tests.groupby(["origin", "ahead"])["estimate"].transform("count") == len(told)
    ].reset_index(drop=True)
    wrong = (tests["estimate"] - tests["actual"]).abs().groupby(tests["method"]).mean() / max(
        np.abs(np.diff(y[int(late) :])).mean(), 1e-300
    )
    best = wrong[simple].idxmin()
    judged = tests.dropna(subset=["conf_low"])
    held = (
        ((judged["conf_low"] <= judged["actual"]) & (judged["actual"] <= judged["conf_high"]))
        .groupby(judged["method"])
        .agg(["sum", "size"])
    )
    limits = [
        _mase(wrong[list(told)], int((tests["method"] == "cohorts").sum())),
        (BETTER if wrong["cohorts"] < wrong[best] else WORSE).having(base=best),
        _coverage(held, conf_level),
        INFLOW.having(n=float(new[-inflow:].mean()), k=min(inflow, size)),
        SEASON_RETURNS if size >= 2 * season else NO_SEASON,
        COHORT_SEEN,
    ]
    by_cohort = pd.DataFrame(
        {
            "cohort": np.repeat([*moments[:size], pd.NaT], ahead),
            "period": np.tile(moments[size:], size + 1),
            "estimate": np.vstack([own, (cells.sum(axis=0) - own.sum(axis=0))[None]]).ravel(),
        }
    )
    plan = Plan(
        by_cohort,
        tests,
        float(new[-inflow:].mean()),
        pd.Series(y, moments[:size], name=measure)[int(late) :],
    )
    table = pd.DataFrame([*rows, *past])
    return Result(
        question=QUESTIONS[measure].having(ahead=ahead),
        answer=_answer(table, measure, "cohorts" if wrong["cohorts"] < wrong[best] else best),
        table=table,
        method=Note(
            "prediction.forecast_method",
            "Cohorts extrapolated: what a customer brings at each age, times the cohort's size and "
            "its own level over the last {level} periods; intervals from the errors of all past "
            "forecasts.",
            level=level,
        ),
        unit="periods",
        n=size,
        conf_level=conf_level,
        limits=tuple(limits),
        model=plan,
        chart=Curve(
            x="period",
            group="method",
            only={"method": ["actual", "cohorts", best]},
            xlabel=Note("prediction.forecast_axis", "Period"),
            ylabel=YLABELS[measure],
        ),
    )


def _mase(wrong, n):
    return Note(
        "prediction.mase",
        "Mean error over {n} past forecasts, in mean changes from one period to the next (MASE): "
        "{list}.",
        list=[
            Note("prediction.mase_of", "{method:word} {mase:3}", method=name, mase=float(value))
            for name, value in wrong.items()
        ],
        n=n,
    )


def _coverage(held, conf_level):
    """Say how often intervals made in the past held what came."""
    if "cohorts" not in held.index:
        return Note(
            "prediction.no_coverage",
            "Fewer than {least} past forecasts can be compared with what happened: no interval "
            "is shown.",
            least=KNOWN,
        )
    return Note(
        "prediction.coverage",
        "Intervals at {level:%0}, made with what was known at the time, held the actual value in "
        "{held} of {all} cases.",
        held=int(held.loc["cohorts", "sum"]),
        all=int(held.loc["cohorts", "size"]),
        level=conf_level,
    )


def _answer(table, measure, method):
    """Say what the more accurate method expects of the next period, beside the last one."""
    row = table[(table["method"] == method) & (table["ahead"] == 1)].iloc[0]
    last = table[table["method"] == "actual"].iloc[-1]
    note = PLAIN_ANSWERS if np.isnan(row["conf_low"]) else ANSWERS
    bounds = {} if np.isnan(row["conf_low"]) else {"low": row["conf_low"], "high": row["conf_high"]}
    return note[measure].having(
        estimate=float(row["estimate"]),
        period=row["period"].date(),
        method=method,
        n=int(row["n"]),
        last=float(last["estimate"]),
        **{name: float(value) for name, value in bounds.items()},
    )


def _grid(orders, measure, period, zone, until):
    """Return what every cohort brought in every whole period (cohorts × periods), new customers by
    period, how often every cohort bought, the periods' first days, and whether the data begin
    within the first.
    """
    view, end = schemas.purchase_days(orders, zone, until)
    first = schemas.first_day(view)
    lacking = (
        int(engine.one("SELECT count(*) FROM o WHERE amount IS NULL", o=view))
        if measure == "amount"
        else 0
    )
    if lacking:
        raise InputError(
            "prediction.error_no_amount",
            "forecast: {n} orders have no amount, so revenue is not known; fill "
            "them in, leave them out, or forecast orders",
            n=lacking,
        )
    found = engine.run(
        f"""{schemas.DAYS},
          p AS (
            SELECT customer, {periods.sql("day", period, first, end)} AS bucket,
              sum(bought) AS purchases, sum(amount) AS amount
            FROM days GROUP BY 1, 2),
          c AS (
            SELECT bucket, purchases, amount,
              min(CASE WHEN purchases > 0 THEN bucket END) OVER (PARTITION BY customer) AS origin
            FROM p)
          SELECT origin, bucket, count(*) AS customers,
            CAST(sum(purchases) AS BIGINT) AS purchases, sum(amount) AS amount
          FROM c WHERE bucket >= origin GROUP BY origin, bucket ORDER BY origin, bucket""",
        o=view,
    )
    starts = periods.whole(first, end, period)
    found = found[found["bucket"].isin(starts) & found["origin"].isin(starts)]
    a, b = (np.searchsorted(starts, found[c]) for c in ("origin", "bucket"))
    grid, new = np.zeros((len(starts), len(starts))), np.zeros(len(starts))
    grid[a, b] = found["purchases"] if measure == "orders" else found["amount"].fillna(0.0).round(6)
    new[a[a == b]] = found["customers"].to_numpy(float)[a == b]
    times = np.zeros(grid.shape)
    times[a, b] = found["purchases"]
    return grid, new, times, starts, bool(len(starts)) and first > starts[0]
