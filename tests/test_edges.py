"""Edges at which a plausible rule gives a wrong number: rare goals, young occasions, repeated
customers, odd ids, missing columns.
"""

import contextlib

import numpy as np
import pandas as pd
import pytest
from conftest import log

from workbench import display, funnels, intervals, journeys, load, simulate, stages
from workbench.errors import InputError, NotEnoughData, WorkbenchError

DAY = 24


def test_a_rare_goal_makes_no_path_a_finding():
    """Goal in 3 % of visits by luck: paths that happen to have none are not called different."""
    alarms = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        rows = []
        for c in range(1500):
            a, b = rng.integers(0, 4, 2)
            rows += [
                (c, 0, f"a{a}"),
                (c, 0.1, f"b{b}"),
                *([(c, 0.2, "buy")] if rng.random() < 0.03 else []),
            ]
        with contextlib.suppress(NotEnoughData):
            paths = journeys.distinguishing_paths(log(rows), "buy", steps=2).table
            alarms += paths["p_adjusted"].min() < 0.05
    assert alarms <= 3


def test_a_path_cannot_hold_its_own_success():
    """Visits that begin with the goal tell of no path and are counted apart."""
    rows = (
        [(i, 0, "order") for i in range(100)]
        + [r for i in range(100, 500) for r in ((i, 0, "a"), (i, 0.1, "b"))]
        + [r for i in range(500, 600) for r in ((i, 0, "a"), (i, 0.1, "b"), (i, 0.2, "order"))]
    )
    made = journeys.distinguishing_paths(log(rows), "order", steps=2)
    assert made.table["path"].tolist() == ["a > b"]
    assert made.table["estimate"][0] == 0
    assert made.table["n"][0] == 500
    assert any("100 visits" in str(s) for s in made.limits)


def test_departures_at_a_class_edge_are_not_lost():
    """A hundred leave on day 7 exactly, a hundred buy then: half of those at risk leave."""
    rows = [r for i in range(100) for r in ((f"a{i}", 0, "s"), (f"a{i}", 7 * DAY, "s"))] + [
        r for i in range(100) for r in ((f"b{i}", 0, "s"), (f"b{i}", 7 * DAY, "buy"))
    ]
    table = stages.hazards(
        log([*rows, ("z", 100 * DAY, "buy")]), ["s", "buy"], days=(0, 3, 7)
    ).table.set_index("from_day")
    assert table.loc[7, ["count", "n"]].tolist() == [100, 200] and table.loc[0, "count"] == 0
    assert table.loc[0, "conf_high"] > 0, "nobody left: the interval still has an upper end"


@pytest.mark.parametrize("days", [45, 60, 120])
def test_young_occasions_do_not_bend_hazards_and_barriers(days):
    """A constant chance to leave is found, however close the end of the data."""
    rng = np.random.default_rng(1)
    rows = []
    for c in range(4000):
        t = rng.uniform(0, days)
        while t < days:
            hit = rng.random() < 0.2
            rows.append((c, t * DAY, "evaluation", "out" if hit else "look"))
            if rng.random() < (0.5 if hit else 0.3):
                break
            if rng.random() < 0.3:
                rows.append((c, (t + 0.5) * DAY, "purchase", "order"))
                break
            t += 1
    events = log([r[:3] for r in rows]).assign(action=[r[3] for r in rows])
    made = stages.barriers(
        events,
        ["evaluation", "purchase"],
        "out",
        stage="evaluation",
        column="event",
        action="action",
    ).table.set_index("measure")
    assert (
        made.loc["left_after_barrier", "conf_low"] - 0.02
        <= 0.5
        <= made.loc["left_after_barrier", "conf_high"] + 0.02
    )
    assert (
        made.loc["left_after_other", "conf_low"] - 0.02
        <= 0.3
        <= made.loc["left_after_other", "conf_high"] + 0.02
    )


def test_carts_are_watched_on_both_sides():
    """Half of all carts are ordered after a day; with a window of a week young orders must not
    count while young silences cannot.
    """
    rng = np.random.default_rng(2)
    rows = []
    for c in range(3000):
        t = rng.uniform(0, 14)
        rows.append((c, t * DAY, "cart"))
        if rng.random() < 0.5 and t + 1 < 14:
            rows.append((c, (t + 1) * DAY, "order"))
    events = log([*rows, (-1, 14 * DAY, "order")])
    carts = stages.carts(events, cart="cart", window="7D")
    row = stages.cart_abandonment(carts).table.iloc[0]
    assert row["conf_low"] < 0.5 < row["conf_high"] and row["immature"] > 1000
    till = stages.checkout(events, ["cart", "order"], failed=None, window="7D").table.iloc[0]
    assert till["conf_low"] < 0.5 < till["conf_high"]


