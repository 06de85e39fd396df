"""Which share of occasions passes a checkpoint, and whether a period is unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.stages.measures import NO_EPISODE, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Table

FEWEST_PERIODS = 12
FEWEST_EXPECTED = 5
CHECKPOINT_LIMIT = Note(
    "stages.checkpoint_limit",
    "A period outside its limits calls for an explanation; it does not give one. Periods with "
    "occasions still open are marked, not judged.",
)
CHECKPOINT_FEW = Note(
    "stages.checkpoint_few",
    "Fewer than {periods} periods, or fewer than {expected} expected in one: the limits are "
    "indicative only.",
)
CHECKPOINT_QUESTION = Note(
    "stages.checkpoint_question", "Which share passes each checkpoint, and is that usual?"
)
CHECKPOINT_METHOD = Note(
    "stages.checkpoint_method",
    "Share of occasions per period with Wilson interval; three-sigma limits of a p-chart, widened "
    "after Laney where periods vary more than chance.",
)


@engine.frames("profile")
@analysis
def checkpoints(
    profile: Table,
    rules: Mapping,
    *,
    time: str = "opened_at",
    period: str = "month",
    conf_level: float = 0.95,
) -> Result:
    """Which share of decision occasions passes each checkpoint, and does it leave its usual range?

    Parameters
    ----------
    profile : DataFrame, one row per occasion, such as from `stages.profile`
    rules : dict
        Checkpoint = expression over its columns, such as {"saw a price within 3 visits":
        "events_evaluation > 0 and sessions <= 3"}.
    time : str
        Column that gives the period.
    period : str
        "day", "week" or "month" (UTC).

    Returns
    -------
    Result
        checkpoint, period, count, n (occasions), estimate, conf_low, conf_high (Wilson), centre,
        lower_limit, upper_limit (three-sigma limits of a p-chart, Laney's where the counts
        vary more than chance), outside (whether the period lies beyond them), incomplete (some of
        its occasions are still open: not judged).

    Raises
    ------
    InputError
        For an expression that cannot be read or gives no yes or no.

    Source: Montgomery (2019), Statistical Quality Control; Laney (2002), Quality Engineering 14.
    """
    import pandas as pd

    if period not in ("day", "week", "month"):
        raise unknown("period", "period", period, ("day", "week", "month"))
    if not len(profile):
        raise NotEnoughData(NO_EPISODE)
    label = (
        profile[time]
        .dt.tz_localize(None)
        .dt.to_period({"day": "D", "week": "W", "month": "M"}[period])
        .dt.start_time
    )
    # A period with occasions still open shows what came quickly: it is marked, not judged.
    running = (
        (profile["outcome"] == "open").groupby(label).any()
        if "outcome" in profile
        else label.groupby(label).size() < 0
    )
    tables = []
    for name, rule in rules.items():
        try:
            passed = profile.eval(rule)
        except Exception as error:  # noqa: BLE001 - the rule is the user's own expression
            raise InputError(
                "stages.error_checkpoint_rule",
                "checkpoint '{name}': cannot read {rule:repr} ({kind}: {reason})",
                name=name,
                rule=rule,
                kind=type(error).__name__,
                reason=str(error),
            ) from None
        if getattr(passed, "dtype", None) != np.dtype(bool):
            raise InputError(
                "stages.error_checkpoint_answer",
                "checkpoint '{name}': {rule:repr} gives no yes or no",
                name=name,
                rule=rule,
            )
        table = (
            passed.groupby(label)
            .agg(["sum", "size"])
            .rename(columns={"sum": "count", "size": "n"})
            .rename_axis("period")
            .reset_index()
        )
        table.insert(0, "checkpoint", name)
        table["incomplete"] = table["period"].map(running).to_numpy(bool)
        table["estimate"] = table["count"] / table["n"]
        table["conf_low"], table["conf_high"] = intervals.wilson(
            table["count"], table["n"], conf_level
        )
        judged = table if table["incomplete"].all() else table[~table["incomplete"]]
        centre = judged["count"].sum() / judged["n"].sum()
        sigma = np.sqrt(centre * (1 - centre) / table["n"])
        with np.errstate(divide="ignore", invalid="ignore"):
            score = ((table["estimate"] - centre) / sigma)[judged.index].to_numpy()
        # Laney: where the scores move more than chance lets them, the limits widen by as much.
        wider = (
            max(np.abs(np.diff(score)).mean() / 1.128, 1.0)
            if len(score) > 2 and np.isfinite(score).all()
            else 1.0
        )
        table["centre"] = centre
        table["lower_limit"], table["upper_limit"] = (
            np.maximum(centre - 3 * sigma * wider, 0),
            np.minimum(centre + 3 * sigma * wider, 1),
        )
        table["outside"] = ~table["incomplete"] & (
            (table["estimate"] < table["lower_limit"]) | (table["estimate"] > table["upper_limit"])
        )
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    few = (
        table.groupby("checkpoint").size().min() < FEWEST_PERIODS
        or (table["n"] * table["centre"]).min() < FEWEST_EXPECTED
    )
    limits = [
        CHECKPOINT_LIMIT,
        *([CHECKPOINT_FEW.having(periods=FEWEST_PERIODS, expected=FEWEST_EXPECTED)] if few else []),
    ]
    return Result(
        question=CHECKPOINT_QUESTION,
        table=table,
        method=CHECKPOINT_METHOD,
        answer=_checkpoint_answer(table),
        unit="episodes",
        n=len(profile),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="period",
            group="checkpoint",
            percent=True,
            xlabel=Note("stages.period_axis", "Period"),
            ylabel=Note("stages.checkpoint_axis", "Share that passes"),
        ),
    )


def _checkpoint_answer(table):
    """Return the last complete period of the first checkpoint, beside its limits."""
    first = table[table["checkpoint"] == table["checkpoint"].iloc[0]]
    complete = first[~first["incomplete"]]
    last = (complete if len(complete) else first).iloc[-1]
    values = {
        "checkpoint": str(last["checkpoint"]),
        "period": last["period"],
        **shown(last),
        "lower": last["lower_limit"],
        "upper": last["upper_limit"],
    }
    if last["outside"]:
        return Note(
            "stages.checkpoint_answer_outside",
            "In the period from {period:date}, {share:%} of decision occasions passed "
            "'{checkpoint}' ({low:%} to {high:%}; {count} of {n}): outside the usual range of "
            "{lower:%} to {upper:%}.",
            **values,
        )
    return Note(
        "stages.checkpoint_answer",
        "In the period from {period:date}, {share:%} of decision occasions passed '{checkpoint}' "
        "({low:%} to {high:%}; {count} of {n}): within the usual range of {lower:%} to {upper:%}.",
        **values,
    )
