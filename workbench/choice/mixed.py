"""People differ in what they want: the mixed logit over a panel, and habit told apart from lasting
taste.
"""

from dataclasses import replace

import numpy as np

from workbench import discrete, engine, intervals, schemas
from workbench.choice import findings
from workbench.choice.fits import MixedFit, transform
from workbench.choice.logit import answer, conditional_logit, prepared
from workbench.errors import InputError, NotEnoughData, one_of, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis

DISTRIBUTIONS = ("normal", "lognormal", "negative_lognormal")
BLOCK = 2_000_000  # numbers held at once for a block of draws


@engine.frames("choices")
@analysis
def mixed_logit(choices, attributes, random, *, constants=True, draws=200, seed=1, conf_level=0.95):
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
    import pandas as pd
    from scipy import optimize, stats

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
    order = np.argsort(people, kind="stable")
    d, people = d.take(order), people[order]
    u = stats.qmc.Halton(len(random), scramble=True, rng=np.random.default_rng(seed)).random(
        g * draws
    )
    z = stats.norm.ppf(np.clip(u, 1e-9, 1 - 1e-9)).reshape(g, draws, len(random))
    model = _Panel(d, people, g, random, z)
    beta, _, _, _ = discrete.newton(d)
    start = np.append(beta, np.full(len(random), 0.3))
    for term, kind in random.items():
        at = d.terms.index(term)
        start[len(beta) + list(random).index(term)] = (
            0.3 * max(abs(beta[at]), 0.5) if kind == "normal" else 0.4
        )
        if kind != "normal":
            side = 1 if kind == "lognormal" else -1
            start[at] = np.log(max(side * beta[at], 0.05))
    # Steps are taken in units of each term, so that a price in cents is as easy as one in euros.
    unit = np.append(
        1 / np.maximum(np.sqrt((d.x**2).mean(axis=(0, 1))), 1e-12), np.ones(len(random))
    )
    for i, (term, kind) in enumerate(random.items()):
        at = d.terms.index(term)
        unit[len(beta) + i] = unit[at] if kind == "normal" else 1.0
        unit[at] = unit[at] if kind == "normal" else 1.0
    found = optimize.minimize(
        lambda q: _negative(model(q * unit), unit),
        start / unit,
        jac=True,
        method="BFGS",
        options={"maxiter": 300, "gtol": 1e-4 * g**0.5},
    )
    params, top = discrete.polish(lambda q: model(q * unit)[1].sum(axis=0) * unit, found.x, steps=4)
    if top > 1e-2 * g**0.5 or np.abs(params).max() > 500:
        raise InputError(
            "choice.error_mixed_convergence",
            "mixed_logit: the fit does not settle (largest score {top:2}); leave out a "
            "random term or give more choices a customer",
            top=top,
        )
    params = params * unit
    k = len(beta)
    for i in range(len(random)):  # a spread has no sign
        if params[k + i] < 0:
            params[k + i], z[:, :, i] = -params[k + i], -z[:, :, i]
    value, score = model(params)
    information = -discrete.slope(
        lambda q: model(q * unit)[1].sum(axis=0) * unit, params / unit, 1e-4
    ) / np.outer(unit, unit)
    try:
        cov = discrete.sandwich(information, score)
    except np.linalg.LinAlgError:
        raise InputError(
            "choice.error_mixed_identified",
            "mixed_logit: the data do not tell all spreads apart; leave out a random term",
        ) from None
    terms = [*d.terms, *(f"sd: {term}" for term in random)]
    average = stats.norm.ppf(
        stats.qmc.Halton(len(random), scramble=True, rng=np.random.default_rng(seed))
        .random(max(draws, 200))
        .clip(1e-9, 1 - 1e-9)
    )
    fit = MixedFit(
        pd.Series(params, terms),
        pd.DataFrame(cov, terms, terms),
        float(value.sum()),
        discrete.null_loglik(d),
        len(d.chosen),
        g,
        d.names,
        tuple(attributes),
        d.base,
        top,
        int(found.nit),
        dict(random),
        average,
    )
    none = [
        term
        for i, term in enumerate(random)
        if params[k + i] < 1.64 * np.sqrt(max(cov[k + i, k + i], 0))
    ]
    limits = [
        Note(
            "choice.mixed_limit",
            "The shape of the differences between people is assumed; {draws} draws a "
            "customer: run it with twice as many before you print a figure.",
            draws=draws,
        )
    ]
    if none:
        limits.append(
            Note(
                "choice.mixed_none",
                "No clear differences between people in: {terms:text}.",
                terms=list(none),
            )
        )
    if len(d.chosen) < 500:
        limits.append(
            Note(
                "choice.mixed_few",
                "{n} choices are few for differences between people ({least} is a common minimum).",
                n=len(d.chosen),
                least=500,
            )
        )
    keys = {
        "term": [*d.terms, *random],
        "parameter": [
            *("mean" if term in random else "weight" for term in d.terms),
            *["sd"] * len(random),
        ],
    }
    result = answer(
        fit,
        d,
        choices,
        conf_level,
        question=findings.MIXED_QUESTION,
        method=findings.MIXED_METHOD,
        limits=limits,
        keys=keys,
    )
    return replace(result, answer=findings.tastes(result.table))


