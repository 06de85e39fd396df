"""Choice among alternatives by itself: conditional, nested, mixed and latent-class logits, removal
effects, Shapley values and the Dirichlet of arrays; by hand, by reference, by brute force, and at
the edges where no estimate exists.
"""

import warnings
from itertools import permutations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.discrete.conditional_models import ConditionalLogit

from workbench.stats import (
    choices,
    dirichlet,
    latent_class,
    likelihoods,
    mixed_logit,
    nested_logit,
    removal_effects,
    shapley,
)


def market(seed=1, n=300, j=3, beta=(1.0, -0.5), per=1):
    """Choices of `n` people, `per` each, among `j`, some of which are not available."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n * per, j, len(beta)))
    available = rng.uniform(size=(n * per, j)) < 0.9
    available[:, 0] = True
    x = np.where(available[:, :, None], x, 0.0)
    score = np.where(available, x @ np.array(beta) + rng.gumbel(size=(n * per, j)), -np.inf)
    return choices.Offers(x, available, score.argmax(axis=1)), np.repeat(np.arange(n), per)


def loss(offers, beta):
    """Minus the log-likelihood of a conditional logit, written out."""
    v = np.where(offers.available, offers.x @ beta, -np.inf)
    return (np.logaddexp.reduce(v, axis=1) - v[np.arange(len(v)), offers.chosen]).sum()


def test_conditional_logit_meets_another_implementation():
    """Weights, errors and likelihood of statsmodels, choices as groups of rows."""
    offers, _ = market()
    made = choices.conditional_logit(offers)
    n, j, p = offers.x.shape
    here = offers.available.ravel()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # choices of one alternative say nothing
        other = ConditionalLogit(
            (np.arange(j) == offers.chosen[:, None]).ravel()[here].astype(int),
            offers.x.reshape(-1, p)[here],
            groups=np.repeat(np.arange(n), j)[here],
        ).fit(disp=0, method="newton", maxiter=100)
    assert made.params == pytest.approx(other.params, rel=1e-6)
    assert np.sqrt(np.diag(made.cov)) == pytest.approx(other.bse, rel=1e-4)
    assert made.loglik == pytest.approx(other.llf, rel=1e-9)
    assert made.settled and made.recession.exists


def test_a_choice_that_stands_for_three_is_three():
    """Weights and errors, from the information and clustered."""
    offers, people = market(2, n=60)
    many = np.random.default_rng(1).integers(1, 4, 60)
    out = np.repeat(np.arange(60), many)
    written = choices.Offers(offers.x[out], offers.available[out], offers.chosen[out])
    for groups in (None, people):
        one = choices.conditional_logit(offers, weights=many, groups=groups)
        two = choices.conditional_logit(written, groups=None if groups is None else out)
        assert one.params == pytest.approx(two.params, rel=1e-9)
        assert one.cov == pytest.approx(two.cov, rel=1e-7)


def test_what_is_never_chosen_leaves_the_others_as_without_it():
    """Its constant is missing; the other weights and errors are those of choices in which it is not
    on offer.
    """
    offers, people = market(3, n=200)
    x = np.concatenate([offers.x, np.zeros((200, 1, 2))], axis=1)
    constant = np.zeros((200, 4, 1))
    constant[:, 3] = 1
    never = choices.Offers(
        np.concatenate([x, constant], axis=2),
        np.column_stack([offers.available, np.ones(200, bool)]),
        offers.chosen,
    )
    for groups in (None, people):
        made = choices.conditional_logit(never, groups=groups)
        without = choices.conditional_logit(offers, groups=groups)
        assert not made.recession.exists and np.isnan(made.params[2])
        assert np.isnan(made.cov[2]).all() and np.isnan(made.cov[:, 2]).all()
        assert made.params[:2] == pytest.approx(without.params, rel=1e-8)
        assert made.cov[:2, :2] == pytest.approx(without.cov, rel=1e-6)
        assert made.loglik == pytest.approx(without.loglik, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_weight_that_stays_finite_is_the_limit_of_one_held_far_out(seed):
    """What is taken wherever it is offered: the other weight, by a search with this one at 50."""
    offers, _ = market(seed, n=60, beta=(0.8,))
    rare = np.zeros((60, 3, 1))
    rare[np.arange(0, 60, 7), offers.chosen[::7]] = 1
    x = np.concatenate([offers.x, rare], axis=2)
    made = choices.conditional_logit(choices.Offers(x, offers.available, offers.chosen))
    both = choices.Offers(x, offers.available, offers.chosen)
    far = optimize.minimize_scalar(
        lambda b: loss(both, np.array([b, 50.0])), bounds=(-5, 5), method="bounded"
    )
    assert np.isnan(made.params[1]) and made.params[0] == pytest.approx(far.x, abs=1e-4)


def test_firth_is_the_top_of_its_penalised_likelihood():
    """By brute force where no maximum likelihood exists; limits where half a quantile is lost."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(12, 3, 1))
    offers = choices.Offers(x, np.ones((12, 3), bool), x[:, :, 0].argmax(axis=1))
    assert not choices.conditional_logit(offers).recession.exists

    def lost(b):
        p = choices.probabilities(x @ np.array([b]), offers.available)
        information = choices.hessian(x, p)[0, 0]
        return loss(offers, np.array([b])) - np.log(information) / 2

    made = choices.firth_conditional_logit(offers)
    best = optimize.minimize_scalar(lost, bounds=(0, 30), method="bounded")
    assert made.params[0] == pytest.approx(best.x, abs=1e-3)
    assert 2 * (lost(made.low[0]) - best.fun) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-2)
    assert made.low[0] < made.params[0] < made.high[0]


