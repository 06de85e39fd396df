"""A table that another function makes and that lacks a column: the column is named where it is what
was missed, and no other error is taken for it.
"""

import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.results import made

CARTS = pd.DataFrame({"customer_id": ["a"], "mean_value": [1.0]})


def reads(carts):
    """Stands for an analysis of carts."""


reads.__module__ = "workbench.stages.carts"


@pytest.mark.parametrize("missed", ["value", "ordered_at", "returned_at", "outcome"])
def test_a_column_that_is_missed_is_named(missed):
    """Alone, and among several asked for at once; those that may be there as those that must."""
    for ask in (missed, [missed, "customer_id"]):
        with pytest.raises(KeyError) as missing:
            _ = CARTS[ask]
        with pytest.raises(InputError, match=f"no column named '{missed}'"):
            made.lacking(reads, (CARTS,), {}, missing.value)


@pytest.mark.parametrize("key", ["mean_value_of", "values", 3, ("value",), "in value"])
def test_another_key_is_not_taken_for_a_column(key):
    """A key that only resembles one, or is none of ours, is left as it is."""
    made.lacking(reads, (CARTS,), {}, KeyError(key))
    made.lacking(reads, (CARTS,), {}, KeyError())


def test_a_column_that_is_there_is_not_missed():
    """The key was missed elsewhere."""
    made.lacking(reads, (CARTS.assign(value=1.0),), {}, KeyError("value"))
