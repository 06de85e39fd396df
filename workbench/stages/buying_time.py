"""How long it takes until people buy, when giving up is an outcome too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, survival
from workbench import names as own
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.stages.durations import UNIT_AXIS
from workbench.stages.episodes import cause
from workbench.stages.measures import NO_EPISODES, silence_of

if TYPE_CHECKING:
    from workbench.types import Table

PURCHASE_LIMIT = Note(
    "stages.purchase_limit",
    "Giving up is an outcome, not censoring: the complement of a Kaplan–Meier curve would "
    "overstate buying.",
)


CONDITIONAL = Note(
    "stages.conditional",
    "For the occasion that ended in a purchase the time is {days:3} days: biased downwards, since "
    "slow buyers have not bought yet.",
    "Among the {n} occasions that ended in a purchase the median is {days:3} days: biased "
    "downwards, since slow buyers have not bought yet.",
    n=1,
)


LEFT_CENSORED = Note(
    "stages.left_censored",
    "{n} occasion began so early in the data that its true beginning may lie before them.",
    "{n} occasions began so early in the data that their true beginning may lie before them.",
    n=1,
)


PURCHASE_METHOD = Note(
    "stages.purchase_method",
    "Cumulative incidence of buying with giving up as competing outcome (Aalen–Johansen).",
)


@engine.frames("episodes")
@analysis
def time_to_purchase(episodes: Table, *, by: str | None = None, conf_level: float = 0.95) -> Result:
    """How many have bought by each day, when giving up is an outcome too?

    Cumulative incidence of buying with abandonment as competing event (Aalen–Johansen): treating
    abandonment as censoring would overstate buying. Open episodes are censored.

    Parameters
    ----------
    episodes : DataFrame with customer_id, days, outcome (bought, abandoned, open)
    by : str, optional
        Column of `episodes` to compare.

    Returns
    -------
    Result
        [by,] days, n (episodes at risk), count (bought that day), estimate, std_error, conf_low,
        conf_high.
        Customers are the sampling unit.

    Raises
    ------
    NotEnoughData
        If there is no episode.

    Source: Aalen & Johansen (1978), Scand. J. Statist. 5.
    """
    import pandas as pd

    if not len(episodes):
        raise NotEnoughData(NO_EPISODES)
    if by and by not in episodes:
        raise unknown("by", "column", by, episodes.columns)
    curves = []
    for name, mine in episodes.groupby(own.filled(episodes[by])) if by else [(None, episodes)]:
        curve = survival.incidence(
            mine["days"], cause(mine), customer=mine["customer_id"], conf_level=conf_level
        )
        curve = curve.rename(columns={"time": "days", "at_risk": "n"})
        if by:
            curve.insert(0, by, name)
        curves.append(curve)
    bought = episodes[episodes["outcome"] == "bought"]
    limits = [PURCHASE_LIMIT, *silence_of(episodes)]
    if len(bought):
        limits.append(CONDITIONAL.having(days=bought["days"].median(), n=len(bought)))
    censored = int(episodes["left_censored"].sum()) if "left_censored" in episodes else 0
    if censored:
        limits.append(LEFT_CENSORED.having(n=censored))
    table = pd.concat(curves, ignore_index=True)
    return Result(
        question=Note("stages.purchase_question", "What share has bought by each day?"),
        table=table,
        answer=_purchase_answer(table, by, len(episodes)),
        method=PURCHASE_METHOD,
        unit="episodes",
        n=len(episodes),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="days",
            group=by,
            step=True,
            percent=True,
            xlabel=UNIT_AXIS["days"],
            ylabel=Note("stages.purchase_axis", "Share of occasions that ended in a purchase"),
        ),
    )


def _purchase_answer(table, by, n):
    """Return the share bought by the last day; for groups, the highest and the lowest on the last
    day all were followed.
    """
    if by is None:
        last = table.iloc[-1]
        return Note(
            "stages.purchase_answer",
            "{share:%} of occasions by silence have ended in a purchase by day {days:3} ({low:%} "
            "to {high:%}; {n} occasions).",
            share=last["estimate"],
            days=last["days"],
            low=last["conf_low"],
            high=last["conf_high"],
            n=n,
        )
    far = table.groupby(by)["days"].max().min()
    size = table.groupby(by)["n"].max()
    at = table[table["days"] <= far].groupby(by).last().sort_values("estimate", kind="stable")
    most, least = at.iloc[-1], at.iloc[0]
    return Note(
        "stages.purchase_answer_groups",
        "By day {days:3}, the largest share of occasions has ended in a purchase in {group:word}: "
        "{share:%} ({low:%} to {high:%}; {n} occasions), the smallest in {other:word}: "
        "{other_share:%} ({other_low:%} to {other_high:%}).",
        days=far,
        group=str(at.index[-1]),
        share=most["estimate"],
        low=most["conf_low"],
        high=most["conf_high"],
        n=min(size[at.index[-1]], size[at.index[0]]),
        other=str(at.index[0]),
        other_share=least["estimate"],
        other_low=least["conf_low"],
        other_high=least["conf_high"],
    )
