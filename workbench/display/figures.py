"""Figures for people: drawn only from a Result's table, in one theme, with a text twin.

Colours are told apart in grey and by colour-blind readers; groups differ by marker and line
style as well, and carry their name beside the line.
"""

import warnings
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO

from workbench.display import curves, flows, funnel, law, points, record, stations, writing
from workbench.display.languages import naming
from workbench.display.marks import (
    COLOURS,
    GREY,
    INK,
    POINTS_AN_INCH,
    RULES,
    SIZE,
    WIDTH,
    key,
    listed,
    signs,
    title,
    value,
)
from workbench.display.readable import is_unsaid
from workbench.display.shares import apart_rows
from workbench.display.withholding import answer_of, withheld_rows
from workbench.errors import InputError
from workbench.results import is_built_in, withheld

KINDS = {
    "points": points.draw,
    "funnel": funnel.draw,
    "law": law.draw,
    "curve": curves.curve,
    "stations": stations.draw,
    "heat": curves.heat,
    "flow": flows.draw,
}
HEIGHTS = {
    "points": points.height,
    "funnel": funnel.height,
    "law": law.height,
    "curve": curves.height,
    "stations": stations.height,
    "heat": curves.height_of_heat,
    "flow": flows.height,
}
PNG, SVG = "image/png", "image/svg+xml"
_TEXT_ROWS = 40


@contextmanager
def theme():
    """Set the look of every figure of the workbench for the length of a `with` block."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context():
        sizes = ("axes.labelsize", "axes.titlesize", "legend.fontsize", "legend.title_fontsize")
        sizes += ("xtick.labelsize", "ytick.labelsize", "font.size")
        sns.set_theme(
            style="whitegrid",
            context="notebook",
            palette=COLOURS,
            rc={
                **dict.fromkeys(sizes, SIZE),
                "figure.figsize": (WIDTH, 4),
                "figure.dpi": 110,
                "axes.titlelocation": "left",
                "axes.titleweight": "bold",
                # A price such as $5-$10 is text, never mathematics.
                "text.parse_math": False,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.edgecolor": GREY,
                **dict.fromkeys(("text.color", "axes.labelcolor"), INK),
                **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), INK),
                "grid.color": RULES,
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
        record.result(self.result)
        kind = SVG if record.is_kept() else PNG
        text = describe(self.result)
        said = {"alt": text}
        answer = answer_of(self.result)
        if answer is not None:
            # In the words of the table below it, so that a report sees that both say the same.
            with naming(is_built_in(self.result)):
                said["answer"] = writing.render(answer)
            if is_unsaid(answer):
                said["unsaid"] = True
        return {kind: picture(self.result, kind), "text/plain": text}, {kind: said}


def picture(result, kind):
    """Return a Result drawn, as the bytes of a PNG or the text of an SVG."""
    import matplotlib.pyplot as plt

    buffer = BytesIO()
    with theme(), warnings.catch_warnings():
        # A sign that the typeface lacks is drawn as a box; the table holds it.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure = draw(result).figure
        if kind == SVG:
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        else:
            # Without the version stamp the bytes depend on the drawing alone.
            figure.savefig(buffer, format="png", metadata={"Software": None})
        plt.close(figure)
    return buffer.getvalue().decode() if kind == SVG else _small(buffer)


def _small(png):
    """Return a PNG with a palette: it holds a chart's few colours in a third of the bytes."""
    from PIL import Image

    small = BytesIO()
    picture = Image.open(png).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(small, "png", optimize=True)
    return small.getvalue()


def draw(result, ax=None):
    """Draw a Result on `ax` (a new one if none is given) and return the Axes."""
    import matplotlib.pyplot as plt

    kind = result.chart.kind if result.chart else None
    if kind not in KINDS:
        raise InputError("errors.no_chart", "plot: this result has no chart")
    table = _visible(result)
    with theme(), naming(is_built_in(result)):
        if ax is None:
            ax = plt.figure(figsize=(WIDTH, _height(result.chart, table))).add_subplot()
        KINDS[kind](result, result.chart, table, ax)
        _titled(result, ax)
    return ax


def _titled(result, ax):
    """Write the question over a figure, from its left edge on."""
    words = title(result.question, signs(0.92 * WIDTH * POINTS_AN_INCH))
    if len(ax.figure.axes) > 1:
        # A reader's own figure of several axes: each keeps its question.
        ax.set_title(words)
        return
    ax.figure.suptitle(words, x=0.01, ha="left", fontsize=SIZE, fontweight="bold")


def _height(chart, table):
    """Return the height of a figure in inches, by how many rows it has."""
    height = HEIGHTS[chart.kind](chart, table)
    return min(max(height, 1.6), 22)


def describe(result):
    """Return the drawn numbers of a Result as plain text: its alternative text."""
    with naming(is_built_in(result)):
        return _described(result)


def _described(result):
    chart, table = result.chart, _visible(result)
    lines = [writing.render(result.question)]
    step = max(1, -(-len(table) // _TEXT_ROWS))  # a long curve is read at even distances
    apart = apart_rows(replace(result, table=table))
    for row, gap in zip(table.to_dict("records")[::step], apart[::step], strict=True):
        say = partial(value, chart=chart, apart=bool(gap))
        line = ", ".join(key(row[k], k) for k in chart.keys) + ": " + say(row["estimate"])
        if "conf_low" in row and row["conf_low"] == row["conf_low"]:
            line += f" ({say(row['conf_low'])} – {say(row['conf_high'])})"
        lines.append(line)
    if result.limits:
        lines.append(writing.render(withheld(result.limits[0])))
    return "\n".join(lines)


def _visible(result):
    table = result.table
    for name, kept in result.chart.only.items():
        table = table[table[name].isin(listed(kept))]
    return table[~withheld_rows(table)]
