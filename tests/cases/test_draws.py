"""A number of draws from which no interval follows is one sentence, wherever there are draws."""

import inspect

import numpy as np
import pytest

import workbench
from workbench import (
    attribution,
    choice,
    clv,
    conjoint,
    drivers,
    experiments,
    influence,
    intervals,
    loyalty,
    prediction,
    stages,
)
from workbench.errors import InputError

ROOMS = (
    attribution,
    choice,
    clv,
    conjoint,
    drivers,
    experiments,
    influence,
    loyalty,
    prediction,
    stages,
)
DRAWING = {
    f"{room.__name__}.{name}": function
    for room in ROOMS
    for name, function in inspect.getmembers(room, inspect.isfunction)
    if "draws" in inspect.signature(function).parameters and hasattr(function, "__wrapped__")
}
# Documented: no draws, no interval.
MAY_SKIP = {"workbench.attribution.markov", "workbench.attribution.shapley"}


@pytest.mark.parametrize("draws", [0, -1, 1, 2.5, True, None, "many"])
@pytest.mark.parametrize("name", DRAWING)
def test_too_few_draws_are_one_sentence(name, draws):
    """Before anything is computed, whatever else was given."""
    if name in MAY_SKIP and draws == 0 and draws is not False:
        pytest.skip("0 draws are no interval here")
    with pytest.raises(InputError, match="whole number of at least 2"):
        DRAWING[name](draws=draws)


def test_there_are_such_functions():
    """The list is not empty by mistake."""
    assert len(DRAWING) > 20 and workbench


@pytest.mark.parametrize("draws", [0, -1, 1])
def test_the_bare_bootstrap_says_so_too(draws):
    """Called by itself."""
    with pytest.raises(InputError, match="whole number of at least 2"):
        intervals.bootstrap(np.mean, 10, seed=1, draws=draws)


def test_draws_that_are_all_alike_are_no_certainty():
    """Nobody has it: a bootstrap sees no spread, and that is no interval of width 0."""
    se, low, high = intervals.bootstrap(lambda w: w @ np.zeros(20), 20, seed=1, draws=50)
    assert np.isnan([se, low, high]).all()
    assert np.isnan(intervals.percentiles([0.0, 0.0, 0.0], 0.0)).all()
