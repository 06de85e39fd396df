"""Names that do not occur, that are no text, that are ours too, and that look like a path."""

import numpy as np
import pandas as pd
import pytest
from calls import EVENTS, ORDERS, SHOP, SURVEYS

import workbench
from workbench import attribution, drivers, engine, funnels, journeys, names, retention, stages
from workbench.display import speaking
from workbench.errors import InputError, NotEnoughData

STEPS = ["p", "q", "r"]
SHORT = {"window": "9h"}
NEVER = {
    "last step": lambda: funnels.conversion(EVENTS, ["p", "q", "order"], **SHORT),
    "exclude": lambda: funnels.conversion(EVENTS, STEPS, exclude=["order"], **SHORT),
    "drop_off": lambda: funnels.drop_off(EVENTS, ["p", "order"], **SHORT),
    "time_to_convert": lambda: funnels.time_to_convert(EVENTS, ["p", "order"], **SHORT),
    "compare_groups": lambda: funnels.compare_groups(EVENTS, ["p", "order"], by="group", **SHORT),
    "compare_orders": lambda: funnels.compare_orders(EVENTS, ["p", "order"], **SHORT),
    "compare_entry": lambda: funnels.compare_entry(EVENTS, ["p", "order"], **SHORT),
    "compare_definitions": lambda: funnels.compare_definitions(EVENTS, ["p", "order"], **SHORT),
    "reach": lambda: stages.reach(
        stages.episodes(EVENTS, ["p", "q", "order"], gap="9h"), ["p", "q", "order"]
    ),
    "flows": lambda: stages.flows(
        stages.profile(EVENTS, ["p", "q", "order"], evaluation="q", gap="9h"), ["p", "q", "order"]
    ),
    "time_in_stage": lambda: stages.time_in_stage(EVENTS, ["p", "q", "order"], gap="9h"),
    "carts": lambda: stages.cart_abandonment(
        stages.carts(EVENTS, cart="p", order="order", window="5h")
    ),
    "checkout": lambda: stages.checkout(EVENTS, ["p", "q", "order"], window="5h"),
    "source_mix": lambda: stages.source_mix(EVENTS, {"seen": ["p"], "never": ["order"]}),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_does_not_occur_counts_0_and_is_said(name):
    """In the first week without an order a weekly report goes on."""
    result = NEVER[name]()
    said = [str(note) for note in result.limits if "'order' does not occur" in str(note)]
    assert len(said) == 1
    with speaking("nl"):
        assert "telt als 0" in " ".join(map(str, result.limits))


def test_a_slip_is_named():
    """The nearest name stands beside what does not occur; a first step that nobody has is no share
    at all.
    """
    log = EVENTS.assign(event=EVENTS["event"].map({"p": "view", "q": "cart", "r": "buy"}))
    (note,) = [
        n for n in funnels.conversion(log, ["view", "carts"], **SHORT).limits if "carts" in str(n)
    ]
    assert "Did you mean 'cart'?" in str(note)
    assert note.values["near"] == "cart"
    with pytest.raises(NotEnoughData, match="Did you mean 'view'"):
        funnels.conversion(log, ["viev", "cart"], **SHORT)
    with pytest.raises(NotEnoughData, match="a customer and a time"):
        funnels.conversion(log.assign(customer_id=None), ["view", "cart"], **SHORT)


def coded(kind):
    """The events with codes of another type, and the codes of the steps."""
    codes = {
        "integers": {"p": 1, "q": 2, "r": 3, "x": 4},
        "text of integers": {"p": "1", "q": "2", "r": "3", "x": "4"},
        "floats": {"p": 1.0, "q": 2.0, "r": 3.0, "x": 4.5},
    }.get(kind, {"p": 1, "q": 2, "r": 3, "x": 4})
    events = EVENTS.assign(event=EVENTS["event"].map(codes))
    if kind == "categories of integers":
        events["event"] = events["event"].astype("category")
    if kind == "integers with a null":
        events["event"] = events["event"].astype("Int64")
    return events, [codes[s] for s in STEPS]


@pytest.mark.parametrize("asked", ["as they are", "as text"])
@pytest.mark.parametrize(
    "kind",
    ["integers", "text of integers", "floats", "categories of integers", "integers with a null"],
)
def test_codes_of_any_type_are_names(kind, asked):
    """The same numbers as with words, whether 1 or "1" is asked for."""
    events, steps = coded(kind)
    steps = steps if asked == "as they are" else [names.written(s) for s in steps]
    for run in (
        lambda e, s: funnels.conversion(e, s, **SHORT).table,
        lambda e, s: funnels.drop_off(e, [s[0], s[1:]], **SHORT).table,
        lambda e, s: stages.reach(stages.episodes(e, s, gap="9h"), s).table,
        lambda e, s: (
            attribution.sources(
                attribution.paths(e, conversion=s[2], column="group", timeout="2h", gap="9h")
            ).table
        ),
    ):
        numbers = ["count", "n", "estimate"]
        pd.testing.assert_frame_equal(run(events, steps)[numbers], run(EVENTS, STEPS)[numbers])


def test_true_and_false_are_names():
    """A column of booleans."""
    yes = EVENTS.assign(event=EVENTS["event"] == "p")
    words = EVENTS.assign(event=np.where(EVENTS["event"] == "p", "yes", "no"))
    one = funnels.conversion(yes, [True, False], **SHORT).table
    two = funnels.conversion(words, ["yes", "no"], **SHORT).table
    pd.testing.assert_frame_equal(one.drop(columns="step"), two.drop(columns="step"))


@pytest.mark.parametrize("ours", sorted(names.OURS - {"customer_id", "stage", "outcome"}))
def test_a_column_named_like_ours_keeps_its_groups(ours):
    """The labels of the groups, and everything counted of them, are as under any other name."""
    events = EVENTS.rename(columns={"group": ours})
    for run in (funnels.conversion, funnels.drop_off, funnels.compare_groups):
        one = run(events, STEPS, by=ours, **SHORT).table
        two = run(EVENTS.rename(columns={"group": "side"}), STEPS, by="side", **SHORT).table
        assert list(one.columns[1:]) == list(two.columns[1:]) and one.columns.is_unique
        pd.testing.assert_frame_equal(one.set_axis(two.columns, axis=1), two)
    curve = funnels.time_to_convert(events, STEPS, by=ours, **SHORT).table
    assert set(curve[names.label(ours)]) == {"g", "h"}


def test_missing_may_be_a_name():
    """A value "missing" beside nulls: two groups, two names, and nobody in both."""
    groups = pd.Series(np.resize(["a", "missing", None], len(EVENTS)), dtype=object)
    table = funnels.conversion(EVENTS.assign(side=groups), STEPS, by="side", **SHORT).table
    first = table[(table["basis"] == "entry") & (table["step_number"] == 1)]
    assert sorted(first["side"]) == ["a", "missing", "not_given"]
    who = pd.Series(
        np.resize(["x", "missing", None], ORDERS["customer_id"].nunique()),
        index=sorted(ORDERS["customer_id"].unique()),
    )
    for table in (
        retention.time_to_repurchase(ORDERS, by=who).table,
        retention.day_retention(ORDERS, by=who).table,
    ):
        assert set(table["group"]) == {"x", "missing", "not_given"}


def test_paths_of_names_with_an_arrow_stay_apart():
    """The name "a > b" is one step, "a" then "b" are two."""
    assert names.path(["a > b"]) != names.path(["a", "b"])
    start = pd.Timestamp("2024-01-01", tz="UTC")
    rows = [(f"u{i}", start, "a > b") for i in range(30)]
    rows += [
        (f"v{i}", start + pd.Timedelta(m, "m"), e) for i in range(20) for m, e in enumerate("ab")
    ]
    log = pd.DataFrame(rows, columns=["customer_id", "occurred_at", "event"])
    found = journeys.paths(log).table.set_index("path")["count"]
    assert found.to_dict() == {'"a > b"': 30, "a > b": 20}


def test_a_stage_may_not_take_the_name_of_a_column():
    """It would overwrite what the table of episodes says."""
    log = EVENTS.assign(event=EVENTS["event"].replace({"p": "days"}))
    with pytest.raises(InputError, match="another name"):
        stages.episodes(log, ["days", "q"])


def test_items_of_a_survey_may_be_numbers():
    """Item 1 becomes the column "1"."""
    numbers = SURVEYS.assign(item=SURVEYS["item"].map({"q_a": 1, "q_b": 2, "q_c": 3, "q_d": 4}))
    assert {"1", "2"} <= set(drivers.pivot_survey(numbers, items=[1, 2]).columns)
    with pytest.raises(InputError, match="rename"):
        drivers.pivot_survey(SURVEYS.assign(item="weight"))


def test_a_purchase_that_did_not_happen_yet():
    """`assign` goes on, and what is made of its table says so."""
    assigned = stages.assign(SHOP[SHOP["event"] != "order"], order="bestelling")
    assert not (assigned["stage"] == "purchase").any()
    limits = stages.mapping_quality(assigned).limits
    assert any("'bestelling' does not occur" in str(note) for note in limits)


def test_every_room_can_be_reached():
    """What lies in the folder is an attribute, in dir(), and loaded on first use only."""
    import pkgutil
    import subprocess
    import sys

    found = {m.name for m in pkgutil.iter_modules(workbench.__path__)}
    assert found == set(workbench.MODULES) and found <= set(dir(workbench))
    for name in found - {"cli"}:
        assert getattr(workbench, name).__name__ == f"workbench.{name}"
    code = (
        "import sys, workbench; loaded = [m for m in sys.modules if m.startswith('workbench.')];"
        "assert not loaded and 'pandas' not in sys.modules, loaded; workbench.clv.customers"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        _ = workbench.nothing


def test_names_are_written_alike():
    """1, 1.0 and "1" are one name; an empty one is none."""
    assert names.listed([1, 1.0, "1", True]) == ["1", "1", "1", "true"]
    with pytest.raises(InputError, match="empty"):
        funnels.conversion(EVENTS, ["p", ""], **SHORT)
    assert engine.write(np.int64(3)) == "3"
