"""Do they stay loyal, and to whom? How brands are bought, the laws that hold for it, where
customers stand, and what satisfied ones do.
"""

from workbench.loyalty.advocates import advocacy
from workbench.loyalty.brands import double_jeopardy, duplication, performance
from workbench.loyalty.buyers import Periods, buyer_moderation, heavy_buyers, two_periods
from workbench.loyalty.care import before_joining, joining, service_recovery
from workbench.loyalty.norms import dirichlet
from workbench.loyalty.purchases import Panel, panel
from workbench.loyalty.repeats import repeat_buying
from workbench.loyalty.repertoire import switching
from workbench.loyalty.standing import dick_basu, rfm, segments
from workbench.loyalty.theory import Dirichlet, nbd
from workbench.loyalty.voices import referral, satisfaction_link, win_back

__all__ = [
    "Dirichlet",
    "Panel",
    "Periods",
    "advocacy",
    "before_joining",
    "buyer_moderation",
    "dick_basu",
    "dirichlet",
    "double_jeopardy",
    "duplication",
    "heavy_buyers",
    "joining",
    "nbd",
    "panel",
    "performance",
    "referral",
    "repeat_buying",
    "rfm",
    "satisfaction_link",
    "segments",
    "service_recovery",
    "switching",
    "two_periods",
    "win_back",
]
