"""The exercises of 33_loyalty_and_wallet: room within the wallet, and loyalty beside size."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("33_loyalty_and_wallet")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Take the first brand of the table. One of its rows is about the category "
        "purchases of its buyers, and not about all purchases or about people."
    ),
    right=(
        "**Right.** That is the most the brand could win from the buyers it has; usually it is "
        "far more than half. It is no promise: a brand of this size normally has such a share, and "
        "growth mostly comes from people who do not buy it yet."
    ),
    otherwise=(
        "**Not yet.** Take the share of category requirements of the first brand, and subtract it "
        "from the whole."
    ),
    hints={
        "own": (
            "**Not yet.** That is the part its buyers spend on the brand itself. The question is "
            "what goes to others."
        ),
        "people": (
            "**Not yet.** That is the share of its buyers who also buy another brand: people, and "
            "not purchases. Most of them buy another brand now and then only."
        ),
        "market": (
            "**Not yet.** That counts everybody's purchases, also of people who never buy the "
            "brand. The question is about those who do."
        ),
    },
)
def room_in_the_wallet(wallet):
    """The share of its buyers' category purchases that goes to other brands, for the largest."""
    rows = wallet.table[wallet.table["brand"] == wallet.table["brand"].iloc[0]]
    rows = rows.set_index("measure")
    own = rows.loc["requirements"]
    mistakes = {
        "own": own["estimate"],
        "people": 1 - rows.loc["sole", "estimate"],
        "market": 1 - rows.loc["share", "estimate"],
    }
    low, high = 1 - own["conf_high"], 1 - own["conf_low"]
    return Truth(1 - own["estimate"], low, high, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* In the row in which the brand follows itself the table gives two shares: what was "
        "bought next, and what size alone would bring."
    ),
    right=(
        "**Right.** This is what is left of loyalty once size is taken out. For a small brand it "
        "is often larger than for the market leader, although its repeat share is lower."
    ),
    otherwise=(
        "**Not yet.** Divide the share that buys the brand again by the share its size would bring."
    ),
    hints={
        "repeat": (
            "**Not yet.** That is the share that buys the brand again. The largest brand would "
            "have a high one even if the last purchase told nothing."
        ),
        "difference": (
            "**Not yet.** That is the difference. The question is how many times as often."
        ),
    },
)
def beyond_size(moves):
    """How many times as often as by size the first brand is bought again."""
    rows = moves.table[moves.table["brand"] == moves.table["following"]]
    row = rows.iloc[0]
    by_size = row["by_size"]
    low, high = row["conf_low"] / by_size, row["conf_high"] / by_size
    mistakes = {"repeat": row["estimate"], "difference": row["estimate"] - by_size}
    return Truth(row["ratio"], low, high, mistakes=mistakes)
