"""How do people move through a site or shop? Sessions and moves from one event to the next."""

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData
from workbench.results import Result, analysis
from workbench.texts import number, t

SECOND = 1_000_000


@analysis
def sessions(events, *, timeout="30min", conf_level=0.95):
    """How often do people come, and how much do they do in a visit?

    A session ends when the pause to the next event is longer than `timeout`.

    Parameters
    ----------
    events : table with customer_id, occurred_at
    timeout : str
        Such as "30min".

    Returns
    -------
    Result
        One row per measure: measure (sessions_per_customer, events_per_session,
        seconds_per_session, one_event_share), count (numerator), n (denominator), estimate, std_error,
        conf_low, conf_high. Interval: delta method with the customer as sampling unit.

    Raises
    ------
    NotEnoughData
        If the table holds no event with a customer and a time.

    Source: Deng, Knoblich & Lu (2018), KDD, for the interval.
    """
    import pandas as pd

    schemas.require(events, "events")
    view = engine.view(events, customer=engine.key("customer_id"), t=engine.micros("occurred_at"))
    sums = engine.ordered(view, _Sessions(schemas.micros("timeout", timeout))).groupby("measure")[_MOMENTS].sum()
    if not len(sums) or sums["customers"].max() == 0:
        raise NotEnoughData("sessions: the table holds no event with a customer and a time")
    rows = []
    for i, name in enumerate(_MEASURES):
        estimate, se = _ratio(sums.loc[i])
        low, high = (float(v) for v in intervals.normal(estimate, se, conf_level))
        if name == "one_event_share":
            low, high = max(low, 0.0), min(high, 1.0)
            if estimate in (0, 1):
                low, high = intervals.wilson_clustered(sums.loc[i, "y"], sums.loc[i, "x"], int(sums.loc[i, "customers"]), conf_level)
        rows.append({"measure": name, "count": sums.loc[i, "y"], "n": int(sums.loc[i, "x"]), "estimate": estimate,
                     "std_error": se, "conf_low": low, "conf_high": high})
    table = pd.DataFrame(rows)
    return Result(question=t("journeys.sessions_question"), table=table, unit="customers",
                  method=t("journeys.sessions_method", timeout=timeout), n=int(sums["customers"].max()),
                  conf_level=conf_level, limits=(t("journeys.last_page"),),
                  chart={"kind": "points", "label": ["measure"], "xlabel": t("journeys.sessions_axis")})


