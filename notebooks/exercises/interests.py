"""The exercises of 43_interests: which links hold in other customers, and what a method adds."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("43_interests")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The first sentence under the figure says how many pairs were found, and how many "
        "of them hold. Divide the one by the other."
    ),
    right=(
        "**Right.** What does not hold was luck, or a habit of one half of the customers. A list "
        "that was searched and shown in the same data has no such number."
    ),
    otherwise=("**Not yet.** Divide the pairs that hold by the pairs that were found."),
    hints={"lost": "**Not yet.** That is the share that does not hold."},
)
def links_that_hold(pairs):
    """The share of the pairs found that hold in the other half."""
    found = int(pairs.table["discovered"].sum())
    if not found:
        return None
    held = float(pairs.table["replicated"].sum() / found)
    return Truth(held, share=True, mistakes={"lost": 1 - held})


@exercises.add(
    2,
    first=(
        "*Hint.* Look for the rows of the measure nDCG. What you can have for nothing is "
        "popularity."
    ),
    right=(
        "**Right.** Now set it beside the price, and ask what else changed: coverage, novelty, and "
        "whether anybody buys more because of it."
    ),
    otherwise=("**Not yet.** Take the gain in the row of neighbours and nDCG."),
    hints={
        "alone": "**Not yet.** That is the nDCG itself; popularity has some of it for nothing.",
        "popularity": "**Not yet.** That is the nDCG of popularity.",
    },
)
def gain_of_neighbours(new):
    """How much more nDCG neighbours have than popularity."""
    rows = new.table[new.table["measure"] == "ndcg"].set_index("method")
    if "neighbours" not in rows.index:
        return None
    row = rows.loc["neighbours"]
    return Truth(
        float(row["gain"]),
        low=float(row["gain_low"]),
        high=float(row["gain_high"]),
        mistakes={
            "alone": float(row["estimate"]),
            "popularity": float(rows.loc["popularity", "estimate"]),
        },
    )
