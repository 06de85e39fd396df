"""Exercises on texts: right in several notations, mistakes recognised."""

import pandas as pd
from test_exercises import FOLDER, verdict

from workbench import voice
from workbench.reports import exercises
from workbench.simulate import writing

SAID = exercises.module(FOLDER, "voices").exercises


def test_what_labels_move_has_a_sign():
    wrote = writing.texts(1200, seed=3)
    feeling = voice.sentiment(wrote.texts, writing.labels(wrote, 300, seed=3))
    row = feeling.table.set_index("measure").loc["negative"]
    moved = row["estimate"] - row["scored"]
    assert verdict(SAID, 1, moved, feeling) == "right"
    assert verdict(SAID, 1, f"{100 * moved:.1f} %".replace(".", ","), feeling) == "right"
    assert verdict(SAID, 1, -moved, feeling) == "turned"
    assert verdict(SAID, 1, 9 * moved, feeling) == "other"


def test_the_most_negative_is_not_the_most_named():
    said = ["price is good"] * 30 + ["delivery was bad"] * 12
    at = pd.Timestamp("2024-01-01", tz="UTC")
    table = pd.DataFrame({"text_id": range(42), "text": said, "created_at": at})
    things = voice.aspects(table)
    assert verdict(SAID, 2, "Delivery", things) == "right"
    assert verdict(SAID, 2, "price", things) == "named"
