"""What notebook 20 adds: parts of choices, the account of the panel, and its exercises."""

from math import exp

import numpy as np
import pytest
from test_choice import market

from workbench import choice, load, project
from workbench.display import speaking
from workbench.reports import exercises

BOOK = exercises.module(project.root() / "notebooks", "brand_choice").exercises


@pytest.fixture(scope="module")
def choices():
    """Choices of a made market; nobody is known to have bought anything before."""
    return market(5, customers=120).assign(last_bought=False)


def test_some_customers_are_drawn_whole(choices):
    """The number asked for, each with all of its choices, the same for one seed."""
    some = choice.some_customers(choices, 30, seed=2)
    assert some["customer_id"].nunique() == 30
    whole = choices[choices["customer_id"].isin(some["customer_id"])]
    assert len(some) == len(whole)
    assert some.equals(choice.some_customers(choices, 30, seed=2))
    assert len(choice.some_customers(choices, 10_000)) == len(choices)


def test_the_most_chosen_alternative(choices):
    """The one with the most marks."""
    counts = choices.groupby("alternative")["chosen"].sum()
    assert counts[choice.most_chosen(choices)] == counts.max()


def test_the_account_adds_up():
    """Every basket is kept or left out for one reason; the answer has the same numbers."""
    panel = load.panel_choices("YOGURT", alternatives=4)
    account = panel.account()
    counts = account.table["count"]
    assert counts.iloc[0] == counts.iloc[1:].sum() == account.n
    assert account.answer.values["count"] == counts.iloc[-1] == panel.table["choice_id"].nunique()
    assert account.answer.values["share"] == pytest.approx(counts.iloc[-1] / account.n)
    english = str(account)
    with speaking("nl"):
        assert str(account) != english


def test_a_simulation_says_what_it_changed(choices):
    """A factor as a percentage, a text as it was given, and what is no longer there."""
    fit = choice.conditional_logit(choices, ["price"])
    top, other = choices["alternative"].unique()[:2]
    change = {"price": {top: 1.1, other: "+2"}}
    said = {n.id: n.values for n in choice.simulate_shares(fit, choices, change=change).limits}
    assert said["choice.what_if_factor"]["change"] == pytest.approx(0.1)
    assert said["choice.what_if_set"]["how"] == "+2"
    gone = choice.simulate_shares(fit, choices, remove=[top]).limits
    assert gone[0].values["names"] == [top]


def verdict(number, answer, *results):
    """Which sentence of an exercise an answer gets."""
    said = str(BOOK.check(number, answer, *results))
    exercise = BOOK.numbered[number]
    named = {"first": exercise.first, "right": exercise.right, **exercise.hints}
    return next((name for name, text in named.items() if text == said), "other")


def test_a_weight_as_a_factor(choices):
    """Its exponential is right; the weight, and the factor the other way round, are mistakes."""
    fit = choice.conditional_logit(choices, ["price", "display"])
    weight = fit.table.set_index("term").loc["price", "estimate"]
    assert verdict(1, None, fit, "price") == "first"
    for answer in (exp(weight), f"{exp(weight):.3f}".replace(".", ",")):
        assert verdict(1, answer, fit, "price") == "right"
    assert verdict(1, weight, fit, "price") == "weight"
    assert verdict(1, exp(-weight), fit, "price") == "turned"


def test_a_fair_yardstick(choices):
    """The rule that knows the household is fair; without such a rule there is no answer."""
    chosen = choices["chosen"].to_numpy(bool)
    last = np.where(np.random.default_rng(1).random(len(chosen)) < 0.6, chosen, False)
    held = choice.holdout(choices.assign(last_bought=last), ["price", "display"])
    rates = held.table.query("measure == 'hit_rate'").set_index("rule")["estimate"]
    right = rates["model"] - rates["last_choice"]
    assert verdict(2, None, None) == "first"
    assert verdict(2, right, held) == "right"
    assert verdict(2, f"{100 * right:.1f} %", held) == "right"
    assert verdict(2, rates["model"] - rates["market_shares"], held) == "shares"
    assert verdict(2, rates["model"], held) == "alone"
    assert verdict(2, 0.1, None) == "other"
