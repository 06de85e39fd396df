"""Repeat buying, cohorts, churn: by hand, by a slow twin, on CDNOW's facts, on both engines."""

import numpy as np
import pandas as pd
import pytest
from conftest import THOROUGH, same
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import load, retention
from workbench.errors import InputError, NotEnoughData


def orders(rows):
    """Orders from (customer, day, amount) rows; day 0 is Monday 2024-01-01."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    at = (
        pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(frame.pop("day"), unit="D")
    ).astype("datetime64[us, UTC]")
    return frame.assign(ordered_at=at, order_id=[str(i) for i in range(len(frame))])


SMALL = orders(
    [
        ("ann", 0, 10),
        ("ann", 20, 30),
        ("ann", 100, 20),
        ("bob", 10, 5),
        ("cas", 0, 8),
        ("cas", 60, 8),
        ("dan", 95, 1),
    ]
)


def test_repeat_rate_by_hand():
    """Within 30 days: Ann came back, Bob and Cas did not, Dan is too young."""
    table = retention.repeat_rate(SMALL, windows=["30D", "90D"]).table.set_index(
        ["purchase", "window"]
    )
    assert table.loc[("first_to_second", "30D"), ["count", "n", "immature"]].tolist() == [1, 3, 1]
    assert table.loc[("first_to_second", "90D"), ["count", "n", "immature"]].tolist() == [2, 3, 1]
    assert table.loc[("second_to_third", "30D"), ["count", "n", "immature"]].tolist() == [0, 2, 0]


def test_two_orders_on_one_day_are_no_repeat():
    """Nor are two on one local day that lie on two UTC days."""
    twice = orders([("a", 0.2, 1), ("a", 0.8, 1), ("b", 0.1, 1), ("z", 200, 1)])
    assert retention.repeat_rate(twice, windows=["30D"]).table["count"].iloc[0] == 0
    late = orders([("a", 0.9, 1), ("a", 1.1, 1), ("z", 200, 1)])
    assert retention.repeat_rate(late, windows=["30D"]).table["count"].iloc[0] == 1
    assert (
        retention.repeat_rate(late, windows=["30D"], zone="America/New_York").table["count"].iloc[0]
        == 0
    )


def test_ever_repeat_is_not_the_repeat_rate():
    """Two of four have two orders at all."""
    table = retention.ever_repeat(SMALL).table
    assert table[["count", "n", "estimate"]].values.tolist() == [[2, 4, 0.5]]


def test_buying_rhythm_by_hand():
    """Money per order, and a median pause that knows of the pauses still open."""
    table = retention.purchase_frequency(SMALL).table.set_index("measure")
    assert table.loc["order_value", ["amount", "n"]].tolist() == [82, 7]
    assert table.loc["repeats_per_year", "count"] == 3, (
        "the purchase that starts the clock does not count"
    )
    assert table.loc["days_between_seen", "estimate"] == 60  # of 20, 60 and 80
    # Open pauses of 0, 5, 40 and 90 days leave the risk set.
    assert table.loc["days_between", "estimate"] == 80


def test_cohorts_calendar_and_future_cells():
    """January's cohort in March; cells not over yet are missing, not 0."""
    table = retention.cohorts(SMALL, until="2024-04-10").table
    january = table[table["cohort"] == "2024-01-01"].set_index("age")
    assert january["count"].tolist()[:3] == [3, 0, 1] and np.isnan(january["count"].iloc[3])
    assert np.isnan(january["conf_low"].iloc[0]), "age 0 is true by definition"
    april = table[table["cohort"] == "2024-04-01"]
    assert april["count"].isna().all(), "April is not over on the tenth"
    full = retention.cohorts(SMALL, until="2024-04-30").table
    assert full[full["cohort"] == "2024-01-01"]["count"].tolist() == [3, 0, 1, 1]


def test_cohorts_on_or_after_and_revenue():
    """On or after looks ahead; revenue is money relative to age 0."""
    table = retention.cohorts(SMALL, criterion="on_or_after", until="2024-04-30").table
    assert table[table["cohort"] == "2024-01-01"]["count"].tolist() == [3, 2, 2, 1]
    money = retention.cohorts(SMALL, measure="revenue", until="2024-04-30").table
    assert money[money["cohort"] == "2024-01-01"]["estimate"].round(4).tolist() == [
        1,
        0,
        round(8 / 53, 4),
        round(20 / 53, 4),
    ]
    ahead = retention.cohorts(
        SMALL, measure="revenue", criterion="on_or_after", until="2024-04-30"
    ).table
    assert ahead[ahead["cohort"] == "2024-01-01"]["amount_total"].unique().tolist() == [53], (
        "relative to age 0, not to everything"
    )


