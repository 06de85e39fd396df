"""Exercises on surveys: right in several notations, mistakes recognised."""

from test_exercises import FOLDER, verdict

from workbench import surveys
from workbench.reports import exercises
from workbench.simulate import asking, truth

SAID = exercises.module(FOLDER, "satisfaction").exercises


def test_the_width_of_a_change_is_not_that_of_a_wave():
    waves = surveys.trend(asking.survey(1500, seed=2).surveys, item="recommend", measure="nps")
    last = waves.table.iloc[-1]
    right = last["change_high"] - last["change_low"]
    assert verdict(SAID, 1, right, waves) == "right"
    assert verdict(SAID, 1, f"{right:.1f}".replace(".", ","), waves) == "right"
    assert verdict(SAID, 1, last["conf_high"] - last["conf_low"], waves) == "level"
    assert verdict(SAID, 1, right / 2, waves) == "other"


def test_what_weights_leave_is_not_what_they_mended():
    asked = asking.survey(1500, seed=2)
    changed = surveys.weight_effect(
        surveys.rake(asked.surveys, asked.margins), item="recommend", measure="nps"
    )
    everybody = dict.fromkeys(changed.table["basis"], asked.truth["nps"])
    near = truth.recovery(changed, everybody, key="basis")
    off = near.table.set_index("term")["deviation"]
    assert verdict(SAID, 2, off["weighted"], near) == "right"
    assert verdict(SAID, 2, off["unweighted"], near) == "unweighted"
