"""Where people live and where they buy: distance decay, catchment, and the pull of stores."""

from itertools import pairwise

import numpy as np

from workbench import discrete, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.results import Result, analysis
from workbench.texts import number, percent, t


@analysis
def distance_decay(
    table,
    *,
    distance="distance_km",
    bought="bought",
    region=None,
    edges=(0, 1, 2, 5, 10, 20, 50),
    share=0.8,
    conf_level=0.95,
):
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
        (how many times lower the odds at twice the distance) and the catchment stand in `.limits`.

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
        raise InputError("table: distances must not be negative")
    if not hit.any():
        raise NotEnoughData("distance_decay: nobody bought")
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
                    "band": f"{number(a)}–{number(b)} km" if np.isfinite(b) else f"{number(a)}+ km",
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
    limits = (
        t(
            "influence.decay",
            times=number(float(np.exp(made.params["log2_km"])), 3),
            low=number(float(np.exp(low)), 3),
            high=number(float(np.exp(high)), 3),
        ),
        t(
            "influence.catchment",
            share=percent(share, 0),
            km=number(radius["estimate"], 3),
            low=number(radius["conf_low"], 3),
            high=number(radius["conf_high"], 3),
        ),
        t("influence.place_limit"),
        *(
            [t("drivers.left_out", n=number(len(table) - len(rows)))]
            if len(rows) < len(table)
            else []
        ),
    )
    return Result(
        question=t("influence.decay_question"),
        table=pd.DataFrame(bands),
        method=t("influence.decay_method"),
        unit="people",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=limits,
        model=made,
        chart={
            "kind": "points",
            "label": ["band"],
            "percent": True,
            "xlabel": t("influence.decay_axis"),
        },
    )


@analysis
def huff(trips, *, distance="distance_km", size="size", conf_level=0.95):
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

    Returns
    -------
    Result
        term (size, distance, or "share: STORE"), n (trips), estimate (the power; the share
        predicted), std_error, conf_low, conf_high. The customer is the sampling unit.

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
    frame = discrete.frame(trips)
    if not (frame[[distance, size]] > 0).all(axis=None):
        raise InputError("trips: sizes and distances must be above 0")
    logs = frame.assign(
        size=np.log(frame[size].astype(float)), distance=-np.log(frame[distance].astype(float))
    )
    d = discrete.lay_out(logs, ("size", "distance"), False)
    discrete.check(d, False)
    beta, p, _, _ = discrete.newton(d)
    cov, g = discrete.covariance(d, p), d.groups()[1]
    share, se = discrete.delta(
        lambda b: discrete.probabilities(d.x @ b, d.available).mean(axis=0), beta, cov
    )
    table = pd.DataFrame(
        {
            "term": ["size", "distance", *(f"share: {s}" for s in d.names)],
            "n": len(d.chosen),
            "estimate": [*beta, *share],
            "std_error": [*np.sqrt(np.diag(cov)), *se],
        }
    )
    table["conf_low"], table["conf_high"] = intervals.normal(
        table["estimate"], table["std_error"], conf_level
    )
    limits = [t("influence.huff_limit"), t("influence.place_limit")]
    if g < 300 or len(d.names) < 3:
        limits.append(t("drivers.few", n=number(g), least=number(300)))
    return Result(
        question=t("influence.huff_question"),
        table=table,
        method=t("influence.huff_method"),
        unit="trips",
        n=len(d.chosen),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=pd.Series(beta, ["size", "distance"]),
        chart={
            "kind": "points",
            "label": ["term"],
            "only": {"term": ["size", "distance"]},
            "reference": 0,
            "xlabel": t("influence.huff_axis"),
        },
    )
