"""A large text file is judged in one pass, and comes to what a small one comes to."""

import numpy as np
import pandas as pd
import pytest
from door_helpers import accounted, lines_mapping, mapping, noticed
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import load
from workbench.load import at_once, delimited

RULES = {
    "plain": {},
    "parts are kept": {"incomplete": "keep"},
    "doubles go": {"duplicates": "drop"},
    "refunds stay": {"negative": "keep"},
    "one rule": {"reject": [{"column": "sku", "equals": "p3", "reason": "test"}]},
    "whole orders": {
        "reject": [{"column": "sku", "equals": "p3", "reason": "test", "whole": "order_id"}]
    },
    "whole customers": {
        "reject": [{"column": "sku", "equals": "p3", "reason": "t", "whole": "customer_id"}],
        "incomplete": "keep",
    },
    "two rules": {
        "reject": [
            {"column": "sku", "equals": "p3", "reason": "three", "whole": "order_id"},
            {"column": "sku", "equals": "p1", "reason": "one", "whole": "order_id"},
        ]
    },
    "channels": {"columns": {**lines_mapping()["columns"], "channel": "via"}},
    "another column": {"columns": {**lines_mapping()["columns"], "currency": "cur"}},
}


def lines(rows, seed, together):
    """Order lines with the troubles a large file has, far from its first rows."""
    rng = np.random.default_rng(seed)
    order = np.sort(rng.integers(0, rows // 3, rows))
    table = pd.DataFrame(
        {
            "id": [f"o{i}" for i in order],
            "who": [f"c{i % 17}" for i in order],
            "at": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d} 0{i % 9}:00:00" for i in order],
            "eur": rng.integers(1, 9, rows) / 4,
            "sku": [f"p{i}" for i in rng.integers(5, 30, rows)],
            "n": 1,
            "via": "web",
            "cur": "EUR",
        }
    ).astype({"eur": object, "n": object})
    late = 60 + rng.choice(rows - 60, 12, replace=False)
    for row, (column, value) in zip(
        late,
        [
            *[("eur", -1), ("who", ""), ("sku", "p3"), ("sku", "p1"), ("sku", ""), ("n", -1)],
            *[("at", "2024-03-31 02:30:00"), ("at", "2202-01-01 00:00:00"), ("eur", 0)],
            *[("sku", "p3"), ("who", "c99"), ("id", "")],
        ],
        strict=True,
    ):
        table.loc[row, column] = value
    table = pd.concat([table, table.iloc[[70, 71]]], ignore_index=True)
    order, n = table["id"].iloc[40], len(table)
    table.loc[n, :] = ["back", "c1", "2024-05-01 10:00:00", 5, "p9", 1, "web", "EUR"]
    table.loc[n + 1, :] = ["back", "c1", "2024-05-02 10:00:00", -5, "p9", 1, "web", "EUR"]
    return table if together else table.sample(frac=1, random_state=seed)


def both(path, told, monkeypatch, head=50, batch=37):
    """Load a file in one pass, and as a small one is."""
    passed = []
    take = at_once.Pass.run
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "HEAD", head)
        patch.setattr(at_once, "BATCH", batch)
        patch.setattr(at_once.Pass, "run", lambda s, b: passed.append(1) or take(s, b))
        one = load.file(path, told)
    return one, load.file(path, {**told, "description": "read whole"}), bool(passed)


def alike(one, other):
    """Hold two loads against each other: tables, refused rows, what was said."""
    assert accounted(one)
    for name in ("order_lines", "orders"):
        if name not in other.tables:
            assert name not in one.tables
            continue
        tables = [t[name].sort_values(list(t[name])).reset_index(drop=True) for t in (one, other)]
        pd.testing.assert_frame_equal(*tables, obj=name)
    told = ["rows_in", "rows_kept", "duplicates"]
    assert [getattr(one.report, k) for k in told] == [getattr(other.report, k) for k in told]
    assert noticed(one) == noticed(other)
    pd.testing.assert_frame_equal(one.report.table, other.report.table)
    rejected = [r.report.rejected.reset_index(drop=True) for r in (one, other)]
    pd.testing.assert_frame_equal(*rejected)
    files = [p.parent for p in map(_path, one.tables.places.values())]
    assert not [f for folder in files for f in folder.iterdir() if "draft" in f.name]


def _path(table):
    from pathlib import Path

    return Path(table)


@pytest.mark.parametrize(
    ("rule", "together"), [*((r, i % 2 == 0) for i, r in enumerate(RULES)), ("plain", False)]
)
def test_one_pass_gives_what_a_small_file_gives(tmp_path, monkeypatch, rule, together):
    """Lines of an order beside each other or not, with every rule over rows and orders."""
    lines(400, 3, together).to_csv(tmp_path / "f.csv", index=False)
    told = {**lines_mapping(zone="Europe/Amsterdam"), **RULES[rule]}
    one, other, passed = both(tmp_path / "f.csv", told, monkeypatch)
    alike(one, other)
    assert passed == (rule != "two rules")


@settings(max_examples=4)
@given(st.integers(0, 10_000), st.integers(1, 130), st.booleans())
def test_where_a_batch_ends_changes_nothing(tmp_path_factory, seed, batch, together):
    """An order may go on in the next batch, and refused rows may stand anywhere."""
    path = tmp_path_factory.mktemp("pass") / "f.csv"
    lines(200, seed, together).to_csv(path, index=False)
    with pytest.MonkeyPatch.context() as patch:
        one, other, _ = both(path, lines_mapping(incomplete="keep"), patch, 40, batch)
    alike(one, other)


def test_a_value_unlike_the_first_ones_is_read_again(tmp_path, monkeypatch):
    """A decimal comma far down, a moment with a zone, a row that lacks a field."""
    table = lines(300, 5, True)
    for column, value in {"eur": "1_5", "at": "5 maart 2024", "n": "1 pc"}.items():
        path = tmp_path / f"{column}.csv"
        table.assign(**{column: table[column].where(table.index != 250, value)}).to_csv(
            path, index=False
        )
        alike(*both(path, lines_mapping(incomplete="keep"), monkeypatch)[:2])
    text = (tmp_path / "n.csv").read_text().replace("1 pc", "1,1,1,1")
    (tmp_path / "wide.csv").write_text(text)
    alike(*both(tmp_path / "wide.csv", lines_mapping(), monkeypatch)[:2])


def test_orders_and_keys_that_stand_twice(tmp_path, monkeypatch):
    """Of a table of orders one row a key is kept, wherever the other one stands."""
    table = lines(300, 7, True)
    table["id"] = [f"k{i % 290}" for i in range(len(table))]
    table.to_csv(tmp_path / "f.csv", index=False)
    one, other, passed = both(tmp_path / "f.csv", mapping(), monkeypatch)
    assert passed
    pd.testing.assert_frame_equal(
        *(t["orders"].sort_values("order_id", ignore_index=True) for t in (one, other))
    )
    pd.testing.assert_frame_equal(one.report.table, other.report.table)
    pd.testing.assert_frame_equal(one.report.rejected, other.report.rejected)
