"""What retention and prediction answer is what their tables hold, in both languages."""

import pandas as pd
import pytest

from workbench import display, prediction, retention, simulate, survival


@pytest.fixture(scope="module")
def orders():
    """Orders of a small simulated market."""
    return simulate.market(600, seed=3)["orders"]


@pytest.fixture(scope="module")
def times(orders):
    """Times to the second purchase."""
    return retention.times_to_return(orders)


ORDERS = {
    "repeat": lambda o: retention.repeat_rate(o, windows=["30D", "60D"]),
    "ever": retention.ever_repeat,
    "rhythm": retention.purchase_frequency,
    "cohorts": lambda o: retention.cohorts(o, period="week"),
    "revenue": lambda o: retention.cohorts(o, period="week", measure="revenue"),
    "mean": lambda o: retention.mean_curve(retention.cohorts(o, period="week")),
    "days": lambda o: retention.day_retention(o, days=(1, 15, 31)),
    "retention_trend": lambda o: retention.retention_trend(o, days=(1, 15), period="week"),
    "churn": lambda o: retention.churn_moments(o, silence="20D"),
    "next": retention.time_to_repurchase,
}
TIMES = {
    "survival_curves": lambda t: retention.survival_curves(t, by="size"),
    "cox": lambda t: retention.cox(t, ["log_amount"]),
    "parametric": lambda t: retention.parametric(t, ["log_amount"]),
    "hazards": lambda t: retention.discrete_time_hazard(t, width=10),
    "competing_risks": retention.competing_risks,
}
# Values that are made of the table and do not stand in it: sums, dates, settings.
MADE = {"begin"} | {
    "n",
    "p",
    "k",
    "a",
    "b",
    "age",
    "end",
    "month",
    "cohorts",
    "groups",
    "when",
    "reach",
    "days",
}


def held(result):
    """Every number of an answer is one of its table, but for what is made of several rows."""
    numbers = result.table.select_dtypes("number").to_numpy(float).ravel()
    if "ratio" in result.answer.values:
        numbers = [*numbers, *(2.718281828459045**x for x in numbers if abs(x) < 300)]
    known = pd.Series(numbers)
    for _, name, value in result.answer.facts():
        if isinstance(value, float) and name not in MADE:
            assert (known - value).abs().min() < 1e-9, (result.answer.id, name, value)


def speaks(result):
    """The answer is a sentence in both languages."""
    english = str(result.answer)
    display.use("nl")
    try:
        assert str(result.answer) != english
    finally:
        display.use("en")


@pytest.mark.parametrize("name", ORDERS)
def test_answers_on_orders_equal_their_tables(orders, name):
    """Shares, their limits and counts are those of a row."""
    result = ORDERS[name](orders)
    assert result.answer.id.startswith("retention.")
    held(result)
    speaks(result)


@pytest.mark.parametrize("name", TIMES)
def test_answers_on_times_equal_their_tables(times, name):
    """The clearest association, the largest share, the longest median."""
    result = TIMES[name](times)
    assert result.answer.id.startswith("retention.")
    held(result)
    speaks(result)


def test_a_forecast_and_a_calibration_answer(orders):
    """What is expected stands in the table; what came back is a sum of it."""
    plan = prediction.forecast(orders, period="week", ahead=1)
    held(plan)
    speaks(plan)


def test_curves_of_groups_are_read_one_by_one(times):
    """Every group has its own rows."""
    table = retention.survival_curves(times, by="size").table
    read = survival.at(table, "time", [20, 40])
    assert read["group"].nunique() == 2
    assert len(read) == 4
