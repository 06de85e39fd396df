"""What the analyses of drivers and influence answer: numbers of their own table, in Dutch too."""

import numpy as np
import pytest
from test_results import ANALYSES

from workbench import drivers, influence
from workbench.display import speaking

NAMES = [name for name in (*drivers.__all__, *influence.__all__) if name in ANALYSES]
# Fit and decay are answered by figures that are no rows of the table.
BESIDE_THE_TABLE = {"structural", "explore_factors", "distance_decay"}


def in_table(table, value):
    """Say whether a value, its logarithm or that of one more, stands in a table."""
    numbers = table.select_dtypes("number").to_numpy(float).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        asked = [value, np.log(value), np.log1p(value)]
    return any(np.isclose(numbers, a, rtol=1e-9, atol=1e-12).any() for a in asked)


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_numbers_of_the_table(name):
    """Estimate, interval and denominator of an answer are a row's; in Dutch it is another text."""
    data, analysis = ANALYSES[name]
    result = analysis(data)
    values = result.answer.values
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english
    assert values["n"] >= 10
    if name in BESIDE_THE_TABLE:
        return
    for part in {"estimate", "times", "low", "high"} & set(values):
        assert in_table(result.table, values[part]), (name, part)
