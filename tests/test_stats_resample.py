"""Resampling keyed by content, by hand and as a law."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench import intervals
from workbench.stats import resample


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=2, max_size=20))
def test_kinds_hold_what_rows_hold(rows):
    """Each kind stands for its rows, in the order of their content; shares of a kind add up."""
    content = np.array(rows, float)
    made = resample.kinds(content)
    assert made.weight.tolist() == [rows.count(r) for r in sorted(set(rows))]
    assert made.units == len(rows)
    drawn = made.draw(np.random.default_rng(1), 5)
    assert np.allclose(drawn.sum(axis=1), len(rows))


@given(st.permutations(list(range(8))), st.integers(0, 3))
def test_units_keep_their_place_in_any_order(order, seed):
    """Rows of three units moved, and units numbered otherwise: the same place by content."""
    content = np.array([[1.0, 5], [1, 6], [2, 0], [2, 0], [0, 9], [3, 3], [3, 4], [9, 9]])
    groups = np.array([0, 0, 1, 1, 2, 2, 2, 0])
    names = np.random.default_rng(seed).permutation(3)
    moved = resample.place(content[list(order)], names[groups[list(order)]])
    assert moved[names].tolist() == resample.place(content, groups).tolist()


def test_place_and_scale_of_content_are_nothing():
    """Cents for euros: the same places."""
    rng = np.random.default_rng(1)
    content, groups = rng.integers(1, 50, (40, 2)) / 4, np.repeat(np.arange(10), 4)
    one, two = (resample.place(c, groups) for c in (content, content * 100))
    assert one.tolist() == two.tolist()


def test_words_and_missing_values_are_content():
    """They sort, so they decide a place; two that are missing are alike."""
    made = resample.kinds([np.array(["b", "a", "b"]), np.array([np.nan, 1, np.nan])])
    assert made.kind.tolist() == [1, 0, 1]


def test_a_table_with_weights_draws_what_its_rows_written_out_draw():
    """A mean with its interval: once by weights, once row by row."""
    x, many = np.array([1.0, 5, 2, 9]), np.array([3, 1, 4, 2])
    long = np.repeat(x, many)
    one = intervals.bootstrap(lambda w: w @ x / w.sum(), resample.kinds(x, many), seed=1, draws=40)
    two = intervals.bootstrap(lambda w: w @ long / w.sum(), resample.kinds(long), seed=1, draws=40)
    assert np.allclose(one, two)
