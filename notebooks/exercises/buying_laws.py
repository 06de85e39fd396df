"""The exercises of 34_buying_laws: customers who were never lost, and a brand off its norm."""

from workbench.display import word
from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("34_buying_laws")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table of the last analysis gives the repeat rate twice: as it was observed, "
        "and as the law expects it where nobody changed."
    ),
    right=(
        "**Right.** That share stays away in a market where nothing happens at all. A programme to "
        "win them back would pay for customers who were coming back anyway, only later. What "
        "deserves attention is the difference between the observed rate and that of the law."
    ),
    otherwise=(
        "**Not yet.** Take the repeat rate in the column of the law, and subtract it from the "
        "whole."
    ),
    hints={
        "observed": (
            "**Not yet.** That is the share that did not come back. The question is which share "
            "would have stayed away if nobody had changed: take the repeat rate by the law."
        ),
        "returned": (
            "**Not yet.** That is the share that comes back by the law. The question is after the "
            "others."
        ),
    },
)
def stayed_away(repeats):
    """The share of buyers who skip the next period by the NBD."""
    row = repeats.table.set_index("measure").loc["repeat_rate"]
    mistakes = {"observed": 1 - row["estimate"], "returned": row["law"]}
    low, high = 1 - row["law_high"], 1 - row["law_low"]
    return Truth(1 - row["law"], low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* Compare two columns of the table: what was observed, and the norm. Look only at "
        "the rows for the share of category requirements."
    ),
    right=(
        "**Right.** Whether its distance is more than chance is another question: look at the "
        "corrected p-value before you spend your budget."
    ),
    otherwise=(
        "**Not yet.** Look for the largest deviation, of either sign, in the rows for the share "
        "of category requirements."
    ),
    hints={
        "smallest": (
            "**Not yet.** That brand has the lowest share of category requirements. That is what "
            "small brands have; ask how far it is from the norm for its size."
        ),
        "largest": (
            "**Not yet.** That brand has the highest share of category requirements. Large brands "
            "have that; ask how far it is from the norm for its size."
        ),
    },
)
def off_the_norm(norm):
    """The brand whose share of category requirements is furthest from its norm."""
    rows = norm.table[norm.table["measure"] == "requirements"].set_index("brand")
    right = rows["off"].abs().idxmax()
    smallest, largest = rows["estimate"].idxmin(), rows["estimate"].idxmax()
    mistakes = {"smallest": word(smallest), "largest": word(largest)}
    return Truth((word(right), right), mistakes=mistakes)
