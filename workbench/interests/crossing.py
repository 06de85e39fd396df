"""Which topics people come to after a first one, and whether more than others do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import NotEnoughData
from workbench.interests import acts as reading
from workbench.interests.graph import LEVEL, SHOWN, TOGETHER
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import associations as estimators

if TYPE_CHECKING:
    from workbench.types import Moment

_FIRST = (
    "WITH e AS (SELECT * FROM v),"
    + reading.HALVES
    + """,
  first AS (
    SELECT e.customer, e.topic, h.half, min(e.t) AS t FROM e JOIN halves h
    ON h.customer = e.customer GROUP BY e.customer, e.topic, h.half),
  begun AS (
    SELECT f.customer, f.half, min(f.t) AS t FROM first f GROUP BY f.customer, f.half),
  entered AS (
    SELECT f.customer, f.topic, f.half, f.t FROM first f
    JOIN begun b ON b.customer = f.customer AND b.t = f.t WHERE f.t <= :last)"""
)
_ENTERED = _FIRST + " SELECT half, topic, count(*) AS n FROM entered GROUP BY half, topic"
_AFTER = (
    _FIRST
    + """
  SELECT a.half, a.topic AS one, b.topic AS two,
    sum(CASE WHEN b.t > a.t AND b.t <= a.t + :window THEN 1 ELSE 0 END) AS came,
    sum(CASE WHEN b.t <= a.t THEN 1 ELSE 0 END) AS had
  FROM entered a JOIN first b ON b.customer = a.customer
  WHERE b.topic <> a.topic AND b.t <= a.t + :window
  GROUP BY a.half, a.topic, b.topic"""
)


@engine.tables("acts")
@analysis
def cross_reach(
    acts: object,
    *,
    topic: str = "category",
    window: str = "30D",
    least: int = 30,
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """Whoever came in by one topic: which others do they come to soon after, more than others do?

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the topic
        Searches, pages or order lines.
    topic : str
        Column that holds it.
    window : str
        The time after the first act.
    least : int
        Customers of each half who must have come in by a topic.
    until : moment, optional
    zone : str
    conf_level : float

    Returns
    -------
    Result
        topic (by which they came in), related, count (who came to it within the window), n (who
        came in by the topic, had not had the other, and could be followed so long), estimate,
        conf_low, conf_high (all customers); others_share (that of those who came in by any other
        topic), ratio, p_fdr (in one half of the customers, corrected for all pairs), discovered,
        p_value and replicated (in the other half), list_position.

    Raises
    ------
    InputError
        For a missing column.
    NotEnoughData
        Where fewer than two topics have so many.

    Source: Wilson (1927); Fisher's exact test with Benjamini & Hochberg (1995).

    Examples
    --------
    >>> import pandas as pd
    >>> who = [k // 2 for k in range(960)]
    >>> at = pd.to_timedelta([37 * (k // 2) % 997 + 24 * (k % 2) for k in range(960)], "h")
    >>> acts = pd.DataFrame({"customer_id": who, "occurred_at":
    ...     pd.Timestamp("2024-01-01", tz="UTC") + at,
    ...     "category": ["tea", "honey"] * 240 + ["coffee", "milk"] * 240})
    >>> rows = cross_reach(acts, window="7D", until="2024-03-30").table
    >>> rows.loc[rows["replicated"], ["category", "related", "estimate"]].values.tolist()
    [['coffee', 'milk', 1.0], ['tea', 'honey', 1.0]]
    """
    width = schemas.micros("window", window)
    seen = reading.read(acts, topic, zone=zone, until=until)
    ends = {"last": int(seen.end - width), "window": int(width)}
    entered = engine.run(_ENTERED, values={"last": ends["last"]}, v=seen.view)
    entered = _wide(entered, ["topic"], "n")
    enough = entered.index[(entered >= least).all(axis=1)]
    if len(enough) < 2:
        raise NotEnoughData(
            "interests.error_few_entered",
            "cross_reach: two topics by which {least} of each half of the customers came in, and "
            "who could be followed for {window:span}, are needed; found {n}",
            least=least,
            window=window,
            n=len(enough),
        )
    after = engine.run(_AFTER, values=ends, v=seen.view)
    came, had = (_wide(after, ["one", "two"], c) for c in ("came", "had"))
    label = names.label(topic)
    table, tests = _followed(entered, enough, came, had)
    low, high = intervals.wilson(table["count"], table["n"], conf_level)
    table = tidy(table.rename(columns={"topic": label}).assign(conf_low=low, conf_high=high))
    return Result(
        question=Note(
            "interests.reach_question", "Where do people go after what they came in for?"
        ),
        table=table,
        answer=_answer(table, label, window, tests),
        method=Note(
            "interests.reach_method",
            "Of those who came in by a topic and did not have the other: who came to the other "
            "within {window:span}, beside those who came in by any other topic ({tests} pairs; "
            "found in one half of the customers with false findings held to {level:%0}, and tried "
            "in the other). Wilson intervals.",
            window=window,
            tests=tests,
            level=LEVEL,
        ),
        unit="customers",
        n=int(entered.loc[enough].to_numpy().sum()),
        conf_level=conf_level,
        evidence="associational",
        limits=(*seen.limits, FIRST, TOGETHER, reading.SEEN),
        chart=Points(
            label=[label, "related"],
            only={"list_position": list(range(1, SHOWN + 1))},
            percent=True,
            xlabel=Note("interests.reach_axis", "Share who came to the other topic"),
        ),
    )


FIRST = Note(
    "interests.first_seen",
    "The first act seen need not be the first there was; whoever did two things at once came in "
    "by both.",
)


def _wide(table, keys, value):
    """Return counts by half, the columns 0 and 1; topics are written out."""
    table = table.assign(**{key: engine.written(table[key]) for key in keys})
    wide = table.pivot(index=keys if len(keys) > 1 else keys[0], columns="half", values=value)
    return wide.reindex(columns=[0, 1]).fillna(0).astype(int).sort_index()


def _followed(entered, enough, came, had):
    """Return a row a pair of topics: what followed in all, and whether it held in both halves."""
    import pandas as pd

    keep = came.index.get_level_values("one").isin(enough)
    came, had = came[keep], had[keep]
    one = came.index.get_level_values("one")
    two = came.index.get_level_values("two")
    count = came.to_numpy().T
    n = entered.loc[one].to_numpy().T - had.to_numpy().T
    # All who came in by a topic other than this pair's, and what followed among them.
    both = pd.DataFrame({"two": two, "c0": count[0], "c1": count[1], "n0": n[0], "n1": n[1]})
    total = both.groupby("two")[["c0", "c1"]].transform("sum").to_numpy().T
    everyone = entered.loc[enough].to_numpy().sum(axis=0)
    owned = had.groupby(level="two").sum().reindex(two).to_numpy().T
    own = entered.reindex(two, fill_value=0).to_numpy().T * two.isin(enough).astype(int)
    people = everyone[:, None] - owned - own
    p_value = [
        estimators.more_than_chance(c, k, t, np.maximum(m, k))
        for c, k, t, m in zip(count, n, total, people, strict=True)
    ]
    tests = len(enough) * (len(set(entered.index) | set(two)) - 1)
    fdr = estimators.false_discovery(p_value[0], max(tests, len(p_value[0])))
    others = (total - count).sum(axis=0), (people - n).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(others[1] > 0, others[0] / others[1], np.nan)
        estimate = np.where(n.sum(axis=0) > 0, count.sum(axis=0) / n.sum(axis=0), np.nan)
        ratio = np.where(rest > 0, estimate / rest, np.nan)
    table = pd.DataFrame(
        {
            "topic": one,
            "related": two,
            "count": count.sum(axis=0),
            "n": n.sum(axis=0),
            "estimate": estimate,
            "others_share": rest,
            "ratio": ratio,
            "p_fdr": fdr,
            "discovered": (fdr <= LEVEL) & ~(estimate <= rest),
            "p_value": p_value[1],
        }
    )
    table["replicated"] = table["discovered"] & (p_value[1] < LEVEL)
    table = table[table["n"] > 0]
    keys = (table["p_fdr"], ~table["discovered"], ~table["replicated"])
    table = table.iloc[np.lexsort([np.arange(len(table)), *keys])].reset_index(drop=True)
    shown = max(int(table["discovered"].sum()), min(10, len(table)))
    table = table.head(shown)
    return table.assign(list_position=np.arange(1, len(table) + 1)), tests


def _answer(table, label, window, tests):
    """Return how many steps were found and held, and the clearest."""
    found, held = int(table["discovered"].sum()), int(table["replicated"].sum())
    if not held:
        return Note(
            "interests.reach_none",
            "After no topic do people come to another more than others do, in both halves of the "
            "customers ({tests} pairs; {found} in the first only).",
            tests=tests,
            found=found,
        )
    row = table.iloc[0]
    return Note(
        "interests.reach_answer",
        "{held} of {found} steps found in one half of the customers hold in the other; of those "
        "who came in by {first:text} {estimate:%} come to {second:text} within {window:span} "
        "({low:%} to {high:%}; {n} customers), against {others:%} of all others.",
        held=held,
        found=found,
        first=row[label],
        second=row["related"],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        window=window,
        others=row["others_share"],
    )
