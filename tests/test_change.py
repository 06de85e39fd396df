"""The change from one period to the next, for any analysis."""

import numpy as np
import pandas as pd
import pytest

from workbench import funnels, intervals, journeys
from workbench.errors import NotEnoughData
from workbench.results import change


def events(rng, customers, share, start):
    """Visits of customers, some of which are followed by an order the same hour."""
    n = len(customers)
    at = pd.Timestamp(start, tz="UTC") + pd.to_timedelta(rng.integers(0, 240, n), "h")
    seen = pd.DataFrame({"customer_id": customers, "occurred_at": at, "event": "view"})
    bought = seen[rng.random(n) < share].assign(
        event="order", occurred_at=lambda d: d["occurred_at"] + pd.Timedelta("1h")
    )
    return pd.concat([seen, bought], ignore_index=True)


def converted(rows):
    """The share that orders after a view."""
    return funnels.conversion(rows, ["view", "order"], window="2h", immature="count")


def test_independent_periods_give_newcombes_interval():
    """Two shares with Wilson limits: the interval of their difference is Newcombe's."""
    rng = np.random.default_rng(1)
    before = events(rng, np.arange(80), 0.3, "2024-01-01")
    now = events(rng, np.arange(100, 190), 0.5, "2024-03-01")
    made = change(converted, before, now, customer=None).table
    row = made[(made["step"] == "order") & (made["basis"] == "entry")].iloc[0]
    y = [int(t[t["event"] == "order"]["customer_id"].nunique()) for t in (now, before)]
    low, high = intervals.newcombe(y[0], 90, y[1], 80)
    assert row["estimate"] == pytest.approx(y[0] / 90 - y[1] / 80)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((float(low), float(high)))


def test_pairs_of_one_customer_are_told_by_the_error(monkeypatch):
    """Customers who mostly do the same in both periods: the paired error is that of their changes,
    and smaller than that of two samples.
    """
    monkeypatch.setattr("workbench.results.changes.GROUPS", 20)
    rng = np.random.default_rng(2)
    first = rng.random(400) < 0.5
    second = np.where(rng.random(400) < 0.85, first, ~first)
    tables = [
        pd.concat(
            [
                events(rng, np.arange(400)[bought], 1.0, day),
                events(rng, np.arange(400)[~bought], 0.0, day),
            ],
            ignore_index=True,
        )
        for bought, day in ((first, "2024-01-01"), (second, "2024-03-01"))
    ]
    made = change(converted, *tables).table
    row = made[(made["step"] == "order") & (made["basis"] == "entry")].iloc[0]
    each = second.astype(float) - first
    assert row["estimate"] == pytest.approx(each.mean())
    assert row["std_error"] == pytest.approx(each.std(ddof=1) / 20, rel=0.4)
    apart = change(converted, *tables, customer=None).table.loc[row.name]
    assert row["conf_high"] - row["conf_low"] < 0.8 * (apart["conf_high"] - apart["conf_low"])


def test_rows_of_one_period_have_no_change_and_none_at_all_is_said():
    """A number of days that nobody reached before has no change."""
    rng = np.random.default_rng(3)
    before, now = (events(rng, np.arange(20), 1.0, d) for d in ("2024-01-01", "2024-02-01"))
    more = pd.concat([now, now.assign(occurred_at=now["occurred_at"] + pd.Timedelta("9D"))])
    made = change(journeys.active_periods, before, more, customer=None).table
    only = made[made["earlier"].isna()]
    assert len(only) and only["estimate"].isna().all()
    assert made["estimate"].notna().any()
    with pytest.raises(NotEnoughData, match="both periods"):
        change(
            lambda rows: journeys.paths(rows.assign(event=rows["event"] + str(rows["n"].iloc[0]))),
            before.assign(n=1),
            now.assign(n=2),
            customer=None,
        )
