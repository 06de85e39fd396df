"""Where people live and where they buy: distance decay, catchment, and the pull of stores."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from workbench import discrete_choice, engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW, LEFT_OUT
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats import likelihoods
from workbench.stats.choices import probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

PLACE_LIMIT = Note(
    "influence.place_limit",
    "People also choose where to live, and competitors outside the data draw "
    "customers at the edge.",
)
HUFF_ANSWER = Note(
    "influence.huff_answer",
    "The choice of a store goes with its nearness by a power of {estimate:3} "
    "({low:3} to {high:3}) and with its size by a power of {size:3} ({size_low:3} "
    "to {size_high:3}; {n} trips).",
)


@engine.frames("table")
@analysis
def distance_decay(
    table: Table,
    *,
    distance: str = "distance_km",
    bought: str = "bought",
    region: str | None = None,
    edges: Sequence[float] = (0, 1, 2, 5, 10, 20, 50),
    share: float = 0.8,
    conf_level: float = 0.95,
) -> Result:
    """How does the share who buy fall with the distance, and within which radius do most customers
    live?

    Parameters
    ----------
    table : DataFrame
        One row a person or household within reach, buyer or not.
    distance, bought : str
        Kilometres; 0 or 1.
    region : str, optional
        Column of the region, the sampling unit; None: every person.
    edges : sequence of float
        Borders of the distance bands.
    share : float
        Of the customers, for the catchment.

    Returns
    -------
    Result
        band, count, n (people), estimate (share who buy), std_error, conf_low, conf_high. The decay
        (how many times the odds at twice the distance; influence.decay_answer) and the catchment
        (influence.catchment) stand in `.facts`.

    Raises
    ------
    InputError
        For missing columns or negative distances.
    NotEnoughData
        Without buyers.

    Source: Huff (1964), Journal of Marketing 28, for catchments; logit of the logarithm of
    distance.
    """
    import pandas as pd

    fits.require(table, "table", distance, bought, region)
    rows = table.dropna(subset=[distance, bought, *([region] if region else [])])
    km, hit = rows[distance].to_numpy(float), rows[bought].to_numpy(float) > 0
    if (km < 0).any():
        raise InputError("influence.error_distances", "table: distances must not be negative")
    if not hit.any():
        raise NotEnoughData("influence.error_nobody_bought", "distance_decay: nobody bought")
    who = (
        np.unique(rows[region].astype(str), return_inverse=True)[1]
        if region
        else np.arange(len(rows))
    )
    bands, edges = [], [*edges, np.inf]
    for a, b in pairwise(edges):
        mine = (km >= a) & (km < b)
        if mine.any():
            bands.append(
                {
                    "band": _band(a, b),
                    **intervals.share(hit[mine], who[mine], conf_level),
                }
            )
    data = fits.Data(
        hit.astype(float),
        pd.DataFrame({"constant": 1.0, "log2_km": np.log2(np.maximum(km, 0.1))}),
        who,
        0,
        rows.index,
    )
    made = fits.fit(data, "logit")
    low, high = intervals.normal(made.params["log2_km"], made.bse["log2_km"], conf_level)
    radius = intervals.quantile(km[hit], who[hit], share, conf_level)
    answer = Note(
        "influence.decay_answer",
        "At twice the distance the odds of buying are {times:3} times as high ({low:3} "
        "to {high:3}; {n} people).",
        n=len(rows),
        times=float(np.exp(made.params["log2_km"])),
        low=float(np.exp(low)),
        high=float(np.exp(high)),
    )
    limits = (
        Note(
            "influence.catchment",
            "{share:%0} of the customers live within {km:3} km ({low:3} to {high:3}).",
            share=share,
            km=radius["estimate"],
            low=radius["conf_low"],
            high=radius["conf_high"],
        ),
        PLACE_LIMIT,
        *([LEFT_OUT.having(n=len(table) - len(rows))] if len(rows) < len(table) else []),
    )
    return Result(
        question=Note(
            "influence.decay_question", "How does the share of buyers fall with distance?"
        ),
        table=pd.DataFrame(bands),
        answer=answer,
        method=Note(
            "influence.decay_method",
            "Share of buyers per distance band (Wilson); logit on the logarithm of distance.",
        ),
        unit="people",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=limits,
        model=made,
        chart=Points(
            label=["band"], percent=True, xlabel=Note("influence.decay_axis", "Share of buyers")
        ),
    )


def _band(low, high):
    """Return the name of a distance band, the same in every language."""
    return f"{low:g}–{high:g} km" if np.isfinite(high) else f"{low:g}+ km"


@engine.frames("trips")
@analysis
def huff(
    trips: Table,
    *,
    distance: str = "distance_km",
    size: str = "size",
    penalty: str | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How strongly do size and nearness pull people to a store, and which share does each store
    draw?

    The chance of a store is its size to the power of one number over its distance to the power of
    another, divided by the sum of the same of all stores.

    Parameters
    ----------
    trips : table with choice_id, customer_id, alternative (the store), chosen, and the two columns
        One row a trip and store within reach.
    distance, size : str
        Kilometres and floor space, or anything above 0.
    penalty : str, optional
        "firth": the penalised estimate, which exists for every table; every trip is then a unit of
        its own. None: maximum likelihood.

    Returns
    -------
    Result
        term (size, distance, or "share: STORE"), n (trips), estimate (the power; the share
        predicted), std_error, conf_low, conf_high. The customer is the sampling unit. Where size or
        nearness decides every trip, no finite estimate exists: it is missing, the shares with it,
        and `.limits` name it.

    Raises
    ------
    InputError
        For sizes or distances not above 0, stores all of one size, and as a choice model.
    NotEnoughData
        With fewer than two customers.

    Source: Huff (1964), Journal of Marketing 28; estimation as a logit of logarithms: McFadden
    (1974).
    """
    import pandas as pd

    fits.require(
        trips, "trips", "choice_id", "customer_id", "alternative", "chosen", distance, size
    )
    frame = discrete_choice.frame(trips)
    if not (frame[[distance, size]] > 0).all(axis=None):
        raise InputError(
            "influence.error_trips",
            "trips: sizes and distances must be above 0",
        )
    logs = frame.assign(
        size=np.log(frame[size].astype(float)), distance=-np.log(frame[distance].astype(float))
    )
    d = discrete_choice.lay_out(logs, ("size", "distance"), False)
    discrete_choice.check(d)
    people, g = d.groups()
    made = discrete_choice.estimated(d, people, penalty=penalty, conf_level=conf_level)
    share, se = likelihoods.delta(
        lambda b: probabilities(d.x @ b, d.available).mean(axis=0), made.params, made.cov
    )
    table = _powers(d, made, share, se, conf_level)
    gone = [t for t, v in zip(d.terms, made.params, strict=True) if np.isnan(v)]
    limits = [
        *([discrete_choice.WITHHELD.having(terms=gone)] if gone else []),
        Note("influence.huff_limit", "Size stands for everything that makes a store attractive."),
        PLACE_LIMIT,
    ]
    if g < 300 or len(d.names) < 3:
        limits.append(FEW.having(n=g, least=300, unit="customers"))
    return Result(
        question=Note(
            "influence.huff_question",
            "How strongly are store choices associated with size and nearness?",
        ),
        table=table,
        answer=_huff_answer(table),
        method=Note(
            "influence.huff_method",
            "Huff's model, estimated as a logit on logarithms; the customer is the sampling unit.",
        ),
        unit="trips",
        n=len(d.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=pd.Series(made.params, ["size", "distance"]),
        chart=Points(
            label=["term"],
            only={"term": ["size", "distance"]},
            reference=0,
            xlabel=Note("influence.huff_axis", "Exponent of size and of nearness"),
        ),
    )


HUFF_UNKNOWN = Note(
    "influence.huff_unknown",
    "How strongly size and nearness pull cannot be estimated: they decide every trip, so no finite "
    "estimate exists.",
)


def _powers(d, made, share, se, conf_level):
    """Return the powers and the shares predicted as a table."""
    import pandas as pd

    table = pd.DataFrame(
        {
            "term": ["size", "distance", *(f"share: {s}" for s in d.names)],
            "n": len(d.chosen),
            "estimate": [*made.params, *share],
            "std_error": [*np.sqrt(np.diag(made.cov)), *se],
        }
    )
    table["conf_low"], table["conf_high"] = intervals.normal(
        table["estimate"], table["std_error"], conf_level
    )
    return table


def _huff_answer(table):
    """Return the powers of nearness and of size."""
    rows = table.set_index("term")
    size = rows.loc["size"]
    if np.isnan(size["estimate"]) or np.isnan(rows.loc["distance", "estimate"]):
        return HUFF_UNKNOWN
    return HUFF_ANSWER.having(
        **fits.said(rows.loc["distance"]),
        size=size["estimate"],
        size_low=size["conf_low"],
        size_high=size["conf_high"],
    )
