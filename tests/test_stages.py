"""Episodes, reach, time in stage and time to purchase: by hand, by a slow twin, on both engines."""

import numpy as np
import pandas as pd
import pytest
from conftest import THOROUGH, log, same
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import stages
from workbench.errors import InputError, NotEnoughData

STEPS = ["see", "look", "buy"]


def test_episodes_by_hand():
    """Ann buys, comes back and gives up; Bob is still open when the data end."""
    events = log(
        [
            ("ann", 0, "see"),
            ("ann", 2, "look"),
            ("ann", 3, "buy"),
            ("ann", 10, "see"),
            ("bob", 99, "look"),
            ("z", 100, "x"),
        ]
    )
    table = stages.episodes(events, STEPS, gap="24h")
    rows = table[
        ["customer_id", "episode", "outcome", "first_stage", "last_stage", "events"]
    ].values.tolist()
    assert rows == [
        ["ann", 1, "bought", "see", "buy", 3],
        ["ann", 2, "abandoned", "see", "see", 1],
        ["bob", 1, "open", "look", "look", 1],
    ]
    assert (table["days"] * 24).round(9).tolist() == [3, 24, 1]
    assert table["left_censored"].tolist() == [True, True, False]
    assert table[STEPS].values.tolist() == [
        [True, True, True],
        [True, False, False],
        [False, True, False],
    ]


def test_two_orders_within_a_day_are_one_decision():
    """A second order after two hours belongs to the first; one after two days does not."""
    events = log(
        [
            ("a", 0, "see"),
            ("a", 1, "buy"),
            ("a", 3, "buy"),
            ("b", 0, "see"),
            ("b", 1, "buy"),
            ("b", 49, "buy"),
            ("z", 99, "see"),
        ]
    )
    assert stages.episodes(events, ["see", "buy"]).groupby("customer_id").size().to_dict() == {
        "a": 1,
        "b": 2,
        "z": 1,
    }


def test_reach_counts_episodes_and_customers():
    """Half of the occasions skip the middle stage."""
    events = log(
        [
            ("a", 0, "see"),
            ("a", 1, "look"),
            ("a", 2, "buy"),
            ("b", 0, "see"),
            ("b", 1, "buy"),
            ("z", 200, "x"),
        ]
    )
    table = stages.reach(stages.episodes(events, STEPS, gap="24h"), STEPS).table.set_index("stage")
    assert table.loc["look", ["count", "n", "estimate", "customers"]].tolist() == [1, 2, 0.5, 1]
    assert table.loc["look", "conf_low"] == pytest.approx(0.0945, abs=1e-4), (
        "Wilson, since every customer has one episode"
    )


def test_giving_up_competes_with_buying():
    """The golden case: bought at 1, abandoned at 2, bought at 3, open at 4."""
    episodes = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "days": [1.0, 2, 3, 4],
            "outcome": ["bought", "abandoned", "bought", "open"],
        }
    )
    result = stages.time_to_purchase(episodes)
    assert result.table["estimate"].iloc[-1] == pytest.approx(0.5)
    assert any("median is 2" in str(s) for s in result.limits)


def test_time_in_stage_censors_the_last_stay():
    """Two people look for 2 and 4 hours before they buy; the third never moves on."""
    events = log(
        [
            ("a", 0, "look"),
            ("a", 2, "buy"),
            ("b", 0, "look"),
            ("b", 1, "look"),
            ("b", 4, "buy"),
            ("c", 0, "look"),
            ("z", 500, "x"),
        ]
    )
    table = stages.time_in_stage(events, ["look", "buy"], gap="48h").table.set_index("quantile")
    assert table.loc["lower_quartile", "estimate"] * 24 == pytest.approx(2)
    assert table.loc["median", "estimate"] * 24 == pytest.approx(4)
    assert np.isnan(table.loc["upper_quartile", "estimate"])
    assert table["count"].tolist() == [2, 2, 2] and table["n"].tolist() == [3, 3, 3]


def test_the_gap_is_shown_to_matter():
    """A pause of ten days ends the occasion under a week's gap, not under a month's."""
    events = log([("a", 0, "see"), ("a", 240, "buy"), ("b", 0, "see"), ("z", 2000, "x")])
    table = stages.gap_sensitivity(events, ["see", "buy"], gaps=["7D", "30D"]).table
    assert table["n"].tolist() == [3, 2] and table["count"].tolist() == [1, 1]


