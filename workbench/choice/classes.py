"""Kinds of people who weigh differently: the latent-class logit."""

import dataclasses

import numpy as np
from scipy import special

from workbench import discrete, engine, intervals
from workbench.choice import findings
from workbench.choice.fits import ClassFit, trait_values, unfold
from workbench.choice.logit import answer, prepared
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis

SMALLEST = 0.05  # classes under this share should be joined with others


@engine.frames("choices")
@analysis
def latent_class(
    choices,
    attributes,
    classes=2,
    *,
    membership=(),
    constants=True,
    starts=50,
    seed=1,
    conf_level=0.95,
):
    """Which kinds of people are there, by what they weigh, and how large is each?

    Every customer belongs to one class, the same in all their choices; the chance of belonging may
    move with traits of the customer.

    Parameters
    ----------
    choices, attributes, constants : as in `conditional_logit`
    classes : int
        At least 2; compare numbers with `latent_classes`.
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
    best = _fit(d, people, g, classes, traits, starts, seed)
    model = _Mixture(d, people, g, classes, traits)
    params, top = discrete.polish(lambda q: model(q)[1].sum(axis=0), best, steps=6)
    # Classes are told apart by size alone: the largest comes first.
    beta, size = unfold(params, classes, traits.shape[1])
    by_size = np.argsort(-size[:, 0], kind="stable")
    params = np.append(beta[by_size], (size[by_size] - size[by_size[0]])[1:])
    value, score, posterior = model(params)
    if top > 1e-2 * g**0.5 or np.abs(params).max() > 100:
        raise InputError(
            "choice.error_class_convergence",
            "latent_class: {classes} classes do not settle (largest score {top:2}); "
            "ask for fewer classes or leave out attributes",
            classes=classes,
            top=top,
        )
    try:
        cov = discrete.sandwich(-discrete.slope(lambda q: model(q)[1].sum(axis=0), params), score)
    except np.linalg.LinAlgError:
        raise InputError(
            "choice.error_class_identified",
            "latent_class: the data do not tell the classes apart; ask for fewer",
        ) from None
    names = [f"class {c + 1}: {term}" for c in range(classes) for term in d.terms]
    names += [
        f"class {c + 1}: {term}"
        for c in range(1, classes)
        for term in ("share", *(f"share: {v}" for v in membership))
    ]
    fit = ClassFit(
        pd.Series(params, names),
        pd.DataFrame(cov, names, names),
        float(value.sum()),
        discrete.null_loglik(d),
        len(d.chosen),
        g,
        d.names,
        tuple(attributes),
        d.base,
        top,
        0,
        classes,
        posterior,
        np.unique(d.customer),
        tuple(membership),
        scales,
    )
    shares, share_se = discrete.delta(lambda q: fit.split(q)[1], params, cov)
    entropy = 1 + float((posterior * np.log(np.maximum(posterior, 1e-300))).sum()) / (
        g * np.log(classes)
    )
    limits = [findings.CLASS_LIMIT.having(entropy=entropy)]
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
        limits=limits,
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
def latent_classes(
    choices, attributes, *, most=4, share=0.2, constants=True, starts=50, seed=1, conf_level=0.95
):
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
            "latent_classes: {g} customers are too few to set some aside",
            g=g,
        )
    train, test = (d.take(np.flatnonzero(part)) for part in (~held, held))
    (taught, many), (who, some) = train.groups(), test.groups()
    traits, made, rows = np.ones((g, 1)), np.bincount(who), []
    for classes in range(1, most + 1):
        whole = _fit(d, people, g, classes, traits, starts, seed)
        value, _, _ = _Mixture(d, people, g, classes, traits)(whole)
        learnt = _fit(train, taught, many, classes, traits[:many], starts, seed)
        told, _, _ = _Mixture(test, who, some, classes, traits[:some])(learnt)
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
                "smallest": float(special.softmax(unfold(whole, classes, 1)[1]).min()),
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


class _Mixture:
    """The likelihood of a mixture of logits: value, score and posterior of every customer."""

    def __init__(self, d, people, g, classes, traits):
        self.d, self.people, self.g, self.classes, self.traits = d, people, g, classes, traits
        self.rows = np.arange(len(d.chosen))

    def parts(self, beta):
        """Return the log chance of every customer's choices under the weights of one class, and the
        chances of the alternatives.
        """
        p = discrete.probabilities(self.d.x @ beta, self.d.available)
        with np.errstate(divide="ignore"):
            log = np.bincount(
                self.people, np.maximum(np.log(p[self.rows, self.d.chosen]), -700), self.g
            )
        return log, p

    def expect(self, params):
        """Return the log-likelihood of every customer, their chances of belonging before and after
        their choices, and the chances of the alternatives a class.
        """
        beta, gamma = unfold(params, self.classes, self.traits.shape[1])
        made = [self.parts(b) for b in beta]
        prior = special.softmax(self.traits @ gamma.T, axis=1)
        log = np.column_stack([v for v, _ in made]) + np.log(np.maximum(prior, 1e-300))
        value = special.logsumexp(log, axis=1)
        return value, prior, np.exp(log - value[:, None]), [p for _, p in made]

    def __call__(self, params):
        value, prior, posterior, made = self.expect(params)
        score = [
            posterior[:, [i]] * discrete.per_group(discrete.scores(self.d, p), self.people, self.g)
            for i, p in enumerate(made)
        ]
        score += [(posterior[:, [i]] - prior[:, [i]]) * self.traits for i in range(1, self.classes)]
        return value, np.concatenate(score, axis=1), posterior


def _fit(d, people, g, classes, traits, starts, seed):
    """Return the best parameters of many short runs of expectation and maximisation, the best five
    run on, and the best of these climbed to its top.
    """
    from scipy import optimize

    model = _Mixture(d, people, g, classes, traits)
    rng, k, m = np.random.default_rng(seed), d.x.shape[2], traits.shape[1]
    pooled = discrete.newton(d)[0]
    if classes == 1:
        return pooled
    spread = 1 / np.maximum(np.sqrt((d.x**2).mean(axis=(0, 1))), 1e-12)
    runs = [
        np.concatenate(
            [
                (pooled + rng.normal(0, 0.6, (classes, k)) * spread).ravel(),
                np.zeros((classes - 1) * m),
            ]
        )
        for _ in range(starts)
    ]
    runs = sorted((_climb(model, run, 8) for run in runs), key=lambda r: -r[1])[:5]
    params = max((_climb(model, run, 40) for run, _ in runs), key=lambda r: r[1])[0]
    # Expectation and maximisation comes near fast and arrives slowly: the last part is climbed by
    # the gradient.
    unit = np.append(np.tile(spread, classes), np.ones((classes - 1) * m))
    found = optimize.minimize(
        lambda q: _negative(model(q * unit), unit),
        params / unit,
        jac=True,
        method="BFGS",
        options={"maxiter": 200, "gtol": 1e-4 * g**0.5},
    )
    return found.x * unit


def _negative(made, unit):
    return -made[0].sum(), -made[1].sum(axis=0) * unit


def _climb(model, params, most):
    """Return parameters after at most so many rounds of expectation and one Newton step a class,
    with their log-likelihood.
    """
    d, m = model.d, model.traits.shape[1]
    reach = np.abs(d.x).max(axis=(0, 1))
    before = -np.inf
    for _ in range(most):
        each, prior, posterior, made = model.expect(params)
        value = float(each.sum())
        if value - before < 1e-7 * abs(value):
            break
        before, new = value, []
        beta, size = unfold(params, model.classes, m)
        for i, p in enumerate(made):
            w = posterior[model.people, i]
            gradient = w @ discrete.scores(d, p)
            # A little ridge keeps an almost empty class from running away.
            move = np.linalg.solve(
                discrete.hessian(d.x, p, w) + 1e-3 * np.eye(len(gradient)),
                gradient - 1e-3 * beta[i],
            )
            new.append(beta[i] + move * min(1.0, 3.0 / max(np.abs(move * reach).max(), 1e-9)))
        for i in range(1, model.classes):
            pull = (posterior[:, i] - prior[:, i]) @ model.traits
            curve = (model.traits * (prior[:, i] * (1 - prior[:, i]))[:, None]).T @ model.traits
            size[i] += np.clip(np.linalg.solve(curve + 1e-6 * np.eye(m), pull), -2, 2)
        params = np.append(new, size[1:])
    return params, before