def test_cohorts_rolling_weeks():
    """Rolling ages count from the customer's own day, and wait for the last comer of the cohort."""
    made = orders([("a", 0, 1), ("a", 7, 1), ("b", 6, 1), ("b", 12, 1), ("z", 20, 1)])
    table = retention.cohorts(made, period="week", clock="rolling").table
    first = table[table["cohort"] == "2024-01-01"]
    assert first["count"].tolist()[:2] == [2, 1]
    assert np.isnan(first["count"].iloc[2]), (
        "on day 20 customer b has been watched for two full weeks only"
    )


def test_retention_rate_names_its_rule():
    """On day 31 Ann, Bob and Cas had ordered in the 60 days before; on day 91 only Cas had, and
    nobody new.
    """
    made = retention.retention_rate(SMALL, begin="2024-02-01", end="2024-04-01", active="60D")
    assert made.table[["count", "n", "new"]].values.tolist() == [[1, 3, 0]]
    with pytest.raises(NotEnoughData, match="nobody"):
        retention.retention_rate(SMALL, begin="2020-01-01", end="2021-01-01")
    with pytest.raises(NotEnoughData, match="data end"):
        retention.retention_rate(SMALL, begin="2024-03-01", end="2025-06-01", active="60D")
    with pytest.raises(InputError, match="at least"):
        retention.retention_rate(SMALL, begin="2024-03-01", end="2024-03-20")


def test_churn_counts_only_purchases_watched_long_enough():
    """Silence of more than 30 days: after Ann's first no, Bob's first yes, Cas's first yes; Dan's
    is too young.
    """
    table = retention.churn_moments(SMALL, silence="30D").table
    row = table[(table["silence_days"] == 30) & (table["purchase_number"] == "1")].iloc[0]
    assert row[["count", "n", "returned"]].tolist() == [2, 3, 1]
    assert sorted(table["silence_days"].unique()) == [15, 30, 60]
    with pytest.raises(NotEnoughData, match="bought twice"):
        retention.churn_moments(orders([("a", 0, 1), ("b", 5, 1)]))
    with pytest.raises(NotEnoughData, match="400 days"):
        retention.churn_moments(SMALL, silence="400D")
    with pytest.raises(InputError, match="whole days"):
        retention.churn_moments(SMALL, silence="36h")


def test_time_to_next_is_kaplan_meier_on_first_pauses():
    """Pauses 20 and 60, still open after 90 (Bob) and 5 days (Dan)."""
    table = retention.time_to_repurchase(SMALL).table.set_index("days")
    assert table.loc[20, ["n", "count"]].tolist() == [3, 1]
    assert table.loc[20, "estimate"] == pytest.approx(2 / 3)
    assert table.loc[60, "estimate"] == pytest.approx(1 / 3)
    split = retention.time_to_repurchase(
        SMALL, by=pd.Series({"ann": "x", "bob": "x", "cas": "y", "dan": "y"})
    ).table
    assert set(split["group"]) == {"x", "y"}
    some = retention.time_to_repurchase(SMALL, by=pd.Series({"ann": "x"})).table
    assert some.groupby("group")["n"].max().to_dict() == {
        "missing": 3,
        "x": 1,
    }, "nobody drops out for want of a group"


def test_cdnow_facts():
    """23,570 customers, 48.9 % bought on more than one day, 80 free orders, 2,500,315.63 dollars
    (datasets note).
    """
    cdnow = load.cdnow()
    assert len(cdnow) == 69_659
    assert (cdnow["amount"] == 0).sum() == 80
    assert cdnow["amount"].sum() == pytest.approx(2_500_315.63)
    gaps = retention.interpurchase_times(cdnow)
    twice = gaps.loc[gaps["number"] == 2, "customer_id"].nunique() / gaps["customer_id"].nunique()
    assert gaps["customer_id"].nunique() == 23_570 and round(100 * twice, 1) == 48.9
    starts = retention.cohorts(cdnow).table.query("age == 0")["n"]
    assert starts.sum() == 23_570 and len(starts) == 3


