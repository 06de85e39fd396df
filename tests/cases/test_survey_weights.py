"""Weights of a survey are used where the field uses them: what one weighs three times counts as
three rows written out, a scale of all weights is nothing, and errors are those of linearisation.
"""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import WLS

from workbench import conjoint, drivers
from workbench.errors import InputError
from workbench.stats import sampling

N = 120


def kano(rng):
    """Answers to two features."""
    return pd.DataFrame(
        {
            "respondent_id": np.tile(np.arange(N), 2),
            "feature": np.repeat(["delivery", "gift"], N),
            "functional": rng.integers(1, 4, 2 * N),
            "dysfunctional": rng.integers(3, 6, 2 * N),
        }
    )


def beliefs(rng):
    """Two brands, two properties."""
    made = pd.MultiIndex.from_product(
        [range(N), ["A", "B"], ["cheap", "good"]], names=["respondent_id", "brand", "belief_item"]
    ).to_frame(index=False)
    return made.assign(
        belief=rng.integers(-3, 4, len(made)), evaluation=rng.integers(-3, 4, len(made))
    )


def four_prices(rng):
    """Four prices in order."""
    named = np.sort(rng.uniform(1, 20, (N, 4)).round(1), axis=1) + [0, 0.1, 0.2, 0.3]
    columns = ["too_cheap", "cheap", "expensive", "too_expensive"]
    return pd.DataFrame(named, columns=columns).assign(respondent_id=np.arange(N))


def ladder(rng):
    """Three prices, all asked."""
    top = rng.choice([0, 5, 10, 15], N)
    made = pd.DataFrame(
        {"respondent_id": np.repeat(np.arange(N), 3), "price": np.tile([5.0, 10.0, 15.0], N)}
    )
    return made.assign(would_buy=(made["price"] <= np.repeat(top, 3)).astype(int))


def rated(rng):
    """An outcome and two drivers."""
    a, b = rng.integers(1, 8, N) * 1.0, rng.integers(1, 8, N) * 1.0
    y = a + 0.3 * b + rng.normal(0, 2, N)
    made = {"respondent_id": np.arange(N), "y": y, "a": a, "b": b}
    return pd.DataFrame(made).assign(high=(y > np.median(y)) * 1)


CASES = {
    "kano": (kano, drivers.kano),
    "attitude": (beliefs, drivers.attitude),
    "van_westendorp": (four_prices, lambda d: conjoint.van_westendorp(d, draws=60)),
    "gabor_granger": (ladder, lambda d: conjoint.gabor_granger(d, draws=60)),
    "regression": (rated, lambda d: drivers.regression(d, "y", ["a", "b"])),
    "logit": (rated, lambda d: drivers.regression(d, "high", ["a", "b"], kind="logit")),
    "poisson": (rated, lambda d: drivers.regression(d, "a", ["b"], kind="poisson")),
    "ordinal": (rated, lambda d: drivers.regression(d, "a", ["b", "y"], kind="ordinal")),
    "mediation": (rated, lambda d: drivers.mediation(d, "a", "b", "y", draws=60)),
    "moderation": (rated, lambda d: drivers.moderation(d, "a", "high", "b")),
    "reliability": (rated, lambda d: drivers.reliability(d, {"s": ["a", "b", "y"]}, draws=60)),
    "stated_importance": (
        lambda rng: kano(rng).rename(columns={"feature": "factor", "functional": "value"}),
        drivers.stated_importance,
    ),
    "key_drivers": (rated, lambda d: drivers.key_drivers(d, "y", ["a", "b"], draws=60)),
    "key_drivers_logit": (
        rated,
        lambda d: drivers.key_drivers(d, "high", ["a", "b"], kind="logit", draws=40),
    ),
}


def weighted(name, seed=1):
    """A table, whole weights of respondents, and the table with rows written out as people."""
    rng = np.random.default_rng(seed)
    data = CASES[name][0](rng)
    many = rng.integers(1, 4, N)
    each = many[data["respondent_id"]]
    out = pd.concat(
        [
            data[each > k].assign(respondent_id=lambda d, k=k: d["respondent_id"] + k * N)
            for k in range(3)
        ],
        ignore_index=True,
    )
    return data.assign(weight=each * 1.0), out


