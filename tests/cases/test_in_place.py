"""A file's tables are read where they lie: no analysis of a notebook holds them in pandas."""

import pandas as pd
import pytest

from workbench import engine, load, loyalty, retention
from workbench.errors import InputError

SHOP = ("data/samples/sample_shop.csv", "data/mappings/sample_shop.yml")


@pytest.fixture
def shop(monkeypatch):
    """A file as a source, of which no frame can be made."""
    source = load.source(*SHOP)
    monkeypatch.setattr(load.in_place, "frame", lambda _: pytest.fail("held in pandas"))
    return source


@pytest.mark.parametrize("start", [None, "2024-02-01"])
def test_analyses_read_a_file_where_it_lies(start, shop):
    """The same numbers as of the frame, also from a day on, and of groups and events made of it."""
    frames = load.file(*SHOP).tables.places
    source = load.source(*SHOP, start=start)
    orders = pd.read_parquet(frames["orders"])
    if start:
        orders = orders[orders["ordered_at"] >= pd.Timestamp(start, tz="UTC")]

    def same(table, frame):
        given = {"windows": ["30D"], "zone": source.zone}
        made, wanted = (retention.repeat_rate(t, **given).table for t in (table, frame))
        pd.testing.assert_frame_equal(made, wanted)

    same(source.orders, orders)
    groups, wanted = load.by_first_order(source.orders), load.by_first_order(orders)
    assert {name: len(table) for name, table in groups.items()} == {
        name: len(table) for name, table in wanted.items()
    }
    for name, table in groups.items():
        same(table, wanted[name])
    events = load.events_from_orders(source.orders, "trip")
    assert engine.distinct(events, "event") == ["trip"]
    assert "occurred_at" in events
    assert len(events) == len(orders)


def test_a_source_says_how_far_it_goes(shop):
    """In its own zone; a built-in source and a file alike."""
    builtin = load.source("cdnow")
    first, last = builtin.period()
    assert (first, last) == tuple(builtin.orders["ordered_at"].agg(["min", "max"]))
    assert builtin.middle_day() == "1997-09-30"
    assert builtin.before_end("90D") == str((last - pd.Timedelta("90D")).date())
    moments = pd.read_parquet(shop.orders)["ordered_at"].dt.tz_convert("Europe/Amsterdam")
    assert shop.period() == (moments.min(), moments.max())
    assert shop.last("30D")[1] == str(moments.max().date())
    assert shop.households is None
    assert loyalty.two_periods(shop.lines) == loyalty.two_periods(pd.read_parquet(shop.lines))


def test_a_table_in_a_file_says_what_it_is(shop):
    """It shows its size and columns, and what to do where a frame is needed."""
    lines = shop.lines
    assert f"{len(lines)} rows" in repr(lines)
    assert set(lines) >= {"order_id", "customer_id"}
    assert "brand_of_moon" not in lines
    with pytest.raises(InputError, match=r"\.frame\(\)"):
        lines["order_id"]
    with pytest.raises(AttributeError, match=r"\.frame\(\)"):
        lines.groupby("order_id")
    assert not hasattr(lines, "_repr_png_")
