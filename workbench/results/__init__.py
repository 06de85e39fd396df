"""The Result every analysis returns: a question, a tidy table, and what a reader must know."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from os import PathLike
from pathlib import Path
from typing import Any, overload

from workbench import engine, notes
from workbench.engine.gate import Function
from workbench.errors import InputError, check_draws, one_of
from workbench.notes import Note
from workbench.results import charts, rows
from workbench.results import made as made_elsewhere
from workbench.results.changes import change
from workbench.results.charts import Chart, Curve, Flow, Funnel, Heat, Law, Points, Stations
from workbench.results.segment import Segment, behind, read_segment
from workbench.results.small import MINIMUM_CELL, is_small, sayable, small_cells, withheld

__all__ = [
    "MINIMUM_CELL",
    "Chart",
    "Curve",
    "Flow",
    "Funnel",
    "Heat",
    "Law",
    "Points",
    "Result",
    "Segment",
    "Stations",
    "analysis",
    "built_in",
    "change",
    "is_built_in",
    "is_simulated",
    "is_small",
    "read",
    "read_segment",
    "small_cells",
    "tidy",
    "withheld",
]


def __dir__():
    return __all__


EVIDENCE = ("descriptive", "associational", "quasi-causal", "experimental")
NUMBERS = ("count", "total", "amount", "n", "estimate", "std_error", "conf_low", "conf_high")
_PLAIN = ("unit", "n", "conf_level", "evidence", "simulated", "currency", "built_in", "analysis")
_SAID = ("question", "answer", "method", "limits")


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The answer to one question, with its denominators, intervals and limits.

    Attributes
    ----------
    question : Note
        A plain sentence; the title of figure and section.
    table : DataFrame
        One row per estimate: keys first, then count, n, estimate, std_error, conf_low,
        conf_high where they apply. count is of the n units; what a mean divides is total, or amount
        where it is money.
    method : Note
        How the numbers were made, in one sentence.
    answer : Note
        What was found: the number that matters, its interval and its denominator. Where fewer than
        ten units stand behind it, or the number cannot be known, it says that instead.
    unit : str
        What one unit of `n` is.
    n : int
        Units in all.
    conf_level : float
    evidence : str
        descriptive, associational, quasi-causal or experimental.
    limits : tuple of Note
        Sentences a reader must see.
    model : object
        The fitted model where there is one.
    currency : str
        Of every amount of money, such as "EUR"; None where it is not known.
    chart : Chart
        What the figure draws from the table.
    simulated : bool
        Whether it rests on a simulated market; then the question says so, wherever it is shown.
    built_in : bool
        Whether the labels of its data are ours, as those of a simulated market and of the data sets
        that come with the workbench; then they are shown in the language in use.
    analysis : str
        The function that made it, such as "surveys.nps".
    people : object
        Who stands behind which row (customer_id and keys), or what makes that table; read by
        `members`, and neither shown nor saved.
    """

    question: Note | str
    table: object
    method: Note | str
    unit: str
    n: int
    answer: Note | None = None
    conf_level: float = 0.95
    evidence: str = "descriptive"
    limits: tuple = ()
    model: object = None
    chart: Chart | None = None
    simulated: bool = False
    currency: str | None = None
    built_in: bool = False
    analysis: str | None = None
    people: object = field(default=None, repr=False)

    def __post_init__(self):
        one_of("evidence", self.evidence.split(":")[0], EVIDENCE)
        object.__setattr__(self, "limits", tuple(self.limits))
        if self.answer is not None:
            object.__setattr__(self, "answer", sayable(self.answer, self.unit))

    @property
    def facts(self):
        """Every value in a sentence as a DataFrame: part, id, name, value and, for words, text."""
        import pandas as pd

        parts = [("question", self.question), ("answer", self.answer), ("method", self.method)]
        parts += [("limit", note) for note in self.limits]
        rows = [
            (part, *fact) for part, note in parts if isinstance(note, Note) for fact in note.facts()
        ]
        table = pd.DataFrame(rows, columns=["part", "id", "name", "value"])
        numeric = table["value"].map(lambda v: isinstance(v, (int, float)))
        table["text"] = table["value"].where(~numeric, None).map(lambda v: v and str(v))
        table["value"] = table["value"].where(numeric, None).astype(float)
        return table

    def members(self, **keys):
        """Return the customers behind the rows with these keys, as a Segment for the next analysis.

        Such as `members(segment="at_risk")`; without keys, all who stand behind a row. Ids never
        stand in a report. Raises InputError where the result does not know them, or for a key or
        value that does not occur.
        """
        return behind(self.people, keys, self.question, self.simulated)

    def plot(self, ax=None):
        """Draw the result from its own table and return the matplotlib Axes."""
        from workbench.display import figures

        return figures.draw(self, ax)

    def figure(self):
        """Return the drawing for display in a notebook, with the drawn numbers as its text."""
        from workbench.display import figures

        return figures.Drawing(self)

    def save(self, folder):
        """Write table.parquet, result.json, figure.svg and figure.png into `folder`."""
        import matplotlib.pyplot as plt

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.table.to_parquet(folder / "table.parquet")
        kept = {name: getattr(self, name) for name in (*_PLAIN, *_SAID)}
        kept["chart"] = self.chart.to_dict() if self.chart else None
        written = json.dumps(notes.plain(kept), ensure_ascii=False, indent=1, allow_nan=False)
        (folder / "result.json").write_text(written, encoding="utf-8")
        if self.chart:
            ax = self.plot()
            for ending in ("svg", "png"):
                ax.figure.savefig(folder / f"figure.{ending}", bbox_inches="tight", dpi=150)
            plt.close(ax.figure)

    def to_markdown(self):
        """Return question, answer, table, method and limits as Markdown, in the language in use."""
        from workbench.display import papers

        return papers.markdown(self)

    def to_latex(self, label=""):
        """Return the table for a paper, in APA style with the package booktabs."""
        from workbench.display import papers

        return papers.latex(self, label)

    def to_excel(self, path):
        """Write question, answer, table, method and limits to an Excel workbook."""
        from workbench.display import record, workbook

        workbook.write([record.entry(self)], path)

    def cite(self):
        """Return the literature of the method, and the software, as BibTeX."""
        from workbench.display import citing

        return citing.bibtex(self)

    def __repr__(self):
        from workbench.display import tables

        return tables.result_text(self)

    def _repr_html_(self):
        from workbench.display import record, tables

        record.result(self)
        return tables.result_html(self)