@analysis
def transitions(events, *, timeout=None, conf_level=0.95):
    """What do people do next after each event?

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    timeout : str or None
        Longest pause between two events that still counts as a move, such as "30min".

    Returns
    -------
    Result
        event, next_event, count (moves), n (moves away from event), estimate, std_error, conf_low,
        conf_high. Events at the same instant follow in alphabetical order. Interval: delta method
        with the customer as sampling unit.

    Raises
    ------
    NotEnoughData
        If no customer has two events.

    Source: Deng, Knoblich & Lu (2018), KDD, for the interval.
    """
    import pandas as pd

    schemas.require(events, "events")
    names = engine.distinct(events, "event")
    view = engine.view(events, customer=engine.key("customer_id"), t=engine.micros("occurred_at"),
                       k=engine.code("event", names))
    width = schemas.micros("timeout", timeout, none=True)
    sums = engine.ordered(view, _Transitions(len(names), width), then=("t", "k"))
    sums = sums.groupby("cell")[_MOMENTS].sum().reset_index()
    sums = sums[sums["y"] > 0]
    if not len(sums):
        raise NotEnoughData("transitions: no customer has two events in a row")
    # Customers who left the event without this move count in the denominator of every cell.
    rows = pd.DataFrame({"event": np.array(names, object)[sums["cell"] // len(names)],
                         "next_event": np.array(names, object)[sums["cell"] % len(names)]})
    origin = sums.assign(event=rows["event"].to_numpy()).groupby("event")
    total, total_sq = origin["y"].sum(), origin["xx_all"].max()
    customers = origin["customers"].max()
    n = rows["event"].map(total).to_numpy()
    estimate = sums["y"].to_numpy() / n
    xx = rows["event"].map(total_sq).to_numpy()
    c = rows["event"].map(customers).to_numpy()
    spread = sums["yy"].to_numpy() - 2 * estimate * sums["xy"].to_numpy() + estimate**2 * xx
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.where(c > 1, np.sqrt(c / (c - 1) * np.maximum(spread, 0)) / n, np.nan)
    low, high = intervals.normal(estimate, se, conf_level)
    # Where all moves go one way the moves' spread is 0; then the number of customers tells.
    low, high = np.where(estimate == 1, intervals.wilson(c, c, conf_level)[0], low), np.where(estimate == 1, 1.0, high)
    table = rows.assign(count=sums["y"].to_numpy().astype(int), n=n.astype(int), estimate=estimate, std_error=se,
                        conf_low=np.clip(low, 0, 1), conf_high=np.clip(high, 0, 1))
    table = table.sort_values(["event", "count", "next_event"], ascending=[True, False, True], ignore_index=True)
    return Result(question=t("journeys.transitions_question"), table=table, unit="moves", n=int(table["count"].sum()),
                  method=t("journeys.transitions_method", timeout=timeout or t("funnels.no_window")), conf_level=conf_level,
                  limits=(t("journeys.moves_limit", n=number(table["count"].sum())),),
                  chart={"kind": "heat", "row": "event", "column": "next_event", "percent": True,
                         "xlabel": t("journeys.next_axis"), "ylabel": t("journeys.transitions_axis")})


_MEASURES = ("sessions_per_customer", "events_per_session", "seconds_per_session", "one_event_share")
_MOMENTS = ["customers", "y", "x", "yy", "xy", "xx", "xx_all"]


class _Sessions:
    """The kernel of `sessions`: per measure, the sums from which a ratio and its error follow."""

    def __init__(self, timeout):
        self.timeout = timeout

    def __call__(self, batch):
        time, n = batch["t"], len(batch.starts)
        new = np.zeros(len(batch), bool)
        new[1:] = np.diff(time) > self.timeout
        new[batch.starts] = True
        begin = np.flatnonzero(new)
        size = np.diff(np.append(begin, len(batch)))
        owner = batch.customer[begin]
        visits = np.bincount(owner, minlength=n).astype(float)
        seconds = (time[begin + size - 1] - time[begin]) / SECOND if len(begin) else np.zeros(0)
        ones = np.ones(n)
        per = [(visits, ones), (np.bincount(owner, size, n), visits), (np.bincount(owner, seconds, n), visits),
               (np.bincount(owner, size == 1, n), visits)]
        rows = [[n, y.sum(), x.sum(), (y * y).sum(), (x * y).sum(), (x * x).sum(), (x * x).sum()] for y, x in per]
        return {"measure": np.arange(len(per)), **dict(zip(_MOMENTS, np.array(rows, float).T, strict=True))}


class _Transitions:
    """The kernel of `transitions`: per pair of events, the sums behind its share and error."""

    def __init__(self, names, width):
        self.names, self.width = names, width

    def __call__(self, batch):
        k, time, who = batch["k"].astype(np.int64), batch["t"], batch.customer.astype(np.int64)
        e = self.names
        follows = who[1:] == who[:-1]
        if self.width is not None:
            follows &= np.diff(time) <= self.width
        at = np.flatnonzero(follows)
        pairs, moves = np.unique((who[at] * e + k[at]) * e + k[at + 1], return_counts=True)
        origin = pairs // e
        new = np.concatenate([[True], origin[1:] != origin[:-1]]) if len(pairs) else np.zeros(0, bool)
        group = np.cumsum(new) - 1
        left = np.bincount(group, moves) if len(pairs) else np.zeros(0)
        x, cell = left[group] if len(pairs) else left, pairs % (e * e)
        size = e * e
        origin_of = origin[new] % e
        per_origin = np.repeat(np.bincount(origin_of, left**2, e), e)
        people = np.repeat(np.bincount(origin_of, minlength=e), e)
        sums = [people, np.bincount(cell, moves, size), np.bincount(cell, x, size), np.bincount(cell, moves**2, size),
                np.bincount(cell, moves * x, size), np.bincount(cell, x * x, size), per_origin]
        return {"cell": np.arange(size), **{m: np.asarray(s, float) for m, s in zip(_MOMENTS, sums, strict=True)}}


def _ratio(m):
    """Return a ratio of sums and its delta-method error from customers' first and second moments."""
    estimate = m["y"] / m["x"]
    if m["customers"] < 2:
        return estimate, np.nan
    spread = m["yy"] - 2 * estimate * m["xy"] + estimate**2 * m["xx"]
    return estimate, np.sqrt(m["customers"] / (m["customers"] - 1) * max(spread, 0)) / m["x"]
