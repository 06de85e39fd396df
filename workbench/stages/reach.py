"""How far decision occasions come, and from where their paths can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, intervals, survival
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stages.episodes import cause, episodes
from workbench.stages.measures import (
    EARLY,
    NO_EPISODES,
    NONE_BOUGHT,
    SHARE_METHOD,
    silence_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table


@engine.tables("events")
@analysis
def gap_sensitivity(
    events: Table,
    stages: Sequence[str] | None,
    *,
    gaps: Sequence[str] = ("7D", "14D", "30D", "60D"),
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How much does the share that ends in a purchase depend on the silence that ends an episode?

    Returns a Result with one row per gap: gap, open, count (bought), n (episodes), estimate (share
    bought when all have closed, by cumulative incidence: open episodes are censored, not left out,
    since buyers close at once and others only after the silence), std_error, conf_low, conf_high.
    Customers are the sampling unit. Source: Aalen & Johansen (1978).
    """
    import pandas as pd

    rows = []
    for gap in gaps:
        table = episodes(events, stages, gap=gap, hold=hold, column=column, until=until)
        last = survival.incidence(
            table["days"], cause(table), customer=table["customer_id"], conf_level=conf_level
        ).iloc[-1]
        rows.append(
            {
                "gap": gap,
                "open": int((table["outcome"] == "open").sum()),
                "count": int((table["outcome"] == "bought").sum()),
                "n": len(table),
                **last[["estimate", "std_error", "conf_low", "conf_high"]],
            }
        )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.gap_question",
            "How much does the outcome depend on the inactivity that ends an occasion?",
        ),
        table=table,
        method=Note(
            "stages.gap_method",
            "Episodes re-cut for each gap; share bought once all have closed, by "
            "cumulative incidence (Aalen–Johansen); the customer is the sampling unit.",
        ),
        answer=_gap_answer(table),
        unit="episodes",
        n=int(table["n"].max()),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.gap_limit",
                "The gap is a choice, not a fact: where this share depends on it, state the "
                "gap used.",
            ),
        ),
        chart=Points(
            label=["gap"],
            percent=True,
            xlabel=Note("stages.gap_axis", "Share that ends in a purchase"),
        ),
    )


def _gap_answer(table):
    """Return the share that ends in a purchase with the first gap, and with the last beside it."""
    first, last = table.iloc[0], table.iloc[-1]
    shown = {
        "gap": first["gap"],
        "share": first["estimate"],
        "low": first["conf_low"],
        "high": first["conf_high"],
        "n": first["n"],
    }
    if len(table) == 1:
        return Note(
            "stages.gap_answer_one",
            "With a gap of {gap:span}, {share:%} of decision occasions end in a purchase "
            "({low:%} to {high:%}; {n} occasions).",
            **shown,
        )
    return Note(
        "stages.gap_answer",
        "With a gap of {gap:span}, {share:%} of decision occasions end in a purchase ({low:%} to "
        "{high:%}; {n} occasions), with a gap of {last_gap:span} {last_share:%} ({last_low:%} to "
        "{last_high:%}).",
        last_gap=last["gap"],
        last_share=last["estimate"],
        last_low=last["conf_low"],
        last_high=last["conf_high"],
        **shown,
    )


@engine.frames("episodes")
@analysis
def reach(episodes: Table, stages: Sequence[str], *, conf_level: float = 0.95) -> Result:
    """In which share of decision occasions is each stage seen at all?

    Parameters
    ----------
    episodes : DataFrame from `episodes`
    stages : list of str
        The stages it was made with.

    Returns
    -------
    Result
        One row per stage: stage, count, n (episodes), estimate, std_error, conf_low, conf_high,
        customers (with at least one such episode). Reach need not fall from stage to stage:
        people skip. Interval: delta method with the customer as sampling unit (Wilson where every
        customer has one episode).

    Raises
    ------
    NotEnoughData
        If there is no episode.
    """
    import pandas as pd

    if not len(episodes):
        raise NotEnoughData(NO_EPISODES)
    rows = [
        {
            "stage": stage,
            **intervals.share(episodes[stage], episodes["customer_id"], conf_level),
            "customers": int(episodes.loc[episodes[stage], "customer_id"].nunique()),
        }
        for stage in stages
    ]
    still_open = int((episodes["outcome"] == "open").sum())
    limits = [
        Note(
            "stages.reach_limit",
            "A stage not seen is not a stage not done: people also decide where no trace is kept.",
        )
    ] + (
        [
            Note(
                "stages.open",
                "{n} occasion was still open when the data end; it may reach further stages.",
                "{n} occasions were still open when the data end; they may reach further stages.",
                n=still_open,
            )
        ]
        if still_open
        else []
    )
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.reach_question", "In which share of occasions by silence is each stage seen?"
        ),
        table=table,
        method=SHARE_METHOD,
        answer=_reach_answer(table),
        unit="episodes",
        n=len(episodes),
        conf_level=conf_level,
        limits=(*limits, *silence_of(episodes)),
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.reach_axis", "Share of occasions by silence"),
        ),
    )


