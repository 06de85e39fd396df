"""What the rules of a funnel do to its number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.funnels.kernels import Definitions
from workbench.funnels.rules import (
    NO_WINDOW,
    ORDERS,
    OWN_STEPS,
    SEMANTICS,
    equal_steps,
    none_entered,
    prepare,
)
from workbench.funnels.steps import conversion, share_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Moment, Table


@engine.tables("events")
@analysis
def compare_entry(events: Table, steps: Sequence[str], **options: Any) -> Result:
    """How much does it matter whether every entry or only the first one counts?

    Takes the arguments of `conversion` but `entry` and `by`; returns a Result with one row per
    entry rule and step: entry, step_number, step, count, n, estimate, conf_low, conf_high,
    immature.
    """
    made, table = _compare(events, steps, "entry", ("every", "first"), options)
    last = table[table["step_number"] == len(list(steps))].set_index("entry")
    every, first = last.loc["entry_every"], last.loc["entry_first"]
    answer = Note(
        "funnels.entry_answer",
        "Counting every entry, {share:%} of customers convert ({low:%} to {high:%}; {count} of "
        "{n}); counting only the first one, {first_share:%} ({first_low:%} to {first_high:%}; "
        "{first_count} of {first_n}).",
        **share_of(every),
        **{f"first_{name}": value for name, value in share_of(first).items()},
    )
    return replace(
        made,
        question=Note("funnels.entry_question", "How much does it matter which entries count?"),
        table=table,
        answer=answer,
        limits=(*_unseen(int(every["count"]), int(first["count"])), *made.limits),
    )


def _unseen(every, first):
    """Return what is lost by counting first entries only; nothing where nobody converts."""
    if not every:
        return ()
    lost = Note(
        "funnels.entry_gap",
        "Counting every entry, {every} customers finish; counting only the first "
        "entry, {first}: {lost:%} of the conversions would go unseen.",
        every=every,
        first=first,
        lost=1 - first / every,
    )
    return (lost,)


@engine.tables("events")
@analysis
def compare_orders(events: Table, steps: Sequence[str], **options: Any) -> Result:
    """How much does it matter how strictly the order of the steps is taken?

    Takes the arguments of `conversion` but `order` and `by`; returns a Result with one row per
    order and step: order, step_number, step, count, n, estimate, conf_low, conf_high, immature.
    """
    made, table = _compare(events, steps, "order", ORDERS, options)
    return replace(
        made,
        question=Note(
            "funnels.order_question", "How much does it matter how strictly the order is taken?"
        ),
        table=table,
        answer=_order_answer(table),
    )


def _order_answer(table):
    """Say how many convert under each rule for the order of the steps."""
    last = table[table["step_number"] == table["step_number"].max()].set_index("order")
    strict, loose = last.loc["order_strict"], last.loc["order_any"]
    return Note(
        "funnels.order_answer",
        "With the steps in order, {share:%} of customers convert ({low:%} to {high:%}; {count} of "
        "{n}); with each step the very next one, {strict:%} ({strict_low:%} to {strict_high:%}), "
        "and in any order, {loose:%} ({loose_low:%} to {loose_high:%}).",
        **share_of(last.loc["order_ordered"]),
        strict=strict["estimate"],
        strict_low=strict["conf_low"],
        strict_high=strict["conf_high"],
        loose=loose["estimate"],
        loose_low=loose["conf_low"],
        loose_high=loose["conf_high"],
    )


def _tools_answer(table):
    """Say what the own definition gives, and the lowest and highest of the tools."""
    tools = table[(table["kind"] == "tool") & (table["n"] > 0)]
    tools = tools.sort_values(["estimate", "definition"])
    lowest, highest = tools.iloc[0], tools.iloc[-1]
    return Note(
        "funnels.definitions_answer",
        "By the workbench's definition {share:%} of customers convert ({low:%} to {high:%}; "
        "{count} of {n}); by the defaults of the tools, between {lowest:%} ({lowest_tool:word}) "
        "and {highest:%} ({highest_tool:word}).",
        **share_of(table.iloc[0]),
        lowest=lowest["estimate"],
        lowest_tool=lowest["definition"],
        highest=highest["estimate"],
        highest_tool=highest["definition"],
    )


def _compare(events, steps, option, values, options):
    """Return the last conversion and one table for all values of an option."""
    import pandas as pd

    rows = []
    for value in values:
        made = conversion(events, steps, **{**options, option: value})
        kept = made.table[made.table["basis"] == "entry"].drop(columns="basis")
        kept.insert(0, option, f"{option}_{value}")
        rows.append(kept)
    chart = replace(made.chart, label=(option, "step"), group=option, only={})
    method = Note(
        "funnels.compare_method",
        "Funnels side by side, window: {window:span}; Wilson intervals.",
        window=options.get("window", "14D") or NO_WINDOW,
    )
    return replace(made, method=method, chart=chart), pd.concat(rows, ignore_index=True)


def _one_rule_changed(exclude, names):
    """Return the rules that are changed one at a time."""
    single = {
        "rule_first_entry": {"entry": "first"},
        "rule_window_7": {"window": "7D"},
        "rule_window_30": {"window": "30D"},
        "rule_no_window": {"window": None},
        "rule_two_seconds": {"ties": "2s"},
        "rule_young_counted": {"immature": "count"},
    }
    told = equal_steps(names, exclude)
    if told:
        del single["rule_two_seconds"]  # a tolerance cannot tell equal steps apart
    alone = bool(exclude) and OWN_STEPS not in told  # no attempt is removed by its own steps
    return single | ({"rule_removes": {"exclusion": "removes"}} if alone else {})


@engine.tables("events")
@analysis
def compare_definitions(
    events: Table,
    steps: Sequence[str],
    *,
    window: str = "14D",
    exclude: str | Sequence[str] = (),
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How far apart do well-known tools lie on the same data, and which of their rules makes the
    difference?

    The first row is the workbench's own definition. Below it stand four tools with their documented
    defaults, and one row per rule changed alone. All rows are counted on the same customers in one
    pass, so the differences are paired.

    Parameters are as in `conversion`.

    Returns
    -------
    Result
        kind (reference, tool, one_rule), definition, count (finished), n (entered), estimate,
        conf_low, conf_high, difference (to the first row), difference_low, difference_high.
        Interval of a share: Wilson; of a difference: delta method over paired customers.

    Raises
    ------
    NotEnoughData
        If nobody entered under the workbench's definition.

    Source: tools' documentation as listed in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the
    difference.
    """
    import pandas as pd

    shared = {"exclude": exclude, "hold": hold, "column": column, "until": until}
    own = {"window": window}
    steps = list(steps)
    plans = [("reference", "workbench", prepare(events, steps, given=own, **shared))]
    plans += [
        ("tool", name, prepare(events, steps, given={}, semantics=name, **shared))
        for name in SEMANTICS
    ]
    single = _one_rule_changed(exclude, plans[0][2].names)
    plans += [
        ("one_rule", name, prepare(events, steps, given={**own, **rule}, **shared))
        for name, rule in single.items()
        if schemas.micros("window", rule.get("window", "1s"), none=True)
        != schemas.micros("window", window, none=True)
    ]
    sums = (
        plans[0][2]
        .run(Definitions([p.rules for _, _, p in plans]))
        .groupby(["definition", "pattern"])["customers"]
        .sum()
    )
    # A pattern holds four bits: entered and finished here, entered and finished under the first
    # definition.
    x, y, x0, y0 = (np.array([(p >> bit) & 1 for p in range(16)]) for bit in (2, 3, 0, 1))
    rows = []
    for i, (kind, name, _) in enumerate(plans):
        m = sums[i].reindex(range(16), fill_value=0).to_numpy().astype(float)
        n, done, n0, done0 = (int((m * bit).sum()) for bit in (x, y, x0, y0))
        if n0 == 0:
            raise none_entered(plans[0][2].view, plans[0][2].first, window)
        r, r0 = done / n if n else np.nan, done0 / n0
        pull = ((y - r * x) / n if n else np.nan) - (y0 - r0 * x0) / n0
        se = float(np.sqrt((m * pull**2).sum()))
        low, high = (float(v) for v in intervals.wilson(done, n, conf_level))
        gap = r - r0
        d_low, d_high = (
            (np.nan, np.nan)
            if i == 0
            else (float(v) for v in intervals.normal(gap, se, conf_level))
        )
        rows.append(
            {
                "kind": kind,
                "definition": name,
                "count": done,
                "n": n,
                "estimate": r,
                "conf_low": low,
                "conf_high": high,
                "difference": np.nan if i == 0 else gap,
                "difference_low": d_low,
                "difference_high": d_high,
            }
        )
    table = pd.DataFrame(rows)
    limits = (
        *equal_steps(plans[0][2].names, exclude),
        Note(
            "funnels.tools_apart",
            "The rows with one rule changed say which of the rules makes the difference.",
        ),
        Note(
            "funnels.tools_limit",
            "Documented defaults, not a connection to the tools: sampling, identity "
            "rules and bot filters are not imitated.",
        ),
    )
    return Result(
        question=Note(
            "funnels.definitions_question",
            "How far apart do tools lie on the same data, from {first:word} to {last:word}?",
            first=plans[0][2].names[0],
            last=plans[0][2].names[-1],
        ),
        table=table,
        method=Note(
            "funnels.definitions_method",
            "The same customers under several definitions, own window: {window:span}; "
            "Wilson intervals, differences paired by customer.",
            window=window or NO_WINDOW,
        ),
        answer=_tools_answer(table),
        unit="customers",
        n=int(table["n"].max()),
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=["definition"],
            group="kind",
            percent=True,
            xlabel=Note(
                "funnels.axis",
                "Share of customers who entered at {first:word}",
                first=plans[0][2].names[0],
            ),
        ),
    )
