"""Numbers, moments, text and delimiters in the ways that shops, books and machines write them."""

import pytest
from door_helpers import loaded

from workbench import load
from workbench.errors import InputError

MAPPING = {
    "table": "orders",
    "zone": "UTC",
    "columns": {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "amount"},
}
HEAD = "id;who;at;amount\n"


def _table(tmp_path, *, amounts=(), times=(), **more):
    rows = [(a, "2025-01-05 10:00:00") for a in amounts] or [("5.00", t) for t in times]
    text = HEAD + "".join(f"{i};c{i};{t};{a}\n" for i, (a, t) in enumerate(rows, 1))
    return loaded(tmp_path, text, {**MAPPING, **more})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["12.50", "(3.00)", "(€ 7.25)"], [12.5, -3.0, -7.25]),
        (["1.212,50", "3,00-", "7,25 -"], [1212.5, -3.0, -7.25]),
        (["-€12.50", "€-3.00", "€ 7.25-"], [-12.5, -3.0, -7.25]),
        (["−5.00", "–6.00", "﹣7.00"], [-5.0, -6.0, -7.0]),
        (["12,-", "3,50", "€ 100,--"], [12.0, 3.5, 100.0]),
        (["12,50 euro", "3,00 Euro", "EUR 7,25"], [12.5, 3.0, 7.25]),
        (["12.50 eur", "3.00 EUR", "7.25 Eur"], [12.5, 3.0, 7.25]),
        (["1,23,456.50", "12,345.00", "99.00"], [123456.5, 12345.0, 99.0]),
        (["1 212,50", "12\u202f345\u202f678,90", "3,00"], [1212.5, 12345678.9, 3.0]),
        (["1'212.50", "12’345.90", "3.00"], [1212.5, 12345.9, 3.0]),
    ],
)
def test_amounts_of_books_and_shops(tmp_path, written, meant):
    """A minus behind or in brackets, no cents, words and codes of money, thousands as elsewhere."""
    found = _table(tmp_path, amounts=written, negative="keep")
    assert found["orders"]["amount"].tolist() == meant
    assert found.report.rows_kept == found.report.rows_in == 3


def test_what_is_given_back_in_brackets_is_negative(tmp_path):
    """It is refused for that, and not as something that is no number."""
    report = _table(tmp_path, amounts=["12.50", "(3.00)", "3.00-"]).report
    assert report.table[["reason", "rows"]].values.tolist() == [["amount: negative", 2]]


@pytest.mark.parametrize("written", [["10%", "25%"], ["2 pcs", "3 pcs"]])
def test_numbers_that_all_carry_something(tmp_path, written):
    """The error shows one, and the key that takes the number does."""
    with pytest.raises(InputError, match="first_number"):
        _table(tmp_path, amounts=written)
    columns = {**MAPPING["columns"], "amount": {"first_number": "amount"}}
    found = _table(tmp_path, amounts=written, columns=columns)
    assert found["orders"]["amount"].tolist() == [float(w.rstrip("% pcs")) for w in written]


@pytest.mark.parametrize(
    ("label", "decimal", "meant"),
    [
        ("1.250,50 stuks", None, 1250.5),
        ("1,250.50 pcs", None, 1250.5),
        ("10 - Extremely likely", None, 10.0),
        ("12,5 procent", None, 12.5),
        ("1.250 stuks", ",", 1250.0),
        ("1.250 pcs", ".", 1.25),
        ("1.250 stuks", None, "a fraction or thousands"),
        ("1,2,3", None, "not a number"),
    ],
)
def test_the_first_number_of_a_label_is_a_whole_one(tmp_path, label, decimal, meant):
    """Not its beginning up to the first point; what stays open is refused by name."""
    columns = {**MAPPING["columns"], "amount": {"first_number": "amount"}}
    read = {"read": {"decimal": decimal}} if decimal else {}
    found = _table(tmp_path, amounts=[label, "7 x"], columns=columns, **read)
    if isinstance(meant, float):
        assert found["orders"]["amount"].tolist() == [meant, 7.0]
    else:
        assert found.report.table["reason"].tolist() == [f"amount: {meant}"]


