"""The rules of a funnel, those of four well-known tools, and a funnel made ready to run."""

from dataclasses import replace

from workbench import engine, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, nearest, one_of, unknown
from workbench.funnels.kernels import FAR, Rules
from workbench.notes import Note

ANY_TIME = Note("funnels.any_time", "without a time limit")
NO_WINDOW = Note("funnels.no_window", "none")
NO_END = Note(
    "funnels.drop_unbounded",
    "No window: those who have not gone on yet may still do so; the shares are upper bounds.",
)

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


class Prepared:
    """A funnel ready to run: the table seen through integers, the rules, and the names for the
    answer.
    """

    def __init__(self, view, rules, names, groups, said, hold, end, first):
        self.view, self.rules, self.names, self.groups, self.said, self.hold, self.end = (
            view,
            rules,
            names,
            groups,
            said,
            hold,
            end,
        )
        self.first = first

    def run(self, kernel):
        """Walk every history with a kernel and return its stacked partial tables."""
        down = self.rules.ties == "later" and self.rules.order == "ordered"
        return engine.map_ordered(
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
    classes = [tuple(map(own.written, own.several(s))) for s in steps]
    names = [" / ".join(c) for c in classes]
    repeated = len(set(classes)) < len(classes)
    if len(classes) < 2:
        raise InputError(
            "funnels.error_too_few_steps",
            "steps: a funnel needs at least two, found {names:text}",
            names=names,
        )
    different = list(dict.fromkeys(classes))
    words = [w for c in different for w in c]
    if len(set(words)) < len(words):
        raise InputError(
            "funnels.error_event_in_two_steps",
            "steps: an event may fill one step or equal steps only; found one in two "
            "different steps of {names:text}",
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
                "funnels.error_order_alone",
                "order: {order:repr} goes with none of exclude, optional, step_windows, "
                "enter='any' or a tolerance in ties; use order='ordered'",
                order=said["order"],
            )
    if repeated and slack:
        if "ties" in given:
            raise _no_tolerance()
        slack = 0  # a tool's tolerance is between different steps; its equal ones are told apart
    excluded, optional = own.listed(exclude), own.listed(optional)
    removes = bool(excluded) and said["exclusion"] == "removes"
    if removes and (optional or step_windows or slack or repeated):
        raise InputError(
            "funnels.error_removes_alone",
            "exclusion: 'removes' follows every attempt on its own and goes with none "
            "of optional, step_windows, repeated steps or a tolerance in ties",
        )
    if enter == "any" and (optional or repeated or removes or said["entry"] == "first"):
        raise InputError(
            "funnels.error_enter_any_alone",
            "enter: 'any' goes with none of optional, repeated steps, "
            "exclusion='removes' or entry='first'",
        )
    missing = [s for s in optional if s not in names]
    if missing:
        raise unknown("optional", "step", missing[0], names)
    if {names[0], names[-1]} & set(optional):
        raise InputError(
            "funnels.error_optional_ends",
            "optional: the first and the last step cannot be skipped",
        )
    barred = _barred(excluded, different, removes or enter == "any" or bool(slack))
    between = (
        (0, len(names) - 1)
        if exclude_between is None
        else (exclude_between[0] - 1, exclude_between[1] - 1)
    )
    if not 0 <= between[0] < between[1] < len(names):
        raise InputError(
            "funnels.error_exclude_between",
            "exclude_between: two step numbers up to {last} are needed, the first smaller; "
            "found {found}",
            last=len(names),
            found=list(exclude_between),
        )
    width = schemas.micros("window", said["window"], none=True)
    view, groups, end = view_of(
        events,
        words,
        by,
        hold,
        until,
        others=said["order"] == "strict" and said["strict_among"] == "all",
        more=[w for w in excluded if w not in words],
        column=column,
    )
    lookup = (
        tuple(i for i, c in enumerate(different) for _ in c)
        + (len(different),) * len(set(excluded) - set(words))
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
        barred,
    )
    return Prepared(view, rules, names, groups, said, hold, end, classes[0])


def _barred(excluded, classes, alone):
    """Return the numbers of steps that are excluded events too, where such steps can be followed:
    an attempt then ends where one of them comes again between its steps.
    """
    shared = sorted(set(excluded) & {word for each in classes for word in each})
    part = [each for each in classes if 0 < len(set(each) & set(shared)) < len(each)]
    if shared and (alone or part):
        raise InputError(
            "funnels.error_excluded_steps",
            "exclude: these are steps too: {excluded:text}",
            excluded=shared,
        )
    return tuple(i for i, each in enumerate(classes) if set(each) <= set(shared))


def _no_tolerance():
    return InputError(
        "funnels.error_ties_of_equal_steps",
        "ties: a tolerance cannot settle which of two equal steps an event fills; use "
        "ties='rank' or ties='later'",
    )


def _step_widths(given, steps):
    if not given:
        return ()
    each = [given] * (steps - 1) if isinstance(given, str) else list(given)
    if len(each) != steps - 1:
        raise InputError(
            "funnels.error_step_windows",
            "step_windows: {windows} are needed for {steps} steps (None for no limit), "
            "found {found}",
            windows=steps - 1,
            steps=steps,
            found=len(each),
        )
    return (FAR, *(FAR if w is None else schemas.micros("step_windows", w) for w in each))


def view_of(events, steps, by, hold, until, others=False, more=(), column="event"):
    """Return the canonical view of the step events, the values to break down by, and the last
    moment looked at.
    """
    schemas.require(events, "events", by, hold, column)
    present = engine.distinct(events, column)
    steps = own.occurring("steps", steps, present)
    more = own.occurring("exclude", more, present)
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
        groups = own.with_missing(groups)
    end = schemas.observed_until(events, until)
    if end is None:
        raise NotEnoughData("funnels.error_no_event", "the table holds no event with a time")
    return engine.view(events, upto=None if until is None else end, **roles), groups, end


def none_entered(view, first, window):
    """Return the error for a funnel that nobody entered, or not early enough to be followed."""
    step = " / ".join(first)
    coded = view.roles["k"].words
    numbers = ", ".join(str(coded.index(name)) for name in first)
    if engine.one(f"SELECT count(*) FROM v WHERE k IN ({numbers})", v=view):
        return _none_mature(step, window)
    if not engine.one("SELECT count(*) FROM v", v=replace(view, roles=_but_word(view))):
        return NotEnoughData(
            "funnels.no_rows",
            "conversion: no row of the table has a customer and a time, so nobody can be followed",
        )
    present = engine.distinct(view.table, view.roles["k"].source)
    near = next((n for n in (nearest(name, present) for name in first) if n not in first), None)
    if near is None:
        return NotEnoughData(
            "funnels.nobody",
            "conversion: nobody has the event '{step:word}', so no share of them can be given",
            step=step,
        )
    return NotEnoughData(
        "funnels.nobody_near",
        "conversion: nobody has the event '{step:word}', so no share of them can be given. Did you "
        "mean '{near}'?",
        step=step,
        near=near,
    )


def _but_word(view):
    """Return the roles of a view without the word that leaves rows out."""
    return {name: role for name, role in view.roles.items() if name in ("customer", "t")}


def _none_mature(step, window):
    return NotEnoughData(
        "funnels.none_mature",
        "conversion: no customer entered at '{step:word}' early enough to be followed for the "
        "whole window ({window:span}). Shorten the window or bring more recent data.",
        step=step,
        window=window or NO_WINDOW,
    )


def within(window):
    """Return how long a funnel may take, as a part of a sentence."""
    return Note("funnels.within", "within {window:span}", window=window) if window else ANY_TIME


def counted_young(waiting):
    """Return the note of attempts that are counted though they were not followed long enough."""
    return Note(
        "funnels.counted_young",
        "{n} customer entered too late to be followed for the whole window and is counted all "
        "the same, as this definition does.",
        "{n} customers entered too late to be followed for the whole window and are counted all "
        "the same, as this definition does.",
        n=waiting,
    )


def removed(left_out):
    """Return the note of customers whose every attempt met an excluded event."""
    return Note(
        "funnels.removed",
        "{n} customer met an excluded event in every attempt and is left out of the whole funnel.",
        "{n} customers met an excluded event in every attempt and are left out of the whole "
        "funnel.",
        n=left_out,
    )
