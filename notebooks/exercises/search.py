"""The exercises of 12_search_and_alternatives: a pooled share, and what a report may say."""

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
    first=(
        "*Hint.* Ask of every sentence: is it about pages or about minds, and did chance decide "
        "who did the one thing and who the other?"
    ),
    right=(
        "**Right.** What remains are sentences about pages. Turning back may go with buying because "
        "longer occasions leave more room for both, and a log holds pages, whatever people had in "
        "mind."
    ),
    otherwise=(
        "**Not yet.** For **a** compare the two rows of `looped.table` with the measure loop_share; "
        "for **d** read the row of buyers with size 1 in `sets.table`. The other two say more than "
        "any of these tables can."
    ),
    hints={
        "cause": (
            "**Not yet.** Nobody was made to turn back by chance; who weighs more may turn back more "
            "*and* buy more."
        ),
        "mind": (
            "**Not yet.** The rule counts brands looked at more than once. What buyers had in mind "
            "stands under *Beside the truth*, and is another number."
        ),
    },
)
def what_the_report_may_say(looped, sets):
    """The letters of the sentences that the tables of loops and of brands allow."""
    rows = looped.table[looped.table["measure"] == "loop_share"].set_index("outcome")
    if sets.table is None or not {"bought", "abandoned"} <= set(rows.index):
        return None
    single = sets.table[(sets.table["size"] == "1") & (sets.table["outcome"] == "bought")]
    if single.empty:
        return None
    back = rows.loc["bought", "conf_low"] > rows.loc["abandoned", "conf_high"]
    most = single["conf_low"].iloc[0] > 0.5
    right = ("a" if back else "") + ("d" if most else "")
    mistakes = {"cause": _with(right, "b"), "mind": _with(right, "c")}
    return Truth(right or "none", mistakes=mistakes)


def _with(letters, more):
    return "".join(sorted(letters + more))
