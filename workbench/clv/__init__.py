"""What will customers still buy, and what are they worth? Models of buying and leaving, spending,
and contracts.
"""

from workbench.clv.backtesting import Backtest, backtest
from workbench.clv.btyd import bg_bb, bg_nbd, gamma_gamma, mbg_nbd, pareto_nbd
from workbench.clv.customer_value import by_frequency, expected_purchases, value
from workbench.clv.estimates import compare_published
from workbench.clv.estimation import Fit
from workbench.clv.renewals import sbg
from workbench.clv.summary import customers
from workbench.clv.validation import holdout, tracking_plot

__all__ = [
    "Backtest",
    "Fit",
    "backtest",
    "bg_bb",
    "bg_nbd",
    "by_frequency",
    "compare_published",
    "customers",
    "expected_purchases",
    "gamma_gamma",
    "holdout",
    "mbg_nbd",
    "pareto_nbd",
    "sbg",
    "tracking_plot",
    "value",
]
