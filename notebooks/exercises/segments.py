"""The exercises of 40_segments: who changes band, and what demographics add."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("40_segments")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* The first row of the moves tells which share is in the band it was in before. "
        "Which share is not?"
    ),
    right=(
        "**Right.** Nobody wrote to them, and still so many changed band: part of it is chance. A "
        "campaign for light users would have found the same people 'grown'."
    ),
    otherwise=("**Not yet.** Take one less the share that is in the same band."),
    hints={"stayed": "**Not yet.** That is the share that stayed in its band."},
)
def changed_band(moved):
    """The share of customers in another band than before."""
    row = moved.table.iloc[0]
    return Truth(
        float(1 - row["estimate"]),
        low=float(1 - row["conf_high"]),
        high=float(1 - row["conf_low"]),
        mistakes={"stayed": float(row["estimate"])},
    )


@exercises.add(
    2,
    first=(
        "*Hint.* Look for the row that sets both bases beside behaviour alone. How much does the "
        "log score gain when demographics are added?"
    ),
    right=(
        "**Right.** Read its interval too: where it holds zero, knowing who they are adds nothing "
        "that could be shown for this outcome."
    ),
    otherwise=("**Not yet.** Take the estimate in the row of both less behaviour."),
    hints={
        "alone": "**Not yet.** That is what demographics foretell on their own.",
        "versus": "**Not yet.** That is behaviour against demographics, not what they add to it.",
    },
)
def added_by_demographics(foretold):
    """What demographics add to behaviour in log score."""
    if foretold is None:
        return None
    rows = foretold.table.set_index("basis")
    row = rows.loc["both_less_behaviour"]
    return Truth(
        float(row["estimate"]),
        low=float(row["estimate"]),
        high=float(row["estimate"]),
        mistakes={
            "alone": float(rows.loc["demographics", "estimate"]),
            "versus": float(rows.loc["behaviour_less_demographics", "estimate"]),
        },
    )
