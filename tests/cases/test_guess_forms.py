"""Known layouts in other forms than the plainest: the mapping that is guessed loads every row."""

import json
import re

import exports
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import load
from workbench.load import yaml_text
from workbench.load.guessing import guess


def loaded(folder, path, *more):
    """Load a file by the mapping that is guessed, what it asks answered; two questions at most."""
    (draft,) = guess(path, *more)
    text = draft.text(folder / "m.yml")
    assert draft.questions <= 2, text
    told = yaml_text.parse(text)
    if "zone" in told and told["zone"] is None:
        told["zone"] = "Europe/Amsterdam"
    if "time_format" in told and told["time_format"] is None:
        told["time_format"] = re.search(r"day or month first\? '([^']*)'", text)[1]
    return draft.layout.id.removeprefix("guess."), load.file(path, told)


def made(name, seed=5):
    """An invented export."""
    return exports.FRAMES[name](np.random.default_rng(seed))


def clocks(frame, column, form, rows=slice(None)):
    """The same export with times written in another form."""
    changed = frame.copy()
    found = pd.to_datetime(changed.loc[rows, column], format="mixed")
    changed.loc[rows, column] = found.dt.strftime(form)
    return changed


def commas(frame, *columns):
    """The same export with decimal commas."""
    return frame.assign(**{c: frame[c].str.replace(".", ",") for c in columns})


def woo_suite():
    """WooCommerce's import and export suite: month first, two blanks before the time."""
    frame = clocks(made("woocommerce"), "Date", "%m/%d/%Y  %H:%M:%S")
    names = {"Order #": "order_number", "Date": "order_date", "Net Sales": "order_total"}
    frame = frame.rename(columns={**names, "Status": "status"})
    people = [f"p{i % 20}@example.org" for i in range(len(frame))]
    return frame[[*names.values(), "status"]].assign(billing_email=people, order_currency="EUR")


FORMS = {
    "shopify, semicolons and commas": lambda: commas(made("shopify"), "Lineitem price"),
    "woocommerce, day first": lambda: clocks(made("woocommerce"), "Date", "%d/%m/%Y %H:%M"),
    "woocommerce, suite": woo_suite,
    "stripe, commas": lambda: commas(made("stripe"), "Amount", "Amount Refunded"),
    "stripe, another zone": lambda: made("stripe").rename(
        columns={"Created date (UTC)": "Created date (Europe/Berlin)"}
    ),
    "online_retail, day first": lambda: commas(
        clocks(made("online_retail"), "InvoiceDate", "%d-%m-%Y %H:%M"), "UnitPrice"
    ),
    "ga4, underscores": lambda: made("ga4").rename(columns=lambda c: c.replace(".", "_")),
    "qualtrics, two header rows": lambda: made("qualtrics").drop(index=1),
    "qualtrics, one header row": lambda: made("qualtrics").iloc[2:],
    "qualtrics, times of a spreadsheet": lambda: clocks(
        made("qualtrics"), "EndDate", "%m/%d/%Y %H:%M", slice(2, None)
    ),
    "survey_monkey, Dutch": lambda: made("survey_monkey").rename(
        columns={"Respondent ID": "Respondent-ID", "Collector ID": "Collector-ID"}
        | {"Date Created": "Begindatum", "Date Modified": "Einddatum"}
    ),
    "two_headers, French": lambda: made("survey_monkey").rename(
        columns={"Respondent ID": "ID du répondant", "Collector ID": "ID du collecteur"}
        | {"Date Created": "Date de début", "Date Modified": "Date de fin"}
    ),
}
ANSWERS = {"qualtrics": 180, "survey_monkey": 120, "two_headers": 120}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["a.csv", "a.xlsx"])
def test_every_row_is_loaded(tmp_path, form, way):
    """As text with semicolons and in a workbook; what is refused is what the layout refuses."""
    frame = FORMS[form]()
    if way == "a.csv":
        frame.to_csv(tmp_path / way, sep=";", index=False)
    else:
        frame.to_excel(tmp_path / way, index=False)
    layout, found = loaded(tmp_path, tmp_path / way)
    name = form.split(",")[0]
    assert layout == ("qualtrics_one" if "one header" in form else name)
    rows = ANSWERS.get(name, len(frame))
    heads = 3 * ("two header" not in form and "one header" not in form) * (name == "qualtrics")
    assert found.report.rows_in == rows + heads
    reasons = set(found.report.table["reason"])
    assert reasons <= {
        *("cancelled", "other currency", "customer_id: missing", "not paid", "cancelled invoice"),
        *("header row", "preview, test or spam"),
    }, reasons
    assert found.report.rows_kept > 0.7 * rows


