"""How do people move through a site or shop, where do they come from, and do they come back?

Visits and moves (`visits`), whole paths and what comes next (`paths`), the life of a visitor
(`lifecycle`), sources and identities (`channels`).
"""

from workbench.journeys.channels import (
    assign_channels,
    channel,
    identify,
    identity_quality,
    omnichannel,
    parse_utm,
    tagging,
)
from workbench.journeys.lifecycle import lifecycle, stickiness
from workbench.journeys.paths import distinguishing_paths, next_event, paths
from workbench.journeys.visits import compare_sessions, sessions, transitions

__all__ = [
    "assign_channels",
    "channel",
    "compare_sessions",
    "distinguishing_paths",
    "identify",
    "identity_quality",
    "lifecycle",
    "next_event",
    "omnichannel",
    "parse_utm",
    "paths",
    "sessions",
    "stickiness",
    "tagging",
    "transitions",
]
