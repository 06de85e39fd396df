"""What a firm would learn from tests and mailings in a simulated market."""

import numpy as np


def channel_tests(truth, channels, *, std_error=30.0, seed=1):
    """Return what experiments on some channels would find: the truth with an error of each test.

    `truth` is the table of `simulate.channel_effects`. Returns a DataFrame with channel,
    incremental (orders the test found) and std_error, fit for
    `attribution.calibrate_to_experiments`.
    """
    rng = np.random.default_rng(seed)
    tests = truth[truth["channel"].isin(channels)].assign(std_error=std_error)
    luck = rng.normal(0, std_error, len(tests))
    return tests.assign(incremental=tests["incremental_orders"] + luck)


def assigned(market, test):
    """Return who was put in which arm of a test, with their orders and side of the market.

    `market` was made with `tests=[…]`. Returns a DataFrame: customer_id, test, variant, orders,
    side.
    """
    counts = market["orders"].groupby("customer_id").size()
    people = market["assignments"]
    people = people[people["test"] == test]
    people = people.assign(orders=people["customer_id"].map(counts).fillna(0))
    people = people.merge(market["customers"][["customer_id", "side"]], on="customer_id")
    people.attrs["simulated"] = True
    return people


def mailing(market, number=7, *, window="28D"):
    """Return who got a mailing and who was held back, with what they did before and after.

    Parameters
    ----------
    market : Market
    number : int
        Which mailing, counted from the first.
    window : str
        How long orders are counted after it.

    Returns a DataFrame: customer_id, variant (mail, holdout), early (orders before), soon (orders
    within the window), clicks (logarithm of acts before), side, mailed and buys (0 or 1).
    """
    import pandas as pd

    mails, orders, events = market["emails"], market["orders"], market["events"]
    chosen = mails["campaign_id"].drop_duplicates().sort_values().iloc[number - 1]
    sent = mails[mails["campaign_id"] == chosen]
    moment = sent["sent_at"].iloc[0]
    before = orders["ordered_at"] < moment
    after = ~before & (orders["ordered_at"] < moment + pd.Timedelta(window))
    acts = events.loc[events["occurred_at"] < moment].groupby("customer_id").size()
    who = sent["customer_id"]
    people = sent[["customer_id", "variant"]].assign(
        early=who.map(orders[before].groupby("customer_id").size()).fillna(0),
        soon=who.map(orders[after].groupby("customer_id").size()).fillna(0),
        clicks=np.log1p(who.map(acts).fillna(0)),
    )
    people = people.merge(market["customers"][["customer_id", "side"]], on="customer_id")
    people["mailed"] = (people["variant"] == "mail").astype(int)
    people["buys"] = (people["soon"] > 0).astype(int)
    people.attrs["simulated"] = True
    return people
