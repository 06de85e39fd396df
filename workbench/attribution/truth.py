"""Estimates by channel beside the truth of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine
from workbench.errors import unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Grouping

PLANTED = Note(
    "attribution.truth_limit",
    "Only a simulation knows the truth; how close a method comes there says what it can do, not "
    "what it does on other data.",
)
QUESTION = Note(
    "attribution.truth_question", "How close are the estimates to the truth of the simulation?"
)
METHOD = Note(
    "attribution.truth_method",
    "Each estimate with its interval beside what the simulation brought about.",
)


@engine.frames(optional=("truth",))
@analysis
def compare_with_truth(result: Result, truth: Grouping, *, measure: str | None = None) -> Result:
    """How close are the estimates to the truth of the simulation?

    Parameters
    ----------
    result : Result of `calibrate_to_experiments` or `marketing_mix`
    truth : Series or dict
        What every channel really brought about, by channel.
    measure : str, optional
        Which measure of a Result with several.

    Returns
    -------
    Result
        channel, basis (where it was tested or not), n, estimate, conf_low, conf_high, truth,
        deviation (estimate minus truth), inside (whether the interval holds the truth).

    Raises InputError for a measure or a channel the result does not have.
    """
    import pandas as pd

    truth, table = pd.Series(truth, dtype=float), result.table
    if measure is not None:
        if measure not in set(table["measure"]):
            raise unknown("measure", "measure", measure, sorted(table["measure"].unique()))
        table = table[table["measure"] == measure]
    for name in truth.index:
        if name not in set(table["channel"]):
            raise unknown("truth", "channel", name, sorted(table["channel"]))
    table = table[table["channel"].isin(truth.index)].reset_index(drop=True)
    known = table["channel"].map(truth)
    own = ("channel", "basis", "n", "estimate", "conf_low", "conf_high")
    kept = [name for name in own if name in table]
    beside = table[kept].assign(
        truth=known,
        deviation=table["estimate"] - known,
        inside=(table["conf_low"] <= known) & (known <= table["conf_high"]),
    )
    return Result(
        question=QUESTION,
        table=beside,
        method=METHOD,
        answer=_truth_answer(beside, table, known),
        unit=result.unit,
        n=result.n,
        conf_level=result.conf_level,
        limits=(PLANTED,),
        chart=Points(label=["channel"], beside="truth", reference=0, xlabel=result.chart.xlabel),
    )


def _truth_answer(beside, table, known):
    """Return how many intervals hold the truth, and how far estimates are from it in all."""
    values = {
        "held": int(beside["inside"].sum()),
        "all": len(beside),
        "off": beside["deviation"].abs().sum(),
        "n": int(beside["n"].iloc[0]),
    }
    if "count" not in table:
        return Note(
            "attribution.truth_held",
            "The interval contains the truth for {held} of {all} channels; summed over channels "
            "the estimates differ from it by {off:3} ({n} periods).",
            **values,
        )
    if "basis" in beside and (beside["basis"] == "not_tested").any():
        free = beside[beside["basis"] == "not_tested"]
        return Note(
            "attribution.truth_untested",
            "Of the {untested} channels without a test the interval contains the truth for "
            "{untested_held}; it is {width:3} conversions wide on average, which says little. That "
            "it does so for {tested_held} of {tested} tested ones proves nothing: their tests were "
            "drawn around the truth. Summed over channels the estimates differ from it by {off:4}, "
            "uncorrected attribution by {plain:4} ({n} conversions).",
            untested=len(free),
            untested_held=int(free["inside"].sum()),
            width=float((free["conf_high"] - free["conf_low"]).mean()),
            tested=len(beside) - len(free),
            tested_held=int(beside["inside"].sum() - free["inside"].sum()),
            off=values["off"],
            plain=(table["count"] - known).abs().sum(),
            n=values["n"],
        )
    return Note(
        "attribution.truth_calibrated",
        "The interval contains the truth for {held} of {all} channels; summed over channels the "
        "estimates differ from it by {off:4}, uncorrected attribution by {plain:4} ({n} "
        "conversions).",
        plain=(table["count"] - known).abs().sum(),
        **values,
    )
