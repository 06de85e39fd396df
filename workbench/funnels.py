"""Who gets from one step to the next? Conversion and drop-off over a customer's own history."""

from dataclasses import replace

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.results import Result, analysis
from workbench.texts import number, percent, t, word

ORDERS = ("ordered", "strict", "any")


@analysis
def conversion(events, steps, *, window="14D", order="ordered", entry="every", ties=None, by=None, hold=None,
               strict_among="steps", until=None, conf_level=0.95):
    """How many customers get from the first step to each later one in time?

    A customer reaches step j when at least one attempt reaches it. Every event of the first step
    opens an attempt; the window runs from that event and includes its last moment. Attempts
    younger than the window are left out on both sides and counted as immature.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    steps : list of str
        Event names, in order; a name may return, and then needs that many events.
    window : str or None
        Longest time from first step to the step in question, such as "14D"; None for no limit.
    order : str
        "ordered": other events may lie between; "strict": each step is the very next stage event;
        "any": one window holds all steps so far, whatever their order, and every step event opens one.
    entry : str
        "every" event of the first step opens an attempt, or only the customer's "first" (under each
        value of `by`).
    ties : str
        "rank": events at the same instant may chain in step order; "later": each step must be
        strictly later. Default "rank", and "later" where a name returns among the steps.
    by : str, optional
        Column to break down by; an attempt has the value of the event that opened it.
    hold : str, optional
        Column whose value must stay the same along an attempt, such as campaign_id.
    strict_among : str
        In strict order, "steps": only step events can come between; "all": any event of the table.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last event.
    conf_level : float

    Returns
    -------
    Result
        Rows: [by,] basis ("entry" = of those who entered, "previous" = of those at the step
        before), step_number, step, count, n, estimate, conf_low, conf_high, immature. Unit: customers.

    Raises
    ------
    InputError
        For an unknown step, option or column.
    NotEnoughData
        If no customer has a mature first step.

    Source: the metric's rules in `docs/glossary.md`; interval Wilson (1927).
    """
    one_of("order", order, ORDERS)
    one_of("entry", entry, ("every", "first"))
    one_of("strict_among", strict_among, ("steps", "all"))
    steps = list(steps)
    repeated = len(set(steps)) < len(steps)
    ties = ties or ("later" if repeated else "rank")
    one_of("ties", ties, ("rank", "later"))
    if len(steps) < 2:
        raise InputError(f"steps: a funnel needs at least two, found {steps}")
    if repeated and ties == "rank":
        raise InputError("ties: 'rank' cannot settle which of two equal steps an event fills; use ties='later'")
    width = schemas.micros("window", window, none=True)
    view, groups, end = _view(events, steps, by, hold, until, others=order == "strict" and strict_among == "all")
    plan = _Plan(order, _positions(steps), None if width is None else width, end, entry, ties, len(groups))
    parts = engine.ordered(view, plan, by=("customer", "held") if hold else ("customer",), then=("t", "k"),
                           descending=("k",) if ties == "later" and order == "ordered" else ())
    sums = parts.groupby(["kind", "group", "step"])["customers"].sum()
    table = _table(sums, steps, groups, by, conf_level)
    entered = table[(table["basis"] == "entry") & (table["step_number"] == 1)]
    if entered["n"].sum() == 0:
        raise NotEnoughData(t("funnels.none_mature", step=word(steps[0]), window=window or "–"))
    tied = int(sums.get("tied", 0).sum()) if "tied" in sums.index.get_level_values(0) else 0
    return Result(
        question=t("funnels.question", first=word(steps[0]), last=word(steps[-1])), table=table,
        method=t("funnels.method", order=word(f"order_{order}"), entry=word(f"entry_{entry}"),
                 window=window or t("funnels.no_window")),
        unit="customers_by_group" if by else "customers", n=int(entered["n"].sum()), conf_level=conf_level,
        limits=_limits(table, entered, tied, width, by), chart={
            "kind": "points", "label": [*([by] if by else []), "step"], "group": by, "percent": True,
            "only": {"basis": "entry"}, "xlabel": t("funnels.axis", first=word(steps[0]))})


@analysis
def compare_entry(events, steps, **options):
    """How much does it matter whether every entry or only the first one counts?

    Takes the arguments of `conversion` but `entry` and `by`; returns a Result with one row per
    entry rule and step: entry, step_number, step, count, n, estimate, conf_low, conf_high, immature.
    """
    made, table = _compare(events, steps, "entry", ("every", "first"), options)
    last = table[table["step_number"] == len(list(steps))].set_index("entry")["count"]
    every, first = int(last["entry_every"]), int(last["entry_first"])
    lost = t("funnels.entry_gap", every=number(every), first=number(first),
             lost=percent(1 - first / every) if every else "–")
    return replace(made, question=t("funnels.entry_question"), table=table, limits=(lost, *made.limits))


