"""When do further interviews bring nothing new?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench.errors import InputError, NotEnoughData, need_columns
from workbench.interviews.codes import none_agreed, read
from workbench.notes import Note
from workbench.results import Curve, Result, analysis, tidy
from workbench.stats import saturation as runs

if TYPE_CHECKING:
    from workbench.types import Table


@engine.frames("codes")
@analysis
def saturation(
    codes: Table,
    *,
    base: int = 4,
    run: int = 2,
    threshold: float = 0.05,
    held: str = "interviewed_at",
    agreed: str = "any",
    draws: int = 500,
    seed: int = 1,
) -> Result:
    """After how many interviews does hardly anything new come up?

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code, and the column `held`
    base, run : int
        Interviews whose codes are the base, and interviews in a run.
    threshold : float
        Saturation is reached at the first run whose new codes are at most this share of the base.
    held : str
        Column that says when (or in which place) each interview was held.
    agreed : str
        As in `frequency`.
    draws, seed : int
        Orders drawn at random, to see how much hangs on the order.

    Returns
    -------
    Result
        interviews (at which the run ends), n (interviews so far), new_codes, base_codes, estimate
        (new over base), order_low and order_high (in which 95 % of other orders lie) and reached
        (share of other orders that are saturated by then).

    Raises
    ------
    InputError
        For a missing column, or a base or run below 1.
    NotEnoughData
        With fewer interviews than a base and a run.

    Source: Guest, Namey & Chen (2020), PLoS ONE 15(5): base 4, run 2, threshold 5 %.
    """
    _check(base, run, threshold)
    need_columns("codes", codes.columns, held)
    coded = read(codes, agreed=agreed)
    if coded.agreed.empty:
        raise none_agreed()
    mentions = _mentions(coded, held)
    if len(mentions) < base + run:
        raise NotEnoughData(
            "interviews.error_few",
            "codes: {found} interviews; a base of {base} and a run of {run} need {needed}",
            found=len(mentions),
            base=base,
            run=run,
            needed=base + run,
        )
    made = runs.saturation(mentions, base, run)
    others = _orders(mentions, base, run, draws, seed)
    ends = np.array([runs.reached(row, made.interviews, threshold) for row in others])
    table = _runs(made, others, ends)
    at = runs.reached(made.share, made.interviews, threshold)
    return Result(
        question=Note(
            "interviews.saturation_question", "When do further interviews bring nothing new?"
        ),
        table=table,
        answer=_saturation_answer(at, ends, len(mentions), made, threshold),
        method=Note(
            "interviews.saturation_method",
            "Codes of each run of {run} interviews that no earlier one had, over the codes of the "
            "first {base}; saturated at the first run with at most {threshold:%} (Guest, Namey and "
            "Chen). The band: {draws} other orders of the same interviews.",
            run=run,
            base=base,
            threshold=threshold,
            draws=draws,
        ),
        unit="interviews",
        n=len(mentions),
        limits=(
            Note(
                "interviews.saturation_limit",
                "Saturation holds for people like these and codes as broad as these; a group that "
                "was not asked may say something else.",
            ),
        ),
        chart=Curve(
            x="interviews",
            percent=True,
            xlabel=Note("interviews.held_axis", "Interviews held"),
            ylabel=Note("interviews.new_axis", "New codes in the run, of those in the base"),
        ),
    )


def _check(base, run, threshold):
    """Refuse a base, run or threshold that cannot be."""
    if min(base, run) < 1 or not 0 <= threshold < 1:
        raise InputError(
            "interviews.error_runs",
            "base and run must be at least {least} interview, and threshold a share below {least}; "
            "found {base}, {run} and {threshold:plain}",
            least=1,
            base=base,
            run=run,
            threshold=threshold,
        )


def _runs(made, others, ends):
    """Return a row a run."""
    low, high = np.nanquantile(others, [0.025, 0.975], axis=0)
    return tidy(
        [
            {
                "interviews": int(k),
                "n": int(k),
                "estimate": float(made.share[i]),
                "new_codes": int(made.new[i]),
                "base_codes": made.base_codes,
                "order_low": float(low[i]),
                "order_high": float(high[i]),
                "reached": float((ends <= k).mean()),
            }
            for i, k in enumerate(made.interviews)
        ]
    )


def _mentions(coded, held):
    """Return interviews × codes, in the order in which they were held; an interview without a
    moment comes last.
    """
    import pandas as pd

    order = coded.rows[held]
    if pd.api.types.is_datetime64_any_dtype(order):
        order = schemas.moments(coded.rows, "codes", held)
    first = coded.rows.assign(order=order).groupby("who")["order"].min()
    frame = first.reset_index().sort_values(["order", "who"], kind="stable")
    place = {who: k for k, who in enumerate(frame["who"])}
    found = coded.codes
    mentions = np.zeros((len(place), len(found)), bool)
    rows = coded.agreed["who"].map(place).to_numpy()
    mentions[rows, np.searchsorted(found, coded.agreed["code"].to_numpy())] = True
    return mentions


def _orders(mentions, base, run, draws, seed):
    """Return the share of new codes of every run in orders drawn at random, draws × runs."""
    rng = np.random.default_rng(seed)
    # Whatever the names and order of the rows, the same interviews are drawn.
    mentions = mentions[np.lexsort(mentions.T)] if mentions.shape[1] else mentions
    return np.array(
        [
            runs.saturation(mentions[rng.permutation(len(mentions))], base, run).share
            for _ in range(draws)
        ]
    )


def _saturation_answer(at, ends, held, made, threshold):
    if at != at:
        return Note(
            "interviews.saturation_open",
            "After {n} interviews new codes still come up: the last run brought {new} beside "
            "{base_codes} in the base, more than {threshold:%}.",
            n=held,
            new=int(made.new[-1]),
            base_codes=made.base_codes,
            threshold=threshold,
        )
    return Note(
        "interviews.saturation_answer",
        "After interview {at} of {held} hardly anything new came up (at most {threshold:%} of the "
        "{base_codes} codes of the base); in {share:%} of other orders of the same interviews that "
        "was so by then.",
        at=int(at),
        held=held,
        threshold=threshold,
        base_codes=made.base_codes,
        share=float((ends <= at).mean()),
    )
