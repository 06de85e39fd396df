"""Reports: parameters refused before a kernel starts, output proved whole, published in one move or
not at all.
"""

import datetime
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from workbench import project, reports
from workbench.cli import main
from workbench.errors import InputError, ReportFailed
from workbench.reports import index, publish, schedule
from workbench.reports.execution import verify
from workbench.reports.run import run, run_all

PARAMETERS = """from typing import Literal

n: int = 3  # how many
name: str = "x"
share: float = 0.5
day: "date | None" = None
window: "duration" = "30D"
language: Literal["en", "nl"] = "en"
deep: bool = False
spans: list["duration"] = ["30D", "90D"]
"""
# What a folder of a run holds where nothing more was asked for.
WHOLE = {"notebook.ipynb", "report.html", "summary.html", "manifest.json"}


def notebook(path, *cells, parameters=PARAMETERS):
    """Write a small notebook with a parameters cell and the given code cells."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    first = nbformat.v4.new_code_cell(parameters)
    first.metadata["tags"] = ["parameters"]
    book.cells = [first, *(nbformat.v4.new_code_cell(c) for c in cells)]
    for i, cell in enumerate(book.cells):
        cell["id"] = f"c{i}"
    nbformat.write(book, path)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of its own, with two small notebooks."""
    real = project.root()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    shutil.copytree(real / "reports" / "theme", tmp_path / "reports" / "theme")
    notebook(
        tmp_path / "notebooks" / "good.ipynb",
        "print('fine', n, day)",
        "from IPython.display import Markdown\nMarkdown('# Title of it')",
    )
    notebook(tmp_path / "notebooks" / "bad.ipynb", "print(1)", "1 / 0", "print(2)")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def manifests(home):
    """All published manifests."""
    return [json.loads(p.read_text()) for p in sorted(home.glob("reports/runs/*/*/manifest.json"))]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nn", "3", "Did you mean 'n'"),
        ("n", "many", "int is needed"),
        ("n", "1.5", "int is needed"),
        ("share", "half", "float"),
        ("deep", "maybe", "bool"),
        ("spans", "30", "durations"),
        ("spans", "", "at least one"),
        ("language", "de", "one of 'en', 'nl'"),
        ("day", "2024-02-31", "date"),
        ("window", "30", "duration"),
        ("n", None, "int"),
        ("api_key", "s3", "no parameter"),
    ],
)
def test_wrong_parameters_stop_before_the_kernel(home, name, value, message):
    """Unknown or ill-typed: exit code 2, nothing run, nothing published."""
    with pytest.raises(InputError, match=message):
        run("good", {name: value})
    assert not manifests(home)
    if value:
        assert main(["run", "good", "--quiet", "-p", f"{name}={value}"]) == 2
    assert not (home / "reports" / "runs").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("n = 3", "name: type = literal"),
        ("n: int = 1 + 1 * len('a')", "literal"),
        ("n: int = '3'", "int is needed"),
        ("n: Frame = 3", "unknown type"),
    ],
)
def test_a_parameters_cell_holds_typed_literals(home, source, message):
    """Anything else is refused when read."""
    notebook(home / "notebooks" / "odd.ipynb", "1", parameters=source)
    with pytest.raises(InputError, match=message):
        reports.read_parameters(home / "notebooks" / "odd.ipynb")


def test_exactly_one_parameters_cell(home):
    """None or two are refused."""
    path = home / "notebooks" / "good.ipynb"
    book = nbformat.read(path, 4)
    book.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)
    with pytest.raises(InputError, match="found 2"):
        reports.read_parameters(path)


