"""Where buying goes wrong: barriers, abandoned carts, checkout, payment, recovery, checkpoints."""

from dataclasses import replace

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.stages.episodes import Episodes, stamps, view_of
from workbench.texts import t


@analysis
def carts(events, *, cart="add_to_cart", order="order", window="24h", column="event", until=None):
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
        without an order), outcome (ordered, abandoned, open: too young to tell), mature (watched
        for the whole window, whatever came of it), returned_at (the first order after an abandoned
        cart), items (cart events), value (sum of the cart events' value, missing without).

    Raises
    ------
    InputError
        For an unknown event or column.

    Source: S-16 in `docs/glossary.md`.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    present = engine.distinct(events, column)
    for name in (cart, order):
        if name not in present:
            raise unknown("carts", "event", name, present)
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
    parts = engine.ordered(
        view, _Carts(schemas.micros("window", window), end, valued), then=("t", "k")
    )
    parts = parts.sort_values(["customer", "opened"], kind="stable", ignore_index=True)

    def moment(name):
        return stamps(parts[name].where(parts[name] >= 0, 0)).where(parts[name].to_numpy() >= 0)

    return pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "cart": parts.groupby("customer").cumcount() + 1,
            "opened_at": moment("opened"),
            "last_at": moment("last"),
            "ordered_at": moment("ordered"),
            "outcome": np.array(["open", "ordered", "abandoned"], object)[parts["outcome"]],
            "mature": parts["mature"].astype(bool),
            "returned_at": moment("returned"),
            "items": parts["items"],
            "value": parts["value"],
        }
    )


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


@analysis
def cart_abandonment(carts, *, by=None, conf_level=0.95):
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
        customers, estimate, std_error, conf_low, conf_high, immature (carts too young). Unit:
        carts, not visits.

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
        raise NotEnoughData(Note("stages.no_cart", "there is no cart old enough to be judged"))
    rows = []
    for name, mine in grown.groupby(grown[by].fillna("missing")) if by else [(None, grown)]:
        head = {by: name} if by else {}
        young = int(
            (~carts["mature"] & (carts[by].fillna("missing") == name)).sum()
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
                    "count": per["y"].sum(),
                    "n": per["x"].sum(),
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
    ] + (
        [
            Note(
                "stages.thin",
                "Only {n} units; {least} are needed for firm figures.",
                n=len(grown),
                least=100,
            )
        ]
        if len(grown) < 100
        else []
    )
    return _result(
        "cart",
        pd.DataFrame(rows),
        len(grown),
        "carts",
        conf_level,
        limits,
        [*([by] if by else []), "measure"],
    )


