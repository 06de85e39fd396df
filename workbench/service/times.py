"""How soon do we reply, and how soon is it solved, when some tickets are still open?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, survival
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.service.tickets import HOUR, label, read

if TYPE_CHECKING:
    from workbench.types import Moment, Table

OPEN = Note(
    "service.open",
    "{n} ticket was still waiting when the data end: it counts for as long as it has waited.",
    "{n} tickets were still waiting when the data end: they count for as long as they have waited.",
    n=0,
)
MEDIAN = Note(
    "service.median",
    "{group:word}: half within {hours:3} hours ({low:3} to {high:3}; {n} tickets).",
)
MEDIAN_OPEN = Note(
    "service.median_open",
    "{group:word}: half within {hours:3} hours ({n} tickets); the interval has no upper end.",
)
LOG_RANK = Note("service.log_rank", "Log-rank test over all groups: p: {p:p}.")
REPLY = {
    "answer": Note(
        "service.reply_answer",
        "{share:%} of the tickets had a first reply within {within:span} ({low:%} to {high:%}; {n} "
        "tickets).",
    ),
    "groups": Note(
        "service.reply_answer_groups",
        "Within {within:span} the share with a first reply was highest for {name:word}: {share:%} "
        "({low:%} to {high:%}; {n} tickets); it was lowest for {last:word} ({last_share:%}; "
        "{last_n} tickets).",
    ),
    "question": Note("service.reply_question", "How soon do those who ask get a first reply?"),
    "ylabel": Note("service.reply_axis", "Share with a first reply"),
}
SOLVED = {
    "answer": Note(
        "service.solved_answer",
        "{share:%} of the tickets were closed within {within:span} ({low:%} to {high:%}; {n} "
        "tickets).",
    ),
    "groups": Note(
        "service.solved_answer_groups",
        "Within {within:span} the share that was closed was highest for {name:word}: {share:%} "
        "({low:%} to {high:%}; {n} tickets); it was lowest for {last:word} ({last_share:%}; "
        "{last_n} tickets).",
    ),
    "question": Note("service.solved_question", "How soon is what they ask solved?"),
    "ylabel": Note("service.solved_axis", "Share closed"),
}


@engine.frames("tickets")
@analysis
def first_reply(
    tickets: Table,
    *,
    within: str = "1D",
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How soon do those who ask get a first reply, when some are still waiting?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at, first_reply_at
        One row a ticket; first_reply_at is missing while there is none.
    within : str
        The time that the answer speaks of.
    by : str, optional
        Column of the group, such as channel.
    until : moment, optional
        End of the data; the last moment in the table where it is not given.
    conf_level : float

    Returns
    -------
    Result
        group, hours, n (tickets at risk), count (replied to at that time), estimate (share replied
        to by then), std_error, conf_low, conf_high; customers are the sampling unit. Medians
        (service.median) stand in `.facts`.

    Raises
    ------
    InputError
        For a missing column, a ticket in several rows, or a reply before its question.
    NotEnoughData
        Without a ticket.

    Source: Kaplan & Meier (1958), JASA 53; rule V-15.
    """
    return _waited(tickets, "first_reply_at", REPLY, (within, by, until, conf_level))


