"""The exercises of 32_customer_value: a model for a purpose, and the cautious end of an interval."""

from workbench.display import word
from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("32_customer_value")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The hold-out judges each model in two ways. Which of them matters when you have "
        "to tell customers apart?"
    ),
    right=(
        "**Right.** Letters go to single customers, so the error per customer decides. That the "
        "total agrees would matter for a budget; it says nothing about who is who."
    ),
    otherwise=(
        "**Not yet.** Look for the smallest mean error per customer in the table of the hold-out, "
        "and answer with the name of that model."
    ),
    hints={
        "total": (
            "**Not yet.** Its total is closest to the truth, but errors that cancel out in a total "
            "do not cancel out in a mailing list. Take the error per customer."
        ),
    },
)
def model_for_letters(predicted):
    """The model with the smallest mean error per customer."""
    rows = predicted.table.set_index(["measure", "model"])["estimate"]
    best, total = rows["error"].idxmin(), (rows["total"] - 1).abs().idxmin()
    return Truth((word(best), best), mistakes={"total": word(total)})


@exercises.add(
    2,
    first=(
        "*Hint.* The table of values has a row for the mean of a customer, with an interval. Which "
        "end of it is unfavourable?"
    ),
    right=(
        "**Right.** Below that amount the offer pays even at the unfavourable end. Mind what the "
        "interval leaves out: customers whom an agency brings need not be like the present ones, "
        "and a longer horizon or a smaller margin would move the limit itself."
    ),
    otherwise=(
        "**Not yet.** Take the lower end of the interval of the mean value of a customer, in the "
        "table of values."
    ),
    hints={
        "estimate": (
            "**Not yet.** That is the estimate: if the true mean lies below it, which is about as "
            "likely as not, the firm loses money on every customer."
        ),
        "upper": (
            "**Not yet.** That is the favourable end. The board asked about the unfavourable one."
        ),
    },
)
def safe_price(worth):
    """The lower end of the mean value of a customer, by the model that the answer takes."""
    rows = worth.table[worth.table["measure"] == "mean"]
    row = rows.loc[(rows["estimate"] - worth.answer.values["mean"]).abs().idxmin()]
    low, estimate, high = row["conf_low"], row["estimate"], row["conf_high"]
    return Truth(low, low, high, mistakes={"estimate": estimate, "upper": high})
