"""Why this one and not another? The conditional logit, and whether its main assumption holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import attributes as offered
from workbench import discrete_choice, engine, intervals
from workbench.choice import findings
from workbench.choice.estimation import Fit, withheld
from workbench.errors import InputError, NotEnoughData, need_columns, one_of, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis, is_built_in
from workbench.stats import choices as estimators
from workbench.stats import likelihoods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Table


@engine.frames("choices")
@analysis
def conditional_logit(
    choices: Table,
    attributes: Sequence[str],
    *,
    constants: bool = True,
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How do price and the other attributes go with what people choose?

    The chance of an alternative is exp(V) over the sum of exp(V) of everything available, V a
    weighted sum of its attributes plus a constant of its own.

    Parameters
    ----------
    choices : table with choice_id, customer_id, alternative, chosen, and optionally available
        One row per choice and alternative; exactly one chosen in each choice.
    attributes : list of str
        Columns that differ between the alternatives of a choice: numbers, or words (then a term
        "brand: B" is compared with the first in alphabet). An alternative without any attribute,
        such as "none", has its constant alone.
    constants : bool
        Whether every alternative but the most chosen has a constant.
    penalty : str, optional
        "firth": the penalised estimate, with profile limits, which exists for every table; every
        choice is then a unit of its own. None: maximum likelihood.

    Returns
    -------
    Result
        term, n (choices), estimate (change in log-odds per unit), std_error, conf_low, conf_high.
        Customers, not rows, are the sampling unit. A term that decides every choice it bears on,
        such as the constant of an alternative that is never chosen, has no finite estimate: it is
        missing, and `.limits` name it. `.model` is a `Fit`.

    Raises
    ------
    InputError
        If an attribute is missing, constant or collinear, the penalty is unknown, or a choice has
        no or several chosen alternatives.
    NotEnoughData
        With fewer than two customers.

    Source: McFadden (1974), in Zarembka (ed.), Frontiers in Econometrics; Train (2009), chapter 3;
    the penalty Firth (1993), Biometrika 80, and Kessels, Jones & Goos (2019), Journal of Choice
    Modelling 31.
    """
    import pandas as pd

    if penalty is not None:
        one_of("penalty", penalty, ("firth",))
    attributes, d, people, g = prepared(choices, attributes, constants, never=True)
    if penalty:
        made = estimators.firth_conditional_logit(d, conf_level=conf_level)
    else:
        made = estimators.conditional_logit(d, groups=people)
    discrete_choice.settled(made)
    fit = Fit(
        pd.Series(made.params, d.terms),
        pd.DataFrame(made.cov, d.terms, d.terms),
        made.loglik,
        estimators.null_loglik(d),
        len(d.chosen),
        g,
        d.names,
        tuple(attributes),
        d.base,
        made.gradient,
        made.steps,
        (made.low, made.high) if penalty else None,
    )
    return answer(
        fit,
        d,
        choices,
        conf_level,
        question=findings.QUESTION,
        method=findings.FIRTH_METHOD if penalty else findings.METHOD,
        limits=[findings.IIA],
    )


