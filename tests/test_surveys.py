"""Surveys: scores by hand, published values, laws, and planted truth that comes back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench import surveys
from workbench.errors import InputError, NotEnoughData
from workbench.stats import sampling

NOON = pd.Timestamp("2024-03-05 12:00", tz="UTC")


def answers(values, item="recommend", **columns):
    """One answer a respondent, in the order of the values."""
    n = len(values)
    return pd.DataFrame(
        {
            "response_id": range(n),
            "respondent_id": [f"r{i}" for i in range(n)],
            "answered_at": NOON,
            "item": item,
            "value": np.asarray(values, float),
            **columns,
        }
    )


def row(result, **keys):
    """The only row of a table with these keys."""
    table = result.table
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


# By reference and by hand.


def test_nps_of_the_published_example():
    """60 promoters, 25 passives and 15 detractors: Rocks (2016) by MeasuringU's calculator."""
    made = surveys.nps(answers([10] * 60 + [7] * 25 + [3] * 15))
    net = row(made, measure="nps")
    assert net.estimate == 45
    assert [round(net.conf_low, 1), round(net.conf_high, 1)] == [29.3, 58.0]
    assert row(made, measure="promoters")["count"] == 60
    assert row(made, measure="passives").estimate == 0.25
    assert "45" in str(made.answer)


def test_boxes_and_means_by_hand():
    made = surveys.csat(answers([1, 4, 6, 7], "satisfaction"), scale=(1, 7))
    assert row(made, measure="top_box")["count"] == 2
    assert row(made, measure="top_box").estimate == 0.5
    assert row(made, measure="mean").estimate == 4.5
    three = surveys.csat(answers([1, 4, 6, 7], "satisfaction"), scale=(1, 7), top=4)
    assert row(three, measure="top_box")["count"] == 3


def test_effort_runs_both_ways():
    given_answers = answers([1, 2, 5, 5], "effort")
    easy = surveys.ces(given_answers, version="agreement")
    hard = surveys.ces(given_answers, version="effort")
    assert row(easy, measure="top_box")["count"] == 2  # 5 to 7
    assert row(hard, measure="low_box")["count"] == 2  # 1 and 2
    assert str(easy.limits[-1]) != str(hard.limits[-1])


def usability(rows):
    """Answers of people to ten items."""
    return pd.concat(
        answers([r[k] for r in rows], f"q{k + 1}").assign(
            response_id=lambda d, k=k: d.index + 100 * k
        )
        for k in range(10)
    )


def test_usability_score_by_hand():
    """All praise and no complaint is 100, all neutral 50 (Brooke 1996)."""
    best, neutral, worst = [5, 1] * 5, [3] * 10, [1, 5] * 5
    items = [f"q{k + 1}" for k in range(10)]
    assert surveys.sus(usability([best]), items).table.estimate[0] == 100
    assert surveys.sus(usability([neutral]), items).table.estimate[0] == 50
    three = surveys.sus(usability([best, neutral, worst]), items).table
    assert (three.estimate[0], three.n[0]) == (50, 3)


def test_usability_leaves_out_who_did_not_finish_and_counts_them():
    items = [f"q{k + 1}" for k in range(10)]
    data = usability([[5, 1] * 5, [3] * 10])
    made = surveys.sus(data[~((data["respondent_id"] == "r1") & (data["item"] == "q7"))], items)
    assert (made.table.n[0], made.table.estimate[0]) == (1, 100)
    assert any("did not answer" in str(limit) for limit in made.limits)


def test_weights_count_answers_as_often_as_they_say():
    made = surveys.nps(answers([10, 0, 8], weight=[2.0, 1.0, 1.0]))
    assert row(made, measure="nps").estimate == pytest.approx(25)
    assert row(made, measure="promoters").estimate == pytest.approx(0.5)


def test_linearised_error_of_an_independent_implementation():
    """A weighted mean's robust error from statsmodels: WLS on a constant, clusters as groups."""
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    y, w, who = rng.integers(1, 8, 90) * 1.0, rng.uniform(0.5, 3, 90), rng.integers(0, 40, 90)
    fit = sm.WLS(y, np.ones(90), weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}
    )
    people = len(np.unique(who))
    made = sampling.mean(y, w, who)
    assert made.estimate == pytest.approx(fit.params[0])
    assert made.std_error == pytest.approx(fit.bse[0] * np.sqrt(people / (people - 1)))


