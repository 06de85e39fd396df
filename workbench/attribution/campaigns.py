"""Which advert works best, once chance is taken out of the ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.types import Table

FEW_IMPRESSIONS, FEW_CONVERSIONS = 1000, 20  # below these an advert's rates say little
CAMPAIGN_LIMIT = Note(
    "attribution.campaign_limit",
    "The best of many looks better than it is: read the rate drawn towards the mean. "
    "Adverts reach different people, so this ranks results, not effects.",
)
CAMPAIGN_QUESTION = Note(
    "attribution.campaign_question",
    "Which advert performs best, once chance is taken out of the ranking?",
)
CAMPAIGN_METHOD = Note(
    "attribution.campaign_method",
    "Wilson and Poisson intervals; rates drawn towards their mean by a beta-binomial model.",
)


@engine.frames("table")
@analysis
def campaigns(
    table: Table, *, draws: int = 4000, seed: int = 1, conf_level: float = 0.95
) -> Result:
    """Which advert works best, once luck is taken out of the ranking?

    Parameters
    ----------
    table : DataFrame
        One row an advert: campaign, impressions, clicks, conversions, and optionally cost and
        revenue.
    draws, seed : int
        Of the chances to be best.

    Returns
    -------
    Result
        campaign, measure, count, amount, n, estimate, std_error, conf_low, conf_high, shrunken,
        best. Measures: click_rate (clicks over impressions), conversion_rate (conversions over
        clicks), cost_per_conversion, return_on_cost (without an interval: the sizes of single
        orders are not known). `shrunken` draws the rates towards the mean of all adverts by as much
        as their own numbers are few, `best` is the chance that it has the highest rate.

    Raises
    ------
    InputError
        For missing columns, negative numbers or more clicks than impressions.
    NotEnoughData
        With fewer than two adverts.

    Source: beta-binomial model, method of moments: Kleinman (1973), JASA 68; Farris et al. (2020),
    Marketing Metrics, for the ratios.
    """
    import pandas as pd

    fits.require(table, "table", "campaign", "impressions", "clicks", "conversions")
    made = table.groupby("campaign", sort=True)[
        [c for c in ("impressions", "clicks", "conversions", "cost", "revenue") if c in table]
    ].sum()
    if (
        (made < 0).any(axis=None)
        or (made["clicks"] > made["impressions"]).any()
        or (made["conversions"] > made["clicks"]).any()
    ):
        raise InputError(
            "attribution.error_advert_numbers",
            "table: numbers must not be negative, nor clicks exceed impressions, nor "
            "conversions exceed clicks",
        )
    if len(made) < 2:
        raise NotEnoughData(
            "attribution.error_too_few_adverts",
            "campaigns: at least {least} adverts are needed for a ranking",
            least=2,
        )
    rng, rows, few = np.random.default_rng(seed), [], []
    for measure, y, x in (
        ("click_rate", "clicks", "impressions"),
        ("conversion_rate", "conversions", "clicks"),
    ):
        count, n = made[y].to_numpy(float), made[x].to_numpy(float)
        low, high = intervals.wilson(count, n, conf_level)
        if not n.any():  # nobody was there to convert: nothing to rank
            a = b = np.nan
            best = np.full(len(n), np.nan)
        else:
            a, b = _beta(count, n)
            best = (
                np.bincount(
                    rng.beta(a + count, b + n - count, (draws, len(n))).argmax(axis=1),
                    minlength=len(n),
                )
                / draws
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = count / n
        rows += [
            {
                "campaign": c,
                "measure": measure,
                "count": count[i],
                "n": int(n[i]),
                "estimate": rate[i],
                "std_error": np.sqrt(rate[i] * (1 - rate[i]) / n[i]) if n[i] else np.nan,
                "conf_low": low[i],
                "conf_high": high[i],
                "shrunken": (a + count[i]) / (a + b + n[i]),
                "best": best[i],
            }
            for i, c in enumerate(made.index)
        ]
    few = made.index[
        (made["impressions"] < FEW_IMPRESSIONS) | (made["conversions"] < FEW_CONVERSIONS)
    ].tolist()
    if "cost" in made:
        low, high = intervals.garwood(made["conversions"], conf_level=conf_level)
        for i, (c, row) in enumerate(made.iterrows()):
            k = row["conversions"]
            rows.append(
                {
                    "campaign": c,
                    "measure": "cost_per_conversion",
                    "amount": row["cost"],
                    "n": int(k),
                    "estimate": row["cost"] / k if k else np.nan,
                    "std_error": row["cost"] / k**1.5 if k else np.nan,
                    "conf_low": row["cost"] / high[i] if k else np.nan,
                    "conf_high": row["cost"] / low[i] if k else np.nan,
                    "shrunken": np.nan,
                    "best": np.nan,
                }
            )
            if "revenue" in made and row["cost"] > 0:
                # How much orders differ in size is not in the table, so there is no interval to
                # give.
                rows.append(
                    {
                        "campaign": c,
                        "measure": "return_on_cost",
                        "amount": row["revenue"],
                        "n": int(k),
                        "estimate": row["revenue"] / row["cost"],
                        "std_error": np.nan,
                        "conf_low": np.nan,
                        "conf_high": np.nan,
                        "shrunken": np.nan,
                        "best": np.nan,
                    }
                )
    limits = [CAMPAIGN_LIMIT]
    if few:
        limits.append(
            Note(
                "attribution.campaign_few",
                "{n} advert has fewer than {impressions} impressions or {conversions} "
                "conversions: {names:text}.",
                "{n} adverts have fewer than {impressions} impressions or {conversions} "
                "conversions, among them {names:text}.",
                n=len(few),
                impressions=FEW_IMPRESSIONS,
                conversions=FEW_CONVERSIONS,
                names=list(map(str, few[:8])),
            )
        )
    return Result(
        question=CAMPAIGN_QUESTION,
        table=tidy(rows),
        method=CAMPAIGN_METHOD,
        answer=_campaign_answer(pd.DataFrame(rows), conf_level),
        unit="conversions",
        n=int(made["conversions"].sum()),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["campaign"],
            only={"measure": "conversion_rate"},
            percent=True,
            xlabel=Note("attribution.campaign_axis", "Conversions per click"),
        ),
    )


def _campaign_answer(table, conf_level):
    """Return the advert most likely to have the highest conversion rate."""
    rows = table[table["measure"] == "conversion_rate"].assign(
        name=lambda d: d["campaign"].astype(str)
    )
    row = rows.sort_values(["best", "name"], ascending=[False, True]).iloc[0]
    values = {
        "campaign": row["name"],
        "chance": row["best"],
        "rate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": row["count"],
        "n": row["n"],
    }
    if row["best"] >= conf_level:
        return Note(
            "attribution.campaign_answer",
            "{campaign:text} has the highest conversion rate (probability {chance:%0}): {rate:%2} "
            "of its clicks ({low:%2} to {high:%2}; {count} of {n}).",
            **values,
        )
    return Note(
        "attribution.campaign_unclear",
        "No advert clearly has the highest conversion rate; the likeliest is {campaign:text} "
        "(probability {chance:%0}) with {rate:%2} of its clicks ({low:%2} to {high:%2}; {count} of "
        "{n}).",
        **values,
    )


def _beta(count, n):
    """Return the two weights of the beta distribution of rates between adverts, by moments."""
    keep = n > 0
    p, w = count[keep] / n[keep], n[keep]
    mean = count.sum() / n.sum() if n.sum() else 0.5
    mean = min(max(mean, 1e-6), 1 - 1e-6)
    k = len(p)
    between = (w * (p - mean) ** 2).sum()
    noise = mean * (1 - mean)
    free = w.sum() - (w**2).sum() / w.sum() - (k - 1) if k else 0.0
    phi = (between - noise * (k - 1)) / (noise * free) if free > 0 else 0.0
    phi = min(max(phi, 1e-5), 0.99)
    total = 1 / phi - 1
    return mean * total, (1 - mean) * total
