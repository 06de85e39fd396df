"""The exercises of 13_journeys_and_paths: growth by a rule, and a figure to plan with."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("13_journeys_and_paths")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Take the rows with a pause of an hour and of a quarter of an hour. Growth is "
        "measured against what was there before."
    ),
    right=(
        "**Right.** That growth is made of nothing but a rule. Every figure per visit falls along "
        "with it, conversion among them. Before you compare two periods or two sites, ask whether "
        "a visit is the same thing in both."
    ),
    otherwise=(
        "**Not yet.** Divide the visits per customer with the short pause by those with the long "
        "one, and look at what is above one."
    ),
    hints={
        "difference": (
            "**Not yet.** That is the difference in visits per customer. The question asks for a "
            "share of what was there before."
        ),
        "after": (
            "**Not yet.** That measures against the visits after the change. Growth is measured "
            "against those before it."
        ),
    },
)
def growth_by_rule(counted):
    """How many more visits a short pause counts than a long one, as a share of the latter."""
    visits = counted.table.set_index("definition")["estimate"]
    short, long = visits["pause_15"], visits["pause_60"]
    growth = short / long - 1
    mistakes = {"difference": short - long, "after": 1 - long / short}
    # The same events under two rules: nothing is left to chance, but rounding is allowed.
    return Truth(growth, growth, growth, share=True, mistakes=mistakes)


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
