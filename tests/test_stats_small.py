"""Estimators of arrays by themselves that serve one room each: by hand, by reference, by law."""

import numpy as np
import pytest
from scipy import special
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.regression.linear_model import OLS

from workbench.stats import (
    agreement,
    brand_laws,
    buying_models,
    differences,
    dirichlet,
    hidden_markov,
    linear,
    noisy_logit,
    paths,
    prices,
    renewals,
    uplift,
)


def test_renewals_meet_the_published_cohorts():
    """Fader & Hardie (2007), table 1: the regular and the high-end cohort."""
    for seen, alpha, beta in (
        ([1000, 631, 468, 382, 326, 289, 262, 241], 0.704, 1.182),
        ([1000, 869, 743, 653, 593, 551, 517, 491], 0.668, 3.806),
    ):
        made = renewals.fit(np.array(seen, float))
        assert np.exp(made.theta) == pytest.approx([alpha, beta], abs=6e-4)
        assert not made.edge and (np.diag(made.cov) > 0).all()


def test_customers_who_all_leave_with_one_chance_have_no_beta():
    """A fair coin for everybody: alpha and beta run off together, and there is no error."""
    made = renewals.fit(np.array([1024.0, 512, 256, 128, 64, 32]))
    assert made.edge and np.isnan(made.cov).all()


def test_a_renewal_curve_falls_and_its_rate_rises():
    """Whatever the parameters: who is likely to leave has left."""
    for theta in np.random.default_rng(1).normal(size=(20, 2)):
        there, renew = special.expit(renewals.curves(theta, np.arange(1, 12))).reshape(2, -1)
        assert (np.diff(there) < 0).all() and (np.diff(renew) > 0).all()
        assert there[1:] / there[:-1] == pytest.approx(renew[1:], rel=1e-9)


def test_a_household_drawn_twice_is_two():
    """Concentration, duplication and repeat buying of weights and of households written out."""
    rng = np.random.default_rng(2)
    counts, many = rng.poisson(1.5, (40, 3)).astype(float), rng.integers(0, 3, 40)
    out = np.repeat(np.arange(40), many)
    one = brand_laws.concentration(counts[:, 0], many[None] * 1.0, [0.2, 0.5]).columns()
    two = brand_laws.concentration(counts[out, 0], np.ones((1, len(out))), [0.2, 0.5]).columns()
    assert one == pytest.approx(two)
    bought = (counts > 0) * 1.0
    a = brand_laws.duplication(bought, many * 1.0, 90)
    b = brand_laws.duplication(bought[out], np.ones(len(out)), 90)
    assert a.shares == pytest.approx(b.shares) and a.law == pytest.approx(b.law)
    x, y = counts[:, 0], counts[:, 1]
    assert brand_laws.repeated(x, y, many * 1.0, 90, 4) == pytest.approx(
        brand_laws.repeated(x[out], y[out], np.ones(len(out)), 90, 4)
    )


def test_households_who_buy_alike_are_not_concentrated():
    """The heaviest fifth makes a fifth, and Gini is 0."""
    made = brand_laws.concentration(np.full(10, 3.0), np.ones((1, 10)), [0.2])
    assert made.columns() == pytest.approx(np.array([[0.2, 0.0]]))


def test_the_law_of_repeat_buying_is_that_of_drawn_households():
    """Two periods of a negative binomial, a million households."""
    rng = np.random.default_rng(3)
    rate = rng.gamma(0.8, 1.5 / 0.8, 1_000_000)
    x, y = rng.poisson(rate).astype(float), rng.poisson(rate).astype(float)
    seen = brand_laws.repeated(x, y, np.ones(len(x)), len(x), 3)
    chance = dirichlet.chances(1.5, 0.8)[:3]
    assert seen == pytest.approx(brand_laws.repeat_law(1.5, 0.8, chance), rel=0.01)


def test_price_curves_by_hand():
    """Ten who name one set of prices: everything meets in the middle of what they named."""
    named = np.tile([1.0, 2.0, 4.0, 5.0], (10, 1))
    grid = np.unique(named)
    made = prices.crossings(grid, prices.curves(named, grid), np.ones(10))
    again = prices.crossings(grid, prices.curves(named, grid), np.full(10, 2.5))
    assert made == pytest.approx(again)
    lower, indifference, optimal, upper = made
    assert lower <= optimal <= upper and 2 <= indifference <= 4


