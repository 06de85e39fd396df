"""The exercises of 35_who_comes_back: what a list is good for, and a forecast to send."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("35_who_comes_back")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Two of the four are about the order of the list and its numbers, and have a table "
        "of their own. The other two are about what a message would change."
    ),
    right=(
        "**Right.** A list may be in good order and its numbers still too high. And whoever stands "
        "at the top would mostly come anyway: what a message changes no probability of coming back "
        "can say."
    ),
    otherwise=(
        "**Not yet.** For **a** ask whether the whole interval of the difference in the area lies "
        "above zero; for **b** whether at most one of the groups lies outside its interval. The "
        "other two need a message sent by lot."
    ),
    hints={
        "message": (
            "**Not yet.** Those at the top are the likeliest to come by themselves. Whom a message "
            "brings back, only an experiment shows."
        ),
        "numbers": (
            "**Not yet.** Look at the groups: in more than one of them what came lies outside the "
            "interval. The order may be good and the numbers too high."
        ),
    },
)
def what_the_list_is_good_for(told, groups):
    """The letters of the uses that the tables support."""
    if told.table is None or groups is None or groups.table is None:
        return None
    low = told.table.set_index(["model", "measure"]).loc[("difference", "auc"), "conf_low"]
    if low != low:
        return None
    g = groups.table
    outside = int((~g["predicted"].between(g["conf_low"], g["conf_high"])).sum())
    right = ("a" if low > 0 else "") + ("b" if outside <= 1 else "")
    mistakes = {"message": right + "c"}
    if "b" not in right:
        mistakes["numbers"] = right + "b"
    return Truth(right or "none", mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The first limit of the forecast gives the mean error of every method over past "
        "forecasts. Which is smallest?"
    ),
    right=(
        "**Right.** The method with the smallest error on times it had not seen, and not the one "
        "with the most ideas behind it. Ask again when the shop or the season changes."
    ),
    otherwise=(
        "**Not yet.** Compare the mean errors in the first limit: the smallest wins, whatever the "
        "method is called."
    ),
    hints={},
)
def forecast_to_send(plan):
    """The method with the smallest mean error over past forecasts."""
    if plan.table is None:
        return None
    facts = plan.facts[plan.facts["id"] == "prediction.mase_of"]
    errors = facts.loc[facts["name"] == "mase", "value"].to_numpy()
    names = facts.loc[facts["name"] == "method", "text"].to_numpy()
    return Truth(str(names[errors.argmin()]))
