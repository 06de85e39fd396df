"""Retention between any two events: who does one thing, and then another so much later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences
from workbench.retention.grouping import compared
from workbench.retention.rates import SHARE_BACK
from workbench.retention.returns import Returns, Times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Moment, Table

HOUR = 3_600_000_000
ENTRIES = ("first", "every")
SUMS = ["customers", "y", "x", "yy", "xy", "xx", "young"]
CALENDAR = Note("retention.counts_calendar", "periods of the calendar ({period:word})")
ROLLING = Note("retention.counts_rolling", "periods of {length:span} from the event itself")
HOURS = Note(
    "retention.counts_hours", "periods of {length:span} from the whole hour in which it fell"
)
FIRST_EVENT = Note(
    "retention.first_event",
    "A first event is the first one in these data; earlier ones are unknown.",
)
EVERY_EVENT = Note(
    "retention.every_event",
    "A customer counts once for every time the clock starts; the customer is the sampling unit.",
)


@dataclass(frozen=True)
class Clock:
    """When the clock of a retention starts and what it counts.

    Attributes
    ----------
    period : str or (str, "hour")
        "day", "week" (from Monday; "week_sunday", "week_saturday") or "month": periods of the
        calendar. A duration such as "24h" or "7D": periods from the event itself; with "hour",
        from the whole hour in which it fell.
    entry : str
        "first": only a customer's first event starts the clock; "every": every period of the
        calendar that holds one does, or every event where periods run from the event.
    zone : str
        Time zone in which days are cut.

    >>> Clock("24h", entry="every").period
    '24h'
    """

    period: str | tuple = "day"
    entry: str = "first"
    zone: str = "UTC"


@engine.tables("events")
@analysis
def event_retention(
    events: Table,
    start: str | Sequence[str] | Mapping,
    back: str | Sequence[str] | Mapping | None = None,
    *,
    ages: Sequence = (1, 7, 30),
    clock: Clock | None = None,
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Of the customers who do one thing, how many do another so many periods later?

    Parameters
    ----------
    events : table with customer_id, occurred_at and the columns asked for
    start, back : str, list or dict
        What starts the clock and what counts as coming back: an event, several of which any
        counts, or conditions by column, such as {"event": "view", "channel": ["email", "sms"]},
        which must all hold. `back` left out: the same again.
    ages : list
        Periods after the start, from 1 on: 7 means in exactly that period, "7+" in that period or
        a later one, "1-6" at least once from the first to the last of them.
    clock : Clock, optional
        When the clock starts and what it counts; the first event and days of the calendar.
    by : str, optional
        Column to break down by; the start has the value of its own event. With entry "first" each
        group is compared with all others.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.

    Returns
    -------
    Result
        [by,] age, count (came back), n (starts followed to the end of the age), estimate,
        std_error, conf_low, conf_high, immature (starts left out as followed too briefly), and
        with `by` and entry "first" also p_value, p_holm. Interval: Wilson (1927); where a customer
        starts more than once, at the number of starts the customers are worth.

    Raises
    ------
    InputError
        For an unknown column or option, or an age that cannot be read.
    NotEnoughData
        If the clock starts for nobody.

    Source: Amplitude, "How the Retention Analysis chart calculates retention"; Mixpanel,
    "Retention"; PostHog, "Retention" (addresses in `docs/glossary.md`); Deng, Knoblich & Lu (2018)
    for more starts a customer.

    >>> from workbench import simulate
    >>> events = simulate.market(60)["events"]
    >>> event_retention(events, "site_search", "order", ages=["1-7"]).table["age"].tolist()
    ['1–7']
    """
    clock = clock or Clock()
    one_of("entry", clock.entry, ENTRIES)
    spans = [_span(age) for age in np.atleast_1d(np.asarray(ages, object))]
    schemas.require(events, "events", *_columns(start, back, by))
    groups = [None] if by is None else engine.distinct(events, by)
    view, asked, end = _seen(
        events, start, start if back is None else back, by, groups, clock, until
    )
    times = _times(clock, end)
    named = own.with_missing(groups) if by else [None]
    kernel = Returns(*asked, times, [(a, b) for a, b, _ in spans], len(named))
    then = ("t", "g") if by else ("t",)
    sums = engine.map_ordered(view, kernel, then=then).groupby(["group", "age"])[SUMS].sum()
    table = _table(sums, named, own.label(by, own.OURS | {"age"}), spans, (clock.entry, conf_level))
    if not table[["n", "immature"]].to_numpy().sum():
        raise NotEnoughData(
            "retention.error_nobody_starts",
            "event_retention: nobody has the event that starts the clock ({start})",
            start=_said(start),
        )
    several = by is not None and clock.entry == "first" and len(table) > len(spans)
    if several:
        table = _beside(table)
    return Result(
        question=Note(
            "retention.event_question",
            "Of those with {start:word}, how many come back with {back:word}?",
            start=_said(start),
            back=_said(start if back is None else back),
        ),
        answer=_answer(table, several, _said(start), conf_level),
        table=table,
        method=Note(
            "retention.event_method",
            "Starts followed by the other event at that age, among those followed to its end; "
            "{clock}; {entry:word}; Wilson intervals.",
            clock=_clock_note(clock),
            entry=f"clock_{clock.entry}",
        ),
        unit="customers" if clock.entry == "first" else "starts",
        n=int(_once(table, spans)),
        conf_level=conf_level,
        limits=tuple(_limits(table, spans, clock)),
        chart=Points(
            label=list(table.columns[: 1 + (by is not None)]), percent=True, xlabel=SHARE_BACK
        ),
    )


