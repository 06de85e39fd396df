"""For whom do the answers speak: weights to known margins, and what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy, weights
from workbench.stats import sampling
from workbench.surveys import measures
from workbench.surveys.comparisons import measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from workbench.types import Table

BASIS = ("unweighted", "weighted")
MOST_WEIGHT = 5.0  # times the mean weight: past it single people decide
CLOSE = 0.005  # half a point of a share


@engine.frames("surveys", kept=True)
@analysis
def rake(surveys: Table, margins: Mapping) -> pd.DataFrame:
    """Weigh respondents so that their make-up meets that of those they speak for.

    Parameters
    ----------
    surveys : table with respondent_id and the columns of the margins
        weight, where there is one, is where the search begins.
    margins : dict
        Column → {value: share in the population}; the shares of a column add up to 1.

    Returns
    -------
    DataFrame
        The same rows with weight (mean 1 over respondents). Respondents without a value of a
        column, and rows without a respondent, are left out and counted.

    Raises
    ------
    InputError
        For missing columns, shares that do not add up to 1, a value without a share, or a share
        without a respondent.
    NotEnoughData
        Where no weights meet all margins.

    Source: Deming & Stephan (1940), Annals of Mathematical Statistics 11.
    """
    need_columns("surveys", surveys.columns, "respondent_id", *margins)
    if not margins:
        raise InputError(
            "surveys.error_no_margin", "margins: name at least one column with its shares"
        )
    whole = surveys[surveys[["respondent_id", *margins]].notna().all(axis=1)]
    people = whole.drop_duplicates("respondent_id").reset_index(drop=True)
    for column in margins:
        _one_value(whole, column)
    known = {name: _shares(people[name], name, wanted) for name, wanted in margins.items()}
    begin = weights.of(people)
    made = sampling.rake(
        [codes for codes, _ in known.values()], [shares for _, shares in known.values()], begin
    )
    if not made.settled:
        raise NotEnoughData(
            "surveys.error_rake",
            "margins: no weights meet all of them; after {rounds} rounds a share is still "
            "{gap:%2} off. Merge small groups, or leave a column out",
            rounds=made.rounds,
            gap=made.gap,
        )
    if len(whole) < len(surveys):
        say(
            Note(
                "surveys.rake_left_out",
                "{n} row without a respondent or a value of a margin is left out.",
                "{n} rows without a respondent or a value of a margin are left out.",
                n=len(surveys) - len(whole),
            )
        )
    heaviest = float(made.weights.max())
    if heaviest > MOST_WEIGHT:
        say(
            Note(
                "surveys.rake_heavy",
                "The heaviest respondent counts {heaviest:1} times the mean: single people decide. "
                "Merge small groups, or use fewer margins.",
                heaviest=heaviest,
            )
        )
    by_person = dict(zip(people["respondent_id"], made.weights, strict=True))
    result = whole.assign(weight=whole["respondent_id"].map(by_person))
    result.attrs.update(surveys.attrs)
    return result


@engine.frames("surveys")
@analysis
def weight_effect(
    surveys: Table,
    *,
    item: str,
    measure: str = "top_box",
    scale: tuple | None = None,
    top: int = 2,
    conf_level: float = 0.95,
) -> Result:
    """What do the weights change?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value, weight
    item : str
    measure : str
        "nps" (points), "top_box" (share of the highest answers) or "mean".
    scale, top : as in `csat`
    conf_level : float

    Returns
    -------
    Result
        basis (unweighted, weighted), count, n (answers), estimate, std_error, conf_low, conf_high,
        effective (equally weighted answers with the same error) and design_effect.

    Raises InputError without weights.

    Source: Kish (1965), Survey Sampling; Lumley (2010), Complex Surveys.
    """
    need_columns("surveys", surveys.columns, weights.WEIGHT)
    asked, answers = measured(surveys, item, measure, scale, top)
    rows = []
    for basis in BASIS:
        part = answers if basis == "weighted" else answers.unweighted()
        made = sampling.mean(asked.score(part.value), part.weight, part.who)
        rows.append(
            {
                "basis": basis,
                **measures.estimate(part, asked, conf_level),
                "effective": made.effective,
                "design_effect": made.design_effect,
            }
        )
    table = tidy(rows)
    return Result(
        question=Note("surveys.weighting_question", "What do the weights change?"),
        table=table,
        answer=_changed(table, asked),
        method=Note(
            "surveys.weighting_method",
            "The same answers counted once each and by their weight; errors by linearisation, the "
            "respondent as sampling unit.",
        ),
        unit="answers",
        n=len(answers),
        conf_level=conf_level,
        limits=(
            *measures.limits(answers),
            Note(
                "surveys.weighting_limit",
                "Weights mend only what they know of: those who did not answer may differ in what "
                "they think, whatever their age or region.",
            ),
        ),
        chart=Points(label=["basis"], percent=asked.share, xlabel=measures.axis(asked)),
    )


CHANGED = Note(
    "surveys.weighting_answer",
    "Weighted the score is {estimate:1} ({low:1} to {high:1}; {n} answers), unweighted {plain:1}.",
)
CHANGED_SHARE = Note(
    "surveys.weighting_answer_share",
    "Weighted the share is {estimate:%} ({low:%} to {high:%}; {n} answers), unweighted {plain:%}.",
)


def _changed(table, asked):
    plain, weighted = table.iloc[0], table.iloc[1]
    note = CHANGED_SHARE if asked.share else CHANGED
    return note.having(
        estimate=weighted["estimate"],
        low=weighted["conf_low"],
        high=weighted["conf_high"],
        n=int(weighted["n"]),
        plain=plain["estimate"],
    )


def _one_value(rows, column):
    """Refuse respondents who have two values of one column."""
    several = rows.groupby("respondent_id")[column].nunique() > 1
    if several.any():
        raise InputError(
            "surveys.error_two_values",
            "surveys: {n} respondents have more than one value of '{column}', such as "
            "{who:repr}; a margin needs one a respondent",
            n=int(several.sum()),
            column=column,
            who=several.index[several][0],
        )


def _shares(values, column, wanted):
    """Return everyone's group as a number, and the share each group should have."""
    shares = {names.written(value): float(share) for value, share in dict(wanted).items()}
    total = sum(shares.values())
    if abs(total - 1) > CLOSE or min(shares.values(), default=0) < 0:
        raise InputError(
            "surveys.error_margin",
            "margins: the shares of '{column}' must add up to {whole}, found {total:3}",
            column=column,
            whole=1,
            total=total,
        )
    found = values.map(names.written)
    groups = [name for name, share in shares.items() if share > 0]
    for present, other, what in (
        (set(found), set(groups), Note("surveys.no_share", "no share is given for")),
        (set(groups), set(found), Note("surveys.no_respondent", "nobody answered of")),
    ):
        if present - other:
            raise InputError(
                "surveys.error_margin_value",
                "margins, '{column}': {what} {value:repr}; merge it with another value, or add it",
                column=column,
                what=what,
                value=min(present - other),
            )
    return np.array([groups.index(v) for v in found]), np.array([shares[g] for g in groups]) / total
