"""For which reason do they leave, where one reason rules out the others?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, survival
from workbench import regression as fits
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Result, analysis
from workbench.retention import sentences

if TYPE_CHECKING:
    from workbench.types import Table

NOBODY_LEFT = Note(
    "retention.exit_nobody",
    "Nobody left while they were followed, for any reason: the share is {none} so far.",
    none=0,
)
EXIT_LIMIT = Note(
    "retention.exit_limit",
    "One minus a survival curve of one reason, the others censored, is larger than these shares "
    "and answers another question.",
)


@engine.frames("table")
@analysis
def competing_risks(
    table: Table,
    *,
    time: str = "days",
    cause: str = "cause",
    customer: str | None = None,
    horizon: float | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Which share has ended for each reason by each time, where one reason rules out the others?

    Parameters
    ----------
    table : DataFrame
        One row a duration; rows without a time are left out and counted.
    time : str
    cause : str
        Column of the reason; missing where the duration was still going on when the data end.
    customer : str, optional
        Column of the sampling unit.
    horizon : float, optional
        Time at which the shares stand in `.facts` (retention.exit_share_of);
        None: the median duration.

    Returns
    -------
    Result
        cause, time, n (at risk), count, estimate (share that has left for it), std_error, conf_low,
        conf_high. The shares of all reasons and of those still there add up to 1.

    Raises
    ------
    InputError
        For missing columns or negative durations.
    NotEnoughData
        Without a complete row. Where nobody left, the share is 0 for any reason.

    Source: Aalen & Johansen (1978), Scandinavian Journal of Statistics 5.
    """
    import pandas as pd

    fits.numbers(table, "table", time)
    fits.require(table, "table", cause, customer)
    rows = table.dropna(subset=[time]).reset_index(drop=True).astype({cause: object})
    names = sorted(rows[cause].dropna().unique(), key=str)
    if not len(rows):
        raise NotEnoughData("retention.error_no_complete_row", "survival: there is no complete row")
    names = names or ["any_reason"]
    code = rows[cause].map({n: i + 1 for i, n in enumerate(names)}).fillna(0).astype(int)
    who = None if customer is None else rows[customer]
    made = pd.concat(
        [
            survival.incidence(
                rows[time], code, of=i + 1, customer=who, conf_level=conf_level
            ).assign(cause=str(n))
            for i, n in enumerate(names)
        ],
        ignore_index=True,
    ).rename(columns={"at_risk": "n"})
    when = float(rows[time].median()) if horizon is None else float(horizon)
    shares = [_by(made, str(name), when) for name in names]
    limits = [
        Note(
            "retention.exit_shares",
            "By {when} {time:header}: {shares}.",
            when=when,
            time=time,
            shares=[
                Note("retention.exit_share_of", "{cause:word} {share:%}", cause=name, share=share)
                for name, share, *_ in shares
            ],
        ),
        EXIT_LIMIT if code.any() else NOBODY_LEFT,
        *sentences.left_out(len(table) - len(rows)),
    ]
    columns = ["cause", "time", "n", "count", "estimate", "std_error", "conf_low", "conf_high"]
    return Result(
        question=Note("retention.exit_question", "What share has ended for each reason?"),
        answer=_exit_answer(shares, when, time, len(rows)),
        table=made[columns],
        method=Note(
            "retention.exit_method", "Cumulative incidence (Aalen–Johansen), reasons competing."
        ),
        unit="durations",
        n=len(rows),
        conf_level=conf_level,
        limits=tuple(limits),
        chart=Curve(
            x="time",
            group="cause",
            step=True,
            percent=True,
            xlabel=sentences.TIME,
            ylabel=Note("retention.exit_share", "Share ended for this reason"),
        ),
    )


def _by(curves, cause, when):
    """Return the reason and its share, with limits, at a moment."""
    upto = curves[(curves["cause"] == cause) & (curves["time"] <= when)]
    if not len(upto):
        return cause, 0.0, np.nan, np.nan
    row = upto.iloc[-1]
    return cause, *(float(row[c]) for c in ("estimate", "conf_low", "conf_high"))


def _exit_answer(shares, when, time, n):
    cause, share, low, high = min(shares, key=lambda s: (-s[1], s[0]))
    values = {"cause": cause, "share": share, "when": when, "time": time, "n": n}
    if low != low or high != high:
        return Note(
            "retention.exit_answer_plain",
            "By {when} {time:header}, {share:%} had ended for the most frequent reason, "
            "{cause:word} ({n} durations).",
            **values,
        )
    return Note(
        "retention.exit_answer",
        "By {when} {time:header}, {share:%} had ended for the most frequent reason, {cause:word} "
        "({low:%} to {high:%}; {n} durations).",
        low=low,
        high=high,
        **values,
    )
