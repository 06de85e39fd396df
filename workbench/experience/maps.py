"""The journey map: every stage and touchpoint with who came, who went on, how long it took, and
what they said of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import InputError, need_columns, one_of
from workbench.experience import moments
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Points, Result, analysis, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Table

ALL = "all"
DAY = 86_400_000_000
ANSWER = Note(
    "experience.map_answer",
    "Most is to be gained at '{touchpoint:word}' in the stage '{stage:word}': {reach:%} of {n} "
    "customers come there, and the opportunity is {estimate:2} ({low:2} to {high:2}; {answers} "
    "answers).",
)
STAGE_ONLY = Note(
    "experience.map_answer_stage",
    "Most is to be gained in the stage '{stage:word}': {reach:%} of {n} customers come there, and "
    "the opportunity is {estimate:2} ({low:2} to {high:2}; {answers} answers).",
)
NO_ANSWERS = Note(
    "experience.map_answer_reach",
    "Of {n} customers {share:%} come as far as {stage:word} ({low:%} to {high:%}; {count} "
    "customers).",
)
OPPORTUNITY = Note(
    "experience.map_opportunity",
    "Opportunity is the share that comes there, times what is missing of the scale of "
    "satisfaction, times importance: it orders where to look first and promises nothing.",
)
PAIN = Note(
    "experience.map_pain",
    "A pain is the share of the texts at a place that speak ill of a thing, as words tell it, "
    "uncorrected; of a place with fewer than {least} texts none is named.",
    least=MINIMUM_CELL,
)
EASY = Note("experience.map_easy", "Of effort a high answer is good: it was easy.")
HARD = Note("experience.map_hard", "Of effort a low answer is good: it took little.")
VERSIONS = ("agreement", "effort")


@dataclass(frozen=True)
class _Place:
    """A stage, or a touchpoint within it, and the conf_level its numbers have."""

    stage: str
    touchpoint: str
    conf_level: float

    def row(self, measure, numbers, aspect=""):
        """Return a row of the map."""
        keys = {"stage": self.stage, "touchpoint": self.touchpoint, "measure": measure}
        return {**keys, "aspect": aspect, **numbers}

    def of(self, table):
        """Return the rows of a table that belong here."""
        here = (table["stage"] == self.stage).to_numpy()
        if self.touchpoint != ALL:
            here = here & (table["touchpoint"] == self.touchpoint).to_numpy()
        return table[here]


@engine.frames("events", "surveys", "texts", optional=("surveys", "texts"))
@analysis
def journey_map(
    events: Table,
    surveys: Table | None = None,
    texts: Table | None = None,
    *,
    items: Mapping | None = None,
    version: str = "agreement",
    stages: Sequence[str] | None = None,
    importance: Mapping | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Where do customers come, how long does it take, what do they say, and where is most to gain?

    Parameters
    ----------
    events : table with customer_id, occurred_at, event, stage
        touchpoint, such as `stages.assign` and your own log give them.
    surveys : table with respondent_id, answered_at, item, value, stage, optional
        touchpoint, scale ("1 to 7") and weight.
    texts : table with text_id, text, created_at, stage, polarity, optional
        touchpoint and customer_id; polarity from `voice.score`. aspect and tone, a row a thing that
        a text speaks of, as `voice.mentions` gives them, make pains.
    items : dict, optional
        Which items measure "satisfaction" and "effort"; None: those of these names that occur.
    version : str
        Of the item on effort: "agreement", high is easy; "effort", low is easy.
    stages : sequence of str, optional
        In their order; None: the stages of buying.
    importance : dict or table with stage, importance, optional
        How much each stage weighs; None: all 1.
    conf_level : float

    Returns
    -------
    Result
        stage, touchpoint ("all": the stage itself), measure, aspect, count, n, estimate, std_error,
        conf_low, conf_high. Measures: reach (share of all customers who came there),
        stage_conversion (of these, who came to a later stage), median_days (from first
        coming to a stage to first coming to the next one they reached), satisfaction
        and effort (mean answer), sentiment (mean polarity, -1 to 1), pain (share of texts that
        speak ill of the aspect; the three largest of a place) and opportunity.

    Raises
    ------
    InputError
        For a missing column, an item nobody was asked, or stages whose order is not known.
    NotEnoughData
        Where no event has a stage.

    Source: rule V-08; Lemon & Verhoef (2016), Journal of Marketing 80; opportunity as importance
    and what is missing of satisfaction: Ulwick (2002), Harvard Business Review 80.

    Examples
    --------
    >>> from workbench.simulate import affect
    >>> felt = affect.journeys(300)
    >>> made = journey_map(felt.events, felt.surveys, items={"satisfaction": "satisfaction"}).table
    >>> float(made.loc[made["measure"] == "reach", "estimate"].max())
    1.0
    """
    one_of("version", version, VERSIONS)
    came = moments.events(events)
    order = moments.in_order(came["stage"], stages)
    came = moments.only(came, order, "events")
    asked = {} if surveys is None else _items(surveys, items)
    told = {role: _told(surveys, item, order) for role, item in asked.items()}
    wrote = None if texts is None else _written(texts, order)
    weight = _importance(importance, order)
    walked = _walked(came, order)
    rows = []
    for stage in order:
        here = came[came["stage"] == stage]
        places = [ALL, *sorted(set(here["touchpoint"]) - {""})]
        for name in places:
            place = _Place(stage, name, conf_level)
            rows += _place_rows(place, came, walked, order)
            rows += _said_rows(place, told, surveys, asked, wrote)
            rows += _opportunity(place, rows, told, surveys, asked, weight[stage])
    table = tidy(rows)
    return Result(
        question=Note("experience.map_question", "What is the journey like, stage by stage?"),
        table=table,
        answer=_answer(table, order),
        method=Note(
            "experience.map_method",
            "Who came to a stage is who has an event there; conversion counts any later stage; "
            "answers and texts belong to the stage and touchpoint in their row. Customers are the "
            "sampling unit; time is the median of those who went on.",
        ),
        unit="customers",
        n=came["who"].nunique(),
        conf_level=conf_level,
        limits=_limits(table, wrote, version if "effort" in asked else None),
        chart=Points(
            label=["stage", "touchpoint"],
            only={"measure": ["reach"]},
            percent=True,
            xlabel=Note("experience.axis_reach", "Share of all customers who came there"),
        ),
    )


