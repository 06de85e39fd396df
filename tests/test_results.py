"""What every Result promises, checked over all analyses at once."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ledger import compare
from test_choice import market
from test_funnels import random_log
from test_retention import orders

from workbench import (
    attribution,
    choice,
    clv,
    conjoint,
    drivers,
    experience,
    experiments,
    funnels,
    influence,
    interests,
    interviews,
    journeys,
    loyalty,
    prediction,
    results,
    retention,
    segments,
    service,
    stages,
    surveys,
    voice,
)
from workbench.display import figures, render, shares, speaking, tables
from workbench.errors import InputError
from workbench.notes import Note
from workbench.simulate import affect, brands_asked, coding, studies, tastes, writing

RNG = np.random.default_rng(11)
EVENTS = random_log(900, 11)
ORDERS = orders(
    [
        (f"c{c}", float(d), float(a))
        for c, d, a in zip(
            RNG.integers(0, 80, 500), RNG.uniform(0, 300, 500), RNG.gamma(2, 10, 500), strict=True
        )
    ]
)
VISITS = EVENTS.assign(
    session_id=range(len(EVENTS)),
    device_id=EVENTS["customer_id"].astype(str) + EVENTS["group"],
    source=EVENTS["group"],
    medium=EVENTS["group"],
)
SHOP = EVENTS.assign(
    event=EVENTS["event"]
    .map({"p": "site_search", "q": "compare", "r": "order"})
    .fillna("home_view"),
    level=lambda d: d["event"].map(len) % 11,
)
SHOP["customer_id"] = SHOP["customer_id"].astype(str) + SHOP["group"].astype(str)
LONG = random_log(9000, 12, customers=600).assign(
    event=lambda d: d["event"].map(
        {"p": "site_search", "q": "compare", "r": "order", "x": "home_view"}
    )
)
CHOICES = market(12, customers=60).assign(last_bought=False)
STEPS = ["p", "q", "r"]


def kinds_of_shoppers():
    """Two kinds of shoppers far apart, in a group each before and after."""
    rng = np.random.default_rng(21)
    kind = rng.random(160) < 0.6
    later = np.where(rng.random(160) < 0.2, ~kind, kind)
    return pd.DataFrame(
        {
            "customer_id": [f"c{k}" for k in range(160)],
            "visits": rng.normal(np.where(kind, 4, 9), 0.7).round(2),
            "basket": rng.normal(np.where(kind, 30, 8), 3).round(2),
            "later": (rng.random(160) < np.where(kind, 0.2, 0.6)) * 1,
            "kind": np.where(kind, "big", "often"),
            "kind_later": np.where(later, "big", "often"),
            "grade": rng.integers(1, 8, 160),
            "left": (rng.random(160) < 0.3) * 1,
            "own": rng.gamma(2, 10, 160).round(2),
            "stage": rng.choice(["need", "search", "intent", "idle"], 160),
            "stage_before": rng.choice(["need", "search", "intent"], 160),
        }
    ).assign(category=lambda d: d["own"] + (rng.gamma(1, 10, 160) * (d["left"] + 0.5)).round(2))


KINDS_OF_SHOPPERS = kinds_of_shoppers()


def held_at_two_dates(data):
    """The first kind of shoppers, before and after."""
    kind = sorted(data["kind"])[0]
    return [
        results.Segment(
            "first",
            data.loc[data[column] == kind, "customer_id"],
            day,
            simulated=results.is_simulated(data),
        )
        for column, day in (("kind", "2024-01-31"), ("kind_later", "2024-02-29"))
    ]


def halves(orders):
    """Customers by their first amount, whatever their names and the order of the rows."""
    first = orders.sort_values(["ordered_at", "amount"]).groupby("customer_id")["amount"].first()
    return pd.Series(np.where(first > first.median(), "large", "small"), first.index)


SOUGHT = pd.DataFrame(
    {
        "customer_id": np.repeat([f"c{k}" for k in range(60)], 12),
        "benefit": np.where(
            np.random.default_rng(720).random(720) < np.repeat(np.arange(60) % 3, 12) / 2,
            "price",
            "taste",
        ),
    }
)
TYPED = pd.DataFrame(
    {
        "customer_id": [f"c{k}" for k in range(120)],
        "new": np.arange(120) % 3 == 0,
        "impulse": None,
        "angry": np.arange(120) % 8 == 0,
        "insistent": np.arange(120) % 6 == 0,
        "loyal": np.arange(120) % 5 == 1,
        "label": (np.arange(120) % 3 == 0) ^ (np.arange(120) % 7 == 0),
    }
)


def plain(table):
    """A study without its mark, so that the tests can set it themselves."""
    table.attrs.clear()
    return table


def two_kinds(seed, customers=150, per=8):
    """Choices of two kinds of people: one that minds the price and one that minds the display."""
    rng = np.random.default_rng(seed)
    made = market(seed, customers=customers, per=per)
    wide = made[["price", "display"]].to_numpy().reshape(customers * per, 4, 2)
    weights = np.array([[-2.5, 0.2], [-0.3, 2.0]])[
        np.repeat(rng.random(customers) < 0.4, per).astype(int)
    ]
    score = np.einsum("njk,nk->nj", wide, weights) + rng.gumbel(size=(customers * per, 4))
    pick = np.where(made["available"].to_numpy().reshape(-1, 4), score, -np.inf).argmax(axis=1)
    return made.assign(chosen=(np.arange(4) == pick[:, None]).ravel())


LIKED = plain(tastes.tastes(240, seed=5).acts).assign(
    family=lambda d: d["category"].map({t: "abc"[k % 3] for k, t in enumerate(tastes.TOPICS)})
)
KINDS = two_kinds(3)
DESIGN = conjoint.choice_design(
    {"brand": ["A", "B", "C"], "price": [1, 2, 3]}, tasks=9, alternatives=3, starts=2
)
TASKS = plain(
    conjoint.choices(
        DESIGN, studies.answers(DESIGN, {"brand": {"A": 0.5, "B": 0, "C": -0.5}, "price": -0.6}, 80)
    )
)
ANSWERS = pd.DataFrame(
    {
        "respondent_id": np.repeat(np.arange(90), 5),
        "item": np.tile(list("abcde"), 90),
        "value": RNG.integers(1, 8, 450).astype(float),
    }
)
WIDE = pd.DataFrame(
    RNG.normal(size=(160, 1)) + RNG.normal(size=(160, 6)), columns=[f"i{k}" for k in range(6)]
).round(3)
WIDE = WIDE.assign(
    customer_id=[f"p{k}" for k in range(160)],
    y=lambda d: (d["i0"] + d["i1"] + RNG.normal(size=160) > 0).astype(int),
    flag=RNG.integers(0, 2, 160),
    group=RNG.choice(["control", "mail"], 160),
    many=lambda d: (2 * d["i0"] - d["i2"] + RNG.normal(size=160)).round(2),
)
PROMO, REVIEWS, STARS, TRIPS, DEALS, VILLAGES, MEDIA = (
    plain(t)
    for t in (
        studies.shelf(8, 2, 30),
        studies.reviews(40, 12),
        studies.stars(900),
        studies.trips(60),
        studies.deals(80),
        studies.peers(20),
        studies.media(60),
    )
)
LEADS = DEALS.assign(
    contact=np.arange(len(DEALS)) % 3,
    role=np.array(["user", "decider"])[np.arange(len(DEALS)) % 2],
    rating=RNG.integers(1, 8, len(DEALS)),
)
LEADS = LEADS.assign(
    deal_id=np.arange(len(DEALS)) // 2,
    customer_id=np.arange(len(DEALS)) // 6,
    won=(np.arange(len(DEALS)) // 2) % 2,
)
PANEL = pd.DataFrame(
    {"customer_id": np.repeat([f"s{k}" for k in range(24)], 6), "t": np.tile(np.arange(6), 24)}
).assign(
    start=lambda d: d["customer_id"].str[1:].astype(int).map(lambda k: 3.0 if k < 8 else np.nan),
    y=lambda d: RNG.normal(size=144) + (d["t"] >= d["start"]) * 1.0,
)


def sent(orders):
    """Two campaigns to those who spent most, and to some who spent least."""
    spent = orders.groupby("customer_id")["amount"].sum()
    most, least = spent.index[spent > spent.median()], spent.index[spent < spent.quantile(0.2)]
    some = spent.index[spent > spent.quantile(0.75)]
    return pd.DataFrame(
        {
            "customer_id": [*most, *some, *least],
            "campaign_id": [1] * len(most) + [2] * (len(some) + len(least)),
            "occurred_at": pd.Timestamp("2024-06-01", tz="UTC"),
            "event": "campaign_received",
        }
    )


MAILS = pd.DataFrame(
    {
        "customer_id": [f"m{k % 70}" for k in range(300)],
        "campaign_id": np.arange(300) // 70,
        "sent_at": (
            pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(np.arange(300) % 40, unit="D")
        ),
        "variant": np.where(np.arange(300) % 5 == 0, "holdout", "mail"),
        "delivered": True,
    }
).assign(
    opened_at=lambda d: d["sent_at"].where(np.arange(300) % 3 == 0),
    clicked_at=lambda d: d["sent_at"].where(np.arange(300) % 9 == 0),
    machine_open=np.arange(300) % 6 == 0,
)
RETURNS = pd.DataFrame(
    [
        (f"c{c}", int(d))
        for c, r in enumerate(RNG.gamma(1.0, 0.05, 300))
        for d in np.unique(np.append(0, np.cumsum(RNG.geometric(min(r + 1e-3, 1.0), 30))))
        if d < 160
    ],
    columns=["customer_id", "day"],
)
RETURNS = RETURNS.assign(
    order_id=np.arange(len(RETURNS)),
    amount=RNG.integers(5, 60, len(RETURNS)).astype(float),
    ordered_at=pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(RETURNS["day"], "D"),
)
ADVERTS = pd.DataFrame(
    {
        "campaign": list("abcd"),
        "impressions": [9000, 20000, 5000, 3000],
        "clicks": [300, 500, 180, 80],
        "conversions": [30, 45, 25, 22],
        "cost": [90.0, 200.0, 80.0, 40.0],
        "revenue": [900.0, 1500.0, 700.0, 300.0],
    }
)
BRANDS = ORDERS.assign(
    brand=np.array(list("aaabbbccdef"))[
        np.where(
            RNG.random(500) < 0.5,
            ORDERS["customer_id"].str[1:].astype(int) * 7 % 11,
            RNG.integers(0, 11, 500),
        )
    ]
)
INVITES = pd.DataFrame(
    {"customer_id": [f"c{k}" for k in RNG.integers(0, 120, 300)], "joined": RNG.integers(0, 2, 300)}
)
SPELLS = pd.DataFrame(
    {
        "customer_id": [f"c{k}" for k in range(120)],
        "days": RNG.integers(1, 90, 120).astype(float),
        "ended": RNG.integers(0, 2, 120),
        "x": RNG.normal(size=120),
        "group": RNG.choice(["a", "b"], 120),
    }
)
SPELLS["why"] = np.where(SPELLS["ended"] == 1, RNG.choice(["price", "moved"], 120), None)
GIVERS = pd.DataFrame(
    [
        (f"g{k}", x, last, 6)
        for k, (x, last) in enumerate(
            [(0, 0)] * 40
            + [(1, 1)] * 12
            + [(1, 4)] * 8
            + [(2, 3)] * 9
            + [(3, 6)] * 11
            + [(6, 6)] * 20
        )
    ],
    columns=["customer_id", "frequency", "recency", "age"],
)
CLOTHES = pd.DataFrame(
    {
        "respondent_id": np.repeat(np.arange(60), 4),
        "task": 1,
        "item": np.tile(list("abcd"), 60),
        "best": False,
        "worst": False,
    }
)
for mine in CLOTHES.groupby("respondent_id").groups.values():
    picked = RNG.permutation(mine)
    CLOTHES.loc[picked[0], "best"], CLOTHES.loc[picked[1], "worst"] = True, True


def touches(data):
    """Paths of the events, the group taken as the channel."""
    return attribution.paths(data, conversion="r", column="group", timeout="2h", gap="9h")


def priced(seed):
    """Four prices a respondent, in order but for some."""
    made = np.sort(np.random.default_rng(seed).normal(20, 5, (80, 4)), axis=1) + [-3, -1, 1, 3]
    made[:5] = made[:5, ::-1]
    return pd.DataFrame(
        made.round(1), columns=["too_cheap", "cheap", "expensive", "too_expensive"]
    ).assign(respondent_id=[f"r{k}" for k in range(80)])


PRICED = priced(5)
LADDER = pd.DataFrame(
    [(f"r{i}", p, w >= p) for i, w in enumerate(RNG.normal(20, 5, 80)) for p in (12, 18, 24)],
    columns=["respondent_id", "price", "would_buy"],
)
OPINIONS = pd.DataFrame(
    {
        "response_id": np.arange(600),
        "respondent_id": [f"p{k}" for k in np.repeat(np.arange(200), 3)],
        "answered_at": pd.Timestamp("2024-01-05", tz="UTC")
        + pd.to_timedelta(np.arange(600) % 85, "D"),
        "item": np.tile(["recommend", "satisfaction", "effort"], 200),
        "value": np.tile([10.0, 6, 5], 200)
        - np.where(np.arange(600) % 7 < 4, np.arange(600) % 5, 0),
        "touchpoint": np.array(["web", "shop"])[np.repeat(np.arange(200) % 3 // 2, 3)],
    }
)
USABLE = pd.DataFrame(
    {
        "response_id": np.arange(400),
        "respondent_id": [f"p{k}" for k in np.repeat(np.arange(40), 10)],
        "answered_at": pd.Timestamp("2024-01-05", tz="UTC"),
        "item": np.tile([f"q{k}" for k in range(10)], 40),
        "value": np.tile([4.0, 2], 200) + np.repeat(np.arange(40) % 2, 10),
    }
)
ASKED = pd.DataFrame(
    {
        "respondent_id": [f"p{k % 90}" for k in range(240)],
        "invited_at": pd.Timestamp("2024-01-05", tz="UTC")
        + pd.to_timedelta(np.arange(240) % 80, "D"),
        "orders": np.arange(240) * 7 % 11,
        "channel": np.array(["mail", "app"])[np.arange(240) % 2],
    }
).assign(
    answered_at=lambda d: (d["invited_at"] + pd.Timedelta("3D")).where(np.arange(240) % 3 == 0),
    started_at=lambda d: d["invited_at"].where(np.arange(240) % 3 < 2),
)
TRACKED = plain(brands_asked.tracker(60, waves=2, seed=3)).drop(columns="weight")
CODED = plain(coding.interviews(22, segments=8, coders=2, seed=4).codes)
TICKETS = pd.DataFrame(
    {
        "ticket_id": np.arange(300),
        "customer_id": [f"p{k % 110}" for k in range(300)],
        "opened_at": pd.Timestamp("2024-01-05", tz="UTC")
        + pd.to_timedelta(np.arange(300) * 7, "h"),
        "channel": np.array(["chat", "email", "phone"])[np.arange(300) * 5 % 7 % 3],
        "contacts": 1 + np.arange(300) % 3,
        "escalated": np.arange(300) % 11 == 0,
        "solved_first": np.arange(300) % 3 == 0,
        "reopened": np.arange(300) % 8 == 0,
    }
).assign(
    first_reply_at=lambda d: (
        d["opened_at"] + pd.to_timedelta(np.arange(300) * 13 % 31, "h")
    ).where(np.arange(300) % 9 > 0),
    closed_at=lambda d: (
        d["opened_at"] + pd.to_timedelta(31 + np.arange(300) * 17 % 90, "h")
    ).where(np.arange(300) % 5 > 0),
)
UNHAPPY = pd.DataFrame(
    {
        "response_id": np.arange(240),
        "respondent_id": [f"p{k % 120}" for k in range(240)],
        "answered_at": pd.Timestamp("2024-01-05", tz="UTC")
        + pd.to_timedelta(np.arange(240) // 120 * 45 + np.arange(240) % 20, "D"),
        "item": "recommend",
        "value": (np.arange(240) * 7 % 10 * 1.0) % 8,
    }
)


def called(answers):
    """Tickets of the lowest answers, of which some are closed."""
    low = answers[answers["value"] % 3 < 1]
    opened = low["answered_at"] + pd.Timedelta("2h")
    return pd.DataFrame(
        {
            "ticket_id": low["response_id"],
            "customer_id": low["respondent_id"],
            "opened_at": opened,
            "first_reply_at": opened + pd.to_timedelta(low["response_id"] % 17 * 20, "h"),
            "closed_at": (opened + pd.Timedelta("15D")).where(low["response_id"] % 2 == 0),
        }
    )


def _lived():
    """Journeys with what was answered and written at each event, in one table."""
    felt = affect.journeys(220, seed=5)
    table = felt.events.assign(customer_id=felt.events["customer_id"].map("c{}".format))
    keys = ["customer_id", "stage"]
    last = ~table.duplicated(keys, keep="last")
    for item in ("satisfaction", "ease", "expectation", "as_expected"):
        said = felt.surveys[felt.surveys["item"] == item]
        said = said.assign(customer_id=said["respondent_id"].map("c{}".format))
        value = said.set_index(keys)["value"].reindex(pd.MultiIndex.from_frame(table[keys]))
        table[item] = np.where(last, value.to_numpy(), np.nan)
    table["asked"] = last & (np.arange(len(table)) % 3 > 0) | table["satisfaction"].notna()
    table["polarity"] = np.where(
        np.arange(len(table)) % 4 == 0, (table["event"] == "visit") - 0.5, np.nan
    )
    table.attrs.clear()
    return table


LIVED = _lived()


def said_at(events):
    """The answers in a table of journeys."""
    items = ["satisfaction", "ease", "expectation", "as_expected"]
    long = events.melt(
        ["customer_id", "occurred_at", "stage", "touchpoint"], items, "item", "value"
    ).dropna(subset=["value"])
    long = long.rename(columns={"customer_id": "respondent_id", "occurred_at": "answered_at"})
    return long.assign(response_id=np.arange(len(long)), scale="1 to 7")


def written_at(events):
    """The texts in a table of journeys."""
    rows = events[events["polarity"].notna()]
    return pd.DataFrame(
        {
            "text_id": rows["occurred_at"].astype("int64").astype(str),
            "text": "said",
            "created_at": rows["occurred_at"],
            **{c: rows[c] for c in ("customer_id", "stage", "touchpoint", "polarity")},
            "aspect": "price",
            "tone": np.where(rows["polarity"] < 0, "negative", "positive"),
        }
    )


def asked_at(events):
    """The invitations in a table of journeys."""
    rows = events[events["asked"]]
    return rows[["customer_id", "occurred_at", "stage"]].set_axis(
        ["respondent_id", "invited_at", "stage"], axis=1
    )


def later_than(events):
    """Searches and purchases some days after journeys."""
    moved = events.assign(occurred_at=events["occurred_at"] + pd.Timedelta("20D"))
    return moved[moved["stage"].isin(["search", "purchase"])]


BELIEFS = pd.DataFrame(
    [
        (f"r{i}", b, k, int(RNG.integers(-3, 4)), int(RNG.integers(-3, 4)))
        for i in range(40)
        for b in "AB"
        for k in "pq"
    ],
    columns=["respondent_id", "brand", "belief_item", "belief", "evaluation"],
)
WROTE = writing.texts(700, seed=5)
TEXTS = plain(WROTE.texts)
LABELS = plain(writing.labels(WROTE, 300, seed=5))
RULES = str(Path(__file__).parent / "data" / "rules.yml")


def firsts(data):
    """Every customer's first order as an answer, or a contact, with a grade and an arm that follow
    from its amount.
    """
    made = data.sort_values("ordered_at").drop_duplicates("customer_id")
    return made.assign(
        answered_at=made["ordered_at"],
        contacted_at=made["ordered_at"],
        grade=(made["amount"] * 10 % 7).round(),
        variant=np.where(made["amount"] * 100 % 3 < 1, "holdout", "mail"),
    )


def chances(data):
    """Hidden stages of the shop's customers."""
    return stages.posterior(data, stages.fit_latent(data, rounds=3))