@analysis
def compare_orders(events, steps, **options):
    """How much does it matter how strictly the order of the steps is taken?

    Takes the arguments of `conversion` but `order` and `by`; returns a Result with one row per
    order and step: order, step_number, step, count, n, estimate, conf_low, conf_high, immature.
    """
    made, table = _compare(events, steps, "order", ORDERS, options)
    return replace(made, question=t("funnels.order_question"), table=table)


def _compare(events, steps, option, values, options):
    """Return the last conversion and one table for all values of an option."""
    import pandas as pd

    rows = []
    for value in values:
        made = conversion(events, steps, **{**options, option: value})
        kept = made.table[made.table["basis"] == "entry"].drop(columns="basis")
        kept.insert(0, option, f"{option}_{value}")
        rows.append(kept)
    chart = {**made.chart, "label": [option, "step"], "group": option}
    chart.pop("only")
    method = t("funnels.compare_method", window=options.get("window", "14D") or t("funnels.no_window"))
    return replace(made, method=method, chart=chart), pd.concat(rows, ignore_index=True)


@analysis
def drop_off(events, steps, *, window="14D", by=None, hold=None, until=None, conf_level=0.95):
    """After which step do customers stop?

    Drop-off of step k = 1 − share of customers with a mature event of step k who do any later step
    within the window of one of those events. The last step has no later one and no rate.

    Parameters are as in `conversion`. Returns a Result with [by,] step_number, step, count (dropped),
    n, estimate, conf_low, conf_high, immature. Raises as `conversion`. Interval: Wilson (1927).
    """
    steps = list(steps)
    if len(set(steps)) < len(steps) or len(steps) < 2:
        raise InputError(f"steps: at least two different names are needed, found {steps}")
    width = schemas.micros("window", window)
    view, groups, end = _view(events, steps, by, hold, until)
    parts = engine.ordered(view, _Progress(len(steps), width, end, len(groups)),
                           by=("customer", "held") if hold else ("customer",), then=("t", "k"))
    sums = parts.groupby(["kind", "group", "step"])["customers"].sum()
    rows = []
    for g, name in enumerate(groups):
        if name == "missing" and by and not sums.get(("seen", g, 0), 0):
            continue
        for j, step in enumerate(steps[:-1]):
            n, on = int(sums.get(("seen", g, j), 0)), int(sums.get(("reached", g, j), 0))
            rows.append({**({by: name} if by else {}), "step_number": j + 1, "step": step, "count": n - on, "n": n,
                         "immature": int(sums.get(("waiting", g, j), 0))})
    table = _with_wilson(rows, conf_level, ("immature",))
    return Result(question=t("funnels.drop_question"), table=table, unit="customers", n=int(table["n"].max()),
                  method=t("funnels.drop_method", window=window), conf_level=conf_level,
                  limits=_limits(table, table[table["step_number"] == 1], 0, width, by),
                  chart={"kind": "points", "label": [*([by] if by else []), "step"], "group": by, "percent": True,
                         "xlabel": t("funnels.drop_axis")})


def _view(events, steps, by, hold, until, others=False):
    """Return the canonical view of the step events, the values to break down by, and the last moment looked at."""
    schemas.require(events, "events", by, hold)
    present = engine.distinct(events, "event")
    for step in steps:
        if step not in present:
            raise unknown("steps", "event", step, present)
    # Events outside the steps get the last code: they break a strict chain, and sort after it.
    roles = {"customer": engine.key("customer_id"), "t": engine.micros("occurred_at"),
             "k": engine.code("event", list(dict.fromkeys(steps)), others=others)}
    groups = [None]
    if hold:
        roles["held"] = engine.key(hold)
    if by:
        groups = engine.distinct(events, by)
        roles["g"] = engine.code(by, groups, others=True)
        groups = [*groups, "missing"]
    end = schemas.observed_until(events, until)
    if end is None:
        raise NotEnoughData("the table holds no event with a time")
    return engine.view(events, upto=None if until is None else end, **roles), groups, end


def _positions(steps):
    """Return for every step the code of its event and how many equal ones came before it."""
    names = list(dict.fromkeys(steps))
    return tuple((names.index(s), steps[:i].count(s)) for i, s in enumerate(steps))


