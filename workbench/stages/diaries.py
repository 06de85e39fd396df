"""What occasions look like once the diaries of some customers say what decisions they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import names as own
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stages.measures import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST_DIARIES = 50
QUESTION = Note("stages.diary_question", "What do decisions look like, corrected with diaries?")
METHOD = Note(
    "stages.diary_method",
    "Per customer, what the rule counts is regressed on what the diary says, for the customers who "
    "kept one; the regression carries it to all customers, and the differences that remain make "
    "the interval (regression estimator of a two-phase sample). Errors of the rule are corrected "
    "in both directions.",
)
LIMIT = Note(
    "stages.diary_limit",
    "Corrected with the diaries of {n} customer; these must be a random part of all, and what they "
    "wrote down must be true.",
    "Corrected with the diaries of {n} customers; these must be a random part of all, and what "
    "they wrote down must be true.",
    n=1,
)
NOT_ASKED = Note(
    "stages.error_not_asked",
    "diary: {n} decision belongs to a customer who is not among `asked`; name everybody who kept a "
    "diary, also those without a decision",
    "diary: {n} decisions belong to customers who are not among `asked`; name everybody who kept a "
    "diary, also those without a decision",
    n=1,
)
ANSWER = Note(
    "stages.diary_answer",
    "By the diaries, {share:%} of decisions were bought ({low:%} to {high:%}; diaries of {people} "
    "customers, {n} decisions); the rule says {counted:%}.",
)
SIZE = "considered"  # column of occasions with the number of alternatives


@engine.frames("occasions", "diary")
@analysis
def by_diary(
    occasions: Table,
    diary: Table,
    asked: Sequence,
    stages: Sequence[str],
    *,
    customers: int | None = None,
    conf_level: float = 0.95,
) -> Result:
    """What do decisions look like, when some customers wrote down theirs?

    Parameters
    ----------
    occasions : DataFrame from `episodes` or `profile`, of all customers
    diary : DataFrame
        One row a decision of the customers who kept a diary: customer_id, outcome (bought,
        abandoned, open), one true-or-false column a stage, and `considered`, the number of
        alternatives thought of, where it was asked.
    asked : sequence
        Everybody who kept a diary, also those without a decision.
    stages : list of str
        Stages in rank order, the purchase last.
    customers : int, optional
        How many customers there are; default those of `occasions` and `asked`.

    Returns
    -------
    Result
        measure (reach, skipped: of purchases, considered: mean of purchases), term (stage), kind
        (counted: by the rule; corrected), count, total (of the mean), n (occasions; decisions in
        the diaries), estimate,
        std_error, conf_low, conf_high. The corrected share has no count. Customers are the
        sampling unit.

    Raises
    ------
    InputError
        Where a diary belongs to nobody who was asked.
    NotEnoughData
        For fewer than 50 diaries.

    Source: Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, ch. 9.
    """
    stages = own.listed(stages)
    checked(occasions, "customer_id", "outcome", *stages)
    checked(diary, "customer_id", "outcome", *stages)
    people = _people(occasions, diary, asked, customers, conf_level)
    rows = []
    for measure, term, part in _measures(occasions, diary, stages):
        counted, corrected = part(occasions), part(diary)
        rows += [
            {
                "measure": measure,
                "term": term,
                "kind": "counted",
                **people.ratio(*counted, total="total" if measure == SIZE else "count"),
            },
            {
                "measure": measure,
                "term": term,
                "kind": "corrected",
                **people.corrected(counted, corrected, None if measure == SIZE else 1.0),
            },
        ]
    table = tidy(rows)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        table[name] = table[name].astype(float)
    return Result(
        question=QUESTION,
        table=table,
        answer=_answer(table, stages[-1], len(people.asked)),
        method=METHOD,
        unit="episodes",
        n=len(occasions),
        conf_level=conf_level,
        limits=(LIMIT.having(n=len(people.asked)),),
        chart=Points(
            label=["measure", "term"],
            group="kind",
            only={"measure": ["reach", "skipped"]},
            percent=True,
            xlabel=Note("stages.diary_axis", "Share of occasions and of decisions"),
        ),
    )


def _people(occasions, diary, asked, customers, conf_level):
    """Return the customers, checked: who kept a diary and how many there are."""
    import pandas as pd

    asked = pd.unique(engine.written(pd.Series(list(asked))).dropna())
    strange = ~engine.written(diary["customer_id"]).isin(asked)
    if strange.any():
        raise InputError(NOT_ASKED.having(n=int(strange.sum())))
    if len(asked) < LEAST_DIARIES:
        raise NotEnoughData(
            "stages.error_diaries",
            "by_diary: at least {least} diaries are needed, found {n}",
            least=LEAST_DIARIES,
            n=len(asked),
        )
    everybody = pd.unique(pd.concat([pd.Series(asked), engine.written(occasions["customer_id"])]))
    return _People(asked, everybody, max(customers or 0, len(everybody)), conf_level)


def _measures(occasions, diary, stages):
    """Yield each measure with a function from a table to its rows' numerators and denominators."""

    def reach(stage):
        return lambda d: (d, d[stage].astype(float), np.ones(len(d)))

    def skipped(names):
        def part(d):
            bought = (d["outcome"] == "bought").to_numpy(float)
            return d, bought * ~d[names].any(axis=1).to_numpy(bool), bought

        return part

    def size(d):
        bought = (d["outcome"] == "bought").to_numpy(float)
        return d, bought * np.maximum(d[SIZE].fillna(0).to_numpy(float), 1), bought

    for stage in stages:
        yield "reach", stage, reach(stage)
    early = [s for s in stages[:-1] if s in ("need", "search", "evaluation")]
    for names in [[s] for s in early] + ([early[-2:]] if len(early) > 1 else []):
        yield "skipped", " + ".join(names), skipped(names)
    if SIZE in occasions and SIZE in diary:
        yield SIZE, "mean", size


