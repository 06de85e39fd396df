"""Text files as people and programs write them: quotes, line breaks, separators, encodings."""

import csv
import io

import pytest
from door_helpers import accounted, loaded, mapping, noticed, reasons, written
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench import load
from workbench.errors import DataError, InputError
from workbench.load import census, read_mapping
from workbench.load.guessing import guess
from workbench.load.preflight import Look

HEAD = "id,who,at,eur,note\n"
TEXTS = {"table": "texts", "zone": "UTC"}
TEXT_COLUMNS = {"text_id": "id", "text": "review", "created_at": "at"}


def rows(n, note="x"):
    """Ordinary rows."""
    return "".join(f"{i},c{i},2024-01-0{i % 9 + 1},5,{note}\n" for i in range(1, n + 1))


@pytest.mark.parametrize(
    "review",
    [
        "Nice, but\nthe lid, sadly, broke",
        "Nice, but\nthe lid, broke",
        "one\ntwo\nthree",
        "a,b\nc,d\ne,f",
        'he said "no",\nthen, "yes"',
        "\n\nbegins with breaks",
        "ends, with\r\none",
        "1,2\n3,4",
    ],
)
def test_texts_over_several_lines_are_texts(tmp_path, review):
    """Every quotation mark is closed, so nothing is refused, whatever the lines look like."""
    out = io.StringIO()
    table = [("1", review, "2026-01-05"), ("2", "Fine", "2026-01-06"), ("3", "So", "2026-01-07")]
    csv.writer(out, lineterminator="\n").writerows([("id", "review", "at"), *table])
    found = loaded(tmp_path, out.getvalue(), {**TEXTS, "columns": TEXT_COLUMNS})
    assert found["texts"]["text"].tolist()[1:] == ["Fine", "So"]
    assert found["texts"]["text"].iloc[0] == review.strip()
    assert found.report.rows_in == 3


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('100,"c1,2024-01-01,5,x\n101,c2",2024-01-01,6,x\n', 12),
        ('100,"c1,2024-01-01,5,x\n101,c2,2024-01-01,6,x\n102,c3",2024-02-02,7,x\n', 12),
        ('100,c1,2024-01-01,5,"12 inch\n101,c2,2024-01-01,6,x\n', 12),
        ('100,c1,2024-01-01,5,"x" y\n', 12),
    ],
)
def test_a_quote_that_is_open_is_named(tmp_path, broken, line):
    """Two open quotes, one, and one closed in the middle: an error that names the line and the key,
    never fewer rows.
    """
    with pytest.raises(InputError, match=f"line {line} ") as caught:
        loaded(tmp_path, HEAD + rows(10) + broken)
    assert "quote: none" in str(caught.value)


def test_a_file_that_quotes_nothing(tmp_path):
    """Inch marks and marks around a word stand as they are, in tabs without being told, else with
    the key.
    """
    lines = 'id\twho\tat\teur\tnote\n1\ta\t2026-01-01\t5\t12" pan\n2\tb\t2026-01-02\t6\tcup\n'
    columns = {**mapping()["columns"], "channel": "note"}
    told = mapping(columns=columns)
    found = loaded(tmp_path, lines + '3\tc\t2026-01-03\t7\t"Best" cup\n', told, "a.tsv")
    assert found["orders"]["channel"].tolist() == ['12" pan', "cup", '"Best" cup']
    assert "noticed_no_quotes" in noticed(found)
    commas = lines.replace("\t", ",") + '3,c,2026-01-03,7,"Best" cup\n'
    with pytest.raises(InputError, match="quote: none"):
        loaded(tmp_path, commas, told)
    found = loaded(tmp_path, commas, {**told, "read": {"quote": "none"}})
    assert found["orders"]["channel"].tolist() == ['12" pan', "cup", '"Best" cup']
    single = "id,who,at,eur,note\n1,a,2026-01-01,5,'x, y'\n"
    found = loaded(tmp_path, single, {**told, "read": {"quote": "'"}})
    assert found["orders"]["channel"].tolist() == ["x, y"]


