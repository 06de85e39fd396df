"""Whether people give up more often right after a barrier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import analysis
from workbench.stages.episodes import Episodes, view_of
from workbench.stages.measures import rate_result
from workbench.stats import resample
from workbench.stats.differences import standardised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.results import Result
    from workbench.types import Moment, Table

LEAST_CONTACTS = 50
BARRIER = {
    "question": Note(
        "stages.barrier_question", "Do people give up more often right after a barrier?"
    ),
    "method": Note(
        "stages.barrier_method",
        "Contacts with a barrier against other contacts of the same stage; the adjusted difference "
        "holds contacts so far and the named columns equal; bootstrap over customers.",
    ),
    "axis": Note(
        "stages.barrier_axis", "Share of contacts (rate: of decision occasions), and difference"
    ),
}
BARRIER_LIMIT = Note(
    "stages.barrier_limit",
    "Contacts in the stage '{stage:word}'; those too close to the end of the data are left out. "
    "The two groups may differ in what was not recorded: an association, no proof of a cause.",
)


@engine.tables("events")
@analysis
def barriers(
    events: Table,
    stages: Sequence[str],
    barrier: str | Sequence[str],
    *,
    stage: str | None = None,
    adjust: Sequence[str] = (),
    gap: str = "30D",
    column: str = "stage",
    action: str = "event",
    until: Moment | None = None,
    draws: int = 300,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Do people give up more often right after a barrier than after another contact in the same
    stage?

    The comparison is made contact by contact, over contacts at least `gap` before the end of the
    data. Comparing whole occasions would mislead: long ones meet more barriers, and have not been
    given up for long.

    Parameters
    ----------
    events : table with customer_id, occurred_at, a stage column and an event column
    stages : list of str
        Stages in rank order, the purchase last.
    barrier : str or list of str
        Events that are barriers: an error, a declined payment, out of stock.
    stage : str, optional
        The stage whose contacts are compared; default the one before the purchase.
    adjust : list of str
        Word columns of `events`, such as device, held equal beside the number of contacts so far.
    column, action : str
        Columns with the stage and with the event. Of events at one moment in one stage, a barrier
        comes last: an error follows what was tried.

    Returns
    -------
    Result
        measure (rate: occasions in the stage that met a barrier; left_after_barrier,
        left_after_other: contacts after which the occasion was given up; difference: of these two;
        cost_adjusted: the same, standardised to the contacts with a barrier), count, n (occasions;
        contacts), estimate, conf_low, conf_high. Evidence: associational. Intervals: clustered
        shares; bootstrap over customers for differences.

    Raises
    ------
    InputError
        For an unknown stage, event or column.
    NotEnoughData
        With fewer than 50 contacts with or without a barrier.

    Source: S-15 in `docs/glossary.md`; standardisation Hernán & Robins (2020), Causal Inference,
    ch. 13.
    """
    import pandas as pd

    stages = own.listed(stages)
    stage = stages[-2] if stage is None else own.written(stage)
    if stage not in stages[:-1]:
        raise unknown("stage", "stage", stage, stages[:-1])
    schemas.require(events, "events", column, action, *adjust)
    words, names = _barriers_last(own.listed(engine.distinct(events, action)), barrier)
    more = {
        "a": engine.code(action, words),
        **{
            f"x{i}": engine.code(c, engine.distinct(events, c), others=True)
            for i, c in enumerate(adjust)
        },
    }
    view, begin, end = view_of(events, stages, None, until, column, more)
    kernel = _Barriers(
        len(stages),
        schemas.micros("gap", gap),
        end,
        begin,
        stages.index(stage),
        [words.index(n) for n in names if n in words],
        len(adjust),
    )
    d = engine.map_ordered(view, kernel, then=("t", "k", *more)).sort_values(
        ["customer", "cell", "met"], ignore_index=True
    )
    met = d["met"].to_numpy(bool)
    n = d["contacts"].to_numpy(float)
    if n[met].sum() < LEAST_CONTACTS or n[~met].sum() < LEAST_CONTACTS:
        raise NotEnoughData(
            "stages.barrier_few",
            "{least} contacts with a barrier and {least} without are needed; found {met} and "
            "{without}",
            least=LEAST_CONTACTS,
            met=n[met].sum(),
            without=n[~met].sum(),
        )
    who = np.unique(d["customer"].astype(str), return_inverse=True)[1]
    cell = np.unique(d["cell"], return_inverse=True)[1]
    left = d["left"].to_numpy(float)

    first = d["occasions"] > 0
    rows = [
        {
            "measure": "rate",
            **_ratio(
                d.loc[first, "occasions_met"], d.loc[first, "occasions"], who[first], conf_level
            ),
        },
        {"measure": "left_after_barrier", **_ratio(left[met], n[met], who[met], conf_level)},
        {"measure": "left_after_other", **_ratio(left[~met], n[~met], who[~met], conf_level)},
    ]
    at = resample.place([cell, met, n, left], who)
    estimate = standardised(met, cell, n, left, np.ones(len(who)))
    _, low, high = intervals.bootstrap(
        lambda w: standardised(met, cell, n, left, w[who]),
        at,
        seed=seed,
        draws=draws,
        conf_level=conf_level,
    )
    for k, name in enumerate(("difference", "cost_adjusted")):
        rows.append(
            {
                "measure": name,
                "count": np.nan,
                "n": int(n.sum()),
                "estimate": estimate[k],
                "conf_low": low[k],
                "conf_high": high[k],
            }
        )
    table = pd.DataFrame(rows)
    made = rate_result(
        BARRIER | {"answer": _barrier_answer(table)},
        table,
        int(n.sum()),
        "contacts",
        conf_level,
        [BARRIER_LIMIT.having(stage=stage)],
        ["measure"],
    )
    return replace(made, evidence="associational")


