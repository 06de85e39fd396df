"""What moves people: price and promotion, reviews and other people, impulse and the decision unit,
reputation and support, place.
"""

from workbench.influence.business import decision_units, predictability
from workbench.influence.deals import premium, referred_deals, support
from workbench.influence.impulse import impulse
from workbench.influence.place import distance_decay, huff
from workbench.influence.price import price_elasticity
from workbench.influence.promotion import promotion_lift
from workbench.influence.sensitivities import sensitivities
from workbench.influence.social import peers, review_effect
from workbench.influence.stars import star_rounding
from workbench.influence.wakers import woken_by

__all__ = [
    "decision_units",
    "distance_decay",
    "huff",
    "impulse",
    "peers",
    "predictability",
    "premium",
    "price_elasticity",
    "promotion_lift",
    "referred_deals",
    "review_effect",
    "sensitivities",
    "star_rounding",
    "support",
    "woken_by",
]