class _People:
    """Customers as sampling units, and those among them who kept a diary."""

    def __init__(self, asked, everybody, total, conf_level):
        self.asked, self.everybody, self.total = asked, everybody, total
        self.conf_level = conf_level

    def sums(self, d, numerator, denominator, who):
        """Return numerator and denominator, added up by customer."""
        import pandas as pd

        code = pd.Index(who).get_indexer(engine.written(d["customer_id"]))
        kept = code >= 0
        return np.column_stack(
            [
                np.bincount(code[kept], np.asarray(v, float)[kept], len(who))
                for v in (numerator, denominator)
            ]
        )

    def ratio(self, d, numerator, denominator, total="count"):
        """Return what the rule counts: of a share the count, of a mean the sum it divides."""
        x = self.sums(d, numerator, denominator, self.everybody)
        here = x[:, 1] > 0
        estimate, se, low, high = intervals.ratio(x[here, 0], x[here, 1], self.conf_level)
        return {
            total: x[:, 0].sum(),
            "n": int(x[:, 1].sum()),
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }

    def corrected(self, counted, written, most=None):
        """Return the ratio of totals, each carried from the diaries to all by regression."""
        x = self.sums(*counted, self.everybody)
        own_x = self.sums(*counted, self.asked)
        y = self.sums(*written, self.asked)
        m, n = len(self.asked), self.total
        design = np.column_stack([np.ones(m), own_x])
        beta = np.linalg.lstsq(design, y, rcond=None)[0]
        whole = np.concatenate([[1.0], x.sum(axis=0) / n])
        top, bottom = whole @ beta
        ratio = top / bottom if bottom > 0 else np.nan
        rest = (y - design @ beta) @ np.array([1, -ratio])
        spread = y @ np.array([1, -ratio])
        rank = max(m - design.shape[1], 1)
        # The doubt of the regression, and that of the customers there are.
        variance = (rest**2).sum() / rank / m * (1 - m / n) + spread.var(ddof=1) / n
        se = np.sqrt(variance) / bottom if bottom > 0 else np.nan
        low, high = intervals.normal(ratio, se, self.conf_level)
        return {
            "n": int(y[:, 1].sum()),
            "estimate": ratio,
            "std_error": se,
            "conf_low": max(float(low), 0.0),
            "conf_high": float(high) if most is None else min(float(high), most),
        }


def _answer(table, goal, people):
    """Return the share of decisions that were bought, by the diaries and by the rule."""
    rows = table[(table["measure"] == "reach") & (table["term"] == goal)].set_index("kind")
    corrected = rows.loc["corrected"]
    return ANSWER.having(
        share=corrected["estimate"],
        low=corrected["conf_low"],
        high=corrected["conf_high"],
        people=people,
        n=corrected["n"],
        counted=rows.loc["counted", "estimate"],
    )