def test_curves_that_do_not_meet_have_no_crossing():
    """One above the other all along."""
    assert np.isnan(prices.cross(np.array([1.0, 2.0]), np.ones(2), np.zeros(2)))


def test_revenue_peaks_where_most_is_paid():
    """Half would pay 3, all would pay 1: 1.5 against 1; a weight turns it."""
    buys = np.array([[1.0, 1.0], [1.0, 0.0]])
    assert prices.best_price(np.array([1.0, 3.0]), buys, np.ones((2, 2)), np.ones(2)) == 3
    assert prices.best_price(np.array([1.0, 3.0]), buys, np.ones((2, 2)), np.array([1, 9])) == 1


def test_gains_end_at_the_whole_effect():
    """Treating everybody yields the difference of the arms; a random order is a straight line."""
    rng = np.random.default_rng(4)
    y, treated = rng.integers(0, 2, 400) * 1.0, np.tile([0.0, 1.0], 200)
    made = uplift.gains(rng.permutation(400), y, treated, np.ones(400), np.array([0.5, 1.0]))
    effect = y[treated > 0].mean() - y[treated == 0].mean()
    assert made.targeted[-1] == pytest.approx(effect)
    assert made.random == pytest.approx(np.array([0.5, 1.0]) * effect)


@pytest.mark.parametrize("learner", ["t", "x"])
def test_scores_find_whom_it_helps(learner):
    """A planted effect that rises with a feature; nobody is told by a model that has seen them."""
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(6000), rng.normal(size=(6000, 2))])
    treated, fold = rng.integers(0, 2, 6000), rng.integers(0, 3, 6000)
    y = (rng.random(6000) < special.expit(0.5 * x[:, 2] + x[:, 1] * treated)) * 1.0
    made = uplift.scores(x, y, treated, fold, learner)
    assert np.corrcoef(made, x[:, 1])[0, 1] > 0.9
    moved = y.copy()
    moved[0] = 1 - moved[0]
    again = uplift.scores(x, moved, treated, fold, learner)
    assert (again[fold == fold[0]] == made[fold == fold[0]]).all()


def test_a_ridge_logit_exists_where_a_logit_does_not():
    """Separated: finite, and the constant alone is not held."""
    x = np.column_stack([np.ones(20), np.repeat([0.0, 1.0], 10)])
    assert np.isfinite(uplift.ridge_logit(x, x[:, 1])).all()


def test_a_difference_in_differences_of_two_groups_is_the_textbook_one():
    """Two periods, half treated: difference of mean changes, error of two means."""
    rng = np.random.default_rng(6)
    change = rng.normal(size=40) + np.repeat([1.0, 0.0], 20)
    begin = np.repeat([1, 9], 20)
    made = differences.average_effect(
        begin, np.arange(40), {1: [(change, begin == 9)]}, never=9, least=5
    )
    assert made.estimate == pytest.approx(change[:20].mean() - change[20:].mean())
    error = np.sqrt(change[:20].var(ddof=1) / 20 + change[20:].var(ddof=1) / 20)
    assert made.std_error == pytest.approx(error) and made.df == 38


def test_one_treated_cluster_has_the_error_of_the_untreated():
    """With too few of those there is none."""
    change = np.array([2.0, 0.1, -0.1, 0.2, -0.2, 0.0])
    begin = np.array([1, 9, 9, 9, 9, 9])
    known = {1: [(change, begin == 9)]}
    made = differences.average_effect(begin, np.arange(6), known, never=9, least=5)
    assert made.std_error > change[1:].std(ddof=1) and made.df == 4
    few = differences.average_effect(
        begin[:4], np.arange(4), {1: [(change[:4], begin[:4] == 9)]}, never=9, least=5
    )
    assert np.isnan(few.std_error)


def test_cells_that_never_meet_have_no_standardised_difference():
    """All exposed in one cell, all others in another: nothing alike can be compared."""
    exposed = np.array([True, False])
    made = differences.standardised(
        exposed, np.array([0, 1]), np.array([10.0, 10]), np.array([5.0, 2]), np.ones(2)
    )
    assert made[0] == pytest.approx(0.3) and np.isnan(made[1])