@pytest.mark.parametrize("sign", [";", ",", "|", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_first_line_may_name_the_separator(tmp_path, sign, end):
    """What office programs write; line numbers stay those of an editor."""
    text = f"sep={sign}\nid,who,at,eur\n1,a,2026-01-01,5.5\n2,,2026-01-02,7\n"
    text = text.replace(",", sign).replace("\n", end) if sign != "," else text.replace("\n", end)
    found = loaded(tmp_path, text)
    assert found["orders"]["amount"].tolist() == [5.5]
    assert found.report.rejected["_line"].tolist() == [4]


def test_when_no_line_fits_the_reasons_are_told(tmp_path):
    """No line has the header's number of fields: the error shows why, and where."""
    with pytest.raises(DataError) as caught:
        loaded(tmp_path, "Report of May\n" + HEAD + rows(3))
    assert "5 fields instead of 1" in str(caught.value)


def test_a_header_over_several_lines(tmp_path):
    """Its breaks belong to the name; the rows below are all there, with their lines."""
    text = 'id,who,at,"eur\ntotal","no\nte"\n1,a,2024-01-01,5,x\n2,,2024-01-02,6,x\n'
    told = mapping(columns={**mapping()["columns"], "amount": "eur\ntotal"})
    found = loaded(tmp_path, text, told)
    assert (found.report.rows_in, found.report.rows_kept) == (2, 1)
    assert found.report.rejected["_line"].tolist() == [5]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp850", "utf-32"]
)
def test_any_encoding_and_line_end(tmp_path, encoding, end):
    """Found where it can be, named where not."""
    text = "id;who;at;eur\n1;é;2024-01-01;5\n2;ü;2024-01-02;6\n".replace("\n", end)
    told = mapping(read={"encoding": encoding} if encoding in ("cp850", "utf-16-le") else {})
    found = loaded(tmp_path, text, told, encoding=encoding)
    assert found["orders"]["customer_id"].tolist() == ["é", "ü"]


def test_lines_of_an_editor_behind_blank_broken_and_long_ones(tmp_path):
    """Blank lines, lines that are no rows and values over several lines move what comes after."""
    text = 'id,who,at,eur,note\n1,a,2024-01-01,5,x\n\n2,b\n3,,2024-01-01,5,"x\ny\nz"\n4,,bad,5,x\n'
    found = loaded(tmp_path, text)
    lines = dict(zip(found.report.rejected["_line"], found.report.rejected["_reason"], strict=True))
    assert lines == {
        4: "2 fields instead of 5",
        5: "customer_id: missing",
        8: "ordered_at: not a time",
    }
    assert accounted(found)


def test_fields_of_any_length(tmp_path):
    """Three million letters in one field, and lone carriage returns within a row."""
    long = "x" * 3_000_000
    found = loaded(tmp_path, HEAD + f"1,a,2024-01-01,5,{long}\n2,b,2024-01-02,6,y\n")
    assert found.report.rows_kept == 2
    found = loaded(
        tmp_path, HEAD + "1,a,2024-01-01,5,x\r2,b,2024-01-02,6,y\r\n3,c,2024-01-03,7,z\n"
    )
    assert found.report.rows_kept == 3


def test_a_row_with_zero_bytes_is_an_error_wherever_it_stands(tmp_path):
    """Not only in the first lines."""
    with pytest.raises(InputError, match="zero bytes"):
        loaded(tmp_path, HEAD + rows(3000) + "x\0,c,2024-01-01,5,x\n")


CELL = st.text(st.sampled_from("ab1,;\"\n\r '|é"), max_size=6)


@settings(max_examples=20)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
@example([("", "", ""), ("", "", "\r\r")], csv.QUOTE_MINIMAL, "\n")
@example([("", "", ""), ("", "", "\r")], csv.QUOTE_MINIMAL, "\n")
def test_rows_in_are_those_of_an_independent_reader(tmp_path_factory, table, quoting, end):
    """Whatever stands in the cells: the rows counted are those Python's csv reads but for blank
    lines, or the file is refused; Python writes a lone carriage return bare, and reads two rows.
    """
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, lineterminator=end)
    writer.writerow(["k", "a", "b", "c", "at"])
    for i, row in enumerate(table):
        writer.writerow([f"k{i}", *row, "2024-01-01"])
    path = written(tmp_path_factory.mktemp("csv"), out.getvalue())
    told = {"table": "events", "zone": "UTC", "columns": {"customer_id": "k", "occurred_at": "at"}}
    told["columns"]["event"] = {"value": "x"}
    try:
        found = load.file(path, told)
    except InputError:
        return
    read = [row for row in csv.reader(io.StringIO(out.getvalue(), newline="")) if row]
    assert found.report.rows_in == len(read) - 1
    assert sum(reasons(found).values()) == sum(len(row) != 5 for row in read)


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12),
    st.integers(1, 40),
)
def test_the_count_does_not_depend_on_where_the_file_is_cut(table, size):
    """Chunks of any size give the records that Python's csv gives."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    text = out.getvalue()
    counter = census._Counter(b",", b'"', census.Shapes(",", 2, [None, None]))
    rest, data = b"", text.encode()
    for start in range(0, len(data), size):
        rest = counter.take(rest + data[start : start + size])
        if not counter.census.regular:
            return
    assert not rest
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert counter.census.records == len(expected)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "above", ["", "{e}", "{e}{e} {e}", "sep=,{e}", "sep=,{e}{e}", "{e}sep=,{e}", "\ufeff{e}"]
)
def test_blank_lines_may_stand_above_the_header(tmp_path, above, end):
    """Whatever ends a line, and every row is read."""
    text = above.format(e=end) + f"id,who,at,eur{end}1,a,2024-01-01,5{end}2,b,2024-01-02,6{end}"
    found = loaded(tmp_path, text)
    assert found["orders"]["amount"].tolist() == [5, 6] and found.report.rows_in == 2


@pytest.mark.parametrize("name", ["two\rlines", "two\r\nlines", "two\nlines", "a\r\rb"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_name_may_run_over_lines(tmp_path, name, rows):
    """No row is taken for a part of the header."""
    text = f'id,who,at,eur,"{name}"\n'
    text += "".join(f"{i},a,2024-01-0{i},5,\n" for i in range(1, rows + 1))
    found = loaded(tmp_path, text)
    assert found.report.rows_in == found.report.rows_kept == rows
    assert found.report.rejected.empty


def test_a_look_at_lone_returns_is_no_traceback(tmp_path):
    """Of `guess` and of a look before reading."""
    path = written(tmp_path, "id,who,at,eur\n1,a\rb,2024-01-01,5\n2,b,2024-01-02,6\n")
    assert guess(path)
    Look(path, read_mapping(mapping())).check_columns()
    path = written(tmp_path, "id,who,at,eur\n1," + "a" * 200_000 + ",2024-01-01,5\n")
    assert guess(path)
