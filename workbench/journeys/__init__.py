"""How do people move through a site or shop, where do they come from, and do they come back?

Visits and moves (`visits`), whole paths (`paths`), what comes next (`chains`), the life of a
visitor (`lifecycle`), sources (`channels`) and identities (`identity`).
"""

from workbench.journeys.chains import next_event
from workbench.journeys.channels import (
    assign_channels,
    channel,
    omnichannel,
    parse_utm,
    tagging,
)
from workbench.journeys.identity import identify, identity_quality
from workbench.journeys.lifecycle import lifecycle, stickiness
from workbench.journeys.paths import distinguishing_paths, paths
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
