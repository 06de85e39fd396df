"""What changes or hides values in workbooks, JSON, Parquet and packed files; files under another
name.
"""

import datetime as dt
import gzip
import uuid
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from door_helpers import COLUMNS, loaded, mapping, noticed, reasons, written

from workbench import load
from workbench.errors import InputError

MOMENT = dt.datetime(2025, 1, 5, 10)
ROWS = [(1, "a", MOMENT, 5.5), (2, "b", MOMENT, 6.0), (3, "c", MOMENT, 7.25)]
_COLUMNS = list(zip(*ROWS, strict=True))
TEXT = "id,who,at,eur\n1,a,2025-01-05,5.50\n2,b,2025-01-06,6\n"


def workbook(tmp_path, edit):
    """A sheet of three orders, changed."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(COLUMNS.values()))
    for row in ROWS:
        sheet.append(row)
    edit(sheet)
    book.save(tmp_path / "f.xlsx")
    return tmp_path / "f.xlsx"


def test_hidden_rows_are_read_and_said(tmp_path):
    """A filter hides rows and takes none away."""

    def hide(sheet):
        sheet.row_dimensions[3].hidden = True

    found = load.file(workbook(tmp_path, hide), mapping())
    assert found.report.rows_kept == 3
    assert noticed(found) == {"noticed_hidden_rows"}


@pytest.mark.parametrize("cell", ["B3", "D3"])
def test_a_cell_with_an_error_is_said(tmp_path, cell):
    """It counts as empty, in ids and in numbers."""

    def spoil(sheet):
        sheet[cell] = "#REF!"
        sheet[cell].data_type = "e"

    found = load.file(workbook(tmp_path, spoil), mapping())
    assert list(reasons(found).values()) == [1]
    assert noticed(found) == {"noticed_errors"}


def test_a_sheet_of_formulas_without_values_says_so_though_no_row_is_left(tmp_path):
    """And what settles it."""

    def compute(sheet):
        for row in (2, 3, 4):
            sheet[f"D{row}"] = "=1+5"

    with pytest.raises(InputError, match=r"3 formulas.*multiply"):
        load.file(workbook(tmp_path, compute), mapping())


def test_days_from_1904_on_are_the_same_days(tmp_path):
    """Of workbooks that a Macintosh began."""
    calendar = pytest.importorskip("openpyxl.utils.datetime").CALENDAR_MAC_1904
    path = workbook(tmp_path, lambda sheet: setattr(sheet.parent, "epoch", calendar))
    assert set(load.file(path, mapping())["orders"]["ordered_at"].dt.year) == {2025}


def test_a_key_that_stands_twice_in_an_object_is_said(tmp_path):
    """The last value counts, as elsewhere; in lines and in an array."""
    one = '{"id": 1, "who": "a", "who": "z", "at": "2025-01-05", "eur": 5}'
    for name, text in (("f.jsonl", one + "\n"), ("f.json", f"[{one}]")):
        found = loaded(tmp_path, text, name=name)
        assert found["orders"]["customer_id"].tolist() == ["z"]
        assert noticed(found) == {"noticed_key_twice"}


def parquet(tmp_path, **columns):
    """A Parquet file of three orders with other columns."""
    whole = {name: list(values) for name, values in zip(COLUMNS.values(), _COLUMNS, strict=True)}
    pq.write_table(pa.table({**whole, **columns}), tmp_path / "f.parquet")
    return load.file(tmp_path / "f.parquet", mapping())


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Amsterdam"])
def test_moments_of_any_unit_with_a_zone_or_without(tmp_path, unit, zone):
    """Nanoseconds with a zone are what other writers make by default."""
    times = pa.array([MOMENT] * 3, pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"))
    times = times.cast(pa.timestamp(unit, zone)) if zone else times.cast(pa.timestamp(unit))
    found = parquet(tmp_path, at=times)
    assert found["orders"]["ordered_at"].dt.hour.tolist() == [10] * 3


def test_bytes_that_are_text_by_chance_are_bytes(tmp_path):
    """An id of sixteen bytes is no text, though each of them could be a letter."""
    ids = pa.array([uuid.UUID(int=i).bytes for i in (1, 2)] + [b"plain text 12345"], pa.binary(16))
    found = parquet(tmp_path, who=ids)
    assert reasons(found) == {"who: bytes, no text": 2}


def test_what_a_program_leaves_in_a_zip_is_no_file_of_it(tmp_path):
    """Folders of a Macintosh and files of settings."""
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        for name in (
            "data/orders.csv",
            "__MACOSX/data/._orders.csv",
            "data/.DS_Store",
            "Thumbs.db",
        ):
            archive.writestr(
                name, TEXT if name.endswith("orders.csv") and "._" not in name else "x"
            )
    assert load.file(tmp_path / "f.zip", mapping()).report.rows_kept == 2


def test_several_packed_parts_after_one_another_are_one_file(tmp_path):
    """As logs are put together."""
    data = gzip.compress(TEXT.encode(), mtime=0) + gzip.compress(b"3,c,2025-01-07,7\n")
    path = written(tmp_path, data, "f.csv.gz")
    assert load.file(path, mapping()).report.rows_kept == 3


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("f.xlsx", TEXT.encode(), "content is csv"),
        ("f.xls", TEXT.replace(",", "\t").encode(), "content is csv"),
        ("f.xls", b"<html><table><tr><td>id</td></tr></table>", "holds html"),
        ("f.xls", b'<?xml version="1.0"?><Workbook/>', "holds html"),
        ("f.csv", b"PAR1" + b"\0" * 20, "content is parquet"),
        ("f.csv", b"%PDF-1.4\n%\xe2\xe3", "holds pdf"),
        ("f.jsonl", b"SQLite format 3\0", "content is database"),
        ("f.csv", gzip.compress(TEXT.encode(), mtime=0), "holds gzip"),
    ],
)
def test_a_file_under_another_name_is_told_by_what_it_holds(tmp_path, name, data, said):
    """Exports called .xls are often pages or lists with tabs."""
    with pytest.raises(InputError, match=said):
        load.file(written(tmp_path, data, name), mapping())
