"""Sources with types of their own: nothing becomes text and is parsed again, no id a fraction."""

import decimal
import gzip
import json
import sqlite3
import zipfile

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door_helpers import COLUMNS, accounted, loaded, mapping, noticed, reasons, written

from workbench import load
from workbench.errors import InputError
from workbench.load import formulas
from workbench.load.guessing import peek

LONG = (1234567890123456789, 1234567890123456790)
AT = ["2026-01-01", "2026-01-02", "2026-01-03"]


def json_lines(folder, records, name="f.jsonl"):
    """Write records, one a line."""
    return written(folder, "\n".join(json.dumps(r, ensure_ascii=False) for r in records), name)


def with_a_gap(folder, kind):
    """Three orders of two customers with ids of nineteen digits, the third without one."""
    ids = [*LONG, None]
    rows = [{"id": i, "who": w, "at": AT[i], "eur": 1 + i} for i, w in enumerate(ids)]
    if kind == "jsonl":
        return json_lines(folder, rows)
    if kind == "absent.jsonl":
        return json_lines(folder, [{k: v for k, v in r.items() if v is not None} for r in rows])
    if kind == "json":
        return written(folder, json.dumps(rows, indent=1), "f.json")
    if kind == "csv":
        lines = [f"{r['id']},{r['who'] or ''},{r['at']},{r['eur']}\n" for r in rows]
        return written(folder, "id,who,at,eur\n" + "".join(lines))
    path = folder / f"f.{kind}"
    table = pa.table(
        {"id": [0, 1, 2], "who": pa.array(ids, pa.int64()), "at": AT, "eur": [1.0, 2.0, 3.0]}
    )
    if kind == "parquet":
        pq.write_table(table, path)
    elif kind == "duckdb":
        with duckdb.connect(str(path)) as con:
            con.register("made", table)
            con.execute("CREATE TABLE t AS SELECT * FROM made")
    else:
        con = sqlite3.connect(path)
        con.execute("CREATE TABLE t (id, who, at, eur)")
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [tuple(r.values()) for r in rows])
        con.commit()
        con.close()
    return path


@pytest.mark.parametrize(
    "kind", ["csv", "jsonl", "absent.jsonl", "json", "parquet", "duckdb", "sqlite"]
)
def test_long_ids_with_a_gap(tmp_path, kind):
    """A column of whole numbers with one missing stays whole."""
    found = load.file(with_a_gap(tmp_path, kind), mapping())
    assert found["orders"]["customer_id"].tolist() == [str(i) for i in LONG]
    assert reasons(found) == {"customer_id: missing": 1}


@pytest.mark.parametrize("digits", [17, 20, 30, 37])
@pytest.mark.parametrize("kind", ["jsonl", "duckdb"])
def test_ids_of_any_length(tmp_path, digits, kind):
    """Beyond 64 bits too."""
    ids = [int("9" * digits), int("9" * digits) - 1]
    if kind == "jsonl":
        records = [{"id": i, "who": w, "at": AT[i], "eur": 1} for i, w in enumerate(ids)]
        path = json_lines(tmp_path, records)
    else:
        path = tmp_path / "f.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute('CREATE TABLE t (id INT, who HUGEINT, "at" DATE, eur DOUBLE)')
            for i, who in enumerate(ids):
                con.execute(f"INSERT INTO t VALUES ({i}, {who}, '{AT[i]}', 1)")
    found = load.file(path, mapping())["orders"]
    assert found["customer_id"].tolist() == [str(i) for i in ids]


