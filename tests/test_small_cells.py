"""Few people are never told apart: not by weights, by a column beside, a sentence or the foot."""

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.display import speaking, tables
from workbench.notes import Note
from workbench.results import Result, small_cells, withheld
from workbench.results.charts import Points
from workbench.results.small import BASES, sayable

UNITS = (
    "answers",
    "buyers",
    "customers",
    "deals",
    "donors",
    "households",
    "members",
    "orders",
    "people",
    "respondents",
)
OTHERS = ("brands", "classes", "days", "groups", "items", "methods", "models", "stages", "tests")


def result(table, n, **more):
    """A Result of customers."""
    return Result(
        question=Note("demo.question", "Who came back?"),
        answer=Note("demo.answer", "{share:%} came back.", share=0.4),
        table=table,
        method=Note("demo.method", "Wilson intervals."),
        unit="customers",
        n=n,
        **more,
    )


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("n", "small"), [(0, False), (0.5, True), (9, True), (9.5, True), (10, False), (None, False)]
)
def test_weighted_counts_are_withheld_like_whole_ones(base, n, small):
    """Anything above nothing and under ten; nothing and what is missing give nobody away."""
    table = pd.DataFrame({"group": ["a", "b"], base: [n, 50], "estimate": [0.77, 0.5]})
    assert small_cells(table).tolist() == [small, False]
    text = tables.shown(table)
    assert ("0.7700" in text.to_string()) != small
    assert (text[text.columns[1]].iloc[0] == "<10") == small


def test_nullable_and_text_counts():
    """Counts of other kinds of column do not raise, and are judged by what they are."""
    for kind in ("Int64", "Float64", object):
        table = pd.DataFrame({"n": pd.array([3, None, 30], dtype=kind)})
        assert small_cells(table).tolist() == [True, False, False]


def test_a_withheld_row_says_nothing_but_its_keys():
    """Of every type, before or after the counts."""
    table = pd.DataFrame(
        {
            "group": ["few", "many"],
            "age": [3, 4],
            "spent": [123.25, 50.0],
            "n": [4, 400],
            "estimate": [0.77, 0.5],
            "clear": [True, True],
            "verdict": ["loses", "gains"],
            "last_seen": pd.to_datetime(["2025-03-01", "2025-04-01"]),
            "lasted": pd.to_timedelta(["3D", "4D"]),
            "kind": pd.Categorical(["rare", "common"]),
            "said": [Note("demo", "of {n}", n=4), Note("demo", "of {n}", n=400)],
        }
    )
    text = tables.shown(table)
    assert text.iloc[0].tolist() == ["few", "3", "–", "<10", *["–"] * 7]
    assert "–" not in text.iloc[1].tolist()


def test_a_chart_names_the_keys_of_its_rows():
    """A number that tells which row it is stays, where the chart says so."""
    table = pd.DataFrame({"group": ["a"], "spent": [2.5], "n": [4], "verdict": ["x"]})
    charted = result(table, 4, chart=Points(label=["group", "spent"]))
    text = tables.shown(table, None, tables.declared(charted))
    assert text.iloc[0].tolist() == ["a", "2.500", "<10", "–"]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_the_foot_takes_nothing_away_from_a_withheld_row(sizes):
    """Whatever the groups, what the foot says is true and no more than the rows that are shown,
    so that with it nothing is known of the others.
    """
    table = pd.DataFrame({"group": range(len(sizes)), "n": sizes, "estimate": 0.5})
    counted = tables.foot(result(table, sum(sizes))).values["counted"]
    shown = sum(size for size in sizes if size >= 10)
    if not small_cells(table).any():
        assert counted.values["n"] == sum(sizes) and counted.id.startswith("result.counted")
    elif counted.id == "result.at_least":
        assert counted.values["n"] <= shown
    elif counted.id == "result.few":
        assert sum(sizes) < 10
    else:
        assert "n" not in counted.values


def test_few_in_all_is_no_few_in_a_row():
    """Seven rows that rest on nobody's few are counted as they are."""
    table = pd.DataFrame({"group": ["a"], "n": [70], "estimate": [0.5]})
    assert "Counted: 7 customers" in str(tables.foot(result(table, 7)))


def test_one_is_counted_in_the_singular():
    """One customer, in both languages."""
    table = pd.DataFrame({"group": ["a"], "estimate": [0.5]})
    assert "Counted: 1 customer." in str(tables.foot(result(table, 1)))
    with speaking("nl"):
        assert "1 klant." in str(tables.foot(result(table, 1)))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("few", [1, 9, 0.5, 9.5])
def test_few_of_any_unit_are_no_answer(unit, few):
    """By the name of the value, by the noun after it, alone or in a note within."""
    by_name = Note("demo", f"Of {{{unit}}}, {{share:%}} came.", share=0.5, **{unit: few})
    by_noun = Note("demo", f"{{left}} {unit} came.", left=few)
    within = Note("demo", "{share:%} came ({base}).", share=0.5, base=by_noun)
    listed = Note("demo", "{share:%} came: {bases}.", share=0.5, bases=[by_name, "x"])
    for answer in (by_name, by_noun, within, listed):
        assert sayable(answer, unit).id == "result.too_few"
        whole = answer.having(**{unit: 50, "left": 50, "base": 50, "bases": []})
        assert sayable(whole, unit).id == "demo"


@pytest.mark.parametrize("thing", OTHERS)
def test_few_methods_or_groups_leave_a_sound_answer(thing):
    """Two methods are nobody."""
    inner = Note("demo.inner", f"{{n}} {thing[:-1]}", f"{{n}} {thing}", n=2)
    answer = Note("demo", "{share:%} of {n} customers, by {inner}.", share=0.5, n=80, inner=inner)
    assert sayable(answer, "customers") is answer


def test_estimates_are_no_counts():
    """Two orders a customer, or a share of the customers, are not few of them."""
    for english in ("{orders} orders per customer (n = {n})", "{customers:%} of {n}", "{orders:3}"):
        answer = Note("demo", english, orders=2.5, customers=0.5, n=80)
        assert sayable(answer, "customers") is answer


def test_nobody_at_all_is_too_few():
    """A share of none is no answer; that none of many complained is one."""
    assert sayable(Note("d", "{share:%} of {n}.", share=0.5, n=0), "x").id == "result.too_few"
    none = Note("d", "{complaints} complaints of {n} customers.", complaints=0, n=50)
    assert sayable(none, "x") is none


def test_a_limit_says_of_few_people_that_they_are_few():
    """Neither how many nor which share; a number of days stays."""
    limit = Note(
        "d", "{n} customer ({share:%}) left.", "{n} customers ({share:%}) left.", n=1, share=0.05
    )
    table = pd.DataFrame({"group": ["a"], "n": [70], "estimate": [0.5]})
    days = Note("d", "Only {n} day", "Only {n} days", n=3)
    made = result(table, 70, limits=[limit, days], chart=Points(label=["group"]))
    for text in (repr(made), made._repr_html_().replace("&lt;", "<"), str(withheld(limit))):
        assert "<10 customers (–) left" in text and "5.0 %" not in text
    assert "Only 3 days" in repr(made)
    with speaking("nl"):
        assert "<10 customers" in str(withheld(limit))
    assert withheld("text") == "text"


def test_dates_are_no_counts():
    """Values that are no numbers are left alone."""
    note = Note(
        "d",
        "{day:date} {flag} {name} customers",
        day=datetime.date(2025, 1, 1),
        flag=True,
        name="a",
    )
    assert withheld(note) == note and sayable(note, "x") is note
