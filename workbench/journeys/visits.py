"""Visits by several tools' rules, and moves from one event to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData, one_of
from workbench.journeys.ongoing import other_campaign
from workbench.notes import Note
from workbench.results import Heat, Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.types import Table

SECOND = 1_000_000


# How three tools cut visits (their documentation, as read in November 2026; links in
# `docs/glossary.md`).
RULES = {
    "ga4": {"timeout": "30min"},
    "matomo": {"timeout": "30min", "midnight": True, "campaign": True},
    "posthog": {"timeout": "30min", "longest": "24h"},
}


NO_PAUSE = Note("journeys.no_pause", "no limit")
LAST_EVENT = Note(
    "journeys.last_page",
    "Time after the last event of a session is not seen: durations are lower bounds.",
)
RULE = {
    "ga4": Note(
        "journeys.rule_ga4",
        "GA4's rule: a visit ends after {timeout:span} of inactivity; one across midnight counts "
        "on both days.",
        timeout=RULES["ga4"]["timeout"],
    ),
    "matomo": Note(
        "journeys.rule_matomo",
        "Matomo's rule: a visit ends after {timeout:span} of inactivity, at local midnight and "
        "with every new campaign.",
        timeout=RULES["matomo"]["timeout"],
    ),
    "posthog": Note(
        "journeys.rule_posthog",
        "PostHog's rule: a visit ends after {timeout:span} of inactivity and lasts {longest:span} "
        "at most.",
        timeout=RULES["posthog"]["timeout"],
        longest=RULES["posthog"]["longest"],
    ),
}


@engine.tables("events")
@analysis
def sessions(
    events: Table,
    *,
    timeout: str = "30min",
    rule: str | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """How often do people come, and how much do they do in a visit?

    A session ends when the pause to the next event is longer than `timeout`. By rule "ga4" that is
    all, but a visit across midnight counts on both days (measure sessions_by_day); "matomo" begins
    a new one at local midnight and with a new campaign too; "posthog" after 24 hours.

    Parameters
    ----------
    events : table with customer_id, occurred_at
    timeout : str
        Such as "30min".
    rule : str, optional
        "ga4", "matomo" or "posthog"; sets the timeout too.
    zone : str
        Time zone of midnight.

    Returns
    -------
    Result
        One row per measure: measure (sessions_per_customer, events_per_session,
        seconds_per_session, one_event_share; with rule "ga4" sessions_by_day), count or
        total (numerator), n (denominator), estimate, std_error, conf_low, conf_high. Interval:
        delta method with the customer as sampling unit.

    Raises
    ------
    NotEnoughData
        If the table holds no event with a customer and a time.

    Source: Deng, Knoblich & Lu (2018), KDD, for the interval.
    """
    schemas.require(events, "events")
    if rule is not None:
        one_of("rule", rule, RULES)
        timeout = RULES[rule]["timeout"]
    table, people = _cut(
        events, {"visits": RULES.get(rule, {"timeout": timeout})}, zone, conf_level
    )
    table = table[(table["measure"] != "sessions_by_day") | (rule == "ga4")].drop(
        columns="definition"
    )
    return Result(
        question=Note(
            "journeys.sessions_question",
            "How often do people come, and how much do they do in a visit?",
        ),
        table=table,
        unit="customers",
        method=Note(
            "journeys.sessions_method",
            "Sessions end after a pause longer than {timeout:span}; ratios over "
            "customers, delta method.",
            timeout=timeout,
        ),
        n=people,
        conf_level=conf_level,
        limits=(LAST_EVENT, RULE[rule]) if rule else (LAST_EVENT,),
        answer=_visits_answer(table),
        chart=Points(
            label=["measure"],
            xlabel=Note("journeys.sessions_axis", "Per customer or per session, as named"),
        ),
    )


@engine.tables("events")
@analysis
def compare_sessions(events: Table, *, zone: str = "UTC", conf_level: float = 0.95) -> Result:
    """How many visits do different tools make of the same data?

    Takes events with customer_id, occurred_at and, for Matomo's rule, campaign. Returns a Result:
    definition (ga4, matomo, posthog, and pauses of 15, 30 and 60 minutes), total (visits), n
    (customers), estimate (visits per customer), std_error, conf_low, conf_high. Raises as
    `sessions`. Source: the tools' documentation in `docs/glossary.md`.
    """
    schemas.require(events, "events")
    table, people = _cut(
        events,
        {**RULES, **{f"pause_{m}": {"timeout": f"{m}min"} for m in (15, 30, 60)}},
        zone,
        conf_level,
    )
    shown = table["measure"] == np.where(
        table["definition"] == "ga4", "sessions_by_day", "sessions_per_customer"
    )
    table = table[shown].drop(columns=["measure", "count"]).reset_index(drop=True)
    return Result(
        question=Note(
            "journeys.tools_question", "How many visits do different rules make of the same data?"
        ),
        table=table,
        method=Note(
            "journeys.tools_method",
            "Visits per customer under each rule, midnight in {zone}; ratios over "
            "customers, delta method.",
            zone=zone,
        ),
        unit="customers",
        n=people,
        conf_level=conf_level,
        limits=(
            Note(
                "journeys.tools_limit",
                "GA4's daily reports count a visit across midnight on both days; that is "
                "the number shown for it.",
            ),
        ),
        answer=_rules_answer(table),
        chart=Points(
            label=["definition"], xlabel=Note("journeys.tools_axis", "Visits per customer")
        ),
    )


def _cut(events, rules, zone, conf_level):
    """Return the measures of visits under each rule, all counted in one pass, and the number of
    customers.
    """

    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "day": engine.day("occurred_at"),
    }
    names = []
    if any(how.get("campaign") for how in rules.values()) and "campaign" in engine.columns(events):
        names = [n for n in engine.distinct(events, "campaign") if n != ""]
    if names:
        roles["c"] = engine.code("campaign", names, others=True)
    view = engine.view(events, zone=zone, **roles)
    kernel = _Sessions(
        [
            (
                schemas.micros("timeout", how["timeout"]),
                schemas.micros("longest", how.get("longest"), none=True),
                bool(how.get("midnight")),
                len(names) if how.get("campaign") and names else None,
            )
            for how in rules.values()
        ]
    )
    sums = (
        engine.map_ordered(view, kernel, then=("t", "c") if names else ("t",))
        .groupby(["rule", "measure"])[_MOMENTS]
        .sum()
    )
    if not len(sums) or sums["customers"].max() == 0:
        raise NotEnoughData(
            "journeys.error_no_visit_events",
            "sessions: the table holds no event with a customer and a time",
        )
    rows = []
    for i, definition in enumerate(rules):
        for j, name in enumerate(_MEASURES):
            m = sums.loc[(i, j)]
            given = [m[c] for c in ("y", "x", "yy", "xy", "xx", "customers")]
            estimate, se, low, high = map(float, intervals.ratio_of_sums(*given, conf_level))
            if name == "one_event_share":
                ends = intervals.wilson_effective_n(
                    estimate, se, m["x"], m["customers"], conf_level
                )
                low, high = map(float, ends)
            rows.append(
                {
                    "definition": definition,
                    "measure": name,
                    _SUMS.get(name, "total"): m["y"],
                    "n": int(m["x"]),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": max(low, 0.0),
                    "conf_high": high,
                }
            )
    return tidy(rows), int(sums["customers"].max())


@engine.tables("events")
@analysis
def transitions(events: Table, *, timeout: str | None = None, conf_level: float = 0.95) -> Result:
    """What do people do next after each event?

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    timeout : str or None
        Longest pause between two events that still counts as a move, such as "30min".

    Returns
    -------
    Result
        event, next_event, count (moves), n (moves away from event), estimate, std_error, conf_low,
        conf_high. Events at the same instant follow in alphabetical order. Interval: delta method
        with the customer as sampling unit.

    Raises
    ------
    NotEnoughData
        If no customer has two events.

    Source: Deng, Knoblich & Lu (2018), KDD, for the interval.
    """
    import pandas as pd

    schemas.require(events, "events")
    names = own.listed(engine.distinct(events, "event"))
    view = engine.view(
        events,
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code("event", names),
    )
    width = schemas.micros("timeout", timeout, none=True)
    sums = engine.map_ordered(view, _Transitions(len(names), width), then=("t", "k"))
    sums = sums.groupby("cell")[_MOMENTS].sum().reset_index()
    sums = sums[sums["y"] > 0]
    if not len(sums):
        raise NotEnoughData(
            "journeys.error_no_move",
            "transitions: no customer has two events in a row",
        )
    # Customers who left the event without this move count in the denominator of every cell.
    rows = pd.DataFrame(
        {
            "event": np.array(names, object)[sums["cell"] // len(names)],
            "next_event": np.array(names, object)[sums["cell"] % len(names)],
        }
    )
    origin = sums.assign(event=rows["event"].to_numpy()).groupby("event")
    total, total_sq = origin["y"].sum(), origin["xx_all"].max()
    customers = origin["customers"].max()
    n, xx, people = (rows["event"].map(per).to_numpy() for per in (total, total_sq, customers))
    table = rows.assign(
        **intervals.share_of_sums(
            sums["y"].to_numpy(),
            n,
            sums["yy"].to_numpy(),
            sums["xy"].to_numpy(),
            xx,
            people,
            conf_level,
        )
    )
    table = table.sort_values(
        ["event", "count", "next_event"], ascending=[True, False, True], ignore_index=True
    )
    moves = int(table["count"].sum())
    return Result(
        question=Note("journeys.transitions_question", "What do people do next?"),
        table=table,
        unit="moves",
        n=moves,
        method=Note(
            "journeys.transitions_method",
            "Share of moves away from an event, longest pause: {timeout:span}; ratios over "
            "customers, delta method.",
            timeout=timeout or NO_PAUSE,
        ),
        conf_level=conf_level,
        limits=(_last_has_no_next(moves, timeout),),
        answer=_moves_answer(table),
        chart=Heat(
            row="event",
            column="next_event",
            percent=True,
            xlabel=Note("journeys.next_axis", "Next event"),
            ylabel=Note("journeys.transitions_axis", "Share of moves away from the event"),
        ),
    )


def _visits_answer(table):
    """Say how often a customer came."""
    row = table[table["measure"] == "sessions_per_customer"].iloc[0]
    return Note(
        "journeys.sessions_answer",
        "A customer made {visits:3} visits on average ({low:3} to {high:3}; {count} visits of {n} "
        "customers).",
        visits=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["total"]),
        n=int(row["n"]),
    )


def _rules_answer(table):
    """Say what the usual pause gives, and the lowest and highest of all rules."""
    row = table[table["definition"] == "pause_30"].iloc[0]
    ranked = table.sort_values(["estimate", "definition"])
    least, most = ranked.iloc[0], ranked.iloc[-1]
    return Note(
        "journeys.tools_answer",
        "With a {rule:word}, a customer made {visits:3} visits on average ({low:3} to {high:3}; "
        "{n} customers); the rules range from {least:3} ({least_rule:word}) to {most:3} "
        "({most_rule:word}).",
        rule=row["definition"],
        visits=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        least=least["estimate"],
        least_rule=least["definition"],
        most=most["estimate"],
        most_rule=most["definition"],
    )


def _moves_answer(table):
    """Say what most often follows the event that people most often move on from."""
    row = table.sort_values(
        ["n", "event", "count", "next_event"], ascending=[False, True, False, True]
    ).iloc[0]
    return Note(
        "journeys.transitions_answer",
        "After {event:word}, from which most moves are made, {next_event:word} comes most often: "
        "{share:%} of moves ({low:%} to {high:%}; {count} of {n}).",
        event=row["event"],
        next_event=row["next_event"],
        share=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=int(row["n"]),
    )


def _last_has_no_next(moves, timeout):
    if timeout is None:
        return Note(
            "journeys.moves_limit",
            "{n} move; the last event of a customer has no next one.",
            "{n} moves; the last event of a customer has no next one.",
            n=moves,
        )
    return Note(
        "journeys.moves_visit",
        "{n} move; the last event of a visit has no next one.",
        "{n} moves; the last event of a visit has no next one.",
        n=moves,
    )


_MEASURES = (
    "sessions_per_customer",
    "events_per_session",
    "seconds_per_session",
    "one_event_share",
    "sessions_by_day",
)
_SUMS = {"one_event_share": "count"}
_MOMENTS = ["customers", "y", "x", "yy", "xy", "xx", "xx_all"]


class _Sessions:
    """The kernel of `sessions`: per rule and measure, the sums from which a ratio and its error
    follow.
    """

    def __init__(self, rules):
        self.rules = rules

    @staticmethod
    def _edges(batch, timeout, longest, midnight, no_campaign):
        """Return which rows begin a session."""
        time, n = batch["t"], len(batch)
        new = np.zeros(n, bool)
        new[1:] = np.diff(time) > timeout
        new[batch.starts] = True
        if midnight and n:
            new[1:] |= np.diff(batch["day"]) != 0
        if no_campaign is not None and n:
            new |= other_campaign(batch["c"], new, no_campaign)
        while longest is not None and n:
            begin = np.maximum.accumulate(np.where(new, np.arange(n), 0))
            over = (time - time[begin] > longest) & ~new
            # Only the first row beyond the limit begins the next session; what follows is measured
            # from there.
            first = over.copy()
            first[1:] &= ~(over[:-1] & (begin[1:] == begin[:-1]))
            if not first.any():
                break
            new |= first
        return new

    def __call__(self, batch):
        parts = [
            self._sums(batch, np.flatnonzero(self._edges(batch, *rule))) for rule in self.rules
        ]
        return {
            "rule": np.repeat(np.arange(len(parts)), len(_MEASURES)),
            "measure": np.tile(np.arange(len(_MEASURES)), len(parts)),
            **dict(zip(_MOMENTS, np.concatenate(parts).T, strict=True)),
        }

    @staticmethod
    def _sums(batch, begin):
        time, n = batch["t"], len(batch.starts)
        size = np.diff(np.append(begin, len(batch)))
        owner = batch.customer[begin]
        visits = np.bincount(owner, minlength=n).astype(float)
        seconds = (time[begin + size - 1] - time[begin]) / SECOND if len(begin) else np.zeros(0)
        ones = np.ones(n)
        per = [
            (visits, ones),
            (np.bincount(owner, size, n), visits),
            (np.bincount(owner, seconds, n), visits),
            (np.bincount(owner, size == 1, n), visits),
            (np.bincount(owner, batch["day"][begin + size - 1] - batch["day"][begin] + 1, n), ones),
        ]
        return np.array(
            [
                [n, y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), (x * x).sum()]
                for y, x in per
            ],
            float,
        )


class _Transitions:
    """The kernel of `transitions`: per pair of events, the sums behind its share and error."""

    def __init__(self, names, width):
        self.names, self.width = names, width

    def __call__(self, batch):
        k, time, who = batch["k"].astype(np.int64), batch["t"], batch.customer.astype(np.int64)
        e = self.names
        follows = who[1:] == who[:-1]
        if self.width is not None:
            follows &= np.diff(time) <= self.width
        at = np.flatnonzero(follows)
        pairs, moves = np.unique((who[at] * e + k[at]) * e + k[at + 1], return_counts=True)
        origin = pairs // e
        new = (
            np.concatenate([[True], origin[1:] != origin[:-1]]) if len(pairs) else np.zeros(0, bool)
        )
        group = np.cumsum(new) - 1
        left = np.bincount(group, moves) if len(pairs) else np.zeros(0)
        x, cell = left[group] if len(pairs) else left, pairs % (e * e)
        size = e * e
        origin_of = origin[new] % e
        per_origin = np.repeat(np.bincount(origin_of, left**2, e), e)
        people = np.repeat(np.bincount(origin_of, minlength=e), e)
        sums = [
            people,
            np.bincount(cell, moves, size),
            np.bincount(cell, x, size),
            np.bincount(cell, moves**2, size),
            np.bincount(cell, moves * x, size),
            np.bincount(cell, x * x, size),
            per_origin,
        ]
        return {
            "cell": np.arange(size),
            **{m: np.asarray(s, float) for m, s in zip(_MOMENTS, sums, strict=True)},
        }
