"""Ids, words, moments and folders as other tools write them; what is left out is counted."""

import datetime as dt
import logging
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from calls import ROOMS

from workbench import clv, drivers, engine, funnels, journeys, retention
from workbench.engine import duck
from workbench.errors import InputError
from workbench.results import is_simulated

EVENTS = pd.DataFrame(
    {
        "customer_id": [1, 1, 2, 2, 3],
        "event": [1, 2, 1, 2, 1],
        "occurred_at": pd.to_datetime(
            [
                "2024-01-01 00:00",
                "2024-01-01 22:10",
                "2024-01-02",
                "2024-01-02 23:30",
                "2024-01-01",
            ],
            format="ISO8601",
            utc=True,
        ),
    }
)
ORDERS = pd.DataFrame(
    {
        "order_id": range(6),
        "customer_id": [1, 1, 2, 2, 3, 3],
        "ordered_at": pd.Timestamp("2024-01-01", tz="UTC")
        + pd.to_timedelta([0, 9, 0, 30, 0, 4], "D"),
        "amount": [1.0, 2, 3, 4, 5, 6],
    }
)
TYPES = {
    "whole": lambda k: k,
    "small": lambda k: np.array(k, np.int8),
    "unsigned": lambda k: np.array(k, np.uint64),
    "fractions": lambda k: np.array(k, float),
    "text": lambda k: [str(x) for x in k],
    "text of Arrow": lambda k: pd.array([str(x) for x in k], "string[pyarrow]"),
    "decimal": lambda k: [Decimal(x) for x in k],
    "decimal places": lambda k: pd.array(
        [Decimal(f"{x}.00") for x in k], pd.ArrowDtype(pa.decimal128(10, 2))
    ),
    "category": lambda k: pd.Categorical(k),
    "category of text": lambda k: pd.Categorical([str(x) for x in k]),
    "nullable": lambda k: pd.array(k, "Int64"),
    "mixed": lambda k: pd.Series([x if i % 2 else str(x) for i, x in enumerate(k)], dtype=object),
}


def steps(events, names=("1", "2"), **options):
    """A funnel whose numbers can be counted by hand: three enter, two go on."""
    return funnels.conversion(events, list(names), immature="count", **options)


@pytest.mark.parametrize("kind", TYPES)
def test_ids_of_any_type(kind):
    """However the ids are held, they are the same people, one by one and between two tables."""
    held = TYPES[kind]
    assert steps(EVENTS.assign(customer_id=held([1, 1, 2, 2, 3]))).table["count"].tolist() == [
        *(3, 2, 2)
    ]
    orders = ORDERS.assign(customer_id=held([1, 1, 2, 2, 3, 3]))
    people = clv.customers(orders)
    assert engine.written(people["customer_id"]).tolist() == ["1", "2", "3"]
    by = pd.Series(["x", "y"], index=["1", "2"])
    groups = retention.time_to_repurchase(orders, by=by).table.groupby("group")["n"].max()
    assert groups.to_dict() == {"missing": 1, "x": 1, "y": 1}
    contacts = pd.DataFrame(
        {
            "customer_id": ["1", "2"],
            "contacted_at": pd.Timestamp("2024-01-05"),
            "variant": ["mail", "holdout"],
        }
    )
    joined = engine.frames("a", "b")(lambda a, b: a.merge(b, on="customer_id"))
    assert len(joined(contacts, orders)) == 4


@pytest.mark.parametrize("kind", TYPES)
def test_words_of_any_type(kind):
    """Codes of events are asked for as they are written, or as numbers."""
    events = EVENTS.assign(event=TYPES[kind]([1, 2, 1, 2, 1]))
    assert steps(events).table["count"].tolist() == [3, 2, 2]
    assert steps(events, (1, 2)).table["count"].tolist() == [3, 2, 2]


def test_ids_of_the_long_kind():
    """UUIDs, and whole numbers beyond what a float can hold, stay what they are."""
    for ids in (
        [UUID(int=10**30 + k) for k in (1, 1, 2, 2, 3)],
        [2**60 + k for k in (1, 1, 2, 2, 3)],
    ):
        events = EVENTS.assign(customer_id=ids)
        assert steps(events).table["count"].tolist() == [3, 2, 2]
        found = engine.run(
            "SELECT DISTINCT customer FROM v",
            v=engine.view(events, customer=engine.key("customer_id")),
        )
        assert set(found["customer"].map(str)) == set(map(str, ids))


