"""What do people answer: would they recommend, were they satisfied, was it easy, and for whom do
the answers speak?
"""

from workbench.surveys.brands import awareness, tracker
from workbench.surveys.comparisons import differences, trend
from workbench.surveys.crosstabs import crosstab
from workbench.surveys.linked import joined, response_weights
from workbench.surveys.modes import mode_effect
from workbench.surveys.planning import answers_needed
from workbench.surveys.response import nonresponse, response
from workbench.surveys.scores import ces, csat, nps, sus
from workbench.surveys.weighting import rake, weight_effect

__all__ = [
    "answers_needed",
    "awareness",
    "ces",
    "crosstab",
    "csat",
    "differences",
    "joined",
    "mode_effect",
    "nonresponse",
    "nps",
    "rake",
    "response",
    "response_weights",
    "sus",
    "tracker",
    "trend",
    "weight_effect",
]
