"""Visits by tools' rules, paths, lifecycle, sources and identities: by hand, by slow twins, on both
engines.
"""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import log, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_funnels import random_log

from workbench import intervals, journeys, simulate
from workbench.errors import InputError, NotEnoughData


def at(*rows, **more):
    """Events from (customer, time, event)."""
    frame = pd.DataFrame(rows, columns=["customer_id", "occurred_at", "event"])
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"], format="ISO8601"), **more)


def visits(events, rule, zone="UTC"):
    """Visits under a rule."""
    return int(
        journeys.sessions(events, rule=rule, zone=zone)
        .table.set_index("measure")
        .loc["sessions_per_customer", "total"]
    )


def test_three_tools_cut_visits_in_their_own_way():
    """Midnight, a new campaign, a day without a pause: each tool by its documentation."""
    midnight = at(("a", "2024-01-01 23:50", "x"), ("a", "2024-01-02 00:05", "x"))
    assert (visits(midnight, "ga4"), visits(midnight, "matomo"), visits(midnight, "posthog")) == (
        1,
        2,
        1,
    )
    assert visits(midnight, "matomo", "Europe/Amsterdam") == 1, (
        "in Amsterdam it is past midnight already"
    )
    assert (
        journeys.sessions(midnight, rule="ga4")
        .table.set_index("measure")
        .loc["sessions_by_day", "total"]
        == 2
    )
    campaign = at(
        ("a", "2024-01-01 10:00", "x"),
        ("a", "2024-01-01 10:05", "x"),
        ("a", "2024-01-01 10:10", "x"),
        campaign=["spring", None, "summer"],
    )
    assert (visits(campaign, "ga4"), visits(campaign, "matomo")) == (1, 2)
    assert visits(campaign.assign(campaign=["spring", None, "spring"]), "matomo") == 1
    long = at(
        *(
            ("a", f"2024-01-{1 + m // 1440:02d} {m % 1440 // 60:02d}:{m % 60:02d}", "x")
            for m in range(0, 3000, 20)
        )
    )
    assert (visits(long, "ga4"), visits(long, "posthog")) == (1, 3), "50 hours in pieces of 24"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4000)), min_size=1, max_size=40))
def test_the_longest_visit_agrees_with_a_walk(rows):
    """PostHog's 24 hours against a loop over the rows."""
    events = log([(c, m, "x") for c, m in rows], unit="min")
    count = 0
    for _, mine in events.groupby("customer_id"):
        begin = last = None
        for moment in sorted(mine["occurred_at"]):
            if (
                begin is None
                or moment - last > pd.Timedelta("30min")
                or moment - begin > pd.Timedelta("24h")
            ):
                count, begin = count + 1, moment
            last = moment
    assert visits(events, "posthog") == count


def slow_paths(events, steps, timeout, goal=None):
    """Paths of visits row by row: Counter of (path, won)."""
    out = Counter()
    for _, rows in events.groupby("customer_id"):
        rows = rows.sort_values(["occurred_at", "event"])
        visit, last = None, None
        done = []
        for moment, event in zip(rows["occurred_at"], rows["event"], strict=True):
            if last is None or moment - last > pd.Timedelta(timeout):
                visit = []
                done.append(visit)
            visit.append(event)
            last = moment
        for v in done:
            won = goal is None or goal in v
            v = v[: v.index(goal)] if goal in v else v
            collapsed = [e for i, e in enumerate(v) if i == 0 or e != v[i - 1]]
            out[" > ".join(collapsed[:steps]), won] += 1
    return out


