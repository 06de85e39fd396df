"""How many answers does a survey need?"""

from __future__ import annotations

import numpy as np

from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import sampling

PLANNED = ("nps", "share", "mean")
# Variance of one answer: the middle of published net promoter scores, and the largest of a share.
NPS_VARIANCE = 0.75 * 100**2
SHARE_VARIANCE = 0.25


@analysis
def answers_needed(
    half_width: object,
    *,
    measure: str = "nps",
    variance: float | None = None,
    response: float | None = None,
    design_effect: float = 1.0,
    conf_level: float = 0.95,
) -> Result:
    """How many answers, and how many invitations, does an interval of a wished width need?

    Parameters
    ----------
    half_width : float or sequence of float
        Half the width of the interval: points for "nps", a share such as 0.03 for "share", units
        of the scale for "mean".
    measure : str
        "nps", "share" or "mean".
    variance : float, optional
        Of one answer, in that unit squared: 7,500 for "nps" and 0.25 for "share" where it is not
        given; "mean" needs it.
    response : float, optional
        Share of invitations that are answered, above 0 and at most 1.
    design_effect : float
        By which weights and repeated answers raise the variance.
    conf_level : float

    Returns
    -------
    Result
        half_width, measure, n (answers), estimate. Measures: answers; answers_each_group (in each
        of two groups, for a difference with that half width); invitations (with a response).

    Raises InputError for widths, variances or responses that cannot be.

    Source: Cochran (1977), Sampling Techniques, ch. 4.
    """
    one_of("measure", measure, PLANNED)
    widths = np.atleast_1d(np.asarray(half_width, float))
    known = {"nps": NPS_VARIANCE, "share": SHARE_VARIANCE}.get(measure)
    variance = known if variance is None else variance
    _possible(widths, variance, response, design_effect)
    rows = []
    for width in widths:
        answers = sampling.answers_for(width, variance, conf_level, design_effect)
        pair = sampling.answers_for(width, 2 * variance, conf_level, design_effect)
        needed = {"answers": answers, "answers_each_group": pair}
        if response is not None:
            needed["invitations"] = int(np.ceil(answers / response))
        rows += [
            {"half_width": float(width), "measure": name, "n": answers, "estimate": number}
            for name, number in needed.items()
        ]
    table = tidy(rows)
    return Result(
        question=Note("surveys.size_question", "How many answers does the survey need?"),
        table=table,
        answer=Note(
            "surveys.size_answer",
            "An interval of plus and minus {width:plain} needs {answers} answers; a difference of "
            "two groups that well known needs {pair} in each.",
            width=float(widths[0]),
            answers=int(table["estimate"].iloc[0]),
            pair=int(table["estimate"].iloc[1]),
        ),
        method=Note(
            "surveys.size_method",
            "Normal interval with a variance of {variance:plain} an answer and a design effect of "
            "{design_effect:2}.",
            variance=float(variance),
            design_effect=float(design_effect),
        ),
        unit="answers",
        n=int(table["n"].max()),
        conf_level=conf_level,
        limits=(
            Note(
                "surveys.size_limit",
                "The interval holds chance only: who does not answer is not in it.",
            ),
        ),
        chart=Points(
            label=["half_width"],
            only={"measure": "answers"},
            xlabel=Note("surveys.axis_answers", "Answers needed"),
        ),
    )


def _possible(widths, variance, response, design_effect):
    """Refuse widths, variances and responses that cannot be."""
    if variance is None:
        raise InputError(
            "surveys.error_variance",
            "variance: a mean needs the variance of one answer; take it from earlier answers",
        )
    for name, values in (
        ("half_width", widths),
        ("variance", variance),
        ("design_effect", design_effect),
        ("response", 1.0 if response is None else response),
    ):
        values = np.atleast_1d(np.asarray(values, float))
        if not (len(values) and (np.isfinite(values) & (values > 0)).all()):
            raise InputError(
                "surveys.error_not_above_zero",
                "{name}: must be above {floor}, found {found:text}",
                name=name,
                floor=0,
                found=str(values.tolist()),
            )
    if response is not None and response > 1:
        raise InputError(
            "surveys.error_response",
            "response: a share is at most {most}, found {response:plain}",
            most=1,
            response=float(response),
        )
