"""Which interests go together: edges found in one half of the customers, held against the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import InputError, NotEnoughData, need_columns, one_of
from workbench.interests import acts as reading
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import associations as estimators

if TYPE_CHECKING:
    from workbench.types import Moment

UNITS = {"customer_id": "customers", "order_id": "orders"}
LEVEL, FEWEST, SHOWN = 0.05, 30, 12
TOGETHER = Note(
    "interests.together",
    "That two things go together says nothing of why: the same offer, shelf or season may stand "
    "behind both.",
)
_HELD = (
    "WITH e AS (SELECT * FROM v WHERE t >= :since),"
    + reading.HALVES
    + """,
  held AS (
    SELECT DISTINCT e.unit, e.topic, h.half FROM e JOIN halves h ON h.customer = e.customer)"""
)
_SINGLE = _HELD + " SELECT half, topic, count(*) AS n FROM held GROUP BY half, topic"
_SIZES = (
    _HELD
    + """,
  kept AS (SELECT k.unit, k.half FROM held k JOIN codes c ON c.topic = k.topic),
  sizes AS (SELECT unit, half, count(*) AS size FROM kept GROUP BY unit, half)
  SELECT half, size, count(*) AS n FROM sizes GROUP BY half, size ORDER BY half, size"""
)
# Codes of few bits make the join of a table with itself light; of the pairs only those that chance
# would bring together now and then, by their margins alone.
_PAIRS = (
    _HELD
    + """,
  coded AS (
    SELECT k.unit, k.half, c.code, c.n FROM held k JOIN codes c ON c.topic = k.topic)
  SELECT a.code AS one, b.code AS two, CAST(sum(1 - a.half) AS BIGINT) AS first,
    CAST(sum(a.half) AS BIGINT) AS second
  FROM coded a JOIN coded b
  ON a.unit = b.unit AND a.code < b.code AND CAST(a.n AS DOUBLE) * b.n >= :units
  GROUP BY a.code, b.code ORDER BY one, two"""
)


def counted(seen, least=1, since=None):
    """Return how many units of each half hold each topic, and each pair of topics.

    Parameters
    ----------
    seen : Acts with a column unit
    least : int
        Units of each half that must hold a topic.
    since : int, optional
        First moment that takes part, in microseconds.

    Returns
    -------
    tuple
        Names of the topics, their counts (2, topics), and two tables: sizes (half, size, n units
        that hold so many topics) and pairs (one and two (codes), first and second: units of each
        half with both).
    """
    values = {"since": int(seen.start if since is None else since)}
    singles = engine.run(_SINGLE, values=values, v=seen.view)
    wide = singles.pivot(index="topic", columns="half", values="n")
    wide = wide.reindex(columns=[0, 1]).fillna(0).astype(int)
    wide = wide[(wide >= least).all(axis=1)].copy()
    wide["name"] = engine.written(wide.index.to_series()).to_numpy()
    wide = wide.sort_values("name", kind="stable")
    if len(wide) < 2:
        raise NotEnoughData(
            "interests.error_few_topics",
            "acts: two topics that {least} of each half of the customers have are needed; found "
            "{n}",
            least=least,
            n=len(wide),
        )
    codes = wide.index.to_frame(index=False, name="topic")
    codes = codes.assign(code=np.arange(len(wide)), n=wide[0].to_numpy())
    sizes = engine.run(_SIZES, values=values, v=seen.view, codes=codes)
    values["units"] = float(sizes.loc[sizes["half"] == 0, "n"].sum())
    pairs = engine.run(_PAIRS, values=values, v=seen.view, codes=codes)
    return wide["name"].tolist(), wide[[0, 1]].to_numpy().T, sizes, pairs


@engine.tables("acts")
@analysis
def related(
    acts: object,
    *,
    topic: str = "category",
    unit: str = "customer_id",
    least: int = 10,
    last: str | None = None,
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """Which interests go together more than chance would have it, also among other customers?

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, the topic, and the unit
    topic : str
        Column that holds what goes together: a category, or a product.
    unit : str
        Within what: "customer_id", for interests of the same people, or "order_id", for what lies
        in one basket.
    least : int
        Units of each half that must hold a topic for it to be looked at.
    last : str, optional
        Only the last time of this length, such as "60D"; None: all of it.
    until : moment, optional
    zone : str
    conf_level : float

    Returns
    -------
    Result
        topic, related (the pair), count (units of the second half with both), n (units of that
        half), estimate (count over what chance would give where every customer does as much as they
        do, and every topic is as popular as it is), std_error (of its logarithm), conf_low,
        conf_high, support, confidence (of the second, given the first), lift (as it is usually
        told, which breadth raises), npmi, p_value; discovery_estimate and p_fdr (estimate in the
        first half and its p-value, corrected for all pairs), discovered, replicated: whether the
        pair was found in the first half, and goes together in the second too; list_position. Pairs
        that were found come first; where fewer than ten were, the next best stand below them.

    Raises
    ------
    InputError
        For a missing column or another unit.
    NotEnoughData
        With fewer than sixty units, or fewer than two topics.

    Source: Agrawal, Imieliński & Swami (1993), SIGMOD; Saracco et al. (2017), New Journal of
    Physics 19, for chance with both margins; Benjamini & Hochberg (1995); Bouma (2009) for npmi.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [k // 2 for k in range(480)],
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC")
    ...     + pd.to_timedelta([37 * (k // 2) for k in range(480)], "h"),
    ...     "category": ["tea", "honey"] * 120 + ["coffee", "milk"] * 120})
    >>> rows = related(acts).table
    >>> rows.loc[rows["replicated"], ["category", "related"]].values.tolist()
    [['coffee', 'milk'], ['honey', 'tea']]
    """
    one_of("unit", unit, UNITS)
    need_columns("acts", engine.columns(acts), unit)
    seen = reading.read(acts, topic, zone=zone, until=until, unit=engine.key(unit))
    since = None if last is None else seen.end - schemas.micros("last", last)
    topics, held, sizes, pairs = counted(seen, least, since)
    total = sizes.groupby("half")["n"].sum().reindex([0, 1], fill_value=0).to_numpy()
    if total.min() < FEWEST:
        raise NotEnoughData(
            "interests.error_few_units",
            "related: {n} {unit:word} in one half; {least} are needed",
            n=int(total.min()),
            unit=UNITS[unit],
            least=FEWEST,
        )
    label = names.label(topic)
    table, tests = _edges(topics, held, (sizes, pairs, total), (label, conf_level))
    return Result(
        question=Note("interests.related_question", "Which interests go together?"),
        table=table,
        answer=_related_answer(table, label, tests, UNITS[unit]),
        method=Note(
            "interests.related_method",
            "Pairs are found in one half of the customers ({tests} pairs tested, false findings "
            "held to {level:%0}) and measured in the other, where they must go together again. "
            "Chance is what they would be together if everybody did as much as they do, and "
            "every topic were as popular as it is.",
            tests=tests,
            level=LEVEL,
        ),
        unit=UNITS[unit],
        n=int(total.sum()),
        conf_level=conf_level,
        evidence="associational",
        limits=(*seen.limits, TOGETHER, reading.SEEN, *([BASKETS] if unit == "order_id" else [])),
        chart=Points(
            label=[label, "related"],
            only={"list_position": list(range(1, SHOWN + 1))},
            reference=1,
            log=True,
            xlabel=Note("interests.lift_axis", "Times as often together as by chance"),
        ),
    )


BASKETS = Note(
    "interests.baskets",
    "Orders of one customer are alike: part of what lies together in orders is who orders, and "
    "not what goes with what.",
)


def _edges(topics, held, counts, asked):
    """Return the pairs found in the first half as measured in the second, and how many were
    tested.
    """
    (sizes, pairs, total), (label, conf_level) = counts, asked
    one, two = (pairs[c].to_numpy(int) for c in ("one", "two"))
    both = pairs[["first", "second"]].to_numpy(float).T
    if not len(one):
        raise NotEnoughData(
            "interests.error_no_pair",
            "related: no pair of '{column}' is common enough to be looked at",
            column=label,
        )
    tests = max(estimators.pairs_to_test(held[0], total[0]), len(one))
    margins = [_margins(sizes, half, held[half]) for half in (0, 1)]
    expected, *moments = margins[0].together(one, two)
    p_value = estimators.beyond_margins(both[0], expected, *moments)
    fdr = estimators.false_discovery(p_value, tests)
    found = (fdr <= LEVEL) & (both[0] > expected)
    order = np.lexsort((two, one, p_value, ~found))
    take = order[: max(int(found.sum()), min(10, len(order)))]
    learned = (both[0] / expected, fdr, found)
    table = _measured(topics, (one[take], two[take], both[1][take]), held[1], margins[1], total[1])
    table = table.rename(columns={"topic": label}).assign(
        **{
            name: v[take]
            for name, v in zip(("discovery_estimate", "p_fdr", "discovered"), learned, strict=True)
        }
    )
    z = intervals.z(conf_level)
    table["conf_low"], table["conf_high"] = (
        table["estimate"] * np.exp(side * z * table["std_error"]) for side in (-1, 1)
    )
    table["replicated"] = table["discovered"] & (table["estimate"] > 1) & (table["p_value"] < LEVEL)
    keys = [table["conf_low"].fillna(0), table["discovered"], table["replicated"]]
    place = np.lexsort([np.arange(len(table)), *(-k.to_numpy(float) for k in keys)])
    table = tidy(table.iloc[place].reset_index(drop=True))
    return table.assign(list_position=np.arange(1, len(table) + 1)), tests


def _margins(sizes, half, holding):
    """Return the chances of one half by how many topics a unit holds."""
    part = sizes[sizes["half"] == half]
    return estimators.margins(part["size"].to_numpy(), part["n"].to_numpy(), holding)


def _measured(topics, pairs, holding, margins, n):
    """Return the pairs as they are in one half: a row a pair."""
    import pandas as pd

    one, two, both = pairs
    result = estimators.associations(both, holding[one], holding[two], n)
    expected, *moments = margins.together(one, two)
    with np.errstate(divide="ignore"):
        error = np.where(both > 0, np.sqrt(np.maximum(1 / both - 1 / n, 0)), np.nan)
    names_of = np.asarray(topics, object)
    return pd.DataFrame(
        {
            "topic": names_of[one],
            "related": names_of[two],
            "count": both.astype(int),
            "n": int(n),
            "estimate": both / expected,
            "std_error": np.where(error > 0, error, np.nan),
            "support": result.support,
            "confidence": result.confidence,
            "lift": result.lift,
            "npmi": result.npmi,
            "p_value": estimators.beyond_margins(both, expected, *moments),
        }
    )


def _related_answer(table, label, tests, unit):
    """Return how many pairs were found and held, and the one that goes together most."""
    found, held = int(table["discovered"].sum()), int(table["replicated"].sum())
    if not held:
        return Note(
            "interests.related_none",
            "None of {tests} pairs goes together more than chance would have it in both halves of "
            "the customers ({found} in the first only).",
            tests=tests,
            found=found,
        )
    row = table.iloc[0]
    return Note(
        "interests.related_answer",
        "{held} of {found} pairs found in one half of the customers hold in the other; {first} "
        "and {second} go together {estimate:3} times as often as by chance ({low:3} to {high:3}; "
        "{n} {unit:word}).",
        held=held,
        found=found,
        first=row[label],
        second=row["related"],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=int(row["n"]),
        unit=unit,
    )


_PERIODS = (
    "WITH e AS (SELECT * FROM v),"
    + reading.HALVES
    + """
  SELECT e.customer, e.topic, min(h.half) AS half,
    max(CASE WHEN e.t < :cut THEN 1 ELSE 0 END) AS before,
    max(CASE WHEN e.t < :cut THEN 0 ELSE 1 END) AS after
  FROM e JOIN halves h ON h.customer = e.customer
  GROUP BY e.customer, e.topic ORDER BY e.customer, e.topic"""
)


@engine.tables("acts")
@analysis
def multiplier(
    acts: object,
    *,
    topic: str = "category",
    precisions: tuple = (0.3, 0.1, 0.2, 0.5),
    until: Moment | None = None,
    zone: str = "UTC",
    conf_level: float = 0.95,
) -> Result:
    """How many new interests can be inferred for each one that is known, and how often are they
    right?

    A rule says: who has this topic in the first half of the time, and not that one, takes to that
    one in the second. Rules are learnt from half of the customers, and tried on the others.

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the topic
    topic : str
        Column that holds it.
    precisions : sequence of float
        The share of the inferred interests that a rule must get right; the answer is on the first.
    until : moment, optional
    zone : str
    conf_level : float

    Returns
    -------
    Result
        precision_asked, measure, total, n (customers), estimate, std_error, conf_low, conf_high.
        Measures, over customers that no rule was learnt from: multiplier (interests
        inferred for each known one), precision (of those inferred, the share that came), popular
        (the share that would have come of as many of the most popular ones) and precision_gain
        (the one less the other).

    Raises
    ------
    InputError
        For a precision outside 0 to 1.
    NotEnoughData
        With fewer than thirty customers in either half.

    Source: Agrawal, Imieliński & Swami (1993) for rules; ratio over customers: Deng, Knoblich & Lu
    (2018), KDD.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_timedelta([37 * (k // 2) % 97 + 2400 * (k % 2) for k in range(480)], "h")
    >>> acts = pd.DataFrame({"customer_id": [k // 2 for k in range(480)],
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC") + days,
    ...     "category": ["tea", "honey"] * 120 + ["coffee", "milk"] * 120})
    >>> multiplier(acts, precisions=[0.5]).table["estimate"].round(3).tolist()
    [1.0, 1.0, 0.496, 0.504]
    """
    from scipy import sparse

    asked = [float(p) for p in precisions]
    if not asked or not all(0 < p < 1 for p in asked):
        raise InputError(
            "interests.error_precision",
            "precisions: shares between {floor} and {top} are needed, found {found:text}",
            floor=0,
            top=1,
            found=[str(p) for p in precisions],
        )
    seen = reading.read(acts, topic, zone=zone, until=until)
    cut = seen.start + (seen.end - seen.start) // 2
    cells = engine.run(_PERIODS, values={"cut": int(cut)}, v=seen.view)
    person = cells["customer"].factorize()[0]
    code = engine.written(cells["topic"]).factorize(sort=True)[0]
    shape = (int(person.max()) + 1, int(code.max()) + 1)
    was, now = (
        sparse.csr_array((cells[c].to_numpy(float), (person, code)), shape=shape)
        for c in ("before", "after")
    )
    half = np.zeros(shape[0], int)
    half[person] = cells["half"].to_numpy(int)
    there = np.asarray(was.sum(axis=1)).ravel() > 0
    groups = [(was[there & (half == h)], now[there & (half == h)]) for h in (0, 1)]
    if min(g[0].shape[0] for g in groups) < FEWEST:
        raise NotEnoughData(
            "interests.error_few_before",
            "multiplier: fewer than {least} customers of a half did something in the first half of "
            "the time",
            least=FEWEST,
        )
    rules = estimators.next_rules(*groups[0])
    rows = [
        row
        for p in asked
        for row in _tried(estimators.inferred(rules, *groups[1], p, LEVEL), p, conf_level)
    ]
    return _multiplied(tidy(rows), groups[1][0].shape[0], seen, (topic, conf_level))


def _tried(result, precision, conf_level):
    """Return the rows of one precision: how many are inferred for a known one, and how often they
    were right.
    """
    pairs = (
        ("multiplier", result.inferred, result.known),
        ("precision", result.right, result.inferred),
        ("popular", result.popular, result.inferred),
        ("precision_gain", result.right - result.popular, result.inferred),
    )
    for name, above, below in pairs:
        estimate, error, low, high = intervals.ratio(above, below, conf_level)
        yield {
            "precision_asked": precision,
            "measure": name,
            "total": float(above.sum()),
            "n": len(above),
            "estimate": estimate,
            "std_error": error,
            "conf_low": low,
            "conf_high": min(high, 1.0) if name in ("precision", "popular") else high,
        }


def _multiplied(table, n, seen, asked):
    """Return the Result of rules tried on other customers."""
    _, conf_level = asked
    return Result(
        question=Note(
            "interests.multiplier_question",
            "How many interests can be inferred for each one that is known?",
        ),
        table=table,
        answer=_multiplier_answer(table, n),
        method=Note(
            "interests.multiplier_method",
            "Rules from half of the customers: who had one topic and not the other took to the "
            "other later, more often than those without the first (false rules held to "
            "{level:%0}) and at least as often as asked by the lower limit; tried on the other "
            "half, whose customers are the sampling unit.",
            level=LEVEL,
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        evidence="associational",
        limits=(*seen.limits, TOGETHER, reading.SEEN),
        chart=Points(
            label=["measure"],
            only={
                "precision_asked": float(table["precision_asked"].iloc[0]),
                "measure": ["precision", "popular"],
            },
            percent=True,
            xlabel=Note("interests.multiplier_axis", "Share of the inferred interests that came"),
        ),
    )


def _multiplier_answer(table, n):
    """Return the multiplier at the first precision asked for, beside what is merely popular."""
    row = table.iloc[0]
    if not row["estimate"] > 0:
        return Note(
            "interests.multiplier_none",
            "No rule is right in {precision:%} of the cases or more: for none of {n} customers can "
            "an interest be inferred from another.",
            precision=row["precision_asked"],
            n=n,
        )
    part = table[table["precision_asked"] == row["precision_asked"]].set_index("measure")
    gain = part.loc["precision_gain"]
    values = {
        "estimate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": n,
        "right": part.loc["precision", "estimate"],
        "popular": part.loc["popular", "estimate"],
    }
    if gain["conf_low"] > 0:
        return Note(
            "interests.multiplier_answer",
            "For each known interest {estimate:3} others can be inferred ({low:3} to {high:3}; {n} "
            "customers): {right:%} of them came true, against {popular:%} of as many popular ones.",
            **values,
        )
    return Note(
        "interests.multiplier_popular",
        "For each known interest {estimate:3} others can be inferred ({low:3} to {high:3}; {n} "
        "customers), but the most popular topics are as good here: {popular:%} of them came true, "
        "and {right:%} of those inferred.",
        **values,
    )
