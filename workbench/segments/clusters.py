"""Are there segments, how many, and how good are they?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.segments import people
from workbench.stats import clustering

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Table

LEAST, A_COLUMN = 50, 70  # customers at all, and a column
SAMPLE, TABLE = 20_000, 4_000  # customers whose groups are drawn anew, and set beside no groups
STABLE, COMES_BACK, SUBSTANTIAL, LEVEL = 0.8, 0.75, 0.05, 0.05
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FOUND = Note(
    "segments.clusters_answer",
    "There are {groups} segments ({n} customers): drawn anew they come back with a Rand index of "
    "{rand:3}, and they are tighter than in tables without groups. The largest, {name:text}, "
    "holds {share:%} of customers ({low:%} to {high:%}).",
)
NONE = Note(
    "segments.clusters_none",
    "There are no segments here ({n} customers): {why}. The best cut, in {groups} groups, comes "
    "back with a Rand index of {rand:3}.",
)
WHY = {
    "permuted": Note(
        "segments.why_permuted",
        "the customers are no tighter in groups than when every column is shuffled on its own",
    ),
    "cloud": Note(
        "segments.why_cloud",
        "the customers form one cloud whose columns hang together, and any border through it is "
        "ours",
    ),
    "unstable": Note("segments.why_unstable", "the groups do not come back when drawn anew"),
}
METHOD = Note(
    "segments.clusters_method",
    "k-means on logarithms of skewed numbers and a common scale; the number of groups by how far "
    "they come back in bootstrap samples (adjusted Rand index, {draws} samples of {sample} "
    "customers); segments only where that reaches {stable:1} and the customers are tighter in "
    "groups than {tables} tables with shuffled columns and {tables} tables of one cloud "
    "({table} customers, at the {level:%0} level). Shares: Wilson intervals; means: normal ones.",
)
CARD = Note(
    "segments.card",
    "Quality of the cut in {groups} groups: adjusted Rand index {rand:3}, silhouette "
    "{silhouette:2}; p beside shuffled columns {permuted:3}, beside one cloud {cloud:3}.",
)
BY_NUMBER = Note(
    "segments.by_number",
    "Groups and how far they come back (adjusted Rand index): {numbers:text}.",
)
FEW = Note(
    "segments.few",
    "Rule of thumb: {least} customers for {columns} columns; there are {n}.",
)
NO_OUTCOME = Note(
    "segments.no_outcome",
    "Nothing tells whether the segments differ in something they were not made from: name an "
    "outcome.",
)
OUTCOME = Note(
    "segments.outcome",
    "They differ in {outcome}, which they were not made from (p: {p:p}; {explained:%} of its "
    "variance).",
)
SAME_OUTCOME = Note(
    "segments.same_outcome",
    "They do not differ clearly in {outcome}, which they were not made from (p: {p:p}): for it "
    "they are of no use.",
)


@dataclass(frozen=True)
class Card:
    """What is known of a cut in groups: how it does beside tables without groups and other draws.

    `why` is the reason against segments, None where there are some.
    """

    numbers: clustering.Numbers
    jaccard: np.ndarray
    rand: float
    silhouette: float
    permuted: float
    cloud: float

    @property
    def why(self):
        """The first reason why these are no segments, or None."""
        if self.permuted > LEVEL:
            return "permuted"
        if self.cloud > LEVEL:
            return "cloud"
        return "unstable" if self.rand < STABLE else None


@engine.frames("customers")
@analysis
def clusters(
    customers: Table,
    columns: Sequence[str],
    *,
    outcome: str | None = None,
    basis: str = "use",
    most: int = 6,
    draws: int = 100,
    tables: int = 39,
    seed: int = 1,
) -> Result:
    """Which groups of alike customers are there, if any, and how good are they?

    Parameters
    ----------
    customers : table with customer_id and numbers, a row a customer
    columns : list of str
        Numbers the groups are made from.
    outcome : str, optional
        A number, or 0 and 1, that is not among them: segments should differ in it.
    basis : str
        What the columns are: knowledge, attitude, use or response.
    most : int
        Groups are tried from 2 to this number.
    draws, tables, seed : int
        Bootstrap samples, tables without groups of either kind, and the seed of both.

    Returns
    -------
    Result
        segment (A is the largest; everybody where there are none), measure (customers: share of
        all; else a column: its mean), count or total, n, estimate, std_error, conf_low, conf_high,
        comes_back (Jaccard), substantial (5 % or more). The card stands in `.facts`
        (segments.card). `members(segment=…)` gives the customers.

    Raises
    ------
    InputError
        For a column without numbers, an outcome among them, or a customer twice.
    NotEnoughData
        With fewer than 50 customers.

    Source: Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis; Hennig (2007),
    Computational Statistics & Data Analysis 52; Hennig & Liao (2013), JRSS C 62.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> shop = pd.DataFrame({"customer_id": range(200), "visits": rng.normal(5, 1, 200)})
    >>> made = clusters(shop.assign(basket=rng.normal(5, 1, 200)), ["visits", "basket"], tables=19)
    >>> made.table["segment"].unique().tolist()
    ['everybody']
    """
    grouped_by = people.of_basis(basis)
    columns, rows, left_out = _given(customers, columns, outcome, most)
    x = people.numbers(rows, columns)
    # Rows in an order of their values, so that neither names nor places count.
    order = np.lexsort(x.T)
    z = clustering.scaled(x[order]).z
    card, labels = _judged(z, most, draws, tables, seed)
    names = np.array([LETTERS[k] for k in range(card.numbers.taken)])
    segment = np.empty(len(rows), object)
    segment[order] = names[labels] if card.why is None else "everybody"
    table = _table(rows, segment, columns, outcome, card)
    method = METHOD.having(
        draws=draws,
        sample=min(len(rows), SAMPLE),
        stable=STABLE,
        tables=tables,
        table=min(len(rows), TABLE),
        level=LEVEL,
    )
    return Result(
        question=Note("segments.clusters_question", "Are there segments of customers, and which?"),
        table=table,
        answer=_answer(table, card, len(rows)),
        method=method,
        unit="customers",
        n=len(rows),
        limits=(
            *_limits(card, rows, segment, columns, outcome),
            *left_out,
            grouped_by,
            people.DESCRIBES,
        ),
        people=rows[["customer_id"]].assign(segment=segment),
        chart=Points(
            label=["segment"],
            only={"measure": "customers"},
            percent=True,
            xlabel=Note("segments.axis_share", "Share of customers"),
        ),
    )


def _given(customers, columns, outcome, most):
    """Return the columns, the rows that have them, and what is said of the others; checked."""
    columns = [columns] if isinstance(columns, str) else list(columns)
    need_columns("customers", customers.columns, outcome)
    if outcome in columns:
        raise InputError(
            "segments.error_outcome",
            "outcome: '{outcome}' is among the columns the segments are made from; name another",
            outcome=outcome,
        )
    if not isinstance(most, (int, np.integer)) or not 2 <= most <= 12:
        raise InputError(
            "segments.error_most",
            "most: a whole number from {least} to {top} is needed, found {most:repr}",
            least=2,
            top=12,
            most=most,
        )
    rows, left_out = people.whole(customers, [*columns, *([outcome] if outcome else [])])
    people.enough("clusters", len(rows), LEAST)
    return columns, rows, left_out


def _judged(z, most, draws, tables, seed):
    """Return the card of the best cut, and the group of every row."""
    rng = np.random.default_rng(seed)
    part = z if len(z) <= SAMPLE else z[np.sort(rng.choice(len(z), SAMPLE, replace=False))]
    some = part if len(part) <= TABLE else part[np.sort(rng.choice(len(part), TABLE, False))]
    numbers = clustering.number(some, most, draws=max(draws // 5, 5), seed=seed)
    grouping = clustering.k_means(part, numbers.taken, seed=seed)
    again = clustering.stability(part, grouping, draws=draws, seed=seed)
    permuted, cloud = (
        clustering.apart(some, most, kind, tables=tables, seed=seed)
        for kind in ("permuted", "cloud")
    )
    labels = clustering.assigned(z, grouping.centres)
    card = Card(
        numbers,
        again.jaccard,
        float(again.rand.mean()),
        clustering.silhouette(some, clustering.assigned(some, grouping.centres)),
        permuted.p_value,
        cloud.p_value,
    )
    return card, labels


def _table(rows, segment, columns, outcome, card):
    """Return size and profile of every segment."""
    out = []
    for k, name in enumerate(sorted(set(segment))):
        inside = segment == name
        everybody = name == "everybody"
        good = {"comes_back": np.nan if everybody else float(card.jaccard[k])}
        good["substantial"] = bool(inside.mean() >= SUBSTANTIAL)
        size = intervals.share(inside, np.arange(len(rows)))
        if everybody:  # true by definition
            size |= dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
        out.append({"segment": name, "measure": "customers", **size, **good})
        for column in [*columns, *([outcome] if outcome else [])]:
            values = rows.loc[inside, column].to_numpy(float)
            mean = intervals.mean(values, np.arange(len(values)))
            out.append({"segment": name, "measure": column, **mean, **good})
    return tidy(out)


def _answer(table, card, n):
    values = {"groups": card.numbers.taken, "n": n, "rand": card.rand}
    if card.why:
        return NONE.having(why=WHY[card.why], **values)
    first = table.iloc[0]
    return FOUND.having(
        name=first["segment"],
        share=first["estimate"],
        low=first["conf_low"],
        high=first["conf_high"],
        **values,
    )


def _limits(card, rows, segment, columns, outcome):
    """Return the card and what a reader must know of the segments."""
    tried = zip(card.numbers.groups, card.numbers.rand, strict=True)
    out = [
        CARD.having(
            groups=card.numbers.taken,
            rand=card.rand,
            silhouette=card.silhouette,
            permuted=card.permuted,
            cloud=card.cloud,
        ),
        BY_NUMBER.having(numbers=[_tried(k, r) for k, r in tried]),
    ]
    if len(rows) < A_COLUMN * len(columns):
        out.append(FEW.having(least=A_COLUMN * len(columns), columns=len(columns), n=len(rows)))
    if card.why is None:
        weak = [LETTERS[k] for k, share in enumerate(card.jaccard) if share < COMES_BACK]
        if weak:
            out.append(
                Note(
                    "segments.weak",
                    "These segments come back too little to be counted on: {names:text}.",
                    names=weak,
                )
            )
        out.append(_outcome(rows, segment, outcome))
    return out


def _tried(groups, rand):
    return Note("segments.tried", "{groups}: {rand:3}", groups=int(groups), rand=float(rand))


def _outcome(rows, segment, outcome):
    """Return whether the segments differ in what they were not made from."""
    from scipy import stats

    if outcome is None:
        return NO_OUTCOME
    values = rows[outcome].to_numpy(float)
    parts = [values[segment == name] for name in sorted(set(segment))]
    if np.ptp(values) == 0:
        return SAME_OUTCOME.having(outcome=outcome, p=1.0)
    p = float(stats.kruskal(*parts).pvalue)
    between = sum(len(v) * (v.mean() - values.mean()) ** 2 for v in parts)
    explained = float(between / ((values - values.mean()) ** 2).sum())
    if p < LEVEL:
        return OUTCOME.having(outcome=outcome, p=p, explained=explained)
    return SAME_OUTCOME.having(outcome=outcome, p=p)


@engine.frames("customers", kept=True)
def permuted_columns(customers: Table, columns: Sequence[str], *, seed: int = 1) -> pd.DataFrame:
    """What would the same table be like if its columns had nothing to do with one another?

    Parameters
    ----------
    customers : table
    columns : list of str
        Each is put in an order of its own.
    seed : int

    Returns
    -------
    DataFrame
        Raises InputError for a missing column.

    Source: the comparison with permuted data of `clusters`.

    Examples
    --------
    >>> import pandas as pd
    >>> sorted(permuted_columns(pd.DataFrame({"x": [1, 2, 3]}), ["x"])["x"])
    [1, 2, 3]
    """
    need_columns("customers", customers.columns, *columns)
    rng = np.random.default_rng(seed)
    made = customers.copy()
    for name in columns:
        made[name] = customers[name].to_numpy()[rng.permutation(len(customers))]
    return made
