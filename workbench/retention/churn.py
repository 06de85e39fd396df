"""Who leaves? The rate of customers kept, and after which purchase inactivity begins."""

import numpy as np

from workbench import engine, intervals, periods, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.retention import sentences
from workbench.retention.repeat import pauses

RATE_ANSWER = Note(
    "retention.rate_answer",
    "{share:%} of the customers on {begin:date} were still customers on {end:date} ({low:%} to "
    "{high:%}; {count} of {n}).",
)
RATE_AXIS = Note("retention.rate_axis", "Share still a customer")
RATE_LIMIT = Note(
    "retention.rate_limit",
    "Nobody announces leaving: the rule for who is a customer is part of the number.",
)
CHURN_QUESTION = Note(
    "retention.churn_question", "After which purchase do customers become inactive?"
)
CHURN_AXIS = Note("retention.churn_axis", "Share followed by inactivity")
CHURN_RULE = Note(
    "retention.churn_rule",
    "A threshold taken from completed interpurchase times is too short where the history is "
    "short; the other two thresholds show how much the result depends on it.",
)


@engine.tables("orders")
@analysis
def retention_rate(orders, *, begin, end, active="90D", zone="UTC", conf_level=0.95):
    """Of those who were customers when a period began, how many still are at its end?

    A customer at a date is someone who ordered in the `active` days up to it: in a shop without
    contract nobody tells when they leave, so the rule is part of the number.

    Parameters
    ----------
    orders : table with order_id, customer_id, ordered_at, amount
    begin, end : str or Timestamp
    active : str
        Look-back that makes someone a customer, such as "90D".

    Returns
    -------
    Result
        One row: measure, count (still customers), n (customers at the start), estimate, conf_low,
        conf_high, new (customers at the end who were none at the start). Interval: Wilson (1927).

    Source: Farris et al. (2020), Marketing Metrics; rule R-04.
    """
    import pandas as pd

    view, covered = schemas.purchase_days(orders, zone, None)
    back = schemas.whole_days("active", active)
    a, b = (
        periods.local_day(schemas.moment(k, v, zone), zone)
        for k, v in (("begin", begin), ("end", end))
    )
    if b - a < back:
        raise InputError(
            "retention.error_rate_apart",
            "retention_rate: begin and end must lie at least `active` ({active}) "
            "apart, else one order counts at both; found {days} days",
            active=active,
            days=b - a,
        )
    if b > covered:
        raise NotEnoughData(
            "retention.error_rate_end",
            "retention_rate: the data end before {end:date}",
            end=end,
        )
    found = engine.run(
        schemas.DAYS
        + """,
          c AS (
            SELECT customer,
              max(CASE WHEN day > :a0 AND day <= :a THEN 1 ELSE 0 END) AS at_begin,
              max(CASE WHEN day > :b0 AND day <= :b THEN 1 ELSE 0 END) AS at_end
            FROM days WHERE bought = 1 GROUP BY customer)
          SELECT CAST(sum(at_begin) AS BIGINT) AS n,
            CAST(sum(at_begin * at_end) AS BIGINT) AS count,
            CAST(sum((1 - at_begin) * at_end) AS BIGINT) AS new
          FROM c""",
        values={"a0": a - back, "a": a, "b0": b - back, "b": b},
        o=view,
    )
    n, count = int(found["n"].iloc[0]), int(found["count"].iloc[0])
    if not n:
        raise NotEnoughData(
            "retention.error_rate_nobody",
            "retention_rate: nobody was a customer on {begin:date} (no order {active:span} before)",
            begin=begin,
            active=active,
        )
    low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
    table = pd.DataFrame(
        [
            {
                "measure": "retention_rate",
                "count": count,
                "n": n,
                "estimate": count / n,
                "conf_low": low,
                "conf_high": high,
                "new": int(found["new"].iloc[0]),
            }
        ]
    )
    return Result(
        question=Note(
            "retention.rate_question",
            "How many of the customers on {begin:date} are still customers on {end:date}?",
            begin=str(begin),
            end=str(end),
        ),
        answer=RATE_ANSWER.having(
            begin=str(begin), end=str(end), **sentences.interval(table.iloc[0])
        ),
        table=table,
        unit="customers",
        n=n,
        method=Note(
            "retention.rate_method",
            "A customer is someone who ordered in the {active:span} before the date; Wilson "
            "interval.",
            active=active,
        ),
        conf_level=conf_level,
        limits=(RATE_LIMIT,),
        chart=Points(
            label=["measure"],
            percent=True,
            xlabel=RATE_AXIS,
        ),
    )


