"""What the tests share: a Spark session where there is a Java, and small visible tables."""

import os
import shutil
import sys
import tempfile
import warnings

import pandas as pd
import pytest
from hypothesis import settings

from workbench import project

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
if "WORKBENCH_KEPT" not in os.environ:
    # Tables that tests load are kept among themselves, not among the user's.
    _KEPT = tempfile.TemporaryDirectory(prefix="workbench-kept-")
    os.environ["WORKBENCH_KEPT"] = _KEPT.name
    os.environ.setdefault("WORKBENCH_REJECTED", f"{_KEPT.name}/rejected")
# The same examples on every run; `make verify` looks at others, and at more of them.
THOROUGH = int(os.environ.get("THOROUGH", 1))
settings.register_profile("same", derandomize=THOROUGH == 1, deadline=None)
settings.load_profile("same")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project of its own, with the look of reports and no notebook yet."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    shutil.copytree(project.root() / "reports" / "theme", tmp_path / "reports" / "theme")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pytest_collection_modifyitems(items):
    """Tests of one file stay together where several run at once, and all that need Spark: one Java
    machine serves them.
    """
    for item in items:
        needs = {"spark", "to_spark"} & set(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.xdist_group("spark" if needs else str(item.path)))


@pytest.fixture(scope="session")
def spark():
    """A local Spark with two threads; without Java a named skip, unless REQUIRE_SPARK=1."""
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        if os.environ.get("REQUIRE_SPARK") == "1":
            pytest.fail("REQUIRE_SPARK=1, but there is no Java")
        pytest.skip("no Java: the tests on Spark are skipped")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        # A session zone that is not UTC, so that nothing can lean on it by accident.
        session = (
            SparkSession.builder.master("local[2]")
            .appName("workbench-tests")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.ui.enabled", "false")
            # Tables of a few hundred rows are done before a second compiler or a plan that adapts
            # would pay.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.log.level", "ERROR")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
            .getOrCreate()
        )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def to_spark(spark, tmp_path_factory):
    """A function that hands a pandas table to Spark through Parquet, types kept."""

    def convert(frame):
        path = tmp_path_factory.mktemp("spark") / "table.parquet"
        frame.to_parquet(path, coerce_timestamps="us", allow_truncated_timestamps=True)
        return spark.read.parquet(str(path))

    return convert


def log(rows, unit="h"):
    """Make an events table from (customer, time in hours, event[, more]) rows."""
    columns = ["customer_id", "hours", "event", "group", "held"]
    frame = pd.DataFrame([list(r) for r in rows], columns=columns[: max(map(len, rows), default=3)])
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame.pop("hours"), unit=unit)
    frame.insert(1, "occurred_at", at.astype("datetime64[us]"))
    return frame


def same(a, b, **options):
    """Assert that two result tables are equal: integers exactly, floats to 1e-9."""
    pd.testing.assert_frame_equal(
        a, b, check_exact=False, rtol=1e-9, atol=1e-9, **{"check_dtype": False, **options}
    )