def test_values_keep_their_type_and_dates_their_day(home):
    """'007' stays text, 3 becomes a number, relative dates count from the given day."""
    parameters = reports.read_parameters(home / "notebooks" / "good.ipynb")
    day = datetime.date(2024, 3, 15)
    values = reports.settle(
        parameters,
        {"name": "007", "n": "3", "share": "1", "deep": "yes", "day": "last_month_end"},
        "t",
        day,
    )
    assert (values["name"], values["n"], values["share"], values["deep"], values["day"]) == (
        "007",
        3,
        1.0,
        True,
        "2024-02-29",
    )
    assert reports.settle(parameters, {"day": ""}, "t")["day"] is None
    assert reports.settle(parameters, {"day": "last_month_start"}, "t", day)["day"] == "2024-02-01"


def test_secrets_are_refused(home):
    """They would be written into the report."""
    notebook(home / "notebooks" / "s.ipynb", "1", parameters='api_token: str = ""')
    with pytest.raises(InputError, match="secrets"):
        run("s", {"api_token": "x"})


def test_a_good_run_is_whole(home):
    """Notebook, page, manifest with parameters, versions and hashes; no path of this machine."""
    folder = run("good", {"n": "7", "day": "yesterday"}, as_of=datetime.date(2024, 5, 2))
    assert {p.name for p in folder.iterdir()} == WHOLE
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "ok"
    assert manifest["parameters"]["n"] == 7
    assert manifest["parameters"]["day"] == "2024-05-01"
    assert manifest["title"] == "Title of it" and manifest["as_of"] == "2024-05-02"
    assert set(manifest["outputs"]) == WHOLE - {"manifest.json"}
    assert "pandas" in manifest["packages"]
    for file in folder.iterdir():
        assert str(home) not in file.read_text() and str(Path.home()) not in file.read_text()
    page = (folder / "report.html").read_text()
    assert "fine 7 2024-05-01" in page
    assert "print(" not in page
    assert "<script" not in page
    assert "Content-Security-Policy" in page
    index = (home / "reports" / "index.html").read_text()
    assert "Title of it" in index and f"runs/good/{folder.name}/report.html" in index


