"""Which ways lead to an event, and which lead away from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import names as own
from workbench.errors import NotEnoughData
from workbench.journeys.paths import coded, different_paths, shares_of_paths, with_the_rest
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

TO = {
    "question": Note("journeys.to_question", "Which ways lead to {event:word}?"),
    "method": Note(
        "journeys.to_method",
        "The last {steps} events of a visit up to its first {event:word}, repeats in a row taken "
        "as one; a visit ends after {timeout:span} of inactivity; ratios over customers, delta "
        "method.",
    ),
    "answer": Note(
        "journeys.to_answer",
        "The most frequent way to {event:word} is {path:word}: {share:%} of the visits that get "
        "there ({low:%} to {high:%}; {count} of {n}).",
    ),
    "axis": Note("journeys.to_axis", "Share of visits that get there"),
}
FROM = {
    "question": Note("journeys.from_question", "Which ways lead on from {event:word}?"),
    "method": Note(
        "journeys.from_method",
        "The first {steps} events of a visit from its first {event:word} on, repeats in a row "
        "taken as one; a visit ends after {timeout:span} of inactivity; ratios over customers, "
        "delta method.",
    ),
    "answer": Note(
        "journeys.from_answer",
        "The most frequent way on from {event:word} is {path:word}: {share:%} of the visits that "
        "hold it ({low:%} to {high:%}; {count} of {n}).",
    ),
    "axis": Note("journeys.from_axis", "Share of visits that hold it"),
}


@engine.tables("events")
@analysis
def paths_to(
    events: Table,
    goal: str | Sequence[str],
    *,
    steps: int = 4,
    timeout: str = "30min",
    top: int = 20,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which steps come before an event?

    A path is the last `steps` events of a visit up to its first event `goal`, which is the last of
    them; it is shorter where the visit begins later. Repeats in a row are taken as one.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    goal : str or list
        The event, or several of which any counts.
    steps : int
        Events a path keeps, the goal among them.
    timeout, top, column, until : as in `paths`

    Returns
    -------
    Result
        path, count, n (visits that get to the goal), estimate (share), std_error, conf_low,
        conf_high. Paths beyond the top stand together in the last row. Interval: delta method with
        the customer as sampling unit.

    Raises
    ------
    InputError
        For more different events than a path can hold.
    NotEnoughData
        If no visit gets there.

    Source: PostHog, "Paths" (end point), and Amplitude, "Pathfinder" (addresses in
    `docs/glossary.md`); Deng, Knoblich & Lu (2018), KDD, for the interval.

    >>> from workbench import simulate
    >>> events = simulate.market(60)["events"]
    >>> paths_to(events, "order", steps=2).table["path"].str.endswith("order").iloc[0]
    np.True_
    """
    return _around(events, goal, "to", TO, (steps, timeout, top), column, until, conf_level)


