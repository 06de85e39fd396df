"""What happens within a decision occasion: search, alternatives, loops, skipped stages, paths."""

from dataclasses import replace
from math import log2

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Flow, Points, Result, analysis
from workbench.stages.episodes import DAY, Episodes, stamps, view_of
from workbench.texts import t

MINUTE = 60_000_000
LONGEST_LOOK = 30 * MINUTE
PATH_STEPS = 15  # stages a path keeps
WIDTHS = ("brand", "product_id", "category", "channel", "source", "page", "device")
_PLURAL = {
    "brand": "brands",
    "product_id": "products",
    "category": "categories",
    "channel": "channels",
    "source": "sources",
    "page": "pages",
    "device": "devices",
}


@analysis
def profile(
    events,
    stages,
    *,
    evaluation="evaluation",
    gap="30D",
    timeout="30min",
    seriously=2,
    hold=None,
    column="event",
    until=None,
):
    """Say for every decision occasion how broadly and deeply was searched, what was considered, and
    which way it went.

    Parameters
    ----------
    events : table with customer_id, occurred_at and the stage column; brand, product_id, category,
    channel, source, page, device where there are
    stages : list of str
        Stages in rank order, the purchase last.
    evaluation : str
        The stage whose events count towards the consideration set.
    gap, timeout : str
        Silence that ends an occasion, and a visit.
    seriously : int
        Evaluation events that make a brand a considered one; an event of a later stage does at
        once.
    hold, column, until
        As in `episodes`.

    Returns
    -------
    DataFrame
        The columns of `episodes`, and up to and including the purchase: orders_before (earlier
        purchases in the data), events, sessions, active_minutes (time between events of a visit,
        each at most 30 minutes; the last look of a visit is unknown and counts 0), one column
        `events_STAGE` and `minutes_STAGE` a stage, number of different brands, products,
        categories, channels, sources, pages, devices (where the column exists), considered (brands;
        products without a brand column; missing without either), first_channel, last_channel, path
        (stages in order, repeats in a row joined by nothing, at most 15), spells, backtracks (moves
        to a lower stage), rework (returns to a stage seen before), complexity, turbulence.

    Raises
    ------
    InputError
        For an unknown stage, column or duration.

    Source: S-10 to S-14 in `docs/glossary.md`; complexity Gabadinho et al. (2011), J. Stat. Softw.
    40; turbulence Elzinga & Liefbroer (2007), Eur. J. Population 23.
    """
    import pandas as pd

    stages = list(stages)
    present = engine.columns(events)
    wide = [c for c in WIDTHS if c in present and c not in (hold, column)]
    view, begin, end = view_of(
        events, stages, hold, until, column, {c: engine.raw(c) for c in wide}
    )
    judged = stages.index(evaluation) if evaluation in stages else None
    kernel = _Profile(
        len(stages),
        schemas.micros("gap", gap),
        end,
        begin,
        schemas.micros("timeout", timeout),
        tuple(wide),
        judged,
        seriously,
    )
    parts = engine.ordered(
        view, kernel, then=("t", "k"), by=("customer", "held") if hold else ("customer",)
    )
    parts = parts.sort_values(["customer", "opened", "first"], kind="stable", ignore_index=True)
    names = np.array(stages, object)
    outcome = np.array(["open", "bought", "abandoned"], object)[parts["outcome"]]
    bought = parts["outcome"] == 1
    table = pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "episode": parts.groupby("customer").cumcount() + 1,
            "opened_at": stamps(parts["opened"]),
            "closed_at": stamps(parts["closed"]),
            "outcome": outcome,
            "days": (parts["closed"] - parts["opened"]) / DAY,
            "first_stage": names[parts["first"]],
            "last_stage": names[parts["last"]],
            "left_censored": parts["left_censored"],
            "orders_before": _earlier(parts, bought),
            "events": parts["events"],
            "sessions": parts["sessions"],
            "active_minutes": parts["active"] / MINUTE,
        }
    )
    for i, stage in enumerate(stages):
        table[stage] = parts[f"events_{i}"] > 0
        table[f"events_{stage}"] = parts[f"events_{i}"]
        table[f"minutes_{stage}"] = parts[f"minutes_{i}"] / MINUTE
    for c in wide:
        table[_PLURAL[c]] = parts[f"n_{c}"]
    table["considered"] = parts["considered"].where(parts["considered"] >= 0)
    for end_ in ("first", "last"):
        table[f"{end_}_channel"] = (
            parts[f"{end_}_channel"].where(parts[f"{end_}_channel"] != "")
            if "channel" in wide
            else None
        )
    codes, different = pd.factorize(parts["path"])
    paths = [_unpack(p) for p in different]
    table["path"] = np.array([" > ".join(stages[s] for s in p) for p in paths], object)[codes]
    table["spells"], table["backtracks"], table["rework"] = (
        parts["spells"],
        parts["backtracks"],
        parts["rework"],
    )
    table["complexity"] = parts["complexity"]
    # Turbulence counts the different subsequences of the path, so it is computed once a path.
    phi = np.array([_subsequences(p) for p in paths])[codes]
    spread, most = parts["spell_var"], parts["spell_var_max"]
    table["turbulence"] = np.log2(phi * (most + 1) / (spread + 1))
    return table


def _earlier(parts, bought):
    """Return for every occasion how many purchases its customer had made before it opened."""
    import pandas as pd

    made = parts.loc[bought, ["customer", "closed"]].sort_values("closed", kind="stable")
    made["so_far"] = made.groupby("customer").cumcount() + 1
    asked = parts[["customer", "opened"]].reset_index().sort_values("opened", kind="stable")
    found = pd.merge_asof(
        asked, made, left_on="opened", right_on="closed", by="customer", allow_exact_matches=False
    )
    return found.set_index("index")["so_far"].reindex(parts.index).fillna(0).astype(int)


