"""Which stages buyers skip, and whether earlier buyers skip more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, regression, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, countable, need_columns
from workbench.notes import Note
from workbench.results import analysis
from workbench.stages.measures import (
    EARLY,
    NONE_BOUGHT,
    alike,
    checked,
    occasion_result,
    shown,
    thin,
)
from workbench.stats import estimating_equations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.results import Result
    from workbench.types import Table

SKIP = {
    "percent": True,
    "question": Note("stages.skip_question", "Which stages do buyers skip?"),
    "method": Note(
        "stages.skip_method",
        "Share of purchases without an event of the stage; corrected for missed and false "
        "observations (Rogan–Gladen) where a linked sample is given.",
    ),
    "axis": Note("stages.skip_axis", "Share of purchases"),
}
EFFECT = {
    "question": Note(
        "stages.effect_question", "How is the outcome associated with what was known before?"
    ),
    "method": Note(
        "stages.effect_method",
        "Logistic model by generalised estimating equations, customers as clusters; log odds per "
        "unit.",
    ),
    "axis": Note("stages.effect_axis", "Log odds per unit"),
}
SKIP_LIMIT = Note(
    "stages.skip_limit",
    "Not observed is not the same as not done: people also search off line, on other devices and "
    "in memory.",
)
SKIP_CORRECTED = Note(
    "stages.skip_corrected",
    "Corrected with {n} linked occasion; it must be a random part of all, and its stated stages "
    "must be true.",
    "Corrected with {n} linked occasions; they must be a random part of all, and their stated "
    "stages must be true.",
    n=1,
)
ENOUGH_LINKED = 300


@engine.frames("profile", optional=("linked",))
@analysis
def skipping(
    profile: Table,
    stages: Sequence[str],
    *,
    linked: Table | None = None,
    draws: int = 500,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Which stages do buyers skip, as far as can be seen, and as corrected for what tracking
    misses?

    Parameters
    ----------
    profile : DataFrame from `profile`
    stages : list of str
        Stages before the purchase that may be skipped; all of them skipped together is a row of its
        own.
    linked : DataFrame, optional
        A random part of the occasions (those bought are used) for which the truth is known, such as
        from a survey: the profile's rows with a column `true_STAGE` a stage.
        From it come the sensitivity and specificity of tracking, and with them the corrected share.
    draws, seed : int
        Of the bootstrap over customers of both samples.

    Returns
    -------
    Result
        stage, kind (observed, corrected), count, n (bought occasions), estimate, conf_low,
        conf_high, sensitivity, specificity. The corrected share has no count.

    Raises
    ------
    NotEnoughData
        If nothing was bought.
    InputError
        If tracking sees a stage no more often where it was than where it was not.

    Source: Rogan & Gladen (1978), Am. J. Epidemiology 107; Newman & Staelin (1972).
    """
    import pandas as pd

    stages = list(stages)
    bought = checked(profile, "outcome", *stages)
    bought = bought[bought["outcome"] == "bought"]
    early = (
        bought["left_censored"].astype(bool)
        if "left_censored" in bought
        else bought["outcome"] != "bought"
    )
    bought = bought[~early]
    if not len(bought):
        raise NotEnoughData(NONE_BOUGHT)
    if linked is not None:
        linked = linked[linked["outcome"] == "bought"]
        linked = (
            linked[~linked["left_censored"].astype(bool)] if "left_censored" in linked else linked
        )
    sets = [*([s] for s in stages), *([stages] if len(stages) > 1 else [])]
    rows = []
    for names in sets:
        label = " + ".join(names)
        rows.append(
            {
                "stage": label,
                "kind": "observed",
                **intervals.share(~bought[names].any(axis=1), bought["customer_id"], conf_level),
            }
        )
        if linked is not None:
            rows.append(
                {
                    "stage": label,
                    "kind": "corrected",
                    **_corrected(bought, linked, names, draws, seed, conf_level),
                }
            )
    table = pd.DataFrame(rows).drop(columns="std_error")
    limits = [SKIP_LIMIT if linked is None else SKIP_CORRECTED.having(n=len(linked))]
    if early.any():
        limits.append(EARLY.having(n=int(early.sum())))
    limits += thin(len(linked), ENOUGH_LINKED) if linked is not None else ()
    return occasion_result(
        SKIP | {"answer": _skip_answer(table, sets[-1])},
        table,
        bought,
        conf_level,
        (*limits, *thin(len(bought), 200)),
        label=["stage", "kind"],
        group="kind",
    )


