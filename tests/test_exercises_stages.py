"""The exercises of the stages notebook: right, known mistakes, and data that have no answer."""

import pytest
from conftest import log

from workbench import display, funnels, project
from workbench.reports import exercises

STAGES = exercises.module(project.root() / "notebooks", "stages").exercises
STEPS = ["view", "cart", "buy"]


@pytest.fixture(scope="module")
def events():
    """Forty look, twenty of them add to the cart, four of those buy, one of them late."""
    rows = [(f"c{i}", 0, "view") for i in range(40)]
    rows += [(f"c{i}", 1, "cart") for i in range(20)]
    rows += [(f"c{i}", 2 if i else 200, "buy") for i in range(4)]
    return log([*rows, ("end", 2000, "other")])


def said(number, answer, result):
    """The sentence an answer gets."""
    return str(STAGES.check(number, answer, result))


def test_the_weakest_step_is_found_by_its_share(events):
    """Twenty are lost before the cart, seventeen before buying: but of twenty, not of forty."""
    entry = funnels.compare_entry(events, STEPS, window="48h")
    exercise = STAGES.numbered[1]
    assert said(1, None, entry) == exercise.first
    assert said(1, " Buy", entry) == exercise.right
    assert said(1, display.word("buy"), entry) == exercise.right
    assert said(1, "cart", entry) == exercise.hints["number"]
    assert said(1, "view", entry) == exercise.otherwise


def test_the_rule_that_matters_most_is_no_tool(events):
    """Without a window the late purchase counts; nothing else changes as much."""
    tools = funnels.compare_definitions(events, STEPS, window="48h")
    exercise = STAGES.numbered[2]
    assert said(2, None, tools) == exercise.first
    right = exercise.truth(tools)
    assert right is None or said(2, right.value[0], tools) == exercise.right
    assert said(2, "no rule at all", tools) in (exercise.otherwise, exercises.NO_TRUTH)


def test_where_nothing_differs_there_is_no_answer(events):
    """Everybody buys at once: no rule moves the share."""
    same = events[events["event"] != "buy"]
    tools = funnels.compare_definitions(same, ["view", "cart"], window="48h")
    assert said(2, "rule_no_window", tools) == exercises.NO_TRUTH
