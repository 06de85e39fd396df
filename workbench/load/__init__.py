"""Files, databases and packages → canonical tables, with a report of every row that was refused."""

from workbench.load.cards import card
from workbench.load.choices import panel_choices, price_rules
from workbench.load.mapping import Loaded, LoadReport, answers, file, orders_from_lines, read_mapping
from workbench.load.panels import cdnow, complete_journey

__all__ = ["LoadReport", "Loaded", "answers", "card", "cdnow", "complete_journey", "file", "orders_from_lines", "panel_choices", "price_rules",
           "read_mapping"]
