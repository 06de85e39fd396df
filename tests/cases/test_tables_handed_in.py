"""A table handed in, of whatever kind and with whatever types, gives the answer pandas gives."""

import inspect
import itertools
from functools import cache

import numpy as np
import pandas as pd
import pytest
from calls import CALLS, ROOMS

from workbench import engine
from workbench.results import Result

# What takes no table of rows: fits and results, numbers, sentences, names.
NO_TABLE = {
    *("attribution.entry_points", "attribution.markov", "attribution.heuristics"),
    *("attribution.shapley", "attribution.sources", "choice.compare_rules"),
    *("choice.willingness_to_pay", "clv.compare_published", "conjoint.best_worst_design"),
    *("conjoint.choice_design", "conjoint.importance", "conjoint.willingness_to_pay"),
    *("experiments.compare_with_planted", "experiments.e_value", "experiments.sample_size"),
    "segments.follow",
    *("journeys.channel", "journeys.parse_utm", "loyalty.nbd", "prediction.calibration"),
    *("retention.mean_curve", "stages.crosswalk", "stages.relabel", "stages.taxonomy"),
    *("stages.contrast_in_market", "stages.world_score", "surveys.answers_needed"),
    *("experiments.compare_designs", "experiments.grade_with_checks", "experiments.power"),
    *("influence.sensitivities", "segments.holidays"),
}
PEOPLE = ("customer_id", "respondent_id", "device_id", "session_id", "order_id", "choice_id")
# Names that stand inside our own statements and tables.
OURS = ("customer", "t", "k", "day", "x", "y", "n", "count", "estimate", "who", "row", "word")
# There every column of the user's is an attribute, or a column of its own in the result.
EVERY_COLUMN = ("conjoint", "drivers.pivot_survey", "stages.logistic_gee")
# A verb that gives the user's own columns back as they came, clocks too.
AS_THEY_CAME = ("voice.mask",)
HEAVY = {
    *(
        "attribution.marketing_mix",
        "clv.bg_nbd",
        "clv.by_frequency",
        "clv.holdout",
        "drivers.structural",
    ),
    *("stages.purchase_propensity", "stages.fit_latent"),
}


def functions():
    """Yield the name and the function of everything public."""
    for room in ROOMS:
        for name in room.__all__:
            function = getattr(room, name)
            if inspect.isfunction(function):
                yield f"{room.__name__.split('.')[-1]}.{name}", function


TAKES = {name: function.takes for name, function in functions() if hasattr(function, "takes")}


def test_every_public_function_with_a_table_stands_behind_the_gate():
    """A new function says which of its arguments are tables, and is under the laws below."""
    public = dict(functions())
    assert {n for n in public if n not in TAKES} == NO_TABLE
    assert set(TAKES) <= set(CALLS), set(TAKES) - set(CALLS)
    for name in TAKES:
        given = {n for n, v in plain(name).items() if isinstance(v, pd.DataFrame)}
        assert given <= set(TAKES[name]), f"{name}: {given - set(TAKES[name])} pass the gate by"


@cache
def numbers(column):
    """Give every id ever met in a column a whole number of four digits."""
    return itertools.count(1000), {}


def numbered(values, column):
    """Return ids as whole numbers, the same in every table, in the order of their names; whoever
    answers is a customer too.
    """
    counter, known = numbers("customer_id" if column == "respondent_id" else column)
    for value in sorted({str(v) for v in values if v == v and v is not None} - set(known)):
        known[value] = next(counter)
    return [known[str(v)] if v == v and v is not None else None for v in values]


def plain(name):
    """Return the arguments of a call, as the registry gives them."""
    return CALLS[name].arguments()


@cache
def expected(name):
    """What a function says of ordinary pandas tables whose ids are whole numbers."""
    return outcome(name, lambda frame, place: frame)


