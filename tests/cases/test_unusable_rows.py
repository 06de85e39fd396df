"""Rows of a table handed in directly that cannot be used are counted and said, everywhere."""

import numpy as np
import pandas as pd
import pytest
from calls import CALLS, EVENTS, Made
from test_results import ORDERS

from workbench import clv, funnels, loyalty, retention
from workbench.results import Result, rows
from workbench.results.rows import EVERY_ROW

WITH_ORDERS = [n for n, c in CALLS.items() if {"orders", "lines"} & set(c.given)]
# Its orders are others' and few.
WITH_ORDERS.remove("stages.intention")


def limits_of(made):
    """What a Result, or a table, says it rests on."""
    if isinstance(made, Result):
        return " ".join(map(str, made.limits))
    kept = getattr(made, "attrs", {}).get("limits", ())
    return " ".join(note["note"] + str(note["values"]) for note in kept)


@pytest.mark.parametrize("name", WITH_ORDERS)
def test_orders_without_a_customer_or_a_time_are_counted(name):
    """Seven without a customer and five without a time: both are said, whatever is asked."""
    call = CALLS[name]
    argument = "orders" if "orders" in call.given else "lines"
    table = call.given[argument]
    table = table.make() if isinstance(table, Made) else table
    lost = table.head(12).copy()
    lost["order_id"] = [f"lost {i}" for i in range(12)]
    lost["customer_id"] = lost["customer_id"].astype(object).where(np.arange(12) >= 7, None)
    lost["ordered_at"] = lost["ordered_at"].where(np.arange(12) < 7)
    made = call(**{argument: pd.concat([table, lost], ignore_index=True)})
    if not isinstance(made, (Result, pd.DataFrame)):
        return
    said = limits_of(made)
    assert "customer_id" in said and "ordered_at" in said
    assert "7" in said and "5" in said


def test_what_is_said_travels_with_the_table():
    """A model of buying says what `clv.customers` could not use."""
    orders = ORDERS.assign(ordered_at=ORDERS["ordered_at"].where(np.arange(len(ORDERS)) > 20))
    customers = clv.customers(orders)
    assert "21 rows of 500 are left out" in " ".join(map(str, clv.mbg_nbd(customers).limits))


def test_a_file_loaded_twice_counts_once():
    """Exact copies of an order are left out and said; the numbers are those of the table itself."""
    twice = pd.concat([ORDERS, ORDERS])
    for run in (
        retention.repeat_rate,
        retention.purchase_frequency,
        lambda o: loyalty.rfm_segments(loyalty.rfm(o, as_of="2024-07-30"), o, window="30D"),
    ):
        one, two = run(ORDERS), run(twice)
        pd.testing.assert_frame_equal(one.table, two.table)
        assert any("500 rows of 1,000 are left out" in str(n) for n in two.limits)
    assert clv.customers(twice)["value"].sum() == clv.customers(ORDERS)["value"].sum()


def test_copies_of_events_are_said():
    """They have no number of their own: they count, and it is said."""
    once = EVENTS.drop_duplicates()
    said = funnels.conversion(pd.concat([once, once]), ["p", "q"], window="9h").limits
    assert any("repeat another in every column" in str(n) for n in said)
    assert not any(
        "repeat another" in str(n) for n in funnels.conversion(once, ["p", "q"], window="9h").limits
    )


@pytest.mark.parametrize("many", [10, rows.MANY])
def test_copies_are_found_whatever_the_size_and_the_clock(many, monkeypatch):
    """In a large table they are looked for in a part of it: also where moments hold fractions of
    a second. Rows that take no part are copies of nothing.
    """
    monkeypatch.setattr(rows, "MANY", many)
    count = 400
    moments = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        np.arange(count) * 3_333_333, unit="us"
    )
    once = pd.DataFrame({"customer_id": [f"c{k % 40}" for k in range(count)], "event": "p"})
    once["occurred_at"] = moments
    once.loc[1::4, "event"] = "q"
    nobody = once.iloc[:25].assign(customer_id=None)
    said = funnels.conversion(
        pd.concat([once, once, nobody, nobody]), ["p", "q"], window="10min"
    ).limits
    (note,) = [note for note in said if note.id == "result.copies"]
    assert note.values["n"] == count
    assert note.values["rows"] == 2 * count


