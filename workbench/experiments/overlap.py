"""Other campaigns at the same time: who else wrote to the households that are compared?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, intervals
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table


@engine.frames("homes", "events")
@analysis
def concurrent_campaigns(
    homes: Table,
    events: Table,
    campaign: int,
    *,
    before: str = "60D",
    after: str = "42D",
    conf_level: float = 0.95,
) -> Result:
    """Did those who received a campaign receive others around the same time more often?

    Parameters
    ----------
    homes : DataFrame
        Of `campaign_households`.
    events : DataFrame with customer_id, occurred_at, event, campaign_id
    campaign : int
    before, after : str
        How long before and after its first day another campaign may begin.

    Returns
    -------
    Result
        campaign ("any" first, then each that began in that time), days (from the campaign's first
        day to its own), group (received, others), count (households that received it), n,
        estimate (share), std_error, conf_low, conf_high.

    Raises NotEnoughData where no other campaign began in that time.

    Source: Wilson intervals.
    """
    import pandas as pd

    sent = events[events["event"] == "campaign_received"]
    others = _others(sent, campaign, pd.Timestamp(homes.attrs["began"]), before, after)
    rows = []
    for name, which in (("any", list(others.index)), *((c, [c]) for c in others.index)):
        reached = sent.loc[sent["campaign_id"].isin(which), "customer_id"]
        rows += [
            {"campaign": str(name), "days": others.get(name), "group": group, **share}
            for group, share in _reached(homes, reached, conf_level)
        ]
    table = pd.DataFrame(rows)
    return Result(
        question=Note(
            "experiments.concurrent_question",
            "Did those who received campaign {campaign} receive others around the same time more "
            "often?",
            campaign=campaign,
        ),
        table=table,
        method=Note(
            "experiments.concurrent_method",
            "Campaigns that began from {before:span} before to {after:span} after its first day.",
            before=before,
            after=after,
        ),
        answer=_answer(table, len(others)),
        unit="households",
        n=len(homes),
        conf_level=conf_level,
        limits=(LIMIT,),
        chart=Points(
            label=["campaign"],
            group="group",
            percent=True,
            xlabel=Note("experiments.concurrent_axis", "Share that received it"),
        ),
    )


LIMIT = Note(
    "experiments.concurrent_limit",
    "What campaigns that ran together brought about cannot be told apart where nearly the same "
    "households received them; a campaign that began later may itself follow from this one.",
)


def _others(sent, campaign, began, before, after):
    """Return the other campaigns that began around that day: how many days from it each began."""
    import pandas as pd

    first = sent.groupby("campaign_id")["occurred_at"].min()
    near = first.between(began - pd.Timedelta(before), began + pd.Timedelta(after))
    others = (first[near & (first.index != campaign)] - began).dt.days
    if not len(others):
        raise NotEnoughData(
            "experiments.error_no_other_campaign",
            "concurrent_campaigns: no other campaign began between {before:span} before and "
            "{after:span} after it",
            before=before,
            after=after,
        )
    return others.sort_values(kind="stable")


def _reached(homes, customers, conf_level):
    """Give of either group the share that is among some customers."""
    got = homes["customer_id"].isin(customers).to_numpy(bool)
    for group, flag in (("received", 1), ("others", 0)):
        mine = (homes["received"] == flag).to_numpy()
        who = homes.loc[mine, "customer_id"].to_numpy()
        yield group, intervals.share(got[mine], who, conf_level)


def _answer(table, number):
    """Return how many of either group received another campaign."""
    mine, others = (table[table["group"] == g].iloc[0] for g in ("received", "others"))
    return Note(
        "experiments.concurrent_answer",
        "Other campaigns began around the same time, {campaigns} of them; of those who received "
        "this one {mine:%} received another as well ({low:%} to {high:%}; {count} of {n}), of the "
        "others {others:%} ({other_count} of {other_n}).",
        campaigns=number,
        mine=mine["estimate"],
        low=mine["conf_low"],
        high=mine["conf_high"],
        count=int(mine["count"]),
        n=int(mine["n"]),
        others=others["estimate"],
        other_count=int(others["count"]),
        other_n=int(others["n"]),
    )
