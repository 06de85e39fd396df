"""How often customers buy, for how much, and how long the pause is; groups beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas, survival
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.retention import grouping, sentences
from workbench.retention.repeat_purchase import interpurchase_times

if TYPE_CHECKING:
    from workbench.types import Grouping, Moment, Table

OPEN_PAUSE = Note(
    "retention.open_pause",
    "Counted per interpurchase time, so frequent buyers weigh more. The one still open when the "
    "data end is censored; the median of completed ones alone is too short.",
)
RHYTHM_METHOD = Note(
    "retention.rhythm_method",
    "Ratios over customers (delta method); interpurchase times by Kaplan–Meier, the "
    "customer as sampling unit; amounts as they stand in the orders.",
)
RHYTHM_METHOD_BY = Note(
    "retention.rhythm_method_by",
    "Ratios over customers (delta method); interpurchase times by Kaplan–Meier, the customer as "
    "sampling unit; amounts as they stand in the orders; each group against all others by the "
    "normal test of two ratios and, of times, by the log-rank test, Holm's correction over groups "
    "and measures.",
)


@engine.tables("orders")
@analysis
def purchase_frequency(
    orders: Table,
    *,
    by: Grouping | None = None,
    zone: str = "UTC",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """How often do customers buy, for how much, and how long is the pause?

    Parameters are as in `repeat_rate`.

    Returns
    -------
    Result
        [group,] measure, count or amount (numerator), n, estimate, std_error, conf_low, conf_high
        for repeats_per_year (purchases after the first per customer-year since it), order_value
        (currency of the orders, as they stand: refunds and discounts are netted only if the orders
        are; orders without an amount are left out), days_between (median pause, the last, still
        open one included and censored) and days_between_seen (median of the completed pauses only:
        biased short); with `by` p_value, p_holm (over groups and measures; none for the biased
        one). Intervals: delta method, and Brookmeyer–Crowley, with the customer as sampling unit.

    Source: Ehrenberg (1988), Repeat-Buying; rule R-02. Groups: Holm (1979).
    """
    grouping.check(by)
    view, end = schemas.purchase_days(orders, zone, until)
    per = engine.run(
        schemas.DAYS
        + """
          SELECT customer, CAST(sum(bought) AS BIGINT) AS occasions,
            CAST(sum(orders) AS BIGINT) AS orders, sum(amount) AS amount,
            min(CASE WHEN bought = 1 THEN day END) AS first_day
          FROM days GROUP BY customer HAVING sum(bought) > 0 ORDER BY customer""",
        o=view,
    )
    per["years"] = (end - per["first_day"] + 1) / 365.25
    gaps = interpurchase_times(orders, zone=zone, until=until)
    for table, customers in ((per, "customer"), (gaps, "customer_id")):
        table["group"] = "all" if by is None else grouping.of(table[customers], by)
    groups = sorted(per["group"].unique())
    table = tidy(
        [
            {"group": group, **row}
            for group in groups
            for row in _rhythm(per[per["group"] == group], gaps[gaps["group"] == group], conf_level)
        ]
    )
    several = len(groups) > 1
    if several:
        p = [_against_rest(row, per, gaps) for row in table.itertuples()]
        table = grouping.corrected(table.assign(p_value=p), table["measure"])
    whole = table.drop(columns="group") if by is None else table
    return Result(
        question=Note(
            "retention.rhythm_question",
            "How often do customers buy, for how much, and how much time lies between purchases?",
        ),
        answer=_rhythm_difference(table, conf_level)
        if several
        else _rhythm_answer(table, len(per)),
        table=whole,
        method=RHYTHM_METHOD_BY if several else RHYTHM_METHOD,
        unit="customers",
        n=len(per),
        conf_level=conf_level,
        limits=(OPEN_PAUSE, sentences.FIRST_SEEN),
        chart=Points(
            label=[*([] if by is None else ["group"]), "measure"],
            xlabel=Note(
                "retention.rhythm_axis", "In the unit of each measure: orders, money, days"
            ),
        ),
    )


def _sums(per):
    """Return the measures that are ratios over customers: what is summed, numerator, denominator.

    The purchase that starts a customer's clock is no purchase of the time since.
    """
    return {
        "repeats_per_year": ("count", per["occasions"] - 1, per["years"]),
        "order_value": ("amount", per["amount"].fillna(0), per["orders"]),
    }


def _rhythm(per, gaps, conf_level):
    """Return the row of every measure of some customers."""
    rows = []
    for name, (summed, y, x) in _sums(per).items():
        estimate, se, low, high = intervals.ratio(y, x, conf_level)
        rows.append(
            {
                "measure": name,
                summed: float(y.sum()),
                "n": float(x.sum()),
                "estimate": estimate,
                "std_error": se,
                "conf_low": low,
                "conf_high": high,
            }
        )
    for name, used in (("days_between", gaps), ("days_between_seen", gaps[gaps["ended"]])):
        estimate = low = high = np.nan
        if len(used):
            curve = survival.kaplan_meier(
                used["days"], used["ended"], customer=used["customer_id"], conf_level=conf_level
            )
            estimate, low, high = survival.quantile(curve, 0.5)
        rows.append(
            {
                "measure": name,
                "count": float(used["ended"].sum()),
                "n": float(len(used)),
                "estimate": estimate,
                "std_error": np.nan,
                "conf_low": low,
                "conf_high": high,
            }
        )
    return rows


def _against_rest(row, per, gaps):
    """Return the p-value of a group against all others in one measure; missing where it is biased
    in both.
    """
    if row.measure == "days_between":
        inside = gaps["group"] == row.group
        return survival.log_rank(gaps["days"], gaps["ended"], inside, customer=gaps["customer_id"])[
            2
        ]
    if row.measure == "days_between_seen":
        return np.nan
    _, y, x = _sums(per[per["group"] != row.group])[row.measure]
    rest, error, _, _ = intervals.ratio(y, x)
    return float(intervals.p_value(row.estimate - rest, np.hypot(row.std_error, error)))


def _rhythm_difference(table, conf_level):
    """Say which group differs most clearly from all others in how often it buys, if any does."""
    rates = table[table["measure"] == "repeats_per_year"].dropna(subset=["p_holm"])
    if not len(rates):
        return sentences.TOO_SMALL.having(n=int(table["n"].max()))
    row = grouping.nearest_to_different(rates)
    values = {
        "group": row["group"],
        "rate": float(row["estimate"]),
        "low": float(row["conf_low"]),
        "high": float(row["conf_high"]),
        "years": float(row["n"]),
        "p": float(row["p_holm"]),
    }
    if row["p_holm"] < 1 - conf_level:
        return Note(
            "retention.rhythm_group",
            "Group {group:word} differs most clearly from the others: its customers buy again "
            "{rate:3} times a year ({low:3} to {high:3}; {years:3} customer-years; corrected p: "
            "{p:p}).",
            **values,
        )
    return Note(
        "retention.rhythm_group_same",
        "No difference in how often groups buy could be shown; nearest to one is group "
        "{group:word}: its customers buy again {rate:3} times a year ({low:3} to {high:3}; "
        "{years:3} customer-years; corrected p: {p:p}).",
        **values,
    )


def _rhythm_answer(table, customers):
    rates = table.set_index("measure")[["estimate", "conf_low", "conf_high"]]
    rate, between = rates.loc["repeats_per_year"], rates.loc["days_between"]
    values = {
        "rate": float(rate["estimate"]),
        "low": float(rate["conf_low"]),
        "high": float(rate["conf_high"]),
        "n": customers,
    }
    if between.isna().any():
        return Note(
            "retention.rhythm_answer_open",
            "Customers buy again {rate:3} times a year ({low:3} to {high:3}; {n} customers); the "
            "data are too short for a median interpurchase time with its interval.",
            **values,
        )
    return Note(
        "retention.rhythm_answer",
        "Customers buy again {rate:3} times a year ({low:3} to {high:3}; {n} customers); half of "
        "the times between purchases are at most {days:3} days ({days_low:3} to {days_high:3}).",
        days=float(between["estimate"]),
        days_low=float(between["conf_low"]),
        days_high=float(between["conf_high"]),
        **values,
    )
