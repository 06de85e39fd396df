"""Whether an estimate exists, and whether a sound one is found: told by the data, not by its size.

Each test stands for its kind: a trait that orders everything, a rare trait without an event, a
count that is always nothing, and beside them effects that are large but there.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from workbench import choice, drivers, experiments, retention
from workbench.errors import InputError
from workbench.prediction import propensity
from workbench.stats import existence, hazards, regressions

FAMILIES = ("weibull", "exponential", "log_logistic", "log_normal")


def separable(rows):
    """Whether a yes/no outcome has a direction that tells it apart, by trying every pair of rows as
    the border of a half-plane (two columns and a constant): slow, and beyond doubt.
    """
    signs = rows
    for i in range(len(signs)):
        for j in range(len(signs)):
            normal = np.cross(signs[i], signs[j])
            for d in (normal, -normal, signs[i], signs[i] + signs[j]):
                gain = signs @ d
                if (gain >= -1e-9).all() and (gain > 1e-9).any():
                    return True
    return False


@pytest.mark.parametrize("seed", range(25))
def test_separation_is_found_where_it_is(seed):
    """Small tables of whole numbers, with ties on the border: by brute force and by the program."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 14))
    x = np.column_stack([np.ones(n), rng.integers(0, 4, n), rng.integers(0, 3, n)]).astype(float)
    y = (x @ rng.normal(size=3) + rng.normal(0, 0.4, n) > 0.5).astype(float)
    rows = np.where(y > 0, 1.0, -1.0)[:, None] * x
    assert existence.of_logit(x, y).exists == (not separable(rows))


def leavers(n=2000, seed=1):
    """Durations, and a trait nobody who left has."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {"days": rng.exponential(50, n).round() + 1, "ended": rng.integers(0, 2, n)}
    )
    vip = ((made["ended"] == 0) & (rng.uniform(size=n) < 0.3)) * 1
    return made.assign(vip=vip, age=rng.normal(40, 10, n).round(1))


def test_a_trait_nobody_who_left_has_is_withheld_in_a_cox_regression():
    """It is missing and named; the other trait has the estimate it has among those who can still
    be compared; nothing is said of constancy over time of what is missing.
    """
    data = leavers()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = retention.cox(data, ["vip", "age"])
    rows = made.table.set_index("term")
    assert rows.loc["vip", ["estimate", "std_error", "conf_low", "p_value"]].isna().all()
    assert any("vip" in str(n) and "firth" in str(n) for n in made.limits)
    beside = retention.cox(data[data["vip"] == 0], ["age"]).table.iloc[0]
    assert rows.loc["age", "estimate"] == pytest.approx(beside["estimate"], rel=1e-9)
    assert rows.loc["age", "std_error"] == pytest.approx(beside["std_error"], rel=1e-9)
    alone = retention.cox(data, ["vip"])
    assert alone.table["estimate"].isna().all() and "no finite estimate" in str(alone.answer)
    assert not any("change with time" in str(n) for n in alone.limits)


def test_an_order_of_leaving_told_completely():
    """Those without the trait all leave before any with it: no estimate, and Firth's is there."""
    data = pd.DataFrame(
        {"days": np.arange(1, 41), "ended": 1, "seen_problem": np.repeat([0, 1], 20)}
    )
    assert retention.cox(data, ["seen_problem"]).table["estimate"].isna().all()
    row = retention.cox(data, ["seen_problem"], penalty="firth").table.iloc[0]
    assert -8 < row["estimate"] < -2 and row["conf_low"] < row["estimate"] < row["conf_high"]
    assert row["p_value"] < 1e-9  # as a log-rank test of the same data says


def test_strata_are_compared_within_alone():
    """Within each stratum the order is complete, between them it is not: no estimate either."""
    data = pd.DataFrame(
        {
            "days": [1, 2, 3, 4, 1, 2, 3, 4],
            "ended": 1,
            "x": [1.0, 2, 3, 4, 0, 1, 2, 3],
            "s": list("aaaabbbb"),
        }
    )
    assert retention.cox(data, ["x"], strata="s").table["estimate"].isna().all()


@pytest.mark.parametrize("seed", range(6))
def test_a_cox_regression_that_stays_finite_is_the_limit_of_one_that_is_held(seed):
    """The weights that exist are those one gets with the others held far out."""
    rng = np.random.default_rng(seed)
    n = 60
    x = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n)]).astype(float)
    time, ended = rng.integers(1, 12, n).astype(float), (rng.random(n) < 0.6).astype(float)
    ended[x[:, 0] > 0] = 0
    made = hazards.cox(x, time, ended)
    risk = hazards.Risk(x, time, ended, np.zeros(n, int))
    far = optimize.minimize_scalar(
        lambda b: -risk.parts(np.array([-60.0, b])).value, bounds=(-5, 5), method="bounded"
    )
    assert np.isnan(made.params[0]) and made.params[1] == pytest.approx(far.x, abs=1e-4)