def test_design_effect_of_kish():
    """Weights that have nothing to do with answers raise the variance by 1 + cv²."""
    weights = np.array([1.0, 3.0] * 50)
    assert 100 / sampling.kish(weights) == pytest.approx(1 + (weights.std() / weights.mean()) ** 2)


def test_raking_meets_its_margins_and_keeps_the_odds_ratio():
    """Deming & Stephan: margins are met, the association of the sample stays."""
    rng = np.random.default_rng(1)
    data = answers(rng.integers(0, 11, 400), age=rng.choice(["young", "old"], 400, p=[0.7, 0.3]))
    data["sex"] = np.where(rng.random(400) < np.where(data["age"] == "old", 0.7, 0.4), "f", "m")
    made = surveys.rake(data, {"age": {"young": 0.4, "old": 0.6}, "sex": {"f": 0.5, "m": 0.5}})
    share = made.groupby("age")["weight"].sum() / made["weight"].sum()
    assert share["old"] == pytest.approx(0.6, abs=1e-7)
    assert made["weight"].mean() == pytest.approx(1)
    cells = made.groupby(["age", "sex"])["weight"].sum().unstack()
    plain = data.groupby(["age", "sex"]).size().unstack()

    def odds(t):
        return t.loc["old", "f"] * t.loc["young", "m"] / (t.loc["old", "m"] * t.loc["young", "f"])

    assert odds(cells) == pytest.approx(odds(plain))


def test_raking_to_one_margin_is_poststratification():
    made = surveys.rake(answers([9, 9, 9, 0], side=list("aaab")), {"side": {"a": 0.5, "b": 0.5}})
    assert made["weight"].round(6).tolist() == [0.666667] * 3 + [2.0]


def test_answers_needed_are_those_of_the_textbook():
    """Cochran (1977): 385 answers for a share within 5 points, 9 in 10 thousand for 1 point."""
    made = surveys.answers_needed([0.05, 0.01], measure="share", response=0.25).table
    table = made.pivot(index="half_width", columns="measure", values="estimate").iloc[::-1]
    assert table["answers"].tolist() == [385, 9604]
    assert table["invitations"].tolist() == [1540, 38416]


def test_response_by_hand():
    start = pd.Timestamp("2024-01-01", tz="UTC")
    day = pd.Timedelta("1D")
    asked = pd.DataFrame(
        [
            ("a", start, start + 2 * day, start + day),
            ("b", start, pd.NaT, start + day),
            ("c", start, start + 40 * day, pd.NaT),  # too late
            ("d", start, pd.NaT, pd.NaT),
            ("e", start + 60 * day, start + 61 * day, start + 61 * day),  # too young
        ],
        columns=["respondent_id", "invited_at", "answered_at", "started_at"],
    )
    made = surveys.response(asked, window="30D")
    assert row(made, measure="response")[["count", "n"]].tolist() == [1, 4]
    assert row(made, measure="break_off")[["count", "n"]].tolist() == [1, 2]
    assert any("too recent" in str(limit) for limit in made.limits)


def test_waves_are_local_calendar_periods():
    """The last hour of January in UTC is February in Amsterdam."""
    data = answers([9, 9, 3, 3], "satisfaction").assign(
        answered_at=pd.to_datetime(
            ["2024-01-10", "2024-01-31 23:30", "2024-02-10", "2024-02-11"],
            utc=True,
            format="ISO8601",
        )
    )
    made = surveys.trend(
        data, item="satisfaction", measure="mean", scale=(0, 10), zone="Europe/Amsterdam"
    )
    assert made.table["n"].tolist() == [1, 3]
    assert made.table["change"].tolist()[1] == pytest.approx(5 - 9)
    assert np.isnan(made.table["change"][0])


