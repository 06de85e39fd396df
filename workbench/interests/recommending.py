"""What to show whom next: lists learnt from the past, judged on what came after, beside what is
merely popular.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.interests import acts as reading
from workbench.interests.list_measures import BATCH, quality_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import rankings
from workbench.stats import tastes as estimators

if TYPE_CHECKING:
    from workbench.types import Moment

METHODS = ("popularity", "neighbours", "factors", "memory")
FEWEST, LEVEL = 50, 0.05
# How much weight a purchase adds in factors: which is best is seen on the time before the test.
WEIGHTS = (0.3, 3.0, 20.0)
_CELLS = """
  SELECT customer, topic, CAST(sum(CASE WHEN t < :cut THEN 1 ELSE 0 END) AS BIGINT) AS before,
    CAST(sum(CASE WHEN t < :cut THEN 0 ELSE 1 END) AS BIGINT) AS after
  FROM v WHERE t <= :end GROUP BY customer, topic ORDER BY customer, topic"""
_TOGETHER = """
  SELECT a.item AS one, b.item AS two, count(*) AS both
  FROM had a JOIN had b ON a.person = b.person AND a.item < b.item GROUP BY a.item, b.item"""
_KINDS = "SELECT topic, min(kind) AS kind FROM v GROUP BY topic"


@dataclass(frozen=True, kw_only=True)
class Lists:
    """How lists are made and judged.

    Attributes
    ----------
    methods : tuple of str
        "popularity" (always there), "neighbours" (items that the same customers had), "factors" (of
        implicit feedback), "memory" (what a customer had most, then what is popular; with repeats).
    k : int
        Length of the lists.
    items : int
        As many items, those that most customers had before, can be recommended.
    after : str
        The time at the end on which lists are judged.
    repeats : bool
        Whether what somebody had already may be recommended, and counts.
    """

    methods: tuple = METHODS[:3]
    k: int = 10
    items: int = 1000
    after: str = "60D"
    repeats: bool = False


@dataclass(frozen=True, eq=False)
class History:
    """What customers had before a moment, and what they took to after it.

    Attributes
    ----------
    customers : ndarray, shape (users,)
        As the engine reads them.
    items : list of str
        The one that most customers had before first.
    before, after : sparse array, shape (users, items)
        How often each customer had each item.
    missed : ndarray of int, shape (users,)
        Items that came after and that are not among those ranked.
    kinds : ndarray of int, shape (items,), or None
        The category of each item.
    """

    customers: np.ndarray
    items: list
    before: object
    after: object
    missed: np.ndarray
    kinds: np.ndarray | None


@engine.tables("acts")
@analysis
def recommend(
    acts: object,
    *,
    item: str = "product_id",
    category: str | None = None,
    lists: Lists | None = None,
    until: Moment | None = None,
    zone: str = "UTC",
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Do lists made for each customer hold more of what they take to next than what is popular?

    Lists are learnt from everything before a moment, and judged on what came after it, for all
    items at once.

    Parameters
    ----------
    acts : table with customer_id, occurred_at or ordered_at, and the item
    item : str
        Column of what is recommended.
    category : str, optional
        Column by which the mix of lists is compared with that of their users.
    lists : Lists, optional
        Methods, length, items, the time judged, and whether repeats count.
    until : moment, optional
    zone : str
    seed : int
        Of the factors.
    conf_level : float

    Returns
    -------
    Result
        method, measure, n (customers judged), estimate, std_error, conf_low, conf_high, and of
        measures a customer gain, gain_low, gain_high (over popularity, of the same customers) and
        p_holm. Measures: ndcg, recall, precision, average_precision; novelty (bits: less popular is
        more), miscalibration (bits, with category); of all lists coverage (share of the items that
        anybody is shown), exposure_gini, and diversity (1 less the mean likeness within lists).

    Raises
    ------
    InputError
        For an unknown method or column, or a length that is none.
    NotEnoughData
        Where fewer than fifty customers did something before, and took to something after.

    Source: Hu, Koren & Volinsky (2008), ICDM; Sarwar et al. (2001), WWW; Järvelin & Kekäläinen
    (2002); full rankings: Krichene & Rendle (2020), KDD; Steck (2018), RecSys.

    Examples
    --------
    >>> from workbench.simulate import tastes
    >>> acts = tastes.tastes(400, no_effect=["personal_products"], seed=2).acts
    >>> result = recommend(acts, lists=Lists(methods=["popularity"], after="120D"))
    >>> sorted(result.table["measure"])[:3]
    ['average_precision', 'coverage', 'diversity']
    """
    lists = Lists() if lists is None else lists
    chosen = _chosen(lists)
    more = {"kind": engine.key(category)} if category else {}
    seen = reading.read(acts, item, zone=zone, until=until, **more)
    cut = seen.end - schemas.micros("after", lists.after)
    history = _history(seen.view, (cut, seen.end), lists.items, category)
    judged = _judged(history, lists.repeats)
    likeness = _likeness(history)
    quality = {}
    for name in chosen:
        weight = _weight(seen, cut, lists, seed) if name == "factors" else None
        score = _scorer(name, history, likeness, (weight, seed))
        places = _ranked(score, history, judged, lists)
        quality[name] = quality_of(places, history, judged, (likeness, lists.repeats))
    table = _table(quality, conf_level)
    return Result(
        question=QUESTION,
        table=table,
        answer=_answer(table, lists.k, len(judged)),
        method=METHOD.having(after=lists.after, items=len(history.items), k=lists.k),
        unit="customers",
        n=len(judged),
        conf_level=conf_level,
        limits=(*seen.limits, *_limits(history, judged, lists.repeats), OFFLINE, reading.SEEN),
        chart=Points(
            label=["method"],
            only={"measure": "ndcg"},
            xlabel=Note("interests.ndcg_axis", "Hits near the top of the list (nDCG)"),
        ),
    )


