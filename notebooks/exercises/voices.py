"""The exercises of 51_what_people_say: what labels correct, and where to begin."""

from workbench.reports.exercises import Exercises, Truth

exercises = Exercises("51_what_people_say")
check = exercises.check


@exercises.add(
    1,
    first=(
        "*Hint.* Look at the row of the negative texts: the estimate has been corrected, the last "
        "column has what was scored. Take the first less the second, as a share or with a "
        "percent sign."
    ),
    right=(
        "**Right.** Without labels that difference is there too, and nobody knows it. It is not "
        "the same for every group or month, so a trend of scores may be one of errors."
    ),
    otherwise="**Not yet.** Take `estimate` less `scored` in the row of the negative texts.",
    hints={
        "turned": "**Not yet.** The sign: corrected less scored.",
        "positive": "**Not yet.** That is the row of the positive texts.",
    },
)
def moved_by_labels(feeling):
    """By how much labels move the share of negative texts."""
    rows = feeling.table[feeling.table["basis"] == "corrected"].set_index("measure")
    if "negative" not in rows.index:
        return None
    moved = rows["estimate"] - rows["scored"]
    value = float(moved["negative"])
    mistakes = {"turned": -value, "positive": float(moved["positive"])}
    return Truth(value, low=value, high=value, share=True, mistakes=mistakes)


@exercises.add(
    2,
    first=(
        "*Hint.* Two shares stand with every aspect: how many texts name it, and how many of these "
        "are negative. The question is about the second. Write the aspect as the table has it."
    ),
    right=(
        "**Right.** Look at the intervals before you begin: with few labels an aspect, the first "
        "and the second may well change places."
    ),
    otherwise="**Not yet.** Look for the largest estimate among the rows of negative texts.",
    hints={
        "named": "**Not yet.** That is the aspect that is named most, in whatever tone.",
    },
)
def most_negative(things):
    """Which aspect has the largest share of negative texts."""
    from workbench.display import word

    table = things.table.dropna(subset=["estimate"])
    tone, named = (
        table[table["measure"] == measure].sort_values("estimate", ascending=False)["aspect"]
        for measure in ("negative", "mentioned")
    )
    if not len(tone):
        return None
    first, most = tone.iloc[0], named.iloc[0]
    mistakes = {"named": most} if most != first else {}
    return Truth((first, word(first)), mistakes=mistakes)
