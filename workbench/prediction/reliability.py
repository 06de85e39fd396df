"""Do predicted probabilities hold? Customers in groups by prediction, beside what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import intervals
from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.prediction.propensity import MODELS, Prediction
from workbench.results import Curve, Result, analysis

if TYPE_CHECKING:
    from typing import Any

CALIBRATION_METHOD = Note(
    "prediction.calibration_method",
    "Customers in groups of about equal size by predicted probability; the share of each that "
    "came back, Wilson intervals.",
)
CALIBRATION_AXIS = Note(
    "prediction.calibration_yaxis", "Share that came back (dotted: as predicted)"
)


@analysis
def calibration(
    prediction: Result | Any, *, model: str = "history", groups: int = 10, conf_level: float = 0.95
) -> Result:
    """Do as many come back as predicted?

    Parameters
    ----------
    prediction : Result of `repurchase_propensity`, or its Prediction
    model : str
        "recency_only" or "history".
    groups : int
        Customers are put into this many groups of about the same size, by their chance; equal
        chances stay together.

    Returns
    -------
    Result
        group (1: lowest chances), predicted (mean chance), count (came back), n, estimate (share
        that came back), conf_low, conf_high (Wilson).

    Raises InputError for fewer than two groups or an unknown model.

    Source: Wilson (1927).
    """
    import pandas as pd

    one_of("model", model, MODELS)
    if not isinstance(getattr(prediction, "model", prediction), Prediction):
        raise InputError(
            "prediction.error_calibration_of",
            "prediction: the Result of will_return is needed, found a {name}",
            name=type(prediction).__name__,
        )
    if groups < 2:
        raise InputError(
            "prediction.error_groups",
            "groups: at least {least} are needed, found {groups}",
            least=2,
            groups=groups,
        )
    tested = getattr(prediction, "model", prediction).tested
    group = np.ceil(tested[model].rank(method="average") / len(tested) * groups).astype(int)
    table = (
        pd.DataFrame({"group": group, "predicted": tested[model], "count": tested["came_back"]})
        .groupby("group")
        .agg(predicted=("predicted", "mean"), count=("count", "sum"), n=("count", "size"))
        .reset_index()
    )
    table["group"] = np.arange(1, len(table) + 1)
    table["count"] = table["count"].astype(int)
    table["estimate"] = table["count"] / table["n"]
    table["conf_low"], table["conf_high"] = intervals.wilson(table["count"], table["n"], conf_level)
    off = int(
        ((table["predicted"] < table["conf_low"]) | (table["predicted"] > table["conf_high"])).sum()
    )
    return Result(
        question=Note("prediction.calibration_question", "Do as many come back as predicted?"),
        table=table,
        answer=_calibration_answer(table, off, conf_level),
        method=CALIBRATION_METHOD,
        unit="customers",
        n=len(tested),
        conf_level=conf_level,
        limits=(
            Note(
                "prediction.calibration_off",
                "In {off} of {all} groups the predicted share lies outside the interval.",
                off=off,
                all=len(table),
            ),
        ),
        chart=Curve(
            x="predicted",
            diagonal=True,
            percent=True,
            xlabel=Note("prediction.calibration_axis", "Predicted"),
            ylabel=CALIBRATION_AXIS,
        ),
    )


def _calibration_answer(table, off, conf_level):
    """Compare the share predicted of all with the share that came back."""
    count, n = int(table["count"].sum()), int(table["n"].sum())
    low, high = (float(v) for v in intervals.wilson(count, n, conf_level))
    return Note(
        "prediction.calibration_answer",
        "{predicted:%} were predicted to come back and {share:%} did ({low:%} to {high:%}; "
        "{count} of {n}); groups outside their interval: {off} of {groups}.",
        predicted=float((table["predicted"] * table["n"]).sum() / n),
        share=count / n,
        low=low,
        high=high,
        count=count,
        n=n,
        off=off,
        groups=len(table),
    )
