"""Values as files hold them: words that look like nothing, numbers and moments in any writing."""

import datetime

import pandas as pd
import pytest
from door_helpers import COLUMNS, accounted, loaded, mapping, noticed, reasons, written

from workbench import load
from workbench.errors import DataError, InputError

EVENTS = {
    "table": "events",
    "zone": "UTC",
    "columns": {"customer_id": "who", "occurred_at": "at", "event": "event", "channel": "region"},
}


@pytest.mark.parametrize("word", ["NA", "N/A", "null", "NULL", "nan", "NaN", "None", "-", "#N/A"])
def test_words_are_words(tmp_path, word):
    """A region or a customer called NA is one, in text, JSON, Excel and SQLite; the mapping may say
    otherwise.
    """
    text = f"who,at,event,region\n{word},2026-01-01,view,{word}\nb,2026-01-01,view,EU\n"
    found = loaded(tmp_path, text, EVENTS)["events"]
    assert found["customer_id"].tolist() == [word, "b"]
    assert found["channel"].tolist() == [word, "EU"]
    frame = pd.read_csv(tmp_path / "f.csv", keep_default_na=False)
    frame.to_json(tmp_path / "f.jsonl", orient="records", lines=True)
    frame.to_excel(tmp_path / "f.xlsx", index=False)
    # In a sheet #N/A is the cell of an error, and empty.
    for name in ("f.jsonl", "f.xlsx")[: 1 if word == "#N/A" else 2]:
        again = load.file(tmp_path / name, EVENTS)["events"]
        assert again["channel"].tolist() == [word, "EU"]
    told = load.file(tmp_path / "f.csv", {**EVENTS, "missing": [word]})
    assert told["events"]["channel"].tolist() == ["EU"]
    assert reasons(told) == {"customer_id: missing": 1}


@pytest.mark.parametrize("word", ["NA", "n/a", "null", "NaN", ""])
def test_in_numbers_and_moments_they_are_nothing(tmp_path, word):
    """Missing, and not "no number"."""
    text = f"id,who,at,eur\n1,a,2026-01-01,{word}\n2,a,{word},5\n3,a,2026-01-01,5\n"
    assert reasons(loaded(tmp_path, text)) == {"amount: missing": 1, "ordered_at: missing": 1}


NUMBERS = {
    "spaces": (
        ["1 355,90 €", "10,00 €", "2 000,00 €", "12 345 678,90"],
        [1355.9, 10, 2000, 12345678.9],
    ),
    "no-break": (["1\u00a0355,90", "99,5"], [1355.9, 99.5]),
    "narrow": (["1\u202f355,90", "99,5"], [1355.9, 99.5]),
    "apostrophe": (["1'355.90", "2\u2019000.00", "5"], [1355.9, 2000, 5]),
    "before": (["€1,355.90", "€ 5.00", "-€7.50"], [1355.9, 5, -7.5]),
    "code": (["EUR 5.50", "7 EUR"], [5.5, 7]),
    "crowns": (["1 355,50 kr", "10,00 kr"], [1355.5, 10]),
    "zloty": (["1 355,50 zł", "10,00 zł"], [1355.5, 10]),
    "minus": (["\u22125.5", "7"], [-5.5, 7]),
    "exponent": (["1e3", "2.5E-1"], [1000, 0.25]),
    "dutch": (["1.234,50", "7"], [1234.5, 7]),
    "plain": (["0.1", "007", "5", "+3"], [0.1, 7, 5, 3]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_one_way_of_writing(tmp_path, name):
    """Whatever stands between the thousands and beside the number."""
    cells, expected = NUMBERS[name]
    text = "id;who;at;eur\n" + "".join(f"{i};a;2026-01-01;{c}\n" for i, c in enumerate(cells))
    found = loaded(
        tmp_path, text, mapping(currency=None, negative="keep") | {"currency": _of(name)}
    )
    assert found["orders"]["amount"].tolist() == pytest.approx(expected)
    assert accounted(found)


def _of(name):
    return {"crowns": "SEK", "zloty": "PLN"}.get(name, "EUR")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2,50", "2.50"], "decimal"),
        (["1.234"], "fraction or thousands"),
        (["10 - Extremely likely", "0 - Not at all", "7", "8"], "first_number"),
        (["10 (best)", "1 (worst)", "5", "6", "7"], "first_number"),
        (["€5", "$7", "£9"], "several currencies"),
        (["5 EUR", "7 USD"], "several currencies"),
    ],
)
def test_numbers_in_two_ways_of_writing(tmp_path, cells, message):
    """An error that shows both and names the key; never the part that happens to fit."""
    text = "id;who;at;eur\n" + "".join(f"{i};a;2026-01-01;{c}\n" for i, c in enumerate(cells))
    with pytest.raises(InputError, match=message):
        loaded(tmp_path, text)