@engine.tables("events")
@analysis
def paths_from(
    events: Table,
    start: str | Sequence[str],
    *,
    steps: int = 4,
    timeout: str = "30min",
    top: int = 20,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which steps follow an event?

    A path is the first `steps` events of a visit from its first event `start` on, which is the
    first of them; it is shorter where the visit ends sooner. Repeats in a row are taken as one.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    start : str or list
        The event, or several of which any counts.
    steps : int
        Events a path keeps, the start among them.
    timeout, top, column, until : as in `paths`

    Returns
    -------
    Result
        As `paths_to`; n are the visits that hold the event.

    Raises
    ------
    InputError
        For more different events than a path can hold.
    NotEnoughData
        If no visit holds it.

    Source: PostHog, "Paths" (start point), and Amplitude, "Pathfinder" (addresses in
    `docs/glossary.md`); Deng, Knoblich & Lu (2018), KDD, for the interval.

    >>> from workbench import simulate
    >>> events = simulate.market(60)["events"]
    >>> paths_from(events, "add_to_cart").table["path"].str.startswith("add_to_cart").iloc[0]
    np.True_
    """
    return _around(events, start, "from", FROM, (steps, timeout, top), column, until, conf_level)


def _around(events, anchor, side, words, shape, column, until, conf_level):
    """Return the paths on one side of an event."""
    steps, timeout, top = shape
    view, names, bits = coded(events, steps, column, until)
    where = "goal" if side == "to" else "start"
    asked = own.occurring(where, own.several(anchor), names)
    hits = tuple(names.index(name) for name in asked if name in names)
    kernel = Around(side, steps, bits, schemas.micros("timeout", timeout), hits)
    parts = engine.map_ordered(view, kernel, then=("t", "k")).groupby("path").sum()
    said = " / ".join(asked)
    if not len(parts) or not parts.loc[-1, "y1"]:
        raise NotEnoughData(
            "journeys.error_no_anchor", "no visit holds the event '{event:word}'", event=said
        )
    whole = parts.loc[-1].rename({"y1": "x1", "y11": "x11"})
    table = shares_of_paths(parts.drop(index=-1).reset_index(), whole, (names, bits), conf_level)
    row = table.iloc[0]
    return Result(
        question=words["question"].having(event=said),
        table=with_the_rest(table, top),
        method=words["method"].having(event=said, steps=steps, timeout=timeout),
        unit="sessions",
        n=int(whole["x1"]),
        conf_level=conf_level,
        limits=(
            different_paths(len(table), steps),
            Note(
                "journeys.around_all",
                "{count} of {n} visit holds the event.",
                "{count} of {n} visits hold the event.",
                n=int(whole["visits"]),
                count=int(whole["x1"]),
            ),
        ),
        answer=words["answer"].having(
            event=said,
            path=row["path"],
            share=row["estimate"],
            low=row["conf_low"],
            high=row["conf_high"],
            count=int(row["count"]),
            n=int(row["n"]),
        ),
        chart=Points(label=["path"], percent=True, xlabel=words["axis"]),
    )


class Around:
    """The kernel of `paths_to` and `paths_from`: per path the sums over customers of the visits
    that hold one of the events `hits`; row -1 holds all such visits.
    """

    def __init__(self, side, steps, bits, timeout, hits):
        self.side, self.steps, self.bits = side, steps, bits
        self.timeout, self.hits = timeout, hits

    def __call__(self, batch):
        k, n = batch["k"].astype(np.int64), len(batch)
        new = np.zeros(n, bool)
        new[1:] = np.diff(batch["t"]) > self.timeout
        new[batch.starts] = True
        change = new.copy()
        change[1:] |= k[1:] != k[:-1]
        # A visit is a run of steps, and a step a run of equal events.
        at = np.flatnonzero(change)
        visit = np.cumsum(new[at]) - 1
        head = np.flatnonzero(new[at])
        place = np.flatnonzero(self._is_hit(k[at]))
        if len(place):
            of = visit[place]
            place = place[np.concatenate([[True], of[1:] != of[:-1]])]
        return self._sums(
            batch.customer[at[place]], self._paths(k[at], visit, head, place), len(head)
        )

    def _is_hit(self, k):
        """Return which events are among those asked for."""
        return np.isin(k, self.hits)

    def _paths(self, k, visit, head, place):
        """Return the path at every place, packed; later steps are lower."""
        first = head[visit[place]]
        last = np.append(head[1:], len(k))[visit[place]] - 1
        path = np.zeros(len(place), np.int64)
        for i in range(self.steps):
            step = place + (i + 1 - self.steps if self.side == "to" else i)
            inside = (step >= first) & (step <= last)
            path = (
                np.where(inside, (path << self.bits) | (k[np.where(inside, step, 0)] + 1), path)
                if len(k)
                else path
            )
        return path

    @staticmethod
    def _sums(owner, path, visits):
        """Return the partial table."""
        x = np.bincount(owner).astype(float) if len(owner) else np.zeros(0)
        order = np.lexsort((path, owner))
        o, p = owner[order], path[order]
        edge = np.ones(len(o), bool)
        edge[1:] = (o[1:] != o[:-1]) | (p[1:] != p[:-1])
        start = np.flatnonzero(edge)
        y = np.diff(np.append(start, len(o))).astype(float)
        different, cell = np.unique(p[start], return_inverse=True)
        values = ((y, x.sum()), (y * y, (x * x).sum()), (y * x[o[start]], 0.0))
        columns = {
            name: np.append(np.bincount(cell, value, len(different)), total)
            for name, (value, total) in zip(("y1", "y11", "y1x1"), values, strict=True)
        }
        none = np.zeros(len(different))
        return {
            "path": np.append(different, -1),
            **columns,
            "customers": np.append(none, float((x > 0).sum())),
            "visits": np.append(none, float(visits)),
        }
