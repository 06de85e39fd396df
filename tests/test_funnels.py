"""Funnels: by hand, by brute force, by independent SQL, and on both engines."""

import numpy as np
import pandas as pd
import pytest
from brute import funnel
from conftest import THOROUGH, log, same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import engine, funnels
from workbench.errors import InputError, NotEnoughData

HOUR = 3_600_000_000


def counts(result, **where):
    """The customers that reached each step."""
    table = result.table[result.table["basis"] == "entry"]
    for k, v in where.items():
        table = table[table[k] == v]
    return table["count"].tolist()


def test_a_funnel_one_can_count_by_hand():
    """Ann buys in time, Bob too late, Cas only looks, Dan buys without looking."""
    events = log(
        [
            ("ann", 0, "view"),
            ("ann", 5, "cart"),
            ("ann", 9, "buy"),
            ("bob", 0, "view"),
            ("bob", 1, "cart"),
            ("bob", 30, "buy"),
            ("cas", 2, "view"),
            ("dan", 3, "buy"),
            ("end", 100, "other"),
        ]
    )
    result = funnels.conversion(events, ["view", "cart", "buy"], window="24h")
    assert counts(result) == [3, 2, 1]
    row = result.table.set_index(["basis", "step"]).loc[("previous", "buy")]
    assert (row["count"], row["n"], row["estimate"]) == (1, 2, 0.5)
    first = result.table.iloc[0]
    assert first["estimate"] == 1 and np.isnan(first["conf_low"]), (
        "a share true by definition has no interval"
    )


def test_a_second_try_counts_unless_only_the_first_entry_does():
    """The first start runs out of time, the second makes it."""
    events = log([("a", 0, "view"), ("a", 50, "view"), ("a", 51, "buy"), ("z", 200, "other")])
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h")) == [1, 1]
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h", entry="first")) == [
        1,
        0,
    ]
    gap = funnels.compare_entry(events, ["view", "buy"], window="24h")
    assert "100.0 %" in str(gap.limits[0])


def test_the_last_moment_of_the_window_counts():
    """The window includes its end, to the microsecond."""
    events = log(
        [("a", 0, "view"), ("a", 24, "buy"), ("b", 0, "view"), ("b", 24, "buy"), ("z", 99, "x")]
    )
    events.loc[3, "occurred_at"] += pd.Timedelta("1us")
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h")) == [2, 1]


def test_a_window_measured_in_one_unit_is_the_same_in_another():
    """24 hours are one day."""
    events = log([("a", 0, "view"), ("a", 24, "buy"), ("z", 99, "x")])
    same(
        funnels.conversion(events, ["view", "buy"], window="24h").table,
        funnels.conversion(events, ["view", "buy"], window="1D").table,
    )


def test_young_attempts_are_left_out_on_both_sides():
    """Bob entered an hour before the end: he is neither a success nor a failure."""
    events = log(
        [("a", 0, "view"), ("a", 1, "buy"), ("b", 99, "view"), ("b", 99.5, "buy"), ("z", 100, "x")]
    )
    result = funnels.conversion(events, ["view", "buy"], window="24h")
    assert counts(result) == [1, 1]
    assert result.table["immature"].iloc[0] == 1
    assert any("too recently" in str(s) for s in result.limits)


def test_strict_wants_the_very_next_step_event():
    """Another step in between breaks it; an event that is no step breaks it only where asked."""
    events = log(
        [
            ("a", 0, "view"),
            ("a", 1, "buy"),
            ("a", 2, "cart"),
            ("b", 0, "view"),
            ("b", 1, "x"),
            ("b", 2, "cart"),
            ("z", 99, "x"),
        ]
    )
    steps = ["view", "cart", "buy"]
    assert counts(funnels.conversion(events, steps, window="24h", order="strict")) == [2, 1, 0]
    assert counts(
        funnels.conversion(events, steps, window="24h", order="strict", strict_among="all")
    ) == [2, 0, 0]
    assert counts(funnels.conversion(events, steps, window="24h", order="any")) == [2, 2, 1]


def test_equal_moments_chain_in_step_order_and_are_flagged():
    """At one instant the earlier step comes first, whatever row stands first; ties='later' forbids
    it.
    """
    events = log([("a", 0, "buy"), ("a", 0, "view"), ("z", 99, "x")])
    loose = funnels.conversion(events, ["view", "buy"], window="24h")
    assert counts(loose) == [1, 1] and any("same instant" in str(s) for s in loose.limits)
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h", ties="later")) == [1, 0]


def test_a_step_that_returns_needs_two_events():
    """One purchase is not a repeat purchase."""
    events = log([("a", 0, "buy"), ("b", 0, "buy"), ("b", 5, "buy"), ("z", 99, "x")])
    for order in funnels.ORDERS:
        assert counts(funnels.conversion(events, ["buy", "buy"], window="24h", order=order)) == [
            2,
            1,
        ]
    chained = funnels.conversion(events, ["buy", "buy"], window="24h", ties="rank")
    assert counts(chained) == [2, 1]
    with pytest.raises(InputError, match="ties"):
        funnels.conversion(events, ["buy", "buy"], ties="2s")


