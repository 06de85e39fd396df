"""The exercises of the journeys notebook: right, and known mistakes."""

import pytest
from test_funnels import random_log

from workbench import journeys, project
from workbench.reports import exercises

JOURNEYS = exercises.module(project.root() / "notebooks", "journeys").exercises


@pytest.fixture(scope="module")
def counted():
    """Visits of forty customers under each rule."""
    return journeys.compare_sessions(random_log(900, 11))


def test_growth_is_measured_against_what_was_there(counted):
    """Right as a share or a percentage; the plain difference is a known mistake."""
    exercise = JOURNEYS.numbered[1]
    visits = counted.table.set_index("definition")["estimate"]
    short, long = visits["pause_15"], visits["pause_60"]
    assert str(JOURNEYS.check(1, None, counted)) == exercise.first
    assert str(JOURNEYS.check(1, short / long - 1, counted)) == exercise.right
    assert str(JOURNEYS.check(1, f"{100 * (short / long - 1):.1f} %", counted)) == exercise.right
    assert str(JOURNEYS.check(1, short - long, counted)) == exercise.hints["difference"]
    assert str(JOURNEYS.check(1, 1 - long / short, counted)) == exercise.hints["after"]
    assert str(JOURNEYS.check(1, 7, counted)) == exercise.otherwise
