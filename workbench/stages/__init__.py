"""Where in the buying process are people, what do they do there, and how long does it take?

Stages and their names (`taxonomy`), decision occasions (`episodes`), what happens within one (`profile`),
where it goes wrong (`friction`), and the stage nobody sees (`latent`).
"""

from workbench.stages.episodes import drop_location, episodes, gap_sensitivity, reach, time_in_stage, time_to_purchase
from workbench.stages.friction import barriers, cart_abandonment, carts, checkout, checkpoints, recovery
from workbench.stages.profile import (consideration, decision_complexity, loops, profile, search, skip_contrast, skipping, touchpoints, triggers,
                                      variants)
from workbench.stages.taxonomy import assign, crosswalk, mapping_quality, relabel, taxonomy

__all__ = ["assign", "barriers", "cart_abandonment", "carts", "checkout", "checkpoints", "consideration", "crosswalk", "decision_complexity", "drop_location", "episodes", "gap_sensitivity", "loops", "mapping_quality",
           "profile", "reach", "recovery", "relabel", "search", "skip_contrast", "skipping", "taxonomy", "time_in_stage", "time_to_purchase", "touchpoints",
           "triggers", "variants"]
