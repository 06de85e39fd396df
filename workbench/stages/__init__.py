"""Where in the buying process are people, what do they do there, and how long does it take?

Stages and their names (`taxonomy`), decision occasions (`episodes`), what happens within one (`profile`),
where it goes wrong (`friction`), and the stage nobody sees (`latent`).
"""

from workbench.stages.episodes import drop_location, episodes, gap_sensitivity, reach, time_in_stage, time_to_purchase
from workbench.stages.taxonomy import assign, crosswalk, mapping_quality, relabel, taxonomy

__all__ = ["assign", "crosswalk", "drop_location", "episodes", "gap_sensitivity", "mapping_quality", "reach", "relabel", "taxonomy",
           "time_in_stage", "time_to_purchase"]
