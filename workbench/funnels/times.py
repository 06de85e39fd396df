"""How long customers take from the first step to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, survival
from workbench import names as own
from workbench.errors import InputError
from workbench.funnels.kernels import Times
from workbench.funnels.rules import none_entered, prepare, within
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Curve, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Grouping, Moment, Table

DAY = 86_400_000_000


@engine.tables("events")
@analysis
def time_to_convert(
    events: Table,
    steps: Sequence[str],
    *,
    window: str = "14D",
    by: Grouping | None = None,
    hold: str | None = None,
    exclude: str | Sequence[str] = (),
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How long does it take from the first step to the last, counting those who never get there?

    Every event of the first step is an attempt. Its clock stops when the last step is reached, when
    an event of `exclude` comes first (which then competes), or when the window or the data end
    (censored).

    Parameters are as in `conversion`.

    Returns
    -------
    Result
        [by,] days, n (attempts at risk), count (finished at that time), estimate (share finished by
        then), std_error, conf_low, conf_high.
        Customers are the sampling unit.

    Raises
    ------
    InputError
        For repeated steps.
    NotEnoughData
        If no attempt was made.

    Source: Aalen & Johansen (1978), Scand. J. Statist. 5.
    """
    import pandas as pd

    if len({own.several(s) for s in steps}) < len(list(steps)):
        raise InputError(
            "funnels.error_time_of_repeated_steps",
            "steps: time_to_convert needs different steps",
        )
    made = prepare(
        events,
        steps,
        given={"window": window, "immature": "count"},
        by=by,
        hold=hold,
        exclude=exclude,
        column=column,
        until=until,
    )
    parts = made.run(Times(made.rules, made.end))
    if not len(parts):
        raise none_entered(made.view, made.first, window)
    curves, by = [], own.label(by)
    for g, rows in parts.groupby("g"):
        curve = survival.incidence(
            rows["micros"] / DAY, rows["cause"], customer=rows["customer"], conf_level=conf_level
        )
        curve = curve.rename(columns={"time": "days", "at_risk": "n"})
        if by:
            curve.insert(0, by, made.groups[int(g)])
        curves.append(curve)
    done = parts[parts["cause"] == 1]
    limits = [
        Note(
            "funnels.time_limit",
            "Attempts that are still running when the data end are censored, not "
            "counted as lost; several attempts of a customer overlap.",
        )
    ]
    if len(done):
        limits.append(
            Note(
                "funnels.time_median",
                "The {n} attempt that finished took {days:3} days: biased short, because slow "
                "attempts are still running.",
                "Among the {n} attempts that finished, the median is {days:3} days: biased short, "
                "because slow attempts are still running.",
                days=(done["micros"] / DAY).median(),
                n=len(done),
            )
        )
    table = pd.concat(curves, ignore_index=True)
    sizes = parts.groupby("g").size()
    sizes = {made.groups[int(g)]: int(n) for g, n in sizes.items()}
    return Result(
        question=Note(
            "funnels.time_question",
            "How long does it take from {first:word} to {last:word}?",
            first=made.names[0],
            last=made.names[-1],
        ),
        table=table,
        method=Note(
            "funnels.time_method",
            "Cumulative incidence of finishing among all attempts {within} (Aalen–Johansen); the "
            "customer is the sampling unit.",
            within=within(window),
        ),
        unit="attempts",
        n=len(parts),
        conf_level=conf_level,
        limits=tuple(limits),
        answer=_time_answer(table, sizes, by, within(window)),
        chart=Curve(
            x="days",
            group=by,
            step=True,
            percent=True,
            xlabel=Note("funnels.days_axis", "Days"),
            ylabel=Note("funnels.time_axis", "Share of attempts that finished"),
        ),
    )


def _time_answer(table, sizes, by, limit):
    """Say how many attempts finish in the end and when half of those have."""
    if by:
        sizes = {group: n for group, n in sizes.items() if n >= MINIMUM_CELL} or sizes
        ends = [
            _finish(table[table[by] == group], n) | {"group": group} for group, n in sizes.items()
        ]
        ranked = sorted(ends, key=lambda end: (-end["share"], str(end["group"])))
        most, least = ranked[0], ranked[-1]
        if len(ranked) == 1:
            return Note(
                "funnels.time_group_answer",
                "{share:%} of the attempts in group {group:word} finish {within} ({low:%} to "
                "{high:%}; {n} attempts).",
                within=limit,
                **most,
            )
        return Note(
            "funnels.time_groups_answer",
            "{share:%} of the attempts in group {group:word} finish {within} ({low:%} to {high:%}; "
            "{n} attempts), and {least_share:%} of those in group {least_group:word} "
            "({least_low:%} to {least_high:%}; {least_n} attempts).",
            within=limit,
            **most,
            **{f"least_{name}": value for name, value in least.items()},
        )
    end = _finish(table, sizes[None])
    if not end["share"] > 0:
        return Note(
            "funnels.time_none_answer",
            "None of {n} attempts finishes {within}.",
            within=limit,
            n=end["n"],
        )
    half = table.loc[table["estimate"] >= end["share"] / 2, "days"].iloc[0]
    return Note(
        "funnels.time_answer",
        "{share:%} of attempts finish {within} ({low:%} to {high:%}; {n} attempts), half of those "
        "within {days:3} days.",
        within=limit,
        days=half,
        **end,
    )


def _finish(curve, n):
    """Return the last point of a curve as the values of a sentence."""
    last = curve.iloc[-1]
    return {"share": last["estimate"], "low": last["conf_low"], "high": last["conf_high"], "n": n}
