"""What happens within a decision occasion: by hand, by slow twins, against planted truth, on both
engines.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import log, same
from test_funnels import random_log

from workbench import intervals, simulate, stages
from workbench.errors import InputError, NotEnoughData
from workbench.stages.profile import _subsequences

STAGES = ["search", "evaluation", "intent", "purchase"]


def shop(rows):
    """Events from (customer, minute, stage, brand, channel)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "minute", "event", "brand", "channel"])
    frame["occurred_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        frame.pop("minute"), unit="min"
    )
    return frame


DAY = 1440
ANN = [
    ("ann", 0, "search", "A", "web"),
    ("ann", 2, "evaluation", "A", "web"),
    ("ann", 4, "evaluation", "A", "web"),
    ("ann", 5, "search", None, "web"),
    ("ann", DAY, "evaluation", "B", "mail"),
    ("ann", DAY + 50, "intent", "B", "app"),
    ("ann", DAY + 51, "purchase", "B", "app"),
    ("ann", DAY + 60, "purchase", "C", "app"),
]


def test_an_occasion_one_can_count_by_hand():
    """Three visits, two brands considered, two steps back, nothing after the purchase counted."""
    row = stages.profile(shop([*ANN, ("end", 90 * DAY, "search", "A", "web")]), STAGES).iloc[0]
    assert row["outcome"] == "bought"
    assert row["path"] == "search > evaluation > search > evaluation > intent > purchase"
    assert (row["events"], row["sessions"], row["brands"], row["channels"], row["considered"]) == (
        7,
        3,
        2,
        3,
        2,
    )
    assert (row["spells"], row["backtracks"], row["rework"]) == (6, 1, 2)
    assert row["active_minutes"] == pytest.approx(5 + 1)
    assert row["minutes_evaluation"] == pytest.approx(3)
    assert row["minutes_search"] == pytest.approx(2)
    assert (row["first_channel"], row["last_channel"], row["events_evaluation"]) == (
        "web",
        "app",
        3,
    )


def test_complexity_has_its_golden_value():
    """A A B B with an alphabet of four: sqrt(1/3 × 1/2); one stage gives 0."""
    events = log(
        [
            ("a", 0, "A"),
            ("a", 1, "A"),
            ("a", 2, "B"),
            ("a", 3, "B"),
            ("b", 0, "C"),
            ("b", 1, "C"),
            ("c", 0, "D"),
        ]
    )
    found = stages.profile(events, ["A", "B", "C", "D"]).set_index("customer_id")["complexity"]
    assert found["a"] == pytest.approx(np.sqrt(1 / 3 * 1 / 2))
    assert found["b"] == 0
    assert found["c"] == 0


def test_turbulence_by_its_definition():
    """Different subsequences counted by listing them; equal spells give log2 of that times the
    largest spread plus one.
    """
    for path in ([0], [0, 1], [0, 1, 0], [0, 1, 2, 0, 1], [1, 0, 1, 0, 2]):
        every = {
            tuple(path[i] for i in range(len(path)) if mask >> i & 1)
            for mask in range(2 ** len(path))
        }
        assert _subsequences(path) == len(every)
    events = log([("a", 0, "A"), ("a", 1, "A"), ("a", 2, "B"), ("a", 3, "B"), ("b", 0, "C")])
    # Two spells of two: spread 0, largest possible (2 - 1)(1 - 2)² = 1, four subsequences.
    assert stages.profile(events, ["A", "B", "C"])["turbulence"][0] == pytest.approx(
        np.log2(4 * 2 / 1)
    )


def slow_profile(events, names, gap, timeout):
    """A row-by-row twin of `profile`, for outcome, events, sessions, path and backtracks."""
    out = []
    end = events["occurred_at"].max()
    gap, timeout, day = pd.Timedelta(gap), pd.Timedelta(timeout), pd.Timedelta("24h")
    for customer, rows in events[events["event"].isin(names)].groupby("customer_id"):
        rows = rows.assign(k=rows["event"].map(names.index)).sort_values(["occurred_at", "k"])
        occasions, current, last, previous = [], None, None, None
        for at, k in zip(rows["occurred_at"], rows["k"], strict=True):
            goal = len(names) - 1
            if (
                current is None
                or at - last > gap
                or (previous == goal and not (k == goal and at - last <= day))
            ):
                current = []
                occasions.append(current)
            current.append((at, k))
            last, previous = at, k
        for occasion in occasions:
            ks = [k for _, k in occasion]
            if goal in ks:
                cut = next(at for at, k in occasion if k == goal)
                outcome, kept = "bought", [(a, k) for a, k in occasion if a <= cut]
            else:
                outcome, kept = ("abandoned" if occasion[-1][0] + gap <= end else "open"), occasion
            path = [k for i, (_, k) in enumerate(kept) if i == 0 or k != kept[i - 1][1]]
            out.append(
                (
                    customer,
                    outcome,
                    len(kept),
                    1 + sum(b[0] - a[0] > timeout for a, b in pairwise(kept)),
                    " > ".join(names[k] for k in path[:15]),
                    sum(b < a for a, b in pairwise(path)),
                )
            )
    return sorted(out)


