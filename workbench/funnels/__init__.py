"""Who gets from one step to the next? Conversion and drop-off over a customer's own history.

`steps` has the funnel with all its rules, `compare` what those rules do to the number, `walks` the
kernels.
"""

from workbench.funnels.compare import (
    compare_definitions,
    compare_entry,
    compare_groups,
    compare_orders,
    time_to_convert,
)
from workbench.funnels.steps import DEFAULTS, ORDERS, SEMANTICS, conversion, drop_off

__all__ = [
    "DEFAULTS",
    "ORDERS",
    "SEMANTICS",
    "compare_definitions",
    "compare_entry",
    "compare_groups",
    "compare_orders",
    "conversion",
    "drop_off",
    "time_to_convert",
]
