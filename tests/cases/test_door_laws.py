"""Laws of the door: every row accounted for, one table the same however it is written, and no file
so broken that it ends in anything but an answer or a clear error.
"""

import csv
import datetime
import gzip
import io
import json
import random
import sqlite3
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import duckdb
import pandas as pd
import pyarrow.feather as feather
import pytest
from door_helpers import accounted, mapping, written
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import load
from workbench.errors import WorkbenchError
from workbench.load import workbooks

BOOKS = Path(__file__).parent / "workbooks"
WORD = st.text(st.sampled_from("abcxyz019 .-_éß"), min_size=1, max_size=8).map(str.strip)
ROW = st.tuples(
    WORD.filter(bool),
    st.integers(0, 10**6),
    st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2025, 1, 1)),
    st.integers(0, 10**7).map(lambda n: n / 100),
)
WAYS = (
    *("comma.csv", "semicolon.csv", "quoted.csv", "utf-16.csv", "tab.tsv", "f.csv.gz", "f.zip"),
    *("f.xlsx", "f.ods", "f.parquet", "f.arrow", "f.jsonl", "f.json", "f.sqlite", "f.duckdb"),
    *("f.sav", "f.zsav", "f.dta"),
)


def frame_of(rows):
    """Rows as a table; ids are words, and one of them stands for a missing value."""
    frame = pd.DataFrame(rows, columns=["who", "n", "at", "eur"])
    frame["at"] = pd.to_datetime(frame["at"]).dt.floor("s").astype("datetime64[us]")
    frame.insert(0, "id", [f"o{i}" for i in range(len(frame))])
    return frame


