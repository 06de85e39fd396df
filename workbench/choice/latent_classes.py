"""Kinds of people who weigh differently: the latent-class logit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import discrete_choice, engine, intervals
from workbench.choice import findings
from workbench.choice.estimation import ClassFit, trait_values
from workbench.choice.logit import answer, prepared
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import choices as estimators
from workbench.stats import latent_class as latent
from workbench.stats import likelihoods

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

SMALLEST = 0.05  # classes under this share should be joined with others


@engine.frames("choices")
@analysis
def latent_class(
    choices: Table,
    attributes: Sequence[str],
    classes: int = 2,
    *,
    membership: Sequence[str] = (),
    constants: bool = True,
    starts: int = 50,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Which kinds of people are there, by what they weigh, and how large is each?

    Every customer belongs to one class, the same in all their choices; the chance of belonging may
    move with traits of the customer.

    Parameters
    ----------
    choices, attributes, constants : as in `conditional_logit`
    classes : int
        At least 2; compare numbers with `select_latent_classes`.
    membership : list of str
        Numeric columns of the choices, the same in all rows of a customer.
    starts, seed : int
        Random starts (short runs; the best five are run to the end), and their seed.

    Returns
    -------
    Result
        class, term, n (choices), estimate, std_error, conf_low, conf_high: weights a class; the
        term "share" is the class's size (at average traits), "share: TRAIT" the change in log odds
        of belonging to it instead of to class 1 per standard deviation. Classes are numbered by
        size. `.model` is a `ClassFit`, its `.posterior` each customer's chances of belonging.

    Raises
    ------
    InputError
        As `conditional_logit`, for a trait that differs within a customer, or a fit that does not
        settle.

    Source: Kamakura & Russell (1989), Journal of Marketing Research 26; Greene & Hensher (2003),
    Transportation Research B 37.
    """
    import pandas as pd

    if classes < 2:
        raise InputError(
            "choice.error_one_class",
            "classes: at least {least}, found {classes}; one class is a conditional logit",
            classes=classes,
            least=2,
        )
    attributes, d, people, g = prepared(choices, attributes, constants)
    traits, scales = _traits(choices, membership, d, g)
    pooled = discrete_choice.fitted(d).params
    made = latent.latent_class(d, people, traits, classes, pooled, starts=starts, seed=seed)
    _check(made, classes)
    names = [f"class {c + 1}: {term}" for c in range(classes) for term in d.terms]
    names += [
        f"class {c + 1}: {term}"
        for c in range(1, classes)
        for term in ("share", *(f"share: {v}" for v in membership))
    ]
    fit = ClassFit(
        pd.Series(made.params, names),
        pd.DataFrame(made.cov, names, names),
        float(made.value.sum()),
        estimators.null_loglik(d),
        len(d.chosen),
        g,
        d.names,
        tuple(attributes),
        d.base,
        made.gradient,
        0,
        classes=classes,
        posterior=made.posterior,
        people=np.unique(d.customer),
        membership=tuple(membership),
        traits=scales,
    )
    sized = slice(classes * len(d.terms), None)
    shares, share_se = likelihoods.delta(
        lambda q: fit.split(np.append(made.params[: sized.start], q))[1],
        made.params[sized],
        made.cov[sized, sized],
    )
    result = answer(
        fit,
        d,
        choices,
        conf_level,
        question=Note(
            "choice.class_question",
            "Which {classes} kinds of people are there, by what they weigh?",
            classes=classes,
        ),
        method=Note(
            "choice.class_method",
            "Latent-class logit over each customer's choices; {starts} random starts, "
            "the best five run to the end; standard errors clustered on customers.",
            starts=starts,
        ),
        limits=_limits(made, shares, names),
        keys={
            "class": [int(n.split(":")[0][6:]) for n in names],
            "term": [n.split(": ", 1)[1] for n in names],
        },
    )
    sizes = pd.DataFrame(
        {
            "class": np.arange(1, classes + 1),
            "term": "share",
            "n": fit.choices,
            "estimate": shares,
            "std_error": share_se,
        }
    )
    sizes["conf_low"], sizes["conf_high"] = intervals.log_odds(shares, share_se, conf_level)
    table = pd.concat([sizes, result.table[result.table["term"] != "share"]], ignore_index=True)
    return dataclasses.replace(result, table=table, answer=findings.classes(table, g))


