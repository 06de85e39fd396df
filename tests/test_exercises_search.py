"""The exercises of the search notebook: right, known mistakes, and data that have no answer."""

from types import SimpleNamespace

import pandas as pd

from workbench import project
from workbench.reports import exercises

SEARCH = exercises.module(project.root() / "notebooks", "search").exercises


def said(number, answer, table):
    """The sentence an answer gets."""
    return str(SEARCH.check(number, answer, SimpleNamespace(table=table)))


def sets(bought, abandoned):
    """One alternative considered: counts of a hundred buyers and of fifty who gave up."""
    return pd.DataFrame(
        {
            "outcome": ["bought", "abandoned"],
            "size": ["1", "1"],
            "count": [bought, abandoned],
            "n": [100, 50],
            "estimate": [bought / 100, abandoned / 50],
        }
    )


def test_the_pooled_share_is_found():
    """Sixty and fifteen of a hundred and fifty: a half, and not the share of buyers."""
    exercise = SEARCH.numbered[1]
    table = sets(60, 15)
    assert said(1, None, table) == exercise.first
    assert said(1, 0.5, table) == said(1, "50 %", table) == exercise.right
    assert said(1, 0.6, table) == exercise.hints["buyers"]
    assert said(1, 0.9, table) == exercise.otherwise
    assert said(1, 0.5, table.iloc[1:]) == exercises.NO_TRUTH


def loops(low, high):
    """Shares that turn back, with the interval of those who gave up."""
    return pd.DataFrame(
        {
            "outcome": ["bought", "abandoned"],
            "measure": ["loop_share"] * 2,
            "estimate": [0.5, (low + high) / 2],
            "conf_low": [0.48, low],
            "conf_high": [0.52, high],
        }
    )


def test_overlapping_intervals_have_no_answer():
    """Apart, the larger share is right; where intervals overlap nobody is."""
    exercise = SEARCH.numbered[2]
    assert said(2, "bought", loops(0.40, 0.44)) == exercise.right
    assert said(2, "abandoned", loops(0.40, 0.44)) == exercise.otherwise
    assert said(2, "abandoned", loops(0.47, 0.51)) == exercises.NO_TRUTH
