"""To which channels are conversions attributed, what did a campaign bring, do methods agree?"""

from workbench.attribution.agreement import compare
from workbench.attribution.calibrate import calibrated
from workbench.attribution.campaigns import campaigns
from workbench.attribution.chain import markov
from workbench.attribution.channels import entry_points, sources
from workbench.attribution.coalitions import shapley
from workbench.attribution.credit import rules
from workbench.attribution.emails import email_funnel, mails_as_adverts
from workbench.attribution.mailing import mail_effect
from workbench.attribution.mix import mix
from workbench.attribution.paths import Journeys, from_paths, paths
from workbench.attribution.truth import beside_truth

__all__ = [
    "Journeys",
    "beside_truth",
    "calibrated",
    "campaigns",
    "compare",
    "email_funnel",
    "entry_points",
    "from_paths",
    "mail_effect",
    "mails_as_adverts",
    "markov",
    "mix",
    "paths",
    "rules",
    "shapley",
    "sources",
]
