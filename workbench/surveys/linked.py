"""Answers beside what people did: the order, stage and touchpoint before them, and weights from who
was likely to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.results import analysis
from workbench.stats import sampling
from workbench.surveys.response import followed, propensity

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Moment, Table

LINKED = ("stage", "touchpoint")


@engine.frames("surveys", "orders", optional=("events",))
@analysis
def joined(
    surveys: Table, orders: Table, events: Table | None = None, *, within: str = "30D"
) -> pd.DataFrame:
    """Put beside each answer the order before it, and the stage and touchpoint people were in.

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        order_id where an answer is about a certain order: that order is taken, else the
        respondent's last one before the answer.
    orders : table with order_id, customer_id, ordered_at
        customer_id is the respondent's.
    events : table with customer_id, occurred_at and stage, touchpoint or both, optional
        Such as that of `stages.assign`.
    within : str
        How old an order or event may be at the time of the answer.

    Returns
    -------
    DataFrame
        The answers with order_id, ordered_at, days_after_order, and stage and touchpoint of the
        last event before the answer where the answers do not have them; missing where there is
        none. How many found theirs stands among the limits of what is made of it.

    Raises InputError for a missing column, or where no respondent is among the customers.

    Source: rule V-01.
    """
    import pandas as pd

    schemas.require(surveys, "surveys")
    schemas.require(orders, "orders")
    length = pd.Timedelta(microseconds=schemas.micros("within", within))
    made = surveys.drop(columns=[c for c in ("ordered_at", "days_after_order") if c in surveys])
    asked = pd.DataFrame(
        {
            "who": made["respondent_id"].astype(str).where(made["respondent_id"].notna()),
            "at": schemas.moments(made, "surveys", "answered_at").dt.as_unit("us"),
        }
    )
    bought = orders.dropna(subset=["order_id", "customer_id", "ordered_at"])
    bought = pd.DataFrame(
        {
            "order_id": bought["order_id"].astype(str),
            "who": bought["customer_id"].astype(str),
            "then": schemas.moments(bought, "orders", "ordered_at").dt.as_unit("us"),
        }
    ).sort_values(["then", "order_id"], kind="stable")
    if len(bought) and not bought["who"].isin(asked["who"]).any():
        raise InputError(
            "surveys.error_no_respondent_matches",
            "orders: none of the customers, such as {example:repr}, is among the respondents",
            example=bought["who"].iloc[0],
        )
    last = _latest(asked, bought, length, ["order_id", "then"])
    if "order_id" in made:
        known = made["order_id"].astype(str).where(made["order_id"].notna())
        named = bought.drop_duplicates("order_id").set_index("order_id")["then"]
        last["order_id"] = known.fillna(last["order_id"])
        last["then"] = known.map(named).fillna(last["then"].where(known.isna()))
    made = made.assign(
        order_id=last["order_id"],
        ordered_at=last["then"],
        days_after_order=(asked["at"] - last["then"]) / pd.Timedelta("1D"),
    )
    _say_found(int(last["then"].notna().sum()), len(made))
    return made if events is None else _beside_events(made, asked, events, length)


@engine.frames("surveys", "invitations")
@analysis
def response_weights(
    surveys: Table,
    invitations: Table,
    terms: Sequence[str],
    *,
    window: str = "30D",
    until: Moment | None = None,
    most: float = 5.0,
) -> pd.DataFrame:
    """Weight answers by how unlikely they were, from what was known before the invitation.

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
        A weight that is there already is multiplied.
    invitations : table with respondent_id, invited_at, answered_at and the terms
        One row an invitation; of several, the last that was answered counts.
    terms : sequence of str
        Columns of numbers or words known of everybody before the invitation, such as orders so far.
    window, until : as in `response`
    most : float
        Largest weight, in means; larger ones are cut, and how many is said.

    Returns
    -------
    DataFrame
        The answers with `weight` (mean 1), fit for every function that takes weights;
        `weight_effect` shows both side by side, `nonresponse` how alike the chances are
        (R-indicator). Answers of who was not invited in time are left out and counted.

    Raises NotEnoughData where all or none answered, or no answer was invited.

    Source: Little (1986), International Statistical Review 54; Schouten, Cobben & Bethlehem (2009),
    Survey Methodology 35.
    """
    import pandas as pd

    schemas.require(surveys, "surveys")
    old, _ = followed(invitations, window, until, None)
    data, fit = propensity(old, names.listed(terms))
    known = old.loc[data.x.index].assign(chance=np.asarray(fit.chances))
    known = known[known["answered"]].sort_values("answered_at", kind="stable")
    chance = known.drop_duplicates("respondent_id", keep="last").set_index("respondent_id")
    who = surveys["respondent_id"].astype(str).where(surveys["respondent_id"].notna())
    weight = 1 / who.map(chance["chance"]).astype(float)
    if "weight" in surveys:
        weight = weight * pd.to_numeric(surveys["weight"], errors="coerce")
    there = weight.notna()
    if not there.any():
        raise NotEnoughData(
            "surveys.error_none_invited",
            "surveys: none of the answers belongs to an invitation that was answered in time",
        )
    weight = weight[there] / weight[there].mean()
    cut = int((weight > most).sum())
    weight = weight.clip(upper=most)
    say(
        Note(
            "surveys.response_weights",
            "Weights are one over the chance to answer, as far as {terms:text} tell it; {n} "
            "answers have one, {lost} were not invited in time, {cut} weights were cut. The "
            "chances are {indicator:%} alike (R-indicator).",
            terms=names.listed(terms),
            n=int(there.sum()),
            lost=int((~there).sum()),
            cut=cut,
            indicator=sampling.r_indicator(np.asarray(fit.chances)),
        )
    )
    return surveys[there].assign(weight=weight / weight.mean())


def _latest(asked, rows, length, columns):
    """Return the columns of each respondent's last row at or before the answer, not too old."""
    import pandas as pd

    left = asked.dropna().reset_index(names="row").sort_values("at", kind="stable")
    found = pd.merge_asof(
        left, rows, left_on="at", right_on="then", by="who", direction="backward", tolerance=length
    )
    return found.set_index("row").reindex(asked.index)[columns]


def _beside_events(made, asked, events, length):
    """Return the answers with stage and touchpoint of the last event before each."""
    import pandas as pd

    schemas.require(events, "events")
    given = [c for c in LINKED if c in events]
    if not given:
        raise InputError(
            "surveys.error_no_stage",
            "events: a column {columns:text} is needed",
            columns=list(LINKED),
        )
    rows = events.dropna(subset=["customer_id", "occurred_at"])
    seen = pd.DataFrame(
        {
            "who": rows["customer_id"].astype(str),
            "then": schemas.moments(rows, "events", "occurred_at").dt.as_unit("us"),
            **{c: rows[c] for c in given},
        }
    ).sort_values("then", kind="stable")
    last = _latest(asked, seen, length, given)
    for column in given:
        told = made[column].where(made[column].notna(), last[column]) if column in made else None
        made = made.assign(**{column: last[column] if told is None else told})
    return made


def _say_found(found, answers):
    say(
        Note(
            "surveys.joined",
            "{found} of {n} answers have an order beside them.",
            found=found,
            n=answers,
        )
    )
