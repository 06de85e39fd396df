"""Which channel deserves the credit, what did a campaign bring, and do the methods agree?"""

from workbench.attribution.calibrate import calibrated
from workbench.attribution.campaigns import campaigns, email_funnel, entry_points, sources
from workbench.attribution.credit import compare, markov, rules, shapley
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
