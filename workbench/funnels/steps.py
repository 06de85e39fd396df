"""How many customers get from step to step, and where they stop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import InputError
from workbench.funnels.behind import reached, seen, walked
from workbench.funnels.kernels import Plan, Progress
from workbench.funnels.rules import (
    NO_END,
    NO_WINDOW,
    SEMANTICS,
    counted_young,
    equal_steps,
    none_entered,
    prepare,
    removed,
    view_of,
    within,
)
from workbench.notes import Note
from workbench.results import MINIMUM_CELL, Funnel, Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Grouping, Moment, Table

LEAST = 100  # customers below which a share is too uncertain to be read as a dot
TOOLS = {
    "posthog": Note(
        "funnels.tool_posthog",
        "PostHog's rules: every entry counts, the window is {window:span}, equal moments may chain "
        "and an excluded event removes the attempt; recent attempts are counted.",
        window=SEMANTICS["posthog"]["window"],
    ),
    "mixpanel": Note(
        "funnels.tool_mixpanel",
        "Mixpanel's rules: only the first entry counts, the window is {window:span}, steps within "
        "{ties:span} may come in either order and steps before an excluded event are kept; recent "
        "attempts are counted.",
        window=SEMANTICS["mixpanel"]["window"],
        ties=SEMANTICS["mixpanel"]["ties"],
    ),
    "ga4": Note(
        "funnels.tool_ga4",
        "GA4's rules for a closed funnel: steps in order with others between, no window unless "
        "one is set. That every entry counts and equal moments may chain is our reading: the "
        "documentation does not say.",
    ),
    "amplitude": Note(
        "funnels.tool_amplitude",
        "Amplitude's rules: the earliest, longest path of every user, steps within {ties:span} in "
        "either order; its window is chosen by the user, {window:span} here.",
        window=SEMANTICS["amplitude"]["window"],
        ties=SEMANTICS["amplitude"]["ties"],
    ),
}


@engine.tables("events")
@analysis
def conversion(
    events: Table,
    steps: Sequence,
    *,
    window: str | None = ...,
    order: str | None = None,
    entry: str | None = None,
    ties: str | None = None,
    by: str | None = None,
    hold: str | None = None,
    strict_among: str | None = None,
    step_windows: str | Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    exclude_between: tuple | None = None,
    exclusion: str | None = None,
    optional: Sequence[str] = (),
    enter: str = "first",
    immature: str | None = None,
    semantics: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many customers get from the first step to each later one in time?

    A customer reaches step j when at least one attempt reaches it. Every event of the first step
    opens an attempt; the window runs from that event and includes its last moment. Attempts
    younger than the window are left out on both sides and counted as immature.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    steps : list
        Event names in order; a list of names is a step that any of them fills. A name may return,
        and then needs that many events.
    window : str or None
        Longest time from first step to the step in question, such as "14D" (default); None for no
        limit.
    order : str
        "ordered" (default): other events may lie between; "strict": each step is the very next
        stage event;
        "any": one window holds all steps so far, whatever their order, and every step event opens
        one.
    entry : str
        "every" (default) event of the first step opens an attempt, or only the customer's "first"
        (under each value of `by`).
    ties : str
        "rank": events at the same instant may chain in step order; "later": each step must be
        strictly later; a duration such as "2s": steps that close together may come in either order.
        Default "rank", and "later" where a name returns among the steps.
    by : str, optional
        Column to break down by; an attempt has the value of the event that opened it.
    hold : str, optional
        Column whose value must stay the same along an attempt, such as campaign_id.
    strict_among : str
        In strict order, "steps": only step events can come between; "all": any event of the table.
    step_windows : str or list, optional
        Longest time from each step to the next: one for all, or one (or None) for each pair of
        steps.
    exclude : list of str
        Events that may not lie, in time, strictly between two steps.
    exclude_between : (int, int), optional
        Step numbers between which `exclude` holds; default first and last.
    exclusion : str
        "ends" (default): an attempt keeps the steps before the excluded event; "removes": it counts
        for nothing, and a customer without a clean attempt leaves the whole funnel.
    optional : list of str
        Steps that may be skipped; they are counted where an attempt passes them.
    enter : str
        "first": attempts begin at the first step; "any": people may enter at any step, and the
        window runs from step to step.
    immature : str
        "leave_out" (default) attempts younger than the window, or "count" them, as most tools do.
    semantics : str, optional
        "posthog", "mixpanel", "ga4" or "amplitude": that tool's documented rules; what is given
        besides overrules them.
    column : str
        The column that holds the step, such as "stage" after `stages.assign`.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.
    conf_level : float

    Returns
    -------
    Result
        Rows: [by,] basis ("entry" = of those who entered, "previous" = of those at the last step
        that cannot be skipped), step_number, step, count, n, estimate, conf_low, conf_high,
        immature. Unit: customers. `members(step="cart", stopped=True)` gives those who reached it
        and no later step; without `stopped`, all who reached it.

    Raises
    ------
    InputError
        For an unknown step, option or column, and for options that do not go together.
    NotEnoughData
        If no customer has a mature first step.

    Source: the metric's rules in `docs/glossary.md`; interval Wilson (1927).
    """
    given = {
        "order": order,
        "entry": entry,
        "ties": ties,
        "exclusion": exclusion,
        "immature": immature,
        "strict_among": strict_among,
    }
    given = {k: v for k, v in given.items() if v is not None}
    given |= {} if window is ... else {"window": window}
    made = prepare(
        events,
        steps,
        given=given,
        by=by,
        hold=hold,
        step_windows=step_windows,
        exclude=exclude,
        exclude_between=exclude_between,
        optional=optional,
        enter=enter,
        semantics=semantics,
        column=column,
        until=until,
    )
    rules, names, groups, said = made.rules, made.names, made.groups, made.said
    sums = made.run(Plan(rules)).groupby(["kind", "group", "step"])["customers"].sum()
    by = own.label(by)
    table = _table(sums, names, groups, by, conf_level, rules)
    entered = table[(table["basis"] == "entry") & (table["step_number"] == 1)]
    if entered["n"].sum() == 0:
        raise none_entered(made.view, made.first, said["window"])

    limits = _limits(table, entered, _total(sums, "tied"), said["window"] is None, by)
    if said["immature"] == "count" and _total(sums, "waiting"):
        # The sentence on attempts left out does not hold here.
        limits = (counted_young(_total(sums, "waiting")), *limits[1:])
    if _total(sums, "touched") and not by:
        left_out = _total(sums, "touched") - int(sums.get(("reached", 0, 0), 0))
        limits = (*limits, removed(left_out))
    if semantics:
        limits = (*limits, TOOLS[semantics], *equal_steps(names, exclude))
    return Result(
        question=Note(
            "funnels.question",
            "Who gets from {first:word} to {last:word}?",
            first=names[0],
            last=names[-1],
        ),
        table=table,
        method=Note(
            "funnels.method",
            "Funnel, {order:word}, {entry:word}, window: {window:span}; Wilson intervals.",
            order=f"order_{said['order']}",
            entry=f"entry_{said['entry']}" if enter == "first" else "entry_any",
            window=said["window"] or NO_WINDOW,
        ),
        unit="customers_by_group" if by else "customers",
        n=int(entered["n"].sum()),
        conf_level=conf_level,
        limits=limits,
        answer=_conversion_answer(table, names, by, within(said["window"]), enter == "any"),
        people=partial(reached, made, by),
        chart=Funnel(
            label=[*([by] if by else []), "step"],
            group=by,
            percent=True,
            only={"basis": "entry"},
            xlabel=Note(
                "funnels.axis", "Share of customers who entered at {first:word}", first=names[0]
            ),
        ),
    )


