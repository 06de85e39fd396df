"""Alternatives that resemble each other compete more: the nested logit."""

from dataclasses import replace

import numpy as np

from workbench import discrete, engine
from workbench.choice import findings
from workbench.choice.fits import NestedFit, nested_chances
from workbench.choice.logit import answer, prepared
from workbench.errors import InputError, unknown
from workbench.notes import Note
from workbench.results import analysis

SMALLEST = 0.02  # a lambda below this means alternatives that are one and the same


@engine.frames("choices")
@analysis
def nested_logit(choices, attributes, nests, *, constants=True, common=False, conf_level=0.95):
    """How do attributes go with choice when some alternatives are closer substitutes than others?

    Alternatives of one nest share what the model does not see. A nest's lambda is 1 where they
    compete like any others and nears 0 where they are interchangeable; above 1 the model is no
    longer one of people who choose what suits them best, and `.limits` says so.

    Parameters
    ----------
    choices, attributes, constants : as in `conditional_logit`
    nests : dict
        Name of the nest → its alternatives. A nest of one has lambda 1.
    common : bool
        One lambda for all nests.

    Returns
    -------
    Result
        term, n (choices), estimate, std_error, conf_low, conf_high; the rows "lambda: NEST" follow
        the weights. `.model` is a `NestedFit`.

    Raises
    ------
    InputError
        Where an alternative stands in no or several nests, every nest holds one alternative, the
        fit does not settle, and as `conditional_logit`.

    Source: McFadden (1978), in Karlqvist et al. (eds.), Spatial Interaction Theory; Train (2009),
    chapter 4. Weights are those of utility itself (not divided by lambda), as in Greene,
    Econometric Analysis.
    """
    import pandas as pd
    from scipy import optimize

    attributes, d, people, g = prepared(choices, attributes, constants)
    number, sizes = _nests(d.names, nests)
    free = [k for k, size in enumerate(sizes) if size > 1]
    if not free:
        raise InputError(
            "choice.error_nests_single",
            "nests: every nest holds one alternative; that is a conditional logit",
        )
    place = np.full(len(sizes), -1)
    k = d.x.shape[2]
    place[free] = k if common else k + np.arange(len(free))
    start = discrete.newton(d)[0]
    count = k + (1 if common else len(free))
    rows = np.arange(len(d.chosen))

    def split(params):
        return params[:k], np.where(place < 0, 1.0, np.append(params, 1.0)[place])

    def by_choice(params):
        """Value and score of every choice."""
        beta, lam = split(params)
        v = d.x @ beta
        p, within, inclusive, nest = nested_chances(v, d.available, number, lam)
        mine = number[d.chosen]
        with np.errstate(divide="ignore"):
            value = np.log(p[rows, d.chosen])
        pull = -p + np.where(
            number[None, :] == mine[:, None], (lam[number] - 1) / lam[number] * within, 0.0
        )
        pull[rows, d.chosen] += 1 / lam[mine]
        score = np.zeros((len(v), count))
        score[:, :k] = np.einsum("nj,njp->np", pull, d.x)
        safe = np.where(np.isfinite(inclusive), inclusive, 0.0)
        for m in free:
            mean = (within * np.where(number == m, v, 0.0)).sum(axis=1)
            part = -nest[:, m] * (safe[:, m] - mean / lam[m])
            part = part + (mine == m) * (
                safe[:, m] - mean / lam[m] + (mean - v[rows, d.chosen]) / lam[m] ** 2
            )
            score[:, place[m]] += part
        return value, score

    def loss(params):
        value, score = by_choice(params)
        total = value.sum()
        return (-total, -score.sum(axis=0)) if np.isfinite(total) else (1e300, np.zeros(count))

    best = None
    for lam in (1.0, 0.6):
        found = optimize.minimize(
            loss,
            np.append(start * lam, np.full(count - k, lam)),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None)] * k + [(SMALLEST, 20.0)] * (count - k),
            options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-7},
        )
        best = found if best is None or found.fun < best.fun else best
    params, top = discrete.polish(lambda q: -loss(q)[1], best.x)
    if (
        (params[k:] <= SMALLEST * 1.01).any()
        or (params[k:] >= 19.9).any()
        or top > 1e-3 * max(len(rows), 1) ** 0.5
    ):
        raise InputError(
            "choice.error_nested_convergence",
            "nested_logit: the fit does not settle (a lambda runs to its border, or "
            "the score stays at {top:2}); join nests or use the conditional logit",
            top=top,
        )
    value, score = by_choice(params)
    information = -discrete.slope(lambda q: -loss(q)[1], params)
    cov = discrete.sandwich(information, discrete.per_group(score, people, g))
    names = [str(n) for n in nests]
    terms = [*d.terms, *(["lambda"] if common else [f"lambda: {names[m]}" for m in free])]
    fit = NestedFit(
        pd.Series(params, terms),
        pd.DataFrame(cov, terms, terms),
        float(value.sum()),
        discrete.null_loglik(d),
        len(rows),
        g,
        d.names,
        tuple(attributes),
        d.base,
        top,
        int(best.nit),
        number,
        place,
    )
    limits = [
        Note(
            "choice.nested_limit",
            "Lambda of {one}: alternatives of the nest compete like any others; near {zero}: they "
            "are interchangeable. Which alternatives share a nest is an assumption.",
            one=1,
            zero=0,
        )
    ]
    if (params[k:] > 1).any():
        limits.insert(
            0,
            Note(
                "choice.nested_over",
                "Above {one}: {terms:text}. Then the model no longer describes people who choose "
                "what suits them best; try other nests.",
                terms=[terms[k + i] for i in np.flatnonzero(params[k:] > 1)],
                one=1,
            ),
        )
    result = answer(
        fit,
        d,
        choices,
        conf_level,
        question=findings.NESTED_QUESTION,
        method=findings.NESTED_METHOD,
        limits=limits,
    )
    return replace(result, answer=findings.nests(result.table))


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