def profile(data):
    """The occasions of the events, with a brand and a channel."""
    return stages.profile(
        data.assign(brand=data["event"] + data["group"], channel=data["group"]),
        STEPS,
        evaluation="q",
        gap="9h",
    )


ANALYSES = {
    "conversion": (EVENTS, lambda d: funnels.conversion(d, STEPS, window="9h", by="group")),
    "compare_entry": (EVENTS, lambda d: funnels.compare_entry(d, STEPS, window="9h")),
    "compare_orders": (EVENTS, lambda d: funnels.compare_orders(d, STEPS, window="9h")),
    "drop_off": (EVENTS, lambda d: funnels.drop_off(d, STEPS, window="9h")),
    "compare_definitions": (EVENTS, lambda d: funnels.compare_definitions(d, STEPS, window="9h")),
    "compare_groups": (EVENTS, lambda d: funnels.compare_groups(d, STEPS, window="9h", by="group")),
    "time_to_convert": (
        EVENTS,
        lambda d: funnels.time_to_convert(d, STEPS, window="9h", by="group"),
    ),
    "mapping_quality": (
        EVENTS,
        lambda d: stages.mapping_quality(
            stages.assign(d, rules=RULES).assign(label="search"), label="label"
        ),
    ),
    "path_complexity": (EVENTS, lambda d: stages.path_complexity(profile(d))),
    "search": (EVENTS, lambda d: stages.search(profile(d))),
    "consideration": (EVENTS, lambda d: stages.consideration(profile(d))),
    "touchpoints": (EVENTS, lambda d: stages.touchpoints(profile(d))),
    "flows": (EVENTS, lambda d: stages.flows(profile(d), STEPS)),
    "stage_distribution": (SHOP, lambda d: stages.stage_distribution(chances(d))),
    "learning": (SHOP, lambda d: stages.learning(stages.fit_latent(d, rounds=3), d)),
    "reliability_stages": (SHOP, lambda d: stages.reliability(chances(d), chances(d))),
    "latent_score": (
        SHOP,
        lambda d: stages.latent_score(chances(d), chances(d), chances(d), names=["same"]),
    ),
    "intention": (
        SHOP,
        lambda d: stages.intention(
            d.assign(answered_at=d["occurred_at"].dt.tz_localize("UTC"), value=d["level"]),
            d[d["event"] == "order"].assign(
                ordered_at=lambda o: o["occurred_at"].dt.tz_localize("UTC")
            ),
            window="9h",
        ),
    ),
    "variants": (EVENTS, lambda d: stages.variants(profile(d), top=5)),
    "silence": (EVENTS, lambda d: stages.silence(d, STEPS, column="event")),
    "by_diary": (
        random_log(3000, 13, customers=150),
        lambda d: stages.by_diary(profile(d), profile(d), d["customer_id"].unique(), STEPS),
    ),
    "triggers": (EVENTS, lambda d: stages.triggers(profile(d))),
    "skipping": (EVENTS, lambda d: stages.skipping(profile(d), ["p", "q"])),
    "skip_contrast": (EVENTS, lambda d: stages.skip_contrast(profile(d), ["p"])),
    "decision_complexity": (EVENTS, lambda d: stages.decision_complexity(profile(d), draws=50)),
    "cart_abandonment": (
        EVENTS,
        lambda d: stages.cart_abandonment(stages.carts(d, cart="p", order="r", window="5h")),
    ),
    "recovery": (
        EVENTS,
        lambda d: stages.recovery(stages.carts(d, cart="p", order="r", window="5h"), window="9h"),
    ),
    "checkout": (EVENTS, lambda d: stages.checkout(d, STEPS, failed="x", window="5h")),
    "barriers": (
        EVENTS,
        lambda d: stages.barriers(
            d, STEPS, "g", stage="p", gap="9h", column="event", action="group", draws=50
        ),
    ),
    "checkpoints": (
        EVENTS,
        lambda d: stages.checkpoints(profile(d), {"short": "sessions <= 2"}, period="day"),
    ),
    "reach": (EVENTS, lambda d: stages.reach(stages.episodes(d, STEPS, gap="9h"), STEPS)),
    "drop_location": (
        EVENTS,
        lambda d: stages.drop_location(stages.episodes(d, STEPS, gap="9h"), STEPS),
    ),
    "time_to_purchase": (
        EVENTS,
        lambda d: stages.time_to_purchase(stages.episodes(d, STEPS, gap="9h")),
    ),
    "time_in_stage": (EVENTS, lambda d: stages.time_in_stage(d, STEPS, gap="9h")),
    "hazards": (EVENTS, lambda d: stages.hazards(d, STEPS, gap="30h", days=(0, 1))),
    "compare_time": (
        EVENTS,
        lambda d: stages.compare_time(d, STEPS, by="group", stage="p", horizon="5h", gap="9h"),
    ),
    "source_mix": (
        EVENTS,
        lambda d: stages.source_mix(d, {"written": ["p"], "online": ["q", "r"]}),
    ),
    "purchase_propensity": (
        LONG,
        lambda d: stages.purchase_propensity(d, stages.fit_latent(d, rounds=2), window="20h"),
    ),
    "unobserved_paths": (
        EVENTS,
        lambda d: stages.unobserved_paths(stages.episodes(d, STEPS, gap="9h"), STEPS, begins="q"),
    ),
    "logistic_gee": (
        EVENTS,
        lambda d: stages.logistic_gee(
            d["event"] == "p", d.assign(x=d["occurred_at"].dt.hour)[["x"]], d["customer_id"]
        ),
    ),
    "gap_sensitivity": (EVENTS, lambda d: stages.gap_sensitivity(d, STEPS, gaps=["5h", "9h"])),
    "sessions": (EVENTS, journeys.sessions),
    "transitions": (EVENTS, journeys.transitions),
    "compare_sessions": (EVENTS, journeys.compare_sessions),
    "paths": (EVENTS, lambda d: journeys.paths(d, steps=2, timeout="4h", top=8)),
    "distinguishing_paths": (
        EVENTS,
        lambda d: journeys.distinguishing_paths(d, "r", steps=2, timeout="4h", least=5),
    ),
    "next_event": (EVENTS, lambda d: journeys.next_event(d, timeout="4h")),
    "paths_to": (EVENTS, lambda d: journeys.paths_to(d, "r", steps=2, timeout="4h", top=8)),
    "paths_from": (EVENTS, lambda d: journeys.paths_from(d, "p", steps=2, timeout="4h", top=8)),
    "active_periods": (EVENTS, lambda d: journeys.active_periods(d, top=3)),
    "correlates": (
        LONG,
        lambda d: funnels.correlates(
            d, ["site_search", "order"], window="9h", properties=["group"], least=10
        ),
    ),
    "event_retention": (
        EVENTS,
        lambda d: retention.event_retention(
            d, "p", "r", ages=[1, "1-2", "2+"], by="group", clock=retention.Clock("4h")
        ),
    ),
    "lifecycle": (EVENTS, lambda d: journeys.lifecycle(d, period="day")),
    "stickiness": (
        ORDERS.rename(columns={"ordered_at": "occurred_at"}).assign(event="order"),
        journeys.stickiness,
    ),
    "tagging": (VISITS, journeys.tagging),
    "omnichannel": (EVENTS, lambda d: journeys.omnichannel(profile(d))),
    "identity_quality": (VISITS, lambda d: journeys.identity_quality(d, d[d["event"] == "p"])),
    "repeat_rate": (ORDERS, retention.repeat_rate),
    "repeat_rate_by": (ORDERS, lambda d: retention.repeat_rate(d, by=halves(d))),
    "ever_repeat": (ORDERS, retention.ever_repeat),
    "purchase_frequency": (ORDERS, retention.purchase_frequency),
    "purchase_frequency_by": (ORDERS, lambda d: retention.purchase_frequency(d, by=halves(d))),
    "cohorts": (ORDERS, retention.cohorts),
    "cohorts_by": (ORDERS, lambda d: retention.cohorts_by(d, halves(d))),
    "repurchase_propensity": (
        RETURNS,
        lambda d: prediction.repurchase_propensity(d, horizon="20D", draws=40),
    ),
    "calibration": (
        RETURNS,
        lambda d: prediction.calibration(
            prediction.repurchase_propensity(d, horizon="20D", draws=10)
        ),
    ),
    "forecast": (RETURNS, lambda d: prediction.forecast(d, period="week")),
    "advocacy": (
        ORDERS,
        lambda d: loyalty.advocacy(
            d.assign(
                acted_at=d["ordered_at"],
                act=np.where(d["amount"] > 20, "review", "referral"),
                tone=np.where(d["amount"] > 15, "positive", "negative"),
            ),
            200,
            window="60D",
            answers=firsts(d).assign(recommend=lambda x: x["grade"]),
        ),
    ),
    "service_recovery": (
        ORDERS,
        lambda d: loyalty.service_recovery(
            d[d["amount"] * 100 % 5 < 1].assign(
                opened_at=lambda x: x["ordered_at"] + pd.Timedelta("1h"),
                solved_at=lambda x: (x["ordered_at"] + pd.Timedelta("2D")).where(
                    x["amount"] * 100 % 2 < 1
                ),
            ),
            d,
            window="30D",
        ),
    ),
    "repeat_buying": (
        ORDERS,
        lambda d: loyalty.repeat_buying(
            d, begin="2024-02-01", length="60D", households=400, draws=40
        ),
    ),
    "day_retention": (
        ORDERS,
        lambda d: retention.day_retention(
            d,
            by=d.sort_values(["ordered_at", "amount"])
            .groupby("customer_id")["amount"]
            .first()
            .gt(20),
        ),
    ),
    "retention_trend": (
        ORDERS,
        lambda d: retention.retention_trend(d, days=(1, 15), period="week"),
    ),
    "mean_curve": (ORDERS, lambda d: retention.mean_curve(retention.cohorts(d))),
    "engagement": (
        ORDERS,
        lambda d: retention.engagement(d.assign(occurred_at=d["ordered_at"], event="click"), d),
    ),
    "cohorts_rolling": (
        ORDERS,
        lambda d: retention.cohorts(d, clock="rolling", criterion="on_or_after"),
    ),
    "cohorts_revenue": (ORDERS, lambda d: retention.cohorts(d, measure="revenue")),
    "retention_rate": (
        ORDERS,
        lambda d: retention.retention_rate(d, begin="2024-05-01", end="2024-08-01"),
    ),
    "churn_moments": (ORDERS, retention.churn_moments),
    "churn_moments_by": (ORDERS, lambda d: retention.churn_moments(d, by=halves(d))),
    "next_amounts": (
        ORDERS,
        lambda d: retention.next_amounts(retention.times_to_return(d)),
    ),
    "time_to_repurchase": (ORDERS, retention.time_to_repurchase),
    "conditional_logit": (CHOICES, lambda d: choice.conditional_logit(d, ["price", "display"])),
    "elasticities": (
        CHOICES,
        lambda d: choice.elasticities(choice.conditional_logit(d, ["price"]), d),
    ),
    "willingness_to_pay": (
        CHOICES,
        lambda d: choice.willingness_to_pay(choice.conditional_logit(d, ["price", "display"])),
    ),
    "holdout": (CHOICES, lambda d: choice.holdout(d, ["price"])),
    "iia_test": (CHOICES, lambda d: choice.iia_test(d, ["price", "display"])),
    "nested_logit": (
        KINDS,
        lambda d: choice.nested_logit(
            d,
            ["price", "display"],
            {"x": ["brand 0", "brand 1"], "y": ["brand 2", "brand 3"]},
            common=True,
        ),
    ),
    "mixed_logit": (
        KINDS,
        lambda d: choice.mixed_logit(d, ["price", "display"], {"price": "normal"}, draws=40),
    ),
    "state_dependence": (CHOICES, lambda d: choice.state_dependence(d, ["price"], draws=30)),
    "latent_class": (KINDS, lambda d: choice.latent_class(d, ["price", "display"], 2, starts=5)),
    "select_latent_classes": (
        KINDS,
        lambda d: choice.select_latent_classes(d, ["price", "display"], most=2, starts=5),
    ),
    "simulate_shares": (
        CHOICES,
        lambda d: choice.simulate_shares(
            choice.conditional_logit(d, ["price"]),
            d,
            change={"price": {"brand 0": 1.1}},
            remove=["brand 3"],
        ),
    ),
    "design_check": (DESIGN, conjoint.design_check),
    "part_worths": (TASKS, lambda d: conjoint.part_worths(d, ["brand", "price"])),
    "importance": (
        TASKS,
        lambda d: conjoint.importance(conjoint.part_worths(d, ["brand", "price"]), draws=40),
    ),
    "willingness_to_pay_conjoint": (
        TASKS,
        lambda d: conjoint.willingness_to_pay(
            conjoint.part_worths(d, ["brand", "price"], numeric=["price"]), "price"
        ),
    ),
    "answer_quality": (TASKS, lambda d: conjoint.answer_quality(d, better={"price": "low"})),
    "best_worst": (CLOTHES, conjoint.best_worst),
    "van_westendorp": (PRICED, lambda d: conjoint.van_westendorp(d, draws=60)),
    "gabor_granger": (LADDER, lambda d: conjoint.gabor_granger(d, draws=60)),
    "regression": (
        WIDE,
        lambda d: drivers.regression(d, "y", ["i0", "i1"], kind="logit", cluster="customer_id"),
    ),
    "key_drivers": (WIDE, lambda d: drivers.key_drivers(d, "many", ["i0", "i1", "i2"], draws=60)),
    "importance_performance": (
        WIDE,
        lambda d: drivers.importance_performance(d, "many", ["i0", "i1", "i2"], draws=60),
    ),
    "kano": (
        ANSWERS.assign(
            feature=ANSWERS["item"],
            functional=lambda d: (d["value"] % 5) + 1,
            dysfunctional=lambda d: (d["value"] % 4) + 1,
        ),
        drivers.kano,
    ),
    "stated_importance": (ANSWERS.rename(columns={"item": "factor"}), drivers.stated_importance),
    "mediation": (WIDE, lambda d: drivers.mediation(d, "i0", "i1", "i2", draws=60)),
    "moderation": (WIDE, lambda d: drivers.moderation(d, "i0", "i1", "i2")),
    "structural": (WIDE, lambda d: drivers.structural(d, "f =~ i0 + i1 + i2 + i3")),
    "reliability": (WIDE, lambda d: drivers.reliability(d, {"s": ["i0", "i1", "i2"]}, draws=60)),
    "validity": (
        WIDE,
        lambda d: drivers.validity(d, {"s": ["i0", "i1", "i2"], "z": ["i3", "i4", "i5"]}, draws=60),
    ),
    "explore_factors": (
        WIDE,
        lambda d: drivers.explore_factors(d, ["i0", "i1", "i2", "i3", "i4", "i5"], draws=40),
    ),
    "nps": (OPINIONS, lambda d: surveys.nps(d, by="touchpoint")),
    "csat": (OPINIONS, lambda d: surveys.csat(d, scale=(1, 7), by="touchpoint")),
    "ces": (OPINIONS, lambda d: surveys.ces(d, version="agreement")),
    "sus": (USABLE, lambda d: surveys.sus(d, [f"q{k}" for k in range(10)])),
    "differences": (
        OPINIONS,
        lambda d: surveys.differences(d, item="satisfaction", by="touchpoint", scale=(1, 7)),
    ),
    "trend": (OPINIONS, lambda d: surveys.trend(d, item="recommend", measure="nps")),
    "crosstab": (OPINIONS, lambda d: surveys.crosstab(d, item="satisfaction", by="touchpoint")),
    "weight_effect": (
        OPINIONS.assign(weight=1.0 + (OPINIONS["touchpoint"] == "shop")),
        lambda d: surveys.weight_effect(d, item="recommend", measure="nps"),
    ),
    "frequency": (CODED, interviews.frequency),
    "co_occurrence": (CODED, interviews.co_occurrence),
    "by_stage": (CODED, interviews.by_stage),
    "saturation": (CODED, lambda d: interviews.saturation(d, draws=40)),
    "agreement": (CODED, lambda d: interviews.agreement(d, draws=40)),
    "confusion": (CODED, lambda d: interviews.confusion(d, "coder 1", "coder 2")),
    "mode_effect": (
        OPINIONS,
        lambda d: surveys.mode_effect(d, item="satisfaction", mode="touchpoint"),
    ),
    "awareness": (TRACKED, surveys.awareness),
    "tracker": (TRACKED, lambda d: surveys.tracker(d, brand="Alta")),
    "first_reply": (TICKETS, lambda d: service.first_reply(d, by="channel")),
    "resolution": (TICKETS, service.resolution),
    "first_contact": (TICKETS, lambda d: service.first_contact(d, by="channel")),
    "reopened": (TICKETS, service.reopened),
    "contacts_per_order": (TICKETS, lambda d: service.contacts_per_order(d, ORDERS)),
    "defects": (TICKETS, lambda d: service.defects(d, by="channel")),
    "closed_loop": (UNHAPPY, lambda d: service.closed_loop(d, called(d))),
    "journey_map": (
        LIVED,
        lambda d: experience.journey_map(
            d,
            said_at(d),
            written_at(d),
            items={"satisfaction": "satisfaction", "effort": "ease"},
        ),
    ),
    "emotion_curve": (LIVED, lambda d: experience.emotion_curve(said_at(d), draws=40)),
    "representativeness": (
        LIVED,
        lambda d: experience.representativeness(d, said_at(d), asked_at(d)),
    ),
    "disconfirmation": (
        LIVED,
        lambda d: experience.disconfirmation(
            said_at(d), later_than(d), direct="as_expected", window="20D"
        ),
    ),
    "latent_curve": (
        LIVED,
        lambda d: experience.latent_curve(d, said_at(d), written_at(d), asked_at(d)),
    ),
    "hidden_answers": (
        LIVED,
        lambda d: experience.hidden_answers(d, said_at(d), written_at(d), share=0.45),
    ),
    "response": (ASKED, lambda d: surveys.response(d, by="channel")),
    "nonresponse": (ASKED, lambda d: surveys.nonresponse(d, ["orders", "channel"])),
    "clusters": (
        KINDS_OF_SHOPPERS,
        lambda d: segments.clusters(
            d, ["visits", "basket"], outcome="later", most=3, draws=10, tables=19
        ),
    ),
    "bases": (
        KINDS_OF_SHOPPERS,
        lambda d: segments.bases(
            d,
            demographics=["stage"],
            behaviour=["visits", "basket"],
            outcome="later",
            draws=60,
        ),
    ),
    "occasions": (ORDERS, lambda d: segments.occasions(d, country="NL")),
    "benefits": (SOUGHT, segments.benefits),
    "journey": (
        KINDS_OF_SHOPPERS,
        lambda d: segments.journey(
            d, ["need", "search", "intent"], before=d.assign(stage=d["stage_before"])
        ),
    ),
    "satisfaction": (KINDS_OF_SHOPPERS, lambda d: segments.satisfaction(d, ["left", "later"])),
    "loyalty": (KINDS_OF_SHOPPERS, segments.loyalty),
    "prevalence": (
        TYPED,
        lambda d: segments.prevalence(d, later=d.assign(new=d["label"])),
    ),
    "type_agreement": (TYPED, lambda d: segments.type_agreement(d, d.assign(new=d["label"]))),
    "usage": (KINDS_OF_SHOPPERS, lambda d: segments.usage(d, volume="visits", draws=40)),
    "follow": (KINDS_OF_SHOPPERS, lambda d: segments.follow(held_at_two_dates(d))),
    "migration": (
        KINDS_OF_SHOPPERS,
        lambda d: segments.migration(d, d.assign(kind=d["kind_later"]), segment="kind"),
    ),
    "affinity": (LIKED, lambda d: interests.affinity(d, space="space", half_life="90D")),
    "related": (LIKED, interests.related),
    "multiplier": (LIKED, lambda d: interests.multiplier(d, precisions=[0.2])),
    "drift": (LIKED, lambda d: interests.drift(d, topic="family", least=8)),
    "against_stated": (
        LIKED,
        lambda d: interests.against_stated(
            interests.profiles(d), d[d["amount"] > d["amount"].median()]
        ),
    ),
    "cross_reach": (LIKED, lambda d: interests.cross_reach(d, topic="family", window="60D")),
    "most_bought": (
        LIKED,
        lambda d: interests.most_bought(
            d.rename(columns={"occurred_at": "ordered_at"}), measure="units", growth="90D"
        ),
    ),
    "recommend": (
        LIKED,
        lambda d: interests.recommend(d, category="category", lists=interests.Lists(k=5)),
    ),
    "answers_needed": (OPINIONS, lambda d: surveys.answers_needed([5, 10], response=0.2)),
    "sentiment": (TEXTS, lambda d: voice.sentiment(d, LABELS, by="touchpoint")),
    "emotion": (TEXTS, lambda d: voice.emotion(d, LABELS)),
    "aspects": (TEXTS, lambda d: voice.aspects(d, LABELS)),
    "topics": (TEXTS, lambda d: voice.topics(d, topics=3, draws=2)),
    "quotes": (TEXTS, lambda d: voice.quotes(d, LABELS, by="touchpoint")),
    "reviews": (TEXTS, voice.reviews),
    "scale_means": (WIDE, lambda d: drivers.scale_means(d, {"s": ["i0", "i1"]})),
    "attitude": (BELIEFS, drivers.attitude),
    "service_gap": (
        ANSWERS.assign(
            dimension=ANSWERS["item"],
            expectation=lambda d: d["value"],
            perception=lambda d: 8 - d["value"],
        ),
        drivers.service_gap,
    ),
    "conversion_by_trigger": (
        WIDE.assign(variant=WIDE["group"], bought=WIDE["y"]),
        lambda d: influence.conversion_by_trigger(d, control="control"),
    ),
    "sensitivities": (
        CHOICES,
        lambda d: influence.sensitivities(
            choice.elasticities(choice.conditional_logit(d, ["price"]), d),
            influence.price_elasticity(PROMO, store="store_id"),
        ),
    ),
    "price_elasticity": (
        PROMO,
        lambda d: influence.price_elasticity(d, store="store_id", controls=["on_promotion"]),
    ),
    "promotion_lift": (
        PROMO,
        lambda d: influence.promotion_lift(d, store="store_id", margin="margin"),
    ),
    "review_effect": (REVIEWS, influence.review_effect),
    "star_rounding": (STARS, lambda d: influence.star_rounding(d, "log_visits", bandwidth=0.2)),
    "peers": (
        VILLAGES,
        lambda d: influence.peers(
            d, "adopted", "earlier_share", network="village", instrument="offer", draws=40
        ),
    ),
    "distance_decay": (
        TRIPS,
        lambda d: influence.distance_decay(d, bought="chosen", region="customer_id"),
    ),
    "huff": (TRIPS, influence.huff),
    "impulse": (
        SHOP,
        lambda d: influence.impulse(
            stages.assign(d).assign(group=stages.align(d, stages.assign(d), "group")), by="group"
        ),
    ),
    "decision_units": (LEADS, influence.decision_units),
    "price_premium": (
        DEALS,
        lambda d: influence.price_premium(
            d, ["years_of_record", "certified"], specification=["log_seats"]
        ),
    ),
    "referred_deals": (DEALS, lambda d: influence.referred_deals(d, covariates=["hard"])),
    "support": (DEALS, lambda d: influence.support(d, covariates=["hard"], instrument="queue")),
    "predictability": (
        DEALS.assign(stage=DEALS["deal_id"] % 3, next_stage=DEALS["certified"] + DEALS["won"]),
        lambda d: influence.predictability(d, "referred", draws=40),
    ),
    "heuristics": (EVENTS, lambda d: attribution.heuristics(touches(d))),
    "markov": (EVENTS, lambda d: attribution.markov(touches(d), draws=40)),
    "shapley": (EVENTS, lambda d: attribution.shapley(touches(d), worth="rate", draws=40)),
    "compare": (
        EVENTS,
        lambda d: attribution.compare(
            touches(d), truth=pd.DataFrame({"channel": ["g"], "incremental_orders": [9]}), draws=40
        ),
    ),
    "calibrate_to_experiments": (
        EVENTS,
        lambda d: attribution.calibrate_to_experiments(
            attribution.markov(touches(d), draws=0),
            pd.DataFrame(
                {"channel": ["g", "h"], "incremental": [20.0, 15.0], "std_error": [5.0, 5.0]}
            ),
        ),
    ),
    "compare_with_truth": (
        EVENTS,
        lambda d: attribution.compare_with_truth(
            attribution.calibrate_to_experiments(
                attribution.markov(touches(d), draws=0),
                pd.DataFrame({"channel": ["g", "h"], "incremental": [20, 15], "std_error": 5.0}),
                draws=400,
            ),
            pd.Series({"g": 22.0, "h": 12.0}),
        ),
    ),
    "sources": (EVENTS, lambda d: attribution.sources(touches(d))),
    "entry_points": (EVENTS, lambda d: attribution.entry_points(touches(d))),
    "campaigns": (ADVERTS, attribution.campaigns),
    "mail_effect": (
        MAILS.assign(variant=np.where(np.arange(300) % 3 == 0, "holdout", "mail")),
        lambda d: attribution.mail_effect(d, ORDERS, windows=["7D", "20D"]),
    ),
    "email_funnel": (MAILS, lambda d: attribution.email_funnel(d, ORDERS)),
    "marketing_mix": (
        MEDIA,
        lambda d: attribution.marketing_mix(
            d.sort_values("week", ignore_index=True),
            "sales",
            ["television", "radio"],
            controls=["price"],
            draws=8,
        ),
    ),
    "difference": (WIDE, lambda d: experiments.difference(d, "many", variant="group", before="i4")),
    "compare_with_planted": (
        WIDE,
        lambda d: experiments.compare_with_planted(
            {"one": 0.1}, one=experiments.difference(d, "many", variant="group")
        ),
    ),
    "heterogeneity": (WIDE, lambda d: experiments.heterogeneity(d, "y", "flag", variant="group")),
    "sample_size": (WIDE, lambda d: experiments.sample_size(0.1, [0.02, 0.03])),
    "difference_in_differences": (
        PANEL,
        lambda d: experiments.difference_in_differences(
            d, "y", unit="customer_id", time="t", start="start"
        ),
    ),
    "weighting": (WIDE, lambda d: experiments.weighting(d, "flag", "many", ["i0", "i3"])),
    "balance": (WIDE, lambda d: experiments.balance(d, "flag", ["i0", "i3"])),
    "negative_controls": (
        WIDE,
        lambda d: experiments.negative_controls(d, "flag", ["i4"], ["i0", "i3"]),
    ),
    "grade_with_checks": (
        WIDE,
        lambda d: experiments.grade_with_checks(
            experiments.weighting(d, "flag", "many", ["i0", "i3"]),
            experiments.negative_controls(d, "flag", ["i4"], ["i0", "i3"]),
        ),
    ),
    "compare_designs": (
        WIDE,
        lambda d: experiments.compare_designs(
            weighted=experiments.weighting(d, "flag", "many", ["i0", "i3"]),
            over_time=experiments.weighting(d, "flag", "many", ["i0"]),
        ),
    ),
    "power": (
        WIDE,
        lambda d: experiments.power(experiments.difference(d, "many", variant="group"), [0.2, 0.5]),
    ),
    "concurrent_campaigns": (
        ORDERS,
        lambda d: experiments.concurrent_campaigns(
            experiments.campaign_households(d, sent(d), 1), sent(d), 1
        ),
    ),
    "e_value": (WIDE, lambda d: experiments.e_value(2.0, 1.5, 2.7, n=100)),
    "stage_progress": (
        LONG,
        lambda d: experiments.stage_progress(
            d,
            ["home_view", "compare", "order"],
            "g",
            column="event",
            action="group",
            horizon="5h",
            gap="9h",
        ),
    ),
    "brand_performance": (BRANDS, lambda d: loyalty.brand_performance(d, households=150, draws=60)),
    "double_jeopardy": (BRANDS, lambda d: loyalty.double_jeopardy(d, households=150, draws=60)),
    "duplication": (BRANDS, lambda d: loyalty.duplication(d, households=150, draws=60)),
    "dirichlet": (BRANDS, lambda d: loyalty.dirichlet(d, households=150, draws=30)),
    "heavy_buyers": (BRANDS, lambda d: loyalty.heavy_buyers(d, draws=60)),
    "buyer_moderation": (
        BRANDS,
        lambda d: loyalty.buyer_moderation(d, until="2024-05-30", draws=60),
    ),
    "survival_curves": (SPELLS, lambda d: retention.survival_curves(d, by="group")),
    "cox": (SPELLS, lambda d: retention.cox(d, ["x", "group"])),
    "parametric": (SPELLS, lambda d: retention.parametric(d, ["x"])),
    "discrete_time_hazard": (SPELLS, lambda d: retention.discrete_time_hazard(d, ["x"], width=20)),
    "competing_risks": (SPELLS, lambda d: retention.competing_risks(d, cause="why")),
    "rfm_segments": (
        ORDERS,
        lambda d: loyalty.rfm_segments(loyalty.rfm(d, as_of="2024-07-30"), d, window="30D"),
    ),
    "dick_basu": (WIDE, lambda d: loyalty.dick_basu(d, "i0", "i1")),
    "switching": (BRANDS, loyalty.switching),
    "satisfaction_link": (
        ORDERS,
        lambda d: loyalty.satisfaction_link(firsts(d), d, score="grade", window="30D"),
    ),
    "referral": (INVITES, lambda d: loyalty.referral(d, 200)),
    "win_back": (ORDERS, lambda d: loyalty.win_back(firsts(d), d, window="30D")),
    "bg_nbd": (ORDERS, lambda d: clv.bg_nbd(clv.customers(d))),
    "mbg_nbd": (ORDERS, lambda d: clv.mbg_nbd(clv.customers(d, unit="day"))),
    "pareto_nbd": (ORDERS, lambda d: clv.pareto_nbd(clv.customers(d))),
    "bg_bb": (GIVERS, clv.bg_bb),
    "gamma_gamma": (ORDERS, lambda d: clv.gamma_gamma(clv.customers(d))),
    "holdout_clv": (
        ORDERS,
        lambda d: clv.holdout(
            clv.customers(d, learn_until="2024-06-30"), models=["mbg_nbd"], draws=60
        ),
    ),
    "tracking_plot": (
        ORDERS,
        lambda d: clv.tracking_plot(clv.mbg_nbd(clv.customers(d)), clv.customers(d), d),
    ),
    "value": (
        ORDERS,
        lambda d: clv.value(
            clv.mbg_nbd(clv.customers(d)),
            clv.gamma_gamma(clv.customers(d)),
            clv.customers(d),
            horizon="364D",
        ),
    ),
    "backtest": (
        ORDERS,
        lambda d: clv.backtest(d, horizon="60D", models=["mbg_nbd", "pareto_nbd"], dates=3),
    ),
    "sbg": (ORDERS, lambda d: clv.sbg([100, 70, 55, 48, 44])),
    "uplift": (
        pd.concat([WIDE] * 5, ignore_index=True),
        lambda d: experiments.uplift(d, "flag", "y", ["i2", "i3"], draws=40),
    ),
}
SHARES = {
    "source_mix",
    "purchase_propensity",
    "hazards",
    "unobserved_paths",
    "flows",
    "paths",
    "paths_to",
    "paths_from",
    "active_periods",
    "event_retention",
    "lifecycle",
    "stickiness",
    "tagging",
    "omnichannel",
    "consideration",
    "variants",
    "triggers",
    "awareness",
    "tracker",
    "by_stage",
    "cart_abandonment",
    "co_occurrence",
    "confusion",
    "checkout",
    "frequency",
    "first_contact",
    "reopened",
    "checkpoints",
    "conversion",
    "compare_entry",
    "compare_orders",
    "drop_off",
    "reach",
    "drop_location",
    "transitions",
    "repeat_rate",
    "repeat_rate_by",
    "cohorts_by",
    "churn_moments_by",
    "ever_repeat",
    "day_retention",
    "retention_trend",
    "mean_curve",
    "engagement",
    "cohorts",
    "cohorts_rolling",
    "cohorts_revenue",
    "retention_rate",
    "churn_moments",
}
# Differences, coefficients, scores: what may lie below 0. All others are shares, rates, counts,
# times or money.
SIGNED = {
    "multiplier",
    "drift",
    "disconfirmation",
    "emotion_curve",
    "hidden_answers",
    "journey_map",
    "representativeness",
    "bases",
    "mode_effect",
    "agreement",
    "closed_loop",
    "defects",
    "attitude",
    "balance",
    "compare_with_planted",
    "best_worst",
    "compare_designs",
    "compare_groups",
    "compare_time",
    "conditional_logit",
    "cox",
    "decision_units",
    "difference",
    "difference_in_differences",
    "differences",
    "distinguishing_paths",
    "logistic_gee",
    "elasticities",
    "follow",
    "heterogeneity",
    "holdout",
    "iia_test",
    "importance_performance",
    "impulse",
    "kano",
    "key_drivers",
    "latent_class",
    "select_latent_classes",
    "latent_score",
    "mediation",
    "mixed_logit",
    "moderation",
    "nested_logit",
    "next_event",
    "nps",
    "parametric",
    "part_worths",
    "discrete_time_hazard",
    "predictability",
    "price_premium",
    "price_elasticity",
    "promotion_lift",
    "review_effect",
    "satisfaction_link",
    "scale_means",
    "service_gap",
    "quotes",
    "sentiment",
    "service_recovery",
    "skip_contrast",
    "stage_progress",
    "star_rounding",
    "grade_with_checks",
    "mail_effect",
    "sensitivities",
    "state_dependence",
    "conversion_by_trigger",
    "support",
    "trend",
    "uplift",
    "weight_effect",
    "weighting",
    "simulate_shares",
    "repurchase_propensity",
    "win_back",
    "willingness_to_pay_conjoint",
}
# What rests on no table has no mark to carry and no rows to shuffle.
NO_TABLE = {"sample_size", "answers_needed", "e_value", "sbg"}


