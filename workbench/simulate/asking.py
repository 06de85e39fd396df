"""A survey whose answer is known of everybody: who is asked, who answers, and what all would have
said.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

AGES = ("young", "middle", "old")
# Share of each age, its mean satisfaction, and the chance to answer of someone of mean mood.
MAKE_UP = (0.40, 0.35, 0.25)
SATISFIED = (-0.25, 0.05, 0.45)
ANSWERS = (0.15, 0.30, 0.50)
BEGINS = 1.25  # times the chance to finish
MONTHS = 6
SCALES = {"recommend": "0 to 10", "satisfaction": "1 to 7"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A survey and what is true of everybody who was asked.

    `invitations` (respondent_id, invited_at, started_at, answered_at, channel, age, orders),
    `surveys` (response_id, respondent_id, answered_at, item, value, scale, age, channel, with the
    items recommend and satisfaction), `margins` (column → share of everybody) and `truth` (the net
    promoter score of everybody, by name).
    """

    invitations: pd.DataFrame
    surveys: pd.DataFrame
    margins: dict
    truth: dict


def survey(customers=4000, *, mood=0.4, change=0.0, seed=1):
    """Ask customers of three ages what they think; the old are more satisfied and answer more.

    Planted: satisfaction by age; a chance to answer by age, and by satisfaction itself: `mood` on
    the log-odds scale a standard deviation. Weights by age can mend the first and not the second.
    `change` is added to satisfaction a month.

    Returns an Asked. The truth holds for all who were asked, answered or not.
    """
    rng = np.random.default_rng(seed)
    age = rng.choice(len(AGES), customers, p=MAKE_UP)
    month = rng.integers(0, MONTHS, customers)
    luck = rng.normal(size=customers)
    felt = np.array(SATISFIED)[age] + change * month + luck
    score = np.clip(np.round(7.6 + 1.6 * felt + 0.8 * rng.normal(size=customers)), 0, 10)
    graded = np.clip(np.round(4.8 + 1.1 * felt + 0.5 * rng.normal(size=customers)), 1, 7)
    odds = np.log(np.array(ANSWERS)[age] / (1 - np.array(ANSWERS)[age])) + mood * luck
    chance = 1 / (1 + np.exp(-odds))
    drawn = rng.random(customers)
    done, begun = drawn < chance, drawn < np.minimum(BEGINS * chance, 1)
    sent = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(
        month * 30 + rng.integers(0, 28, customers), "D"
    )
    waited = pd.to_timedelta(np.round(rng.gamma(1.5, 40, customers) * 3600), "s")
    waited = waited.where(waited < pd.Timedelta("13D"), pd.Timedelta("13D"))
    invitations = _marked(
        pd.DataFrame(
            {
                "respondent_id": np.arange(1, customers + 1),
                "invited_at": sent,
                "started_at": (sent + waited).where(begun),
                "answered_at": (sent + waited + pd.Timedelta("4min")).where(done),
                "channel": rng.choice(["email", "app"], customers, p=[0.6, 0.4]),
                "age": np.array(AGES)[age],
                "orders": 1 + rng.poisson(0.5 + 0.8 * age),
            }
        )
    )
    return Asked(
        invitations,
        _answers(invitations, {"recommend": score, "satisfaction": graded}),
        {"age": {name: float((age == i).mean()) for i, name in enumerate(AGES)}},
        {"nps": float(100 * ((score >= 9).mean() - (score <= 6).mean()))},
    )


def _answers(invitations, items):
    """Return the answers of those who finished, one row an item."""
    done = invitations["answered_at"].notna().to_numpy()
    kept = invitations.loc[done, ["respondent_id", "answered_at", "age", "channel"]]
    table = pd.concat(
        [
            kept.assign(item=item, value=value[done], scale=SCALES[item])
            for item, value in items.items()
        ]
    ).sort_values(["respondent_id", "item"], kind="stable", ignore_index=True)
    table.insert(0, "response_id", np.arange(1, len(table) + 1))
    return _marked(table)


def _marked(table):
    table.attrs["simulated"] = True
    return table
