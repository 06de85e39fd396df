"""Before anything runs: does a notebook fit a file, and with which parameters?"""

import json
import os
import subprocess
import sys
import time

import exports
import numpy as np
import pandas as pd
import pytest

from workbench import cli, load, project
from workbench.load.preflight import Look, sources
from workbench.reports import readiness
from workbench.reports.parameters import read_parameters, settle
from workbench.reports.run import notebooks

BOOKS = notebooks()
EVENTS = {
    "table": "events",
    "columns": {
        "customer_id": "user_pseudo_id",
        "occurred_at": {"epoch": "event_timestamp", "unit": "us"},
        "event": "event_name",
        "device": "device.category",
    },
}
ORDERS = {
    "table": "orders",
    "zone": "UTC",
    "columns": {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"},
}


@pytest.fixture(autouse=True)
def aside(tmp_path, monkeypatch):
    """Refused rows go into a folder of the test's own."""
    monkeypatch.setenv("WORKBENCH_REJECTED", str(tmp_path / "aside"))


@pytest.fixture
def events(tmp_path):
    """A file of events and its mapping."""
    exports.ga4(np.random.default_rng(1)).to_csv(tmp_path / "events.csv", index=False)
    (tmp_path / "events.yml").write_text(json.dumps(EVENTS))
    return str(tmp_path / "events.csv"), str(tmp_path / "events.yml")


def test_every_notebook_that_takes_own_data_is_known():
    """What is said of a notebook's parameters is so."""
    assert set(readiness.NOTEBOOKS) == {n for n in BOOKS if n != "00_start"}
    for name, need in readiness.NOTEBOOKS.items():
        parameters = read_parameters(BOOKS[name])
        assert {*need.words, *need.columns, need.given, "mapping"} <= set(parameters), name


@pytest.mark.parametrize(
    "name", sorted(n for n, need in readiness.NOTEBOOKS.items() if need.table == "events")
)
def test_events(events, capsys, name):
    """A first insight, and for every notebook on events what it needs."""
    code = cli.main(["check", events[0], "--mapping", events[1], "--for", name])
    said = capsys.readouterr().out
    assert "people: 30" in said and "purchase" in said
    if name == "24_attribution_and_email":
        assert code == 2 and "channel" in said
        return
    if name == "53_journey_map":
        assert code == 2 and "surveys_source=…" in said
        return
    assert code == 0 and "will run on this file" in said and "workbench run" in said
    if name == "10_buying_stages":
        assert "-p steps=view_item,purchase" in said and "-p hold=\n" in said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-p", "purchase=purchas"], "no event named 'purchas'. Did you mean 'purchase'"),
        (["-p", "steps=view_itm,purchase"], "Did you mean 'view_item'"),
        (["-p", "by=devic"], "no column named 'devic'. Did you mean 'device'"),
        (["-p", "purchse=purchase"], "Did you mean 'purchase'"),
        (["-p", "window=14"], "a duration"),
    ],
)
def test_a_misspelt_parameter(events, capsys, given, message):
    """An event, a column, a parameter, a wrong type: one line with the nearest name."""
    ask = ["check", events[0], "--mapping", events[1], "--for", "10_buying_stages"]
    assert cli.main([*ask, *given]) == 2
    assert message in capsys.readouterr().err


def test_another_table_is_needed(events, capsys):
    """A notebook on orders does not run on events; the message says what to change."""
    assert cli.main(["check", events[0], "--mapping", events[1], "--for", "30_retention"]) == 2
    assert "needs the table 'orders'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {**ORDERS["columns"], "amount": "eurr"}},
        {"columns": {**ORDERS["columns"], "amount": {"multiply": ["eur", "eurr"]}}},
        {"reject": [{"column": "eurr", "missing": True}]},
        {"fill_down": {"columns": ["eurr"], "within": "id"}},
    ],
)
def test_a_misspelt_column_is_found_at_once(tmp_path, change):
    """In a large file too: before it is read, within two seconds of processor time."""
    n = 300_000
    frame = pd.DataFrame({"id": np.arange(n), "who": "a", "at": "2025-01-01", "eur": 5})
    frame.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "m.yml").write_text(json.dumps({**ORDERS, **change}))
    before = os.times()
    ran = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "check", str(tmp_path / "orders.csv")]
        + ["--mapping", str(tmp_path / "m.yml"), "--for", "30_retention"],
        capture_output=True,
        text=True,
        cwd=project.root(),
    )
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    assert ran.returncode == 2 and "no column named 'eurr'. Did you mean 'eur'" in ran.stderr
    assert spent < 2, spent


