"""Where in the buying process are people, what do they do there, and how long does it take?

Stages, frameworks and rules (`taxonomy`, `mapping`); decision occasions (`episodes`): how far they
come (`reach`) and how long they take (`durations`, `buying_time`, `exit_hazards`); what happens
within one (`profile`, `search`, `paths`, `skipping`); where it goes wrong (`carts`,
`checkout`, `barriers`, `checkpoints`); and the stage nobody sees (`latent`, `stage_distribution`,
`validation`, `buying`).
"""

from workbench.stages.barriers import barriers
from workbench.stages.buying import intention, purchase_propensity
from workbench.stages.buying_time import time_to_purchase
from workbench.stages.carts import cart_abandonment, carts, recovery
from workbench.stages.checkout import checkout
from workbench.stages.checkpoints import checkpoints
from workbench.stages.contrast import (
    answered_before,
    loyalty_groups,
    requirements_before,
    skip_contrast,
)
from workbench.stages.diaries import by_diary
from workbench.stages.durations import compare_time, time_in_stage
from workbench.stages.episodes import episodes
from workbench.stages.exit_hazards import hazards
from workbench.stages.latent import StageModel, fit_latent, posterior
from workbench.stages.learning import learning, world_score
from workbench.stages.log import events_by_stage, observed_stages, staged, true_occasions
from workbench.stages.mapping import mapping_quality
from workbench.stages.paths import decision_complexity, flows, path_complexity, variants
from workbench.stages.profile import profile
from workbench.stages.reach import drop_location, gap_sensitivity, reach, unobserved_paths
from workbench.stages.search import consideration, search, source_mix, touchpoints, triggers
from workbench.stages.silence import silence
from workbench.stages.skipping import link_true_stages, logistic_gee, skipping
from workbench.stages.stage_distribution import stage_distribution
from workbench.stages.studies import contrast_in_market
from workbench.stages.taxonomy import align, assign, crosswalk, relabel, taxonomy
from workbench.stages.validation import (
    latent_score,
    null_posterior,
    reliability,
    rule_posterior,
    stage_logit,
)

__all__ = [
    "StageModel",
    "align",
    "answered_before",
    "assign",
    "barriers",
    "by_diary",
    "cart_abandonment",
    "carts",
    "checkout",
    "checkpoints",
    "compare_time",
    "consideration",
    "contrast_in_market",
    "crosswalk",
    "decision_complexity",
    "drop_location",
    "episodes",
    "events_by_stage",
    "fit_latent",
    "flows",
    "gap_sensitivity",
    "hazards",
    "intention",
    "latent_score",
    "learning",
    "link_true_stages",
    "logistic_gee",
    "loyalty_groups",
    "mapping_quality",
    "null_posterior",
    "observed_stages",
    "path_complexity",
    "posterior",
    "profile",
    "purchase_propensity",
    "reach",
    "recovery",
    "relabel",
    "reliability",
    "requirements_before",
    "rule_posterior",
    "search",
    "silence",
    "skip_contrast",
    "skipping",
    "source_mix",
    "stage_distribution",
    "stage_logit",
    "staged",
    "taxonomy",
    "time_in_stage",
    "time_to_purchase",
    "touchpoints",
    "triggers",
    "true_occasions",
    "unobserved_paths",
    "variants",
    "world_score",
]
