"""The exercises on leaving and on coming back: true under other parameters, mistakes recognised."""

import pytest

from workbench import load, prediction, project, retention
from workbench.reports import exercises

FOLDER = project.root() / "notebooks"
LEAVING = exercises.module(FOLDER, "leaving").exercises
RETURNING = exercises.module(FOLDER, "returning").exercises


@pytest.fixture(scope="module")
def orders():
    """Orders of the web shop for music."""
    return load.cdnow()


def verdict(book, number, answer, *handed):
    """Which sentence of an exercise an answer gets."""
    said = str(book.check(number, answer, *handed))
    exercise = book.numbered[number]
    named = {"right": exercise.right, "other": exercise.otherwise, **exercise.hints}
    return next(name for name, text in named.items() if text == said)


def test_an_interval_and_ends_that_compete(orders):
    """Whether zero lies in the interval; cumulative incidence, not one minus a curve."""
    times = retention.times_to_return(orders.iloc[:9000])
    stay = retention.survival_curves(times, by="size", horizon=180)
    facts = stay.facts[stay.facts["id"] == "retention.mean_gap"].set_index("name")["value"]
    right = "none" if facts["low"] <= 0 <= facts["high"] else "a"
    assert verdict(LEAVING, 1, right, stay) == "right"
    kept = right.removeprefix("none")
    assert verdict(LEAVING, 1, kept + "b", stay) == "cause"
    assert verdict(LEAVING, 1, kept + "c", stay) == "cooling"
    assert verdict(LEAVING, 1, kept + "d", stay) == "appetite"
    assert verdict(LEAVING, 1, "perhaps", stay) == "other"
    reasons = retention.competing_risks(times, horizon=180)
    upto = reasons.table[reasons.table["time"] <= 180].groupby("cause")["estimate"].last()
    assert verdict(LEAVING, 2, upto["dearer_order"], reasons, times, 180) == "right"
    assert verdict(LEAVING, 2, upto["cheaper_order"], reasons, times, 180) == "other"


def test_a_model_and_a_forecast_to_choose(orders):
    """What the interval and the errors of the past say, whatever the horizon."""
    told = prediction.repurchase_propensity(orders.iloc[:9000], draws=30)
    low = told.table.set_index(["model", "measure"]).loc[("difference", "auc"), "conf_low"]
    groups = prediction.calibration(told)
    held = groups.table["predicted"].between(groups.table["conf_low"], groups.table["conf_high"])
    right = ("a" if low > 0 else "") + ("b" if (~held).sum() <= 1 else "")
    assert verdict(RETURNING, 1, right or "none", told, groups) == "right"
    assert verdict(RETURNING, 1, right + "c", told, groups) == "message"
    assert verdict(RETURNING, 1, "d", told, groups) == "other"
    plan = prediction.forecast(orders.iloc[:9000], ahead=1)
    facts = plan.facts[plan.facts["id"] == "prediction.mase_of"]
    errors = facts.loc[facts["name"] == "mase", "value"].astype(float).tolist()
    names = facts.loc[facts["name"] == "method", "text"].tolist()
    assert verdict(RETURNING, 2, names[errors.index(min(errors))], plan) == "right"
    assert verdict(RETURNING, 2, "no idea", plan) == "other"
