"""How many people a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE_LIMIT = Note(
    "experiments.size_limit",
    "For one look at the end; a test that may be looked at any time needs about twice as many.",
)


@analysis
def sample_size(
    baseline: float,
    effects: Sequence[float],
    *,
    sd: float | None = None,
    power: float = 0.8,
    arms: int = 2,
    split: float = 0.5,
    rho: float = 0.0,
    conf_level: float = 0.95,
) -> Result:
    """How many people does a test need?

    Parameters
    ----------
    baseline : float
        Share (or mean, with `sd`) in the control.
    effects : list of float
        Differences one would not want to miss.
    sd : float, optional
        Standard deviation of the metric; None: the metric is a share.
    power : float
        Chance to find the difference if it is there.
    arms : int
        Arms compared with the control plus one; with more than two the level is divided by their
        number (Bonferroni).
    split : float
        Share of people in the control.
    rho : float
        Correlation with the metric before the test (CUPED).

    Returns
    -------
    Result
        effect, n (people in all), estimate (people in the control), treated (people an arm); no
        interval: it follows from the plan.

    Raises InputError for shares outside 0 to 1, or an effect of 0.

    Source: Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, chapter 4;
    Deng et al. (2013) for the factor 1 − rho².
    """
    import pandas as pd
    from scipy import special

    if sd is None and not all(0 < baseline + e < 1 and 0 < baseline < 1 for e in effects):
        raise InputError(
            "experiments.error_size_shares",
            "sample_size: shares must lie between {least} and {most}, found baseline {baseline} "
            "and effects {effects}",
            least=0,
            most=1,
            baseline=baseline,
            effects=effects,
        )
    if any(e == 0 for e in effects) or not 0 < power < 1 or not 0 < split < 1 or arms < 2:
        raise InputError(
            "experiments.error_size_plan",
            "sample_size: effects must not be {least}, power and split must lie between {least} "
            "and {most}, and there must be {arms} arms",
            least=0,
            most=1,
            arms=2,
        )
    level = 1 - (1 - conf_level) / (arms - 1)
    rows = []
    for effect in effects:
        v0 = sd**2 if sd is not None else baseline * (1 - baseline)
        v1 = sd**2 if sd is not None else (baseline + effect) * (1 - baseline - effect)
        each = (1 - split) / (arms - 1)
        n = (
            (intervals.z(level) + special.ndtri(power)) ** 2
            * (v0 / split + v1 / each)
            / effect**2
            * (1 - rho**2)
        )
        rows.append(
            {
                "effect": effect,
                "n": int(np.ceil(n)),
                "estimate": int(np.ceil(n * split)),
                "treated": int(np.ceil(n * each)),
            }
        )
    return Result(
        question=Note("experiments.size_question", "How many people does a test need?"),
        table=pd.DataFrame(rows),
        method=Note(
            "experiments.size_method",
            "Two-sided test of a difference, power {power:%0}; n counts people in all, the "
            "estimate people in the control, treated people in each other arm.",
            power=power,
        ),
        answer=_size_answer(rows[0], baseline, power, sd is None),
        unit="people_needed",
        n=rows[0]["n"],
        conf_level=conf_level,
        limits=(SIZE_LIMIT,),
        chart=Points(
            label=["effect"],
            log=True,
            xlabel=Note("experiments.size_axis", "People in the control"),
        ),
    )


def _size_answer(row, baseline, power, share):
    """Return how many people it takes to find the first effect."""
    values = {
        "effect": row["effect"],
        "baseline": baseline,
        "power": power,
        "people": row["n"],
        "control": row["estimate"],
        "treated": row["treated"],
    }
    if share:
        return Note(
            "experiments.size_share",
            "A difference of {effect:points} percentage points from {baseline:%} is found with a "
            "probability of {power:%0} with {people} people: {control} in the control and "
            "{treated} in each other arm.",
            **values,
        )
    return Note(
        "experiments.size_answer",
        "A difference of {effect:3} from {baseline:3} is found with a probability of {power:%0} "
        "with {people} people: {control} in the control and {treated} in each other arm.",
        **values,
    )