def _skip_answer(table, names):
    """Return the share of purchases without any of the stages, corrected where it can be."""
    rows = table[table["stage"] == " + ".join(names)].set_index("kind")
    observed = rows.loc["observed"]
    if "corrected" not in rows.index:
        return Note(
            "stages.skip_answer",
            "In {share:%} of purchases no event of {stages:word} was observed ({low:%} to "
            "{high:%}; {count} of {n}).",
            stages=list(names),
            **shown(observed),
        )
    corrected = rows.loc["corrected"]
    return Note(
        "stages.skip_answer_corrected",
        "{share:%} of purchases skipped {stages:word}, corrected for what tracking misses ({low:%} "
        "to {high:%}; {n} purchases); observed: {observed:%}.",
        stages=list(names),
        share=corrected["estimate"],
        low=corrected["conf_low"],
        high=corrected["conf_high"],
        n=corrected["n"],
        observed=observed["estimate"],
    )


@engine.frames("profile", "truth")
@analysis
def link_true_stages(profile: Table, truth: object, stages: Sequence[str] | None) -> object:
    """Set beside every occasion which stages it really had, from a log in which every event has its
    true stage.

    Takes the table of `profile`, a DataFrame of events (customer_id, occurred_at, stage; tracked or
    not) and the stages. An event belongs to an occasion where it lies between its opening and its
    closing; contacts just before the first tracked one, within a day, belong to it too. Returns the
    profile with a column `true_STAGE` for each. Source: S-30 in `docs/glossary.md`.
    """
    import pandas as pd

    out = profile.sort_values("opened_at", kind="stable").copy()
    need_columns("truth", truth.columns, "customer_id", "occurred_at", "stage")
    stages = own.listed(stages)
    at = schemas.moments(truth, "truth", "occurred_at").dt.as_unit("us")
    stage = truth["stage"].map(own.written, na_action="ignore")
    events = truth[["customer_id"]].assign(occurred_at=at, stage=stage)
    events = events[events["stage"].isin(stages)].dropna()
    events = events.sort_values("occurred_at", kind="stable")
    # Each event to the first occasion of its customer that closes after it.
    ends = out[["customer_id", "episode", "opened_at", "closed_at"]].sort_values(
        "closed_at", kind="stable"
    )
    if not len(events) or events["customer_id"].dtype.kind == "f":
        # An empty column has no type of its own, and one with gaps has fractions.
        events = events.astype({"customer_id": ends["customer_id"].dtype})
    at = pd.merge_asof(
        events,
        ends,
        left_on="occurred_at",
        right_on="closed_at",
        by="customer_id",
        direction="forward",
    )
    at = at[at["occurred_at"] >= at["opened_at"] - pd.Timedelta("1D")]
    for stage in stages:
        had = at.loc[at["stage"] == stage, ["customer_id", "episode"]].drop_duplicates()
        had = had.assign(hit=True)
        out[f"true_{stage}"] = (
            out[["customer_id", "episode"]]
            .merge(had, how="left", on=["customer_id", "episode"])["hit"]
            .notna()
            .to_numpy()
        )
    return out.sort_index()