def test_several_files(tmp_path, capsys):
    """Each file is checked by the same mapping."""
    for month in ("jan", "feb"):
        frame = pd.DataFrame({"id": [1, 2], "who": ["a", "b"], "at": "2025-01-01", "eur": 5})
        frame.to_csv(tmp_path / f"{month}.csv", index=False)
    (tmp_path / "m.yml").write_text(json.dumps(ORDERS))
    files = [str(tmp_path / f"{month}.csv") for month in ("jan", "feb")]
    assert cli.main(["check", *files, "--mapping", str(tmp_path / "m.yml")]) == 0
    said = capsys.readouterr().out
    assert "jan.csv" in said and "feb.csv" in said and said.count("Orders: 2") == 2


def test_orders_that_are_too_few(tmp_path, capsys):
    """A notebook that asks for customers who came back says how many there are."""
    frame = pd.DataFrame({"id": [1, 2], "who": ["a", "b"], "at": "2025-01-01", "eur": 5})
    frame.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "m.yml").write_text(json.dumps(ORDERS))
    ask = ["check", str(tmp_path / "orders.csv"), "--mapping", str(tmp_path / "m.yml"), "--for"]
    assert cli.main([*ask, "35_who_comes_back"]) == 2
    assert "0 customers came back; 50 are needed" in capsys.readouterr().out
    assert cli.main([*ask, "31_when_do_they_leave"]) == 0


def test_what_is_proposed_can_be_given(events):
    """The proposals are values the notebook takes."""
    loaded = load.file(events[0], EVENTS)
    for name in ("10_buying_stages", "13_journeys_and_paths"):
        told = readiness.readiness(BOOKS[name], loaded, {}, *events)
        settled = settle(read_parameters(BOOKS[name]), _as_typed(told.proposed), name)
        assert settled["source"] == events[0]
        again = readiness.readiness(BOOKS[name], loaded, _as_typed(told.proposed), *events)
        assert again.runs


def _as_typed(proposed):
    return {n: ",".join(v) if isinstance(v, list) else v for n, v in proposed.items()}


def test_a_survey(tmp_path, capsys):
    """Items play their parts by name; where none does, the choice is left to a person."""
    exports.wide_survey(np.random.default_rng(2)).to_csv(tmp_path / "s.csv", index=False)
    out = str(tmp_path / "m.yml")
    cli.main(["guess", str(tmp_path / "s.csv"), "--zone", "UTC", "--out", out])
    ask = ["check", str(tmp_path / "s.csv"), "--mapping", out, "--for"]
    capsys.readouterr()
    assert cli.main([*ask, "22_key_drivers"]) == 0
    said = capsys.readouterr().out
    assert "outcome=Tevredenheid" in said and "then=Aanbevelen" in said and "asked=Service" in said
    assert cli.main([*ask, "23_social_proof_and_emotion"]) == 2
    assert "-p feeling=…   one of" in capsys.readouterr().out
    assert cli.main([*ask, "22_key_drivers", "-p", "outcome=Tevredenhied"]) == 2
    assert "Did you mean 'Tevredenheid'" in capsys.readouterr().err
    assert cli.main([*ask, "50_satisfaction_and_nps"]) == 0
    said = capsys.readouterr().out
    assert "recommend=Aanbevelen" in said and "satisfied=Tevredenheid" in said


