"""The documentation site: it builds without a warning, and what it names is there."""

import importlib
import inspect
import re
import subprocess
import sys

import pytest

from workbench import project

ROOT = project.root()
COMING_FROM = sorted((ROOT / "docs" / "coming-from").glob("*.md"))


def test_the_site_builds_without_a_warning(tmp_path):
    """Every page, notebook and docstring is read, every link resolved; a warning is an error."""
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
    command = [sys.executable, str(ROOT / "docs" / "build.py"), "dummy", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", COMING_FROM, ids=lambda p: p.stem)
def test_what_coming_from_names_is_there(path):
    """`room.function` and `function(…, option=…)` in the second column exist as they are spelt."""
    rows = [
        line.split(" | ") for line in path.read_text(encoding="utf-8").splitlines() if " | " in line
    ]
    named = [name for row in rows[2:] for name in re.findall(r"`([a-z_]+\.[a-z_]+)[(`]", row[1])]
    assert len(named) >= 10
    for name in named:
        room, function = name.split(".")
        assert function in importlib.import_module(f"workbench.{room}").__all__, name
    for name, options in re.findall(r"`([a-z_]+\.[a-z_]+)\(([^)]*)\)", path.read_text("utf-8")):
        room, function = name.split(".")
        code = getattr(importlib.import_module(f"workbench.{room}"), function)
        known = inspect.signature(code).parameters
        assert set(re.findall(r"(\w+)=", options)) <= set(known), name
