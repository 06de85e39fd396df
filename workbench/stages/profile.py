"""What happens within a decision occasion: one row an occasion, with its search and its path."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import names as own
from workbench.results import analysis
from workbench.stages.episodes import DAY, Episodes, stamps, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Moment, Table

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


@engine.tables("events")
@analysis
def profile(
    events: Table,
    stages: Sequence[str],
    *,
    evaluation: str = "evaluation",
    gap: str = "30D",
    timeout: str = "30min",
    seriously: int = 2,
    hold: str | None = None,
    column: str = "event",
    until: Moment | None = None,
) -> pd.DataFrame:
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
    parts = engine.map_ordered(
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
    table["path"] = np.array([own.path(stages[s] for s in p) for p in paths], object)[codes]
    table["spells"], table["backtracks"], table["rework"] = (
        parts["spells"],
        parts["backtracks"],
        parts["rework"],
    )
    table["complexity"] = parts["complexity"]
    # Turbulence counts the different subsequences of the path, so it is computed once a path.
    phi = np.array([_subsequences(p) for p in paths])[codes]
    table["turbulence"] = np.log2(phi * (parts["spell_var_max"] + 1) / (parts["spell_var"] + 1))
    table.attrs["gap"] = gap
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
