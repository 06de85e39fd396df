"""Parts of a table of choices: some customers, and the alternative chosen most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.errors import NotEnoughData, need_columns
from workbench.results import analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table


@engine.frames("choices")
@analysis
def some_customers(choices: Table, customers: Table, *, seed: int = 1) -> pd.DataFrame:
    """Return the choices of customers drawn at random; of all where there are no more.

    For models that take long, such as `mixed_logit`. Takes a table with customer_id; `customers`
    is how many to draw.
    """
    need_columns("choices", choices.columns, "customer_id")
    everybody = np.sort(choices["customer_id"].dropna().unique())
    drawn = np.random.default_rng(seed).permutation(everybody)[:customers]
    return choices[choices["customer_id"].isin(drawn)]


@engine.frames("choices")
@analysis
def most_chosen(choices: Table) -> pd.DataFrame:
    """Return the alternative that is chosen most often in a table of choices."""
    need_columns("choices", choices.columns, "alternative", "chosen")
    chosen = choices.loc[choices["chosen"].fillna(False).astype(bool), "alternative"]
    if not chosen.notna().any():
        raise NotEnoughData(
            "choice.error_nothing_chosen", "most_chosen: no alternative is chosen in these rows"
        )
    return chosen.value_counts().index[0]