@pytest.mark.parametrize("name", readiness.NOTEBOOKS)
def test_every_item_of_a_notebook_has_a_rule(name):
    """An item that a notebook asks for is proposed by its name, or from those that are left."""
    items = {n for n, kind in readiness.NOTEBOOKS[name].words.items() if kind == "item"}
    assert items <= {*readiness._ITEMS, "drivers_asked"}


def test_the_columns_a_mapping_names():
    """All of the file, none of those it makes itself."""
    mapping = {
        "columns": {
            "a": {"coalesce": ["x", {"lower": "y"}]},
            "b": {"value": "z"},
            "c": {"recode": "r", "codes": {"k": "v"}, "other": "keep"},
            "d": "item",
            "e": {"date": "day", "time": "clock"},
        },
        "unpivot": {"columns": ["q1"], "item": "item", "value": "value"},
        "reject": [{"column": "s", "missing": True}, {"column": "value", "equals": 1}],
    }
    assert set(sources(mapping)) == {"q1", "x", "y", "r", "day", "clock", "s"}


def test_a_look_is_quick_and_never_in_the_way(tmp_path):
    """A file that cannot be looked into is left to the loader."""
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    started = time.process_time()
    Look(tmp_path / "a.bin", ORDERS).check_columns()
    Look(tmp_path / "none.csv", ORDERS).check_columns()
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("purchase=purchas", "Did you mean 'purchase'"),
        ("steps=view_itm,purchase", "Did you mean 'view_item'"),
        ("by=devic", "Did you mean 'device'"),
    ],
)
def test_a_run_stops_before_a_kernel_starts(events, capsys, monkeypatch, given, message):
    """What is plainly wrong with a file of one's own is said before anything runs."""
    monkeypatch.setattr(sys.modules["workbench.reports.run"], "run_all", _no_kernel)
    ask = ["run", "10_buying_stages", "-p", f"source={events[0]}", "-p", f"mapping={events[1]}"]
    assert cli.main([*ask, "-p", given]) == 2
    assert message in capsys.readouterr().err


def test_a_run_stops_at_a_column_that_is_not_there(tmp_path, capsys, monkeypatch):
    """One of several files, too; built-in sources are left alone."""
    monkeypatch.setattr(sys.modules["workbench.reports.run"], "run_all", _no_kernel)
    frame = pd.DataFrame({"id": [1, 2], "who": ["a", "b"], "at": "2025-01-01", "eur": 5})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.rename(columns={"eur": "euro"}).to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "m.yml").write_text(json.dumps(ORDERS))
    files = ",".join(["cdnow", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    ask = ["run", "30_retention", "-p", f"sources={files}", "-p", f"mapping={tmp_path / 'm.yml'}"]
    assert cli.main(ask) == 2
    said = capsys.readouterr().err
    assert "b.csv" in said and "no column named 'eur'. Did you mean 'euro'" in said


def _no_kernel(*_, **__):
    raise AssertionError("a kernel would have started")


def test_exposures_need_their_orders(tmp_path, capsys):
    """A second file is asked for; with it the notebook will run."""
    frame = pd.DataFrame(
        {"who": ["a", "b"], "test": "t", "at": "2025-01-01", "arm": ["control", "mail"]}
    )
    frame.to_csv(tmp_path / "e.csv", index=False)
    columns = {"customer_id": "who", "campaign_id": "test", "exposed_at": "at", "variant": "arm"}
    mapping = {"table": "exposures", "zone": "UTC", "columns": columns}
    (tmp_path / "m.yml").write_text(json.dumps(mapping))
    ask = ["check", str(tmp_path / "e.csv"), "--mapping", str(tmp_path / "m.yml")]
    ask += ["--for", "25_campaigns_and_experiments"]
    assert cli.main(ask) == 2
    assert "-p orders_source=…" in capsys.readouterr().out
    beside = ["-p", "orders_source=o.csv", "-p", "orders_mapping=o.yml"]
    assert cli.main([*ask, *beside]) == 0
    assert cli.main([*ask, *beside, "-p", "control=contrl"]) == 2
    assert "Did you mean 'control'" in capsys.readouterr().err
