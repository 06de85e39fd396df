"""The exercises of 53_journey_map: whom a curve speaks for, and what is known without assuming."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("53_journey_map")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Look for the stage that is marked as the lowest point of everybody, and at the "
        "row of those who answered at that stage."
    ),
    right=(
        "**Right.** The report is kinder than the journey. Those who feel worse answer less, and a "
        "mean of answers cannot tell."
    ),
    otherwise="**Not yet.** Take the mean of the answers less that of everybody, at the same stage.",
    hints={
        "answers": "**Not yet.** That is what those who answered say. What do all feel there?",
        "other_way": "**Not yet.** Is the report too high or too low? Mind the sign.",
    },
)
def too_high_at_the_worst(everybody):
    """The mean of the answers less that of everybody, at the worst stage."""
    if everybody is None or everybody.table is None:
        return None
    table = everybody.table
    worst = table[(table["group"] == "everybody") & (table["mark"] == "lowest_point")]
    if worst.empty:
        return None
    here = table[table["stage"] == worst["stage"].iloc[0]].set_index("group")
    if "answered" not in here.index:
        return None
    said, all_feel = here.loc["answered"], here.loc["everybody"]
    gap = float(said["estimate"] - all_feel["estimate"])
    error = float((said["std_error"] ** 2 + all_feel["std_error"] ** 2) ** 0.5)
    return Truth(
        gap,
        low=gap - 2 * error,
        high=gap + 2 * error,
        mistakes={"answers": float(said["estimate"]), "other_way": -gap},
    )


@exercises.add(
    2,
    first="*Hint.* The table has a lower and an upper bound beside the mean of every stage.",
    right=(
        "**Right.** That is much, and it is not nothing: whatever lies outside the bounds can be "
        "ruled out, and a better response narrows them."
    ),
    otherwise="**Not yet.** Subtract the lower bound from the upper one, at the widest stage.",
    hints={
        "interval": (
            "**Not yet.** That is the interval of those who answered. It knows nothing of those "
            "who did not."
        ),
    },
)
def apart_without_assumptions(represented):
    """The distance of the bounds where it is largest."""
    if represented is None or represented.table is None:
        return None
    rows = represented.table[represented.table["measure"] == "mean"]
    row = rows.loc[(rows["bound_high"] - rows["bound_low"]).idxmax()]
    return Truth(
        float(row["bound_high"] - row["bound_low"]),
        mistakes={"interval": float(row["conf_high"] - row["conf_low"])},
    )
