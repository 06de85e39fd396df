"""A share that a lexicon or a model gives, corrected by hand labels: or said to be uncorrected."""

import numpy as np

from workbench import intervals
from workbench.errors import InputError
from workbench.notes import Note
from workbench.stats import prediction_powered as estimator
from workbench.voice.labels import LEAST

LEAST_IN_GROUP = 30  # labels of a group below which its own error is not told
LEAST_APART = 5  # labels that contradict a model below which labels alone count
CORRECTED, AS_SCORED = "corrected", "as_scored"
UNKNOWN_ERROR = Note(
    "voice.unknown_error",
    "No hand labels: how often the lexicon or model is wrong is not known, so its numbers have no "
    "interval. At least {least} texts drawn at random and labelled by hand mend that.",
    least=LEAST,
)
TOO_FEW = Note(
    "voice.few_labels",
    "{labels} hand labels are too few: at least {least} are needed before the error of the lexicon "
    "or model can be told, so its numbers have no interval.",
    least=LEAST,
)
BY_HAND = Note(
    "voice.by_hand",
    "Corrected by {labels} hand labels, taken as drawn at random and as right; where coders err, "
    "so does the correction.",
)
FEW_IN_GROUP = Note(
    "voice.few_in_group",
    "A group, aspect or tone with fewer than {least} hand labels is not corrected: its numbers "
    "stand as scored, without interval.",
    least=LEAST_IN_GROUP,
)
METHOD = Note(
    "voice.method",
    "What the {model:word} says of every text, corrected by the texts labelled by hand "
    "(prediction-powered inference); texts that are not labelled count as far as the model can be "
    "trusted.",
)


class Correction:
    """Labels of one item beside what a model says, and how both become a row of a table."""

    def __init__(self, material, value, weight, conf_level):
        self.material, self.value, self.weight = material, value, weight
        self.conf_level = conf_level
        self.known = np.array([v is not None for v in value], bool)
        self.labels = int(self.known.sum())

    def coded(self, rule):
        """Return labels as numbers by a rule, missing where a text has none."""
        numbers = [float(rule(v)) if v is not None else np.nan for v in self.value]
        return np.array(numbers, float)

    def share(self, predicted, label, mask):
        """Return the numbers of a share of texts: n, labels, estimate, its interval, scored."""
        made, basis = self._mean(predicted, label, mask, share=True)
        return self._row(made, basis, predicted[mask], share=True)

    def mean(self, predicted, label, mask, bounds):
        """Return the numbers of a mean of texts, between two bounds."""
        made, basis = self._mean(predicted, label, mask)
        return self._row(made, basis, predicted[mask], bounds=bounds)

    def share_of(self, above, below, mask):
        """Return the numbers of a share among the texts with a property; each as a pair of what is
        predicted and what is labelled.
        """
        top, basis = self._mean(*above, mask, share=True)
        bottom, _ = self._mean(*below, mask, share=True)
        made = estimator.ratio(top, bottom, self.material.who[mask])
        here = below[0][mask] > 0
        told = int((below[1][mask] > 0).sum())
        if told < LEAST_IN_GROUP:
            basis = AS_SCORED
        row = self._row(made, basis, np.array([made.predicted]), share=True)
        return {**row, "n": int(here.sum()), "labels": told}

    def _mean(self, predicted, label, mask, share=False):
        """Return the corrected mean of a group and on what it rests."""
        y, f = label[mask], predicted[mask]
        by_hand = ~np.isnan(y)
        enough = self.labels >= LEAST and by_hand.sum() >= LEAST_IN_GROUP
        # An error that hardly shows among the labels cannot be told from none.
        apart = int((np.abs(y - f)[by_hand] > 0.5).sum()) if share else LEAST_APART
        made = estimator.mean(
            f,
            y,
            self.weight[mask],
            self.material.who[mask],
            trust=0.0 if apart < LEAST_APART else None,
        )
        return made, CORRECTED if enough else AS_SCORED

    def _row(self, made, basis, predicted, share=False, bounds=(0.0, 1.0)):
        said = float(predicted.mean())
        row = {"basis": basis, "n": made.n, "labels": made.labels}
        if basis == AS_SCORED or np.isnan(made.estimate):
            none = dict.fromkeys(("std_error", "conf_low", "conf_high"), np.nan)
            return {**row, "basis": AS_SCORED, "estimate": said, **none, "scored": said}
        estimate = float(np.clip(made.estimate, *bounds))
        if share:
            ends = intervals.wilson_effective_n(
                estimate, made.std_error, made.n, made.labels, self.conf_level
            )
        else:
            ends = np.clip(intervals.normal(estimate, made.std_error, self.conf_level), *bounds)
        low, high = float(ends[0]), float(ends[1])
        return {
            **row,
            "estimate": estimate,
            "std_error": made.std_error,
            "conf_low": low,
            "conf_high": high,
            "scored": said,
        }

    def limits(self, table):
        """Return what a reader must know of the labels."""
        if self.labels == 0:
            return [UNKNOWN_ERROR]
        if self.labels < LEAST:
            return [TOO_FEW.having(labels=self.labels)]
        mixed = (table["basis"] == AS_SCORED).any()
        return [BY_HAND.having(labels=self.labels), *([FEW_IN_GROUP] if mixed else [])]


def predictions(model, texts):
    """Return what a user's classifier says of texts: class → probability (n).

    Parameters
    ----------
    model : object with predict_proba and classes_
        Such as a scikit-learn pipeline that takes texts.
    texts : array of str (n)

    Raises
    ------
    InputError
        Where it lacks either, or returns something else than a probability a class and text.
    """
    classes = getattr(model, "classes_", None)
    if not hasattr(model, "predict_proba") or classes is None:
        raise InputError(
            "voice.error_model",
            "model: a classifier with predict_proba and classes_ is needed, found {found}",
            found=type(model).__name__,
        )
    chance = np.asarray(model.predict_proba(list(texts)), float)
    if chance.shape != (len(texts), len(classes)) or not np.isfinite(chance).all():
        raise InputError(
            "voice.error_predictions",
            "model: predict_proba must give a probability for every text and class, {n} by "
            "{classes}",
            n=len(texts),
            classes=len(classes),
        )
    return {str(name): chance[:, k] for k, name in enumerate(classes)}
