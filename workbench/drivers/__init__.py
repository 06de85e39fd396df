"""What goes with satisfaction, intention or buying, and how sure can we be? Drivers, paths between
them, and the scales they are measured with.
"""

from workbench.drivers.attitudes import attitude, scale_means, service_gap
from workbench.drivers.conditional_process import mediation, moderation
from workbench.drivers.factors import explore_factors
from workbench.drivers.importance import importance_performance, key_drivers
from workbench.drivers.psychometrics import pivot_survey, reliability, validity
from workbench.drivers.regress import regression
from workbench.drivers.stated import kano, stated_importance
from workbench.drivers.structural import structural

__all__ = [
    "attitude",
    "explore_factors",
    "importance_performance",
    "kano",
    "key_drivers",
    "mediation",
    "moderation",
    "pivot_survey",
    "regression",
    "reliability",
    "scale_means",
    "service_gap",
    "stated_importance",
    "structural",
    "validity",
]
