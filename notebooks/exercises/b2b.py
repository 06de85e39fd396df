"""The exercises of 26_b2c_and_b2b: the least difference, and the row that answers a question."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("26_b2c_and_b2b")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The last row of the table on impulse is the difference of the two groups, with an "
        "interval of its own. Mind which group is subtracted from which."
    ),
    right=(
        "**Right.** The difference has its own interval, and its end nearest to zero is the least "
        "the data support. Subtracting the ends of two separate intervals would be too cautious: "
        "both groups would have to be at their worst at once."
    ),
    otherwise=(
        "**Not yet.** Take the row of the difference and the end of its interval that lies nearest "
        "to zero; leave the sign out."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the best guess of the difference. What is the least that its "
            "interval allows?"
        ),
        "ends": (
            "**Not yet.** That subtracts the ends of the two separate intervals, which is too "
            "cautious. The difference has an interval of its own."
        ),
        "most": "**Not yet.** That is the largest difference the interval allows.",
    },
)
def least_difference(spot):
    """The end nearest to zero of the interval of the difference, without its sign."""
    if spot is None:
        return None
    first, second, difference = (spot.table.iloc[i] for i in (0, 1, -1))
    low, high = sorted(abs(difference[side]) for side in ("conf_low", "conf_high"))
    if difference["conf_low"] <= 0 <= difference["conf_high"]:
        low = 0.0
    less, more = sorted((first, second), key=lambda row: row["estimate"])
    mistakes = {
        "estimate": abs(difference["estimate"]),
        "ends": more["conf_low"] - less["conf_high"],
        "most": high,
    }
    return Truth(low, low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The table gives the change when a reply takes *twice* as long. Which row sets "
        "apart that hard deals wait longer, and what does half the time mean for the sign?"
    ),
    right=(
        "**Right.** Half the time is a doubling turned round. The plain comparison promises more, "
        "because hard deals both wait longer and are lost more often; a manager who planned with "
        "it would be disappointed."
    ),
    otherwise=(
        "**Not yet.** Read the `estimate` of the last row of the table on replies, and change its "
        "sign."
    ),
    hints={
        "sign": (
            "**Not yet.** The size is right. When slower replies go with fewer deals won, faster "
            "ones go with more."
        ),
        "raw": (
            "**Not yet.** That is the plain comparison. Hard deals wait longer and are lost more "
            "often, whatever the speed of the reply."
        ),
        "adjusted": (
            "**Not yet.** That holds equal what was recorded about the deals. The queue does "
            "better: it delays replies whatever the deal is like."
        ),
    },
)
def half_the_time(replied):
    """What half the reply time would go with, by the best comparison there is."""
    if replied is None:
        return None
    rows = replied.table.set_index("measure")
    best = rows.iloc[-1]
    others = {
        name: -rows.loc[name, "estimate"] for name in ("raw", "adjusted") if name in rows.index
    }
    mistakes = {"sign": best["estimate"], **others}
    return Truth(
        -best["estimate"], -best["conf_high"], -best["conf_low"], share=True, mistakes=mistakes
    )
