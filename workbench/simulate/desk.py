"""A service desk whose promises are known: tickets with their times, and unhappy customers of whom
some are called.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CHANNELS = ("chat", "email", "phone", "sms")
USED = (0.30, 0.35, 0.25, 0.10)
# By channel: hours to a first reply, hours to solve after it (at once, else later), and how often
# it is solved at once, opened again and passed on.
REPLY = (0.5, 14.0, 0.2, 3.0)
AT_ONCE, LATER = 1.0, 60.0
FIRST = (0.55, 0.40, 0.70, 0.45)
AGAIN = (0.10, 0.08, 0.05, 0.16)
PASSED_ON = 0.06
PER_ORDER = 0.25  # tickets an order brings
MORE_CONTACTS = 0.8  # beyond the two of a ticket that was not solved at once
REASONS = ("delivery", "invoice", "product", "returns")
WHY = (0.40, 0.15, 0.30, 0.15)
START = pd.Timestamp("2024-01-01", tz="UTC")
UNHAPPY = 6
CALLED = 0.5  # by lot
ANSWERS_AGAIN = 0.6
HOW = ("worst", "lot")


@dataclass(frozen=True, eq=False)
class Desk:
    """A service desk and what is true of it.

    `tickets`, `followups` (tickets opened because of an unhappy answer), `orders`, `surveys` (the
    item recommend, asked twice) and `truth`: dictionaries by channel (first_contact, opened_again),
    `contacts_per_order`, `gain` (of a call, in points of the next answer) and the functions of
    hours `replied` and `solved`.
    """

    tickets: pd.DataFrame
    followups: pd.DataFrame
    orders: pd.DataFrame
    surveys: pd.DataFrame
    truth: dict


def desk(customers=2000, *, days=120, effect=1.2, chosen="worst", seed=1):
    """Let customers order, ask for help and say whether they would recommend.

    Planted: times to reply and to solve by channel (exponential, so that every share has its
    formula), how often a ticket is solved at once and opened again, contacts per order, and what a
    call to an unhappy customer adds to the next answer: `effect`, in points before rounding.

    Parameters
    ----------
    customers, days : int
    effect : float
    chosen : str
        Who of the unhappy is called: "worst" (the lower the answer, the likelier) or "lot".
    seed : int

    Returns
    -------
    Desk
    """
    rng = np.random.default_rng(seed)
    keen = rng.gamma(2.0, 0.5, customers)
    bought = rng.poisson(1.5 * keen)
    who = np.repeat(np.arange(1, customers + 1), bought)
    at = rng.uniform(0, days * 24.0, len(who))
    orders = _marked(
        pd.DataFrame(
            {
                "order_id": np.arange(1, len(who) + 1),
                "customer_id": who,
                "ordered_at": _moment(at),
                "amount": np.round(rng.gamma(2, 30, len(who)), 2),
                "channel": rng.choice(["app", "web"], len(who)),
            }
        )
    )
    tickets = _tickets(rng, who, at, days * 24.0)
    surveys, followups, gain = _feedback(rng, customers, days, effect, chosen)
    return Desk(tickets, followups, orders, surveys, {**_truth(), "gain": gain})


def replied(channel, hours):
    """Return the true share with a first reply within so many hours."""
    return float(1 - np.exp(-hours / REPLY[CHANNELS.index(channel)]))


def solved(channel, hours):
    """Return the true share closed within so many hours: a sum of two exponential times, of two
    kinds of tickets.
    """
    k = CHANNELS.index(channel)
    parts = [_two_steps(hours, REPLY[k], mean) for mean in (AT_ONCE, LATER)]
    return float(FIRST[k] * parts[0] + (1 - FIRST[k]) * parts[1])


def _two_steps(hours, first, second):
    a, b = 1 / first, 1 / second
    return 1 - (b * np.exp(-a * hours) - a * np.exp(-b * hours)) / (b - a)


def _truth():
    more = 1 - float(np.dot(USED, FIRST))
    return {
        "first_contact": dict(zip(CHANNELS, FIRST, strict=True)),
        "opened_again": dict(zip(CHANNELS, AGAIN, strict=True)),
        "contacts_per_order": PER_ORDER * (1 + more * (1 + MORE_CONTACTS)),
        "replied": replied,
        "solved": solved,
    }


def _tickets(rng, who, at, end):
    """Return the tickets that orders bring; what comes after the end is not known yet."""
    number = rng.poisson(PER_ORDER, len(who))
    asks, opened = np.repeat(who, number), np.repeat(at, number)
    n = len(asks)
    # Spread over the same days as the orders, so that contacts and orders cover the same time.
    opened = (opened + rng.exponential(48, n)) % end
    channel = rng.choice(len(CHANNELS), n, p=USED)
    first = rng.random(n) < np.array(FIRST)[channel]
    reply = opened + rng.exponential(np.array(REPLY)[channel])
    closed = reply + rng.exponential(np.where(first, AT_ONCE, LATER))
    again = rng.random(n) < np.array(AGAIN)[channel]
    contacts = 1 + (~first) * (1 + rng.poisson(MORE_CONTACTS, n))
    table = pd.DataFrame(
        {
            "ticket_id": np.arange(1, n + 1),
            "customer_id": asks,
            "opened_at": _moment(opened),
            "first_reply_at": _moment(reply).where(reply <= end),
            "closed_at": _moment(closed).where(closed <= end),
            "channel": np.array(CHANNELS)[channel],
            "reason": rng.choice(REASONS, n, p=WHY),
            "contacts": contacts,
            "escalated": rng.random(n) < PASSED_ON,
            "solved_first": first,
            "reopened": again & (closed <= end),
        }
    )
    return _marked(table.sort_values("opened_at", kind="stable", ignore_index=True))


def _feedback(rng, customers, days, effect, chosen):
    """Return answers asked twice, the tickets of who was called, and what a call brings."""
    mood = rng.normal(size=customers)
    first = _score(mood, rng, customers)
    asked = rng.uniform(0, days * 24.0 * 0.55, customers)
    unhappy = first <= UNHAPPY
    chance = np.clip(0.8 - 0.09 * first, 0.1, 0.9) if chosen == "worst" else CALLED
    called = unhappy & (rng.random(customers) < chance)
    luck = rng.normal(size=customers)
    without, with_call = (_score(mood + shift / 2.0, luck) for shift in (0.0, effect))
    second = np.where(called, with_call, without)
    again = rng.random(customers) < ANSWERS_AGAIN
    later = asked + 45 * 24.0
    people = np.arange(1, customers + 1)
    answers = pd.concat(
        [
            _answers(people, asked, first),
            _answers(people[again], later[again], second[again]),
        ],
        ignore_index=True,
    )
    answers.insert(0, "response_id", np.arange(1, len(answers) + 1))
    once_more = again & (second <= UNHAPPY) & (rng.random(customers) < CALLED)
    followups = _followups(
        rng,
        np.concatenate([people[called], people[once_more]]),
        np.concatenate([asked[called], later[once_more]]),
        days * 24.0,
    )
    gain = float((with_call - without)[unhappy].mean()) if unhappy.any() else float("nan")
    return _marked(answers), followups, gain


def _followups(rng, who, answered, end):
    """Return the tickets of those who are called because of an answer."""
    n = len(who)
    opened = answered + 1.0
    reached = opened + np.minimum(rng.exponential(60, n), 20 * 24.0)
    done = reached + np.minimum(rng.exponential(72, n), 20 * 24.0)
    known = (rng.random(n) < 0.85) & (done <= end)
    table = pd.DataFrame(
        {
            "ticket_id": 1_000_000 + np.arange(n),
            "customer_id": who,
            "opened_at": _moment(opened),
            "first_reply_at": _moment(reached).where(reached <= end),
            "closed_at": _moment(done).where(known),
            "channel": "phone",
            "reason": "follow_up",
        }
    )
    return _marked(table[(opened <= end)].reset_index(drop=True))


def _score(mood, luck, size=None):
    luck = luck.normal(size=size) if size else luck
    return np.clip(np.round(6.5 + 2.0 * mood + 1.2 * luck), 0, 10)


def _answers(people, at, value):
    return pd.DataFrame(
        {
            "respondent_id": people,
            "answered_at": _moment(at),
            "item": "recommend",
            "value": value,
            "scale": "0 to 10",
        }
    )


def _moment(hours):
    return pd.Series(START + pd.to_timedelta(np.round(np.asarray(hours) * 3600), "s"))


def _marked(table):
    table.attrs["simulated"] = True
    return table
