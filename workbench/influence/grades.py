"""How strong the evidence of each row is where only one comparison has an instrument."""

import numpy as np

INSTRUMENT = "quasi-causal: instrument"


def graded(table, weak=False):
    """Return comparisons with the grade of each row: of a strong instrument only the instrumented
    one is more than an association.
    """
    own = (table["measure"] == "instrumented") & (not weak)
    return table.assign(evidence=np.where(own, INSTRUMENT, "associational"))
