"""A file's tables are read where they lie: no analysis of a notebook holds them in pandas."""

import pandas as pd
import pytest
from calls import CALLS

from workbench import engine, experiments, load, loyalty, retention
from workbench.engine import gate
from workbench.errors import InputError

# A row an event or a line of these is asked for, or answered with: a verb that gives every event
# back with something beside it, and what reads the table such a verb has made.
ROW_FOR_ROW = {
    *("journeys.assign_channels", "journeys.identify", "stages.staged", "stages.align"),
    *("stages.link_true_stages", "stages.requirements_before"),
    # Sightings of people on devices, and events of campaigns: tables of a row a person and cause.
    *("journeys.identity_quality", "experiments.concurrent_campaigns"),
    # Orders beside the tickets and answers that name them.
    *("service.contacts_per_order", "surveys.joined"),
    # Answers and texts beside the events they belong to, of people who were asked.
    *("experience.journey_map", "experience.representativeness", "experience.disconfirmation"),
    *("experience.latent_curve", "experience.hidden_answers"),
}
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


def _many(call):
    """Return the arguments of a call that are tables of orders, lines or events, as people have
    them; what one of our own verbs has made of them is reduced.
    """
    return {
        name: table
        for name, table in call.given.items()
        if isinstance(table, pd.DataFrame) and {"occurred_at", "ordered_at"} & set(table)
    }


def test_no_analysis_holds_orders_or_events_in_pandas():
    """Such tables are reduced where they lie; a function that holds one is named above."""
    held = {n for n, c in CALLS.items() if set(_many(c)) & set(getattr(c.function, "held", ()))}
    assert held == ROW_FOR_ROW


NEAR = sorted(n for n, c in CALLS.items() if getattr(c.function, "near", ()))


@pytest.mark.parametrize("name", NEAR)
def test_only_what_matters_of_a_large_table_is_brought_into_pandas(name, tmp_path, monkeypatch):
    """Of a file most of whose rows are of strangers, or of other events, a few come in; and what
    comes out is what the frame gives, strangers among the rows or not.
    """
    call, fetched = CALLS[name], []
    tables = {n: call.arguments()[n] for n in call.function.near}
    files = {n: _with_strangers(name, table) for n, table in tables.items()}
    wanted = call(**files)
    for argument, table in files.items():
        table.to_parquet(tmp_path / f"{argument}.parquet")
    frame = gate.frame
    monkeypatch.setattr(gate, "frame", lambda t: fetched.append(frame(t)) or fetched[-1])
    found = call(**{n: tmp_path / f"{n}.parquet" for n in files})
    sizes = {len(table) for table in files.values()}
    assert max(len(f) for f in fetched if not f.attrs.get("small")) < min(sizes)
    pd.testing.assert_frame_equal(
        getattr(found, "table", found), getattr(wanted, "table", wanted), check_dtype=False
    )


def _with_strangers(name, table):
    """Return a table with as many rows again that no answer hangs on."""
    time = "ordered_at" if "ordered_at" in table else "occurred_at"
    more = pd.concat([table] * 3, ignore_index=True)
    if "event" in more:
        more["event"] = "seen"
    elif name == "loyalty.service_recovery":
        # A second order of the same day is no other purchase.
        more[time] = more[time].max()
        more = more.assign(customer_id=table["customer_id"].iloc[0])
    else:
        more["customer_id"] = "stranger"
    return pd.concat([table, more], ignore_index=True)


def test_what_households_spent_around_a_campaign_by_hand():
    """A begins the campaign on 8 January; b and c spend in its first week, or before and after."""
    day = pd.Timestamp("2024-01-08", tz="UTC")
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", "c"],
            "ordered_at": day + pd.to_timedelta([0, -1, 6, 7, -8], unit="D"),
            "amount": [5.0, 3.0, 2.0, 4.0, 9.0],
        }
    )
    told = pd.DataFrame(
        {"customer_id": ["a"], "occurred_at": [day], "event": "campaign_received", "campaign_id": 1}
    )
    weeks = experiments.campaign_weeks(orders, told, 1, before=1, after=1)
    assert weeks.set_index(["customer_id", "week"])["amount"].to_dict() == {
        **{("a", -1): 3.0, ("a", 0): 5.0, ("b", -1): 0.0, ("b", 0): 2.0},
        **{("c", -1): 0.0, ("c", 0): 0.0},
    }
    homes = experiments.campaign_households(orders, told, 1, span="7D").set_index("customer_id")
    assert homes["during"].to_dict() == {"a": 5.0, "b": 2.0, "c": 0.0}
    assert homes["before"].to_dict() == {"a": 3.0, "b": 0.0, "c": 0.0}
    assert homes["earlier"].to_dict() == {"a": 0.0, "b": 0.0, "c": 9.0}
    assert homes["received"].to_dict() == {"a": 1, "b": 0, "c": 0}
