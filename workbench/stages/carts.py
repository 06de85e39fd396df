"""Carts: how many are abandoned, and how many are ordered after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import analysis, small_cells, tidy
from workbench.stages.episodes import stamps
from workbench.stages.measures import rate_result, shown, thin

if TYPE_CHECKING:
    import pandas as pd

    from workbench.results import Result
    from workbench.types import Moment, Table

FIRM = 100  # carts, for firm figures
NO_CART = Note("stages.no_cart", "no cart was followed for the whole window")
CART = {
    "question": Note("stages.cart_question", "How many carts do not become an order?"),
    "method": Note(
        "stages.cart_method",
        "Unit: cart. A cart is abandoned when no order follows within the window after its last "
        "item; only carts followed for the whole window count, ordered or not; the customer is "
        "the sampling unit.",
    ),
    "axis": Note("stages.cart_axis", "Share abandoned"),
}
RECOVERY = {
    "question": Note("stages.recovery_question", "How many abandoned carts are ordered after all?"),
    "method": Note(
        "stages.recovery_method",
        "Share of abandoned carts, followed for the whole window, with an order within it; the "
        "customer is the sampling unit.",
    ),
    "axis": Note("stages.recovery_axis", "Share ordered after all"),
}
RECOVERY_UPPER = Note(
    "stages.recovery_upper",
    "Without a hold-out group this is an upper bound for the effect of any message: many come "
    "back by themselves.",
)
RECOVERY_RANDOM = Note(
    "stages.recovery_random",
    "The difference may be attributed to the message only where chance decided who got it.",
)


@engine.tables("events")
@analysis
def carts(
    events: Table,
    *,
    cart: str = "add_to_cart",
    order: str = "order",
    window: str = "24h",
    column: str = "event",
    until: Moment | None = None,
) -> pd.DataFrame:
    """Cut every customer's history into carts: from the first item to the order, or to silence.

    A cart is open until an order, or until `window` passes after its last cart event; the next cart
    event then opens a new one.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event; value where there is one
    cart, order : str
        Event names.
    window : str
        Longest silence after the last cart event before the cart counts as abandoned.

    Returns
    -------
    DataFrame
        customer_id, cart (number within the customer), opened_at, last_at, ordered_at (missing
        without an order), outcome (ordered, abandoned, open: not followed long enough), mature
        (followed for the whole window, whatever came of it), returned_at (the first order after an
        abandoned cart), items (cart events), value (sum of the cart events' value, missing
        without).

    Raises
    ------
    InputError
        For an unknown event or column.

    Source: S-16 in `docs/glossary.md`.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    present = engine.distinct(events, column)
    cart, order = own.occurring("carts", [cart, order], present)
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, [cart, order]),
    }
    valued = "value" in engine.columns(events)
    if valued:
        roles["value"] = engine.real("value")
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    parts = engine.map_ordered(
        view, _Carts(schemas.micros("window", window), end, valued), then=("t", "k")
    )
    parts = parts.sort_values(["customer", "opened"], kind="stable", ignore_index=True)

    return pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "cart": parts.groupby("customer").cumcount() + 1,
            "opened_at": _moments(parts["opened"]),
            "last_at": _moments(parts["last"]),
            "ordered_at": _moments(parts["ordered"]),
            "outcome": np.array(["open", "ordered", "abandoned"], object)[parts["outcome"]],
            "mature": parts["mature"].astype(bool),
            "returned_at": _moments(parts["returned"]),
            "items": parts["items"],
            "value": parts["value"],
        }
    )


def _moments(micros):
    """Return moments; missing where there is none."""
    return stamps(micros.where(micros >= 0, 0)).where(micros.to_numpy() >= 0)


class _Carts:
    """The kernel of `carts`: one row per cart."""

    def __init__(self, window, end, valued):
        self.window, self.end, self.valued = window, end, valued

    def __call__(self, batch):
        n = len(batch)
        k, time = batch["k"], batch["t"]
        new = np.zeros(n, bool)
        is_cart = k == 0
        at = np.flatnonzero(is_cart)
        # A cart event opens a cart where it is the customer's first, follows an order, or follows
        # silence.
        previous_cart = np.concatenate([[-1], at[:-1]]) if len(at) else at
        orders = np.cumsum(k == 1)
        same = (previous_cart >= batch.first[at]) if len(at) else at > 0
        safe = np.maximum(previous_cart, 0)
        new[at] = ~same | (orders[at] != orders[safe]) | (time[at] - time[safe] > self.window)
        head = np.flatnonzero(new)
        number_ = np.cumsum(new) - 1
        mine = is_cart & (number_ >= 0)
        m = len(head)
        items = np.bincount(number_[mine], minlength=m) if m else np.zeros(0, int)
        last = np.zeros(m, np.int64)
        np.maximum.at(last, number_[mine], time[mine])
        bought = np.append(np.flatnonzero(k == 1), n)
        following = bought[np.searchsorted(bought[:-1], head, side="right")]
        safe = np.minimum(following, max(n - 1, 0))
        has = (following <= batch.last[head]) if m else np.zeros(0, bool)
        # The order is this cart's where no later cart stands between, and it came in time.
        next_head = np.append(head[1:], n)
        when = time[safe] if n else np.zeros(0, np.int64)
        ordered = has & (following < next_head) & (when - last <= self.window)
        outcome = np.where(ordered, 1, np.where(last + self.window <= self.end, 2, 0))
        value = np.full(m, np.nan)
        if self.valued and m:
            v = batch["value"].astype(float)
            known = mine & ~np.isnan(v)
            seen = np.bincount(number_[known], minlength=m)
            value = np.where(seen > 0, np.bincount(number_[known], v[known], m), np.nan)
        return {
            "customer": batch["customer"][head],
            "opened": time[head].astype(np.int64),
            "last": last,
            "ordered": np.where(ordered, when, -1).astype(np.int64),
            "outcome": outcome.astype(np.int64),
            "mature": last + self.window <= self.end,
            "returned": np.where((outcome == 2) & has, when, -1).astype(np.int64),
            "items": items.astype(np.int64),
            "value": value,
        }