@engine.frames("tickets")
@analysis
def resolution(
    tickets: Table,
    *,
    within: str = "3D",
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How soon is a ticket closed for good, when some are still open?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at, closed_at
        closed_at is when the ticket was closed last, missing while it is open.
    within, by, until, conf_level : as in `first_reply`

    Returns
    -------
    Result
        group, hours, n (tickets at risk), count (closed at that time), estimate (share closed by
        then), std_error, conf_low, conf_high; customers are the sampling unit. Medians
        (service.median) stand in `.facts`.

    Raises as `first_reply`.

    Source: as `first_reply`. The mean over closed tickets alone is too short: slow ones are open.
    """
    return _waited(tickets, "closed_at", SOLVED, (within, by, until, conf_level))


def _waited(tickets, column, said, asked):
    """Return the Result of the time from opening to a moment."""
    import pandas as pd

    from workbench import schemas
    from workbench.errors import need_columns

    within, by, until, conf_level = asked
    limit = schemas.micros("within", within) / HOUR
    need_columns("tickets", tickets.columns, column)
    read_in = read(tickets, by=by, until=until)
    group_column, curves, ends, medians, still = label(by), [], [], [], 0
    hours, done = _durations(read_in, column)
    for group, mask in _masks(read_in):
        kept = survival.kaplan_meier(
            hours[mask], done[mask], customer=read_in.who[mask], conf_level=conf_level
        )
        medians.append((group, int(mask.sum()), *survival.quantile(kept, 0.5)))
        curve = _turned(kept)
        people = len(np.unique(read_in.who[mask]))
        ends.append(_by(curve, limit, people, conf_level) | {"name": group, "n": int(mask.sum())})
        still += int((~done[mask]).sum())
        curves.append(curve if by is None else curve.assign(**{group_column: group}))
    table = pd.concat(curves, ignore_index=True)
    if by:
        table = table[[group_column, *(c for c in table if c != group_column)]]
    return Result(
        question=said["question"],
        table=table,
        answer=_found(ends, said, within),
        method=Note(
            "service.times_method",
            "One less the share still waiting (Kaplan–Meier) among all tickets, open ones too; "
            "customers are the sampling unit.",
        ),
        unit="tickets",
        n=len(read_in),
        conf_level=conf_level,
        limits=(
            *_halves(medians),
            *_tested(read_in, hours, done),
            *([OPEN.having(n=still)] if still else []),
        ),
        chart=Curve(
            x="hours",
            group=group_column,
            step=True,
            percent=True,
            xlabel=Note("service.hours_axis", "Hours since the ticket was opened"),
            ylabel=said["ylabel"],
        ),
    )


def _durations(tickets, column):
    """Return hours until a moment, or until the end where it has not come, and whether it did."""
    then = getattr(tickets, column)
    done = ~np.isnan(then)
    return (np.where(done, then, tickets.end) - tickets.opened) / HOUR, done


def _masks(tickets):
    if tickets.group is None:
        return [("all", np.ones(len(tickets), bool))]
    return [(name, tickets.group == name) for name in sorted(set(tickets.group))]


def _turned(curve):
    """Return a curve of those still waiting as one of those who are not any more."""
    turned = curve.rename(columns={"time": "hours", "at_risk": "n"})
    return turned.assign(
        estimate=1 - curve["estimate"],
        conf_low=1 - curve["conf_high"],
        conf_high=1 - curve["conf_low"],
    )


def _by(curve, limit, people, conf_level):
    """Return the share by a time as values of a sentence; where it is none or all of them, its
    interval is Wilson's for so many people.
    """
    rows = curve[curve["hours"] <= limit + 1e-9]
    last = rows.iloc[-1] if len(rows) else {"estimate": 0.0, "conf_low": np.nan}
    share = float(last["estimate"])
    if last["conf_low"] == last["conf_low"]:
        low, high = last["conf_low"], last["conf_high"]
    else:
        low, high = (float(v) for v in intervals.wilson(round(share) * people, people, conf_level))
    return {"share": share, "low": low, "high": high}


def _found(ends, said, within):
    """Return the note on the share by a time, of all or of the highest and the lowest group."""
    ranked = sorted(ends, key=lambda end: (-end["share"], str(end["name"])))
    top, last = ranked[0], ranked[-1]
    if len(ends) == 1:
        return said["answer"].having(within=within, **{k: top[k] for k in top if k != "name"})
    return said["groups"].having(
        within=within, **top, last=last["name"], last_share=last["share"], last_n=last["n"]
    )


def _halves(medians):
    """Return the medians that the curves reach, as limits."""
    notes = []
    for group, n, hours, low, high in medians:
        if hours == hours and low == low and high == high:
            notes.append(MEDIAN.having(group=group, hours=hours, low=low, high=high, n=n))
        elif hours == hours:
            notes.append(MEDIAN_OPEN.having(group=group, hours=hours, n=n))
    return notes


def _tested(tickets, hours, done):
    if tickets.group is None or len(set(tickets.group)) < 2 or not done.any():
        return []
    p = float(survival.log_rank(hours, done, tickets.group, customer=tickets.who)[2])
    return [LOG_RANK.having(p=p)] if p == p else []
