"""What will customers still buy, and what are they worth? Models of buying and leaving, spending,
and contracts.
"""

from workbench.clv.ahead import Past, past_forecasts
from workbench.clv.buying import bg_bb, bg_nbd, gamma_gamma, mbg_nbd, pareto_nbd
from workbench.clv.contract import contract
from workbench.clv.estimates import compare_published
from workbench.clv.fits import Fit
from workbench.clv.summary import customers
from workbench.clv.validation import hold_out, tracking
from workbench.clv.worth import by_frequency, outlook, value

__all__ = [
    "Fit",
    "Past",
    "bg_bb",
    "bg_nbd",
    "by_frequency",
    "compare_published",
    "contract",
    "customers",
    "gamma_gamma",
    "hold_out",
    "mbg_nbd",
    "outlook",
    "pareto_nbd",
    "past_forecasts",
    "tracking",
    "value",
]
