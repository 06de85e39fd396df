"""How long decisions and their stages take, and how long people stay before they give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas, survival
from workbench import names as own
from workbench.errors import NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis
from workbench.stages.episodes import DAY, Episodes, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

UNITS = {"days": DAY, "hours": DAY // 24, "minutes": DAY // 1440}
QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
FEWEST_SPELLS = 30  # completed, for firm quantiles
SMALLEST_GROUP = 10  # spells
NO_STAGE = Note("stages.no_stage", "no stage before the purchase was seen")
UNIT_AXIS = {
    "days": Note("stages.days_axis", "Days"),
    "hours": Note("stages.hours_axis", "Hours"),
    "minutes": Note("stages.minutes_axis", "Minutes"),
}


@engine.tables("events")
@analysis
def time_in_stage(
    events: Table,
    stages: Sequence[str] | None,
    *,
    gap: str = "30D",
    hold: str | None = None,
    column: str = "event",
    unit: str = "days",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How long do people stay in a stage before they move on to another one?

    A spell runs from the entry of a stage to the entry of the next different stage of the same
    episode; the last spell of an episode without purchase is censored when the episode closes.
    Median and quartiles are read off Kaplan–Meier curves: the mean says little of such long tails.

    Parameters are as in `episodes`; `unit` is "days", "hours" or "minutes". Returns a Result:
    stage, quantile, count (spells that ended in another stage), n (spells), estimate (in that
    unit), conf_low, conf_high (Brookmeyer–Crowley; customers are the sampling unit). A quantile the
    curve does not reach is missing.

    Source: Kaplan & Meier (1958); Brookmeyer & Crowley (1982), Biometrics 38.
    """
    import pandas as pd

    one_of("unit", unit, UNITS)
    stages = list(stages)
    view, begin, end = view_of(events, stages, hold, until, column)
    spells = engine.map_ordered(
        view,
        Spells(len(stages), schemas.micros("gap", gap), end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    rows, thin = [], []
    for i, stage in enumerate(stages[:-1]):
        mine = spells[spells["stage"] == i]
        ended = int(mine["ended"].sum())
        if not len(mine):
            continue
        if ended < FEWEST_SPELLS:
            thin.append(stage)
        curve = survival.kaplan_meier(
            mine["micros"] / UNITS[unit],
            mine["ended"],
            customer=mine["customer"],
            conf_level=conf_level,
        )
        for name, share in QUARTILES.items():
            estimate, low, high = survival.quantile(curve, share)
            rows.append(
                {
                    "stage": stage,
                    "quantile": name,
                    "count": ended,
                    "n": len(mine),
                    "estimate": estimate,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    if not rows:
        raise NotEnoughData(NO_STAGE)
    limits = [
        Note(
            "stages.spell_limit",
            "Spells that ended without a next stage are censored, not dropped; a quantile that "
            "was not reached is missing.",
        )
    ] + (
        [
            Note(
                "stages.spell_thin",
                "Fewer than {least} completed spells in: {stages:word}.",
                stages=thin,
                least=FEWEST_SPELLS,
            )
        ]
        if thin
        else []
    )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.spell_question", "How long do people stay in a stage before they move on?"
        ),
        table=table,
        answer=_spell_answer(table, unit),
        method=Note(
            "stages.spell_method",
            "Kaplan–Meier quantiles of the time from entering a stage to the next "
            "different stage, in {unit:word}; gap {gap:span}; the customer is the "
            "sampling unit.",
            gap=gap,
            unit=unit,
        ),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(label=["stage", "quantile"], group="stage", log=True, xlabel=UNIT_AXIS[unit]),
    )


def _spell_answer(table, unit):
    """Return the stage with the longest median stay, of those whose interval is known."""
    medians = table[table["quantile"] == "median"]
    known = medians.dropna(subset=["estimate", "conf_low", "conf_high"])
    known = known[known["n"] >= MINIMUM_CELL] if (known["n"] >= MINIMUM_CELL).any() else known
    if not len(known):
        return Note(
            "stages.spell_answer_none",
            "For no stage is a median stay with its interval known: too few moved on ({n} spells).",
            n=medians["n"].sum(),
        )
    longest = known.loc[known["estimate"].idxmax()]
    return Note(
        "stages.spell_answer",
        "The longest median stay observed is in {stage:word}: {median:3} {unit:word} ({low:3} to "
        "{high:3}; {count} of {n} spells went on to another stage).",
        stage=longest["stage"],
        median=longest["estimate"],
        unit=unit,
        low=longest["conf_low"],
        high=longest["conf_high"],
        count=longest["count"],
        n=longest["n"],
    )


@engine.tables("events")
@analysis
def compare_time(
    events: Table,
    stages: Sequence[str] | None,
    *,
    by: str,
    stage: str,
    horizon: str = "14D",
    gap: str = "30D",
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Do some people stay in a stage longer than others?

    The restricted mean is the average number of days in the stage, up to the horizon: unlike a
    median it always exists, and unlike a mean it does not hang on the tail.

    Parameters
    ----------
    by : str
        Column of `events`; a spell has the value of the event that opened it.
    stage : str
        The stage whose spells are compared.
    horizon : str
        Up to where time counts.
    events, stages, gap, hold, column, until
        As in `episodes`.

    Returns
    -------
    Result
        [by], count (moved on within the horizon), n (spells), restricted_mean (days), estimate
        (difference from all other groups together), std_error, conf_low, conf_high, p_value,
        p_holm. Customers are the sampling unit; the log-rank test over all groups stands in
        `.limits`.

    Raises
    ------
    NotEnoughData
        With fewer than two groups of 10 spells, or where nobody was watched up to the horizon.

    Source: Royston & Parmar (2013); Mantel (1966) with the variance of Lin & Wei (1989); Holm
    (1979).
    """
    import pandas as pd

    stages, stage = own.listed(stages), own.written(stage)
    if stage not in stages[:-1]:
        raise unknown("stage", "stage", stage, stages[:-1])
    schemas.require(events, "events", by)
    groups = own.with_missing(engine.distinct(events, by))
    view, begin, end = view_of(
        events, stages, hold, until, column, {"g": engine.code(by, groups[:-1], others=True)}
    )
    spells = engine.map_ordered(
        view,
        Spells(len(stages), schemas.micros("gap", gap), end, begin),
        then=("t", "k", "g"),
        by=("customer", "held") if hold else ("customer",),
    )
    spells = spells[spells["stage"] == stages.index(stage)].sort_values(
        ["customer", "micros"], ignore_index=True
    )
    sizes = spells["g"].value_counts()
    kept = sorted(sizes.index[sizes >= SMALLEST_GROUP])
    if len(kept) < 2:
        raise NotEnoughData(
            "stages.groups_few",
            "two groups of at least {least} spells are needed; found {n}",
            least=SMALLEST_GROUP,
            n=len(kept),
        )
    spells = spells[spells["g"].isin(kept)]
    days, far = spells["micros"] / DAY, schemas.micros("horizon", horizon) / DAY
    who = np.unique(spells["customer"].astype(str), return_inverse=True)[1]
    rows = []
    for g in kept:
        mine = (spells["g"] == g).to_numpy()
        apart = survival.mean_gap(
            days, spells["ended"], mine, far, customer=who, conf_level=conf_level
        )
        p_value = float(intervals.p_value(apart["estimate"], apart["std_error"]))
        rows.append({by: groups[g], **apart, "p_value": p_value})
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.each_against_rest(table["p_value"])
    _, _, p = survival.log_rank(days, spells["ended"], spells["g"], customer=who)
    limits = (
        Note("stages.compare_log_rank", "Log-rank test over all groups: p = {p:p}.", p=float(p)),
        Note(
            "stages.groups_limit",
            "Groups were not formed at random: a difference is associated with the group, it need "
            "not be caused by it.",
        ),
    )
    return Result(
        question=Note(
            "stages.compare_question",
            "Who stays longer in {stage:word}, by {by:header}?",
            stage=stage,
            by=by,
        ),
        table=table,
        method=Note(
            "stages.compare_method",
            "Restricted mean days in the stage up to {horizon:span}, each group "
            "against all others; the customer is the sampling unit, Holm's correction.",
            horizon=horizon,
        ),
        answer=_compare_answer(table, by, stage, conf_level),
        unit="spells",
        n=len(spells),
        conf_level=conf_level,
        evidence="associational",
        limits=limits,
        chart=Points(
            label=[by],
            reference=0.0,
            xlabel=Note("stages.compare_axis", "Days more or less than the other groups"),
        ),
    )


def _compare_answer(table, by, stage, conf_level):
    """Return the clearest difference between a group and all others, or that none is clear."""
    order = table.assign(size=-table["estimate"].abs()).sort_values(
        ["p_holm", "size", by], kind="stable"
    )
    row = order.iloc[0]
    values = {
        "stage": stage,
        "group": row[by],
        "days": abs(row["estimate"]),
        "p": row["p_holm"],
        "n": row["n"],
    }
    low, high = sorted((abs(row["conf_low"]), abs(row["conf_high"])))
    if not row["p_holm"] < 1 - conf_level:
        return Note(
            "stages.compare_answer_none",
            "No difference between groups in the time spent in {stage:word} could be shown: the "
            "clearest is {difference:3} days for {group:word} ({low:3} to {high:3}; {n} spells; "
            "p = {p:p} after Holm).",
            **values | {"low": row["conf_low"], "high": row["conf_high"]},
            difference=row["estimate"],
        )
    if row["estimate"] > 0:
        return Note(
            "stages.compare_answer_longer",
            "{group:word} stay {days:3} days longer in {stage:word} than the other groups "
            "({low:3} to {high:3}; {n} spells; p = {p:p} after Holm).",
            **values,
            low=low,
            high=high,
        )
    return Note(
        "stages.compare_answer_shorter",
        "{group:word} stay {days:3} days shorter in {stage:word} than the other groups "
        "({low:3} to {high:3}; {n} spells; p = {p:p} after Holm).",
        **values,
        low=low,
        high=high,
    )


class Spells(Episodes):
    """The kernel of `time_in_stage`: one row per stay in a stage before the purchase."""

    def __call__(self, batch):
        edges = self.edges(batch)
        _, closed = self.closing(batch, edges)
        time, k = batch["t"], batch["k"]
        episode = (
            np.repeat(np.arange(len(edges)), np.diff(np.append(edges, len(batch))))
            if len(edges)
            else edges
        )
        new = np.zeros(len(batch), bool)
        new[edges] = True
        new[1:] |= k[1:] != k[:-1]
        begin = np.flatnonzero(new)
        following = np.append(begin[1:], len(batch))[: len(begin)]
        safe = np.minimum(following, len(batch) - 1)
        ended = (following < len(batch)) & (episode[safe] == episode[begin])
        until = np.where(ended, time[safe], closed[episode[begin]])
        kept = k[begin] != self.goal
        outcome, _ = self.closing(batch, edges)
        last = np.append(edges[1:], len(batch))[: len(edges)] - 1
        given_up = (~ended & (outcome[episode[begin]] == 2)) if len(begin) else ended
        active = (time[last[episode[begin]]] - time[begin]) if len(begin) else until
        more = {"g": batch["g"][begin][kept].astype(np.int64)} if "g" in batch.columns else {}
        return {
            **more,
            "begin": time[begin][kept].astype(np.int64),
            "given_up": given_up[kept],
            "active": np.maximum(active, 0)[kept],
            "customer": batch["customer"][begin][kept],
            "stage": k[begin][kept].astype(np.int64),
            "micros": np.maximum(until - time[begin], 0)[kept],
            "ended": ended[kept],
        }
