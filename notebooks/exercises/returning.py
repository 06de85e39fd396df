"""The exercises of 35_who_comes_back: a model beside a simple rule, and a forecast to send."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("35_who_comes_back")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Find the row of the difference in the area under the curve. Is its whole interval "
        "above zero?"
    ),
    right=(
        "**Right.** The interval decides: above zero as a whole, history is shown to add "
        "something; otherwise the simple rule does as well as can be shown, and costs nothing. How "
        "large the difference is decides whether a day a month is worth it."
    ),
    otherwise=(
        "**Not yet.** Look at both ends of the interval of the difference, and ask whether zero "
        "lies between them."
    ),
    hints={},
)
def worth_its_upkeep(told):
    """Whether history is shown to beat recency alone."""
    if told.table is None:
        return None
    low = told.table.set_index(["model", "measure"]).loc[("difference", "auc"), "conf_low"]
    return None if low != low else Truth("history" if low > 0 else "recency")


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
