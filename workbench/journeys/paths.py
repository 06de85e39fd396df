"""How visits begin, and which beginnings go with a purchase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.differences import of_ratios

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table


@engine.tables("events")
@analysis
def paths(
    events: Table,
    *,
    steps: int = 5,
    timeout: str = "30min",
    top: int = 20,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which are the most frequent paths at the start of a visit?

    A path is the first `steps` events of a visit, repeats in a row taken as one. Paths beyond the
    top are shown together, so the shares add up to 1.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    steps : int
        Events a path keeps.
    timeout : str
        Longest pause within a visit.
    top : int
        Paths shown.
    column : str
        Column with the event or stage.
    until : str or Timestamp, optional

    Returns
    -------
    Result
        path, count, n (visits), estimate (share), std_error, conf_low, conf_high. Interval: delta
        method with the customer as sampling unit.

    Raises
    ------
    InputError
        For more different events than a path can hold.
    NotEnoughData
        If there is no visit.

    Source: Deng, Knoblich & Lu (2018), KDD, for the interval.
    """
    names, sums, whole = _walk(events, steps, timeout, None, column, until)
    if whole["x1"] == 0:
        raise NotEnoughData("journeys.error_no_visit", "paths: there is no visit")
    table = shares_of_paths(sums, whole, names, conf_level)
    n, shown = whole["x1"], with_the_rest(table, top)
    return Result(
        question=Note("journeys.paths_question", "How do visits usually begin?"),
        table=shown,
        method=Note(
            "journeys.paths_method",
            "First {steps} events of a visit, repeats in a row taken as one; a visit ends after "
            "{timeout:span} of inactivity; ratios over customers, delta method.",
            timeout=timeout,
            steps=steps,
        ),
        unit="sessions",
        n=int(n),
        conf_level=conf_level,
        limits=(different_paths(len(table), steps),),
        answer=_first_path_answer(table),
        chart=Points(
            label=["path"], percent=True, xlabel=Note("journeys.paths_axis", "Share of visits")
        ),
    )