@engine.frames("carts")
@analysis
def cart_abandonment(carts: Table, *, by: str | None = None, conf_level: float = 0.95) -> Result:
    """How many carts do not become an order, and how much of their value?

    Parameters
    ----------
    carts : DataFrame from `carts`
    by : str, optional
        Column of `carts` to break down by.

    Returns
    -------
    Result
        [by,] measure (carts, value), count (abandoned), n (mature carts, or their value),
        customers, estimate, std_error, conf_low, conf_high, immature (carts not followed long
        enough). Unit: carts, not visits.

    Raises
    ------
    NotEnoughData
        If no cart is old enough.

    Source: S-16 in `docs/glossary.md`; Deng, Knoblich & Lu (2018) for the ratio of values.
    """
    import pandas as pd

    if by and by not in carts:
        raise unknown("by", "column", by, carts.columns)
    grown = carts[carts["mature"]]
    if not len(grown):
        raise NotEnoughData(NO_CART)
    rows = []
    for name, mine in grown.groupby(own.filled(grown[by])) if by else [(None, grown)]:
        head = {by: name} if by else {}
        young = int(
            (~carts["mature"] & (own.filled(carts[by]) == name)).sum()
            if by
            else (~carts["mature"]).sum()
        )
        lost = mine["outcome"] == "abandoned"
        rows.append(
            {
                **head,
                "measure": "carts",
                **intervals.share(lost, mine["customer_id"], conf_level),
                "customers": mine["customer_id"].nunique(),
                "immature": young,
            }
        )
        if mine["value"].notna().any() and mine["value"].sum() > 0:
            per = (
                pd.DataFrame(
                    {
                        "c": mine["customer_id"],
                        "y": mine["value"].fillna(0) * lost,
                        "x": mine["value"].fillna(0),
                    }
                )
                .groupby("c")
                .sum()
            )
            estimate, se, low, high = intervals.ratio(per["y"], per["x"], conf_level)
            rows.append(
                {
                    **head,
                    "measure": "value",
                    **{"amount": per["y"].sum(), "amount_total": per["x"].sum()},
                    "n": len(mine),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": max(low, 0.0) if low == low else low,
                    "conf_high": min(high, 1.0) if high == high else high,
                    "customers": len(per),
                    "immature": young,
                }
            )
    limits = [
        Note(
            "stages.cart_limit",
            "Rates per visit and per cart differ widely: this one is per cart. Carts "
            "saved for later count as abandoned until they are ordered.",
        )
    ] + list(thin(len(grown), FIRM))
    table = tidy(rows)
    return rate_result(
        CART | {"answer": _cart_answer(table, by)},
        table,
        len(grown),
        "carts",
        conf_level,
        limits,
        [*([by] if by else []), "measure"],
    )


def _cart_answer(table, by):
    """Return the share of carts abandoned, and of their value; for groups, the highest and the
    lowest share.
    """
    carts = table[table["measure"] == "carts"]
    if by:
        carts = carts[~small_cells(carts)] if (~small_cells(carts)).any() else carts
        most, least = carts.loc[carts["estimate"].idxmax()], carts.loc[carts["estimate"].idxmin()]
        return Note(
            "stages.cart_answer_groups",
            "The largest share of carts is abandoned in {group:word}: {share:%} ({low:%} to "
            "{high:%}; {count} of {n}), the smallest in {other:word}: {other_share:%} "
            "({other_low:%} to {other_high:%}).",
            group=str(most[by]),
            **shown(most),
            other=str(least[by]),
            other_share=least["estimate"],
            other_low=least["conf_low"],
            other_high=least["conf_high"],
        )
    value = table[table["measure"] == "value"]
    if len(value):
        return Note(
            "stages.cart_answer_value",
            "{share:%} of carts do not become an order ({low:%} to {high:%}; {count} of {n}), with "
            "{value:%} of the value of all carts.",
            **shown(carts.iloc[0]),
            value=value["estimate"].iloc[0],
        )
    return Note(
        "stages.cart_answer",
        "{share:%} of carts do not become an order ({low:%} to {high:%}; {count} of {n}).",
        **shown(carts.iloc[0]),
    )