def test_a_large_but_finite_effect_is_fitted():
    """Spending spread over three orders of magnitude: weight times range is above 35, and the
    estimate is there.
    """
    rng = np.random.default_rng(2)
    n = 5000
    spend = np.exp(3 + 1.5 * rng.normal(size=n))
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(2 - 0.02 * spend))) * 1
    table = pd.DataFrame({"y": y, "spend": spend})
    row = drivers.regression(table, "y", ["spend"], kind="logit").table.iloc[0]
    assert row["estimate"] == pytest.approx(0.02, abs=0.003)
    assert row["estimate"] * np.ptp(spend) > 35
    count = rng.poisson(np.exp(np.minimum(0.5 + 0.002 * spend, 6)))
    table = table.assign(count=count)
    assert drivers.regression(table, "count", ["spend"], kind="poisson").table["estimate"][0] > 0
    days = rng.exponential(1, n) * np.exp(-0.01 * spend) * 100 + 0.01
    stays = pd.DataFrame({"days": days, "ended": 1, "spend": spend})
    cox = retention.cox(stays, ["spend"]).table.iloc[0]
    assert cox["estimate"] == pytest.approx(0.01, abs=0.001)
    assert cox["estimate"] * np.ptp(spend) > 10
    for family in FAMILIES:
        made = retention.parametric(stays, ["spend"], family=family).table.set_index("term")
        assert made.loc["spend", "estimate"] < 0


def test_weighting_takes_a_large_but_finite_effect_on_who_is_treated():
    """Who was treated goes with spending, steeply; some of each kind are everywhere."""
    rng = np.random.default_rng(3)
    n = 3000
    spend = np.exp(3 + 1.2 * rng.normal(size=n))
    treated = (rng.uniform(size=n) < 1 / (1 + np.exp(1 - 0.02 * spend))) * 1
    table = pd.DataFrame({"t": treated, "spend": spend, "y": rng.normal(size=n) + 0.001 * spend})
    made = experiments.weighting(table, "t", "y", ["spend"]).table.set_index("measure")
    assert np.isfinite(made.loc["effect", "estimate"])


def test_terms_that_decide_a_logit_are_missing_and_the_others_stay():
    """A trait all of whose bearers say yes: named and missing; the other term is what it is among
    those without the trait. Firth's estimate is there by name.
    """
    rng = np.random.default_rng(4)
    n = 400
    data = pd.DataFrame({"x": rng.normal(size=n), "fan": rng.integers(0, 2, n)})
    data["y"] = ((rng.random(n) < 0.4) | (data["fan"] == 1)) * 1
    made = drivers.regression(data, "y", ["x", "fan"], kind="logit")
    rows = made.table.set_index("term")
    assert rows.loc["fan", ["estimate", "std_error", "conf_low", "marginal"]].isna().all()
    assert any("fan" in str(n) and "firth" in str(n) for n in made.limits)
    beside = drivers.regression(data[data["fan"] == 0], "y", ["x"], kind="logit").table.iloc[0]
    assert rows.loc["x", "estimate"] == pytest.approx(beside["estimate"], rel=1e-8)
    told = drivers.regression(data, "y", ["x", "fan"], kind="logit", penalty="firth").table
    assert told["estimate"].notna().all() and (told["conf_low"] < told["estimate"]).all()


def test_a_count_that_is_always_nothing_is_missing():
    """No order at all by those with a trait: its rate is 0 and the logarithm has no end; so it is
    where the trait is a number, at whose far end there are no orders.
    """
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=300), "gone": rng.integers(0, 2, 300)})
    data["orders"] = rng.poisson(np.exp(0.3 * data["x"])) * (data["gone"] == 0)
    made = drivers.regression(data, "orders", ["x", "gone"], kind="poisson")
    rows = made.table.set_index("term")
    assert np.isnan(rows.loc["gone", "estimate"]) and rows.loc["x", "estimate"] > 0
    far = pd.DataFrame({"orders": [3, 2, 4, 0, 0, 0], "d": [1.0, 1, 1, 2, 5, 9]})
    assert drivers.regression(far, "orders", ["d"], kind="poisson").table["estimate"].isna().all()