# What cannot be is refused, and says what to do.


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: surveys.nps(answers([11])), "0 to 10"),
        (lambda: surveys.nps(answers([4.5])), "whole numbers"),
        (lambda: surveys.nps(answers([1]), item="recomend"), "recommend"),
        (lambda: surveys.csat(answers([1], "satisfaction")), "scale="),
        (lambda: surveys.csat(answers([1], "satisfaction"), scale=(7, 1)), "below"),
        (lambda: surveys.csat(answers([1], "satisfaction"), scale=(1, 7), top=7), "top"),
        (lambda: surveys.ces(answers([1], "effort"), version="v2"), "agreement"),
        (lambda: surveys.sus(answers([1]), ["recommend"]), "10 items"),
        (lambda: surveys.rake(answers([1], a=["x"]), {"a": {"x": 0.5}}), "add up to 1"),
        (lambda: surveys.rake(answers([1], a=["x"]), {"a": {"y": 1.0}}), "no share"),
        (lambda: surveys.rake(answers([1], a=["x"]), {}), "at least one"),
        (lambda: surveys.weight_effect(answers([1]), item="recommend", measure="nps"), "weight"),
        (lambda: surveys.answers_needed(0), "above 0"),
        (lambda: surveys.answers_needed(1, measure="mean"), "variance"),
        (lambda: surveys.answers_needed(5, response=1.2), "at most 1"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_nothing_to_count_says_so():
    with pytest.raises(NotEnoughData, match="nobody answered"):
        surveys.nps(answers([np.nan]))
    with pytest.raises(NotEnoughData, match="at least 2"):
        surveys.differences(
            answers([9, 9], side=["a", "a"]), item="recommend", by="side", measure="nps"
        )


def test_a_scale_is_read_from_its_column():
    data = answers([5, 7], "satisfaction", scale="1 to 7")
    assert row(surveys.csat(data), measure="top_box")["count"] == 1


def test_one_answer_has_no_interval_of_a_mean_but_a_wide_score():
    made = surveys.nps(answers([10]))
    net = row(made, measure="nps")
    assert net.estimate == 100
    assert net.conf_low < 0
    assert net.conf_high <= 100
    mean = row(surveys.csat(answers([5], "satisfaction"), scale=(1, 7)), measure="mean")
    assert np.isnan(mean.conf_low)


# Laws.


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(1, 4)), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
def test_weighted_is_written_out(pairs, shuffle):
    """A weight of 3 gives the estimate that three such answers give, in any order of the rows."""
    values, times = (np.array(part) for part in zip(*pairs, strict=True))
    weighted = surveys.nps(answers(values, weight=times * 1.0)).table["estimate"]
    out = answers(np.repeat(values, times))
    order = list(range(len(out)))
    shuffle.shuffle(order)
    written = surveys.nps(out.iloc[order]).table["estimate"]
    np.testing.assert_allclose(weighted, written, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=40))
def test_shares_add_up_and_make_the_score(values):
    made = surveys.nps(answers(values)).table.set_index("measure")["estimate"]
    assert made[["promoters", "passives", "detractors"]].sum() == pytest.approx(1)
    assert made["nps"] == pytest.approx(100 * (made["promoters"] - made["detractors"]))


def test_who_is_in_both_groups_counts_once():
    """The same people before and after: the error is that of their own change (paired t)."""
    rng = np.random.default_rng(3)
    before = rng.integers(1, 6, 60)
    after = np.clip(before + rng.integers(-1, 3, 60), 1, 7)
    data = pd.concat(
        [
            answers(before, "satisfaction", moment="before"),
            answers(after, "satisfaction", moment="later"),
        ]
    )
    made = surveys.differences(
        data, item="satisfaction", by="moment", measure="mean", scale=(1, 7)
    ).table.iloc[0]
    change = before - after
    assert made.estimate == pytest.approx(change.mean())
    assert made.std_error == pytest.approx(stats.sem(change))


# Planted truth.


def coverage(draw, truth, call, samples, seed):
    """Share of samples whose interval holds the truth."""
    held = 0
    for k in range(samples):
        made = call(draw(np.random.default_rng([seed, k])))
        held += made.conf_low <= truth <= made.conf_high
    return held / samples


