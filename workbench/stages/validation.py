"""How good the predicted chances are: reliability, scores, and simpler models to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Points, Result, analysis
from workbench.stages.hidden import (
    BINS,
    CERTAIN,
    GAPS,
    MINUTE,
    MODEL_AXIS,
    NO_CUSTOMER,
    NOW,
    K,
    anchored,
    histories,
    split_labels,
)
from workbench.stages.readout import activity, best_ridge, logit_chance, logit_fit
from workbench.stats.hidden_markov import normal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Moment, Table

SCORE_QUESTION = Note(
    "stages.score_question",
    "How good are the predicted chances compared with simpler ways to predict the stage?",
)
SCORE_METHOD = Note(
    "stages.score_method", "Same customers under every model; differences paired by customer."
)
SCORE_LIMIT = Note(
    "stages.score_limit",
    "To be scored on customers the models did not learn from; state where the true stages come "
    "from.",
)
NOBODY = "nobody_in_need"
TRIVIAL = Note(
    "stages.trivial",
    "To say of everybody that they need nothing is right for {share:%} of customers; the likeliest "
    "stage by the model is right for {own:%} ({n} customers).",
)
CALIBRATION = Note(
    "stages.calibration",
    "Expected calibration error {error:2}, Brier score {brier:3}, {n} customer.",
    "Expected calibration error {error:2}, Brier score {brier:3}, {n} customers.",
    n=1,
)
SETS_HOLD = Note(
    "stages.sets_hold",
    "The set of plausible stages contains the true one for {share:%} of customers; it holds "
    "{size:2} stages on average.",
)
RELIABILITY_METHOD = Note(
    "stages.reliability_method",
    "Predicted chances of all stages in {bins} classes of equal width against observed shares; "
    "the customer is the sampling unit.",
)
RELIABILITY_ANSWER = Note(
    "stages.reliability_answer",
    "Predicted chances differ from observed shares by {error:points} percentage points on average "
    "({n} customers; Brier score {brier:3}).",
)
RELIABILITY_QUESTION = Note(
    "stages.reliability_question", "When the model predicts {chance:%0}, is it {chance:%0}?"
)


@engine.frames("posterior", "truth")
@analysis
def reliability(
    posterior: Table, truth: Table, *, bins: int = 10, conf_level: float = 0.95
) -> Result:
    """When the model says 30 per cent, is it 30 per cent?

    Parameters
    ----------
    posterior : DataFrame from `posterior`
    truth : DataFrame with customer_id and stage
        The true (or stated) stage at the same moment.
    bins : int

    Returns
    -------
    Result
        bin (middle of the said chances), said (mean chance), count, n (customer and stage pairs),
        estimate (share that was so), std_error, conf_low, conf_high (customers are the sampling
        unit). Expected calibration error, Brier score and how often the plausible stages hold the
        true one stand in `.facts` (stages.calibration, stages.sets_hold).

    Raises
    ------
    NotEnoughData
        Without a customer in both tables.

    Source: Brier (1950), Monthly Weather Review 78; Murphy & Winkler (1977).
    """
    import pandas as pd

    both = _known(posterior, truth)
    p = both[list(NOW)].to_numpy()
    hit = (both["true"].to_numpy(object)[:, None] == np.array(NOW, object)).astype(float)
    who = np.repeat(np.arange(len(both)), len(NOW))
    group = np.minimum((p.ravel() * bins).astype(int), bins - 1)
    rows = []
    for b in range(bins):
        here = group == b
        if here.any():
            rows.append(
                {
                    "bin": f"{(b + 0.5) / bins:.2f}",
                    "said": p.ravel()[here].mean(),
                    **intervals.share(hit.ravel()[here] > 0, who[here], conf_level),
                }
            )
    table = pd.DataFrame(rows)
    error = float((table["n"] * (table["said"] - table["estimate"]).abs()).sum() / table["n"].sum())
    limits = [
        CALIBRATION.having(error=error, brier=((p - hit) ** 2).sum(axis=1).mean(), n=len(both))
    ]
    if (both["plausible"] != "").any():
        holds = np.mean(
            [
                true in str(names).split("|")
                for true, names in zip(both["true"], both["plausible"], strict=True)
            ]
        )
        limits.append(
            SETS_HOLD.having(share=holds, size=both["plausible"].str.count("\\|").mean() + 1)
        )
    return Result(
        question=RELIABILITY_QUESTION.having(chance=0.3),
        table=table,
        method=RELIABILITY_METHOD.having(bins=bins),
        answer=RELIABILITY_ANSWER.having(**limits[0].values),
        unit="customers",
        n=len(both),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="said",
            percent=True,
            diagonal=True,
            xlabel=MODEL_AXIS,
            ylabel=Note("stages.reliability_axis", "Observed share"),
        ),
    )


def _named(names, rivals):
    """Return a name for every rival table; those without one are numbered."""
    names = [*names, *(f"rival {i + 1}" for i in range(len(names), len(rivals)))]
    if len(names) > len(rivals):
        raise InputError(
            "stages.error_rival_names",
            "names: {rivals} tables stand beside the first, found {names} names",
            rivals=len(rivals),
            names=len(names),
        )
    return names


@engine.frames("posterior", "truth")
@analysis
def latent_score(
    posterior: Table,
    truth: Table,
    *rivals: Table,
    names: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """How good are the chances beside simpler ways to guess the stage?

    Parameters
    ----------
    posterior : DataFrame from `posterior`
    truth : DataFrame with customer_id and stage
    *rivals : DataFrame
        Tables of the same shape, such as from `rule_posterior` and `stage_logit`.
    names : sequence of str
        A name for each rival.

    Returns
    -------
    Result
        model, measure (brier: mean squared distance, lower is better; log_score; hit_rate), count
        and n (customers), estimate, conf_low, conf_high, difference (to the first model),
        difference_low, difference_high. Differences are paired by customer.

    Raises
    ------
    NotEnoughData
        Without a customer in all tables.

    Source: Brier (1950); Gneiting & Raftery (2007), JASA 102.
    """
    import pandas as pd

    tables = [_known(p, truth) for p in (posterior, *rivals)]
    common = set.intersection(*(set(d["customer_id"]) for d in tables))
    names = _named(names, rivals)
    rows, first = [], None
    for name, d in zip(("latent", *names), tables, strict=True):
        d = d[d["customer_id"].isin(common)].sort_values("customer_id", ignore_index=True)
        p = d[list(NOW)].to_numpy()
        hit = d["true"].to_numpy(object)[:, None] == np.array(NOW, object)
        each = {
            "brier": ((p - hit) ** 2).sum(axis=1),
            "log_score": np.log(np.maximum(p[hit], 1e-6)),
            "hit_rate": (p.argmax(axis=1) == hit.argmax(axis=1)).astype(float),
        }
        first = first or each
        for measure, value in each.items():
            se = _error(value)
            low, high = intervals.normal(value.mean(), se, conf_level)
            row = {
                "model": name,
                "measure": measure,
                "count": value.sum() if measure == "hit_rate" else np.nan,
                "n": len(value),
                "estimate": value.mean(),
                "conf_low": float(low),
                "conf_high": float(high),
            }
            if each is not first:
                gap = value - first[measure]
                d_low, d_high = intervals.normal(gap.mean(), _error(gap), conf_level)
                row |= {
                    "difference": gap.mean(),
                    "difference_low": float(d_low),
                    "difference_high": float(d_high),
                }
            rows.append(row)
    table = pd.DataFrame(rows)
    return Result(
        question=SCORE_QUESTION,
        table=table,
        answer=_score_answer(table),
        method=SCORE_METHOD,
        unit="customers",
        n=len(common),
        conf_level=conf_level,
        limits=(SCORE_LIMIT, *_trivial(table)),
        chart=Points(
            label=["model"],
            only={"measure": "brier"},
            xlabel=Note("stages.score_axis", "Brier score (lower is better)"),
        ),
    )


def _trivial(table):
    """Return how often it is right to say that nobody needs anything, where that is a rival."""
    hits = table[table["measure"] == "hit_rate"].set_index("model")
    if NOBODY not in hits.index:
        return ()
    return (
        TRIVIAL.having(
            share=hits.loc[NOBODY, "estimate"],
            own=hits["estimate"].iloc[0],
            n=hits["n"].iloc[0],
        ),
    )


def _score_answer(table):
    """Return the Brier score of the first model beside the best of the others."""
    rows = table[table["measure"] == "brier"]
    own, rivals = rows.iloc[0], rows.iloc[1:]
    values = {
        "score": own["estimate"],
        "low": own["conf_low"],
        "high": own["conf_high"],
        "n": own["n"],
    }
    if not len(rivals):
        return Note(
            "stages.score_answer_alone",
            "The Brier score of the hidden stages is {score:3} ({low:3} to {high:3}; {n} "
            "customers).",
            **values,
        )
    best = rivals.loc[rivals["estimate"].idxmin()]
    values |= {
        "rival": str(best["model"]),
        "rival_score": best["estimate"],
        "difference": best["difference"],
        "low": best["difference_low"],
        "high": best["difference_high"],
    }
    if best["difference_low"] <= 0 <= best["difference_high"]:
        return Note(
            "stages.score_answer_none",
            "No difference from the best simpler model could be shown: the Brier score of the "
            "hidden stages is {score:3}, of {rival:word} {rival_score:3}, {difference:3} apart "
            "({low:3} to {high:3}; {n} customers).",
            **values,
        )
    if best["difference"] > 0:
        return Note(
            "stages.score_answer_better",
            "The hidden stages predict better than {rival:word}: Brier score {score:3} against "
            "{rival_score:3}, a difference of {difference:3} ({low:3} to {high:3}; {n} customers).",
            **values,
        )
    return Note(
        "stages.score_answer_worse",
        "The hidden stages predict worse than {rival:word}: Brier score {score:3} against "
        "{rival_score:3}, a difference of {difference:3} ({low:3} to {high:3}; {n} customers).",
        **values,
    )


@engine.frames("posterior")
@analysis
def null_posterior(posterior: object) -> object:
    """Say of everybody that they need nothing: the rival that any model has to beat.

    Takes a table as `posterior` gives it and returns one like it: idle with certainty.
    """
    sure = {name: float(name == "idle") for name in NOW}
    return posterior.assign(**sure, stage="idle", certain=True, plausible="idle")


@engine.tables("events")
@engine.frames(optional=("labels",))
@analysis
def rule_posterior(
    events: Table, model: Any, labels: object, *, moment: Moment | None = None
) -> object:
    """Guess the stage from the rule of the last event and the time since, calibrated on labels: a
    yardstick for `posterior`.

    Takes events, a StageModel (for its events and column), the answers it learnt from, and the
    moment; returns a table as `posterior` does. Source: S-02, S-27 in `docs/glossary.md`.
    """
    train, query = _asked(events, model, labels, moment), _asked(events, model, None, moment)

    counts = np.zeros((K * BINS, len(NOW)))
    np.add.at(counts, (_cell(model, train), train["stage"]), 1)
    overall = counts.sum(0) + 0.5
    by_bin = normal(counts.reshape(K, BINS, -1).sum(0) + 3 * overall / overall.sum())
    return _as_posterior(query, normal(counts + 5 * np.tile(by_bin, (K, 1)))[_cell(model, query)])


def _cell(model, asked):
    """Return the stage of the last event's rule and the bin of the time since, as one number."""
    stage = anchored(list(model.events), None).argmax(axis=0)[asked["data"].k[asked["row"]]]
    return stage * BINS + np.searchsorted(GAPS, asked["since"], side="right")


