"""What comes up in interviews: codes by participant, together and by stage, when nothing new comes,
and whether coders see the same.
"""

from workbench.interviews.frequencies import by_stage, co_occurrence, frequency
from workbench.interviews.intercoder import agreement, confusion
from workbench.interviews.quotations import quotes
from workbench.interviews.thematic_saturation import saturation

__all__ = [
    "agreement",
    "by_stage",
    "co_occurrence",
    "confusion",
    "frequency",
    "quotes",
    "saturation",
]
