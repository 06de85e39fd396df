"""The exercises of 52_interviews_and_codes: agreement beyond chance, and what few people allow."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("52_interviews_and_codes")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table has a row for each code and measure. Which code has the lowest alpha, "
        "and what does its row say?"
    ),
    right=(
        "**Right.** On most segments nobody gives that code, and agreement on nothing is easy. On "
        "the segments that matter the coders differ."
    ),
    otherwise=(
        "**Not yet.** Take the rows with the measure alpha, leave out the one for all codes, and "
        "read the lowest estimate."
    ),
    hints={
        "percent": "**Not yet.** That is the agreement in per cent, with what chance brings in it.",
        "all": "**Not yet.** That is the alpha over all codes together.",
    },
)
def lowest_alpha(alike):
    """The lowest alpha of a code."""
    if alike.table is None:
        return None
    rows = alike.table.set_index(["measure", "code"])
    alphas = rows.loc["alpha"].drop(index="all").dropna(subset=["estimate"])
    if alphas.empty:
        return None
    code = alphas["estimate"].idxmin()
    row = alphas.loc[code]
    mistakes = {
        "percent": float(rows.loc[("percent_agreement", code), "estimate"]),
        "all": float(rows.loc[("alpha", "all"), "estimate"]),
    }
    value, low, high = (float(row[c]) for c in ("estimate", "conf_low", "conf_high"))
    if low != low:
        low, high = value, value
    return Truth(value, low=low, high=high, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The share of these participants is known. What would it be among people like "
        "them, at the least?"
    ),
    right=(
        "**Right.** And only for people like these: nobody drew them at random. With twenty people "
        "a share is known to within some forty points."
    ),
    otherwise="**Not yet.** Read `conf_low` in the first row of the table of codes.",
    hints={
        "estimate": (
            "**Not yet.** That is the share of those who were asked, and it holds for them alone."
        ),
    },
)
def least_share(mentioned):
    """The lower limit of the most mentioned code."""
    row = mentioned.table.iloc[0]
    low = float(row["conf_low"])
    return Truth(low, share=True, low=low, high=low, mistakes={"estimate": float(row["estimate"])})
