"""How well does it go: at once, for good, without being asked again, and as promised?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy
from workbench.service.tickets import label, read
from workbench.stats import process

if TYPE_CHECKING:
    from workbench.types import Moment, Table

FIRST = {
    "question": Note("service.first_question", "How many are helped at the first contact?"),
    "axis": Note("service.first_axis", "Share solved at the first contact"),
    "one": Note(
        "service.first_answer",
        "{estimate:%} of the tickets were solved at the first contact ({low:%} to {high:%}; "
        "{count} of {n} tickets).",
    ),
    "several": Note(
        "service.first_answer_groups",
        "Solved at the first contact were most for {name:word}: {estimate:%} ({low:%} to {high:%}; "
        "{n} tickets), and fewest for {last:word} ({last_value:%}; {last_n} tickets).",
    ),
}
AGAIN = {
    "question": Note("service.reopened_question", "How many come back after they were closed?"),
    "axis": Note("service.reopened_axis", "Share of closed tickets opened again"),
    "one": Note(
        "service.reopened_answer",
        "{estimate:%} of the tickets that were closed were opened again ({low:%} to {high:%}; "
        "{count} of {n} tickets).",
    ),
    "several": Note(
        "service.reopened_answer_groups",
        "Opened again were most for {name:word}: {estimate:%} of the closed tickets ({low:%} to "
        "{high:%}; {n} tickets), and fewest for {last:word} ({last_value:%}; {last_n} tickets).",
    ),
}
ASKED = {
    "one": Note(
        "service.contacts_answer",
        "An order brings {estimate:3} contacts ({low:3} to {high:3}; {total} contacts on {n} "
        "orders).",
    ),
    "several": Note(
        "service.contacts_answer_groups",
        "An order brings most contacts for {name:word}: {estimate:3} ({low:3} to {high:3}; {n} "
        "orders), and fewest for {last:word} ({last_value:3}; {last_n} orders).",
    ),
}
UNTOLD = Note(
    "service.untold",
    "Of {n} ticket it is not told; it is left out.",
    "Of {n} tickets it is not told; they are left out.",
    n=0,
)
CHANCES = ("late_reply", "late_solution", "opened_again", "escalated")


@engine.frames("tickets")
@analysis
def first_contact(
    tickets: Table,
    *,
    window: str = "14D",
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many tickets are solved at the first contact?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at
        solved_first (yes or no); where it is not told, a ticket that was closed within the window
        after one contact (`contacts`) and not opened again (`reopened`) counts as solved at once.
    window : str
        Time to follow a ticket; younger ones are left out and counted.
    by, until, conf_level : as in `first_reply`

    Returns
    -------
    Result
        group, count, n (tickets), estimate, std_error, conf_low, conf_high; tickets that are still
        open count as not solved, customers are the sampling unit.

    Raises
    ------
    InputError
        Where neither solved_first nor contacts is there.
    NotEnoughData
        Where no ticket is old enough, or it is told of none.

    Source: Feinberg et al. (2000), International Journal of Service Industry Management 11.
    """
    _either(tickets, ("solved_first", "contacts"))
    kept = read(tickets, by=by, until=until).old(window, schemas.micros("window", window))
    told = kept.flag("solved_first")
    if "contacts" in kept.rows:
        told = np.where(np.isnan(told), _at_once(kept, schemas.micros("window", window)), told)
    return _shares(
        kept,
        told,
        by,
        conf_level,
        measure="solved_first",
        said=FIRST,
        method=Note(
            "service.first_method",
            "Tickets solved at the first contact over all tickets followed for {window:span}; "
            "Wilson's interval, customers are the sampling unit.",
            window=window,
        ),
    )