FAILURES = {
    "error": ("1 / 0", "ZeroDivisionError"),
    "death of the kernel": (
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "DeadKernel|died",
    ),
    "time-out": ("import time; time.sleep(60)", "imeout|timed out"),
    "leaving early": ("import sys; sys.exit(0)", "SystemExit|never ran|died|Dead"),
    "leaving hard": ("import os; os._exit(0)", "DeadKernel|died"),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("last", [False, True])
def test_failures_never_look_like_success(home, name, last):
    """Error, kernel death, time-out, sys.exit, in the middle or in the last cell: failed, with the
    reason; the old report stays.
    """
    good = run("good")
    source, message = FAILURES[name]
    notebook(home / "notebooks" / "good.ipynb", *([source] if last else [source, "print('after')"]))
    with pytest.raises(ReportFailed, match=message):
        run("good", timeout=4)
    failed = [m for m in manifests(home) if m["status"] == "failed"]
    assert len(failed) == 1 and re.search(message, failed[0]["reason"])
    assert publish.latest("good")["folder"] == good
    index = (home / "reports" / "index.html").read_text()
    assert "Newest run failed" in index and f"runs/good/{good.name}/report.html" in index
    assert not list(home.glob("reports/runs/good/*-failed/report.html"))


def test_a_page_that_cannot_be_made_is_a_failure_too(home):
    """Without its style sheet there is no report, only a reason."""
    good = run("good")
    (home / "reports" / "theme" / "style.css").unlink()
    with pytest.raises(ReportFailed, match=r"style\.css"):
        run("good")
    assert publish.latest("good")["folder"] == good and len(manifests(home)) == 2


def test_a_stopped_notebook_is_found_out():
    """A cell without an execution count means the run broke off."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1", execution_count=1), nbformat.v4.new_code_cell("2")]
    )
    with pytest.raises(ReportFailed, match="cell 2 never ran"):
        verify(book)


def test_one_bad_report_does_not_stop_the_others(home, capsys):
    """Both run in parallel; the exit code tells that one failed."""
    assert main(["run", "good", "bad", "--quiet"]) == 1
    out = capsys.readouterr()
    assert "good: reports/runs/good" in out.out and "ZeroDivisionError" in out.err
    with pytest.raises(InputError, match="Did you mean 'good'"):
        run_all([{"notebook": "good"}, {"notebook": "goood"}])


ATTACKS = """
from IPython.display import HTML, Markdown
import pandas as pd
evil = "<script>alert(1)</script><img src=x onerror=alert(2)><iframe src='https://example.org'></iframe>"
link = "<a href='javascript:alert(3)'>x</a><form action='/x'><input></form>"
display(HTML(evil), Markdown(evil), pd.DataFrame({"a": [evil]}), HTML(link))
print(evil)
"""


def test_data_never_become_active_content(home):
    """Scripts, handlers, frames, forms and script links do not survive in the page."""
    notebook(home / "notebooks" / "evil.ipynb", ATTACKS)
    page = (run("evil", {"name": "<script>alert(9)</script>"}) / "report.html").read_text()

    class Tags(HTMLParser):
        """Collects tags and attributes."""

        seen, handlers, links = set(), [], []

        def handle_starttag(self, tag, attrs):
            """Note a tag."""
            self.seen.add(tag)
            self.handlers += [k for k, _ in attrs if k.startswith("on")]
            self.links += [v for k, v in attrs if k in ("href", "src", "action") and v]

    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "iframe", "form", "input", "object", "embed"}
    assert not tags.handlers
    assert all(link.startswith(("#", "data:", "http")) for link in tags.links)
    assert "alert(1)" in page, "the text itself stays readable"


def test_names_are_no_paths(home):
    """A report name cannot climb out of its folder."""
    folder = run("good", name="../../etc/passwd")
    assert folder.parent.parent == home / "reports" / "runs" and ".." not in folder.parent.name


def check_intact(home, good):
    """The good report is as it was; the index can be read and links only to what is there; no
    half-written run is published.
    """
    for name, digest in good["outputs"].items():
        assert publish._sha256(Path(good["folder"]) / name) == digest
    assert publish.latest("good")["status"] == "ok"
    index = (home / "reports" / "index.html").read_text()
    assert index.startswith("<!DOCTYPE html>") and index.endswith("</html>")
    for link in re.findall(r'href="([^"]+)"', index):
        assert (home / "reports" / link).is_file(), link
    for folder in home.glob("reports/runs/*/*"):
        manifest = json.loads((folder / "manifest.json").read_text())
        for name, digest in manifest["outputs"].items():
            assert publish._sha256(folder / name) == digest


LOOP = """
import sys
from workbench.reports import publish, index
while True:
    b = publish.begin("good")
    for name in ("notebook.ipynb", "report.html"):
        (b.folder / name).write_text("x" * 200_000)
    publish.finish(b, {"report": "good", "status": "ok", "started": "2024", "parameters": {}})
    index.write()
"""


@pytest.mark.parametrize("kills", [18, pytest.param(60, marks=pytest.mark.slow)])
def test_killing_at_any_moment_leaves_report_and_index_intact(home, kills):
    """Of six kills five come while publishing without pause, one while a notebook runs. After each,
    everything published is whole.
    """
    rng = random.Random(1)
    run("good")
    good = publish.latest("good")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for kill in range(kills):
        whole_run = kill % 6 == 5
        command = (
            [sys.executable, "-m", "workbench.cli", "run", "good", "--quiet"]
            if whole_run
            else [sys.executable, "-c", LOOP]
        )
        process = subprocess.Popen(
            command,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.2, 5) if whole_run else rng.uniform(0.15, 0.6))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        check_intact(home, good)
        if len(list((home / "reports/runs/good").iterdir())) > 30:
            for old in sorted((home / "reports/runs/good").iterdir())[1:-5]:
                shutil.rmtree(old)
            index.write()
    run("good")
    check_intact(home, good)
    # The last killed run's kernel may live on for a moment, and write.
    patience = time.monotonic() + 30
    while list(home.glob("reports/.building-*")) and time.monotonic() < patience:
        time.sleep(0.5)
        publish.sweep_killed()
    assert not list(home.glob("reports/.building-*")), "what killed runs left is swept away"


SCHEDULE = """
reports:
  - {name: daily, notebook: good, every: day, at: "06:00", zone: Europe/Amsterdam,
     parameters: {day: yesterday}}
  - {name: weekly, notebook: good, every: week, day: wednesday, at: "07:30",
     parameters: {n: 4, day: today}}
  - {name: monthly, notebook: good, every: month, day: 25, parameters: {day: last_month_end}}
"""


def test_one_simulated_week(home, capsys):
    """Seven mornings, one of them missed: what is due runs once, with the dates of its slot;
    nothing runs twice.
    """
    (home / "reports" / "schedule.yml").write_text(SCHEDULE)
    done = {}
    for day in (
        "2026-11-20",
        "2026-11-21",
        "2026-11-22",
        "2026-11-24",
        "2026-11-25",
        "2026-11-26",
    ):  # the 23rd is missed
        assert main(["schedule", "--as-of", f"{day}T08:00"]) == 0
        done[day] = sorted(re.findall(r"done: (\w+)", capsys.readouterr().out))
        assert main(["schedule", "--as-of", f"{day}T09:00"]) == 0
        assert "nothing is due" in capsys.readouterr().out
    # The first morning makes up the latest missed slot of each; later ones only what is new.
    assert done == {
        "2026-11-20": ["daily", "monthly", "weekly"],
        "2026-11-21": ["daily"],
        "2026-11-22": ["daily"],
        "2026-11-24": ["daily"],
        "2026-11-25": ["daily", "monthly", "weekly"],
        "2026-11-26": ["daily"],
    }
    days = {(m["report"], m["slot"][:10]): m["parameters"]["day"] for m in manifests(home)}
    assert days["daily", "2026-11-24"] == "2026-11-23"
    assert days["weekly", "2026-11-25"] == "2026-11-25"
    assert days["monthly", "2026-11-25"] == "2026-10-31"
    assert days["monthly", "2026-10-25"] == "2026-09-30"
    assert ("daily", "2026-11-23") not in days


def test_the_exit_code_tells_what_happened(home, capsys):
    """0 done, 1 failed, 2 bad input, 75 already running; a failed report stays due."""
    path = home / "reports" / "schedule.yml"
    path.write_text('reports: [{name: a, notebook: bad, every: day, at: "06:00"}]')
    assert main(["schedule", "--as-of", "2026-11-21T08:00"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err, (
        "cron mails what is printed on the error channel"
    )
    assert main(["schedule", "--dry-run", "--as-of", "2026-11-21T08:00"]) == 0
    assert "due: a" in capsys.readouterr().out
    assert [main(["schedule", "--as-of", "2026-11-21T08:00"]) for _ in range(3)] == [
        1,
        1,
        0,
    ], "after three tries the slot is left alone"
    capsys.readouterr()
    with publish.only_one():
        assert main(["schedule", "--as-of", "2026-11-21T08:00"]) == 75
    assert "another scheduled run" in capsys.readouterr().err
    path.write_text("reports: [{name: a, notebook: goood, every: day}]")
    assert main(["schedule"]) == 2 and "Did you mean 'good'" in capsys.readouterr().err
    path.unlink()
    assert main(["schedule"]) == 2


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: a, notebook: good}", "1: `every:` is needed"),
        ("{name: a, notebook: good, every: hour}", "every"),
        ("{name: a, notebook: good, every: week, day: mon}", "Did you mean 'monday'"),
        ("{name: a, notebook: good, every: month, day: 31}", "1 to 28"),
        ("{name: a, notebook: good, every: day, at: six}", "06:00"),
        ("{name: a, notebook: good, every: day, at: 17:00}", "in quotes"),
        ("{name: a, notebook: good, every: day, day: monday}", "takes no"),
        ("{name: a, notebook: 5, every: day}", "a text is needed"),
        ("{name: a, notebook: good, every: day, parameters: [n]}", "block of"),
        ("{name: a, notebook: good, every: day, zone: Mars}", "zone"),
        ("{name: a, notebook: good, every: day, parameters: {nn: 1}}", "Did you mean 'n'"),
        ("{name: a, notebook: good, every: day, on: 1}", "key"),
    ],
)
def test_a_wrong_schedule_is_refused(home, entry, message):
    """Each mistake is named with its entry."""
    (home / "reports" / "schedule.yml").write_text(f"reports: [{entry}]")
    with pytest.raises(InputError, match=message):
        schedule.read_schedule()


@pytest.mark.parametrize("text", ["report: []", "- a", "", "reports: 5"])
def test_a_schedule_is_one_list_of_reports(home, text):
    """A misspelt key must not look like nothing to do."""
    (home / "reports" / "schedule.yml").write_text(text)
    with pytest.raises(InputError, match="reports"):
        schedule.read_schedule()


def test_exercises_are_no_part_of_a_report(home):
    """A cell tagged exercise is not run: it must not fail a report, nor appear in it."""
    path = home / "notebooks" / "good.ipynb"
    book = nbformat.read(path, 4)
    book.cells.append(nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["exercise"]}, id="ex"))
    nbformat.write(book, path)
    folder = run("good")
    assert "1 / 0" not in (folder / "notebook.ipynb").read_text()
    assert {p.name for p in folder.iterdir()} == WHOLE


def test_the_readme_path_works_on_the_sample_shop(tmp_path, monkeypatch):
    """Own data in five minutes: the sample has under half a year, so one section says why it is
    empty and the rest stands.
    """
    shutil.copytree(
        project.root(),
        tmp_path / "p",
        ignore=shutil.ignore_patterns(".*", "runs", "cache", "tests", "workbench"),
    )
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path / "p"))
    folder = run(
        "30_retention",
        {
            "sources": "data/samples/sample_shop.csv",
            "mapping": "data/mappings/sample_shop.yml",
            "language": "nl",
        },
    )
    page = (folder / "report.html").read_text()
    assert "Hier niet beantwoord" in page
    assert "Hoeveel klanten komen binnen een vaste termijn terug?" in page
    assert "2023-12-01" not in page
    assert "huishoudens in het panel" not in page and "geen klant" in page


def test_inputs_are_in_the_manifest(home):
    """The file a report read, with its hash and rows."""
    (home / "data.csv").write_text("id,who,at,eur\n1,a,2024-01-01,5\n")
    source = (
        "from workbench import load\nloaded = load.file('data.csv', {'table': 'orders', 'columns':"
        " {'order_id': 'id', 'customer_id': 'who', 'ordered_at': 'at', 'amount':"
        " 'eur'}})\nprint(loaded.report.rows_kept)"
    )
    notebook(home / "notebooks" / "reads.ipynb", source)
    manifest = json.loads((run("reads") / "manifest.json").read_text())
    assert manifest["inputs"][0]["file"] == "data.csv" and manifest["inputs"][0]["rows"] == 1


def test_outside_a_project_the_command_says_so(tmp_path, monkeypatch, capsys):
    """No notebooks folder here or above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_ROOT", raising=False)
    assert main(["list"]) == 2 and "not inside a workbench project" in capsys.readouterr().err


def test_controls_run_an_analysis_anew():
    """Moving a control or the order of the table changes what is shown; too few data are said, not
    thrown.
    """
    from workbench import journeys, reports, simulate

    box = reports.explore(
        journeys.paths, simulate.market(200, seed=1)["events"], steps=(1, 4), top=[3, 5]
    )
    controls = {w.description: w for row in box.children[:2] for w in row.children}
    assert "path" in controls["sort by"].options
    controls["steps"].value, controls["top"].value = 3, 5
    controls["sort by"].value = "count"
    controls["largest first"].value = False
    assert (
        reports.explore(journeys.paths, simulate.market(200, seed=1)["events"].head(0), top=[3])
        is not None
    )
