"""Retention on a day, from a day on, between days; over time and between groups; staying engaged:
by hand, by law, on Spark.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import intervals, periods, retention, schemas
from workbench.errors import InputError, NotEnoughData

AT = pd.Timestamp("2024-01-01 12:00", tz="UTC")


def orders(rows):
    """Orders from (customer, day)."""
    table = pd.DataFrame(rows, columns=["customer_id", "day"])
    return table.assign(
        order_id=np.arange(len(table)),
        ordered_at=AT + pd.to_timedelta(table["day"], "D"),
        amount=1.0,
    )[["order_id", "customer_id", "ordered_at", "amount"]]


HAND = orders(
    [("a", 0), ("a", 1), ("a", 40), ("b", 0), ("b", 5), ("c", 0), ("d", 10), ("d", 11), ("e", 39)]
)


def test_three_ways_to_count_by_hand():
    """Five customers, the data end on day 40: who is too young differs with what is asked."""
    exact = retention.day_retention(HAND, kind="n_day", days=[1, 5, 30]).table.set_index("age")
    assert exact[["count", "n", "immature"]].to_numpy().tolist() == [
        [2, 5, 0],
        [1, 4, 1],
        [0, 4, 1],
    ]
    later = retention.day_retention(HAND, kind="unbounded", days=[1, 5, 30]).table.set_index("age")
    assert later[["count", "n"]].to_numpy().tolist() == [[3, 5], [2, 4], [1, 4]]
    between = retention.day_retention(HAND, kind="bracket", days=[1, 6, 41]).table.set_index("age")
    assert between[["count", "n"]].to_numpy().tolist() == [[3, 4], [1, 3]]
    assert between.loc["1–5", ["conf_low", "conf_high"]].tolist() == pytest.approx(
        [float(v) for v in intervals.wilson(3, 4)]
    )


def test_several_orders_of_a_day_and_midnight_in_a_zone():
    """Two orders of one local day are one day; the zone decides which day it is."""
    late = pd.DataFrame(
        {
            "order_id": [1, 2, 3],
            "customer_id": ["a", "a", "b"],
            "ordered_at": pd.to_datetime(
                ["2024-01-01 22:30", "2024-01-01 23:30", "2024-01-09 00:00"], utc=True
            ),
            "amount": 1.0,
        }
    )
    assert retention.day_retention(late, kind="n_day", days=[1]).table["count"].tolist() == [0]
    assert retention.day_retention(late, kind="n_day", days=[1], zone="Europe/Amsterdam").table[
        "count"
    ].tolist() == [1]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 80)), min_size=2, max_size=60)
)
def test_what_is_counted_in_one_way_bounds_the_others(rows):
    """Back on day 7 is back in the days around it, and that is back on day 7 or later or in an
    earlier day of the bracket.
    """
    data = orders(rows)
    exact, later = (
        retention.day_retention(data, kind=k, days=[7]).table.iloc[0]
        for k in ("n_day", "unbounded")
    )
    around = retention.day_retention(data, kind="bracket", days=[7, 8]).table.iloc[0]
    assert (
        exact["count"]
        == around["count"]
        <= later["count"]
        <= later["n"]
        == exact["n"]
        == around["n"]
    )
    every, first = (
        retention.cohorts(data, period="week", entry=e).table for e in ("every", "first")
    )
    both = first.merge(every, on=["cohort", "age"], suffixes=("", "_every")).dropna(
        subset=["count"]
    )
    assert len(both) == len(first.dropna(subset=["count"]))
    assert (both["count_every"] >= both["count"]).all()


def test_every_entry_by_hand():
    """a buys in weeks 0, 1 and 5, b in 0, d in week 1 and 1: the cohort of week 1 holds a again."""
    made = retention.cohorts(
        orders([("a", 0), ("a", 7), ("a", 35), ("b", 1), ("d", 8), ("z", 48)]),
        period="week",
        entry="every",
    ).table.set_index(["cohort", "age"])
    second = pd.Timestamp("2024-01-08")
    assert made.loc[(second, 0), "n"] == 2
    assert made.loc[(second, 4), "count"] == 1
    assert made.loc[(pd.Timestamp("2024-02-05"), 0), "n"] == 1
    with pytest.raises(InputError, match="rolling clock"):
        retention.cohorts(HAND, entry="every", clock="rolling")
    with pytest.raises(InputError, match="several cohorts"):
        retention.mean_curve(retention.cohorts(HAND, entry="every"))
    with pytest.raises(InputError, match="revenue"):
        retention.mean_curve(retention.cohorts(HAND, measure="revenue"))


def test_weeks_begin_where_they_are_told_to():
    """7 January 2024 is a Sunday, 6 January a Saturday: in SQL as in NumPy."""
    days = np.arange(19_700, 19_800)
    for name, weekday in (("week", 0), ("week_sunday", 6), ("week_saturday", 5)):
        starts = periods.first_day(days, name)
        assert (pd.to_datetime(starts, unit="D").day_of_week == weekday).all()
        assert ((days - starts) < 7).all()
        assert (days >= starts).all()
    made = retention.cohorts(orders([("a", 5), ("b", 6), ("c", 20)]), period="week_sunday").table
    assert made["cohort"].drop_duplicates().tolist() == [
        pd.Timestamp("2023-12-31"),
        pd.Timestamp("2024-01-07"),
        pd.Timestamp("2024-01-21"),
    ]


def test_groups_are_compared_with_correction():
    """A group that comes back far more often is found; of two groups the one comparison is
    corrected once.
    """
    rng = np.random.default_rng(1)
    rows = [
        (f"{g}{i}", d)
        for g, p in (("x", 0.6), ("y", 0.2))
        for i in range(200)
        for d in ([0, 10] if rng.random() < p else [0])
    ]
    data = orders([*rows, ("end", 90)])
    by = pd.Series({c: c[0] for c in data["customer_id"].unique() if c != "end"})
    made = retention.day_retention(data, days=[1, 31, 61], by=by).table.set_index(["group", "age"])
    assert made.loc[("x", "1–30"), "p_holm"] < 1e-6
    assert made.loc[("x", "31–60"), "estimate"] == 0
    assert "missing" in made.index.get_level_values(0)
    two = retention.day_retention(
        data[data["customer_id"] != "end"], days=[1, 6, 11], by=by
    ).table.set_index(["group", "age"])
    assert two.loc[("x", "1–5"), "p_holm"] == two.loc[("y", "1–5"), "p_holm"]


def test_ids_known_by_how_they_are_written_and_no_false_correction():
    """Numbers in one table are words in the other; who matches nobody is refused; a group too young
    to be judged has no corrected p-value.
    """
    data = orders(
        [(i, d) for i in range(80) for d in ((0, 9) if i % 2 else (0,))] + [(100, 38), (101, 40)]
    )
    by = pd.Series(
        {**{str(i): "odd" if i % 2 else "even" for i in range(80)}, "100": "young", "101": "young"}
    )
    made = retention.day_retention(data, days=[1, 11], by=by).table.set_index("group")
    assert made.loc["young", "n"] == 0
    assert np.isnan(made.loc["young", "p_holm"])
    assert made.loc["odd", "p_holm"] == pytest.approx(made.loc["odd", "p_value"])
    with pytest.raises(InputError, match="by: none of the customers"):
        retention.day_retention(data, days=[1, 11], by=pd.Series({"x": "a"}))
    with pytest.raises(InputError, match="events: none of the customers"):
        retention.engagement(
            pd.DataFrame({"customer_id": ["x"], "occurred_at": [AT], "event": ["click"]}), data
        )


@pytest.mark.parametrize("text", ["03-08-2024", "jan", "2024", "", None])
def test_a_day_is_written_year_first(text):
    """The third of August or the eighth of March: refused, whatever the machine makes of it."""
    with pytest.raises(InputError, match="write for instance '2017-12-31'"):
        schemas.moment("until", text)
    assert schemas.moment("until", "2024-01-03") == schemas.moment(
        "until", pd.Timestamp("2024-01-03 23:59:59.999999")
    )


def test_pauses_carry_what_was_paid():
    """The purchase a pause begins on, and the one that ends it; days given back are none."""
    data = orders([("a", 0), ("a", 7), ("a", 9)]).assign(amount=[10.0, -4.0, 6.0])
    assert retention.interpurchase_times(data)[["days", "amount", "next_amount"]].iloc[
        0
    ].tolist() == [9, 10, 6]


def test_a_day_given_back_is_no_return():
    """Ten paid and ten given back a week later: neither back, nor a cohort, nor a repeat; the money
    counts where money is asked for.
    """
    data = pd.concat(
        [
            orders([("a", 0), ("b", 0), ("b", 9), ("z", 90)]),
            orders([("a", 9)]).assign(amount=-1.0, order_id=99),
            orders([("r", 3)]).assign(amount=-5.0, order_id=98),
        ]
    )
    assert retention.day_retention(data, days=[1, 31]).table[
        ["count", "n"]
    ].to_numpy().tolist() == [[1, 2]]
    assert retention.repeat_rate(data, windows=["30D"]).table["count"].iloc[0] == 1
    cells = retention.cohorts(data, period="week").table.set_index(["cohort", "age"])
    assert cells.loc[(pd.Timestamp("2024-01-01"), 1), "count"] == 1
    assert cells.loc[(pd.Timestamp("2024-01-01"), 0), "n"] == 2
    money = retention.cohorts(data, period="week", measure="revenue").table.set_index(
        ["cohort", "age"]
    )
    assert money.loc[(pd.Timestamp("2024-01-01"), 1), "amount"] == 0


def test_a_trend_over_cohorts():
    """Shares that rise from cohort to cohort are found; the last ones, too young, are left out and
    counted. The test is the square root of statsmodels' chi-square.
    """
    from statsmodels.stats.contingency_tables import Table

    rows = [
        (f"{w}-{i}", d)
        for w in range(10)
        for i in range(50)
        for d in ([7 * w, 7 * w + 3] if i < 5 + 4 * w else [7 * w])
    ]
    made = retention.retention_trend(orders(rows), days=(1, 8), period="week")
    assert made.table["count"].tolist() == [5 + 4 * w for w in range(8)]
    assert made.table["n"].eq(50).all()
    assert "100 customers" in " ".join(map(str, made.limits))
    count = made.table["count"].to_numpy()
    theirs = (
        Table(np.column_stack([count, 50 - count]), shift_zeros=False)
        .test_ordinal_association(row_scores=np.arange(8.0), col_scores=np.array([1.0, 0.0]))
        .pvalue
    )
    assert float(intervals.trend(np.arange(8), count, np.full(8, 50))) == pytest.approx(
        theirs, rel=0.15
    )
    with pytest.raises(NotEnoughData, match="at least 2 cohorts"):
        retention.retention_trend(HAND, days=(1, 300))


def test_the_mean_curve_weighs_by_size():
    """Two cohorts of 3 and 1: the mean at age 1 is over customers, and a cohort too young has no
    part.
    """
    made = retention.mean_curve(
        retention.cohorts(
            orders([("a", 0), ("a", 35), ("b", 1), ("c", 2), ("d", 40), ("d", 65), ("z", 95)])
        )
    ).table.set_index("age")
    assert made.loc[1, ["count", "n", "cohorts"]].tolist() == [2, 4, 2]
    assert np.isnan(made.loc[0, "conf_low"])
    assert made.loc[2, ["n", "cohorts"]].tolist() == [3, 1]


def test_curves_of_groups_are_compared():
    """Curves of two groups stand side by side; the one whose customers all return is told apart at
    age 1, and age 0 is no comparison.
    """
    keen, cool = (
        orders(
            [
                r
                for i in range(60)
                for r in ((f"{g}{i}", 0), *([(f"{g}{i}", 35)] if i < back else []))
            ]
            + [(f"{g}end", 95)]
        )
        for g, back in (("k", 60), ("c", 12))
    )
    made = retention.mean_curve(
        {"keen": retention.cohorts(keen), "cool": retention.cohorts(cool)}
    ).table.set_index(["group", "age"])
    assert made.loc[("keen", 1), "p_holm"] < 1e-6
    assert made.loc[("keen", 1), "p_holm"] == made.loc[("cool", 1), "p_holm"]
    assert np.isnan(made.loc[("keen", 0), "p_holm"])


def test_engagement_by_hand():
    """Acts of the first month count once; those of machines, of before the order and of the day
    itself do not; the half-life planted is found.
    """
    first = orders([("a", 0), ("b", 0), ("c", 50)])
    acts = pd.DataFrame(
        [
            ("a", 0, False),
            ("a", 3, False),
            ("a", 9, False),
            ("b", 2, True),
            ("b", 40, False),
            ("c", 49, False),
            ("a", 65, False),
        ],
        columns=["customer_id", "day", "machine_open"],
    )
    acts = acts.assign(occurred_at=AT + pd.to_timedelta(acts["day"], "D"), event="click")
    made = retention.engagement(acts, first, machine="machine_open")
    assert made.table[["month", "count", "n"]].to_numpy().tolist() == [[1, 1, 2], [2, 1, 2]]
    assert "1 action of a machine does" in str(made.limits[0])
    never = retention.engagement(acts, first, acts=["open"])
    assert never.table["count"].sum() == 0
    assert any("'open' does not occur" in str(note) for note in never.limits)
    rng = np.random.default_rng(3)
    many = orders([(f"c{i}", 0) for i in range(4000)] + [("end", 200)])
    some = pd.DataFrame(
        [
            (f"c{i}", 30 * k + 5)
            for i in range(4000)
            for k in range(6)
            if rng.random() < 0.8 * 0.5 ** (k / 2)
        ],
        columns=["customer_id", "day"],
    )
    some = some.assign(occurred_at=AT + pd.to_timedelta(some["day"], "D"), event="click")
    fit = retention.engagement(some, many).model
    assert (
        abs(np.log(2) / -fit.params["month"] - 2)
        < 4 * fit.bse["month"] * np.log(2) / fit.params["month"] ** 2
    )


def test_rates_are_the_same_on_spark(to_spark):
    """The counting runs in the engine."""
    rng = np.random.default_rng(5)
    data = orders([(f"c{rng.integers(60)}", int(d)) for d in rng.integers(0, 150, 400)])
    for call in (
        lambda d: retention.day_retention(d, kind="unbounded"),
        lambda d: retention.retention_trend(d),
        lambda d: retention.cohorts(d, entry="every"),
        lambda d: retention.cohorts(d, period="week_saturday"),
    ):
        pd.testing.assert_frame_equal(
            call(data).table, call(to_spark(data)).table, check_dtype=False
        )
