"""What is made of an answer: a net score, a share of a box, or a mean, each with its interval."""

from dataclasses import dataclass

import numpy as np

from workbench import intervals
from workbench.errors import InputError
from workbench.notes import Note
from workbench.results import weights
from workbench.stats import sampling
from workbench.surveys.answers import REPEATED, UNWEIGHTED

NPS = "nps"
TOP_BOX = "top_box"
LOW_BOX = "low_box"
MEAN = "mean"
SCALE_NPS = (0, 10)
PROMOTER, DETRACTOR = 9, 6


@dataclass(frozen=True)
class Measure:
    """How answers on a scale become one number: a net score, the share of a box, or a mean.

    `box` is the range of answers that is counted, ends included; None for the others.
    """

    name: str
    scale: tuple
    box: tuple | None = None

    def score(self, value):
        """Return each answer's part in the number."""
        if self.name == NPS:
            return 100.0 * ((value >= PROMOTER) * 1.0 - (value <= DETRACTOR) * 1.0)
        if self.box:
            return ((value >= self.box[0]) & (value <= self.box[1])).astype(float)
        return value

    @property
    def share(self):
        """Whether the number is a share."""
        return self.box is not None


def net_promoter():
    """Return the measure of net promoter scores."""
    return Measure(NPS, SCALE_NPS)


def top_box(scale, top):
    """Return the measure of the share of the `top` highest answers.

    Raises InputError where the box is empty or the whole scale.
    """
    lowest, highest = scale
    if not (isinstance(top, (int, np.integer)) and 0 < top <= highest - lowest):
        raise InputError(
            "surveys.error_top",
            "top: must be a whole number from {least} to {most}, one less than the scale has "
            "answers; found {top:repr}",
            least=1,
            most=highest - lowest,
            top=top,
        )
    return Measure(TOP_BOX, scale, (highest - int(top) + 1, highest))


def estimate(answers, measure, conf_level=0.95):
    """Return the numbers of a measure as part of a row: count (of a share), total (of a mean), n,
    estimate, std_error, conf_low, conf_high.
    """
    score, who, weight = measure.score(answers.value), answers.who, answers.weight
    if measure.share:
        return intervals.share(score == 1, who, conf_level, weight)
    if measure.name == NPS:
        return _net_promoter_score(score, who, weight, conf_level)
    row = intervals.mean(score, who, conf_level, weight)
    bound = np.clip([row["conf_low"], row["conf_high"]], *measure.scale)
    return {**row, "conf_low": float(bound[0]), "conf_high": float(bound[1])}


def _net_promoter_score(score, who, weight, conf_level):
    """Return the mean of +100, 0 and −100 with the interval of a net promoter score."""
    mean = sampling.mean(score, weight, who)
    promoters, detractors = (
        sampling.mean(score == side, weight, who).estimate for side in (100.0, -100.0)
    )
    low, high = sampling.wald_adjusted(promoters, detractors, mean.effective, conf_level)
    numbers = {"n": mean.n, "estimate": mean.estimate, "std_error": mean.std_error}
    return {**numbers, "conf_low": low, "conf_high": high}


def apart(answers, first, measure, conf_level=0.95):
    """Return the difference of a measure between two groups of answers as part of a row, with its
    p-value; first less the others.
    """
    gap = sampling.difference(measure.score(answers.value), first, answers.weight, answers.who)
    low, high = intervals.normal(gap.estimate, gap.std_error, conf_level)
    most = 200.0 if measure.name == NPS else np.ptp((0, 1) if measure.share else measure.scale)
    return {
        "n": gap.n,
        "estimate": gap.estimate,
        "std_error": gap.std_error,
        "conf_low": float(np.clip(low, -most, most)),
        "conf_high": float(np.clip(high, -most, most)),
        "p_value": float(intervals.p_value(gap.estimate, gap.std_error)),
    }


def limits(answers):
    """Return what a reader must know of the answers: repeated ones, and weights or their lack."""
    people = len(np.unique(answers.who))
    repeated = people < len(answers)
    return (
        *([REPEATED.having(people=people, n=len(answers))] if repeated else []),
        *(weights.said(answers.weight) or [UNWEIGHTED]),
    )


def axis(measure):
    """Return what the axis of a measure says."""
    if measure.name == NPS:
        return Note("surveys.axis_nps", "Net promoter score (points)")
    if measure.share:
        return Note(
            "surveys.axis_box",
            "Share who answered {low} to {high} (scale {lowest} to {highest})",
            low=measure.box[0],
            high=measure.box[1],
            lowest=measure.scale[0],
            highest=measure.scale[1],
        )
    return Note(
        "surveys.axis_mean",
        "Mean answer (scale {lowest} to {highest})",
        lowest=measure.scale[0],
        highest=measure.scale[1],
    )
