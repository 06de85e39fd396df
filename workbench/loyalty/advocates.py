"""Who speaks for the firm, and whether those who say they would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData
from workbench.loyalty.limits import recent_answers
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy

if TYPE_CHECKING:
    from workbench.types import Table

# Lowest answers, of 0 to 10, of who would recommend and of who is neutral.
PROMOTERS, PASSIVES = 9, 7
TRACKED_ONLY = Note(
    "loyalty.advocacy_limit",
    "Only tracked acts are seen: most word of mouth is private, and people paid to recommend are "
    "counted unless they are left out.",
)
NO_TONE = Note(
    "loyalty.advocacy_tone",
    "Acts have no tone: a bad review counts as much as a good one. Add a column tone.",
)


@engine.frames("acts", optional=("customers", "answers"))
@analysis
def advocacy(
    acts: Table,
    customers: int | Table,
    *,
    window: str = "90D",
    answers: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How many customers speak for the firm, and do those who say they would?

    Parameters
    ----------
    acts : DataFrame
        One row an act: customer_id, acted_at, act (such as referral, review, share); with a column
        tone (positive, negative, …) only positive acts speak for the firm, and word of mouth is
        counted by it.
    customers : int or DataFrame with customer_id
        All customers, or how many they are. With a table, acts and answers of others are left out
        and counted.
    window : str
        Acts of that time before the last one count; for answers, that time after the answer.
    answers : DataFrame, optional
        customer_id, answered_at, recommend (0 to 10): would they recommend? Answers too late for
        the window are left out and counted.

    Returns
    -------
    Result
        measure (advocates: share of customers with an act; told: acts per 100 customers, by tone;
        did: share with an act after the answer, by what was said), group (all or the act; the tone;
        promoters 9–10, passives 7–8, detractors 0–6), count, total, n, estimate, std_error,
        conf_low, conf_high. The customer is the sampling unit. The gap between saying and doing
        stands in `.facts` (loyalty.say_do).

    Raises
    ------
    InputError
        For missing columns, text for moments or answers, answers outside 0 to 10, fewer customers
        than acted, or a table of customers none of whom acted or answered.
    NotEnoughData
        Without an act.

    Source: Keiningham, Cooil, Andreassen & Aksoy (2007), Journal of Marketing 71; East, Hammond &
    Lomax (2008), International Journal of Research in Marketing 25; Reichheld (2003) for the
    groups.
    """
    import pandas as pd

    fits.require(acts, "acts", "customer_id", "acted_at", "act")
    rows = acts.assign(
        acted_at=schemas.moments(acts, "acts", "acted_at"),
        customer_id=engine.written(acts["customer_id"]),
    ).dropna(subset=["customer_id", "acted_at", "act"])
    if not len(rows):
        raise NotEnoughData("loyalty.error_no_act", "advocacy: there is no act")
    said = None
    if answers is not None:
        fits.require(answers, "answers", "customer_id", "answered_at", "recommend")
        fits.numbers(answers, "answers", "recommend")
        said = answers.assign(
            answered_at=schemas.moments(answers, "answers", "answered_at"),
            customer_id=engine.written(answers["customer_id"]),
        ).dropna(subset=["customer_id", "answered_at", "recommend"])
        if not said["recommend"].between(0, 10).all():
            raise InputError(
                "loyalty.error_recommend",
                "answers: recommend must lie between {least} and {most}",
                least=0,
                most=10,
            )
    strangers, end = 0, rows["acted_at"].max()
    if isinstance(customers, (int, np.integer)):
        n = int(customers)
    else:
        fits.require(customers, "customers", "customer_id")
        names = set(engine.written(customers["customer_id"]).dropna())
        n, theirs = len(names), rows["customer_id"].isin(names)
        if not theirs.any() and (said is None or not said["customer_id"].isin(names).any()):
            raise InputError(
                "loyalty.error_nobody_acted",
                "customers: nobody in the table acted; ids there look like {customer:repr}, in "
                "acts like {actor:repr}",
                customer=next(iter(sorted(names)), "(empty)"),
                actor=rows["customer_id"].iloc[0],
            )
        strangers, rows = int((~theirs).sum()), rows[theirs]
        said = said if said is None else said[said["customer_id"].isin(names)]
    length = pd.Timedelta(microseconds=schemas.micros("window", window))
    late = rows[rows["acted_at"] > end - length]
    speaks = (late["tone"] == "positive") if "tone" in late else pd.Series(True, late.index)
    if n < late["customer_id"].nunique():
        raise InputError(
            "loyalty.error_fewer_than_acted",
            "customers: {customers} are fewer than the {count} who acted",
            customers=n,
            count=late["customer_id"].nunique(),
        )
    out = []
    for group, mine in [("all", late[speaks]), *late[speaks].groupby("act", sort=True)]:
        out.append(
            {
                "measure": "advocates",
                "group": group,
                **intervals.share(
                    np.arange(n) < mine["customer_id"].nunique(), np.arange(n), conf_level
                ),
            }
        )
    for tone, mine in late.groupby("tone", sort=True) if "tone" in late else ():
        each = mine.groupby("customer_id").size().to_numpy(float)
        estimate, se, low, high = intervals.ratio(
            np.concatenate([each, np.zeros(n - len(each))]), np.ones(n), conf_level
        )
        out.append(
            {
                "measure": "told",
                "group": tone,
                "total": float(each.sum()),
                "n": n,
                "estimate": 100 * estimate,
                "std_error": 100 * se,
                "conf_low": 100 * max(low, 0.0),
                "conf_high": 100 * high,
            }
        )
    limits = [TRACKED_ONLY]
    if "tone" not in acts:
        limits.append(NO_TONE)
    if said is not None and len(said):
        spoke = rows[rows["tone"] == "positive"] if "tone" in rows else rows
        did, _ = schemas.followed(
            said,
            "answered_at",
            spoke[["customer_id", "acted_at"]].rename(columns={"acted_at": "ordered_at"}),
            window,
        )
        watched = (said["answered_at"] + length <= end).to_numpy()
        old, did = said[watched], did[watched]
        score, who = old["recommend"].to_numpy(float), old["customer_id"].to_numpy()
        groups = (
            ("promoters", score >= PROMOTERS),
            ("passives", (score >= PASSIVES) & (score < PROMOTERS)),
            ("detractors", score < PASSIVES),
        )
        out += [
            {"measure": "did", "group": name, **intervals.share(did[mine], who[mine], conf_level)}
            for name, mine in groups
            if mine.any()
        ]
        if groups[0][1].any():
            limits.insert(
                0,
                _say_do(float(groups[0][1].mean()), float(did[groups[0][1]].mean()), window),
            )
        if len(old) < len(said):
            limits.append(recent_answers(len(said) - len(old), window))
    if strangers:
        limits.append(
            Note(
                "loyalty.advocacy_strangers",
                "{n} act of somebody who is not among the customers is left out.",
                "{n} acts of people who are not among the customers are left out.",
                n=strangers,
            )
        )
    return Result(
        question=Note(
            "loyalty.advocacy_question",
            "How many customers speak for the firm, and do those who say they would?",
        ),
        table=tidy(out),
        answer=_advocates(out[0], window),
        method=Note(
            "loyalty.advocacy_method",
            "Customers with an act in the last {window:span} of the data; after an answer, within "
            "{window:span}; the customer is the sampling unit.",
            window=window,
        ),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Points(
            label=["measure", "group"],
            only={"measure": ["advocates", "did"]},
            percent=True,
            xlabel=Note("loyalty.advocacy_axis", "Share with an act"),
        ),
    )


def _advocates(row, window):
    return Note(
        "loyalty.advocacy_answer",
        "{share:%} of customers spoke for the firm in the last {window:span} ({low:%} to {high:%}; "
        "{count} of {n}).",
        share=row["estimate"],
        window=window,
        low=row["conf_low"],
        high=row["conf_high"],
        count=int(row["count"]),
        n=row["n"],
    )


def _say_do(said, did, window):
    return Note(
        "loyalty.say_do",
        "{said:%} of the answers were {least} or higher; of those, {did:%} spoke for the firm "
        "within {window:span}. The rest is the gap between saying and doing.",
        said=said,
        least=PROMOTERS,
        did=did,
        window=window,
    )