def _items(surveys, items):
    """Return role → item of the items that measure something on the map."""
    schemas.require(surveys, "surveys", "stage")
    if items is not None:
        for role in items:
            one_of("items", role, ("satisfaction", "effort"))
        return {role: names.written(item) for role, item in items.items()}
    known = set(surveys["item"].map(names.written, na_action="ignore").dropna())
    found = {role: role for role in ("satisfaction", "effort") if role in known}
    if not found:
        raise InputError(
            "experience.error_items",
            "items: say which item measures satisfaction, such as items={example:text}; the items "
            "are {known:text}",
            example='{"satisfaction": "csat"}',
            known=sorted(known),
        )
    return found


def _told(surveys, item, order):
    """Return the answers to an item at a stage of the map."""
    needed = [p for p in moments.PLACES if p in surveys]
    table = moments.answers(surveys, item, *needed)
    weighted = table.attrs.get("weighted")
    table = moments.only(table, order, "surveys")
    if "touchpoint" not in table:
        table["touchpoint"] = ""
    table.attrs["weighted"] = weighted
    return table


def _written(texts, order):
    """Return who wrote what at a stage of the map: who, stage, touchpoint, polarity, text and, of
    things it speaks of, aspect and tone.
    """
    import pandas as pd

    schemas.require(texts, "texts", "stage", "polarity")
    rows = texts.dropna(subset=["text_id", "polarity"])
    ids = engine.written(rows["text_id"]).to_numpy(object)
    known = (
        engine.written(rows["customer_id"]).to_numpy(object)
        if "customer_id" in rows
        else np.full(len(rows), None)
    )
    table = pd.DataFrame(
        {
            "id": ids,
            "who": [f"c{w}" if w is not None else f"t{i}" for w, i in zip(known, ids, strict=True)],
            "polarity": pd.to_numeric(rows["polarity"], errors="coerce").to_numpy(float),
            **{
                name: moments.words(rows[name]) if name in rows else ""
                for name in (*moments.PLACES, "aspect", "tone")
            },
        }
    )
    table = table[pd.notna(table["id"])].sort_values(["id", "aspect", "tone"], kind="stable")
    return moments.only(table, order, "texts")


