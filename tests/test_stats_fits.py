"""Estimators of arrays by themselves: regressions, hazards, durations, penalised fits."""

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.discrete.discrete_model import Logit
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM

from workbench.stats import durations, hazards, penalised, ranks, regressions, scaling

# Miller (1981), Survival Analysis: weeks of remission of 23 patients with leukaemia (AML), the
# first 11 with maintenance chemotherapy; 0 is a censored one. R: survival::aml.
WEEKS = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
RELAPSED = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]


def sample(seed=3, n=300, whole=True):
    """Covariates, durations with ties and their ends, strata, and four rows a sampling unit."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    time = rng.exponential(20, n) * np.exp(-0.5 * x[:, 0])
    ended = (rng.uniform(size=n) < 0.6) * 1.0
    return (
        x,
        np.ceil(time) if whole else time,
        ended,
        rng.integers(0, 3, n),
        np.repeat(np.arange(n // 4), 4),
    )


def test_cox_meets_the_published_leukaemia_trial():
    """R's coxph(Surv(time, status) ~ x, aml), Efron: 0.9155 with error 0.5119 (vignette of the
    package survival; Therneau & Grambsch 2000).
    """
    made = hazards.cox(np.repeat([0.0, 1.0], [11, 12])[:, None], WEEKS, RELAPSED)
    assert made.params[0] == pytest.approx(0.9155, abs=5e-5)
    assert np.sqrt(made.cov[0, 0]) == pytest.approx(0.5119, abs=5e-5)
    assert made.settled and made.recession.exists


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("by_stratum", [True, False])
def test_cox_meets_another_implementation(whole, by_stratum):
    """Weights, errors and likelihood of statsmodels, with ties and without, by stratum or not."""
    x, time, ended, strata, _ = sample(whole=whole)
    strata = strata if by_stratum else None
    other = PHReg(time, x, status=ended, ties="efron", strata=strata).fit()
    made = hazards.cox(x, time, ended, strata=strata)
    assert made.params == pytest.approx(other.params, rel=1e-8)
    assert made.cov == pytest.approx(other.cov_params(), rel=1e-8)
    assert made.loglik == pytest.approx(other.llf, rel=1e-10)


def test_clustered_errors_are_those_of_leaving_units_out():
    """The jackknife over sampling units (Lipsitz, Dear & Zhao 1994) is near, a little wider."""
    x, time, ended, _, units = sample(n=240)
    made = hazards.cox(x, time, ended, groups=units)
    moved = np.array(
        [
            hazards.cox(x[units != k], time[units != k], ended[units != k]).params - made.params
            for k in range(60)
        ]
    )
    ratio = np.diag(moved.T @ moved) / np.diag(made.cov)
    assert (ratio > 0.95).all() and (ratio < 1.25).all()
    residuals = hazards.Risk(x, time, ended, np.zeros(len(x), int)).residuals(made.params)
    assert residuals.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-8)


def test_a_firth_cox_fit_is_the_top_of_its_penalised_likelihood():
    """By brute force; the limits are where it has lost half a chi-square quantile."""
    x = np.array([1.0, 1, 0, 1, 0, 0, 1, 0])[:, None]
    time, ended = np.arange(1.0, 9), np.array([1, 1, 0, 1, 1, 0, 0, 0])
    risk = hazards.Risk(x, time, ended, np.zeros(8, int))

    def lost(b):
        made = risk.parts(np.array([b]))
        return -made.value - np.log(made.information[0, 0]) / 2

    made = hazards.firth_cox(x, time, ended)
    best = optimize.minimize_scalar(lost, bounds=(-5, 8), method="bounded")
    assert made.params[0] == pytest.approx(best.x, abs=1e-4)
    for limit in (made.low[0], made.high[0]):
        assert 2 * (lost(limit) - best.fun) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-3)
    assert made.p_value[0] == pytest.approx(stats.chi2.sf(2 * (lost(0) - best.fun), 1), abs=1e-5)


@pytest.mark.parametrize("clustered", [True, False])
def test_logit_and_poisson_meet_another_implementation(clustered):
    """Weights and clustered errors of statsmodels."""
    x, _, y, _, units = sample()
    x = np.column_stack([np.ones(len(x)), x])
    groups = units if clustered else np.arange(len(y))
    how = (
        {"cov_type": "cluster", "cov_kwds": {"groups": units, "df_correction": True}}
        if clustered
        else {"cov_type": "HC0"}
    )
    count = np.random.default_rng(1).poisson(np.exp(0.3 * x[:, 1]))
    for made, other in (
        (regressions.logit(x, y, groups=groups), Logit(y, x).fit(disp=0, **how)),
        (
            regressions.poisson(x, count, groups=groups),
            GLM(count, x, family=Poisson()).fit(tol=1e-12, **how),
        ),
    ):
        assert made.params == pytest.approx(other.params, rel=1e-7)
        assert made.cov == pytest.approx(other.cov_params(), rel=1e-6)
        assert made.loglik == pytest.approx(other.llf, rel=1e-9)


def test_weights_are_rows_written_out():
    """A row that stands for three is three rows."""
    x, _, y, many, _ = sample(n=80)
    x = np.column_stack([np.ones(80), x])
    many = many + 1
    one = regressions.logit(x, y, weights=many)
    two = regressions.logit(np.repeat(x, many, axis=0), np.repeat(y, many))
    assert one.params == pytest.approx(two.params, rel=1e-9)
    assert one.cov == pytest.approx(two.cov, rel=1e-8)


FAMILIES = {
    "weibull": (lambda z: z - np.exp(z), lambda z: -np.exp(z)),
    "exponential": (lambda z: z - np.exp(z), lambda z: -np.exp(z)),
    "log_logistic": (lambda z: z - 2 * np.logaddexp(0, z), lambda z: -np.logaddexp(0, z)),
    "log_normal": (stats.norm.logpdf, stats.norm.logsf),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_durations_are_at_the_top_of_their_likelihood(family):
    """The likelihood written out, searched without slopes; errors from its curvature."""
    x, time, ended, _, _ = sample(n=120)
    x, time = np.column_stack([np.ones(120), x[:, :1]]), time + 0.5
    density, tail = FAMILIES[family]
    free = family != "exponential"

    def lost(theta):
        sigma = np.exp(theta[2]) if free else 1.0
        z = (np.log(time) - x @ theta[:2]) / sigma
        return -(ended * (density(z) - np.log(sigma) - np.log(time)) + (1 - ended) * tail(z)).sum()

    made = durations.stretch(x, time, ended, family)
    other = optimize.minimize(
        lost, made.params + 0.1, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    assert made.params == pytest.approx(other.x, abs=1e-5)
    assert made.loglik == pytest.approx(-other.fun, rel=1e-10)
    curve = np.empty((len(made.params),) * 2)
    for i, h in enumerate(np.eye(len(curve)) * 1e-3):
        for j, k in enumerate(np.eye(len(curve)) * 1e-3):
            b = made.params
            parts = lost(b + h + k) - lost(b + h - k) - lost(b - h + k) + lost(b - h - k)
            curve[i, j] = parts / 4e-6
    assert made.cov == pytest.approx(np.linalg.inv(curve), rel=1e-3, abs=1e-6)


def test_a_log_rank_test_of_several_groups():
    """As statsmodels computes it where all groups can be compared."""
    _, time, ended, group, _ = sample()
    made = ranks.log_rank(time, ended, group)
    statistic, p = survdiff(time, ended, group)
    assert (made.statistic, made.p_value) == pytest.approx((statistic, p), rel=1e-9)
    assert made.freedom == 2
    alone = ranks.log_rank(time, np.zeros(len(time)), group)
    assert alone.freedom == 0 and np.isnan(alone.p_value)


def test_a_penalised_fit_with_a_held_contrast():
    """Held at its own estimate it stays; held elsewhere its value falls."""

    def parts(b):
        gap = b - np.array([1.0, -2.0])
        return penalised.Parts(-gap @ gap, -2 * gap, 2 * np.eye(2))

    top = penalised.firth(parts, 2)
    assert top.params == pytest.approx([1, -2], abs=1e-6) and top.settled
    contrast = np.array([1.0, 1.0])
    held = penalised.firth(parts, 2, fixed=(contrast, 1.0))
    assert contrast @ held.params == pytest.approx(1.0) and held.value < top.value
    assert held.params == pytest.approx([2, -1], abs=1e-5)


def test_scaling_is_undone():
    """Weights on one scale give the same line."""
    x = np.column_stack([np.ones(5), 1.6e9 + np.arange(5.0), 1e-6 * np.array([1.0, 4, 2, 8, 5])])
    made = scaling.standardise(x)
    assert made.z[:, 1:].mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    b = np.array([0.3, -1.2, 2.0])
    assert x @ (made.back @ b) == pytest.approx(made.z @ b, abs=1e-4)