@pytest.fixture(scope="module")
def made():
    """Every analysis, run once."""
    return {name: analysis(data) for name, (data, analysis) in ANALYSES.items()}


# Their table is that of another analysis, which is listed.
OF_ANOTHER = {"compare_rules", "world_score"}


def test_every_public_analysis_is_here(made):
    """A function that returns a Result and is not listed above would escape the laws below."""
    import ast
    import inspect

    keys = next(
        n.value.keys
        for n in ast.walk(ast.parse(Path(__file__).read_text()))
        if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "ANALYSES"
    )
    assert len(keys) == len(ANALYSES), (
        "two analyses of one name: the second hides the first from the laws"
    )
    for module in (
        funnels,
        stages,
        journeys,
        retention,
        clv,
        loyalty,
        choice,
        conjoint,
        drivers,
        experience,
        influence,
        attribution,
        experiments,
        interviews,
        prediction,
        service,
        segments,
        interests,
        surveys,
        voice,
    ):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or not function.__module__.startswith(module.__name__):
                continue
            source = ast.unparse(ast.parse(inspect.getsource(function)))
            if "return Result(" in source or "return replace(" in source:
                assert name in ANALYSES or name in OF_ANOTHER, (
                    f"{module.__name__}.{name} is under no law"
                )


@pytest.mark.parametrize("name", ANALYSES)
def test_shares_carry_their_denominator(made, name):
    """estimate = count / n, intervals around it, and nothing is invented where n is 0."""
    table = made[name].table
    assert "n" in table and "estimate" in table
    if name in SHARES:
        known = table[table["estimate"].notna()]
        above, below = known.get("count", np.nan), known["n"]
        if "amount" in known:
            money = known["amount"].notna()
            above = known["amount"].where(money, above)
            below = known["amount_total"].where(money, below)
        assert known["estimate"].to_numpy() == pytest.approx((above / below).to_numpy())
        assert table.loc[table["n"] == 0, "estimate"].isna().all()
    if "conf_low" in table:
        inside = table.dropna(subset=["estimate", "conf_low", "conf_high"])
        assert (inside["conf_low"] <= inside["estimate"] + 1e-9).all()
        assert (inside["estimate"] <= inside["conf_high"] + 1e-9).all()
        if name not in SIGNED:
            assert not (table["conf_low"] < 0).any(), "a limit below what it can be"
        if name in SHARES:
            assert not (table["conf_high"] > 1).any(), "a limit above what it can be"