def test_weighted_score_of_an_uneven_sample_holds_the_planted_one():
    """Promoters answer three times as often; weights by the known margin find the true score."""
    chance = {"fan": (0.1, 0.2, 0.7), "other": (0.5, 0.3, 0.2)}
    truth = 100 * (0.5 * (0.7 - 0.1) + 0.5 * (0.2 - 0.5))

    def draw(rng):
        kind = np.where(rng.random(300) < 0.75, "fan", "other")
        value = [rng.choice([3, 7, 10], p=chance[k]) for k in kind]
        return surveys.rake(answers(value, kind=kind), {"kind": {"fan": 0.5, "other": 0.5}})

    def call(data):
        return row(surveys.nps(data), measure="nps")

    held = coverage(draw, truth, call, 60, 8)
    assert stats.binomtest(round(60 * held), 60, 0.95).pvalue > 0.01
    plain = draw(np.random.default_rng(1)).drop(columns="weight")
    assert call(plain).conf_low > truth  # what the weights mend


def test_groups_that_do_not_differ_seldom_seem_to():
    """Four groups, six pairs: a false alarm in at most one sample in twenty (Holm)."""
    alarms = 0
    for k in range(40):
        rng = np.random.default_rng([5, k])
        data = answers(rng.integers(0, 11, 200), side=rng.choice(list("abcd"), 200))
        made = surveys.differences(data, item="recommend", by="side", measure="nps")
        alarms += made.table["p_holm"].min() < 0.05
    assert alarms <= 6  # at most 5 % planned: 7 or more of 40 would happen once in 300 times


def test_response_indicator_knows_a_response_that_hangs_on_a_term():
    rng = np.random.default_rng(2)
    asked = pd.DataFrame(
        {
            "respondent_id": range(2000),
            "invited_at": pd.Timestamp("2024-01-01", tz="UTC"),
            "orders": rng.poisson(3, 2000),
            "luck": rng.normal(size=2000),
        }
    )
    even = rng.random(2000) < 0.4
    uneven = rng.random(2000) < np.where(asked["orders"] > 3, 0.7, 0.2)
    told = {}
    for name, hit in (("even", even), ("uneven", uneven)):
        data = asked.assign(
            answered_at=(asked["invited_at"] + pd.Timedelta("3D")).where(hit),
        )
        made = surveys.nonresponse(data, ["orders", "luck"], until="2024-03-01")
        facts = made.facts.set_index("name")["value"]
        told[name] = facts["indicator"]
    assert told["even"] > 0.93
    assert told["uneven"] < 0.75


@pytest.mark.parametrize("mood", [0.0, 0.6])
def test_weights_mend_what_they_know_and_only_that(mood):
    """Where only age decides who answers, the weighted score covers that of everybody; where mood
    decides too it stays too high.
    """
    from workbench.simulate import asking

    held = high = 0
    for k in range(20):
        asked = asking.survey(2500, mood=mood, seed=k)
        weighted = surveys.rake(asked.surveys, asked.margins)
        net = row(surveys.nps(weighted), measure="nps")
        held += net.conf_low <= asked.truth["nps"] <= net.conf_high
        high += net.conf_low > asked.truth["nps"]
    assert held >= 17 if not mood else high >= 15


# Brands in waves.


def known(rows):
    """Respondent, wave, brand, measure, value."""
    return pd.DataFrame(rows, columns=["respondent_id", "wave", "brand", "measure", "value"])


def test_awareness_by_hand():
    """Three are asked; who does not name a brand does not know it; of two who do, one goes on."""
    data = known(
        [
            ("a", 1, "x", "aided", 1),
            ("b", 1, "x", "aided", 1),
            ("c", 1, "y", "aided", 1),
            ("a", 1, "x", "consideration", 1),
            ("b", 1, "x", "consideration", 0),
        ]
    )
    made = surveys.awareness(data)
    assert row(made, brand="x", measure="aided")[["count", "n"]].tolist() == [2, 3]
    going = row(made, brand="x", measure="consideration", basis="aided")
    assert going[["count", "n"]].tolist() == [1, 2]


