"""The Result every analysis returns: a question, a tidy table, and what a reader must know."""

import html
import json
from dataclasses import dataclass, field, replace
from functools import wraps
from os import PathLike
from pathlib import Path

from workbench import texts
from workbench.errors import InputError, one_of
from workbench.figures import MINIMUM_CELL, small_cells

EVIDENCE = ("descriptive", "associational", "quasi-causal", "experimental")
SHOWN_ROWS, FOLD = 200, 12
_COLUMNS = ("estimate", "std_error", "conf_low", "conf_high")


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The answer to one question, with its denominators, intervals and limits.

    Attributes
    ----------
    question : str
        A plain sentence; the title of figure and section.
    table : DataFrame
        One row per estimate: keys first, then count, n, estimate, std_error, conf_low,
        conf_high where they apply.
    method : str
        How the numbers were made, in one sentence.
    unit : str
        What one unit of `n` is.
    n : int
        Units in all.
    conf_level : float
    evidence : str
        descriptive, associational, quasi-causal or experimental.
    limits : tuple of str
        Sentences a reader must see.
    model : object
        The fitted model where there is one.
    chart : dict
        What the figure draws from the table: kind, column names and axis labels.
    simulated : bool
        Whether it rests on a simulated market; then the question says so, wherever it is shown.
    """

    question: str
    table: object
    method: str
    unit: str
    n: int
    conf_level: float = 0.95
    evidence: str = "descriptive"
    limits: tuple = ()
    model: object = None
    chart: dict = field(default_factory=dict)
    simulated: bool = False
    language: str = field(default_factory=texts.language)

    def __post_init__(self):
        one_of("evidence", self.evidence.split(":")[0], EVIDENCE)

    def plot(self, ax=None):
        """Draw the result from its own table and return the matplotlib Axes."""
        from workbench import figures

        return figures.draw(self, ax)

    def figure(self):
        """Return the drawing for display in a notebook, with the drawn numbers as its text."""
        from workbench import figures

        return figures.Drawing(self)

    def save(self, folder):
        """Write table.parquet, result.json, figure.svg and figure.png into `folder`."""
        import matplotlib.pyplot as plt

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.table.to_parquet(folder / "table.parquet")
        kept = {
            k: getattr(self, k)
            for k in (
                "question",
                "method",
                "unit",
                "n",
                "conf_level",
                "evidence",
                "limits",
                "chart",
                "simulated",
                "language",
            )
        }
        (folder / "result.json").write_text(
            json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        if self.chart:
            ax = self.plot()
            for ending in ("svg", "png"):
                ax.figure.savefig(folder / f"figure.{ending}", bbox_inches="tight", dpi=150)
            plt.close(ax.figure)

    def __repr__(self):
        limits = "".join(f"\n- {sentence}" for sentence in self.limits)
        return (
            f"{self.question}\n{shown(self.table).to_string(index=False)}\n{self._foot()}{limits}"
        )

    def _repr_html_(self):
        limits = "".join(f"<li>{html.escape(s)}</li>" for s in self.limits)
        return (
            f'<div class="result">{table_html(self.table, caption=self.question)}'
            f'<p class="method">{html.escape(self._foot())}</p>'
            + (f'<ul class="limits">{limits}</ul>' if limits else "")
            + "</div>"
        )

    def _foot(self):
        return texts.t(
            "result.foot",
            method=self.method,
            n=texts.number(self.n),
            unit=texts.word(self.unit),
            level=texts.number(100 * self.conf_level),
            evidence=": ".join(texts.word(part) for part in self.evidence.split(": ")),
        )


def analysis(function):
    """Make an analysis carry the mark of simulated data from its tables to what it returns."""

    @wraps(function)
    def marked(*args, **options):
        made = function(*args, **options)
        if not any(is_simulated(given) for given in (*args, *options.values())):
            return made
        if isinstance(made, Result):
            return (
                made
                if made.simulated
                else replace(
                    made,
                    question=texts.t("result.simulated", question=made.question),
                    simulated=True,
                )
            )
        if hasattr(made, "attrs"):
            made.attrs["simulated"] = True
        return made

    return marked


def is_simulated(table):
    """Say whether a Result, a DataFrame, an Arrow table or a Parquet path carries the mark of a
    simulated market.
    """
    if isinstance(table, Result):
        return table.simulated
    if (
        isinstance(table, (str, PathLike))
        and str(table).endswith(".parquet")
        and Path(table).is_file()
    ):
        import pyarrow.parquet as pq

        return _in_schema(pq.read_schema(table))
    if hasattr(table, "attrs"):
        return bool(table.attrs.get("simulated"))
    return type(table).__module__.startswith("pyarrow") and _in_schema(
        getattr(table, "schema", None)
    )


def _in_schema(schema):
    notes = getattr(schema, "metadata", None) or {}
    return any(b'"simulated": true' in value for value in notes.values())


def read(folder):
    """Read back a Result that `Result.save` wrote; it draws the same figure.

    Raises InputError when the folder holds no saved result.
    """
    import pandas as pd

    folder = Path(folder)
    if not (folder / "result.json").is_file():
        raise InputError(f"{folder}: no saved result here (result.json is missing)")
    kept = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    kept["limits"] = tuple(kept["limits"])
    return Result(table=pd.read_parquet(folder / "table.parquet"), **kept)


def shown(table):
    """Return a table as text, formatted for reading, with cells under the minimum size suppressed.

    A row whose `n` or `customers` is below 10 keeps its keys; its numbers are withheld.
    """
    import pandas as pd

    small = small_cells(table)
    out = {}
    keys_over = False
    for name in table.columns:
        values = table[name]
        keys_over = keys_over or name in ("count", "n", *_COLUMNS)
        if name == "n" or name == "customers":
            few = small & (values.to_numpy() < MINIMUM_CELL)
            cells = values.map(texts.number).mask(few, f"<{MINIMUM_CELL}").mask(small & ~few, "–")
        elif values.dtype == bool:
            cells = values.map(lambda v: texts.word("yes" if v else "no"))
        elif pd.api.types.is_numeric_dtype(values):
            cells = values.map(texts.p_value if str(name).startswith("p_") else texts.number)
            cells = cells.mask(small, "–") if keys_over else cells
        elif pd.api.types.is_datetime64_any_dtype(values):
            cells = values.dt.strftime("%Y-%m-%d").fillna("–")
        else:
            cells = values.map(lambda v: "–" if v is None or v != v else texts.word(v))
        out[texts.word(name, header=True)] = cells.astype(str)
    return pd.DataFrame(out)


def table_html(table, caption=""):
    """Return a table as escaped HTML with a caption and column scopes: at most 200 rows, those
    after the first 12 folded away.
    """
    text = shown(table.head(SHOWN_ROWS))
    numeric = [
        name in ("count", "n", *_COLUMNS) or table[name].dtype.kind in "ifu"
        for name in table.columns
    ]
    head = "".join(
        (
            f'<th scope="col" class="number">{html.escape(c)}</th>'
            if right
            else f'<th scope="col">{html.escape(c)}</th>'
        )
        for c, right in zip(text.columns, numeric, strict=True)
    )
    rows = [
        "<tr>"
        + "".join(
            (
                f'<td class="number">{html.escape(cell)}</td>'
                if right
                else f"<td>{html.escape(cell)}</td>"
            )
            for cell, right in zip(row, numeric, strict=True)
        )
        + "</tr>"
        for row in text.itertuples(index=False, name=None)
    ]
    # A few rows more are not worth a fold.
    open_rows = len(rows) if len(rows) <= FOLD + 4 else FOLD
    thead = f"<thead><tr>{head}</tr></thead>"
    folded = ""
    if open_rows < len(rows):
        summary = html.escape(
            texts.t("result.folded", rows=texts.number(len(rows) - open_rows)),
        )
        folded = (
            f"<details><summary>{summary}</summary>"
            f"<table>{thead}<tbody>{''.join(rows[open_rows:])}</tbody></table></details>"
        )
    more = (
        f"<p>{html.escape(texts.t('result.more', rows=texts.number(len(table) - SHOWN_ROWS)))}</p>"
        if len(table) > SHOWN_ROWS
        else ""
    )
    caption = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    body = f"<tbody>{''.join(rows[:open_rows])}</tbody>"
    return f"<table>{caption}{thead}{body}</table>{folded}{more}"
