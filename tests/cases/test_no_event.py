"""Groups in which nothing happened, and tables in which nothing happened at all: an ordinary case,
such as a new channel whose customers are all young.
"""

import numpy as np
import pandas as pd
import pytest

from workbench import retention, survival
from workbench.errors import InputError, NotEnoughData


def table(seed=1):
    """A hundred durations in two groups, and three of a group in which none ended."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "days": np.r_[rng.integers(5, 60, 100), 1, 2, 3],
            "ended": np.r_[rng.integers(0, 2, 100), 0, 0, 0],
            "g": np.r_[rng.choice(["a", "b"], 100), ["c"] * 3],
            "x": rng.normal(size=103),
        }
    )


def test_a_group_without_an_event_does_not_stop_the_others():
    """Three groups are drawn, the test is that of the two that can be compared, and it is said."""
    made = retention.survival_curves(table(), by="g")
    assert set(made.table["group"]) == {"a", "b", "c"}
    young = made.table[made.table["group"] == "c"]
    assert (young["estimate"] == 1).all() and young[["conf_low", "conf_high"]].isna().all().all()
    two = retention.survival_curves(table()[lambda d: d["g"] != "c"], by="g").facts
    p = made.facts[made.facts["id"] == "retention.log_rank"]["value"].iloc[0]
    assert p == pytest.approx(two[two["id"] == "retention.log_rank"]["value"].iloc[0], rel=1e-9)
    assert any("No duration ended in c" in str(n) for n in made.limits)


def test_a_group_that_was_followed_without_an_event_counts():
    """Thirty who were followed long and stayed: the test sees them, as Mantel's formula does."""
    time = np.r_[np.arange(1, 31), np.full(30, 40)].astype(float)
    ended, group = np.repeat([1, 0], 30), np.repeat([0, 1], 30)
    statistic, freedom, _ = survival.log_rank(time, ended, group)
    expected = variance = 0.0
    for t in range(1, 31):
        n = 61 - t
        expected += 30 / n
        variance += 30 / n * (1 - 30 / n)
    assert freedom == 1
    assert statistic == pytest.approx((30 - (30 - expected)) ** 2 / variance, rel=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda d: retention.survival_curves(d),
        lambda d: retention.survival_curves(d, by="g"),
        lambda d: retention.survival_curves(d[d["g"] != "c"], by="g"),
        lambda d: retention.discrete_time_hazard(d, width=10),
        lambda d: retention.discrete_time_hazard(d, ["x"], width=10),
        lambda d: retention.competing_risks(d.assign(cause=None)),
    ],
)
def test_a_table_without_any_event_is_answered(call):
    """Nothing ended: the share is what it is, nothing is tested, no interval is of width 0."""
    made = call(table().assign(ended=0))
    assert str(made.answer)
    known = made.table.dropna(subset=["conf_low", "conf_high"])
    assert (known["conf_high"] > known["conf_low"]).all()


@pytest.mark.parametrize(
    "call",
    [lambda d: retention.cox(d, ["x"]), lambda d: retention.parametric(d, ["x"])],
)
def test_a_regression_without_any_event_is_one_sentence(call):
    """There is nothing to estimate, and that is said."""
    with pytest.raises(NotEnoughData, match="0 durations ended"):
        call(table().assign(ended=0))


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, "yes", 2])
def test_a_missing_event_is_not_taken_for_going_on(missing):
    """It is refused by the bare estimators, and counted as left out by the analyses."""
    events = [1, 0, missing]
    for call in (survival.kaplan_meier, lambda t, e: survival.restricted_mean(t, e, 2)):
        with pytest.raises(InputError, match="1 events are missing"):
            call([1, 2, 3], events)
    with pytest.raises(InputError, match="1 events are missing"):
        survival.log_rank([1, 2, 3], events, ["a", "b", "a"])


def test_rows_without_an_event_are_counted():
    """The analysis leaves them out and says how many."""
    made = retention.survival_curves(table().assign(ended=lambda d: d["ended"].where(d.index > 4)))
    assert made.n == 98 and any("5 rows with missing" in str(n) for n in made.limits)
