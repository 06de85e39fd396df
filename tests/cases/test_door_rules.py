"""Rules over rows and over whole orders: first reasons stand, uniqueness comes last, order of the
file never matters, and what came back was not bought.
"""

import pandas as pd
import pytest
from door_helpers import COLUMNS, accounted, lines_mapping, loaded, mapping, noticed, reasons
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import clv, load, retention
from workbench.load.refusals import ANOTHER_LINE

PENDING = {"column": "status", "equals": "pending", "reason": "not paid yet"}
SHOP = (
    "Name,Email,Status,Total,Created,qty,price,sku\n"
    "#1001,a@x.nl,paid,50.00,2026-01-05 10:00:00 +0100,1,20.00,S1\n"
    "#1001,,,,,2,15.00,S2\n"
    "#1002,b@x.nl,paid,20.00,2026-01-06 11:00:00 +0100,1,20.00,S1\n"
    "#1003,a@x.nl,refunded,35.00,2026-02-01 09:00:00 +0100,1,20.00,S1\n"
    "#1003,,,,,1,15.00,S2\n"
    "#1004,a@x.nl,paid,60.00,2026-03-01 09:00:00 +0100,3,20.00,S1\n"
)
SHOP_MAPPING = {
    "table": "order_lines",
    "zone": "Europe/Amsterdam",
    "currency": "EUR",
    "columns": {
        "order_id": "Name",
        "product_id": "sku",
        "customer_id": "Email",
        "ordered_at": "Created",
        "quantity": "qty",
        "amount": {"multiply": ["qty", "price"]},
    },
}
REFUNDED = {"column": "Status", "one_of": ["refunded", "voided"], "reason": "refunded"}
FILL = {"columns": ["Email", "Status", "Created"], "within": "Name"}


def totals(found):
    """The amount of each order."""
    orders = found["orders"]
    return dict(zip(orders["order_id"], orders["amount"], strict=True))


@pytest.mark.parametrize("order", [list, reversed])
@pytest.mark.parametrize(
    "bad",
    [
        ("pending", "2026-01-01", "50", "EUR"),
        ("paid", "never", "50", "EUR"),
        ("paid", "2026-01-01", "lots", "EUR"),
        ("paid", "2026-01-01", "-5", "EUR"),
        ("paid", "2202-01-01", "50", "EUR"),
        ("paid", "2026-01-01", "50", "USD"),
        ("paid", "2026-01-01", "inf", "EUR"),
        ("paid", "2026-01-01", "50", ""),
    ],
)
def test_a_refused_row_never_stands_in_the_way_of_a_good_one(tmp_path, bad, order):
    """Whichever rule refused it, and whichever stands first: no duplicate key."""
    rows = [("1", "c1", *bad), ("1", "c1", "paid", "2026-01-02", "60", "EUR")]
    text = "id,who,status,at,eur,cur\n" + "".join(",".join(r) + "\n" for r in order(rows))
    told = mapping(columns={**COLUMNS, "currency": "cur"}, currency="EUR", reject=[PENDING])
    found = loaded(tmp_path, text, told)
    assert found["orders"]["amount"].tolist() == [60]
    assert len(found.report.table) == 1
    assert "order_id: duplicate key" not in reasons(found)


def test_of_two_good_rows_the_first_in_time_is_kept(tmp_path):
    """Whatever the order of the file."""
    rows = ["1,a,2026-01-02,6", "1,a,2026-01-01,7", "1,b,2026-01-01,5", "2,a,2026-01-01,1"]
    for turn in range(4):
        text = "id,who,at,eur\n" + "\n".join(rows[turn:] + rows[:turn]) + "\n"
        found = loaded(tmp_path, text)
        kept = found["orders"].sort_values("order_id")
        assert kept[["customer_id", "amount"]].values.tolist() == [["a", 7], ["a", 1]]
        assert reasons(found) == {"order_id: duplicate key": 2}


def test_part_of_an_order_is_never_the_order(tmp_path):
    """A line without the fields of its order refuses all of it, by name; the key keeps the rest."""
    found = loaded(tmp_path, SHOP, {**SHOP_MAPPING, "reject": [REFUNDED]})
    assert totals(found) == {"#1002": 20, "#1004": 60}
    assert reasons(found)[ANOTHER_LINE] == 1
    assert accounted(found)
    told = {**SHOP_MAPPING, "reject": [REFUNDED], "incomplete": "keep"}
    assert totals(loaded(tmp_path, SHOP, told))["#1001"] == 20


@pytest.mark.parametrize("status", ["refunded", "voided"])
def test_order_fields_are_carried_down_within_an_order(tmp_path, status):
    """Then every order is whole, and a refunded one leaves with all of its lines."""
    text = SHOP.replace("refunded", status)
    found = loaded(tmp_path, text, {**SHOP_MAPPING, "reject": [REFUNDED], "fill_down": FILL})
    assert totals(found) == {"#1001": 50, "#1002": 20, "#1004": 60}
    assert reasons(found) == {"refunded": 2}


