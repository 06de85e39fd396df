"""What the answers to choice tasks say: part-worths, importance, worth in money, and how carefully
people answered.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import numpy as np

from workbench import discrete_choice, engine, intervals, schemas
from workbench.conjoint import findings
from workbench.conjoint.design import NONE
from workbench.conjoint.fitted import PartWorths
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import choice_designs, likelihoods
from workbench.stats import choices as estimators

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from workbench.types import Table

MOST = 12  # different numbers up to which an attribute may have a part-worth for each


@engine.frames("choices")
@analysis
def part_worths(
    choices: Table,
    attributes: Sequence[str],
    *,
    numeric: Sequence[str] = (),
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What is each level of each attribute worth to people who choose between offers?

    Parameters
    ----------
    choices : table of `conjoint.choices`, or any choices whose attributes are words
        The alternative "none" is the one without attributes; it has a constant of its own.
    attributes : list of str
        Where alternatives are labels with a meaning of their own (air, car), put "alternative"
        among them.
    numeric : list of str
        Attributes taken as a straight line, such as a price to express the others in.
    penalty : str, optional
        "firth": the penalised estimate, which exists for every table; every choice is then a unit
        of its own. None: maximum likelihood.

    Returns
    -------
    Result
        attribute, level, n (choices), estimate (part-worth on the log-odds scale; the levels of an
        attribute add up to 0), std_error, conf_low, conf_high. An attribute that decides every
        choice it bears on has no finite estimate: it is missing, and `.limits` name it. `.model` is
        a `PartWorths`.

    Raises
    ------
    InputError
        For a missing attribute, one with a single level, and as a conditional logit.
    NotEnoughData
        With fewer than two respondents.

    Source: McFadden (1974); effects coding: Louviere, Hensher & Swait (2000), Stated Choice
    Methods; the penalty Firth (1993), Biometrika 80, and Kessels, Jones & Goos (2019), Journal of
    Choice Modelling 31.
    """
    import pandas as pd

    schemas.require(choices, "choices", *attributes)
    frame = discrete_choice.frame(choices)
    offered = (frame["alternative"] != NONE).to_numpy()
    coded = frame[["choice_id", "customer_id", "alternative", "chosen"]].copy()
    levels, columns = {}, []
    if "available" in frame:
        coded["available"] = frame["available"]
    for name in attributes:
        if name in numeric:
            levels[name] = None
            coded[name] = np.where(offered, pd.to_numeric(frame[name], errors="coerce"), 0.0)
            columns.append(name)
            continue
        found = sorted(
            frame.loc[offered, name].dropna().unique(), key=lambda v: (isinstance(v, str), v)
        )
        if len(found) < 2:
            raise InputError(
                "conjoint.error_one_level",
                "attributes: '{name}' has {n_found} level; at least two are needed",
                name=name,
                n_found=len(found),
            )
        if len(found) > MOST and not any(isinstance(v, str) for v in found):
            raise InputError(
                "conjoint.error_many_numbers",
                "attributes: '{name}' has {n_found} different numbers, which would each "
                "get a part-worth; name it in `numeric`, or group the numbers",
                name=name,
                n_found=len(found),
            )
        levels[name] = found
        place = frame[name].map({v: i for i, v in enumerate(found)})
        effects = choice_designs.effects_coding(len(found))[place.fillna(0).astype(int)]
        effects[~offered] = 0.0
        effects[offered & place.isna().to_numpy()] = np.nan
        for k in range(len(found) - 1):
            columns.append(f"{name}: {found[k]}")
            coded[columns[-1]] = effects[:, k]
    if (~offered).any():
        columns.append(NONE)
        coded[NONE] = (~offered).astype(float)
    d = discrete_choice.lay_out(coded, tuple(columns), False)
    discrete_choice.check(d)
    people, g = d.groups()
    made = discrete_choice.estimated(d, people, penalty=penalty, conf_level=conf_level)
    beta, cov = made.params, made.cov
    fit = PartWorths(
        levels, pd.Series(beta, columns), pd.DataFrame(cov, columns, columns), d, made.loglik
    )
    table = pd.DataFrame(_rows(fit, columns))
    table.insert(2, "n", len(d.chosen))
    table["conf_low"], table["conf_high"] = intervals.normal(
        table["estimate"], table["std_error"], conf_level
    )
    gone = dict.fromkeys(table.loc[table["estimate"].isna(), "attribute"])
    limits = [
        *([discrete_choice.WITHHELD.having(terms=list(gone))] if gone else []),
        findings.STATED,
        Note(
            "conjoint.fit",
            "McFadden's rho² = {rho:3}; {g} respondents.",
            rho=1 - fit.loglik / estimators.null_loglik(d),
            g=g,
        ),
    ]
    least = _least(d, levels)
    if g < max(least, 200):
        limits.append(findings.FEW.having(g=g, least=max(least, 200)))
    if "alternative" in attributes or _labelled(d.names):
        limits += (
            [
                Note(
                    "conjoint.labels",
                    "The alternatives have names of their own ({names:text}): if these mean "
                    'something, put "alternative" among the attributes; here only the '
                    "attributes count.",
                    names=list(d.names[:4]),
                )
            ]
            if "alternative" not in attributes
            else []
        )
    else:
        limits += [
            Note(
                "conjoint.same",
                "{share:%} of {g} respondents always chose the offer at the same place.",
                share=share,
                g=g,
            )
            for share in [float(_straight(d, people, g).mean())]
            if share > 0.05
        ]
    return Result(
        question=findings.QUESTION,
        table=table,
        method=findings.FIRTH_METHOD
        if penalty
        else Note(
            "conjoint.method",
            "Conditional logit with effects coding: the levels of an attribute add up "
            "to {zero}; respondents as sampling unit.",
            zero=0,
        ),
        unit="choices",
        n=len(d.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fit,
        answer=findings.part_worth(table),
        chart=Points(
            label=["attribute", "level"],
            reference=0,
            xlabel=findings.LOG_ODDS,
        ),
    )


def _rows(fit, columns):
    """Return a row a level: its part-worth and its error; missing where it has no estimate."""
    beta, cov, levels = fit.params.to_numpy(), fit.cov.to_numpy(), fit.levels
    rows = []
    for name, where in fit.spans().items():
        own = cov[where, where]
        full = fit.coding(name)
        worth, se = full @ beta[where], np.sqrt(np.diag(full @ own @ full.T))
        rows += [
            {
                "attribute": name,
                "level": findings.PER_UNIT if levels[name] is None else str(levels[name][i]),
                "estimate": w,
                "std_error": s,
            }
            for i, (w, s) in enumerate(zip(worth, se, strict=True))
        ]
    if NONE in columns:
        rows.append(
            {
                "attribute": NONE,
                "level": NONE,
                "estimate": beta[-1],
                "std_error": np.sqrt(cov[-1, -1]),
            }
        )
    return rows


def _least(d, levels):
    """Return the respondents that a rule of thumb asks for: 500 times the largest number of levels
    over tasks times offers.
    """
    most = max((len(v) for v in levels.values() if v is not None), default=2)
    per = len(d.chosen) / len(np.unique(d.customer))
    offers = d.available[:, np.array(d.names) != NONE].sum(axis=1).mean()
    return int(np.ceil(500 * most / max(per * offers, 1)))


def _labelled(names):
    """Whether the alternatives have names that mean something, not places such as 1, 2 or "offer
    A", "offer B".
    """
    places = [str(n) for n in names if n != NONE]
    stems = {re.sub(r"[\W_]*(\d+|\b[A-Za-z])$", "", n) for n in places}
    return len(stems) > 1


def _straight(d, people, g):
    """Return which respondents always chose the offer at the same place, among those with at least
    four tasks.
    """
    made = np.bincount(people, minlength=g)
    lowest, highest = np.full(g, 10**6), np.full(g, -1)
    np.minimum.at(lowest, people, d.chosen)
    np.maximum.at(highest, people, d.chosen)
    return (lowest == highest) & (made >= 4)


@analysis
def importance(
    fit: Result | Any, *, draws: int = 500, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Which attribute counts most, over the levels that were shown?

    Parameters
    ----------
    fit : PartWorths or Result of `part_worths`
    draws, seed : int
        Of the bootstrap over respondents, the model fitted anew in each draw.

    Returns
    -------
    Result
        attribute, levels (what was shown), n (choices), estimate (range of its part-worths over the
        sum of ranges; of a numeric attribute over the range shown), std_error, conf_low, conf_high,
        rank, rank_low, rank_high.

    Raises NotEnoughData where in many draws an attribute decides every choice.

    Source: Orme (2010), Getting Started with Conjoint Analysis; Green & Srinivasan (1990), Journal
    of Marketing 54.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit).complete()
    d = fit.layout
    people, g = d.groups()
    spread = {}
    for name, levels in fit.levels.items():
        if levels is None:
            shown = d.x[:, :, fit.spans()[name]][d.available & (np.array(d.names) != NONE)]
            spread[name] = (float(shown.min()), float(shown.max()))

    begin = fit.params.to_numpy()
    estimate = fit.importance(begin, spread)
    rng = np.random.default_rng(seed)
    at, drawn = discrete_choice.places(d, people), []
    for _ in range(draws):
        w = rng.multinomial(g, np.full(g, 1 / g)).astype(float)[at]
        with contextlib.suppress(
            InputError
        ):  # in some draws of few respondents an attribute decides everything
            made = discrete_choice.fitted(d, weights=w[people], start=begin)
            drawn.append(fit.importance(made.params, spread))
    if len(drawn) < 0.8 * draws:
        raise NotEnoughData(
            "conjoint.error_importance_draws",
            "importance: in {lost} of {draws} draws of respondents some attribute "
            "decides every choice; {g} respondents are too few",
            lost=draws - len(drawn),
            draws=draws,
            g=g,
        )
    drawn = np.array(drawn)
    se, low, high = intervals.percentiles(drawn, estimate, conf_level)
    ranks = np.argsort(np.argsort(-drawn, axis=1), axis=1) + 1
    rank_low, rank_high = np.quantile(
        ranks, [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=0, method="nearest"
    )
    shown = [
        (", ".join(map(str, v)) if v is not None else f"{spread[n][0]:g} … {spread[n][1]:g}")
        for n, v in fit.levels.items()
    ]
    table = pd.DataFrame(
        {
            "attribute": list(fit.levels),
            "levels": shown,
            "n": len(d.chosen),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
            "rank": np.argsort(np.argsort(-estimate)) + 1,
            "rank_low": rank_low,
            "rank_high": rank_high,
        }
    )
    table = table.sort_values("estimate", ascending=False, ignore_index=True)
    return Result(
        question=findings.IMPORTANCE_QUESTION,
        table=table,
        answer=findings.importance(table),
        method=Note(
            "conjoint.importance_method",
            "Range of an attribute's part-worths over the sum of ranges; bootstrap "
            "over respondents ({draws} draws, model fitted anew).",
            draws=draws,
        ),
        unit="choices",
        n=len(d.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            findings.IMPORTANCE_LIMIT,
            findings.IMPORTANCE_CANCEL,
            findings.IMPORTANCE_UP,
            findings.STATED,
            *(
                [
                    Note(
                        "conjoint.importance_lost",
                        "{n} of {draws} draws of respondents had no finite weights and are left "
                        "out of the intervals.",
                        n=draws - len(drawn),
                        draws=draws,
                    )
                ]
                if len(drawn) < draws
                else []
            ),
        ),
        chart=Points(
            label=["attribute"],
            percent=True,
            xlabel=findings.IMPORTANCE_AXIS,
        ),
    )


@analysis
def willingness_to_pay(
    fit: Result | Any, price: str, *, draws: int = 5000, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """What is a level worth in money, compared with the first level of its attribute?

    Parameters
    ----------
    fit : PartWorths or Result of `part_worths`, with the price among its numeric attributes
    price : str
    draws, seed : int
        Of Krinsky & Robb's interval.

    Returns
    -------
    Result
        attribute, level, against (the first level), n (choices), estimate (units of price),
        std_error, conf_low, conf_high; missing where the weight of the price is not clearly below
        0.

    Raises InputError where the price is no numeric attribute.

    Source: Krinsky & Robb (1986), Review of Economics and Statistics 68.
    """
    import pandas as pd

    fit = getattr(fit, "model", fit).complete()
    if price not in fit.levels or fit.levels[price] is not None:
        raise unknown(
            "price", "numeric attribute", price, [n for n, v in fit.levels.items() if v is None]
        )
    spans = fit.spans()
    keys = [
        (n, str(v), str(levels[0]))
        for n, levels in fit.levels.items()
        if levels is not None
        for v in levels[1:]
    ]

    at = spans[price].start
    low, high = intervals.normal(fit.params.iloc[at], np.sqrt(fit.cov.iloc[at, at]), conf_level)
    limits = [
        findings.WORTH_LIMIT,
        findings.STATED,
    ]
    estimate, se, drawn = (
        np.full(len(keys), np.nan),
        np.full(len(keys), np.nan),
        np.full((2, len(keys)), np.nan),
    )
    if high < 0:
        estimate, se = likelihoods.delta(lambda b: fit.in_money(b, price), fit.params, fit.cov)
        rng = np.random.default_rng(seed)
        many = rng.multivariate_normal(fit.params, fit.cov, draws, method="cholesky")
        values = fit.in_money(many, price)
        drawn = np.quantile(values, [(1 - conf_level) / 2, (1 + conf_level) / 2], axis=1)
    else:
        limits.insert(
            0,
            Note(
                "choice.wtp_none",
                "The weight of money is not clearly negative (interval {low:3} to "
                "{high:3}), so nothing can be expressed in money here: missing.",
                low=low,
                high=high,
            ),
        )
    table = pd.DataFrame(
        {
            "attribute": [k for k, _, _ in keys],
            "level": [v for _, v, _ in keys],
            "against": [v for _, _, v in keys],
            "n": len(fit.layout.chosen),
            "estimate": estimate,
            "std_error": se,
            "conf_low": drawn[0],
            "conf_high": drawn[1],
        }
    )
    return Result(
        question=findings.WORTH_QUESTION,
        table=table,
        answer=findings.money(table, len(fit.layout.chosen)),
        method=findings.WORTH_METHOD,
        unit="choices",
        n=len(fit.layout.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["attribute", "level"],
            reference=0,
            xlabel=findings.MONEY_AXIS,
        ),
    )


@engine.frames("choices")
@analysis
def answer_quality(
    choices: Table, *, better: Mapping | None = None, conf_level: float = 0.95
) -> Result:
    """How carefully did people answer: always the same place, or an offer that is worse in
    everything?

    Parameters
    ----------
    choices : table of `conjoint.choices`
    better : dict, optional
        Numeric attribute → "high" or "low", the direction nobody would dispute; needed for
        dominated offers.

    Returns
    -------
    Result
        measure (same_place, dominated_chosen), count, n (respondents with at least four tasks;
        tasks that show an offer worse in everything named and otherwise alike), estimate,
        std_error, conf_low, conf_high. Where alternatives are labels (air, car), not places, always
        the same one is a taste, not carelessness: same_place is left out.

    Raises InputError for an unknown attribute or direction.

    Source: Johnson, Lancsar, Marshall et al. (2013), Value in Health 16 (checks of stated choices).
    """
    import pandas as pd

    schemas.require(choices, "choices", *(better or {}))
    frame = discrete_choice.frame(choices)
    d = discrete_choice.lay_out(
        frame.assign(
            **{k: pd.to_numeric(frame[k], errors="coerce").fillna(0) for k in better or {}}
        ),
        tuple(better or ()),
        False,
    )
    people, g = d.groups()
    labelled = _labelled(d.names)
    many = (np.bincount(people, minlength=g) >= 4) & (not labelled)
    same = _straight(d, people, g)
    rows = []
    if many.any():
        rows.append(
            {"measure": "same_place", **intervals.share(same[many], np.arange(g)[many], conf_level)}
        )
    if better:
        for name, way in better.items():
            if way not in ("high", "low"):
                raise InputError(
                    "conjoint.error_direction",
                    "better: '{name}' must be high or low, found {way:repr}",
                    name=name,
                    way=way,
                )
        sign = np.array([1.0 if w == "high" else -1.0 for w in better.values()])
        others = [
            c
            for c in frame.columns
            if c
            not in (
                "choice_id",
                "customer_id",
                "chosen",
                "available",
                *better,
                *(() if labelled else ("alternative",)),
            )
        ]
        alike = (
            np.stack([d.wide(frame[c].astype("category").cat.codes) for c in others], axis=2)
            if others
            else np.zeros((*d.available.shape, 0))
        )
        gain = d.x * sign
        # Offer k beats j: at least as good in everything named, better in one, and alike in the
        # rest.
        ge = (gain[:, None, :, :] >= gain[:, :, None, :]).all(axis=3) & (
            gain[:, None, :, :] > gain[:, :, None, :]
        ).any(axis=3)
        ge &= (alike[:, None, :, :] == alike[:, :, None, :]).all(axis=3)
        offered = d.available & (np.array(d.names) != NONE)
        worse = (ge & offered[:, None, :] & offered[:, :, None]).any(axis=2)
        tasks = worse.any(axis=1)
        if tasks.any():
            rows.append(
                {
                    "measure": "dominated_chosen",
                    **intervals.share(
                        worse[np.arange(len(worse)), d.chosen][tasks], d.customer[tasks], conf_level
                    ),
                }
            )
    if not rows:
        raise NotEnoughData(
            "conjoint.error_quality_none",
            "answer_quality: nobody answered four tasks, and no task shows an offer "
            "that is worse in everything",
        )
    table = pd.DataFrame(rows)
    return Result(
        question=findings.QUALITY_QUESTION,
        table=table,
        answer=findings.care(table),
        method=findings.QUALITY_METHOD,
        unit="respondents",
        n=g,
        conf_level=conf_level,
        limits=(findings.QUALITY_LIMIT,),
        chart=Points(label=["measure"], percent=True, xlabel=findings.QUALITY_AXIS),
    )
