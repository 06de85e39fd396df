"""Drivers and scales: shares by brute force, products of paths by hand, scales by their formulas,
refusals, recovery.
"""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from workbench import drivers, simulate
from workbench.errors import InputError, NotEnoughData


def people(seed, n=300, weights=(0.6, 0.3, 0.0), rho=0.4, binary=False):
    """Answers with drivers that overlap and known weights."""
    rng = np.random.default_rng(seed)
    k = len(weights)
    x = np.sqrt(rho) * rng.normal(size=(n, 1)) + np.sqrt(1 - rho) * rng.normal(size=(n, k))
    y = x @ np.array(weights) + rng.normal(size=n)
    if binary:
        y = (rng.random(n) < 1 / (1 + np.exp(-x @ np.array(weights)))).astype(int)
    return pd.DataFrame(x, columns=[f"d{i}" for i in range(k)]).assign(y=y)


def test_shares_equal_the_mean_over_all_orders():
    """LMG: the gain of R² when a driver enters, averaged over the orders of entry, worked out one
    by one.
    """
    d = people(1)
    names = ["d0", "d1", "d2"]

    def r2(terms):
        return sm.OLS(d["y"], sm.add_constant(d[list(terms)])).fit().rsquared if terms else 0.0

    gains = {
        n: np.mean([r2(o[: o.index(n) + 1]) - r2(o[: o.index(n)]) for o in permutations(names)])
        for n in names
    }
    made = drivers.key_drivers(d, "y", names, draws=20).table
    share = made[made["measure"] == "share"].set_index("driver")["estimate"]
    for n in names:
        assert share[n] == pytest.approx(gains[n] / r2(names), abs=1e-9)
    relative = made[made["measure"] == "relative_weight"]["estimate"]
    assert relative.sum() == pytest.approx(1) and share.sum() == pytest.approx(1)
    weight = made[made["measure"] == "weight"].set_index("driver")["estimate"]
    z = (d - d.mean()) / d.std()
    assert weight[names].to_numpy() == pytest.approx(
        sm.OLS(z["y"], z[names]).fit().params.to_numpy()
    )


def test_shares_of_a_yes_no_outcome():
    """McFadden's R² of every subset from statsmodels' logit gives the same shares."""
    d = people(2, binary=True)
    names = ["d0", "d1", "d2"]

    def r2(terms):
        return (
            sm.Logit(d["y"], sm.add_constant(d[list(terms)])).fit(disp=0).prsquared
            if terms
            else 0.0
        )

    gains = {
        n: np.mean([r2(o[: o.index(n) + 1]) - r2(o[: o.index(n)]) for o in permutations(names)])
        for n in names
    }
    made = drivers.key_drivers(d, "y", names, kind="logit", draws=20).table
    share = made[made["measure"] == "share"].set_index("driver")["estimate"]
    assert [share[n] for n in names] == pytest.approx(
        [gains[n] / r2(names) for n in names], abs=1e-5
    )


def test_penalty_and_reward_by_hand():
    """A driver that only punishes: low ratings cost, high ones bring nothing."""
    rng = np.random.default_rng(3)
    x = rng.integers(1, 8, (900, 2)).astype(float)
    d = pd.DataFrame(x, columns=["must", "other"]).assign(
        y=lambda t: -1.0 * (t["must"] <= 2) + rng.normal(0, 0.3, 900)
    )
    made = drivers.key_drivers(d, "y", ["must", "other"], low=2, high=6, draws=50).table.set_index(
        ["driver", "measure"]
    )["estimate"]
    assert made["must", "penalty"] == pytest.approx(-1, abs=0.1)
    assert made["must", "reward"] == pytest.approx(0, abs=0.1)
    few = pd.DataFrame(
        {"a": [1, 2, 3] * 100, "b": rng.integers(1, 4, 300), "y": rng.normal(size=300)}
    )
    assert drivers.key_drivers(few, "y", ["a", "b"], draws=20).table["estimate"].notna().all(), (
        "three grades leave a middle"
    )