def _negative(made, unit):
    value, score = made
    total = value.sum()
    return (
        (-total, -score.sum(axis=0) * unit) if np.isfinite(total) else (1e300, np.zeros(len(unit)))
    )


class _Panel:
    """The simulated likelihood of a panel: value and score of every customer, draws taken in
    blocks.
    """

    def __init__(self, d, people, g, random, z):
        self.d, self.people, self.g, self.random, self.z = d, people, g, random, z
        self.at = [d.terms.index(term) for term in random]
        self.begins = np.flatnonzero(np.diff(people, prepend=-1))
        n, j = d.available.shape
        self.block = max(1, BLOCK // (n * j))
        # Only differences from the chosen alternative count; what is not available adds nothing.
        self.away = d.x - d.x[np.arange(n), d.chosen][:, None, :]
        self.closed = np.where(d.available, 0.0, -np.inf)
        self.far = [np.ascontiguousarray(self.away[:, :, a]) for a in self.at]
        # A constant's column is 1 for one alternative: its derivative needs no product.
        alternatives = {f"constant: {name}": i for i, name in enumerate(d.names)}
        self.owner = {
            c: alternatives[term] for c, term in enumerate(d.terms) if term in alternatives
        }

    def __call__(self, params):
        d, g, k = self.d, self.g, self.d.x.shape[2]
        draws = self.z.shape[1]
        fixed = params[:k].copy()
        fixed[self.at] = 0.0
        ground = self.away @ fixed + self.closed
        kinds = list(self.random.values())
        log, slopes = np.empty((g, draws)), np.empty((g, draws, len(params)))
        for begin in range(0, draws, self.block):
            part = slice(begin, begin + self.block)
            taste = [
                transform(kind, params[a], params[k + i], self.z[:, part, i])
                for i, (a, kind) in enumerate(zip(self.at, kinds, strict=True))
            ]
            v = np.repeat(ground[:, :, None], taste[0][0].shape[1], axis=2)
            for far, (b, _, _) in zip(self.far, taste, strict=True):
                v += far[:, :, None] * b[self.people][:, None, :]
            top = v.max(axis=1, keepdims=True)
            v -= top
            np.exp(v, out=v)
            total = v.sum(axis=1)
            log[:, part] = np.add.reduceat(-np.log(total) - top[:, 0], self.begins, axis=0)
            v /= total[:, None, :]
            for c in range(k):
                j = self.owner.get(c)
                pull = (
                    (d.chosen == j)[:, None] - v[:, j]
                    if j is not None
                    else -np.einsum("njr,nj->nr", v, self.away[:, :, c])
                )
                slopes[:, part, c] = np.add.reduceat(pull, self.begins, axis=0)
            for i, (a, (_, by_mean, by_sd)) in enumerate(zip(self.at, taste, strict=True)):
                slopes[:, part, k + i] = slopes[:, part, a] * by_sd
                slopes[:, part, a] *= by_mean
        top = log.max(axis=1, keepdims=True)
        share = np.exp(log - top)
        total = share.sum(axis=1, keepdims=True)
        value = (np.log(total) + top)[:, 0] - np.log(draws)
        return value, np.einsum("gr,grp->gp", share / total, slopes)


@engine.frames("choices")
@analysis
def state_dependence(choices, attributes, *, order=None, draws=100, seed=1, conf_level=0.95):
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
    table = discrete.frame(choices)
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
    return discrete.Layout(
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
