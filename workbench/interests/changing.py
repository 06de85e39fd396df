"""Did interests change, and are those that were inferred the ones that people name?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import NotEnoughData, need_columns
from workbench.interests import acts as reading
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import affinity as estimators

if TYPE_CHECKING:
    from workbench.types import Moment, Table

LEVEL, FEWEST = 0.05, 30
_CELLS = """
  SELECT customer, topic, CAST(sum(CASE WHEN t < :cut THEN 1 ELSE 0 END) AS BIGINT) AS before,
    CAST(sum(CASE WHEN t < :cut THEN 0 ELSE 1 END) AS BIGINT) AS after
  FROM v GROUP BY customer, topic ORDER BY customer, topic"""


@engine.tables("acts")
@analysis
def drift(
    acts: object,
    *,
    topic: str = "category",
    at: Moment | None = None,
    least: int = 20,
    until: Moment | None = None,
    zone: str = "UTC",
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Did the interests of customers change, by more than few acts would make it seem?

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the topic
    topic : str
        Column that holds it.
    at : moment, optional
        Where the first period ends; None: halfway.
    least : int
        Acts a customer must have in each period.
    until : moment, optional
    zone : str
    seed : int
        Of the exchanges of acts between the periods.
    conf_level : float

    Returns
    -------
    Result
        measure, count, n (customers), estimate, std_error, conf_low, conf_high. Measures: changed
        (customers whose profile changed by more than chance, at 5 %; count and Wilson interval);
        profile_distance (mean Jensen–Shannon distance of the two periods), chance_distance (the
        same where acts are exchanged between them), excess_distance (the one less the other), and
        new_topic_share (of the topics of the second period, those that are new).

    Raises
    ------
    InputError
        For a missing column.
    NotEnoughData
        Where fewer than thirty customers have so many acts in both periods.

    Source: Lin (1991), IEEE Transactions on Information Theory 37; permutation test.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [k // 40 for k in range(1600)],
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC")
    ...     + pd.to_timedelta([k % 40 for k in range(1600)], "D"),
    ...     "category": ["tea" if k % 40 < 20 else "milk" for k in range(1600)]})
    >>> drift(acts).table[["measure", "count", "n"]].head(1).values.tolist()
    [['changed', 40.0, 40]]
    """
    seen = reading.read(acts, topic, zone=zone, until=until)
    cut = seen.start + (seen.end - seen.start) // 2 + 1
    if at is not None:
        cut = schemas.moment("at", at, zone) + 1
    first, second = _profiles(seen.view, cut, least)
    result = estimators.drifted(first, second, seed=seed)
    rows = _rows(result, first, second, conf_level)
    changed = rows[0]
    return Result(
        question=Note("interests.drift_question", "Did the interests of customers change?"),
        table=tidy(rows),
        answer=Note(
            "interests.drift_answer",
            "{estimate:%} of customers changed more than chance allows ({low:%} to {high:%}; "
            "{count} of {n}); without any change it would be {level:%0}.",
            estimate=changed["estimate"],
            low=changed["conf_low"],
            high=changed["conf_high"],
            count=changed["count"],
            n=changed["n"],
            level=LEVEL,
        ),
        method=Note(
            "interests.drift_method",
            "Profiles of customers before and after {day:date}, held against those of their own "
            "acts exchanged between the two; customers with {least} acts or more in each.",
            day=_date(cut, zone),
            least=least,
        ),
        unit="customers",
        n=len(first),
        conf_level=conf_level,
        limits=(*seen.limits, SEASON, reading.SEEN),
        chart=Points(
            label=["measure"],
            only={"measure": ["profile_distance", "chance_distance"]},
            xlabel=Note("interests.drift_axis", "Distance of the two profiles"),
        ),
    )


SEASON = Note(
    "interests.season",
    "Another season, another offer or another place in life all look the same here: a change of "
    "what was done.",
)


def _date(micros, zone):
    """Return a moment as the day it falls on."""
    import pandas as pd

    return pd.Timestamp(int(micros), unit="us", tz="UTC").tz_convert(zone).date()


def _profiles(view, cut, least):
    """Return the acts of customers in both periods by topic, in the order of their content."""
    cells = engine.run(_CELLS, values={"cut": int(cut)}, v=view)
    person = cells["customer"].factorize()[0]
    code = engine.written(cells["topic"]).factorize(sort=True)[0]
    shape = (int(person.max()) + 1, int(code.max()) + 1)
    first, second = np.zeros(shape, int), np.zeros(shape, int)
    first[person, code], second[person, code] = cells["before"], cells["after"]
    keep = (first.sum(axis=1) >= least) & (second.sum(axis=1) >= least)
    if keep.sum() < FEWEST:
        raise NotEnoughData(
            "interests.error_few_both",
            "drift: {n} customers have {least} acts or more in both periods; {needed} are needed",
            n=int(keep.sum()),
            least=least,
            needed=FEWEST,
        )
    both = np.hstack([first[keep], second[keep]])
    both = both[np.lexsort(both.T)]
    return both[:, : shape[1]], both[:, shape[1] :]


