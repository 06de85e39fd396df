"""Sessions and transitions: by hand, by independent SQL, on both engines."""

import numpy as np
import pandas as pd
import pytest
from conftest import log, same
from test_funnels import HOUR, random_log, view_of
from test_results import ANALYSES

from workbench import engine, journeys
from workbench.display import speaking
from workbench.errors import NotEnoughData

SESSIONS = """WITH a AS (SELECT customer, t, CASE WHEN t - lag(t) OVER (PARTITION BY customer ORDER
  BY t) <= {gap} THEN 0 ELSE 1 END AS new
              FROM ev), b AS (SELECT customer, t, sum(new) OVER (PARTITION BY customer ORDER BY t
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
              AS sid FROM a), c AS (SELECT customer, sid, min(t) AS a, max(t) AS z, count(*) AS n
                FROM b GROUP BY customer, sid)
              SELECT count(*) AS sessions, CAST(sum(n) AS BIGINT) AS events, CAST(sum(z - a) AS
                BIGINT) AS length,
              count(CASE WHEN n = 1 THEN 1 END) AS single FROM c"""
MOVES = """WITH a AS (SELECT event, t, lead(event) OVER (PARTITION BY customer ORDER BY t, event)
  AS next_event,
           lead(t) OVER (PARTITION BY customer ORDER BY t, event) AS nt FROM ev)
           SELECT event, next_event, count(*) AS n FROM a WHERE next_event IS NOT NULL AND nt - t
             <= {gap}
           GROUP BY event, next_event ORDER BY event, next_event"""


def test_sessions_by_hand():
    """A pause of exactly the time-out keeps a session together, one second more ends it."""
    events = log([("a", 0, "p"), ("a", 0.5, "q"), ("a", 2, "p"), ("b", 1, "p")])
    table = journeys.sessions(events, timeout="30min").table.set_index("measure")
    assert table.loc["sessions_per_customer", ["total", "n", "estimate"]].tolist() == [3, 2, 1.5]
    assert table.loc["events_per_session", ["total", "n"]].tolist() == [4, 3]
    assert table.loc["seconds_per_session", "total"] == 1800
    assert table.loc["one_event_share", "estimate"] == pytest.approx(2 / 3)


def test_transitions_by_hand():
    """Out of p people go to q twice and to p once; the error counts customers, not moves."""
    events = log(
        [("a", 0, "p"), ("a", 1, "q"), ("a", 2, "p"), ("a", 3, "q"), ("b", 0, "p"), ("b", 1, "p")]
    )
    table = journeys.transitions(events).table.set_index(["event", "next_event"])
    assert table.loc[("p", "q"), ["count", "n"]].tolist() == [2, 3]
    assert table.loc[("p", "p"), ["count", "n"]].tolist() == [1, 3]
    # Ratio 2/3 over customers (2 of 2, 0 of 1): residuals 2/3 and −2/3.
    assert table.loc[("p", "q"), "std_error"] == pytest.approx(
        np.sqrt(2 / 1 * 2 * (2 / 3) ** 2) / 3
    )


def test_too_little_to_say():
    """One event each has no transitions; an empty table no sessions."""
    with pytest.raises(NotEnoughData):
        journeys.transitions(log([("a", 0, "p"), ("b", 1, "p")]))
    with pytest.raises(NotEnoughData):
        journeys.sessions(log([("a", 0, "p")]).iloc[:0])


@pytest.mark.parametrize("seed", range(3))
def test_sql_twins_agree(seed):
    """Window functions count the same sessions and moves."""
    events = random_log(2000, seed)
    twin = engine.run(SESSIONS.format(gap=HOUR), ev=view_of(events)).iloc[0]
    table = journeys.sessions(events, timeout="1h").table.set_index("measure")
    assert table.loc["events_per_session", ["total", "n"]].tolist() == [
        twin["events"],
        twin["sessions"],
    ]
    assert table.loc["seconds_per_session", "total"] == pytest.approx(twin["length"] / 1e6)
    assert table.loc["one_event_share", "count"] == twin["single"]
    moves = engine.run(MOVES.format(gap=3 * HOUR), ev=view_of(events)).set_index(
        ["event", "next_event"]
    )["n"]
    found = (
        journeys.transitions(events, timeout="3h")
        .table.set_index(["event", "next_event"])["count"]
        .sort_index()
    )
    pd.testing.assert_series_equal(found, moves, check_names=False, check_dtype=False)


@pytest.mark.spark
def test_spark_gives_the_same_tables(to_spark):
    """And its own run of the twins too."""
    events = random_log(500, 4)
    there = to_spark(events)
    same(journeys.sessions(events).table, journeys.sessions(there).table)
    same(
        journeys.transitions(events, timeout="3h").table,
        journeys.transitions(there, timeout="3h").table,
    )
    same(
        engine.run(MOVES.format(gap=HOUR), ev=view_of(events)),
        engine.run(MOVES.format(gap=HOUR), ev=view_of(there)),
    )


ANSWERED = (
    "conversion",
    "compare_entry",
    "compare_orders",
    "drop_off",
    "compare_definitions",
    "compare_groups",
    "sessions",
    "transitions",
    "compare_sessions",
    "paths",
    "distinguishing_paths",
    "next_event",
    "lifecycle",
    "tagging",
    "omnichannel",
    "identity_quality",
)
# What the sentence names besides: orders of chains are words in the table.
ALSO = {"next_event": (0, 1, 2)}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_says_what_the_table_says(name):
    """Every share, interval and count of the sentence stands in the table; it speaks Dutch."""
    data, analysis = ANALYSES[name]
    result = analysis(data)
    table = result.table.select_dtypes("number").to_numpy(float).ravel()
    have = np.append(table, [result.n, *ALSO.get(name, ())])
    for _, called, value in result.answer.facts():
        if isinstance(value, (int, float)):
            assert np.isclose(have, value, rtol=1e-9).any(), (called, value)
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english
