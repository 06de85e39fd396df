"""Nobody, or everybody: a standard error of 0 is no certainty, and a metric is not its own past."""

import numpy as np
import pandas as pd
import pytest

from workbench import experiments, intervals, retention
from workbench.errors import InputError


def arms(control, treated, n=500):
    """Two arms of `n`, of whom so many have it."""
    return pd.DataFrame(
        {
            "variant": np.repeat(["control", "mail"], n),
            "y": np.r_[np.arange(n) < control, np.arange(n) < treated] * 1,
        }
    )


@pytest.mark.parametrize("everybody", [0, 500])
@pytest.mark.parametrize("planned", [None, 1000])
def test_all_alike_is_no_certainty(everybody, planned):
    """None of 500 against none of 500, and all against all: an interval with a width, no claim of
    power, no relative difference known to be 0.
    """
    made = experiments.difference(arms(everybody, everybody), "y", planned=planned)
    rows = made.table.set_index("measure")
    gap = rows.loc["difference"]
    assert gap["conf_low"] < 0 < gap["conf_high"] and gap["std_error"] != 0
    if planned is None:
        low, high = intervals.newcombe(everybody, 500, everybody, 500)
        assert (gap["conf_low"], gap["conf_high"]) == pytest.approx((low, high))
    assert not any("would be found with a probability" in str(n) for n in made.limits)
    relative = rows.loc["relative"]
    assert relative["conf_high"] != relative["conf_low"]
    if everybody and planned is None:
        assert relative["conf_low"] < 0 < relative["conf_high"]


def test_one_arm_without_any():
    """None of 500 against 10 of 500: the sentence on power rests on the arm that has some."""
    made = experiments.difference(arms(10, 0), "y").table.set_index("measure")
    assert made.loc["difference", "estimate"] == -0.02
    assert made.loc["difference", "conf_high"] < 0


def test_the_ratio_of_shares_meets_the_published_example():
    """Limits from those of both shares: with the shares far from their edges they are near those of
    the log scale.
    """
    one, two = (
        dict(zip(("conf_low", "conf_high"), intervals.wilson(c, 400), strict=True))
        | {"estimate": c / 400}
        for c in (120, 80)
    )
    low, high = intervals.ratio_of_shares(one, two)
    se = np.sqrt(1 / 120 - 1 / 400 + 1 / 80 - 1 / 400)
    assert (low, high) == pytest.approx(
        (1.5 * np.exp(-1.96 * se), 1.5 * np.exp(1.96 * se)), rel=0.01
    )


def spent(seed=1):
    """Two arms with amounts."""
    rng = np.random.default_rng(seed)
    return arms(0, 0).assign(y=rng.gamma(2, 10, 1000), early=rng.gamma(2, 10, 1000))


@pytest.mark.parametrize(
    ("change", "before"),
    [
        (lambda d: d, "y"),
        (lambda d: d.assign(early=d["y"]), "early"),
        (lambda d: d.assign(early=100 * d["y"] + 3), "early"),
    ],
)
def test_a_metric_is_not_its_own_past(change, before):
    """The metric itself, a copy of it, or it in another unit: named, not adjusted to certainty."""
    with pytest.raises(InputError, match="says the same as the metric 'y'"):
        experiments.difference(change(spent()), "y", before=before)


@pytest.mark.parametrize("name", ["y", "early"])
def test_an_infinite_metric_is_refused(name):
    """It is named, with how many rows."""
    data = spent()
    data.loc[[3, 700], name] = [np.inf, -np.inf]
    with pytest.raises(InputError, match=f"'{name}' is infinite in 2 rows"):
        experiments.difference(data, "y", before="early")


def test_everybody_paid_the_same():
    """A mean without any spread has no interval, and no power is claimed."""
    made = experiments.difference(spent().assign(y=5.0), "y")
    rows = made.table.set_index("measure")
    assert rows.loc["difference", ["conf_low", "conf_high", "p_value"]].isna().all()
    assert not any("would be found with a probability" in str(n) for n in made.limits)


def test_a_rate_stays_at_or_above_nothing():
    """One customer holds nearly all purchases: the lower limit is 0, not below; what may be
    negative, such as a margin, may be so.
    """
    few = np.array([0.0, 0, 0, 1, 60])
    _, _, low, high = intervals.ratio(few, np.ones(5))
    assert low == 0 and high > 12
    assert intervals.ratio(few - 5, np.ones(5))[2] < 0


def test_orders_that_nobody_made_twice_give_no_rate_below_nothing():
    """Forty orders under one placeholder and twenty customers of one order each: the interval of
    repeats a year, and of what an order is worth, stays at or above 0.
    """
    days = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(60), "D")
    orders = pd.DataFrame(
        {
            "order_id": np.arange(60),
            "customer_id": ["0"] * 40 + [f"c{k}" for k in range(20)],
            "ordered_at": days,
            "amount": 25.0,
        }
    )
    table = retention.purchase_frequency(orders, until="2026-03-31").table
    assert (table["conf_low"].dropna() >= 0).all()
