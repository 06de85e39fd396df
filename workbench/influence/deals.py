"""What goes with the price and the outcome of deals: reputation, referrals and support."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW, FEW_CLUSTERS, LEAST_F, LEFT_OUT, WEAK
from workbench.errors import InputError
from workbench.influence import grades
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.products import demean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

WITHIN = Note("influence.within_vendor", "offers, within a vendor")
COSTS_MORE = Note(
    "influence.premium_answer",
    "The clearest premium is that of {term:word} ({comparison:word}): {estimate:%} "
    "in price per unit at equal specification ({low:%} to {high:%}; {n} offers).",
)
NO_PREMIUM = Note(
    "influence.premium_answer_none",
    "No premium could be shown at equal specification: the clearest is that of "
    "{term:word} ({comparison:word}), {estimate:%} in price per unit ({low:%} to "
    "{high:%}; {n} offers).",
)
REFERRED_MORE = Note(
    "influence.referred_answer",
    "Referred deals were won in {share:%} of cases and others in {others:%}; the "
    "difference ({measure:word}) is {estimate:points} percentage points "
    "({low:points} to {high:points}; {n} deals).",
)
REFERRED_ALIKE = Note(
    "influence.referred_answer_none",
    "It could not be shown that referred deals ({share:%} won) differ from others "
    "({others:%}): the difference ({measure:word}) is {estimate:points} percentage "
    "points ({low:points} to {high:points}; {n} deals).",
)
SLOWER = Note(
    "influence.support_answer",
    "When the first reply takes twice as long, the share of deals won changes by "
    "{estimate:points} percentage points ({measure:word}; {low:points} to "
    "{high:points}; {n} deals).",
)
SLOWER_ALIKE = Note(
    "influence.support_answer_none",
    "It could not be shown that the share of deals won depends on the speed of the "
    "first reply: {estimate:points} percentage points per doubling ({measure:word}; "
    "{low:points} to {high:points}; {n} deals).",
)


@engine.frames("offers")
@analysis
def price_premium(
    offers: Table,
    credentials: Sequence[str],
    *,
    price: str = "price",
    vendor: str = "vendor_id",
    specification: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """How much more do offers with a better name cost at equal specification?

    Parameters
    ----------
    offers : DataFrame
        One row an offer (or a contract); rows of a deal and vendor that say the same are one.
    credentials : list of str
        Years of record, certificates, rating and so on.
    price, vendor : str
        Columns; the vendor is the sampling unit.
    specification : list of str
        What is offered; words become indicators.

    Returns
    -------
    Result
        term, comparison (between: all offers; within: the same vendor over time, where a credential
        changes), n (offers), estimate (relative change of the price a unit), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        For missing, constant or collinear columns, or prices not above 0.
    NotEnoughData
        With too few offers or vendors.

    Source: Rosen (1974), Journal of Political Economy 82; Rao & Monroe (1989), Journal of Marketing
    Research 26; Tadelis (2016), Annual Review of Economics 8.
    """
    import pandas as pd

    fits.require(offers, "offers", price, vendor, *credentials, *specification)
    offers = _once(offers, "offers", ["deal_id", vendor], [price, *credentials, *specification])
    if not (offers[price].dropna() > 0).all():
        raise InputError("influence.error_offer_prices", "offers: prices must be above 0")
    data = fits.prepare(
        offers.assign(_log=np.log(offers[price].astype(float))),
        "_log",
        [*credentials, *specification],
        cluster=vendor,
    )
    made = fits.least_squares(data.y, data.x, data.groups)
    names = [c for c in data.x.columns if c in credentials or c.split(": ")[0] in credentials]
    inner = pd.DataFrame(demean(data.x.to_numpy(), data.groups), columns=data.x.columns)
    moving = [
        c for c in inner if inner[c].std() > 0.05 * max(data.x[c].std(), 1e-12) and c != "constant"
    ]
    rows = []
    parts = [("between", made, names)]
    if any(c in moving for c in names):
        fits.check(inner[moving], WITHIN)
        parts.append(
            (
                "within",
                fits.least_squares(
                    demean(data.y, data.groups),
                    inner[moving],
                    data.groups,
                    absorbed=data.customers,
                ),
                [c for c in names if c in moving],
            )
        )
    for comparison, fit, terms in parts:
        for c in terms:
            told = fit.row(c, conf_level, data.customers - 1)
            rows.append(
                {
                    "term": c,
                    "comparison": comparison,
                    "n": len(data.y),
                    **{k: float(np.expm1(v)) for k, v in told.items()},
                    "std_error": told["std_error"] * float(np.exp(told["estimate"])),
                }
            )
    limits = [
        Note(
            "influence.premium_limit",
            "Good vendors also differ in ways that were not recorded; where they exist, "
            "comparisons within a vendor are safer.",
        )
    ]
    if len(parts) > 1:
        limits.append(
            Note(
                "influence.premium_within",
                "Within a vendor, years of record and the calendar rise together: a general "
                "rise in prices looks like a premium for experience.",
            )
        )
    if len(data.y) < 100:
        limits.append(FEW.having(n=len(data.y), least=100, unit="offers"))
    if data.customers < 30:
        limits.append(FEW_CLUSTERS.having(n=data.customers, least=30, unit="vendors"))
    if data.left_out:
        limits.append(LEFT_OUT.having(n=data.left_out))
    return Result(
        question=Note(
            "influence.premium_question",
            "How much more do offers of reputable vendors cost at equal specification?",
        ),
        table=pd.DataFrame(rows),
        answer=_premium_answer(pd.DataFrame(rows)),
        method=Note(
            "influence.premium_method",
            "Hedonic regression of the logarithm of price; the vendor is the sampling "
            "unit; within vendors where a credential changes.",
        ),
        unit="offers",
        n=len(data.y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=made,
        chart=Points(
            label=["term", "comparison"],
            percent=True,
            reference=0,
            xlabel=Note("influence.premium_axis", "Relative difference in price per unit"),
        ),
    )


def _premium_answer(table):
    """Return the clearest credential, within vendors where that can be seen."""
    rows = table[table["comparison"] == table["comparison"].iloc[-1]]
    order = (np.log1p(rows["estimate"]) / (rows["std_error"] / (1 + rows["estimate"]))).abs()
    rows = rows.assign(order=order).sort_values(["order", "term"], ascending=[False, True])
    row = rows.iloc[0]
    answer = COSTS_MORE if fits.clear(row) else NO_PREMIUM
    return answer.having(**fits.said(row), term=row["term"], comparison=row["comparison"])


def _once(table, where, keys, columns):
    """Return one row a deal where the table has one a contact; refuse one whose rows disagree."""
    if keys[0] not in table:
        return table
    kept = table.drop_duplicates([*keys, *columns])
    twice = kept.duplicated(keys)
    if twice.any():
        raise InputError(
            "influence.error_deals_disagree",
            "{where}: the rows of {deals} deals disagree on {columns:text}, such as "
            "deal '{example}'; give every deal one value",
            where=where,
            deals=int(twice.sum()),
            columns=list(columns),
            example=kept.loc[twice, keys[0]].iloc[0],
        )
    return kept


@engine.frames("deals")
@analysis
def referred_deals(
    deals: Table,
    *,
    referred: str = "referred",
    won: str = "won",
    covariates: Sequence[str] = (),
    account: str = "customer_id",
    conf_level: float = 0.95,
) -> Result:
    """Are referred deals won more often, also against others that are alike in what was measured?

    Parameters
    ----------
    deals : DataFrame
        One row a deal (or a first purchase, or a person); with deal_id, rows of a deal that say the
        same are one.
    referred, won : str
        0 or 1.
    covariates : list of str
        Known when the deal opened.
    account : str
        Column of the sampling unit.

    Returns
    -------
    Result
        measure (referred, others, difference; adjusted with covariates), count, n (deals),
        estimate, std_error, conf_low, conf_high.

    Raises
    ------
    InputError
        For missing columns, or values other than 0 and 1.
    NotEnoughData
        Without deals of both kinds.

    Source: Schmitt, Skiera & Van den Bulte (2011), Journal of Marketing 75; adjustment by a linear
    model with robust errors, Lin (2013), Annals of Applied Statistics 7.
    """
    import pandas as pd

    fits.require(deals, "deals", referred, won, *covariates, account)
    deals = _once(deals, "deals", ["deal_id"], [referred, won, *covariates, account])
    data = fits.prepare(deals, won, [referred, *covariates], cluster=account)
    x, y = data.x, data.y
    flag = x[referred].to_numpy()
    if not (np.isin(flag, (0, 1)).all() and np.isin(y, (0, 1)).all()):
        raise InputError(
            "influence.error_referred_won",
            "deals: '{referred}' and '{won}' must be 0 or 1",
            referred=referred,
            won=won,
        )
    rows = [
        {"measure": name, **intervals.share(y[mine] > 0, data.groups[mine], conf_level)}
        for name, mine in (("referred", flag == 1), ("others", flag == 0))
    ]
    rows.append(
        {
            "measure": "difference",
            **intervals.share_difference(y > 0, flag == 1, data.groups, conf_level),
        }
    )
    if covariates:
        # Own slopes in each group, covariates centred on the referred: what these deals would have
        # been otherwise.
        others = x.drop(columns=["constant", referred])
        centred = others - others[flag == 1].mean()
        # What never differs in a group has no slope there.
        varies = [c for c in others if all(np.ptp(others[c][flag == k]) > 0 for k in (0, 1))]
        slopes = centred[varies].mul(flag, axis=0).add_prefix("× ")
        both = pd.concat(
            [pd.DataFrame({"constant": 1.0, referred: flag}, index=x.index), centred, slopes],
            axis=1,
        )
        fits.check(both, "deals")
        rows.append(
            {
                "measure": "adjusted",
                "count": np.nan,
                "n": len(y),
                **fits.least_squares(y, both, data.groups).row(
                    referred, conf_level, data.customers - 1
                ),
            }
        )
    limits = [
        Note(
            "influence.referred_limit",
            "Those referred resemble those who refer, and better sellers get more referrals.",
        )
    ]
    if flag.sum() < 100:
        limits.append(FEW.having(n=int(flag.sum()), least=100, unit="deals"))
    if data.left_out:
        limits.append(LEFT_OUT.having(n=data.left_out))
    return Result(
        question=Note("influence.referred_question", "Are referred deals won more often?"),
        table=pd.DataFrame(rows),
        answer=_referred_answer(rows),
        method=(
            Note(
                "influence.referred_method_adjusted",
                "Shares with Wilson intervals and their difference; adjusted: covariates "
                "held equal with slopes of their own per group; the account is the sampling "
                "unit.",
            )
            if covariates
            else Note(
                "influence.referred_method", "Shares with Wilson intervals and their difference."
            )
        ),
        unit="deals",
        n=len(y),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            only={"measure": [r["measure"] for r in rows[2:]]},
            reference=0,
            points=True,
            xlabel=Note("influence.referred_axis", "Difference in the share won"),
        ),
    )


def _referred_answer(rows):
    """Return both shares and their difference, adjusted where that was asked for."""
    referred, others, difference = rows[0], rows[1], rows[-1]
    answer = REFERRED_MORE if fits.clear(difference) else REFERRED_ALIKE
    return answer.having(
        **fits.said(difference),
        measure=difference["measure"],
        share=referred["estimate"],
        others=others["estimate"],
    )


@engine.frames("deals")
@analysis
def support(
    deals: Table,
    *,
    hours: str = "reply_hours",
    won: str = "won",
    covariates: Sequence[str] = (),
    instrument: str | None = None,
    account: str = "customer_id",
    conf_level: float = 0.95,
) -> Result:
    """Are deals won more often where the first reply came sooner?

    Parameters
    ----------
    deals : DataFrame
        One row a deal; with deal_id, rows of a deal that say the same are one.
    hours, won : str
        Hours to the first reply, above 0; 0 or 1.
    covariates : list of str
        What made the deal hard or easy, known before the reply.
    instrument : str, optional
        Column that delays replies and has nothing to do with the deal, such as the length of the
        queue.
    account : str
        Column of the sampling unit.

    Returns
    -------
    Result
        measure (raw; adjusted with covariates; instrumented with an instrument), n (deals),
        estimate (change of the share won when the reply takes twice as long), std_error, conf_low,
        conf_high.

    Raises
    ------
    InputError
        For missing or constant columns, hours not above 0, or `won` other than 0 and 1.
    NotEnoughData
        With too few deals.

    Source: metric F-23 of the glossary; two-stage least squares, Wooldridge (2010), chapter 5;
    Hernán & Robins (2020), Causal Inference: What If, chapter 16.
    """
    import pandas as pd

    fits.require(deals, "deals", hours, won, *covariates, instrument, account)
    if not (deals[hours].dropna() > 0).all():
        raise InputError(
            "influence.error_hours",
            "deals: hours to the first reply must be above 0",
        )
    deals = _once(
        deals,
        "deals",
        ["deal_id"],
        [hours, won, *covariates, *([instrument] if instrument else []), account],
    )
    made = deals.assign(log2_hours=np.log2(deals[hours].astype(float)))
    data = fits.prepare(
        made,
        won,
        ["log2_hours", *covariates, *([instrument] if instrument else [])],
        cluster=account,
    )
    if not np.isin(data.y, (0, 1)).all():
        raise InputError("influence.error_won", "deals: '{won}' must be 0 or 1", won=won)
    x = data.x.drop(columns=instrument) if instrument else data.x
    rows, limits = (
        [],
        [
            Note(
                "influence.support_limit",
                "Hard deals wait longer and are lost more often: without adjustment support "
                "looks better than it is.",
            )
        ],
    )
    models = [
        ("raw", fits.least_squares(data.y, x[["constant", "log2_hours"]], data.groups)),
        *([("adjusted", fits.least_squares(data.y, x, data.groups))] if covariates else []),
    ]
    weak = False
    if instrument:
        two = fits.two_stage(data.y, x, "log2_hours", data.x[[instrument]], data.groups)
        models.append(("instrumented", two))
        limits.append(
            Note(
                "influence.support_instrument",
                "First-stage F = {f:3}; the instrument may affect the deal through the reply only.",
                f=two.first_f,
            )
        )
        weak = two.first_f < LEAST_F
        if weak:
            limits.insert(
                0,
                WEAK.having(f=two.first_f),
            )
    for measure, fit in models:
        rows.append(
            {
                "measure": measure,
                "n": len(data.y),
                **fit.row("log2_hours", conf_level, data.customers - 1),
            }
        )
    if len(data.y) < 100:
        limits.append(FEW.having(n=len(data.y), least=100, unit="deals"))
    if data.left_out:
        limits.append(LEFT_OUT.having(n=data.left_out))
    return Result(
        question=Note(
            "influence.support_question",
            "Are deals won more often when the first reply comes sooner?",
        ),
        table=grades.graded(pd.DataFrame(rows), weak),
        answer=_support_answer(rows, weak),
        method=(
            Note(
                "influence.support_method_iv",
                "Linear probability of winning by the logarithm of hours, per doubling: "
                "unadjusted, adjusted for what was measured, and by the instrument alone "
                "(two-stage least squares); the account is the sampling unit.",
            )
            if instrument
            else Note(
                "influence.support_method",
                "Linear probability of winning by the logarithm of hours, per doubling; the "
                "account is the sampling unit.",
            )
        ),
        unit="deals",
        n=len(data.y),
        conf_level=conf_level,
        evidence=grades.INSTRUMENT if instrument and not weak else "associational",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            reference=0,
            points=True,
            xlabel=Note(
                "influence.support_axis",
                "Change of the share won when the first reply takes twice as long, "
                "percentage points",
            ),
        ),
    )


def _support_answer(rows, weak):
    """Return the last comparison, or the one before where the instrument is weak."""
    row = rows[-2] if weak else rows[-1]
    answer = SLOWER if fits.clear(row) else SLOWER_ALIKE
    return answer.having(**fits.said(row), measure=row["measure"])
