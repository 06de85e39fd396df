"""The exercises of 12_search_and_alternatives: a pooled share, and skipping as it is observed."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("12_search_and_alternatives")
check = exercises.check


@exercises.add(
    1,
    first="*Hint.* Which rows of `sets.table` have size 1, and whom does each of them describe?",
    right=(
        "**Right.** The share lies between that of buyers and that of those who gave up, and "
        "describes neither: it moves when the number of buyers does."
    ),
    otherwise="**Not yet.** Add `count` of both rows of size 1, and divide by the sum of their `n`.",
    hints={"buyers": "**Not yet.** That is the share among buyers alone."},
)
def pooled(sets):
    """The share with a single alternative when buyers and those who gave up are pooled."""
    rows = sets.table[sets.table["size"] == "1"].set_index("outcome")
    if "bought" not in rows.index or len(rows) < 2:
        return None
    mistakes = {"buyers": rows.loc["bought", "estimate"]}
    return Truth(rows["count"].sum() / rows["n"].sum(), share=True, mistakes=mistakes)


@exercises.add(
    2,
    first="*Hint.* Take the row of `looped.table` with the measure loop_share, by outcome.",
    right=(
        "**Right.** Turning back goes with this outcome. It does not show that turning back brings "
        "it about: longer decisions leave more room for both."
    ),
    otherwise="**Not yet.** Compare the two rows with the measure loop_share.",
)
def turns_back_more(looped):
    """The outcome whose occasions turn back more often; none where the intervals overlap."""
    rows = looped.table[looped.table["measure"] == "loop_share"].set_index("outcome")
    if len(rows) < 2 or rows["conf_low"].max() <= rows["conf_high"].min():
        return None
    return Truth(rows["estimate"].idxmax())
