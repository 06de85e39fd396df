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


def test_what_a_report_may_say():
    """Sentences about pages stand where the intervals allow; causes and minds never do."""
    exercise = SEARCH.numbered[2]

    def said_of(answer, turns, brands):
        handed = (SimpleNamespace(table=t) for t in (turns, brands))
        return str(SEARCH.check(2, answer, *handed))

    few, most = (sets(k, 15).assign(conf_low=k / 100 - 0.05) for k in (40, 60))
    assert said_of(None, loops(0.40, 0.44), most) == exercise.first
    assert said_of("ad", loops(0.40, 0.44), most) == exercise.right
    assert said_of("d", loops(0.47, 0.51), most) == exercise.right
    assert said_of("none", loops(0.47, 0.51), few) == exercise.right
    assert said_of("abd", loops(0.40, 0.44), most) == exercise.hints["cause"]
    assert said_of("acd", loops(0.40, 0.44), most) == exercise.hints["mind"]
    assert said_of("bc", loops(0.40, 0.44), most) == exercise.otherwise
    assert said_of("ad", loops(0.40, 0.44), most.iloc[1:]) == exercises.NO_TRUTH
