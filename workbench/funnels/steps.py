"""The funnel with all its rules, and the rules of four well-known tools."""

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.funnels.walks import FAR, Plan, Progress, Rules
from workbench.notes import Note
from workbench.results import Points, Result, analysis

ORDERS = ("ordered", "strict", "any")
# What each tool does by default, as its documentation says (links in `docs/glossary.md`); none of
# them leaves young attempts out.
SEMANTICS = {
    "posthog": {
        "order": "ordered",
        "entry": "every",
        "window": "14D",
        "ties": "rank",
        "exclusion": "removes",
        "immature": "count",
        "strict_among": "all",
    },
    "mixpanel": {
        "order": "ordered",
        "entry": "first",
        "window": "7D",
        "ties": "2s",
        "exclusion": "ends",
        "immature": "count",
        "strict_among": "all",
    },
    "ga4": {
        "order": "ordered",
        "entry": "every",
        "window": None,
        "ties": "rank",
        "exclusion": "ends",
        "immature": "count",
        "strict_among": "all",
    },
    "amplitude": {
        "order": "ordered",
        "entry": "every",
        "window": "30D",
        "ties": "1s",
        "exclusion": "ends",
        "immature": "count",
        "strict_among": "all",
    },
}
DEFAULTS = {
    "order": "ordered",
    "entry": "every",
    "window": "14D",
    "ties": None,
    "exclusion": "ends",
    "immature": "leave_out",
    "strict_among": "steps",
}


@analysis
def conversion(
    events,
    steps,
    *,
    window=...,
    order=None,
    entry=None,
    ties=None,
    by=None,
    hold=None,
    strict_among=None,
    step_windows=None,
    exclude=(),
    exclude_between=None,
    exclusion=None,
    optional=(),
    enter="first",
    immature=None,
    semantics=None,
    column="event",
    until=None,
    conf_level=0.95,
):
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
        immature. Unit: customers.

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
    given = {k: v for k, v in given.items() if v is not None} | (
        {} if window is ... else {"window": window}
    )
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
    parts = made.run(Plan(rules))
    sums = parts.groupby(["kind", "group", "step"])["customers"].sum()
    table = _table(sums, names, groups, by, conf_level, rules)
    entered = table[(table["basis"] == "entry") & (table["step_number"] == 1)]
    if entered["n"].sum() == 0:
        raise NotEnoughData(
            Note(
                "funnels.none_mature",
                "conversion: no customer entered at '{step:word}' early enough to be "
                "watched for the whole window ({window:span}). Shorten the window or bring "
                "more recent data.",
                step=names[0],
                window=said["window"] or "–",
            )
        )

    def total(kind):
        return int(sums.get(kind, 0).sum()) if kind in sums.index.get_level_values(0) else 0

    limits = _limits(table, entered, total("tied"), said["window"] is None, by)
    if said["immature"] == "count":
        # The sentence on attempts left out does not hold here.
        limits = (
            (
                Note(
                    "funnels.counted_young",
                    "{n} customers entered too late to be watched for the whole window and are "
                    "counted all the same, as this definition does.",
                    n=total("waiting"),
                ),
                *limits[1:],
            )
            if total("waiting")
            else limits
        )
    if total("touched"):
        limits = (
            (
                *limits,
                Note(
                    "funnels.removed",
                    "{n} customers met an excluded event in every attempt and are left out of "
                    "the whole funnel.",
                    n=total("touched") - int(sums.get(("reached", 0, 0), 0)),
                ),
            )
            if not by
            else limits
        )
    if semantics:
        limits = (
            *limits,
            {
                "posthog": Note(
                    "funnels.tool_posthog",
                    "PostHog's rules: every entry, 14 days, equal moments may chain, an "
                    "excluded event removes the attempt; young attempts count.",
                ),
                "mixpanel": Note(
                    "funnels.tool_mixpanel",
                    "Mixpanel's rules: only the first entry, 7 days, steps within 2 seconds in "
                    "either order, steps before an excluded event are kept; young attempts "
                    "count.",
                ),
                "ga4": Note(
                    "funnels.tool_ga4",
                    "GA4's rules for a closed funnel: steps in order with others between, no "
                    "window unless one is set; every entry and equal moments are our reading, "
                    "the documentation is silent.",
                ),
                "amplitude": Note(
                    "funnels.tool_amplitude",
                    "Amplitude's rules: the earliest, longest path of every user, steps within "
                    "one second in either order; its window is the user's own, 30 days here.",
                ),
            }[semantics],
        )
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
            "Funnel, {order:word}, {entry:word}, window {window:span}; Wilson intervals.",
            order=f"order_{said['order']}",
            entry=f"entry_{said['entry']}" if enter == "first" else "entry_any",
            window=said["window"] or Note("funnels.no_window", "none"),
        ),
        unit="customers_by_group" if by else "customers",
        n=int(entered["n"].sum()),
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=[*([by] if by else []), "step"],
            group=by,
            percent=True,
            only={"basis": "entry"},
            xlabel=Note(
                "funnels.axis", "Share of customers who entered at {first:word}", first=names[0]
            ),
        ),
    )