@pytest.mark.parametrize("name", CASES)
def test_a_weight_of_three_counts_as_three(name):
    """The estimates of the weighted table are those of its rows written out."""
    data, out = weighted(name)
    made, other = CASES[name][1](data), CASES[name][1](out)
    keys = [
        c for c in made.table if c == "price" or not pd.api.types.is_numeric_dtype(made.table[c])
    ]
    one = made.table.set_index(keys)["estimate"].sort_index()
    two = other.table.set_index(keys)["estimate"].sort_index()
    assert one.to_numpy() == pytest.approx(two.to_numpy(), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_scale_of_weights_is_nothing(name):
    """Times a hundred: the same table to the last figure that counts, and it says weights count."""
    data, _ = weighted(name)
    made = CASES[name][1](data)
    again = CASES[name][1](data.assign(weight=data["weight"] * 100)).table
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert made.table[column].to_numpy(float) == pytest.approx(
            again[column].to_numpy(float), rel=1e-6, nan_ok=True
        )
    assert any("counts by its weight" in str(v) for v in made.limits)


@pytest.mark.parametrize("name", CASES)
def test_equal_weights_are_none(name):
    """All 2: the table without weights."""
    data, _ = weighted(name)
    made = CASES[name][1](data.assign(weight=2.0)).table
    plain = CASES[name][1](data.drop(columns="weight")).table
    for column in ("estimate", "conf_low", "conf_high"):
        assert made[column].to_numpy(float) == pytest.approx(
            plain[column].to_numpy(float), rel=1e-6, nan_ok=True
        )


def test_errors_are_those_of_linearisation():
    """Robust errors of an independent implementation, least squares and logit."""
    data, _ = weighted("regression", 2)
    x = np.column_stack([np.ones(N), data[["a", "b"]]])
    w = (data["weight"] / data["weight"].mean()).to_numpy()
    made = drivers.regression(data, "y", ["a", "b"]).table
    other = WLS(data["y"], x, weights=w).fit(cov_type="HC1")
    assert made["std_error"].to_numpy() == pytest.approx(other.bse[1:], rel=1e-8)
    logit = drivers.regression(data, "high", ["a", "b"], kind="logit").table
    beta = np.zeros(3)
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        bread = np.linalg.inv((x * (w * p * (1 - p))[:, None]).T @ x)
        score = x * (w * (data["high"].to_numpy() - p))[:, None]
        beta = beta + bread @ score.sum(axis=0)
    cov = bread @ (score.T @ score) @ bread
    assert logit["estimate"].to_numpy() == pytest.approx(beta[1:], rel=1e-6)
    assert logit["std_error"].to_numpy() == pytest.approx(np.sqrt(np.diag(cov))[1:], rel=1e-5)


def test_a_share_of_nobody_is_no_certainty():
    """None of the answers: the upper limit is that of as many answers as they are worth."""
    data, _ = weighted("kano")
    data["functional"] = 3  # nobody likes it: never attractive
    rows = drivers.kano(data).table
    none = rows[rows["measure"] == "attractive"]
    worth = sampling.kish(data.loc[data["feature"] == "gift", "weight"])
    assert (none["estimate"] == 0).all() and (none["conf_low"] == 0).all()
    assert none["conf_high"].to_numpy() == pytest.approx(3.8415 / (3.8415 + worth), rel=1e-3)


def test_a_weight_that_is_asked_about_is_no_weight():
    """Somebody's weight in kilos as a driver."""
    data, _ = weighted("regression")
    made = drivers.regression(data, "y", ["a", "weight"])
    assert not any("counts by its weight" in str(v) for v in made.limits)


def test_what_takes_no_weights_says_so():
    """One sentence: what takes none, why, and what to do."""
    data, _ = weighted("regression")
    with pytest.raises(InputError, match=r"takes no weights, since .*; leave"):
        drivers.regression(data, "high", ["b"], kind="logit", penalty="firth")
