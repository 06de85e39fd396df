"""The exercises of 21_conjoint_and_worth: a careful surcharge, and importance with other levels."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("21_conjoint_and_worth")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Take the row with the largest `estimate` in the table of worths. Which of its "
        "numbers is still low enough to be on the safe side?"
    ),
    right=(
        "**Right.** Everything between the two ends agrees with these answers, the lower end "
        "included. Whoever charges the estimate is about as likely to ask too much as too little. "
        "And it remains what people said, not what they paid."
    ),
    otherwise=(
        "**Not yet.** Look at the row with the largest `estimate`, and read the end of its interval "
        "that is lower: `conf_low`."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the estimate itself: the true average may as well lie below it. "
            "The product manager is afraid of exactly that."
        ),
        "upper": (
            "**Not yet.** That is the upper end of the interval: the most it could be worth, not "
            "the most that is safe to ask."
        ),
    },
)
def careful_surcharge(value):
    """The lower end of the interval of the level that is worth most."""
    known = value.table.dropna(subset=["estimate"])
    if known.empty:
        return None
    row = known.loc[known["estimate"].idxmax()]
    mistakes = {"estimate": row["estimate"], "upper": row["conf_high"]}
    return Truth(row["conf_low"], row["conf_low"], row["conf_high"], mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The shares are ranges divided by the sum of all ranges. If one range becomes "
        "smaller, what becomes of that sum?"
    ),
    right=(
        "**Right.** Its range halves, and the sum of all ranges shrinks along with it, so the share "
        "falls by less than half. Nobody has changed: only the levels that were shown have. A "
        "share of importance never stands without its levels."
    ),
    otherwise=(
        "**Not yet.** Halve the share of the attribute that is money, and divide it by what all "
        "shares add up to after that."
    ),
    hints={
        "unchanged": (
            "**Not yet.** That is its share with the levels as they were shown. With half the "
            "range, the same people give it a smaller one."
        ),
        "halved": (
            "**Not yet.** That is half of the share. But all shares together have to add up to the "
            "whole again: the others gain what this one loses."
        ),
    },
)
def importance_over_half_the_range(weight, money):
    """The share of the price when its levels span half of what they did."""
    rows = weight.table.set_index("attribute")
    if money not in rows.index:
        return None
    row = rows.loc[money]
    half = [share / 2 / (1 - share / 2) for share in row[["estimate", "conf_low", "conf_high"]]]
    mistakes = {"unchanged": row["estimate"], "halved": row["estimate"] / 2}
    return Truth(*half, share=True, mistakes=mistakes)