def test_the_keys_that_settle_them(tmp_path):
    """`first_number` takes labelled ends, `currency` one of several signs, the others counted."""
    text = (
        "id;who;at;eur\n1;a;2026-01-01;10 - Extremely likely\n2;a;2026-01-01;7\n3;a;2026-01-01;0\n"
    )
    told = mapping(columns={**COLUMNS, "amount": {"first_number": "eur"}})
    assert loaded(tmp_path, text, told)["orders"]["amount"].tolist() == [10, 7, 0]
    text = "id;who;at;eur\n1;a;2026-01-01;€5\n2;a;2026-01-01;$7\n3;a;2026-01-01;8\n"
    found = loaded(tmp_path, text, mapping(currency="EUR"))
    assert found["orders"]["amount"].tolist() == [5, 8]
    assert reasons(found) == {"other currency": 1}
    text = "id;who;at;eur\n1;a;2026-01-01;€5\n2;a;2026-01-01;8\n"
    assert "noticed_sign" in noticed(loaded(tmp_path, text))


def test_refusals_that_depend_on_the_value_are_said(tmp_path):
    """Only the large ones are written in a way nobody reads: what is left is no sample."""
    small = "".join(f"{i},a,2026-01-01,{i}\n" for i in range(1, 40))
    text = "id,who,at,eur\n" + small + "90,a,2026-01-01,1*355\n91,a,2026-01-01,2*000\n"
    found = loaded(tmp_path, text)
    assert reasons(found) == {"eur: not a number": 2}
    assert "noticed_large" in noticed(found)


TIMES = {
    "2026-01-05": "2026-01-05 00:00",
    "2026-01-05 10:00": "2026-01-05 10:00",
    "2026-01-05T10:00:00": "2026-01-05 10:00",
    "2026-01-05 10:00:00.25": "2026-01-05 10:00:00.25",
    "20260105": "2026-01-05 00:00",
    "20260105T100000": "2026-01-05 10:00",
    "2026/01/05 10:00": "2026-01-05 10:00",
}
ZONED = {
    "2026-01-05T10:00:00Z": "10:00",
    "2026-01-05 10:00:00 UTC": "10:00",
    "2026-01-05 10:00:00.1 UTC": "10:00:00.1",
    "2026-01-05 11:00:00+01": "10:00",
    "2026-01-05 11:00:00+0100": "10:00",
    "2026-01-05 11:00:00 +0100": "10:00",
    "2026-01-05 11:00+01:00": "10:00",
    "2026-01-05 15:30:00+05:30": "10:00",
    "2026-01-05T07:00:00-03": "10:00",
    "2026-01-05 10:00 GMT": "10:00",
}


def at(found):
    """The moments of the orders, by id."""
    frame = found["orders"]
    return dict(zip(frame["order_id"], frame["ordered_at"], strict=True))


@pytest.mark.parametrize("one", TIMES)
def test_a_moment_without_a_zone(tmp_path, one):
    """Alone and beside every other writing."""
    expected = pd.Timestamp(TIMES[one], tz="UTC")
    assert at(loaded(tmp_path, f"id,who,at,eur\n1,a,{one},5\n"))["1"] == expected
    rest = "".join(f"{i},a,{t},5\n" for i, t in enumerate(TIMES))
    found = loaded(tmp_path, f"id,who,at,eur\nx,a,{one},5\n{rest}")
    assert at(found)["x"] == expected
    assert found.report.rows_kept == len(TIMES) + 1


def test_moments_with_a_zone_in_every_writing(tmp_path):
    """Zone and fraction of a second are read value by value, alone and together."""
    text = "id,who,at,eur\n" + "".join(f"{i},a,{t},5\n" for i, t in enumerate(ZONED))
    found = at(loaded(tmp_path, text))
    for i, (one, clock) in enumerate(ZONED.items()):
        expected = pd.Timestamp(f"2026-01-05 {clock}", tz="UTC")
        assert found[str(i)] == expected, one
        alone = loaded(tmp_path, f"id,who,at,eur\n1,a,{one},5\n", mapping(zone="Asia/Tokyo"))
        assert at(alone)["1"] == expected, one


