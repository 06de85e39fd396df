"""People differ in what they want: the mixed logit over a panel, and habit told apart from lasting
taste.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import discrete_choice, engine, intervals, schemas
from workbench.choice import findings
from workbench.choice.estimation import MixedFit
from workbench.choice.logit import answer, conditional_logit, prepared
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import choices as estimators
from workbench.stats import mixed_logit as mixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.types import Table

DISTRIBUTIONS = ("normal", "lognormal", "negative_lognormal")


@engine.frames("choices")
@analysis
def mixed_logit(
    choices: Table,
    attributes: Sequence[str],
    random: Mapping,
    *,
    constants: bool = True,
    draws: int = 200,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How do attributes go with choice, and how much do people differ in what they weigh?

    Every customer has weights of their own, the same in all their choices, drawn from a
    distribution whose mean and spread are estimated.

    Parameters
    ----------
    choices, attributes, constants : as in `conditional_logit`
    random : dict
        Term → "normal", "lognormal" (always above 0) or "negative_lognormal" (always below 0, such
        as a price); for a brand's own appeal the term is "constant: BRAND". Of the last two, mean
        and sd are those of the weight's logarithm.
    draws : int
        Halton draws a customer.
    seed : int
        Of the random shift of the draws.

    Returns
    -------
    Result
        term, parameter (weight, mean or sd), n (choices), estimate, std_error, conf_low, conf_high.
        `.model` is a `MixedFit`.

    Raises
    ------
    InputError
        For an unknown term or distribution, a fit that does not settle, and as `conditional_logit`.

    Source: Revelt & Train (1998), Review of Economics and Statistics 80; Halton draws: Train
    (2009), chapter 9.
    """
    attributes, d, people, g = prepared(choices, attributes, constants)
    for term, kind in random.items():
        if term not in d.terms:
            raise unknown("random", "term", term, d.terms)
        one_of(f"random: {term}", kind, DISTRIBUTIONS)
    if not random:
        raise InputError(
            "choice.error_random_none",
            "random: name at least one term that differs between people; without one "
            "this is a conditional logit",
        )
    kinds = {d.terms.index(term): kind for term, kind in random.items()}
    start = discrete_choice.fitted(d).params
    made = mixed.mixed_logit(d, people, kinds, start, draws=draws, seed=seed)
    terms = [*d.terms, *(f"sd: {term}" for term in random)]
    _check(made, terms)
    fit = _fit(
        made, terms, d, g, attributes, random, mixed.halton(max(draws, 200), len(kinds), seed)
    )
    result = answer(
        fit,
        d,
        choices,
        conf_level,
        question=findings.MIXED_QUESTION,
        method=findings.MIXED_METHOD,
        limits=_limits(made, random, draws, len(d.chosen)),
        keys={
            "term": [*d.terms, *random],
            "parameter": [
                *("mean" if term in random else "weight" for term in d.terms),
                *["sd"] * len(random),
            ],
        },
    )
    return replace(result, answer=findings.tastes(result.table))


def _check(made, terms):
    """Refuse a fit that has not settled, or whose spreads the data do not tell apart."""
    named = [terms[i] for i in np.flatnonzero(made.untold)]
    if not made.settled and named:
        raise InputError(
            "choice.error_mixed_decided",
            "mixed_logit: {terms:text} runs away, since people's own tastes decide every choice "
            "they make; leave it out of random, or give more choices a customer",
            terms=named,
        )
    if not made.settled:
        raise InputError(
            "choice.error_mixed_convergence",
            "mixed_logit: the fit does not settle (largest score {top:2}); leave out a "
            "random term or give more choices a customer",
            top=made.gradient,
        )
    if named:
        raise InputError(
            "choice.error_mixed_identified",
            "mixed_logit: the data do not tell {terms:text} apart; leave out a random term",
            terms=named,
        )


def _fit(made, terms, d, g, attributes, random, average):
    """Return the fit that predicts, averaged over draws of its own."""
    import pandas as pd

    return MixedFit(
        pd.Series(made.params, terms),
        pd.DataFrame(made.cov, terms, terms),
        made.loglik,
        estimators.null_loglik(d),
        len(d.chosen),
        g,
        d.names,
        tuple(attributes),
        d.base,
        made.gradient,
        made.steps,
        kinds=dict(random),
        draws=average,
    )


def _limits(made, random, draws, n):
    """Say on what the differences between people rest, and where none are clear."""
    k = len(made.params) - len(random)
    limits = [
        Note(
            "choice.mixed_limit",
            "The shape of the differences between people is assumed. With {draws} draws a customer "
            "the drawing itself moves the weights a little, which the intervals do not show.",
            draws=draws,
        )
    ]
    none = [
        term
        for i, term in enumerate(random)
        if made.params[k + i] < 1.64 * np.sqrt(max(made.cov[k + i, k + i], 0))
    ]
    if none:
        limits.append(
            Note(
                "choice.mixed_none",
                "No clear differences between people in: {terms:text}.",
                terms=list(none),
            )
        )
    if n < 500:
        limits.append(
            Note(
                "choice.mixed_few",
                "{n} choices are few for differences between people ({least} is a common minimum).",
                n=n,
                least=500,
            )
        )
    return limits