def tidy(rows):
    """Return rows as a table with its columns in the order of every Result: keys, numbers, others.

    `count` counts units of `n`; where an estimate is a mean, `total` holds the sum it divides, and
    `amount` where that sum is money.
    """
    import pandas as pd

    table = pd.DataFrame(rows)
    numbers = [name for name in NUMBERS if name in table]
    first = min((table.columns.get_loc(name) for name in numbers), default=0)
    keys = list(table.columns[:first])
    return table[[*keys, *numbers, *(c for c in table if c not in (*keys, *numbers))]]


@overload
def analysis(function: Function) -> Function: ...
@overload
def analysis(*, none_drawn: bool = ...) -> Callable[[Function], Function]: ...
def analysis(function: Any = None, *, none_drawn: bool = False) -> Any:
    """Make an analysis carry what its tables are marked with to what it returns: simulated or not,
    the currency of their money, and what could not be used or did not occur; and refuse a number of
    draws that gives no interval, unless none is asked for (`none_drawn`: 0 draws are no interval).
    """
    if function is None:
        return partial(analysis, none_drawn=none_drawn)

    @wraps(function)
    def marked(*args, **options):
        if "draws" in options and not (none_drawn and options["draws"] == 0):
            check_draws(options["draws"])
        within = notes.listening()
        with notes.collected() as said:
            if not within:
                args, options = rows.usable(function, args, options)
            made = _called(function, args, options)
        given = (*args, *options.values())
        said = [*rows.inherited(given), *said]
        simulated = any(is_simulated(one) for one in given)
        currency = next((c for c in map(currency_of, given) if c), None)
        ours = any(is_built_in(one) for one in given)
        if isinstance(made, Result):
            made = replace(made, analysis=_public_name(function))
            return _named(_marked(_limited(made, said), simulated, currency), ours)
        if isinstance(getattr(made, "attrs", None), dict):
            rows.carried(made, said)
            marks = {"simulated": simulated, "currency": currency, "built_in": ours}
            made.attrs.update({name: mark for name, mark in marks.items() if mark})
        return made

    return marked