@pytest.mark.parametrize("one", ZONED)
def test_some_with_a_zone_and_some_without(tmp_path, one):
    """Refused whole, however the zone is written and however few have one."""
    rest = "".join(f"{i},a,2026-01-05 10:00,5\n" for i in range(2, 30))
    with pytest.raises(DataError, match="have a zone"):
        loaded(tmp_path, f"id,who,at,eur\n1,a,{one},5\n{rest}")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("1767607200", "unit: s"),
        ("1767607200.5", "unit: s"),
        ("1767607200000", "unit: ms"),
        ("1767607200000000", "unit: us"),
        ("1767607200000000000", "unit: ns"),
        ("46027.4166666667", "day_number"),
        ("46027", "day_number"),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
def test_moments_that_are_numbers(tmp_path, value, key, typed):
    """Without the key an error that says what they look like; with it the moment, in text and in
    typed files.
    """
    if typed:
        number = float(value) if "." in value else int(value)
        frame = pd.DataFrame({"id": ["1"], "who": ["a"], "at": [number], "eur": [5.0]})
        path = tmp_path / "f.parquet"
        frame.to_parquet(path)
    else:
        path = written(tmp_path, f"id,who,at,eur\n1,a,{value},5\n")
    with pytest.raises(InputError, match=key):
        load.file(path, mapping())
    told = {"day_number": "at"} if key == "day_number" else {"epoch": "at", "unit": key[6:]}
    found = at(load.file(path, mapping(columns={**COLUMNS, "ordered_at": told})))["1"]
    expected = {"1767607200.5": "10:00:00.5", "46027": "00:00"}.get(value, "10:00")
    assert found == pd.Timestamp(f"2026-01-05 {expected}", tz="UTC")


def test_day_numbers_are_the_clock_of_the_zone(tmp_path):
    """45292.5 is noon on New Year's Day 2024 where the mapping says; ids keep their noughts."""
    text = "id,who,at,eur\n1,007,45292.5,5.5\n2,7,45293,6\n"
    told = mapping(columns={**COLUMNS, "ordered_at": {"day_number": "at"}}, zone="Europe/Amsterdam")
    found = loaded(tmp_path, text, told)
    assert at(found)["1"] == pd.Timestamp("2024-01-01 11:00", tz="UTC")
    assert found["orders"]["customer_id"].tolist() == ["007", "7"]


def test_whole_numbers_that_are_days(tmp_path):
    """20240105 in an integer column is the fifth of January."""
    frame = pd.DataFrame({"id": ["1"], "who": ["a"], "at": [20240105], "eur": [5]})
    frame.to_parquet(tmp_path / "f.parquet")
    assert at(load.file(tmp_path / "f.parquet", mapping()))["1"] == pd.Timestamp(
        "2024-01-05", tz="UTC"
    )


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("2024-01-05", "9:05", "09:05"),
        ("2024-01-05", "09:05:30", "09:05:30"),
        ("2024-01-05", "9:05 PM", "21:05"),
        ("2024-01-05 00:00:00", "21:05", "21:05"),
        ("20240105", "0905", "09:05"),
    ],
)
def test_a_date_and_a_time_in_two_columns(tmp_path, day, clock, expected):
    """The day of one, the clock of the other, in the mapping's zone."""
    told = mapping(columns={**COLUMNS, "ordered_at": {"date": "at", "time": "clock"}})
    found = loaded(tmp_path, f"id,who,at,clock,eur\n1,a,{day},{clock},5\n", told)
    assert at(found)["1"] == pd.Timestamp(f"2024-01-05 {expected}", tz="UTC")


