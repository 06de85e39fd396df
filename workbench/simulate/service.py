"""A survey on a service whose ratings differ, and whose weights are planted."""

import numpy as np
import pandas as pd

# What each rating weighs in satisfaction, and how well the firm does in it.
WEIGHTS = {"delivery": 0.55, "staff": 0.60, "website": 0.10, "opening_hours": 0.05}
MEANS = {"delivery": 5.8, "staff": 3.9, "website": 5.6, "opening_hours": 3.8}
TRUST = ("trust_1", "trust_2", "trust_3")
# What every trust item takes from trust itself; the rest is its own noise.
LOADING = 0.8


def survey(respondents=600, *, seed=1):
    """Make answers on a service: one driver weighs much and is rated low, one weighs much and is
    rated high, two weigh little; three items measure trust, and trust alone.

    Returns a DataFrame: respondent_id, satisfaction, the four ratings (1 to 7) and three items of
    trust (1 to 7). What each rating weighs stands in `.attrs["truth"]`.
    """
    rng = np.random.default_rng(seed)
    felt = {name: rng.normal(size=respondents) for name in WEIGHTS}
    made = {
        name: _grade(MEANS[name] + felt[name] + 0.3 * rng.normal(size=respondents))
        for name in WEIGHTS
    }
    satisfaction = sum(weight * felt[name] for name, weight in WEIGHTS.items())
    trust = rng.normal(size=respondents)
    items = {
        name: _grade(4.5 + 1.2 * (LOADING * trust + 0.6 * rng.normal(size=respondents)))
        for name in TRUST
    }
    table = pd.DataFrame(
        {
            "respondent_id": np.arange(respondents),
            "satisfaction": _grade(4.6 + satisfaction + 0.6 * rng.normal(size=respondents)),
            **made,
            **items,
        }
    )
    table.attrs.update(simulated=True, truth=dict(WEIGHTS))
    return table


def felt(market, answers):
    """Return answers on an order with `felt`: the satisfaction behind the grade, unrounded and
    without the noise of answering.
    """
    from workbench.simulate import _lives

    parts = []
    for kept, life in _lives(market.settings):
        orders = kept["orders"]
        order_id = (life.ids[orders["row"]] + 1) * 1000 + orders["need"]
        parts.append(pd.DataFrame({"order_id": order_id, "felt": orders["satisfaction"]}))
    made = answers.merge(pd.concat(parts), on="order_id", how="left")
    made.attrs["simulated"] = True
    return made


def _grade(values):
    return np.clip(np.round(values), 1, 7)