NESTS = np.array([0, 0, 1])


def nested_market(seed, n, lam):
    """Choices whose first two alternatives share what the model does not see."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3, 1))
    p = nested_logit.nested_chances(x[:, :, 0], np.ones((n, 3), bool), NESTS, np.array([lam, 1.0]))[
        0
    ]
    pick = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return choices.Offers(x, np.ones((n, 3), bool), pick)


def test_nested_logit_is_at_its_top_and_finds_what_was_planted():
    """The likelihood written out, searched without slopes."""
    offers = nested_market(1, 1500, 0.5)
    made = nested_logit.nested_logit(offers, NESTS, np.arange(1500), np.array([1.0]))

    def lost(q):
        p = nested_logit.nested_chances(
            offers.x[:, :, 0] * q[0], offers.available, NESTS, np.array([q[1], 1.0])
        )[0]
        return -np.log(p[np.arange(1500), offers.chosen]).sum()

    other = optimize.minimize(
        lost, [0.8, 0.7], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10}
    )
    assert made.params == pytest.approx(other.x, abs=1e-4)
    error = np.sqrt(np.diag(made.cov))
    assert abs(made.params[1] - 0.5) < 3 * error[1] and 0 < error[1] < 0.2


def test_a_lambda_at_its_border_is_withheld_and_said():
    """Within the nest the better one is always taken, between nests attributes say nothing: lambda
    runs to 0.
    """
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 3, 1))
    inner = x[:, :2, 0].argmax(axis=1)
    pick = np.where(rng.random(400) < 0.5, inner, 2)
    offers = choices.Offers(x, np.ones((400, 3), bool), pick)
    made = nested_logit.nested_logit(offers, NESTS, np.arange(400), np.array([0.5]))
    assert made.running.tolist() == [False, True]
    assert np.isnan(made.params).all() and np.isnan(made.cov).all()


def test_one_nest_that_holds_everything_cannot_be_told_from_its_scale():
    """Weights over lambda are all that counts: neither has an estimate."""
    offers, people = market(6, n=200, beta=(1.0,))
    made = nested_logit.nested_logit(offers, np.zeros(3, int), people, np.array([1.0]))
    assert made.untold.any() or made.running.any()
    assert np.isnan(made.params).all() and np.isnan(made.cov).all()


def test_a_nest_of_which_two_are_never_offered_together_has_no_lambda():
    """Nothing tells it: its lambda is 1 and no parameter."""
    offers, people = market(7, n=200, beta=(1.0,))
    available = np.ones((200, 3), bool)
    available[np.arange(200), np.arange(200) % 2] = False
    pick = np.where(available, offers.x[:, :, 0], -np.inf).argmax(axis=1)
    pick[::3] = 2
    made = nested_logit.nested_logit(
        choices.Offers(offers.x, available, pick), NESTS, people, np.array([1.0])
    )
    assert made.place.tolist() == [-1, -1] and len(made.params) == 1


def test_a_spread_that_is_not_there_is_no_certainty():
    """People who are all alike: the spread is near 0 and its error is not."""
    offers, people = market(8, n=100, per=5, beta=(1.0,))
    made = mixed_logit.mixed_logit(offers, people, {0: "normal"}, np.array([1.0]), draws=50)
    assert made.settled and made.params[1] >= 0
    error = np.sqrt(made.cov[1, 1])
    assert error > 0.05 and made.params[1] - 3 * error < 0.1


def test_classes_that_are_one_are_told():
    """Everybody weighs alike and chooses once: two classes cannot be told apart; the errors that a
    singular curvature would give are not shown.
    """
    rng = np.random.default_rng(9)
    x = rng.normal(size=(80, 2, 1))
    pick = (x[:, :, 0] + rng.gumbel(size=(80, 2))).argmax(axis=1)
    offers = choices.Offers(x, np.ones((80, 2), bool), pick)
    pooled = choices.conditional_logit(offers).params
    made = latent_class.latent_class(offers, np.arange(80), np.ones((80, 1)), 2, pooled, starts=4)
    shown = np.diag(made.cov)
    assert made.untold.any() or made.withheld.any() or (shown[~np.isnan(shown)] > 0.01).all()


def test_a_class_that_always_decides_has_no_weight_and_the_other_has():
    """A third take the better one always: their weight is withheld, that of the others is what
    they have by themselves.
    """
    rng = np.random.default_rng(10)
    who = np.repeat(np.arange(90), 12)
    x = rng.normal(size=(len(who), 2, 1))
    weight = np.where(np.arange(90) < 30, 400.0, -0.8)[who, None]
    pick = (weight * x[:, :, 0] + rng.gumbel(size=(len(who), 2))).argmax(axis=1)
    offers = choices.Offers(x, np.ones((len(who), 2), bool), pick)
    pooled = choices.conditional_logit(offers).params
    made = latent_class.latent_class(offers, who, np.ones((90, 1)), 2, pooled, starts=6)
    assert made.withheld.tolist() == [False, True, False] and np.isnan(made.cov[1, 1])
    assert made.params[0] == pytest.approx(-0.8, abs=0.2) and 0 < made.cov[0, 0] < 0.1


def test_removal_effects_by_hand():
    """Three paths: A B → converts, A → nothing, B → converts. Without A half of what converts is
    lost; without B all.
    """
    made = removal_effects.chain(
        np.array([0, 1, 0, 1]), np.array([0, 2, 3, 4]), np.array([1, 0, 1]), 2
    )
    effects = removal_effects.removal_effects(made, made.counts(np.ones(3))[None])[0]
    # Start: A 2/3, B 1/3; from A: B 1/2, nothing 1/2; from B: converts.
    assert effects == pytest.approx([1 - (1 / 3) / (2 / 3), 1.0])
    second = removal_effects.chain(
        np.array([0, 1, 0, 1]), np.array([0, 2, 3, 4]), np.array([1, 0, 1]), 2, order=2
    )
    again = removal_effects.removal_effects(second, second.counts(np.ones(3))[None])[0]
    assert again == pytest.approx(effects)


def test_removal_effects_of_a_chain_without_conversions_are_missing():
    """Nothing converts: there is no share of it to lose."""
    made = removal_effects.chain(np.array([0, 1]), np.array([0, 1, 2]), np.array([0, 0]), 2)
    assert np.isnan(removal_effects.removal_effects(made, made.counts(np.ones(2))[None])).all()


def test_shapley_values_are_means_over_all_orders():
    """Written out for three channels, exactly; random orders come near."""
    rng = np.random.default_rng(2)
    sets, k = np.arange(1, 8), 3
    good, paths = (
        rng.integers(0, 9, (1, 7)).astype(float),
        rng.integers(9, 20, (1, 7)).astype(float),
    )

    def worth(members):
        inside = (sets & ~sum(1 << m for m in members)) == 0
        n = paths[0, inside].sum()
        return good[0, inside].sum() / n if n else 0.0

    by_hand = np.zeros(k)
    for order in permutations(range(k)):
        for at, channel in enumerate(order):
            by_hand[channel] += (worth(order[: at + 1]) - worth(order[:at])) / 6
    exact, error = shapley.of_rates(sets, good, paths, k)
    assert exact[0] == pytest.approx(by_hand) and not error.any()
    orders = np.array([rng.permutation(k) for _ in range(2000)])
    near, error = shapley.of_rates(sets, good, paths, k, orders)
    assert (np.abs(near[0] - by_hand) < 5 * error + 1e-12).all()


def test_dirichlet_without_a_finite_k_or_s():
    """Buyers who differ no more than by chance have no K; brands that everybody tries have no S."""
    assert np.isinf(dirichlet.nbd(0.95, 2.0).spread)
    category = dirichlet.nbd(0.56, 2.6)
    shares = np.array([0.5, 0.3, 0.2])
    chance = dirichlet.chances(category.mean, category.spread)
    most = np.array([dirichlet.bought(np.exp(dirichlet.ALIKE), s, chance) for s in shares])
    alike = dirichlet.dirichlet(category, shares, np.minimum(most * 1.02, 0.56))
    assert not alike.exists and np.isinf(alike.by_brand).all() and alike.tastes > 1000
    own = np.array([dirichlet.bought(1.5, s, chance) for s in shares])
    one = dirichlet.dirichlet(category, shares, np.append(own[:2], most[2] * 1.02))
    assert one.exists and one.by_brand[:2] == pytest.approx(1.5) and np.isinf(one.by_brand[2])
    assert one.tastes == pytest.approx(1.5)


def test_weights_the_data_do_not_tell_apart_are_found():
    """One direction of two is flat, whatever the scale; the third stands apart."""
    rows = np.random.default_rng(1).normal(size=(50, 3)) * [1, 1e6, 1e-3]
    rows[:, 1] = rows[:, 0] * 1e6
    assert likelihoods.unidentified(rows.T @ rows).tolist() == [True, True, False]
    assert not likelihoods.unidentified(np.diag([1e-12, 1e12])).any()