@engine.tables("orders")
@analysis
def churn_moments(orders, *, silence=None, zone="UTC", until=None, conf_level=0.95):
    """After which purchase do customers become inactive?

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
        silence_days, purchase_number ("1", "2", "3", "4+"), count (inactive for longer than T
        after that purchase), n (purchases of that number with at least T days of data behind them),
        estimate, std_error, conf_low, conf_high, returned (of the inactive, those seen again
        later).
        The customer is the sampling unit.

    Raises
    ------
    NotEnoughData
        If no customer bought twice and no `silence` is given.

    Source: Buckinx & Van den Poel (2005), EJOR 164; rule R-05.
    """
    import pandas as pd

    gaps = pauses(orders, zone=zone, until=until)
    ended = gaps.loc[gaps["ended"], "days"]
    if silence is None:
        if not len(ended):
            raise NotEnoughData(
                "retention.error_churn_no_repeat",
                "churn_moments: no customer bought twice, so there is no usual interpurchase time; "
                "name one with silence='90D'",
            )
        limits_days = [int(np.ceil(v)) for v in np.quantile(ended, [0.9, 0.8, 0.95])]
    else:
        limits_days = [schemas.whole_days("silence", silence)]
        limits_days += [max(limits_days[0] // 2, 1), limits_days[0] * 2]
    named = np.where(gaps["number"] >= 4, "4+", gaps["number"].astype(str))
    rows = []
    for days in dict.fromkeys(limits_days):
        # Quick returns of late purchases would be counted and slow ones not: only purchases watched
        # for T count.
        watched = gaps["watched"] > days
        for name in ("1", "2", "3", "4+"):
            mine = gaps[watched & (named == name)]
            if not len(mine):
                continue
            silent = mine["days"] > days
            rows.append(
                {
                    "silence_days": days,
                    "purchase_number": name,
                    **intervals.share(silent, mine["customer_id"], conf_level),
                    "returned": int((silent & mine["ended"]).sum()),
                }
            )
    if not any(row["silence_days"] == limits_days[0] for row in rows):
        raise NotEnoughData(
            "retention.error_churn_not_followed",
            "churn_moments: no purchase was followed for more than {days} days",
            days=limits_days[0],
        )
    table = pd.DataFrame(rows)
    main = table[table["silence_days"] == limits_days[0]]
    return Result(
        question=CHURN_QUESTION,
        answer=_churn_answer(main),
        table=table,
        unit="purchases",
        n=len(gaps),
        conf_level=conf_level,
        method=Note(
            "retention.churn_method",
            "Purchases followed by more than {days} days of inactivity, among those followed for "
            "that long; the customer is the sampling unit.",
            days=limits_days[0],
        ),
        limits=(*_churn_returned(main), CHURN_RULE),
        chart=Points(
            label=["silence_days", "purchase_number"],
            group="silence_days",
            percent=True,
            xlabel=CHURN_AXIS,
        ),
    )


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
    return Note(
        "retention.churn_answer",
        "Purchase {number}: {share:%} were followed by more than {days} days of inactivity "
        "({low:%} to {high:%}; {count} of {n} purchases); purchase {last_number}: {last:%} "
        "({last_low:%} to {last_high:%}).",
        last_number=str(last["purchase_number"]),
        last=float(last["estimate"]),
        last_low=float(last["conf_low"]),
        last_high=float(last["conf_high"]),
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