def test_indirect_effects_are_products():
    """a·b and the direct path equal the coefficients of separate regressions; total = direct +
    indirect.
    """
    rng = np.random.default_rng(4)
    x = rng.normal(size=400)
    m = 0.5 * x + rng.normal(size=400)
    k = 0.4 * m + 0.2 * x + rng.normal(size=400)
    d = pd.DataFrame(
        {"x": x, "m": m, "k": k, "y": 0.6 * m + 0.3 * k + 0.1 * x + rng.normal(size=400)}
    )
    one = drivers.mediation(d, "x", "m", "y", draws=100).table.set_index("path")["estimate"]
    a = sm.OLS(d["m"], sm.add_constant(d[["x"]])).fit().params["x"]
    b = sm.OLS(d["y"], sm.add_constant(d[["x", "m"]])).fit().params
    assert one["indirect"] == pytest.approx(a * b["m"])
    assert one["direct"] == pytest.approx(b["x"])
    assert one["total"] == pytest.approx(one["direct"] + one["indirect"])
    two = drivers.mediation(d, "x", ["m", "k"], "y", draws=100).table.set_index("path")["estimate"]
    assert two["indirect"] == pytest.approx(
        two["indirect: m"] + two["indirect: k"] + two["indirect: m > k"]
    )
    assert two["total"] == pytest.approx(two["direct"] + two["indirect"])


def test_moderation_and_its_region():
    """A slope that grows with the moderator: the interaction is found, and where the slope is clear
    is said.
    """
    rng = np.random.default_rng(5)
    d = pd.DataFrame(rng.normal(size=(600, 2)), columns=["x", "z"]).assign(
        y=lambda t: 0.5 * t["x"] * t["z"] + rng.normal(size=600)
    )
    made = drivers.moderation(d, "x", "z", "y")
    row = made.table.iloc[0]
    assert row["conf_low"] < 0.5 < row["conf_high"]
    assert "excludes zero where z is between" in str(made.limits[0])
    assert str(made.limits[0]).count("between") == 2
    moderated = drivers.mediation(
        d.assign(m=lambda t: t["y"], out=lambda t: t["y"] + rng.normal(size=600)),
        "x",
        "m",
        "out",
        moderator="z",
        draws=200,
    ).table.set_index("path")
    assert moderated.loc["index", "conf_low"] < 0.5 < moderated.loc["index", "conf_high"]


def test_scales_by_their_formulas():
    """Alpha from variances; omega of a perfect one-factor matrix; rotated loadings keep
    communalities; HTMT of one thing asked twice is 1.
    """
    rng = np.random.default_rng(6)
    f = rng.normal(size=(4000, 1))
    load = np.array([0.9, 0.8, 0.7, 0.6])
    d = pd.DataFrame(
        f * load + rng.normal(size=(4000, 4)) * np.sqrt(1 - load**2), columns=list("abcd")
    )
    found = drivers.reliability(d, {"s": list("abcd")}, draws=50).table.set_index("measure")[
        "estimate"
    ]
    v = d.cov().to_numpy()
    assert found["alpha"] == pytest.approx(4 / 3 * (1 - np.trace(v) / v.sum()))
    assert found["omega"] == pytest.approx(
        load.sum() ** 2 / (load.sum() ** 2 + (1 - load**2).sum()), abs=0.015
    )
    assert found["ave"] == pytest.approx((load**2).mean(), abs=0.02)
    assert drivers.validity(d, {"one": ["a", "b"], "two": ["c", "d"]}, draws=50).table[
        "estimate"
    ].iloc[0] == pytest.approx(1, abs=0.05)
    g = rng.normal(size=(4000, 2))
    wide = pd.DataFrame(
        np.column_stack(
            [
                g[:, [0]] * 0.8 + rng.normal(size=(4000, 3)) * 0.6,
                g[:, [1]] * 0.7 + rng.normal(size=(4000, 3)) * 0.7,
            ]
        ),
        columns=list("abcxyz"),
    )
    for rotation in ("varimax", "promax"):
        made = drivers.explore_factors(wide, list("abcxyz"), rotation=rotation, draws=50)
        table = made.table.pivot(index="item", columns="factor", values="estimate")
        assert table.shape[1] == 2
        assert (table.loc[list("abc"), 1] > 0.7).all()
        assert table.loc[list("xyz"), 1].abs().max() < 0.1
        if rotation == "varimax":
            assert (table**2).sum(axis=1).to_numpy() == pytest.approx(
                made.table.drop_duplicates("item")
                .set_index("item")["communality"][table.index]
                .to_numpy(),
                abs=1e-6,
            )


