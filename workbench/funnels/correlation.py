"""What goes with converting: events and properties inside the attempts of those who finish and of
those who do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData
from workbench.funnels.kernels import FAR
from workbench.funnels.rules import none_entered, within
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.odds import odds_ratios

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

MOST_VALUES = 1_000  # of a property: more are ids, not properties
NOT_CAUSE = Note(
    "funnels.goes_not_cause",
    "Associations: who means to finish also does other things, and nothing here says that doing "
    "them makes anybody finish.",
)
LONGER = Note(
    "funnels.goes_longer",
    "Who finishes is watched until then, the others for the whole window: what merely takes time "
    "is seen more among the others.",
)


@engine.tables("events")
@analysis
def correlates(
    events: Table,
    steps: Sequence,
    *,
    window: str | None = "14D",
    properties: Sequence[str] = (),
    column: str = "event",
    least: int = 20,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which events and properties inside an attempt go with finishing the funnel?

    A customer's attempt is the first one old enough to be followed for the whole window. What is
    seen in it is every event between the first step and the last (or the end of the window), steps
    left out, and every value of the properties asked for.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event and the properties
    steps : list
        Event names in order; a list of names is a step that any of them fills.
    window : str or None
        Longest time from the first step to the last, such as "14D".
    properties : list of str
        Further columns whose values are looked at, such as ["channel", "device"].
    column : str
        The column that holds the step.
    least : int
        Customers with and without something that are needed to compare it.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.

    Returns
    -------
    Result
        property (a column, or the one of the steps), value, count (customers with it in their
        attempt), n (attempts), rate, rest_rate (share that finished with it and without), estimate
        (odds ratio), std_error (of its logarithm), conf_low, conf_high, shrunken (the ratio drawn
        towards 1), p_value, p_holm. Interval: Woolf's, half a unit in every cell; test: score test
        of two shares; correction: Holm's over all that is compared.

    Raises
    ------
    InputError
        For an unknown column, a step that returns, or a property of ids.
    NotEnoughData
        If nobody entered early enough, or nothing can be compared.

    Source: PostHog, "Correlation analysis", and Amplitude, "Conversion drivers" (addresses in
    `docs/glossary.md`); Woolf (1955), Annals of Human Genetics 19; Efron & Morris (1975), JASA 70;
    Holm (1979).

    >>> from workbench import simulate
    >>> events = simulate.market(80)["events"]
    >>> made = correlates(events, ["product_view", "order"], least=5)
    >>> bool((made.table["conf_low"] <= made.table["estimate"]).all())
    True
    """
    classes, names, view, end = _seen(events, steps, properties, column, until)
    width = schemas.micros("window", window, none=True)
    lookup = tuple(j for j, each in enumerate(classes) for _ in each)
    kernel = Inside(lookup, FAR if width is None else width, end, [len(n) for _, n in names])
    sums = engine.map_ordered(view, kernel, then=("t", "k")).groupby(["place", "code"]).sum()
    whole = sums.loc[(-1, 0)] if (-1, 0) in sums.index else None
    if whole is None or not whole["n"]:
        raise none_entered(view, classes[0], window)
    table = _table(sums.drop(index=-1, level=0), whole, names, least, conf_level)
    if not len(table):
        raise NotEnoughData(
            "funnels.goes_nothing",
            "correlates: nothing is seen in {least} attempts or more and lacks in as many",
            least=least,
        )
    first, last = (" / ".join(classes[i]) for i in (0, -1))
    return Result(
        question=Note(
            "funnels.goes_question",
            "What goes with getting from {first:word} to {last:word}?",
            first=first,
            last=last,
        ),
        table=table,
        method=Note(
            "funnels.goes_method",
            "Each customer's first attempt, {within}: odds of finishing with something in it over "
            "the odds without; Woolf intervals, Holm's correction; the ratio drawn towards one "
            "beside it.",
            within=within(window),
        ),
        unit="customers",
        n=int(whole["n"]),
        conf_level=conf_level,
        evidence="associational",
        limits=(_compared(len(table)), NOT_CAUSE, LONGER),
        answer=_answer(table, conf_level),
        chart=Points(
            label=["property", "value"],
            group="property",
            reference=1.0,
            xlabel=Note("funnels.goes_axis", "Odds of finishing with it over the odds without"),
        ),
    )


