"""One way to the data of a notebook: a built-in source by name, or a file of one's own."""

from functools import partial

from workbench import engine
from workbench.engine.duck import literal
from workbench.errors import InputError, NotEnoughData
from workbench.load.cards import card
from workbench.load.in_place import InPlace
from workbench.load.panels import PANEL_ZONE, cdnow, complete_journey, panel_lines
from workbench.load.tables import file
from workbench.notes import Note

CARD = Note("load.card", "The card of the source")
TIMES = {"orders": "ordered_at", "order_lines": "ordered_at", "events": "occurred_at"}
_FIRST = """WITH first AS (
    SELECT customer_id, arg_min(amount, (ordered_at, order_id)) AS amount FROM t GROUP BY 1),
  large AS (
    SELECT customer_id FROM first WHERE amount > (SELECT median(amount) FROM first))
  SELECT * FROM t WHERE customer_id {held} (SELECT customer_id FROM large)"""


class Source:
    """Where data come from: their tables, time zone, and a card or load report to show.

    `.orders`, `.lines` and `.events` are canonical tables, `source["choices"]` is any other, each
    as analyses take it: of a file the table where it was kept, which is not held in memory, of a
    built-in source a DataFrame. `.frame("orders")` is a DataFrame of either. `.name` is what was
    asked for, `.zone` the time zone in which days are cut, `.households` how many households a
    panel has, `.report` the load report of a file, `.market` the simulated market with its truth.
    Shown in a notebook it is its card, or its load report.
    """

    def __init__(self, name, makers, zone, *, card=None, report=None, market=None, start=None):
        self.name, self.zone, self.report, self.market = name, zone, report, market
        self.own = report is not None
        self._makers, self._card, self._start = makers, card, start
        self._tables = {}

    def __getitem__(self, table):
        if table not in self._tables:
            self._tables[table] = self._since_start(table, self._make(table))
        return self._tables[table]

    def frame(self, table):
        """Return a table by name as a DataFrame, whatever the source."""
        found = self[table]
        return found.frame() if isinstance(found, InPlace) else found

    @property
    def orders(self):
        """The orders, one row an order."""
        return self["orders"]

    @property
    def lines(self):
        """The order lines, one row a product in an order."""
        return self["order_lines"]

    @property
    def events(self):
        """The events, one row an act of a customer."""
        return self["events"]

    @property
    def card(self):
        """The card of a built-in source as a table of two columns; None for a file."""
        return None if self._card is None else card(self._card)

    @property
    def households(self):
        """How many households a built-in panel has, non-buyers too; None where it is not known."""
        lines = self.lines
        return None if isinstance(lines, InPlace) else lines.attrs.get("households")

    def period(self, table="orders"):
        """Return the first and last moment of a table, as Timestamps in the source's time zone."""
        import pandas as pd

        ends = engine.span(self[table], TIMES[table])
        if None in ends:
            raise NotEnoughData("load.error_no_moment", "{table}: no row has a time", table=table)
        return tuple(pd.Timestamp(t, unit="us", tz="UTC").tz_convert(self.zone) for t in ends)

    def middle_day(self, table="orders"):
        """Return the day halfway between the first and the last moment of a table, as text."""
        first, last = (moment.normalize() for moment in self.period(table))
        return str((first + (last - first) / 2).date())

    def before_end(self, span, table="orders"):
        """Return the day that lies a length of time ("90D") before the last moment, as text."""
        import pandas as pd

        return str((self.period(table)[1] - pd.Timedelta(span)).date())

    def last(self, span, until=None):
        """Return the first and last day, as text, of the newest `span` of the orders ("180D").

        The last day is `until`, or that of the last order in the source's time zone.
        """
        import pandas as pd

        end = pd.Timestamp(until or self.period()[1].date())
        return str((end - pd.Timedelta(span)).date()), str(end.date())

    def _make(self, table):
        if self.report is not None:
            # A file says itself which table its mapping gives.
            return self._makers.table(table)
        if table not in self._makers:
            raise InputError(
                "load.error_source_table",
                "{name}: holds {present:text}; here '{table}' is needed. Name a file of your own "
                "and its mapping (docs/mapping.md)",
                name=self.name,
                present=list(self._makers),
                table=table,
            )
        return self._makers[table]()

    def _since_start(self, table, frame):
        import pandas as pd

        if self._start is None or table not in TIMES:
            return frame
        start, time = pd.Timestamp(self._start, tz="UTC"), TIMES[table]
        if isinstance(frame, InPlace):
            return frame.selected(f"SELECT * FROM t WHERE {time} >= TIMESTAMPTZ '{start}'")
        return frame[frame[time] >= start]

    def _repr_html_(self):
        if self.report is not None:
            return self.report._repr_html_()
        from workbench.display import tables

        return tables.table_html(self.card, CARD)

    def __repr__(self):
        if self.report is not None:
            return str(self.report)
        from workbench.display import tables

        return f"{CARD}\n{tables.shown(self.card).to_string(index=False)}"