@engine.frames(optional=("drivers",))
@analysis
def logistic_gee(
    outcome: str, drivers: Sequence[str], customer: object, *, conf_level: float = 0.95
) -> object:
    """How does a yes-or-no outcome of occasions go with numbers known before them?

    Takes a boolean Series, a DataFrame of numbers and the customer of each row. Returns a Result:
    term, count (yes), n (occasions), estimate (log odds per unit), std_error, conf_low, conf_high;
    a logistic model by generalised estimating equations, customers as clusters, is in `.model`.
    Evidence: associational. Raises NotEnoughData where all or none are yes. Source: Liang & Zeger
    (1986), Biometrika 73.
    """
    import pandas as pd

    y = np.asarray(outcome, float)
    alike(y, drivers, customer)
    if not 0 < y.sum() < len(y):
        raise NotEnoughData(
            "stages.effect_few",
            "outcomes of both kinds are needed; found {yes} with and {no} without",
            yes=y.sum(),
            no=len(y) - y.sum(),
        )
    x = np.column_stack([np.ones(len(y)), drivers.to_numpy(float)])
    for name in drivers:
        countable("drivers", str(name), drivers[name])
    regression.check(pd.DataFrame(x[:, 1:], columns=drivers.columns.astype(str)), "drivers")
    model = estimating_equations.logit(
        y, x, np.unique(np.asarray(customer).astype(str), return_inverse=True)[1]
    )
    low, high = intervals.normal(model.params, model.bse, conf_level)
    table = pd.DataFrame(
        {
            "term": ["constant", *drivers.columns],
            "count": int(y.sum()),
            "n": len(y),
            "estimate": model.params,
            "std_error": model.bse,
            "conf_low": low,
            "conf_high": high,
        }
    )
    made = occasion_result(
        EFFECT | {"answer": _effect_answer(table)},
        table,
        drivers,
        conf_level,
        (Note("stages.effect_limit", "An association, not a cause."),),
        label=["term"],
    )
    return replace(made, evidence="associational", model=model)


def _effect_answer(table):
    """Return the term whose association is clearest, or that none is clear."""
    terms = table.iloc[1:]
    row = terms.loc[(terms["estimate"] / terms["std_error"]).abs().idxmax()]
    values = {
        "term": str(row["term"]),
        "estimate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": row["n"],
    }
    if row["conf_low"] <= 0 <= row["conf_high"]:
        return Note(
            "stages.effect_answer_none",
            "No association could be shown: the clearest is that of {term:header}, {estimate:3} "
            "log "
            "odds per unit ({low:3} to {high:3}; {n} occasions).",
            **values,
        )
    return Note(
        "stages.effect_answer",
        "The clearest association is that of {term:header}: {estimate:3} log odds per unit "
        "({low:3} to {high:3}; {n} occasions).",
        **values,
    )


def _corrected(bought, linked, names, draws, seed, conf_level):
    """Return the skip share corrected for missed and false sightings, with an interval over both
    samples.
    """
    checked(linked, *(f"true_{s}" for s in names), *names)
    seen, true = (
        linked[names].any(axis=1).to_numpy(),
        linked[[f"true_{s}" for s in names]].any(axis=1).to_numpy(),
    )
    a, b = (
        np.unique(d["customer_id"].astype(str), return_inverse=True)[1] for d in (linked, bought)
    )
    na, nb = a.max() + 1, b.max() + 1
    reach = bought[names].any(axis=1).to_numpy()

    def skip(wa, wb):
        w = wa[a]
        se = (w * seen * true).sum() / max((w * true).sum(), 1e-9)
        sp = (w * ~seen * ~true).sum() / max((w * ~true).sum(), 1e-9) if (~true).any() else 1.0
        r = (wb[b] * reach).sum() / wb[b].sum()
        power = se + sp - 1
        return (1 - np.clip((r + sp - 1) / power, 0, 1) if power > 0 else np.nan), se, sp

    estimate, se, sp = skip(np.ones(na), np.ones(nb))
    if not se + sp > 1:
        raise InputError(
            "stages.error_linked",
            "linked: {names:word} is observed no more often where it took place than where it did "
            "not; no correction is possible",
            names=list(names),
        )
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            skip(
                rng.multinomial(na, np.full(na, 1 / na)), rng.multinomial(nb, np.full(nb, 1 / nb))
            )[0]
            for _ in range(draws)
        ]
    )
    tail = (1 - conf_level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return {
        "count": np.nan,
        "n": len(bought),
        "estimate": estimate,
        "conf_low": low,
        "conf_high": high,
        "sensitivity": se,
        "specificity": sp,
    }
