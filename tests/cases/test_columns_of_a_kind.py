"""What a column must hold is said in one sentence: numbers, yes or no, a value in every row, and no
number beyond all measure.
"""

import numpy as np
import pandas as pd
import pytest
from calls import CALLS
from hostile import tables

from workbench import attribution, choice, clv, conjoint, experiments, stages
from workbench.errors import InputError, NotEnoughData, WorkbenchError
from workbench.results.columns import COLUMNS, holds_flags, holds_numbers

FIRST = {name: dict(tables(CALLS[name])) for name in COLUMNS}


def test_every_name_is_a_function():
    """A rule for a function that is not there would never be asked."""
    assert set(COLUMNS) <= set(CALLS)
    assert {n for n in COLUMNS if not FIRST[n]} <= {"choice.compare_rules", "attribution.compare"}


@pytest.mark.parametrize("name", [n for n in COLUMNS if n != "choice.compare_rules"])
def test_a_column_needed_is_named(name):
    """Without it, the sentence names it; no key, no index."""
    for where, holds in COLUMNS[name].items():
        table = FIRST[name].get(where)
        for column in (c for c in holds.needed if table is not None and c in table):
            with pytest.raises(WorkbenchError, match=column):
                CALLS[name](**{where: table.drop(columns=column)})


@pytest.mark.parametrize("name", [n for n in COLUMNS if n != "choice.compare_rules"])
@pytest.mark.parametrize("value", ["a word", pd.Timestamp("2024-01-01", tz="UTC"), np.inf, 1e200])
def test_a_number_is_a_number(name, value):
    """Words, moments and what is beyond all measure where a number is needed."""
    for where, holds in COLUMNS[name].items():
        table = FIRST[name].get(where)
        if isinstance(value, float):
            tried = [c for c in holds.numbers if table is not None and c in table]
        else:
            tried = [c for c in (*holds.numbers, *holds.flags) if table is not None and c in table]
        for column in tried:
            with pytest.raises(InputError, match=column):
                CALLS[name](**{where: table.assign(**{column: value})})


def test_false_as_a_word_is_no_yes():
    """The word "False" is true in Python: who chose, and which mail arrived, would be everybody."""
    for name in ("choice.conditional_logit", "choice.most_chosen", "attribution.email_funnel"):
        where, column = ("emails", "delivered") if "email" in name else ("choices", "chosen")
        table = FIRST[name][where]
        with pytest.raises(InputError, match=f"'{column}' must be true or false"):
            CALLS[name](**{where: table.assign(**{column: table[column].astype(str)})})


@pytest.mark.parametrize(
    ("values", "numbers", "flags"),
    [
        ([True, False], True, True),
        ([1, 0], True, True),
        ([1.0, None], True, True),
        ([2, 1], True, False),
        (["1", "0"], False, False),
        (["True", "False"], False, False),
        (pd.to_datetime(["2024-01-01", None]), False, False),
        ([None, None], True, True),
    ],
    ids=str,
)
def test_what_a_column_holds(values, numbers, flags):
    """Numbers, and yes or no."""
    column = pd.Series(values)
    assert (holds_numbers(column), holds_flags(column)) == (numbers, flags)


def test_customers_without_what_came_later():
    """A gap is named with its column, a table without the column by what is missing."""
    customers = FIRST["clv.holdout"]["customers"]
    with pytest.raises(InputError, match="3 rows have no 'later'"):
        clv.holdout(customers.assign(later=customers["later"].where(customers.index > 2)))


def test_a_test_with_a_gap():
    """A channel tested without a result."""
    credit, tests = (
        CALLS["attribution.calibrate_to_experiments"].arguments()[n] for n in ("credit", "tests")
    )
    with pytest.raises(InputError, match="'incremental'"):
        attribution.calibrate_to_experiments(credit, tests.assign(incremental=[20.0, np.nan]))


def test_one_arm_has_no_plan():
    """Nothing to split."""
    people = CALLS["experiments.planned_split"].arguments()["people"]
    with pytest.raises(NotEnoughData, match="1 arms"):
        experiments.planned_split(people.assign(variant="mail"), share=0.2)


def test_a_long_word_is_cut_in_a_sentence():
    """An id of thousands of letters makes no page of an error."""
    choices = FIRST["choice.elasticities"]["choices"]
    fit = CALLS["choice.elasticities"].arguments()["fit"]
    with pytest.raises(InputError) as error:
        choice.elasticities(fit, choices.assign(alternative="x" * 5000))
    assert len(str(error.value)) < 600


def test_the_posterior_of_one_customer_twice():
    """Which of two chances holds cannot be known."""
    given = CALLS["stages.stage_distribution"].arguments()["posterior"]
    truth = given[["customer_id", "stage"]]
    with pytest.raises(InputError, match="more than once"):
        stages.reliability(pd.concat([given, given]), truth)


def test_a_ladder_of_words():
    """Yes and no written out."""
    answers = FIRST["conjoint.gabor_granger"]["answers"]
    with pytest.raises(InputError, match="would_buy"):
        conjoint.gabor_granger(answers.assign(would_buy="yes"))