@engine.frames("carts", optional=("contacted",))
@analysis
def recovery(
    carts: Table,
    *,
    window: str = "7D",
    contacted: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many abandoned carts are ordered after all, and how much of that is due to a message?

    Parameters
    ----------
    carts : DataFrame from `carts`
    window : str
        Counted from the last cart event.
    contacted : str, optional
        Column of `carts`, true where a message was sent, false for the hold-out. Only where chance
        decided is the difference the message's.
    until : str or Timestamp, optional
        Moment up to which the data are complete; default the last moment in `carts`.

    Returns
    -------
    Result
        group (all; contacted, holdout, difference), count, n (mature abandoned carts), estimate,
        conf_low, conf_high. Interval of the difference: Newcombe (1998) with one
        cart a customer, else delta method with the customer as sampling unit.

    Raises
    ------
    NotEnoughData
        If no abandoned cart is old enough.

    Source: S-18 in `docs/glossary.md`.
    """
    import pandas as pd

    width = pd.Timedelta(microseconds=schemas.micros("window", window))
    end = (
        pd.Timestamp(schemas.moment("until", until), unit="us", tz="UTC")
        if until is not None
        else carts[["last_at", "ordered_at", "returned_at"]].max().max()
    )
    lost = carts[(carts["outcome"] == "abandoned") & (carts["last_at"] + width <= end)]
    if not len(lost):
        raise NotEnoughData(NO_CART)
    back = lost["returned_at"] - lost["last_at"] <= width
    rows = [{"group": "all", **intervals.share(back, lost["customer_id"], conf_level)}]
    limits = [RECOVERY_UPPER]
    if contacted:
        if contacted not in lost:
            raise unknown("contacted", "column", contacted, lost.columns)
        hit = lost[contacted].astype(bool)
        if hit.all() or not hit.any():
            raise NotEnoughData(
                "stages.no_holdout",
                "there is no hold-out group: everyone or nobody was contacted",
            )
        rows += [
            {
                "group": name,
                **intervals.share(back[mask], lost.loc[mask, "customer_id"], conf_level),
            }
            for name, mask in (("contacted", hit), ("holdout", ~hit))
        ]
        a, b = rows[1], rows[2]
        gap = a["estimate"] - b["estimate"]
        who = np.unique(lost["customer_id"].astype(str), return_inverse=True)[1]
        if who.max() + 1 == len(lost):
            low, high = intervals.newcombe(a["count"], a["n"], b["count"], b["n"], conf_level)
        else:
            pull = np.where(hit, (back - a["estimate"]) / a["n"], -(back - b["estimate"]) / b["n"])
            low, high = intervals.normal(
                gap, np.sqrt((np.bincount(who, pull) ** 2).sum()), conf_level
            )
        rows.append(
            {
                "group": "difference",
                "count": np.nan,
                "n": len(lost),
                "estimate": gap,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
        limits = [RECOVERY_RANDOM]
    table = pd.DataFrame(rows).drop(columns="std_error")
    return rate_result(
        RECOVERY | {"answer": _recovery_answer(table, window)},
        table,
        len(lost),
        "carts",
        conf_level,
        limits,
        ["group"],
    )


def _recovery_answer(table, window):
    """Return the share ordered after all; with a hold-out group, the difference to it."""
    rows = table.set_index("group")
    if "difference" not in rows.index:
        return Note(
            "stages.recovery_answer",
            "{share:%} of abandoned carts are ordered after all within {window:span} ({low:%} to "
            "{high:%}; {count} of {n}).",
            window=window,
            **shown(rows.loc["all"]),
        )
    gap = rows.loc["difference"]
    values = {
        "window": window,
        "contacted": rows.loc["contacted", "estimate"],
        "holdout": rows.loc["holdout", "estimate"],
        "difference": gap["estimate"],
        "low": gap["conf_low"],
        "high": gap["conf_high"],
        "n": gap["n"],
    }
    if gap["conf_low"] <= 0 <= gap["conf_high"]:
        return Note(
            "stages.recovery_answer_none",
            "No difference between contacted customers and the hold-out group could be shown: "
            "{contacted:%} and {holdout:%} of abandoned carts are ordered within {window:span}, "
            "{difference:points} percentage points apart ({low:points} to {high:points}; {n} "
            "carts).",
            **values,
        )
    return Note(
        "stages.recovery_answer_difference",
        "{contacted:%} of abandoned carts of contacted customers are ordered within {window:span}, "
        "of the hold-out group {holdout:%}: a difference of {difference:points} percentage points "
        "({low:points} to {high:points}; {n} carts).",
        **values,
    )