# Credit of conversions is shared between channels; repeats are counted over years, and purchases
# over time beside the number of customers.
CREDITED = {"heuristics", "markov", "shapley", "compare", "calibrated"}
CREDITED = {"heuristics", "markov", "shapley", "compare", "calibrate_to_experiments"}
RATES = {"purchase_frequency", "purchase_frequency_by", "tracking_plot"}
# Of a curve, the events at a time stand beside those still at risk.
AT_RISK = {
    "first_reply",
    "resolution",
    "gap_sensitivity",
    "time_to_convert",
    "time_to_purchase",
    "time_to_repurchase",
    "survival_curves",
    "competing_risks",
    "sbg",
}


@pytest.mark.parametrize("name", ANALYSES)
def test_a_count_counts_units(made, name):
    """A count is a whole number of the n units, or missing; a share is the count over n."""
    result = made[name]
    table = result.table
    if "count" not in table:
        return
    known = table[table["count"].notna()]
    assert (known["count"] >= 0).all()
    if name not in CREDITED:
        assert (known["count"] == known["count"].round()).all()
    if name not in RATES:
        assert (known["count"] <= known["n"] + 1e-9).all()
    if name not in AT_RISK:
        shown = known[shares.are_shares(result)[known.index] & known["estimate"].notna()]
        assert shown["estimate"].to_numpy() == pytest.approx((shown["count"] / shown["n"]).array)


