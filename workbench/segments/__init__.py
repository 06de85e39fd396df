"""Who are they, and what do they like: groups of customers, and whether there are any."""

from workbench.segments.behaviour import behaviour
from workbench.segments.clusters import clusters
from workbench.segments.follow import migration
from workbench.segments.usage import usage

__all__ = [
    "behaviour",
    "clusters",
    "migration",
    "usage",
]