def test_customers_who_are_apart_have_the_error_of_two_shares():
    """The delta method on ratios, about the shares themselves."""
    counts, n = np.array([30.0, 50]), np.array([100.0, 200])
    made = differences.one_against_rest(
        0, n, (np.diag(n), np.diag(counts), np.diag(counts)), 0.3, 0.25
    )
    assert made == pytest.approx(np.sqrt(0.3 * 0.7 / 100 + 0.25 * 0.75 / 200))


def test_a_border_without_rows_on_one_side_has_no_jump():
    """Three distances on each side are needed for a line."""
    away = np.array([0.1, 0.2, 0.3, -0.1, -0.1])
    assert differences.at_border(away, away, np.zeros(5), np.arange(5), 1.0) is None


def test_kappa_by_hand():
    """Cohen's table: .88 agreed, .68 by chance; one word said by all has none."""
    assert agreement.kappa(np.array([0, 1, 2, 3]), np.array([70, 10, 2, 18]), 2) == pytest.approx(
        (0.88 - (0.8 * 0.72 + 0.2 * 0.28)) / (1 - (0.8 * 0.72 + 0.2 * 0.28))
    )
    assert np.isnan(agreement.kappa(np.array([0]), np.array([9]), 2))


def test_a_first_component_of_columns_that_are_one():
    """Loads 1 on all; columns that have nothing in common share nothing."""
    rng = np.random.default_rng(7)
    z = rng.normal(size=(5000, 1))
    made = agreement.first_component(np.repeat(z, 3, axis=1), np.ones(5000))
    assert made == pytest.approx(np.ones(5))
    apart = agreement.first_component(rng.normal(size=(5000, 3)), np.ones(5000))
    assert apart[3] == pytest.approx(1 / 3, abs=0.03)