def test_options_are_checked():
    """Misspelt options, bare numbers, no orders."""
    with pytest.raises(InputError, match="month"):
        retention.cohorts(SMALL, period="months")
    with pytest.raises(InputError, match="unit"):
        retention.repeat_rate(SMALL, windows=[90])
    with pytest.raises(NotEnoughData):
        retention.repeat_rate(SMALL.iloc[:0])


def slow_cohorts(rows, period, criterion):
    """Calendar cohorts one customer at a time."""
    days = {}
    for c, d, _ in rows:
        days.setdefault(c, set()).add(
            pd.Period(
                pd.Timestamp("2024-01-01") + pd.Timedelta(days=d),
                {"week": "W-SUN", "month": "M"}[period],
            )
        )
    out = {}
    for seen in days.values():
        first = min(seen)
        ages = {(p - first).n for p in seen}
        for age in range(max(ages) + 1) if criterion == "on_or_after" else ages:
            key = (first.start_time, age)
            out[key] = out.get(key, 0) + 1
    return out


@settings(max_examples=80 * THOROUGH, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 200), st.integers(1, 9)),
        min_size=1,
        max_size=20,
    ),
    period=st.sampled_from(["week", "month"]),
    criterion=st.sampled_from(["on", "on_or_after"]),
)
def test_cohorts_agree_with_a_slow_twin(rows, period, criterion):
    """Every cell that can be seen equals a count by hand."""
    table = retention.cohorts(
        orders(rows), period=period, criterion=criterion, until="2024-12-31"
    ).table
    expected = slow_cohorts(rows, period, criterion)
    for row in table.itertuples():
        if row.count == row.count:  # NaN: not over yet
            assert row.count == expected.get((row.cohort, row.age), 0)


@pytest.mark.spark
def test_spark_gives_the_same_tables(to_spark):
    """All retention tables, equal on both engines."""
    rng = np.random.default_rng(6)
    made = orders(
        [
            (f"c{c}", float(d), float(a))
            for c, d, a in zip(
                rng.integers(0, 60, 400),
                rng.uniform(0, 300, 400),
                rng.gamma(2, 10, 400).round(2),
                strict=True,
            )
        ]
    )
    there = to_spark(made)
    for analysis in (
        retention.repeat_rate,
        retention.purchase_frequency,
        retention.churn_moments,
        retention.time_to_repurchase,
    ):
        same(
            analysis(made, zone="Europe/Amsterdam").table,
            analysis(there, zone="Europe/Amsterdam").table,
        )
    same(retention.ever_repeat(made).table, retention.ever_repeat(there).table)
    dates = {"begin": "2024-04-01", "end": "2024-08-01"}
    same(
        retention.retention_rate(made, **dates).table,
        retention.retention_rate(there, **dates).table,
    )
    for clock in ("calendar", "rolling"):
        for criterion in ("on", "on_or_after"):
            options = {"clock": clock, "criterion": criterion, "measure": "customers"}
            same(
                retention.cohorts(made, **options).table, retention.cohorts(there, **options).table
            )
    same(
        retention.cohorts(made, period="week", measure="revenue").table,
        retention.cohorts(there, period="week", measure="revenue").table,
    )


@pytest.mark.slow
def test_the_repeat_rate_interval_holds_the_truth():
    """Simulated customers who come back with known chance: 91–98 % coverage; ever-repeat drifts
    with age.
    """
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        start = rng.integers(0, 300, 300)
        gap = rng.exponential(120, 300)
        rows = [(i, float(s), 1.0) for i, s in enumerate(start)]
        rows += [
            (i, float(s + np.ceil(g)), 1.0)
            for i, (s, g) in enumerate(zip(start, gap, strict=True))
            if s + np.ceil(g) <= 365
        ]
        made = retention.repeat_rate(orders([*rows, (-1, 365.0, 1.0)]), windows=["90D"]).table.iloc[
            0
        ]
        truth = 1 - np.exp(-90 / 120)
        hits += made["conf_low"] <= truth <= made["conf_high"]
    print(f"\nrepeat rate: coverage {hits / 200:.3f}")
    assert 0.91 <= hits / 200 <= 0.98
