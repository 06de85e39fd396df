"""Journeys as people ask for them: retention between two events, paths to and from one, activity
over a range, what goes with converting. By hand, by exhaustive search, and as tools document it.
"""

import brute
import numpy as np
import pandas as pd
import pytest

from workbench import engine, funnels, journeys, retention
from workbench.engine.batches import Batch
from workbench.errors import InputError, NotEnoughData
from workbench.funnels.correlation import Inside
from workbench.funnels.kernels import Plan
from workbench.funnels.rules import prepare
from workbench.journeys.around import Around
from workbench.retention.returns import Returns, Times
from workbench.stats import odds

DAY, HOUR = 86_400_000_000, 3_600_000_000


def log(rows):
    """Events from (customer, moment, event) and perhaps more columns."""
    names = ["customer_id", "occurred_at", "event", "channel"][: len(rows[0])]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(occurred_at=pd.to_datetime(table["occurred_at"], utc=True, format="mixed"))


def batch_of(rows, names):
    """A batch of whole customers from tuples, sorted by their first two values."""
    table = pd.DataFrame(sorted(rows), columns=names)
    return Batch({n: table[n].to_numpy(np.int64) for n in names}, ("customer",))


def test_retention_between_two_events_is_that_of_exhaustive_search():
    """Random logs with ties, filters and groups under every clock: no difference in any cell."""
    rng = np.random.default_rng(1)
    for number in range(320):
        n, end = int(rng.integers(1, 40)), 20 * DAY
        t = rng.integers(0, 20 * 8, n) * (DAY // 8)
        rows = list(
            zip(
                *(v.tolist() for v in (rng.integers(0, 6, n), t, t // DAY)),
                *(rng.integers(0, k, n).tolist() for k in (3, 3)),
                strict=True,
            )
        )
        back = 0 if number % 3 == 0 else 1
        kind = ("day", "week", "rolling", "hour")[number % 4]
        length = int(rng.integers(1, 5)) * DAY // 2
        step = 6 * HOUR if kind == "hour" else 1
        every = bool(rng.integers(2))
        ages = [(1, 1), (2, 4), (1, None)]
        # Days 0, 7, … begin weeks that begin on a Thursday, as 1970 did: shifted to a Monday.
        shifted = [(*r[:2], r[2] + 4, *r[3:]) for r in rows] if kind == "week" else rows
        calendar = kind in ("day", "week")
        clock = (kind, 7 if kind == "week" else 1) if calendar else ("rolling", length, step)
        last = (19 + (4 if kind == "week" else 0)) if calendar else end
        base = [(*r[:2], r[2] - 4, *r[3:]) for r in shifted] if kind == "week" else shifted
        expected = brute.returns(
            base,
            lambda r: r[3] == 0,
            lambda r, back=back: r[3] == back,
            ages=ages,
            every=every,
            clock=clock,
            end=last - (4 if kind == "week" else 0),
        )
        times = Times(kind if calendar else "", length, step, last, "every" if every else "first")
        batch = batch_of(
            [(r[0], r[1], r[4], r[2], r[3]) for r in shifted],
            ["customer", "t", "g", "day", "c0"],
        )
        made = Returns({"c0": (0,)}, {"c0": (back,)}, times, ages, 3)(batch)
        for g, a, y, x, young in zip(
            *(made[k] for k in ("group", "age", "y", "x", "young")), strict=True
        ):
            assert (y, x, young) == expected.get((g, *ages[a]), (0, 0, 0)), (number, kind, g, a)


ASKED = log(
    [
        ("a", "2024-01-01 17:59", "view", "web"),
        ("a", "2024-01-02 17:00", "order", "web"),
        ("b", "2024-01-01 10:00", "view", "app"),
        ("b", "2024-01-02 09:00", "order", "web"),
        ("b", "2024-01-03 10:00", "view", "app"),
        ("b", "2024-01-04 12:00", "order", "app"),
        ("c", "2024-01-02 08:00", "order", "app"),
        ("z", "2024-01-31 08:00", "home", "app"),
    ]
)


def counted(**options):
    """Count and n of every row."""
    made = retention.event_retention(ASKED, "view", **options).table
    return made[["count", "n"]].to_numpy().tolist()


def test_whole_hours_are_amplitudes():
    """Amplitude: 17:59 and 17:00 of the next day are a day apart, since both are cut down to the
    hour (amplitude.com/docs/analytics/charts/retention-analysis/retention-analysis-time); from the
    moment itself they are not, and by the calendar they are.
    """
    at = {"ages": [1], "back": "order"}
    assert counted(clock=retention.Clock(("24h", "hour")), **at) == [[1, 2]]
    assert counted(clock=retention.Clock("24h"), **at) == [[0, 2]]
    assert counted(**at) == [[2, 2]]


def test_first_and_every_start_by_hand():
    """b views twice: one start or two, and each has its own next day."""
    at = {"ages": [1, "1-3", "4+"], "back": "order"}
    assert counted(**at) == [[2, 2], [2, 2], [0, 2]]
    assert counted(clock=retention.Clock(entry="every"), **at) == [[3, 3], [3, 3], [0, 3]]


def test_conditions_and_groups_by_hand():
    """An order on the web only, started by a view in the app; groups are those of the start."""
    made = retention.event_retention(
        ASKED, {"event": "view", "channel": "app"}, {"event": "order", "channel": ["web"]}, ages=[1]
    )
    assert made.table[["count", "n"]].to_numpy().tolist() == [[1, 1]]
    by = retention.event_retention(ASKED, "view", "order", ages=[1], by="channel").table
    assert by[["channel", "count", "n"]].to_numpy().tolist() == [["app", 1, 1], ["web", 1, 1]]
    for ages in (["x"], [0], ["7-3"], ["1-3+"]):
        with pytest.raises(InputError, match="ages"):
            retention.event_retention(ASKED, "view", ages=ages)
    with pytest.raises(NotEnoughData, match="nobody"):
        retention.event_retention(ASKED, "refund")


@pytest.mark.parametrize("period", ["week", "month", "7D", ("24h", "hour")])
def test_tables_of_every_kind_give_one_answer(period):
    """pandas, Arrow and polars, in any order of rows."""
    import polars as pl
    import pyarrow as pa

    rng = np.random.default_rng(5)
    n = 600
    moment = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 9000, n), "h")
    table = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 40, n).astype(str),
            "occurred_at": moment,
            "event": rng.choice(["view", "order", "home"], n),
            "channel": rng.choice(["app", "web"], n),
        }
    )
    clock = retention.Clock(period, entry="every", zone="Europe/Amsterdam")
    kinds = (
        table,
        table.sample(frac=1, random_state=1),
        pa.Table.from_pandas(table),
        pl.from_pandas(table),
    )
    made = [
        retention.event_retention(kind, "view", "order", clock=clock, by="channel").table
        for kind in kinds
    ]
    for other in made[1:]:
        pd.testing.assert_frame_equal(made[0], other)
    assert engine.one("SELECT count(*) FROM t", t=table) == n


