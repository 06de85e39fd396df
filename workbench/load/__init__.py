"""Files, databases and packages → canonical tables, with a report of every row that was refused."""

from workbench.load.cards import card
from workbench.load.choices import panel_choices, price_rules
from workbench.load.mapping import read_mapping
from workbench.load.panels import cdnow, complete_journey, donations, panel_lines, panel_sales
from workbench.load.report import Loaded, LoadReport
from workbench.load.source import (
    Source,
    by_first_order,
    events_from_orders,
    source,
    sources,
)
from workbench.load.studies import apples, charity, insurance, mode_choice, scanner_panel
from workbench.load.tables import answers, file, orders_from_lines

__all__ = [
    "LoadReport",
    "Loaded",
    "Source",
    "answers",
    "apples",
    "by_first_order",
    "card",
    "cdnow",
    "charity",
    "complete_journey",
    "donations",
    "events_from_orders",
    "file",
    "insurance",
    "mode_choice",
    "orders_from_lines",
    "panel_choices",
    "panel_lines",
    "panel_sales",
    "price_rules",
    "read_mapping",
    "scanner_panel",
    "source",
    "sources",
]
