"""Weights of a survey, words as attributes, and the alternative without any."""

import numpy as np
import pandas as pd
import pytest
from calls import CALLS
from test_results import DESIGN

from workbench import choice, conjoint, drivers
from workbench.errors import InputError
from workbench.results import weights
from workbench.simulate import studies

TRUE = {"brand": {"A": 0.5, "B": 0, "C": -0.5}, "price": -0.6}
WORDS = ["brand", "price"]


def asked(none=None):
    """Choices between brands named in words."""
    said = studies.answers(DESIGN, TRUE, 120, none=none)
    made = conjoint.choices(DESIGN, said, none=none is not None)
    made.attrs.clear()
    return made


OFFERS, WITH_NONE = asked(), asked(-1.0)


def by_hand(choices):
    """The same with indicators made by hand."""
    return choices.assign(
        b=(choices["brand"] == "B").astype(float),
        c=(choices["brand"] == "C").astype(float),
        price=choices["price"].astype(float),
    )


FITS = {
    "conditional_logit": lambda d, a: choice.conditional_logit(d, a),
    "mixed_logit": lambda d, a: choice.mixed_logit(d, a, {"price": "normal"}, draws=20),
    "latent_class": lambda d, a: choice.latent_class(d, a, 2, starts=2),
    "nested_logit": lambda d, a: choice.nested_logit(
        d, a, {"x": ["offer 1", "offer 2"], "y": ["offer 3"]}
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_words_are_compared_with_a_base(name):
    """The estimates are those of indicators made by hand, and the base is named."""
    words, hand = FITS[name](OFFERS, WORDS), FITS[name](by_hand(OFFERS), ["b", "c", "price"])
    pd.testing.assert_frame_equal(words.table.drop(columns="term"), hand.table.drop(columns="term"))
    assert {"brand: B", "brand: C", "price"} <= set(words.table["term"])
    assert any("compared with 'A'" in str(n) for n in words.limits)


def test_words_in_what_follows_a_fit():
    """Prices moved, money values, and unseen customers."""
    fit = choice.conditional_logit(OFFERS, WORDS)
    hand = choice.conditional_logit(by_hand(OFFERS), ["b", "c", "price"])
    change = {"price": {"offer 1": 1.1}}
    one = choice.simulate_shares(fit, OFFERS, change=change).table
    two = choice.simulate_shares(hand, by_hand(OFFERS), change=change).table
    pd.testing.assert_frame_equal(one, two)
    assert "brand: B" in set(choice.willingness_to_pay(fit, draws=50).table["term"])
    held = choice.holdout(OFFERS.assign(last_bought=False), WORDS).table
    assert held["estimate"].notna().all()


def test_none_of_these_has_its_constant_alone():
    """No price is needed for an alternative that has none; without constants it is refused."""
    fit = choice.conditional_logit(WITH_NONE, WORDS)
    terms = fit.table.set_index("term")["estimate"]
    assert terms["constant: none"] < 0 and terms["price"] == pytest.approx(-0.6, abs=0.2)
    assert any("has no attributes" in str(n) for n in fit.limits)
    with pytest.raises(InputError, match="ask for constants"):
        choice.conditional_logit(WITH_NONE, WORDS, constants=False)
    some = WITH_NONE.assign(price=WITH_NONE["price"].where(np.arange(len(WITH_NONE)) % 7 > 0))
    with pytest.raises(InputError, match="lack a value of price"):
        choice.conditional_logit(some, ["price"])


def test_too_many_words_are_no_attribute():
    """Numbers read as text are refused with what to do."""
    with pytest.raises(InputError, match="to_numeric"):
        choice.conditional_logit(
            OFFERS.assign(price=[str(v) for v in np.random.default_rng(1).random(len(OFFERS))]),
            WORDS,
        )
    with pytest.raises(InputError, match="leave it out"):
        choice.conditional_logit(OFFERS.assign(brand="A"), WORDS)


def survey(weights):
    """A hundred who say 2 and a hundred who say 6, on two items."""
    one = pd.DataFrame(
        {
            "response_id": range(200),
            "respondent_id": range(200),
            "answered_at": pd.Timestamp("2024-01-01", tz="UTC"),
            "item": "q",
            "value": np.repeat([2.0, 6.0], 100),
            "weight": np.repeat(weights, 100),
        }
    )
    return pd.concat([one, one.assign(item="z")], ignore_index=True)


def test_weights_are_used():
    """Nine to one: (9 · 2 + 6) / 10, as the table with every answer written out says."""
    wide = drivers.pivot_survey(survey([9.0, 1.0]))
    made = drivers.scale_means(wide, {"s": ["q", "z"]})
    row = made.table.iloc[0]
    assert row["estimate"] == pytest.approx(2.4) and row["n"] == 200
    assert row["conf_low"] < 2.4 < row["conf_high"]
    assert any(n.id == "drivers.weighted" for n in made.limits)
    plain = drivers.scale_means(wide.drop(columns="weight"), {"s": ["q", "z"]}).table
    assert plain["estimate"].iloc[0] == pytest.approx(4.0)
    gap = pd.DataFrame(
        {
            "respondent_id": range(40),
            "dimension": "care",
            "expectation": 5.0,
            "perception": np.repeat([2.0, 6.0], 20),
            "weight": np.repeat([9.0, 1.0], 20),
        }
    )
    seen = drivers.service_gap(gap).table.set_index("measure")["estimate"]
    assert seen["perception"] == pytest.approx(2.4)


READERS = [
    n
    for n, c in CALLS.items()
    if ("answers" in c.given or (n.startswith("drivers.") and "table" in c.given))
    and n not in weights.USE
]


@pytest.mark.parametrize("name", READERS)
def test_weights_that_cannot_be_used_are_refused(name):
    """Never dropped without a word; weights that are all the same weigh nothing."""
    call = CALLS[name]
    argument = "answers" if "answers" in call.given else "table"
    table = call.given[argument]
    with pytest.raises(InputError, match="weights"):
        call(**{argument: table.assign(weight=np.arange(len(table)) % 3 + 1)})
    call(**{argument: table.assign(weight=2.0)})


@pytest.mark.parametrize("weight", [0, -1, np.nan, "much"])
def test_a_weight_is_above_nothing(weight):
    """What is missing, 0 or negative is refused."""
    answers = survey([9.0, 1.0]).assign(weight=lambda d: d["weight"].astype(object))
    answers.loc[3, "weight"] = weight
    with pytest.raises(InputError, match="not above 0"):
        drivers.pivot_survey(answers)
