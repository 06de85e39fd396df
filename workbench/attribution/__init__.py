"""To which channels are conversions attributed, what did a campaign bring, do methods agree?"""

from workbench.attribution.agreement import compare
from workbench.attribution.calibrate import calibrate_to_experiments
from workbench.attribution.campaigns import campaigns
from workbench.attribution.channels import entry_points, sources
from workbench.attribution.emails import email_funnel, mails_as_adverts
from workbench.attribution.heuristic_models import heuristics
from workbench.attribution.mailing import mail_effect
from workbench.attribution.marketing_mix import marketing_mix
from workbench.attribution.markov_chain import markov
from workbench.attribution.paths import Journeys, from_paths, paths
from workbench.attribution.shapley_values import shapley
from workbench.attribution.truth import compare_with_truth

__all__ = [
    "Journeys",
    "calibrate_to_experiments",
    "campaigns",
    "compare",
    "compare_with_truth",
    "email_funnel",
    "entry_points",
    "from_paths",
    "heuristics",
    "mail_effect",
    "mails_as_adverts",
    "marketing_mix",
    "markov",
    "paths",
    "shapley",
    "sources",
]