@engine.frames("choices")
@analysis
def select_latent_classes(
    choices: Table,
    attributes: Sequence[str],
    *,
    most: int = 4,
    share: float = 0.2,
    constants: bool = True,
    starts: int = 50,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """How many kinds of people do the choices tell apart?

    Each number of classes is fitted to all customers (for BIC) and to a part of them, and judged by
    the choices of the others.

    Parameters
    ----------
    choices, attributes, constants, starts, seed : as in `latent_class`; the seed also of who is set
    aside
    most : int
        Largest number of classes tried.
    share : float
        Customers set aside.

    Returns
    -------
    Result
        classes, n (choices of the customers set aside), estimate (their mean log chance a choice),
        std_error, conf_low, conf_high, bic, smallest (share of the smallest class).

    Raises NotEnoughData where too few customers are left to learn from.

    Source: as `latent_class`; Schwarz (1978), Annals of Statistics 6.
    """
    import pandas as pd

    attributes, d, people, g = prepared(choices, attributes, constants)
    aside = np.random.default_rng(seed).permutation(g)[: max(int(g * share), 1)]
    held = np.isin(people, aside)
    if g - len(aside) < 10:
        raise NotEnoughData(
            "choice.error_classes_few",
            "select_latent_classes: {g} customers are too few to set some aside",
            g=g,
        )
    train, test = (d.take(np.flatnonzero(part)) for part in (~held, held))
    taught, (who, some) = train.groups()[0], test.groups()
    made, rows, how = np.bincount(who), [], {"starts": starts, "seed": seed}
    pooled, part = discrete_choice.fitted(d).params, discrete_choice.fitted(train).params
    for classes in range(1, most + 1):
        whole, value = _searched(d, people, classes, pooled, **how)
        learnt, _ = _searched(train, taught, classes, part, **how)
        told, _, _ = latent.Mixture(test, who, some, classes, np.ones((some, 1)))(learnt)
        estimate, se, low, high = intervals.ratio(told, made, conf_level)
        rows.append(
            {
                "classes": classes,
                "n": len(who),
                "estimate": estimate,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
                "bic": -2 * value.sum() + len(whole) * np.log(g),
                "smallest": float(special.softmax(latent.unfold(whole, classes, 1)[1]).min()),
            }
        )
    table = pd.DataFrame(rows)
    best, by_score = (
        int(table.loc[i, "classes"]) for i in (table["bic"].idxmin(), table["estimate"].idxmax())
    )
    return Result(
        question=findings.CLASSES_QUESTION,
        table=table,
        answer=findings.number_of_classes(table),
        method=Note(
            "choice.classes_method",
            "Latent-class logits; BIC on all customers, mean log probability of the "
            "choices of {share:%0} of the customers set aside.",
            share=share,
        ),
        unit="choices",
        n=int(table["n"].iloc[0]),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            Note(
                "choice.classes_best",
                "Classes by BIC (lowest): {bic}; by unseen choices (highest): {score}.",
                bic=best,
                score=by_score,
            ),
            findings.CLASSES_LIMIT,
        ),
        chart=Points(
            label=["classes"],
            xlabel=findings.CLASSES_AXIS,
        ),
    )


def _searched(d, people, classes, pooled, *, starts, seed):
    """Return the parameters of so many classes, and the log-likelihood of every customer."""
    g = int(people.max()) + 1
    model = latent.Mixture(d, people, g, classes, np.ones((g, 1)))
    found = latent.search(model, pooled, starts=starts, seed=seed)
    params, _ = likelihoods.newton_refine(lambda q: model(q)[1].sum(axis=0), found, steps=6)
    return params, model(params)[0]


def _check(made, classes):
    """Refuse classes that have not settled, or that the data do not tell apart."""
    if not made.settled:
        raise InputError(
            "choice.error_class_convergence",
            "latent_class: {classes} classes do not settle (largest score {top:2}); "
            "ask for fewer classes or leave out attributes",
            classes=classes,
            top=made.gradient,
        )
    if made.untold.any():
        raise InputError(
            "choice.error_class_identified",
            "latent_class: the data do not tell {classes} classes apart: two of them are one, or "
            "one has nobody; ask for fewer",
            classes=classes,
        )


def _limits(made, shares, names):
    """Say how certain classes are, which are small, and which weights have no estimate."""
    posterior = made.posterior
    g, classes = posterior.shape
    entropy = 1 + float((posterior * np.log(np.maximum(posterior, 1e-300))).sum()) / (
        g * np.log(classes)
    )
    limits = [findings.CLASS_LIMIT.having(entropy=entropy)]
    if made.withheld.any():
        limits.insert(
            0,
            Note(
                "choice.class_withheld",
                "No finite estimate exists for {terms:text}: within its class it decides every "
                "choice it bears on. Ask for fewer classes, or leave it out.",
                terms=[names[i] for i in np.flatnonzero(made.withheld)],
            ),
        )
    if shares.min() < SMALLEST:
        limits.append(
            Note(
                "choice.class_small",
                "The smallest class is {share:%} of the people: join it with another.",
                share=float(shares.min()),
            )
        )
    if g < 300:
        limits.append(
            Note(
                "choice.class_few",
                "{g} customers are few for classes ({least} is a common minimum).",
                g=g,
                least=300,
            )
        )
    return limits


def _traits(choices, membership, d, g):
    """Return the constant and the standardised traits, customers × (1 + traits), and the mean and
    spread of each.
    """
    own = trait_values(choices, membership).reindex(np.unique(d.customer))
    out, scales = [np.ones(g)], []
    for name in membership:
        value = own[name].to_numpy(float)
        if value.std() == 0:
            raise InputError(
                "choice.error_trait_constant",
                "membership: '{name}' never differs",
                name=name,
            )
        scales.append((value.mean(), value.std()))
        out.append((value - value.mean()) / value.std())
    return np.column_stack(out), tuple(scales)