def write(frame, folder, way):
    """Write a table in one of the ways and return the file."""
    path = folder / way
    text = frame.assign(at=frame["at"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    if way == "semicolon.csv":
        text.to_csv(path, sep=";", decimal=",", index=False, encoding="utf-8-sig")
    elif way == "quoted.csv":
        text.to_csv(path, index=False, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    elif way == "utf-16.csv":
        text.to_csv(path, index=False, encoding="utf-16")
    elif way == "tab.tsv":
        text.to_csv(path, index=False, sep="\t")
    elif way.endswith((".csv", ".gz")):
        text.to_csv(path, index=False)
    elif way == "f.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("f.csv", text.to_csv(index=False))
    elif way == "f.xlsx":
        frame.to_excel(path, index=False)
    elif way == "f.ods":
        write_ods(frame, path)
    elif way in ("f.xls", "f.xlsb"):
        # Made of SHOP; nothing that is installed writes them.
        path.write_bytes((BOOKS / f"shop.{way[2:]}").read_bytes())
    elif way == "f.parquet":
        frame.to_parquet(path)
    elif way == "f.arrow":
        feather.write_feather(frame, path)
    elif way == "f.jsonl":
        text.to_json(path, orient="records", lines=True)
    elif way == "f.json":
        text.to_json(path, orient="records", indent=1)
    elif way == "f.sqlite":
        with sqlite3.connect(path) as con:
            text.to_sql("t", con, index=False)
        con.close()
    elif way == "f.duckdb":
        with duckdb.connect(str(path)) as con:
            con.register("made", frame)
            con.execute("CREATE TABLE t AS SELECT * FROM made")
    elif way == "f.dta":
        pytest.importorskip("pyreadstat").write_dta(frame, str(path))
    else:
        packed = way == "f.zsav"
        pytest.importorskip("pyreadstat").write_sav(frame, str(path), compress=packed)
    return path


def write_ods(frame, path):
    """Write a table as a sheet of the open document format, as small as it can be."""
    kinds = {
        "M": lambda v: f'office:value-type="date" office:date-value="{v.isoformat()}"',
        "O": lambda v: f'office:value-type="string" office:string-value={quoteattr(v)}',
    }
    rows = [[kinds["O"](name) for name in frame.columns]]
    number = 'office:value-type="float" office:value="{!r}"'.format
    for row in frame.itertuples(index=False):
        cells = [v.item() if hasattr(v, "item") else v for v in row]
        rows.append(
            [
                (
                    kinds["O"]
                    if isinstance(v, str)
                    else kinds["M"]
                    if hasattr(v, "year")
                    else number
                )(v)
                for v in cells
            ]
        )
    listed = "".join(
        f"<table:table-row>{''.join(f'<table:table-cell {c}/>' for c in row)}</table:table-row>"
        for row in rows
    )
    names = "".join(
        f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table")
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet>"
            f'<table:table table:name="orders">{listed}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest "
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            "</manifest:manifest>",
        )


TOLD = mapping(columns={**mapping()["columns"], "discount": "n"}, read={})


@settings(max_examples=3)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_one_table_is_the_same_however_it_is_written(tmp_path_factory, rows):
    """Eighteen ways, types and rows alike, for values that all of them can hold."""
    frame, folder = frame_of(rows), tmp_path_factory.mktemp("ways")
    expected = load.file(write(frame, folder, "f.parquet"), TOLD)["orders"]
    assert expected["amount"].sum() == pytest.approx(frame["eur"].sum())
    for way in WAYS:
        told = {**TOLD, "read": {"decimal": ","}} if way == "semicolon.csv" else TOLD
        if way.endswith(("comma.csv", "quoted.csv", "utf-16.csv", ".tsv", ".gz", ".zip")):
            told = {**TOLD, "read": {"decimal": "."}}
        found = load.file(write(frame, folder, way), told)
        pd.testing.assert_frame_equal(found["orders"], expected, obj=way)


CELLS = st.tuples(
    st.sampled_from(["o1", "o2", "o3", "o4", ""]),
    st.sampled_from(["a", "b", "", "NA", '"x, y"', '"two\nlines"']),
    st.sampled_from(
        ["2024-01-01", "2024-01-01 10:00", "soon", "", "2202-01-01", "2024-03-31 02:30"]
    ),
    st.sampled_from(["5", "5.25", "-3", "many", "", "inf", "1e3"]),
)


@settings(max_examples=25)
@given(st.lists(CELLS, min_size=1, max_size=10), st.sampled_from(["UTC", "Europe/Amsterdam"]))
def test_rows_in_are_rows_kept_and_refused(tmp_path_factory, rows, zone):
    """Counted by an independent reader; the sum of what is kept and refused is the file's own."""
    text = "id,who,at,eur\nz,z,2024-01-01,1\n" + "".join(",".join(r) + "\n" for r in rows)
    path = written(tmp_path_factory.mktemp("rows"), text)
    found = load.file(path, mapping(zone=zone))
    table = list(csv.DictReader(io.StringIO(text)))
    assert found.report.rows_in == len(table)
    assert accounted(found)
    numbers = {"5": 5, "5.25": 5.25, "1": 1, "1e3": 1000, "-3": -3}
    whole = sum(numbers.get(row["eur"], 0) for row in table)
    refused = sum(numbers.get(str(v), 0) for v in found.report.rejected.get("eur", ()))
    assert found["orders"]["amount"].sum() + refused == pytest.approx(whole)


SHOP = frame_of(
    [(f"c{i % 5}", i, datetime.datetime(2024, 1, 1 + i % 28, i % 24), i / 4) for i in range(40)]
)
MORE = ("f.xls", "f.xlsb")


def mutated(data, chance):
    """Cut, flip bits, remove or put in bytes."""
    data, kind = bytearray(data), chance.randrange(4)
    if kind == 0:
        return bytes(data[: chance.randrange(len(data))])
    for _ in range(chance.choice((1, 1, 2, 10))):
        place = chance.randrange(len(data))
        if kind == 1:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[place : place + chance.choice((1, 2, 16))]
        else:
            data[place:place] = chance.randbytes(chance.choice((1, 4, 32)))
        if not data:
            break
    return bytes(data)


def holds(folder, way, data, tag):
    """Load a mutated file: an answer in which every row is accounted for, or a clear error."""
    path = folder / f"{tag}-{way}"
    path.write_bytes(data)
    try:
        found = load.file(path, TOLD)
    except WorkbenchError:
        return
    assert accounted(found)
    lines = _independent(way, data)
    if lines is not None:
        assert found.report.rows_in >= lines or found.report.noticed, "fewer rows, and not a word"


def _independent(way, data):
    """Count rows as a reader of another make does; None where there is none."""
    if way == "f.jsonl":
        return sum(bool(line.strip()) for line in data.split(b"\n"))
    if way == "comma.csv":
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
        rows = csv.reader(io.StringIO(text, newline=""))
        return sum(bool(row) for row in rows) - 1
    return None


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch):
    """A broken sheet may say that it is large; here it need not be believed for long."""
    monkeypatch.setattr(workbooks, "MEMORY", 1_000_000_000)


@pytest.mark.parametrize("way", WAYS + MORE)
def test_a_broken_file_is_an_answer_or_a_clear_error(tmp_path, way):
    """A few mutations of each format; hundreds in the slow twin."""
    data, chance = write(SHOP, tmp_path, way).read_bytes(), random.Random(way)
    for i in range(4):
        holds(tmp_path, way, mutated(data, chance), i)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS + MORE)
def test_hundreds_of_broken_files(tmp_path, way):
    """Five hundred mutations of each format."""
    data, chance = write(SHOP, tmp_path, way).read_bytes(), random.Random(f"{way} slow")
    for i in range(500):
        holds(tmp_path, way, mutated(data, chance), i)


def test_what_is_within_a_packed_file_may_be_broken(tmp_path):
    """A sound .gz of a broken file is treated as that file."""
    text = SHOP.to_csv(index=False)
    (tmp_path / "f.csv.gz").write_bytes(gzip.compress((text + '9,"open').encode()))
    with pytest.raises(WorkbenchError, match="quotation mark"):
        load.file(tmp_path / "f.csv.gz", TOLD)
    records = [json.dumps({"id": 1}), "{", "[]"]
    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress("\n".join(records).encode()))
    with pytest.raises(WorkbenchError, match="no column named 'who'"):
        load.file(tmp_path / "f.jsonl.gz", TOLD)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_quoted_row_that_lacks_a_field_is_refused_by_its_line(tmp_path, ends):
    """Where every field is quoted too; a field of several lines before it moves the line."""
    rows = ['"id","who","at","eur"', '"1","a","2024-01-01","5"', '"2","a","2024-01-01"']
    rows += ['"3","b","2024-01-01","5","x"', '"4","b","2024-01-01","6"', '"5","c","soon","6"']
    (path := tmp_path / "f.csv").write_bytes((ends.join(rows) + ends).encode())
    found = load.file(path, mapping())
    rejected = found.report.rejected
    assert found.report.rows_in == 5
    assert rejected["_line"].tolist() == [3, 4, 6]
    assert rejected["_reason"].tolist()[:2] == ["3 fields instead of 4", "5 fields instead of 4"]
    assert rejected["_text"].tolist()[:2] == rows[2:4]


def test_a_database_whose_names_are_no_text_is_a_clear_error(tmp_path):
    """A bit of a column's name is flipped, in the head of the file."""
    path = write(SHOP, tmp_path, "f.sqlite")
    data = path.read_bytes()
    for name in (b'"eur"', b'"who"', b"t"):
        place = data.index(name) + (len(name) > 1)
        path.write_bytes(data[:place] + bytes([data[place] | 0x80]) + data[place + 1 :])
        with pytest.raises(WorkbenchError):
            load.file(path, TOLD)