@analysis
def recovery(carts, *, window="7D", contacted=None, until=None, conf_level=0.95):
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
        raise NotEnoughData(Note("stages.no_cart", "there is no cart old enough to be judged"))
    back = lost["returned_at"] - lost["last_at"] <= width
    rows = [{"group": "all", **intervals.share(back, lost["customer_id"], conf_level)}]
    limits = [
        Note(
            "stages.recovery_upper",
            "Without a hold-out this is an upper bound for any message: many come back "
            "by themselves.",
        )
    ]
    if contacted:
        if contacted not in lost:
            raise unknown("contacted", "column", contacted, lost.columns)
        hit = lost[contacted].astype(bool)
        if hit.all() or not hit.any():
            raise NotEnoughData(
                Note(
                    "stages.no_holdout",
                    "there is no hold-out group: everyone or nobody was contacted",
                )
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
        limits = [
            Note(
                "stages.recovery_random",
                "The difference belongs to the message only where chance decided who got it.",
            )
        ]
    return _result(
        "recovery",
        pd.DataFrame(rows).drop(columns="std_error"),
        len(lost),
        "carts",
        conf_level,
        limits,
        ["group"],
    )


@analysis
def checkout(
    events,
    steps=("add_to_cart", "begin_checkout", "shipping_info", "payment_submit", "order"),
    *,
    failed="payment_failed",
    slow="5s",
    window="24h",
    column="event",
    until=None,
    conf_level=0.95,
):
    """At which step of the checkout do carts stop, and did the payment fail, drag, or did people
    just leave?

    A step counts from the first one seen of a cart on; an order without any step before it says
    nothing of the checkout.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event; `value` of the payment event in seconds
    where there is one
    steps : list of str
        From cart to order; the one before the last is the payment.
    failed : str or None
        Event of a declined or timed-out payment.
    slow : str
        A payment that took longer counts as slow.
    window : str
        As in `carts`.

    Returns
    -------
    Result
        measure (step: share that goes no further; payment: how lost payments were lost; slow only
        where seconds were recorded), step, count, n (carts that reached the step; lost payments),
        estimate, std_error, conf_low, conf_high. A retry counts once.

    Raises
    ------
    InputError
        For an unknown event.
    NotEnoughData
        If no cart is old enough.

    Source: S-17 in `docs/glossary.md`.
    """
    import pandas as pd

    steps = list(steps)
    schemas.require(events, "events", column)
    present = engine.distinct(events, column)
    for step in steps:
        if step not in present:
            raise unknown("steps", "event", step, present)
    fails = [failed] if failed and failed in present else []
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, [*steps, *fails]),
    }
    if "value" in engine.columns(events):
        roles["value"] = engine.real("value")
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    parts = engine.ordered(
        view,
        _Checkout(
            len(steps),
            bool(fails),
            schemas.micros("window", window),
            schemas.micros("slow", slow) / 1e6,
            end,
        ),
        then=("t", "k"),
    )
    parts = parts[parts["mature"]]
    if not len(parts):
        raise NotEnoughData(Note("stages.no_cart", "there is no cart old enough to be judged"))
    rows = []
    for j in range(len(steps) - 1):
        here = parts[(parts["furthest"] >= j) & (parts["first"] <= j)]
        if len(here):
            rows.append(
                {
                    "measure": "step",
                    "step": steps[j],
                    **intervals.share(here["furthest"] == j, here["customer"], conf_level),
                }
            )
    lost = parts[parts["furthest"] == len(steps) - 2]
    if len(lost):
        timed = "value" in roles and bool(lost["timed"].any())
        kinds = ([("failed", lost["failed"])] if fails else []) + (
            [("slow", ~lost["failed"] & lost["slow"])] if timed else []
        )
        # What was not measured is not 0: without seconds nobody can tell slow payments from those
        # left by choice.
        rest = ~lost["failed"] & ~(lost["slow"] if timed else False)
        for kind, hit in [*kinds, ("voluntary" if fails and timed else "not_explained", rest)]:
            rows.append(
                {
                    "measure": "payment",
                    "step": kind,
                    **intervals.share(hit, lost["customer"], conf_level),
                }
            )
    limits = [
        Note(
            "stages.checkout_limit",
            "Payments by a bank's page may miss their way back: reconcile with the orders.",
        ),
        *(
            [
                Note(
                    "stages.thin",
                    "Only {n} units; {least} are needed for firm figures.",
                    n=len(parts),
                    least=100,
                )
            ]
            if len(parts) < 100
            else []
        ),
    ]
    return _result(
        "checkout",
        pd.DataFrame(rows),
        len(parts),
        "carts",
        conf_level,
        limits,
        ["measure", "step"],
        "measure",
    )


class _Checkout:
    """The kernel of `checkout`: one row per cart, with the furthest step it reached."""

    def __init__(self, steps, fails, window, slow, end):
        self.steps, self.fails, self.window, self.slow, self.end = steps, fails, window, slow, end

    def __call__(self, batch):
        k, time, n = batch["k"].astype(np.int64), batch["t"], len(batch)
        is_failed = self.fails & (k == self.steps)
        step = np.where(is_failed, self.steps - 2, k)
        new = np.zeros(n, bool)
        new[batch.starts] = True
        new[1:] |= (np.diff(time) > self.window) | (k[:-1] == self.steps - 1)
        head = np.flatnonzero(new)
        if not len(head):
            none = np.zeros(0, bool)
            return {
                "customer": batch["customer"][:0],
                "first": np.zeros(0, np.int64),
                "furthest": np.zeros(0, np.int64),
                "failed": none,
                "slow": none,
                "timed": none,
                "mature": none,
            }
        ends = np.append(head[1:], n) - 1
        furthest = np.maximum.reduceat(step, head)
        # Of several tries to pay the last one tells how the cart was lost.
        paying = step == self.steps - 2
        at = np.maximum.reduceat(np.where(paying, np.arange(n), -1), head)
        safe = np.maximum(at, 0)
        seconds = batch["value"].astype(float) if "value" in batch.columns else np.full(n, np.nan)
        # Watched for the whole window after the last step before the order, whatever came of it.
        last = np.maximum.reduceat(
            np.where(k < self.steps - 1, time, time[np.repeat(head, ends - head + 1)]), head
        )
        return {
            "customer": batch["customer"][head],
            "first": np.minimum.reduceat(step, head),
            "furthest": furthest,
            "failed": (at >= 0) & is_failed[safe],
            "slow": (at >= 0) & (np.nan_to_num(seconds[safe]) > self.slow),
            "timed": (at >= 0) & ~np.isnan(seconds[safe]),
            "mature": last + self.window <= self.end,
        }