@engine.frames("choices")
@analysis
def iia_test(choices: Table, attributes: Sequence[str], *, conf_level: float = 0.95) -> Result:
    """Do the weights stay the same when one alternative is not there?

    The model is fitted again without each alternative (choices of it left out). Under its
    assumption that two alternatives compete the same whatever else is on offer, the weights of the
    attributes then differ by chance only.

    Parameters are those of `conditional_logit`, whose constants every alternative but one has here.

    Returns
    -------
    Result
        dropped (the alternative), term, n (choices left), estimate (weight without it minus weight
        with all), std_error, conf_low, conf_high, p_joint (all attributes together, Wald), p_holm
        (corrected for the alternatives tried).

    Raises InputError as `conditional_logit`.

    Source: Hausman & McFadden (1984), Econometrica 52; the covariance of the difference is that of
    the customers' own pulls on both fits, so it holds with several choices a customer.
    """
    import pandas as pd
    from scipy import stats

    attributes, d, people, g = prepared(choices, attributes, True)
    made, k = discrete_choice.fitted(d), len(attributes)
    pull = _pulls(d, made, people, g)[:, :k]
    rows, tests, limits = (
        [],
        [],
        [findings.IIA_LIMIT],
    )
    for j, name in enumerate(d.names):
        keep = np.flatnonzero((d.chosen != j) & (d.available.sum(axis=1) - d.available[:, j] >= 2))
        column = d.terms.index(f"constant: {name}") if f"constant: {name}" in d.terms else None
        left = d.take(keep)
        # The base's own constant is free: without it another one must take its place.
        gone = column if column is not None else len(d.terms) - 1
        columns = [c for c in range(len(d.terms)) if c != gone]
        others = [i for i in range(len(d.names)) if i != j]
        smaller = discrete_choice.Layout(
            left.x[:, others][:, :, columns],
            left.available[:, others],
            np.searchsorted(others, left.chosen),
            left.customer,
            tuple(d.names[i] for i in others),
            [d.terms[c] for c in columns],
            d.base,
            left.row,
            left.column,
        )
        try:
            if len(keep) < 2:
                raise NotEnoughData(
                    "choice.error_iia_none_left",
                    "iia_test: no choices are left without '{name}'",
                    name=name,
                )
            discrete_choice.check(smaller)
            without = discrete_choice.fitted(smaller)
        except (InputError, NotEnoughData) as reason:
            limits.append(
                Note(
                    "choice.iia_failed",
                    "Not tested without {name}: {reason}",
                    name=name,
                    reason=reason.note,
                )
            )
            continue
        other = _pulls(smaller, without, people[keep], g)[:, :k]
        gap = without.params[:k] - made.params[:k]
        cov = (other - pull).T @ (other - pull) * g / (g - 1)
        tests.append(
            stats.chi2.sf(float(gap @ np.linalg.pinv(cov) @ gap), np.linalg.matrix_rank(cov))
        )
        low, high = intervals.normal(gap, np.sqrt(np.diag(cov)), conf_level)
        rows += [
            {
                "dropped": name,
                "term": a,
                "n": len(keep),
                "estimate": gap[i],
                "std_error": np.sqrt(cov[i, i]),
                "conf_low": low[i],
                "conf_high": high[i],
                "p_joint": tests[-1],
            }
            for i, a in enumerate(attributes)
        ]
    if not rows:
        raise NotEnoughData(
            "choice.error_iia",
            "iia_test: the model cannot be fitted without any one of the alternatives: {reasons}",
            reasons=limits[1:],
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = np.repeat(intervals.adjust_p_values(tests), k)
    failed = (table["p_holm"] < 1 - conf_level).any()
    return Result(
        question=findings.IIA_QUESTION,
        table=table,
        answer=findings.independence(table, conf_level),
        method=findings.IIA_METHOD,
        unit="choices",
        n=len(d.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            (findings.IIA_FAILS if failed else findings.IIA_HOLDS),
            *limits,
        ),
        chart=Points(
            label=["dropped", "term"],
            reference=0,
            xlabel=findings.IIA_AXIS,
        ),
    )


@analysis
def compare_rules(
    variants: Mapping, attributes: Sequence[str], *, term: str = "price", conf_level: float = 0.95
) -> Result:
    """How much does the answer depend on the rule by which prices were filled in?

    Parameters
    ----------
    variants : dict
        Name of the rule → object with `.table` (choices) and `.imputed` (share of prices filled
        in).
    attributes : as in `conditional_logit`
    term : str
        The attribute whose weight is compared.

    Returns
    -------
    Result
        rule, imputed (share of available prices carried forward), n (choices), estimate (weight of
        `term`), std_error, conf_low, conf_high; missing where the model cannot be fitted, with the
        reason in `.limits`.

    Raises InputError where `term` is none of the attributes.

    Source: as `conditional_logit`.
    """
    import pandas as pd

    if term not in attributes:
        raise unknown("term", "attribute", term, attributes)
    rows, limits = (
        [],
        [findings.RULES_LIMIT],
    )
    for name, made in variants.items():
        try:
            fit = conditional_logit(made.table, attributes, conf_level=conf_level)
        except (InputError, NotEnoughData) as reason:
            limits.append(
                Note(
                    "choice.rules_failed",
                    "Not estimated, {rule:word}: {reason}",
                    rule=name,
                    reason=reason.note,
                )
            )
            rows.append(
                {
                    "rule": name,
                    "imputed": made.imputed,
                    "n": made.table["choice_id"].nunique(),
                    **dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan),
                }
            )
            continue
        row = fit.table.set_index("term").loc[term]
        if np.isnan(row["estimate"]):
            limits += withheld(fit.table)
        rows.append(
            {
                "rule": name,
                "imputed": made.imputed,
                "n": fit.n,
                **row[["estimate", "std_error", "conf_low", "conf_high"]],
            }
        )
    table = pd.DataFrame(rows)
    return Result(
        question=findings.RULES_QUESTION,
        table=table,
        answer=findings.rules(table, term),
        method=findings.METHOD,
        unit="choices",
        n=int(max(r["n"] for r in rows)),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        # The samples come in a dictionary, in which their marks are not looked for.
        built_in=any(is_built_in(made.table) for made in variants.values()),
        chart=Points(
            label=["rule"],
            reference=0,
            xlabel=Note("choice.rules_axis", "Weight of {term:word}", term=term),
        ),
    )


