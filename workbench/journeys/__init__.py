"""How do people move through a site or shop, where do they come from, and do they come back?

Visits and moves (`visits`), whole paths (`paths`), ways to and from an event (`around`), what comes
next (`chains`), the life of a visitor (`lifecycle`), activity over a range (`active`), sources
(`channels`) and identities (`identity`).
"""

from workbench.journeys.active import active_periods
from workbench.journeys.around import paths_from, paths_to
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
    "active_periods",
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
    "paths_from",
    "paths_to",
    "sessions",
    "stickiness",
    "tagging",
    "transitions",
]
