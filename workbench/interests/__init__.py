"""What do they like, what goes with it, and what should be shown to them next."""

from workbench.interests.acts import categorised
from workbench.interests.bestsellers import most_bought
from workbench.interests.crossing import cross_reach
from workbench.interests.graph import multiplier, related
from workbench.interests.profiles import affinity, profiles
from workbench.interests.recommending import Lists, recommend, recommendations

__all__ = [
    "Lists",
    "affinity",
    "categorised",
    "cross_reach",
    "most_bought",
    "multiplier",
    "profiles",
    "recommend",
    "recommendations",
    "related",
]
