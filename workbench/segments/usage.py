"""Heavy, medium and low users: who makes up how much of the whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.segments import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST = 30
BANDS = ("heavy", "medium", "low", "non_user")
CUTS = {"thirds": (1 / 3, 2 / 3), "20_30": (0.2, 0.5)}
ANSWER = Note(
    "segments.usage_answer",
    "{share:%} of customers are heavy users ({low:%} to {high:%}; {count} of {n}) and make up "
    "{volume:%} of {what} ({volume_low:%} to {volume_high:%}).",
)


@engine.frames("customers")
@analysis
def usage(
    customers: Table,
    *,
    volume: str = "orders",
    bands: str = "thirds",
    beside: Sequence[str] = (),
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Who uses much, some and little, and how much of the whole is theirs?

    Parameters
    ----------
    customers : table with customer_id and the volume, a row a customer
        Such as that of `behaviour`.
    volume : str
        How much they use; 0 is a non-user.
    bands : str
        "thirds": heavy users make up the first third of all volume, beginning with the heaviest,
        medium users the second, low users the rest; "20_30": the top 20 % of users, the next 30 %
        and the rest.
    beside : list of str
        Numbers, or 0 and 1, to be set beside the bands, such as satisfaction or correct use: using
        much is neither.
    draws, seed : int
        Bootstrap samples for the cuts.
    conf_level : float

    Returns
    -------
    Result
        usage (heavy, medium, low, non_user), measure (customers: share of all; volume: share of all
        volume; a column beside: its mean), count, n, estimate, std_error, conf_low, conf_high,
        total. The volumes at the cuts stand in `.facts` (segments.usage_cuts).
        `members(usage="heavy")` gives the customers.

    Raises
    ------
    InputError
        For a volume below 0, an unknown kind of bands, or a column without numbers.
    NotEnoughData
        With fewer than 30 users.

    Source: Twedt (1964), Journal of Marketing 28.

    Examples
    --------
    >>> import pandas as pd
    >>> shop = pd.DataFrame({"customer_id": range(40), "orders": [10] * 6 + [1] * 34})
    >>> usage(shop, draws=100).members(usage="heavy")
    Segment('heavy', as_of=None, 6 customers)
    """
    if bands not in CUTS:
        raise _unknown_bands(bands)
    beside = [beside] if isinstance(beside, str) else list(beside)
    rows, left_out = people.whole(customers, [volume])
    people.whole(customers, [*beside])
    used = rows[volume].to_numpy(float)
    if (used < 0).any():
        raise InputError(
            "segments.error_volume",
            "customers: '{column}' must not be below {floor}; {n} values are",
            column=volume,
            floor=0,
            n=int((used < 0).sum()),
        )
    people.enough("usage", int((used > 0).sum()), LEAST)
    cuts = _cuts(used[used > 0], bands)
    band = _banded(used, cuts)
    table = _table(rows, used, band, beside, conf_level)
    return Result(
        question=Note("segments.usage_question", "Who uses much, some and little?"),
        table=table,
        answer=_answer(table, volume),
        method=Note(
            "segments.usage_method",
            "Users in bands of their volume; shares of customers with Wilson intervals, shares of "
            "the volume as ratios over customers; cuts with bootstrap intervals ({draws} samples).",
            draws=draws,
        ),
        unit="customers",
        n=len(rows),
        conf_level=conf_level,
        limits=(
            _said_cuts(np.sort(used), bands, draws, seed, conf_level),
            *left_out,
            people.of_basis("use"),
            Note(
                "segments.usage_limit",
                "Using much is not the same as being satisfied, nor as using it well; bands of one "
                "period mix people with chance, and some change band by it alone.",
            ),
        ),
        people=rows[["customer_id"]].assign(usage=band),
        chart=Points(
            label=["usage"],
            group="measure",
            only={"measure": ["customers", "volume"]},
            percent=True,
            xlabel=Note("segments.usage_axis", "Share of customers and of volume"),
        ),
    )


def _unknown_bands(bands):
    from workbench.errors import unknown

    return unknown("bands", "option", bands, CUTS)


def _cuts(used, bands):
    """Return the least volume of a heavy and of a medium user."""
    down = -np.sort(-used)
    share = np.cumsum(down) / down.sum() if bands == "thirds" else np.arange(1, len(down) + 1)
    share = share if bands == "thirds" else share / len(down)
    places = [int(np.searchsorted(share, cut - 1e-12)) for cut in CUTS[bands]]
    return tuple(float(down[min(place, len(down) - 1)]) for place in places)


def _banded(used, cuts):
    """Return the band of every volume; of equal volumes all are in the higher band."""
    return np.select([used >= cuts[0], used >= cuts[1], used > 0], BANDS[:3], BANDS[3])


def _table(rows, used, band, beside, conf_level):
    """Return the share of customers and volume of every band, and what is set beside it."""
    out, each = [], np.arange(len(rows))
    for name in [b for b in BANDS if (band == b).any()]:
        inside = band == name
        size = intervals.share(inside, each, conf_level)
        out.append({"usage": name, "measure": "customers", **size})
        if name != "non_user":
            estimate, error, low, high = intervals.ratio(used * inside, used, conf_level)
            out.append(
                {
                    "usage": name,
                    "measure": "volume",
                    "n": len(rows),
                    "estimate": estimate,
                    "std_error": error,
                    "conf_low": low,
                    "conf_high": min(high, 1.0),
                    "used": float(used[inside].sum()),
                }
            )
        for column in beside:
            values = rows.loc[inside, column].dropna().to_numpy(float)
            if len(values):
                mean = intervals.mean(values, np.arange(len(values)), conf_level)
                out.append({"usage": name, "measure": column, **mean})
    return tidy(out)


def _answer(table, volume):
    heavy = table[table["usage"] == "heavy"].set_index("measure")
    size, part = heavy.loc["customers"], heavy.loc["volume"]
    return ANSWER.having(
        share=size["estimate"],
        low=size["conf_low"],
        high=size["conf_high"],
        count=int(size["count"]),
        n=int(size["n"]),
        volume=part["estimate"],
        volume_low=part["conf_low"],
        volume_high=part["conf_high"],
        what=volume,
    )


def _said_cuts(used, bands, draws, seed, conf_level):
    """Return the sentence on the cuts and how sure they are."""
    users, rng = used[used > 0], np.random.default_rng(seed)
    drawn = np.array([_cuts(rng.choice(users, len(users)), bands) for _ in range(draws)])
    tail = (1 - conf_level) / 2
    (low, under), (high, over) = np.quantile(drawn, [tail, 1 - tail], axis=0)
    heavy, medium = _cuts(users, bands)
    return Note(
        "segments.usage_cuts",
        "A heavy user has {heavy:3} or more ({low:3} to {high:3}), a medium user {medium:3} or "
        "more ({under:3} to {over:3}).",
        heavy=heavy,
        low=float(low),
        high=float(high),
        medium=medium,
        under=float(under),
        over=float(over),
    )
