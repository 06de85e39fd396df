"""How much hidden difference it would take to undo a finding."""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis

E_QUESTION = Note(
    "experiments.e_question",
    "How strongly would something unmeasured have to be associated with both treatment and "
    "outcome to explain the finding away?",
)
E_LIMIT = Note(
    "experiments.e_limit",
    "A large value makes hidden causes less likely, not impossible; compare it with "
    "the risk ratios of known causes of the outcome.",
)


@analysis
def e_value(
    estimate: float,
    conf_low: float,
    conf_high: float,
    *,
    n: int,
    kind: str = "risk_ratio",
    baseline: float | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How strongly would something unseen have to go with both treatment and outcome to explain the
    finding away?

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        The finding with its interval.
    n : int
        People behind it.
    kind : str
        "risk_ratio", "odds_ratio" (its square root stands in for the risk ratio where the outcome
        is common), "difference" of shares (with `baseline`), or "standardised" (difference in
        standard deviations).
    baseline : float, optional
        Share among the untreated, for "difference".

    Returns
    -------
    Result
        measure (estimate, limit), n, estimate (E-value: a risk ratio). No interval: the limit's row
        is the E-value of the end nearest to no effect; 1 means nothing is needed.

    Raises InputError for ratios not above 0, or a difference without a baseline.

    Source: VanderWeele & Ding (2017), Annals of Internal Medicine 167.

    >>> e_value(3.9, 1.8, 8.7, n=1000).table["estimate"].round(2).tolist()
    [7.26, 3.0]
    """
    import pandas as pd

    one_of("kind", kind, ("risk_ratio", "odds_ratio", "difference", "standardised"))
    values = np.array([estimate, conf_low, conf_high], float)
    if kind == "difference":
        if baseline is None or not 0 < baseline < 1:
            raise InputError(
                "experiments.error_e_baseline",
                "e_value: a difference of shares needs the baseline share among the untreated, "
                "between {least} and {most}",
                least=0,
                most=1,
            )
        values = np.clip((baseline + values) / baseline, 1e-6, None)
    elif kind == "standardised":
        values = np.exp(0.91 * values)
    elif kind == "odds_ratio":
        values = np.sqrt(np.clip(values, 0, None))
    if not (values > 0).all():
        raise InputError(
            "experiments.error_e_ratio",
            "e_value: ratios must be above {least}, found {estimate}, {conf_low}, {conf_high}",
            least=0,
            estimate=estimate,
            conf_low=conf_low,
            conf_high=conf_high,
        )
    point, limit = _e(*values)
    return Result(
        question=E_QUESTION,
        table=pd.DataFrame({"measure": ["estimate", "limit"], "n": n, "estimate": [point, limit]}),
        method=Note(
            "experiments.e_method",
            "E-value: r + √(r(r − {one})) of the risk ratio r.",
            one=1,
        ),
        answer=_e_answer(point, limit, n),
        unit="people",
        n=n,
        conf_level=conf_level,
        limits=(E_LIMIT,),
        chart=Points(
            label=["measure"],
            reference=1,
            xlabel=Note("experiments.e_axis", "E-value (risk ratio)"),
        ),
    )


def _e_answer(point, limit, n):
    """Return how strong something unmeasured would have to be."""
    if limit > 1:
        return Note(
            "experiments.e_answer",
            "Something unmeasured would have to be associated with both treatment and outcome by "
            "risk ratios of {point:3} to explain the estimate away, and of {limit:3} for its "
            "interval to include no effect ({n} people).",
            point=point,
            limit=limit,
            n=n,
        )
    return Note(
        "experiments.e_unclear",
        "The interval includes no effect, so nothing unmeasured is needed to explain the finding "
        "away; for the estimate it would take risk ratios of {point:3} ({n} people).",
        point=point,
        n=n,
    )


def _e(ratio, low, high):
    """Return the E-values of a risk ratio and of the end of its interval nearest to 1."""

    def one(r):
        r = max(r, 1 / r)
        return r + np.sqrt(r * (r - 1))

    nearest = low if ratio > 1 else high
    crosses = low <= 1 <= high
    return float(one(ratio)), 1.0 if crosses else float(one(nearest))


def e_of_difference(estimate, low, high, y, untreated):
    """Return E-values of a difference: by risk ratio for a share, by standardised difference
    otherwise.
    """
    if np.isin(y, (0, 1)).all() and 0 < untreated < 1:
        return _e(*np.clip((untreated + np.array([estimate, low, high])) / untreated, 1e-6, None))
    return _e(*np.exp(0.91 * np.array([estimate, low, high]) / y.std()))
