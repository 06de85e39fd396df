"""Exercises: answers read in any usual notation, mistakes recognised, true under any parameters."""

import numpy as np
import pandas as pd
import pytest

from workbench import attribution, display, experiments, load, project, reports, retention
from workbench.errors import InputError, NotEnoughData
from workbench.reports import exercises
from workbench.reports.exercises import Exercises, Truth, judge, readings

FOLDER = project.root() / "notebooks"
BACK = exercises.module(FOLDER, "retention").exercises
START = exercises.module(FOLDER, "start").exercises
CHANNELS = exercises.module(FOLDER, "channels").exercises
CAMPAIGNS = exercises.module(FOLDER, "campaigns").exercises


@pytest.fixture(scope="module")
def orders():
    """Orders of the web shop for music."""
    return load.cdnow()


@pytest.fixture(scope="module")
def repeats(orders):
    """Repeat rates with customers who could not be followed: the data end in the middle of 1997."""
    return retention.repeat_rate(orders, windows=["30D", "90D"], until="1997-05-15")


@pytest.fixture(scope="module")
def rhythm(orders):
    """The rhythm of the same customers."""
    return retention.purchase_frequency(orders)


@pytest.fixture(scope="module")
def sample():
    """The load report of the sample shop."""
    shop = load.source("data/samples/sample_shop.csv", "data/mappings/sample_shop.yml")
    return shop.report


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0.4, 0.4),
        (np.float32(0.5), 0.5),
        (np.int64(40), 40),
        (pd.Series([0.25]).iloc[0], 0.25),
        ("0.4", 0.4),
        ("0,4", 0.4),
        (".4", 0.4),
        ("40 %", 0.4),
        ("40%", 0.4),
        ("40,0%", 0.4),
        ("40.0 per cent", 0.4),
        ("40 procent", 0.4),
        ("1014", 1014),
        ("1.014", 1014),
        ("1,014", 1014),
        ("1.014", 1.014),
        ("1,014", 1.014),
        ("1 014", 1014),
        ("1\u202f014", 1014),
        ("1,014.5", 1014.5),
        ("1.014,5", 1014.5),
        ("1.234.567", 1234567),
        ("€ 12,50", 12.5),
        ("94 days", 94),
        ("-3,1", -3.1),
        ("\N{MINUS SIGN}3.1", -3.1),
    ],
)
def test_every_usual_way_to_write_a_number(written, meant):
    """English and Dutch, with units, per cent, thousands; a NumPy number as a plain one."""
    assert any(x == pytest.approx(meant) for x in readings(written))


@pytest.mark.parametrize(
    "answer", ["", "no idea", "1,2,3", "1.2.3,4.5", True, float("nan"), "nan", [1, 2], {}, object()]
)
def test_what_is_no_number_is_said(answer):
    """Not taken for a wrong answer, and never an error."""
    assert judge(answer, Truth(0.4, 0.3, 0.5)) == "unreadable"


def test_tolerance_follows_the_interval():
    """A tenth of the interval, or the number rounded to two digits; a count is exact."""
    wide, narrow = Truth(0.4321, 0.33, 0.53, share=True), Truth(0.4321, 0.4311, 0.4331, share=True)
    assert judge(0.451, wide) == "right"
    assert judge(0.451, narrow) == "other"
    assert judge("43 %", narrow) == "right"
    assert judge(43.2, narrow) == "right"
    assert judge(0.44, narrow) == "other"
    assert judge(1014, Truth(1014)) == "right"
    assert judge("1.014", Truth(1014)) == "right"
    assert judge(1000, Truth(1014)) == "other"
    assert judge(10.14, Truth(1014)) == "other"
    assert judge(3, Truth(3.0, 3.0, 3.0)) == "right"
    assert judge(94, Truth(94.0, 88.0, float("nan"))) == "right"


def test_words_are_answers_too():
    """Whatever the case; a known wrong word gets its own hint."""
    truth = Truth(("rolling", "meelopend"), mistakes={"calendar": ("calendar", "kalender")})
    assert judge(" Rolling ", truth) == "right"
    assert judge("meelopend", truth) == "right"
    assert judge("Kalender", truth) == "calendar"
    assert judge(4, truth) == "other"


def test_an_answer_that_is_right_is_no_mistake():
    """Where a mistake happens to give the right number, it is right."""
    assert judge(0.4, Truth(0.4, 0.39, 0.41, mistakes={"same": 0.4})) == "right"


def test_no_answer_yet_gets_the_first_hint(repeats, rhythm, sample):
    """Every exercise helps before it judges."""
    for book, number, result in (
        (BACK, 1, repeats),
        (BACK, 2, rhythm),
        (START, 1, repeats),
        (START, 2, sample),
    ):
        assert str(book.check(number, None, result)) == book.numbered[number].first


def verdict(book, number, answer, *results):
    """Which sentence of an exercise an answer gets."""
    said = str(book.check(number, answer, *results))
    exercise = book.numbered[number]
    named = {"right": exercise.right, "other": exercise.otherwise, **exercise.hints}
    return next(name for name, text in named.items() if text == said)


def test_customers_counted_as_lost(repeats):
    """The share over everybody is right; the table's own rate and three more mistakes are known."""
    table = repeats.table
    first, later = table[table["window"] == "90D"].iloc[0], table[table["window"] == "90D"].iloc[-1]
    assert first["immature"] > 1000
    right = first["count"] / (first["n"] + first["immature"])
    for answer in (right, f"{100 * right:.1f} %".replace(".", ","), round(right, 2), 100 * right):
        assert verdict(BACK, 1, answer, repeats) == "right"
    for answer, name in (
        (first["estimate"], "unchanged"),
        ((first["count"] + first["immature"]) / (first["n"] + first["immature"]), "found"),
        (later["count"] / (later["n"] + later["immature"]), "later_purchase"),
        (0.9, "other"),
    ):
        assert verdict(BACK, 1, answer, repeats) == name


