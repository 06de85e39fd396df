"""The engine: every kind of table in, whole customers out, the same on DuckDB and Spark."""

import numpy as np
import pandas as pd
import pytest
from conftest import log, same

from workbench import engine, retention
from workbench.engine import batches
from workbench.errors import InputError


def kernel():
    """A kernel that shows what it was given; made anew, so that it travels to Spark's workers
    whole.
    """
    import numpy as np

    def sizes(batch):
        """Rows per customer, first time, and how often time runs backwards (never)."""
        falls = np.append(np.diff(batch["t"]) < 0, False)[: len(batch)]
        falls[batch.starts + batch.sizes - 1] = False
        return {
            "customer": batch["customer"][batch.starts],
            "n": batch.sizes,
            "begin": batch["t"][batch.starts],
            "falls": (
                np.add.reduceat(falls.astype(int), batch.starts) if len(batch) else batch.starts
            ),
        }

    return sizes


sizes = kernel()


def view(table, **more):
    """Customer and time of an events table."""
    return engine.view(
        table, customer=engine.key("customer_id"), t=engine.micros("occurred_at"), **more
    )


@pytest.fixture
def events():
    """Thirty rows of four customers."""
    rng = np.random.default_rng(2)
    return log(
        [
            (f"c{c}", float(t), "e")
            for c, t in zip(rng.integers(0, 4, 30), rng.integers(0, 90, 30), strict=True)
        ]
    )


def test_every_kind_of_table_gives_the_same_rows(events, tmp_path):
    """pandas, polars, Arrow, a Parquet path, a folder, a DuckDB relation."""
    import duckdb
    import polars
    import pyarrow

    path = tmp_path / "events.parquet"
    events.to_parquet(path)
    expected = engine.map_ordered(view(events), sizes).sort_values("customer", ignore_index=True)
    assert expected["n"].sum() == 30 and expected["falls"].sum() == 0
    kinds = [
        polars.from_pandas(events),
        polars.from_pandas(events).lazy(),
        pyarrow.Table.from_pandas(events),
        str(path),
        path,
        tmp_path,
        str(tmp_path / "*.parquet"),
        duckdb.connect().sql(f"SELECT * FROM '{path}'"),
    ]
    for kind in kinds:
        same(
            engine.map_ordered(view(kind), sizes).sort_values("customer", ignore_index=True),
            expected,
        )


@pytest.mark.spark
def test_spark_walks_the_same_histories(events, to_spark):
    """Arrow batches of seven rows cut customers in two; the engine joins them again."""
    same(
        engine.map_ordered(view(to_spark(events)), kernel()).sort_values(
            "customer", ignore_index=True
        ),
        engine.map_ordered(view(events), sizes).sort_values("customer", ignore_index=True),
    )


