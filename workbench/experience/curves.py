"""The emotion curve: how people feel at each stage, where it is best and worst, and how it ends."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import NotEnoughData
from workbench.experience import moments
from workbench.notes import Note
from workbench.results import Result, Stations, analysis, tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

PEAK, LOW, END = "peak", "lowest_point", "end"
ANSWER = Note(
    "experience.curve_answer",
    "Feeling is best at {best:word} ({high:2}; {high_low:2} to {high_high:2}; {high_n} answers) "
    "and worst at {worst:word} ({low:2}; {low_low:2} to {low_high:2}; {low_n} answers); the "
    "journey ends at {end:2} ({end_low:2} to {end_high:2}; {end_n} answers).",
)
UNSURE = Note(
    "experience.curve_unsure",
    "Which stage is best and which is worst is not certain: drawn anew, the same stage comes out "
    "best in {best:%} and worst in {worst:%} of the samples.",
)
CHANGES = Note(
    "experience.curve_changes",
    "Points are joined where at least {least} people answered at both stages; elsewhere other "
    "people stand behind the next point.",
    least=moments.LEAST,
)
SURE = 0.8


@engine.frames("surveys")
@analysis
def emotion_curve(
    surveys: Table,
    *,
    item: str = "satisfaction",
    stages: Sequence[str] | None = None,
    draws: int = 400,
    conf_level: float = 0.95,
    seed: int = 1,
) -> Result:
    """How do people feel at each stage of the journey: best, worst, and at its end?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value, stage
        weight where answers do not count the same.
    item : str
        An item of which high is good, such as satisfaction, or the pleasure felt.
    stages : sequence of str, optional
        In their order; None: the stages of buying.
    draws : int
        Samples of respondents drawn anew, to see how certain the best and the worst stage are.
    conf_level : float
    seed : int

    Returns
    -------
    Result
        measure, stage, n (answers), estimate, std_error, conf_low, conf_high, mark, certainty.
        Measures: mean (of a stage; mark peak, lowest_point, end, and certainty the share of samples
        in which the stage comes out so) and change_from_before (from the stage before, of the n
        people who answered at both). The respondent is the sampling unit.

    Raises
    ------
    InputError
        For a missing column, an item nobody was asked, or stages whose order is not known.
    NotEnoughData
        With answers at fewer than two stages.

    Source: rule V-08; peak and end: Kahneman, Fredrickson, Schreiber & Redelmeier (1993),
    Psychological Science 4; stages as points of a journey: Lemon & Verhoef (2016), Journal of
    Marketing 80.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> made = emotion_curve(affect.journeys(400).surveys, draws=50).table
    >>> made.loc[made["mark"] == "peak", "stage"].tolist()
    ['need']
    """
    table = moments.answers(surveys, item, "stage")
    order = moments.in_order(table["stage"], stages)
    table = moments.only(table, order, "surveys")
    order = [s for s in order if (table["stage"] == s).any()]
    if len(order) < 2:
        raise NotEnoughData(
            "experience.error_one_stage",
            "surveys: the answers to '{item}' belong to one stage; a curve needs two",
            item=names.written(item),
        )
    span = moments.span_of(table["value"], surveys, item)
    rows = _means(table, order, span, conf_level)
    rows = _marked(rows, *_certainty(table, order, draws, seed))
    changes = _changes(table, order, conf_level)
    return Result(
        question=Note("experience.curve_question", "How do people feel along the journey?"),
        table=tidy([*rows, *changes]),
        answer=_answer(rows),
        method=Note(
            "experience.curve_method",
            "Mean answer to '{item}' (scale {lowest:plain} to {highest:plain}) of each stage; "
            "changes between stages among the people who answered at both. Respondents are the "
            "sampling unit.",
            item=names.written(item),
            lowest=span[0],
            highest=span[1],
        ),
        unit="answers",
        n=len(table),
        conf_level=conf_level,
        limits=(*_limits(rows), *moments.few(rows), CHANGES, moments.ANSWERED_ONLY),
        chart=Stations(
            x="stage",
            only={"measure": ["mean"]},
            ylabel=axis(item, span),
        ),
    )


def axis(item, span):
    """Return what the axis of a curve says."""
    return Note(
        "experience.axis_item",
        "Mean answer to '{item:word}' (scale {lowest:plain} to {highest:plain})",
        item=names.written(item),
        lowest=span[0],
        highest=span[1],
    )


def _means(table, order, span, conf_level):
    """Return the row of each stage."""
    rows = []
    for stage in order:
        here = table[table["stage"] == stage]
        row = intervals.mean(here["value"], here["who"], conf_level, _weight(here, table))
        row.pop("total")
        row["conf_low"], row["conf_high"] = (
            float(np.clip(row[end], *span)) for end in ("conf_low", "conf_high")
        )
        rows.append({"measure": "mean", "stage": stage, **row})
    return rows


def _weight(rows, table):
    return rows["weight"].to_numpy() if table.attrs.get("weighted") else None


def _certainty(table, order, draws, seed):
    """Return, of samples of respondents drawn anew, in which share each stage is best and worst."""
    place = table["stage"].map({s: k for k, s in enumerate(order)}).to_numpy()
    who = np.unique(table["who"].to_numpy(str), return_inverse=True)[1]
    people, weight = who.max() + 1, table["weight"].to_numpy()
    sums, sizes = (np.zeros((people, len(order))) for _ in range(2))
    np.add.at(sums, (who, place), weight * table["value"].to_numpy())
    np.add.at(sizes, (who, place), weight)
    # Whose answers they are does not matter: people stand in the order of what they said.
    rank = np.lexsort(np.hstack([sums, sizes]).T)
    sums, sizes = sums[rank], sizes[rank]
    rng = np.random.default_rng(seed)
    best, worst = np.zeros(len(order)), np.zeros(len(order))
    for _ in range(draws):
        times = np.bincount(rng.integers(0, people, people), minlength=people)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (times @ sums) / (times @ sizes)
        best[np.nanargmax(mean)] += 1
        worst[np.nanargmin(mean)] += 1
    return best / draws, worst / draws


def _marked(rows, best, worst):
    """Return the rows with peak, lowest point and end; the end where a stage is both."""
    level = [row["estimate"] for row in rows]
    top, bottom = int(np.argmax(level)), int(np.argmin(level))
    made = []
    for k, row in enumerate(rows):
        mark = END if k == len(rows) - 1 else ""
        mark = PEAK if k == top else LOW if k == bottom else mark
        sure = best[k] if k == top else worst[k] if k == bottom else np.nan
        made.append({**row, "mark": mark, "certainty": float(sure)})
    return made


def _changes(table, order, conf_level):
    """Return the change from each stage to the next of the people who answered at both."""
    rows = []
    by_person = table.groupby(["who", "stage"])["value"].mean().unstack("stage")
    weight = table.groupby("who")["weight"].mean().reindex(by_person.index)
    for before, after in pairwise(order):
        gap = (by_person[after] - by_person[before]).dropna()
        if len(gap) < 2:
            continue
        mine = weight[gap.index].to_numpy() if table.attrs.get("weighted") else None
        row = intervals.mean(gap.to_numpy(), np.arange(len(gap)), conf_level, mine)
        row.pop("total")
        rows.append(
            {
                "measure": "change_from_before",
                "stage": after,
                **row,
                "mark": "",
                "certainty": np.nan,
            }
        )
    return rows


def _answer(rows):
    top = max(rows, key=lambda row: row["estimate"])
    bottom = min(rows, key=lambda row: row["estimate"])
    end = rows[-1]
    return ANSWER.having(
        best=top["stage"],
        high=top["estimate"],
        high_low=top["conf_low"],
        high_high=top["conf_high"],
        high_n=top["n"],
        worst=bottom["stage"],
        low=bottom["estimate"],
        low_low=bottom["conf_low"],
        low_high=bottom["conf_high"],
        low_n=bottom["n"],
        end=end["estimate"],
        end_low=end["conf_low"],
        end_high=end["conf_high"],
        end_n=end["n"],
    )


def _limits(rows):
    best = max(rows, key=lambda row: row["estimate"])["certainty"]
    worst = min(rows, key=lambda row: row["estimate"])["certainty"]
    return [UNSURE.having(best=best, worst=worst)] if min(best, worst) < SURE else []
