"""Scores for what somebody may like next, learnt from who had what: items that go together, and
factors of implicit feedback.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHUNK = 4096  # rows whose equations are solved at a time


@dataclass(frozen=True, eq=False)
class Factors:
    """What users and items have in common.

    Attributes
    ----------
    users : ndarray, shape (users, factors)
    items : ndarray, shape (items, factors)
    loss : ndarray, shape (rounds,)
        The weighted squared error with its penalty after each round; it never rises.
    """

    users: np.ndarray
    items: np.ndarray
    loss: np.ndarray


def neighbours(together, *, most: int = 50, shrink: float = 10.0):
    """Give how alike items are by who had both: the cosine, drawn to 0 where few did.

    Parameters
    ----------
    together : sparse array, shape (items, items)
        Users who had both; the diagonal holds those who had the item.
    most : int
        How many of the most alike items count for each.
    shrink : float
        Users that are added below, so that a few in common make no likeness.

    Returns
    -------
    sparse array, shape (items, items)
        Row: the item had; column: the item recommended. The diagonal is empty.

    Source: Sarwar, Karypis, Konstan & Riedl (2001), WWW; shrinkage Bell & Koren (2007), ICDM.

    >>> from scipy import sparse
    >>> both = sparse.csr_array(np.array([[4.0, 2.0], [2.0, 4.0]]))
    >>> neighbours(both, shrink=0).toarray().tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    from scipy import sparse

    coo = sparse.coo_array(together)
    had = together.diagonal()
    apart = (coo.row != coo.col) & (coo.data > 0)
    row, column, both = coo.row[apart], coo.col[apart], coo.data[apart].astype(float)
    value = both / (np.sqrt(had[row] * had[column]) + shrink)
    # Of items as alike, the one that stands first counts.
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    begins = np.searchsorted(row, np.arange(together.shape[0]))
    near = np.arange(len(row)) - begins[row] < most
    return sparse.csr_array((value[near], (row[near], column[near])), shape=together.shape)


def implicit_factors(
    counts,
    *,
    factors: int = 16,
    alpha: float = 3.0,
    penalty: float = 10.0,
    rounds: int = 8,
    seed: int = 1,
) -> Factors:
    """Learn what users and items have in common from how often users had them.

    Parameters
    ----------
    counts : sparse array, shape (users, items)
        How often; what is not there is 0, and weak evidence of no liking.
    factors, rounds, seed : int
    alpha : float
        How much weight a purchase adds: 1 + alpha · log(1 + count).
    penalty : float
        Of the squared factors.

    Returns
    -------
    Factors

    Source: Hu, Koren & Volinsky (2008), ICDM: Collaborative filtering for implicit feedback.

    >>> from scipy import sparse
    >>> counts = sparse.csr_array(np.array([[3.0, 2, 0, 0], [2, 1, 0, 0], [0, 0, 4, 1]]))
    >>> result = implicit_factors(counts, factors=2, alpha=20, rounds=5, penalty=0.1)
    >>> score = result.users @ result.items.T
    >>> bool(score[0, 1] > 0.9 and abs(score[0, 2]) < 0.1)
    True
    """
    from scipy import sparse

    counts = sparse.csr_array(counts)
    weight = counts.astype(float)
    weight.data = alpha * np.log1p(weight.data)
    turned = sparse.csr_array(weight.T)
    rng = np.random.default_rng(seed)
    items = rng.normal(0, 0.1, (counts.shape[1], factors))
    users, loss = np.zeros((counts.shape[0], factors)), []
    for _ in range(rounds):
        users = _solved(weight, items, penalty)
        items = _solved(turned, users, penalty)
        loss.append(_loss(weight, users, items, penalty))
    return Factors(users, items, np.array(loss))


def _solved(weight, fixed, penalty):
    """Return the factors of the rows that fit best while those of the columns stay as they are."""
    size, rows = fixed.shape[1], weight.shape[0]
    base = fixed.T @ fixed + penalty * np.eye(size)
    result = np.zeros((rows, size))
    for begin in range(0, rows, CHUNK):
        block = range(begin, min(begin + CHUNK, rows))
        left = np.tile(base, (len(block), 1, 1))
        right = np.zeros((len(block), size, 1))
        for i in block:
            part = slice(weight.indptr[i], weight.indptr[i + 1])
            known, extra = fixed[weight.indices[part]], weight.data[part]
            left[i - begin] += (known.T * extra) @ known
            right[i - begin, :, 0] = (1 + extra) @ known
        result[block.start : block.stop] = np.linalg.solve(left, right)[:, :, 0]
    return result


def _loss(weight, users, items, penalty):
    """Return the weighted squared error, of what was had and what was not, with its penalty."""
    coo = weight.tocoo()
    fit = np.einsum("mf,mf->m", users[coo.row], items[coo.col])
    had = ((1 + coo.data) * (1 - fit) ** 2).sum()
    everything = ((users.T @ users) * (items.T @ items)).sum() - (fit**2).sum()
    return float(had + everything + penalty * ((users**2).sum() + (items**2).sum()))
