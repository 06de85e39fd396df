"""Survival curves: by hand, against an independent library's stored output, against statsmodels,
and by recovery.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import THOROUGH
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from workbench import survival
from workbench.errors import InputError, NotEnoughData

GOLDEN = json.loads((Path(__file__).parent / "golden" / "lifelines.json").read_text())


def test_competing_risks_by_hand():
    """Bought at 1, gave up at 2, bought at 3, open at 4: half have bought; 1 − KM would claim
    0.625.
    """
    curve = survival.incidence([1, 2, 3, 4], [1, 2, 1, 0])
    assert curve["estimate"].iloc[-1] == pytest.approx(0.5)
    wrong = survival.kaplan_meier([1, 2, 3, 4], [True, False, True, False])
    assert 1 - wrong["estimate"].iloc[-1] == pytest.approx(0.625)


def test_kaplan_meier_equals_stored_lifelines_output():
    """Estimate and log–log interval at every time of lifelines 0.30.3 (script and data in
    tests/golden).
    """
    curve = survival.kaplan_meier(GOLDEN["week"], np.array(GOLDEN["arrest"], bool)).set_index(
        "time"
    )
    golden = {
        t: v
        for t, *v in zip(
            GOLDEN["time"], GOLDEN["estimate"], GOLDEN["low"], GOLDEN["high"], strict=True
        )
        if t > 0
    }
    assert set(curve.index) == set(golden)
    for time, (estimate, low, high) in golden.items():
        row = curve.loc[time]
        assert [row["estimate"], row["conf_low"], row["conf_high"]] == pytest.approx(
            [estimate, low, high], abs=1e-9
        )


def test_incidence_equals_stored_lifelines_output():
    """With one cause the share that has met it is lifelines' Aalen–Johansen curve."""
    curve = survival.incidence(GOLDEN["week"], GOLDEN["arrest"]).set_index("time")["estimate"]
    for time, value in zip(GOLDEN["aj_time"], GOLDEN["aj"], strict=True):
        if time in curve.index:
            assert curve[time] == pytest.approx(value, abs=1e-9)


def test_statsmodels_agrees_on_estimates_and_errors():
    """Greenwood's error and the competing-risk error, on random data with ties."""
    rng = np.random.default_rng(3)
    time = np.minimum(rng.exponential(10, 400), rng.exponential(14, 400)).round(1) + 0.1
    cause = rng.integers(0, 3, 400)
    cause[time == time.max()] = 0  # the reference divides by zero when nobody is left
    km, reference = survival.kaplan_meier(time, cause > 0), SurvfuncRight(time, cause > 0)
    mine = km[np.isin(km["time"], reference.surv_times)]
    assert mine["estimate"].to_numpy() == pytest.approx(reference.surv_prob)
    assert mine["std_error"].to_numpy()[:-1] == pytest.approx(reference.surv_prob_se[:-1])
    share, other = survival.incidence(time, cause, of=2), CumIncidenceRight(time, cause)
    mine = share[np.isin(share["time"], other.times)]
    assert mine["estimate"].to_numpy() == pytest.approx(other.cinc[1])
    assert mine["std_error"].to_numpy()[3:] == pytest.approx(other.cinc_se[1][3:])


def test_a_customer_counted_twice_is_no_new_evidence():
    """Doubling every row leaves curve and error as they are when customers are named."""
    rng = np.random.default_rng(4)
    time, event, who = rng.integers(1, 40, 120), rng.random(120) < 0.7, np.arange(120)
    once = survival.kaplan_meier(time, event)
    twice = survival.kaplan_meier(np.tile(time, 2), np.tile(event, 2), customer=np.tile(who, 2))
    assert twice["estimate"].to_numpy() == pytest.approx(once["estimate"].to_numpy())
    inner = slice(2, -3)
    assert twice["std_error"].to_numpy()[inner] == pytest.approx(
        once["std_error"].to_numpy()[inner], rel=0.02
    )
    share = survival.incidence(
        np.tile(time, 2), np.tile(event, 2).astype(int), customer=np.tile(who, 2)
    )
    alone = survival.incidence(time, event.astype(int))
    assert share["std_error"].to_numpy() == pytest.approx(alone["std_error"].to_numpy())


def test_quantiles_are_missing_where_the_curve_does_not_reach():
    """Three of ten bought: the median is unknown, not infinite and not the last day."""
    curve = survival.kaplan_meier(np.arange(1, 11), np.arange(10) < 3)
    assert np.isnan(survival.quantile(curve, 0.5)[0])
    assert survival.quantile(curve, 0.2)[0] == 2


def test_a_thinned_curve_loses_no_event():
    """With more moments than points the counts still add up."""
    rng = np.random.default_rng(9)
    time, cause = rng.random(30_000), rng.integers(0, 2, 30_000)
    curve = survival.incidence(time, cause)
    assert len(curve) <= 1000 and curve["count"].sum() == cause.sum()


def test_one_customer_tells_of_no_other():
    """A thousand durations of one person have no error."""
    curve = survival.incidence(np.arange(1, 201), np.ones(200, int), customer=np.zeros(200))
    assert curve["conf_low"].isna().all() and curve["std_error"].isna().all()


