"""Alternatives that resemble each other compete more: the nested logit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import discrete_choice, engine
from workbench.choice import findings
from workbench.choice.estimation import NestedFit
from workbench.choice.logit import answer, prepared
from workbench.errors import InputError, unknown
from workbench.notes import Note
from workbench.results import analysis
from workbench.stats import choices as estimators
from workbench.stats import nested_logit as nested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.results import Result
    from workbench.types import Table


@engine.frames("choices")
@analysis
def nested_logit(
    choices: Table,
    attributes: Sequence[str],
    nests: Mapping,
    *,
    constants: bool = True,
    common: bool = False,
    shares: Mapping | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How do attributes go with choice when some alternatives are closer substitutes than others?

    Alternatives of one nest share what the model does not see. A nest's lambda is 1 where they
    compete like any others and nears 0 where they are interchangeable; above 1 the model is no
    longer one of people who choose what suits them best, and `.limits` says so.

    Parameters
    ----------
    choices, attributes, constants : as in `conditional_logit`
    nests : dict
        Name of the nest → its alternatives. A nest of which no choice offers two has lambda 1.
    common : bool
        One lambda for all nests.
    shares : dict, optional
        Alternative → its share in the population, where choices were sampled by what was chosen:
        each then counts as its share asks for. A plain logit needs that for its constants only; in
        a nested one weights and lambdas suffer as well.

    Returns
    -------
    Result
        term, n (choices), estimate, std_error, conf_low, conf_high; the rows "lambda: NEST" follow
        the weights. All are missing where a lambda runs to its border or the data do not tell
        nests apart; `.limits` name it. `.model` is a `NestedFit`.

    Raises
    ------
    InputError
        Where an alternative stands in no or several nests, every nest holds one alternative, the
        fit does not settle, and as `conditional_logit`.

    Source: McFadden (1978), in Karlqvist et al. (eds.), Spatial Interaction Theory; Train (2009),
    chapter 4. Weights are those of utility itself (not divided by lambda), as in Greene,
    Econometric Analysis. Sampling by what was chosen: Manski & Lerman (1977), Econometrica 45.
    """
    import pandas as pd

    attributes, d, people, g = prepared(choices, attributes, constants)
    number, sizes = _nests(d.names, nests)
    if max(sizes) < 2:
        raise InputError(
            "choice.error_nests_single",
            "nests: every nest holds one alternative; that is a conditional logit",
        )
    made = nested.nested_logit(
        d,
        number,
        people,
        discrete_choice.fitted(d).params,
        common=common,
        weights=_weights(d, shares),
    )
    if not made.settled:
        raise InputError(
            "choice.error_nested_convergence",
            "nested_logit: the fit does not settle (the score stays at {top:2}); join nests or use "
            "the conditional logit",
            top=made.gradient,
        )
    terms = [*d.terms, *_lambdas(made.place, nests, common)]
    fit = NestedFit(
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
        nests=number,
        dissimilarity=made.place,
    )
    result = answer(
        fit,
        d,
        choices,
        conf_level,
        question=findings.NESTED_QUESTION,
        method=findings.NESTED_METHOD,
        limits=_limits(made, terms, len(d.terms)) + _weighted(shares),
    )
    return replace(result, answer=findings.nests(result.table))


def _lambdas(place, nests, common):
    """Return the names of the dissimilarities that were estimated."""
    free, names = np.flatnonzero(place >= 0), [str(n) for n in nests]
    return ["lambda"] if common and len(free) else [f"lambda: {names[m]}" for m in free]


def _weights(offers, shares):
    """Return how often each choice counts, so that what was chosen has its share in the
    population; None where the sample has them.
    """
    if shares is None:
        return None
    found = np.bincount(offers.chosen, minlength=len(offers.names)) / len(offers.chosen)
    missing = [n for n, seen in zip(offers.names, found, strict=True) if seen and n not in shares]
    if missing:
        raise unknown("shares", "alternative", missing[0], list(shares))
    wanted = np.array([float(shares.get(name, 0)) for name in offers.names])
    return (wanted / wanted[found > 0].sum() / np.where(found > 0, found, 1))[offers.chosen]


def _weighted(shares):
    """Return the sentence on choices that were sampled by what was chosen."""
    if shares is None:
        return []
    return [
        Note(
            "choice.nested_weighted",
            "Choices were sampled by what was chosen and count by its share in the population.",
        )
    ]


def _limits(made, terms, k):
    """Say what a lambda means, which are above 1, and why estimates are missing."""
    limits = [
        Note(
            "choice.nested_limit",
            "Lambda of {one}: alternatives of the nest compete like any others; near {zero}: they "
            "are interchangeable. Which alternatives share a nest is an assumption.",
            one=1,
            zero=0,
        )
    ]
    above = np.flatnonzero(made.params > 1)
    above = above[above >= k]
    if len(above):
        limits.insert(
            0,
            Note(
                "choice.nested_over",
                "Above {one}: {terms:text}. Then the model no longer describes people who choose "
                "what suits them best; try other nests.",
                terms=[terms[i] for i in above],
                one=1,
            ),
        )
    if made.running.any():
        limits.insert(
            0,
            Note(
                "choice.nested_border",
                "No estimate exists for {terms:text}: it runs to its border, and the weights with "
                "it, so all are missing. Take the nest apart, join alternatives that are one and "
                "the same, or use the conditional logit.",
                terms=[terms[i] for i in np.flatnonzero(made.running)],
            ),
        )
    elif made.untold.any():
        limits.insert(
            0,
            Note(
                "choice.nested_untold",
                "The data do not tell {terms:text} apart, so all estimates are missing: use other "
                "nests, or one lambda for all (common=True).",
                terms=[terms[i] for i in np.flatnonzero(made.untold)],
            ),
        )
    return limits


def _nests(names, nests):
    """Return the nest number of every alternative, and the sizes of the nests."""
    number = np.full(len(names), -1)
    for k, (nest, members) in enumerate(nests.items()):
        for member in members:
            if member not in names:
                raise unknown(f"nest '{nest}'", "alternative", member, names)
            if number[names.index(member)] >= 0:
                raise InputError(
                    "choice.error_nests_twice",
                    "nests: '{member}' stands in two nests",
                    member=member,
                )
            number[names.index(member)] = k
    if (number < 0).any():
        raise InputError(
            "choice.error_nests_missing",
            "nests: '{names}' stands in no nest; give it one of its own",
            names=names[int(np.flatnonzero(number < 0)[0])],
        )
    return number, np.bincount(number, minlength=len(nests))
