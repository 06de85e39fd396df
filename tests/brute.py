"""Funnels by exhaustive search: slow, obvious, and sharing no code with the package."""

import operator
from itertools import groupby


def funnel(rows, steps, *, window, order, entry, ties, end, strict_among="steps"):
    """Return {(group): [customers reaching step 1, 2, …]} from (customer, t, event, group, held)
    rows, by searching every chain.
    """
    reached = {}
    rows = sorted(rows, key=lambda r: (str(r[0]), str(r[4]), r[1]))
    by_customer = {c: list(rs) for c, rs in groupby(rows, key=lambda r: r[0])}
    for customer, mine in by_customer.items():
        histories = {}
        for r in mine:
            histories.setdefault(r[4], []).append(r)
        openers = []
        for history in histories.values():
            kept = (
                history
                if order == "strict" and strict_among == "all"
                else [r for r in history if r[2] in steps]
            )
            for i, r in enumerate(kept):
                if r[2] == steps[0] or order == "any":
                    openers.append((r[1], i, kept))
        if entry == "first":
            groups = {}
            for t, i, kept in openers:
                g = kept[i][3]
                groups.setdefault(g, []).append((t, i, kept))
            openers = [min(v, key=lambda o: o[0]) for v in groups.values()]
        for t0, i, kept in openers:
            if window is not None and t0 + window > end:
                continue
            if order == "ordered":
                depth = longest(kept, (i,), steps, t0, window, ties)
            elif order == "strict":
                depth = strict(kept, i, steps, t0, window, ties)
            else:
                depth = anyhow(kept, steps, t0, window)
            for j in range(depth):
                reached.setdefault(kept[i][3], [set() for _ in steps])[j].add(customer)
    return {g: [len(s) for s in sets] for g, sets in reached.items()}


def longest(rows, chain, steps, t0, window, ties):
    """Length of the longest chain that continues `chain` (a tuple of row numbers)."""
    best = len(chain)
    if best == len(steps):
        return best
    for k, r in enumerate(rows):
        if best == len(steps):
            break
        late_enough = r[1] >= rows[chain[-1]][1] if ties == "rank" else r[1] > rows[chain[-1]][1]
        if (
            k not in chain
            and late_enough
            and r[2] == steps[len(chain)]
            and (window is None or r[1] - t0 <= window)
        ):
            best = max(best, longest(rows, (*chain, k), steps, t0, window, ties))
    return best


def strict(rows, i, steps, t0, window, ties):
    """How many steps the rows from row i on match one by one; rows at one instant in step order,
    others last.
    """
    first = {s: steps.index(s) for s in steps}
    ordered = sorted(rows, key=lambda r: (r[1], first.get(r[2], len(steps))))
    at = next(k for k, r in enumerate(ordered) if r is rows[i])
    depth = 1
    while depth < len(steps) and at + depth < len(ordered):
        r, before = ordered[at + depth], ordered[at + depth - 1]
        if (
            r[2] != steps[depth]
            or (window is not None and r[1] - t0 > window)
            or (ties == "later" and r[1] <= before[1])
        ):
            break
        depth += 1
    return depth


def anyhow(rows, steps, t0, window):
    """How many of the first steps one window holds, in whatever order."""
    inside = [r[2] for r in rows if r[1] >= t0 and (window is None or r[1] - t0 <= window)]
    depth = 0
    while depth < len(steps) and all(
        inside.count(s) >= steps[: depth + 1].count(s) for s in set(steps[: depth + 1])
    ):
        depth += 1
    return depth


def chains(rows, steps, t0, i, *, window, optional, step_windows, exclude, between, slack):
    """Yield every chain (row numbers by step, None where an optional step is skipped) that starts
    at row i; steps are tuples of names.
    """

    def barred(a, b, source, j):
        if source >= between[1] or j <= between[0]:
            return False
        return any(rows[a][1] < r[1] < rows[b][1] and r[2] in exclude for r in rows)

    def extend(chain):
        yield chain
        j = len(chain)
        if j == len(steps):
            return
        source = max(k for k in range(j) if chain[k] is not None)
        for k, r in enumerate(rows):
            if k in chain or r[2] not in steps[j] or r[1] < rows[chain[source]][1] - slack:
                continue
            if window is not None and r[1] - t0 > window:
                continue
            if (
                step_windows
                and step_windows[j - 1] is not None
                and r[1] - rows[chain[source]][1] > step_windows[j - 1]
            ):
                continue
            if not barred(chain[source], k, source, j):
                yield from extend((*chain, k))
        if j in optional:
            yield from extend((*chain, None))

    yield from extend((i,))


def rich(
    rows,
    steps,
    *,
    end,
    window=None,
    optional=(),
    step_windows=None,
    exclude=(),
    between=None,
    slack=0,
    exclusion="ends",
    entry="every",
):
    """Return the customers that reach each step under the further options, by trying every chain;
    rows are (customer, t, event).
    """
    between = between or (0, len(steps) - 1)
    reached = [set() for _ in steps]
    for customer in {r[0] for r in rows}:
        mine = sorted((r for r in rows if r[0] == customer), key=lambda r: r[1])
        starts = [i for i, r in enumerate(mine) if r[2] in steps[0]]
        if entry == "first":
            starts = starts[:1]
        for i in starts:
            t0 = mine[i][1]
            if window is not None and t0 + window > end:
                continue
            if exclusion == "removes":
                walked = greedy(mine, i, steps, window)
                begin = walked[between[0]]
                if begin is not None:
                    stop = walked[between[1]]
                    limit = (
                        stop
                        if stop is not None
                        else (float("inf") if window is None else t0 + window)
                    )
                    # Up to the stop itself it is open, up to the end of the window closed.
                    before = operator.lt if stop is not None else operator.le
                    if any(r[2] in exclude and r[1] > begin and before(r[1], limit) for r in mine):
                        continue
                for j, t in enumerate(walked):
                    if t is not None:
                        reached[j].add(customer)
                continue
            for chain in chains(
                mine,
                steps,
                t0,
                i,
                window=window,
                optional=optional,
                step_windows=step_windows,
                exclude=exclude,
                between=between,
                slack=slack,
            ):
                if chain[-1] is not None:
                    reached[len(chain) - 1].add(customer)
    return [len(s) for s in reached]