def test_the_median_with_open_pauses(rhythm):
    """The median that takes open pauses into account, not the one that leaves them out."""
    rows = rhythm.table.set_index("measure")["estimate"]
    assert verdict(BACK, 2, "94 days", rhythm) == "right"
    assert verdict(BACK, 2, rows["days_between_seen"], rhythm) == "completed"
    assert verdict(BACK, 2, 365.25 / rows.iloc[0], rhythm) == "mean"
    assert verdict(BACK, 2, 1, rhythm) == "other"


def test_the_most_the_data_allow(repeats):
    """The upper end of the interval, not its middle nor its lower end."""
    row = repeats.table[repeats.table["window"] == "90D"].iloc[0]
    assert verdict(START, 1, f"{100 * row['conf_high']:.1f}%", repeats) == "right"
    assert verdict(START, 1, row["estimate"], repeats) == "estimate"
    assert verdict(START, 1, row["conf_low"], repeats) == "low"
    assert verdict(START, 1, 0.99, repeats) == "other"


def test_rows_kept_without_copies(sample):
    """Kept rows less their copies."""
    kept, copies = sample.rows_kept, sample.duplicates
    assert copies > 0
    assert verdict(START, 2, kept - copies, sample) == "right"
    assert verdict(START, 2, kept, sample) == "kept"
    assert verdict(START, 2, copies, sample) == "duplicates"
    assert verdict(START, 2, sample.rows_in - copies, sample) == "from_all"


@pytest.mark.parametrize("windows", [["7D"], ["180D", "30D"], ["60D", "365D"]])
def test_true_under_other_parameters(orders, windows):
    """The truth is computed from the Results handed in; the longest window is not the last one."""
    result = retention.repeat_rate(orders, windows=windows, until="1998-01-31")
    longest = max(windows, key=pd.Timedelta)
    row = result.table[result.table["window"] == longest].iloc[0]
    right = row["count"] / (row["n"] + row["immature"])
    assert verdict(BACK, 1, right, result) == "right"
    assert verdict(START, 1, row["conf_high"], result) == "right"


def test_dutch_exercises(repeats):
    """The verdict is in the language in use."""
    display.use("nl")
    try:
        assert "Nog niet" in str(BACK.check(1, 0.999, repeats))
        assert "niet als getal" in str(BACK.check(1, "geen idee", repeats))
    finally:
        display.use("en")


def test_data_too_few_for_a_truth():
    """No error, and no verdict: another source is asked for."""
    book = Exercises("none")

    @book.add(1, first="a", right="b", otherwise="c")
    def none(result):
        raise NotEnoughData("none: nothing here")

    @book.add(2, first="a", right="b", otherwise="c")
    def unknown(result):
        return Truth(float("nan"))

    assert "too few" in str(book.check(1, 1, None))
    assert "too few" in str(book.check(2, 1, None))
    short = pd.DataFrame({"customer_id": [], "ordered_at": [], "amount": []})
    nothing = reports.attempt(lambda table: none(table), short)
    assert "too few" in str(book.check(2, 1, nothing))
    with pytest.raises(InputError, match="exercise"):
        book.check(3, 1)


def test_a_channel_that_loses_by_a_rule_and_a_sum_of_losses():
    """The largest fall from last to first contact; removal effects that exceed everything."""
    paths = pd.DataFrame(
        {
            "path": ["a > b", "a > c > b", "b", "c > a", "a"],
            "conversions": [30, 20, 10, 15, 0],
            "nulls": [10, 10, 10, 10, 40],
        }
    )
    journeys = attribution.from_paths(paths, nulls="nulls")
    by_rule, chain = attribution.heuristics(journeys), attribution.markov(journeys, draws=0)
    assert verdict(CHANNELS, 1, "B", by_rule) == "right"
    assert verdict(CHANNELS, 1, "a", by_rule) == "gains"
    lost = chain.table.query("measure == 'removal'")["estimate"].sum()
    assert lost > 1.2
    assert verdict(CHANNELS, 2, f"{100 * lost:.0f} %", chain) == "right"
    assert verdict(CHANNELS, 2, "100 %", chain) == "scaled"


def test_the_end_of_an_interval_and_the_price_of_looking():
    """The higher end is the most favourable; looking at any time widens the interval."""
    rng = np.random.default_rng(3)
    people = pd.DataFrame({"variant": np.repeat(["control", "new"], 400)})
    people["y"] = rng.normal(1, 1, 800) + 0.2 * (people["variant"] == "new")
    once = experiments.difference(people, "y")
    watched = experiments.difference(people, "y", planned=800)
    row = once.table[once.table["measure"] == "difference"].iloc[0]
    assert verdict(CAMPAIGNS, 1, f"{row['conf_high']:.3f}", once) == "right"
    assert verdict(CAMPAIGNS, 1, row["estimate"], once) == "estimate"
    assert verdict(CAMPAIGNS, 1, row["conf_low"], once) == "low"
    other = watched.table[watched.table["measure"] == "difference"].iloc[0]
    factor = (other["conf_high"] - other["conf_low"]) / (row["conf_high"] - row["conf_low"])
    assert factor > 1.3
    assert verdict(CAMPAIGNS, 2, f"{factor:.2f}", once, watched) == "right"
    assert verdict(CAMPAIGNS, 2, 1 / factor, once, watched) == "inverse"
