"""The kernels of the funnels: which customers of a batch reach which step, under which rules."""

from dataclasses import dataclass

import numpy as np

FAR = np.iinfo(np.int64).max // 4


@dataclass(frozen=True)
class Rules:
    """The rules of one funnel, in integers.

    `lookup` turns event codes into classes (a step's events share one; the excluded events have
    `excluded`, others the highest);
    `positions` says for every step its class and how many equal steps came before it.
    """

    order: str
    entry: str
    enter: str
    lookup: tuple
    positions: tuple
    width: int
    step_widths: tuple
    horizon: int
    ties: str
    slack: int
    optional: frozenset
    excluded: int | None
    between: tuple
    exclusion: str
    groups: int = 1
    ripe: int = (
        FAR  # attempts that began later are too young for the window, whether they count or not
    )
    barred: tuple = ()  # classes of steps that are excluded events too


class Plan:
    """The kernel of `conversion`: counts, in one batch, the customers that reach each step."""

    def __init__(self, rules):
        self.rules = rules

    def __call__(self, batch):
        counted = Counted(batch, self.rules.groups)
        openers, _, reached, more = walk(batch, self.rules)
        for j, rows in enumerate(reached):
            counted.add("reached", j, rows)
        for kind, j, rows in more:
            counted.add(kind, j, rows)
        counted.add("waiting", 0, openers, minus=openers[batch["t"][openers] <= self.rules.ripe])
        c = _classes(batch, self.rules)
        same = np.flatnonzero((np.diff(batch["t"]) == 0) & (np.diff(c) != 0)) + 1
        counted.add("tied", 0, same[batch.first[same] != same])
        return counted.rows()


class Definitions:
    """The kernel of `compare_definitions`: how often each pattern of entering and finishing occurs
    under each rule set and the first.
    """

    def __init__(self, rules):
        self.rules = rules

    def __call__(self, batch):
        customers = len(np.unique(batch.customer))
        base, out = None, []
        for rules in self.rules:
            _, _, reached, _ = walk(batch, rules)
            pattern = np.zeros(customers, int)
            pattern[batch.customer[reached[0]]] = 1
            done = np.zeros(customers, int)
            done[batch.customer[reached[-1]]] = 2
            pattern += done
            base = pattern if base is None else base
            out.append(np.bincount(pattern * 4 + base, minlength=16))
        n = len(self.rules)
        return {
            "definition": np.repeat(np.arange(n), 16),
            "pattern": np.tile(np.arange(16), n),
            "customers": np.concatenate(out).astype(np.int64),
        }


class Groups:
    """The kernel of `compare_groups`: for every pair of groups, the customers that entered both,
    entered one and finished the other, finished both.
    """

    def __init__(self, rules):
        self.rules = rules

    def __call__(self, batch):
        g = self.rules.groups
        people = int(batch.customer[-1]) + 1 if len(batch) else 0
        _, _, reached, _ = walk(batch, self.rules)
        x, y = np.zeros((people, g)), np.zeros((people, g))
        for table, rows in ((x, reached[0]), (y, reached[-1])):
            table[batch.customer[rows], batch["g"][rows]] = 1
        pair = np.arange(g * g)
        return {
            "a": pair // g,
            "b": pair % g,
            "xx": (x.T @ x).ravel(),
            "xy": (x.T @ y).ravel(),
            "yy": (y.T @ y).ravel(),
        }


class Times:
    """The kernel of `time_to_convert`: for every attempt, how long it took or how long it was
    watched.
    """

    def __init__(self, rules, end):
        self.rules, self.end = rules, end

    def __call__(self, batch):
        t, rules = batch["t"], self.rules
        openers, _, _, _ = walk(batch, rules)
        # Each attempt takes the earliest next step; without windows between steps that is its
        # fastest finish.
        _, _, step, row = _steps_of_rows(batch, _classes(batch, rules), rules)
        alive, at = np.ones(len(openers), bool), openers.copy()
        for j in range(1, len(rules.positions)):
            place = np.append(row[step == j], len(batch))
            at = place[np.searchsorted(place[:-1], at, side="right")]
            safe = np.minimum(at, len(batch) - 1)
            alive &= (at <= batch.last[openers]) & (t[safe] - t[openers] <= rules.width)
            at = np.where(alive, safe, openers)
        converted = np.where(alive, t[at], FAR)
        c = _classes(batch, rules)
        x = np.append(
            np.flatnonzero(c == rules.excluded) if rules.excluded is not None else np.zeros(0, int),
            len(batch),
        )
        met = x[np.searchsorted(x[:-1], _after(batch, openers, t[openers]))]
        stopped = (
            np.where(met <= batch.last[openers], t[np.minimum(met, len(batch) - 1)], FAR)
            if len(batch)
            else converted
        )
        until = np.minimum(
            np.minimum(t[openers] + rules.width, self.end), np.minimum(converted, stopped)
        )
        cause = np.where(until >= converted, 1, np.where(until >= stopped, 2, 0))
        return {
            "customer": batch["customer"][openers],
            "micros": np.maximum(until - t[openers], 0),
            "cause": cause,
            "g": batch["g"][openers] if rules.groups > 1 else np.zeros(len(openers), np.int64),
        }


