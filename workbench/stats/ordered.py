"""Ordered logit of arrays (proportional odds), searched on standardised columns."""

import warnings

import numpy as np

from workbench.stats import existence
from workbench.stats.regressions import Fit
from workbench.stats.scaling import standardise


def ordered_logit(x, y, *, groups=None):
    """Fit an ordered logit by maximum likelihood, as statsmodels does, on columns in which search
    and curvature are sound.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Without a constant.
    y : ndarray, shape (n,)
        Grades.
    groups : ndarray of int, shape (n,), optional
        The sampling unit of each row (0, 1, …): errors are robust, summed over it.

    Returns
    -------
    regressions.Fit
        Weights, then the first threshold and the logarithms of the steps to the others; all missing
        where no finite estimate exists.

    Source: McCullagh (1980), JRSS B 42.

    >>> x = np.array([[0.0], [0], [0], [1], [1], [1]])
    >>> made = ordered_logit(x, np.array([1, 1, 2, 1, 2, 2]), groups=np.arange(6))
    >>> round(float(np.exp(made.params[0])), 3)  # odds of 1 to 2, and of 2 to 1
    4.0
    """
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x = np.asarray(x, float)
    n, p = x.shape
    scaled, size = standardise(x, constant=False), p + len(np.unique(y)) - 1
    asked = existence.of_ordered(scaled.z, y)
    if not asked.exists:
        params = np.where(np.append(asked.finite()[:p], np.ones(size - p, bool)), 0.0, np.nan)
        return Fit(params, np.full((size, size), np.nan), np.nan, None, asked, True)
    how = {}
    if groups is not None and groups.max() + 1 == n:
        how = {"cov_type": "HC1"}
    elif groups is not None:
        how = {"cov_type": "cluster", "cov_kwds": {"groups": groups, "df_correction": True}}
    with warnings.catch_warnings():
        # What it warns of, its search and its curvature, is told by `settled`.
        warnings.simplefilter("ignore")
        made = OrderedModel(np.asarray(y), scaled.z, distr="logit").fit(
            method="bfgs", disp=0, maxiter=500, **how
        )
    back = np.eye(size)
    back[:p, :p] = scaled.back
    # The first threshold moves with the level; the others are steps from it.
    back[p, :p] = x.mean(axis=0) @ scaled.back
    settled = bool(np.isfinite(made.bse).all() and made.mle_retvals.get("converged", True))
    return Fit(
        back @ np.asarray(made.params),
        back @ np.asarray(made.cov_params()) @ back.T,
        float(made.llf),
        None,
        asked,
        settled,
    )