@pytest.mark.parametrize("seed", range(4))
def test_paths_agree_with_a_slow_twin(seed):
    """Every path's count, with and without a goal; shares add up to one."""
    events = random_log(600, seed)
    made = journeys.paths(events, steps=3, timeout="4h", top=1000)
    assert dict(zip(made.table["path"], made.table["count"], strict=True)) == {
        p: c for (p, _), c in slow_paths(events, 3, "4h").items()
    }
    few = journeys.paths(events, steps=3, timeout="4h", top=4).table
    assert few["count"].sum() == few["n"].iloc[0] and few["path"].iloc[-1] == "other_paths"
    goal = journeys.distinguishing_paths(
        events, "r", steps=3, timeout="4h", top=1000, least=1
    ).table.set_index("path")
    expected = {key: c for key, c in slow_paths(events, 3, "4h", "r").items() if key[0]}
    won = sum(c for (_, w), c in expected.items() if w)
    lost = sum(c for (_, w), c in expected.items() if not w)
    for (path, w), c in expected.items():
        if path not in goal.index:
            continue  # too few expected on one side
        assert goal.loc[path, "with_goal" if w else "without_goal"] == pytest.approx(
            c / (won if w else lost)
        )


def test_the_error_of_a_difference_is_that_of_customers():
    """Standard error from sums of products equals the direct computation over customers."""
    events = random_log(1500, 7)
    table = journeys.distinguishing_paths(
        events, "r", steps=2, timeout="4h", top=1000, least=1
    ).table.set_index("path")
    per = {}
    for customer, rows in events.groupby("customer_id"):
        per[customer] = Counter({k: c for k, c in slow_paths(rows, 2, "4h", "r").items() if k[0]})
    path = table["count"].idxmax()
    y1, y0, x1, x0 = (
        np.array(v, float)
        for v in zip(
            *[
                (
                    c[path, True],
                    c[path, False],
                    sum(n for (_, w), n in c.items() if w),
                    sum(n for (_, w), n in c.items() if not w),
                )
                for c in per.values()
            ],
            strict=True,
        )
    )
    pull = (y1 - y1.sum() / x1.sum() * x1) / x1.sum() - (y0 - y0.sum() / x0.sum() * x0) / x0.sum()
    n = len(per)
    assert table.loc[path, "std_error"] == pytest.approx(np.sqrt(n / (n - 1) * (pull**2).sum()))


def test_paths_refuse_what_they_cannot_hold():
    """Too many steps, an unknown goal, a goal nobody misses."""
    events = random_log(100, 1)
    with pytest.raises(InputError, match="leave room"):
        journeys.paths(events, steps=40)
    with pytest.raises(InputError, match="goal"):
        journeys.distinguishing_paths(events, "buy")
    with pytest.raises(NotEnoughData):
        journeys.distinguishing_paths(log([("a", 0, "p"), ("b", 0, "p")]), "p")