def test_recovery_counts_customers_not_carts():
    """A message drawn by customer, six carts each, no effect: the interval holds 0 about as often
    as it says.
    """
    rng = np.random.default_rng(3)
    day, hits = pd.Timestamp("2024-01-01", tz="UTC"), 0
    for _ in range(100):
        p, sent = np.repeat(rng.beta(0.4, 0.6, 150), 6), np.repeat(rng.random(150) < 0.5, 6)
        back = rng.random(900) < p
        carts = pd.DataFrame(
            {
                "customer_id": np.repeat(np.arange(150), 6),
                "cart": 1,
                "opened_at": day,
                "last_at": day,
                "ordered_at": pd.NaT,
                "outcome": "abandoned",
                "mature": True,
                "items": 1,
                "value": np.nan,
                "returned_at": pd.Series(np.where(back, day + pd.Timedelta("1D"), pd.NaT)),
                "sent": sent,
            }
        )
        carts["returned_at"] = pd.to_datetime(carts["returned_at"], utc=True)
        row = (
            stages.recovery(carts, contacted="sent", until="2024-02-01")
            .table.set_index("group")
            .loc["difference"]
        )
        hits += row["conf_low"] <= 0 <= row["conf_high"]
    assert hits >= 88


def test_what_was_not_measured_is_not_zero():
    """Without seconds no payment is called slow; orders without a cart say nothing of the cart;
    without off-line contacts nothing is said of them.
    """
    events = log([("a", 0, "cart"), ("a", 1, "pay"), ("b", 0, "order"), ("z", 99, "cart")])
    table = stages.checkout(events, ["cart", "pay", "order"], failed=None).table
    assert table[["step", "count", "n"]].to_numpy().tolist() == [
        ["cart", 0, 1],
        ["pay", 1, 1],
        ["not_explained", 1, 1],
    ]
    profile = pd.DataFrame(
        {
            "customer_id": [1, 2],
            "first_channel": ["web", "mail"],
            "last_channel": "web",
            "channels": [1, 2],
            "outcome": "bought",
        }
    )
    assert journeys.omnichannel(profile).table["measure"].tolist() == ["several_channels"]


def test_a_long_pause_is_no_long_look():
    """A return after twenty days does not make the last page of a visit an evaluation."""
    events = log(
        [
            ("a", 0, "product_view"),
            ("a", 20 * DAY, "home_view"),
            ("b", 0, "product_view"),
            ("c", 0, "product_view"),
            ("c", 0.01, "home_view"),
        ]
    )
    out = stages.assign(events).set_index(["customer_id", "event"])["stage"]
    assert out["a", "product_view"] == out["b", "product_view"] == "search"
    assert out["c", "product_view"] == "evaluation"


def test_columns_stay_beside_their_events():
    """Ids as floats, as pandas makes them where one is missing; another table is refused."""
    events = log(
        [("x", 0, "search"), ("x", 1, "search"), ("x", 2, "search"), ("x", 3, "search")]
    ).assign(customer_id=[1.0, 2.0, 10.0, np.nan], v=["one", "two", "ten", "none"])
    assigned = stages.assign(events.drop(columns="v"))
    beside = dict(zip(assigned["customer_id"], stages.align(events, assigned, "v"), strict=True))
    assert beside == {1: "one", 2: "two", 10: "ten"}
    with pytest.raises(InputError, match="do not match"):
        stages.align(events.assign(event="order"), assigned, "v")


def test_the_purchase_is_the_event_you_name():
    """Another name for an order is taken; a misspelt one is nobody's, and its neighbour named."""
    events = log([("a", 0, "site_search"), ("a", 1, "bestelling")])
    assert stages.assign(events, order="bestelling")["stage"].tolist() == ["search", "purchase"]
    slip = stages.assign(events, order="bestellling")
    assert "purchase" not in set(slip["stage"])
    assert slip.attrs["limits"][0]["values"]["near"] == "bestelling"


def test_later_answers_take_no_part():
    """A model of May learns from the answers of May."""
    market = simulate.market(1200, seed=5)
    labels = simulate.stated_stages(market)
    early = labels[labels["answered_at"] < "2025-05-02"]
    a, b = (
        stages.fit_latent(market["events"], labels=given, until="2025-05-01", rounds=3)
        for given in (labels, early)
    )
    assert 0 < a.labels + a.held <= len(early) and np.allclose(a.moves, b.moves)


