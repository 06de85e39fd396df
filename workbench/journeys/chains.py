"""How well the last events predict the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Moment, Table

NOT_EXPLAINED = Note("journeys.next_limit", "Predicting the next click is not explaining it.")


@engine.tables("events")
@analysis
def next_event(
    events: Table,
    *,
    orders: tuple = (0, 1, 2),
    timeout: str = "30min",
    column: str = "event",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How well does what people just did say what they do next?

    Chains of order 0 (the frequencies alone) and higher are learnt on four fifths of the customers
    and scored on the others.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event
    orders : tuple of int
        How many past events a chain looks at, up to 3.
    timeout : str
        Longest pause between two events that still counts as a move.
    column, until
        As in `paths`.

    Returns
    -------
    Result
        order, measure (log_score: mean log-likelihood of the event that came; hit_rate: how often
        the likeliest came), count (moves scored right), n (moves scored), estimate, std_error,
        conf_low, conf_high. Customers are the sampling unit.

    Raises
    ------
    NotEnoughData
        Without moves among learnt or scored customers.

    Source: Montgomery, Li, Srinivasan & Liechty (2004), Marketing Science 23.
    """
    import pandas as pd

    schemas.require(events, "events", column)
    names = own.listed(engine.distinct(events, column))
    most = max(orders)
    if not 0 <= min(orders) <= most <= 3 or (len(names) + 1) ** (most + 1) > 2**62:
        raise InputError(
            "journeys.error_orders",
            "orders: whole numbers from {least} to {most} are needed, found {orders}",
            least=0,
            most=3,
            orders=list(orders),
        )
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code(column, names),
    }
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    learnt = (
        engine.map_ordered(
            view,
            _Grams(len(names), most, schemas.micros("timeout", timeout), False),
            then=("t", "k"),
        )
        .groupby("gram")["moves"]
        .sum()
    )
    scored = engine.map_ordered(
        view, _Grams(len(names), most, schemas.micros("timeout", timeout), True), then=("t", "k")
    )
    scored = (
        scored.groupby(["customer", "gram"], as_index=False)["moves"]
        .sum()
        .sort_values(["gram", "customer"], ignore_index=True)
    )
    if not len(learnt) or not len(scored):
        raise NotEnoughData(
            "journeys.error_too_few_moves",
            "next_event: too few moves to learn from and to score",
        )
    e = len(names) + 1
    who = np.unique(scored["customer"].astype(str), return_inverse=True)[1]
    moves = scored["moves"].to_numpy(float)
    rows = []
    for order in orders:
        size = e ** (order + 1)
        counts = learnt.groupby(learnt.index % size).sum()
        context = counts.groupby(counts.index // e).sum()
        base = learnt.groupby(learnt.index % e).sum() / learnt.sum()
        gram = scored["gram"].to_numpy() % size
        c = counts.reindex(gram, fill_value=0).to_numpy(float)
        total = context.reindex(gram // e, fill_value=0).to_numpy(float)
        prior = base.reindex(gram % e, fill_value=0).to_numpy(float) * 0.99 + 0.01 / len(names)
        score = np.log((c + 5 * prior) / (total + 5))
        # The likeliest next event of each context; a context never seen falls back on the commonest
        # event.
        likeliest = counts.sort_values(kind="stable").groupby(lambda g: g // e).tail(1)
        best = (
            pd.Series(likeliest.index % e, index=likeliest.index // e)
            .reindex(gram // e)
            .fillna(base.idxmax())
            .to_numpy()
        )
        hit = (best == gram % e).astype(float)
        x = np.bincount(who, moves)
        for measure, value in (("log_score", score), ("hit_rate", hit)):
            estimate, se, low, high = intervals.ratio(
                np.bincount(who, moves * value), x, conf_level
            )
            rows.append(
                {
                    "order": f"{order}",
                    "measure": measure,
                    "count": int((moves * hit).sum()) if measure == "hit_rate" else np.nan,
                    "n": int(moves.sum()),
                    "estimate": estimate,
                    "std_error": se,
                    "conf_low": low,
                    "conf_high": high,
                }
            )
    table = pd.DataFrame(rows)
    scores = table[table["measure"] == "log_score"].set_index("order")["estimate"]
    hits = table[table["measure"] == "hit_rate"].set_index("order")
    best = scores.idxmax()
    return Result(
        question=Note(
            "journeys.predict_question", "How well do the last events predict the next one?"
        ),
        table=table,
        method=Note(
            "journeys.predict_method",
            "Markov chains estimated on four fifths of the customers and scored on the others; "
            "shrunk towards the overall frequencies; ratios over customers, delta method.",
        ),
        unit="moves",
        n=int(moves.sum()),
        conf_level=conf_level,
        limits=(_gain(scores, best), NOT_EXPLAINED),
        answer=_best_answer(hits, best),
        chart=Points(
            label=["order"],
            only={"measure": "log_score"},
            xlabel=Note(
                "journeys.predict_axis", "Mean log-likelihood of the next event (higher is better)"
            ),
        ),
    )


def _gain(scores, best):
    """Say how much better the best chain scores than the one that looks at least of the past."""
    return Note(
        "journeys.next_best",
        "By mean log-likelihood, order {order} is {gain:3} better than order {base}.",
        order=int(best),
        base=int(scores.index[0]),
        gain=scores[best] - scores.iloc[0],
    )


def _best_answer(hits, best):
    """Say how often the best chain was right; where the past helps, against the one that looks at
    least of it.
    """
    row, base = hits.loc[best], hits.iloc[0]
    values = {
        "order": int(best),
        "share": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "count": int(row["count"]),
        "n": int(row["n"]),
    }
    if best == hits.index[0]:
        return Note(
            "journeys.no_gain_answer",
            "Chains of a higher order than {order} predict no better: the most probable event "
            "came in {share:%} of moves ({low:%} to {high:%}; {count} of {n}).",
            **values,
        )
    return Note(
        "journeys.predict_answer",
        "The event a chain of order {order} held most probable came in {share:%} of moves "
        "({low:%} to {high:%}; {count} of {n}); with one of order {base_order}, in {base:%}.",
        **values,
        base=base["estimate"],
        base_order=int(hits.index[0]),
    )


class _Grams:
    """The kernel of `next_event`: counts of an event with up to three before it (0 = none), of the
    customers learnt from or of those scored.
    """

    def __init__(self, names, most, width, scored):
        self.names, self.most, self.width, self.scored = names, most, width, scored

    def __call__(self, batch):
        k, time, n, e = batch["k"].astype(np.int64) + 1, batch["t"], len(batch), self.names + 1
        follows = np.zeros(n, bool)
        follows[1:] = (
            (np.diff(time) <= self.width) & (batch.customer[1:] == batch.customer[:-1])
            if n
            else False
        )
        run = (
            np.arange(n) - np.maximum.accumulate(np.where(follows, 0, np.arange(n)))
            if n
            else np.zeros(0, int)
        )
        gram = k.copy()
        for back in range(1, self.most + 1):
            before = np.concatenate(
                [np.zeros(min(back, n), np.int64), k[:-back] if n > back else k[:0]]
            )[:n]
            gram = gram + np.where(run >= back, before, 0) * e**back
        # Every fifth customer is scored, by a hash of all they did, so the split depends on
        # nobody's name.
        who = batch.customer
        mixed = (time * np.int64(31) + k).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        head = np.flatnonzero(np.diff(who, prepend=-1))
        luck = (
            np.add.reduceat(mixed >> np.uint64(32), head) % np.uint64(5)
            if n
            else np.zeros(0, np.uint64)
        )
        rows = (
            np.flatnonzero(follows & ((luck[who] == 0) == self.scored)) if n else np.zeros(0, int)
        )
        who = batch.customer[rows]
        order = (
            np.lexsort((gram[rows], who)) if self.scored else np.argsort(gram[rows], kind="stable")
        )
        rows, who = rows[order], who[order]
        g = gram[rows]
        new = np.ones(len(rows), bool)
        new[1:] = (g[1:] != g[:-1]) | ((who[1:] != who[:-1]) if self.scored else False)
        start = np.flatnonzero(new)
        return {
            "customer": batch["customer"][rows[start]],
            "gram": g[start],
            "moves": np.diff(np.append(start, len(rows))).astype(np.int64),
        }
