"""Exercises on segments: right in several notations, mistakes recognised."""

import pandas as pd
from test_exercises import FOLDER, verdict
from test_results import KINDS_OF_SHOPPERS

from workbench import segments
from workbench.reports import exercises

SAID = exercises.module(FOLDER, "segments").exercises


def test_who_changed_is_not_who_stayed():
    before = pd.DataFrame({"customer_id": range(40), "usage": ["low"] * 20 + ["heavy"] * 20})
    after = before.assign(usage=["low"] * 15 + ["heavy"] * 25)
    moved = segments.migration(before, after, segment="usage")
    assert verdict(SAID, 1, 0.125, moved) == "right"
    assert verdict(SAID, 1, "12,5 %", moved) == "right"
    assert verdict(SAID, 1, 0.875, moved) == "stayed"
    assert verdict(SAID, 1, 0.5, moved) == "other"


def test_what_demographics_add_is_not_what_they_foretell():
    foretold = segments.bases(
        KINDS_OF_SHOPPERS,
        demographics=["stage"],
        behaviour=["visits", "basket"],
        outcome="later",
        draws=60,
    )
    rows = foretold.table.set_index("basis")["estimate"]
    assert verdict(SAID, 2, rows["both_less_behaviour"], foretold) == "right"
    assert verdict(SAID, 2, rows["behaviour_less_demographics"], foretold) == "versus"
