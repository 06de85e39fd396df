"""What will come in? Orders or revenue by cohort, carried forward, beside the same season a year
before, with intervals earned in the past.
"""

from dataclasses import dataclass

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.texts import number, word

FIRST = 12  # periods the first forecast of the past learns from
# Errors of the past an interval rests on, at least and at most: what forecasts did long ago, with
# little to learn from, says less.
KNOWN, LATEST = 6, 26
PRIOR = 20.0  # purchases with which a cohort's own level is drawn towards that of all
SEASON = {"month": 12, "week": 52}


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


@analysis
def forecast(
    orders,
    *,
    measure="orders",
    period="month",
    ahead=3,
    inflow=6,
    level=6,
    season=None,
    zone="UTC",
    until=None,
    conf_level=0.95,
):
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
        Periods to foretell.
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
        forecasts were and how often the intervals held the truth stands in `.limits`. `.model` is a
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
                "prediction.error_a_whole_number_of_at",
                "{name}: a whole number of at least 1 is needed, found {value:repr}",
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
            "prediction.error_until_nobody_bought_in_the",
            "until: nobody bought in the last {idle} periods before the data are said "
            "to end; check the day, or leave it out",
            idle=idle,
        )
    if size <= FIRST:
        raise NotEnoughData(
            "prediction.error_forecast_whole_periods_are_needed",
            "forecast: {size} whole periods; {first} are needed, so that at least one "
            "forecast can be compared with what came",
            size=size,
            first=FIRST + 1,
        )
    simple = ["naive", *(["seasonal_naive"] if size >= max(season, FIRST) + KNOWN + ahead else [])]
    told = {m: np.full((size, ahead), np.nan) for m in ("cohorts", *simple)}
    for origin in range(FIRST, size + 1):  # what is known: periods before `origin`
        told["cohorts"][origin - 1] = _ahead(
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
    cells, own = _ahead(grid, new, times, ahead, inflow, level, season)
    following = _following(int(starts[-1]), period, ahead)
    moments = pd.to_datetime(np.concatenate([starts, following]), unit="D").astype("datetime64[us]")
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
                _, _, low, high = _interval(
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
            n, se, low, high = _interval(estimate, off[FIRST - 1 : size - 1 - h, h], conf_level)
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
        Note(
            "prediction.mase",
            "Mean error over {n} forecasts of the past, in mean changes from one "
            "period to the next (MASE): {list}.",
            list="; ".join(f"{word(m)} {number(float(wrong[m]), 3)}" for m in told),
            n=int((tests["method"] == "cohorts").sum()),
        ),
        (
            Note(
                "prediction.better",
                "Over those, the cohorts were nearer than the best simple rule ({base:word}).",
                base=best,
            )
            if wrong["cohorts"] < wrong[best]
            else Note(
                "prediction.worse",
                "Over those, the cohorts were no nearer than the best simple rule "
                "({base:word}): take that.",
                base=best,
            )
        ),
    ]
    limits.append(
        Note(
            "prediction.coverage",
            "Intervals at {level:%0}, made with what was known then, held what came in "
            "{held} of {all} cases.",
            held=int(held.loc["cohorts", "sum"]),
            all=int(held.loc["cohorts", "size"]),
            level=conf_level,
        )
        if "cohorts" in held.index
        else Note(
            "prediction.no_coverage",
            "Fewer than {least} forecasts can be compared with what came: no interval is shown.",
            least=KNOWN,
        )
    )
    limits += [
        Note(
            "prediction.inflow",
            "Assumed: {n:3} new customers a period, the mean of the last {k}. No "
            "campaign, price or competitor is foreseen.",
            n=float(new[-inflow:].mean()),
            k=min(inflow, size),
        ),
        (
            Note("prediction.season", "The season of past years is assumed to return.")
            if size >= 2 * season
            else Note(
                "prediction.no_season",
                "Less than two years of data: a season cannot be told from growth and is "
                "not in the forecast.",
            )
        ),
        Note(
            "prediction.cohort_seen",
            "Cohorts go by the first purchase seen; those of the first periods also "
            "hold older customers.",
        ),
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
    return Result(
        question={
            "orders": Note(
                "prediction.forecast_question_orders",
                "How many orders will come in over the next {ahead} periods?",
                ahead=ahead,
            ),
            "amount": Note(
                "prediction.forecast_question_amount",
                "How much revenue will come in over the next {ahead} periods?",
                ahead=ahead,
            ),
        }[measure],
        table=pd.DataFrame([*rows, *past]),
        method=Note(
            "prediction.forecast_method",
            "Cohorts carried forward: what a customer brings at each age, times the "
            "cohort's size and its own level over the last {level} periods; intervals "
            "from the errors of all forecasts of the past.",
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
            ylabel={
                "orders": Note("prediction.forecast_yaxis_orders", "Orders a period"),
                "amount": Note("prediction.forecast_yaxis_amount", "Revenue a period"),
            }[measure],
        ),
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
            "prediction.error_forecast_orders_have_no_amount",
            "forecast: {lacking} orders have no amount, so revenue is not known; fill "
            "them in, leave them out, or forecast orders",
            lacking=lacking,
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


def _following(last, period, ahead):
    """Return the first days of the periods after the last."""
    made = [last]
    for _ in range(ahead):
        made.append(periods.last_day(made[-1], period) + 1)
    return np.array(made[1:])


def _ahead(grid, new, times, ahead, inflow, level, season):
    """Return what each cohort (known, then still to come: rows) is expected to bring in each period
    ahead, and the rows of known cohorts.
    """
    size = len(new)
    pull = PRIOR * grid.sum() / max(times.sum(), 1)  # what so many purchases bring
    index = np.ones(size + ahead)
    if size >= 2 * season:
        index = _season(grid.sum(axis=0), season, ahead)
        grid = grid / index[:size]
    age = np.arange(size)[None] - np.arange(size)[:, None]  # cohorts × periods
    seen = age >= 0
    at = np.where(seen, age, 0)
    # Cohorts differ in level and ages in rate: brought = customers × level × rate, fitted in turns.
    # A level is drawn towards 1, the more the less the cohort brought; what the first period brings
    # is in no level.
    after = seen & (age > 0)
    level_of, rate = np.ones(size), np.zeros(size)
    for _ in range(30):
        people = np.where(age > 0, new[:, None] * level_of[:, None], new[:, None])
        brought, reached = (np.bincount(age[seen], w[seen], size) for w in (grid, people))
        rate = np.divide(brought, reached, out=np.zeros(size), where=reached > 0)
        usual = np.where(after, new[:, None] * rate[at], 0.0).sum(axis=1)
        level_of = np.divide(
            np.where(after, grid, 0.0).sum(axis=1) + pull,
            usual + pull,
            out=np.ones(size),
            where=usual + pull > 0,
        )
    # Beyond the ages seen, as at the last of them.
    tail = slice(-min(level, max(size - 1, 1)), None)
    last = brought[tail].sum() / reached[tail].sum() if reached[tail].sum() else 0.0
    rate = np.append(rate, np.full(size + ahead, last))
    late = after & (np.arange(size) >= size - level)[None]
    usual = np.where(late, new[:, None] * level_of[:, None] * rate[at], 0.0).sum(axis=1)
    now = level_of * np.divide(
        np.where(late, grid, 0.0).sum(axis=1) + pull,
        usual + pull,
        out=np.ones(size),
        where=usual + pull > 0,
    )
    known = (new * now)[:, None] * rate[(size - np.arange(size))[:, None] + np.arange(ahead)[None]]
    coming, lately = new[-inflow:].mean(), new[-inflow:].sum()
    theirs = (new * level_of)[-inflow:].sum() / lately if lately else 1.0
    later = np.zeros((ahead, ahead))
    for k in range(ahead):
        later[k, k:] = coming * rate[: ahead - k] * np.where(np.arange(ahead - k) > 0, theirs, 1.0)
    every = np.vstack([known, later]) * index[size:]
    return every, every[:size]


def _season(y, season, ahead):
    """Return a factor for every period, known and ahead, with mean 1 over a year: how its season
    departs from the moving year around it.
    """
    size = len(y)
    width = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    half = len(width) // 2
    trend = np.convolve(y, width / width.sum(), "valid")
    middle = y[half : half + len(trend)]
    # A period without anything is a shop that was closed, not a season; no season is more than
    # fivefold.
    open_ = (middle > 0) & (trend > 0)
    at = np.arange(half, half + len(trend))[open_] % season
    many = np.bincount(at, minlength=season)
    index = np.where(
        many > 0,
        np.bincount(at, np.clip(middle[open_] / trend[open_], 0.2, 5.0), season)
        / np.maximum(many, 1),
        1.0,
    )
    # What was seen once may be luck: drawn towards no season, the less the more years there are.
    index = 1 + (index / index.mean() - 1) * many / (many + 1)
    index = index / index.mean()
    return index[np.arange(size + ahead) % season]


def _interval(estimate, off, conf_level):
    """Return how many errors of the past there are, and the standard error and limits of a forecast
    that is off as they were; one that was infinite, where 0 had been foretold, leaves none.
    """
    off = off[~np.isnan(off)][-LATEST:]
    if len(off) < KNOWN or not estimate > 0 or not np.isfinite(off).all():
        return len(off), np.nan, np.nan, np.nan
    se = float(estimate * np.sqrt((off**2).mean() * (1 + 1 / len(off))))
    low, high = intervals.normal(estimate, se, conf_level, df=len(off))
    return len(off), se, max(float(low), 0.0), float(high)
