"""Reports when the machine is at fault: full disks, wrong clocks, killed processes, floods."""

import base64
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from workbench.cli import main
from workbench.errors import InputError, ReportFailed
from workbench.reports import execution, index, places, publish, render, theme
from workbench.reports.run import run, run_all


def notebook(home, name, *cells, parameters="n: int = 1"):
    """Write a notebook of code cells after one with parameters."""
    book = nbformat.v4.new_notebook()
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata["kernelspec"] = kernel
    book.cells = [nbformat.v4.new_code_cell(source) for source in (parameters, *cells)]
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, home / "notebooks" / f"{name}.ipynb")


def published(home, name="good", **more):
    """Publish a run that was built by hand."""
    building = publish.begin(name)
    (building.folder / "report.html").write_text("x")
    manifest = {"report": name, "status": "ok", "started": "2024-01-01T00:00:00+00:00"}
    return publish.finish(building, {**manifest, "parameters": {}, **more})


def test_the_newest_run_is_told_by_its_number(home, monkeypatch):
    """A clock set back by ten years, a lost counter, another report's runs: the last is newest."""
    first = published(home)

    class Back(publish.datetime.datetime):
        @classmethod
        def now(cls, zone=None):
            return cls(2014, 1, 1, tzinfo=zone)

    monkeypatch.setattr(publish.datetime, "datetime", Back)
    second = published(home)
    assert second.name < first.name and publish.latest("good")["folder"] == second
    assert (home / "reports/latest/good").resolve() == second
    published(home, "other")
    shutil.rmtree(home / "reports/.numbers")
    third = published(home, reason="a third")
    assert [m["number"] for m in publish.runs("good")] == [3, 2, 1]
    assert publish.latest("good")["folder"] == third


def test_reports_are_read_by_their_owner(home):
    """Nobody else on the machine looks into a run, or into the list of them."""
    folder = published(home)
    index.write()
    for private in (folder, folder.parent, home / "reports/runs", home / "reports/index.html"):
        assert private.stat().st_mode & 0o077 == 0, private


def test_a_full_disk_is_told_recorded_and_swept(home, monkeypatch):
    """Where and what to do; the failed run says so, takes no room, and the good one stays."""
    notebook(home, "page", "print(1)")
    good = run("page")

    def full(*args, **kwargs):
        (args[1].parent / "report.html").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(render, "write_html", full)
    with pytest.raises(ReportFailed, match="no room is left on the disk of reports/"):
        run("page")
    failed = publish.runs("page")[0]
    assert failed["status"] == "failed" and "reports/runs/" in failed["reason"]
    assert sorted(p.name for p in failed["folder"].iterdir()) == ["manifest.json"]
    assert publish.latest("page")["folder"] == good


def test_a_disk_too_full_for_the_reason_leaves_nothing(home, monkeypatch):
    """Then there is no run at all, and no half of one."""
    monkeypatch.setattr(Path, "write_text", _full)
    building = publish.begin("page")
    with pytest.raises(ReportFailed, match="no room"):
        publish.finish(building, {"report": "page", "status": "failed"})
    assert not list(home.glob("reports/.building-*"))
    assert not list(home.glob("reports/runs/page/*"))


def _full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_flood_of_print_is_cut_with_a_sentence(home, times):
    """A cell that prints megabytes: the report has its beginning, and says what it lacks."""
    notebook(home, "flood", f"for i in range({times}): print('x' * 1_000_000)", "print('after')")
    folder = run("flood")
    page = (folder / "report.html").read_text()
    assert len(page) < 2 * execution.MOST_PRINTED
    assert "What this cell printed after its first" in page and "after</pre>" in page.replace(
        "\n", ""
    )


KILLED = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(60)"


def test_a_killed_process_is_one_line_and_takes_no_other_with_it(home, capsys):
    """The command tells of it, and the reports beside it and after it are made."""
    notebook(home, "killed", KILLED)
    for name in "abc":
        notebook(home, name, "print(1)")
    assert main(["run", "killed", "a", "b", "c", "--quiet"]) == 1
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if "killed" in line]
    assert len(lines) == 1 and "its process was killed" in lines[0]
    assert "Traceback" not in said.err
    assert all(publish.latest(name) for name in "abc")