def random_rows(rng, kinds, ticks=30):
    """Rows of (customer, t, event) with many ties."""
    n = int(rng.integers(1, 60))
    columns = (rng.integers(0, 6, n), rng.integers(0, ticks, n), rng.integers(0, kinds, n))
    return list(zip(*(c.tolist() for c in columns), strict=True))


def test_paths_to_and_from_an_event_are_those_of_exhaustive_search():
    """Random logs: every path's visits, and the sums behind its error."""
    rng = np.random.default_rng(2)
    for number in range(320):
        rows = random_rows(rng, 4)
        side, steps = ("to", "from")[number % 2], int(rng.integers(1, 5))
        hits = tuple(rng.choice(4, int(rng.integers(1, 3)), replace=False).tolist())
        timeout = int(rng.integers(1, 8))
        expected = brute.around(rows, hits, side, steps, timeout)
        made = Around(side, steps, 3, timeout, hits)(batch_of(rows, ["customer", "t", "k"]))
        made = pd.DataFrame(made).set_index("path")
        packed = {}
        for path, per in expected.items():
            code = 0
            for event in path:
                code = (code << 3) | (event + 1)
            packed[code] = per
        assert set(made.index) == {*packed, -1}, number
        for code, per in packed.items():
            total, squares = sum(per.values()), sum(v * v for v in per.values())
            assert made.loc[code, ["y1", "y11"]].tolist() == [total, squares]
        assert made.loc[-1, "y1"] == sum(sum(per.values()) for per in packed.values())


