"""What do people answer: would they recommend, were they satisfied, was it easy, and for whom do
the answers speak?
"""

from workbench.surveys.comparisons import differences, trend
from workbench.surveys.crosstabs import crosstab
from workbench.surveys.planning import sample_size
from workbench.surveys.response import nonresponse, response
from workbench.surveys.scores import ces, csat, nps, sus
from workbench.surveys.weighting import rake, weighting

__all__ = [
    "ces",
    "crosstab",
    "csat",
    "differences",
    "nonresponse",
    "nps",
    "rake",
    "response",
    "sample_size",
    "sus",
    "trend",
    "weighting",
]