def _importance(importance, order):
    """Return how much each stage weighs."""
    if importance is None:
        return dict.fromkeys(order, 1.0)
    if not isinstance(importance, dict):
        need_columns("importance", importance.columns, "stage", "importance")
        keys = moments.words(importance["stage"])
        importance = dict(zip(keys, importance["importance"], strict=True))
    given = {names.written(stage): float(value) for stage, value in importance.items()}
    lacking = [stage for stage in order if not given.get(stage, -1) >= 0]
    if lacking:
        raise InputError(
            "experience.error_importance",
            "importance: {lacking:text} has none; give every stage a number of 0 or more",
            lacking=lacking,
        )
    return {stage: given[stage] for stage in order}


def _walked(came, order):
    """Return when each person first came to each stage (microseconds, missing where not)."""
    return came.groupby(["who", "stage"])["at"].min().unstack("stage").reindex(columns=order)


def _place_rows(place, came, walked, order):
    """Return reach, conversion and time of a place."""
    who = walked.index.to_numpy()
    here = np.isin(who.astype(str), place.of(came)["who"].unique().astype(str))
    later = order[order.index(place.stage) + 1 :]
    rows = [place.row("reach", intervals.share(here, who, place.conf_level))]
    if not later or not here.any():
        return rows
    first = walked[place.stage].to_numpy()
    after = walked[later].to_numpy()
    after = np.where(after >= first[:, None], after, np.nan)
    on = ~np.isnan(after).all(axis=1)
    rows.append(
        place.row("stage_conversion", intervals.share(on[here], who[here], place.conf_level))
    )
    both = here & on
    if both.sum() >= 2:
        days = (np.nanmin(after[both], axis=1) - first[both]) / DAY
        low, high = _quantile_ends(days, place.conf_level)
        numbers = {"n": int(both.sum()), "estimate": float(np.median(days))}
        rows.append(place.row("median_days", {**numbers, "conf_low": low, "conf_high": high}))
    return rows


def _quantile_ends(values, conf_level):
    """Return the exact limits of a median, from the order of the values."""
    from scipy import stats

    ordered, n = np.sort(values), len(values)
    low = int(stats.binom.ppf((1 - conf_level) / 2, n, 0.5))
    return float(ordered[max(low - 1, 0)]), float(ordered[min(n - low, n - 1)])


def _said_rows(place, told, surveys, asked, wrote):
    """Return satisfaction, effort, sentiment and pains of a place."""
    rows = []
    for role, table in told.items():
        here = place.of(table)
        if len(here) >= 2:
            span = moments.span_of(table["value"], surveys, asked[role])
            rows.append(place.row(role, _mean(here, table, "value", place.conf_level, span)))
    if wrote is None:
        return rows
    here = place.of(wrote)
    once = here.drop_duplicates("id")
    if len(once) >= 2:
        rows.append(
            place.row("sentiment", _mean(once, wrote, "polarity", place.conf_level, (-1, 1)))
        )
    if len(once) >= MINIMUM_CELL:
        rows += _pains(place, here, once)
    return rows