@engine.frames("tickets")
@analysis
def reopened(
    tickets: Table,
    *,
    window: str = "14D",
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many tickets come back after they were closed?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at, closed_at, reopened
        reopened (yes or no): whether it was opened again after it had been closed.
    window : str
        Time to follow a ticket from its opening; younger ones are left out and counted.
    by, until, conf_level : as in `first_reply`

    Returns
    -------
    Result
        group, count, n (tickets that were ever closed), estimate, std_error, conf_low, conf_high;
        customers are the sampling unit.

    Raises InputError for a missing column, NotEnoughData where no ticket was closed.

    Source: rule V-15; Wilson (1927), JASA 22.
    """
    _either(tickets, ("reopened",))
    kept = read(tickets, by=by, until=until).old(window, schemas.micros("window", window))
    again = kept.flag("reopened")
    closed = ~np.isnan(kept.closed_at) | (again == 1)
    if not closed.any():
        raise NotEnoughData("service.error_none_closed", "tickets: none has been closed yet")
    return _shares(
        kept.where(closed),
        again[closed],
        by,
        conf_level,
        measure="opened_again",
        said=AGAIN,
        method=Note(
            "service.reopened_method",
            "Tickets opened again over all that were closed, of those opened at least "
            "{window:span} before the end; Wilson's interval, customers are the sampling unit.",
            window=window,
        ),
    )


@engine.frames("tickets", "orders")
@analysis
def contacts_per_order(
    tickets: Table,
    orders: Table,
    *,
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many contacts does an order bring?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at
        contacts where a ticket took several; each counts one where it is not there.
    orders : table with order_id, customer_id, ordered_at
    by : str, optional
        Column of both tables that gives the group, such as channel.
    until, conf_level : as in `first_reply`

    Returns
    -------
    Result
        group, total (contacts), n (orders), estimate (contacts per order), std_error, conf_low,
        conf_high: both within the time that both tables cover, customers are the sampling unit.

    Raises NotEnoughData where the two do not overlap in time.

    Source: rule V-15; Deng, Knoblich & Lu (2018), KDD, for the ratio over customers.
    """
    kept = read(tickets, by=by, until=until)
    asked, bought = _together(kept, orders, by)
    rows = []
    for group in sorted({*asked["group"], *bought["group"]}):
        pair = [t[t["group"] == group] for t in (asked, bought)]
        people = sorted({*pair[0]["who"], *pair[1]["who"]})
        sums = [
            t.groupby("who")["value"].sum().reindex(people, fill_value=0.0).to_numpy() for t in pair
        ]
        estimate, error, low, high = intervals.ratio(*sums, conf_level)
        key = {label(by): group} if by else {}
        rows.append(
            {
                **key,
                "measure": "contacts_per_order",
                "total": float(sums[0].sum()),
                "n": int(sums[1].sum()),
                "estimate": estimate,
                "std_error": error,
                "conf_low": low,
                "conf_high": high,
            }
        )
    table = tidy(rows)
    return Result(
        question=Note("service.contacts_question", "How many contacts does an order bring?"),
        table=table,
        answer=_extremes(table, by, ASKED),
        method=Note(
            "service.contacts_method",
            "Contacts over orders in the time that both tables cover; customers are the sampling "
            "unit.",
        ),
        unit="orders",
        n=int(table["n"].sum()),
        conf_level=conf_level,
        limits=(
            Note(
                "service.contacts_limit",
                "Contacts and orders of the same weeks: a contact may be about an earlier order.",
            ),
        ),
        chart=Points(
            label=[label(by)] if by else ["measure"],
            xlabel=Note("service.contacts_axis", "Contacts per order"),
        ),
    )


@engine.frames("tickets")
@analysis
def defects(
    tickets: Table,
    *,
    reply: str = "1D",
    solution: str = "5D",
    by: str | None = None,
    shift: float = 1.5,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How often does service fail to keep what it promises, in a million chances to fail?

    Parameters
    ----------
    tickets : table with ticket_id, customer_id, opened_at
        Each ticket has up to four chances to fail: a late first reply and a late solution (where
        first_reply_at and closed_at are there), being opened again (`reopened`), and having to be
        passed on (`escalated`). A promise counts once its time is over.
    reply, solution : str
        Times promised.
    by, until, conf_level : as in `first_reply`
    shift : float
        Drift that the sigma level allows for: 1.5 by convention, 0 for none.

    Returns
    -------
    Result
        group, chance ("all" and each kind), count (defects), n (chances), estimate (share), dpmo
        and its limits (defects of a million chances), sigma and its limits; customers are the
        sampling unit. std_error, conf_low and conf_high are of the share.

    Raises
    ------
    InputError
        Where no chance to fail is recorded.
    NotEnoughData
        Where no promise has come due.

    Source: Montgomery (2019), Introduction to Statistical Quality Control, ch. 1.
    """
    kept = read(tickets, by=by, until=until)
    failed = _failed(kept, reply, solution)
    rows = []
    for group, mask in _masks(kept):
        every = {"all": np.concatenate([failed[c][mask] for c in failed])}
        every |= {c: failed[c][mask] for c in failed}
        for chance, values in every.items():
            who = np.tile(kept.who[mask], len(failed)) if chance == "all" else kept.who[mask]
            key = {label(by): group} if by else {}
            row = _dpmo(values, who, shift, conf_level)
            if row:
                rows.append({**key, "chance": chance, **row})
    if not rows:
        raise NotEnoughData(
            "service.error_nothing_due", "tickets: no promise has come due yet; wait, or shorten it"
        )
    table = tidy(rows)
    return Result(
        question=Note("service.defects_question", "How often is a promise not kept?"),
        table=table,
        answer=_defects_answer(table, by),
        method=Note(
            "service.defects_method",
            "Defects over chances to fail, times a million; promised were a reply within "
            "{reply:span} and a solution within {solution:span}. The sigma level is the normal "
            "quantile of the share that went well plus {shift:plain}.",
            reply=reply,
            solution=solution,
            shift=shift,
        ),
        unit="opportunities",
        n=int(table.loc[table["chance"] == "all", "n"].sum()),
        conf_level=conf_level,
        limits=(
            Note(
                "service.shift_limit",
                "The shift of {shift:plain} in the sigma level is a convention, measured nowhere "
                "here; how many chances a ticket has is one too. Compare with yourself.",
                shift=shift,
            ),
        ),
        chart=Points(
            label=[*([label(by)] if by else []), "chance"],
            only={"chance": "all"} if by else {},
            percent=True,
            xlabel=Note("service.defects_axis", "Share of chances that went wrong"),
        ),
    )


def _either(tickets, columns):
    if not any(c in tickets for c in columns):
        raise InputError(
            "service.error_not_told",
            "tickets: nothing tells it; a column {columns:text} is needed",
            columns=list(columns),
        )


def _at_once(kept, window):
    """Return whether one contact was enough: closed in time, not opened again; missing where the
    number of contacts is.
    """
    import pandas as pd

    contacts = pd.to_numeric(kept.rows["contacts"], errors="coerce").to_numpy(float)
    in_time = kept.closed_at - kept.opened <= window
    once = (contacts <= 1) & in_time & (np.nan_to_num(kept.flag("reopened")) == 0)
    return np.where(np.isnan(contacts), np.nan, once)


def _shares(kept, told, by, conf_level, *, measure, said, method):
    """Return the Result of a share of tickets, by group."""
    known = ~np.isnan(told)
    if not known.any():
        raise NotEnoughData("service.error_told_of_none", "tickets: it is told of none of them")
    if not known.all():
        say(UNTOLD.having(n=int((~known).sum())))
    kept, told = kept.where(known), told[known] == 1
    rows = [
        {
            **({label(by): group} if by else {}),
            "measure": measure,
            **intervals.share(told[mask], kept.who[mask], conf_level),
        }
        for group, mask in _masks(kept)
    ]
    table = tidy(rows)
    return Result(
        question=said["question"],
        table=table,
        answer=_extremes(table, by, said),
        method=method,
        unit="tickets",
        n=len(kept),
        conf_level=conf_level,
        chart=Points(label=[label(by)] if by else ["measure"], percent=True, xlabel=said["axis"]),
    )


def _masks(kept):
    if kept.group is None:
        return [(None, np.ones(len(kept), bool))]
    return [(name, kept.group == name) for name in sorted(set(kept.group))]


def _extremes(table, by, said):
    """Return the note of the only row, or of the highest and the lowest of several."""
    known = table.dropna(subset=["estimate"])
    if known.empty:
        return Note("result.unknown", "These data do not allow an answer: see the limits below.")
    ranked = known.sort_values("estimate", ascending=False, kind="stable")
    top, last = ranked.iloc[0], ranked.iloc[-1]
    values = {
        "estimate": top["estimate"],
        "low": top["conf_low"],
        "high": top["conf_high"],
        "n": int(top["n"]),
    }
    if not by or len(known) == 1:
        counted = {c: int(top[c]) for c in ("count", "total") if c in table}
        return said["one"].having(**values, **counted)
    column = label(by)
    return said["several"].having(
        **values,
        name=top[column],
        last=last[column],
        last_value=last["estimate"],
        last_n=int(last["n"]),
    )


def _together(kept, orders, by):
    """Return contacts and orders in the time that both cover: who, group, value."""
    import pandas as pd

    schemas.require(orders, "orders", *((by,) if by else ()))
    rows = orders.dropna(subset=["order_id", "customer_id", "ordered_at"])
    rows = rows.drop_duplicates("order_id")
    at = schemas.moments(rows, "orders", "ordered_at").dt.as_unit("us").astype("int64")
    at = at.to_numpy(float)
    first = max(kept.opened.min(), at.min()) if len(at) else np.inf
    last = min(kept.end, at.max()) if len(at) else -np.inf
    contacts = np.ones(len(kept))
    if "contacts" in kept.rows:
        told = pd.to_numeric(kept.rows["contacts"], errors="coerce").to_numpy(float)
        contacts = np.where(np.isnan(told), 1.0, told)
    asked = pd.DataFrame(
        {
            "who": kept.who,
            "group": "all" if kept.group is None else kept.group,
            "value": contacts,
        }
    )[(kept.opened >= first) & (kept.opened <= last)]
    bought = pd.DataFrame(
        {
            "who": rows["customer_id"].astype(str).to_numpy(),
            "group": names.filled(rows[by]).map(names.written).to_numpy(str) if by else "all",
            "value": 1.0,
        }
    )[(at >= first) & (at <= last)]
    if asked.empty or bought.empty:
        raise NotEnoughData(
            "service.error_no_overlap",
            "tickets and orders: there is no time that both cover",
        )
    return asked, bought


def _failed(kept, reply, solution):
    """Return for each kind of chance whether it went wrong; missing where it has not come due, or
    is not recorded.
    """
    made = {}
    for name, column, promise in (
        ("late_reply", "first_reply_at", schemas.micros("reply", reply)),
        ("late_solution", "closed_at", schemas.micros("solution", solution)),
    ):
        if column in kept.rows:
            waited = getattr(kept, column) - kept.opened
            due = kept.opened + promise <= kept.end
            made[name] = np.where(due, ~(waited <= promise), np.nan)
            # A promise kept early is known before its time is over, and would count alone.
    for name, column in (("opened_again", "reopened"), ("escalated", "escalated")):
        if column in kept.rows:
            made[name] = kept.flag(column)
    if not made:
        raise InputError(
            "service.error_no_chance",
            "tickets: no chance to fail is recorded; a column {columns:text} is needed",
            columns=["first_reply_at", "closed_at", "reopened", "escalated"],
        )
    return made


def _dpmo(values, who, shift, conf_level):
    """Return defects of a million chances as part of a row; None where there is no chance."""
    known = ~np.isnan(values)
    if not known.any():
        return None
    share = intervals.share(values[known] == 1, who[known], conf_level)
    ends = {"": "estimate", "_low": "conf_low", "_high": "conf_high"}
    row = dict(share)
    for end, name in ends.items():
        row[f"dpmo{end}"] = process.MILLION * share[name]
    # Few defects are a high level: the ends change places.
    turned = {"": "estimate", "_low": "conf_high", "_high": "conf_low"}
    for end, name in turned.items():
        row[f"sigma{end}"] = float(process.sigma_level(share[name], shift))
    return row


def _defects_answer(table, by):
    whole = table[table["chance"] == "all"].sort_values("estimate", ascending=False, kind="stable")
    top, last = whole.iloc[0], whole.iloc[-1]
    values = {
        "dpmo": top["dpmo"],
        "low": top["dpmo_low"],
        "high": top["dpmo_high"],
        "n": int(top["n"]),
    }
    if not by or len(whole) == 1:
        return Note(
            "service.defects_answer",
            "Of a million chances {dpmo:3} went wrong ({low:3} to {high:3}; {count} of {n} "
            "opportunities).",
            **values,
            count=int(top["count"]),
        )
    column = label(by)
    return Note(
        "service.defects_answer_groups",
        "Of a million chances most went wrong for {name:word}: {dpmo:3} ({low:3} to {high:3}; {n} "
        "opportunities), and fewest for {last:word} ({last_dpmo:3}; {last_n} opportunities).",
        **values,
        name=top[column],
        last=last[column],
        last_dpmo=last["dpmo"],
        last_n=int(last["n"]),
    )
