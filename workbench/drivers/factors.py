"""What lies behind the items of a questionnaire? Exploratory factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.data_limits import FEW
from workbench.drivers.psychometrics import scale_answers
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, weights
from workbench.stats import factors as factors_of
from workbench.stats import sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST_KMO = 0.6  # sampling adequacy under which items share too little
FACTORS_ANSWER = Note(
    "drivers.factors_answer",
    "Number of factors behind the {items} items: {factors}, together explaining "
    "{share:%} of their variance ({n} respondents).",
)


@engine.frames("table")
@analysis
def explore_factors(
    table: Table,
    items: Sequence[str],
    factors: int | None = None,
    *,
    rotation: str = "promax",
    draws: int = 200,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How many things lie behind the items, and which items belong to which?

    Parameters
    ----------
    table : DataFrame
        One row a respondent, one column an item. A column "weight" (of a survey) is used.
    items : list of str
        At least three.
    factors : int, optional
        None: as many as parallel analysis finds.
    rotation : str
        "promax" (factors may go together), "varimax" (with Kaiser's normalisation) or "none".
    draws, seed : int
        Of the random data of the parallel analysis.

    Returns
    -------
    Result
        item, factor (1, 2, …), n (respondents), estimate (loading), communality. No interval:
        rotated loadings have no simple one; use `structural` on new answers.
        Sampling adequacy (KMO), Bartlett's test and the eigenvalues beside random ones stand in
        `.facts` (drivers.factors_fit, drivers.factors_number). `.model` is statsmodels' Factor
        result.

    Raises
    ------
    InputError
        For missing or constant items, or more factors than the items allow.
    NotEnoughData
        With fewer respondents than items, or where parallel analysis finds no factor and none was
        asked for.

    Source: maximum likelihood by statsmodels; Kaiser (1958, 1974), Psychometrika 23 and 39; promax
    Hendrickson & White (1964), power 4; parallel analysis Horn (1965), Psychometrika 30; Bartlett
    (1951).
    """
    import warnings

    import pandas as pd
    from scipy import stats
    from statsmodels.multivariate.factor import Factor

    one_of("rotation", rotation, ("promax", "varimax", "none"))
    x, _, heavy = scale_answers(table, items, "items")
    k = x.shape[1]
    # What answers of unequal weights are worth counts in tests and in the eigenvalues of luck.
    n, worth = len(x), len(x) if heavy is None else round(sampling.kish(heavy))
    if k < 3:
        raise InputError(
            "drivers.error_three_items",
            "explore_factors: at least three items are needed, found {items}",
            items=k,
        )
    r = factors_of.correlations(x, heavy)
    own, axes = (v[..., ::-1] for v in np.linalg.eigh(r))
    by_luck = np.quantile(factors_of.of_luck(worth, k, draws, seed), conf_level, axis=0)
    above = own > by_luck
    parallel = int(np.argmin(above)) if not above.all() else k
    if not parallel and factors is None:
        raise NotEnoughData(
            Note(
                "drivers.error_no_factor",
                "Parallel analysis finds no factor (largest eigenvalue {own:3}, {luck:3} in "
                "random data): these items have too little in common. Set a number of "
                "factors to go on all the same.",
                own=own[0],
                luck=by_luck[0],
            )
        )
    m = parallel if factors is None else factors
    if (k - m) ** 2 - k - m < 0:
        raise InputError(
            "drivers.error_too_many_factors",
            "explore_factors: {factors} factors are too many for {items} items",
            factors=m,
            items=k,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # From the principal components: a start drawn at random would give another answer every
        # time.
        begin = axes[:, :m] * np.sqrt(own[:m] / 2)
        model = Factor(corr=r, n_factor=m, method="ml", nobs=worth).fit(
            start=(begin, 1 - (begin**2).sum(axis=1))
        )
    load = np.asarray(model.loadings)
    load = load * np.where(load.sum(axis=0) < 0, -1, 1)
    together = np.eye(m)
    if m > 1 and rotation != "none":
        load = factors_of.varimax(load)
        if rotation == "promax":
            load, together = factors_of.promax(load)
    order = np.argsort(-(load**2).sum(axis=0), kind="stable")
    load = load[:, order] * np.where(load[:, order].sum(axis=0) < 0, -1, 1)
    kmo = factors_of.adequacy(r)
    sphere = -(worth - 1 - (2 * k + 5) / 6) * np.linalg.slogdet(r)[1]
    p = stats.chi2.sf(sphere, k * (k - 1) / 2)
    communal = 1 - np.asarray(model.uniqueness)
    result = pd.DataFrame(
        {
            "item": np.repeat(list(items), m),
            "factor": np.tile(np.arange(m) + 1, k),
            "n": n,
            "estimate": load.ravel(),
            "communality": np.repeat(communal, m),
        }
    )
    limits = [
        Note(
            "drivers.factors_number",
            "Parallel analysis finds {parallel}: eigenvalues {own:3}, against {luck:3} "
            "in random data.",
            parallel=parallel,
            own=list(own[: parallel + 1]),
            luck=list(by_luck[: parallel + 1]),
        ),
        Note(
            "drivers.factors_fit",
            "Sampling adequacy (KMO) {kmo:2}; Bartlett's test p: {p:p}.",
            kmo=kmo,
            p=float(p),
        ),
        *weights.said(heavy),
        Note(
            "drivers.factors_limit",
            "Factors are summaries; confirm them on new answers before naming them.",
        ),
    ]
    if m > 1 and rotation == "promax":
        limits.append(
            Note(
                "drivers.factors_corr",
                "Largest correlation between factors: {r:2}.",
                r=float(np.abs(together[np.triu_indices(m, 1)]).max()),
            )
        )
    if kmo < LEAST_KMO or p > 0.05:
        limits.insert(
            0,
            Note(
                "drivers.factors_unfit",
                "These items have too little in common for factors (KMO under {least:plain}, or "
                "Bartlett's test not significant).",
                least=LEAST_KMO,
            ),
        )
    whole = [item for item, u in zip(items, model.uniqueness, strict=True) if u < 1e-4]
    if whole:
        limits.insert(
            0,
            Note(
                "drivers.heywood",
                "{items:word}: explained entirely, a sign of too many factors or too few "
                "items (Heywood case).",
                items=list(whole),
            ),
        )
    if n < max(200, 5 * k):
        limits.append(FEW.having(n=n, least=max(200, 5 * k), unit="respondents"))
    return Result(
        question=Note(
            "drivers.factors_question",
            "How many factors lie behind the items, and which items belong to which?",
        ),
        table=result,
        answer=_factors_answer(m, communal, n),
        method=Note(
            "drivers.factors_method",
            "Maximum-likelihood factors, rotation {rotation:word}; parallel analysis "
            "for their number.",
            rotation=rotation,
        ),
        unit="respondents",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        model=model,
        chart=Points(
            label=["item"],
            group="factor",
            reference=0,
            xlabel=Note("drivers.factors_axis", "Loading"),
        ),
    )


def _factors_answer(factors, communalities, n):
    """Return how many factors there are, and what they explain of the items' variance."""
    share = float(communalities.mean())
    return FACTORS_ANSWER.having(items=len(communalities), factors=factors, share=share, n=n)
