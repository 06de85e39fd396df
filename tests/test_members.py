"""The customers behind a row are those it counts, and a grouping tells what was planted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import funnels, loyalty, results, retention, segments
from workbench.errors import InputError, NotEnoughData

STEPS = ["view", "cart", "order"]
START = pd.Timestamp("2024-01-01", tz="UTC")
HALF = pd.Series(["even", "odd"] * 100, index=range(200))


def clicks(seed, n=400, customers=40):
    """Events of some customers over ninety days."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, n),
            "occurred_at": START + pd.to_timedelta(rng.integers(0, 90 * 24, n), "h"),
            "event": rng.choice(STEPS, n, p=[0.7, 0.2, 0.1]),
            "channel": rng.choice(["web", "shop"], n),
        }
    )


def shop(seed, customers=200, often=(1.0, 1.0), leave=(0.3, 0.3)):
    """Orders of two halves of customers who buy so often and leave so easily."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        half = customer % 2
        day = rng.integers(0, 60)
        while day < 365:
            rows.append((customer, int(day), rng.gamma(2, 20)))
            if rng.random() < leave[half]:
                break
            day += 1 + rng.exponential(40 / often[half])
    table = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    at = START + pd.to_timedelta(table["day"], "D")
    return table.assign(order_id=range(len(table)), ordered_at=at)


# By hand.


def test_who_stopped_after_a_step_by_hand():
    """a bought, b left its cart, c only looked; z looked too lately to be counted."""
    log = pd.DataFrame(
        [("a", 1, "view"), ("a", 2, "cart"), ("a", 3, "order"), ("b", 1, "view"), ("b", 2, "cart")]
        + [("c", 1, "view"), ("z", 60, "view")],
        columns=["customer_id", "day", "event"],
    )
    log["occurred_at"] = START + pd.to_timedelta(log["day"], "D")
    made = funnels.conversion(log, STEPS)
    assert made.members(step="view").customers == ("a", "b", "c")
    assert made.members(step="cart", stopped=True).customers == ("b",)
    stopped = made.members(step_number=2, stopped=True)
    assert (stopped.name, stopped.as_of) == ("2, stopped", "2024-03-01")
    dropped = funnels.drop_off(log, STEPS).members(step="cart", stopped=True)
    assert dropped.customers == ("b",)


def test_who_fell_silent_and_who_is_at_risk_by_hand():
    """a paused and came back, b left, c bought at the end."""
    days = {"a": [0, 100, 195], "b": [0, 10], "c": [0, 20, 40, 199]}
    rows = [(who, day) for who, each in days.items() for day in each]
    table = pd.DataFrame(rows, columns=["customer_id", "day"]).assign(order_id=range(9), amount=5)
    table["ordered_at"] = START + pd.to_timedelta(table["day"], "D")
    made = retention.churn_moments(table, silence="90D")
    assert made.members(purchase_number="1", silent=True).customers == ("a",)
    assert made.members(at_risk=True).customers == ("b",)
    back = retention.repeat_rate(table, windows=["30D"])
    keys = {"purchase": "first_to_second", "window": "30D"}
    assert back.members(**keys, came_back=True).customers == ("b", "c")
    assert back.members(**keys, came_back=False).customers == ("a",)


def test_a_cell_of_cohorts_and_those_who_are_missing_from_it():
    table = shop(1)
    made = retention.cohorts(table)
    cohort = str(made.table["cohort"].iloc[0].date())
    all_of_it, there = (made.members(cohort=cohort, age=age) for age in (0, 2))
    gone = all_of_it.without(there)
    assert len(gone) + len(there) == len(all_of_it)
    assert there.as_of == str(table["ordered_at"].max().date())
    with pytest.raises(InputError, match="no value named '99'"):
        made.members(cohort=cohort, age=99)


def test_a_segment_of_a_scored_table_knows_its_day():
    table = shop(2)
    scored = loyalty.rfm(table, as_of="2024-10-01")
    held = loyalty.rfm_segments(scored, table, window="30D")
    assert held.members(segment=held.table["segment"].iloc[0]).as_of == "2024-10-01"


# Laws.


@given(st.integers(0, 10**6), st.sampled_from(["ordered", "strict", "any"]))
@settings(max_examples=4, deadline=None)
def test_members_of_a_funnel_are_those_it_counts(seed, order):
    log = clicks(seed)
    for by in (None, "channel"):
        made = funnels.conversion(log, STEPS, window="9D", order=order, by=by)
        rows = made.table[(made.table["basis"] == "entry") & (made.table["count"] > 0)]
        for row in rows.to_dict("records"):
            keys = {"step": row["step"], **({by: row[by]} if by else {})}
            assert len(made.members(**keys)) == row["count"]
        drop = funnels.drop_off(log, STEPS, window="9D", by=by)
        for row in drop.table[drop.table["count"] > 0].to_dict("records"):
            keys = {"step": row["step"], **({by: row[by]} if by else {})}
            assert len(drop.members(**keys, stopped=True)) == row["count"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clock": "rolling"},
        {"criterion": "on_or_after"},
        {"entry": "every"},
        {"clock": "rolling", "criterion": "on_or_after"},
        {"period": "week"},
    ],
)
def test_members_of_cohorts_are_those_they_count(options):
    made = retention.cohorts(shop(3), **options)
    counted = made.table[made.table["count"] > 0].set_index(["cohort", "age"])["count"]
    behind = made.people().drop_duplicates().groupby(["cohort", "age"]).size()
    assert behind.astype(float).to_dict() == counted.to_dict()


def own_rows(result, group):
    """The rows of one group as the same function gives them for its orders alone."""
    table = result.table[result.table["group"] == group]
    return table.drop(columns=["group", "p_value", "p_holm"]).reset_index(drop=True)


def test_groups_are_those_of_their_orders_alone():
    """What a group has is what the same function says of its orders; the end is that of all."""
    table = shop(4)
    end = table["ordered_at"].max()
    odd = table[table["customer_id"] % 2 == 1]
    for function, more in (
        (retention.repeat_rate, {}),
        (retention.purchase_frequency, {}),
        (retention.churn_moments, {"silence": "60D"}),
    ):
        alone = function(odd, until=end, **more).table
        mine = own_rows(function(table, by=HALF, until=end, **more), "odd")
        pd.testing.assert_frame_equal(mine, alone, check_dtype=False)
    alone = retention.mean_curve(retention.cohorts(odd, until=end)).table
    mine = own_rows(retention.cohorts_by(table, HALF, until=end), "odd")
    pd.testing.assert_frame_equal(mine, alone, check_dtype=False)


# Recovery.


@pytest.mark.slow
def test_halves_that_differ_are_told_apart_and_equal_ones_are_not():
    """A planted difference in leaving, or in pace, is found; of three equal shops few differ."""
    loyal = shop(5, leave=(0.2, 0.6))
    quick = shop(5, often=(1.0, 3.0), leave=(0.05, 0.05))
    for table, call in (
        (loyal, lambda d: retention.repeat_rate(d, by=HALF, windows=["180D"])),
        (loyal, lambda d: retention.churn_moments(d, by=HALF, silence="90D")),
        (loyal, lambda d: retention.cohorts_by(d, HALF)),
        (quick, lambda d: retention.purchase_frequency(d, by=HALF)),
    ):
        assert call(table).table["p_holm"].min() < 0.01
        equal = [call(shop(100 + k, customers=100)).table["p_holm"].min() for k in range(3)]
        assert sum(p < 0.05 for p in equal) <= 1


# A segment from date to date.


def test_a_segment_is_followed_by_hand():
    days = ("2024-01-31", "2024-02-29", "2024-03-31")
    held = [range(20), range(5, 25), range(5, 20)]
    chain = [results.Segment("some", who, day) for who, day in zip(held, days, strict=True)]
    made = segments.follow(chain[::-1])
    table = made.table.set_index(["as_of", "measure"])
    assert table.loc[("2024-02-29", "stayed"), ["count", "n"]].tolist() == [15, 20]
    assert table.loc[("2024-02-29", "joined"), ["count", "n"]].tolist() == [5, 20]
    assert table.loc[("2024-03-31", "growth"), "estimate"] == -0.25
    assert len(made.members(as_of="2024-03-31", move="left")) == 5


@pytest.mark.parametrize(
    ("chain", "error"),
    [
        ([1, 2], "a list of Segments"),
        ([results.Segment("a", [1]), results.Segment("a", [1])], "a day of its own"),
        ([results.Segment("a", [1], as_of="2024-01-01")], "at least 2 dates"),
    ],
)
def test_what_cannot_be_followed_is_refused(chain, error):
    with pytest.raises((InputError, NotEnoughData), match=error):
        segments.follow(chain)


def test_what_is_no_grouping_is_refused():
    for function in (retention.repeat_rate, retention.purchase_frequency, retention.churn_moments):
        with pytest.raises(InputError, match="indexed by customer_id"):
            function(shop(6, customers=20), by="channel")
