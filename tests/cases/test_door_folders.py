"""Folders and patterns: several files are one table, and each row is accounted for by its file."""

import gzip
import json
import zipfile

import pandas as pd
import pytest
from door_helpers import accounted, lines_mapping, loaded, mapping, noticed, reasons, written
from test_door_laws import SHOP, TOLD, write

from workbench import load
from workbench.errors import InputError

HEAD = "id,who,at,eur\n"


def note_of(found, name):
    """What was noticed under a name, as it is said."""
    return [str(n) for n in found.report.noticed if n.id == f"load.{name}"]


@pytest.mark.parametrize(
    "way", ["comma.csv", "tab.tsv", "f.csv.gz", "f.zip", "f.xlsx", "f.jsonl", "f.parquet", "f.sav"]
)
def test_a_folder_is_the_table_it_was_cut_from(tmp_path, way):
    """Of any kind, packed or not, with folders in it; by its name or by a pattern."""
    home = tmp_path / "home"
    (home / "zz").mkdir(parents=True)
    kind = "comma.csv" if way == "f.zip" else way
    for part, place in ((SHOP.head(15), home), (SHOP.iloc[15:], home / "zz")):
        file = write(part, place, kind)
        if way == "f.zip":
            with zipfile.ZipFile(place / "f.zip", "w") as archive:
                archive.write(file, file.name)
            file.unlink()
    expected = load.file(write(SHOP, tmp_path, kind), TOLD)["orders"]
    for path in (home, home / "**" / f"*{way[1:]}"):
        found = load.file(path, TOLD)
        pd.testing.assert_frame_equal(found["orders"], expected)
        assert "rows read: 15, kept: 15" in note_of(found, "files_read")[0]


def test_each_file_has_its_count_and_each_refused_row_its_file(tmp_path):
    """Refused rows and broken lines too; a day without rows is a file of none."""
    written(tmp_path, HEAD + "1,a,2024-01-01,5\n2,,2024-01-01,5\n", "jan.csv")
    written(tmp_path, HEAD + "3,a,2024-02-01,x\n4,a,2024-02-01\n5,b,2024-02-02,1\n", "feb.csv")
    written(tmp_path, HEAD, "mar.csv")
    written(tmp_path, "", "apr.csv")
    found = load.file(tmp_path, mapping())
    assert found.report.rows_in == 5 and accounted(found)
    said = note_of(found, "files_read")[0]
    for told in ("jan.csv (rows read: 2, kept: 1)", "feb.csv (rows read: 3, kept: 1)"):
        assert told in said
    assert said.count("rows read: 0, kept: 0") == 2
    places = found.report.rejected.set_index("_reason")[["_file", "_line"]].T.to_dict("list")
    assert places == {
        "customer_id: missing": ["jan.csv", 3],
        "eur: not a number": ["feb.csv", 2],
        "3 fields instead of 4": ["feb.csv", 3],
    }
    assert "first at line 3 of jan.csv" in str(found.report)


def test_columns_that_differ_are_said(tmp_path):
    """They are put together by name, whatever their order."""
    written(tmp_path, "eur,at,who,id,n\n5,2024-01-01,a,1,7\n", "a.csv")
    written(tmp_path, HEAD + "2,b,2024-01-02,6\n", "b.csv")
    told = mapping(columns={**mapping()["columns"], "discount": "n"})
    found = load.file(tmp_path, told)
    assert found["orders"]["amount"].tolist() == [5, 6]
    assert found["orders"]["discount"].isna().tolist() == [False, True]
    assert note_of(found, "files_lack") == [
        "Column 'n' stands in 1 of 2 files; it is empty in the rows of b.csv."
    ]


