"""Segments: planted ones are found, and where there are none that is the answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import results, retention, segments
from workbench.errors import InputError, NotEnoughData
from workbench.stats import clustering, drift, kappas


def planted(seed, n=600, apart=4.0):
    """Three kinds of customers in three numbers, and an outcome by kind."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    centre = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1]]) * apart
    data = pd.DataFrame(centre[kind] + rng.normal(size=(n, 3)), columns=list("xyz"))
    later = (rng.random(n) < 0.2 + 0.25 * kind) * 1
    return data.assign(customer_id=np.arange(n), later=later), kind


def shuffled(data, seed):
    """The same columns, each in an order of its own."""
    rng = np.random.default_rng(seed)
    return data.assign(**{c: rng.permutation(data[c]) for c in "xyz"})


def facts(result, id):
    """The values of one sentence by name."""
    table = result.facts
    return table[table["id"] == id].set_index("name")["value"].to_dict()


# By hand.


def test_jaccard_and_rand_by_hand():
    """Hubert & Arabie: index 0 is what chance gives; Hennig: the likest group counts."""
    first, second = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert clustering.rand(first, second) == pytest.approx(0.2424, abs=1e-4)
    assert clustering.jaccard(first, second, 2).tolist() == pytest.approx([2 / 3, 2 / 3])


def test_heavy_users_make_up_the_first_third():
    """Of 60 uses the heaviest person has 20: a third."""
    data = pd.DataFrame({"customer_id": range(42), "orders": [20, 10, 10, *[1] * 20, *[0] * 19]})
    data.loc[3:22, "orders"] = 1
    with pytest.raises(NotEnoughData):
        segments.usage(data)
    many = pd.concat(
        [data.assign(customer_id=lambda d, k=k: d["customer_id"] + 100 * k) for k in range(3)]
    )
    made = segments.usage(many, draws=50).table.set_index(["usage", "measure"])
    assert made.loc[("heavy", "customers"), "count"] == 3
    assert made.loc[("heavy", "volume"), "estimate"] == pytest.approx(1 / 3)
    assert made.loc[("medium", "customers"), "count"] == 6
    assert made.loc[("non_user", "customers"), "count"] == 57


def test_drift_by_hand():
    """Two halves that become four fifths and one fifth."""
    first, last = np.array(["a"] * 500 + ["b"] * 500), np.array(["a"] * 800 + ["b"] * 200)
    exact = 0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5)
    assert drift.stability_index(first, last).value == pytest.approx(exact, rel=0.01)
    assert drift.mcnemar(0, 0) == 1


def test_drift_by_chance_is_what_chance_gives():
    rng = np.random.default_rng(1)
    drawn = [
        drift.stability_index(rng.choice(list("abcd"), 300), rng.choice(list("abcd"), 500))
        for _ in range(200)
    ]
    assert np.mean([d.value for d in drawn]) == pytest.approx(drawn[0].by_chance, rel=0.15)


def test_migration_counts_and_names_who_is_gone():
    before = pd.DataFrame({"customer_id": range(14), "segment": ["new"] * 8 + ["loyal"] * 6})
    after = before.assign(segment=["loyal"] * 6 + ["new"] * 2 + ["loyal"] * 6).iloc[1:]
    made = segments.migration(before, after)
    cell = made.table.set_index(["from_segment", "to_segment"])
    assert cell.loc[("new", "loyal"), ["count", "n"]].tolist() == [5, 8]
    assert cell.loc[("new", "not_there_later"), "count"] == 1
    assert facts(made, "segments.migration_answer")["count"] == 8
    moved = made.members(from_segment="new", to_segment="loyal")
    assert moved.customers == ("1", "2", "3", "4", "5")


def test_kinds_by_hand():
    """Each kind by one customer who has just enough of it, and one who lacks a little."""
    day = pd.Timestamp("2024-12-31 12:00", tz="UTC")
    bought = [
        *[("loyal", 400), ("loyal", 200), ("loyal", 10), ("nearly", 400), ("nearly", 10)],
        *[("new", 80), ("old", 100), ("first", 800), ("whim", 300), ("whim", 250), ("whim", 20)],
    ]
    orders = pd.DataFrame(
        {
            "order_id": range(len(bought)),
            "customer_id": [who for who, _ in bought],
            "ordered_at": [day - pd.Timedelta(days=ago) for _, ago in bought],
            "amount": 10.0,
            "impulse": [float(who == "whim" and ago > 100) for who, ago in bought],
        }
    )
    desk = pd.DataFrame(
        [
            ("old", 3, 3, 0, 0),  # three contacts in a week
            ("new", 10, 1, 1, 1),  # angry and new: angry comes first
            ("first", 40, 1, 0, 1),  # too long ago
        ],
        columns=["customer_id", "ago", "contacts", "escalated", "angry"],
    )
    desk["opened_at"] = day - pd.to_timedelta(desk["ago"], "D")
    known = pd.DataFrame({"customer_id": ["nearly"], "grade": [1.0], "angry": [0.0]})
    made = segments.types(orders, tickets=desk, people_known=known, as_of="2024-12-31").set_index(
        "customer_id"
    )
    assert made["type"].to_dict() == {
        "first": "other",
        "loyal": "loyal",
        "nearly": "other",
        "new": "angry",
        "old": "insistent",
        "whim": "impulse",
    }
    assert made.loc["new", "new"] and made.loc["nearly", "dissatisfied"]
    assert not made.loc["nearly", "angry"]


