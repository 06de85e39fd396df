"""Do they stay loyal, and to whom? How brands are bought, the laws that hold for it, where
customers stand, and what satisfied ones do.
"""

from workbench.loyalty.advocates import advocacy
from workbench.loyalty.brands import brand_performance, double_jeopardy, duplication
from workbench.loyalty.buyers import Periods, buyer_moderation, heavy_buyers, two_periods
from workbench.loyalty.nbd_dirichlet import Dirichlet, nbd
from workbench.loyalty.norms import dirichlet
from workbench.loyalty.programmes import programme_baseline, programme_panel, service_recovery
from workbench.loyalty.purchases import Panel, purchase_panel
from workbench.loyalty.referral_and_winback import referral, satisfaction_link, win_back
from workbench.loyalty.repeat_buying_theory import repeat_buying
from workbench.loyalty.repertoire import switching
from workbench.loyalty.segmentation import dick_basu, rfm, rfm_segments

__all__ = [
    "Dirichlet",
    "Panel",
    "Periods",
    "advocacy",
    "brand_performance",
    "buyer_moderation",
    "dick_basu",
    "dirichlet",
    "double_jeopardy",
    "duplication",
    "heavy_buyers",
    "nbd",
    "programme_baseline",
    "programme_panel",
    "purchase_panel",
    "referral",
    "repeat_buying",
    "rfm",
    "rfm_segments",
    "satisfaction_link",
    "service_recovery",
    "switching",
    "two_periods",
    "win_back",
]
