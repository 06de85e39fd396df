"""The rank correlation of few pairs: exact where all orders can be gone through."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from workbench.stats.ranks import rank_correlation


def exact(x, y):
    """The share of all orders that are at least as far from none, either way."""
    here = abs(stats.spearmanr(x, y).statistic)
    every = [abs(stats.spearmanr(order, y).statistic) for order in permutations(x)]
    return np.mean([one >= here - 1e-9 for one in every])


@pytest.mark.parametrize(
    "y", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 3, 2, 4, 5], [2, 2, 3, 5, 4], [3, 1, 4, 1, 5]]
)
def test_few_pairs_are_exact(y):
    """Hand-made: all 120 orders of five pairs, ties included."""
    x = [1.0, 2.0, 3.0, 4.0, 5.0]
    made = rank_correlation(x, y)
    assert made.p_value == pytest.approx(min(exact(x, y), 1.0), abs=1e-12)
    assert made.estimate == pytest.approx(stats.spearmanr(x, y).statistic)


def test_many_pairs_come_near_the_t_distribution():
    """Reference: with forty pairs the usual approximation holds."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    y = 0.3 * x + rng.normal(size=40)
    made, usual = rank_correlation(x, y), stats.spearmanr(x, y)
    assert made.p_value == pytest.approx(usual.pvalue, abs=0.005)
    assert made == rank_correlation(x, y)


def test_a_column_without_differences_says_nothing():
    """Neither a correlation nor a test."""
    made = rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    assert np.isnan([made.estimate, made.p_value]).all()