def test_groups_follow_the_event_that_opened_the_attempt():
    """A customer who entered by two channels counts once under each; no channel is a group of its
    own.
    """
    events = log(
        [
            ("a", 0, "view", "ad"),
            ("a", 1, "buy", None),
            ("a", 2, "view", "mail"),
            ("b", 0, "view", None),
            ("z", 99, "x", "ad"),
        ]
    )
    result = funnels.conversion(events, ["view", "buy"], window="24h", by="group")
    assert counts(result, group="ad") == [1, 1]
    assert counts(result, group="mail") == [1, 0]
    assert counts(result, group="missing") == [1, 0]


def test_attempts_of_one_group_do_not_displace_those_of_another():
    """A visit on mobile, one on desktop, then a purchase: both attempts reach it."""
    events = log(
        [
            ("a", 0, "view", "mobile"),
            ("a", 10, "view", "desktop"),
            ("a", 20, "buy", "desktop"),
            ("z", 99, "x", "mobile"),
        ]
    )
    for order in ("ordered", "any"):
        result = funnels.conversion(events, ["view", "buy"], window="48h", by="group", order=order)
        assert counts(result, group="mobile") == counts(result, group="desktop") == [1, 1]


def test_rows_after_until_are_not_looked_at():
    """Cutting the table at `until` or naming it gives the same numbers."""
    events = random_log(900, 3)
    cut = events[events["occurred_at"] < "2024-01-03"]
    for options in (
        {"window": "9h"},
        {"window": None},
        {"window": "9h", "order": "any"},
        {"window": "9h", "by": "group"},
    ):
        late = funnels.conversion(events, ["p", "q", "r"], until="2024-01-02", **options)
        early = funnels.conversion(cut, ["p", "q", "r"], until="2024-01-02", **options)
        same(late.table, early.table)


def test_an_attempt_stays_within_what_is_held():
    """A purchase under another campaign does not finish this one."""
    events = log(
        [
            ("a", 0, "view", "g", "c1"),
            ("a", 1, "buy", "g", "c2"),
            ("b", 0, "view", "g", "c1"),
            ("b", 1, "buy", "g", "c1"),
            ("z", 99, "x", "g", "c1"),
        ]
    )
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h", hold="held")) == [2, 1]


def test_drop_off_asks_for_any_later_step():
    """Ann skips the cart and buys: she did not drop at view."""
    events = log(
        [
            ("a", 0, "view"),
            ("a", 1, "buy"),
            ("b", 0, "view"),
            ("c", 0, "view"),
            ("c", 1, "cart"),
            ("z", 99, "x"),
        ]
    )
    table = funnels.drop_off(events, ["view", "cart", "buy"], window="24h").table
    assert table["count"].tolist() == [1, 1] and table["n"].tolist() == [3, 1]


def test_what_cannot_be_answered_says_so():
    """Unknown steps, options, windows and empty tables."""
    events = log([("a", 0, "view"), ("a", 1, "buy")])
    with pytest.raises(NotEnoughData, match="Did you mean 'view'"):
        funnels.conversion(events, ["viev", "buy"])
    with pytest.raises(InputError, match="unit"):
        funnels.conversion(events, ["view", "buy"], window=14)
    with pytest.raises(InputError, match="order"):
        funnels.conversion(events, ["view", "buy"], order="sorted")
    with pytest.raises(InputError, match="at least two"):
        funnels.conversion(events, ["view"])
    with pytest.raises(InputError, match="customer_id"):
        funnels.conversion(events.rename(columns={"customer_id": "customer"}), ["view", "buy"])
    with pytest.raises(NotEnoughData):
        funnels.conversion(events, ["view", "buy"], window="14D")
    with pytest.raises(NotEnoughData, match="no event"):
        funnels.conversion(events.iloc[:0], ["view", "buy"])


def test_rows_without_customer_or_time_do_not_take_part():
    """A missing key is nobody, not one giant customer."""
    events = log([("a", 0, "view"), (None, 0, "view"), (None, 1, "buy"), ("z", 99, "x")])
    events.loc[len(events)] = ["b", pd.NaT, "view"]
    assert counts(funnels.conversion(events, ["view", "buy"], window="24h")) == [1, 0]


ROW = st.tuples(
    st.sampled_from("abc"),
    st.integers(0, 12),
    st.sampled_from(["p", "q", "r", "x"]),
    st.sampled_from(["g", "h"]),
    st.sampled_from(["m", "n"]),
)


