"""Small groups of one's own customers are one group before a report computes anything by them."""

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import funnels, retention, surveys
from workbench.display import speaking, tables
from workbench.load.in_place import InPlace
from workbench.results.merging import MERGED, small

SIZES = {"web": 40, "shop": 25, "fair": 7, "party": 4, "one": 1}


@pytest.fixture
def report(tmp_path, monkeypatch):
    """As within a report."""
    monkeypatch.setenv("WORKBENCH_TABLES", str(tmp_path / "log"))


def events(sizes=SIZES):
    """Everybody views and every second one orders, each in the group of a channel."""
    import pandas as pd

    rows = []
    for channel, size in sizes.items():
        for i in range(size):
            who = f"{channel}-{i}"
            rows.append((who, pd.Timestamp("2024-01-01", tz="UTC"), "view", channel))
            if i % 2:
                rows.append((who, pd.Timestamp("2024-01-02", tz="UTC"), "order", channel))
    last = ("late", pd.Timestamp("2024-06-01", tz="UTC"), "other", None)
    return pd.DataFrame([*rows, last], columns=["customer_id", "occurred_at", "event", "channel"])


def kinds(frame, folder):
    """The same table in every way in which a report has it."""
    path = folder / "events.parquet"
    frame.to_parquet(path)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    yield from (frame, pl.from_arrow(arrow), arrow, path, InPlace("events", path))


def test_small_groups_are_one_before_a_funnel_sees_them(report, tmp_path):
    """Of every kind of table: twelve people of three groups, counted as one, and said."""
    for table in kinds(events(), tmp_path):
        made = funnels.conversion(table, ["view", "order"], by="channel")
        last = made.table[(made.table["basis"] == "entry") & (made.table["step"] == "order")]
        found = last.set_index("channel")[["count", "n"]].T.to_dict("list")
        assert found == {"web": [20, 40], "shop": [12, 25], MERGED: [5, 12]}, type(table)
        said = [note for note in made.limits if note.id == "result.merged"]
        assert len(said) == 1 and said[0].values == {"n": 3, "least": 10}
        html = tables.result_html(made)
        assert "other (small groups)" in html and "fair" not in html and "party" not in html
    with speaking("nl"):
        assert "overige (kleine groepen)" in tables.result_html(made)


def test_a_notebook_of_ones_own_and_public_data_keep_their_groups(report, monkeypatch):
    """Public data have nobody to guard; outside a report a researcher sees what is there."""
    public = events()
    public.attrs["built_in"] = True
    made = funnels.conversion(public, ["view", "order"], by="channel")
    assert set(made.table["channel"]) == set(SIZES)
    monkeypatch.delenv("WORKBENCH_TABLES")
    made = funnels.conversion(events(), ["view", "order"], by="channel")
    assert set(made.table["channel"]) == set(SIZES)


def test_groups_of_answers_and_of_a_series(report):
    """Respondents, and customers told apart by a Series."""
    import pandas as pd

    asked = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(300)], "item": "recommend"})
    asked["response_id"], asked["value"] = asked["respondent_id"], [i % 11 for i in range(300)]
    asked["answered_at"] = pd.Timestamp("2024-01-01", tz="UTC")
    asked["part"] = ["a"] * 3 + ["b"] * 4 + ["c"] * 293
    found = surveys.nps(asked, by="part")
    assert set(found.table["part"]) == {MERGED}, "seven people are too few to stand alone"
    orders = pd.DataFrame({"order_id": range(200), "amount": 10.0})
    orders["customer_id"] = [f"c{i % 50}" for i in range(200)]
    orders["ordered_at"] = pd.date_range("2024-01-01", periods=200, freq="D", tz="UTC")
    by = pd.Series({f"c{i}": "x" if i < 45 else f"y{i}" for i in range(50)})
    made = retention.time_to_repurchase(orders, by=by)
    assert any(note.id == "result.merged" and note.values["n"] == 6 for note in made.limits)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 60), max_size=9))
def test_no_group_that_is_left_is_small(sizes):
    """Unless all people together are; and a group as large as the minimum is merged only where the
    small ones are too few together.
    """
    few = small(sizes)
    left = {name: size for name, size in sizes.items() if name not in few}
    together = sum(sizes[name] for name in few)
    assert all(size >= 10 for size in left.values())
    assert not few or together >= 10 or not left
    large = [name for name in few if sizes[name] >= 10]
    assert len(large) <= 1 and (not large or together - sizes[large[0]] < 10)
