"""The exercises of 20_brand_choice_and_price: a weight as a factor, and a fair yardstick."""

from math import exp

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("20_brand_choice_and_price")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table gives the weight as a change in log-odds. What undoes a logarithm? And "
        "look at the interval before you speak of a direction."
    ),
    right=(
        "**Right.** The factor is the exponential of the weight. Below one the odds are lower, "
        "above one higher; where the interval of the weight includes zero, that of the factor "
        "includes one, and the direction is open."
    ),
    otherwise="**Not yet.** Take the `estimate` of that attribute, and its exponential.",
    hints={
        "weight": (
            "**Not yet.** That is the weight itself, a change in log-odds. A factor on the odds is "
            "its exponential."
        ),
        "turned": (
            "**Not yet.** That is the factor for one unit less. Mind the sign of the weight."
        ),
    },
)
def odds_factor(fit, attribute):
    """The factor on the odds for one unit more of an attribute."""
    rows = fit.table.set_index("term")
    if attribute not in rows.index:
        return None
    weight, low, high = rows.loc[attribute, ["estimate", "conf_low", "conf_high"]]
    mistakes = {"weight": weight, "turned": exp(-weight)}
    return Truth(exp(weight), exp(low), exp(high), mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* A fair rival knows as much as the model does. Which of the two rules knows the "
        "household?"
    ),
    right=(
        "**Right.** The model knows the earlier purchases, so its rival should know them too. "
        "Part of the lead over market shares is knowledge of the household, and no merit of the "
        "model."
    ),
    otherwise=(
        "**Not yet.** Take the rows `hit_rate`: that of the model, minus that of the rule that "
        "also knows what the household bought before."
    ),
    hints={
        "shares": (
            "**Not yet.** That is the lead over market shares. That rule knows nothing about the "
            "household, and the model does: the comparison is not fair."
        ),
        "alone": (
            "**Not yet.** That is the hit rate of the model alone. How much of it does the simple "
            "rule reach as well?"
        ),
    },
)
def lead_over_last_time(held):
    """The hit rate of the model minus that of the same choice as last time."""
    if held is None:
        return None
    rates = held.table[held.table["measure"] == "hit_rate"].set_index("rule")
    model, rival = rates.loc["model"], rates.loc["last_choice", "estimate"]
    mistakes = {
        "shares": model["estimate"] - rates.loc["market_shares", "estimate"],
        "alone": model["estimate"],
    }
    low, high = model["conf_low"] - rival, model["conf_high"] - rival
    return Truth(model["estimate"] - rival, low, high, share=True, mistakes=mistakes)
