"""Differences of several tests beside the effects that a simulation planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Grouping

QUESTION = Note(
    "experiments.planted_question", "How close do tests come to the effects that were planted?"
)
METHOD = Note(
    "experiments.planted_method",
    "The difference of each test with its interval beside the effect planted in the simulation.",
)
LIMIT = Note(
    "experiments.planted_limit",
    "Planted effects are known in a simulation only; of many intervals some miss, as their level "
    "says.",
)


@analysis
def compare_with_planted(planted: Grouping, **tests: Mapping) -> Result:
    """How close do tests come to the effects that were planted?

    Parameters
    ----------
    planted : Series or dict
        Effect of each test, by name.
    **tests : Results of `difference` with two arms, by name

    Returns
    -------
    Result
        test, n (people), estimate, conf_low, conf_high, truth, inside (whether the interval holds
        the truth).
    """
    import pandas as pd

    rows = []
    for name, made in tests.items():
        row = made.table[made.table["measure"] == "difference"].iloc[0]
        kept = row[["n", "estimate", "conf_low", "conf_high"]]
        rows.append({"test": name, **kept, "truth": float(planted[name])})
    table = pd.DataFrame(rows).astype({"n": int})
    table["inside"] = (table["conf_low"] <= table["truth"]) & (table["truth"] <= table["conf_high"])
    any_test = next(iter(tests.values()))
    return Result(
        question=QUESTION,
        table=table,
        method=METHOD,
        answer=Note(
            "experiments.planted_answer",
            "The interval contains the planted effect in {held} of {all} tests; the smallest test "
            "has {n} people.",
            held=int(table["inside"].sum()),
            all=len(table),
            n=int(table["n"].min()),
        ),
        unit="people",
        n=int(table["n"].max()),
        conf_level=any_test.conf_level,
        limits=(LIMIT,),
        chart=Points(
            label=["test"],
            beside="truth",
            reference=0,
            xlabel=Note("experiments.axis", "Difference from the control"),
        ),
    )
