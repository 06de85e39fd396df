"""A mapping is guessed from a file: what can be told is right, what cannot is asked."""

import contextlib
import sqlite3

import exports
import numpy as np
import pandas as pd
import pytest

from workbench import cli, load
from workbench.errors import InputError
from workbench.load import yaml_text
from workbench.load.guessing import guess, seen
from workbench.load.guessing.names import role_of

LAYOUTS = {
    "shopify": ("guess.shopify", "order_lines"),
    "woocommerce": ("guess.woocommerce", "orders"),
    "woocommerce_plugin": ("guess.woocommerce", "order_lines"),
    "stripe": ("guess.stripe", "orders"),
    "online_retail": ("guess.online_retail", "order_lines"),
    "ga4": ("guess.ga4", "events"),
    "matomo": ("guess.matomo", "events"),
    "qualtrics": ("guess.qualtrics", "surveys"),
    "survey_monkey": ("guess.survey_monkey", "surveys"),
    "dutch_sheet": ("guess.plain", "orders"),
    "wide_survey": ("guess.wide_survey", "surveys"),
    "crm": ("guess.plain", "customers"),
}
ANSWERS = {"zone": "Europe/Amsterdam"}


def written(draft, tmp_path):
    """The mapping of a draft, its zone answered; at most two questions."""
    text = draft.text(tmp_path / "m.yml")
    assert draft.questions == text.count(" # ? ") <= 2, text
    told = yaml_text.parse(text)
    if "zone" in told and told["zone"] is None:
        told["zone"] = ANSWERS["zone"]
    return load.read_mapping(told)


def shuffled(frame, rng):
    """The same columns in another order."""
    return frame[list(rng.permutation(frame.columns))]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", exports.FRAMES)
def test_a_layout_is_known_by_its_headers(tmp_path, name, seed):
    """In any order of the columns: the layout, the table, a mapping that holds."""
    rng = np.random.default_rng(seed)
    frame = shuffled(exports.FRAMES[name](rng), rng)
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    assert (draft.layout.id, draft.keys["table"][0]) == LAYOUTS[name]
    written(draft, tmp_path)


@pytest.mark.parametrize("name", ["dutch_sheet", "wide_survey", "woocommerce", "crm"])
@pytest.mark.parametrize("form", ["semicolon", "tab", "xlsx", "titles", "gz", "sqlite", "parquet"])
def test_the_dialect_does_not_matter(tmp_path, name, form):
    """Semicolons, tabs, another encoding, a workbook with titles above, packed, a database: the
    same columns, and they load.
    """
    frame = exports.FRAMES[name](np.random.default_rng(3))
    frame.to_csv(tmp_path / "plain.csv", index=False)
    endings = {"xlsx": "a.xlsx", "titles": "a.xlsx", "gz": "a.csv.gz", "sqlite": "a.sqlite"}
    path = tmp_path / {**endings, "parquet": "a.parquet"}.get(form, "a.csv")
    if form == "semicolon":
        frame.to_csv(path, sep=";", index=False, encoding="cp1252")
    elif form == "tab":
        frame.to_csv(path, sep="\t", index=False, encoding="utf-16")
    elif form == "gz":
        frame.to_csv(path, index=False)
    elif form == "parquet":
        frame.to_parquet(path)
    elif form == "sqlite":
        with contextlib.closing(sqlite3.connect(path)) as con:
            frame.to_sql("export", con, index=False)
    else:
        pytest.importorskip("python_calamine")
        with pd.ExcelWriter(path) as book:
            frame.to_excel(book, sheet_name="Data", index=False, startrow=3 * (form == "titles"))
            if form == "titles":
                book.sheets["Data"]["A1"] = "Export"
                pd.DataFrame({"a": ["note"]}).to_excel(book, sheet_name="Notes", index=False)
    plain, other = guess(tmp_path / "plain.csv")[0], guess(path)[0]
    assert written(other, tmp_path)["columns"] == written(plain, tmp_path)["columns"]
    read = other.keys.get("read", ({},))[0]
    assert read.get("skip_rows") == (3 if form == "titles" else None)
    assert read.get("sheet") == ("Data" if form == "titles" else None)
    both = [
        load.file(p, written(d, tmp_path))
        for p, d in ((tmp_path / "plain.csv", plain), (path, other))
    ]
    assert both[0].report.rows_kept == both[1].report.rows_kept > 0


