"""The exercises of 31_when_do_they_leave: what may be said, and ends that compete."""

from workbench import survival
from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("31_when_do_they_leave")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* One of the four compares two groups and no more. The others name a reason: ask of "
        "each what else on this page would give the same picture."
    ),
    right=(
        "**Right.** The difference of the restricted means has an interval, and says how small it "
        "may be. A falling share is sorting as far as the open marks follow it, a smaller next order "
        "is the way back to the mean, and nobody was given a large first order by lot."
    ),
    otherwise=(
        "**Not yet.** For **a** look at both ends of the interval of the restricted means, among the "
        "limits of the curves. For the others ask whether anything was decided by chance, or the "
        "same people followed."
    ),
    hints={
        "cause": (
            "**Not yet.** Who spends much at first differs in other ways too. Nothing here was "
            "decided by lot."
        ),
        "cooling": (
            "**Not yet.** The keen come back first and are no longer counted. Look at the open marks, "
            "where nobody changes."
        ),
        "appetite": (
            "**Not yet.** Split by the *later* order, it is the same backwards in time. No cause "
            "works that way."
        ),
    },
)
def what_may_be_said(stay):
    """The letter of the one sentence that rests on the curves alone, where they show it."""
    if stay.table is None:
        return None
    facts = stay.facts[stay.facts["id"] == "retention.mean_gap"].set_index("name")["value"]
    if not len(facts) or facts[["low", "high"]].isna().any():
        return None
    right = "none" if facts["low"] <= 0 <= facts["high"] else "a"
    kept = "" if right == "none" else right
    wrong = {"cause": kept + "b", "cooling": kept + "c", "appetite": kept + "d"}
    return Truth(right, mistakes=wrong)


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
