"""The exercises of 23_social_proof_and_emotion: what may be claimed, and what satisfaction takes."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("23_social_proof_and_emotion")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Three rows compare farmers with many and with few buying neighbours. In which of "
        "them did chance decide, and which end of its interval is the cautious one?"
    ),
    right=(
        "**Right.** Only the instrument uses a difference that chance made, so only that row may "
        "be read as what neighbours bring about; and its lower end is what the data support. How "
        "wide the interval is belongs in the same sentence."
    ),
    otherwise=(
        "**Not yet.** Read `conf_low` in the row called instrumented: the smallest effect that "
        "this experiment leaves possible."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the best guess of the right row. The interval reaches a good "
            "deal lower; what is the least it allows?"
        ),
        "adjusted": (
            "**Not yet.** That is the lower end of the adjusted comparison. Neighbours resemble "
            "each other in ways nobody measured, and holding the measured ones equal does not "
            "remove them."
        ),
        "raw": (
            "**Not yet.** That comparison takes villages as they are: people who resemble each "
            "other live together, and buy together."
        ),
    },
)
def at_least(neighbours):
    """The least that the instrumented comparison leaves possible."""
    if neighbours is None:
        return None
    rows = neighbours.table.set_index("measure")
    row = rows.loc["instrumented"]
    mistakes = {
        "estimate": row["estimate"],
        "adjusted": rows.loc["adjusted", "conf_low"],
        "raw": rows.loc["raw", "conf_low"],
    }
    low, high = row["conf_low"], row["conf_high"]
    return Truth(low, low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* Compare the weight of feeling in both models. By which fraction of the first is "
        "the second smaller?"
    ),
    right=(
        "**Right.** Whether that fraction is a path or a mistake the data cannot say. If feeling "
        "comes first and makes people satisfied, it is part of what feeling does; if something "
        "else moves both, it never belonged to feeling."
    ),
    otherwise=(
        "**Not yet.** Subtract the weight in `net` from that in `plain`, and divide by the weight "
        "in `plain`."
    ),
    hints={
        "difference": (
            "**Not yet.** That is the difference itself, in log-odds. Divide it by the weight of "
            "feeling in the first model."
        ),
        "left": "**Not yet.** That is the fraction that remains. How much is gone?",
    },
)
def taken_by_satisfaction(plain, net):
    """The fraction of the weight of feeling that goes once satisfaction is in the model."""
    before, after = plain.table.iloc[0], net.table.iloc[0]
    weight = before["estimate"]
    mistakes = {"difference": weight - after["estimate"], "left": after["estimate"] / weight}
    low, high = (1 - after[side] / weight for side in ("conf_high", "conf_low"))
    return Truth(1 - after["estimate"] / weight, low, high, share=True, mistakes=mistakes)
