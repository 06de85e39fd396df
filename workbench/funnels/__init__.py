"""Who gets from one step to the next? Conversion and drop-off over a customer's own history.

`steps` has the funnel, `rules` all its options, `compare` what they do to the number, `groups` who
converts more often, `correlation` what goes with converting, `times` how long it takes, `kernels`
the kernels.
"""

from workbench.funnels.compare import (
    compare_definitions,
    compare_entry,
    compare_orders,
)
from workbench.funnels.correlation import correlates
from workbench.funnels.groups import compare_groups
from workbench.funnels.rules import DEFAULTS, ORDERS, SEMANTICS
from workbench.funnels.steps import conversion, drop_off
from workbench.funnels.times import time_to_convert

__all__ = [
    "DEFAULTS",
    "ORDERS",
    "SEMANTICS",
    "compare_definitions",
    "compare_entry",
    "compare_groups",
    "compare_orders",
    "conversion",
    "correlates",
    "drop_off",
    "time_to_convert",
]