@pytest.mark.parametrize("seed", range(6))
def test_the_kernel_agrees_with_its_slow_twin(seed):
    """Random logs with ties: every occasion equal."""
    events = random_log(500, seed)
    made = stages.profile(events, ["p", "q", "r"], evaluation="q", gap="9h", timeout="3h")
    found = sorted(
        made[["customer_id", "outcome", "events", "sessions", "path", "backtracks"]].itertuples(
            index=False, name=None
        )
    )
    assert [tuple(r) for r in found] == slow_profile(events, ["p", "q", "r"], "9h", "3h")
    plain = stages.episodes(events, ["p", "q", "r"], gap="9h")
    same(
        made[["customer_id", "episode", "outcome", "first_stage", "days"]],
        plain[["customer_id", "episode", "outcome", "first_stage", "days"]],
    )


def test_both_engines_agree(to_spark):
    """Profile, carts, checkout and barriers from DuckDB and Spark."""
    events = random_log(400, 3).assign(
        brand=lambda d: d["event"] + "1",
        channel=lambda d: d["group"],
        group2=lambda d: np.where(d["group"] == d["group"].iloc[0], "x", "y"),
    )
    far = to_spark(events)
    for analysis in (
        lambda d: stages.profile(d, ["p", "q", "r"], evaluation="q", gap="9h"),
        lambda d: stages.carts(d, cart="p", order="r", window="5h"),
        lambda d: stages.checkout(d, ["p", "q", "r"], failed=None, window="5h").table,
        lambda d: (
            stages.barriers(
                d,
                ["p", "q", "r"],
                "x",
                stage="p",
                gap="9h",
                column="event",
                action="group2",
                adjust=["channel"],
            ).table
        ),
    ):
        a, b = analysis(far), analysis(events)
        same(a.reset_index(drop=True), b.reset_index(drop=True))


def test_degenerate_logs():
    """One event, equal times, a customer with thousands of stages: nothing breaks, nothing is
    invented.
    """
    one = stages.profile(log([("a", 0, "p"), ("a", 0, "q"), ("b", 0, "p")]), ["p", "q"])
    assert one["path"].tolist() == ["p > q", "p"] and one["considered"].isna().all()
    long = stages.profile(
        log([("a", h, "pq"[h % 2]) for h in range(60)] + [("b", 0, "z")]), ["p", "q", "z"]
    )
    assert long["path"][0].count(">") == 14 and long["spells"][0] == 60
    assert stages.profile(log([("a", 0, "p")]), ["p", "nope"])["nope"].tolist() == [False]
    with pytest.raises(NotEnoughData):
        stages.consideration(one)
    with pytest.raises(InputError, match="profile"):
        stages.path_complexity(one.drop(columns="rework"))


def test_skipping_is_corrected_to_its_golden_value():
    """Reach 0.60 seen with sensitivity 0.80 and specificity 0.95 is 0.733 in truth: 0.267 skip, not
    0.40.
    """
    bought = pd.DataFrame(
        {"customer_id": range(100), "outcome": "bought", "search": [True] * 60 + [False] * 40}
    )
    linked = pd.DataFrame(
        {
            "customer_id": range(200),
            "outcome": "bought",
            "true_search": [True] * 100 + [False] * 100,
            "search": [True] * 80 + [False] * 20 + [True] * 5 + [False] * 95,
        }
    )
    table = stages.skipping(bought, ["search"], linked=linked).table.set_index("kind")
    assert table.loc["observed", "estimate"] == pytest.approx(0.40)
    assert table.loc["corrected", "estimate"] == pytest.approx(
        1 - (0.60 + 0.95 - 1) / (0.80 + 0.95 - 1), abs=1e-12
    )
    assert (
        table.loc["corrected", "conf_low"]
        < table.loc["corrected", "estimate"]
        < table.loc["corrected", "conf_high"]
    )
    with pytest.raises(InputError, match="no more often"):
        stages.skipping(bought, ["search"], linked=linked.assign(search=~linked["search"]))


