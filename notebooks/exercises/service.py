"""The exercises of 54_service_and_the_closed_loop: a convention taken away, a success examined."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("54_service_and_the_closed_loop")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The table has a row in which all that can go wrong is taken together. Its sigma "
        "level holds a shift that nobody measured."
    ),
    right=(
        "**Right.** The level with the shift is what a brochure shows; the share of chances that "
        "went wrong is the same for both. Whoever quotes a level should quote the shift beside it."
    ),
    otherwise=(
        "**Not yet.** Take the lowest `sigma` of the rows in which everything is taken together, "
        "and subtract the shift."
    ),
    hints={
        "convention": (
            "**Not yet.** That level has the shift in it. How far from the middle is the share "
            "itself?"
        ),
    },
)
def level_without_the_shift(failed, shift):
    """The sigma level of the worst group without its shift."""
    if failed.table is None:
        return None
    rows = failed.table[failed.table["chance"] == "all"].dropna(subset=["sigma"])
    if rows.empty:
        return None
    row = rows.loc[rows["sigma"].idxmin()]
    level, low, high = (float(row[c]) - shift for c in ("sigma", "sigma_low", "sigma_high"))
    return Truth(level, low=low, high=high, mistakes={"convention": level + shift})


@exercises.add(
    2,
    first=(
        "*Hint.* Those who were not called rose too. Look for the row that compares people with "
        "the same first answer."
    ),
    right=(
        "**Right.** The rest of the rise would have come without the call. And since somebody "
        "chose whom to call, even this is no proof; a lot among the unhappy would be."
    ),
    otherwise="**Not yet.** The row is called gain: contacted less not contacted.",
    hints={
        "rise": (
            "**Not yet.** That is how much the called rose. Look at how much the others did, whom "
            "nobody called."
        ),
    },
)
def what_goes_with_the_call(loop):
    """The gain at the same first answer."""
    if loop is None or "gain_of_contact" not in set(loop.table["measure"]):
        return None
    rows = loop.table.set_index(["measure", "group"])
    row = rows.loc[("gain_of_contact", "contacted_less_not")]
    rise = float(rows.loc[("change", "contacted"), "estimate"])
    return Truth(
        float(row["estimate"]),
        low=float(row["conf_low"]),
        high=float(row["conf_high"]),
        mistakes={"rise": rise},
    )