def test_kano_by_its_table():
    """Like with, dislike without: one-dimensional; expect with, dislike without: must-be; like
    with, neutral without: attractive.
    """
    answers = pd.DataFrame(
        {
            "respondent_id": range(30),
            "feature": "f",
            "functional": [1] * 10 + [2] * 10 + [1] * 10,
            "dysfunctional": [5] * 10 + [5] * 10 + [3] * 10,
        }
    )
    table = drivers.kano(answers).table.set_index("measure")
    assert table.loc[["one_dimensional", "must_be", "attractive"], "count"].tolist() == [10, 10, 10]
    assert table.loc["better", "estimate"] == pytest.approx(2 / 3)
    assert table.loc["worse", "estimate"] == pytest.approx(-2 / 3)
    with pytest.raises(InputError, match="from 1 to 5"):
        drivers.kano(answers.assign(functional=6))


def test_what_people_say():
    """Named shares, mean ranks and ties; a factor rated twice by one person is an error."""
    rng = np.random.default_rng(8)
    rows = [
        (r, f, float(np.clip(round(m + rng.normal()), 0, 10)))
        for r in range(80)
        for f, m in (("price", 8), ("quality", 8), ("looks", 4))
    ]
    answers = pd.DataFrame(rows, columns=["respondent_id", "factor", "value"])
    table = drivers.stated_importance(answers).table.set_index(["factor", "measure"])
    assert table.loc[("price", "mean_rating"), "ties_with"] == "quality"
    assert table.loc[("looks", "mean_rating"), "ties_with"] == ""
    named = drivers.stated_importance(
        answers.assign(value=(answers["value"] > 6).astype(int)), kind="named"
    ).table.set_index("factor")
    assert named.loc["price", "count"] == (answers.query("factor == 'price'")["value"] > 6).sum()
    with pytest.raises(InputError, match="twice"):
        drivers.stated_importance(pd.concat([answers, answers.iloc[:1]]))


def test_named_and_ranked_in_part():
    """Not named is named by nobody more: shares are of all who answered; factors not ranked share
    the ranks that are left.
    """
    named = drivers.stated_importance(
        pd.DataFrame(
            {
                "respondent_id": [1, 1, 2, 3],
                "factor": ["price", "quality", "price", "price"],
                "value": 1,
            }
        ),
        kind="named",
    ).table.set_index("factor")
    assert named.loc["quality", ["count", "n"]].tolist() == [1, 3]
    ranked = drivers.stated_importance(
        pd.DataFrame(
            {
                "respondent_id": [1, 1, 2, 2, 2],
                "factor": ["a", "b", "a", "b", "c"],
                "value": [1, 2, 2, 3, 1],
            }
        ),
        kind="rank",
    )
    assert ranked.table.set_index("factor").loc["c", "estimate"] == 2.0
    assert any("some factors only" in str(s) for s in ranked.limits)


def test_no_middle_no_penalty():
    """Two grades leave nothing between low and high: penalty and reward are missing, the rest is
    not.
    """
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"a": rng.integers(0, 2, 300), "b": rng.integers(1, 6, 300)}).assign(
        y=lambda t: t["a"] + t["b"] + rng.normal(size=300)
    )
    made = drivers.key_drivers(d, "y", ["a", "b"], draws=50).table.set_index(["measure", "driver"])[
        "estimate"
    ]
    assert np.isnan(made["penalty", "a"])
    assert np.isnan(made["reward", "a"])
    assert made["penalty", "b"] < 0 < made["reward", "b"]


