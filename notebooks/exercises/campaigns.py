"""The exercises of 25_campaigns_and_experiments: an interval's end, and the price of looking."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("25_campaigns_and_experiments")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Find the row of the difference in `first_test.table` and look at both ends of its "
        "interval. Which end is the higher one?"
    ),
    right=(
        "**Right.** That is the most the data allow, and the other end belongs beside it: it is "
        "just as compatible with what was seen. Whoever reports one end only has chosen the "
        "result."
    ),
    otherwise="**Not yet.** Read `conf_high` in the row with the measure `difference`.",
    hints={
        "estimate": (
            "**Not yet.** That is the estimate. The data allow differences above it too: how far?"
        ),
        "low": "**Not yet.** That is the lower end, the least favourable difference.",
        "relative": (
            "**Not yet.** That is a relative difference. The question is after the difference "
            "itself."
        ),
    },
)
def most_favourable(test):
    """The upper end of the interval of the difference."""
    rows = test.table.set_index("measure")
    row = test.table[test.table["measure"] == "difference"].iloc[0]
    relative = rows.loc[["relative"], "conf_high"].iloc[0]
    mistakes = {"estimate": row["estimate"], "low": row["conf_low"], "relative": relative}
    # A tenth of the interval's own width, on both sides of its end.
    half = (row["conf_high"] - row["conf_low"]) / 2
    low, high = row["conf_high"] - half, row["conf_high"] + half
    return Truth(row["conf_high"], low, high, share=test.chart.points, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The width of an interval is `conf_high` minus `conf_low`. Take the same row of "
        "both results."
    ),
    right=(
        "**Right.** That is the price of being allowed to look at any time. It is worth paying "
        "when stopping early saves much, or when somebody will look anyway; it is wasted when the "
        "date is fixed and nobody peeks."
    ),
    otherwise=(
        "**Not yet.** Divide the width of the interval in `watched` by the width in `once`, in the "
        "row of the difference."
    ),
    hints={
        "inverse": "**Not yet.** That is the inverse: the wider interval belongs in the numerator."
    },
)
def price_of_looking(once, watched):
    """How many times wider the interval is that may be looked at any time."""
    factor = _width(watched) / _width(once)
    return Truth(factor, factor - 0.1, factor + 0.1, mistakes={"inverse": 1 / factor})


def _width(result):
    """The width of the interval of the difference, adjusted where it is."""
    measures = set(result.table["measure"])
    measure = "adjusted" if "adjusted" in measures else "difference"
    row = result.table[result.table["measure"] == measure].iloc[0]
    return row["conf_high"] - row["conf_low"]
