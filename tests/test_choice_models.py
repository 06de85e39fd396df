"""Nested, mixed and latent-class logits: limits they must reach, derivatives by brute force, data
that must be refused, and recovery of planted truth.
"""

import numpy as np
import pandas as pd
import pytest
from test_choice import market
from test_results import two_kinds

from workbench import choice, discrete_choice
from workbench.errors import InputError, NotEnoughData
from workbench.stats import latent_class, mixed_logit
from workbench.stats.choices import probabilities
from workbench.stats.nested_logit import nested_chances

NESTS = {"x": ["brand 0", "brand 1"], "y": ["brand 2", "brand 3"]}


def nested_market(seed, customers=300, per=8, lam=(0.5, 1.0), beta=(-1.2, 0.8)):
    """Choices with two nests whose lambdas are known."""
    made = market(seed, customers=customers, per=per, beta=beta)
    n = customers * per
    v = (
        np.tile([0.0, 0.4, -0.3, 0.2], n) + made[["price", "display"]].to_numpy() @ np.array(beta)
    ).reshape(n, 4)
    p = nested_chances(
        v, made["available"].to_numpy().reshape(n, 4), np.array([0, 0, 1, 1]), np.array(lam)
    )[0]
    pick = (
        (np.random.default_rng(seed + 10_000).random((n, 1)) > p.cumsum(axis=1))
        .sum(axis=1)
        .clip(0, 3)
    )
    return made.assign(chosen=(np.arange(4) == pick[:, None]).ravel())


def mixed_market(seed, customers=300, per=10, sd=0.8):
    """Choices of people whose weight of price differs."""
    rng = np.random.default_rng(seed)
    made = market(seed, customers=customers, per=per)
    n = customers * per
    weight = np.repeat(rng.normal(-1.2, sd, customers), per)[:, None]
    x = made[["price", "display"]].to_numpy().reshape(n, 4, 2)
    score = (
        np.array([0.0, 0.4, -0.3, 0.2])
        + weight * x[:, :, 0]
        + 0.8 * x[:, :, 1]
        + rng.gumbel(size=(n, 4))
    )
    pick = np.where(made["available"].to_numpy().reshape(n, 4), score, -np.inf).argmax(axis=1)
    return made.assign(chosen=(np.arange(4) == pick[:, None]).ravel())