class Progress:
    """The kernel of `drop_off`: customers seen at each step, and those who went on later; `lookup`
    tells the step of every event.
    """

    def __init__(self, lookup, width, end, groups):
        self.lookup, self.groups, self.end = lookup, groups, end
        self.width, self.horizon = (FAR, end) if width in (None, FAR) else (width, end - width)

    def __call__(self, batch):
        counted = Counted(batch, self.groups)
        for j, (mature, went_on, here) in enumerate(self.steps(batch)):
            counted.add("seen", j, mature)
            counted.add("reached", j, went_on)
            counted.add("waiting", j, here, minus=mature)
        return counted.rows()

    def steps(self, batch):
        """Yield, for each step but the last, its mature rows, those that went on, and all rows."""
        t, last = batch["t"], batch.last
        # Several events may be one step.
        k = np.array(self.lookup)[batch["k"]]
        for j in range(max(self.lookup)):
            here = np.flatnonzero(k == j)
            mature = here[t[here] <= self.horizon]
            later = np.append(np.flatnonzero(k > j), len(batch))
            following = later[np.searchsorted(later, mature)]
            safe = np.minimum(following, len(batch) - 1)
            went_on = mature[(following <= last[mature]) & (t[safe] - t[mature] <= self.width)]
            yield mature, went_on, here


class Counted:
    """Counts distinct customers behind rows, by group."""

    def __init__(self, batch, groups):
        self.batch, self.groups, self.out = batch, groups, []

    def _each(self, rows):
        """Return how many different customers of each group lie behind rows."""
        size = (int(self.batch.customer[-1]) + 1 if len(self.batch) else 0) * self.groups
        seen = np.zeros(size, bool)
        who = self.batch.customer[rows]
        seen[who * self.groups + self.batch["g"][rows] if self.groups > 1 else who] = True
        return (
            seen.reshape(-1, self.groups).sum(axis=0) if size else np.zeros(self.groups, np.int64)
        )

    def add(self, kind, step, rows, minus=None):
        """Count the customers behind `rows`, less those behind `minus`."""
        counts = self._each(rows)
        self.out.append((kind, step, counts if minus is None else counts - self._each(minus)))

    def rows(self):
        """Return the counts as the kernel's partial table."""
        groups = np.arange(self.groups)
        return {
            "kind": np.repeat(np.array([k for k, _, _ in self.out], object), self.groups),
            "group": np.tile(groups, len(self.out)),
            "step": np.repeat(np.array([s for _, s, _ in self.out]), self.groups),
            "customers": np.concatenate([c for _, _, c in self.out]).astype(np.int64),
        }


def walk(batch, rules):
    """Return the rows that open attempts, the mature ones, for every step the openers that reach
    it, and further counts.
    """
    way = {
        "ordered": (
            _clean if rules.exclusion == "removes" and rules.excluded is not None else _ordered
        ),
        "strict": _strict,
        "any": _any,
    }[rules.order]
    return (_open if rules.enter == "any" else way)(batch, rules, _classes(batch, rules))


def _classes(batch, rules):
    return np.asarray(rules.lookup, np.int64)[batch["k"]] if rules.lookup else batch["k"]


def _entries(batch, rules, rows):
    """Keep all rows that open an attempt, or each customer's earliest (per group) where only that
    counts.
    """
    if rules.entry == "every" or not len(rows):
        return rows
    who = batch.customer[rows] * rules.groups + (batch["g"][rows] if rules.groups > 1 else 0)
    order = np.lexsort((rows, batch["t"][rows], who))
    first = np.concatenate([[True], np.diff(who[order]) != 0])
    return np.sort(rows[order[first]])


def _last_excluded(batch, rules, c):
    """Return for every row the time of the last excluded event strictly before its instant, in its
    history.
    """
    out = np.full(len(batch), -FAR)
    if rules.excluded is None or not len(batch):
        return out
    x = np.flatnonzero(np.isin(c, (rules.excluded, *rules.barred)))
    at = np.searchsorted(x, _instant(batch)) - 1
    safe = np.maximum(at, 0)
    known = (at >= 0) & (x[safe] >= batch.first) if len(x) else np.zeros(len(batch), bool)
    out[known] = batch["t"][x[safe[known]]]
    return out