def outcome(name, change):
    """Call a function with every table changed; an error is an outcome too."""
    made, place = {}, 0
    for key, value in plain(name).items():
        if isinstance(value, pd.DataFrame) and key in TAKES[name]:
            ids = {c: numbered(value[c], c) for c in PEOPLE if c in value}
            made[key] = change(value.assign(**ids), place)
            place += 1
        else:
            made[key] = value
    if isinstance(made.get("by"), pd.Series) and made["by"].index.dtype.kind in "OU":
        made["by"] = made["by"].set_axis(numbered(made["by"].index, "customer_id"))
    if "asked" in made:  # customers named beside the tables
        made["asked"] = numbered(made["asked"], "customer_id")
    return CALLS[name].function(**made)


def nano(frame):
    """Return moments in nanoseconds with a zone: other clocks for the same moments."""
    found = frame.copy()
    for column in found.select_dtypes(["datetime", "datetimetz"]):
        values = found[column].dt.as_unit("ns")
        values = values if values.dt.tz is not None else values.dt.tz_localize("UTC")
        found[column] = values.dt.tz_convert("Europe/Amsterdam")
    return found


def hostile(frame, place):
    """Return a table as a reader that can be read once: other types, other clocks, more columns."""
    import pyarrow as pa

    found = nano(frame)
    for column in set(PEOPLE) & set(found):
        # A null makes whole numbers floats in pandas; another table has them as text.
        found[column] = found[column].astype(float) if place == 0 else engine.written(found[column])
    words = [c for c in found if isinstance(found[c].dtype, pd.StringDtype)]
    found = found.astype(dict.fromkeys(words, "category"))
    return pa.Table.from_pandas(found, preserve_index=False).to_reader()


def ours(frame):
    """Return a table with columns named like our own."""
    names = [n for n in OURS if n not in frame]
    return frame.assign(**{n: ["user's", "7"][i % 2] for i, n in enumerate(names)})


