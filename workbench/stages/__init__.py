"""Where in the buying process are people, what do they do there, and how long does it take?

Stages and their names (`taxonomy`), decision occasions (`episodes`), what happens within one (`profile`),
where it goes wrong (`friction`), and the stage nobody sees (`latent`).
"""

from workbench.stages.episodes import compare_time, dark_paths, drop_location, episodes, gap_sensitivity, hazards, reach, time_in_stage, time_to_purchase
from workbench.stages.friction import barriers, cart_abandonment, carts, checkout, checkpoints, recovery
from workbench.stages.latent import StageModel, buying_chance, fit_latent, intention, latent_score, posterior, reliability, rule_map, stage_logit, where_now
from workbench.stages.profile import (consideration, decision_complexity, effect, flows, loops, profile, search, skip_contrast, skipping, source_mix, touchpoints, triggers,
                                      variants, with_truth)
from workbench.stages.taxonomy import assign, beside, crosswalk, mapping_quality, relabel, taxonomy

__all__ = ["StageModel", "assign", "barriers", "beside", "buying_chance", "cart_abandonment", "carts", "checkout", "checkpoints", "compare_time", "consideration", "crosswalk", "dark_paths", "decision_complexity",
           "drop_location", "effect", "episodes", "fit_latent", "flows", "gap_sensitivity", "hazards", "intention", "latent_score", "loops", "mapping_quality", "posterior", "profile",
           "reach", "recovery", "relabel", "reliability", "rule_map", "search", "skip_contrast", "skipping", "source_mix", "stage_logit", "taxonomy", "time_in_stage",
           "time_to_purchase", "touchpoints", "triggers", "variants", "where_now", "with_truth"]
