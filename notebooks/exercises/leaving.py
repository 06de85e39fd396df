"""The exercises of 31_when_do_they_leave: an interval that may hold zero, and ends that compete."""

from workbench import survival
from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("31_when_do_they_leave")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Find the sentence about the restricted means among the limits. Does its interval "
        "hold zero?"
    ),
    right=(
        "**Right.** An interval that holds zero is compatible with no difference at all; one that "
        "does not says that there is a difference, and how small it may be. Whether that is worth "
        "a programme is a matter of days and money, not of a test."
    ),
    otherwise=(
        "**Not yet.** Look at both ends of the interval. If zero lies between them, no difference "
        "has been shown; if both are on one side, it has."
    ),
    hints={},
)
def one_group_stays_away(stay):
    """Whether the interval of the difference of restricted means leaves out zero."""
    if stay.table is None:
        return None
    facts = stay.facts[stay.facts["id"] == "retention.mean_gap"].set_index("name")["value"]
    if not len(facts) or facts[["low", "high"]].isna().any():
        return None
    return Truth("no" if facts["low"] <= 0 <= facts["high"] else "yes")


@exercises.add(
    2,
    first=(
        "*Hint.* Which of the two still adds up to everybody when the shares of both kinds of "
        "order and of those still away are added?"
    ),
    right=(
        "**Right.** Whoever came back with a cheaper order can no longer come back with a dearer "
        "one. Cumulative incidence keeps them in the denominator, so that the shares add up to "
        "everybody."
    ),
    otherwise=(
        "**Not yet.** Read the row of dearer orders in the table of reasons, at the last time up "
        "to the horizon, in the column `estimate`."
    ),
    hints={
        "censored": (
            "**Not yet.** That is one minus a survival curve with the cheaper orders censored. It "
            "describes a world in which nobody can order cheaper, and is too large for this one."
        ),
        "other": (
            "**Not yet.** That is the share of cheaper orders. The buyer asks about dearer ones."
        ),
    },
)
def dearer_order(reasons, times, horizon):
    """The cumulative incidence of a dearer order at the horizon."""
    if reasons.table is None:
        return None
    table = reasons.table[reasons.table["time"] <= horizon]
    last = table.groupby("cause").last()
    if "dearer_order" not in last.index:
        return None
    row = last.loc["dearer_order"]
    curve = survival.kaplan_meier(times["days"], (times["cause"] == "dearer_order").astype(int))
    mistakes = {"censored": 1 - curve.loc[curve["time"] <= horizon, "estimate"].iloc[-1]}
    if "cheaper_order" in last.index:
        mistakes["other"] = last.loc["cheaper_order", "estimate"]
    low, high = row["conf_low"], row["conf_high"]
    return Truth(row["estimate"], low, high, share=True, mistakes=mistakes)