def test_no_path_stands_out_where_there_is_nothing_to_find():
    """Goal by coin flip: at most a few of 40 markets have any path under 5 % after correction."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows = []
        for c in range(250):
            rows += [(c, c * 0 + i * 0.1, "pqs"[rng.integers(3)]) for i in range(3)] + (
                [(c, 1, "buy")] if rng.random() < 0.4 else []
            )
        table = journeys.distinguishing_paths(
            log(rows), "buy", steps=2, timeout="3h", least=10
        ).table
        found += table["p_adjusted"].min() < 0.05
    assert found <= 7


def test_next_event_prefers_the_order_that_made_the_data():
    """A chain of order one: order one wins over the frequencies, and order two adds nothing."""
    rng = np.random.default_rng(3)
    chance = np.array([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]])
    rows = []
    for c in range(400):
        k = rng.integers(3)
        for i in range(25):
            rows.append((c, c / 1000 + i * 0.01, "pqr"[k]))
            k = rng.choice(3, p=chance[k])
    made = journeys.next_event(log(rows))
    scores = made.table[made.table["measure"] == "log_score"].set_index("order")["estimate"]
    entropy = (chance * np.log(chance)).sum(1).mean()
    assert scores["1"] == pytest.approx(entropy, abs=0.03)
    assert scores["1"] > scores["0"] + 0.2
    assert scores["1"] >= scores["2"]
    hits = made.table[made.table["measure"] == "hit_rate"].set_index("order")["estimate"]
    assert hits["1"] == pytest.approx(0.7, abs=0.03)


def test_a_life_one_can_count_by_hand():
    """Ann comes every week, Bob skips one, Cas comes once, Dan comes late."""
    events = at(
        ("ann", "2024-01-01", "x"),
        ("ann", "2024-01-08", "x"),
        ("ann", "2024-01-15", "x"),
        ("ann", "2024-01-22", "x"),
        ("bob", "2024-01-02", "x"),
        ("bob", "2024-01-16", "x"),
        ("cas", "2024-01-03", "x"),
        ("dan", "2024-01-10", "x"),
        ("dan", "2024-01-28", "x"),
    )
    table = journeys.lifecycle(events).table
    found = table.pivot(index="period", columns="state", values="count").fillna(-1).astype(int)
    assert found[["new", "returning", "resurrected", "dormant"]].to_numpy().tolist() == [
        [3, 0, 0, -1],
        [1, 1, 0, 2],
        [0, 1, 1, 1],
        [0, 1, 1, 1],
    ]
    assert table.loc[table["state"] == "dormant", "n"].tolist() == [3, 2, 2]
    assert not table["incomplete"].any()
    running = journeys.lifecycle(events, until="2024-01-24").table
    assert running.loc[running["period"] == "2024-01-22", "incomplete"].all()
    with pytest.raises(NotEnoughData):
        journeys.lifecycle(events.head(1))


def test_sticky_days_by_hand():
    """Two whole weeks: one customer on three days and one day, another on one day."""
    events = at(
        ("a", "2024-01-01", "x"),
        ("a", "2024-01-03", "x"),
        ("a", "2024-01-05", "x"),
        ("a", "2024-01-09", "x"),
        ("b", "2024-01-10", "x"),
        ("b", "2024-01-14", "x"),
        ("c", "2024-01-16", "x"),
    )
    table = journeys.stickiness(events).table.set_index("days_active")
    assert table["count"].tolist() == [1, 1, 1, 0, 0, 0, 0] and (table["n"] == 3).all()


def test_lifecycle_and_stickiness_agree_with_a_slow_twin():
    """Against pandas, by day, week and month."""
    rng = np.random.default_rng(5)
    events = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 60, 700),
            "occurred_at": (
                pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 100, 700), unit="D")
            ),
            "event": "x",
        }
    )
    for period, freq in (("day", "D"), ("week", "W"), ("month", "M")):
        bucket = events["occurred_at"].dt.to_period(freq)
        active = {p: set(g) for p, g in events["customer_id"].groupby(bucket)}
        table = journeys.lifecycle(events, period=period).table.set_index(["period", "state"])[
            "count"
        ]
        seen = set()
        for p in pd.period_range(bucket.min(), bucket.max(), freq=freq):
            now, before = active.get(p, set()), active.get(p - 1, set())
            start = p.start_time
            assert table[start, "new"] == len(now - seen)
            assert table[start, "returning"] == len(now & before)
            assert table[start, "resurrected"] == len((now & seen) - before)
            if p > bucket.min():
                assert table[start, "dormant"] == len(before - now)
            seen |= now
    days = events.assign(
        d=events["occurred_at"].dt.floor("D"), w=events["occurred_at"].dt.to_period("W")
    )
    days = days[
        (days["w"].map(lambda w: w.end_time) <= events["occurred_at"].max())
        & (days["w"].map(lambda w: w.start_time) >= events["occurred_at"].min().normalize())
    ]
    expected = days.groupby(["customer_id", "w"])["d"].nunique().value_counts()
    table = journeys.stickiness(events).table.set_index("days_active")["count"]
    assert {int(k): v for k, v in table.items() if v} == expected.to_dict()


CHANNELS = [  # source, medium, campaign, referrer → group
    (None, None, None, None, "Direct"),
    ("(direct)", "(none)", None, None, "Direct"),
    ("google", "cpc", None, None, "Paid Search"),
    ("bing", "PPC", None, None, "Paid Search"),
    ("google", "organic", None, None, "Organic Search"),
    (None, None, None, "https://www.google.nl/", "Organic Search"),
    (None, None, None, "https://blog.example/x", "Referral"),
    ("facebook", "cpc", None, None, "Paid Social"),
    ("facebook.com", "referral", None, None, "Organic Social"),
    ("instagram", "paid_social", None, None, "Paid Social"),
    ("youtube", "cpv", None, None, "Paid Video"),
    ("youtube", "video", None, None, "Organic Video"),
    ("youtube.com", "paid", None, None, "Paid Video"),
    ("x", "display", None, None, "Display"),
    ("x", "CPM", None, None, "Display"),
    ("x", "cpc", None, None, "Paid Other"),
    ("amazon", "cpc", None, None, "Paid Shopping"),
    ("shop.example", "cpc", "winter-shopping", None, "Paid Shopping"),
    ("newsletter", "E-Mail", None, None, "Email"),
    ("email", "x", None, None, "Email"),
    ("x", "affiliate", None, None, "Affiliates"),
    ("x", "audio", None, None, "Audio"),
    ("sms", "x", None, None, "SMS"),
    ("x", "web push", None, None, "Mobile Push Notifications"),
    ("x", "y", None, None, "Unassigned"),
    ("x", "x", "cross-network", None, "Cross-network"),
    ("bol.com", "referral", None, None, "Organic Shopping"),
    ("x", "social", None, None, "Organic Social"),
]


@pytest.mark.parametrize(("source", "medium", "campaign", "referrer", "group"), CHANNELS)
def test_channel_groups_are_those_of_ga4(source, medium, campaign, referrer, group):
    """First match wins, whatever the case of letters."""
    assert journeys.channel(source, medium, campaign, referrer) == group
    assert (
        journeys.channel(source and source.upper(), medium and medium.upper(), campaign, referrer)
        == group
    )


def test_channels_of_events_read_tags_and_skip_the_site_itself():
    """UTM in the page fills empty columns; the shop's own host and payment page are no source."""
    events = at(
        *(("a", f"2024-01-01 0{i}:00", "v") for i in range(5)),
        source=[None, "google", None, None, None],
        medium=[None, "cpc", None, None, None],
        page=[
            "https://s.example/?utm_source=news&utm_medium=email",
            "/p?utm_source=other",
            "/p",
            "/p",
            "/p",
        ],
        referrer=[
            None,
            None,
            "https://www.s.example/x",
            "https://checkout.paypal.com/",
            "https://forum.example/",
        ],
    )
    assert journeys.assign_channels(events, own_hosts=["s.example"])["channel"].tolist() == [
        "Email",
        "Paid Search",
        "Direct",
        "Direct",
        "Referral",
    ]