def test_a_number_is_never_read_as_its_text(tmp_path):
    """With `decimal: ","` a number of a typed source keeps its value; text beside it is read so."""
    told = mapping(read={"decimal": ","})
    records = [
        {"id": "0", "who": "a", "at": AT[0], "eur": 1.125},
        {"id": "1", "who": "a", "at": AT[1], "eur": 2.5},
        {"id": "2", "who": "a", "at": AT[2], "eur": "3,25"},
    ]
    found = load.file(json_lines(tmp_path, records), told)["orders"]
    assert found["amount"].tolist() == [1.125, 2.5, 3.25]
    frame = pd.DataFrame({"id": ["0", "1"], "who": "a", "at": AT[:2], "eur": [3.125, 1234.125]})
    frame.to_excel(tmp_path / "f.xlsx", index=False)
    assert load.file(tmp_path / "f.xlsx", told)["orders"]["amount"].tolist() == [3.125, 1234.125]
    amounts = pa.array([decimal.Decimal("10.500"), decimal.Decimal("2.125")], pa.decimal128(9, 3))
    table = pa.table({"id": ["0", "1"], "who": ["a", "a"], "at": AT[:2], "eur": amounts})
    pq.write_table(table, tmp_path / "f.parquet")
    found = load.file(tmp_path / "f.parquet", mapping())["orders"]
    assert found["amount"].tolist() == [10.5, 2.125]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\u00a0"])
def test_json_knows_one_line_break_only(tmp_path, sign):
    """Signs that other readers break lines at stand within a value."""
    records = [{"id": i, "who": f"a{sign}b", "at": AT[i], "eur": 1} for i in range(3)]
    found = load.file(json_lines(tmp_path, records), mapping())
    assert (found.report.rows_in, found.report.rows_kept) == (3, 3)
    assert found["orders"]["customer_id"].iloc[0] == f"a{sign}b"


@pytest.mark.parametrize("who", ["\\u0000", "a\\u0000b", "\\ud800", "x\\udfff"])
def test_json_that_holds_no_text(tmp_path, who):
    """Zero signs and half characters are refused, and counted."""
    good = json.dumps({"id": "1", "who": "a", "at": AT[0], "eur": 1})
    bad = good.replace('"who": "a"', f'"who": "{who}"').replace('"id": "1"', '"id": "2"')
    found = loaded(tmp_path, f"{good}\n{bad}\n", name="f.jsonl")
    assert reasons(found) == {"who: bytes, no text": 1}
    assert accounted(found)


def test_json_arrays_nested_and_broken(tmp_path):
    """An array is as good as lines; one that breaks off is an error with its line."""
    records = [
        {"id": 1, "who": {"name": "a"}, "at": AT[0], "eur": 1},
        5,
        {"id": 2, "who": {"name": "b"}, "at": AT[1], "eur": 2},
    ]
    told = mapping(columns={**COLUMNS, "customer_id": "who.name"})
    for indent in (None, 2):
        path = written(tmp_path, json.dumps(records, indent=indent), f"{indent}.json")
        found = load.file(path, told)
        assert found["orders"]["customer_id"].tolist() == ["a", "b"]
        assert reasons(found) == {"not a JSON object": 1}
    with pytest.raises(InputError, match=r"line \d"):
        loaded(tmp_path, json.dumps(records, indent=1)[:-20], told, "cut.json")


def test_bytes_are_text_or_refused(tmp_path):
    """In Parquet and SQLite."""
    table = pa.table(
        {"id": ["1", "2"], "who": [b"a", b"\xff\xfe"], "at": AT[:2], "eur": [1.0, 2.0]}
    )
    pq.write_table(table, tmp_path / "f.parquet")
    con = sqlite3.connect(tmp_path / "f.sqlite")
    con.execute("CREATE TABLE t (id TEXT, who TEXT, at TEXT, eur REAL)")
    con.execute("INSERT INTO t VALUES ('1', 'a', '2026-01-01', 1), ('2', x'fffe', '2026-01-02', 2)")
    con.commit()
    con.close()
    for name in ("f.parquet", "f.sqlite"):
        found = load.file(tmp_path / name, mapping())
        assert found["orders"]["customer_id"].tolist() == ["a"]
        assert reasons(found) == {"who: bytes, no text": 1}


def test_columns_of_one_name_are_named(tmp_path):
    """The error says which; the file is not said to be cut."""
    arrays = [pa.array(["1"]), pa.array(["a"]), pa.array(["b"]), pa.array(AT[:1]), pa.array([1.0])]
    table = pa.Table.from_arrays(arrays, names=["id", "who", "who", "at", "eur"])
    pq.write_table(table, tmp_path / "f.parquet")
    with pytest.raises(InputError, match="'who' twice"):
        load.file(tmp_path / "f.parquet", mapping())
    # Names that differ in case alone are two.
    table = table.rename_columns(["id", "who", "WHO", "at", "eur"])
    pq.write_table(table, tmp_path / "g.parquet")
    assert load.file(tmp_path / "g.parquet", mapping())["orders"]["customer_id"].tolist() == ["a"]
    found = loaded(tmp_path, "id,who,Who,at,eur\n1,a,b,2026-01-01,5\n")
    assert found["orders"]["customer_id"].tolist() == ["a"]


