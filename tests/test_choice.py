"""Brand choice: published estimates, statsmodels as second opinion, recovery, and data that must be
refused.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from workbench import choice, load
from workbench.errors import InputError, NotEnoughData


def modechoice():
    """Greene's 210 travellers with four ways to travel, from statsmodels (public domain)."""
    data = sm.datasets.modechoice.load_pandas().data
    names = {1.0: "air", 2.0: "train", 3.0: "bus", 4.0: "car"}
    return pd.DataFrame(
        {
            "choice_id": data["individual"].astype(int),
            "customer_id": data["individual"].astype(int),
            "alternative": data["mode"].map(names),
            "chosen": data["choice"] > 0,
            "gc": data["gc"],
            "ttme": data["ttme"],
            "air_income": data["hinc"] * (data["mode"] == 1),
        }
    )


def market(seed, customers=200, per=8, beta=(-1.2, 0.8), taste=0.0, names=4):
    """Simulated choices with known weights of price and display; `taste` adds a personal liking."""
    rng = np.random.default_rng(seed)
    n = customers * per
    price, display = rng.uniform(1, 4, (n, names)), rng.random((n, names)) < 0.3
    constants = np.array([0.0, 0.4, -0.3, 0.2])[:names]
    available = rng.random((n, names)) < 0.9
    available[:, 0] |= available.sum(axis=1) < 2
    available[:, 1] |= available.sum(axis=1) < 2
    own = np.repeat(rng.normal(0, taste, (customers, names)), per, axis=0)
    score = constants + beta[0] * price + beta[1] * display + own + rng.gumbel(size=(n, names))
    pick = np.where(available, score, -np.inf).argmax(axis=1)
    return pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), names),
            "customer_id": np.repeat(np.arange(customers), per * names),
            "alternative": np.tile([f"brand {i}" for i in range(names)], n),
            "chosen": (np.arange(names) == pick[:, None]).ravel(),
            "available": available.ravel(),
            "price": price.ravel(),
            "display": display.ravel().astype(float),
        }
    )


def test_published_estimates_of_mode_choice():
    """Greene, Econometric Analysis, example of travel mode choice: log-likelihood −199.1284,
    weights as printed.
    """
    fit = choice.conditional_logit(modechoice(), ["gc", "ttme", "air_income"]).model
    assert fit.loglik == pytest.approx(-199.1284, abs=5e-4)
    assert fit.params["gc"] == pytest.approx(-0.01550, abs=5e-5)
    assert fit.params["ttme"] == pytest.approx(-0.09612, abs=5e-5)
    assert fit.params["air_income"] == pytest.approx(0.01329, abs=5e-5)
    # Constants relative to car, whatever base the fit took.
    constant = {
        name: fit.params.get(f"constant: {name}", 0.0) for name in ("air", "train", "bus", "car")
    }
    assert [constant[n] - constant["car"] for n in ("air", "train", "bus")] == pytest.approx(
        [5.2074, 3.8690, 3.1632], abs=5e-4
    )


def test_statsmodels_gives_the_same_weights():
    """Its conditional logit, on the same data and dummies."""
    data = modechoice()
    fit = choice.conditional_logit(data, ["gc", "ttme"]).model
    dummies = pd.get_dummies(data["alternative"], dtype=float).drop(columns=fit.base)
    other = sm.ConditionalLogit(
        data["chosen"].astype(int),
        pd.concat([data[["gc", "ttme"]], dummies], axis=1),
        groups=data["choice_id"],
    ).fit(disp=0, maxiter=200)
    assert fit.params.to_numpy() == pytest.approx(other.params.to_numpy(), abs=5e-4), (
        "its optimiser stops a little earlier"
    )
    assert fit.loglik == pytest.approx(other.llf, abs=1e-6)


def test_shuffling_and_renaming_change_nothing():
    """Rows in another order, customers under other names."""
    made = market(1, customers=40)
    base = choice.conditional_logit(made, ["price", "display"]).table
    moved = made.sample(frac=1, random_state=0)
    moved["customer_id"] = "x" + (1000 - moved["customer_id"]).astype(str)
    other = choice.conditional_logit(moved, ["price", "display"]).table
    pd.testing.assert_frame_equal(base, other, rtol=1e-7)


