"""Attribution: golden values, brute-force chains, laws, the simulated truth, and what must be
refused.
"""

from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import attribution, simulate
from workbench.display import speaking
from workbench.errors import InputError, NotEnoughData
from workbench.simulate import studies

TOY = pd.DataFrame({"path": ["A > B", "A", "B"], "conversions": [1, 0, 1]})


def random_paths(seed, n=200, channels="abcd", rate=0.4):
    """Random paths that are not independent of their outcome."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        p = rng.choice(list(channels), rng.integers(1, 6))
        rows.append(
            (" > ".join(p), int(rng.random() < rate + 0.15 * ("a" in p) - 0.1 * ("b" in p)))
        )
    return pd.DataFrame(rows, columns=["path", "conversions"])


def removed(table, channel, order=1):
    """The chance to convert in the chain, with and without a channel, by walking the chain until
    nothing moves.
    """
    moves = {}
    for path, won in table.itertuples(index=False, name=None):
        steps = path.split(" > ")
        states = (
            [("start",)]
            + [tuple(steps[max(0, i + 1 - order) : i + 1]) for i in range(len(steps))]
            + [("won",) if won else ("lost",)]
        )
        for a, b in pairwise(states):
            moves.setdefault(a, {})[b] = moves.get(a, {}).get(b, 0) + 1

    def chance(without):
        here, total = {("start",): 1.0}, 0.0
        for _ in range(3000):
            after = {}
            for state, p in here.items():
                out = moves.get(state, {})
                n = sum(out.values())
                for to, k in out.items():
                    if to == ("won",):
                        total += p * k / n
                    elif to != ("lost",) and to[-1] != without:
                        after[to] = after.get(to, 0) + p * k / n
            here = after
        return total

    return 1 - chance(channel) / chance(None)


def test_golden_values():
    """Paths A→B→conversion, A→nothing, B→conversion: first, last, linear, removal and Shapley as
    worked out by hand.
    """
    j = attribution.from_paths(TOY)
    rules = attribution.heuristics(j).table.set_index(["rule", "channel"])["count"]
    assert [rules[r, c] for r in ("first", "last", "linear") for c in "AB"] == [
        1,
        1,
        0,
        2,
        0.5,
        1.5,
    ]
    markov = attribution.markov(j, draws=0).table.set_index(["measure", "channel"])
    assert markov.loc["removal", "estimate"].tolist() == pytest.approx([0.5, 1.0])
    assert markov.loc["credit", "count"].tolist() == pytest.approx([2 / 3, 4 / 3])
    assert attribution.shapley(j, draws=0).table["count"].tolist() == pytest.approx([0.5, 1.5])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_removal_by_walking_the_chain(order):
    """The linear solve equals a walk of thousands of steps, with loops, at every order."""
    table = random_paths(order, 120)
    made = attribution.markov(attribution.from_paths(table), order=order, draws=0).table
    made = made[made["measure"] == "removal"].set_index("channel")["estimate"]
    for channel in "abcd":
        assert made[channel] == pytest.approx(removed(table, channel, order), abs=1e-9)


def test_shapley_by_all_orders():
    """Both worths equal the mean gain over all 24 orders of joining; random orders come near, and
    say how near.
    """
    table = random_paths(4)
    sets = [frozenset(p.split(" > ")) for p in table["path"]]
    won = table["conversions"].to_numpy()

    def worth(s, rate):
        own = np.array([k <= s for k in sets])
        return won[own].sum() / (own.sum() if rate and own.any() else 1)

    for rate in (False, True):
        value = dict.fromkeys("abcd", 0.0)
        for order in permutations("abcd"):
            inside = frozenset()
            for c in order:
                value[c] += (worth(inside | {c}, rate) - worth(inside, rate)) / 24
                inside |= {c}
        made = attribution.shapley(
            attribution.from_paths(table), worth="rate" if rate else "count", draws=0
        ).table.set_index("channel")["estimate"]
        total = sum(value.values())
        assert [made[c] for c in "abcd"] == pytest.approx([value[c] / total for c in "abcd"])
    many = random_paths(5, 3000, "abcdefghijklmn")
    made = attribution.shapley(attribution.from_paths(many), worth="rate", draws=0).table
    assert made["order_error"].max() > 0 and made["estimate"].sum() == pytest.approx(1)


@given(st.integers(0, 10_000))
def test_credit_is_shared_out_whole(seed):
    """Every method gives away all conversions and all their worth, no rule a negative share."""
    table = random_paths(seed, 40)
    if table["conversions"].sum() in (0, 40):
        return
    j = attribution.from_paths(table.assign(worth=table["conversions"] * 3.0), value="worth")
    won = table["conversions"].sum()
    made = attribution.heuristics(j).table
    assert made.groupby("rule")["count"].sum().to_numpy() == pytest.approx(np.full(6, won))
    assert made.groupby("rule")["value"].sum().to_numpy() == pytest.approx(np.full(6, 3.0 * won))
    assert (made["count"] >= -1e-12).all()
    markov = attribution.markov(j, draws=0).table
    assert markov["count"].sum() == pytest.approx(won)
    assert attribution.shapley(j, draws=0).table["count"].sum() == pytest.approx(won)


def test_counted_paths_equal_written_out_ones():
    """A row that stands for seven people equals seven rows, errors included."""
    table = pd.DataFrame(
        {"path": ["a > b", "b", "a"], "conversions": [7, 3, 1], "nulls": [5, 9, 12]}
    )
    rows = [
        (r["path"], int(k < r["conversions"]))
        for _, r in table.iterrows()
        for k in range(r["conversions"] + r["nulls"])
    ]
    one, two = (
        attribution.from_paths(table, nulls="nulls"),
        attribution.from_paths(pd.DataFrame(rows, columns=["path", "conversions"])),
    )
    a, b = (attribution.heuristics(j).table for j in (one, two))
    pd.testing.assert_frame_equal(a, b)
    a, b = (attribution.markov(j, draws=300).table for j in (one, two))
    assert a["estimate"].to_numpy() == pytest.approx(b["estimate"].to_numpy())
    assert a["std_error"].to_numpy() == pytest.approx(b["std_error"].to_numpy(), rel=0.15)


def test_paths_from_events_by_hand():
    """Visits make contacts, conversions end paths, silence ends them unsuccessfully, and young ones
    are left out.
    """
    day = pd.Timestamp("2024-01-01", tz="UTC")
    rows = [
        ("x", 0, "view", "search"),
        ("x", 0.001, "view", "search"),
        ("x", 2, "view", "email"),
        ("x", 2.001, "order", "email"),
        ("x", 3, "view", "direct"),
        ("y", 0, "view", "email"),
        ("y", 40, "view", "search"),
        ("z", 58, "view", "email"),
        ("w", 1, "order", None),
        ("v", 60, "view", "search"),
    ]
    events = pd.DataFrame(rows, columns=["customer_id", "t", "event", "channel"]).assign(
        occurred_at=lambda d: day + pd.to_timedelta(d.pop("t"), unit="D")
    )
    j = attribution.paths(events, gap="10D")
    table = j.table().sort_values("path", ignore_index=True)
    assert table["path"].tolist() == ["direct", "email", "search", "search > email"]
    assert table["conversions"].tolist() == [0, 0, 0, 1]
    assert j.left_out == {"young": 2, "untouched": 1}
    never = attribution.paths(events, conversion="oder")
    assert never.conversions.sum() == 0
    assert never.attrs["limits"][0]["values"]["near"] == "order"


def test_paths_are_the_same_on_spark(to_spark):
    """The kernel runs on the workers."""
    events = simulate.market(120, days=60, seed=4)["events"]
    a, b = attribution.paths(events).table(), attribution.paths(to_spark(events)).table()
    key = ["path", "conversions", "value"]
    pd.testing.assert_frame_equal(
        a[key].sort_values(key, ignore_index=True), b[key].sort_values(key, ignore_index=True)
    )


def test_time_decay_halves_by_age():
    """Two contacts a half-life apart: two thirds and one third."""
    day = pd.Timestamp("2024-01-01", tz="UTC")
    events = pd.DataFrame(
        {
            "customer_id": ["x", "x", "x", "y", "y"],
            "occurred_at": [
                day,
                day + pd.Timedelta("7D"),
                day + pd.Timedelta("7D1min"),
                day,
                day + pd.Timedelta("90D"),
            ],
            "event": ["view", "view", "order", "view", "view"],
            "channel": ["a", "b", "b", "a", "a"],
        }
    )
    made = attribution.heuristics(attribution.paths(events), which=["time_decay"]).table.set_index(
        "channel"
    )["count"]
    assert made["a"] == pytest.approx(1 / 3, abs=1e-3)
    assert made["b"] == pytest.approx(2 / 3, abs=1e-3)


@pytest.fixture(scope="module")
def known():
    """A market, its paths and what every channel really brought about."""
    market = simulate.market(4000, seed=2)
    return market, attribution.paths(market["events"]), simulate.channel_effects(market.settings)


def test_every_method_is_held_against_the_truth(known):
    """The comparison names the nearest method and how far it is off; all methods credit far more
    than was brought about.
    """
    market, j, truth = known
    costs = market["costs"].groupby("channel", as_index=False)["cost"].sum()
    made = attribution.compare(j, truth=truth, costs=costs, draws=20)
    table = made.table
    off = (
        table.dropna(subset=["incremental"])
        .query("method != 'truth'")
        .groupby("method")["excess"]
        .apply(lambda g: g.abs().sum())
    )
    assert len(off) == 10
    # Whoever credits nobody is off by what the channels brought about, and beats every method.
    assert off["nobody"] == truth["incremental_orders"].abs().sum() == off.min()
    assert made.answer.id == "attribution.truth_nobody"
    assert (off > 0.5 * truth["incremental_orders"].sum()).all()
    assert made.simulated
    paid = table.query("method == 'last' and channel == 'paid_search'").iloc[0]
    assert paid["cost_per_conversion"] == pytest.approx(paid["cost"] / paid["count"])


def test_tests_calibrate_the_rest(known):
    """With tests of four channels, the untested ones' intervals hold their truth, and the error is
    less than a third of plain credit's.
    """
    _, j, truth = known
    credit = attribution.markov(j, draws=0)
    tests = truth[truth["channel"].isin(["paid_search", "email", "social", "affiliate"])].assign(
        incremental=lambda d: d["incremental_orders"], std_error=25.0
    )
    made = attribution.calibrate_to_experiments(credit, tests).table.set_index("channel")
    for row in truth.itertuples():
        assert (
            made.loc[row.channel, "conf_low"]
            <= row.incremental_orders
            <= made.loc[row.channel, "conf_high"]
        )
    # Direct visits are no channel: what holds of channels is carried over to them all the same.
    real = truth.set_index("channel")["incremental_orders"].drop("direct")
    assert (made.loc[real.index, "estimate"] - real).abs().sum() < (
        made.loc[real.index, "count"] - real
    ).abs().sum() / 3
    with pytest.raises(NotEnoughData, match="2 tests"):
        attribution.calibrate_to_experiments(credit, tests.iloc[:1])
    with pytest.raises(InputError, match="no channel named"):
        attribution.calibrate_to_experiments(
            credit, tests.assign(channel=["tv", "email", "social", "affiliate"])
        )


def test_email_counts_by_hand():
    """Machine opens are no opens of a person unless a click shows one; young mails tell nothing of
    orders; a hold-out gives the difference.
    """
    day = pd.Timestamp("2024-01-01", tz="UTC")
    mails = pd.DataFrame(
        {
            "customer_id": range(6),
            "campaign_id": 1,
            "sent_at": day,
            "variant": ["mail"] * 4 + ["holdout"] * 2,
            "delivered": [True, True, True, False, False, False],
            "machine_open": [True, True, False, False, False, False],
            "opened_at": [day, day, day, pd.NaT, pd.NaT, pd.NaT],
            "clicked_at": [pd.NaT, day, pd.NaT, pd.NaT, pd.NaT, pd.NaT],
        }
    )
    orders = pd.DataFrame(
        {
            "customer_id": [0, 4, 9],
            "ordered_at": [
                day + pd.Timedelta("2D"),
                day + pd.Timedelta("1D"),
                day + pd.Timedelta("30D"),
            ],
        }
    )
    table = attribution.email_funnel(mails, orders).table.set_index("measure")
    assert table.loc[
        ["delivered", "opened_all", "opened_person", "clicked", "clicked_of_opened", "converted"],
        "count",
    ].tolist() == [3, 3, 2, 1, 1, 1]
    assert table.loc["added", "estimate"] == pytest.approx(0.25 - 0.5)


def test_adverts_are_drawn_towards_the_mean():
    """The one with little behind it is drawn most; a campaign without conversions has no cost per
    conversion.
    """
    table = pd.DataFrame(
        {
            "campaign": list("abc"),
            "impressions": [100_000, 100_000, 500],
            "clicks": [2000, 2500, 30],
            "conversions": [100, 150, 0],
            "cost": [500.0, 500.0, 5.0],
        }
    )
    made = attribution.campaigns(table).table.set_index(["measure", "campaign"])
    assert abs(made.loc[("click_rate", "c"), "shrunken"] - 0.06) > abs(
        made.loc[("click_rate", "a"), "shrunken"] - 0.02
    )
    assert np.isnan(made.loc[("cost_per_conversion", "c"), "estimate"])
    assert made.loc["conversion_rate", "best"].sum() == pytest.approx(1)
    with pytest.raises(InputError, match="exceed"):
        attribution.campaigns(table.assign(clicks=10**6))


def test_media_with_known_effects():
    """Contributions near the planted ones, a medium without effect near 0, and experiments that
    pull the fit.
    """
    d = studies.media()
    made = attribution.marketing_mix(
        d, "sales", ["television", "radio", "posters"], controls=["price"], draws=20
    ).table
    brought = made[made["measure"] == "contribution"].set_index("channel")
    for name, truth in d.attrs["truth"].items():
        assert abs(brought.loc[name, "estimate"] - truth) < 9000
    tests = pd.DataFrame(
        {
            "channel": ["television"],
            "contribution": [d.attrs["truth"]["television"]],
            "std_error": [500.0],
        }
    )
    pulled = attribution.marketing_mix(
        d, "sales", ["television", "radio", "posters"], controls=["price"], tests=tests, draws=5
    ).table
    assert pulled.query("measure == 'contribution' and channel == 'television'")["estimate"].iloc[
        0
    ] == pytest.approx(tests["contribution"].iloc[0], rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attribution.from_paths(TOY.assign(path=[" > ", "A", "B"])), "names no channel"),
        (lambda: attribution.from_paths(TOY.assign(conversions=[-1, 0, 1])), "0 or more"),
        (
            lambda: attribution.markov(attribution.from_paths(TOY.iloc[[0, 2]])),
            "no path without a conversion",
        ),
        (lambda: attribution.markov(attribution.from_paths(TOY), order=0), "at least 1"),
        (
            lambda: attribution.shapley(attribution.from_paths(TOY.iloc[[0, 2]]), worth="rate"),
            "no path without a conversion",
        ),
        (
            lambda: attribution.heuristics(attribution.from_paths(TOY), which=["best"]),
            "no option named 'best'",
        ),
        (
            lambda: attribution.marketing_mix(studies.media().assign(tv=0.0), "sales", ["tv"]),
            "tv never varies",
        ),
        (
            lambda: attribution.marketing_mix(
                studies.media().assign(radio=-1.0), "sales", ["radio"]
            ),
            "negative",
        ),
        (
            lambda: attribution.marketing_mix(
                studies.media(),
                "sales",
                ["radio"],
                tests=pd.DataFrame(
                    {"channel": ["radio"], "contribution": [1.0], "std_error": [0.0]}
                ),
            ),
            "above 0",
        ),
        (
            lambda: attribution.compare(
                attribution.from_paths(TOY),
                truth=pd.DataFrame({"channel": ["Z"], "incremental_orders": [1]}),
            ),
            "no channel named 'Z'",
        ),
    ],
)
def test_what_cannot_be_attributed_is_refused(call, message):
    """An error that says what is missing."""
    with pytest.raises(InputError, match=message):
        call()


def test_a_visit_that_opens_without_a_channel_is_a_contact_all_the_same():
    """Days later, a visit whose first row has no channel: its first named row is a new contact,
    though the channel is that of the visit before.
    """
    rows = [
        ("a", "2024-01-01 10:00", "view", "search"),
        ("a", "2024-01-03 10:00", "view", None),
        ("a", "2024-01-03 10:05", "view", "search"),
        ("a", "2024-01-03 10:07", "view", "search"),
        ("a", "2024-01-03 10:09", "order", None),
    ]
    events = pd.DataFrame(rows, columns=["customer_id", "occurred_at", "event", "channel"]).assign(
        occurred_at=lambda d: pd.to_datetime(d["occurred_at"], utc=True)
    )
    assert attribution.paths(events).length.tolist() == [2]


def test_no_conversion_no_credit():
    """Without a conversion there is nothing to share."""
    with pytest.raises(NotEnoughData):
        attribution.heuristics(attribution.from_paths(TOY.assign(conversions=0)))


@pytest.mark.slow
def test_intervals_of_credit_hold():
    """200 samples of a large world of paths: credit by every method lies in its interval about as
    often as said; calibrated and mix models hold the planted truth.
    """
    world = random_paths(99, 40_000, "abcde")
    methods = {
        "linear": lambda j: attribution.heuristics(j, which=["linear"]).table.set_index("channel"),
        "markov": (
            lambda j: (
                attribution.markov(j, draws=300)
                .table.query("measure == 'credit'")
                .set_index("channel")
            )
        ),
        "removal": (
            lambda j: (
                attribution.markov(j, draws=300)
                .table.query("measure == 'removal'")
                .set_index("channel")
            )
        ),
        "shapley": lambda j: attribution.shapley(j, draws=300).table.set_index("channel"),
        "shapley rate": (
            lambda j: attribution.shapley(j, worth="rate", draws=300).table.set_index("channel")
        ),
    }
    truth = {name: f(attribution.from_paths(world))["estimate"] for name, f in methods.items()}
    inside = {}
    rng = np.random.default_rng(1)
    for seed in range(200):
        j = attribution.from_paths(
            world.iloc[rng.integers(0, len(world), 1500)].reset_index(drop=True)
        )
        for name, f in methods.items():
            table = f(j)
            for c in "abe":
                inside.setdefault(f"{name} of {c}", []).append(
                    table.loc[c, "conf_low"] <= truth[name][c] <= table.loc[c, "conf_high"]
                )
        real = rng.normal(0.4, 0.25, 8)
        count = rng.uniform(200, 1000, 8)
        credit = attribution.markov(attribution.from_paths(TOY), draws=0)
        object.__setattr__(
            credit,
            "table",
            pd.DataFrame(
                {
                    "channel": list("abcdefgh"),
                    "measure": "credit",
                    "count": count,
                    "n": 5000,
                    "estimate": count / 5000,
                }
            ),
        )
        tests = pd.DataFrame(
            {
                "channel": list("abcde"),
                "incremental": (real * count)[:5] + rng.normal(0, 40, 5),
                "std_error": 40.0,
            }
        )
        made = attribution.calibrate_to_experiments(credit, tests, seed=seed).table.set_index(
            "channel"
        )
        for c, what in (("a", "tested"), ("h", "untested")):
            k = "abcdefgh".index(c)
            inside.setdefault(f"calibrated, {what}", []).append(
                made.loc[c, "conf_low"] <= (real * count)[k] <= made.loc[c, "conf_high"]
            )
    for seed in range(60):
        d = studies.media(seed=seed)
        made = attribution.marketing_mix(
            d,
            "sales",
            ["television", "radio", "posters"],
            controls=["price"],
            holdout=0,
            draws=60,
            seed=seed,
        ).table
        made = made[made["measure"] == "contribution"].set_index("channel")
        for name, value in d.attrs["truth"].items():
            inside.setdefault(f"mix, {name}", []).append(
                made.loc[name, "conf_low"] <= value <= made.loc[name, "conf_high"]
            )
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    # Of 60 samples, 88 % lies 2.5 standard errors below 95 %; a medium without effect is held at 0,
    # inside always.
    assert all(np.mean(h) >= 0.88 for h in inside.values())


def test_counted_paths_weigh_as_many_as_they_stand_for():
    """Sources and first contacts of written-out paths: a row that stands for five people counts
    five times.
    """
    counted = pd.DataFrame(
        {"path": ["A > B", "A", "B"], "conversions": [5, 1, 2], "nulls": [20, 30, 10]}
    )
    long = pd.concat(
        [
            pd.DataFrame({"path": [p] * (c + n), "conversions": [1] * c + [0] * n})
            for p, c, n in counted.itertuples(index=False)
        ],
        ignore_index=True,
    ).assign(who=lambda d: range(len(d)))
    for make in (attribution.sources, attribution.entry_points):
        a = make(attribution.from_paths(counted, nulls="nulls")).table
        b = make(attribution.from_paths(long, customer="who")).table
        pd.testing.assert_frame_equal(a, b, rtol=1e-6, check_dtype=False)
    table = make(attribution.from_paths(counted, nulls="nulls")).table.set_index(
        ["channel", "measure"]
    )
    assert table.loc[("A", "first_contacts"), "count"] == 56
    assert table.loc[("A", "converts"), "count"] == 6


def test_worth_follows_what_conversions_are_worth():
    """B closes the dear orders: it gets more of the worth than of the conversions, by every method,
    and all worth is given out.
    """
    made = attribution.from_paths(
        pd.DataFrame(
            {
                "path": ["A", "B", "A > B", "A", "B"],
                "conversions": [10, 10, 5, 0, 0],
                "lost": [0, 0, 0, 20, 20],
                "euro": [100, 900, 300, 0, 0],
            }
        ),
        nulls="lost",
        value="euro",
    )
    for result in (
        attribution.markov(made, draws=0),
        attribution.shapley(made, draws=0),
        attribution.shapley(made, worth="rate", draws=0),
    ):
        table = (
            result.table[result.table["measure"] == "credit"]
            if "measure" in result.table
            else result.table
        )
        table = table.set_index("channel")
        assert table["value"].sum() == pytest.approx(1300)
        assert table.loc["B", "value"] / 1300 > table.loc["B", "estimate"] + 0.15
    assert attribution.shapley(made, draws=0).table.set_index("channel")[
        "value"
    ].to_dict() == pytest.approx({"A": 250, "B": 1050})


def test_a_rule_that_gives_all_to_one_is_still_unsure():
    """Ten of ten last contacts: the share is 100 %, not known to be."""
    made = attribution.heuristics(
        attribution.from_paths(
            pd.DataFrame({"path": ["A"] * 10 + ["B"] * 5, "conversions": [1] * 10 + [0] * 5})
        ),
        which=["last"],
    ).table.set_index("channel")
    assert made.loc["A", "conf_low"] == pytest.approx(0.722, abs=0.01)
    assert made.loc["B", "conf_high"] > 0.2


def test_what_mails_do_not_tell_is_missing():
    """No flag for machine opens, no column of unsubscribes, an unknown delivery, a hold-out without
    a moment: missing or counted, never 0 or all.
    """
    sent = pd.Timestamp("2024-03-01 09:00")
    mails = pd.DataFrame(
        {
            "customer_id": range(8),
            "campaign_id": "c",
            "sent_at": [sent] * 6 + [pd.NaT] * 2,
            "delivered": [True, True, False, None, True, True, None, None],
            "opened_at": [sent] * 2 + [pd.NaT] * 6,
            "clicked_at": pd.NaT,
            "variant": ["mail"] * 6 + ["holdout"] * 2,
        }
    )
    mails["clicked_at"] = pd.to_datetime(mails["clicked_at"])
    orders = pd.DataFrame(
        {
            "customer_id": [0, 6, 9],
            "ordered_at": [
                sent + pd.Timedelta("1D"),
                sent + pd.Timedelta("2D"),
                sent + pd.Timedelta("30D"),
            ],
        }
    )
    made = attribution.email_funnel(mails, orders)
    table = made.table.set_index("measure")
    assert table.loc["delivered", ["count", "n"]].tolist() == [4, 5]
    assert table.loc[["opened_person", "unsubscribed"], "estimate"].isna().all()
    assert table.loc["order_held_back", ["count", "n"]].tolist() == [1, 2]
    assert any("machine_open" in str(s) for s in made.limits)


def test_adverts_nobody_clicked():
    """No clicks at all: conversion rates and their ranking are missing."""
    made = attribution.campaigns(
        pd.DataFrame(
            {
                "campaign": ["a", "b"],
                "impressions": [500, 400],
                "clicks": [0, 0],
                "conversions": [0, 0],
                "cost": [10.0, 5.0],
                "revenue": [0.0, 0.0],
            }
        )
    ).table
    rate = made[made["measure"] == "conversion_rate"]
    assert rate[["estimate", "shrunken", "best"]].isna().all(axis=None)
    assert (
        made.loc[made["measure"] == "return_on_cost", ["conf_low", "conf_high"]]
        .isna()
        .all(axis=None)
    )


def test_a_test_weighs_as_its_error_says():
    """A test as unsure as the fit meets it half-way; one ten times less sure hardly moves it."""
    d, names = studies.media(), ["television", "radio", "posters"]
    alone = (
        attribution.marketing_mix(d, "sales", names, controls=["price"], draws=40)
        .table.query("measure == 'contribution' and channel == 'television'")
        .iloc[0]
    )

    def moved(times):
        tests = pd.DataFrame(
            {
                "channel": ["television"],
                "contribution": [alone["estimate"] + alone["std_error"]],
                "std_error": [times * alone["std_error"]],
            }
        )
        made = (
            attribution.marketing_mix(d, "sales", names, controls=["price"], tests=tests, draws=2)
            .table.query("measure == 'contribution' and channel == 'television'")["estimate"]
            .iloc[0]
        )
        return (made - alone["estimate"]) / alone["std_error"]

    assert 0.3 < moved(1.0) < 0.75 and abs(moved(10.0)) < 0.1


@pytest.mark.parametrize("name", ["heuristics", "markov", "shapley", "sources", "entry_points"])
def test_answers_stand_in_their_tables(name):
    """Every estimate and limit of an answer is a number of the table; it speaks Dutch too."""
    rng = np.random.default_rng(5)
    seen = pd.DataFrame({"path": [" > ".join(p) for p in rng.choice(list("abc"), (300, 3))]})
    seen["conversions"] = (rng.random(300) < 0.4).astype(int)
    made = getattr(attribution, name)(attribution.from_paths(seen))
    numbers = made.table.select_dtypes("number").to_numpy(float).ravel()
    for value in made.answer.values.values():
        if isinstance(value, (int, float)):
            assert np.isclose(numbers, value, rtol=1e-12).any(), value
    english = str(made.answer)
    with speaking("nl"):
        assert str(made.answer) != english
