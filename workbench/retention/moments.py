"""After which purchase do customers fall silent, and how much of that is sorting?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import grouping, sentences
from workbench.retention.repeat_purchase import interpurchase_times
from workbench.stats import stationary

if TYPE_CHECKING:
    from workbench.types import Grouping, Moment, Table

NUMBERS = {"1": 1, "2": 2, "3": 3, "4+": (4, None)}
SAME = 4  # purchases made by those who are followed through the first ones
EVERYONE, SAME_CUSTOMERS = "everyone", "same_customers"
CHURN_QUESTION = Note(
    "retention.churn_question",
    "After which purchase do customers become inactive, and what if nobody changed?",
)
CHURN_METHOD = Note(
    "retention.churn_method",
    "Purchases followed by more than {days} days of inactivity, among those followed for "
    "that long; the customer is the sampling unit. If nobody changed: customers who "
    "differ in their daily probability of buying (a beta, fitted to these data), keep it, "
    "and never leave.",
)
CHURN_METHOD_BY = Note(
    "retention.churn_method_by",
    "Purchases followed by more than {days} days of inactivity, among those followed for that "
    "long; the customer is the sampling unit; each group against all others by the normal test of "
    "two shares, Holm's correction over groups and purchases. If nobody changed: customers of the "
    "group who differ in their daily probability of buying (a beta), keep it, and never leave.",
)
CHURN_AXIS = Note("retention.churn_axis", "Share followed by inactivity")
CHURN_RULE = Note(
    "retention.churn_rule",
    "A threshold taken from completed interpurchase times is too short where the history is "
    "short; the other two thresholds show how much the result depends on it.",
)
CHURN_SORTING = Note(
    "retention.churn_sorting",
    "A later purchase is made by those who buy often: the share falls with the number of the "
    "purchase even where nobody changes and nobody leaves. What differs from that is change, or "
    "rates that are spread otherwise than a beta.",
)


@engine.tables("orders")
@analysis
def churn_moments(
    orders: Table,
    *,
    silence: str | None = None,
    by: Grouping | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """After which purchase do customers become inactive, and what if nobody changed?

    Inactive means: no purchase for longer than T days, T by default the 90th percentile of the
    completed pauses. The table also shows T at the 80th and 95th percentile, since inactivity is
    a rule, not a fact.

    Parameters
    ----------
    silence : str, optional
        T by name, such as "90D"; the sensitivity rows are then half and twice that.
    by, others as in `repeat_rate`

    Returns
    -------
    Result
        [group,] silence_days, followed ("everyone" who made that purchase; "same_customers": those
        who made four purchases or more, after each of their first three), purchase_number ("1",
        "2", "3", "4+"), count (inactive for longer than T after that purchase), n (purchases of
        that number with at least T days of data behind them), estimate, std_error, conf_low,
        conf_high, no_change (the share to expect if every customer kept one rate of buying and
        nobody left; of the same customers: their share over the three, which then differ by chance
        alone), returned (of the inactive, those seen again later), and with `by` p_value, p_holm
        (everyone at T, each group against all others, over groups and numbers).
        The customer is the sampling unit. `members(purchase_number="1", silent=True)` gives those
        who fell silent after it for longer than T; `members(at_risk=True)` those whose last
        purchase lies longer than T before the end.

    Raises
    ------
    InputError
        For a `by` that is no grouping of customers.
    NotEnoughData
        If no customer bought twice and no `silence` is given.

    Source: Buckinx & Van den Poel (2005), EJOR 164; rule R-05. No change: `stats.unchanging`.
    Groups: Holm (1979).
    """
    grouping.check(by)
    gaps = interpurchase_times(orders, zone=zone, until=until)
    gaps["group"] = "all" if by is None else grouping.of(gaps["customer_id"], by)
    thresholds = _thresholds(gaps, silence)
    table = _moments(gaps, thresholds, conf_level)
    if not (table["silence_days"] == thresholds[0]).any():
        raise NotEnoughData(
            "retention.error_churn_not_followed",
            "churn_moments: no purchase was followed for more than {days} days",
            days=thresholds[0],
        )
    several = table["group"].nunique() > 1
    table = _compared(table, gaps, thresholds[0]) if several else table
    table = table.drop(columns="group") if by is None else table
    main = table[(table["silence_days"] == thresholds[0]) & (table["followed"] == EVERYONE)]
    return Result(
        question=CHURN_QUESTION,
        answer=_churn_difference(main, conf_level) if several else _churn_answer(main),
        table=table,
        unit="purchases",
        n=len(gaps),
        conf_level=conf_level,
        method=(CHURN_METHOD_BY if several else CHURN_METHOD).having(days=thresholds[0]),
        limits=(
            CHURN_SORTING,
            *([] if several else _change(gaps, thresholds[0], conf_level)),
            *_churn_returned(main),
            CHURN_RULE,
        ),
        people=partial(_who_fell_silent, gaps, thresholds[0], by is not None),
        chart=Points(
            label=[*([] if by is None else ["group"]), "followed", "purchase_number"],
            only={"silence_days": thresholds[0]},
            beside="no_change",
            percent=True,
            xlabel=CHURN_AXIS,
        ),
    )


def _moments(gaps, thresholds, conf_level):
    """Return the share that falls silent by group, days of silence and purchase."""
    import pandas as pd

    columns = {"group": [], "silence_days": [], "followed": []}
    rows = []
    for group, part in gaps.groupby("group", sort=True):
        nobody = _unchanging(part)
        for days in thresholds:
            shares = _everyone(part, days, nobody, conf_level)
            shares += _same_customers(part, days, conf_level)
            rows += [{"group": group, **row} for row in shares]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns)


def _compared(table, gaps, days):
    """Return the table with each group against all others, of everyone at T."""
    main = table[(table["silence_days"] == days) & (table["followed"] == EVERYONE)]
    p = main["estimate"] * np.nan
    for row in main.itertuples():
        rest = _everyone(gaps[gaps["group"] != row.group], days, None, 0.95)
        rest = [r for r in rest if r["purchase_number"] == row.purchase_number]
        if rest:
            error = np.hypot(row.std_error, rest[0]["std_error"])
            p[row.Index] = float(intervals.p_value(row.estimate - rest[0]["estimate"], error))
    tested = grouping.corrected(main.assign(p_value=p), main["purchase_number"])
    return table.join(tested[["p_value", "p_holm"]])


def _who_fell_silent(gaps, days, grouped):
    """Return who made which purchase, watched for T, and whether silence followed; at risk: whose
    last purchase is longer ago than T.
    """
    watched = gaps[gaps["watched"] > days]
    number = watched["number"].where(watched["number"] < SAME, SAME).astype(str)
    table = watched[["customer_id", *(["group"] if grouped else [])]].assign(
        purchase_number=number.replace(str(SAME), "4+").to_numpy(),
        silent=(watched["days"] > days).to_numpy(bool),
        at_risk=(~watched["ended"] & (watched["days"] > days)).to_numpy(bool),
    )
    table.attrs["as_of"] = gaps.attrs.get("as_of")
    return table


def _thresholds(gaps, silence):
    """Return the days of silence asked for, or those of the completed pauses, each once."""
    if silence is not None:
        days = schemas.whole_days("silence", silence)
        return list(dict.fromkeys([days, max(days // 2, 1), days * 2]))
    ended = gaps.loc[gaps["ended"], "days"]
    if not len(ended):
        raise NotEnoughData(
            "retention.error_churn_no_repeat",
            "churn_moments: no customer bought twice, so there is no usual interpurchase time; "
            "name one with silence='90D'",
        )
    return list(dict.fromkeys(int(np.ceil(v)) for v in np.quantile(ended, [0.9, 0.8, 0.95])))


def _unchanging(gaps):
    """Return the customers of whom nobody changes, fitted to how many bought how often."""
    if not len(gaps):
        return None
    first = gaps[gaps["number"] == 1].set_index("customer_id")["watched"]
    again = gaps.groupby("customer_id")["number"].max() - 1
    return stationary.fitted(again.to_numpy(), first.reindex(again.index).to_numpy())


def _everyone(gaps, days, nobody, conf_level):
    """Return the share that falls silent after each purchase, of all who made it."""
    # Quick returns of late purchases would be counted and slow ones not: only purchases watched
    # for T count.
    watched = gaps[gaps["watched"] > days]
    named = np.where(watched["number"] >= SAME, "4+", watched["number"].astype(str))
    begun = watched.loc[watched["number"] == 1, "watched"].to_numpy() - days - 1
    rows = []
    for name, number in NUMBERS.items():
        mine = watched[named == name]
        if not len(mine):
            continue
        expected = np.nan
        if nobody is not None:
            made, quiet = (float(v.sum()) for v in nobody.silent_after(number, begun, days))
            expected = quiet / made if made > 0 else np.nan
        silent = mine["days"] > days
        rows.append(
            {
                "silence_days": days,
                "followed": EVERYONE,
                "purchase_number": name,
                **intervals.share(silent, mine["customer_id"], conf_level),
                "no_change": expected,
                "returned": int((silent & mine["ended"]).sum()),
            }
        )
    return rows


def _followed(gaps):
    """Return the first pauses, all of them ended, of the customers who bought four times."""
    last = gaps.groupby("customer_id")["number"].transform("max")
    return gaps[(last >= SAME) & (gaps["number"] < SAME)]


def _same_customers(gaps, days, conf_level):
    """Return the share that fell silent after each of their first purchases, of the customers who
    bought four times: who never changes has these pauses in any order with the same probability.
    """
    same = _followed(gaps)
    rows = []
    for number in range(1, SAME if len(same) else 1):
        mine = same[same["number"] == number]
        silent = mine["days"] > days
        rows.append(
            {
                "silence_days": days,
                "followed": SAME_CUSTOMERS,
                "purchase_number": str(number),
                **intervals.share(silent, mine["customer_id"], conf_level),
                "no_change": float((same["days"] > days).mean()),
                "returned": int(silent.sum()),
            }
        )
    return rows


def _change(gaps, days, conf_level):
    """Say how the same customers differ between their first and their third purchase."""
    same = _followed(gaps)
    if not len(same):
        return []
    wide = (same["days"] > days).groupby([same["customer_id"], same["number"]]).first().unstack()
    apart = wide[SAME - 1].astype(float) - wide[1].astype(float)
    n, gap = len(apart), float(apart.mean())
    error = float(apart.std(ddof=1) / np.sqrt(n)) if n > 1 and apart.std(ddof=1) > 0 else np.nan
    low, high = (float(v) for v in intervals.normal(gap, error, conf_level))
    values = {
        "first": float(wide[1].mean()),
        "third": float(wide[SAME - 1].mean()),
        "number": SAME - 1,
        "made": SAME,
        "n": n,
    }
    if low != low:
        return [
            Note(
                "retention.churn_same_plain",
                "The same customers, those with {made} purchases or more: {first:%} fell silent "
                "after the first and {third:%} after purchase {number} ({n} customers).",
                **values,
            )
        ]
    return [
        Note(
            "retention.churn_same",
            "The same customers, those with {made} purchases or more, fell silent after their "
            "first in {first:%} of the cases and after purchase {number} in {third:%}: a change "
            "of {change:points} percentage points ({low:points} to {high:points}; {n} "
            "customers). The rest of the fall comes from who gets that far.",
            change=gap,
            low=max(low, -1.0),
            high=min(high, 1.0),
            **values,
        )
    ]


def _churn_answer(main):
    first, last = main.iloc[0], main.iloc[-1]
    values = {
        "days": int(first["silence_days"]),
        "number": str(first["purchase_number"]),
        **sentences.interval(first),
    }
    if len(main) == 1:
        return Note(
            "retention.churn_answer_one",
            "Purchase {number}: {share:%} were followed by more than {days} days of inactivity "
            "({low:%} to {high:%}; {count} of {n} purchases).",
            **values,
        )
    values |= {
        "last_number": str(last["purchase_number"]),
        "last": float(last["estimate"]),
        "last_low": float(last["conf_low"]),
        "last_high": float(last["conf_high"]),
    }
    if main["no_change"].isna().any():
        return Note(
            "retention.churn_answer_bare",
            "Purchase {number}: {share:%} were followed by more than {days} days of inactivity "
            "({low:%} to {high:%}; {count} of {n} purchases); purchase {last_number}: {last:%} "
            "({last_low:%} to {last_high:%}).",
            **values,
        )
    return Note(
        "retention.churn_answer",
        "Purchase {number}: {share:%} were followed by more than {days} days of inactivity "
        "({low:%} to {high:%}; {count} of {n} purchases); purchase {last_number}: {last:%} "
        "({last_low:%} to {last_high:%}). If nobody changed or left, sorting alone would make "
        "that {nobody_first:%} and {nobody_last:%}.",
        nobody_first=float(first["no_change"]),
        nobody_last=float(last["no_change"]),
        **values,
    )


def _churn_difference(main, conf_level):
    """Say which group differs most clearly from all others, after which purchase, if any does."""
    known = main.dropna(subset=["p_holm"])
    if not len(known):
        return sentences.TOO_SMALL.having(n=int(main["n"].max()))
    row = grouping.nearest_to_different(known)
    values = {
        "group": row["group"],
        "number": row["purchase_number"],
        "days": int(row["silence_days"]),
        "p": float(row["p_holm"]),
        **sentences.interval(row),
    }
    if row["p_holm"] < 1 - conf_level:
        return Note(
            "retention.churn_group",
            "Group {group:word} differs most clearly from the others, after purchase {number}: "
            "{share:%} were followed by more than {days} days of inactivity ({low:%} to {high:%}; "
            "{count} of {n} purchases; corrected p: {p:p}).",
            **values,
        )
    return Note(
        "retention.churn_group_same",
        "No difference between groups could be shown; nearest to one is group {group:word} after "
        "purchase {number}: {share:%} were followed by more than {days} days of inactivity "
        "({low:%} to {high:%}; {count} of {n} purchases; corrected p: {p:p}).",
        **values,
    )


def _churn_returned(main):
    if not main["count"].sum():
        return []
    return [
        Note(
            "retention.churn_returned",
            "Of the purchases followed by more than {days} days of inactivity, {share:%} have "
            "been followed by another one so far, and more may follow: inactivity does not prove "
            "that a customer has left.",
            share=main["returned"].sum() / main["count"].sum(),
            days=int(main["silence_days"].iloc[0]),
        )
    ]
