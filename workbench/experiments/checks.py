"""Checks of a comparison that chance did not set up: balance, and outcomes it cannot have moved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.experiments.designs import (
    BALANCED,
    FALLEN_BALANCE,
    STACKED,
    TRIM,
    apart_sentence,
    effect_of,
    incomplete,
    selection_of,
    standardised,
    unit_of,
)
from workbench.notes import Note
from workbench.results import EVIDENCE, Points, Result, analysis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Table

BY_DESIGN = ("raw_all", "raw", "effect", "effect_less_trend")
KEPT = ("measure", "n", "estimate", "std_error", "conf_low", "conf_high", "evidence")

IN_DEVIATIONS = Note("experiments.balance_axis", "Difference in standard deviations")
BALANCE_METHOD = Note(
    "experiments.balance_method",
    "Differences of means in standard deviations, before and after inverse probability weighting.",
)
BALANCE_LIMIT = Note(
    "experiments.balance_limit",
    "Balance in what was measured says nothing about what was not.",
)
FALLEN_NEGATIVE = Note(
    "experiments.fallen_negative",
    "Graded associational: the same comparison finds a difference in {found} of {all} outcomes "
    "that cannot have been changed.",
    found=0,
    all=0,
)
FALLEN_OTHERS = Note(
    "experiments.fallen_others",
    "Graded associational: of those who received the campaign {mine:%} received another around the "
    "same time, of the others {others:%}, and their effects cannot be told apart.",
    mine=0.0,
    others=0.0,
)
NO_BOUND = Note(
    "experiments.no_bound",
    "In which direction a comparison is off that fails a check is not known: it is neither an "
    "effect nor a bound of one.",
)
NEGATIVE_SD = Note(
    "experiments.negative_sd", "Differences are in standard deviations of each outcome."
)


@engine.frames("table")
@analysis
def balance(
    table: Table,
    treatment: str,
    covariates: Sequence[str],
    *,
    cluster: str | None = None,
    trim: float | None = TRIM,
    conf_level: float = 0.95,
) -> Result:
    """Are those with and without the treatment alike in what was measured, before and after
    weighting?

    Parameters are those of `weighting`.

    Returns
    -------
    Result
        covariate, weights (unweighted, inverse_probability), n (people), estimate (difference of
        means in standard deviations), std_error, conf_low, conf_high. Below 0.1 is commonly called
        balanced.

    Raises as `weighting`.

    Source: Austin (2009), Statistics in Medicine 28.
    """
    import pandas as pd

    fits.require(table, "table", treatment, *covariates)
    made = pd.DataFrame(table)
    data, treated, selection, apart, _ = selection_of(
        made, treatment, None, covariates, cluster, trim
    )
    chance = selection.predict()
    rows = []
    for how, weight in (
        ("unweighted", np.ones(len(treated))),
        ("inverse_probability", np.where(treated == 1, 1 / chance, 1 / (1 - chance))),
    ):
        for name in data.x.columns.drop("constant"):
            gap, se = standardised(data.x[name].to_numpy(), treated, weight, data.groups)
            low, high = intervals.normal(gap, se, conf_level, df=fits.quantile_df(data))
            rows.append(
                {
                    "covariate": name,
                    "weights": how,
                    "n": len(treated),
                    "estimate": gap,
                    "std_error": se,
                    "conf_low": float(low),
                    "conf_high": float(high),
                }
            )
    result = pd.DataFrame(rows)
    return Result(
        question=Note(
            "experiments.balance_question",
            "Are those with and without {treatment:word} alike in what was measured?",
            treatment=treatment,
        ),
        table=result,
        method=BALANCE_METHOD,
        answer=_balance_answer(result, unit_of(table)),
        unit=unit_of(table),
        n=len(treated),
        conf_level=conf_level,
        limits=(
            BALANCE_LIMIT,
            *([apart_sentence(apart, trim, unit_of(table))] if apart else []),
            *([incomplete(data.left_out)] if data.left_out else []),
        ),
        chart=Points(
            label=["covariate"],
            group="weights",
            reference=0,
            xlabel=IN_DEVIATIONS,
        ),
    )


def _balance_answer(table, unit):
    """Return the largest difference after weighting, and what it was before."""
    gaps = table.assign(size=table["estimate"].abs()).pivot(
        index="covariate", columns="weights", values="size"
    )
    after = gaps["inverse_probability"].sort_index()
    if after.isna().all():
        return None
    name = after.idxmax()
    return Note(
        "experiments.balance_answer",
        "After weighting, the largest difference is {worst:2} standard deviations "
        "({covariate:word}; {before:2} before weighting, {n} {unit:word}); under {balanced:plain} "
        "is commonly called balanced.",
        worst=after[name],
        covariate=name,
        before=gaps.loc[name, "unweighted"],
        n=table["n"].iloc[0],
        unit=unit,
        balanced=BALANCED,
    )


@engine.frames("table")
@analysis
def negative_controls(
    table: Table,
    treatment: str,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    *,
    method: str = "aipw",
    cluster: str | None = None,
    trim: float = TRIM,
    conf_level: float = 0.95,
) -> Result:
    """Does the same comparison find effects where there can be none?

    Parameters
    ----------
    table, treatment, covariates, method, cluster, trim : as in `weighting`
    outcomes : list of str
        Outcomes the treatment cannot have moved, for instance from before it.

    Returns
    -------
    Result
        outcome, n (people), estimate (in standard deviations of the outcome), std_error, conf_low,
        conf_high, p_value, p_holm.

    Raises as `weighting`.

    Source: Lipsitch, Tchetgen Tchetgen & Cohen (2010), Epidemiology 21.
    """
    import pandas as pd

    rows, left, apart = [], [], []
    for name in outcomes:
        fits.require(table, "table", name)
        data, *_, lone, found = effect_of(
            table,
            treatment,
            name,
            covariates,
            method=method,
            cluster=cluster,
            trim=trim,
            conf_level=conf_level,
        )
        row = found.set_index("measure").loc["effect"]
        sd = float(pd.DataFrame(table)[name].std())
        rows.append(
            {
                "outcome": name,
                "n": len(data.y),
                **{c: row[c] / sd for c in ("estimate", "std_error", "conf_low", "conf_high")},
                "p_value": float(
                    intervals.p_value(row["estimate"], row["std_error"], fits.quantile_df(data))
                ),
            }
        )
        left.append(data.left_out)
        apart.append(lone)
    result = pd.DataFrame(rows)
    result["p_holm"] = intervals.adjust_p_values(result["p_value"])
    found = int((result["p_holm"] < 1 - conf_level).sum())
    return Result(
        question=Note(
            "experiments.negative_question",
            "Does the same comparison by {treatment:word} find effects where there cannot be any?",
            treatment=treatment,
        ),
        table=result,
        method=STACKED[method],
        answer=_negative_answer(result, found, unit_of(table)),
        unit=unit_of(table),
        n=int(result["n"].max()),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            NEGATIVE_SD,
            *([apart_sentence(max(apart), trim, unit_of(table))] if max(apart) else []),
            *([incomplete(max(left))] if max(left) else []),
        ),
        chart=Points(
            label=["outcome"],
            reference=0,
            xlabel=IN_DEVIATIONS,
        ),
    )


def _negative_answer(table, found, unit):
    """Return how many outcomes differ that the treatment cannot have changed."""
    largest = table["estimate"].abs().max()
    values = {"all": len(table), "largest": largest, "n": int(table["n"].max()), "unit": unit}
    if found:
        return Note(
            "experiments.negative_found",
            "A clear difference was found in {found} of {all} outcomes that cannot have been "
            "changed ({n} {unit:word}; at most {largest:2} standard deviations): the groups are "
            "not alike, and the main comparison is in doubt.",
            found=found,
            **values,
        )
    return Note(
        "experiments.negative_none",
        "None of {all} outcomes that cannot have been changed differs clearly ({n} {unit:word}; at "
        "most {largest:2} standard deviations).",
        **values,
    )


@analysis
def grade_with_checks(result: Result, *checks: object) -> Result:
    """Return a comparison with the grade that checks made apart from it leave.

    A check that fails makes the comparison associational, and says why: weights that leave the
    groups apart, an outcome that cannot have been changed and differs all the same, a gap that was
    opening before the start, or other campaigns that reached one of the groups more often. The
    numbers stay as they are. In which direction a comparison is off that failed a check is not
    known, so it is no bound either.

    Parameters
    ----------
    result : Result
        Of `weighting` or `difference_in_differences`.
    *checks : Results of `balance`, `negative_controls`, `difference_in_differences` and
        `concurrent_campaigns`
        What is no Result, such as a part left out, is passed over.
    """
    failed = [note for check in checks if isinstance(check, Result) for note in _failed(check)]
    if not failed:
        return result
    limits = [note for note in (*failed, NO_BOUND) if note not in result.limits]
    table = result.table
    if "evidence" in table:
        table = table.assign(evidence="associational")
    return replace(result, table=table, evidence="associational", limits=(*limits, *result.limits))


def _failed(check):
    """Return the sentences on what a check did not pass."""
    table = check.table
    if "weights" in table:
        return _unbalanced(table[table["weights"] == "inverse_probability"])
    if "campaign" in table and "group" in table:
        mine, others = (table[table["group"] == g].iloc[0] for g in ("received", "others"))
        if mine["conf_low"] <= others["conf_high"] and others["conf_low"] <= mine["conf_high"]:
            return []
        return [FALLEN_OTHERS.having(mine=mine["estimate"], others=others["estimate"])]
    if "p_holm" in table and "outcome" in table:
        found = int((table["p_holm"] < 1 - check.conf_level).sum())
        return [FALLEN_NEGATIVE.having(found=found, all=len(table))] if found else []
    return [note for note in check.limits if note.id == "experiments.fallen_trend"]


def _unbalanced(table):
    """Return the sentence on the covariate that differs most, where it is over the line."""
    sizes = table.set_index("covariate")["estimate"].abs()
    if not (sizes > BALANCED).any():
        return []
    worst = sizes.idxmax()
    return [FALLEN_BALANCE.having(worst=sizes[worst], covariate=worst, balanced=BALANCED)]


@analysis
def compare_designs(**results: Mapping) -> Result:
    """What do several designs say of one effect, each with the grade its checks left it?

    Parameters
    ----------
    **results : Results of `weighting` and `difference_in_differences`, by name
        With the effect in one unit.

    Returns
    -------
    Result
        design, measure (raw_all, raw, effect, effect_less_trend), n, estimate, std_error, conf_low,
        conf_high, evidence.
    """
    import pandas as pd

    parts = []
    for name, result in results.items():
        rows = result.table[result.table["measure"].isin(BY_DESIGN)]
        if "evidence" not in rows:
            rows = rows.assign(evidence=result.evidence)
        parts.append(rows.assign(design=name)[["design", *KEPT]])
    table = pd.concat(parts, ignore_index=True)
    own = table[table["measure"] == "effect"]
    first = next(iter(results.values()))
    clear = int(((own["conf_low"] > 0) | (own["conf_high"] < 0)).sum())
    return Result(
        question=Note("experiments.by_design_question", "What do the designs say of one effect?"),
        table=table,
        method=Note(
            "experiments.by_design_method",
            "The same effect in one unit, by each design, with the grade that its checks left it.",
        ),
        answer=Note(
            "experiments.by_design_answer",
            "The estimates of {all} designs lie between {least:3} and {most:3}; {clear} of their "
            "intervals exclude zero, and together they reach from {low:3} to {high:3} ({n} "
            "{unit:word}).",
            all=len(own),
            least=own["estimate"].min(),
            most=own["estimate"].max(),
            clear=clear,
            low=own["conf_low"].min(),
            high=own["conf_high"].max(),
            n=int(own["n"].max()),
            unit=first.unit,
        ),
        unit=first.unit,
        n=int(own["n"].max()),
        conf_level=first.conf_level,
        evidence=_lowest(own["evidence"]),
        limits=_said_by_checks(results.values()),
        chart=Points(
            label=["design", "measure"],
            reference=0,
            xlabel=Note("experiments.axis", "Difference from the control"),
        ),
    )


def _said_by_checks(results):
    """Return why grades fell, each reason once: what the checks of the designs said."""
    said = [
        note
        for result in results
        for note in result.limits
        if note.id.startswith("experiments.fallen") or note.id == "experiments.no_bound"
    ]
    return tuple(dict.fromkeys(said))


def _lowest(grades):
    """Return the lowest grade of several."""
    return min(grades, key=lambda grade: EVIDENCE.index(grade.split(":")[0]))