def test_every_year_has_its_sheet(tmp_path):
    """Online Retail II: two sheets with the same columns are one table; numbers beside words."""
    frame = made("online_retail").rename(
        columns={"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    )
    frame["Invoice"] = [int(v) if v.isdigit() else v for v in frame["Invoice"]]
    frame["Price"], frame["Quantity"] = frame["Price"].astype(float), frame["Quantity"].astype(int)
    frame["Customer ID"] = frame["Customer ID"].astype(float)
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"])
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        frame.head(40).to_excel(book, sheet_name="Year 2009-2010", index=False)
        frame.iloc[40:].to_excel(book, sheet_name="Year 2010-2011", index=False)
    layout, found = loaded(tmp_path, tmp_path / "a.xlsx")
    assert layout == "online_retail" and found.report.rows_in == 80
    assert found["order_lines"]["customer_id"].str.fullmatch(r"\d{5}").all()


def nested(folder):
    """GA4 events with their parameters and blocks, as Python values."""
    path = exports.ga4_nested(np.random.default_rng(6), folder / "events.jsonl")
    events = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    for event in events:
        event["event_timestamp"] = int(event["event_timestamp"])
        event["user_id"] = event.get("user_id")
        for one in event["event_params"]:
            number = one["value"].get("int_value")
            one["value"] = {
                "string_value": one["value"].get("string_value"),
                "int_value": int(number) if number else None,
            }
    return events


@pytest.mark.parametrize("way", ["a.json", "a.parquet", "a.duckdb", "a.csv", "folder"])
def test_nested_events_in_every_kind_of_file(tmp_path, way):
    """Parameters and blocks of fields are reached in each."""
    events = nested(tmp_path)
    path = tmp_path / way
    table = pa.Table.from_pylist(events)
    if way == "a.json":
        path.write_text(json.dumps(events))
    elif way == "a.parquet":
        pq.write_table(table, path)
    elif way == "folder":
        path.mkdir()
        pq.write_table(table.slice(0, 60), path / "events_20250402.parquet")
        pq.write_table(table.slice(60), path / "events_20250403.parquet")
    elif way == "a.duckdb":
        import duckdb

        with duckdb.connect(str(path)) as con:
            con.register("made", table)
            con.execute("CREATE TABLE events AS SELECT * FROM made")
    else:
        blocks = ("event_params", "device", "traffic_source")
        rows = [{**e, **{b: json.dumps(e[b]) for b in blocks}} for e in events]
        pd.DataFrame(rows).to_csv(path, index=False)
    layout, found = loaded(tmp_path, path)
    assert layout == "ga4_nested" and found.report.rows_kept == len(events)
    made_of = found["events"]
    assert made_of["session_id"].str.fullmatch(r"\d+\.17\.\d+").all()
    assert (made_of["page"] == "https://example.org/a").all()
    if way != "a.csv":
        assert (made_of["device"] == "mobile").all()
        assert (made_of["channel"] == "(direct) / (none)").all()


def test_fields_within_fields_have_dotted_names(tmp_path):
    """However deep; a column that is called so already keeps its name."""
    rows = [{"id": "1", "who": {"id": {"text": "a"}, "n": 1}, "who.n": 7, "tags": [1, 2]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    columns = {"customer_id": "who.id.text", "n": "who.n"}
    found = load.file(tmp_path / "a.parquet", {"table": "customers", "columns": columns})
    assert found["customers"].iloc[0].tolist() == ["a", "7"]
    assert found.report.notes["left out (nested)"] == "tags"


def test_qualtrics_as_it_was_before_2017(tmp_path):
    """V1, V2 … above, and below them what they are."""
    head = "V1,V3,V4,V5,V8,V9,V10,Q1,Q2,Q3_TEXT,LocationLatitude"
    below = (
        "ResponseID,Name,ExternalDataReference,EmailAddress,StartDate,EndDate,Finished,"
        "How likely are you to come back?,How was the price?,What could be better?,LocationLatitude"
    )
    rows = [
        f"R_{i},Anonymous,k{i},,2016-02-0{i} 09:00:00,2016-02-0{i} 09:15:00,1,{i},{6 - i},"
        f"the queue was too long today {i},52.3"
        for i in range(1, 6)
    ]
    (tmp_path / "f.csv").write_text("\n".join([head, below, *rows]) + "\n", encoding="utf-8")
    layout, found = loaded(tmp_path, tmp_path / "f.csv")
    assert layout == "qualtrics"
    answers = found["surveys"]
    assert sorted(set(answers["item"])) == ["Q1", "Q2"]
    assert len(answers) == 10
    assert set(answers["respondent_id"]) == {f"k{i}" for i in range(1, 6)}
    assert "How was the price?" in set(answers["question_text"])
    assert len(found["texts"]) == 5
