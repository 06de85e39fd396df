"""The exercises of the journeys notebook: right, known mistakes, other parameters, no data."""

from types import SimpleNamespace

import pandas as pd
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
    present = stages.observed_stages(staged)
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


def diaries(intent, purchase):
    """The corrected reach of two stages, as `stages.by_diary` gives it."""
    rows = [
        {"kind": kind, "measure": "reach", "term": term, "estimate": share}
        for kind, shift in (("counted", 0.2), ("corrected", 0.0))
        for term, share in (("intent", intent + shift), ("purchase", purchase + shift))
    ]
    table = pd.DataFrame(rows)
    spread = {"conf_low": table["estimate"] - 0.01, "conf_high": table["estimate"] + 0.01}
    return SimpleNamespace(table=table.assign(**spread))


@pytest.mark.parametrize(("gap", "conf_level"), [("30D", 0.95), ("7D", 0.8)])
def test_decisions_and_not_occasions(staged, gap, conf_level):
    """The share of decisions is right in any notation; that of occasions is not."""
    exercise, flow = JOURNEYS.numbered[2], flow_of(staged, gap, conf_level)
    row, told = to_purchase(flow), diaries(0.48, 0.24)
    assert str(JOURNEYS.check(2, None, flow, told)) == exercise.first
    for written in (0.5, 50, "50 %", "50,0"):
        assert str(JOURNEYS.check(2, written, flow, told)) == exercise.right
    assert str(JOURNEYS.check(2, row["estimate"], flow, told)) == exercise.hints["flow"]
    assert str(JOURNEYS.check(2, row["conf_low"], flow, told)) == exercise.hints["careful"]
    assert str(JOURNEYS.check(2, 0.24, flow, told)) == exercise.hints["reach"]
    assert str(JOURNEYS.check(2, 0, flow, told)) == exercise.otherwise


def test_nobody_kept_a_diary(staged):
    """Without diaries, as with a file of one's own, there is no answer."""
    assert str(JOURNEYS.check(2, 0.4, flow_of(staged), None)) == exercises.NO_TRUTH


def test_in_dutch(counted):
    """Hints follow the language in use."""
    with display.speaking("nl"):
        assert str(JOURNEYS.check(1, 7, counted)).startswith("**Nog niet.**")
        assert str(JOURNEYS.check(2, None, counted, None)).startswith("*Hint.* De planner")
