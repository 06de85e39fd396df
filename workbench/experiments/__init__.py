"""What does an intervention bring about? Randomised tests, designs that stand in for one, and for
whom it works.
"""

from workbench.experiments.checks import (
    balance,
    compare_designs,
    grade_with_checks,
    negative_controls,
)
from workbench.experiments.designs import weighting
from workbench.experiments.groups import heterogeneity
from workbench.experiments.over_time import difference_in_differences
from workbench.experiments.overlap import concurrent_campaigns
from workbench.experiments.people import (
    campaign_households,
    campaign_weeks,
    exposed,
    planned_split,
)
from workbench.experiments.planning import sample_size
from workbench.experiments.planted import compare_with_planted
from workbench.experiments.power import power
from workbench.experiments.randomised import difference
from workbench.experiments.sensitivity import e_value
from workbench.experiments.stage_transitions import stage_progress
from workbench.experiments.uplift import Learner, uplift

__all__ = [
    "Learner",
    "balance",
    "campaign_households",
    "campaign_weeks",
    "compare_designs",
    "compare_with_planted",
    "concurrent_campaigns",
    "difference",
    "difference_in_differences",
    "e_value",
    "exposed",
    "grade_with_checks",
    "heterogeneity",
    "negative_controls",
    "planned_split",
    "power",
    "sample_size",
    "stage_progress",
    "uplift",
    "weighting",
]