def book(path, sheets):
    """Write a workbook of sheets: (name, state, rows)."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, state, rows in sheets:
        sheet = made.create_sheet(name)
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_sheets_that_are_hidden_or_not_read(tmp_path):
    """The first that is visible is read; what was not read is said; `all` reads every one."""
    head = ["id", "who", "at", "eur"]
    jan, feb = [head, ["1", "a", AT[0], 5.5]], [head, ["2", "b", AT[1], 6.5]]
    path = book(
        tmp_path / "f.xlsx",
        [("Old", "hidden", [head, ["9", "x", AT[0], 999]]), ("Jan", "visible", jan)]
        + [("Feb", "visible", feb), ("Notes", "visible", [["about"], ["x"]])],
    )
    found = load.file(path, mapping())
    assert found["orders"]["amount"].tolist() == [5.5]
    assert noticed(found) == {"noticed_hidden", "noticed_sheet"}
    both = load.file(path, mapping(read={"sheet": ["Jan", "Feb"]}))
    assert both["orders"]["amount"].tolist() == [5.5, 6.5]
    with pytest.raises(InputError, match="other columns"):
        load.file(path, mapping(read={"sheet": "all"}))


def test_rows_of_a_sheet_are_those_it_shows(tmp_path):
    """Title rows are skipped, blank rows are none, and a line is the row of the sheet."""
    rows = [["Export"], ["Period"], [], ["id", "who", "at", "eur"], ["1", "a", AT[0], 5]]
    rows += [[None] * 4, ["2", None, AT[1], 6]]
    path = book(tmp_path / "f.xlsx", [("S", "visible", rows)])
    found = load.file(path, mapping(read={"skip_rows": 3}))
    assert (found.report.rows_in, found.report.rows_kept) == (2, 1)
    assert found.report.rejected["_line"].tolist() == [7]


def test_formulas_are_never_computed(tmp_path):
    """A formula is the value saved beside it; one without is empty, and that is said. So are
    merged cells, and columns left of the table stay where they are.
    """
    head = [None, "id", "who", "at", "eur"]
    rows = [[], head, [None, "1", "a", AT[0], 5.5], [None, "2", "a", AT[1], "=E3*2"]]
    rows += [[None, "3", None, AT[1], "=1+1"], [None, "4", "b", AT[1], 4]]
    path = book(tmp_path / "f.xlsx", [("Orders & <more>", "visible", rows)])
    made = openpyxl.load_workbook(path)
    made.active.merge_cells("C4:C5")
    made.save(path)
    found = load.file(path, mapping())
    assert found["orders"]["amount"].tolist() == [5.5, 4]
    assert noticed(found) >= {"noticed_uncached", "noticed_merged"}
    said = {note.id: note.values for note in found.report.noticed}
    assert said["load.noticed_uncached"]["n"] == 2
    assert said["load.noticed_merged"]["n"] == 1
    # The same formulas with the values a spreadsheet saves: a number, and an empty text.
    _rewritten(path, b"<f>E3*2</f><v />", b"<f>E3*2</f><v>11</v>")
    _rewritten(path, b'<c r="E5"><f>1+1</f><v />', b'<c r="E5" t="str"><f>1+1</f><v></v>')
    found = load.file(path, mapping())
    assert found["orders"]["amount"].tolist() == [5.5, 11, 4]
    assert "noticed_uncached" not in noticed(found)


def _rewritten(path, old, new):
    """Put other bytes into the first sheet of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert any(old in part for part in parts.values())
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part.replace(old, new))