@pytest.mark.parametrize("name", ANALYSES)
def test_shares_are_shown_as_percentages(made, name):
    """Whatever is the count over n is written with a percent sign, in both languages."""
    result = made[name]
    where = shares.counted(result.table) & result.table["estimate"].notna().to_numpy()
    where &= ~np.asarray(results.small_cells(result.table), bool)
    # What is the difference or the ratio of two shares is no share, though it has a count.
    where &= ~(shares.apart_rows(result) | shares.ratio_rows(result))
    for language in ("en", "nl"):
        with speaking(language):
            text = tables.shown(result.table, shares.ways(result))[tables.header("estimate")]
        assert text[where].str.endswith(" %").all()
    if name in SHARES - {"cohorts_revenue"}:
        assert where.any()


@pytest.mark.parametrize("name", ANALYSES)
def test_order_and_names_of_customers_are_nothing(name):
    """Shuffled rows and renamed customers give the same table; the input is left as it was."""
    data, analysis = ANALYSES[name]
    before = data.copy()
    moved = data.sample(frac=1, random_state=1).reset_index(drop=True)
    if name in NO_TABLE:
        return
    for who in {"customer_id", "respondent_id"} & set(moved):
        codes = {
            c: f"z{i:04d}" for i, c in enumerate(sorted(moved[who].unique(), key=str, reverse=True))
        }
        moved[who] = moved[who].map(codes)
    one, two = analysis(moved).table, analysis(data).table
    # Limits too: which draw falls to whom follows from what is known of them.
    pd.testing.assert_frame_equal(one, two, rtol=1e-6, atol=1e-9)
    pd.testing.assert_frame_equal(data, before)