@engine.tables("events")
@analysis
def drop_off(
    events: Table,
    steps: Sequence[str],
    *,
    window: str = "14D",
    by: Grouping | None = None,
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """After which step do customers stop?

    Drop-off of step k = 1 − share of customers with a mature event of step k who do any later step
    within the window of one of those events. The last step has no later one and no rate.

    Parameters are as in `conversion`. Returns a Result with [by,] step_number, step, count
    (dropped), n, estimate, conf_low, conf_high, immature; `members(step="cart", stopped=True)`
    gives those who dropped. Raises as `conversion`. Interval: Wilson (1927).
    """
    classes = [tuple(map(own.written, own.several(step))) for step in steps]
    words = [word for each in classes for word in each]
    steps = [" / ".join(each) for each in classes]
    if len(set(words)) < len(words) or len(steps) < 2:
        raise InputError(
            "funnels.error_repeated_steps",
            "steps: at least two different names are needed, found {steps:text}",
            steps=steps,
        )
    width = schemas.micros("window", window, none=True)
    view, groups, end = view_of(events, words, by, hold, until, column=column)
    by = own.label(by)
    lookup = tuple(j for j, each in enumerate(classes) for _ in each)
    kernel = Progress(lookup, width, end, len(groups))
    parts = walked(view, kernel)
    sums = parts.groupby(["kind", "group", "step"])["customers"].sum()
    table = with_wilson(_dropped(sums, groups, by, steps), conf_level, ("immature",))
    if not table["n"].sum():
        raise none_entered(view, classes[0], window)
    return Result(
        question=Note("funnels.drop_question", "After which step do customers stop?"),
        table=table,
        unit="customers",
        n=int(table["n"].max()),
        method=Note(
            "funnels.drop_method",
            "Share of customers seen at a step who do no later step {within}; Wilson intervals.",
            within=within(window),
        ),
        conf_level=conf_level,
        people=partial(seen, view, kernel, steps, groups, by),
        limits=(
            *_limits(table, table[table["step_number"] == 1], 0, False, by),
            *([NO_END] if window is None else []),
        ),
        answer=_drop_answer(table, by, within(window)),
        chart=Points(
            label=[*([by] if by else []), "step"],
            group=by,
            percent=True,
            xlabel=Note("funnels.drop_axis", "Share that does no later step"),
        ),
    )


def _dropped(sums, groups, by, steps):
    """Return a row a group and step: who stopped there, of those seen there."""
    rows = []
    for g, name in enumerate(groups):
        if g == len(groups) - 1 and by and not sums.get(("seen", g, 0), 0):
            continue
        for j, step in enumerate(steps[:-1]):
            n, on = int(sums.get(("seen", g, j), 0)), int(sums.get(("reached", g, j), 0))
            rows.append(
                {
                    **({by: name} if by else {}),
                    "step_number": j + 1,
                    "step": step,
                    "count": n - on,
                    "n": n,
                    "immature": int(sums.get(("waiting", g, j), 0)),
                }
            )
    return rows


def _table(sums, steps, groups, by, conf_level, rules):
    rows = []
    for g, name in enumerate(groups):
        reached = [int(sums.get(("reached", g, j), 0)) for j in range(len(steps))]
        if g == len(groups) - 1 and by and not reached[0]:
            continue
        key = {by: name} if by else {}
        waiting = int(sums.get(("waiting", g, 0), 0))
        opened = rules.enter == "any"
        entered = int(sums.get(("entered", g, 0), 0)) if opened else reached[0]
        for basis in ("entry", "previous"):
            for j, step in enumerate(steps):
                if basis == "previous" and j == 0:
                    continue
                source = j - 1
                while source in rules.optional:
                    source -= 1
                onward = opened and basis == "previous"
                count = int(sums.get(("went_on", g, j), 0)) if onward else reached[j]
                rows.append(
                    {
                        **key,
                        "basis": basis,
                        "step_number": j + 1,
                        "step": step,
                        "count": count,
                        "n": entered if basis == "entry" else reached[source],
                        "immature": waiting,
                    }
                )
    return with_wilson(rows, conf_level, ("immature",))


def with_wilson(rows, conf_level, tail=()):
    """Return rows with shares and Wilson intervals; a share true by definition has none."""
    import pandas as pd

    table = pd.DataFrame(rows)
    n = table["n"].where(table["n"] > 0)
    table["estimate"] = table["count"] / n
    low, high = intervals.wilson(table["count"], table["n"], conf_level)
    given = (
        (table["basis"] == "entry") & (table["step_number"] == 1) & (table["count"] == table["n"])
        if "basis" in table
        else False
    )
    table["conf_low"], table["conf_high"] = (
        np.where(given, np.nan, low),
        np.where(given, np.nan, high),
    )
    return table[[*(c for c in table.columns if c not in tail), *tail]]


def _total(sums, kind):
    """Return the customers counted under a kind, over all groups and steps."""
    return int(sums.get(kind, 0).sum()) if kind in sums.index.get_level_values(0) else 0


def _conversion_answer(table, names, by, limit, any_entry):
    """Say how many finished; with groups, in which of those large enough most and fewest did."""
    last = table[(table["basis"] == "entry") & (table["step_number"] == len(names))]
    ends = {"first": names[0], "last": names[-1], "within": limit}
    large = last[last["n"] >= MINIMUM_CELL]
    if by and len(large) > 1:
        most, least = extremes(large, by)
        return Note(
            "funnels.groups_answer",
            "From {first:word} to {last:word} {within}, {share:%} got there in group {most:word} "
            "({low:%} to {high:%}; {count} of {n} customers) and {least_share:%} in group "
            "{least:word} ({least_low:%} to {least_high:%}; {least_count} of {least_n}).",
            **ends,
            most=most[by],
            least=least[by],
            **share_of(most),
            **{f"least_{name}": value for name, value in share_of(least).items()},
        )
    row = last.sort_values("n", ascending=False, kind="stable").iloc[0]
    if by:
        return Note(
            "funnels.one_group_answer",
            "In group {group:word}, {share:%} of the customers who entered at {first:word} "
            "reached {last:word} {within} ({low:%} to {high:%}; {count} of {n}).",
            **ends,
            group=row[by],
            **share_of(row),
        )
    if any_entry:
        return Note(
            "funnels.any_entry_answer",
            "{share:%} of the customers who entered at any step reached {last:word} {within} "
            "({low:%} to {high:%}; {count} of {n}).",
            last=names[-1],
            within=limit,
            **share_of(row),
        )
    return Note(
        "funnels.answer",
        "{share:%} of the customers who entered at {first:word} reached {last:word} {within} "
        "({low:%} to {high:%}; {count} of {n}).",
        **ends,
        **share_of(row),
    )


def _drop_answer(table, by, limit):
    """Say after which step most stop, among rows large enough to be shown."""
    large = table[table["n"] >= MINIMUM_CELL]
    # Too few everywhere: the answer says so by its n.
    rows = large if len(large) else table.sort_values("n", ascending=False).head(1)
    row = rows.sort_values(["estimate", "step_number"], ascending=[False, True]).iloc[0]
    values = {"step": row["step"], "within": limit, **share_of(row)}
    if by:
        return Note(
            "funnels.group_drop_answer",
            "The highest drop-off observed is after {step:word} in group {group:word}: {share:%} "
            "take no later step {within} ({low:%} to {high:%}; {count} of {n} customers).",
            group=row[by],
            **values,
        )
    return Note(
        "funnels.drop_answer",
        "The highest drop-off observed is after {step:word}: {share:%} take no later step {within} "
        "({low:%} to {high:%}; {count} of {n} customers).",
        **values,
    )


def share_of(row):
    """Return the values of a sentence about the share in one row of a table."""
    return {
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": int(row["count"]),
        "n": int(row["n"]),
    }


def extremes(rows, by):
    """Return the rows with the highest and the lowest share; ties go by the name of the group."""
    ranked = rows.assign(name=rows[by].astype(str))
    ranked = ranked.sort_values(["estimate", "name"], ascending=[False, True])
    return ranked.iloc[0], ranked.iloc[-1]


def _limits(table, entered, tied, unbounded, by):
    limits = []
    waiting = int(entered["immature"].sum())
    if waiting:
        limits.append(
            Note(
                "funnels.immature",
                "{n} customer entered too recently to be followed for the whole window and is "
                "left out, not counted as lost.",
                "{n} customers entered too recently to be followed for the whole window and are "
                "left out, not counted as lost.",
                n=waiting,
            )
        )
    if unbounded:
        limits.append(
            Note(
                "funnels.unbounded",
                "No window: those who have not converted yet may still do so; the shares are lower "
                "bounds.",
            )
        )
    if tied:
        limits.append(
            Note(
                "funnels.tied",
                "{n} customer has steps at the same instant; their order is settled by the rule "
                "for ties.",
                "{n} customers have steps at the same instant; their order is settled by the rule "
                "for ties.",
                n=tied,
            )
        )
    if by:
        limits.append(
            Note(
                "funnels.by_twice",
                "A customer who entered under several values of {by:header} counts once under "
                "each.",
                by=by,
            )
        )
    thin = table[(table["n"] < LEAST) & (table["n"] > 0)]
    if len(thin):
        limits.append(
            Note(
                "funnels.thin",
                "{n} row rests on fewer than {least} customers: read the interval, not the dot.",
                "{n} rows rest on fewer than {least} customers: read the interval, not the dot.",
                n=len(thin),
                least=LEAST,
            )
        )
    return tuple(limits)