class _Plan:
    """The kernel of `conversion`: counts, in one batch, the customers that reach each step."""

    def __init__(self, order, positions, width, end, entry, ties, groups):
        self.order, self.positions, self.entry, self.ties, self.groups = order, positions, entry, ties, groups
        self.width = np.iinfo(np.int64).max // 4 if width is None else width
        self.horizon = end if width is None else end - width

    def __call__(self, batch):
        walk = {"ordered": self._ordered, "strict": self._strict, "any": self._any}[self.order]
        counted = _Counted(batch, self.groups)
        openers = walk(batch, counted)
        mature = openers[batch["t"][openers] <= self.horizon]
        counted.add("waiting", 0, openers, minus=mature)
        same = np.flatnonzero((np.diff(batch["t"]) == 0) & (np.diff(batch["k"]) != 0)) + 1
        counted.add("tied", 0, same[batch.first[same] != same])
        return counted.rows()

    def _entries(self, batch, rows):
        """Keep all rows that open an attempt, or each customer's earliest (per group) where only that counts."""
        if self.entry == "every" or not len(rows):
            return rows
        who = batch.customer[rows] * self.groups + (batch["g"][rows] if self.groups > 1 else 0)
        order = np.lexsort((rows, batch["t"][rows], who))
        first = np.concatenate([[True], np.diff(who[order]) != 0])
        return np.sort(rows[order[first]])

    def _ordered(self, batch, counted):
        t, first, step, row = _steps_of_rows(batch, self.positions)
        openers = np.flatnonzero(step == 0)
        if self.entry == "first":
            openers = openers[np.isin(row[openers], self._entries(batch, np.sort(row[openers])))]
        mature = openers[t[openers] <= self.horizon]
        places = [np.flatnonzero(step == j) for j in range(1, len(self.positions))]
        reached = [[] for _ in self.positions]
        # Attempts of different groups must not displace each other: each group walks on its own.
        group = batch["g"][row[mature]] if self.groups > 1 else np.zeros(len(mature), int)
        for g in np.unique(group):
            # The latest start of a chain that ends at each row outlives every earlier start, so one
            # value a step decides for all attempts at once.
            at = start = mature[group == g]
            reached[0].append(start)
            for j, place in enumerate(places, 1):
                latest = np.searchsorted(at, place) - 1
                here, latest = place[latest >= 0], latest[latest >= 0]
                s = start[latest]
                good = (s >= first[here]) & (t[here] - t[s] <= self.width)
                at, start = here[good], s[good]
                reached[j].append(start)
        for j, starts in enumerate(reached):
            counted.add("reached", j, row[np.concatenate([openers[:0], *starts])])
        return row[openers]

    def _strict(self, batch, counted):
        t, k, last = batch["t"], batch["k"], batch.last
        openers = self._entries(batch, np.flatnonzero(k == self.positions[0][0]))
        alive = openers[t[openers] <= self.horizon]
        counted.add("reached", 0, alive)
        for j in range(1, len(self.positions)):
            alive = alive[alive + j <= last[alive]]
            good = (k[alive + j] == self.positions[j][0]) & (t[alive + j] - t[alive] <= self.width)
            if self.ties == "later":
                good &= t[alive + j] > t[alive + j - 1]
            alive = alive[good]
            counted.add("reached", j, alive)
        return openers

    def _any(self, batch, counted):
        t, k, last = batch["t"], batch["k"], batch.last
        openers = self._entries(batch, np.arange(len(batch)))
        # A window opens at a moment: rows of the same instant lie in it, wherever the sort put them.
        new = np.zeros(len(batch), bool)
        new[batch.starts] = True
        new[1:] |= np.diff(t) != 0
        begin = np.maximum.accumulate(np.where(new, np.arange(len(batch)), 0))[openers]
        inside = np.ones(len(openers), bool)
        firsts = openers[:0]
        for j, (event, earlier) in enumerate(self.positions):
            places = np.append(np.flatnonzero(k == event), len(batch))
            # The n-th event of a name, counted from the opener on.
            nth = np.minimum(np.searchsorted(places, begin) + earlier, len(places) - 1)
            place = places[nth]
            safe = np.minimum(place, len(batch) - 1)
            inside = inside & (place <= last[openers]) & (t[safe] - t[openers] <= self.width)
            if j == 0:
                firsts = openers[inside]
            counted.add("reached", j, openers[inside & (t[openers] <= self.horizon)])
        return firsts


class _Progress:
    """The kernel of `drop_off`: customers seen at each step, and those who went on to a later one."""

    def __init__(self, steps, width, end, groups):
        self.steps, self.width, self.horizon, self.groups = steps, width, end - width, groups

    def __call__(self, batch):
        t, k, last = batch["t"], batch["k"], batch.last
        counted = _Counted(batch, self.groups)
        for j in range(self.steps - 1):
            here = np.flatnonzero(k == j)
            mature = here[t[here] <= self.horizon]
            later = np.append(np.flatnonzero(k > j), len(batch))
            following = later[np.searchsorted(later, mature)]
            safe = np.minimum(following, len(batch) - 1)
            went_on = mature[(following <= last[mature]) & (t[safe] - t[mature] <= self.width)]
            counted.add("seen", j, mature)
            counted.add("reached", j, went_on)
            counted.add("waiting", j, here, minus=mature)
        return counted.rows()