class Prepared:
    """A funnel ready to run: the table seen through integers, the rules, and the names for the
    answer.
    """

    def __init__(self, view, rules, names, groups, said, hold, end):
        self.view, self.rules, self.names, self.groups, self.said, self.hold, self.end = (
            view,
            rules,
            names,
            groups,
            said,
            hold,
            end,
        )

    def run(self, kernel):
        """Walk every history with a kernel and return its stacked partial tables."""
        down = self.rules.ties == "later" and self.rules.order == "ordered"
        return engine.ordered(
            self.view,
            kernel,
            by=("customer", "held") if self.hold else ("customer",),
            then=("t", "k"),
            descending=("k",) if down else (),
        )


def prepare(
    events,
    steps,
    *,
    given,
    by=None,
    hold=None,
    step_windows=None,
    exclude=(),
    exclude_between=None,
    optional=(),
    enter="first",
    semantics=None,
    column="event",
    until=None,
):
    """Check the options of a funnel and return it ready to run; raises InputError where they do not
    go together.
    """
    if semantics is not None:
        one_of("semantics", semantics, SEMANTICS)
    said = {**DEFAULTS, **(SEMANTICS[semantics] if semantics else {}), **given}
    one_of("order", said["order"], ORDERS)
    one_of("entry", said["entry"], ("every", "first"))
    one_of("strict_among", said["strict_among"], ("steps", "all"))
    one_of("exclusion", said["exclusion"], ("ends", "removes"))
    one_of("immature", said["immature"], ("leave_out", "count"))
    one_of("enter", enter, ("first", "any"))
    classes = [tuple([s] if isinstance(s, str) else s) for s in steps]
    names = [" / ".join(c) for c in classes]
    repeated = len(set(classes)) < len(classes)
    if len(classes) < 2:
        raise InputError(
            "funnels.error_steps_a_funnel_needs_at",
            "steps: a funnel needs at least two, found {names}",
            names=names,
        )
    different = list(dict.fromkeys(classes))
    words = [w for c in different for w in c]
    if len(set(words)) < len(words):
        raise InputError(
            "funnels.error_steps_an_event_may_fill",
            "steps: an event may fill one step or equal steps only; found one in two "
            "different steps of {names}",
            names=names,
        )
    ties = said["ties"] or ("later" if repeated else "rank")
    slack = 0
    if ties not in ("rank", "later"):
        slack, ties = schemas.micros("ties", ties), "rank"
    plain = not (exclude or optional or step_windows or slack or enter == "any")
    if said["order"] != "ordered" and not plain:
        if slack and semantics and not (exclude or optional or step_windows or enter == "any"):
            slack = 0  # a tool's tolerance belongs to its ordered funnel
        else:
            raise InputError(
                "funnels.error_order_goes_with_none_of",
                "order: {said:repr} goes with none of exclude, optional, step_windows, "
                "enter='any' or a tolerance in ties; use order='ordered'",
                said=said["order"],
            )
    if repeated and (ties == "rank" or slack):
        raise InputError(
            "funnels.error_ties_rank_cannot_settle_which",
            "ties: 'rank' cannot settle which of two equal steps an event fills; use ties='later'",
        )
    excluded = [exclude] if isinstance(exclude, str) else list(exclude)
    removes = bool(excluded) and said["exclusion"] == "removes"
    if removes and (optional or step_windows or slack or repeated):
        raise InputError(
            "funnels.error_exclusion_removes_follows_every_attempt",
            "exclusion: 'removes' follows every attempt on its own and goes with none "
            "of optional, step_windows, repeated steps or a tolerance in ties",
        )
    if enter == "any" and (optional or repeated or removes or said["entry"] == "first"):
        raise InputError(
            "funnels.error_enter_any_goes_with_none",
            "enter: 'any' goes with none of optional, repeated steps, "
            "exclusion='removes' or entry='first'",
        )
    missing = [s for s in optional if s not in names]
    if missing:
        raise unknown("optional", "step", missing[0], names)
    if {names[0], names[-1]} & set(optional):
        raise InputError(
            "funnels.error_optional_the_first_and_the",
            "optional: the first and the last step cannot be skipped",
        )
    if set(excluded) & set(words):
        raise InputError(
            "funnels.error_exclude_are_steps_too",
            "exclude: {excluded} are steps too",
            excluded=sorted(set(excluded) & set(words)),
        )
    between = (
        (0, len(names) - 1)
        if exclude_between is None
        else (exclude_between[0] - 1, exclude_between[1] - 1)
    )
    if not 0 <= between[0] < between[1] < len(names):
        raise InputError(
            "funnels.error_exclude_between_two_step_numbers",
            "exclude_between: two step numbers from 1 to {n_names} are needed, the "
            "first smaller; found {exclude_between}",
            n_names=len(names),
            exclude_between=exclude_between,
        )
    width = schemas.micros("window", said["window"], none=True)
    view, groups, end = view_of(
        events,
        words,
        by,
        hold,
        until,
        others=said["order"] == "strict" and said["strict_among"] == "all",
        more=excluded,
        column=column,
    )
    lookup = (
        tuple(i for i, c in enumerate(different) for _ in c)
        + (len(different),) * len(excluded)
        + (len(different) + bool(excluded),)
    )
    positions = tuple((different.index(c), classes[:i].count(c)) for i, c in enumerate(classes))
    horizon = FAR if said["immature"] == "count" else end if width is None else end - width
    rules = Rules(
        said["order"],
        said["entry"],
        enter,
        lookup,
        positions,
        FAR if width is None else width,
        _step_widths(step_windows, len(names)),
        horizon,
        ties,
        slack,
        frozenset(names.index(s) for s in optional),
        len(different) if excluded else None,
        between,
        said["exclusion"],
        len(groups),
        end if width is None else end - width,
    )
    return Prepared(view, rules, names, groups, said, hold, end)