def test_paths_to_and_from_by_hand():
    """Two visits: the steps before an order, and those after a view."""
    rows = [("a", f"2024-01-01 10:0{i}", e) for i, e in enumerate("hvvcoh")]
    rows += [("b", f"2024-01-01 11:0{i}", e) for i, e in enumerate("vo")]
    to = journeys.paths_to(log(rows), "o", steps=3).table
    assert sorted(to[["path", "count", "n"]].to_numpy().tolist()) == [
        ["v > c > o", 1, 2],
        ["v > o", 1, 2],
    ]
    on = journeys.paths_from(log(rows), ["v"], steps=2).table
    assert sorted(on[["path", "count", "n"]].to_numpy().tolist()) == [
        ["v > c", 1, 2],
        ["v > o", 1, 2],
    ]
    with pytest.raises(NotEnoughData, match="holds"):
        journeys.paths_to(log(rows), "z")


def test_what_goes_with_converting_is_that_of_exhaustive_search():
    """Random logs: attempts, finished ones, and what is seen in them."""
    rng = np.random.default_rng(3)
    for number in range(320):
        steps = int(rng.integers(2, 4))
        rows = random_rows(rng, steps + 3, ticks=20)
        window, end = int(rng.integers(1, 15)), 20
        n, won, seen = brute.inside(rows, steps, window, end)
        kernel = Inside(tuple(range(steps)), window, end, [steps + 3])
        made = pd.DataFrame(kernel(batch_of(rows, ["customer", "t", "k"])))
        whole = made[made["place"] == -1].iloc[0]
        assert (whole["n"], whole["won"]) == (n, won), number
        got = made[made["place"] == 0].set_index("code")
        assert {c: tuple(r) for c, r in got[["n", "won"]].iterrows()} == seen, number


def test_attempts_are_those_of_the_funnel():
    """As many customers, and as many that finish, as the funnel that counts first entries."""
    rng = np.random.default_rng(4)
    rows = random_rows(rng, 5) + random_rows(rng, 5)
    table = log(
        [(c, pd.Timestamp("2024-01-01") + pd.Timedelta(t, "h"), "pqxyz"[e]) for c, t, e in rows]
    )
    made = funnels.correlates(table, ["p", "q"], window="5h", least=1)
    funnel = funnels.conversion(table, ["p", "q"], window="5h", entry="first").table
    row = made.table.iloc[0]
    finished = row["rate"] * row["count"] + row["rest_rate"] * (row["n"] - row["count"])
    assert row["n"] == funnel["n"].iloc[0]
    assert finished == pytest.approx(funnel[funnel["step_number"] == 2]["count"].iloc[0])


def test_odds_by_hand_and_drawn_together():
    """30 of 40 against 20 of 60: (30.5 · 40.5) / (10.5 · 20.5); without differences all is 1."""
    made = odds.odds_ratios(np.array([30]), np.array([40]), 50, 100)
    assert made.ratio[0] == pytest.approx(30.5 * 40.5 / (10.5 * 20.5))
    rng = np.random.default_rng(6)
    it = np.full(200, 100)
    none = odds.odds_ratios(rng.binomial(100, 0.3, 200), it, 3_000, 10_000)
    assert none.spread < 0.1 and np.abs(np.log(none.shrunken)).max() < 0.2
    true = rng.normal(0, 0.8, 2_000)
    share = 1 / (1 + np.exp(-(true - 0.85)))
    some = odds.odds_ratios(rng.binomial(400, share), np.full(2_000, 400), 300_000, 1_000_000)
    assert some.spread == pytest.approx(0.8, abs=0.05)
    # The drawn ones lie nearer the truth.
    error = [np.mean((np.log(v) - true) ** 2) for v in (some.shrunken, some.ratio)]
    assert error[0] < error[1]