def _instant(batch):
    """Return for every row the first row of the same instant of its history."""
    new = np.zeros(len(batch), bool)
    new[batch.starts] = True
    new[1:] |= np.diff(batch["t"]) != 0
    return (
        np.maximum.accumulate(np.where(new, np.arange(len(batch)), 0))
        if len(batch)
        else np.arange(0)
    )


def _reach(t, first, slack):
    """Return for every row how many rows lie before it or at most `slack` after it in its history
    (counted from the first row of all).
    """
    if not slack:
        return np.arange(len(t))
    # Pauses longer than the slack need not be told apart: shortened to it, all histories fit one
    # scale.
    steps = np.minimum(np.diff(t, prepend=t[:1]), slack + 1)
    steps[np.arange(len(t)) == first] = slack + 1
    scale = np.cumsum(steps)
    return np.searchsorted(scale, scale + slack, side="right")


def _ordered(batch, rules, c):
    """Follow chains: of all chains that end at a row, the one that began last outlives every other,
    so one start a row decides.
    """
    t, first, step, row = _steps_of_rows(batch, c, rules)
    limit = _reach(t, first, rules.slack)
    barred = _last_excluded(batch, rules, c)[row]
    openers = np.flatnonzero(step == 0)
    if rules.entry == "first":
        openers = openers[np.isin(row[openers], _entries(batch, rules, np.sort(row[openers])))]
    mature = openers[t[openers] <= rules.horizon]
    places = [np.flatnonzero(step == j) for j in range(len(rules.positions))]
    reached = [[] for _ in rules.positions]
    # Attempts of different groups must not displace each other: each group walks on its own.
    group = batch["g"][row[mature]] if rules.groups > 1 else np.zeros(len(mature), int)
    for g in np.unique(group):
        at, start = [mature[group == g]], [mature[group == g]]
        reached[0].append(start[0])
        for j in range(1, len(rules.positions)):
            here = places[j]
            best = np.full(len(here), -1)
            source = j - 1
            while True:
                if len(at[source]):
                    best = np.maximum(
                        best,
                        _follow(
                            t,
                            first,
                            here,
                            at[source],
                            start[source],
                            limit,
                            barred,
                            rules,
                            source,
                            j,
                        ),
                    )
                if source == 0 or source not in rules.optional:
                    break
                source -= 1
            alive = best >= 0
            at.append(here[alive])
            start.append(best[alive])
            reached[j].append(best[alive])
    rows = [row[np.concatenate([openers[:0], *starts])] for starts in reached]
    return row[openers], row[mature], rows, []


def _follow(t, first, here, at, start, limit, barred, rules, source, j):
    """Return for every row of step j the latest start of a chain that comes from step `source`, or
    -1.
    """
    latest = np.searchsorted(at, limit[here]) - 1
    safe = np.maximum(latest, 0)
    p, s = at[safe], start[safe]
    good = (latest >= 0) & (s >= first[here]) & (t[here] - t[s] <= rules.width)
    if rules.step_widths:
        good &= t[here] - t[p] <= rules.step_widths[j]
    if rules.excluded is not None and source < rules.between[1] and j > rules.between[0]:
        good &= barred[here] <= t[p]
    return np.where(good, s, -1)


def _clean(batch, rules, c):
    """Follow every attempt on its own: one that meets an excluded event counts for nothing, not
    even its first step.
    """
    _, _, step, row = _steps_of_rows(batch, c, rules)
    tb, last = batch["t"], batch.last
    openers = _entries(batch, rules, np.sort(row[step == 0]))
    mature = openers[tb[openers] <= rules.horizon]
    at, alive, passed = mature.copy(), np.ones(len(mature), bool), [np.ones(len(mature), bool)]
    when = [tb[mature]]
    for j in range(1, len(rules.positions)):
        place = np.append(row[step == j], len(batch))
        at = place[np.searchsorted(place[:-1], at, side="right")]
        safe = np.minimum(at, len(batch) - 1)
        alive = alive & (at <= last[mature]) & (tb[safe] - tb[mature] <= rules.width)
        at = np.where(alive, safe, mature)
        passed.append(alive)
        when.append(np.where(alive, tb[at], FAR))
    a, b = rules.between
    x = np.append(np.flatnonzero(c == rules.excluded), len(batch))
    begin = when[a]
    # The first excluded event strictly after step a: search by time within the history.
    from_row = _after(batch, mature, begin)
    first_x = x[np.searchsorted(x[:-1], from_row)]
    safe = np.minimum(first_x, len(batch) - 1)
    stop = np.where(passed[b], when[b], tb[mature] + rules.width + 1)
    dirty = passed[a] & (first_x <= last[mature]) & (tb[safe] > begin) & (tb[safe] < stop)
    clean = ~dirty
    rows = [mature[clean & p] for p in passed]
    return openers, mature, rows, [("touched", 0, mature)]


