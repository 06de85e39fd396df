"""A file once loaded is kept and opens at once; a change of file or mapping is seen."""

import stat
import time

import pandas as pd
import pytest
from door_helpers import loaded, mapping, written

from workbench import cli, load
from workbench.load import kept, progress, tables

TEXT = "id,who,at,eur\n1,a,2026-01-01,5\n2,b,2026-01-02,6\n3,,2026-01-02,6\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of kept tables of the test's own."""
    monkeypatch.setenv("WORKBENCH_KEPT", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_the_second_time_nothing_is_read(tmp_path, monkeypatch):
    """Tables and report are the same, in under a second, also where the file lies elsewhere."""
    first = loaded(tmp_path, TEXT)
    monkeypatch.setattr(tables, "_load", lambda *_: pytest.fail("read again"))
    began = time.perf_counter()
    again = load.file(tmp_path / "f.csv", mapping())
    assert time.perf_counter() - began < 1
    pd.testing.assert_frame_equal(first["orders"], again["orders"])
    pd.testing.assert_frame_equal(first.report.rejected, again.report.rejected)
    assert str(first.report) == str(again.report)
    (tmp_path / "other").mkdir()
    moved = load.file(written(tmp_path / "other", TEXT), mapping())
    assert moved["orders"].equals(first["orders"])


def test_another_content_or_mapping_is_another_load(tmp_path):
    """By content, not by name or moment."""
    assert len(loaded(tmp_path, TEXT)["orders"]) == 2
    assert len(loaded(tmp_path, TEXT + "4,a,2026-01-03,5\n")["orders"]) == 3
    told = mapping(reject=[{"column": "who", "equals": "a", "reason": "x"}])
    assert len(load.file(tmp_path / "f.csv", told)["orders"]) == 1


def test_the_folder_is_its_owners_and_can_be_emptied(tmp_path, folder, capsys):
    """Nobody else reads it; `workbench clean` empties it; nothing is left of a load that failed."""
    loaded(tmp_path, TEXT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(load.tables.InputError):
        loaded(tmp_path, "id,who,at,eur\n1,a,never,5\n")
    assert not list(folder.glob(".draft-*"))
    assert cli.main(["clean"]) == 0
    assert "removed" in capsys.readouterr().out
    assert not [p for p in folder.iterdir() if p.is_dir()]


def test_the_folder_has_a_limit(tmp_path, folder, monkeypatch):
    """What was not opened for longest goes first."""
    monkeypatch.setattr(kept, "LIMIT", 1)
    monkeypatch.setattr(kept, "_USED", set())
    loaded(tmp_path, TEXT)
    kept._USED.clear()
    last = loaded(tmp_path, TEXT + "4,a,2026-01-03,5\n")
    assert len([p for p in folder.iterdir() if p.is_dir()]) == 1
    assert len(last["orders"]) == 3


def test_a_table_is_read_where_it_lies(tmp_path):
    """`.table(name)` is a path that analyses take; a name that is none is an error."""
    found = loaded(tmp_path, TEXT)
    assert pd.read_parquet(found.table("orders"))["amount"].tolist() == [5, 6]
    with pytest.raises(load.tables.InputError, match="'events' is needed"):
        found.table("events")


def test_a_long_load_shows_how_far_it_is(tmp_path, monkeypatch, capsys):
    """On a terminal, in the language in use, up to the end; a short load is silent."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    loaded(tmp_path, TEXT)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LARGE", 0)
    loaded(tmp_path, TEXT + "7,a,2026-01-03,5\n")
    shown = capsys.readouterr().err
    assert all(word in shown for word in ("counting", "reading and judging", "writing"))
    assert "55%" in shown
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    loaded(tmp_path, TEXT + "8,a,2026-01-03,5\n")
    assert capsys.readouterr().err == ""
