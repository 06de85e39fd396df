"""What do they like, what goes with it, and what should be shown to them next."""

from workbench.interests.acts import categorised
from workbench.interests.bestsellers import most_bought
from workbench.interests.changing import against_stated, drift
from workbench.interests.crossing import cross_reach
from workbench.interests.graph import multiplier, related
from workbench.interests.profiles import affinity, profiles
from workbench.interests.recommending import Lists, recommend, recommendations

__all__ = [
    "Lists",
    "affinity",
    "against_stated",
    "categorised",
    "cross_reach",
    "drift",
    "most_bought",
    "multiplier",
    "profiles",
    "recommend",
    "recommendations",
    "related",
]
