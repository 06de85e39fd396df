"""What is true of a simulated market, computed from the states it was made with.

Every function takes a `simulate.Market` and reads its tables of truth: decisions with their
beginning, end and outcome, the stages gone through in mind, the brands thought of, the chance of
giving up after every contact with a barrier and without one. Nothing here looks at what a firm
would have on file or shares code with an estimator. Decisions still open at the end count where
a function says so. Each function returns a dictionary: name of a row = its true value.
"""

import numpy as np

from workbench.simulate.beside import beside, recovery

STAGES = ("need", "search", "evaluation", "intent", "purchase")
MIND = ("need", "search", "evaluation", "intent")
QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
__all__ = [
    "STAGES",
    "beside",
    "bought_within",
    "considered",
    "effort",
    "flows",
    "given_up_in",
    "impulse",
    "leaving",
    "looped",
    "minutes_in_stage",
    "moves",
    "now",
    "outcomes",
    "reach",
    "recovery",
    "skipped",
    "skipping_by",
    "staying",
    "triggers",
]


def reach(market, stages=STAGES):
    """Return the share of all decisions, open ones too, that went through each stage in mind."""
    decisions = market.truth["episodes"]
    return {stage: float(decisions[stage].mean()) for stage in stages}


def outcomes(market):
    """Return the share of all decisions that were bought, given up (abandoned) and open."""
    return _shares(market.truth["episodes"]["outcome"])


def skipped(market, stages=("search", "evaluation")):
    """Return the share of purchases whose decision left out each stage in mind, and all of them."""
    bought = market.truth["episodes"].query("outcome == 'bought'")
    out = {stage: float(1 - bought[stage].mean()) for stage in stages}
    if len(stages) > 1:
        out[" + ".join(stages)] = float((~bought[list(stages)].any(axis=1)).mean())
    return out


def considered(market, outcome="bought"):
    """Return the mean number of brands thought of, and the share of decisions by that number."""
    size = market.truth["episodes"].query("outcome == @outcome")["set_size"]
    shares = {str(k) if k < 6 else "6+": float((size == k).mean()) for k in range(1, 7)}
    return {"mean": float(size.mean()), **shares}


def given_up_in(market, stages=MIND):
    """Return the share of decisions given up in each stage: that of the last contact before."""
    events = market.truth["events"]
    events = events[events["stage"].isin(MIND)]
    key = ["customer_id", "episode"]
    last = events.sort_values([*key, "occurred_at"], kind="stable").drop_duplicates(
        key, keep="last"
    )
    decisions = market.truth["episodes"].query("outcome == 'abandoned'")
    stage = decisions[key].merge(last, on=key, how="left")["stage"]
    return {name: float((stage == name).mean()) for name in stages}


def leaving(market, barrier="out_of_stock", stage="evaluation"):
    """Return the chance of giving up right after a contact of a stage that was the barrier, after
    another one, their difference, and what the barrier did: the chance at the contacts that met it
    less the chance of the same contacts had it not been there.
    """
    contacts = market.truth["events"].query("stage == @stage and leave_chance.notna()")
    met = contacts["event"] == barrier
    after, other = (float(contacts.loc[m, "leave_chance"].mean()) for m in (met, ~met))
    hit = contacts[met]
    return {
        "left_after_barrier": after,
        "left_after_other": other,
        "difference": after - other,
        "cost_adjusted": float((hit["leave_if_barrier"] - hit["leave_if_clear"]).mean()),
    }


def bought_within(market, days):
    """Return the share of decisions bought within so many days of their opening, of those opened
    at least so long before the end.
    """
    import pandas as pd

    decisions = market.truth["episodes"]
    end = market.truth["events"]["occurred_at"].max()
    took = decisions["closed_at"] - decisions["opened_at"]
    out = {}
    for day in days:
        width = pd.Timedelta(days=day)
        old = decisions["opened_at"] <= end - width
        hit = (decisions["outcome"] == "bought") & (took <= width)
        out[day] = float(hit[old].mean())
    return out


def minutes_in_stage(market, stages=MIND):
    """Return the quartiles of minutes between the first contact in a stage and the first in the
    next stage of the same decision, tracked or not: (stage, quantile) = minutes.
    """
    key = ["customer_id", "episode"]
    events = market.truth["events"]
    events = events[events["stage"].isin(STAGES)].sort_values([*key, "occurred_at"], kind="stable")
    before = events.groupby(key, sort=False)["stage"].shift()
    stays = events[events["stage"] != before]
    ends = stays.groupby(key, sort=False)["occurred_at"].shift(-1)
    minutes = (ends - stays["occurred_at"]).dt.total_seconds() / 60
    return {
        (stage, name): float(minutes[stays["stage"] == stage].quantile(share))
        for stage in stages
        for name, share in QUARTILES.items()
    }