def test_a_grade_told_by_one_column_is_refused_by_name():
    """An ordinal outcome that follows one column throughout: an error that names it."""
    x = np.arange(60.0)
    data = pd.DataFrame({"grade": (x // 15).astype(int), "x": x, "z": np.sin(x)})
    with pytest.raises(InputError, match="'x' decides the outcome"):
        drivers.regression(data, "grade", ["x", "z"], kind="ordinal")


def test_firth_adds_half_a_count_to_every_cell():
    """Two groups and a yes/no outcome: half is added to every cell (Firth 1993, section 3.3); the
    limits are where the penalised likelihood, by brute force, has lost what chance explains.
    """
    yes, no = np.array([3, 12]), np.array([9, 0])
    x = np.repeat([[1.0, 0], [1, 0], [1, 1], [1, 1]], [3, 9, 12, 0], axis=0)
    y = np.repeat([1.0, 0, 1, 0], [3, 9, 12, 0])
    made = regressions.firth_logit(x, y)
    odds = np.log((yes + 0.5) / (no + 0.5))
    assert made.params == pytest.approx([odds[0], odds[1] - odds[0]], abs=1e-6)

    def penalised(b):
        p = 1 / (1 + np.exp(-(x @ b)))
        information = (x * (p * (1 - p))[:, None]).T @ x
        return y @ np.log(p) + (1 - y) @ np.log(1 - p) + np.linalg.slogdet(information)[1] / 2

    def lost(value):
        held = optimize.minimize_scalar(
            lambda a: -penalised(np.array([a, value])), bounds=(-8, 8), method="bounded"
        )
        return 2 * (penalised(made.params) + held.fun)

    for limit in (made.low[1], made.high[1]):
        assert lost(limit) == pytest.approx(3.841459, abs=1e-4)


def test_key_drivers_of_an_outcome_that_is_decided_say_so():
    """McFadden's R² of a separated outcome says nothing of shares: they are missing, and the driver
    is named.
    """
    rng = np.random.default_rng(6)
    data = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    data["y"] = (data["a"] > 0) * 1
    made = drivers.key_drivers(data, "y", list("abc"), kind="logit", draws=20)
    assert "share" not in set(made.table["measure"])
    assert any("'a' decides" in str(n) for n in made.limits)


@pytest.mark.parametrize("family", FAMILIES)
def test_durations_by_family_say_what_does_not_exist(family):
    """A trait nobody who left has: missing and named; the rest as without those who have it."""
    data = leavers(600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = retention.parametric(data, ["vip", "age"], family=family)
    rows = made.table.set_index("term")
    assert rows.loc["vip", ["estimate", "std_error", "conf_low"]].isna().all()
    assert any("vip" in str(n) for n in made.limits)
    beside = retention.parametric(data[data["vip"] == 0], ["age"], family=family).table
    beside = beside.set_index("term")
    for term in ("constant", "age", *(["scale"] if family != "exponential" else [])):
        assert rows.loc[term, "estimate"] == pytest.approx(beside.loc[term, "estimate"], rel=1e-6)


def test_everybody_who_leaves_does_so_on_one_day():
    """Contracts of thirty days: the spread of a fitted family runs to nothing, which is said."""
    data = pd.DataFrame({"days": [30] * 40 + [12] * 20, "ended": [1] * 40 + [0] * 20})
    with pytest.raises(InputError, match="exactly"):
        retention.parametric(data)


def test_a_prediction_leaves_out_what_decides():
    """A trait without a finite weight is left out by name; the others are learnt as without it."""
    rng = np.random.default_rng(8)
    traits = pd.DataFrame(rng.gamma(2, 5, (300, len(propensity.TRAITS))), columns=propensity.TRAITS)
    table = traits.assign(came_back=rng.integers(0, 2, 300), overdue=0.0)
    table["overdue"] = (rng.random(300) < 0.2) * (table["came_back"] == 1) * 1.0
    made, used, dropped = propensity._learn(table, propensity.TRAITS, 1.0)
    assert dropped == ["overdue"] and "overdue" not in used
    beside, *_ = propensity._learn(table, used, 1.0)
    assert made.params.to_numpy() == pytest.approx(beside.params.to_numpy())


def choices(seed, n=150):
    """Choices between three offers: a price, a display, and which was taken."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), 3),
            "customer_id": np.repeat(np.arange(n) // 3, 3),
            "alternative": np.tile(list("abc"), n),
            "price": rng.integers(1, 9, 3 * n).astype(float),
            "display": rng.integers(0, 2, 3 * n).astype(float),
        }
    )
    score = -0.4 * table["price"] + 0.5 * table["display"] + rng.gumbel(size=3 * n)
    return table.assign(chosen=score == score.groupby(table["choice_id"]).transform("max"))


def test_an_attribute_that_decides_choices_is_named():
    """What is taken wherever it is offered has no finite weight, however few choices it bears on;
    a price in thousands that is minded strongly has one.
    """
    data = choices(1)
    rare = (data["chosen"] & (data["choice_id"] % 40 == 0)).astype(float)
    made = choice.conditional_logit(data.assign(rare=rare), ["price", "rare"])
    row = made.table.set_index("term").loc["rare"]
    assert row[["estimate", "std_error", "conf_low", "conf_high"]].isna().all()
    assert "rare" in str(made.limits[0]) and "firth" in str(made.limits[0])
    for after in (choice.simulate_shares, choice.elasticities):
        with pytest.raises(InputError, match="no finite estimate exists for rare"):
            after(made, data.assign(rare=rare))
    rng = np.random.default_rng(3)
    price = np.exp(rng.normal(6, 2, len(data)))
    score = pd.Series(-0.03 * price + rng.gumbel(size=len(data)))
    dear = data.assign(
        price=price, chosen=score == score.groupby(data["choice_id"]).transform("max")
    )
    made = choice.conditional_logit(dear, ["price"]).table.set_index("term")
    assert made.loc["price", "estimate"] == pytest.approx(-0.03, abs=0.015)
    assert abs(made.loc["price", "estimate"]) * np.ptp(price) > 35