def test_formulas_of_an_ods_sheet(tmp_path):
    """As of .xlsx, each sheet its own."""
    cell = '<table:table-cell table:formula="of:=1"{}/>'
    valued = cell.format(' office:value-type="float" office:value="1"')
    content = "".join(
        f'<table:table table:name="{name}"><table:table-row>{cells}</table:table-row></table:table>'
        for name, cells in (("a", valued + cell.format("")), ("b &amp; c", cell.format("") * 3))
    )
    with zipfile.ZipFile(tmp_path / "f.ods", "w") as archive:
        archive.writestr("content.xml", content)
    counts = [formulas.look(tmp_path / "f.ods", name).uncached for name in ("a", "b & c", "d")]
    assert counts == [1, 3, 0]


@pytest.mark.parametrize("pack", ["gz", "zip"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx", "sqlite"])
def test_packed_files(tmp_path, kind, pack):
    """Each format within a .gz or a .zip of one file; a .zip of two is an error that names them."""
    frame = pd.DataFrame({"id": ["1", "2"], "who": ["a", "b"], "at": AT[:2], "eur": [5.5, 6.0]})
    plain = tmp_path / f"f.{kind}"
    if kind == "csv":
        frame.to_csv(plain, index=False)
    elif kind == "jsonl":
        frame.to_json(plain, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(plain)
    elif kind == "xlsx":
        frame.to_excel(plain, index=False)
    else:
        con = sqlite3.connect(plain)
        frame.to_sql("t", con, index=False)
        con.close()
    if pack == "gz":
        packed = tmp_path / f"f.{kind}.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        packed = tmp_path / f"{kind}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(plain, plain.name)
    found = load.file(packed, mapping())
    pd.testing.assert_frame_equal(found["orders"], load.file(plain, mapping())["orders"])
    if pack == "zip":
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr("other.txt", "x")
        with pytest.raises(InputError, match=r"other\.txt"):
            load.file(packed, mapping())
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"unpacked|holds"):
        load.file(packed, mapping())


def test_folders_patterns_and_tables_of_others(tmp_path):
    """A folder of parts is one table, day=… a column; Delta and Iceberg are refused."""
    frame = pd.DataFrame({"id": ["1", "2"], "at": AT[:2], "eur": [5.5, 6.0]})
    for who in "ab":
        folder = tmp_path / "hive" / f"who={who}"
        folder.mkdir(parents=True)
        frame.assign(id=frame["id"] + who).to_parquet(folder / "p.parquet")
    for path in (tmp_path / "hive", tmp_path / "hive" / "*" / "*.parquet"):
        found = load.file(path, mapping())["orders"]
        assert sorted(found["customer_id"] + found["order_id"]) == ["a1a", "a2a", "b1b", "b2b"]
    (tmp_path / "hive" / "_delta_log").mkdir()
    with pytest.raises(InputError, match="Delta"):
        load.file(tmp_path / "hive", mapping())
    (tmp_path / "ice" / "metadata").mkdir(parents=True)
    (tmp_path / "ice" / "metadata" / "v1.metadata.json").write_text("{}")
    with pytest.raises(InputError, match="Iceberg"):
        load.file(tmp_path / "ice", mapping())


def test_files_of_statistics_programs(tmp_path):
    """Codes and numbers of SPSS and Stata; codes declared missing are empty, and said."""
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame(
        {"id": ["1", "2"], "who": ["a", "b"], "at": pd.to_datetime(AT[:2]), "eur": [5.5, 99.0]}
    )
    labels = {"eur": {99.0: "no answer"}}
    pyreadstat.write_sav(
        frame, str(tmp_path / "f.sav"), variable_value_labels=labels, missing_ranges={"eur": [99]}
    )
    found = load.file(tmp_path / "f.sav", mapping())
    assert found["orders"]["amount"].tolist() == [5.5]
    assert noticed(found) == {"noticed_labels", "noticed_user_missing"}
    pyreadstat.write_sav(frame, str(tmp_path / "f.zsav"), compress=True)
    pyreadstat.write_dta(frame, str(tmp_path / "f.dta"))
    for name in ("f.zsav", "f.dta"):
        orders = load.file(tmp_path / name, mapping())["orders"]
        assert orders["amount"].tolist() == [5.5, 99.0]
        assert orders["ordered_at"].dt.strftime("%Y-%m-%d").tolist() == AT[:2]
    (tmp_path / "f.sav").write_bytes((tmp_path / "f.sav").read_bytes()[:100])
    with pytest.raises(InputError, match="SPSS"):
        load.file(tmp_path / "f.sav", mapping())


def test_an_option_a_format_would_pass_over(tmp_path):
    """A query on a CSV, a sheet of a Parquet file: an error, not silence."""
    path = written(tmp_path, "id,who,at,eur\n1,a,2026-01-01,5\n")
    for option in ({"query": "SELECT 1"}, {"sheet": "a"}, {"table": "t"}):
        with pytest.raises(InputError, match="means nothing"):
            load.file(path, mapping(read=option))


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{out}' AS x",
        "COPY (SELECT 42) TO '{out}'",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT 1; COPY (SELECT 42) TO '{out}'",
        "INSTALL httpfs",
        "SET enable_external_access=true",
        "SELECT writefile('{out}', 'x')",
        "DELETE FROM t",
        "PRAGMA writable_schema=1",
    ],
)
@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "files"])
def test_a_query_reads_its_own_and_writes_nothing(tmp_path, query, kind):
    """Whatever it says: an error, nothing written, nothing of another file seen."""
    secret, out = written(tmp_path, "secret\n", "secret.txt"), tmp_path / "out.bin"
    text = query.format(secret=secret, out=out)
    if kind == "files":
        path = written(tmp_path, "id,who,at,eur\n1,a,2026-01-01,5\n")
        told = mapping(files={"t": path.name}, query=text)
    else:
        path, told = with_a_gap(tmp_path, kind), mapping(read={"query": text})
    with pytest.raises(InputError) as caught:
        load.file(path, told)
    assert not out.exists()
    assert "secret\n" not in str(caught.value)