OPTIONAL = {
    "shopify": ["Vendor", "Source", "Lineitem sku", "Paid at", "Cancelled at", "Currency"],
    "stripe": ["Amount Refunded", "Mode", "Captured", "Customer Email"],
    "ga4": ["user_id", "ga_session_id", "page_location", "device.category", "event_date"],
    "woocommerce": ["Attribution", "N. Revenue (formatted)", "Customer type"],
    "qualtrics": ["ExternalReference", "Status", "Finished", "UserLanguage"],
    "matomo": ["userId", "referrerName", "deviceType", "type (actionDetails 0)"],
    "dutch_sheet": ["Status", "Kanaal", "Tijd"],
}


@pytest.mark.parametrize(
    ("name", "column"), [(n, c) for n, names in OPTIONAL.items() for c in names]
)
def test_an_optional_column_may_lack(tmp_path, name, column):
    """Without it the mapping still holds, and names no column that is not there."""
    frame = exports.FRAMES[name](np.random.default_rng(4)).drop(columns=column)
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    assert draft.layout.id == LAYOUTS[name][0]
    written(draft, tmp_path)
    assert f" {column}" not in draft.text().split("columns:", 1)[1]


def test_shopify_says_what_the_shop_would_forget(tmp_path):
    """Order fields stand once, cancelled orders go whole, one person in two spellings is one."""
    exports.shopify(np.random.default_rng(5)).to_csv(tmp_path / "a.csv", index=False)
    told = written(guess(tmp_path / "a.csv")[0], tmp_path)
    assert told["fill_down"]["within"] == "Name" and "Email" in told["fill_down"]["columns"]
    assert told["reject"][0]["whole"] == "order_id" and told["currency"] == "EUR"
    assert told["ignore_case"] == ["customer_id"] and "zone" not in told


def test_files_that_belong_together_become_one_mapping(tmp_path):
    """Olist: joined by their ids, in any order of the arguments; other files stay apart."""
    paths = exports.olist(np.random.default_rng(6), tmp_path)
    for given in (paths, paths[::-1]):
        (draft,) = guess(*given)
        told = written(draft, tmp_path)
        assert next(iter(told["files"])) == "order_items"
        assert [j["file"] for j in told["join"]] == ["orders", "customers", "products"]
        assert told["columns"]["customer_id"] == "customer_unique_id"
    assert len(guess(paths[1], paths[3])) == 2


def test_nested_events(tmp_path):
    """Parameters of a GA4 event become columns; whole numbers written as text are read."""
    path = exports.ga4_nested(np.random.default_rng(7), tmp_path / "events.jsonl")
    (draft,) = guess(path)
    told = written(draft, tmp_path)
    assert draft.layout.id == "guess.ga4_nested"
    assert told["explode"]["keep"] == ["ga_session_id", "page_location"]
    assert told["columns"]["customer_id"] == {"coalesce": ["user_id", "user_pseudo_id"]}
    assert told["columns"]["occurred_at"] == {"epoch": "event_timestamp", "unit": "us"}


def test_qualtrics_names_its_zone(tmp_path):
    """The third header row holds it; the header rows and previews are refused."""
    exports.qualtrics(np.random.default_rng(8)).to_csv(tmp_path / "a.csv", index=False)
    told = written(guess(tmp_path / "a.csv")[0], tmp_path)
    assert told["zone"] == "America/Denver"
    assert told["unpivot"]["columns"] == ["Q1", "Q2_1", "Q2_2", "Q3"] and told["unpivot"]["texts"]
    assert told["columns"]["value"] == {"first_number": "value"}
    assert told["reject"][0]["one_of"][0] == "Response ID"
    assert told["reject"][1]["one_of"] == ["Survey Preview"]


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["13-02-2025 10:00", "01-02-2025 11:30"], "%d-%m-%Y %H:%M"),
        (["02/13/2025", "01/02/2025"], "%m/%d/%Y"),
        (["2/13/2025 8:26"], "%m/%d/%Y %H:%M"),
        (["02/13/2025 08:26:11 PM"], "%m/%d/%Y %I:%M:%S %p"),
        (["13.02.25 10:00:05"], "%d.%m.%y %H:%M:%S"),
        (["20250213"], "%Y%m%d"),
        (["2025/02/13 10:00"], "%Y/%m/%d %H:%M"),
        (["2025-02-13T10:00:00Z"], None),
        (["2025-02-13 10:00:00.123 +0100"], None),
    ],
)
def test_how_times_are_written(values, form):
    """The form by what the values can only mean."""
    assert seen.times(values).form == form


