"""Who was asked, who answered, and how alike are they?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import sampling
from workbench.surveys.scores import extremes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

RESPONSE_ANSWER = Note(
    "surveys.response_answer",
    "{estimate:%} of the invitations were answered within {window:span} ({low:%} to {high:%}; "
    "{count} of {n}).",
)
RESPONSE_GROUPS = Note(
    "surveys.response_answer_groups",
    "The response was highest for {name:word}: {estimate:%} within {window:span} ({low:%} to "
    "{high:%}; {n} invitations); it was lowest for {last:word} ({last_value:%}).",
)

TERMS_ONLY = Note(
    "surveys.nonresponse_limit",
    "It speaks of the terms only: people may be alike in all of them and differ in what they would "
    "have answered.",
)


@engine.frames("invitations")
@analysis
def response(
    invitations: Table,
    *,
    window: str = "30D",
    by: str | None = None,
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many of those who were asked did answer?

    Parameters
    ----------
    invitations : table with respondent_id, invited_at
        answered_at where they answered; started_at where they began; one row an invitation.
    window : str
        Time to answer; invitations younger than that at the end are left out and counted.
    by : str, optional
        Column that gives the group, such as channel or touchpoint.
    until : moment, optional
        End of the data; the last moment of the table where it is not given.
    conf_level : float

    Returns
    -------
    Result
        group, measure (response; break_off: share of those who began and did not finish, where
        started_at is there), count, n (invitations; begun questionnaires), estimate, std_error,
        conf_low, conf_high; the respondent is the sampling unit.

    Raises NotEnoughData where no invitation is old enough.

    Source: AAPOR (2023), Standard Definitions, response rate 1 for lists where everyone is
    eligible.
    """
    old, young = followed(invitations, window, until, by)
    groups = [(None, old)]
    if by:
        named = old.assign(**{by: names.filled(old[by]).map(names.written)})
        groups = sorted(named.groupby(by), key=lambda pair: pair[0])
    rows = []
    for group, part in groups:
        key = {names.label(by): group} if by else {}
        done, who = part["answered"].to_numpy(bool), part["respondent_id"].to_numpy()
        rows.append({**key, "measure": "response", **intervals.share(done, who, conf_level)})
        if "started_at" in part:
            begun = part["started_at"].notna().to_numpy() | done
            if begun.any():
                left = intervals.share(~done[begun], who[begun], conf_level)
                rows.append({**key, "measure": "break_off", **left})
    table = tidy(rows)
    if young:
        say(
            Note(
                "surveys.response_young",
                "{n} invitation is too recent to be followed for {window:span} and is left out.",
                "{n} invitations are too recent to be followed for {window:span} and are left out.",
                n=young,
                window=window,
            )
        )
    first = table[table["measure"] == "response"]
    return Result(
        question=Note("surveys.response_question", "How many of those who were asked answered?"),
        table=table,
        answer=extremes(
            first,
            by,
            RESPONSE_ANSWER.having(window=window, count=int(first["count"].iloc[0])),
            RESPONSE_GROUPS.having(window=window),
        ),
        method=Note(
            "surveys.response_method",
            "Answers within {window:span} of the invitation over all invitations; the respondent "
            "is the sampling unit.",
            window=window,
        ),
        unit="invitations",
        n=len(old),
        conf_level=conf_level,
        limits=(
            Note(
                "surveys.response_limit",
                "A high response is no proof that those who answered are like the others.",
            ),
        ),
        chart=Points(
            label=[names.label(by)] if by else ["measure"],
            only={"measure": "response"},
            percent=True,
            xlabel=Note("surveys.axis_response", "Share who answered"),
        ),
    )


