"""A folder of one's own: made whole, worked in without a checkout, brought up to date unharmed."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from workbench import project
from workbench.cli import main
from workbench.errors import InputError
from workbench.reports import working_folder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as a wheel brings it, unpacked: nothing of the checkout beside it."""
    build = pytest.importorskip("hatchling.build")
    home = tmp_path_factory.mktemp("wheel")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        name = build.build_wheel(str(home))
    finally:
        os.chdir(before)
    zipfile.ZipFile(home / name).extractall(home / "site")
    return home / "site"


def command(installed, folder, *words):
    """Run `workbench …` in a folder, with the package of the wheel."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    for name in ("WORKBENCH_ROOT", "WORKBENCH_KEPT", "WORKBENCH_REJECTED"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-P", "-m", "workbench.cli", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_wheel_makes_a_folder_in_which_a_file_becomes_a_report(installed, tmp_path):
    """Own file → mapping → look → report, with nothing but what the wheel brought."""
    made = command(installed, tmp_path, "new", "shop")
    assert made.returncode == 0 and "cd shop" in made.stdout, made.stderr
    shop, sample = tmp_path / "shop", "data/samples/sample_shop.csv"
    guessed = command(installed, shop, "guess", sample, "--out", "mine.yml", "--zone", "UTC")
    assert guessed.returncode == 0, guessed.stderr
    mapping = "data/mappings/sample_shop.yml"
    looked = command(
        installed, shop, "check", sample, "--mapping", mapping, "--for", "30_retention"
    )
    assert looked.returncode == 0 and "workbench run 30_retention" in looked.stdout, looked.stderr
    ran = command(
        installed,
        shop,
        "run",
        "30_retention",
        "--quiet",
        "-p",
        f"sources={sample}",
        "-p",
        f"mapping={mapping}",
    )
    assert ran.returncode == 0, ran.stderr
    page = (shop / "reports" / "latest" / "30_retention" / "report.html").read_text()
    assert "sample_shop.csv" in page and str(tmp_path) not in page
    due = command(installed, shop, "schedule", "--dry-run", "--as-of", "2026-11-23T09:00")
    assert due.returncode == 0 and "retention-weekly" in due.stdout


def test_a_folder_speaks_the_language_it_was_made_in(tmp_path):
    """The Dutch folder has Dutch prose under the same names, and runs in Dutch by itself."""
    folder = working_folder.new(tmp_path / "winkel", "nl")
    book = nbformat.read(folder / "notebooks" / "30_retention.ipynb", 4)
    english = nbformat.read(ROOT / "notebooks" / "30_retention.ipynb", 4)
    prose = [c.source for c in book.cells if c.cell_type == "markdown"]
    assert not set(prose) & {c.source for c in english.cells if c.cell_type == "markdown"}
    (parameters,) = (c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    assert re.search(r'^language: .*= "nl"', parameters.source, re.MULTILINE)
    assert "Een map van" in (folder / "README.md").read_text()


def test_an_update_never_overwrites_what_somebody_changed(tmp_path, monkeypatch):
    """Untouched or only run: replaced by what is newer. Changed: kept and named. Removed: stays
    away. New: brought. A file of one's own is nobody's business.
    """
    folder = working_folder.new(tmp_path / "shop")
    assert working_folder.update(folder) == working_folder.Changes(), "nothing is newer"
    notebooks = folder / "notebooks"
    ran = nbformat.read(notebooks / "30_retention.ipynb", 4)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], 7
    nbformat.write(ran, notebooks / "30_retention.ipynb")
    changed = nbformat.read(notebooks / "31_when_do_they_leave.ipynb", 4)
    changed.cells.append(nbformat.v4.new_markdown_cell("My own conclusion."))
    nbformat.write(changed, notebooks / "31_when_do_they_leave.ipynb")
    (notebooks / "32_customer_value.ipynb").unlink()
    (notebooks / "99_mine.ipynb").write_text("{}")
    (notebooks / "33_loyalty_and_wallet.ipynb").write_text("not a notebook any more")
    (folder / "reports" / "schedule.yml").write_text("reports: []\n")
    contents = dict(working_folder._contents("en"))
    for name in list(contents):
        if name.startswith("notebooks/3"):
            book = json.loads(contents[name])
            book["cells"][0]["source"] = ["# A newer version"]
            contents[name] = json.dumps(book).encode()
    contents["data/mappings/added.yml"] = b"table: orders\n"
    monkeypatch.setattr(working_folder, "_contents", lambda language: contents)
    changes = working_folder.update(folder)
    assert set(changes.brought) == {
        "data/mappings/added.yml",
        "notebooks/30_retention.ipynb",
        "notebooks/34_buying_laws.ipynb",
        "notebooks/35_who_comes_back.ipynb",
    }
    assert changes.kept == [
        "notebooks/31_when_do_they_leave.ipynb",
        "notebooks/33_loyalty_and_wallet.ipynb",
    ]
    assert changes.removed == ["notebooks/32_customer_value.ipynb"]
    assert "My own conclusion." in (notebooks / "31_when_do_they_leave.ipynb").read_text()
    assert "newer version" in (notebooks / "30_retention.ipynb").read_text()
    assert (folder / "reports" / "schedule.yml").read_text() == "reports: []\n"
    assert not (notebooks / "32_customer_value.ipynb").exists()
    again = working_folder.update(folder)
    assert again.brought == [] and again.kept == changes.kept


def test_what_cannot_be_made_or_updated_is_one_line(tmp_path, monkeypatch, capsys):
    """A folder in use, a device, a file in the way, a folder nobody recorded, a broken record."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_ROOT", raising=False)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("x")
    for folder in ("used", "file", "/dev/null", "file/below", "/dev/null/below"):
        assert main(["new", folder]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "new:" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "used"]
    (tmp_path / "empty").mkdir()
    assert main(["new", "empty"]) == 0, "an empty folder may be filled"
    capsys.readouterr()
    monkeypatch.chdir(tmp_path / "empty")
    assert project.root() == tmp_path / "empty"
    (tmp_path / "empty" / ".workbench.json").write_text("{broken")
    assert main(["update"]) == 2 and "cannot be read" in capsys.readouterr().err
    with pytest.raises(InputError, match="git"):
        working_folder.update(ROOT)