def test_day_or_month_is_asked(tmp_path):
    """Where every day could be a month, nothing is chosen."""
    frame = pd.DataFrame(
        {
            "order id": ["1", "2"],
            "customer id": ["a", "b"],
            "order date": ["01/02/2025", "03/04/2025"],
            "amount": ["1.50", "2.50"],
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    text = draft.text()
    assert "\ntime_format:" in text and "%d/%m/%Y" in text and "%m/%d/%Y" in text
    assert yaml_text.parse(text)["time_format"] is None and draft.questions == 1


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": ["1", "2"], "y": ["a", "b"]}),
        pd.DataFrame({"order id": ["1", "2"], "klant": ["a", "b"], "kleur": ["rood", "blauw"]}),
        pd.DataFrame({"event": ["view", "buy"], "timestamp": ["2025-01-01", "2025-01-02"]}),
        pd.DataFrame({"order id": ["1", "1"], "date": ["soon", "late"], "total": ["1", "2"]}),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path, frame):
    """No column is chosen for want of a better one: a question stands in the file."""
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    text = draft.text()
    assert draft.questions >= 1 and " # ? " in text
    told = yaml_text.parse(text)
    assert not {"x", "y", "kleur", "soon"} & set((told["columns"] or {}).values())


def test_names_play_parts():
    """English and Dutch names; what is no such name plays none."""
    for name, role in {
        "Order ID": "order", "Bestelnummer": "order", "klant_id": "customer", "E-mail": "customer",
        "Bedrag (incl. btw)": "amount", "Aantal": "quantity", "Kleur": None, "Itemized": None,
        "Orderly": None, "Datum": "when", "timestamp": "when",
    }.items():  # fmt: skip
        assert role_of(name) == role, name


def test_the_command_writes_and_asks(tmp_path, capsys):
    """A file with its questions; never over another one; answers may be given at once."""
    exports.dutch_sheet(np.random.default_rng(9)).to_csv(tmp_path / "b.csv", index=False, sep=";")
    out = tmp_path / "m.yml"
    assert cli.main(["guess", str(tmp_path / "b.csv"), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "line 7" in said or "time zone" in said
    assert cli.main(["guess", str(tmp_path / "b.csv"), "--out", str(out)]) == 2
    assert "not overwritten" in capsys.readouterr().err
    answered = ["--zone", "Europe/Amsterdam", "--out", "-"]
    assert cli.main(["guess", str(tmp_path / "b.csv"), *answered]) == 0
    text = capsys.readouterr().out
    assert "zone: Europe/Amsterdam" in text and " # ? " not in text
    assert cli.main(["guess", str(tmp_path / "b.csv"), "--language", "nl", "--out", "-"]) == 0
    assert "tijdzone" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"a\n", b"\xff\xfe", b"{}", b"[[[["])
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".jsonl", ".bin", ".sqlite"])
def test_files_that_are_none(tmp_path, content, ending):
    """An error or a draft, no traceback."""
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    try:
        guess(path)
    except InputError as error:
        assert str(error)