def _step_widths(given, steps):
    if not given:
        return ()
    each = [given] * (steps - 1) if isinstance(given, str) else list(given)
    if len(each) != steps - 1:
        raise InputError(
            "funnels.error_step_windows_are_needed_for",
            "step_windows: {steps} are needed for {steps2} steps (None for no limit), "
            "found {n_each}",
            steps=steps - 1,
            steps2=steps,
            n_each=len(each),
        )
    return (FAR, *(FAR if w is None else schemas.micros("step_windows", w) for w in each))


@analysis
def drop_off(
    events, steps, *, window="14D", by=None, hold=None, column="event", until=None, conf_level=0.95
):
    """After which step do customers stop?

    Drop-off of step k = 1 − share of customers with a mature event of step k who do any later step
    within the window of one of those events. The last step has no later one and no rate.

    Parameters are as in `conversion`. Returns a Result with [by,] step_number, step, count
    (dropped), n, estimate, conf_low, conf_high, immature. Raises as `conversion`. Interval: Wilson
    (1927).
    """
    steps = list(steps)
    if len(set(steps)) < len(steps) or len(steps) < 2:
        raise InputError(
            "funnels.error_steps_at_least_two_different",
            "steps: at least two different names are needed, found {steps}",
            steps=steps,
        )
    width = schemas.micros("window", window)
    view, groups, end = view_of(events, steps, by, hold, until, column=column)
    parts = engine.ordered(
        view,
        Progress(len(steps), width, end, len(groups)),
        by=("customer", "held") if hold else ("customer",),
        then=("t", "k"),
    )
    sums = parts.groupby(["kind", "group", "step"])["customers"].sum()
    rows = []
    for g, name in enumerate(groups):
        if name == "missing" and by and not sums.get(("seen", g, 0), 0):
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
    table = with_wilson(rows, conf_level, ("immature",))
    if not table["n"].sum():
        raise NotEnoughData(
            Note(
                "funnels.none_mature",
                "conversion: no customer entered at '{step:word}' early enough to be "
                "watched for the whole window ({window:span}). Shorten the window or bring "
                "more recent data.",
                step=steps[0],
                window=window,
            )
        )
    return Result(
        question=Note("funnels.drop_question", "After which step do customers stop?"),
        table=table,
        unit="customers",
        n=int(table["n"].max()),
        method=Note(
            "funnels.drop_method",
            "Share of customers seen at a step who do no later step within "
            "{window:span}; Wilson intervals.",
            window=window,
        ),
        conf_level=conf_level,
        limits=_limits(table, table[table["step_number"] == 1], 0, False, by),
        chart=Points(
            label=[*([by] if by else []), "step"],
            group=by,
            percent=True,
            xlabel=Note("funnels.drop_axis", "Share that does no later step"),
        ),
    )


