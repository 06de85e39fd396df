"""The exercises of 24_attribution_and_email: a changed rule, and an assumption in a sum."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("24_attribution_and_email")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Compare two rules for every channel: its share by last contact, and its share by "
        "first contact. Where is the fall largest?"
    ),
    right=(
        "**Right.** The channel did nothing differently; only the rule changed. It stands late on "
        "the path, where people have often decided already. The conversions it loses go to "
        "channels that open paths, and whether either of them brought the orders about the rule "
        "does not say."
    ),
    otherwise=(
        "**Not yet.** Subtract the `estimate` of rule `last` from that of rule `first`, channel by "
        "channel, and take the name of the lowest."
    ),
    hints={
        "gains": (
            "**Not yet.** That channel gains most by the change. Its manager will not complain."
        ),
        "largest": (
            "**Not yet.** That is the channel with the largest share by last contact. It has most "
            "to lose, and need not lose most."
        ),
    },
)
def loses_most(by_rule):
    """The channel whose share falls most from last to first contact."""
    shares = by_rule.table.pivot(index="channel", columns="rule", values="estimate")
    change = shares["first"] - shares["last"]
    mistakes = {"gains": change.idxmax(), "largest": shares["last"].idxmax()}
    return Truth(change.idxmin(), mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* The rows of `chain.table` have two measures. One of them adds up to everything by "
        "construction; the other does not."
    ),
    right=(
        "**Right.** No shop can lose more than it has, and on most data the sum is larger than "
        "that. A path with several channels is lost once with each of them, since the model lets "
        "nobody come another way. The sum therefore measures overlap as much as loss, and nobody "
        "should read it as the effect of marketing."
    ),
    otherwise=(
        "**Not yet.** Add up `estimate` over the rows of `chain.table` with the measure `removal`."
    ),
    hints={
        "scaled": (
            "**Not yet.** That is the sum of the attributed shares, which were scaled to make up "
            "all conversions. Your colleague adds up the losses before scaling."
        ),
        "one": (
            "**Not yet.** That is the largest loss of one channel. The question is after the sum "
            "over all of them."
        ),
    },
)
def sum_of_losses(chain):
    """The removal effects of all channels added up."""
    table = chain.table
    lost = table[table["measure"] == "removal"]["estimate"]
    mistakes = {
        "scaled": table[table["measure"] == "credit"]["estimate"].sum(),
        "one": lost.max(),
    }
    # A percentage point or so more or less is a matter of rounding.
    return Truth(lost.sum(), lost.sum() - 0.1, lost.sum() + 0.1, share=True, mistakes=mistakes)
