"""What does an intervention bring about? Randomised tests, designs that stand in for one, and for
whom it works.
"""

from workbench.experiments.designs import (
    balance,
    difference_in_differences,
    e_value,
    negative_controls,
    weighting,
)
from workbench.experiments.progress import stage_progress
from workbench.experiments.randomised import difference, heterogeneity, sample_size
from workbench.experiments.uplift import uplift

__all__ = [
    "balance",
    "difference",
    "difference_in_differences",
    "e_value",
    "heterogeneity",
    "negative_controls",
    "sample_size",
    "stage_progress",
    "uplift",
    "weighting",
]