def source(name, mapping=None, *, zone=None, start=None, category=None, market=None):
    """Return a source: "panel", "cdnow", "market", or a file read through its mapping.

    Parameters
    ----------
    name : str
        "panel" (The Complete Journey: orders, order_lines, events, customers, products), "cdnow"
        (orders), "market" (what `market` makes), or the path of a file.
    mapping : str, Path or dict, optional
        The mapping of the file; see `docs/mapping.md`.
    zone : str, optional
        Time zone in which days are cut; default that of the source or of its mapping.
    start : date, optional
        Leave out what happened before this day (of orders, order lines and events).
    category : str, optional
        The product category to which order lines of the panel are kept, with their brand.
    market : callable, optional
        Makes the simulated market, such as `lambda: simulate.market(4000, seed=1)`.

    Returns
    -------
    Source
        With `.orders`, `.lines`, `.events`, `.zone`; shown as its card or its load report.

    Raises
    ------
    InputError
        For a file without a mapping or a table the source does not hold.
    DataError
        If a file's values cannot be settled.
    """
    if name == "panel":
        makers = {
            "orders": partial(complete_journey, "orders"),
            "order_lines": partial(_panel_lines, category),
            "events": partial(complete_journey, "campaign_events"),
            "customers": partial(complete_journey, "customers"),
            "products": partial(complete_journey, "products"),
        }
        return Source(name, makers, zone or PANEL_ZONE, card="complete_journey", start=start)
    if name == "cdnow":
        return Source(name, {"orders": cdnow}, zone or "UTC", card="cdnow", start=start)
    if name == "market" and market is not None:
        made = market()
        makers = {table: partial(made.tables.get, table) for table in made.tables}
        return Source(name, makers, zone or "UTC", card="market", market=made, start=start)
    loaded = file(name, mapping)
    return Source(name, loaded, zone or loaded.zone, report=loaded.report, start=start)


def sources(names, mapping=None, **options):
    """Return several sources by name, in the order asked for; options as for `source`."""
    return {name: source(name, mapping, **options) for name in names}


def events_from_orders(orders, event="order"):
    """Return orders as events, each an act called `event` at the moment of the order.

    What lies in a file is written to another, as analyses take it; a DataFrame stays one.
    """
    if isinstance(orders, InPlace):
        return orders.selected(
            f"SELECT *, ordered_at AS occurred_at, {literal(event)} AS event FROM t"
        )
    return orders.assign(occurred_at=orders["ordered_at"], event=event)


def by_first_order(orders):
    """Return the orders of customers whose first order was large, and of the others.

    A first order is large when its amount is above the median of all first orders. Returns a
    dictionary with the tables large_order and small_order: of what lies in a file as analyses take
    it, else DataFrames.
    """
    if isinstance(orders, InPlace):
        return {
            "large_order": orders.selected(_FIRST.format(held="IN")),
            "small_order": orders.selected(_FIRST.format(held="NOT IN")),
        }
    in_time = orders.sort_values(["ordered_at", "order_id"])
    first = in_time.groupby("customer_id")["amount"].first()
    large = orders["customer_id"].isin(first.index[first > first.median()])
    return {"large_order": orders[large], "small_order": orders[~large]}


def _panel_lines(category):
    return complete_journey("order_lines") if category is None else panel_lines(category)