@pytest.mark.parametrize("bad", [[b"1"] * 5, [(1,)] * 5, [{"a": 1}] * 5])
def test_what_can_be_no_id_is_refused(bad):
    """Binary values, lists, structures: one sentence, in the engine and in pandas."""
    for column in ("customer_id", "event"):
        with pytest.raises(InputError):
            steps(EVENTS.assign(**{column: pd.Series(list(bad), dtype=object)}))
    links = pd.DataFrame({"device_id": [b"x"], "customer_id": [1]})
    with pytest.raises(InputError, match="cannot be an id"):
        journeys.identify(EVENTS.assign(device_id="x"), links)


UNITS = ("s", "ms", "us", "ns")
ZONES = (None, "UTC", "Asia/Tokyo")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", UNITS)
def test_moments_of_any_unit_and_zone(unit, zone, tmp_path):
    """The clock a column is written in changes nothing, neither moments nor local days."""
    at = ORDERS["ordered_at"] + pd.Timedelta("22h30min")
    wanted = retention.interpurchase_times(ORDERS.assign(ordered_at=at), zone="Europe/Amsterdam")
    held = at.dt.tz_convert(zone) if zone else at.dt.tz_localize(None)
    orders = ORDERS.assign(ordered_at=held.dt.as_unit(unit))
    orders.to_parquet(tmp_path / "o.parquet")
    for table in (
        orders,
        pa.Table.from_pandas(orders),
        pl.from_pandas(orders),
        tmp_path / "o.parquet",
    ):
        found = retention.interpurchase_times(table, zone="Europe/Amsterdam")
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_days_and_python_moments():
    """Dates, datetimes and moments in columns of objects, and periods of pandas."""
    days = [dt.date(2024, 1, 1 + k) for k in range(5)]
    midnight = EVENTS.assign(occurred_at=pd.to_datetime(days))
    wanted = steps(midnight).table["count"].tolist()
    for held in (
        days,
        [dt.datetime(d.year, d.month, d.day) for d in days],
        pd.Series(list(pd.to_datetime(days, utc=True)), dtype=object),
        pd.PeriodIndex(days, freq="D"),
    ):
        assert steps(EVENTS.assign(occurred_at=held)).table["count"].tolist() == wanted
    with pytest.raises(InputError, match="must hold moments"):
        steps(EVENTS.assign(occurred_at=[str(d) for d in days]))


def test_what_an_id_is_written_as():
    """The one rule, value by value."""
    values = [
        1,
        1.0,
        Decimal("1.00"),
        "1",
        np.int8(1),
        1.5,
        Decimal("1.50"),
        "",
        None,
        np.nan,
        "NA",
    ]
    found = engine.written(pd.Series(values, dtype=object)).tolist()
    assert found == ["1", "1", "1", "1", "1", "1.5", "1.5", None, None, None, "NA"]
    assert engine.written(pd.Index([1.0, np.nan])).tolist() == ["1", None]
    assert engine.written(pd.Series([3, 4])).tolist() == ["3", "4"]


@pytest.mark.parametrize("kind", ["polars", "lazy", "arrow", "path", "arrow types"])
def test_a_verb_keeps_the_columns(kind, tmp_path):
    """Channels, people and tags are read off the columns of any kind of table."""
    events = EVENTS.assign(
        event="view",
        source="google",
        medium="cpc",
        session_id=range(5),
        device_id=[1.0, 2.0, 1.0, np.nan, 3.0],
        own=[b"a", b"b", b"c", b"d", b"e"],
    )
    links = pd.DataFrame({"device_id": ["1", "2"], "customer_id": [10, 9]})
    events.to_parquet(tmp_path / "e.parquet")
    table = {
        "polars": pl.from_pandas(events),
        "lazy": pl.from_pandas(events).lazy(),
        "arrow": pa.Table.from_pandas(events).to_reader(),
        "path": tmp_path / "e.parquet",
        "arrow types": events.convert_dtypes(dtype_backend="pyarrow"),
    }[kind]
    made = journeys.assign_channels(table)
    assert made["channel"].tolist() == ["Paid Search"] * 5
    assert list(made) == [*events, "channel"] and made["own"].tolist() == events["own"].tolist()
    if kind == "arrow":  # a reader is read
        table = pa.Table.from_pandas(events)
    people = journeys.identify(table, links)["customer_id"]
    assert people[people.notna()].tolist() == ["10", "9", "10", "device:3"]
    assert people.isna().tolist() == [False, False, False, True, False]
    tagged = journeys.tagging(table).table.set_index("measure")["estimate"]
    assert tagged["tagged"] == 1