def _mean(here, table, column, conf_level, span):
    weight = here["weight"].to_numpy() if table.attrs.get("weighted") else None
    row = intervals.mean(here[column], here["who"], conf_level, weight)
    row.pop("total")
    low, high = np.clip([row["conf_low"], row["conf_high"]], *span)
    return {**row, "conf_low": float(low), "conf_high": float(high)}


def _pains(place, here, once):
    """Return the three things of which most texts at a place speak ill."""
    bad = here[(here["aspect"] != "") & (here["tone"] == "negative")]
    found = bad.groupby("aspect")["id"].nunique()
    found = found.sort_index().sort_values(ascending=False, kind="stable").head(3)
    rows = []
    for aspect in found.index:
        hit = once["id"].isin(bad.loc[bad["aspect"] == aspect, "id"]).to_numpy()
        rows.append(
            place.row("pain", intervals.share(hit, once["who"], place.conf_level), str(aspect))
        )
    return rows


def _opportunity(place, rows, told, surveys, asked, weight):
    """Return reach × (1 − satisfaction) × importance of a place, where both are known."""
    mine = {
        r["measure"]: r
        for r in rows
        if r["stage"] == place.stage and r["touchpoint"] == place.touchpoint
    }
    if "satisfaction" not in mine or not mine["reach"]["estimate"] > 0:
        return []
    low, high = moments.span_of(told["satisfaction"]["value"], surveys, asked["satisfaction"])
    reach, said = mine["reach"], mine["satisfaction"]
    missing = (high - said["estimate"]) / (high - low)
    error = said["std_error"] / (high - low)
    estimate = weight * reach["estimate"] * missing
    spread = weight * float(np.hypot(reach["estimate"] * error, missing * reach["std_error"]))
    ends = intervals.normal(estimate, spread, place.conf_level)
    most = weight
    return [
        place.row(
            "opportunity",
            {
                "n": said["n"],
                "estimate": float(estimate),
                "std_error": spread,
                "conf_low": float(np.clip(ends[0], 0, most)),
                "conf_high": float(np.clip(ends[1], 0, most)),
            },
        )
    ]


def _answer(table, order):
    """Return where most is to gain; without answers, how many come to the end."""
    shown = table[(table["measure"] == "opportunity") & (table["touchpoint"] != ALL)]
    shown = shown if len(shown) else table[table["measure"] == "opportunity"]
    shown = shown[shown["n"] >= MINIMUM_CELL]
    reach = table[table["measure"] == "reach"].set_index(["stage", "touchpoint"])
    if not len(shown):
        row = reach.loc[(order[-1], ALL)]
        return NO_ANSWERS.having(
            stage=order[-1],
            share=row["estimate"],
            low=row["conf_low"],
            high=row["conf_high"],
            count=int(row["count"]),
            n=int(row["n"]),
        )
    best = shown.loc[shown["estimate"].idxmax()]
    came = reach.loc[(best["stage"], best["touchpoint"])]
    note = STAGE_ONLY if best["touchpoint"] == ALL else ANSWER.having(touchpoint=best["touchpoint"])
    return note.having(
        stage=best["stage"],
        reach=came["estimate"],
        n=int(came["n"]),
        estimate=best["estimate"],
        low=best["conf_low"],
        high=best["conf_high"],
        answers=int(best["n"]),
    )


def _limits(table, wrote, version):
    """Return what a reader must know of the map."""
    said = table["measure"].isin(["satisfaction", "effort"]) & (table["touchpoint"] == ALL)
    direction = HARD if version == "effort" else EASY
    return (
        *moments.few(table[said & (table["measure"] == "satisfaction")].to_dict("records")),
        *([direction] if version else []),
        *([OPPORTUNITY] if (table["measure"] == "opportunity").any() else []),
        *([PAIN] if wrote is not None else []),
        *([moments.ANSWERED_ONLY] if said.any() else []),
    )
