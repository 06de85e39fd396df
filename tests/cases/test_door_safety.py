"""The door lets nothing out and writes nothing but what it says: refused rows, escapes."""

import contextlib
import os
import stat

import pandas as pd
import pytest

from workbench import cli, load, project
from workbench.display import visible
from workbench.errors import InputError
from workbench.load import aside

COLUMNS = {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"}


@pytest.fixture(autouse=True)
def rejected(tmp_path, monkeypatch):
    """Refused rows go into a folder of the test's own."""
    monkeypatch.setenv("WORKBENCH_REJECTED", str(tmp_path / "aside"))
    return tmp_path / "aside"


def mapping(**more):
    """The mapping of orders with more keys."""
    return {"table": "orders", "zone": "UTC", "columns": COLUMNS, **more}


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_no_refused_cell_is_a_formula(tmp_path, cell):
    """Values and names that a spreadsheet would work out stand behind a quotation mark."""
    frame = pd.DataFrame({cell: [cell, "x"], "who": ["", None]})
    path = aside.write([frame], tmp_path / "a.csv")
    written = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert written.columns[0].startswith("'") and written.iloc[0, 0] == "'" + cell


@pytest.mark.parametrize("cell", ["-5", "+5,00", "-1.234,50", "1e-5", "a=b", "2024-01-01", "a-b"])
def test_a_number_is_no_formula(cell):
    """What was refused stands as it stood."""
    assert aside.guarded(cell) == cell


def orders(folder, who=""):
    """A file with one row that is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "orders.csv"
    path.write_text(f"id,who,at,eur\n1,a,2024-01-01,5\n2,{who},2024-01-01,x\n")
    return path


def test_refused_rows_are_their_owners_alone(tmp_path, rejected):
    """One folder, 0700; the file 0600, whatever the mask; a line of the report says where."""
    before = os.umask(0)
    try:
        report = load.file(orders(tmp_path / "a"), mapping()).report
        path = report.write_rejected()
    finally:
        os.umask(before)
    assert path.parent == rejected
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o700
    assert str(path) in str(report)


def test_two_files_of_one_name_keep_both(tmp_path, rejected):
    """The refused rows of another file are never overwritten; those of the same file are new."""
    paths = []
    for folder in ("a", "b", "a"):
        report = load.file(orders(tmp_path / folder, who=folder), mapping()).report
        paths.append(report.write_rejected())
    assert paths[0] == paths[2] != paths[1]
    assert ["a" in p.read_text() for p in paths[:2]] == [True, True]
    assert len(list(rejected.iterdir())) == 2
    clean = tmp_path / "a" / "orders.csv"
    clean.write_text("id,who,at,eur\n1,a,2024-01-01,5\n")
    assert load.file(clean, mapping()).report.write_rejected() is None
    assert len(list(rejected.iterdir())) == 1


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    """A name of one's own must be free."""
    taken = tmp_path / "mine.csv"
    taken.write_text("mine")
    report = load.file(orders(tmp_path / "a"), mapping()).report
    with pytest.raises(InputError, match="exists already"):
        report.write_rejected(taken)
    assert taken.read_text() == "mine"


def test_the_folder_is_ignored():
    """What is refused is never committed."""
    assert f"/{aside.FOLDER}/" in (project.root() / ".gitignore").read_text().splitlines()


UNSEEN = ["\x1b[31m", "\x07", "\x9b31m", "\u202e", "\u2066", "\u200f", "\x08", "\r", "\x7f"]


@pytest.mark.parametrize("sign", UNSEEN)
def test_a_terminal_obeys_no_value(tmp_path, capsys, sign):
    """Names of columns and files, values and the mapping's own words are shown, not sent."""
    path = tmp_path / "orders.csv"
    head = f"id,who,at,eur,na{sign}me" if sign != "\r" else "id,who,at,eur,name"
    path.write_text(f"{head}\n1,a,2024-01-01,5,x\n2,b,2024-01-01,x,y\n3,c,,5,z\n", newline="")
    reasons = [{"column": "who", "equals": "a", "reason": f"be{sign}cause"}]
    told = mapping(reject=[*reasons], columns={**COLUMNS, "channel": f"na{sign}me"})
    (tmp_path / "m.yml").write_text(_yaml(told))
    for name in (f"na{sign}me", f"no{sign}ne"):
        told["columns"]["channel"] = name
        (tmp_path / "m.yml").write_text(_yaml(told))
        with contextlib.suppress(SystemExit):
            cli.main(["check", str(path), "--mapping", str(tmp_path / "m.yml")])
    out = "".join(capsys.readouterr())
    assert sign not in out and visible(sign) in out


def _yaml(told):
    import yaml

    return yaml.safe_dump(told)


def test_what_stays_as_it_is():
    """Letters of every language, joined pictures and right-to-left words are no danger."""
    for text in ("café", "日本語", "שלום", "👩‍👩‍👧", "ﷺ", "नमस्ते"):
        assert visible(text) == text