def test_joint_skipping_counts_what_is_missing_altogether():
    """Two of three buyers saw neither stage."""
    table = pd.DataFrame(
        {
            "customer_id": [1, 2, 3, 4],
            "outcome": ["bought"] * 3 + ["open"],
            "search": [False, False, True, False],
            "evaluation": [False, False, False, True],
        }
    )
    found = stages.skipping(table, ["search", "evaluation"]).table.set_index("stage")
    assert found.loc["search + evaluation", "count"] == 2
    assert found.loc["search + evaluation", "n"] == 3


def test_considered_sets_never_pool_buyers_with_others():
    """A buyer with nothing seen has considered one; an abandoned search may have none."""
    table = pd.DataFrame(
        {
            "customer_id": range(6),
            "outcome": ["bought"] * 3 + ["abandoned"] * 3,
            "considered": [0, 1, 3, 0, 0, 2],
        }
    )
    found = stages.consideration(table).table.set_index(["outcome", "size"])["count"]
    assert found["bought", "1"] == 2
    assert found["bought", "3"] == 1
    assert found["abandoned", "0"] == 2
    assert ("bought", "0") not in found


def test_trigger_intervals_hold_together():
    """Goodman's interval of a share is the Wilson interval at level 1 - alpha / k."""
    table = stages.triggers(
        pd.DataFrame(
            {"first_channel": ["a"] * 60 + ["b"] * 30 + ["c"] * 10, "customer_id": range(100)}
        )
    ).table
    low, high = intervals.wilson(60, 100, 1 - 0.05 / 3)
    assert (table["conf_low"][0], table["conf_high"][0]) == pytest.approx((float(low), float(high)))


