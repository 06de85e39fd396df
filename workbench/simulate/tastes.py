"""Customers whose tastes are known: what each likes, what goes together, who changed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TOPICS = (
    *("tea", "coffee", "books", "music", "garden", "tools", "cycling", "running"),
    *("cooking", "wine", "games", "photo", "travel", "baking", "painting", "fishing"),
    *("sewing", "sailing", "chess", "yoga", "cinema", "birds", "history", "pottery"),
)
# Whoever takes to the first comes to like the second too.
RELATED = (("tea", "books"), ("cooking", "wine"), ("garden", "tools"))
PRODUCTS = 12  # of each topic
SPACES = ("personal", "professional")
EFFECTS = ("affinity", "related", "drift", "personal_products")
SPAN = 360  # days


@dataclass(frozen=True, eq=False)
class Tastes:
    """What customers did, and what they like.

    `acts` (customer_id, occurred_at, category, product_id, order_id, quantity, amount, space),
    `stated` (customer_id, category, space: what customers say they are interested in), and the
    truth: `shares` (customers × topics, of the personal space, as they were at first), `everybody`
    (the mean of those over all), `related` (pairs that go together), `drifted` (whose tastes
    changed halfway), `concentration`.
    """

    acts: pd.DataFrame
    stated: pd.DataFrame
    shares: pd.DataFrame
    everybody: pd.Series
    related: tuple
    drifted: pd.Series
    concentration: float


def tastes(
    customers=600,
    *,
    acts=30,
    concentration=6.0,
    drifting=0.3,
    no_effect=(),
    seed=1,
):
    """Make customers who act on tastes of their own.

    Planted: the share of a customer's acts in each topic is drawn from a Dirichlet distribution
    around that of everybody; `concentration` is how alike they are. Whoever leans to the first of a
    related pair leans to the second as much. A share `drifting` draws new tastes halfway. Within a
    topic each customer prefers some of its products. Acts come in orders of one to four.

    Parameters
    ----------
    customers : int
    acts : float
        Mean number of a customer in a year; it differs much between customers.
    concentration : float
    drifting : float
    no_effect : sequence of str
        What is switched off: "affinity" (all customers alike), "related", "drift",
        "personal_products" (within a topic all buy what is popular).
    seed : int

    Returns
    -------
    Tastes
    """
    unknown = set(no_effect) - set(EFFECTS)
    if unknown:
        raise ValueError(f"no effect named {sorted(unknown)}")
    rng = np.random.default_rng(seed)
    popular = rng.permutation(np.linspace(2, 1, len(TOPICS)))
    popular = popular / popular.sum()
    on = {name: name not in no_effect for name in EFFECTS}
    first = _drawn(rng, customers, popular, concentration, on)
    later = _drawn(rng, customers, popular, concentration, on)
    drifted = (rng.random(customers) < drifting) & on["drift"]
    n = 1 + rng.poisson(rng.gamma(2, (acts - 1) / 2, customers))
    who = np.repeat(np.arange(customers), n)
    day = rng.uniform(0, SPAN, len(who))
    share = np.where((drifted[who] & (day >= SPAN / 2))[:, None], later[who], first[who])
    topic = (rng.random(len(who))[:, None] > share.cumsum(axis=1)).sum(axis=1)
    topic = np.minimum(topic, len(TOPICS) - 1)
    product = _products(rng, who, topic, customers, on["personal_products"])
    space = (rng.random(len(who)) < 0.3).astype(int)
    # Work has tastes of its own.
    work = rng.dirichlet(np.full(len(TOPICS), 0.5), customers)[who]
    at_work = (rng.random(len(who))[:, None] > work.cumsum(axis=1)).sum(axis=1)
    topic = np.where(space == 1, np.minimum(at_work, len(TOPICS) - 1), topic)
    table = _table(rng, who, day, topic, product, space)
    names = list(TOPICS)
    ids = [f"c{k:05d}" for k in range(customers)]
    shares = pd.DataFrame(first, index=ids, columns=names)
    return Tastes(
        table,
        _stated(rng, shares, popular),
        shares,
        pd.Series(_expected(popular, on), names),
        RELATED if on["related"] else (),
        pd.Series(drifted, ids),
        concentration,
    )


def _expected(popular, on):
    """Return everybody's mean shares: those of related topics are evened out."""
    mean = popular.copy()
    for one, two in RELATED if on["related"] else ():
        pair = [TOPICS.index(one), TOPICS.index(two)]
        mean[pair] = mean[pair].mean()
    return mean


def _drawn(rng, customers, popular, concentration, on):
    """Return tastes of customers: shares of topics that go together within related pairs."""
    if not on["affinity"]:
        return np.tile(_expected(popular, on), (customers, 1))
    shares = rng.dirichlet(concentration * popular, customers)
    for one, two in RELATED if on["related"] else ():
        pair = [TOPICS.index(one), TOPICS.index(two)]
        shares[:, pair] = shares[:, pair].mean(axis=1, keepdims=True)
    return shares


def _products(rng, who, topic, customers, personal):
    """Return the product of each act: popular ones first, and those a customer prefers."""
    base = 1 / np.arange(1, PRODUCTS + 1)
    if not personal:
        chance = np.tile(base / base.sum(), (len(who), 1))
    else:
        # Each customer is of one of four kinds, who like different products of every topic.
        kind = rng.integers(0, 4, customers)
        weight = np.stack([np.roll(base, 3 * k) for k in range(4)])
        chance = weight[kind[who]] / base.sum()
    return np.minimum(
        (rng.random(len(who))[:, None] > chance.cumsum(axis=1)).sum(axis=1), PRODUCTS - 1
    )


def _table(rng, who, day, topic, product, space):
    """Return acts as a table in order of time, those of a customer in orders of one to four."""
    order = np.lexsort((day, who))
    who, day, topic, product, space = (v[order] for v in (who, day, topic, product, space))
    starts = np.r_[True, who[1:] != who[:-1]] | (rng.random(len(who)) < 0.4)
    number = np.cumsum(starts)
    # What stands in one order came at one moment.
    day = day[np.flatnonzero(starts)][number - 1]
    micros = (day * 86_400).round().astype("int64") * 1_000_000
    table = pd.DataFrame(
        {
            "customer_id": [f"c{k:05d}" for k in who],
            "occurred_at": pd.Timestamp("2023-01-01", tz="UTC") + pd.to_timedelta(micros, "us"),
            "category": np.array(TOPICS)[topic],
            "product_id": [f"{TOPICS[t]} {p + 1}" for t, p in zip(topic, product, strict=True)],
            "order_id": number,
            "quantity": 1 + rng.poisson(0.3, len(who)),
            "amount": np.round(rng.gamma(3, 5, len(who)), 2),
            "space": np.array(SPACES)[space],
        }
    )
    table = table.sort_values(["occurred_at", "order_id", "product_id"], ignore_index=True)
    table.attrs["simulated"] = True
    return table


def _stated(rng, shares, popular):
    """Return what customers say they like: topics well above everybody's share, with slips."""
    liked = (shares.to_numpy() > 1.5 * popular) ^ (rng.random(shares.shape) < 0.05)
    who, topic = np.nonzero(liked)
    table = pd.DataFrame(
        {
            "customer_id": shares.index.to_numpy()[who],
            "category": shares.columns.to_numpy()[topic],
            "space": "personal",
        }
    )
    table.attrs["simulated"] = True
    return table
