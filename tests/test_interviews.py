"""Interviews with planted truth, what is recovered of it, and the exercises that go with them."""

import numpy as np
import pytest

from workbench import conjoint, project
from workbench.display import speaking
from workbench.reports import exercises
from workbench.simulate import interviews, studies

BOOK = exercises.module(project.root() / "notebooks", "conjoint").exercises


@pytest.fixture(scope="module")
def choices():
    """What respondents chose among the offers of a small design."""
    design = conjoint.choice_design(interviews.OFFER, tasks=8, alternatives=3, starts=1, seed=1)
    answers = studies.answers(design, interviews.WORTHS, 400, seed=1)
    return conjoint.choices(design, answers)


@pytest.fixture(scope="module")
def worth(choices):
    """What the levels are worth in money."""
    fit = conjoint.part_worths(choices, list(interviews.OFFER), numeric=["price"])
    return conjoint.willingness_to_pay(fit, "price", seed=1)


@pytest.fixture(scope="module")
def weight(choices):
    """How much each attribute counts."""
    fit = conjoint.part_worths(choices, list(interviews.OFFER))
    return conjoint.importance(fit, draws=40, seed=1)


def test_the_planted_worth_is_that_of_its_part_worths(worth):
    """By hand: two years of warranty against one differ by 0.6, and a unit of money weighs 0.045;
    the answer counts the intervals that hold such a truth.
    """
    result = interviews.recovered(worth, interviews.WORTHS)
    rows = result.table.set_index(["attribute", "level"])
    assert rows.loc[("warranty", "2 years"), "truth"] == pytest.approx(0.6 / 0.045)
    held = result.table["truth"].between(result.table["conf_low"], result.table["conf_high"])
    assert result.answer.values["count"] == held.sum() >= 4
    assert result.simulated
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english


def test_best_and_worst_are_two_items_of_every_task():
    """One of each, never the same, and the planted order comes back."""
    design = conjoint.best_worst_design([*interviews.FACTORS], tasks=6, per_task=4, seed=1)
    named = interviews.best_and_worst(design, interviews.FACTORS, people=30, seed=1)
    per_task = named.groupby(["respondent_id", "task"])
    assert per_task["best"].sum().eq(1).all()
    assert per_task["worst"].sum().eq(1).all()
    assert not (named["best"] & named["worst"]).any()
    shares = conjoint.best_worst(named).table.query("measure == 'share'")
    planted = sorted(interviews.FACTORS, key=interviews.FACTORS.get, reverse=True)
    assert set(shares["item"].head(2)) == set(planted[:2])
    assert shares["item"].iloc[-1] == planted[-1]


def test_prices_are_named_in_order_and_decide_who_would_buy():
    """Nobody finds a price cheap and expensive at once; whoever would buy at one price would at
    every lower one.
    """
    named = interviews.named_prices(80, seed=2)
    assert (np.diff(named[list(interviews.QUESTIONS)], axis=1) > 0).all()
    ladder = interviews.would_buy(named, prices=[40, 56, 72])
    yes = ladder.pivot_table(index="respondent_id", columns="price", values="would_buy").astype(int)
    assert (np.diff(yes, axis=1) <= 0).all()
    assert len(ladder) == 240


def test_numbers_with_many_values_get_a_straight_line(choices):
    """Four prices get a part-worth each; a hundred do not; words never do."""
    assert conjoint.numeric_attributes(choices, ["brand", "price"]) == []
    many = choices.assign(price=np.arange(len(choices)) % 100)
    assert conjoint.numeric_attributes(many, ["brand", "price"]) == ["price"]


def verdict(number, answer, *results):
    """Which sentence of an exercise an answer gets."""
    said = str(BOOK.check(number, answer, *results))
    exercise = BOOK.numbered[number]
    named = {"first": exercise.first, "right": exercise.right, **exercise.hints}
    return next((name for name, text in named.items() if text == said), "other")


def test_a_careful_surcharge(worth):
    """The lower end is right; the estimate and the upper end are known mistakes."""
    row = worth.table.loc[worth.table["estimate"].idxmax()]
    assert verdict(1, None, worth) == "first"
    for answer in (row["conf_low"], f"{row['conf_low']:.2f}".replace(".", ",")):
        assert verdict(1, answer, worth) == "right"
    assert verdict(1, row["estimate"], worth) == "estimate"
    assert verdict(1, row["conf_high"], worth) == "upper"
    assert verdict(1, -1e3, worth) == "other"


@pytest.mark.parametrize("money", ["price", "brand"])
def test_importance_over_half_the_range(weight, money):
    """Whichever attribute is money: half a range over a smaller sum, in any notation."""
    share = weight.table.set_index("attribute").loc[money, "estimate"]
    right = (share / 2) / (1 - share / 2)
    assert verdict(2, right, weight, money) == "right"
    assert verdict(2, f"{100 * right:.1f} %", weight, money) == "right"
    assert verdict(2, share, weight, money) == "unchanged"
    assert verdict(2, share / 2, weight, money) == "halved"