def view_of(events, steps, by, hold, until, others=False, more=(), column="event"):
    """Return the canonical view of the step events, the values to break down by, and the last
    moment looked at.
    """
    schemas.require(events, "events", by, hold, column)
    present = engine.distinct(events, column)
    for what, names in (("steps", steps), ("exclude", more)):
        for step in names:
            if step not in present:
                raise unknown(what, "event", step, present)
    # Events outside the steps get the last code: they break a strict chain, and sort after it.
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, [*dict.fromkeys(steps), *more], others=others),
    }
    groups = [None]
    if hold:
        roles["held"] = engine.key(hold)
    if by:
        groups = engine.distinct(events, by)
        roles["g"] = engine.code(by, groups, others=True)
        groups = [*groups, "missing"]
    end = schemas.observed_until(events, until)
    if end is None:
        raise NotEnoughData(
            "funnels.error_the_table_holds_no_event", "the table holds no event with a time"
        )
    return engine.view(events, upto=None if until is None else end, **roles), groups, end


def _table(sums, steps, groups, by, conf_level, rules):
    rows = []
    for g, name in enumerate(groups):
        reached = [int(sums.get(("reached", g, j), 0)) for j in range(len(steps))]
        if name == "missing" and by and not reached[0]:
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
                count = (
                    int(sums.get(("went_on", g, j), 0))
                    if opened and basis == "previous"
                    else reached[j]
                )
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


def _limits(table, entered, tied, unbounded, by):
    limits = []
    waiting = int(entered["immature"].sum())
    if waiting:
        limits.append(
            Note(
                "funnels.immature",
                "{n} {unit:word} entered too recently to be watched for the whole window; "
                "they are left out, not counted as lost.",
                n=waiting,
                unit="customers_by_group" if by else "customers",
            )
        )
    if unbounded:
        limits.append(
            Note(
                "funnels.unbounded",
                "No window: who has not converted yet may still do so, so shares are lower bounds.",
            )
        )
    if tied:
        limits.append(
            Note(
                "funnels.tied",
                "{n} customers have steps at the same instant; their order is settled by "
                "the rule for ties.",
                n=tied,
            )
        )
    if by:
        limits.append(
            Note(
                "funnels.by_twice",
                "A customer who entered under several values of {by:word} counts once under each.",
                by=by,
            )
        )
    thin = table[(table["n"] < 100) & (table["n"] > 0)]
    if len(thin):
        limits.append(
            Note(
                "funnels.thin",
                "{rows} rows rest on fewer than 100 customers: read the interval, not the dot.",
                rows=len(thin),
            )
        )
    return tuple(limits)
