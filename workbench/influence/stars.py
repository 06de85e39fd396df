"""Does the display of stars itself matter? Jumps where they are rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW_CLUSTERS, LEFT_OUT
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stats.differences import at_border

if TYPE_CHECKING:
    from workbench.types import Table

LEAST_ROWS = 20  # on each side of a rounding
JUMP = Note(
    "influence.star_answer",
    "Just above a rounding {outcome:word} is {estimate:3} higher than just below "
    "({low:3} to {high:3}; {n} rows).",
)
DROP = Note(
    "influence.star_answer_lower",
    "Just above a rounding {outcome:word} is lower than just below: a difference of "
    "{estimate:3} ({low:3} to {high:3}; {n} rows).",
)
NO_JUMP = Note(
    "influence.star_answer_none",
    "No jump of {outcome:word} at the roundings could be shown: {estimate:3} "
    "({low:3} to {high:3}; {n} rows).",
)


@engine.frames("table")
@analysis
def star_rounding(
    table: Table,
    outcome: str,
    *,
    rating: str = "rating",
    step: float = 0.5,
    bandwidth: float = 0.1,
    unit: str = "product_id",
    conf_level: float = 0.95,
) -> Result:
    """Where the displayed stars jump by rounding, does the outcome jump too?

    A product at 3.26 shows 3.5 stars, one at 3.24 shows 3, though they are as good as alike: what
    jumps there is the work of the display.

    Parameters
    ----------
    table : DataFrame
        One row a product (and period).
    outcome, rating, unit : str
        Columns; rating is the true mean, before rounding.
    step : float
        Distance of two displayed values.
    bandwidth : float
        How near to the rounding a rating must lie, at most `step` / 2.

    Returns
    -------
    Result
        measure (jump; jump_half and jump_double with other bandwidths; before, where the table has
        last period's outcome as OUTCOME_before: a check), n (rows within the bandwidth), estimate
        (change of the outcome a displayed step), std_error, conf_low, conf_high.
        Local straight lines, triangular weights, products as sampling unit.

    Raises
    ------
    InputError
        For missing columns or a bandwidth that reaches the next rounding.
    NotEnoughData
        With fewer than 20 rows, or fewer than three different ratings, on a side: a line through
        fewer says nothing of the jump. A bandwidth other than the first where that holds gives a
        missing row.

    Source: Anderson & Magruder (2012), Economic Journal 122; Luca (2016), HBS working paper 12-016;
    density check after McCrary (2008), Journal of Econometrics 142.
    """
    import pandas as pd
    from scipy import stats

    fits.require(table, "table", outcome, rating, unit)
    if not 0 < bandwidth <= step / 2:
        raise InputError(
            "influence.error_bandwidth",
            "bandwidth: above 0 and at most {step:plain}, half a step; found {bandwidth:plain}",
            step=step / 2,
            bandwidth=bandwidth,
        )
    rows = table.dropna(subset=[outcome, rating, unit])
    value = rows[rating].to_numpy(float)
    # Distance to the nearest point where the display jumps: half a step above each displayed value.
    away, cut = value % step - step / 2, np.floor(value / step)
    who = np.unique(rows[unit].astype(str), return_inverse=True)[1]
    near = np.abs(away) < bandwidth
    above = away >= 0
    if min((near & above).sum(), (near & ~above).sum()) < LEAST_ROWS:
        raise NotEnoughData(
            "influence.error_star_rows",
            "star_rounding: {above} rows just above and {below} just below a rounding; "
            "{least} on each side are needed",
            above=int((near & above).sum()),
            below=int((near & ~above).sum()),
            least=LEAST_ROWS,
        )

    y = rows[outcome].to_numpy(float)
    tries = [
        ("jump", y, bandwidth),
        ("jump_half", y, bandwidth / 2),
        ("jump_double", y, min(2 * bandwidth, step / 2)),
    ]
    if f"{outcome}_before" in rows:
        early = rows[f"{outcome}_before"].to_numpy(float)
        if np.isfinite(early).all():
            tries.append(("before", early, bandwidth))
    out = []
    for name, target, width in tries:
        estimate, se, n = _jump(target, away, cut, who, width)
        low, high = intervals.normal(estimate, se, conf_level)
        out.append(
            {
                "measure": name,
                "n": n,
                "estimate": estimate,
                "std_error": se,
                "conf_low": float(low),
                "conf_high": float(high),
            }
        )
    if np.isnan(out[0]["estimate"]):
        raise NotEnoughData(
            "influence.error_star_ratings",
            "star_rounding: within the bandwidth there are fewer than three different "
            "ratings on a side of the roundings; ratings with more decimals are needed, "
            "or a wider bandwidth",
        )
    right, left = (len(np.unique(who[near & side])) for side in (above, ~above))
    p = stats.binomtest(right, right + left).pvalue
    limits = [
        Note(
            "influence.star_density",
            "{right} products lie just above a rounding and {left} just below (p: "
            "{p:p}): where sellers can push their rating over it, the two sides differ.",
            right=right,
            left=left,
            p=float(p),
        ),
        Note(
            "influence.star_limit",
            "Holds near the roundings only, for a step of {step:plain}.",
            step=step,
        ),
    ]
    if p < 0.01:
        limits.insert(
            0,
            Note(
                "influence.star_pushed",
                "More products lie on one side than chance would give: ratings may have "
                "been pushed over the line; do not trust the jump.",
            ),
        )
    if min(right, left) < 100:
        limits.append(FEW_CLUSTERS.having(n=min(right, left), least=100, unit="products"))
    if len(rows) < len(table):
        limits.append(LEFT_OUT.having(n=len(table) - len(rows)))
    return Result(
        question=Note(
            "influence.star_question",
            "Where the displayed stars jump by rounding, does {outcome:word} jump too?",
            outcome=outcome,
        ),
        table=pd.DataFrame(out),
        answer=_star_answer(out[0], outcome),
        method=Note(
            "influence.star_method",
            "Regression discontinuity at every rounding: local linear regression within "
            "{width:plain}, triangular weights.",
            width=bandwidth,
        ),
        unit="rows",
        n=int(near.sum()),
        conf_level=conf_level,
        evidence="quasi-causal: discontinuity",
        limits=tuple(limits),
        chart=Points(
            label=["measure"],
            reference=0,
            xlabel=Note(
                "influence.star_axis",
                "Change of {outcome:word} per displayed step",
                outcome=outcome,
            ),
        ),
    )


def _jump(y, away, level, who, width):
    """Return the jump at a rounding, its error, and how many rows lie so near."""
    import pandas as pd

    near = np.abs(away) < width
    n = int(near.sum())
    # Around their mean, so that what lies far from 0 keeps its digits: the jump is the same.
    y = y - (y[near].mean() if n else 0.0)
    design = at_border(y, away, level, who, width)
    if design is None:
        return np.nan, np.nan, n
    x, y, units = design
    names = ["jump", *range(1, x.shape[1])]
    made = fits.least_squares(y, pd.DataFrame(x, columns=names), units)
    return made.params["jump"], float(np.sqrt(made.cov.loc["jump", "jump"])), n


def _star_answer(row, outcome):
    """Return the jump within the bandwidth that was asked for."""
    answer = NO_JUMP
    if fits.clear(row):
        answer = JUMP if row["estimate"] > 0 else DROP
    return answer.having(**fits.said(row), outcome=outcome)