def moves(market, stages=STAGES):
    """Return, of the decisions that entered a stage, the share that entered each other one next:
    (from, to) = share, over every time it was entered.
    """
    steps = _steps(market)
    out = {}
    for stage in stages[:-1]:
        to = steps.loc[steps["stage"] == stage, "to"]
        out |= {(stage, other): float((to == other).mean()) for other in stages if other != stage}
    return out


def flows(market, stages=STAGES):
    """Return, of the decisions that went through a stage, the share whose next one in rank order
    was each later one: (from, to) = share.
    """
    passed = market.truth["episodes"][list(stages)].to_numpy(bool)
    out = {}
    for i, stage in enumerate(stages[:-1]):
        later = passed[passed[:, i], i + 1 :]
        nxt = np.where(later.any(axis=1), later.argmax(axis=1), -1)
        out |= {(stage, to): float((nxt == k).mean()) for k, to in enumerate(stages[i + 1 :])}
    return out


def impulse(market, by="side"):
    """Return the share of first orders whose decision left search and evaluation out on impulse, by
    the side of the customer; nobody skips a stage from habit before a first order.
    """
    first = market.truth["episodes"].query("outcome == 'bought' and orders_before == 0")
    side = first["customer_id"].map(market["customers"].set_index("customer_id")[by])
    return {str(k): float(v) for k, v in first["skipped"].groupby(side).mean().items()}


def staying(market, months, length="30D"):
    """Return the share of customers who were still customers at the end of each month after their
    first order, of those first orders at least so long before the end.
    """
    import pandas as pd

    bought = market.truth["episodes"].query("outcome == 'bought'")
    first = bought.groupby("customer_id")["closed_at"].min()
    left = market.truth["customers"].set_index("customer_id")["left_at"].reindex(first.index)
    end, out = market.truth["events"]["occurred_at"].max(), {}
    for month in months:
        then = first + month * pd.Timedelta(length)
        out[month] = float((left.isna() | (left > then))[then <= end].mean())
    return out


def looped(market):
    """Return the share of decisions that went back to an earlier stage in mind, by outcome."""
    steps = _steps(market)
    rank = {stage: i for i, stage in enumerate(STAGES)}
    back = steps["to"].map(rank) < steps["stage"].map(rank)
    key = ["customer_id", "episode"]
    went = steps.loc[back, key].drop_duplicates().assign(back=True)
    decisions = market.truth["episodes"].merge(went, on=key, how="left")
    hit = decisions["back"].notna()
    return {o: float(hit[decisions["outcome"] == o].mean()) for o in ("bought", "abandoned")}


def triggers(market, outcome=None):
    """Return the share of decisions that each thing woke: within, or a channel."""
    decisions = market.truth["episodes"]
    if outcome is not None:
        decisions = decisions[decisions["outcome"] == outcome]
    return _shares(decisions["trigger"])


def effort(market, outcome="bought"):
    """Return the median number of contacts and visits of a decision, seen by anybody or not."""
    decisions = market.truth["episodes"].query("outcome == @outcome")
    return {"events": float(decisions["events"].median()), "sessions": _median(decisions, "visits")}


def now(market, customers, moment, stages=("idle", *MIND, "post_purchase")):
    """Return the share of customers in each stage at a moment."""
    states = market.truth["states"]
    states = states[states["since"] <= moment]
    last = states.sort_values("since", kind="stable").drop_duplicates("customer_id", keep="last")
    stage = last.set_index("customer_id")["stage"].reindex(list(customers)).fillna("idle")
    return {name: float((stage == name).mean()) for name in stages}


def skipping_by(market, groups, stages=("search", "evaluation")):
    """Return the share of purchases that left out the stages in mind, by group.

    Takes a Series: order_id = group. The difference between the two groups "more" and "fewer"
    stands beside them.
    """
    bought = market.truth["episodes"].query("outcome == 'bought'")
    order = bought["customer_id"] * 1000 + bought["episode"]
    skip = ~bought[list(stages)].any(axis=1)
    group = order.map(groups)
    out = {name: float(skip[group == name].mean()) for name in ("more", "fewer")}
    return {**out, "difference": out["more"] - out["fewer"]}


def _steps(market):
    """Return every stay in a stage of a decision, with the stage entered next."""
    import pandas as pd

    states = market.truth["states"].sort_values(["customer_id", "since"], kind="stable")
    nxt = states.shift(-1)
    same = nxt["customer_id"] == states["customer_id"]
    to = nxt["stage"].where(same).replace({"post_purchase": "purchase"})
    stays = states.assign(to=to)[states["stage"].isin(MIND) & same]
    stays = stays.sort_values("since", kind="stable")
    decisions = market.truth["episodes"][["customer_id", "episode", "opened_at"]]
    return pd.merge_asof(
        stays,
        decisions.sort_values("opened_at", kind="stable"),
        left_on="since",
        right_on="opened_at",
        by="customer_id",
    )


def _shares(values):
    return {str(k): float(v) for k, v in values.value_counts(normalize=True).items()}


def _median(table, column):
    return float(table[column].median())