def test_a_wave_that_changes_by_hand():
    data = known(
        [(f"r{k}", 1, "x", "aided", k < 4) for k in range(10)]
        + [(f"s{k}", 2, "x", "aided", k < 6) for k in range(10)]
    ).astype({"value": float})
    made = surveys.tracker(data, brand="x").table
    assert made["count"].tolist() == [4, 6]
    assert made["change"].iloc[1] == pytest.approx(0.2)
    with pytest.raises(InputError, match="brand"):
        surveys.tracker(data, brand="z")


@pytest.mark.parametrize("samples", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_planted_awareness_comes_back(samples):
    """Weighted shares of waves and their changes, the old being asked too often."""
    from workbench.simulate import brands_asked

    held = {"level": [], "change": []}
    for k in range(samples):
        data = brands_asked.tracker(300, waves=2, growth=0.1, seed=k)
        truth = data.attrs["truth"]
        last = surveys.tracker(data, brand="Boreal").table.iloc[-1]
        held["level"].append(last["conf_low"] <= truth["2", "Boreal"] <= last["conf_high"])
        held["change"].append(last["change_low"] <= 0.1 <= last["change_high"])
    for found in held.values():
        assert stats.binomtest(sum(found), samples, 0.95).pvalue > 0.01


# Beside what people did.


def test_answers_find_their_order_and_stage_by_hand():
    day = pd.Timedelta("1D")
    said = answers([9, 8, 7])
    orders = pd.DataFrame(
        {
            "order_id": ["o1", "o2", "o3", "o4"],
            "customer_id": ["r0", "r0", "r1", "r1"],
            "ordered_at": [NOON - 5 * day, NOON - 2 * day, NOON + day, NOON - 90 * day],
            "amount": 1.0,
        }
    )
    seen = pd.DataFrame(
        {
            "customer_id": ["r0", "r1"],
            "occurred_at": [NOON - day, NOON + day],
            "event": "view",
            "stage": ["search", "need"],
        }
    )
    made = surveys.joined(said, orders, seen)
    assert made["order_id"].fillna("").tolist() == ["o2", "", ""]
    assert made["days_after_order"].iloc[0] == 2
    assert made["stage"].fillna("").tolist() == ["search", "", ""]
    named = surveys.joined(said.assign(order_id=["o1", None, "o9"]), orders)
    assert named["days_after_order"].iloc[0] == 5
    assert named["order_id"].fillna("").tolist() == ["o1", "", "o9"]


def test_weights_from_who_was_likely_to_answer_find_the_score_of_everybody():
    """Where only what was known before decides who answers, the weighted score holds the truth."""
    from workbench.simulate import asking

    held = off = 0
    for k in range(8):
        asked = asking.survey(2500, mood=0.0, seed=k)
        made = surveys.response_weights(
            asked.surveys, asked.invitations, ["age"], until="2024-09-01"
        )
        net = row(surveys.nps(made), measure="nps")
        held += net.conf_low <= asked.truth["nps"] <= net.conf_high
        off += row(surveys.nps(asked.surveys), measure="nps").conf_low > asked.truth["nps"]
    assert held >= 6  # fewer would happen once in two hundred times
    assert off >= 2


@pytest.mark.parametrize("samples", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_planted_mode_and_delay_come_back(samples):
    """By telephone half a point higher, a day later a tenth lower; the old take the telephone."""
    held = {"phone": 0, "delay": 0}
    for k in range(samples):
        rng = np.random.default_rng([9, k])
        old = rng.random(300) < 0.5
        phone = rng.random(300) < np.where(old, 0.7, 0.2)
        days = rng.exponential(3, 300)
        value = 5 + 0.5 * phone - 0.1 * days + 0.8 * old + rng.normal(size=300)
        data = answers(np.round(value), "satisfaction").assign(
            mode=np.where(phone, "phone", "page"),
            age=old * 1.0,
            invited_at=NOON - pd.to_timedelta(np.round(days * 86_400), "s"),
        )
        made = surveys.mode_effect(data, item="satisfaction", covariates=["age"])
        shift = row(made, measure="difference", term="mode: phone")
        late = row(made, measure="difference", term="days_to_answer")
        held["phone"] += shift.conf_low <= 0.5 <= shift.conf_high
        held["delay"] += late.conf_low <= -0.1 <= late.conf_high
    for found in held.values():
        assert stats.binomtest(found, samples, 0.95).pvalue > 0.01
