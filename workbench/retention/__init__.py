"""Do they stay? Repeat buying, cohorts, churn moments, the time to the next purchase, and how long
relations last.
"""

from workbench.retention.amounts import next_amounts
from workbench.retention.by_cohort import cohorts
from workbench.retention.churn import retention_rate
from workbench.retention.cohort_means import cohorts_by, mean_curve
from workbench.retention.duration_models import cox, parametric
from workbench.retention.engaged import engagement
from workbench.retention.events import Clock, event_retention
from workbench.retention.moments import churn_moments
from workbench.retention.rates import day_retention, over_time
from workbench.retention.reasons import exits
from workbench.retention.repeat import ever_repeat, pauses, repeat_rate
from workbench.retention.rhythm import buying_rhythm
from workbench.retention.spells import times_to_return
from workbench.retention.stays import curves, period_hazards
from workbench.retention.waiting import time_to_next

__all__ = [
    "Clock",
    "buying_rhythm",
    "churn_moments",
    "cohorts",
    "cohorts_by",
    "cox",
    "curves",
    "day_retention",
    "engagement",
    "event_retention",
    "ever_repeat",
    "exits",
    "mean_curve",
    "next_amounts",
    "over_time",
    "parametric",
    "pauses",
    "period_hazards",
    "repeat_rate",
    "retention_rate",
    "time_to_next",
    "times_to_return",
]