@engine.tables("events")
@engine.frames(optional=("labels",))
@analysis
def stage_logit(
    events: Table,
    model: Any,
    labels: object,
    *,
    moment: Moment | None = None,
    label_error: float = 0.1,
) -> object:
    """Guess the stage by a multinomial logit on the last event, the time since and recent activity,
    without hidden stages: a yardstick for `posterior`.

    Takes and returns what `rule_posterior` does; answers may be wrong as in `fit_latent`. Source:
    McFadden (1974).
    """
    train, query = _asked(events, model, labels, moment), _asked(events, model, None, moment)
    x = activity(train["data"], model, train["row"], train["since"])
    who = train["data"].customer[train["row"]]
    ridge = best_ridge(x, train["stage"], who, label_error)
    fit = logit_fit(x, train["stage"], label_error, None, ridge)
    return _as_posterior(
        query, logit_chance(fit, activity(query["data"], model, query["row"], query["since"]))
    )


def _asked(events, model, labels, moment):
    """Return the histories, and where in them each answer (or, without labels, each customer at the
    moment) stands.
    """
    data = histories(events, list(model.events), model.column, moment, 10**9, 0)
    if labels is None:
        row = data.starts + data.sizes - 1
        return {"data": data, "row": row, "since": data.end - data.t[row]}
    return {"data": data, **split_labels(labels, data, 0, apart=0.0)[0]}