def test_a_weight_in_cents_is_a_hundredth_of_one_in_dollars():
    """Units move through weights, money values and elasticities as they should."""
    made = market(2, customers=60)
    dollars = choice.conditional_logit(made, ["price", "display"])
    cents = choice.conditional_logit(made.assign(price=made["price"] * 100), ["price", "display"])
    assert cents.model.params["price"] * 100 == pytest.approx(dollars.model.params["price"])
    a, b = (choice.willingness_to_pay(f).table["estimate"].iloc[0] for f in (dollars, cents))
    assert b == pytest.approx(100 * a)
    e, f = (
        choice.elasticities(dollars, made).table,
        choice.elasticities(cents, made.assign(price=made["price"] * 100)).table,
    )
    assert e[["estimate", "std_error"]].to_numpy() == pytest.approx(
        f[["estimate", "std_error"]].to_numpy(), rel=1e-5
    )


def test_elasticities_equal_a_small_price_rise():
    """Raise one price by 0.1 % and predict again."""
    made = market(3, customers=60)
    fit = choice.conditional_logit(made, ["price", "display"])
    before = fit.model.probabilities(made).sum(axis=0)
    dearer = made.assign(price=made["price"] * np.where(made["alternative"] == "brand 1", 1.001, 1))
    change = (fit.model.probabilities(dearer).sum(axis=0) / before - 1) / 0.001
    table = choice.elasticities(fit, made).table
    assert table[table["changed"] == "brand 1"]["estimate"].to_numpy() == pytest.approx(
        change, rel=2e-3
    )


def test_what_is_not_on_the_shelf_is_never_chosen():
    """Chances of the unavailable are 0, and the rest add up to 1."""
    made = market(4, customers=30)
    p = choice.conditional_logit(made, ["price"]).model.probabilities(made)
    assert p.sum(axis=1) == pytest.approx(np.ones(len(p)))
    assert (p.ravel()[~made["available"].to_numpy()] == 0).all()


def test_no_money_yardstick_where_price_does_not_matter():
    """A price that people do not mind gives missing money values, with the reason."""
    made = market(5, customers=60, beta=(0.0, 1.0))
    result = choice.willingness_to_pay(choice.conditional_logit(made, ["price", "display"]))
    assert result.table["estimate"].isna().all() and "missing" in str(result.limits[0])


@pytest.mark.parametrize(
    ("change", "attributes", "message"),
    [
        (lambda d: d.assign(flat=1.0), ["price", "flat"], "flat never differs"),
        (lambda d: d.assign(twin=2 * d["price"]), ["price", "twin"], "same information"),
        (
            lambda d: d.assign(price=d["price"].where(d.index != 1), available=True),
            ["price"],
            "lack a value of price",
        ),
        (lambda d: d.assign(chosen=False), ["price"], "exactly one chosen"),
        (lambda d: pd.concat([d, d.iloc[[0]]]), ["price"], "exactly one chosen|stand twice"),
        (lambda d: d, ["prise"], "Did you mean 'price'"),
    ],
)
def test_data_that_cannot_be_estimated_is_refused(change, attributes, message):
    """Constant, collinear, missing, doubled, misspelt: an error that names the culprit."""
    with pytest.raises(InputError, match=message):
        choice.conditional_logit(change(market(6, customers=20)), attributes)


def test_one_customer_is_not_people():
    """Nor is an empty table."""
    with pytest.raises(NotEnoughData):
        choice.conditional_logit(market(7, customers=1, per=60), ["price"])
    with pytest.raises(NotEnoughData):
        choice.conditional_logit(market(7).iloc[:0], ["price"])


def test_the_model_beats_market_shares_where_attributes_matter():
    """On simulated choices the hit rate and log score of unseen customers say so."""
    made = market(8)
    made["last_bought"] = False
    table = choice.holdout(made, ["price", "display"]).table.set_index(["rule", "measure"])[
        "estimate"
    ]
    assert table["model", "log_score"] > table["market_shares", "log_score"] + 0.1
    assert table["model", "hit_rate"] > table["market_shares", "hit_rate"]