def test_fits_that_stand_far_from_zero():
    """A year as a term (a large level), and grades of a term in thousands: the same weights as
    centred ones, not refused.
    """
    rng = np.random.default_rng(2)
    year = rng.integers(2000, 2020, 2000)
    y = (rng.random(2000) < 1 / (1 + np.exp(-0.15 * (year - 2010)))).astype(int)
    far, near = (
        drivers.regression(
            pd.DataFrame({"year": year - c, "y": y}), "y", ["year"], kind="logit"
        ).table.iloc[0]
        for c in (0, 2010)
    )
    assert far["estimate"] == pytest.approx(near["estimate"], rel=1e-4)
    x = 1000 * rng.normal(size=2000) + 50_000
    grade = np.digitize(0.001 * (x - 50_000) + rng.logistic(size=2000), [-1, 0, 1])
    far, near = (
        drivers.regression(
            pd.DataFrame({"x": v, "y": grade}), "y", ["x"], kind="ordinal"
        ).table.iloc[0]
        for v in (x, (x - 50_000) / 1000)
    )
    assert 1000 * far["estimate"] == pytest.approx(near["estimate"], rel=1e-4)
    assert 1000 * far["std_error"] == pytest.approx(near["std_error"], rel=1e-3)


def test_few_clusters_have_wide_intervals():
    """Eight clusters: Student's quantile with seven degrees of freedom, and a sentence."""
    from scipy import stats

    d = people(3, 400).assign(shop=lambda t: np.arange(len(t)) % 8)
    made = drivers.regression(d, "y", ["d0"], cluster="shop")
    row = made.table.iloc[0]
    assert (row["conf_high"] - row["estimate"]) / row["std_error"] == pytest.approx(
        stats.t.ppf(0.975, 7)
    )
    assert any("Only 8 sampling units" in str(s) for s in made.limits)
    assert row["p_value"] == pytest.approx(
        2 * stats.t.sf(abs(row["estimate"] / row["std_error"]), 7)
    )


def test_attitude_and_gap_by_hand():
    """Fishbein's sum of products; perception minus expectation."""
    beliefs = pd.DataFrame(
        {
            "respondent_id": [1, 1, 2, 2],
            "brand": "A",
            "belief_item": ["p", "q"] * 2,
            "belief": [3, -1, 2, 2],
            "evaluation": [2, 2, 1, -1],
        }
    )
    row = drivers.attitude(beliefs).table.iloc[0]
    assert (row["total"], row["n"], row["estimate"]) == (4.0, 2, 2.0)
    with pytest.raises(InputError, match="between -3 and"):
        drivers.attitude(beliefs.assign(belief=7))
    gap = drivers.service_gap(
        pd.DataFrame(
            {
                "respondent_id": [1, 2],
                "dimension": "empathy",
                "expectation": [6, 7],
                "perception": [4, 7],
            }
        )
    ).table.set_index("measure")
    assert gap.loc["service_gap", "estimate"] == -1.0 and gap.loc["perception", "estimate"] == 5.5
    wide = drivers.pivot_survey(
        simulate.market(300, seed=1)["surveys"], ["satisfaction", "recommend"]
    )
    assert {"respondent_id", "satisfaction", "recommend"} <= set(wide)
    assert wide["satisfaction"].between(1, 7).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: drivers.regression(d, "y", ["d0", "d9"]), "no column named 'd9'"),
        (
            lambda d: drivers.regression(d.assign(flat=1.0), "y", ["d0", "flat"]),
            "flat never varies",
        ),
        (
            lambda d: drivers.regression(d.assign(twin=2 * d["d0"]), "y", ["d0", "twin"]),
            "d0, twin hold the same information",
        ),
        (
            lambda d: drivers.regression(
                d.assign(y=(d["d0"] > 0) + 1 * (d["d0"] > 1)), "y", ["d0"], kind="ordinal"
            ),
            "'d0' decides the outcome",
        ),
        (lambda d: drivers.regression(d, "y", ["d0"], kind="logit"), "must be 0 or 1"),
        (lambda d: drivers.key_drivers(d, "y", ["d0"]), "at least two"),
        (
            lambda d: drivers.key_drivers(d.assign(d1=d["d0"]), "y", ["d0", "d1"]),
            "same information",
        ),
        (
            lambda d: drivers.key_drivers(
                d.assign(w=np.array(["a", "b", "c"])[np.arange(len(d)) % 3]), "y", ["d0", "w"]
            ),
            "numbers are needed",
        ),
        (lambda d: drivers.key_drivers(d.assign(w="a"), "y", ["d0", "w"]), "w never varies"),
        (
            lambda d: drivers.reliability(d.assign(flat=1.0), {"s": ["d0", "flat"]}),
            "flat never varies",
        ),
        (lambda d: drivers.reliability(d, {"s": ["d0"]}), "at least two items"),
        (lambda d: drivers.explore_factors(d, ["d0", "d1", "d2"], factors=2), "too many"),
        (lambda d: drivers.mediation(d, "d0", ["d1", "d2"], "y", moderator="d1"), "one mediator"),
        (
            lambda d: drivers.mediation(d, "y", "d1", "y"),
            "cannot be the outcome and something that leads to it",
        ),
        (lambda d: drivers.regression(d.assign(y="good"), "y", ["d0"]), "'y'"),
        (lambda d: drivers.structural(d, "f =~ d0 + d1 + d9"), "no column named 'd9'"),
    ],
)
def test_designs_that_say_nothing_are_refused(call, message):
    """Constant, collinear, separating, missing or misspelt: an error that names the culprit."""
    with pytest.raises(InputError, match=message):
        call(people(8))


