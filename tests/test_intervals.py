"""Intervals: published numbers, edges, and how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench import intervals
from workbench.errors import InputError


def test_wilson_golden_values():
    """7 of 50 and 0 of 20 (catalogue of metrics, recomputed by hand)."""
    assert np.round(intervals.wilson(7, 50), 4).tolist() == [0.0695, 0.2619]
    assert np.round(intervals.wilson(0, 20), 4).tolist() == [0.0, 0.1611]


@given(st.integers(0, 50), st.integers(1, 50), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_scipy(count, n, level):
    """SciPy's own Wilson interval, for any share and level."""
    count = min(count, n)
    expected = stats.binomtest(count, n).proportion_ci(level, "wilson")
    assert intervals.wilson(count, n, level) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


def test_newcombe_published_example():
    """56/70 against 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10, case a)."""
    assert intervals.newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_garwood_known_values():
    """Zero events: 0 to 3.689; ten events: 4.795 to 18.390 (standard tables)."""
    assert intervals.garwood(0) == pytest.approx((0, 3.6889), abs=1e-4)
    assert intervals.garwood(10) == pytest.approx((4.7954, 18.3904), abs=1e-4)


def test_no_units_no_interval():
    """0 of 0 is unknown, not 0."""
    assert np.isnan(intervals.wilson(0, 0)).all()
    assert np.isnan(intervals.ratio([], [])).all()


def test_impossible_inputs_are_refused():
    """More hits than trials, a level in percent."""
    with pytest.raises(InputError, match="outside"):
        intervals.wilson(3, 2)
    with pytest.raises(InputError, match=r"0\.95"):
        intervals.wilson(1, 2, 95)


def test_ratio_is_the_mean_when_denominators_are_one():
    """Then the delta method is the plain standard error of a mean."""
    y = np.array([1.0, 4, 2, 8])
    estimate, se, *_ = intervals.ratio(y, np.ones(4))
    assert (estimate, se) == pytest.approx((y.mean(), y.std(ddof=1) / 2))


def test_bootstrap_is_seeded_and_near_theory():
    """The same seed gives the same interval, close to the normal one for a mean."""
    x = np.random.default_rng(0).normal(5, 2, 300)
    runs = [intervals.bootstrap(lambda w: (w * x).sum() / w.sum(), 300, seed=1) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0][0] == pytest.approx(x.std() / np.sqrt(300), rel=0.1)


@pytest.mark.slow
def test_coverage_of_ratio_and_bootstrap():
    """Customers with unequal numbers of rows: 91–98 % of the intervals hold the truth."""
    rng = np.random.default_rng(8)
    delta = boot = 0
    for i in range(400):
        n = rng.poisson(4, 200) + 1
        p = rng.beta(2, 6, 200)
        hits = rng.binomial(n, p)
        _, _, low, high = intervals.ratio(hits, n)
        delta += low <= 0.25 <= high
        _, low, high = intervals.bootstrap(
            lambda w, h=hits, m=n: (w * h).sum() / (w * m).sum(), 200, seed=i, draws=400
        )
        boot += low <= 0.25 <= high
    print(
        f"\nratio over customers: coverage {delta / 400:.3f}; bootstrap over customers:"
        f" {boot / 400:.3f}"
    )
    assert 0.91 <= delta / 400 <= 0.98 and 0.91 <= boot / 400 <= 0.98


@settings(max_examples=25)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=1, max_size=12))
def test_corrections_are_those_of_statsmodels(p):
    """Holm and Benjamini–Hochberg as in statsmodels, missing values aside."""
    from statsmodels.stats.multitest import multipletests

    known = np.isfinite(p)
    for method in ("holm", "fdr_bh"):
        ours = intervals.adjust_p_values(p, method)
        assert np.isnan(ours[~known]).all()
        if known.any():
            assert ours[known] == pytest.approx(multipletests(np.array(p)[known], method=method)[1])
