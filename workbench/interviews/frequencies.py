"""How many mention what, what comes up together, and in which stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import need_columns
from workbench.interviews.codes import NOT_IMPORTANCE, OURS, none_agreed, read
from workbench.notes import Note
from workbench.results import Heat, Points, Result, analysis, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

RULES = {
    "any": Note("interviews.rule_any", "any coder"),
    "most": Note("interviews.rule_most", "most coders of the text"),
    "all": Note("interviews.rule_all", "all coders of the text"),
}
METHODS = {
    "frequency": Note(
        "interviews.frequency_method",
        "Participants who mention a code at least once over all participants; codes of {rule} "
        "count; Wilson's interval.",
    ),
    "together": Note(
        "interviews.together_method",
        "Segments with both codes over segments with either; codes of {rule} count; the "
        "participant is the sampling unit.",
    ),
    "stage": Note(
        "interviews.stage_method",
        "Participants who mention a code in a stage over those who speak of it; codes of {rule} "
        "count; Wilson's interval.",
    ),
}


@engine.frames("codes")
@analysis
def frequency(codes: Table, *, agreed: str = "any", conf_level: float = 0.95) -> Result:
    """How many participants mention each code?

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code
        participant_id where one person gave several texts; a row without a code says that the
        coder read the segment and found nothing.
    agreed : str
        Whose codes count: "any" coder's, those of "most" or of "all" coders of the text.
    conf_level : float

    Returns
    -------
    Result
        code, count (participants who mention it), n (participants), estimate, std_error, conf_low,
        conf_high (Wilson), and segments.

    Raises InputError for a missing column or another rule, NotEnoughData without a code.

    Source: Braun & Clarke (2006), Qualitative Research in Psychology 3; rule V-10.
    """
    coded = read(codes, agreed=agreed)
    if coded.agreed.empty:
        raise none_agreed()
    people = np.array(coded.participants)
    rows = []
    for code, part in coded.agreed.groupby("code"):
        share = intervals.share(np.isin(people, part["who"].unique()), people, conf_level)
        rows.append({"code": code, **share, "segments": int(part["segment"].nunique())})
    table = tidy(rows).sort_values(["count", "code"], ascending=[False, True], kind="stable")
    table = table.reset_index(drop=True)
    top = table.iloc[0]
    return Result(
        question=Note("interviews.frequency_question", "How many participants mention what?"),
        table=table,
        answer=Note(
            "interviews.frequency_answer",
            "Most mentioned is {name:word}: by {estimate:%} ({low:%} to {high:%}; {count} of {n} "
            "participants); {codes} codes were given.",
            name=top["code"],
            estimate=top["estimate"],
            low=top["conf_low"],
            high=top["conf_high"],
            count=int(top["count"]),
            n=int(top["n"]),
            codes=len(table),
        ),
        method=METHODS["frequency"].having(rule=RULES[agreed]),
        unit="participants",
        n=len(people),
        conf_level=conf_level,
        limits=(NOT_IMPORTANCE,),
        chart=Points(
            label=["code"],
            percent=True,
            xlabel=Note("interviews.mention_axis", "Share of participants who mention it"),
        ),
    )


@engine.frames("codes")
@analysis
def co_occurrence(
    codes: Sequence[str] | None, *, agreed: str = "any", conf_level: float = 0.95
) -> Result:
    """Which codes come up together in one segment?

    Parameters are as in `frequency`.

    Returns
    -------
    Result
        code, with_code, count (segments with both), n (segments with either), estimate (count over
        n: Jaccard), std_error, conf_low, conf_high, and participants who have both in a segment;
        participants are the sampling unit. Pairs that never come together have no row.

    Raises as `frequency`.

    Source: Jaccard (1912), New Phytologist 11; rule V-10.
    """
    coded = read(codes, agreed=agreed)
    if coded.agreed.empty:
        raise none_agreed()
    grid, who, found = _grid(coded.agreed)
    rows = []
    for a in range(len(found)):
        for b in range(a + 1, len(found)):
            both, either = grid[:, a] & grid[:, b], grid[:, a] | grid[:, b]
            if both.any():
                share = intervals.share(both[either], who[either], conf_level)
                pair = {"code": found[a], "with_code": found[b]}
                rows.append({**pair, **share, "participants": len(set(who[both]))})
    empty = {"code": found[0], "with_code": found[-1]}
    either = np.ones(len(grid), bool)
    none = {**empty, **intervals.share(~either, who, conf_level), "participants": 0}
    table = tidy(rows or [none]).sort_values(
        ["estimate", "count", "code"], ascending=[False, False, True], kind="stable"
    )
    table = table.reset_index(drop=True)
    return Result(
        question=Note("interviews.together_question", "What comes up together?"),
        table=table,
        answer=_together_answer(table if rows else None, len(grid)),
        method=METHODS["together"].having(rule=RULES[agreed]),
        unit="segments",
        n=len(grid),
        conf_level=conf_level,
        limits=(NOT_IMPORTANCE,),
        chart=Heat(
            row="code",
            column="with_code",
            percent=True,
            xlabel=Note("interviews.together_axis", "Together with"),
        ),
    )


@engine.frames("codes")
@analysis
def by_stage(
    codes: Table, *, by: str = "stage", agreed: str = "any", conf_level: float = 0.95
) -> Result:
    """In which stage of the journey is what mentioned?

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code, and the column `by`
    by : str
        Column of the stage, touchpoint or group that a segment speaks of.
    agreed, conf_level : as in `frequency`

    Returns
    -------
    Result
        stage (named as `by`), code, count (participants who mention it there), n (participants who
        speak of that stage), estimate, std_error, conf_low, conf_high (Wilson).

    Raises as `frequency`.

    Source: Braun & Clarke (2006), Qualitative Research in Psychology 3; rule V-10.
    """
    need_columns("codes", codes.columns, by)
    coded = read(codes, agreed=agreed)
    if coded.agreed.empty:
        raise none_agreed()
    column = names.label(by, OURS - {"stage"})
    stage = names.filled(coded.rows[by]).map(names.written)
    place = coded.rows.assign(place=stage).drop_duplicates("segment").set_index("segment")["place"]
    spoken = coded.rows.assign(place=coded.rows["segment"].map(place))
    given = coded.agreed.assign(place=coded.agreed["segment"].map(place))
    rows = []
    for name in sorted(set(place)):
        people = np.array(sorted(set(spoken.loc[spoken["place"] == name, "who"])))
        here = given[given["place"] == name]
        for code in coded.codes:
            said = set(here.loc[here["code"] == code, "who"])
            share = intervals.share(np.isin(people, list(said)), people, conf_level)
            rows.append({column: name, "code": code, **share})
    table = tidy(rows)
    top = table.sort_values("estimate", ascending=False, kind="stable").iloc[0]
    return Result(
        question=Note("interviews.stage_question", "In which stage is what mentioned?"),
        table=table,
        answer=Note(
            "interviews.stage_answer",
            "Most often mentioned where it is spoken of: {name:word} in {stage:word}, by "
            "{estimate:%} ({low:%} to {high:%}; {n} participants).",
            name=top["code"],
            stage=top[column],
            estimate=top["estimate"],
            low=top["conf_low"],
            high=top["conf_high"],
            n=int(top["n"]),
        ),
        method=METHODS["stage"].having(rule=RULES[agreed]),
        unit="participants",
        n=len(coded.participants),
        conf_level=conf_level,
        limits=(NOT_IMPORTANCE,),
        chart=Heat(
            row="code",
            column=column,
            percent=True,
            xlabel=Note("interviews.stage_axis", "Stage"),
        ),
    )


def _grid(agreed):
    """Return segments × codes, the participant of each segment, and the codes."""
    found = sorted(set(agreed["code"]))
    segments = agreed.drop_duplicates("segment").sort_values("segment", kind="stable")
    place = {s: k for k, s in enumerate(segments["segment"])}
    grid = np.zeros((len(place), len(found)), bool)
    grid[
        agreed["segment"].map(place).to_numpy(), np.searchsorted(found, agreed["code"].to_numpy())
    ] = True
    return grid, segments["who"].to_numpy(), found


def _together_answer(table, segments):
    if table is None:
        return Note(
            "interviews.together_none",
            "No two codes come up in one of {n} segments.",
            n=segments,
        )
    top = table.iloc[0]
    return Note(
        "interviews.together_answer",
        "Most often together are {first:word} and {second:word}: in {estimate:%} of the segments "
        "that have either ({low:%} to {high:%}; {count} of {n} segments).",
        first=top["code"],
        second=top["with_code"],
        estimate=top["estimate"],
        low=top["conf_low"],
        high=top["conf_high"],
        count=int(top["count"]),
        n=int(top["n"]),
    )
