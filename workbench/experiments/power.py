"""What a test of a size could find, and how large it would then look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import intervals
from workbench.errors import InputError, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = Note(
    "experiments.power_limit",
    "The chances follow from the error of this test and from effects assumed beforehand; put in "
    "those that would matter, not the one that was found.",
)


@analysis
def power(test: Result, effects: Sequence[float], *, measure: str = "difference") -> Result:
    """Which effects would a test of this size have found, and how large would they then look?

    Parameters
    ----------
    test : Result of `difference` with two arms
        Only its size and its error are used, not what it found.
    effects : list of float
        Assumed true differences, in the unit of the test.
    measure : str
        The row whose error counts: "difference", or "adjusted".

    Returns
    -------
    Result
        effect, n (people), estimate (chance that its interval leaves out 0), exaggeration (how many
        times as large it looks on average where it is found), wrong_sign (share of what is found
        that has the other sign). No interval: it follows from the plan.

    Raises InputError for an effect of 0 or a measure the test does not have.

    Source: Gelman & Carlin (2014), Perspectives on Psychological Science 9.

    >>> from workbench import experiments
    >>> import pandas as pd
    >>> people = pd.DataFrame({"variant": ["control", "new"] * 200, "buys": [0, 1, 1, 0] * 100})
    >>> test = experiments.difference(people, "buys")
    >>> experiments.power(test, [0.14]).table["estimate"].round(1).tolist()
    [0.8]
    """
    import pandas as pd

    rows = test.table[test.table["measure"] == measure]
    if not len(rows):
        raise unknown("measure", "measure", measure, sorted(test.table["measure"].unique()))
    if any(effect == 0 for effect in effects):
        raise InputError(
            "experiments.error_power_effect",
            "effects: an effect of 0 cannot be found; name those that would matter",
        )
    error, z = float(rows["std_error"].iloc[0]), float(intervals.z(test.conf_level))
    table = pd.DataFrame(
        [
            {"effect": effect, "n": test.n, **_found(effect, error, z)}
            for effect in sorted(effects, key=abs)
        ]
    )
    return Result(
        question=Note(
            "experiments.power_question", "Which effects would a test of this size have found?"
        ),
        table=table,
        method=Note(
            "experiments.power_method",
            "Normal distribution with the error of the test ({error:3}); exaggeration and sign of "
            "what is found.",
            error=error,
        ),
        answer=_answer(table),
        unit=test.unit,
        n=test.n,
        conf_level=test.conf_level,
        limits=(LIMIT,),
        chart=Points(
            label=["effect"],
            percent=True,
            xlabel=Note("experiments.power_axis", "Probability that the effect is found"),
        ),
    )


def _found(effect, error, z):
    """Return the chance to find an effect, and what it looks like where it is found."""
    size = abs(effect) / error
    right, wrong = special.ndtr(size - z), special.ndtr(-size - z)
    density = [np.exp(-0.5 * (k - size) ** 2) / np.sqrt(2 * np.pi) for k in (z, -z)]
    # Means of the two tails of a normal distribution around the effect, in errors.
    looks = (size * right + density[0]) - (size * wrong - density[1])
    return {
        "estimate": float(right + wrong),
        "exaggeration": float(looks / (right + wrong) / size),
        "wrong_sign": float(wrong / (right + wrong)),
    }


def _answer(table):
    """Return what becomes of the smallest effect."""
    row = table.iloc[0]
    return Note(
        "experiments.power_answer",
        "An effect of {effect:3} would have been found with a probability of {power:%}; where it "
        "is found it looks {times:2} times as large as it is, and has the wrong sign in "
        "{wrong:%} of those cases ({n} people).",
        effect=row["effect"],
        power=row["estimate"],
        times=row["exaggeration"],
        wrong=row["wrong_sign"],
        n=int(row["n"]),
    )
