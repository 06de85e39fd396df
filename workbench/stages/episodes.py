"""Decision occasions: where they begin and where they end.

An *episode* is one decision occasion of one customer: it opens at the first stage event after
the previous one closed, and closes as bought, as abandoned (silence longer than `gap`), or stays
open because the data end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData
from workbench.results import analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Moment, Table

DAY = 86_400_000_000
SAME_DECISION = "24h"  # several orders within a day are one decision


@engine.tables("events")
@analysis
def episodes(
    events: Table,
    stages: Sequence[str],
    *,
    gap: str = "30D",
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
) -> pd.DataFrame:
    """Cut every customer's history into decision occasions; the last of `stages` is the purchase.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    stages : list of str
        Stage events in rank order, the purchase last. Other events are not looked at.
    gap : str
        Silence after which an episode counts as abandoned, such as "30D".
    hold : str, optional
        Column whose value keeps episodes apart, such as campaign_id.
    column : str
        Column that holds the stage, such as "stage" after `assign`.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.

    Returns
    -------
    DataFrame
        One row per episode: customer_id, episode (number within the customer), opened_at, closed_at
        (UTC), outcome (bought, abandoned, open), days (opened to closed), first_stage, last_stage,
        events, left_censored (opened within `gap` of the first event of the table), and one column
        a stage, true where it was seen.

    Raises
    ------
    InputError
        For an unknown stage, column or duration.

    Source: case notion of van der Aalst (2016), Process Mining; rule S-03 in `docs/glossary.md`.
    """
    import pandas as pd

    stages = own.listed(stages)
    view, begin, end = view_of(events, stages, hold, until, column)
    width = schemas.micros("gap", gap)
    parts = engine.map_ordered(
        view,
        Episodes(len(stages), width, end, begin),
        then=("t", "k"),
        by=("customer", "held") if hold else ("customer",),
    )
    parts = parts.sort_values(["customer", "opened", "first"], kind="stable", ignore_index=True)
    outcome = np.array(["open", "bought", "abandoned"], object)[parts["outcome"]]
    table = pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "episode": parts.groupby("customer").cumcount() + 1,
            "opened_at": stamps(parts["opened"]),
            "closed_at": stamps(parts["closed"]),
            "outcome": outcome,
            "days": (parts["closed"] - parts["opened"]) / DAY,
            "first_stage": np.array(stages, object)[parts["first"]],
            "last_stage": np.array(stages, object)[parts["last"]],
            "events": parts["events"],
            "left_censored": parts["left_censored"],
        }
    )
    for i, stage in enumerate(stages):
        if stage in table:
            raise InputError(
                "stages.error_name_taken",
                "stages: '{stage}' is the name of a column of the table of episodes; give the "
                "stage another name",
                stage=stage,
            )
        table[stage] = (parts["seen"].to_numpy() >> i) & 1 == 1
    table.attrs["gap"] = gap
    return table


def view_of(events, stages, hold, until, column="event", more=None):
    """Return the canonical view of the stage events, its first moment and the moment up to which it
    is complete.
    """
    schemas.require(events, "events", hold, column)
    present = engine.distinct(events, column)
    stages = own.occurring("stages", stages, present)
    if len(stages) < 2 or len(set(stages)) < len(stages):
        raise InputError(
            "stages.error_two_stages",
            "stages: at least two different names are needed, found {stages:text}",
            stages=list(stages),
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, stages),
        **(more or {}),
    }
    if hold:
        roles["held"] = engine.key(hold)
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    begin = engine.one("SELECT min(t) FROM v", v=view)
    if begin is None:
        raise NotEnoughData(
            "stages.error_no_stage_event",
            "the table holds no stage event with a customer and a time",
        )
    return view, int(begin), end


class Episodes:
    """The kernel of `episodes`: one row per decision occasion."""

    def __init__(self, stages, gap, end, begin):
        self.goal, self.gap, self.end, self.begin = stages - 1, gap, end, begin
        self.same = schemas.micros("same decision", SAME_DECISION)

    def edges(self, batch):
        """Return the first row of every episode."""
        time, k = batch["t"], batch["k"]
        new = np.zeros(len(batch), bool)
        new[batch.starts] = True
        after_goal = k[:-1] == self.goal
        wait = np.diff(time)
        new[1:] |= wait > self.gap
        new[1:] |= after_goal & ~((k[1:] == self.goal) & (wait <= self.same))
        return np.flatnonzero(new)

    def closing(self, batch, edges):
        """Return outcome (0 open, 1 bought, 2 abandoned) and closing time of every episode."""
        time, k = batch["t"], batch["k"]
        if not len(edges):
            return np.zeros(0, int), np.zeros(0, np.int64)
        last = time[np.append(edges[1:], len(batch)) - 1]
        far = np.iinfo(np.int64).max
        bought_at = np.minimum.reduceat(np.where(k == self.goal, time, far), edges)
        silent = last + self.gap
        outcome = np.where(bought_at < far, 1, np.where(silent <= self.end, 2, 0))
        return outcome, np.where(
            outcome == 1, bought_at, np.where(outcome == 2, silent, np.maximum(self.end, last))
        )

    def __call__(self, batch):
        edges = self.edges(batch)
        outcome, closed = self.closing(batch, edges)
        time, k = batch["t"], batch["k"]
        ends = np.append(edges[1:], len(batch))[: len(edges)] - 1
        seen = (
            np.bitwise_or.reduceat(np.int64(1) << k.astype(np.int64), edges)
            if len(edges)
            else edges
        )
        opened = time[edges]
        return {
            "customer": batch["customer"][edges],
            "opened": opened,
            "closed": closed,
            "outcome": outcome,
            "first": k[edges].astype(np.int64),
            "last": k[ends].astype(np.int64),
            "events": ends - edges + 1,
            "seen": seen,
            "left_censored": opened < self.begin + self.gap,
        }


def cause(episodes):
    """Return 1 for bought, 2 for abandoned, 0 for still open."""
    return episodes["outcome"].map({"bought": 1, "abandoned": 2, "open": 0}).to_numpy()


def stamps(micros):
    """Return microseconds since 1970 as UTC timestamps."""
    import pandas as pd

    return pd.to_datetime(micros.to_numpy().astype("int64"), unit="us", utc=True).astype(
        "datetime64[us, UTC]"
    )
