"""The exercises of 13_journeys_and_paths: a fall by a rule, and a figure to plan with."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("13_journeys_and_paths")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Write the figure as a fraction. Which of its two parts does the rule move, and "
        "which rows of the table say by how much?"
    ),
    right=(
        "**Right.** Not one order fewer, and still a conversion that falls: the rule moved the "
        "denominator and nobody's behaviour did. Orders per customer would have stayed as they "
        "were. Before you compare two periods or two sites, ask whether a visit is the same thing "
        "in both."
    ),
    otherwise=(
        "**Not yet.** Orders stay the same. Divide the visits per customer with the long pause by "
        "those with the short one, and look at what is missing to one."
    ),
    hints={
        "growth": (
            "**Not yet.** That is by which share the visits grow. Orders per visit has the visits "
            "below the line, so it falls by another share."
        ),
        "ratio": (
            "**Not yet.** That is what is left of the figure, as a share of what it was. The "
            "question asks what is lost."
        ),
        "difference": (
            "**Not yet.** That is the difference in visits per customer. The question asks for a "
            "share, and of another figure."
        ),
    },
)
def fall_by_rule(counted):
    """The share by which orders per visit fall when a short pause replaces a long one."""
    visits = counted.table.set_index("definition")["estimate"]
    short, long = visits["pause_15"], visits["pause_60"]
    fall = 1 - long / short
    mistakes = {"growth": short / long - 1, "ratio": long / short, "difference": short - long}
    # The same events under two rules: nothing is left to chance, but rounding is allowed.
    return Truth(fall, fall, fall, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* Find the row from intent to purchase in the table of flows. It has an estimate "
        "and an interval."
    ),
    right=(
        "**Right.** Everything in the interval agrees with these data, its lower end included. It "
        "covers chance in drawing these customers, and not a season or a competitor that changes "
        "the share itself."
    ),
    otherwise="**Not yet.** Read `conf_low` in the row from intent to purchase.",
    hints={
        "estimate": (
            "**Not yet.** That is the estimate itself. The true share may as well lie below it, "
            "and the planner would be disappointed."
        ),
        "upper": (
            "**Not yet.** That is the upper end: the most one can hope for, not the least one can "
            "expect."
        ),
    },
)
def careful_share(flow):
    """The lower end of the interval of the share that goes from intent to purchase."""
    table = flow.table
    rows = table[(table["from_stage"] == "intent") & (table["to_stage"] == "purchase")]
    if rows.empty:
        return None
    row = rows.iloc[0]
    mistakes = {"estimate": row["estimate"], "upper": row["conf_high"]}
    return Truth(row["conf_low"], row["conf_low"], row["conf_high"], share=True, mistakes=mistakes)
