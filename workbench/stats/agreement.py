"""Agreement and order of arrays: Cohen's kappa, heterotrait ratios, a first component, entropy of
what comes next; in the sample and in draws of people.
"""

import numpy as np
from scipy import special


def kappa(cell, count, size):
    """Return Cohen's kappa.

    Parameters
    ----------
    cell : ndarray of int, shape (k,)
        What one said times `size` plus what the other said.
    count : ndarray, shape (k,)
        How often.
    size : int
        How many different things can be said.

    Returns
    -------
    float
        Missing where both always say one thing.

    Source: Cohen (1960), Educational and Psychological Measurement 20.

    >>> float(kappa(np.array([0, 1, 2, 3]), np.array([20, 5, 10, 15]), 2).round(3))
    0.4
    """
    grid = np.bincount(cell, count, size * size).reshape(size, size)
    total = grid.sum()
    chance = (grid.sum(0) * grid.sum(1)).sum() / total**2
    return (np.trace(grid) / total - chance) / (1 - chance) if chance < 1 else np.nan


def within(r, items):
    """Return the mean correlation between different items of a scale.

    Parameters
    ----------
    r : ndarray, shape (b, k, k)
    items : list of int

    Returns
    -------
    ndarray, shape (b,)

    Source: Henseler, Ringle & Sarstedt (2015), Journal of the Academy of Marketing Science 43.

    >>> within(np.array([[[1.0, 0.4], [0.4, 1.0]]]), [0, 1]).round(9).tolist()
    [0.4]
    """
    own, k = r[:, items][:, :, items], len(items)
    return (own.sum(axis=(1, 2)) - k) / (k * (k - 1))


def between(r, first, second):
    """Return the mean correlation between items of two scales: see `within`.

    >>> between(np.array([[[1.0, 0.4], [0.4, 1.0]]]), [0], [1]).tolist()
    [0.4]
    """
    return r[:, first][:, :, second].mean(axis=(1, 2))


def sums(cov, first, second):
    """Return the correlation between the sums of two scales.

    Parameters
    ----------
    cov : ndarray, shape (k, k)
    first, second : list of int

    >>> float(sums(np.array([[1.0, 0.5], [0.5, 1.0]]), [0], [1]))
    0.5
    """
    within_them = [cov[np.ix_(a, a)].sum() for a in (first, second)]
    return cov[np.ix_(first, second)].sum() / np.sqrt(within_them[0] * within_them[1])


def first_component(x, weights):
    """Return the first principal component of standardised columns.

    Parameters
    ----------
    x : ndarray, shape (n, k)
    weights : ndarray, shape (n,)
        How often each row is drawn.

    Returns
    -------
    ndarray, shape (k + 2,)
        Loadings, the part of all variance that it explains, and McDonald's omega.

    Source: Hotelling (1933), Journal of Educational Psychology 24; McDonald (1999), Test Theory.

    >>> first_component(np.array([[1.0, 2], [2, 4], [3, 6]]), np.ones(3)).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    w = weights.astype(float)
    mean = (w[:, None] * x).sum(0) / w.sum()
    z = (x - mean) / np.sqrt((w[:, None] * (x - mean) ** 2).sum(0) / w.sum())
    values, vectors = np.linalg.eigh((w[:, None] * z).T @ z / w.sum())
    loading = vectors[:, -1] * np.sqrt(values[-1])
    loading *= np.sign(loading.sum())
    omega = loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())
    return np.append(loading, [values[-1] / x.shape[1], omega])


def entropy_of_next(origin, target, group, weights, mix):
    """Return in bits how open it is what comes next, in two groups, origins mixed alike.

    Parameters
    ----------
    origin, target, group : ndarray of int, shape (n,)
        Groups are 0 and 1.
    weights : ndarray, shape (n,)
        How often each row is drawn.
    mix : ndarray, shape (origins,)
        Shares of the origins.

    Returns
    -------
    ndarray, shape (3,)
        Of either group (missing where a draw has none of it), and the second less the first.

    Source: Shannon (1948), Bell System Technical Journal 27; corrected for few rows as Miller
    (1955), in Quastler (ed.), Information Theory in Psychology.

    >>> origin, target = np.zeros(200, int), np.tile([0, 1], 100)
    >>> group = np.repeat([0, 1], 100)
    >>> target[:100] = 0
    >>> entropy_of_next(origin, target, group, np.ones(200), np.ones(1)).round(2).tolist()
    [0.0, 1.01, 1.01]
    """
    size, out = (len(mix), int(target.max()) + 1), []
    for k in (0, 1):
        mine = group == k
        cells = origin[mine] * size[1] + target[mine]
        counts = np.bincount(cells, weights[mine], size[0] * size[1]).reshape(size)
        n = counts.sum(axis=1, keepdims=True)
        p = np.divide(counts, n, out=np.zeros_like(counts), where=n > 0)
        bits = special.entr(p).sum(axis=1) / np.log(2)
        bits += np.where(
            n[:, 0] > 0,
            ((counts > 0).sum(axis=1) - 1) / (2 * np.maximum(n[:, 0], 1) * np.log(2)),
            0,
        )
        seen = n[:, 0] > 0
        whole = mix[seen].sum()
        out.append((bits[seen] * mix[seen]).sum() / whole if whole > 0 else np.nan)
    return np.array([*out, out[1] - out[0]])