def _barrier_answer(table):
    """Return the adjusted difference after a barrier, or that none could be shown."""
    rows = table.set_index("measure")
    gap = rows.loc["cost_adjusted"]
    values = {
        "met": rows.loc["left_after_barrier", "estimate"],
        "other": rows.loc["left_after_other", "estimate"],
        "difference": gap["estimate"],
        "low": gap["conf_low"],
        "high": gap["conf_high"],
        "n": gap["n"],
    }
    if gap["conf_low"] <= 0 <= gap["conf_high"]:
        return Note(
            "stages.barrier_answer_none",
            "No difference after a barrier could be shown: {met:%} give up after one, {other:%} "
            "after another contact; adjusted {difference:points} percentage points ({low:points} "
            "to {high:points}; {n} contacts).",
            **values,
        )
    return Note(
        "stages.barrier_answer",
        "{met:%} give up right after a barrier, {other:%} after another contact: an adjusted "
        "difference of {difference:points} percentage points ({low:points} to {high:points}; {n} "
        "contacts).",
        **values,
    )


def _ratio(y, x, who, conf_level):
    size = who.max() + 1
    y, x = np.bincount(who, y, size), np.bincount(who, x, size)
    estimate, se, _, _ = intervals.ratio(y[x > 0], x[x > 0], conf_level)
    low, high = intervals.wilson_effective_n(estimate, se, x.sum(), (x > 0).sum(), conf_level)
    return {
        "count": y.sum(),
        "n": int(x.sum()),
        "estimate": estimate,
        "conf_low": float(low),
        "conf_high": float(high),
    }


class _Barriers(Episodes):
    """The kernel of `barriers`: contacts and departures by customer, with and without a barrier, in
    cells of like contacts.
    """

    def __init__(self, stages, gap, end, begin, stage, names, adjust):
        super().__init__(stages, gap, end, begin)
        self.stage, self.names, self.adjust = stage, names, adjust

    def __call__(self, batch):
        edges = self.edges(batch)
        outcome, _ = self.closing(batch, edges)
        m, n = len(edges), len(batch)
        episode = np.repeat(np.arange(m), np.diff(np.append(edges, n))) if m else np.zeros(0, int)
        last = np.append(edges[1:], n)[:m] - 1
        # Only contacts whose sequel is known by the end of the data: later ones that led to nothing
        # yet would be missing, those that led to an order not.
        at = (
            (batch["k"] == self.stage) & (batch["t"] <= self.end - self.gap)
            if m
            else np.zeros(0, bool)
        )
        met = np.isin(batch["a"], self.names)
        # Contacts so far, in doublings, so that like is compared with like.
        so_far = np.arange(n) - edges[episode] if m else np.zeros(0, int)
        cell = np.floor(np.log2(so_far + 1)).astype(np.int64) if m else np.zeros(0, np.int64)
        for i in range(self.adjust):
            cell = cell * 1000 + np.minimum(batch[f"x{i}"], 999)
        left = (outcome[episode] == 2) & (np.arange(n) == last[episode]) if m else at
        rows = np.flatnonzero(at)
        who = batch.customer[rows] if len(rows) else rows
        order = np.lexsort((met[rows], cell[rows], who))
        rows, who = rows[order], who[order]
        new = np.ones(len(rows), bool)
        new[1:] = (
            (np.diff(who) != 0) | (np.diff(cell[rows]) != 0) | (np.diff(met[rows].astype(int)) != 0)
        )
        head = np.flatnonzero(new)
        key = np.cumsum(new) - 1
        hit = np.bincount(episode, at & met, m) > 0 if m else np.zeros(0, bool)
        inside = np.bincount(episode, at, m) > 0 if m else hit
        owner = batch.customer[edges] if m else np.zeros(0, int)
        size = (owner.max() + 1) if m else 0
        total, total_met = np.bincount(owner, inside, size), np.bincount(owner, hit, size)
        first = np.ones(len(head), bool)
        first[1:] = np.diff(who[head]) != 0
        return {
            "customer": batch["customer"][rows[head]],
            "cell": cell[rows[head]],
            "met": met[rows[head]],
            "contacts": np.bincount(key, minlength=len(head)).astype(np.int64),
            "left": np.bincount(key, left[rows], len(head)).astype(np.int64),
            "occasions": np.where(first, total[who[head]], 0).astype(np.int64) if m else key,
            "occasions_met": (
                np.where(first, total_met[who[head]], 0).astype(np.int64) if m else key
            ),
        }


def _barriers_last(words, barrier):
    """Return the events with the barriers after the others, and the barriers: at one moment in one
    stage the order of codes decides, and an error follows what was tried.
    """
    names = own.occurring("barrier", own.several(barrier), words)
    return [*(w for w in words if w not in names), *(w for w in words if w in names)], names
