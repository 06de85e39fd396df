"""How well a process keeps what it promises: defects of a million opportunities, and sigma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MILLION = 1_000_000


def sigma_level(share: ArrayLike, shift: float = 1.5) -> np.ndarray:
    """Give the sigma level of a process from its share of defects.

    Parameters
    ----------
    share : array-like of float
        Defects over opportunities.
    shift : float
        Standard deviations that the process is taken to drift in the long run: 1.5 by convention,
        which nothing in the data tells; 0 for none.

    Returns
    -------
    ndarray
        Missing where no opportunity, or each of them, went wrong.

    Source: Montgomery (2019), Introduction to Statistical Quality Control, ch. 1; the shift is the
    convention of Harry (1988), The Nature of Six Sigma Quality.

    >>> sigma_level([3.4e-6, 0.0668072]).round(2).tolist()
    [6.0, 3.0]
    """
    share = np.asarray(share, float)
    inside = (share > 0) & (share < 1)
    level = -special.ndtri(np.where(inside, share, 0.5)) + shift
    return np.where(inside, level, np.nan)
