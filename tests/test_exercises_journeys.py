"""The exercises of the journeys notebook: right, known mistakes, other parameters, no data."""

import pytest
from test_funnels import random_log

from workbench import display, journeys, project, simulate, stages
from workbench.reports import exercises

JOURNEYS = exercises.module(project.root() / "notebooks", "journeys").exercises


@pytest.fixture(scope="module")
def counted():
    """Visits of forty customers under each rule."""
    return journeys.compare_sessions(random_log(900, 11))


@pytest.fixture(scope="module")
def staged():
    """Events of a small market with their stages."""
    events = simulate.market(700, seed=4)["events"]
    return stages.staged(events, gap="30D").dropna(subset=["stage"])


def flow_of(staged, gap="30D", conf_level=0.95):
    """Decisions from stage to stage, as the notebook has them."""
    present = stages.present(staged)
    occasions = stages.profile(staged, present, column="stage", gap=gap)
    return stages.flows(occasions, present, conf_level=conf_level)


def to_purchase(flow):
    """The row from intent to purchase."""
    table = flow.table
    return table[(table["from_stage"] == "intent") & (table["to_stage"] == "purchase")].iloc[0]


def test_a_fall_comes_from_the_denominator(counted):
    """Right as a share or a percentage; growth of the visits and the plain difference are not."""
    exercise = JOURNEYS.numbered[1]
    visits = counted.table.set_index("definition")["estimate"]
    short, long = visits["pause_15"], visits["pause_60"]
    assert str(JOURNEYS.check(1, None, counted)) == exercise.first
    for right in (1 - long / short, f"{100 * (1 - long / short):.1f} %"):
        assert str(JOURNEYS.check(1, right, counted)) == exercise.right
    mistakes = {"growth": short / long - 1, "ratio": long / short, "difference": short - long}
    for name, given in mistakes.items():
        assert str(JOURNEYS.check(1, given, counted)) == exercise.hints[name]
    assert str(JOURNEYS.check(1, 7, counted)) == exercise.otherwise


@pytest.mark.parametrize(("gap", "conf_level"), [("30D", 0.95), ("7D", 0.8), ("60D", 0.99)])
def test_the_least_one_can_plan_with(staged, gap, conf_level):
    """The lower end is right in any notation and under any rule, estimate and upper end are not."""
    exercise, flow = JOURNEYS.numbered[2], flow_of(staged, gap, conf_level)
    row = to_purchase(flow)
    low = row["conf_low"]
    assert str(JOURNEYS.check(2, None, flow)) == exercise.first
    for written in (low, 100 * low, f"{100 * low:.1f} %", f"{100 * low:.1f}".replace(".", ",")):
        assert str(JOURNEYS.check(2, written, flow)) == exercise.right
    assert str(JOURNEYS.check(2, row["estimate"], flow)) == exercise.hints["estimate"]
    assert str(JOURNEYS.check(2, row["conf_high"], flow)) == exercise.hints["upper"]
    assert str(JOURNEYS.check(2, 0, flow)) == exercise.otherwise


def test_nobody_goes_from_intent_to_a_purchase(staged):
    """Without that step the exercise says that these data are too few."""
    flow = flow_of(staged[staged["stage"] != "intent"])
    assert str(JOURNEYS.check(2, 0.4, flow)) == exercises.NO_TRUTH


def test_in_dutch(counted):
    """Hints follow the language in use."""
    with display.speaking("nl"):
        assert str(JOURNEYS.check(1, 7, counted)).startswith("**Nog niet.**")
        assert str(JOURNEYS.check(2, None, counted)).startswith("*Hint.* Zoek")
