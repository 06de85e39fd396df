"""How many customers are in each stage now."""

import numpy as np

from workbench import engine, intervals
from workbench.errors import NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis
from workbench.stages.hidden import CERTAIN, NO_CUSTOMER, NOW

UNCALIBRATED = Note(
    "stages.uncalibrated",
    "Not calibrated: no customer was asked for a stage, so the error of these chances is not "
    "known and no interval is given.",
)
NOW_LIMIT = Note(
    "stages.now_limit",
    "The interval is that of a mean over customers; validate the chances themselves with labels "
    "(reliability).",
)


@engine.frames("posterior")
@analysis
def where_now(posterior, *, conf_level=0.95):
    """How many customers are in each stage now, as far as their behaviour can tell?

    Takes the table of `posterior`. Returns a Result: stage, expected (customers), n, estimate (mean
    chance), std_error, conf_low, conf_high (missing where the chances were never calibrated); how
    many customers' stage is uncertain stands in `.facts` (stages.unsure, n). The interval is
    that of a mean over customers: it does not hold the model's own error. Raises NotEnoughData
    without customers. Source: S-27 in `docs/glossary.md`.
    """
    import pandas as pd

    n = len(posterior)
    if not n:
        raise NotEnoughData(NO_CUSTOMER)
    p = posterior[list(NOW)].to_numpy()
    estimate, se = (
        p.mean(axis=0),
        (p.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(NOW), np.nan)),
    )
    low, high = intervals.normal(estimate, se, conf_level)
    known = bool(posterior["calibrated"].all())
    if not known:
        # The spread over customers would pass for the model's own doubt, which nobody knows without
        # answers.
        se = low = high = np.full(len(NOW), np.nan)
    table = pd.DataFrame(
        {
            "stage": NOW,
            "expected": p.sum(axis=0).round(1),
            "n": n,
            "estimate": estimate,
            "std_error": se,
            "conf_low": np.maximum(low, 0),
            "conf_high": np.minimum(high, 1),
        }
    )
    unsure = int((~posterior["certain"]).sum())
    limits = (
        *(() if known else (UNCALIBRATED,)),
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
        *((NOW_LIMIT,) if known else ()),
    )
    return Result(
        question=Note("stages.now_question", "In which stage are customers now?"),
        table=table,
        method=Note(
            "stages.now_method",
            "Hidden Markov model over events and the time between them, anchored in "
            "the taxonomy's rules; mean chance over customers.",
        ),
        answer=_now_answer(table, known),
        unit="customers",
        n=n,
        conf_level=conf_level,
        limits=limits,
        chart=Points(
            label=["stage"],
            percent=True,
            xlabel=Note("stages.now_axis", "Share of customers (mean chance)"),
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