def _compared(n):
    return Note(
        "funnels.goes_compared",
        "{n} event or value compared.",
        "{n} events or values compared.",
        n=n,
    )


def _seen(events, steps, properties, column, until):
    """Return the steps as classes of words, every column's name and words, the view and the last
    moment looked at.
    """
    classes = [tuple(map(own.written, own.several(step))) for step in steps]
    words = [word for each in classes for word in each]
    if len(set(words)) < len(words) or len(classes) < 2:
        raise InputError(
            "funnels.error_repeated_steps",
            "steps: at least two different names are needed, found {steps:text}",
            steps=[" / ".join(each) for each in classes],
        )
    properties = list(dict.fromkeys(own.several(properties)))
    schemas.require(events, "events", column, *properties)
    if column in properties:
        raise InputError(
            "funnels.error_property_of_steps",
            "properties: '{column}' holds the steps; its values are compared anyway",
            column=column,
        )
    present = own.listed(engine.distinct(events, column))
    own.occurring("steps", words, present)
    words = [*words, *(name for name in present if name not in words)]
    names = [(column, words), *((p, _values(events, p)) for p in properties)]
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, words, others=True),
    }
    for i, (name, values) in enumerate(names[1:], 1):
        roles[f"p{i}"] = engine.code(name, values, others=True)
    end = schemas.observed_until(events, until)
    if end is None:
        raise NotEnoughData("funnels.error_no_event", "the table holds no event with a time")
    view = engine.view(events, upto=None if until is None else end, **roles)
    return classes, names, view, end


def _values(events, column):
    """Return the values of a property; refuse ids."""
    values = own.listed(engine.distinct(events, column))
    if len(values) > MOST_VALUES:
        raise InputError(
            "funnels.error_many_values",
            "properties: '{column}' has {found} different values, more than {most}; group them "
            "first",
            column=column,
            found=len(values),
            most=MOST_VALUES,
        )
    return values or [own.MISSING]


def _table(sums, whole, names, least, conf_level):
    """Return a row for everything that enough attempts have and enough lack, the highest odds
    first.
    """
    import pandas as pd

    sums = sums.reset_index()
    enough = (sums["n"] >= least) & (whole["n"] - sums["n"] >= least)
    sums = sums[enough].reset_index(drop=True)
    count, won = sums["n"].to_numpy(float), sums["won"].to_numpy(float)
    n, done = float(whole["n"]), float(whole["won"])
    made = odds_ratios(won, count, done, n, conf_level)
    p = np.array(
        [
            intervals.newcombe_p(w, c, done - w, n - c)
            for w, c in zip(won.astype(int), count.astype(int), strict=True)
        ],
        float,
    )
    table = pd.DataFrame(
        {
            "property": [names[i][0] for i in sums["place"].astype(int)],
            "value": [
                names[i][1][c]
                for i, c in zip(sums["place"].astype(int), sums["code"].astype(int), strict=True)
            ],
            "count": count.astype(int),
            "n": int(n),
            "rate": won / np.maximum(count, 1),
            "rest_rate": (done - won) / np.maximum(n - count, 1),
            "estimate": made.ratio,
            "std_error": made.std_error,
            "conf_low": made.low,
            "conf_high": made.high,
            "shrunken": made.shrunken,
            "p_value": p,
            "p_holm": intervals.adjust_p_values(p) if len(p) else p,
        }
    )
    return table.sort_values(
        ["shrunken", "property", "value"], ascending=[False, True, True], ignore_index=True
    )