def test_types_that_differ_stay_exact(tmp_path):
    """A number in one file and a text in another: ids as they are written, amounts as numbers."""
    rows = (
        [{"id": 1234567890123456789, "who": "a", "at": "2024-01-01", "eur": 5}],
        [{"id": "007", "who": "b", "at": "2024-01-02", "eur": "6.5"}],
        [{"id": 12.0, "who": True, "at": "2024-01-03", "eur": None}],
    )
    for i, records in enumerate(rows):
        written(tmp_path, "\n".join(map(json.dumps, records)), f"{i}.jsonl")
    found = load.file(tmp_path, mapping())
    assert found["orders"]["order_id"].tolist() == ["1234567890123456789", "007"]
    assert found["orders"]["amount"].tolist() == [5, 6.5]
    assert reasons(found) == {"amount: missing": 1}
    frames = tmp_path / "parquet"
    frames.mkdir()
    base = {"who": ["a"], "at": pd.to_datetime(["2024-01-01"]), "eur": [5]}
    pd.DataFrame({"id": [12], **base}).to_parquet(frames / "a.parquet")
    pd.DataFrame({"id": ["013"], **base, "at": "2024-01-02"}).to_parquet(frames / "b.parquet")
    orders = load.file(frames, mapping())["orders"]
    assert orders["order_id"].tolist() == ["12", "013"]
    assert orders["ordered_at"].dt.day.tolist() == [1, 2]


def test_names_of_folders_are_columns(tmp_path):
    """Of a hive-partitioned folder, whatever its files are; an empty one is missing."""
    for day, who in (("2024-01-01", "a"), ("2024-01-02", "b%20c"), ("2024-01-03", None)):
        folder = tmp_path / f"at={day}" / f"who={who or '__HIVE_DEFAULT_PARTITION__'}"
        folder.mkdir(parents=True)
        written(folder, f"id,eur\n{day[-1]},5\n", "part-0.csv")
    found = load.file(tmp_path, mapping())
    assert found["orders"]["customer_id"].tolist() == ["a", "b c"]
    assert reasons(found) == {"customer_id: missing": 1}


def test_files_that_are_no_one_table_are_refused(tmp_path):
    """No column in common, several kinds, a broken file: named, with what to do."""
    written(tmp_path, HEAD + "1,a,2024-01-01,5\n", "a.csv")
    written(tmp_path, "person,town\na,Utrecht\n", "b.csv")
    with pytest.raises(InputError, match="have no column in common"):
        load.file(tmp_path, mapping())
    written(tmp_path, HEAD + '1,"a,2024-01-01,5\n2,a,2024-01-01,6\n', "b.csv")
    with pytest.raises(InputError, match=r"b\.csv.*quotation mark"):
        load.file(tmp_path, mapping())
    written(tmp_path, "{}", "b.json")
    with pytest.raises(InputError, match="several kinds"):
        load.file(tmp_path, mapping())


def test_what_programs_leave_in_a_folder_is_no_data(tmp_path):
    """Locks, previews, marks of success."""
    written(tmp_path, HEAD + "1,a,2024-01-01,5\n", "a.csv")
    for name in ("~$a.xlsx", ".DS_Store", "Thumbs.db", "_SUCCESS", "desktop.ini"):
        written(tmp_path, "x", name)
    assert load.file(tmp_path, mapping()).report.rows_in == 1
    assert load.file(tmp_path / "*", mapping()).report.rows_in == 1


def test_a_folder_is_reshaped_as_one_file_is(tmp_path):
    """Answers, moments and orders keep the file they stood in."""
    head = "r,who,at,q1,q2\n"
    written(tmp_path, head + "1,a,2024-01-01,5,x\n", "a.csv")
    written(tmp_path, head + "2,b,2024-01-02,4,3\n3,,2024-01-02,4,\n", "b.csv")
    columns = {"response_id": "r", "respondent_id": "who", "answered_at": "at"}
    told = {"table": "surveys", "columns": columns, "unpivot": {"columns": ["q1", "q2"]}}
    found = load.file(tmp_path, told)
    assert found.report.rejected["_file"].tolist() == ["a.csv", "b.csv"]
    assert found.report.rejected["_line"].tolist() == [2, 3] and accounted(found)


