"""How do people score: would they recommend, were they satisfied, was it easy, is it usable?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.surveys import measures
from workbench.surveys.answers import given, scale_of, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

NPS_ANSWER = Note(
    "surveys.nps_answer",
    "The net promoter score is {estimate:1} points ({low:1} to {high:1}; {n} answers): "
    "{promoters:%} promoters less {detractors:%} detractors.",
)
NPS_GROUPS = Note(
    "surveys.nps_answer_groups",
    "The net promoter score was highest for {name:word}: {estimate:1} points ({low:1} to {high:1}; "
    "{n} answers); it was lowest for {last:word} ({last_value:1}).",
)
BOX_ANSWER = Note(
    "surveys.box_answer",
    "{estimate:%} answered {from} to {to} on a scale of {lowest} to {highest} ({low:%} to "
    "{high:%}; "
    "{n} answers).",
)
BOX_GROUPS = Note(
    "surveys.box_answer_groups",
    "The share who answered {from} to {to} was highest for {name:word}: {estimate:%} ({low:%} to "
    "{high:%}; {n} answers); it was lowest for {last:word} ({last_value:%}).",
)
SUS_ANSWER = Note(
    "surveys.sus_answer",
    "Usability scores {estimate:1} of {most} ({low:1} to {high:1}; {n} respondents).",
)
SUS_GROUPS = Note(
    "surveys.sus_answer_groups",
    "Usability scored highest for {name:word}: {estimate:1} of {most} ({low:1} to {high:1}; {n} "
    "respondents); lowest for {last:word} ({last_value:1}).",
)
NOT_A_PERCENTAGE = Note(
    "surveys.nps_limit",
    "A net promoter score is a difference of shares in points: the same score can hide many or few "
    "who are neutral, and people of different countries use the scale differently.",
)
NAMED_CSAT = Note(
    "surveys.csat_limit",
    "Both the share of the highest answers and the mean are called CSAT: say which one is meant.",
)
EASY = Note(
    "surveys.ces_agreement_limit",
    "High is easy here; in the version that asks for effort, low is good.",
)
HARD = Note(
    "surveys.ces_effort_limit",
    "Low is good here: the item asks for effort; in the version that asks for agreement, high is "
    "easy.",
)
VERSIONS = ("agreement", "effort")


@engine.frames("surveys")
@analysis
def nps(
    surveys: Table, *, item: str = "recommend", by: str | None = None, conf_level: float = 0.95
) -> Result:
    """Would people recommend us: promoters less detractors, in points?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        Answers from 0 to 10; weight where answers do not count the same.
    item : str
        The item that asks for recommendation.
    by : str, optional
        Column of the table that gives the group, such as touchpoint.
    conf_level : float

    Returns
    -------
    Result
        group, measure, count, n (answers), estimate, std_error, conf_low, conf_high. Measures: nps
        (points), promoters (9 and 10), passives (7 and 8) and detractors (0 to 6), as shares.

    Raises InputError for answers that are no whole numbers from 0 to 10, NotEnoughData without any.

    Source: Reichheld (2003), Harvard Business Review 81; the adjusted interval: Rocks (2016),
    Quality and Reliability Engineering International 32.
    """
    answers = within(given(surveys, item, by=by), item, measures.SCALE_NPS)
    net = measures.net_promoter()
    boxes = {"promoters": (9, 10), "passives": (7, 8), "detractors": (0, 6)}
    rows = []
    for group, part in answers.groups():
        key = {names.label(by): group} if by else {}
        rows.append({**key, "measure": measures.NPS, **measures.estimate(part, net, conf_level)})
        for name, box in boxes.items():
            share = measures.Measure(name, measures.SCALE_NPS, box)
            rows.append({**key, "measure": name, **measures.estimate(part, share, conf_level)})
    table = tidy(rows)
    first = table[table["measure"] == measures.NPS]
    return Result(
        question=Note("surveys.nps_question", "Would people recommend us?"),
        table=table,
        answer=_nps_answer(table, first, by),
        method=Note(
            "surveys.nps_method",
            "Share of answers {low} and {high} less the share of answers {floor} to {top}; "
            "adjusted "
            "Wald interval.",
            low=9,
            high=10,
            floor=0,
            top=6,
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=(*measures.limits(answers), NOT_A_PERCENTAGE),
        chart=Points(
            label=[names.label(by)] if by else ["measure"],
            only={"measure": measures.NPS},
            reference=0,
            xlabel=measures.axis(net),
        ),
    )


@engine.frames("surveys")
@analysis
def csat(
    surveys: Table,
    *,
    item: str = "satisfaction",
    scale: tuple | None = None,
    top: int = 2,
    by: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many are satisfied, and how satisfied on average?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        weight where answers do not count the same; scale, such as "1-7", where it is not given.
    item : str
    scale : (int, int), optional
        Lowest and highest answer.
    top : int
        How many of the highest answers count as satisfied.
    by : str, optional
        Column of the table that gives the group.
    conf_level : float

    Returns
    -------
    Result
        group, measure, count, n (answers), estimate, std_error, conf_low, conf_high. Measures:
        top_box (share of the highest answers) and mean.

    Raises InputError where the scale is not known or answers lie outside it.

    Source: Wilson (1927) for the share; the mean by linearisation, Lumley (2010), Complex Surveys.
    """
    known = scale_of(surveys, item, scale)
    return _boxed(
        within(given(surveys, item, by=by), item, known),
        measures.top_box(known, top),
        by,
        conf_level,
        question=Note("surveys.csat_question", "How many are satisfied?"),
        limit=NAMED_CSAT,
    )