def _span(age):
    """Return an age as its first and last period (None: all later ones) and how it is written."""
    text = str(age).strip().replace("–", "-")
    first, dash, last = text.partition("-")
    later = text.endswith("+")
    try:
        a = int(first.rstrip("+"))
        b = None if later else int(last) if dash else a
    except ValueError:
        a = b = 0
    if a < 1 or (b is not None and b < a) or (later and dash):
        raise InputError(
            "retention.error_age",
            "ages: write periods from {first} on, such as {day}, '{later}' or '{between}'; found "
            "{age:repr}",
            first=1,
            day=7,
            later="7+",
            between="1-6",
            age=age,
        )
    return a, b, f"{a}+" if later else f"{a}–{b}" if b != a else str(a)


def _conditions(asked):
    """Return what is asked for as column → values."""
    if isinstance(asked, dict):
        return {str(column): own.listed(values) for column, values in asked.items()}
    return {"event": own.listed(asked)}


def _columns(start, back, by):
    """Return every column that is asked for."""
    both = {} if back is None else _conditions(back)
    return [c for c in (*_conditions(start), *both, by) if c is not None]


def _said(asked):
    """Return what is asked for as words."""
    parts = [" / ".join(values) for values in _conditions(asked).values()]
    return ", ".join(parts)


def _seen(events, start, back, by, groups, clock, until):
    """Return the view, which codes of which column start the clock and which count as coming back,
    and the last moment looked at.
    """
    end = schemas.observed_until(events, until, zone=clock.zone)
    if end is None:
        raise NotEnoughData("retention.error_no_event", "the table holds no event with a time")
    wanted = [_conditions(start), _conditions(back)]
    columns = list(dict.fromkeys([*wanted[0], *wanted[1]]))
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "day": engine.day("occurred_at"),
    }
    asked = ({}, {})
    for i, column in enumerate(columns):
        values = [v for each in wanted for v in each.get(column, ())]
        noun = "event" if column == "event" else "value"
        known = engine.distinct(events, column)
        values = own.occurring(
            "start" if i == 0 else column, dict.fromkeys(values), known, noun=noun
        )
        # Rows that neither event can be are left where they lie.
        both = all(column in each for each in wanted)
        roles[f"c{i}"] = engine.code(column, values, others=not both)
        for each, codes in zip(wanted, asked, strict=True):
            if column in each:
                codes[f"c{i}"] = tuple(values.index(v) for v in each[column])
    if by:
        roles["g"] = engine.code(by, groups, others=True)
    view = engine.view(events, zone=clock.zone, upto=None if until is None else end, **roles)
    return view, asked, end


def _times(clock, end):
    """Return how the kernel counts periods."""
    if clock.period in periods.DAYS:
        return Times(str(clock.period), 0, 0, periods.local_day(end, clock.zone), clock.entry)
    length, *hour = (clock.period,) if isinstance(clock.period, str) else clock.period
    if list(hour) not in ([], ["hour"]):
        one_of("period", hour[0], ("hour",))
    return Times("", schemas.micros("period", length), HOUR if hour else 1, end, clock.entry)


def _clock_note(clock):
    if clock.period in periods.DAYS:
        return CALENDAR.having(period=clock.period)
    if isinstance(clock.period, str):
        return ROLLING.having(length=clock.period)
    return HOURS.having(length=clock.period[0])


def _table(sums, groups, by, spans, how):
    """Return a row a group and age."""
    import pandas as pd

    entry, conf_level = how
    rows = []
    for g, name in enumerate(groups):
        mine = [sums.loc[(g, i)] for i in range(len(spans))]
        if by and g == len(groups) - 1 and not any(m["x"] + m["young"] for m in mine):
            continue
        key = {by: name} if by else {}
        rows += [
            {**key, "age": label, **m, "immature": int(m["young"])}
            for (_, _, label), m in zip(spans, mine, strict=True)
        ]
    table = pd.DataFrame(rows)
    given = [table[c].to_numpy(float) for c in ("y", "x", "yy", "xy", "xx", "customers")]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = intervals.share_of_sums(*given, conf_level)
    if entry == "first":  # every start is a customer of its own
        shares["conf_low"], shares["conf_high"] = intervals.wilson(given[0], given[1], conf_level)
    keys = [by, "age"] if by else ["age"]
    return table[keys].assign(**shares, immature=table["immature"])


def _beside(table):
    """Return the table with each group compared with all others."""
    by = table.columns[0]
    made = compared(table.rename(columns={by: "group"})).rename(columns={"group": by})
    return made[[*(c for c in made if c != "immature"), "immature"]]


def _once(table, spans):
    """Return the starts, each counted once however many ages it is followed for."""
    first = table[table["age"] == spans[0][2]]
    return (first["n"] + first["immature"]).sum()


def _answer(table, several, start, conf_level):
    if several:
        return sentences.largest_difference(
            table.rename(columns={table.columns[0]: "group"}), conf_level
        )
    row = sentences.last_known(table)
    values = {"start": start, "age": row["age"], **sentences.interval(row)}
    return Note(
        "retention.event_answer",
        "{share:%} of those with {start:word} came back at age {age} ({low:%} to {high:%}; {count} "
        "of {n}).",
        **values,
    )


def _limits(table, spans, clock):
    young = table.groupby("age", sort=False)["immature"].sum()
    for age, n in young.items():
        if n:
            yield _young(int(n), age)
    if any(b is None for _, b, _ in spans):
        yield sentences.ON_OR_AFTER
    yield FIRST_EVENT if clock.entry == "first" else EVERY_EVENT


def _young(n, age):
    return Note(
        "retention.young_starts",
        "Age {age}: {n} start was followed too briefly and is left out.",
        "Age {age}: {n} starts were followed too briefly and are left out.",
        age=age,
        n=n,
    )
