"""Weights of a survey: used, or refused by a sentence; never dropped."""

from workbench.errors import InputError
from workbench.notes import Note
from workbench.stats import sampling

WEIGHT = "weight"
# Rooms that read answers, and the parameters in which they do; "answers" are answers everywhere.
_ROOMS = {
    "drivers": {"table", "answers", "surveys"},
    "conjoint": {"choices", "answers"},
    "choice": {"choices"},
}
USE = {
    "drivers.pivot_survey",
    "drivers.scale_means",
    "drivers.service_gap",
    "drivers.kano",
    "drivers.attitude",
    "drivers.regression",
    "drivers.key_drivers",
    "drivers.importance_performance",
    "drivers.mediation",
    "drivers.moderation",
    "drivers.reliability",
    "drivers.validity",
    "drivers.explore_factors",
    "drivers.stated_importance",
    "conjoint.van_westendorp",
    "conjoint.gabor_granger",
}
# Why others use none; the sentence of the refusal says it.
WHY = {
    "drivers.structural": Note(
        "result.why_structural",
        "its errors would be those of answers that count once",
    ),
}
NO_FORM = Note("result.why_no_form", "its errors do not allow for weights")


def check(function, arguments):
    """Raise an InputError where answers have weights that the function cannot use.

    A column named among the arguments is no weight but what is asked about, and weights that are
    all the same weigh nothing.
    """
    room = function.__module__.removeprefix("workbench.").partition(".")[0]
    if f"{room}.{function.__name__}" in USE or _named(arguments.values()):
        return
    for name, table in arguments.items():
        reads = name == "answers" or name in _ROOMS.get(room, ())
        if reads and WEIGHT in getattr(table, "columns", ()) and _differ(table):
            raise InputError(
                "result.error_weights",
                "{name}: the answers have weights (column '{column}'), which {function} cannot "
                "use: {why}; leave that column out to count every answer once",
                name=name,
                why=WHY.get(f"{room}.{function.__name__}", NO_FORM),
                column=WEIGHT,
                function=f"{room}.{function.__name__}",
            )


def of(table, *named):
    """Return the weights of a table as an array, or None where it has none, where all are the same,
    or where that column is `named` as something else.

    Raises InputError for a weight that is missing or not above 0.
    """
    import numpy as np
    import pandas as pd

    if WEIGHT not in table or _named(named):
        return None
    weights = pd.to_numeric(table[WEIGHT], errors="coerce").to_numpy(float)
    wrong = ~(np.isfinite(weights) & (weights > 0))
    if wrong.any():
        raise InputError(
            "result.error_weight_value",
            "column '{column}': {wrong} weights are missing or not above 0",
            column=WEIGHT,
            wrong=int(wrong.sum()),
        )
    return weights if np.ptp(weights) > 1e-12 * weights.max(initial=1.0) else None


def said(weights):
    """Return the sentence on how much answers with these weights are worth, as a list; none where
    there are none.
    """
    if weights is None:
        return []
    return [
        Note(
            "result.weighted",
            "Every answer counts by its weight; for how far the weights differ, {n} answers say as "
            "much as {effective:3} of one weight (Kish), and intervals allow for it.",
            n=len(weights),
            effective=sampling.kish(weights),
        )
    ]


def _differ(table):
    if not hasattr(table[WEIGHT], "nunique"):
        return True
    return table[WEIGHT].nunique(dropna=False) > 1


def _named(values):
    for value in values:
        if isinstance(value, str) and value == WEIGHT:
            return True
        if isinstance(value, dict):
            value = [*value, *value.values()]
        if isinstance(value, (list, tuple)) and _named(value):
            return True
    return False