@engine.frames("choices")
@analysis
def state_dependence(
    choices: Table,
    attributes: Sequence[str],
    *,
    order: str | None = None,
    draws: int = 100,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Does having bought a brand last time go with buying it again, beyond lasting taste?

    The weight of the last purchase in three models: without personal taste (habit and taste mixed),
    with a taste of every customer's own for every brand, and the same with each customer's
    purchases in shuffled order, where the last one can mean nothing.

    Parameters
    ----------
    choices, attributes : as in `conditional_logit`; attributes must not hold loyalty or last_bought
    themselves
    order : str, optional
        Column that orders a customer's choices; None: choice_id.
    draws, seed : int
        Of the mixed logit and of the shuffle.

    Returns
    -------
    Result
        model (plain, with_taste, shuffled, difference: the second minus the third), n (choices,
        each customer's first left out), estimate (weight of last_bought), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        As `mixed_logit`.
    NotEnoughData
        Where no customer chooses twice.

    Source: Dubé, Hitsch & Rossi (2010), RAND Journal of Economics 41; Guadagni & Little (1983),
    Marketing Science 2.
    """
    import pandas as pd

    mixing = {"loyalty", "last_bought"} & set(attributes)
    if mixing:
        raise InputError(
            "choice.error_last_purchase",
            "attributes: leave out {mixing:text}; the last purchase is put in here",
            mixing=sorted(mixing),
        )
    schemas.require(choices, "choices", *([order] if order else []))
    attributes, d, people, g = prepared(choices, attributes, True)
    table = discrete_choice.frame(choices)
    ids, first = np.unique(table["choice_id"].to_numpy(), return_index=True)
    when = (
        np.unique(table[order].to_numpy()[first], return_inverse=True)[1]
        if order
        else np.arange(len(ids))
    )
    if np.bincount(people).max() < 2:
        raise NotEnoughData(
            "choice.error_one_choice_each",
            "state_dependence: no customer chooses twice",
        )
    rng = np.random.default_rng(seed)
    columns, rows = [*attributes, "last_bought"], []
    base = {}
    for model, clock in (
        ("plain", when),
        ("with_taste", when),
        ("shuffled", rng.permutation(len(when))),
    ):
        kept = _with_last(d, people, clock)
        made = _long(kept, columns)
        if model == "plain":
            fit = conditional_logit(made, columns, conf_level=conf_level)
            row = fit.table[fit.table["term"] == "last_bought"].iloc[0]
        else:
            taste = {f"constant: {name}": "normal" for name in d.names if name != _most(kept)}
            fit = mixed_logit(made, columns, taste, draws=draws, seed=seed, conf_level=conf_level)
            row = fit.table[(fit.table["term"] == "last_bought")].iloc[0]
        base[model] = row
        rows.append(
            {"model": model, "n": fit.n, **row[["estimate", "std_error", "conf_low", "conf_high"]]}
        )
    # The same people stand behind both, so their errors go together: as if they did not, the
    # interval is if anything too wide.
    gap, se = (
        float(base["with_taste"]["estimate"] - base["shuffled"]["estimate"]),
        float(np.hypot(base["with_taste"]["std_error"], base["shuffled"]["std_error"])),
    )
    low, high = intervals.normal(gap, se, conf_level)
    rows.append(
        {
            "model": "difference",
            "n": rows[-1]["n"],
            "estimate": gap,
            "std_error": se,
            "conf_low": float(low),
            "conf_high": float(high),
        }
    )
    short = int((np.bincount(people) < 8).sum())
    limits = [
        findings.HABIT_LIMIT,
        findings.ASSOCIATIONAL,
    ]
    if short > g / 2 or g < 200:
        limits.append(
            Note(
                "choice.habit_few",
                "{g} customers, {short} of them with fewer than {each} choices: habit "
                "and taste are hard to tell apart ({least} customers with {each} choices "
                "are a common minimum).",
                g=g,
                short=short,
                each=8,
                least=200,
            )
        )
    limits.insert(
        0,
        (
            findings.HABIT_FOUND
            if low > 0 and base["with_taste"]["conf_low"] > 0
            else findings.HABIT_NONE
        ),
    )
    table = pd.DataFrame(rows)
    return Result(
        question=findings.HABIT_QUESTION,
        table=table,
        answer=findings.habit(table),
        method=Note(
            "choice.habit_method",
            "Weight of the last purchase in a logit without personal taste, in a mixed "
            "logit with a taste for every brand ({draws} draws), and there with each "
            "customer's purchases shuffled.",
            draws=draws,
        ),
        unit="choices",
        n=int(rows[0]["n"]),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["model"],
            reference=0,
            xlabel=findings.HABIT_AXIS,
        ),
    )


def _most(d):
    return d.names[int(np.bincount(d.chosen, minlength=len(d.names)).argmax())]


def _with_last(d, people, clock):
    """Return the layout with one more column, the customer's choice before under some clock, and
    each customer's first choice left out.
    """
    order = np.lexsort([clock, people])
    before = np.full(len(order), -1)
    same = people[order][1:] == people[order][:-1]
    before[order[1:][same]] = d.chosen[order[:-1][same]]
    keep = np.flatnonzero(before >= 0)
    last = (np.arange(len(d.names)) == before[keep, None]) & d.available[keep]
    k = len(d.terms) - (len(d.names) - 1)
    x = np.concatenate([d.x[keep][:, :, :k], last[:, :, None]], axis=2)
    return discrete_choice.Layout(
        x,
        d.available[keep],
        d.chosen[keep],
        d.customer[keep],
        d.names,
        [*d.terms[:k], "last_bought"],
        None,
        d.row[:0],
        d.column[:0],
    )


def _long(d, columns):
    """Return a layout as a long table of choices."""
    import pandas as pd

    n, j = d.available.shape
    return pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), j),
            "customer_id": np.repeat(d.customer, j),
            "alternative": np.tile(np.array(d.names, object), n),
            "chosen": (np.arange(j) == d.chosen[:, None]).ravel(),
            "available": d.available.ravel(),
            **{c: d.x[:, :, i].ravel() for i, c in enumerate(columns)},
        }
    )
