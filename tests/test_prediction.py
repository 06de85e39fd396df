"""Who comes back and what comes in: by hand, without a look ahead, against brute force, and
intervals that hold.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import load, prediction
from workbench.errors import InputError, NotEnoughData
from workbench.prediction.evaluation import Judge
from workbench.prediction.extrapolation import _season, ahead_by_cohort

AT = pd.Timestamp("2024-01-01 12:00", tz="UTC")


def orders(rows):
    """Orders from (customer, day[, amount])."""
    table = pd.DataFrame([(*r, 1.0)[:3] for r in rows], columns=["customer_id", "day", "amount"])
    return table.assign(
        order_id=np.arange(len(table)), ordered_at=AT + pd.to_timedelta(table["day"], "D")
    )[["order_id", "customer_id", "ordered_at", "amount"]]


def shop(seed, customers=600, days=400, coming=0.0):
    """Customers who buy at rates of their own, in one wave or coming in all the time."""
    rng = np.random.default_rng(seed)
    rate, begin = (
        rng.gamma(1.0, 0.03, customers),
        np.where(rng.random(customers) < coming, rng.integers(0, days, customers), 0),
    )
    rows = [
        (f"c{i}", int(d), float(rng.integers(5, 50)))
        for i in range(customers)
        for d in np.unique(
            np.append(begin[i], begin[i] + np.cumsum(rng.geometric(min(rate[i] + 1e-4, 1.0), 60)))
        )
        if d < days
    ]
    return orders(rows)


@pytest.fixture(scope="module")
def foretold():
    """A prediction of a simulated shop."""
    return prediction.repurchase_propensity(shop(1), horizon="60D", draws=100, value=10, cost=3)


def test_traits_by_hand():
    """Two orders of a day are one; what comes later is only outcome; one purchase takes the usual
    pause of the others.
    """
    data = orders(
        [
            ("a", 0, 2.0),
            ("a", 0, 4.0),
            ("a", 10, 8.0),
            ("a", 33, 5.0),
            ("b", 18, 3.0),
            ("c", 25, 1.0),
            ("z", 70, 1.0),
        ]
    )
    made = prediction.features(data, at="2024-01-21", horizon="15D").set_index("customer_id")
    assert made.loc[
        "a",
        [
            "days_since_last",
            "orders",
            "tenure",
            "recent",
            "overdue",
            "mean_value",
            "came_back",
            "later_value",
        ],
    ].tolist() == [10, 2, 20, 1, 1.0, 7.0, 1.0, 5.0]
    assert made.loc["b", ["days_since_last", "orders", "overdue", "came_back"]].tolist() == [
        2,
        1,
        0.2,
        0.0,
    ]
    assert "c" not in made.index
    late = prediction.features(data, at="2024-03-01", horizon="15D")
    assert late["came_back"].isna().all() and late["later_value"].isna().all()
    with pytest.raises(InputError, match="after the end"):
        prediction.features(data, at="2025-01-01")
    with pytest.raises(InputError, match="whole days"):
        prediction.features(data, at="2024-01-21", horizon="36h")
    with pytest.raises(NotEnoughData, match="nobody had bought"):
        prediction.features(data, at="2023-12-01")


def test_nothing_of_the_time_judged_is_learnt(foretold):
    """Whatever happens after the day of the test, the fits are the same, and so is everything known
    before it.
    """
    data = shop(1)
    cut = AT + pd.Timedelta(days=339)
    rng = np.random.default_rng(9)
    other = pd.concat(
        [
            data[data["ordered_at"] <= cut],
            data[data["ordered_at"] > cut].assign(
                customer_id=lambda d: rng.permutation(d["customer_id"]), amount=99.0
            ),
        ]
    )
    again = prediction.repurchase_propensity(
        other, horizon="60D", draws=20, at=str(cut.date())
    ).model
    first = prediction.repurchase_propensity(
        data, horizon="60D", draws=20, at=str(cut.date())
    ).model
    for name in first.fits:
        pd.testing.assert_series_equal(first.fits[name].params, again.fits[name].params)
    pd.testing.assert_frame_equal(
        first.tested.drop(columns=["came_back", "later_value"]),
        again.tested.drop(columns=["came_back", "later_value"]),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 3)), min_size=4, max_size=30
    )
)
def test_measures_equal_brute_force(rows):
    """Area by comparing all pairs, average precision by going down the list, lift by cutting it,
    all with weights as copies; the slope is statsmodels'.
    """
    y, p, w = (np.array(v, float) for v in zip(*rows, strict=True))
    p = p / 10
    yy, pp = np.repeat(y, w.astype(int)), np.repeat(p, w.astype(int))
    made = Judge(y, p, 4.0, 1.5)(w)
    if not 0 < yy.sum() < len(yy):
        assert np.isnan(made).all()
        return
    good, bad = pp[yy == 1], pp[yy == 0]
    area = (good[:, None] > bad).mean() + (good[:, None] == bad).mean() / 2
    levels = np.unique(pp)[::-1]
    recall = np.array([yy[pp >= v].sum() for v in levels]) / yy.sum()
    average = (np.diff(np.append(0, recall)) * [yy[pp >= v].mean() for v in levels]).sum()
    order = np.argsort(-pp, kind="stable")
    # Ties at the border count with their mean.
    smooth = np.array([yy[pp == v].mean() for v in pp[order]])
    size = len(yy) / 10
    caught = smooth[: int(size)].sum() + (size - int(size)) * (
        smooth[int(size)] if int(size) < len(smooth) else 0
    )
    profit = ((pp * 4 > 1.5) * (yy * 4 - 1.5)).mean()
    assert made[[0, 1, 2, 4, 5, 6]] == pytest.approx(
        [
            area,
            average,
            ((pp - yy) ** 2).mean(),
            pp.mean() - yy.mean(),
            caught / size / yy.mean(),
            profit,
        ]
    )


def test_calibration_slope_is_a_logit():
    """Chances too extreme by half have a slope of about a half, as statsmodels finds it."""
    rng = np.random.default_rng(2)
    score = rng.normal(size=3000)
    y, p = (rng.random(3000) < 1 / (1 + np.exp(-score))).astype(float), 1 / (1 + np.exp(-2 * score))
    theirs = sm.Logit(y, sm.add_constant(2 * score)).fit(disp=0).params[1]
    assert Judge(y, p, None, None)(np.ones(3000))[3] == pytest.approx(theirs, abs=1e-8)
    assert abs(theirs - 0.5) < 0.05


def test_predictions_beat_chance_and_are_calibrated(foretold):
    """On customers with rates of their own, history adds to recency; groups lie near what was
    foretold; scores of now cover all customers.
    """
    table = foretold.table.set_index(["model", "measure"])["estimate"]
    assert table["history", "auc"] > 0.7
    assert table["history", "brier"] < table["recency_only", "brier"]
    assert table["difference", "auc"] == pytest.approx(
        table["history", "auc"] - table["recency_only", "auc"]
    )
    assert 0.8 < table["history", "calibration_slope"] < 1.25
    made = prediction.calibration(foretold, groups=5)
    assert made.table["count"].sum() == foretold.model.tested["came_back"].sum()
    assert made.table["n"].sum() == foretold.n
    assert made.table["predicted"].is_monotonic_increasing
    assert foretold.model.now["customer_id"].is_unique
    assert len(foretold.model.now) == 600
    assert foretold.model.now["chance"].between(0, 1).all()
    assert ("history", "profit") in table.index and "upper bound" in " ".join(
        map(str, foretold.limits)
    )


def test_what_cannot_be_foretold_is_refused():
    """Too short, nobody back, half a price."""
    with pytest.raises(NotEnoughData, match="50 who did"):
        prediction.repurchase_propensity(shop(1, customers=60), horizon="60D")
    with pytest.raises(NotEnoughData, match="are over"):
        prediction.repurchase_propensity(shop(1), horizon="60D", at="2025-01-20")
    with pytest.raises(InputError, match="both value and cost"):
        prediction.repurchase_propensity(shop(1), horizon="60D", value=3)
    with pytest.raises(InputError, match="no option named 'best'"):
        prediction.calibration(
            prediction.repurchase_propensity(shop(1), horizon="60D", draws=10), model="best"
        )


def test_a_shop_that_never_changes_goes_on():
    """A hundred customers, each buying on the same days of every month, none new: the forecast is
    the last month, exactly, and its errors are 0.
    """
    rows = [
        (
            f"c{i}",
            int(
                (
                    pd.Timestamp(2024 + m // 12, m % 12 + 1, 1 + i % 5) - pd.Timestamp(2024, 1, 1)
                ).days
            ),
            10.0,
        )
        for i in range(100)
        for m in range(22)
    ]
    rows.append(("c0", int((pd.Timestamp(2025, 10, 31) - pd.Timestamp(2024, 1, 1)).days), 0.0))
    for measure, value in (("orders", 100), ("amount", 1000)):
        made = prediction.forecast(orders(rows), measure=measure, ahead=2)
        table = made.table[made.table["method"] == "cohorts"]
        assert table["estimate"].to_numpy() == pytest.approx([value, value], rel=0.02)
        assert table["existing"].to_numpy() == pytest.approx([1, 1])
    assert made.table["period"].max() == pd.Timestamp("2025-12-01") and made.model.inflow == 0
    assert made.model.by_cohort["estimate"].sum() == pytest.approx(table["estimate"].sum())


def test_cohorts_by_hand():
    """Two cohorts of 10 and 20 that bring 1 a customer at first and a half at every age after: the
    next period brings 5 + 10 of them and the mean of the newcomers.
    """
    grid = np.array([[10.0, 5, 5, 5], [0, 20, 10, 10], [0, 0, 0, 0], [0, 0, 0, 0]])
    every, own = ahead_by_cohort(grid, np.array([10.0, 20, 0, 0]), grid, 2, 4, 2, 12)
    assert own.sum(axis=0) == pytest.approx([15, 15])
    assert every.sum(axis=0) == pytest.approx([22.5, 26.25])


def test_a_season_is_found_and_put_back():
    """Twice as much every fourth period: the factor comes out the nearer to 2 the more years there
    are, and goes on into what is ahead.
    """
    ratios = []
    for years in (3, 10, 40):
        index = _season(np.tile([100.0, 100, 100, 200], years), 4, 4)
        assert index[:4].mean() == pytest.approx(1) and index[-4:] == pytest.approx(index[:4])
        ratios.append(index[3] / index[0])
    assert 1.5 < ratios[0] < ratios[1] < ratios[2] < 2 and ratios[2] > 1.9


def test_a_shop_that_was_closed_has_no_season_for_it():
    """Closed for eighty days in its first year: forecasts of later years stay near what comes."""
    data = shop(3, days=900, coming=1.0)
    closed = data[
        ~data["ordered_at"].between(AT + pd.Timedelta(days=300), AT + pd.Timedelta(days=380))
    ]
    tests = prediction.forecast(closed, period="month").model.tests
    late = tests[(tests["method"] == "cohorts") & (tests["origin"] >= pd.Timestamp("2025-06-01"))]
    assert (late["estimate"] / late["actual"]).between(0.6, 1.7).all()


def test_newcomers_and_unfinished_periods():
    """A period that still runs is left out; newcomers go on as in the last periods."""
    data = shop(4, coming=1.0, days=430)
    made = prediction.forecast(data, period="month", ahead=2)
    assert made.table.loc[made.table["method"] == "actual", "period"].max() == pd.Timestamp(
        "2025-02-01"
    )
    assert 25 < made.model.inflow < 65
    row = made.table[made.table["method"] == "cohorts"].iloc[0]
    assert 0 < row["existing"] < 1
    assert row["errors"] < 6
    assert row["n"] == 14
    assert np.isnan(row["conf_low"])
    assert "no interval" in " ".join(map(str, made.limits))
    with pytest.raises(NotEnoughData, match="13 are needed"):
        prediction.forecast(data, until="2024-12-31")
    with pytest.raises(InputError, match="ahead"):
        prediction.forecast(data, ahead=0)


def test_what_was_not_known_then_is_not_used():
    """What purchases bring later on changes no forecast of the past."""
    data = shop(4, coming=1.0, days=700)
    late = data.assign(
        amount=data["amount"].where(data["ordered_at"] < AT + pd.Timedelta(days=600), 5000.0)
    )
    one, two = (
        prediction.forecast(d, measure="amount", period="week").model.tests for d in (data, late)
    )
    before = one["period"] < AT.tz_localize(None) + pd.Timedelta(days=590)
    pd.testing.assert_frame_equal(one[before], two[before])
    with pytest.raises(InputError, match="have no amount"):
        prediction.forecast(
            data.assign(amount=data["amount"].where(data.index % 2 == 0)),
            measure="amount",
            period="week",
        )
    with pytest.raises(InputError, match="nobody bought in the last"):
        prediction.forecast(data, until="2030-01-01")
    assert prediction.forecast(data, period="week").model.by_cohort["cohort"].isna().any()


def test_one_price_and_missing_amounts_are_no_obstacle():
    """A trait that hardly varies, and decides by chance, is left out and named; amounts nobody
    wrote down lower no mean; a day given back is no return.
    """
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows = [
            (f"c{i}", int(d), 10.0)
            for i in range(220)
            for d in np.append(rng.integers(0, 200), np.flatnonzero(rng.random(400) < 0.01))
        ]
        made = prediction.repurchase_propensity(
            orders([*rows, ("c0", 3, 10.0)]), horizon="90D", draws=20
        )
        assert made.table["estimate"].notna().all()
    some = orders([("a", 0, 10.0), ("a", 4, np.nan), ("b", 0, 6.0), ("b", 8, -6.0), ("z", 60, 1.0)])
    table = prediction.features(some, at="2024-01-07", horizon="20D").set_index("customer_id")
    assert table.loc["a", "mean_value"] == 10 and table.loc["b", "came_back"] == 0


def test_predictions_are_the_same_on_spark(to_spark):
    """Traits and the grid of cohorts come from the engine."""
    data = shop(5, customers=150)
    pd.testing.assert_frame_equal(
        prediction.features(data, at="2024-10-01"),
        prediction.features(to_spark(data), at="2024-10-01"),
        check_dtype=False,
    )
    pd.testing.assert_frame_equal(
        prediction.forecast(data, period="week").table,
        prediction.forecast(to_spark(data), period="week").table,
        check_dtype=False,
    )


def test_cdnow_is_foretold_better_than_by_recency():
    """On 23,570 real customers history adds to recency, by little in the area and by much in
    precision.
    """
    made = prediction.repurchase_propensity(load.cdnow(), horizon="90D", draws=50).table.set_index(
        ["model", "measure"]
    )
    assert 0 < made.loc[("difference", "auc"), "conf_low"] < 0.03
    assert made.loc[("difference", "pr_auc"), "conf_low"] > 0.05


@pytest.mark.slow
def test_intervals_of_predictions_hold():
    """200 shops: the interval of the week after next holds what comes; the error told of the area
    is how much areas of shops of one kind differ.
    """
    held, areas = [], []
    for seed in range(200):
        long = shop(seed, days=600, coming=0.7)
        known = long[long["ordered_at"] < AT + pd.Timedelta(days=550)]
        made = prediction.forecast(known, period="week", ahead=4)
        row = made.table[(made.table["method"] == "cohorts") & (made.table["ahead"] == 2)].iloc[0]
        came = prediction.forecast(long, period="week", ahead=1).model.history[row["period"]]
        held.append(row["conf_low"] <= came <= row["conf_high"])
        told = prediction.repurchase_propensity(
            known, horizon="60D", draws=200, seed=seed
        ).table.set_index(["model", "measure"])
        areas.append(told.loc[("history", "auc"), ["estimate", "std_error"]].to_numpy(float))
    areas = np.array(areas)
    print(
        f"next weeks: {np.mean(held):.1%}; area: spread {areas[:, 0].std():.4f}, mean error told"
        f" {areas[:, 1].mean():.4f}"
    )
    assert 0.90 <= np.mean(held) <= 0.985
    assert 0.85 < areas[:, 1].mean() / areas[:, 0].std() < 1.15


def test_a_learner_of_ones_own_is_judged_beside_the_logits():
    """Any classifier takes part; it stays as it was, and one that knows nothing is told so."""
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosting = HistGradientBoostingClassifier(max_iter=30, random_state=1)
    result = prediction.repurchase_propensity(shop(1), horizon="60D", draws=100, learner=boosting)
    assert not hasattr(boosting, "classes_")
    area = result.table[result.table["measure"] == "auc"].set_index("model")["estimate"]
    assert area["learner"] > 0.6
    assert area["learner_difference"] == pytest.approx(area["learner"] - area["history"])
    plain = prediction.repurchase_propensity(shop(1), horizon="60D", draws=100).table
    same = result.table[~result.table["model"].str.startswith("learner")]
    pd.testing.assert_frame_equal(same.reset_index(drop=True), plain)
    chances = result.model.tested["learner"]
    assert chances.between(0, 1).all()
    blind = prediction.repurchase_propensity(
        shop(1), horizon="60D", draws=100, learner=DummyClassifier()
    )
    row = blind.table[(blind.table["model"] == "learner") & (blind.table["measure"] == "auc")]
    assert row["estimate"].item() == 0.5
    assert any(note.id == "prediction.learner_not_gained" for note in blind.limits)


@pytest.mark.parametrize("learner", ["boosting", object(), dict])
def test_what_is_no_learner_is_refused(learner):
    with pytest.raises(InputError, match="predict_proba"):
        prediction.repurchase_propensity(shop(1), horizon="60D", learner=learner)