def likes(choices, attributes, *more):
    """Return the attributes of choices, those of words as indicators."""
    frame = discrete_choice.checked(discrete_choice.frame(choices))
    need_columns("choices", frame.columns, *more)
    return offered.expanded(frame, attributes)


def _pulls(d, made, people, g):
    """Return every customer's own pull on the weights of a fit, g × terms."""
    near = estimators.centred(d)
    summed = likelihoods.sum_by_group(estimators.scores(near, made.chances), people, g)
    return summed @ np.linalg.inv(estimators.hessian(near.x, made.chances))


def prepared(choices, attributes, constants, *, never=False):
    """Return the attributes, the checked layout of choices, the number of each choice's customer in
    an order that their choices alone decide, and how many customers there are; `never`: whether an
    alternative may be one that nobody chose.
    """
    attributes = likes(choices, attributes)
    d = discrete_choice.lay_out(choices, tuple(attributes), constants)
    if not never:
        discrete_choice.all_chosen(d)
    discrete_choice.check(d)
    people, g = d.groups()
    return attributes, d, discrete_choice.places(d, people)[people], g


def _rare(d, terms):
    """Say that the rarest alternative was chosen too seldom for so many terms."""
    rarest = int(np.bincount(d.chosen, minlength=len(d.names)).min())
    if rarest >= 10 * terms:
        return []
    return [
        Note(
            "choice.rare",
            "The rarest alternative was chosen {n} times only, few for this many terms.",
            n=rarest,
        )
    ]


def answer(fit, d, choices, conf_level, *, question, method, limits, keys=None):
    """Return the Result of a fitted model: its estimates with intervals and the limits every choice
    model shares.
    """
    import pandas as pd

    low, high = fit.interval(conf_level)
    terms = list(fit.params.index)
    table = pd.DataFrame(
        {
            **(keys or {"term": terms}),
            "n": fit.choices,
            "estimate": fit.params.to_numpy(),
            "std_error": fit.errors,
            "conf_low": low,
            "conf_high": high,
        }
    )
    limits = [
        *(withheld(table) if fit.kind == "conditional" else ()),
        findings.ASSOCIATIONAL,
        *limits,
        Note(
            "choice.fit",
            "McFadden's rho² = {rho:3}; {k} customers.",
            rho=1 - fit.loglik / fit.loglik_null,
            k=fit.customers,
        ),
    ]
    if "loyalty" in fit.attributes or "last_bought" in fit.attributes:
        limits.append(findings.HABIT)
    if d.base is not None:
        limits.append(Note("choice.base", "Constants are relative to {base}.", base=d.base))
    if "price" in fit.attributes and _carried(choices):
        limits.append(findings.CARRIED)
    limits += _rare(d, len(terms))
    shown = [v for v in table["term"] if not str(v).startswith("constant: ")]
    return Result(
        question=question,
        table=table,
        method=method,
        unit="choices",
        n=fit.choices,
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fit,
        answer=findings.weights(table),
        chart=Points(
            label=list(keys) if keys else ["term"],
            xlabel=findings.AXIS,
            reference=0,
            only={"term": shown},
        ),
    )


def _carried(choices):
    """Say whether any price of a table of choices was carried forward."""
    return "imputed" in engine.columns(choices) and any(
        bool(v) for v in engine.distinct(choices, "imputed")
    )
