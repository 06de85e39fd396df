"""How well rules turn events into stages, held against labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import agreement, resample

if TYPE_CHECKING:
    from workbench.types import Table

ENOUGH_MAPPED = 0.8  # share of events with a stage


ENOUGH_LABELS = 200


ENOUGH_PER_STAGE = 20


@engine.frames("assigned")
@analysis
def mapping_quality(
    assigned: Table, *, label: str | None = None, conf_level: float = 0.95, seed: int = 1
) -> Result:
    """How well do rules turn events into stages?

    Parameters
    ----------
    assigned : DataFrame with customer_id and stage, from `assign`; and `label` where it has labels
    label : str, optional
        Column with the true stage, missing where an event was not labelled.
    seed : int
        Of the bootstrap over customers behind kappa's interval.

    Returns
    -------
    Result
        measure (mapped share; with labels: agreement, kappa, and per stage sensitivity and
        specificity), stage, count, n (events), estimate, conf_low, conf_high. Shares: customers are
        the sampling unit.

    Raises
    ------
    NotEnoughData
        If there is no event, or none with a label.

    Source: Cohen (1960), Educ. Psychol. Meas. 20.
    """
    import pandas as pd

    if not len(assigned):
        raise NotEnoughData("stages.error_nothing_assigned", "mapping_quality: there is no event")
    rows = [
        {
            "measure": "mapped_share",
            "stage": "all_stages",
            **intervals.share(assigned["stage"].notna(), assigned["customer_id"], conf_level),
        }
    ]
    limits = [
        Note(
            "stages.proxy",
            "A stage inferred from behaviour is a proxy for a state of mind until labels or a "
            "survey have validated it.",
        )
    ]
    if rows[0]["estimate"] < ENOUGH_MAPPED:
        limits.append(
            Note(
                "stages.mapped_low",
                "Only {share:%} of the events have a stage (under {least:%0}): extend the rules "
                "before relying on what follows.",
                share=rows[0]["estimate"],
                least=ENOUGH_MAPPED,
            )
        )
    if label:
        if label not in assigned:
            raise unknown("label", "column", label, assigned.columns)
        known = assigned[assigned[label].notna()]
        if not len(known):
            raise NotEnoughData("stages.error_no_label", "mapping_quality: no event has a label")
        said, true = _written(known["stage"]), _written(known[label])
        who = np.unique(known["customer_id"], return_inverse=True)[1]
        rows.append(
            {
                "measure": "agreement",
                "stage": "all_stages",
                **intervals.share(said == true, who, conf_level),
            }
        )
        states = sorted({*said, *true})
        a, b = (np.searchsorted(states, x.astype(str)) for x in (said, true))
        cells = (
            pd.DataFrame({"who": who, "cell": a * len(states) + b})
            .value_counts(sort=False)
            .reset_index()
        )
        at, size = resample.place([a, b], who), len(states)

        one, many, of = (cells[c].to_numpy() for c in ("cell", "count", "who"))
        _, low, high = intervals.bootstrap(
            lambda w: agreement.kappa(one, many * w[of], size),
            at,
            seed=seed,
            conf_level=conf_level,
            draws=500,
        )
        rows.append(
            {
                "measure": "kappa",
                "stage": "all_stages",
                "n": len(known),
                "estimate": agreement.kappa(one, many, size),
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
        for stage in [s for s in states if s in set(true)]:
            is_it = true == stage
            rows.append(
                {
                    "measure": "sensitivity",
                    "stage": stage,
                    **intervals.share(said[is_it] == stage, who[is_it], conf_level),
                }
            )
            if (~is_it).any():
                rows.append(
                    {
                        "measure": "specificity",
                        "stage": stage,
                        **intervals.share(said[~is_it] != stage, who[~is_it], conf_level),
                    }
                )
        limits += _few_labels(true, states)
    table = tidy(rows).drop(columns="std_error", errors="ignore")
    return Result(
        question=Note("stages.quality_question", "How well do the rules turn events into stages?"),
        table=table,
        method=Note(
            "stages.quality_method",
            "Shares of events with the customer as sampling unit; Cohen's kappa with a "
            "bootstrap over customers.",
        ),
        answer=_quality_answer(table),
        unit="events",
        n=len(assigned),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["measure", "stage"],
            group="measure",
            percent=True,
            xlabel=Note("stages.quality_axis", "Share of events (kappa: agreement beyond chance)"),
        ),
    )


def _few_labels(true, states):
    """Return a limit where labels are too few in all or in a stage."""
    needs = {"n": len(true), "least": ENOUGH_LABELS, "each": ENOUGH_PER_STAGE}
    thin = [s for s in states if 0 < (true == s).sum() < ENOUGH_PER_STAGE]
    if thin:
        return [
            Note(
                "stages.labels_thin",
                "{n} labelled events; fewer than {each} in: {stages:word}. At least {least} "
                "labels, {each} a stage, are needed for firm figures.",
                stages=thin,
                **needs,
            )
        ]
    if len(true) < ENOUGH_LABELS:
        return [
            Note(
                "stages.labels_few",
                "{n} labelled events. At least {least} labels, {each} a stage, are needed for firm "
                "figures.",
                **needs,
            )
        ]
    return []


def _quality_answer(table):
    """Return how often rules and labels agree; without labels, how many events have a stage."""
    rows = table.set_index("measure")
    row = rows.loc["agreement" if "agreement" in rows.index else "mapped_share"]
    values = {
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }
    if "agreement" not in rows.index:
        return Note(
            "stages.quality_answer_mapped",
            "The rules give {share:%} of events a stage ({low:%} to {high:%}; {count} of {n}); "
            "there are no labels to compare them with.",
            **values,
        )
    if rows.loc["kappa", "estimate"] != rows.loc["kappa", "estimate"]:
        return Note(
            "stages.quality_answer_agreement",
            "Rules and labels agree on {share:%} of labelled events ({low:%} to {high:%}; {count} "
            "of {n}).",
            **values,
        )
    return Note(
        "stages.quality_answer",
        "Rules and labels agree on {share:%} of labelled events ({low:%} to {high:%}; {count} of "
        "{n}); beyond chance, kappa is {kappa:2}.",
        kappa=rows.loc["kappa", "estimate"],
        **values,
    )


def _written(names):
    """Return names as they are written, "none" for those that are missing."""
    return engine.written(names.astype(object).fillna("none")).to_numpy(object)
