"""Notebooks → verified reports: parameters checked first, output proved whole, published in one
move.
"""

import sys

# nbformat's schema checker imports a grammar library that builds dozens of parsers (over a second
# of CPU in every process) for a URI format no notebook schema uses; its absence is a supported
# case.
sys.modules.setdefault("rfc3987_syntax", None)

from workbench.reports.conclusion import conclusion  # noqa: E402
from workbench.reports.index import write as write_index  # noqa: E402
from workbench.reports.journey_page import JourneyPage, journey_page  # noqa: E402
from workbench.reports.parameters import Parameter, read_parameters, settle  # noqa: E402
from workbench.reports.publish import latest, runs  # noqa: E402
from workbench.reports.run import run, run_all  # noqa: E402
from workbench.reports.words import attempt, explore, heading, prose_notice, table  # noqa: E402

__all__ = [
    "JourneyPage",
    "Parameter",
    "attempt",
    "conclusion",
    "explore",
    "heading",
    "journey_page",
    "latest",
    "prose_notice",
    "read_parameters",
    "run",
    "run_all",
    "runs",
    "settle",
    "table",
    "write_index",
]


def __dir__():
    return __all__
