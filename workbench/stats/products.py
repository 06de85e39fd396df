"""Cross-products of columns, and means of groupings taken out: what a linear model needs."""

from __future__ import annotations

import numpy as np

from workbench.stats import resample


def cross_products(matrix, groups, draws, seed, weights=None):
    """Return weighted cross-products of the columns of a matrix for the sample and for bootstrap
    draws of whole sampling units.

    Returns (1 + B) × K × K, the sample first; everything a linear model needs can be computed from
    them. `weights` is what each row counts for (None: all the same).
    """
    size = int(groups.max()) + 1
    k = matrix.shape[1]
    order = np.argsort(groups, kind="stable")
    m, begins = matrix[order], np.searchsorted(groups[order], np.arange(size))
    weighted = m if weights is None else m * weights[order][:, None]
    products = np.add.reduceat(
        np.einsum("ni,nj->nij", weighted, m).reshape(len(m), k * k), begins, axis=0
    )
    rng = np.random.default_rng(seed)
    known = matrix if weights is None else np.column_stack([matrix, weights])
    at = resample.place(known, groups)
    drawn = (
        np.concatenate(
            [
                rng.multinomial(size, np.full(size, 1 / size), min(200, draws - b))[:, at]
                @ products
                for b in range(0, draws, 200)
            ]
        )
        if draws
        else np.zeros((0, k * k))
    )
    return np.concatenate([products.sum(axis=0, keepdims=True), drawn]).reshape(-1, k, k)


def covariances(grams):
    """Return the covariances of the columns after the constant from weighted cross-products (B × K
    × K, the constant first).
    """
    mean = grams[:, 0, 1:] / grams[:, [0], 0]
    return grams[:, 1:, 1:] / grams[:, :1, :1] - mean[:, :, None] * mean[:, None, :]


def correlations(cov):
    """Return correlation matrices from covariance matrices, B × K × K."""
    variances = np.einsum("bii->bi", cov)
    sd = np.sqrt(np.where(variances > 0, variances, 1.0))
    return cov / sd[:, :, None] / sd[:, None, :]


def demean(values, *groups):
    """Return columns with the means of one or more groupings taken out, by turns until nothing
    moves (fixed effects).

    Source: Guimarães & Portugal (2010), Stata Journal 10.
    """
    values = np.asarray(values, float)
    codes = [np.unique(np.asarray(g).astype(str), return_inverse=True)[1] for g in groups]
    return take_out(values.reshape(len(values), -1), np.ones(len(values)), codes).reshape(
        values.shape
    )


def take_out(values, weights, groups, rounds: int = 500):
    """Return columns with the weighted means of one or more groupings (numbers 0, 1, … a row) taken
    out.
    """
    out = values.copy()
    sums = [np.bincount(g, weights) for g in groups]
    for _ in range(rounds):
        moved = 0.0
        for g, total in zip(groups, sums, strict=True):
            means = np.column_stack([np.bincount(g, weights * c) / total for c in out.T])[g]
            out -= means
            moved = max(moved, np.abs(means).max())
        if moved <= 1e-10 * max(np.abs(out).max(), 1) or len(groups) == 1:
            break
    return out