def test_kappa_of_the_published_example():
    """Fleiss, Cohen & Everitt: 20 and 15 of 50 agreed upon."""
    rule = np.array([1] * 25 + [0] * 25, bool)
    label = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15, bool)
    from statsmodels.stats.inter_rater import cohens_kappa

    made = kappas.cohen(rule, label)
    peer = cohens_kappa(np.array([[15, 10], [5, 20]]))
    assert made.estimate == pytest.approx(peer.kappa)
    assert made.std_error == pytest.approx(peer.std_kappa)


def test_a_benefit_is_primary_only_where_it_is_clear():
    counts = np.array([[6, 0], [5, 0], [30, 15], [30, 20]])
    assert drift.first_of(counts, 0.05).tolist() == [0, -1, 0, -1]


def test_behaviour_foretells_what_was_planted():
    """The outcome follows behaviour; demographics have nothing to do with it."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"customer_id": range(500), "visits": rng.normal(size=500)})
    data["age"] = rng.choice(["young", "middle", "old"], 500)
    data["later"] = (rng.random(500) < 1 / (1 + np.exp(-1.5 * data["visits"]))) * 1
    made = segments.bases(
        data, demographics=["age"], behaviour=["visits"], outcome="later", draws=200
    ).table.set_index("basis")
    assert made.loc["behaviour_less_demographics", "conf_low"] > 0.05
    assert made.loc["demographics", "conf_low"] < 0 < made.loc["demographics", "conf_high"] + 0.02
    assert made.loc["both_less_behaviour", "estimate"] < 0.01


def test_value_to_grow_is_what_is_spent_elsewhere():
    data = pd.DataFrame({"customer_id": range(40), "own": [5.0, 10.0] * 20, "category": 20.0})
    made = segments.loyalty(data)
    grown = made.table[made.table["measure"] == "value_to_grow"].set_index("loyalty")
    assert grown["estimate"].to_dict() == {"mostly_ours": 10.0, "shared": 15.0}
    assert facts(made, "segments.loyalty_answer")["part"] == pytest.approx(0.6)


def test_the_largest_obstacle_is_where_most_stood_still():
    before = pd.DataFrame({"customer_id": range(60), "stage": ["need"] * 40 + ["search"] * 20})
    now = before.assign(stage=["search"] * 30 + ["need"] * 10 + ["intent"] * 2 + ["search"] * 18)
    made = segments.journey(now, ["need", "search", "intent"], before=before)
    assert facts(made, "segments.journey_stuck")["n"] == 20
    moved = made.table[made.table["measure"] == "moved_on"].set_index("stage")["count"]
    assert moved.to_dict() == {"need": 30, "search": 2}


# Planted segments are found, and nothing is found where there is nothing.


def test_planted_segments_come_back():
    data, kind = planted(2)
    made = segments.clusters(data, list("xyz"), outcome="later", draws=15, tables=19, most=5)
    groups = [set(map(int, made.members(segment=s).customers)) for s in "ABC"]
    truth = [set(np.flatnonzero(kind == k)) for k in range(3)]
    assert all(len(g & t) / len(g | t) > 0.9 for g, t in zip(groups, truth, strict=True))
    assert facts(made, "segments.clusters_answer")["groups"] == 3
    assert facts(made, "segments.outcome")["p"] < 0.001


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_columns_have_no_segments(seed):
    data = shuffled(planted(seed)[0], seed)
    made = segments.clusters(data, list("xyz"), draws=10, tables=19, most=4)
    assert made.table["segment"].unique().tolist() == ["everybody"]
    assert "no segments" in str(made.answer)


def test_one_cloud_whose_columns_hang_together_has_no_segments():
    rng = np.random.default_rng(5)
    cloud = np.exp(
        rng.multivariate_normal([0, 0, 0], [[1, 0.6, 0.3], [0.6, 1, 0.2], [0.3, 0.2, 1]], 600)
    )
    data = pd.DataFrame(cloud, columns=list("xyz")).assign(customer_id=range(600))
    made = segments.clusters(data, list("xyz"), draws=10, tables=19, most=4)
    assert "one cloud" in str(made.answer)
    assert facts(made, "segments.card")["permuted"] <= 0.05


@pytest.mark.slow
def test_at_most_ten_of_a_hundred_shuffled_tables_have_segments():
    """Seeds fixed beforehand: 0 to 99."""
    called = 0
    for seed in range(100):
        data = shuffled(planted(seed, n=400)[0], 1000 + seed)
        made = segments.clusters(data, list("xyz"), draws=25, tables=39, most=5, seed=seed)
        called += made.table["segment"].iloc[0] != "everybody"
    assert called <= 10


@pytest.mark.slow
def test_planted_segments_are_found_in_two_hundred_worlds():
    """Three kinds four deviations apart: their number is found nearly always."""
    found = 0
    for seed in range(200):
        data, kind = planted(seed, n=400)
        made = segments.clusters(data, list("xyz"), draws=25, tables=19, most=5, seed=seed)
        label = made.people["segment"].to_numpy()
        found += clustering.rand(kind, label) > 0.9
    assert found >= 190


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_table_without_groups_keeps_its_values(seed):
    rng = np.random.default_rng(seed)
    z = rng.gamma(1, 1, (40, 3)).round(1)
    for kind in ("permuted", "cloud"):
        made = clustering.without_groups(z, kind, rng)
        assert (np.sort(made, axis=0) == np.sort(z, axis=0)).all()


# A segment is a set with a name and a day.


def test_a_segment_is_written_read_and_set_beside_another(tmp_path):
    first = results.Segment("loyal", [3, 1, 3], as_of="2024-06-30", rule="three orders or more")
    first.write(tmp_path / "loyal.json")
    again = results.read_segment(tmp_path / "loyal.json")
    assert (again.name, again.as_of, again.customers) == ("loyal", "2024-06-30", ("1", "3"))
    second = results.Segment("new", ["1", "2"])
    assert again.both(second).customers == ("1",)
    assert again.without(second).customers == ("3",)
    table = pd.DataFrame({"customer_id": [1, 2, 3, None], "x": range(4)})
    assert again.rows(table)["x"].tolist() == [0, 2]
    assert again.among(table["customer_id"]).tolist()[:3] == ["loyal", "others", "loyal"]
    assert "1" not in repr(again).replace("2024-06-30", "")


def test_what_is_no_segment_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(InputError, match="no segment"):
        results.read_segment(tmp_path / "x.json")
    with pytest.raises(InputError, match="none of its 1 customers"):
        results.Segment("gone", ["z"]).among(pd.Series(["a", "b"]))


def test_a_segment_goes_where_a_grouping_is_asked_for():
    days = pd.to_datetime("2024-01-01", utc=True) + pd.to_timedelta(np.arange(200) % 97, "D")
    shop = pd.DataFrame(
        {
            "order_id": range(200),
            "customer_id": np.arange(200) % 50,
            "ordered_at": days,
            "amount": 5.0,
        }
    )
    made = retention.day_retention(shop, by=results.Segment("some", range(20)), days=(1, 31))
    assert set(made.table["group"]) == {"some", "others"}
    waits = retention.time_to_repurchase(shop, by=results.Segment("some", range(20)))
    assert set(waits.table["group"]) == {"some", "others"}


def test_members_of_nobody_known_are_refused():
    shop = pd.DataFrame(
        {
            "order_id": range(40),
            "customer_id": np.arange(40) % 20,
            "ordered_at": pd.Timestamp("2024-01-01", tz="UTC"),
            "amount": 5.0,
        }
    )
    with pytest.raises(InputError, match="does not know the people"):
        retention.ever_repeat(shop).members()
    made = segments.usage(
        segments.behaviour(shop)
        .assign(customer_id=lambda d: d.index)
        .pipe(lambda d: pd.concat([d, d.assign(customer_id=d["customer_id"] + 20)])),
        draws=50,
    )
    with pytest.raises(InputError, match="no key named 'band'"):
        made.members(band="heavy")
    with pytest.raises(InputError, match="no value named 'heavily'"):
        made.members(usage="heavily")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda d: segments.clusters(d, ["x", "later"], outcome="later"), "among the columns"),
        (lambda d: segments.clusters(d, ["x"], most=1), "from 2 to 12"),
        (lambda d: segments.clusters(d, ["x"], basis="taste"), "taste"),
        (lambda d: segments.clusters(pd.concat([d, d]), ["x"]), "one row a customer"),
        (lambda d: segments.usage(d, volume="x"), "must not be below 0"),
        (lambda d: segments.usage(d, volume="later", bands="halves"), "halves"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call(planted(1, n=100)[0])
