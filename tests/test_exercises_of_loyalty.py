"""Exercises on value, loyalty and buying laws: what is right, and which mistakes are recognised."""

import numpy as np
import pytest

from workbench import clv, load, loyalty, project
from workbench.reports import exercises

FOLDER = project.root() / "notebooks"
VALUE = exercises.module(FOLDER, "customer_value").exercises
WALLET = exercises.module(FOLDER, "loyalty_and_wallet").exercises
LAWS = exercises.module(FOLDER, "buying_laws").exercises


def verdict(book, number, answer, *found):
    """Which sentence of an exercise an answer gets."""
    said = str(book.check(number, answer, *found))
    exercise = book.numbered[number]
    named = {
        "first": exercise.first,
        "right": exercise.right,
        "other": exercise.otherwise,
        **exercise.hints,
    }
    return next(name for name, text in named.items() if text == said)


@pytest.fixture(scope="module")
def category():
    """A category that follows the laws, with all its households."""
    truth = loyalty.Dirichlet(2.0, 0.8, 1.5, np.array([0.4, 0.3, 0.2, 0.1]), np.array([]))
    counts = truth.draw(4000, seed=3).astype(float)
    counts = counts[counts.sum(axis=1) > 0]
    return loyalty.Panel(counts, counts, tuple("abcd"), 4000, np.arange(len(counts)), 0)


@pytest.fixture(scope="module")
def cdnow():
    """Orders of a real shop."""
    return load.cdnow()


def test_buyers_who_were_never_lost(cdnow):
    """The share that stays away by the law, not the one observed."""
    found = loyalty.repeat_buying(
        cdnow, begin="1997-04-01", length="91D", households=23_570, draws=20
    )
    row = found.table.set_index("measure").loc["repeat_rate"]
    assert verdict(LAWS, 1, None, found) == "first"
    assert verdict(LAWS, 1, 1 - row["law"], found) == "right"
    assert verdict(LAWS, 1, f"{100 - 100 * row['law']:.1f} %", found) == "right"
    assert verdict(LAWS, 1, 1 - row["estimate"], found) == "observed"
    assert verdict(LAWS, 1, row["law"], found) == "returned"
    assert verdict(LAWS, 1, 0.0, found) == "other"


def test_the_brand_furthest_from_its_norm(category):
    """Neither the most nor the least loyal buyers decide, but the distance from the norm."""
    norm = loyalty.dirichlet(category, draws=20)
    rows = norm.table[norm.table["measure"] == "requirements"].set_index("brand")
    right = rows["off"].abs().idxmax()
    assert verdict(LAWS, 2, None, norm) == "first"
    assert verdict(LAWS, 2, right.upper(), norm) == "right"
    for mistake, brand in (
        ("smallest", rows["estimate"].idxmin()),
        ("largest", rows["estimate"].idxmax()),
    ):
        assert verdict(LAWS, 2, brand, norm) in (mistake, "right")
    assert verdict(LAWS, 2, "e", norm) == "other"


def test_the_model_for_letters(cdnow):
    """The error per customer decides, by the name shown or by the code."""
    tenth = cdnow[cdnow["customer_id"].astype(int) % 10 == 1]
    customers = clv.customers(tenth, learn_until="1997-09-30")
    found = clv.holdout(customers, models=["bg_nbd", "pareto_nbd"], draws=20)
    rows = found.table.set_index(["measure", "model"])["estimate"]
    best = rows["error"].idxmin()
    assert verdict(VALUE, 1, None, found) == "first"
    assert verdict(VALUE, 1, best, found) == "right"
    assert verdict(VALUE, 1, "as often as before", found) == "other"


def test_the_price_on_the_safe_side(cdnow):
    """The lower end of the interval, in any notation."""
    tenth = clv.customers(cdnow[cdnow["customer_id"].astype(int) % 20 == 1])
    worth = clv.value(clv.mbg_nbd(tenth), clv.gamma_gamma(tenth), tenth, horizon="364D")
    row = worth.table.set_index("measure").loc["mean"]
    assert verdict(VALUE, 2, row["conf_low"], worth) == "right"
    assert verdict(VALUE, 2, f"${row['conf_low']:.2f}", worth) == "right"
    assert verdict(VALUE, 2, row["estimate"], worth) == "estimate"
    assert verdict(VALUE, 2, row["conf_high"], worth) == "upper"
    assert verdict(VALUE, 2, 0, worth) == "other"


def test_room_in_the_wallet(category):
    """What the largest brand's buyers spend on others: purchases, and not people."""
    found = loyalty.brand_performance(category, draws=20)
    rows = found.table[found.table["brand"] == "a"].set_index("measure")["estimate"]
    assert verdict(WALLET, 1, None, found) == "first"
    assert verdict(WALLET, 1, 1 - rows["requirements"], found) == "right"
    assert verdict(WALLET, 1, rows["requirements"], found) == "own"
    assert verdict(WALLET, 1, 1 - rows["sole"], found) == "people"
    assert verdict(WALLET, 1, 1 - rows["share"], found) == "market"


def test_loyalty_beyond_size():
    """How many times as often as by size: neither the share itself nor the difference."""
    lines = load.panel_lines("COFFEE")
    found = loyalty.switching(lines, most=4)
    row = found.table[found.table["brand"] == found.table["following"]].iloc[0]
    assert verdict(WALLET, 2, None, found) == "first"
    assert verdict(WALLET, 2, row["ratio"], found) == "right"
    assert verdict(WALLET, 2, row["estimate"], found) == "repeat"
    assert verdict(WALLET, 2, row["estimate"] - row["by_size"], found) == "difference"
