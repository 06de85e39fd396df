"""Who are they, and what do they like: groups of customers, and whether there are any."""

from workbench.segments.attitudes import benefits, journey, loyalty, satisfaction
from workbench.segments.behaviour import behaviour
from workbench.segments.clusters import clusters
from workbench.segments.follow import migration
from workbench.segments.kinds import Rules, prevalence, type_agreement, types
from workbench.segments.usage import usage

__all__ = [
    "Rules",
    "behaviour",
    "benefits",
    "clusters",
    "journey",
    "loyalty",
    "migration",
    "prevalence",
    "satisfaction",
    "type_agreement",
    "types",
    "usage",
]