class _Counted:
    """Counts distinct customers behind rows, by group."""

    def __init__(self, batch, groups):
        self.batch, self.groups, self.out = batch, groups, []

    def _pairs(self, rows):
        if self.groups > 1:
            return np.unique(self.batch.customer[rows] * self.groups + self.batch["g"][rows])
        who = self.batch.customer[rows]  # already in order
        return who[np.concatenate([[True], who[1:] != who[:-1]])] if len(who) else who

    def add(self, kind, step, rows, minus=None):
        pairs = self._pairs(rows)
        counts = np.bincount(pairs % self.groups, minlength=self.groups)
        if minus is not None:
            counts = counts - np.bincount(self._pairs(minus) % self.groups, minlength=self.groups)
        self.out.append((kind, step, counts))

    def rows(self):
        groups = np.arange(self.groups)
        return {"kind": np.repeat(np.array([k for k, _, _ in self.out], object), self.groups),
                "group": np.tile(groups, len(self.out)),
                "step": np.repeat(np.array([s for _, s, _ in self.out]), self.groups),
                "customers": np.concatenate([c for _, _, c in self.out]).astype(np.int64)}


def _steps_of_rows(batch, positions):
    """Return time, first row of the history, step number and source row, one entry per step an event can fill.

    Where no name returns, these are the rows themselves. Where one does, its event stands once for
    every step it can fill, later steps first, so that no event follows itself.
    """
    t, k = batch["t"], batch["k"]
    if not any(earlier for _, earlier in positions):
        return t, batch.first, k, np.arange(len(batch))
    filled = [[j for j, (event, _) in enumerate(positions) if event == code][::-1]
              for code in range(1 + max(event for event, _ in positions))]
    sizes = np.array([len(f) for f in filled])
    row = np.repeat(np.arange(len(batch)), sizes[k])
    inner = np.arange(len(row)) - np.repeat(np.cumsum(sizes[k]) - sizes[k], sizes[k])
    lookup = np.zeros((len(filled), sizes.max()), int)
    for code, f in enumerate(filled):
        lookup[code, : len(f)] = f
    step = lookup[k[row], inner]
    first_history = batch.first[row]
    order = np.lexsort((-step, t[row], first_history))
    row, step, history = row[order], step[order], first_history[order]
    new = np.concatenate([[True], history[1:] != history[:-1]]) if len(row) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    first = np.repeat(starts, np.diff(np.append(starts, len(row))))
    return t[row], first, step, row


def _table(sums, steps, groups, by, conf_level):
    rows = []
    for g, name in enumerate(groups):
        reached = [int(sums.get(("reached", g, j), 0)) for j in range(len(steps))]
        if name == "missing" and by and not reached[0]:
            continue
        key = {by: name} if by else {}
        waiting = int(sums.get(("waiting", g, 0), 0))
        for basis in ("entry", "previous"):
            for j, step in enumerate(steps):
                if basis == "previous" and j == 0:
                    continue
                base = reached[0] if basis == "entry" else reached[j - 1]
                rows.append({**key, "basis": basis, "step_number": j + 1, "step": step, "count": reached[j], "n": base,
                             "immature": waiting})
    return _with_wilson(rows, conf_level, ("immature",))


def _with_wilson(rows, conf_level, tail=()):
    """Return rows as a table with shares and Wilson intervals; a share true by definition has none."""
    import pandas as pd

    table = pd.DataFrame(rows)
    n = table["n"].where(table["n"] > 0)
    table["estimate"] = table["count"] / n
    low, high = intervals.wilson(table["count"], table["n"], conf_level)
    given = (table["basis"] == "entry") & (table["step_number"] == 1) if "basis" in table else False
    table["conf_low"], table["conf_high"] = np.where(given, np.nan, low), np.where(given, np.nan, high)
    return table[[*(c for c in table.columns if c not in tail), *tail]]


def _limits(table, entered, tied, width, by):
    limits = []
    waiting = int(entered["immature"].sum())
    if waiting:
        limits.append(t("funnels.immature", n=number(waiting), unit=word("customers_by_group" if by else "customers")))
    if width is None:
        limits.append(t("funnels.unbounded"))
    if tied:
        limits.append(t("funnels.tied", n=number(tied)))
    if by:
        limits.append(t("funnels.by_twice", by=word(by)))
    thin = table[(table["n"] < 100) & (table["n"] > 0)]
    if len(thin):
        limits.append(t("funnels.thin", rows=number(len(thin))))
    return tuple(limits)