def test_where_a_moment_may_lie():
    """Outside the data there is nothing to say; without answers there is no interval."""
    market = simulate.market(400, seed=5)
    model = stages.fit_latent(market["events"], rounds=3)
    for moment in ("2019-01-01", "2030-01-01"):
        with pytest.raises(InputError, match="outside the data"):
            stages.posterior(market["events"], model, moment=moment)
    made = stages.stage_distribution(stages.posterior(market["events"], model))
    assert made.table["conf_low"].isna().all() and str(made.limits[0]).startswith("Not calibrated")


def test_two_groups_are_one_comparison_and_overlap_is_counted_once():
    """With two groups no correction; customers in several groups do not count as several."""
    rng = np.random.default_rng(6)
    rows = [
        r
        for i in range(200)
        for r in (
            (i, 0, "view", "gh"[i % 2]),
            *([(i, 1, "buy", "gh"[i % 2])] if rng.random() < 0.4 else []),
        )
    ]
    two = funnels.compare_groups(
        log([*rows, ("end", 999, "view", "g")]), ["view", "buy"], by="group", window="9h"
    ).table
    assert (two["p_holm"] == two["p_value"]).all()
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = []
        for i in range(150):
            lasting = rng.random() < 0.4
            for g in "abcdefg" if i >= 75 else "x":
                rows += [(i, ord(g), "view", g), *([(i, ord(g) + 1, "buy", g)] if lasting else [])]
        table = funnels.compare_groups(
            log([*rows, ("end", 9999, "view", "x")]), ["view", "buy"], by="group", window="1h"
        ).table.set_index("group")
        alarms += table.loc["x", "p_value"] < 0.05
    assert alarms <= 6


def test_intervals_of_shares_do_not_collapse_when_one_customer_returns():
    """A share of 2 % with one repeated customer: as good as without."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(400):
        hit = rng.random(151) < 0.02
        made = intervals.share(hit, np.append(np.arange(150), 0))
        hits += made["conf_low"] <= 0.02 <= made["conf_high"]
    assert hits / 400 > 0.93


def test_purchases_before_are_those_before():
    """Two occasions side by side: what is bought after the second opened is no earlier purchase."""
    events = log(
        [
            ("a", 0, "look", "g", "A"),
            ("a", 1 * DAY, "look", "g", "B"),
            ("a", 2 * DAY, "buy", "g", "B"),
            ("a", 5 * DAY, "buy", "g", "A"),
            ("a", 9 * DAY, "look", "g", "A"),
        ]
    )
    assert stages.profile(events, ["look", "buy"], hold="held")["orders_before"].tolist() == [
        0,
        0,
        2,
    ]


def test_answers_and_orders_may_be_untidy():
    """Times without zone, a missing one, ids as text on one side."""
    answers = pd.DataFrame(
        {
            "customer_id": [1, 2, 3],
            "answered_at": pd.to_datetime(["2024-01-01"] * 3),
            "value": [8, 2, 2],
        }
    )
    orders = pd.DataFrame(
        {"customer_id": ["1", "2"], "ordered_at": pd.to_datetime(["2024-01-05", None])}
    )
    assert (
        stages.intention(answers, orders, until="2024-06-01")
        .table.set_index("answer")
        .loc["all", "count"]
        == 1
    )


def test_files_say_what_is_wrong(tmp_path):
    """An empty Parquet, a time zone that does not exist, answers without a column; a simulated file
    keeps its mark.
    """
    mapping = {
        "table": "events",
        "columns": {"customer_id": "customer_id", "occurred_at": "occurred_at", "event": "event"},
    }
    events = simulate.market(50, seed=1)["events"]
    events.head(0).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(WorkbenchError, match="no row"):
        load.file(tmp_path / "none.parquet", mapping)
    with pytest.raises(InputError, match="time zone"):
        load.read_mapping({**mapping, "zone": "Europe/Amsterdm"})
    events.to_parquet(tmp_path / "some.parquet")
    assert load.file(tmp_path / "some.parquet", mapping)["events"].attrs["simulated"]
    (tmp_path / "a.csv").write_text("customer_id,answered_at\n1,2024-01-01\n")
    with pytest.raises(InputError, match="stage"):
        load.answers(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no such file"):
        load.answers(tmp_path / "b.csv")
    with pytest.raises(NotEnoughData):
        journeys.paths(events.head(0))


def test_numbers_read_as_people_write_them():
    """Durations in words, tiny p-values as such, differences in points."""
    assert display.span("30D") == "30 days" and display.p_value(1e-12) == "<0.001"
    display.use("nl")
    try:
        assert display.span("30min") == "30 minuten"
        assert display.word("order") == "bestelling"
        assert display.header("order") == "volgorde"
    finally:
        display.use("en")
