"""Models of buying at their edges: hundreds of purchases, everybody leaving with one chance, rows
that stand for many.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from workbench import clv
from workbench.stats import buying
from workbench.stats.buying_models import MODELS


def drawn(kind, params, n=600, age=80.0, seed=1):
    """Customers drawn from a model."""
    rng = np.random.default_rng(seed)
    x, last = MODELS[kind].draw(params, np.full(n, age), rng)
    made = pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "frequency": x,
            "recency": last,
            "age": age,
            "paid": x,
            "value": np.where(x > 0, rng.gamma(4, 10, n), np.nan),
        }
    )
    made.attrs = {"unit": "week", "unit_days": 7.0}
    return made


@pytest.mark.parametrize("x", [0, 3, 60, 290, 415, 2000])
@pytest.mark.parametrize(("a", "b"), [(0.6, 3.0), (1.0, 2.0), (2.5, 0.7), (40.0, 80.0)])
def test_expectations_at_any_number_of_purchases(x, a, b):
    """By definition: the mean of (1 − (1 + p t / rate)^−shape) / p over the beta of p, integrated
    numerically along its quantiles.
    """
    shape, rate, ahead = 0.7 + x, 9 + 300.0, 260.0
    beta = stats.beta(a, b + x)

    def at(u):
        p = max(beta.ppf(u), 1e-300)
        return -np.expm1(-shape * np.log1p(p * ahead / rate)) / p

    told = integrate.quad(at, 0, 1, limit=200, epsrel=1e-7)[0]
    assert buying.while_alive(shape, rate, a, b + x, ahead) == pytest.approx(told, rel=2e-5)


@pytest.mark.parametrize("kind", ["bg_nbd", "mbg_nbd"])
def test_one_heavy_customer_does_not_empty_the_table(kind):
    """Four hundred repeat days, five years ahead: the total is there, and so is that customer."""
    data = drawn("mbg_nbd", (0.6, 9, 0.6, 3.0))
    data.loc[0, ["frequency", "recency", "paid", "value"]] = [415, 79.5, 415, 20.0]
    fit, spending = getattr(clv, kind)(data), clv.gamma_gamma(data)
    made = clv.value(fit, spending, data, horizon="1820D")
    assert made.table["estimate"].notna().all()
    assert 500 < made.model.loc[0, "expected"] < 415 / 80 * 260


def test_published_expectation():
    """Fader, Hardie & Lee (2005), Marketing Science 24, and their note on BG/NBD in Excel: customer
    1 of CDNOW, two purchases, the last at 30.43 of 38.86 weeks: 1.226 in the 39 weeks to come.
    """
    model = MODELS["bg_nbd"]
    given = (np.array([2.0]), np.array([30.43]), np.array([38.86]), 39.0)
    assert model.conditional((0.243, 4.414, 0.793, 2.426), *given)[0] == pytest.approx(
        1.226, abs=1e-3
    )


def test_everybody_leaves_with_the_same_chance():
    """The ratio is reported with its interval, the parameters are withheld, and one sentence says
    so: no advice to watch longer, none against forecasts.
    """
    rng = np.random.default_rng(4)
    n, age = 3000, 400.0
    rate, last, x = rng.gamma(8, 0.25, n), np.zeros(n), np.zeros(n)
    here, now = np.ones(n, bool), np.zeros(n)
    for _ in range(60):
        now = now + rng.exponential(1, n) / rate
        here &= now <= age
        x, last = x + here, np.where(here, now, last)
        here &= rng.random(n) >= 0.35
    made = clv.bg_nbd(
        pd.DataFrame({"frequency": x, "recency": last, "age": age}).query("frequency > 0")
    )
    rows = made.table.set_index("term")
    if rows.loc[["a", "b"], "estimate"].isna().all():
        said = " ".join(str(n) for n in made.limits)
        assert "hardly differ in how soon they leave" in said and "longer" not in said
    assert rows.loc["mean_leaving", "conf_low"] < rows.loc["mean_leaving", "conf_high"]


def test_withheld_parameters_have_one_sentence_a_pair():
    """However the data lie, an edge of leaving and one of buying are each told once, and what is
    withheld is missing.
    """
    rng = np.random.default_rng(6)
    n, age = 800, 52.0
    x = rng.poisson(0.35 * age, n).astype(float)
    last = np.where(x > 0, age * rng.random(n) ** (1 / np.maximum(x, 1)), 0.0)
    made = clv.bg_nbd(pd.DataFrame({"frequency": x, "recency": last, "age": age}))
    ids = [note.id for note in made.limits if note.id.startswith("clv.edge")]
    assert len(ids) == len(set(ids)) and len(ids) <= 2 and ids
    rows = made.table.set_index("term")
    assert rows.loc[list(made.model.edges), "estimate"].isna().all()
    assert rows.loc["mean_rate", "conf_low"] < 0.35 < rows.loc["mean_rate", "conf_high"]