def _after(batch, rows, moments):
    """Return, for the histories of `rows`, the first row later than the given moments (found by
    halving).
    """
    low, high = rows.copy(), batch.last[rows] + 1
    t = batch["t"]
    while (low < high).any():
        mid = (low + high) // 2
        later = t[np.minimum(mid, len(t) - 1)] > moments
        active = low < high
        high = np.where(active & later, mid, high)
        low = np.where(active & ~later, mid + 1, low)
    return low


def _open(batch, rules, c):
    """Let people enter at any step: who is seen at each, and who goes on from it to the next in
    time.
    """
    t, last = batch["t"], batch.last
    barred = _last_excluded(batch, rules, c)
    reached, more, every, grown = [], [], [], []
    for j in range(len(rules.positions)):
        here = np.flatnonzero(c == j)
        mature = here[t[here] <= rules.horizon]
        every.append(here)
        grown.append(mature)
        reached.append(mature)
        if j + 1 < len(rules.positions):
            place = np.append(np.flatnonzero(c == j + 1), len(batch))
            following = place[np.searchsorted(place[:-1], mature, side="right")]
            safe = np.minimum(following, len(batch) - 1)
            wait = t[safe] - t[mature]
            good = (following <= last[mature]) & (wait <= rules.width)
            if rules.step_widths:
                good &= wait <= rules.step_widths[j + 1]
            if rules.excluded is not None and rules.between[0] <= j < rules.between[1]:
                good &= barred[safe] <= t[mature]
            more.append(("went_on", j + 1, mature[good]))
    openers, mature = np.sort(np.concatenate(every)), np.sort(np.concatenate(grown))
    return openers, mature, reached, [*more, ("entered", 0, mature)]


def _strict(batch, rules, c):
    t, last = batch["t"], batch.last
    openers = _entries(batch, rules, np.flatnonzero(c == rules.positions[0][0]))
    mature = alive = openers[t[openers] <= rules.horizon]
    reached = [alive]
    for j in range(1, len(rules.positions)):
        alive = alive[alive + j <= last[alive]]
        good = (c[alive + j] == rules.positions[j][0]) & (t[alive + j] - t[alive] <= rules.width)
        if rules.ties == "later":
            good &= t[alive + j] > t[alive + j - 1]
        alive = alive[good]
        reached.append(alive)
    return openers, mature, reached, []


def _any(batch, rules, c):
    t, last = batch["t"], batch.last
    openers = _entries(batch, rules, np.arange(len(batch)))
    # A window opens at a moment: rows of the same instant lie in it, wherever the sort put them.
    begin = _instant(batch)[openers]
    inside = np.ones(len(openers), bool)
    firsts, reached = openers[:0], []
    for j, (event, earlier) in enumerate(rules.positions):
        places = np.append(np.flatnonzero(c == event), len(batch))
        # The n-th event of a name, counted from the opener on.
        nth = np.minimum(np.searchsorted(places, begin) + earlier, len(places) - 1)
        place = places[nth]
        safe = np.minimum(place, len(batch) - 1)
        inside = inside & (place <= last[openers]) & (t[safe] - t[openers] <= rules.width)
        if j == 0:
            firsts = openers[inside]
        reached.append(openers[inside & (t[openers] <= rules.horizon)])
    return firsts, firsts[t[firsts] <= rules.horizon], reached, []


def _steps_of_rows(batch, c, rules):
    """Return time, first row of the history, step number and source row, one entry per step an
    event can fill.

    Where no name returns, these are the rows themselves. Where one does, its event stands once for
    every step it can fill, later steps first, so that no event follows itself. Where equal moments
    may chain, the rows keep their order, in which steps come as they stand in the funnel.
    """
    t, positions = batch["t"], rules.positions
    if not any(earlier for _, earlier in positions):
        return t, batch.first, c, np.arange(len(batch))
    top = 1 + max(int(c.max(initial=0)), max(event for event, _ in positions))
    filled = [
        [j for j, (event, _) in enumerate(positions) if event == code][::-1] for code in range(top)
    ]
    sizes = np.array([len(f) for f in filled])
    row = np.repeat(np.arange(len(batch)), sizes[c])
    inner = np.arange(len(row)) - np.repeat(np.cumsum(sizes[c]) - sizes[c], sizes[c])
    lookup = np.zeros((len(filled), sizes.max()), int)
    for code, f in enumerate(filled):
        lookup[code, : len(f)] = f
    step = lookup[c[row], inner]
    if rules.ties == "later":
        order = np.lexsort((-step, t[row], batch.first[row]))
        row, step = row[order], step[order]
    history = batch.first[row]
    new = np.concatenate([[True], history[1:] != history[:-1]]) if len(row) else np.zeros(0, bool)
    starts = np.flatnonzero(new)
    first = np.repeat(starts, np.diff(np.append(starts, len(row))))
    return t[row], first, step, row
