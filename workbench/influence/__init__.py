"""What moves people: price and promotion, reviews and other people, impulse and the decision unit,
reputation and support, place.
"""

from workbench.influence.buying_centres import decision_units, predictability
from workbench.influence.deals import price_premium, referred_deals, support
from workbench.influence.impulse import impulse
from workbench.influence.need_triggers import conversion_by_trigger
from workbench.influence.price import price_elasticity
from workbench.influence.promotion import promotion_lift
from workbench.influence.sensitivities import sensitivities
from workbench.influence.social import peers, review_effect
from workbench.influence.spatial import distance_decay, huff
from workbench.influence.stars import star_rounding

__all__ = [
    "conversion_by_trigger",
    "decision_units",
    "distance_decay",
    "huff",
    "impulse",
    "peers",
    "predictability",
    "price_elasticity",
    "price_premium",
    "promotion_lift",
    "referred_deals",
    "review_effect",
    "sensitivities",
    "star_rounding",
    "support",
]
