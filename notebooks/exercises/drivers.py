"""The exercises of 22_key_drivers: who may be first, and a cautious share of a path."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("22_key_drivers")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table of key drivers gives every share a rank, and the rank an interval from "
        "`rank_low` to `rank_high`. For how many drivers does that interval begin at the first "
        "place?"
    ),
    right=(
        "**Right.** Every driver whose interval of ranks begins at one could be the largest. Where "
        "that is one driver, the first place is settled; where it is several, their order in the "
        "table is not."
    ),
    otherwise=(
        "**Not yet.** Look at the rows of the measure the table begins with, and count those with "
        "`rank_low` equal to one."
    ),
    hints={
        "all": (
            "**Not yet.** That is the number of drivers asked about. Most of them never came first "
            "in the bootstrap."
        ),
        "overlap": (
            "**Not yet.** That counts shares whose interval overlaps with that of the first. "
            "Intervals that overlap are a rough test: the ranks were drawn together and say it "
            "better."
        ),
    },
)
def may_be_first(key):
    """The number of drivers that may have the largest share."""
    table = key.table
    rows = table[table["measure"] == table["measure"].iloc[0]]
    value = int((rows["rank_low"] == 1).sum())
    overlap = int((rows["conf_high"] >= rows["conf_low"].iloc[0]).sum())
    return Truth(value, mistakes={"all": len(rows), "overlap": overlap})


@exercises.add(
    2,
    first=(
        "*Hint.* Take the indirect path and the total path. Cautious means: the lower end of the "
        "interval of the indirect path, not its estimate."
    ),
    right=(
        "**Right.** Even so it remains a way of dividing a correlation. That a path accounts for so "
        "much of an association says nothing of what would happen if somebody raised the rating."
    ),
    otherwise=(
        "**Not yet.** Divide `conf_low` of the indirect path by the `estimate` of the total path."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the best guess, not a cautious one. Which smaller fraction is "
            "still within the interval of the indirect path?"
        ),
        "direct": (
            "**Not yet.** That is the part that does not run through the outcome. The question is "
            "about the part that does."
        ),
        "high": "**Not yet.** That is the largest fraction, and not the smallest.",
    },
)
def cautious_fraction(path):
    """The smallest fraction of the total that the interval of the indirect path allows."""
    if path is None:
        return None
    rows = path.table.set_index("path")
    total, indirect = rows.loc["total", "estimate"], rows.loc["indirect"]
    mistakes = {
        "estimate": indirect["estimate"] / total,
        "direct": rows.loc["direct", "estimate"] / total,
        "high": indirect["conf_high"] / total,
    }
    low, high = (indirect[side] / total for side in ("conf_low", "conf_high"))
    return Truth(low, low, high, share=True, mistakes=mistakes)