@pytest.mark.spark
def test_a_table_turned_around_is_read():
    """Columns of a reversed table run backwards in memory; the engine reads them all the same."""
    d = pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": ["x", "y", "z"],
            "at": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"], utc=True),
        }
    )
    assert engine.distinct(d.iloc[::-1], "b") == ["x", "y", "z"]
    turned = engine.view(
        d[["b", "at"]].iloc[::-1].assign(customer_id="one"),
        customer=engine.key("customer_id"),
        t=engine.micros("at"),
    )
    assert engine.map_ordered(turned, sizes, then=("t",))[["n", "begin"]].to_numpy().tolist() == [
        [3, d["at"].iloc[0].value // 1000]
    ]


def test_days_and_microseconds_do_not_depend_on_the_session(to_spark):
    """Naive and zoned times around two clock changes, cut in Amsterdam, session in New York."""
    at = pd.to_datetime(
        [
            "2024-03-31 00:59:59.999999",
            "2024-03-31 01:00",
            "2024-10-27 00:30",
            "2024-10-27 22:59",
            "2024-03-10 02:30",
            "2024-11-03 05:30",
            "2024-11-03 06:30",
        ],
        format="ISO8601",
    ).astype("datetime64[us]")
    naive = pd.DataFrame(
        {
            "customer_id": range(7),
            "occurred_at": at,
            "x": [1.0, np.nan, np.inf, 2, 3, 4, 5],
            "e": list("pqpq'\\r"),
        }
    )
    zoned = naive.assign(occurred_at=at.tz_localize("UTC"))
    text = "SELECT customer, t, d, x, k FROM v ORDER BY customer"
    found = []
    for frame in (naive, zoned):
        for table in (frame, to_spark(frame)):
            v = engine.view(
                table,
                zone="Europe/Amsterdam",
                customer=engine.key("customer_id"),
                t=engine.micros("occurred_at"),
                d=engine.day("occurred_at"),
                x=engine.real("x"),
                k=engine.code("e", ["q", "p", "'", "\\"], others=True),
            )
            found.append(engine.run(text, v=v))
    for other in found[1:]:
        same(found[0], other)
    local = at.tz_localize("UTC").tz_convert("Europe/Amsterdam")
    assert found[0]["d"].tolist() == [(d - pd.Timestamp(0).date()).days for d in local.date]
    assert found[0]["x"].isna().tolist() == [False, True, True, False, False, False, False]
    assert found[0]["k"].tolist() == [1, 0, 1, 0, 2, 3, 4]


def test_a_stream_is_cut_only_between_customers():
    """However the chunks fall, a batch holds whole customers and every row comes once."""
    owner = np.repeat([3, 5, 9, 11], [4, 1, 7, 2])
    for width in (1, 2, 3, 5, 20):
        chunks = [
            {"customer": owner[i : i + width], "t": np.arange(i, min(i + width, 14))}
            for i in range(0, 14, width)
        ]
        made = list(batches.cut(chunks, ("customer",)))
        assert np.concatenate([b["t"] for b in made]).tolist() == list(range(14))
        seen = [c for b in made for c in np.unique(b["customer"])]
        assert len(seen) == len(set(seen)) == 4


def test_a_customer_no_person_could_be_is_an_error(monkeypatch):
    """More than the limit of events under one id, in one chunk or over many."""
    monkeypatch.setattr(batches, "MAX_EVENTS", 5)
    for chunks in ([{"customer": np.zeros(6, int)}], [{"customer": np.zeros(3, int)}] * 2):
        with pytest.raises(InputError, match="robot"):
            list(batches.cut(chunks, ("customer",)))


def test_an_empty_table_gives_an_empty_result(events):
    """No rows, the right columns."""
    out = engine.map_ordered(view(events.iloc[:0]), sizes)
    assert list(out) == ["customer", "n", "begin", "falls"] and len(out) == 0


def test_names_and_values_are_never_taken_for_sql(events):
    """A column called like an attack is a column; a value like one is a value."""
    evil = events.rename(columns={"event": 'e"; DROP TABLE x; --'})
    v = view(evil, k=engine.code('e"; DROP TABLE x; --', ["e'; --", "e"]))
    assert (
        engine.run("SELECT count(*) AS n FROM v WHERE k = :k", values={"k": 1}, v=v)["n"].iloc[0]
        == 30
    )


def test_unusable_tables_say_what_to_do(events, tmp_path):
    """A missing column, a text column as time, a wrong zone, a CSV path, a missing file, a list."""
    with pytest.raises(InputError, match="Did you mean 'occurred_at'"):
        engine.view(events, t=engine.micros("occured_at"))
    with pytest.raises(InputError, match="timestamps are needed"):
        engine.view(events, t=engine.micros("event"))
    with pytest.raises(InputError, match="Europe/Amsterdam"):
        engine.view(events, zone="Amsterdam")
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(InputError, match=r"load\.file"):
        engine.view(str(tmp_path / "a.csv"))
    with pytest.raises(InputError, match="no such"):
        engine.view(str(tmp_path / "b.parquet"))
    with pytest.raises(InputError, match="list"):
        engine.view([1, 2])


def test_the_input_is_never_changed(events):
    """An analysis leaves the table as it was."""
    before = events.copy()
    engine.map_ordered(view(events), sizes)
    pd.testing.assert_frame_equal(events, before)
    orders = events.rename(columns={"occurred_at": "ordered_at", "event": "order_id"}).assign(
        amount=1.0
    )
    before = orders.copy()
    retention.repeat_rate(orders)
    pd.testing.assert_frame_equal(orders, before)


def test_a_file_in_customer_order_is_not_sorted_again(tmp_path, monkeypatch):
    """Written once, recognised by its mark: equal tables, ties settled, no ORDER BY sent; a false
    mark is found out.
    """
    from test_funnels import random_log

    from workbench import funnels, journeys, stages
    from workbench.engine import duck

    events = random_log(3000, 8, customers=300)
    path = engine.write_ordered(events, tmp_path / "e.parquet")
    sent = []
    plain = duck._query
    monkeypatch.setattr(
        duck, "_query", lambda sql, *a, **k: (sent.append(sql), plain(sql, *a, **k))[1]
    )
    for analysis in (
        lambda d: funnels.conversion(d, ["p", "q", "r"], window="9h", ties="later").table,
        lambda d: journeys.transitions(d).table,
        lambda d: journeys.paths(d, steps=3).table,
        lambda d: stages.profile(d, ["p", "q", "r"], gap="9h"),
        lambda d: journeys.sessions(d).table,
    ):
        sent.clear()
        found = analysis(path)
        assert not any("ORDER BY customer" in sql for sql in sent)
        same(found, analysis(events))
        assert any("ORDER BY customer" in sql for sql in sent)
    import pyarrow.parquet as pq

    shuffled = pq.read_table(path).take(np.random.default_rng(1).permutation(3000))
    pq.write_table(shuffled, tmp_path / "wrong.parquet")
    with pytest.raises(InputError, match="marked as ordered"):
        journeys.sessions(str(tmp_path / "wrong.parquet"))