def test_a_rule_may_hold_the_whole_order(tmp_path):
    """`whole: order_id` takes every line of an order of which one matches."""
    rule = {**REFUNDED, "whole": "order_id"}
    told = {
        **SHOP_MAPPING,
        "reject": [rule],
        "fill_down": {**FILL, "columns": ["Email", "Created"]},
    }
    found = loaded(tmp_path, SHOP, told)
    assert totals(found) == {"#1001": 50, "#1002": 20, "#1004": 60}
    assert reasons(found) == {"refunded": 2}


BAD_LINES = {
    "amount": "1,a,2026-01-01,lots,S2,1\n",
    "negative": "1,a,2026-01-01,-5,S2,1\n",
    "time": "1,a,soon,5,S2,1\n",
    "product": "1,a,2026-01-01,5,,1\n",
    "customer": "1,,2026-01-01,5,S2,1\n",
    "future": "1,a,2202-01-01,5,S2,1\n",
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_whatever_refuses_a_line_refuses_its_order(tmp_path, name):
    """Counted by name; other orders stay."""
    text = "id,who,at,eur,sku,n\n1,a,2026-01-01,5,S1,1\n2,b,2026-01-01,7,S1,1\n" + BAD_LINES[name]
    found = loaded(tmp_path, text, lines_mapping())
    assert totals(found) == {"2": 7}
    assert reasons(found)[ANOTHER_LINE] == 1
    assert accounted(found)


def given_back():
    """Twenty customers buy for 50, buy again for 60, and give all of that back."""
    rows = []
    for i in range(20):
        rows += [f"{i}a,c{i},2026-01-01,50,S,1", f"{i}b,c{i},2026-01-20,60,S,1"]
        rows += [f"{i}b,c{i},2026-01-25,-60,S,-1"]
    return "id,who,at,eur,sku,n\n" + "\n".join(rows) + "\n"


def test_an_order_given_back_in_full_was_not_bought(tmp_path):
    """Nobody bought twice, in any of three analyses, from the table and from its file."""
    found = loaded(tmp_path, given_back(), lines_mapping(negative="keep"))
    assert "given_back" in noticed(found)
    for orders in (found["orders"], found.table("orders")):
        assert retention.ever_repeat(orders).table["count"].tolist() == [0]
        rates = retention.repeat_rate(orders, windows=["20D"], until="2026-03-01").table
        assert rates["count"].iloc[0] == 0
        assert (clv.customers(orders, until="2026-03-01")["frequency"] == 0).all()


@pytest.mark.parametrize(
    ("amounts", "bought"),
    [
        ([50, -50], False),
        ([50, 30, -80], False),
        ([0.1, 0.2, -0.3], False),
        ([0], True),
        ([0, 0], True),
        ([50, -20], True),
        ([50, -50, 10], True),
    ],
)
def test_given_back_means_that_all_that_was_paid_came_back(tmp_path, amounts, bought):
    """A free order is a purchase; part of one that came back leaves the rest."""
    rows = [f"1,a,2026-01-0{i + 1},{x},S,1" for i, x in enumerate(amounts)]
    text = "id,who,at,eur,sku,n\n" + "\n".join([*rows, "2,b,2026-01-01,5,S,1"]) + "\n"
    found = loaded(tmp_path, text, lines_mapping(negative="keep"))
    assert ("1" in totals(found)) == bought
    lines = found["order_lines"]
    again = load.orders_from_lines(lines)
    pd.testing.assert_frame_equal(again, found["orders"], check_dtype=False)
    assert found["orders"]["amount"].sum() == pytest.approx(lines["amount"].sum())


LINE = st.tuples(
    st.sampled_from("123"),
    st.sampled_from(["a", "b", ""]),
    st.sampled_from(["2026-01-01", "2026-01-02", "soon"]),
    st.sampled_from(["5", "7", "-5", "x"]),
    st.sampled_from(["S", "T"]),
)


@settings(max_examples=15)
@given(st.lists(LINE, min_size=1, max_size=8), st.randoms(use_true_random=False), st.booleans())
def test_shuffled_rows_give_the_same_kept_set(tmp_path_factory, rows, chance, lines):
    """Of orders and of order lines."""
    told = lines_mapping() if lines else mapping()
    kept = []
    for _ in range(2):
        text = "id,who,at,eur,sku,n\nz,z,2026-01-01,1,S,1\n"
        text += "".join(",".join(r) + ",1\n" for r in rows)
        found = loaded(tmp_path_factory.mktemp("rows"), text, told)
        assert accounted(found)
        frame = found[told["table"]]
        kept.append(sorted(map(str, frame.values.tolist())))
        chance.shuffle(rows)
    assert kept[0] == kept[1]