def test_hygiene_finds_odd_spellings():
    """'News Letter' and 'newsletter' are one source written in two ways."""
    n = 30
    events = pd.DataFrame(
        {
            "customer_id": range(n),
            "session_id": range(n),
            "occurred_at": pd.Timestamp("2024-01-01"),
            "event": "v",
            "source": ["newsletter"] * 20 + ["News Letter"] * 4 + [None] * 6,
            "medium": ["email"] * 24 + [None] * 6,
            "referrer": [None] * 28 + ["https://s.example/"] * 2,
        }
    )
    made = journeys.tagging(events, own_hosts=["s.example"])
    found = made.table.set_index("measure")["count"]
    assert found.to_dict() == {"tagged": 24, "direct": 6, "self_referral": 2, "variant": 4}
    assert made.model.to_dict("records") == [
        {"column": "source", "written": "News Letter", "usual": "newsletter", "sessions": 4}
    ]


def test_devices_and_people_become_persons():
    """Ann has two devices, Bob shares one of them: all three are one; an unknown device stays
    alone.
    """
    links = pd.DataFrame({"device_id": [1, 2, 2, 3], "customer_id": ["ann", "ann", "bob", "cas"]})
    events = at(*(("?", "2024-01-01", "v") for _ in range(5)), device_id=[1, 2, 3, 9, 9]).drop(
        columns="customer_id"
    )
    assert journeys.identify(events, links)["customer_id"].tolist() == [
        "ann",
        "ann",
        "cas",
        "device:9",
        "device:9",
    ]
    table = journeys.identity_quality(events, links).table.set_index("measure")
    assert table.loc["devices_linked", ["count", "n"]].tolist() == [3, 4]
    assert table.loc["events_linked", ["count", "n"]].tolist() == [3, 5]
    assert table.loc["devices_shared", "count"] == 1 and table.loc["people_merged", "count"] == 2
    truth = pd.DataFrame({"device_id": [1, 2, 3, 9], "customer_id": ["ann", "ann", "cas", "cas"]})
    table = journeys.identity_quality(events, links, truth=truth).table.set_index("measure")
    assert table.loc["precision", ["count", "n"]].tolist() == [1, 1]
    assert table.loc["recall", ["count", "n"]].tolist() == [1, 2]