def test_the_index_is_withheld_where_there_is_none():
    """Unrelated measures: no index, and no scores."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "customer_id": range(400),
            "outcome": "bought",
            "events": rng.poisson(5, 400),
            "days": rng.exponential(3, 400),
            "brands": rng.poisson(3, 400),
            "sessions": rng.poisson(4, 400),
            "backtracks": rng.poisson(2, 400),
        }
    )
    made = stages.decision_complexity(table, draws=50)
    assert made.model is None and any("No index" in str(s) for s in made.limits)
    common = rng.gamma(3, 1, 400)
    related = table.assign(
        **{
            c: rng.poisson(common * k)
            for c, k in (("events", 4), ("brands", 3), ("sessions", 5), ("backtracks", 4))
        },
        days=common,
    )
    made = stages.decision_complexity(related, draws=50)
    assert made.model is not None and np.corrcoef(made.model, np.log(common))[0, 1] > 0.8
    z = np.log1p(related[["brands", "events", "sessions", "days", "backtracks"]].to_numpy(float))
    first = np.linalg.eigvalsh(np.corrcoef(z.T))[-1] / 5
    assert made.table.set_index("component").loc["explained", "estimate"] == pytest.approx(first)


def test_time_is_compared_between_groups():
    """One group stays a day, the other two: a difference of one day, and a log-rank test that sees
    it; a group of no account is left out.
    """
    rows = []
    for i in range(40):
        rows += [
            (f"a{i}", 0, "look", "x"),
            (f"a{i}", 24 + i / 10, "cart", "x"),
            (f"b{i}", 0, "look", "y"),
            (f"b{i}", 48 + i / 10, "cart", "y"),
        ]
    events = log([*rows, ("c", 0, "look", "z"), ("end", 2000, "buy", "x")])
    made = stages.compare_time(
        events, ["look", "cart", "buy"], by="group", stage="look", horizon="5D"
    )
    table = made.table.set_index("group")
    assert table.loc["x", "estimate"] == pytest.approx(-1.0)
    assert table.loc["y", "restricted_mean"] == pytest.approx(2 + 1.95 / 24)
    assert "z" not in table.index
    assert table["p_holm"].max() < 1e-6 and "p = <0.001" in str(made.limits[0])


def test_three_groups_are_compared_each_with_the_rest():
    """With three groups everyone is set against the others, and the slowest comes out slowest."""
    rows = [
        r
        for i in range(40)
        for k, name in enumerate("xyz")
        for r in (
            (f"{name}{i}", 0, "look", name),
            (f"{name}{i}", 24 * (k + 1) + i / 10, "cart", name),
        )
    ]
    made = stages.compare_time(
        log([*rows, ("end", 2000, "buy", "x")]),
        ["look", "cart", "buy"],
        by="group",
        stage="look",
        horizon="5D",
    ).table.set_index("group")
    assert list(made["restricted_mean"].rank()) == [1, 2, 3]
    assert made.loc[["x", "z"], "p_holm"].max() < 0.05
    assert made.loc["z", "estimate"] > 0 > made.loc["x", "estimate"]


def test_sources_by_hand():
    """Four contacts: half written; an event cannot be of two kinds."""
    events = log(
        [("a", 0, "guide"), ("a", 1, "guide"), ("a", 2, "talk"), ("b", 0, "web"), ("b", 1, "order")]
    )
    table = stages.source_mix(
        events, {"written": ["guide"], "online": ["web"], "word_of_mouth": ["talk"]}
    ).table
    assert table["count"].tolist() == [2, 1, 1] and (table["n"] == 4).all()
    with pytest.raises(InputError, match="two kinds"):
        stages.source_mix(events, {"written": ["guide"], "online": ["guide"]})


def test_hazards_by_hand():
    """Three spells in search: one given up the same day, one on its third day, one moves on after
    two days.
    """
    day = 24
    events = log(
        [
            ("a", 0, "search"),
            ("b", 0, "search"),
            ("b", 2.5 * day, "search"),
            ("c", 0, "search"),
            ("c", 2 * day, "intent"),
            ("z", 200 * day, "buy"),
        ]
    )
    table = stages.hazards(events, ["search", "intent", "buy"], days=(0, 1)).table.set_index(
        ["stage", "from_day"]
    )
    assert table.loc[("search", 0.0), ["count", "n"]].tolist() == [1, 3]
    assert table.loc[("search", 1.0), ["count", "n"]].tolist() == [1, 4]
    assert table.loc[("intent", 0.0), "count"] == 1
    with pytest.raises(InputError, match="days"):
        stages.hazards(events, ["search", "intent", "buy"], days=(1, 3))


def test_dark_paths_by_hand():
    """One buyer appears at the till, one from the start."""
    table = stages.unobserved_paths(
        pd.DataFrame(
            {
                "customer_id": [1, 2, 3],
                "outcome": ["bought", "bought", "open"],
                "first_stage": ["intent", "search", "intent"],
            }
        ),
        ["search", "intent", "buy"],
    ).table
    assert table[["count", "n"]].to_numpy().tolist() == [[1, 2], [1, 2]]


# --- carts, checkout, barriers, checkpoints


def test_carts_one_can_count_by_hand():
    """Ann orders, Bob waits too long and comes back, Cas is too young to judge, Dan fills a second
    cart.
    """
    events = log(
        [
            ("ann", 0, "cart"),
            ("ann", 3, "order"),
            ("bob", 0, "cart"),
            ("bob", 30, "order"),
            ("cas", 95, "cart"),
            ("dan", 0, "cart"),
            ("dan", 50, "cart"),
            ("dan", 60, "cart"),
            ("dan", 61, "order"),
            ("end", 100, "view"),
        ]
    )
    carts = stages.carts(events, cart="cart", order="order")
    assert carts[["customer_id", "outcome", "items"]].to_numpy().tolist() == [
        ["ann", "ordered", 1],
        ["bob", "abandoned", 1],
        ["cas", "open", 1],
        ["dan", "abandoned", 1],
        ["dan", "ordered", 2],
    ]
    row = stages.cart_abandonment(carts).table.iloc[0]
    assert (row["count"], row["n"], row["immature"]) == (2, 4, 1)
    back = stages.recovery(carts, window="2D").table.iloc[0]
    assert (back["count"], back["n"]) == (1, 2), "Bob came back in 30 hours, Dan after 61"


def test_recovery_against_a_holdout():
    """The difference of two shares with Newcombe's interval; without hold-out a refusal."""
    day = pd.Timestamp("2024-01-01", tz="UTC")
    carts = pd.DataFrame(
        {
            "customer_id": range(200),
            "cart": 1,
            "opened_at": day,
            "last_at": day,
            "ordered_at": pd.NaT,
            "outcome": "abandoned",
            "items": 1,
            "value": np.nan,
            "returned_at": (
                [day + pd.Timedelta("2D")] * 30
                + [pd.NaT] * 70
                + [day + pd.Timedelta("3D")] * 20
                + [pd.NaT] * 80
            ),
            "sent": [True] * 100 + [False] * 100,
        }
    )
    table = stages.recovery(carts, contacted="sent", until="2024-02-01").table.set_index("group")
    low, _ = intervals.newcombe(30, 100, 20, 100)
    assert table.loc["difference", "estimate"] == pytest.approx(0.1)
    assert table.loc["difference", "conf_low"] == pytest.approx(float(low))
    with pytest.raises(NotEnoughData):
        stages.recovery(carts.assign(sent=True), contacted="sent", until="2024-02-01")


