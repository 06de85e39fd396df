"""How many customers are in each stage now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stages.calibrate import shares
from workbench.stages.hidden import CERTAIN, NO_CUSTOMER, NOW

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Table

UNCALIBRATED = Note(
    "stages.uncalibrated",
    "Not calibrated: no customer was asked for a stage, so the error of these chances is not "
    "known and no interval is given.",
)
NOW_LIMIT = Note(
    "stages.now_limit",
    "The interval holds the doubt of the chances, as far as {answers} answers show it, and who "
    "happens to be in which stage. It widens with every mistaken answer and with every stage in "
    "which few of those who answered were.",
)
NO_MODEL = Note(
    "stages.now_no_model",
    "No interval: give the model too, so that what customers answered can be held against it.",
)
METHOD = Note(
    "stages.now_method",
    "Hidden Markov model over events and the time between them, anchored in the taxonomy's rules; "
    "chances added over customers, and moved by how far they were off among those who answered, "
    "from whom they had not been learnt.",
)


@engine.frames("posterior")
@analysis
def stage_distribution(
    posterior: Table, model: Any | None = None, *, conf_level: float = 0.95
) -> Result:
    """How many customers are in each stage now, as far as their behaviour can tell?

    Parameters
    ----------
    posterior : DataFrame from `posterior`
    model : StageModel, optional
        The model that made it. Its answers show by how much chances are off, stage by stage;
        without them there is no interval.

    Returns
    -------
    Result
        stage, expected_customers, n, estimate (share of customers), std_error, conf_low,
        conf_high. The interval is that of the share of these very customers: it holds the doubt of
        the model and of who happens to be where. For how many customers the stage is uncertain
        stands in `.facts` (stages.unsure).

    Raises
    ------
    NotEnoughData
        Without customers.

    Source: S-27 in `docs/glossary.md`; the difference estimator Särndal, Swensson & Wretman (1992),
    ch. 6; answers freed of mistakes Rogan & Gladen (1978), American Journal of Epidemiology 107.
    """
    import pandas as pd

    n = len(posterior)
    if not n:
        raise NotEnoughData(NO_CUSTOMER)
    chances = posterior[list(NOW)].to_numpy()
    answers = getattr(model, "answers", None)
    known = answers is not None
    missing = np.full(len(NOW), np.nan)
    estimate, se, low, high = (
        shares(chances, answers, conf_level=conf_level)
        if known
        else (chances.mean(axis=0), missing, missing, missing)
    )
    table = pd.DataFrame(
        {
            "stage": NOW,
            "expected_customers": (estimate * n).round(1),
            "n": n,
            "estimate": estimate,
            "std_error": se,
            "conf_low": low,
            "conf_high": high,
        }
    )
    unsure = int((~posterior["certain"]).sum())
    calibrated = bool(posterior["calibrated"].all())
    limits = (
        *(() if calibrated else (UNCALIBRATED,)),
        *((NO_MODEL,) if calibrated and not known else ()),
        Note(
            "stages.unsure",
            "For {n} customer ({share:%}) no stage has a chance of at least {half:%0}: the stage "
            "cannot be determined yet.",
            "For {n} customers ({share:%}) no stage has a chance of at least {half:%0}: their "
            "stage cannot be determined yet.",
            n=unsure,
            share=unsure / n,
            half=CERTAIN,
        ),
        *((NOW_LIMIT.having(answers=len(answers.stage)),) if known else ()),
    )
    return Result(
        question=Note("stages.now_question", "In which stage are customers now?"),
        table=table,
        method=METHOD,
        answer=_now_answer(table, known),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.now_axis", "Share of customers"),
        ),
    )


def _now_answer(table, known):
    """Return the largest stage, beside the share about to buy."""
    most, intent = table.loc[table["estimate"].idxmax()], table[table["stage"] == "intent"].iloc[0]
    values = {
        "stage": most["stage"],
        "share": most["estimate"],
        "n": most["n"],
        "intent": "intent",
        "intent_share": intent["estimate"],
    }
    if not known:
        return Note(
            "stages.now_answer_uncalibrated",
            "The largest stage is {stage:word}: an estimated {share:%} of {n} customers, without "
            "an interval since the chances are not calibrated; {intent:word}: {intent_share:%}.",
            **values,
        )
    return Note(
        "stages.now_answer",
        "The largest stage is {stage:word}: an estimated {share:%} of customers ({low:%} to "
        "{high:%}; {n} customers); {intent:word}: {intent_share:%} ({intent_low:%} to "
        "{intent_high:%}).",
        low=most["conf_low"],
        high=most["conf_high"],
        intent_low=intent["conf_low"],
        intent_high=intent["conf_high"],
        **values,
    )