def test_active_periods_by_hand_and_by_groupby():
    """a on three days of two weeks, b on one; a range cuts what it cuts."""
    rows = [("a", d, "x") for d in ("2024-01-01", "2024-01-02 23:30", "2024-01-10")]
    rows += [("b", "2024-01-03", "x"), ("b", "2024-01-03 05:00", "x")]
    made = journeys.active_periods(log(rows)).table
    assert made[["periods_active", "count", "n"]].to_numpy().tolist() == [
        ["1", 1, 2],
        ["2", 0, 2],
        ["3", 1, 2],
    ]
    assert made["at_least"].tolist() == [1.0, 0.5, 0.5]
    weeks = journeys.active_periods(log(rows), period="week", top=1).table
    assert weeks[["periods_active", "count"]].to_numpy().tolist() == [["1", 1], ["2+", 1]]
    cut = journeys.active_periods(log(rows), since="2024-01-02", until="2024-01-09").table
    assert cut[["periods_active", "count", "n"]].to_numpy().tolist() == [["1", 2, 2]]
    with pytest.raises(InputError, match="before it begins"):
        journeys.active_periods(log(rows), since="2024-02-02", until="2024-01-09")
    rng = np.random.default_rng(8)
    day = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 2000, 500), "h")
    table = pd.DataFrame(
        {"customer_id": rng.integers(0, 30, 500), "occurred_at": day, "event": "x"}
    )
    slow = table.assign(d=day.date).groupby("customer_id")["d"].nunique().value_counts()
    made = journeys.active_periods(table, top=100).table
    made = made[made["count"] > 0].set_index("periods_active")["count"]
    assert {int(k): int(v) for k, v in made.items()} == {int(k): int(v) for k, v in slow.items()}


TOOLS = ("posthog", "mixpanel", "ga4", "amplitude")


def test_a_step_that_returns_gets_a_number_from_every_tool():
    """Folder same-step-twice: two page views at one instant and a later one fill both steps."""
    rows = [(f"u{i}", f"2026-01-01 13:{m}", e) for i in range(20) for m, e in TWICE]
    steps, until = ["finish", "page", "page"], "2026-02-01"
    own = funnels.conversion(log(rows), steps, window="1D", until=until).table
    assert (own["count"] == 20).all()
    for tool in TOOLS:
        made = funnels.conversion(log(rows), steps, semantics=tool, until=until)
        assert (made.table["count"] == 20).all()
        assert any(note.id == "funnels.equal_steps" for note in made.limits)
    every = funnels.compare_definitions(log(rows), steps, until=until).table
    assert (every["count"] == 20).all() and set(TOOLS) <= set(every["definition"])


TWICE = (("01", "finish"), ("10", "page"), ("10", "page"), ("11", "page"))


def test_equal_moments_and_equal_steps_are_those_of_exhaustive_search():
    """Random logs in which a name returns and equal moments may chain: every count."""
    steps = ["p", "q", "q"]
    table = log([("a", "2024-01-01", "p"), ("a", "2024-01-02", "q"), ("a", "2024-01-02", "x")])
    rng = np.random.default_rng(9)
    for given in ({"ties": "rank"}, {"ties": "later"}):
        kernel = Plan(prepare(table, steps, given={**given, "window": None}, until=None).rules)
        for number in range(320):
            rows = random_rows(rng, 2, ticks=12)
            expected = brute.funnel(
                [(*r[:2], "pq"[r[2]], 0, 0) for r in rows],
                steps,
                window=None,
                order="ordered",
                entry="every",
                ties=given["ties"],
                end=10**6,
            )
            rules = kernel.rules
            names = ["customer", "t", "k"]
            batch = batch_of(rows, names)
            if given["ties"] == "later":
                batch = batch_of([(a, b, 1 - k) for a, b, k in rows], names)
                batch.columns["k"] = 1 - batch["k"]
            made = pd.DataFrame(kernel(batch))
            made = made[made["kind"] == "reached"].set_index("step")["customers"]
            assert made.tolist() == expected.get(0, [0, 0, 0]), (given, number, rules.ties)


def test_matomo_takes_another_campaign_than_the_ongoing_visits():
    """A visit that began without a campaign meets its first: a new visit (matomo.org/faq/general/
    faq_36); the same one again in a visit is none.
    """
    events = log([("u", "2024-01-01 12:00", "v"), ("u", "2024-01-01 12:10", "v")])
    for campaigns, visits in (
        ([None, "spring"], 2),
        (["spring", "spring"], 1),
        (["spring", None], 1),
        (["spring", "summer"], 2),
    ):
        made = journeys.sessions(events.assign(campaign=campaigns), rule="matomo").table
        assert made.set_index("measure").loc["sessions_per_customer", "total"] == visits
    gap = log([("u", f"2024-01-01 {h}", "v") for h in ("09:00", "12:00", "12:10")])
    made = journeys.sessions(gap.assign(campaign=["spring", None, "spring"]), rule="matomo").table
    assert made.set_index("measure").loc["sessions_per_customer", "total"] == 3


def test_ga4_names_its_groups():
    """The group is Mobile Push Notifications (support.google.com/analytics/answer/9756891)."""
    assert journeys.channel("x", "web push") == "Mobile Push Notifications"