@pytest.mark.parametrize("beside", [{}, {"meta": {"pages": 3}}, {"next": None, "errors": []}])
@pytest.mark.parametrize("key", ["data", "results", "Items"])
def test_an_answer_of_a_program_is_the_rows_in_it(tmp_path, key, beside):
    """One object around an array; what stands beside the rows is said not to be read."""
    rows = [{"id": i, "who": "a", "at": "2024-01-01", "eur": 5} for i in range(3)]
    for indent in (None, 1):
        (tmp_path / "f.json").write_text(json.dumps({**beside, key: rows}, indent=indent))
        found = load.file(tmp_path / "f.json", mapping())
        assert found.report.rows_in == len(found["orders"]) == 3
        assert ("noticed_wrapped" in noticed(found)) == bool(beside)


def test_the_guess_sees_the_rows_in_an_answer(tmp_path):
    """Its columns are those of the rows."""
    rows = [{"order_id": i, "customer_id": "a", "total": 5.5} for i in range(3)]
    path = written(tmp_path, json.dumps({"data": rows, "meta": {"n": 3}}), "f.json")
    assert list(peek.peek(path).columns) == ["order_id", "customer_id", "total"]


def test_an_object_with_a_list_of_its_own_is_a_row(tmp_path):
    """An event with parameters, in a file of one line, is an event; two lists are not guessed."""
    row = {"id": 1, "who": "a", "at": "2024-01-01", "eur": 5, "params": [{"key": "k", "value": 1}]}
    (tmp_path / "f.json").write_text(json.dumps(row))
    assert len(load.file(tmp_path / "f.json", mapping())["orders"]) == 1
    (tmp_path / "f.json").write_text(json.dumps({"orders": [row], "customers": [row]}))
    with pytest.raises(InputError, match="Present: orders, customers"):
        load.file(tmp_path / "f.json", mapping())


def test_a_year_over_a_column_of_a_sheet_is_its_name(tmp_path):
    """It is 2024, as it stands there, and no fraction."""
    frame = pd.DataFrame({"id": [1], "who": ["a"], "at": ["2024-01-01"], 2024: [5]})
    frame.to_excel(tmp_path / "f.xlsx", index=False)
    told = mapping(columns={**mapping()["columns"], "amount": "2024"})
    assert load.file(tmp_path / "f.xlsx", told)["orders"]["amount"].tolist() == [5]