def test_numbers_beyond_what_a_number_holds_are_said(tmp_path):
    """Amounts are floats, which hold fifteen digits; ids are not."""
    found = _table(tmp_path, amounts=["9007199254740993", "5"])
    assert [n.id for n in found.report.noticed] == ["load.noticed_precise"]


@pytest.mark.parametrize(
    ("written", "form", "meant"),
    [
        ("5 januari 2025", "%d %B %Y", "2025-01-05 00:00"),
        ("12 maart 2025 14:00", "%d %B %Y %H:%M", "2025-03-12 14:00"),
        ("05-mrt-2025", "%d-%b-%Y", "2025-03-05 00:00"),
        ("12. März 2025", "%d. %B %Y", "2025-03-12 00:00"),
        ("1 déc. 2025", "%d %b %Y", "2025-12-01 00:00"),
        ("12 août 2025", "%d %B %Y", "2025-08-12 00:00"),
        ("05JAN2025:14:30:00", "%d%b%Y:%H:%M:%S", "2025-01-05 14:30"),
        ("05JAN2025", "%d%b%Y", "2025-01-05 00:00"),
        ("Jan 5, 2025", "%b %d, %Y", "2025-01-05 00:00"),
        ("2025-W03-1", "%G-W%V-%u", "2025-01-13 00:00"),
        ("2025-003", "%Y-%j", "2025-01-03 00:00"),
        ("20250105143000", "%Y%m%d%H%M%S", "2025-01-05 14:30"),
        ("2025-01-05 01:30:00 PM", "%Y-%m-%d %I:%M:%S %p", "2025-01-05 13:30"),
        ("01/25/2025 12:05 AM", "%m/%d/%Y %I:%M %p", "2025-01-25 00:05"),
        ("05/Jan/2025:10:00:00 +0100", "%d/%b/%Y:%H:%M:%S %z", "2025-01-05 09:00"),
        ("Sun, 05 Jan 2025 10:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z", "2025-01-05 09:00"),
        ("2025.01.05", "%Y.%m.%d", "2025-01-05 00:00"),
        ("2025-01-05 10u30", "%Y-%m-%d %Hu%M", "2025-01-05 10:30"),
    ],
)
def test_the_form_of_a_moment_is_proposed_and_reads_it(tmp_path, written, form, meant):
    """Months of other languages, weeks, clocks of twelve hours, logs of servers, SAS."""
    try:
        found = _table(tmp_path, times=[written])
    except InputError as error:
        proposed = str(error).partition("time_format: '")[2].partition("'")[0]
        assert proposed.replace("%B", "%b") == form.replace("%B", "%b"), error
        found = _table(tmp_path, times=[written], time_format=form)
    assert f"{found['orders']['ordered_at'][0]:%Y-%m-%d %H:%M}" == meant


def test_dots_in_the_halves_of_a_day(tmp_path):
    """A.m. and p.m. are AM and PM."""
    form = "%m/%d/%Y %I:%M %p"
    found = _table(
        tmp_path, times=["01/25/2025 1:30 p.m.", "01/26/2025 12:05 A.M."], time_format=form
    )
    assert found["orders"]["ordered_at"].dt.hour.tolist() == [13, 0]


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        (["2025-01-05 10:00:00 CET", "2025-07-05 10:00:00 CEST"], [9, 8]),
        (["2025-01-05 10:00:00 EST", "2025-07-05 10:00:00 PDT"], [15, 17]),
        (["2025-01-05 10:00:00 Europe/Amsterdam", "2025-07-05 10:00:00 America/New_York"], [9, 14]),
        (["2025-01-05T10:00:00+01:00[Europe/Amsterdam]", "2025-07-05T10:00:00Z[Etc/UTC]"], [9, 10]),
    ],
)
def test_zones_by_name(tmp_path, written, hours):
    """Clocks that are one place's alone, and zones of the calendar, one a row."""
    assert _table(tmp_path, times=written)["orders"]["ordered_at"].dt.hour.tolist() == hours


