"""Exercises on interests: right in several notations, mistakes recognised."""

from test_exercises import FOLDER, verdict
from test_results import LIKED

from workbench import interests
from workbench.reports import exercises
from workbench.simulate import tastes

SAID = exercises.module(FOLDER, "interests").exercises


def test_which_links_hold_is_a_share_of_those_found():
    acts = tastes.tastes(900, seed=3).acts
    pairs = interests.related(acts[acts["space"] == "personal"])
    share = pairs.table["replicated"].sum() / pairs.table["discovered"].sum()
    assert verdict(SAID, 1, share, pairs) == "right"
    if 0 < share < 1:
        assert verdict(SAID, 1, 1 - share, pairs) == "lost"


def test_the_gain_is_not_the_ndcg():
    new = interests.recommend(LIKED)
    rows = new.table[new.table["measure"] == "ndcg"].set_index("method")
    assert verdict(SAID, 2, rows.loc["neighbours", "gain"], new) == "right"
    assert verdict(SAID, 2, rows.loc["neighbours", "estimate"], new) == "alone"
    assert verdict(SAID, 2, rows.loc["popularity", "estimate"], new) == "popularity"
