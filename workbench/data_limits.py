"""What regressions say of their data: rows left out, too few of them, weak instruments."""

from workbench.notes import Note

__all__ = ["ASSOCIATIONAL", "FEW", "FEW_CLUSTERS", "LEAST_F", "LEFT_OUT", "WEAK"]


def __dir__():
    return __all__


LEAST_F = 10  # first-stage F under which an instrument is called weak
# What many analyses of drivers and influence say of their data.
ASSOCIATIONAL = Note(
    "regression.associational",
    "Associational: what goes together when the other terms are held equal; what was not "
    "measured may lie behind both.",
)
LEFT_OUT = Note(
    "regression.left_out",
    "{n} row with a missing value is left out.",
    "{n} rows with a missing value are left out.",
    n=0,
)
FEW = Note(
    "regression.few",
    "Only {n} {unit:word}: {least} is a common minimum.",
    n=0,
    least=0,
    unit="rows",
)
FEW_CLUSTERS = Note(
    "regression.few_clusters",
    "Only {n} {unit:word}: {least} is a common minimum, and below it intervals are too narrow.",
    n=0,
    least=0,
    unit="sampling_units",
)
WEAK = Note(
    "regression.weak_instrument",
    "The instrument hardly moves what it should (F = {f:3}, under {least}): do not use the "
    "instrumented estimate.",
    f=0.0,
    least=LEAST_F,
)
