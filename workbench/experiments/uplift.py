"""For whom does it work? Predicted gains, judged on people the prediction has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.experiments.randomised import MISMATCH
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.stats import learners, resample
from workbench.stats import uplift as models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST_PEOPLE, LEAST_OUTCOMES = 100, 10  # in each arm
FEW_PEOPLE, FEW_OUTCOMES = 2000, 200  # in each arm, below which gains of groups are uncertain

NEW_PEOPLE = Note(
    "experiments.uplift_limit",
    "The choice of whom to treat must be tested on new people before money is spent on it.",
)
HALF = 0.5  # share of people treated first that the answer speaks of
LOGITS = Note("experiments.uplift_logits", "logits")
LEARNERS = {
    "x": Note("experiments.learner_x", "an X-learner (imputed gains)"),
    "t": Note("experiments.learner_t", "a T-learner (a model for each arm)"),
}


@dataclass(frozen=True)
class Learner:
    """How `uplift` predicts gains: `kind` ("t" or "x") and the `classifier` that learns the outcome
    in each arm, any object with `fit` and `predict_proba`; None: a logit held towards no effect.
    """

    kind: str = "x"
    classifier: object = None


@engine.frames("table")
@analysis
def uplift(
    table: Table,
    treatment: str,
    outcome: str,
    features: Sequence[str],
    *,
    learner: str = "x",
    folds: int = 5,
    value: float | None = None,
    cost: float | None = None,
    draws: int = 500,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """If those with the highest predicted gain are treated first, how much is gained?

    Everybody's gain is predicted by models that have not seen them (cross-fitting); people are then
    taken in that order. Chance must have decided who was treated, with the same chance for all.

    Parameters
    ----------
    table : DataFrame
        One row a person.
    treatment, outcome : str
        0 or 1 each.
    features : list of str
        Known before the treatment.
    learner : str or Learner
        "t" (a model for each arm) or "x" (imputed gains, averaged over both arms), on logits held a
        little towards no effect; a Learner also says which classifier takes their place.
    folds, draws, seed : int
        Of the cross-fitting and of the bootstrap over people.
    value, cost : float, optional
        Worth of one outcome and price of one treatment; adds the profit per person.

    Returns
    -------
    Result
        targeted (share of people taken first), measure (gain: outcomes more per person of all, T(y)
        − C(y) · T/C over all people; profit), n (people), estimate, std_error, conf_low, conf_high,
        random (the gain if people were taken in any order). The area between the curve and that
        line stands in `.facts`. `.model` is a Series: predicted gain of every person. Graded
        experimental only where the features do not tell who was treated.

    Raises
    ------
    InputError
        For missing or constant columns, a treatment or outcome other than 0 and 1, or a classifier
        without `predict_proba`.
    NotEnoughData
        With fewer than 100 people or 10 outcomes in an arm.

    Source: Radcliffe (2007), Direct Marketing Analytics Journal 1 (Qini); Künzel, Sekhon, Bickel &
    Yu (2019), PNAS 116 (learners).
    """
    import pandas as pd
    import statsmodels.api as sm

    learner = learner if isinstance(learner, Learner) else Learner(learner)
    one_of("learner", learner.kind, ("t", "x"))
    learners.check("uplift", learner.classifier)
    data = fits.prepare(table, outcome, [treatment, *features])
    treated = data.x[treatment].to_numpy()
    y, n = data.y, len(data.y)
    if not (np.isin(treated, (0, 1)).all() and np.isin(y, (0, 1)).all()):
        raise InputError(
            "experiments.error_uplift_binary",
            "uplift: '{treatment}' and '{outcome}' must be {no} or {yes}",
            no=0,
            yes=1,
            treatment=treatment,
            outcome=outcome,
        )
    least = min(y[treated == k].sum() for k in (0, 1))
    if min((treated == k).sum() for k in (0, 1)) < LEAST_PEOPLE or least < LEAST_OUTCOMES:
        raise NotEnoughData(
            "experiments.error_uplift_too_few",
            "uplift: {people} people and {outcomes} outcomes in each arm are needed",
            people=LEAST_PEOPLE,
            outcomes=LEAST_OUTCOMES,
        )
    body = data.x.drop(columns=["constant", treatment])
    x = np.column_stack([np.ones(n), (body - body.mean()) / body.std()])
    # Where chance decided, nothing known before tells who was treated.
    chosen = float(sm.OLS(treated, x).fit().f_pvalue)
    at = resample.place(np.column_stack([x, treated, y]), np.arange(n))
    fold = np.random.default_rng(seed).permutation(n)[at] % folds
    score = models.scores(x, y, treated, fold, learner.kind, learner.classifier)
    grid, order = np.linspace(0.1, 1, 10), np.lexsort((at, -score.round(12)))

    whole = _gains(order, y, treated, np.ones(n), grid)
    se, low, high = intervals.bootstrap(
        lambda w: _gains(order, y, treated, w, grid),
        at,
        seed=seed,
        draws=draws,
        conf_level=conf_level,
    )
    k = len(grid)
    rows = [
        {
            "targeted": round(float(g), 2),
            "measure": "gain",
            "n": n,
            "estimate": whole[i],
            "std_error": se[i],
            "conf_low": min(low[i], whole[i]),
            "conf_high": max(high[i], whole[i]),
            "random": whole[k + i],
        }
        for i, g in enumerate(grid)
    ]
    if value is not None and cost is not None:
        rows += [
            {
                "targeted": r["targeted"],
                "measure": "profit",
                "n": n,
                **{
                    c: value * r[c] - cost * r["targeted"] * (c != "std_error")
                    for c in ("estimate", "std_error", "conf_low", "conf_high", "random")
                },
            }
            for r in rows[:k]
        ]
    few = min((treated == j).sum() for j in (0, 1)) < FEW_PEOPLE or least < FEW_OUTCOMES
    return Result(
        question=Note(
            "experiments.uplift_question",
            "If those with the highest predicted gain from {treatment:word} come first, how much "
            "{outcome:word} is gained?",
            treatment=treatment,
            outcome=outcome,
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "experiments.uplift_method",
            "Qini curve of {learner} on {model}, cross-fitted in {folds} folds; "
            "bootstrap over people.",
            learner=LEARNERS[learner.kind],
            model=LOGITS if learner.classifier is None else type(learner.classifier).__name__,
            folds=folds,
        ),
        answer=_uplift_answer(pd.DataFrame(rows), outcome, low[-1] > 0),
        unit="people",
        n=n,
        conf_level=conf_level,
        evidence="experimental" if chosen >= MISMATCH else "associational",
        limits=_limits(chosen, few, whole[-1], low[-1], high[-1]),
        model=pd.Series(score, index=data.index),
        chart=Curve(
            x="targeted",
            only={"measure": "gain"},
            points=True,
            xlabel=Note("experiments.uplift_axis", "Share of people treated first"),
            ylabel=Note("experiments.uplift_yaxis", "Gain per person, percentage points"),
        ),
    )


def _limits(chosen, few, area, low, high):
    """Return whether chance decided, the area under the curve with its interval, and what is still
    to be tested; `chosen` is the p-value of telling from the features who was treated.
    """
    limits = [
        (
            Note(
                "experiments.uplift_balance",
                "The features do not predict who was treated (p: {p:p}), as they should not under "
                "random assignment.",
                p=chosen,
            )
            if chosen >= MISMATCH
            else Note(
                "experiments.uplift_chosen",
                "The features predict who was treated (p: {p:p}): assignment was not random alone, "
                "gains may come from differences between people, and the result is graded "
                "associational.",
                p=chosen,
            )
        ),
        Note(
            "experiments.qini",
            "Area between the curve and a random order: {area:%3} ({low:%3} to {high:%3}); other "
            "tools scale it differently.",
            area=area,
            low=float(low),
            high=float(high),
        ),
        NEW_PEOPLE,
    ]
    if few:
        limits.append(
            Note(
                "experiments.uplift_few",
                "Fewer than {people} people or {outcomes} outcomes in an arm: gains of groups are "
                "uncertain.",
                people=FEW_PEOPLE,
                outcomes=FEW_OUTCOMES,
            )
        )
    return tuple(limits)


def _uplift_answer(table, outcome, better):
    """Return what treating the half with the highest predicted gain brings."""
    row = table[(table["measure"] == "gain") & (table["targeted"] == HALF)].iloc[0]
    values = {
        "outcome": outcome,
        "targeted": row["targeted"],
        "gain": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "random": row["random"],
        "n": row["n"],
    }
    if better:
        return Note(
            "experiments.uplift_answer",
            "Treating the {targeted:%0} with the highest predicted gain yields {gain:points} "
            "percentage points {outcome:word} per person ({low:points} to {high:points}; {n} "
            "people), in random order {random:points}.",
            **values,
        )
    return Note(
        "experiments.uplift_none",
        "The predicted order is not clearly better than a random one: treating the first "
        "{targeted:%0} yields {gain:points} percentage points {outcome:word} per person "
        "({low:points} to {high:points}; {n} people), in random order {random:points}.",
        **values,
    )


def _gains(order, y, treated, weights, grid):
    """Return what is gained along the grid, by the predicted order and by lot, and the area."""
    made = models.gains(order, y, treated, weights, grid)
    return np.concatenate([made.targeted, made.random, [made.area]])