@engine.tables("events")
@analysis
def distinguishing_paths(
    events: Table,
    goal: str,
    *,
    steps: Sequence[str] = 4,
    timeout: str = "30min",
    top: int = 15,
    least: int = 50,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which starts of a visit are more frequent among visits that end in the goal than among the
    others?

    Only what lies before the goal makes the path, so a path cannot contain its own success.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    goal : str
        Event that makes a visit a success, such as "order".
    steps, timeout, column, until
        As in `paths`.
    top : int
        Paths shown, those that differ most surely.
    least : int
        Visits a path needs to be compared.

    Returns
    -------
    Result
        path, count (visits with the path), n (visits with anything before the goal), with_goal,
        without_goal (its share among each kind), estimate (difference), std_error, conf_low,
        conf_high, p_value, p_adjusted.
        Customers are the sampling unit; correction: Benjamini–Hochberg over all paths compared.

    Raises
    ------
    InputError
        For an unknown goal.
    NotEnoughData
        Without visits of both kinds.

    Source: Benjamini & Hochberg (1995), JRSS B 57; Deng, Knoblich & Lu (2018) for the error.
    """
    import pandas as pd

    names, sums, whole = _walk(events, steps, timeout, goal, column, until)
    x1, x0 = whole["x1"], whole["x0"]
    if not x1 or not x0:
        raise _no_contrast(goal)
    seen = sums["y1"] + sums["y0"]
    # Too few expected on one side, and a normal error would call luck a finding.
    sums = sums[(seen >= least) & (seen * min(x1, x0) / (x1 + x0) >= 5)]
    if not len(sums):
        raise _no_contrast(goal)
    r1, r0 = sums["y1"] / x1, sums["y0"] / x0

    pooled = (sums["y1"] + sums["y0"]) / (x1 + x0)
    se, under_none = of_ratios(sums, whole, r1, r0), of_ratios(sums, whole, pooled, pooled)
    gap = r1 - r0
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(under_none > 0, 2 * special.ndtr(-np.abs(gap) / under_none), 1.0)
    # A path absent from one side has no spread there; under no difference it has.
    se = np.where((sums["y1"] == 0) | (sums["y0"] == 0), np.maximum(se, under_none), se)
    low, high = intervals.normal(gap, se, conf_level)
    table = pd.DataFrame(
        {
            "path": written_paths(sums["path"], names),
            "count": (sums["y1"] + sums["y0"]).astype(int),
            "n": int(x1 + x0),
            "with_goal": r1,
            "without_goal": r0,
            "estimate": gap,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "p_value": p,
            "p_adjusted": intervals.adjust_p_values(p, "fdr_bh"),
        }
    )
    limits = _difference_limits(len(table), int(whole["empty"]))
    # The surest of both signs, those that go with the goal first.
    table = table.sort_values(
        ["p_value", "count", "path"], ascending=[True, False, True], kind="stable"
    )
    chosen = [
        side.head(room)
        for side, room in (
            (table[table["estimate"] > 0], top - top // 2),
            (table[table["estimate"] <= 0], top // 2),
        )
    ]
    table = pd.concat(chosen).sort_values(
        ["estimate", "path"], ascending=[False, True], ignore_index=True
    )
    return Result(
        question=Note(
            "journeys.differ_question",
            "Which beginnings of a visit distinguish visits with '{goal:word}' from the others?",
            goal=goal,
        ),
        table=table,
        method=Note(
            "journeys.differ_method",
            "Share of a path among visits with the goal minus its share among the "
            "others; first {steps} events before the goal; a visit ends after {timeout:span} of "
            "inactivity; customers as sampling unit, Benjamini–Hochberg.",
            timeout=timeout,
            steps=steps,
        ),
        unit="sessions",
        n=int(x1 + x0),
        conf_level=conf_level,
        evidence="associational",
        limits=limits,
        answer=_difference_answer(table, goal, conf_level),
        chart=Points(
            label=["path"],
            percent=True,
            points=True,
            reference=0.0,
            xlabel=Note(
                "journeys.differ_axis",
                "Share among visits with '{goal:word}' minus share among the others, "
                "percentage points",
                goal=goal,
            ),
        ),
    )


def shares_of_paths(sums, whole, names, conf_level):
    """Return a row a path, the most frequent first, from the sums over customers."""
    import pandas as pd

    sums = sums.sort_values(["y1", "path"], ascending=[False, True], ignore_index=True)
    return pd.DataFrame(
        {
            "path": written_paths(sums["path"], names),
            **intervals.share_of_sums(
                sums["y1"].to_numpy(),
                whole["x1"],
                sums["y11"].to_numpy(),
                sums["y1x1"].to_numpy(),
                whole["x11"],
                whole["customers"],
                conf_level,
            ),
        }
    )


def with_the_rest(table, top):
    """Return the first rows of a table of paths, those beyond them in one row.

    The rest is what the shown ones are not; its error would need all pairs of paths, so it has
    none.
    """
    import pandas as pd

    rest, shown = table.iloc[top:], table.iloc[:top]
    if not len(rest):
        return shown
    count, n = int(rest["count"].sum()), int(rest["n"].iloc[0])
    other = pd.DataFrame([{"path": "other_paths", "count": count, "n": n, "estimate": count / n}])
    return pd.concat([shown, other], ignore_index=True)


def different_paths(n, steps):
    """Return the note of how many paths there are."""
    return Note(
        "journeys.paths_all",
        "{n} different path of at most {steps} events.",
        "{n} different paths of at most {steps} events; those not shown stand together in the last "
        "row.",
        n=n,
        steps=steps,
    )


def _difference_limits(tests, empty):
    return (
        Note(
            "journeys.differ_limit",
            "{n} path compared.",
            "{n} paths compared; the adjusted p takes their number into account.",
            n=tests,
        ),
        Note(
            "journeys.differ_empty",
            "{n} visit with nothing before the goal is left out: it has no path.",
            "{n} visits with nothing before the goal are left out: they have no path.",
            n=empty,
        ),
        Note(
            "journeys.differ_not_cause",
            "A path associated with the goal need not bring it about: those who mean to buy move "
            "differently from the start.",
        ),
    )


def _no_contrast(goal):
    return NotEnoughData(
        "journeys.no_contrast",
        "visits with '{goal:word}' and visits without it are both needed",
        goal=goal,
    )


def _first_path_answer(table):
    """Name the most frequent path; the table is sorted."""
    row = table.iloc[0]
    return Note(
        "journeys.paths_answer",
        "Visits most often begin with {path:word}: {share:%} of them ({low:%} to {high:%}; "
        "{count} of {n}).",
        path=row["path"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
    )


def _difference_answer(table, goal, conf_level):
    """Name the largest clear difference, one in favour of the goal where there is any."""
    clear = table[table["p_adjusted"] < 1 - conf_level]
    more = clear[clear["estimate"] > 0]
    shown = more if len(more) else clear if len(clear) else table
    ranked = shown.assign(size=shown["estimate"].abs())
    row = ranked.sort_values(["size", "path"], ascending=[False, True]).iloc[0]
    values = {
        "goal": goal,
        "path": row["path"],
        "with_goal": row["with_goal"],
        "without_goal": row["without_goal"],
        "gap": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": int(row["n"]),
    }
    if not len(clear):
        return Note(
            "journeys.no_difference_answer",
            "No beginning could be shown to distinguish visits with '{goal:word}': the largest "
            "difference is {gap:points} percentage points, for {path:word} ({low:points} to "
            "{high:points}; {n} visits).",
            **values,
        )
    return Note(
        "journeys.differ_answer",
        "{path:word} differs most: {with_goal:%} of visits with '{goal:word}' begin so, "
        "against {without_goal:%} of the others ({gap:points} percentage points, {low:points} to "
        "{high:points}; {n} visits).",
        **values,
    )


def coded(events, steps, column, until):
    """Return the view of the events, their names, and how many bits a name takes in a path."""
    schemas.require(events, "events", column)
    names = own.listed(engine.distinct(events, column))
    bits = max(len(names).bit_length(), 1)
    if steps < 1 or steps * bits > 62:
        raise InputError(
            "journeys.error_path_length",
            "steps: {events} different events leave room for {least} to {most} steps, found "
            "{steps}. Use stages or group pages first.",
            events=len(names),
            least=1,
            most=62 // bits,
            steps=steps,
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, names),
    }
    end = schemas.observed_until(events, until)
    return engine.view(events, upto=None if until is None else end, **roles), names, bits


def _walk(events, steps, timeout, goal, column, until):
    """Return the events' names, the sums by path, and the sums over all visits."""
    view, names, bits = coded(events, steps, column, until)
    goal = None if goal is None else own.written(goal)
    if goal is not None and goal not in names:
        raise unknown("goal", "event", goal, names)
    kernel = _Paths(
        steps, bits, schemas.micros("timeout", timeout), None if goal is None else names.index(goal)
    )
    parts = engine.map_ordered(view, kernel, then=("t", "k")).groupby("path").sum()
    whole = parts.loc[-1].rename({"y1": "x1", "y0": "x0", "y11": "x11", "y00": "x00", "y10": "x10"})
    return (names, bits), parts.drop(index=-1).reset_index(), whole


def written_paths(packed, coded):
    """Return packed paths as text."""
    names, bits = coded
    mask = (1 << bits) - 1
    out = []
    for path in packed:
        here, path = [], int(path)
        while path:
            here.append(names[(path & mask) - 1])
            path >>= bits
        out.append(own.path(here[::-1]))
    return np.array(out, object)


_SUMS = ("y1", "y0", "y11", "y00", "y10", "y1x1", "y1x0", "y0x1", "y0x0")


class _Paths:
    """The kernel of `paths`: per path the sums over customers of its visits, with the goal (1) and
    without (0); row -1 holds all visits.
    """

    def __init__(self, steps, bits, timeout, goal):
        self.steps, self.bits, self.timeout, self.goal = steps, bits, timeout, goal

    def __call__(self, batch):
        n = len(batch)
        k, time = batch["k"].astype(np.int64), batch["t"]
        new = np.zeros(n, bool)
        new[1:] = np.diff(time) > self.timeout
        new[batch.starts] = True
        head = np.flatnonzero(new)
        m = len(head)
        visit = np.cumsum(new) - 1
        kept = np.ones(n, bool)
        won = np.ones(m, bool)
        if self.goal is not None and m:
            hit = k == self.goal
            first = np.full(m, n)
            np.minimum.at(first, visit[hit], np.flatnonzero(hit))
            won = first < n
            kept = np.arange(n) < first[visit]
        change = kept.copy()
        change[1:] &= new[1:] | (k[1:] != k[:-1])
        at = np.flatnonzero(change)
        v = visit[at]
        if len(v):
            begins = np.concatenate([[True], v[1:] != v[:-1]])
            place = np.arange(len(v)) - np.maximum.accumulate(
                np.where(begins, np.arange(len(v)), 0)
            )
        else:
            place = v
        path = np.zeros(m, np.int64)
        for i in range(self.steps):
            here = place == i
            path[v[here]] = (path[v[here]] << self.bits) | (k[at[here]] + 1)
        owner = batch.customer[head] if m else np.zeros(0, int)
        people = int(owner[-1]) + 1 if m else 0
        # A visit that begins with its goal has nothing before it: it tells of no path.
        told = path > 0
        empty = float((~told).sum())
        owner, path, won, m = owner[told], path[told], won[told], int(told.sum())
        x1 = np.bincount(owner, won, people)
        x0 = np.bincount(owner, ~won, people)
        # One row per customer and path: visits with the goal and without.
        order = np.lexsort((path, owner))
        o, p, w = owner[order], path[order], won[order]
        edge = np.ones(m, bool)
        edge[1:] = (o[1:] != o[:-1]) | (p[1:] != p[:-1])
        start = np.flatnonzero(edge)
        y1 = np.add.reduceat(w.astype(float), start) if m else np.zeros(0)
        y0 = np.add.reduceat((~w).astype(float), start) if m else np.zeros(0)
        o, p = o[start], p[start]
        different, cell = np.unique(p, return_inverse=True)
        values = (y1, y0, y1**2, y0**2, y1 * y0, y1 * x1[o], y1 * x0[o], y0 * x1[o], y0 * x0[o])
        sums = [
            np.append(np.bincount(cell, value, len(different)), all_)
            for value, all_ in zip(
                values,
                (x1.sum(), x0.sum(), (x1**2).sum(), (x0**2).sum(), (x1 * x0).sum(), 0, 0, 0, 0),
                strict=True,
            )
        ]
        none = np.zeros(len(different))
        return {
            "path": np.append(different, -1),
            **dict(zip(_SUMS, sums, strict=True)),
            "customers": np.append(none, float(people)),
            "empty": np.append(none, empty),
        }
