"""What does an intervention bring about? Randomised tests, designs that stand in for one, and for
whom it works.
"""

from workbench.experiments.designs import balance, negative_controls, weighting
from workbench.experiments.groups import heterogeneity
from workbench.experiments.over_time import difference_in_differences
from workbench.experiments.planning import sample_size
from workbench.experiments.progress import stage_progress
from workbench.experiments.randomised import difference
from workbench.experiments.sensitivity import e_value
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
