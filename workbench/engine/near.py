"""Of a table of many rows, only those that lie near the moments of the people of another table."""

from dataclasses import dataclass

from workbench.engine import duck
from workbench.engine.ids import written

_REST = 100  # rows of a table that cannot be used at all, brought along for the error to show

_ROWS = """WITH marked AS (
    SELECT {columns}, {at} AS _workbench_at, {near} AS _workbench_near FROM src)
  SELECT * EXCLUDE (_workbench_at, _workbench_near) FROM (
    SELECT * FROM marked WHERE _workbench_near
    UNION ALL SELECT * FROM (
      SELECT * FROM marked WHERE NOT _workbench_near
      ORDER BY _workbench_at DESC NULLS LAST LIMIT 1))"""


@dataclass(frozen=True)
class Near:
    """Which rows of a table of orders a function looks at: those of the people of another table,
    from `before` their first moment there to `after` their last.

    Attributes
    ----------
    people : str
        Parameter that holds the other table.
    moment : str
        Its column of moments.
    after, before : str
        Parameters that hold the length of time (the longest of several counts); "" for none.
    reads : tuple of str
        Columns of the orders the function reads; the first is the time.
    """

    people: str
    moment: str
    after: str = "window"
    before: str = ""
    reads: tuple = ("ordered_at", "amount")

    def rows(self, table, arguments):
        """Return the rows of a table the engine reads as an Arrow table: those that lie near, and
        the latest of all others, so that how far the table goes stays known.
        """
        types = duck.types(table)
        time = self.reads[0]
        spans = self._spans(arguments)
        if spans is None or "customer_id" not in types or not duck.is_time(types.get(time, "")):
            return duck.arrow(f"SELECT * FROM src LIMIT {_REST}", table)
        wanted = [c for c in ("customer_id", *self.reads) if c in types]
        columns = ", ".join(map(duck.quote, wanted)) if len(wanted) > len(self.reads) else "*"
        who = duck.written_as('"customer_id"', types["customer_id"])
        at = f"epoch_us(CAST({duck.quote(time)} AS {_clock(types[time])}))"
        near = f"EXISTS (SELECT 1 FROM who WHERE id = {who} AND {at} BETWEEN lo AND hi)"
        return duck.arrow_of(
            _ROWS.format(columns=columns, at=at, near=near), {"src": table, "who": spans}
        )

    def _spans(self, arguments):
        """Return a row a person with the first and last microsecond that counts; None where the
        other table has no such columns.
        """
        import pandas as pd
        import pyarrow as pa

        people = arguments[self.people]
        if not {"customer_id", self.moment} <= set(people.columns):
            return None
        at = people[self.moment]
        if not pd.api.types.is_datetime64_any_dtype(at) or at.isna().all():
            return None
        at = at.dt.tz_localize("UTC") if at.dt.tz is None else at.dt.tz_convert("UTC")
        micros = at.dt.as_unit("us").astype("int64").where(at.notna())
        # Who has no moment may get one of the others'.
        lo, hi = micros.fillna(micros.min()), micros.fillna(micros.max())
        ends = pd.DataFrame({"id": written(people["customer_id"]), "lo": lo, "hi": hi})
        each = ends.dropna(subset=["id"]).groupby("id").agg(lo=("lo", "min"), hi=("hi", "max"))
        before, after = (_longest(arguments.get(name)) for name in (self.before, self.after))
        return pa.table(
            {
                "id": pa.array(each.index.tolist(), pa.string()),
                "lo": pa.array((each["lo"] - before).astype("int64"), pa.int64()),
                "hi": pa.array((each["hi"] + after).astype("int64"), pa.int64()),
            }
        )


def _longest(lengths):
    """Return the microseconds of the longest of some lengths of time; 0 for none."""
    import pandas as pd

    if lengths is None:
        return 0
    try:
        lengths = [lengths] if isinstance(lengths, (str, pd.Timedelta)) else list(lengths)
        return max(int(pd.Timedelta(length) / pd.Timedelta("1us")) for length in lengths)
    except (TypeError, ValueError):
        # The function says what is wrong with it.
        return 0


def _clock(kind):
    return "TIMESTAMPTZ" if "TIME ZONE" in kind or kind.startswith("TIMESTAMPTZ") else "TIMESTAMP"


@dataclass(frozen=True)
class FirstOfDay:
    """The first order of every customer on every local day, what was given back left out; and the
    last of all, which says how far the table goes.
    """

    zone: str = "zone"

    def rows(self, table, arguments):
        """Return the rows of a table the engine reads as an Arrow table."""
        types = duck.types(table)
        if not {"customer_id", "ordered_at"} <= set(types) or not duck.is_time(types["ordered_at"]):
            return duck.arrow(f"SELECT * FROM src LIMIT {_REST}", table)
        day = duck.local_day('"ordered_at"', types["ordered_at"], arguments[self.zone])
        rules = [duck.there(duck.quote(c), types[c]) for c in ("customer_id", "ordered_at")]
        rules += ["coalesce(amount, 0) >= 0"] if "amount" in types else []
        paid = " AND ".join(rules)
        return duck.arrow(_DAYS.format(day=day, paid=paid), table)


_DAYS = """WITH paid AS (SELECT customer_id, ordered_at FROM src WHERE {paid})
  SELECT customer_id, min(ordered_at) AS ordered_at FROM paid GROUP BY customer_id, {day}
  UNION ALL SELECT * FROM (SELECT * FROM paid ORDER BY ordered_at DESC NULLS LAST LIMIT 1)"""


@dataclass(frozen=True)
class Of:
    """Which rows of a table of events a function looks at: those that bear one of some names."""

    column: str
    words: tuple

    def rows(self, table, arguments):
        """Return the rows of a table the engine reads as an Arrow table."""
        types = duck.types(table)
        if self.column not in types or duck.is_opaque(types[self.column]):
            return duck.arrow(f"SELECT * FROM src LIMIT {_REST}", table)
        written_as = duck.written_as(duck.quote(self.column), types[self.column])
        words = ", ".join(map(duck.literal, self.words))
        return duck.arrow(f"SELECT * FROM src WHERE {written_as} IN ({words})", table)
