"""Figures for people: drawn only from a Result's table, in one theme, with a text twin.

Colours are told apart in grey and by colour-blind readers; groups differ by marker and line
style as well, and carry their name beside the line.
"""

from contextlib import contextmanager
from io import BytesIO

from workbench.display import curves, flows, points, record, writing
from workbench.display.languages import naming
from workbench.display.marks import COLOURS, GREY, key, listed, title, value
from workbench.display.readable import is_unsaid
from workbench.errors import InputError
from workbench.results import is_built_in, small_cells, withheld

KINDS = {
    "points": points.draw,
    "curve": curves.curve,
    "heat": curves.heat,
    "flow": flows.draw,
}
_TEXT_ROWS = 40


@contextmanager
def theme():
    """Set the look of every figure of the workbench for the length of a `with` block."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context():
        sns.set_theme(
            style="whitegrid",
            context="notebook",
            palette=COLOURS,
            rc={
                "figure.figsize": (8, 4.5),
                "figure.dpi": 110,
                "axes.titlelocation": "left",
                "axes.titleweight": "bold",
                "axes.titlesize": 12,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.edgecolor": GREY,
                "grid.color": "#e4e7ea",
                "svg.hashsalt": "workbench",
                "figure.constrained_layout.use": True,
            },
        )
        yield


class Drawing:
    """A drawn Result: an image for the eye and the same numbers as text for tests and readers."""

    def __init__(self, result):
        self.result = result

    def _repr_mimebundle_(self, include=None, exclude=None):
        import matplotlib.pyplot as plt
        from PIL import Image

        record.result(self.result)
        ax = draw(self.result)
        buffer = BytesIO()
        # Without the version stamp the bytes depend on the drawing alone.
        ax.figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
        plt.close(ax.figure)
        # A palette holds a chart's few colours in a third of the bytes.
        small = BytesIO()
        Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            small, "png", optimize=True
        )
        text = describe(self.result)
        said = {"alt": text}
        if self.result.answer is not None:
            # In the words of the table below it, so that a report sees that both say the same.
            with naming(is_built_in(self.result)):
                said["answer"] = writing.render(self.result.answer)
            if is_unsaid(self.result.answer):
                said["unsaid"] = True
        return {"image/png": small.getvalue(), "text/plain": text}, {"image/png": said}


def draw(result, ax=None):
    """Draw a Result on `ax` (a new one if none is given) and return the Axes."""
    import matplotlib.pyplot as plt

    kind = result.chart.kind if result.chart else None
    if kind not in KINDS:
        raise InputError("errors.no_chart", "plot: this result has no chart")
    table = _visible(result)
    with theme(), naming(is_built_in(result)):
        if ax is None:
            ax = plt.figure(figsize=(8, _height(result.chart, table))).add_subplot()
        KINDS[kind](result, result.chart, table, ax)
        ax.set_title(title(result.question, 78))
    return ax


def _height(chart, table):
    """Return the height of a figure in inches, by how many rows it has."""
    if chart.kind == "points":
        labels = points.labels_of(chart, table)
        lines = [len(points.wrapped(label)) for label in labels]
        # Groups of one label share a line, and stand closer.
        shared = points.grouped(chart) and len(set(labels)) < len(labels)
        rows = 0.6 * len(lines) if shared else 0.55 * sum(lines) + 0.45 * len(lines)
        height = 1.8 + 0.34 * min(rows, 60)
    elif chart.kind == "heat":
        height = 2 + 0.32 * min(table[chart.row].nunique(), 24)
    else:
        height = 5.2 if chart.kind == "flow" else 4.5
    return min(max(height, 3), 22)


def describe(result):
    """Return the drawn numbers of a Result as plain text: its alternative text."""
    with naming(is_built_in(result)):
        return _described(result)


def _described(result):
    chart, table = result.chart, _visible(result)
    lines = [writing.render(result.question)]
    step = max(1, -(-len(table) // _TEXT_ROWS))  # a long curve is read at even distances
    for row in table.iloc[::step].to_dict("records"):
        line = ", ".join(key(row[k], k) for k in chart.keys) + ": " + value(row["estimate"], chart)
        if "conf_low" in row and row["conf_low"] == row["conf_low"]:
            line += f" ({value(row['conf_low'], chart)} – {value(row['conf_high'], chart)})"
        lines.append(line)
    if result.limits:
        lines.append(writing.render(withheld(result.limits[0])))
    return "\n".join(lines)


def _visible(result):
    table = result.table
    for name, kept in result.chart.only.items():
        table = table[table[name].isin(listed(kept))]
    return table[~small_cells(table)]