def test_mediation_is_the_product_of_its_paths():
    """Weights of least squares along x → m → y, a second mediator behind the first."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=400)
    m = 0.5 * x + rng.normal(size=400)
    k = 0.7 * m + rng.normal(size=400)
    y = 0.3 * x + 0.4 * m + 0.2 * k + rng.normal(size=400)
    columns = np.column_stack([np.ones(400), x, m, k, y])
    grams = (columns.T @ columns)[None]
    first, second = paths.weights(grams, [0, 1], 2), paths.weights(grams, [0, 1, 2], 3)
    last = paths.weights(grams, [0, 1, 2, 3], 4)
    direct = np.linalg.lstsq(columns[:, :4], y, rcond=None)[0]
    assert last[:, 0] == pytest.approx(direct)
    ways = paths.indirect(
        {"m": {"x": first[1]}, "k": {"x": second[1], "m": second[2]}},
        {"m": last[2], "k": last[3]},
        "x",
        ["m", "k"],
    )
    total = np.linalg.lstsq(columns[:, :2], y, rcond=None)[0][1]
    assert sum(ways.values())[0] + last[1, 0] == pytest.approx(total)


def test_a_column_that_does_not_vary_has_no_path():
    """Missing, not a crash."""
    columns = np.column_stack([np.ones(5), np.ones(5), np.arange(5.0)])
    assert np.isnan(paths.weights((columns.T @ columns)[None], [0, 1], 2)).all()


def test_a_noisy_logit_without_noise_is_a_ridge_logit():
    """Its slope is 0 at the top: chances of a separated answer stay off 0 and 1."""
    rng = np.random.default_rng(9)
    x, fold = rng.normal(size=(300, 2)), np.arange(300) % 4
    y = (x[:, 0] > 0).astype(int)
    given = {"error": 0.0, "noise": np.full(2, 0.5)}
    penalty = noisy_logit.best_penalty(x, y, fold, **given)
    sure = noisy_logit.noisy_logit(x, y, penalty=penalty, **given)
    told = sure.chances(x)
    assert told.sum(axis=1) == pytest.approx(np.ones(300))
    assert (told > 0).all() and ((told[:, 1] > 0.5) == (y == 1)).mean() > 0.97


def test_hidden_markov_chances_are_those_of_all_ways():
    """Three events, two states: the likelihood summed over all eight ways."""
    rng = np.random.default_rng(10)
    start, moves = np.array([0.6, 0.4]), rng.dirichlet([1, 1], (2, 2))
    emit = rng.dirichlet([1, 1, 1], 2)
    data = hidden_markov.Sequences(
        np.array([0, 2, 1]), np.array([0, 1, 0]), np.array([0]), np.array([3])
    )
    _, scale = hidden_markov.forward(data, start, moves, emit)
    whole = sum(
        start[a] * emit[a, 0] * moves[1][a, b] * emit[b, 2] * moves[0][b, c] * emit[c, 1]
        for a in range(2)
        for b in range(2)
        for c in range(2)
    )
    assert np.exp(np.log(scale).sum()) == pytest.approx(whole)
    none = dict.fromkeys(("row", "bin", "stage"), np.zeros(0, int))
    value, first, moved, emitted, _ = hidden_markov.expect(
        data, start, moves, emit, np.ones((2, 2, 2)) / 2, none, 0.1
    )
    assert value == pytest.approx(np.log(whole))
    assert first.sum() == pytest.approx(1) and moved.sum() == pytest.approx(2)
    assert emitted.sum(axis=0) == pytest.approx([1, 1, 1])


def test_what_comes_next_is_open_where_it_is_spread():
    """One way out against four that are alike: 0 and 2 bits, but for the correction."""
    origin = np.zeros(8000, int)
    target = np.concatenate([np.zeros(4000, int), np.tile([0, 1, 2, 3], 1000)])
    group = np.repeat([0, 1], 4000)
    made = agreement.entropy_of_next(origin, target, group, np.ones(8000), np.ones(1))
    assert made == pytest.approx([0, 2, 2], abs=1e-3)


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd", "bg_bb", "gamma_gamma"])
def test_slopes_of_buying_models_are_derivatives(name):
    """Every row's log-likelihood and its derivatives by the parameters, by differences."""
    model = {m.name: m for m in buying_models.MODELS.values()}[name]
    x, age = np.array([0.0, 1, 3, 6]), np.array([10.0, 10, 12, 20])
    t = np.array([0.0, 4, 9, 15])
    if name == "gamma_gamma":
        t, age = np.array([5.0, 8, 20, 12]), np.ones(4)
        x = np.array([1.0, 2, 3, 6])
    p = np.linspace(0.7, 2.5, len(model.names))
    value, slopes = model.loglik(p, x, t, age)
    for k in range(len(model.names)):
        step = np.zeros_like(p)
        step[k] = 1e-6
        up, down = (model.loglik(p + s, x, t, age)[0] for s in (step, -step))
        assert np.asarray(slopes)[k] == pytest.approx((up - down) / 2e-6, rel=1e-4, abs=1e-5)
    assert np.isfinite(value).all()


def test_least_squares_meet_another_implementation():
    """Weights and clustered errors of statsmodels; a column far from 0 is no other."""
    rng = np.random.default_rng(11)
    x = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    y, groups = x @ [1.0, 0.5, -0.3] + rng.normal(size=200), np.arange(200) // 4
    made = linear.least_squares(y, x, groups, constant=True)
    other = OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": groups, "df_correction": True})
    assert made.params == pytest.approx(other.params)
    assert made.cov == pytest.approx(other.cov_params())
    far = x + [0.0, 1e6, 0]
    moved = linear.least_squares(y, far, groups, constant=True)
    assert moved.params[1:] == pytest.approx(made.params[1:], rel=1e-6)


def test_effects_taken_out_are_a_column_each():
    """A Poisson regression with a column a shop gives the same weight."""
    rng = np.random.default_rng(12)
    shop, x = np.repeat(np.arange(8), 12), rng.normal(size=(96, 1))
    y = rng.poisson(np.exp(0.4 * x[:, 0] + rng.normal(size=8)[shop])) * 1.0
    made = linear.poisson_absorbed(y, x, shop, [shop])
    other = GLM(y, np.column_stack([x, np.eye(8)[shop]]), family=Poisson()).fit(tol=1e-12)
    assert made.settled and made.params[0] == pytest.approx(other.params[0], rel=1e-6)
