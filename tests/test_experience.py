"""The journey as it is lived through: map, curve, for whom it speaks, expectations and the feeling
of everybody; by hand, by law, against statsmodels and against planted truth.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import experience
from workbench.errors import InputError, NotEnoughData
from workbench.simulate import affect
from workbench.stats import latent_affect, state_space

NINE = pd.Timestamp("2024-03-05 09:00", tz="UTC")


def moments(days):
    """Moments so many days after nine."""
    return NINE + pd.to_timedelta(days, "D")


def visits(rows):
    """Events: person, day, stage, touchpoint."""
    return pd.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "occurred_at": moments([r[1] for r in rows]),
            "event": "visit",
            "stage": [r[2] for r in rows],
            "touchpoint": [r[3] for r in rows],
        }
    )


def answers(rows, item="satisfaction", scale="1 to 7"):
    """Answers: person, day, stage, touchpoint, value."""
    return pd.DataFrame(
        {
            "response_id": range(len(rows)),
            "respondent_id": [r[0] for r in rows],
            "answered_at": moments([r[1] for r in rows]),
            "item": item,
            "stage": [r[2] for r in rows],
            "touchpoint": [r[3] for r in rows],
            "value": [float(r[4]) for r in rows],
            "scale": scale,
        }
    )


WALK = visits(
    [
        ("a", 0, "search", "web"),
        ("a", 2, "purchase", "shop"),
        ("b", 0, "search", "web"),
        ("b", 1, "search", "shop"),
        ("b", 6, "purchase", "web"),
        ("c", 0, "search", "shop"),
        ("d", 0, "search", "web"),
    ]
)
SAID = answers(
    [
        ("a", 0.1, "search", "web", 3),
        ("b", 0.1, "search", "web", 5),
        ("c", 0.1, "search", "shop", 7),
        ("a", 2.1, "purchase", "shop", 6),
        ("b", 6.1, "purchase", "web", 4),
    ]
)


# By hand.


def test_a_map_of_four_people():
    """Four come to search, two go on after 2 and 6 days; satisfaction by place; opportunity."""
    made = experience.journey_map(WALK, SAID).table.set_index(["stage", "touchpoint", "measure"])
    cell = made["estimate"].to_dict()
    assert cell["search", "all", "reach"] == 1.0
    assert cell["search", "web", "reach"] == 0.75
    assert cell["purchase", "all", "reach"] == 0.5
    assert cell["search", "all", "conversion"] == 0.5
    assert cell["search", "all", "days"] == 4.0
    assert cell["search", "web", "satisfaction"] == 4.0
    assert cell["search", "web", "opportunity"] == pytest.approx(0.75 * (7 - 4) / 6)
    assert ("purchase", "all", "conversion") not in cell, "nothing comes after the last stage"


def test_importance_weighs_an_opportunity():
    """Twice as important is twice the opportunity; a stage without a number is refused."""
    one = experience.journey_map(WALK, SAID).table
    two = experience.journey_map(WALK, SAID, importance={"search": 2, "purchase": 1}).table
    both = one.merge(two, on=["stage", "touchpoint", "measure", "aspect"])
    here = both[(both["measure"] == "opportunity") & (both["stage"] == "search")]
    assert len(here) == 2
    np.testing.assert_allclose(here["estimate_y"], 2 * here["estimate_x"])
    with pytest.raises(InputError, match="purchase has none"):
        experience.journey_map(WALK, SAID, importance={"search": 2})


def test_pains_are_what_most_texts_speak_ill_of():
    """Of twelve texts six speak ill of price, three of delivery, who also praises counts not."""
    n = 12
    texts = pd.DataFrame(
        {
            "text_id": range(n),
            "text": "said",
            "created_at": NINE,
            "stage": "search",
            "polarity": -0.5,
            "aspect": ["price"] * 6 + ["delivery"] * 6,
            "tone": ["negative"] * 9 + ["positive"] * 3,
        }
    )
    made = experience.journey_map(WALK, texts=texts).table
    pains = made[(made["measure"] == "pain") & (made["touchpoint"] == "all")]
    assert pains[["aspect", "count", "n"]].values.tolist() == [
        ["price", 6, 12],
        ["delivery", 3, 12],
    ]


def test_a_curve_of_three_people():
    """Means by stage; the change among the two who answered at both; peak, lowest point and end."""
    made = experience.emotion_curve(SAID, draws=50).table
    mean = made[made["measure"] == "mean"].set_index("stage")
    assert mean["estimate"].to_dict() == {"search": 5.0, "purchase": 5.0}
    change = made[made["measure"] == "change"].iloc[0]
    assert (change["estimate"], change["n"]) == (1.0, 2)
    with pytest.raises(NotEnoughData, match="one stage"):
        experience.emotion_curve(SAID[SAID["stage"] == "search"])


def test_stages_of_ones_own_need_an_order():
    """Names that are not those of buying are refused unless their order is said."""
    own = SAID.replace({"stage": {"search": "bekijken", "purchase": "kopen"}})
    with pytest.raises(InputError, match="bekijken"):
        experience.emotion_curve(own)
    made = experience.emotion_curve(own, stages=["bekijken", "kopen"], draws=20).table
    assert made["stage"].tolist() == ["bekijken", "kopen", "kopen"]


def test_bounds_by_hand():
    """Of four who searched three answered 5 on average: with the fourth at 1 it is 4, at 7 5.5."""
    made = experience.representativeness(WALK, SAID).table.set_index(["measure", "stage"])
    row = made.loc[("mean", "search")]
    assert (row["estimate"], row["bound_low"], row["bound_high"]) == (5.0, 4.0, 5.5)
    assert made.loc[("response", "search"), ["count", "n"]].tolist() == [3, 4]


def test_expectations_by_hand():
    """5 expected and 6 found is better; 5 and 3 worse; the search after it counts, not before."""
    before = answers([(p, 1, "purchase", "", 5) for p in "abc"], "expectation")
    after = answers(
        [("a", 3, "post_purchase", "", 6), ("b", 3, "post_purchase", "", 3)]
        + [("c", 3, "post_purchase", "", 5)]
    )
    later = visits(
        [("b", 2, "search", ""), ("b", 4, "search", ""), ("b", 5, "evaluation", "")]
        + [("b", 6, "purchase", ""), ("b", 7, "search", ""), ("a", 6, "purchase", "")]
        + [("z", 60, "search", "")]
    )
    surveys = pd.concat([before, after], ignore_index=True)
    made = experience.disconfirmation(surveys, later, window="30D").table
    made = made.set_index(["measure", "group"])["estimate"].to_dict()
    assert made["share", "worse"] == pytest.approx(1 / 3)
    assert made["mean_difference", "all"] == pytest.approx(-1 / 3)
    with pytest.raises(NotEnoughData, match="answered both"):
        experience.disconfirmation(
            surveys[surveys["answered_at"] != moments(1)].assign(
                item=lambda d: d["item"].where(d["respondent_id"] != "a", "expectation")
            )
        )


def test_searches_up_to_the_next_purchase():
    """Two who were disappointed searched twice and not at all before they bought."""
    before = answers([(p, 1, "purchase", "", 6) for p in "ab"], "expectation")
    after = answers([(p, 3, "post_purchase", "", 3) for p in "ab"])
    later = visits(
        [("b", 2, "search", ""), ("b", 4, "search", ""), ("b", 5, "evaluation", "")]
        + [("b", 6, "purchase", ""), ("b", 7, "search", ""), ("a", 6, "purchase", "")]
        + [("z", 60, "search", "")]
    )
    surveys = pd.concat([before, after], ignore_index=True)
    made = experience.disconfirmation(surveys, later, window="30D").table
    made = made.set_index(["measure", "group"])
    assert made.loc[("searches", "worse"), "estimate"] == 1.0
    assert made.loc[("skipped", "worse"), ["count", "n"]].tolist() == [1, 2]


# By law.


@settings(max_examples=15, deadline=None)
@given(st.integers(-3, 3), st.sampled_from([1.0, 2.0]))
def test_a_shift_of_every_answer_shifts_the_curve(shift, times):
    """The curve moves with the answers, and its changes do not."""
    surveys = affect.journeys(60, seed=2).surveys
    one = experience.emotion_curve(surveys, draws=20).table
    moved = surveys.assign(value=surveys["value"] * times + shift, scale="-20 to 20")
    two = experience.emotion_curve(moved, draws=20).table
    level = one["measure"] == "mean"
    wanted = one["estimate"] * times + shift * level
    np.testing.assert_allclose(two["estimate"], wanted)
    assert one["mark"].tolist() == two["mark"].tolist()


# By reference.


def _one_series(seed=0):
    """A short series of affect, seen twice with noise, with gaps."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(1, 12, 1)).cumsum(axis=1)
    seen[0, [3, 7, 8], 0] = np.nan
    return seen