@settings(max_examples=100 * THOROUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(ROW, min_size=1, max_size=14),
    window=st.sampled_from([None, 0.5, 2, 5]),
    order=st.sampled_from(funnels.ORDERS),
    entry=st.sampled_from(["every", "first"]),
    ties=st.sampled_from(["rank", "later"]),
    steps=st.sampled_from([["p", "q"], ["p", "q", "r"], ["q", "p", "q"], ["p", "p", "q"]]),
    hold=st.booleans(),
    among=st.sampled_from(["steps", "all"]),
)
def test_the_engine_agrees_with_exhaustive_search(
    rows, window, order, entry, ties, steps, hold, among
):
    """Three orders, ties, windows, repeated steps, held columns: every count equals that of the
    search.
    """
    if len(set(steps)) < len(steps):
        ties = "later"
    if entry == "first":
        # Which of two openers at one instant is the first decides only in step order; keep times
        # apart.
        rows = [(c, i + t * 100, e, g, h) for i, (c, t, e, g, h) in enumerate(rows)]
        window = None if window is None else window * 100
    rows = [*rows, *((f"only-{s}", 0, s, "g", "m") for s in steps)]
    events = log(rows)
    end = max(r[1] for r in rows)
    if not hold:
        rows = [(*r[:4], "all") for r in rows]
    expected = funnel(
        rows, steps, window=window, order=order, entry=entry, ties=ties, end=end, strict_among=among
    )
    options = {
        "window": None if window is None else f"{window}h",
        "order": order,
        "entry": entry,
        "ties": ties,
        "hold": "held" if hold else None,
        "strict_among": among,
        "by": "group",
    }
    try:
        found = funnels.conversion(events, steps, **options)
    except NotEnoughData:
        assert not any(v[0] for v in expected.values())
        return
    for group in ("g", "h"):
        assert (counts(found, group=group) or [0] * len(steps)) == expected.get(
            group, [0] * len(steps)
        )


def sql_twin(steps, window):
    """The ordered funnel as portable window functions: the latest start of a chain, handed from
    step to step.
    """
    cases = " ".join(f"WHEN '{s}' THEN {i}" for i, s in enumerate(steps))
    over = (
        "OVER (PARTITION BY customer ORDER BY t, k ROWS BETWEEN UNBOUNDED PRECEDING AND 1"
        " PRECEDING)"
    )
    text = (
        f"WITH e AS (SELECT customer, t, CASE event {cases} END AS k FROM ev), c0 AS (SELECT"
        " customer, t, k, CASE WHEN k = 0 THEN t END AS s0 FROM e WHERE k IS NOT NULL)"
    )
    for j in range(1, len(steps)):
        kept = ", ".join(f"s{i}" for i in range(j))
        text += (
            f", w{j} AS (SELECT customer, t, k, {kept}, max(s{j - 1}) {over} AS before FROM"
            f" c{j - 1}), c{j} AS (SELECT customer, t, k, {kept}, CASE WHEN k = {j} AND t - before"
            f" <= {window} THEN before END AS s{j} FROM w{j})"
        )
    last = len(steps) - 1
    parts = " UNION ALL ".join(
        f"SELECT {i} AS step, count(DISTINCT CASE WHEN s{i} IS NOT NULL THEN customer END) AS n"
        f" FROM c{last}"
        for i in range(len(steps))
    )
    return f"{text} SELECT step, n FROM ({parts}) AS u ORDER BY step"


def random_log(rows, seed, customers=40):
    """A log with many ties."""
    rng = np.random.default_rng(seed)
    frame = log(
        [
            (int(c), float(t), e)
            for c, t, e in zip(
                rng.integers(0, customers, rows),
                rng.integers(0, 400, rows) / 4,
                rng.choice(["p", "q", "r", "x"], rows),
                strict=True,
            )
        ]
    )
    frame["group"] = rng.choice(["g", "h"], rows)
    return frame


def view_of(events):
    """The canonical view the SQL twins read."""
    return engine.view(
        events, customer=engine.key("customer_id"), t=engine.micros("occurred_at"), event="event"
    )


@pytest.mark.parametrize("seed", range(5))
def test_an_independent_sql_twin_agrees(seed):
    """Window functions reach the same counts."""
    events = random_log(1500, seed)
    twin = engine.run(sql_twin(["p", "q", "r"], 5 * HOUR), ev=view_of(events))["n"].tolist()
    until = events["occurred_at"].max() + pd.Timedelta("5h")
    assert counts(funnels.conversion(events, ["p", "q", "r"], window="5h", until=until)) == twin


@pytest.mark.spark
def test_spark_gives_the_same_tables(to_spark):
    """Every order, grouped and held, equal on both engines; the SQL twin runs there unchanged."""
    events = random_log(600, 9)
    events["customer_id"] = "c" + events["customer_id"].astype(str)
    there = to_spark(events)
    for order in funnels.ORDERS:
        options = {"window": "5h", "order": order, "by": "group"}
        same(
            funnels.conversion(events, ["p", "q", "r"], **options).table,
            funnels.conversion(there, ["p", "q", "r"], **options).table,
        )
    same(
        funnels.conversion(events, ["p", "q", "p"], window="9h", hold="group").table,
        funnels.conversion(there, ["p", "q", "p"], window="9h", hold="group").table,
    )
    same(
        funnels.drop_off(events, ["p", "q", "r"], window="5h").table,
        funnels.drop_off(there, ["p", "q", "r"], window="5h").table,
    )
    text = sql_twin(["p", "q", "r"], 5 * HOUR)
    same(engine.run(text, ev=view_of(events)), engine.run(text, ev=view_of(there)))