def listed(names, heavy=HEAVY):
    """Return names as parameters of a test, those that take long marked so."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in heavy else n for n in names]


@pytest.mark.parametrize("name", listed(TAKES))
def test_a_hostile_table_gives_what_pandas_gives(name):
    """Read once, in nanoseconds of another zone, ids as fractions here and as text there, words as
    categories, and columns named like ours: the answer is the same.
    """

    def change(frame, place):
        return hostile(frame if name.startswith(EVERY_COLUMN) else ours(frame), place)

    found, wanted = outcome(name, change), expected(name)
    if name in AS_THEY_CAME:
        wanted = nano(wanted)
    assert_same(found, wanted)


def nothing(frame, place):
    """Return a table with rows that have no id: an empty text, NaN, null."""
    if "customer_id" not in frame or place:
        return frame
    ids = engine.written(frame["customer_id"])
    more = frame.iloc[[0, 1, 2]].assign(customer_id=["", np.nan, None])
    return pd.concat([frame.assign(customer_id=ids), more], ignore_index=True)


# A verb keeps every row, and a visit of nobody known is a visit; in barriers events of one moment
# have no order yet.
OTHERS = (
    *("journeys.assign_channels", "journeys.tagging", "stages.barriers", "loyalty.two_periods"),
    "interests.categorised",
)
WALKED = [
    n for n in TAKES if TAKES[n][0] in ("events", "orders", "lines") and not n.startswith(OTHERS)
]


@pytest.mark.parametrize("name", listed(WALKED))
def test_rows_without_an_id_are_nobody(name):
    """They change nothing, and how many they are is said."""
    found = outcome(name, nothing)
    assert_same(found, expected(name))
    if isinstance(found, Result):
        left = found.facts[found.facts["id"] == "engine.left_out_missing"]
        assert (left.loc[left["name"] == "n", "value"] == 3).any(), found.limits


def told(value):
    """Return the tables of what a function returns, ids as they are written."""
    if isinstance(value, Exception):
        return [f"{type(value).__name__}: {value}"]
    if isinstance(value, Result):
        return told(value.table)
    if isinstance(value, pd.DataFrame):
        ids = {c: engine.written(value[c]) for c in PEOPLE if c in value}
        return [value.assign(**ids)]
    if isinstance(value, dict):
        return [t for v in value.values() for t in told(v)]
    if isinstance(value, pd.Index) or getattr(value, "ndim", 0) == 1:
        return [pd.DataFrame({"x": engine.written(value)})]
    if isinstance(value, np.ndarray):
        return [pd.DataFrame({"x": value.ravel()})]
    if not hasattr(value, "__dict__"):
        return [str(value)]
    return told({n: v for n, v in vars(value).items() if n != "attrs"})


def assert_same(found, wanted):
    """Compare what two calls said."""
    for a, b in zip(told(found), told(wanted), strict=True):
        if isinstance(b, str):
            assert a == b
        else:
            pd.testing.assert_frame_equal(
                a[list(b)], b, check_dtype=False, check_categorical=False, rtol=1e-7, atol=1e-9
            )


KINDS = ("polars", "lazy", "arrow", "batch", "path", "folder", "glob", "relation", "arrow types")
KINDS += ("nullable", "categories")


def turned(frame, kind, folder):
    """Return a table as another kind of table."""
    import duckdb
    import polars
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = frame.reset_index(drop=True)
    arrow = pa.Table.from_pandas(nano(frame), preserve_index=False)
    if kind in ("polars", "lazy"):
        table = polars.from_pandas(frame)
        return table.lazy() if kind == "lazy" else table
    if kind == "arrow":
        return arrow
    if kind == "batch":
        return arrow.combine_chunks().to_batches()[0] if len(arrow) else arrow
    if kind == "arrow types":
        return frame.convert_dtypes(dtype_backend="pyarrow")
    if kind == "nullable":
        return frame.convert_dtypes()
    if kind == "categories":
        words = [c for c in frame if isinstance(frame[c].dtype, pd.StringDtype)]
        return frame.astype(dict.fromkeys(words, "category"))
    place = folder / str(len(list(folder.iterdir())))
    place.mkdir()
    pq.write_table(arrow, place / "part.parquet")
    relation = duckdb.connect().read_parquet(str(place / "part.parquet"))
    return {
        "path": str(place / "part.parquet"),
        "folder": place,
        "glob": str(place / "*.parquet"),
        "relation": relation,
    }[kind]


FEW = ("funnels.conversion", "retention.engagement", "journeys.tagging", "clv.customers")
FEW += ("drivers.regression", "retention.survival_curves", "choice.conditional_logit")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FEW)
def test_every_kind_of_table_gives_what_pandas_gives(name, kind, tmp_path):
    """One function of each way of reading, every kind of table."""
    found = outcome(name, lambda frame, place: turned(frame, kind, tmp_path))
    assert_same(found, expected(name))


# What stands beside the columns of a summary is lost in polars; in barriers events of one moment
# have no order yet.
BESIDE = ("clv.", "loyalty.rfm_segments", "stages.barriers")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [n for n in TAKES if not n.startswith(BESIDE)])
def test_every_function_takes_every_kind_of_table(name, kind, tmp_path):
    """Every function, every kind of table."""
    found = outcome(name, lambda frame, place: turned(frame, kind, tmp_path))
    assert_same(found, expected(name))


@pytest.mark.spark
@pytest.mark.parametrize("name", FEW)
def test_spark_gives_what_pandas_gives(name, to_spark):
    """Functions that walk histories where they are, and functions that bring the table in."""
    assert_same(outcome(name, lambda frame, place: to_spark(frame)), expected(name))


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("name", [n for n in TAKES if not n.startswith(BESIDE)])
def test_every_function_takes_a_table_in_spark(name, to_spark):
    """Every function answers as it does on pandas."""
    assert_same(outcome(name, lambda frame, place: to_spark(frame)), expected(name))