def test_names_that_a_terminal_would_obey(tmp_path, capsys):
    """A column's name is written so that YAML keeps it and a terminal shows it."""
    frame = pd.DataFrame({"order id": ["1"], "cust\x1b[31m id": ["a"], "total: #": ["1"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    cli.main(["guess", str(tmp_path / "a.csv"), "--out", "-"])
    assert "\x1b" not in "".join(capsys.readouterr())


EXPECTED = {
    "shopify": {"other currency", "cancelled", "customer_id: missing"},
    "woocommerce": {"not paid"},
    "woocommerce_plugin": {"not paid"},
    "stripe": {"not paid"},
    "online_retail": {"cancelled invoice"},
    "ga4": set(),
    "matomo": set(),
    "qualtrics": {"header row", "preview, test or spam"},
    "survey_monkey": {"header row", "response_id: missing"},
    "dutch_sheet": {"total", "cancelled"},
    "wide_survey": set(),
    "crm": set(),
}


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("name", exports.FRAMES)
def test_the_mapping_loads(tmp_path, name, seed):
    """As it was written, with its questions answered: only what it says is refused."""
    rng = np.random.default_rng(seed)
    frame = shuffled(exports.FRAMES[name](rng), rng)
    frame.to_csv(tmp_path / "a.csv", index=False)
    told = written(guess(tmp_path / "a.csv")[0], tmp_path)
    loaded = load.file(tmp_path / "a.csv", told)
    report = loaded.report
    assert set(report.table["reason"]) <= EXPECTED[name], report
    assert report.rows_kept > 0.5 * report.rows_in
    if told["table"] != "surveys":
        assert report.rows_in == len(frame)


def test_shopify_counts_what_pandas_counts(tmp_path):
    """Orders, buyers and money against the steps a researcher would write by hand."""
    frame = exports.shopify(np.random.default_rng(13))
    frame.to_csv(tmp_path / "a.csv", index=False)
    loaded = load.file(tmp_path / "a.csv", written(guess(tmp_path / "a.csv")[0], tmp_path))
    once = ["Email", "Financial Status", "Currency"]
    plain = frame.replace("", np.nan)
    plain[once] = plain.groupby("Name")[once].transform("first")
    plain = plain[(plain["Currency"] == "EUR") & (plain["Financial Status"] == "paid")]
    plain = plain.dropna(subset="Email")
    money = (plain["Lineitem quantity"].astype(int) * plain["Lineitem price"].astype(float)).sum()
    orders = loaded["orders"]
    assert len(orders) == plain["Name"].nunique()
    assert orders["customer_id"].nunique() == plain["Email"].str.lower().nunique()
    assert orders["amount"].sum() == pytest.approx(money, abs=1e-9)


def test_olist_counts_what_pandas_counts(tmp_path):
    """The joined files give the people behind the orders, and lines of delivered orders only."""
    paths = exports.olist(np.random.default_rng(14), tmp_path)
    loaded = load.file(paths[0], written(guess(*paths)[0], tmp_path))
    orders, customers, items, _ = (pd.read_csv(path) for path in paths)
    plain = items.merge(orders, on="order_id").merge(customers, on="customer_id")
    plain = plain[plain["order_status"] == "delivered"]
    lines = loaded["order_lines"]
    assert len(lines) == len(plain) and loaded.report.rows_in == len(items)
    assert lines["amount"].sum() == pytest.approx(plain["price"].sum(), abs=1e-9)
    assert set(lines["customer_id"]) == set(plain["customer_unique_id"])


def test_nested_events_load(tmp_path):
    """Parameters become columns, and moments are those of the file."""
    path = exports.ga4_nested(np.random.default_rng(15), tmp_path / "events.jsonl")
    loaded = load.file(path, written(guess(path)[0], tmp_path))
    events = loaded["events"]
    assert loaded.report.rows_kept == 150 and events["page"].nunique() == 1
    assert events["session_id"].nunique() == events["customer_id"].nunique()
    assert str(events["occurred_at"].dtype).startswith("datetime64")


def test_a_dutch_sheet_counts_what_was_written(tmp_path):
    """Decimal commas, day and time in two columns, the total left out."""
    frame = exports.dutch_sheet(np.random.default_rng(16))
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";", encoding="cp1252")
    loaded = load.file(tmp_path / "a.csv", written(guess(tmp_path / "a.csv")[0], tmp_path))
    paid = frame[frame["Status"] == "Betaald"]
    amounts = paid["Totaalbedrag"].str.removeprefix("€ ").str.replace(".", "")
    assert loaded["orders"]["amount"].sum() == pytest.approx(
        amounts.str.replace(",", ".").astype(float).sum(), abs=1e-9
    )
    first = loaded["orders"]["ordered_at"].min().tz_convert("Europe/Amsterdam")
    assert first.strftime("%d-%m-%Y %H:%M") == f"{paid['Datum'].iloc[0]} {paid['Tijd'].iloc[0]}"


def test_open_answers_become_texts(tmp_path):
    """A survey gives its points of scales as answers and its sentences as texts."""
    frame = exports.wide_survey(np.random.default_rng(17))
    frame.to_csv(tmp_path / "a.csv", index=False)
    loaded = load.file(tmp_path / "a.csv", written(guess(tmp_path / "a.csv")[0], tmp_path))
    assert set(loaded["surveys"]["item"]) == {"Tevredenheid", "Aanbevelen", "Service"}
    assert len(loaded["texts"]) == (frame["Opmerking"] != "").sum()


def test_a_dutch_shop(tmp_path):
    """WooCommerce in Dutch: translated headers and statuses, read by the parts they play."""
    frame = exports.woocommerce(np.random.default_rng(18)).drop(columns="N. Revenue (formatted)")
    dutch = {
        "Date": "Datum", "Order #": "Bestelling #", "Customer": "Klant",
        "Customer type": "Klanttype", "Net Sales": "Netto omzet",
        "Items sold": "Verkochte artikelen", "Product(s)": "Producten",
    }  # fmt: skip
    frame = frame.rename(columns=dutch)
    frame["Netto omzet"] = frame["Netto omzet"].str.replace(".", ",")
    frame["Status"] = frame["Status"].replace({"completed": "Afgerond", "refunded": "Terugbetaald"})
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";")
    told = written(guess(tmp_path / "a.csv")[0], tmp_path)
    assert told["columns"]["amount"] == "Netto omzet" and told["read"]["decimal"] == ","
    assert told["reject"][0]["one_of"] == ["Terugbetaald"]
    assert load.file(tmp_path / "a.csv", told).report.rows_in == len(frame)


def test_answers_in_words_are_asked_about(tmp_path):
    """A Qualtrics export with labels instead of numbers: no number is made up."""
    frame = exports.qualtrics(np.random.default_rng(19))
    for name in ("Q1", "Q2_1", "Q2_2"):
        frame.loc[2:, name] = np.where(frame.index[2:] % 2, "Very satisfied", "Not satisfied")
    frame = frame.drop(columns=["Q3", "Q4_TEXT"])
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    text = draft.text()
    assert draft.questions == 1 and "\nunpivot:" in text and "Q2_1" in text


def test_amounts_below_zero_are_pointed_out(tmp_path):
    """Refunds are not decided on in silence."""
    frame = exports.dutch_sheet(np.random.default_rng(20))
    frame.loc[[3, 4], "Totaalbedrag"] = ["-€ 12,50", "€ -1,00"]
    frame.to_csv(tmp_path / "a.csv", index=False)
    (draft,) = guess(tmp_path / "a.csv")
    assert "\nnegative: reject" in draft.text() and "2 amounts below 0" in draft.text()


def test_a_question_may_be_called_price(tmp_path):
    """A column of a survey is a question by its answers, whatever its name."""
    frame = exports.wide_survey(np.random.default_rng(21))
    frame = frame.rename(columns={"Service": "Price", "Tevredenheid": "Product"})
    frame.to_csv(tmp_path / "a.csv", index=False)
    told = written(guess(tmp_path / "a.csv")[0], tmp_path)
    assert {"Price", "Product", "Aanbevelen"} <= set(told["unpivot"]["columns"])


def test_a_long_json_array_is_looked_at_from_its_beginning(tmp_path):
    """An array of objects, cut where the look ends."""
    frame = exports.stripe(np.random.default_rng(22))
    text = frame.to_json(orient="records")
    (tmp_path / "whole.json").write_text(text)
    (tmp_path / "cut.json").write_text(text[: len(text) // 2])
    for name in ("whole", "cut"):
        (draft,) = guess(tmp_path / f"{name}.json")
        assert draft.layout.id == "guess.stripe"
