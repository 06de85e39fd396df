"""A column may be called anything: names of a user's own never meet those of the engine or ours."""

import pandas as pd
import pyarrow.feather as feather
import pytest
from door_helpers import accounted, loaded, mapping, written

from workbench import engine, load
from workbench.errors import InputError

# What the loader calls its own tables and columns, words of SQL, and signs that close a name.
NAMES = (
    *("_refusal", "_row_hash", "row_number", "file_row_number", "rowid", "source_row", "line"),
    *("first", "order_id", "customers", "rows", "n", "code", "at", "v", "x", "value", "item"),
    *("s0", "c0", "k0", "w0", "wk0", "q0", "e0", "m0", "own0", "OWN4", "judged", "orders"),
    *("_line", "_Reason", "_text", "select", "a.b", "x y", 'quo"te', "it's", "é", "%s", "{x}"),
)
TEXT = "cid,who,alt,pick,own\n1,a,car,1,red\n1,a,bus,0,blue\n2,b,car,x,red\n3,d,bus,1,blue\n"
TEXT += "3,d,bus,1,blue\n"
OWN = dict(enumerate(("red", "blue", "red", "blue", "blue"), 2))
TABLES = {
    "choices": {"choice_id": "cid", "customer_id": "who", "alternative": "alt", "chosen": "pick"},
    "customers": {"customer_id": "who"},
    "deals": {"deal_id": "cid", "customer_id": "who", "won": "pick"},
}


@pytest.mark.parametrize("table", TABLES)
def test_an_attribute_may_be_called_as_one_of_ours(tmp_path, table):
    """Its values are those of the file, with every rule over several rows."""
    names = [name for name in NAMES if name not in TABLES[table]]
    rule = {"column": "alt", "equals": "tram", "reason": "r", "whole": "customer_id"}
    columns = {**TABLES[table], **dict.fromkeys(names, "own")}
    told = {"table": table, "columns": columns, "reject": [rule], "duplicates": "drop"}
    found = loaded(tmp_path, TEXT, told)
    assert found[table].columns.tolist() == [*TABLES[table], *names]
    refused = set(found.report.rejected["_line"])
    kept = [word for line, word in OWN.items() if line not in refused]
    assert len(kept) >= 2 and accounted(found)
    for name in names:
        assert found[table][name].tolist() == kept, name


@pytest.mark.parametrize("way", ["csv", "parquet", "arrow", "jsonl", "folder"])
def test_a_column_of_a_file_may_be_called_anything(tmp_path, way):
    """Read by its name, and refused rows stand under it."""
    # Only the files of a folder are put together by names without case.
    names = NAMES if way == "folder" else (*NAMES, "CODE")
    frame = pd.DataFrame({"who": ["a", ""]}).assign(**{name: ["7", "8"] for name in names})
    path = tmp_path / f"f.{way}"
    if way == "csv":
        path.write_text(frame.to_csv(index=False) + "broken\n", encoding="utf-8")
    elif way == "arrow":
        feather.write_feather(frame, path)
    elif way == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        path.mkdir() if way == "folder" else None
        frame.to_parquet(path / "a.parquet" if way == "folder" else path)
    columns = {"customer_id": "who", **{f"my {name}": name for name in names if name != "CODE"}}
    found = load.file(path, {"table": "customers", "columns": columns})
    assert found["customers"].iloc[0].tolist() == ["a", *["7"] * len(NAMES)]
    assert accounted(found)
    rejected = found.report.rejected
    for name in names:
        found = [rejected[c].dropna().tolist() for c in rejected if c.rstrip("_") == name]
        assert ["8"] in found, name


@pytest.mark.parametrize(("one", "other"), [("Price", "price"), ("CUSTOMER_ID", None)])
def test_names_that_differ_in_case_alone_are_refused(tmp_path, one, other):
    """An engine cannot tell them apart."""
    columns = {"customer_id": "who", one: "own", **({other: "alt"} if other else {})}
    with pytest.raises(InputError, match="case alone"):
        loaded(tmp_path, TEXT, {"table": "customers", "columns": columns})


@pytest.mark.parametrize("way", ["parquet", "folder", "arrow", "joined"])
def test_simulated_data_stay_simulated(tmp_path, way):
    """In the table in memory, in its file and in every way to it."""
    frame = pd.DataFrame({"id": ["1"], "who": ["a"], "at": ["2024-01-01"], "eur": [5.0]})
    frame.attrs["simulated"] = True
    path, told = tmp_path / "f.parquet", mapping()
    if way == "arrow":
        path = tmp_path / "f.arrow"
        feather.write_feather(frame, path)
    else:
        frame.to_parquet(path)
    if way == "joined":
        written(tmp_path, "id,more\n1,2\n", "more.csv")
        files = {"orders": "f.parquet", "more": "more.csv"}
        told = mapping(files=files, join=[{"file": "more", "on": "id"}])
    found = load.file(tmp_path if way == "folder" else path, told)
    assert found["orders"].attrs == {"simulated": True}
    assert engine.simulated(found.table("orders"))
