"""What a researcher would write in pandas, said in a mapping."""

import json
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door_helpers import COLUMNS, accounted, loaded, mapping, noticed, reasons, written

from workbench import load
from workbench.errors import InputError
from workbench.load.preflight import Look

HEAD = "id,who,at,eur\n"


@pytest.mark.parametrize(
    ("column", "told", "expected"),
    [
        ("amount", {"multiply": ["eur", "n"]}, 11.0),
        ("amount", {"add": ["eur", "n", "m"]}, 8.0),
        ("amount", {"subtract": ["eur", "n"]}, 3.5),
        ("amount", {"coalesce": ["none", "eur"]}, 5.5),
        ("amount", {"multiply": [{"add": ["eur", "n"]}, "n"]}, 15.0),
        ("amount", {"first_number": "label"}, 10.0),
        ("amount", {"first_number": "deep"}, 2.5),
        ("customer_id", {"concat": ["who", "n"], "separator": "-"}, "Ann B-2"),
        ("customer_id", {"lower": "who"}, "ann b"),
        ("customer_id", {"trim": "who"}, "Ann B"),
        ("customer_id", {"first_word": "who"}, "Ann"),
        ("customer_id", {"lower": {"first_word": "who"}}, "ann"),
        ("customer_id", {"coalesce": ["none", "who"]}, "Ann B"),
        ("channel", {"value": "web"}, "web"),
        ("channel", {"recode": "n", "codes": {"2": "two"}}, "two"),
        ("channel", {"recode": "n", "codes": {2: "two"}}, "two"),
        ("channel", {"recode": "n", "codes": {"3": "x"}, "other": "keep"}, "2"),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
def test_expressions(tmp_path, column, told, expected, typed):
    """Each does what it says, over text and over typed columns."""
    row = {"id": "1", "who": "Ann B", "at": "2026-01-01", "eur": 5.5, "n": 2, "m": 0.5}
    row |= {"none": None, "label": "10 - Extremely likely", "deep": "about 2,5 stars"}
    frame = pd.DataFrame([row])
    path = tmp_path / ("f.parquet" if typed else "f.csv")
    (frame.to_parquet if typed else frame.to_csv)(path, index=False)
    found = load.file(path, mapping(columns={**COLUMNS, column: told}))
    assert found["orders"][column].tolist() == [expected]


def test_a_table_of_codes_counts_what_is_not_in_it(tmp_path):
    """Refused by default, missing or kept where the mapping says."""
    text = "id,who,at,eur,via\n1,a,2026-01-01,5,1\n2,a,2026-01-02,5,9\n3,a,2026-01-03,5,\n"
    codes = {"recode": "via", "codes": {"1": "web"}}
    found = loaded(tmp_path, text, mapping(columns={**COLUMNS, "channel": codes}))
    assert reasons(found) == {"via: not in the table of codes": 1}
    told = mapping(columns={**COLUMNS, "channel": {**codes, "other": "missing"}})
    assert loaded(tmp_path, text, told)["orders"]["channel"].isna().tolist() == [False, True, True]


ORDERS = "oid,cid,at,price\n1,c1,2025-01-01,5.5\n2,c2,2025-01-02,6\n3,c3,2025-01-02,7\n"
PEOPLE = "cid,uid\nc1,u1\nc2,u1\nc9,u9\n"
FILES = {
    "table": "orders",
    "zone": "UTC",
    "columns": {"order_id": "oid", "customer_id": "uid", "ordered_at": "at", "amount": "price"},
    "files": {"orders": "orders.csv", "people": "people.csv"},
}
JOINED = {**FILES, "join": [{"file": "people", "on": "cid"}]}


def several(folder, **told):
    """Load the orders with the people they belong to."""
    written(folder, PEOPLE, "people.csv")
    return load.file(written(folder, ORDERS, "orders.csv"), {**FILES, **told})


def test_files_are_joined_by_their_keys(tmp_path):
    """A row without a partner is refused where the partner is needed, and said; an inner join
    counts it as such.
    """
    found = several(tmp_path, join=[{"file": "people", "on": "cid"}])
    assert found["orders"]["customer_id"].tolist() == ["u1", "u1"]
    assert reasons(found) == {"customer_id: missing": 1}
    assert {"join_unmatched", "join_unused"} <= noticed(found)
    found = several(tmp_path, join=[{"file": "people", "on": ["cid"], "how": "inner"}])
    assert reasons(found) == {"people: no row belongs to it": 1}
    assert found.report.rejected["_line"].tolist() == [4]
    assert accounted(found)
    columns = {**FILES["columns"], "channel": "people.cid"}
    found = several(tmp_path, join=[{"file": "people", "on": "cid"}], columns=columns)
    assert found["orders"]["channel"].tolist() == ["c1", "c2"]


def test_files_of_different_kinds_are_joined(tmp_path):
    """A number in one and a text in the other are one key, as they are written."""
    people = pd.DataFrame({"cid": [1, 2, 2], "uid": ["u1", "u2", "u3"]})
    people.to_parquet(tmp_path / "people.parquet")
    text = ORDERS.replace("c1", "1").replace("c2", "2").replace("c3", "3")
    path = written(tmp_path, text, "orders.csv")
    told = {**FILES, "files": {"orders": "orders.csv", "people": "people.parquet"}}
    found = load.file(path, {**told, "join": [{"file": "people", "on": "cid"}]})
    assert sorted(found["orders"]["customer_id"]) == ["u1", "u2"]
    assert reasons(found) == {"customer_id: missing": 1, "order_id: duplicate key": 1}
    assert "join_several" in noticed(found)


def test_one_query_over_the_files(tmp_path):
    """It reads them and nothing else; what is text stays text until a column means something."""
    query = "SELECT * FROM orders JOIN people USING (cid) WHERE price > '5.9'"
    found = several(tmp_path, query=query)
    assert found["orders"]["order_id"].tolist() == ["2"]
    with pytest.raises(InputError, match="query"):
        several(tmp_path, query="SELECT nothing FROM nowhere")


def test_a_changed_part_is_read_anew(tmp_path):
    """What is kept goes by the content of every file."""
    join = [{"file": "people", "on": "cid"}]
    assert several(tmp_path, join=join)["orders"]["customer_id"].tolist() == ["u1", "u1"]
    written(tmp_path, PEOPLE.replace("u1", "u7"), "people.csv")
    found = load.file(tmp_path / "orders.csv", {**FILES, "join": join})
    assert found["orders"]["customer_id"].tolist() == ["u7", "u7"]


def test_a_column_a_question_becomes_a_row_an_answer(tmp_path):
    """Empty cells are no answers; what was said in words becomes texts, or is said to be left."""
    text = "rid,who,at,Q1,Q2,Why\n1,a,2025-01-01,5,6,fine\n2,b,2025-01-02,,7,\n"
    text += "3,c,2025-01-03,10,1,too dear\n"
    columns = {"response_id": "rid", "respondent_id": "who", "answered_at": "at"}
    told = {"table": "surveys", "zone": "UTC", "columns": columns}
    for asked in ({"columns": ["Q1", "Q2", "Why"]}, {"except": ["rid", "who", "at"]}):
        found = loaded(tmp_path, text, {**told, "unpivot": {**asked, "texts": True}})
        answers = found["surveys"]
        assert answers["value"].tolist() == [5, 6, 7, 10, 1]
        assert answers["item"].tolist() == ["Q1", "Q2", "Q2", "Q1", "Q2"]
        assert found["texts"]["text"].tolist() == ["fine", "too dear"]
        assert found["texts"]["customer_id"].tolist() == ["a", "c"]
        assert accounted(found)
    found = loaded(tmp_path, text, {**told, "unpivot": {"columns": ["Q1", "Why"]}})
    assert "texts" not in found.tables
    assert "open_left" in noticed(found)


def test_nested_parameters_become_columns(tmp_path):
    """A list of keys and values, as web analytics export it, in JSON and in Parquet."""
    told = {
        "table": "events",
        "columns": {
            "customer_id": "user",
            "occurred_at": {"epoch": "at", "unit": "us"},
            "event": "name",
            "page": "page_location",
            "session_id": "ga_session_id",
        },
        "explode": {"column": "params", "keep": ["page_location", "ga_session_id"]},
    }

    def value(text=None, number=None):
        return {"string_value": text, "int_value": number, "double_value": None}

    rows = [
        [("page_location", value("/a")), ("ga_session_id", value(None, 9007199254740993))],
        [("ga_session_id", value(None, 7))],
        [],
    ]
    records = [
        {"user": "u", "at": 1767607200000000 + i, "name": "view"}
        | {"params": [{"key": k, "value": v} for k, v in row]}
        for i, row in enumerate(rows)
    ]
    path = written(tmp_path, "\n".join(map(json.dumps, records)), "f.jsonl")
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "f.parquet")
    for file in (path, tmp_path / "f.parquet"):
        found = load.file(file, told)["events"]
        assert found["session_id"].tolist()[:2] == ["9007199254740993", "7"]
        assert found["session_id"].isna().tolist() == [False, False, True]
        assert found["page"].isna().tolist() == [False, True, True]


def test_moments_in_columns_become_events(tmp_path):
    """One event a filled moment."""
    text = "o,who,made,sent\n1,a,2025-01-01,2025-01-03\n2,b,2025-01-02,\n3,c,soon,\n"
    told = {"table": "events", "zone": "UTC", "columns": {"customer_id": "who"}}
    found = loaded(tmp_path, text, {**told, "events": {"ordered": "made", "shipped": "sent"}})
    assert found["events"]["event"].tolist() == ["ordered", "shipped", "ordered"]
    assert reasons(found) == {"occurred_at: not a time": 1}
    assert found.report.rejected["_line"].tolist() == [4]
    assert accounted(found)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"join": [{"file": "people", "on": "at"}]}, "people: no column named 'at'"),
        ({"join": [{"file": "people", "on": "cidd"}]}, "no column named 'cidd'. Did you mean"),
        (
            {"columns": {**FILES["columns"], "amount": "prise"}},
            "named 'prise'. Did you mean 'price'",
        ),
    ],
)
def test_names_in_several_files_are_looked_at_before_any_is_read(tmp_path, told, said):
    """At their heads: a key of a join, a column of any of them."""
    written(tmp_path, PEOPLE, "people.csv")
    path = written(tmp_path, ORDERS, "orders.csv")
    with pytest.raises(InputError, match=re.escape(said)):
        Look(path, load.read_mapping({**JOINED, **told})).check_columns()
    Look(path, load.read_mapping(JOINED)).check_columns()