def test_a_gap_that_does_not_matter_is_not_made_to():
    """Three in ten buy at once, the others never: whatever the gap, the share is three in ten."""
    rows = [(i, i % 100 * 24.0, "see") for i in range(300)] + [
        (i, i % 100 * 24.0 + 5, "buy") for i in range(0, 300, 10)
    ]
    rows += [(i, i % 100 * 24.0 + 5, "buy") for i in range(1, 300, 10)] + [
        (i, i % 100 * 24.0 + 5, "buy") for i in range(2, 300, 10)
    ]
    table = stages.gap_sensitivity(log(rows), ["see", "buy"], gaps=["7D", "60D"]).table
    assert table["estimate"].to_numpy() == pytest.approx([0.3, 0.3], abs=0.01)


def test_where_people_gave_up():
    """Of two abandoned occasions one ended at look."""
    events = log(
        [("a", 0, "see"), ("b", 0, "see"), ("b", 1, "look"), ("c", 0, "buy"), ("z", 999, "x")]
    )
    table = stages.drop_location(stages.episodes(events, STEPS, gap="24h"), STEPS).table
    assert table[["stage", "count", "n"]].values.tolist() == [["see", 1, 2], ["look", 1, 2]]


def test_errors():
    """A stage that nobody has, one stage, nothing to work with."""
    events = log([("a", 0, "see"), ("a", 1, "buy")])
    slip = stages.episodes(events, ["see", "buyy"])
    assert not slip["buyy"].any() and slip.attrs["limits"][0]["values"]["near"] == "buy"
    with pytest.raises(InputError, match="at least two"):
        stages.episodes(events, ["see"])
    with pytest.raises(NotEnoughData):
        stages.drop_location(stages.episodes(events, ["see", "buy"]), ["see", "buy"])


def slow_episodes(rows, gap, end):
    """Episodes one row at a time."""
    out = []
    for c in sorted({r[0] for r in rows}):
        mine = sorted((t, STEPS.index(e)) for who, t, e in rows if who == c and e in STEPS)
        current = []
        for t, k in mine:
            closed = current and (
                t - current[-1][0] > gap
                or (current[-1][1] == 2 and not (k == 2 and t - current[-1][0] <= 24))
            )
            if closed:
                out.append((c, current))
                current = []
            current = [*current, (t, k)]
        if current:
            out.append((c, current))
    table = []
    for c, es in out:
        bought = [t for t, k in es if k == 2]
        last = es[-1][0]
        outcome = "bought" if bought else "abandoned" if last + gap <= end else "open"
        closed = min(bought) if bought else last + gap if outcome == "abandoned" else max(end, last)
        table.append((c, outcome, closed - es[0][0], len(es), {k for _, k in es}))
    return table


@settings(max_examples=120 * THOROUGH, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 120), st.sampled_from([*STEPS, "x"])),
        min_size=1,
        max_size=14,
    )
)
def test_episodes_agree_with_a_slow_twin(rows):
    """Row by row and vectorised come to the same episodes."""
    rows = [*rows, *(("seed", 0, s) for s in STEPS)]
    table = stages.episodes(log(rows), STEPS, gap="30h")
    found = [
        (
            r.customer_id,
            r.outcome,
            round(r.days * 24, 6),
            r.events,
            {i for i, s in enumerate(STEPS) if getattr(r, s)},
        )
        for r in table.itertuples()
    ]
    key = lambda r: (r[0], r[1], r[2], r[3], sorted(r[4]))  # noqa: E731
    assert sorted(found, key=key) == sorted(
        slow_episodes(rows, 30, max(r[1] for r in rows)), key=key
    )


@pytest.mark.spark
def test_spark_gives_the_same_tables(to_spark):
    """Episodes and quantiles, with a held column."""
    rng = np.random.default_rng(1)
    events = log(
        [
            (f"c{c}", float(t), s, "g", h)
            for c, t, s, h in zip(
                rng.integers(0, 30, 400),
                rng.integers(0, 900, 400),
                rng.choice(STEPS, 400),
                rng.choice(["m", "n"], 400),
                strict=True,
            )
        ]
    )
    there = to_spark(events)
    same(stages.episodes(events, STEPS, hold="held"), stages.episodes(there, STEPS, hold="held"))
    same(stages.time_in_stage(events, STEPS).table, stages.time_in_stage(there, STEPS).table)
    same(stages.gap_sensitivity(events, STEPS).table, stages.gap_sensitivity(there, STEPS).table)
