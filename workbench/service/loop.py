"""What is done with those who say they are unhappy: who is called, how soon, and what they say
next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names, schemas, survival
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy
from workbench.service.tickets import HOUR

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table

ANSWER = Note(
    "service.loop_answer",
    "Of those who answered {most} or lower {share:%} were contacted within {window:span} ({low:%} "
    "to {high:%}; {count} of {n} answers).",
)
GAIN = Note(
    "service.loop_gain",
    "Of those who answered {most} or lower {share:%} were contacted within {window:span} ({low:%} "
    "to {high:%}; {n} answers). Their next answer was {gain:2} points higher than that of those "
    "who were not, at the same first answer ({gain_low:2} to {gain_high:2}; {pairs} answers).",
)
NOT_BY_LOT = Note(
    "service.loop_not_by_lot",
    "Who is contacted is chosen, and low answers rise by themselves: the difference holds at the "
    "same first answer and is no proof of what the contact brought about. A lot among the unhappy "
    "would tell.",
)
BY_LOT = Note(
    "service.loop_by_lot",
    "A lot decided who was contacted: the difference is what the contact brought about among those "
    "who answered again.",
)
GAVE_UP = Note(
    "service.loop_silent",
    "{n} did not answer again; what they think now is not known.",
    n=0,
)
LEAST = 20


@dataclass(frozen=True, eq=False)
class Cases:
    """Unhappy answers and what came after each: a DataFrame with who, value, at, next_value,
    next_at, contacted_at and resolved_at (microseconds, missing where it has not come), whether it
    is that person's latest answer, and `end` of the data.
    """

    rows: object
    end: int


@engine.frames("surveys", "tickets")
@analysis
def closed_loop(
    surveys: Table,
    tickets: Table,
    *,
    item: str = "recommend",
    most: float = 6,
    window: str = "14D",
    reason: str | None = None,
    randomised: bool = False,
    conf_level: float = 0.95,
) -> Result:
    """Are those who say they are unhappy contacted, is it solved, and do they say so afterwards?

    Parameters
    ----------
    surveys : table with respondent_id, answered_at, item, value
    tickets : table with ticket_id, customer_id, opened_at, first_reply_at, closed_at
        customer_id is the respondent's; a contact is the first reply on a ticket opened after the
        unhappy answer and before the next answer.
    item : str
    most : number
        The highest answer that is unhappy: 6 of 10 for a detractor.
    window : str
        Time to make contact and to solve; younger answers are left out of both and counted.
    reason : str, optional
        Only tickets of this reason are contacts, such as "follow_up".
    randomised : bool
        Whether a lot decided which of the unhappy were contacted.
    conf_level : float

    Returns
    -------
    Result
        measure, group, count, total (of means), n (answers), estimate, std_error, conf_low,
        conf_high. Measures: contacted and resolved (shares within the window), answered_again
        (share, by group contacted or not_contacted), change (mean of the next answer less this
        one, by group) and gain_of_contact (contacted less not contacted at the same first
        answer). The median time to contact stands in `.facts`; respondents are the sampling unit.

    Raises
    ------
    InputError
        For a missing column or an item nobody was asked.
    NotEnoughData
        Where nobody was unhappy, or all too recently.

    Source: rule V-14; regression to the mean: Barnett, van der Pols & Dobson (2005), International
    Journal of Epidemiology 34.
    """
    cases = _cases(surveys, tickets, item, most, reason)
    length = schemas.micros("window", window)
    rows, limits = _handled(cases, length, window, conf_level)
    again, gain = _afterwards(cases.rows, length, cases.end, conf_level)
    table = tidy([*rows, *again])
    answer = _loop_answer(rows[0], gain, most, window)
    silent = int(cases.rows["next_value"].isna().sum())
    return Result(
        question=Note("service.loop_question", "What is done with those who are unhappy?"),
        table=table,
        answer=answer,
        method=Note(
            "service.loop_method",
            "Answers of {most} or lower to '{item}', each with the first contact and solution "
            "after it and the same person's next answer; the gain by least squares on contact and "
            "first answer. Respondents are the sampling unit.",
            most=most,
            item=names.written(item),
        ),
        unit="answers",
        n=len(cases.rows),
        conf_level=conf_level,
        evidence="experimental" if randomised else "associational",
        limits=(
            *limits,
            *([GAVE_UP.having(n=silent)] if silent else []),
            *([BY_LOT if randomised else NOT_BY_LOT] if gain is not None else []),
        ),
        chart=Points(
            label=["measure", "group"],
            only={"measure": ["contacted", "resolved", "answered_again"]},
            percent=True,
            xlabel=Note("service.loop_axis", "Share of the unhappy answers"),
        ),
    )


def _loop_answer(first, gain, most, window):
    """Return how many were contacted, and what it gained where that can be told."""
    values = {
        "most": most,
        "share": first["estimate"],
        "window": window,
        "low": first["conf_low"],
        "high": first["conf_high"],
        "n": first["n"],
    }
    if gain is None:
        return ANSWER.having(**values, count=first["count"])
    return GAIN.having(
        **values,
        gain=gain["estimate"],
        gain_low=gain["conf_low"],
        gain_high=gain["conf_high"],
        pairs=gain["n"],
    )


@engine.frames("surveys", "tickets")
@analysis
def unhappy_now(
    surveys: Table,
    tickets: Table,
    *,
    item: str = "recommend",
    most: int = 6,
    reason: str | None = None,
) -> pd.DataFrame:
    """List who is unhappy by their latest answer, and how far each has been helped.

    Parameters are as in `closed_loop`.

    Returns
    -------
    DataFrame
        respondent_id, answered_at, value, contacted_at, resolved_at, state (not_contacted,
        contacted or resolved) and days_waiting (until contact, or until the data end); who waits
        longest comes first. For those who make the calls, not for a report.

    Raises as `closed_loop`.
    """
    import pandas as pd

    cases = _cases(surveys, tickets, item, most, reason)
    rows = cases.rows[cases.rows["latest"]]
    contacted, resolved = rows["contacted_at"], rows["resolved_at"]
    state = np.select(
        [resolved.notna(), contacted.notna()], ["resolved", "contacted"], default="not_contacted"
    )
    waited = (contacted.fillna(cases.end) - rows["at"]) / (24 * HOUR)
    table = pd.DataFrame(
        {
            "respondent_id": rows["who"],
            "answered_at": pd.to_datetime(rows["at"], unit="us", utc=True),
            "value": rows["value"],
            "contacted_at": pd.to_datetime(contacted, unit="us", utc=True),
            "resolved_at": pd.to_datetime(resolved, unit="us", utc=True),
            "state": state,
            "days_waiting": waited,
        }
    )
    first = table["state"].map({"not_contacted": 0, "contacted": 1, "resolved": 2})
    return (
        table.assign(first=first)
        .sort_values(
            ["first", "days_waiting", "respondent_id"], ascending=[True, False, True], kind="stable"
        )
        .drop(columns="first")
        .reset_index(drop=True)
    )


def _cases(surveys, tickets, item, most, reason):
    """Return the unhappy answers and what came after each."""
    told = _answers(surveys, item)
    last = told.groupby("who")["at"].shift(-1)
    told = told.assign(
        next_value=told.groupby("who")["value"].shift(-1), next_at=last, latest=last.isna()
    )
    unhappy = told[told["value"] <= most].reset_index(drop=True)
    if unhappy.empty:
        raise NotEnoughData(
            "service.error_nobody_unhappy",
            "surveys: nobody answered {most} or lower to '{item}'",
            most=most,
            item=names.written(item),
        )
    helped = _contacts(tickets, reason)
    ends = [told["at"].max(), helped[["opened", "contacted_at", "resolved_at"]].max().max()]
    end = int(np.nanmax(ends))
    if len(helped) and not helped["who"].isin(told["who"]).any():
        raise InputError(
            "service.error_no_match",
            "tickets: none of the customers, such as {example:repr}, is among the respondents, "
            "such as {known:repr}",
            example=helped["who"].iloc[0],
            known=told["who"].iloc[0],
        )
    pairs = unhappy.reset_index(names="case").merge(helped, on="who")
    pairs = pairs[(pairs["opened"] >= pairs["at"]) & ~(pairs["opened"] >= pairs["next_at"])]
    before = pairs[["contacted_at", "resolved_at"]].ge(pairs["next_at"], axis=0)
    pairs[["contacted_at", "resolved_at"]] = pairs[["contacted_at", "resolved_at"]].mask(before)
    first = pairs.groupby("case")[["contacted_at", "resolved_at"]].min()
    return Cases(unhappy.join(first.reindex(unhappy.index)).astype({"latest": bool}), end)


def _answers(surveys, item):
    """Return who, at, value of an item, in order of time; the last of several at one moment."""
    import pandas as pd

    schemas.require(surveys, "surveys")
    asked = names.written(item)
    known = surveys["item"].map(names.written, na_action="ignore")
    if asked not in set(known.dropna()):
        raise unknown("surveys", "item", asked, sorted(known.dropna().unique()))
    rows = surveys[(known == asked).to_numpy()].dropna(
        subset=["respondent_id", "answered_at", "value"]
    )
    if rows.empty:
        raise NotEnoughData(
            "service.error_unanswered", "surveys: nobody answered the item '{item}'", item=asked
        )
    at = schemas.moments(rows, "surveys", "answered_at").dt.as_unit("us").astype("int64")
    fits.numbers(rows, "surveys", "value")
    told = pd.DataFrame(
        {
            "who": rows["respondent_id"].astype(str).to_numpy(),
            "at": at.to_numpy(),
            "value": rows["value"].to_numpy(float),
        }
    ).sort_values(["who", "at", "value"], kind="stable")
    return told.drop_duplicates(["who", "at"], keep="last").reset_index(drop=True)


def _contacts(tickets, reason):
    """Return who, opened, contacted_at and resolved_at of the tickets that are contacts."""
    import pandas as pd

    schemas.require(tickets, "tickets", "first_reply_at")
    rows = tickets.dropna(subset=["customer_id", "opened_at"])
    if reason is not None:
        schemas.require(tickets, "tickets", "reason")
        kinds = rows["reason"].map(names.written, na_action="ignore")
        names.occurring("reason", [reason], list(kinds.dropna().unique()), noun="reason")
        rows = rows[(kinds == names.written(reason)).to_numpy()]

    def micros(column):
        if column not in rows:
            return np.full(len(rows), np.nan)
        moments = schemas.moments(rows, "tickets", column)
        whole = moments.dt.as_unit("us").astype("int64").to_numpy(float)
        return np.where(moments.isna(), np.nan, whole)

    made = pd.DataFrame(
        {
            "who": rows["customer_id"].astype(str).to_numpy(),
            "opened": micros("opened_at"),
            "contacted_at": micros("first_reply_at"),
            "resolved_at": micros("closed_at"),
        }
    )
    early = made[["contacted_at", "resolved_at"]].lt(made["opened"], axis=0).any(axis=1)
    if early.any():
        raise InputError(
            "service.error_contact_before",
            "tickets: {n} were replied to or closed before they were opened; check the columns and "
            "their time zones",
            n=int(early.sum()),
        )
    return made


def _handled(cases, length, window, conf_level):
    """Return rows of contact and solution within a window, and what must be said of them."""
    rows = cases.rows
    old = (rows["at"] + length <= cases.end).to_numpy()
    if not old.any():
        raise NotEnoughData(
            "service.error_loop_young",
            "surveys: no unhappy answer is old enough to be followed for {window:span}",
            window=window,
        )
    if (young := int((~old).sum())) > 0:
        say(
            Note(
                "service.loop_young",
                "{n} unhappy answer is too recent to be followed for {window:span} and is left out "
                "of contact and solution.",
                "{n} unhappy answers are too recent to be followed for {window:span} and are left "
                "out of contact and solution.",
                n=young,
                window=window,
            )
        )
    made = []
    for measure, column in (("contacted", "contacted_at"), ("resolved", "resolved_at")):
        hit = ((rows[column] - rows["at"]) <= length).to_numpy()[old]
        share = intervals.share(hit, rows["who"][old], conf_level)
        made.append({"measure": measure, "group": "all", **share})
    then = rows["contacted_at"].fillna(rows["next_at"]).fillna(cases.end).clip(upper=cases.end)
    curve = survival.kaplan_meier(
        (then - rows["at"]) / (24 * HOUR),
        rows["contacted_at"].notna(),
        customer=rows["who"],
        conf_level=conf_level,
    )
    half = survival.quantile(curve, 0.5)
    limits = []
    if all(v == v for v in half):
        limits.append(
            Note(
                "service.loop_median",
                "Half of the unhappy are contacted within {days:3} days ({low:3} to {high:3}; {n} "
                "answers), those who wait still included.",
                days=half[0],
                low=half[1],
                high=half[2],
                n=len(rows),
            )
        )
    return made, limits


def _afterwards(rows, length, end, conf_level):
    """Return rows of who answered again and what changed, and the row of the gain (or None)."""
    import pandas as pd

    contacted = rows["contacted_at"].notna().to_numpy()
    old = (rows["at"] + length <= end).to_numpy()
    made = []
    groups = (("contacted", contacted), ("not_contacted", ~contacted))
    for name, mask in groups:
        here = mask & old
        if here.any():
            share = intervals.share(rows["next_value"].notna()[here], rows["who"][here], conf_level)
            made.append({"measure": "answered_again", "group": name, **share})
    again = rows["next_value"].notna().to_numpy()
    change = (rows["next_value"] - rows["value"]).to_numpy()
    for name, mask in groups:
        here = mask & again
        if here.any():
            mean = intervals.mean(change[here], rows["who"][here], conf_level)
            low, high = intervals.normal(mean["estimate"], mean["std_error"], conf_level)
            ends = {"conf_low": float(low), "conf_high": float(high)}
            made.append({"measure": "change", "group": name, **mean, **ends})
    if min((mask & again).sum() for _, mask in groups) < LEAST:
        return made, None
    table = pd.DataFrame(
        {
            "who": rows["who"],
            "next": rows["next_value"],
            "first": rows["value"],
            "contacted": contacted * 1.0,
        }
    )[again]
    terms = ["contacted", *(["first"] if table["first"].nunique() > 1 else [])]
    if table["next"].nunique() < 2:
        return made, None
    fit = fits.fit(fits.prepare(table, "next", terms, cluster="who", what="surveys"))
    estimate, error = float(fit.params["contacted"]), float(fit.bse["contacted"])
    low, high = intervals.normal(estimate, error, conf_level)
    gain = {
        "measure": "gain_of_contact",
        "group": "contacted_less_not",
        "n": len(table),
        "estimate": estimate,
        "std_error": error,
        "conf_low": float(low),
        "conf_high": float(high),
    }
    return [*made, gain], gain
