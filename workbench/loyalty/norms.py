"""What is normal for a brand of its size: the NBD-Dirichlet as a norm to hold brands against."""

import warnings

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.loyalty.brands import REQUIREMENTS_AXIS
from workbench.loyalty.purchases import given, limits_of, measures
from workbench.loyalty.theory import Dirichlet
from workbench.notes import Note
from workbench.results import Points, Result, analysis

NORMS = ("penetration", "purchases", "category_purchases", "requirements", "sole")


@engine.tables("lines", unless=("Panel",))
@analysis
def dirichlet(lines, *, draws=200, seed=1, conf_level=0.95, **options):
    """How would each brand be bought if buyers differed only in how often they buy and which brands
    they like, and nothing else?

    The NBD-Dirichlet knows the size of the category and the shares of the brands, and one number
    for how far tastes lie apart. What it predicts is what is normal for a brand of that share.

    Parameters
    ----------
    lines, draws, seed, options : as in `performance`; `households` should name all households

    Returns
    -------
    Result
        brand, measure (penetration, purchases, category_purchases, requirements, sole), n (buyers;
        households for penetration), estimate (observed), std_error, conf_low, conf_high, theory,
        theory_low, theory_high (from the same draws of households), off (observed over theory less
        1), p_holm. `.model` is a `loyalty.Dirichlet`; its parameters stand in `.facts`
        (loyalty.dirichlet_fit).

    Where no Dirichlet exists (buyers differ less than chance makes them, a brand is bought by all
    or more often than the category allows) theory is missing, and `.limits` say why.

    Raises as `panel`, and NotEnoughData where only buyers are known.

    Source: Goodhardt, Ehrenberg & Chatfield (1984), JRSS A 147; fitted as in Ehrenberg's tables:
    the share-weighted mean of what each brand's penetration asks for.
    """
    import pandas as pd

    p = given(lines, options)
    if p.households == len(p.counts):
        raise NotEnoughData(
            "loyalty.error_dirichlet_households",
            "dirichlet: every household in the data is a buyer, so how many buy "
            "nothing is not known and no NBD can be fitted; give `households`, all "
            "that could have bought",
        )
    weights = p.draws(draws, seed)
    made = measures(p, np.ones((1, len(p.counts))))
    drawn = measures(p, weights)

    model, told, why = _norm(p, made, 0, np.ones(len(p.counts)))
    told_drawn = [_norm(p, drawn, i, w)[1] if model else told for i, w in enumerate(weights)]
    lost = sum(np.isnan(v["penetration"]).all() for v in told_drawn) if model else 0
    buyers, rows = (p.counts > 0).sum(axis=0), []
    for measure in NORMS:
        se, low, high = intervals.percentiles(drawn[measure], made[measure][0], conf_level)
        theory = np.array([v[measure] for v in told_drawn])
        _, t_low, t_high = intervals.percentiles(theory, told[measure], conf_level)
        ratio = drawn[measure] / theory - 1
        off = made[measure][0] / told[measure] - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no norm, or none in most draws: missing
            luck = intervals.p_value(off, np.nanstd(ratio, axis=0, ddof=1))
        rows += [
            {
                "brand": b,
                "measure": measure,
                "n": int(p.households if measure == "penetration" else buyers[i]),
                "estimate": made[measure][0, i],
                "std_error": se[i],
                "conf_low": low[i],
                "conf_high": high[i],
                "theory": told[measure][i],
                "theory_low": t_low[i],
                "theory_high": t_high[i],
                "off": off[i],
                "p": luck[i],
            }
            for i, b in enumerate(p.brands)
        ]
    table = pd.DataFrame(rows)
    table["p_holm"] = intervals.corrected(table["p"])
    fit = table.groupby("measure")["off"].apply(lambda v: float(v.abs().mean()))
    clear = table[(table["p_holm"] < 1 - conf_level) & (table["measure"] == "requirements")]
    return Result(
        question=Note(
            "loyalty.dirichlet_question",
            "How would each brand be bought if only its size told them apart?",
        ),
        table=table.drop(columns="p"),
        answer=_off_norm(float(fit.mean()), len(clear), len(p.brands), p.households),
        method=Note(
            "loyalty.dirichlet_method",
            "NBD-Dirichlet from penetration and purchases of the category and the "
            "brands; observed beside theory, both from the same draws of households "
            "({draws}), Holm's correction.",
            draws=draws,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(
            *(_fit_limits(model, p.brands, clear, lost, draws) if model else [why]),
            *limits_of(p),
        ),
        model=model,
        chart=Points(
            label=["brand"],
            only={"measure": "requirements"},
            beside="theory",
            percent=True,
            xlabel=REQUIREMENTS_AXIS,
        ),
    )


def _norm(p, measured, at, weight):
    """Return the Dirichlet of one set of weights of households, what it predicts of every brand,
    and why there is none where none exists.
    """
    buyers = weight @ (p.total > 0)
    try:
        model = Dirichlet.fit(
            buyers / p.households,
            _each(weight @ p.total, buyers),
            measured["share"][at],
            measured["penetration"][at],
        )
    except (InputError, NotEnoughData) as reason:
        why = Note("loyalty.dirichlet_none", "No norm can be given: {reason}.", reason=reason.note)
        return None, {n: np.full(len(p.brands), np.nan) for n in NORMS}, why
    return model, model.brands(), None


ASSUMES = Note(
    "loyalty.dirichlet_assumes",
    "The norm is a market that stands still and is not partitioned: a benchmark, not an "
    "explanation.",
)


def _off_norm(off, clear, brands, households):
    return Note(
        "loyalty.dirichlet_answer",
        "Brands deviate from the norm for their size by {off:%} on average; in {count} of {brands} "
        "the share of category requirements is clearly unlike it ({n} households).",
        off=off,
        count=clear,
        brands=brands,
        n=households,
    )


def _fit_limits(model, brands, clear, lost, draws):
    """Return the parameters of the category, the brands unlike their norm, those without an S of
    their own, and draws without a fit.
    """
    none = [b for b, s in zip(brands, model.by_brand, strict=True) if not np.isfinite(s)]
    limits = [
        _parameters(model),
        Note(
            "loyalty.dirichlet_off",
            "Share of category requirements clearly unlike the norm for the size of the brand: "
            "{names:word}.",
            names=list(clear["brand"]),
        )
        if len(clear)
        else Note(
            "loyalty.dirichlet_on",
            "No brand's share of category requirements is clearly unlike the norm for its size: "
            "here loyalty follows from size.",
        ),
        ASSUMES,
    ]
    if none and model.exists:
        limits.append(
            Note(
                "loyalty.dirichlet_own",
                "No finite S fits {names:word} alone, so the S of the category is the mean of the "
                "other brands.",
                names=none,
            )
        )
    if lost:
        limits.append(
            Note(
                "loyalty.draws_lost",
                "{n} of {draws} draws allowed no Dirichlet and are left out of its intervals.",
                n=lost,
                draws=draws,
            )
        )
    return limits


def _each(total, buyers):
    """Return what a buyer buys on average."""
    if not buyers > 0:
        raise NotEnoughData("loyalty.error_dirichlet_empty", "dirichlet: nobody buys anything")
    return total / buyers


def _parameters(model):
    """Say what the category is: its purchases, K, and S where a finite one exists."""
    if not model.exists:
        return Note(
            "loyalty.dirichlet_alike",
            "Category: {m} purchases per household, K = {k:3}. S has no finite estimate: every "
            "brand has more buyers than tastes that differ would allow. The norm shown is that of "
            "tastes that are all alike; look at a shorter period, or at parts of the category.",
            m=model.rate,
            k=model.spread,
        )
    return Note(
        "loyalty.dirichlet_fit",
        "Category: {m} purchases per household, K = {k:3}, S = {s:3}: a polarisation of "
        "{phi:3} on a scale from {least} (all like all brands equally) to {most} (everybody "
        "buys one brand).",
        m=model.rate,
        k=model.spread,
        s=model.tastes,
        phi=1 / (1 + model.tastes),
        least=0,
        most=1,
    )