@engine.frames("invitations")
@analysis
def nonresponse(
    invitations: Table,
    terms: Sequence[str],
    *,
    window: str = "30D",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Are those who answered like those who were asked?

    Parameters
    ----------
    invitations : table with respondent_id, invited_at, answered_at and the terms
        One row an invitation.
    terms : sequence of str
        Columns of numbers or words known of everybody before the invitation, such as orders so
        far.
    window, until : as in `response`
    conf_level : float

    Returns
    -------
    Result
        term, n (invitations), estimate (odds ratio of answering, one standard deviation up),
        conf_low, conf_high, p_value, and mean_answered and mean_silent. `.model` is the fit;
        `.facts` has the R-indicator (1 where the terms do not tell who answers).

    Raises NotEnoughData where all or none answered.

    Source: Schouten, Cobben & Bethlehem (2009), Survey Methodology 35.
    """
    old, _ = followed(invitations, window, until, None)
    terms = names.listed(terms)
    data, fit = propensity(old, terms)
    spread = data.x.std(ddof=0)
    answered = data.y.astype(bool)
    rows = []
    for term in data.x.columns.drop("constant"):
        beta, error = fit.params[term] * spread[term], fit.bse[term] * spread[term]
        low, high = intervals.normal(beta, error, conf_level)
        rows.append(
            {
                "term": term,
                "n": len(answered),
                "estimate": float(np.exp(beta)),
                "conf_low": float(np.exp(low)),
                "conf_high": float(np.exp(high)),
                "p_value": float(intervals.p_value(beta, error)),
                "mean_answered": float(data.x[term][answered].mean()),
                "mean_silent": float(data.x[term][~answered].mean()),
            }
        )
    table = tidy(rows)
    indicator = sampling.r_indicator(np.asarray(fit.chances))
    return Result(
        question=Note(
            "surveys.nonresponse_question", "Are those who answered like those who were asked?"
        ),
        table=table,
        answer=Note(
            "surveys.nonresponse_answer",
            "The chances to answer are {indicator:%} alike (R-indicator; {n} invitations, {count} "
            "answered); all alike would be a response that the terms do not tell.",
            indicator=indicator,
            n=len(answered),
            count=int(answered.sum()),
        ),
        method=Note(
            "surveys.nonresponse_method",
            "Logit of answering within {window:span} on what was known of everybody, the "
            "respondent as cluster; odds ratios for one standard deviation.",
            window=window,
        ),
        unit="invitations",
        n=len(answered),
        conf_level=conf_level,
        evidence="associational",
        limits=(TERMS_ONLY,),
        model=fit,
        chart=Points(
            label=["term"],
            reference=1,
            log=True,
            xlabel=Note("surveys.axis_odds", "Odds ratio of answering, one standard deviation up"),
        ),
    )


def followed(invitations, window, until, by):
    """Return invitations that could be followed for the window, and how many could not."""
    import pandas as pd

    fits.require(invitations, "invitations", "respondent_id", "invited_at", *([by] if by else []))
    rows = invitations.assign(
        respondent_id=invitations["respondent_id"]
        .astype(str)
        .where(invitations["respondent_id"].notna()),
        invited_at=schemas.moments(invitations, "invitations", "invited_at"),
    )
    missing = pd.Series(pd.NaT, rows.index, dtype="datetime64[us, UTC]")
    answered = (
        schemas.moments(invitations, "invitations", "answered_at")
        if "answered_at" in invitations
        else missing
    )
    rows = rows.assign(answered_at=answered).dropna(subset=["respondent_id", "invited_at"])
    length = pd.Timedelta(microseconds=schemas.micros("window", window))
    end = (
        rows[["invited_at", "answered_at"]].max().max()
        if until is None
        else pd.Timestamp(schemas.moment("until", until), unit="us", tz="UTC")
    )
    waited = rows["answered_at"] - rows["invited_at"]
    if (waited < pd.Timedelta(0)).any():
        raise InputError(
            "surveys.error_answer_before",
            "invitations: {n} were answered before they were sent; check both columns and their "
            "time zones",
            n=int((waited < pd.Timedelta(0)).sum()),
        )
    old = rows[rows["invited_at"] + length <= end]
    if old.empty:
        raise NotEnoughData(
            "surveys.error_all_young",
            "invitations: none is old enough to be followed for {window:span}",
            window=window,
        )
    waited = old["answered_at"] - old["invited_at"]
    return old.assign(answered=waited <= length), len(rows) - len(old)


def propensity(old, terms):
    """Return the data and the fit of a logit of answering."""
    if old["answered"].nunique() < 2:
        raise NotEnoughData(
            "surveys.error_all_alike",
            "invitations: all or none were answered; nothing tells the two apart",
        )
    rows = old.assign(answered=old["answered"].astype(float))
    data = fits.prepare(rows, "answered", terms, cluster="respondent_id", what="invitations")
    return data, fits.fit(data, "logit")
