"""A journey whose feelings are known of everybody: what each touchpoint evokes, who is asked, who
answers, what is written, and what was expected.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.simulate import phrases

STAGES = ("need", "search", "evaluation", "intent", "purchase", "post_purchase")
# Of each stage its touchpoints: share of the visits, and the affect it evokes (scale 1 to 7).
TOUCHPOINTS = {
    "need": {"advert": (0.6, 4.4), "friend": (0.4, 4.9)},
    "search": {"search_engine": (0.5, 4.3), "website": (0.5, 4.1)},
    "evaluation": {"website": (0.65, 3.9), "shop": (0.35, 4.7)},
    "intent": {"website": (0.7, 3.6), "shop": (0.3, 4.5)},
    "purchase": {"checkout": (0.75, 4.6), "shop": (0.25, 4.9)},
    "post_purchase": {"parcel": (0.6, 4.8), "helpdesk": (0.4, 3.7)},
}
# Chance of a mishap by touchpoint, and what mishaps do at once.
MISHAPS = {"website": 0.12, "checkout": 0.10, "parcel": 0.20, "helpdesk": 0.10}
MISHAP = -1.1
STAYS = (0.90, 0.88, 0.80, 0.75, 0.92)  # chance of the next stage, at an affect of 4.4
LEAVES = 0.25  # log-odds of the next stage a point of affect
HOURS = (30.0, 60.0, 40.0, 12.0, 70.0)  # mean time to the next stage
PULL = 0.6  # how far affect moves to what a touchpoint evokes, at every event
LEVEL, LOYAL, SHOCK = 0.7, 0.25, 0.45
NOISE, EASE = 0.6, 0.7  # of an answer, and of the answer on effort
TEXT = (0.28, 0.25)  # polarity a point of affect, and its noise
WRITES, ASKED = 0.30, 0.6
ANSWERS = -0.6  # log-odds to answer at an affect of 4.4
KEEN = (0.9, 0.5)  # spread of the readiness to answer, and what an earlier order adds to it
MIDDLE = 4.4
AGAIN = 0.45
START = pd.Timestamp("2024-01-01", tz="UTC")


@dataclass(frozen=True, eq=False)
class Felt:
    """Journeys, what was said of them, and what was felt.

    `customers` (customer_id, earlier_orders), `events` (customer_id, occurred_at, event, stage,
    touchpoint), `invitations` (respondent_id, invited_at, answered_at, stage, touchpoint),
    `surveys` (with stage, touchpoint; items satisfaction, ease, and expectation and as_expected of
    buyers), `texts` (with stage, touchpoint), `later` (events after the last answer) and `truth`:
    `curve` (stage → mean answer of all who came so far, had they answered), `reach`, `place`
    ((stage, touchpoint) → mean answer), `silent` (stage → mean answer of who never answers),
    `answers` (a row a customer and stage: affect and answer of everybody), and of all buyers
    `worse` and `better` (what a point below and above expectation goes with in satisfaction),
    `shares` (worse, as_expected, better) and `searches_ratio` (searches a point better).
    """

    customers: pd.DataFrame
    events: pd.DataFrame
    invitations: pd.DataFrame
    surveys: pd.DataFrame
    texts: pd.DataFrame
    later: pd.DataFrame
    truth: dict


def journeys(customers=1500, *, mood=0.5, loyal=0.5, search=-0.30, worse=0.5, better=0.2, seed=1):
    """Let customers travel from need to after the purchase, feel, be asked, answer and write.

    Planted: the affect each touchpoint evokes, toward which people move at every event; mishaps;
    who feels better goes on more often. Everybody may be asked at each stage; who answers hangs on
    affect itself (`mood`, log-odds a point), on earlier orders (`loyal`, which come with a better
    mood), and on a readiness of their own. Texts come from a few, whether they answer or not.
    After the purchase people compare with what they expected: a point `worse` lowers satisfaction,
    a point `better` raises it; `search` is what a point of disconfirmation does to the number of
    searches before the next purchase, on the log scale. Each is off at 0.

    Returns a Felt. The truth holds for all who travelled, answered or not.
    """
    rng = np.random.default_rng(seed)
    people = _people(rng, customers)
    visits, buyers = _travel(rng, people, worse, better)
    answers = _answers(rng, visits, people, mood, loyal)
    invitations, surveys = _asked(answers, buyers)
    later, searches = _later(rng, buyers, visits, search)
    truth = _truth(answers) | _of_buyers(answers, buyers, searches)
    events = visits[["customer_id", "occurred_at", "event", "stage", "touchpoint"]]
    table = pd.DataFrame(
        {"customer_id": np.arange(1, customers + 1), "earlier_orders": people["orders"]}
    )
    return Felt(
        _marked(table),
        _marked(events.copy()),
        _marked(invitations),
        _marked(surveys),
        _marked(_texts(rng, visits)),
        _marked(later),
        truth,
    )


def _people(rng, n):
    orders = rng.poisson(1.0, n)
    return {
        "orders": orders,
        "level": LOYAL * (orders - 1.0) + LEVEL * rng.normal(size=n),
        "ready": KEEN[0] * rng.normal(size=n),
    }


def _travel(rng, people, worse, better):
    """Return a row a visit with its affect, and a row a buyer with what was expected."""
    n = len(people["level"])
    affect = MIDDLE + people["level"] + SHOCK * rng.normal(size=n)
    at, here, parts, buyers = rng.uniform(0, 60 * 24.0, n), np.arange(n), [], None
    for k, stage in enumerate(STAGES):
        names = list(TOUCHPOINTS[stage])
        share = np.array([TOUCHPOINTS[stage][t][0] for t in names])
        evoked = np.array([TOUCHPOINTS[stage][t][1] for t in names])
        level = people["level"].copy()
        if stage == "post_purchase":
            buyers = _compared(rng, here, people, worse, better)
            affect[here] += buyers["shift"]
            level[here] += buyers["shift"]
        left = 1 + rng.poisson(0.6, len(here))
        for visit in range(left.max(initial=0)):
            who = here[left > visit]
            place = rng.choice(len(names), len(who), p=share)
            touchpoint = np.array(names, object)[place]
            slip = rng.random(len(who)) < np.array([MISHAPS.get(t, 0.0) for t in touchpoint])
            aim = level[who] + evoked[place]
            moved = affect[who] + PULL * (aim - affect[who]) + MISHAP * slip
            affect[who] = moved + SHOCK * rng.normal(size=len(who))
            parts.append(_visits(who, at[who], stage, touchpoint, slip, affect[who]))
            at[who] += rng.exponential(3.0, len(who)) + 0.1
        if k < len(STAYS):
            odds = np.log(STAYS[k] / (1 - STAYS[k])) + LEAVES * (affect[here] - MIDDLE)
            here = here[rng.random(len(here)) < 1 / (1 + np.exp(-odds))]
            at[here] += rng.exponential(HOURS[k], len(here))
    visits = pd.concat(parts, ignore_index=True)
    visits = visits.sort_values(["hour", "customer_id"], kind="stable", ignore_index=True)
    visits["occurred_at"] = _moment(visits["hour"])
    return visits, buyers


def _visits(who, hour, stage, touchpoint, slip, affect):
    return pd.DataFrame(
        {
            "customer_id": who + 1,
            "hour": hour,
            "event": np.where(slip, "mishap", "visit"),
            "stage": stage,
            "touchpoint": touchpoint,
            "affect": affect,
        }
    )


def _compared(rng, here, people, worse, better):
    """Return what buyers expected and found, and what the difference does to their affect."""
    level = people["level"][here]
    expected = 5.0 + 0.4 * level + 0.8 * rng.normal(size=len(here))
    quality = 5.0 + 0.4 * level + 1.0 * rng.normal(size=len(here))
    gap = quality - expected
    shift = np.where(gap < 0, worse, better) * gap
    return pd.DataFrame({"customer_id": here + 1, "expected": expected, "gap": gap, "shift": shift})


def _answers(rng, visits, people, mood, loyal):
    """Return a row a customer and stage, at its last visit: what would be answered, and by whom."""
    last = visits.drop_duplicates(["customer_id", "stage"], keep="last").copy()
    who = last["customer_id"].to_numpy() - 1
    n, affect = len(last), last["affect"].to_numpy()
    last["satisfaction"] = _grade(affect + NOISE * rng.normal(size=n))
    last["ease"] = _grade(0.5 + affect + EASE * rng.normal(size=n))
    odds = ANSWERS + mood * (affect - MIDDLE) + people["ready"][who]
    odds = odds + loyal * (people["orders"][who] - 1)
    last["asked"] = rng.random(n) < ASKED
    last["answers"] = last["asked"] & (rng.random(n) < 1 / (1 + np.exp(-odds)))
    last["waits"] = np.round(rng.gamma(2.0, 0.2, n), 3)
    return last


def _asked(answers, buyers):
    """Return the invitations and the answers."""
    asked = answers[answers["asked"]]
    at = _moment(asked["hour"] + 0.05)
    done = asked["answers"].to_numpy()
    answered = _moment(asked["hour"] + 0.05 + np.minimum(asked["waits"], 2.0))
    invitations = pd.DataFrame(
        {
            "respondent_id": asked["customer_id"].to_numpy(),
            "invited_at": at.to_numpy(),
            "answered_at": answered.where(pd.Series(done)).to_numpy(),
            "stage": asked["stage"].to_numpy(),
            "touchpoint": asked["touchpoint"].to_numpy(),
        }
    )
    for column in ("invited_at", "answered_at"):
        invitations[column] = pd.to_datetime(invitations[column], utc=True)
    given = invitations[done].rename(columns={"invited_at": "left_out"}).drop(columns="left_out")
    parts = [
        given.assign(item=item, value=asked.loc[done, item].to_numpy())
        for item in ("satisfaction", "ease")
    ]
    parts += _expectations(given, buyers)
    table = pd.concat(parts).assign(scale="1 to 7")
    table = table.sort_values(["answered_at", "respondent_id", "item"], kind="stable")
    table.insert(0, "response_id", np.arange(1, len(table) + 1))
    return invitations, table.reset_index(drop=True)


def _expectations(given, buyers):
    """Return the answers of who is asked at their purchase what they expect, and afterwards whether
    it was worse or better.
    """
    known = buyers.set_index("customer_id")
    parts = []
    for stage, item, value in (
        ("purchase", "expectation", known["expected"]),
        ("post_purchase", "as_expected", 4 + known["gap"]),
    ):
        rows = given[(given["stage"] == stage) & given["respondent_id"].isin(known.index)]
        parts.append(rows.assign(item=item, value=_grade(rows["respondent_id"].map(value))))
    return parts


def _later(rng, buyers, visits, search):
    """Return searches and purchases after the journey, fewer searches after a good surprise, and
    how many searches each buyer made.
    """
    n = len(buyers)
    last = visits.groupby("customer_id")["hour"].max()
    begin = buyers["customer_id"].map(last).to_numpy() + 24 * rng.uniform(4, 20, n)
    bought = rng.random(n) < AGAIN
    searches = rng.poisson(1.6 * np.exp(search * buyers["gap"].to_numpy()))
    rows, again = np.repeat(np.arange(n), searches), np.flatnonzero(bought)
    hour = np.concatenate([begin[rows] + 48 * rng.random(len(rows)), begin[again] + 50.0])
    table = pd.DataFrame(
        {
            "customer_id": buyers["customer_id"].to_numpy()[np.concatenate([rows, again])],
            "occurred_at": _moment(hour),
            "event": np.repeat(["site_search", "order_placed"], [len(rows), len(again)]),
            "stage": np.repeat(["search", "purchase"], [len(rows), len(again)]),
        }
    )
    return table.sort_values("occurred_at", kind="stable", ignore_index=True), searches


def _texts(rng, visits):
    """Return texts of a few, whose words tell how they felt, with the polarity that was meant."""
    wrote = visits[rng.random(len(visits)) < WRITES].reset_index(drop=True)
    meant = TEXT[0] * (wrote["affect"] - MIDDLE) + TEXT[1] * rng.normal(size=len(wrote))
    tone = np.select([meant < -0.15, meant > 0.15], ["negative", "positive"], "neutral")
    dutch = np.where(rng.random(len(wrote)) < 0.6, "nl", "en")
    aspect = np.where(
        wrote["touchpoint"].isin(["parcel"]),
        "delivery",
        np.where(wrote["touchpoint"] == "helpdesk", "service", ""),
    )
    drawn = rng.choice(phrases.ASPECTS, len(wrote))
    aspect = np.where(aspect == "", drawn, aspect)
    said = [_sentence(rng, *facts) for facts in zip(dutch, tone, aspect, strict=True)]
    return pd.DataFrame(
        {
            "text_id": np.arange(1, len(wrote) + 1),
            "customer_id": wrote["customer_id"],
            "created_at": wrote["occurred_at"] + pd.Timedelta("10min"),
            "text": said,
            "stage": wrote["stage"],
            "touchpoint": wrote["touchpoint"],
            "aspect": aspect,
            "polarity": np.clip(np.round(meant, 3), -1, 1),
        }
    )


def _sentence(rng, language, tone, aspect):
    book = phrases.BOOK[language]
    first, second = book["aspects"][aspect][tone], book["overall"][tone]
    parts = (first[rng.integers(len(first))], second[rng.integers(len(second))])
    return " ".join(p[0].upper() + p[1:] + "." for p in parts)


def _truth(answers):
    """Return what holds for all who travelled."""
    people = answers["customer_id"].nunique()
    ever = answers.groupby("customer_id")["answers"].transform("any")
    by_stage = answers.groupby("stage")["satisfaction"]
    return {
        "curve": by_stage.mean().to_dict(),
        "ease": answers.groupby("stage")["ease"].mean().to_dict(),
        "reach": (answers.groupby("stage")["customer_id"].nunique() / people).to_dict(),
        "place": answers.groupby(["stage", "touchpoint"])["satisfaction"].mean().to_dict(),
        "silent": answers[~ever].groupby("stage")["satisfaction"].mean().to_dict(),
        "answers": answers[
            ["customer_id", "occurred_at", "stage", "touchpoint", "affect", "satisfaction"]
        ].assign(answered=answers["answers"], ever=ever),
    }


def _of_buyers(answers, buyers, searches):
    """Return what holds for all buyers, had all of them answered."""
    said = _grade(4 + buyers["gap"].to_numpy()) - 4
    after = answers[answers["stage"] == "post_purchase"].set_index("customer_id")["satisfaction"]
    felt = buyers["customer_id"].map(after).to_numpy()
    design = np.column_stack([np.ones(len(said)), np.minimum(said, 0), np.maximum(said, 0)])
    slopes = np.linalg.lstsq(design, felt, rcond=None)[0]
    beta = np.array([np.log(max(searches.mean(), 1e-9)), 0.0])
    both = np.column_stack([np.ones(len(said)), said])
    for _ in range(20):
        rate = np.exp(both @ beta)
        matrix = both.T @ (both * rate[:, None])
        beta = beta + np.linalg.lstsq(matrix, both.T @ (searches - rate), rcond=None)[0]
    return {
        "worse": float(slopes[1]),
        "better": float(slopes[2]),
        "searches_ratio": float(np.exp(beta[1])),
        "shares": {
            name: float((np.sign(said) == k).mean())
            for name, k in (("worse", -1), ("as_expected", 0), ("better", 1))
        },
    }


def _grade(values):
    return np.clip(np.round(values), 1, 7)


def _moment(hours):
    return pd.Series(START + pd.to_timedelta(np.round(np.asarray(hours) * 3600), "s"))


def _marked(table):
    table.attrs["simulated"] = True
    return table
