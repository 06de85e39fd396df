"""How likely people are to give up on a day, by how long they have been in a stage."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, small_cells
from workbench.stages.durations import NO_STAGE, Spells
from workbench.stages.episodes import DAY, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table


@engine.tables("events")
@analysis
def hazards(
    events: Table,
    stages: Sequence[str] | None,
    *,
    days: Sequence[int] = (0, 1, 3, 7, 14),
    gap: str = "30D",
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Of those still in a stage, which share leaves the process on a day, by how long they have
    been there?

    A spell ends by moving to another stage, or by giving up; the moment of giving up is the last
    event before the silence. Only days at least `gap` before the end of the data count, whatever
    came of them: later ones cannot be judged yet.

    Parameters
    ----------
    days : sequence of int
        Where the classes of time in the stage begin, the first 0; the last class ends with `gap`.
    events, stages, gap, hold, column, until
        As in `episodes`.

    Returns
    -------
    Result
        stage, from_day, count (given up), n (days spent at risk, summed over spells), customers,
        estimate (chance to give up per day at risk), std_error, conf_low, conf_high. Customers are
        the sampling unit.

    Raises
    ------
    NotEnoughData
        If no stage before the purchase was seen.
    InputError
        Where the classes do not begin with 0 or do not rise.

    Source: Singer & Willett (2003), Applied Longitudinal Data Analysis, for hazards in discrete
    time; Deng, Knoblich & Lu (2018) for the interval.
    """
    import pandas as pd

    stages, edges = list(stages), list(days)
    if edges[0] != 0 or any(d != int(d) for d in edges) or any(b <= a for a, b in pairwise(edges)):
        raise InputError(
            "stages.error_day_classes",
            "days: classes are whole days that begin with {first} and rise, found {found:text}",
            first=0,
            found=str(list(days)),
        )
    width = schemas.micros("gap", gap)
    view, begin, end = view_of(events, stages, hold, until, column)
    spells = engine.map_ordered(
        view,
        Spells(len(stages), width, end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    if not len(spells):
        raise NotEnoughData(NO_STAGE)
    rows = []
    for i, stage in enumerate(stages[:-1]):
        mine = spells[spells["stage"] == i]
        # How long a spell was lived in: to the next stage, or to its last event; the silence after
        # that is no time in the stage.
        lived = np.where(mine["ended"], mine["micros"], mine["active"]) / DAY
        # Only days whose outcome is known by the end of the data count, for those who stayed and
        # those who left alike.
        judged = (end - width - mine["begin"].to_numpy()) / DAY
        inside = judged >= 0
        spent = np.floor(np.minimum(lived, judged)) + 1
        for low_, high_ in zip(edges, [*edges[1:], np.inf], strict=True):
            risk = np.where(inside, np.clip(spent - low_, 0, high_ - low_), 0)
            gone = (
                mine["given_up"].to_numpy()
                & inside
                & (lived <= judged)
                & (lived >= low_)
                & (lived < high_)
            )
            if risk.sum() == 0:
                continue
            per = (
                pd.DataFrame({"c": mine["customer"].to_numpy(), "y": gone, "x": risk})
                .groupby("c")
                .sum()
            )
            per = per[per["x"] > 0]
            estimate, se, _, _ = intervals.ratio(per["y"], per["x"], conf_level)
            bounds = intervals.wilson_effective_n(
                estimate, se, per["x"].sum(), len(per), conf_level
            )
            low, high = (float(v) for v in bounds)
            rows.append(
                {
                    "stage": stage,
                    "from_day": low_,
                    "count": int(per["y"].sum()),
                    "n": int(per["x"].sum()),
                    "customers": len(per),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    if not rows:
        raise NotEnoughData(
            "stages.error_entered_too_late",
            "hazards: no stage was entered early enough to be judged; bring more "
            "recent data or shorten the gap",
        )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.hazard_question",
            "How likely are people to give up on a day, by how long they have been in a stage?",
        ),
        table=table,
        answer=_hazard_answer(table),
        method=Note(
            "stages.hazard_method",
            "Spells given up per day at risk; giving up dates from the last event "
            "before {gap:span} of inactivity; ratios over customers, delta method.",
            gap=gap,
        ),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.hazard_limit",
                "Days too close to the end of the data to be judged are left out. A "
                "falling hazard need not mean that people become more committed: the least "
                "committed leave first.",
            ),
        ),
        chart=Points(
            label=["stage", "from_day"],
            group="stage",
            percent=True,
            xlabel=Note("stages.hazard_axis", "Chance to give up per day in the stage"),
        ),
    )


def _hazard_answer(table):
    """Return the stage and class of days in which the chance to give up is highest."""
    shown = table[~small_cells(table)] if (~small_cells(table)).any() else table
    most = shown.loc[shown["estimate"].idxmax()]
    return Note(
        "stages.hazard_answer",
        "The highest chance to give up observed is in {stage:word} from day {day} on: {share:%} a "
        "day ({low:%} to {high:%}; {count} of {n} days at risk).",
        stage=most["stage"],
        day=most["from_day"],
        share=most["estimate"],
        low=most["conf_low"],
        high=most["conf_high"],
        count=most["count"],
        n=most["n"],
    )