def _as_posterior(query, chance):
    import pandas as pd

    table = pd.DataFrame(
        {
            "customer_id": query["data"].customer[query["row"]],
            "days_since_last_event": query["since"] / (1440 * MINUTE),
        }
    )
    for i, name in enumerate(NOW):
        table[name] = chance[:, i]
    return table.assign(
        stage=np.array(NOW, object)[chance.argmax(axis=1)],
        certain=chance.max(axis=1) >= CERTAIN,
        plausible="",
        events=0,
        calibrated=True,
    )


def _error(values):
    """Return the standard error of a mean over customers; missing for a single one."""
    return values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan


def _known(posterior, truth):
    """Return the posterior with the true stage beside it."""
    if posterior["customer_id"].duplicated().any():
        raise InputError(
            "stages.error_posterior_twice",
            "posterior: a customer occurs more than once",
        )
    if truth["customer_id"].duplicated().any():
        raise InputError(
            "stages.error_truth_twice",
            "truth: a customer occurs more than once",
        )
    both = posterior.merge(
        truth[["customer_id", "stage"]].rename(columns={"stage": "true"}),
        on="customer_id",
        how="inner",
    )
    if not len(both):
        raise NotEnoughData(NO_CUSTOMER)
    bad = set(both["true"].dropna()) - set(NOW)
    if bad:
        raise InputError(
            "stages.error_truth_stages",
            "truth: unknown stages {unknown:text}; use {known:text}",
            unknown=sorted(map(str, bad)),
            known=list(NOW),
        )
    return both[both["true"].notna()].reset_index(drop=True)