def _public_name(function):
    """Return the room of a function and its name in it; None for one made elsewhere.

    >>> _public_name(tidy), _public_name(json.loads)
    ('results.tidy', None)
    """
    package, *rooms = function.__module__.split(".")
    return f"{rooms[0]}.{function.__name__}" if package == "workbench" and rooms else None


def _called(function, args, options):
    """Call an analysis; a column it misses in a table made elsewhere is named."""
    try:
        return function(*args, **options)
    except KeyError as error:
        made_elsewhere.lacking(function, args, options, error)
        raise


def _limited(result, said):
    """Return a Result with what was said while it was made among its limits."""
    new = [note for note in dict.fromkeys(said) if note not in result.limits]
    return replace(result, limits=(*result.limits, *new)) if new else result


def simulated_question(question):
    """Return a question or caption with the mark of simulated data."""
    return Note("result.simulated", "SIMULATED · {question}", question=question)


def _named(result, ours):
    """Return a Result that knows whether its labels are ours, and its table with it."""
    if not ours:
        return result
    if hasattr(result.table, "attrs"):
        result.table.attrs["built_in"] = True
    return replace(result, built_in=True)


def _marked(result, simulated, currency):
    """Return a Result with its marks, which its sentences show."""
    changes = {}
    if simulated and not result.simulated:
        changes |= {"simulated": True, "question": simulated_question(result.question)}
    if currency and not result.currency:
        said = {name: changes.get(name, getattr(result, name)) for name in _SAID}
        priced = {name: _priced(part, currency) for name, part in said.items()}
        changes |= {"currency": currency, **priced}
    return replace(result, **changes) if changes else result


def _priced(said, currency):
    """Return a note, or several, whose amounts of money know their currency."""
    if isinstance(said, (list, tuple)):
        return tuple(_priced(note, currency) for note in said)
    return said.priced(currency) if isinstance(said, Note) else said


def currency_of(table):
    """Return the one currency of a table's money, or None where it is mixed or not known."""
    if isinstance(table, Result):
        return table.currency
    marked = getattr(table, "attrs", None)
    if isinstance(marked, dict) and marked.get("currency"):
        return marked["currency"]
    if type(table).__module__.startswith("pandas") and "currency" in getattr(table, "columns", ()):
        found = table["currency"].dropna().unique()
        return str(found[0]) if len(found) == 1 else None
    if engine.is_table(table) and "currency" in engine.columns(table):
        found = engine.distinct(table, "currency")
        return str(found[0]) if len(found) == 1 else None
    return None


def built_in(function):
    """Mark the tables that a function loads as built in: their labels are ours."""

    @wraps(function)
    def marked(*args, **options):
        made = function(*args, **options)
        if isinstance(made, Result):
            return _named(made, ours=True)
        for table in made if isinstance(made, tuple) else (made,):
            if hasattr(table, "attrs"):
                table.attrs["built_in"] = True
        return made

    return marked


def is_built_in(table):
    """Say whether the labels of a Result or a table are ours: built in, or simulated."""
    if isinstance(table, Result):
        return table.built_in or table.simulated
    marks = getattr(table, "attrs", None)
    return (isinstance(marks, dict) and bool(marks.get("built_in"))) or is_simulated(table)


def is_simulated(table):
    """Say whether a Result, a DataFrame, an Arrow table or a Parquet path carries the mark of a
    simulated market.
    """
    if isinstance(table, (Result, Segment)):
        return table.simulated
    if isinstance(table, list) and table and all(isinstance(one, Segment) for one in table):
        return any(one.simulated for one in table)
    # Text that names no Parquet file is an argument of another kind.
    if isinstance(table, (str, PathLike)) and not engine.is_table(table):
        return False
    return engine.simulated(table)


def read(folder):
    """Read back a Result that `Result.save` wrote; it draws the same figure.

    Raises InputError when the folder holds no saved result.
    """
    import pandas as pd

    folder = Path(folder)
    if not (folder / "result.json").is_file():
        raise InputError(
            "result.error_not_saved",
            "{folder}: no saved result here (result.json is missing)",
            folder=folder,
        )
    kept = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    chart = charts.from_dict(kept.pop("chart"))
    table = pd.read_parquet(folder / "table.parquet")
    return Result(table=table, chart=chart, **notes.from_dict(kept))
