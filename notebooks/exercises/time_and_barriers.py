"""The exercises of 11_time_and_barriers: a changed rule, and a median that leaves people out."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("11_time_and_barriers")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table of abandoned carts says how many could not be followed for the whole "
        "window. Where does your colleague put them: above the line, below it, or both?"
    ),
    right=(
        "**Right.** Nobody behaved differently, and yet the share moves. Carts opened just before "
        "the end of the data are called lost because nobody waited for them."
    ),
    otherwise=(
        "**Not yet.** Add `immature` to `count` and to `n`, in the row of the carts, and divide."
    ),
    hints={
        "unchanged": (
            "**Not yet.** That is the share as the table gives it, without the carts that could "
            "not be followed."
        ),
        "below_only": (
            "**Not yet.** That adds the carts to the denominator only, as if all of them had been "
            "ordered. Your colleague counts them as abandoned."
        ),
    },
)
def counted_as_abandoned(abandoned):
    """The share of carts abandoned when every cart that could not be followed counts as one."""
    if abandoned.table is None:
        return None
    row = abandoned.table.set_index("measure").loc["carts"]
    everyone = row["n"] + row["immature"]
    mistakes = {"unchanged": row["estimate"], "below_only": row["count"] / everyone}
    return Truth((row["count"] + row["immature"]) / everyone, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The limits under the curve give the median among those who bought. Look that day "
        "up on the curve, which counts everybody who began."
    ),
    right=(
        "**Right.** Half of the buyers, and a much smaller part of all who began: the median among "
        "buyers says nothing of those who gave up, nor of those still on their way."
    ),
    otherwise=(
        "**Not yet.** In `buying.table`, take `estimate` in the last row whose `days` does not "
        "exceed the median among buyers (`buying.facts` has it, id stages.conditional)."
    ),
    hints={
        "half": (
            "**Not yet.** That is half of those who bought. How large a part of everybody who began "
            "is that?"
        ),
        "end": "**Not yet.** That is where the curve ends, and not where it stands on that day.",
    },
)
def bought_by_the_median(buying):
    """The share of all occasions that ended in a purchase by the median day among buyers."""
    facts = buying.facts
    medians = facts[(facts["id"] == "stages.conditional") & (facts["name"] == "days")]["value"]
    rows = buying.table[buying.table["days"] <= medians.max()]
    if not len(medians) or not len(rows):
        return None
    row = rows.iloc[-1]
    mistakes = {"half": 0.5, "end": buying.table["estimate"].iloc[-1]}
    return Truth(row["estimate"], row["conf_low"], row["conf_high"], share=True, mistakes=mistakes)
