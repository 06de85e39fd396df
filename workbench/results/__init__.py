"""The Result every analysis returns: a question, a tidy table, and what a reader must know."""

import json
from dataclasses import dataclass, replace
from functools import wraps
from os import PathLike
from pathlib import Path

from workbench import engine, notes
from workbench.errors import InputError, one_of
from workbench.notes import Note
from workbench.results import charts, rows
from workbench.results.charts import Chart, Curve, Flow, Heat, Points

__all__ = [
    "MINIMUM_CELL",
    "Chart",
    "Curve",
    "Flow",
    "Heat",
    "Points",
    "Result",
    "analysis",
    "is_simulated",
    "read",
    "small_cells",
]

EVIDENCE = ("descriptive", "associational", "quasi-causal", "experimental")
NUMBERS = ("count", "n", "estimate", "std_error", "conf_low", "conf_high")
MINIMUM_CELL = 10  # below this many units a row is suppressed wherever it is shown
_PLAIN = ("unit", "n", "conf_level", "evidence", "simulated", "currency")


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The answer to one question, with its denominators, intervals and limits.

    Attributes
    ----------
    question : Note
        A plain sentence; the title of figure and section.
    table : DataFrame
        One row per estimate: keys first, then count, n, estimate, std_error, conf_low,
        conf_high where they apply.
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

    def __post_init__(self):
        one_of("evidence", self.evidence.split(":")[0], EVIDENCE)
        object.__setattr__(self, "limits", tuple(self.limits))
        if self.answer is not None:
            object.__setattr__(self, "answer", _sayable(self.answer, self.unit))

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
        kept = {name: getattr(self, name) for name in _PLAIN}
        for name in ("question", "answer", "method"):
            kept[name] = _dump(getattr(self, name))
        kept["limits"] = [_dump(note) for note in self.limits]
        kept["chart"] = self.chart.to_dict() if self.chart else None
        written = json.dumps(kept, ensure_ascii=False, indent=1)
        (folder / "result.json").write_text(written, encoding="utf-8")
        if self.chart:
            ax = self.plot()
            for ending in ("svg", "png"):
                ax.figure.savefig(folder / f"figure.{ending}", bbox_inches="tight", dpi=150)
            plt.close(ax.figure)

    def __repr__(self):
        from workbench.display import tables

        return tables.result_text(self)

    def _repr_html_(self):
        from workbench.display import tables

        return tables.result_html(self)


def _sayable(answer, unit):
    """Return the answer, or why there is none: too few units, or a number that cannot be known."""
    facts = [(name, value) for _, name, value in answer.facts() if isinstance(value, (int, float))]
    least = min((value for name, value in facts if name == "n"), default=MINIMUM_CELL)
    if least < MINIMUM_CELL:
        return Note(
            "result.too_few",
            "Too few to say: fewer than {least} {unit:word}.",
            least=MINIMUM_CELL,
            unit=unit,
        )
    if any(value != value for _, value in facts):
        return Note("result.unknown", "These data do not allow an answer: see the limits below.")
    return answer


def _dump(note):
    return note.to_dict() if isinstance(note, Note) else note


def small_cells(table):
    """Return which rows rest on fewer units, or fewer customers, than may be shown."""
    small = table.index != table.index
    for name in ("n", "customers"):
        if name in table:
            small = small | table[name].between(1, MINIMUM_CELL - 1).to_numpy()
    return small


def analysis(function):
    """Make an analysis carry what its tables are marked with to what it returns: simulated or not,
    the currency of their money, and what could not be used or did not occur.
    """

    @wraps(function)
    def marked(*args, **options):
        within = notes.listening()
        with notes.collected() as said:
            if not within:
                args, options = rows.usable(function, args, options)
            made = function(*args, **options)
        given = (*args, *options.values())
        said = [*rows.inherited(given), *said]
        simulated = any(is_simulated(one) for one in given)
        currency = next((c for c in map(currency_of, given) if c), None)
        if isinstance(made, Result):
            return _marked(_limited(made, said), simulated, currency)
        if isinstance(getattr(made, "attrs", None), dict):
            rows.carried(made, said)
            marks = {"simulated": simulated or None, "currency": currency}
            made.attrs.update({name: mark for name, mark in marks.items() if mark})
        return made

    return marked


def _limited(result, said):
    """Return a Result with what was said while it was made among its limits."""
    new = [note for note in dict.fromkeys(said) if note not in result.limits]
    return replace(result, limits=(*result.limits, *new)) if new else result


def simulated_question(question):
    """Return a question or caption with the mark of simulated data."""
    return Note("result.simulated", "SIMULATED · {question}", question=question)


def _marked(result, simulated, currency):
    """Return a Result with its marks, which its sentences show."""
    changes = {}
    if simulated and not result.simulated:
        changes |= {"simulated": True, "question": simulated_question(result.question)}
    if currency and not result.currency:
        priced = {name: _priced(getattr(result, name), currency) for name in ("answer", "method")}
        limits = tuple(_priced(note, currency) for note in result.limits)
        changes |= {"currency": currency, "limits": limits, **priced}
    return replace(result, **changes) if changes else result


def _priced(note, currency):
    """Return a note whose amounts of money know their currency."""
    return note.having(currency=currency) if isinstance(note, Note) and note.has_money else note


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


def is_simulated(table):
    """Say whether a Result, a DataFrame, an Arrow table or a Parquet path carries the mark of a
    simulated market.
    """
    if isinstance(table, Result):
        return table.simulated
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
    said = ("question", "answer", "method", "limits")
    kept.update({name: notes.from_dict(kept[name]) for name in said})
    kept["chart"] = charts.from_dict(kept["chart"])
    return Result(table=pd.read_parquet(folder / "table.parquet"), **kept)
