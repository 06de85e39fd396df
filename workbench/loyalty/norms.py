"""What is normal for a brand of its size: the NBD-Dirichlet as a norm to hold brands against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.loyalty.brands import REQUIREMENTS_AXIS
from workbench.loyalty.nbd_dirichlet import Dirichlet
from workbench.loyalty.purchases import DRAWS, given, limits_of, measures
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import resample

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Table

NAMES = ("penetration", "purchases", "category_purchases", "requirements", "sole")
SHARES = ("penetration", "requirements", "sole")
QUESTION = Note(
    "loyalty.dirichlet_question",
    "How would each brand be bought if only its size told them apart?",
)
GROUPS = 50  # of households, left out in turn


@engine.tables("lines", unless=("Panel",))
@analysis
def dirichlet(
    lines: Table, *, draws: int = DRAWS, seed: int = 1, conf_level: float = 0.95, **options: Any
) -> Result:
    """How would each brand be bought if buyers differed only in how often they buy and which brands
    they like, and nothing else?

    The NBD-Dirichlet knows the size of the category and the shares of the brands, and one number
    for how far tastes lie apart. What it predicts is what is normal for a brand of that share.

    Parameters
    ----------
    lines, draws, seed, options : as in `brand_performance`; `households` should name all households

    Returns
    -------
    Result
        brand, measure (penetration, purchases, category_purchases, requirements, sole), n (buyers;
        households for penetration), estimate (observed), std_error, conf_low, conf_high, theory,
        theory_low, theory_high (households left out in groups), off (observed over theory less
        1), p_holm. `.model` is a `loyalty.Dirichlet`; its parameters stand in `.facts`
        (loyalty.dirichlet_fit).

    Where no Dirichlet exists (buyers differ less than chance makes them, a brand is bought by all
    or more often than the category allows) theory is missing, and `.limits` say why.

    Raises as `purchase_panel`, and NotEnoughData where only buyers are known.

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
    made = measures(p, np.ones((1, len(p.counts))))
    drawn = measures(p, p.draws(draws, seed))
    model, told, why = _norm(p, made, np.ones(len(p.counts)), p.households)
    theory_error, off_error, lost = _left_out_in_turn(p, seed, bool(model))
    buyers, rows = (p.counts > 0).sum(axis=0), []
    for measure in NAMES:
        se, low, high = intervals.percentiles(drawn[measure], made[measure][0], conf_level)
        half = intervals.z(conf_level) * theory_error[measure]
        t_low, t_high = _around(told[measure], half, measure in SHARES)
        off = made[measure][0] / told[measure] - 1
        with np.errstate(divide="ignore"):
            luck = intervals.p_value(np.log1p(off), off_error[measure])
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
    table["p_holm"] = intervals.adjust_p_values(table["p"])
    fit = table.groupby("measure")["off"].apply(lambda v: float(v.abs().mean()))
    clear = table[(table["p_holm"] < 1 - conf_level) & (table["measure"] == "requirements")]
    return Result(
        question=QUESTION,
        table=table.drop(columns="p"),
        answer=_off_norm(float(fit.mean()), len(clear), len(p.brands), p.households),
        method=Note(
            "loyalty.dirichlet_method",
            "NBD-Dirichlet from penetration and purchases of the category and the brands; observed "
            "by a bootstrap over households ({draws} draws), the norm and the difference by "
            "leaving out each of {groups} groups of households in turn (jackknife); Holm's "
            "correction.",
            draws=draws,
            groups=GROUPS,
        ),
        unit="households",
        n=p.households,
        conf_level=conf_level,
        limits=(
            *(_fit_limits(model, p.brands, clear, lost) if model else [why]),
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


def _norm(p, measured, weight, households):
    """Return the Dirichlet of one set of weights of households, what it predicts of every brand,
    and why there is none where none exists.
    """
    buyers = weight @ (p.total > 0)
    try:
        model = Dirichlet.fit(
            buyers / households,
            _each(weight @ p.total, buyers),
            measured["share"][0],
            measured["penetration"][0],
        )
    except (InputError, NotEnoughData) as reason:
        why = Note("loyalty.dirichlet_none", "No norm can be given: {reason}.", reason=reason.note)
        return None, {n: np.full(len(p.brands), np.nan) for n in NAMES}, why
    return model, model.brands(), None


def _left_out_in_turn(p, seed, exists):
    """Return standard errors of the norm and of observed over norm, on the scales on which they
    are symmetric, and how many groups allow no Dirichlet: each group of households left out.
    """
    buyers = len(p.counts)
    shuffled = np.random.default_rng(seed).permutation(p.households)[:buyers] % GROUPS
    group = shuffled[resample.place(p.counts, np.arange(buyers))]
    theory, ratio, lost = {n: [] for n in NAMES}, {n: [] for n in NAMES}, 0
    for g in range(GROUPS if exists else 0):
        w = (group != g).astype(float)
        households = p.households * (1 - 1 / GROUPS)
        seen = measures(p, w[None])
        seen["penetration"] = seen["penetration"] * p.households / households
        model, told, _ = _norm(p, seen, w, households)
        if model is None:
            lost += 1
            continue
        for n in NAMES:
            theory[n].append(special.logit(told[n]) if n in SHARES else np.log(told[n]))
            with np.errstate(divide="ignore"):
                ratio[n].append(np.log(seen[n][0] / told[n]))
    return _jackknife(theory, len(p.brands)), _jackknife(ratio, len(p.brands)), lost


def _jackknife(values, brands):
    """Return the standard errors of what was found with each group left out."""
    errors = {}
    for name, found in values.items():
        table = np.array(found).reshape(-1, brands)
        kept = len(table)
        with np.errstate(invalid="ignore"):
            error = np.sqrt((kept - 1) * np.var(table, axis=0)) if kept > 1 else np.nan
        errors[name] = np.broadcast_to(error, (brands,))
    return errors


def _around(value, half, share):
    """Return the limits around a value, on the scale on which its error is symmetric."""
    there, back = (special.logit, special.expit) if share else (np.log, np.exp)
    with np.errstate(divide="ignore", invalid="ignore"):
        return back(there(value) - half), back(there(value) + half)


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


def _fit_limits(model, brands, clear, lost):
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
                "Without {n} of the {groups} groups of households no Dirichlet fits; they are left "
                "out of the intervals of the norm.",
                n=lost,
                groups=GROUPS,
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