QUESTION = Note(
    "interests.recommend_question", "Do lists made for each customer beat what is popular?"
)
METHOD = Note(
    "interests.recommend_method",
    "Learnt from all before the last {after:span} and judged on what came in it; every one of "
    "{items} items is ranked for each customer, lists of {k}; customers are the sampling unit, "
    "differences are of the same customers, their p-values corrected (Holm). What factors need to "
    "be told is chosen on the time just before.",
)
OFFLINE = Note(
    "interests.offline",
    "A list that foretells what people take to anyway need not sell anything more: whether it does "
    "is seen only where some customers, by chance, are not shown it.",
)
NEW = Note(
    "interests.new_only",
    "What a customer had before is neither recommended nor counted.",
)
MISSED = Note(
    "interests.missed",
    "{share:%} of what customers took to is not among the items that could be recommended, and "
    "counts as missed.",
)
UNJUDGED = Note(
    "interests.unjudged",
    "{n} customer took to nothing that counts afterwards and is not judged.",
    "{n} customers took to nothing that counts afterwards and are not judged.",
)


def _chosen(lists):
    """Return the methods asked for, popularity first."""
    for name in ("k", "items"):
        value = getattr(lists, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(
                "interests.error_length",
                "{name}: a whole number of at least {least} is needed, found {found:repr}",
                name=name,
                least=1,
                found=value,
            )
    asked = names.listed(lists.methods)
    for name in asked:
        one_of("methods", name, METHODS)
    if "memory" in asked and not lists.repeats:
        raise InputError(
            "interests.error_own",
            "methods: 'memory' recommends what a customer had already; it needs repeats=True",
        )
    return list(dict.fromkeys(["popularity", *asked]))


def _history(view, span, most, category):
    """Return what customers had before a moment and after it, the most popular items first."""
    from scipy import sparse

    values = {"cut": int(span[0]), "end": int(span[1])}
    cells = engine.run(_CELLS, values=values, v=view)
    person, customers = cells["customer"].factorize(sort=True)
    topic, topics = cells["topic"].factorize()
    topics = engine.written(topics.to_series()).to_numpy(str)
    was, then = cells["before"].to_numpy(), cells["after"].to_numpy()
    known = (np.bincount(person, was) > 0)[person]
    person, topic, was, then = (v[known] for v in (person, topic, was, then))
    kept, person = np.unique(person, return_inverse=True)
    customers = np.asarray(customers)[kept]
    people = np.bincount(topic[was > 0], minlength=len(topics))
    order = np.lexsort((topics, -people))[:most]
    order = order[people[order] > 0]
    items = topics[order].tolist()
    if len(items) < 2:
        raise NotEnoughData(
            "interests.error_few_items",
            "recommend: two items that somebody had before are needed, found {n}",
            n=len(items),
        )
    place = np.full(len(topics), -1)
    place[order] = np.arange(len(order))
    code = place[topic]
    ranked, shape = code >= 0, (len(customers), len(items))
    before, after = (
        sparse.csr_array((v[ranked].astype(float), (person[ranked], code[ranked])), shape=shape)
        for v in (was, then)
    )
    for matrix in (before, after):
        matrix.eliminate_zeros()
    rest = ~ranked & (then > 0) & (was == 0)
    missed = np.bincount(person[rest], minlength=len(customers))
    return History(customers, items, before, after, missed, _kinds(view, items, category))


def _kinds(view, items, category):
    """Return the number of the category of each item, or None."""
    if not category:
        return None
    kinds = engine.run(_KINDS, v=view)
    names_of = dict(zip(engine.written(kinds["topic"]), engine.written(kinds["kind"]), strict=True))
    import pandas as pd

    return pd.factorize(pd.Series([names_of[i] for i in items], dtype=object), sort=True)[0]


def _judged(history, repeats):
    """Return the customers who took to something that counts, by their row."""
    later = history.after > 0
    if not repeats:
        later = later.astype(float) - (later.multiply(history.before > 0)).astype(float)
    relevant = np.asarray(later.astype(float).sum(axis=1)).ravel() + history.missed
    rows = np.flatnonzero(relevant > 0)
    if len(rows) < FEWEST:
        raise NotEnoughData(
            "interests.error_few_judged",
            "recommend: {n} customers did something before and took to something new after; "
            "{least} are needed",
            n=len(rows),
            least=FEWEST,
        )
    return rows


def _likeness(history):
    """Return how alike items are by who had both, counted in the engine."""
    import pandas as pd
    from scipy import sparse

    coo = history.before.tocoo()
    had = pd.DataFrame({"person": coo.row.astype(np.int32), "item": coo.col.astype(np.int32)})
    pairs = engine.run(_TOGETHER, had=had)
    size = len(history.items)
    half = sparse.coo_array(
        (pairs["both"].to_numpy(float), (pairs["one"].to_numpy(int), pairs["two"].to_numpy(int))),
        shape=(size, size),
    ).tocsr()
    own = sparse.diags_array(np.asarray((history.before > 0).sum(axis=0), float).ravel())
    return estimators.neighbours(half + half.T + own.tocsr())


def _weight(seen, cut, lists, seed):
    """Return the weight of a purchase that foretold best just before the time judged."""
    width = schemas.micros("after", lists.after)
    try:
        history = _history(seen.view, (cut - width, cut - 1), lists.items, None)
        rows = _judged(history, lists.repeats)
    except NotEnoughData:
        return WEIGHTS[1]
    found = []
    for weight in WEIGHTS:
        score = _scorer("factors", history, None, (weight, seed))
        places = _ranked(score, history, rows, lists)
        each, _ = quality_of(places, history, rows, (None, lists.repeats))
        found.append(float(np.mean(each["ndcg"])))
    return WEIGHTS[int(np.argmax(np.round(found, 9)))]


def _scorer(name, history, likeness, asked):
    """Return the function that scores all items for some customers."""
    binary = (history.before > 0).astype(float).tocsr()
    people = np.asarray(binary.sum(axis=0)).ravel()
    if name == "popularity":
        return lambda rows: np.tile(people, (len(rows), 1))
    if name == "neighbours":
        return lambda rows: (binary[rows] @ likeness).toarray()
    if name == "memory":
        most = people / (people.max() + 1)
        return lambda rows: history.before[rows].toarray() + most
    weight, seed = asked
    result = estimators.implicit_factors(history.before, alpha=weight, seed=seed)
    return lambda rows: result.users[rows] @ result.items.T


def _ranked(score, history, rows, lists):
    """Return the list of each customer, as numbers of items."""
    parts = []
    for begin in range(0, len(rows), BATCH):
        batch = rows[begin : begin + BATCH]
        allowed = None if lists.repeats else history.before[batch].toarray() == 0
        # The last digits hang on the order of sums.
        parts.append(rankings.first_places(np.round(score(batch), 9), lists.k, allowed))
    return np.concatenate(parts)


def _table(quality, conf_level):
    """Return a row a method and measure, with the gain over popularity."""
    popular = quality["popularity"][0]
    rows = []
    for method, (each, together) in quality.items():
        for measure, values in each.items():
            ones = np.ones(len(values))
            estimate, error, low, high = intervals.ratio(values, ones, conf_level)
            row = {
                "method": method,
                "measure": measure,
                "n": len(values),
                "estimate": estimate,
                "std_error": error,
                "conf_low": low,
                "conf_high": high,
            }
            if method != "popularity":
                gain, spread, *ends = intervals.ratio(values - popular[measure], ones, conf_level)
                row |= {"gain": gain, "gain_low": ends[0], "gain_high": ends[1]}
                row["p_value"] = float(intervals.p_value(gain, spread))
            rows.append(row)
        rows += [
            {"method": method, "measure": m, "n": len(values), "estimate": v}
            for m, v in together.items()
        ]
    table = tidy(rows)
    for name in ("gain", "gain_low", "gain_high", "p_value"):
        if name not in table:
            table[name] = np.nan
    tested = table["measure"] == "ndcg"
    table["p_holm"] = np.nan
    table.loc[tested, "p_holm"] = intervals.adjust_p_values(table.loc[tested, "p_value"])
    return table.drop(columns="p_value")


def _limits(history, rows, repeats):
    """Return what was not judged, and what could not be recommended."""
    later = np.asarray((history.after[rows] > 0).sum(axis=1)).ravel()
    missed = history.missed[rows].sum()
    whole = later.sum() + missed
    unjudged = len(history.customers) - len(rows)
    said = [] if repeats else [NEW]
    if unjudged:
        said.append(UNJUDGED.having(n=unjudged))
    if missed:
        said.append(MISSED.having(share=float(missed / whole)))
    return said


def _answer(table, k, n):
    """Return whether any method beats popularity, and by how much."""
    rows = table[table["measure"] == "ndcg"].set_index("method")
    popular = rows.loc["popularity"]
    others = rows.drop(index="popularity")
    values = {"popular": popular["estimate"], "k": k, "n": n}
    if others.empty:
        return Note(
            "interests.recommend_popular",
            "Lists of the {k} most popular items have an nDCG of {estimate:3} ({low:3} to "
            "{high:3}; {n} customers).",
            estimate=popular["estimate"],
            low=popular["conf_low"],
            high=popular["conf_high"],
            k=k,
            n=n,
        )
    best = others.sort_values("estimate", ascending=False, kind="stable").iloc[0]
    values |= {
        "method": best.name,
        "estimate": best["estimate"],
        "low": best["conf_low"],
        "high": best["conf_high"],
        "gain": best["gain"],
        "gain_low": best["gain_low"],
        "gain_high": best["gain_high"],
    }
    if best["p_holm"] < LEVEL and best["gain"] > 0:
        return Note(
            "interests.recommend_better",
            "Lists by {method:word} hold more of what comes next than what is popular: nDCG "
            "{estimate:3} ({low:3} to {high:3}) against {popular:3}, a gain of {gain:3} "
            "({gain_low:3} to {gain_high:3}; lists of {k}, {n} customers).",
            **values,
        )
    if best["gain_high"] < 0:
        return Note(
            "interests.recommend_worse",
            "Popularity is better here: nDCG {popular:3} against {estimate:3} ({low:3} to "
            "{high:3}) of lists by {method:word}, a difference of {gain:3} ({gain_low:3} to "
            "{gain_high:3}; lists of {k}, {n} customers).",
            **values,
        )
    return Note(
        "interests.recommend_as_good",
        "Popularity is as good here: nDCG {popular:3} against {estimate:3} ({low:3} to {high:3}) "
        "of lists by {method:word}, a gain of {gain:3} ({gain_low:3} to {gain_high:3}; lists of "
        "{k}, {n} customers).",
        **values,
    )


@engine.tables("acts")
@analysis
def recommendations(
    acts: object,
    *,
    item: str = "product_id",
    method: str = "neighbours",
    lists: Lists | None = None,
    until: Moment | None = None,
    zone: str = "UTC",
    seed: int = 1,
) -> object:
    """Which items should each customer be shown next?

    Parameters
    ----------
    acts, item, until, zone, seed : as in `recommend`
    method : str
        "popularity", "neighbours", "factors" or, with repeats, "memory"; `recommend` says which is
        worth its trouble.
    lists : Lists, optional
        Length, items, and whether repeats count.

    Returns
    -------
    DataFrame
        customer_id, list_position (1 first), and the item.

    Raises as `recommend`.

    Source: as `recommend`.

    Examples
    --------
    >>> import pandas as pd
    >>> acts = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "product_id": list("ababa"),
    ...     "occurred_at": pd.Timestamp("2024-01-01", tz="UTC")})
    >>> recommendations(acts, lists=Lists(k=1)).values.tolist()
    [[3, 1, 'b']]
    """
    import pandas as pd

    lists = replace(Lists() if lists is None else lists, methods=(method,))
    name = _chosen(lists)[-1]
    seen = reading.read(acts, item, zone=zone, until=until)
    history = _history(seen.view, (seen.end + 1, seen.end + 1), lists.items, None)
    rows = np.arange(len(history.customers))
    likeness = _likeness(history) if name == "neighbours" else None
    weight = _weight(seen, seen.end + 1, lists, seed) if name == "factors" else None
    score = _scorer(name, history, likeness, (weight, seed))
    places = _ranked(score, history, rows, lists)
    shown = places >= 0
    return pd.DataFrame(
        {
            "customer_id": np.repeat(history.customers, shown.sum(axis=1)),
            "list_position": (np.nonzero(shown)[1] + 1).astype(int),
            names.label(item): np.array(history.items, object)[places[shown]],
        }
    )