def _rows(result, first, second, conf_level):
    """Return the rows of the table."""
    n = len(first)
    count = int((result.p_value <= LEVEL).sum())
    low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
    rows = [
        {
            "measure": "changed",
            "count": count,
            "n": n,
            "estimate": count / n,
            "std_error": np.nan,
            "conf_low": low,
            "conf_high": high,
        }
    ]
    ones = np.ones(n)
    new = ((second > 0) & (first == 0)).sum(axis=1)
    for name, above, below in (
        ("profile_distance", result.estimate, ones),
        ("chance_distance", result.expected, ones),
        ("excess_distance", result.estimate - result.expected, ones),
        ("new_topic_share", new, (second > 0).sum(axis=1)),
    ):
        estimate, error, low, high = intervals.ratio(above, below, conf_level)
        rows.append(
            {
                "measure": name,
                "count": np.nan,
                "n": n,
                "estimate": estimate,
                "std_error": error,
                "conf_low": low,
                "conf_high": high,
            }
        )
    return rows


@engine.frames("leanings", "stated")
@analysis
def against_stated(
    leanings: object,
    stated: Table,
    *,
    topic: str = "category",
    conf_level: float = 0.95,
) -> Result:
    """Are the interests that were inferred those that people name when they are asked?

    Parameters
    ----------
    leanings : table of `profiles`
        customer_id, the topic, and clear.
    stated : table with customer_id and the topic
        A row an interest that somebody named. Customers who named none are not judged.
    topic : str
        Column that holds it, in both tables.
    conf_level : float

    Returns
    -------
    Result
        measure, count, n (interests), estimate, std_error, conf_low, conf_high; customers are the
        sampling unit. Measures: precision (of the inferred, those that are named), recall (of the
        named, those that are inferred), named_by_chance (of everything a customer did, what is
        named: the precision of inferring it all).

    Raises
    ------
    InputError
        For a missing column.
    NotEnoughData
        Where fewer than thirty customers are in both tables.

    Source: Manning, Raghavan & Schütze (2008), Introduction to Information Retrieval, ch. 8; ratios
    over customers: Deng, Knoblich & Lu (2018), KDD.

    Examples
    --------
    >>> import pandas as pd
    >>> leanings = pd.DataFrame({"customer_id": range(40), "category": "tea", "clear": True})
    >>> stated = leanings.assign(category=["tea"] * 30 + ["milk"] * 10)
    >>> against_stated(leanings, stated).table[["measure", "count", "n"]].head(1).values.tolist()
    [['precision', 30, 40]]
    """
    need_columns("leanings", leanings.columns, "customer_id", topic, "clear")
    need_columns("stated", stated.columns, "customer_id", topic)
    did, said = (_pairs(table, topic) for table in (leanings, stated))
    clear = leanings["clear"].fillna(False).astype(bool).to_numpy()
    clear = set(zip(*_pairs(leanings[clear], topic), strict=True))
    both = sorted(set(did[0]) & set(said[0]))
    if len(both) < FEWEST:
        raise NotEnoughData(
            "interests.error_few_asked",
            "against_stated: {n} customers are in both tables; {least} are needed",
            n=len(both),
            least=FEWEST,
        )
    did, said = (set(zip(*pairs, strict=True)) for pairs in (did, said))
    place = {name: i for i, name in enumerate(both)}
    rows = [
        _share(name, part, of, place, conf_level)
        for name, part, of in (
            ("precision", clear & said, clear),
            ("recall", clear & said, said),
            ("named_by_chance", did & said, did),
        )
    ]
    first, _, chance = rows
    return Result(
        question=STATED,
        table=tidy(rows),
        answer=Note(
            "interests.stated_answer",
            "{estimate:%} of the inferred interests are named when people are asked ({low:%} to "
            "{high:%}; {count} of {n} interests), against {chance:%} of everything they did.",
            estimate=first["estimate"],
            low=first["conf_low"],
            high=first["conf_high"],
            count=first["count"],
            n=first["n"],
            chance=chance["estimate"],
        ),
        method=Note(
            "interests.stated_method",
            "Clear leanings of {people} customers held against what they named; customers are the "
            "sampling unit.",
            people=len(both),
        ),
        unit="customers",
        n=len(both),
        conf_level=conf_level,
        limits=(ASKED,),
        chart=Points(label=["measure"], percent=True, xlabel=STATED_AXIS),
    )


STATED_AXIS = Note("interests.stated_axis", "Share of the interests")
STATED = Note("interests.stated_question", "Are inferred interests those that people name?")
ASKED = Note(
    "interests.asked",
    "People name what they would like to like as well, and not what they are ashamed of: what is "
    "named is another measure, not the truth.",
)


def _pairs(table, topic):
    """Return the customers and topics of a table as they are written, without gaps."""
    known = table.dropna(subset=["customer_id", topic])
    who = engine.written(known["customer_id"]).to_numpy(str)
    return who, known[topic].map(names.written).to_numpy(str)


def _share(name, part, of, place, conf_level):
    """Return the row of a share of interests, over customers."""
    sums = np.zeros((2, len(place)))
    for row, pairs in zip(sums, (part, of), strict=True):
        for who, _ in pairs:
            if who in place:
                row[place[who]] += 1
    estimate, error, low, high = intervals.ratio(sums[0], sums[1], conf_level)
    return {
        "measure": name,
        "count": int(sums[0].sum()),
        "n": int(sums[1].sum()),
        "estimate": estimate,
        "std_error": error,
        "conf_low": low,
        "conf_high": min(high, 1.0) if high == high else high,
    }
