"""Parts of a table of choices: some customers, and the alternative chosen most."""

import numpy as np

from workbench import engine
from workbench.results import analysis


@engine.frames("choices")
@analysis
def some_customers(choices, customers, *, seed=1):
    """Return the choices of customers drawn at random; of all where there are no more.

    For models that take long, such as `mixed_logit`. Takes a table with customer_id; `customers`
    is how many to draw.
    """
    everybody = np.sort(choices["customer_id"].unique())
    drawn = np.random.default_rng(seed).permutation(everybody)[:customers]
    return choices[choices["customer_id"].isin(drawn)]


@engine.frames("choices")
@analysis
def most_chosen(choices):
    """Return the alternative that is chosen most often in a table of choices."""
    chosen = choices.loc[choices["chosen"].astype(bool), "alternative"]
    return chosen.value_counts().index[0]