UNTIL = {
    "conversion": lambda d, u: funnels.conversion(d, STEPS, window="9h", by="group", until=u),
    "drop_off": lambda d, u: funnels.drop_off(d, STEPS, window="9h", until=u),
    "episodes": lambda d, u: stages.reach(stages.episodes(d, STEPS, gap="9h", until=u), STEPS),
    "compare_definitions": lambda d, u: funnels.compare_definitions(d, STEPS, window="9h", until=u),
    "time_to_convert": lambda d, u: funnels.time_to_convert(d, STEPS, window="9h", until=u),
    "paths": lambda d, u: journeys.paths(d, steps=2, timeout="4h", until=u),
    "paths_to": lambda d, u: journeys.paths_to(d, "r", steps=2, timeout="4h", until=u),
    "active_periods": lambda d, u: journeys.active_periods(d, until=u),
    "correlates": lambda d, u: funnels.correlates(d, ["p", "r"], window="9h", least=1, until=u),
    "event_retention": lambda d, u: retention.event_retention(d, "p", "r", ages=[1], until=u),
    "lifecycle": lambda d, u: journeys.lifecycle(d, period="day", until=u),
    "profile": lambda d, u: stages.variants(stages.profile(d, STEPS, gap="9h", until=u)),
    "carts": lambda d, u: stages.cart_abandonment(
        stages.carts(d, cart="p", order="r", window="5h", until=u)
    ),
    "time_in_stage": lambda d, u: stages.time_in_stage(d, STEPS, gap="9h", until=u),
    "gap_sensitivity": lambda d, u: stages.gap_sensitivity(d, STEPS, gaps=["9h"], until=u),
    "repeat_rate": lambda d, u: retention.repeat_rate(d, windows=["30D"], until=u),
    "purchase_frequency": lambda d, u: retention.purchase_frequency(d, until=u),
    "cohorts": lambda d, u: retention.cohorts(d, until=u),
    "cohorts_rolling": lambda d, u: retention.cohorts(
        d, clock="rolling", criterion="on_or_after", until=u
    ),
    "churn_moments": lambda d, u: retention.churn_moments(d, silence="30D", until=u),
    "time_to_repurchase": lambda d, u: retention.time_to_repurchase(d, until=u),
}


