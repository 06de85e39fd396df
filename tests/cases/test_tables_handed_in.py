"""A table handed in, of whatever kind and with whatever types, gives the answer pandas gives."""

import inspect
import itertools
from functools import cache

import numpy as np
import pandas as pd
from calls import CALLS, ROOMS

from workbench import engine
from workbench.results import Result

# What takes no table of rows: fits and results, numbers, sentences, names.
NO_TABLE = {
    *("attribution.entry_points", "attribution.markov", "attribution.rules"),
    *("attribution.shapley", "attribution.sources", "choice.compare_rules"),
    *("choice.willingness_to_pay", "clv.compare_published", "conjoint.best_worst_design"),
    *("conjoint.choice_design", "conjoint.importance", "conjoint.worth"),
    *("experiments.beside_planted", "experiments.e_value", "experiments.sample_size"),
    *("journeys.channel", "journeys.parse_utm", "loyalty.nbd", "prediction.calibration"),
    *("retention.mean_curve", "stages.crosswalk", "stages.relabel", "stages.taxonomy"),
    "stages.world_score",
}
PEOPLE = ("customer_id", "respondent_id", "device_id", "session_id", "order_id", "choice_id")
# Names that stand inside our own statements and tables.
OURS = ("customer", "t", "k", "day", "x", "y", "n", "count", "estimate", "who", "row", "word")
# There every column of the user's is an attribute, or a column of its own in the result.
EVERY_COLUMN = {"conjoint", "drivers.wide", "journeys.assign_channels", "journeys.identify"}


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
    """Return ids as whole numbers, the same in every table, in the order of their names."""
    counter, known = numbers(column)
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
    if isinstance(value, np.ndarray):
        return [pd.DataFrame({"x": value.ravel()})]
    return told(dict(vars(value))) if hasattr(value, "__dict__") else [str(value)]


def assert_same(found, wanted):
    """Compare what two calls said."""
    for a, b in zip(told(found), told(wanted), strict=True):
        if isinstance(b, str):
            assert a == b
        else:
            pd.testing.assert_frame_equal(
                a, b, check_dtype=False, check_categorical=False, rtol=1e-7, atol=1e-9
            )