def greedy(rows, i, steps, window):
    """Return the times at which an attempt takes the earliest next step, None from where it stops;
    equal times chain in step order.
    """
    out, t = [rows[i][1]], rows[i][1]
    for step in steps[1:]:
        later = [
            r[1]
            for r in rows
            if r[2] in step and r[1] >= t and (window is None or r[1] - rows[i][1] <= window)
        ]
        if not later:
            return out + [None] * (len(steps) - len(out))
        t = min(later)
        out.append(t)
    return out


def opened(rows, steps, *, end, window, exclude=()):
    """Return (entered anywhere, at each step, went on to each next step) where people may enter at
    any step.
    """
    at, on, anywhere = [set() for _ in steps], [set() for _ in steps], set()
    for r in rows:
        for j, step in enumerate(steps):
            if r[2] in step and (window is None or r[1] + window <= end):
                at[j].add(r[0])
                anywhere.add(r[0])
                for q in rows:
                    if (
                        j + 1 < len(steps)
                        and q[0] == r[0]
                        and q[2] in steps[j + 1]
                        and q[1] >= r[1]
                        and (window is None or q[1] - r[1] <= window)
                        and not any(
                            x[0] == r[0] and x[2] in exclude and r[1] < x[1] < q[1] for x in rows
                        )
                    ):
                        on[j + 1].add(r[0])
    return len(anywhere), [len(s) for s in at], [len(s) for s in on[1:]]


def returns(rows, start, back, *, ages, every, clock, end):
    """Return {(group, first, last): (came back, followed, too young)} by looking at every pair of
    events; rows are (customer, t, day, event, group), start and back tell of a row whether it is
    one.

    `clock` is ("rolling", length, step), ("day", 1) or ("week", 7); weeks begin on days that 7
    divides. `end` is the last moment, or the last day.
    """
    found = {}
    for customer in sorted({r[0] for r in rows}):
        mine = sorted((r for r in rows if r[0] == customer), key=lambda r: (r[1], r[4]))
        begins = [r for r in mine if start(r)]
        if not every:
            begins = begins[:1]
        elif clock[0] != "rolling":
            begins = [
                r
                for i, r in enumerate(begins)
                if not any(b[2] // clock[1] == r[2] // clock[1] for b in begins[:i])
            ]
        for r in begins:
            if clock[0] == "rolling":
                zero, length = r[1] - r[1] % clock[2], clock[1]
                age_of = [(b[1] - zero) // length for b in mine if back(b) and b[1] >= zero]
            else:
                zero, length = r[2] - r[2] % clock[1], clock[1]
                age_of = [b[2] // length - zero // length for b in mine if back(b)]
            for a, b in ages:
                seen = zero + length * ((a if b is None else b) + 1) - 1 <= end
                hit = any(a <= x and (b is None or x <= b) for x in age_of)
                y, n, young = found.get((r[4], a, b), (0, 0, 0))
                found[r[4], a, b] = (y + (seen and hit), n + seen, young + (not seen))
    return found


def around(rows, hits, side, steps, timeout):
    """Return {path: [visits of each customer]} of the events up to (or from) the first hit of every
    visit that holds one; rows are (customer, t, event) in their order.
    """
    found = {}
    for customer in sorted({r[0] for r in rows}):
        visits = []
        for _, t, event in sorted(r for r in rows if r[0] == customer):
            if not visits or t - visits[-1][-1][0] > timeout:
                visits.append([])
            visits[-1].append((t, event))
        for visit in visits:
            names = [e for i, (_, e) in enumerate(visit) if not i or visit[i - 1][1] != e]
            at = next((i for i, e in enumerate(names) if e in hits), None)
            if at is None:
                continue
            path = names[max(at + 1 - steps, 0) : at + 1] if side == "to" else names[at:][:steps]
            per = found.setdefault(tuple(path), {})
            per[customer] = per.get(customer, 0) + 1
    return found


def inside(rows, steps, window, end):
    """Return (attempts, finished, {event: (attempts with it, finished)}) of every customer's first
    attempt; rows are (customer, t, event), events numbered so that steps come first in order.
    """
    attempts, won, seen = 0, 0, {}
    for customer in sorted({r[0] for r in rows}):
        mine = sorted(r for r in rows if r[0] == customer)
        begin = next((i for i, r in enumerate(mine) if r[2] == 0 and r[1] + window <= end), None)
        if begin is None:
            continue
        at, step = begin, 1
        while step < steps:
            following = [
                i
                for i, r in enumerate(mine)
                if i > at and r[2] == step and r[1] <= mine[begin][1] + window
            ]
            if not following:
                break
            at, step = following[0], step + 1
        done = step == steps
        held = {
            r[2]
            for i, r in enumerate(mine)
            if begin <= i and r[1] <= mine[begin][1] + window and (not done or i < at)
        }
        attempts, won = attempts + 1, won + done
        for event in held:
            if event >= steps:
                n, y = seen.get(event, (0, 0))
                seen[event] = (n + 1, y + done)
    return attempts, won, seen