def test_lost_payments_are_told_apart_by_their_last_try():
    """Declined, slow, and left by choice; a retry that works is no loss."""
    rows = [
        ("a", 0, "cart", np.nan),
        ("a", 1, "pay", 1.0),
        ("a", 1.5, "declined", 2.0),
        ("b", 0, "cart", np.nan),
        ("b", 1, "pay", 9.0),
        ("c", 0, "cart", np.nan),
        ("c", 1, "pay", 1.0),
        ("d", 0, "cart", np.nan),
        ("d", 1, "declined", 1.0),
        ("d", 2, "pay", 1.0),
        ("d", 3, "order", np.nan),
        ("e", 0, "cart", np.nan),
        ("z", 99, "cart", np.nan),
    ]
    events = log([r[:3] for r in rows]).assign(value=[r[3] for r in rows])
    table = stages.checkout(events, ["cart", "pay", "order"], failed="declined").table.set_index(
        ["measure", "step"]
    )
    assert table.loc[("step", "cart"), ["count", "n"]].tolist() == [1, 5]
    assert table.loc[("step", "pay"), ["count", "n"]].tolist() == [3, 4]
    assert table.loc["payment"]["count"].tolist() == [1, 1, 1]


def test_a_barrier_shows_only_where_it_is_planted():
    """Adjusted next-step cost on the market with barriers and without: beyond 0, and around it."""
    found = {}
    for name, off in (("on", ()), ("off", ("barrier",))):
        market = simulate.market(8000, seed=4, no_effect=off)
        truth = market.truth["events"]
        events = market["events"].assign(
            stage=truth[truth["tracked"]].reset_index(drop=True)["stage"]
        )
        made = stages.barriers(
            events,
            ["need", "search", "evaluation", "intent", "purchase"],
            "out_of_stock",
            stage="evaluation",
            adjust=["device"],
            draws=100,
        )
        found[name] = made.table.set_index("measure").loc["cost_adjusted"]
        assert made.evidence == "associational"
    assert found["on"]["conf_low"] > 0.02
    assert found["off"]["conf_low"] < 0 < found["off"]["conf_high"]


def test_checkpoints_have_control_limits():
    """A p-chart by hand; a period far out is marked; nonsense is refused."""
    days = pd.date_range("2024-01-01", periods=14, tz="UTC").repeat(100)
    passed = np.tile(np.arange(100) < 50, 14)
    passed[13 * 100 :] = np.arange(100) < 90
    table = pd.DataFrame({"opened_at": days, "sessions": np.where(passed, 1, 5)})
    made = stages.checkpoints(table, {"quick": "sessions <= 3"}, period="day").table
    centre = made["count"].sum() / 1400
    assert made["centre"][0] == pytest.approx(centre)
    assert made["outside"].tolist() == [False] * 13 + [True]
    for rule in ("sessions +", "sessions + 1", "visits > 2"):
        with pytest.raises(InputError, match="checkpoint"):
            stages.checkpoints(table, {"x": rule})


def test_the_quantile_interval_covers():
    """Woodruff's interval with clustered rows: at least nine in ten, and wider than if rows were
    people.
    """
    rng = np.random.default_rng(4)
    hits, wide = 0, []
    for _ in range(200):
        level = rng.normal(0, 1, 60)
        who = np.repeat(np.arange(60), 8)
        values = level[who] + rng.normal(0, 0.5, 480)
        made = intervals.quantile(values, who)
        hits += made["conf_low"] <= 0 <= made["conf_high"]
        wide.append(
            (made["conf_high"] - made["conf_low"])
            > (lambda m: m["conf_high"] - m["conf_low"])(intervals.quantile(values, np.arange(480)))
        )
    assert 0.9 <= hits / 200 <= 0.99 and np.mean(wide) > 0.95
