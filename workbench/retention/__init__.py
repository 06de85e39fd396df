"""Do they stay? Repeat buying, cohorts, churn moments, the time to the next purchase, and how long
relations last.
"""

from workbench.retention.amounts import next_amounts
from workbench.retention.by_cohort import cohorts
from workbench.retention.cause_specific import competing_risks
from workbench.retention.churn import retention_rate
from workbench.retention.cohort_means import cohorts_by, mean_curve
from workbench.retention.duration_models import cox, parametric
from workbench.retention.engaged import engagement
from workbench.retention.events import Clock, event_retention
from workbench.retention.moments import churn_moments
from workbench.retention.rates import day_retention, retention_trend
from workbench.retention.repeat_purchase import ever_repeat, interpurchase_times, repeat_rate
from workbench.retention.rhythm import purchase_frequency
from workbench.retention.spells import times_to_return
from workbench.retention.survival_analysis import discrete_time_hazard, survival_curves
from workbench.retention.waiting import time_to_repurchase

__all__ = [
    "Clock",
    "churn_moments",
    "cohorts",
    "cohorts_by",
    "competing_risks",
    "cox",
    "day_retention",
    "discrete_time_hazard",
    "engagement",
    "event_retention",
    "ever_repeat",
    "interpurchase_times",
    "mean_curve",
    "next_amounts",
    "parametric",
    "purchase_frequency",
    "repeat_rate",
    "retention_rate",
    "retention_trend",
    "survival_curves",
    "time_to_repurchase",
    "times_to_return",
]