def test_nothing_is_said_of_a_clean_table():
    """No limit where every row is used."""
    ids = ("engine.left_out", "result.copies", "result.no_amount", "result.placeholder")
    for note in retention.repeat_rate(ORDERS).limits:
        assert not note.id.startswith(ids)


def test_orders_without_an_amount_are_counted():
    """They are purchases whose money is not known."""
    orders = ORDERS.assign(amount=ORDERS["amount"].mask(np.arange(len(ORDERS)) < 9))
    said = limits_of(retention.repeat_rate(orders))
    assert "9 orders have no amount" in said


def test_what_was_given_back_in_full_is_no_purchase():
    """Twenty buy for 50 and again for 60, and give the second order back: nobody bought twice. A
    free order stays a purchase.
    """
    start = pd.Timestamp("2026-01-01", tz="UTC")
    rows = []
    for c in range(20):
        rows += [
            (f"a{c}", f"c{c}", start, 50.0),
            (f"b{c}", f"c{c}", start + pd.Timedelta("9D"), 60.0),
        ]
        rows += [(f"b{c}", f"c{c}", start + pd.Timedelta("20D"), -60.0)]
    columns = ["order_id", "customer_id", "ordered_at", "amount"]
    orders = pd.DataFrame(rows, columns=columns)
    same_day = orders.assign(
        order_id=range(len(orders)),
        ordered_at=orders["ordered_at"].where(
            orders["amount"] > 0, orders["ordered_at"] - pd.Timedelta("11D")
        ),
    )
    for table in (orders, same_day):
        assert clv.customers(table, until="2026-03-01")["frequency"].eq(0).all()
        rate = retention.repeat_rate(table, windows=["20D"], until="2026-03-01").table
        assert rate.iloc[0][["count", "n"]].tolist() == [0, 20]
    assert retention.ever_repeat(orders).table.iloc[0][["count", "n"]].tolist() == [0, 20]
    free = orders[orders["amount"] > 0].assign(amount=lambda d: d["amount"].replace(60.0, 0.0))
    assert clv.customers(free, until="2026-03-01")["frequency"].eq(1).all()


def test_a_customer_who_is_everybody_unknown_is_named():
    """Forty orders of guests carry the placeholder 0, twenty customers have one each."""
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(60), "D")
    who = np.where(np.arange(60) < 40, 0, np.arange(60))
    orders = pd.DataFrame(
        {"order_id": range(60), "customer_id": who, "ordered_at": at, "amount": 10.0}
    )
    (note,) = [
        n for n in retention.purchase_frequency(orders).limits if n.id == "result.placeholder"
    ]
    assert (note.values["customer"], note.values["count"], note.values["rows"]) == ("0", 40, 60)


@pytest.mark.parametrize("many", [10, rows.MANY])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_as_large_the_same_one_is_named(many, turned, monkeypatch):
    """Wherever their rows stand and however large the table; rows without a time do not count."""
    monkeypatch.setattr(rows, "MANY", many)
    who = ["b"] * 20 + ["a"] * 20 + [f"c{k}" for k in range(20)] + ["a", "b"]
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(62), "D")
    orders = pd.DataFrame(
        {"order_id": range(62), "customer_id": who, "ordered_at": at, "amount": 10.0}
    )
    orders.loc[60:, "ordered_at"] = pd.NaT
    made = retention.purchase_frequency(orders[::-1] if turned else orders)
    (note,) = [n for n in made.limits if n.id == "result.placeholder"]
    assert (note.values["customer"], note.values["count"], note.values["rows"]) == ("a", 20, 60)


def test_rows_kept_by_purpose_are_not_called_left_out():
    """An event of nobody known is what `identify` is for."""
    assert {"identify", "tagging"} <= EVERY_ROW
    nameless = EVENTS.assign(customer_id=None, session_id=range(len(EVENTS)), source="x")
    assert not any(
        "left out" in str(n) for n in CALLS["journeys.tagging"].function(nameless).limits
    )