@pytest.mark.parametrize("name", UNTIL)
def test_the_future_changes_nothing(name):
    """Rows after `until` take no part: with them or without them the table is the same."""
    data, time, day = (
        (ORDERS, "ordered_at", "2024-06-30")
        if "ordered_at" in ANALYSES.get(name, (EVENTS,))[0]
        else (EVENTS, "occurred_at", "2024-01-03")
    )
    times = data[time] if data[time].dt.tz else data[time].dt.tz_localize("UTC")
    known = data[times < pd.Timestamp(day, tz="UTC") + pd.Timedelta("1D")]
    assert 50 < len(known) < len(data)
    pd.testing.assert_frame_equal(UNTIL[name](data, day).table, UNTIL[name](known, day).table)


@pytest.mark.parametrize("name", ANALYSES)
def test_what_is_simulated_says_so(name):
    """A table that carries the mark hands it on to the answer."""
    data, analysis = ANALYSES[name]
    marked = data.copy()
    marked.attrs["simulated"] = True
    assert analysis(marked).simulated == (name not in NO_TABLE) and not analysis(data).simulated


@pytest.mark.parametrize("name", ANALYSES)
def test_a_saved_result_draws_the_same_figure(made, name, tmp_path):
    """Written, read back, drawn: the same words and the same picture."""
    result = made[name]
    result.save(tmp_path)
    back = results.read(tmp_path)
    assert (back.question, back.limits, back.n) == (result.question, result.limits, result.n)
    pd.testing.assert_frame_equal(back.table, result.table, check_dtype=False)
    assert back.chart == result.chart
    assert (tmp_path / "figure.png").stat().st_size > 5000
    assert back.figure().result is back
    assert figures.describe(back) == figures.describe(result)
    assert figures.describe(back).startswith(str(result.question))
    assert json.loads((tmp_path / "result.json").read_text())["method"]["note"] == result.method.id


@pytest.mark.parametrize("name", ["conversion", "time_to_convert", "cohorts", "flows"])
def test_what_is_read_back_looks_the_same(made, name, tmp_path):
    """One of every kind of drawing, pixel by pixel."""
    made[name].save(tmp_path)
    one, two = (r.figure()._repr_mimebundle_()[0] for r in (made[name], results.read(tmp_path)))
    assert one == two and len(one["image/png"]) > 5000


def said(result):
    """Everything a Result says, as text in the language in use."""
    answer = () if result.answer is None else (result.answer,)
    return [render(n) for n in (result.question, result.method, *answer, *result.limits)]


@pytest.mark.parametrize("name", ANALYSES)
def test_one_result_speaks_both_languages(made, name):
    """Shown in Dutch, a Result made in English is Dutch throughout; nothing is left unfilled."""
    english = said(made[name])
    with speaking("nl"):
        dutch = said(made[name])
        page = made[name]._repr_html_()
    assert all(a != b for a, b in zip(english[:2], dutch[:2], strict=True))
    assert "{" not in "".join(english + dutch)
    assert "Bewijs" in page and "Evidence" in made[name]._repr_html_()


@pytest.mark.parametrize("name", ANALYSES)
def test_the_language_changes_no_table(made, name):
    """Made in Dutch, a table is the same to the last key."""
    data, analysis = ANALYSES[name]
    with speaking("nl"):
        dutch = analysis(data).table
    pd.testing.assert_frame_equal(dutch, made[name].table)


