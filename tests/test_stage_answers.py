"""The answers of the stages say what their tables hold, in both languages."""

import numpy as np
import pytest
from test_results import ANALYSES

from workbench.display import speaking

NAMES = (
    "mapping_quality",
    "path_complexity",
    "search",
    "consideration",
    "touchpoints",
    "flows",
    "variants",
    "triggers",
    "skipping",
    "skip_contrast",
    "decision_complexity",
    "cart_abandonment",
    "recovery",
    "checkout",
    "barriers",
    "checkpoints",
    "reach",
    "drop_location",
    "time_to_purchase",
    "time_in_stage",
    "hazards",
    "compare_time",
    "source_mix",
    "unobserved_paths",
    "gap_sensitivity",
    "intention",
)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_says_what_the_table_holds(name):
    """Every number of the sentence stands in the table; in Dutch it is another sentence."""
    data, ask = ANALYSES[name]
    result = ask(data)
    held = [*result.table.select_dtypes("number").to_numpy(float).ravel(), result.n]
    for _, fact, value in result.answer.facts():
        if isinstance(value, (int, float)):
            assert np.isclose(held, value, rtol=1e-12).any(), fact
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english
