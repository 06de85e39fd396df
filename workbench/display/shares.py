"""Which numbers of a Result are shares, differences of shares or money, and how a table writes
them.
"""

import re
from functools import partial

import numpy as np

from workbench.display import marks
from workbench.display.writing import money, percent

# Columns in the unit of the estimate of their row.
_LIKE_THE_ESTIMATE = (
    *("estimate", "std_error", "conf_low", "conf_high", "law", "law_low", "law_high"),
    *("theory", "theory_low", "theory_high", "truth", "planted", "predicted", "said", "seen"),
    *("by_size", "scored", "shrunken", "centre", "lower_limit", "upper_limit", "no_change"),
)
# Differences from another row's estimate.
_APART = ("difference", "difference_low", "difference_high", "deviation", "random", "by_spell")
# Shares whatever the estimate of their row is.
_OF_THEIR_OWN = (
    *(
        "rate",
        "rest_rate",
        "with_goal",
        "without_goal",
        "penetration",
        "cumulative",
        "share",
        "at_least",
        "precision_asked",
    ),
    *("smallest", "best", "targeted", "month_before", "wrong_sign", "off", "off_low", "off_high"),
)
# Rows that are the difference of two shares, by their key, and those that are no share at all.
_GAPS = ("added", "cost_adjusted", "difference")
_MINUS = re.compile(" − |_less_")
_RATIOS = ("odds_ratio",)
_MONEY = ("amount", "amount_total")
_MEASURES = ("measure", "statistic", "basis")


def ways(result):
    """Return column → (rows, how to write them), of all that is no plain number."""
    shares, gaps = are_shares(result), apart_rows(result)
    apart = _drawn(result) & bool(result.chart and result.chart.points)
    numeric = set(result.table.select_dtypes("number"))
    every = np.ones(len(result.table), bool)
    found = {}
    for names, rows, write in (
        (_LIKE_THE_ESTIMATE, shares, percent),
        (_LIKE_THE_ESTIMATE, (apart & ~shares) | gaps, _points),
        (_APART, shares | apart | gaps, _points),
        (_OF_THEIR_OWN, every, percent),
        (_MONEY, every & bool(result.currency), partial(money, currency=result.currency)),
    ):
        for name in numeric & set(names):
            if rows.any():
                found.setdefault(name, []).append((rows, write))
    return found


def are_shares(result):
    """Return of every row whether its estimate is a share: those the chart draws as such, and all
    of a measure whose estimates are the count over n throughout.
    """
    chart = result.chart
    drawn = _drawn(result) & bool(chart and chart.percent and not chart.points)
    return (drawn | counted(result.table)) & ~_named(result.table, _GAPS) & ~ratio_rows(result)


def ratio_rows(result):
    """Return the rows whose estimate is a ratio of shares, which may lie above 1."""
    return _named(result.table, _RATIOS)


def apart_rows(result):
    """Return the rows whose estimate is the difference of two shares: by their name, among rows
    that are drawn as shares, or where they say which group is subtracted from which.
    """
    chart, table = result.chart, result.table
    drawn = _drawn(result) & bool(chart and chart.percent and not chart.points)
    apart = _named(table, _GAPS) & drawn
    if "group" in table and counted(table).any():
        less = np.array([bool(_MINUS.search(str(group))) for group in table["group"]], bool)
        apart |= less & (_measured_as_shares(table) | _named(table, _GAPS))
    return apart


def _measured_as_shares(table):
    """Return the rows whose measure is a share in other rows; all where no measure is named."""
    rows = np.ones(len(table), bool)
    for column in set(_MEASURES) & set(table.columns):
        rows &= table[column].isin(table.loc[counted(table), column]).to_numpy()
    return rows


def _named(table, names):
    """Return the rows one of whose words is one of these names."""
    rows = np.zeros(len(table), bool)
    for column in table.select_dtypes(exclude="number"):
        rows |= np.array([str(value) in names for value in table[column]], bool)
    return rows


def counted(table):
    """Return the rows of measures whose estimates are the count over n wherever both are known.

    >>> import pandas as pd
    >>> rows = [("reach", 2, 4, 0.5), ("days", None, 4, 0.5), ("purchases a year", 6, 4, 1.5)]
    >>> counted(pd.DataFrame(rows, columns=["measure", "count", "n", "estimate"])).tolist()
    [True, False, False]
    """
    if not {"count", "n", "estimate"} <= set(table.columns):
        return np.zeros(len(table), bool)
    count, n, estimate = (table[c].to_numpy(float) for c in ("count", "n", "estimate"))
    known = ~np.isnan(count) & ~np.isnan(estimate) & (n > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = np.isclose(count / n, estimate, rtol=1e-9, atol=1e-12)
    # Whole events over years lived, or more events than units: a rate, such as purchases a year.
    rates = (count > n) | ((count % 1 == 0) & (n % 1 != 0))
    named = [c for c in _MEASURES if c in table]
    measure = table[named].astype(str).agg(" ".join, axis=1).to_numpy() if named else [""] * len(n)
    shares = np.zeros(len(table), bool)
    for one in set(measure):
        rows = np.asarray(measure) == one
        here = known & rows
        shares[rows] = here.any() and (alike & ~rates)[here].all()
    return shares


def _drawn(result):
    """Return the rows that the chart draws."""
    rows = np.full(len(result.table), result.chart is not None)
    for name, values in result.chart.only.items() if result.chart else ():
        rows &= result.table[name].isin(marks.listed(values)).to_numpy()
    return rows


def _points(number):
    return marks.value(number, marks.POINTS)
