"""Does a choice model hold for customers it has never seen?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import attributes as offered
from workbench import discrete_choice, engine, intervals
from workbench.choice import findings
from workbench.choice.logit import conditional_logit, likes
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import resample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Table


@engine.frames("choices")
@analysis
def holdout(
    choices: Table,
    attributes: Sequence[str],
    *,
    share: float = 0.2,
    seed: int = 1,
    models: Mapping | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Does the model predict choices of households it has never seen, better than simple rules?

    A share of the customers is set aside; the models, plain market shares and "the same as last
    time" are fitted on the others. Shares are spread over what is available; the last rule gives
    the last choice the repeat rate of the others, and the rest by share.

    Parameters
    ----------
    choices, attributes : as in `conditional_logit`; with a column last_bought
    share : float
    seed : int
    models : dict, optional
        Name → function of choices and attributes that returns a Result with a fit; None: the
        conditional logit as "model".

    Returns
    -------
    Result
        rule, measure (hit_rate, log_score), count (hits), total (log chances), n (choices set
        aside), estimate, std_error, conf_low, conf_high. The customer is the sampling unit.

    Raises NotEnoughData when too few customers are left on either side.

    Source: Hastie, Tibshirani & Friedman (2009), chapter 7.
    """

    choices = discrete_choice.frame(choices)
    attributes = likes(choices, attributes, "last_bought")
    people = _in_order(choices, attributes)
    aside = np.random.default_rng(seed).permutation(people)[: max(int(len(people) * share), 1)]
    if len(people) - len(aside) < 2:
        raise NotEnoughData(
            "choice.error_holdout_few",
            "holdout: too few customers to set some aside",
        )
    held = choices["customer_id"].isin(aside)
    train, test = choices[~held], choices[held]
    fits = {
        name: model(train, attributes).model
        for name, model in (models or {"model": conditional_logit}).items()
    }
    first = next(iter(fits.values()))
    d = first.design(test)
    available, chosen, customer = d.available, d.chosen, d.customer
    bought = train[train["chosen"].astype(bool)]
    shares = bought["alternative"].value_counts().reindex(first.names, fill_value=0).to_numpy(float)
    by_share = np.where(available, shares / shares.sum(), 0)
    by_share /= by_share.sum(axis=1, keepdims=True)
    last = (d.wide(test["last_bought"], 0) > 0) & available
    known = bought[
        train.groupby("choice_id")["last_bought"]
        .transform("any")
        .to_numpy()[train["chosen"].to_numpy(bool)]
    ]
    repeat = known["last_bought"].mean() if len(known) else 0.0
    others = np.where(last, 0, by_share)
    room = others.sum(axis=1, keepdims=True)
    by_last = np.where(
        last.any(axis=1, keepdims=True) & (room > 0),
        repeat * last + (1 - repeat) * others / np.where(room > 0, room, 1),
        by_share,
    )
    rows, out = np.arange(len(chosen)), []
    rules = [
        *((name, fit.probabilities(test)) for name, fit in fits.items()),
        ("market_shares", by_share),
        ("last_choice", by_last),
    ]
    for rule, p in rules:
        hit = p.argmax(axis=1) == chosen
        score = np.log(np.maximum(p[rows, chosen], 1e-12))
        for measure, values in (("hit_rate", hit.astype(float)), ("log_score", score)):
            mean = intervals.mean(values, customer, conf_level)
            total = mean.pop("total")
            sums = {"count": total} if measure == "hit_rate" else {"total": total}
            out.append({"rule": rule, "measure": measure, **sums, **mean})
    table = tidy(out)
    return Result(
        question=findings.HOLDOUT_QUESTION,
        table=table,
        answer=findings.prediction(table),
        unit="choices",
        n=len(chosen),
        method=Note(
            "choice.holdout_method",
            "{people} households ({share:%0}) set aside; delta method over customers.",
            people=len(aside),
            share=share,
        ),
        conf_level=conf_level,
        evidence="associational",
        limits=(findings.HOLDOUT_LIMIT,),
        chart=Points(
            label=["rule"],
            only={"measure": "hit_rate"},
            percent=True,
            xlabel=findings.HOLDOUT_AXIS,
        ),
    )


def _in_order(choices, attributes):
    """Return the customers in an order that what they chose, and from what, alone decides."""
    people, who = np.unique(choices["customer_id"].to_numpy(), return_inverse=True)
    content = [np.asarray(offered.column(choices, name)) for name in attributes]
    content += [choices[c].to_numpy() for c in ("alternative", "chosen")]
    return people[np.argsort(resample.place(content, who))]
