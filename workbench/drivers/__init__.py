"""What goes with satisfaction, intention or buying, and how sure can we be? Drivers, paths between
them, and the scales they are measured with.
"""

from workbench.drivers.importance import importance_performance, kano, key_drivers, stated
from workbench.drivers.paths import mediation, moderation, structural
from workbench.drivers.regress import regression
from workbench.drivers.scales import (
    attitude,
    explore_factors,
    reliability,
    scale_means,
    service_gap,
    validity,
    wide,
)

__all__ = [
    "attitude",
    "explore_factors",
    "importance_performance",
    "kano",
    "key_drivers",
    "mediation",
    "moderation",
    "regression",
    "reliability",
    "scale_means",
    "service_gap",
    "stated",
    "structural",
    "validity",
    "wide",
]