def test_a_column_called_outcome_is_a_column_like_others():
    """A mediator named as the parts of the analysis are changes nothing."""
    d = people(8)
    one, two = (
        drivers.mediation(d.rename(columns={"d1": name}), "d0", name, "y", draws=30).table.drop(
            columns="path"
        )
        for name in ("d1", "outcome")
    )
    pd.testing.assert_frame_equal(one, two)


def test_answers_without_an_order_stay():
    """An answer that belongs to no order keeps its row; an item answered twice in one response
    counts as the mean.
    """
    at = pd.Timestamp("2024-01-01", tz="UTC")
    long = pd.DataFrame(
        [
            ("a", at, "o1", "quality", 4.0),
            ("a", at, "o1", "quality", 5.0),
            ("b", at, None, "quality", 2.0),
        ],
        columns=["respondent_id", "answered_at", "order_id", "item", "value"],
    ).assign(response_id=range(3))
    made = drivers.pivot_survey(long).sort_values("respondent_id")
    assert made["quality"].tolist() == [4.5, 2.0]


def test_too_few_and_nothing_that_varies():
    """Fewer rows than weights, an outcome that never moves, one cluster only."""
    d = people(9, n=40)
    for call in (
        lambda: drivers.regression(d.iloc[:3], "y", ["d0", "d1", "d2"]),
        lambda: drivers.regression(d.assign(y=1.0), "y", ["d0"]),
        lambda: drivers.regression(d.assign(c="one"), "y", ["d0"], cluster="c"),
    ):
        with pytest.raises(NotEnoughData):
            call()
    gaps = d.assign(d0=d["d0"].where(d.index > 4))
    assert any(
        "5 rows with a missing value" in str(s)
        for s in drivers.regression(gaps, "y", ["d0", "d1"]).limits
    )


def test_no_factor_is_invented_and_the_same_one_found_twice():
    """Items that share nothing have no factor; asked again, the same loadings to the last digit; a
    binary driver has no penalty and no warning.
    """
    rng = np.random.default_rng(8)
    d = pd.DataFrame(rng.normal(size=(400, 6)), columns=list("abcdef"))
    with pytest.raises(NotEnoughData, match="no factor"):
        drivers.explore_factors(d, list("abcdef"), draws=50)
    with_one = d.add(rng.normal(size=400), axis=0)
    one, two = (drivers.explore_factors(with_one, list("abcdef"), draws=50).table for _ in range(2))
    pd.testing.assert_frame_equal(one, two, rtol=0, atol=0)
    assert (one["estimate"] > 0.5).all()
    flagged = with_one.assign(y=lambda t: t["a"] + t["b"], b=lambda t: (t["b"] > 0).astype(int))
    made = drivers.key_drivers(flagged, "y", ["a", "b"], draws=50).table.set_index(
        ["driver", "measure"]
    )["std_error"]
    assert np.isnan(made[("b", "penalty")]) and np.isnan(made[("b", "reward")])


