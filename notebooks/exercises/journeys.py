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
        "*Hint.* The planner counts *decisions*. Which table on this page counts them, and which "
        "counts occasions by silence?"
    ),
    right=(
        "**Right.** The row of flows is precise and about something else: its interval covers chance "
        "in drawing these customers, and not that occasions are no decisions. A careful end of a "
        "wrong number is no careful number."
    ),
    otherwise=(
        "**Not yet.** In the rows of `told.table` with the measure reach and the kind corrected, "
        "divide the share that reaches purchase by the share that reaches intent."
    ),
    hints={
        "flow": (
            "**Not yet.** That is of occasions by silence. Who gave up and came back with a new need "
            "counts there as one occasion that went on."
        ),
        "careful": (
            "**Not yet.** That is the lower end of the interval of occasions. It is careful about "
            "chance, and counts the wrong thing all the same."
        ),
        "reach": (
            "**Not yet.** That is the share of *all* decisions that reach a purchase. The planner "
            "asks of those that had come to intent."
        ),
    },
)
def of_decisions(flow, told):
    """The share of decisions that came to intent and reached a purchase, by the diaries."""
    if told is None or told.table is None:
        return None
    table = told.table
    rows = table[(table["measure"] == "reach") & (table["kind"] == "corrected")].set_index("term")
    if not {"intent", "purchase"} <= set(rows.index):
        return None
    base = rows.loc["intent", "estimate"]
    value, low, high = (rows.loc["purchase", c] / base for c in ("estimate", "conf_low", "conf_high"))
    table = flow.table
    seen = table[(table["from_stage"] == "intent") & (table["to_stage"] == "purchase")]
    mistakes = {"reach": rows.loc["purchase", "estimate"]}
    if len(seen):
        mistakes |= {"flow": seen["estimate"].iloc[0], "careful": seen["conf_low"].iloc[0]}
    return Truth(value, low, high, share=True, mistakes=mistakes)