@engine.frames("surveys")
@analysis
def ces(
    surveys: Table,
    *,
    version: str,
    item: str = "effort",
    by: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Was it easy for people to get done what they came for?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        weight where answers do not count the same.
    version : str
        "agreement": "… made it easy", 1 to 7, high is easy (share of 5 to 7); "effort": how much
        effort it took, 1 to 5, low is good (share of 1 and 2). It must be said: the direction
        differs by version and vendor.
    item : str
    by : str, optional
        Column of the table that gives the group.
    conf_level : float

    Returns
    -------
    Result
        group, measure, count, n (answers), estimate, std_error, conf_low, conf_high. Measures:
        top_box (or low_box for "effort") and mean.

    Raises InputError for another version or answers outside its scale.

    Source: Dixon, Freeman & Toman (2010), Harvard Business Review 88; version 2: Dixon, Toman &
    DeLisi (2013), The Effortless Experience.
    """
    one_of("version", version, VERSIONS)
    easy = version == "agreement"
    scale = (1, 7) if easy else (1, 5)
    measure = (
        measures.top_box(scale, 3) if easy else measures.Measure(measures.LOW_BOX, scale, (1, 2))
    )
    return _boxed(
        within(given(surveys, item, by=by), item, scale),
        measure,
        by,
        conf_level,
        question=Note("surveys.ces_question", "How many found it easy?"),
        limit=EASY if easy else HARD,
    )


@engine.frames("surveys")
@analysis
def sus(
    surveys: Table, items: Sequence[str], *, by: str | None = None, conf_level: float = 0.95
) -> Result:
    """How usable do people find it, on the ten items of the System Usability Scale?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        Answers from 1 to 5; weight where answers do not count the same.
    items : sequence of str
        The ten items in their order: odd ones praise, even ones complain.
    by : str, optional
        Column of the table that gives the group.
    conf_level : float

    Returns
    -------
    Result
        group, measure (sus), n (respondents with all ten answers), estimate (mean score of 0 to
        100), std_error, conf_low, conf_high.

    Raises InputError for another number of items or answers outside 1 to 5, NotEnoughData where
    nobody answered all of them.

    Source: Brooke (1996), SUS: a quick and dirty usability scale.
    """
    asked = names.listed(items)
    if len(asked) != 10 or len(set(asked)) != 10:
        raise InputError(
            "surveys.error_sus_items",
            "items: the scale has {needed} items, each once and in their order; found {n}",
            needed=10,
            n=len(set(asked)),
        )
    answers, incomplete = _sus_scores(surveys, asked, by)
    mean = measures.Measure(measures.MEAN, (0, 100))
    rows = [
        {
            **({names.label(by): group} if by else {}),
            "measure": "sus",
            **measures.estimate(part, mean, conf_level),
        }
        for group, part in answers.groups()
    ]
    limits = list(measures.limits(answers))
    if incomplete:
        limits.append(
            Note(
                "surveys.sus_incomplete",
                "{n} respondent did not answer all ten items and is left out.",
                "{n} respondents did not answer all ten items and are left out.",
                n=incomplete,
            )
        )
    table = tidy(rows)
    return Result(
        question=Note("surveys.sus_question", "How usable do people find it?"),
        table=table,
        answer=extremes(table, by, SUS_ANSWER.having(most=100), SUS_GROUPS.having(most=100)),
        method=Note(
            "surveys.sus_method",
            "Odd items count their answer less one, even items five less their answer; the sum of "
            "the ten times {factor:plain}.",
            factor=2.5,
        ),
        unit="respondents",
        n=len(answers),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=[names.label(by)] if by else ["measure"],
            xlabel=Note("surveys.axis_sus", "Usability score (0 to 100)"),
        ),
    )


def _sus_scores(surveys, items, by):
    """Return respondents' scores as answers, and how many did not answer every item."""
    import pandas as pd

    parts = [within(given(surveys, item, by=by), item, (1, 5)) for item in items]
    points = {}
    for number, part in enumerate(parts):
        values = part.value - 1 if number % 2 == 0 else 5 - part.value
        points[number] = pd.Series(values, part.who).groupby(level=0).last()
    told = pd.DataFrame(points)
    score = 2.5 * told.dropna().sum(axis=1)
    if score.empty:
        raise NotEnoughData(
            "surveys.error_sus_unanswered",
            "surveys: nobody answered all {needed} items",
            needed=len(items),
        )
    first = parts[0]
    latest = ~pd.Index(first.who).duplicated(keep="last") & np.isin(first.who, score.index)
    whole = first.where(latest)
    return whole.scored(score[whole.who].to_numpy()), len(told) - len(score)


def _boxed(answers, measure, by, conf_level, *, question, limit):
    """Return the Result of a share of a box and the mean beside it, by group."""
    mean = measures.Measure(measures.MEAN, measure.scale)
    rows = []
    for group, part in answers.groups():
        for one in (measure, mean):
            key = {names.label(by): group} if by else {}
            rows.append({**key, "measure": one.name, **measures.estimate(part, one, conf_level)})
    table = tidy(rows)
    box = {"from": measure.box[0], "to": measure.box[1]}
    ends = {"lowest": measure.scale[0], "highest": measure.scale[1]}
    return Result(
        question=question,
        table=table,
        answer=extremes(
            table[table["measure"] == measure.name],
            by,
            BOX_ANSWER.having(**box, **ends),
            BOX_GROUPS.having(**box),
        ),
        method=Note(
            "surveys.box_method",
            "Share of the answers {from} to {to} with Wilson's interval at the number of "
            "answers it "
            "is worth; beside it the mean answer.",
            **box,
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=(*measures.limits(answers), limit),
        chart=Points(
            label=[names.label(by)] if by else ["measure"],
            only={"measure": measure.name},
            percent=True,
            xlabel=measures.axis(measure),
        ),
    )


def _nps_answer(table, first, by):
    if len(first) > 1:
        return extremes(first, by, NPS_ANSWER, NPS_GROUPS)
    share = table.set_index("measure")["estimate"]
    row = first.iloc[0]
    return NPS_ANSWER.having(
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        promoters=share["promoters"],
        detractors=share["detractors"],
    )


def extremes(table, by, one, several):
    """Return the note of the only row, or of the highest and the lowest of several groups."""
    ranked = table.sort_values("estimate", ascending=False, kind="stable")
    top, last = ranked.iloc[0], ranked.iloc[-1]
    values = {
        "estimate": top["estimate"],
        "low": top["conf_low"],
        "high": top["conf_high"],
        "n": int(top["n"]),
    }
    if not by or len(ranked) == 1:
        return one.having(**values)
    label = names.label(by)
    return several.having(**values, name=top[label], last=last[label], last_value=last["estimate"])