@analysis
def barriers(
    events,
    stages,
    barrier,
    *,
    stage=None,
    adjust=(),
    gap="30D",
    column="stage",
    action="event",
    until=None,
    draws=300,
    seed=1,
    conf_level=0.95,
):
    """Do people give up more often right after a barrier than after another contact in the same
    stage?

    The comparison is made contact by contact, over contacts at least `gap` before the end of the
    data. Comparing whole occasions would mislead: long ones meet more barriers, and have not been
    given up for long.

    Parameters
    ----------
    events : table with customer_id, occurred_at, a stage column and an event column
    stages : list of str
        Stages in rank order, the purchase last.
    barrier : str or list of str
        Events that are barriers: an error, a declined payment, out of stock.
    stage : str, optional
        The stage whose contacts are compared; default the one before the purchase.
    adjust : list of str
        Word columns of `events`, such as device, held equal beside the number of contacts so far.
    column, action : str
        Columns with the stage and with the event.

    Returns
    -------
    Result
        measure (rate: occasions in the stage that met a barrier; left_after_barrier,
        left_after_other: contacts after which the occasion was given up; difference: of these two;
        cost_adjusted: the same, standardised to the contacts with a barrier), count, n (occasions;
        contacts), estimate, conf_low, conf_high. Evidence: associational. Intervals: clustered
        shares; bootstrap over customers for differences.

    Raises
    ------
    InputError
        For an unknown stage, event or column.
    NotEnoughData
        With fewer than 50 contacts with or without a barrier.

    Source: S-15 in `docs/glossary.md`; standardisation Hernán & Robins (2020), Causal Inference,
    ch. 13.
    """
    import pandas as pd

    stages = list(stages)
    stage = stage or stages[-2]
    if stage not in stages[:-1]:
        raise unknown("stage", "stage", stage, stages[:-1])
    names = [barrier] if isinstance(barrier, str) else list(barrier)
    schemas.require(events, "events", column, action, *adjust)
    words = engine.distinct(events, action)
    for name in names:
        if name not in words:
            raise unknown("barrier", "event", name, words)
    more = {
        "a": engine.code(action, words),
        **{
            f"x{i}": engine.code(c, engine.distinct(events, c), others=True)
            for i, c in enumerate(adjust)
        },
    }
    view, begin, end = view_of(events, stages, None, until, column, more)
    kernel = _Barriers(
        len(stages),
        schemas.micros("gap", gap),
        end,
        begin,
        stages.index(stage),
        [words.index(n) for n in names],
        len(adjust),
    )
    d = engine.ordered(view, kernel, then=("t", "k")).sort_values(
        ["customer", "cell", "met"], ignore_index=True
    )
    met = d["met"].to_numpy(bool)
    n = d["contacts"].to_numpy(float)
    if n[met].sum() < 50 or n[~met].sum() < 50:
        raise NotEnoughData(
            Note(
                "stages.barrier_few",
                "50 contacts with a barrier and 50 without are needed; found {met} and {without}",
                met=n[met].sum(),
                without=n[~met].sum(),
            )
        )
    who = np.unique(d["customer"].astype(str), return_inverse=True)[1]
    m = who.max() + 1
    cell = np.unique(d["cell"], return_inverse=True)[1]
    left = d["left"].to_numpy(float)

    def differences(w):
        v = w[who]
        a, b = (np.bincount(cell[hit], (v * n)[hit], cell.max() + 1) for hit in (met, ~met))
        ya, yb = (np.bincount(cell[hit], (v * left)[hit], cell.max() + 1) for hit in (met, ~met))
        both = (a > 0) & (b > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap_ = np.where(both, ya / a - yb / b, 0)
            return np.array(
                [ya.sum() / a.sum() - yb.sum() / b.sum(), (gap_ * a)[both].sum() / a[both].sum()]
            )

    first = d["occasions"] > 0
    rows = [
        {
            "measure": "rate",
            **_ratio(
                d.loc[first, "occasions_met"], d.loc[first, "occasions"], who[first], conf_level
            ),
        },
        {"measure": "left_after_barrier", **_ratio(left[met], n[met], who[met], conf_level)},
        {"measure": "left_after_other", **_ratio(left[~met], n[~met], who[~met], conf_level)},
    ]
    estimate = differences(np.ones(m))
    _, low, high = intervals.bootstrap(
        differences, m, seed=seed, draws=draws, conf_level=conf_level
    )
    for k, name in enumerate(("difference", "cost_adjusted")):
        rows.append(
            {
                "measure": name,
                "count": np.nan,
                "n": int(n.sum()),
                "estimate": estimate[k],
                "conf_low": low[k],
                "conf_high": high[k],
            }
        )
    made = _result(
        "barrier",
        pd.DataFrame(rows),
        int(n.sum()),
        "contacts",
        conf_level,
        [
            Note(
                "stages.barrier_limit",
                "Contacts in '{stage:word}', those too close to the end of the data left "
                "out. What was not recorded may differ between the two: this goes "
                "together, it does not prove.",
                stage=stage,
            )
        ],
        ["measure"],
    )
    return replace(made, evidence="associational")


def _ratio(y, x, who, conf_level):
    size = who.max() + 1
    y, x = np.bincount(who, y, size), np.bincount(who, x, size)
    estimate, se, _, _ = intervals.ratio(y[x > 0], x[x > 0], conf_level)
    low, high = intervals.clustered(estimate, se, x.sum(), (x > 0).sum(), conf_level)
    return {
        "count": y.sum(),
        "n": int(x.sum()),
        "estimate": estimate,
        "conf_low": float(low),
        "conf_high": float(high),
    }


class _Barriers(Episodes):
    """The kernel of `barriers`: contacts and departures by customer, with and without a barrier, in
    cells of like contacts.
    """

    def __init__(self, stages, gap, end, begin, stage, names, adjust):
        super().__init__(stages, gap, end, begin)
        self.stage, self.names, self.adjust = stage, names, adjust

    def __call__(self, batch):
        edges = self.edges(batch)
        outcome, _ = self.closing(batch, edges)
        m, n = len(edges), len(batch)
        episode = np.repeat(np.arange(m), np.diff(np.append(edges, n))) if m else np.zeros(0, int)
        last = np.append(edges[1:], n)[:m] - 1
        # Only contacts whose sequel is known by the end of the data: later ones that led to nothing
        # yet would be missing, those that led to an order not.
        at = (
            (batch["k"] == self.stage) & (batch["t"] <= self.end - self.gap)
            if m
            else np.zeros(0, bool)
        )
        met = np.isin(batch["a"], self.names)
        # Contacts so far, in doublings, so that like is compared with like.
        so_far = np.arange(n) - edges[episode] if m else np.zeros(0, int)
        cell = np.floor(np.log2(so_far + 1)).astype(np.int64) if m else np.zeros(0, np.int64)
        for i in range(self.adjust):
            cell = cell * 1000 + np.minimum(batch[f"x{i}"], 999)
        left = (outcome[episode] == 2) & (np.arange(n) == last[episode]) if m else at
        rows = np.flatnonzero(at)
        who = batch.customer[rows] if len(rows) else rows
        order = np.lexsort((met[rows], cell[rows], who))
        rows, who = rows[order], who[order]
        new = np.ones(len(rows), bool)
        new[1:] = (
            (np.diff(who) != 0) | (np.diff(cell[rows]) != 0) | (np.diff(met[rows].astype(int)) != 0)
        )
        head = np.flatnonzero(new)
        key = np.cumsum(new) - 1
        hit = np.bincount(episode, at & met, m) > 0 if m else np.zeros(0, bool)
        inside = np.bincount(episode, at, m) > 0 if m else hit
        owner = batch.customer[edges] if m else np.zeros(0, int)
        size = (owner.max() + 1) if m else 0
        total, total_met = np.bincount(owner, inside, size), np.bincount(owner, hit, size)
        first = np.ones(len(head), bool)
        first[1:] = np.diff(who[head]) != 0
        return {
            "customer": batch["customer"][rows[head]],
            "cell": cell[rows[head]],
            "met": met[rows[head]],
            "contacts": np.bincount(key, minlength=len(head)).astype(np.int64),
            "left": np.bincount(key, left[rows], len(head)).astype(np.int64),
            "occasions": np.where(first, total[who[head]], 0).astype(np.int64) if m else key,
            "occasions_met": (
                np.where(first, total_met[who[head]], 0).astype(np.int64) if m else key
            ),
        }


@analysis
def checkpoints(profile, rules, *, time="opened_at", period="month", conf_level=0.95):
    """Which share of decision occasions passes each checkpoint, and does it leave its usual range?

    Parameters
    ----------
    profile : DataFrame, one row per occasion, such as from `stages.profile`
    rules : dict
        Checkpoint = expression over its columns, such as {"saw a price within 3 visits":
        "events_evaluation > 0 and sessions <= 3"}.
    time : str
        Column that gives the period.
    period : str
        "day", "week" or "month" (UTC).

    Returns
    -------
    Result
        checkpoint, period, count, n (occasions), estimate, conf_low, conf_high (Wilson), centre,
        lower_limit, upper_limit (three-sigma limits of a p-chart, Laney's where the counts
        vary more than chance), outside (whether the period lies beyond them), incomplete (some of
        its occasions are still open: not judged).

    Raises
    ------
    InputError
        For an expression that cannot be read or gives no yes or no.

    Source: Montgomery (2019), Statistical Quality Control; Laney (2002), Quality Engineering 14.
    """
    import pandas as pd

    if period not in ("day", "week", "month"):
        raise unknown("period", "period", period, ("day", "week", "month"))
    if not len(profile):
        raise NotEnoughData(Note("stages.no_episode", "there is no closed occasion"))
    label = (
        profile[time]
        .dt.tz_localize(None)
        .dt.to_period({"day": "D", "week": "W", "month": "M"}[period])
        .dt.start_time
    )
    # A period with occasions still open shows what came quickly: it is marked, not judged.
    running = (
        (profile["outcome"] == "open").groupby(label).any()
        if "outcome" in profile
        else label.groupby(label).size() < 0
    )
    tables = []
    for name, rule in rules.items():
        try:
            passed = profile.eval(rule)
        except Exception as error:  # noqa: BLE001 - the rule is the user's own expression
            raise InputError(
                "stages.error_checkpoint_cannot_read",
                "checkpoint '{name}': cannot read {rule:repr} ({name2}: {error})",
                name=name,
                rule=rule,
                name2=type(error).__name__,
                error=error,
            ) from None
        if getattr(passed, "dtype", None) != np.dtype(bool):
            raise InputError(
                "stages.error_checkpoint_gives_no_yes_or",
                "checkpoint '{name}': {rule:repr} gives no yes or no",
                name=name,
                rule=rule,
            )
        table = (
            passed.groupby(label)
            .agg(["sum", "size"])
            .rename(columns={"sum": "count", "size": "n"})
            .rename_axis("period")
            .reset_index()
        )
        table.insert(0, "checkpoint", name)
        table["incomplete"] = table["period"].map(running).to_numpy(bool)
        table["estimate"] = table["count"] / table["n"]
        table["conf_low"], table["conf_high"] = intervals.wilson(
            table["count"], table["n"], conf_level
        )
        judged = table if table["incomplete"].all() else table[~table["incomplete"]]
        centre = judged["count"].sum() / judged["n"].sum()
        sigma = np.sqrt(centre * (1 - centre) / table["n"])
        with np.errstate(divide="ignore", invalid="ignore"):
            score = ((table["estimate"] - centre) / sigma)[judged.index].to_numpy()
        # Laney: where the scores move more than chance lets them, the limits widen by as much.
        wider = (
            max(np.abs(np.diff(score)).mean() / 1.128, 1.0)
            if len(score) > 2 and np.isfinite(score).all()
            else 1.0
        )
        table["centre"] = centre
        table["lower_limit"], table["upper_limit"] = (
            np.maximum(centre - 3 * sigma * wider, 0),
            np.minimum(centre + 3 * sigma * wider, 1),
        )
        table["outside"] = ~table["incomplete"] & (
            (table["estimate"] < table["lower_limit"]) | (table["estimate"] > table["upper_limit"])
        )
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    few = table.groupby("checkpoint").size().min() < 12 or (table["n"] * table["centre"]).min() < 5
    limits = [
        Note(
            "stages.checkpoint_limit",
            "A period outside its limits asks for a reason; it does not give one. "
            "Periods with occasions still open are marked, not judged.",
        ),
        *(
            [
                Note(
                    "stages.checkpoint_few",
                    "Fewer than 12 periods, or fewer than 5 expected in one: read the limits "
                    "as a guide only.",
                )
            ]
            if few
            else []
        ),
    ]
    return Result(
        question=Note(
            "stages.checkpoint_question", "Which share passes each checkpoint, and is that usual?"
        ),
        table=table,
        method=Note(
            "stages.checkpoint_method",
            "Share of occasions a period with Wilson interval; three-sigma limits of a "
            "p-chart, widened after Laney where periods vary more than chance.",
        ),
        unit="episodes",
        n=len(profile),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="period",
            group="checkpoint",
            percent=True,
            xlabel=Note("stages.period_axis", "Period"),
            ylabel=Note("stages.checkpoint_axis", "Share that passes"),
        ),
    )


def _result(key, table, n, unit, conf_level, limits, label, group=None):
    return Result(
        question=t(f"stages.{key}_question"),
        table=table,
        method=t(f"stages.{key}_method"),
        unit=unit,
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=list(label),
            percent=True,
            xlabel=t(f"stages.{key}_axis"),
            **{"group": group} if group else {},
        ),
    )
