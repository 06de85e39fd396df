"""Views of a simulated market and its studies, ready for one question."""

import numpy as np
import pandas as pd

from workbench.simulate.studies import _made
from workbench.simulate.world import WOKEN

PAID = ("display", "social")  # triggers that are adverts
# How a feature is answered, functional and dysfunctional, by four kinds of people.
WISHES = {
    "returns": ([2, 2, 3, 1], [5, 5, 4, 5]),
    "delivery": ([1, 1, 2, 1], [5, 5, 5, 3]),
    "gift_wrap": ([1, 1, 3, 3], [3, 3, 3, 4]),
}


def recommended(market, against=PAID):
    """Return the needs of a market that a recommendation woke, and those that adverts woke.

    Returns a DataFrame of needs that have ended: customer_id, trigger, referred and bought (0 or
    1), bought_before (earlier orders, three at most), side, set_size.
    """
    needs = market.truth["episodes"].query("outcome != 'open'")
    needs = needs.assign(
        bought=(needs["outcome"] == "bought").astype(int),
        referred=(needs["trigger"] == "referral").astype(int),
        bought_before=np.minimum(needs["orders_before"], 3),
    )
    needs = with_side(market, needs)
    chosen = _made(needs[needs["trigger"].isin(["referral", *against])])
    chosen.attrs["unit"] = "needs"
    return chosen


def woken(market):
    """Return the needs of a market that have ended, by what woke them.

    Returns a DataFrame: customer_id, variant (from_within, woken_by_friend, woken_by_advert,
    woken_by_mail) and bought (0 or 1).
    """
    needs = market.truth["episodes"].query("outcome != 'open'")
    made = needs[["customer_id"]].assign(
        variant=needs["trigger"].map({"internal": "from_within", **WOKEN}),
        bought=(needs["outcome"] == "bought").astype(int),
    )
    made.attrs["unit"] = "needs"
    return _made(made)


def with_side(market, table, customer="customer_id"):
    """Return a table of a market with the side of its customers, B2C or B2B."""
    sides = market["customers"].set_index("customer_id")["side"]
    return _made(table.assign(side=table[customer].map(sides)))


def bought_again(market, answers, within="90D"):
    """Return answers on an order with `again`: whether the customer bought later (0 or 1).

    Answers on the last `within` of the orders are left out: those customers had less time.
    """
    orders = market["orders"]
    joined = answers.merge(orders[["order_id", "customer_id", "ordered_at"]], on="order_id")
    last = orders.groupby("customer_id")["ordered_at"].max()
    joined["again"] = (joined["customer_id"].map(last) > joined["ordered_at"]).astype(int)
    early = joined["ordered_at"] < joined["ordered_at"].max() - pd.Timedelta(within)
    return _made(joined[early])


def wishes(people=200, *, seed=1):
    """Make answers of people on how they feel with and without three features.

    Returns a DataFrame: respondent_id, feature, functional, dysfunctional (1 to 5, as
    `drivers.kano` takes them).
    """
    rng = np.random.default_rng(seed)
    n = people * len(WISHES)
    features = np.tile(list(WISHES), people)
    kind = rng.integers(0, 4, n)
    other = rng.permutation(kind)
    return _made(
        pd.DataFrame(
            {
                "respondent_id": np.repeat(np.arange(people), len(WISHES)),
                "feature": features,
                "functional": [WISHES[f][0][k] for f, k in zip(features, kind, strict=True)],
                "dysfunctional": [WISHES[f][1][k] for f, k in zip(features, other, strict=True)],
            }
        )
    )


def reasons(felt, names=("feels_good", "solves_problem", "makes_happy")):
    """Return the reasons people named, a row each, for `drivers.stated_importance`."""
    return _made(felt.melt(["respondent_id"], list(names), "factor", "value"))


def next_moves(events, stages=("need", "search", "evaluation", "intent")):
    """Return every event in one of the stages with the stage of the customer's next event.

    Events without a stage are left out, and so is a customer's last event.
    """
    moves = events.dropna(subset=["stage"]).sort_values(["customer_id", "occurred_at"])
    following = moves.groupby("customer_id")["stage"].shift(-1)
    moves = moves.assign(next_stage=following).dropna(subset=["next_stage"])
    return _made(moves[moves["stage"].isin(stages)])


def diaries(market, people=400, *, seed=1):
    """Let some customers of a market, chosen by chance, write down their decisions.

    Returns the numbers of those who kept a diary, and a DataFrame of their decisions: customer_id,
    outcome, the stages gone through in mind, considered (brands thought of).
    """
    everybody = market.truth["customers"]["customer_id"].to_numpy()
    chosen = np.random.default_rng(seed).permutation(len(everybody))[:people]
    asked = np.sort(everybody[chosen])
    decisions = market.truth["episodes"]
    mine = decisions[decisions["customer_id"].isin(asked)]
    kept = ["customer_id", "outcome", "need", "search", "evaluation", "intent", "purchase"]
    return asked, _made(mine[kept].assign(considered=mine["set_size"]).reset_index(drop=True))


def order_ids(market, occasions):
    """Return the order behind every bought occasion of a market; missing for the others."""
    orders = market["orders"][["customer_id", "ordered_at", "order_id"]]
    closed = orders.rename(columns={"ordered_at": "closed_at"}).drop_duplicates()
    keys = occasions[["customer_id", "closed_at"]]
    found = keys.merge(closed, on=["customer_id", "closed_at"], how="left")["order_id"]
    bought = (occasions["outcome"] == "bought").to_numpy()
    return pd.Series(found.where(bought).to_numpy(), index=occasions.index, name="order_id")


def asked_buyers(market, occasions, stages, people=600, *, seed=1):
    """Ask buyers of a market, chosen by chance, which stages they went through before they bought.

    Returns their bought occasions with a column true_STAGE a stage. People are customers who
    bought; every purchase of theirs is asked about.
    """
    order = order_ids(market, occasions)
    bought = occasions[order.notna()].assign(order_id=order.dropna().astype(int))
    buyers = np.sort(bought["customer_id"].unique())
    chosen = buyers[np.random.default_rng(seed).permutation(len(buyers))[:people]]
    bought = bought[bought["customer_id"].isin(chosen)]
    decisions = market.truth["episodes"]
    mind = decisions[list(stages)].add_prefix("true_")
    mind = mind.assign(order_id=decisions["customer_id"] * 1000 + decisions["episode"])
    return _made(bought.merge(mind, on="order_id", how="left").drop(columns="order_id"))