def _unpack(path):
    """Return the stages of a packed path."""
    out = []
    while path:
        out.append(int(path & 15) - 1)
        path >>= 4
    return out[::-1]


def _subsequences(path):
    """Return how many different subsequences a sequence has, the empty one included."""
    total, last = 1, {}
    for s in path:
        total, last[s] = 2 * total - last.get(s, 0), total
    return total


class _Profile(Episodes):
    """The kernel of `profile`: one row per decision occasion."""

    def __init__(self, stages, gap, end, begin, timeout, wide, judged, seriously):
        super().__init__(stages, gap, end, begin)
        self.stages, self.timeout, self.wide, self.judged, self.seriously = (
            stages,
            timeout,
            wide,
            judged,
            seriously,
        )

    def __call__(self, batch):
        edges = self.edges(batch)
        outcome, closed = self.closing(batch, edges)
        n, m = len(batch), len(edges)
        time, k = batch["t"], batch["k"].astype(np.int64)
        episode = np.repeat(np.arange(m), np.diff(np.append(edges, n))) if m else np.zeros(0, int)
        # What comes after the purchase (a second order of the same decision) is no part of how it
        # was made.
        bought_at = np.where(outcome == 1, closed, np.iinfo(np.int64).max)
        inside = time <= bought_at[episode]
        rows, e, s = np.flatnonzero(inside), episode[inside], k[inside]
        size = np.bincount(e, minlength=m)
        head = np.concatenate([[0], np.cumsum(size)[:-1]]).astype(int) if m else np.zeros(0, int)
        out = {
            "customer": batch["customer"][edges],
            "opened": time[edges],
            "closed": closed,
            "outcome": outcome,
            "first": k[edges],
            "last": s[head + size - 1] if m else edges,
            "events": size,
            "left_censored": time[edges] < self.begin + self.gap,
        }
        fresh = np.zeros(len(rows), bool)
        fresh[head] = True
        wait = np.diff(time[rows], append=0)
        ends = np.zeros(len(rows), bool)
        ends[head + size - 1] = True
        look = np.where(ends | (wait > self.timeout), 0, np.minimum(wait, LONGEST_LOOK))
        visit = fresh.copy()
        visit[1:] |= wait[:-1] > self.timeout
        out["sessions"] = np.bincount(e, visit, m).astype(np.int64)
        out["active"] = np.bincount(e, look, m)
        per = np.bincount(e * self.stages + s, minlength=m * self.stages).reshape(m, self.stages)
        minutes = np.bincount(e * self.stages + s, look, m * self.stages).reshape(m, self.stages)
        for i in range(self.stages):
            out[f"events_{i}"], out[f"minutes_{i}"] = per[:, i].astype(np.int64), minutes[:, i]
        self._widths(batch, rows, e, s, m, head, size, out)
        self._paths(e, s, fresh, per, size, m, out)
        return out

    def _widths(self, batch, rows, e, s, m, head, size, out):
        import pandas as pd

        considered = np.full(m, -1, np.int64)
        for name in ("channel", "last_channel"):
            out["first_channel" if name == "channel" else name] = np.full(m, "", object)
        for c in self.wide:
            codes, names = pd.factorize(np.asarray(batch[c][rows], object))
            known = codes >= 0
            width = max(len(names), 1)
            out[f"n_{c}"] = np.bincount(
                np.unique(e[known] * width + codes[known]) // width, minlength=m
            ).astype(np.int64)
            if c == "channel" and m:
                # At one instant the rows' order is luck: the first in the alphabet opens, the last
                # closes.
                rank = np.argsort(
                    np.argsort(np.array([*map(str, names)], object), kind="stable"), kind="stable"
                )
                place = np.where(known, rank[codes] if len(rank) else 0, -1)
                when = batch["t"][rows]
                opening, closing = np.full(m, width), np.full(m, -1)
                at_first, at_last = (
                    known & (when == when[head][e]),
                    known & (when == when[head + size - 1][e]),
                )
                np.minimum.at(opening, e[at_first], place[at_first])
                np.maximum.at(closing, e[at_last], place[at_last])
                shown = np.array(
                    [*sorted(map(str, names)), *[""] * (width + 1 - len(names))], object
                )
                out["first_channel"], out["last_channel"] = shown[opening], shown[closing]
            if self.judged is not None and (
                c == "brand" or (c == "product_id" and "brand" not in self.wide)
            ):
                weight = np.where(s == self.judged, 1, np.where(s > self.judged, self.seriously, 0))
                pairs, at = np.unique(e[known] * width + codes[known], return_inverse=True)
                score = np.bincount(at, weight[known], len(pairs))
                considered = np.bincount(
                    pairs[score >= self.seriously] // width, minlength=m
                ).astype(np.int64)
        out["considered"] = considered

    def _paths(self, e, s, fresh, per, size, m, out):
        change = fresh.copy()
        change[1:] |= s[1:] != s[:-1]
        spell_of, stage = e[change], s[change]
        spells = np.bincount(spell_of, minlength=m)
        first_spell = (
            np.concatenate([[0], np.cumsum(spells)[:-1]]).astype(int) if m else np.zeros(0, int)
        )
        number_ = np.arange(len(spell_of)) - first_spell[spell_of] if m else np.zeros(0, int)
        back = np.zeros(len(spell_of), bool)
        back[1:] = (stage[1:] < stage[:-1]) & (spell_of[1:] == spell_of[:-1])
        seen = (per > 0).sum(axis=1)
        path = np.zeros(m, np.int64)
        for i in range(min(int(spells.max(initial=0)), PATH_STEPS)):
            here = number_ == i
            path[spell_of[here]] = (path[spell_of[here]] << 4) | (stage[here] + 1)
        share = per / np.maximum(size, 1)[:, None]
        entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
        most = log2(self.stages) if self.stages > 1 else 1.0
        out["complexity"] = np.sqrt((spells - 1) / np.maximum(size - 1, 1) * entropy / most)
        length = np.diff(np.append(np.flatnonzero(change), len(s)))
        mean = size / np.maximum(spells, 1)
        square = np.bincount(spell_of, length.astype(float) ** 2, m) / np.maximum(spells, 1)
        out["spell_var"] = np.maximum(square - mean**2, 0)
        out["spell_var_max"] = (spells - 1) * (1 - mean) ** 2
        out["path"], out["spells"] = path, spells.astype(np.int64)
        out["backtracks"] = np.bincount(spell_of, back, m).astype(np.int64)
        out["rework"] = (spells - seen).astype(np.int64)


