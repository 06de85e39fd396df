"""What would people choose if we asked? Designs for choice and best–worst tasks, part-worths,
importance and price questions.
"""

from workbench.conjoint.analysis import answer_quality, importance, part_worths, willingness_to_pay
from workbench.conjoint.bestworst import best_worst, best_worst_design
from workbench.conjoint.design import choice_design, choices, design_check, numeric_attributes
from workbench.conjoint.prices import gabor_granger, van_westendorp

__all__ = [
    "answer_quality",
    "best_worst",
    "best_worst_design",
    "choice_design",
    "choices",
    "design_check",
    "gabor_granger",
    "importance",
    "numeric_attributes",
    "part_worths",
    "van_westendorp",
    "willingness_to_pay",
]