def test_ids_of_nobody_are_said():
    """Where no id is among the customers, that is an error and no table of the missing."""
    with pytest.raises(InputError, match="none of the customers"):
        retention.time_to_repurchase(ORDERS, by=pd.Series({"9": "x"}))


def test_what_is_left_out_is_counted():
    """Rows without a customer, without a moment, with neither, and copies of an order."""
    orders = ORDERS.astype({"customer_id": object, "ordered_at": object})
    more = [("a", "", "2024-01-02"), ("b", None, "2024-01-02"), ("c", 1, None), ("d", "", None)]
    bad = pd.DataFrame(more, columns=["order_id", "customer_id", "ordered_at"]).assign(amount=1.0)
    bad["ordered_at"] = pd.to_datetime(bad["ordered_at"], utc=True)
    both = pd.concat([ORDERS, ORDERS.head(2), bad.astype({"customer_id": object})])
    assert len(orders) == 6
    view = engine.view(
        both, once="order_id", customer=engine.key("customer_id"), t=engine.micros("ordered_at")
    )
    left = engine.left_out(view)
    assert left.rows == 12 and left.copies == 2
    assert left.missing == {"customer_id": 3, "ordered_at": 1} and left.total == 6
    assert len(engine.run("SELECT * FROM v", v=view)) == 6
    assert [n.id for n in left.limits] == ["engine.left_out_missing"] * 2 + [
        "engine.left_out_copies"
    ]
    assert engine.left_out(EVENTS, "event").limits == ()
    brands = EVENTS.assign(brand=["a", "", None, "b", "c"])
    assert engine.left_out(brands, "brand").missing == {"brand": 2}


def test_copies_of_orders_count_once():
    """A table put twice under itself is the same table, and says so."""
    once, twice = retention.repeat_rate(ORDERS), retention.repeat_rate(pd.concat([ORDERS, ORDERS]))
    pd.testing.assert_frame_equal(once.table, twice.table)
    assert "engine.left_out_copies" in set(twice.facts["id"])
    assert "engine.left_out_copies" not in set(once.facts["id"])


def test_a_size_is_said_before_a_table_is_fetched(tmp_path, monkeypatch, caplog):
    """What is fetched says its size; what memory cannot hold is refused."""
    wide = pd.DataFrame({"y": np.arange(40.0), "x": np.arange(40) % 7})
    wide.to_parquet(tmp_path / "w.parquet")
    with caplog.at_level(logging.INFO, "workbench"):
        drivers.regression(tmp_path / "w.parquet", "y", ["x"])
    assert "40 rows of 2 columns" in caplog.text
    monkeypatch.setattr(duck, "MEMORY", "600B")
    with pytest.raises(InputError, match="40 rows of 2 columns"):
        drivers.regression(tmp_path / "w.parquet", "y", ["x"])


def test_what_is_no_table_is_one_sentence():
    """Every function, each of its tables: a number or a list in its place is refused by name."""
    for room in ROOMS:
        for name in room.__all__:
            function = getattr(room, name)
            for table in getattr(function, "needs", ()):
                for bad in (3, [1, 2], {"a": [1]}, np.arange(3), pd.Series([1])):
                    with pytest.raises(InputError, match=f"{name}, {table}: a table is needed"):
                        function(**{table: bad}, **filled(function, table))