def test_a_date_and_a_time_as_a_sheet_keeps_them(tmp_path):
    """Cells of dates and of times of day."""
    frame = pd.DataFrame({"id": ["1"], "who": ["a"], "eur": [5.0]})
    frame["at"] = [datetime.datetime(2024, 1, 5)]
    frame["clock"] = [datetime.time(9, 5)]
    frame.to_excel(tmp_path / "f.xlsx", index=False)
    told = mapping(columns={**COLUMNS, "ordered_at": {"date": "at", "time": "clock"}})
    assert at(load.file(tmp_path / "f.xlsx", told))["1"] == pd.Timestamp(
        "2024-01-05 09:05", tz="UTC"
    )


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"])
def test_clocks_that_change(tmp_path, zone):
    """What the clock skips or repeats is refused; all other minutes are those of the calendar."""
    days = pd.date_range("2024-03-01", "2024-12-01", freq="17min").strftime("%Y-%m-%d %H:%M")
    text = "id,who,at,eur\n" + "".join(f"{i},a,{t},5\n" for i, t in enumerate(days))
    found = loaded(tmp_path, text, mapping(zone=zone))
    local = pd.DatetimeIndex(days).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    good = local.notna()
    assert good.sum() < len(days)
    assert found.report.rows_kept == good.sum()
    expected = dict(zip(pd.Index(range(len(days)))[good].astype(str), local[good], strict=True))
    assert {k: v for k, v in at(found).items() if v != expected[k]} == {}


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland", "UTC"])
@pytest.mark.parametrize("year", ["9999-12-31 23:59", "0001-01-01 00:00", "1901-01-01"])
def test_years_out_of_the_world(tmp_path, zone, year):
    """Refused as a moment to come or long gone, in every zone; the others stay."""
    found = loaded(tmp_path, f"id,who,at,eur\n1,a,{year},5\n2,a,2024-01-01,6\n", mapping(zone=zone))
    assert found.report.rows_kept == 1
    reason = "in the future" if year.startswith("9") else "before 1970"
    assert reasons(found) == {f"ordered_at: {reason}": 1}


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC"])
def test_a_time_format_knows_fractions(tmp_path, form):
    """With and without, in one column, and the zone it writes out is the zone."""
    text = "id,who,at,eur\n1,a,2026-01-05 10:00:00 UTC,5\n2,a,2026-01-05 10:01:00.5 UTC,5\n"
    found = at(loaded(tmp_path, text, mapping(time_format=form, zone="Asia/Tokyo")))
    assert found["1"] == pd.Timestamp("2026-01-05 10:00", tz="UTC")
    assert found["2"] == pd.Timestamp("2026-01-05 10:01:00.5", tz="UTC")


@pytest.mark.parametrize("form", ["%s", "%Q", "%Y-%m-%d %", "no directive", "%Y-%m"])
def test_a_time_format_is_checked(form):
    """Before any file is read."""
    with pytest.raises(InputError, match="time_format"):
        load.read_mapping(mapping(time_format=form))


def test_day_or_month_first_is_said_where_the_file_shows_it(tmp_path):
    """A thirteenth month does not exist: the form is named."""
    with pytest.raises(InputError, match="%m/%d/%Y"):
        loaded(tmp_path, "id,who,at,eur\n1,a,08/13/2019,5\n2,a,01/02/2019,5\n")
    with pytest.raises(InputError, match="%d-%m-%Y %H:%M"):
        loaded(tmp_path, "id,who,at,eur\n1,a,13-08-2019 10:00,5\n")


@pytest.mark.parametrize("name", ["0", "-1", "guest", "anonymous", "till 3"])
def test_a_placeholder_is_not_taken_for_a_customer_unsaid(tmp_path, name):
    """One customer with most orders is named, with the rule that leaves it out."""
    rows = [f"{i},{name},2026-01-{i % 28 + 1:02},20" for i in range(40)]
    rows += [f"{i},c{i},2026-01-{i % 28 + 1:02},20" for i in range(40, 60)]
    text = "id,who,at,eur\n" + "\n".join(rows) + "\n"
    found = loaded(tmp_path, text)
    (note,) = found.report.noticed
    assert (note.id, note.values["customer"]) == ("load.noticed_placeholder", name)
    rule = {"column": "who", "equals": name, "reason": "guest"}
    found = loaded(tmp_path, text, mapping(reject=[rule]))
    assert found["orders"]["customer_id"].nunique() == 20
    assert found.report.noticed == []


def test_spellings_of_one_word_are_said(tmp_path):
    """Addresses in two cases, channels in three: said, and made one by `ignore_case` only."""
    columns = {**COLUMNS, "channel": "via"}
    text = "id,who,at,eur,via\n1,Ann@x.nl,2026-01-01,5,Email\n2,ann@x.nl,2026-01-02,5,EMAIL\n"
    text += "3,bo@x.nl,2026-01-01,5,e  mail\n4,bo@x.nl,2026-01-02,5,e mail\n"
    found = loaded(tmp_path, text, mapping(columns=columns))
    assert found["orders"]["customer_id"].nunique() == 3
    assert [n.values["column"] for n in found.report.noticed] == ["customer_id", "channel"]
    told = mapping(columns=columns, ignore_case=["customer_id", "channel"])
    assert loaded(tmp_path, text, told)["orders"]["customer_id"].nunique() == 2


def test_ids_that_a_spreadsheet_spoilt_are_said(tmp_path):
    """7.0 beside 7, and rounded ids."""
    text = "id,who,at,eur\n1,7.0,2026-01-01,5\n2,7,2026-01-02,5\n"
    assert "noticed_point" in noticed(loaded(tmp_path, text))
    text = "id,who,at,eur\n1,1.23457E+11,2026-01-01,5\n2,1.23457E+11,2026-01-02,5\n"
    assert "noticed_digits" in noticed(loaded(tmp_path, text))
