"""Nobody is given away: not by name, not by a small number, not by subtracting numbers."""

import io
import re
import shutil
import zipfile

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from workbench import project
from workbench.display import tables
from workbench.display.withholding import answer_of, withheld_rows
from workbench.notes import Note
from workbench.reports.run import run
from workbench.results import Result

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}")
NOTEBOOKS = sorted(
    p for p in (project.root() / "notebooks").glob("*.ipynb") if not p.stem.endswith(".nl")
)


def shown_tables(book):
    """The tables in the outputs of a notebook: per table its columns of numbers as texts."""
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            markup = output.get("data", {}).get("text/html", "")
            for table in BeautifulSoup(markup, "html.parser").find_all("table"):
                head = [th.get_text() for th in table.find("tr").find_all("th")]
                rows = [[td.get_text() for td in tr.find_all("td")] for tr in table.find_all("tr")]
                yield pd.DataFrame([row for row in rows if len(row) == len(head)], columns=head)


def recovered(column):
    """What taking the shown rows from the largest gives for the one that is withheld, or None."""
    few = column.str.startswith("<10")
    numbers = pd.to_numeric(column[~few].str.replace(",", ""), errors="coerce").dropna()
    if few.sum() != 1 or len(numbers) < 2 or len(numbers) + 1 < len(column):
        return None
    left = numbers.max() - (numbers.sum() - numbers.max())
    return left if 0 < left < 10 else None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_withheld_number_comes_back_by_subtraction(path):
    """In every table of every default report: a total less the rows shown is no small number."""
    for table in shown_tables(nbformat.read(path, 4)):
        for name in {"n", "customers", "households", "people", "respondents"} & set(table.columns):
            column = table[name]
            if isinstance(column, pd.Series):
                assert recovered(column) is None, table


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_outputs_hold_no_address(path):
    """Neither in a table, nor in a sentence, nor in what was printed."""
    for cell in nbformat.read(path, 4).cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            texts = [data.get("text/html", ""), data.get("text/plain", ""), output.get("text", "")]
            assert not ADDRESS.search("".join(texts))


def test_a_total_does_not_tell_a_withheld_group():
    """Of three groups and their total one is small: a second one is withheld with it."""
    table = pd.DataFrame({"group": ["all", "a", "b", "few"], "n": [124, 80, 40, 4]})
    table["estimate"] = 0.5
    assert withheld_rows(table).tolist() == [False, False, True, True]
    assert tables.shown(table)["n"].tolist() == ["124", "80", "–", "<10"]
    free = table.assign(n=[200, 80, 40, 4])
    assert withheld_rows(free).tolist() == [False, False, False, True], "nothing adds up"
    nested = pd.concat([table.assign(step="x"), table.assign(step="y", n=[90, 50, 40, 20])])
    assert withheld_rows(nested.reset_index(drop=True)).sum() == 2


def result(count, n, **marks):
    """A Result with one share."""
    table = pd.DataFrame({"group": ["a"], "count": [count], "n": [n], "estimate": [count / n]})
    answer = Note("demo.a", "{count} of {n} ({share:%}).", count=count, n=n, share=count / n)
    return Result(
        question="q", table=table, method="m", unit="customers", n=n, answer=answer, **marks
    )


@pytest.mark.parametrize(("count", "few"), [(0, False), (3, True), (50, False), (97, True)])
def test_few_who_have_it_or_lack_it_are_withheld_in_a_report(count, few, monkeypatch, tmp_path):
    """Own data only: the rows, the sentence and the workbook; public data have nobody to guard."""
    own = result(count, 100)
    assert not withheld_rows(own.table).any()
    monkeypatch.setenv("WORKBENCH_TABLES", str(tmp_path / "log"))
    assert withheld_rows(own.table).tolist() == [few]
    assert ("Too few" in str(answer_of(own))) == few
    shown = tables.result_html(own)
    assert (f">{count}<" not in shown or count == 0) == few or count == 0
    public = result(count, 100, built_in=True)
    public.table.attrs["built_in"] = True
    assert not withheld_rows(public.table).any() and "Too few" not in str(answer_of(public))


PLANTED = """
from workbench import retention, funnels, journeys, load, loyalty, reports
import pandas as pd
orders = pd.read_csv(source, parse_dates=["ordered_at"])
found = retention.repeat_rate(orders, windows=["30D"])
display(found.figure(), found, retention.purchase_frequency(orders))
display(orders.head(), loyalty.rfm(orders))
print(orders.tail())
display(reports.table(orders.head(3), "clv.best"))
orders
"""


def test_planted_addresses_are_in_no_file_of_a_report(tmp_path, monkeypatch):
    """Orders of people with addresses as their ids: page, notebook, workbook, manifest."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    shutil.copytree(project.root() / "reports" / "theme", tmp_path / "reports" / "theme")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    orders = pd.DataFrame({"order_id": range(400)})
    orders["customer_id"] = [f"anna.{i}@voorbeeld.nl" for i in rng.integers(0, 90, 400)]
    orders["ordered_at"] = pd.date_range("2024-01-01", periods=400, freq="18h", tz="UTC")
    orders["amount"] = 10.0
    orders.to_csv(tmp_path / "orders.csv", index=False)
    book = nbformat.v4.new_notebook()
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata["kernelspec"] = kernel
    first = nbformat.v4.new_code_cell('source: str = "x"')
    first.metadata["tags"] = ["parameters"]
    book.cells = [first, nbformat.v4.new_code_cell(PLANTED)]
    nbformat.write(book, tmp_path / "notebooks" / "people.ipynb")
    folder = run("people", {"source": str(tmp_path / "orders.csv")})
    files = [p for p in folder.iterdir() if p.is_file()]
    assert {"report.html", "notebook.ipynb", "tables.xlsx"} <= {p.name for p in files}
    for file in files:
        assert not ADDRESS.search(everything_in(file)), file.name


def everything_in(file):
    """The text of a file, and of the files within it."""
    data = file.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


def test_a_step_of_few_is_withheld_on_every_basis(monkeypatch, tmp_path):
    """Of 300 who entered 53 came to a step and 50 to the next: that 3 were lost there is told by
    the shares of all who entered too, so these are withheld as well.
    """
    monkeypatch.setenv("WORKBENCH_TABLES", str(tmp_path / "log"))
    rows = [("entry", 1, 300, 300), ("entry", 2, 53, 300), ("entry", 3, 50, 300)]
    rows += [("previous", 2, 53, 300), ("previous", 3, 50, 53)]
    table = pd.DataFrame(rows, columns=["basis", "step_number", "count", "n"])
    table["estimate"] = table["count"] / table["n"]
    assert withheld_rows(table).tolist() == [False, False, True, False, True]