def _checked(table, *names):
    for name in names:
        if name not in table:
            raise unknown("profile", "column", name, table.columns)
    if not len(table):
        raise NotEnoughData(Note("stages.no_episode", "there is no closed occasion"))
    return table


def _measures(table, medians=(), means=(), shares=(), conf_level=0.95):
    """Return one row a measure: medians, means and shares over occasions, the customer as sampling
    unit.
    """
    import pandas as pd

    rows = []
    who = table["customer_id"].to_numpy()
    code = np.unique(who.astype(str), return_inverse=True)[1] if len(who) else who
    for name in medians:
        if name in table and table[name].notna().any():
            kept = table[name].notna().to_numpy()
            rows.append(
                {
                    "measure": name,
                    "statistic": "median",
                    **intervals.quantile(
                        table[name].to_numpy(float)[kept], who[kept], 0.5, conf_level
                    ),
                }
            )
    for name in means:
        if name in table and table[name].notna().any():
            kept = table[name].notna().to_numpy()
            values = table[name].to_numpy(float)[kept]
            size = np.bincount(code[kept])
            estimate, se, low, high = intervals.ratio(
                np.bincount(code[kept], values)[size > 0], size[size > 0], conf_level
            )
            rows.append(
                {
                    "measure": name,
                    "statistic": "mean",
                    "count": values.sum(),
                    "n": int(kept.sum()),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    for name, hit in shares:
        rows.append(
            {"measure": name, "statistic": "share", **intervals.share(hit, who, conf_level)}
        )
    return pd.DataFrame(rows)


def _by_outcome(table, build):
    """Stack a table of measures for occasions that ended in a purchase and for abandoned ones; what
    is still open tells of neither.
    """
    import pandas as pd

    parts = []
    for outcome in ("bought", "abandoned"):
        mine = table[table["outcome"] == outcome]
        if len(mine):
            part = build(mine)
            part.insert(0, "outcome", outcome)
            parts.append(part)
    if not parts:
        raise NotEnoughData(Note("stages.no_episode", "there is no closed occasion"))
    return pd.concat(parts, ignore_index=True)


def _thin(n, least):
    return (
        (
            Note(
                "stages.thin",
                "Only {n} units; {least} are needed for firm figures.",
                n=n,
                least=least,
            ),
        )
        if n < least
        else ()
    )


@analysis
def loops(profile, *, conf_level=0.95):
    """How straight is the way to a purchase: how often do people go back, and how complex are their
    sequences?

    Takes the table of `profile`. Returns a Result: outcome (bought, abandoned), measure
    (loop_share: occasions with a move to a lower stage; backtracks, rework;
    complexity from 0, one stage only, to 1; turbulence), statistic, count, n (occasions), estimate,
    std_error, conf_low, conf_high.
    Raises NotEnoughData without closed occasions. Source: Gabadinho et al. (2011); Elzinga &
    Liefbroer (2007).
    """
    _checked(profile, "backtracks", "rework", "complexity", "turbulence")
    table = _by_outcome(
        profile,
        lambda d: _measures(
            d,
            (),
            ("backtracks", "rework", "complexity", "turbulence"),
            [("loop_share", d["backtracks"] > 0)],
            conf_level,
        ),
    )
    return _result("loops", table, profile, conf_level, _thin(len(profile), 100), group="outcome")


@analysis
def search(profile, *, conf_level=0.95):
    """How broadly and how deeply do people search before they buy or give up?

    Takes the table of `profile`. Returns a Result: outcome, measure (breadth: brands, products,
    categories, channels, sources; depth: events, sessions, active_minutes; the share of
    occasions with exactly one of each kind as one_KIND), statistic, count, n (occasions), estimate,
    std_error, conf_low, conf_high.
    Raises NotEnoughData without closed occasions. Source: Beatty & Smith (1987), J. Consumer
    Research 14; Woodruff (1952) for medians.
    """
    _checked(profile, "events", "sessions", "active_minutes")
    kinds = [c for c in ("brands", "products", "categories", "channels", "sources") if c in profile]
    depth = ("events", "sessions", "active_minutes")
    table = _by_outcome(
        profile,
        lambda d: _measures(
            d, (*kinds, *depth), kinds, [(f"one_{c}", d[c] == 1) for c in kinds], conf_level
        ),
    )
    made = _result(
        "search",
        table,
        profile,
        conf_level,
        (
            *_thin(len(profile), 100),
            Note(
                "stages.search_limit",
                "Only what this data source sees: search elsewhere, in shops or with "
                "friends is missing.",
            ),
        ),
        label=["outcome", "measure"],
        group="outcome",
        only={"statistic": ["share"]},
    )
    return replace(made, chart=replace(made.chart, percent=True))


@analysis
def source_mix(events, kinds, *, column="event", until=None, conf_level=0.95):
    """What do people search with: written sources, pictures, the web, other people?

    Parameters
    ----------
    events : table with customer_id, occurred_at and the column
    kinds : dict
        Kind of source = events of that kind, such as {"written": ["guide_view"], "word_of_mouth":
        ["friend_talk"]}.
    column, until
        As in `profile`.

    Returns
    -------
    Result
        kind, count (contacts), n (contacts of all kinds), estimate (share), std_error, conf_low,
        conf_high. Customers are the sampling unit.

    Raises
    ------
    InputError
        For an event that stands under two kinds, or in none of the rows.
    NotEnoughData
        Without such events.

    Source: S-12 in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the interval.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    words = [e for names in kinds.values() for e in names]
    if len(set(words)) < len(words):
        raise InputError(
            "stages.error_kinds_an_event_stands_under", "kinds: an event stands under two kinds"
        )
    present = engine.distinct(events, column)
    for name in words:
        if name not in present:
            raise unknown("kinds", "event", name, present)
    kind_of = " ".join(
        f"WHEN k < {edge} THEN {i}"
        for i, edge in enumerate(np.cumsum([len(v) for v in kinds.values()]))
    )
    view = engine.view(
        events,
        upto=None if until is None else schemas.observed_until(events, until),
        customer=engine.key("customer_id"),
        t=engine.micros("occurred_at"),
        k=engine.code(column, words),
    )
    head = (
        f"WITH c AS (SELECT customer, CASE {kind_of} END AS kind, count(*) AS y FROM v GROUP BY 1,"
        " 2), x AS (SELECT customer, sum(y) AS x FROM c GROUP BY 1)"
    )
    found = engine.run(
        head
        + " SELECT c.kind AS kind, sum(c.y) AS y, sum(c.y * c.y) AS yy, sum(c.y * x.x) AS yx FROM c"
        " JOIN x ON c.customer = x.customer GROUP BY c.kind",
        v=view,
    )
    every = engine.run(
        head + " SELECT sum(x) AS n, sum(x * x) AS xx, count(*) AS people FROM x", v=view
    ).iloc[0]
    if not len(found):
        raise NotEnoughData(Note("stages.no_episode", "there is no closed occasion"))
    found = (
        found.astype(float)
        .set_index(found["kind"].astype(int))
        .reindex(range(len(kinds)), fill_value=0.0)
    )
    n, people = float(every["n"]), float(every["people"])
    r = (found["y"] / n).to_numpy()
    se = (
        np.sqrt(
            people
            / max(people - 1, 1)
            * np.maximum(
                found["yy"] - 2 * r * found["yx"] + r**2 * float(every["xx"]), 0
            ).to_numpy()
        )
        / n
    )
    low, high = intervals.clustered(r, se, n, people, conf_level)
    table = pd.DataFrame(
        {
            "kind": list(kinds),
            "count": found["y"].to_numpy().astype(int),
            "n": int(n),
            "estimate": r,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    return Result(
        question=Note("stages.mix_question", "What do people search with?"),
        table=table,
        method=Note(
            "stages.mix_method",
            "Shares of search contacts by kind of source; the customer is the sampling unit.",
        ),
        unit="contacts",
        n=int(n),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.search_limit",
                "Only what this data source sees: search elsewhere, in shops or with "
                "friends is missing.",
            ),
        ),
        chart=Points(
            label=["kind"], percent=True, xlabel=Note("stages.mix_axis", "Share of search contacts")
        ),
    )


@analysis
def consideration(profile, *, conf_level=0.95):
    """How many alternatives are seriously considered, and how often only one?

    Takes the table of `profile`. Returns a Result: outcome, size ("0" … "6+"), count, n
    (occasions), estimate (share), std_error, conf_low, conf_high; the mean
    sizes stand in `.limits`. Buyers have considered at least one by definition, others may have
    none: they are never pooled.
    Raises NotEnoughData without a brand or product column. Source: Hauser & Wernerfelt (1990), J.
    Consumer Research 16.
    """
    import pandas as pd

    known = _checked(profile, "considered")
    known = known[known["considered"].notna() & known["outcome"].isin(["bought", "abandoned"])]
    if not len(known):
        raise NotEnoughData(Note("stages.no_brands", "no column tells brands or products apart"))
    rows, said = [], []
    for outcome, mine in known.groupby("outcome", sort=False):
        # A buyer has considered what was bought, seen or not.
        size = np.maximum(mine["considered"].to_numpy(int), 1 if outcome == "bought" else 0)
        for k in range(1 if outcome == "bought" else 0, 7):
            rows.append(
                {
                    "outcome": outcome,
                    "size": f"{k}+" if k == 6 else str(k),
                    **intervals.share(
                        (size >= 6) if k == 6 else (size == k), mine["customer_id"], conf_level
                    ),
                }
            )
        said.append(
            Note(
                "stages.set_mean",
                "{outcome:word}: {mean:3} on average, {n} occasions.",
                outcome=outcome,
                mean=size.mean(),
                n=len(size),
            )
        )
    table = pd.DataFrame(rows).sort_values(
        ["outcome", "size"], ascending=[False, True], ignore_index=True
    )
    return _result(
        "set",
        table,
        known,
        conf_level,
        (
            *said,
            Note(
                "stages.set_limit",
                "Behaviour stands in for thought: a proxy. Buyers have considered one by "
                "definition, others may have none; do not pool them.",
            ),
            *_thin(len(known), 150),
        ),
        label=["outcome", "size"],
        group="outcome",
    )


@analysis
def touchpoints(profile, *, conf_level=0.95):
    """How many contacts and channels does a journey have, and how many journeys have only one?

    Takes the table of `profile`. Returns a Result: outcome, measure (events, sessions, channels;
    one_touch: journeys with a single contact), statistic (median, lower and upper quartile, share),
    count, n (journeys), estimate, conf_low, conf_high. Raises NotEnoughData without closed
    journeys.
    Source: Lemon & Verhoef (2016), J. Marketing 80; Woodruff (1952) for quantiles.
    """
    import pandas as pd

    _checked(profile, "events", "sessions")

    def build(d):
        rows = []
        for name in ("events", "sessions", "channels"):
            if name in d:
                for label, p in (
                    ("lower_quartile", 0.25),
                    ("median", 0.5),
                    ("upper_quartile", 0.75),
                ):
                    rows.append(
                        {
                            "measure": name,
                            "statistic": label,
                            **intervals.quantile(d[name], d["customer_id"], p, conf_level),
                        }
                    )
        rows.append(
            {
                "measure": "one_touch",
                "statistic": "share",
                **intervals.share(d["events"] == 1, d["customer_id"], conf_level),
            }
        )
        return pd.DataFrame(rows)

    return _result(
        "touch",
        _by_outcome(profile, build),
        profile,
        conf_level,
        (
            *_thin(len(profile), 100),
            Note(
                "stages.touch_limit",
                "Longer observation gives more contacts: compare groups over equal "
                "windows. Journeys without a purchase stand beside, not below, the others.",
            ),
        ),
        label=["outcome", "measure", "statistic"],
        group="outcome",
    )


@analysis
def variants(profile, *, top=15, conf_level=0.95):
    """Which ways do decisions go, and how few of them cover most?

    Takes the table of `profile`; `top` is the number of paths shown. Returns a Result: path,
    outcome, count, n (occasions), estimate (share), std_error, conf_low, conf_high, cumulative;
    last rows: all other paths. How many paths make 80 % of occasions, and how evenly they spread
    (normalised entropy), stands in `.limits`.
    Raises NotEnoughData without occasions. Source: van der Aalst (2016), Process Mining.
    """
    import pandas as pd

    _checked(profile, "path")
    key = profile["path"] + " → " + profile["outcome"]
    counts = (
        key.value_counts()
        .rename_axis("key")
        .reset_index(name="count")
        .sort_values(["count", "key"], ascending=[False, True], ignore_index=True)
    )
    shares = counts["count"] / len(profile)
    enough = int(np.searchsorted(shares.cumsum().to_numpy(), 0.8 - 1e-12)) + 1
    entropy = (
        float(-(shares * np.log(shares)).sum() / np.log(len(shares))) if len(shares) > 1 else 0.0
    )
    rows = []
    for name in counts["key"].head(top):
        path, _, outcome = name.rpartition(" → ")
        rows.append(
            {
                "path": path,
                "outcome": outcome,
                **intervals.share(key == name, profile["customer_id"], conf_level),
            }
        )
    if len(counts) > top:
        rows.append(
            {
                "path": "other_paths",
                "outcome": "",
                **intervals.share(
                    ~key.isin(counts["key"].head(top)), profile["customer_id"], conf_level
                ),
            }
        )
    table = pd.DataFrame(rows)
    table["cumulative"] = table["estimate"].cumsum()
    limits = (
        Note(
            "stages.variants_limit",
            "{enough} of {all} paths make 80 % of the occasions; normalised entropy "
            "{entropy:2} (1 = every path as frequent).",
            enough=enough,
            all=len(counts),
            entropy=entropy,
        ),
        Note("stages.path_limit", "Paths are cut after {steps} stages.", steps=PATH_STEPS),
    )
    return _result(
        "variants", table, profile, conf_level, limits, label=["path", "outcome"], group="outcome"
    )


@analysis
def flows(profile, stages, *, conf_level=0.95):
    """How do decisions flow from stage to stage, skips and departures included?

    Every occasion runs through the stages it reached, in rank order, whatever was repeated; from
    its last one it ends as abandoned or still open. So what flows into and out of a stage is
    exactly its reach.

    Parameters
    ----------
    profile : DataFrame from `profile` or `episodes`
    stages : list of str
        Stages in rank order, the purchase last.

    Returns
    -------
    Result
        from_stage ("start" for where occasions begin), to_stage (a stage, "abandoned" or "open"),
        count, n (occasions that reached from_stage), estimate (share of those), std_error,
        conf_low, conf_high.

    Raises
    ------
    NotEnoughData
        Without occasions.

    Source: S-04, S-20 in `docs/glossary.md`; the customer is the sampling unit.
    """
    import pandas as pd

    stages = list(stages)
    d = _checked(profile, "outcome", *stages)
    seen = d[stages].to_numpy(bool)
    ends = np.where(d["outcome"] == "open", len(stages) + 1, len(stages))
    rows = []
    for i in range(-1, len(stages) - 1):
        here = np.ones(len(d), bool) if i < 0 else seen[:, i]
        after = seen[:, i + 1 :]
        following = np.where(after.any(axis=1), i + 1 + after.argmax(axis=1), ends)
        for j in range(i + 1, len(stages) + 2):
            if (here & (following == j)).any():
                rows.append(
                    {
                        "from_stage": "start" if i < 0 else stages[i],
                        "to_stage": [*stages, "abandoned", "open"][j],
                        **intervals.share(following[here] == j, d["customer_id"][here], conf_level),
                    }
                )
    return Result(
        question=Note("stages.flow_question", "How do decisions flow from stage to stage?"),
        table=pd.DataFrame(rows),
        method=Note(
            "stages.flow_method",
            "Each occasion through the stages it reached, in rank order; shares of "
            "those who reached the stage, the customer as sampling unit.",
        ),
        unit="episodes",
        n=len(d),
        conf_level=conf_level,
        limits=(
            Note(
                "stages.flow_limit",
                "The bar of a stage is its reach, as in the table of reach; yellow bands "
                "skip a stage. Returns to earlier stages are not drawn.",
            ),
        ),
        chart=Flow(
            label=["from_stage", "to_stage"], stages=stages, percent=True, xlabel="", ylabel=""
        ),
    )


@analysis
def triggers(occasions, *, by="first_channel", conf_level=0.95):
    """What wakes a need, or at least what comes first?

    Parameters
    ----------
    occasions : DataFrame with the column `by`, and customer_id where customers repeat
        The table of `profile` (first channel seen), or survey answers to "what made you start?".
    by : str
        Column with the trigger.

    Returns
    -------
    Result
        trigger, count, n (occasions with a known trigger), estimate, conf_low, conf_high: intervals
        that hold for all shares together.

    Raises
    ------
    NotEnoughData
        If no trigger is known.

    Source: Goodman (1965), Technometrics 7.
    """
    known = _checked(occasions, by)[by].dropna()
    if not len(known):
        raise NotEnoughData(Note("stages.no_episode", "there is no closed occasion"))
    counts = (
        known.value_counts()
        .rename_axis("trigger")
        .reset_index(name="count")
        .sort_values(["count", "trigger"], ascending=[False, True], ignore_index=True)
    )
    k, n = len(counts), len(known)
    # Goodman: the chi-square quantile at alpha / k is the square of the two-sided normal quantile
    # at that level. Customers with several occasions are worth less than their rows.
    who = occasions.loc[known.index, "customer_id"] if "customer_id" in occasions else known.index
    rows = [
        intervals.share(known == name, who, 1 - (1 - conf_level) / k) for name in counts["trigger"]
    ]
    low, high = ([r[side] for r in rows] for side in ("conf_low", "conf_high"))
    table = counts.assign(n=n, estimate=counts["count"] / n, conf_low=low, conf_high=high)
    limits = (
        Note(
            "stages.trigger_limit",
            "Behaviour shows outer triggers only; what came from within needs a survey.",
        ),
        *_thin(n, 150),
    )
    return _result("trigger", table, occasions, conf_level, limits, label=["trigger"])


@analysis
def skipping(profile, stages, *, linked=None, draws=500, seed=1, conf_level=0.95):
    """Which stages do buyers skip, as far as can be seen, and as corrected for what tracking
    misses?

    Parameters
    ----------
    profile : DataFrame from `profile`
    stages : list of str
        Stages before the purchase that may be skipped; all of them skipped together is a row of its
        own.
    linked : DataFrame, optional
        A random part of the occasions (those bought are used) for which the truth is known, such as
        from a survey: the profile's rows with a column `true_STAGE` a stage.
        From it come the sensitivity and specificity of tracking, and with them the corrected share.
    draws, seed : int
        Of the bootstrap over customers of both samples.

    Returns
    -------
    Result
        stage, kind (observed, corrected), count, n (bought occasions), estimate, conf_low,
        conf_high, sensitivity, specificity. The corrected share has no count.

    Raises
    ------
    NotEnoughData
        If nothing was bought.
    InputError
        If tracking sees a stage no more often where it was than where it was not.

    Source: Rogan & Gladen (1978), Am. J. Epidemiology 107; Newman & Staelin (1972).
    """
    import pandas as pd

    stages = list(stages)
    bought = _checked(profile, "outcome", *stages)
    bought = bought[bought["outcome"] == "bought"]
    early = (
        bought["left_censored"].astype(bool)
        if "left_censored" in bought
        else bought["outcome"] != "bought"
    )
    bought = bought[~early]
    if not len(bought):
        raise NotEnoughData(Note("stages.none_bought", "no occasion ended in a purchase"))
    if linked is not None:
        linked = linked[linked["outcome"] == "bought"]
        linked = (
            linked[~linked["left_censored"].astype(bool)] if "left_censored" in linked else linked
        )
    sets = [*([s] for s in stages), *([stages] if len(stages) > 1 else [])]
    rows = []
    for names in sets:
        label = " + ".join(names)
        rows.append(
            {
                "stage": label,
                "kind": "observed",
                **intervals.share(~bought[names].any(axis=1), bought["customer_id"], conf_level),
            }
        )
        if linked is not None:
            rows.append(
                {
                    "stage": label,
                    "kind": "corrected",
                    **_corrected(bought, linked, names, draws, seed, conf_level),
                }
            )
    table = pd.DataFrame(rows).drop(columns="std_error")
    limits = (
        [
            Note(
                "stages.skip_limit",
                "Not observed is not the same as not done: people also search off line, on "
                "other devices and in memory.",
            )
        ]
        if linked is None
        else [
            Note(
                "stages.skip_corrected",
                "Corrected with {n} linked occasions; they must be a random part of all, "
                "and their truth the truth.",
                n=len(linked),
            )
        ]
    )
    if early.any():
        limits.append(
            Note(
                "stages.early_left_out",
                "{n} purchases whose beginning may lie before the data are left out.",
                n=int(early.sum()),
            )
        )
    if linked is not None and len(linked) < 300:
        limits.append(
            Note(
                "stages.thin",
                "Only {n} units; {least} are needed for firm figures.",
                n=len(linked),
                least=300,
            )
        )
    return _result(
        "skip",
        table,
        bought,
        conf_level,
        (*limits, *_thin(len(bought), 200)),
        label=["stage", "kind"],
        group="kind",
    )


@analysis
def with_truth(profile, truth, stages):
    """Set beside every occasion which stages it really had, from a log in which every event has its
    true stage.

    Takes the table of `profile`, a DataFrame of events (customer_id, occurred_at, stage; tracked or
    not) and the stages. An event belongs to an occasion where it lies between its opening and its
    closing; contacts just before the first tracked one, within a day, belong to it too. Returns the
    profile with a column `true_STAGE` for each. Source: S-30 in `docs/glossary.md`.
    """
    import pandas as pd

    out = profile.sort_values("opened_at", kind="stable").copy()
    events = truth.loc[
        truth["stage"].isin(list(stages)), ["customer_id", "occurred_at", "stage"]
    ].sort_values("occurred_at", kind="stable")
    # Each event to the first occasion of its customer that closes after it.
    ends = out[["customer_id", "episode", "opened_at", "closed_at"]].sort_values(
        "closed_at", kind="stable"
    )
    at = pd.merge_asof(
        events,
        ends,
        left_on="occurred_at",
        right_on="closed_at",
        by="customer_id",
        direction="forward",
    )
    at = at[at["occurred_at"] >= at["opened_at"] - pd.Timedelta("1D")]
    for stage in stages:
        had = (
            at.loc[at["stage"] == stage, ["customer_id", "episode"]]
            .drop_duplicates()
            .assign(hit=True)
        )
        out[f"true_{stage}"] = (
            out[["customer_id", "episode"]]
            .merge(had, how="left", on=["customer_id", "episode"])["hit"]
            .notna()
            .to_numpy()
        )
    return out.sort_index()


@analysis
def effect(outcome, drivers, customer, *, conf_level=0.95):
    """How does a yes-or-no outcome of occasions go with numbers known before them?

    Takes a boolean Series, a DataFrame of numbers and the customer of each row. Returns a Result:
    term, count (yes), n (occasions), estimate (log odds per unit), std_error, conf_low, conf_high;
    a logistic model by generalised estimating equations, customers as clusters, is in `.model`.
    Evidence: associational. Raises NotEnoughData where all or none are yes. Source: Liang & Zeger
    (1986), Biometrika 73.
    """
    import pandas as pd

    y = np.asarray(outcome, float)
    if not 0 < y.sum() < len(y):
        raise NotEnoughData(
            Note(
                "stages.contrast_few",
                "50 bought occasions in each group are needed, and some skipped and some "
                "not; found {more} with more and {fewer} with fewer purchases before",
                more=y.sum(),
                fewer=len(y) - y.sum(),
            )
        )
    x = np.column_stack([np.ones(len(y)), drivers.to_numpy(float)])
    model = _gee(y, x, np.unique(np.asarray(customer).astype(str), return_inverse=True)[1])
    low, high = intervals.normal(model.params, model.bse, conf_level)
    table = pd.DataFrame(
        {
            "term": ["constant", *drivers.columns],
            "count": int(y.sum()),
            "n": len(y),
            "estimate": model.params,
            "std_error": model.bse,
            "conf_low": low,
            "conf_high": high,
        }
    )
    made = _result(
        "effect",
        table,
        drivers,
        conf_level,
        (Note("stages.effect_limit", "What goes together, not what brings about."),),
        label=["term"],
    )
    return replace(made, evidence="associational", model=model)


def _corrected(bought, linked, names, draws, seed, conf_level):
    """Return the skip share corrected for missed and false sightings, with an interval over both
    samples.
    """
    _checked(linked, *(f"true_{s}" for s in names), *names)
    seen, true = (
        linked[names].any(axis=1).to_numpy(),
        linked[[f"true_{s}" for s in names]].any(axis=1).to_numpy(),
    )
    a, b = (
        np.unique(d["customer_id"].astype(str), return_inverse=True)[1] for d in (linked, bought)
    )
    na, nb = a.max() + 1, b.max() + 1
    reach = bought[names].any(axis=1).to_numpy()

    def skip(wa, wb):
        w = wa[a]
        se = (w * seen * true).sum() / max((w * true).sum(), 1e-9)
        sp = (w * ~seen * ~true).sum() / max((w * ~true).sum(), 1e-9) if (~true).any() else 1.0
        r = (wb[b] * reach).sum() / wb[b].sum()
        power = se + sp - 1
        return (1 - np.clip((r + sp - 1) / power, 0, 1) if power > 0 else np.nan), se, sp

    estimate, se, sp = skip(np.ones(na), np.ones(nb))
    if not se + sp > 1:
        raise InputError(
            "stages.error_linked_is_seen_no_more",
            "linked: '{names}' is seen no more often where it took place than where it "
            "did not; no correction is possible",
            names=" + ".join(names),
        )
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            skip(
                rng.multinomial(na, np.full(na, 1 / na)), rng.multinomial(nb, np.full(nb, 1 / nb))
            )[0]
            for _ in range(draws)
        ]
    )
    tail = (1 - conf_level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return {
        "count": np.nan,
        "n": len(bought),
        "estimate": estimate,
        "conf_low": low,
        "conf_high": high,
        "sensitivity": se,
        "specificity": sp,
    }


@analysis
def skip_contrast(profile, stages, *, by="orders_before", conf_level=0.95):
    """Do earlier buyers skip stages more often than those with fewer purchases behind them?

    Loyalty is what was there before the occasion opened. Occasions of first-ever buyers take no
    part: they cannot be loyal yet.

    Parameters
    ----------
    profile : DataFrame from `profile`
    stages : list of str
        Stages whose joint absence counts as skipping.
    by : str
        Number known before the occasion; "more" is above its median among repeat buyers.

    Returns
    -------
    Result
        group (more, fewer, difference, odds_ratio), count, n (bought occasions), estimate,
        conf_low, conf_high. The odds ratio is that of one more unit of `by`, from a
        logistic model by generalised estimating equations, customers as clusters; the model is in
        `.model`. Evidence: associational.

    Raises
    ------
    NotEnoughData
        With fewer than 50 occasions in a group, or none or all skipped.

    Source: Liang & Zeger (1986), Biometrika 73; Newman & Staelin (1972).
    """
    import pandas as pd

    _checked(profile, by, "outcome", "orders_before", *stages)
    d = profile[(profile["outcome"] == "bought") & (profile["orders_before"] > 0)]
    more = d[by] > d[by].median()
    skipped = ~d[list(stages)].any(axis=1)
    if more.sum() < 50 or (~more).sum() < 50 or skipped.sum() in (0, len(d)):
        raise NotEnoughData(
            Note(
                "stages.contrast_few",
                "50 bought occasions in each group are needed, and some skipped and some "
                "not; found {more} with more and {fewer} with fewer purchases before",
                more=more.sum(),
                fewer=(~more).sum(),
            )
        )
    rows = [
        {"group": name, **intervals.share(skipped[hit], d.loc[hit, "customer_id"], conf_level)}
        for name, hit in (("more", more), ("fewer", ~more))
    ]
    who = np.unique(d["customer_id"].astype(str), return_inverse=True)[1]
    # The difference's error from customers' pulls on both shares, so that a customer in both groups
    # counts once.
    pull = np.where(
        more,
        (skipped - rows[0]["estimate"]) / more.sum(),
        -(skipped - rows[1]["estimate"]) / (~more).sum(),
    )
    se = float(np.sqrt((np.bincount(who, pull) ** 2).sum()))
    gap = rows[0]["estimate"] - rows[1]["estimate"]
    low, high = (float(v) for v in intervals.normal(gap, se, conf_level))
    rows.append(
        {
            "group": "difference",
            "count": np.nan,
            "n": len(d),
            "estimate": gap,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    model = _gee(
        skipped.to_numpy(float), np.column_stack([np.ones(len(d)), d[by].to_numpy(float)]), who
    )
    b, s = model.params[1], model.bse[1]
    low, high = np.exp(intervals.normal(b, s, conf_level))
    rows.append(
        {
            "group": "odds_ratio",
            "count": np.nan,
            "n": len(d),
            "estimate": float(np.exp(b)),
            "conf_low": float(low),
            "conf_high": float(high),
        }
    )
    limits = (
        Note(
            "stages.contrast_limit",
            "What goes together, not what brings about: frequent buyers differ in more "
            "than loyalty, and replenishment looks like skipping.",
        ),
        Note(
            "stages.skip_limit",
            "Not observed is not the same as not done: people also search off line, on "
            "other devices and in memory.",
        ),
        *_thin(len(d), 200),
    )
    made = _result(
        "contrast",
        pd.DataFrame(rows),
        d,
        conf_level,
        limits,
        label=["group"],
        only={"group": ["more", "fewer", "difference"]},
    )
    return replace(made, evidence="associational", model=model)


def _gee(y, x, clusters):
    import statsmodels.api as sm

    order = np.argsort(clusters, kind="stable")
    return sm.GEE(y[order], x[order], groups=clusters[order], family=sm.families.Binomial()).fit()


@analysis
def decision_complexity(profile, *, draws=300, seed=1, conf_level=0.95):
    """Can breadth, depth, alternatives, duration and loops be told in one number, and what weighs
    in it?

    The first principal component of the standardised logarithms. It is given only where it explains
    at least 40 % and all its loadings have one sign.

    Takes the table of `profile`. Returns a Result: component, count and n (closed occasions),
    estimate (loading), conf_low, conf_high (bootstrap over customers, the whole
    computation repeated), and the rows explained (share of variance) and omega (reliability). The
    scores are in `.model` (an array, one value per closed occasion).
    Raises NotEnoughData for fewer than 30 closed occasions or fewer than three varying measures.
    Source: McDonald (1999), Test Theory.
    """
    import pandas as pd

    d = _checked(profile, "events", "days")
    d = d[d["outcome"].isin(["bought", "abandoned"])]
    names = [
        c
        for c in (
            "brands",
            "products",
            "channels",
            "events",
            "sessions",
            "considered",
            "days",
            "backtracks",
        )
        if c in d and d[c].notna().all() and d[c].std() > 0
    ]
    if len(d) < 30 or len(names) < 3:
        raise NotEnoughData(
            Note(
                "stages.index_few",
                "30 closed occasions and three varying measures are needed; found {n} and "
                "{measures}",
                n=len(d),
                measures=len(names),
            )
        )
    x = np.log1p(d[names].to_numpy(float))
    who = np.unique(d["customer_id"].astype(str), return_inverse=True)[1]

    def component(w):
        w = w[who].astype(float)
        mean = (w[:, None] * x).sum(0) / w.sum()
        z = (x - mean) / np.sqrt((w[:, None] * (x - mean) ** 2).sum(0) / w.sum())
        values, vectors = np.linalg.eigh((w[:, None] * z).T @ z / w.sum())
        loading = vectors[:, -1] * np.sqrt(values[-1])
        loading *= np.sign(loading.sum())
        omega = loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())
        return np.append(loading, [values[-1] / len(names), omega])

    m = who.max() + 1
    estimate = component(np.ones(m))
    _, low, high = intervals.bootstrap(component, m, seed=seed, draws=draws, conf_level=conf_level)
    table = pd.DataFrame(
        {
            "component": [*names, "explained", "omega"],
            "count": len(d),
            "n": len(d),
            "estimate": estimate,
            "conf_low": low,
            "conf_high": high,
        }
    )
    good = estimate[-2] >= 0.4 and (estimate[: len(names)] > 0).all()
    limits = [
        (
            Note(
                "stages.index_good",
                "The component explains {explained:%} of the variance and all loadings "
                "have one sign: the index may be used, beside its parts.",
                explained=estimate[-2],
            )
            if good
            else Note(
                "stages.index_bad",
                "No index: the component explains {explained:%} of the variance (40 % is "
                "needed) or a loading is negative. Read the parts.",
                explained=estimate[-2],
            )
        ),
        *_thin(len(d), 300),
    ]
    scores = None
    if good:
        z = (x - x.mean(0)) / x.std(0)
        scores = z @ estimate[: len(names)] / np.sqrt((estimate[: len(names)] ** 2).sum())
    made = _result("index", table, d, conf_level, tuple(limits), label=["component"])
    return replace(made, model=scores)


def _result(
    key,
    table,
    profile,
    conf_level,
    limits,
    *,
    label=("outcome", "measure", "statistic"),
    group=None,
    only=None,
):
    """Return a Result whose sentences stand under `key`."""
    chart = Points(
        label=list(label),
        xlabel=t(f"stages.{key}_axis"),
        group=group,
        only=only or {},
        percent=key in ("set", "variants", "trigger", "skip", "contrast"),
    )
    return Result(
        question=t(f"stages.{key}_question"),
        table=table,
        method=t(f"stages.{key}_method"),
        unit="episodes",
        n=len(profile),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=chart,
    )