def _reach_answer(table):
    """Return how many occasions reached the last stage, beside the first one."""
    first, goal = table.iloc[0], table.iloc[-1]
    return Note(
        "stages.reach_answer",
        "{share:%} of occasions by silence reach {goal:word} ({low:%} to {high:%}; {count} of "
        "{n}); {first:word} is seen in {first_share:%}.",
        share=goal["estimate"],
        goal=goal["stage"],
        low=goal["conf_low"],
        high=goal["conf_high"],
        count=goal["count"],
        n=goal["n"],
        first=first["stage"],
        first_share=first["estimate"],
    )


@engine.frames("episodes")
@analysis
def drop_location(
    episodes: object, stages: Sequence[str] | None, *, conf_level: float = 0.95
) -> Result:
    """What was the last stage seen before an occasion was abandoned?

    Returns a Result with one row per stage: stage, count, n (abandoned episodes), estimate,
    std_error, conf_low, conf_high. Raises NotEnoughData if none was abandoned.
    """
    import pandas as pd

    lost = episodes[episodes["outcome"] == "abandoned"]
    if not len(lost):
        raise NotEnoughData(
            "stages.error_none_abandoned", "drop_location: no decision occasion was abandoned"
        )
    rows = [
        {
            "stage": stage,
            **intervals.share(lost["last_stage"] == stage, lost["customer_id"], conf_level),
        }
        for stage in list(stages)[:-1]
    ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note("stages.location_question", "What was the last stage before people gave up?"),
        table=table,
        method=SHARE_METHOD,
        answer=_location_answer(table),
        unit="episodes",
        n=len(lost),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.location_limit", "What looks abandoned here may have been bought elsewhere."
            ),
            *silence_of(episodes),
        ),
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.location_axis", "Share of abandoned occasions"),
        ),
    )


def _location_answer(table):
    """Return the most frequent last stage of abandoned occasions."""
    most = table.loc[table["estimate"].idxmax()]
    return Note(
        "stages.location_answer",
        "{share:%} of abandoned occasions were last seen in {stage:word}, the most frequent last "
        "stage ({low:%} to {high:%}; {count} of {n}).",
        share=most["estimate"],
        stage=most["stage"],
        low=most["conf_low"],
        high=most["conf_high"],
        count=most["count"],
        n=most["n"],
    )


@engine.frames("episodes")
@analysis
def unobserved_paths(
    episodes: Table, stages: Sequence[str], *, begins: str = "intent", conf_level: float = 0.95
) -> Result:
    """How many purchases show up only when the decision is all but made?

    Parameters
    ----------
    episodes : DataFrame from `episodes` or `profile`
    stages : list of str
        Stages in rank order, the purchase last.
    begins : str
        The first stage that counts as late.

    Returns
    -------
    Result
        measure (dark_paths: purchases whose first stage seen is `begins` or later; seen_from_start:
        from the first stage on), count, n (purchases), estimate, std_error, conf_low, conf_high.

    Raises
    ------
    NotEnoughData
        If nothing was bought.

    Source: S-22 in `docs/glossary.md`; Lemon & Verhoef (2016), J. Marketing 80.
    """
    import pandas as pd

    stages = list(stages)
    if begins not in stages:
        raise unknown("begins", "stage", begins, stages)
    bought = episodes[episodes["outcome"] == "bought"]
    early = (
        bought["left_censored"].astype(bool)
        if "left_censored" in bought
        else bought["outcome"] != "bought"
    )
    bought = bought[~early]
    if not len(bought):
        raise NotEnoughData(NONE_BOUGHT)
    strange = bought.loc[~bought["first_stage"].isin(stages), "first_stage"]
    if len(strange):
        raise unknown("episodes", "stage", strange.iloc[0], stages)
    first = bought["first_stage"].astype(object).map(stages.index)
    rows = [
        {"measure": name, **intervals.share(hit, bought["customer_id"], conf_level)}
        for name, hit in (
            ("dark_paths", first >= stages.index(begins)),
            ("seen_from_start", first == 0),
        )
    ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "stages.dark_question",
            "How many purchases become visible only when the decision is nearly made?",
        ),
        table=table,
        method=SHARE_METHOD,
        answer=_dark_answer(table, begins),
        unit="episodes",
        n=len(bought),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.dark_limit",
                "First-party data show one firm's own touchpoints: the path before them is not "
                "observed. How large it is can be learnt from a panel or a survey only.",
            ),
            *((EARLY.having(n=int(early.sum())),) if early.any() else ()),
        ),
        chart=Points(
            label=["measure"], percent=True, xlabel=Note("stages.dark_axis", "Share of purchases")
        ),
    )


def _dark_answer(table, begins):
    """Return the share of purchases whose path is seen late only."""
    late, whole = table.iloc[0], table.iloc[1]
    return Note(
        "stages.dark_answer",
        "{share:%} of purchases are first seen in {begins:word} or later ({low:%} to {high:%}; "
        "{count} of {n}); {whole:%} are seen from the first stage on.",
        share=late["estimate"],
        begins=begins,
        low=late["conf_low"],
        high=late["conf_high"],
        count=late["count"],
        n=late["n"],
        whole=whole["estimate"],
    )