def test_the_panel_gives_choices_as_defined():
    """One chosen and available alternative a choice; own-basket prices differ; every occasion is
    accounted for.
    """
    made = load.panel_choices("EGGS")
    table = made.table
    assert table["alternative"].nunique() == 6
    assert (table.groupby("choice_id")["chosen"].sum() == 1).all()
    assert table.loc[table["chosen"], "available"].all()
    assert (table.loc[table["available"], "price"] > 0).all()
    kept = made.kept.set_index("outcome")["count"]
    assert kept["occasions"] == kept.drop("occasions").sum()
    assert kept["choices_kept"] == table["choice_id"].nunique()
    assert 0 < made.imputed < 1
    none = load.panel_choices("EGGS", carry_weeks=0)
    assert none.imputed == 0 and none.table["choice_id"].nunique() < table["choice_id"].nunique()
    with pytest.raises(InputError, match="at least 4"):
        load.panel_choices("EGGS", alternatives=3)
    with pytest.raises(InputError, match="Did you mean 'EGGS'"):
        load.panel_choices("EGGSS")


def test_a_price_leaves_the_own_basket_out():
    """In a store-week with two baskets, each sees the other's price."""
    from workbench.load.choices import _Shelf

    lines = pd.DataFrame(
        {
            "store_id": [1, 1, 1],
            "week": [5, 5, 9],
            "alternative": ["a", "a", "a"],
            "packages": [1, 2, 1],
            "paid": [2.0, 6.0, 9.0],
            "regular": [2.0, 8.0, 9.0],
        }
    )
    price, discount, carried = _Shelf(lines, ["a", "b"], 4).prices(lines, own_basket=False)
    assert price[:2, 0].tolist() == [3.0, 2.0] and discount[:2, 0].tolist() == [0.25, 0.0]
    assert price[2, 0] == pytest.approx(8 / 3, abs=1e-6)
    assert carried[:, 0].tolist() == [
        False,
        False,
        True,
    ]
    price, *_ = _Shelf(lines, ["a", "b"], 3).prices(lines, own_basket=False)
    assert np.isnan(price[2, 0]) and np.isnan(price[:, 1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("taste", [0.0, 0.8])
def test_planted_weights_are_recovered(taste):
    """200 markets: 91–98 % of the intervals hold the planted weights; with no effect of display,
    few find one.
    """
    names, truth = ["price", "display"], np.array([-1.2, 0.8])
    inside, false = np.zeros(2), 0
    for seed in range(200):
        fit = (
            choice.conditional_logit(market(seed, taste=taste), names)
            .table.set_index("term")
            .loc[names]
        )
        # Personal liking shrinks the scale of a plain logit; its target is then found on a large
        # market.
        inside += (fit["conf_low"] <= truth_for(taste, truth)) & (
            truth_for(taste, truth) <= fit["conf_high"]
        )
        none = (
            choice.conditional_logit(market(seed, beta=(-1.2, 0.0), taste=taste), names)
            .table.set_index("term")
            .loc["display"]
        )
        false += not none["conf_low"] <= 0 <= none["conf_high"]
    coverage = (inside / 200).to_dict()
    print(
        f"\nconditional logit, taste {taste}: coverage {coverage}, false positives"
        f" {false / 200:.3f}"
    )
    assert all(0.91 <= c <= 0.98 for c in coverage.values()) and false / 200 <= 0.09


_TARGETS = {}


def truth_for(taste, planted):
    """The weights a conditional logit aims at: the planted ones, or those of a very large market
    with personal liking.
    """
    if taste == 0:
        return planted
    if taste not in _TARGETS:
        fit = choice.conditional_logit(
            market(999, customers=40_000, taste=taste), ["price", "display"]
        ).model
        _TARGETS[taste] = fit.params[["price", "display"]].to_numpy()
    return _TARGETS[taste]
