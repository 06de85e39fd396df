"""To which channels are conversions attributed, what did a campaign bring, do methods agree?"""

from workbench.attribution.agreement import compare
from workbench.attribution.calibrate import calibrated
from workbench.attribution.campaigns import campaigns
from workbench.attribution.chain import markov
from workbench.attribution.channels import entry_points, sources
from workbench.attribution.coalitions import shapley
from workbench.attribution.credit import rules
from workbench.attribution.emails import email_funnel
from workbench.attribution.mix import mix
from workbench.attribution.paths import Journeys, from_paths, paths

__all__ = [
    "Journeys",
    "calibrated",
    "campaigns",
    "compare",
    "email_funnel",
    "entry_points",
    "from_paths",
    "markov",
    "mix",
    "paths",
    "rules",
    "shapley",
    "sources",
]