def test_filter_and_smoother_are_those_of_statsmodels():
    """A local level with gaps: likelihood, smoothed states and their variance."""
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    seen = _one_series()
    model = state_space.Model(
        np.zeros((1, 1)),
        np.array([[2.0]]),
        np.array([[0.8]]),
        np.zeros((1, 12, 1)),
        np.array([[0.5]]),
        np.array([[1.0]]),
        np.zeros((1, 12, 1)),
        np.array([0.7]),
        np.zeros(1, bool),
    )
    filtered = state_space.kalman_filter(seen, model)
    smoothed = state_space.smoother(filtered, model)
    other = MLEModel(
        seen[0], k_states=1, initialization="known", initial_state=[0.0], initial_state_cov=[[2.0]]
    )
    other["design"], other["transition"], other["selection"] = [[1.0]], [[0.8]], [[1.0]]
    other["state_cov"], other["obs_cov"] = [[0.5]], [[0.7]]
    wanted = other.ssm.smooth()
    assert filtered.log_likelihood[0] == pytest.approx(wanted.llf)
    np.testing.assert_allclose(smoothed.mean[0, :, 0], wanted.smoothed_state[0], atol=1e-6)
    np.testing.assert_allclose(smoothed.cov[0, :, 0, 0], wanted.smoothed_state_cov[0, 0], atol=1e-6)
    np.testing.assert_allclose(
        smoothed.lag[0, 1:, 0, 0], wanted.smoothed_state_autocov[0, 0, :-1], atol=1e-6
    )