def test_the_market_knows_how_good_its_links_are():
    """No false link is planted; recall equals the share of second devices whose both links are
    known.
    """
    market = simulate.market(2000, seed=3)
    truth = market["events"][["device_id", "customer_id"]].drop_duplicates()
    table = journeys.identity_quality(
        market["events"], market["links"], truth=truth
    ).table.set_index("measure")
    assert table.loc["precision", "estimate"] == 1 and 0.40 < table.loc["recall", "estimate"] < 0.56


def test_both_engines_agree(to_spark):
    """Paths, lifecycle, stickiness, visits and chains from DuckDB and Spark."""
    events = random_log(600, 4).assign(
        campaign=lambda d: np.where(d["group"] == d["group"].iloc[0], "a", "b"),
        device_id=lambda d: d["customer_id"],
    )
    far = to_spark(events)
    links = pd.DataFrame(
        {
            "device_id": events["customer_id"].unique()[:5],
            "customer_id": events["customer_id"].unique()[:5],
        }
    )
    for analysis in (
        lambda d: journeys.paths(d, steps=3, timeout="4h"),
        lambda d: journeys.distinguishing_paths(d, "r", steps=3, timeout="4h", least=1),
        lambda d: journeys.lifecycle(d, period="day"),
        lambda d: journeys.compare_sessions(d, zone="Europe/Amsterdam"),
        lambda d: journeys.next_event(d, timeout="4h"),
        lambda d: journeys.identity_quality(d, links),
    ):
        a, b = analysis(far).table, analysis(events).table
        if "path" in a:
            a, b = (x.sort_values(["count", "path"], ignore_index=True) for x in (a, b))
        same(a, b)
    weeks = events.assign(
        occurred_at=pd.Timestamp("2024-01-01")
        + (events["occurred_at"] - events["occurred_at"].min()) * 40
    )
    same(journeys.stickiness(to_spark(weeks)).table, journeys.stickiness(weeks).table)


def test_corrections_by_their_definitions():
    """Holm and Benjamini–Hochberg, worked out from their stepwise rules."""
    p = np.random.default_rng(1).uniform(0, 0.2, 25)
    order, m = np.argsort(p), len(p)
    holm, bh = np.empty(m), np.empty(m)
    for rank, i in enumerate(order):
        holm[i] = max(min(1, (m - k) * p[order[k]]) for k in range(rank + 1))
        bh[i] = min(min(1, m / (k + 1) * p[order[k]]) for k in range(rank, m))
    assert intervals.adjust_p_values(p) == pytest.approx(holm)
    assert intervals.adjust_p_values(p, "fdr_bh") == pytest.approx(bh)
    assert intervals.each_against_rest([0.03, 0.03]).tolist() == [0.03, 0.03]
    assert len(intervals.adjust_p_values([])) == 0


def test_visits_without_any_source_column_are_not_called_direct():
    """A file that names no source says nothing of it: no share, rather than all of them direct."""
    events = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "session_id": ["1", "2"],
            "occurred_at": pd.to_datetime(["2025-01-01", "2025-01-02"], utc=True),
            "event": ["p", "p"],
        }
    )
    with pytest.raises(NotEnoughData, match="unknown"):
        journeys.tagging(events)
    named = journeys.tagging(events.assign(referrer=[None, "https://a.example"]))
    assert named.table.set_index("measure").loc["direct", "count"] == 1
