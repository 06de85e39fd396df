"""What do people say themselves: which features must be there, which delight, and what matters
most?
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy, weights

if TYPE_CHECKING:
    from workbench.types import Table

KANO = np.array([list("QAAAO"), list("RIIIM"), list("RIIIM"), list("RIIIM"), list("RRRRQ")])
KANO_NAMES = {
    "A": "attractive",
    "O": "one_dimensional",
    "M": "must_be",
    "I": "indifferent",
    "R": "reverse",
    "Q": "questionable",
}
STATED_AXES = {
    "rating": Note("drivers.stated_axis_rating", "Mean rating"),
    "rank": Note("drivers.stated_axis_rank", "Mean rank (1 = most important)"),
    "named": Note("drivers.stated_axis_named", "Share who name it"),
}
DELIGHT = Note(
    "drivers.kano_answer",
    "The feature that adds most is {feature:word}: {estimate:%} of the answers call "
    "it attractive or one-dimensional ({low:%} to {high:%}; {count} of {n} that fit "
    "a category); the lowest is {last:word} ({last_share:%}).",
)
ONE_FEATURE = Note(
    "drivers.kano_answer_one",
    "{estimate:%} of the answers call {feature:word} attractive or one-dimensional "
    "({low:%} to {high:%}; {count} of {n} that fit a category).",
)
NO_FEATURE = Note(
    "drivers.kano_answer_none", "None of the {n} answers fits a category of features."
)
TIED = Note(
    "drivers.stated_answer_tied",
    "No factor could be shown to matter most: {factor:word} ({estimate:3}, {low:3} "
    "to {high:3}) does not differ clearly from {second:word} ({second_value:3}; {n} "
    "respondents).",
)
TIED_NAMED = Note(
    "drivers.stated_answer_tied_named",
    "No factor could be shown to be named most: {factor:word} ({estimate:%}, "
    "{low:%} to {high:%}) does not differ clearly from {second:word} "
    "({second_value:%}; {n} respondents).",
)
STATED_ANSWERS = {
    "rating": Note(
        "drivers.stated_answer_rating",
        "The highest rating is that of {factor:word}, {estimate:3} on average ({low:3} "
        "to {high:3}; {n} respondents); next is {second:word} ({second_value:3}).",
    ),
    "rank": Note(
        "drivers.stated_answer_rank",
        "The first in rank is {factor:word}, {estimate:3} on average ({low:3} to "
        "{high:3}; {n} respondents); next is {second:word} ({second_value:3}).",
    ),
    "named": Note(
        "drivers.stated_answer_named",
        "The factor named most often is {factor:word}, by {estimate:%} ({low:%} to "
        "{high:%}; {count} of {n} respondents); next is {second:word} "
        "({second_value:%}).",
    ),
}


STATED_WEIGHTED = Note(
    "drivers.stated_method_weighted",
    "Weighted shares and means, paired differences of weighted means; linearised errors, Holm's "
    "correction.",
)


@engine.frames("answers")
@analysis
def kano(answers: Table, *, conf_level: float = 0.95) -> Result:
    """Which features must be there, which please the more the better, and which delight?

    Parameters
    ----------
    answers : table with respondent_id, feature, functional, dysfunctional
        How one would feel with and without the feature: 1 like it, 2 expect it, 3 neutral, 4 can
        live with it, 5 dislike it.

    Returns
    -------
    Result
        feature, measure, count, n (answers), estimate (weighted where the answers have a column
        "weight"), std_error, conf_low, conf_high. Measures:
        the share of each category (attractive, one_dimensional, must_be, indifferent, reverse,
        questionable), better (attractive + one-dimensional over these, must-be and indifferent) and
        worse (minus one-dimensional + must-be over the same).

    Raises InputError for missing columns or answers outside 1 to 5.

    Source: Kano, Seraku, Takahashi & Tsuji (1984); Berger et al. (1993), Center for Quality
    Management Journal 2.
    """
    import pandas as pd

    fits.require(answers, "answers", "respondent_id", "feature", "functional", "dysfunctional")
    frame = answers.dropna(subset=["functional", "dysfunctional"])
    yes, no = frame["functional"].to_numpy(), frame["dysfunctional"].to_numpy()
    if not (np.isin(yes, range(1, 6)).all() and np.isin(no, range(1, 6)).all()):
        raise InputError(
            "drivers.error_kano_range",
            "answers: functional and dysfunctional must be whole numbers from 1 to 5",
        )
    frame = frame.assign(category=KANO[yes.astype(int) - 1, no.astype(int) - 1])
    rows = []
    for feature, mine in frame.groupby("feature", sort=True):
        rows += _of_feature(feature, mine, conf_level)
    if not rows:
        raise NotEnoughData("drivers.error_kano_empty", "kano: there is no complete answer")
    limits = [
        Note("drivers.kano_limit", "Categories shift: what delights today is expected tomorrow.")
    ]
    limits += weights.said(weights.of(frame))
    if frame["respondent_id"].nunique() < 150:
        limits.append(FEW.having(n=frame["respondent_id"].nunique(), least=150, unit="respondents"))
    return Result(
        question=Note(
            "drivers.kano_question",
            "Which features are basic, which satisfy in proportion, and which delight?",
        ),
        table=pd.DataFrame(rows),
        answer=_adds_most(pd.DataFrame(rows), len(frame)),
        method=Note(
            "drivers.kano_method",
            "Kano's evaluation table; better and worse coefficients after Berger; "
            "Wilson intervals.",
        ),
        unit="answers",
        n=len(frame),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["feature", "measure"],
            only={"measure": ["better", "worse"]},
            reference=0,
            xlabel=Note("drivers.kano_axis", "Better (with the feature) and worse (without)"),
        ),
    )


def _of_feature(feature, mine, conf_level):
    """Return the shares of the categories of a feature, and its better and worse coefficients."""
    who, got = mine["respondent_id"].to_numpy(), mine["category"].to_numpy()
    weight, plain = weights.of(mine), np.isin(got, list("AOMI"))
    made = {KANO_NAMES[k]: intervals.share(got == k, who, conf_level, weight) for k in "AOMIRQ"}
    if plain.any():
        how = who[plain], conf_level, None if weight is None else weight[plain]
        made["better"] = intervals.share(np.isin(got[plain], list("AO")), *how)
        worse = intervals.share(np.isin(got[plain], list("OM")), *how)
        made["worse"] = worse | {
            "estimate": -worse["estimate"],
            "conf_low": -worse["conf_high"],
            "conf_high": -worse["conf_low"],
        }
    return [{"feature": feature, "measure": name, **row} for name, row in made.items()]


def _adds_most(table, answers):
    """Return the feature with the highest better coefficient, beside the lowest."""
    rows = table[table["measure"] == "better"]
    if not len(rows):
        return NO_FEATURE.having(n=answers)
    rows = rows.sort_values(["estimate", "feature"], ascending=[False, True])
    first, last = rows.iloc[0], rows.iloc[-1]
    said = {**fits.said(first), "feature": first["feature"], "count": first["count"]}
    if len(rows) == 1:
        return ONE_FEATURE.having(**said)
    return DELIGHT.having(**said, last=last["feature"], last_share=last["estimate"])


@engine.frames("answers")
@analysis
def stated_importance(
    answers: Table, *, kind: str = "rating", top: float | None = None, conf_level: float = 0.95
) -> Result:
    """What do people themselves say matters most?

    Parameters
    ----------
    answers : table with respondent_id, factor, value
        One row a respondent and factor: value is a rating, a rank (1 = most important; factors not
        ranked share the mean of the ranks left), or for "named" 1 or 0 (no row: not named). A
        column "weight" (of a survey) is used.
    kind : str
        "rating", "rank" or "named".
    top : float, optional
        Ratings at or above it are the top box; None: the two highest grades given.

    Returns
    -------
    Result
        factor, measure (named, mean_rating, top_box, mean_rank), count, total, n (respondents),
        estimate, std_error, conf_low, conf_high, ties_with (factors it cannot be told apart from;
        paired signed-rank tests, for "named" the same as McNemar's, Holm's correction; empty: apart
        from all; missing beside top_box, and where fewer than ten answered on all factors).

    Raises
    ------
    InputError
        For missing columns, an unknown kind, or a respondent who rated a factor twice.
    NotEnoughData
        Where nobody answered on two factors.

    Source: Friedman (1937), JASA 32; Wilcoxon (1945); Holm (1979).
    """
    fits.require(answers, "answers", "respondent_id", "factor", "value")
    one_of("kind", kind, ("rating", "rank", "named"))
    frame = answers.dropna(subset=["value"])
    if frame.duplicated(["respondent_id", "factor"]).any():
        raise InputError(
            "drivers.error_answered_twice",
            "answers: some respondents rated a factor twice",
        )
    rows, limits = [], []
    wide = frame.pivot(index="respondent_id", columns="factor", values="value").sort_index(axis=1)
    if wide.shape[1] < 2 or not len(wide):
        raise NotEnoughData(
            "drivers.error_two_factors",
            "stated_importance: answers on at least two factors are needed",
        )
    part = int(wide.isna().any(axis=1).sum())
    if kind == "named":
        wide = wide.fillna(0.0)  # who answered and did not name it
    elif kind == "rank" and part:
        # Who ranked a few left the others behind them, none before another: they share the mean of
        # the ranks that are left.
        rest = (wide.count(axis=1) + 1 + wide.shape[1]) / 2
        wide = wide.apply(lambda c: c.fillna(rest))
        limits.append(
            Note(
                "drivers.rank_part",
                "{n} respondent ranked some factors only; the others share the mean of the "
                "remaining ranks.",
                "{n} respondents ranked some factors only; the others share the mean of the "
                "remaining ranks.",
                n=part,
            )
        )
    whole, heavy = wide.dropna(), _heavy(frame, wide.index)
    ties = _ties(whole, heavy, conf_level) if len(whole) >= 10 else {}
    limits += _together(whole, heavy) if len(whole) >= 10 else []
    cut = np.unique(frame["value"])[-2:][0] if top is None else top
    for factor in wide:
        values = wide[factor].dropna()
        who = values.index.to_numpy()
        counts = None if heavy is None else heavy[who].to_numpy()
        tied = {"ties_with": ties.get(factor)}
        if kind == "named":
            rows.append(
                {
                    "factor": factor,
                    "measure": "named",
                    **intervals.share(values.to_numpy() > 0, who, conf_level, counts),
                    **tied,
                }
            )
            continue
        rows.append(
            {
                "factor": factor,
                "measure": f"mean_{kind}",
                **intervals.mean(values, who, conf_level, counts),
                **tied,
            }
        )
        if kind == "rating":
            rows.append(
                {
                    "factor": factor,
                    "measure": "top_box",
                    **intervals.share(values.to_numpy() >= cut, who, conf_level, counts),
                    "ties_with": None,
                }
            )
    first = {"named": "named", "rating": "mean_rating", "rank": "mean_rank"}[kind]
    table = tidy(rows)
    table = table.iloc[
        np.lexsort(
            [
                table["factor"].map(str),
                table["estimate"] * (1 if kind == "rank" else -1),
                table["measure"] != first,
            ]
        )
    ].reset_index(drop=True)
    limits.insert(
        0,
        Note(
            "drivers.stated_limit",
            "People rate almost everything as important and know their own reasons only "
            "in part: compare with what choices show.",
        ),
    )
    limits += weights.said(None if heavy is None else heavy.to_numpy())
    if len(wide) < 150:
        limits.append(FEW.having(n=len(wide), least=150, unit="respondents"))
    return Result(
        question=Note("drivers.stated_question", "What do people themselves say matters most?"),
        table=table,
        answer=_most_important(table, kind),
        method=STATED_WEIGHTED
        if heavy is not None
        else Note(
            "drivers.stated_method",
            "Shares with Wilson intervals, means with normal ones; paired signed-rank "
            "tests with Holm's correction.",
        ),
        unit="respondents",
        n=len(wide),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["factor"],
            only={"measure": first},
            percent=kind == "named",
            xlabel=STATED_AXES[kind],
        ),
    )


def _heavy(frame, respondents):
    """Return the weight of every respondent (the mean of their rows); None where all are alike."""
    if weights.of(frame) is None:
        return None
    return frame.groupby("respondent_id")[weights.WEIGHT].mean().reindex(respondents)


def _ties(whole, heavy, conf_level):
    """Return factor → the factors it cannot be told apart from, in words."""
    pairs = list(combinations(whole.columns, 2))
    p = [
        1.0 if (whole[a] == whole[b]).all() else _apart(whole[a] - whole[b], heavy)
        for a, b in pairs
    ]
    apart = dict(zip(pairs, intervals.adjust_p_values(p) < 1 - conf_level, strict=True))
    return {
        f: ", ".join(
            str(g)
            for g in whole.columns
            if g != f and not apart.get((f, g), apart.get((g, f), True))
        )
        for f in whole
    }


def _together(whole, heavy):
    """Return the test over all factors together, where there are several and no weights."""
    from scipy import stats

    if whole.shape[1] < 3 or heavy is not None:
        return []
    return [
        Note(
            "drivers.friedman",
            "Friedman's test over all factors together, p: {p:p} ({n} complete respondents).",
            p=float(stats.friedmanchisquare(*whole.to_numpy().T).pvalue),
            n=len(whole),
        )
    ]


def _apart(gap, heavy):
    """Return the p-value of no difference between two factors: the signed-rank test, with weights
    that of the weighted mean difference and its linearised error.
    """
    from scipy import stats

    if heavy is None:
        return stats.wilcoxon(gap).pvalue
    row = intervals.mean(gap, np.arange(len(gap)), weights=heavy[gap.index].to_numpy())
    return float(np.nan_to_num(intervals.p_value(row["estimate"], row["std_error"]), nan=1.0))


def _most_important(table, kind):
    """Return the first factor of the table, which is in order, and whether the second ties."""
    first, second = table.iloc[0], table.iloc[1]
    ties = str(first["ties_with"] or "").split(", ")
    answer = STATED_ANSWERS[kind]
    if str(second["factor"]) in ties:
        answer = TIED_NAMED if kind == "named" else TIED
    return answer.having(
        **fits.said(first),
        **({"count": first["count"]} if kind == "named" else {}),
        factor=first["factor"],
        second=second["factor"],
        second_value=second["estimate"],
    )