def test_reasons_named_as_often_are_told_apart_by_nobody():
    """Named by as many of the same people: tied; named by far fewer: apart. The test behind it is
    McNemar's.
    """
    rng = np.random.default_rng(3)
    first = rng.random(200) < 0.5
    d = pd.DataFrame(
        {
            "respondent_id": np.tile(np.arange(200), 3),
            "factor": np.repeat(["easy", "cheap", "pretty"], 200),
            "value": np.concatenate([first, ~first, rng.random(200) < 0.1]).astype(int),
        }
    )
    ties = drivers.stated_importance(d, kind="named").table.set_index("factor")["ties_with"]
    assert ties["easy"] == "cheap" and ties["cheap"] == "easy" and ties["pretty"] == ""


@pytest.mark.slow
def test_weights_shares_and_scales_are_recovered():
    """200 samples: intervals hold the truth of a very large sample; no effect planted, few find
    one.
    """
    inside = {}

    def note(name, row, truth):
        inside.setdefault(name, []).append(row["conf_low"] <= truth <= row["conf_high"])

    big = drivers.key_drivers(
        people(10_000, n=400_000), "y", ["d0", "d1", "d2"], draws=2
    ).table.set_index(["driver", "measure"])["estimate"]
    rng = np.random.default_rng(1)
    for seed in range(200):
        d = people(seed)
        table = drivers.key_drivers(
            d, "y", ["d0", "d1", "d2"], draws=400, seed=seed
        ).table.set_index(["driver", "measure"])
        for key in (
            ("d0", "share"),
            ("d1", "share"),
            ("d0", "relative_weight"),
            ("d0", "weight"),
            ("d1", "penalty"),
            ("d1", "reward"),
        ):
            note(f"key drivers {key}", table.loc[key], big[key])
        note("weight of a driver without effect", table.loc[("d2", "weight")], 0.0)
        wide = people(seed, n=1500, binary=True).assign(
            grade=lambda t: pd.cut(
                t["d0"] * 0.8 + rng.logistic(size=len(t)), [-np.inf, -1, 0, 1, np.inf], labels=False
            )
        )
        note(
            "logit",
            drivers.regression(wide, "y", ["d0", "d1", "d2"], kind="logit").table.iloc[0],
            0.6,
        )
        note(
            "ordinal",
            drivers.regression(wide, "grade", ["d0", "d1"], kind="ordinal").table.iloc[0],
            0.8,
        )
        x = rng.normal(size=200)
        m = 0.4 * x + rng.normal(size=200)
        med = pd.DataFrame(
            {"x": x, "m": m, "y": 0.4 * m + rng.normal(size=200), "none": rng.normal(size=200)}
        )
        note(
            "indirect",
            drivers.mediation(med, "x", "m", "y", draws=800, seed=seed)
            .table.set_index("path")
            .loc["indirect"],
            0.16,
        )
        note(
            "indirect, none planted",
            drivers.mediation(med, "x", "none", "y", draws=800, seed=seed)
            .table.set_index("path")
            .loc["indirect"],
            0.0,
        )
        f = rng.normal(size=(200, 1))
        s = pd.DataFrame(0.8 * f + 0.6 * rng.normal(size=(200, 4)), columns=list("abcd"))
        found = drivers.reliability(s, {"s": list("abcd")}, draws=400, seed=seed).table.set_index(
            "measure"
        )
        note("alpha", found.loc["alpha"], 4 / 3 * (1 - 4 / (4 + 12 * 0.64)))
        note("omega", found.loc["omega"], 10.24 / (10.24 + 4 * 0.36))
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(
        0.91 <= np.mean(h) <= (1.0 if "none planted" in n else 0.985) for n, h in inside.items()
    )
