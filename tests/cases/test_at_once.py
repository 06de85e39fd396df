"""A large text file is judged while it is read; nothing comes out otherwise than of a small one."""

import pandas as pd
import pytest
from door_helpers import mapping, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import load
from workbench.errors import WorkbenchError
from workbench.load import delimited, values

HEAD = "id,product,who,at,pieces,eur\n"
LINES = mapping(
    table="order_lines",
    zone="Europe/Amsterdam",
    columns={
        "order_id": "id",
        "product_id": "product",
        "customer_id": "who",
        "ordered_at": "at",
        "quantity": "pieces",
        "amount": "eur",
    },
)
PLAIN = [
    f"{i // 2},p{i % 3},c{i // 6},2026-01-0{1 + i % 9} 10:0{i % 6}:00,{i % 4},{i}.5"
    for i in range(8)
]
ODD = [
    "9,p1,c1,2026-01-01T10:00:00,1,5.0",
    "9,p1,,2026-01-01 10:00:00,1,5.0",
    "3,p1,c9,2026-01-01 10:00:00,1,5.0",
    "8,p1,c1,2026-01-01 10:00:00Z,1,5.0",
    "8,p1,c1,2026-01-01T10:00+01,1,5.0",
    "8,p1,c1,2026-03-29 02:30:00,1,5.0",
    "8,p1,c1,1969-03-29 02:30:00,1,5.0",
    "8,p1,c1,2026-01-01,1,5.0",
    "8,p1,c1,2026-1-01 10:00:00,1,5.0",
    "8,p1,c1,nonsense,1,5.0",
    "8,p1,c1,2026-01-01 10:00:00,1.000,5.0",
    "8,p1,c1,2026-01-01 10:00:00,1,1_000.5",
    '8,p1,c1,2026-01-01 10:00:00,1,"1,5"',
    "8,p1,c1,2026-01-01 10:00:00,n/a,5.0",
    "8,p1,c1,2026-01-01 10:00:00,-1,5.0",
    "8,p1,c1,2026-01-01 10:00:00,1,inf",
    "8,p1,c1,2026-01-01 10:00:00,,5.0",
    "8,p1,c1,2026-01-01 10:00:00,1",
    "8,p1,c1,2026-01-01 10:00:00,1,5.0,7",
    '8,"p\n1",c1,2026-01-01 10:00:00,1,5.0',
    "8, p1,c1,2026-01-01 10:00:00,1,5.0",
    "",
    PLAIN[0],
    PLAIN[5],
]
RULES = (
    {},
    {"reject": [{"column": "product", "equals": "p2", "reason": "own", "whole": "order_id"}]},
    {"incomplete": "keep", "duplicates": "drop"},
    {"reject": [{"column": "eur", "at_least": 7, "reason": "large"}], "negative": "keep"},
)


def _outcome(path, told):
    """What a load gives, or the error it ends in."""
    try:
        found = load.file(path, told)
    except WorkbenchError as error:
        return str(error)
    return found


def in_order(table):
    """Rows in an order of their own: a large file comes as its lines do, a small one by time."""
    return table.sort_values(list(table.columns), ignore_index=True)


def _same(path, told, monkeypatch):
    outcomes = []
    for head in (10**9, 3):
        monkeypatch.setattr(delimited, "HEAD", head)
        outcomes.append(_outcome(path, told))
    slow, quick = outcomes
    if isinstance(slow, str):
        assert slow == quick
        assert "mapping" not in slow
        return
    assert str(slow.report) == str(quick.report)
    for table in ("order_lines", "orders"):
        pd.testing.assert_frame_equal(in_order(slow[table]), in_order(quick[table]))
    pd.testing.assert_frame_equal(slow.report.rejected, quick.report.rejected)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each load is one of its own."""
    monkeypatch.setenv("WORKBENCH_KEPT", "off")


@pytest.mark.parametrize("place", [0, 8])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_row_behind_the_first_ones_changes_nothing(odd, place, tmp_path, monkeypatch):
    """Each odd row among the first, and behind them: as where all rows are looked at first."""
    rows = [*PLAIN[:place], odd, *PLAIN[place:]]
    _same(written(tmp_path, HEAD + "\n".join(rows) + "\n"), LINES, monkeypatch)


@given(
    st.lists(st.sampled_from([*PLAIN * 4, *ODD]), min_size=4, max_size=16),
    st.sampled_from(RULES),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_at_once_or_not_gives_the_same(tmp_path, monkeypatch, rows, rules):
    """Whatever rows, and whatever the mapping refuses."""
    path = written(tmp_path, HEAD + "\n".join([*PLAIN[:4], *rows]) + "\n")
    _same(path, {**LINES, **rules}, monkeypatch)


def test_an_ordinary_file_is_read_once(tmp_path, monkeypatch):
    """Of a file whose rows are all written alike only the first are looked at beforehand, also
    where rows are refused.
    """
    monkeypatch.setattr(delimited, "HEAD", 3)
    monkeypatch.setattr(delimited, "_by_engine", lambda *_: pytest.fail("read beforehand"))
    monkeypatch.setattr(values.Values, "_by_pattern", lambda *_: pytest.fail("looked at"))
    rows = [*PLAIN, "3,p1,c9,2026-01-01 10:00:00,1,5.0", PLAIN[0]]
    found = load.file(written(tmp_path, HEAD + "\n".join(rows) + "\n"), LINES)
    assert found.report.rows_in == 10
    assert found.report.rejected["_line"].tolist() == [8, 9, 10]
    assert found.report.duplicates == 1
