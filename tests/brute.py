"""Funnels by exhaustive search: slow, obvious, and sharing no code with the package."""

from itertools import groupby


def funnel(rows, steps, *, window, order, entry, ties, end, strict_among="steps"):
    """Return {(group): [customers reaching step 1, 2, …]} from (customer, t, event, group, held) rows, by searching every chain."""
    reached = {}
    rows = sorted(rows, key=lambda r: (str(r[0]), str(r[4]), r[1]))
    by_customer = {c: list(rs) for c, rs in groupby(rows, key=lambda r: r[0])}
    for customer, mine in by_customer.items():
        histories = {}
        for r in mine:
            histories.setdefault(r[4], []).append(r)
        openers = []
        for history in histories.values():
            kept = history if order == "strict" and strict_among == "all" else [r for r in history if r[2] in steps]
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
        if k not in chain and late_enough and r[2] == steps[len(chain)] and (window is None or r[1] - t0 <= window):
            best = max(best, longest(rows, (*chain, k), steps, t0, window, ties))
    return best


def strict(rows, i, steps, t0, window, ties):
    """How many steps the rows from row i on match one by one; rows at one instant in step order, others last."""
    first = {s: steps.index(s) for s in steps}
    ordered = sorted(rows, key=lambda r: (r[1], first.get(r[2], len(steps))))
    at = next(k for k, r in enumerate(ordered) if r is rows[i])
    depth = 1
    while depth < len(steps) and at + depth < len(ordered):
        r, before = ordered[at + depth], ordered[at + depth - 1]
        if r[2] != steps[depth] or (window is not None and r[1] - t0 > window) or (ties == "later" and r[1] <= before[1]):
            break
        depth += 1
    return depth


def anyhow(rows, steps, t0, window):
    """How many of the first steps one window holds, in whatever order."""
    inside = [r[2] for r in rows if r[1] >= t0 and (window is None or r[1] - t0 <= window)]
    depth = 0
    while depth < len(steps) and all(inside.count(s) >= steps[: depth + 1].count(s) for s in set(steps[: depth + 1])):
        depth += 1
    return depth
