"""Where in the buying process are people, what do they do there, and how long does it take?

Stages, frameworks and rules (`taxonomy`, `mapping`); decision occasions (`episodes`): how far they
come (`reach`) and how long they take (`durations`, `buying_time`, `giving_up`); what happens within
one (`profile`, `search`, `paths`, `skipping`); where it goes wrong (`carts`, `checkout`,
`barriers`, `checkpoints`); and the stage nobody sees (`latent`, `where_now`, `validation`,
`buying`).
"""

from workbench.stages.barriers import barriers
from workbench.stages.buying import buying_chance, intention
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
from workbench.stages.giving_up import hazards
from workbench.stages.latent import StageModel, fit_latent, posterior
from workbench.stages.learning import learning, world_score
from workbench.stages.log import as_true, counted, present, staged
from workbench.stages.mapping import mapping_quality
from workbench.stages.paths import decision_complexity, flows, loops, variants
from workbench.stages.profile import profile
from workbench.stages.reach import dark_paths, drop_location, gap_sensitivity, reach
from workbench.stages.search import consideration, search, source_mix, touchpoints, triggers
from workbench.stages.silence import silence
from workbench.stages.skipping import effect, skipping, with_truth
from workbench.stages.studies import contrast_in_market
from workbench.stages.taxonomy import assign, beside, crosswalk, relabel, taxonomy
from workbench.stages.validation import latent_score, nobody, reliability, rule_map, stage_logit
from workbench.stages.where_now import where_now

__all__ = [
    "StageModel",
    "answered_before",
    "as_true",
    "assign",
    "barriers",
    "beside",
    "buying_chance",
    "by_diary",
    "cart_abandonment",
    "carts",
    "checkout",
    "checkpoints",
    "compare_time",
    "consideration",
    "contrast_in_market",
    "counted",
    "crosswalk",
    "dark_paths",
    "decision_complexity",
    "drop_location",
    "effect",
    "episodes",
    "fit_latent",
    "flows",
    "gap_sensitivity",
    "hazards",
    "intention",
    "latent_score",
    "learning",
    "loops",
    "loyalty_groups",
    "mapping_quality",
    "nobody",
    "posterior",
    "present",
    "profile",
    "reach",
    "recovery",
    "relabel",
    "reliability",
    "requirements_before",
    "rule_map",
    "search",
    "silence",
    "skip_contrast",
    "skipping",
    "source_mix",
    "stage_logit",
    "staged",
    "taxonomy",
    "time_in_stage",
    "time_to_purchase",
    "touchpoints",
    "triggers",
    "variants",
    "where_now",
    "with_truth",
    "world_score",
]
