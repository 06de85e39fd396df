"""After which purchase do customers fall silent, and how much of that is sorting?"""

import numpy as np

from workbench import engine, intervals, schemas
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences
from workbench.retention.repeat_purchase import interpurchase_times
from workbench.stats import stationary

NUMBERS = {"1": 1, "2": 2, "3": 3, "4+": (4, None)}
SAME = 4  # purchases made by those who are followed through the first ones
EVERYONE, SAME_CUSTOMERS = "everyone", "same_customers"
CHURN_QUESTION = Note(
    "retention.churn_question",
    "After which purchase do customers become inactive, and what if nobody changed?",
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
def churn_moments(orders, *, silence=None, zone="UTC", until=None, conf_level=0.95):
    """After which purchase do customers become inactive, and what if nobody changed?

    Inactive means: no purchase for longer than T days, T by default the 90th percentile of the
    completed pauses. The table also shows T at the 80th and 95th percentile, since inactivity is
    a rule, not a fact.

    Parameters
    ----------
    silence : str, optional
        T by name, such as "90D"; the sensitivity rows are then half and twice that.
    others as in `repeat_rate`

    Returns
    -------
    Result
        silence_days, followed ("everyone" who made that purchase; "same_customers": those who made
        four purchases or more, after each of their first three), purchase_number ("1", "2", "3",
        "4+"), count (inactive for longer than T after that purchase), n (purchases of that number
        with at least T days of data behind them), estimate, std_error, conf_low, conf_high,
        no_change (the share to expect if every customer kept one rate of buying and nobody left;
        of the same customers: their share over the three, which then differ by chance alone),
        returned (of the inactive, those seen again later).
        The customer is the sampling unit.

    Raises
    ------
    NotEnoughData
        If no customer bought twice and no `silence` is given.

    Source: Buckinx & Van den Poel (2005), EJOR 164; rule R-05. No change: `stats.unchanging`.
    """
    import pandas as pd

    gaps = interpurchase_times(orders, zone=zone, until=until)
    thresholds = _thresholds(gaps, silence)
    nobody = _unchanging(gaps)
    rows = []
    for days in thresholds:
        rows += _everyone(gaps, days, nobody, conf_level)
        rows += _same_customers(gaps, days, conf_level)
    if not any(row["silence_days"] == thresholds[0] for row in rows):
        raise NotEnoughData(
            "retention.error_churn_not_followed",
            "churn_moments: no purchase was followed for more than {days} days",
            days=thresholds[0],
        )
    table = pd.DataFrame(rows)
    main = table[table["silence_days"] == thresholds[0]]
    everyone = main[main["followed"] == EVERYONE]
    return Result(
        question=CHURN_QUESTION,
        answer=_churn_answer(everyone),
        table=table,
        unit="purchases",
        n=len(gaps),
        conf_level=conf_level,
        method=Note(
            "retention.churn_method",
            "Purchases followed by more than {days} days of inactivity, among those followed for "
            "that long; the customer is the sampling unit. If nobody changed: customers who "
            "differ in their daily probability of buying (a beta, fitted to these data), keep it, "
            "and never leave.",
            days=thresholds[0],
        ),
        limits=(
            CHURN_SORTING,
            *_change(gaps, thresholds[0], conf_level),
            *_churn_returned(everyone),
            CHURN_RULE,
        ),
        chart=Points(
            label=["followed", "purchase_number"],
            only={"silence_days": thresholds[0]},
            beside="no_change",
            percent=True,
            xlabel=CHURN_AXIS,
        ),
    )


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
