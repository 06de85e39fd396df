"""Hidden Markov models of many sequences whose moves depend on the time between events.

Source: Rabiner (1989), Proceedings of the IEEE 77; for customers Netzer, Lattin & Srinivasan
(2008), Marketing Science 27.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Sequences:
    """Sequences laid end to end.

    Attributes
    ----------
    k : ndarray of int, shape (n,)
        Codes of events.
    bin : ndarray of int, shape (n,)
        Bins of the time since the event before.
    starts, sizes : ndarray of int, shape (sequences,)
        Where each begins, and how many events it has.
    """

    k: np.ndarray
    bin: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray


def normal(counts):
    """Return counts as shares that add up to one along the last axis.

    >>> normal(np.array([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    return counts / counts.sum(axis=-1, keepdims=True)


def forward(data: Sequences, start: np.ndarray, moves: np.ndarray, emissions: np.ndarray) -> tuple:
    """Return the chance of each state at every event given what came up to it, and the scale of
    each step.

    Parameters
    ----------
    data : Sequences
    start : ndarray, shape (s,)
        Chances of the first state.
    moves : ndarray, shape (bins, s, s)
        Chances to move, by the time since the event before.
    emissions : ndarray, shape (s, events)
        Chances of events within states.

    Returns
    -------
    tuple of ndarray
        Chances (n × s), scales (n): the log-likelihood is the sum of their logarithms.

    Source: Rabiner (1989), Proceedings of the IEEE 77.

    >>> data = Sequences(np.array([0, 1]), np.array([0, 0]), np.array([0]), np.array([2]))
    >>> stay = np.eye(2)[None]
    >>> forward(data, np.array([0.5, 0.5]), stay, np.array([[0.9, 0.1], [0.5, 0.5]]))[0].round(3)
    array([[0.643, 0.357],
           [0.265, 0.735]])
    """
    alpha, scale = np.empty((len(data.k), len(start))), np.empty(len(data.k))
    like = emissions.T[data.k]
    longest = int(data.sizes.max(initial=0))
    order = np.argsort(-data.sizes, kind="stable")
    starts, sizes = data.starts[order], data.sizes[order]
    here = starts
    a = start * like[here]
    for i in range(longest):
        if i:
            active = int(np.searchsorted(-sizes, -i, side="left"))
            here = starts[:active] + i
            a = np.einsum("nk,nkl->nl", alpha[here - 1], moves[data.bin[here]]) * like[here]
        s = a.sum(axis=1)
        scale[here] = s
        alpha[here] = a / s[:, None]
    return alpha, scale


def expect(
    data,
    start: np.ndarray,
    moves: np.ndarray,
    emissions: np.ndarray,
    now: np.ndarray,
    answers: Mapping,
    label_error: float,
) -> tuple:
    """Return the log-likelihood, and the counts expected under it, for the next round of Baum and
    Welch.

    Parameters
    ----------
    data, start, moves, emissions : as in `forward`
    now : ndarray, shape (bins, s, a)
        Chances of what is answered at a moment, by the time since the last event and its state.
    answers : dict of ndarray
        `row` (of the last event before), `bin` (of the time since), `stage` (what was answered).
    label_error : float
        Chance that an answer is anything at all.

    Returns
    -------
    tuple
        Log-likelihood; expected starts (s), moves (bins × s × s), events (s × events) and answers
        (bins × s × a).

    Source: Rabiner (1989), Proceedings of the IEEE 77.

    >>> data = Sequences(np.array([0, 1]), np.array([0, 0]), np.array([0]), np.array([2]))
    >>> none = dict.fromkeys(("row", "bin", "stage"), np.zeros(0, int))
    >>> made = expect(data, np.array([1.0]), np.ones((1, 1, 1)), np.array([[0.9, 0.1]]),
    ...               np.ones((1, 1, 1)), none, 0.1)
    >>> round(made[0], 3), made[3].tolist()
    (-2.408, [[1.0, 1.0]])
    """
    states, bins, many = len(start), len(moves), now.shape[2]
    # An answer hangs on the last event before it: it weighs that event's stages by how well they
    # explain it.
    said = np.full((many, many), label_error / many) + (1 - label_error) * np.eye(many)
    leaf = np.ones((len(data.k), states))
    explained = (
        np.einsum("nkj,nj->nk", now[answers["bin"]], said[:, answers["stage"]].T)
        if len(answers["row"])
        else np.zeros((0, states))
    )
    np.multiply.at(leaf, answers["row"], explained)
    like = emissions.T[data.k] * leaf
    alpha, scale, beta = (
        np.empty((len(data.k), states)),
        np.empty(len(data.k)),
        np.ones((len(data.k), states)),
    )
    order = np.argsort(-data.sizes, kind="stable")
    starts, sizes = data.starts[order], data.sizes[order]
    active = [int(np.searchsorted(-sizes, -i, side="left")) for i in range(int(sizes[0]))]
    for i, m in enumerate(active):
        here = starts[:m] + i if i else starts
        a = (
            start if i == 0 else np.einsum("nk,nkl->nl", alpha[here - 1], moves[data.bin[here]])
        ) * like[here]
        s = a.sum(axis=1)
        scale[here], alpha[here] = s, a / s[:, None]
    c_moves = np.zeros((bins, states, states))
    for i in range(len(active) - 1, 0, -1):
        here = starts[: active[i]] + i
        ahead = like[here] * beta[here] / scale[here][:, None]
        step = moves[data.bin[here]]
        beta[here - 1] = np.einsum("nkl,nl->nk", step, ahead)
        for b in range(bins):
            m = data.bin[here] == b
            if m.any():
                c_moves[b] += moves[b] * (alpha[here[m] - 1].T @ ahead[m])
    gamma = normal(alpha * beta)
    c_emit = np.column_stack(
        [np.bincount(data.k, gamma[:, s], emissions.shape[1]) for s in range(states)]
    ).T
    c_now = np.zeros((bins, states, many))
    if len(answers["row"]):
        joint = (
            gamma[answers["row"]][:, :, None]
            * now[answers["bin"]]
            * said[:, answers["stage"]].T[:, None, :]
        )
        joint /= joint.sum(axis=2, keepdims=True) / gamma[answers["row"]][:, :, None]
        np.add.at(c_now, answers["bin"], joint)
    return float(np.log(scale).sum()), gamma[data.starts].sum(axis=0), c_moves, c_emit, c_now