def test_a_folder_may_be_one_of_the_files_of_a_mapping(tmp_path):
    """Joined to another, each side with the decimal sign it was told."""
    home = tmp_path / "orders"
    home.mkdir()
    written(home, "id;who;at;eur\n1;a;2024-01-01;5,25\n", "a.csv")
    written(home, "id;who;at;eur\n2;b;2024-01-02;1.000\n3;c;2024-01-02;2\n", "b.csv")
    written(tmp_path, "id,n\n1,1.500\n2,2.5\n", "more.csv")
    files = {"orders": {"path": "orders", "read": {"decimal": ","}}}
    files["more"] = {"path": "more.csv", "read": {"decimal": "."}}
    told = mapping(files=files, join=[{"file": "more", "on": "id", "how": "inner"}])
    told["columns"]["discount"] = "n"
    found = load.file(tmp_path, told)
    assert found["orders"]["amount"].tolist() == [5.25, 1000]
    assert found["orders"]["discount"].tolist() == [1.5, 2.5]
    assert found.report.rejected["_file"].tolist() == ["b.csv"]


def test_options_that_would_not_be_heeded_are_refused(tmp_path):
    """Beside several files; a decimal sign of one file under a query."""
    written(tmp_path, "id;who;at;eur\n1;a;2024-01-01;5,25\n", "a.csv")
    written(tmp_path, "id,n\n1,2\n", "b.csv")
    files = {"a": {"path": "a.csv", "read": {"decimal": ","}}, "b": "b.csv"}
    with pytest.raises(InputError, match="stands under each file"):
        load.file(tmp_path, mapping(files=files, read={"delimiter": ";"}, query="SELECT * FROM a"))
    with pytest.raises(InputError, match="decimal sign that not all files have"):
        load.file(tmp_path, mapping(files=files, query="SELECT * FROM a"))
    one = {"a": files["a"]}
    found = load.file(tmp_path, mapping(files=one, query="SELECT * FROM a"))
    assert found["orders"]["amount"].tolist() == [5.25]


def test_a_new_file_is_a_new_load(tmp_path, monkeypatch):
    """What is kept of a folder is kept by all its files."""
    monkeypatch.setenv("WORKBENCH_KEPT", str(tmp_path / "kept"))
    home = tmp_path / "home"
    home.mkdir()
    written(home, HEAD + "1,a,2024-01-01,5\n", "a.csv")
    assert len(load.file(home, mapping())["orders"]) == 1
    written(home, HEAD + "2,a,2024-01-01,5\n", "b.csv")
    assert len(load.file(home, mapping())["orders"]) == 2


def test_an_error_of_a_packed_file_names_that_file(tmp_path):
    """Not the copy that was written out to read it."""
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress((HEAD + '1,"a,2024-01-01,5\n2,a,2024-01-01,6\n').encode()))
    with pytest.raises(InputError) as error:
        load.file(path, mapping())
    assert str(path) in str(error.value) and "unpacked" not in str(error.value)


def test_orders_are_carried_down_over_all_files(tmp_path):
    """An order that runs on into the next file is one order."""
    head = "id,who,at,eur,sku,n\n"
    written(tmp_path, head + "1,a,2024-01-01,5,x,1\n", "a.csv")
    written(tmp_path, head + "1,,2024-01-01,6,y,1\n", "b.csv")
    found = load.file(tmp_path, lines_mapping(fill_down={"columns": ["who"], "within": "id"}))
    assert found["orders"]["amount"].tolist() == [11]
    assert "filled_down" in noticed(found)


def test_a_single_file_has_no_counts_of_files(tmp_path):
    """One file says what it always said."""
    found = loaded(tmp_path, HEAD + "1,a,2024-01-01,5\n")
    assert not noticed(found) and "_file" not in found.report.rejected
