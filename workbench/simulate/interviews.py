"""Answers of people who are asked what they would choose or pay, with planted truth.

Tables are marked as simulated; what was planted stands in `.attrs["truth"]`.
"""

import numpy as np
import pandas as pd

from workbench.notes import Note
from workbench.results import Points, Result, analysis

# An offer as a conjoint study shows it: attributes, and the levels of each.
OFFER = {
    "brand": ["Alta", "Boreal", "Cedro"],
    "price": [40, 50, 60, 70],
    "warranty": ["1 year", "2 years"],
    "delivery": ["next day", "3 days", "a week"],
}
# What the levels of that offer are worth to people, on the log-odds scale; the price a unit.
WORTHS = {
    "brand": {"Alta": 0.4, "Boreal": 0.1, "Cedro": -0.5},
    "price": -0.045,
    "warranty": {"1 year": -0.3, "2 years": 0.3},
    "delivery": {"next day": 0.3, "3 days": 0.1, "a week": -0.4},
}
# How much each factor matters to a choice, on the scale of best–worst answers.
FACTORS = {
    "price": 1.0,
    "quality": 1.2,
    "convenience": 0.3,
    "experience": 0.5,
    "recommendation": -0.4,
    "emotion": -0.2,
    "social_proof": -0.8,
}
QUESTIONS = ("too_cheap", "cheap", "expensive", "too_expensive")
QUESTION = Note("simulate.recovered_question", "Does the survey find the worth that was planted?")
METHOD = Note(
    "simulate.recovered_method",
    "Planted worth: difference of the planted part-worths over minus the planted weight of the "
    "price. Estimates and intervals are those of the survey.",
)
LIMIT = Note(
    "simulate.recovered_limit",
    "Agreement shows that the method works on answers of this kind, and nothing about people.",
)
AXIS = Note("simulate.recovered_axis", "Money")


def best_and_worst(design, factors, people=20, *, seed=1):
    """Let people name the best and the worst item of every task of a best–worst design.

    Parameters
    ----------
    design : table of `conjoint.best_worst_design`
    factors : dict
        How much each item matters.
    people : int
        How many answer each version.
    seed : int or numpy Generator

    Returns
    -------
    DataFrame
        version, task, item, respondent_id, best, worst.
    """
    rng = np.random.default_rng(seed)
    shown = design.loc[np.repeat(design.index, people)]
    person = np.tile(np.arange(people), len(design))
    shown = shown.assign(respondent_id=shown["version"] * 100 + person)
    value = shown["item"].map(factors)
    task = [shown["respondent_id"], shown["task"]]
    liked = value + rng.gumbel(size=len(shown))
    shown["best"] = liked.groupby(task).rank(ascending=False) == 1
    disliked = (rng.gumbel(size=len(shown)) - value).where(~shown["best"])
    shown["worst"] = disliked.groupby(task).rank(ascending=False) == 1
    shown.attrs.update(simulated=True, truth=dict(factors))
    return shown


def named_prices(people=250, *, typical=55, seed=1):
    """Let people name the four prices of a price-sensitivity meter.

    Returns a DataFrame: respondent_id and the prices at which the product is too_cheap, cheap,
    expensive and too_expensive; they scatter around `typical`. `seed` may be a numpy Generator.
    """
    rng = np.random.default_rng(seed)
    middle = np.sort(rng.lognormal(np.log(typical), 0.25, (people, 4)), axis=1)
    prices = pd.DataFrame((middle + [-8, -3, 3, 8]).round(), columns=list(QUESTIONS))
    prices.insert(0, "respondent_id", np.arange(people) + 1)
    prices.attrs.update(simulated=True, truth={"typical": typical})
    return prices


def would_buy(named, prices):
    """Show every person each of some prices: whoever does not find it too high would buy.

    Takes a table of `named_prices`. Returns a DataFrame: respondent_id, price, would_buy.
    """
    rows = named.loc[np.repeat(named.index, len(prices)), ["respondent_id", "expensive"]]
    rows = rows.assign(price=np.tile(prices, len(named)))
    ladder = rows.assign(would_buy=rows["expensive"] >= rows["price"])
    ladder.attrs.update(simulated=True)
    return ladder


@analysis
def recovered(worth, planted, price="price"):
    """Does the survey find the worth in money that was planted?

    Parameters
    ----------
    worth : Result of `conjoint.willingness_to_pay`
    planted : dict
        Attribute → {level: part-worth}, or the weight of a unit, such as `WORTHS`.
    price : str
        The attribute that is money.

    Returns
    -------
    Result
        attribute, level, against, n (choices), truth, estimate, conf_low, conf_high, and whether
        the interval holds the truth.
    """
    table = worth.table.drop(columns="std_error")
    truth = [
        (planted[row.attribute][row.level] - planted[row.attribute][row.against]) / -planted[price]
        for row in table.itertuples()
    ]
    table.insert(table.columns.get_loc("estimate"), "truth", truth)
    table["covered"] = table["truth"].between(table["conf_low"], table["conf_high"])
    return Result(
        question=QUESTION,
        table=table,
        answer=_recovered_answer(table),
        method=METHOD,
        unit=worth.unit,
        n=worth.n,
        conf_level=worth.conf_level,
        evidence="descriptive",
        limits=[LIMIT],
        chart=Points(label=["attribute", "level"], reference=0, xlabel=AXIS),
    )


def _recovered_answer(table):
    """Return how many intervals hold the truth, and the estimate that is furthest from it."""
    row = table.loc[(table["estimate"] - table["truth"]).abs().idxmax()]
    return Note(
        "simulate.recovered_answer",
        "Intervals that hold the planted difference: {count} of {differences}. Furthest off is "
        "{level} instead of {against} ({attribute:word}): estimate {estimate:money} ({low:money} "
        "to {high:money}), planted {truth:money}.",
        count=int(table["covered"].sum()),
        differences=len(table),
        level=row["level"],
        against=row["against"],
        attribute=row["attribute"],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        truth=row["truth"],
    )