def test_a_yes_is_taken_in_as_by_numerical_integration():
    """Mean, variance and likelihood of a normal state after one yes."""
    grid = np.linspace(-9, 9, 20001)
    prior = np.exp(-0.5 * (grid - 0.3) ** 2 / 1.5)
    weight = prior / (1 + np.exp(-(0.2 + grid)))
    mean = (weight * grid).sum() / weight.sum()
    variance = (weight * (grid - mean) ** 2).sum() / weight.sum()
    model = state_space.Model(
        np.array([[0.3]]),
        np.array([[1.5]]),
        np.eye(1),
        np.zeros((1, 1, 1)),
        np.zeros((1, 1)),
        np.eye(1),
        np.full((1, 1, 1), 0.2),
        np.ones(1),
        np.ones(1, bool),
    )
    made = state_space.kalman_filter(np.ones((1, 1, 1)), model)
    assert made.mean[0, 0, 0] == pytest.approx(mean, abs=1e-5)
    assert made.cov[0, 0, 0, 0] == pytest.approx(variance, abs=1e-4)
    assert made.log_likelihood[0] == pytest.approx(np.log(weight.sum() / prior.sum()), abs=1e-6)


def test_parameters_are_packed_and_unpacked():
    """A vector without bounds and back."""
    start = np.array([[0.3, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.1, 0.6]])
    one = latent_affect.Parameters(
        0.4,
        np.array([1.0, 2.0]),
        np.array([4.0]),
        0.2,
        start,
        0.5,
        np.array([0.1, 0.3, 0.2]),
        np.array([-1.0, 0.5, 0.2]),
    )
    two = one.unpacked(one.packed())
    for name in ("carry", "effects", "first", "shock", "start", "noise", "text", "act"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), atol=1e-6)


# By recovery.


def test_the_feeling_of_who_never_answers_is_recovered():
    """At most a third of the error of giving them the mean of who answered."""
    felt = affect.journeys(300, seed=4)
    made = experience.latent_curve(
        felt.events, felt.surveys, felt.texts, felt.invitations, felt.customers
    ).table.set_index(["group", "stage"])["estimate"]
    silent = pd.Series(felt.truth["silent"])
    own = (made["never_answered"] - silent).abs().mean()
    assert own < (made["answered"] - silent).abs().mean() / 3


def test_without_a_word_on_searches_none_is_found():
    """Switched off, disappointment brings no search; a share of 0.5 is refused."""
    felt = affect.journeys(1500, search=0.0, seed=2)
    made = experience.disconfirmation(felt.surveys, felt.later, direct="as_expected", window="25D")
    row = made.table.set_index("measure").loc["searches_ratio"]
    assert row["conf_low"] < 1 < row["conf_high"]
    with pytest.raises(InputError, match="share"):
        experience.hidden_answers(felt.events, felt.surveys, share=0.5)
