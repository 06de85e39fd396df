"""Who are they, and what do they like: groups of customers, and whether there are any."""

from workbench.segments.attitudes import benefits, journey, loyalty, satisfaction
from workbench.segments.bases import bases
from workbench.segments.behaviour import behaviour, later
from workbench.segments.clusters import clusters, shuffled
from workbench.segments.follow import follow, migration
from workbench.segments.kinds import Rules, prevalence, type_agreement, types
from workbench.segments.occasions import feasts, occasions
from workbench.segments.usage import usage

__all__ = [
    "Rules",
    "bases",
    "behaviour",
    "benefits",
    "clusters",
    "feasts",
    "follow",
    "journey",
    "later",
    "loyalty",
    "migration",
    "occasions",
    "prevalence",
    "satisfaction",
    "shuffled",
    "type_agreement",
    "types",
    "usage",
]