def test_a_curve_read_on_a_grid():
    """Each moment shows the last step at or before it; before the first and after the last there is
    nothing to read.
    """
    curve = survival.kaplan_meier([2, 4, 8], [True, True, True])
    assert survival.at(curve, "time", [0, 3, 4, 9])[["time", "estimate"]].round(
        4
    ).values.tolist() == [[3, 0.6667], [4, 0.3333]]


def test_bad_durations_are_refused():
    """Empty, negative, missing."""
    with pytest.raises(NotEnoughData):
        survival.kaplan_meier([], [])
    for wrong in ([-1.0], [np.nan]):
        with pytest.raises(InputError, match="negative, infinite or missing"):
            survival.incidence(wrong, [1])


@settings(max_examples=60 * THOROUGH, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30))
def test_what_happened_and_what_did_not_add_up(rows):
    """The shares of both causes and of neither are 1 at every moment, and the order of rows is
    nothing.
    """
    time, cause = np.array(rows).T
    a, b = (survival.incidence(time, cause, of=c)["estimate"].to_numpy() for c in (1, 2))
    neither = survival.kaplan_meier(time, cause > 0)["estimate"].to_numpy()
    assert a + b + neither == pytest.approx(np.ones(len(a)))
    back = survival.incidence(time[::-1], cause[::-1], of=1)["estimate"].to_numpy()
    assert back == pytest.approx(a)


@pytest.mark.slow
def test_coverage_of_the_clustered_interval():
    """With several correlated durations a customer, the 95 % interval holds the truth 91–98 % of
    the time.
    """
    rng = np.random.default_rng(5)
    hits = rows = 0
    for _ in range(1000):
        taste = np.repeat(rng.gamma(2, 0.5, 150), 4)
        time = rng.exponential(1 / taste)
        stop = rng.exponential(2, len(time))
        curve = survival.kaplan_meier(
            np.minimum(time, stop), time <= stop, customer=np.repeat(np.arange(150), 4)
        )
        row = curve[curve["time"] <= 0.5].iloc[-1]
        hits += row["conf_low"] <= (1 + 0.5 * 0.5) ** -2 <= row["conf_high"]
        naive = survival.kaplan_meier(np.minimum(time, stop), time <= stop)
        row = naive[naive["time"] <= 0.5].iloc[-1]
        rows += row["conf_low"] <= (1 + 0.5 * 0.5) ** -2 <= row["conf_high"]
    print(
        f"\nclustered Kaplan–Meier: coverage {hits / 1000:.3f}; rows taken as independent:"
        f" {rows / 1000:.3f}"
    )
    assert 0.91 <= hits / 1000 <= 0.98


def test_restricted_mean_and_log_rank_by_reference():
    """Uncensored: the mean itself; censored: lifelines' stored curve summed by hand; log-rank equal
    to the textbook statistic.
    """
    time, event = np.array([1.0, 2, 3, 4]), np.array([1, 1, 1, 1])
    made = survival.restricted_mean(time, event, 3)
    assert made["estimate"] == pytest.approx(np.minimum(time, 3).mean())
    assert made["std_error"] == pytest.approx(np.minimum(time, 3).std(ddof=0) / 2)
    curve = survival.kaplan_meier(GOLDEN["week"], np.array(GOLDEN["arrest"], bool))
    u, s = np.append(0, curve["time"]), np.append(1, curve["estimate"])
    steps = np.clip(np.append(u[1:], 30), None, 30) - np.clip(u, None, 30)
    assert survival.restricted_mean(GOLDEN["week"], GOLDEN["arrest"], 30)[
        "estimate"
    ] == pytest.approx((s * steps).sum())
    # Freireich's remission times (Gehan 1965): the published log-rank chi-square is 16.79.
    treated = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    known = [1] * 9 + [0] * 12
    control = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    statistic, freedom, p = survival.log_rank(
        treated + control, known + [1] * 21, ["t"] * 21 + ["c"] * 21
    )
    assert freedom == 1 and p < 0.001 and statistic == pytest.approx(16.79, abs=0.005)
    with pytest.raises(NotEnoughData):
        survival.restricted_mean([1, 2], [0, 0], 5)


def test_clustered_tests_keep_their_level():
    """Customers with four correlated durations, groups by customer: false alarms near 5 %, far more
    if rows were people.
    """
    rng = np.random.default_rng(3)
    alarms = {"customers": 0, "rows": 0}
    for _ in range(200):
        level = np.repeat(rng.exponential(1, 60), 4)
        time, group, who = (
            rng.exponential(level),
            np.repeat(rng.integers(0, 2, 60), 4),
            np.repeat(np.arange(60), 4),
        )
        alarms["customers"] += survival.log_rank(time, np.ones(240), group, customer=who)[2] < 0.05
        alarms["rows"] += survival.log_rank(time, np.ones(240), group)[2] < 0.05
    assert alarms["customers"] <= 22 < alarms["rows"]