def habit_market(seed, customers=250, per=10, habit=0.8, taste=1.0):
    """Choices with lasting taste and a pull of the last purchase."""
    rng = np.random.default_rng(seed)
    price, own, last, rows = (
        rng.uniform(1, 4, (customers, per, 4)),
        rng.normal(0, taste, (customers, 4)),
        np.full(customers, -1),
        [],
    )
    for k in range(per):
        v = (
            -1.0 * price[:, k]
            + own
            + habit * (np.arange(4) == last[:, None])
            + rng.gumbel(size=(customers, 4))
        )
        last = v.argmax(axis=1)
        rows.append(
            pd.DataFrame(
                {
                    "choice_id": np.repeat(np.arange(customers) * per + k, 4),
                    "customer_id": np.repeat(np.arange(customers), 4),
                    "alternative": np.tile(list("abcd"), customers),
                    "chosen": (np.arange(4) == last[:, None]).ravel(),
                    "price": price[:, k].ravel(),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


FITS = {
    "conditional": lambda d: choice.conditional_logit(d, ["price", "display"]).model,
    "nested": lambda d: choice.nested_logit(d, ["price", "display"], NESTS).model,
    "mixed": (
        lambda d: (
            choice.mixed_logit(
                d,
                ["price", "display"],
                {"price": "negative_lognormal", "display": "normal"},
                draws=60,
            ).model
        )
    ),
    "latent": lambda d: choice.latent_class(d, ["price", "display"], 2, starts=8).model,
}


@pytest.mark.parametrize("kind", FITS)
def test_slopes_are_those_of_the_chances(kind):
    """Elasticities of every model equal a small price rise, and chances add up to 1 with nothing
    for the unavailable.
    """
    d = two_kinds(3, customers=120)
    fit = FITS[kind](d)
    p = fit.probabilities(d)
    assert p.sum(axis=1) == pytest.approx(np.ones(len(p)))
    assert (p.ravel()[~d["available"].to_numpy()] == 0).all()
    up, down = (
        fit.probabilities(
            d.assign(price=d["price"] * np.where(d["alternative"] == "brand 1", k, 1))
        ).sum(axis=0)
        for k in (1.0005, 0.9995)
    )
    table = choice.elasticities(fit, d).table
    assert table[table["changed"] == "brand 1"]["estimate"].to_numpy() == pytest.approx(
        (up - down) / p.sum(axis=0) / 0.001, rel=1e-3, abs=1e-4
    )


@pytest.mark.parametrize("kind", FITS)
def test_worth_and_what_if_for_every_model(kind):
    """Money values carry both intervals; a removed alternative has no share and the others gain all
    of it; no change changes nothing.
    """
    d = two_kinds(4, customers=120)
    fit = FITS[kind](d)
    worth = choice.willingness_to_pay(fit, draws=200).table
    assert set(worth["interval"]) == {"delta", "krinsky_robb"} and (worth["estimate"] > 0).all()
    table = choice.simulate_shares(fit, d, remove=["brand 0"]).table.set_index(
        ["measure", "alternative"]
    )["estimate"]
    assert table["after", "brand 0"] == 0
    assert table["difference"].sum() == pytest.approx(0, abs=1e-9)
    same = choice.simulate_shares(fit, d, change={"price": {"brand 0": 1.0, "brand 1": "+0"}}).table
    assert same[same["measure"] == "difference"]["estimate"].to_numpy() == pytest.approx(
        np.zeros(4), abs=1e-12
    )


def test_a_nest_of_likes_gains_most_when_one_leaves():
    """Within a nest the others take over more than their share: that is what the model is for."""
    d = nested_market(5, customers=400, lam=(0.4, 1.0))
    fit = choice.nested_logit(d, ["price", "display"], NESTS).model
    plain = choice.conditional_logit(d, ["price", "display"]).model
    gain = [
        choice.simulate_shares(f, d, remove=["brand 0"])
        .table.query("measure == 'difference'")
        .set_index("alternative")["estimate"]["brand 1"]
        for f in (fit, plain)
    ]
    assert gain[0] > gain[1] * 1.2
    assert choice.iia_test(d, ["price", "display"]).table["p_holm"].min() < 0.05
    assert (
        choice.iia_test(market(5, customers=300), ["price", "display"]).table["p_holm"].min() > 0.05
    )


def test_nested_reaches_the_conditional_logit():
    """With lambda 1 the chances are the same; without nests that differ the fit finds about 1."""
    v, here = np.random.default_rng(1).normal(size=(40, 4)), np.ones((40, 4), bool)
    assert nested_chances(v, here, np.array([0, 0, 1, 1]), np.ones(2))[0] == pytest.approx(
        probabilities(v, here)
    )
    row = choice.nested_logit(
        market(6, customers=400), ["price", "display"], NESTS, common=True
    ).table.iloc[-1]
    assert row["term"] == "lambda" and row["conf_low"] < 1 < row["conf_high"]


def test_scores_are_derivatives():
    """The mixed and latent-class scores equal differences of their values."""
    d = discrete_choice.lay_out(two_kinds(7, customers=30), ("price", "display"), True)
    people, g = d.groups()
    z = np.random.default_rng(2).normal(size=(g, 12, 2))
    models = [
        (
            mixed_logit.Panel(
                d,
                people,
                g,
                {
                    d.terms.index("price"): "negative_lognormal",
                    d.terms.index(
                        "constant: brand 0" if "constant: brand 0" in d.terms else "display"
                    ): "normal",
                },
                z,
            ),
            np.array([0.1, 0.5, 0.2, -0.2, 0.1, 0.4, 0.7]),
        ),
        (
            latent_class.Mixture(
                d, people, g, 2, np.column_stack([np.ones(g), np.linspace(-1, 1, g)])
            ),
            np.array([-1, 0.5, 0.1, 0.2, 0.1, -0.3, 1.0, 0.0, 0.1, 0.2, 0.3, -0.4]),
        ),
    ]
    for model, at in models:
        score = model(at)[1].sum(axis=0)
        step = 1e-6 * np.eye(len(at))
        assert score == pytest.approx(
            [(model(at + h)[0].sum() - model(at - h)[0].sum()) / 2e-6 for h in step],
            rel=1e-4,
            abs=1e-4,
        )


def test_what_people_differ_in_is_found():
    """A planted spread of the price's weight is seen, one of display is not."""
    table = choice.mixed_logit(
        mixed_market(1), ["price", "display"], {"price": "normal", "display": "normal"}, draws=150
    ).table.set_index(["term", "parameter"])
    assert table.loc[("price", "sd"), "conf_low"] > 0.4
    assert (
        table.loc[("price", "mean"), "conf_low"] < -1.2 < table.loc[("price", "mean"), "conf_high"]
    )
    assert table.loc[("display", "sd"), "estimate"] < 0.5


def test_kinds_are_told_apart():
    """Two kinds in, two kinds out, in their planted sizes; a trait that goes with belonging is
    seen, and posteriors match the kinds.
    """
    d = two_kinds(9, customers=400)
    made = choice.latent_class(d, ["price", "display"], 2, starts=8)
    table = made.table.set_index(["class", "term"])["estimate"]
    assert table[1, "share"] == pytest.approx(0.6, abs=0.07)
    assert table[1, "price"] < -2
    assert table[2, "display"] > 1.6
    assert made.model.posterior.sum(axis=1) == pytest.approx(np.ones(400))
    table = choice.select_latent_classes(d, ["price", "display"], most=3, starts=6).table
    assert table.loc[table["bic"].idxmin(), "classes"] == 2


def test_membership_foretells_by_ones_own_traits():
    """The trait decides the kind: chances of one who has it differ from those of one who has not,
    and the mean over people is the share seen.
    """
    d = two_kinds(9, customers=400)
    kind = choice.latent_class(d, ["price", "display"], 2, starts=8)
    trait = pd.Series(kind.model.posterior[:, 0] > 0.5, index=kind.model.people).astype(float)
    d = d.assign(trait=d["customer_id"].map(trait))
    made = choice.latent_class(d, ["price", "display"], 2, membership=["trait"], starts=8).model
    sizes = made.sizes(made.params.to_numpy(), made.design(d))
    own = made.design(d)
    has = trait.reindex(own.customer).to_numpy() > 0
    assert sizes[has, 0].mean() > 0.9 and sizes[~has, 0].mean() < 0.1
    seen = np.bincount(own.chosen, minlength=4) / len(own.chosen)
    assert made.probabilities(d).mean(axis=0) == pytest.approx(seen, abs=0.02)
    with pytest.raises(InputError, match="no column named 'trait'"):
        made.probabilities(d.drop(columns="trait"))


def test_choices_belong_to_one_customer():
    """A choice without a customer, or with two, is refused."""
    d = two_kinds(9, customers=20)
    with pytest.raises(InputError, match="no customer_id"):
        choice.conditional_logit(
            d.assign(customer_id=d["customer_id"].where(d.index > 3)), ["price"]
        )
    with pytest.raises(InputError, match="different customers"):
        choice.conditional_logit(
            d.assign(customer_id=np.where(d.index == 0, 999, d["customer_id"])), ["price"]
        )


def test_habit_apart_from_taste():
    """With habit planted it stays when taste is in the model; with taste only it vanishes there,
    while the plain model is fooled.
    """
    with_habit = choice.state_dependence(habit_market(1), ["price"], draws=60).table.set_index(
        "model"
    )
    only_taste = choice.state_dependence(
        habit_market(2, habit=0.0, taste=1.3), ["price"], draws=60
    ).table.set_index("model")
    assert with_habit.loc["with_taste", "conf_low"] > 0.4
    assert abs(with_habit.loc["shuffled", "estimate"]) < 0.3
    assert only_taste.loc["plain", "conf_low"] > 0.4
    assert only_taste.loc["difference", "conf_low"] < 0 < with_habit.loc["difference", "conf_low"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda d: choice.nested_logit(
                d,
                ["price"],
                {"x": ["brand 0"], "y": ["brand 1"], "z": ["brand 2"], "w": ["brand 3"]},
            ),
            "that is a conditional logit",
        ),
        (
            lambda d: choice.nested_logit(
                d, ["price"], {"x": ["brand 0", "brand 1"], "y": ["brand 2"]}
            ),
            "stands in no nest",
        ),
        (
            lambda d: choice.nested_logit(
                d, ["price"], {"x": ["brand 0", "brand 1"], "y": ["brand 1", "brand 2", "brand 3"]}
            ),
            "two nests",
        ),
        (lambda d: choice.nested_logit(d, ["price"], {"x": ["brand 9"]}), "no alternative named"),
        (lambda d: choice.mixed_logit(d, ["price"], {"prise": "normal"}), "Did you mean 'price'"),
        (
            lambda d: choice.mixed_logit(d, ["price"], {"price": "uniform"}),
            "no option named 'uniform'",
        ),
        (lambda d: choice.mixed_logit(d, ["price"], {}), "conditional logit"),
        (lambda d: choice.latent_class(d, ["price"], 1), "at least 2"),
        (
            lambda d: choice.latent_class(d, ["price"], membership=["display"]),
            "differs between the rows",
        ),
        (
            lambda d: choice.state_dependence(d.assign(loyalty=1.0), ["price", "loyalty"]),
            "leave out loyalty",
        ),
        (
            lambda d: choice.simulate_shares(
                choice.conditional_logit(d, ["price"]), d, change={"price": {"brand 0": "a lot"}}
            ),
            "factor such as",
        ),
        (
            lambda d: choice.simulate_shares(
                choice.conditional_logit(d, ["price"]), d, remove=["brand 9"]
            ),
            "no alternative named",
        ),
        (
            lambda d: choice.simulate_shares(
                choice.conditional_logit(d, ["price"]), d, change={"price": {"brand 0": "==5"}}
            ),
            "factor such as",
        ),
    ],
)
def test_what_makes_no_model_is_refused(call, message):
    """Nests, terms and changes that cannot be: an error that says what and why."""
    with pytest.raises(InputError, match=message):
        call(market(6, customers=30))


def test_nothing_left_to_choose():
    """Everything removed is an error, not a table of zeros; one purchase a customer tells nothing
    of habit.
    """
    d = market(6, customers=30)
    with pytest.raises(NotEnoughData, match="nothing is left"):
        choice.simulate_shares(
            choice.conditional_logit(d, ["price"]), d, remove=[f"brand {i}" for i in range(4)]
        )
    with pytest.raises(NotEnoughData, match="chooses twice"):
        choice.state_dependence(market(6, customers=60, per=1), ["price"])


def test_a_price_that_may_be_nothing_to_somebody_is_no_yardstick():
    """A normal weight of price has people near 0, where the ratio has no mean: it is missing, and
    the sentence says why.
    """
    fit = choice.mixed_logit(
        mixed_market(1, customers=120), ["price", "display"], {"price": "normal"}, draws=50
    )
    made = choice.willingness_to_pay(fit, draws=50)
    assert made.table[["estimate", "std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert "may be zero" in str(made.limits[0])


@pytest.mark.slow
def test_planted_lambdas_spreads_and_classes_are_recovered():
    """200 markets each: 91–98 % of the intervals hold the truth; no heterogeneity planted, few find
    it.
    """
    inside = {}

    def note(name, row, truth):
        inside.setdefault(name, []).append(row["conf_low"] <= truth <= row["conf_high"])

    for seed in range(200):
        table = choice.nested_logit(
            nested_market(seed, customers=200, lam=(0.5, 0.8)), ["price", "display"], NESTS
        ).table.set_index("term")
        for term, truth in (
            ("price", -1.2),
            ("display", 0.8),
            ("lambda: x", 0.5),
            ("lambda: y", 0.8),
        ):
            note(f"nested {term}", table.loc[term], truth)
        table = choice.mixed_logit(
            mixed_market(seed, customers=200),
            ["price", "display"],
            {"price": "normal"},
            draws=150,
            seed=seed,
        ).table.set_index(["term", "parameter"])
        for key, truth in (
            (("price", "mean"), -1.2),
            (("price", "sd"), 0.8),
            (("display", "weight"), 0.8),
        ):
            note(f"mixed {key}", table.loc[key], truth)
        table = choice.latent_class(
            two_kinds(seed, customers=250), ["price", "display"], 2, starts=6, seed=seed
        ).table.set_index(["class", "term"])
        for key, truth in (
            ((1, "share"), 0.6),
            ((1, "price"), -2.5),
            ((2, "price"), -0.3),
            ((2, "display"), 2.0),
        ):
            note(f"latent class {key}", table.loc[key], truth)
        note(
            "iia, no false alarm",
            {"conf_low": 0.05, "conf_high": 1},
            choice.iia_test(market(seed), ["price", "display"]).table["p_holm"].min(),
        )
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(0.91 <= np.mean(h) <= 0.99 for h in inside.values())
