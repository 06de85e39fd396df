"""The exercises of 50_satisfaction_and_nps: what a wave supports, and what weights leave."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("50_satisfaction_and_nps")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The last row of the waves has the change and both ends of its interval. How many "
        "points of change since the wave before do the data rule out neither way? That is the "
        "distance between the two ends."
    ),
    right=(
        "**Right.** A slide with an arrow shows the change; the width says what the arrow is worth. "
        "Halving it takes four times the answers."
    ),
    otherwise=("**Not yet.** Subtract `change_low` from `change_high` in the last row."),
    hints={
        "level": (
            "**Not yet.** That is the width of the interval of the wave itself. A change has the "
            "error of two waves."
        ),
    },
)
def width_of_change(waves):
    """How many points the interval of the last change spans."""
    row = waves.table.iloc[-1]
    width = float(row["change_high"] - row["change_low"])
    mistakes = {"level": float(row["conf_high"] - row["conf_low"])}
    return Truth(width, low=width, high=width, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* Look at the picture of weighted, unweighted and planted scores. The weights bring "
        "the score nearer to that of everybody. How many points are left?"
    ),
    right=(
        "**Right.** The margins were known and met to the last digit, and still the score is off: "
        "within each age those who are content answer more. No weight that is made of age can know "
        "it."
    ),
    otherwise=(
        "**Not yet.** Take the row of the weighted score: its estimate less what was planted."
    ),
    hints={
        "unweighted": (
            "**Not yet.** That is how far the unweighted score is off, before the weights."
        ),
    },
)
def left_by_weights(near):
    """How far the weighted score is from that of everybody."""
    if near is None:
        return None
    rows = near.table.set_index("term")
    left = float(rows.loc["weighted", "deviation"])
    return Truth(
        left,
        low=left,
        high=left,
        mistakes={"unweighted": float(rows.loc["unweighted", "deviation"])},
    )
