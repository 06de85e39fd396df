"""After what silence is a decision over? Read off the waits instead of chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, schemas
from workbench import names as own
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stages.episodes import DAY, view_of
from workbench.stats import waits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.types import Moment, Table

HOURS = 24
QUESTION = Note("stages.silence_question", "After what silence is a decision over?")
METHOD = Note(
    "stages.silence_method",
    "Waits between two contacts, longer than {timeout:span} and not after a purchase, as a mixture "
    "of log-normal pauses within a decision and Weibull times until the next one; errors with the "
    "customer as cluster. The silence is the one that declares as many waits over as there are "
    "ends: ends that are missed and pauses taken for ends then balance.",
)
LIMIT = Note(
    "stages.silence_limit",
    "The shape of both kinds is an assumption, and single waits are told apart badly near the "
    "silence: numbers of occasions come right, not every occasion.",
)


@dataclass(frozen=True)
class Silence:
    """A silence read off the waits: `gap` as durations are written, and the fitted mixture."""

    gap: str
    waits: object


@engine.tables("events")
@analysis
def silence(
    events: Table,
    stages: Sequence[str],
    *,
    timeout: str = "30min",
    column: str = "stage",
    until: Moment | None = None,
    conf_level: float = 0.95,
) -> Result:
    """After what silence has a decision ended, as far as the waits tell?

    Parameters
    ----------
    events : table with customer_id, occurred_at and the stage column
    stages : list of str
        Stages in rank order, the purchase last.
    timeout : str
        Shorter waits belong to one visit and take no part.
    column, until
        As in `episodes`.

    Returns
    -------
    Result
        measure (ends: share of waits that end a decision; silence_days), n (waits), estimate,
        std_error, conf_low, conf_high. `.model.gap` is the silence, to be given to
        `episodes` and the others as `gap`. The interval of the silence is that of the share of
        ends.

    Raises
    ------
    NotEnoughData
        For fewer than 100 waits, or waits of one kind.

    Source: S-03 in `docs/glossary.md`; the cut that balances both errors as in quantification,
    Forman (2008), Data Mining and Knowledge Discovery 17.
    """
    import pandas as pd

    stages = own.listed(stages)
    view, _, _ = view_of(events, stages, None, until, column)
    kernel = _Waits(len(stages) - 1, schemas.micros("timeout", timeout))
    found = engine.map_ordered(view, kernel, then=("t", "k"))
    days = found["wait"].to_numpy(float) / DAY
    fit = waits.two_kinds(days, found["customer"].astype(str).to_numpy())
    low, high = intervals.normal(fit.share, fit.std_error, conf_level)
    low, high = max(float(low), 0.0), min(float(high), 1.0)
    cut, least, most = np.quantile(days, [1 - fit.share, 1 - high, 1 - low])
    gap = f"{max(round(cut * HOURS), 1)}h"
    row = {"n": len(days), "std_error": fit.std_error, "conf_low": low, "conf_high": high}
    silent = {"n": len(days), "estimate": cut, "conf_low": least, "conf_high": most}
    table = pd.DataFrame(
        [
            {"measure": "ends", "estimate": fit.share, **row},
            {"measure": "silence_days", **silent},
        ]
    )[["measure", "n", "estimate", "std_error", "conf_low", "conf_high"]]
    made = Result(
        question=QUESTION,
        table=table,
        answer=Note(
            "stages.silence_answer",
            "A decision is over after {days:3} days without a contact ({low:3} to {high:3}): "
            "{share:%} of the waits between visits end one ({share_low:%} to {share_high:%}; {n} "
            "waits).",
            days=cut,
            low=least,
            high=most,
            share=fit.share,
            share_low=low,
            share_high=high,
            n=len(days),
        ),
        method=METHOD.having(timeout=timeout),
        unit="waits",
        n=len(days),
        conf_level=conf_level,
        limits=(LIMIT,),
        chart=Points(
            label=["measure"],
            only={"measure": ["ends"]},
            percent=True,
            xlabel=Note("stages.silence_axis", "Share of waits that end a decision"),
        ),
    )
    return replace(made, model=Silence(gap, fit))


class _Waits:
    """A kernel that hands on the waits between visits, those after a purchase left out."""

    def __init__(self, goal, timeout):
        self.goal, self.timeout = goal, timeout

    def __call__(self, batch):
        wait = np.diff(batch["t"], prepend=batch["t"][:1]).astype(np.int64)
        kept = wait > self.timeout
        kept[batch.starts] = False
        kept[1:] &= batch["k"][:-1] != self.goal
        rows = np.flatnonzero(kept)
        return {"customer": batch["customer"][rows], "wait": wait[rows]}