def filled(function, table):
    """Give every other argument that is needed some value: the first table is looked at first."""
    import inspect

    given = inspect.signature(function).parameters.items()
    return {
        n: EVENTS
        for n, p in given
        if n != table and p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


# ---------------------------------------------------------------------------------------- folders


def test_a_folder_of_another_kind_of_table_is_refused(tmp_path):
    """Delta, Iceberg and Hudi keep removed rows in their files: folder, file and glob of them."""
    for name, mark in (
        ("delta", "_delta_log/00000000000000000000.json"),
        ("ice", "metadata/v1.metadata.json"),
        ("hint", "metadata/version-hint.text"),
        ("hudi", ".hoodie/hoodie.properties"),
    ):
        folder = tmp_path / name
        (folder / mark).parent.mkdir(parents=True)
        (folder / mark).write_text("{}")
        (folder / "data" / "day=1").mkdir(parents=True)
        file = folder / "data" / "day=1" / "part.parquet"
        ORDERS.to_parquet(file)
        for path in (folder, str(folder), file, str(folder / "data" / "*" / "*.parquet")):
            with pytest.raises(InputError, match="with its own reader"):
                clv.customers(path)


def test_a_folder_with_a_value_a_folder_is_one_table(tmp_path):
    """`channel=web/part.parquet`: the names of the folders are a column."""
    for channel, rows in ORDERS.assign(channel=["web", "shop"] * 3).groupby("channel"):
        (tmp_path / f"channel={channel}").mkdir()
        rows.drop(columns="channel").to_parquet(tmp_path / f"channel={channel}" / "0.parquet")
    assert set(engine.distinct(tmp_path, "channel")) == {"shop", "web"}
    pd.testing.assert_frame_equal(clv.customers(tmp_path), clv.customers(ORDERS))


def test_an_empty_folder_is_one_sentence(tmp_path):
    """A folder without a Parquet file says that it cannot be read."""
    with pytest.raises(InputError, match="cannot be read"):
        clv.customers(tmp_path)


# ------------------------------------------------------------------------------------- simulated


def test_the_mark_of_a_simulated_market_stays(tmp_path):
    """On a path, a folder, a glob, a relation, an Arrow table, a lazy query; not on other files."""
    import duckdb

    marked = EVENTS.copy()
    marked.attrs["simulated"] = True
    for table, wanted in ((marked, True), (EVENTS, False)):
        folder = tmp_path / str(wanted)
        folder.mkdir()
        table.to_parquet(folder / "e.parquet")
        file = str(folder / "e.parquet")
        for kind in (
            table,
            file,
            folder,
            str(folder / "*.parquet"),
            duckdb.connect().read_parquet(file),
            duckdb.connect().sql(f"SELECT * FROM '{file}' WHERE event = 1"),
            pa.Table.from_pandas(table),
            pa.Table.from_pandas(table).to_reader(),
            pl.scan_parquet(file),
        ):
            assert is_simulated(kind) is wanted, type(kind)
        for kind in (file, folder, pl.scan_parquet(file), pa.Table.from_pandas(table).to_reader()):
            assert steps(kind).simulated is wanted
        assert engine.frame(file).attrs.get("simulated", False) is wanted


@pytest.mark.spark
def test_spark_keeps_the_mark(to_spark):
    """A Spark table read from marked files is marked."""
    marked = EVENTS.copy()
    marked.attrs["simulated"] = True
    assert steps(to_spark(marked)).simulated and not steps(to_spark(EVENTS)).simulated


class Shops(pd.DataFrame):
    """A table of a library that builds upon pandas."""


def test_a_table_built_upon_pandas_is_a_table():
    """Whatever its class is called."""
    expected = retention.time_to_repurchase(ORDERS).table
    pd.testing.assert_frame_equal(retention.time_to_repurchase(Shops(ORDERS)).table, expected)


def test_a_column_that_stands_twice_is_one_sentence():
    """Nobody can tell which one is meant."""
    twice = pd.concat([ORDERS, ORDERS[["amount", "amount"]]], axis=1)
    with pytest.raises(InputError, match="'amount' stands 3 times"):
        retention.time_to_repurchase(twice)
    beside = pd.concat([ORDERS, ORDERS[["order_id"]].set_axis(["n"], axis=1)] * 2, axis=1)
    with pytest.raises(InputError, match="stands"):
        retention.time_to_repurchase(beside)
