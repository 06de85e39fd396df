"""Do groups, waves and touchpoints differ, and by how much?"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis, tidy
from workbench.surveys import measures
from workbench.surveys.answers import given, scale_of, within

if TYPE_CHECKING:
    from workbench.types import Table

MEASURES = (measures.NPS, measures.TOP_BOX, measures.MEAN)
MOST_GROUPS = 12
PERIODS = ("day", "week", "month")
DIFFER = Note(
    "surveys.differ",
    "The clearest difference is that between {first:word} and {second:word}: {estimate:1} ({low:1} "
    "to {high:1}; {n} answers; corrected p-value {p:p}).",
)
DIFFER_SHARE = Note(
    "surveys.differ_share",
    "The clearest difference is that between {first:word} and {second:word}: {estimate:points} "
    "({low:points} to {high:points}; {n} answers; corrected p-value {p:p}).",
)
ALIKE = Note(
    "surveys.alike",
    "No two groups could be shown to differ: the smallest corrected p-value is {p:p}, for "
    "{first:word} and {second:word} ({n} answers).",
)


LATEST = Note(
    "surveys.trend_answer",
    "In the wave of {wave:date} the score was {estimate:1} ({low:1} to {high:1}; {n} "
    "answers), a change of "
    "{change:1} since {before:date} ({change_low:1} to {change_high:1}).",
)
LATEST_SHARE = Note(
    "surveys.trend_answer_share",
    "In the wave of {wave:date} the share was {estimate:%} ({low:%} to {high:%}; {n} "
    "answers), a change of "
    "{change:points} since {before:date} ({change_low:points} to {change_high:points}).",
)


@engine.frames("surveys")
@analysis
def differences(
    surveys: Table,
    *,
    item: str,
    by: str,
    measure: str = "top_box",
    scale: tuple | None = None,
    top: int = 2,
    conf_level: float = 0.95,
) -> Result:
    """Which groups differ, and by how much?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        weight where answers do not count the same.
    item : str
    by : str
        Column of the table that gives the group.
    measure : str
        "nps" (points), "top_box" (share of the highest answers) or "mean".
    scale, top : as in `csat`
    conf_level : float

    Returns
    -------
    Result
        group, compared_with, n (answers), estimate (the group less the other), std_error,
        conf_low, conf_high, p_value, p_holm (corrected for the number of pairs). A respondent in
        both groups counts once.

    Raises InputError for more than twelve groups, NotEnoughData for fewer than two.

    Source: linearisation: Lumley (2010), Complex Surveys, ch. 2; Holm (1979).
    """
    import pandas as pd

    asked, answers = measured(surveys, item, measure, scale, top, by=by)
    groups = sorted(set(answers.group))
    comparable(by, groups)
    rows = []
    for first, second in combinations(groups, 2):
        part = answers.where(np.isin(answers.group, (first, second)))
        numbers = measures.apart(part, part.group == first, asked, conf_level)
        rows.append({"group": first, "compared_with": second, **numbers})
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.adjust_p_values(table["p_value"])
    return Result(
        question=Note("surveys.differences_question", "Which groups differ?"),
        table=tidy(table),
        answer=_clearest(table, asked),
        method=Note(
            "surveys.differences_method",
            "Difference of the groups with the respondent as sampling unit; p-values corrected for "
            "{n} pair (Holm).",
            "Difference of the groups with the respondent as sampling unit; p-values corrected for "
            "{n} pairs (Holm).",
            n=len(table),
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=(
            *measures.limits(answers),
            Note(
                "surveys.differences_limit",
                "Groups may differ in who they are: a difference says nothing of its cause.",
            ),
        ),
        evidence="associational",
        chart=Points(
            label=["group", "compared_with"],
            reference=0,
            points=asked.share,
            xlabel=Note("surveys.axis_difference", "Difference from the other group"),
        ),
    )


@engine.frames("surveys")
@analysis
def trend(
    surveys: Table,
    *,
    item: str,
    measure: str = "top_box",
    wave: str = "month",
    scale: tuple | None = None,
    top: int = 2,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """How does the score change from wave to wave?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        weight where answers do not count the same.
    item : str
    measure : str
        "nps" (points), "top_box" (share of the highest answers) or "mean".
    wave : str
        "day", "week" or "month": the calendar period that makes a wave; or the column that names
        it, whose values sort in time.
    scale, top : as in `csat`
    zone : str
        Time zone of the calendar.
    conf_level : float

    Returns
    -------
    Result
        wave, count, n (answers), estimate, std_error, conf_low, conf_high, change (from the wave
        before), change_low, change_high, p_value and p_holm (of the change). Waves without answers
        have no row.

    Raises NotEnoughData for fewer than two waves.

    Source: as `differences`.
    """
    import pandas as pd

    calendar = wave in PERIODS
    asked, answers = measured(surveys, item, measure, scale, top, by=None if calendar else wave)
    waves = _waves(answers.at, wave, zone) if calendar else answers.group
    order = sorted(set(waves))
    _several(order, Note("surveys.waves", "waves"))
    rows = []
    for place, name in enumerate(order):
        row = {"wave": name, **measures.estimate(answers.where(waves == name), asked, conf_level)}
        before = order[place - 1] if place else None
        rows.append({**row, **_change(answers, waves, before, name, asked, conf_level)})
    table = tidy(rows)
    table["p_holm"] = intervals.adjust_p_values(table["p_value"])
    answer = _latest(table, asked)
    if calendar:
        table["wave"] = pd.to_datetime(table["wave"])
    return Result(
        question=Note("surveys.trend_question", "How does the score change from wave to wave?"),
        table=table,
        answer=answer,
        method=Note(
            "surveys.trend_method",
            "Each wave with its own interval; changes from the wave before with the respondent as "
            "sampling unit, p-values corrected for their number (Holm).",
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=(
            *measures.limits(answers),
            Note(
                "surveys.trend_limit",
                "A change may be one of who answered: compare the make-up of the waves, or weight "
                "them.",
            ),
        ),
        chart=Curve(
            x="wave",
            percent=asked.share,
            xlabel=Note("surveys.axis_wave", "Wave"),
            ylabel=measures.axis(asked),
        ),
    )


def measured(surveys, item, measure, scale, top, *, by=None):
    """Return a measure and the answers it is made of, checked against its scale."""
    one_of("measure", measure, MEASURES)
    if measure == measures.NPS:
        asked = measures.net_promoter()
    else:
        known = scale_of(surveys, item, scale)
        asked = (
            measures.top_box(known, top)
            if measure == measures.TOP_BOX
            else measures.Measure(measures.MEAN, known)
        )
    return asked, within(given(surveys, item, by=by), item, asked.scale)


def _waves(moments, period, zone):
    """Return the first day of the calendar period of every moment."""
    import pandas as pd

    local = pd.Series(moments).dt.tz_localize("UTC")
    first = periods.first_day(periods.local_days(local, zone), period)
    return first.astype("datetime64[D]").astype(str)


def comparable(by, groups):
    """Refuse one group, and more groups than can be compared in pairs."""
    _several(groups, Note("surveys.groups", "groups"))
    if len(groups) > MOST_GROUPS:
        raise InputError(
            "surveys.error_many_groups",
            "by: '{by}' has {n} groups, which make too many pairs to compare; merge them into at "
            "most {most}",
            by=by,
            n=len(groups),
            most=MOST_GROUPS,
        )


def _several(names, what):
    """Refuse fewer than two groups or waves."""
    if len(names) < 2:
        raise NotEnoughData(
            "surveys.error_one_group",
            "surveys: a comparison needs at least {least} {what}, found {n}",
            least=2,
            what=what,
            n=len(names),
        )


def _change(answers, waves, before, name, asked, conf_level):
    """Return the change from the wave before as part of a row; missing for the first wave."""
    if before is None:
        return dict.fromkeys(("change", "change_low", "change_high", "p_value"), np.nan)
    part = np.isin(waves, (before, name))
    made = measures.apart(answers.where(part), waves[part] == name, asked, conf_level)
    return {
        "change": made["estimate"],
        "change_low": made["conf_low"],
        "change_high": made["conf_high"],
        "p_value": made["p_value"],
    }


def _clearest(table, asked):
    """Return the note of the pair with the smallest corrected p-value."""
    known = table.dropna(subset=["p_holm"])
    if known.empty:
        raise NotEnoughData(
            "surveys.error_no_pair",
            "surveys: no two groups have two respondents each, which a comparison needs",
        )
    row = known.sort_values(["p_holm", "p_value"], kind="stable").iloc[0]
    values = {
        "first": row["group"],
        "second": row["compared_with"],
        "n": int(row["n"]),
        "p": row["p_holm"],
    }
    if row["p_holm"] >= 0.05:
        return ALIKE.having(**values)
    note = DIFFER_SHARE if asked.share else DIFFER
    return note.having(
        **values, estimate=row["estimate"], low=row["conf_low"], high=row["conf_high"]
    )


def _latest(table, asked):
    """Return the note of the last wave and its change."""
    row = table.iloc[-1]
    note = LATEST_SHARE if asked.share else LATEST
    return note.having(
        wave=row["wave"],
        before=table.iloc[-2]["wave"],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        change=row["change"],
        change_low=row["change_low"],
        change_high=row["change_high"],
    )
