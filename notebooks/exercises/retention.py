"""The exercises of 30_retention: a changed rule, and the choice between two medians."""

import pandas as pd

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("30_retention")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Take the row of the longest window, from the first to the second purchase. Which "
        "customers are missing from its `n`, and what does your colleague make of them?"
    ),
    right=(
        "**Right.** The customers who came back stay the same; the denominator grows by everyone "
        "who could not be followed. The share falls although nobody behaved differently, and it "
        "falls most where many customers are new: a growing shop looks worse than it is."
    ),
    otherwise=(
        "**Not yet.** Divide `count` by `n` and `immature` together, in the row of the longest "
        "window, from the first to the second purchase."
    ),
    hints={
        "unchanged": (
            "**Not yet.** That is the rate as the table gives it, with the customers who could not "
            "be followed left out. Your colleague puts them back into the denominator."
        ),
        "found": (
            "**Not yet.** That counts those who could not be followed as if they had all come "
            "back. Your colleague counts them as lost: they belong in the denominator only."
        ),
        "later_purchase": (
            "**Not yet.** That is the step from the second to the third purchase. The question is "
            "about the first to the second."
        ),
    },
)
def counted_as_lost(repeats):
    """The rate of the longest window when whoever could not be followed counts as lost."""
    table = repeats.table
    rows = table[table["window"] == max(table["window"], key=pd.Timedelta)]
    first, later = rows.iloc[0], rows.iloc[-1]
    everyone = first["n"] + first["immature"]
    mistakes = {
        "unchanged": first["estimate"],
        "found": (first["count"] + first["immature"]) / everyone,
        "later_purchase": later["count"] / (later["n"] + later["immature"]),
    }
    low, high = (first[side] * first["n"] / everyone for side in ("conf_low", "conf_high"))
    return Truth(first["count"] / everyone, low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The rhythm table has two medians of the days between purchases. Ask of each which "
        "pauses it leaves out, and whether those are longer or shorter than the others."
    ),
    right=(
        "**Right.** The pause that is still open when the data end is part of the answer: most "
        "long pauses are still open. The median of completed pauses alone would send the reminder "
        "to many customers who were about to come back by themselves."
    ),
    otherwise=(
        "**Not yet.** Look for the row of the rhythm table that takes open pauses into account, "
        "and read its `estimate`."
    ),
    hints={
        "completed": (
            "**Not yet.** That is the median of completed pauses only. A pause is completed by a "
            "customer who came back; whoever stays away longest is missing from it."
        ),
        "mean": (
            "**Not yet.** That is a year divided by the purchases in a year: a mean, in which a few "
            "frequent buyers count most. Half of all pauses is a matter of the median."
        ),
        "bound": (
            "**Not yet.** That is one end of the interval. The question is after the estimate "
            "itself; the interval says how far it may be off."
        ),
    },
)
def median_pause(rhythm):
    """The median number of days between purchases, open pauses taken into account."""
    rows = rhythm.table.set_index("measure")
    pause, completed = rows.loc["days_between"], rows.loc["days_between_seen"]
    mistakes = {
        "completed": completed["estimate"],
        "mean": 365.25 / rows.iloc[0]["estimate"],
        "bound": pause["conf_low"],
    }
    return Truth(pause["estimate"], pause["conf_low"], pause["conf_high"], mistakes=mistakes)
