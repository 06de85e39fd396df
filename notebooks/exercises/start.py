"""The exercises of 00_start: reading an interval, and a rule that changes what is kept."""

import pandas as pd

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("00_start")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Nobody asks for the best guess here, but for the most that the data still allow. "
        "Look at the longest window, from the first purchase to the second, and at its interval."
    ),
    right=(
        "**Right.** The upper end of the interval is the most one may claim from these customers. "
        "A claim above it contradicts the data; one inside it does not, and is not proven either."
    ),
    otherwise=(
        "**Not yet.** Read `conf_high` of the longest window, from the first purchase to the "
        "second."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the estimate, the middle of the interval. The data allow shares "
            "somewhat above it too: how far?"
        ),
        "low": "**Not yet.** That is the lower end: the least the data allow, not the most.",
    },
)
def most_the_data_allow(repeats):
    """The upper end of the interval of the longest window."""
    table = repeats.table
    row = table[table["window"] == max(table["window"], key=pd.Timedelta)].iloc[0]
    mistakes = {"estimate": row["estimate"], "low": row["conf_low"]}
    width = row["conf_high"] - row["conf_low"]
    # A tenth of the interval's own width, on both sides of its end.
    low, high = row["conf_high"] - width / 2, row["conf_high"] + width / 2
    return Truth(row["conf_high"], low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The load report says how many rows were kept and how many of those stand in the "
        "file more than once. What is left of a pair when its copy goes?"
    ),
    right=(
        "**Right.** Whether a copy is a mistake or a second bottle of the same wine, the file does "
        "not tell: that is a rule, and somebody who knows the shop has to set it."
    ),
    otherwise="**Not yet.** Take the exact copies away from the rows that were kept.",
    hints={
        "kept": (
            "**Not yet.** That is what is kept as the rule stands now, copies included. Under the "
            "other rule each copy goes."
        ),
        "duplicates": "**Not yet.** That is what goes. The question is what stays.",
        "from_all": (
            "**Not yet.** You took the copies away from all rows of the file. Rows that were "
            "refused are gone already."
        ),
    },
)
def kept_without_copies(report):
    """How many rows stay when exact copies are dropped."""
    mistakes = {
        "kept": report.rows_kept,
        "duplicates": report.duplicates,
        "from_all": report.rows_in - report.duplicates,
    }
    return Truth(report.rows_kept - report.duplicates, mistakes=mistakes)
