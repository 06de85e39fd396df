"""The order in which rows stand, and their labels, say nothing: over every call of every function,
not over one shuffle.
"""

import numpy as np
import pandas as pd
import pytest
from calls import CALLS
from hostile import tables
from test_every_call import LONG
from test_invariance import same

from workbench.results import Result

# Rows that stand beside those of another argument, or whose order is what is asked about.
EXEMPT = {"stages.logistic_gee": "its rows stand beside the outcome and the customers of each"}
# A few at every run; all of them when all is.
QUICK = (
    "stages.barriers",
    "stages.reach",
    "funnels.conversion",
    "journeys.transitions",
    "retention.cox",
    "attribution.email_funnel",
    "conjoint.gabor_granger",
    "influence.decision_units",
)


def shuffled(name, seed):
    """Compare a call with the same one on rows in another order, some labels twice."""
    call = CALLS[name]
    if not isinstance(base := call(), Result):
        return
    for argument, table in tables(call):
        moved = table.sample(frac=1, random_state=seed)
        same(call(**{argument: moved}).table, base.table)
        moved.index = np.arange(len(moved)) // 2
        same(call(**{argument: moved}).table, base.table)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("seed", [3, 4])
def test_some_tables_shuffled(name, seed):
    """Ties at one moment too: what decides is what a row says."""
    shuffled(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in CALLS if n not in LONG and n not in EXEMPT])
def test_all_tables_shuffled(name):
    """Every function that returns a Result."""
    for seed in range(5):
        shuffled(name, seed)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 100.0])
@pytest.mark.parametrize("place", [0.0, 1.6e9])
def test_place_and_unit_of_what_was_known_before(unit, place):
    """A moment as number, or millionths, leave the association with an outcome of occasions."""
    from workbench import stages

    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=200) * 4) / 4
    yes = rng.random(200) < 1 / (1 + np.exp(-x))
    who = np.arange(200) // 2
    one, two = (
        stages.logistic_gee(yes, pd.DataFrame({"x": v}), who).table.iloc[1]
        for v in (x, x * unit + place * min(unit, 1))
    )
    for part in ("estimate", "std_error", "conf_low", "conf_high"):
        assert two[part] * unit == pytest.approx(one[part], rel=1e-5)
