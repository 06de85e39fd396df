"""Who are they, and what do they like: groups of customers, and whether there are any."""

from workbench.segments.attitudes import benefits, journey, loyalty, satisfaction
from workbench.segments.bases import bases
from workbench.segments.behaviour import behaviour, subsequent_behaviour
from workbench.segments.clusters import clusters, permuted_columns
from workbench.segments.customer_types import Rules, prevalence, type_agreement, types
from workbench.segments.occasions import holidays, occasions
from workbench.segments.segment_migration import follow, migration
from workbench.segments.usage import usage

__all__ = [
    "Rules",
    "bases",
    "behaviour",
    "benefits",
    "clusters",
    "follow",
    "holidays",
    "journey",
    "loyalty",
    "migration",
    "occasions",
    "permuted_columns",
    "prevalence",
    "satisfaction",
    "subsequent_behaviour",
    "type_agreement",
    "types",
    "usage",
]