@pytest.mark.parametrize("name", ANALYSES)
def test_no_number_has_changed(made, name):
    """Every table, and every number of a sentence, is what the ledger holds."""
    result = made[name]
    kept = compare.tables("fixtures", name)
    if not kept:
        pytest.skip("newer than the ledger")
    (old,) = kept
    assert compare.differences(old, result.table, name) == []
    assert compare.unsaid("fixtures", name, compare.values_of(result)) == []


# These sum the table up: over all groups, pairs or distances, or as a percentage of sales.
SUMMED_UP = {"calibration", "review_effect", "distance_decay", "duplication", "switching"}


@pytest.mark.parametrize("name", sorted(set(ANALYSES) - SUMMED_UP))
def test_an_answer_repeats_the_table(made, name):
    """What an answer gives as estimate and interval stands in the table, as it is, as a percentage
    or as an odds ratio, or among the other facts.
    """
    result = made[name]
    table = result.table.select_dtypes("number").to_numpy(float).ravel()
    others = result.facts.loc[result.facts["part"] != "answer", "value"].dropna()
    with np.errstate(over="ignore"):
        known = np.concatenate([table, 100 * table, table / 100, np.exp(table), others])
    for _, called, value in result.answer.facts():
        if called in ("estimate", "low", "high", "conf_low", "conf_high"):
            apart = np.nanmin(np.abs(known - value))
            assert apart <= 1e-9 * max(1, abs(value)), (called, value)


def nested(note):
    """A note and all notes within it."""
    yield note
    for value in note.values.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Note):
                yield from nested(part)


@pytest.mark.parametrize("name", ANALYSES)
def test_every_number_in_a_sentence_is_a_fact(made, name):
    """Sentences hold no digits of their own but those of years and names; numbers are values."""
    result = made[name]
    for top in (result.question, result.answer, result.method, *result.limits):
        for note in nested(top) if top is not None else ():
            text = re.sub(r"\{[^}]*\}|\b(1[6-9]|20)\d\d\b|\bGA4\b|\bB2[BC]\b", "", note.english)
            assert not re.search(r"\d", text), (note.id, text)


@pytest.mark.parametrize("name", ANALYSES)
def test_every_analysis_answers(made, name):
    """One sentence, with a number that is a fact, or why there is none; in both languages."""
    result = made[name]
    numbers = [v for _, _, v in result.answer.facts() if isinstance(v, (int, float))]
    assert numbers or result.answer.id == "result.unknown"
    english = str(result.answer)
    with speaking("nl"):
        assert str(result.answer) != english
    assert english.rstrip().endswith((".", "!", "?", ")")) and english in repr(result)


@pytest.mark.parametrize("name", ANALYSES)
def test_words_match_the_evidence(made, name):
    """No causal words for descriptive or associational numbers."""
    text = " ".join(said(made[name])).lower()
    if made[name].evidence in ("descriptive", "associational"):
        assert not any(word in text for word in ("drives", "leads to", "impact", "because of"))
    else:
        assert name in {
            "peers",
            "support",
            "star_rounding",
            "calibrate_to_experiments",
            "email_funnel",
            "mail_effect",
            "compare_designs",
            "grade_with_checks",
            "difference",
            "heterogeneity",
            "difference_in_differences",
            "weighting",
            "negative_controls",
            "uplift",
            "stage_progress",
            "win_back",
        }


def test_small_cells_are_withheld_wherever_they_are_shown():
    """Nine units show no number: not in HTML, not as text, not in the figure's words."""
    table = pd.DataFrame(
        {
            "group": ["few", "many"],
            "count": [7, 70],
            "n": [9, 90],
            "estimate": [0.7777, 0.7778],
            "conf_low": [0.1111, 0.6],
            "conf_high": [0.9111, 0.9],
        }
    )
    result = results.Result(
        question="Q",
        table=table,
        method="m",
        unit="customers",
        n=99,
        chart=results.Points(label=["group"], xlabel="x"),
    )
    for text in (
        result._repr_html_(),
        repr(result),
        result.figure()._repr_mimebundle_()[0]["text/plain"],
    ):
        assert "0.7777" not in text and "0.1111" not in text and "0.9111" not in text
    assert "&lt;10" in result._repr_html_()


def test_money_of_a_few_customers_is_withheld_too():
    """A large sum may still be that of three people."""
    table = pd.DataFrame(
        {"group": ["few"], "count": [900.5], "n": [1000.0], "estimate": [0.9005], "customers": [3]}
    )
    result = results.Result(
        question="Q",
        table=table,
        method="m",
        unit="customers",
        n=3,
        chart=results.Points(label=["group"], xlabel="x"),
    )
    for text in (
        result._repr_html_(),
        repr(result),
        result.figure()._repr_mimebundle_()[0]["text/plain"],
    ):
        assert "900" not in text and "1,000" not in text


def test_values_are_never_taken_for_html():
    """A group called like a script is text."""
    table = pd.DataFrame({"group": ["<script>alert(1)</script>"], "n": [20], "estimate": [0.5]})
    result = results.Result(
        question="<b>Q</b>",
        table=table,
        method="<i>m</i>",
        unit="customers",
        n=20,
        limits=("<u>l</u>",),
    )
    assert "<script" not in result._repr_html_()
    assert "<b>" not in result._repr_html_()
    assert "<u>" not in result._repr_html_()


def test_an_unknown_grade_of_evidence_is_refused():
    """And a folder without a result."""
    with pytest.raises(InputError, match="evidence"):
        results.Result(
            question="q", table=pd.DataFrame(), method="m", unit="customers", n=0, evidence="proof"
        )
    with pytest.raises(InputError, match="no saved result"):
        results.read("/nowhere")


# Every other amount is in the unit of a metric that the workbench cannot know to be money.
IN_MONEY = {
    "gabor_granger": ("answer", "limits"),
    "van_westendorp": ("answer",),
    "willingness_to_pay_conjoint": ("answer",),
    "willingness_to_pay": ("answer",),
    "value": ("answer",),
    "gamma_gamma": ("answer",),
    "cohorts_revenue": ("table",),
    "purchase_frequency": ("table",),
    "rfm_segments": ("table",),
    "campaigns": ("table",),
}


@pytest.mark.parametrize("name", IN_MONEY)
def test_money_stands_in_its_currency(name):
    """Where the table has a currency, its amounts are written in it; elsewhere as numbers."""
    data, analysis = ANALYSES[name]
    priced = data.copy()
    priced.attrs["currency"] = "EUR"
    result = analysis(priced)
    parts = {
        "answer": str(result.answer),
        "limits": " ".join(map(str, result.limits)),
        "table": tables.shown(result.table, shares.ways(result)).to_string(),
    }
    for part in IN_MONEY[name]:
        assert "€" in parts[part], (part, parts[part])
    assert "€" not in repr(analysis(data))


ENOUGH = 1000
# Draws that give no percentile: of a simulated likelihood, of permutations, or a normal interval.
NO_PERCENTILES = {"choice.mixed_logit", "choice.state_dependence"}
# Percentiles of too few draws by default, to be mended by the owners of these rooms; the list may
# only shrink.
TOO_FEW = {
    "attribution.compare",
    "attribution.markov",
    "attribution.marketing_mix",
    "attribution.shapley",
    "conjoint.importance",
    "drivers.explore_factors",
    "drivers.reliability",
    "drivers.validity",
    "experiments.uplift",
    "influence.predictability",
    "stages.barriers",
    "stages.decision_complexity",
    "stages.skipping",
}


def drawing():
    """Every public function with draws: room.function → the number by default."""
    import inspect

    import workbench

    rooms = "attribution choice clv conjoint drivers experiments funnels influence journeys loyalty"
    found = {}
    for room in (*rooms.split(), "prediction", "retention", "stages"):
        for name, function in inspect.getmembers(
            __import__(f"workbench.{room}", fromlist=[room]), inspect.isfunction
        ):
            parameters = inspect.signature(function).parameters
            if "draws" in parameters and not name.startswith("_"):
                found[f"{room}.{name}"] = parameters["draws"].default
    assert workbench
    return found


def test_a_percentile_rests_on_enough_draws():
    """A tail of a few draws is no tail: a thousand, or an error that needs no draws."""
    few = {n for n, draws in drawing().items() if isinstance(draws, int) and draws < ENOUGH}
    few -= NO_PERCENTILES
    assert few - TOO_FEW == set(), "too few draws for a percentile"


# Cells with too few draws, by notebook: to be mended by their owners; may only shrink.
# How far segments and topics come back when drawn anew: means over draws, no percentiles.
NOT_PERCENTILES = {"40_segments", "51_what_people_say"}
TOO_FEW_CELLS = {
    "20_brand_choice_and_price",
    "21_conjoint_and_worth",
    "22_key_drivers",
    "23_social_proof_and_emotion",
    "24_attribution_and_email",
    "25_campaigns_and_experiments",
    "26_b2c_and_b2b",
}


def test_notebooks_take_enough_draws():
    """Neither a parameter nor a call of a notebook asks for percentiles of fewer."""
    from workbench import project

    few = set()
    for path in sorted((project.root() / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        given = re.findall(r"draws(?:: int)?\"?\s*[=:]\s*(\d+)", code)
        if any(int(n) < ENOUGH for n in given) and not path.stem.endswith(".nl"):
            few.add(path.stem)
    assert few - TOO_FEW_CELLS - NOT_PERCENTILES == set(), "too few draws for a percentile"
