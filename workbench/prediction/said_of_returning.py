"""What is said of a prediction of who comes back: what purchase history adds, and its limits."""

import numpy as np

from workbench.notes import Note

DRIFT = 0.02  # share by which predictions must be off on average before it is said
BASE = Note(
    "prediction.base",
    "{share:%} came back within {horizon:span} in the test period; {learnt:%} in the period of "
    "the fit.",
)
NO_EFFECT = Note(
    "prediction.no_effect",
    "A probability of coming back says nothing about whom an offer would bring back: for that, a "
    "randomly chosen part must be held out.",
)


def _area(gained):
    """Return the difference of the areas under the curve, with its limits."""
    return {
        "gain": float(gained["estimate"]),
        "low": float(gained["conf_low"]),
        "high": float(gained["conf_high"]),
    }


def gained(gained):
    """Say whether purchase history adds to recency alone."""
    if gained["conf_low"] > 0:
        return Note(
            "prediction.gained",
            "Purchase history adds to recency: the area under the curve is {gain:3} larger "
            "({low:3} to {high:3}).",
            **_area(gained),
        )
    return Note(
        "prediction.not_gained",
        "That purchase history adds to recency is not shown: the area under the curve differs by "
        "{gain:3} ({low:3} to {high:3}). Use the simple rule.",
        **_area(gained),
    )


def learner_gained(table):
    """Say whether the user's own learner does better than the logit on all traits."""
    rows = table[(table["model"] == "learner_difference") & (table["measure"] == "auc")]
    if not len(rows):
        return []
    row = rows.iloc[0]
    if row["conf_low"] > 0:
        return [
            Note(
                "prediction.learner_gained",
                "The learner adds to the logit: the area under the curve is {gain:3} larger "
                "({low:3} to {high:3}).",
                **_area(row),
            )
        ]
    return [
        Note(
            "prediction.learner_not_gained",
            "That the learner adds to the logit is not shown: the area under the curve differs by "
            "{gain:3} ({low:3} to {high:3}). The logit says why; keep it.",
            **_area(row),
        )
    ]


def drift(gap):
    """Say where predicted probabilities are off on average, as between two seasons."""
    if not abs(gap["estimate"]) > DRIFT or not (gap["conf_low"] > 0 or gap["conf_high"] < 0):
        return []
    return [
        Note(
            "prediction.drift",
            "The test period differed from the period of the fit: predicted probabilities are off "
            "by {off:2} percentage points on average. A season or a change may explain that; fit "
            "on the same season, or shift them.",
            off=100 * float(gap["estimate"]),
        )
    ]


def dropped(names):
    """Say which traits were left out because each alone decides who came back."""
    note = Note(
        "prediction.dropped",
        "Left out, since each alone decides who came back in the period of the fit: "
        "{names:header}.",
        names=list(names),
    )
    return [note] if names else []


def profit(probability, came_back, value, cost):
    """Say for how many a contact pays, and what contacting all would bring: both upper bounds."""
    return Note(
        "prediction.profit",
        "If a customer who comes back brings {value:money} and a contact costs {cost:money}, it "
        "pays for {share:%0} of the customers; contacting all would bring {all:money} per "
        "customer. Both also count those who would have come back anyway: an upper bound.",
        value=value,
        cost=cost,
        share=float((probability * value > cost).mean()),
        all=float(value * came_back.mean() - cost),
    )


def answer(table, gained):
    """Compare the areas under the curve of purchase history and of recency alone."""
    area = table[table["measure"] == "auc"].set_index("model")["estimate"]
    values = {
        "history": float(area["history"]),
        "recency": float(area["recency_only"]),
        "n": int(gained["n"]),
    }
    if np.isnan(gained["conf_low"]):
        return Note(
            "prediction.answer_plain",
            "The area under the curve is {history:3} with purchase history and {recency:3} with "
            "recency alone ({n} customers).",
            **values,
        )
    if gained["conf_low"] > 0:
        return Note(
            "prediction.answer",
            "Purchase history predicts better than recency alone who comes back: area under the "
            "curve {history:3} against {recency:3} (difference {low:3} to {high:3}; {n} "
            "customers).",
            **values,
            **_area(gained),
        )
    return Note(
        "prediction.answer_none",
        "That purchase history predicts better than recency alone could not be shown: area under "
        "the curve {history:3} against {recency:3} (difference {low:3} to {high:3}; {n} "
        "customers).",
        **values,
        **_area(gained),
    )