def _answer(table, conf_level):
    """Name what goes most clearly with finishing or not, as drawn together; or say that nothing
    does.
    """
    clear = table[table["p_holm"] < 1 - conf_level]
    ranked = (clear if len(clear) else table).assign(size=lambda t: np.abs(np.log(t["shrunken"])))
    row = ranked.sort_values(["size", "property", "value"], ascending=[False, True, True]).iloc[0]
    values = {
        "property": row["property"],
        "value": row["value"],
        "rate": row["rate"],
        "rest_rate": row["rest_rate"],
        "ratio": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": int(row["count"]),
        "n": int(row["n"]),
    }
    if not len(clear):
        return Note(
            "funnels.goes_answer_none",
            "Nothing could be shown to go with finishing; nearest to it comes {property:word} "
            "{value:word}: {rate:%} of those with it finished, {rest_rate:%} of the others (odds "
            "ratio {ratio:3}, {low:3} to {high:3}; {count} of {n} customers have it).",
            **values,
        )
    return Note(
        "funnels.goes_answer",
        "{property:word} {value:word} differs most between those who finish and those who do not: "
        "{rate:%} of those with it finished, {rest_rate:%} of the others (odds ratio {ratio:3}, "
        "{low:3} to {high:3}; {count} of {n} customers have it).",
        **values,
    )


class Inside:
    """The kernel of `correlates`: how many attempts hold each value of each column (place, code),
    and how many of them were finished; place -1 holds all attempts.

    `lookup` tells the step of every code of a step; other codes are higher.
    """

    def __init__(self, lookup, width, end, sizes):
        self.lookup, self.width, self.sizes = lookup, width, sizes
        self.horizon = end if width >= FAR else end - width

    def __call__(self, batch):
        t, k = batch["t"], batch["k"].astype(np.int64)
        steps = max(self.lookup) + 1
        step = np.array([*self.lookup, steps])[np.minimum(k, len(self.lookup))]
        opens = np.flatnonzero((step == 0) & (t <= self.horizon))
        if len(opens):
            who = batch.customer[opens]
            opens = opens[np.concatenate([[True], who[1:] != who[:-1]])]
        won, until = self._finish(batch, step, opens, steps)
        rows, attempt = _rows(opens, until)
        parts = [(-1, 0, float(len(opens)), float(won.sum()))]
        for place, size in enumerate(self.sizes):
            code = (k if place == 0 else batch[f"p{place}"]).astype(np.int64)[rows]
            kept = code < size
            if place == 0:
                kept &= code >= len(self.lookup)
            pairs = np.unique(attempt[kept] * size + code[kept])
            n = np.bincount(pairs % size, minlength=size)
            done = np.bincount(pairs % size, won[pairs // size], size)
            parts += [(place, c, float(n[c]), float(done[c])) for c in np.flatnonzero(n)]
        columns = zip(*parts, strict=True)
        return {
            name: np.array(values)
            for name, values in zip(("place", "code", "n", "won"), columns, strict=True)
        }

    def _finish(self, batch, step, opens, steps):
        """Return which attempts are finished in time, and the row at which each ends."""
        t, last = batch["t"], batch.last
        at, alive = opens.copy(), np.ones(len(opens), bool)
        for j in range(1, steps):
            places = np.append(np.flatnonzero(step == j), len(batch))
            at = places[np.searchsorted(places[:-1], at, side="right")]
            safe = np.minimum(at, len(batch) - 1)
            alive &= (at <= last[opens]) & (t[safe] - t[opens] <= self.width)
            at = np.where(alive, safe, opens)
        limit = _row_after(t, opens, last[opens], t[opens] + self.width)
        return alive, np.where(alive, at, limit)


def _row_after(t, low, last, moments):
    """Return the first row after the moments, within histories that end at `last`."""
    low, high = low.copy(), last + 1
    while (low < high).any():
        mid = (low + high) // 2
        active = low < high
        later = t[np.minimum(mid, len(t) - 1)] > moments
        high = np.where(active & later, mid, high)
        low = np.where(active & ~later, mid + 1, low)
    return low


def _rows(opens, until):
    """Return every row from an opener up to (not with) the end of its attempt, and whose it is."""
    sizes = until - opens
    attempt = np.repeat(np.arange(len(opens)), sizes)
    begin = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return opens[attempt] + np.arange(len(attempt)) - begin, attempt