def test_an_hour_that_a_named_zone_repeats_is_refused(tmp_path):
    """As one of the mapping's zone is; a zone that does not exist is an error."""
    times = ["2025-10-26 02:30:00 Europe/Amsterdam", "2025-10-26 03:30:00 Europe/Amsterdam"]
    found = _table(tmp_path, times=times)
    assert found.report.table["reason"].tolist() == [
        "ordered_at: the clock change makes this time ambiguous or impossible"
    ]
    with pytest.raises(InputError, match="no time zone name"):
        _table(tmp_path, times=["2025-10-26 02:30:00 Europe/Amsterdm"])


def _bytes(tmp_path, data, **more):
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    return load.file(path, {**MAPPING, **more})


TEXT = HEAD + "1;zoë;2025-01-05;5.50\n2;łódź;2025-01-06;6.25\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_wide_characters_with_a_mark_or_without(tmp_path, encoding):
    """Every other byte a zero is UTF-16, though no mark says so."""
    found = _bytes(tmp_path, TEXT.encode(encoding))
    assert found["orders"]["customer_id"].tolist() == ["zoë", "łódź"]


@pytest.mark.parametrize("encoding", ["cp1250", "mac-roman", "cp850", "iso8859-2", "cp1252"])
def test_an_encoding_that_is_assumed_is_said_with_a_word(tmp_path, encoding):
    """The word shows whether the assumption holds, the key settles it."""
    data = TEXT.replace("łódź", "café").encode(encoding)
    (note,) = _bytes(tmp_path, data).report.noticed
    assert note.id == "load.noticed_encoding"
    assert note.values == {"word": "zoë".encode(encoding).decode("cp1252"), "line": 2}
    found = _bytes(tmp_path, data, read={"encoding": encoding})
    assert found["orders"]["customer_id"].tolist() == ["zoë", "café"]
    assert found.report.noticed == []


def test_two_encodings_in_one_file_are_an_error(tmp_path):
    """Read as Windows Western, what is UTF-8 would change."""
    data = TEXT.encode() + "3;café;2025-01-07;7\n".encode("cp1252")
    with pytest.raises(InputError, match=r"two encodings.*line 4"):
        _bytes(tmp_path, data)


@pytest.mark.parametrize("delimiter", "^~: §\x1f")
def test_any_delimiter_is_proposed(tmp_path, delimiter):
    """Where the names sought lie between a sign, it is the delimiter."""
    data = TEXT.replace(";", delimiter).encode()
    with pytest.raises(InputError, match="its delimiter is probably"):
        _bytes(tmp_path, data)
    found = _bytes(tmp_path, data, read={"delimiter": delimiter})
    assert found.report.rows_kept == 2


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep = ;", "\ufeffSEP=;"])
def test_a_first_line_that_names_the_delimiter(tmp_path, first):
    """In quotes and with blanks too."""
    assert _bytes(tmp_path, f"{first}\n{TEXT}".encode()).report.rows_kept == 2


@pytest.mark.parametrize(
    ("above", "lines"),
    [("# made by X\n# 2025\n", 2), ("Orders\nperiod;january\n\n", 3), ('"Orders\nall";x\n', 2)],
)
def test_lines_above_the_header_are_counted(tmp_path, above, lines):
    """Lines of the file, not records: a title may hold a line break."""
    with pytest.raises(InputError, match=rf"skip_rows: {lines}\}}"):
        _bytes(tmp_path, (above + TEXT).encode())
    found = _bytes(tmp_path, (above + TEXT).encode(), read={"skip_rows": lines})
    assert found.report.rows_kept == 2


def test_blanks_around_names_are_none_of_them(tmp_path):
    """Unless two names differ in nothing else."""
    data = TEXT.replace("id;who;at;amount", " id ; who;at ;\u00a0amount").encode()
    assert _bytes(tmp_path, data).report.rows_kept == 2


def test_marks_without_width_make_no_customers(tmp_path):
    """They are blanks; and a letter with its accent apart is said to be another way of writing."""
    rows = ["a", "a\u200b", "\u200ea", "zo\u00eb", "zoe\u0308"]
    text = HEAD + "".join(f"{i};{who};2025-01-05;5\n" for i, who in enumerate(rows))
    found = loaded(tmp_path, text, MAPPING)
    assert found["orders"]["customer_id"].nunique() == 3
    assert "load.noticed_case" in [n.id for n in found.report.noticed]