def test_a_killed_command_leaves_no_process(home):
    """Neither kernels, nor workers, nor what helps them, five seconds after."""
    mark = f"sleeping-{os.getpid()}-{time.monotonic_ns()}"
    notebook(home, "long", f"import time  # {mark}\ntime.sleep(600)", f"'{mark}'")
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "run", "long", "long", "--quiet"],
        env={**os.environ, "WORKBENCH_ROOT": str(home), "PYTHONPATH": str(project_of_tests())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    patience = time.monotonic() + 60
    while len(ours(home)) < 4 and time.monotonic() < patience:
        time.sleep(0.2)
    assert len(ours(home)) >= 4, "the command, its workers and a kernel are at work"
    process.send_signal(signal.SIGKILL)
    process.wait()
    patience = time.monotonic() + 5
    while ours(home) and time.monotonic() < patience:
        time.sleep(0.2)
    assert not ours(home)


def project_of_tests():
    """The folder of the package under test."""
    return Path(publish.__file__).parents[2]


def ours(home):
    """The processes whose environment names this project."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = f"WORKBENCH_ROOT={home}".encode() in (process / "environ").read_bytes()
            if here and (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(process.name)
        except OSError:
            continue
    return [p for p in found if p != str(os.getpid())]


PATHS = """
from pathlib import Path
from IPython.display import Markdown
display(Markdown(f"read from {Path.cwd()} and {source}"))
print(Path.cwd())
"""


def test_no_place_on_this_machine_is_told(home, tmp_path_factory):
    """Neither in the manifest, nor on the page, nor in the notebook; nor where a run failed."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "orders.csv"
    elsewhere.write_text("a\n1\n")
    notebook(home, "where", PATHS, parameters='source: str = "x"')
    notebook(home, "fails", "raise OSError(f'no {source}')", parameters='source: str = "x"')
    folder = run("where", {"source": str(elsewhere)})
    with pytest.raises(ReportFailed):
        run("fails", {"source": str(elsewhere)})
    for file in (home / "reports/runs").rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            assert str(home).encode() not in text and str(elsewhere.parent).encode() not in text
    assert json.loads((folder / "manifest.json").read_text())["parameters"]["source"] == (
        "…/orders.csv"
    )


def test_only_places_are_hidden(home):
    """A longer name that begins alike is another place; the project is told from its root."""
    assert places.hidden(f"{home}/data/x.csv and {home}er/y") == f"data/x.csv and {home}er/y"
    assert places.hidden("/products/12") == "/products/12"


def test_every_run_has_its_say(home):
    """What the pool returns stands beside its job, in order."""
    notebook(home, "a", "1")
    notebook(home, "b", "1 / 0")
    results = run_all([{"notebook": n} for n in "aba"], workers=2, progress=False)
    assert [error is None for _, _, error in results] == [True, False, True]
    assert [job["notebook"] for job, *_ in results] == list("aba")


def test_the_list_of_reports_is_short_and_local(home):
    """A reason of a thousand signs is cut, times are those of this place, runs can be filtered."""
    published(home)
    published(home, status="failed", reason="because " * 200, parameters={"x": "y" * 500})
    text = index.write().read_text()
    assert max(map(len, re.findall(r">([^<]*)<", text.partition("</style>")[2]))) <= 150
    assert '<time datetime="2024-01-01T00:00:00+00:00">' in text
    assert "tr.bad" in text and 'class="bad"' in text and 'type="radio"' in text


def test_a_theme_has_colours_and_a_logo(home):
    """They stand in the page; what would be no colour, or a file elsewhere, is refused."""
    file = home / "reports/theme/theme.yml"
    (file.parent / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    file.write_text('name: "A & <B>"\nlogo: logo.svg\nbrand: "#123456"\n')
    assert "--brand: #123456;" in theme.css()
    assert theme.colours() == {"brand": "#123456"}
    assert 'alt="A &amp; &lt;B&gt;"' in theme.logo() and "data:image/svg+xml" in theme.logo()
    for wrong in ("brand: red;} body{display:none", "logo: ../x.svg", "[a]", "size: 3", "a: b: c"):
        file.write_text(wrong)
        with pytest.raises(InputError, match="theme"):
            theme.css()
            theme.logo()


def test_the_colours_of_a_theme_reach_the_figures(home):
    """A report is drawn in them; a notebook opened by hand in ours."""
    (home / "reports/theme/theme.yml").write_text('brand: "#123456"\nink: "#0a0b0c"\n')
    drawn = """
from workbench import funnels
import pandas as pd
moments = pd.date_range("2024-01-01", periods=40, freq="D", tz="UTC")
e = pd.DataFrame({"customer_id": range(40), "occurred_at": moments, "event": "view"})
e.attrs["built_in"] = True
funnels.conversion(e, ["view", "order"], window="2D").figure()
"""
    notebook(home, "themed", drawn)
    page = (run("themed", {}) / "report.html").read_text()
    (picture,) = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page)
    svg = base64.b64decode(picture).decode()
    assert "#123456" in svg and "#0a0b0c" in svg and "#0b3c5d" not in svg
