"""Does what customers do foretell more than who they are?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData, countable, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.results import columns as held
from workbench.segments import people
from workbench.stats import cross_validation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Table

LEAST, ADVISED, EACH = 100, 500, 20
ANSWER = Note(
    "segments.bases_answer",
    "What customers do foretells {outcome} {better} who they are: log score {estimate:3} a "
    "customer ({low:3} to {high:3}; {n} customers).",
)
BETTER = {
    "more": Note("segments.bases_more", "better than"),
    "less": Note("segments.bases_less", "worse than"),
    "alike": Note("segments.bases_alike", "neither clearly better nor clearly worse than"),
}


@engine.frames("table")
@analysis
def bases(
    table: Table,
    *,
    demographics: Sequence[str],
    behaviour: Sequence[str],
    outcome: str,
    folds: int = 5,
    draws: int = 1000,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Does what customers do foretell a later outcome better than who they are?

    Parameters
    ----------
    table : table with customer_id, the columns and the outcome, a row a customer
    demographics, behaviour : list of str
        Columns of numbers or words; a number that is missing is taken as 0 and marked, a missing
        word is a group of its own.
    outcome : str
        0 and 1, of a time after that of the columns.
    folds, draws, seed : int
        Parts of the customers that are foretold in turn, bootstrap samples, and the seed of both.
    conf_level : float

    Returns
    -------
    Result
        basis (demographics, behaviour, both: gain of the log score over knowing only how common the
        outcome is; behaviour_less_demographics, both_less_behaviour, both_less_demographics), n,
        estimate (nats a customer), std_error, conf_low, conf_high (bootstrap over customers).

    Raises
    ------
    InputError
        For a missing column, one that stands in both lists, or an outcome that is not 0 and 1.
    NotEnoughData
        With fewer than a hundred customers, or twenty with either outcome.

    Source: Gneiting & Raftery (2007), JASA 102 (log score); Varma & Simon (2006), BMC
    Bioinformatics 7 (nested cross-validation).

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> d = pd.DataFrame({"customer_id": range(300), "visits": rng.normal(size=300),
    ...     "age": rng.choice(["young", "old"], 300)})
    >>> d["later"] = (rng.random(300) < 1 / (1 + np.exp(-3 * d["visits"]))) * 1
    >>> made = bases(d, demographics=["age"], behaviour=["visits"], outcome="later", draws=100)
    >>> "better than who they are" in str(made.answer)
    True
    """
    rows = _checked(table, demographics, behaviour, outcome)
    y = rows[outcome].to_numpy(float).astype(int)
    kinds = {"demographics": demographics, "behaviour": behaviour}
    x = {name: _design(rows, columns) for name, columns in kinds.items()}
    x["both"] = np.column_stack([x["demographics"], x["behaviour"]])
    # Rows in an order of their values, so that neither names nor places decide who is foretold.
    order = np.lexsort([*x["both"].T, y])
    score = {
        name: cross_validation.held_out_scores(part[order], y[order], folds=folds, seed=seed)
        for name, part in {"none": x["both"][:, :0], **x}.items()
    }
    pairs = {name: (name, "none") for name in x} | {
        f"{a}_less_{b}": (a, b)
        for a, b in (("behaviour", "demographics"), ("both", "behaviour"), ("both", "demographics"))
    }
    gains = {name: score[a] - score[b] for name, (a, b) in pairs.items()}
    gained = _table(gains, draws, seed, conf_level)
    return Result(
        question=Note(
            "segments.bases_question", "Does what customers do foretell more than who they are?"
        ),
        table=gained,
        answer=_answer(gained, outcome, len(rows)),
        method=Note(
            "segments.bases_method",
            "Penalised logits of one kind, each customer foretold from the others ({folds} folds, "
            "the penalty chosen within the learners); differences of log scores with bootstrap "
            "intervals over customers ({draws} samples).",
            folds=folds,
            draws=draws,
        ),
        unit="customers",
        n=len(rows),
        conf_level=conf_level,
        evidence="associational",
        limits=(
            *_few(len(rows)),
            Note(
                "segments.bases_limit",
                "What foretells need not bring about; another outcome, or finer demographics, may "
                "turn the comparison round. Intervals take the fitted models as given.",
            ),
        ),
        chart=Points(
            label=["basis"],
            reference=0.0,
            xlabel=Note("segments.bases_axis", "Gain in log score a customer"),
        ),
    )


def _checked(customers, demographics, behaviour, outcome):
    """Return the rows with an outcome; columns and numbers checked."""
    people.once(customers)
    need_columns("customers", customers.columns, *demographics, *behaviour, outcome)
    twice = {outcome, *demographics} & set(behaviour) or {outcome} & set(demographics)
    if twice or not demographics or not behaviour:
        raise InputError(
            "segments.error_bases",
            "bases: demographics and behaviour must name columns, each in one list only and not "
            "the outcome; found {demographics:text} and {behaviour:text}",
            demographics=list(demographics) or "–",
            behaviour=list(behaviour) or "–",
        )
    rows = customers.dropna(subset=["customer_id", outcome])
    people.flags(rows, [outcome])
    yes = int(rows[outcome].astype(float).sum())
    if len(rows) < LEAST or min(yes, len(rows) - yes) < EACH:
        raise NotEnoughData(
            "segments.error_bases_few",
            "bases: {n} customers, {yes} of them with the outcome; {least} are needed, and {each} "
            "with either outcome",
            n=len(rows),
            yes=yes,
            least=LEAST,
            each=EACH,
        )
    return rows


def _design(rows, columns):
    """Return columns as numbers: words as indicators, what is missing marked."""
    parts = [np.empty((len(rows), 0))]
    for name in columns:
        column = rows[name]
        if not held.holds_numbers(column):
            parts.append(cross_validation.indicators(people.words(column)))
            continue
        values = column.to_numpy(dtype=float, na_value=np.nan)
        countable("customers", name, values)
        missing = np.isnan(values)
        parts.append(np.where(missing, 0.0, values)[:, None])
        if missing.any():
            parts.append(missing[:, None].astype(float))
    return np.column_stack(parts)


def _table(gains, draws, seed, conf_level):
    """Return the mean of every difference of scores with its bootstrap interval."""
    each = np.column_stack(list(gains.values()))
    mean = each.mean(axis=0)
    rng = np.random.default_rng(seed)
    drawn = np.array([each[rng.integers(0, len(each), len(each))].mean(0) for _ in range(draws)])
    error, low, high = intervals.percentiles(drawn, mean, conf_level)
    return tidy(
        [
            {
                "basis": name,
                "n": len(each),
                "estimate": mean[k],
                "std_error": error[k],
                "conf_low": low[k],
                "conf_high": high[k],
            }
            for k, name in enumerate(gains)
        ]
    )


def _answer(table, outcome, n):
    row = table.set_index("basis").loc["behaviour_less_demographics"]
    clear = "more" if row["conf_low"] > 0 else "less" if row["conf_high"] < 0 else "alike"
    return ANSWER.having(
        outcome=outcome,
        better=BETTER[clear],
        estimate=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        n=n,
    )


def _few(n):
    if n >= ADVISED:
        return []
    return [
        Note(
            "segments.bases_few",
            "Rule of thumb: {least} customers; there are {n}.",
            least=ADVISED,
            n=n,
        )
    ]
